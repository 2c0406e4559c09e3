#include "peer/part_of.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace tutti {
namespace {

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::uint64_t seed_of(const ClientKey& client) {
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | client.bytes[i];
  return mix(seed);
}

}  // namespace

Bitfield part_of(const ClientKey& self, std::span<const ClientKey> others, std::uint32_t pieces) {
  Bitfield part(pieces);
  const std::uint64_t own_seed = seed_of(self);
  std::vector<std::pair<std::uint64_t, bool>> seeds;  // and whether its key wins a draw against ours
  for (const ClientKey& other : others) seeds.emplace_back(seed_of(other), other < self);
  for (PieceIndex piece; piece.value < pieces; ++piece) {
    const std::uint64_t own = mix(own_seed ^ piece.value);
    const bool ours = std::none_of(seeds.begin(), seeds.end(), [&](const auto& other) {
      const std::uint64_t theirs = mix(other.first ^ piece.value);
      return theirs > own || (theirs == own && other.second);
    });
    if (ours) part.set(piece);
  }
  return part;
}

}  // namespace tutti
