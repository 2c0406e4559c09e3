#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/library/simulation.hpp"

namespace tutti::simulation {

/// What is left out of a scenario: faults by their number from 1, clients and files by their names, so many trackers,
/// the last ones.
struct LeftOut {
  std::vector<std::size_t> faults;
  std::vector<std::string> clients;
  std::vector<std::string> files;
  std::uint32_t trackers = 0;
};

Scenario without(Scenario scenario, const LeftOut& left_out);

/// Leaves out of a story that ends in a violation whatever it does not need: faults first, then files, clients and trackers, as
/// long as the same invariant is violated. `tries` bounds how many stories are told for that.
LeftOut shrink(std::uint64_t seed, const Scenario& scenario, Invariant violated, std::size_t tries = 400,
               const std::function<Seams()>& plant = {});

}  // namespace tutti::simulation
