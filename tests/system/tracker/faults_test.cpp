// Trackers that lose nothing: each fault, again and again, with real processes. What was answered is looked at when it
// is answered. TUTTI_ROUNDS sets how often each is done; scripts/soak does.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "tests/system/tracker/crowd.hpp"
#include "tests/system/tracker/tracker_process.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

CreateUser user(const std::string& name, const std::string& password = "secret") {
  return {{name}, password};
}
Login login(const std::string& name, const std::string& password = "secret") {
  return {{name}, password, "127.0.0.1", 9000};
}

template <class M>
bool is(const std::optional<Answer>& answer) {
  return answer && std::holds_alternative<M>(answer->what.value);
}
bool is_refused(const std::optional<Answer>& answer, Code code) {
  return is<Refused>(answer) && answer->what.get<Refused>()->code == code;
}
bool is_everywhere(const std::optional<Answer>& answer) { return is<Done>(answer) && !answer->provisional; }

std::uint32_t rounds(std::uint32_t usual) {
  const char* wanted = std::getenv("TUTTI_ROUNDS");
  return wanted == nullptr ? usual : static_cast<std::uint32_t>(std::stoul(wanted));
}

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

AddFile file_of(const std::string& group, const std::string& name, std::uint8_t content) {
  AddFile add;
  add.group = {group};
  add.metainfo.name = {name};
  add.metainfo.size = {1000};
  add.metainfo.piece_length = Metainfo::piece_length_min;
  Sha1 sha1;
  Sha256 sha256;
  sha1.bytes.fill(content);
  sha256.bytes.fill(content);
  add.metainfo.sha1 = sha1;
  add.metainfo.piece_sha1.push_back(sha1);
  add.metainfo.piece_sha256.push_back(sha256);
  return add;
}

/// Lets time go by for others, for a fault that lasts.
void pass(std::chrono::milliseconds time) { poll(nullptr, 0, static_cast<int>(time.count())); }

/// Makes users, one after the other, until one is known to all trackers: they are linked then.
bool are_linked(Network& net, std::uint32_t asked, std::chrono::seconds patience = 10s) {
  static std::uint32_t count = 0;
  TestClient client;
  const auto until = Clock::now() + patience;
  while (Clock::now() < until)
    if (is_everywhere(client.ask(net.endpoint(asked), user("linked" + std::to_string(++count))))) return true;
  return false;
}

struct TwoTrackers : Network {
  TwoTrackers() : Network(2) { begin(); }
  explicit TwoTrackers(Relay::Loss loss) : Network(2, loss) { begin(); }

 private:
  void begin() {
    start(1);
    start(2);
    BOOST_REQUIRE(are_linked(*this, 1));
    BOOST_REQUIRE(are_linked(*this, 2));
  }
};

/// Listens on the three ports of a tracker and gives everybody who dials an answer that ZeroMQ does not understand.
class WrongService {
 public:
  explicit WrongService(std::uint16_t first_port) {
    for (std::uint16_t ahead = 0; ahead < 3; ++ahead) {
      const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const int yes = 1;
      setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(static_cast<std::uint16_t>(first_port + ahead));
      BOOST_REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
      BOOST_REQUIRE(listen(listener, 16) == 0);
      listeners_.push_back({listener, POLLIN, 0});
    }
  }
  WrongService(const WrongService&) = delete;
  WrongService& operator=(const WrongService&) = delete;
  ~WrongService() {
    for (const pollfd& each : listeners_) close(each.fd);
    for (const int each : callers_) close(each);
  }

  void answer_for(std::chrono::milliseconds time) {
    const auto until = Clock::now() + time;
    for (auto now = Clock::now(); now < until; now = Clock::now()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
      if (poll(listeners_.data(), listeners_.size(), static_cast<int>(left)) <= 0) continue;
      for (const pollfd& each : listeners_) {
        if (each.revents == 0) continue;
        callers_.push_back(accept(each.fd, nullptr, nullptr));
        constexpr std::string_view words = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        send(callers_.back(), words.data(), words.size(), MSG_NOSIGNAL);
      }
    }
    BOOST_TEST(!callers_.empty(), "nobody has called the wrong service");
  }

