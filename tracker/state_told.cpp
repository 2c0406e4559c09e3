#include "tracker/state_told.hpp"

#include "tracker/state.hpp"

namespace tutti {

void DirectoryState::tell(UserIndex to, NoticeKind kind, std::string group, std::string user,
                          std::string sentence) {
  if (!tells()) return;
  changes->told.push_back({users[to].id, {kind, std::move(group), std::move(user), std::move(sentence)}});
}

void DirectoryState::tell_of_membership(const MemberKey& key, const Membership& before,
                                        const Membership& after) {
  if (!tells() || (before.generation == after.generation && before.rank == after.rank)) return;
  const std::string group = listed_name(key.group);
  const std::string user = listed_name(key.user);
  const bool by_owner = after.by != key.user;
  if (after.rank == MembershipRank::requested && groups[key.group].owner)
    tell(*groups[key.group].owner, NoticeKind::join_requested, group, user,
         user + " asks to join " + group + ": accept_request " + group + " " + user + " lets them in.");
  if (after.rank == MembershipRank::accepted && by_owner)
    tell(key.user, NoticeKind::accepted, group, user, "You are a member of " + group + " now.");
  if (after.rank == MembershipRank::rejected && by_owner)
    tell(key.user, NoticeKind::rejected, group, user, "Your request to join " + group + " was rejected.");
  if (after.rank == MembershipRank::left && by_owner)
    tell(key.user, NoticeKind::info, group, listed_name(after.by), sentence_of_removal(key.group, after.by));
}

std::string DirectoryState::sentence_of_removal(GroupIndex group, UserIndex by) const {
  return listed_name(by) + " has removed you from " + listed_name(group);
}

void DirectoryState::tell_of_departure(const MemberKey& key, const Membership& before,
                                       const Membership& after) {
  const bool gone = before.is_member() && !after.is_member();
  if (!tells() || (!gone && before.departed() == after.departed())) return;
  const std::string name = listed_name(key.group);
  Departure departure{groups[key.group].id, name, groups[key.group].departures, {}, {}};
  if (gone) {
    departure.gone = users[key.user].id;
    departure.sentence =
        after.by == key.user ? "you have left " + name : sentence_of_removal(key.group, after.by);
  }
  changes->departures.push_back(std::move(departure));
}

void DirectoryState::tell_of_owner(GroupIndex group, std::optional<UserIndex> before) {
  const std::optional<UserIndex> owner = groups[group].owner;
  if (!tells() || !before || !owner || owner == before) return;
  const std::string name = listed_name(group);
  tell(*owner, NoticeKind::became_owner, name, listed_name(*owner), "You are the owner of " + name + " now.");
  const Membership* former = find_membership({group, *before});
  if (former != nullptr && former->is_member())
    tell(*before, NoticeKind::info, name, listed_name(*owner),
         listed_name(*owner) + " is the owner of " + name + " now; you are a member of it.");
}

std::string sentence_of_lost_user_name(std::string_view name, std::string_view listed) {
  return "the name " + std::string(name) +
         " was also taken through another tracker while the trackers were apart; " +
         "your account is whole and goes by " + std::string(listed) + " now: log in with that name";
}

std::string sentence_of_lost_group_name(std::string_view name, std::string_view listed) {
  return "the group name " + std::string(name) +
         " was also taken through another tracker while the trackers were " +
         "apart; your group is whole and goes by " + std::string(listed) + " now";
}

}  // namespace tutti
