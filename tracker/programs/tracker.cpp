#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <system_error>

#include "actors/descriptor_limit.hpp"
#include "actors/link_keys.hpp"
#include "actors/log.hpp"
#include "actors/trace_file.hpp"
#include "actors/zmq_host.hpp"
#include "messages/redaction.hpp"
#include "tracker/config.hpp"
#include "tracker/store.hpp"
#include "tracker/tracker_node.hpp"
#include "tracker/tracker_recording.hpp"
#include "tutti_version.hpp"

// The tracker: reads the command line, opens the store, puts the actors on their workers, and waits.

namespace tutti {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int hashers = 2;
// Fewer open files and connections are not enough to live.
constexpr std::size_t descriptors_least = 144;

struct Options {
  std::string info_path;
  std::uint32_t number = 0;
  std::string data;
  std::string config_path;
  std::string log_file;
  std::string log_level = "info";
  std::string trace;
  bool replayable = false;
  bool print_key = false;
};

int complain(int status, const std::string& sentence) {
  std::cerr << "tracker: " << sentence << std::endl;
  return status;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string default_data_folder(std::uint32_t number) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const std::string base = state != nullptr && *state != '\0' ? state
                           : home != nullptr                  ? std::string(home) + "/.local/state"
                                                              : ".";
  return base + "/tutti/tracker-" + std::to_string(number);
}

std::string make_data_folder(const std::string& path) {
  // Verifiers and session hashes will lie there: nobody else's to read.
  umask(S_IRWXG | S_IRWXO);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return "cannot make the data folder " + path + ": " + error.message();
  if (access(path.c_str(), W_OK | X_OK) != 0) return "the data folder " + path + " is not writable";
  return {};
}

StoreId fresh_store_id() {
  StoreId id;
  std::ifstream random("/dev/urandom", std::ios::binary);
  random.read(reinterpret_cast<char*>(id.bytes.data()), static_cast<std::streamsize>(id.bytes.size()));
  return id;
}

// SIGINT and SIGTERM become readable; no thread is interrupted by them.
int signal_descriptor() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  // Reading a terminal from the background must fail, not stop the process.
  std::signal(SIGTTIN, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

class ProcessDevice final : public ConsoleDevice {
 public:
  ProcessDevice(ZmqHost& host, int signals) : host_(host), signals_(signals) {
    if (fcntl(STDIN_FILENO, F_GETFD) >= 0) input_ = STDIN_FILENO;
  }
  ~ProcessDevice() override {
    stop_trace();
    ::close(signals_);
  }

  int input() const override { return input_; }
  int signals() const override { return signals_; }
  std::optional<std::string> read_input() override {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(input_, buffer.data(), buffer.size());
    if (size <= 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  void take_signal() override {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) < 0) log_debug("a signal was taken by somebody else");
  }
  void print(std::string_view line) override { std::cout << line << std::endl; }
  void fail(std::string_view sentence) override { status_ = complain(exit_failed, std::string(sentence)); }
  std::string start_trace(const std::string& path) override {
    return start_trace(path, {.redact = without_secrets});
  }
  /// Before the host starts: what a replay needs is recorded, too.
  std::string start_replayable(const std::string& path) {
    return start_trace(path, {.redact = without_passwords, .replayable = true});
  }
  void began(const ProcessBegan& process) { trace_.began(process); }
  bool stop_trace() override {
    host_.set_trace(nullptr);
    return trace_.stop();
  }
  int status() const { return status_; }

 private:
  std::string start_trace(const std::string& path, const TraceLimits& limits) {
    std::string fault = trace_.start(path, limits);
    if (fault.empty()) host_.set_trace(&trace_);
    return fault;
  }

  ZmqHost& host_;
  int signals_;
  int input_ = -1;
  int status_ = 0;
  TraceFile trace_;
};

/// The key pair of the data folder, made at the first start.
LinkKeysRead read_keys(const TrackerSettings& settings) {
  LinkKeysRead read = read_or_make_link_keys(settings.data + "/identity");
  if (read.error != 0)
    read.sentence = "the key in the data folder " + settings.data +
                    " cannot be used: " + std::generic_category().message(read.error);
  const std::optional<LinkKey>& named = settings.trackers[settings.number - 1].key;
  if (read.sentence.empty() && named && *named != read.keys.key)
    read.sentence = settings.info_path + " gives this tracker another key than its data folder " +
                    settings.data + " holds: its own is " + to_z85(read.keys.key.view()) +
                    ". Correct the file, or use the data folder that has the other key";
  return read;
}

std::string read_known(TrackerSettings& settings) {
  const std::string path = known_trackers_path(settings.data);
  const std::optional<std::string> text = read_file(path);
  // What cannot be read is no reason to trust anybody anew.
  if (!text && ::access(path.c_str(), F_OK) == 0) return path + " cannot be read";
  KnownTrackersRead read = parse_known_trackers(text.value_or(""));
  if (!read.fault.empty()) return path + ", line " + std::to_string(read.fault_line) + ": " + read.fault;
  settings.known = std::move(read.trackers);
  return {};
}

// Workers: one for what never blocks, one for the disk, one a hasher, and the main thread for the console.
int run(const TrackerSettings& settings, const LinkKeys& keys, std::unique_ptr<Store> store,
        const Options& wanted, int signals) {
  // Trackers are few: whoever comes back is to be found at once, however long it was away.
  ZmqHostOptions options;
  options.dial_pause_max = options.dial_pause;
  options.keys = keys;
  ZmqHost host(options);
  ProcessDevice device(host, signals);
  if (!wanted.trace.empty()) {
    if (const std::string fault =
            wanted.replayable ? device.start_replayable(wanted.trace) : device.start_trace(wanted.trace);
        !fault.empty())
      return complain(exit_usage, fault);
  }
  const ZmqHost::WorkerId main_worker = host.add_calling_worker("console");
  const ZmqHost::WorkerId desk = host.add_worker("desk");
  const ZmqHost::WorkerId disk = host.add_worker("disk");
  TrackerAddresses at{host.reserve<FrontDeskRole>(desk),      host.reserve<DirectoryRole>(desk),
                      host.reserve<ReplicatorRole>(desk),     host.reserve<JournalRole>(disk),
                      host.reserve<ConsoleRole>(main_worker), {}};
  for (int i = 0; i < hashers; ++i)
    at.hashers.push_back(host.reserve<PasswordHasherRole>(host.add_worker("hasher")));
  if (wanted.replayable) device.began(recorded_tracker("", settings, at));
  TrackerCast cast = make_tracker(settings, at, std::move(store), device);
  for (std::size_t i = 0; i < at.hashers.size(); ++i)
    host.spawn(at.hashers[i], "password_hasher", std::move(cast.hashers[i]));
  host.spawn(at.journal, "journal", std::move(cast.journal));
  host.spawn(at.directory, "directory", std::move(cast.directory));
  host.spawn(at.replicator, "replicator", std::move(cast.replicator));
  host.spawn(at.front_desk, "front_desk", std::move(cast.front_desk));
  host.spawn(at.console, "console", std::move(cast.console));
  host.start();
  host.run();
  host.stop();
  return device.status();
}

/// The line of the tracker file that names this tracker's key.
int print_key(const TrackerSettings& settings) {
  TrackerSettings unnamed = settings;  // a key that the file gives now may be the one to be corrected
  unnamed.trackers[settings.number - 1].key.reset();
  const LinkKeysRead read = read_keys(unnamed);
  if (!read.sentence.empty()) return complain(exit_failed, read.sentence);
  const TrackerEntry& own = settings.trackers[settings.number - 1];
  std::cout << known_tracker_line(own.client_endpoint(), read.keys.key) << std::endl;
  return 0;
}

int start(const Options& options) {
  if (const std::string fault = configure_log(options.log_file, options.log_level); !fault.empty())
    return complain(exit_usage, fault);
  if (const std::size_t most = raise_descriptor_limit(); most < descriptors_least)
    return complain(exit_failed, "the system allows " + std::to_string(most) +
                                     " open files and connections, and a tracker needs " +
                                     std::to_string(descriptors_least) +
                                     " and one more a client: ulimit -n 4096");
  const std::optional<std::string> info_text = read_file(options.info_path);
  if (!info_text) return complain(exit_usage, "cannot read the tracker file " + options.info_path);
  const TrackerInfo info = parse_tracker_info(*info_text);
  if (!info)
    return complain(exit_usage,
                    options.info_path +
                        (info.fault_line == 0 ? "" : ", line " + std::to_string(info.fault_line)) + ": " +
                        info.fault);
  if (options.number < 1 || options.number > info.trackers.size())
    return complain(exit_usage, "there is no tracker " + std::to_string(options.number) + ": " +
                                    options.info_path + " lists " + std::to_string(info.trackers.size()));
  TrackerSettings settings{options.number,
                           info.trackers,
                           options.data.empty() ? default_data_folder(options.number) : options.data,
                           {}};
  settings.info_path = options.info_path;
  if (!options.config_path.empty()) {
    const std::optional<std::string> text = read_file(options.config_path);
    if (!text) return complain(exit_usage, "cannot read the configuration " + options.config_path);
    ParsedTrackerConfig parsed = parse_tracker_config(*text);
    if (!parsed.fault.empty()) return complain(exit_usage, options.config_path + ", " + parsed.fault);
    settings.config = parsed.config;
  }
  if (const std::string fault = make_data_folder(settings.data); !fault.empty())
    return complain(exit_failed, fault);
  if (options.print_key) return print_key(settings);
  OpenedStore opened = open_sqlite_store(settings.data, options.number, fresh_store_id());
  if (!opened.store) return complain(exit_failed, opened.fault);
  const LinkKeysRead keys = read_keys(settings);
  if (!keys.sentence.empty()) return complain(exit_failed, keys.sentence);
  settings.secret = keys.keys.secret;
  if (const std::string fault = read_known(settings); !fault.empty()) return complain(exit_failed, fault);
  std::cout << "tracker " << settings.number << " has the public key " << to_z85(keys.keys.key.view())
            << std::endl;
  return run(settings, keys.keys, std::move(opened.store), options, signal_descriptor());
}

}  // namespace
}  // namespace tutti

