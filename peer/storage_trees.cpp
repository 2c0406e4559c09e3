// Storage's part that deals with directories.

#include <fmt/format.h>

#include "actors/context.hpp"
#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/destination.hpp"
#include "peer/piece_hasher.hpp"
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

DiskDone Storage::open_share(const ShareRecord& share) {
  if (!share.metainfo.is_tree() || share.stopped) return std::nullopt;
  const auto manifest = store_->manifest_of(share.fid);
  if (!manifest) return manifest.fault();
  const PieceLayout layout(share.metainfo);
  std::optional<Bitfield> pieces;
  if (!share.pieces.empty()) pieces = Bitfield::parse(share.pieces, layout.piece_count());
  // Whoever looks at one that cannot be opened is told that it is lost.
  if (!*manifest) {
    log_error(fmt::format("what is in {} is not remembered", share.path));
  } else {
    complain(trees().open(share.path, **manifest, layout, std::move(pieces)));
  }
  return std::nullopt;
}

void Storage::keep_manifest(const Fid& fid, const std::string& path) {
  const auto manifest = trees().manifest_of(path);
  complain(manifest ? store_->put_manifest(fid, *manifest) : manifest.fault());
}

// --- downloads ----------------------------------------------------------------------------------------------------

DiskDone Storage::forget(DownloadId id, JournalledPieces& pieces, const Bitfield& gone) {
  pieces.verified = without(pieces.verified, gone);
  pieces.doubtful = without(pieces.doubtful, gone);
  return store_->forget_pieces(id, listed(gone));
}

/// True if it is known now what is in a directory: remembered from before, or all of its manifest has come (`known`, and
/// is `there`) and is right. Faults: integrity; those of the store.
OrFault<bool> Storage::learn_manifest(const DownloadRecord& download, const Bitfield& known, bool there) {
  const auto remembered = store_->manifest_of(download.fid);
  if (!remembered) return remembered.fault();
  if (*remembered) {
    const DiskDone fault = trees().learn(download.part_path, **remembered);
    if (!fault) return true;
    complain(fault);  // it is damaged: fetched again
  }
  const Bitfield pieces = manifest_pieces_of(download.metainfo);
  if (!there || !without(pieces, known).none()) return false;
  const PieceLayout layout(download.metainfo);
  Bytes head;
  for (PieceIndex piece; piece.value < pieces.count(); ++piece) {
    const auto bytes = disk_->read(download.part_path, layout.piece_offset(piece), layout.piece_size(piece));
    if (!bytes) return bytes.fault();
    if (!digests_match({sha1(bytes->view()), sha256(bytes->view())},
                       expected_digests(download.metainfo, piece)))
      return false;
    head.insert(head.end(), bytes->view().begin(), bytes->view().end());
  }
  if (const DiskDone fault = trees().learn(download.part_path, head)) return *fault;
  if (const DiskDone fault =
          store_->put_manifest(download.fid, ByteView(head).first(download.metainfo.manifest_size.value)))
    return *fault;
  return true;
}

/// What there is of a directory: of its manifest as the journal says; once that is complete, also what lies at the
/// destination, which is to be hashed before it is believed.
OrFault<JournalledPieces> Storage::resume_tree(DownloadRecord& download) {
  if (const DiskDone fault = check_destination(*disk_, folder_path(download.path), true)) return *fault;
  const PieceLayout layout(download.metainfo);
  OrFault<JournalledPieces> pieces = store_->pieces_of(download.id, layout.piece_count());
  if (!pieces) return pieces;
  const OrFault<bool> there = trees().resume_part(part_of(download));
  if (!there) return there.fault();
  const Bitfield head = manifest_pieces_of(download.metainfo);
  const Bitfield known = joined(pieces->verified, pieces->doubtful);
  const OrFault<bool> learned = learn_manifest(download, known, *there);
  if (!learned) {
    if (learned.fault().code == Code::integrity)
      if (DiskDone fault = forget(download.id, *pieces, known)) return *fault;
    return learned.fault();
  }
  // With more than one piece those of the manifest hold nothing else.
  if (*learned && layout.piece_count() > 1) {
    pieces->verified = joined(pieces->verified, head);
    pieces->doubtful = without(pieces->doubtful, head);
    if (DiskDone fault = store_->journal(download.id, listed(head))) return *fault;
  }
  if (!*learned || !without(head, joined(pieces->verified, pieces->doubtful)).none()) {
    // Without the manifest nobody knows what the others are; and one that was complete is wrong.
    const bool begun = *there && !without(head, known).none();
    if (DiskDone fault = forget(download.id, *pieces, begun ? without(known, head) : known)) return *fault;
    download.wanted.clear();
    download.existing.clear();
    download.whole = {};
    return pieces;
  }
  if (DiskDone fault = resume_files(download, *pieces)) return *fault;
  return pieces;
}

