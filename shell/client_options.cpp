#include "shell/client_options.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>

#include "peer/orchestra/orch_words.hpp"
#include "shell/command.hpp"
#include "shell/exit_status.hpp"
#include "tutti_version.hpp"

namespace tutti {

namespace {

// --- the configuration file ------------------------------------------------------------------------------------

/// A key takes its value, or says what it should be.
using Setter = std::function<std::string(const toml::node&, ClientOptions&)>;

Setter text(std::string ClientOptions::*field) {
  return [field](const toml::node& node, ClientOptions& options) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value) return "has to be a text in quotes";
    options.*field = *value;
    return {};
  };
}

std::optional<std::uint32_t> whole_number(const toml::node& node, std::int64_t least) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < least || *value > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

Setter number(std::uint32_t ClientOptions::*field, std::int64_t least) {
  return [field, least](const toml::node& node, ClientOptions& options) -> std::string {
    const auto value = whole_number(node, least);
    if (!value) return fmt::format("has to be a whole number, at least {}", least);
    options.*field = *value;
    return {};
  };
}

Setter port(std::uint32_t ClientOptions::*field) {
  return [field](const toml::node& node, ClientOptions& options) -> std::string {
    const auto value = whole_number(node, 0);
    if (!value || *value > std::numeric_limits<std::uint16_t>::max()) return "has to be a port, 0 to 65535";
    options.*field = *value;
    return {};
  };
}

Setter milliseconds(std::chrono::milliseconds ClientOptions::*field) {
  return [field](const toml::node& node, ClientOptions& options) -> std::string {
    const auto value = whole_number(node, 1);
    if (!value) return "has to be a whole number of milliseconds, at least 1";
    options.*field = std::chrono::milliseconds(*value);
    return {};
  };
}

std::optional<Coloring> coloring_of(std::string_view word) {
  if (word == "auto") return Coloring::automatic;
  if (word == "always") return Coloring::always;
  if (word == "never") return Coloring::never;
  return std::nullopt;
}

std::string set_color(const toml::node& node, ClientOptions& options) {
  const auto coloring = coloring_of(node.value_exact<std::string>().value_or(""));
  if (!coloring) return "has to be \"auto\", \"always\" or \"never\"";
  options.coloring = *coloring;
  return {};
}

const std::map<std::string, Setter, std::less<>>& setters() {
  static const std::map<std::string, Setter, std::less<>> all{
      {"state", text(&ClientOptions::state)},
      {"password_file", text(&ClientOptions::password_file)},
      {"shell.color", set_color},
      {"shell.history_lines", number(&ClientOptions::history_lines, 0)},
      {"shell.progress_interval_ms", milliseconds(&ClientOptions::progress_interval)},
      {"log.file", text(&ClientOptions::log_file)},
      {"log.level", text(&ClientOptions::log_level)},
      {"network.orchestra", text(&ClientOptions::orchestra)},
      {"network.public_host", text(&ClientOptions::public_host)},
      {"network.sealed_port", port(&ClientOptions::sealed_port)},
      {"trackers.answer_patience_ms", milliseconds(&ClientOptions::answer_patience)},
      {"trackers.unreachable_after_ms", milliseconds(&ClientOptions::unreachable_after)},
      {"trackers.present_every_ms", milliseconds(&ClientOptions::present_every)},
      {"downloads.at_once", number(&ClientOptions::downloads_at_once, 1)},
      {"downloads.peers", number(&ClientOptions::peers_per_download, 1)},
      {"downloads.request_memory_mib", number(&ClientOptions::request_memory_mib, 1)},
      {"downloads.sharers_every_ms", milliseconds(&ClientOptions::sharers_every)},
      {"files.hashers", number(&ClientOptions::hashers, 0)},
  };
  return all;
}

std::string set_key(const std::string& key, const toml::node& node, ClientOptions& options) {
  const auto setter = setters().find(key);
  const std::string fault =
      setter == setters().end() ? "is not a key of a client" : setter->second(node, options);
  return fault.empty() ? fault : fmt::format("line {}: {} {}", node.source().begin.line, key, fault);
}

// --- the command line ------------------------------------------------------------------------------------------

