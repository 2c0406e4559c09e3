// Storage's part that deals with directories.

#include <fmt/format.h>

#include "actors/context.hpp"
#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/destination.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/piece_sets.hpp"
#include "peer/storage.hpp"

namespace tutti {

namespace {

DiskDone fault_in(const std::optional<Refused>& refused) {
  if (!refused) return std::nullopt;
  return DiskFault{refused->code, refused->sentence};
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

/// Has the checker do something about the directory of a download. What else is said of it is put off until that is done.
template <class Order>
void Storage::work_on_tree(DownloadId id, Order order, TreeWork::What what, Context& context) {
  order.tag = ++last_tag_;
  works_.emplace(order.tag, TreeWork{id, std::move(what)});
  ENSURE(put_off_.try_emplace(id).second);
  context.send(Ref<TreeKeeperRole>{checker_.address}, order);
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

/// What there is of a directory: of its manifest as the journal says. Once that is complete, the checker looks at the rest.
void Storage::resume_tree(const Asker& asker, DownloadId id, Resumption what, Context& context) {
  DownloadRecord& download = downloads_.at(id);
  OrFault<JournalledPieces> pieces = store_->pieces_of(id, PieceLayout(download.metainfo).piece_count());
  if (!pieces) return refuse(asker, pieces.fault(), context);
  const OrFault<bool> complete = resume_manifest(download, *pieces);
  if (!complete) return refuse(asker, complete.fault(), context);
  if (!*complete) return resumed(asker, id, std::move(*pieces), what, context);
  FindTree find;
  find.path = download.part_path;
  find.pieces = pieces->verified.size();
  find.only = download.only;
  find.known = joined(pieces->verified, pieces->doubtful).bytes();
  find.existing = download.existing.empty() ? Bitfield(find.pieces).bytes() : download.existing;
  find.whole = download.whole;
  find.doubts = unsure_.contains(id);
  work_on_tree(id, std::move(find), Finding{asker, what, std::move(*pieces)}, context);
}

/// True if it is known what is in it.
OrFault<bool> Storage::resume_manifest(DownloadRecord& download, JournalledPieces& pieces) {
  if (const DiskDone fault = check_destination(*disk_, folder_path(download.path), true)) return *fault;
  const OrFault<bool> there = trees().resume_part(part_of(download));
  if (!there) return there.fault();
  const Bitfield head = manifest_pieces_of(download.metainfo);
  const Bitfield known = joined(pieces.verified, pieces.doubtful);
  const OrFault<bool> learned = learn_manifest(download, known, *there);
  if (!learned) {
    if (learned.fault().code == Code::integrity)
      if (DiskDone fault = forget(download.id, pieces, known)) return *fault;
    return learned.fault();
  }
  // With more than one piece those of the manifest hold nothing else.
  if (*learned && pieces.verified.size() > 1) {
    pieces.verified = joined(pieces.verified, head);
    pieces.doubtful = without(pieces.doubtful, head);
    if (DiskDone fault = store_->journal(download.id, listed(head))) return *fault;
  }
  if (*learned) return true;
  // Without the manifest nobody knows what the others are; and one that was complete is wrong.
  const bool begun = *there && !without(head, known).none();
  if (DiskDone fault = forget(download.id, pieces, begun ? without(known, head) : known)) return *fault;
  download.wanted.clear();
  download.existing.clear();
  download.whole = {};
  return false;
}

/// The same, now that its files have been looked at.
DiskDone Storage::take_findings(DownloadRecord& download, JournalledPieces& pieces, const TreeFound& found) {
  const auto set = [&](const Bytes& bytes) { return Bitfield::parse(bytes, pieces.verified.size()); };
  const auto gone = set(found.gone);
  const auto doubtful = set(found.doubtful);
  ENSURE(gone && doubtful);
  if (DiskDone fault = forget(download.id, pieces, *gone)) return fault;
  pieces.verified = without(pieces.verified, *doubtful);
  pieces.doubtful = joined(pieces.doubtful, *doubtful);
  unsure_.erase(download.id);
  download.wanted = found.wanted;
  download.existing = found.existing;
  download.whole = found.whole;
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

void Storage::finish_tree(const Asker& asker, const DownloadRecord& download, Context& context) {
  FinishTree finish;
  finish.path = download.part_path;
  finish.pieces = PieceLayout(download.metainfo).piece_count();
  if (const auto before = shared_before(download)) {
    finish.before = before->pieces.bytes();
    finish.before_identity = before->identity;
  }
  work_on_tree(download.id, std::move(finish), Finishing{asker}, context);
}

void Storage::tree_finished(const Asker& asker, DownloadId id, const TreeFinished& finished,
                            Context& context) {
  DownloadRecord download = downloads_.at(id);
  const auto there = Bitfield::parse(finished.pieces, PieceLayout(download.metainfo).piece_count());
  ENSURE(there);
  remember_rename(download.part_path, shared_path(download));
  const Bytes pieces = there->all() ? Bytes() : finished.pieces;
  // Of which no piece is whole nothing can be shared.
  download.share = download.share && (there->all() || !there->none());
  const std::string part_path = download.part_path;
  if (const DiskDone fault = complete(std::move(download), finished.identity, pieces, context))
    return refuse(asker, *fault, context);
  // Nobody finds what is left of the part when he hears of the end.
  work_on_tree(id, RemoveTree{0, part_path}, TidyingUp{asker, {id, finished.identity, pieces}}, context);
}

// --- what the checker does ------------------------------------------------------------------------------------------

void Storage::when_at_rest(DownloadId id, Then what, Context& context) {
  const auto busy = put_off_.find(id);
  if (busy == put_off_.end()) return what(context);
  busy->second.push_back(std::move(what));
}

void Storage::when_all_at_rest(Then what, Context& context) {
  if (put_off_.empty()) return what(context);
  recalls_put_off_.push_back(std::move(what));
}

Storage::TreeWork Storage::work_done(std::uint64_t tag) {
  auto work = works_.extract(tag);
  ENSURE(work);
  auto put_off = put_off_.extract(work.mapped().download);
  ENSURE(put_off);
  work.mapped().put_off = std::move(put_off.mapped());
  return std::move(work.mapped());
}

/// Does what was put off, as far as the checker is not at work on that download again.
void Storage::go_on(TreeWork work, Context& context) {
  for (Then& each : work.put_off) when_at_rest(work.download, std::move(each), context);
  if (!put_off_.empty()) return;
  for (const Then& each : std::exchange(recalls_put_off_, {})) each(context);
}

void Storage::on(const TreeFound& found, Context& context) {
  TreeWork work = work_done(found.tag);
  auto& finding = std::get<Finding>(work.what);
  DiskDone fault = fault_in(found.fault);
  if (!fault) fault = take_findings(downloads_.at(work.download), finding.pieces, found);
  if (fault) {
    refuse(finding.asker, *fault, context);
  } else {
    resumed(finding.asker, work.download, std::move(finding.pieces), finding.why, context);
  }
  go_on(std::move(work), context);
}

void Storage::on(const TreeFinished& finished, Context& context) {
  TreeWork work = work_done(finished.tag);
  const Asker asker = std::get<Finishing>(work.what).asker;
  if (const DiskDone fault = fault_in(finished.fault)) {
    refuse(asker, *fault, context);
  } else {
    tree_finished(asker, work.download, finished, context);
  }
  go_on(std::move(work), context);
}

void Storage::on(const TreeSeen& seen, Context& context) {
  TreeWork work = work_done(seen.tag);
  OrFault<FileIdentity> identity = seen.identity;
  if (const DiskDone fault = fault_in(seen.fault)) identity = *fault;
  if (auto* looking = std::get_if<Looking>(&work.what)) {
    recheck_tree_as_seen(looking->asker, std::move(looking->complete), identity, context);
  } else {
    const Recheck& recheck = std::get<LookingAgain>(work.what).recheck;
    if (recheck.bad.empty()) trees().forget(rechecked_path(*recheck.complete));
    conclude_complete_recheck(recheck, identity, context);
  }
  go_on(std::move(work), context);
}

void Storage::on(const TreeRemoved& removed, Context& context) {
  TreeWork work = work_done(removed.tag);
  const DiskDone fault = fault_in(removed.fault);
  if (const auto* end = std::get_if<TidyingUp>(&work.what)) {
    complain(fault);
    context.answer(end->asker.address, end->finished);
  } else if (const Asker& asker = std::get<Removing>(work.what).asker; fault) {
    refuse(asker, *fault, context);
  } else {
    forget_download(asker, work.download, context);
  }
  go_on(std::move(work), context);
}

/// What is left of a directory that is complete. Nothing, if the client only died when all was at its place already; but
/// that it is complete can have survived a power loss which what was done before has not.
bool Storage::began_anew(DownloadRecord& download) {
  if (!download.metainfo.is_tree()) return false;
  if (!trees().holds_files(download.part_path)) {
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
  if (const DiskDone fault =
          trees().open_fetched(path, **manifest, PieceLayout(download.metainfo), download.only))
    return refuse(asker, *fault, context);
  const DownloadId id = download.id;
  work_on_tree(id, LookAtTree{0, path}, Looking{asker, std::move(download)}, context);
}

void Storage::recheck_tree_as_seen(const Asker& asker, DownloadRecord download,
                                   const OrFault<FileIdentity>& identity, Context& context) {
  const std::string path = rechecked_path(download);
  const Bitfield all = trees().pieces_of(path, PieceLayout(download.metainfo));
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
