#include "shell/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "peer/orchestra/orch_file.hpp"
#include "shell/suggest.hpp"
#include "shell/words.hpp"

namespace tutti {

namespace {

bool is_password(const Argument& argument) {
  return argument.kind == ArgumentKind::password || argument.kind == ArgumentKind::new_password;
}

std::string usage_word(const Argument& argument) {
  const bool literal = argument.kind == ArgumentKind::flag || argument.kind == ArgumentKind::choice;
  if (is_password(argument)) return fmt::format("[<{}>]", argument.name);
  if (argument.optional) return fmt::format("[{}]", argument.name);
  return literal ? std::string(argument.name) : fmt::format("<{}>", argument.name);
}

/// At most as long as a download may sensibly take; keeps the sum with the clock in range.
constexpr double seconds_max = 1e9;

bool is_seconds(const std::string& text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() && value >= 0 && value <= seconds_max;
}

/// What is wrong with one word as such; names are checked later, after the login.
std::string word_fault(const Argument& argument, const std::string& text) {
  switch (argument.kind) {
    case ArgumentKind::seconds:
      return is_seconds(text) ? "" : fmt::format("'{}' is not a number of seconds", text);
    case ArgumentKind::flag: return text == argument.name ? "" : fmt::format("'{}' is not known here", text);
    case ArgumentKind::choice: {
      const std::vector<std::string> words = choices_of(argument);
      const bool known = std::find(words.begin(), words.end(), text) != words.end();
      return known ? "" : fmt::format("'{}' is none of {}", text, fmt::join(words, ", "));
    }
    case ArgumentKind::rate:
      return parse_rate(text) ? "" : fmt::format("'{}' is no rate such as 500K, 2M or none", text);
    case ArgumentKind::window:
      return parse_window(text) ? "" : fmt::format("'{}' is no time of day such as 08:00-18:30", text);
    case ArgumentKind::conductor:
      return orch_conductor_fault(text).empty()
                 ? ""
                 : fmt::format("'{}' names no conductor: give it as ip:port", text);
    case ArgumentKind::path: return text.empty() ? fmt::format("the {} is empty", argument.name) : "";
    case ArgumentKind::password:
    case ArgumentKind::new_password: return text.empty() ? "the password is empty" : "";
    case ArgumentKind::user:
    case ArgumentKind::group:
    case ArgumentKind::file:
    case ArgumentKind::download:
    case ArgumentKind::command: return {};
  }
  return {};
}

Refused usage_error(const Command& command, std::string_view what) {
  return {Code::usage, fmt::format("{}; expected: {}", what, usage_of(command))};
}

Refused unknown_command(const std::string& word) {
  const std::string meant = did_you_mean(word, command_words());
  return {Code::unknown_command,
          meant.empty() ? fmt::format("there is no command '{}'; help lists them all", word)
                        : fmt::format("there is no command '{}'; did you mean {}?", word, meant)};
}

std::optional<Refused> arguments_fault(const Invocation& given) {
  const std::vector<Argument>& wanted = given.command->arguments;
  const auto needed = static_cast<std::size_t>(std::count_if(
      wanted.begin(), wanted.end(), [](const Argument& argument) { return !argument.optional; }));
  if (given.arguments.size() < needed) return usage_error(*given.command, "too few words");
  if (given.arguments.size() > wanted.size()) return usage_error(*given.command, "too many words");
  for (std::size_t i = 0; i < given.arguments.size(); ++i)
    if (const std::string fault = word_fault(wanted[i], given.arguments[i]); !fault.empty())
      return usage_error(*given.command, fault);
  const bool names_command = !wanted.empty() && wanted[0].kind == ArgumentKind::command && given.has(0);
  if (names_command && find_command(given.argument(0)) == nullptr) return unknown_command(given.argument(0));
  return std::nullopt;
}

/// Takes the command's option out of the words, with what it says.
std::optional<Refused> take_options(Invocation& given) {
  const std::string_view option = given.command->option;
  for (std::size_t i = 0; !option.empty() && i < given.arguments.size();) {
    if (given.arguments[i] != option) {
      ++i;
      continue;
    }
    const auto at = given.arguments.begin() + static_cast<std::ptrdiff_t>(i);
    if (i + 1 == given.arguments.size() || given.arguments[i + 1].empty())
      return usage_error(*given.command, fmt::format("{} needs a {}", option, given.command->option_value));
    given.options.push_back(given.arguments[i + 1]);
    given.arguments.erase(at, at + 2);
  }
  return std::nullopt;
}

}  // namespace

const Command* find_command(std::string_view word) {
  if (word.empty()) return nullptr;
  for (const Command& command : command_table())
    if (command.name == word || command.alias == word) return &command;
  return nullptr;
}

std::vector<std::string> command_words() {
  std::vector<std::string> words;
  for (const Command& command : command_table()) {
    words.emplace_back(command.name);
    if (!command.alias.empty()) words.emplace_back(command.alias);
  }
  return words;
}

std::string usage_of(const Command& command) {
  std::string usage(command.name);
  for (const Argument& argument : command.arguments) usage += ' ' + usage_word(argument);
  if (!command.option.empty()) usage += fmt::format(" [{} {}]...", command.option, command.option_value);
  return usage;
}

Parsed parse_command(std::string_view line) {
  Words split = split_words(line);
  Parsed parsed;
  if (split.words.empty()) {
    parsed.nothing = split.fault.empty();
    if (!parsed.nothing) parsed.refused = {Code::usage, split.fault};
    return parsed;
  }
  Invocation& invocation = parsed.invocation;
  invocation.word = split.words.front().text;
  for (std::size_t i = 1; i < split.words.size(); ++i)
    invocation.arguments.push_back(std::move(split.words[i].text));
  invocation.command = find_command(invocation.word);
  if (!split.fault.empty()) {
    parsed.refused = {Code::usage, split.fault};
  } else if (invocation.command == nullptr) {
    parsed.refused = unknown_command(invocation.word);
  } else {
    parsed.refused = take_options(invocation);
    // list_files shows directories so.
    const std::vector<Argument>& wanted = invocation.command->arguments;
    for (std::size_t i = 0; i < std::min(wanted.size(), invocation.arguments.size()); ++i)
      if (std::string& word = invocation.arguments[i];
          (wanted[i].kind == ArgumentKind::file || wanted[i].kind == ArgumentKind::download) &&
          word.size() > 1 && word.ends_with('/'))
        word.pop_back();
    if (!parsed.refused) parsed.refused = arguments_fault(invocation);
  }
  return parsed;
}

std::optional<Refused> name_fault(const Invocation& invocation) {
  for (std::size_t i = 0; i < invocation.arguments.size(); ++i) {
    const std::string& text = invocation.arguments[i];
    if (text.empty() && invocation.command->arguments[i].optional) continue;  // left out before another
    std::string_view fault;
    switch (invocation.command->arguments[i].kind) {
      case ArgumentKind::user:
      case ArgumentKind::group: fault = account_name_fault(text); break;
      case ArgumentKind::download:
      case ArgumentKind::file: fault = file_name_fault(text); break;
      default: break;
    }
    if (!fault.empty())
      return Refused{Code::invalid_name, fmt::format("'{}' cannot be a name: {}", text, fault)};
  }
  return std::nullopt;
}

std::vector<std::string> choices_of(const Argument& argument) {
  std::vector<std::string> words;
  std::string_view rest = argument.name;
  while (!rest.empty()) {
    const std::size_t bar = std::min(rest.find('|'), rest.size());
    words.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return words;
}

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  if (text == "none") return 0;
  double number = 0;
  const auto [end, fault] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (fault != std::errc() || !(number > 0)) return std::nullopt;
  constexpr std::string_view units = "KMG";
  if (!unit.empty()) {
    const std::size_t power = units.find(unit);
    if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
    number *= static_cast<double>(std::uint64_t{1} << (10 * (power + 1)));
  }
  constexpr double least = 1;
  constexpr double most = 1e15;
  if (number < least || number > most) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> parse_window(std::string_view text) {
  const auto digits = [](std::string_view two, std::uint32_t below) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [end, fault] = std::from_chars(two.data(), two.data() + two.size(), value);
    if (fault != std::errc() || end != two.data() + two.size() || value >= below) return std::nullopt;
    return value;
  };
  const auto minute = [&](std::string_view time) -> std::optional<std::uint32_t> {
    if (time.size() != 5 || time[2] != ':') return std::nullopt;
    const auto hours = digits(time.substr(0, 2), 24);
    const auto minutes = digits(time.substr(3), 60);
    if (!hours || !minutes) return std::nullopt;
    return *hours * 60 + *minutes;
  };
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = minute(text.substr(0, dash));
  const auto until = minute(text.substr(dash + 1));
  if (!from || !until || *from == *until) return std::nullopt;
  return std::pair(*from, *until);
}

std::optional<std::size_t> password_position(const Command& command) {
  for (std::size_t i = 0; i < command.arguments.size(); ++i)
    if (is_password(command.arguments[i])) return i;
  return std::nullopt;
}

const Argument* missing_password(const Invocation& invocation) {
  const std::vector<Argument>& wanted = invocation.command->arguments;
  const std::size_t next = invocation.arguments.size();
  return next < wanted.size() && is_password(wanted[next]) ? &wanted[next] : nullptr;
}

std::string markdown_table() {
  std::string table = "| command | what it does | fields of `--json` |\n|---|---|---|\n";
  for (const Command& command : command_table()) {
    std::string usage = usage_of(command);
    // A bar inside a cell would end it.
    for (std::size_t at = 0; (at = usage.find('|', at)) != std::string::npos; at += 2)
      usage.replace(at, 1, "\\|");
    const std::string alias = command.alias.empty() ? "" : fmt::format(" (also `{}`)", command.alias);
    table += fmt::format("| `{}`{} | {} | {} |\n", usage, alias, command.summary, command.json);
  }
  return table;
}

}  // namespace tutti
