// Runs what fuzzers have collected through their targets, and changed copies of it: what was found once stays found.

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/target.hpp"

using namespace tutti;

namespace {

std::vector<std::filesystem::path> corpus_of(std::string_view target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TUTTI_TESTS_DIR) +
                                                               "/fuzz/corpus/" + std::string(target)))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Bytes content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A few bytes are others, gone, or there twice.
Bytes changed(Bytes bytes, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
    const auto at = static_cast<std::ptrdiff_t>(bytes.empty() ? 0 : random() % bytes.size());
    const auto length = std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(1 + random() % 8),
                                                 static_cast<std::ptrdiff_t>(bytes.size()) - at);
    switch (random() % 4) {
      case 0:
        if (!bytes.empty())
          bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << random() % 8);
        break;
      case 1: bytes.erase(bytes.begin() + at, bytes.begin() + at + length); break;
      case 2: {
        const Bytes run(bytes.begin() + at, bytes.begin() + at + length);
        bytes.insert(bytes.begin() + at, run.begin(), run.end());
        break;
      }
      default: bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(random()));
    }
  }
  return bytes;
}

void replay(const fuzz::Target& target) {
  constexpr std::uint64_t copies_of_all = 1000;
  const std::vector<std::filesystem::path> files = corpus_of(target.name);
  BOOST_TEST_REQUIRE(!files.empty());
  const std::uint64_t copies = std::max<std::uint64_t>(5, copies_of_all / files.size());
  for (const std::filesystem::path& file : files) {
    const Bytes bytes = content_of(file);
    BOOST_TEST_MESSAGE(file.filename().string());
    target.run(bytes);
    std::mt19937_64 random(bytes.size());  // NOLINT(cert-msc51-cpp): the same each time
    for (std::uint64_t n = 0; n < copies; ++n) target.run(changed(bytes, random));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_collected_holds_every_law) {
  BOOST_TEST(fuzz::targets().size() >= 15U);
  for (const fuzz::Target& target : fuzz::targets()) {
    BOOST_TEST_CONTEXT(target.name) { replay(target); }
  }
}
