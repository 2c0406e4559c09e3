// The client: a shell, and behind it the actors that share and fetch.

#include <fcntl.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "actors/descriptor_limit.hpp"
#include "actors/log.hpp"
#include "actors/trace_file.hpp"
#include "actors/zmq_host.hpp"
#include "messages/redaction.hpp"
#include "messages/tracker_info.hpp"
#include "peer/client_recording.hpp"
#include "peer/client_threads.hpp"
#include "peer/posix_disk.hpp"
#include "peer/state_folder.hpp"
#include "shell/client_options.hpp"
#include "shell/dumb_console.hpp"
#include "shell/exit_status.hpp"
#include "shell/script_console.hpp"
#include "shell/shell.hpp"
#include "shell/signals.hpp"
#include "shell/terminal_console.hpp"
#include "shell/words.hpp"
#include "tutti_version.hpp"

namespace tutti {

namespace {

/// Fewer open files and connections are not enough to live.
constexpr std::size_t descriptors_least = 192;

/// Why the program cannot do its work: said on standard error, before any command.
struct CannotStart {
  Code code;
  std::string sentence;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool terminal_is_dumb() {
  const std::string type = environment("TERM");
  return type.empty() || type == "dumb";
}

/// A closed standard stream's number would go to the next file that is opened, and what is read from the one, or
/// written to it, would be the other's.
void fill_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream)
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", stream == 0 ? O_RDONLY : O_WRONLY);
}

/// Names are UTF-8 whatever the user's locale is; the line editor needs one that can show them.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(::nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

std::vector<TrackerEntry> read_trackers(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) throw CannotStart{Code::usage, fmt::format("{}: the tracker file cannot be read", path)};
  TrackerInfo info = parse_tracker_info(*text);
  if (info) return std::move(info.trackers);
  const std::string place = info.fault_line == 0 ? path : fmt::format("{}: line {}", path, info.fault_line);
  throw CannotStart{Code::usage, fmt::format("{}: {}", place, info.fault)};
}

bool is_interactive(const ClientOptions& options) {
  return !options.commands && !options.script_file && ::isatty(STDIN_FILENO) == 1 &&
         ::isatty(STDOUT_FILENO) == 1;
}

Style style_of(const ClientOptions& options) {
  Style style;
  style.terminal = is_interactive(options);
  const bool may_color = style.terminal && environment("NO_COLOR").empty() && !terminal_is_dumb();
  style.color =
      options.coloring == Coloring::always || (options.coloring == Coloring::automatic && may_color);
  return style;
}

