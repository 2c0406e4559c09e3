#include "messages/text.hpp"

#include <boost/test/unit_test.hpp>

#include "messages/client_tracker.hpp"
#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"

using namespace tutti;

namespace {

template <Message M>
std::string fault_of_text(std::string_view text) {
  M message;
  std::string fault;
  const bool read = from_text(text, message, fault);
  BOOST_TEST(read == fault.empty());
  return fault;
}

template <Message M>
M read_text(std::string_view text) {
  M message;
  std::string fault;
  BOOST_TEST(from_text(text, message, fault), text << ": " << fault);
  return message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(a_message_is_one_line) {
  BOOST_TEST(to_text(JoinGroup{{"lab"}}) == R"(JoinGroup{group: "lab"})");
  BOOST_TEST(to_text(Done{}) == "Done{}");
  BOOST_TEST(
      to_text(Told{{7}, Refused{Code::no_such_group, "no"}, false, ""}) ==
      R"(Told{command: 7, what: Refused{code: no_such_group, sentence: "no"}, provisional: false, sentence: ""})");
}

BOOST_AUTO_TEST_CASE(lists_and_records_nest) {
  Members members;
  members.members = {{{"ann"}, true, false}, {{"bob"}, false, true}};
  BOOST_TEST(to_text(members) == R"(Members{members: [MemberRow{user: "ann", owner: true, online: false}, )"
                                 R"(MemberRow{user: "bob", owner: false, online: true}], more: false})");
  BOOST_CHECK(read_text<Members>(to_text(members)) == members);
  BOOST_CHECK(read_text<Members>("Members{members: [], more: true}") == (Members{{}, true}));
}

BOOST_AUTO_TEST_CASE(texts_are_escaped_so_that_a_terminal_is_safe) {
  const Refused odd{Code::other, "a\"b\\c\x1b[31m\n\x7f é"};
  const std::string text = to_text(odd);
  BOOST_TEST(text == "Refused{code: other, sentence: \"a\\\"b\\\\c\\x1b[31m\\x0a\\x7f é\"}");
  BOOST_CHECK(read_text<Refused>(text) == odd);
}

BOOST_AUTO_TEST_CASE(long_bytes_are_shortened_for_displays_only) {
  const FileOpened opened{{}, Bytes(600, 0xab)};
  BOOST_TEST(to_text(opened, 2) == "FileOpened{fid: x'0000…(16)', bitfield: x'abab…(600)'}");
  BOOST_TEST(!fault_of_text<FileOpened>(to_text(opened, 2)).empty());
  BOOST_CHECK(read_text<FileOpened>(to_text(opened)) == opened);
}

BOOST_AUTO_TEST_CASE(white_space_is_free) {
  BOOST_CHECK(read_text<JoinGroup>(" JoinGroup {\n group :\t\"lab\" } ") == (JoinGroup{{"lab"}}));
}

BOOST_AUTO_TEST_CASE(what_is_no_message_is_refused) {
  for (const std::string_view text :
       {"", "JoinGroup", "JoinGroup{", "JoinGroup{}", "JoinGroup{group}", "JoinGroup{group: }",
        "JoinGroup{group: lab}", "JoinGroup{group: \"lab\"", "JoinGroup{group: \"lab}",
        "JoinGroup{group: \"lab\"} x", "JoinGroup{grp: \"lab\"}", "LeaveGroup{group: \"lab\"}",
        "JoinGroup{group: \"lab\", more: 1}", "JoinGroup{group: \"\\x4\"}", "JoinGroup{group: 7}",
        "JoinGroup{group: \"a\\"})
    BOOST_TEST(!fault_of_text<JoinGroup>(text).empty(), text);
}

BOOST_AUTO_TEST_CASE(numbers_are_checked) {
  BOOST_TEST(fault_of_text<Present>("Present{token: x'00', count: 0, host: \"\", port: 1}") ==
             "an identifier or digest of another length");
  const std::string token = "token: x'" + std::string(64, '0') + "', ";
  BOOST_TEST(fault_of_text<Present>("Present{" + token + "count: 1, host: \"\", port: 65535}").empty());
  for (const std::string_view rest :
       {"count: 1, host: \"\", port: 65536}", "count: -1, host: \"\", port: 1}",
        "count: 1x, host: \"\", port: 1}", "count: 18446744073709551616, host: \"\", port: 1}",
        "count: , host: \"\", port: 1}"})
    BOOST_TEST(!fault_of_text<Present>("Present{" + token + std::string(rest)).empty(), rest);
}

BOOST_AUTO_TEST_CASE(signed_numbers_reach_both_ends) {
  const std::string before =
      "TrackerStatus{trackers: [TrackerRow{number: 1, endpoint: \"\", health: self, "
      "operations_behind: 0, last_heard: ";
  const std::string after = "}], users: 0, groups: 0, files: 0}";
  for (const std::string_view number : {"-9223372036854775808", "9223372036854775807", "-1", "0"})
    BOOST_TEST(to_text(read_text<TrackerStatus>(before + std::string(number) + after)) ==
               before + std::string(number) + after);
  BOOST_TEST(!fault_of_text<TrackerStatus>(before + "9223372036854775808" + after).empty());
  BOOST_TEST(!fault_of_text<TrackerStatus>(before + "-9223372036854775809" + after).empty());
}

BOOST_AUTO_TEST_CASE(symbols_are_read_by_name) {
  BOOST_TEST(fault_of_text<Refused>("Refused{code: whatever, sentence: \"\"}") ==
             "'whatever' is no symbol that may stand here");
  BOOST_CHECK(read_text<Refused>("Refused{code: timeout, sentence: \"\"}").code == Code::timeout);
}

BOOST_AUTO_TEST_CASE(a_choice_takes_its_options_only) {
  BOOST_CHECK(read_text<Ask>("Ask{command: 1, what: Logout{}}").what.get<Logout>() != nullptr);
  BOOST_TEST(fault_of_text<Ask>("Ask{command: 1, what: Done{}}") ==
             "not one of the messages that may stand here");
}

BOOST_AUTO_TEST_SUITE_END()
