#include "tests/simulation/library/swarm_network.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "tests/simulation/library/swarm_host.hpp"

// Machines, paths and links. How links come to stand and end: swarm_network_dialling.cpp; what is on its way:
// swarm_network_flows.cpp.

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr Duration dial_pause = 100ms;
constexpr Duration dialler_patience = 3s;
constexpr Duration door_patience = 4s;
constexpr Duration asked_again = 500ms;
constexpr Duration retransmission_max = 2s;

std::string host_part(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

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
  for (const WireId id : wires_of(from, to)) {
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
  for (const WireId id : wires_of(a, b)) {
    end_flow(id, true);
    end_flow(id, false);
  }
}

std::vector<SwarmNetwork::WireId> SwarmNetwork::wires_of(NodeId a, std::optional<NodeId> b) const {
  std::vector<WireId> of;
  for (const WireId id : nodes_[a].wires) {
    const Flow& forth = wires_.at(id).forth;
    if (!b || (forth.from == a ? forth.to : forth.from) == *b) of.push_back(id);
  }
  return of;
}

void SwarmNetwork::look_for_silence(NodeId a, NodeId b) {
  for (const Duration patience : {dialler_patience, door_patience})
    clock_.after(patience, [this, a, b] { scan_for_silence(a, b); });
}

/// Nobody gets through to a machine that does not answer, so those matter who are connected to it now.
void SwarmNetwork::look_for_silence_of(NodeId node) {
  std::set<NodeId> others;
  for (const WireId id : nodes_[node].wires) {
    const Flow& forth = wires_.at(id).forth;
    others.insert(forth.from == node ? forth.to : forth.from);
  }
  for (const NodeId other : others) look_for_silence(node, other);
}

/// Whoever does not run notices nothing, and forgives what it did not hear meanwhile.
bool SwarmNetwork::pauses_scan(HostId host, NodeId a, NodeId b) {
  SwarmHost* running = host_of(host);
  if (running == nullptr || !running->is_paused()) return false;
  running->when_running([this, a, b] { look_for_silence(a, b); });
  return true;
}

void SwarmNetwork::scan_for_silence(NodeId a, NodeId b) {
  for (const WireId id : wires_of(a, b)) {
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
  for (const WireId each : wires_of(host.node())) {
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
  look_for_silence_of(node);
}

void SwarmNetwork::leave(HostId host, bool machine_vanishes) {
  const NodeId node = node_of(host);
  nodes_[node].host = 0;
  nodes_[node].paused.reset();
  if (machine_vanishes) nodes_[node].vanished = clock_.now();
  hosts_.erase(host);
  leave_wires(host, machine_vanishes);
  const auto of_host = [&](auto& ends) {
    return std::pair(ends.lower_bound({std::uint64_t{host} << host_shift}),
                     ends.lower_bound({(std::uint64_t{host} + 1) << host_shift}));
  };
  const auto [first_dialler, past_diallers] = of_host(diallers_);
  diallers_.erase(first_dialler, past_diallers);
  const auto [first_door, past_doors] = of_host(doors_);
  for (auto door = first_door; door != past_doors; ++door) bound_.erase(door->second.endpoint);
  doors_.erase(first_door, past_doors);
  std::erase_if(key_tellers_, [&](const auto& entry) { return entry.second == host; });
  std::erase_if(key_questions_, [&](const auto& entry) { return entry.second.first == host; });
  if (!machine_vanishes) return;
  look_for_silence_of(node);
}

void SwarmNetwork::leave_wires(HostId host, bool machine_vanishes) {
  std::vector<WireId> ends;
  for (const WireId id : wires_of(node_of(host))) {
    Wire& wire = wires_.at(id);
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
    case LinkKind::connect_sealed:
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
                         0,
                         door.pass};
      dial(self, 0ms);
      return {self, endpoint, {}};
    case LinkKind::listen:
    case LinkKind::listen_sealed:
    case LinkKind::publish: {
      std::string bound = endpoint;
      if (bound.ends_with(":0")) bound = host_part(bound) + ":" + std::to_string(++last_port_);
      if (bound_.contains(bound)) return {{}, endpoint, "address in use"};
      bound_[bound] = self;
      doors_[self] = {
          host,        owner, kind, bound, std::string(door.role), std::move(says), door.limits.frame_bytes,
          door.admits, {},    {},   {}};
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

void SwarmNetwork::admit_pass(Address door, const LinkKey& key, const SealedPass& pass) {
  if (const auto found = doors_.find(door); found != doors_.end())
    found->second.passes[pass.id] = {key, pass.secret};
}

void SwarmNetwork::revoke_pass(Address door, const SealedPassId& id) {
  const auto found = doors_.find(door);
  if (!revokes || found == doors_.end() || found->second.passes.erase(id) == 0) return;
  for (const WireId each : std::set<WireId>(found->second.wires))
    if (wires_.at(each).pass == id) {
      put(each, false, {Parcel::Kind::reset, {}, {}, {}});
      wires_.at(each).reset_said = true;
      forget_peer(each, LinkLoss::closed, true);
    }
}

bool SwarmNetwork::is_link(Address address) const {
  return diallers_.contains(address) || wire_of_peer_.contains(address) || doors_.contains(address) ||
         key_questions_.contains(address);
}

bool SwarmNetwork::came_by_pass(Address link) const {
  const auto peer = wire_of_peer_.find(link);
  return peer != wire_of_peer_.end() && wires_.at(peer->second).pass.has_value();
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

}  // namespace tutti::simulation
