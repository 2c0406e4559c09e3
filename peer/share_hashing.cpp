#include "peer/share_hashing.hpp"

#include <algorithm>

namespace tutti {

namespace {

constexpr std::size_t ready_min = 2;  // pieces for the chain, beside what it has under way

}  // namespace

std::optional<ShareHashing::Portion> ShareHashing::next(std::size_t hasher) {
  if (busy_[hasher] >= portions_a_hasher) return std::nullopt;
  std::optional<Portion> portion;
  if (hasher == 0) {
    portion = next_of_chain();
    // Others have what the chain needs next: better a piece ahead of it than nothing.
    if (!portion && busy_[hasher] == 0) portion = next_piece();
  } else {
    // The last one is not left to the chain: it would be waited for.
    if (chain_runs_out() && next_piece_.value + 1 < layout_.piece_count()) {
      left_to_chain_.insert(next_piece_);
      ++next_piece_;
    }
    portion = next_piece();
  }
  if (portion) ++busy_[hasher];
  return portion;
}

bool ShareHashing::chain_runs_out() const { return left_to_chain_.size() + hashed_.size() < ready_min; }

bool ShareHashing::keeps_enough() const {
  return keeping_ >= std::max(kept_max, ByteCount{4 * layout_.piece_length().value});
}

std::optional<ShareHashing::Portion> ShareHashing::next_of_chain() {
  if (chain_ends_) return std::nullopt;
  if (layout_.piece_count() == 0) {
    chain_ends_ = true;
    return Portion{HashStretch{job_, path_, {}, {}, true, {}}, {}};
  }
  if (next_of_chain_ == next_piece_) {
    ++next_piece_;
    return stretch(true, {});
  }
  if (left_to_chain_.erase(next_of_chain_) > 0) return stretch(true, {});
  auto hashed = hashed_.extract(next_of_chain_);
  if (!hashed) return std::nullopt;
  keeping_ -= layout_.piece_size(next_of_chain_);
  return stretch(false, std::move(hashed.mapped()));
}

ShareHashing::Portion ShareHashing::stretch(bool as_piece, Payload bytes) {
  const PieceIndex piece = next_of_chain_;
  ++next_of_chain_;
  chain_ends_ = next_of_chain_.value == layout_.piece_count();
  HashStretch hash{job_, path_, layout_.piece_offset(piece), layout_.piece_size(piece), chain_ends_, {}};
  if (as_piece) {
    hash.piece = piece;
    by_chain_.insert(piece);
  }
  return {std::move(hash), std::move(bytes)};
}

std::optional<ShareHashing::Portion> ShareHashing::next_piece() {
  if (next_piece_.value >= layout_.piece_count() || keeps_enough()) return std::nullopt;
  const PieceIndex piece = next_piece_;
  ++next_piece_;
  keeping_ += layout_.piece_size(piece);
  return Portion{HashPiece{job_, path_, piece, layout_.piece_offset(piece), layout_.piece_size(piece), true},
                 {}};
}

void ShareHashing::piece_done(std::size_t hasher, PieceIndex piece, const DigestPair& digests,
                              Payload bytes) {
  pieces_done_ += layout_.piece_size(piece);
  builder_.add_piece(piece, digests);
  if (by_chain_.erase(piece) > 0) return;  // its stretch is not done yet
  --busy_[hasher];
  hashed_.emplace(piece, std::move(bytes));
}

void ShareHashing::stretch_done(std::size_t hasher, ByteCount done, const std::optional<Sha1>& whole) {
  --busy_[hasher];
  whole_done_ = done;
  if (whole) builder_.set_whole(*whole);
}

}  // namespace tutti
