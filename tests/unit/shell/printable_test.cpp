#include "shell/printable.hpp"

#include <boost/test/unit_test.hpp>
#include <clocale>

#include "shell/suggest.hpp"
#include "shell/table.hpp"

namespace tutti {
namespace {

/// Widths of characters are those of the locale.
struct Utf8 {
  Utf8() { BOOST_REQUIRE(std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr); }
};

BOOST_FIXTURE_TEST_SUITE(printables, Utf8)

BOOST_AUTO_TEST_CASE(nothing_steers_the_terminal) {
  BOOST_TEST(printable("plain ümlaut 日本") == "plain ümlaut 日本");
  BOOST_TEST(printable("\x1b[31mred\n") == "\\x1b[31mred\\x0a");
  BOOST_TEST(printable("a\x7f") == "a\\x7f");
  BOOST_TEST(printable("\xc2\x9b"
                       "2J") == "\\x9b2J");
  BOOST_TEST(printable("exe\xe2\x80\xaegpj.") == "exe\\u202egpj.");
  BOOST_TEST(printable("zero\xe2\x80\x8bwidth") == "zero\\u200bwidth");
  BOOST_TEST(printable("bad\xff\xc3") == "bad\\xff\\xc3");
  BOOST_TEST(printable(std::string("a\0b", 3)) == "a\\x00b");
}

BOOST_AUTO_TEST_CASE(every_byte_pair_comes_out_harmless) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      for (const char c : printable(text))
        BOOST_REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_cursor_goes_down_with_what_is_typed) {
  BOOST_TEST(rows_down("", 10) == 0U);
  BOOST_TEST(rows_down("123456789", 10) == 0U);
  BOOST_TEST(rows_down("1234567890", 10) == 1U);
  BOOST_TEST(rows_down("1234567890123456789", 10) == 1U);
  // Four to a row of nine columns; the last column stays empty.
  BOOST_TEST(rows_down("日本語日本語日", 9) == 1U);
  BOOST_TEST(rows_down("日本語日本語日本語日本語日本語日本", 9) == 4U);
}

BOOST_AUTO_TEST_CASE(sentences_are_broken_at_blanks) {
  BOOST_TEST(wrapped("one two three", 0, 4) == "one two three");
  BOOST_TEST(wrapped("one two three", 13, 0) == "one two three");
  BOOST_TEST(wrapped("one two three", 12, 0) == "one two\nthree");
  BOOST_TEST(wrapped("a      one two three", 14, 7) == "a      one two\n       three");
  BOOST_TEST(wrapped("incomprehensibilities are long", 8, 2) == "incomprehensibilities\n  are\n  long");
  BOOST_TEST(wrapped("日本 日本", 8, 0) == "日本\n日本");
  BOOST_TEST(wrapped("", 8, 0) == "");
}

BOOST_AUTO_TEST_CASE(sizes_rates_and_times) {
  BOOST_TEST(human_size(0_bytes) == "0 B");
  BOOST_TEST(human_size(1023_bytes) == "1023 B");
  BOOST_TEST(human_size(1024_bytes) == "1 KiB");
  BOOST_TEST(human_size(512_KiB) == "512 KiB");
  BOOST_TEST(human_size({1536}) == "1.5 KiB");
  BOOST_TEST(human_size({1048575}) == "1 MiB");
  BOOST_TEST(human_size({(1ULL << 40U) * 3}) == "3 TiB");
  BOOST_TEST(human_size({UINT64_MAX}) == "16 EiB");
  BOOST_TEST(human_rate(1048576) == "1 MiB/s");
  BOOST_TEST(human_time(std::chrono::seconds(59)) == "59 s");
  BOOST_TEST(human_time(std::chrono::seconds(185)) == "3 min 05 s");
  BOOST_TEST(human_time(std::chrono::seconds(7800)) == "2 h 10 min");
  BOOST_TEST(human_time(std::chrono::seconds(90000)) == "more than a day");
}

BOOST_AUTO_TEST_CASE(a_hundred_percent_is_all) {
  BOOST_TEST(percent(0_bytes, 0_bytes) == 100U);
  BOOST_TEST(percent(999_bytes, 1000_bytes) == 99U);
  BOOST_TEST(percent(1000_bytes, 1000_bytes) == 100U);
  BOOST_TEST(percent({UINT64_MAX / 2}, {UINT64_MAX}) == 50U);
  BOOST_TEST(percent({UINT64_MAX - 1}, {UINT64_MAX}) == 99U);
}

BOOST_AUTO_TEST_CASE(distances) {
  BOOST_TEST(edit_distance("", "") == 0U);
  BOOST_TEST(edit_distance("", "abc") == 3U);
  BOOST_TEST(edit_distance("kitten", "sitting") == 3U);
  BOOST_TEST(edit_distance("lgoin", "login") == 1U);
}

BOOST_AUTO_TEST_CASE(suggestions) {
  const std::vector<std::string> words{"login", "logout", "list_groups", "list_files", "quit"};
  BOOST_TEST(did_you_mean("lgoin", words) == "login");
  BOOST_TEST(did_you_mean("list_group", words) == "list_groups");
  BOOST_TEST(did_you_mean("list_fi", words) == "list_files");
  BOOST_TEST(did_you_mean("LIST_GROUPS", words) == "list_groups");
  BOOST_TEST(did_you_mean("Login", words) == "login");
  BOOST_TEST(did_you_mean("xyzzy", words) == "");
  BOOST_TEST(did_you_mean("", words) == "");
  BOOST_TEST(did_you_mean(std::string(100000, 'a'), words) == "");
  // A slip in a beginning, if there is but one that it can be.
  const std::vector<std::string> longer{"download_file", "show_downloads", "Show_downloads",
                                        "list_groups",   "list_files",     "set"};
  BOOST_TEST(did_you_mean("downlod", longer) == "download_file");
  BOOST_TEST(did_you_mean("Donwload", longer) == "download_file");
  BOOST_TEST(did_you_mean("shwo", longer) == "show_downloads");
  BOOST_TEST(did_you_mean("lsit", longer) == "");
  BOOST_TEST(did_you_mean("sh", longer) == "");
}

BOOST_AUTO_TEST_CASE(tables) {
  Table table({"file", "size"});
  table.add({"a", "1 B"});
  table.add({"longer\n", "12 KiB"});
  BOOST_TEST(table.aligned() == "file        size\na           1 B\nlonger\\x0a  12 KiB\n");
  BOOST_TEST(table.first_column() == "a\nlonger\\x0a\n");
  BOOST_TEST(table.separated() == "a 1 B\nlonger\\x0a 12 KiB\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
