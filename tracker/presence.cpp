#include "tracker/presence.hpp"

#include <algorithm>
#include <tuple>

#include "actors/ensure.hpp"

namespace tutti {

bool Presence::heard(const PresenceGossip& gossip, Instant now) {
  const auto known = clients_.find(gossip.client);
  if (known != clients_.end()) {
    const PresentClient& last = known->second;
    if (std::tie(gossip.generation, gossip.count) <= std::tie(last.generation, last.count)) return false;
    unlink(last);
  }
  const bool left = gossip.ttl.count() == 0;
  const Instant fades = now + (left ? ttl : gossip.ttl);
  clients_[gossip.client] = {
      gossip.client, gossip.uid, gossip.generation, gossip.count, gossip.host, gossip.port, fades, left};
  if (left) {
    ++left_;
  } else {
    by_user_[gossip.uid].push_back(gossip.client);
  }
  by_end_.emplace(fades, gossip.client);
  return true;
}

void Presence::forget(const ClientKey& client) {
  const auto known = clients_.find(client);
  if (known == clients_.end()) return;
  unlink(known->second);
  clients_.erase(known);
}

std::vector<PresentClient> Presence::expire(Instant now) {
  std::vector<PresentClient> faded;
  for (const auto& [end, client] : by_end_) {
    if (end > now) break;
    faded.push_back(clients_.at(client));
  }
  for (const PresentClient& each : faded) forget(each.client);
  std::erase_if(faded, [](const PresentClient& each) { return each.left; });
  return faded;
}

const PresentClient* Presence::find(const ClientKey& client) const {
  const auto known = clients_.find(client);
  return known == clients_.end() || known->second.left ? nullptr : &known->second;
}

std::vector<const PresentClient*> Presence::clients_of(const Uid& uid) const {
  std::vector<const PresentClient*> result;
  const auto known = by_user_.find(uid);
  if (known == by_user_.end()) return result;
  for (const ClientKey& client : known->second) result.push_back(find(client));
  return result;
}

std::vector<Uid> Presence::users() const {
  std::vector<Uid> result;
  result.reserve(by_user_.size());
  for (const auto& [uid, clients] : by_user_) result.push_back(uid);
  std::sort(result.begin(), result.end());  // whoever goes through them does the same in each run
  return result;
}

void Presence::unlink(const PresentClient& present) {
  by_end_.erase({present.fades, present.client});
  if (present.left) {
    --left_;
    return;
  }
  const auto known = by_user_.find(present.uid);
  std::erase(known->second, present.client);
  if (known->second.empty()) by_user_.erase(known);
}

void Presence::check_invariants() const {
  std::size_t linked = 0;
  for (const auto& [uid, clients] : by_user_) {
    ENSURE(!clients.empty());
    for (const ClientKey& client : clients) {
      const PresentClient* present = find(client);
      ENSURE(present != nullptr && present->uid == uid);
    }
    linked += clients.size();
  }
  ENSURE(linked == clients_.size() - left_);
  ENSURE(by_end_.size() == clients_.size());
  for (const auto& [end, client] : by_end_) ENSURE(clients_.at(client).fades == end);
}

}  // namespace tutti
