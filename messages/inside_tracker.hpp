#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/client_tracker.hpp"
#include "messages/kernel.hpp"
#include "messages/message.hpp"
#include "messages/tracker_tracker.hpp"

// What the actors of one tracker say to each other: front_desk (F) speaks with clients, directory (D) decides and owns
// the state, journal (J) owns the disk, replicator (R) speaks with other trackers, password_hasher (H), console (C).
//
//   start    = D:LoadStore J:StoreLoading *( D:LoadMore J:StoreLoading )   until the last page
//              D:DirectoryHolds                                            to R: now it may link up
//              R:CaughtUp D:ServiceChanged                                 to F: now requests are decided
//   request  = F:Submit [ D:PasswordNeeded F:PasswordKnown ] D:Settled     one answer a Submit, in any order
//   password = F:HashPassword H:PasswordHashed | F:CheckPassword H:PasswordChecked
//   commit   = D:CommitBatch ( J:BatchCommitted | J:BatchFailed )          one under way at a time
//   own      = D:DirectoryHolds D:Spread D:AwaitReached R:Reached          deltas on disk, published, acknowledged
//   others'  = R:Learned D:DirectoryHolds | R:LearnedRows D:DirectoryHolds
//   away     = ( R:FellBehind D:ServiceChanged | D:ServiceChanged D:WasAbsent ) ... R:CaughtUp D:ServiceChanged
//   fork     = R:RenewStore *( D:ReadLog J:LogRead ) D:CommitBatch J:BatchCommitted D:DirectoryHolds
//   presence = ( F:PresenceSaid | F:LeavingSaid ) D:Gossip to R, R:GossipHeard to D
//   notices  = ( D:Notify | D:NotifyGroup | D:NotifyPiece ) to F
//   reports  = D:ReportTaken to R, R:ReportLearned to D
//   tickets  = R:SignerLearned to D
//   keys     = R:RememberNeighbour                                         to J

