// How quickly a client, and an address, may ask.

#include <boost/test/unit_test.hpp>

#include "tests/unit/tracker/state_support.hpp"
#include "tracker/config.hpp"
#include "tracker/request_limits.hpp"

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

namespace {

const std::string here = "10.0.0.9";

struct Desk {
  RequestLimits limits{100, 1000, {}};
  Instant now{1000s};

  RequestLimits::Turn take(std::uint8_t client, const std::string& host = here, std::uint32_t cost = 1) {
    return limits.take(id_of<ClientKey>(client), host, cost, now);
  }
  /// How many go at once, of so many that one client says.
  int at_once(std::uint8_t client, int count, const std::string& host = here) {
    int gone = 0;
    for (int i = 0; i < count; ++i) gone += take(client, host).wait == Duration::zero() ? 1 : 0;
    return gone;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(request_limits)

BOOST_FIXTURE_TEST_CASE(what_has_gathered_goes_at_once_and_the_rest_waits_for_its_turn, Desk) {
  BOOST_TEST(at_once(1, 1050) == 1000);
  BOOST_TEST((take(1).wait == 510ms));
  // Others are not concerned.
  BOOST_TEST((take(2).wait == 0s));
  now += 2s;
  BOOST_TEST(at_once(1, 1000) == 149);  // two seconds' worth without what was lent
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_each_answer_is_slowed_and_never_refused, Desk) {
  Duration waited{};
  for (int i = 0; i < 10'000; ++i) {
    const RequestLimits::Turn turn = take(1);
    BOOST_REQUIRE(!turn.refused);
    now += turn.wait;
    waited += turn.wait;
  }
  BOOST_TEST((waited == 90s));  // 10,000 at 100 a second, of which 1,000 had gathered
}

BOOST_FIXTURE_TEST_CASE(what_would_wait_too_long_is_refused_and_costs_nothing, Desk) {
  at_once(1, 1100);
  const RequestLimits::Turn turn = take(1);
  BOOST_TEST(turn.refused);
  BOOST_TEST((turn.wait == 1010ms));
  for (int i = 0; i < 100; ++i) take(1);
  now += turn.wait;
  BOOST_TEST(!take(1).refused);
}

BOOST_FIXTURE_TEST_CASE(keys_without_number_have_one_address, Desk) {
  int gone = 0;
  for (int i = 0; i < 20'000; ++i)
    gone += take(static_cast<std::uint8_t>(i % 250), here).wait == Duration::zero() ? 1 : 0;
  BOOST_TEST(gone == 10'000);
  BOOST_TEST((take(251, "10.0.0.8").wait == 0s));
  // Of IPv6 the /64 is one.
  gone = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string host = "fd00::" + std::to_string(i % 9000);
    gone += take(static_cast<std::uint8_t>(i % 250), host).wait == Duration::zero() ? 1 : 0;
  }
  BOOST_TEST(gone <= 10'000);
}

BOOST_FIXTURE_TEST_CASE(a_change_costs_more_than_a_look_and_large_files_more_than_that, Desk) {
  BOOST_TEST(cost_of({ListGroups{}}) == 1U);
  BOOST_TEST(cost_of({FindSharers{}}) == 1U);
  BOOST_TEST(cost_of({AskTicket{}}) == 1U);
  BOOST_TEST(cost_of({StopShare{}}) == 5U);
  AddFile add{{"lab"}, metainfo_of("scan", 1)};
  BOOST_TEST(cost_of({add}) == 5U);
  add.metainfo.piece_sha1.run.resize(20 * 2000);
  add.metainfo.piece_sha256.run.resize(32 * 2000);
  BOOST_TEST(cost_of({add}) == 30U);
  // What costs more than there ever is goes alone, when all is there.
  BOOST_TEST((take(1, here, 100'000).wait == 0s));
  BOOST_TEST(take(1).refused);
}

BOOST_AUTO_TEST_CASE(ten_thousand_files_are_uploaded_without_a_pause) {
  const LimitConfig usual;
  RequestLimits limits(usual.requests_per_second_per_client, usual.requests_per_second_per_address, {});
  const Instant now{1000s};
  for (int i = 0; i < 10'000; ++i) BOOST_REQUIRE((limits.take(id_of<ClientKey>(1), here, 5, now).wait == 0s));
}

BOOST_FIXTURE_TEST_CASE(a_clients_requests_keep_their_order, Desk) {
  at_once(1, 1000);
  Instant before{};
  for (int i = 0; i < 50; ++i, now += 1ms) {
    const Instant turn = now + take(1, i % 2 == 0 ? here : "10.0.0.8").wait;
    BOOST_TEST((turn > before));
    before = turn;
  }
}

BOOST_FIXTURE_TEST_CASE(presence_is_heard_a_few_times_a_second, Desk) {
  int heard = 0;
  for (int i = 0; i < 1000; ++i) heard += limits.hears_presence(id_of<ClientKey>(1), now) ? 1 : 0;
  BOOST_TEST(heard == 50);
  BOOST_TEST(limits.hears_presence(id_of<ClientKey>(2), now));
  now += 1s;
  BOOST_TEST(limits.hears_presence(id_of<ClientKey>(1), now));
}

BOOST_AUTO_TEST_CASE(memory_goes_with_how_many_ask_and_has_an_end) {
  RateBuckets buckets(1000, 10, {});
  Instant now{1000s};
  for (int i = 0; i < 300'000; ++i) {
    buckets.take("someone " + std::to_string(i), 1, now);
    if (i % 100 == 0) now += 1ms;
  }
  BOOST_TEST(buckets.size() <= RateBuckets::entries_max);
  // All in one moment: whoever comes last shares what is left for the crowd, and nobody who was there before does.
  RateBuckets full(1000, 10, {});
  for (int i = 0; i < 100'000; ++i) full.take("someone " + std::to_string(i), 1, now);
  BOOST_TEST(full.size() == RateBuckets::entries_max);
  BOOST_TEST((full.wait_for("someone 5", 1, now) == 0s));
  BOOST_TEST((full.wait_for("newcomer", 1, now) > 0s));
  now += 1s;
  full.take("one who comes later", 1, now);
  BOOST_TEST(full.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
