#include "actors/connection_limits.hpp"

#include <algorithm>

#include "actors/ensure.hpp"

namespace tutti {

ConnectionLimits::ConnectionLimits(const ConnectionBounds& bounds)
    : bounds_(bounds), every_(Duration(std::chrono::seconds(1)) / std::max(bounds.per_second, 1U)) {}

std::vector<ConnectionLimits::Id> ConnectionLimits::opened(Id id, const std::string& address, Instant now) {
  take_out(id);  // the system has given its number away again
  if (addresses_.size() >= sweep_above && now >= next_sweep_) forget_idle(now);
  Address& from = addresses_[address];
  from.full_at = std::max(from.full_at, now);
  if (from.full_at + every_ > now + bounds_.burst * every_) return {id};
  from.full_at += every_;
  std::vector<Id> gone;
  for (const auto* mute : {from.open >= bounds_.per_address ? &from.mute : nullptr,
                           connections_.size() >= bounds_.in_all ? &mute_ : nullptr}) {
    if (mute == nullptr || !gone.empty()) continue;
    if (mute->empty()) return {id};
    gone.push_back(mute->begin()->second);
    take_out(gone.back());
  }
  const std::pair<std::uint64_t, Id> mine{++last_number_, id};
  connections_[id] = {address, mine.first, now};
  ++from.open;
  from.mute.insert(mine);
  mute_.insert(mine);
  return gone;
}

void ConnectionLimits::heard(Id id) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.heard) return;
  Connection& connection = found->second;
  connection.heard = true;
  addresses_.at(connection.address).mute.erase({connection.number, id});
  mute_.erase({connection.number, id});
}

void ConnectionLimits::given_up(Id id, Instant now) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || !found->second.heard) return;
  Connection& connection = found->second;
  connection.heard = false;
  connection.number = ++last_number_;
  connection.since = now;
  addresses_.at(connection.address).mute.insert({connection.number, id});
  mute_.insert({connection.number, id});
}

bool ConnectionLimits::closed(Id id) {
  const auto found = connections_.find(id);
  const bool was_mute = found != connections_.end() && !found->second.heard;
  take_out(id);
  return was_mute;
}

void ConnectionLimits::take_out(Id id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  heard(id);
  --addresses_.at(found->second.address).open;
  connections_.erase(found);
}

std::vector<ConnectionLimits::Id> ConnectionLimits::mute(Instant now, Instant awake_since) {
  std::vector<Id> gone;
  while (!mute_.empty()) {
    const Id oldest = mute_.begin()->second;
    if (now - std::max(connections_.at(oldest).since, awake_since) < mute_after) break;
    gone.push_back(oldest);
    take_out(oldest);
  }
  return gone;
}

/// Each who comes costs a connection to remember, and at most so many come in the time until a bucket is full again.
void ConnectionLimits::forget_idle(Instant now) {
  next_sweep_ = now + std::chrono::milliseconds(100);
  std::erase_if(addresses_,
                [&](const auto& each) { return each.second.open == 0 && each.second.full_at <= now; });
}

void ConnectionLimits::check_invariants() const {
  std::size_t open = 0;
  std::size_t mute = 0;
  for (const auto& [address, from] : addresses_) {
    ENSURE(from.open <= bounds_.per_address && from.mute.size() <= from.open);
    open += from.open;
    mute += from.mute.size();
  }
  ENSURE(open == connections_.size() && mute == mute_.size() && open <= bounds_.in_all);
}

}  // namespace tutti
