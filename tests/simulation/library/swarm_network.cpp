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

template <class End>
End* end_at(std::map<Address, End>& ends, Address address) {
  const auto found = ends.find(address);
  return found == ends.end() ? nullptr : &found->second;
}

std::string host_part(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

}  // namespace

SwarmNetwork::SwarmNetwork(Clockwork& clock, std::uint64_t seed, const NetworkSettings& settings)
    : clock_(clock),
      settings_(settings),
      delays_(stream_of(seed, "delays of the network")),
      dialling_(stream_of(seed, "dialling")),
      losses_(stream_of(seed, "losses of the network")),
      feeds_(stream_of(seed, "feeds of the network")) {}

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
  return host > 0 && host < processes_.size() ? processes_[host]->host : nullptr;
}

NodeId SwarmNetwork::node_of(HostId host) const { return processes_.at(host)->node; }

SwarmNetwork::Process* SwarmNetwork::process_of(Address address) const {
  const std::uint64_t host = address.value >> host_shift;
  return host < processes_.size() ? processes_[host].get() : nullptr;
}

SwarmNetwork::Dialler* SwarmNetwork::dialler_at(Address link) const {
  Process* process = process_of(link);
  return process == nullptr ? nullptr : end_at(process->diallers, link);
}

SwarmNetwork::DoorEnd* SwarmNetwork::door_at(Address door) const {
  Process* process = process_of(door);
  return process == nullptr ? nullptr : end_at(process->doors, door);
}

SwarmNetwork::Wire* SwarmNetwork::wire_at(WireId wire) const {
  return wire < wires_.size() ? wires_[wire].get() : nullptr;
}

SwarmNetwork::Dialler& SwarmNetwork::known_dialler(Address link) const {
  Dialler* dialler = dialler_at(link);
  ENSURE(dialler != nullptr);
  return *dialler;
}

SwarmNetwork::Wire& SwarmNetwork::known_wire(WireId id) const {
  Wire* wire = wire_at(id);
  ENSURE(wire != nullptr);
  return *wire;
}

std::optional<SwarmNetwork::WireId> SwarmNetwork::wire_of_peer(Address peer) const {
  if ((peer.value & peers_of_host) != peers_of_host) return std::nullopt;
  const WireId id = peer.value & 0xffffffffU;
  const Wire* wire = wire_at(id);
  if (wire == nullptr || wire->peer != peer || wire->gone || wire->door.value == 0) return std::nullopt;
  return id;
}

bool SwarmNetwork::stands(NodeId from, NodeId to) const {
  const auto found = paths_.find({from, to});
  return found == paths_.end() || found->second.stands;
}

bool SwarmNetwork::cut(NodeId from, NodeId to) {
  Path& cut = path(from, to);
  if (!std::exchange(cut.stands, false)) return false;
  cut.since = clock_.now();
  look_for_silence(from, to);
  return true;
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
      if (flow->from == from) {
        // What is still under way comes behind it.
        for (Segment& each : std::exchange(flow->held, {})) arrive(id, forth, std::move(each));
      } else if (const std::uint64_t bytes = std::exchange(flow->held_acks, 0); bytes > 0) {
        acknowledged(id, forth, bytes);
      }
    }
  }
}

void SwarmNetwork::delay(NodeId from, NodeId to, Duration by) { path(from, to).extra = by; }

bool SwarmNetwork::reset(NodeId a, NodeId b) {
  const std::vector<WireId> between = wires_of(a, b);
  for (const WireId id : between) {
    end_flow(id, true);
    end_flow(id, false);
  }
  return !between.empty();
}

