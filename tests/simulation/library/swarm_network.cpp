#include "tests/simulation/library/swarm_network.hpp"

#include <algorithm>
#include <cmath>

#include "actors/ensure.hpp"
#include "tests/simulation/library/swarm_host.hpp"

// Machines, paths and who is linked with whom. What is on its way: swarm_network_flows.cpp.

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr Duration redial_after = 2s;
constexpr Duration dial_pause = 100ms;
constexpr Duration dialler_patience = 3s;
constexpr Duration door_patience = 4s;
constexpr Duration asked_again = 500ms;
constexpr Duration retransmission_max = 2s;
constexpr int faults_before_giving_up = 16;
constexpr unsigned host_shift = 40;
constexpr std::uint64_t peers_of_host = std::uint64_t{0xff} << 32U;

std::string host_part(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

bool may_say(const std::vector<MessageId>& says, MessageId id) {
  return std::find(says.begin(), says.end(), id) != says.end();
}

}  // namespace

SwarmNetwork::SwarmNetwork(Clockwork& clock, std::uint64_t seed, const NetworkSettings& settings)
    : clock_(clock),
      settings_(settings),
      delays_(stream_of(seed, "delays of the network")),
      dialling_(stream_of(seed, "dialling")),
      losses_(stream_of(seed, "losses of the network")) {}

SwarmNetwork::~SwarmNetwork() = default;

// --- machines and paths -----------------------------------------------------------------------------------------

NodeId SwarmNetwork::add_node(std::string name, const std::string& ip, const Line& line) {
  const auto node = static_cast<NodeId>(nodes_.size());
  nodes_.emplace_back();
  nodes_.back().name = std::move(name);
  nodes_.back().ip = ip;
  nodes_.back().line = line;
  node_at_[ip] = node;
  return node;
}

SwarmHost* SwarmNetwork::host_of(HostId host) const {
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? nullptr : found->second;
}

NodeId SwarmNetwork::node_of(HostId host) const { return node_of_host_.at(host); }

bool SwarmNetwork::stands(NodeId from, NodeId to) const {
  const auto found = paths_.find({from, to});
  return found == paths_.end() || found->second.stands;
}

void SwarmNetwork::cut(NodeId from, NodeId to) {
  Path& cut = path(from, to);
  if (!std::exchange(cut.stands, false)) return;
  cut.since = clock_.now();
  look_for_silence(from, to);
}

void SwarmNetwork::mend(NodeId from, NodeId to) {
  Path& mended = path(from, to);
  if (std::exchange(mended.stands, true)) return;
  const Duration outage = std::min<Duration>(clock_.now() - mended.since, retransmission_max);
  const auto nanoseconds = static_cast<std::uint64_t>(outage.count()) + 1;
  clock_.after(Duration(static_cast<std::int64_t>(delays_.below(nanoseconds))),
               [this, from, to] { release(from, to); });
}

void SwarmNetwork::release(NodeId from, NodeId to) {
  if (!stands(from, to)) return;
  std::vector<WireId> all;
  for (const auto& [id, wire] : wires_) all.push_back(id);
  for (const WireId id : all) {
    for (const bool forth : {true, false}) {
      Flow* flow = flow_of(id, forth);
      if (flow == nullptr) continue;
      if (flow->from == from && flow->to == to)
        for (Segment& each : std::exchange(flow->held, {})) cross(id, forth, std::move(each));
      if (flow->from == to && flow->to == from)
        if (const std::uint64_t bytes = std::exchange(flow->held_acks, 0); bytes > 0)
          acknowledged(id, forth, bytes);
    }
  }
}

void SwarmNetwork::delay(NodeId from, NodeId to, Duration by) { path(from, to).extra = by; }

void SwarmNetwork::reset(NodeId a, NodeId b) {
  std::vector<WireId> broken;
  for (const auto& [id, wire] : wires_)
    if ((wire.forth.from == a && wire.forth.to == b) || (wire.forth.from == b && wire.forth.to == a))
      broken.push_back(id);
  for (const WireId id : broken) {
    end_flow(id, true);
    end_flow(id, false);
  }
}

