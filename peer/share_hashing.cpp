#include "peer/share_hashing.hpp"

#include <algorithm>

namespace tutti {

std::optional<ShareHashing::Portion> ShareHashing::next(std::size_t hasher) {
  if (busy_[hasher] >= portions_a_hasher) return std::nullopt;
  std::optional<Portion> portion;
  if (hasher == 0) {
    if (std::optional<HashStretch> stretch = next_stretch()) portion = std::move(*stretch);
  }
  if (!portion) {
    if (std::optional<HashPiece> piece = next_piece()) portion = std::move(*piece);
  }
  if (portion) ++busy_[hasher];
  return portion;
}

std::optional<HashStretch> ShareHashing::next_stretch() {
  if (stretch_under_way_ || whole_known_) return std::nullopt;
  const bool pieces_left = next_piece_.value < layout_.piece_count();
  if (pieces_left && whole_done_.value > pieces_done_.value + stretch_lead.value) return std::nullopt;
  const ByteCount size{std::min(4 * layout_.piece_length().value, layout_.size().value - whole_done_.value)};
  stretch_under_way_ = true;
  return HashStretch{job_, path_, whole_done_, size, whole_done_ + size == layout_.size()};
}

std::optional<HashPiece> ShareHashing::next_piece() {
  if (next_piece_.value >= layout_.piece_count()) return std::nullopt;
  const PieceIndex piece = next_piece_;
  ++next_piece_;
  return HashPiece{job_, path_, piece, layout_.piece_offset(piece), layout_.piece_size(piece)};
}

void ShareHashing::piece_done(std::size_t hasher, PieceIndex piece, const DigestPair& digests) {
  --busy_[hasher];
  pieces_done_ += layout_.piece_size(piece);
  builder_.add_piece(piece, digests);
}

void ShareHashing::stretch_done(std::size_t hasher, ByteCount done, const std::optional<Sha1>& whole) {
  --busy_[hasher];
  stretch_under_way_ = false;
  whole_done_ = done;
  if (whole) {
    whole_known_ = true;
    builder_.set_whole(*whole);
  }
}

}  // namespace tutti
