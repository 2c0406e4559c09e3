#include "shell/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cwchar>

#include "messages/names.hpp"

namespace tutti {

namespace {

/// Bytes that the character at the start of `text` takes, were it well formed.
std::size_t escape_sequence_length(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(length, text.size());
}

std::uint32_t code_point(std::string_view sequence) {
  constexpr std::array<std::uint32_t, 5> lead_bits{0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t value = static_cast<std::uint8_t>(sequence.front()) & lead_bits[sequence.size()];
  for (const char c : sequence.substr(1)) value = (value << 6U) | (static_cast<std::uint8_t>(c) & 0x3fU);
  return value;
}

bool is_control(std::uint32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

bool deceives(std::uint32_t c) {
  return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

/// Takes the first character off `text`; the columns that it takes.
std::size_t take_character(std::string_view& text) {
  const std::string_view sequence = text.substr(0, escape_sequence_length(text));
  const int width = is_utf8(sequence) ? wcwidth(static_cast<wchar_t>(code_point(sequence))) : 1;
  text.remove_prefix(sequence.size());
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::string_view sequence = text.substr(0, escape_sequence_length(text));
    if (!is_utf8(sequence)) {
      result += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const std::uint32_t c = code_point(sequence);
    if (is_control(c)) {
      result += fmt::format("\\x{:02x}", c);
    } else if (deceives(c)) {
      result += fmt::format("\\u{:04x}", c);
    } else {
      result += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return result;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += take_character(text);
  return columns;
}

std::size_t rows_down(std::string_view text, std::size_t columns) {
  std::size_t rows = 0;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t width = take_character(text);
    if (column + width > columns) ++rows, column = 0;
    column += width;
    if (column >= columns) ++rows, column = 0;
  }
  return rows;
}

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string lines;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const std::size_t width = display_width(word);
    const bool too_long = columns > 0 && column > indent && column + 1 + width > columns;
    if (too_long) {
      lines += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (begin > 0) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += width;
    begin = end + 1;
  }
  return lines;
}

std::string human_size(ByteCount size) {
  constexpr std::array<std::string_view, 7> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(size.value);
  // What would be printed as 1024 goes on to the next unit.
  while (value >= 1023.5 && unit + 1 < units.size()) value /= 1024, ++unit;
  if (unit == 0) return fmt::format("{} B", size.value);
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::string digits = fmt::format("{:.{}f}", value, decimals);
  if (digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return fmt::format("{} {}", digits, units[unit]);
}

std::string human_rate(std::uint64_t bytes_per_second) { return human_size({bytes_per_second}) + "/s"; }

std::string human_time(std::chrono::seconds duration) {
  const std::int64_t seconds = duration.count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
  return "more than a day";
}

std::string time_of_day(std::uint32_t minute) { return fmt::format("{:02}:{:02}", minute / 60, minute % 60); }

unsigned percent(ByteCount done, ByteCount total) {
  if (total.value == 0 || done.value >= total.value) return 100;
  // Divided first where the product would not fit.
  const bool small = done.value <= UINT64_MAX / 100;
  const std::uint64_t result = small ? done.value * 100 / total.value : done.value / (total.value / 100);
  return static_cast<unsigned>(std::min<std::uint64_t>(result, 99));
}

}  // namespace tutti
