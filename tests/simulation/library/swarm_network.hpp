#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "tests/simulation/library/clockwork.hpp"

namespace tutti::simulation {

class SwarmHost;

/// A machine, by its number from 0. Its address is there before, between and after the processes that run on it.
using NodeId = std::uint32_t;
/// One life of a process. Never used twice.
using HostId = std::uint32_t;
/// An address begins with the process that it belongs to.
inline constexpr unsigned host_shift = 40;
/// Bits 32 to 39 of an address are the worker; all of them set: a peer at a door, by the number of its connection.
inline constexpr std::uint64_t peers_of_host = std::uint64_t{0xff} << 32U;

/// How a machine is connected: full duplex, with a queue at each end.
struct Line {
  std::uint64_t up = 0;  ///< bytes a second; 0: without a limit
  std::uint64_t down = 0;
  Duration latency = std::chrono::milliseconds(1);  ///< to the middle of the network, one way
  Duration jitter{};                                ///< by chance, so much more at the most
  std::uint32_t loss_per_million = 0;               ///< of packets
  bool operator==(const Line&) const = default;
};

struct NetworkSettings {
  /// What libzmq keeps for one connection, in messages, before it drops (PUB, DEALER) or gives the peer up (ROUTER).
  std::size_t mark = 1000;
  /// Of what is published, besides: as if the mark had been reached for a moment.
  std::uint32_t feed_loss_percent = 0;
  /// Beyond what TCP lets happen, since nothing that trackers hear of each other may count on that: what is published comes
  /// a second time, or half a second later at the most, so that others overtake it.
  std::uint32_t feed_twice_percent = 0;
  std::uint32_t feed_late_percent = 0;
};

struct NetworkFigures {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t connections = 0;
  std::uint64_t dropped_at_mark = 0;
  std::uint64_t dropped_in_silence = 0;  ///< over links that do not stand
  std::uint64_t faults = 0;              ///< words that no door let in
};

/// Machines, the lines between them, and the links of their processes: what ZmqHost does with sockets, modelled.
///
/// What is modelled, and how (the numbers are ZmqHost's and libzmq 4.3.4's):
/// - **A line** carries what leaves a machine one segment (64 KiB, or what it carries in 20 ms if that is less) of each
///   connection after the other; what is smaller than a packet goes between. It arrives after the latencies of both lines, and queues once more before the receiver's line.
///   Both directions at once, each at its own rate.
/// - **A connection** is TCP: everything arrives, once, in order. It has so much under way as its rate times its delay
///   asks for, 2.7 MB at the most; and connections to one machine together so much as its line and a queue before it of
///   100 ms (128 KiB at least) hold, but two packets each. Packets that are lost cost a round trip each, and hold the rate down
///   (Mathis: 1.22 MSS / (RTT sqrt(p))). Connections do not keep each other's order.
/// - **A path that is cut**, in one direction or both, holds what is under way. Mended soon, it arrives after the next
///   retransmission; a dialler that has heard nothing for 3 s, and a door for 4 s, give the link up. Of a connection whose
///   other direction is cut no more gets through than is under way.
/// - **DEALER**: dials for ever. Nobody there: again after 100 ms, in a client at distances that double up to 2 s. No
///   answer: after 2 s. Another key than expected, or one that the door does not admit: refused, again later and later.
///   Beyond the mark it drops in silence.
/// - **ROUTER** with ROUTER_MANDATORY: a peer is there from its first message on. A connection that ended shows only when
///   it is spoken to, or after 4 s of silence. Beyond the mark the peer is given up. Whoever is given up and speaks on, if only
///   by the ping of an idle link, is told so, once (LinkReset).
/// - **PUB**: to each subscriber, without any promise: nothing before the subscription has come, nothing beyond the mark. What
///   comes may come twice, or behind what was said later (NetworkSettings); on other links TCP and libzmq exclude both. A
///   subscriber that is cut off for 3 s dials anew.
/// - **A process that is stopped** reads and says nothing, its kernel does: connections stand, what comes waits, nobody
///   gets through to it who is not connected. It forgives others the silence of its own absence.
/// - **A process that dies** leaves connections that are reset, if the path stands; else they stay, dead, until silence ends
///   them. A machine that vanishes resets nothing.
/// - **A key** asked for by datagram comes after a round trip, unless a datagram is lost; it is asked again every 500 ms.
/// - **A probe** is answered by the other host whatever its actors do, behind what was said before it.
///
/// Sealed links are links like others, but for who comes in: who has a pass that was issued for his key and is not revoked; of
/// anybody else such a door takes no notice. Not modelled: the cost of encryption, of packets and of acknowledgements on the
/// line, congestion in the middle, streams (plain TCP). What idle links say to each other (pings) is not sent: its
/// outcome, silence, is.
class SwarmNetwork {
 public:
  SwarmNetwork(Clockwork& clock, std::uint64_t seed, const NetworkSettings& settings = {});
  ~SwarmNetwork();
  SwarmNetwork(const SwarmNetwork&) = delete;
  SwarmNetwork& operator=(const SwarmNetwork&) = delete;

