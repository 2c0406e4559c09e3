#include <boost/test/unit_test.hpp>
#include <vector>

#include "tests/injection/tracker/support.hpp"
#include "tracker/tracker_console.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

class TestDevice final : public ConsoleDevice {
 public:
  int input() const override { return 0; }
  int signals() const override { return 5; }
  std::optional<std::string> read_input() override {
    if (ended) return std::nullopt;
    return std::exchange(typed, {});
  }
  void take_signal() override { ++signals_taken; }
  void print(std::string_view line) override { printed.emplace_back(line); }
  void fail(std::string_view sentence) override { failure = sentence; }
  std::string start_trace(const std::string& path) override {
    trace = path;
    return path == "/bad" ? "no such folder" : "";
  }
  bool stop_trace() override { return std::exchange(trace, {}) != ""; }

  std::string typed;
  bool ended = false;
  int signals_taken = 0;
  std::vector<std::string> printed;
  std::string failure;
  std::string trace;
};

struct Fixture : World {
  TestDevice device;
  Ref<DirectoryRole> directory = probe<DirectoryRole>();
  Ref<JournalRole> journal = probe<JournalRole>();
  Ref<ConsoleRole> console = spawn<ConsoleRole>(
      "console", std::make_unique<TrackerConsole>(ConsolePlace{1, "/data", directory, journal}, device));

  void type(const std::string& text) {
    device.typed = text;
    host.input_ready(0);
  }
  std::string said() {
    std::string all;
    for (const std::string& line : device.printed) all += line + "\n";
    device.printed.clear();
    return all;
  }
  bool alive() const { return host.is_alive(console.address); }
};