std::optional<std::string> if_any(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

void find_passwords(const ClientOptions& options, ShellOptions& shell) {
  if (!options.password_file.empty()) {
    PasswordFile file = read_password_file(options.password_file);
    if (!file.fault.empty()) throw CannotStart{Code::usage, file.fault};
    shell.password = file.password;
    shell.new_password = if_any(file.new_password);
  }
  // A person is asked: what lies in the environment may be meant for somebody else.
  if (is_interactive(options)) return;
  if (options.password_file.empty()) shell.password = if_any(environment("TUTTI_PASSWORD"));
  if (!shell.new_password) shell.new_password = if_any(environment("TUTTI_NEW_PASSWORD"));
}

std::deque<std::string> lines_of(const std::string& text) {
  std::deque<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::unique_ptr<Console> console_for(const ClientOptions& options, const std::string& state) {
  if (options.commands) {
    const std::vector<std::string> commands = split_commands(*options.commands);
    return std::make_unique<ScriptConsole>(std::deque<std::string>(commands.begin(), commands.end()));
  }
  if (options.script_file) {
    const auto script = read_text_file(*options.script_file);
    if (!script)
      throw CannotStart{Code::usage, fmt::format("{}: the script cannot be read", *options.script_file)};
    return std::make_unique<ScriptConsole>(lines_of(*script));
  }
  if (!is_interactive(options)) return std::make_unique<ScriptConsole>(STDIN_FILENO);
  if (terminal_is_dumb()) return std::make_unique<DumbConsole>();
  return std::make_unique<TerminalConsole>(state + "/history", static_cast<int>(options.history_lines));
}

/// The recording of this host's messages.
class HostTrace final : public TraceSwitch {
 public:
  explicit HostTrace(ZmqHost& host) : host_(host) {}
  ~HostTrace() override { stop(); }
  HostTrace(const HostTrace&) = delete;
  HostTrace& operator=(const HostTrace&) = delete;

  std::string start(const std::string& path) override { return start(path, {.redact = without_secrets}); }
  /// Before the host starts: what a replay needs is recorded, too.
  std::string start_replayable(const std::string& path) {
    return start(path, {.redact = without_passwords, .replayable = true});
  }
  void began(const ProcessBegan& process) { file_.began(process); }
  bool stop() override {
    host_.set_trace(nullptr);
    return file_.stop();
  }

 private:
  std::string start(const std::string& path, const TraceLimits& limits) {
    std::string fault = file_.start(path, limits);
    if (fault.empty()) host_.set_trace(&file_);
    return fault;
  }

  ZmqHost& host_;
  TraceFile file_;
};

std::vector<KnownTracker> read_known(const std::string& path) {
  const std::optional<std::string> text = read_text_file(path);
  // What cannot be read is no reason to trust anybody anew.
  if (!text && ::access(path.c_str(), F_OK) == 0)
    throw CannotStart{Code::io_error, fmt::format("{} cannot be read", path)};
  KnownTrackersRead read = parse_known_trackers(text.value_or(""));
  if (!read.fault.empty())
    throw CannotStart{Code::io_error, fmt::format("{}: line {}: {}", path, read.fault_line, read.fault)};
  return std::move(read.trackers);
}

/// What the links of this client prove is who it is.
ZmqHostOptions host_options_of(const ClientIdentity& identity) {
  ZmqHostOptions options;
  options.keys = LinkKeys{LinkKey::from(identity.key.view()), identity.secret};
  return options;
}

ClientSettings settings_of(const ClientOptions& options, const std::string& state,
                           std::vector<TrackerEntry> trackers) {
  ClientSettings settings;
  settings.info_path = options.tracker_file;
  settings.known_path = state + "/" + known_trackers_file;
  settings.known = read_known(settings.known_path);
  settings.endpoint = options.serving;
  settings.orchestra = options.orchestra;
  settings.public_host = options.public_host;
  settings.sealed_port = static_cast<std::uint16_t>(options.sealed_port);
  settings.trackers = std::move(trackers);
  settings.software = fmt::format("tutti {}", version);
  settings.answer_patience = options.answer_patience;
  settings.unreachable_after = options.unreachable_after;
  settings.present_every = options.present_every;
  settings.scheduler.sharers_every = options.sharers_every;
  settings.scheduler.active_max = options.downloads_at_once;
  settings.scheduler.peers_max = options.peers_per_download;
  settings.scheduler.request_memory = ByteCount{std::uint64_t{options.request_memory_mib} << 20U};
  return settings;
}

std::shared_ptr<ClientStore> open_store(const std::string& state) {
  auto store = open_client_store(state);
  if (!store) throw CannotStart{store.fault().code, store.fault().sentence};
  return std::move(*store);
}

void start_log(const ClientOptions& options, const std::string& state) {
  const std::string path = options.log_file.empty() ? state + "/client.log" : options.log_file;
  if (const std::string fault = configure_log(path, options.log_level); !fault.empty())
    throw CannotStart{Code::usage, fault};
}

int run(const ClientOptions& options) {
  const std::string home = environment("HOME");
  const PosixFiles files(home);
  const std::string state = options.state.empty() ? default_state_folder(std::getenv("XDG_STATE_HOME"), home)
                                                  : files.absolute(options.state);

  // Threads inherit the signals that are blocked here, so this comes before the first of them.
  SignalDescriptor signals;
  ShellOptions shell_options;
  shell_options.form = options.json ? Speaker::Form::json : Speaker::Form::plain;
  shell_options.style = style_of(options);
  find_passwords(options, shell_options);
  shell_options.progress_interval = options.progress_interval;
  std::vector<TrackerEntry> trackers = read_trackers(options.tracker_file);
  if (const std::size_t most = raise_descriptor_limit(); most < descriptors_least)
    throw CannotStart{Code::other,
                      fmt::format("the system allows {} open files and connections, and a client needs {} "
                                  "and one more for each it fetches from or serves: ulimit -n 4096",
                                  most, descriptors_least)};
  const std::shared_ptr<ClientStore> store = open_store(state);
  start_log(options, state);
  const std::unique_ptr<Console> console = console_for(options, state);

  int exit_status = 0;
  ZmqHost host(host_options_of(store->identity()));
  HostTrace trace(host);
  if (!options.trace_file.empty()) {
    if (const std::string fault =
            options.replayable ? trace.start_replayable(options.trace_file) : trace.start(options.trace_file);
        !fault.empty())
      throw CannotStart{Code::usage, fault};
  }
  const auto shell = host.reserve<ShellRole>(host.add_calling_worker("shell"));
  const ClientAddresses at = reserve_client(host, shell, options.hashers);
  const ClientSettings settings = settings_of(options, state, std::move(trackers));
  if (options.replayable) trace.began(recorded_client("", settings, at, store->identity().key));
  ClientCast cast = make_client(settings, at, std::make_shared<PosixDisk>(), store);
  const std::shared_ptr<const Opened> door = cast.door;
  const std::shared_ptr<const Opened> orchestra = cast.orchestra;
  spawn_client(host, at, std::move(cast));
  host.spawn(
      shell, "shell",
      std::make_unique<Shell>(
          ShellPartners{at.tracker_link, at.librarian, at.scheduler, at.uploader, at.storage, at.exporter},
          ShellTools{*console, files, signals, trace}, shell_options, exit_status));
  host.start();
  if (!door->fault.empty()) {
    host.stop();
    throw CannotStart{Code::io_error,
                      fmt::format("{}: {}; choose another {}", door->endpoint, door->fault,
                                  door->endpoint == options.serving ? "IP:PORT" : "network.sealed_port")};
  }
  if (orchestra && !orchestra->fault.empty()) {
    host.stop();
    throw CannotStart{Code::io_error, fmt::format("{}: {}; choose another with --orchestra",
                                                  options.orchestra, orchestra->fault)};
  }
  log_info(fmt::format("client {} serves on {}, state in {}", version, door->endpoint, state));
  host.run();
  host.stop();
  log_info(fmt::format("client ends with {}", exit_status));
  return exit_status;
}

}  // namespace

}  // namespace tutti

int main(int argc, char* argv[]) {
  tutti::fill_standard_streams();
  tutti::use_utf8();
  const tutti::ParsedOptions parsed = tutti::parse_client_options(argc, argv);
  if (!parsed.runs()) {
    tutti::write_fully(STDOUT_FILENO, parsed.out);
    tutti::write_fully(STDERR_FILENO, parsed.err);
    return parsed.exit_status;
  }
  try {
    return tutti::run(parsed.options);
  } catch (const tutti::CannotStart& reason) {
    tutti::write_fully(STDERR_FILENO,
                       fmt::format("error: {}: {}\n", tutti::name_of(reason.code), reason.sentence));
    return tutti::exit_status_of(reason.code);
  }
}
