#include "peer/orchestra/crlf_lines.hpp"

#include <algorithm>
#include <utility>

namespace tutti {

std::optional<std::string> CrlfLines::take(ByteView& bytes, std::size_t most) {
  while (!bytes.empty() && !failed_) {
    const auto found = std::find(bytes.begin(), bytes.end(), static_cast<std::uint8_t>('\n'));
    const auto end = found == bytes.end() ? found : found + 1;
    const auto taken = static_cast<std::size_t>(end - bytes.begin());
    // The line's end is two bytes more.
    failed_ = line_.size() + taken > most + 2;
    if (failed_) break;
    line_.append(bytes.begin(), end);
    bytes = bytes.subspan(taken);
    if (!line_.ends_with("\r\n")) continue;
    line_.resize(line_.size() - 2);
    return std::exchange(line_, {});
  }
  return std::nullopt;
}

}  // namespace tutti
