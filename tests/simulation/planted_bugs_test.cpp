// The watch, watched: bugs are planted, and each has to be caught as what it is.
//
// TUTTI_BUG_SEEDS: of how many seeds each bug is looked for (all of them, and it is said in how many it shows).

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ostream>

#include "actors/log.hpp"
#include "tests/simulation/library/shrink.hpp"
#include "tests/simulation/planted_bugs.hpp"

namespace tutti::simulation {

// Boost.Test names what it was looking at.
std::ostream& operator<<(std::ostream& out, const PlantedBug& bug) { return out << bug.name; }

}  // namespace tutti::simulation

using namespace tutti;
using namespace tutti::simulation;

namespace {

// A bug shows in one of so many stories, or it is not found.
constexpr std::uint64_t stories_of_a_bug = 40;

struct Silently {
  Silently() { configure_log("", "off"); }
  ~Silently() { configure_log("", "warning"); }
  Silently(const Silently&) = delete;
  Silently& operator=(const Silently&) = delete;
};

std::optional<Violation> violation_of(const PlantedBug& bug, std::uint64_t seed) {
  Scenario scenario = bug.scenario(seed);
  scenario.quiet = std::chrono::minutes(1);
  return Simulation(seed, scenario, bug.plant()).run().violation;
}

bool is_as_expected(const PlantedBug& bug, const Violation& violation) {
  return violation.invariant == bug.breaks || violation.invariant == bug.or_breaks;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(planted, *boost::unit_test::fixture<Silently>())

BOOST_DATA_TEST_CASE(a_planted_bug_is_caught_as_what_it_is, boost::unit_test::data::make(planted_bugs()),
                     bug) {
  const char* wanted = std::getenv("TUTTI_BUG_SEEDS");
  const std::uint64_t all = wanted == nullptr ? 0 : std::stoull(wanted);
  std::uint64_t found = 0;
  std::optional<Violation> first;
  std::uint64_t seed = 0;
  while (seed < (all == 0 ? stories_of_a_bug : all) && (all != 0 || !first)) {
    const std::optional<Violation> violation = violation_of(bug, ++seed);
    if (!violation) continue;
    ++found;
    if (!first) first = violation;
  }
  BOOST_TEST_REQUIRE(first.has_value(), bug.name << " is not found");
  BOOST_TEST_MESSAGE(bug.name << " shows in " << found << " of " << seed
                              << " seeds: " << name_of(first->invariant) << ": " << first->sentence);
  BOOST_TEST(is_as_expected(bug, *first), "seed " << seed << ": " << bug.name << " is taken for a breach of "
                                                  << name_of(first->invariant) << ": " << first->sentence);
}

BOOST_AUTO_TEST_CASE(without_its_bug_nothing_is_found) {
  for (const PlantedBug& bug : planted_bugs())
    if (bug.scenario != random_scenario)
      BOOST_TEST(!Simulation(1, bug.scenario(1)).run().violation.has_value(), bug.name);
}

BOOST_AUTO_TEST_CASE(strangers_get_nothing) {
  const PlantedBug& with_ticket = planted_bugs().back();
  for (const StrangersTicket ticket : {StrangersTicket::none, StrangersTicket::stolen}) {
    Scenario scenario = with_ticket.scenario(1);
    const Outcome outcome = Simulation(1, scenario, a_stranger_asks(ticket)).run();
    BOOST_TEST(!outcome.violation.has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_story_is_shrunk_to_what_it_needs) {
  const auto bug = std::find_if(planted_bugs().begin(), planted_bugs().end(), [](const PlantedBug& each) {
    return each.name == "provisional is not said";
  });
  std::uint64_t seed = 0;
  Scenario scenario;
  std::optional<Violation> violation;
  while (!violation || scenario.faults.size() < 6) {
    BOOST_TEST_REQUIRE(seed < 200u);
    scenario = random_scenario(++seed);
    scenario.quiet = std::chrono::minutes(1);
    violation = Simulation(seed, scenario, bug->plant()).run().violation;
  }
  const LeftOut left_out = shrink(seed, scenario, violation->invariant, 200, bug->plant);
  const Scenario small = without(scenario, left_out);
  BOOST_TEST(small.faults.size() < scenario.faults.size());
  const auto again = Simulation(seed, small, bug->plant()).run().violation;
  BOOST_TEST_REQUIRE(again.has_value());
  BOOST_TEST((again->invariant == violation->invariant));
}

BOOST_AUTO_TEST_SUITE_END()
