#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "actors/time.hpp"
#include "messages/message.hpp"

namespace tutti {

/// Decides whether whoever is at the other end of a link is still there, from how long it leaves a probe unanswered.
/// Owns what is known of one conversation over that link. Pure: it is given the time and what was heard.
///
/// Rules:
/// - Somebody of whom nothing was heard for `every` is probed, one probe at a time.
/// - Mute is who has said nothing for `patience` since an unanswered probe. That is the longest that an answer took of
///   late and half as much again, `slack_min` at least: so a host that is busy for a moment, or a line that is slow, is
///   not taken for a dead one, and what came too late once is in time from then on.
/// - The longest counts for `remembered` to twice as long. What took more than `patience_max` counts not at all: that was
///   no line, but somebody who was stopped.
class LinkWatch {
 public:
  static constexpr Duration every = std::chrono::milliseconds(50);
  static constexpr Duration slack_min = std::chrono::milliseconds(100);
  static constexpr Duration patience_max = std::chrono::milliseconds(1500);
  static constexpr Duration remembered = std::chrono::seconds(30);
  /// What a line is trusted to carry, in bytes a second: a probe waits behind what was sent before it.
  static constexpr std::uint64_t slowest_line = 1'000'000;

  /// An answer that is not one to a probe took so long.
  void took(Duration time, Instant now) {
    turn(now);
    if (time <= patience_max) longest_ = std::max(longest_, time);
  }
  /// Something bulky leaves: the next probe waits behind it.
  void sent(ByteCount bytes) { before_probe_ += bytes; }
  /// A probe leaves.
  void probed(Instant now) {
    probed_ = now;
    const ByteCount bytes = std::exchange(before_probe_, {});
    allowance_ = std::chrono::nanoseconds(std::chrono::seconds(1)) *
                 static_cast<std::int64_t>(std::min<std::uint64_t>(bytes.value, slowest_line * 60)) /
                 static_cast<std::int64_t>(slowest_line);
  }
  /// The probe is answered.
  void echoed(Instant now) {
    if (probed_) took(now - *probed_ - allowance_, now);
    probed_.reset();
    heard(now);
  }
  void heard(Instant now) { heard_ = now; }
  /// This process did not run for a while: the silence before `now` says nothing.
  void forgive(Instant now) {
    if (probed_) forgiven_ = now;
  }

  bool to_be_probed(Instant now) const { return !probed_ && now - heard_ >= every; }
  Duration patience(Instant now) const {
    const Duration longest =
        now - turned_ >= 2 * remembered ? Duration{} : std::max(longest_, longest_before_);
    return std::min(longest + std::max(slack_min, longest / 2), patience_max);
  }
  bool is_mute(Instant now) const { return probed_ && now >= mute_at(now); }
  /// Something has been heard since the unanswered probe of the other one left: so it is that other one that is mute, and
  /// neither the line nor this process.
  bool outlives(const LinkWatch& other) const { return other.probed_ && heard_ > *other.probed_; }
  /// When there is something to do or to find out.
  Instant look_at(Instant now) const { return probed_ ? mute_at(now) : heard_ + every; }

 private:
  Instant mute_at(Instant now) const {
    return std::max({*probed_, heard_, forgiven_}) + patience(now) + allowance_;
  }
  void turn(Instant now) {
    if (now - turned_ < remembered) return;
    longest_before_ = now - turned_ < 2 * remembered ? longest_ : Duration{};
    longest_ = {};
    turned_ = now;
  }

  std::optional<Instant> probed_;  ///< unanswered
  ByteCount before_probe_;         ///< has left since the last one
  Duration allowance_{};           ///< for what left before this one
  Instant heard_{};
  Instant forgiven_{};
  Duration longest_{};
  Duration longest_before_{};
  Instant turned_{};
};

}  // namespace tutti
