#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>
#include <zmq.hpp>

#include "actors/context.hpp"
#include "actors/envelope.hpp"
#include "actors/link_keys.hpp"
#include "actors/payload_gauge.hpp"
#include "actors/zmq_door_watch.hpp"
#include "actors/zmq_gate.hpp"
#include "actors/zmq_host.hpp"

namespace tutti {

/// The frames of one message as they came from a socket; more than three are refused unread.
struct Frames {
  std::vector<zmq::message_t> parts;
  bool too_many = false;
};

/// Reads one whole message without waiting; nothing if none is there.
std::optional<Frames> receive_frames(zmq::socket_t& socket);
/// The payload lives on in the frame that libzmq holds, freed when the last of the two is done with it.
zmq::message_t frame_of(const Payload& payload);
/// The frame lives on in the payload, which shows it up to its last `without` bytes.
Payload payload_of(zmq::message_t frame, std::size_t without = 0);
ByteView view_of_frame(const zmq::message_t& frame);
Bytes copy_of(const zmq::message_t& frame);
/// LinkPing and LinkPong, encoded.
const Bytes& ping_frame();
const Bytes& pong_frame();

/// What a link needs of its worker.
class LinkOwner {
 public:
  LinkOwner() = default;
  LinkOwner(const LinkOwner&) = delete;
  LinkOwner& operator=(const LinkOwner&) = delete;
  virtual ~LinkOwner() = default;
  virtual zmq::context_t& zmq_context() = 0;
  virtual ZmqGate& gate() = 0;
  /// What the links of an actor prove.
  virtual const LinkKeys& keys_of(Address actor) const = 0;
  virtual Instant now() const = 0;
  virtual void fill_secret(std::span<std::uint8_t> target) = 0;
  virtual Address fresh_address() = 0;
  virtual void named(Address address, std::string_view name) = 0;
  /// Hands a message or the kernel's word about a link to the actor that owns it.
  virtual void to_actor(Envelope envelope) = 0;
  /// The sockets to poll are others than before.
  virtual void sockets_changed() = 0;
  /// An accepted peer has got (or lost) an address that must reach this link.
  virtual void peer_known(Address peer, Address listener) = 0;
  virtual void peer_forgotten(Address peer) = 0;
};

/// One TCP socket (or, for the questions before there is a link, a UDP one) and what is known of whoever is at its other side. The worker's poll loop tells it when there is
/// something to read and lets it keep house now and then.
class ZmqLink {
 public:
  ZmqLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner, const Door& door);
  ZmqLink(const ZmqLink&) = delete;
  ZmqLink& operator=(const ZmqLink&) = delete;
  virtual ~ZmqLink() = default;

  Address address() const { return self_; }
  Address owner() const { return owner_; }
  /// Sends to `to`: this link, or a peer that it accepted. What cannot be sent now is dropped.
  virtual void send(Address to, const Bytes& body, const Payload& payload) = 0;
  /// Reads what is there, a bounded number of messages. True if there may be more.
  virtual bool receive() = 0;
  virtual void read_monitor() {}
  /// Says LinkEcho to the owner when the other side has answered.
  virtual void probe() {}
  /// Pings, gives up silent ones. `awake_since` is when this thread last began to run after a long pause: silence
  /// before it says nothing about the other side.
  virtual void keep_house(Instant awake_since) = 0;
  /// Counts a message that did not pass the door or the actor's check; too many and the link is down.
  virtual void blame(Address, const std::string&) {}
  /// Closes one accepted peer; true if it was one of this link's.
  virtual bool close_peer(Address) { return false; }
  /// How what one accepted peer was sent gets on; nothing if that is not known.
  virtual std::optional<Outflow> outflow(Address) const { return std::nullopt; }
  virtual std::vector<Address> peers() const { return {}; }
  virtual void admit(const std::vector<LinkKey>&) {}
  virtual void admit_pass(const LinkKey&, const SealedPass&) {}
  virtual void revoke_pass(const SealedPassId&) {}
  /// Nothing more comes of it: the worker forgets it.
  virtual bool is_over() const { return false; }
  /// What is polled in the place of a ZeroMQ socket; -1: nothing.
  virtual int descriptor() const { return -1; }

  zmq::socket_t& socket() { return socket_; }
  virtual zmq::socket_t* monitor() { return monitor_ ? &*monitor_ : nullptr; }

 protected:
  static constexpr int receive_batch = 64;
  static constexpr int connections_waiting_max = 4096;  ///< at a door, until they are accepted
  static constexpr int faults_before_giving_up = 16;

  /// Frames may be as long as the door's limits allow, and `more` bytes longer.
  void make_socket(zmq::socket_type type, std::size_t more = 0);
  /// What libzmq says of a dialling socket can be read from now on. Throws zmq::error_t; there is no socket then, since without
  /// its monitor nobody would know that it is up.
  void watch_events(int wanted, std::uint64_t dials);
  /// The next thing that it says; 0: nothing more.
  int next_event();
  void close_socket();
  bool says(MessageId id) const;
  void hand_in(Address from, Bytes body, Payload payload);
  void tell(const Envelope& envelope) { worker_.to_actor(envelope); }
  void say_up(Address link, Address listener, const std::string& peer, const LinkKey& key);
  void say_echo();
  void say_down(Address link, LinkLoss loss);
  /// Sends one message of one or two frames (after `routing_id`, if any); false if it did not leave.
  bool send_frames(const std::string* routing_id, ByteView body, const Payload& payload) {
    return send_frames(routing_id, zmq::message_t(body.data(), body.size()), payload);
  }
  bool send_frames(const std::string* routing_id, zmq::message_t body, const Payload& payload);
  bool send_frames(const std::string* routing_id, std::span<zmq::message_t> frames);

