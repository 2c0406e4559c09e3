// Looking names up without waiting for it.

#include "actors/zmq_names.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

using namespace tutti;
using namespace std::chrono_literals;

namespace {

/// A name server that answers when it is told to.
struct Server {
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<int> asked = 0;
  int answers = 0;
  std::uint16_t port = 1;

  /// Whoever looks up outlasts the test.
  static NameLookups::Resolve resolve_at(const std::shared_ptr<Server>& server) {
    return [server](const std::string&) { return server->look_up(); };
  }
  std::vector<DatagramTarget> look_up() {
    std::unique_lock lock(mutex);
    const int mine = ++asked;
    changed.notify_all();
    changed.wait(lock, [&] { return answers >= mine; });
    std::vector<DatagramTarget> found;
    if (port == 0) return found;
    found.emplace_back();
    found[0].address.ss_family = AF_INET;
    reinterpret_cast<sockaddr_in&>(found[0].address).sin_port = port;
    return found;
  }
  void become(std::uint16_t another) {
    const std::lock_guard lock(mutex);
    port = another;
  }
  void wait_until_asked(int times) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asked >= times; });
  }
  void answer(int times = 1) {
    const std::lock_guard lock(mutex);
    answers += times;
    changed.notify_all();
  }
};

std::uint16_t port_of(const DatagramTarget& target) {
  return reinterpret_cast<const sockaddr_in&>(target.address).sin_port;
}

struct Fixture {
  std::shared_ptr<Server> server = std::make_shared<Server>();
  NameLookups lookups{Server::resolve_at(server)};
  Instant now{1000s};

  Fixture() = default;
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() { server->answer(1000); }
  std::vector<DatagramTarget> find() { return lookups.find("tracker.example:5000", now); }
  /// Until what was answered has come.
  std::uint16_t await_port(std::uint16_t port) {
    for (;;) {
      const std::vector<DatagramTarget> found = find();
      if (!found.empty() && port_of(found[0]) == port) return port;
      std::this_thread::yield();
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(zmq_names)

BOOST_FIXTURE_TEST_CASE(a_name_is_looked_up_once_for_all_who_ask_meanwhile, Fixture) {
  for (int i = 0; i < 100; ++i, now += 1s) BOOST_TEST(find().empty());
  server->wait_until_asked(1);
  BOOST_TEST(server->asked == 1);
  server->answer();
  BOOST_TEST(await_port(1) == 1);
  for (int i = 0; i < 20; ++i, now += 1s) BOOST_TEST(find().size() == 1U);
  BOOST_TEST(server->asked == 1);
}

BOOST_FIXTURE_TEST_CASE(an_address_that_changes_is_noticed_and_the_old_one_serves_until_then, Fixture) {
  find();
  server->answer();
  await_port(1);
  server->become(2);
  now += NameLookups::fresh_for;
  BOOST_TEST(port_of(find().at(0)) == 1);
  server->wait_until_asked(2);
  BOOST_TEST(port_of(find().at(0)) == 1);
  server->answer();
  BOOST_TEST(await_port(2) == 2);
  // A name server that knows nothing more takes nothing away.
  server->become(0);
  now += NameLookups::fresh_for;
  find();
  server->wait_until_asked(3);
  server->answer();
  for (int i = 0; i < 3; ++i, now += NameLookups::pause) {
    BOOST_TEST(port_of(find().at(0)) == 2);
    server->answer();
  }
}

BOOST_FIXTURE_TEST_CASE(what_is_not_found_is_looked_up_again, Fixture) {
  server->become(0);
  find();
  server->wait_until_asked(1);
  server->answer();
  while (server->asked < 2) {
    BOOST_TEST_REQUIRE(find().empty());
    now += NameLookups::pause;
    std::this_thread::yield();
  }
  server->become(7);
  server->answer(10);
  while (find().empty()) now += NameLookups::pause;
  BOOST_TEST(port_of(find().at(0)) == 7);
}

BOOST_AUTO_TEST_CASE(an_address_needs_no_look_up) {
  BOOST_TEST(targets_of("127.0.0.1:5000", AI_NUMERICHOST).size() == 1U);
  BOOST_TEST(targets_of("[::1]:5000", AI_NUMERICHOST).at(0).family() == AF_INET6);
  BOOST_TEST(targets_of("tracker.example:5000", AI_NUMERICHOST).empty());
}

BOOST_AUTO_TEST_SUITE_END()
