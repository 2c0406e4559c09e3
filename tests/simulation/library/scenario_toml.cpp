#include <toml++/toml.h>

#include <algorithm>
#include <functional>

#include "tests/simulation/library/scenario.hpp"

namespace tutti::simulation {

namespace {

struct Wrong {
  std::string sentence;
};

[[noreturn]] void wrong(const toml::node& node, const std::string& sentence) {
  throw Wrong{"line " + std::to_string(node.source().begin.line) + ": " + sentence};
}

double number_of(const toml::node& node) {
  const auto number = node.value<double>();
  if (!number || *number < 0) wrong(node, "a number, not below 0, is expected");
  return *number;
}
std::uint64_t count_of(const toml::node& node) { return static_cast<std::uint64_t>(number_of(node)); }
Duration seconds_of(const toml::node& node) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(number_of(node)));
}
Duration milliseconds_of(const toml::node& node) { return seconds_of(node) / 1000; }
std::string text_in(const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) wrong(node, "a text is expected");
  return *text;
}
bool flag_of(const toml::node& node) {
  const auto flag = node.value_exact<bool>();
  if (!flag) wrong(node, "true or false is expected");
  return *flag;
}

using Taker = std::function<void(const toml::node&)>;
using Takers = std::map<std::string, Taker, std::less<>>;

void take(const toml::table& table, const Takers& takers) {
  for (const auto& [name, node] : table) {
    const auto taker = takers.find(name.str());
    if (taker == takers.end()) wrong(node, "there is no key `" + std::string(name.str()) + "` here");
    taker->second(node);
  }
}

void each_table(const toml::node& node, const std::function<void(const toml::table&)>& what) {
  const toml::array* tables = node.as_array();
  if (tables == nullptr) wrong(node, "sections in double brackets are expected");
  for (const toml::node& each : *tables) {
    if (!each.is_table()) wrong(each, "a section is expected");
    what(*each.as_table());
  }
}

/// Clients of one class are numbered when there is more than one.
using Classes = std::map<std::string, std::vector<std::string>, std::less<>>;

std::vector<std::string> clients_in(const toml::node& node, const Classes& classes) {
  std::vector<std::string> names;
  const toml::array* list = node.as_array();
  if (list == nullptr) wrong(node, "a list of clients is expected");
  for (const toml::node& each : *list) {
    const auto found = classes.find(text_in(each));
    if (found == classes.end()) wrong(each, "there are no clients called " + text_in(each));
    names.insert(names.end(), found->second.begin(), found->second.end());
  }
  return names;
}

Line line_of(const toml::table& table, std::string& name) {
  Line line;
  take(table, {{"name", [&](const toml::node& node) { name = text_in(node); }},
               {"up_bytes_per_second", [&](const toml::node& node) { line.up = count_of(node); }},
               {"down_bytes_per_second", [&](const toml::node& node) { line.down = count_of(node); }},
               {"latency_ms", [&](const toml::node& node) { line.latency = milliseconds_of(node); }},
               {"jitter_ms", [&](const toml::node& node) { line.jitter = milliseconds_of(node); }},
               {"lost_per_million", [&](const toml::node& node) {
                  line.loss_per_million = static_cast<std::uint32_t>(count_of(node));
                }}});
  return line;
}

void take_clients(const toml::table& table, Scenario& scenario, Classes& classes) {
  ClientSpec client;
  std::uint64_t count = 1;
  Duration apart{};
  take(table, {{"name", [&](const toml::node& node) { client.name = text_in(node); }},
               {"count", [&](const toml::node& node) { count = count_of(node); }},
               {"line", [&](const toml::node& node) { client.line = text_in(node); }},
               {"arrives_s", [&](const toml::node& node) { client.arrives = seconds_of(node); }},
               {"apart_ms", [&](const toml::node& node) { apart = milliseconds_of(node); }},
               {"leaves_after_s", [&](const toml::node& node) { client.leaves_after = seconds_of(node); }},
               {"disk_bytes_per_second",
                [&](const toml::node& node) { client.disk.bytes_per_second = count_of(node); }}});
  if (client.name.empty() || client.name.starts_with("tracker-"))
    wrong(table, "clients need a name of their own");
  if (!scenario.lines.contains(client.line)) wrong(table, "there is no line `" + client.line + "`");
  for (std::uint64_t i = 1; i <= count; ++i) {
    ClientSpec one = client;
    if (count > 1) one.name += "-" + std::to_string(i);
    one.arrives += apart * static_cast<std::int64_t>(i - 1);
    classes[client.name].push_back(one.name);
    if (count > 1) classes[one.name] = {one.name};
    scenario.clients.push_back(std::move(one));
  }
}

