#pragma once

#include <deque>
#include <string>

#include "shell/console.hpp"

namespace tutti {

/// Writes all of `bytes`, however small the steps. A reader that has gone away is no reason to stop working: what it
/// would have read is dropped.
void write_fully(int descriptor, std::string_view bytes);

/// Commands from a text or a pipe; results to standard output and standard error as they are.
class ScriptConsole final : public Console {
 public:
  /// The lines of `input` as they can be read, until its end.
  explicit ScriptConsole(int input) : input_(input) {}
  /// These lines, then the end.
  explicit ScriptConsole(std::deque<std::string> lines) : lines_(std::move(lines)), input_ended_(true) {}

  bool is_interactive() const override { return false; }
  int descriptor() const override { return input_ended_ ? -1 : input_; }
  void feed() override;
  std::optional<ConsoleEvent> next() override;

  void prompt(const std::string&) override {}
  void change_prompt(const std::string&) override {}
  void ask_secret(const std::string&) override {}
  bool abandon_line() override { return false; }
  void remember(const std::string&) override {}
  void complete(const Completion&) override {}
  bool is_still_at_tab() const override { return false; }
  void out(std::string_view lines) override;
  void err(std::string_view lines) override;
  void progress(const std::string&) override {}
  void redraw() override {}

 private:
  int input_ = -1;
  std::deque<std::string> lines_;
  std::string unfinished_;
  bool input_ended_ = false;
};

}  // namespace tutti
