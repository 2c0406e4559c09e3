#include "tracker/catch_up.hpp"

#include <boost/test/unit_test.hpp>

#include "tracker/version_vector.hpp"

using namespace tutti;
using namespace std::chrono_literals;
using Choice = CatchUp::Choice;

namespace {

StoreId store(std::uint8_t n) {
  StoreId id;
  id.bytes.fill(n);
  return id;
}

VersionVector up_to(std::uint8_t origin, std::uint64_t sequence) {
  VersionVector at;
  advance(at, store(origin), Sequence{sequence});
  return at;
}

// This is tracker 1 of three; the stores have the trackers' numbers.
struct Start {
  SyncConfig config;
  SyncBook book{{2, 3}, config};
  CatchUp catch_up{config};
  Instant now{1h};
  VersionVector held = up_to(1, 10);

  Start() {
    book.own_log_is(store(1), {10});
    catch_up.starts(now);
  }
  Choice choose() { return catch_up.choose(book, held, now); }
  void link(std::uint8_t number, const VersionVector& at) {
    book.begins(number, store(number), at);
    book.source_is(number, true, now);
    book.follower_is(number, true, now);
    catch_up.begins(number, at);
    catch_up.not_linked(number);
  }
  void lose(std::uint8_t number) {
    book.source_is(number, false, now);
    catch_up.lost(number);
  }
};

struct InService : Start {
  InService() {
    link(2, held);
    link(3, held);
    BOOST_REQUIRE((choose() == Choice::serve));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(catch_up)

BOOST_FIXTURE_TEST_CASE(nobody_in_sight_is_waited_for_a_short_time, Start) {
  BOOST_TEST((choose() == Choice::go_on));
  now += config.look_around - 1ms;
  BOOST_TEST((choose() == Choice::go_on));
  now += 1ms;
  BOOST_TEST((choose() == Choice::serve));
  BOOST_TEST(catch_up.is_serving());
}

BOOST_FIXTURE_TEST_CASE(with_everybody_linked_and_nothing_missing_it_serves_at_once, Start) {
  link(2, held);
  BOOST_TEST((choose() == Choice::go_on));
  link(3, held);
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(who_is_about_to_link_is_waited_for_but_not_for_ever, Start) {
  catch_up.half_linked(2, CatchUp::Sign::alive, now);
  now += config.look_around;
  BOOST_TEST((choose() == Choice::go_on));
  now += CatchUp::link_patience;
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(a_link_from_before_an_absence_is_a_weak_sign, Start) {
  // One that hangs has such a link as well.
  link(3, held);
  catch_up.half_linked(2, CatchUp::Sign::from_before, now);
  now += CatchUp::word_patience - 1ms;
  BOOST_TEST((choose() == Choice::go_on));
  now += 1ms;
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(one_that_comes_alive_is_waited_for_from_then_on, Start) {
  link(3, held);
  catch_up.half_linked(2, CatchUp::Sign::from_before, now);
  now += CatchUp::word_patience - 1ms;
  catch_up.half_linked(2, CatchUp::Sign::alive, now);
  catch_up.half_linked(2, CatchUp::Sign::from_before, now);
  now += CatchUp::link_patience - 1ms;
  BOOST_TEST((choose() == Choice::go_on));
  now += 1ms;
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(it_needs_what_others_had_and_not_what_they_did_since, Start) {
  link(2, up_to(2, 5));
  link(3, {});
  BOOST_TEST((choose() == Choice::go_on));
  book.holds(2, up_to(2, 900));
  held = merged(held, up_to(2, 5));
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(while_something_comes_it_waits_and_then_no_longer, Start) {
  link(2, up_to(2, 5));
  link(3, {});
  for (int n = 0; n < 5; ++n) {
    now += 2s;
    catch_up.progressed(now);
    BOOST_TEST((choose() == Choice::go_on));
  }
  now += CatchUp::patience + 1ms;
  BOOST_TEST((choose() == Choice::serve_behind));
  BOOST_TEST((choose() == Choice::go_on));  // and does not pause again for the same
}

BOOST_FIXTURE_TEST_CASE(what_gets_onto_the_disk_of_what_it_needs_is_waited_for, Start) {
  link(2, up_to(2, 5));
  link(3, {});
  for (std::uint64_t n = 1; n <= 4; ++n) {
    now += 2s;
    held = merged(held, up_to(2, n));
    BOOST_TEST((choose() == Choice::go_on));
  }
  // What a third one does meanwhile is nothing that is waited for.
  now += 2s;
  held = merged(held, up_to(3, 7));
  BOOST_TEST((choose() == Choice::go_on));
  now += 2s;
  held = merged(held, up_to(3, 9));
  BOOST_TEST((choose() == Choice::serve_behind));
}

BOOST_FIXTURE_TEST_CASE(one_that_comes_and_goes_is_no_progress, Start) {
  link(2, up_to(2, 5));
  link(3, up_to(3, 5));
  BOOST_TEST((choose() == Choice::go_on));
  now += 2s;
  lose(3);
  BOOST_TEST((choose() == Choice::go_on));
  now += 2s;
  BOOST_TEST((choose() == Choice::serve_behind));
}

BOOST_FIXTURE_TEST_CASE(what_a_lost_tracker_had_cannot_be_had, Start) {
  link(2, up_to(2, 5));
  link(3, {});
  lose(2);
  now += config.look_around;
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(a_cut_that_heals_pauses_who_lacks_something, InService) {
  lose(2);
  BOOST_TEST((choose() == Choice::go_on));
  now += 1h;
  link(2, merged(held, up_to(2, 5)));
  BOOST_TEST((choose() == Choice::pause));
  BOOST_TEST(!catch_up.is_serving());
  BOOST_TEST((choose() == Choice::go_on));
  held = merged(held, up_to(2, 5));
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(a_cut_that_heals_with_nothing_missing_pauses_nobody, InService) {
  lose(2);
  link(2, held);
  BOOST_TEST((choose() == Choice::go_on));
}

BOOST_FIXTURE_TEST_CASE(who_was_kept_from_running_knows_it, InService) {
  BOOST_TEST(!catch_up.was_away(now));
  now += config.heartbeat + CatchUp::shortest_absence;
  BOOST_TEST(!catch_up.was_away(now));
  now += config.heartbeat + CatchUp::shortest_absence + 1ms;
  BOOST_TEST(catch_up.was_away(now));
  BOOST_TEST(!catch_up.was_away(now));
}

BOOST_AUTO_TEST_CASE(who_is_waited_for_longer_may_be_away_longer) {
  SyncConfig config;
  config.ack_wait = 800ms;
  CatchUp catch_up(config);
  Instant now{1h};
  catch_up.starts(now);
  now += config.heartbeat + config.ack_wait;
  BOOST_TEST(!catch_up.was_away(now));
  now += config.heartbeat + config.ack_wait + 1ms;
  BOOST_TEST(catch_up.was_away(now));
}

BOOST_FIXTURE_TEST_CASE(the_own_log_is_waited_for_and_then_renewed, Start) {
  link(2, up_to(1, 12));
  link(3, {});
  lose(2);
  now += CatchUp::patience;
  BOOST_TEST((choose() == Choice::go_on));
  now += 1ms;
  BOOST_TEST((choose() == Choice::renew));
  BOOST_TEST(!catch_up.is_serving());
  book.own_log_is(store(9), {0});
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(others_that_use_the_own_numbers_are_a_reason_to_renew_at_once, InService) {
  book.holds(3, up_to(1, 11));
  BOOST_TEST((choose() == Choice::renew));
  BOOST_TEST(catch_up.is_serving());
}

BOOST_FIXTURE_TEST_CASE(a_log_that_has_forked_is_not_waited_for, Start) {
  link(2, up_to(2, 5));
  link(3, {});
  book.forked_logs_are({store(2)});
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(after_a_moment_of_absence_a_word_of_each_is_waited_for, InService) {
  catch_up.was_absent(now);
  catch_up.asks(2);
  catch_up.asks(3);
  BOOST_TEST((choose() == Choice::go_on));
  catch_up.answered(2);
  BOOST_TEST((choose() == Choice::go_on));
  BOOST_TEST(!catch_up.is_serving());
  catch_up.answered(3);
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(whoever_says_nothing_is_not_waited_for_long, InService) {
  catch_up.was_absent(now);
  catch_up.asks(2);
  catch_up.asks(3);
  lose(3);
  now += CatchUp::word_patience - 1ms;
  BOOST_TEST((choose() == Choice::go_on));
  now += 1ms;
  BOOST_TEST((choose() == Choice::serve));
}

BOOST_FIXTURE_TEST_CASE(whoever_was_silent_before_is_not_asked, InService) {
  const Instant heard = now;
  now += 4 * config.heartbeat;
  BOOST_TEST(catch_up.is_to_be_asked(heard, now));
  BOOST_TEST(!catch_up.is_to_be_asked(heard, now + 1ms));
}

BOOST_AUTO_TEST_SUITE_END()
