#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "messages/bytes.hpp"

namespace tutti {

/// AES-256-GCM (NIST SP 800-38D) under one key, with nonces of 12 bytes and tags of 16. A nonce must never be used twice to
/// seal: that is its owner's business.
///
/// Where the processor encrypts four blocks with one instruction (VAES with AVX-512), Intel's ipsec-mb does it: 0.13 s a GiB
/// sealing and 0.09 opening where OpenSSL 3.0, which Debian 12 has, takes 0.28 (one core). OpenSSL is the fallback and the
/// oracle of the tests.
class AesGcm {
 public:
  static constexpr std::size_t key_bytes = 32;
  static constexpr std::size_t tag_bytes = 16;
  using Nonce = std::array<std::uint8_t, 12>;

  /// `key` has key_bytes.
  explicit AesGcm(ByteView key);
  /// As on any other processor, for tests.
  static AesGcm portable(ByteView key);
  /// True if this processor has the instructions, so that AesGcm and portable() are two.
  static bool is_wide();
  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;
  ~AesGcm();

  /// Writes `plain` sealed to `target`, and behind it the tag, which also vouches for `beside`.
  void seal(const Nonce& nonce, ByteView beside, ByteView plain, std::uint8_t* target);
  /// Opens a frame where it lies; its last tag_bytes, which must be there, are the tag. False if it was not sealed with this
  /// key, nonce and `beside`; its bytes mean nothing then.
  bool open(const Nonce& nonce, ByteView beside, std::span<std::uint8_t> frame);

 private:
  struct State;
  struct Portable;
  struct Wide;
  explicit AesGcm(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tutti
