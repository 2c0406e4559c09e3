#include <algorithm>
#include <cmath>

#include "tests/simulation/library/swarm_host.hpp"
#include "tests/simulation/library/swarm_network.hpp"

// What is on its way: queues, lines, latencies.

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t packet_bytes = 1460;
constexpr std::uint64_t segment_max = 64U << 10U;
constexpr std::uint64_t window_min = 128U << 10U;
// Before the receiver's line there is room for what it carries in 100 ms, and for so much at least.
constexpr std::uint64_t queue_min = 128U << 10U;
// What Linux keeps at the sending end of a connection.
constexpr std::uint64_t window_max = 2'700'000;
constexpr std::uint64_t late_max_ns = 500'000'000;

/// What a line of such a rate carries of one connection before it is another one's turn: less where that takes long.
std::uint64_t segment_of(std::uint64_t rate) {
  return rate == 0 ? segment_max : std::clamp(rate / 50, 2 * packet_bytes, segment_max);
}

}  // namespace

Duration SwarmNetwork::time_of(std::uint64_t bytes, std::uint64_t rate) {
  if (rate == 0) return {};
  return Duration(static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate)));
}

Duration SwarmNetwork::base_latency(NodeId from, NodeId to) const {
  const auto found = paths_.find({from, to});
  return nodes_[from].line.latency + nodes_[to].line.latency +
         (found == paths_.end() ? Duration{} : found->second.extra);
}

Duration SwarmNetwork::latency(NodeId from, NodeId to) {
  const auto jitter = static_cast<std::uint64_t>((nodes_[from].line.jitter + nodes_[to].line.jitter).count());
  return base_latency(from, to) +
         Duration(static_cast<std::int64_t>(jitter == 0 ? 0 : delays_.below(jitter + 1)));
}

