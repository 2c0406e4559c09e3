#include "messages/tracker_info.hpp"

#include <boost/test/unit_test.hpp>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(tracker_info)

namespace {
constexpr std::string_view key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
}

BOOST_AUTO_TEST_CASE(every_form_of_a_line_is_read) {
  const TrackerInfo info = parse_tracker_info(
      "# trackers\n"
      "127.0.0.1:5000\n"
      "\n"
      "  127.0.0.1   5010   # with a comment\r\n"
      "tracker.example.org:5000 " +
      std::string(key) +
      "\n"
      "[::1]:5000\n"
      "[fe80::1] 5000 " +
      std::string(key) +
      "\n"
      "10.0.0.7\n"
      "# between the two\n"
      "6000");
  BOOST_TEST(info.fault == "");
  BOOST_REQUIRE(info.trackers.size() == 6);
  BOOST_TEST(info.trackers[0].client_endpoint() == "127.0.0.1:5000");
  BOOST_TEST(info.trackers[0].topic_endpoint() == "127.0.0.1:5001");
  BOOST_TEST(info.trackers[0].repair_endpoint() == "127.0.0.1:5002");
  BOOST_TEST(info.trackers[1].port == 5010);
  BOOST_TEST(!info.trackers[1].key);
  BOOST_TEST(info.trackers[2].host == "tracker.example.org");
  BOOST_REQUIRE(info.trackers[2].key);
  // The pair of RFC 32.
  BOOST_TEST(info.trackers[2].key->hex() ==
             "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652");
  BOOST_TEST(info.trackers[3].client_endpoint() == "[::1]:5000");
  BOOST_TEST(info.trackers[4].host == "fe80::1");
  BOOST_TEST(info.trackers[4].key.has_value());
  BOOST_TEST(info.trackers[5].client_endpoint() == "10.0.0.7:6000");
  BOOST_TEST(info.trackers[5].number == 6);
}

BOOST_AUTO_TEST_CASE(a_wrong_line_is_named_with_its_number) {
  const auto line_of = [](std::string_view text) { return parse_tracker_info(text).fault_line; };
  BOOST_TEST(line_of("127.0.0.1:5000\n127.0.0.1:x\n") == 2);
  BOOST_TEST(line_of("127.0.0.1:0\n") == 1);
  BOOST_TEST(line_of("127.0.0.1:65534\n") == 1);
  BOOST_TEST(line_of("\n\n5000\n") == 3);
  BOOST_TEST(line_of("127.0.0.1\n# nothing\n") == 1);
  BOOST_TEST(line_of("127.0.0.1\n127.0.0.2:5000\n") == 2);
  BOOST_TEST(line_of("::1:5000\n") == 1);
  BOOST_TEST(line_of("[::1:5000\n") == 1);
  BOOST_TEST(line_of("[::1]5000\n") == 1);
  BOOST_TEST(line_of("a b:5000\n") == 1);
  BOOST_TEST(line_of("127.0.0.1:5000 shortkey\n") == 1);
  BOOST_TEST(line_of("127.0.0.1:5000 " + std::string(key) + " more\n") == 1);
  BOOST_TEST(line_of("127.0.0.1:\n") == 1);
}

BOOST_AUTO_TEST_CASE(two_trackers_never_share_a_port) {
  BOOST_TEST(parse_tracker_info("h:5000\nh:5000\n").fault == "this is tracker 1 again");
  BOOST_TEST(parse_tracker_info("h:5000\nh:5002\n").fault_line == 2);
  BOOST_TEST(parse_tracker_info("h:5000\nh:5003\n").fault == "");
  BOOST_TEST(parse_tracker_info("h:5000\ng:5001\n").fault == "");
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_a_fault_of_the_whole) {
  const TrackerInfo info = parse_tracker_info("# nothing\n\n");
  BOOST_TEST(!info);
  BOOST_TEST(info.fault_line == 0);
}

BOOST_AUTO_TEST_SUITE_END()
