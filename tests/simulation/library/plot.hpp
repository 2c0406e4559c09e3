#pragma once

#include <string>

#include "tests/simulation/library/simulation.hpp"

namespace tutti::simulation {

/// The timeline of a story as a picture: pieces over time, copies that have left the first source, how far trackers lag.
std::string timeline_svg(const std::string& title, const Outcome& outcome);
/// The same for a terminal, one row each, `columns` wide.
std::string timeline_text(const Outcome& outcome, std::size_t columns = 72);

}  // namespace tutti::simulation
