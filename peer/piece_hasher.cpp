#include "peer/piece_hasher.hpp"

#include <algorithm>

#include "actors/ensure.hpp"

namespace tutti {

DigestPair expected_digests(const Metainfo& metainfo, PieceIndex piece) {
  return {metainfo.piece_sha1[piece.value],
          metainfo.piece_sha256.empty() ? Sha256{} : metainfo.piece_sha256[piece.value]};
}

bool digests_match(const DigestPair& digests, const DigestPair& expected) {
  return digests.sha1 == expected.sha1 && (expected.sha256.is_zero() || digests.sha256 == expected.sha256);
}

PieceHasher::PieceHasher(const PieceLayout& layout, PieceIndex piece, const DigestPair& expected)
    : offset_(layout.piece_offset(piece)), blocks_(layout.block_count(piece)), expected_(expected) {}

PieceHasher::Added PieceHasher::add(BlockIndex block, const Payload& payload, std::uint64_t source,
                                    ByteCount room, WholeChain& whole, bool hold) {
  ENSURE(!hold || payload.size() <= room.value);
  ENSURE(block.value < blocks_);
  if (has(block)) return Added::duplicate;
  came_ |= std::uint32_t{1} << block.value;
  if (std::find(sources_.begin(), sources_.end(), source) == sources_.end()) sources_.push_back(source);
  if (block == next_ && !hold) {
    hash_next(payload.view(), whole);
    return Added::hashed;
  }
  if (payload.size() > room.value) return Added::not_kept;
  early_bytes_.value += payload.size();
  early_.emplace(block, payload);
  return Added::kept;
}

std::optional<BlockIndex> PieceHasher::to_read_back() const {
  // A kept block is hashed when its turn comes, or held.
  return !complete() && has(next_) && !holds() ? std::optional(next_) : std::nullopt;
}

void PieceHasher::read_back(ByteView bytes, WholeChain& whole) {
  ENSURE(to_read_back());
  hash_next(bytes, whole);
}

void PieceHasher::take(ByteView bytes, WholeChain& whole) {
  whole.hash(digester_, offset_ + PieceLayout::block_offset(next_), bytes);
  ++next_;
}

void PieceHasher::hash_next(ByteView bytes, WholeChain& whole) {
  take(bytes, whole);
  release(whole);
}

void PieceHasher::release(WholeChain& whole) {
  while (!early_.empty() && early_.begin()->first == next_) {
    take(early_.begin()->second.view(), whole);
    early_bytes_.value -= early_.begin()->second.size();
    early_.erase(early_.begin());
  }
}

bool PieceHasher::finish_matches() {
  ENSURE(complete());
  return digests_match(digester_.finish(), expected_);
}

}  // namespace tutti
