#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "shell/console.hpp"
#include "shell/key_assembler.hpp"

namespace tutti {

/// A person's terminal, with libedit as the line editor.
///
/// Owns the terminal's mode from construction to destruction, the history and its file, and the lowest lines of the
/// screen: a progress line, if there is one, and under it the line that is being typed.
///
/// Rules
/// - libedit is given one whole key at a time and never reads by itself. Rationale: it would wait, and an actor may
///   not; incremental search and quoted insert, which read on their own, are bound to nothing for the same reason.
///   Alt-P and Alt-N search the history for what the line begins with.
/// - Whatever is printed first takes the lowest lines off the screen and then draws them again. Rationale: a
///   half-typed line survives every message.
/// - While no line is asked for, keys are kept and not shown. Rationale: type-ahead counts, but must not be mixed
///   into results.
/// - Ctrl-C is a key like others. Rationale: as a signal it could overtake, or be overtaken by, what is typed.
class TerminalConsole final : public Console {
 public:
  /// `history_file` is made with mode 0600; empty: no history is kept. Keeps `history_lines` at most.
  TerminalConsole(const std::string& history_file, int history_lines);
  ~TerminalConsole() override;

  bool is_interactive() const override { return true; }
  std::size_t columns() const override;
  int descriptor() const override;
  bool hears_interrupts() const override { return true; }
  void feed() override;
  std::optional<ConsoleEvent> next() override;
  void prompt(const std::string& text) override;
  void change_prompt(const std::string& text) override;
  void ask_secret(const std::string& text) override;
  bool abandon_line() override;
  void remember(const std::string& line) override;
  void complete(const Completion& completion) override;
  bool is_still_at_tab() const override;
  void out(std::string_view lines) override;
  void err(std::string_view lines) override;
  void progress(const std::string& line) override;
  void redraw() override;

 private:
  struct Editor;  // libedit and what its callbacks touch
  enum class Mode : std::uint8_t { nothing, line, secret };

  std::optional<ConsoleEvent> press(const std::string& key);
  ConsoleEvent end_input();
  std::optional<ConsoleEvent> press_in_secret(const std::string& key);
  void stop_editing();
  void hide();
  void show();
  void hide_progress_for_good();
  std::string line_before_cursor() const;

  std::unique_ptr<Editor> editor_;
  KeyAssembler keys_;
  Mode mode_ = Mode::nothing;
  std::string prompt_;
  std::string secret_;
  std::string progress_;
  bool progress_is_drawn_ = false;
  std::optional<std::string> tab_line_;
  bool input_ended_ = false;
};

/// What a key of a terminal is to the editor: sequences for cursor keys as the control characters that do the same,
/// unknown ones as nothing.
std::string editor_key(const std::string& key);

/// Names in columns, as many as fit.
std::string in_columns(const std::vector<std::string>& labels, std::size_t width);

}  // namespace tutti