 private:
  std::vector<pollfd> listeners_;
  std::vector<int> callers_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(faults)

BOOST_AUTO_TEST_CASE(an_account_outlives_the_tracker_that_made_it) {
  TwoTrackers net;
  std::uint32_t provisional = 0;
  const std::uint32_t count = rounds(20);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::uint32_t victim = 1 + round % 2;
    const std::uint32_t other = 3 - victim;
    const std::string name = "round" + std::to_string(round);
    TestClient client;
    const auto made = client.ask(net.endpoint(victim), user(name));
    net[victim].kill_now();
    BOOST_REQUIRE(is<Done>(made));
    if (made->provisional) {
      ++provisional;
    } else {
      TestClient stranger;  // brings no floor
      BOOST_REQUIRE_MESSAGE(is<LoggedIn>(stranger.ask(net.endpoint(other), login(name))),
                            name << " is lost: tracker " << victim << " said OK and was killed");
    }
    net.start(victim);
    BOOST_REQUIRE(are_linked(net, victim));
  }
  BOOST_TEST_MESSAGE(count << " trackers killed after their answer, " << provisional
                           << " answers provisional");
  BOOST_TEST(provisional <= count / 10);
}

BOOST_AUTO_TEST_CASE(a_tracker_killed_between_request_and_answer_does_the_work_once) {
  TwoTrackers net;
  std::mt19937 random(1);
  const std::uint32_t count = rounds(10);
  std::uint32_t unanswered = 0;
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::string name = "round" + std::to_string(round);
    TestClient client;
    std::optional<Answer> answer;
    std::thread asks([&] { answer = client.ask(net.endpoint(1), user(name)); });
    std::this_thread::yield();
    const auto strike = Clock::now() + std::chrono::microseconds(random() % 25000);
    while (Clock::now() < strike) std::this_thread::yield();
    net[1].kill_now();
    asks.join();
    if (!answer) {
      ++unanswered;
      answer = client.ask_again(net.endpoint(2));
    }
    BOOST_REQUIRE_MESSAGE(is<Done>(answer), name << ": the repeated request has another outcome");
    net.start(1);
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_REQUIRE(is<Done>(client.ask_again(net.endpoint(1))));
    TestClient other;
    BOOST_REQUIRE(is_refused(other.ask(net.endpoint(1), user(name)), Code::user_exists));
    BOOST_REQUIRE(is<LoggedIn>(other.ask(net.endpoint(2), login(name))));
  }
  BOOST_TEST_MESSAGE(count << " trackers killed under a request, " << unanswered << " before the answer");
  BOOST_TEST(net.become_equal({1, 2}));
}

BOOST_AUTO_TEST_CASE(what_is_lost_on_the_way_is_there_within_a_second_of_quiet) {
  TwoTrackers net({0.3, 0.05, 0.1});
  TestClient client;
  const std::uint32_t count = rounds(100);
  for (std::uint32_t n = 0; n < count; ++n)
    BOOST_REQUIRE(is_everywhere(client.ask(net.endpoint(n % 2 + 1), user("lossy" + std::to_string(n)))));
  const auto quiet = Clock::now();
  BOOST_TEST(net.become_equal({1, 2}, 1000ms));
  BOOST_TEST_MESSAGE(count << " writes over links that lose 30 %: equal "
                           << milliseconds(Clock::now() - quiet) << " ms later");
}

BOOST_AUTO_TEST_CASE(nobody_waits_long_for_a_tracker_that_hangs) {
  TwoTrackers net;
  for (std::uint32_t round = 0; round < rounds(1); ++round) {
    TestClient client;
    net[2].send_signal(SIGSTOP);
    const auto until = Clock::now() + 5s;
    std::chrono::milliseconds longest{};
    std::uint32_t writes = 0;
    std::string last;
    while (Clock::now() < until) {
      last = "hang" + std::to_string(round) + "-" + std::to_string(++writes);
      BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(1), user(last))));
      longest = std::max(longest, client.last_took());
    }
    net[2].send_signal(SIGCONT);
    // It has seen nothing of all that, and does not say so: it catches up first.
    TestClient stranger;
    BOOST_TEST(is<LoggedIn>(stranger.ask(net.endpoint(2), login(last))));
    BOOST_TEST(net.become_equal({1, 2}));
    BOOST_TEST(longest.count() < 600);
    BOOST_TEST_MESSAGE(writes << " writes while a tracker hung for 5 s, the longest took " << longest.count()
                              << " ms");
  }
}

