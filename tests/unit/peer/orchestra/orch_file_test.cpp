#include "peer/orchestra/orch_file.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <string>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(orch_file)

namespace {

std::string bytes_of(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13U);
  return bytes;
}

/// What a composer makes of `content`, given in pieces of `step` bytes.
std::string composed(const std::string& content, std::uint64_t part_size, std::size_t step) {
  OrchComposer composer("127.0.0.1:9999", "./f.bin", {content.size()}, {part_size});
  std::string text = composer.head();
  for (std::size_t i = 0; i < content.size(); i += step)
    text += composer.add(view_of(std::string_view(content).substr(i, step)));
  const auto end = composer.finish();
  BOOST_REQUIRE(end);
  text += end->last_line;
  return text.replace(composer.whole_at(), end->whole.size(), end->whole);
}

/// The same from the definition, all of it at once.
std::string defined(const std::string& content, std::size_t part_size) {
  std::string lines;
  std::size_t count = 0;
  for (std::size_t i = 0; i < content.size(); i += part_size, ++count)
    lines += sha1(view_of(std::string_view(content).substr(i, part_size))).hex() + "\n";
  return "127.0.0.1:9999\n./f.bin\n" + sha1(view_of(content)).hex() + "\n" + std::to_string(content.size()) +
         "\n" + std::to_string(part_size) + "\n" + std::to_string(count) + "\n" + lines;
}

/// A file of 40 bytes in parts of 16.
std::string sample() { return composed(bytes_of(40), 16, 7); }

/// The sample with line `number` (from 1) changed.
std::string with_line(std::size_t number, const std::string& line) {
  std::string text = sample();
  std::size_t begin = 0;
  for (std::size_t i = 1; i < number; ++i) begin = text.find('\n', begin) + 1;
  return text.replace(begin, text.find('\n', begin) - begin, line);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_read_is_written_again_byte_for_byte) {
  for (const std::size_t size : {0U, 1U, 16U, 40U}) {
    const std::string text = composed(bytes_of(size), 16, 7);
    const OrchParsed parsed = parse_orch(text);
    BOOST_REQUIRE(parsed);
    BOOST_TEST(orch_text(parsed.file) == text);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_file_has_no_parts) {
  BOOST_TEST(composed("", 16384, 1) ==
             "127.0.0.1:9999\n./f.bin\nda39a3ee5e6b4b0d3255bfef95601890afd80709\n0\n16384\n0\n");
}

BOOST_AUTO_TEST_CASE(what_is_composed_is_what_the_definition_says_however_the_bytes_come) {
  BOOST_TEST(rc::check([] {
    const auto size = *rc::gen::inRange<std::size_t>(0, 300);
    const auto part = *rc::gen::inRange<std::size_t>(1, 70);
    const auto step = *rc::gen::inRange<std::size_t>(1, 90);
    const std::string content = bytes_of(size);
    RC_ASSERT(composed(content, part, step) == defined(content, part));
  }));
}

BOOST_AUTO_TEST_CASE(what_is_composed_is_read_back) {
  const OrchParsed parsed = parse_orch(sample());
  BOOST_TEST(parsed.fault == "");
  BOOST_TEST(parsed.file.conductor == "127.0.0.1:9999");
  BOOST_TEST(parsed.file.name == "./f.bin");
  BOOST_TEST(parsed.file.size.value == 40U);
  BOOST_TEST(parsed.file.part_size.value == 16U);
  BOOST_REQUIRE(parsed.file.parts.size() == 3U);
  const std::string content = bytes_of(40);
  BOOST_TEST(parsed.file.parts[2].hex() == sha1(view_of(std::string_view(content).substr(32))).hex());
}

BOOST_AUTO_TEST_CASE(a_file_that_was_written_on_windows_is_read) {
  std::string text;
  for (const char c : sample()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  BOOST_TEST(bool(parse_orch(text)));
  BOOST_TEST((parse_orch(text).file == parse_orch(sample()).file));
  text.resize(text.size() - 2);
  BOOST_TEST((parse_orch(text).file == parse_orch(sample()).file));
}

BOOST_AUTO_TEST_CASE(a_file_whose_bytes_are_more_or_fewer_than_it_was_is_not_composed) {
  OrchComposer fewer("h:1", "f", {3}, {2});
  fewer.add(view_of("ab"));
  BOOST_TEST(!fewer.finish());
  OrchComposer more("h:1", "f", {3}, {2});
  more.add(view_of("abcd"));
  BOOST_TEST(!more.finish());
}

BOOST_AUTO_TEST_CASE(a_wrong_line_is_named_with_its_number) {
  const auto fails_at = [](std::size_t number, const std::string& line) {
    return parse_orch(with_line(number, line)).fault_line == number;
  };
  for (const char* conductor :
       {"", "localhost", "a:1,b:2", "[::1]:9999", "h:0", "h:65536", "h:x", ":9999", "-h:1", "h h:1"})
    BOOST_TEST(fails_at(1, conductor), conductor);
  for (const char* name :
       {"", "/etc/passwd", "../f", "a/../../f", "a/..", "..", ".", "./", "a/.", "a/", "a\tb", "a\x1b[2J"})
    BOOST_TEST(fails_at(2, name), name);
  BOOST_TEST(fails_at(2, std::string(257, 'x')));
  for (const char* digest :
       {"", "None", "da39a3ee5e6b4b0d3255bfef95601890afd8070", "zz39a3ee5e6b4b0d3255bfef95601890afd80709"}) {
    BOOST_TEST(fails_at(3, digest), digest);
    BOOST_TEST(fails_at(8, digest), digest);
  }
  for (const char* number : {"", "-1", "4x", "0x10", "99999999999999999999"}) {
    BOOST_TEST(fails_at(4, number), number);
    BOOST_TEST(fails_at(5, number), number);
    BOOST_TEST(fails_at(6, number), number);
  }
  BOOST_TEST(fails_at(5, "0"));
  BOOST_TEST(fails_at(6, "2"));
  BOOST_TEST(fails_at(6, "4"));
  BOOST_TEST(fails_at(6, "18446744073709551615"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_short_or_goes_on_is_refused) {
  const std::string text = sample();
  BOOST_TEST(parse_orch("").fault_line == 1U);
  BOOST_TEST(parse_orch("h:1\nf\nNone\n").fault_line == 3U);
  BOOST_TEST(parse_orch(text.substr(0, text.size() - 41)).fault_line == 9U);
  BOOST_TEST(parse_orch(text + "0\n").fault_line == 10U);
  BOOST_TEST(bool(parse_orch(text + "\n \n")));
}

BOOST_AUTO_TEST_CASE(names_in_the_folder_and_below_it_are_good) {
  for (const char* name : {"f.bin", "./x.bin", "files/z.zip", ".\\x.pdf", "..f", "a..b/c", "übung.pdf"})
    BOOST_TEST(orch_name_fault(name) == "", name);
}

BOOST_AUTO_TEST_SUITE_END()
