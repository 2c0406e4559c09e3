#include "tracker/tracker_console.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "messages/text.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

namespace {

// A line longer than this was not typed by anybody.
constexpr std::size_t line_max = 4096;
constexpr std::uint64_t log_lines_default = 10;
constexpr std::uint64_t log_lines_max = 200;
// Bytes of a value that are shown; ids are shorter.
constexpr std::size_t shown_bytes = 16;

constexpr std::string_view help_text =
    "status                 the state of this tracker\n"
    "peers                  every tracker of the file: live or cut off, how many changes apart, how long it "
    "has\n"
    "                       lacked one of this tracker's, when last heard\n"
    "users [AFTER]          the users by name, from AFTER on; * marks who is online\n"
    "groups [AFTER]         the groups by name, their owners and members, from AFTER on\n"
    "log [N]                the last N changes, of all trackers\n"
    "trace start FILE       record every message into FILE, for trace_view\n"
    "trace stop             end the recording\n"
    "help                   this list\n"
    "quit                   stop the tracker";

/// Short, for people: the largest unit that says something.
std::string duration_text(std::chrono::milliseconds time) {
  using namespace std::chrono_literals;
  if (time < 1s) return fmt::format("{} ms", time.count());
  if (time < 1min) return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
  if (time < 1h) return fmt::format("{} min", time / 1min);
  return time < 48h ? fmt::format("{} h", time / 1h) : fmt::format("{} d", time / 24h);
}

std::string_view state_of(const TrackerView& view) {
  switch (view.tie) {
    case TrackerTie::cut_off: return "cut off";
    case TrackerTie::half_linked: return "half linked";
    case TrackerTie::hung: return "hung";
    case TrackerTie::live: break;
  }
  return view.row.health == TrackerHealth::in_sync ? "in sync" : "behind";
}

/// `2 4 in sync, 3 cut off`: all the others in one line.
std::string summary_of(const std::vector<TrackerView>& trackers) {
  std::vector<std::pair<std::string_view, std::string>> groups;
  for (const TrackerView& each : trackers) {
    if (each.row.health == TrackerHealth::self) continue;
    const std::string_view state = state_of(each);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == state; });
    if (group == groups.end()) group = groups.insert(groups.end(), {state, ""});
    group->second += std::to_string(each.row.number) + " ";
  }
  std::string text;
  for (const auto& group : groups)
    text += (text.empty() ? "" : ", ") + group.second + std::string(group.first);
  return text.empty() ? "none" : text;
}

}  // namespace

void TrackerConsole::start(Context& context) { watch_all(context); }

void TrackerConsole::watch_all(Context& context) {
  if (device_.signals() >= 0) context.watch(device_.signals());
  if (device_.input() >= 0 && !input_ended_) context.watch(device_.input());
}

void TrackerConsole::unwatch_all(Context& context) {
  if (device_.signals() >= 0) context.unwatch(device_.signals());
  if (device_.input() >= 0 && !input_ended_) context.unwatch(device_.input());
}

Farewell TrackerConsole::stop(Context& context) {
  unwatch_all(context);
  return Farewell::now;
}

void TrackerConsole::on(const InputReady& message, Context& context) {
  if (message.descriptor == device_.signals()) {
    device_.take_signal();
    context.stop(context.self());
    return;
  }
  if (message.descriptor != device_.input() || input_ended_) return;
  const std::optional<std::string> more = device_.read_input();
  if (!more) {
    context.unwatch(device_.input());
    input_ended_ = true;
    return;
  }
  typed_ += *more;
  for (std::size_t end = typed_.find('\n'); end != std::string::npos; end = typed_.find('\n')) {
    const std::string line = typed_.substr(0, end);
    typed_.erase(0, end + 1);
    obey(line, context);
  }
  if (typed_.size() > line_max) typed_.clear();
  context.watch(device_.input());
}

void TrackerConsole::obey(std::string_view line, Context& context) {
  std::istringstream words{std::string(line)};
  std::string command;
  std::string first;
  std::string second;
  words >> command >> first >> second;
  if (command.empty() || command.front() == '#') return;
  const auto ask = [&](Purpose purpose) {
    asked_.push_back(purpose);
    context.send(place_.directory, AskNode{});
  };
  if (command == "status") {
    ask(Purpose::status);
  } else if (command == "peers") {
    ask(Purpose::peers);
  } else if (command == "users") {
    context.send(place_.directory, AskUsers{first});
  } else if (command == "groups") {
    context.send(place_.directory, AskGroups{first});
  } else if (command == "log") {
    std::uint64_t lines = log_lines_default;
    const auto [end, error] = std::from_chars(first.data(), first.data() + first.size(), lines);
    if (!first.empty() && (error != std::errc{} || *end != '\0' || lines == 0))
      return device_.print("log: N is a number of changes, such as 20");
    log_lines_ = std::min(lines, log_lines_max);
    ask(Purpose::log);
  } else if (command == "trace") {
    obey_trace(first, second);
  } else if (command == "help") {
    device_.print(help_text);
  } else if (command == "quit") {
    context.stop(context.self());
  } else {
    device_.print("there is no such command; `help` lists them");
  }
}

