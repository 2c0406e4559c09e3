#pragma once

#include <cstdint>

#include "actors/time.hpp"
#include "messages/units.hpp"

namespace tutti {

/// Measures how fast bytes come (or go) of late: a byte of `window` ago weighs 1/e of one of now, so a change shows
/// within a window and a single late block does not.
/// Rule: only time in which something was due counts. A meter of a peer that was asked for nothing does not fall: it
/// would call a peer slow that we ourselves left idle. A meter that is never paused shows silence as a falling rate.
class RateMeter {
 public:
  static constexpr Duration default_window = std::chrono::seconds(2);

  explicit RateMeter(Duration window = default_window) : window_(window) {}

  /// Time counts from `now` on. Needed before the first add().
  void resume(Instant now);
  /// Time does not count from `now` on.
  void pause(Instant now);
  void add(ByteCount bytes, Instant now);
  /// False until bytes have come; bytes_per_second() is 0 then.
  bool known() const { return bytes_ > 0; }
  std::uint64_t bytes_per_second(Instant now) const;

 private:
  void age(Instant now);

  Duration window_;
  Instant last_{};
  bool running_ = false;
  double bytes_ = 0;      ///< weighed
  double seconds_ = 0;    ///< weighed
  double since_add_ = 0;  ///< seconds that counted since the last add()
};

}  // namespace tutti
