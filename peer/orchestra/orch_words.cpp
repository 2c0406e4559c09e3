#include "peer/orchestra/orch_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "peer/orchestra/parts_number.hpp"

namespace tutti {

namespace {

constexpr std::array<std::string_view, 5> words{"DOWN", "SEND", "PART", "STRT", "NONE"};
constexpr std::size_t number_digits = 19;

unsigned lines_of(OrchWord word) { return word == OrchWord::down ? 3 : 4; }

std::string lines(std::string_view word, std::string_view name, std::string_view sha1) {
  return fmt::format("{}\r\n{}\r\n{}\r\n", word, name, sha1);
}

}  // namespace

std::optional<std::uint64_t> orch_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || digits.size() > number_digits || error != std::errc{} ||
      end != digits.data() + digits.size())
    return std::nullopt;
  return value;
}

OrchParser::OrchParser(const PieceLayout& layout)
    : layout_(layout), digits_max_(parts_digits_max(layout.piece_count())) {}

std::variant<std::monostate, OrchMessage, OrchData> OrchParser::next() {
  while (fault_.empty()) {
    if (data_of_) return take_data();
    std::optional<std::string> line = lines_.take(bytes_, line_limit());
    if (lines_.failed()) fault_ = "a line is too long";
    if (!line) return {};
    if (take_line(std::move(*line))) return std::exchange(message_, {});
  }
  return {};
}

std::size_t OrchParser::line_limit() const {
  if (lines_taken_ == 0) return words[0].size();
  if (lines_taken_ < 3) return line_max;
  return message_.word == OrchWord::send ? digits_max_ : number_digits;
}

/// True if it was the last one of its message.
bool OrchParser::take_line(std::string line) {
  switch (lines_taken_++) {
    case 0: {
      const auto word = std::find(words.begin(), words.end(), line);
      if (word == words.end()) fault_ = "a message begins with another word";
      if (word != words.end()) message_.word = static_cast<OrchWord>(word - words.begin());
      return false;
    }
    case 1: message_.name = std::move(line); return false;
    case 2: message_.sha1 = std::move(line); break;
    default:
      if (message_.word == OrchWord::send) {
        message_.number = std::move(line);
      } else if (!take_number(line)) {
        return false;
      }
  }
  if (lines_taken_ < lines_of(message_.word)) return false;
  lines_taken_ = 0;
  return true;
}

bool OrchParser::take_number(const std::string& line) {
  const std::optional<std::uint64_t> number = orch_number(line);
  if (!number) {
    fault_ = "where a part is named stands no number";
    return false;
  }
  message_.part = *number;
  if (message_.word != OrchWord::strt) return true;
  if (*number < 1 || *number > layout_.piece_count()) {
    fault_ = "a part comes that there is not";
    return false;
  }
  data_of_ = PieceIndex{static_cast<std::uint32_t>(*number - 1)};
  data_done_ = {};
  return true;
}

std::variant<std::monostate, OrchMessage, OrchData> OrchParser::take_data() {
  if (bytes_.empty()) return {};
  const ByteCount size = layout_.piece_size(*data_of_);
  const auto taken =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes_.size(), (size - data_done_).value));
  const OrchData data{*data_of_, data_done_, bytes_.first(taken)};
  bytes_ = bytes_.subspan(taken);
  data_done_ += ByteCount{taken};
  if (data_done_ == size) data_of_.reset();
  return data;
}

Payload orch_payload(std::string_view text) { return Payload::own(Bytes(text.begin(), text.end())); }

std::string orch_down(std::string_view name, std::string_view sha1) { return lines("DOWN", name, sha1); }

std::string orch_send_head(std::string_view name, std::string_view sha1) { return lines("SEND", name, sha1); }

std::string orch_part(std::string_view name, std::string_view sha1, PieceIndex piece) {
  return fmt::format("{}{}\r\n", lines("PART", name, sha1), std::uint64_t{piece.value} + 1);
}

std::string orch_strt_head(std::string_view name, std::string_view sha1, PieceIndex piece) {
  return fmt::format("{}{}\r\n", lines("STRT", name, sha1), std::uint64_t{piece.value} + 1);
}

std::string orch_none(std::string_view name, std::string_view sha1, std::uint64_t part) {
  return fmt::format("{}{}\r\n", lines("NONE", name, sha1), part);
}

bool is_ipv4(std::string_view host) {
  int dots = 0;
  for (std::size_t begin = 0; dots < 4; ++dots) {
    const std::size_t end = std::min(host.find('.', begin), host.size());
    const std::string_view number = host.substr(begin, end - begin);
    const bool is_short = number.size() <= 1 || (number.size() <= 3 && number.front() != '0');
    if (!is_short || orch_number(number).value_or(256) > 255) return false;
    if (end == host.size()) return dots == 3;
    begin = end + 1;
  }
  return false;
}

}  // namespace tutti
