#include "tests/simulation/library/scenario.hpp"

#include <algorithm>
#include <array>

#include "actors/random.hpp"
#include "tests/simulation/library/clockwork.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, fault_kinds> fault_names{
    "kill",        "power",         "stop",      "quit",      "cut",      "cut_one_way", "reset",
    "slow_path",   "slow_line",     "full_disk", "slow_disk", "flip_bit", "lose_disk",   "old_disk",
    "forget_logs", "remove_member", "limit",     "pause",     "cancel",   "recheck"};

template <class T>
const T& one_of(Random& random, const std::vector<T>& items) {
  return items[random.below(items.size())];
}

Duration ms_below(Random& random, std::uint64_t least, std::uint64_t most) {
  return std::chrono::milliseconds(least + random.below(most - least));
}

Line some_line(Random& random) {
  constexpr std::array<std::uint64_t, 4> rates{1'250'000, 6'250'000, 12'500'000, 125'000'000};
  constexpr std::array<int, 4> latencies{1, 5, 20, 60};
  Line line;
  line.up = rates[random.below(rates.size())];
  line.down = line.up * (1 + random.below(3));
  line.latency = std::chrono::milliseconds(latencies[random.below(latencies.size())]);
  line.jitter = line.latency / 4;
  line.loss_per_million = random.chance(1, 3) ? static_cast<std::uint32_t>(random.below(5000)) : 0;
  return line;
}

Fault some_fault(Random& random, const Scenario& scenario, const std::vector<std::string>& trackers) {
  std::vector<std::string> clients;
  for (const ClientSpec& each : scenario.clients) clients.push_back(each.name);
  std::vector<std::string> all = clients;
  all.insert(all.end(), trackers.begin(), trackers.end());
  all.insert(all.end(), trackers.begin(), trackers.end());  // trackers are few and matter much
  Fault fault;
  fault.at = ms_below(random, 500, 25'000);
  fault.lasts = ms_below(random, 20, random.chance(1, 4) ? 8000 : 2500);
  fault.kind = static_cast<FaultKind>(random.below(weather_kinds));
  fault.who = one_of(random, all);
  fault.other = one_of(random, all);
  switch (fault.kind) {
    case FaultKind::quit:
    case FaultKind::flip_bit: fault.who = one_of(random, clients); break;
    case FaultKind::lose_disk:
    case FaultKind::old_disk:
    case FaultKind::forget_logs:
      fault.who = one_of(random, trackers);
      fault.amount = 1 + random.below(20);
      break;
    case FaultKind::slow_path: fault.amount = 20 + random.below(300); break;
    case FaultKind::slow_line:
    case FaultKind::slow_disk: fault.amount = 2 + random.below(50); break;
    case FaultKind::cut:
      if (random.chance(1, 4)) fault.other.clear();
      break;
    case FaultKind::remove_member:
      // An owner cannot be removed; who owns is a source.
      for (int i = 0; i < 8 && fault.who.starts_with("tracker"); ++i) fault.who = one_of(random, clients);
      break;
    default: break;
  }
  return fault;
}

/// What somebody does with his client.
Fault some_deed(Random& random, const Scenario& scenario) {
  Fault deed;
  deed.at = ms_below(random, 2000, 25'000);
  deed.lasts = ms_below(random, 500, 8000);
  deed.kind = static_cast<FaultKind>(weather_kinds + random.below(fault_kinds - weather_kinds));
  deed.who = one_of(random, scenario.clients).name;
  deed.amount = 50 + random.below(1000);
  return deed;
}

}  // namespace

std::string_view name_of(FaultKind kind) { return fault_names[static_cast<std::size_t>(kind)]; }

std::optional<FaultKind> fault_named(std::string_view name) {
  const auto found = std::find(fault_names.begin(), fault_names.end(), name);
  if (found == fault_names.end()) return std::nullopt;
  return static_cast<FaultKind>(found - fault_names.begin());
}

std::string text_of(const Fault& fault) {
  const auto seconds = [](Duration time) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return std::to_string(milliseconds / 1000) + "." + std::to_string(1000 + milliseconds % 1000).substr(1) +
           " s";
  };
  return "at " + seconds(fault.at) + " " + std::string(name_of(fault.kind)) + " " + fault.who +
         (fault.other.empty() ? "" : " (" + fault.other + ")") + " for " + seconds(fault.lasts) +
         ", amount " + std::to_string(fault.amount);
}

