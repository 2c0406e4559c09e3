#include "peer/admission.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

using std::chrono::milliseconds;

ClientKey key(std::uint8_t byte) {
  ClientKey key;
  key.bytes.fill(byte);
  return key;
}

/// One group, a clock, and whoever knocks.
struct Gate {
  Admission admission;
  Gid gid;
  Instant now = Instant{} + std::chrono::hours(1);
  ClientKey ann = key(1);
  ClientKey bob = key(2);

  bool due() const { return admission.ask_at(gid) && *admission.ask_at(gid) <= now; }
  std::vector<ClientKey> ask(const std::vector<ClientKey>& about, const std::vector<ClientKey>& named) {
    BOOST_TEST(due());
    admission.asked(gid, now);
    return admission.answered(gid, about, named, {about.begin(), about.end()}, now);
  }
};

BOOST_AUTO_TEST_SUITE(admission)

BOOST_FIXTURE_TEST_CASE(nobody_is_in_before_a_tracker_has_said_so, Gate) {
  BOOST_TEST(!admission.admitted(gid, ann));
  BOOST_TEST(!admission.ask_at(gid).has_value());
  admission.wanted(gid, now);
  BOOST_TEST(ask({ann, bob}, {ann}).empty());
  BOOST_TEST(admission.admitted(gid, ann));
  BOOST_TEST(!admission.admitted(gid, bob));
  Gid other;
  other.bytes.fill(1);
  BOOST_TEST(!admission.admitted(other, ann));
}

BOOST_FIXTURE_TEST_CASE(who_is_not_named_is_asked_about_again_before_it_is_turned_away, Gate) {
  admission.wanted(gid, now);
  for (unsigned i = 1; i < Admission::misses_max; ++i) {
    BOOST_TEST(ask({bob}, {}).empty());
    BOOST_TEST(!due());
    now += Admission::ask_again_after;
  }
  BOOST_TEST((ask({bob}, {}) == std::vector{bob}));
}

BOOST_FIXTURE_TEST_CASE(a_member_that_is_named_again_has_missed_nothing, Gate) {
  admission.wanted(gid, now);
  for (unsigned i = 0; i < 3 * Admission::misses_max; ++i) {
    BOOST_TEST(ask({ann}, i % 2 == 0 ? std::vector{ann} : std::vector<ClientKey>{}).empty());
    BOOST_TEST(admission.admitted(gid, ann));
    now += Admission::recheck_every;
  }
}

BOOST_FIXTURE_TEST_CASE(who_has_left_is_turned_away, Gate) {
  admission.wanted(gid, now);
  ask({ann}, {ann});
  now += Admission::recheck_every;
  for (unsigned i = 1; i < Admission::misses_max; ++i) {
    ask({ann}, {});
    BOOST_TEST(admission.admitted(gid, ann));
    now += Admission::ask_again_after;
  }
  BOOST_TEST((ask({ann}, {}) == std::vector{ann}));
  BOOST_TEST(!admission.admitted(gid, ann));
}

BOOST_FIXTURE_TEST_CASE(what_was_said_holds_while_no_tracker_answers, Gate) {
  admission.wanted(gid, now);
  ask({ann}, {ann});
  for (unsigned i = 0; i < 10; ++i) {
    now += Admission::recheck_every;
    BOOST_TEST(due());
    admission.asked(gid, now);
    admission.unanswered(gid, now);
    BOOST_TEST(admission.admitted(gid, ann));
  }
}

BOOST_FIXTURE_TEST_CASE(one_question_at_a_time_and_not_one_for_each_who_knocks, Gate) {
  admission.wanted(gid, now);
  admission.asked(gid, now);
  admission.wanted(gid, now);
  BOOST_TEST(!admission.ask_at(gid).has_value());
  admission.answered(gid, std::vector{ann}, std::vector{ann}, {ann}, now);
  BOOST_TEST(!due());
  now += Admission::ask_pause;
  BOOST_TEST(due());  // whoever knocked meanwhile was not in the question
  ask({ann, bob}, {ann, bob});
  admission.wanted(gid, now);
  BOOST_TEST(!due());
  now += Admission::ask_pause;
  BOOST_TEST(due());
}

BOOST_FIXTURE_TEST_CASE(who_is_in_and_comes_back_during_a_question_stays_in, Gate) {
  const ClientKey eve = key(3);
  admission.wanted(gid, now);
  ask({ann, bob, eve}, {ann, bob, eve});
  now += Admission::recheck_every;
  admission.asked(gid, now);  // bob and eve fetch nothing
  admission.answered(gid, std::vector{ann}, std::vector{ann}, {ann, bob}, now);
  BOOST_TEST(admission.admitted(gid, bob));
  BOOST_TEST(!admission.admitted(gid, eve));
}

BOOST_FIXTURE_TEST_CASE(questions_because_of_others_do_not_use_up_the_patience, Gate) {
  admission.wanted(gid, now);
  const Instant begin = now;
  while (ask({ann, bob}, {ann}).empty()) {
    admission.wanted(gid, now);
    now += Admission::ask_pause;
    BOOST_TEST_REQUIRE((now - begin < Admission::recheck_every));
  }
  BOOST_TEST((now - begin >= (Admission::misses_max - 1) * Admission::ask_again_after));
}

BOOST_FIXTURE_TEST_CASE(a_group_that_is_forgotten_has_no_members, Gate) {
  admission.wanted(gid, now);
  ask({ann}, {ann});
  admission.forget(gid);
  BOOST_TEST(!admission.admitted(gid, ann));
  BOOST_TEST(admission.answered(gid, std::vector{ann}, std::vector{ann}, {ann}, now).empty());
  BOOST_TEST(!admission.admitted(gid, ann));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
