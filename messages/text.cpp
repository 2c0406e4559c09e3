#include "messages/text.hpp"

#include <algorithm>
#include <charconv>

namespace tutti {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x" + to_hex(ByteView(&byte, 1));
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void TextWriter::open(char bracket) {
  out_ += bracket;
  nesting_ += bracket;
  after_open_ = true;
}

void TextWriter::close(char bracket) {
  out_ += bracket;
  nesting_.pop_back();
  after_open_ = false;
}

void TextWriter::item() {
  if (!nesting_.empty() && nesting_.back() == '[') {
    if (!after_open_) out_ += ", ";
    after_open_ = false;
  }
}

void TextWriter::begin_message(MessageId, std::string_view name, std::size_t fields) {
  begin_record(name, fields);
}
void TextWriter::begin_record(std::string_view name, std::size_t) {
  item();
  out_ += name;
  open('{');
}
void TextWriter::field(std::string_view name) {
  if (!after_open_) out_ += ", ";
  after_open_ = false;
  out_ += name;
  out_ += ": ";
}
void TextWriter::end_record() { close('}'); }
void TextWriter::begin_list(std::size_t) {
  item();
  open('[');
}
void TextWriter::end_list() { close(']'); }
void TextWriter::unsigned_integer(std::uint64_t value) {
  item();
  out_ += std::to_string(value);
}
void TextWriter::signed_integer(std::int64_t value) {
  item();
  out_ += std::to_string(value);
}
void TextWriter::boolean(bool value) {
  item();
  out_ += value ? "true" : "false";
}
void TextWriter::text(std::string_view value) {
  item();
  append_quoted(out_, value);
}
void TextWriter::bytes(ByteView value) {
  item();
  out_ += "x'" + to_hex(value.first(std::min(value.size(), most_bytes_)));
  if (value.size() > most_bytes_) out_ += "…(" + std::to_string(value.size()) + ")";
  out_ += '\'';
}
void TextWriter::symbol(std::uint64_t, std::string_view name) {
  item();
  out_ += name;
}
void TextWriter::nothing() {
  item();
  out_ += "none";
}

void TextReader::skip_space() {
  while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
}

std::string_view TextReader::peek_word() {
  skip_space();
  const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word);
  return rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
}

bool TextReader::take(char c) {
  skip_space();
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool TextReader::take_word(std::string_view word) {
  if (peek_word() != word) return false;
  rest_.remove_prefix(word.size());
  return true;
}

void TextReader::expect(char c) {
  if (!failed() && !take(c))
    fail(std::string("'") + c + "' was expected before '" + std::string(rest_.substr(0, 20)) + "'");
}

void TextReader::expect_end() {
  skip_space();
  if (!rest_.empty()) fail("text is left over: '" + std::string(rest_.substr(0, 20)) + "'");
}

bool TextReader::next_is(MessageId, std::string_view name) { return !failed() && peek_word() == name; }
void TextReader::begin_message(MessageId, std::string_view name, std::size_t least, std::size_t most) {
  begin_record(name, least, most);
}
bool TextReader::more_fields() {
  skip_space();
  return !failed() && !rest_.empty() && rest_.front() != '}';
}
void TextReader::begin_record(std::string_view name, std::size_t, std::size_t) {
  if (!take_word(name)) fail(std::string(name) + " was expected");
  expect('{');
  after_open_ = true;
}
void TextReader::field(std::string_view name) {
  if (!after_open_) expect(',');
  after_open_ = false;
  if (!failed() && !take_word(name)) fail("the field '" + std::string(name) + "' was expected");
  expect(':');
}
void TextReader::end_record() {
  expect('}');
  after_open_ = false;
}
std::size_t TextReader::begin_list() {
  expect('[');
  after_open_ = true;
  return 0;
}
bool TextReader::next_item() {
  skip_space();
  if (failed() || rest_.empty() || rest_.front() == ']') return false;
  if (!after_open_) expect(',');
  after_open_ = false;
  return !failed();
}
void TextReader::end_list() {
  expect(']');
  after_open_ = false;
}

std::uint64_t TextReader::unsigned_integer() {
  const std::string_view word = peek_word();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) fail("a number was expected");
  rest_.remove_prefix(word.size());
  return value;
}

std::int64_t TextReader::signed_integer() {
  const bool negative = take('-');
  const std::uint64_t magnitude = unsigned_integer();
  constexpr std::uint64_t most = INT64_MAX;
  if (magnitude > most + (negative ? 1 : 0)) fail("a number is too large");
  return negative ? static_cast<std::int64_t>(0 - magnitude) : static_cast<std::int64_t>(magnitude);
}

bool TextReader::boolean() {
  if (take_word("true")) return true;
  if (!take_word("false")) fail("true or false was expected");
  return false;
}

std::string TextReader::text() {
  std::string value;
  expect('"');
  while (!failed()) {
    if (rest_.empty()) {
      fail("a text does not end");
      break;
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '"') break;
    if (c != '\\') {
      value += c;
    } else if (rest_.starts_with('x')) {
      const auto byte = from_hex(rest_.substr(1, 2));
      if (!byte || byte->size() != 1) {
        fail("\\x needs two hexadecimal digits");
        break;
      }
      value += static_cast<char>(byte->front());
      rest_.remove_prefix(3);
    } else if (!rest_.empty()) {
      value += rest_.front();
      rest_.remove_prefix(1);
    }
  }
  return value;
}

Bytes TextReader::bytes() {
  if (!take_word("x")) fail("bytes were expected: x'…'");
  expect('\'');
  const std::string_view digits = peek_word();
  const auto value = from_hex(digits);
  if (!value) fail("bytes are pairs of hexadecimal digits");
  rest_.remove_prefix(digits.size());
  expect('\'');
  return value.value_or(Bytes{});
}

void TextReader::fixed_bytes(std::span<std::uint8_t> target) {
  const Bytes value = bytes();
  if (value.size() != target.size()) return fail("an identifier or digest of another length");
  std::copy(value.begin(), value.end(), target.begin());
}

std::uint64_t TextReader::symbol(std::span<const std::string_view> names) {
  const std::string_view word = peek_word();
  const auto at = std::find(names.begin(), names.end(), word);
  if (at == names.end()) fail("'" + std::string(word) + "' is no symbol that may stand here");
  rest_.remove_prefix(word.size());
  return at == names.end() ? 0 : static_cast<std::uint64_t>(at - names.begin());
}

bool TextReader::nothing() { return !failed() && take_word("none"); }

}  // namespace tutti
