#include "peer/peer_patience.hpp"

#include <boost/test/unit_test.hpp>

using namespace tutti;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(peer_patience)

BOOST_AUTO_TEST_CASE(a_flood_is_borne_for_a_while_and_a_steady_word_for_ever) {
  using enum PeerPatience::Word;
  for (const auto& [word, burst, per_second] :
       {std::tuple(small, PeerPatience::small_burst, PeerPatience::small_per_second),
        std::tuple(ticket, PeerPatience::ticket_burst, PeerPatience::ticket_per_second)}) {
    PeerPatience patience;
    Instant now{1000s};
    for (std::uint32_t i = 0; i < burst; ++i) BOOST_REQUIRE(patience.bears(word, now));
    BOOST_TEST(!patience.bears(word, now));
    now += 1s;
    for (std::uint32_t i = 0; i < per_second; ++i) BOOST_REQUIRE(patience.bears(word, now));
    BOOST_TEST(!patience.bears(word, now));
    for (int i = 0; i < 100'000; ++i) {
      now += Duration(1s) / per_second;
      BOOST_REQUIRE(patience.bears(word, now));
    }
  }
}

BOOST_AUTO_TEST_CASE(tickets_and_other_words_are_counted_apart) {
  PeerPatience patience;
  const Instant now{1000s};
  while (patience.bears(PeerPatience::Word::ticket, now)) {
  }
  BOOST_TEST(patience.bears(PeerPatience::Word::small, now));
}

BOOST_AUTO_TEST_SUITE_END()
