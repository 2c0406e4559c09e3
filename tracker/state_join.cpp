// How facts about names, passwords and memberships join.

#include <algorithm>
#include <initializer_list>
#include <tuple>

#include "tracker/state.hpp"
#include "tracker/state_told.hpp"

namespace tutti {

// --- names ------------------------------------------------------------------------------------------------------

/// The earliest claim of an id is its claim (one that used its request number for two names keeps the first), and it
/// has reached all if any said so.
Claim DirectoryState::joined(const Claim& known, Claim incoming) const {
  if (!known.known) return incoming;
  Claim result = known;
  const auto label = [](const Claim& claim) { return std::tie(claim.name, claim.tracker); };
  if (is_earlier(incoming.mark, known.mark) ||
      (incoming.mark == known.mark && label(incoming) < label(known)))
    result = incoming;
  result.reached_all = known.reached_all || incoming.reached_all;
  return result;
}

void DirectoryState::unlist_user(UserIndex user) {
  if (!users[user].is_listed() || !keeps_lists) return;
  users_by_name.erase(user);
  for (const GroupIndex group : users[user].groups) {
    members_by_name.erase({group, user});
    requests_by_name.erase({group, user});
  }
}

void DirectoryState::list_user(UserIndex user) {
  if (!users[user].is_listed() || !keeps_lists) return;
  users_by_name.insert(user);
  for (const GroupIndex group : users[user].groups) {
    const Membership& membership = *find_membership({group, user});
    if (membership.is_member()) members_by_name.insert({group, user});
    if (membership.is_requested()) requests_by_name.insert({group, user});
  }
}

/// Runs a change that may give a name to another, and tells those who lost it (or won it back).
template <class Change>
void DirectoryState::renaming_users(const std::string& name, Change change) {
  if (!tells()) return change();
  const auto before = users_called(name);
  change();
  for (const auto& [user, listed] : before) {
    const std::string now = listed_name(user);
    if (now != listed)
      tell(user, NoticeKind::info, {}, now,
           now == name ? "your account goes by " + now + " again" : sentence_of_lost_user_name(name, now));
  }
}

template <class Change>
void DirectoryState::renaming_groups(const std::string& name, Change change) {
  if (!tells()) return change();
  const auto before = groups_called(name);
  change();
  for (const auto& [group, listed] : before) {
    const std::string now = listed_name(group);
    if (now != listed && groups[group].owner)
      tell(*groups[group].owner, NoticeKind::info, now, {},
           now == name ? "your group goes by " + now + " again" : sentence_of_lost_group_name(name, now));
  }
}

void DirectoryState::join(const Mark& mark, const UserNamed& op) {
  const UserIndex user = users.at(op.uid);
  const Claim next = joined(users[user].claim, {true, op.reached_all, op.tracker, mark, op.name.text});
  if (next == users[user].claim) return;
  renaming_users(next.name, [&] {
    unlist_user(user);
    digest_user(digest, user, Turn::goes);
    users[user].claim = next;
    digest_user(digest, user, Turn::comes);
    list_user(user);
  });
  write(next.mark, UserNamed{op.uid, {next.name}, next.tracker, next.reached_all});
}

void DirectoryState::unlist_group(GroupIndex group) {
  if (keeps_lists && groups[group].claim.known && groups[group].members > 0) groups_by_name.erase(group);
}

void DirectoryState::list_group(GroupIndex group) {
  if (keeps_lists && groups[group].claim.known && groups[group].members > 0) groups_by_name.insert(group);
}

void DirectoryState::join(const Mark& mark, const GroupNamed& op) {
  const GroupIndex group = groups.at(op.gid);
  const Claim next = joined(groups[group].claim, {true, op.reached_all, op.tracker, mark, op.name.text});
  if (next == groups[group].claim) return;
  renaming_groups(next.name, [&] {
    unlist_group(group);
    digest_group(digest, group, Turn::goes);
    groups[group].claim = next;
    digest_group(digest, group, Turn::comes);
    list_group(group);
  });
  write(next.mark, GroupNamed{op.gid, {next.name}, next.tracker, next.reached_all});
}

void DirectoryState::join(const Mark& mark, const PasswordSet& op) {
  const UserIndex user = users.at(op.uid);
  UserRow& row = users[user];
  if (op.counter == 0) return;
  const auto order = [&](std::uint64_t counter, OriginIndex origin, const std::string& verifier) {
    return std::make_tuple(counter, origins[origin].id, std::string_view(verifier));
  };
  if (row.password_counter != 0 && order(op.counter, mark.origin, op.verifier) <=
                                       order(row.password_counter, row.password_origin, row.verifier))
    return;
  const auto change = [&] {
    digest_password(digest, user, Turn::goes);
    row.password_counter = op.counter;
    row.password_origin = mark.origin;
    row.verifier = op.verifier;
    digest_password(digest, user, Turn::comes);
  };
  const bool may_turn = row.verifier == withdrawn_verifier || op.verifier == withdrawn_verifier;
  if (may_turn && row.claim.known) {
    renaming_users(row.claim.name, [&] {
      unlist_user(user);
      change();
      list_user(user);
    });
  } else {
    change();
  }
  write(mark, op);
  if (op.counter > 1)
    tell(user, NoticeKind::session_ended, {}, {}, "the password was changed: log in with the new one");
}

// --- memberships ------------------------------------------------------------------------------------------------

Membership& DirectoryState::membership_row(const MemberKey& key) {
  const std::uint32_t known = memberships.size();
  const MembershipIndex found = memberships.at(key);
  if (found.value == known) users[key.user].groups.push_back(key.group);
  return memberships[found];
}

void DirectoryState::list_member(const MemberKey& key, const Membership& membership) {
  if (membership.is_member() || membership.is_requested()) ++users[key.user].standings;
  if (membership.is_requested()) ++groups[key.group].requests;
  if (membership.is_member()) {
    if (keeps_lists) seniors.insert({key.group, membership.mark, key.user});
    ++groups[key.group].members;
  }
  if (keeps_lists && users[key.user].is_listed()) {
    if (membership.is_member()) members_by_name.insert(key);
    if (membership.is_requested()) requests_by_name.insert(key);
  }
  for (const Share& share : membership.shares)
    if (membership.is_of_effect(share)) add_sharer(share.file, key.user);
}

void DirectoryState::unlist_member(const MemberKey& key, const Membership& membership) {
  if (membership.is_member() || membership.is_requested()) --users[key.user].standings;
  if (membership.is_requested()) --groups[key.group].requests;
  if (membership.is_member()) {
    if (keeps_lists) seniors.erase({key.group, membership.mark, key.user});
    --groups[key.group].members;
  }
  if (keeps_lists && users[key.user].is_listed()) {
    members_by_name.erase(key);
    requests_by_name.erase(key);
  }
  for (const Share& share : membership.shares)
    if (membership.is_of_effect(share)) remove_sharer(share.file, key.user);
}

/// Gives a membership its new generation, rank and mark, and every view what follows: the listings, the owner, whether
/// the group is alive, and the files that are shared.
void DirectoryState::change_membership(const MemberKey& key, const Membership& next) {
  Membership& row = membership_row(key);
  GroupRecord& group = groups[key.group];
  const bool changes_rank = row.is_member() != next.is_member() || row.generation != next.generation;
  const auto change = [&] {
    digest_membership(digest, key, row, Turn::goes);
    unlist_member(key, row);
    group.departures += next.departed() - row.departed();
    row.generation = next.generation;
    row.rank = next.rank;
    row.by = next.by;
    row.over = next.over;
    row.mark = next.mark;
    list_member(key, row);
    digest_membership(digest, key, row, Turn::comes);
    if (keeps_lists) group.owner = owner_by_facts(key.group);
  };
  // A group's place among the names depends on having members at all: taken out and put back around the change.
  const bool may_turn = changes_rank && group.claim.known && group.members <= 1;
  if (!may_turn) return change();
  renaming_groups(group.claim.name, [&] {
    unlist_group(key.group);
    change();
    list_group(key.group);
  });
}

namespace {

/// What is over by what two facts about one membership say, of which `top` holds. Each generation that somebody accepted
/// counts once a later one begins or it ends, also if it ended elsewhere as a request that came to nothing: whoever was let
/// in by it may have a ticket. It is the last of all that any fact knows of, so the order of facts does not matter.
std::uint64_t over_by(const Membership& top, std::initializer_list<const Membership*> facts) {
  if (top.rank == MembershipRank::left) return top.generation - 1;
  std::uint64_t over = 0;
  for (const Membership* each : facts) {
    over = std::max(over, each->over);
    const bool was_accepted = each->generation != 0 &&
                              (each->rank == MembershipRank::accepted || each->rank == MembershipRank::left);
    const bool has_ended = each->generation < top.generation || top.rank == MembershipRank::rejected;
    if (was_accepted && has_ended) over = std::max(over, each->generation);
  }
  return over;
}

}  // namespace

void DirectoryState::join(const Mark& mark, const MembershipChanged& op) {
  if (op.generation == 0) return;
  const MemberKey key{groups.at(op.gid), users.at(op.uid)};
  const Membership before = membership_row(key);
  Membership said = before;
  said.generation = op.generation;
  said.rank = op.rank;
  said.by = users.at(op.by);
  said.over = op.over == 0 || op.rank == MembershipRank::left ? op.generation - 1 : op.over - 1;
  said.mark = mark;
  const auto strength = [](const Membership& each) { return std::tie(each.generation, each.rank); };
  const bool is_first =
      is_earlier(mark, before.mark) || (mark == before.mark && users[said.by].id < users[before.by].id);
  const bool holds = strength(said) > strength(before) || (strength(said) == strength(before) && is_first);
  Membership next = holds ? said : before;
  next.over = over_by(next, {&before, &said});
  if (!holds && next.over == before.over) return;
  const std::optional<UserIndex> owner_before = groups[key.group].owner;
  change_membership(key, next);
  write(next.mark,
        MembershipChanged{op.gid, op.uid, next.generation, next.rank, users[next.by].id, next.said_over()});
  tell_of_membership(key, before, next);
  tell_of_departure(key, before, next);
  tell_of_owner(key.group, owner_before);
}

// --- owners -----------------------------------------------------------------------------------------------------

std::optional<UserIndex> DirectoryState::owner_by_facts(GroupIndex group) const {
  const Transfer& transfer = groups[group].transfer;
  const Membership* given = transfer.counter == 0 ? nullptr : find_membership({group, transfer.user});
  if (given != nullptr && given->is_member() && given->generation == transfer.membership)
    return transfer.user;
  const auto first = seniors.lower_bound(group);
  const bool anybody = first != seniors.end() && first->group == group;
  return anybody ? std::optional(first->user) : std::nullopt;
}

void DirectoryState::join(const Mark& mark, const GroupTransferred& op) {
  if (op.counter == 0) return;
  const GroupIndex group = groups.at(op.gid);
  const Transfer next{op.counter, users.at(op.uid), op.membership, mark};
  GroupRecord& row = groups[group];
  if (next.counter < row.transfer.counter) return;
  if (next.counter == row.transfer.counter) {
    const auto rest = [&](const Transfer& each) { return std::tie(users[each.user].id, each.membership); };
    const bool holds = next.mark == row.transfer.mark ? rest(next) < rest(row.transfer)
                                                      : is_earlier(next.mark, row.transfer.mark);
    if (!holds) return;
  }
  digest_transfer(digest, group, Turn::goes);
  row.transfer = next;
  digest_transfer(digest, group, Turn::comes);
  const std::optional<UserIndex> owner_before = row.owner;
  if (keeps_lists) row.owner = owner_by_facts(group);
  write(mark, op);
  tell_of_owner(group, owner_before);
}

}  // namespace tutti