namespace tutti {

/// Names a question of one actor to another, so that its answer finds it. Chosen by whoever asks.
using Ticket = Unit<struct TicketTag, std::uint64_t>;

// --- password_hasher ------------------------------------------------------------------------------------------

/// Make a verifier of a new password.
struct HashPassword {
  Ticket ticket;
  std::string password;
  TUTTI_MESSAGE(HashPassword, 0x0601, ticket, password);
};
/// `verifier` is empty if there was not enough memory.
struct PasswordHashed {
  Ticket ticket;
  std::string verifier;
  TUTTI_MESSAGE(PasswordHashed, 0x0602, ticket, verifier);
};
/// Which of the verifiers does the password fit? None to try costs the same as one.
struct CheckPassword {
  Ticket ticket;
  std::string password;
  std::vector<std::string> verifiers;
  TUTTI_MESSAGE(CheckPassword, 0x0603, ticket, password, verifiers);
};
/// `match` counts the verifiers from 1; 0: none fits.
struct PasswordChecked {
  Ticket ticket;
  std::uint32_t match = 0;
  TUTTI_MESSAGE(PasswordChecked, 0x0604, ticket, match);
};

// --- front_desk and directory ---------------------------------------------------------------------------------

/// F: a client's request. `client` is the key of its link, `seen_host` where the link comes from.
struct Submit {
  Ticket ticket;
  ClientKey client;
  std::string seen_host;
  Request request;
  TUTTI_MESSAGE(Submit, 0x0610, ticket, client, seen_host, request);
};
/// D: before this request can be decided a password has to be hashed (`make_verifier`) or checked. If it fits and there
/// is a `new_password`, that is hashed then. `user` is the name that was typed; `familiar`: somebody has logged in to
/// that account on this very client before.
struct PasswordNeeded {
  Ticket ticket;
  std::string password;
  bool make_verifier = false;
  std::vector<std::string> verifiers;
  std::string new_password = {};
  std::string user = {};
  bool familiar = false;
  TUTTI_MESSAGE(PasswordNeeded, 0x0611, ticket, password, make_verifier, verifiers, new_password, user,
                familiar);
};
/// F: what came of it. `refused`: it could not be done (too many wait, no memory, too many attempts), as `sentence` says
/// to people.
struct PasswordKnown {
  Ticket ticket;
  bool refused = false;
  std::string verifier;
  std::uint32_t match = 0;
  std::string sentence = {};
  TUTTI_MESSAGE(PasswordKnown, 0x0612, ticket, refused, verifier, match, sentence);
};
/// D: the outcome: on disk here, and at the other trackers or provisional.
struct Settled {
  Ticket ticket;
  Answer answer;
  TUTTI_MESSAGE(Settled, 0x0613, ticket, answer);
};
/// F: a client says that it is alive. `seen_host` stands in for a host that it did not name.
struct PresenceSaid {
  ClientKey client;
  std::string seen_host;
  Present present;
  TUTTI_MESSAGE(PresenceSaid, 0x0614, client, seen_host, present);
};
/// F: a client says that it ends.
struct LeavingSaid {
  ClientKey client;
  Leaving leaving;
  TUTTI_MESSAGE(LeavingSaid, 0x0617, client, leaving);
};
/// D: a client, if it is linked here, wants to know this.
struct Notify {
  ClientKey client;
  Notice notice;
  TUTTI_MESSAGE(Notify, 0x0615, client, notice);
};
/// D: the same with what has changed in a group.
struct NotifyGroup {
  ClientKey client;
  GroupChanged change;
  TUTTI_MESSAGE(NotifyGroup, 0x0618, client, change);
};
/// D: to the client's links, if there are any here.
struct NotifyPiece {
  ClientKey client;
  PieceReported report;
  TUTTI_MESSAGE(NotifyPiece, 0x0619, client, report);
};
/// D: requests are (or are not yet) decided; `store` is known from then on.
struct ServiceChanged {
  bool serving = false;
  StoreId store;
  TUTTI_MESSAGE(ServiceChanged, 0x0616, serving, store);
};

// --- journal --------------------------------------------------------------------------------------------------

/// The store goes by the name `fresh` from now on. Of the log that it wrote as `cut.origin` only what comes up to `cut`
/// is kept: the numbers behind it were used by others.
struct StoreRenewal {
  StoreId fresh;
  LogHead cut;
  TUTTI_RECORD(StoreRenewal, fresh, cut);
};
/// D: put this on disk, whole, in one transaction. Answered when it is there. A renewal comes before the rest. Of rows
/// with one key the last holds; those without a value are erased.
struct CommitBatch {
  Ticket ticket;
  std::vector<Delta> deltas;
  RowRun rows;
  std::vector<LogHead> heads;  ///< of the origins that got further
  std::optional<StoreRenewal> renewal;
  TUTTI_MESSAGE(CommitBatch, 0x0620, ticket, deltas, rows, heads, renewal);
};
/// J: it is on disk.
struct BatchCommitted {
  Ticket ticket;
  TUTTI_MESSAGE(BatchCommitted, 0x0621, ticket);
};
/// J: nothing of it is on disk.
struct BatchFailed {
  Ticket ticket;
  Code code = Code::io_error;
  std::string sentence;
  TUTTI_MESSAGE(BatchFailed, 0x0622, ticket, code, sentence);
};
/// D: show everything there is, page by page.
struct LoadStore {
  TUTTI_MESSAGE(LoadStore, 0x0623);
};
/// J: one page of rows, without metainfo. `heads` comes with the first.
struct StoreLoading {
  StoreId store;
  std::vector<LogHead> heads;
  RowRun rows;
  Bytes next;
  bool last = false;
  std::string fault;  ///< the store cannot be read: the tracker cannot work
  TUTTI_MESSAGE(StoreLoading, 0x0624, store, heads, rows, next, last, fault);
};
/// D: the next page.
struct LoadMore {
  Bytes after;
  TUTTI_MESSAGE(LoadMore, 0x0625, after);
};
struct ReadMetainfo {
  Ticket ticket;
  Gid gid;
  Fid fid;
  TUTTI_MESSAGE(ReadMetainfo, 0x0626, ticket, gid, fid);
};
struct MetainfoRead {
  Ticket ticket;
  std::optional<Metainfo> metainfo;
  TUTTI_MESSAGE(MetainfoRead, 0x0627, ticket, metainfo);
};
/// R: the deltas that `have` lacks, as many as fit into one Ops.
struct ReadLog {
  Ticket ticket;
  VersionVector have;
  VersionVector want;
  TUTTI_MESSAGE(ReadLog, 0x0628, ticket, have, want);
};
/// `truncated`: the log begins later than that. `have`: what whoever asked has with these.
struct LogRead {
  Ticket ticket;
  std::vector<Delta> deltas;
  bool truncated = false;
  VersionVector have;
  TUTTI_MESSAGE(LogRead, 0x0629, ticket, deltas, truncated, have);
};
/// R: one page of rows for a snapshot, metainfo and all.
struct ReadRows {
  Ticket ticket;
  Bytes buckets;
  Bytes after;
  TUTTI_MESSAGE(ReadRows, 0x062a, ticket, buckets, after);
};
struct RowsRead {
  Ticket ticket;
  std::vector<LogHead> heads;
  RowRun rows;
  Bytes next;
  bool last = false;
  TUTTI_MESSAGE(RowsRead, 0x062b, ticket, heads, rows, next, last);
};

/// R: every tracker of the file has this on disk: its deltas need not be kept in the log. No answer.
struct TruncateLog {
  VersionVector upto;
  TUTTI_MESSAGE(TruncateLog, 0x062c, upto);
};

// --- directory and replicator ---------------------------------------------------------------------------------

/// D: what is on disk here. `digest` is zero while a snapshot is being joined: the state is between two vectors then.
/// `rejected`: something learned was not taken (a gap, a fork, a full disk); what was learned beyond `at` is forgotten.
/// `forked`: origins that have used numbers twice, so that their logs do not go on from what is here. `page`: of
/// snapshots that has been joined, the last. `heads`: how the logs of `at` end.
struct DirectoryHolds {
  StoreId store;
  VersionVector at;
  StateDigest digest;
  bool rejected = false;
  std::vector<StoreId> forked;
  std::uint64_t page = 0;
  std::vector<LogHead> heads = {};
  TUTTI_MESSAGE(DirectoryHolds, 0x0630, store, at, digest, rejected, forked, page, heads);
};
/// D: own deltas that are on disk since just now, in order: to be published and acknowledged.
struct Spread {
  std::vector<Delta> deltas;
  TUTTI_MESSAGE(Spread, 0x0631, deltas);
};
/// D: answers wait until every live tracker has this on disk. `both_ways`: and until what each of them had done itself
/// by then is on disk here, so that two who took one name at the same moment both know.
struct AwaitReached {
  Ticket ticket;
  VersionVector at;
  bool both_ways = false;
  TUTTI_MESSAGE(AwaitReached, 0x0632, ticket, at, both_ways);
};
/// R: nobody need wait for this any more: every tracker of the file has it on disk but those in `missing`.
struct Reached {
  Ticket ticket;
  std::vector<std::uint32_t> missing;
  TUTTI_MESSAGE(Reached, 0x063c, ticket, missing);
};
/// R: others' deltas, of each origin in order, next after those before.
struct Learned {
  std::vector<Delta> deltas;
  TUTTI_MESSAGE(Learned, 0x0633, deltas);
};
/// R: rows of another tracker's state: page `page`, counted over all snapshots. The last page brings `heads`: what the
/// state has with all pages joined. Page 0, without rows: the snapshot under way is given up.
struct LearnedRows {
  std::uint64_t page = 0;
  RowRun rows;
  std::vector<LogHead> heads;
  bool last = false;
  TUTTI_MESSAGE(LearnedRows, 0x0634, page, rows, heads, last);
};
/// R: every tracker that could be found has been caught up with, or none was found.
struct CaughtUp {
  TUTTI_MESSAGE(CaughtUp, 0x0635);
};
/// R: others have what is not here, for this tracker was away: no request is to be decided before CaughtUp.
struct FellBehind {
  TUTTI_MESSAGE(FellBehind, 0x063d);
};
/// D: this tracker was kept from running for so long that others may have answered without it: what has happened? No
/// request is decided before CaughtUp.
struct WasAbsent {
  TUTTI_MESSAGE(WasAbsent, 0x063f);
};
/// R: others have other deltas under numbers of the own log, or have more of it and cannot give it: the own log is to
/// go on under a new name, and what only this tracker has of it is to be said again.
struct RenewStore {
  TUTTI_MESSAGE(RenewStore, 0x063e);
};
/// D: a client has seen this state elsewhere: get it.
struct Want {
  VersionVector at;
  TUTTI_MESSAGE(Want, 0x0636, at);
};
/// R: another tracker, which has proven its key, signs tickets with this one.
struct SignerLearned {
  std::uint32_t number = 0;
  SigningKey key;
  TUTTI_MESSAGE(SignerLearned, 0x064f, number, key);
};
/// D: to be told to the other trackers.
struct Gossip {
  PresenceGossip presence;
  TUTTI_MESSAGE(Gossip, 0x0637, presence);
};
/// R: heard from another tracker.
struct GossipHeard {
  PresenceGossip presence;
  TUTTI_MESSAGE(GossipHeard, 0x0638, presence);
};
/// D: a member has reported a piece: to be told to the other trackers.
struct ReportTaken {
  ReportHeard report;
  TUTTI_MESSAGE(ReportTaken, 0x0649, report);
};
/// R: heard from another tracker.
struct ReportLearned {
  ReportHeard report;
  TUTTI_MESSAGE(ReportLearned, 0x064a, report);
};
/// How another tracker is linked with this one.
enum class TrackerTie : std::uint8_t { cut_off, half_linked, hung, live };
inline constexpr std::array<std::string_view, 4> tracker_tie_names{"cut_off", "half_linked", "hung", "live"};
constexpr std::span<const std::string_view> enumerators(TrackerTie) { return tracker_tie_names; }

/// What the console shows of a tracker. `lag`: how long it has lacked the oldest change of this tracker that it lacks.
struct TrackerView {
  TrackerRow row;
  TrackerTie tie = TrackerTie::cut_off;
  bool heard_ever = false;
  std::chrono::milliseconds lag{};
  TUTTI_RECORD(TrackerView, row, tie, heard_ever, lag);
};
/// R: what is known of each tracker of the file, this one included. Said about every heartbeat. `reachable` is what
/// those that are live have together: it can be had.
struct TrackersSeen {
  std::vector<TrackerView> trackers;
  VersionVector reachable;
  TUTTI_MESSAGE(TrackersSeen, 0x0639, trackers, reachable);
};
/// R: what are the digests of the buckets?
struct AskOwnBuckets {
  TUTTI_MESSAGE(AskOwnBuckets, 0x063a);
};
/// D: the digests are of a state that has exactly `at`; some of it may not be on disk yet.
struct OwnBuckets {
  VersionVector at;
  DigestList<StateDigest> digests;
  TUTTI_MESSAGE(OwnBuckets, 0x063b, at, digests);
};

// --- console --------------------------------------------------------------------------------------------------

/// C: how is it going?
struct AskNode {
  TUTTI_MESSAGE(AskNode, 0x0640);
};
struct NodeStatus {
  bool serving = false;
  StoreId store;
  VersionVector at;
  StateDigest digest;
  std::uint64_t users = 0;
  std::uint64_t groups = 0;
  std::uint64_t files = 0;
  std::uint64_t clients_online = 0;
  std::uint64_t requests = 0;  ///< answered since the start
  std::uint64_t commits = 0;   ///< transactions since the start
  std::vector<TrackerView> trackers;
  TUTTI_MESSAGE(NodeStatus, 0x0641, serving, store, at, digest, users, groups, files, clients_online,
                requests, commits, trackers);
};
/// C: names after `after`.
struct AskUsers {
  std::string after;
  TUTTI_MESSAGE(AskUsers, 0x0642, after);
};
struct UserSeen {
  std::string user;
  bool online = false;
  TUTTI_RECORD(UserSeen, user, online);
};
struct Users {
  std::vector<UserSeen> users;
  bool more = false;
  TUTTI_MESSAGE(Users, 0x0643, users, more);
};
struct AskGroups {
  std::string after;
  TUTTI_MESSAGE(AskGroups, 0x0644, after);
};
struct GroupsKnown {
  std::vector<GroupRow> groups;
  bool more = false;
  TUTTI_MESSAGE(GroupsKnown, 0x0645, groups, more);
};
/// The tracker cannot do its work (a port in use): people have to be told, and it ends.
struct Hopeless {
  std::string sentence;
  TUTTI_MESSAGE(Hopeless, 0x0646, sentence);
};
/// Requests are answered from now on: `endpoint` is where.
struct Serving {
  std::string endpoint;
  TUTTI_MESSAGE(Serving, 0x0647, endpoint);
};

/// Another tracker was met for the first time, and this is its key from now on.
struct RememberNeighbour {
  std::string endpoint;
  LinkKey key;
  TUTTI_MESSAGE(RememberNeighbour, 0x0648, endpoint, key);
};

using InsideTrackerMessages =
    Messages<HashPassword, PasswordHashed, CheckPassword, PasswordChecked, Submit, PasswordNeeded,
             PasswordKnown, Settled, PresenceSaid, LeavingSaid, Notify, NotifyGroup, NotifyPiece,
             SignerLearned, ServiceChanged, CommitBatch, BatchCommitted, BatchFailed, LoadStore, StoreLoading,
             LoadMore, ReadMetainfo, MetainfoRead, ReadLog, LogRead, ReadRows, RowsRead, TruncateLog,
             DirectoryHolds, Spread, AwaitReached, Reached, Learned, LearnedRows, CaughtUp, FellBehind,
             WasAbsent, RenewStore, Want, Gossip, GossipHeard, TrackersSeen, AskOwnBuckets, OwnBuckets,
             AskNode, NodeStatus, AskUsers, Users, AskGroups, GroupsKnown, Hopeless, Serving,
             RememberNeighbour, ReportTaken, ReportLearned>;

// --- roles ----------------------------------------------------------------------------------------------------

/// Turns passwords into verifiers and compares; slow on purpose.
struct PasswordHasherRole {
  static constexpr std::string_view name = "password_hasher";
  using Accepts = Messages<HashPassword, CheckPassword>;
};
/// Speaks with clients.
struct FrontDeskRole {
  static constexpr std::string_view name = "front_desk";
  using Accepts = Messages<PasswordHashed, PasswordChecked, PasswordNeeded, Settled, Notify, NotifyGroup,
                           NotifyPiece, ServiceChanged>;
};
/// Decides requests; owns the state.
struct DirectoryRole {
  static constexpr std::string_view name = "directory";
  using Accepts = Messages<Submit, PasswordKnown, PresenceSaid, LeavingSaid, BatchCommitted, BatchFailed,
                           StoreLoading, MetainfoRead, LogRead, Reached, Learned, LearnedRows, CaughtUp,
                           FellBehind, RenewStore, GossipHeard, ReportLearned, SignerLearned, TrackersSeen,
                           AskOwnBuckets, AskNode, AskUsers, AskGroups>;
};
/// Owns the disk.
struct JournalRole {
  static constexpr std::string_view name = "journal";
  using Accepts = Messages<CommitBatch, LoadStore, LoadMore, ReadMetainfo, ReadLog, ReadRows, TruncateLog,
                           RememberNeighbour>;
};
/// Speaks with the other trackers.
struct ReplicatorRole {
  static constexpr std::string_view name = "replicator";
  using Accepts = Messages<DirectoryHolds, Spread, AwaitReached, Want, WasAbsent, Gossip, ReportTaken,
                           LogRead, RowsRead, OwnBuckets>;
};
/// Speaks with whoever runs the tracker.
struct ConsoleRole {
  static constexpr std::string_view name = "console";
  using Accepts = Messages<NodeStatus, Users, GroupsKnown, Hopeless, Serving, LogRead>;
};

}  // namespace tutti
