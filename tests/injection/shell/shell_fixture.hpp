#pragma once

#include <deque>
#include <memory>
#include <string>

#include "actors/injection_host.hpp"
#include "shell/shell.hpp"
#include "tests/unit/shell/local_files_fake.hpp"

namespace tutti {

/// A console whose user is the test.
class FakeConsole final : public Console {
 public:
  explicit FakeConsole(bool interactive) : interactive_(interactive) {}

  std::deque<ConsoleEvent> events;  ///< what the user does next
  std::string output;               ///< standard output since it was last taken
  std::string errors;
  std::string prompt_text;
  std::string secret_prompt;
  std::string progress_text;
  std::vector<std::string> remembered;
  std::vector<Completion> completions;
  bool has_half_typed_line = false;
  bool still_at_tab = false;
  int redraws = 0;
  std::size_t width = 0;

  bool is_interactive() const override { return interactive_; }
  std::size_t columns() const override { return width; }
  int descriptor() const override { return 0; }
  void feed() override {}
  bool hears_interrupts() const override { return interactive_; }
  std::optional<ConsoleEvent> next() override {
    if (events.empty()) return std::nullopt;
    const bool interrupted = std::holds_alternative<Interrupted>(events.front());
    if (!asked_ && !interrupted) return std::nullopt;
    ConsoleEvent event = std::move(events.front());
    events.pop_front();
    asked_ = interrupted ? asked_ : std::holds_alternative<TabPressed>(event);
    return event;
  }
  void prompt(const std::string& text) override {
    prompt_text = text;
    asked_ = true;
  }
  void change_prompt(const std::string& text) override { prompt_text = text; }
  void ask_secret(const std::string& text) override {
    secret_prompt = text;
    asked_ = true;
  }
  bool abandon_line() override { return std::exchange(has_half_typed_line, false); }
  void remember(const std::string& line) override { remembered.push_back(line); }
  void complete(const Completion& completion) override { completions.push_back(completion); }
  bool is_still_at_tab() const override { return still_at_tab; }
  void out(std::string_view lines) override { output += lines; }
  void err(std::string_view lines) override { errors += lines; }
  void progress(const std::string& line) override { progress_text = line; }
  void redraw() override { ++redraws; }

 private:
  bool interactive_;
  bool asked_ = false;  ///< for a line or a secret
};

class FakeSignals final : public Signals {
 public:
  std::deque<Signal> pending;
  int descriptor() const override { return 77; }
  std::optional<Signal> next() override {
    if (pending.empty()) return std::nullopt;
    const Signal signal = pending.front();
    pending.pop_front();
    return signal;
  }
};

class FakeTrace final : public TraceSwitch {
 public:
  std::string fault;
  std::string path;
  std::string start(const std::string& to) override {
    if (fault.empty()) path = to;
    return fault;
  }
  bool stop() override { return !std::exchange(path, {}).empty(); }
};

/// A shell among probes: what it says to the client's actors, and what it shows.
struct ShellWorld {
  enum class Kind : std::uint8_t { script, json, terminal };

  explicit ShellWorld(Kind kind = Kind::script, std::optional<std::string> password = std::nullopt)
      : console(kind == Kind::terminal) {
    ShellOptions options;
    options.form = kind == Kind::json ? Speaker::Form::json : Speaker::Form::plain;
    options.style.terminal = kind == Kind::terminal;
    options.password = std::move(password);
    shell = host.reserve<ShellRole>();
    host.spawn_at(shell.address, "shell",
                  std::make_unique<Shell>(
                      ShellPartners{tracker_link, librarian, scheduler, uploader, storage, exporter},
                      ShellTools{console, files, signals, trace}, options, exit_status));
  }

  void type(const std::string& line) {
    console.events.push_back(LineTyped{line});
    host.input_ready(0);
  }
  void press(ConsoleEvent event) {
    console.events.push_back(std::move(event));
    host.input_ready(0);
  }
  void send(Signal signal) {
    signals.pending.push_back(signal);
    host.input_ready(77);
  }
  void log_in(const std::string& user = "alice") {
    host.inject(tracker_link.address, shell.address, SessionChanged{{}, user});
    host.discard();
    take_output();
  }
  /// The scheduler knows of the session that has begun.
  void settle_login(std::vector<DownloadRow> downloads = {}) {
    const auto question = host.expect<ListDownloads>(scheduler);
    host.inject(scheduler.address, shell.address, Downloads{question->command, std::move(downloads)});
  }
  std::string take_output() { return std::exchange(console.output, {}); }
  std::string take_errors() { return std::exchange(console.errors, {}); }

  /// The tracker link's answer to the question that it has got.
  template <class Request>
  Request expect_question() {
    const auto ask = host.expect<Ask>(tracker_link);
    asked = ask->command;
    const auto* request = ask->what.template get<Request>();
    if (request == nullptr) throw ExpectationFailed("another question: " + to_text(ask.message));
    return *request;
  }
  void answer(TrackerAnswer what, bool provisional = false, const std::string& sentence = {}) {
    host.inject(tracker_link.address, shell.address, Told{asked, std::move(what), provisional, sentence});
  }
  bool has_ended() const { return !host.is_alive(shell.address); }

  InjectionHost host;
  Ref<TrackerLinkRole> tracker_link = host.probe<TrackerLinkRole>();
  Ref<LibrarianRole> librarian = host.probe<LibrarianRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<UploaderRole> uploader = host.probe<UploaderRole>();
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<ExporterRole> exporter = host.probe<ExporterRole>();
  FakeConsole console;
  FakeFiles files;
  FakeSignals signals;
  FakeTrace trace;
  int exit_status = -1;
  CommandId asked;
  Ref<ShellRole> shell;
};

}  // namespace tutti
