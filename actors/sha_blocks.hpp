#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tutti {

/// The chaining value of SHA-1 (FIPS 180-4, 5.3.1 for the first one).
struct Sha1Chain {
  std::array<std::uint32_t, 5> words{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
};
/// The chaining value of SHA-256 (FIPS 180-4, 5.3.3 for the first one).
struct Sha256Chain {
  std::array<std::uint32_t, 8> words{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

/// Bytes of a block of either hash.
constexpr std::size_t sha_block_size = 64;

/// True if this processor has the SHA instructions that advance_both needs.
bool has_sha_instructions();

/// Advances both hashes over the same `blocks` blocks of 64 bytes, in one pass. One hash alone leaves the processor's
/// SHA unit idle while each step waits for the one before; two that do not wait for each other fill the gaps, so that
/// both together cost hardly more than the slower one. Only where has_sha_instructions().
void advance_both(Sha1Chain& sha1, Sha256Chain& sha256, const std::uint8_t* data, std::size_t blocks);

/// The same, and `other`, a SHA-1 of something longer that goes on with the same bytes. It costs hardly anything: most of
/// SHA-1 is the message schedule, which both share, and the rest fills gaps. (A SHA-1 over other bytes beside them was
/// tried: there are too few registers, it costs as much as alone.) Only where has_sha_instructions().
void advance_three(Sha1Chain& sha1, Sha256Chain& sha256, Sha1Chain& other, const std::uint8_t* data,
                   std::size_t blocks);

/// SHA-1 alone. Only where has_sha_instructions().
void advance_one(Sha1Chain& sha1, const std::uint8_t* data, std::size_t blocks);

}  // namespace tutti
