#include "messages/names.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdint>

using namespace tutti;

namespace {

/// Encodes as UTF-8 does, also what UTF-8 forbids.
std::string encode(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | (point >> 6)), byte(0x80 | (point & 0x3f))};
  if (point < 0x10000)
    return {byte(0xe0 | (point >> 12)), byte(0x80 | ((point >> 6) & 0x3f)), byte(0x80 | (point & 0x3f))};
  return {byte(0xf0 | (point >> 18)), byte(0x80 | ((point >> 12) & 0x3f)), byte(0x80 | ((point >> 6) & 0x3f)),
          byte(0x80 | (point & 0x3f))};
}

/// The well-formed sequences as the Unicode standard's table 3-7 lists them.
bool is_in_table(const std::string& text) {
  const auto in = [&](std::size_t at, unsigned low, unsigned high) {
    return at < text.size() && static_cast<unsigned char>(text[at]) >= low &&
           static_cast<unsigned char>(text[at]) <= high;
  };
  const auto tail = [&](std::size_t at) { return in(at, 0x80, 0xbf); };
  switch (text.size()) {
    case 1: return in(0, 0x00, 0x7f);
    case 2: return in(0, 0xc2, 0xdf) && tail(1);
    case 3:
      return ((in(0, 0xe0, 0xe0) && in(1, 0xa0, 0xbf)) || (in(0, 0xe1, 0xec) && tail(1)) ||
              (in(0, 0xed, 0xed) && in(1, 0x80, 0x9f)) || (in(0, 0xee, 0xef) && tail(1))) &&
             tail(2);
    case 4:
      return ((in(0, 0xf0, 0xf0) && in(1, 0x90, 0xbf)) || (in(0, 0xf1, 0xf3) && tail(1)) ||
              (in(0, 0xf4, 0xf4) && in(1, 0x80, 0x8f))) &&
             tail(2) && tail(3);
    default: return false;
  }
}

std::string string_of(std::initializer_list<unsigned> bytes) {
  std::string text;
  for (const unsigned byte : bytes) text += static_cast<char>(static_cast<unsigned char>(byte));
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(every_code_point_is_utf8_but_surrogates) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (is_utf8(encode(point)) == surrogate) BOOST_ERROR("code point " << point);
  }
  BOOST_TEST(!is_utf8(encode(0x110000)));
  BOOST_TEST(!is_utf8(encode(0x1fffff)));
}

BOOST_AUTO_TEST_CASE(every_one_and_two_byte_sequence_agrees_with_the_table) {
  for (unsigned first = 0; first < 256; ++first) {
    BOOST_TEST(is_utf8(string_of({first})) == is_in_table(string_of({first})));
    for (unsigned second = 0; second < 256; ++second) {
      const std::string text = string_of({first, second});
      const bool two_of_one = first < 0x80 && second < 0x80;
      if (is_utf8(text) != (two_of_one || is_in_table(text)))
        BOOST_ERROR("bytes " << first << ", " << second);
    }
  }
}

BOOST_AUTO_TEST_CASE(longer_sequences_agree_with_the_table) {
  constexpr std::array<unsigned, 6> edges{0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
  for (unsigned first = 0xe0; first < 256; ++first)
    for (unsigned second = 0; second < 256; ++second)
      for (const unsigned third : edges) {
        const std::string three = string_of({first, second, third});
        if (is_utf8(three) != is_in_table(three))
          BOOST_ERROR("bytes " << first << ' ' << second << ' ' << third);
        for (const unsigned fourth : edges) {
          const std::string four = three + string_of({fourth});
          const bool three_and_one = is_in_table(three) && fourth < 0x80;
          if (is_utf8(four) != (three_and_one || is_in_table(four)))
            BOOST_ERROR("bytes " << first << ' ' << second << ' ' << third << ' ' << fourth);
        }
      }
}

BOOST_AUTO_TEST_CASE(overlong_forms_are_refused) {
  BOOST_TEST(!is_utf8(string_of({0xc0, 0xaf})));              // '/'
  BOOST_TEST(!is_utf8(string_of({0xe0, 0x80, 0xaf})));        // '/'
  BOOST_TEST(!is_utf8(string_of({0xf0, 0x80, 0x80, 0xaf})));  // '/'
  BOOST_TEST(!is_utf8(string_of({0xc1, 0xbf})));
  BOOST_TEST(!is_utf8(string_of({0xf8, 0x88, 0x80, 0x80, 0x80})));
}

BOOST_AUTO_TEST_CASE(an_account_name_has_only_its_characters) {
  const std::string first_ok = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  for (unsigned c = 0; c < 256; ++c) {
    const char character = static_cast<char>(static_cast<unsigned char>(c));
    const bool inside = first_ok.find(character) != std::string::npos || c == '.' || c == '-';
    const bool first = first_ok.find(character) != std::string::npos;
    BOOST_TEST(account_name_fault(std::string("a") + character).empty() == inside, "inside: " << c);
    BOOST_TEST(account_name_fault(std::string{character}).empty() == first, "first: " << c);
  }
}

BOOST_AUTO_TEST_CASE(an_account_name_has_1_to_64_characters) {
  BOOST_TEST(!account_name_fault("").empty());
  BOOST_TEST(account_name_fault(std::string(64, 'a')).empty());
  BOOST_TEST(account_name_fault(std::string(65, 'a')) == "a name has at most 64 characters");
}

BOOST_AUTO_TEST_CASE(a_file_name_is_any_printable_utf8) {
  for (const std::string_view name : {"a", "Große Fuge.flac", "歌 一.txt", "🎻", "a b", "-rf", ".hidden", "a~",
                                      "...", "a\\b", "\"quoted\"", "..a"})
    BOOST_TEST(file_name_fault(name).empty(), name);
}

BOOST_AUTO_TEST_CASE(a_file_name_never_is_a_path) {
  for (const std::string_view name : {"", ".", "..", "/", "a/b", "../x", "~", "~root", "a/"})
    BOOST_TEST(!file_name_fault(name).empty(), name);
  BOOST_TEST(!file_name_fault(string_of({0xc0, 0xaf})).empty());
}

BOOST_AUTO_TEST_CASE(a_file_name_holds_no_control_character) {
  for (std::uint32_t point = 0; point <= 0x2ff; ++point) {
    const bool control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
    if (point == '/') continue;
    BOOST_TEST(file_name_fault("a" + encode(point)).empty() == !control, "code point " << point);
  }
}

BOOST_AUTO_TEST_CASE(a_file_name_has_1_to_255_bytes) {
  BOOST_TEST(file_name_fault(std::string(255, 'a')).empty());
  BOOST_TEST(!file_name_fault(std::string(256, 'a')).empty());
  std::string two_byte_characters;
  for (int i = 0; i < 127; ++i) two_byte_characters += "é";
  BOOST_TEST(file_name_fault(two_byte_characters).empty());
  BOOST_TEST(!file_name_fault(two_byte_characters + "é").empty());
}

BOOST_AUTO_TEST_SUITE_END()
