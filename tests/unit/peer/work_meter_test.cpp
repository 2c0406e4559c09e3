#include "peer/work_meter.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

BOOST_AUTO_TEST_SUITE(work_meter)

BOOST_AUTO_TEST_CASE(without_a_block_of_late_there_is_nothing_to_say) {
  WorkMeter meter;
  BOOST_TEST(!meter.facts(start).has_value());
  meter.add(1ms, start, 1ms, start + 2ms);
  BOOST_TEST(meter.facts(start + 1s).has_value());
  BOOST_TEST(!meter.facts(start + 4s).has_value());
}

BOOST_AUTO_TEST_CASE(says_how_long_a_block_takes_and_what_the_time_goes_to) {
  WorkMeter meter;
  // Ten blocks a second: each waits 7 ms, is hashed for 20 ms and written for 50 ms.
  for (int i = 0; i < 40; ++i) {
    const Instant begun = start + i * 100ms;
    meter.add(7ms, begun, 50ms, begun + 70ms);
  }
  const auto facts = meter.facts(start + 4s);
  BOOST_TEST_REQUIRE(facts.has_value());
  BOOST_TEST((facts->block_takes == 77ms));
  BOOST_TEST(facts->hashing_percent >= 17u);
  BOOST_TEST(facts->hashing_percent <= 22u);
  BOOST_TEST(facts->writing_percent >= 45u);
  BOOST_TEST(facts->writing_percent <= 55u);
}

BOOST_AUTO_TEST_CASE(what_was_before_a_pause_does_not_count) {
  WorkMeter meter;
  meter.add(0ms, start, 900ms, start + 1s);
  meter.add(0ms, start + 10s, 1ms, start + 10s + 2ms);
  const auto facts = meter.facts(start + 10s + 100ms);
  BOOST_TEST_REQUIRE(facts.has_value());
  BOOST_TEST(facts->writing_percent <= 1u);
  BOOST_TEST((facts->block_takes == 2ms));
}

BOOST_AUTO_TEST_CASE(never_more_than_all_of_the_time) {
  WorkMeter meter;
  meter.add(0ms, start, 3s, start + 3s);
  const auto facts = meter.facts(start + 3s);
  BOOST_TEST_REQUIRE(facts.has_value());
  BOOST_TEST(facts->hashing_percent + facts->writing_percent <= 100u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
