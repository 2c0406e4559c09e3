#include "peer/manifest.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

namespace tutti {
namespace {

TreeEntry file(std::string path, std::uint64_t size = 1, bool executable = false) {
  return {std::move(path), false, executable, {size}};
}
TreeEntry folder(std::string path) { return {std::move(path), true, false, {}}; }

/// An entry as the format says, whatever it says.
struct Raw {
  std::uint8_t flags = 0;
  std::size_t shared = 0;
  std::string rest;
  std::vector<std::uint8_t> size = {1};
};
Bytes bytes_of(const std::vector<Raw>& entries) {
  const std::string_view magic = "tutti-tree-1\n";
  Bytes bytes(magic.begin(), magic.end());
  for (const Raw& entry : entries) {
    bytes.push_back(entry.flags);
    bytes.push_back(static_cast<std::uint8_t>(entry.shared));
    if (entry.rest.size() >= 0x80) bytes.push_back(static_cast<std::uint8_t>(entry.rest.size() | 0x80U));
    bytes.push_back(
        static_cast<std::uint8_t>(entry.rest.size() >= 0x80 ? entry.rest.size() >> 7U : entry.rest.size()));
    bytes.insert(bytes.end(), entry.rest.begin(), entry.rest.end());
    if ((entry.flags & 1U) == 0) bytes.insert(bytes.end(), entry.size.begin(), entry.size.end());
  }
  return bytes;
}
/// What is wrong with it, if its sizes are said to come to `contents`.
std::string refusal(const Bytes& bytes, std::uint64_t contents) {
  Fault fault;
  return Manifest::decode(bytes, {contents}, fault) ? "" : std::string(fault);
}
std::string refusal(const std::vector<Raw>& entries) {
  std::uint64_t contents = 0;
  for (const Raw& entry : entries)
    if ((entry.flags & 1U) == 0) contents += entry.size.front();
  return refusal(bytes_of(entries), contents);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manifest)

BOOST_AUTO_TEST_CASE(comes_back_as_it_was) {
  const auto manifest =
      Manifest::of({file("b/x", 300, true), file("a", 0), folder("b/empty"), file("b.txt", 1U << 20U)});
  BOOST_REQUIRE(manifest.has_value());
  // Names are sorted, not characters: what is in b stands before b.txt.
  const std::vector<TreeEntry> sorted{file("a", 0), folder("b/empty"), file("b/x", 300, true),
                                      file("b.txt", 1U << 20U)};
  BOOST_TEST((manifest->entries() == sorted));
  BOOST_TEST(manifest->contents().value == 300u + (1U << 20U));
  Fault fault;
  const auto again = Manifest::decode(manifest->encode(), manifest->contents(), fault);
  BOOST_REQUIRE_MESSAGE(again.has_value(), fault);
  BOOST_TEST((again->entries() == manifest->entries()));
}

BOOST_AUTO_TEST_CASE(is_the_same_whatever_the_order) {
  std::vector<TreeEntry> entries;
  for (int i = 0; i < 50; ++i)
    entries.push_back(file("d" + std::to_string(i % 7) + "/f" + std::to_string(i)));
  const Bytes once = Manifest::of(entries)->encode();
  std::mt19937 random(5);
  std::shuffle(entries.begin(), entries.end(), random);
  BOOST_TEST((Manifest::of(entries)->encode() == once));
}

BOOST_AUTO_TEST_CASE(nothing_at_all_is_a_directory_too) {
  const auto manifest = Manifest::of({});
  BOOST_REQUIRE(manifest.has_value());
  BOOST_TEST(refusal(manifest->encode(), 0) == "");
}

BOOST_AUTO_TEST_CASE(paths_that_lead_elsewhere_are_refused) {
  for (const std::string path :
       {"..", "../x", "a/..", "a/../b", ".", "./a", "a/.", "/etc/passwd", "a//b", "a/", "", "/"})
    BOOST_TEST(refusal({{0, 0, path}}) != "", path);
  for (const std::string path : {"a\nb", "a\x1b[2J", "a\x7f", "\xc2\x9b", "\xff", "a\xc0\xaf"})
    BOOST_TEST(refusal({{0, 0, path}}) != "", path);
  using namespace std::string_literals;
  BOOST_TEST(refusal({{0, 0, "a\0b"s}}) != "");
  for (const std::string path :
       {"a", "..a", "a..", "...", ".hidden", "~", "~backup", "dir/~$letter", "Ω/歌", "a b"})
    BOOST_TEST(refusal({{0, 0, path}}) == "", path);
}

BOOST_AUTO_TEST_CASE(names_have_255_bytes_at_most_and_paths_an_end) {
  BOOST_TEST(refusal({{0, 0, std::string(255, 'a')}}) == "");
  BOOST_TEST(refusal({{0, 0, std::string(256, 'a')}}) != "");
  BOOST_TEST(refusal({{0, 0, "~" + std::string(254, 'a')}}) == "");
  BOOST_TEST(refusal({{0, 0, "~" + std::string(255, 'a')}}) != "");
  std::string deep = "x";
  for (std::size_t i = 1; i < Manifest::depth_max; ++i) deep += "/x";
  BOOST_TEST(refusal({{0, 0, deep}}) == "");
  BOOST_TEST(refusal({{0, 0, deep + "/x"}}) != "");
  BOOST_TEST((Manifest::path_fault(std::string(Manifest::path_bytes_max + 1, 'x')) != ""));
}

BOOST_AUTO_TEST_CASE(what_is_twice_out_of_order_or_below_a_file_is_refused) {
  BOOST_TEST(refusal({{0, 0, "a"}, {0, 0, "b"}}) == "");
  BOOST_TEST(refusal({{0, 0, "a"}, {0, 1, ""}}) != "");
  BOOST_TEST(refusal({{0, 0, "b"}, {0, 0, "a"}}) != "");
  BOOST_TEST(refusal({{0, 0, "a"}, {0, 1, "/b"}}) == "a path leads through a file");
  BOOST_TEST(refusal({{1, 0, "a"}, {0, 1, "/b"}}) == "a path leads through a file");
  // Between the two stands what else begins like the first.
  BOOST_TEST(refusal({{0, 0, "a"}, {0, 1, ".b"}, {0, 1, "/c"}}) == "its paths are not in order");
  BOOST_TEST(!Manifest::of({file("a"), file("a/b")}));
  BOOST_TEST(!Manifest::of({folder("a"), file("a/b/c"), file("a.b")}));
  BOOST_TEST(!Manifest::of({file("a"), folder("a")}));
}

BOOST_AUTO_TEST_CASE(what_it_unfolds_to_is_bounded) {
  // Each entry is some bytes in the manifest and 4,000 in memory.
  std::string stem;
  while (stem.size() + 200 < Manifest::path_bytes_max) stem += std::string(199, 'x') + "/";
  std::vector<Raw> entries{{0, 0, stem + "00000", {0}}};
  const auto number = [](std::size_t i) {
    const std::string digits = std::to_string(i);
    return std::string(5 - digits.size(), '0') + digits;
  };
  Bytes bytes = bytes_of(entries);
  const std::size_t count = Manifest::all_paths_bytes_max / (stem.size() + 5);
  for (std::size_t i = 1; i <= count; ++i) {
    const std::string before = number(i - 1);
    const std::string now = number(i);
    std::size_t same = 0;
    while (before[same] == now[same]) ++same;
    const std::size_t shared = stem.size() + same;
    bytes.insert(bytes.end(), {0, static_cast<std::uint8_t>(shared | 0x80U),
                               static_cast<std::uint8_t>(shared >> 7U), static_cast<std::uint8_t>(5 - same)});
    bytes.insert(bytes.end(), now.begin() + static_cast<std::ptrdiff_t>(same), now.end());
    bytes.push_back(0);
  }
  BOOST_TEST(bytes.size() < (1U << 20U));
  BOOST_TEST(refusal(bytes, 0) == "its paths are too long together");
  // Directories that are only implied count.
  std::string below;
  for (std::size_t i = 1; i < Manifest::depth_max; ++i) below += "x/";
  std::vector<TreeEntry> deep;
  for (std::size_t i = 0; i <= Manifest::entries_max / Manifest::depth_max; ++i)
    deep.push_back(file(number(i) + "/" + below.substr(2) + "f"));
  BOOST_TEST(!Manifest::of(deep));
  deep.resize(deep.size() - 1);
  BOOST_TEST(Manifest::of(std::move(deep)).has_value());
}

BOOST_AUTO_TEST_CASE(sizes_have_to_add_up) {
  const Bytes bytes = Manifest::of({file("a", 5), file("b", 7)})->encode();
  BOOST_TEST(refusal(bytes, 12) == "");
  BOOST_TEST(refusal(bytes, 11) == "the sizes of its files do not add up");
  BOOST_TEST(refusal(bytes, 13) == "the sizes of its files do not add up");
  // Neither can they be made to by going round.
  const std::vector<std::uint8_t> huge{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
  BOOST_TEST(refusal(bytes_of({{0, 0, "a", huge}, {0, 0, "b", huge}, {0, 0, "c", {2}}}), 0) != "");
}

BOOST_AUTO_TEST_CASE(there_is_one_way_to_write_it) {
  BOOST_TEST(refusal(bytes_of({{0, 0, "ab"}, {0, 0, "ac"}}), 2) ==
             "it is written in another way than it should be");
  BOOST_TEST(refusal(bytes_of({{0, 0, "a", {0x81, 0x00}}}), 1) ==
             "it is written in another way than it should be");
  BOOST_TEST(refusal({{4, 0, "a"}}) == "it has entries of an unknown kind");
  BOOST_TEST(refusal({{3, 0, "a"}}) == "a directory has no content");
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused_and_harms_nobody) {
  const Bytes good = Manifest::of({file("a/b", 5), folder("c"), file("d", 200, true)})->encode();
  for (std::size_t length = 0; length < good.size(); ++length)
    BOOST_TEST(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)), 205) != "");
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = good;
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    Fault fault;
    const auto manifest = Manifest::decode(bytes, {205}, fault);
    if (!manifest) continue;
    BOOST_TEST((manifest->encode() == bytes));
    for (const TreeEntry& entry : manifest->entries()) BOOST_TEST(Manifest::path_fault(entry.path) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tutti
