#include "peer/line_fill.hpp"

#include <algorithm>
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
    const auto before = static_cast<std::uint64_t>(taken);
    taken = std::min(taken + static_cast<double>(bytes_per_second) / 1000, static_cast<double>(sent));
    const auto after = static_cast<std::uint64_t>(taken);
    fill.look({sent - after}, {after - before}, now);
    while (sent - after + block.value <= fill.size().value) {
      fill.sent(block);
      sent += block.value;
    }
  }
  return fill;
}

/// Links that want block after block over one line, which they share equally as far as each takes its part; a look every
/// 10 ms, and room as the uploader sees it.
struct SharedLine {
  std::uint64_t carries;  ///< bytes a second
  struct End {
    double takes;  ///< bytes a second
    LineShare share{};
    double untaken = 0;
    std::uint64_t confirmed = 0;
    std::size_t blocks = 0;  ///< that it has got
  };
  std::vector<End> ends{};
  LineFill fill{128_MiB};
  Instant now = start;
  std::size_t turn = 0;

  void add(std::size_t count, std::uint64_t takes) {
    ends.resize(ends.size() + count, End{static_cast<double>(takes)});
  }
  double untaken() const {
    double all = 0;
    for (const End& end : ends) all += end.untaken;
    return all;
  }
  std::size_t busy() const {
    return static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [](const End& end) { return end.untaken > 0; }));
  }
  /// What all take together, bytes a second.
  double step() {
    now += milliseconds(10);
    // Whoever takes less than its part leaves the rest to the others.
    std::vector<End*> taking;
    for (End& end : ends)
      if (end.untaken > 0) taking.push_back(&end);
    std::sort(taking.begin(), taking.end(), [](End* a, End* b) { return a->takes < b->takes; });
    double left = static_cast<double>(carries) / 100;
    double taken = 0;
    for (std::size_t i = 0; i < taking.size(); ++i) {
      End& end = *taking[i];
      const double part =
          std::min({left / static_cast<double>(taking.size() - i), end.takes / 100, end.untaken});
      left -= part;
      taken += part;
      end.untaken -= part;
      if (end.untaken < 1) end.untaken = 0;
      if (end.untaken == 0) ++end.blocks;
      end.confirmed += static_cast<std::uint64_t>(part);
    }
    look();
    return taken * 100;
  }
  void look() {
    ByteCount all;
    for (End& end : ends)
      all += end.share.look({static_cast<std::uint64_t>(end.untaken)}, end.confirmed, now);
    fill.look({static_cast<std::uint64_t>(untaken())}, all, now);
    for (std::size_t i = 0; i < ends.size(); ++i) {
      End& end = ends[(turn + i) % ends.size()];
      if (end.untaken > 0) continue;
      if (claims() + block.value > fill.size().value) return fill.held_up();
      turn += i + 1;
      i = 0;
      end.untaken = static_cast<double>(block.value);
      end.share.sent(block, now);
      fill.sent(block);
    }
  }
  std::uint64_t claims() const {
    std::uint64_t sum = 0;
    for (const End& end : ends)
      if (end.untaken > 0) sum += end.share.claim(fill.carries() / busy(), now).value;
    return sum;
  }
  /// The mean of what all take in so long.
  double run(Duration lasts) {
    double sum = 0;
    std::size_t steps = 0;
    for (const Instant until = now + lasts; now < until; ++steps) sum += step();
    return sum / static_cast<double>(steps);
  }
};

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
  fill.look(block, {}, start);
  fill.look({}, block, start + std::chrono::microseconds(10));
  BOOST_TEST(fill.size().value == LineFill::least.value);
  BOOST_TEST(fill.carries() == 0U);
  fill.sent(block);
  fill.look(block, {}, start + milliseconds(30));
  BOOST_TEST(fill.size().value == 2 * LineFill::least.value);
  fill.look(block, {}, start + milliseconds(40));
  BOOST_TEST(fill.size().value <= 2 * LineFill::least.value);
}

