#include "messages/codec.hpp"

#include <boost/test/unit_test.hpp>

#include "messages/client_tracker.hpp"
#include "messages/peer_peer.hpp"
#include "messages/text.hpp"

using namespace tutti;

BOOST_AUTO_TEST_SUITE(codec)

BOOST_AUTO_TEST_CASE(a_message_is_an_array_of_its_number_and_its_fields) {
  // [0x0205, "lab"]
  BOOST_TEST(to_hex(encode(JoinGroup{{"lab"}})) == "92cd0205a36c6162");
  BOOST_TEST(to_hex(encode(Done{})) == "91cd0102");
}

BOOST_AUTO_TEST_CASE(a_record_has_no_number) {
  const LogPosition position{StoreId{}, Sequence{5}};
  const Bytes packed = encode_record(position);
  BOOST_TEST(packed[0] == 0x92);
  const auto again = decode_record<LogPosition>(packed);
  BOOST_REQUIRE(again);
  BOOST_CHECK(*again == position);
}

BOOST_AUTO_TEST_CASE(five_bytes_cannot_ask_for_gigabytes) {
  for (const std::string_view bomb : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01",
                                      "dcffff", "deffff", "91ddffffffff", "92cd0205dbffffffff"}) {
    const auto decoded = decode<JoinGroup>(*from_hex(bomb));
    BOOST_TEST(!decoded, bomb);
    BOOST_TEST(!decoded.fault.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_deep_nest_is_refused) {
  for (const std::size_t depth : {9U, 100U, 10'000U, 1'000'000U}) {
    const auto decoded = decode<Done>(Bytes(depth, 0x91));
    BOOST_TEST(!decoded, depth);
  }
  Bytes closed(8, 0x91);
  closed.push_back(0xc0);
  BOOST_TEST(!decode<Done>(closed));
}

BOOST_AUTO_TEST_CASE(a_frame_beyond_the_limit_is_not_even_parsed) {
  const Refused refused{Code::other, std::string(1000, 'x')};
  const Bytes frame = encode(refused);
  BOOST_TEST(!!decode<Refused>(frame, {.frame_bytes = frame.size()}));
  BOOST_TEST(decode<Refused>(frame, {.frame_bytes = frame.size() - 1}).fault == "a frame is too large");
}

BOOST_AUTO_TEST_CASE(a_list_beyond_the_limit_is_refused) {
  JoinRequests requests;
  requests.users.assign(11, UserName{"a"});
  const Bytes frame = encode(requests);
  BOOST_TEST(!!decode<JoinRequests>(frame, {.list_items = 11}));
  BOOST_TEST(!decode<JoinRequests>(frame, {.list_items = 10}));
}

BOOST_AUTO_TEST_CASE(an_empty_frame_is_no_message) {
  BOOST_TEST(decode<Done>({}).fault == "an empty frame");
  BOOST_CHECK(peek_message_id({}) == MessageId{});
}

BOOST_AUTO_TEST_CASE(another_number_is_refused) {
  BOOST_TEST(decode<LeaveGroup>(encode(JoinGroup{{"lab"}})).fault == "another message than expected");
}

BOOST_AUTO_TEST_CASE(a_symbol_beyond_the_last_is_refused) {
  // [0x0101, 27, ""]: the codes end at 26.
  BOOST_TEST(!!decode<Refused>(*from_hex("93cd01011aa0")));
  BOOST_TEST(decode<Refused>(*from_hex("93cd01011ba0")).fault == "a symbol that does not exist");
}

BOOST_AUTO_TEST_CASE(a_number_beyond_its_type_is_refused) {
  // [0x0303, 1, 65535 | 65536]
  BOOST_TEST(!!decode<PeerUnwelcome>(*from_hex("93cd030301cdffff")));
  BOOST_TEST(decode<PeerUnwelcome>(*from_hex("93cd030301ce00010000")).fault == "a number is too large");
  BOOST_TEST(!decode<PeerUnwelcome>(*from_hex("93cd030301ff")));
}

BOOST_AUTO_TEST_CASE(the_number_is_read_without_decoding) {
  const auto peek = [](std::string_view hex) { return peek_message_id(*from_hex(hex)).value; };
  BOOST_TEST(peek("92cd0205a36c6162") == 0x0205);
  BOOST_TEST(peek("9105") == 5);
  BOOST_TEST(peek("91cc80") == 0x80);
  BOOST_TEST(peek("dc0010cd0205") == 0x0205);
  for (const std::string_view none : {"90", "91", "91cd", "c0", "81cd0205", "91a0", "dc", "dc00"})
    BOOST_TEST(peek(none) == 0, none);
}

BOOST_AUTO_TEST_CASE(the_door_adds_the_messages_own_rules) {
  const Bytes nameless = encode(JoinGroup{{""}});
  BOOST_TEST(!!decode<JoinGroup>(nameless));
  BOOST_TEST(decode_at_door<JoinGroup>(nameless).fault == "a name needs at least one character");
}

BOOST_AUTO_TEST_CASE(what_a_record_has_grown_by_is_left_out_where_it_says_nothing) {
  Metainfo file;
  file.name = {"a"};
  file.piece_length = 512_KiB;
  Bytes plain = encode_record(file);
  BOOST_TEST(plain.front() == 0x96);
  BOOST_TEST((*decode_record<Metainfo>(plain) == file));
  file.manifest_size = {5};
  const Bytes tree = encode_record(file);
  BOOST_TEST(tree.front() == 0x97);
  BOOST_TEST((*decode_record<Metainfo>(tree) == file));
  // Nothing can be said in two ways, and no more than there is to say.
  plain.front() = 0x97;
  plain.push_back(0);
  BOOST_TEST(decode_record<Metainfo>(plain).fault == "a field says nothing");
  plain.back() = 5;
  plain.front() = 0x98;
  plain.push_back(5);
  BOOST_TEST(!decode_record<Metainfo>(plain));
  BOOST_TEST(to_text(file).ends_with(", manifest_size: 5}"));
}

BOOST_AUTO_TEST_SUITE_END()
