#include <algorithm>

#include "tests/simulation/library/swarm_host.hpp"
#include "tests/simulation/library/swarm_network.hpp"

// How links come to stand, and how they end.

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr Duration redial_after = 2s;
constexpr Duration dial_pause = 100ms;
constexpr Duration door_patience = 4s;
constexpr Duration ping_after = 1s;
constexpr int faults_before_giving_up = 16;

std::string host_part(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

bool may_say(const std::vector<MessageId>& says, MessageId id) {
  return std::find(says.begin(), says.end(), id) != says.end();
}

}  // namespace

// --- dialling ---------------------------------------------------------------------------------------------------------

void SwarmNetwork::dial(Address link, Duration delay) {
  const std::uint64_t attempt = ++known_dialler(link).attempt;
  const auto by_chance =
      std::chrono::microseconds(dialling_.below(1 + static_cast<std::uint64_t>(delay / 2us)));
  clock_.after(delay + by_chance, [this, link, attempt] {
    const Dialler* dialler = dialler_at(link);
    if (dialler == nullptr || dialler->attempt != attempt) return;
    if (SwarmHost* host = host_of(dialler->host))
      host->when_running([this, link, attempt] { knock(link, attempt); });
  });
}

void SwarmNetwork::knock(Address link, std::uint64_t attempt) {
  const Dialler* knocking = dialler_at(link);
  if (knocking == nullptr || knocking->attempt != attempt) return;
  const NodeId from = node_of(knocking->host);
  const auto at = node_at_.find(host_part(knocking->endpoint));
  if (at == node_at_.end() || !stands(from, at->second) || nodes_[at->second].vanished)
    return unanswered(link, attempt);
  const NodeId to = at->second;
  clock_.after(latency(from, to), [this, link, attempt, from, to, endpoint = knocking->endpoint] {
    if (!stands(to, from)) return unanswered(link, attempt);
    // TCP's handshake and CURVE's.
    if (bound_.contains(endpoint))
      return clock_.after(latency(to, from) + latency(from, to) + latency(to, from) + latency(from, to),
                          [this, link, attempt, to] { establish(link, attempt, to); });
    clock_.after(latency(to, from), [this, link, attempt] {
      Dialler* dialler = dialler_at(link);
      if (dialler == nullptr || dialler->attempt != attempt) return;
      const SwarmHost* host = host_of(dialler->host);
      if (host == nullptr) return;
      const Duration pause = dialler->pause;
      dialler->pause = std::min<Duration>(2 * pause, host->settings().dial_pause_max);
      dial(link, pause);
    });
  });
}

void SwarmNetwork::unanswered(Address link, std::uint64_t attempt) {
  clock_.after(redial_after, [this, link, attempt] {
    const Dialler* dialler = dialler_at(link);
    if (dialler != nullptr && dialler->attempt == attempt) dial(link, 0ms);
  });
}

void SwarmNetwork::refused(Address link, std::uint64_t attempt) {
  Dialler& dialler = known_dialler(link);
  if (dialler.attempt != attempt) return;
  const Duration pause = dialler.refused_pause;
  dialler.refused_pause = std::min<Duration>(2 * pause, redial_after);
  dial(link, pause);
}

void SwarmNetwork::establish(Address link, std::uint64_t attempt, NodeId to) {
  Dialler* knocking = dialler_at(link);
  if (knocking == nullptr || knocking->attempt != attempt) return;
  Dialler& dialler = *knocking;
  const SwarmHost* near = host_of(dialler.host);
  const NodeId from = near->node();
  const auto bound = bound_.find(dialler.endpoint);
  if (bound == bound_.end() || !stands(from, to) || !stands(to, from) || near->is_paused())
    return unanswered(link, attempt);
  DoorEnd& door = *door_at(bound->second);
  const SwarmHost* far = host_of(door.host);
  if (far->is_paused()) return unanswered(link, attempt);
  const bool sealed = door.kind == LinkKind::listen_sealed;
  if (sealed) {
    const auto pass = door.passes.find(dialler.pass.id);
    const bool good =
        pass != door.passes.end() && pass->second == std::pair(near->settings().key, dialler.pass.secret);
    if (!good) return unanswered(link, attempt);
  }
  const bool fits = (dialler.kind == LinkKind::subscribe) == (door.kind == LinkKind::publish) &&
                    (dialler.kind == LinkKind::connect_sealed) == sealed;
  const bool admitted = door.admits == Admits::anybody || door.admitted.contains(near->settings().key);
  if (!fits || !admitted || far->settings().key != dialler.expected) return refused(link, attempt);
  const WireId id = wires_.size();
  ++figures_.connections;
  wires_.push_back(std::make_unique<Wire>());
  Wire& wire = *wires_.back();
  wire.dialler = link;
  wire.door = bound->second;
  wire.key = near->settings().key;
  if (sealed) wire.pass = dialler.pass.id;
  wire.forth.from = wire.back.to = from;
  wire.forth.to = wire.back.from = to;
  nodes_[from].wires.insert(id);
  nodes_[to].wires.insert(id);
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
      if (Wire* subscribed = wire_at(id)) subscribed->subscribed = true;
    });
}

