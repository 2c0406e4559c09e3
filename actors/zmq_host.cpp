#include "actors/zmq_host.hpp"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <latch>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "actors/descriptor_limit.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "actors/zmq_worker.hpp"

namespace tutti {

namespace {

constexpr int sockets_max = 8192;

// Kept from connections that come in, for files, for those that go out, and for what a thread of libzmq takes in before we
// have hung up on it.
constexpr std::size_t descriptors_kept = 112;
constexpr std::size_t connections_least = 16;

/// Two doors never take what the process needs for itself: it would live on, but libzmq's thread would run in circles.
void leave_descriptors(ConnectionBounds& connections, std::size_t descriptors) {
  const std::size_t left = descriptors > descriptors_kept ? (descriptors - descriptors_kept) / 2 : 0;
  connections.in_all = std::min(connections.in_all, std::max(left, connections_least));
}

/// A ROUTER counts its routing ids up from a number that libzmq takes from rand(), which it does not seed. Who knows the
/// next one and brings it as his own ends the process: the ROUTER gives it to somebody else and asserts that it is new.
void make_routing_ids_unpredictable() {
  unsigned seed = 0;
  ENSURE(getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
  std::srand(seed);
}

}  // namespace

struct ZmqHost::Shared final : ZmqHostServices {
  explicit Shared(const ZmqHostOptions& wanted) : options_(wanted), gate_(context) {
    if (!options_.keys) options_.keys = make_link_keys();
    leave_descriptors(options_.connections, raise_descriptor_limit());
    make_routing_ids_unpredictable();
    context.set(zmq::ctxopt::max_sockets, sockets_max);
    context.set(zmq::ctxopt::blocky, false);
  }

  zmq::context_t& zmq_context() override { return context; }
  ZmqGate& gate() override { return gate_; }
  const ZmqHostOptions& options() const override { return options_; }
  std::string inbox_endpoint(std::uint16_t worker) const override {
    return "inproc://inbox-" + std::to_string(worker);
  }
  std::size_t worker_count() const override { return workers.size(); }
  void stopped(Address actor) override {
    const std::lock_guard lock(mutex);
    names.erase(actor);
    if (std::find(actors.begin(), actors.end(), actor) == actors.end()) return;
    gone.insert(actor.value);
    somebody_left.notify_all();
  }
  void named(Address address, std::string_view name) override {
    TraceSink* sink = trace_sink.load();
    if (sink != nullptr) sink->named(address, name);
    const std::lock_guard lock(mutex);
    names[address] = name;
  }
  void unnamed(Address address) override {
    const std::lock_guard lock(mutex);
    names.erase(address);
  }
  TraceSink* trace() const override { return trace_sink.load(); }

