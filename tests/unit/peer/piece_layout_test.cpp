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

BOOST_AUTO_TEST_CASE(a_manifest_has_pieces_of_its_own_unless_all_is_one) {
  const PieceLayout little = *PieceLayout::for_tree(100_bytes, 512_KiB - 100_bytes);
  BOOST_TEST(little.piece_count() == 1U);
  BOOST_TEST(little.size().value == (512_KiB).value);
  BOOST_TEST(content_begin(little, 100_bytes).value == 100U);

  const PieceLayout two = *PieceLayout::for_tree(100_bytes, 512_KiB - 99_bytes);
  BOOST_TEST(two.piece_count() == 2U);
  BOOST_TEST(two.size().value == (1_MiB - 99_bytes).value);
  BOOST_TEST(content_begin(two, 100_bytes).value == (512_KiB).value);

  // Longer pieces need more zeros, which may need longer pieces: others find the same from what comes of it.
  for (const ByteCount manifest :
       {ByteCount{1}, ByteCount{512_KiB}, ByteCount{3_MiB + 1_bytes}, ByteCount{64_MiB}})
    for (const std::uint64_t pieces : {1U, 1998U, 1999U, 2000U, 3999U, 40'000U, 65'000U})
      for (const ByteCount contents :
           {ByteCount{pieces * (512_KiB).value}, ByteCount{pieces * (16_MiB).value}}) {
        const auto layout = PieceLayout::for_tree(manifest, contents);
        if (!layout) continue;
        BOOST_CHECK(*PieceLayout::for_size(layout->size()) == *layout);
        const ByteCount begin = content_begin(*layout, manifest);
        BOOST_TEST((begin + contents).value == layout->size().value);
        BOOST_TEST(begin.value % layout->piece_length().value == 0U);
        BOOST_CHECK(begin >= manifest && begin.value < manifest.value + layout->piece_length().value);
      }
  BOOST_CHECK(!PieceLayout::for_tree(64_MiB, 1024_MiB + ByteCount{1023ULL << 30U}));
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