void take_file(const toml::table& table, Scenario& scenario, const Classes& classes) {
  FileSpec file;
  file.group = "group";
  std::uint64_t circle = 0;
  take(table,
       {{"name", [&](const toml::node& node) { file.name = text_in(node); }},
        {"group", [&](const toml::node& node) { file.group = text_in(node); }},
        {"bytes", [&](const toml::node& node) { file.bytes = count_of(node); }},
        {"files", [&](const toml::node& node) { file.files = static_cast<std::uint32_t>(count_of(node)); }},
        {"partial", [&](const toml::node& node) { file.partial = clients_in(node, classes); }},
        {"sources", [&](const toml::node& node) { file.sources = clients_in(node, classes); }},
        {"leechers", [&](const toml::node& node) { file.leechers = clients_in(node, classes); }},
        {"circle", [&](const toml::node& node) { circle = count_of(node); }},
        {"fetched_at_s", [&](const toml::node& node) { file.fetched_at = seconds_of(node); }}});
  if (file.sources.empty()) wrong(table, "a file has a source");
  if (circle == 0) return scenario.files.push_back(std::move(file));
  for (std::size_t i = 0; i * circle < file.sources.size(); ++i) {
    FileSpec one = file;
    one.name += "-" + std::to_string(i + 1);
    one.group += "-" + std::to_string(i + 1);
    const std::size_t end = std::min(file.sources.size(), (i + 1) * circle);
    one.sources.assign(file.sources.begin() + static_cast<std::ptrdiff_t>(i * circle),
                       file.sources.begin() + static_cast<std::ptrdiff_t>(end));
    scenario.files.push_back(std::move(one));
  }
}

bool is_tracker(const std::string& name, std::uint32_t trackers) {
  for (std::uint32_t i = 1; i <= trackers; ++i)
    if (name == "tracker-" + std::to_string(i)) return true;
  return false;
}

void take_fault(const toml::table& table, Scenario& scenario) {
  Fault fault;
  take(table, {{"at_s", [&](const toml::node& node) { fault.at = seconds_of(node); }},
               {"kind",
                [&](const toml::node& node) {
                  const auto kind = fault_named(text_in(node));
                  if (!kind) wrong(node, "there is no fault `" + text_in(node) + "`");
                  fault.kind = *kind;
                }},
               {"who", [&](const toml::node& node) { fault.who = text_in(node); }},
               {"other", [&](const toml::node& node) { fault.other = text_in(node); }},
               {"lasts_s", [&](const toml::node& node) { fault.lasts = seconds_of(node); }},
               {"amount", [&](const toml::node& node) { fault.amount = count_of(node); }}});
  scenario.faults.push_back(std::move(fault));
}

}  // namespace

ParsedScenario parse_scenario(std::string_view text) {
  ParsedScenario parsed;
  Scenario& scenario = parsed.scenario;
  Classes classes;
  try {
    const toml::table all = toml::parse(text);
    const Taker later = [](const toml::node&) {};
    // Lines come first: others name them.
    if (const toml::node* lines = all.get("line"))
      each_table(*lines, [&](const toml::table& table) {
        std::string name;
        const Line line = line_of(table, name);
        scenario.lines[name] = line;
      });
    if (const toml::node* clients = all.get("clients"))
      each_table(*clients, [&](const toml::table& table) { take_clients(table, scenario, classes); });
    take(all,
         {{"line", later},
          {"clients", later},
          {"name", [&](const toml::node& node) { scenario.name = text_in(node); }},
          {"trackers",
           [&](const toml::node& node) { scenario.trackers = static_cast<std::uint32_t>(count_of(node)); }},
          {"tracker_line", [&](const toml::node& node) { scenario.tracker_line = text_in(node); }},
          {"quiet_s", [&](const toml::node& node) { scenario.quiet = seconds_of(node); }},
          {"picks_at_random", [&](const toml::node& node) { scenario.picks_at_random = flag_of(node); }},
          {"checks_invariants", [&](const toml::node& node) { scenario.checks_invariants = flag_of(node); }},
          {"request_memory", [&](const toml::node& node) { scenario.request_memory = count_of(node); }},
          {"places", [&](const toml::node& node) { scenario.places = count_of(node); }},
          {"password_ms",
           [&](const toml::node& node) {
             scenario.password_takes = std::chrono::milliseconds(count_of(node));
           }},
          {"mark", [&](const toml::node& node) { scenario.network.mark = count_of(node); }},
          {"feed_loss_percent",
           [&](const toml::node& node) {
             scenario.network.feed_loss_percent = static_cast<std::uint32_t>(count_of(node));
           }},
          {"feed_twice_percent",
           [&](const toml::node& node) {
             scenario.network.feed_twice_percent = static_cast<std::uint32_t>(count_of(node));
           }},
          {"feed_late_percent",
           [&](const toml::node& node) {
             scenario.network.feed_late_percent = static_cast<std::uint32_t>(count_of(node));
           }},
          {"files",
           [&](const toml::node& node) {
             each_table(node, [&](const toml::table& table) { take_file(table, scenario, classes); });
           }},
          {"faults", [&](const toml::node& node) {
             each_table(node, [&](const toml::table& table) { take_fault(table, scenario); });
           }}});
    if (!scenario.lines.contains(scenario.tracker_line))
      parsed.fault = "`tracker_line` names no line: " + scenario.tracker_line;
    if (scenario.trackers == 0) parsed.fault = "there is at least one tracker";
    for (const Fault& fault : scenario.faults)
      for (const std::string& name : {fault.who, fault.other})
        if (!name.empty() && !classes.contains(name) && !is_tracker(name, scenario.trackers))
          parsed.fault = "a fault is about `" + name + "`, which is not there";
  } catch (const toml::parse_error& error) {
    parsed.fault =
        "line " + std::to_string(error.source().begin.line) + ": " + std::string(error.description());
  } catch (const Wrong& error) {
    parsed.fault = error.sentence;
  }
  return parsed;
}

}  // namespace tutti::simulation
