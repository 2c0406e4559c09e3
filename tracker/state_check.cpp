// Every view computed anew from the facts, and compared.

#include <map>
#include <set>

#include "actors/ensure.hpp"
#include "tracker/state.hpp"

namespace tutti {

namespace {

/// True if an ordered set holds each of its keys where its order says, strictly.
template <class Set>
bool is_ordered(const Set& set) {
  const auto before = set.key_comp();
  for (auto at = set.begin(); at != set.end(); ++at) {
    const auto next = std::next(at);
    if (next != set.end() && !before(*at, *next)) return false;
  }
  return true;
}

}  // namespace

void DirectoryState::check_orders() const {
  ENSURE(changes == nullptr && keeps_lists);
  ENSURE(is_ordered(users_by_name) && is_ordered(groups_by_name) && is_ordered(members_by_name) &&
         is_ordered(requests_by_name) && is_ordered(files_by_name) && is_ordered(seniors));
  std::size_t named_users = 0;
  for (std::uint32_t i = 0; i < users.size(); ++i) {
    const UserRow& row = users[UserIndex{i}];
    if (row.is_listed()) ++named_users;
    ENSURE(users_by_name.contains(UserIndex{i}) == row.is_listed());
    for (const GroupIndex group : row.groups) ENSURE(memberships.find({group, UserIndex{i}}).has_value());
  }
  ENSURE(named_users == users_by_name.size());
}

void DirectoryState::check_memberships() const {
  std::vector<std::uint32_t> members(groups.size());
  std::vector<std::uint64_t> departures(groups.size());
  std::size_t listed_members = 0;
  std::size_t listed_requests = 0;
  std::vector<std::uint32_t> standings(users.size());
  std::vector<std::uint32_t> shared(users.size());
  std::vector<std::uint32_t> intents(users.size());
  std::vector<std::uint64_t> pieces(users.size());
  std::vector<std::uint32_t> requests(groups.size());
  for (std::uint32_t i = 0; i < memberships.size(); ++i) {
    const Membership& membership = memberships[MembershipIndex{i}];
    const MemberKey& key = membership.id;
    const bool known = users[key.user].is_listed();
    departures[key.group.value] += membership.departed();
    if (membership.is_member() || membership.is_requested()) ++standings[key.user.value];
    if (membership.is_requested()) ++requests[key.group.value];
    intents[key.user.value] += static_cast<std::uint32_t>(membership.shares.size());
    for (const Share& share : membership.shares) {
      if (membership.is_of_effect(share)) ++shared[key.user.value];
      pieces[key.user.value] += files[share.file].pieces;
    }
    ENSURE(members_by_name.contains(key) == (known && membership.is_member()));
    ENSURE(requests_by_name.contains(key) == (known && membership.is_requested()));
    if (known && membership.is_member()) ++listed_members;
    if (known && membership.is_requested()) ++listed_requests;
    if (!membership.is_member()) continue;
    const Senior senior{key.group, membership.mark, key.user};
    ENSURE(seniors.contains(senior));
    ++members[key.group.value];
  }
  for (std::uint32_t i = 0; i < users.size(); ++i)
    ENSURE(users[UserIndex{i}].standings == standings[i] && users[UserIndex{i}].shared == shared[i] &&
           users[UserIndex{i}].intents == intents[i] && users[UserIndex{i}].pieces <= pieces[i]);
  ENSURE(listed_members == members_by_name.size() && listed_requests == requests_by_name.size());
  std::size_t alive = 0;
  std::size_t total = 0;
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    const GroupRecord& row = groups[GroupIndex{i}];
    ENSURE(row.departures == departures[i] && row.requests == requests[i]);
    ENSURE(row.members == members[i] && row.owner.has_value() == (members[i] > 0));
    ENSURE(groups_by_name.contains(GroupIndex{i}) == (row.claim.known && row.members > 0));
    if (row.claim.known && row.members > 0) ++alive;
    total += row.members;
  }
  ENSURE(alive == groups_by_name.size() && total == seniors.size());
}

void DirectoryState::check_owners() const {
  std::vector<std::optional<Senior>> oldest(groups.size());
  std::vector<bool> is_given(groups.size());
  const SeniorOrder is_before{this};
  for (std::uint32_t i = 0; i < memberships.size(); ++i) {
    const Membership& membership = memberships[MembershipIndex{i}];
    if (!membership.is_member()) continue;
    const MemberKey& key = membership.id;
    const Senior senior{key.group, membership.mark, key.user};
    std::optional<Senior>& first = oldest[key.group.value];
    if (!first || is_before(senior, *first)) first = senior;
    const Transfer& transfer = groups[key.group].transfer;
    if (transfer.counter != 0 && transfer.user == key.user && transfer.membership == membership.generation)
      is_given[key.group.value] = true;
  }
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    const GroupRecord& row = groups[GroupIndex{i}];
    if (row.owner) ENSURE(*row.owner == (is_given[i] ? row.transfer.user : oldest[i]->user));
  }
}

