#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "actors/time.hpp"
#include "messages/shell_client.hpp"

namespace tutti {

/// What a verifier's time goes to, of late: since a second to two seconds ago.
class WorkMeter {
 public:
  static constexpr Duration slot = std::chrono::seconds(1);

  /// A block that waited for its turn until `begun` has been dealt with, at `now`; `writing` of that went to the disk.
  void add(Duration waited, Instant begun, Duration writing, Instant now) {
    turn(now);
    if (!began_) began_ = begun;
    ++now_.blocks;
    now_.waited += waited;
    now_.worked += now - begun;
    now_.wrote += writing;
  }

  /// Nothing if no block has come of late.
  std::optional<WritingFacts> facts(Instant now) const {
    WorkMeter turned = *this;
    turned.turn(now);
    const Slot sum = turned.now_ + turned.before_;
    if (sum.blocks == 0) return std::nullopt;
    const Duration passed = std::max<Duration>(now - *turned.began_, sum.worked);
    WritingFacts facts;
    facts.block_takes = std::chrono::floor<std::chrono::microseconds>((sum.waited + sum.worked) / sum.blocks);
    facts.hashing_percent = percent(sum.worked - sum.wrote, passed);
    facts.writing_percent = percent(sum.wrote, passed);
    return facts;
  }

 private:
  struct Slot {
    std::int64_t blocks = 0;
    Duration waited{};
    Duration worked{};  ///< hashing and writing
    Duration wrote{};
    Slot operator+(const Slot& other) const {
      return {blocks + other.blocks, waited + other.waited, worked + other.worked, wrote + other.wrote};
    }
  };
  static std::uint32_t percent(Duration part, Duration whole) {
    return whole.count() == 0 ? 0 : static_cast<std::uint32_t>(100 * part.count() / whole.count());
  }
  /// `began_` is where the time of both slots begins.
  void turn(Instant now) {
    if (now - turned_ < slot) return;
    const bool long_ago = now - turned_ >= 2 * slot;
    before_ = long_ago ? Slot{} : now_;
    now_ = {};
    if (long_ago) {
      began_.reset();
    } else if (before_.blocks > 0) {
      began_ = turned_;
    }
    turned_ = now;
  }

  Slot now_;
  Slot before_;
  Instant turned_{};
  std::optional<Instant> began_;
};

}  // namespace tutti
