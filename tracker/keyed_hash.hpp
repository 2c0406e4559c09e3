#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>

#include "messages/bytes.hpp"

namespace tutti {

/// Random bytes that nobody outside the process knows.
struct HashSecret {
  std::array<std::uint8_t, crypto_shorthash_KEYBYTES> bytes{};
};

/// SipHash of ids under a secret. Clients choose their keys, and ids follow from those: under a hash that is known they
/// could choose a million that all fall into one place of a table, and each look-up would walk over them.
class KeyedHash {
 public:
  KeyedHash() = default;
  explicit KeyedHash(const HashSecret& secret) : secret_(secret) {}

  std::uint64_t of(ByteView bytes) const {
    std::array<std::uint8_t, crypto_shorthash_BYTES> hash{};
    crypto_shorthash(hash.data(), bytes.data(), bytes.size(), secret_.bytes.data());
    std::uint64_t value = 0;
    for (const std::uint8_t byte : hash) value = value << 8U | byte;
    return value;
  }
  template <class Tag, std::size_t N>
  std::size_t operator()(const FixedBytes<Tag, N>& id) const {
    return of(id.view());
  }
  /// Ids that are made of others say their bytes themselves.
  template <class Id>
  requires requires(const Id& id) { id.hashed(); }
  std::size_t operator()(const Id& id) const { return of(id.hashed()); }

 private:
  HashSecret secret_;
};

}  // namespace tutti
