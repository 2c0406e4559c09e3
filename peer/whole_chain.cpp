#include "peer/whole_chain.hpp"

#include <algorithm>
#include <utility>

#include "actors/ensure.hpp"

namespace tutti {

void WholeChain::hash(PairHasher& piece, ByteCount offset, ByteView bytes) {
  if (offset != done_) {
    piece.update(bytes);
    return;
  }
  piece.update_with(chain_, bytes);
  done_ += ByteCount{bytes.size()};
}

void WholeChain::verified(PieceIndex piece) {
  ENSURE(!verified_.has(piece));
  verified_.set(piece);
  if (done_ == end_of(piece)) make_firm();
}

void WholeChain::dropped(PieceIndex piece) {
  if (!verified_.has(piece) && done_ > firm_done_ && piece_at(firm_done_) == piece) go_back();
}

void WholeChain::reset(Bitfield verified) {
  ENSURE(verified.size() == verified_.size());
  verified_ = std::move(verified);
  go_back();
  for (PieceIndex piece; piece.value < verified_.size() && layout_.piece_offset(piece) < firm_done_; ++piece)
    if (!verified_.has(piece)) {
      finish();
      return;
    }
}

std::optional<WholeChain::Stretch> WholeChain::to_read() const {
  if (done_ != firm_done_ || complete() || !verified_.has(piece_at(done_))) return std::nullopt;
  return Stretch{done_, std::min(block_size, end_of(piece_at(done_)) - done_)};
}

void WholeChain::read(ByteView bytes) {
  ENSURE(to_read() && to_read()->length.value == bytes.size());
  chain_.update(bytes);
  done_ += ByteCount{bytes.size()};
  make_firm();
}

Sha1 WholeChain::finish() {
  done_ = {};
  firm_done_ = {};
  firm_ = CompanionSha1();
  return chain_.finish();
}

void WholeChain::go_back() {
  chain_ = firm_;
  done_ = firm_done_;
}

void WholeChain::make_firm() {
  firm_ = chain_;
  firm_done_ = done_;
}

void WholeChain::check_invariants() const {
  ENSURE(firm_done_ <= done_ && done_ <= layout_.size());
  for (PieceIndex piece; piece.value < verified_.size() && layout_.piece_offset(piece) < firm_done_; ++piece)
    ENSURE(verified_.has(piece));
  ENSURE(done_ == firm_done_ ||
         (!verified_.has(piece_at(firm_done_)) && done_ <= end_of(piece_at(firm_done_))));
}

}  // namespace tutti
