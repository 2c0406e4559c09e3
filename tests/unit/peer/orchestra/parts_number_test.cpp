#include "peer/orchestra/parts_number.hpp"

#include <boost/test/unit_test.hpp>

#include "actors/random.hpp"

using namespace tutti;

BOOST_AUTO_TEST_SUITE(parts_number)

namespace {

/// By hand, digit by digit.
std::string slowly(const Bitfield& pieces) {
  std::string digits = "0";  // the lowest first
  for (std::uint32_t bit = pieces.size() + 1; bit-- > 0;) {
    int carry = bit == pieces.size() || pieces.has({bit}) ? 1 : 0;
    for (char& digit : digits) {
      const int twice = 2 * (digit - '0') + carry;
      digit = static_cast<char>('0' + twice % 10);
      carry = twice / 10;
    }
    if (carry > 0) digits += '1';
  }
  return {digits.rbegin(), digits.rend()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(numbers_of_the_wire_sample_and_of_none_and_all_of_nine_parts) {
  Bitfield three(3);
  BOOST_TEST(PartsNumber(3).text(three) == "8");
  BOOST_TEST(PartsNumber(3).text(Bitfield::full(3)) == "15");
  three.set(0_piece);
  BOOST_TEST(PartsNumber(3).text(three) == "9");  // part 1 is the lowest bit
  BOOST_TEST(PartsNumber(9).text(Bitfield::full(9)) == "1023");
  BOOST_TEST(PartsNumber(0).text(Bitfield(0)) == "1");
}

BOOST_AUTO_TEST_CASE(any_list_comes_back_and_is_what_it_is_by_hand) {
  Random random(1);
  for (const std::uint32_t parts : {1U, 8U, 9U, 63U, 64U, 65U, 1700U, 1702U, 3401U, 6803U, 14283U}) {
    PartsNumber number(parts);
    for (int i = 0; i < 4; ++i) {
      Bitfield pieces(parts);
      for (PieceIndex piece; piece.value < parts; ++piece)
        if (random.chance(static_cast<std::uint64_t>(i), 3)) pieces.set(piece);
      const std::string text = number.text(pieces);
      BOOST_TEST(text == slowly(pieces));
      BOOST_TEST(text.size() <= parts_digits_max(parts));
      const auto back = from_parts_number(text, parts);
      BOOST_REQUIRE(back);
      BOOST_TEST((*back == pieces));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_list_of_so_many_parts_is_none) {
  for (const std::string_view wrong : {"", "7", "16", "0", "-8", "+8", " 8", "8 ", "8.", "eight", "99999999"})
    BOOST_TEST(!from_parts_number(wrong, 3), wrong);
  BOOST_TEST(from_parts_number("08", 3).has_value());  // as int() reads it
  BOOST_TEST(!from_parts_number("511", 9));            // the document's number, which no program sends
}

BOOST_AUTO_TEST_SUITE_END()
