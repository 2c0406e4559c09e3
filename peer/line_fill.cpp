#include "peer/line_fill.hpp"

#include <utility>

namespace tutti {

namespace {

constexpr std::uint64_t tried_max = 256;
/// Of the pace before: so much is faster, so much is slower.
constexpr double faster = 1.25;
constexpr double slower = 0.85;

double as_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void LineFill::look(ByteCount untaken, ByteCount taken, Instant now) {
  if (taken.value > 0) pace_.add(taken, now);
  untaken_ = untaken;
  taken_in_interval_ += taken.value;
  count_interval(now);
  if (untaken.value > 0) {
    pace_.resume(now);
  } else {
    pace_.pause(now);
  }
  if (!pace_.known()) return;
  bytes_per_second_ = pace_.bytes_per_second(now);
  const double held = static_cast<double>(bytes_per_second_) * as_seconds(hold);
  const ByteCount wanted{
      std::clamp(static_cast<std::uint64_t>(std::min(held, 1e12)), least.value, most_.value)};
  if (!grew_) grew_ = now;
  if (wanted > size_ && now - *grew_ < grows_every) return;
  if (wanted > size_) grew_ = now;
  size_ = std::min(wanted, ByteCount{2 * size_.value});
}

void LineFill::count_interval(Instant now) {
  if (interval_began_ && now - *interval_began_ >= interval) {
    const double pace = static_cast<double>(taken_in_interval_) / as_seconds(now - *interval_began_);
    interval_began_.reset();
    remember(static_cast<std::uint64_t>(pace), now);
    explore(static_cast<std::uint64_t>(pace), now);
  }
  if (untaken_.value == 0) interval_began_.reset();
  if (interval_began_ || untaken_.value == 0) return;
  interval_began_ = now;
  taken_in_interval_ = 0;
}

void LineFill::remember(std::uint64_t pace, Instant now) {
  if (now - half_began_ >= remembers / 2) {
    best_before_ = now - half_began_ >= remembers ? 0 : best_;
    best_ = 0;
    half_began_ = now;
  }
  best_ = std::max(best_, pace);
}

/// At the end of an interval.
void LineFill::explore(std::uint64_t pace, Instant now) {
  const bool held_up = std::exchange(held_up_, false);
  // One interval says little where few segments go in it.
  const std::uint64_t settled = (pace + std::exchange(last_pace_, pace)) / 2;
  if (held_up && pace == 0 && carries() == 0) {
    // Those who have it take nothing at all.
    tried_ = std::min(2 * tried_, tried_max);
    return rest(explores, now);
  }
  if (!try_until_) return rest(explores, now);
  if (now < *try_until_) return;
  if (!held_up && tried_ == 1) return rest(explores, now);
  const auto before = static_cast<double>(pace_before_);
  switch (trying_) {
    case Trying::nothing: break;
    case Trying::more:
      if (static_cast<double>(settled) >= faster * before) {
        rest_ = rest_min;
        less_is_next_ = false;
        break;
      }
      tried_ = std::max<std::uint64_t>(1, tried_ / 2);
      less_is_next_ = true;
      return rest(std::exchange(rest_, std::min<Duration>(2 * rest_, rest_max)), now);
    case Trying::less:
      if (static_cast<double>(settled) > slower * before) break;
      tried_ = std::min(2 * tried_, tried_max);
      less_is_next_ = false;
      return rest(rest_, now);
  }
  try_next(settled, held_up, now);
}

void LineFill::try_next(std::uint64_t pace, bool held_up, Instant now) {
  pace_before_ = pace;
  if ((less_is_next_ || !held_up) && tried_ > 1) {
    trying_ = Trying::less;
    tried_ /= 2;
    // What is on its way already has to be taken before it shows.
    const double drained =
        pace == 0 ? as_seconds(rest_min) : static_cast<double>(untaken_.value) / static_cast<double>(pace);
    try_until_ = now + std::clamp(std::chrono::duration_cast<Duration>(
                                      std::chrono::duration<double>(std::min(drained, as_seconds(rest_min)))),
                                  explores, rest_min);
  } else if (held_up && tried_ < tried_max) {
    trying_ = Trying::more;
    tried_ *= 2;
    try_until_ = now + explores;
  } else {
    rest(explores, now);
  }
}

void LineFill::rest(Duration pause, Instant now) {
  trying_ = Trying::nothing;
  try_until_ = now + pause;
}

Duration LineFill::look_again() const {
  if (bytes_per_second_ == 0) return look_again_min;
  const std::chrono::duration<double> block(static_cast<double>(block_size_max.value) /
                                            static_cast<double>(bytes_per_second_));
  return std::clamp(std::chrono::duration_cast<Duration>(std::min(block, std::chrono::duration<double>(1))),
                    look_again_min, look_again_max);
}

void LineShare::sent(ByteCount bytes, Instant now) {
  if (untaken_.value == 0) {
    waits_since_ = now;
    confirmed_.reset();  // what was confirmed meanwhile was no part of this
  }
  untaken_ += bytes;
  pace_.resume(now);
}

ByteCount LineShare::look(ByteCount untaken, std::optional<std::uint64_t> confirmed, Instant now) {
  ByteCount taken{untaken_.value - std::min(untaken.value, untaken_.value)};
  if (confirmed) {
    const std::uint64_t before = confirmed_.value_or(*confirmed);
    taken = ByteCount{*confirmed - std::min(before, *confirmed)};
    confirmed_ = confirmed;
  }
  if (taken.value > 0) pace_.add(taken, now);
  untaken_ = untaken;
  if (untaken.value == 0) pace_.pause(now);
  return taken;
}

ByteCount LineShare::claim(std::uint64_t part, Instant now) const {
  if (part == 0) return untaken_;
  const double silent = std::max(as_seconds(now - waits_since_), 1e-6);
  const double pace = pace_.known() ? static_cast<double>(pace_.bytes_per_second(now))
                                    : static_cast<double>(unseen.value) / silent;
  const double taken = std::min(1.0, 2 * pace / static_cast<double>(part));
  return {static_cast<std::uint64_t>(static_cast<double>(untaken_.value) * taken * taken)};
}

}  // namespace tutti