void SwarmNetwork::went_down(Address link, LinkLoss loss, Duration redial) {
  Dialler& dialler = known_dialler(link);
  if (!dialler.wire) return;
  let_go(*dialler.wire);
  dialler.wire.reset();
  to_owner(dialler.host,
           {link, dialler.owner, LinkDown::message_id, encode(LinkDown{link, loss}), {}, false});
  dial(link, redial);
}

void SwarmNetwork::let_go(WireId id) {
  Wire& wire = known_wire(id);
  wire.dialler = {};
  put(id, true, {Parcel::Kind::end, {}, {}, {}});
  erase_if_over(id);
}

void SwarmNetwork::forget_peer(WireId id, LinkLoss loss, bool tell) {
  Wire& wire = known_wire(id);
  if (wire.peer.value == 0 || wire.gone) return;
  wire.gone = true;
  wire.banned = loss == LinkLoss::misbehaved;
  // Where the process has ended meanwhile nobody is left to be told.
  if (const DoorEnd* door = door_at(wire.door); tell && door != nullptr)
    to_owner(door->host,
             {wire.peer, door->owner, LinkDown::message_id, encode(LinkDown{wire.peer, loss}), {}, false});
  ping_who_is_given_up(id);
  erase_if_over(id);
}

/// Whoever dialled pings when the link is idle, and learns by that that it is over.
void SwarmNetwork::ping_who_is_given_up(WireId id) {
  clock_.after(ping_after, [this, id] {
    const Wire* wire = wire_at(id);
    if (wire == nullptr || wire->reset_said) return;
    const Dialler* dialler = dialler_at(wire->dialler);
    if (dialler == nullptr) return;
    const SwarmHost* host = host_of(dialler->host);
    if (host != nullptr && !host->is_paused()) return put(id, true, {Parcel::Kind::ping, {}, {}, {}});
    ping_who_is_given_up(id);
  });
}

void SwarmNetwork::erase_if_over(WireId id) {
  const Wire* found = wire_at(id);
  if (found == nullptr) return;
  const Wire& wire = *found;
  if (wire.dialler.value != 0) return;
  // A door that has not heard of the end yet still believes in its peer.
  const bool known_at_door = wire.door.value == 0 || wire.gone || (wire.broken && wire.peer.value == 0);
  if (!known_at_door) return;
  if (DoorEnd* door = door_at(wire.door)) door->wires.erase(id);
  nodes_[wire.forth.from].wires.erase(id);
  nodes_[wire.forth.to].wires.erase(id);
  for (const Flow* flow : {&wire.forth, &wire.back})
    if (flow->under_way > 0) --nodes_[flow->to].flows_in;
  wires_[id].reset();
}

void SwarmNetwork::blame(Address link, const std::string& fault) {
  static_cast<void>(fault);
  ++figures_.faults;
  if (Dialler* dialler = dialler_at(link)) {
    if (++dialler->faults >= faults_before_giving_up) went_down(link, LinkLoss::misbehaved, 0ms);
  } else if (const auto peer = wire_of_peer(link)) {
    if (++known_wire(*peer).faults >= faults_before_giving_up) forget_peer(*peer, LinkLoss::misbehaved, true);
  }
}

// --- both ends --------------------------------------------------------------------------------------------------------

void SwarmNetwork::at_door(WireId id, Parcel parcel) {
  Wire& wire = known_wire(id);
  const DoorEnd* at = door_at(wire.door);
  if (at == nullptr) return;
  const DoorEnd& door = *at;
  if (parcel.kind == Parcel::Kind::end) {
    wire.broken = true;
    if (door.kind == LinkKind::publish) wire.subscribed = false;
    if (wire.peer.value != 0 && !wire.gone)
      clock_.after(door_patience, [this, id] {
        if (wire_at(id) != nullptr) forget_peer(id, LinkLoss::silent, true);
      });
    return erase_if_over(id);
  }
  if (door.kind == LinkKind::publish) return;
  if (wire.gone) {
    if (!wire.banned && !std::exchange(wire.reset_said, true))
      put(id, false, {Parcel::Kind::reset, {}, {}, {}});
    return;
  }
  if (parcel.kind == Parcel::Kind::ping) return put(id, false, {Parcel::Kind::pong, {}, {}, {}});
  if (wire.peer.value == 0) {
    wire.peer = {std::uint64_t{door.host} << host_shift | peers_of_host | (id & 0xffffffffU)};
    to_owner(door.host, {wire.peer,
                         door.owner,
                         LinkUp::message_id,
                         encode(LinkUp{wire.peer, wire.door, nodes_[wire.forth.from].ip, wire.key}),
                         {},
                         false});
  }
  if (!may_say(door.says, parcel.id) || parcel.body.size() > door.frame_bytes)
    return blame(wire.peer, "not admitted");
  to_owner(door.host,
           {wire.peer, door.owner, parcel.id, std::move(parcel.body), std::move(parcel.payload), true});
}

void SwarmNetwork::at_dialler(WireId id, Parcel parcel) {
  const Address link = known_wire(id).dialler;
  const Dialler* found = dialler_at(link);
  if (found == nullptr) return erase_if_over(id);
  const Dialler& dialler = *found;
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
