#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "actors/time.hpp"
#include "messages/units.hpp"

namespace tutti {

/// Decides whether somebody who fetches a file beside us can be counted on to pass his part of it on (part_of). Knows no
/// time but what it is given.
///
/// Rules:
/// - Whoever gets no new piece in the time in which the seeders give us `pieces` of them, and in `grace`, does not get on:
///   paused, out of disk, behind a line far slower than ours, or one who only says that he fetches. Another piece, and he
///   is counted on again. While the pace of the seeders is unknown nobody can be called slow.
/// - Whoever did not have what he said he had is not counted on any more.
class FellowProgress {
 public:
  static constexpr Duration grace = std::chrono::milliseconds(250);
  static constexpr std::uint64_t pieces = 8;

  /// `now`: when he opened the file for us.
  explicit FellowProgress(Instant now) : gained_(now) {}

  void gained(Instant now) { gained_ = now; }
  void lacked_a_piece() { is_reliable_ = false; }
  /// `pace`: what the seeders do for us together, bytes a second; 0: unknown.
  bool gets_on(ByteCount piece, std::uint64_t pace, Instant now) const {
    if (!is_reliable_) return false;
    if (pace == 0) return true;
    const std::chrono::duration<double> usual(static_cast<double>(pieces * piece.value) /
                                              static_cast<double>(pace));
    return std::chrono::duration<double>(now - gained_) <=
           std::max(usual, std::chrono::duration<double>(grace));
  }

 private:
  Instant gained_;
  bool is_reliable_ = true;
};

}  // namespace tutti
