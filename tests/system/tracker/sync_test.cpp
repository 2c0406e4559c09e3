// Real trackers, killed, stopped, started late and again: what was answered stays true.

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/system/tracker/faults.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(trackers_in_sync)

BOOST_AUTO_TEST_CASE(a_tracker_started_late_has_everything_before_its_first_answer) {
  Network net(2);
  net.start(1);
  TestClient client(1);
  const auto made = client.ask(net.endpoint(1), user("anna"));
  BOOST_REQUIRE(is<Done>(made));
  BOOST_TEST(made->provisional);
  BOOST_TEST(made->sentence == "tracker 2 unreachable");
  for (int n = 0; n < 20; ++n)
    BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), user("u" + std::to_string(n)))));
  net.start(2);
  TestClient other(2);  // has seen nothing, so it brings no floor
  BOOST_REQUIRE(is<LoggedIn>(other.ask(net.endpoint(2), login("anna"))));
  BOOST_TEST(net.become_equal({1, 2}));
}

BOOST_AUTO_TEST_CASE(a_session_goes_on_at_the_other_tracker) {
  TwoTrackers net;
  TestClient client(1);
  BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), user("anna"))));
  BOOST_REQUIRE(is<LoggedIn>(client.ask(net.endpoint(1), login("anna"))));
  BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), CreateGroup{{"lab"}})));
  net[1].kill_now();
  const auto groups = client.ask(net.endpoint(2), ListGroups{});
  BOOST_REQUIRE(is<Groups>(groups));
  BOOST_REQUIRE(groups->what.get<Groups>()->groups.size() == 1);
  BOOST_TEST((groups->what.get<Groups>()->groups[0].standing == Standing::owner));
}

BOOST_AUTO_TEST_CASE(a_stopped_tracker_delays_no_answer_for_long_and_catches_up) {
  TwoTrackers net;
  net[2].send_signal(SIGSTOP);
  TestClient client(1);
  for (int n = 0; n < 5; ++n) {
    const auto made = client.ask(net.endpoint(1), user("while" + std::to_string(n)));
    BOOST_REQUIRE(is<Done>(made));
    BOOST_TEST(made->provisional);
    BOOST_TEST(client.last_took().count() < 1500);
  }
  net[2].send_signal(SIGCONT);
  BOOST_TEST(net.become_equal({1, 2}));
  BOOST_TEST(is<LoggedIn>(client.ask(net.endpoint(2), login("while4"))));
}

BOOST_AUTO_TEST_CASE(a_tracker_that_was_stopped_gives_no_old_answer) {
  TwoTrackers net;
  for (int round = 0; round < 3; ++round) {
    const std::string name = "round" + std::to_string(round);
    net[2].send_signal(SIGSTOP);
    // Writes without a pause, until it has been away for so long that it must know.
    const auto until = std::chrono::steady_clock::now() + 1500ms;
    TestClient client(static_cast<std::uint8_t>(round + 1));
    for (int n = 0; std::chrono::steady_clock::now() < until; ++n)
      BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), user(name + "-" + std::to_string(n)))));
    BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), user(name))));
    net[2].send_signal(SIGCONT);
    TestClient stranger(static_cast<std::uint8_t>(round + 201));  // has seen nothing, so it brings no floor
    BOOST_TEST(is<LoggedIn>(stranger.ask(net.endpoint(2), login(name))));
    BOOST_REQUIRE(net.become_equal({1, 2}));
  }
}

// Tracker 2 loses `lost` changes that tracker 1 has, and makes `made` others under the same numbers meanwhile.
void use_numbers_twice(int lost, int made) {
  TwoTrackers net;
  TestClient client(1);
  net[2].kill_now();
  const std::string old = net.data(2) + ".old";
  std::filesystem::copy(net.data(2), old);
  net.start(2);
  BOOST_REQUIRE(net.become_equal({1, 2}));
  for (int n = 0; n < lost; ++n)
    BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(2), user("lost" + std::to_string(n)))));
  BOOST_REQUIRE(net.become_equal({1, 2}));
  net[2].kill_now();
  net[1].kill_now();
  std::filesystem::remove_all(net.data(2));
  std::filesystem::rename(old, net.data(2));
  net.start(2);
  TestClient other(2);
  for (int n = 0; n < made; ++n)
    BOOST_REQUIRE(is<Done>(other.ask(net.endpoint(2), user("made" + std::to_string(n)))));
  net.start(1);
  BOOST_TEST(net.become_equal({1, 2}, 10s));
  TestClient third(3);
  for (const std::uint32_t tracker : {1U, 2U}) {
    for (int n = 0; n < lost; ++n) {
      BOOST_TEST(is<LoggedIn>(third.ask(net.endpoint(tracker), login("lost" + std::to_string(n)))));
      BOOST_TEST(is<Done>(third.ask(net.endpoint(tracker), Logout{})));
    }
    for (int n = 0; n < made; ++n) {
      BOOST_TEST(is<LoggedIn>(third.ask(net.endpoint(tracker), login("made" + std::to_string(n)))));
      BOOST_TEST(is<Done>(third.ask(net.endpoint(tracker), Logout{})));
    }
  }
  const auto after = other.ask(net.endpoint(2), user("after"));
  BOOST_REQUIRE(is<Done>(after));
  BOOST_TEST(!after->provisional);
}

BOOST_AUTO_TEST_CASE(numbers_used_twice_lose_nothing_of_either) { use_numbers_twice(4, 2); }
BOOST_AUTO_TEST_CASE(numbers_used_twice_lose_nothing_when_the_second_story_is_longer) {
  use_numbers_twice(2, 6);
}

BOOST_AUTO_TEST_CASE(numbers_used_twice_lose_nothing_when_both_stories_are_equally_long) {
  use_numbers_twice(3, 3);
}

BOOST_AUTO_TEST_CASE(three_trackers_agree_whichever_takes_the_writes) {
  Network net(3);
  for (const std::uint32_t number : {1U, 2U, 3U}) net.start(number);
  TestClient client(1);
  for (std::uint32_t n = 0; n < 12; ++n)
    BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(n % 3 + 1), user("u" + std::to_string(n)))));
  BOOST_TEST(net.become_equal({1, 2, 3}));
  net[1].kill_now();
  const auto made = client.ask(net.endpoint(2), user("without1"));
  BOOST_REQUIRE(is<Done>(made));
  BOOST_TEST(made->sentence == "tracker 1 unreachable");
  net[2].kill_now();
  BOOST_REQUIRE(is<LoggedIn>(client.ask(net.endpoint(3), login("without1"))));
  net.start(1);
  net.start(2);
  BOOST_TEST(net.become_equal({1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(quit_and_signals_end_it_cleanly_and_the_end_of_input_does_not) {
  Network net(2);
  net.start(1);
  net[1].type("quit");
  BOOST_TEST(net[1].wait() == 0);
  net.start(1);
  net[1].send_signal(SIGTERM);
  BOOST_TEST(net[1].wait() == 0);
  net.start(1);
  net[1].close_input();
  TestClient client(1);
  BOOST_TEST(is<Done>(client.ask(net.endpoint(1), user("anna"))));
  net[1].send_signal(SIGINT);
  BOOST_TEST(net[1].wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
