#include "peer/bitfield.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

BOOST_AUTO_TEST_SUITE(bitfield)

BOOST_AUTO_TEST_CASE(the_first_piece_is_the_highest_bit) {
  Bitfield pieces(10);
  pieces.set(0_piece);
  pieces.set(9_piece);
  BOOST_TEST((pieces.bytes() == Bytes{0x80, 0x40}));
}

BOOST_AUTO_TEST_CASE(what_is_sent_is_read_back) {
  for (const std::uint32_t size : {0U, 1U, 7U, 8U, 9U, 63U, 64U, 65U, 128U, 1000U}) {
    Bitfield pieces(size);
    for (std::uint32_t i = 0; i < size; i += 3) pieces.set({i});
    const auto parsed = Bitfield::parse(pieces.bytes(), size);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_CHECK(*parsed == pieces);
    BOOST_TEST(pieces.bytes().size() == (size + 7) / 8);
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_length_or_a_spare_bit_is_refused) {
  BOOST_CHECK(!Bitfield::parse(Bytes{0xff}, 9));
  BOOST_CHECK(!Bitfield::parse(Bytes{0xff, 0x80, 0x00}, 9));
  BOOST_CHECK(Bitfield::parse(Bytes{0xff, 0x80}, 9));
  BOOST_CHECK(!Bitfield::parse(Bytes{0xff, 0xc0}, 9));
  BOOST_CHECK(!Bitfield::parse(Bytes{0xff, 0x81}, 9));
  BOOST_CHECK(!Bitfield::parse(Bytes{0x00}, 0));
}

BOOST_AUTO_TEST_CASE(counts_and_lists) {
  for (const std::uint32_t size : {1U, 64U, 65U, 130U}) {
    const Bitfield full = Bitfield::full(size);
    BOOST_TEST(full.count() == size);
    BOOST_TEST(full.all());
    BOOST_TEST(!full.none());
    std::uint32_t next = 0;
    full.for_each([&](PieceIndex piece) { BOOST_TEST(piece.value == next++); });
    BOOST_TEST(next == size);
  }
  Bitfield pieces(70);
  BOOST_TEST(pieces.none());
  pieces.set(69_piece);
  BOOST_TEST(pieces.has(69_piece));
  BOOST_TEST(!pieces.has(68_piece));
  pieces.reset(69_piece);
  BOOST_TEST(pieces.none());
  BOOST_TEST(Bitfield(0).all());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
