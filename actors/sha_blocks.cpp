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

/// Four rounds with these words of the message schedule.
template <int group>
TUTTI_SHA_STEP void sha1_rounds(Sha1Registers& r, __m128i word) {
  const __m128i input = group == 0 ? _mm_add_epi32(r.e, word) : _mm_sha1nexte_epu32(r.before, word);
  r.before = r.abcd;
  r.abcd = _mm_sha1rnds4_epu32(r.abcd, input, group / 5);
}

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
  sha1_rounds<group>(r, word);
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

/// Loads what the chains hold, keeps what a block has to be added to, and stores what came of it.
struct Sha1Run {
  Sha1Registers now;
  __m128i abcd;
  __m128i e;
};
struct Sha256Run {
  Sha256Registers now;
  __m128i abef;
  __m128i cdgh;
};

TUTTI_SHA_STEP __m128i load(const std::uint32_t* words) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
}
TUTTI_SHA_STEP void store(std::uint32_t* words, __m128i value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words), value);
}

TUTTI_SHA_STEP void begin(Sha1Run& run, const Sha1Chain& chain) {
  run.now.abcd = _mm_shuffle_epi32(load(chain.words.data()), 0x1b);
  run.now.e = _mm_set_epi32(static_cast<int>(chain.words[4]), 0, 0, 0);
}
TUTTI_SHA_STEP void begin(Sha256Run& run, const Sha256Chain& chain) {
  // abcd, efgh -> abef, cdgh
  const __m128i badc = _mm_shuffle_epi32(load(chain.words.data()), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(chain.words.data() + 4), 0x1b);
  run.now.abef = _mm_alignr_epi8(badc, hgfe, 8);
  run.now.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
}

TUTTI_SHA_STEP void before_block(Sha1Run& run) {
  run.abcd = run.now.abcd;
  run.e = run.now.e;
}
TUTTI_SHA_STEP void before_block(Sha256Run& run) {
  run.abef = run.now.abef;
  run.cdgh = run.now.cdgh;
}
TUTTI_SHA_STEP void after_block(Sha1Run& run) {
  run.now.abcd = _mm_add_epi32(run.now.abcd, run.abcd);
  run.now.e = _mm_sha1nexte_epu32(run.now.before, run.e);
}
TUTTI_SHA_STEP void after_block(Sha256Run& run) {
  run.now.abef = _mm_add_epi32(run.now.abef, run.abef);
  run.now.cdgh = _mm_add_epi32(run.now.cdgh, run.cdgh);
}

TUTTI_SHA_STEP void end(const Sha1Run& run, Sha1Chain& chain) {
  store(chain.words.data(), _mm_shuffle_epi32(run.now.abcd, 0x1b));
  chain.words[4] = static_cast<std::uint32_t>(_mm_extract_epi32(run.now.e, 3));
}
TUTTI_SHA_STEP void end(const Sha256Run& run, Sha256Chain& chain) {
  const __m128i feba = _mm_shuffle_epi32(run.now.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(run.now.cdgh, 0xb1);
  store(chain.words.data(), _mm_blend_epi16(feba, dchg, 0xf0));
  store(chain.words.data() + 4, _mm_alignr_epi8(dchg, feba, 8));
}

template <int group>
TUTTI_SHA_STEP void step(Sha1Run& run, const std::uint8_t* block) {
  sha1_step<group>(run.now, block);
}
template <int group>
TUTTI_SHA_STEP void step(Sha256Run& run, const std::uint8_t* block) {
  if constexpr (group < sha256_groups) sha256_step<group>(run.now, block);
}

using AllGroups = std::make_integer_sequence<int, sha1_groups>;

template <int... group>
TUTTI_SHA_STEP void block_of_one(Sha1Run& one, const std::uint8_t* block,
                                 std::integer_sequence<int, group...>) {
  (step<group>(one, block), ...);
}
template <int group>
TUTTI_SHA_STEP void step_of_both(Sha1Run& one, Sha256Run& two, const std::uint8_t* block) {
  step<group>(one, block);
  step<group>(two, block);
}
template <int... group>
TUTTI_SHA_STEP void block_of_both(Sha1Run& one, Sha256Run& two, const std::uint8_t* block,
                                  std::integer_sequence<int, group...>) {
  (step_of_both<group>(one, two, block), ...);
}
template <int group>
TUTTI_SHA_STEP void step_of_three(Sha1Run& one, Sha256Run& two, Sha1Run& three, const std::uint8_t* block) {
  step<group>(one, block);
  sha1_rounds<group>(three.now, one.now.words[group % 4]);
  step<group>(two, block);
}
template <int... group>
TUTTI_SHA_STEP void block_of_three(Sha1Run& one, Sha256Run& two, Sha1Run& three, const std::uint8_t* block,
                                   std::integer_sequence<int, group...>) {
  (step_of_three<group>(one, two, three, block), ...);
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

#define TUTTI_SHA_PASS [[gnu::target("sha,sse4.1,ssse3")]]

TUTTI_SHA_PASS void advance_one(Sha1Chain& sha1, const std::uint8_t* data, std::size_t blocks) {
  ENSURE(has_sha_instructions());
  Sha1Run one{};
  begin(one, sha1);
  for (; blocks > 0; --blocks, data += sha_block_size) {
    before_block(one);
    block_of_one(one, data, AllGroups{});
    after_block(one);
  }
  end(one, sha1);
}

TUTTI_SHA_PASS void advance_both(Sha1Chain& sha1, Sha256Chain& sha256, const std::uint8_t* data,
                                 std::size_t blocks) {
  ENSURE(has_sha_instructions());
  Sha1Run one{};
  Sha256Run two{};
  begin(one, sha1);
  begin(two, sha256);
  for (; blocks > 0; --blocks, data += sha_block_size) {
    before_block(one);
    before_block(two);
    block_of_both(one, two, data, AllGroups{});
    after_block(one);
    after_block(two);
  }
  end(one, sha1);
  end(two, sha256);
}

TUTTI_SHA_PASS void advance_three(Sha1Chain& sha1, Sha256Chain& sha256, Sha1Chain& other,
                                  const std::uint8_t* data, std::size_t blocks) {
  ENSURE(has_sha_instructions());
  Sha1Run one{};
  Sha256Run two{};
  Sha1Run three{};
  begin(one, sha1);
  begin(two, sha256);
  begin(three, other);
  for (; blocks > 0; --blocks, data += sha_block_size) {
    before_block(one);
    before_block(two);
    before_block(three);
    block_of_three(one, two, three, data, AllGroups{});
    after_block(one);
    after_block(two);
    after_block(three);
  }
  end(one, sha1);
  end(two, sha256);
  end(three, other);
}

}  // namespace tutti

#else

namespace tutti {

bool has_sha_instructions() { return false; }
void advance_one(Sha1Chain&, const std::uint8_t*, std::size_t) { ENSURE(has_sha_instructions()); }
void advance_both(Sha1Chain&, Sha256Chain&, const std::uint8_t*, std::size_t) {
  ENSURE(has_sha_instructions());
}
void advance_three(Sha1Chain&, Sha256Chain&, Sha1Chain&, const std::uint8_t*, std::size_t) {
  ENSURE(has_sha_instructions());
}

}  // namespace tutti

#endif
