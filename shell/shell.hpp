#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "shell/completion.hpp"
#include "shell/console.hpp"
#include "shell/local_files.hpp"
#include "shell/signals.hpp"
#include "shell/speaker.hpp"

namespace tutti {

/// Time to ask how far the downloads are.
struct ProgressDue {
  TUTTI_MESSAGE(ProgressDue, 0x0480);
};
/// The limit of `wait SECONDS` has come.
struct WaitExpired {
  CommandId command;
  TUTTI_MESSAGE(WaitExpired, 0x0481, command);
};

/// Has the scheduler heard of the session by now?
struct SessionSettling {
  CommandId command;
  TUTTI_MESSAGE(SessionSettling, 0x0483, command);
};

/// Starts and stops the recording of messages.
class TraceSwitch {
 public:
  TraceSwitch() = default;
  TraceSwitch(const TraceSwitch&) = delete;
  TraceSwitch& operator=(const TraceSwitch&) = delete;
  virtual ~TraceSwitch() = default;
  /// Records into a new file at `path`. Returns what is wrong, or nothing.
  virtual std::string start(const std::string& path) = 0;
  /// True if there was a recording.
  virtual bool stop() = 0;
};

/// Whom the shell speaks to.
struct ShellPartners {
  Ref<TrackerLinkRole> tracker_link;
  Ref<LibrarianRole> librarian;
  Ref<SchedulerRole> scheduler;
  Ref<UploaderRole> uploader;
  Ref<StorageRole> storage;
  Ref<ExporterRole> exporter;
};

/// What the shell is given of the outer world. All of it outlives the actor.
struct ShellTools {
  Console& console;
  const LocalFiles& files;
  Signals& signals;
  TraceSwitch& trace;
};

struct ShellOptions {
  Speaker::Form form = Speaker::Form::plain;
  Style style;
  /// For commands that leave theirs out. Without it a person is asked, and a script's command fails.
  std::optional<std::string> password;
  /// The same for one that takes the place of another.
  std::optional<std::string> new_password = {};
  Duration progress_interval = std::chrono::milliseconds(500);
};

/// Reads commands, has them done, says what came of them.
///
/// Decides: what a line means (command.hpp), the order of the checks that can be made here (words, login, names),
/// when the next line is read, and what the program ends with.
///
/// Rules
/// - One command at a time; its outcome is said before the next line is read. Rationale: scripts rely on the order,
///   and a person who does not want to wait presses Ctrl-C.
/// - An answer is only for the command that waits for it; whatever comes late is dropped. Rationale: an abandoned
///   command has already been reported.
/// - A login has succeeded when the scheduler knows of the session, too. Rationale: messages of three actors have no
///   order, and the next line may be about downloads.
/// - What is wrong with a file to share is only said to a member of the group. Rationale: scripts rely on the order
///   of the checks, and that of local files comes last.
/// - Nothing waits for names that Tab would need: they are asked for and used when they are there.
///
/// States: AwaitingLine -> AwaitingSecret | Running | Ended; AwaitingSecret -> Running | AwaitingLine | Ended;
/// Running -> AwaitingLine | Ended.
class Shell final
    : public ActorOf<Shell, Joined<ShellRole::Accepts, Messages<ProgressDue, WaitExpired, SessionSettling>>> {
 public:
  /// `exit_status` is written when the shell ends, and outlives it.
  Shell(const ShellPartners& partners, const ShellTools& tools, ShellOptions options, int& exit_status);

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const Told& told, Context& context);
  void on(const LinkStatus& status, Context& context);
  void on(const HashProgress& progress, Context& context);
  void on(const Downloads& downloads, Context& context);
  void on(const PeersSurveyed& surveyed, Context& context);
  void on(const Limits& limits, Context& context);
  void on(const DownloadsDiagnosed& diagnosed, Context& context);
  void on(const ShareDiagnosed& diagnosed, Context& context);
  void on(const TrackerChanged& changed, Context& context);
  void on(const TrackerKeySeen& seen, Context& context);
  void on(const SessionChanged& changed, Context& context);
  void on(const DownloadChanged& changed, Context& context);
  void on(const ShareChanged& changed, Context& context);
  void on(const Notice& notice, Context& context);
  void on(const ProgressDue& due, Context& context);
  void on(const WaitExpired& expired, Context& context);
  void on(const SessionSettling& settling, Context& context);
  void on(const InputReady& ready, Context& context);

