#pragma once

#include <algorithm>
#include <cstdint>

#include "actors/time.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {

/// Hybrid logical clock (Kulkarni et al. 2014): stamps that never go back, are later than every stamp seen, and stay
/// near the time of day while clocks are sane. Owns the last stamp given or seen.
class HybridClock {
 public:
  /// A stamp later than every one given or seen before.
  Stamp next(WallTime wall) {
    const Stamp now{milliseconds_of(wall), 0};
    if (now > last_) {
      last_ = now;
    } else if (last_.counter == UINT32_MAX) {
      last_ = {last_.milliseconds + 1, 0};
    } else {
      ++last_.counter;
    }
    return last_;
  }
  /// Takes notice of somebody else's stamp, or of a stored one.
  void saw(Stamp stamp) { last_ = std::max(last_, stamp); }
  /// How far stamps run ahead of this tracker's clock: somebody's clock is wrong if it is more than seconds.
  std::chrono::milliseconds ahead_of(WallTime wall) const {
    const std::uint64_t now = milliseconds_of(wall);
    return std::chrono::milliseconds{last_.milliseconds > now ? last_.milliseconds - now : 0};
  }

 private:
  static std::uint64_t milliseconds_of(WallTime wall) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.time_since_epoch().count()));
  }
  Stamp last_;
};

}  // namespace tutti