std::string read_configuration_file(const std::string& path, ClientOptions& options) {
  const auto content = read_text_file(path);
  if (!content) return fmt::format("{}: the configuration cannot be read", path);
  const std::string fault = read_configuration(*content, options);
  return fault.empty() ? fault : fmt::format("{}: {}", path, fault);
}

ParsedOptions usage_error(std::string_view sentence) {
  ParsedOptions parsed;
  parsed.err = fmt::format("error: usage: {}; see client --help\n", sentence);
  parsed.exit_status = exit_usage;
  return parsed;
}

/// What the command line says, kept apart from the configuration file, which is read later and counts less.
struct Given {
  std::string serving;
  std::string tracker_file;
  std::optional<std::string> state, commands, script_file, color, password_file, log_file, log_level,
      trace_file, orchestra;
  std::string config;
  bool json = false;
  bool replayable = false;
  bool help_markdown = false;
};

void declare(CLI::App& app, Given& given) {
  app.add_option("IP:PORT", given.serving, "Where this client serves its peers")->type_name("");
  app.add_option("tracker_info.txt", given.tracker_file, "The trackers, one a line: ip:port")->type_name("");
  app.add_option("--state", given.state,
                 "Folder for identity, shares and unfinished downloads "
                 "(default: $XDG_STATE_HOME/tutti/client)")
      ->type_name("DIR");
  auto* commands = app.add_option("-c", given.commands, "Run these commands and end: 'COMMAND; COMMAND'");
  commands->type_name("COMMANDS");
  app.add_option("-f", given.script_file, "Run the commands of this file, one a line, and end")
      ->type_name("SCRIPT")
      ->excludes(commands);
  app.add_flag("--json", given.json, "Print one JSON object a command, and events");
  app.add_option("--color", given.color, "auto (default), always or never")->type_name("WHEN");
  app.add_option(
         "--password-file", given.password_file,
         "File whose first line is the password of create_user, login and passwd without one, and whose "
         "second is the new one of passwd")
      ->type_name("FILE");
  app.add_option("--log-file", given.log_file, "Where to log (default: client.log in the state folder)")
      ->type_name("FILE");
  app.add_option("--log-level", given.log_level, "trace, debug, info, warning (default), error or off")
      ->type_name("LEVEL");
  app.add_option("--config", given.config,
                 "Configuration (TOML); every key is explained in configs/client.toml")
      ->type_name("FILE");
  auto* trace =
      app.add_option("--trace", given.trace_file, "Record every message into this file, for trace_view");
  trace->type_name("FILE");
  app.add_flag("--replayable", given.replayable,
               "Record there what 'inject --replay' needs, too: session tokens are in it")
      ->needs(trace);
  app.add_option(
         "--orchestra", given.orchestra,
         "Serve members of Orchestras here, ip:port, what was exported by export_orch and is shared: outside "
         "the protection of its group")
      ->type_name("IP:PORT");
  app.add_flag("--help-markdown", given.help_markdown, "Print the commands as a Markdown table");
  app.set_version_flag("--version", fmt::format("client {}", version));
  app.footer(
      "Commands are read from standard input, with a prompt on a terminal; type help there.\n"
      "Exit status: 0, or the class of the first failure; 130 when interrupted.");
}

std::string apply(const Given& given, ClientOptions& options) {
  if (!given.config.empty()) {
    if (std::string fault = read_configuration_file(given.config, options); !fault.empty()) return fault;
  }
  options.serving = given.serving;
  options.tracker_file = given.tracker_file;
  options.commands = given.commands;
  options.script_file = given.script_file;
  options.json = given.json;
  if (given.state) options.state = *given.state;
  if (given.password_file) options.password_file = *given.password_file;
  if (given.log_file) options.log_file = *given.log_file;
  if (given.log_level) options.log_level = *given.log_level;
  if (given.trace_file) options.trace_file = *given.trace_file;
  options.replayable = given.replayable;
  if (given.orchestra) options.orchestra = *given.orchestra;
  if (given.color) {
    const auto coloring = coloring_of(*given.color);
    if (!coloring) return fmt::format("--color {}: it is auto, always or never", *given.color);
    options.coloring = *coloring;
  }
  if (options.serving.empty()) return "IP:PORT is missing: where this client serves its peers";
  if (options.tracker_file.empty()) return "tracker_info.txt is missing: the file that names the trackers";
  if (std::string fault = serving_address_fault(options.serving); !fault.empty()) return fault;
  return options.orchestra.empty() ? std::string() : orchestra_address_fault(options.orchestra);
}

}  // namespace

