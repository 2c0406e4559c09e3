#include "messages/units.hpp"

#include <boost/test/unit_test.hpp>
#include <type_traits>
#include <unordered_set>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(units_of_one_kind_add_subtract_and_compare) {
  BOOST_TEST((ByteCount{3} + ByteCount{4}).value == 7);
  BOOST_TEST((ByteCount{9} - ByteCount{4}).value == 5);
  PieceIndex piece{6};
  ++piece;
  BOOST_TEST(piece.value == 7);
  piece += PieceIndex{2};
  piece -= PieceIndex{1};
  BOOST_CHECK(piece == PieceIndex{8});
  BOOST_CHECK(PieceIndex{1} < PieceIndex{2});
}

BOOST_AUTO_TEST_CASE(units_of_different_kinds_do_not_mix) {
  static_assert(!std::is_convertible_v<PieceIndex, BlockIndex>);
  static_assert(!std::is_convertible_v<int, PieceIndex>);
  static_assert(!std::equality_comparable_with<PieceIndex, BlockIndex>);
  BOOST_TEST(sizeof(PieceIndex) == sizeof(std::uint32_t));
}

BOOST_AUTO_TEST_CASE(literals_say_their_unit) {
  BOOST_TEST((1_KiB).value == 1024);
  BOOST_TEST((16_MiB).value == 16777216);
  BOOST_TEST((7_piece).value == 7);
  BOOST_TEST((7_block).value == 7);
  BOOST_TEST((7_bytes).value == 7);
}

BOOST_AUTO_TEST_CASE(units_are_keys) {
  const std::unordered_set<CommandId> commands{{1}, {2}, {1}};
  BOOST_TEST(commands.size() == 2);
}

BOOST_AUTO_TEST_SUITE_END()
