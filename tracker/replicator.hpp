#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/known_trackers.hpp"
#include "messages/tracker_info.hpp"
#include "tracker/catch_up.hpp"
#include "tracker/config.hpp"
#include "tracker/repair_asked.hpp"
#include "tracker/snapshot_join.hpp"
#include "tracker/sync_book.hpp"

namespace tutti {

/// Where the replicator stands in its tracker.
struct ReplicatorPlace {
  std::uint32_t tracker = 0;
  std::vector<TrackerEntry> trackers;  ///< of the file, this one included
  std::string feed_endpoint;           ///< where our feed is published
  std::string repair_endpoint;         ///< where followers are served
  Ref<DirectoryRole> directory;
  Ref<JournalRole> journal;
  Ref<ConsoleRole> console;
  std::string info_path = {};  ///< of the tracker file, for sentences; `known_path` likewise
  std::string known_path = {};
  std::vector<KnownTracker> known = {};  ///< whom this tracker has met before
  SigningKey signer = {};                ///< of this tracker's tickets
};

/// Every `heartbeat`.
struct HeartbeatDue {
  TUTTI_MESSAGE(HeartbeatDue, 0x06c8);
};
/// Soon, while somebody waits.
struct WaitCheck {
  TUTTI_MESSAGE(WaitCheck, 0x06c9);
};
/// The time to look for others before serving alone is over.
struct LookedAround {
  TUTTI_MESSAGE(LookedAround, 0x06ca);
};

/// Speaks with the other trackers: publishes what this one did, takes in what they did, repairs what was lost on the
/// way. Decides little: SyncBook, CatchUp, SnapshotJoin, PullAsked and RowsAsked do. Owns the feed, the repair door and two links to each other tracker.
///
/// Of each other tracker: we follow it (its feed, and a link to its repair door), and it may follow us (a link to ours).
///
/// Rules:
/// - Deltas of one origin go to the directory in order, without gaps, once; what comes out of order is dropped and
///   pulled, since buffers for it would have to be bounded and then do the same.
/// - Acknowledged is what the directory says is on disk, never what was received.
/// - Who was kept from running dials everybody anew, since only the beginning of a conversation says what the other has
///   now and not what it had when the words that lie waiting were said.
/// - What is pulled comes no faster than it gets onto the disk here: a network is faster than a disk, and what lies
///   between the two is memory.
/// - A log that has forked is not pulled, for none of its deltas fit; what they did comes with a snapshot.
/// - A delta above 64 KiB goes to each follower over its own link: the feed is a queue for each subscriber.
/// - Feed and repair door are open to the keys of the other trackers of the file and to nobody else. Which these are says
///   the file, else the first contact: the tracker is asked at its address in the file (TrackerTrust). Who follows us says
///   which tracker it is, and has to have that one's key.
/// - One that does not come up although its key is known is asked for its key, too: if it has another one now, people are
///   told what to do.
/// - A hello from a tracker whom we cannot reach is a reason to dial it at once: it has just come back.
/// - A link that stands but says nothing sensible for 2 s (or 4 heartbeats) is dialled anew: sockets that once met a wrong service stay
///   dumb.
class Replicator final
    : public ActorOf<Replicator,
                     Joined<ReplicatorRole::Accepts, FeedTopic::Says, RepairSourceRole::Says,
                            RepairFollowerRole::Says, Messages<HeartbeatDue, WaitCheck, LookedAround>>> {
 public:
  Replicator(ReplicatorPlace place, const SyncConfig& sync);

  void start(Context& context) override;
  void check_invariants() const override;

  // the directory and the journal
  void on(const DirectoryHolds& message, Context& context);
  void on(const Spread& message, Context& context);
  void on(const AwaitReached& message, Context& context);
  void on(const Want& message, Context& context);
  void on(const WasAbsent& message, Context& context);
  void on(const Gossip& message, Context& context);
  void on(const ReportTaken& message, Context& context);
  void on(const LogRead& message, Context& context);
  void on(const RowsRead& message, Context& context);
  void on(const OwnBuckets& message, Context& context);
  // links and time
  void on(const LinkUp& message, Context& context);
  void on(const LinkDown& message, Context& context);
  void on(const KeyTold& message, Context& context);
  void on(const HeartbeatDue& message, Context& context);
  void on(const WaitCheck& message, Context& context);
  void on(const LookedAround& message, Context& context);
  // the feeds of others
  void on(const Delta& message, Context& context);
  void on(const Heartbeat& message, Context& context);
  void on(const PresenceGossip& message, Context& context);
  // from those we follow
  void on(const RepairWelcome& message, Context& context);
  void on(const RepairHeads& message, Context& context);
  void on(const TicketSigner& message, Context& context);
  void on(const ReportHeard& message, Context& context);
  void on(const RepairUnwelcome& message, Context& context);
  void on(const Ops& message, Context& context);
  void on(const LogTruncated& message, Context& context);
  void on(const SnapshotRows& message, Context& context);
  void on(const Buckets& message, Context& context);
  // from those who follow us
  void on(const RepairHello& message, Context& context);
  void on(const Pull& message, Context& context);
  void on(const Ack& message, Context& context);
  void on(const AskRows& message, Context& context);
  void on(const MoreRows& message, Context& context);
  void on(const AskBuckets& message, Context& context);

 private:
  /// Another tracker and our links with it.
  struct Peer {
    TrackerEntry entry;
    Ref<FeedTopic> feed;
    Ref<RepairSourceRole> source;
    Address key_question;               // 0: none is under way
    Instant key_asked;                  // because it does not come up
    Instant dialled;                    // the source
    Instant feed_heard;                 // or dialled
    bool follower_from_before = false;  // it was there before this tracker was away: it may hang
    bool source_stands = false;
    Ref<RepairFollowerRole> follower;
    std::uint16_t version = tracker_tracker_version;  // that it speaks as well
    // What it asks of us.
    PullAsked pull_asked;
    RowsAsked rows_asked;
    // What we pull from it.
    std::uint32_t credit_left = 0;
    std::optional<Instant> want_pulled;
    std::optional<Instant> fork_joined;
    std::optional<Buckets> buckets;  // said by it, to be compared
    bool wants_buckets = false;
    std::optional<std::pair<Address, RepairHello>> early;  // said before our own store was loaded
    Instant compared;
    std::string complaint;  // the last, so that it is logged once
  };

  /// Whoever lacks more than this gets a snapshot: rows are fewer than the deltas that made them.
  static constexpr std::uint64_t snapshot_from = 20'000;

  Peer* peer_of_feed(Address link);
  Peer* peer_of_source(Address link);
  Peer* peer_of_follower(Address link);
  void dial(Peer& peer, Context& context);
  void ask_key(Peer& peer, Context& context);
  void admit_known(Context& context);
  /// The follower is gone, or begins anew.
  static void forget_asks(Peer& peer);
  void complain(Peer& peer, const std::string& sentence);
  void take(const std::vector<Delta>& deltas, Context& context);
  void pull_if_needed(Context& context);
  void join_fork_if_needed(Context& context);
  void pull(Peer& peer, Context& context);
  void welcome(Address follower, const RepairHello& hello, Context& context);
  void read_log(Peer& peer, Context& context);
  void read_rows(Peer& peer, Context& context);
  void give_up_join(Context& context);
  void give_up_join_of(const Peer& peer, Context& context);
  void ask_snapshot(Peer& peer, Bytes buckets, Context& context);
  void settle(Context& context);
  void consider_service(Context& context);
  void look_for_others(Context& context);
  void note_link(const Peer& peer, Context& context);
  void go_on_joining(std::uint64_t page, Context& context);
  void truncate_log(Context& context);
  void watch_links(Context& context);
  Duration dumb_after() const;
  void compare_states(Context& context);
  void tell_directory_of_trackers(Context& context);
  LogHead own_head() const;
  TrackerView view_of(const Peer& peer, Instant now) const;

  ReplicatorPlace place_;
  SyncConfig sync_;
  SyncBook book_;
  std::map<std::uint32_t, Peer> peers_;
  TrackerTrust trust_;
  Ref<FeedTopic> feed_;
  Address door_;
  std::map<Address, LinkKey> came_in_;  // at the door: what they have proven

  bool linked_up_ = false;  // the directory has loaded and the links are dialled
  StoreId store_;
  VersionVector held_;  // on disk here
  std::vector<LogHead> held_heads_;
  StateDigest digest_;
  VersionVector passed_on_;              // held, or with the directory on its way to the disk
  std::optional<VersionVector> pulled_;  // what has to be on disk before more is pulled
  CatchUp catch_up_;
  SnapshotJoin join_;
  bool warned_of_own_ = false;
  Instant truncated_;
  bool checking_waits_ = false;
  std::uint64_t heartbeats_ = 0;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace tutti
