#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/time.hpp"
#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"

namespace tutti {

/// Since midnight, in local time.
using DayTime = std::chrono::seconds;
DayTime local_day_time(WallTime now);

/// True if the limit holds at this time of day.
bool holds_at(const RateLimit& limit, DayTime now);
/// Puts a limit in the place of the one of the same direction, group and time of day, or takes that one away.
void set_limit(std::vector<RateLimit>& limits, const RateLimit& change);

/// Decides how much may pass now in one direction. A token bucket for all groups together and one for each group that
/// has a limit; what passes pays into both.
///
/// Rules:
/// - Of the limits of a scope that hold at a moment the lowest counts. One that ends lets through at once what it held.
/// - Something passes when half of what it costs is there, and may leave its bucket in debt: so what has passed is
///   never more than half a portion away from the limit, in either direction, however large portions are.
/// - So portions have to be small where the rate is: portion_at() says what to ask for at a time.
/// - A bucket that nobody waits for fills up to `burst` of its rate: a small file after a pause does not wait, and
///   nobody saves up for a flood.
/// - Who has to wait keeps its turn: nobody behind it takes from the bucket that it waits for, else small portions
///   would keep a large one waiting for ever. What needs another bucket only, passes.
class RateLimiter {
 public:
  static constexpr Duration burst = std::chrono::milliseconds(50);

  explicit RateLimiter(LimitDirection direction) : direction_(direction) {}

  /// These hold from now on, as far as they are of this direction.
  void set(const std::vector<RateLimit>& limits);
  /// True if what belongs to this group has to ask at all: there is a limit for it, at some time of day.
  bool concerns(const GroupName& group) const;
  /// True if anything at all may have to wait.
  bool limits_anything() const { return !limits_.empty(); }
  /// The lowest limit that holds for this group now.
  std::optional<std::uint64_t> rate(const GroupName& group, DayTime day) const;

  /// What is to pass at a time at such a rate, or without a limit: what passes in an eighth of a second, from request_length_min
  /// to block_size_max, and a power of two. So ten seconds are kept to a percent, from 25 KiB/s on.
  static ByteCount portion_at(std::optional<std::uint64_t> rate);

  /// One look at those who wait, in the order of their turns.
  class Round {
   public:
    /// True: it passes and is paid. False: it waits.
    bool pass(const GroupName& group, ByteCount bytes);
    /// When the next look is due; nothing: nobody waits.
    std::optional<Duration> again_after() const { return again_after_; }

   private:
    friend class RateLimiter;
    Round(RateLimiter& limiter, DayTime day) : limiter_(limiter), day_(day) {}
    bool ready(const std::string& scope, double bytes);

    RateLimiter& limiter_;
    DayTime day_;
    std::set<std::string> held_;
    std::optional<Duration> again_after_;
  };
  Round look(Instant now, DayTime day);

 private:
  struct Bucket {
    double bytes = 0;   ///< negative: in debt
    double wanted = 0;  ///< somebody waits until so much is there
    Instant last{};
    std::optional<std::uint64_t> rate;  ///< now
  };

  std::optional<std::uint64_t> rate_of(const std::string& scope, DayTime day) const;
  Duration until_change(const std::string& scope, DayTime day) const;
  void fill(Bucket& bucket, std::optional<std::uint64_t> rate, Instant now) const;

  LimitDirection direction_;
  std::vector<RateLimit> limits_;
  std::map<std::string, Bucket> buckets_;  ///< by group; "": all together
};

}  // namespace tutti