void SwarmNetwork::look_for_silence(NodeId a, NodeId b) {
  for (const Duration patience : {dialler_patience, door_patience})
    clock_.after(patience, [this, a, b] { scan_for_silence(a, b); });
}

/// Whoever does not run notices nothing, and forgives what it did not hear meanwhile.
bool SwarmNetwork::pauses_scan(HostId host, NodeId a, NodeId b) {
  SwarmHost* running = host_of(host);
  if (running == nullptr || !running->is_paused()) return false;
  running->when_running([this, a, b] { look_for_silence(a, b); });
  return true;
}

void SwarmNetwork::scan_for_silence(NodeId a, NodeId b) {
  std::vector<WireId> between;
  for (const auto& [id, wire] : wires_)
    if ((wire.forth.from == a && wire.forth.to == b) || (wire.forth.from == b && wire.forth.to == a))
      between.push_back(id);
  for (const WireId id : between) {
    const auto found = wires_.find(id);
    if (found == wires_.end()) continue;
    const Wire wire = found->second;
    if (wire.peer.value != 0 && !wire.gone && is_mute(wire, false))
      if (const auto door = doors_.find(wire.door);
          door != doors_.end() && !pauses_scan(door->second.host, a, b))
        forget_peer(id, LinkLoss::silent, true);
    if (wire.dialler.value != 0 && is_mute(wire, true))
      if (const auto dialler = diallers_.find(wire.dialler);
          dialler != diallers_.end() && !pauses_scan(dialler->second.host, a, b))
        went_down(wire.dialler, LinkLoss::silent, 0ms);
  }
}

bool SwarmNetwork::is_mute(const Wire& wire, bool for_dialler) const {
  const Instant heard = clock_.now() - (for_dialler ? dialler_patience : door_patience);
  const auto cut_for_long = [&](NodeId from, NodeId to) {
    const auto found = paths_.find({from, to});
    return found != paths_.end() && !found->second.stands && found->second.since <= heard;
  };
  const Node& other = nodes_[for_dialler ? wire.forth.to : wire.forth.from];
  if (other.paused && *other.paused <= heard) return true;
  if (other.vanished && *other.vanished <= heard) return true;
  // What a dialler hears is mostly what its own pings are answered with.
  return cut_for_long(wire.forth.from, wire.forth.to) ||
         (for_dialler && cut_for_long(wire.back.from, wire.back.to));
}

// --- processes ------------------------------------------------------------------------------------------------------

HostId SwarmNetwork::enter(SwarmHost& host) {
  const HostId id = ++last_host_;
  Node& node = nodes_[host.node()];
  ENSURE(node.host == 0);
  node.host = id;
  node.paused.reset();
  const bool was_away = std::exchange(node.vanished, std::nullopt).has_value();
  hosts_[id] = &host;
  node_of_host_[id] = host.node();
  if (!was_away) return id;
  // Whoever still holds a connection to the life before is told by this machine's kernel.
  std::vector<WireId> all;
  for (const auto& [wire_id, wire] : wires_) all.push_back(wire_id);
  for (const WireId each : all) {
    const Wire& wire = wires_.at(each);
    if (wire.forth.to == host.node() && wire.door.value == 0) end_flow(each, false);
    if (wire.forth.from == host.node() && wire.dialler.value == 0) end_flow(each, true);
  }
  return id;
}

void SwarmNetwork::paused(HostId host) {
  const NodeId node = node_of(host);
  nodes_[node].paused = clock_.now();
  SwarmHost* it = host_of(host);
  it->when_running([this, node] { nodes_[node].paused.reset(); });
  for (NodeId other = 0; other < nodes_.size(); ++other)
    if (other != node && nodes_[other].host != 0) look_for_silence(node, other);
}

