#pragma once

#include <string_view>
#include <vector>

#include "tests/simulation/library/simulation.hpp"

namespace tutti::simulation {

/// A bug that a tracker or a client might have, made without touching it: by what is lost, changed or said too early on
/// the way between its actors, to other machines, or to its disk.
struct PlantedBug {
  std::string_view name;
  std::string_view where;
  Invariant breaks;
  Seams (*plant)();
  Scenario (*scenario)(std::uint64_t seed) = random_scenario;  ///< where it has to show
};

const std::vector<PlantedBug>& planted_bugs();

/// Somebody who was never let into any group, and asks a client for a file all the same: without a ticket, with one that
/// was given to somebody else, or with one of his own, which no tracker would give. Seams that let him in at 12 s.
enum class StrangersTicket : std::uint8_t { none, stolen, own };
Seams a_stranger_asks(StrangersTicket ticket);

/// A member on a slow line who asks for as much as may wait at once: his client is killed, and somebody takes its place at 9 s.
Scenario with_a_greedy_member(std::uint64_t seed);
Seams a_member_asks_for_much();

/// A member whose client is killed, and at 14 s somebody with his key, ticket and the pass that he was given before.
Scenario with_a_member_who_goes(std::uint64_t seed);
Seams a_member_comes_by_an_old_pass();

/// A member who has got all and left; at 15 s somebody comes with his key and ticket, at 20 s he is removed from the group, and
/// asks for a block every five seconds all the same.
Scenario with_a_removed_member(std::uint64_t seed);
Seams a_removed_member_goes_on();

}  // namespace tutti::simulation
