#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/actor.hpp"
#include "actors/connection_limits.hpp"
#include "actors/link_keys.hpp"
#include "actors/trace.hpp"

namespace tutti {

/// How the ZeroMQ host treats its links. The defaults are for real networks; tests shorten them.
struct ZmqHostOptions {
  /// A link that said or heard nothing for so long is pinged.
  std::chrono::milliseconds ping_after{1000};
  /// A link that heard nothing for so long is down.
  std::chrono::milliseconds silent_after{3000};
  /// A connection that does not stand after so long is made anew (a socket that once met a wrong service never
  /// recovers by itself).
  std::chrono::milliseconds redial_after{2000};
  /// Between two attempts to reach who does not answer (and up to `dial_pause` more, by chance), at first, and after
  /// several in vain: clients that lost their tracker are many. Twice as much each time.
  std::chrono::milliseconds dial_pause{100};
  std::chrono::milliseconds dial_pause_max{2000};
  /// What was sent before a link was closed may take so long to go out.
  std::chrono::milliseconds linger{300};
  /// A sealed link that does not stand, or does not stay, is dialled again after a pause that grows from `dial_pause` up to so
  /// long: its port may be behind a firewall for good, or somebody on the way may spoil whatever passes.
  std::chrono::milliseconds sealed_pause_max{30'000};
  /// A sealed link gets new keys when so many bytes have been sealed or opened with one.
  std::uint64_t sealed_bytes_max = std::uint64_t{1} << 38U;
  /// Peers of one door at the most; further ones are not heard.
  std::size_t peers_per_door = 4096;
  /// Connections of one door, of which fewer are taken where the system gives this process few descriptors.
  ConnectionBounds connections = {};
  /// What its links prove to be theirs. None: a pair that is made for this host and goes with it.
  std::optional<LinkKeys> keys = std::nullopt;
};

/// The host of the real programs: worker threads with inproc inboxes, TCP sockets as links, a gate that judges whoever
/// knocks at a door.
///
/// Owns the ZeroMQ context, the threads, all sockets, its key pair. Every actor lives on one worker and only that thread touches it
/// and the sockets that it opened. Between workers an envelope crosses as two frames: address and msgpack, and the
/// payload by handle.
///
/// Life: add workers, reserve addresses, spawn actors; start() returns when all are ready; stop() asks them in the
/// reverse order and waits for each goodbye.
class ZmqHost {
 public:
  struct WorkerId {
    std::uint16_t index = 0;
  };

  explicit ZmqHost(const ZmqHostOptions& options = {});
  ~ZmqHost();
  ZmqHost(const ZmqHost&) = delete;
  ZmqHost& operator=(const ZmqHost&) = delete;

  /// A thread of its own. Before start() only.
  WorkerId add_worker(std::string_view name);
  /// A worker that runs on the thread that calls run(). At most one.
  WorkerId add_calling_worker(std::string_view name);

  template <class Role>
  Ref<Role> reserve(WorkerId worker) {
    return {fresh_address(worker)};
  }
  /// Puts an actor at a reserved address. Before start() only.
  template <class Role>
  void spawn(Ref<Role> at, std::string_view name, std::unique_ptr<Actor> actor) {
    place(at.address, name, std::move(actor));
  }

  /// The links of this actor prove other keys than the host's: many clients in one process. Before start() only.
  template <class Role>
  void give_keys(Ref<Role> actor, const LinkKeys& keys) {
    give_keys_to(actor.address, keys);
  }

  /// Starts all workers' threads; every actor is ready when it returns (those of the calling worker once run() runs).
  void start();
  /// Runs the calling worker until all of its actors have said goodbye.
  void run();
  /// Asks every actor to stop, the last spawned first, and waits for each goodbye, `patience` at most in all. Then
  /// joins the threads. Safe to call twice.
  void stop(std::chrono::milliseconds patience = std::chrono::milliseconds(1000));

  /// From now on deliveries are reported to `sink` (null: no more). The sink must outlive the host.
  void set_trace(TraceSink* sink);

 private:
  struct Shared;
  friend class ZmqWorker;

  Address fresh_address(WorkerId worker);
  void give_keys_to(Address actor, const LinkKeys& keys);
  void place(Address at, std::string_view name, std::unique_ptr<Actor> actor);

  std::unique_ptr<Shared> shared_;
};

}  // namespace tutti