Scenario random_scenario(std::uint64_t seed) {
  Random shape = stream_of(seed, "shape of a scenario");
  Scenario scenario;
  scenario.name = "random";
  scenario.trackers = static_cast<std::uint32_t>(1 + shape.below(3));
  scenario.network.mark = shape.chance(1, 4) ? 4 + shape.below(60) : 1000;
  scenario.network.feed_loss_percent = shape.chance(1, 2) ? static_cast<std::uint32_t>(shape.below(40)) : 0;
  Random feeds = stream_of(seed, "feeds of a scenario");
  if (feeds.chance(1, 4)) {
    scenario.network.feed_twice_percent = static_cast<std::uint32_t>(feeds.below(30));
    scenario.network.feed_late_percent = static_cast<std::uint32_t>(feeds.below(30));
  }
  Random crowding = stream_of(seed, "places of a scenario");
  if (crowding.chance(1, 4)) scenario.places = 1 + crowding.below(3);
  scenario.tracker_line = "trackers";
  scenario.lines["trackers"] = {125'000'000, 125'000'000, ms_below(shape, 0, 10), 1ms, 0};
  const std::uint64_t clients = 2 + shape.below(5);
  for (std::uint64_t i = 0; i < clients; ++i) {
    Random of_client = stream_of(seed, "a client of a scenario", i);
    ClientSpec client;
    client.name = "client-" + std::to_string(i + 1);
    client.line = client.name;
    scenario.lines[client.line] = some_line(of_client);
    client.arrives = ms_below(of_client, 0, 3000);
    client.disk.bytes_per_second = of_client.chance(1, 4) ? 20'000'000 : 400'000'000;
    scenario.clients.push_back(client);
  }
  const std::uint64_t files = 1 + shape.below(2);
  for (std::uint64_t i = 0; i < files; ++i) {
    Random of_file = stream_of(seed, "a file of a scenario", i);
    FileSpec file;
    file.name = "file-" + std::to_string(i + 1);
    file.group = "group-" + std::to_string(1 + of_file.below(2));
    constexpr std::array<std::uint64_t, 4> sizes{1, 300'000, 1'500'000, 4'000'000};
    file.bytes = sizes[of_file.below(sizes.size())] + of_file.below(500'000);
    file.fetched_at = ms_below(of_file, 1000, 8000);
    for (std::size_t c = 0; c < scenario.clients.size(); ++c) {
      const bool is_source = c == i % scenario.clients.size() || of_file.chance(1, 6);
      (is_source ? file.sources : file.leechers).push_back(scenario.clients[c].name);
    }
    Random of_directory = stream_of(seed, "a directory of a scenario", i);
    if (of_directory.chance(1, 3)) {
      file.files = static_cast<std::uint32_t>(1 + of_directory.below(12));
      for (const std::string& each : file.leechers)
        if (of_directory.chance(1, 4)) file.partial.push_back(each);
    }
    scenario.files.push_back(file);
  }
  std::vector<std::string> trackers;
  for (std::uint32_t i = 1; i <= scenario.trackers; ++i) trackers.push_back("tracker-" + std::to_string(i));
  const std::uint64_t faults = shape.below(14);
  for (std::uint64_t i = 0; i < faults; ++i) {
    Random of_fault = stream_of(seed, "a fault of a scenario", i);
    scenario.faults.push_back(some_fault(of_fault, scenario, trackers));
  }
  const std::uint64_t deeds = stream_of(seed, "deeds of a scenario").below(4);
  for (std::uint64_t i = 0; i < deeds; ++i) {
    Random of_deed = stream_of(seed, "a deed of a scenario", i);
    scenario.faults.push_back(some_deed(of_deed, scenario));
  }
  return scenario;
}

}  // namespace tutti::simulation
