// Which connections of a door are hung up on.

#include "actors/connection_limits.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace tutti;
using namespace std::chrono_literals;

namespace {

struct Door {
  ConnectionLimits limits{{100, 10, 5, 50}};
  Instant now{1000s};
  int last = 0;

  std::vector<int> open(const std::string& address) {
    std::vector<int> gone = limits.opened(++last, address, now);
    limits.check_invariants();
    return gone;
  }
};

using Ids = std::vector<int>;

}  // namespace

BOOST_AUTO_TEST_SUITE(connection_limits)

BOOST_FIXTURE_TEST_CASE(where_one_address_has_too_many_the_longest_mute_goes, Door) {
  for (int i = 0; i < 10; ++i) BOOST_TEST(open("a").empty());
  limits.heard(1);
  BOOST_TEST((open("a") == Ids{2}));
  BOOST_TEST((open("a") == Ids{3}));
  BOOST_TEST(open("b").empty());
  // Who means it speaks, and gets in past any number of those who do not.
  limits.heard(last);
  for (int i = 0; i < 20; ++i) BOOST_TEST(open("a").size() == 1U);
  BOOST_TEST(limits.open() == 11U);
}

BOOST_FIXTURE_TEST_CASE(who_has_spoken_is_never_hung_up_on, Door) {
  for (int i = 1; i <= 10; ++i) {
    open("a");
    limits.heard(i);
  }
  BOOST_TEST((open("a") == Ids{11}));
  limits.closed(11);  // that it has ended as well changes nothing
  limits.closed(4);
  BOOST_TEST(open("a").empty());
  BOOST_TEST((limits.mute(now + 1h, {}) == Ids{12}));
}

BOOST_FIXTURE_TEST_CASE(who_is_given_up_makes_room_again, Door) {
  for (int i = 1; i <= 10; ++i) {
    open("a");
    limits.heard(i);
  }
  limits.given_up(4, now + 1s);
  limits.given_up(4, now + 2s);  // it is given up only once
  limits.check_invariants();
  BOOST_TEST((open("a") == Ids{4}));
  // Without a newcomer it goes in its time, unless it speaks again.
  limits.given_up(5, now);
  limits.given_up(6, now);
  limits.heard(6);
  limits.heard(11);
  BOOST_TEST(limits.mute(now + ConnectionLimits::mute_after - 1ms, {}).empty());
  BOOST_TEST((limits.mute(now + ConnectionLimits::mute_after, {}) == Ids{5}));
  limits.given_up(99, now);  // nobody knows it
  limits.check_invariants();
}

BOOST_FIXTURE_TEST_CASE(where_there_are_too_many_in_all_the_longest_mute_of_all_goes, Door) {
  for (int i = 0; i < 100; ++i) open("address " + std::to_string(i % 20));
  limits.heard(1);
  BOOST_TEST((open("elsewhere") == Ids{2}));
  BOOST_TEST(limits.open() == 100U);
}

BOOST_FIXTURE_TEST_CASE(who_connects_too_often_is_hung_up_on_at_once, Door) {
  int stayed = 0;
  for (int i = 0; i < 1000; ++i) {
    if (open("a").empty()) ++stayed;
    limits.closed(last);
  }
  BOOST_TEST(stayed == 50);
  BOOST_TEST(open("b").empty());
  now += 1s;
  for (int i = 0; i < 5; ++i) BOOST_TEST(open("a").empty());
  const Ids gone = open("a");
  BOOST_TEST((gone == Ids{last}));
}

BOOST_FIXTURE_TEST_CASE(who_says_nothing_is_hung_up_on_once, Door) {
  open("a");
  now += 1s;
  open("a");
  open("b");
  limits.heard(2);
  now += 9s;
  BOOST_TEST((limits.mute(now, {}) == Ids{1}));
  BOOST_TEST(limits.mute(now, {}).empty());
  // What came before a long pause of our own may not be read yet.
  now += 10s;
  BOOST_TEST(limits.mute(now, now - 1s).empty());
  BOOST_TEST((limits.mute(now, now - 10s) == Ids{3}));
  BOOST_TEST(limits.open() == 1U);
  limits.check_invariants();
}

BOOST_FIXTURE_TEST_CASE(who_goes_without_a_word_is_told_from_who_has_spoken, Door) {
  for (int i = 0; i < 3; ++i) open("a");
  limits.heard(2);
  limits.heard(3);
  limits.given_up(3, now);
  BOOST_TEST(limits.closed(1));
  BOOST_TEST(!limits.closed(1));
  BOOST_TEST(!limits.closed(2));
  BOOST_TEST(limits.closed(3));
}

BOOST_FIXTURE_TEST_CASE(a_number_that_is_given_away_again_is_another_one, Door) {
  open("a");
  limits.heard(1);
  last = 0;
  open("b");
  BOOST_TEST(limits.open() == 1U);
  BOOST_TEST((limits.mute(now + 1h, {}) == Ids{1}));
}

BOOST_FIXTURE_TEST_CASE(addresses_that_are_gone_are_forgotten, Door) {
  for (int i = 0; i < 100'000; ++i, now += 1ms) {
    open("address " + std::to_string(i));
    limits.closed(last);
  }
  BOOST_TEST(limits.addresses() < 10'000U);
}

BOOST_AUTO_TEST_SUITE_END()
