#include "peer/help_budget.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/random.hpp"

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ByteCount piece = 1_MiB;
constexpr std::uint64_t pace = 8U << 20U;  // half of it: a piece in a quarter of a second
const Instant start = Instant{} + std::chrono::hours(1);

BOOST_AUTO_TEST_SUITE(help_budget)

BOOST_AUTO_TEST_CASE(grows_at_half_of_the_seeders_pace) {
  HelpBudget help;
  help.own_part_goes_on(start);
  const Instant first = start + HelpBudget::grace + milliseconds(250);
  BOOST_TEST((help.allowed_from(piece, pace) == first));
  BOOST_TEST(!help.allows(piece, pace, first - milliseconds(1)));
  BOOST_TEST(help.allows(piece, pace, first));
  help.asked(piece);
  BOOST_TEST(!help.allows(piece, pace, first + milliseconds(249)));
  BOOST_TEST(help.allows(piece, pace, first + milliseconds(250)));
}

BOOST_AUTO_TEST_CASE(holds_one_piece_at_most) {
  HelpBudget help;
  help.own_part_goes_on(start);
  BOOST_TEST(help.allows(piece, pace, start + seconds(100)));
  help.asked(piece);
  BOOST_TEST(!help.allows(piece, pace, start + seconds(100)));
}

BOOST_AUTO_TEST_CASE(what_others_give_is_not_missed) {
  HelpBudget help;
  help.own_part_goes_on(start);
  // They give half of the pace, in small portions, for long.
  Instant now = start;
  for (int i = 0; i < 1000; ++i) {
    now += milliseconds(10);
    help.gained({pace / 200}, now);
    BOOST_TEST(!help.allows(piece, pace, now));
  }
  // However much it was: silence is a reason after the grace.
  help.gained({100 * piece.value}, now);
  BOOST_TEST((help.allowed_from(piece, pace) == now + HelpBudget::grace + milliseconds(250)));
}

BOOST_AUTO_TEST_CASE(is_void_when_our_own_part_goes_on) {
  HelpBudget help;
  help.own_part_goes_on(start);
  BOOST_TEST(help.allows(piece, pace, start + seconds(1)));
  help.own_part_goes_on(start + seconds(1));
  BOOST_TEST(!help.allows(piece, pace, start + seconds(1) + HelpBudget::grace));
}

BOOST_AUTO_TEST_CASE(without_a_pace_silence_decides) {
  HelpBudget help;
  BOOST_TEST(!help.allows(piece, 0, start));  // asked for the first time: nothing is missed yet
  BOOST_TEST(!help.allows(piece, 0, start + HelpBudget::grace - milliseconds(1)));
  BOOST_TEST(help.allows(piece, 0, start + HelpBudget::grace));
  help.own_part_goes_on(start + HelpBudget::grace);
  BOOST_TEST(!help.allows(piece, 0, start + HelpBudget::grace));
}

BOOST_AUTO_TEST_CASE(nobody_falls_below_half_of_the_seeders_pace) {
  // Whatever the others give and whenever one asks.
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    HelpBudget help;
    help.own_part_goes_on(start);
    Instant now = start;
    double got = 0;
    double helped = 0;
    double others = 0;
    while (now < start + seconds(30)) {
      now += std::chrono::microseconds(random.below(20'000));
      if (random.chance(1, 20)) {
        const ByteCount gain{random.below(2 * piece.value)};
        help.gained(gain, now);
        got += static_cast<double>(gain.value);
        others += static_cast<double>(gain.value);
      }
      if (!help.allows(piece, pace, now)) {
        BOOST_REQUIRE((help.allowed_from(piece, pace) > now));
        continue;
      }
      help.asked(piece);
      got += static_cast<double>(piece.value);
      helped += static_cast<double>(piece.value);
    }
    const double half = static_cast<double>(pace) / 2 * 30;
    // A tenth for the grace after each gain and for moments at which nobody asks.
    BOOST_TEST(got > half * 0.6);
    BOOST_TEST(helped <= half);
    if (others > 2 * half) BOOST_TEST(helped < half / 2);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
