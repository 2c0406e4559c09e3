#include "peer/extent_map.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

namespace tutti {

BOOST_AUTO_TEST_SUITE(extent_map)

BOOST_AUTO_TEST_CASE(every_byte_is_where_a_naive_model_has_it) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<TreeEntry> entries;
    for (unsigned i = 0; i < random() % 9; ++i) {
      const bool directory = random() % 4 == 0;
      entries.push_back(
          {std::string(1, static_cast<char>('a' + i)), directory, false, {directory ? 0 : random() % 5}});
    }
    const Manifest manifest = *Manifest::of(entries);
    const std::uint64_t head = random() % 6;
    const ExtentMap map(manifest, {head});
    std::vector<std::pair<std::size_t, std::uint64_t>> bytes(head,
                                                             {SIZE_MAX, 0});  // entry and offset of each
    for (std::size_t i = 0; i < manifest.entries().size(); ++i)
      for (std::uint64_t at = 0; at < manifest.entries()[i].size.value; ++at) bytes.emplace_back(i, at);
    BOOST_TEST(map.size().value == bytes.size());
    for (std::uint64_t begin = 0; begin <= bytes.size(); ++begin)
      for (std::uint64_t length = 0; begin + length <= bytes.size() + 2; ++length) {
        std::uint64_t next = std::max(begin, head);
        map.for_each_run({begin}, {length}, [&](const ExtentMap::Run& run) {
          BOOST_TEST_REQUIRE(run.length.value > 0u);
          for (std::uint64_t i = 0; i < run.length.value; ++i, ++next) {
            BOOST_TEST_REQUIRE(begin + run.at.value + i == next);
            BOOST_TEST_REQUIRE(bytes.at(next).first == run.entry);
            BOOST_TEST_REQUIRE(bytes.at(next).second == run.offset.value + i);
          }
          return true;
        });
        BOOST_TEST_REQUIRE(
            next == std::max(std::max(begin, head), std::min<std::uint64_t>(begin + length, bytes.size())));
      }
  }
}

BOOST_AUTO_TEST_CASE(whoever_has_enough_is_told_no_more) {
  const Manifest manifest = *Manifest::of({{"a", false, false, {3}}, {"b", false, false, {3}}});
  int runs = 0;
  ExtentMap(manifest, {1}).for_each_run({0}, {7}, [&](const ExtentMap::Run&) { return ++runs < 1; });
  BOOST_TEST(runs == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tutti
