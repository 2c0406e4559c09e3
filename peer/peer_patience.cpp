#include "peer/peer_patience.hpp"

#include <algorithm>

namespace tutti {

bool PeerPatience::bears(Word word, Instant now) {
  constexpr Duration second = std::chrono::seconds(1);
  const bool is_small = word == Word::small;
  Instant& full_at = is_small ? small_full_at_ : ticket_full_at_;
  const Duration every = second / (is_small ? small_per_second : ticket_per_second);
  const Duration capacity = (is_small ? small_burst : ticket_burst) * every;
  const Instant after = std::max(full_at, now) + every;
  if (after > now + capacity) return false;
  full_at = after;
  return true;
}

}  // namespace tutti
