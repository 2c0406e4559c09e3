#include "shell/key_assembler.hpp"

#include <boost/test/unit_test.hpp>

#include "shell/terminal_console.hpp"

namespace tutti {
namespace {

std::vector<std::string> keys_of(KeyAssembler& keys) {
  std::vector<std::string> result;
  for (std::string key = keys.take(); !key.empty(); key = keys.take()) result.push_back(key);
  return result;
}

using Texts = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(keys)

BOOST_AUTO_TEST_CASE(bytes_become_whole_keys) {
  KeyAssembler keys;
  keys.add(
      "aü\x1b[A\x1bOH\x1b"
      "b\x1b[1;5C\r");
  BOOST_TEST(keys_of(keys) == (Texts{"a", "ü", "\x1b[A", "\x1bOH",
                                     "\x1b"
                                     "b",
                                     "\x1b[1;5C", "\r"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_unfinished_key_waits_wherever_it_is_cut) {
  const std::string text = "ü日\x1b[3~\x1bOAx";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    KeyAssembler keys;
    keys.add(text.substr(0, cut));
    Texts got = keys_of(keys);
    keys.add(text.substr(cut));
    for (const std::string& key : keys_of(keys)) got.push_back(key);
    BOOST_TEST(got == (Texts{"ü", "日", "\x1b[3~", "\x1bOA", "x"}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(noise_never_blocks_what_follows) {
  KeyAssembler keys;
  keys.add(
      "\xff\xc3"
      "a");
  BOOST_TEST(keys_of(keys).back() == "a");
  keys.add("\x1b[" + std::string(100, '0'));
  keys_of(keys);
  keys.add("b");
  const Texts got = keys_of(keys);
  BOOST_REQUIRE(!got.empty());
  BOOST_TEST(got.back() == "b");
}

BOOST_AUTO_TEST_CASE(a_control_character_is_never_swallowed) {
  for (const std::string begun : {"\x1b", "\x1b[", "\x1b[1;", "\x1bO", "\xc3", "\xe6\x97"}) {
    KeyAssembler keys;
    keys.add(begun + "\x03");
    BOOST_TEST(keys_of(keys).back() == "\x03");
  }
  KeyAssembler keys;
  keys.add("typed\x03 ahead\x03x");
  BOOST_TEST(keys.drop_through('\x03'));
  BOOST_TEST(!keys.drop_through('\x03'));
  BOOST_TEST(keys.take() == "x");
}

BOOST_AUTO_TEST_CASE(cursor_keys_become_what_the_editor_knows) {
  BOOST_TEST(editor_key("\x1b[A") == "\x10");
  BOOST_TEST(editor_key("\x1bOD") == "\x02");
  BOOST_TEST(editor_key("\x1b[H") == "\x01");
  BOOST_TEST(editor_key("\x1b[1;5D") ==
             "\x1b"
             "b");
  BOOST_TEST(editor_key("\x1b[99~").empty());
  BOOST_TEST(editor_key("ü") == "ü");
  BOOST_TEST(editor_key("\x1b"
                        "f") ==
             "\x1b"
             "f");
}

BOOST_AUTO_TEST_CASE(lists_fill_the_width) {
  BOOST_TEST(in_columns({"aa", "bb", "cc", "dd"}, 8) == "aa  cc\nbb  dd\n");
  BOOST_TEST(in_columns({"aa", "bb"}, 1) == "aa\nbb\n");
  BOOST_TEST(in_columns({"a\x1b"}, 80) == "a\\x1b\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