void DirectoryState::check_files() const {
  std::map<FileIndex, std::set<UserIndex>> sharers;
  for (std::uint32_t i = 0; i < memberships.size(); ++i) {
    const Membership& membership = memberships[MembershipIndex{i}];
    for (const Share& share : membership.shares)
      if (membership.is_of_effect(share)) sharers[share.file].insert(membership.id.user);
    ENSURE(std::is_sorted(membership.shares.begin(), membership.shares.end(),
                          [](const Share& a, const Share& b) { return a.file < b.file; }));
  }
  std::size_t alive = 0;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    const FileRecord& row = files[FileIndex{i}];
    const auto found = sharers.find(FileIndex{i});
    const std::size_t count = found == sharers.end() ? 0 : found->second.size();
    ENSURE(row.sharers.size() == count);
    ENSURE(std::is_sorted(row.sharers.begin(), row.sharers.end()));
    for (const UserIndex user : row.sharers) ENSURE(found->second.contains(user));
    ENSURE(files_by_name.contains(FileIndex{i}) == row.is_alive());
    if (row.is_alive()) ++alive;
  }
  ENSURE(alive == files_by_name.size());
}

void DirectoryState::check_online_sharers() const {
  std::size_t shared = 0;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    std::vector<UserIndex> online;
    for (const UserIndex user : files[FileIndex{i}].sharers)
      if (users[user].online) online.push_back(user);
    ENSURE(online_sharers_of(FileIndex{i}) == online);
    if (!online.empty()) ++shared;
  }
  ENSURE(shared == online_sharers.size());
}

void DirectoryState::check_clients() const {
  std::map<UserIndex, std::set<ClientIndex>> logged_in;
  std::size_t outcomes = 0;
  std::size_t closed = 0;
  std::uint32_t empty = 0;
  std::uint64_t newest = 0;
  for (std::uint32_t i = 0; i < clients.size(); ++i) {
    const ClientRow& row = clients[ClientIndex{i}];
    for (const ClientRow::Token& token : row.tokens) logged_in[token.user].insert(ClientIndex{i});
    ENSURE(row.outcomes.size() <= outcomes_max);
    for (std::size_t j = 1; j < row.outcomes.size(); ++j)
      ENSURE(row.outcomes[j - 1].counter < row.outcomes[j].counter);
    outcomes += row.outcomes.size();
    for (const ClientRow::Outcome& each : row.outcomes) {
      ENSURE(outcomes_by_age.contains(Aging{each.mark, each.counter, ClientIndex{i}}));
      newest = std::max(newest, each.mark.milliseconds);
    }
    if (row.closed) {
      ++closed;
      ENSURE(closed_by_age.contains(Aging{row.closed_at, 0, ClientIndex{i}}));
      ENSURE(!is_long_closed(row.closed_at));
    }
    if (!row.has_session && row.outcomes.empty()) ++empty;
    ENSURE(!row.closed || (row.has_session && row.tokens.empty()));
    ENSURE(row.has_session || row.tokens.empty());
    for (std::size_t j = 1; j < row.tokens.size(); ++j) ENSURE(row.tokens[j - 1].hash < row.tokens[j].hash);
  }
  ENSURE(outcomes == outcomes_by_age.size() && outcomes <= outcomes_in_all_max);
  ENSURE(closed == closed_by_age.size());
  ENSURE(empty == clients.erased());
  ENSURE(newest == newest_outcome);
  for (std::uint32_t i = 0; i < users.size(); ++i) {
    const std::vector<ClientIndex>& noted = users[UserIndex{i}].clients;
    ENSURE(std::set<ClientIndex>(noted.begin(), noted.end()) == logged_in[UserIndex{i}]);
    ENSURE(noted.size() == logged_in[UserIndex{i}].size());
  }
}

void DirectoryState::check_digest() const {
  RowDigest anew;
  for (std::uint32_t i = 0; i < users.size(); ++i) {
    digest_user(anew, UserIndex{i}, Turn::comes);
    digest_password(anew, UserIndex{i}, Turn::comes);
  }
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    digest_group(anew, GroupIndex{i}, Turn::comes);
    digest_transfer(anew, GroupIndex{i}, Turn::comes);
  }
  for (std::uint32_t i = 0; i < files.size(); ++i) digest_file(anew, FileIndex{i}, Turn::comes);
  for (std::uint32_t i = 0; i < memberships.size(); ++i) {
    const Membership& membership = memberships[MembershipIndex{i}];
    digest_membership(anew, membership.id, membership, Turn::comes);
    for (const Share& share : membership.shares) digest_share(anew, membership.id, share, Turn::comes);
  }
  for (std::uint32_t i = 0; i < clients.size(); ++i) {
    const ClientRow& row = clients[ClientIndex{i}];
    digest_session(anew, row.id, row, Turn::comes);
    for (const ClientRow::Outcome& each : row.outcomes)
      digest_outcome(anew, row.id, each.counter, each.answer, Turn::comes);
  }
  ENSURE(anew == digest);
}

}  // namespace tutti
