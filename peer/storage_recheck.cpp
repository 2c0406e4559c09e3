// Storage's part that hashes again what lies on the disk.

#include <fmt/format.h>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/piece_sets.hpp"
#include "peer/storage.hpp"

namespace tutti {

void Storage::on(const RecheckDownload& recheck, Context& context) {
  const Asker asker{context.sender(), recheck.tag};
  when_at_rest(
      recheck.download,
      [this, asker, id = recheck.download](Context& then) { recheck_download(asker, id, then); }, context);
}

void Storage::recheck_download(const Asker& asker, DownloadId id, Context& context) {
  if (const auto known = rechecks_.find(id); known != rechecks_.end()) {
    known->second.askers.push_back(asker);
    return;
  }
  if (downloads_.contains(id)) return resume(asker, id, Resumption::rechecks, context);
  auto record = store_->download_of(id);
  if (!record) return refuse(asker, record.fault(), context);
  if (!*record) return refuse(asker, {Code::other, "the download is not remembered any more"}, context);
  if ((*record)->metainfo.is_tree()) return recheck_complete_tree(asker, std::move(**record), context);
  recheck_complete(asker, std::move(**record), context);
}

/// A complete file stays where it is and is shared meanwhile. One that is gone is as wrong as can be; one of another
/// size is something else that the user has put there.
void Storage::recheck_complete(const Asker& asker, DownloadRecord download, Context& context) {
  const Bitfield all = Bitfield::full(PieceLayout(download.metainfo).piece_count());
  disk_->release(download.path);
  const auto identity = disk_->identity(download.path);
  if (!identity && identity.fault().code != Code::no_such_file)
    return refuse(asker, identity.fault(), context);
  if (identity && identity->size != download.metainfo.size)
    return refuse(asker,
                  {Code::file_conflict,
                   fmt::format("{} has another size than the file that was fetched: move it away, and fetch "
                               "the file again",
                               download.path)},
                  context);
  const DownloadId id = download.id;
  Recheck recheck{{asker}, Bitfield(all.size())};
  recheck.complete = std::move(download);
  recheck.told = true;
  recheck.hashes_whole = identity && all.size() > 0;
  if (identity && all.size() == 0) recheck.whole = sha1({});
  if (identity) recheck.identity = *identity;
  if (identity) return begin_recheck(id, std::move(recheck), all, context);
  recheck.bad = listed(all);
  recheck.bad.empty() ? context.answer(asker.address, DownloadUnsound{asker.tag, {}})
                      : end_complete_recheck(std::move(recheck), context);
}

void Storage::begin_recheck(DownloadId id, Recheck recheck, const Bitfield& doubtful, Context& context) {
  doubtful.for_each([&](PieceIndex piece) { recheck.doubtful.push_back(piece); });
  rechecks_.emplace(id, std::move(recheck));
  check_next(id, context);
}

void Storage::check_next(DownloadId id, Context& context) {
  Recheck& recheck = rechecks_.at(id);
  const DownloadRecord& download = recheck.complete ? *recheck.complete : downloads_.at(id);
  if (recheck.doubtful.empty()) {
    Recheck done = std::move(recheck);
    rechecks_.erase(id);
    if (done.complete) return end_complete_recheck(std::move(done), context);
    complain(store_->forget_pieces(id, done.bad));
    if (const DiskDone fault = part_differs(downloads_.at(id), done.bad)) {
      for (const Asker& asker : done.askers) refuse(asker, *fault, context);
      return;
    }
    return prepared(done.askers, download, done.verified, context);
  }
  const PieceLayout layout(download.metainfo);
  const PieceIndex piece = recheck.doubtful.front();
  const std::string path = recheck.complete ? rechecked_path(download) : download.part_path;
  // All pieces of a whole are stretches of one job.
  if (!recheck.hashes_whole || recheck.job.value == 0) recheck.job = ++last_check_;
  checks_.emplace(recheck.job, id);
  if (!recheck.hashes_whole)
    return context.send(
        checker_, HashPiece{recheck.job, path, piece, layout.piece_offset(piece), layout.piece_size(piece)});
  context.send(checker_, HashStretch{recheck.job, path, layout.piece_offset(piece), layout.piece_size(piece),
                                     recheck.doubtful.size() == 1, piece});
}

void Storage::drop_whole(Recheck& recheck, Context& context) {
  if (std::exchange(recheck.hashes_whole, false)) context.send(checker_, DropHashing{recheck.job});
}

/// Whether it is still what it was when this began.
void Storage::end_complete_recheck(Recheck recheck, Context& context) {
  const DownloadId id = recheck.complete->id;
  const std::string path = rechecked_path(*recheck.complete);
  if (is_tree_path(path))
    return work_on_tree(id, LookAtTree{0, path}, LookingAgain{std::move(recheck)}, context);
  disk_->release(path);
  conclude_complete_recheck(recheck, disk_->identity(path), context);
}

void Storage::conclude_complete_recheck(const Recheck& recheck, const OrFault<FileIdentity>& now,
                                        Context& context) {
  if ((now ? *now : FileIdentity{}) != recheck.identity) {
    for (const Asker& asker : recheck.askers)
      refuse(asker,
             {Code::file_conflict,
              fmt::format("{} was changed while it was checked: check it again", recheck.complete->path)},
             context);
    return;
  }
  const DownloadRecord& download = *recheck.complete;
  const bool only_the_whole_is_wrong =
      recheck.bad.empty() && recheck.whole && *recheck.whole != download.metainfo.sha1;
  for (const Asker& asker : recheck.askers) {
    if (only_the_whole_is_wrong) {
      refuse(asker,
             {Code::integrity,
              fmt::format("every piece of {} is right, but the SHA-1 of the whole is not", download.path)},
             context);
    } else if (recheck.bad.empty()) {
      context.answer(asker.address, DownloadSound{asker.tag});
    } else {
      context.answer(asker.address, DownloadUnsound{asker.tag, recheck.verified.bytes()});
    }
  }
}

/// Nobody waits for the end of it any more.
void Storage::give_up_recheck(DownloadId id, Context& context) {
  const auto recheck = rechecks_.extract(id);
  if (!recheck) return;
  drop_whole(recheck.mapped(), context);
  for (const Asker& asker : recheck.mapped().askers)
    refuse(asker, {Code::unfinished, "what is on the disk was not hashed to the end"}, context);
}

void Storage::checked(DownloadId id, bool good, Context& context) {
  Recheck& recheck = rechecks_.at(id);
  const PieceIndex piece = recheck.doubtful.front();
  recheck.doubtful.pop_front();
  if (good) {
    const DownloadRecord& download = recheck.complete ? *recheck.complete : downloads_.at(id);
    recheck.verified.set(piece);
    recheck.right += PieceLayout(download.metainfo).piece_size(piece);
    const PieceIndex pieces[] = {piece};
    if (!recheck.complete) complain(store_->journal(id, pieces));
  } else {
    recheck.bad.push_back(piece);
    drop_whole(recheck, context);
  }
  if (recheck.told) {
    const auto left = static_cast<std::uint32_t>(recheck.doubtful.size());
    for (const Asker& asker : recheck.askers)
      context.answer(asker.address,
                     RecheckProgress{asker.tag, recheck.verified.size() - left, recheck.right});
  }
  check_next(id, context);
}

/// The download whose recheck waits for this answer of the checker; none if it was given up, also if another one of the
/// same has begun since.
std::optional<DownloadId> Storage::rechecked(HashJob job) {
  const auto check = checks_.extract(job);
  if (!check) return std::nullopt;
  const auto recheck = rechecks_.find(check.mapped());
  if (recheck == rechecks_.end() || recheck->second.job != job) return std::nullopt;
  return check.mapped();
}

void Storage::on(const PieceHashed& hashed, Context& context) {
  const std::optional<DownloadId> id = rechecked(hashed.job);
  if (!id) return;
  Recheck& recheck = rechecks_.at(*id);
  const DownloadRecord& download = recheck.complete ? *recheck.complete : downloads_.at(*id);
  const DigestPair digests{hashed.sha1, hashed.sha256};
  const bool right = digests_match(digests, expected_digests(download.metainfo, hashed.piece));
  if (!recheck.hashes_whole) return checked(*id, right, context);
  recheck.piece_right = right;
  checks_.emplace(hashed.job, *id);  // StretchHashed follows
}

void Storage::on(const StretchHashed& hashed, Context& context) {
  const std::optional<DownloadId> id = rechecked(hashed.job);
  if (!id) return;
  Recheck& recheck = rechecks_.at(*id);
  recheck.whole = hashed.sha1;
  checked(*id, recheck.piece_right, context);
}

void Storage::on(const HashFailed& failed, Context& context) {
  // What cannot be read is fetched again: writing may heal what reading cannot.
  if (const std::optional<DownloadId> id = rechecked(failed.job)) checked(*id, false, context);
}

// --- what was complete ----------------------------------------------------------------------------------------

void Storage::on(const ReopenDownload& order, Context& context) {
  const Asker asker{context.sender(), order.tag};
  when_at_rest(
      order.download, [this, asker, order](Context& then) { reopen_download(asker, order, then); }, context);
}

void Storage::reopen_download(const Asker& asker, const ReopenDownload& order, Context& context) {
  auto record = store_->download_of(order.download);
  if (!record) return refuse(asker, record.fault(), context);
  if (!*record) return refuse(asker, {Code::other, "the download is not remembered any more"}, context);
  DownloadRecord& download = **record;
  const auto verified = Bitfield::parse(order.bitfield, PieceLayout(download.metainfo).piece_count());
  if (!verified) return refuse(asker, {Code::other, "another file was rechecked"}, context);
  download.share = order.share;
  if (download.metainfo.is_tree()) {
    if (const DiskDone fault = reopen_tree(download, *verified)) return refuse(asker, *fault, context);
    return resume(asker, download.id, Resumption::fetches, context);
  }
  if (const DiskDone fault = reopen(download, listed(*verified))) return refuse(asker, *fault, context);
  prepared({asker}, download, *verified, context);
}

DiskDone Storage::reopen(DownloadRecord& download, const std::vector<PieceIndex>& pieces) {
  if (const auto named = disk_->identity(download.path)) {
    if (named->size != download.metainfo.size)
      return DiskFault{Code::file_conflict,
                       fmt::format("{} was changed while it was checked", download.path)};
    download.whole = *named;
  } else if (named.fault().code != Code::no_such_file) {
    return named.fault();
  }
  download.phase = DownloadPhase::fetching;
  if (DiskDone fault = store_->reopen_download(download, pieces)) return fault;
  downloads_.insert_or_assign(download.id, download);
  disk_->release(download.path);
  if (!(download.whole == FileIdentity{}))
    if (DiskDone fault = disk_->rename_new(download.path, download.part_path)) return fault;
  // Until now its part path meant the complete file.
  if (renamed_.erase(download.part_path) > 0) std::erase(renamed_order_, download.part_path);
  const auto room = disk_->prepare(download.part_path, download.metainfo.size);
  return room ? DiskDone() : DiskDone(room.fault());
}

}  // namespace tutti
