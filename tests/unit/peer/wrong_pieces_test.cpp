#include "peer/wrong_pieces.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace tutti;
using namespace std::chrono_literals;

const Instant start{};
constexpr ByteCount size{100};

}  // namespace

BOOST_AUTO_TEST_SUITE(wrong_pieces)

BOOST_AUTO_TEST_CASE(a_piece_that_came_wrong_is_asked_for_again_later_and_all_others_at_once) {
  WrongPieces peer;
  peer.came(size);
  peer.came_wrong({3}, size, start);
  BOOST_TEST((peer.withholds({3}) && !peer.withholds({2})));
  BOOST_TEST(peer.take_due(start + WrongPieces::again_after - 1ms).empty());
  BOOST_TEST(peer.withholds({3}));
  BOOST_TEST((peer.take_due(start + WrongPieces::again_after) == std::vector<PieceIndex>{{3}}));
  BOOST_TEST((!peer.withholds({3}) && peer.take_due(start + 1h).empty()));
  peer.came_wrong({3}, size, start + 1h);
  BOOST_TEST(peer.withholds({3}));
}

BOOST_AUTO_TEST_CASE(an_enemy_is_who_sends_more_that_is_wrong_than_right_and_several_pieces) {
  WrongPieces enemy;
  for (PieceIndex piece; piece.value < WrongPieces::enemy_from; ++piece) {
    BOOST_TEST(!enemy.is_enemy());
    enemy.came(size);
    enemy.came_wrong(piece, size, start);
  }
  BOOST_TEST(enemy.is_enemy());

  WrongPieces damaged;
  for (PieceIndex piece; piece.value < 100; ++piece) {
    damaged.came(size);
    damaged.came(size);
    damaged.came_wrong(piece, size, start);
    BOOST_TEST(!damaged.is_enemy());
  }
}

BOOST_AUTO_TEST_CASE(one_piece_that_comes_wrong_again_and_again_is_one_piece) {
  WrongPieces peer;
  for (int i = 0; i < 10; ++i) {
    peer.came(size);
    peer.came_wrong({7}, size, start);
  }
  BOOST_TEST(!peer.is_enemy());
}

BOOST_AUTO_TEST_SUITE_END()