void SwarmNetwork::leave(HostId host, bool machine_vanishes) {
  const NodeId node = node_of(host);
  nodes_[node].host = 0;
  nodes_[node].paused.reset();
  if (machine_vanishes) nodes_[node].vanished = clock_.now();
  hosts_.erase(host);
  leave_wires(host, machine_vanishes);
  std::erase_if(diallers_, [&](const auto& entry) { return entry.second.host == host; });
  std::erase_if(bound_, [&](const auto& entry) { return doors_.at(entry.second).host == host; });
  std::erase_if(doors_, [&](const auto& entry) { return entry.second.host == host; });
  std::erase_if(key_tellers_, [&](const auto& entry) { return entry.second == host; });
  std::erase_if(key_questions_, [&](const auto& entry) { return entry.second.first == host; });
  if (!machine_vanishes) return;
  for (NodeId other = 0; other < nodes_.size(); ++other)
    if (other != node && nodes_[other].host != 0) look_for_silence(node, other);
}

void SwarmNetwork::leave_wires(HostId host, bool machine_vanishes) {
  std::vector<WireId> ends;
  for (auto& [id, wire] : wires_) {
    if (const auto dialler = diallers_.find(wire.dialler);
        dialler != diallers_.end() && dialler->second.host == host) {
      wire.dialler = {};
      wire.forth.waiting.clear();
      wire.forth.head_sent = 0;
      ends.push_back(id);
    }
    if (const auto door = doors_.find(wire.door); door != doors_.end() && door->second.host == host) {
      wire_of_peer_.erase(wire.peer);
      wire.door = {};
      wire.back.waiting.clear();
      wire.back.head_sent = 0;
      ends.push_back(id);
    }
  }
  for (const WireId id : ends) {
    const auto found = wires_.find(id);
    if (found == wires_.end()) continue;
    if (!machine_vanishes) end_flow(id, found->second.dialler.value == 0);
    erase_if_over(id);
  }
}

// --- links ----------------------------------------------------------------------------------------------------------

Opened SwarmNetwork::open(HostId host, Address self, Address owner, LinkKind kind,
                          const std::string& endpoint, const Door& door) {
  std::vector<MessageId> says(door.says.begin(), door.says.end());
  switch (kind) {
    case LinkKind::connect:
    case LinkKind::subscribe:
      diallers_[self] = {host,
                         owner,
                         kind,
                         endpoint,
                         std::string(door.role),
                         std::move(says),
                         door.limits.frame_bytes,
                         door.expected,
                         std::nullopt,
                         0,
                         dial_pause,
                         dial_pause,
                         0};
      dial(self, 0ms);
      return {self, endpoint, {}};
    case LinkKind::listen:
    case LinkKind::publish: {
      std::string bound = endpoint;
      if (bound.ends_with(":0")) bound = host_part(bound) + ":" + std::to_string(++last_port_);
      if (bound_.contains(bound)) return {{}, endpoint, "address in use"};
      bound_[bound] = self;
      doors_[self] = {
          host,        owner, kind, bound, std::string(door.role), std::move(says), door.limits.frame_bytes,
          door.admits, {},    {}};
      return {self, bound, {}};
    }
    case LinkKind::tell_key:
      key_tellers_[endpoint] = host;
      key_tellers_by_address_[self] = endpoint;
      return {self, endpoint, {}};
    case LinkKind::ask_key:
      key_questions_[self] = {host, owner};
      ask_key(self, endpoint, node_of(host));
      return {self, endpoint, {}};
    default: break;
  }
  return {{}, endpoint, "this kind of link is not simulated"};
}

void SwarmNetwork::ask_key(Address question, const std::string& endpoint, NodeId from) {
  if (!key_questions_.contains(question)) return;
  clock_.after(asked_again, [this, question, endpoint, from] { ask_key(question, endpoint, from); });
  const auto at = node_at_.find(host_part(endpoint));
  if (at == node_at_.end() || !stands(from, at->second) || !stands(at->second, from)) return;
  if (losses_.below(1'000'000) < 2ULL * nodes_[from].line.loss_per_million) return;
  clock_.after(latency(from, at->second) + latency(at->second, from), [this, question, endpoint] {
    const auto asked = key_questions_.find(question);
    const auto teller = key_tellers_.find(endpoint);
    if (asked == key_questions_.end() || teller == key_tellers_.end()) return;
    const SwarmHost* telling = host_of(teller->second);
    if (telling == nullptr || telling->is_paused()) return;
    const auto [host, owner] = asked->second;
    key_questions_.erase(asked);
    to_owner(host, {question,
                    owner,
                    KeyTold::message_id,
                    encode(KeyTold{question, telling->settings().key}),
                    {},
                    false});
  });
}

