#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "actors/random.hpp"
#include "actors/time.hpp"

namespace tutti::simulation {

/// Virtual time and the one queue of all that is going to happen. Nothing else moves time, so what runs under it is the
/// same whenever it runs.
///
/// Rules: what is due at one instant happens in the order in which it was put down.
class Clockwork {
 public:
  using Event = std::function<void()>;

  Instant now() const { return now_; }
  /// `when` may lie in the past: then it happens next, at the present instant.
  void at(Instant when, Event event);
  void after(Duration delay, Event event) { at(now_ + delay, std::move(event)); }
  /// Lets the next event happen, if it is due until then. False: there is none, and time is `until` now.
  bool step(Instant until);
  void run_until(Instant until) {
    while (step(until)) {
    }
  }

 private:
  struct Entry {
    Instant when;
    std::uint64_t order;
    Event event;
    bool operator<(const Entry& other) const {  // for a heap with the earliest on top
      return when != other.when ? when > other.when : order > other.order;
    }
  };

  Instant now_{};
  std::uint64_t last_order_ = 0;
  std::vector<Entry> queue_;
};

/// The source of chance for one purpose (of one thing). Each has its own, so that another decision here does not change
/// all the others: a story that is made smaller stays the same story.
Random stream_of(std::uint64_t seed, std::string_view purpose, std::uint64_t of = 0);

}  // namespace tutti::simulation
