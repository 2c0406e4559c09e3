#pragma once

#include <cstdint>
#include <optional>

#include "tests/property/tracker/checker.hpp"

namespace tutti::test {

/// What goes wrong.
struct Weather {
  bool storms = true;  ///< paths are cut and slow, trackers are killed
  bool truncations = true;
  bool wipes = true;
  bool roll_backs = true;
  bool floors = true;    ///< clients say what they have seen
  bool tickets = false;  ///< clients ask for tickets, and are told of departures
};

/// What happens to a network, all of it from one seed.
struct StorySettings {
  std::uint64_t seed = 1;
  std::size_t trackers = 3;
  Weather weather;
  /// After each one comes quiet; after the last, all trackers are killed and started again.
  std::uint32_t storms = 2;
};

/// What came of it.
struct Ending {
  std::optional<Violation> violation;
  std::size_t acknowledged = 0;
};

/// Clients ask, paths are cut, trackers are killed (some right after an OK), disks robbed and logs truncated, and
/// everything is checked. Ends at the first violation.
Ending tell_story(const StorySettings& settings, const Seams& seams);

}  // namespace tutti::test
