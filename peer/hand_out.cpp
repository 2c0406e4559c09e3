#include "peer/hand_out.hpp"

#include <algorithm>

#include "actors/ensure.hpp"

namespace tutti {

const HandOut::Leecher& HandOut::leecher(const ClientKey& client) const {
  static const Leecher nothing_yet;
  const auto known = leechers_.find(client);
  return known == leechers_.end() ? nothing_yet : known->second;
}

HandOut::Rank HandOut::rank(const Leecher& leecher, PieceIndex piece) const {
  ENSURE(piece.value < times_.size());
  const bool had = leecher.given_.size() > 0 && leecher.given_.has(piece);
  return {times_[piece.value] - (had ? 1U : 0U), leecher.left_ == 0 || leecher.current_ != piece};
}

void HandOut::gave(const ClientKey& client, PieceIndex piece, std::uint32_t blocks) {
  ENSURE(piece.value < times_.size() && blocks > 0);
  const auto [entry, is_new] = leechers_.try_emplace(client);
  Leecher& leecher = entry->second;
  if (is_new) leecher.given_ = Bitfield(static_cast<std::uint32_t>(times_.size()));
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
  leecher.last_ = ++given_;
  if (leechers_.size() > clients_max) forget_oldest();
}

void HandOut::forget_oldest() {
  const auto oldest = std::min_element(leechers_.begin(), leechers_.end(), [](const auto& a, const auto& b) {
    return a.second.last_ < b.second.last_;
  });
  oldest->second.given_.for_each([&](PieceIndex piece) { --times_[piece.value]; });
  leechers_.erase(oldest);
}

}  // namespace tutti
