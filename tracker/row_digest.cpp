#include "tracker/row_digest.hpp"

#include <sodium.h>

namespace tutti {

namespace {

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8U | bytes[i];
  return value;
}

}  // namespace

RowDigest::Sum RowDigest::hash_of(const RowText& row) {
  static constexpr std::array<std::uint8_t, crypto_shorthash_siphashx24_KEYBYTES> key{'t', 'u', 't', 't',
                                                                                      'i'};
  std::array<std::uint8_t, crypto_shorthash_siphashx24_BYTES> digest{};
  crypto_shorthash_siphashx24(digest.data(), reinterpret_cast<const std::uint8_t*>(row.all().data()),
                              row.all().size(), key.data());
  return {big_endian(digest.data()), big_endian(digest.data() + 8)};
}

void RowDigest::turn(const RowText& row, Turn turn) {
  const Sum each = hash_of(row);
  Sum& sum = sums_[row.bucket()];
  if (turn == Turn::comes) {
    sum.low += each.low;
    sum.high += each.high;
  } else {
    sum.low -= each.low;
    sum.high -= each.high;
  }
}

StateDigest RowDigest::digest_of(const Sum& sum) {
  StateDigest digest;
  for (std::size_t i = 0; i < 8; ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(sum.low >> (8 * (7 - i)));
    digest.bytes[8 + i] = static_cast<std::uint8_t>(sum.high >> (8 * (7 - i)));
  }
  return digest;
}

StateDigest RowDigest::total() const {
  Sum sum;
  for (const Sum& each : sums_) {
    sum.low += each.low;
    sum.high += each.high;
  }
  return digest_of(sum);
}

DigestList<StateDigest> RowDigest::buckets() const {
  DigestList<StateDigest> list;
  for (const Sum& each : sums_) list.push_back(digest_of(each));
  return list;
}

}  // namespace tutti
