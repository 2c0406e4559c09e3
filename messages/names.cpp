#include "messages/names.hpp"

#include <algorithm>
#include <cstdint>

namespace tutti {

namespace {

constexpr std::size_t account_name_max_bytes = 64;
constexpr std::size_t file_name_max_bytes = 255;

bool is_account_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;  // in bytes; 0: malformed
};

/// A number as a tracker counts: 1 to 9 digits, not starting with 0.
bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 && text.front() != '0' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

CodePoint decode_code_point(std::string_view text, std::size_t at) {
  const std::uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  std::uint32_t value = 0;
  std::uint32_t least = 0;
  if ((lead & 0xe0U) == 0xc0) {
    length = 2, value = lead & 0x1fU, least = 0x80;
  } else if ((lead & 0xf0U) == 0xe0) {
    length = 3, value = lead & 0x0fU, least = 0x800;
  } else if ((lead & 0xf8U) == 0xf0) {
    length = 4, value = lead & 0x07U, least = 0x10000;
  } else {
    return {};
  }
  if (at + length > text.size()) return {};
  for (std::size_t i = 1; i < length; ++i) {
    const std::uint8_t next = byte_at(text, at + i);
    if ((next & 0xc0U) != 0x80) return {};
    value = (value << 6U) | (next & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < least || value > 0x10ffff || surrogate) return {};
  return {value, length};
}

bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

/// Calls `accept` with each code point until it refuses one; false if it did or the text is malformed.
template <class Accept>
bool every_code_point(std::string_view text, Accept accept) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_code_point(text, at);
    if (point.length == 0 || !accept(point.value)) return false;
    at += point.length;
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
  return every_code_point(text, [](std::uint32_t) { return true; });
}

std::string_view lost_name_mark(std::string_view text) {
  const std::size_t at = text.rfind('~');
  if (at == std::string_view::npos || at == 0) return {};
  const std::string_view mark = text.substr(at);
  if (mark.size() < 2 || mark[1] != 't') return {};
  const std::string_view rest = mark.substr(2);
  const std::size_t dash = rest.find('-');
  const bool counted = dash != std::string_view::npos;
  if (!is_number(rest.substr(0, dash)) || (counted && !is_number(rest.substr(dash + 1)))) return {};
  return mark;
}

std::string_view account_name_fault(std::string_view text) {
  text.remove_suffix(lost_name_mark(text).size());
  if (text.empty()) return "a name needs at least one character";
  if (text.size() > account_name_max_bytes) return "a name has at most 64 characters";
  if (text.front() == '.' || text.front() == '-') return "a name does not start with '.' or '-'";
  if (!std::all_of(text.begin(), text.end(), is_account_character))
    return "a name has only letters, digits, '.', '_' and '-'";
  return {};
}

std::string_view file_name_fault(std::string_view text) {
  if (text.empty()) return "a file name needs at least one character";
  if (text.size() > file_name_max_bytes) return "a file name has at most 255 bytes";
  if (text == "." || text == "..") return "a file name is not '.' or '..'";
  if (text.front() == '~') return "a file name does not start with '~'";
  if (text.find('/') != std::string_view::npos) return "a file name holds no '/'";
  if (!is_utf8(text)) return "a file name is UTF-8";
  if (!every_code_point(text, [](std::uint32_t c) { return !is_control(c); }))
    return "a file name holds no control characters";
  return {};
}

}  // namespace tutti
