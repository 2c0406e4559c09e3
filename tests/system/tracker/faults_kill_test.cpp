// Trackers that lose nothing: killed after their answer, before it, all at once, and under a crowd. Real processes;
// what was answered is looked at in the moment in which it is answered. TUTTI_ROUNDS sets how often each is done;
// scripts/soak does.

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <random>
#include <thread>

#include "tests/system/tracker/faults.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

void wait_until(Clock::time_point moment) {
  while (Clock::now() < moment) {
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

// Killed within a millisecond of its OK. Now and then the other tracker is killed with it and started again alone: what
// was acknowledged has to be on its disk, not only in its memory.
BOOST_AUTO_TEST_CASE(an_account_outlives_the_tracker_that_made_it) {
  constexpr std::uint32_t both_every = 10;
  TwoTrackers net;
  std::mt19937 random(1);
  const std::uint32_t count = rounds(50);
  const auto began = Clock::now();
  std::uint32_t killed = 0;
  std::uint32_t provisional = 0;
  std::uint32_t late = 0;
  Clock::duration latest{};
  while (killed < count) {
    const std::uint32_t round = killed + provisional + late;
    BOOST_REQUIRE_MESSAGE(provisional <= 5 + killed / 10 && late <= 50 + 2 * killed,
                          "after " << killed << " kills " << provisional << " answers were provisional, and "
                                   << late << " kills too late");
    const std::uint32_t victim = 1 + round % 2;
    const std::uint32_t other = 3 - victim;
    const bool both = round % both_every == 0;
    const std::string name = "round" + std::to_string(round);
    const std::chrono::microseconds pause(random() % 700);
    Clock::duration took{};
    const auto kill_them = [&] {
      const auto answered = Clock::now();
      wait_until(answered + pause);
      net[victim].send_signal(SIGKILL);
      if (both) net[other].send_signal(SIGKILL);
      took = Clock::now() - answered;
    };
    TestClient client;
    const auto made = client.ask(net.endpoint(victim), user(name), {.answered = kill_them});
    BOOST_REQUIRE(is<Done>(made));
    net[victim].wait();
    if (both) {
      net[other].wait();
      net.start(other);
    }
    if (made->provisional) {
      ++provisional;
    } else {
      TestClient stranger;  // brings no floor
      BOOST_REQUIRE_MESSAGE(is<LoggedIn>(stranger.ask(net.endpoint(other), login(name))),
                            name << " is lost: tracker " << victim << " said OK and was killed");
      ++(took <= 1ms ? killed : late);
      if (took <= 1ms) latest = std::max(latest, took);
    }
    net.start(victim);
    BOOST_REQUIRE(are_linked(net, other));  // the next victim
  }
  BOOST_TEST_MESSAGE(
      killed << " trackers killed at most " << milliseconds(latest) << " ms after their OK (every "
             << both_every << "th time both), every account found: "
             << milliseconds(Clock::now() - began) / 1000 << " s; besides " << provisional
             << " answers were provisional and " << late << " kills came later, with nothing lost");
}

namespace {

/// A client with something to ask that has an outcome of its own; what it has asked once must not be done twice.
struct Asker {
  TestClient client;
  std::string name;
  std::string group;

  /// In turn an account, a group, a file.
  ClientRequest wish(std::uint32_t round) const {
    if (round % 3 == 0) return {user(name + "-more")};
    if (round % 3 == 1) return {CreateGroup{{group + "-more"}}};
    return {file_of(group, "file", 1)};
  }
};

/// Done the first time: a repetition that was done again would say that the name is taken, or the file there.
bool is_first_outcome(const std::optional<Answer>& answer) {
  if (!is<FileAdded>(answer)) return is<Done>(answer);
  return !answer->what.get<FileAdded>()->existed;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_tracker_killed_between_request_and_answer_does_the_work_once) {
  TwoTrackers net;
  std::mt19937 random(1);
  const std::uint32_t count = rounds(12);
  std::uint32_t unanswered = 0;
  for (std::uint32_t round = 0; round < count; ++round) {
    Asker asker{{}, "asker" + std::to_string(round), "group" + std::to_string(round)};
    TestClient& client = asker.client;
    BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), user(asker.name))));
    BOOST_REQUIRE(is<LoggedIn>(client.ask(net.endpoint(1), login(asker.name))));
    BOOST_REQUIRE(is_everywhere(client.ask(net.endpoint(1), CreateGroup{{asker.group}})));
    const std::chrono::microseconds usual = client.last_took();
    BOOST_REQUIRE(net.become_equal({1, 2}));
    const std::string before = net[2].status().counts;

    const std::chrono::microseconds pause(random() % static_cast<std::uint32_t>(usual.count()));
    const auto strike = [&] {
      wait_until(Clock::now() + pause);
      net[1].send_signal(SIGKILL);
    };
    auto answer = client.ask(net.endpoint(1), asker.wish(round), {.asked = strike});
    net[1].wait();
    const bool repeated = !answer;
    if (repeated) {
      ++unanswered;
      answer = client.ask_again(net.endpoint(2));
    }
    BOOST_REQUIRE_MESSAGE(is_first_outcome(answer),
                          asker.name << ": the repeated request has another outcome");
    const std::string then = net[2].status().counts;
    net.start(1);
    // The tracker that died may have done it, too. It is one account all the same, with one outcome everywhere.
    BOOST_REQUIRE(net.become_equal({1, 2}));
    const std::string after = net[1].status().counts;
    BOOST_TEST(after == net[2].status().counts);
    if (repeated || !answer->provisional) BOOST_TEST(after == then);
    BOOST_TEST(after != before);
    for (const std::uint32_t number : {1U, 2U}) {
      const auto again = client.ask_again(net.endpoint(number));
      BOOST_REQUIRE(again);
      BOOST_TEST((again->what == answer->what),
                 asker.name << ": tracker " << number << " has another outcome");
    }
    BOOST_TEST(net[1].status().counts == after);
    if (round % 3 == 0) {
      TestClient other;
      BOOST_TEST(is_refused(other.ask(net.endpoint(1), asker.wish(round)), Code::user_exists));
      BOOST_TEST(is<LoggedIn>(other.ask(net.endpoint(2), login(asker.name + "-more"))));
    }
    BOOST_REQUIRE(are_linked(net, 1));
  }
  BOOST_TEST(unanswered > 0U);
  BOOST_TEST_MESSAGE(count << " trackers killed under a request, " << unanswered
                           << " before their answer: one outcome each");
}