  ZmqHostOptions options_;
  zmq::context_t context;
  ZmqGate gate_;  // its thread ends when all sockets of the workers are closed
  std::vector<std::unique_ptr<ZmqWorker>> workers;
  std::vector<std::thread> threads;
  std::optional<std::uint16_t> calling_worker;
  std::vector<Address> actors;  // in the order of spawning
  bool started = false;
  bool stopping = false;
  std::atomic<TraceSink*> trace_sink{nullptr};
  std::mutex mutex;  // guards what follows
  std::condition_variable somebody_left;
  std::set<std::uint64_t> gone;
  std::map<Address, std::string> names;
};

ZmqHost::ZmqHost(const ZmqHostOptions& options) : shared_(std::make_unique<Shared>(options)) {}

ZmqHost::~ZmqHost() {
  stop();
  shared_->workers.clear();
}

ZmqHost::WorkerId ZmqHost::add_worker(std::string_view name) {
  ENSURE(!shared_->started);
  const auto index = static_cast<std::uint16_t>(shared_->workers.size());
  shared_->workers.push_back(std::make_unique<ZmqWorker>(*shared_, index, std::string(name)));
  return {index};
}

ZmqHost::WorkerId ZmqHost::add_calling_worker(std::string_view name) {
  ENSURE(!shared_->calling_worker);
  const WorkerId worker = add_worker(name);
  shared_->calling_worker = worker.index;
  return worker;
}

Address ZmqHost::fresh_address(WorkerId worker) {
  ENSURE(!shared_->started);
  return shared_->workers.at(worker.index)->fresh_address();
}

void ZmqHost::give_keys_to(Address actor, const LinkKeys& keys) {
  ENSURE(!shared_->started);
  shared_->workers.at(ZmqWorker::worker_of(actor))->give_keys(actor, keys);
}

void ZmqHost::place(Address at, std::string_view name, std::unique_ptr<Actor> actor) {
  ENSURE(!shared_->started);
  shared_->actors.push_back(at);
  shared_->workers.at(ZmqWorker::worker_of(at))->place_later(at, name, std::move(actor));
}

void ZmqHost::start() {
  ENSURE(!shared_->started);
  shared_->started = true;
  const bool calls = shared_->calling_worker.has_value();
  const auto threads = static_cast<std::ptrdiff_t>(shared_->workers.size() - (calls ? 1 : 0));
  const auto ready =
      std::make_shared<std::latch>(threads);  // shared: the last to count down may outlive the wait
  for (std::size_t i = 0; i < shared_->workers.size(); ++i) {
    if (shared_->calling_worker == i) continue;
    shared_->threads.emplace_back([this, ready, i] {
      ZmqWorker& worker = *shared_->workers[i];
      pthread_setname_np(pthread_self(), worker.name().substr(0, 15).c_str());
      worker.prepare();
      ready->count_down();
      worker.run();
    });
  }
  ready->wait();
}

void ZmqHost::run() {
  ENSURE(shared_->started && shared_->calling_worker);
  ZmqWorker& worker = *shared_->workers[*shared_->calling_worker];
  worker.prepare();
  worker.run();
}

void ZmqHost::stop(std::chrono::milliseconds patience) {
  if (!shared_->started || shared_->stopping) return;
  shared_->stopping = true;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::map<std::uint16_t, zmq::socket_t> outboxes;
  const auto outbox_to = [&](std::uint16_t worker) -> zmq::socket_t& {
    auto found = outboxes.find(worker);
    if (found == outboxes.end()) {
      found = outboxes.emplace(worker, zmq::socket_t(shared_->context, zmq::socket_type::push)).first;
      found->second.connect(shared_->inbox_endpoint(worker));
    }
    return found->second;
  };
  for (auto actor = shared_->actors.rbegin(); actor != shared_->actors.rend(); ++actor) {
    const std::uint16_t worker = ZmqWorker::worker_of(*actor);
    if (shared_->calling_worker == worker) continue;  // run() has seen it off
    ZmqWorker::send(outbox_to(worker),
                    {Address{}, *actor, StopActor::message_id, encode(StopActor{}), {}, false});
    std::unique_lock lock(shared_->mutex);
    const bool left = shared_->somebody_left.wait_until(lock, deadline,
                                                        [&] { return shared_->gone.contains(actor->value); });
    if (!left) log_warning("actor " + shared_->names[*actor] + " did not say goodbye in time");
  }
  for (std::size_t i = 0; i < shared_->workers.size(); ++i) {
    shared_->workers[i]->abandon();
    // To nobody: only wakes the worker, so that it sees that it is abandoned.
    ZmqWorker::send(outbox_to(static_cast<std::uint16_t>(i)),
                    {Address{}, Address{}, StopActor::message_id, encode(StopActor{}), {}, false});
  }
  for (std::thread& thread : shared_->threads) thread.join();
  shared_->threads.clear();
}

void ZmqHost::set_trace(TraceSink* sink) {
  if (sink != nullptr) {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& [address, name] : shared_->names) sink->named(address, name);
  }
  shared_->trace_sink.store(sink);
}

}  // namespace tutti