ParsedOptions parse_client_options(int argc, const char* const* argv) {
  CLI::App app("A client of tutti: shares files in groups and fetches them from all who share them.",
               "client");
  Given given;
  declare(app, given);
  ParsedOptions parsed;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& call) {
    parsed.out = fmt::format("{}\n", call.what());
    return parsed;
  } catch (const CLI::CallForHelp&) {
    parsed.out = app.help();
    return parsed;
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (given.help_markdown) {
    parsed.out = markdown_table();
    return parsed;
  }
  const std::string fault = apply(given, parsed.options);
  return fault.empty() ? parsed : usage_error(fault);
}

std::string read_configuration(std::string_view configuration, ClientOptions& options) {
  try {
    const toml::table table = toml::parse(configuration);
    for (const auto& [name, node] : table) {
      const std::string key(name.str());
      const toml::table* section = node.as_table();
      if (section == nullptr) {
        if (std::string fault = set_key(key, node, options); !fault.empty()) return fault;
        continue;
      }
      for (const auto& [inner, value] : *section)
        if (std::string fault = set_key(fmt::format("{}.{}", key, inner.str()), value, options);
            !fault.empty())
          return fault;
    }
    return {};
  } catch (const toml::parse_error& error) {
    return fmt::format("line {}: {}", error.source().begin.line, error.description());
  }
}

std::vector<std::string> configuration_keys() {
  std::vector<std::string> keys;
  for (const auto& [key, setter] : setters()) keys.push_back(key);
  return keys;
}

std::string orchestra_address_fault(const std::string& address) {
  if (address.starts_with('['))
    return fmt::format("{}: members of Orchestras know no IPv6: give an IPv4 address, ip:port", address);
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || !is_ipv4(std::string_view(address).substr(0, colon)))
    return fmt::format(
        "{}: this should be ip:port with an IPv4 address of this machine, such as "
        "127.0.0.1:10001, or 0.0.0.0 for all of them; names are not looked up",
        address);
  return serving_address_fault(address);
}

std::string serving_address_fault(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const auto fault = [&](std::string_view what) { return fmt::format("{}: {}", address, what); };
  if (colon == std::string::npos) return fault("this should be IP:PORT, such as 127.0.0.1:6001");
  std::string host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  if (::inet_pton(bracketed ? AF_INET6 : AF_INET, host.c_str(), binary.data()) != 1)
    return fault("this should be IP:PORT with an IPv4 address, or an IPv6 address in brackets");
  const std::string port = address.substr(colon + 1);
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (port.empty() || error != std::errc() || end != port.data() + port.size())
    return fault("the port has to be a number from 0 to 65535");
  return {};
}

std::string default_state_folder(const char* xdg_state_home, const std::string& home) {
  // The XDG specification says to ignore what is not absolute.
  const bool usable = xdg_state_home != nullptr && xdg_state_home[0] == '/';
  return (usable ? std::string(xdg_state_home) : home + "/.local/state") + "/tutti/client";
}

PasswordFile read_password_file(const std::string& path) {
  const auto content = read_text_file(path);
  if (!content) return {{}, {}, fmt::format("{}: the password file cannot be read", path)};
  const auto line_at = [&](std::size_t begin) {
    std::string line = content->substr(begin, content->find('\n', begin) - begin);
    if (line.ends_with('\r')) line.pop_back();
    return line;
  };
  std::string password = line_at(0);
  if (password.empty())
    return {{}, {}, fmt::format("{}: the first line of the password file is empty", path)};
  const std::size_t second = content->find('\n');
  return {std::move(password), second == std::string::npos ? std::string() : line_at(second + 1), {}};
}

std::optional<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  try {
    return std::string(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {
    return std::nullopt;  // a folder, for one
  }
}

}  // namespace tutti
