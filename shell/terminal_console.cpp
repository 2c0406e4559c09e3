#include "shell/terminal_console.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <histedit.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cwchar>
#include <utility>

#include "actors/ensure.hpp"
#include "messages/names.hpp"
#include "shell/printable.hpp"
#include "shell/script_console.hpp"

namespace tutti {

namespace {

constexpr std::string_view erase_below = "\x1b[J";
constexpr char delete_key = '\x1d';                // Ctrl-], which nothing else needs
constexpr char interrupt_key = '\x03';             // Ctrl-C
constexpr std::string_view end_of_input = "\x04";  // Ctrl-D

/// Bytes typed ahead that are kept; more stay with the terminal.
constexpr std::size_t type_ahead_max = 65536;

/// Completions offered on the screen at the most.
constexpr std::size_t labels_shown_max = 200;

std::string up(std::size_t rows) { return rows == 0 ? std::string() : fmt::format("\x1b[{}A", rows); }

std::wstring widened(std::string_view text) {
  std::wstring wide;
  std::mbstate_t state{};
  while (!text.empty()) {
    wchar_t character = 0;
    const std::size_t length = std::mbrtowc(&character, text.data(), text.size(), &state);
    const bool malformed = length == static_cast<std::size_t>(-1) || length == static_cast<std::size_t>(-2);
    if (malformed) return {};
    wide += character;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return wide;
}

void remove_last_character(std::string& text) {
  while (!text.empty() && (static_cast<std::uint8_t>(text.back()) & 0xc0U) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

/// Cut to `width` columns, whole characters.
std::string cut_to(std::string text, std::size_t width) {
  while (display_width(text) > width) remove_last_character(text);
  return text;
}

}  // namespace

/// Everything that libedit's C interface calls back into.
struct TerminalConsole::Editor {
  EditLine* line = nullptr;
  History* history = nullptr;
  std::string history_file;
  std::wstring keys;    // what libedit may read now
  std::string* prompt;  // of the console

  Editor(std::string file, int history_lines, std::string* prompt_text)
      : history_file(std::move(file)), prompt(prompt_text) {
    history = history_init();
    ENSURE(history != nullptr);
    HistEvent event;
    ::history(history, &event, H_SETSIZE, history_lines);
    ::history(history, &event, H_SETUNIQUE, 1);
    load_history();
    line = el_init("tutti", stdin, stdout, stderr);
    ENSURE(line != nullptr);
    el_set(line, EL_CLIENTDATA, this);
    el_set(line, EL_PROMPT, prompt_of);
    el_set(line, EL_GETCFN, read_key);
    el_set(line, EL_EDITOR, "emacs");
    el_set(line, EL_SIGNAL, 0);
    el_set(line, EL_HIST, ::history, history);
    bind_keys();
  }
  ~Editor() {
    el_set(line, EL_UNBUFFERED, 0);
    el_set(line, EL_PREP_TERM, 0);
    el_end(line);
    history_end(history);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  void bind_keys() {
    constexpr std::array<std::pair<const char*, const char*>, 8> bindings{{{"^]", "ed-delete-next-char"},
                                                                           {"^R", "ed-unassigned"},
                                                                           {"^S", "ed-unassigned"},
                                                                           {"^W", "ed-delete-prev-word"},
                                                                           {"^U", "vi-kill-line-prev"},
                                                                           {"^V", "ed-unassigned"},
                                                                           {"^X", "ed-unassigned"},
                                                                           {"\\ex", "ed-unassigned"}}};
    for (const auto& [key, function] : bindings) el_set(line, EL_BIND, key, function, nullptr);
  }

  void load_history() {
    if (history_file.empty()) return;
    // Made here, because libedit would make it readable for all for a moment.
    const int file = ::open(history_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) ::close(file);
    HistEvent event;
    ::history(history, &event, H_LOAD, history_file.c_str());
  }

  /// The terminal's mode for editing, in which no key sends SIGINT. libedit's own EL_SETTY forgets characters.
  void take_terminal() {
    el_set(line, EL_PREP_TERM, 1);
    termios mode{};
    if (::tcgetattr(STDIN_FILENO, &mode) != 0) return;
    mode.c_cc[VINTR] = _POSIX_VDISABLE;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
  }

  void remember(const std::string& text) {
    HistEvent event;
    ::history(history, &event, H_ENTER, text.c_str());
    // At once, so that a killed client forgets nothing either.
    if (!history_file.empty()) ::history(history, &event, H_SAVE, history_file.c_str());
  }

  std::string text() const {
    const LineInfo* info = el_line(line);
    return {info->buffer, info->lastchar};
  }
  std::string text_before_cursor() const {
    const LineInfo* info = el_line(line);
    return {info->buffer, info->cursor};
  }

  static Editor& of(EditLine* line) {
    void* self = nullptr;
    el_get(line, EL_CLIENTDATA, &self);
    return *static_cast<Editor*>(self);
  }
  static char* prompt_of(EditLine* line) { return of(line).prompt->data(); }
  static int read_key(EditLine* line, wchar_t* key) {
    std::wstring& keys = of(line).keys;
    if (keys.empty()) return 0;
    *key = keys.front();
    keys.erase(0, 1);
    return 1;
  }
};

TerminalConsole::TerminalConsole(const std::string& history_file, int history_lines)
    : editor_(std::make_unique<Editor>(history_file, history_lines, &prompt_)) {
  editor_->take_terminal();
}

TerminalConsole::~TerminalConsole() { hide(); }

// --- input -----------------------------------------------------------------------------------------------------

void TerminalConsole::feed() {
  std::array<char, 4096> buffer;
  const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    input_ended_ = true;
    return;
  }
  keys_.add({buffer.data(), static_cast<std::size_t>(count)});
}

int TerminalConsole::descriptor() const {
  const bool full = mode_ == Mode::nothing && keys_.size() > type_ahead_max;
  return input_ended_ || full ? -1 : STDIN_FILENO;
}

std::optional<ConsoleEvent> TerminalConsole::next() {
  if (mode_ == Mode::nothing && keys_.drop_through(interrupt_key)) return Interrupted{};
  while (mode_ != Mode::nothing) {
    const std::string key = keys_.take();
    if (key.empty()) break;
    if (key.front() == interrupt_key) return Interrupted{};
    const auto event = mode_ == Mode::secret ? press_in_secret(key) : press(key);
    if (event) return event;
  }
  if (input_ended_ && mode_ != Mode::nothing) return InputEnded{};
  return std::nullopt;
}

std::optional<ConsoleEvent> TerminalConsole::press(const std::string& key) {
  const std::string known = editor_key(key);
  if (known.empty()) return std::nullopt;
  tab_line_.reset();
  if (known == "\f") {
    write_fully(STDOUT_FILENO, "\x1b[H\x1b[2J");
    progress_is_drawn_ = false;
    show();
    return std::nullopt;
  }
  if (known == "\t") {
    tab_line_ = line_before_cursor();
    return TabPressed{*tab_line_};
  }
  if (known == end_of_input && editor_->text().empty()) return end_input();
  const bool enter = known == "\r" || known == "\n";
  if (enter) hide_progress_for_good();

  editor_->keys = widened(known == end_of_input ? std::string(1, delete_key) : known);
  int count = 0;
  const char* line = el_gets(editor_->line, &count);
  editor_->keys.clear();
  if (!enter || line == nullptr || count <= 0) return std::nullopt;
  std::string typed(line, static_cast<std::size_t>(count));
  while (!typed.empty() && (typed.back() == '\n' || typed.back() == '\r')) typed.pop_back();
  stop_editing();
  return LineTyped{std::move(typed)};
}

ConsoleEvent TerminalConsole::end_input() {
  hide_progress_for_good();
  write_fully(STDOUT_FILENO, "\r\n");
  stop_editing();
  input_ended_ = true;
  return InputEnded{};
}

std::optional<ConsoleEvent> TerminalConsole::press_in_secret(const std::string& key) {
  if (key == "\r" || key == "\n" || key == end_of_input) {
    hide_progress_for_good();
    write_fully(STDOUT_FILENO, "\r\n");
    mode_ = Mode::nothing;
    return SecretTyped{std::exchange(secret_, {})};
  }
  if (key == "\x7f" || key == "\b") {
    remove_last_character(secret_);
  } else if (key == "\x15") {
    secret_.clear();
  } else if (key.size() > 1 ? key.front() != '\x1b' : static_cast<std::uint8_t>(key.front()) >= 0x20) {
    secret_ += key;
  }
  return std::nullopt;
}

/// The terminal stays without echo, so that what is typed ahead does not show up among results.
void TerminalConsole::stop_editing() {
  el_set(editor_->line, EL_UNBUFFERED, 0);
  editor_->take_terminal();
  mode_ = Mode::nothing;
}

void TerminalConsole::prompt(const std::string& text) {
  hide();
  prompt_ = text;
  mode_ = Mode::line;
  if (!progress_.empty()) {
    write_fully(STDOUT_FILENO, cut_to(progress_, columns() - 1) + "\r\n");
    progress_is_drawn_ = true;
  }
  el_set(editor_->line, EL_UNBUFFERED, 1);
}

void TerminalConsole::change_prompt(const std::string& text) {
  if (text == prompt_) return;
  if (mode_ != Mode::line) {
    // A secret has a prompt of its own; the next line asks with the new one.
    if (mode_ == Mode::nothing) prompt_ = text;
    return;
  }
  hide();
  prompt_ = text;
  show();
}

void TerminalConsole::ask_secret(const std::string& text) {
  hide();
  prompt_ = text;
  secret_.clear();
  mode_ = Mode::secret;
  show();
}

bool TerminalConsole::abandon_line() {
  if (mode_ == Mode::nothing) return false;
  const std::string typed = mode_ == Mode::line ? editor_->text() : std::string();
  const bool something = mode_ == Mode::secret || !typed.empty();
  hide();
  write_fully(STDOUT_FILENO, prompt_ + printable(typed) + "^C\r\n");
  secret_.clear();
  stop_editing();
  return something;
}

void TerminalConsole::remember(const std::string& line) { editor_->remember(line); }

void TerminalConsole::complete(const Completion& completion) {
  if (mode_ != Mode::line) return;
  const std::string before = line_before_cursor();
  if (completion.begin > before.size()) return;
  const std::string typed = before.substr(completion.begin);
  if (completion.candidates.empty()) {
    write_fully(STDOUT_FILENO, "\a");
    return;
  }
  if (completion.common == typed) {
    std::vector<std::string> labels = completion.labels;
    if (labels.size() > labels_shown_max) {
      labels.resize(labels_shown_max);
      labels.push_back(fmt::format("and {} more", completion.labels.size() - labels_shown_max));
    }
    if (labels.size() > 1) out(in_columns(labels, columns()));
    return;
  }
  hide();
  // libedit counts characters, not bytes.
  el_deletestr(editor_->line, static_cast<int>(widened(typed).size()));
  el_insertstr(editor_->line, completion.common.c_str());
  show();
  tab_line_.reset();
}

bool TerminalConsole::is_still_at_tab() const {
  return mode_ == Mode::line && tab_line_ && *tab_line_ == line_before_cursor();
}

std::string TerminalConsole::line_before_cursor() const { return editor_->text_before_cursor(); }

// --- the screen ------------------------------------------------------------------------------------------------

std::size_t TerminalConsole::columns() const {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

/// Takes the lowest lines off the screen; the cursor is where the first of them began.
void TerminalConsole::hide() {
  std::size_t rows = 0;
  if (mode_ == Mode::line) rows = rows_down(prompt_ + line_before_cursor(), columns());
  if (mode_ != Mode::nothing && progress_is_drawn_) ++rows;
  if (mode_ != Mode::nothing || progress_is_drawn_)
    write_fully(STDOUT_FILENO, fmt::format("\r{}{}", up(rows), erase_below));
  progress_is_drawn_ = false;
}

void TerminalConsole::show() {
  if (!progress_.empty()) {
    const std::string end = mode_ == Mode::nothing ? "" : "\r\n";
    write_fully(STDOUT_FILENO, cut_to(progress_, columns() - 1) + end);
    progress_is_drawn_ = true;
  }
  if (mode_ == Mode::line) el_set(editor_->line, EL_REFRESH);
  if (mode_ == Mode::secret) write_fully(STDOUT_FILENO, prompt_);
}

/// Before a line is finished: what stays on the screen is the line, not the state of a moment.
void TerminalConsole::hide_progress_for_good() {
  if (!progress_is_drawn_) return;
  hide();
  const std::string progress = std::exchange(progress_, {});
  show();
  progress_ = progress;
}

void TerminalConsole::out(std::string_view lines) {
  hide();
  write_fully(STDOUT_FILENO, lines);
  show();
}

void TerminalConsole::err(std::string_view lines) {
  hide();
  write_fully(STDERR_FILENO, lines);
  show();
}

void TerminalConsole::progress(const std::string& line) {
  if (line == progress_ && progress_is_drawn_ != line.empty()) return;
  hide();
  progress_ = line;
  show();
}

void TerminalConsole::redraw() {
  hide();
  // Somebody else may have had the terminal meanwhile, in a mode of his own.
  el_set(editor_->line, EL_PREP_TERM, 0);
  editor_->take_terminal();
  if (mode_ == Mode::line) el_resize(editor_->line);
  show();
}

// --- keys and lists --------------------------------------------------------------------------------------------

std::string editor_key(const std::string& key) {
  if (key == "\x1b") return {};
  if (key.size() < 3 || key.front() != '\x1b') return key;
  // As xterm, the Linux console and tmux send them.
  struct Translation {
    std::string_view sequence;
    std::string_view key;
  };
  static constexpr std::string_view delete_text(&delete_key, 1);
  static constexpr std::array<Translation, 23> known{{
      {"[A", "\x10"},
      {"OA", "\x10"},
      {"[B", "\x0e"},
      {"OB", "\x0e"},
      {"[C", "\x06"},
      {"OC", "\x06"},
      {"[D", "\x02"},
      {"OD", "\x02"},
      {"[H", "\x01"},
      {"OH", "\x01"},
      {"[1~", "\x01"},
      {"[7~", "\x01"},
      {"[F", "\x05"},
      {"OF", "\x05"},
      {"[4~", "\x05"},
      {"[8~", "\x05"},
      {"[3~", delete_text},
      {"[1;5C",
       "\x1b"
       "f"},
      {"[1;3C",
       "\x1b"
       "f"},
      {"[5C",
       "\x1b"
       "f"},
      {"[1;5D",
       "\x1b"
       "b"},
      {"[1;3D",
       "\x1b"
       "b"},
      {"[5D",
       "\x1b"
       "b"},
  }};
  const std::string_view sequence = std::string_view(key).substr(1);
  for (const Translation& each : known)
    if (each.sequence == sequence) return std::string(each.key);
  return {};
}

std::string in_columns(const std::vector<std::string>& labels, std::size_t width) {
  std::vector<std::string> shown;
  std::size_t widest = 0;
  for (const std::string& label : labels) {
    shown.push_back(printable(label));
    widest = std::max(widest, display_width(shown.back()));
  }
  const std::size_t across = std::max<std::size_t>(1, width / (widest + 2));
  const std::size_t down = (shown.size() + across - 1) / across;
  std::string text;
  for (std::size_t row = 0; row < down; ++row) {
    std::string line;
    for (std::size_t i = row; i < shown.size(); i += down) {
      line += shown[i];
      line.append(widest + 2 - display_width(shown[i]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace tutti
