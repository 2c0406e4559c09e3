// Says a script of messages to one actor and shows what it answers; or runs a recording of whole programs again.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "actors/log.hpp"
#include "actors/replay.hpp"
#include "messages/catalogue.hpp"
#include "messages/redaction.hpp"
#include "peer/client_recording.hpp"
#include "shell/programs/inject/kinds.hpp"
#include "shell/tools/inject_script.hpp"
#include "tracker/tracker_recording.hpp"
#include "tutti_version.hpp"

namespace {

using namespace tutti;

constexpr int all_well = 0;
constexpr int not_as_expected = 1;
constexpr int bad_usage = 2;

constexpr std::string_view about =
    "Says messages to one actor, alone in a host whose time stands until it is told to pass, and shows\n"
    "what it answers. Exit status: 0 all was as expected, 1 something was not, 2 usage.\n";

constexpr std::string_view language =
    "A script, a line a step ('#' begins a comment, '\\' at the end goes on in the next line):\n"
    "  actor NAME [setting=value ...]             the actor under test; see --list\n"
    "  let $gid x'00ff'                           $gid stands for that from now on\n"
    "  alice -> NAME: JoinGroup{group: \"lab\"}     alice says it; names are born by use\n"
    "  alice -> NAME: Block{...} + 512 bytes      with a payload of zeros, or of + x'0af1'\n"
    "  expect NAME -> alice: Told{command: $c, *} the oldest message for alice; * is any value, or the\n"
    "                                             rest; $c any value, remembered; a name alone is enough\n"
    "  expect silence [alice]                     nothing (more) was said\n"
    "  expect fault \"text\"                        the newest dropped message was dropped for this\n"
    "  advance 250ms                              us, ms, s, min\n"
    "  link up 127.0.0.1:5000 [as t1]             a link of the actor stands\n"
    "  link down t1 [silent]                      disconnected, silent, unreachable, misbehaved, closed\n"
    "  accept 127.0.0.1:6000 as bob 22…22         bob comes in at a door of the actor (and has this key)\n"
    "  ready 0                                    file descriptor 0 can be read\n"
    "  forget [alice]   links   stop   seed 7   refuse 127.0.0.1:6000\n"
    "In messages @name is an address and $c what 'let' or an expectation gave it.\n";

struct Arguments {
  bool list = false;
  std::string show;
  std::string replay;
  std::vector<std::string> scripts;
};

std::vector<ActorKind> all_kinds() {
  std::vector<ActorKind> kinds = client_kinds();
  kinds.push_back(shell_kind());
  for (ActorKind& kind : orchestra_kinds()) kinds.push_back(std::move(kind));
  for (ActorKind& kind : tracker_kinds()) kinds.push_back(std::move(kind));
  return kinds;
}

int run_scripts(const std::vector<ActorKind>& kinds, std::vector<std::string> paths) {
  if (paths.empty()) paths.emplace_back("-");
  for (const std::string& path : paths) {
    InjectScript script(kinds, std::cout);
    if (path == "-") {
      script.run(std::cin, "standard input");
    } else {
      std::ifstream file(path);
      if (!file) throw BadRequest(path + " cannot be read");
      script.run(file, path);
    }
    std::cout << path << ": all " << script.expectations() << " expectations hold\n";
  }
  return all_well;
}

void print_difference(const ReplayDifference& difference) {
  std::cout << "the first difference: " << difference.actor << ", "
            << (difference.delivery == 0 ? std::string("before its first delivery")
                                         : "delivery " + std::to_string(difference.delivery))
            << ": " << difference.amid << '\n';
  if (!difference.field.empty()) std::cout << "  field     " << difference.field << '\n';
  std::cout << "  recorded  " << difference.recorded << '\n' << "  now       " << difference.now << '\n';
}

int run_replay(const std::string& path) {
  TraceReader trace;
  if (const std::string fault = trace.open(path); !fault.empty()) throw BadRequest(fault);
  configure_log("", "off");  // it has been said once
  const ReplayOutcome outcome =
      replay(trace, {without_signatures, [](const ProcessBegan& process) {
                       std::vector<ReplayedActor> actors = client_again(process);
                       return actors.empty() ? tracker_again(process) : std::move(actors);
                     }});
  if (outcome.actors == 0)
    throw BadRequest(path +
                     ": nothing of it can be replayed: it is to be recorded by --trace FILE --replayable");
  if (!outcome.unfinished.empty())
    std::cout << "the recording ends amid this: " << outcome.unfinished << '\n';
  std::cout << "replayed " << outcome.deliveries << " deliveries of " << outcome.actors
            << " actors: " << (outcome.difference ? "not the same" : "the same") << '\n';
  if (!outcome.difference) return all_well;
  print_difference(*outcome.difference);
  return not_as_expected;
}

int show_message(const std::string& name) {
  const MessageEntry* entry = find_message(std::string_view(name));
  if (entry == nullptr) throw BadRequest("no message is called '" + name + "'");
  constexpr std::uint64_t seed = 1;
  std::cout << *entry->print(entry->sample(seed), SIZE_MAX) << '\n';
  return all_well;
}

int run(const Arguments& arguments) {
  const std::vector<ActorKind> kinds = all_kinds();
  if (arguments.list) {
    std::cout << list_kinds(kinds);
    return all_well;
  }
  if (!arguments.show.empty()) return show_message(arguments.show);
  return arguments.replay.empty() ? run_scripts(kinds, arguments.scripts) : run_replay(arguments.replay);
}

}  // namespace

int main(int argc, char* argv[]) {
  CLI::App app{std::string(about), "inject"};
  Arguments arguments;
  app.footer(std::string(language));
  app.set_version_flag("--version", std::string(version));
  app.add_flag("--list", arguments.list, "Print the actors, what they accept and their settings");
  app.add_option("--show", arguments.show, "Print an example of this message")->type_name("MESSAGE");
  auto* replay = app.add_option("--replay", arguments.replay,
                                "Run again what client, tracker or simulate have recorded (--trace FILE "
                                "--replayable): the same code has to\n"
                                "do the same, or the first difference is named");
  replay->type_name("TRACE");
  app.add_option("scripts", arguments.scripts, "Scripts ('-' or none: standard input)")->excludes(replay);
  // A shell under test prints to the same place by itself.
  std::cout << std::unitbuf;
  try {
    app.parse(argc, argv);
    return run(arguments);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return bad_usage;
  } catch (const ExpectationFailed& failed) {
    std::cout.flush();
    std::cerr << failed.what() << '\n';
    return not_as_expected;
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "inject: " << error.what() << '\n';
    return bad_usage;
  }
}