BOOST_AUTO_TEST_CASE(is_bounded) {
  BOOST_TEST(filled(4'000'000'000, seconds(3)).size().value == (128_MiB).value);
}

BOOST_AUTO_TEST_CASE(time_in_which_nothing_was_asked_for_does_not_count) {
  LineFill fill = filled(1'000'000'000, seconds(3));
  const ByteCount before = fill.size();
  fill.look({}, {}, start + seconds(3));
  fill.look({}, {}, start + seconds(100));
  BOOST_TEST(static_cast<double>(fill.size().value) == static_cast<double>(before.value),
             boost::test_tools::tolerance(0.3));
}

BOOST_AUTO_TEST_CASE(who_takes_its_part_claims_all_that_is_under_way) {
  LineShare share;
  share.sent(ByteCount{4 * block.value}, start);
  BOOST_TEST(share.claim(1'000'000, start).value == 4 * block.value);
  share.look(ByteCount{2 * block.value}, std::nullopt, start + seconds(1));
  BOOST_TEST(share.claim(1'000'000, start + seconds(1)).value == 2 * block.value);
  BOOST_TEST(share.claim(0, start + seconds(1)).value ==
             2 * block.value);  // what the line carries is not known
}

BOOST_AUTO_TEST_CASE(who_takes_less_than_its_part_claims_less) {
  LineShare share;
  share.sent(ByteCount{10 * block.value}, start);
  Instant now = start;
  std::uint64_t confirmed = 7;
  share.look(ByteCount{10 * block.value}, confirmed, now);
  for (int i = 0; i < 200; ++i)
    share.look(ByteCount{10 * block.value}, confirmed += 1000,
               now += milliseconds(10));  // and no whole block
  // It takes a twentieth of its part, where half would be enough.
  BOOST_TEST(static_cast<double>(share.claim(2'000'000, now).value) == static_cast<double>(block.value) / 10,
             boost::test_tools::tolerance(0.1));
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_claims_less_and_less) {
  LineShare share;
  share.sent(block, start);
  BOOST_TEST(share.claim(1'000'000, start + milliseconds(100)).value == block.value);
  BOOST_TEST(share.claim(1'000'000, start + seconds(10)).value <= block.value / 50);
}

BOOST_AUTO_TEST_CASE(what_was_confirmed_while_nothing_waited_is_no_progress) {
  LineShare share;
  share.sent(block, start);
  BOOST_TEST(share.look(block, 1000, start + milliseconds(10)).value == 0U);  // since when is not known
  BOOST_TEST(share.look(block, 3000, start + milliseconds(20)).value == 2000U);
  BOOST_TEST(share.look({}, 4000, start + milliseconds(30)).value == 1000U);
  share.sent(block, start + seconds(1));
  BOOST_TEST(share.look(block, 900'000, start + seconds(1)).value == 0U);
}

BOOST_AUTO_TEST_CASE(where_the_system_says_nothing_whole_blocks_tell) {
  LineShare share;
  share.sent(ByteCount{2 * block.value}, start);
  BOOST_TEST(share.look(block, std::nullopt, start + seconds(1)).value == block.value);
}

BOOST_AUTO_TEST_CASE(over_a_slow_line_a_few_are_served_at_a_time) {
  // A block takes four seconds.
  SharedLine line{125'000};
  line.add(40, 125'000);
  std::size_t most = 0;
  double sum = 0;
  constexpr int looks = 30'000;
  for (int i = 0; i < looks; ++i) {
    sum += line.step();
    most = std::max(most, line.busy());
  }
  BOOST_TEST(most <= 12U);
  BOOST_TEST(sum / looks == 125'000.0, boost::test_tools::tolerance(0.01));
  for (const SharedLine::End& end : line.ends) BOOST_TEST(end.blocks >= 1U);
}

BOOST_AUTO_TEST_CASE(many_who_take_slowly_fill_a_fast_line_all_at_once) {
  SharedLine line{100'000'000};
  line.add(100, 500'000);
  line.run(seconds(10));
  BOOST_TEST(line.run(seconds(60)) >= 0.85 * 50'000'000);
}

BOOST_AUTO_TEST_CASE(who_takes_quickly_does_not_wait_for_who_takes_slowly) {
  SharedLine line{12'500'000};
  line.add(4, 12'500'000);
  line.run(seconds(3));  // what the line carries is known
  line.add(30, 20'000);
  line.add(10, 0);
  line.run(seconds(5));
  BOOST_TEST(line.run(seconds(60)) >= 0.9 * 12'500'000);
}

BOOST_AUTO_TEST_CASE(after_many_slow_ones_are_gone_blocks_go_one_after_the_other_again) {
  SharedLine line{12'500'000};
  line.add(20, 500'000);
  line.run(seconds(20));
  BOOST_TEST(line.busy() > 15U);
  line.ends.clear();
  line.add(20, 12'500'000);
  line.run(seconds(60));
  std::size_t busy = 0;
  for (int i = 0; i < 1000; ++i) {
    line.step();
    busy += line.busy();
  }
  BOOST_TEST(busy <= 1000U * 6);
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_at_all_does_not_stop_those_who_come_later) {
  SharedLine line{12'500'000};
  line.add(30, 0);
  line.run(seconds(2));
  line.add(1, 12'500'000);
  line.run(seconds(3));
  BOOST_TEST(line.ends.back().blocks >= 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