std::vector<SwarmNetwork::WireId> SwarmNetwork::wires_of(NodeId a, std::optional<NodeId> b) const {
  std::vector<WireId> of;
  for (const WireId id : nodes_[a].wires) {
    const Flow& forth = known_wire(id).forth;
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
    const Flow& forth = known_wire(id).forth;
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
    const Wire* wire = wire_at(id);
    if (wire == nullptr) continue;
    const Address link = wire->dialler;
    const bool ends = link.value != 0 && is_mute(*wire, true);
    if (wire->peer.value != 0 && !wire->gone && is_mute(*wire, false))
      if (const DoorEnd* door = door_at(wire->door); door != nullptr && !pauses_scan(door->host, a, b))
        forget_peer(id, LinkLoss::silent, true);
    if (ends)
      if (const Dialler* dialler = dialler_at(link); dialler != nullptr && !pauses_scan(dialler->host, a, b))
        went_down(link, LinkLoss::silent, 0ms);
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
  const auto id = static_cast<HostId>(processes_.size());
  processes_.push_back(std::make_unique<Process>(Process{host.node(), &host}));
  Node& node = nodes_[host.node()];
  ENSURE(node.host == 0);
  node.host = id;
  node.paused.reset();
  const bool was_away = std::exchange(node.vanished, std::nullopt).has_value();
  if (!was_away) return id;
  // Whoever still holds a connection to the life before is told by this machine's kernel.
  for (const WireId each : wires_of(host.node())) {
    const Wire& wire = known_wire(each);
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
  Process& process = *processes_[host];
  process.host = nullptr;
  leave_wires(host, machine_vanishes);
  for (const auto& [address, door] : process.doors) bound_.erase(door.endpoint);
  process = {node};
  std::erase_if(key_tellers_, [&](const auto& entry) { return entry.second == host; });
  std::erase_if(key_tellers_by_address_,
                [&](const auto& entry) { return entry.first.value >> host_shift == host; });
  if (!machine_vanishes) return;
  look_for_silence_of(node);
}

void SwarmNetwork::leave_wires(HostId host, bool machine_vanishes) {
  std::vector<WireId> ends;
  for (const WireId id : wires_of(node_of(host))) {
    Wire& wire = known_wire(id);
    if (const Dialler* dialler = dialler_at(wire.dialler); dialler != nullptr && dialler->host == host) {
      wire.dialler = {};
      wire.forth.waiting.clear();
      wire.forth.head_sent = 0;
      ends.push_back(id);
    }
    if (const DoorEnd* door = door_at(wire.door); door != nullptr && door->host == host) {
      wire.door = {};
      wire.back.waiting.clear();
      wire.back.head_sent = 0;
      ends.push_back(id);
    }
  }
  for (const WireId id : ends) {
    const Wire* wire = wire_at(id);
    if (wire == nullptr) continue;
    if (!machine_vanishes) end_flow(id, wire->dialler.value == 0);
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
      processes_[host]->diallers[self] = {
          host,          owner,        kind, endpoint,   std::move(says), door.limits.frame_bytes,
          door.expected, std::nullopt, 0,    dial_pause, dial_pause,      0,
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
      processes_[host]->doors[self] = {
          host, owner, kind, bound, std::move(says), door.limits.frame_bytes, door.admits, {}, {}, {}};
      return {self, bound, {}};
    }
    case LinkKind::tell_key:
      key_tellers_[endpoint] = host;
      key_tellers_by_address_[self] = endpoint;
      return {self, endpoint, {}};
    case LinkKind::ask_key:
      processes_[host]->key_questions[self] = owner;
      ask_key(self, endpoint, node_of(host));
      return {self, endpoint, {}};
    default: break;
  }
  return {{}, endpoint, "this kind of link is not simulated"};
}

void SwarmNetwork::ask_key(Address question, const std::string& endpoint, NodeId from) {
  if (!process_of(question)->key_questions.contains(question)) return;
  clock_.after(asked_again, [this, question, endpoint, from] { ask_key(question, endpoint, from); });
  const auto at = node_at_.find(host_part(endpoint));
  if (at == node_at_.end() || !stands(from, at->second) || !stands(at->second, from)) return;
  const std::uint64_t loss = nodes_[from].line.loss_per_million + nodes_[at->second].line.loss_per_million;
  if (losses_.below(1'000'000) < 2 * loss) return;  // there or back
  clock_.after(latency(from, at->second) + latency(at->second, from), [this, question, endpoint] {
    Process& asking = *process_of(question);
    const auto asked = asking.key_questions.find(question);
    const auto teller = key_tellers_.find(endpoint);
    if (asked == asking.key_questions.end() || teller == key_tellers_.end()) return;
    const SwarmHost* telling = host_of(teller->second);
    if (telling == nullptr || telling->is_paused()) return;
    const Address owner = asked->second;
    asking.key_questions.erase(asked);
    asking.host->take({question,
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
  if (DoorEnd* found = door_at(door)) found->admitted = {keys.begin(), keys.end()};
}

void SwarmNetwork::admit_pass(Address door, const LinkKey& key, const SealedPass& pass) {
  if (DoorEnd* found = door_at(door)) found->passes[pass.id] = {key, pass.secret};
}

void SwarmNetwork::revoke_pass(Address door, const SealedPassId& id) {
  DoorEnd* found = door_at(door);
  if (!revokes || found == nullptr || found->passes.erase(id) == 0) return;
  for (const WireId each : std::set<WireId>(found->wires))
    if (known_wire(each).pass == id) {
      put(each, false, {Parcel::Kind::reset, {}, {}, {}});
      Wire& wire = known_wire(each);
      wire.reset_said = true;
      if (wire.peer.value != 0) {
        forget_peer(each, LinkLoss::closed, true);
      } else {  // nobody at the door has heard of him yet
        wire.gone = true;
        erase_if_over(each);
      }
    }
}

bool SwarmNetwork::is_link(Address address) const {
  if ((address.value & peers_of_host) == peers_of_host) return wire_of_peer(address).has_value();
  const Process* process = process_of(address);
  return process != nullptr && (process->diallers.contains(address) || process->doors.contains(address) ||
                                process->key_questions.contains(address));
}

bool SwarmNetwork::came_by_pass(Address link) const {
  const auto wire = wire_of_peer(link);
  return wire && known_wire(*wire).pass.has_value();
}

void SwarmNetwork::close(Address link) {
  Process* process = process_of(link);
  if (process == nullptr) return;
  process->key_questions.erase(link);
  if (const auto teller = key_tellers_by_address_.find(link); teller != key_tellers_by_address_.end()) {
    key_tellers_.erase(teller->second);
    key_tellers_by_address_.erase(teller);
  }
  if (const Dialler* dialler = dialler_at(link)) {
    if (dialler->wire) let_go(*dialler->wire);
    process->diallers.erase(link);
  } else if (const auto peer = wire_of_peer(link)) {
    known_wire(*peer).reset_said = true;
    put(*peer, false, {Parcel::Kind::reset, {}, {}, {}});
    forget_peer(*peer, LinkLoss::closed, false);
  } else if (const DoorEnd* door = door_at(link)) {
    const std::set<WireId> over = door->wires;
    bound_.erase(door->endpoint);
    process->doors.erase(link);
    for (const WireId id : over) {
      Wire* wire = wire_at(id);
      if (wire == nullptr) continue;
      wire->door = {};
      end_flow(id, false);
      erase_if_over(id);
    }
  }
}

}  // namespace tutti::simulation
