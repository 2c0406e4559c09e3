#include <benchmark/benchmark.h>

#include "actors/digest.hpp"

// What hashing costs: one hash alone, both one after the other, both interleaved, both with a
// second SHA-1 beside them. Bytes a second of input, one core.

namespace {

using namespace tutti;

const Bytes& input() {
  static const Bytes bytes(512U << 10U, 7);
  return bytes;
}

template <class Hasher>
void hash(benchmark::State& state, Hasher hasher) {
  for (auto _ : state) {
    hasher.update(input());
    benchmark::DoNotOptimize(hasher.finish());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(input().size()));
}

void sha1_alone(benchmark::State& state) { hash(state, Sha1Hasher()); }
void sha256_alone(benchmark::State& state) { hash(state, Sha256Hasher()); }
void one_after_the_other(benchmark::State& state) { hash(state, PairHasher::portable()); }
void interleaved(benchmark::State& state) { hash(state, PairHasher()); }

/// As one verifies a download: the whole's SHA-1 goes along with its pieces.
void with_the_whole(benchmark::State& state) {
  PairHasher hasher;
  CompanionSha1 whole;
  for (auto _ : state) {
    hasher.update_with(whole, input());
    benchmark::DoNotOptimize(hasher.finish());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(input().size()));
}

BENCHMARK(sha1_alone);
BENCHMARK(sha256_alone);
BENCHMARK(one_after_the_other);
BENCHMARK(interleaved);
BENCHMARK(with_the_whole);

}  // namespace

BENCHMARK_MAIN();