int main(int argc, char* argv[]) {
  CLI::App app{
      "A tracker: knows users, groups and who shares what, together with the other trackers of the file.\n"
      "Commands may be typed while it runs; `help` lists them, `quit` stops it."};
  tutti::Options options;
  app.add_option("tracker_info", options.info_path, "the file that lists all trackers: one ip:port a line")
      ->required();
  app.add_option("tracker_no", options.number, "which of them this is, counted from 1")->required();
  app.add_option("--data", options.data, "folder of the store [$XDG_STATE_HOME/tutti/tracker-N]");
  app.add_option("--log-file", options.log_file, "append the log to this file [standard error]");
  app.add_option("--log-level", options.log_level, "trace, debug, info, warning, error or off")
      ->capture_default_str();
  app.add_option("--config", options.config_path,
                 "TOML file with tunables; configs/tracker.toml explains them");
  app.add_flag("--print-key", options.print_key,
               "print the line of the tracker file with this tracker's public key, and end");
  auto* trace =
      app.add_option("--trace", options.trace, "record every message into this file, for trace_view");
  app.add_flag("--replayable", options.replayable,
               "record there what 'inject --replay' needs, too: session tokens are in it")
      ->needs(trace);
  app.set_version_flag("--version", "tutti tracker " + std::string(tutti::version));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : tutti::exit_usage;
  }
  return tutti::start(options);
}
