#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tracker/facts.hpp"

// What facts join to, by a model that keeps every fact and reads them all again for each question.

namespace tutti::test {

using Order = std::tuple<std::uint64_t, std::uint32_t, StoreId>;
inline Order order_of(const Fact& fact) { return {fact.stamp.milliseconds, fact.stamp.counter, fact.origin}; }

struct NaiveClaim {
  std::string name;
  bool reached = false;
  Order order;
  std::uint32_t tracker = 0;
};

struct NaiveMembership {
  std::uint64_t generation = 0;
  MembershipRank rank = MembershipRank::requested;
  Order order;
};

class NaiveModel {
 public:
  /// The facts must outlive it.
  explicit NaiveModel(const std::vector<Fact>& facts) : facts_(facts) {
    for (const Fact& fact : facts) {
      about_[row_key(fact.operation)].push_back(&fact);
      if (const auto* user = fact.operation.get<UserNamed>()) uids_.insert(user->uid);
      if (const auto* group = fact.operation.get<GroupNamed>()) gids_.insert(group->gid);
      if (const auto* change = fact.operation.get<MembershipChanged>()) uids_.insert(change->uid);
    }
  }
  const std::set<Uid>& uids() const { return uids_; }
  const std::set<Gid>& gids() const { return gids_; }

  template <class Op, class Id>
  std::optional<NaiveClaim> claim(Id Op::*of, const Id& id) const {
    std::optional<NaiveClaim> result;
    bool reached = false;
    Op about;
    about.*of = id;
    for (const Fact* fact : facts_about(about)) {
      const Op* op = fact->operation.get<Op>();
      const NaiveClaim each{op->name.text, false, order_of(*fact), op->tracker};
      const auto key = [](const NaiveClaim& x) { return std::tie(x.order, x.name, x.tracker); };
      if (!result || key(each) < key(*result)) result = each;
      reached = reached || op->reached_all;
    }
    if (result) result->reached = reached;
    return result;
  }

