#include <deque>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "messages/inside_orchestra.hpp"
#include "messages/shell_client.hpp"
#include "shell/local_files.hpp"
#include "shell/programs/inject/kinds.hpp"
#include "shell/script_console.hpp"
#include "shell/shell.hpp"
#include "shell/signals.hpp"

namespace tutti {

namespace {

class NoSignals final : public Signals {
 public:
  int descriptor() const override { return -1; }
  std::optional<Signal> next() override { return std::nullopt; }
};

class NoTrace final : public TraceSwitch {
 public:
  std::string start(const std::string&) override { return "there is nothing to record here"; }
  bool stop() override { return false; }
};

std::deque<std::string> commands_of(const Casting& casting) {
  std::deque<std::string> lines;
  std::istringstream stream(casting.setting("commands"));
  for (std::string line; std::getline(stream, line, ';');) lines.push_back(line);
  return lines;
}

/// A shell with all that it is lent: a script for a console, and the files of this machine.
class ShellWithTools final : public Actor {
 public:
  explicit ShellWithTools(Casting& casting)
      : console_(commands_of(casting)),
        shell_({casting.partner<TrackerLinkRole>(), casting.partner<LibrarianRole>(),
                casting.partner<SchedulerRole>(), casting.partner<UploaderRole>(),
                casting.partner<StorageRole>(), casting.partner<ExporterRole>()},
               {console_, files_, signals_, trace_}, options_of(casting), exit_status_) {}
  void start(Context& context) override { shell_.start(context); }
  Farewell stop(Context& context) override { return shell_.stop(context); }
  Receipt receive(const Envelope& envelope, Context& context) override {
    return shell_.receive(envelope, context);
  }
  void check_invariants() const override { shell_.check_invariants(); }

 private:
  static ShellOptions options_of(const Casting& casting) {
    ShellOptions options;
    options.form = casting.setting("form") == "json" ? Speaker::Form::json : Speaker::Form::plain;
    return options;
  }

  ScriptConsole console_;
  PosixFiles files_{"/"};
  NoSignals signals_;
  NoTrace trace_;
  int exit_status_ = 0;
  Shell shell_;
};

}  // namespace

ActorKind shell_kind() {
  return {"shell",
          "reads commands, has them done, says what came of them",
          ids_of<ShellRole::Accepts>(),
          {},
          {{"commands", "status", "the lines that it reads, ';' between them"},
           {"form", "plain", "of what it prints: plain or json"}},
          [](Casting& casting) { return std::make_unique<ShellWithTools>(casting); }};
}

}  // namespace tutti
