#include "shell/tools/message_text.hpp"

#include <cctype>

namespace tutti {

namespace {

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

/// How long the token at the beginning of `rest` is; 0 if it does not end.
std::size_t token_length(std::string_view rest) {
  if (rest.front() == '"') {
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '\\') {
        ++i;
      } else if (rest[i] == '"') {
        return i + 1;
      }
    }
    return 0;
  }
  if (rest.starts_with("x'")) {
    const std::size_t end = rest.find('\'', 2);
    return end == std::string_view::npos ? 0 : end + 1;
  }
  std::size_t length = rest.front() == '$' || rest.front() == '@' ? 1 : 0;
  while (length < rest.size() && is_word_character(rest[length])) ++length;
  // A network address is a name too: @127.0.0.1:5000.
  if (rest.front() == '@' && length + 1 < rest.size() && rest[length] == ':' &&
      std::isdigit(static_cast<unsigned char>(rest[length + 1])) != 0) {
    ++length;
    while (length < rest.size() && std::isdigit(static_cast<unsigned char>(rest[length])) != 0) ++length;
  }
  return length == 0 ? 1 : length;
}

/// Compares step by step; each step is one token of the pattern.
class Matcher {
 public:
  Matcher(const std::vector<std::string>& pattern, const std::vector<std::string>& text, Bindings& bindings)
      : pattern_(pattern), text_(text), bindings_(bindings) {}

  bool run() {
    if (pattern_.size() == 1) return !text_.empty() && text_.front() == pattern_.front();
    while (at_ < pattern_.size()) {
      if (!step()) return false;
      ++at_;
    }
    return here_ == text_.size();
  }

 private:
  bool step() {
    const std::string& token = pattern_[at_];
    if (token == "*") return star();
    if (token.starts_with('$')) return variable(token);
    if (token == "," && follows(1, "*") && closes(2) && closes_text()) {
      ++at_;  // `, *` asks for any further items: there are none
      return true;
    }
    if (here_ == text_.size() || text_[here_] != token) return false;
    ++here_;
    return true;
  }

  bool star() {
    const bool one_value = at_ > 0 && (pattern_[at_ - 1] == ":" || follows(1, ","));
    if (one_value) return skip_value();
    while (here_ < text_.size() && !closes_text())
      if (!skip_token_or_group()) return false;
    return true;
  }

  bool variable(const std::string& name) {
    const std::size_t begin = here_;
    if (!skip_value()) return false;
    std::string value;
    for (std::size_t i = begin; i < here_; ++i) value += text_[i] + (text_[i] == "," ? " " : "");
    return bindings_.emplace(name, value).first->second == value;
  }

  bool follows(std::size_t by, std::string_view token) const {
    return at_ + by < pattern_.size() && pattern_[at_ + by] == token;
  }
  bool closes(std::size_t by) const { return follows(by, "}") || follows(by, "]"); }
  bool closes_text() const { return here_ < text_.size() && (text_[here_] == "}" || text_[here_] == "]"); }

  bool skip_value() {
    if (here_ == text_.size() || closes_text()) return false;
    const bool record = here_ + 1 < text_.size() && text_[here_ + 1] == "{";
    if (record) ++here_;
    return skip_token_or_group();
  }
  bool skip_token_or_group() {
    std::size_t depth = 0;
    do {
      if (here_ == text_.size()) return false;
      if (text_[here_] == "{" || text_[here_] == "[") ++depth;
      if (closes_text()) --depth;
      ++here_;
    } while (depth > 0);
    return true;
  }

  const std::vector<std::string>& pattern_;
  const std::vector<std::string>& text_;
  Bindings& bindings_;
  std::size_t at_ = 0;
  std::size_t here_ = 0;
};

}  // namespace

TokenizedText tokenize(std::string_view text) {
  TokenizedText result;
  while (!text.empty()) {
    if (std::isspace(static_cast<unsigned char>(text.front())) != 0) {
      text.remove_prefix(1);
      continue;
    }
    const std::size_t length = token_length(text);
    if (length == 0) {
      result.fault = "this does not end: " + std::string(text.substr(0, 20));
      return result;
    }
    result.tokens.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return result;
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& text,
             Bindings& bindings) {
  Bindings tried = bindings;
  if (!Matcher(pattern, text, tried).run()) return false;
  bindings = std::move(tried);
  return true;
}

}  // namespace tutti
