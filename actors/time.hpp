#pragma once

#include <chrono>

namespace tutti {

/// The clock of a host. It has no now(): only the host knows the time, and gives it to its actors.
struct HostClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<HostClock>;
  static constexpr bool is_steady = true;
};

using Duration = HostClock::duration;
/// A moment of a host's monotonic (or virtual) time. Of no meaning outside the host.
using Instant = HostClock::time_point;
/// Time of day. May jump; for records and stamps, never for deciding how long something took.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

}  // namespace tutti