void SwarmNetwork::to_owner(HostId host, Envelope envelope) {
  if (SwarmHost* running = host_of(host)) running->take(std::move(envelope));
}

void SwarmNetwork::admit(Address door, const std::vector<LinkKey>& keys) {
  if (const auto found = doors_.find(door); found != doors_.end())
    found->second.admitted = {keys.begin(), keys.end()};
}

bool SwarmNetwork::is_link(Address address) const {
  return diallers_.contains(address) || wire_of_peer_.contains(address) || doors_.contains(address) ||
         key_questions_.contains(address);
}

void SwarmNetwork::close(Address link) {
  key_questions_.erase(link);
  if (const auto teller = key_tellers_by_address_.find(link); teller != key_tellers_by_address_.end()) {
    key_tellers_.erase(teller->second);
    key_tellers_by_address_.erase(teller);
  }
  if (const auto dialler = diallers_.find(link); dialler != diallers_.end()) {
    if (dialler->second.wire) let_go(*dialler->second.wire);
    diallers_.erase(link);
  } else if (const auto peer = wire_of_peer_.find(link); peer != wire_of_peer_.end()) {
    const WireId wire = peer->second;
    wires_.at(wire).reset_said = true;
    put(wire, false, {Parcel::Kind::reset, {}, {}, {}});
    forget_peer(wire, LinkLoss::closed, false);
  } else if (const auto door = doors_.find(link); door != doors_.end()) {
    const std::set<WireId> over = door->second.wires;
    bound_.erase(door->second.endpoint);
    doors_.erase(door);
    for (const WireId wire : over) {
      const auto found = wires_.find(wire);
      if (found == wires_.end()) continue;
      wire_of_peer_.erase(found->second.peer);
      found->second.door = {};
      end_flow(wire, false);
      erase_if_over(wire);
    }
  }
}

// --- dialling ---------------------------------------------------------------------------------------------------------

void SwarmNetwork::dial(Address link, Duration delay) {
  const std::uint64_t attempt = ++diallers_.at(link).attempt;
  const auto by_chance =
      std::chrono::microseconds(dialling_.below(1 + static_cast<std::uint64_t>(delay / 2us)));
  clock_.after(delay + by_chance, [this, link, attempt] {
    const auto found = diallers_.find(link);
    if (found == diallers_.end() || found->second.attempt != attempt) return;
    if (SwarmHost* host = host_of(found->second.host))
      host->when_running([this, link, attempt] { knock(link, attempt); });
  });
}

void SwarmNetwork::knock(Address link, std::uint64_t attempt) {
  const auto found = diallers_.find(link);
  if (found == diallers_.end() || found->second.attempt != attempt) return;
  const NodeId from = node_of(found->second.host);
  const auto at = node_at_.find(host_part(found->second.endpoint));
  if (at == node_at_.end() || !stands(from, at->second) || nodes_[at->second].vanished)
    return unanswered(link, attempt);
  const NodeId to = at->second;
  clock_.after(latency(from, to), [this, link, attempt, from, to, endpoint = found->second.endpoint] {
    if (!stands(to, from)) return unanswered(link, attempt);
    // TCP's handshake and CURVE's.
    if (bound_.contains(endpoint))
      return clock_.after(latency(to, from) + latency(from, to) + latency(to, from) + latency(from, to),
                          [this, link, attempt, to] { establish(link, attempt, to); });
    clock_.after(latency(to, from), [this, link, attempt] {
      const auto dialler = diallers_.find(link);
      if (dialler == diallers_.end() || dialler->second.attempt != attempt) return;
      const SwarmHost* host = host_of(dialler->second.host);
      if (host == nullptr) return;
      const Duration pause = dialler->second.pause;
      dialler->second.pause = std::min<Duration>(2 * pause, host->settings().dial_pause_max);
      dial(link, pause);
    });
  });
}

