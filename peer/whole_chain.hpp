#pragma once

#include <optional>

#include "actors/digest.hpp"
#include "messages/bytes.hpp"
#include "messages/units.hpp"
#include "peer/bitfield.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// Decides which bytes the SHA-1 of a whole file takes next while its pieces come. Owns that digest, which is one chain
/// from the first byte to the last, and knows which pieces are verified.
///
/// Rules:
/// - A piece that is hashed just when the chain has come to it is hashed for both in one pass, while it is in the
///   processor's cache: that costs a third of a pass of its own, and no reading.
/// - Only verified bytes count: if such a piece turns out wrong or begins anew, the chain goes back to its start.
/// - What was hashed out of order is read back when the chain comes to it: to_read() names it, a block at a time.
class WholeChain {
 public:
  struct Stretch {
    ByteCount offset;
    ByteCount length;
    bool operator==(const Stretch&) const = default;
  };

  /// `verified` is what is on the disk already; its size must be that of the layout.
  WholeChain(const PieceLayout& layout, Bitfield verified)
      : layout_(layout), verified_(std::move(verified)) {}

  /// Hashes bytes of a piece that come next in that piece and stand at `offset` of the file.
  void hash(PairHasher& piece, ByteCount offset, ByteView bytes);
  /// The piece, all of it hashed, is right.
  void verified(PieceIndex piece);
  /// What was hashed of the piece does not count.
  void dropped(PieceIndex piece);
  /// These pieces are verified, no others: what the chain has of others is void.
  void reset(Bitfield verified);

  /// Verified bytes that the chain has come to and that must be read back for it; at most a block.
  std::optional<Stretch> to_read() const;
  /// The bytes of to_read().
  void read(ByteView bytes);

  bool is_verified(PieceIndex piece) const { return verified_.has(piece); }
  const PieceLayout& layout() const { return layout_; }
  /// The piece that it goes on with; the number of pieces when it is complete.
  PieceIndex head() const { return complete() ? PieceIndex{layout_.piece_count()} : piece_at(firm_done_); }
  /// How far it is with verified bytes.
  ByteCount done() const { return firm_done_; }
  bool complete() const { return firm_done_ == layout_.size(); }
  /// Once, when complete. Afterwards it begins at the start again.
  Sha1 finish();
  void check_invariants() const;

 private:
  PieceIndex piece_at(ByteCount offset) const {
    return {static_cast<std::uint32_t>(offset.value / layout_.piece_length().value)};
  }
  ByteCount end_of(PieceIndex piece) const { return layout_.piece_offset(piece) + layout_.piece_size(piece); }
  void go_back();
  void make_firm();

  PieceLayout layout_;
  Bitfield verified_;
  CompanionSha1
      chain_;  ///< as far as done_; ahead of the firm one by bytes of one piece that is not verified yet
  ByteCount done_;
  CompanionSha1 firm_;
  ByteCount firm_done_;
};

}  // namespace tutti
