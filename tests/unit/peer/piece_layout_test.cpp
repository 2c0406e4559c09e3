#include "peer/piece_layout.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

BOOST_AUTO_TEST_SUITE(piece_layout)

constexpr ByteCount operator""_GiB(unsigned long long n) { return {n << 30U}; }

BOOST_AUTO_TEST_CASE(pieces_double_until_there_are_at_most_2000) {
  BOOST_TEST(PieceLayout::for_size(1_bytes)->piece_length().value == (512_KiB).value);
  BOOST_TEST(PieceLayout::for_size(1000_MiB)->piece_length().value == (512_KiB).value);
  BOOST_TEST(PieceLayout::for_size(1000_MiB)->piece_count() == 2000U);
  BOOST_TEST(PieceLayout::for_size(1000_MiB + 1_bytes)->piece_length().value == (1_MiB).value);
  BOOST_TEST(PieceLayout::for_size(8_GiB)->piece_length().value == (8_MiB).value);
  BOOST_TEST(PieceLayout::for_size(100_GiB)->piece_length().value == (16_MiB).value);
  BOOST_TEST(PieceLayout::for_size(1024_GiB)->piece_count() == 65536U);
  BOOST_CHECK(!PieceLayout::for_size(1024_GiB + 1_bytes));
}

BOOST_AUTO_TEST_CASE(an_empty_file_has_no_piece) {
  const PieceLayout layout = *PieceLayout::for_size(0_bytes);
  BOOST_TEST(layout.piece_count() == 0U);
  BOOST_CHECK(!layout.block_at(0_piece, 0_bytes, 0_bytes));
}

BOOST_AUTO_TEST_CASE(only_the_last_piece_and_the_last_block_are_shorter) {
  const PieceLayout layout(5_MiB + 1_bytes, 2_MiB);
  BOOST_TEST(layout.piece_count() == 3U);
  BOOST_TEST(layout.piece_size(1_piece).value == (2_MiB).value);
  BOOST_TEST(layout.block_count(1_piece) == 4U);
  BOOST_TEST(layout.piece_offset(2_piece).value == (4_MiB).value);
  BOOST_TEST(layout.piece_size(2_piece).value == (1_MiB + 1_bytes).value);
  BOOST_TEST(layout.block_count(2_piece) == 3U);
  BOOST_TEST(layout.block_length(2_piece, 1_block).value == block_size.value);
  BOOST_TEST(layout.block_length(2_piece, 2_block).value == 1U);
}

BOOST_AUTO_TEST_CASE(a_request_must_name_a_whole_block) {
  const PieceLayout layout(3_MiB + 100_bytes, 2_MiB);
  BOOST_CHECK(layout.block_at(0_piece, 512_KiB, block_size) == 1_block);
  BOOST_CHECK(layout.block_at(1_piece, 1_MiB, 100_bytes) == 2_block);
  BOOST_CHECK(!layout.block_at(1_piece, 1_MiB, block_size));
  BOOST_CHECK(!layout.block_at(0_piece, 1_bytes, block_size));
  BOOST_CHECK(!layout.block_at(0_piece, 2_MiB, block_size));
  BOOST_CHECK(!layout.block_at(2_piece, 0_bytes, block_size));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
