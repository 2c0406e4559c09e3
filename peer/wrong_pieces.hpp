#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "actors/time.hpp"
#include "messages/units.hpp"

namespace tutti {

/// Decides what is fetched of one file from a peer that has sent wrong pieces of it, where a wrong piece proves no bad
/// faith: an original member hashes what it has at its start, and goes on offering what has been damaged since.
///
/// Rules:
/// - A piece that came wrong from it is not asked of it for `again_after`; everything else is. So the worst that it can cost
///   is each piece once in that time.
/// - Whose wrong pieces are at least `enemy_from`, and most of what came from it, gives nothing worth having: nothing more is
///   fetched from it.
class WrongPieces {
 public:
  static constexpr Duration again_after = std::chrono::minutes(1);
  static constexpr std::size_t enemy_from = 4;  ///< different pieces

  /// Bytes of some piece have come from it, right or wrong.
  void came(ByteCount bytes) { came_ += bytes; }
  void came_wrong(PieceIndex piece, ByteCount size, Instant now) {
    wrong_bytes_ += size;
    wrong_[piece] = now + again_after;
  }
  bool is_enemy() const {
    return wrong_.size() >= enemy_from && wrong_bytes_.value > came_.value - wrong_bytes_.value;
  }
  /// It is not to be asked for this piece now.
  bool withholds(PieceIndex piece) const {
    const auto found = wrong_.find(piece);
    return found != wrong_.end() && found->second.has_value();
  }
  std::vector<PieceIndex> withheld() const {
    std::vector<PieceIndex> pieces;
    for (const auto& [piece, until] : wrong_)
      if (until) pieces.push_back(piece);
    return pieces;
  }
  /// The pieces that it may be asked for again from now on.
  std::vector<PieceIndex> take_due(Instant now) {
    std::vector<PieceIndex> due;
    for (auto& [piece, until] : wrong_) {
      if (!until || *until > now) continue;
      until.reset();
      due.push_back(piece);
    }
    return due;
  }

 private:
  std::map<PieceIndex, std::optional<Instant>> wrong_;  ///< until when it is not asked for; nothing: no more
  ByteCount came_;
  ByteCount wrong_bytes_;
};

}  // namespace tutti
