// Every actor that speaks with the outside, in the middle of a conversation: the scripts of configs/inject, between whose lines
// those who are connected say something else, valid or not.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "actors/injection_host.hpp"
#include "actors/log.hpp"
#include "messages/catalogue.hpp"
#include "shell/programs/inject/kinds.hpp"
#include "shell/tools/inject_script.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

namespace {

const std::vector<ActorKind>& kinds() {
  static const std::vector<ActorKind> all = [] {
    std::vector<ActorKind> kinds = client_kinds();
    for (auto more : {orchestra_kinds(), tracker_kinds()})
      for (ActorKind& kind : more) kinds.push_back(std::move(kind));
    return kinds;
  }();
  return all;
}

/// The statements of a script that has links, without what it expects: that may be another thing now.
struct Script {
  const ActorKind* kind = nullptr;
  std::vector<std::string> statements;
};

std::optional<Script> script_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  Script script;
  bool has_links = false;
  std::string statement;
  for (std::string line; std::getline(file, line);) {
    statement += line;
    if (statement.ends_with('\\')) {
      statement.pop_back();
      continue;
    }
    if (statement.starts_with("actor ")) {
      std::istringstream words(statement);
      std::string word;
      words >> word >> word;
      for (const ActorKind& kind : kinds())
        if (kind.name == word) script.kind = &kind;
    }
    has_links = has_links || statement.find(" as ") != std::string::npos;
    if (!statement.empty() && !statement.starts_with('#') && !statement.starts_with("links"))
      script.statements.push_back(statement);
    statement.clear();
  }
  if (script.kind == nullptr || script.kind->hears.empty() || !has_links) return std::nullopt;
  return script;
}

const std::vector<Script>& scripts() {
  static const std::vector<Script> all = [] {
    static_cast<void>(configure_log("/dev/null", "error"));
    std::set<std::filesystem::path> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(TUTTI_TESTS_DIR) + "/../configs/inject"))
      paths.insert(entry.path());
    std::vector<Script> scripts;
    for (const auto& path : paths)
      if (std::optional<Script> script = script_of(path)) scripts.push_back(std::move(*script));
    return scripts;
  }();
  return all;
}

/// A sample of a message that the actor hears over links, with another byte now and then.
std::string something_said(const ActorKind& kind, fuzz::Choices& choices) {
  const MessageEntry* entry = find_message(kind.hears[choices.below(kind.hears.size())]);
  Bytes body = entry->sample(choices.below(65536));
  if (choices.below(4) == 0) body[choices.below(body.size())] = static_cast<std::uint8_t>(choices.below(256));
  const Decoded<std::string> text = entry->print(body, SIZE_MAX);
  return text ? *text : std::string(entry->name);
}

/// The name that a statement gives to a link; empty if it opens none.
std::string link_named(const std::string& statement) {
  if (!statement.starts_with("accept ") && !statement.starts_with("link up ")) return {};
  const std::size_t at = statement.find(" as ");
  if (at == std::string::npos) return {};
  return statement.substr(at + 4, statement.find(' ', at + 4) - at - 4);
}

}  // namespace

FUZZ_TARGET(conversations) {
  fuzz::Choices choices(input);
  ENSURE(scripts().size() >= 8);
  const Script& script = scripts()[choices.below(scripts().size())];
  std::ostringstream played;
  std::ostringstream out;
  std::vector<std::string> links;
  for (const std::string& statement : script.statements) {
    if (statement.starts_with("expect ")) {
      // What it remembers is needed by later lines.
      if (statement.find('$') != std::string::npos) played << statement << '\n';
    } else {
      played << statement << '\n';
    }
    if (std::string name = link_named(statement); !name.empty()) links.push_back(std::move(name));
    for (std::size_t more = links.empty() ? 0 : choices.below(3); more > 0; --more) {
      switch (choices.below(8)) {
        case 0: played << "advance " << choices.below(3000) << "ms\n"; break;
        case 1: played << "link down " << links[choices.below(links.size())] << " disconnected\n"; break;
        default:
          played << links[choices.below(links.size())] << " -> " << script.kind->name << ": "
                 << something_said(*script.kind, choices) << '\n';
      }
    }
  }
  std::istringstream statements(played.str());
  try {
    InjectScript(kinds(), out).run(statements, "conversation");
  } catch (const BadRequest&) {         // what was changed is no message any more, or a link is gone
  } catch (const ExpectationFailed&) {  // the conversation took another way
  }
}
