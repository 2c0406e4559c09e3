#include "peer/admission.hpp"

#include <algorithm>

#include "actors/signatures.hpp"

namespace tutti {

Admission::Verdict Admission::show(const PeerTicket& ticket, const ClientKey& client, Instant now) {
  if (ticket.client != client) return Verdict::forged;
  const auto [found, is_new] = groups_.try_emplace(ticket.gid);
  Group& group = found->second;
  if (is_new) group.ask_at = now;
  group.undecided.erase(client);
  const Verdict verdict = judge(group, ticket, true, now);
  if (verdict == Verdict::undecided) {
    group.undecided.emplace(client, ticket);
    group.ask_at = std::min(group.ask_at, std::max(now, group.last_asked + ask_pause));
  }
  return verdict;
}

Admission::Verdict Admission::judge(Group& group, const PeerTicket& ticket, bool may_wait, Instant now) {
  if (!group.known || !group.signers.contains(ticket.signer))
    return may_wait ? Verdict::undecided : Verdict::refused;
  const Instant expires = instant_of(ticket.expires);
  if (ticket.epoch < group.epoch || expires <= now) return Verdict::refused;
  if (!is_signed(ticket.signer, ticket.signature, words_to_sign(ticket))) return Verdict::forged;
  group.held[ticket.client] = Held{ticket.uid, ticket.epoch, expires, {}, false};
  raise(group, ticket.epoch, now);
  return Verdict::let_in;
}

std::optional<Uid> Admission::user_of(const Gid& gid, const ClientKey& client) const {
  const auto group = groups_.find(gid);
  if (group == groups_.end()) return std::nullopt;
  const auto held = group->second.held.find(client);
  return held == group->second.held.end() ? std::nullopt : std::optional(held->second.user);
}

bool Admission::is_undecided(const Gid& gid, const ClientKey& client) const {
  const auto group = groups_.find(gid);
  return group != groups_.end() && group->second.undecided.contains(client);
}

std::optional<Instant> Admission::ask_at(const Gid& gid) const {
  const auto group = groups_.find(gid);
  if (group == groups_.end()) return Instant{};
  if (group->second.asking) return std::nullopt;
  return group->second.ask_at;
}

void Admission::asked(const Gid& gid, Instant now) {
  Group& group = groups_[gid];
  group.asking = true;
  group.last_asked = now;
}

std::vector<ClientKey> Admission::learned(const Gid& gid, const TicketRules& rules, Instant now) {
  if (!reachable_) reunited_ = now;
  reachable_ = true;
  clock_ = rules.now;
  clock_at_ = now;
  std::vector<ClientKey> refused;
  const auto found = groups_.find(gid);
  if (found == groups_.end()) return refused;
  Group& group = found->second;
  group.asking = false;
  group.ask_at = now + ask_every;
  group.known = true;
  group.signers = {rules.signers.begin(), rules.signers.end()};
  raise(group, rules.epoch, now);
  for (const auto& [client, ticket] : group.undecided)
    if (judge(group, ticket, false, now) != Verdict::let_in) refused.push_back(client);
  group.undecided.clear();
  return refused;
}

void Admission::unanswered(const Gid& gid, bool unreachable, Instant now) {
  if (unreachable) reachable_ = false;
  const auto group = groups_.find(gid);
  if (group == groups_.end()) return;
  group->second.asking = false;
  group->second.ask_at = now + (unreachable ? ask_pause : ask_every);
}

void Admission::rose(const Gid& gid, std::uint64_t epoch, Instant now) {
  if (const auto group = groups_.find(gid); group != groups_.end()) raise(group->second, epoch, now);
}

void Admission::raise(Group& group, std::uint64_t epoch, Instant now) {
  if (epoch <= group.epoch) return;
  group.epoch = epoch;
  for (auto& [client, held] : group.held)
    if (held.epoch < epoch && !held.stale) held.stale = now + grace;
}

std::vector<ClientKey> Admission::to_renew(const Gid& gid) {
  std::vector<ClientKey> clients;
  const auto group = groups_.find(gid);
  if (group == groups_.end()) return clients;
  for (auto& [client, held] : group->second.held)
    if (held.stale && !held.told) {
      held.told = true;
      clients.push_back(client);
    }
  return clients;
}

Instant Admission::lapse_of(const Held& held) const {
  const Instant expires =
      reachable_ ? std::max(held.expires, reunited_ == Instant{} ? Instant{} : reunited_ + reunion)
                 : Instant::max();
  return held.stale ? std::min(*held.stale, expires) : expires;
}

std::vector<ClientKey> Admission::lapsed(const Gid& gid, Instant now) {
  std::vector<ClientKey> clients;
  const auto group = groups_.find(gid);
  if (group == groups_.end()) return clients;
  std::erase_if(group->second.held, [&](const auto& each) {
    const bool lapses = now >= lapse_of(each.second);
    if (lapses) clients.push_back(each.first);
    return lapses;
  });
  return clients;
}

std::optional<Instant> Admission::lapse_at(const Gid& gid) const {
  std::optional<Instant> first;
  const auto group = groups_.find(gid);
  if (group == groups_.end()) return first;
  for (const auto& [client, held] : group->second.held)
    if (const Instant at = lapse_of(held); at != Instant::max()) first = first ? std::min(*first, at) : at;
  return first;
}

void Admission::forget(const ClientKey& client) {
  for (auto& [gid, group] : groups_) {
    group.held.erase(client);
    group.undecided.erase(client);
  }
}

Instant Admission::instant_of(std::uint64_t milliseconds) const {
  // A day is as good as any time: sums stay in range, whatever is said.
  constexpr std::uint64_t day = 86'400'000;
  if (milliseconds <= clock_)
    return clock_at_ - std::chrono::milliseconds(std::min(day, clock_ - milliseconds));
  return clock_at_ + std::chrono::milliseconds(std::min(day, milliseconds - clock_));
}

}  // namespace tutti
