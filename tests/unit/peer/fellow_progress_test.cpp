#include "peer/fellow_progress.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ByteCount piece = 1_MiB;
const Instant start = Instant{} + std::chrono::hours(1);

BOOST_AUTO_TEST_SUITE(fellow_progress)

BOOST_AUTO_TEST_CASE(who_gets_no_new_piece_while_we_would_get_eight_does_not_get_on) {
  constexpr std::uint64_t pace = 8U << 20U;  // eight pieces in a second
  FellowProgress fellow(start);
  BOOST_TEST(fellow.gets_on(piece, pace, start + seconds(1)));
  BOOST_TEST(!fellow.gets_on(piece, pace, start + milliseconds(1001)));
  fellow.gained(start + seconds(5));
  BOOST_TEST(fellow.gets_on(piece, pace, start + seconds(6)));
  BOOST_TEST(!fellow.gets_on(piece, pace, start + milliseconds(6001)));
}

BOOST_AUTO_TEST_CASE(on_a_fast_line_a_moment_of_silence_is_nothing) {
  constexpr std::uint64_t pace = std::uint64_t{1} << 30U;
  const FellowProgress fellow(start);
  BOOST_TEST(fellow.gets_on(piece, pace, start + FellowProgress::grace));
  BOOST_TEST(!fellow.gets_on(piece, pace, start + FellowProgress::grace + milliseconds(1)));
}

BOOST_AUTO_TEST_CASE(nobody_is_slow_while_the_pace_of_the_seeders_is_unknown) {
  BOOST_TEST(FellowProgress(start).gets_on(piece, 0, start + seconds(3600)));
}

BOOST_AUTO_TEST_CASE(who_lacked_a_piece_is_not_counted_on_again) {
  FellowProgress fellow(start);
  fellow.lacked_a_piece();
  BOOST_TEST(!fellow.gets_on(piece, 0, start));
  fellow.gained(start + milliseconds(1));
  BOOST_TEST(!fellow.gets_on(piece, 1, start + milliseconds(1)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
