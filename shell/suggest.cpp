#include "shell/suggest.hpp"

#include <algorithm>

namespace tutti {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the classic table: the one before the last is needed for swaps.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({replace, last[j] + 1, now[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

namespace {

std::string lower_case(std::string_view word) {
  std::string lower(word);
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return lower;
}

/// How far the word is from a beginning of the candidate, about as long as the word.
std::size_t distance_to_a_beginning(std::string_view word, std::string_view candidate) {
  std::size_t least = word.size();
  for (std::size_t length = word.size() - 1; length <= word.size() + 1; ++length)
    least = std::min(least, edit_distance(word, candidate.substr(0, length)));
  return least;
}

/// The only candidate that a slip of one letter keeps the word from being a beginning of.
std::string only_one_begun(const std::string& word, const std::vector<std::string>& candidates) {
  // Of fewer letters too much is a slip.
  constexpr std::size_t least_letters = 4;
  if (word.size() < least_letters) return {};
  std::string only;
  for (const std::string& candidate : candidates) {
    if (distance_to_a_beginning(word, lower_case(candidate)) > 1) continue;
    if (!only.empty() && lower_case(only) != lower_case(candidate)) return {};
    if (only.empty()) only = candidate;
  }
  return only;
}

}  // namespace

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& candidates) {
  // Longer words hold more slips; a word of two letters is near to everything.
  constexpr std::size_t longest_word = 64;
  if (typed.empty() || typed.size() > longest_word) return {};
  const std::string word = lower_case(typed);
  const std::size_t near_enough = std::max<std::size_t>(1, word.size() / 3);
  std::string best;
  std::size_t best_distance = near_enough + 1;
  for (const std::string& candidate : candidates) {
    const std::string lower = lower_case(candidate);
    const bool begins = word.size() >= 3 && lower.starts_with(word);
    const std::size_t distance = begins ? 0 : edit_distance(word, lower);
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  return best.empty() ? only_one_begun(word, candidates) : best;
}

}  // namespace tutti
