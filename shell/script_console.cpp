#include "shell/script_console.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tutti {

void write_fully(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody who shares the descriptor has made it non-blocking; results are still to be complete.
      pollfd wanted{descriptor, POLLOUT, 0};
      ::poll(&wanted, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

void ScriptConsole::feed() {
  if (input_ended_) return;
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(input_, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    input_ended_ = true;
    if (!unfinished_.empty()) lines_.push_back(std::move(unfinished_));
    return;
  }
  unfinished_.append(buffer.data(), static_cast<std::size_t>(count));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = unfinished_.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines_.push_back(unfinished_.substr(begin, end - begin));
  unfinished_.erase(0, begin);
}

std::optional<ConsoleEvent> ScriptConsole::next() {
  if (!lines_.empty()) {
    LineTyped typed{std::move(lines_.front())};
    lines_.pop_front();
    return typed;
  }
  if (input_ended_) return InputEnded{};
  return std::nullopt;
}

void ScriptConsole::out(std::string_view lines) { write_fully(STDOUT_FILENO, lines); }
void ScriptConsole::err(std::string_view lines) { write_fully(STDERR_FILENO, lines); }

}  // namespace tutti
