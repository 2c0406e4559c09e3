#include "peer/backoff.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

using std::chrono::milliseconds;

BOOST_AUTO_TEST_SUITE(backoff)

BOOST_AUTO_TEST_CASE(waits_double_up_to_the_longest_and_half_of_each_is_chance) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Backoff wait(milliseconds(100), milliseconds(1000));
    for (const int step : {100, 200, 400, 800, 1000, 1000}) {
      const Duration waited = wait.next(random);
      BOOST_TEST((waited >= milliseconds(step) / 2 && waited <= milliseconds(step)));
    }
    wait.reset();
    BOOST_TEST((wait.next(random) <= milliseconds(100)));
  }
}

BOOST_AUTO_TEST_CASE(those_who_lose_a_peer_together_do_not_come_back_together) {
  Random one(1);
  Random two(2);
  BOOST_TEST((Backoff().next(one) != Backoff().next(two)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
