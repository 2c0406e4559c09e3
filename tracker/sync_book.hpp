#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "actors/time.hpp"
#include "messages/inside_tracker.hpp"
#include "tracker/config.hpp"

namespace tutti {

/// What is known of another tracker of the file.
struct TrackerSeen {
  std::uint32_t number = 0;
  bool source_up = false;    ///< we follow it: it has welcomed us on its repair port
  bool follower_up = false;  ///< it follows us: it has said hello on ours
  std::optional<StoreId> store;
  VersionVector at;     ///< it has this on disk
  bool forked = false;  ///< it has other deltas of our own log than we
  Instant heard;
  bool heard_ever = false;
  /// Answers have waited for it in vain; until it has this they do not wait for it again.
  std::optional<VersionVector> late_for;
  Instant resend_at;  ///< not before
  std::chrono::milliseconds resend_pause{};
};

/// Decides whom an answer waits for and until when, what is sent again to whom, and from whom to pull what is missing.
/// Owns what is known of the other trackers, the waits, and the last own deltas. Pure: it is given the time and facts.
///
/// Rules:
/// - Live is a tracker that we follow, that follows us, and that was heard of within `hung_after`. All three, because
///   an acknowledgement needs both directions, and the end of the link that we dialled is noticed at once.
/// - A wait ends for one tracker when it has acknowledged, is not live, or `ack_wait` is over. A tracker that was late
///   once is not waited for again until it has caught up with that: a hung one delays one answer, not each.
/// - Having more of the own log than this tracker has itself acknowledges nothing: those are other deltas under the same
///   numbers, made before an old copy of the own store was put back. Who was once found to have such is never counted
///   again, until it or this tracker has another store.
/// - Two that take one name at the same moment must both see it before either is told OK: an acknowledgement shows how
///   far the other's own log was, and so far it has to be here.
/// - What a follower has not acknowledged after `resend_after` is sent to it again, then at doubling distances; only
///   the last own deltas are kept for that, since a follower that lacks more pulls from the log.
/// - One pull at a time, from the tracker that has most of what is missing, and from another one if it does not answer.
class SyncBook {
 public:
  SyncBook(const std::vector<std::uint32_t>& others, const SyncConfig& config);

  // --- facts ------------------------------------------------------------------------------------------------------
  void source_is(std::uint32_t number, bool up, Instant now);
  void follower_is(std::uint32_t number, bool up, Instant now);
  void heard(std::uint32_t number, Instant now);
  /// Tracker `number` has this on disk.
  void holds(std::uint32_t number, const VersionVector& at);
  /// A conversation with tracker `number` begins: it is `store` and has exactly `at` on disk, whatever was known of it
  /// before.
  void begins(std::uint32_t number, const StoreId& store, const VersionVector& at);
  /// The own log is on disk here up to `head`.
  void own_log_is(const StoreId& own, Sequence head);
  /// The own log, as tracker `number` holds it, ends with `theirs`, here with `own`.
  void own_log_ends_there(std::uint32_t number, const LogHead& theirs, const LogHead& own);
  /// The own log goes on under another name: what was known of the old one is over.
  void own_log_is_renewed();
  /// Origins whose logs, as others have them, do not go on from what is here.
  void forked_logs_are(std::vector<StoreId> origins) { forked_logs_ = std::move(origins); }
  /// An own delta is on disk here and was published.
  void published(const Delta& delta, Instant now);
  /// `both_ways`: it also waits until what a tracker had done itself when it acknowledged is on disk here.
  void await(Ticket ticket, VersionVector at, bool both_ways, Instant now);
  /// A pull was sent to or answered by a tracker.
  void pull_sent(std::uint32_t number, Instant now);
  void pull_goes_on(Instant now);
  void pull_ended();

  // --- choices ----------------------------------------------------------------------------------------------------
  bool is_live(std::uint32_t number, Instant now) const;
  /// True if tracker `number` is (as far as is known) the store `origin`; its older words are of no use.
  bool is_store(std::uint32_t number, const StoreId& origin) const;
  /// The waits that are over, when `held` is on disk here. Each is told once.
  std::vector<Reached> settled(const VersionVector& held, Instant now);
  struct Resend {
    std::uint32_t number;
    std::vector<Delta> deltas;
  };
  /// What to send again. Counts as sent.
  std::vector<Resend> resends(Instant now);
  /// Whom to pull from, if anybody has what `have` lacks and no pull is under way.
  std::optional<std::uint32_t> pull_from(const VersionVector& have, Instant now) const;
  /// Who has more than `have` of a log that has forked: no delta of it fits, only a snapshot brings what they did.
  std::optional<std::uint32_t> fork_joined_from(const VersionVector& have) const;
  /// True if the log of `origin`, as others have it, does not go on from what is here.
  bool is_forked(const StoreId& origin) const;
  /// `want` without the logs that have forked.
  VersionVector without_forked(const VersionVector& want) const;
  /// `have`, and of each log that has forked whatever tracker `number` has: not to be given any of those.
  VersionVector with_forked_of(std::uint32_t number, const VersionVector& have) const;
  /// What the live trackers have together.
  VersionVector reachable(Instant now) const;
  /// Up to where logs that are held up to `held` may be deleted: what every tracker of the file has, but for the last
  /// `kept`, and for one that is away no more than the last `kept_for_absent`.
  VersionVector droppable(const VersionVector& held, std::uint64_t kept, std::uint64_t kept_for_absent) const;
  /// True if a tracker, whether it answers now or not, has more of the own log than is here: an old copy of the own
  /// store was put back.
  bool lacks_own() const;
  /// True if a tracker has other deltas under numbers that were used here since.
  bool own_has_forked() const;
  /// How long tracker `number` has lacked the oldest own delta that it lacks, as far as those are remembered; 0: none.
  Duration lag_of(std::uint32_t number, Instant now) const;
  /// True while time alone may settle or resend something.
  bool is_waiting() const;

  const std::map<std::uint32_t, TrackerSeen>& trackers() const { return trackers_; }
  void check_invariants() const;

 private:
  struct Wait {
    Ticket ticket;
    VersionVector at;
    bool both_ways = false;
    Instant since;
    std::map<std::uint32_t, LogPosition> met;  // what each had done itself when it acknowledged
    bool in_vain = false;                      // the log that it is for is no longer ours
  };
  struct Recent {
    Delta delta;
    std::size_t bytes;
    Instant since;
  };

  void forget_recent();
  bool is_ahead_of_own(const TrackerSeen& tracker) const;
  bool has_acknowledged(const TrackerSeen& tracker, const VersionVector& at) const;
  bool is_met(const Wait& wait, std::uint32_t number, const VersionVector& held) const;

  SyncConfig config_;
  LogPosition own_;
  std::vector<StoreId> forked_logs_;
  std::map<std::uint32_t, TrackerSeen> trackers_;
  std::deque<Wait> waits_;
  std::deque<Recent> recent_;  // own deltas that a tracker of the file may lack, in order without gaps
  std::size_t recent_bytes_ = 0;
  std::optional<std::uint32_t> pulling_from_;
  Instant pull_since_;
};

}  // namespace tutti
