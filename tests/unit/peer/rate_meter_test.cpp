#include "peer/rate_meter.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant start = Instant{} + std::chrono::hours(1);

/// 1 MB every 100 ms.
Instant ten_megabytes_a_second(RateMeter& meter, Instant now, int blocks) {
  for (int i = 0; i < blocks; ++i) meter.add({1'000'000}, now += milliseconds(100));
  return now;
}

BOOST_AUTO_TEST_SUITE(rate_meter)

BOOST_AUTO_TEST_CASE(a_steady_rate_is_found_from_the_first_block_on) {
  for (const int blocks : {1, 2, 10, 1000}) {
    RateMeter meter;
    meter.resume(start);
    const Instant now = ten_megabytes_a_second(meter, start, blocks);
    BOOST_TEST(static_cast<double>(meter.bytes_per_second(now)) == 10e6, boost::test_tools::tolerance(0.001));
  }
}

BOOST_AUTO_TEST_CASE(a_change_shows_within_two_windows) {
  RateMeter meter(seconds(1));
  meter.resume(start);
  Instant now = ten_megabytes_a_second(meter, start, 100);
  for (int i = 0; i < 20; ++i) meter.add({100'000}, now += milliseconds(100));
  BOOST_TEST(meter.bytes_per_second(now) < 2'500'000U);
}

BOOST_AUTO_TEST_CASE(silence_lowers_the_rate_unless_nothing_was_due) {
  RateMeter silent(seconds(1));
  silent.resume(start);
  const Instant now = ten_megabytes_a_second(silent, start, 20);
  RateMeter idle = silent;
  idle.pause(now);
  const Instant later = now + seconds(5);
  BOOST_TEST(silent.bytes_per_second(later) < 100'000U);
  BOOST_TEST(static_cast<double>(idle.bytes_per_second(later)) == 10e6, boost::test_tools::tolerance(0.001));
  idle.resume(later);
  BOOST_TEST(static_cast<double>(idle.bytes_per_second(later)) == 10e6, boost::test_tools::tolerance(0.001));
}

BOOST_AUTO_TEST_CASE(nothing_is_known_at_first_and_no_time_divides_by_no_zero) {
  RateMeter meter;
  BOOST_TEST(!meter.known());
  BOOST_TEST(meter.bytes_per_second(start) == 0U);
  meter.resume(start);
  meter.add({1000}, start);
  BOOST_TEST(meter.known());
  BOOST_TEST(meter.bytes_per_second(start) == 1'000'000'000U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