void SwarmNetwork::unanswered(Address link, std::uint64_t attempt) {
  clock_.after(redial_after, [this, link, attempt] {
    const auto found = diallers_.find(link);
    if (found != diallers_.end() && found->second.attempt == attempt) dial(link, 0ms);
  });
}

void SwarmNetwork::refused(Address link, std::uint64_t attempt) {
  Dialler& dialler = diallers_.at(link);
  if (dialler.attempt != attempt) return;
  const Duration pause = dialler.refused_pause;
  dialler.refused_pause = std::min<Duration>(2 * pause, redial_after);
  dial(link, pause);
}

void SwarmNetwork::establish(Address link, std::uint64_t attempt, NodeId to) {
  const auto found = diallers_.find(link);
  if (found == diallers_.end() || found->second.attempt != attempt) return;
  Dialler& dialler = found->second;
  const SwarmHost* near = host_of(dialler.host);
  const NodeId from = near->node();
  const auto bound = bound_.find(dialler.endpoint);
  if (bound == bound_.end() || !stands(from, to) || !stands(to, from) || near->is_paused())
    return unanswered(link, attempt);
  DoorEnd& door = doors_.at(bound->second);
  const SwarmHost* far = host_of(door.host);
  if (far->is_paused()) return unanswered(link, attempt);
  const bool fits = (dialler.kind == LinkKind::subscribe) == (door.kind == LinkKind::publish);
  const bool admitted = door.admits == Admits::anybody || door.admitted.contains(near->settings().key);
  if (!fits || !admitted || far->settings().key != dialler.expected) return refused(link, attempt);
  const WireId id = ++last_wire_;
  ++figures_.connections;
  Wire& wire = wires_[id];
  wire.dialler = link;
  wire.door = bound->second;
  wire.forth.from = wire.back.to = from;
  wire.forth.to = wire.back.from = to;
  door.wires.insert(id);
  dialler.wire = id;
  dialler.faults = 0;
  dialler.pause = dialler.refused_pause = dial_pause;
  to_owner(dialler.host, {link,
                          dialler.owner,
                          LinkUp::message_id,
                          encode(LinkUp{link, Address{}, dialler.endpoint, dialler.expected}),
                          {},
                          false});
  if (dialler.kind == LinkKind::subscribe)
    clock_.after(latency(from, to), [this, id] {
      if (const auto subscribed = wires_.find(id); subscribed != wires_.end())
        subscribed->second.subscribed = true;
    });
}

void SwarmNetwork::went_down(Address link, LinkLoss loss, Duration redial) {
  Dialler& dialler = diallers_.at(link);
  if (!dialler.wire) return;
  let_go(*dialler.wire);
  dialler.wire.reset();
  to_owner(dialler.host,
           {link, dialler.owner, LinkDown::message_id, encode(LinkDown{link, loss}), {}, false});
  dial(link, redial);
}

void SwarmNetwork::let_go(WireId id) {
  Wire& wire = wires_.at(id);
  wire.dialler = {};
  put(id, true, {Parcel::Kind::end, {}, {}, {}});
  erase_if_over(id);
}

void SwarmNetwork::forget_peer(WireId id, LinkLoss loss, bool tell) {
  Wire& wire = wires_.at(id);
  if (wire.peer.value == 0 || wire.gone) return;
  wire.gone = true;
  wire.banned = loss == LinkLoss::misbehaved;
  wire_of_peer_.erase(wire.peer);
  const DoorEnd& door = doors_.at(wire.door);
  if (tell)
    to_owner(door.host,
             {wire.peer, door.owner, LinkDown::message_id, encode(LinkDown{wire.peer, loss}), {}, false});
  erase_if_over(id);
}

