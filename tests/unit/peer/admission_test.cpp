#include "peer/admission.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/tickets.hpp"

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = Admission::Verdict;

ClientKey key(std::uint8_t byte) {
  ClientKey key;
  key.bytes.fill(byte);
  return key;
}

/// One group, two trackers of which one is known, and whoever knocks.
struct Gate {
  Admission admission;
  Gid gid;
  Instant now = Instant{} + std::chrono::hours(1);
  ClientKey ann = key(1);
  ClientKey bob = key(2);
  SigningKeys tracker = signing_keys_of({1});
  SigningKeys other_tracker = signing_keys_of({2});
  std::vector<SigningKey> known{tracker.key};

  std::uint64_t clock() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count());
  }
  bool due() const { return admission.ask_at(gid) && *admission.ask_at(gid) <= now; }
  std::vector<ClientKey> learn(std::uint64_t epoch = 1) {
    admission.asked(gid, now);
    return admission.learned(gid, TicketRules{epoch, clock(), known}, now);
  }
  void no_tracker() {
    admission.asked(gid, now);
    admission.unanswered(gid, true, now);
  }
  PeerTicket ticket(const ClientKey& client, std::uint64_t epoch = 1) const {
    return test::signed_ticket(tracker, gid, client, epoch, clock() + 60'000);
  }
  Verdict show(const ClientKey& client, std::uint64_t epoch = 1) {
    return admission.show(ticket(client, epoch), client, now);
  }
};

BOOST_AUTO_TEST_SUITE(admission)

BOOST_FIXTURE_TEST_CASE(nobody_is_in_before_a_tracker_has_said_how_to_check, Gate) {
  BOOST_TEST((show(ann) == Verdict::undecided));
  BOOST_TEST(admission.is_undecided(gid, ann));
  BOOST_TEST(!admission.admitted(gid, ann));
  BOOST_TEST(due());
  BOOST_TEST(learn().empty());
  BOOST_TEST(admission.admitted(gid, ann));
  BOOST_TEST((show(bob) == Verdict::let_in));
  Gid elsewhere;
  elsewhere.bytes.fill(1);
  BOOST_TEST(!admission.admitted(elsewhere, ann));
}

