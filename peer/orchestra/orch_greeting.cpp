#include "peer/orchestra/orch_greeting.hpp"

#include <utility>

#include "peer/orchestra/orch_words.hpp"

namespace tutti {

std::optional<OrchGreeting::Question> OrchGreeting::take(ByteView& bytes) {
  constexpr std::string_view down = "DOWN";
  constexpr std::size_t question_lines = 3;
  while (!failed_ && taken_.size() < question_lines) {
    std::optional<std::string> line = lines_.take(bytes, taken_.empty() ? down.size() : OrchParser::line_max);
    failed_ = lines_.failed() || (taken_.empty() && line && *line != down);
    if (failed_ || !line) return std::nullopt;
    taken_.push_back(std::move(*line));
  }
  if (failed_) return std::nullopt;
  Question question{std::move(taken_[1]), std::move(taken_[2])};
  taken_.clear();
  return question;
}

}  // namespace tutti
