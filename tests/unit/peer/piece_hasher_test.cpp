#include "peer/piece_hasher.hpp"

#include <boost/test/unit_test.hpp>

#include "peer/metainfo_builder.hpp"

namespace tutti {
namespace {

/// A file of one piece of 4 blocks (the last one 5 bytes long) whose block i is full of the letter 'a' + i.
struct FourBlocks {
  PieceLayout layout{ByteCount{3 * block_size.value + 5}, 2_MiB};
  std::vector<Bytes> blocks;
  DigestPair digests;

  FourBlocks() {
    PairHasher digester;
    for (BlockIndex block; block.value < 4; ++block) {
      blocks.emplace_back(layout.block_length(0_piece, block).value,
                          static_cast<std::uint8_t>('a' + block.value));
      digester.update(blocks.back());
    }
    digests = digester.finish();
  }
  Payload payload(BlockIndex block) const { return Payload::own(blocks[block.value]); }
  PieceHasher hasher() const { return {layout, 0_piece, digests}; }

  WholeChain whole{layout, Bitfield(1)};
};

using Added = PieceHasher::Added;
constexpr ByteCount plenty = 2_MiB;

BOOST_FIXTURE_TEST_SUITE(piece_hasher, FourBlocks)

BOOST_AUTO_TEST_CASE(blocks_in_order_are_hashed_as_they_come) {
  PieceHasher piece = hasher();
  for (BlockIndex block; block.value < 4; ++block) {
    BOOST_TEST(!piece.complete());
    BOOST_CHECK(piece.add(block, payload(block), 7, 0_bytes, whole) == Added::hashed);
  }
  BOOST_TEST(piece.complete());
  BOOST_TEST(piece.finish_matches());
  BOOST_TEST(piece.sources() == std::vector<std::uint64_t>{7});
}

BOOST_AUTO_TEST_CASE(blocks_that_come_early_wait_for_their_turn) {
  PieceHasher piece = hasher();
  BOOST_CHECK(piece.add(3_block, payload(3_block), 1, plenty, whole) == Added::kept);
  BOOST_CHECK(piece.add(1_block, payload(1_block), 2, plenty, whole) == Added::kept);
  BOOST_CHECK(piece.add(0_block, payload(0_block), 1, plenty, whole) == Added::hashed);
  BOOST_CHECK(!piece.to_read_back());
  BOOST_CHECK(piece.add(2_block, payload(2_block), 3, plenty, whole) == Added::hashed);
  BOOST_TEST(piece.complete());
  BOOST_TEST(piece.finish_matches());
  BOOST_TEST(piece.sources() == (std::vector<std::uint64_t>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_into_memory_is_read_back_in_its_turn) {
  PieceHasher piece = hasher();
  BOOST_CHECK(piece.add(2_block, payload(2_block), 1, block_size, whole) == Added::kept);
  BOOST_CHECK(piece.add(1_block, payload(1_block), 1, block_size - 1_bytes, whole) == Added::not_kept);
  BOOST_TEST(piece.kept_bytes().value == block_size.value);
  BOOST_CHECK(!piece.to_read_back());
  BOOST_CHECK(piece.add(0_block, payload(0_block), 1, 0_bytes, whole) == Added::hashed);
  BOOST_CHECK(piece.to_read_back() == 1_block);
  piece.read_back(blocks[1], whole);
  BOOST_TEST(piece.kept_bytes().value == 0U);
  BOOST_CHECK(!piece.to_read_back());
  BOOST_CHECK(piece.add(3_block, payload(3_block), 1, 0_bytes, whole) == Added::hashed);
  BOOST_TEST(piece.finish_matches());
}

BOOST_AUTO_TEST_CASE(a_second_copy_is_not_used) {
  PieceHasher piece = hasher();
  piece.add(0_block, payload(0_block), 1, 0_bytes, whole);
  BOOST_CHECK(piece.add(0_block, payload(1_block), 2, 0_bytes, whole) == Added::duplicate);
  piece.add(2_block, payload(2_block), 1, 0_bytes, whole);
  BOOST_CHECK(piece.add(2_block, payload(2_block), 2, 0_bytes, whole) == Added::duplicate);
  BOOST_TEST(piece.sources() == std::vector<std::uint64_t>{1});
}

BOOST_AUTO_TEST_CASE(one_wrong_byte_is_found) {
  PieceHasher piece = hasher();
  blocks[2][100] ^= 1;
  for (BlockIndex block; block.value < 4; ++block) piece.add(block, payload(block), 1, plenty, whole);
  BOOST_TEST(!piece.finish_matches());
}

BOOST_AUTO_TEST_CASE(both_digests_must_be_right) {
  for (const bool first : {true, false}) {
    DigestPair wrong = digests;
    (first ? wrong.sha1.bytes[0] : wrong.sha256.bytes[0]) ^= 1;
    PieceHasher piece(layout, 0_piece, wrong);
    for (BlockIndex block; block.value < 4; ++block) piece.add(block, payload(block), 1, plenty, whole);
    BOOST_TEST(!piece.finish_matches());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(metainfo_builder)

BOOST_AUTO_TEST_CASE(digests_in_any_order_make_a_sound_metainfo) {
  const PieceLayout layout(1200_KiB, 512_KiB);
  MetainfoBuilder builder({"song.flac"}, layout);
  const auto digests_of = [](std::string_view text) {
    return DigestPair{sha1(view_of(text)), sha256(view_of(text))};
  };
  builder.add_piece(2_piece, digests_of("two"));
  builder.add_piece(0_piece, digests_of("zero"));
  builder.set_whole(sha1(view_of("whole")));
  BOOST_TEST(builder.missing() == 1U);
  BOOST_TEST(!builder.complete());
  builder.add_piece(1_piece, digests_of("one"));
  BOOST_TEST(builder.complete());

  const Metainfo metainfo = builder.build();
  BOOST_TEST(metainfo.fault() == "");
  BOOST_TEST(metainfo.name.text == "song.flac");
  BOOST_CHECK(PieceLayout(metainfo) == layout);
  BOOST_CHECK(expected_digests(metainfo, 1_piece) == digests_of("one"));
  BOOST_CHECK(metainfo.sha1 == sha1(view_of("whole")));
}

BOOST_AUTO_TEST_CASE(an_empty_file_needs_only_its_whole_digest) {
  MetainfoBuilder builder({"empty"}, *PieceLayout::for_size(0_bytes));
  BOOST_TEST(!builder.complete());
  builder.set_whole(sha1({}));
  BOOST_TEST(builder.complete());
  BOOST_TEST(builder.build().fault() == "");
}

BOOST_AUTO_TEST_CASE(another_name_or_content_is_another_file) {
  MetainfoBuilder builder({"a"}, *PieceLayout::for_size(0_bytes));
  builder.set_whole(sha1({}));
  const Metainfo metainfo = builder.build();
  Metainfo renamed = metainfo;
  renamed.name.text = "b";
  Metainfo changed = metainfo;
  changed.sha1 = sha1(view_of("x"));
  BOOST_CHECK(fid_of(metainfo) == fid_of(builder.build()));
  BOOST_CHECK(fid_of(metainfo) != fid_of(renamed));
  BOOST_CHECK(fid_of(metainfo) != fid_of(changed));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
