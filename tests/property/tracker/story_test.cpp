// Whole trackers under faults, watched; and the watcher, watched while bugs are planted.
//
// TUTTI_ROUNDS: how many stories without a bug; TUTTI_SEED: of which seed the first one is.

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ostream>
#include <set>

#include "actors/log.hpp"
#include "tests/property/tracker/planted_bugs.hpp"
#include "tests/property/tracker/story.hpp"

namespace tutti::test {

// Boost.Test names what it was looking at.
std::ostream& operator<<(std::ostream& out, const PlantedBug& bug) { return out << bug.name; }

}  // namespace tutti::test

using namespace tutti;
using namespace tutti::test;

namespace {

// A bug shows in one of so many stories, or it is not found.
constexpr std::uint64_t stories_of_a_bug = 10;

std::uint64_t number_of(const char* variable, std::uint64_t usual) {
  const char* wanted = std::getenv(variable);
  return wanted == nullptr ? usual : std::stoull(wanted);
}

StorySettings story_of(std::uint64_t seed, const Weather& weather) {
  return {seed, 2 + seed % 2, weather, 2};
}

/// Trackers warn of much here, and rightly.
struct Quietly {
  Quietly() { configure_log("", "off"); }
  ~Quietly() { configure_log("", "warning"); }
  Quietly(const Quietly&) = delete;
  Quietly& operator=(const Quietly&) = delete;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(story, *boost::unit_test::fixture<Quietly>())

BOOST_AUTO_TEST_CASE(nothing_is_violated_whatever_happens) {
  const std::uint64_t first = number_of("TUTTI_SEED", 1);
  const std::uint64_t rounds = number_of("TUTTI_ROUNDS", 4);
  for (std::uint64_t seed = first; seed < first + rounds; ++seed) {
    const Ending ending = tell_story(story_of(seed, {.tickets = seed % 3 == 0}), {});
    BOOST_TEST_MESSAGE("seed " << seed << ": " << ending.acknowledged << " acknowledged");
    BOOST_TEST(ending.acknowledged > 100, "seed " << seed << ": next to nothing happens");
    if (ending.violation)
      BOOST_ERROR("seed " << seed << ": " << name_of(ending.violation->invariant) << ": "
                          << ending.violation->sentence);
  }
}

BOOST_DATA_TEST_CASE(a_planted_bug_is_caught_as_what_it_is, boost::unit_test::data::make(planted_bugs()),
                     bug) {
  std::optional<Violation> found;
  std::uint64_t seed = 0;
  while (!found && seed < stories_of_a_bug) {
    ++seed;
    found = tell_story(story_of(seed, bug.weather), bug.plant()).violation;
  }
  BOOST_TEST_REQUIRE(found.has_value(), bug.name << " is not found");
  BOOST_TEST_MESSAGE(bug.name << ", seed " << seed << ": " << name_of(found->invariant) << ": "
                              << found->sentence);
  BOOST_TEST((found->invariant == bug.breaks || found->invariant == bug.or_breaks),
             "seed " << seed << ": " << bug.name << " is taken for a breach of " << name_of(found->invariant)
                     << ": " << found->sentence);
}

BOOST_AUTO_TEST_CASE(each_invariant_has_a_bug_that_breaks_it) {
  std::set<std::string_view> broken;
  for (const PlantedBug& bug : planted_bugs()) broken.insert(name_of(bug.breaks));
  for (std::size_t i = 0; i < invariants; ++i) {
    const std::string_view name = name_of(static_cast<Invariant>(i));
    BOOST_TEST(broken.contains(name), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