// Several write all the time; then all trackers are killed at once.
BOOST_AUTO_TEST_CASE(everything_acknowledged_outlives_the_end_of_all) {
  constexpr std::uint32_t writers = 4;
  TwoTrackers net;
  std::mt19937 random(1);
  std::size_t acknowledged_in_all = 0;
  const std::uint32_t count = rounds(3);
  for (std::uint32_t round = 0; round < count; ++round) {
    std::vector<std::vector<std::string>> acknowledged(writers);
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    for (std::uint32_t writer = 0; writer < writers; ++writer)
      threads.emplace_back([&, writer] {
        TestClient client;
        const std::string endpoint = net.endpoint(1 + writer % 2);
        for (std::uint32_t n = 0; !over; ++n) {
          const std::string name =
              "r" + std::to_string(round) + "-" + std::to_string(writer) + "-" + std::to_string(n);
          if (is<Done>(client.ask(endpoint, user(name)))) acknowledged[writer].push_back(name);
        }
      });
    pass(std::chrono::milliseconds(100 + random() % 200));
    net[1].send_signal(SIGKILL);
    net[2].send_signal(SIGKILL);
    over = true;
    for (std::thread& each : threads) each.join();
    net[1].wait();
    net[2].wait();
    net.start(1 + round % 2);
    net.start(2 - round % 2);
    for (const auto& names : acknowledged)
      for (const std::string& name : names) {
        ++acknowledged_in_all;
        TestClient stranger;
        BOOST_REQUIRE_MESSAGE(is<LoggedIn>(stranger.ask(net.endpoint(2 - round % 2), login(name))),
                              name << " is lost");
      }
    BOOST_REQUIRE(net.become_equal({1, 2}));
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_REQUIRE(are_linked(net, 2));
  }
  BOOST_TEST(acknowledged_in_all > 0U);
  BOOST_TEST_MESSAGE("all trackers killed " << count << " times: " << acknowledged_in_all
                                            << " acknowledged accounts, all of them there");
}

BOOST_AUTO_TEST_SUITE_END()
