#include "peer/untaken_blocks.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace tutti;
using namespace std::chrono_literals;

Payload block() { return Payload::own(Bytes(1000)); }

BOOST_AUTO_TEST_SUITE(untaken_blocks)

BOOST_AUTO_TEST_CASE(whoever_takes_nothing_for_long_is_stuck) {
  UntakenBlocks link;
  PayloadGauge all;
  const Payload one = link.sent(block(), all, link.bytes());
  BOOST_TEST(link.bytes() == 1000U);
  BOOST_TEST(all.outstanding_bytes() == 1000U);
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 100s));
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 129s));
  BOOST_TEST(link.is_stuck(link.bytes(), 0, Instant{} + 130s));
}

BOOST_AUTO_TEST_CASE(whatever_is_taken_begins_the_time_anew) {
  UntakenBlocks link;
  PayloadGauge all;
  std::optional<Payload> one = link.sent(block(), all, link.bytes());
  const Payload other = link.sent(block(), all, link.bytes());
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 100s));
  one.reset();
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 200s));
  BOOST_TEST(link.is_stuck(link.bytes(), 0, Instant{} + 230s));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_block_that_is_confirmed_begins_the_time_anew) {
  UntakenBlocks link;
  PayloadGauge all;
  const Payload one = link.sent(block(), all, link.bytes());
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 100s));
  BOOST_TEST(!link.is_stuck(link.bytes(), 10, Instant{} + 120s));
  BOOST_TEST(!link.is_stuck(link.bytes(), 10, Instant{} + 149s));
  BOOST_TEST(link.is_stuck(link.bytes(), 10, Instant{} + 150s));
}

BOOST_AUTO_TEST_CASE(the_time_in_which_nothing_waited_does_not_count) {
  UntakenBlocks link;
  PayloadGauge all;
  std::optional<Payload> one = link.sent(block(), all, link.bytes());
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 100s));
  one.reset();
  BOOST_TEST(
      !link.is_stuck(link.bytes(), 0, Instant{} + 101s));  // all of it is taken; nobody looks for a while
  one = link.sent(block(), all, link.bytes());
  BOOST_TEST(!link.is_stuck(link.bytes(), 0, Instant{} + 200s));
  BOOST_TEST(link.is_stuck(link.bytes(), 0, Instant{} + 230s));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
