#include "shell/words.hpp"

#include <algorithm>
#include <optional>

namespace tutti {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }

/// Walks over a line and knows which quote is open. One place for the rules: whole lines, unfinished lines and lists
/// of commands are split by it.
class Scanner {
 public:
  explicit Scanner(std::string_view line) : line_(line) {}

  bool at_end() const { return at_ >= line_.size(); }
  std::size_t position() const { return at_; }
  char quote() const { return quote_; }
  bool escape_is_open() const { return escape_is_open_; }
  bool at_blank() const { return quote_ == 0 && is_blank(line_[at_]); }
  bool at_plain(char c) const { return quote_ == 0 && line_[at_] == c; }

  /// Takes one step; the character that it stands for, or nothing for a quote.
  std::optional<char> take() {
    const char c = line_[at_++];
    if (quote_ == '\'') return take_single(c);
    if (quote_ == '"') return take_double(c);
    if (c == '\'' || c == '"') {
      quote_ = c;
      return std::nullopt;
    }
    if (c != '\\') return c;
    if (at_end()) {
      escape_is_open_ = true;
      return std::nullopt;
    }
    return line_[at_++];
  }

 private:
  std::optional<char> take_single(char c) {
    if (c != '\'') return c;
    quote_ = 0;
    return std::nullopt;
  }
  std::optional<char> take_double(char c) {
    if (c == '"') {
      quote_ = 0;
      return std::nullopt;
    }
    if (c == '\\' && !at_end() && (line_[at_] == '"' || line_[at_] == '\\')) return line_[at_++];
    return c;
  }

  std::string_view line_;
  std::size_t at_ = 0;
  char quote_ = 0;
  bool escape_is_open_ = false;
};

UnfinishedWord scan(std::string_view line, bool& escape_is_open) {
  UnfinishedWord result;
  Scanner scanner(line);
  for (;;) {
    while (!scanner.at_end() && scanner.at_blank()) scanner.take();
    result.word = {{}, scanner.position()};
    if (scanner.at_end() || scanner.at_plain('#')) return result;
    while (!scanner.at_end() && !scanner.at_blank())
      if (const auto c = scanner.take()) result.word.text += *c;
    result.quote = scanner.quote();
    escape_is_open = scanner.escape_is_open();
    if (scanner.at_end()) return result;
    result.before.push_back(std::move(result.word));
  }
}

/// Where the first command of several ends: at its separator, or at the end of the text.
std::size_t command_end(std::string_view text) {
  Scanner scanner(text);
  bool word_begins = true;
  while (!scanner.at_end()) {
    if (scanner.at_plain(';') || scanner.at_plain('\n')) return scanner.position();
    if (word_begins && scanner.at_plain('#'))
      return std::min(text.find('\n', scanner.position()), text.size());
    word_begins = scanner.at_blank();
    scanner.take();
  }
  return text.size();
}

}  // namespace

Words split_words(std::string_view line) {
  bool escape_is_open = false;
  UnfinishedWord scanned = scan(line, escape_is_open);
  Words result{std::move(scanned.before), {}};
  // The last word may be an empty one that was quoted; it counts only if something was typed for it.
  if (scanned.word.begin < line.size() && line[scanned.word.begin] != '#')
    result.words.push_back(std::move(scanned.word));
  if (scanned.quote != 0) result.fault = std::string("a quote is open: ") + scanned.quote;
  if (escape_is_open) result.fault = "a backslash at the end keeps nothing";
  return result;
}

UnfinishedWord split_unfinished(std::string_view line) {
  bool escape_is_open = false;
  return scan(line, escape_is_open);
}

std::string quote_word(std::string_view text, char quote) {
  if (quote == 0 && text.empty()) return "''";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'') {
      if (c == '\'') {
        result += "'\\''";
        continue;
      }
    } else if (quote == '"') {
      if (c == '"' || c == '\\') result += '\\';
    } else if (is_blank(c) || c == '\'' || c == '"' || c == '\\' || c == ';' || (c == '#' && i == 0)) {
      result += '\\';
    }
    result += c;
  }
  return result;
}

std::vector<std::string> split_commands(std::string_view text) {
  std::vector<std::string> commands;
  for (;;) {
    const std::size_t end = command_end(text);
    commands.emplace_back(text.substr(0, end));
    if (end == text.size()) return commands;
    text.remove_prefix(end + 1);
  }
}

std::string expand_home(std::string_view path, std::string_view home) {
  if (path != "~" && !path.starts_with("~/")) return std::string(path);
  if (home.empty()) return std::string(path);
  return std::string(home) + std::string(path.substr(1));
}

}  // namespace tutti
