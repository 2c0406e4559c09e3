#include "shell/tools/inject_script.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "messages/client_tracker.hpp"
#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"
#include "tests/unit/tools/tool_actors.hpp"

using namespace tutti;

namespace {

struct Outcome {
  std::string printed;
  std::string failed;  // an expectation
  std::string bad;     // the script
};

Outcome run(const std::string& script) {
  Outcome outcome;
  std::ostringstream out;
  std::istringstream in(script);
  const std::vector<ActorKind> kinds = tool_test_kinds();
  InjectScript runner(kinds, out);
  try {
    runner.run(in, "script");
  } catch (const ExpectationFailed& failed) {
    outcome.failed = failed.what();
  } catch (const BadRequest& bad) {
    outcome.bad = bad.what();
  }
  outcome.printed = out.str();
  return outcome;
}

void holds(const std::string& script) {
  const Outcome outcome = run(script);
  BOOST_TEST(outcome.failed == "");
  BOOST_TEST(outcome.bad == "");
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(inject_script)

BOOST_AUTO_TEST_CASE(a_conversation_is_said_and_expected) {
  holds(R"(
# the echo actor answers AskLink with the number that it counts
actor echo
alice -> echo: AskLink{command: 5}
expect echo -> alice: HashProgress{command: 5, done: 1, total: 0}
bob -> echo: AskLink{command: 6}
expect echo -> bob: HashProgress{command: $c, *}
bob -> echo: AskLink{command: $c}
expect echo -> bob: HashProgress{command: 6, done: 3, total: 0}
expect silence
)");
}

BOOST_AUTO_TEST_CASE(answers_are_printed_as_they_come) {
  const Outcome outcome = run("actor echo\nadvance 250ms\nalice -> echo: AskLink{command: 5}\n");
  BOOST_TEST(has(outcome.printed, "0.250000  alice -> echo: AskLink{command: 5}\n"));
  BOOST_TEST(
      has(outcome.printed, "0.250000    echo -> alice: HashProgress{command: 5, done: 1, total: 0}\n"));
}

BOOST_AUTO_TEST_CASE(an_expectation_that_does_not_hold_names_its_line) {
  const std::string begin = "actor echo\nalice -> echo: AskLink{command: 5}\n";
  BOOST_TEST(
      run(begin + "expect echo -> alice: HashProgress{command: 6, *}\n").failed.starts_with("script:3: "));
  BOOST_TEST(has(run(begin + "expect echo -> alice: HashProgress{command: 6, *}\n").failed, "command: 5"));
  BOOST_TEST(run(begin + "expect silence\n").failed.starts_with("script:3: expected silence"));
  BOOST_TEST(run(begin + "expect silence alice\n").failed.starts_with("script:3: "));
  BOOST_TEST(
      has(run(begin + "expect echo -> alice: Told\n").failed, "but it was echo -> alice: HashProgress"));
  BOOST_TEST(has(run("actor echo\nexpect fault \"no\"\n").failed, "got none"));
  BOOST_TEST(
      has(run(begin + "expect echo -> alice: HashProgress\nexpect echo -> alice: HashProgress\n").failed,
          "script:4: nothing was said to alice"));
}

BOOST_AUTO_TEST_CASE(what_is_no_script_names_its_line) {
  for (const std::string_view line : {"dance",
                                      "advance",
                                      "advance 5",
                                      "advance 5 parsecs",
                                      "actor nobody",
                                      "actor echo what",
                                      "actor echo x=1",
                                      "alice -> nobody: Logout{}",
                                      "alice -> echo Logout{}",
                                      "alice -> echo: Nonsense{}",
                                      "alice -> echo: AskLink{}",
                                      "alice -> echo: AskLink{command: $c}",
                                      "alice -> echo: AskLink{command: 1} + much",
                                      "alice -> echo: AskLink{command: 1} + x'0'",
                                      "expect echo -> nobody: Told",
                                      "expect echo -> echo: Nonsense",
                                      "expect nothing",
                                      "link up nowhere",
                                      "link sideways 127.0.0.1:9",
                                      "accept 127.0.0.1:9 as bob",
                                      "seed x",
                                      "let",
                                      "let x 5",
                                      "let $x",
                                      "alice -> echo: AskLink{command: \"}"}) {
    const Outcome outcome = run("actor echo\n" + std::string(line) + "\n");
    BOOST_TEST(outcome.bad.starts_with("script:2: "), line << ": " << outcome.bad << outcome.failed);
  }
  BOOST_TEST(run("alice -> echo: Logout{}\n").bad == "script:1: first comes 'actor NAME'");
  BOOST_TEST(run("actor echo\nlinks \\").bad == "script: the last line goes on in no other");
}

BOOST_AUTO_TEST_CASE(time_passes_when_told) {
  holds(R"(
actor echo
alice -> echo: ForgetCommand{command: 9}
advance 999ms
expect silence
advance 1ms
expect echo -> alice: ForgetCommand{command: 9}
)");
}

BOOST_AUTO_TEST_CASE(links_come_and_go) {
  holds(R"(
actor dialler endpoint=127.0.0.1:7000
links
link up 127.0.0.1:7000 as server
expect dialler -> server: OpenFile
server -> dialler: FileOpened{fid: x'00000000000000000000000000000000', bitfield: x'80'} + x'0102'
expect dialler -> friend: ForgetCommand{command: 2}
server -> dialler: OpenFile{gid: x'00000000000000000000000000000000', fid: x'00000000000000000000000000000000'}
expect fault "keeps out"
link down server silent
expect dialler -> friend: ForgetCommand{command: 1000}
link up server
expect dialler -> 127.0.0.1:7000: OpenFile
expect silence
)");
}

BOOST_AUTO_TEST_CASE(somebody_comes_in_at_a_door) {
  holds(R"(
actor listener
accept 127.0.0.1:7001 as bob
accept 127.0.0.1:7001 as ann
ann -> listener: CloseFile{fid: x'00000000000000000000000000000007'}
expect listener -> ann: FileClosed{fid: x'00000000000000000000000000000007', reason: asked} + 3 bytes
expect silence bob
link down bob
expect silence
)");
}

BOOST_AUTO_TEST_CASE(a_taken_port_can_be_played) {
  holds(R"(
refuse 127.0.0.1:7001
actor listener
expect listener -> friend: TrackerChanged{tracker_number: 0, endpoint: *, sentence: "the address is in use"}
)");
}

BOOST_AUTO_TEST_CASE(addresses_have_names_in_messages) {
  holds(R"(
actor echo
let $big x'0000000000000000000000000000000000000000000000000000000000000000'
bob -> echo: FetchPiece{download: 1, piece: 2, attempt: 0, blocks: [], \
  sha1: x'0000000000000000000000000000000000000000', \
  sha256: $big, verifier: @alice}
expect echo -> alice: ForgetCommand{command: 77}
)");
}

BOOST_AUTO_TEST_CASE(what_was_said_can_be_forgotten) {
  holds(R"(
actor echo
alice -> echo: AskLink{command: 1}
bob -> echo: AskLink{command: 2}
forget alice
expect silence alice
expect echo -> bob: HashProgress
alice -> echo: AskLink{command: 1}
forget
expect silence
)");
}

BOOST_AUTO_TEST_CASE(a_stopped_actor_says_nothing) {
  holds("actor echo\nalice -> echo: ForgetCommand{command: 1}\nstop\nadvance 10s\nexpect silence\n");
}

BOOST_AUTO_TEST_CASE(the_list_names_actors_messages_and_settings) {
  const std::string list = list_kinds(tool_test_kinds());
  BOOST_TEST(has(list, "echo: says what it hears\n  accepts  AskLink ForgetCommand FetchPiece\n"));
  BOOST_TEST(has(list, "  setting  endpoint=127.0.0.1:7000  where to\n"));
  BOOST_TEST(has(list, "  hears    PeerWelcome SealedDoor PeerUnwelcome FileOpened"));
}

BOOST_AUTO_TEST_SUITE_END()
