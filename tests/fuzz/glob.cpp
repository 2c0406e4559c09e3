// --only patterns. What means a directory means all that is in it.

#include "peer/glob.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(glob) {
  const std::string_view text = fuzz::text_of(input);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view path = text.substr(std::min(line + 1, text.size()));
  const Glob glob(text.substr(0, line));
  // A pattern that means a directory means what is in it.
  if (!path.empty() && path.back() != '/' && glob.matches(path))
    ENSURE(glob.matches(std::string(path) + "/x"));
  ENSURE(Glob("**").matches(path) || path.empty());
}
