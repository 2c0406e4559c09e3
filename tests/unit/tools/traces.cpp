// What trace_view prints, and what inject --replay compares.

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "actors/trace_file.hpp"
#include "shell/tools/replay.hpp"
#include "shell/tools/trace_printer.hpp"
#include "tests/unit/tools/tool_actors.hpp"

using namespace tutti;
using namespace std::chrono_literals;

namespace {

/// A trace file that goes with the test.
class Recording {
 public:
  Recording() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-replay-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    BOOST_REQUIRE(file_.start(path()) == "");
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "trace").string(); }
  TraceFile& file() { return file_; }

  template <Message M>
  void say(Duration at, Address from, Address to, const M& message, Payload payload = {},
           bool outside = false) {
    file_.delivered(Instant(at), {from, to, M::message_id, encode(message), std::move(payload), outside});
  }

  std::string print(const TracePrinting& how) {
    file_.stop();
    TraceReader reader;
    BOOST_REQUIRE(reader.open(path()) == "");
    std::ostringstream out;
    print_trace(reader, how, out);
    return out.str();
  }

  ReplayOutcome replay_actor(const std::string& kind, const std::string& name, std::string& printed) {
    file_.stop();
    TraceReader reader;
    BOOST_REQUIRE(reader.open(path()) == "");
    std::ostringstream out;
    const auto kinds = tool_test_kinds();
    const ReplayOutcome outcome = replay(reader, find_kind(kinds, kind), name, {}, out);
    printed = out.str();
    return outcome;
  }

 private:
  std::filesystem::path folder_;
  TraceFile file_;
};

constexpr Address shell{1};
constexpr Address link_actor{2};
constexpr Address wire{3};

