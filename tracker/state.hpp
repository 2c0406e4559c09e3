#pragma once

#include <algorithm>
#include <compare>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tracker/directory.hpp"
#include "tracker/ordered_list.hpp"
#include "tracker/row_digest.hpp"
#include "tracker/rows.hpp"

namespace tutti {

/// `text` as it was chosen, if it is listed under the mark of a lost name.
std::string_view without_mark(std::string_view text);

/// What the directory holds. Facts are in tables; views are ordered sets of numbers, whose order is that of listings.
/// Changing a claim or a membership takes its numbers out of the sets, changes, and puts them back (unlist, list): an
/// ordered set must not see its keys change.
struct DirectoryState {
  DirectoryState(const HashSecret& secret, std::size_t outcomes_kept);
  DirectoryState(const DirectoryState&) = delete;
  DirectoryState& operator=(const DirectoryState&) = delete;

  /// Outcomes kept of a client: more requests than a client has under way, so whoever asks again finds its own.
  static constexpr std::size_t outcomes_max = 256;
  /// Tokens kept of a client's sessions that have ended: it says one at a time.
  static constexpr std::size_t ended_max = 4;
  /// That a session was closed is known for longer than any login lasts: then nothing of that client could be of effect.
  static constexpr std::uint64_t closed_known_for = std::uint64_t{32} * 24 * 60 * 60 * 1000;

  // --- orders. The first of one name has it ----------------------------------------------------------------
  bool is_earlier(const Mark& a, const Mark& b) const;
  /// (name, reached all, stamp, origin, id)
  template <class Id>
  bool claims_before(const Claim& a, const Id& a_id, const Claim& b, const Id& b_id) const {
    if (const int order = a.name.compare(b.name); order != 0) return order < 0;
    if (a.reached_all != b.reached_all) return a.reached_all;
    if (a.mark != b.mark) return is_earlier(a.mark, b.mark);
    return a_id < b_id;
  }
  struct UserOrder {
    using is_transparent = void;
    const DirectoryState* state;
    bool operator()(UserIndex a, UserIndex b) const {
      return state->claims_before(state->users[a].claim, state->users[a].id, state->users[b].claim,
                                  state->users[b].id);
    }
    bool operator()(UserIndex a, std::string_view name) const { return state->users[a].claim.name < name; }
    bool operator()(std::string_view name, UserIndex a) const { return name < state->users[a].claim.name; }
  };
  struct GroupOrder {
    using is_transparent = void;
    const DirectoryState* state;
    bool operator()(GroupIndex a, GroupIndex b) const {
      return state->claims_before(state->groups[a].claim, state->groups[a].id, state->groups[b].claim,
                                  state->groups[b].id);
    }
    bool operator()(GroupIndex a, std::string_view name) const { return state->groups[a].claim.name < name; }
    bool operator()(std::string_view name, GroupIndex a) const { return name < state->groups[a].claim.name; }
  };
  /// A name in a group: of a member or of a file.
  struct NameIn {
    GroupIndex group;
    std::string_view name;
    auto operator<=>(const NameIn&) const = default;
  };
  struct MemberOrder {
    using is_transparent = void;
    const DirectoryState* state;
    NameIn name_of(const MemberKey& key) const { return {key.group, state->users[key.user].claim.name}; }
    bool operator()(const MemberKey& a, const MemberKey& b) const {
      return a.group != b.group ? a.group < b.group : UserOrder{state}(a.user, b.user);
    }
    bool operator()(const MemberKey& a, const NameIn& b) const { return name_of(a) < b; }
    bool operator()(const NameIn& a, const MemberKey& b) const { return a < name_of(b); }
  };
  struct FileOrder {
    using is_transparent = void;
    const DirectoryState* state;
    NameIn name_of(FileIndex a) const { return {state->files[a].group, state->files[a].name}; }
    bool operator()(FileIndex a, FileIndex b) const;
    bool operator()(FileIndex a, const NameIn& b) const { return name_of(a) < b; }
    bool operator()(const NameIn& a, FileIndex b) const { return a < name_of(b); }
  };
  /// Members of a group, longest-standing first.
  struct Senior {
    GroupIndex group;
    Mark since;
    UserIndex user;
  };
  struct SeniorOrder {
    using is_transparent = void;
    const DirectoryState* state;
    bool operator()(const Senior& a, const Senior& b) const;
    bool operator()(const Senior& a, GroupIndex b) const { return a.group < b; }
    bool operator()(GroupIndex a, const Senior& b) const { return a < b.group; }
  };

