#pragma once

#include <termios.h>

#include <optional>
#include <string>

#include "shell/script_console.hpp"

namespace tutti {

/// A person at a terminal that can do nothing but print (TERM=dumb, an editor's shell window): a prompt, the terminal's
/// own line editing, no history, no completion, no progress. A message that comes amid
/// a line moves it to the next one, with the prompt said again; what was typed counts, though it is not seen there.
class DumbConsole final : public Console {
 public:
  DumbConsole() : lines_(0) {}
  ~DumbConsole() override { show_typing(true); }

  bool is_interactive() const override { return true; }
  int descriptor() const override { return lines_.descriptor(); }
  void feed() override { lines_.feed(); }
  std::optional<ConsoleEvent> next() override;
  void prompt(const std::string& text) override;
  void change_prompt(const std::string&) override {}
  void ask_secret(const std::string& text) override;
  bool abandon_line() override;
  void remember(const std::string&) override {}
  void complete(const Completion&) override {}
  bool is_still_at_tab() const override { return false; }
  void out(std::string_view lines) override;
  void err(std::string_view lines) override;
  void progress(const std::string&) override {}
  void redraw() override {}

 private:
  void show_typing(bool shown);
  void ask(const std::string& text);

  ScriptConsole lines_;
  std::string prompt_;  ///< that stands at the end of the screen; empty: none
  bool wants_secret_ = false;
  std::optional<termios> shown_mode_;  ///< the terminal's mode before it was told not to echo
};

}  // namespace tutti
