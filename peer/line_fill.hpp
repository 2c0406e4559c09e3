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
/// - Whoever takes slowly, or nothing, while the line could carry more, holds up nobody: see LineShare.
/// - Whether it could, nobody says: a slow line and many slow ones at the other ends look the same. So while somebody waits,
///   more is tried now and then (`explores`): twice as much on its way, for as long as that makes all of it go faster; and, from more
///   than the least, half as much, if that makes it no slower. What was tried in vain is tried again later and later.
class LineFill {
 public:
  static constexpr Duration hold = std::chrono::milliseconds(100);
  static constexpr Duration grows_every = std::chrono::milliseconds(20);
  static constexpr ByteCount least{3 * block_size_max.value};
  static constexpr Duration look_again_min = std::chrono::milliseconds(1);
  static constexpr Duration look_again_max = std::chrono::milliseconds(50);
  static constexpr Duration interval = std::chrono::milliseconds(250);  ///< in which what is taken is counted
  static constexpr Duration explores = std::chrono::seconds(1);         ///< for so long
  static constexpr Duration rest_min = std::chrono::seconds(10);        ///< after it was in vain
  static constexpr Duration rest_max = std::chrono::seconds(80);
  static constexpr Duration remembers = std::chrono::seconds(10);  ///< what the line has carried

  explicit LineFill(ByteCount most) : most_(most) {}

  /// So many bytes more go out. To be followed by look().
  void sent(ByteCount bytes) { untaken_ += bytes; }
  /// Of all that went out so many bytes have not been taken; so many have been since the last look.
  void look(ByteCount untaken, ByteCount taken, Instant now);
  /// Somebody waits since nothing more may be on its way.
  void held_up() { held_up_ = true; }
  /// What has not been taken, by the last look and what has been sent since.
  ByteCount untaken() const { return untaken_; }
  /// What may be on its way.
  ByteCount size() const { return std::min(ByteCount{size_.value * tried_}, most_); }
  /// Bytes a second that the line is known to carry; 0: not known.
  std::uint64_t carries() const { return std::max(best_, best_before_); }
  /// When it is worth another look, if nothing fits now: by then a block is likely to have been taken.
  Duration look_again() const;

 private:
  enum class Trying : std::uint8_t { nothing, more, less };
  void count_interval(Instant now);
  void remember(std::uint64_t pace, Instant now);
  void explore(std::uint64_t pace, Instant now);
  void try_next(std::uint64_t pace, bool held_up, Instant now);
  void rest(Duration pause, Instant now);

  ByteCount most_;
  ByteCount size_ = least;
  ByteCount untaken_;
  RateMeter pace_{std::chrono::milliseconds(500)};
  std::uint64_t bytes_per_second_ = 0;
  std::optional<Instant> grew_;

  // What was taken in intervals in which something was on its way all the time.
  std::optional<Instant> interval_began_;
  std::uint64_t taken_in_interval_ = 0;
  std::uint64_t last_pace_ = 0;
  std::uint64_t best_ = 0;  ///< in this half of what is remembered
  std::uint64_t best_before_ = 0;
  Instant half_began_{};

  bool held_up_ = false;
  Trying trying_ = Trying::nothing;
  std::uint64_t tried_ = 1;        ///< so many times the size
  std::uint64_t pace_before_ = 0;  ///< the last try
  std::optional<Instant> try_until_;
  Duration rest_ = rest_min;
  bool less_is_next_ = false;
};

/// Decides how much of the line what one link has not taken yet claims: all of it, if the link takes its part of what the line
/// carries, or half of it, since connections never share quite equally; much less, the less it takes; and soon nothing if it takes nothing. The rest of it waits for the other end and not for our line.
class LineShare {
 public:
  /// Of what a link takes that has taken nothing yet, so much at a time is thought to be on its way unseen.
  static constexpr ByteCount unseen{64U << 10U};

  void sent(ByteCount bytes, Instant now);
  /// So much of it has not been taken; the other end has confirmed so much of all, if that is known. Returns what has been
  /// taken since the last look.
  ByteCount look(ByteCount untaken, std::optional<std::uint64_t> confirmed, Instant now);
  /// `part`: bytes a second that it would take if the line were shared by all equally; 0: not known.
  ByteCount claim(std::uint64_t part, Instant now) const;
  /// What has not been taken, by the last look and what has been sent since.
  ByteCount untaken() const { return untaken_; }

 private:
  RateMeter pace_{std::chrono::milliseconds(500)};
  ByteCount untaken_;
  std::optional<std::uint64_t> confirmed_;  ///< while something is on its way
  Instant waits_since_{};
};

}  // namespace tutti
