#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "messages/bytes.hpp"
#include "messages/units.hpp"

namespace tutti {

/// A set of pieces of one file. On the wire it looks as in BEP 3: piece i is bit 7 - i % 8 of byte i / 8 and the spare
/// bits of the last byte are 0. Here it is kept in words of 64 pieces, piece i at bit 63 - i % 64, so that sets are
/// compared and searched 64 pieces at a time.
/// Rule: spare bits are always 0, so counting and comparing need not look at the end. An index must be below size().
class Bitfield {
 public:
  Bitfield() = default;
  explicit Bitfield(std::uint32_t pieces) : size_(pieces), words_((pieces + 63) / 64) {}
  static Bitfield full(std::uint32_t pieces);
  /// What a peer sent; nothing if its length is wrong or a spare bit is set.
  static std::optional<Bitfield> parse(ByteView bytes, std::uint32_t pieces);
  /// As it is sent: (size() + 7) / 8 bytes.
  Bytes bytes() const;

  bool operator==(const Bitfield&) const = default;
  std::uint32_t size() const { return size_; }
  bool has(PieceIndex piece) const { return (words_[piece.value / 64] & bit(piece)) != 0; }
  void set(PieceIndex piece) { words_[piece.value / 64] |= bit(piece); }
  void reset(PieceIndex piece) { words_[piece.value / 64] &= ~bit(piece); }
  /// O(size() / 64).
  std::uint32_t count() const;
  bool all() const { return count() == size_; }
  bool none() const;

  /// The words, for searching several sets at once: see the class comment for where a piece is.
  const std::vector<std::uint64_t>& words() const { return words_; }
  /// Calls visit(PieceIndex) for each piece of the set, in ascending order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) for_each_in(i, words_[i], visit);
  }
  /// The same for the pieces in `word`, which stands at `position` of words() or is made from such.
  template <class Visit>
  static void for_each_in(std::size_t position, std::uint64_t word, Visit&& visit) {
    while (word != 0) {
      const auto at = static_cast<std::uint32_t>(std::countl_zero(word));
      visit(PieceIndex{static_cast<std::uint32_t>(position * 64) + at});
      word &= ~(std::uint64_t{1} << (63 - at));
    }
  }

 private:
  static std::uint64_t bit(PieceIndex piece) { return std::uint64_t{1} << (63 - piece.value % 64); }

  std::uint32_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace tutti
