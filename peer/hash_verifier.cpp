#include "peer/hash_verifier.hpp"

#include <algorithm>

#include "actors/context.hpp"
#include "actors/ensure.hpp"

namespace tutti {

void HashVerifier::on(const BeginDownload& begin, Context& context) {
  const PieceLayout layout(begin.size, begin.piece_length);
  std::optional<Bitfield> pieces = Bitfield::parse(begin.pieces, layout.piece_count());
  ENSURE(pieces);
  const auto known = downloads_.find(begin.download);
  if (known == downloads_.end()) {
    downloads_.emplace(
        begin.download,
        Download{
            context.sender(), begin.path, WholeChain(layout, std::move(*pieces)), begin.run, false, {}, {}});
  } else {
    drop_pieces(known->second);
    known->second.run = begin.run;
    known->second.whole_told = false;
    known->second.whole.reset(std::move(*pieces));
  }
  go_on(begin.download, downloads_.at(begin.download), context);
}

void HashVerifier::on(const BeginPiece& begin, Context&) {
  const auto found = downloads_.find(begin.download);
  if (found == downloads_.end()) return;
  Download& download = found->second;
  if (download.whole.is_verified(begin.piece)) return;
  const auto known = download.under_way.find(begin.piece);
  if (known != download.under_way.end()) {
    if (known->second.attempt >= begin.attempt) return;
    drop(download, known);
  }
  download.under_way.emplace(begin.piece, UnderWay{begin.attempt,
                                                   PieceHasher(download.whole.layout(), begin.piece,
                                                               DigestPair{begin.sha1, begin.sha256}),
                                                   {}});
}

void HashVerifier::on(const StoreBlock& store, Context& context) {
  const ByteCount bytes{context.payload().size()};
  const Instant begun = context.now();
  const Duration writing = take_block(store, context);
  if (const auto download = downloads_.find(store.download); download != downloads_.end())
    download->second.work.add(begun - Instant(store.came), begun, writing, context.now());
  context.reply(BlockStored{bytes});
}

Duration HashVerifier::take_block(const StoreBlock& store, Context& context) {
  const auto found = downloads_.find(store.download);
  if (found == downloads_.end()) return {};
  Download& download = found->second;
  const auto under_way = download.under_way.find(store.piece);
  if (under_way == download.under_way.end() || under_way->second.attempt != store.attempt) return {};
  UnderWay& piece = under_way->second;

  if (add(download, piece, store, context) == PieceHasher::Added::duplicate) return {};
  const ByteCount offset =
      download.whole.layout().piece_offset(store.piece) + PieceLayout::block_offset(store.block);
  const Instant before = context.now();
  DiskDone fault = disk_->write(download.path, offset, context.payload().view());
  const Duration writing = context.now() - before;
  if (!fault) fault = catch_up(download, piece, store.piece);
  proceed(store.download, download, under_way, fault, context);
  go_on(store.download, download, context);
  return writing;
}

void HashVerifier::on(const ReportWriting& report, Context& context) {
  const auto found = downloads_.find(report.download);
  context.reply(WritingReported{
      report.download, found == downloads_.end() ? std::nullopt : found->second.work.facts(context.now())});
}

PieceHasher::Added HashVerifier::add(Download& download, UnderWay& piece, const StoreBlock& store,
                                     Context& context) {
  const bool hold = to_be_held(download, store, {context.payload().size()});
  kept_ -= piece.hasher.kept_bytes();
  if (!hold && !piece.hasher.has(store.block)) piece.hasher.release(download.whole);
  const PieceHasher::Added added =
      piece.hasher.add(store.block, context.payload(), context.sender().value,
                       kept_max - kept_ - piece.hasher.kept_bytes(), download.whole, hold);
  kept_ += piece.hasher.kept_bytes();
  if (hold && !piece.held_since) piece.held_since = context.now();
  if (hold && !held_due_) {
    held_due_ = true;
    context.after(held_max, HeldDue{});
  }
  return added;
}

bool HashVerifier::to_be_held(const Download& download, const StoreBlock& store, ByteCount bytes) const {
  const ByteCount at = download.whole.layout().piece_offset(store.piece);
  const ByteCount whole = download.whole.done();
  return store.piece != download.whole.head() && at > whole && at - whole < held_ahead &&
         kept_ + bytes <= kept_max;
}

/// What comes of a piece that has been hashed on: nothing yet, a verdict, or a fault of the disk, which is nobody's.
void HashVerifier::proceed(DownloadId id, Download& download, Pieces::iterator piece, const DiskDone& fault,
                           Context& context) {
  if (fault) {
    context.answer(download.scheduler,
                   PieceUnwritable{id, piece->first, fault->code, fault->sentence, download.run});
    drop(download, piece);
  } else if (piece->second.hasher.complete()) {
    judge(id, download, piece, context);
  }
}

void HashVerifier::release(DownloadId id, Download& download, Pieces::iterator piece, Context& context) {
  kept_ -= piece->second.hasher.kept_bytes();
  piece->second.held_since.reset();
  piece->second.hasher.release(download.whole);
  kept_ += piece->second.hasher.kept_bytes();
  proceed(id, download, piece, catch_up(download, piece->second, piece->first), context);
}

/// The chain of the whole as far as it can go, and with it what was held for it.
void HashVerifier::go_on(DownloadId id, Download& download, Context& context) {
  for (;;) {
    follow(id, download, context);
    const auto next = download.under_way.find(download.whole.head());
    if (next == download.under_way.end() || !next->second.hasher.holds()) return;
    release(id, download, next, context);
  }
}

void HashVerifier::on(const HeldDue&, Context& context) {
  held_due_ = false;
  std::optional<Instant> next;
  for (auto& [id, download] : downloads_) {
    bool released = false;
    for (auto piece = download.under_way.begin(); piece != download.under_way.end();) {
      const auto here = piece++;
      const std::optional<Instant> since = here->second.held_since;
      if (!since) continue;
      if (context.now() - *since < held_max) {
        next = next ? std::min(*next, *since) : *since;
        continue;
      }
      release(id, download, here, context);
      released = true;
    }
    if (released) go_on(id, download, context);
  }
  if (!next) return;
  held_due_ = true;
  context.after(*next + held_max - context.now(), HeldDue{});
}

void HashVerifier::drop(Download& download, Pieces::iterator piece) {
  kept_ -= piece->second.hasher.kept_bytes();
  download.whole.dropped(piece->first);
  download.under_way.erase(piece);
}

void HashVerifier::drop_pieces(Download& download) {
  while (!download.under_way.empty()) drop(download, download.under_way.begin());
}

DiskDone HashVerifier::catch_up(Download& download, UnderWay& piece, PieceIndex index) {
  const PieceLayout& layout = download.whole.layout();
  while (const std::optional<BlockIndex> block = piece.hasher.to_read_back()) {
    const auto bytes =
        disk_->read(download.path, layout.piece_offset(index) + PieceLayout::block_offset(*block),
                    layout.block_length(index, *block));
    if (!bytes) return bytes.fault();
    kept_ -= piece.hasher.kept_bytes();
    piece.hasher.read_back(bytes->view(), download.whole);
    kept_ += piece.hasher.kept_bytes();
  }
  return std::nullopt;
}

void HashVerifier::judge(DownloadId id, Download& download, Pieces::iterator piece, Context& context) {
  PieceHasher& hasher = piece->second.hasher;
  if (hasher.finish_matches()) {
    download.whole.verified(piece->first);
    context.answer(download.scheduler, PieceVerified{id, piece->first, download.run});
  } else {
    PieceCorrupt corrupt{id, piece->first, {}, download.run};
    for (const std::uint64_t source : hasher.sources()) corrupt.fetchers.push_back({source});
    context.answer(download.scheduler, corrupt);
  }
  drop(download, piece);
}

/// Lets the chain of the whole go as far as it can, and tells when it is at the end.
void HashVerifier::follow(DownloadId id, Download& download, Context& context) {
  if (download.whole_told) return;
  if (const DiskDone fault = read_back(download)) {
    download.whole_told = true;
    context.answer(download.scheduler, WholeUnreadable{id, fault->code, fault->sentence, download.run});
  } else if (download.whole.complete()) {
    download.whole_told = true;
    context.answer(download.scheduler, WholeHashed{id, download.whole.finish(), download.run});
  } else if (download.whole.to_read() && !read_back_due_) {
    read_back_due_ = true;
    context.after(Duration{}, ReadBackDue{});
  }
}

DiskDone HashVerifier::read_back(Download& download) {
  for (ByteCount done; done < read_back_max;) {
    const std::optional<WholeChain::Stretch> stretch = download.whole.to_read();
    if (!stretch) break;
    const auto bytes = disk_->read(download.path, stretch->offset, stretch->length);
    if (!bytes) return bytes.fault();
    download.whole.read(bytes->view());
    done += stretch->length;
  }
  return std::nullopt;
}

void HashVerifier::on(const ReadBackDue&, Context& context) {
  read_back_due_ = false;
  for (auto& [id, download] : downloads_) go_on(id, download, context);
}

void HashVerifier::on(const EndDownload& end, Context&) {
  const auto found = downloads_.find(end.download);
  if (found == downloads_.end()) return;
  drop_pieces(found->second);
  downloads_.erase(found);
}

void HashVerifier::check_invariants() const {
  ByteCount kept;
  for (const auto& [id, download] : downloads_) {
    download.whole.check_invariants();
    for (const auto& [index, piece] : download.under_way) {
      ENSURE(!download.whole.is_verified(index));
      ENSURE(!piece.hasher.complete());
      kept += piece.hasher.kept_bytes();
    }
  }
  ENSURE(kept == kept_ && kept_ <= kept_max);
}

}  // namespace tutti
