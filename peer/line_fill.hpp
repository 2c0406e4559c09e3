#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/time.hpp"
#include "messages/peer_peer.hpp"
#include "peer/rate_meter.hpp"

namespace tutti {

/// Decides how many bytes of blocks may be on their way out at a time, over all links together. Knows no time and no
/// sockets but what it is told of them.
///
/// What is handed to the network for many at once shares the line: then all of it comes late, and nobody has a piece
/// that he could pass on. So blocks go out nearly one after the other: what a hundred fetch from one source, each over a
/// line like its own, takes half of the time, and a third of the copies leave it (docs/simulation.md).
///
/// Rules:
/// - As much is on its way as the line carries in `hold` at the pace at which it has been taken of late, so that the line
///   has no pause until somebody looks again; at least `least`, at most `most`.
/// - It grows to the double at most every `grows_every`: what a socket's own buffer has swallowed at once says nothing of
///   the line yet.
/// - Only time in which something is on its way counts for the pace: a line of which nothing is asked is not slow.
/// - Whoever takes slowly, or nothing, holds up nobody: see LineShare.
class LineFill {
 public:
  static constexpr Duration hold = std::chrono::milliseconds(100);
  static constexpr Duration grows_every = std::chrono::milliseconds(20);
  static constexpr ByteCount least{3 * block_size_max.value};
  static constexpr Duration look_again_min = std::chrono::milliseconds(1);
  static constexpr Duration look_again_max = std::chrono::milliseconds(50);

  explicit LineFill(ByteCount most) : most_(most) {}

  /// So many bytes more go out. To be followed by look().
  void sent(ByteCount bytes) { sent_ += bytes.value; }
  /// Of all that went out so many bytes have not been taken.
  void look(ByteCount untaken, Instant now);
  /// What has not been taken, by the last look and what has been sent since.
  ByteCount untaken() const { return {sent_ - taken_}; }
  /// What may be on its way.
  ByteCount size() const { return size_; }
  /// When it is worth another look, if nothing fits now: by then a block is likely to have been taken.
  Duration look_again() const;

 private:
  ByteCount most_;
  ByteCount size_ = least;
  RateMeter pace_{std::chrono::milliseconds(500)};
  std::uint64_t sent_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t bytes_per_second_ = 0;
  std::optional<Instant> grew_;
};

/// Decides how much of the line what one link has not taken yet claims: no more than what that link takes in
/// LineFill::hold, and soon nothing if it takes nothing. The rest of it waits for the other end and not for our line.
class LineShare {
 public:
  void sent(ByteCount bytes, Instant now);
  /// So much of it has not been taken.
  void look(ByteCount untaken, Instant now);
  ByteCount claim(Instant now) const;
  /// What has not been taken, by the last look and what has been sent since.
  ByteCount untaken() const { return untaken_; }

 private:
  RateMeter pace_{std::chrono::milliseconds(500)};
  ByteCount untaken_;
  Instant last_sign_{};  ///< something was taken, or began to wait
};

}  // namespace tutti
