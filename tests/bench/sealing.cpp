#include <benchmark/benchmark.h>

#include "actors/sealed_channel.hpp"

// What sealing blocks costs, and sealing and opening them. Bytes a second of what is in them, one core.

namespace {

using namespace tutti;

struct Line {
  SealedPass pass;
  SealedRandom dialler;
  SealedRandom door;
  SealedChannel near{pass, dialler, door, SealedChannel::Direction::to_dialler};
  SealedChannel far{pass, dialler, door, SealedChannel::Direction::to_dialler};
  Bytes block = Bytes(512U << 10U, 7);
  Bytes frame = Bytes(block.size() + SealedChannel::tag_bytes);

  void seal() { near.seal(SealedFrame::payload, block, frame.data()); }
  void count(benchmark::State& state) const {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(block.size()));
  }
};

void seal(benchmark::State& state) {
  Line line;
  for (auto _ : state) line.seal();
  line.count(state);
}

void seal_and_open(benchmark::State& state) {
  Line line;
  for (auto _ : state) {
    line.seal();
    if (!line.far.open(SealedFrame::payload, line.frame))
      state.SkipWithError("what was sealed does not open");
  }
  line.count(state);
}

BENCHMARK(seal);
BENCHMARK(seal_and_open);

}  // namespace

BENCHMARK_MAIN();
