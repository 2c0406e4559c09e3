#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tutti {

/// How many single-character insertions, deletions, replacements and swaps of neighbours turn one word into the
/// other (optimal string alignment). O(|a|·|b|); meant for words, not for texts.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that was most probably meant by `typed`, in capitals or not: the one it is a beginning of, or the
/// nearest one if it is near enough for a slip of the finger, or the only one whose beginning is. Empty if none is.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace tutti
