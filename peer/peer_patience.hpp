#pragma once

#include <cstdint>

#include "actors/time.hpp"

namespace tutti {

/// Decides whether one peer's small words, each of which costs an answer or a look at a signature, are still borne: two
/// token buckets. What is large is bounded by what is under way.
///
/// The numbers are far above what anybody needs: a link opens and closes a thousand tiny files a second on a fast machine,
/// and shows a ticket a group every half minute and after each departure.
class PeerPatience {
 public:
  enum class Word : std::uint8_t {
    small,   ///< opens, closes, cancels, greets, asks for more than is taken
    ticket,  ///< an Ed25519 signature to check: some 50 to 100 µs
  };
  static constexpr std::uint32_t small_burst = 20'000;
  static constexpr std::uint32_t small_per_second = 5'000;
  static constexpr std::uint32_t ticket_burst = 1'024;
  static constexpr std::uint32_t ticket_per_second = 20;

  /// False: it was too much.
  bool bears(Word word, Instant now);

 private:
  /// When each bucket is full again.
  Instant small_full_at_{};
  Instant ticket_full_at_{};
};

}  // namespace tutti
