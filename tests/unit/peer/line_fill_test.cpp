#include "peer/line_fill.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ByteCount block = block_size_max;
const Instant start = Instant{} + std::chrono::hours(1);

/// A line that carries so much, and is kept full for a while.
LineFill filled(std::uint64_t bytes_per_second, Duration lasts, ByteCount most = 128_MiB) {
  LineFill fill(most);
  std::uint64_t sent = 0;
  double taken = 0;
  for (Instant now = start; now < start + lasts; now += milliseconds(1)) {
    taken = std::min(taken + static_cast<double>(bytes_per_second) / 1000, static_cast<double>(sent));
    fill.look({sent - static_cast<std::uint64_t>(taken)}, now);
    while (sent - static_cast<std::uint64_t>(taken) + block.value <= fill.size().value) {
      fill.sent(block);
      sent += block.value;
    }
  }
  return fill;
}

BOOST_AUTO_TEST_SUITE(line_fill)

BOOST_AUTO_TEST_CASE(begins_with_the_least) {
  const LineFill fill(128_MiB);
  BOOST_TEST(fill.size().value == LineFill::least.value);
  BOOST_TEST((fill.look_again() == LineFill::look_again_min));
}

BOOST_AUTO_TEST_CASE(holds_what_the_line_carries_meanwhile) {
  const LineFill fast = filled(1'000'000'000, seconds(3));
  BOOST_TEST(static_cast<double>(fast.size().value) == 1e8, boost::test_tools::tolerance(0.1));
  BOOST_TEST((fast.look_again() == LineFill::look_again_min));
  const LineFill slow = filled(1'000'000, seconds(10));
  BOOST_TEST(slow.size().value == LineFill::least.value);
  BOOST_TEST((slow.look_again() == LineFill::look_again_max));
}

BOOST_AUTO_TEST_CASE(what_a_buffer_swallows_is_not_taken_for_a_fast_line) {
  LineFill fill(128_MiB);
  fill.sent(block);
  fill.look(block, start);
  fill.look({}, start + std::chrono::microseconds(10));
  BOOST_TEST(fill.size().value == LineFill::least.value);
  fill.sent(block);
  fill.look(block, start + milliseconds(30));
  BOOST_TEST(fill.size().value == 2 * LineFill::least.value);
  fill.look(block, start + milliseconds(40));
  BOOST_TEST(fill.size().value <= 2 * LineFill::least.value);
}

BOOST_AUTO_TEST_CASE(is_bounded) {
  BOOST_TEST(filled(4'000'000'000, seconds(3)).size().value == (128_MiB).value);
}

BOOST_AUTO_TEST_CASE(time_in_which_nothing_was_asked_for_does_not_count) {
  LineFill fill = filled(1'000'000'000, seconds(3));
  const ByteCount before = fill.size();
  fill.look({}, start + seconds(3));
  fill.look({}, start + seconds(100));
  BOOST_TEST(static_cast<double>(fill.size().value) == static_cast<double>(before.value),
             boost::test_tools::tolerance(0.3));
}

BOOST_AUTO_TEST_CASE(who_takes_quickly_claims_all_that_is_under_way) {
  LineShare share;
  share.sent(ByteCount{4 * block.value}, start);
  BOOST_TEST(share.claim(start).value == 4 * block.value);
  share.look(ByteCount{2 * block.value}, start + milliseconds(10));
  BOOST_TEST(share.claim(start + milliseconds(10)).value == 2 * block.value);
}

BOOST_AUTO_TEST_CASE(who_takes_slowly_claims_what_it_takes_meanwhile) {
  LineShare share;
  Instant now = start;
  for (int i = 0; i < 20; ++i) {
    share.sent(ByteCount{2 * block.value}, now);
    now += seconds(1);
    share.look(block, now);
    now += seconds(1);
    share.look({}, now);
  }
  share.sent(ByteCount{2 * block.value}, now);
  BOOST_TEST(static_cast<double>(share.claim(now).value) == static_cast<double>(block.value) / 10,
             boost::test_tools::tolerance(0.2));
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_claims_less_and_less) {
  LineShare share;
  share.sent(block, start);
  BOOST_TEST(share.claim(start + LineFill::hold).value == block.value);
  BOOST_TEST(share.claim(start + seconds(1)).value <= block.value / 100);
}

BOOST_AUTO_TEST_CASE(many_who_take_nothing_do_not_stop_the_line) {
  // One after the other gets a block, as soon as the claims of those before leave room for it.
  std::vector<LineShare> silent;
  Instant now = start;
  const auto claims = [&] {
    std::uint64_t sum = 0;
    for (const LineShare& each : silent) sum += each.claim(now).value;
    return sum;
  };
  for (; now < start + seconds(20); now += milliseconds(10)) {
    while (claims() + block.value <= LineFill::least.value) silent.emplace_back().sent(block, now);
  }
  BOOST_TEST(silent.size() > 20U * 10U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
