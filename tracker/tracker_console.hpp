#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "actors/actor.hpp"
#include "messages/inside_tracker.hpp"

namespace tutti {

/// The terminal of a tracker, the signals that end it, and its trace: all that the console needs of the process.
class ConsoleDevice {
 public:
  ConsoleDevice() = default;
  ConsoleDevice(const ConsoleDevice&) = delete;
  ConsoleDevice& operator=(const ConsoleDevice&) = delete;
  virtual ~ConsoleDevice() = default;

  /// Descriptors to watch; -1: there is none.
  virtual int input() const = 0;
  virtual int signals() const = 0;
  /// What has been typed; nothing at the end of input.
  virtual std::optional<std::string> read_input() = 0;
  /// Takes a signal to end off the descriptor.
  virtual void take_signal() = 0;
  virtual void print(std::string_view line) = 0;
  /// The tracker cannot go on; the process will say so and end with a failure.
  virtual void fail(std::string_view sentence) = 0;
  /// Begins to record every message into a file. Returns what is wrong, or nothing.
  virtual std::string start_trace(const std::string& path) = 0;
  /// False if none was recorded.
  virtual bool stop_trace() = 0;
};

/// Where the console stands in its tracker.
struct ConsolePlace {
  std::uint32_t tracker = 0;
  std::string data;  ///< the folder of the store, for people
  Ref<DirectoryRole> directory;
  Ref<JournalRole> journal;
};

/// Lets whoever runs a tracker look into it and stop it. Owns the words typed so far and the questions under way.
///
/// Rules:
/// - One command a line; each is answered, in order of their answers.
/// - `quit`, SIGINT and SIGTERM stop it: the console says goodbye, and with it the process. The end of input does not,
///   since a tracker often runs without a terminal.
class TrackerConsole final : public ActorOf<TrackerConsole, ConsoleRole::Accepts> {
 public:
  /// The device must outlive the console.
  TrackerConsole(ConsolePlace place, ConsoleDevice& device) : place_(std::move(place)), device_(device) {}

  void start(Context& context) override;
  Farewell stop(Context& context) override;
  void on(const InputReady& message, Context& context);
  void on(const NodeStatus& message, Context& context);
  void on(const Users& message, Context& context);
  void on(const GroupsKnown& message, Context& context);
  void on(const LogRead& message, Context& context);
  void on(const Hopeless& message, Context& context);
  void on(const Serving& message, Context& context);

 private:
  enum class Purpose : std::uint8_t { status, peers, log };

  void obey(std::string_view line, Context& context);
  void obey_trace(const std::string& action, const std::string& path);
  void print_status(const NodeStatus& status);
  void print_peers(const NodeStatus& status);
  void ask_log(const NodeStatus& status, Context& context);
  void watch_all(Context& context);
  void unwatch_all(Context& context);

  ConsolePlace place_;
  ConsoleDevice& device_;
  bool input_ended_ = false;
  std::string typed_;
  std::deque<Purpose> asked_;
  std::uint64_t log_lines_ = 0;
};

}  // namespace tutti
