#pragma once

#include <array>
#include <cstdint>

#include "messages/signing_key.hpp"

namespace tutti {

/// An Ed25519 key pair.
struct SigningKeys {
  SigningKey key;                         ///< public
  std::array<std::uint8_t, 64> secret{};  ///< never leaves the process
};

/// The pair that belongs to the secret half of a link's key: it need not be kept apart, and nobody can tell either from
/// the other.
SigningKeys signing_keys_of(const std::array<std::uint8_t, 32>& link_secret);

Signature sign(const SigningKeys& keys, ByteView words);
/// About 60 microseconds.
bool is_signed(const SigningKey& by, const Signature& signature, ByteView words);

}  // namespace tutti
