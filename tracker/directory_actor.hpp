#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_tracker.hpp"
#include "tracker/config.hpp"
#include "tracker/decisions.hpp"
#include "tracker/directory.hpp"
#include "tracker/logs.hpp"
#include "tracker/piece_reports.hpp"
#include "tracker/presence.hpp"

namespace tutti {

/// Where the directory stands in its tracker.
struct DirectoryPlace {
  std::uint32_t tracker = 0;
  std::uint32_t trackers = 1;  ///< in the file
  Ref<FrontDeskRole> front_desk;
  Ref<JournalRole> journal;
  Ref<ReplicatorRole> replicator;
  Ref<ConsoleRole> console;
  SigningKeys signing = signing_keys_of({});  ///< of the tickets that this tracker gives
};

/// Every second.
struct DirectoryTick {
  TUTTI_MESSAGE(DirectoryTick, 0x06c0);
};
/// A few times in the shortest absence that matters.
struct AliveTick {
  TUTTI_MESSAGE(AliveTick, 0x06c3);
};
/// There is more to list.
struct ListFurther {
  TUTTI_MESSAGE(ListFurther, 0x06c2);
};
/// A request has waited long enough for the state that its client has seen.
struct FloorWaitOver {
  Ticket ticket;
  TUTTI_MESSAGE(FloorWaitOver, 0x06c1, ticket);
};

/// Takes requests through their stages and facts from other trackers into the state. Decides nothing about users and
/// groups itself: decide() does. Owns the state, the own log, presence, and what waits for what.
///
/// Life:    loading --last page, all listed--> syncing --CaughtUp--> serving --FellBehind--> syncing
///          serving --BatchFailed--> loading (what memory knew beyond the disk is given up), then serving, read-only
///          until a trial commit succeeds
/// Request: waits for service, then for its floor, then for its password, is decided, waits for the commit of all
///          that it was decided by, then (a change) for the other trackers, then for metainfo (a file), is answered.
///
/// Rules:
/// - An answer leaves only when everything it was decided by is on disk here: a reader must not see what a crash can
///   take back, and a sequence number that a client has seen must never be used again.
/// - The answer to a change leaves only when every live tracker has it on disk, or it says which has not. A change that
///   was found to be done already (a repeated request) waits like a fresh one: the first answer may never have left.
/// - What waited for a commit that failed is decided again by what is on disk, once that is loaded: whether a failed
///   commit is there after all shows only then, and who only read is not refused for somebody else's change.
/// - A tracker that was kept from running for as long as others wait for an acknowledgement answers nobody until they
///   have said what has happened meanwhile. It is looked at with each request, since those that came meanwhile may be
///   read before any timer fires.
/// - One batch is under way to the journal; what comes meanwhile gathers in the next. So requests share fsyncs.
/// - A request below its client's floor waits for the missing state as long as a live tracker has it and something
///   comes. What nobody who is alive could deliver is remembered as given up, or every request of that client would be
///   slow for ever.
/// - Whoever took a name looks again when every tracker has it: two may have taken it at the same moment, and then the
///   one who did not get it is told so instead of OK. So does whoever asks for a name again, perhaps elsewhere.
/// - An empty tracker that joins a snapshot lists nothing until all of it is here: keeping listings with each row would
///   take most of the time. Listing is done a few milliseconds at a time, and others' deltas are not taken meanwhile.
/// - When the own log has forked, what was done since this start under numbers that others use is said again under
///   another store's name, and the log is cut back to where it was at the start: so both stories end up everywhere.
class DirectoryActor final
    : public ActorOf<DirectoryActor, Joined<DirectoryRole::Accepts,
                                            Messages<DirectoryTick, AliveTick, ListFurther, FloorWaitOver>>> {
 public:
  DirectoryActor(const DirectoryPlace& place, const SyncConfig& sync, const LimitConfig& limits = {})
      : place_(place), sync_(sync), limits_(limits) {}

  void start(Context& context) override;
  void on(const StoreLoading& message, Context& context);
  void on(const CaughtUp& message, Context& context);
  void on(const FellBehind& message, Context& context);
  void on(const RenewStore& message, Context& context);
  void on(const LogRead& message, Context& context);
  void on(const Submit& message, Context& context);
  void on(const FloorWaitOver& message, Context& context);
  void on(const PasswordKnown& message, Context& context);
  void on(const PresenceSaid& message, Context& context);
  void on(const LeavingSaid& message, Context& context);
  void on(const GossipHeard& message, Context& context);
  void on(const ReportLearned& message, Context& context);
  void on(const SignerLearned& message, Context& context);
  void on(const BatchCommitted& message, Context& context);
  void on(const BatchFailed& message, Context& context);
  void on(const MetainfoRead& message, Context& context);
  void on(const Reached& message, Context& context);
  void on(const Learned& message, Context& context);
  void on(const LearnedRows& message, Context& context);
  void on(const TrackersSeen& message, Context& context);
  void on(const AskOwnBuckets& message, Context& context);
  void on(const AskNode& message, Context& context);
  void on(const AskUsers& message, Context& context);
  void on(const AskGroups& message, Context& context);
  void on(const DirectoryTick& message, Context& context);
  void on(const AliveTick& message, Context& context);
  void on(const ListFurther& message, Context& context);
  void check_invariants() const override;

 private:
  enum class Phase : std::uint8_t { loading, syncing, serving };

  /// An answer that is decided but may not leave yet.
  struct Decided {
    Ticket ticket;
    TrackerAnswer what;
    std::optional<FileKey> metainfo_of;
    std::optional<PresenceGossip> presence;
    std::vector<Operation> operations;   // for their confirmation
    std::optional<VersionVector> reach;  // what the other trackers must have first
    Submit asked;                        // to be decided again if the disk fails
    bool is_repeated = false;            // a request for a name that was taken before: looked at again, too
    std::optional<ReportHeard> report = {};
  };
  /// What goes to disk together.
  struct Batch {
    CommitBatch commit;
    std::map<StoreId, LogHead> heads;
    std::vector<Delta> own;
    bool renews = false;
    std::vector<NoticeTo> told;
    std::vector<Departure> departures;
    std::vector<Decided> waiting;
    std::vector<std::vector<Operation>> undoing;  // to be undone again if this is not stored
    std::uint64_t page = 0;                       // of snapshots, the last that is in it
    LogHeads all_heads;
    StateDigest digest;
    bool empty() const { return commit.deltas.empty() && commit.rows.empty() && heads.empty() && !renews; }
  };
  struct WaitingForFloor {
    Submit submit;
    std::uint64_t learned = 0;  // when it began to wait
  };
  /// The own log on its way to another name.
  struct Renewal {
    LogHead cut;  // what comes behind it is said again
    std::vector<Delta> said;
    Sequence read;
    Ticket ticket;
    bool lacks_deltas = false;  // the log has been cut off behind some of it
    bool committing = false;
  };

  /// The journal's trial commits have this ticket.
  static constexpr Ticket trial{0};
  /// A state of so few rows is listed in one go, and anew with those of a snapshot.
  static constexpr std::uint64_t small_state = 100'000;

  void forget_state();
  void list(Context& context);
  void listed(Context& context);
  bool is_small_and_idle() const;
  void join_page(const LearnedRows& message);
  void serve_if_possible(Context& context);
  void pause(Context& context);
  void notice_absence(Context& context);
  // the own log under another name (directory_actor_renewal.cpp)
  void read_own_log(Context& context);
  void say_again(Context& context);
  // requests, stage by stage
  void admit(const Submit& submit, Context& context);
  bool is_above_floor(const Submit& submit) const;
  void look_at_floors(Context& context);
  void ask(const Submit& submit, Context& context);
  void settle(Submit submit, std::optional<PasswordResult> password, WallTime wall, Context& context);
  void wait_for_disk(Decided decided, Context& context);
  void after_disk(std::vector<Decided> waiting, Context& context);
  void after_reach(Decided decided, const std::vector<std::uint32_t>& missing, Context& context);
  /// Whoever did not get the name of a group does not keep the group.
  void undo_lost_names(Context& context);
  bool may_make_own() const { return !read_only_ && phase_ == Phase::serving; }
  void give(const Decided& decided, const std::vector<std::uint32_t>& missing, Context& context);
  bool is_behind_reachable(const Submit& submit) const;
  void refuse(Ticket ticket, Code code, const std::string& sentence, Context& context);
  // changes
  VersionVector make_own(std::vector<Operation> operations, Context& context);
  bool take(const Delta& delta, Context& context);
  void gather(Changes changes);
  void commit_if_idle(Context& context);
  void tell_replicator(bool rejected, Context& context);
  void notify(const std::vector<NoticeTo>& told, Context& context);
  void tell_of(const Departure& departure, Context& context);
  bool hear_report(const ReportHeard& report, Context& context);
  void warn_of_clocks(Context& context);
  Circumstances circumstances(WallTime wall, Instant now) const;

  DirectoryPlace place_;
  SyncConfig sync_;
  LimitConfig limits_;
  Phase phase_ = Phase::loading;
  bool caught_up_ = false;
  Instant alive_;  // was seen to be, by AliveTick
  StoreId store_;

  HashSecret secret_;
  Directory directory_;
  Presence presence_;
  PieceReports reports_;
  bool loaded_ = false;   // the store is read
  bool told_ = false;     // the replicator knows what was read
  bool listing_ = false;  // ListFurther is on its way
  LogHeads heads_;
  std::optional<OwnLog> own_;
  LogHeads durable_;  // what is on disk
  StateDigest durable_digest_;
  std::uint64_t durable_page_ = 0;
  bool joining_ = false;  // some pages of a snapshot are joined, not all
  // A page was not taken or was lost with its commit: until the snapshot is given up, its other pages are not taken
  // either, or its last one would claim what the lost one had.
  bool join_spoilt_ = false;

  std::deque<Submit> waiting_for_service_;
  /// What clients have said while nothing is served, the last of each; of so many at most.
  static constexpr std::size_t early_presences_max = 10'000;
  std::map<ClientKey, PresenceSaid> early_presences_;
  std::map<Ticket, WaitingForFloor> waiting_for_floor_;
  std::map<Ticket, Submit> waiting_for_password_;
  std::map<Ticket, std::vector<LoginCandidate>> candidates_;
  std::map<Ticket, std::vector<Decided>> waiting_for_reach_;
  std::vector<Reached> reached_early_;  // while no state is here to look at
  std::map<Ticket, std::pair<Decided, std::vector<std::uint32_t>>> waiting_for_metainfo_;
  /// Requests for accounts that were taken here and, as far as is known, nowhere else: only such are withdrawn.
  std::set<std::pair<ClientKey, RequestCounter>> accounts_taken_;
  std::deque<std::vector<Operation>> to_undo_;   // of lost names; waits while nothing can be made
  std::map<ClientKey, VersionVector> given_up_;  // floors that nobody could deliver

  Batch gathering_;
  std::optional<Batch> writing_;
  std::optional<Code> read_only_;  // why nothing can be written
  std::string read_only_sentence_;

  std::uint64_t last_ticket_ = 0;
  std::vector<TrackerView> trackers_;
  std::map<std::uint32_t, SigningKey> signers_;  ///< of the other trackers
  VersionVector reachable_;                      // what live trackers have
  std::uint64_t learned_ = 0;                    // deltas and pages taken from others
  std::optional<LogHead> own_begin_;             // of the own log, when this process made its first delta
  std::optional<Renewal> renewing_;
  bool rejected_meanwhile_ = false;  // while the renewal was committed
  std::uint64_t requests_ = 0;
  std::uint64_t commits_ = 0;
  bool warned_of_clocks_ = false;
  std::vector<StoreId> forked_;
};

}  // namespace tutti