  NaiveMembership membership(const Gid& gid, const Uid& uid) const {
    NaiveMembership result;
    for (const Fact* fact : facts_about(MembershipChanged{gid, uid, 1, {}, {}})) {
      const auto* op = fact->operation.get<MembershipChanged>();
      const auto strength = std::make_tuple(op->generation, op->rank);
      const auto known = std::make_tuple(result.generation, result.rank);
      if (strength > known || (strength == known && order_of(*fact) < result.order))
        result = {op->generation, op->rank, order_of(*fact)};
    }
    return result;
  }
  bool is_member(const Gid& gid, const Uid& uid) const {
    const NaiveMembership each = membership(gid, uid);
    return each.generation != 0 && each.rank == MembershipRank::accepted;
  }
  std::uint64_t epoch(const Gid& gid) const {
    std::uint64_t ended = 0;
    for (const Uid& uid : uids_) {
      const NaiveMembership top = membership(gid, uid);
      std::set<std::uint64_t> accepted;
      for (const Fact* fact : facts_about(MembershipChanged{gid, uid, 1, {}, {}})) {
        const auto* op = fact->operation.get<MembershipChanged>();
        const bool is_left = op->rank == MembershipRank::left;
        if (is_left || op->rank == MembershipRank::accepted) accepted.insert(op->generation);
        accepted.insert(op->over == 0 || is_left ? op->generation - 1 : op->over - 1);
      }
      const bool counts_itself =
          top.rank != MembershipRank::accepted && top.rank != MembershipRank::requested;
      std::uint64_t most = 0;
      for (const std::uint64_t each : accepted)
        if (each < top.generation || (each == top.generation && counts_itself)) most = each;
      ended += most;
    }
    return ended;
  }
  std::set<Uid> members(const Gid& gid) const {
    std::set<Uid> result;
    for (const Uid& uid : uids_)
      if (is_member(gid, uid)) result.insert(uid);
    return result;
  }
  std::optional<Uid> owner(const Gid& gid) const {
    // The highest counter, then the earliest.
    std::optional<std::tuple<std::uint64_t, Order, Uid, std::uint64_t>> given;
    for (const Fact* fact : facts_about(GroupTransferred{gid, 1, {}, 1})) {
      const auto* op = fact->operation.get<GroupTransferred>();
      const auto each = std::make_tuple(~op->counter, order_of(*fact), op->uid, op->membership);
      if (!given || each < *given) given = each;
    }
    if (given && is_member(gid, std::get<2>(*given)) &&
        membership(gid, std::get<2>(*given)).generation == std::get<3>(*given))
      return std::get<2>(*given);
    std::optional<std::pair<Order, Uid>> first;
    for (const Uid& uid : members(gid)) {
      const std::pair<Order, Uid> each{membership(gid, uid).order, uid};
      if (!first || each < *first) first = each;
    }
    return first ? std::optional(first->second) : std::nullopt;
  }
  std::optional<Uid> user_named(const std::string& name) const {
    std::optional<std::tuple<bool, Order, Uid>> first;
    for (const Uid& uid : uids_) {
      const auto each = claim(&UserNamed::uid, uid);
      if (!each || each->name != name || is_withdrawn(uid)) continue;
      const auto key = std::make_tuple(!each->reached, each->order, uid);
      if (!first || key < *first) first = key;
    }
    return first ? std::optional(std::get<2>(*first)) : std::nullopt;
  }
  using Password = std::tuple<std::uint64_t, StoreId, std::string>;
  Password password(const Uid& uid) const {
    Password highest;
    for (const Fact* fact : facts_about(PasswordSet{uid, 1, {}})) {
      const auto* op = fact->operation.get<PasswordSet>();
      highest = std::max(highest, Password{op->counter, fact->origin, op->verifier});
    }
    return highest;
  }
  bool is_withdrawn(const Uid& uid) const { return std::get<2>(password(uid)) == "!"; }
  /// Whose sessions of the client's last login stand: not closed, and opened with the password that holds.
  std::set<Uid> logged_in(const ClientKey& client) const {
    std::uint64_t last = 0;
    bool closed = false;
    std::map<Sha256, const SessionOpened*> tokens;
    for (const Fact& fact : facts_) {
      const auto* end = fact.operation.get<SessionClosed>();
      const auto* begin = fact.operation.get<SessionOpened>();
      const bool is_of_client =
          (end != nullptr && end->client == client) || (begin != nullptr && begin->client == client);
      if (!is_of_client) continue;
      const std::uint64_t generation = end != nullptr ? end->generation.value : begin->generation.value;
      if (generation < last) continue;
      if (generation > last) {
        tokens.clear();
        closed = false;
        last = generation;
      }
      closed = closed || end != nullptr;
      if (begin == nullptr) continue;
      const auto strength = [](const SessionOpened* op) {
        return std::make_tuple(op->expires, op->uid, op->password_counter, op->password_origin);
      };
      const SessionOpened*& known = tokens[begin->token_hash];
      if (known == nullptr || strength(known) < strength(begin)) known = begin;
    }
    std::set<Uid> result;
    for (const auto& [hash, op] : tokens) {
      const auto& [counter, origin, verifier] = password(op->uid);
      const bool is_first = counter <= 1 && op->password_counter == 0;
      if (!closed && (is_first || (counter == op->password_counter && origin == op->password_origin)))
        result.insert(op->uid);
    }
    return result;
  }
  std::optional<Gid> group_named(const std::string& name) const {
    std::optional<std::tuple<bool, Order, Gid>> first;
    for (const Gid& gid : gids_) {
      const auto each = claim(&GroupNamed::gid, gid);
      if (!each || each->name != name || members(gid).empty()) continue;
      const auto key = std::make_tuple(!each->reached, each->order, gid);
      if (!first || key < *first) first = key;
    }
    return first ? std::optional(std::get<2>(*first)) : std::nullopt;
  }
  std::set<Uid> sharers(const Gid& gid, const Fid& fid) const {
    std::set<Uid> result;
    for (const Uid& uid : members(gid)) {
      std::tuple<std::uint64_t, std::uint64_t, bool> highest{0, 0, true};
      for (const Fact* fact : facts_about(ShareIntended{gid, fid, uid, 0, 0, false})) {
        const auto* op = fact->operation.get<ShareIntended>();
        highest = std::max(highest, std::make_tuple(op->membership, op->generation, !op->on));
      }
      if (!std::get<2>(highest) && std::get<0>(highest) == membership(gid, uid).generation)
        result.insert(uid);
    }
    return result;
  }
  std::set<Fid> files(const Gid& gid) const {
    std::set<Fid> result;
    for (const Fact& fact : facts_) {
      const auto* op = fact.operation.get<FileDescribed>();
      if (op != nullptr && op->gid == gid && !sharers(gid, op->fid).empty()) result.insert(op->fid);
    }
    return result;
  }

 private:
  std::vector<const Fact*> facts_about(const Operation& operation) const {
    const auto found = about_.find(row_key(operation));
    return found == about_.end() ? std::vector<const Fact*>{} : found->second;
  }

  const std::vector<Fact>& facts_;
  std::map<Bytes, std::vector<const Fact*>> about_;
  std::set<Uid> uids_;
  std::set<Gid> gids_;
};

}  // namespace tutti::test
