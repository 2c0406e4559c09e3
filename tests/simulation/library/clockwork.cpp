#include "tests/simulation/library/clockwork.hpp"

#include <algorithm>
#include <utility>

namespace tutti::simulation {

void Clockwork::at(Instant when, Event event) {
  queue_.push_back({std::max(when, now_), ++last_order_, std::move(event)});
  std::push_heap(queue_.begin(), queue_.end());
}

bool Clockwork::step(Instant until) {
  if (queue_.empty() || queue_.front().when > until) {
    now_ = std::max(now_, until);
    return false;
  }
  std::pop_heap(queue_.begin(), queue_.end());
  const Entry entry = std::move(queue_.back());
  queue_.pop_back();
  now_ = entry.when;
  entry.event();
  return true;
}

Random stream_of(std::uint64_t seed, std::string_view purpose, std::uint64_t of) {
  std::uint64_t mixed = 0xcbf29ce484222325U;
  for (const char letter : purpose) mixed = (mixed ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3U;
  // Streams of neighbouring numbers must not be shifts of each other, so each step passes through the generator.
  mixed = Random(mixed ^ seed)();
  return Random(Random(mixed + of * 0x9e3779b97f4a7c15U)());
}

}  // namespace tutti::simulation
