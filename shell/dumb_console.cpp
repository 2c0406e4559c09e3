#include "shell/dumb_console.hpp"

#include <unistd.h>

namespace tutti {

std::optional<ConsoleEvent> DumbConsole::next() {
  std::optional<ConsoleEvent> event = lines_.next();
  if (!event) return event;
  prompt_.clear();
  // The shell that comes after us begins a line of its own.
  if (std::holds_alternative<InputEnded>(*event)) out("\n");
  auto* typed = std::get_if<LineTyped>(&*event);
  if (!wants_secret_ || typed == nullptr) return event;
  wants_secret_ = false;
  show_typing(true);
  out("\n");  // the one that the user typed was not shown
  return SecretTyped{std::move(typed->line)};
}

void DumbConsole::ask(const std::string& text) {
  prompt_ = text;
  lines_.out(text);
}

void DumbConsole::prompt(const std::string& text) { ask(text); }

void DumbConsole::ask_secret(const std::string& text) {
  show_typing(false);
  wants_secret_ = true;
  ask(text);
}

/// The terminal itself has dropped what was typed when it saw Ctrl-C.
bool DumbConsole::abandon_line() {
  const bool secret = wants_secret_;
  wants_secret_ = false;
  show_typing(true);
  prompt_.clear();
  out("\n");
  return secret;
}

void DumbConsole::out(std::string_view lines) {
  lines_.out(prompt_.empty() ? std::string(lines) : "\n" + std::string(lines) + prompt_);
}

void DumbConsole::err(std::string_view lines) {
  if (prompt_.empty()) return lines_.err(lines);
  lines_.out("\n");
  lines_.err(lines);
  lines_.out(prompt_);
}

void DumbConsole::show_typing(bool shown) {
  if (shown) {
    if (shown_mode_) ::tcsetattr(STDIN_FILENO, TCSANOW, &*shown_mode_);
    shown_mode_.reset();
    return;
  }
  termios mode{};
  if (shown_mode_ || ::tcgetattr(STDIN_FILENO, &mode) != 0) return;
  shown_mode_ = mode;
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

}  // namespace tutti
