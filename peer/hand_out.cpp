#include "peer/hand_out.hpp"

#include "actors/ensure.hpp"

namespace tutti {

HandOut::Rank HandOut::rank(const Leecher& leecher, PieceIndex piece) const {
  ENSURE(piece.value < times_.size());
  const bool had = leecher.given_.size() > 0 && leecher.given_.has(piece);
  return {times_[piece.value] - (had && times_[piece.value] > 0 ? 1U : 0U),
          leecher.left_ == 0 || leecher.current_ != piece};
}

void HandOut::gave(Leecher& leecher, PieceIndex piece, std::uint32_t blocks) {
  ENSURE(piece.value < times_.size() && blocks > 0);
  if (leecher.given_.size() == 0) leecher.given_ = Bitfield(static_cast<std::uint32_t>(times_.size()));
  if (!leecher.given_.has(piece)) {
    leecher.given_.set(piece);
    ++times_[piece.value];
  }
  if (leecher.left_ > 0 && leecher.current_ == piece) {
    --leecher.left_;
  } else {
    leecher.current_ = piece;
    leecher.left_ = blocks - 1;
  }
}

}  // namespace tutti
