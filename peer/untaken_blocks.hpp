#pragma once

#include <chrono>
#include <cstdint>

#include "actors/payload_gauge.hpp"
#include "actors/time.hpp"

namespace tutti {

/// What one link was sent and has not taken yet, and whether it gets on with that.
class UntakenBlocks {
 public:
  /// Whoever takes nothing at all for so long, while something waits for it, is not there any more or does not want to be.
  static constexpr Duration patience = std::chrono::seconds(30);

  /// The same bytes, counted here and by `all` until they are taken.
  Payload sent(const Payload& bytes, PayloadGauge& all) {
    sent_ += bytes.size();
    return all.measured(gauge_.measured(bytes));
  }
  std::size_t bytes() const { return gauge_.outstanding_bytes(); }
  /// To be asked again and again: time only counts from the first look on that shows the same as the one before.
  bool is_stuck(Instant now) {
    const std::size_t waits = bytes();
    const std::uint64_t taken = sent_ - waits;
    if (waits == 0 || taken != taken_) {
      taken_ = taken;
      since_ = now;
    }
    return now - since_ >= patience;
  }

 private:
  PayloadGauge gauge_;
  std::uint64_t sent_ = 0;
  std::uint64_t taken_ = UINT64_MAX;  ///< when it was looked at last
  Instant since_{};
};

}  // namespace tutti