  LinkOwner& worker_;
  const ZmqHostOptions& options_;
  Address self_;
  Address owner_;
  const Door door_;
  zmq::socket_t socket_;
  std::optional<zmq::socket_t> monitor_;
};

/// Which of the pings that were said over a link are answered: pongs come in their order, so counting tells.
class PingCount {
 public:
  void pinged() { ++pings_; }
  /// The owner waits for the answer to the last one.
  void probed() { probes_.push_back(pings_); }
  /// How many probes are answered by this pong.
  int ponged() {
    ++pongs_;
    int answered = 0;
    for (; !probes_.empty() && probes_.front() <= pongs_; probes_.pop_front()) ++answered;
    return answered;
  }

 private:
  std::uint64_t pings_ = 0;
  std::uint64_t pongs_ = 0;
  std::deque<std::uint64_t> probes_;
};

/// DEALER: dials, and dials again for ever. SUB: the same, but only listens.
class DialledLink final : public ZmqLink {
 public:
  DialledLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner, const Door& door,
              LinkKind kind, std::string endpoint);
  ~DialledLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override;
  void read_monitor() override;
  void probe() override;
  void keep_house(Instant awake_since) override;
  void blame(Address from, const std::string& fault) override;

 private:
  bool ping();
  void dial();
  /// Throws zmq::error_t; without a socket if there is no descriptor for one.
  void make_dialler();
  void redial();
  void went_down(LinkLoss loss);
  bool take(Frames frames);

  LinkKind kind_;
  std::string endpoint_;
  bool up_ = false;
  bool refused_ = false;  ///< by who is there, or by us: this socket does not come up any more
  Duration refused_pause_;
  int faults_ = 0;
  std::uint64_t dials_ = 0;
  Instant dialled_;
  Instant last_heard_;
  Instant last_said_;
  PingCount pings_;  // of this connection
};

/// A door or a topic in the gate, for as long as this lives.
class GuardedDomain {
 public:
  /// Guards a socket that is to be bound.
  GuardedDomain(LinkOwner& worker, Address door, Address owner, Admits admits, zmq::socket_t& socket);
  GuardedDomain(const GuardedDomain&) = delete;
  GuardedDomain& operator=(const GuardedDomain&) = delete;
  ~GuardedDomain();
  void admit(const std::vector<LinkKey>& keys) { worker_.gate().admit(name_, keys); }

 private:
  LinkOwner& worker_;
  std::string name_;
};

/// ROUTER: a door. Every peer that speaks gets an address of its own. A routing id is only how to reach a peer: who it is
/// says the key that comes proven with each message, since a client may choose its routing id, also one that somebody
/// has left. What a peer does not take waits in memory: of large words and payloads `untaken_max` of one peer, and
/// `untaken_by_all_max` of all, and then the peer that holds the most is hung up on.
class DoorLink final : public ZmqLink {
 public:
  static constexpr std::size_t measured_from = 4096;
  static constexpr std::size_t untaken_max = 32U << 20U;
  static constexpr std::size_t untaken_by_all_max = 256U << 20U;

  DoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner, const Door& door,
           const std::string& endpoint);
  ~DoorLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override;
  void read_monitor() override { watch_->take_events(worker_.now()); }
  zmq::socket_t* monitor() override { return &watch_->monitor(); }
  void keep_house(Instant awake_since) override;
  void blame(Address from, const std::string& fault) override;
  bool close_peer(Address peer) override;
  std::optional<Outflow> outflow(Address peer) const override;
  std::vector<Address> peers() const override;
  void admit(const std::vector<LinkKey>& keys) override { domain_->admit(keys); }
  std::string bound_endpoint() const;

 private:
  struct Peer {
    std::string routing_id;
    std::string user;  // its proven key, in Z85
    std::string host;
    Instant last_heard;
    int faults = 0;
    DoorWatch::Connection connection{};
    PayloadGauge untaken;  // large words and payloads
  };
  bool send_measured(Address to, Peer& peer, const Bytes& body, const Payload& payload);
  void take(Frames frames);
  Address peer_of(const std::string& routing_id, const zmq::message_t& frame);
  void forget(Address peer, LinkLoss loss, bool tell_owner);
  void remember_gone(const std::string& who, bool banned);

  std::optional<GuardedDomain> domain_;
  std::optional<DoorWatch> watch_;
  PayloadGauge untaken_;  // by all peers
  std::unordered_map<std::string, Address> by_routing_id_;
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::unordered_map<std::string, bool> gone_;  // routing ids given up, with their keys -> banned
  std::deque<std::string> gone_order_;          // oldest first, to bound gone_
};

/// PUB: says, never hears.
class TopicLink final : public ZmqLink {
 public:
  TopicLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner, const Door& door,
            const std::string& endpoint);
  ~TopicLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override { return false; }
  void read_monitor() override { watch_->take_events(worker_.now()); }
  zmq::socket_t* monitor() override { return &watch_->monitor(); }
  void keep_house(Instant) override {}
  void admit(const std::vector<LinkKey>& keys) override { domain_->admit(keys); }
  std::string bound_endpoint() const;

 private:
  std::optional<GuardedDomain> domain_;
  std::optional<DoorWatch> watch_;
};

/// `tcp://host:port` of `host:port`; a host name or `[ipv6]` serves too.
std::string tcp_endpoint(const std::string& endpoint);
/// Where a socket is bound, as people write it: no scheme, an IPv4 address as such.
std::string bound_to(const zmq::socket_t& socket);
/// The address of whoever sent this frame, as far as libzmq knows it.
std::string host_of(const zmq::message_t& frame);

}  // namespace tutti
