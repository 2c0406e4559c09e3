#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

#include "actors/trace_file.hpp"

namespace tutti {

struct TracePrinting {
  /// A Mermaid sequence diagram instead of text.
  bool mermaid = false;
  /// Only messages from or to somebody with this in their name, or with this in the message's own name.
  std::string filter;
  /// Longer byte strings are shortened to so many bytes.
  std::size_t most_bytes = 8;
};

/// Prints what is left of a trace. A line of text is the time since the first message, who said it to whom, what, and
/// how many bytes rode beside.
void print_trace(TraceReader& reader, const TracePrinting& how, std::ostream& out);

}  // namespace tutti
