#include "actors/digest.hpp"

#include <boost/test/unit_test.hpp>

namespace tutti {
namespace {

BOOST_AUTO_TEST_SUITE(digest)

// FIPS 180 examples.
BOOST_AUTO_TEST_CASE(published_vectors) {
  BOOST_TEST(sha1(view_of("abc")).hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
  BOOST_TEST(sha1({}).hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  BOOST_TEST(sha256(view_of("abc")).hex() ==
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(sha256({}).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

BOOST_AUTO_TEST_CASE(parts_make_the_same_digest_as_the_whole) {
  Sha1Hasher one;
  one.update(view_of("a"));
  one.update({});
  one.update(view_of("bc"));
  BOOST_TEST(one.finish().hex() == sha1(view_of("abc")).hex());
  Sha256Hasher two;
  two.update(view_of("ab"));
  two.update(view_of("c"));
  BOOST_TEST(two.finish().hex() == sha256(view_of("abc")).hex());
}

BOOST_AUTO_TEST_CASE(a_finished_hasher_is_as_new) {
  Sha1Hasher hasher;
  hasher.update(view_of("something else"));
  hasher.finish();
  hasher.update(view_of("abc"));
  BOOST_TEST(hasher.finish().hex() == sha1(view_of("abc")).hex());
}

// Ids are in files and on trackers: what makes them may never change.
BOOST_AUTO_TEST_CASE(ids_are_cut_from_a_digest_with_a_prefix_of_their_kind) {
  const auto cut = [](std::string_view text) { return sha256(view_of(text)).hex().substr(0, 32); };
  BOOST_TEST(fid_of_record(view_of("record")).hex() == cut("tutti-file-1record"));

  ClientKey client;
  client.bytes.fill('k');
  const std::string asked = std::string(32, 'k') + std::string("\0\0\0\0\0\0\1\2", 8);
  const RequestCounter counter{0x102};
  BOOST_TEST(uid_of_request(client, counter).hex() == cut("tutti-user-1" + asked));
  BOOST_TEST(gid_of_request(client, counter).hex() == cut("tutti-group-1" + asked));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