/// The same, now that it is known what is in it.
DiskDone Storage::resume_files(DownloadRecord& download, JournalledPieces& pieces) {
  const PieceLayout layout(download.metainfo);
  Bitfield existing(layout.piece_count());
  if (!download.existing.empty()) existing = *Bitfield::parse(download.existing, existing.size());
  const OrFault<TreePlan> plan = trees().lay_out(download.part_path, download.only, existing, download.whole);
  if (!plan) return plan.fault();
  if (!plan->existing_is) {
    if (DiskDone fault = forget(download.id, pieces, existing)) return fault;
    existing = Bitfield(existing.size());
  }
  // It was at the destination until now, where anybody could have changed it.
  const Bitfield known = joined(pieces.verified, pieces.doubtful);
  pieces.doubtful = joined(pieces.doubtful, without(known, without(known, plan->taken_back)));
  pieces.verified = without(pieces.verified, plan->taken_back);

  const OrFault<Bitfield> in_part = trees().still_there(download.part_path, without(known, existing));
  if (!in_part) return in_part.fault();
  existing = without(existing, without(existing, known));
  const Bitfield present = joined(*in_part, existing);
  if (DiskDone fault = forget(download.id, pieces, without(known, present))) return fault;
  const Bitfield candidates = without(plan->candidates, present);
  existing = joined(existing, candidates);
  pieces.doubtful = joined(pieces.doubtful, candidates);
  const Bitfield missing = without(without(plan->wanted, present), candidates);
  if (unsure_.erase(download.id) > 0) {
    const OrFault<Bitfield> left = trees().still_there(download.part_path, missing);
    if (!left) return left.fault();
    pieces.doubtful = joined(pieces.doubtful, *left);
  }
  ByteCount room;
  missing.for_each([&](PieceIndex piece) { room += layout.piece_size(piece); });
  if (DiskDone fault = TreeDisk::check_room(download.part_path, room, plan->files)) return fault;
  download.whole = trees().take_existing(download.part_path, existing);
  download.wanted = plan->wanted.bytes();
  download.existing = existing.bytes();
  // Before the first of them is journalled: what is there must not be taken for what came.
  return store_->put_download(download);
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

/// What the user shares already of the same directory at the same place, as another download has put it there.
std::optional<TreeBefore> Storage::shared_before(const DownloadRecord& download) const {
  const auto shares = store_->shares_of(download.uid);
  if (!shares) return std::nullopt;
  for (const ShareRecord& share : *shares) {
    if (share.gid != download.gid || share.fid != download.fid || share.stopped ||
        folder_path(share.path) != folder_path(download.path))
      continue;
    const std::uint32_t count = PieceLayout(download.metainfo).piece_count();
    const auto pieces =
        share.pieces.empty() ? std::optional(Bitfield::full(count)) : Bitfield::parse(share.pieces, count);
    if (pieces) return TreeBefore{*pieces, share.identity};
  }
  return std::nullopt;
}

void Storage::finish_tree(const Asker& asker, DownloadRecord download, Context& context) {
  const auto finished = trees().finish(download.part_path, shared_before(download));
  if (!finished) return refuse(asker, finished.fault(), context);
  remember_rename(download.part_path, shared_path(download));
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

/// What is left of a directory that is complete. Nothing, if the client only died when all was at its place already; but
/// that it is complete can have survived a power loss which what was done before has not.
bool Storage::began_anew(DownloadRecord& download) {
  if (!download.metainfo.is_tree()) return false;
  if (!TreeDisk::holds_files(download.part_path)) {
    complain(disk_->remove(download.part_path));
    return false;
  }
  auto record = store_->download_of(download.id);
  if (!record || !*record) {
    if (!record) complain(record.fault());
    return false;
  }
  (*record)->phase = DownloadPhase::fetching;
  if (const DiskDone fault = store_->reopen_download(**record, {})) {
    complain(fault);
    return false;
  }
  unsure_.insert(download.id);
  download = std::move(**record);
  return true;
}

// --- rechecking what is complete ------------------------------------------------------------------------------------

void Storage::recheck_complete_tree(const Asker& asker, DownloadRecord download, Context& context) {
  const auto manifest = store_->manifest_of(download.fid);
  if (!manifest) return refuse(asker, manifest.fault(), context);
  if (!*manifest)
    return refuse(asker, {Code::other, "what is in the directory is not remembered any more: fetch it again"},
                  context);
  const std::string path = rechecked_path(download);
  const PieceLayout layout(download.metainfo);
  if (const DiskDone fault = trees().open_fetched(path, **manifest, layout, download.only))
    return refuse(asker, *fault, context);
  const auto identity = trees().look_at_rest(path);
  const Bitfield all = trees().pieces_of(path, layout);
  if (!identity || all.none()) trees().forget(path);
  if (!identity) return refuse(asker, identity.fault(), context);
  if (all.none()) return context.answer(asker.address, DownloadSound{asker.tag});
  const DownloadId id = download.id;
  Recheck recheck{{asker}, Bitfield(all.size())};
  recheck.identity = *identity;
  recheck.complete = std::move(download);
  recheck.told = true;
  begin_recheck(id, std::move(recheck), all, context);
}

/// Remembers that a complete directory is to be fetched again but for what is right: to resume it does the rest.
DiskDone Storage::reopen_tree(DownloadRecord& download, const Bitfield& right) {
  const auto plan = trees().plan_reopening(rechecked_path(download), right);
  if (!plan) return plan.fault();
  download.phase = DownloadPhase::fetching;
  download.existing = plan->existing.bytes();
  download.whole = plan->identity;
  // First the list: what is taken after the other has been remembered finds its way back.
  if (DiskDone fault = trees().list_taken(part_of(download), plan->taken)) return fault;
  if (DiskDone fault = store_->reopen_download(download, listed(right))) return fault;
  downloads_.insert_or_assign(download.id, download);
  if (renamed_.erase(download.part_path) > 0) std::erase(renamed_order_, download.part_path);
  trees().forget(rechecked_path(download));
  trees().forget(shared_path(download));
  return std::nullopt;
}

}  // namespace tutti
