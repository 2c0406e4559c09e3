#include "actors/random.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <map>
#include <vector>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(random_source)

/// A simulation's seed has to mean the same run on every machine and in every release.
BOOST_AUTO_TEST_CASE(the_same_seed_gives_these_numbers_for_ever) {
  Random random(1234567);
  for (const std::uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                       4593380528125082431U, 16408922859458223821U})
    BOOST_TEST(random() == expected);
  Random dice(1);
  std::vector<std::uint64_t> throws;
  for (int i = 0; i < 10; ++i) throws.push_back(dice.below(6));
  BOOST_TEST(throws == (std::vector<std::uint64_t>{5, 1, 0, 5, 3, 2, 3, 3, 0, 4}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(below_stays_below_and_is_uniform) {
  Random random(7);
  for (const std::uint64_t bound : {1U, 2U, 3U, 10U, 64U}) {
    constexpr std::uint64_t draws_each = 2000;
    std::vector<std::uint64_t> seen(bound);
    for (std::uint64_t i = 0; i < bound * draws_each; ++i) {
      const std::uint64_t draw = random.below(bound);
      BOOST_REQUIRE(draw < bound);
      ++seen[draw];
    }
    // Five standard deviations of a count of 2,000 are about 220.
    for (const std::uint64_t count : seen)
      BOOST_TEST((count > draws_each - 220 && count < draws_each + 220), count);
  }
}

/// Where a plain remainder would be far off: the lower half would come twice as often.
BOOST_AUTO_TEST_CASE(below_is_uniform_for_a_huge_bound) {
  Random random(8);
  constexpr std::uint64_t bound = (std::uint64_t{1} << 63U) + (std::uint64_t{1} << 62U);
  int low = 0;
  for (int i = 0; i < 9000; ++i)
    if (random.below(bound) < bound / 3) ++low;
  BOOST_TEST((low > 2750 && low < 3250), low);
}

BOOST_AUTO_TEST_CASE(chance_happens_as_often_as_it_says) {
  Random random(9);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += random.chance(1, 4) ? 1 : 0;
  BOOST_TEST((hits > 2280 && hits < 2720), hits);
  BOOST_TEST(!random.chance(0, 5));
  BOOST_TEST(random.chance(5, 5));
}

BOOST_AUTO_TEST_CASE(every_order_of_a_shuffle_is_as_likely) {
  Random random(10);
  std::map<std::vector<int>, int> seen;
  for (int i = 0; i < 6000; ++i) {
    std::vector<int> items{1, 2, 3};
    random.shuffle(items);
    ++seen[items];
  }
  BOOST_TEST(seen.size() == 6);
  for (const auto& [order, count] : seen) BOOST_TEST((count > 850 && count < 1150), count);
  std::vector<int> none;
  random.shuffle(none);
  BOOST_TEST(none.empty());
}

BOOST_AUTO_TEST_SUITE_END()