BOOST_AUTO_TEST_CASE(one_name_taken_on_both_sides_of_a_cut_is_one_everywhere) {
  TwoTrackers net(Relay::Loss{});
  for (std::uint32_t round = 0; round < rounds(2); ++round) {
    const std::string bob = "bob" + std::to_string(round);
    const std::string choir = "choir" + std::to_string(round);
    net.cut(1, 2, round % 2 == 0 ? Relay::Cut::silent : Relay::Cut::closed);
    TestClient here;
    TestClient there;
    const auto made_here = here.ask(net.endpoint(1), user(bob, "here"));
    const auto made_there = there.ask(net.endpoint(2), user(bob, "there"));
    BOOST_REQUIRE(is<Done>(made_here));
    BOOST_REQUIRE(is<Done>(made_there));
    BOOST_TEST(made_here->provisional);
    BOOST_TEST(made_there->provisional);
    BOOST_REQUIRE(is<LoggedIn>(here.ask(net.endpoint(1), login(bob, "here"))));
    BOOST_REQUIRE(is<LoggedIn>(there.ask(net.endpoint(2), login(bob, "there"))));
    BOOST_REQUIRE(is<Done>(here.ask(net.endpoint(1), CreateGroup{{choir}})));
    BOOST_REQUIRE(is<Done>(there.ask(net.endpoint(2), CreateGroup{{choir}})));
    net.mend(1, 2);
    BOOST_REQUIRE(net.become_equal({1, 2}, 10s));
    std::uint32_t winners = 0;
    for (const std::string password : {"here", "there"}) {
      const std::uint32_t lost_at = password == "here" ? 1 : 2;
      TestClient at_one;
      TestClient at_two;
      // Who lost the name may still come in by it and the own password: nobody could know the new one.
      const auto came_in = at_one.ask(net.endpoint(1), login(bob, password));
      BOOST_REQUIRE(is<LoggedIn>(came_in));
      const std::string name = came_in->what.get<LoggedIn>()->user.text;
      const bool wins = name == bob;
      winners += wins ? 1 : 0;
      const auto elsewhere = at_two.ask(net.endpoint(2), login(bob, password));
      BOOST_REQUIRE(is<LoggedIn>(elsewhere));
      BOOST_TEST(elsewhere->what.get<LoggedIn>()->user.text == name);
      if (wins) continue;
      BOOST_TEST(name == bob + "~t" + std::to_string(lost_at));
      TestClient loser;
      const auto renamed = loser.ask(net.endpoint(1), login(name, password));
      BOOST_REQUIRE(is<LoggedIn>(renamed));
      BOOST_TEST(!renamed->what.get<LoggedIn>()->messages.empty(), "the loser is told");
      const auto groups = loser.ask(net.endpoint(2), ListGroups{});
      BOOST_REQUIRE(is<Groups>(groups));
      std::uint32_t own = 0;
      for (const GroupRow& row : groups->what.get<Groups>()->groups)
        own += row.standing == Standing::owner ? 1 : 0;
      BOOST_TEST(own == 1U, "the loser keeps a group of its own");
    }
    BOOST_TEST(winners == 1U);
  }
}

