#include "peer/link_watch.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>

#include "actors/random.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

/// Probes, and hears the answer after `time`.
Instant answer_after(LinkWatch& watch, Instant now, Duration time) {
  watch.probed(now);
  watch.echoed(now + time);
  return now + time;
}

BOOST_AUTO_TEST_SUITE(link_watch)

BOOST_AUTO_TEST_CASE(who_was_heard_just_now_is_not_probed_and_nobody_twice_at_a_time) {
  LinkWatch watch;
  watch.heard(start);
  BOOST_TEST(!watch.to_be_probed(start + 49ms));
  BOOST_TEST(watch.to_be_probed(start + 50ms));
  BOOST_TEST((watch.look_at(start) == start + 50ms));
  watch.probed(start + 50ms);
  BOOST_TEST(!watch.to_be_probed(start + 1h));
  BOOST_TEST((watch.look_at(start + 50ms) == start + 150ms));
}

BOOST_AUTO_TEST_CASE(mute_is_who_leaves_a_probe_without_any_word) {
  LinkWatch watch;
  watch.heard(start);
  BOOST_TEST(!watch.is_mute(start + 1h));  // nobody has asked anything
  watch.probed(start + 1h);
  BOOST_TEST(!watch.is_mute(start + 1h + 99ms));
  BOOST_TEST(watch.is_mute(start + 1h + 100ms));
  watch.heard(start + 1h + 80ms);  // an answer to something else
  BOOST_TEST(!watch.is_mute(start + 1h + 179ms));
  BOOST_TEST(watch.is_mute(start + 1h + 180ms));
  watch.echoed(start + 1h + 200ms);
  BOOST_TEST(!watch.is_mute(start + 2h));
}

BOOST_AUTO_TEST_CASE(the_slowest_answer_of_late_and_half_of_it_is_waited_for) {
  LinkWatch watch;
  BOOST_TEST((watch.patience(start) == 100ms));
  answer_after(watch, start, 50ms);
  BOOST_TEST((watch.patience(start) == 150ms));
  answer_after(watch, start + 1s, 400ms);
  answer_after(watch, start + 2s, 1ms);
  BOOST_TEST((watch.patience(start + 3s) == 600ms));
  answer_after(watch, start + 4s, 1400ms);
  BOOST_TEST((watch.patience(start + 6s) == 1500ms));
}

BOOST_AUTO_TEST_CASE(a_stop_of_the_other_side_is_no_slow_line) {
  LinkWatch watch;
  answer_after(watch, start, 5s);
  BOOST_TEST((watch.patience(start + 5s) == 100ms));
}

BOOST_AUTO_TEST_CASE(the_slowest_answer_counts_for_half_a_minute_to_a_minute) {
  for (const Duration quiet : {Duration(1s), Duration(70s)}) {
    LinkWatch watch;
    answer_after(watch, start, 300ms);
    Instant now = start + 1s;
    for (; now < start + 29s; now += quiet) answer_after(watch, now, 1ms);
    BOOST_TEST((watch.patience(start + 29s) == 450ms));
    for (; now < start + 62s; now += quiet) answer_after(watch, now, 1ms);
    BOOST_TEST((watch.patience(std::max(now, start + 62s)) <= 101ms));
  }
}

BOOST_AUTO_TEST_CASE(bulk_before_a_probe_has_time_to_pass_and_is_not_taken_for_distance) {
  LinkWatch watch;
  watch.heard(start);
  watch.probed(start);
  watch.sent(ByteCount{500'000});  // behind that probe
  BOOST_TEST(watch.is_mute(start + 100ms));
  watch.echoed(start + 10ms);
  watch.probed(start + 60ms);
  BOOST_TEST(!watch.is_mute(start + 669ms));
  BOOST_TEST(watch.is_mute(start + 670ms));
  watch.echoed(start + 760ms);
  BOOST_TEST((watch.patience(start + 760ms) == 300ms));
  watch.probed(start + 1s);  // no bulk before this one
  BOOST_TEST(watch.is_mute(start + 1s + 300ms));
}

BOOST_AUTO_TEST_CASE(a_pause_of_the_own_process_is_forgiven) {
  LinkWatch watch;
  watch.probed(start);
  watch.forgive(start + 3s);
  BOOST_TEST(!watch.is_mute(start + 3s + 99ms));
  BOOST_TEST(watch.is_mute(start + 3s + 100ms));
}

BOOST_AUTO_TEST_CASE(only_who_was_heard_after_the_others_probe_outlives_it) {
  LinkWatch mute;
  LinkWatch other;
  other.heard(start);
  mute.probed(start + 1ms);
  BOOST_TEST(!other.outlives(mute));
  other.heard(start + 2ms);
  BOOST_TEST(other.outlives(mute));
  mute.echoed(start + 3ms);
  BOOST_TEST(!other.outlives(mute));
}

// Whatever the answers take: one that takes no longer than the slowest of the half minute before is never too late.
BOOST_AUTO_TEST_CASE(what_was_too_late_once_is_in_time_from_then_on) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    LinkWatch watch;
    std::deque<std::pair<Instant, Duration>> seen;
    Instant now = start;
    const std::uint64_t worst = 1 + random.below(1400);
    for (int i = 0; i < 300; ++i) {
      const Duration takes = std::chrono::milliseconds(random.below(worst + 1));
      while (!seen.empty() && now - seen.front().first >= LinkWatch::remembered) seen.pop_front();
      Duration slowest{};
      for (const auto& [at, time] : seen) slowest = std::max(slowest, time);
      watch.probed(now);
      if (takes < std::max<Duration>(slowest, 100ms))
        BOOST_TEST(!watch.is_mute(now + takes), "seed " << seed << ", answer " << i);
      now += takes;
      watch.echoed(now);
      seen.emplace_back(now, takes);
      now += std::chrono::milliseconds(random.below(500));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
