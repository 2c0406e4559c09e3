#include "tracker/sync_book.hpp"

#include <boost/test/unit_test.hpp>

#include "tracker/version_vector.hpp"

using namespace tutti;
using namespace std::chrono_literals;

namespace {

const StoreId own = [] {
  StoreId id;
  id.bytes.fill(1);
  return id;
}();

const StoreId theirs = [] {
  StoreId id;
  id.bytes.fill(3);
  return id;
}();

VersionVector own_up_to(std::uint64_t sequence) {
  VersionVector at;
  advance(at, own, Sequence{sequence});
  return at;
}

// This is tracker 1 of three.
struct Book : SyncBook {
  Book() : SyncBook({2, 3}, SyncConfig{}) {}
  Instant now{1h};

  void link(std::uint32_t number) {
    source_is(number, true, now);
    follower_is(number, true, now);
  }
  void publish(std::uint64_t sequence) {
    Delta delta;
    delta.origin = own;
    delta.sequence = {sequence};
    delta.operations = {SessionClosed{}};
    published(delta, now);
  }
  std::vector<Reached> settle() { return settled(held, now); }
  VersionVector held;
  void pass(Duration time) {
    now += time;
    check_invariants();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sync_book)

BOOST_AUTO_TEST_CASE(an_answer_waits_for_every_live_tracker) {
  Book book;
  book.link(2);
  book.link(3);
  book.publish(1);
  book.await({1}, own_up_to(1), false, book.now);
  BOOST_TEST(book.settle().empty());
  book.holds(2, own_up_to(1));
  BOOST_TEST(book.settle().empty());
  book.holds(3, own_up_to(1));
  const std::vector<Reached> reached = book.settle();
  BOOST_REQUIRE(reached.size() == 1);
  BOOST_TEST((reached[0].ticket == Ticket{1}));
  BOOST_TEST(reached[0].missing.empty());
  BOOST_TEST(book.settle().empty());
}

BOOST_AUTO_TEST_CASE(a_tracker_that_is_not_linked_both_ways_is_missing_at_once) {
  Book book;
  book.link(2);
  book.source_is(3, true, book.now);
  book.await({1}, own_up_to(1), false, book.now);
  book.holds(2, own_up_to(1));
  const std::vector<Reached> reached = book.settle();
  BOOST_REQUIRE(reached.size() == 1);
  BOOST_TEST((reached[0].missing == std::vector<std::uint32_t>{3}));
}

BOOST_AUTO_TEST_CASE(a_disconnect_ends_the_wait_at_once) {
  Book book;
  book.link(2);
  book.link(3);
  book.await({1}, own_up_to(1), false, book.now);
  book.holds(2, own_up_to(1));
  BOOST_TEST(book.settle().empty());
  book.source_is(3, false, book.now);
  BOOST_REQUIRE(book.settle().size() == 1);
}

BOOST_AUTO_TEST_CASE(a_hung_tracker_delays_one_answer_and_not_the_next) {
  Book book;
  book.link(2);
  book.link(3);
  book.holds(2, own_up_to(9));
  book.await({1}, own_up_to(1), false, book.now);
  book.pass(SyncConfig{}.ack_wait - 1ms);
  BOOST_TEST(book.settle().empty());
  book.pass(1ms);
  BOOST_REQUIRE(book.settle().size() == 1);
  book.await({2}, own_up_to(2), false, book.now);
  BOOST_TEST(book.settle().size() == 1);
  // It has caught up: answers wait for it again.
  book.heard(3, book.now);
  book.holds(3, own_up_to(1));
  book.await({3}, own_up_to(3), false, book.now);
  BOOST_TEST(book.settle().empty());
  // Silence makes it hung even if nothing was asked of it meanwhile.
  book.pass(1000ms);
  BOOST_TEST(!book.is_live(3, book.now));
  BOOST_TEST(book.settle().size() == 1);
}

BOOST_AUTO_TEST_CASE(lag_is_how_long_the_oldest_own_delta_is_lacked) {
  Book book;
  book.link(2);
  BOOST_TEST((book.lag_of(2, book.now) == Duration::zero()));
  for (std::uint64_t n = 1; n <= 3; ++n) {
    book.publish(n);
    book.pass(100ms);
  }
  BOOST_TEST((book.lag_of(2, book.now) == Duration(300ms)));
  book.holds(2, own_up_to(2));
  BOOST_TEST((book.lag_of(2, book.now) == Duration(100ms)));
  book.holds(2, own_up_to(3));
  BOOST_TEST((book.lag_of(2, book.now) == Duration::zero()));
  BOOST_TEST((book.lag_of(3, book.now) == Duration(300ms)));
}

BOOST_AUTO_TEST_CASE(what_is_not_acknowledged_is_sent_again_at_growing_distances) {
  Book book;
  book.link(2);
  book.link(3);
  book.publish(1);
  book.publish(2);
  book.holds(2, own_up_to(2));
  BOOST_TEST(book.resends(book.now).empty());
  book.pass(60ms);
  std::vector<SyncBook::Resend> resends = book.resends(book.now);
  BOOST_REQUIRE(resends.size() == 1);
  BOOST_TEST(resends[0].number == 3U);
  BOOST_TEST(resends[0].deltas.size() == 2);
  BOOST_TEST(book.resends(book.now).empty());
  book.pass(60ms);
  BOOST_TEST(book.resends(book.now).size() == 1);
  book.pass(60ms);
  BOOST_TEST(book.resends(book.now).empty());
  book.pass(60ms);
  book.holds(3, own_up_to(1));
  resends = book.resends(book.now);
  BOOST_REQUIRE(resends.size() == 1);
  BOOST_TEST(resends[0].deltas.size() == 1);
  BOOST_TEST(book.is_waiting());
  book.holds(3, own_up_to(2));
  BOOST_TEST(!book.is_waiting());
}

BOOST_AUTO_TEST_CASE(one_pull_at_a_time_from_who_has_most_and_then_from_another) {
  Book book;
  book.link(2);
  book.link(3);
  BOOST_TEST(!book.pull_from({}, book.now).has_value());
  book.holds(2, own_up_to(5));
  book.holds(3, own_up_to(3));
  BOOST_TEST(book.pull_from({}, book.now).value() == 2U);
  book.pull_sent(2, book.now);
  BOOST_TEST(!book.pull_from({}, book.now).has_value());
  book.pass(500ms);
  BOOST_TEST(book.pull_from({}, book.now).value() == 3U);
  book.pull_sent(3, book.now);
  book.pull_ended();
  BOOST_TEST(book.pull_from(own_up_to(3), book.now).value() == 2U);
  book.source_is(2, false, book.now);
  BOOST_TEST(!book.pull_from(own_up_to(3), book.now).has_value());
}

BOOST_AUTO_TEST_CASE(a_tracker_that_comes_back_empty_has_nothing) {
  Book book;
  book.link(2);
  book.begins(2, theirs, own_up_to(5));
  StoreId other = theirs;
  other.bytes[0] = 9;
  book.begins(2, other, {});
  BOOST_TEST(book.trackers().at(2).at.positions.empty());
  BOOST_TEST(book.is_store(2, other));
  BOOST_TEST(!book.is_store(2, theirs));
}

BOOST_AUTO_TEST_CASE(a_tracker_that_comes_back_old_has_what_it_says) {
  Book book;
  book.link(2);
  book.link(3);
  book.begins(2, theirs, own_up_to(5));
  book.holds(3, own_up_to(5));
  book.begins(2, theirs, own_up_to(3));  // an old copy of its store was put back
  book.await({1}, own_up_to(5), false, book.now);
  BOOST_TEST(book.settle().empty());
  book.holds(2, own_up_to(5));
  BOOST_TEST(book.settle().at(0).missing.empty());
}

BOOST_AUTO_TEST_CASE(who_takes_a_name_sees_what_the_others_did_until_they_knew) {
  Book book;
  book.link(2);
  book.link(3);
  book.begins(2, theirs, {});
  book.publish(1);
  book.await({1}, own_up_to(1), true, book.now);
  VersionVector at = own_up_to(1);
  book.holds(3, at);
  advance(at, theirs, Sequence{7});  // it had done seven things itself when it heard of this one
  book.holds(2, at);
  BOOST_TEST(book.settle().empty());
  advance(at, theirs, Sequence{9});
  book.holds(2, at);
  advance(book.held, theirs, Sequence{6});
  BOOST_TEST(book.settle().empty());
  advance(book.held, theirs, Sequence{7});  // what it did later is of no matter
  BOOST_TEST(book.settle().at(0).missing.empty());
  // If it does not come, the answer says so, and the next one does not suffer from it.
  advance(at, own, Sequence{2});
  book.await({2}, own_up_to(2), true, book.now);
  book.holds(2, at);
  book.holds(3, at);
  BOOST_TEST(book.settle().empty());
  book.pass(SyncConfig{}.ack_wait - 1ms);
  book.heard(2, book.now);
  BOOST_TEST(book.settle().empty());
  book.pass(1ms);
  BOOST_TEST((book.settle().at(0).missing == std::vector<std::uint32_t>{2}));
  BOOST_TEST(!book.trackers().at(2).late_for.has_value());
}

BOOST_AUTO_TEST_CASE(a_log_that_has_forked_is_not_pulled_but_joined) {
  Book book;
  book.link(2);
  book.link(3);
  VersionVector at;
  advance(at, theirs, Sequence{5});
  book.holds(3, at);
  BOOST_TEST(book.pull_from({}, book.now).value() == 3U);
  BOOST_TEST(!book.fork_joined_from({}).has_value());
  book.forked_logs_are({theirs});
  BOOST_TEST(!book.pull_from({}, book.now).has_value());
  BOOST_TEST(book.fork_joined_from({}).value() == 3U);
  BOOST_TEST(!book.fork_joined_from(at).has_value());
}

BOOST_AUTO_TEST_CASE(waits_for_a_log_that_is_no_longer_ours_are_in_vain) {
  Book book;
  book.own_log_is(own, {97});
  book.link(2);
  book.link(3);
  book.holds(2, own_up_to(100));
  book.holds(3, own_up_to(97));
  book.publish(97);
  book.await({1}, own_up_to(97), false, book.now);
  StoreId fresh = own;
  fresh.bytes[0] = 9;
  book.own_log_is(fresh, {});
  book.own_log_is_renewed();
  BOOST_TEST((book.settle().at(0).missing == std::vector<std::uint32_t>{2, 3}));
  BOOST_TEST(!book.lacks_own());
  BOOST_TEST(!book.is_waiting());
}

BOOST_AUTO_TEST_CASE(a_log_is_kept_for_who_may_need_it) {
  Book book;
  const VersionVector held = own_up_to(100);
  book.holds(2, own_up_to(90));
  BOOST_TEST(book.droppable(held, 10, 1000).positions.empty());
  book.holds(3, own_up_to(80));
  BOOST_TEST((book.droppable(held, 10, 1000) == own_up_to(70)));
  BOOST_TEST((book.droppable(held, 0, 1000) == own_up_to(80)));
  // Who is away for longer gets a snapshot.
  BOOST_TEST((book.droppable(held, 10, 5) == own_up_to(95)));
}

BOOST_AUTO_TEST_CASE(only_live_trackers_can_give) {
  Book book;
  book.link(2);
  book.holds(2, own_up_to(5));
  book.holds(3, own_up_to(9));
  BOOST_TEST((book.reachable(book.now) == own_up_to(5)));
  book.pass(1s);
  BOOST_TEST(book.reachable(book.now).positions.empty());
}

BOOST_AUTO_TEST_CASE(numbers_used_twice_acknowledge_nothing) {
  Book book;
  book.own_log_is(own, {95});  // an old copy was put back: 3 has more
  book.link(2);
  book.link(3);
  book.begins(3, theirs, own_up_to(100));
  BOOST_TEST(book.lacks_own());
  book.source_is(3, false, book.now);
  BOOST_TEST(book.lacks_own());
  book.source_is(3, true, book.now);

  book.own_log_is(own, {96});
  book.publish(96);
  book.holds(2, own_up_to(96));
  book.await({1}, own_up_to(96), false, book.now);
  std::vector<Reached> reached = book.settle();
  BOOST_REQUIRE(reached.size() == 1);
  BOOST_TEST((reached[0].missing == std::vector<std::uint32_t>{3}));

  // Neither when the numbers have passed the others'.
  for (std::uint64_t n = 97; n <= 101; ++n) {
    book.own_log_is(own, {n});
    book.publish(n);
  }
  book.holds(2, own_up_to(101));
  BOOST_TEST(!book.lacks_own());
  book.await({2}, own_up_to(99), false, book.now);
  reached = book.settle();
  BOOST_REQUIRE(reached.size() == 1);
  BOOST_TEST((reached[0].missing == std::vector<std::uint32_t>{3}));
  BOOST_TEST(!book.is_waiting());
  book.pass(60ms);
  BOOST_TEST(book.resends(book.now).empty());

  // It has lost its store, and with it what it had.
  StoreId anew = theirs;
  anew.bytes[0] = 9;
  book.begins(3, anew, own_up_to(101));
  book.await({3}, own_up_to(101), false, book.now);
  BOOST_TEST(book.settle().at(0).missing.empty());
}

BOOST_AUTO_TEST_CASE(an_own_log_that_came_back_is_no_fork) {
  Book book;
  book.own_log_is(own, {95});
  book.link(2);
  book.link(3);
  book.holds(2, own_up_to(100));
  book.holds(3, own_up_to(100));
  book.own_log_is(own, {100});
  BOOST_TEST(!book.lacks_own());
  book.own_log_is(own, {101});
  book.publish(101);
  book.holds(2, own_up_to(101));
  book.holds(3, own_up_to(101));
  book.await({1}, own_up_to(101), false, book.now);
  BOOST_TEST(book.settle().at(0).missing.empty());
}

BOOST_AUTO_TEST_CASE(own_deltas_are_kept_within_bounds) {
  Book book;
  for (std::uint64_t n = 1; n <= 10'000; ++n) book.publish(n);
  book.check_invariants();
  book.link(2);
  book.holds(2, own_up_to(100));  // lacks more than is kept: it pulls
  book.pass(1s);
  BOOST_TEST(book.resends(book.now).empty());
}

BOOST_FIXTURE_TEST_CASE(who_has_as_much_of_the_own_log_but_another_end_has_forked, Book) {
  Sha256 mine;
  mine.bytes.fill(1);
  Sha256 other;
  other.bytes.fill(2);
  own_log_ends_there(2, {own, {7}, mine}, {own, {7}, mine});
  own_log_ends_there(2, {own, {6}, other}, {own, {7}, mine});  // an end that is not known here
  BOOST_TEST(!own_has_forked());
  own_log_ends_there(2, {own, {7}, other}, {own, {7}, mine});
  BOOST_TEST(own_has_forked());
}

BOOST_AUTO_TEST_SUITE_END()
