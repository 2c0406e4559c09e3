#include "peer/admission.hpp"

#include <algorithm>
#include <utility>

namespace tutti {

bool Admission::admitted(const Gid& gid, const ClientKey& client) const {
  const auto group = groups_.find(gid);
  return group != groups_.end() && group->second.members.contains(client);
}

void Admission::wanted(const Gid& gid, Instant now) {
  const auto [group, is_new] = groups_.try_emplace(gid);
  if (is_new) group->second.ask_at = now;
  if (group->second.asking) {
    group->second.wanted_meanwhile = true;
  } else if (!is_new) {
    group->second.ask_at =
        std::min(group->second.ask_at, std::max(now, group->second.last_asked + ask_pause));
  }
}

std::optional<Instant> Admission::ask_at(const Gid& gid) const {
  const auto group = groups_.find(gid);
  if (group == groups_.end() || group->second.asking) return std::nullopt;
  return group->second.ask_at;
}

void Admission::asked(const Gid& gid, Instant now) {
  Group& group = groups_.at(gid);
  group.asking = true;
  group.last_asked = now;
}

std::vector<ClientKey> Admission::answered(const Gid& gid, std::span<const ClientKey> asked_about,
                                           std::span<const ClientKey> named,
                                           const std::set<ClientKey>& fetching, Instant now) {
  const auto found = groups_.find(gid);
  if (found == groups_.end()) return {};
  Group& group = found->second;
  const std::set<ClientKey> sessions(named.begin(), named.end());
  std::vector<ClientKey> turned_away;
  std::set<ClientKey> members;
  std::map<ClientKey, Misses> missed;
  for (const ClientKey& client : asked_about) {
    if (sessions.contains(client)) {
      members.insert(client);
      continue;
    }
    Misses misses = group.missed[client];
    if (misses.times == 0 || now - misses.last >= ask_again_after) misses = {misses.times + 1, now};
    if (misses.times >= misses_max) {
      turned_away.push_back(client);
      continue;
    }
    missed.emplace(client, misses);
    if (group.members.contains(client)) members.insert(client);
  }
  // Of those who were not asked about, who fetches nothing has to be named anew when it comes again.
  const std::set<ClientKey> asked(asked_about.begin(), asked_about.end());
  for (const ClientKey& client : group.members)
    if (!asked.contains(client) && fetching.contains(client)) members.insert(client);
  group.members = std::move(members);
  group.missed = std::move(missed);
  settle(group, group.missed.empty() ? recheck_every : ask_again_after, now);
  return turned_away;
}

void Admission::unanswered(const Gid& gid, Instant now) {
  if (const auto group = groups_.find(gid); group != groups_.end()) settle(group->second, recheck_every, now);
}

void Admission::settle(Group& group, Duration delay, Instant now) {
  group.asking = false;
  group.ask_at = std::exchange(group.wanted_meanwhile, false) ? std::max(now, group.last_asked + ask_pause)
                                                              : now + delay;
}

}  // namespace tutti
