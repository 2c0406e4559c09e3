#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>
#include <zmq.hpp>

#include "actors/troupe.hpp"
#include "actors/zmq_host.hpp"
#include "actors/zmq_link.hpp"

namespace tutti {

/// What the workers of one host share. Everything but the atomics is fixed before the threads start.
class ZmqHostServices {
 public:
  ZmqHostServices() = default;
  ZmqHostServices(const ZmqHostServices&) = delete;
  ZmqHostServices& operator=(const ZmqHostServices&) = delete;
  virtual ~ZmqHostServices() = default;
  virtual zmq::context_t& zmq_context() = 0;
  virtual ZmqGate& gate() = 0;
  virtual const ZmqHostOptions& options() const = 0;
  virtual std::string inbox_endpoint(std::uint16_t worker) const = 0;
  virtual std::size_t worker_count() const = 0;
  virtual void stopped(Address actor) = 0;
  virtual void named(Address address, std::string_view name) = 0;
  virtual void unnamed(Address address) = 0;
  virtual TraceSink* trace() const = 0;
};

/// One thread of the ZeroMQ host: a troupe, an inbox, the TCP sockets of its actors, and the loop that serves them.
///
/// Rules: each round delivers a bounded batch from every source, so that no source starves another. What actors of this
/// worker say to each other goes through a queue in memory (encoded all the same); to another worker through its inbox.
/// Addresses carry their worker in the top 16 bits, so that nobody has to be asked where somebody lives.
class ZmqWorker final : private Stage, private LinkOwner {
 public:
  ZmqWorker(ZmqHostServices& host, std::uint16_t index, std::string name);
  ~ZmqWorker() override;

  static std::uint16_t worker_of(Address address) { return static_cast<std::uint16_t>(address.value >> 48U); }
  const std::string& name() const { return name_; }
  Address fresh_address() override;
  /// Before the thread starts: the actor is placed when prepare() runs.
  void place_later(Address at, std::string_view name, std::unique_ptr<Actor> actor);

  /// Before the thread starts: the links of this actor prove other keys than the host's.
  void give_keys(Address actor, const LinkKeys& keys) { keys_[actor.value] = keys; }

  /// On the worker's own thread: places the actors. Then run() serves until no actor is left or the host says so.
  void prepare();
  void run();
  /// Any thread: run() ends soon, whoever is still there. For actors that do not say their goodbye in time.
  void abandon() { abandoned_.store(true); }
  /// How the host itself, from its own thread, speaks to an actor: what goes into an inbox.
  static void send(zmq::socket_t& outbox, const Envelope& envelope);

 private:
  struct Placement {
    Address at;
    std::string name;
    std::unique_ptr<Actor> actor;
  };

  // Stage
  Instant now() const override;
  WallTime wall_time() const override;
  Random& random() override { return random_; }
  void fill_secret(std::span<std::uint8_t> target) override;
  void route(Envelope envelope) override;
  Opened open(Address owner, LinkKind kind, const std::string& endpoint, const Door& door) override;
  void admit(Address door, const std::vector<LinkKey>& keys) override;
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) override;
  void revoke_pass(Address door, const SealedPassId& id) override;
  void probe(Address link) override;
  std::optional<Outflow> outflow(Address link) override;
  void close(Address link) override;
  void watch(Address owner, int descriptor) override;
  void unwatch(int descriptor) override;
  void stopped(Address actor) override { host_.stopped(actor); }
  void named(Address address, std::string_view name) override { host_.named(address, name); }
  TraceSink* trace() const override { return host_.trace(); }
  // LinkOwner
  zmq::context_t& zmq_context() override { return host_.zmq_context(); }
  ZmqGate& gate() override { return host_.gate(); }
  const LinkKeys& keys_of(Address actor) const override;
  void to_actor(Envelope envelope) override { local_.push_back(std::move(envelope)); }
  void sockets_changed() override { poll_items_stale_ = true; }
  void peer_known(Address peer, Address listener) override { accepted_[peer.value] = listener; }
  void peer_forgotten(Address peer) override;

  /// Throws zmq::error_t. Also says where it is bound.
  std::unique_ptr<ZmqLink> make_link(Address address, Address owner, LinkKind kind, const Door& door,
                                     std::string& endpoint);
  ZmqLink* link_of(Address address);
  void send_over(ZmqLink& link, const Envelope& envelope);
  void deliver(const Envelope& envelope);
  void deliver_local();
  void send_to_worker(std::uint16_t worker, const Envelope& envelope);
  bool receive_inbox();
  void rebuild_poll_items();
  /// Waits for the first event, `timeout` at most (-1: for ever), and notes when this thread was kept from running.
  void poll(std::chrono::milliseconds timeout);
  void serve_sockets();
  void keep_house();
  std::chrono::milliseconds idle_time();

  ZmqHostServices& host_;
  std::uint16_t index_;
  std::string name_;
  std::map<std::uint64_t, LinkKeys> keys_;  // of actors that do not have the host's
  std::uint64_t last_serial_ = 0;
  Random random_;
  Troupe troupe_;
  std::vector<Placement> placements_;
  std::deque<Envelope> local_;
  zmq::socket_t inbox_;
  std::map<std::uint16_t, zmq::socket_t> outboxes_;
  std::map<std::uint64_t, std::unique_ptr<ZmqLink>> links_;
  std::unordered_map<std::uint64_t, Address> accepted_;
  std::map<int, Address> watched_;
  std::vector<zmq::pollitem_t> poll_items_;
  std::vector<std::uint64_t> poll_links_;  // beside poll_items_: the link of each socket; 0: none
  bool poll_items_stale_ = true;
  bool more_to_read_ = false;
  Instant next_house_keeping_;
  Instant last_round_;
  Instant awake_since_;
  std::atomic<bool> abandoned_{false};
};

}  // namespace tutti
