// The ordered lists of a state that was loaded in bulk, made by sorting once.

#include <array>

#include "tracker/state.hpp"

namespace tutti {

namespace {

/// The beginning of a name as numbers that compare as the name does: most comparisons end here, where comparing the
/// names themselves would fetch both from somewhere else in memory.
struct NameBegin {
  std::array<std::uint64_t, 2> words{};
  auto operator<=>(const NameBegin&) const = default;
};

NameBegin begin_of(std::string_view name) {
  NameBegin begin;
  for (std::size_t i = 0; i < std::min(name.size(), sizeof begin.words); ++i)
    begin.words[i / 8] |= std::uint64_t{static_cast<unsigned char>(name[i])} << (56 - 8 * (i % 8));
  return begin;
}

/// Something to be listed: what it is sorted by first, and what it is.
template <class Begin, class Key>
struct Entry {
  Begin begin;
  Key key;
};

/// Fills a list with entries in any order; `list.key_comp()` says what `begin` leaves open.
template <class List, class Begin, class Key>
void fill(List& list, std::vector<Entry<Begin, Key>> entries) {
  const auto& before = list.key_comp();
  std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : before(a.key, b.key);
  });
  std::vector<Key> keys;
  keys.reserve(entries.size());
  for (const auto& each : entries) keys.push_back(each.key);
  list.assign(keys);
}

}  // namespace

void DirectoryState::list_all() {
  if (keeps_lists) return;
  keeps_lists = true;

  std::vector<Entry<NameBegin, UserIndex>> named_users;
  for (UserIndex user; user.value < users.size(); ++user.value)
    if (users[user].claim.known) named_users.push_back({begin_of(users[user].claim.name), user});
  fill(users_by_name, std::move(named_users));

  std::vector<Entry<NameBegin, GroupIndex>> named_groups;
  for (GroupIndex group; group.value < groups.size(); ++group.value)
    if (groups[group].claim.known && groups[group].members > 0)
      named_groups.push_back({begin_of(groups[group].claim.name), group});
  fill(groups_by_name, std::move(named_groups));

  using FileBegin = std::pair<GroupIndex, NameBegin>;
  std::vector<Entry<FileBegin, FileIndex>> named_files;
  for (FileIndex file; file.value < files.size(); ++file.value)
    if (files[file].is_alive())
      named_files.push_back({{files[file].group, begin_of(files[file].name)}, file});
  fill(files_by_name, std::move(named_files));

  list_all_members();
}

/// Members in the order of users' names, which are listed already.
void DirectoryState::list_all_members() {
  std::vector<std::uint32_t> rank(users.size());
  std::uint32_t next = 0;
  for (const UserIndex user : users_by_name) rank[user.value] = next++;

  using MemberBegin = std::pair<GroupIndex, std::uint32_t>;
  using SeniorBegin = std::tuple<GroupIndex, std::uint64_t, std::uint32_t>;
  std::vector<Entry<MemberBegin, MemberKey>> members;
  std::vector<Entry<MemberBegin, MemberKey>> requests;
  std::vector<Entry<SeniorBegin, Senior>> standing;
  for (MembershipIndex each; each.value < memberships.size(); ++each.value) {
    const Membership& membership = memberships[each];
    const MemberKey& key = membership.id;
    const MemberBegin begin{key.group, rank[key.user.value]};
    const bool known = users[key.user].claim.known;
    if (known && membership.is_member()) members.push_back({begin, key});
    if (known && membership.is_requested()) requests.push_back({begin, key});
    if (membership.is_member())
      standing.push_back({{key.group, membership.mark.milliseconds, membership.mark.counter},
                          {key.group, membership.mark, key.user}});
  }
  fill(members_by_name, std::move(members));
  fill(requests_by_name, std::move(requests));
  fill(seniors, std::move(standing));

  // The first of each group owns it.
  for (GroupIndex group; group.value < groups.size(); ++group.value) groups[group].owner.reset();
  for (const Senior& each : seniors)
    if (!groups[each.group].owner) groups[each.group].owner = each.user;
}

}  // namespace tutti
