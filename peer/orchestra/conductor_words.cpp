#include "peer/orchestra/conductor_words.hpp"

#include <fmt/format.h>

#include <utility>

#include "peer/orchestra/orch_file.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

/// Lines of an answer before its members.
constexpr std::uint64_t member_lines = 4;
/// A host name has 253 bytes at most.
constexpr std::size_t member_line_max = 261;
/// Of the members of an answer; nobody connects to so many.
constexpr std::uint64_t members_kept = 1000;

}  // namespace

std::optional<ConductorQuestion> QuestionReader::take(ByteView bytes) {
  constexpr std::size_t question_lines = 4;
  while (taken_.size() < question_lines) {
    std::optional<std::string> line = lines_.take(bytes, line_max);
    if (!line) return std::nullopt;
    taken_.push_back(std::move(*line));
  }
  return ConductorQuestion{taken_[0], taken_[1], taken_[2], taken_[3]};
}

std::optional<std::vector<std::string>> AnswerReader::take(ByteView bytes) {
  while (fault_.empty()) {
    const std::optional<std::string> line =
        lines_.take(bytes, line_ < member_lines ? QuestionReader::line_max : member_line_max);
    if (lines_.failed()) fault_ = "a line is too long";
    if (!line) return std::nullopt;
    if (take_line(*line)) return std::move(members_);
  }
  return std::nullopt;
}

/// True if it was the last one.
bool AnswerReader::take_line(std::string line) {
  switch (line_++) {
    case 0:
      nobody_ = line == "NONE";
      if (!nobody_ && line != "SEND") fault_ = "it begins with neither SEND nor NONE";
      return false;
    case 1:
      if (line != name_) fault_ = "it is about another file";
      return false;
    case 2:
      if (line != sha1_) fault_ = "it is about a file with another SHA-1";
      return fault_.empty() && nobody_;
    case 3: {
      const std::optional<std::uint64_t> count = orch_number(line);
      if (!count || *count > members_max) fault_ = "it says no sensible number of members";
      count_ = count.value_or(0);
      return fault_.empty() && count_ == 0;
    }
    default: {
      // Of very many some from everywhere in the list: the first ones may be long gone.
      const std::uint64_t member = line_ - 1 - member_lines;
      if (member % (1 + (count_ - 1) / members_kept) == 0) members_.push_back(std::move(line));
      return member + 1 == count_;
    }
  }
}

std::string conductor_question(std::string_view name, std::string_view sha1, std::uint16_t port) {
  return fmt::format("DOWN\r\n{}\r\n{}\r\n{}\r\n", name, sha1, port);
}

std::string conductor_none(std::string_view name, std::string_view sha1) {
  return fmt::format("NONE\r\n{}\r\n{}\r\n", name, sha1);
}

std::string conductor_send_head(std::string_view name, std::string_view sha1, std::size_t count) {
  return fmt::format("SEND\r\n{}\r\n{}\r\n{}\r\n", name, sha1, count);
}

std::string_view member_address_fault(std::string_view text) { return orch_conductor_fault(text); }

}  // namespace tutti
