// Each rule that a message states in fault(), one step this side of it and one step beyond.

#include <boost/test/unit_test.hpp>

#include "messages/client_tracker.hpp"
#include "messages/peer_peer.hpp"
#include "messages/tracker_tracker.hpp"

using namespace tutti;

namespace {

ClientKey some_key() { return ClientKey::from(Bytes(32, 1)); }

/// A valid metainfo of `pieces` pieces of 512 KiB.
Metainfo some_metainfo(std::uint32_t pieces) {
  Metainfo file;
  file.name = {"f"};
  file.piece_length = 512_KiB;
  file.size = {pieces * file.piece_length.value};
  for (std::uint32_t i = 0; i < pieces; ++i) {
    file.piece_sha1.push_back({});
    file.piece_sha256.push_back({});
  }
  return file;
}

template <class T>
bool is_sound(const T& value) {
  return fault_of(value).empty();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE(a_password_has_1_to_1024_bytes) {
  for (const std::size_t size : {0U, 1U, 1024U, 1025U}) {
    const bool sound = size >= 1 && size <= 1024;
    BOOST_TEST(is_sound(CreateUser{{"ann"}, std::string(size, 'x')}) == sound, size);
    BOOST_TEST(is_sound(Login{{"ann"}, std::string(size, 'x'), "", 0}) == sound, size);
  }
}

BOOST_AUTO_TEST_CASE(a_host_name_has_at_most_255_bytes) {
  for (const std::size_t size : {0U, 255U, 256U}) {
    const std::string host(size, 'h');
    BOOST_TEST(is_sound(Login{{"ann"}, "p", host, 0}) == (size <= 255));
    BOOST_TEST(is_sound(Present{{}, 0, host, 0}) == (size <= 255));
    BOOST_TEST(is_sound(Sharer{{"ann"}, {}, host, 1}) == (size >= 1 && size <= 255));
  }
  BOOST_TEST(!is_sound(Sharer{{"ann"}, {}, "h", 0}));
}

BOOST_AUTO_TEST_CASE(a_name_inside_a_request_inside_a_request_is_checked) {
  BOOST_TEST(is_sound(Request{{1}, {}, {}, JoinGroup{{"lab"}}}));
  BOOST_TEST(fault_of(Request{{1}, {}, {}, JoinGroup{{".lab"}}}) == "a name does not start with '.' or '-'");
  BOOST_TEST(!is_sound(FindFile{{"lab"}, {"a/b"}}));
  BOOST_TEST(!is_sound(AcceptRequest{{"lab"}, {""}}));
}

BOOST_AUTO_TEST_CASE(every_item_of_a_list_is_checked) {
  BOOST_TEST(is_sound(JoinRequests{{{"a"}, {"b"}}, false}));
  BOOST_TEST(!is_sound(JoinRequests{{{"a"}, {"-b"}}, false}));
}

BOOST_AUTO_TEST_CASE(a_version_vector_is_sorted_and_names_no_origin_twice) {
  const StoreId one = StoreId::from(Bytes(16, 1));
  const StoreId two = StoreId::from(Bytes(16, 2));
  BOOST_TEST(is_sound(VersionVector{}));
  BOOST_TEST(is_sound(VersionVector{{{one, {5}}, {two, {3}}}}));
  BOOST_TEST(!is_sound(VersionVector{{{two, {3}}, {one, {5}}}}));
  BOOST_TEST(!is_sound(VersionVector{{{one, {3}}, {one, {5}}}}));
}

BOOST_AUTO_TEST_CASE(a_version_vector_names_at_most_1024_origins) {
  VersionVector vector;
  for (unsigned i = 0; i < 1024; ++i) {
    StoreId origin;
    origin.bytes[0] = static_cast<std::uint8_t>(i >> 8U);
    origin.bytes[1] = static_cast<std::uint8_t>(i);
    vector.positions.push_back({origin, {1}});
  }
  BOOST_TEST(is_sound(vector));
  StoreId last;
  last.bytes[0] = 0xff;
  vector.positions.push_back({last, {1}});
  BOOST_TEST(fault_of(vector) == "a version vector names too many origins");
}

BOOST_AUTO_TEST_CASE(a_piece_length_is_a_power_of_two_from_512_kib_to_16_mib) {
  for (unsigned shift = 0; shift < 64; ++shift) {
    Metainfo file = some_metainfo(0);
    file.piece_length.value = std::uint64_t{1} << shift;
    BOOST_TEST(is_sound(file) == (shift >= 19 && shift <= 24), shift);
    file.piece_length.value += 1;
    BOOST_TEST(!is_sound(file), shift);
  }
  Metainfo file = some_metainfo(0);
  file.piece_length = {};
  BOOST_TEST(!is_sound(file));
}

BOOST_AUTO_TEST_CASE(there_is_one_digest_a_piece) {
  for (const std::uint32_t pieces : {0U, 1U, 3U}) {
    BOOST_TEST(is_sound(some_metainfo(pieces)));
    Metainfo more = some_metainfo(pieces);
    more.piece_sha1.push_back({});
    BOOST_TEST(!is_sound(more));
    more.piece_sha256.push_back({});
    BOOST_TEST(!is_sound(more));
  }
  Metainfo cut = some_metainfo(1);
  cut.piece_sha256.run.pop_back();
  BOOST_TEST(fault_of(cut) == "a list of digests is cut short");
  Metainfo longer = some_metainfo(1);
  longer.size += 1_bytes;
  BOOST_TEST(!is_sound(longer));
  longer.size -= 2_bytes;
  BOOST_TEST(is_sound(longer));
}

BOOST_AUTO_TEST_CASE(a_file_has_at_most_65536_pieces) {
  BOOST_TEST(is_sound(some_metainfo(65536)));
  BOOST_TEST(fault_of(some_metainfo(65537)) == "a file has at most 65,536 pieces");
  Metainfo huge = some_metainfo(0);
  huge.size.value = UINT64_MAX;
  BOOST_TEST(!is_sound(huge));
}

BOOST_AUTO_TEST_CASE(a_hello_names_a_client_and_a_range_of_versions) {
  BOOST_TEST(is_sound(Hello{1, 2, some_key(), "tutti"}));
  BOOST_TEST(!is_sound(Hello{2, 1, some_key(), ""}));
  BOOST_TEST(!is_sound(Hello{1, 1, {}, ""}));
  BOOST_TEST(is_sound(Hello{1, 1, some_key(), std::string(100, 's')}));
  BOOST_TEST(!is_sound(Hello{1, 1, some_key(), std::string(101, 's')}));
  BOOST_TEST(is_sound(PeerHello{1, 2, some_key()}));
  BOOST_TEST(!is_sound(PeerHello{2, 1, some_key()}));
  BOOST_TEST(!is_sound(PeerHello{1, 1, {}}));
}

BOOST_AUTO_TEST_CASE(a_bitfield_has_at_most_a_bit_for_each_of_65536_pieces) {
  BOOST_TEST(is_sound(FileOpened{{}, Bytes(8192)}));
  BOOST_TEST(!is_sound(FileOpened{{}, Bytes(8193)}));
}

BOOST_AUTO_TEST_CASE(a_requested_block_is_1_byte_to_512_kib) {
  BOOST_TEST(!is_sound(RequestBlock{{}, {}, {0}, {0}}));
  BOOST_TEST(is_sound(RequestBlock{{}, {}, {0}, {1}}));
  BOOST_TEST(is_sound(RequestBlock{{}, {}, 16_MiB, 512_KiB}));
  BOOST_TEST(!is_sound(RequestBlock{{}, {}, {0}, 512_KiB + 1_bytes}));
  BOOST_TEST(!is_sound(RequestBlock{{}, {}, 16_MiB + 1_bytes, {1}}));
}

BOOST_AUTO_TEST_CASE(a_verifier_and_an_outcome_have_1_to_256_bytes) {
  for (const std::size_t size : {0U, 1U, 256U, 257U}) {
    const bool sound = size >= 1 && size <= 256;
    BOOST_TEST(is_sound(PasswordSet{{}, 1, std::string(size, 'v')}) == sound, size);
    BOOST_TEST(is_sound(RequestAnswered{{}, {}, Bytes(size)}) == sound, size);
  }
}

BOOST_AUTO_TEST_CASE(generations_of_a_membership_count_from_1) {
  BOOST_TEST(!is_sound(MembershipChanged{{}, {}, 0, MembershipRank::requested, {}}));
  BOOST_TEST(is_sound(MembershipChanged{{}, {}, 1, MembershipRank::requested, {}}));
  BOOST_TEST(is_sound(MembershipChanged{{}, {}, 2, MembershipRank::requested, {}, 2}));
  BOOST_TEST(!is_sound(MembershipChanged{{}, {}, 2, MembershipRank::requested, {}, 3}));
  BOOST_TEST(is_sound(MembershipChanged{{}, {}, 2, MembershipRank::rejected, {}, 3}));
  BOOST_TEST(!is_sound(MembershipChanged{{}, {}, 2, MembershipRank::rejected, {}, 4}));
}

BOOST_AUTO_TEST_CASE(a_delta_follows_another_unless_it_is_the_first) {
  const Sha256 hash = Sha256::from(Bytes(32, 1));
  const std::vector<Operation> one{SessionClosed{}};
  BOOST_TEST(is_sound(Delta{{}, {1}, {}, {}, one}));
  BOOST_TEST(is_sound(Delta{{}, {2}, {}, hash, one}));
  BOOST_TEST(!is_sound(Delta{{}, {0}, {}, {}, one}));
  BOOST_TEST(!is_sound(Delta{{}, {1}, {}, hash, one}));
  BOOST_TEST(!is_sound(Delta{{}, {2}, {}, {}, one}));
}

BOOST_AUTO_TEST_CASE(a_delta_has_1_to_64_sound_operations) {
  for (const std::size_t size : {0U, 1U, 64U, 65U})
    BOOST_TEST(is_sound(Delta{{}, {1}, {}, {}, std::vector<Operation>(size, SessionClosed{})}) ==
               (size >= 1 && size <= 64));
  BOOST_TEST(!is_sound(Delta{{}, {1}, {}, {}, {UserNamed{{}, {"-"}, 1, false}}}));
}

BOOST_AUTO_TEST_CASE(a_presence_lives_at_most_a_minute) {
  using std::chrono::milliseconds;
  for (const int ttl : {-1, 0, 60'000, 60'001})
    BOOST_TEST(
        is_sound(PresenceGossip{{}, {}, {}, 0, milliseconds{ttl}, "h", 1}) == (ttl >= 0 && ttl <= 60'000),
        ttl);
  BOOST_TEST(!is_sound(PresenceGossip{{}, {}, {}, 0, milliseconds{1}, std::string(256, 'h'), 1}));
}

BOOST_AUTO_TEST_CASE(a_follower_names_its_store_and_a_range_of_versions) {
  const StoreId store = StoreId::from(Bytes(16, 1));
  BOOST_TEST(is_sound(RepairHello{1, 1, store, 1, {}}));
  BOOST_TEST(!is_sound(RepairHello{2, 1, store, 1, {}}));
  BOOST_TEST(!is_sound(RepairHello{1, 1, {}, 1, {}}));
}

BOOST_AUTO_TEST_CASE(there_is_one_digest_a_bucket) {
  Buckets buckets;
  for (std::uint32_t i = 0; i < state_buckets; ++i) {
    BOOST_TEST(!is_sound(buckets));
    buckets.digests.push_back({});
  }
  BOOST_TEST(is_sound(buckets));
}

BOOST_AUTO_TEST_SUITE_END()
