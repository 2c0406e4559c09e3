#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/payload_gauge.hpp"
#include "actors/time.hpp"

namespace tutti {

/// What one link was sent and has not taken yet, and whether it gets on with that.
class UntakenBlocks {
 public:
  /// Whoever takes nothing at all for so long, while something waits for it, is not there any more or does not want to be.
  static constexpr Duration patience = std::chrono::seconds(30);

  /// The same bytes, counted here and by `all` until they are taken. `waits`: what is not taken before that.
  Payload sent(const Payload& bytes, PayloadGauge& all, std::size_t waits) {
    if (waits == 0) seen_.reset();  // what was seen before says nothing of what waits from now on
    sent_ += bytes.size();
    return all.measured(gauge_.measured(bytes));
  }
  std::size_t bytes() const { return gauge_.outstanding_bytes(); }
  /// To be asked now and then, while `waits` are not taken: the time begins with the first look at what waits, and anew with whatever is taken,
  /// or confirmed by the other end.
  bool is_stuck(std::size_t waits, std::uint64_t confirmed, Instant now) {
    const std::uint64_t taken = sent_ - waits;
    if (waits == 0 || !seen_ || seen_->taken != taken || seen_->confirmed != confirmed)
      seen_ = Seen{taken, confirmed, now};
    return now - seen_->since >= patience;
  }

 private:
  struct Seen {
    std::uint64_t taken;
    std::uint64_t confirmed;
    Instant since;
  };
  PayloadGauge gauge_;
  std::uint64_t sent_ = 0;
  std::optional<Seen> seen_;
};

}  // namespace tutti