void TrackerConsole::obey_trace(const std::string& action, const std::string& path) {
  if (action == "start" && !path.empty()) {
    const std::string fault = device_.start_trace(path);
    device_.print(fault.empty() ? "recording into " + path : "trace: " + fault);
  } else if (action == "stop") {
    device_.print(device_.stop_trace() ? "the recording has ended" : "trace: nothing is recorded");
  } else {
    device_.print("trace: say `trace start FILE` or `trace stop`");
  }
}

void TrackerConsole::on(const NodeStatus& message, Context& context) {
  if (asked_.empty()) return;
  const Purpose purpose = asked_.front();
  asked_.pop_front();
  switch (purpose) {
    case Purpose::status: return print_status(message);
    case Purpose::peers: return print_peers(message);
    case Purpose::log: return ask_log(message, context);
  }
}

void TrackerConsole::print_status(const NodeStatus& status) {
  std::uint64_t changes = 0;
  for (const LogPosition& position : status.at.positions) changes += position.sequence.value;
  device_.print(fmt::format("tracker {}  {}  store {}  digest {}", place_.tracker,
                            status.serving ? "serving" : "syncing", status.store.hex(), status.digest.hex()));
  device_.print(fmt::format("users {}  groups {}  files {}  clients online {}", status.users, status.groups,
                            status.files, status.clients_online));
  device_.print("other trackers: " + summary_of(status.trackers));
  device_.print(fmt::format("changes {} of {} stores  requests answered {}  transactions {}  data in {}",
                            changes, status.at.positions.size(), status.requests, status.commits,
                            place_.data));
}

void TrackerConsole::print_peers(const NodeStatus& status) {
  std::size_t width = std::string_view("address").size();
  for (const TrackerView& each : status.trackers) width = std::max(width, each.row.endpoint.size());
  device_.print(fmt::format("tracker  {:{}}  state        behind  lag     heard", "address", width));
  for (const TrackerView& each : status.trackers) {
    const std::string begin = fmt::format("{:<7}  {:{}}  ", each.row.number, each.row.endpoint, width);
    if (each.row.health == TrackerHealth::self) {
      device_.print(begin + "this one");
      continue;
    }
    const std::string heard = each.heard_ever ? duration_text(each.row.last_heard) + " ago" : "never";
    const std::string lag = each.lag.count() == 0 ? "" : duration_text(each.lag);
    device_.print(fmt::format("{}{:11}  {:>6}  {:6}  {}", begin, state_of(each), each.row.operations_behind,
                              lag, heard));
  }
}

void TrackerConsole::on(const Users& message, Context&) {
  if (message.users.empty()) device_.print("no users");
  for (const UserSeen& user : message.users) device_.print((user.online ? "* " : "  ") + user.user);
  if (message.more) device_.print("… `users " + message.users.back().user + "` goes on");
}

void TrackerConsole::on(const GroupsKnown& message, Context&) {
  if (message.groups.empty()) device_.print("no groups");
  for (const GroupRow& group : message.groups)
    device_.print(fmt::format("{}  owner {}  members {}", group.group.text, group.owner.text, group.members));
  if (message.more) device_.print("… `groups " + message.groups.back().group.text + "` goes on");
}

void TrackerConsole::ask_log(const NodeStatus& status, Context& context) {
  // The last N of all are among the last N of each.
  VersionVector have = status.at;
  for (LogPosition& position : have.positions)
    position.sequence.value -= std::min(position.sequence.value, log_lines_);
  context.send(place_.journal, ReadLog{{}, have, status.at});
}

void TrackerConsole::on(const LogRead& message, Context&) {
  std::vector<Delta> deltas = message.deltas;
  std::sort(deltas.begin(), deltas.end(), [](const Delta& a, const Delta& b) { return a.stamp < b.stamp; });
  const std::size_t skipped = deltas.size() - std::min<std::size_t>(deltas.size(), log_lines_);
  // A verifier is nobody's to read, an outcome is the bytes of what the other lines say.
  const auto print = [this]<class M>(const M& fact) {
    if constexpr (!std::same_as<M, PasswordSet> && !std::same_as<M, RequestAnswered>)
      device_.print("    " + to_text(fact, shown_bytes));
  };
  for (std::size_t i = skipped; i < deltas.size(); ++i) {
    const Delta& delta = deltas[i];
    const auto seconds = static_cast<std::time_t>(delta.stamp.milliseconds / 1000);
    device_.print(fmt::format("{:%F %T}Z  {}:{}", fmt::gmtime(seconds), delta.origin.hex().substr(0, 8),
                              delta.sequence.value));
    for (const Operation& operation : delta.operations)
      if (const Restated* again = operation.get<Restated>()) {
        std::visit(print, again->operation.value);
      } else {
        std::visit(print, operation.value);
      }
  }
}

void TrackerConsole::on(const Hopeless& message, Context& context) {
  device_.fail(message.sentence);
  context.stop(context.self());
}

void TrackerConsole::on(const Serving& message, Context&) {
  device_.print(
      fmt::format("tracker {} serves on {} (data in {})", place_.tracker, message.endpoint, place_.data));
}

}  // namespace tutti
