#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tests/property/tracker/story.hpp"

namespace tutti::test {

/// A bug that a tracker might have, made without touching it: by what is lost, changed or said too early on the way
/// between its actors, to other trackers, or to its disk.
struct PlantedBug {
  std::string_view name;
  Invariant breaks;  ///< what has to be found, before anything else
  Seams (*plant)();
  Weather weather = {};  ///< where it shows as what it is, and not first by what follows from it
  std::optional<Invariant> or_breaks = {};  ///< as true of it, where chance decides which is met first
};

const std::vector<PlantedBug>& planted_bugs();

}  // namespace tutti::test