  /// Something of a client that is forgotten some time, the oldest first.
  struct Aging {
    Mark since;
    std::uint64_t counter = 0;  ///< of an outcome
    ClientIndex client;
  };
  struct AgeOrder {
    const DirectoryState* state;
    bool operator()(const Aging& a, const Aging& b) const;
  };

  // --- facts ---------------------------------------------------------------------------------------------------
  RowTable<OriginRow, StoreId, OriginIndex> origins;
  RowTable<UserRow, Uid, UserIndex> users;
  RowTable<GroupRecord, Gid, GroupIndex> groups;
  RowTable<FileRecord, FileId, FileIndex> files;
  RowTable<Membership, MemberKey, MembershipIndex> memberships;
  RowTable<ClientRow, ClientKey, ClientIndex> clients;

  // --- views ---------------------------------------------------------------------------------------------------
  OrderedList<UserIndex, UserOrder> users_by_name;
  OrderedList<GroupIndex, GroupOrder> groups_by_name;   ///< alive ones
  OrderedList<MemberKey, MemberOrder> members_by_name;  ///< who are listed
  OrderedList<MemberKey, MemberOrder> requests_by_name;
  OrderedList<FileIndex, FileOrder> files_by_name;  ///< alive ones
  OrderedList<Senior, SeniorOrder> seniors;
  OrderedList<Aging, AgeOrder> outcomes_by_age;
  OrderedList<Aging, AgeOrder> closed_by_age;
  /// When the newest of all outcomes was made: what tells the time to facts that are forgotten, since trackers that have
  /// the same facts have to have forgotten the same.
  std::uint64_t newest_outcome = 0;
  std::size_t outcomes_in_all_max;
  /// Of each file that anybody online shares, by its number, in order.
  std::unordered_map<std::uint32_t, std::vector<UserIndex>> online_sharers;
  RowDigest digest;

  // --- joining (state_join.cpp, state_join_files.cpp, state_join_clients.cpp) --------------------------------
  /// Where rows and notices go; null while the own store is loaded.
  Changes* changes = nullptr;
  /// The row that is joined, if it came as one.
  struct Joining {
    const Fact* fact = nullptr;
    const StoredRow* row = nullptr;
  };
  Joining joining;
  /// False while rows come in bulk: then the ordered lists and the owners of groups are made at the end, by sorting
  /// once (state_load.cpp).
  bool keeps_lists = true;
  std::function<bool()> listing;  ///< makes a part of them, while they are made
  void begin_bulk();
  bool list_some();
  bool tells() const { return changes != nullptr && keeps_lists; }

  void join(const StoreId& origin, const Stamp& stamp, const Operation& operation);
  void join(const Mark& mark, const UserNamed& op);
  void join(const Mark& mark, const GroupNamed& op);
  void join(const Mark& mark, const PasswordSet& op);
  void join(const Mark& mark, const MembershipChanged& op);
  void join(const Mark& mark, const FileDescribed& op);
  void join(const Mark& mark, const ShareIntended& op);
  void join(const Mark& mark, const SessionOpened& op);
  void join(const Mark& mark, const SessionClosed& op);
  void join(const Mark& mark, const RequestAnswered& op);
  void join(const Mark& mark, const GroupTransferred& op);
  void join(const Mark& mark, const Restated& op);

  Mark mark_of(const StoreId& origin, const Stamp& stamp);
  Stamp stamp_of(const Mark& mark) const { return {mark.milliseconds, mark.counter}; }
  Claim joined(const Claim& known, Claim incoming) const;
  void list_user(UserIndex user);
  void unlist_user(UserIndex user);
  void list_group(GroupIndex group);
  void unlist_group(GroupIndex group);
  void list_member(const MemberKey& key, const Membership& membership);
  void unlist_member(const MemberKey& key, const Membership& membership);
  Membership& membership_row(const MemberKey& key);
  void change_membership(const MemberKey& key, const Membership& next);
  void add_sharer(FileIndex file, UserIndex user);
  void remove_sharer(FileIndex file, UserIndex user);
  void user_is(UserIndex user, bool online);
  void add_online_sharer(FileIndex file, UserIndex user);
  void remove_online_sharer(FileIndex file, UserIndex user);
  const std::vector<UserIndex>& online_sharers_of(FileIndex file) const;
  /// Where the outcome of `counter` is in the row of a client, or belongs.
  static std::vector<ClientRow::Outcome>::const_iterator outcome_at(const ClientRow& row,
                                                                    std::uint64_t counter);
  /// Where the intent for `file` is, or belongs.
  static std::vector<Share>::const_iterator share_at(const Membership& membership, FileIndex file);
  /// To whom the group is, by its last transfer or else by who is a member the longest. Needs the lists.
  std::optional<UserIndex> owner_by_facts(GroupIndex group) const;
  void drop_session(ClientRow& row);
  void drop_closed(ClientRow& row);
  bool is_long_closed(const Mark& mark) const;
  void forget_long_closed();
  void drop_outcome(const Aging& which);
  Aging oldest_outcome_of(ClientIndex client) const;
  void drop_if_empty(const ClientRow& row);
  void note_session(UserIndex user, ClientIndex client);
  /// The password that a session stands on, compared with the one that holds: less: replaced; greater: not known here yet.
  std::strong_ordering age_of_password(const ClientRow::Token& token) const;
  bool is_of_effect(const ClientRow::Token& token) const { return age_of_password(token) == 0; }
  static void note_end(ClientRow& row, const Sha256& token_hash);