 private:
  struct AwaitingLine {};
  struct AwaitingSecret {
    Invocation invocation;
    std::string first = {};  ///< a new password, if it has been typed once
  };
  struct Running {
    CommandId id;
    Outcome outcome;  ///< as far as it has come
    Errand errand;
    std::optional<ClientRequest> asked = {};  ///< the page under way
    std::optional<Result> pages = {};         ///< the pages before it
    LocalFiles::Found found = {};             ///< the file to share
    TimerId limit = {};
    Instant progress_shown = {};
    std::size_t pausing = 0;  ///< downloads that ran when a logout began
  };
  struct Ended {};
  /// What becomes of the program once a command is given up.
  enum class Afterwards : std::uint8_t { next_line, end };

  // Input.
  void read_lines(Context& context);
  void handle(const LineTyped& typed, Context& context);
  void handle(const SecretTyped& typed, Context& context);
  void handle(const TabPressed& tab, Context& context);
  void handle(const Interrupted& interrupted, Context& context);
  void handle(const InputEnded& ended, Context& context);
  void handle(Signal signal, Context& context);
  void interrupt(Context& context);
  bool wants_input() const;
  void stopped_by_signal(Context& context);
  void next_line(Context& context);
  void end(int exit_status, Context& context);

  // One command from its words to its outcome.
  std::optional<Refused> check(Invocation& invocation) const;
  void ask_secret_or_run(Invocation invocation, Context& context);
  void run(Invocation invocation, Context& context);
  void begin(const Refused& refused, Context& context);
  void begin(const AskTrackers& errand, Context& context);
  void begin(const ShareLocalFile& errand, Context& context);
  void begin(const StopSharing& errand, Context& context);
  void begin(const Fetch& errand, Context& context);
  void begin(const Export& errand, Context& context);
  void begin(const SurveySharers& errand, Context& context);
  void begin(const ShowDownloads& errand, Context& context);
  void begin(const Control& errand, Context& context);
  void begin(const Diagnose& errand, Context& context);
  void begin(const ChangeLimits& errand, Context& context);
  void begin(const Wait& errand, Context& context);
  void begin(const Serve& errand, Context& context);
  void begin(const ShowLink& errand, Context& context);
  void begin(const ShowHelp& errand, Context& context);
  void begin(const SwitchTrace& errand, Context& context);
  void begin(const Quit& errand, Context& context);
  void ask(ClientRequest request, Context& context);
  void answered(const Told& told, Context& context);
  void limit_answered(const ChangeLimits& errand, const Told& told, Context& context);
  void diagnosed(const Told* told, Context& context);
  void report(const Outcome& outcome);
  void finish(Result result, Context& context);
  void abandon(Afterwards afterwards, Context& context);

  // Beside the commands.
  void learn(const ClientRequest& asked, const Result& result);
  void ask_for_names(const Completion& completion, Context& context);
  void names_arrived(const Told& told, Context& context);
  void offer_again(const Completion& before, Context& context);
  void poll_progress(Context& context);
  void set_user(const std::string& user, Context& context);
  void show_progress(const Downloads& downloads, Context& context);
  void end_progress(Context& context);
  std::string prompt_text() const;

  Running* running(CommandId id);

  ShellPartners partners_;
  ShellTools tools_;
  ShellOptions options_;
  int& exit_status_;
  Speaker speaker_;
  std::variant<AwaitingLine, AwaitingSecret, Running, Ended> state_;

  std::uint64_t last_command_ = 0;
  std::string user_;  ///< empty: not logged in
  std::uint32_t tracker_number_ = 0;
  bool tracker_was_known_ = false;  ///< we have heard of one, or that there is none
  bool reading_lines_ = false;      ///< read_lines() is at work further up

  KnownNames names_;
  /// The question for names that is under way: at most one.
  std::optional<std::pair<CommandId, ClientRequest>> name_question_;
  CommandId downloads_question_;  ///< the same for names of downloads; 0: none under way
  std::string tab_line_;          ///< the line of the Tab that it is for

  CommandId progress_question_;  ///< 0: none under way
  TimerId progress_timer_;
  std::size_t downloads_running_ = 0;  ///< when it was last heard of
};

/// The line as the history and the log may keep it: without a password. Nothing if its first word is no command: what
/// was typed may be a password, at the wrong moment.
std::optional<std::string> history_form(const std::string& line);

}  // namespace tutti
