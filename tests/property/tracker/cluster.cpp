// Three trackers that serve random requests while links between them come and go.

#include <rapidcheck.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <set>

#include "actors/random.hpp"
#include "tests/unit/tracker/state_support.hpp"
#include "tracker/version_vector.hpp"

using namespace tutti;
using namespace tutti::test;

namespace {

constexpr std::array<std::string_view, 3> names{"anna", "bob", "carl"};
constexpr std::array<std::string_view, 2> group_names{"choir", "band"};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    for (std::uint32_t i = 1; i <= 3; ++i) trackers_.emplace_back(i);
    for (std::uint8_t i = 1; i <= 4; ++i) clients_.emplace_back(i);
  }

  void step() {
    switch (random_.below(4)) {
      case 0: return exchange();
      case 1: return skew();
      default: return request();
    }
  }

  /// Everybody hears everything; then all are equal.
  void heal() {
    for (int round = 0; round < 2; ++round)
      for (TestTracker& to : trackers_)
        for (const TestTracker& from : trackers_) to.follow(from);
    for (const TestTracker& each : trackers_) {
      RC_ASSERT((each.heads.vector() == trackers_[0].heads.vector()));
      RC_ASSERT((each.directory.digest() == trackers_[0].directory.digest()));
      RC_ASSERT(printed(each.directory) == printed(trackers_[0].directory));
    }
    every_listed_name_is_one_and_finds_its_owner();
  }

 private:
  TestTracker& tracker() { return trackers_[random_.below(trackers_.size())]; }
  TestClient& client() { return clients_[random_.below(clients_.size())]; }
  std::string user() { return std::string(names[random_.below(names.size())]); }
  std::string password() { return random_.chance(1, 2) ? "p" : "q"; }
  std::string group() { return std::string(group_names[random_.below(group_names.size())]); }

  /// One tracker hears some of what another has: a link that then breaks.
  void exchange() {
    TestTracker& to = tracker();
    const std::vector<Delta> deltas = tracker().deltas;
    const std::size_t until = random_.below(deltas.size() + 1);
    for (std::size_t i = 0; i < until; ++i) RC_ASSERT(to.receive(deltas[i]));
  }

  void skew() { tracker().wall += std::chrono::milliseconds(random_.below(2000)); }

  void request() {
    TestTracker& at = tracker();
    TestClient& who = client();
    const bool was_asked_before = random_.chance(1, 10) && asked_.contains(who.key);
    const VersionVector before = at.heads.vector();
    if (was_asked_before) {
      const auto& [counter, what] = asked_.at(who.key);
      TestClient again = who;
      again.counter = counter;
      at.ask_again(again, what);
    } else {
      const ClientRequest what = some_request(at);
      at.ask(who, what);
      asked_[who.key] = {who.counter, what};
    }
    RC_ASSERT(covers(at.heads.vector(), before));
  }

  ClientRequest some_request(const TestTracker& at) {
    const std::string a_group = group();
    const Metainfo metainfo = metainfo_of("song", static_cast<std::uint8_t>(random_.below(2)));
    const Gid gid = at.directory.group_named(a_group).value_or(Gid{});
    switch (random_.below(15)) {
      case 0: return CreateUser{{user()}, "p"};
      case 1:
      case 2: return Login{{user()}, password(), "", 7};
      case 3: return CreateGroup{{a_group}};
      case 4: return JoinGroup{{a_group}};
      case 5:
      case 6: return AcceptRequest{{a_group}, {user()}};
      case 7: return LeaveGroup{{a_group}};
      case 8: return AddFile{{a_group}, metainfo};
      case 9: return StopShare{{a_group}, {"song"}};
      case 10: return StartShare{gid, fid_of(metainfo)};
      case 11: return TransferGroup{{a_group}, {user()}};
      case 12: return ChangePassword{password(), password()};
      case 13: return RemoveMember{{a_group}, {user()}};
      default:
        return random_.chance(1, 2) ? ClientRequest(Logout{})
                                    : ClientRequest(RejectRequest{{a_group}, {user()}});
    }
  }

  void every_listed_name_is_one_and_finds_its_owner() const {
    const Directory& directory = trackers_[0].directory;
    std::set<std::string> seen;
    for (const Uid& uid : directory.users_after("", 100)) {
      RC_ASSERT(seen.insert(directory.name_of(uid)).second);
      RC_ASSERT((directory.user_named(directory.name_of(uid)) == uid));
    }
    seen.clear();
    for (const Gid& gid : directory.groups_after("", 100)) {
      RC_ASSERT(seen.insert(directory.name_of(gid)).second);
      RC_ASSERT((directory.group_named(directory.name_of(gid)) == gid));
      RC_ASSERT(directory.membership(gid, *directory.owner_of(gid)).is_member());
    }
  }

  Random random_;
  std::deque<TestTracker> trackers_;
  std::vector<TestClient> clients_;
  std::map<ClientKey, std::pair<RequestCounter, ClientRequest>> asked_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cluster)

BOOST_AUTO_TEST_CASE(trackers_that_were_apart_become_equal) {
  BOOST_TEST(rc::check([] {
    World world(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int heals = 0; heals < 3; ++heals) {
      for (int i = 0; i < 70; ++i) world.step();
      world.heal();
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
