#pragma once

#include <vector>

#include "peer/bitfield.hpp"

// Sets of pieces of one file.

namespace tutti {

inline std::vector<PieceIndex> listed(const Bitfield& pieces) {
  std::vector<PieceIndex> list;
  pieces.for_each([&](PieceIndex piece) { list.push_back(piece); });
  return list;
}

inline Bitfield without(Bitfield pieces, const Bitfield& others) {
  others.for_each([&](PieceIndex piece) { pieces.reset(piece); });
  return pieces;
}

inline Bitfield joined(Bitfield pieces, const Bitfield& others) {
  others.for_each([&](PieceIndex piece) { pieces.set(piece); });
  return pieces;
}

inline Bitfield common(const Bitfield& pieces, const Bitfield& others) {
  return without(pieces, without(pieces, others));
}

}  // namespace tutti
