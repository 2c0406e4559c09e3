#include "actors/troupe.hpp"

#include <utility>

#include "actors/ensure.hpp"
#include "actors/troupe_recording.hpp"

namespace tutti {

// --- what actors see ----------------------------------------------------------------------------------------

void Troupe::CellContext::cancel(TimerId timer) {
  const auto due = troupe_.due_.find(timer.value);
  if (due == troupe_.due_.end() || !cell_.timers.contains(timer.value)) return;
  troupe_.timers_.erase({due->second, timer.value});
  troupe_.due_.erase(due);
  cell_.timers.erase(timer.value);
}

void Troupe::CellContext::close(Address link) {
  cell_.links.erase(link);
  stage().close(link);
}

void Troupe::CellContext::stop(Address actor) {
  stage().route({cell_.address, actor, StopActor::message_id, encode(StopActor{}), {}, false});
}

void Troupe::CellContext::watch(int descriptor) {
  cell_.descriptors.insert(descriptor);
  stage().watch(cell_.address, descriptor);
}

void Troupe::CellContext::unwatch(int descriptor) {
  cell_.descriptors.erase(descriptor);
  stage().unwatch(descriptor);
}

void Troupe::CellContext::post(Address to, MessageId id, Bytes body, Payload payload) {
  stage().route({cell_.address, to, id, std::move(body), std::move(payload), false});
}

TimerId Troupe::CellContext::start_timer(Duration delay, MessageId id, Bytes body) {
  const TimerId timer{++troupe_.last_timer_};
  const Instant due = stage().now() + delay;
  troupe_.timers_.emplace(TimerKey{due, timer.value}, Timer{cell_.address, id, std::move(body), due});
  troupe_.due_.emplace(timer.value, due);
  cell_.timers.insert(timer.value);
  return timer;
}

Opened Troupe::CellContext::open(LinkKind kind, const std::string& endpoint, const Door& door) {
  Opened opened = stage().open(cell_.address, kind, endpoint, door);
  if (opened.address.value != 0) {
    cell_.links.insert(opened.address);
    stage().named(opened.address, std::string(door.role) + "@" + opened.endpoint);
  }
  return opened;
}

Address Troupe::CellContext::spawn_child(std::string_view actor_name, std::unique_ptr<Actor> actor) {
  const Address child = stage().fresh_address();
  cell_.children.insert(child);
  troupe_.place(child, actor_name, cell_.address, std::move(actor));
  return child;
}

/// Lets an actor do one thing, and writes down what came of it if somebody wants to know.
template <class Do>
void Troupe::step(Cell& cell, StepKind kind, Address sender, const Payload& payload, Do what) {
  TraceSink* trace = stage_.trace();
  if (trace == nullptr || !trace->wants_steps()) {
    CellContext context(*this, cell, sender, payload);
    what(context);
    return;
  }
  RecordedContext context(*this, cell, sender, payload, kind);
  what(context);
  trace->stepped(context.step());
}

// --- who is there -------------------------------------------------------------------------------------------

Troupe::~Troupe() = default;

Troupe::Cell* Troupe::find(Address actor) {
  const auto at = cells_.find(actor.value);
  return at == cells_.end() ? nullptr : at->second.get();
}

std::string_view Troupe::name_of(Address actor) const {
  const auto at = cells_.find(actor.value);
  return at == cells_.end() ? std::string_view{} : std::string_view(at->second->name);
}

Address Troupe::parent_of(Address actor) const {
  const auto at = cells_.find(actor.value);
  return at == cells_.end() ? Address{} : at->second->parent;
}

void Troupe::link_over(Address owner, Address link) {
  if (Cell* cell = find(owner)) cell->links.erase(link);
}

std::size_t Troupe::link_count(Address actor) const {
  const auto at = cells_.find(actor.value);
  return at == cells_.end() ? 0 : at->second->links.size();
}

void Troupe::place(Address at, std::string_view name, Address parent, std::unique_ptr<Actor> actor) {
  ENSURE(!has(at));
  auto owned = std::make_unique<Cell>();
  Cell& cell = *owned;
  cell.address = at;
  cell.name = name;
  cell.parent = parent;
  cell.actor = std::move(actor);
  cells_.emplace(at.value, std::move(owned));
  stage_.named(at, name);
  step(cell, StepKind::start, Address{}, Payload{}, [&](Context& context) { cell.actor->start(context); });
  leave_if_done(cell);
}

Receipt Troupe::deliver(const Envelope& envelope) {
  Cell* cell = find(envelope.to);
  if (cell == nullptr) return {Receipt::Kind::handled, {}};
  if (TraceSink* trace = stage_.trace()) trace->delivered(stage_.now(), envelope);
  if (envelope.id == StopActor::message_id && !envelope.outside) {
    ask_to_stop(*cell);
    return {Receipt::Kind::handled, {}};
  }
  return handle(*cell, envelope);
}

Receipt Troupe::handle(Cell& cell, const Envelope& envelope) {
  if (cell.phase == Phase::waiting_for_children) return {Receipt::Kind::handled, {}};
  Receipt receipt;
  step(cell, StepKind::message, envelope.from, envelope.payload, [&](auto& context) {
    receipt = cell.actor->receive(envelope, context);
    if constexpr (requires { context.refused(receipt); }) context.refused(receipt);
  });
  leave_if_done(cell);
  return receipt;
}

Instant Troupe::next_timer() const { return timers_.empty() ? Instant::max() : timers_.begin()->first.first; }

bool Troupe::fire_one(Instant now) {
  if (next_timer() > now) return false;
  const auto first = timers_.begin();
  const std::uint64_t id = first->first.second;
  Timer timer = std::move(first->second);
  timers_.erase(first);
  due_.erase(id);
  Cell* cell = find(timer.owner);
  ENSURE(cell != nullptr);
  cell->timers.erase(id);
  const Envelope envelope{timer.owner, timer.owner, timer.id, std::move(timer.body), {}, false};
  if (TraceSink* trace = stage_.trace()) trace->delivered(now, envelope);
  handle(*cell, envelope);
  return true;
}

void Troupe::ask_to_stop(Cell& cell) {
  if (cell.phase != Phase::running) return;
  cell.phase = Phase::asked_to_stop;
  step(cell, StepKind::stop, cell.parent, Payload{}, [&](Context& context) {
    if (cell.actor->stop(context) == Farewell::now) context.goodbye();
  });
  leave_if_done(cell);
}

void Troupe::leave_if_done(Cell& cell) {
  if (!cell.goodbye_said) return;
  const Address self = cell.address;
  if (cell.phase != Phase::waiting_for_children) {
    cell.phase = Phase::waiting_for_children;
    for (const Address child : std::set<Address>(cell.children))
      if (Cell* each = find(child)) ask_to_stop(*each);
  }
  // The last child's leaving may have removed this cell already.
  if (find(self) != nullptr && cell.children.empty()) remove(cell);
}

void Troupe::remove(Cell& cell) {
  for (const Address link : cell.links) stage_.close(link);
  for (const int descriptor : cell.descriptors) stage_.unwatch(descriptor);
  for (const std::uint64_t timer : cell.timers) {
    timers_.erase({due_.at(timer), timer});
    due_.erase(timer);
  }
  const Address gone = cell.address;
  const Address parent = cell.parent;
  cells_.erase(gone.value);
  stage_.stopped(gone);
  if (Cell* above = find(parent)) {
    stage_.route({gone, parent, ActorStopped::message_id, encode(ActorStopped{gone}), {}, false});
    above->children.erase(gone);
    if (above->phase == Phase::waiting_for_children) leave_if_done(*above);
  }
}

void Troupe::check_invariants() const {
  for (const auto& [address, cell] : cells_) cell->actor->check_invariants();
}

}  // namespace tutti
