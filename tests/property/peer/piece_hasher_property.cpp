#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "actors/random.hpp"
#include "peer/piece_hasher.hpp"

namespace tutti {
namespace {

/// Random bytes are not needed: blocks that differ in one letter show a wrong order as well.
Bytes block_of(const PieceLayout& layout, BlockIndex block) {
  Bytes bytes(layout.block_length(0_piece, block).value, 0);
  bytes.front() = static_cast<std::uint8_t>('a' + block.value);
  return bytes;
}

BOOST_AUTO_TEST_SUITE(piece_hasher_property)

BOOST_AUTO_TEST_CASE(any_order_any_copies_any_bound_of_memory_make_the_same_piece) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const PieceLayout layout({1 + random.below((4_MiB).value)}, 4_MiB);
    const std::uint32_t count = layout.block_count(0_piece);
    PairHasher digester;
    std::vector<BlockIndex> order;
    for (BlockIndex block; block.value < count; ++block) {
      digester.update(block_of(layout, block));
      order.push_back(block);
      if (random.chance(1, 4)) order.push_back(block);
    }
    random.shuffle(order);
    const std::uint64_t room = random.below(3 * block_size.value);
    PieceHasher hasher(layout, 0_piece, digester.finish());
    WholeChain whole(layout, Bitfield(1));
    std::vector<std::uint64_t> first_sources;
    for (const BlockIndex block : order) {
      const std::uint64_t source = 1 + random.below(2);
      const bool known = hasher.has(block);
      const ByteCount left{room - std::min(room, hasher.kept_bytes().value)};
      const auto added = hasher.add(block, Payload::own(block_of(layout, block)), source, left, whole);
      BOOST_REQUIRE(hasher.kept_bytes().value <= room);
      BOOST_REQUIRE((added == PieceHasher::Added::duplicate) == known);
      while (const auto wanted = hasher.to_read_back()) hasher.read_back(block_of(layout, *wanted), whole);
      if (!known && std::find(first_sources.begin(), first_sources.end(), source) == first_sources.end())
        first_sources.push_back(source);
    }
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_REQUIRE(hasher.complete());
      BOOST_TEST(hasher.finish_matches());
      BOOST_TEST(hasher.sources() == first_sources, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
