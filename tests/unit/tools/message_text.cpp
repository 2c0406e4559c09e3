#include "shell/tools/message_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace tutti;

namespace {

bool fits(std::string_view pattern, std::string_view text, Bindings& bindings) {
  const TokenizedText cut_pattern = tokenize(pattern);
  const TokenizedText cut_text = tokenize(text);
  BOOST_TEST(cut_pattern.fault == "");
  BOOST_TEST(cut_text.fault == "");
  return matches(cut_pattern.tokens, cut_text.tokens, bindings);
}

bool fits(std::string_view pattern, std::string_view text) {
  Bindings bindings;
  return fits(pattern, text, bindings);
}

constexpr std::string_view told =
    R"(Told{command: 7, what: Refused{code: other, sentence: "a, b: }*"}, provisional: false, sentence: ""})";

}  // namespace

BOOST_AUTO_TEST_SUITE(message_text)

BOOST_AUTO_TEST_CASE(text_is_cut_into_tokens) {
  const auto tokens =
      tokenize(R"(A{b: [-1, x'0f'], c: "d\"e }", f: $g, h: @127.0.0.1:5000} + 3 bytes)").tokens;
  const std::vector<std::string> expected{
      "A", "{", "b", ":",  "[", "-1", ",", "x'0f'",           "]", ",", "c", ":",    R"("d\"e }")",
      ",", "f", ":", "$g", ",", "h",  ":", "@127.0.0.1:5000", "}", "+", "3", "bytes"};
  BOOST_TEST(tokens == expected, boost::test_tools::per_element());
  BOOST_TEST(!tokenize("\"open").fault.empty());
  BOOST_TEST(!tokenize("x'00").fault.empty());
}

BOOST_AUTO_TEST_CASE(a_name_alone_fits_every_message_of_that_name) {
  BOOST_TEST(fits("Told", told));
  BOOST_TEST(!fits("Done", told));
}

BOOST_AUTO_TEST_CASE(without_wildcards_everything_counts_but_white_space) {
  BOOST_TEST(fits(told, told));
  BOOST_TEST(fits("Done { }", "Done{}"));
  BOOST_TEST(!fits("Done{", "Done{}"));
  BOOST_TEST(!fits("A{b: 1}", "A{b: 2}"));
  BOOST_TEST(!fits("A{b: 1}", "A{b: 1, c: 2}"));
}

BOOST_AUTO_TEST_CASE(a_star_is_any_one_value) {
  BOOST_TEST(fits("Told{command: *, what: *, provisional: *, sentence: *}", told));
  BOOST_TEST(fits("Told{command: 7, what: Refused{code: *, sentence: *}, provisional: false, sentence: \"\"}",
                  told));
  BOOST_TEST(!fits("Told{command: *, what: *, provisional: true, sentence: *}", told));
  BOOST_TEST(!fits("Told{command: *, what: *}", told));
  BOOST_TEST(fits("A{b: *, c: 1}", "A{b: [1, [2, 3]], c: 1}"));
}

BOOST_AUTO_TEST_CASE(a_star_in_a_fields_place_is_all_the_rest) {
  BOOST_TEST(fits("Told{command: 7, *}", told));
  BOOST_TEST(fits("Told{*}", told));
  BOOST_TEST(!fits("Told{command: 8, *}", told));
  BOOST_TEST(fits("Told{command: 7, what: Refused{code: other, *}, *}", told));
  BOOST_TEST(fits("A{b: 1, *}", "A{b: 1}"));
  BOOST_TEST(fits("A{*}", "A{}"));
}

BOOST_AUTO_TEST_CASE(a_star_in_a_list_is_an_item_or_all_the_rest) {
  BOOST_TEST(fits("A{b: [1, *]}", "A{b: [1, 2, B{c: 3}]}"));
  BOOST_TEST(fits("A{b: [1, *]}", "A{b: [1]}"));
  BOOST_TEST(fits("A{b: [*]}", "A{b: []}"));
  BOOST_TEST(fits("A{b: [*, 2]}", "A{b: [1, 2]}"));
  BOOST_TEST(!fits("A{b: [*, 2]}", "A{b: [2]}"));
}

BOOST_AUTO_TEST_CASE(a_variable_remembers_and_then_insists) {
  Bindings bindings;
  BOOST_TEST(fits("A{b: $x, c: *}", "A{b: 5, c: 6}", bindings));
  BOOST_TEST(bindings.at("$x") == "5");
  BOOST_TEST(fits("A{b: 1, c: $x}", "A{b: 1, c: 5}", bindings));
  BOOST_TEST(!fits("A{b: 1, c: $x}", "A{b: 1, c: 6}", bindings));
  BOOST_TEST(fits("A{b: $list}", "A{b: [1, B{c: 2}]}", bindings));
  BOOST_TEST(bindings.at("$list") == "[1, B{c:2}]");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_binds_nothing) {
  Bindings bindings;
  BOOST_TEST(!fits("A{b: $x, c: 1}", "A{b: 5, c: 6}", bindings));
  BOOST_TEST(bindings.empty());
}

BOOST_AUTO_TEST_SUITE_END()
