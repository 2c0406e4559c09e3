#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/actor.hpp"
#include "messages/inside_tracker.hpp"

namespace tutti {

/// What one guess at a password costs. The defaults cost about 0.1 s of one core and 64 MiB for as long (OWASP's
/// Argon2id figures, rounded up); tests lower them.
struct PasswordCost {
  std::uint32_t passes = 2;
  std::uint32_t memory_kib = 64 * 1024;
  bool operator==(const PasswordCost&) const = default;
};

using PasswordSalt = std::array<std::uint8_t, 16>;

/// Argon2id (RFC 9106) of a password, as libsodium's crypto_pwhash_str prints it; empty if memory ran out. The salt is
/// given, so that a simulation repeats itself.
std::string make_password_verifier(std::string_view password, const PasswordCost& cost,
                                   const PasswordSalt& salt);

/// Compares in constant time. False for a verifier that is none.
bool password_fits(std::string_view password, std::string_view verifier);

/// Turns passwords into verifiers and checks them, one at a time. Owns nothing but a verifier to compare with when
/// there is no such user.
///
/// Rules:
/// - Blocks its worker for as long as a hash takes, so it has one of its own; two of them bound what a flood of logins
///   can take of processor and memory.
/// - An unknown user costs the same as a wrong password, or the time of an answer would tell which names exist.
class PasswordHasher final : public ActorOf<PasswordHasher, PasswordHasherRole::Accepts> {
 public:
  explicit PasswordHasher(const PasswordCost& cost) : cost_(cost) {}

  void start(Context& context) override;
  void on(const HashPassword& message, Context& context);
  void on(const CheckPassword& message, Context& context);

 private:
  PasswordCost cost_;
  std::string nobodys_verifier_;
};

}  // namespace tutti
