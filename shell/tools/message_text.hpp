#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tutti {

/// A message's text form cut into tokens: words, numbers, texts with their quotes, bytes `x'…'`, and the signs
/// `{ } [ ] : , + * $name @name`.
struct TokenizedText {
  std::vector<std::string> tokens;
  std::string fault;  ///< why it could not be cut; empty if it could
};
TokenizedText tokenize(std::string_view text);

/// What `$name` stands for: the text of a value, as it was met.
using Bindings = std::map<std::string, std::string, std::less<>>;

/// True if the text of a message is what the pattern asks for. In the pattern
///
///     Told                     a message's name alone asks for nothing more
///     command: *               any value
///     {command: 7, *}          any further fields; in a list, any further items
///     command: $c              any value, remembered as $c; from then on that very value
///
/// Everything else is compared literally; white space does not count. Fields stand in their declared order.
bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& text,
             Bindings& bindings);

}  // namespace tutti
