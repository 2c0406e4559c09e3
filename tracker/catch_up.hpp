#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "actors/time.hpp"
#include "tracker/config.hpp"
#include "tracker/sync_book.hpp"

namespace tutti {

/// Decides when a tracker may answer clients: at its start, and again when it was away. Owns what it has to have
/// before. Pure: it is given the time and facts.
///
/// Away is a tracker that starts, that was kept from running, and one that learns at the beginning of a conversation
/// that the other has what is not here (a cut has healed). What it knows is old, and it does not know how old: who logs
/// in would be told that there is no such user.
///
/// Rules:
/// - What it has to have is what the others had when the conversations began, not what they did since: trackers that
///   are busy must not keep it from serving.
/// - A tracker that answers but is not linked both ways yet is waited for, `link_patience` at most: without it every
///   success would be provisional. Of others it looks for a sign for `look_around`. A link that it made before the
///   absence is a weak sign, since the links of one that hangs stand, too: `word_patience`.
/// - While what it has to have becomes less it waits; when it has not for `patience` it serves with what it has. What
///   comes but does not get onto the disk, or is of others who are merely busy, is no reason to wait.
/// - After a moment's absence the links stand, and one word of each linked tracker is enough; one that does not come is
///   waited for as little as that takes, and not at all if nothing was heard of that tracker for four
///   heartbeats: then it was silent before the absence, too.
/// - But not while another tracker, whether it answers now or not, has more of the own log: the next own delta would
///   take a number that is taken. Patience over, the log has to go on under another name.
class CatchUp {
 public:
  static constexpr std::chrono::seconds patience{3};
  static constexpr std::chrono::seconds link_patience{2};
  static constexpr std::chrono::milliseconds word_patience{300};
  /// Answers may wait for no tracker at all; a process is late now and then all the same.
  static constexpr std::chrono::milliseconds shortest_absence{500};

  explicit CatchUp(const SyncConfig& config) : config_(config) {}

  // --- facts ------------------------------------------------------------------------------------------------------
  /// The store is loaded, or this tracker was away: the others have to be looked for (again).
  void starts(Instant now);
  /// A conversation with tracker `number` begins; it has `at`.
  void begins(std::uint32_t number, const VersionVector& at);
  /// The link that was dialled to it is gone: what it has cannot be had.
  void lost(std::uint32_t number);
  /// It is not linked both ways, but shows a sign of life, or has a link from before the absence.
  enum class Sign : std::uint8_t { alive, from_before };
  void half_linked(std::uint32_t number, Sign sign, Instant now);
  void not_linked(std::uint32_t number) { half_linked_.erase(number); }
  /// A part of a snapshot is on disk here. (Of logs that is seen by how far they are.)
  void progressed(Instant now) { progress_ = now; }
  /// To be said at every heartbeat. True if there was none for so long that what lies waiting on the links is old.
  bool was_away(Instant now);

  /// This tracker was kept from running for a moment, no longer than links last: each tracker that is linked is asked
  /// what it has, and has answered when that is on its way to the disk here.
  void was_absent(Instant now);
  bool is_to_be_asked(Instant heard, Instant now) const { return now - heard <= 4 * config_.heartbeat; }
  void asks(std::uint32_t number) { asked_.insert(number); }
  void answered(std::uint32_t number) { asked_.erase(number); }

  // --- the choice -------------------------------------------------------------------------------------------------
  enum class Choice : std::uint8_t {
    go_on,         ///< as before
    pause,         ///< answer nobody
    serve,         ///< everything is here
    serve_behind,  ///< it is not, but nobody gives it
    renew          ///< others have another own log
  };
  /// `held` is on disk here. Changes what is_serving() says.
  Choice choose(const SyncBook& book, const VersionVector& held, Instant now);

  bool is_serving() const { return serving_; }

 private:
  bool has_everything(const SyncBook& book, const VersionVector& held) const;
  void look_at_progress(const SyncBook& book, const VersionVector& held, Instant now);
  bool is_looking(const SyncBook& book, Instant now) const;

  SyncConfig config_;
  bool started_ = false;
  bool serving_ = false;
  Instant began_;
  Instant progress_;
  Instant beat_;
  std::map<std::uint32_t, VersionVector> must_have_;
  std::set<std::uint32_t> asked_;  // what has happened while this tracker was absent
  Instant asked_at_;
  std::optional<std::uint64_t> missing_;  // of it, when last looked; nothing: it has changed itself since
  struct HalfLink {
    Sign sign;
    Instant since;
  };
  std::map<std::uint32_t, HalfLink> half_linked_;
};

}  // namespace tutti