  /// Writes the row of a fact: the one that came, if it is that very fact.
  template <class Op>
  void write(const Mark& mark, const Op& operation) {
    if (changes == nullptr) return;
    const StoreId& origin = origins[mark.origin].id;
    if (joining.fact != nullptr) {
      const Op* came = joining.fact->operation.get<Op>();
      const bool is_it = came == &operation || (came != nullptr && *came == operation);
      if (is_it && joining.fact->origin == origin && joining.fact->stamp == stamp_of(mark))
        return write_joining();
    }
    changes->rows.push_back(row_of({origin, stamp_of(mark), operation}));
  }
  void write_joining();
  void erase(Bytes key);
  void tell(UserIndex to, NoticeKind kind, std::string group, std::string user, std::string sentence);
  void tell_of_membership(const MemberKey& key, const Membership& before, const Membership& after);
  void tell_of_departure(const MemberKey& key, const Membership& before, const Membership& after);
  std::string sentence_of_removal(GroupIndex group, UserIndex by) const;
  void tell_of_owner(GroupIndex group, std::optional<UserIndex> before);
  template <class Change>
  void renaming_users(const std::string& name, Change change);
  template <class Change>
  void renaming_groups(const std::string& name, Change change);

  // --- what rows say, for a digest that they come to or go from (state_digest.cpp) ----------------------------
  using Turn = RowDigest::Turn;
  void digest_user(RowDigest& into, UserIndex user, Turn turn) const;
  void digest_password(RowDigest& into, UserIndex user, Turn turn) const;
  void digest_group(RowDigest& into, GroupIndex group, Turn turn) const;
  void digest_transfer(RowDigest& into, GroupIndex group, Turn turn) const;
  void digest_membership(RowDigest& into, const MemberKey& key, const Membership& membership,
                         Turn turn) const;
  void digest_file(RowDigest& into, FileIndex file, Turn turn) const;
  void digest_share(RowDigest& into, const MemberKey& key, const Share& share, Turn turn) const;
  void digest_session(RowDigest& into, const ClientKey& client, const ClientRow& row, Turn turn) const;
  void digest_outcome(RowDigest& into, const ClientKey& client, std::uint64_t counter,
                      const std::string& outcome, Turn turn) const;

  // --- names (state_names.cpp) --------------------------------------------------------------------------------
  /// Everybody who claims `name`, the holder first, each with the name that it is listed under.
  std::vector<std::pair<UserIndex, std::string>> users_called(std::string_view name) const;
  std::vector<std::pair<GroupIndex, std::string>> groups_called(std::string_view name) const;
  std::vector<std::pair<FileIndex, std::string>> files_called(const NameIn& name) const;
  std::optional<UserIndex> find_user(std::string_view text) const;
  std::optional<GroupIndex> find_group(std::string_view text) const;
  std::optional<FileIndex> find_file(const NameIn& text) const;
  std::string listed_name(UserIndex user) const;
  std::string listed_name(GroupIndex group) const;
  std::string listed_name(FileIndex file) const;

  // --- looking up -----------------------------------------------------------------------------------------------
  const Membership* find_membership(const MemberKey& key) const;
  const ClientRow* find_client(const ClientKey& client) const;
  const Membership* find_membership(const Gid& gid, const Uid& uid) const;
  std::optional<FileIndex> find_file(const Gid& gid, const Fid& fid) const { return files.find({gid, fid}); }
  FileView view_of(FileIndex file) const;
  std::vector<Uid> page_of(const OrderedList<MemberKey, MemberOrder>& members, const Gid& gid,
                           std::string_view after, std::size_t limit) const;

  // --- ENSUREs that views and digest are what the facts say, computed anew (state_check.cpp) ------------------

  void check_orders() const;
  void check_memberships() const;
  void check_owners() const;
  void check_files() const;
  void check_online_sharers() const;
  void check_clients() const;
  void check_digest() const;
};

}  // namespace tutti
