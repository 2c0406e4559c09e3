#pragma once

#include <algorithm>

#include "actors/random.hpp"
#include "actors/time.hpp"

namespace tutti {

/// How long to wait before the next try of something that failed: each wait is up to twice the one before.
/// Rule: half of a wait is fixed, half is random, so that many who lost the same peer do not come back at once, and
/// nobody comes back at once either.
class Backoff {
 public:
  explicit Backoff(Duration first = std::chrono::milliseconds(200),
                   Duration longest = std::chrono::seconds(15))
      : first_(first), longest_(longest), step_(first) {}

  /// The wait after one more failure: from half of the step up to the step.
  Duration next(Random& random) {
    const Duration half = step_ / 2;
    step_ = std::min(step_ * 2, longest_);
    return half +
           Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(half.count()) + 1)));
  }
  /// It worked: the next failure waits as briefly as the first.
  void reset() { step_ = first_; }

 private:
  Duration first_;
  Duration longest_;
  Duration step_;
};

}  // namespace tutti
