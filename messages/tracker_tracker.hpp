#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/client_tracker.hpp"
#include "messages/kernel.hpp"
#include "messages/message.hpp"
#include "messages/peer_ticket.hpp"
#include "messages/row_run.hpp"

// The protocol between trackers. Each tracker says what it did to everybody who listens (PUB, port P+1), and each
// follows each other one over a link of its own (follower F, DEALER, to source S, ROUTER, port P+2) that repairs what
// the feed lost. Feeds promise nothing, so nothing depends on them: a heartbeat shows what is missing.
//
//   feed         = *( Delta | Heartbeat | PresenceGossip )
//   conversation = F:RepairHello  ( welcome | S:RepairUnwelcome )  *( repair )
//   welcome      = S:RepairWelcome S:RepairHeads                   the heads from version 2 on
//   repair       = F:Pull          ( *S:Ops | S:LogTruncated )     deltas that F lacks, as many Ops as F has credit for
//                | S:Ops           F:Ack                           deltas that F did not acknowledge in time
//                | F:Ack                                           after each group of deltas that F has on disk
//                | F:AskRows *( S:SnapshotRows | F:MoreRows )      as many pages as F has given credit for; version 2
//                | F:AskBuckets    S:Buckets
//                | S:ReportHeard                                   a report that S has taken; from version 4 on
//
// A delta above `delta_published_max` is not said on the feed but sent as Ops at once: a PUB queues whole frames for
// each subscriber, and one slow subscriber times megabytes of piece digests would be the tracker's memory.
//
// State is a set of facts. A fact is stored once, never changed, and joins with the facts that it meets: any order,
// any number of times, one result. What people see (who owns a name, who is a member) is derived.

