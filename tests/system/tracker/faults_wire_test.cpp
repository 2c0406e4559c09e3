// Trackers on hosts of their own, with a wire between them that loses packets of the kernel's own TCP.

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/system/tracker/faults.hpp"
#include "tests/system/tracker/lossy_wire.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

/// Tracker 1 on host 0, tracker 2 on host 1.
class TwoHosts {
 public:
  explicit TwoHosts(const LossyWire& wire) : wire_(wire) {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-wire-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(folder_ + "/info") << LossyWire::address(0) << ":7000\n"
                                     << LossyWire::address(1) << ":7000\n";
    std::ofstream(folder_ + "/config") << "[password]\npasses = 1\nmemory_kib = 8\n";
    for (std::uint32_t number : {1U, 2U}) {
      const TrackerProcess::Place place{folder_ + "/info", number,
                                        folder_ + "/tracker-" + std::to_string(number), folder_ + "/config",
                                        folder_ + "/log-" + std::to_string(number)};
      wire_.inside(number - 1, [&] { trackers_[number - 1] = std::make_unique<TrackerProcess>(place); });
    }
    for (const auto& tracker : trackers_) tracker->expect_line("serves");
  }
  TwoHosts(const TwoHosts&) = delete;
  TwoHosts& operator=(const TwoHosts&) = delete;
  ~TwoHosts() {
    for (auto& tracker : trackers_) tracker.reset();
    std::filesystem::remove_all(folder_);
  }

  /// Asks the tracker that runs on a host, from there.
  std::optional<Answer> ask(std::size_t host, TestClient& client, const ClientRequest& what) {
    std::optional<Answer> answer;
    wire_.inside(host, [&] { answer = client.ask(LossyWire::address(host) + ":7000", what); });
    return answer;
  }
  bool become_equal(std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    while (Clock::now() < deadline) {
      const std::string digest = trackers_[0]->status().digest;
      if (digest != std::string(32, '0') && digest == trackers_[1]->status().digest) return true;
    }
    return false;
  }

 private:
  const LossyWire& wire_;
  std::string folder_;
  std::unique_ptr<TrackerProcess> trackers_[2];
};

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE(nothing_that_is_acknowledged_is_lost_with_packets) {
  LossyWire wire({0.3, 0.05, 0.1});
  if (!wire.fault().empty()) {
    BOOST_TEST_MESSAGE("SKIPPED: packets cannot be lost here: " << wire.fault());
    return;
  }
  TwoHosts hosts(wire);
  // They find each other over it. What one try changes has to have passed before the next: whoever asks as fast as he is
  // answered fills a wire that carries some 10 kB/s with accounts, until nothing is acknowledged in time and no more
  // accounts are made for him.
  bool linked = false;
  std::uint32_t tries = 0;
  for (const auto until = Clock::now() + 120s; !linked && Clock::now() < until; ++tries) {
    TestClient client;
    linked = is_everywhere(hosts.ask(0, client, user("linked" + std::to_string(tries))));
    BOOST_TEST_REQUIRE(hosts.become_equal(60s), "still different after " << tries << " tries");
  }
  BOOST_REQUIRE(linked);
  std::uint32_t everywhere = 0;
  std::uint32_t provisional = 0;
  const std::uint32_t count = rounds(60);
  for (std::uint32_t n = 0; n < count; ++n) {
    const std::string name = "wire" + std::to_string(n);
    TestClient client;
    const std::optional<Answer> answer = hosts.ask(n % 2, client, user(name));
    BOOST_TEST(is<Done>(answer), name << " got no account");
    if (!is_everywhere(answer)) {
      ++provisional;
      continue;
    }
    ++everywhere;
    TestClient stranger;
    BOOST_TEST(is<LoggedIn>(hosts.ask(1 - n % 2, stranger, login(name))),
               name << " is unknown where it was said to be known");
  }
  BOOST_TEST(wire.lost() > 0U);
  BOOST_TEST(everywhere + provisional == count);
  const auto quiet = Clock::now();
  BOOST_TEST(hosts.become_equal(60s), "still different over the wire that loses");
  BOOST_TEST_MESSAGE(
      count << " accounts over a wire that loses 30 % of the packets, doubles 5 % and reorders 10 % ("
            << wire.lost() << " lost): " << everywhere << " known to both at once, " << provisional
            << " said to be provisional; equal " << milliseconds(Clock::now() - quiet)
            << " ms after the last");
  // And none is lost: mended, both know all.
  wire.mend();
  BOOST_TEST(hosts.become_equal(10s));
  for (std::uint32_t n = 0; n < count; ++n) {
    TestClient stranger;
    BOOST_TEST(is<LoggedIn>(hosts.ask(1 - n % 2, stranger, login("wire" + std::to_string(n)))));
  }
}

BOOST_AUTO_TEST_SUITE_END()
