#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shell/completion.hpp"

namespace tutti {

/// A command line was finished.
struct LineTyped {
  std::string line;
};
/// The answer to ask_secret().
struct SecretTyped {
  std::string secret;
};
/// Tab was pressed; `before` is the line up to the cursor. Answer with complete().
struct TabPressed {
  std::string before;
};
/// Ctrl-C was pressed, after everything that came before it.
struct Interrupted {};
/// There is no more input.
struct InputEnded {};

using ConsoleEvent = std::variant<LineTyped, SecretTyped, TabPressed, Interrupted, InputEnded>;

/// Where commands come from and where results go: a terminal with a line editor, or files. Never blocks on input:
/// whoever owns it watches descriptor() and calls feed() when there is something.
class Console {
 public:
  Console() = default;
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  virtual ~Console() = default;

  /// True if a person types: there is a prompt, and a failed command is no failure of the program.
  virtual bool is_interactive() const = 0;
  /// How wide the screen is now; 0: lines may have any length.
  virtual std::size_t columns() const { return 0; }
  /// To be watched while input is wanted; -1: all there is can be had from next() at once.
  virtual int descriptor() const = 0;
  /// True if Ctrl-C comes as an event, and not as a signal: then input has to be read while a command runs, too.
  virtual bool hears_interrupts() const { return false; }
  /// Reads what is there.
  virtual void feed() = 0;
  /// The next thing that came, or nothing yet. While no line is asked for, a console that hears interrupts gives
  /// nothing else; others are not to be asked.
  virtual std::optional<ConsoleEvent> next() = 0;

  /// Asks for a line. What was typed meanwhile counts.
  virtual void prompt(const std::string& text) = 0;
  /// The prompt reads so from now on, also if a line is being typed.
  virtual void change_prompt(const std::string& text) = 0;
  /// Asks for a line that is not shown and not remembered.
  virtual void ask_secret(const std::string& text) = 0;
  /// Gives up the secret or the line that is being typed. True if there was something to give up.
  virtual bool abandon_line() = 0;
  /// Keeps the line for the history.
  virtual void remember(const std::string& line) = 0;
  /// The answer to TabPressed: inserts what is certain, lists the rest on a second Tab.
  virtual void complete(const Completion& completion) = 0;
  /// True if nothing was typed since the last TabPressed: a late answer to it still fits.
  virtual bool is_still_at_tab() const = 0;

  /// Whole lines. On a terminal they appear above a half-typed line, which stays as it was.
  virtual void out(std::string_view lines) = 0;
  virtual void err(std::string_view lines) = 0;
  /// A line that the next one overwrites; empty: none. Off a terminal nothing.
  virtual void progress(const std::string& line) = 0;
  /// The window has another size, or the terminal was somebody else's meanwhile.
  virtual void redraw() = 0;
};

}  // namespace tutti
