#include "shell/member_bar.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shell/printable.hpp"

namespace tutti {

std::string member_bar(const DownloadRow& row, std::size_t columns) {
  const std::uint64_t percent = row.pieces == 0 ? 100 : std::uint64_t{row.pieces_verified} * 100 / row.pieces;
  const std::string head = fmt::format("{:3}% ({} of {} parts, {} left)", percent, row.pieces_verified,
                                       row.pieces, row.pieces - row.pieces_verified);
  std::string tail;
  if (row.phase == DownloadPhase::fetching) {
    tail = fmt::format("{}, {} {}", human_rate(row.bytes_per_second), row.peers,
                       row.peers == 1 ? "member" : "members");
    if (row.bytes_per_second > 0)
      tail += fmt::format(", {} left", human_time(std::chrono::seconds(static_cast<std::int64_t>(
                                           (row.size - row.verified).value / row.bytes_per_second))));
  } else if (row.phase == DownloadPhase::checking) {
    tail = "checking";
  } else if (row.phase == DownloadPhase::complete) {
    tail = "complete, press q to stop sharing";
  } else {
    tail = row.sentence.empty() ? "looking for members" : printable(row.sentence);
  }
  constexpr std::size_t bar_min = 8;
  constexpr std::size_t bar_max = 40;
  constexpr std::size_t around = 3;  // a blank before it, and its edges
  std::string line = head;
  if (columns > head.size() + bar_min + around) {
    const std::size_t room = columns - head.size() - around;
    const std::size_t wanted = display_width(tail) + 2;
    const std::size_t width = std::clamp(room - std::min(wanted, room), bar_min, bar_max);
    const std::size_t full = static_cast<std::size_t>(percent) * width / 100;
    line += fmt::format(" |{}{}|", std::string(full, '#'), std::string(width - full, ' '));
  }
  line += " " + tail;
  while (display_width(line) >= columns && !line.empty()) line.pop_back();
  return line;
}

}  // namespace tutti
