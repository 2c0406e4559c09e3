#include <boost/test/unit_test.hpp>

#include "actors/digest.hpp"
#include "actors/random.hpp"
#include "actors/sha_blocks.hpp"

namespace {

using namespace tutti;

Bytes random_bytes(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

BOOST_AUTO_TEST_SUITE(digest_pair)

BOOST_AUTO_TEST_CASE(the_published_examples_come_out) {
  PairHasher hasher;
  hasher.update(view_of("abc"));
  const DigestPair abc = hasher.finish();
  BOOST_TEST(abc.sha1.hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
  BOOST_TEST(abc.sha256.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const DigestPair nothing = hasher.finish();
  BOOST_TEST(nothing.sha1.hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  BOOST_TEST(nothing.sha256.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

BOOST_AUTO_TEST_CASE(every_length_around_blocks_is_what_openssl_says) {
  Random random(7);
  PairHasher hasher;
  PairHasher portable = PairHasher::portable();
  for (std::size_t size = 0; size < 300; ++size) {
    const Bytes bytes = random_bytes(random, size);
    hasher.update(bytes);
    portable.update(bytes);
    const DigestPair expected{sha1(bytes), sha256(bytes)};
    BOOST_TEST((hasher.finish() == expected), "interleaved, size " << size);
    BOOST_TEST((portable.finish() == expected), "portable, size " << size);
  }
}

BOOST_AUTO_TEST_CASE(how_the_bytes_are_cut_does_not_matter) {
  Random random(11);
  const Bytes bytes = random_bytes(random, 200'000);
  const DigestPair expected{sha1(bytes), sha256(bytes)};
  for (int round = 0; round < 50; ++round) {
    PairHasher hasher;
    PairHasher portable = PairHasher::portable();
    for (ByteView rest(bytes); !rest.empty();) {
      const std::size_t size =
          std::min<std::size_t>(rest.size(), random.below(random.chance(1, 2) ? 130 : 40'000));
      hasher.update(rest.first(size));
      portable.update(rest.first(size));
      rest = rest.subspan(size);
    }
    BOOST_TEST((hasher.finish() == expected));
    BOOST_TEST((portable.finish() == expected));
  }
}

BOOST_AUTO_TEST_CASE(a_companion_goes_along_with_some_of_what_the_pair_hashes) {
  Random random(13);
  for (int round = 0; round < 60; ++round) {
    PairHasher pair = random.chance(1, 4) ? PairHasher::portable() : PairHasher();
    CompanionSha1 companion = random.chance(1, 4) ? CompanionSha1::portable() : CompanionSha1();
    Bytes all;
    Bytes longer;
    for (int part = 0; part < 20; ++part) {
      // Mostly whole blocks, as in a file; sometimes anything. Each also gets bytes of its own.
      const Bytes bytes =
          random_bytes(random, random.chance(1, 5) ? random.below(300) : 64 * random.below(40));
      const auto what = random.below(4);
      if (what != 0) all.insert(all.end(), bytes.begin(), bytes.end());
      if (what != 1) longer.insert(longer.end(), bytes.begin(), bytes.end());
      if (what == 0) {
        companion.update(bytes);
      } else if (what == 1) {
        pair.update(bytes);
      } else {
        pair.update_with(companion, bytes);
      }
    }
    BOOST_TEST((pair.finish() == DigestPair{sha1(all), sha256(all)}), "round " << round);
    BOOST_TEST((companion.finish() == sha1(longer)), "round " << round);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_companion_is_a_state_to_go_back_to) {
  for (CompanionSha1 companion : {CompanionSha1(), CompanionSha1::portable()}) {
    companion.update(view_of("good, "));
    const CompanionSha1 before = companion;
    companion.update(view_of("and this was wrong"));
    companion = before;
    companion.update(view_of("and this is right"));
    BOOST_TEST((companion.finish() == sha1(view_of("good, and this is right"))));
    BOOST_TEST((companion.finish() == sha1({})));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
