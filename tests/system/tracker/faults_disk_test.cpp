// Trackers that lose nothing: their stores lost, old, copied, full and torn. Real processes.

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <random>

#include "tests/system/tracker/faults.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

/// The first word to a tracker that has just started is a write: of a name that its disk has forgotten. The others
/// have not, so it must not give it away.
void has_recovered_before_its_first_write(Network& net, std::uint32_t number, const std::string& lost) {
  TestClient stranger;  // brings no floor
  BOOST_REQUIRE_MESSAGE(is_refused(stranger.ask(net.endpoint(number), user(lost)), Code::user_exists),
                        lost << " is given away a second time");
  TestClient owner;
  BOOST_REQUIRE(is<LoggedIn>(owner.ask(net.endpoint(number), login(lost))));
  BOOST_REQUIRE(are_linked(net, number));
  BOOST_REQUIRE(net.become_equal({1, 2}));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE(a_tracker_that_lost_its_store_has_all_of_it_before_its_first_write) {
  TwoTrackers net;
  const std::uint32_t count = rounds(3);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::uint32_t robbed = 1 + round % 2;
    const std::string name = "wiped" + std::to_string(round);
    TestClient client;
    BOOST_REQUIRE(is_everywhere(client.ask(net.endpoint(robbed), user(name))));
    net[robbed].kill_now();
    net.lose_store(robbed);
    net.start(robbed);
    has_recovered_before_its_first_write(net, robbed, name);
  }
  BOOST_TEST_MESSAGE(count << " stores lost, recovered before the first write");
}

BOOST_AUTO_TEST_CASE(a_store_rolled_back_has_its_own_log_back_before_its_first_write) {
  TwoTrackers net;
  std::mt19937 random(1);
  const std::uint32_t count = rounds(3);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::uint32_t robbed = 1 + round % 2;
    const std::string name = "rolled" + std::to_string(round) + "-";
    net[robbed].kill_now();
    const std::string old = net.data(robbed) + ".old";
    std::filesystem::copy(net.data(robbed), old);
    net.start(robbed);
    BOOST_REQUIRE(are_linked(net, robbed));
    TestClient client;
    const std::uint32_t lost = 1 + random() % 8;
    for (std::uint32_t n = 0; n < lost; ++n)
      BOOST_REQUIRE(is_everywhere(client.ask(net.endpoint(robbed), user(name + std::to_string(n)))));
    net[robbed].kill_now();
    std::filesystem::remove_all(net.data(robbed));
    std::filesystem::rename(old, net.data(robbed));
    net.start(robbed);
    has_recovered_before_its_first_write(net, robbed, name + std::to_string(lost - 1));
    for (const std::uint32_t number : {1U, 2U})
      BOOST_REQUIRE_MESSAGE(net.said(number).find("older copy") == std::string::npos,
                            "a number of the own log was used twice");
  }
  BOOST_TEST_MESSAGE(count << " stores rolled back, recovered before the first write, no number used twice");
}

BOOST_AUTO_TEST_CASE(a_copied_store_is_refused_in_words) {
  TwoTrackers net;
  net[1].kill_now();
  net[2].kill_now();
  const std::string aside = net.data(2) + ".aside";
  std::filesystem::rename(net.data(2), aside);
  std::filesystem::copy(net.data(1), net.data(2));
  TrackerProcess copy(net.place(2));
  BOOST_TEST(copy.wait() == 1);
  const std::string said = net.said(2);
  BOOST_TEST(said.find("belongs to tracker 1, this is tracker 2") != std::string::npos, said);
  BOOST_TEST(said.find("give this tracker a data folder of its own") != std::string::npos, said);
  // Who it was copied from is none the worse.
  net.start(1);
  std::filesystem::remove_all(net.data(2));
  std::filesystem::rename(aside, net.data(2));
  net.lose_store(2);
  net.start(2);
  BOOST_TEST(are_linked(net, 1));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_no_ok_and_ends_with_the_disk_being_full) {
  TwoTrackers net;
  const std::uint32_t count = rounds(4);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::string name = "full" + std::to_string(round);
    TestClient client;
    net[1].limit_files(1024);
    const auto refused = client.ask(net.endpoint(1), user(name));
    BOOST_REQUIRE(is<Refused>(refused));
    BOOST_TEST((refused->what.get<Refused>()->code == Code::disk_full ||
                refused->what.get<Refused>()->code == Code::io_error));
    TestClient reader;
    BOOST_TEST(is_refused(reader.ask(net.endpoint(2), login(name)), Code::bad_credentials));
    if (round % 2 == 0) {
      net[1].limit_files(RLIM_INFINITY);
    } else {
      net[1].kill_now();
      net.start(1);
    }
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_TEST(is_everywhere(reader.ask(net.endpoint(1), user(name))));
    BOOST_TEST(net.become_equal({1, 2}));
  }
  BOOST_TEST_MESSAGE(count << " full disks: no false OK, and on it goes when there is room");
}

BOOST_AUTO_TEST_CASE(a_torn_write_ahead_log_is_made_whole_by_the_others) {
  TwoTrackers net;
  std::mt19937 random(1);
  const std::uint32_t count = rounds(4);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::string name = "torn" + std::to_string(round);
    TestClient client;
    BOOST_REQUIRE(is_everywhere(client.ask(net.endpoint(1), user(name))));
    net[1].kill_now();
    std::uint32_t torn = 0;
    for (const auto& entry : std::filesystem::directory_iterator(net.data(1))) {
      if (!entry.path().string().ends_with("-wal")) continue;
      const auto size = std::filesystem::file_size(entry.path());
      BOOST_REQUIRE(size > 0U);
      std::filesystem::resize_file(entry.path(), size - std::min<std::uintmax_t>(size, 1 + random() % 9000));
      ++torn;
    }
    BOOST_REQUIRE(torn == 1U);
    net.start(1);
    has_recovered_before_its_first_write(net, 1, name);
  }
  BOOST_TEST_MESSAGE(count << " write-ahead logs torn, made whole by the other tracker");
}

BOOST_AUTO_TEST_SUITE_END()
