// The watch, watched: bugs are planted, and each has to be caught as what it is in most of the stories that it is planted in.
// The table that is printed stands in docs/simulation.md.
//
// TUTTI_BUG_SEEDS: in how many stories each bug is planted.

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <ostream>
#include <set>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "messages/peer_peer.hpp"
#include "tests/simulation/library/shrink.hpp"
#include "tests/simulation/library/told_apart.hpp"
#include "tests/simulation/planted_bugs.hpp"

namespace tutti::simulation {

// Boost.Test names what it was looking at.
std::ostream& operator<<(std::ostream& out, const PlantedBug& bug) { return out << bug.name; }

}  // namespace tutti::simulation

using namespace tutti;
using namespace tutti::simulation;

namespace {

constexpr std::uint64_t stories_of_a_bug = 3;

std::uint64_t stories_wanted() {
  const char* wanted = std::getenv("TUTTI_BUG_SEEDS");
  return wanted == nullptr ? stories_of_a_bug : std::stoull(wanted);
}

/// In how many stories a bug was found.
struct Found {
  std::uint64_t as_what_it_is = 0;
  std::map<Invariant, std::uint64_t> as_something_else;
  std::string last_mistaken;
};

struct Silently {
  Silently() { configure_log("", "off"); }
  ~Silently() { configure_log("", "warning"); }
  Silently(const Silently&) = delete;
  Silently& operator=(const Silently&) = delete;
};

std::optional<Violation> violation_of(const PlantedBug& bug, std::uint64_t seed) {
  Scenario scenario = bug.scenario(seed);
  if (scenario.quiet == Scenario{}.quiet) scenario.quiet = std::chrono::minutes(1);
  return tell_apart(seed, scenario, bug.plant()).violation;
}

Found look_for(const PlantedBug& bug, std::uint64_t stories) {
  Found found;
  for (std::uint64_t seed = 1; seed <= stories; ++seed) {
    const std::optional<Violation> violation = violation_of(bug, seed);
    if (!violation) continue;
    if (violation->invariant == bug.breaks) {
      ++found.as_what_it_is;
    } else {
      ++found.as_something_else[violation->invariant];
      found.last_mistaken = "seed " + std::to_string(seed) + ": " + violation->sentence;
    }
  }
  return found;
}

void print_row(const PlantedBug& bug, const Found& found, std::uint64_t stories) {
  std::string others;
  for (const auto& [invariant, count] : found.as_something_else)
    others += (others.empty() ? "" : ", ") + std::string(name_of(invariant)) + " " + std::to_string(count);
  if (bug.name == planted_bugs().front().name)
    std::cout << "| bug | where | breaks | found as that | as something else |\n|---|---|---|---|---|\n";
  std::cout << "| " << bug.name << " | " << bug.where << " | " << name_of(bug.breaks) << " | "
            << found.as_what_it_is << " of " << stories << " | " << others << " |" << std::endl;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(planted, *boost::unit_test::fixture<Silently>())

BOOST_DATA_TEST_CASE(a_planted_bug_is_caught_as_what_it_is, boost::unit_test::data::make(planted_bugs()),
                     bug) {
  const std::uint64_t stories = stories_wanted();
  const Found found = look_for(bug, stories);
  print_row(bug, found, stories);
  BOOST_TEST(2 * found.as_what_it_is > stories, bug.name << " is found as a breach of " << name_of(bug.breaks)
                                                         << " in " << found.as_what_it_is << " of " << stories
                                                         << " stories; " << found.last_mistaken);
}

BOOST_AUTO_TEST_CASE(bugs_are_planted_everywhere) {
  std::set<std::string_view> places;
  for (const PlantedBug& bug : planted_bugs()) places.insert(bug.where);
  BOOST_TEST(places.size() >= 7u);
  BOOST_TEST(planted_bugs().size() >= 20u);
}

/// A process that ends by a failed ENSURE is a violation like any other.
BOOST_AUTO_TEST_CASE(a_story_that_ends_its_process_is_a_violation) {
  Seams seams;
  seams.begin = [](Swarm& swarm) {
    swarm.clock().at(Instant{} + std::chrono::seconds(3), [] { ENSURE(2 + 2 == 5); });
  };
  const Scenario scenario = random_scenario(1);
  const Outcome outcome = tell_apart(1, scenario, seams);
  BOOST_TEST_REQUIRE(outcome.violation.has_value());
  BOOST_TEST((outcome.violation->invariant == Invariant::no_bug));
  BOOST_TEST(outcome.violation->sentence.starts_with("bug: 2 + 2 == 5 does not hold"),
             outcome.violation->sentence);
  const LeftOut left_out = shrink(1, scenario, Invariant::no_bug, 60, [&] { return seams; });
  BOOST_TEST(without(scenario, left_out).faults.empty());
  BOOST_TEST(without(scenario, left_out).trackers == 1u);
  const Outcome here = Simulation(1, scenario).run();
  const Outcome apart = tell_apart(1, scenario);
  BOOST_TEST(here.hash == apart.hash);
  BOOST_TEST(here.deliveries == apart.deliveries);
  BOOST_TEST(here.virtual_seconds == apart.virtual_seconds);
}

BOOST_AUTO_TEST_CASE(a_story_in_which_time_stands_still_is_a_violation) {
  Seams seams;
  seams.begin = [](Swarm& swarm) {
    const auto again = std::make_shared<std::function<void()>>();
    *again = [&swarm, again] { swarm.clock().after({}, *again); };
    swarm.clock().at(Instant{} + std::chrono::seconds(1), *again);
  };
  const Outcome outcome = tell_apart(1, random_scenario(1), seams);
  BOOST_TEST_REQUIRE(outcome.violation.has_value());
  BOOST_TEST((outcome.violation->invariant == Invariant::goes_on));
  BOOST_TEST(outcome.virtual_seconds == 1);
}

BOOST_AUTO_TEST_CASE(without_its_bug_nothing_is_found) {
  for (const PlantedBug& bug : planted_bugs())
    if (bug.scenario != random_scenario)
      BOOST_TEST(!Simulation(1, bug.scenario(1)).run().violation.has_value(), bug.name);
}

BOOST_AUTO_TEST_CASE(whoever_asks_for_much_costs_no_more_than_the_mark) {
  const Outcome outcome = Simulation(1, with_a_greedy_member(1), a_member_asks_for_much()).run();
  BOOST_TEST(!outcome.violation.has_value());
}

BOOST_AUTO_TEST_CASE(strangers_get_nothing) {
  const PlantedBug& with_ticket = planted_bugs().back();
  for (const StrangersTicket ticket : {StrangersTicket::none, StrangersTicket::stolen}) {
    Scenario scenario = with_ticket.scenario(1);
    const Outcome outcome = Simulation(1, scenario, a_stranger_asks(ticket)).run();
    BOOST_TEST(!outcome.violation.has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_removed_member_gets_nothing_more) {
  Seams seams = a_removed_member_goes_on();
  std::uint64_t blocks = 0;
  seams.wire = [notes = seams.wire, &blocks](Swarm& swarm, NodeId from, NodeId to, Envelope& envelope) {
    const bool is_his = swarm.clock().now() > Instant{} + std::chrono::seconds(15);
    if (envelope.id == Block::message_id && is_his) ++blocks;
    return notes(swarm, from, to, envelope);
  };
  const Outcome outcome = Simulation(1, with_a_removed_member(1), seams).run();
  BOOST_TEST(!outcome.violation.has_value());
  BOOST_TEST(blocks > 0u);                    // as long as he was a member
  BOOST_TEST(outcome.virtual_seconds > 120);  // until the last ticket has surely expired
}

BOOST_AUTO_TEST_CASE(an_old_pass_opens_nothing) {
  const Outcome outcome = Simulation(1, with_a_member_who_goes(1), a_member_comes_by_an_old_pass()).run();
  BOOST_TEST(!outcome.violation.has_value());
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
    violation = tell_apart(seed, scenario, bug->plant()).violation;
  }
  const LeftOut left_out = shrink(seed, scenario, violation->invariant, 200, bug->plant);
  const Scenario small = without(scenario, left_out);
  BOOST_TEST(small.faults.size() < scenario.faults.size());
  const auto again = Simulation(seed, small, bug->plant()).run().violation;
  BOOST_TEST_REQUIRE(again.has_value());
  BOOST_TEST((again->invariant == violation->invariant));
}

BOOST_AUTO_TEST_SUITE_END()
