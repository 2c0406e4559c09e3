#include "peer/orchestra/orch_words.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(orch_words)

namespace {

/// Three parts, the last one of 2 bytes.
const PieceLayout layout({10}, {4});

struct Heard {
  std::vector<OrchMessage> messages;
  std::string data;  ///< of all parts, one after the other
  std::string fault;
};

Heard hear(std::string_view text, std::size_t step, const PieceLayout& of = layout) {
  OrchParser parser(of);
  Heard heard;
  for (std::size_t at = 0; at < text.size(); at += step) {
    parser.feed(view_of(text.substr(at, step)));
    for (;;) {
      const auto next = parser.next();
      if (const auto* message = std::get_if<OrchMessage>(&next)) {
        heard.messages.push_back(*message);
      } else if (const auto* data = std::get_if<OrchData>(&next)) {
        heard.data.append(data->bytes.begin(), data->bytes.end());
      } else {
        break;
      }
    }
  }
  heard.fault = parser.fault();
  return heard;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_wire_sample_is_understood_however_it_is_cut) {
  const std::string text = orch_down("small.bin", "S") + orch_send_head("small.bin", "S") + "15\r\n" +
                           orch_strt_head("small.bin", "S", 1_piece) + "DOWN" +
                           orch_strt_head("small.bin", "S", 2_piece) + "\r\n" +
                           orch_part("small.bin", "S", 0_piece) + orch_none("small.bin", "S", 0);
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const Heard heard = hear(text, step);
    BOOST_REQUIRE(heard.fault.empty());
    BOOST_REQUIRE(heard.messages.size() == 6U);
    BOOST_TEST((heard.messages[0].word == OrchWord::down && heard.messages[0].name == "small.bin"));
    BOOST_TEST((heard.messages[1].word == OrchWord::send && heard.messages[1].number == "15"));
    BOOST_TEST((heard.messages[2].word == OrchWord::strt && heard.messages[2].part == 2U));
    BOOST_TEST((heard.messages[3].word == OrchWord::strt && heard.messages[3].part == 3U));
    BOOST_TEST((heard.messages[4].word == OrchWord::part && heard.messages[4].part == 1U));
    BOOST_TEST((heard.messages[5].word == OrchWord::none && heard.messages[5].part == 0U));
    BOOST_TEST(heard.data == "DOWN\r\n");
  }
}

BOOST_AUTO_TEST_CASE(what_is_written_is_what_originals_write) {
  BOOST_TEST(orch_down("f", "s") == "DOWN\r\nf\r\ns\r\n");
  BOOST_TEST(orch_part("f", "s", 0_piece) == "PART\r\nf\r\ns\r\n1\r\n");
  BOOST_TEST(orch_strt_head("f", "s", 8_piece) == "STRT\r\nf\r\ns\r\n9\r\n");
  BOOST_TEST(orch_none("f", "s", 0) == "NONE\r\nf\r\ns\r\n0\r\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_understood_is_a_fault) {
  for (const std::string_view wrong :
       {"UPLD\r\n", "DOWNXYZ", "GET / HTTP/1.1\r\n", "STRT\r\nf\r\ns\r\n0\r\n", "STRT\r\nf\r\ns\r\n4\r\n",
        "PART\r\nf\r\ns\r\nmany\r\n", "PART\r\nf\r\ns\r\n-1\r\n", "NONE\r\nf\r\ns\r\n\r\n",
        "SEND\r\nf\r\ns\r\n123456", "PART\r\nf\r\ns\r\n12345678901234567890123"})
    for (const std::size_t step : {std::size_t{1}, wrong.size()})
      BOOST_TEST(!hear(wrong, step).fault.empty(), wrong);
}

BOOST_AUTO_TEST_CASE(a_line_costs_no_more_than_it_may) {
  const std::string endless(2 * OrchParser::line_max, 'x');
  BOOST_TEST(!hear("DOWN\r\n" + endless, 100).fault.empty());
  BOOST_TEST(!hear("DOWN\r\nf\r\n" + endless, 100).fault.empty());
  BOOST_TEST(hear("DOWN\r\n" + std::string(OrchParser::line_max, 'x') + "\r\ns\r\n", 7).messages.size() ==
             1U);
}

BOOST_AUTO_TEST_CASE(lines_end_with_both_and_nothing_else) {
  CrlfLines lines;
  const std::string text = "a\rb\nc\r\nd\r\n";
  ByteView bytes = view_of(text);
  BOOST_TEST(lines.take(bytes, 100).value() == "a\rb\nc");
  BOOST_TEST(lines.take(bytes, 100).value() == "d");
  BOOST_TEST(!lines.take(bytes, 100));
}

BOOST_AUTO_TEST_CASE(a_file_without_parts_has_none_to_come) {
  BOOST_TEST(!hear("STRT\r\nf\r\ns\r\n1\r\n", 99, PieceLayout({0}, {4})).fault.empty());
  BOOST_TEST(hear("SEND\r\nf\r\ns\r\n1\r\n", 99, PieceLayout({0}, {4})).messages.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