  NodeId add_node(std::string name, const std::string& ip, const Line& line);
  std::size_t nodes() const { return nodes_.size(); }
  const std::string& name_of(NodeId node) const { return nodes_[node].name; }
  const std::string& ip_of(NodeId node) const { return nodes_[node].ip; }
  void set_line(NodeId node, const Line& line) { nodes_[node].line = line; }
  const Line& line_of(NodeId node) const { return nodes_[node].line; }
  NetworkSettings& settings() { return settings_; }
  const NetworkFigures& figures() const { return figures_; }

  /// Nothing comes through from `from` to `to` any more. False: nothing did before.
  bool cut(NodeId from, NodeId to);
  void mend(NodeId from, NodeId to);
  bool stands(NodeId from, NodeId to) const;
  /// Breaks every connection between the two at once, as a middle box that forgets them would. False: there is none.
  bool reset(NodeId a, NodeId b);
  /// Everything takes so much longer from one to the other.
  void delay(NodeId from, NodeId to, Duration by);

  /// Sees (and may change) what goes over a connection when it arrives; false loses it. For planted bugs and checkers.
  std::function<bool(NodeId from, NodeId to, Envelope&)> on_wire;
  /// Whether a pass that is revoked ends. For planted bugs.
  bool revokes = true;
  /// Gives a payload the receiver's own handle, as if it had been read from a socket.
  std::function<Payload(const Payload&)> received;

  // What a host asks of it.
  HostId enter(SwarmHost& host);
  void leave(HostId host, bool machine_vanishes);
  void paused(HostId host);
  Opened open(HostId host, Address self, Address owner, LinkKind kind, const std::string& endpoint,
              const Door& door);
  void admit(Address door, const std::vector<LinkKey>& keys);
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass);
  void revoke_pass(Address door, const SealedPassId& id);
  void probe(Address link);
  std::optional<Outflow> outflow(Address link) const;
  void close(Address link);
  bool is_link(Address address) const;
  /// Of a peer at a door: it has come in by a pass.
  bool came_by_pass(Address link) const;
  void send(Envelope envelope);
  /// An actor could not make sense of what came over this link.
  void blame(Address link, const std::string& fault);
  /// For the queues' bounds: the most messages that wait at one connection.
  std::size_t longest_queue() const;
  /// What was said over this link and has not left yet.
  std::uint64_t bytes_waiting(Address link) const;

 private:
  using WireId = std::uint64_t;
  struct Parcel {
    enum class Kind : std::uint8_t { message, ping, pong, reset, end } kind = Kind::message;
    MessageId id;
    Bytes body;
    Payload payload;
    std::uint64_t size() const { return body.size() + payload.size() + 16; }
  };
  struct Segment {
    std::uint64_t bytes = 0;
    std::optional<Parcel> completes;
  };
  /// One direction of a connection.
  struct Flow {
    NodeId from = 0;
    NodeId to = 0;
    std::deque<Parcel> waiting;
    std::uint64_t head_sent = 0;  ///< of the first one that waits
    std::uint64_t under_way = 0;
    std::uint64_t confirmed = 0;
    bool at_line = false;
    Instant last_arrival{};
    std::vector<Segment> held;  ///< by a cut
    std::uint64_t held_acks = 0;
  };
  struct Wire {
    Address dialler;    ///< 0: it has let go
    Address door;       ///< 0: gone
    Address peer;       ///< at the door; 0: it has not spoken
    LinkKey key;        ///< whose connection it is
    bool gone = false;  ///< the door has given the peer up
    bool banned = false;
    bool reset_said = false;
    bool broken = false;  ///< over, which the door does not know
    bool subscribed = false;
    std::optional<SealedPassId> pass{};  ///< by which it has come in at a sealed door
    int faults = 0;                      ///< of the peer at the door
    Flow forth;
    Flow back;
  };
  struct Dialler {
    HostId host = 0;
    Address owner;
    LinkKind kind = LinkKind::connect;
    std::string endpoint;
    std::vector<MessageId> says;
    std::size_t frame_bytes = 0;
    LinkKey expected;
    std::optional<WireId> wire;
    std::uint64_t attempt = 0;
    Duration pause;
    Duration refused_pause;
    int faults = 0;
    SealedPass pass{};
  };
  struct DoorEnd {
    HostId host = 0;
    Address owner;
    LinkKind kind = LinkKind::listen;
    std::string endpoint;
    std::vector<MessageId> says;
    std::size_t frame_bytes = 0;
    Admits admits = Admits::anybody;
    std::set<LinkKey> admitted;
    std::set<WireId> wires;
    std::map<SealedPassId, std::pair<LinkKey, SealedSecret>> passes{};  ///< of a sealed door
  };
  /// One direction of a machine's line.
  struct Direction {
    bool busy = false;
    Duration debt{};           ///< of what went between
    std::deque<WireId> ready;  ///< up: connections with something to send; the sign tells the direction
    std::deque<bool> ready_forth;
    std::deque<std::tuple<WireId, bool, Segment>> arrived;  ///< down
  };
  struct Node {
    std::string name;
    std::string ip;
    Line line;
    HostId host = 0;                  ///< 0: nothing runs
    std::optional<Instant> vanished;  ///< since when
    std::optional<Instant> paused;    ///< its process
    std::set<WireId> wires;           ///< that begin or end here
    Direction up;
    Direction down;
    std::uint64_t flows_in = 0;  ///< with something under way to it
  };
  /// One life of a process, and the ends of links that are its own. Of one that is over only the machine is kept.
  struct Process {
    NodeId node = 0;
    SwarmHost* host = nullptr;
    std::map<Address, Dialler> diallers{};
    std::map<Address, DoorEnd> doors{};
    std::map<Address, Address> key_questions{};  ///< who asks
  };
  struct Path {
    bool stands = true;
    Instant since{};
    Duration extra{};
  };

