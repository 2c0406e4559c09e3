#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/time.hpp"
#include "messages/units.hpp"

namespace tutti {

/// Decides how much the seeders are asked for of what others are to fetch from them and pass on to us (part_of). Every byte
/// of it leaves a seeder once more than it has to, but somebody slow must not hold up anybody. Knows no time but what it
/// is given.
///
/// Rules:
/// - Nobody gets on slower than at half of the pace that the seeders alone would have for him: from when our own part has
///   come, the budget grows by half of that pace and shrinks by what the others give. What it holds may be asked
///   for, up to one piece.
/// - Others who gave much are owed `grace`, not more: then silence is a reason.
/// - While the seeders' pace is unknown (nothing of the file is ours to fetch) nothing can be weighed: a piece at a time
///   may be asked for after `grace` without any gain.
class HelpBudget {
 public:
  static constexpr Duration grace = std::chrono::milliseconds(100);

  /// Something of our own part has been asked for or has come: the seeders were busy for us until now.
  void own_part_goes_on(Instant now) {
    since_ = last_gain_ = now;
    bytes_.reset();
  }
  /// Somebody who fetches beside us has sent so much.
  void gained(ByteCount bytes, Instant now) {
    last_gain_ = now;
    if (bytes_) *bytes_ -= static_cast<double>(bytes.value);
  }
  /// Whether a piece of this size may be asked for now. `pace`: what the seeders do for us together, bytes a second; 0:
  /// unknown.
  bool allows(ByteCount piece, std::uint64_t pace, Instant now) {
    if (!since_) since_ = now;
    if (pace == 0) return now >= allowed_from(piece, pace);
    const auto size = static_cast<double>(piece.value);
    bytes_ = std::min(held(pace) + half(pace) * seconds(now - *since_), size);
    since_ = std::max(*since_, now);
    // Not a byte's fraction short for ever.
    return *bytes_ >= size - 1;
  }
  /// When that is so if nothing happens till then.
  Instant allowed_from(ByteCount piece, std::uint64_t pace) const {
    const Instant since = since_.value_or(Instant{});
    if (pace == 0) return std::max(since, last_gain_) + grace;
    const double missing = std::max(static_cast<double>(piece.value) - held(pace), 0.0);
    const std::chrono::duration<double> wait(std::min(missing / half(pace), 3600.0));
    return since + std::chrono::ceil<Duration>(wait);
  }
  /// Such a piece has been asked for.
  void asked(ByteCount piece) {
    if (bytes_) *bytes_ -= static_cast<double>(piece.value);
  }

 private:
  static double half(std::uint64_t pace) { return static_cast<double>(pace) / 2; }
  double held(std::uint64_t pace) const {
    const double floor = -half(pace) * seconds(grace);
    return std::max(bytes_.value_or(floor), floor);
  }
  static double seconds(Duration duration) {
    return std::max(std::chrono::duration<double>(duration).count(), 0.0);
  }

  std::optional<Instant> since_;  ///< up to when it has been counted
  Instant last_gain_{};
  std::optional<double> bytes_;  ///< nothing: nothing has been missed
};

}  // namespace tutti
