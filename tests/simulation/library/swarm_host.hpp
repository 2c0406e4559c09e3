#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/trace_file.hpp"
#include "actors/troupe.hpp"
#include "tests/simulation/library/clockwork.hpp"
#include "tests/simulation/library/swarm_network.hpp"

namespace tutti::simulation {

class SwarmHost;

/// What a world of processes shares: the clock, the network, who watches.
struct SwarmWorld {
  SwarmWorld(std::uint64_t chosen, const NetworkSettings& settings)
      : seed(chosen), network(clock, chosen, settings) {}

  std::uint64_t seed;
  Clockwork clock;
  SwarmNetwork network;
  /// Sees each envelope at the moment at which an actor is given it (timers, too).
  std::function<void(SwarmHost&, Instant, const Envelope&)> on_delivery;
  /// Sees (and may change) what one actor says to another of its process; false loses it. For planted bugs.
  std::function<bool(SwarmHost&, Envelope&)> inside;
  /// Sees (and may change) what leaves over a link, or is said to one that is gone.
  std::function<void(SwarmHost&, Envelope&)> on_leave;
  /// After each delivery every actor of that worker is asked for its invariants.
  bool checks_invariants = true;
  /// Where all deliveries are recorded as well.
  TraceFile* trace = nullptr;
  /// Called by disks: the worker that runs now has to wait so long.
  void charge(Duration time) { charged += time; }
  Duration charged{};
  /// A fingerprint of all deliveries so far: when, to whom, what.
  std::uint64_t hash = 0x5bd1e995U;
  std::uint64_t deliveries = 0;
  /// The most messages that have waited for one worker.
  std::size_t longest_inbox = 0;
  /// What actors of one process said to each other that was not accepted: always a bug.
  std::vector<std::string> inside_faults;
};

/// A process of the simulation: the third host of the actors, beside ZmqHost and InjectionHost. One of them for each life
/// of a tracker or a client; all of them on one thread, under one clock.
///
/// What is modelled:
/// - **Workers** as in ZmqHost: each delivers one message at a time, first what its own actors said, then timers, then the
///   inbox. A message takes the worker a few microseconds (by chance), a nanosecond a byte of a payload that is worked on,
///   and what the disk takes; what was said by its handler leaves when that time is over. Workers run beside each other: a
///   machine has cores enough.
/// - **kill -9**: what was not said yet is not said, actors are gone without a word, timers with them. What the disk was
///   given stays.
/// - **SIGSTOP**: nothing is delivered and no timer fires until it goes on; then all of it at once.
///
/// Rules of Context hold: between two actors messages keep their order, between three they need not.
class SwarmHost {
 public:
  struct Settings {
    std::string name;
    NodeId node = 0;
    LinkKey key;
    /// Between attempts to reach who does not answer: a client's grow up to this.
    Duration dial_pause_max = std::chrono::seconds(2);
    std::uint64_t life = 0;  ///< of the same process, for its streams of chance
    std::chrono::milliseconds clock_ahead{};
  };
  using WorkerId = std::size_t;

  SwarmHost(SwarmWorld& world, Settings settings);
  /// kill -9, if it still runs.
  ~SwarmHost();
  SwarmHost(const SwarmHost&) = delete;
  SwarmHost& operator=(const SwarmHost&) = delete;

  WorkerId add_worker(std::string_view name, bool works_on_payloads = false);
  template <class Role>
  Ref<Role> reserve(WorkerId worker) {
    return {reserve_address(worker)};
  }
  /// It is ready when this returns.
  template <class Role>
  void spawn(Ref<Role> at, std::string_view name, std::unique_ptr<Actor> actor) {
    place(at.address, name, std::move(actor));
  }
  /// Puts words into an actor's mouth: as if it had said this now.
  template <Message M>
  void say(Address from, Address to, const M& message) {
    say_encoded({from, to, M::message_id, encode(message), {}, false});
  }
  void say_encoded(Envelope envelope);

  /// Asks all actors to stop, the last one first, each when the one before has said goodbye. It is
  /// the caller who ends a process that takes too long.
  void stop();
  bool is_stopping() const { return stopping_; }
  void pause();
  void resume();
  bool is_paused() const { return paused_; }
  /// The machine goes with it: nobody is told.
  void vanish();

  HostId id() const { return id_; }
  NodeId node() const { return settings_.node; }
  const Settings& settings() const { return settings_; }
  SwarmWorld& world() const { return world_; }

  // What the network hands in.
  void take(Envelope envelope);
  /// Does this now, or when the process goes on.
  void when_running(std::function<void()> what);

 private:
  class Worker;

  Address reserve_address(WorkerId worker);
  void place(Address at, std::string_view name, std::unique_ptr<Actor> actor);
  Worker* worker_of(Address address) const;
  void leave(bool machine_vanishes);
  void stop_next();
  void has_stopped(Address actor);

  SwarmWorld& world_;
  Settings settings_;
  HostId id_;
  bool paused_ = false;
  bool left_ = false;
  bool stopping_ = false;
  Address awaited_;  ///< whose goodbye comes next
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Address> spawned_;
  std::vector<std::function<void()>> deferred_;
  /// Events outlive a process; this does not.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tutti::simulation
