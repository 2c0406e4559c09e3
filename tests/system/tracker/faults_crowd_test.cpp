// Trackers that lose nothing, whatever is done to them under a crowd of clients. Real processes.

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>

#include "tests/system/tracker/crowd.hpp"
#include "tests/system/tracker/faults.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

std::map<std::string, Standing> standings(TestClient& client, const std::string& endpoint) {
  std::map<std::string, Standing> found;
  std::string after;
  for (bool more = true; more;) {
    const auto answer = client.ask(endpoint, ListGroups{after});
    BOOST_REQUIRE(is<Groups>(answer));
    const Groups& page = *answer->what.get<Groups>();
    for (const GroupRow& row : page.groups) found[row.group.text] = row.standing;
    more = page.more && !page.groups.empty();
    if (more) after = page.groups.back().group.text;
  }
  return found;
}

/// Whoever asked to join last is let in or waits, and is let in if the owner has said so since; whoever left last is
/// out. Returns how many memberships were certain enough to be looked at.
std::uint32_t compare_memberships(const Acknowledged& mine, const std::map<std::string, Standing>& there,
                                  const std::vector<Acknowledged>& all) {
  std::uint32_t compared = 0;
  for (const auto& [group, membership] : mine.memberships) {
    if (!membership.is_certain) continue;
    ++compared;
    const auto found = there.find(group);
    const Standing standing = found == there.end() ? Standing::none : found->second;
    const std::string who = mine.user + " in " + group;
    if (!membership.asked_to_join) {
      BOOST_TEST((standing == Standing::none), who << " has left and is in it again");
      continue;
    }
    BOOST_TEST((standing != Standing::none), who << " has asked to join and has not");
    for (const Acknowledged& owner : all) {
      const auto accepted = owner.accepted.find({group, mine.user});
      if (accepted != owner.accepted.end() && accepted->second > membership.moment)
        BOOST_TEST((standing == Standing::member), who << " was let in and is not");
    }
  }
  return compared;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

// A crowd works while trackers are killed and stopped under it; afterwards everything that anybody was promised is there.
BOOST_AUTO_TEST_CASE(a_crowd_is_promised_nothing_that_is_lost) {
  const bool is_long = rounds(0) >= 60;
  const std::uint32_t trackers = is_long ? 8 : 3;
  const std::chrono::seconds time = is_long ? 60s : 6s;
  Network net(trackers);
  std::vector<std::string> endpoints;
  std::vector<std::uint32_t> all;
  for (std::uint32_t n = 1; n <= trackers; ++n) {
    net.start(n);
    endpoints.push_back(net.endpoint(n));
    all.push_back(n);
  }
  BOOST_REQUIRE(are_linked(net, 1));
  const std::uint32_t seed = 1;
  std::mt19937 random(seed);
  Crowd crowd(endpoints, is_long ? 200 : 30, seed);
  std::uint32_t kills = 0;
  std::uint32_t stops = 0;
  for (const auto until = Clock::now() + time; Clock::now() < until;) {
    const std::uint32_t victim = 1 + static_cast<std::uint32_t>(random() % trackers);
    pass(1000ms);
    if (random() % 2 == 0) {
      ++kills;
      net[victim].kill_now();
      pass(1000ms);
      net.start(victim);
    } else {
      ++stops;
      net[victim].send_signal(SIGSTOP);
      pass(1000ms);
      net[victim].send_signal(SIGCONT);
    }
  }
  const std::vector<Acknowledged> promised = crowd.end();
  const CrowdFigures& figures = crowd.figures();
  BOOST_TEST_MESSAGE(trackers << " trackers, " << promised.size() << " clients, " << kills << " kills, "
                              << stops << " stops: " << figures.answers << " answers, " << figures.provisional
                              << " provisional, " << figures.moves << " moves, the longest wait "
                              << figures.longest.count() << " ms");
  for (const std::string& sentence : figures.wrong) BOOST_ERROR(sentence);
  BOOST_REQUIRE(net.become_equal(all, 10s));
  std::uint32_t looked_at = 1;
  std::uint32_t memberships = 0;
  for (const Acknowledged& each : promised) {
    if (each.user.empty()) continue;
    TestClient client;
    const std::string endpoint = net.endpoint(1 + ++looked_at % trackers);
    BOOST_REQUIRE_MESSAGE(is<LoggedIn>(client.ask(endpoint, login(each.user, Crowd::password))),
                          "the account " << each.user << " is lost");
    for (const auto& [group, files] : each.files) {
      const auto listed = client.ask(endpoint, ListFiles{{group}, {}});
      BOOST_REQUIRE_MESSAGE(is<Files>(listed), "the group " << group << " is lost");
      std::set<std::string> there;
      for (const FileRow& row : listed->what.get<Files>()->files) there.insert(row.file.text);
      for (const std::string& file : files)
        BOOST_TEST(there.contains(file), "the file " << group << "/" << file << " is lost");
    }
    memberships += compare_memberships(each, standings(client, endpoint), promised);
  }
  BOOST_TEST_MESSAGE(memberships << " memberships compared");
  BOOST_TEST(memberships > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
