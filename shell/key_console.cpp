#include "shell/key_console.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "shell/printable.hpp"
#include "shell/script_console.hpp"

namespace tutti {

struct StandardKeyConsole::Before {
  termios terminal{};
};

namespace {

/// Whoever reads a terminal that another job has is stopped.
bool input_is_of_another_job() {
  return ::isatty(STDIN_FILENO) == 1 && ::tcgetpgrp(STDIN_FILENO) != ::getpgrp();
}

}  // namespace

StandardKeyConsole::StandardKeyConsole(Keys keys)
    : drawn_(::isatty(STDOUT_FILENO) == 1), ended_(input_is_of_another_job()) {
  auto before = std::make_unique<Before>();
  if (keys != Keys::single || ended_ || ::tcgetattr(STDIN_FILENO, &before->terminal) != 0) return;
  termios by_key = before->terminal;
  by_key.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &by_key) != 0) return;
  hears_keys_ = true;
  before_ = std::move(before);
}

StandardKeyConsole::~StandardKeyConsole() {
  if (shown_ > 0) write_fully(STDOUT_FILENO, "\n");
  // What was typed after the key that ended it (the rest of `quit`) is not for whoever reads the terminal next.
  if (before_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_->terminal);
}

std::size_t StandardKeyConsole::columns() const {
  winsize size{};
  constexpr std::size_t usual = 80;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

std::string StandardKeyConsole::read() {
  ended_ = input_is_of_another_job();
  if (ended_) return {};
  std::array<char, 4096> bytes{};
  const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (got > 0) return {bytes.data(), static_cast<std::size_t>(got)};
  if (got == 0 || (errno != EINTR && errno != EAGAIN)) ended_ = true;
  return {};
}

void StandardKeyConsole::clear() {
  if (shown_ > 0) write_fully(STDOUT_FILENO, "\r\x1b[K");
  shown_ = 0;
}

void StandardKeyConsole::say(std::string_view line) {
  clear();
  write_fully(STDOUT_FILENO, std::string(line) + "\n");
}

void StandardKeyConsole::complain(std::string_view line) {
  clear();
  write_fully(STDERR_FILENO, std::string(line) + "\n");
}

void StandardKeyConsole::progress(const std::string& line) {
  if (!drawn_) return;
  clear();
  write_fully(STDOUT_FILENO, line);
  shown_ = display_width(line);
}

}  // namespace tutti