namespace tutti {

/// Version 1 knew no RepairHeads, and a snapshot whose pages nobody gives any more: trackers of both versions exchange
/// deltas. Version 2 knew no TicketSigner, version 3 no ReportHeard.
constexpr std::uint16_t tracker_tracker_version = 4;
constexpr std::uint16_t tracker_tracker_version_min = 1;
/// A larger encoded delta is not published, only sent over repair links.
constexpr ByteCount delta_published_max = 64_KiB;
/// Deltas of one Ops, at most; and it is closed when it passes this many bytes.
constexpr std::uint32_t ops_deltas_max = 256;
constexpr ByteCount ops_bytes_max = 1_MiB;
/// Operations of one delta: what one request can do.
constexpr std::uint32_t delta_operations_max = 64;
/// Rows are spread over so many buckets, so that two states that differ find out where.
constexpr std::uint32_t state_buckets = 256;

/// When an operation was made, by a hybrid logical clock: later than everything its tracker knew of then, and near
/// the time of day. Orders what nothing else orders; never compared with a clock.
struct Stamp {
  std::uint64_t milliseconds = 0;  ///< since 1970
  std::uint32_t counter = 0;       ///< of the operations made in that millisecond
  TUTTI_RECORD(Stamp, milliseconds, counter);
  auto operator<=>(const Stamp&) const = default;
};

/// A digest of rows. The same rows, whatever the order, give the same digest.
using StateDigest = FixedBytes<struct StateDigestTag, 16>;

// --- operations: what is known to have happened ---------------------------------------------------------------

/// A user goes by this name. Of several users with one name the winner is who has reached every tracker, then the
/// lowest (stamp, origin, uid); the others go by `name~tN`, N being `tracker`. Said again with `reached_all` when
/// every tracker of the file has it, so that a tracker that comes back empty cannot give the name away.
struct UserNamed {
  Uid uid;
  UserName name;
  std::uint32_t tracker = 0;  ///< number in the tracker file of the tracker that took the request
  bool reached_all = false;
  TUTTI_MESSAGE(UserNamed, 0x0701, uid, name, tracker, reached_all);
};
/// The same for a group. A group without members does not hold its name.
struct GroupNamed {
  Gid gid;
  GroupName name;
  std::uint32_t tracker = 0;
  bool reached_all = false;
  TUTTI_MESSAGE(GroupNamed, 0x0702, gid, name, tracker, reached_all);
};
/// How to check a user's password: as libsodium's crypto_pwhash_str prints it. Highest (counter, origin) holds.
struct PasswordSet {
  Uid uid;
  std::uint64_t counter = 0;  ///< 1 at creation, one more with each change
  std::string verifier;
  TUTTI_MESSAGE(PasswordSet, 0x0703, uid, counter, verifier);
  Fault fault() const {
    return verifier.empty() || verifier.size() > 256 ? "a verifier has 1 to 256 bytes" : "";
  }
};
/// In the order of strength: within a generation the later one holds, so a revocation is never undone.
enum class MembershipRank : std::uint8_t { requested, accepted, rejected, left };
inline constexpr std::array<std::string_view, 4> membership_rank_names{"requested", "accepted", "rejected",
                                                                       "left"};
constexpr std::span<const std::string_view> enumerators(MembershipRank) { return membership_rank_names; }
/// What a user is to a group. Highest (generation, rank) holds, then lowest (stamp, origin). Asking again after a
/// revocation is generation + 1. Unless the group was transferred, the owner is the member with the lowest (stamp,
/// origin) of acceptance: the creator, who was accepted with the group's making, or else the longest-standing.
/// A request that was rejected or taken back ends as `rejected`, a membership as `left`. A group's epoch is the sum over its
/// users of the last generation that was accepted and is over.
struct MembershipChanged {
  Gid gid;
  Uid uid;
  std::uint64_t generation = 0;  ///< from 1
  MembershipRank rank = MembershipRank::requested;
  Uid by;  ///< who decided: the user, or the owner at that time
  /// One more than the last generation that was accepted and is over, as far as is known; 0: it is the one before this, or
  /// this one if it was left.
  std::uint64_t over = 0;
  static constexpr std::size_t released_fields = 5;
  TUTTI_MESSAGE(MembershipChanged, 0x0704, gid, uid, generation, rank, by, over);
  Fault fault() const {
    if (generation == 0) return "generations count from 1";
    const std::uint64_t most = rank == MembershipRank::rejected ? generation + 1 : generation;
    return over > most ? "a membership is over that has not begun" : "";
  }
};
/// The owner has given the group to a member. Of a group the one with the highest counter holds, then the lowest (stamp,
/// origin, uid); it is of effect while that user's membership is accepted in the generation `membership`. Without one of
/// effect the longest-standing member owns.
struct GroupTransferred {
  Gid gid;
  std::uint64_t counter = 0;  ///< 1 for the first of a group, one more with each
  Uid uid;
  std::uint64_t membership = 0;
  TUTTI_MESSAGE(GroupTransferred, 0x0770, gid, counter, uid, membership);
  Fault fault() const { return counter == 0 || membership == 0 ? "a transfer counts from 1" : ""; }
};
/// A file was made known in a group. `fid` commits to `metainfo`. Of several alive files with one name the lowest
/// (stamp, origin, fid) has it, the others go by `name~tN`.
struct FileDescribed {
  Gid gid;
  Fid fid;
  std::uint32_t tracker = 0;
  Metainfo metainfo;
  TUTTI_MESSAGE(FileDescribed, 0x0705, gid, fid, tracker, metainfo);
};
/// A member shares a file, or does not any more. Highest (membership, generation, off) holds; it is of effect while the
/// user's membership is accepted in the generation `membership`, so that leaving ends all of them at no cost.
struct ShareIntended {
  Gid gid;
  Fid fid;
  Uid uid;
  std::uint64_t membership = 0;
  std::uint64_t generation = 0;  ///< from 1 in each membership
  bool on = false;
  TUTTI_MESSAGE(ShareIntended, 0x0706, gid, fid, uid, membership, generation, on);
};
/// A client has one session at most: that of its last login. `generation` is the counter of the login's request, so a
/// login that ran on two trackers made one session with two tokens. Highest generation holds.
/// `password_counter` and `password_origin` name the PasswordSet that was proven, or, where the session changed the
/// password, that it made; both are left out for an account's first password. A session is of effect while that password
/// holds: so a change ends all others, also those that were opened meanwhile at trackers that had not heard of it.
struct SessionOpened {
  ClientKey client;
  RequestCounter generation;
  Sha256 token_hash;
  Uid uid;
  std::uint64_t expires = 0;  ///< milliseconds since 1970
  std::uint64_t password_counter = 0;
  StoreId password_origin = {};
  static constexpr std::size_t released_fields = 5;
  TUTTI_MESSAGE(SessionOpened, 0x0707, client, generation, token_hash, uid, expires, password_counter,
                password_origin);
};
/// The session of this generation is over, whatever tokens it has. Known until the latest outcome is 32 days younger.
struct SessionClosed {
  ClientKey client;
  RequestCounter generation;
  TUTTI_MESSAGE(SessionClosed, 0x0708, client, generation);
};
/// A request that changed something was answered so; asked again, it is answered so again. `outcome` is the encoded
/// answer. The 256 latest of a client are kept, and the 1,000,000 latest of all.
struct RequestAnswered {
  ClientKey client;
  RequestCounter counter;
  Bytes outcome;
  TUTTI_MESSAGE(RequestAnswered, 0x0709, client, counter, outcome);
  Fault fault() const {
    return outcome.empty() || outcome.size() > 256 ? "an outcome has 1 to 256 bytes" : "";
  }
};

/// What a log can be the first to say.
using PlainOperation = OneOf<UserNamed, GroupNamed, PasswordSet, MembershipChanged, FileDescribed,
                             ShareIntended, SessionOpened, SessionClosed, RequestAnswered, GroupTransferred>;
/// What the log of `origin` had said at `stamp`. An old copy of that store was put back and written on, so that nobody
/// takes the deltas in which it stood. Joins as that very fact does, whoever has it already.
struct Restated {
  StoreId origin;
  Stamp stamp;
  PlainOperation operation;
  TUTTI_MESSAGE(Restated, 0x070a, origin, stamp, operation);
};

using Operation = OneOf<UserNamed, GroupNamed, PasswordSet, MembershipChanged, FileDescribed, ShareIntended,
                        SessionOpened, SessionClosed, RequestAnswered, Restated, GroupTransferred>;

/// What one request did at one tracker: it comes whole or not at all. (origin, sequence) is never used twice;
/// `previous` is SHA-256 of the origin's delta before, encoded, zeros for the first: a log that forked shows.
struct Delta {
  StoreId origin;
  Sequence sequence;
  Stamp stamp;
  Sha256 previous;
  std::vector<Operation> operations;
  TUTTI_MESSAGE(Delta, 0x0720, origin, sequence, stamp, previous, operations);
  Fault fault() const {
    if (sequence.value == 0 || (sequence.value == 1) != previous.is_zero())
      return "a delta has a wrong predecessor";
    return operations.empty() || operations.size() > delta_operations_max ? "a delta has 1 to 64 operations"
                                                                          : "";
  }
};

/// One row of the state: an operation and where it came from. Snapshots and stores are made of these.
struct Fact {
  StoreId origin;
  Stamp stamp;
  Operation operation;
  TUTTI_RECORD(Fact, origin, stamp, operation);
};

/// How far one origin's log goes, and the hash of its last delta.
struct LogHead {
  StoreId origin;
  Sequence sequence;
  Sha256 hash;
  TUTTI_RECORD(LogHead, origin, sequence, hash);
};

// --- the feed ---------------------------------------------------------------------------------------------------

/// Said every 250 ms: what the tracker holds on disk. Ahead of the hearer: it pulls. The same vector and another
/// digest: a bug or a bad disk.
struct Heartbeat {
  StoreId origin;
  std::uint32_t number = 0;  ///< line in the tracker file, from 1
  std::uint64_t count = 0;   ///< of heartbeats since the tracker started
  VersionVector at;
  StateDigest digest;
  TUTTI_MESSAGE(Heartbeat, 0x0730, origin, number, count, at, digest);
};
/// A session is alive, heard of just now. Never stored: it fades `ttl` after receipt. Without any `ttl` it is not: its
/// client has said that it ends.
struct PresenceGossip {
  ClientKey client;
  Uid uid;
  RequestCounter generation;  ///< of the session
  std::uint64_t count = 0;    ///< as in Present: an older one than the last is dropped
  std::chrono::milliseconds ttl{};
  std::string host;
  std::uint16_t port = 0;
  TUTTI_MESSAGE(PresenceGossip, 0x0731, client, uid, generation, count, ttl, host, port);
  Fault fault() const {
    if (host.size() > 255) return "a host name has at most 255 bytes";
    return ttl.count() < 0 || ttl > std::chrono::minutes{1} ? "a time to live is at most a minute" : Fault{};
  }
};

// --- repair -----------------------------------------------------------------------------------------------------

/// F: first word on a link. `at` is what F holds on disk, also of S's own log: S learns from it what it lost.
struct RepairHello {
  std::uint16_t version_min = tracker_tracker_version_min;
  std::uint16_t version_max = tracker_tracker_version;
  StoreId store;
  std::uint32_t number = 0;
  VersionVector at;
  TUTTI_MESSAGE(RepairHello, 0x0740, version_min, version_max, store, number, at);
  Fault fault() const {
    return version_min > version_max || store.is_zero() ? "a hello contradicts itself" : "";
  }
};
/// S: the conversation goes on in `version`.
struct RepairWelcome {
  std::uint16_t version = tracker_tracker_version;
  StoreId store;
  std::uint32_t number = 0;
  VersionVector at;
  bool syncing = false;  ///< S itself is catching up
  TUTTI_MESSAGE(RepairWelcome, 0x0741, version, store, number, at, syncing);
};
/// S: no common version, or F's store is one that S cannot follow or be followed by; `sentence` says which.
struct RepairUnwelcome {
  std::uint16_t version_min = tracker_tracker_version_min;
  std::uint16_t version_max = tracker_tracker_version;
  std::string sentence;
  TUTTI_MESSAGE(RepairUnwelcome, 0x0742, version_min, version_max, sentence);
};
/// S: how each log that it holds on disk ends. Two that are equally long but end
/// differently have forked, which the vectors do not show.
struct RepairHeads {
  std::vector<LogHead> heads;
  TUTTI_MESSAGE(RepairHeads, 0x074b, heads);
};
/// S: its tickets are signed with this key: said once a conversation.
struct TicketSigner {
  SigningKey key;
  TUTTI_MESSAGE(TicketSigner, 0x0780, key);
};
/// S: one of its clients has reported a piece (ReportPiece). Never stored: it fades some time after receipt.
struct ReportHeard {
  Uid reporter;
  Gid gid;
  Fid fid;
  ClientKey client;  ///< that has sent it
  PieceIndex piece;
  TUTTI_MESSAGE(ReportHeard, 0x0781, reporter, gid, fid, client, piece);
  Fault fault() const {
    return piece.value >= Metainfo::pieces_max ? "a file has at most 65,536 pieces" : Fault{};
  }
};
/// F: has everything up to `have` and room for `credit` more Ops. A new Pull replaces the one before.
struct Pull {
  VersionVector have;
  std::uint32_t credit = 0;
  TUTTI_MESSAGE(Pull, 0x0743, have, credit);
};
/// S: deltas, of each origin in the order of its log. `last` when F then has what S had at that moment.
struct Ops {
  std::vector<Delta> deltas;
  bool last = false;
  TUTTI_MESSAGE(Ops, 0x0744, deltas, last);
};
/// F: holds all this on disk. Cumulative.
struct Ack {
  VersionVector at;
  TUTTI_MESSAGE(Ack, 0x0745, at);
};
/// S: the deltas asked for are no longer in the log, which begins after `from`; a snapshot has what they did.
struct LogTruncated {
  VersionVector from;
  TUTTI_MESSAGE(LogTruncated, 0x0746, from);
};
/// F: the rows of `buckets` (one byte each; none: all of them), page by page, `credit` pages for now. `snapshot` is a
/// number of F's choice that it uses once on a link; a new ask replaces the one before.
struct AskRows {
  std::uint64_t snapshot = 0;
  Bytes buckets;
  std::uint32_t credit = 0;
  TUTTI_MESSAGE(AskRows, 0x074c, snapshot, buckets, credit);
};
/// F: has room for so many more pages of `snapshot`.
struct MoreRows {
  std::uint64_t snapshot = 0;
  std::uint32_t credit = 0;
  TUTTI_MESSAGE(MoreRows, 0x074d, snapshot, credit);
};
/// S: the next of those rows, to be joined, never replacing; about a MiB of them, as S has stored them. `heads` is read
/// before the rows: who has joined every page has everything up to the heads of the first one.
struct SnapshotRows {
  std::uint64_t snapshot = 0;
  std::vector<LogHead> heads;
  RowRun rows;
  bool last = false;
  TUTTI_MESSAGE(SnapshotRows, 0x074e, snapshot, heads, rows, last);
  Fault fault() const {
    RowReader reader(rows);
    while (const std::optional<StoredRow> row = reader.next())
      if (row->value.empty()) return "a snapshot says of no row that it is gone";
    return "";
  }
};
/// F: asked every 30 s, and when digests differ though vectors do not.
struct AskBuckets {
  TUTTI_MESSAGE(AskBuckets, 0x0749);
};
/// S: the digest of each bucket of the state `at`.
struct Buckets {
  VersionVector at;
  DigestList<StateDigest> digests;
  TUTTI_MESSAGE(Buckets, 0x074a, at, digests);
  Fault fault() const { return digests.size() == state_buckets ? "" : "there are 256 buckets"; }
};

using TrackerTrackerMessages =
    Joined<Operation::Options,
           Messages<Delta, Heartbeat, PresenceGossip, RepairHello, RepairWelcome, RepairUnwelcome,
                    RepairHeads, TicketSigner, ReportHeard, Pull, Ops, Ack, LogTruncated, AskRows, MoreRows,
                    SnapshotRows, AskBuckets, Buckets>>;

/// What a tracker tells everybody: as a topic of our own what may be published, as somebody else's what may come.
struct FeedTopic {
  static constexpr std::string_view name = "feed";
  using Accepts = Messages<Delta, Heartbeat, PresenceGossip>;
  using Says = Accepts;
  static constexpr std::size_t frame_bytes = 128U << 10U;
};
/// The tracker that is followed, as its follower sees it over a link.
struct RepairSourceRole {
  static constexpr std::string_view name = "repair_source";
  using Accepts = Messages<RepairHello, Pull, Ack, AskRows, MoreRows, AskBuckets>;
  using Says = Messages<RepairWelcome, RepairUnwelcome, RepairHeads, TicketSigner, ReportHeard, Ops,
                        LogTruncated, SnapshotRows, Buckets>;
  static constexpr std::size_t frame_bytes = 8U << 20U;
};
/// A tracker that follows this one, over a link.
struct RepairFollowerRole {
  static constexpr std::string_view name = "repair_follower";
  using Accepts = RepairSourceRole::Says;
  using Says = RepairSourceRole::Accepts;
  static constexpr std::size_t frame_bytes = 256U << 10U;
};

}  // namespace tutti
