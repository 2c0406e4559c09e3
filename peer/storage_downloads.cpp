// Storage's part that deals with downloads.

#include <fmt/format.h>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/destination.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/storage.hpp"

namespace tutti {

TreePart part_of(const DownloadRecord& download) {
  return {download.part_path, shared_path(download), PieceLayout(download.metainfo),
          download.metainfo.manifest_size};
}

namespace {

std::vector<PieceIndex> all_pieces_of(const DownloadRecord& download) {
  std::vector<PieceIndex> all;
  for (PieceIndex piece; piece.value < PieceLayout(download.metainfo).piece_count(); ++piece)
    all.push_back(piece);
  return all;
}

DiskDone fault_of(const OrFault<FileIdentity>& made) { return made ? DiskDone() : made.fault(); }

/// A rename leaves all of a file's identity but the time of change.
bool is_same_file(const FileIdentity& one, FileIdentity other) {
  other.changed_ns = one.changed_ns;
  return one == other;
}

}  // namespace

void Storage::on(const RecallDownloads& recall, Context& context) {
  const Address asker = asker_of_recall(waiting_for_downloads_, context);
  when_all_at_rest([this, recall, asker](Context& then) { recall_downloads(recall, asker, then); }, context);
}

void Storage::recall_downloads(const RecallDownloads& recall, Address asker, Context& context) {
  auto downloads = store_->downloads_of(recall.uid);
  if (!downloads) {
    log_error(downloads.fault().sentence);
    waiting_for_downloads_.push_back(asker);
    context.after(recall_again, recall);
    return;
  }
  for (DownloadRecord& download : *downloads)
    if (download.phase != DownloadPhase::complete || began_anew(download))
      downloads_.insert_or_assign(download.id, download);
  context.answer(asker, DownloadsRecalled{recall.uid, recall.session, std::move(*downloads)});
}

// --- preparing ----------------------------------------------------------------------------------------------------

void Storage::on(const PrepareDownload& prepare, Context& context) {
  const Asker asker{context.sender(), prepare.tag};
  const DownloadId id = prepare.download.id;
  if (id.value == 0) {
    const OrFault<DownloadRecord> made = make_part(prepare.download);
    if (!made) return refuse(asker, made.fault(), context);
    return prepared({asker}, *made, Bitfield(PieceLayout(made->metainfo).piece_count()), context);
  }
  when_at_rest(
      id, [this, asker, prepare](Context& then) { prepare_again(asker, prepare.download, then); }, context);
}

void Storage::prepare_again(const Asker& asker, const DownloadRecord& download, Context& context) {
  if (const auto recheck = rechecks_.find(download.id); recheck != rechecks_.end()) {
    // Asked for by a session that has ended, and by the next one.
    recheck->second.askers.push_back(asker);
    return;
  }
  downloads_.try_emplace(download.id, download);
  resume(asker, download.id, Resumption::fetches, context);
}

/// Finds again what there is of a download.
void Storage::resume(const Asker& asker, DownloadId id, Resumption why, Context& context) {
  DownloadRecord& download = downloads_.at(id);
  if (download.metainfo.is_tree()) return resume_tree(asker, id, why, context);
  OrFault<JournalledPieces> pieces = resume_part(download);
  if (!pieces) return refuse(asker, pieces.fault(), context);
  resumed(asker, id, std::move(*pieces), why, context);
}

void Storage::resumed(const Asker& asker, DownloadId id, JournalledPieces pieces, Resumption why,
                      Context& context) {
  const DownloadRecord& download = downloads_.at(id);
  if (why == Resumption::rechecks) {
    Bitfield all = Bitfield::full(pieces.verified.size());
    if (!download.wanted.empty()) all = *Bitfield::parse(download.wanted, all.size());
    Recheck recheck{{asker}, Bitfield(all.size())};
    recheck.told = true;
    return begin_recheck(id, std::move(recheck), all, context);
  }
  if (pieces.doubtful.none()) return prepared({asker}, download, pieces.verified, context);
  begin_recheck(id, {{asker}, std::move(pieces.verified)}, pieces.doubtful, context);
}

void Storage::refuse(const Asker& asker, const DiskFault& fault, Context& context) {
  context.answer(asker.address, DownloadRefused{asker.tag, fault.code, fault.sentence});
}

void Storage::prepared(const std::vector<Asker>& askers, DownloadRecord download, const Bitfield& verified,
                       Context& context) {
  const bool is_new = !downloads_.contains(download.id);
  download.phase = DownloadPhase::fetching;
  download.code = Code::other;
  download.sentence.clear();
  if (!download.metainfo.is_tree()) download.whole = {};
  if (const DiskDone fault = store_->put_download(download)) {
    if (is_new) complain(disk_->remove(download.part_path));
    for (const Asker& asker : askers) refuse(asker, *fault, context);
    return;
  }
  std::vector<PieceIndex> pieces;
  verified.for_each([&](PieceIndex piece) { pieces.push_back(piece); });
  unsynced_.erase(download.id);
  vouch_later(download.id, pieces, context);
  for (const Asker& asker : askers)
    context.answer(asker.address, DownloadPrepared{asker.tag, download, verified.bytes()});
  downloads_.insert_or_assign(download.id, std::move(download));
}

OrFault<DownloadRecord> Storage::make_part(DownloadRecord download) {
  const bool tree = download.metainfo.is_tree();
  const auto path = settle_destination(*disk_, download.path, download.metainfo.name, tree);
  if (!path) return path.fault();
  download.path = *path;
  // How much of what is there already is of it nobody knows yet.
  const OrFault<PathKind> kind = disk_->look(*path);
  if (!kind) return kind.fault();
  constexpr int tries = 16;
  for (int left = tries;; --left) {
    const auto id = store_->next_download_id();
    if (!id) return id.fault();
    download.id = *id;
    download.part_path = part_path_of(download.path, download.fid, store_->identity().key, *id);
    if (tree) {
      const std::size_t name = download.part_path.rfind('/') + 1;
      download.part_path = download.part_path.substr(0, name) + "." + download.part_path.substr(name) + "/";
      download.path += '/';
    }
    const DiskDone fault =
        tree ? trees().make_part(part_of(download), download.only.empty() && *kind == PathKind::nothing)
             : fault_of(disk_->make(download.part_path, download.metainfo.size));
    if (!fault) return download;
    // Left there by this client's state as it was before somebody set it back.
    if (fault->code != Code::destination_exists || left == 0) return *fault;
    download.path = *path;
  }
}

OrFault<JournalledPieces> Storage::resume_part(DownloadRecord& download) {
  if (const DiskDone fault = take_back_name(download)) return *fault;
  if (const DiskDone fault = check_destination(*disk_, download.path)) return *fault;
  const auto before = disk_->identity(download.part_path);
  if (!before && before.fault().code != Code::no_such_file) return before.fault();
  if (!before || before->size != download.metainfo.size) {
    // The part file is gone, and with it what the journal says of it.
    if (const DiskDone fault = store_->forget_pieces(download.id, all_pieces_of(download))) return *fault;
  }
  if (const auto room = disk_->prepare(download.part_path, download.metainfo.size); !room)
    return room.fault();
  return store_->pieces_of(download.id, PieceLayout(download.metainfo).piece_count());
}

/// The client died after the file got its name and before that was remembered.
DiskDone Storage::take_back_name(const DownloadRecord& download) {
  if (download.whole == FileIdentity{}) return std::nullopt;
  const auto named = disk_->identity(download.path);
  if (!named || !is_same_file(download.whole, *named)) return std::nullopt;
  if (const auto part = disk_->identity(download.part_path)) {
    // Both names lead to the file, if it died when it had the new one and not yet lost the old one.
    return is_same_file(download.whole, *part) ? disk_->remove(download.path) : std::nullopt;
  }
  // Until now its part path meant the complete file.
  if (renamed_.erase(download.part_path) > 0) std::erase(renamed_order_, download.part_path);
  return disk_->rename_new(download.path, download.part_path);
}

// --- while it runs ------------------------------------------------------------------------------------------------

void Storage::on(const JournalPiece& journal, Context& context) {
  const std::vector<PieceIndex> pieces{journal.piece};
  complain(store_->journal(journal.download, pieces));
  vouch_later(journal.download, pieces, context);
}

void Storage::vouch_later(DownloadId id, const std::vector<PieceIndex>& pieces, Context& context) {
  Unsynced& unsynced = unsynced_[id];
  unsynced.pieces.insert(unsynced.pieces.end(), pieces.begin(), pieces.end());
  if (unsynced.pieces.empty() || unsynced.due) return;
  unsynced.due = true;
  context.after(sync_after, PartSyncDue{id});
}

void Storage::on(const PartSyncDue& due, Context& context) {
  const auto unsynced = unsynced_.find(due.download);
  const auto download = downloads_.find(due.download);
  if (unsynced == unsynced_.end() || download == downloads_.end()) return;
  // Only what was written before: pieces that come meanwhile wait for the next sync.
  begin_sync(download->second.part_path, PartSync{due.download, std::exchange(unsynced->second.pieces, {})},
             context);
}

void Storage::on(const KeepPrivate& keep, Context&) {
  if (const auto running = downloads_.find(keep.download); running != downloads_.end()) {
    running->second.share = false;
    return complain(store_->put_download(running->second));
  }
  auto complete = store_->download_of(keep.download);
  if (!complete) return complain(complete.fault());
  if (!*complete) return;
  (*complete)->share = false;
  complain(store_->put_download(**complete));
}

void Storage::on(const KeepWishes& keep, Context&) {
  const auto download = downloads_.find(keep.download);
  if (download == downloads_.end()) return;
  download->second.wishes = keep.wishes;
  complain(store_->put_download(download->second));
}

// --- its end ------------------------------------------------------------------------------------------------------

void Storage::on(const FinishDownload& finish, Context& context) {
  const Asker asker{context.sender(), finish.download.value};
  when_at_rest(
      finish.download, [this, asker, finish](Context& then) { finish_download(asker, finish, then); },
      context);
}

void Storage::finish_download(const Asker& asker, const FinishDownload& finish, Context& context) {
  const auto found = downloads_.find(finish.download);
  if (found == downloads_.end())
    return refuse(asker, {Code::other, fmt::format("{} is no download that runs", finish.path)}, context);
  DownloadRecord& download = found->second;
  if (download.metainfo.is_tree()) return finish_tree(asker, download, context);
  const auto whole = disk_->identity(download.part_path);
  if (!whole) return refuse(asker, whole.fault(), context);
  // What was hashed is as long as the file; what somebody has added to it since is not of it.
  if (whole->size != download.metainfo.size)
    return refuse(asker,
                  {Code::integrity, fmt::format("somebody else has written into {} while it was fetched: "
                                                "download_file fetches it anew",
                                                download.part_path)},
                  context);
  download.whole = *whole;
  if (const DiskDone fault = store_->put_download(download)) return refuse(asker, *fault, context);
  if (const DiskDone fault = disk_->rename_new(download.part_path, download.path))
    return refuse(asker, *fault, context);
  disk_->release(download.part_path);
  remember_rename(download.part_path, download.path);
  const auto identity = disk_->identity(download.path);
  if (!identity) return refuse(asker, identity.fault(), context);
  if (const DiskDone fault = complete(download, *identity, {}, context))
    return refuse(asker, *fault, context);
  context.answer(asker.address, DownloadFinished{finish.download, *identity});
}

DiskDone Storage::complete(DownloadRecord download, const FileIdentity& identity, const Bytes& pieces,
                           Context& context) {
  download.phase = DownloadPhase::complete;
  download.whole = {};
  std::optional<ShareRecord> share;
  if (download.share)
    share = ShareRecord{download.uid,          download.gid, download.group, download.fid, download.metainfo,
                        shared_path(download), identity,     false,          pieces};
  if (DiskDone fault = store_->complete_download(download, share)) return fault;
  if (share) vouch_later(*share, context);
  downloads_.erase(download.id);
  unsynced_.erase(download.id);
  return std::nullopt;
}

void Storage::on(const SettleDownload& settle, Context& context) {
  when_at_rest(
      settle.download, [this, settle](Context& then) { settle_download(settle, then); }, context);
}

void Storage::settle_download(const SettleDownload& settle, Context& context) {
  const auto found = downloads_.find(settle.download);
  if (found == downloads_.end()) return;
  give_up_recheck(settle.download, context);  // its end would make it run again
  DownloadRecord& download = found->second;
  download.phase = settle.phase;
  download.code = settle.code;
  download.sentence = settle.sentence;
  complain(store_->put_download(download));
  if (settle.forget_pieces) {
    complain(store_->forget_pieces(settle.download, all_pieces_of(download)));
    unsynced_.erase(settle.download);
  }
  disk_->release(download.part_path);
}

void Storage::on(const ForgetDownload& forget, Context& context) {
  const Asker asker{context.sender(), forget.download.value};
  when_at_rest(
      forget.download, [this, asker, forget](Context& then) { remove_download(asker, forget, then); },
      context);
}

void Storage::remove_download(const Asker& asker, const ForgetDownload& forget, Context& context) {
  give_up_recheck(forget.download, context);
  unsynced_.erase(forget.download);
  if (const auto found = downloads_.find(forget.download); found != downloads_.end()) {
    const std::string& part = found->second.part_path;
    disk_->release(part);
    if (forget.with_part && is_tree_path(part))
      return work_on_tree(forget.download, RemoveTree{0, part}, Removing{asker}, context);
    if (forget.with_part)
      if (const DiskDone fault = disk_->remove(part)) return refuse(asker, *fault, context);
  }
  forget_download(asker, forget.download, context);
}

void Storage::forget_download(const Asker& asker, DownloadId id, Context& context) {
  if (const DiskDone fault = store_->forget_download(id)) return refuse(asker, *fault, context);
  downloads_.erase(id);
  context.answer(asker.address, DownloadForgotten{id});
}

}  // namespace tutti