BOOST_AUTO_TEST_CASE(who_leaves_while_being_accepted_has_left) {
  TwoTrackers net;
  const std::uint32_t count = rounds(10);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::string group = "group" + std::to_string(round);
    const std::string owner_name = "owner" + std::to_string(round);
    const std::string guest_name = "guest" + std::to_string(round);
    TestClient owner;
    TestClient guest;
    BOOST_REQUIRE(is<Done>(owner.ask(net.endpoint(1), user(owner_name))));
    BOOST_REQUIRE(is<LoggedIn>(owner.ask(net.endpoint(1), login(owner_name))));
    BOOST_REQUIRE(is<Done>(owner.ask(net.endpoint(1), CreateGroup{{group}})));
    BOOST_REQUIRE(is<Done>(guest.ask(net.endpoint(2), user(guest_name))));
    BOOST_REQUIRE(is<LoggedIn>(guest.ask(net.endpoint(2), login(guest_name))));
    BOOST_REQUIRE(is<Done>(guest.ask(net.endpoint(2), JoinGroup{{group}})));
    std::optional<Answer> left;
    std::thread leaves([&] { left = guest.ask(net.endpoint(2), LeaveGroup{{group}}); });
    owner.ask(net.endpoint(1), AcceptRequest{{group}, {guest_name}});
    leaves.join();
    BOOST_REQUIRE(is<Done>(left));
    BOOST_REQUIRE(net.become_equal({1, 2}));
    for (const std::uint32_t number : {1U, 2U}) {
      const auto members = owner.ask(net.endpoint(number), ListMembers{{group}, {}});
      BOOST_REQUIRE(is<Members>(members));
      BOOST_TEST(members->what.get<Members>()->members.size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(of_two_files_of_one_name_that_come_at_once_one_is_taken) {
  TwoTrackers net;
  TestClient owner;
  TestClient guest;
  BOOST_REQUIRE(is<Done>(owner.ask(net.endpoint(1), user("owner"))));
  BOOST_REQUIRE(is<LoggedIn>(owner.ask(net.endpoint(1), login("owner"))));
  BOOST_REQUIRE(is<Done>(owner.ask(net.endpoint(1), CreateGroup{{"lab"}})));
  BOOST_REQUIRE(is<Done>(guest.ask(net.endpoint(2), user("guest"))));
  BOOST_REQUIRE(is<LoggedIn>(guest.ask(net.endpoint(2), login("guest"))));
  BOOST_REQUIRE(is<Done>(guest.ask(net.endpoint(2), JoinGroup{{"lab"}})));
  BOOST_REQUIRE(is<Done>(owner.ask(net.endpoint(1), AcceptRequest{{"lab"}, {"guest"}})));
  const std::uint32_t count = rounds(10);
  for (std::uint32_t round = 0; round < count; ++round) {
    const std::string name = "file" + std::to_string(round);
    const AddFile own = file_of("lab", name, 1);
    const AddFile others = file_of("lab", name, 2);
    std::optional<Answer> there;
    std::thread adds([&] { there = guest.ask(net.endpoint(2), others); });
    const auto here = owner.ask(net.endpoint(1), own);
    adds.join();
    BOOST_REQUIRE(is<FileAdded>(here) != is<FileAdded>(there));
    const bool own_wins = is<FileAdded>(here);
    BOOST_TEST(is_refused(own_wins ? there : here, Code::file_conflict));
    BOOST_REQUIRE(net.become_equal({1, 2}));
    const auto again = own_wins ? guest.ask(net.endpoint(2), others) : owner.ask(net.endpoint(1), own);
    BOOST_TEST(is_refused(again, Code::file_conflict));
    const auto listed = owner.ask(net.endpoint(2), ListFiles{{"lab"}, {}});
    BOOST_REQUIRE(is<Files>(listed));
    BOOST_TEST(listed->what.get<Files>()->files.size() == round + 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_no_ok_and_ends_with_the_disk_being_full) {
  TwoTrackers net;
  for (std::uint32_t round = 0; round < rounds(2); ++round) {
    const std::string name = "full" + std::to_string(round);
    TestClient client;
    net[1].limit_files(1024);
    const auto refused = client.ask(net.endpoint(1), user(name));
    BOOST_REQUIRE(is<Refused>(refused));
    BOOST_TEST((refused->what.get<Refused>()->code == Code::disk_full ||
                refused->what.get<Refused>()->code == Code::io_error));
    TestClient reader;
    BOOST_TEST(is_refused(reader.ask(net.endpoint(2), login(name)), Code::bad_credentials));
    net[1].limit_files(RLIM_INFINITY);
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_TEST(is<Done>(reader.ask(net.endpoint(1), user(name))));
    BOOST_TEST(net.become_equal({1, 2}));
  }
}

BOOST_AUTO_TEST_CASE(a_torn_write_ahead_log_is_made_whole_by_the_others) {
  TwoTrackers net;
  std::mt19937 random(1);
  for (std::uint32_t round = 0; round < rounds(3); ++round) {
    const std::string name = "torn" + std::to_string(round);
    TestClient client;
    BOOST_REQUIRE(is_everywhere(client.ask(net.endpoint(1), user(name))));
    net[1].kill_now();
    for (const auto& entry : std::filesystem::directory_iterator(net.data(1))) {
      if (!entry.path().string().ends_with("-wal")) continue;
      const auto size = std::filesystem::file_size(entry.path());
      BOOST_REQUIRE(size > 0U);
      std::filesystem::resize_file(entry.path(), size - std::min<std::uintmax_t>(size, 1 + random() % 9000));
    }
    net.start(1);
    TestClient stranger;
    BOOST_REQUIRE(is<LoggedIn>(stranger.ask(net.endpoint(1), login(name))));
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_TEST(net.become_equal({1, 2}));
  }
}

BOOST_AUTO_TEST_CASE(everything_acknowledged_outlives_the_end_of_all) {
  TwoTrackers net;
  std::vector<std::string> acknowledged;
  for (std::uint32_t round = 0; round < rounds(3); ++round) {
    TestClient client;
    for (std::uint32_t n = 0; n < 5; ++n) {
      const std::string name = "r" + std::to_string(round) + "-" + std::to_string(n);
      BOOST_REQUIRE(is<Done>(client.ask(net.endpoint(n % 2 + 1), user(name))));
      acknowledged.push_back(name);
    }
    net[1].kill_now();
    net[2].kill_now();
    net.start(1 + round % 2);
    net.start(2 - round % 2);
    BOOST_REQUIRE(net.become_equal({1, 2}));
    for (const std::string& name : acknowledged) {
      TestClient stranger;
      BOOST_REQUIRE(is<LoggedIn>(stranger.ask(net.endpoint(2 - round % 2), login(name))));
    }
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_REQUIRE(are_linked(net, 2));
  }
}

BOOST_AUTO_TEST_CASE(a_copied_store_is_refused_in_words) {
  TwoTrackers net;
  net[1].kill_now();
  net[2].kill_now();
  std::filesystem::remove_all(net.data(2));
  std::filesystem::copy(net.data(1), net.data(2));
  TrackerProcess copy(net.info(2), 2, net.data(2), net.config());
  BOOST_TEST(copy.wait() != 0);
}

// Somebody else's program has the ports of a tracker, and answers in its own words.
BOOST_AUTO_TEST_CASE(a_wrong_service_on_its_ports_does_not_keep_a_tracker_out) {
  Network net(2);
  for (std::uint32_t round = 0; round < rounds(1); ++round) {
    {
      WrongService services(net.port(2));
      net.start(1);
      services.answer_for(2500ms);
    }
    net.start(2);
    const auto began = Clock::now();
    BOOST_REQUIRE(are_linked(net, 1, 3s));
    BOOST_TEST_MESSAGE("linked " << milliseconds(Clock::now() - began) << " ms after a wrong service");
    net.stop(2);
  }
}

BOOST_AUTO_TEST_CASE(links_are_whole_again_soon_after_a_cut) {
  TwoTrackers net(Relay::Loss{});
  std::vector<double> healed;
  const std::uint32_t count = rounds(10);
  TestClient client;
  for (std::uint32_t round = 0; round < count; ++round) {
    net.cut(1, 2, Relay::Cut::closed);
    std::uint32_t n = 0;
    const auto write = [&] {
      return client.ask(net.endpoint(1), user("heal" + std::to_string(round) + "-" + std::to_string(++n)));
    };
    auto made = write();
    while (is_everywhere(made)) made = write();
    BOOST_REQUIRE(is<Done>(made));
    const auto mended = Clock::now();
    net.mend(1, 2);
    BOOST_REQUIRE(net.become_equal({1, 2}));
    healed.push_back(milliseconds(Clock::now() - mended));
    BOOST_REQUIRE(are_linked(net, 1));
    BOOST_REQUIRE(are_linked(net, 2));
  }
  std::sort(healed.begin(), healed.end());
  const double most = healed[healed.size() * 99 / 100];
  BOOST_TEST_MESSAGE(count << " heals: median " << healed[healed.size() / 2] << " ms, p99 " << most << " ms");
  BOOST_TEST(most < 2000);
}

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
  }
}

BOOST_AUTO_TEST_SUITE_END()
