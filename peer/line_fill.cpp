#include "peer/line_fill.hpp"

namespace tutti {

void LineFill::look(ByteCount untaken, Instant now) {
  const std::uint64_t taken = sent_ - std::min(untaken.value, sent_);
  if (taken > taken_) pace_.add({taken - taken_}, now);
  taken_ = std::max(taken_, taken);
  if (untaken.value > 0) {
    pace_.resume(now);
  } else {
    pace_.pause(now);
  }
  if (!pace_.known()) return;
  bytes_per_second_ = pace_.bytes_per_second(now);
  const double held = static_cast<double>(bytes_per_second_) * std::chrono::duration<double>(hold).count();
  const ByteCount wanted{
      std::clamp(static_cast<std::uint64_t>(std::min(held, 1e12)), least.value, most_.value)};
  if (!grew_) grew_ = now;
  if (wanted > size_ && now - *grew_ < grows_every) return;
  if (wanted > size_) grew_ = now;
  size_ = std::min(wanted, ByteCount{2 * size_.value});
}

Duration LineFill::look_again() const {
  if (bytes_per_second_ == 0) return look_again_min;
  const std::chrono::duration<double> block(static_cast<double>(block_size_max.value) /
                                            static_cast<double>(bytes_per_second_));
  return std::clamp(std::chrono::duration_cast<Duration>(std::min(block, std::chrono::duration<double>(1))),
                    look_again_min, look_again_max);
}

void LineShare::sent(ByteCount bytes, Instant now) {
  if (untaken_.value == 0) last_sign_ = now;
  untaken_ += bytes;
  pace_.resume(now);
}

void LineShare::look(ByteCount untaken, Instant now) {
  if (untaken < untaken_) {
    pace_.add(untaken_ - untaken, now);
    last_sign_ = now;
  }
  untaken_ = untaken;
  if (untaken.value == 0) pace_.pause(now);
}

ByteCount LineShare::claim(Instant now) const {
  const double held = std::chrono::duration<double>(LineFill::hold).count();
  const double silent = std::chrono::duration<double>(now - last_sign_).count();
  // Who has taken nothing yet takes no more than a block in the time in which it has not.
  const double pace = pace_.known() ? static_cast<double>(pace_.bytes_per_second(now))
                                    : static_cast<double>(block_size_max.value) / std::max(silent, 1e-6);
  // Many that are silent one after the other would fill the line for long if their claims fell by their time alone.
  const double gone = std::min(1.0, held / std::max(silent, 1e-6));
  return {static_cast<std::uint64_t>(std::min(pace * held, static_cast<double>(untaken_.value)) * gone)};
}

}  // namespace tutti