BOOST_FIXTURE_TEST_CASE(a_ticket_counts_for_its_own_key_with_its_own_words_alone, Gate) {
  learn();
  BOOST_TEST((admission.show(ticket(ann), bob, now) == Verdict::forged));
  const auto changed = [&](auto change) {
    PeerTicket one = ticket(ann);
    change(one);
    return admission.show(one, ann, now);
  };
  BOOST_TEST((changed([](PeerTicket& one) { ++one.epoch; }) == Verdict::forged));
  BOOST_TEST((changed([](PeerTicket& one) { ++one.expires; }) == Verdict::forged));
  BOOST_TEST((changed([](PeerTicket& one) { one.uid.bytes[0] ^= 1; }) == Verdict::forged));
  BOOST_TEST((changed([](PeerTicket& one) { one.signature.bytes[0] ^= 1; }) == Verdict::forged));
  BOOST_TEST((changed([](PeerTicket& one) { one.expires -= 60'000; }) == Verdict::refused));
  BOOST_TEST((changed([](PeerTicket& one) { --one.epoch; }) == Verdict::refused));
  BOOST_TEST(!admission.admitted(gid, ann));
  BOOST_TEST((changed([](PeerTicket&) {}) == Verdict::let_in));
}

BOOST_FIXTURE_TEST_CASE(a_tracker_that_is_not_known_yet_is_asked_about_once, Gate) {
  learn();
  const PeerTicket theirs = test::signed_ticket(other_tracker, gid, ann, 1, clock() + 60'000);
  now += Admission::ask_pause;
  BOOST_TEST((admission.show(theirs, ann, now) == Verdict::undecided));
  BOOST_TEST(due());
  BOOST_TEST((learn() == std::vector{ann}));
  BOOST_TEST((admission.show(theirs, ann, now) == Verdict::undecided));
  BOOST_TEST(!due());  // not more often than that
  now += Admission::ask_pause;
  known.push_back(other_tracker.key);
  BOOST_TEST(learn().empty());
  BOOST_TEST(admission.admitted(gid, ann));
}

BOOST_FIXTURE_TEST_CASE(who_brings_no_new_ticket_when_the_epoch_rises_is_out, Gate) {
  learn();
  show(ann);
  show(bob);
  admission.rose(gid, 2, now);
  BOOST_TEST(admission.to_renew(gid).size() == 2u);
  BOOST_TEST(admission.to_renew(gid).empty());
  BOOST_TEST((show(bob, 1) == Verdict::refused));
  BOOST_TEST(admission.admitted(gid, bob));
  BOOST_TEST((show(ann, 2) == Verdict::let_in));
  now += Admission::grace - milliseconds(1);
  BOOST_TEST(admission.lapsed(gid, now).empty());
  now += milliseconds(1);
  BOOST_TEST((admission.lapsed(gid, now) == std::vector{bob}));
  BOOST_TEST(admission.admitted(gid, ann));
  BOOST_TEST(!admission.admitted(gid, bob));
}

BOOST_FIXTURE_TEST_CASE(further_departures_do_not_prolong_the_grace, Gate) {
  learn();
  show(bob);
  admission.rose(gid, 2, now);
  now += Admission::grace / 2;
  admission.rose(gid, 3, now);
  now += Admission::grace / 2;
  BOOST_TEST((admission.lapsed(gid, now) == std::vector{bob}));
}

BOOST_FIXTURE_TEST_CASE(a_ticket_tells_of_a_departure_that_the_own_tracker_has_not_heard_of, Gate) {
  learn();
  show(bob);
  BOOST_TEST((show(ann, 2) == Verdict::let_in));
  BOOST_TEST((admission.to_renew(gid) == std::vector{bob}));
  learn(1);
  BOOST_TEST((show(bob, 1) == Verdict::refused));
}

BOOST_FIXTURE_TEST_CASE(a_ticket_lasts_until_it_expires, Gate) {
  learn();
  show(ann);
  BOOST_TEST((*admission.lapse_at(gid) == now + peer_ticket_lifetime));
  now += peer_ticket_lifetime - milliseconds(1);
  BOOST_TEST(admission.lapsed(gid, now).empty());
  now += milliseconds(1);
  BOOST_TEST((admission.lapsed(gid, now) == std::vector{ann}));
}

BOOST_FIXTURE_TEST_CASE(without_trackers_who_is_in_stays_and_nobody_new_comes, Gate) {
  learn();
  show(ann);
  const PeerTicket old = ticket(bob);
  no_tracker();
  now += seconds(3600);
  BOOST_TEST(admission.lapsed(gid, now).empty());
  BOOST_TEST(!admission.lapse_at(gid).has_value());
  BOOST_TEST((admission.show(old, bob, now) == Verdict::refused));
  BOOST_TEST(admission.admitted(gid, ann));
  // They are back: there is time to bring a new one, but not for ever.
  learn();
  now += Admission::reunion - milliseconds(1);
  BOOST_TEST(admission.lapsed(gid, now).empty());
  now += milliseconds(1);
  BOOST_TEST((admission.lapsed(gid, now) == std::vector{ann}));
}

BOOST_FIXTURE_TEST_CASE(a_departure_counts_without_trackers_too, Gate) {
  learn();
  show(bob);
  no_tracker();
  show(ann, 2);
  now += Admission::grace;
  BOOST_TEST((admission.lapsed(gid, now) == std::vector{bob}));
}

BOOST_FIXTURE_TEST_CASE(whoever_has_gone_has_to_show_a_ticket_again, Gate) {
  learn();
  show(ann);
  admission.forget(ann);
  BOOST_TEST(!admission.admitted(gid, ann));
  show(bob);
  admission.forget(gid);
  BOOST_TEST(!admission.admitted(gid, bob));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
