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

BOOST_AUTO_TEST_SUITE(hand_out)

BOOST_AUTO_TEST_CASE(what_was_given_to_the_fewest_others_goes_first) {
  HandOut hand_out(3);
  HandOut::Leecher one;
  HandOut::Leecher two;
  hand_out.gave(one, PieceIndex{0}, 1);
  BOOST_TEST((hand_out.rank(two, PieceIndex{1}) < hand_out.rank(two, PieceIndex{0})));
  hand_out.gave(two, PieceIndex{1}, 1);
  HandOut::Leecher three;
  BOOST_TEST((hand_out.rank(three, PieceIndex{2}) < hand_out.rank(three, PieceIndex{1})));
  BOOST_TEST((hand_out.rank(three, PieceIndex{0}) == hand_out.rank(three, PieceIndex{1})));
}

BOOST_AUTO_TEST_CASE(who_asks_again_and_again_moves_nothing_back) {
  HandOut hand_out(2);
  HandOut::Leecher greedy;
  for (int i = 0; i < 100; ++i) hand_out.gave(greedy, PieceIndex{0}, 1);
  HandOut::Leecher other;
  BOOST_TEST(hand_out.rank(other, PieceIndex{0}).others == 1U);
  BOOST_TEST(hand_out.rank(greedy, PieceIndex{0}).others == 0U);
}

BOOST_AUTO_TEST_CASE(among_equals_a_piece_that_is_begun_is_finished) {
  HandOut hand_out(2);
  HandOut::Leecher one;
  HandOut::Leecher two;
  hand_out.gave(one, PieceIndex{0}, 3);
  BOOST_TEST((hand_out.rank(one, PieceIndex{0}) < hand_out.rank(two, PieceIndex{1})));
  hand_out.gave(one, PieceIndex{0}, 3);
  BOOST_TEST((hand_out.rank(one, PieceIndex{0}) < hand_out.rank(two, PieceIndex{1})));
  hand_out.gave(one, PieceIndex{0}, 3);
  // What is asked for anew is nothing that is to be finished.
  BOOST_TEST((hand_out.rank(one, PieceIndex{0}) == hand_out.rank(two, PieceIndex{1})));
}

/// Beside the naive model: sets of who was given what.
BOOST_AUTO_TEST_CASE(counts_as_sets_would) {
  constexpr std::uint32_t pieces = 20;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    HandOut hand_out(pieces);
    std::vector<HandOut::Leecher> leechers(5);
    std::map<std::uint32_t, std::set<std::size_t>> had;
    for (int step = 0; step < 200; ++step) {
      const std::size_t who = random.below(leechers.size());
      const PieceIndex piece{static_cast<std::uint32_t>(random.below(pieces))};
      std::set<std::size_t> others = had[piece.value];
      others.erase(who);
      BOOST_TEST(hand_out.rank(leechers[who], piece).others == others.size());
      hand_out.gave(leechers[who], piece, 1);
      had[piece.value].insert(who);
    }
  }
}

/// Each of many asks for a few pieces at random and has one answered at a time.
BOOST_AUTO_TEST_CASE(the_first_copy_leaves_before_a_second_one_begins) {
  constexpr std::uint32_t pieces = 64;
  Random random(7);
  HandOut hand_out(pieces);
  std::vector<HandOut::Leecher> leechers(100);
  std::vector<std::set<std::uint32_t>> had(leechers.size());
  std::set<std::uint32_t> given;
  std::uint32_t twice = 0;
  while (given.size() < pieces) {
    std::size_t who = 0;
    PieceIndex best;
    std::optional<HandOut::Rank> best_rank;
    for (std::size_t each = 0; each < leechers.size(); ++each)
      for (int i = 0; i < 2; ++i) {
        const PieceIndex piece{static_cast<std::uint32_t>(random.below(pieces))};
        if (had[each].contains(piece.value)) continue;
        const HandOut::Rank rank = hand_out.rank(leechers[each], piece);
        if (best_rank && *best_rank <= rank) continue;
        best_rank = rank;
        who = each;
        best = piece;
      }
    hand_out.gave(leechers[who], best, 1);
    had[who].insert(best.value);
    if (!given.insert(best.value).second) ++twice;
  }
  BOOST_TEST(twice < pieces / 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
