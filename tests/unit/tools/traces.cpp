// What trace_view prints.

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "actors/trace_file.hpp"
#include "messages/codec.hpp"
#include "messages/inside_client.hpp"
#include "messages/shell_client.hpp"
#include "shell/tools/trace_printer.hpp"

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
