#pragma once

#include <optional>
#include <vector>

#include "messages/client_tracker.hpp"
#include "peer/bitfield.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// Puts the metainfo of a file together from digests that several workers find in any order.
class MetainfoBuilder {
 public:
  /// `name` must have passed its fault().
  MetainfoBuilder(FileName name, const PieceLayout& layout);

  void add_piece(PieceIndex piece, const DigestPair& digests);
  void set_whole(const Sha1& digest) { whole_ = digest; }
  /// Pieces that are still missing, for progress.
  std::uint32_t missing() const { return layout_.piece_count() - known_.count(); }
  bool complete() const { return whole_ && missing() == 0; }
  /// Only when complete.
  Metainfo build() const;

 private:
  FileName name_;
  PieceLayout layout_;
  Bitfield known_;
  std::vector<DigestPair> digests_;
  std::optional<Sha1> whole_;
};

/// Which file this is: see fid_of_record.
Fid fid_of(const Metainfo& metainfo);

}  // namespace tutti