/// Each lost packet is sent again after a round trip, those of one segment together.
Duration SwarmNetwork::lost_packets(NodeId from, NodeId to, std::uint64_t bytes) {
  const std::uint64_t loss = nodes_[from].line.loss_per_million + nodes_[to].line.loss_per_million;
  if (loss == 0) return {};
  const std::uint64_t packets = bytes / packet_bytes + 1;
  if (losses_.below(1'000'000) >= std::min<std::uint64_t>(packets * loss, 900'000)) return {};
  // A lone packet's loss shows by a timer only.
  return base_latency(from, to) + base_latency(to, from) + (packets < 4 ? Duration(200ms) : Duration{});
}

std::uint64_t SwarmNetwork::window(const Flow& flow) const {
  const Line& from = nodes_[flow.from].line;
  const Line& to = nodes_[flow.to].line;
  const double round_trip =
      std::chrono::duration<double>(base_latency(flow.from, flow.to) + base_latency(flow.to, flow.from))
          .count() +
      0.002;
  std::uint64_t wanted = window_max;
  if (from.up != 0 || to.down != 0) {
    const std::uint64_t rate = from.up == 0 ? to.down : to.down == 0 ? from.up : std::min(from.up, to.down);
    wanted = std::clamp(static_cast<std::uint64_t>(2 * round_trip * static_cast<double>(rate)), window_min,
                        window_max);
  }
  if (to.down != 0) {
    const std::uint64_t held = static_cast<std::uint64_t>(round_trip * static_cast<double>(to.down)) +
                               std::max(queue_min, to.down / 10);
    const std::uint64_t share = held / std::max<std::uint64_t>(nodes_[flow.to].flows_in, 1);
    wanted = std::min(wanted, std::max(share, 2 * packet_bytes));
  }
  const double loss = (from.loss_per_million + to.loss_per_million) / 1e6;
  if (loss > 0) {
    const auto mathis =
        static_cast<std::uint64_t>(1.22 * static_cast<double>(packet_bytes) / std::sqrt(loss));
    wanted = std::min(wanted, std::max(mathis, 4 * packet_bytes));
  }
  return wanted;
}

// --- what is said ---------------------------------------------------------------------------------------------------

void SwarmNetwork::send(Envelope envelope) {
  Parcel parcel{Parcel::Kind::message, envelope.id, std::move(envelope.body), std::move(envelope.payload)};
  if (const auto peer = wire_of_peer(envelope.to)) {
    const Wire& wire = known_wire(*peer);
    if (wire.broken || wire.back.waiting.size() >= settings_.mark) {
      if (!wire.broken) ++figures_.dropped_at_mark;
      forget_peer(*peer, LinkLoss::disconnected, true);
    } else {
      put(*peer, false, std::move(parcel));
    }
  } else if (const Dialler* dialler = dialler_at(envelope.to)) {
    if (!dialler->wire || dialler->kind == LinkKind::subscribe) {
      ++figures_.dropped_in_silence;
    } else if (known_wire(*dialler->wire).forth.waiting.size() >= settings_.mark) {
      ++figures_.dropped_at_mark;
    } else {
      put(*dialler->wire, true, std::move(parcel));
    }
  } else if (const DoorEnd* door = door_at(envelope.to); door != nullptr && door->kind == LinkKind::publish) {
    for (const WireId id : std::set<WireId>(door->wires)) {
      const Wire& wire = known_wire(id);
      if (!wire.subscribed) continue;
      if (losses_.below(100) < settings_.feed_loss_percent) {
        ++figures_.dropped_at_mark;
      } else {
        publish_by_chance(id, parcel);
      }
    }
  }
}

void SwarmNetwork::publish(WireId id, const Parcel& parcel) {
  const Wire* wire = wire_at(id);
  if (wire == nullptr || wire->door.value == 0 || !wire->subscribed) return;
  if (wire->back.waiting.size() < settings_.mark) return put(id, false, parcel);
  ++figures_.dropped_at_mark;
}

/// Once and at once, if nothing else was set.
void SwarmNetwork::publish_by_chance(WireId id, const Parcel& parcel) {
  const auto by_chance = [&](std::uint32_t percent) { return percent > 0 && feeds_.below(100) < percent; };
  if (by_chance(settings_.feed_twice_percent)) publish(id, parcel);
  if (!by_chance(settings_.feed_late_percent)) return publish(id, parcel);
  const Duration late(static_cast<std::int64_t>(feeds_.below(late_max_ns)));
  clock_.after(late, [this, id, parcel] { publish(id, parcel); });
}

void SwarmNetwork::probe(Address link) {
  if (const Dialler* dialler = dialler_at(link); dialler != nullptr && dialler->wire)
    put(*dialler->wire, true, {Parcel::Kind::ping, {}, {}, {}});
}

SwarmNetwork::Flow* SwarmNetwork::flow_of(WireId id, bool forth) {
  Wire* wire = wire_at(id);
  if (wire == nullptr) return nullptr;
  return forth ? &wire->forth : &wire->back;
}

/// Nothing more is said, and what was not sent yet is lost: a connection that is reset.
void SwarmNetwork::end_flow(WireId id, bool forth) {
  Flow* flow = flow_of(id, forth);
  if (flow == nullptr) return;
  flow->waiting.clear();
  flow->head_sent = 0;
  put(id, forth, {Parcel::Kind::end, {}, {}, {}});
}

void SwarmNetwork::put(WireId id, bool forth, Parcel parcel) {
  Flow& flow = *flow_of(id, forth);
  const std::uint64_t size = parcel.size();
  // What nobody takes fills the connection, however small each word is.
  const Node& to = nodes_[flow.to];
  const bool is_taken =
      stands(flow.from, flow.to) && stands(flow.to, flow.from) && !to.paused && !to.vanished;
  if (size <= packet_bytes && is_taken && flow.waiting.empty() && flow.under_way == 0) {
    Direction& up = nodes_[flow.from].up;
    const Duration takes = time_of(size, nodes_[flow.from].line.up);
    if (up.busy) up.debt += takes;
    return cross(id, forth, {0, std::move(parcel)});
  }
  flow.waiting.push_back(std::move(parcel));
  make_ready(id, forth);
}

void SwarmNetwork::make_ready(WireId id, bool forth) {
  Flow& flow = *flow_of(id, forth);
  if (flow.at_line || flow.waiting.empty()) return;
  if (flow.under_way > 0 && flow.under_way >= window(flow)) return;
  flow.at_line = true;
  Direction& up = nodes_[flow.from].up;
  up.ready.push_back(id);
  up.ready_forth.push_back(forth);
  serve_up(flow.from);
}

void SwarmNetwork::serve_up(NodeId node) {
  Direction& up = nodes_[node].up;
  while (!up.busy && !up.ready.empty()) {
    const WireId id = up.ready.front();
    const bool forth = up.ready_forth.front();
    up.ready.pop_front();
    up.ready_forth.pop_front();
    Flow* flow = flow_of(id, forth);
    if (flow == nullptr) continue;
    if (flow->waiting.empty()) {
      flow->at_line = false;
      continue;
    }
    const std::uint64_t bytes =
        std::min({segment_of(nodes_[node].line.up), flow->waiting.front().size() - flow->head_sent,
                  std::max(window(*flow), packet_bytes)});
    up.busy = true;
    clock_.after(time_of(bytes, nodes_[node].line.up) + std::exchange(up.debt, {}),
                 [this, node, id, forth, bytes] {
                   nodes_[node].up.busy = false;
                   if (Flow* sent = flow_of(id, forth)) {
                     sent->at_line = false;
                     if (!sent->waiting.empty() && sent->head_sent + bytes <= sent->waiting.front().size()) {
                       Segment segment{bytes, std::nullopt};
                       sent->head_sent += bytes;
                       if (sent->under_way == 0) ++nodes_[sent->to].flows_in;
                       sent->under_way += bytes;
                       if (sent->head_sent == sent->waiting.front().size()) {
                         segment.completes = std::move(sent->waiting.front());
                         sent->waiting.pop_front();
                         sent->head_sent = 0;
                       }
                       cross(id, forth, std::move(segment));
                     }
                     make_ready(id, forth);
                   }
                   serve_up(node);
                 });
  }
}

void SwarmNetwork::cross(WireId id, bool forth, Segment segment) {
  Flow& flow = *flow_of(id, forth);
  const std::uint64_t bytes = segment.completes ? segment.completes->size() : segment.bytes;
  const Duration takes = latency(flow.from, flow.to) + lost_packets(flow.from, flow.to, bytes) +
                         (segment.bytes == 0 ? time_of(bytes, nodes_[flow.from].line.up) : Duration{});
  flow.last_arrival = std::max(flow.last_arrival, clock_.now() + takes);
  clock_.at(flow.last_arrival, [this, id, forth, crossing = std::move(segment)]() mutable {
    arrive(id, forth, std::move(crossing));
  });
}

void SwarmNetwork::arrive(WireId id, bool forth, Segment segment) {
  Flow* flow = flow_of(id, forth);
  if (flow == nullptr) return;
  if (!stands(flow->from, flow->to) || !flow->held.empty()) {
    flow->held.push_back(std::move(segment));
    return;
  }
  Direction& down = nodes_[flow->to].down;
  if (segment.bytes == 0) {
    if (down.busy) down.debt += time_of(segment.completes->size(), nodes_[flow->to].line.down);
    return hand_over(id, forth, std::move(segment));
  }
  const NodeId to = flow->to;
  down.arrived.emplace_back(id, forth, std::move(segment));
  serve_down(to);
}

void SwarmNetwork::serve_down(NodeId node) {
  Direction& down = nodes_[node].down;
  if (down.busy || down.arrived.empty()) return;
  down.busy = true;
  const std::uint64_t bytes = std::get<2>(down.arrived.front()).bytes;
  clock_.after(time_of(bytes, nodes_[node].line.down) + std::exchange(down.debt, {}), [this, node] {
    Direction& served = nodes_[node].down;
    auto [id, forth, segment] = std::move(served.arrived.front());
    served.arrived.pop_front();
    served.busy = false;
    hand_over(id, forth, std::move(segment));
    serve_down(node);
  });
}

/// A process that is stopped does not read: then what is under way stays so, and the sender has to wait. A machine without power
/// takes nothing at all.
void SwarmNetwork::hand_over(WireId id, bool forth, Segment segment) {
  const Flow* flow = flow_of(id, forth);
  if (flow == nullptr || nodes_[flow->to].vanished) return;
  SwarmHost* reader = host_of(nodes_[flow->to].host);
  const auto deliver_it = [this, id, forth, kept = std::make_shared<Segment>(std::move(segment))] {
    if (flow_of(id, forth) == nullptr) return;
    if (kept->bytes > 0) acknowledge(id, forth, kept->bytes);
    if (kept->completes) deliver(id, forth, std::move(*kept->completes));
  };
  if (reader == nullptr) return deliver_it();
  reader->when_running(deliver_it);
}

void SwarmNetwork::acknowledge(WireId id, bool forth, std::uint64_t bytes) {
  Flow& flow = *flow_of(id, forth);
  if (!stands(flow.to, flow.from)) {
    flow.held_acks += bytes;
    return;
  }
  clock_.after(latency(flow.to, flow.from), [this, id, forth, bytes] { acknowledged(id, forth, bytes); });
}

void SwarmNetwork::acknowledged(WireId id, bool forth, std::uint64_t bytes) {
  Flow* flow = flow_of(id, forth);
  if (flow == nullptr) return;
  const bool was_under_way = flow->under_way > 0;
  flow->under_way -= std::min(flow->under_way, bytes);
  if (was_under_way && flow->under_way == 0) --nodes_[flow->to].flows_in;
  flow->confirmed += bytes;
  make_ready(id, forth);
}

void SwarmNetwork::deliver(WireId id, bool forth, Parcel parcel) {
  const Flow& flow = *flow_of(id, forth);
  ++figures_.messages;
  figures_.bytes += parcel.size();
  if (parcel.kind == Parcel::Kind::message) {
    if (received) parcel.payload = received(parcel.payload);
    if (on_wire) {
      Envelope envelope{{}, {}, parcel.id, std::move(parcel.body), std::move(parcel.payload), true};
      if (!on_wire(flow.from, flow.to, envelope)) return;
      parcel.body = std::move(envelope.body);
      parcel.payload = std::move(envelope.payload);
      parcel.id = envelope.id;
    }
  }
  if (forth) {
    at_door(id, std::move(parcel));
  } else {
    at_dialler(id, std::move(parcel));
  }
}

std::uint64_t SwarmNetwork::bytes_waiting(Address link) const {
  const auto peer = wire_of_peer(link);
  const Dialler* dialler = dialler_at(link);
  const Flow* flow = nullptr;
  if (peer) flow = &known_wire(*peer).back;
  if (dialler != nullptr && dialler->wire) flow = &known_wire(*dialler->wire).forth;
  std::uint64_t bytes = 0;
  if (flow != nullptr)
    for (const Parcel& each : flow->waiting) bytes += each.size();
  return bytes - (flow == nullptr ? 0 : flow->head_sent);
}

std::optional<Outflow> SwarmNetwork::outflow(Address link) const {
  const auto peer = wire_of_peer(link);
  if (!peer) return std::nullopt;
  // What a line has not sent is still the sender's: nothing is kept between the two.
  return Outflow{known_wire(*peer).back.confirmed, 0};
}

std::size_t SwarmNetwork::longest_queue() const {
  // Whoever is given up at the mark is told so behind what waits: that is no message.
  const auto messages_in = [](const Flow& flow) {
    return static_cast<std::size_t>(
        std::count_if(flow.waiting.begin(), flow.waiting.end(),
                      [](const Parcel& each) { return each.kind == Parcel::Kind::message; }));
  };
  std::size_t longest = 0;
  for (const auto& wire : wires_)
    if (wire != nullptr) longest = std::max({longest, messages_in(wire->forth), messages_in(wire->back)});
  return longest;
}

}  // namespace tutti::simulation
