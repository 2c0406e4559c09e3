#include "peer/ticket_purse.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

struct Purse {
  TicketPurse purse;
  Gid gid;
  Instant now = Instant{} + std::chrono::hours(1);
  Purse() { gid.bytes.fill(1); }
  void give(std::uint64_t epoch) {
    purse.asked(gid, now);
    PeerTicket ticket;
    ticket.gid = gid;
    ticket.epoch = epoch;
    purse.given(ticket, now);
  }
  bool due() const { return purse.to_be_asked(gid, now); }
};

BOOST_AUTO_TEST_SUITE(ticket_purse)

BOOST_FIXTURE_TEST_CASE(one_is_asked_for_once_and_renewed_in_time, Purse) {
  BOOST_TEST(due());
  purse.asked(gid, now);
  BOOST_TEST(!due());
  BOOST_TEST((purse.ticket(gid) == nullptr));
  give(1);
  BOOST_TEST_REQUIRE((purse.ticket(gid) != nullptr));
  now += TicketPurse::renew_every - std::chrono::milliseconds(1);
  BOOST_TEST(!due());
  now += std::chrono::milliseconds(1);
  BOOST_TEST(due());
  BOOST_TEST((purse.ticket(gid) != nullptr));  // and shown until there is another one
}

BOOST_FIXTURE_TEST_CASE(a_departure_asks_for_a_new_one_at_once, Purse) {
  give(1);
  now += std::chrono::seconds(1);
  purse.rose(gid, 1, now);
  BOOST_TEST(!due());
  purse.rose(gid, 2, now);
  BOOST_TEST(due());
  give(1);  // by a tracker that has not heard of it
  BOOST_TEST(!due());
  now += TicketPurse::pause;
  BOOST_TEST(due());
  give(2);
  now += TicketPurse::pause;
  BOOST_TEST(!due());
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_wants_tickets_without_end_gets_few, Purse) {
  int asked = 0;
  give(1);
  for (int i = 0; i < 1000; ++i) {
    now += std::chrono::milliseconds(1);
    purse.not_taken(gid, now);
    if (!due()) continue;
    give(1);
    ++asked;
  }
  BOOST_TEST(asked <= 10);
}

BOOST_FIXTURE_TEST_CASE(what_is_refused_is_asked_again_later, Purse) {
  purse.asked(gid, now);
  purse.not_given(gid, now);
  BOOST_TEST(!due());
  now += TicketPurse::retry;
  BOOST_TEST(due());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
