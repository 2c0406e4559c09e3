#include "peer/glob.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <random>
#include <string>

namespace tutti {
namespace {

bool matches(std::string_view pattern, std::string_view path) { return Glob(pattern).matches(path); }

/// The same by trying everything, for `a`, `/`, `?`, `*`, `**` and `**/`.
bool tries(std::string_view pattern, std::string_view path, bool at_begin) {
  if (pattern.empty()) return path.empty() || path.front() == '/';
  if (at_begin && pattern.starts_with("**/")) {
    if (tries(pattern.substr(3), path, true)) return true;
    for (std::size_t i = 1; i < path.size(); ++i)
      if (path[i] == '/' && tries(pattern.substr(3), path.substr(i + 1), true)) return true;
    return false;
  }
  if (pattern.front() == '*') {
    const bool all = pattern.starts_with("**");
    for (std::size_t i = 0;; ++i) {
      if (tries(pattern.substr(all ? 2 : 1), path.substr(i), false)) return true;
      if (i == path.size() || (!all && path[i] == '/')) return false;
    }
  }
  if (path.empty() || (pattern.front() == '?' ? path.front() == '/' : pattern.front() != path.front()))
    return false;
  return tries(pattern.substr(1), path.substr(1), pattern.front() == '/');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(glob)

BOOST_AUTO_TEST_CASE(what_the_characters_mean) {
  BOOST_TEST(matches("a.txt", "a.txt"));
  BOOST_TEST(!matches("a.txt", "b.txt"));
  BOOST_TEST(!matches("a.txt", "d/a.txt"));
  BOOST_TEST(matches("*.txt", "a.txt"));
  BOOST_TEST(!matches("*.txt", "d/a.txt"));
  BOOST_TEST(matches("**/*.txt", "a.txt"));
  BOOST_TEST(matches("**/*.txt", "d/e/a.txt"));
  BOOST_TEST(!matches("**/a", "ba"));
  BOOST_TEST(matches("d/**", "d/e/f"));
  BOOST_TEST(matches("d**f", "d/e/f"));
  BOOST_TEST(matches("?", "歌"));
  BOOST_TEST(!matches("?", "ab"));
  BOOST_TEST(!matches("a?b", "a/b"));
  BOOST_TEST(matches("[a-c]x", "bx"));
  BOOST_TEST(!matches("[a-c]x", "dx"));
  BOOST_TEST(matches("[!a-c]x", "dx"));
  BOOST_TEST(!matches("[!a-c]x", "bx"));
  BOOST_TEST(!matches("[!a]", "/"));
  BOOST_TEST(matches("[]]", "]"));
  BOOST_TEST(matches("[-a]", "-"));
  BOOST_TEST(matches("[α-ω]", "λ"));
  BOOST_TEST(matches("[ab", "[ab"));
  BOOST_TEST(!matches("", "a"));
}

BOOST_AUTO_TEST_CASE(a_directory_means_all_that_is_in_it) {
  BOOST_TEST(matches("d", "d/e/f"));
  BOOST_TEST(matches("d/", "d/e/f"));
  BOOST_TEST(matches("./d/", "d/e/f"));
  BOOST_TEST(matches("d/*", "d/e/f"));
  BOOST_TEST(!matches("d", "da"));
  BOOST_TEST(!matches("d/e", "d"));
}

BOOST_AUTO_TEST_CASE(agrees_with_trying_everything) {
  std::mt19937 random(9);
  const auto draw = [&](std::string_view from, unsigned length) {
    std::string text;
    for (auto i = random() % length + 1; i > 0; --i) text += from[random() % from.size()];
    return text;
  };
  for (int round = 0; round < 30'000; ++round) {
    const std::string pattern = "a" + draw("aab/?**", 8) + "a";
    const std::string path = "a" + draw("aab/", 9) + "a";
    BOOST_TEST_CONTEXT(pattern << " " << path)
    BOOST_TEST(matches(pattern, path) == tries(pattern, path, true));
  }
}

BOOST_AUTO_TEST_CASE(many_stars_take_no_time) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  BOOST_TEST(!matches(pattern + "b", std::string(3000, 'a')));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tutti
