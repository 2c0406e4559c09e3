#include "shell/words.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> texts;
  for (const Word& word : split_words(line).words) texts.push_back(word.text);
  return texts;
}

using Texts = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(words)

BOOST_AUTO_TEST_CASE(splits_at_blanks_and_resolves_quotes) {
  BOOST_TEST(words_of("login alice secret") == (Texts{"login", "alice", "secret"}),
             boost::test_tools::per_element());
  BOOST_TEST(words_of("  a\t b  \r") == (Texts{"a", "b"}), boost::test_tools::per_element());
  BOOST_TEST(words_of("up 'my file' \"x \\\" y\" a\\ b") == (Texts{"up", "my file", "x \" y", "a b"}),
             boost::test_tools::per_element());
  BOOST_TEST(words_of("a'b c'd \"e\"f") == (Texts{"ab cd", "ef"}), boost::test_tools::per_element());
  BOOST_TEST(words_of("a '' \"\"") == (Texts{"a", "", ""}), boost::test_tools::per_element());
  BOOST_TEST(words_of("'\\n' \"\\n\"") == (Texts{"\\n", "\\n"}), boost::test_tools::per_element());
  BOOST_TEST(words_of("").empty());
  BOOST_TEST(words_of("   ").empty());
}

BOOST_AUTO_TEST_CASE(a_hash_begins_a_comment_only_at_the_start_of_a_word) {
  BOOST_TEST(words_of("# all of it").empty());
  BOOST_TEST(words_of("list_groups  # what is there").size() == 1U);
  BOOST_TEST(words_of("create_group a#b") == (Texts{"create_group", "a#b"}),
             boost::test_tools::per_element());
  BOOST_TEST(words_of("upload '#1' \\#2") == (Texts{"upload", "#1", "#2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_open_quote_or_backslash_is_a_fault) {
  BOOST_TEST(split_words("a 'b").fault == "a quote is open: '");
  BOOST_TEST(split_words("a \"b").fault == "a quote is open: \"");
  BOOST_TEST(!split_words("a \\").fault.empty());
  BOOST_TEST(split_words("a \\\\").fault.empty());
}

BOOST_AUTO_TEST_CASE(what_is_quoted_comes_back_as_one_word) {
  for (const std::string text :
       {"plain", "two words", "it's", "say \"hi\"", "back\\slash", "#1", "a;b", "", "ümlaut"}) {
    const Words split = split_words(quote_word(text));
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(split.fault.empty());
      BOOST_REQUIRE_EQUAL(split.words.size(), 1U);
      BOOST_TEST(split.words[0].text == text);
    }
    for (const char quote : {'\'', '"'}) {
      const std::string line = quote + quote_word(text, quote) + quote;
      BOOST_REQUIRE_EQUAL(split_words(line).words.size(), 1U);
      BOOST_TEST(split_words(line).words[0].text == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_word_under_the_cursor) {
  const UnfinishedWord typed = split_unfinished("download_file lab \"my fi");
  BOOST_TEST(typed.before.size() == 2U);
  BOOST_TEST(typed.word.text == "my fi");
  BOOST_TEST(typed.word.begin == 18U);
  BOOST_TEST(typed.quote == '"');
  BOOST_TEST(split_unfinished("login ").before.size() == 1U);
  BOOST_TEST(split_unfinished("login ").word.begin == 6U);
  BOOST_TEST(split_unfinished("").word.begin == 0U);
}

BOOST_AUTO_TEST_CASE(commands_are_divided_outside_of_quotes) {
  BOOST_TEST(split_commands("a 1; b '2;3' ;c\nd") == (Texts{"a 1", " b '2;3' ", "c", "d"}),
             boost::test_tools::per_element());
  BOOST_TEST(split_commands("a # it's; x\nb") == (Texts{"a # it's; x", "b"}),
             boost::test_tools::per_element());
  BOOST_TEST(split_commands("a\\;b") == (Texts{"a\\;b"}), boost::test_tools::per_element());
  BOOST_TEST(split_commands("") == (Texts{""}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(home) {
  BOOST_TEST(expand_home("~/x y", "/home/a") == "/home/a/x y");
  BOOST_TEST(expand_home("~", "/home/a") == "/home/a");
  BOOST_TEST(expand_home("~bob/x", "/home/a") == "~bob/x");
  BOOST_TEST(expand_home("a/~/b", "/home/a") == "a/~/b");
  BOOST_TEST(expand_home("~/x", "") == "~/x");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
