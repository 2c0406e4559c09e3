#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "messages/tracker_tracker.hpp"
#include "tracker/row_table.hpp"

// How the directory keeps facts in memory. Ids of 16 bytes are kept once and stand for themselves as numbers of 4.

namespace tutti {

using OriginIndex = Unit<struct OriginIndexTag, std::uint32_t>;
using UserIndex = Unit<struct UserIndexTag, std::uint32_t>;
using GroupIndex = Unit<struct GroupIndexTag, std::uint32_t>;
using FileIndex = Unit<struct FileIndexTag, std::uint32_t>;
using MembershipIndex = Unit<struct MembershipIndexTag, std::uint32_t>;
using ClientIndex = Unit<struct ClientIndexTag, std::uint32_t>;

struct OriginRow {
  StoreId id;
};

/// When and where a fact was made.
struct Mark {
  std::uint64_t milliseconds = 0;
  std::uint32_t counter = 0;
  OriginIndex origin;
  bool operator==(const Mark&) const = default;
};

/// A name that somebody goes by.
struct Claim {
  bool known = false;
  bool reached_all = false;
  std::uint32_t tracker = 0;
  Mark mark;
  std::string name;
  bool operator==(const Claim&) const = default;
};

/// The verifier of an account that nobody was told of, as its name went to another: no password fits it, and it bears
/// no name.
inline constexpr std::string_view withdrawn_verifier = "!";

struct UserRow {
  Uid id;
  Claim claim;
  std::uint64_t password_counter = 0;  ///< 0: no password is known
  OriginIndex password_origin;
  std::string verifier;
  std::vector<GroupIndex> groups;    ///< of all membership rows
  std::vector<ClientIndex> clients;  ///< with sessions of the user, also such as are of no effect
  bool online = false;               ///< of this process alone, in no row and no digest
  std::uint32_t standings = 0;       ///< groups that the user is in or asks to join
  std::uint32_t shared = 0;          ///< files that the user shares
  std::uint32_t intents = 0;         ///< and that the user ever shared, or stopped to share
  std::uint64_t pieces = 0;          ///< of those, as far as they were described when that was learned
  bool is_listed() const { return claim.known && verifier != withdrawn_verifier; }
};

/// To whom a group was given.
struct Transfer {
  std::uint64_t counter = 0;  ///< 0: it never was
  UserIndex user;
  std::uint64_t membership = 0;
  Mark mark;
};

struct GroupRecord {
  Gid id;
  Claim claim;
  std::uint32_t members = 0;
  std::uint64_t departures = 0;  ///< departed() of all memberships together
  std::uint32_t requests = 0;    ///< that wait for the owner
  std::uint32_t files = 0;       ///< described, be they alive or not
  std::uint64_t pieces = 0;      ///< of those
  Transfer transfer;
  std::optional<UserIndex> owner;
};

struct MemberKey {
  GroupIndex group;
  UserIndex user;
  auto operator<=>(const MemberKey&) const = default;
  ByteView hashed() const { return {reinterpret_cast<const std::uint8_t*>(this), sizeof *this}; }
};

struct Share {
  FileIndex file;
  bool on = false;
  std::uint64_t membership = 0;
  std::uint64_t generation = 0;
};

struct Membership {
  MemberKey id;
  std::uint64_t generation = 0;  ///< 0: only share intents are known
  MembershipRank rank = MembershipRank::requested;
  UserIndex by;
  /// The last generation before this one, or this one if a request was also accepted elsewhere, that was accepted and is
  /// over, as far as is known; of `left`, which says it itself, always the one before.
  std::uint64_t over = 0;
  Mark mark;
  std::vector<Share> shares;  ///< by file
  bool is_member() const { return generation != 0 && rank == MembershipRank::accepted; }
  bool is_requested() const { return generation != 0 && rank == MembershipRank::requested; }
  /// The last generation that was accepted and is over: higher after each departure of the user, the same after a request
  /// that came to nothing. What joins says as much or more.
  std::uint64_t departed() const {
    return rank == MembershipRank::left && generation != 0 ? generation : over;
  }
  /// As `over` is said in facts.
  std::uint64_t said_over() const { return over + 1 == generation ? 0 : over + 1; }
  bool is_of_effect(const Share& share) const {
    return is_member() && share.on && share.membership == generation;
  }
};

struct FileId {
  Gid gid;
  Fid fid;
  bool operator==(const FileId&) const = default;
  ByteView hashed() const { return {reinterpret_cast<const std::uint8_t*>(this), sizeof *this}; }
};
static_assert(std::has_unique_object_representations_v<MemberKey> &&
              std::has_unique_object_representations_v<FileId>);

struct FileRecord {
  FileId id;
  GroupIndex group;
  bool known = false;  ///< described, not only spoken of
  std::uint32_t tracker = 0;
  std::uint32_t pieces = 0;
  Mark mark;
  std::string name;
  ByteCount size;
  Sha1 sha1;
  bool tree = false;               ///< a directory
  std::vector<UserIndex> sharers;  ///< whose intent is of effect, in order
  bool is_alive() const { return known && !sharers.empty(); }
};

struct ClientRow {
  struct Token {
    Sha256 hash;
    UserIndex user;
    std::uint64_t expires = 0;
    std::uint64_t password_counter = 0;  ///< 0: an account's first password
    OriginIndex password_origin;
  };
  struct Outcome {
    std::uint64_t counter = 0;
    Mark mark;
    std::string answer;
  };
  ClientKey id;
  bool has_session = false;
  bool closed = false;
  Mark closed_at;
  RequestCounter generation;
  std::vector<Token> tokens;
  std::vector<Sha256>
      ended;  // the last tokens that are no more; of this process alone, in no row and no digest
  std::optional<UserIndex>
      last_user;  ///< who logged in last, as far as this process knows; in no row and no digest
  std::vector<Outcome> outcomes;  ///< by counter
};

}  // namespace tutti
