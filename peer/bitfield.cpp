#include "peer/bitfield.hpp"

#include <algorithm>
#include <numeric>

namespace tutti {

Bitfield Bitfield::full(std::uint32_t pieces) {
  Bitfield result(pieces);
  std::fill(result.words_.begin(), result.words_.end(), ~std::uint64_t{0});
  if (pieces % 64 != 0) result.words_.back() <<= 64 - pieces % 64;
  return result;
}

std::optional<Bitfield> Bitfield::parse(ByteView bytes, std::uint32_t pieces) {
  if (bytes.size() != (std::size_t{pieces} + 7) / 8) return std::nullopt;
  if (pieces % 8 != 0 && (bytes.back() & (0xffU >> pieces % 8)) != 0) return std::nullopt;
  Bitfield result(pieces);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    result.words_[i / 8] |= std::uint64_t{bytes[i]} << (56 - i % 8 * 8);
  return result;
}

Bytes Bitfield::bytes() const {
  Bytes result((std::size_t{size_} + 7) / 8);
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<std::uint8_t>(words_[i / 8] >> (56 - i % 8 * 8));
  return result;
}

std::uint32_t Bitfield::count() const {
  return std::accumulate(words_.begin(), words_.end(), std::uint32_t{0},
                         [](std::uint32_t sum, std::uint64_t word) {
                           return sum + static_cast<std::uint32_t>(std::popcount(word));
                         });
}

bool Bitfield::none() const {
  return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
}

}  // namespace tutti
