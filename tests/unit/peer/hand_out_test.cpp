#include "peer/hand_out.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/random.hpp"

namespace tutti {
namespace {

constexpr ClientKey key(std::uint16_t number) {
  ClientKey result;
  result.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  result.bytes[1] = static_cast<std::uint8_t>(number);
  return result;
}

HandOut::Rank rank(const HandOut& hand_out, std::uint16_t client, std::uint32_t piece) {
  return hand_out.rank(hand_out.leecher(key(client)), PieceIndex{piece});
}

BOOST_AUTO_TEST_SUITE(hand_out)

BOOST_AUTO_TEST_CASE(what_was_given_to_the_fewest_others_goes_first) {
  HandOut hand_out(3);
  hand_out.gave(key(1), PieceIndex{0}, 1);
  BOOST_TEST((rank(hand_out, 2, 1) < rank(hand_out, 2, 0)));
  hand_out.gave(key(2), PieceIndex{1}, 1);
  BOOST_TEST((rank(hand_out, 3, 2) < rank(hand_out, 3, 1)));
  BOOST_TEST((rank(hand_out, 3, 0) == rank(hand_out, 3, 1)));
}

BOOST_AUTO_TEST_CASE(who_asks_again_and_again_moves_nothing_back) {
  HandOut hand_out(2);
  for (int i = 0; i < 100; ++i) hand_out.gave(key(1), PieceIndex{0}, 1);
  BOOST_TEST(rank(hand_out, 2, 0).others == 1U);
  BOOST_TEST(rank(hand_out, 1, 0).others == 0U);
}

BOOST_AUTO_TEST_CASE(among_equals_a_piece_that_is_begun_is_finished) {
  HandOut hand_out(2);
  hand_out.gave(key(1), PieceIndex{0}, 3);
  BOOST_TEST((rank(hand_out, 1, 0) < rank(hand_out, 2, 1)));
  hand_out.gave(key(1), PieceIndex{0}, 3);
  BOOST_TEST((rank(hand_out, 1, 0) < rank(hand_out, 2, 1)));
  hand_out.gave(key(1), PieceIndex{0}, 3);
  // What is asked for anew is nothing that is to be finished.
  BOOST_TEST((rank(hand_out, 1, 0) == rank(hand_out, 2, 1)));
}

/// Beside the naive model: sets of who was given what.
BOOST_AUTO_TEST_CASE(counts_as_sets_would) {
  constexpr std::uint32_t pieces = 20;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    HandOut hand_out(pieces);
    std::map<std::uint32_t, std::set<std::uint16_t>> had;
    for (int step = 0; step < 200; ++step) {
      const auto who = static_cast<std::uint16_t>(random.below(5));
      const auto piece = static_cast<std::uint32_t>(random.below(pieces));
      std::set<std::uint16_t> others = had[piece];
      others.erase(who);
      BOOST_TEST(rank(hand_out, who, piece).others == others.size());
      hand_out.gave(key(who), PieceIndex{piece}, 1);
      had[piece].insert(who);
    }
  }
}

BOOST_AUTO_TEST_CASE(who_was_given_nothing_for_the_longest_time_is_forgotten_and_with_him_what_he_was_given) {
  HandOut hand_out(3);
  hand_out.gave(key(0), PieceIndex{0}, 1);
  hand_out.gave(key(1), PieceIndex{1}, 1);
  hand_out.gave(key(0), PieceIndex{0}, 1);
  constexpr auto all = static_cast<std::uint16_t>(HandOut::clients_max);
  for (std::uint16_t client = 2; client < all; ++client) hand_out.gave(key(client), PieceIndex{2}, 1);
  BOOST_TEST(rank(hand_out, all, 1).others == 1U);
  hand_out.gave(key(all), PieceIndex{2}, 1);
  BOOST_TEST(rank(hand_out, all, 1).others == 0U);
  BOOST_TEST(rank(hand_out, all, 0).others == 1U);
}

/// Each of many asks for a few pieces at random and has one answered at a time.
BOOST_AUTO_TEST_CASE(the_first_copy_leaves_before_a_second_one_begins) {
  constexpr std::uint32_t pieces = 64;
  constexpr std::uint16_t leechers = 100;
  Random random(7);
  HandOut hand_out(pieces);
  std::vector<std::set<std::uint32_t>> had(leechers);
  std::set<std::uint32_t> given;
  std::uint32_t twice = 0;
  while (given.size() < pieces) {
    std::uint16_t who = 0;
    std::uint32_t best = 0;
    std::optional<HandOut::Rank> best_rank;
    for (std::uint16_t each = 0; each < leechers; ++each)
      for (int i = 0; i < 2; ++i) {
        const auto piece = static_cast<std::uint32_t>(random.below(pieces));
        if (had[each].contains(piece)) continue;
        const HandOut::Rank its_rank = rank(hand_out, each, piece);
        if (best_rank && *best_rank <= its_rank) continue;
        best_rank = its_rank;
        who = each;
        best = piece;
      }
    hand_out.gave(key(who), PieceIndex{best}, 1);
    had[who].insert(best);
    if (!given.insert(best).second) ++twice;
  }
  BOOST_TEST(twice < pieces / 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
