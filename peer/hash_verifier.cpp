#include "peer/hash_verifier.hpp"

#include "actors/context.hpp"
#include "actors/ensure.hpp"

namespace tutti {

void HashVerifier::on(const BeginPiece& begin, Context&) {
  if (over_.contains(begin.download)) return;
  Download& download = downloads_[begin.download];
  if (download.is_verified(begin.piece)) return;
  const auto known = download.under_way.find(begin.piece);
  if (known != download.under_way.end()) {
    if (known->second.attempt >= begin.attempt) return;
    drop(download.under_way, known);
  }
  const PieceLayout layout(begin.size, begin.piece_length);
  download.under_way.emplace(
      begin.piece, UnderWay{begin.attempt, begin.scheduler, begin.path, layout,
                            PieceHasher(layout, begin.piece, DigestPair{begin.sha1, begin.sha256})});
}

void HashVerifier::on(const StoreBlock& store, Context& context) {
  const ByteCount bytes{context.payload().size()};
  take_block(store, context);
  context.reply(BlockStored{bytes});
}

void HashVerifier::take_block(const StoreBlock& store, Context& context) {
  const auto download = downloads_.find(store.download);
  if (download == downloads_.end()) return;
  const auto found = download->second.under_way.find(store.piece);
  if (found == download->second.under_way.end() || found->second.attempt != store.attempt) return;
  UnderWay& piece = found->second;

  if (add(piece, store, context) == PieceHasher::Added::duplicate) return;
  const ByteCount offset = piece.layout.piece_offset(store.piece) + PieceLayout::block_offset(store.block);
  DiskDone fault = disk_->write(piece.path, offset, context.payload().view());
  if (!fault) fault = catch_up(piece, store.piece);
  if (fault) {
    context.answer(piece.scheduler,
                   PieceUnwritable{store.download, store.piece, fault->code, fault->sentence});
    drop(download->second.under_way, found);
    return;
  }
  if (piece.hasher.complete()) judge(download->second, store, context);
}

PieceHasher::Added HashVerifier::add(UnderWay& piece, const StoreBlock& store, Context& context) {
  kept_ -= piece.hasher.kept_bytes();
  const PieceHasher::Added added = piece.hasher.add(store.block, context.payload(), context.sender().value,
                                                    kept_max - kept_ - piece.hasher.kept_bytes());
  kept_ += piece.hasher.kept_bytes();
  return added;
}

void HashVerifier::drop(Pieces& pieces, Pieces::iterator piece) {
  kept_ -= piece->second.hasher.kept_bytes();
  pieces.erase(piece);
}

DiskDone HashVerifier::catch_up(UnderWay& piece, PieceIndex index) {
  while (const std::optional<BlockIndex> block = piece.hasher.to_read_back()) {
    const auto bytes =
        disk_->read(piece.path, piece.layout.piece_offset(index) + PieceLayout::block_offset(*block),
                    piece.layout.block_length(index, *block));
    if (!bytes) return bytes.fault();
    kept_ -= piece.hasher.kept_bytes();
    piece.hasher.read_back(bytes->view());
    kept_ += piece.hasher.kept_bytes();
  }
  return std::nullopt;
}

void HashVerifier::judge(Download& download, const StoreBlock& store, Context& context) {
  const auto found = download.under_way.find(store.piece);
  UnderWay& piece = found->second;
  const Address scheduler = piece.scheduler;
  if (piece.hasher.finish_matches()) {
    if (download.verified.size() <= store.piece.value) download.verified.resize(store.piece.value + 1);
    download.verified[store.piece.value] = true;
    context.answer(scheduler, PieceVerified{store.download, store.piece});
  } else {
    PieceCorrupt corrupt{store.download, store.piece, {}};
    for (const std::uint64_t source : piece.hasher.sources()) corrupt.fetchers.push_back({source});
    context.answer(scheduler, corrupt);
  }
  drop(download.under_way, found);
}

void HashVerifier::on(const ForgetPieces& forget, Context&) {
  if (const auto download = downloads_.find(forget.download); download != downloads_.end()) {
    Pieces& pieces = download->second.under_way;
    while (!pieces.empty()) drop(pieces, pieces.begin());
    downloads_.erase(download);
  }
  if (forget.over) {
    over_.insert(forget.download);
  } else {
    over_.erase(forget.download);
  }
}

void HashVerifier::check_invariants() const {
  ByteCount kept;
  for (const auto& [id, download] : downloads_)
    for (const auto& [index, piece] : download.under_way) {
      ENSURE(!download.is_verified(index));
      ENSURE(!piece.hasher.complete());
      kept += piece.hasher.kept_bytes();
    }
  ENSURE(kept == kept_ && kept_ <= kept_max);
}

}  // namespace tutti
