#include <benchmark/benchmark.h>

#include "actors/zmq_host.hpp"
#include "messages/codec_impl.hpp"
#include "messages/peer_peer.hpp"
#include "tests/bench/gate.hpp"

// What the kernel itself costs: blocks over a TCP link and between two workers, small messages between two workers.
// Figures are per block or message, in the time of the whole process.

namespace {

using namespace tutti;
using bench::Gate;

struct Go {
  TUTTI_MESSAGE(Go, 0xf101);
};

struct SourceRole {
  static constexpr std::string_view name = "source";
  using Accepts = Messages<RequestBlock>;
  using Says = Messages<Block>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};
struct SinkRole {
  static constexpr std::string_view name = "sink";
  using Accepts = Messages<Block, Go>;
  using Says = Messages<RequestBlock>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};

class Source final : public ActorOf<Source, Messages<RequestBlock>> {
 public:
  Source(std::string endpoint, Payload block) : endpoint_(std::move(endpoint)), block_(std::move(block)) {}
  void start(Context& context) override {
    if (!endpoint_.empty()) context.listen<SinkRole>(endpoint_);
  }
  void on(const RequestBlock& request, Context& context) {
    context.reply(Block{request.fid, request.piece, request.offset}, block_);
  }

 private:
  std::string endpoint_;
  Payload block_;
};

class Sink final : public ActorOf<Sink, Messages<Block>> {
 public:
  static constexpr int in_flight = 8;
  Sink(Ref<SourceRole> source, std::string endpoint, const LinkKey& key, std::int64_t blocks, Gate& gate)
      : source_(source), endpoint_(std::move(endpoint)), key_(key), left_(blocks), gate_(gate) {}
  void start(Context& context) override {
    if (!endpoint_.empty()) {
      source_ = context.connect<SourceRole>(endpoint_, key_);
    } else {
      begin(context);
    }
  }
  void on(const LinkUp&, Context& context) { begin(context); }
  void on(const Block&, Context& context) {
    if (--left_ == 0) gate_.open();
    if (left_ >= in_flight) ask(context);
  }

 private:
  void begin(Context& context) {
    for (int i = 0; i < in_flight; ++i) ask(context);
  }
  void ask(Context& context) { context.send(source_, RequestBlock{{}, {}, {}, {1}}); }

  Ref<SourceRole> source_;
  std::string endpoint_;
  LinkKey key_;
  std::int64_t left_;
  Gate& gate_;
};

void run(benchmark::State& state, const std::string& endpoint, std::size_t block_bytes) {
  constexpr std::int64_t blocks = 1024;
  const Payload block = Payload::own(Bytes(block_bytes, 7));
  for (auto _ : state) {
    Gate gate;
    ZmqHostOptions options;
    options.keys = make_link_keys();
    ZmqHost host(options);
    const auto source = host.reserve<SourceRole>(host.add_worker("source"));
    const auto sink = host.reserve<SinkRole>(host.add_worker("sink"));
    host.spawn(source, "source", std::make_unique<Source>(endpoint, block));
    host.spawn(sink, "sink", std::make_unique<Sink>(source, endpoint, options.keys->key, blocks, gate));
    host.start();
    gate.wait();
    host.stop();
  }
  state.SetItemsProcessed(state.iterations() * blocks);
  state.SetBytesProcessed(state.iterations() * blocks * static_cast<std::int64_t>(block_bytes));
}

void blocks_over_tcp(benchmark::State& state) {
  run(state, "127.0.0.1:21990", static_cast<std::size_t>(state.range(0)));
}
void blocks_between_workers(benchmark::State& state) {
  run(state, "", static_cast<std::size_t>(state.range(0)));
}

BENCHMARK(blocks_over_tcp)
    ->Arg(1 << 14)
    ->Arg(1 << 17)
    ->Arg(1 << 19)
    ->Arg(1 << 20)
    ->UseRealTime()
    ->MeasureProcessCPUTime();
BENCHMARK(blocks_between_workers)->Arg(1)->Arg(1 << 19)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace

BENCHMARK_MAIN();
