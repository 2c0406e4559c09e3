#include "actors/sha_blocks.hpp"

#include <utility>

#include "actors/ensure.hpp"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define TUTTI_SHA_STEP [[gnu::always_inline, gnu::target("sha,sse4.1,ssse3")]] inline

namespace tutti {

namespace {

constexpr int sha1_groups = 20;    // of four rounds
constexpr int sha256_groups = 16;  // of four rounds

alignas(16) constexpr std::array<std::uint32_t, 64> sha256_constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// SHA-1 between two groups of rounds. The instructions want the words of a vector in reverse order.
struct Sha1Registers {
  __m128i abcd;
  __m128i before;  // abcd one group ago: its `a`, rotated, is the next `e`
  __m128i e;
  __m128i words[4];  // of the message schedule, the last 16
};

/// SHA-256 between two groups of rounds, as the instructions want it.
struct Sha256Registers {
  __m128i abef;
  __m128i cdgh;
  __m128i words[4];
};

template <int group>
TUTTI_SHA_STEP void sha1_step(Sha1Registers& r, const std::uint8_t* block) {
  __m128i& word = r.words[group % 4];
  if constexpr (group < 4) {
    const __m128i order = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    word = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + group), order);
  } else {
    const __m128i first = _mm_sha1msg1_epu32(word, r.words[(group + 1) % 4]);
    word = _mm_sha1msg2_epu32(_mm_xor_si128(first, r.words[(group + 2) % 4]), r.words[(group + 3) % 4]);
  }
  const __m128i input = group == 0 ? _mm_add_epi32(r.e, word) : _mm_sha1nexte_epu32(r.before, word);
  r.before = r.abcd;
  r.abcd = _mm_sha1rnds4_epu32(r.abcd, input, group / 5);
}

template <int group>
TUTTI_SHA_STEP void sha256_step(Sha256Registers& r, const std::uint8_t* block) {
  __m128i& word = r.words[group % 4];
  if constexpr (group < 4) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    word = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + group), order);
  } else {
    const __m128i before = r.words[(group + 3) % 4];
    const __m128i middle = _mm_alignr_epi8(before, r.words[(group + 2) % 4], 4);
    const __m128i first = _mm_add_epi32(_mm_sha256msg1_epu32(word, r.words[(group + 1) % 4]), middle);
    word = _mm_sha256msg2_epu32(first, before);
  }
  const auto* constants = reinterpret_cast<const __m128i*>(sha256_constants.data()) + group;
  const __m128i input = _mm_add_epi32(word, _mm_load_si128(constants));
  r.cdgh = _mm_sha256rnds2_epu32(r.cdgh, r.abef, input);
  r.abef = _mm_sha256rnds2_epu32(r.abef, r.cdgh, _mm_shuffle_epi32(input, 0x0e));
}

template <int group>
TUTTI_SHA_STEP void both_step(Sha1Registers& one, Sha256Registers& two, const std::uint8_t* block) {
  sha1_step<group>(one, block);
  if constexpr (group < sha256_groups) sha256_step<group>(two, block);
}

template <int... group>
TUTTI_SHA_STEP void both_block(Sha1Registers& one, Sha256Registers& two, const std::uint8_t* block,
                               std::integer_sequence<int, group...>) {
  (both_step<group>(one, two, block), ...);
}

}  // namespace

bool has_sha_instructions() {
  static const bool has = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
    const bool sse = (ecx & bit_SSSE3) != 0 && (ecx & bit_SSE4_1) != 0;
    return sse && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
  }();
  return has;
}

[[gnu::target("sha,sse4.1,ssse3")]] void advance_both(Sha1Chain& sha1, Sha256Chain& sha256,
                                                      const std::uint8_t* data, std::size_t blocks) {
  ENSURE(has_sha_instructions());
  const auto load = [](const std::uint32_t* words) __attribute__((target("sha,sse4.1,ssse3"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
  };
  Sha1Registers one{};
  one.abcd = _mm_shuffle_epi32(load(sha1.words.data()), 0x1b);
  one.e = _mm_set_epi32(static_cast<int>(sha1.words[4]), 0, 0, 0);

  // abcd, efgh -> abef, cdgh
  Sha256Registers two{};
  const __m128i badc = _mm_shuffle_epi32(load(sha256.words.data()), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(sha256.words.data() + 4), 0x1b);
  two.abef = _mm_alignr_epi8(badc, hgfe, 8);
  two.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

  for (; blocks > 0; --blocks, data += sha_block_size) {
    const __m128i abcd = one.abcd;
    const __m128i e = one.e;
    const __m128i abef = two.abef;
    const __m128i cdgh = two.cdgh;
    both_block(one, two, data, std::make_integer_sequence<int, sha1_groups>{});
    one.abcd = _mm_add_epi32(one.abcd, abcd);
    one.e = _mm_sha1nexte_epu32(one.before, e);
    two.abef = _mm_add_epi32(two.abef, abef);
    two.cdgh = _mm_add_epi32(two.cdgh, cdgh);
  }

  const auto store = [](std::uint32_t * words, __m128i value) __attribute__((target("sha,sse4.1,ssse3"))) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(words), value);
  };
  store(sha1.words.data(), _mm_shuffle_epi32(one.abcd, 0x1b));
  sha1.words[4] = static_cast<std::uint32_t>(_mm_extract_epi32(one.e, 3));
  const __m128i feba = _mm_shuffle_epi32(two.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(two.cdgh, 0xb1);
  store(sha256.words.data(), _mm_blend_epi16(feba, dchg, 0xf0));
  store(sha256.words.data() + 4, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace tutti

#else

namespace tutti {

bool has_sha_instructions() { return false; }
void advance_both(Sha1Chain&, Sha256Chain&, const std::uint8_t*, std::size_t) {
  ENSURE(has_sha_instructions());
}

}  // namespace tutti

#endif
