#pragma once

#include "tests/simulation/library/simulation.hpp"

namespace tutti::simulation {

/// Tells a story in a process of its own. A story that ends the process (an ENSURE that does not hold, a sanitizer's finding)
/// is a violation like any other then: Invariant::no_bug, with the last line that the process has printed. Of the figures only
/// those that are numbers come back: no timeline, no fetches.
Outcome tell_apart(std::uint64_t seed, const Scenario& scenario, const Seams& seams = {});

}  // namespace tutti::simulation
