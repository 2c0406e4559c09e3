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
  VersionVector at;         ///< it has this on disk
  bool forked = false;      ///< it has other deltas of our own log than we
  StateDigest digest;       ///< of its last heartbeat
  VersionVector digest_at;  ///< the state that `digest` is of
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
///   again, until it has another store.
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
  void digest_is(std::uint32_t number, const VersionVector& at, const StateDigest& digest);
  void store_is(std::uint32_t number, const StoreId& store);
  /// The own log is on disk here up to `head`.
  void own_log_is(const StoreId& own, Sequence head);
  /// An own delta is on disk here and was published.
  void published(const Delta& delta, Instant now);
  void await(Ticket ticket, VersionVector at, Instant now);
  /// A pull was sent to or answered by a tracker.
  void pull_sent(std::uint32_t number, Instant now);
  void pull_goes_on(Instant now);
  void pull_ended();

  // --- choices ----------------------------------------------------------------------------------------------------
  bool is_live(std::uint32_t number, Instant now) const;
  /// The waits that are over. Each is told once.
  std::vector<Reached> settled(Instant now);
  struct Resend {
    std::uint32_t number;
    std::vector<Delta> deltas;
  };
  /// What to send again. Counts as sent.
  std::vector<Resend> resends(Instant now);
  /// Whom to pull from, if anybody has what `have` lacks and no pull is under way.
  std::optional<std::uint32_t> pull_from(const VersionVector& have, Instant now) const;
  /// True if nobody whom we follow has more than `have`.
  bool is_caught_up(const VersionVector& have) const;
  /// True if a tracker, whether it answers now or not, has more of the own log than is here: an old copy of the own
  /// store was put back.
  bool lacks_own() const;
  /// True while time alone may settle or resend something.
  bool is_waiting() const;

  const std::map<std::uint32_t, TrackerSeen>& trackers() const { return trackers_; }
  void check_invariants() const;

 private:
  struct Wait {
    Ticket ticket;
    VersionVector at;
    Instant since;
  };
  struct Recent {
    Delta delta;
    std::size_t bytes;
    Instant since;
  };

  void forget_recent();
  bool is_ahead_of_own(const TrackerSeen& tracker) const;
  bool has_acknowledged(const TrackerSeen& tracker, const VersionVector& at) const;

  SyncConfig config_;
  LogPosition own_;
  std::map<std::uint32_t, TrackerSeen> trackers_;
  std::deque<Wait> waits_;
  std::deque<Recent> recent_;  // own deltas that a tracker of the file may lack, in order without gaps
  std::size_t recent_bytes_ = 0;
  std::optional<std::uint32_t> pulling_from_;
  Instant pull_since_;
};

}  // namespace tutti
