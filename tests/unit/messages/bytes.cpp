#include "messages/bytes.hpp"

#include <boost/test/unit_test.hpp>
#include <unordered_set>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(bytes)

BOOST_AUTO_TEST_CASE(every_byte_has_two_digits_and_comes_back) {
  for (unsigned value = 0; value < 256; ++value) {
    const Bytes one{static_cast<std::uint8_t>(value)};
    const std::string digits = to_hex(one);
    BOOST_TEST(digits.size() == 2);
    BOOST_CHECK(from_hex(digits) == one);
  }
  BOOST_TEST(to_hex(Bytes{0x00, 0x0f, 0xa5, 0xff}) == "000fa5ff");
  BOOST_TEST(to_hex({}).empty());
}

BOOST_AUTO_TEST_CASE(capitals_are_read) { BOOST_CHECK(from_hex("0AfF") == (Bytes{0x0a, 0xff})); }

BOOST_AUTO_TEST_CASE(what_is_no_pair_of_digits_is_refused) {
  for (const std::string_view text : {"0", "abc", "0g", "g0", "0x", " 0", "é", "-1"})
    BOOST_TEST(!from_hex(text).has_value(), text);
  BOOST_CHECK(from_hex("") == Bytes{});
}

BOOST_AUTO_TEST_CASE(every_character_is_a_digit_or_refused) {
  for (unsigned c = 0; c < 256; ++c) {
    const std::string text{static_cast<char>(c), '0'};
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    BOOST_TEST(from_hex(text).has_value() == digit, "character " << c);
  }
}

BOOST_AUTO_TEST_CASE(fixed_bytes_compare_as_their_bytes) {
  const Gid low = Gid::from(Bytes(16, 1));
  const Gid high = Gid::from(Bytes(16, 2));
  BOOST_CHECK(low < high);
  BOOST_TEST(Gid{}.is_zero());
  BOOST_TEST(!low.is_zero());
  BOOST_TEST(low.hex() == "01010101010101010101010101010101");
  BOOST_TEST((std::unordered_set<Gid>{low, high, low}).size() == 2);
}

BOOST_AUTO_TEST_CASE(a_list_of_digests_is_one_run_of_bytes) {
  DigestList<Sha1> list;
  BOOST_TEST(list.empty());
  const Sha1 first = Sha1::from(Bytes(20, 1));
  const Sha1 second = Sha1::from(Bytes(20, 2));
  list.push_back(first);
  list.push_back(second);
  BOOST_TEST(list.size() == 2);
  BOOST_CHECK(list[0] == first);
  BOOST_CHECK(list[1] == second);
  BOOST_TEST(list.fault().empty());
  list.run.pop_back();
  BOOST_TEST(list.fault() == "a list of digests is cut short");
}

BOOST_AUTO_TEST_SUITE_END()
