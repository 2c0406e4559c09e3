// Every actor that speaks with the outside, in the middle of a conversation: the scripts of configs/inject, between whose lines
// those who are connected say something else, valid or not. No invariant breaks, and nobody's word ends an actor.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

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
  std::vector<std::string> said;     ///< over links: messages as text
  std::vector<std::string> ids;      ///< x'…' that stand in it
  std::vector<std::string> numbers;  ///< the same
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Where the next x'…' or number of a text begins, and how long it is; nothing there: npos.
std::pair<std::size_t, std::size_t> next_value(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    } else if (text.substr(at).starts_with("x'")) {
      const std::size_t end = text.find('\'', at + 2);
      return end == std::string_view::npos ? std::pair(end, std::size_t{0}) : std::pair(at, end + 1 - at);
    } else if (is_digit(text[at]) && at > 0 && text[at - 1] == ' ') {
      std::size_t end = at;
      while (end < text.size() && is_digit(text[end])) ++end;
      return {at, end - at};
    }
  }
  return {std::string_view::npos, 0};
}

void note_values(Script& script, const std::string& text) {
  for (auto [at, length] = next_value(text, 0); at != std::string::npos;
       std::tie(at, length) = next_value(text, at + length))
    (text[at] == 'x' ? script.ids : script.numbers).push_back(text.substr(at, length));
}

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
    if (script.kind != nullptr && !statement.starts_with('#')) {
      note_values(script, statement);
      // What the actor's partners in the process say is trusted, so it is not made up.
      const std::string to = " -> " + std::string(script.kind->name) + ": ";
      const std::size_t at = statement.find(to);
      if (at != std::string::npos) {
        const std::string what = statement.substr(at + to.size());
        const MessageEntry* entry = find_message(std::string_view(what).substr(0, what.find('{')));
        const auto& hears = script.kind->hears;
        if (entry != nullptr && std::find(hears.begin(), hears.end(), entry->id) != hears.end())
          script.said.push_back(what);
      }
    }
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

/// The same with values that the conversation is about: what is made up blindly is about nothing that there is.
std::string to_the_point(const Script& script, std::string text, fuzz::Choices& choices) {
  for (auto [at, length] = next_value(text, 0); at != std::string::npos;
       std::tie(at, length) = next_value(text, at + length)) {
    const std::size_t how = choices.below(4);
    if (how == 0) continue;
    const std::vector<std::string>& known = text[at] == 'x' ? script.ids : script.numbers;
    std::string value = known.empty() ? std::string() : known[choices.below(known.size())];
    if (text[at] != 'x' && how == 1) value = std::to_string(choices.below(4));
    if (value.empty() || (text[at] == 'x' && value.size() != length)) continue;
    text.replace(at, length, value);
    length = value.size();
  }
  return text;
}

/// Something that the actor hears over links: what the script has somebody say there, or a sample with another byte now and
/// then.
std::string something_said(const Script& script, fuzz::Choices& choices) {
  const ActorKind& kind = *script.kind;
  if (!script.said.empty() && choices.below(3) == 0) {
    const std::string& again = script.said[choices.below(script.said.size())];
    return choices.below(2) == 0 ? again : to_the_point(script, again, choices);
  }
  const MessageEntry* entry = find_message(kind.hears[choices.below(kind.hears.size())]);
  Bytes body = entry->sample(choices.below(65536));
  if (choices.below(4) == 0) body[choices.below(body.size())] = static_cast<std::uint8_t>(choices.below(256));
  const Decoded<std::string> text = entry->print(body, SIZE_MAX);
  return text ? to_the_point(script, *text, choices) : std::string(entry->name);
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
    for (std::size_t more = links.empty() ? 0 : choices.below(6); more > 0; --more) {
      switch (choices.below(8)) {
        case 0: played << "advance " << choices.below(3000) << "ms\n"; break;
        case 1: played << "link down " << links[choices.below(links.size())] << " disconnected\n"; break;
        default:
          played << links[choices.below(links.size())] << " -> " << script.kind->name << ": "
                 << something_said(script, choices) << '\n';
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
