#pragma once

#include <map>
#include <vector>

#include "messages/tracker_tracker.hpp"
#include "tracker/stamps.hpp"

namespace tutti {

/// SHA-256 of a delta as it is encoded: the `previous` of the next one.
Sha256 hash_of(const Delta& delta);

/// What a delta is to a log.
enum class DeltaFit : std::uint8_t {
  next,    ///< the one that comes after the head
  known,   ///< at or before the head
  gap,     ///< deltas before it are missing
  forked,  ///< it follows another delta than the head: somebody used a sequence number twice
};

/// How far the logs of all origins are held. Decides whether a delta comes next: operations join in any order, but a
/// version vector can only say "everything up to", so each origin's deltas are taken in order.
class LogHeads {
 public:
  DeltaFit judge(const Delta& delta) const;
  /// Takes a delta that judge() called `next`, whose hash_of is `hash`.
  void advance(const Delta& delta, const Sha256& hash);
  /// Takes a stored head, or one of a joined snapshot; a lower one than is known changes nothing.
  void join(const LogHead& head);

  /// Takes the log of an origin back to an earlier head: what came behind it was not the true one.
  void cut(const LogHead& head);

  LogHead head_of(const StoreId& origin) const;
  std::vector<LogHead> all() const;
  const VersionVector& vector() const { return vector_; }

 private:
  std::map<StoreId, LogHead> heads_;
  VersionVector vector_;
};

/// Makes this tracker's own deltas: numbers, stamps and chains them. Owns the head of the own log and the clock.
/// A sealed delta takes its number at once; one that is then lost (full disk) ends the use of this store's log, for a
/// number is never used twice.
class OwnLog {
 public:
  OwnLog(LogHead head, HybridClock clock) : head_(head), clock_(clock) {}

  const LogHead& head() const { return head_; }
  HybridClock& clock() { return clock_; }
  /// `operations` must not be empty.
  Delta seal(std::vector<Operation> operations, WallTime now);
  /// Deltas of this very log came back from others, up to `head`: they are not made again.
  void recovered(const LogHead& head);

 private:
  LogHead head_;
  HybridClock clock_;
};

}  // namespace tutti
