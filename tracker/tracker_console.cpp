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
    "peers                  every tracker of the file: in sync, behind by how much, when last heard\n"
    "users [AFTER]          the users by name, from AFTER on; * marks who is online\n"
    "groups [AFTER]         the groups by name, their owners and members, from AFTER on\n"
    "log [N]                the last N changes, of all trackers\n"
    "trace start FILE       record every message into FILE, for trace_view\n"
    "trace stop             end the recording\n"
    "help                   this list\n"
    "quit                   stop the tracker";

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
  device_.print(fmt::format("changes {} of {} stores  requests answered {}  transactions {}  data in {}",
                            changes, status.at.positions.size(), status.requests, status.commits,
                            place_.data));
}

void TrackerConsole::print_peers(const NodeStatus& status) {
  for (const TrackerRow& row : status.trackers) {
    const std::string_view health = tracker_health_names[static_cast<std::size_t>(row.health)];
    if (row.health == TrackerHealth::self) {
      device_.print(fmt::format("tracker {}  {}  this one", row.number, row.endpoint));
    } else {
      // Whom we hear just now is not unreachable.
      const bool never = row.health == TrackerHealth::unreachable && row.last_heard.count() == 0;
      const std::string heard = never ? "never heard" : fmt::format("heard {} ago", row.last_heard);
      device_.print(fmt::format("tracker {}  {}  {}  behind {}  {}", row.number, row.endpoint, health,
                                row.operations_behind, heard));
    }
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