void SwarmNetwork::erase_if_over(WireId id) {
  const auto found = wires_.find(id);
  if (found == wires_.end()) return;
  const Wire& wire = found->second;
  if (wire.dialler.value != 0) return;
  // A door that has not heard of the end yet still believes in its peer.
  const bool known_at_door = wire.door.value == 0 || wire.gone || (wire.broken && wire.peer.value == 0);
  if (!known_at_door) return;
  if (const auto door = doors_.find(wire.door); door != doors_.end()) door->second.wires.erase(id);
  wires_.erase(found);
}

void SwarmNetwork::blame(Address link, const std::string& fault) {
  static_cast<void>(fault);
  ++figures_.faults;
  if (const auto dialler = diallers_.find(link); dialler != diallers_.end()) {
    if (++dialler->second.faults >= faults_before_giving_up) went_down(link, LinkLoss::misbehaved, 0ms);
  } else if (const auto peer = wire_of_peer_.find(link); peer != wire_of_peer_.end()) {
    if (++wires_.at(peer->second).faults >= faults_before_giving_up)
      forget_peer(peer->second, LinkLoss::misbehaved, true);
  }
}

// --- both ends --------------------------------------------------------------------------------------------------------

void SwarmNetwork::at_door(WireId id, Parcel parcel) {
  Wire& wire = wires_.at(id);
  const auto found = doors_.find(wire.door);
  if (found == doors_.end()) return;
  DoorEnd& door = found->second;
  if (parcel.kind == Parcel::Kind::end) {
    wire.broken = true;
    if (door.kind == LinkKind::publish) wire.subscribed = false;
    if (wire.peer.value != 0 && !wire.gone)
      clock_.after(door_patience, [this, id] {
        if (wires_.contains(id)) forget_peer(id, LinkLoss::silent, true);
      });
    return erase_if_over(id);
  }
  if (door.kind == LinkKind::publish) return;
  if (parcel.kind == Parcel::Kind::ping) return put(id, false, {Parcel::Kind::pong, {}, {}, {}});
  if (wire.gone) {
    if (!wire.banned && !std::exchange(wire.reset_said, true))
      put(id, false, {Parcel::Kind::reset, {}, {}, {}});
    return;
  }
  if (wire.peer.value == 0) {
    wire.peer = {std::uint64_t{door.host} << host_shift | peers_of_host | (id & 0xffffffffU)};
    wire_of_peer_[wire.peer] = id;
    const SwarmHost* near =
        diallers_.contains(wire.dialler) ? host_of(diallers_.at(wire.dialler).host) : nullptr;
    if (near == nullptr) return;  // over already; what it said last is lost with it
    to_owner(door.host,
             {wire.peer,
              door.owner,
              LinkUp::message_id,
              encode(LinkUp{wire.peer, wire.door, nodes_[wire.forth.from].ip, near->settings().key}),
              {},
              false});
  }
  if (!may_say(door.says, parcel.id) || parcel.body.size() > door.frame_bytes)
    return blame(wire.peer, "not admitted");
  to_owner(door.host,
           {wire.peer, door.owner, parcel.id, std::move(parcel.body), std::move(parcel.payload), true});
}

void SwarmNetwork::at_dialler(WireId id, Parcel parcel) {
  const Address link = wires_.at(id).dialler;
  const auto found = diallers_.find(link);
  if (found == diallers_.end()) return erase_if_over(id);
  Dialler& dialler = found->second;
  if (parcel.kind == Parcel::Kind::end) return went_down(link, LinkLoss::disconnected, dial_pause);
  if (parcel.kind == Parcel::Kind::reset) return went_down(link, LinkLoss::disconnected, 0ms);
  if (parcel.kind == Parcel::Kind::pong)
    return to_owner(dialler.host,
                    {link, dialler.owner, LinkEcho::message_id, encode(LinkEcho{link}), {}, false});
  if (!may_say(dialler.says, parcel.id) ||
      parcel.body.size() + parcel.payload.size() > dialler.frame_bytes + (1U << 20U))
    return blame(link, "not admitted");
  to_owner(dialler.host,
           {link, dialler.owner, parcel.id, std::move(parcel.body), std::move(parcel.payload), true});
}

}  // namespace tutti::simulation