struct SmallTrace : Recording {
  SmallTrace() {
    file().named(shell, "shell");
    file().named(link_actor, "tracker_link");
    file().named(wire, "tracker@127.0.0.1:5000");
    say(5s, shell, link_actor, AskLink{{1}});
    say(5s + 1500us, link_actor, wire, Present{{}, 1, "<host>;", 6000});
    say(7s, wire, link_actor, Notice{NoticeKind::info, "", "", "hello"}, Payload::own(Bytes(10)), true);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_printer)

BOOST_FIXTURE_TEST_CASE(a_trace_is_a_line_a_message, SmallTrace) {
  BOOST_TEST(print({.filter = "", .most_bytes = 2}) ==
             "0.000000  shell -> tracker_link: AskLink{command: 1}\n"
             "0.001500  tracker_link -> tracker@127.0.0.1:5000: Present{token: x'0000…(32)', count: 1, "
             "host: \"<host>;\", port: 6000}\n"
             "2.000000  tracker@127.0.0.1:5000 -> tracker_link: Notice{kind: info, group: \"\", user: \"\", "
             "sentence: \"hello\"} + 10 bytes\n"
             "the trace ends: stopped\n");
}

BOOST_FIXTURE_TEST_CASE(a_trace_is_a_diagram, SmallTrace) {
  BOOST_TEST(print({.mermaid = true, .filter = "", .most_bytes = 0}) ==
             "sequenceDiagram\n"
             "  participant a1 as shell\n"
             "  participant a2 as tracker_link\n"
             "  a1->>a2: AskLink{command: 1}\n"
             "  participant a3 as tracker@127.0.0.1:5000\n"
             "  a2->>a3: Present{token: x'…(32)', count: 1, host: \"#lt;host#gt;#59;\", port: 6000}\n"
             "  a3-->>a2: Notice{kind: info, group: \"\", user: \"\", sentence: \"hello\"} + 10 bytes\n"
             "  %% the trace ends: stopped\n");
}

BOOST_FIXTURE_TEST_CASE(a_filter_looks_at_both_sides_and_at_the_message, SmallTrace) {
  const auto lines = [&](const std::string& filter) {
    const std::string text = print({.filter = filter});
    return std::count(text.begin(), text.end(), '\n') - 1;
  };
  BOOST_TEST(lines("shell") == 1);
  BOOST_TEST(lines("127.0.0.1") == 2);
  BOOST_TEST(lines("tracker_link") == 3);
  BOOST_TEST(lines("Notice") == 1);
  BOOST_TEST(lines("hello") == 0);
}

BOOST_AUTO_TEST_CASE(a_torn_trace_says_so) {
  Recording recording;
  recording.say(1s, shell, link_actor, AskLink{{1}});
  recording.say(2s, shell, link_actor, AskLink{{2}});
  std::filesystem::resize_file(recording.path(), std::filesystem::file_size(recording.path()) - 1);
  TraceReader reader;
  BOOST_REQUIRE(reader.open(recording.path()) == "");
  std::ostringstream out;
  print_trace(reader, {}, out);
  BOOST_TEST(out.str() ==
             "0.000000  address 1 -> address 2: AskLink{command: 1}\n"
             "the trace ends amid a record\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(replaying)

BOOST_AUTO_TEST_CASE(the_same_messages_get_the_same_answers) {
  Recording recording;
  recording.file().named({10}, "echo");
  recording.file().named({11}, "alice");
  recording.say(1s, {11}, {10}, AskLink{{5}});
  recording.say(1s, {10}, {11}, HashProgress{{5}, {1}, {}});
  recording.say(2s, {11}, {10}, ForgetCommand{{6}});
  recording.say(3s, {10}, {10}, UnshareFile{{6}, {"g"}, {"f"}});  // its own timer
  recording.say(3s, {10}, {11}, ForgetCommand{{6}});
  recording.say(4s, {11}, {10}, AskLink{{7}});
  recording.say(4s, {10}, {11}, HashProgress{{7}, {2}, {}});
  std::string printed;
  const ReplayOutcome outcome = recording.replay_actor("echo", "echo", printed);
  BOOST_TEST(outcome.delivered == 3U);
  BOOST_TEST(outcome.same == 3U, printed);
  BOOST_TEST(outcome.different == 0U, printed);
}

BOOST_AUTO_TEST_CASE(another_answer_is_shown_beside_the_recorded_one) {
  Recording recording;
  recording.file().named({10}, "echo");
  recording.file().named({11}, "alice");
  recording.say(1s, {11}, {10}, AskLink{{5}});
  recording.say(1s, {10}, {11}, HashProgress{{5}, {99}, {}});
  recording.say(1s, {10}, {11}, HashProgress{{6}, {100}, {}});
  std::string printed;
  const ReplayOutcome outcome = recording.replay_actor("echo", "echo", printed);
  BOOST_TEST(outcome.different == 2U);
  BOOST_TEST(printed ==
             "recorded   echo -> alice: HashProgress{command: 5, done: 99, total: 0}\n"
             "  but now  echo -> alice: HashProgress{command: 5, done: 1, total: 0}\n"
             "recorded   echo -> alice: HashProgress{command: 6, done: 100, total: 0}\n"
             "  but now  echo -> alice: nothing\n");
}

BOOST_AUTO_TEST_CASE(links_come_and_go_as_recorded) {
  Recording recording;
  recording.file().named({10}, "dialler");
  recording.file().named({11}, "friend");
  recording.file().named({12}, "serving_peer@127.0.0.1:7000");
  recording.say(1s, {12}, {10}, LinkUp{{12}, {}, "127.0.0.1:7000", {}});
  recording.say(1s, {10}, {12}, OpenFile{});
  recording.say(2s, {12}, {10}, FileOpened{}, Payload::own(Bytes(9)), true);
  recording.say(2s, {10}, {11}, ForgetCommand{{9}});
  recording.say(3s, {12}, {10}, LinkDown{{12}, LinkLoss::silent});
  recording.say(3s, {10}, {11}, ForgetCommand{{1000}});
  std::string printed;
  const ReplayOutcome outcome = recording.replay_actor("dialler", "dialler", printed);
  BOOST_TEST(outcome.delivered == 3U);
  BOOST_TEST(outcome.same == 3U, printed);
  BOOST_TEST(outcome.different == 0U, printed);
}

BOOST_AUTO_TEST_CASE(those_who_come_in_at_a_door_come_in_again) {
  Recording recording;
  recording.file().named({10}, "listener");
  recording.file().named({12}, "fetching_peer@127.0.0.1:7001");
  recording.file().named({13}, "fetching_peer@10.0.0.9");
  recording.say(1s, {13}, {10}, LinkUp{{13}, {12}, "10.0.0.9", {}});
  recording.say(2s, {13}, {10}, CloseFile{}, {}, true);
  recording.say(2s, {10}, {13}, FileClosed{{}, CloseReason::asked}, Payload::own({1, 2, 3}));
  std::string printed;
  const ReplayOutcome outcome = recording.replay_actor("listener", "listener", printed);
  BOOST_TEST(outcome.same == 1U, printed);
  BOOST_TEST(outcome.different == 0U, printed);
}

BOOST_AUTO_TEST_CASE(of_several_of_one_kind_each_counts_as_the_one_that_is_there) {
  Recording recording;
  recording.file().named({10}, "dialler-1");
  recording.file().named({11}, "friend-0");
  recording.file().named({14}, "friend-1");
  recording.file().named({12}, "serving_peer@127.0.0.1:7000");
  recording.say(1s, {11}, {10}, FileOpened{}, Payload::own(Bytes(4)));
  recording.say(1s, {10}, {14}, ForgetCommand{{4}});
  std::string printed;
  const ReplayOutcome outcome = recording.replay_actor("dialler-0", "dialler-1", printed);
  BOOST_TEST(outcome.same == 1U, printed);
  BOOST_TEST(outcome.different == 0U, printed);
}

BOOST_AUTO_TEST_CASE(an_actor_that_the_trace_does_not_have_is_refused) {
  Recording recording;
  recording.file().named({10}, "echo");
  std::string printed;
  BOOST_CHECK_THROW(recording.replay_actor("echo", "echo", printed), BadRequest);
  BOOST_CHECK_THROW(recording.replay_actor("echo", "nobody", printed), BadRequest);
}

BOOST_AUTO_TEST_SUITE_END()
