#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "messages/client_tracker.hpp"
#include "messages/units.hpp"
#include "peer/bitfield.hpp"

namespace tutti {

/// What one request asks for: a frame of this size costs the fewest CPU seconds a byte (a quarter of it: 22 % more).
/// Every piece length is a multiple, so only the last block of a file is shorter.
constexpr ByteCount block_size = 512_KiB;

/// How a file falls into pieces and a piece into blocks. A file of 0 bytes has no piece.
class PieceLayout {
 public:
  /// Piece length: 512 KiB, doubled until there are at most 2,000 pieces (a metainfo of 100 KB at most), but never
  /// above 16 MiB (so that a bad piece costs little); from there on the number of pieces grows.
  /// Nothing if the file is longer than 65,536 of the largest pieces, 1 TiB.
  static std::optional<PieceLayout> for_size(ByteCount size) {
    std::uint64_t length = Metainfo::piece_length_min.value;
    while (length < Metainfo::piece_length_max.value && size.value > 2000 * length) length *= 2;
    if (size.value > Metainfo::pieces_max * length) return std::nullopt;
    return PieceLayout(size, {length});
  }
  /// Of a directory (see content_begin): the same as for_size() of what comes of it.
  static std::optional<PieceLayout> for_tree(ByteCount manifest_size, ByteCount contents) {
    const ByteCount plain = manifest_size + contents;
    if (plain <= Metainfo::piece_length_min) return for_size(plain);
    for (ByteCount length = Metainfo::piece_length_min;; length = {2 * length.value}) {
      const ByteCount size = {ceiling(manifest_size, length) * length.value + contents.value};
      if (size.value > 2000 * length.value && length < Metainfo::piece_length_max) continue;
      if (size.value > Metainfo::pieces_max * length.value) return std::nullopt;
      return PieceLayout(size, length);
    }
  }
  /// `metainfo` must have passed its fault().
  explicit PieceLayout(const Metainfo& metainfo) : PieceLayout(metainfo.size, metainfo.piece_length) {}
  PieceLayout(ByteCount size, ByteCount piece_length) : size_(size), piece_length_(piece_length) {}

  bool operator==(const PieceLayout&) const = default;
  ByteCount size() const { return size_; }
  ByteCount piece_length() const { return piece_length_; }
  std::uint32_t piece_count() const { return ceiling(size_, piece_length_); }
  /// Where a piece begins in the file.
  ByteCount piece_offset(PieceIndex piece) const { return {piece.value * piece_length_.value}; }
  ByteCount piece_size(PieceIndex piece) const {
    return {std::min(piece_length_.value, size_.value - piece_offset(piece).value)};
  }
  /// At most 32.
  std::uint32_t block_count(PieceIndex piece) const { return ceiling(piece_size(piece), block_size); }
  /// Where a block begins in its piece.
  static ByteCount block_offset(BlockIndex block) { return {block.value * block_size.value}; }
  ByteCount block_length(PieceIndex piece, BlockIndex block) const {
    return {std::min(block_size.value, piece_size(piece).value - block_offset(block).value)};
  }
  /// The block that begins at `offset` of `piece` and is `length` long; nothing if there is none such.
  std::optional<BlockIndex> block_at(PieceIndex piece, ByteCount offset, ByteCount length) const {
    if (piece.value >= piece_count() || offset.value % block_size.value != 0) return std::nullopt;
    const BlockIndex block{static_cast<std::uint32_t>(offset.value / block_size.value)};
    if (offset >= piece_size(piece) || block_length(piece, block) != length) return std::nullopt;
    return block;
  }

 private:
  static std::uint32_t ceiling(ByteCount whole, ByteCount part) {
    return static_cast<std::uint32_t>((whole.value + part.value - 1) / part.value);
  }

  ByteCount size_;
  ByteCount piece_length_;
};

/// Where the contents of a directory's files begin: the manifest has pieces of its own, filled up with zeros, so that who
/// has fetched any part can serve it. A directory that is one piece in all has no zeros: they would be most of what is sent.
/// Beyond the end of the file: `layout` is that of no directory.
inline ByteCount content_begin(const PieceLayout& layout, ByteCount manifest_size) {
  if (layout.piece_count() <= 1) return manifest_size;
  return {PieceLayout(manifest_size, layout.piece_length()).piece_count() * layout.piece_length().value};
}

/// The pieces in which the manifest of a directory is; none of a plain file.
inline Bitfield manifest_pieces_of(const Metainfo& metainfo) {
  Bitfield pieces(PieceLayout(metainfo).piece_count());
  const std::uint32_t count = PieceLayout(metainfo.manifest_size, metainfo.piece_length).piece_count();
  for (PieceIndex piece; piece.value < count; ++piece) pieces.set(piece);
  return pieces;
}

static_assert(Metainfo::piece_length_min.value % block_size.value == 0);
static_assert(Metainfo::piece_length_max.value / block_size.value <= 32);

}  // namespace tutti
