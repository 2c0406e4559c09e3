#pragma once

#include <optional>
#include <vector>

#include "messages/kernel.hpp"
#include "peer/rate_limiter.hpp"
#include "peer/weighted_turns.hpp"

namespace tutti {

/// Decides which of the requests that fetchers hold back for a limit go out now. Owns the limits on what is fetched and
/// the queue of those who wait; each fetcher waits at most once for each download.
///
/// Rules: who wants much is allowed a portion of it at a time (RateLimiter::portion_at); downloads take turns by their priorities, fetchers of one download in the order in which they came. See
/// RateLimiter for the limits.
class RequestGate {
 public:
  struct Wanted {
    Address fetcher;
    DownloadId download;
    GroupName group;
    DownloadPriority priority = DownloadPriority::normal;
    ByteCount bytes;
  };
  struct Opened {
    std::vector<Wanted> allowed;          ///< `bytes`: so many of those that were wanted
    std::optional<Duration> again_after;  ///< look again then; nothing: nobody waits
  };

  void set(const std::vector<RateLimit>& limits) { limiter_.set(limits); }
  bool concerns(const GroupName& group) const { return limiter_.concerns(group); }
  std::optional<std::uint64_t> rate(const GroupName& group, DayTime day) const {
    return limiter_.rate(group, day);
  }

  void want(Wanted wanted);
  /// Nothing of this download is wanted by this fetcher any more.
  void forget(Address fetcher, DownloadId download);
  /// The same of all its downloads: its link is down.
  void forget(Address fetcher);
  /// True if requests of this download wait: there is no use in preparing more of them.
  bool holds(DownloadId download) const;
  Opened open(Instant now, DayTime day);

 private:
  RateLimiter limiter_{LimitDirection::down};
  std::vector<Wanted> waiting_;
  WeightedTurns<DownloadId> turns_;
};

}  // namespace tutti
