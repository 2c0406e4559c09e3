// How often passwords may be tried, and whose turn it is.

#include <boost/test/unit_test.hpp>

#include "tests/unit/tracker/state_support.hpp"
#include "tracker/attempt_limits.hpp"
#include "tracker/password_queue.hpp"

using namespace tutti;
using namespace tutti::test;
using std::chrono::seconds;

namespace {

Attempt stranger(std::string user, std::string host) { return {std::move(user), std::move(host), {}, false}; }
Attempt owner(std::string user, std::uint8_t client) {
  return {std::move(user), "10.0.0.1", id_of<ClientKey>(client), true};
}

struct Gate {
  AttemptLimits limits{30, 10, {}};
  Instant now{seconds{1000}};

  bool may(const Attempt& attempt) { return !limits.begin(attempt, now).has_value(); }
  int tries_of(const Attempt& attempt, int most) {
    int tried = 0;
    while (tried < most && may(attempt)) ++tried;
    return tried;
  }
};

PasswordJob job(std::uint64_t ticket, Attempt attempt) {
  PasswordJob job;
  job.needed.ticket = {ticket};
  job.attempt = std::move(attempt);
  return job;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attempts)

BOOST_FIXTURE_TEST_CASE(a_guesser_is_slowed_and_the_owner_is_not_locked_out, Gate) {
  BOOST_TEST(tries_of(stranger("anna", "6.6.6.6"), 1000) == 10);
  // Neither on the client that is known, nor on a new one, though the whole world guesses.
  for (int i = 0; i < 300; ++i) may(stranger("anna", "6.6.7." + std::to_string(i)));
  BOOST_TEST(may(owner("anna", 1)));
  BOOST_TEST(may(stranger("anna", "10.0.0.9")));
  BOOST_TEST(!may(stranger("anna", "10.0.0.9")));  // once in a while
  now += seconds{30};
  BOOST_TEST(may(stranger("anna", "10.0.0.9")));
  // Whoever else comes from elsewhere is not concerned.
  BOOST_TEST(may(stranger("bob", "10.0.0.8")));
}

BOOST_FIXTURE_TEST_CASE(a_guesser_gets_no_further_than_a_few_a_minute, Gate) {
  int tried = 0;
  for (int second = 0; second < 600; ++second, now += seconds{1})
    tried += tries_of(stranger("anna", "6.6.6.6"), 1000);
  BOOST_TEST(tried <= 10 + 10 * (10 + 2));  // the name's, and the last resort of the address
  // From one address at many names.
  int sprayed = 0;
  for (int i = 0; i < 1000; ++i) sprayed += may(stranger("user" + std::to_string(i), "7.7.7.7")) ? 1 : 0;
  BOOST_TEST(sprayed <= 30);
  // And in one /64.
  sprayed = 0;
  for (int i = 0; i < 1000; ++i)
    sprayed += may(stranger("user" + std::to_string(i), "fd00::" + std::to_string(i))) ? 1 : 0;
  BOOST_TEST(sprayed <= 30);
}

BOOST_FIXTURE_TEST_CASE(right_passwords_do_not_count, Gate) {
  for (int i = 0; i < 1000; ++i) {
    for (const Attempt& attempt : {stranger("anna", "10.0.0.9"), owner("anna", 1)}) {
      BOOST_REQUIRE(may(attempt));
      limits.succeeded(attempt);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_stolen_client_guesses_slowly_too, Gate) {
  BOOST_TEST(tries_of(owner("anna", 1), 1000) == 20);
  BOOST_TEST(may(owner("anna", 2)));
  BOOST_TEST(may(owner("bob", 1)));
  now += seconds{3};
  BOOST_TEST(tries_of(owner("anna", 1), 1000) == 1);
}

BOOST_FIXTURE_TEST_CASE(an_attack_is_over_when_it_is_over, Gate) {
  for (int i = 0; i < 100'000; ++i) may(stranger("anna", std::to_string(i)));
  now += seconds{60};
  BOOST_TEST(tries_of(stranger("anna", "10.0.0.9"), 1000) >= 10);
}

BOOST_AUTO_TEST_CASE(lanes_take_turns) {
  PasswordQueue queue(100);
  for (std::uint64_t i = 0; i < 50; ++i) BOOST_REQUIRE(!queue.push(job(i, stranger("x", "6.6.6.6"))));
  BOOST_REQUIRE(!queue.push(job(100, stranger("bob", "10.0.0.8"))));
  BOOST_REQUIRE(!queue.push(job(200, owner("anna", 1))));
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 4; ++i) order.push_back(queue.pop()->needed.ticket.value);
  BOOST_TEST((order == std::vector<std::uint64_t>{0, 200, 100, 1}));
  BOOST_TEST(queue.size() == 48U);
}

BOOST_AUTO_TEST_CASE(who_has_been_here_before_waits_behind_no_crowd_of_strangers) {
  PasswordQueue queue(100);
  for (std::uint64_t i = 0; i < 100; ++i)
    BOOST_REQUIRE(!queue.push(job(i, stranger("x", "host" + std::to_string(i)))));
  BOOST_REQUIRE(!queue.push(job(200, owner("anna", 1))));
  queue.pop();
  BOOST_TEST(queue.pop()->needed.ticket.value == 200U);
}

BOOST_AUTO_TEST_CASE(a_full_queue_takes_from_the_longest_lane) {
  PasswordQueue queue(4);
  for (std::uint64_t i = 0; i < 4; ++i) BOOST_REQUIRE(!queue.push(job(i, stranger("x", "6.6.6.6"))));
  BOOST_TEST(queue.push(job(4, stranger("x", "6.6.6.6")))->needed.ticket.value == 4U);
  BOOST_TEST(queue.push(job(5, stranger("bob", "10.0.0.8")))->needed.ticket.value == 3U);
  BOOST_TEST(queue.size() == 4U);
  for (std::uint64_t i = 0; i < 1000; ++i) queue.push(job(i, stranger("x", "host" + std::to_string(i))));
  BOOST_TEST(queue.size() == 4U);
  while (queue.pop()) {
  }
  BOOST_TEST(queue.size() == 0U);
  BOOST_TEST(!queue.pop().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
