#include "tracker/config.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

using namespace tutti;

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(what_is_not_named_keeps_its_default) {
  const ParsedTrackerConfig parsed =
      parse_tracker_config("[sync]\nheartbeat_ms = 100\n[password]\npasses = 1\n");
  BOOST_TEST(parsed.fault == "");
  BOOST_TEST(parsed.config.sync.heartbeat.count() == 100);
  BOOST_TEST(parsed.config.password.passes == 1U);
  BOOST_TEST(parsed.config.password.memory_kib == PasswordCost{}.memory_kib);
  BOOST_TEST((parse_tracker_config("").config == TrackerConfig{}));
}

BOOST_AUTO_TEST_CASE(a_fault_names_its_line) {
  BOOST_TEST(parse_tracker_config("[sync]\nhartbeat_ms = 100\n").fault ==
             "line 2: there is no key `sync.hartbeat_ms`");
  BOOST_TEST(parse_tracker_config("[sync]\nheartbeat_ms = 1\n").fault ==
             "line 2: `sync.heartbeat_ms` is a whole number from 10 to 10000");
  BOOST_TEST(parse_tracker_config("[sync]\nheartbeat_ms = \"x\"\n").fault.starts_with("line 2: "));
  BOOST_TEST(parse_tracker_config("heartbeat_ms = 1\n").fault.starts_with("line 1: "));
  BOOST_TEST(parse_tracker_config("[sync\n").fault.starts_with("line 1: "));
}

BOOST_AUTO_TEST_CASE(who_is_well_must_be_heard_of_before_it_counts_as_hung) {
  BOOST_TEST(parse_tracker_config("[sync]\nheartbeat_ms = 501\n")
                 .fault.find("`sync.heartbeat_ms` (501) is at most half of `sync.hung_after_ms` (1000)") !=
             std::string::npos);
  BOOST_TEST(parse_tracker_config("[sync]\nheartbeat_ms = 500\n").fault == "");
  BOOST_TEST(parse_tracker_config("[sync]\nheartbeat_ms = 3000\nhung_after_ms = 6000\n").fault == "");
}

BOOST_AUTO_TEST_CASE(the_file_that_explains_the_keys_gives_the_defaults) {
  std::ifstream file(TUTTI_TESTS_DIR "/../configs/tracker.toml");
  std::stringstream text;
  text << file.rdbuf();
  const ParsedTrackerConfig parsed = parse_tracker_config(text.str());
  BOOST_TEST(parsed.fault == "");
  BOOST_TEST((parsed.config == TrackerConfig{}));
  for (const std::string key : {"passes",
                                "memory_kib",
                                "heartbeat_ms",
                                "resend_after_ms",
                                "ack_wait_ms",
                                "hung_after_ms",
                                "look_around_ms",
                                "floor_wait_ms",
                                "compare_every_ms",
                                "requests_per_link",
                                "passwords_waiting",
                                "requests_in_all",
                                "request_kib_in_all",
                                "accounts_per_minute",
                                "wrong_passwords_per_address",
                                "wrong_passwords_per_user",
                                "requests_per_second_per_client",
                                "requests_per_second_per_address",
                                "groups_per_user",
                                "files_per_user",
                                "groups_ever_per_user",
                                "files_ever_per_user",
                                "sessions_per_user",
                                "requests_per_group",
                                "files_per_group",
                                "pieces_per_group",
                                "pieces_ever_per_user",
                                "users_in_all"})
    BOOST_TEST(text.str().find("\n" + key + " = ") != std::string::npos, key);
}

BOOST_AUTO_TEST_SUITE_END()
