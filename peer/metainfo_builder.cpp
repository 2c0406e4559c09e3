#include "peer/metainfo_builder.hpp"

#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "messages/codec.hpp"

namespace tutti {

MetainfoBuilder::MetainfoBuilder(FileName name, const PieceLayout& layout)
    : name_(std::move(name)), layout_(layout), known_(layout.piece_count()), digests_(layout.piece_count()) {}

void MetainfoBuilder::add_piece(PieceIndex piece, const DigestPair& digests) {
  ENSURE(piece.value < layout_.piece_count());
  known_.set(piece);
  digests_[piece.value] = digests;
}

Metainfo MetainfoBuilder::build() const {
  ENSURE(complete());
  Metainfo metainfo;
  metainfo.name = name_;
  metainfo.size = layout_.size();
  metainfo.piece_length = layout_.piece_length();
  metainfo.sha1 = *whole_;
  for (const DigestPair& digests : digests_) {
    metainfo.piece_sha1.push_back(digests.sha1);
    metainfo.piece_sha256.push_back(digests.sha256);
  }
  return metainfo;
}

Fid fid_of(const Metainfo& metainfo) { return fid_of_record(encode_record(metainfo)); }

}  // namespace tutti
