#include "peer/rate_limiter.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/random.hpp"
#include "peer/request_gate.hpp"

namespace tutti {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t block = 512U << 10U;
const GroupName lab{"lab"};
const GroupName band{"band"};

RateLimit up(std::uint64_t rate, const std::string& group = "", std::uint32_t from = 0,
             std::uint32_t until = 0) {
  return {LimitDirection::up, group, from, until, rate};
}

/// Sends as much as it may of portions of one size, and hears when to look again.
struct Sender {
  RateLimiter limiter{LimitDirection::up};
  Instant now{1h};
  DayTime day = 12h;
  std::uint64_t sent = 0;

  /// Sends until `end` at most `most` bytes; the time when the last of it went out.
  Instant run_until(Instant end, std::uint64_t portion, std::uint64_t most = UINT64_MAX) {
    Instant last = now;
    while (sent < most) {
      auto round = limiter.look(now, day);
      while (sent < most && round.pass(lab, {portion})) {
        sent += portion;
        last = now;
      }
      if (!round.again_after()) {
        if (sent >= most) break;
        continue;
      }
      BOOST_REQUIRE(round.again_after()->count() > 0);
      const Instant next = now + *round.again_after();
      if (next > end) break;
      now = next;
    }
    return last;
  }
};

BOOST_AUTO_TEST_SUITE(rate_limiter)

BOOST_AUTO_TEST_CASE(a_limit_holds_over_two_seconds) {
  for (const std::uint64_t rate :
       {std::uint64_t{5} << 20U, std::uint64_t{20} << 20U, std::uint64_t{300} << 20U})
    for (const std::uint64_t portion : {block, block / 8, std::uint64_t{1000}}) {
      Sender sender;
      sender.limiter.set({up(rate)});
      sender.run_until(sender.now + 2s, portion);
      BOOST_TEST(static_cast<double>(sender.sent) <= 2.0 * static_cast<double>(rate) * 1.05);
      BOOST_TEST(static_cast<double>(sender.sent) >= 2.0 * static_cast<double>(rate) * 0.95);
    }
}

BOOST_AUTO_TEST_CASE(a_slow_limit_is_never_more_than_half_a_portion_off) {
  for (const std::uint64_t rate :
       {std::uint64_t{10} << 10U, std::uint64_t{500} << 10U, std::uint64_t{2} << 20U})
    for (const int seconds : {1, 10, 100}) {
      Sender sender;
      sender.limiter.set({up(rate)});
      sender.run_until(sender.now + std::chrono::seconds(seconds), block);
      const double due = static_cast<double>(rate) * seconds;
      const double burst = static_cast<double>(rate) / 20;
      BOOST_TEST(std::abs(static_cast<double>(sender.sent) - due) <= block / 2.0 + burst + 1);
    }
}

BOOST_AUTO_TEST_CASE(portions_fit_the_rate_so_that_slow_limits_hold_as_well) {
  BOOST_TEST(RateLimiter::portion_at(std::nullopt).value == block_size_max.value);
  BOOST_TEST(RateLimiter::portion_at(5U << 20U).value == block_size_max.value);
  BOOST_TEST(RateLimiter::portion_at(1U << 20U).value == 128U << 10U);
  BOOST_TEST(RateLimiter::portion_at(100U << 10U).value == 8U << 10U);
  BOOST_TEST(RateLimiter::portion_at(1).value == request_length_min.value);
  for (const std::uint64_t rate :
       {std::uint64_t{25} << 10U, std::uint64_t{100} << 10U, std::uint64_t{2} << 20U}) {
    Sender sender;
    sender.limiter.set({up(rate)});
    sender.run_until(sender.now + 10s, RateLimiter::portion_at(rate).value);
    BOOST_TEST(static_cast<double>(sender.sent) <= 10.0 * static_cast<double>(rate) * 1.05);
    BOOST_TEST(static_cast<double>(sender.sent) >= 10.0 * static_cast<double>(rate) * 0.95);
  }
}

BOOST_AUTO_TEST_CASE(a_small_file_after_a_pause_does_not_wait) {
  Sender sender;
  sender.limiter.set({up(1U << 20U)});
  sender.limiter.look(sender.now, sender.day);
  sender.now += 10s;
  BOOST_TEST(sender.limiter.look(sender.now, sender.day).pass(lab, {50'000}));
  // And a pause is not saved up for a flood.
  sender.now += 1h;
  sender.run_until(sender.now, 10'000);
  BOOST_TEST(sender.sent <= (1U << 20U) / 20 + 10'000);
}

BOOST_AUTO_TEST_CASE(a_large_portion_is_not_overtaken_by_small_ones) {
  Sender sender;
  sender.limiter.set({up(100'000)});
  Instant now = sender.now;
  bool large_passed = false;
  std::uint64_t small = 0;
  for (int i = 0; i < 1000 && !large_passed; ++i, now += 10ms) {
    auto round = sender.limiter.look(now, sender.day);
    large_passed = round.pass(lab, {block});
    if (!large_passed && round.pass(lab, {1000})) ++small;
  }
  BOOST_TEST(large_passed);
  BOOST_TEST(small == 0U);
}

BOOST_AUTO_TEST_CASE(a_group_has_its_own_and_the_common_limit) {
  RateLimiter limiter(LimitDirection::up);
  limiter.set({up(1'000'000), up(1'000, "lab"), {LimitDirection::down, "", 0, 0, 1}});
  BOOST_TEST(*limiter.rate(lab, 1h) == 1'000U);
  BOOST_TEST(*limiter.rate(band, 1h) == 1'000'000U);
  Instant now{1h};
  std::uint64_t of_lab = 0;
  std::uint64_t of_band = 0;
  limiter.look(now, 1h);
  for (int i = 0; i < 1000; ++i, now += 10ms) {
    auto round = limiter.look(now, 1h);
    if (round.pass(lab, {500})) of_lab += 500;
    while (round.pass(band, {10'000})) of_band += 10'000;
  }
  BOOST_TEST(of_lab <= 10'600U);
  BOOST_TEST(of_lab >= 9'400U);
  BOOST_TEST(of_lab + of_band >= 9'800'000U);
  BOOST_TEST(of_lab + of_band <= 10'200'000U);
  limiter.set({});
  BOOST_TEST(!limiter.rate(lab, 1h).has_value());
  BOOST_TEST(!limiter.concerns(lab));
}

BOOST_AUTO_TEST_CASE(a_limit_holds_at_its_time_of_day) {
  const RateLimit day = up(1, "", 8 * 60, 18 * 60);
  BOOST_TEST(!holds_at(day, 7h + 59min + 59s));
  BOOST_TEST(holds_at(day, 8h));
  BOOST_TEST(!holds_at(day, 18h));
  const RateLimit night = up(1, "", 22 * 60, 6 * 60);
  BOOST_TEST(holds_at(night, 23h));
  BOOST_TEST(holds_at(night, 5h));
  BOOST_TEST(!holds_at(night, 6h));

  // Who waits when it ends does not wait until the bucket would have been full.
  RateLimiter limiter(LimitDirection::up);
  limiter.set({day});
  limiter.look(Instant{1h}, 17h + 59min);
  auto round = limiter.look(Instant{1h}, 17h + 59min);
  BOOST_TEST(!round.pass(lab, {block}));
  BOOST_TEST((*round.again_after() == Duration(1min)));
  BOOST_TEST(limiter.look(Instant{1h} + 1min, 18h).pass(lab, {block}));
}

BOOST_AUTO_TEST_CASE(a_limit_takes_the_place_of_its_like) {
  std::vector<RateLimit> limits;
  set_limit(limits, up(5));
  set_limit(limits, up(6, "lab"));
  set_limit(limits, up(7, "", 60, 120));
  set_limit(limits, up(8));
  BOOST_TEST(limits.size() == 3U);
  BOOST_TEST(limits.front().bytes_per_second == 8U);
  set_limit(limits, up(0));
  set_limit(limits, up(0, "nobody"));
  BOOST_TEST(limits.size() == 2U);
}

/// What passes under one limit, reckoned without buckets: the times are kept.
BOOST_AUTO_TEST_CASE(it_does_what_a_naive_model_does) {
  Random random(11);
  for (int story = 0; story < 50; ++story) {
    const std::uint64_t rate = 1000 + random.below(10'000'000);
    RateLimiter limiter(LimitDirection::up);
    limiter.set({up(rate)});
    Instant now{1h};
    limiter.look(now, 1h);
    struct Passed {
      Instant at;
      std::uint64_t bytes;
    };
    std::vector<Passed> passed;
    std::uint64_t largest = 0;
    for (int i = 0; i < 300; ++i) {
      if (random.below(4) == 0) now += std::chrono::milliseconds(random.below(500));
      const std::uint64_t bytes = 1 + random.below(block);
      largest = std::max(largest, bytes);
      for (;;) {
        auto round = limiter.look(now, 1h);
        if (round.pass(lab, {bytes})) break;
        now += *round.again_after();
      }
      passed.push_back({now, bytes});
    }
    // No stretch of time, however long, has more than its due, a burst and half a portion at each end.
    for (std::size_t i = 0; i < passed.size(); i += 7) {
      std::uint64_t sum = 0;
      for (std::size_t j = i; j < passed.size(); ++j) {
        sum += passed[j].bytes;
        const double seconds = std::chrono::duration<double>(passed[j].at - passed[i].at).count();
        const double most = static_cast<double>(rate) * (seconds + 0.05) + static_cast<double>(largest) + 1;
        BOOST_REQUIRE(static_cast<double>(sum) <= most + 1);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(weighted_turns)

BOOST_AUTO_TEST_CASE(turns_go_by_weight_and_nobody_starves) {
  WeightedTurns<int> turns;
  std::map<int, int> served;
  for (int i = 0; i < 1300; ++i) {
    const int next = turns.order({1, 2, 3}).front();
    ++served[next];
    turns.served(next, 100, next == 1 ? 1 : next == 2 ? 3 : 9);
  }
  BOOST_TEST(std::abs(served[1] - 100) <= 2);
  BOOST_TEST(std::abs(served[2] - 300) <= 2);
  BOOST_TEST(std::abs(served[3] - 900) <= 2);
}

BOOST_AUTO_TEST_CASE(nobody_saves_up) {
  WeightedTurns<int> turns;
  for (int i = 0; i < 1000; ++i) turns.served(1, 100, 1);
  int in_a_row = 0;  // of one that comes late
  while (turns.order({1, 2}).front() == 2) {
    turns.served(2, 100, 1);
    ++in_a_row;
  }
  BOOST_TEST(in_a_row <= 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(request_gate)

RequestGate::Wanted wanted(std::uint64_t fetcher, std::uint64_t download, DownloadPriority priority,
                           const GroupName& group = lab) {
  return {{fetcher}, {download}, group, priority, {block}};
}

BOOST_AUTO_TEST_CASE(without_a_limit_everything_passes) {
  RequestGate gate;
  gate.want(wanted(1, 1, DownloadPriority::low));
  gate.want(wanted(2, 1, DownloadPriority::low));
  const auto opened = gate.open(Instant{1h}, 1h);
  BOOST_TEST(opened.allowed.size() == 2U);
  BOOST_TEST(!opened.again_after.has_value());
  BOOST_TEST(!gate.holds({1}));
}

BOOST_AUTO_TEST_CASE(downloads_share_a_limit_by_priority_and_fetchers_in_turn) {
  RequestGate gate;
  gate.set({{LimitDirection::down, "", 0, 0, 10 * block}});
  Instant now{1h};
  std::map<std::uint64_t, int> of_download;
  std::map<std::uint64_t, int> of_fetcher;
  const auto want = [&](std::uint64_t fetcher) {
    gate.want(
        wanted(fetcher, fetcher <= 2 ? 1 : 2, fetcher <= 2 ? DownloadPriority::high : DownloadPriority::low));
  };
  for (std::uint64_t fetcher = 1; fetcher <= 3; ++fetcher) want(fetcher);
  while (now < Instant{1h} + 100s) {
    const auto opened = gate.open(now, 1h);
    for (const auto& each : opened.allowed) {
      ++of_download[each.download.value];
      ++of_fetcher[each.fetcher.value];
      want(each.fetcher.value);
    }
    now += opened.again_after.value_or(1ms);
  }
  BOOST_TEST(std::abs(of_download[1] - 900) < 20);
  BOOST_TEST(std::abs(of_download[2] - 100) < 5);
  BOOST_TEST(std::abs(of_fetcher[1] - of_fetcher[2]) <= 1);
}

BOOST_AUTO_TEST_CASE(who_wants_much_is_allowed_a_portion_at_a_time) {
  RequestGate gate;
  gate.set({{LimitDirection::down, "lab", 0, 0, 100U << 10U}});
  RequestGate::Wanted much = wanted(1, 1, DownloadPriority::normal);
  much.bytes = block_size_max;
  Instant now{1h};
  std::uint64_t allowed = 0;
  while (now < Instant{1h} + 10s) {
    gate.want(much);
    const auto opened = gate.open(now, 1h);
    for (const auto& each : opened.allowed) {
      BOOST_TEST(each.bytes.value == 8U << 10U);
      allowed += each.bytes.value;
    }
    now += opened.again_after.value_or(1ms);
  }
  BOOST_TEST(std::abs(static_cast<double>(allowed) - 10.0 * (100U << 10U)) < 0.05 * 10.0 * (100U << 10U));
}

BOOST_AUTO_TEST_CASE(another_group_does_not_wait_for_a_limit_of_one) {
  RequestGate gate;
  gate.set({{LimitDirection::down, "lab", 0, 0, 1}});
  gate.want(wanted(1, 1, DownloadPriority::normal));
  gate.want(wanted(2, 2, DownloadPriority::normal, band));
  const auto opened = gate.open(Instant{1h}, 1h);
  BOOST_TEST_REQUIRE(opened.allowed.size() == 1U);
  BOOST_TEST(opened.allowed.front().download.value == 2U);
  BOOST_TEST(gate.holds({1}));
  gate.forget({1});
  BOOST_TEST(!gate.holds({1}));
  BOOST_TEST(!gate.open(Instant{1h}, 1h).again_after.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
