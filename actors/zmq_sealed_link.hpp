#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/sealed_channel.hpp"
#include "actors/zmq_link.hpp"

namespace tutti {

/// Both directions of one sealed link, as messages of ZeroMQ.
class SealedConversation {
 public:
  enum class Side : std::uint8_t { dialler, door };
  SealedConversation(const SealedPass& pass, const SealedRandom& dialler, const SealedRandom& door,
                     Side side);

  /// One or two frames. The last holder of the payload may be the sealed frame's memory: what counts the payload counts on
  /// until libzmq has taken that; the bytes themselves are not kept.
  std::vector<zmq::message_t> seal(ByteView body, const Payload& payload);
  struct Said {
    Bytes body;
    Payload payload;
  };
  /// Nothing if that is not what the other side has said next. The payload is opened where it lies.
  std::optional<Said> open(std::span<zmq::message_t> frames);
  /// Of the direction that has had more.
  std::uint64_t bytes() const { return std::max(ours_.bytes(), theirs_.bytes()); }

 private:
  SealedChannel ours_;
  SealedChannel theirs_;
};

/// DEALER without a mechanism of ZeroMQ's; all that passes is sealed.
///
/// Rules: one socket is one attempt and one connection, with keys of its own. One that does not get through the handshake in
/// `redial_after` is over, like one that ends, is silent, or over which something comes that does not open. The pauses between
/// attempts grow, until a link has stood for as long as the longest of them.
class SealedDialledLink final : public ZmqLink {
 public:
  SealedDialledLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                    const Door& door, std::string endpoint);
  ~SealedDialledLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override;
  void read_monitor() override;
  void probe() override;
  void keep_house(Instant awake_since) override;
  void blame(Address from, const std::string& fault) override;

 private:
  bool is_up() const { return conversation_.has_value(); }
  void dial();
  void shake_hands();
  void take(Frames frames);
  void hear_welcome(const zmq::message_t& frame);
  bool say(ByteView body, const Payload& payload);
  bool ping();
  /// This connection is over.
  void end(LinkLoss loss);

  std::string endpoint_;
  std::optional<SealedHello> hello_;  ///< said over this connection
  std::optional<SealedConversation> conversation_;
  Duration pause_;  ///< before the next attempt, if this one fails
  Instant dial_at_;
  Instant dialled_;
  Instant up_since_;
  Instant last_heard_;
  Instant last_said_;
  std::uint64_t dials_ = 0;
  int faults_ = 0;
  PingCount pings_;
};

/// ROUTER without a mechanism of ZeroMQ's: a door for those who have a pass.
///
/// Rules:
/// - Nothing is heard but a hello that a known pass proves, and then what opens under its keys; whatever else comes is
///   dropped, and costs no memory.
/// - A peer gets its address with the first thing that opens: a hello alone may have been said by somebody who has recorded it.
/// - One over whose link something comes that does not open is given up, and told so by a frame that cannot open either; if it
///   has not taken all that it was sent, it is hung up on, since nothing else would free that.
/// - Connections are limited as at any other door; one over which nothing has opened yet counts as mute.
/// - Of each pass there are `links_a_pass_max` links, half-open ones included: a further hello costs the oldest half-open one,
///   or is not heard. A half-open one has `redial_after`.
class SealedDoorLink final : public ZmqLink {
 public:
  static constexpr std::size_t links_a_pass_max = 16;

  SealedDoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                 const Door& door, const std::string& endpoint);
  ~SealedDoorLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override;
  void read_monitor() override { watch_->take_events(worker_.now()); }
  zmq::socket_t* monitor() override { return &watch_->monitor(); }
  void keep_house(Instant awake_since) override;
  void blame(Address from, const std::string& fault) override;
  bool close_peer(Address peer) override;
  std::optional<Outflow> outflow(Address peer) const override;
  std::vector<Address> peers() const override;
  void admit_pass(const LinkKey& key, const SealedPass& pass) override;
  void revoke_pass(const SealedPassId& id) override;
  std::string bound_endpoint() const { return bound_to(socket_); }

 private:
  struct Pass {
    SealedPass pass;
    LinkKey key;                     ///< of whom it was issued for
    std::vector<std::string> links;  ///< routing ids of those that came by it, the oldest first
  };
  struct Peer {
    SealedPassId pass;
    std::string host;
    SealedConversation conversation;
    Instant last_heard;
    Address address{};  ///< 0: half-open
    int faults = 0;
    DoorWatch::Connection connection{};
    PayloadGauge untaken{};
  };
  void take(Frames frames);
  void shake_hands(const std::string& routing_id, const zmq::message_t& frame);
  bool make_room(Pass& pass);
  void let_in(const std::string& routing_id, Peer& peer);
  bool say(const std::string& routing_id, Peer& peer, ByteView body, const Payload& payload);
  /// Forgets a peer; whoever owns the door hears of it if he has heard of the peer.
  void end(const std::string& routing_id, LinkLoss loss, bool tell_owner = true);

  std::optional<DoorWatch> watch_;
  std::map<SealedPassId, Pass> passes_;
  std::unordered_map<std::string, Peer> peers_;  // by routing id
  std::unordered_map<std::uint64_t, std::string> routing_ids_;
};

}  // namespace tutti
