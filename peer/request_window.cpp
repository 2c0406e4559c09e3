#include "peer/request_window.hpp"

#include <algorithm>

#include "actors/ensure.hpp"

namespace tutti {

ByteCount RequestWindow::size() const {
  const std::uint64_t rounds = is_far() ? 4 : 2;
  const ByteCount wanted{
      probing_ ? least.value : std::max(rounds * held_by_the_way_.value + comes_late_.value, least.value)};
  return std::min(wanted, cap_);
}

void RequestWindow::greeted(Duration time) {
  greeting_ = time;
  first_came_.reset();  // a new connection speeds up anew
  if (is_far()) held_by_the_way_ = ramp_holds;
}

bool RequestWindow::speeds_up(Instant now) const {
  return is_far() && (!first_came_ || now - *first_came_ < std::min<Duration>(ramp * greeting_, ramp_max));
}

std::size_t RequestWindow::links(Instant now) const {
  if (!is_far() || speeds_up(now) || !lately_.known()) return 1;
  const double seconds = std::chrono::duration<double>(*shortest_delay_).count();
  const double held = static_cast<double>(lately_.bytes_per_second(now)) * seconds;
  const bool is_full = held >= static_cast<double>(a_link_holds_min.value) &&
                       held <= static_cast<double>(a_link_holds_max.value);
  return is_full ? links_max : 1;
}

void RequestWindow::asked(ByteCount bytes, Instant now) {
  if (probe_at_ == Instant{}) probe_at_ = now + probe_every;
  in_flight_ += bytes;
}

void RequestWindow::arrived(ByteCount bytes, Instant asked_at, Instant now) {
  ENSURE(in_flight_ >= bytes);
  in_flight_ -= bytes;
  // From the first block on: the time until it came is the way's, and would make the rate look small.
  if (meter_running_) {
    meter_.add(bytes, now);
    lately_.add(bytes, now);
  }
  run_meter(now);

  const Duration delay = now - asked_at;
  if (!first_came_) first_came_ = now;
  if (probing_ && asked_at >= probe_at_) {
    // The first block that was asked for while the line was (nearly) empty.
    shortest_delay_ = delay;
    probing_ = false;
    probe_at_ = now + probe_every;
  } else {
    shortest_delay_ = shortest_delay_ ? std::min(*shortest_delay_, delay) : delay;
    if (!probing_ && now >= probe_at_) {
      probing_ = true;
      probe_at_ = now;
    }
  }
  if (!meter_.known()) return;
  const double seconds = std::chrono::duration<double>(*shortest_delay_).count();
  const auto rate = static_cast<double>(meter_.bytes_per_second(now));
  held_by_the_way_ = {static_cast<std::uint64_t>(std::min(rate * seconds, 1e12))};
  if (speeds_up(now)) held_by_the_way_ = std::max(held_by_the_way_, ramp_holds);
  const double comes_late = rate * std::chrono::duration<double>(late).count();
  comes_late_ = {static_cast<std::uint64_t>(std::min(comes_late, static_cast<double>(start.value)))};
}

void RequestWindow::dropped(ByteCount bytes, Instant now) {
  ENSURE(in_flight_ >= bytes);
  in_flight_ -= bytes;
  if (meter_running_) run_meter(now);
}

void RequestWindow::run_meter(Instant now) {
  meter_running_ = in_flight_.value > 0;
  if (meter_running_) {
    meter_.resume(now);
    lately_.resume(now);
  } else {
    meter_.pause(now);
    lately_.pause(now);
  }
}

ByteCount RequestBudget::share(std::size_t peers) const {
  return {std::max(total_.value / std::max<std::size_t>(peers, 1), block_size.value)};
}

}  // namespace tutti
