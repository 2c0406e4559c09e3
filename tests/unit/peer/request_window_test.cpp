#include "peer/request_window.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A peer behind a line: a block takes the way there and back, and the line carries one block after the other.
struct Line {
  double bytes_per_second = 0;
  Duration round_trip{};
  bool loses_packets = false;  ///< now and then all waits for two more round trips
  struct Answer {
    Instant asked_at;
    Instant comes_at;
  };

  Duration block_time() const {
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(block_size.value) / bytes_per_second));
  }
};

/// Asks as much as the window lets it for `length`; the bytes that came in the second half of that time.
double fetch(RequestWindow& window, const Line& line, Duration length, Instant& now) {
  std::deque<Line::Answer> answers;
  const Instant end = now + length;
  const Instant half = now + length / 2;
  Instant line_free = now;
  double came = 0;
  int sent = 0;
  while (now < end) {
    while (window.may_ask(block_size)) {
      window.asked(block_size, now);
      line_free = std::max(line_free, now + line.round_trip) + line.block_time();
      const Instant comes =
          line_free + (line.loses_packets && ++sent % 8 != 0 ? 2 * line.round_trip : Duration{});
      answers.push_back({now, answers.empty() ? comes : std::max(comes, answers.back().comes_at)});
    }
    now = answers.front().comes_at;
    window.arrived(block_size, answers.front().asked_at, now);
    answers.pop_front();
    if (now > half && now < end) came += static_cast<double>(block_size.value);
  }
  for (; !answers.empty(); answers.pop_front()) window.dropped(block_size, now);
  return came / std::chrono::duration<double>(end - half).count();
}

constexpr ByteCount plenty = 64_MiB;

BOOST_AUTO_TEST_SUITE(request_window)

BOOST_AUTO_TEST_CASE(starts_with_four_mebibytes_and_respects_its_cap) {
  BOOST_TEST(RequestWindow(plenty).size().value == (4_MiB).value);
  RequestWindow window(1_MiB);
  BOOST_TEST(window.size().value == (1_MiB).value);
  window.asked(block_size, Instant{} + seconds(1));
  BOOST_TEST(window.may_ask(block_size));
  window.asked(block_size, Instant{} + seconds(1));
  BOOST_TEST(!window.may_ask(1_bytes));
}

BOOST_AUTO_TEST_CASE(one_request_fits_whatever_the_cap) {
  RequestWindow window(1_bytes);
  BOOST_TEST(window.may_ask(block_size));
}

BOOST_AUTO_TEST_CASE(fills_a_long_fat_line) {
  // 1 Gbit/s, 50 ms: 6.25 MB are on their way.
  const Line line{125e6, milliseconds(50)};
  RequestWindow window(plenty);
  Instant now = Instant{} + seconds(1);
  BOOST_TEST(fetch(window, line, seconds(4), now) > 0.95 * line.bytes_per_second);
  BOOST_TEST(window.size().value >= 6'250'000U);
}

BOOST_AUTO_TEST_CASE(fills_a_long_way_that_loses_packets) {
  const Line line{60e6, milliseconds(50), true};
  RequestWindow window(plenty);
  window.greeted(milliseconds(50));
  Instant now = Instant{} + seconds(1);
  BOOST_TEST(fetch(window, line, seconds(30), now) > 0.9 * line.bytes_per_second);
}

BOOST_AUTO_TEST_CASE(stays_full_over_many_probes) {
  const Line line{125e6, milliseconds(50)};
  RequestWindow window(plenty);
  Instant now = Instant{} + seconds(1);
  BOOST_TEST(fetch(window, line, seconds(120), now) > 0.95 * line.bytes_per_second);
  BOOST_TEST(window.size().value < 3U * 6'250'000U);
}

BOOST_AUTO_TEST_CASE(keeps_a_fast_peer_near_by_busy_though_it_wakes_late) {
  RequestWindow window(plenty);
  Instant now = Instant{} + seconds(1);
  fetch(window, {400e6, std::chrono::microseconds(200)}, seconds(2), now);
  BOOST_TEST(window.size().value >= RequestWindow::start.value);
  BOOST_TEST(window.size().value <= 2 * RequestWindow::start.value);
}

BOOST_AUTO_TEST_CASE(leaves_little_with_a_slow_peer) {
  const Line line{100e3, milliseconds(20)};
  RequestWindow window(plenty);
  Instant now = Instant{} + seconds(1);
  BOOST_TEST(fetch(window, line, seconds(120), now) > 0.9 * line.bytes_per_second);
  BOOST_TEST(window.size().value < 5 * block_size.value);
}

BOOST_AUTO_TEST_CASE(a_long_way_is_kept_full_while_its_connections_speed_up) {
  const Line slow_yet{5e6, milliseconds(50)};
  for (const bool far : {true, false}) {
    RequestWindow window(plenty);
    window.greeted(far ? milliseconds(50) : milliseconds(1));
    Instant now = Instant{} + seconds(1);
    fetch(window, slow_yet, milliseconds(900), now);
    BOOST_TEST((window.size() >= ByteCount{2 * RequestWindow::ramp_holds.value}) == far);
    // It was not speeding up.
    fetch(window, slow_yet, seconds(3), now);
    BOOST_TEST(window.size().value < (4_MiB).value);
  }
}

BOOST_AUTO_TEST_CASE(further_connections_are_for_a_long_way_that_one_does_not_fill) {
  const auto links = [](double bytes_per_second, Duration way, Duration greeting) {
    RequestWindow window(plenty);
    window.greeted(greeting);
    Instant now = Instant{} + seconds(1);
    fetch(window, {bytes_per_second, way}, milliseconds(900), now);
    BOOST_TEST(window.links(now) == 1U);  // it may become faster yet
    fetch(window, {bytes_per_second, way}, seconds(1), now);
    return window.links(now);
  };
  const Duration way = milliseconds(50);
  BOOST_TEST(links(52e6, way, way) == RequestWindow::links_max);  // 2.6 MB: what Linux buffers
  BOOST_TEST(links(125e6, way, way) == 1U);                       // this system buffers more
  BOOST_TEST(links(10e6, way, way) == 1U);
  BOOST_TEST(links(52e6, way, milliseconds(1)) == 1U);
  BOOST_TEST(links(52e6, milliseconds(5), milliseconds(5)) == 1U);
}

BOOST_AUTO_TEST_CASE(follows_a_line_that_changes) {
  RequestWindow window(plenty);
  Instant now = Instant{} + seconds(1);
  fetch(window, {10e6, milliseconds(5)}, seconds(15), now);
  const Line longer{125e6, milliseconds(100)};
  BOOST_TEST(fetch(window, longer, seconds(60), now) > 0.9 * longer.bytes_per_second);
}

BOOST_AUTO_TEST_CASE(shares_of_the_budget_never_exceed_it) {
  const RequestBudget budget(24_MiB);
  BOOST_TEST(budget.peers_max() == 48U);
  for (std::size_t peers = 1; peers <= budget.peers_max(); ++peers) {
    BOOST_TEST(peers * budget.share(peers).value <= (24_MiB).value);
    BOOST_TEST(budget.share(peers).value >= block_size.value);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