NodeStatus status() {
  NodeStatus status;
  status.serving = true;
  status.at = up_to(id_of<StoreId>(2), 30);
  status.users = 4;
  status.trackers = {{{1, "127.0.0.1:5000", TrackerHealth::self, 0, 0ms}, TrackerTie::live, true, 0ms},
                     {{2, "127.0.0.1:5010", TrackerHealth::behind, 7, 120ms}, TrackerTie::live, true, 35ms}};
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(console)

BOOST_FIXTURE_TEST_CASE(status_and_peers_are_printed, Fixture) {
  type("status\npeers\n");
  expect<AskNode>(directory);
  expect<AskNode>(directory);
  inject(directory.address, console.address, status());
  const std::string first = said();
  BOOST_TEST(first.find("tracker 1  serving") != std::string::npos, first);
  BOOST_TEST(first.find("users 4") != std::string::npos, first);
  inject(directory.address, console.address, status());
  BOOST_TEST(said() ==
             "tracker  address         state        behind  lag     heard\n"
             "1        127.0.0.1:5000  this one\n"
             "2        127.0.0.1:5010  behind            7  35 ms   120 ms ago\n");
  inject(directory.address, console.address, status());  // asked by nobody
  BOOST_TEST(said() == "");
}

BOOST_FIXTURE_TEST_CASE(live_trackers_are_told_from_those_that_hang_or_are_cut_off, Fixture) {
  NodeStatus many = status();
  const auto add = [&](std::uint32_t number, TrackerHealth health, TrackerTie tie,
                       std::chrono::milliseconds heard) {
    many.trackers.push_back({{number, "[::1]:50", health, 278, heard}, tie, heard != 0ms, 2 * heard});
  };
  add(3, TrackerHealth::in_sync, TrackerTie::live, 5ms);
  add(4, TrackerHealth::unreachable, TrackerTie::hung, 7779ms);
  add(5, TrackerHealth::unreachable, TrackerTie::cut_off, 3min);
  add(6, TrackerHealth::unreachable, TrackerTie::half_linked, 5h);
  add(7, TrackerHealth::unreachable, TrackerTie::cut_off, 0ms);
  type("peers\nstatus\n");
  inject(directory.address, console.address, many);
  BOOST_TEST(said() ==
             "tracker  address         state        behind  lag     heard\n"
             "1        127.0.0.1:5000  this one\n"
             "2        127.0.0.1:5010  behind            7  35 ms   120 ms ago\n"
             "3        [::1]:50        in sync         278  10 ms   5 ms ago\n"
             "4        [::1]:50        hung            278  15.6 s  7.8 s ago\n"
             "5        [::1]:50        cut off         278  6 min   3 min ago\n"
             "6        [::1]:50        half linked     278  10 h    5 h ago\n"
             "7        [::1]:50        cut off         278          never\n");
  inject(directory.address, console.address, many);
  const std::string printed = said();
  BOOST_TEST(printed.find("other trackers: 2 behind, 3 in sync, 4 hung, 5 7 cut off, 6 half linked\n") !=
                 std::string::npos,
             printed);
}

BOOST_FIXTURE_TEST_CASE(words_may_come_in_parts, Fixture) {
  type("sta");
  expect_silence();
  type("tus\nusers be");
  expect<AskNode>(directory);
  expect_silence();
  type("rt\n");
  expect_exactly(directory.address, AskUsers{"bert"});
  type(std::string(5000, 'x'));
  type("help\n");
  BOOST_TEST(said().find("quit") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(users_and_groups_are_listed, Fixture) {
  inject(directory.address, console.address, Users{{{"anna", true}, {"bert", false}}, true});
  BOOST_TEST(said() == "* anna\n  bert\n… `users bert` goes on\n");
  type("groups\n");
  expect_exactly(directory.address, AskGroups{""});
  inject(directory.address, console.address, GroupsKnown{{{{"lab"}, {"anna"}, 3, Standing::none}}, false});
  BOOST_TEST(said() == "lab  owner anna  members 3\n");
  inject(directory.address, console.address, Users{});
  BOOST_TEST(said() == "no users\n");
  inject(directory.address, console.address, GroupsKnown{});
  BOOST_TEST(said() == "no groups\n");
}

BOOST_FIXTURE_TEST_CASE(the_log_is_shown_without_secrets, Fixture) {
  type("log 2\n");
  expect<AskNode>(directory);
  inject(directory.address, console.address, status());
  const ReadLog read = expect<ReadLog>(journal);
  BOOST_TEST((read.have == up_to(id_of<StoreId>(2), 28)));
  OtherLog log(id_of<StoreId>(2));
  LogRead answer{{}, {}, false, {}};
  answer.deltas = {log.user(1), log.user(2), log.make({PasswordSet{id_of<Uid>(1), 1, "the verifier"}})};
  inject(journal.address, console.address, answer);
  const std::string text = said();
  BOOST_TEST(text.find("user1") == std::string::npos, text);
  BOOST_TEST(text.find("UserNamed") != std::string::npos, text);
  BOOST_TEST(text.find("02020202:3") != std::string::npos, text);
  BOOST_TEST(text.find("the verifier") == std::string::npos, text);
  type("log many\n");
  BOOST_TEST(said() == "log: N is a number of changes, such as 20\n");
}

BOOST_FIXTURE_TEST_CASE(a_trace_is_started_and_stopped, Fixture) {
  type("trace start /tmp/t\n");
  BOOST_TEST(said() == "recording into /tmp/t\n");
  type("trace stop\n");
  BOOST_TEST(said() == "the recording has ended\n");
  type("trace stop\n");
  BOOST_TEST(said() == "trace: nothing is recorded\n");
  type("trace start /bad\n");
  BOOST_TEST(said() == "trace: no such folder\n");
  type("trace\n");
  BOOST_TEST(said() == "trace: say `trace start FILE` or `trace stop`\n");
}

BOOST_FIXTURE_TEST_CASE(nonsense_is_answered_and_blank_lines_are_not, Fixture) {
  type("dance\n\n   \n# a comment\n");
  BOOST_TEST(said() == "there is no such command; `help` lists them\n");
}

BOOST_FIXTURE_TEST_CASE(quit_stops_it, Fixture) {
  type("quit\n");
  BOOST_TEST(!alive());
}

BOOST_FIXTURE_TEST_CASE(a_signal_stops_it, Fixture) {
  host.input_ready(5);
  BOOST_TEST(!alive());
  BOOST_TEST(device.signals_taken == 1);
}

BOOST_FIXTURE_TEST_CASE(the_end_of_input_does_not, Fixture) {
  device.ended = true;
  host.input_ready(0);
  BOOST_TEST(alive());
  BOOST_TEST(!host.watches(0));
  BOOST_TEST(host.watches(5));
}

BOOST_FIXTURE_TEST_CASE(what_is_hopeless_ends_it, Fixture) {
  inject(directory.address, console.address, Hopeless{"the port is in use"});
  BOOST_TEST(!alive());
  BOOST_TEST(device.failure == "the port is in use");
}

BOOST_FIXTURE_TEST_CASE(it_says_where_it_serves, Fixture) {
  inject(directory.address, console.address, Serving{"127.0.0.1:5000"});
  BOOST_TEST(said() == "tracker 1 serves on 127.0.0.1:5000 (data in /data)\n");
}

BOOST_AUTO_TEST_SUITE_END()
