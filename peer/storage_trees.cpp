// Storage's part that deals with directories.

#include <fmt/format.h>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/destination.hpp"
#include "peer/storage.hpp"

namespace tutti {

namespace {

std::vector<PieceIndex> listed(const Bitfield& pieces) {
  std::vector<PieceIndex> list;
  pieces.for_each([&](PieceIndex piece) { list.push_back(piece); });
  return list;
}

Bitfield without(Bitfield pieces, const Bitfield& others) {
  others.for_each([&](PieceIndex piece) { pieces.reset(piece); });
  return pieces;
}

Bitfield joined(Bitfield pieces, const Bitfield& others) {
  others.for_each([&](PieceIndex piece) { pieces.set(piece); });
  return pieces;
}

}  // namespace

TreeDisk& Storage::trees() const {
  ENSURE(disk_->trees() != nullptr);
  return *disk_->trees();
}

// --- shares -------------------------------------------------------------------------------------------------------

void Storage::open_share(const ShareRecord& share) {
  const auto manifest = store_->manifest_of(share.fid);
  if (!manifest) return complain(manifest.fault());
  if (!*manifest)
    return log_error(fmt::format("what is in {} is not remembered: share it again", share.path));
  const PieceLayout layout(share.metainfo);
  std::optional<Bitfield> pieces;
  if (!share.pieces.empty()) pieces = Bitfield::parse(share.pieces, layout.piece_count());
  complain(trees().open(share.path, **manifest, share.metainfo.size, layout, std::move(pieces)));
}

void Storage::keep_manifest(const Fid& fid, const std::string& path) {
  if (const auto manifest = trees().manifest_of(path)) complain(store_->put_manifest(fid, *manifest));
}

// --- downloads ----------------------------------------------------------------------------------------------------

/// What there is of a directory: of its manifest as the journal says; once that is complete, also what lies at the
/// destination, which is to be hashed before it is believed.
OrFault<JournalledPieces> Storage::resume_tree(DownloadRecord& download) {
  if (const DiskDone fault = check_destination(*disk_, folder_path(download.path), true)) return *fault;
  const PieceLayout layout(download.metainfo);
  const std::uint32_t count = layout.piece_count();
  OrFault<JournalledPieces> pieces = store_->pieces_of(download.id, count);
  if (!pieces) return pieces.fault();
  Bitfield existing(count);
  if (!download.existing.empty()) existing = *Bitfield::parse(download.existing, count);
  const OrFault<bool> there = trees().resume_part(part_of(download), existing);
  if (!there) return there.fault();

  const Bitfield head = manifest_pieces_of(download.metainfo);
  const Bitfield known = joined(pieces->verified, pieces->doubtful);
  const auto forget = [&](const Bitfield& gone) {
    pieces->verified = without(pieces->verified, gone);
    pieces->doubtful = without(pieces->doubtful, gone);
    return store_->forget_pieces(download.id, listed(gone));
  };
  if (!*there || !without(head, pieces->verified).none()) {
    // Without the manifest nobody knows what the others are.
    if (DiskDone fault = forget(*there ? without(known, head) : known)) return *fault;
    download.wanted.clear();
    download.existing.clear();
    return pieces;
  }
  const OrFault<TreePlan> plan = trees().lay_out(download.part_path, download.only);
  if (!plan) {
    if (plan.fault().code == Code::integrity)
      if (DiskDone fault = forget(known)) return *fault;
    return plan.fault();
  }
  if (const auto manifest = trees().manifest_of(download.part_path))
    if (DiskDone fault = store_->put_manifest(download.fid, *manifest)) return *fault;
  const Bitfield present = trees().still_there(download.part_path, known);
  if (DiskDone fault = forget(without(known, present))) return *fault;
  const Bitfield candidates = without(plan->candidates, present);
  existing = joined(without(existing, without(existing, present)), candidates);
  pieces->doubtful = joined(pieces->doubtful, candidates);
  trees().take_existing(download.part_path, existing);
  download.wanted = plan->wanted.bytes();
  download.existing = existing.bytes();
  // Before the first of them is journalled: what is there must not be taken for what came.
  if (DiskDone fault = store_->put_download(download)) return *fault;
  return pieces;
}

/// Of what was found at the destination of a directory pieces are wrong: files there are others than those to be fetched.
DiskDone Storage::part_differs(const DownloadRecord& download, const std::vector<PieceIndex>& bad) {
  if (download.existing.empty()) return std::nullopt;
  const auto existing = Bitfield::parse(download.existing, PieceLayout(download.metainfo).piece_count());
  for (const PieceIndex piece : bad)
    if (existing->has(piece))
      return DiskFault{
          Code::destination_exists,
          fmt::format("{} holds files of the same names with other content: remove them or choose "
                      "another destination",
                      download.path)};
  return std::nullopt;
}

void Storage::finish_tree(const Asker& asker, DownloadRecord download, Context& context) {
  const auto finished = trees().finish(download.part_path);
  if (!finished) return refuse(asker, finished.fault(), context);
  remember_rename(download.part_path, download.path);
  const Bytes pieces = finished->pieces.all() ? Bytes() : finished->pieces.bytes();
  // Of which no piece is whole nothing can be shared.
  download.share = download.share && (finished->pieces.all() || !finished->pieces.none());
  const std::string part_path = download.part_path;
  const DownloadId id = download.id;
  if (const DiskDone fault = complete(std::move(download), finished->identity, pieces, context))
    return refuse(asker, *fault, context);
  complain(disk_->remove(part_path));
  context.reply(DownloadFinished{id, finished->identity, pieces});
}

// --- rechecking what is complete ------------------------------------------------------------------------------------

DiskDone Storage::open_complete(const DownloadRecord& download) {
  if (trees().knows(download.path)) return std::nullopt;
  const auto manifest = store_->manifest_of(download.fid);
  if (!manifest) return manifest.fault();
  if (!*manifest)
    return DiskFault{Code::other, "what is in the directory is not remembered any more: fetch it again"};
  return trees().open_fetched(download.path, **manifest, download.metainfo.size,
                              PieceLayout(download.metainfo), download.only);
}

void Storage::recheck_complete_tree(const Asker& asker, DownloadRecord download, Context& context) {
  if (const DiskDone fault = open_complete(download)) return refuse(asker, *fault, context);
  const Bitfield all = trees().pieces_of(download.path, PieceLayout(download.metainfo));
  if (all.none()) return context.answer(asker.address, DownloadSound{asker.tag});
  const DownloadId id = download.id;
  Recheck recheck{{asker}, Bitfield(all.size())};
  if (const auto identity = disk_->identity(download.path)) recheck.identity = *identity;
  recheck.complete = std::move(download);
  recheck.told = true;
  begin_recheck(id, std::move(recheck), all, context);
}

DiskDone Storage::reopen_tree(DownloadRecord& download, const Bitfield& right) {
  if (DiskDone fault = open_complete(download)) return fault;
  download.phase = DownloadPhase::fetching;
  download.existing.clear();
  // Remembered first: what is still at the destination is found there all the same.
  if (DiskDone fault = store_->reopen_download(download, listed(right))) return fault;
  downloads_.insert_or_assign(download.id, download);
  if (renamed_.erase(download.part_path) > 0) std::erase(renamed_order_, download.part_path);
  const OrFault<Bitfield> stay = trees().reopen(part_of(download), download.path, right, download.only);
  if (!stay) return stay.fault();
  download.existing = stay->bytes();
  return std::nullopt;
}

}  // namespace tutti
