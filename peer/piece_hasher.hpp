#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "actors/digest.hpp"
#include "actors/payload.hpp"
#include "messages/client_tracker.hpp"
#include "messages/units.hpp"
#include "peer/piece_layout.hpp"
#include "peer/whole_chain.hpp"

namespace tutti {

/// What the metainfo says the digests of `piece` are. Without SHA-256 in it, that one is all zeros: not known.
DigestPair expected_digests(const Metainfo& metainfo, PieceIndex piece);
/// These digests are the expected ones, as far as those are known.
bool digests_match(const DigestPair& digests, const DigestPair& expected);

/// Decides whether the blocks of one piece, as they come in, are the piece of the metainfo. Owns the state of the
/// digests and the blocks that came too early.
/// Rules:
/// - A block is hashed when it comes, while its bytes are in the processor's cache, if it is the next one in order; the
///   chain of the whole goes along if it has come to it.
/// - An earlier one is kept for its turn, by handle, as far as the caller gives room for it; one beyond that is not
///   kept: its bytes are in the file by then, and to_read_back() asks for them when their turn comes. So memory is
///   bounded whatever order a peer sends in.
/// - A block may be held, too, because the caller wants it hashed later; release() does that.
/// - A block is used once: who sent it first is one of the piece's sources, a second copy is dropped.
class PieceHasher {
 public:
  enum class Added : std::uint8_t {
    hashed,     ///< used at once; blocks that had waited for it too
    kept,       ///< waits for the blocks before it, or for release()
    not_kept,   ///< write it; to_read_back() will ask for it
    duplicate,  ///< not needed: do not write it either
  };

  PieceHasher(const PieceLayout& layout, PieceIndex piece, const DigestPair& expected);

  /// A block, which must be of the length that the layout says, from the peer that the caller calls `source`. Not more
  /// than `room` bytes more are kept. `hold`: it waits for release(), for which there must be room.
  Added add(BlockIndex block, const Payload& payload, std::uint64_t source, ByteCount room, WholeChain& whole,
            bool hold = false);
  /// Hashes what is held and has its turn.
  void release(WholeChain& whole);
  /// A block is held that has its turn.
  bool holds() const { return early_.contains(next_); }
  /// Of the blocks that wait for their turn.
  ByteCount kept_bytes() const { return early_bytes_; }
  /// The block that has come, was not kept, and is next in order now: give its bytes to read_back().
  std::optional<BlockIndex> to_read_back() const;
  void read_back(ByteView bytes, WholeChain& whole);

  /// All blocks have come and are hashed.
  bool complete() const { return next_.value == blocks_; }
  /// The digests are those of the metainfo. Once, when complete.
  bool finish_matches();
  bool has(BlockIndex block) const { return ((came_ >> block.value) & 1U) != 0; }
  /// Whose blocks the piece is made of, each once, in order of appearance. One: it alone is to blame.
  const std::vector<std::uint64_t>& sources() const { return sources_; }

 private:
  void take(ByteView bytes, WholeChain& whole);
  void hash_next(ByteView bytes, WholeChain& whole);

  ByteCount offset_;  ///< of the piece in the file
  std::uint32_t blocks_;
  DigestPair expected_;
  PairHasher digester_;
  BlockIndex next_;
  std::uint32_t came_ = 0;  ///< bit i: block i has come
  std::map<BlockIndex, Payload> early_;
  ByteCount early_bytes_;
  std::vector<std::uint64_t> sources_;
};

}  // namespace tutti
