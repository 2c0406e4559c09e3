#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "actors/digest.hpp"
#include "actors/payload.hpp"
#include "messages/client_tracker.hpp"
#include "messages/units.hpp"
#include "peer/bitfield.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// What the metainfo says the digests of `piece` are.
DigestPair expected_digests(const Metainfo& metainfo, PieceIndex piece);

/// Decides whether the blocks of one piece, as they come in, are the piece of the metainfo. Owns the state of the
/// digests and the blocks that came too early.
/// Rules:
/// - A block is hashed when it comes, while its bytes are in the processor's cache, if it is the next one in order.
/// - An earlier one is kept for its turn, by handle, up to `early_max` bytes; one beyond that is not kept: its bytes
///   are in the file by then, and to_read_back() asks for them when their turn comes. So memory is bounded whatever
///   order a peer sends in.
/// - A block is used once: who sent it first is one of the piece's sources, a second copy is dropped.
class PieceHasher {
 public:
  enum class Added : std::uint8_t {
    hashed,     ///< used at once; blocks that had waited for it too
    kept,       ///< waits for the blocks before it
    not_kept,   ///< write it; to_read_back() will ask for it
    duplicate,  ///< not needed: do not write it either
  };

  PieceHasher(const PieceLayout& layout, PieceIndex piece, const DigestPair& expected,
              ByteCount early_max = ByteCount{2 * block_size.value});

  /// A block, which must be of the length that the layout says, from the peer that the caller calls `source`.
  Added add(BlockIndex block, const Payload& payload, std::uint64_t source);
  /// The block that has come, was not kept, and is next in order now: give its bytes to read_back().
  std::optional<BlockIndex> to_read_back() const;
  void read_back(ByteView bytes);

  /// All blocks have come and are hashed.
  bool complete() const { return next_.value == blocks_; }
  /// The digests are those of the metainfo. Once, when complete.
  bool finish_matches();
  bool has(BlockIndex block) const { return ((came_ >> block.value) & 1U) != 0; }
  /// Whose blocks the piece is made of, each once, in order of appearance. One: it alone is to blame.
  const std::vector<std::uint64_t>& sources() const { return sources_; }

 private:
  void hash_next(ByteView bytes);

  std::uint32_t blocks_;
  DigestPair expected_;
  ByteCount early_max_;
  PairHasher digester_;
  BlockIndex next_;
  std::uint32_t came_ = 0;  ///< bit i: block i has come
  std::map<BlockIndex, Payload> early_;
  ByteCount early_bytes_;
  std::vector<std::uint64_t> sources_;
};

/// The SHA-1 of the whole file, which must be fed in order while pieces are verified in any order. Decides what to read
/// next: the verified pieces that join on to what is hashed already. By then their bytes are in the system's cache, so
/// each is read once more than it arrived, and the last reads overlap with the last blocks under way.
class WholeFileHasher {
 public:
  explicit WholeFileHasher(const PieceLayout& layout);

  /// This piece is verified and written.
  void verified(PieceIndex piece) { verified_.set(piece); }
  struct Range {
    ByteCount offset;
    ByteCount length;
    bool operator==(const Range&) const = default;
  };
  /// What to read and give to update() next, at most one block; nothing if that piece is not verified yet, or at the
  /// end of the file.
  std::optional<Range> next() const;
  void update(ByteView bytes);
  bool complete() const { return hashed_ == layout_.size(); }
  /// Once, when complete.
  Sha1 finish() { return hasher_.finish(); }

 private:
  PieceLayout layout_;
  Bitfield verified_;
  ByteCount hashed_;
  Sha1Hasher hasher_;
};

}  // namespace tutti