  Path& path(NodeId from, NodeId to) { return paths_[{from, to}]; }
  SwarmHost* host_of(HostId host) const;
  NodeId node_of(HostId host) const;
  /// Whose address this is; nullptr: nobody's yet.
  Process* process_of(Address address) const;
  Dialler* dialler_at(Address link) const;
  DoorEnd* door_at(Address door) const;
  /// The connection of a peer that has spoken at a door, and is not given up.
  std::optional<WireId> wire_of_peer(Address peer) const;
  Wire* wire_at(WireId wire) const;
  Dialler& known_dialler(Address link) const;
  Wire& known_wire(WireId wire) const;
  Duration latency(NodeId from, NodeId to);
  Duration base_latency(NodeId from, NodeId to) const;
  Duration lost_packets(NodeId from, NodeId to, std::uint64_t bytes);
  std::uint64_t window(const Flow& flow) const;
  static Duration time_of(std::uint64_t bytes, std::uint64_t rate);

  void dial(Address link, Duration delay);
  void knock(Address link, std::uint64_t attempt);
  void establish(Address link, std::uint64_t attempt, NodeId to);
  void unanswered(Address link, std::uint64_t attempt);
  void refused(Address link, std::uint64_t attempt);
  void went_down(Address link, LinkLoss loss, Duration redial_after);
  void ask_key(Address question, const std::string& endpoint, NodeId from);

  void put(WireId wire, bool forth, Parcel parcel);
  void publish(WireId wire, const Parcel& parcel);
  void publish_by_chance(WireId wire, const Parcel& parcel);
  Flow* flow_of(WireId wire, bool forth);
  void make_ready(WireId wire, bool forth);
  void serve_up(NodeId node);
  void cross(WireId wire, bool forth, Segment segment);
  void arrive(WireId wire, bool forth, Segment segment);
  void serve_down(NodeId node);
  void hand_over(WireId wire, bool forth, Segment segment);
  void acknowledge(WireId wire, bool forth, std::uint64_t bytes);
  void acknowledged(WireId wire, bool forth, std::uint64_t bytes);
  void deliver(WireId wire, bool forth, Parcel parcel);
  void at_door(WireId wire, Parcel parcel);
  void at_dialler(WireId wire, Parcel parcel);

  void forget_peer(WireId wire, LinkLoss loss, bool tell);
  void ping_who_is_given_up(WireId wire);
  void let_go(WireId wire);  ///< by the dialler
  void end_flow(WireId wire, bool forth);
  void erase_if_over(WireId wire);
  /// Connections that begin or end at `a`, and at `b` if it is given, the oldest first.
  std::vector<WireId> wires_of(NodeId a, std::optional<NodeId> b = std::nullopt) const;
  void leave_wires(HostId host, bool machine_vanishes);
  void look_for_silence(NodeId a, NodeId b);
  void look_for_silence_of(NodeId node);
  void scan_for_silence(NodeId a, NodeId b);
  bool is_mute(const Wire& wire, bool for_dialler) const;
  void release(NodeId from, NodeId to);
  bool pauses_scan(HostId host, NodeId a, NodeId b);
  void to_owner(HostId host, Envelope envelope);

  Clockwork& clock_;
  NetworkSettings settings_;
  Random delays_;
  Random dialling_;
  Random losses_;
  Random feeds_;
  std::deque<Node> nodes_;
  std::map<std::pair<NodeId, NodeId>, Path> paths_;
  /// By HostId, which begins at 1.
  std::vector<std::unique_ptr<Process>> processes_ = std::vector<std::unique_ptr<Process>>(1);
  std::map<std::string, Address> bound_;
  std::map<std::string, NodeId> node_at_;
  std::map<std::string, HostId> key_tellers_;
  std::map<Address, std::string> key_tellers_by_address_;
  /// By WireId, which begins at 1; nullptr: over.
  std::vector<std::unique_ptr<Wire>> wires_ = std::vector<std::unique_ptr<Wire>>(1);
  std::uint16_t last_port_ = 20000;
  NetworkFigures figures_;
};

}  // namespace tutti::simulation
