#include "peer/rate_meter.hpp"

#include <algorithm>
#include <cmath>

namespace tutti {
namespace {

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void RateMeter::resume(Instant now) {
  if (running_) return;
  running_ = true;
  last_ = now;
}

void RateMeter::pause(Instant now) {
  if (!running_) return;
  age(now);
  running_ = false;
}

void RateMeter::add(ByteCount bytes, Instant now) {
  resume(now);
  age(now);
  // They came all along since the bytes before, so they are as old as that time is on the average.
  const double window = seconds_of(window_);
  const double share = since_add_ > 0 ? window * (1 - std::exp(-since_add_ / window)) / since_add_ : 1.0;
  bytes_ += static_cast<double>(bytes.value) * share;
  since_add_ = 0;
}

std::uint64_t RateMeter::bytes_per_second(Instant now) const {
  RateMeter aged = *this;
  if (running_) aged.age(now);
  if (!known()) return 0;
  // Bytes that came in no measurable time came within a microsecond at most.
  return static_cast<std::uint64_t>(aged.bytes_ / std::max(aged.seconds_, 1e-6));
}

void RateMeter::age(Instant now) {
  const double passed = seconds_of(std::max(now - last_, Duration::zero()));
  const double kept = std::exp(-passed / seconds_of(window_));
  bytes_ *= kept;
  seconds_ = seconds_ * kept + seconds_of(window_) * (1 - kept);
  since_add_ += passed;
  last_ = std::max(last_, now);
}

}  // namespace tutti
