#include "peer/storage.hpp"

#include <fmt/format.h>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/piece_hasher.hpp"

namespace tutti {

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::string base_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void complain(const DiskDone& fault) {
  if (fault) log_error(fault->sentence);
}

}  // namespace

// --- what is remembered -----------------------------------------------------------------------------------------

void Storage::on(const ReserveCounters& reserve, Context& context) {
  CountersReserved reserved;
  if (const auto first = store_->reserve_request_counters(reserve.count)) {
    reserved.first = *first;
    reserved.count = reserve.count;
  } else {
    log_error(first.fault().sentence);
    reserved.code = first.fault().code;
    reserved.sentence = first.fault().sentence;
  }
  context.reply(reserved);
}

void Storage::on(const RecallShares& recall, Context& context) {
  SharesRecalled recalled{recall.uid, {}};
  auto shares = store_->shares_of(recall.uid);
  if (shares) {
    recalled.shares = std::move(*shares);
  } else {
    log_error(shares.fault().sentence);
  }
  context.reply(recalled);
}

void Storage::on(const RememberShare& remember, Context& context) {
  const ShareRecord& share = remember.share;
  complain(store_->put_share(share));
  context.after(sync_after, SyncDue{share.uid, share.gid, share.fid, share.path});
}

void Storage::on(const SyncDue& due, Context&) {
  if (!disk_->sync(due.path)) complain(store_->mark_share_synced(due.uid, due.gid, due.fid));
}

void Storage::on(const ForgetShare& forget, Context&) {
  complain(store_->forget_share(forget.uid, forget.gid, forget.fid));
}

// --- files that are shared --------------------------------------------------------------------------------------

void Storage::on(const CheckFile& check, Context& context) {
  FileChecked checked;
  checked.tag = check.tag;
  const auto identity = disk_->identity(check.path);
  if (identity) {
    checked.identity = *identity;
  } else {
    checked.code = identity.fault().code;
    checked.sentence = identity.fault().sentence;
  }
  context.reply(checked);
}

void Storage::on(const ReadBlock& read, Context& context) {
  const std::string path = current_path(read.path);
  auto bytes = disk_->read(path, read.offset, read.length);
  if (!bytes) {
    context.reply(BlockUnreadable{read.tag, bytes.fault().code, bytes.fault().sentence});
    return;
  }
  if (read.identity) {
    // Looked at after the read: what was read before a change is fine, what was read after one is not.
    const auto identity = disk_->identity(path);
    if (!identity || !(*identity == *read.identity)) {
      const std::string why =
          identity ? fmt::format("{} has changed since it was shared", path) : identity.fault().sentence;
      context.reply(BlockUnreadable{read.tag, identity ? Code::file_conflict : identity.fault().code, why});
      return;
    }
  }
  context.reply(BlockRead{read.tag}, std::move(*bytes));
}

std::string Storage::current_path(const std::string& path) const {
  const auto renamed = renamed_.find(path);
  return renamed == renamed_.end() ? path : renamed->second;
}

void Storage::remember_rename(const std::string& from, const std::string& to) {
  if (renamed_.insert_or_assign(from, to).second) renamed_order_.push_back(from);
  if (renamed_order_.size() > renamed_max) {
    renamed_.erase(renamed_order_.front());
    renamed_order_.pop_front();
  }
}

// --- downloads --------------------------------------------------------------------------------------------------

void Storage::on(const RecallDownloads& recall, Context& context) {
  DownloadsRecalled recalled{recall.uid, {}};
  auto downloads = store_->downloads_of(recall.uid);
  if (!downloads) log_error(downloads.fault().sentence);
  if (downloads)
    for (RecalledDownload& download : *downloads) {
      downloads_.insert_or_assign(download.record.id, download.record);
      recalled_.insert_or_assign(download.record.id, PiecesRecalled{download.verified, download.doubtful});
      recalled.downloads.push_back(std::move(download.record));
    }
  context.reply(recalled);
}

void Storage::on(const PrepareDownload& prepare, Context& context) {
  const auto refuse = [&](const DiskFault& fault) {
    context.reply(DownloadRefused{prepare.tag, fault.code, fault.sentence});
  };
  const bool is_new = prepare.download.id.value == 0;
  OrFault<DownloadRecord> settled =
      is_new ? settle_new(prepare.download) : OrFault<DownloadRecord>(prepare.download);
  if (!settled) return refuse(settled.fault());
  DownloadRecord& download = *settled;
  OrFault<Bitfield> pieces = pieces_on_disk(download, is_new);
  if (!pieces) return refuse(pieces.fault());
  download.phase = DownloadPhase::fetching;
  download.code = Code::other;
  download.sentence.clear();
  if (const DiskDone fault = store_->put_download(download)) {
    if (is_new) complain(disk_->remove(download.part_path));
    return refuse(*fault);
  }
  downloads_.insert_or_assign(download.id, download);
  context.reply(DownloadPrepared{prepare.tag, download, pieces->bytes()});
}

OrFault<DownloadRecord> Storage::settle_new(DownloadRecord download) {
  while (download.path.size() > 1 && download.path.back() == '/') download.path.pop_back();
  if (disk_->look(download.path) == PathKind::directory)
    download.path += (download.path.back() == '/' ? "" : "/") + download.metainfo.name.text;
  if (disk_->look(download.path) != PathKind::nothing)
    return DiskFault{Code::destination_exists,
                     fmt::format("{} exists: remove it or choose another destination", download.path)};
  const std::string folder = folder_of(download.path);
  if (disk_->look(folder) != PathKind::directory)
    return DiskFault{Code::io_error, fmt::format("{} is no directory: make it first", folder)};
  const auto id = store_->next_download_id();
  if (!id) return id.fault();
  download.id = *id;
  // A name that is as long as names may be leaves no room for more.
  std::string stem = base_name_of(download.path);
  if (stem.size() > 200) stem = download.fid.hex();
  download.part_path = fmt::format("{}{}{}.{}.part", folder == "/" ? "" : folder, "/", stem, id->value);
  return download;
}

OrFault<Bitfield> Storage::pieces_on_disk(const DownloadRecord& download, bool is_new) {
  const std::uint32_t pieces = PieceLayout(download.metainfo).piece_count();
  PiecesRecalled recalled{Bitfield(pieces), Bitfield(pieces)};
  const auto before = disk_->identity(download.part_path);
  if (!is_new && before && before->size == download.metainfo.size) {
    auto found = pieces_recalled(download);
    if (!found) return found.fault();
    recalled = std::move(*found);
  } else if (!is_new) {
    // The part file is gone, and with it what the journal says of it.
    std::vector<PieceIndex> all;
    for (PieceIndex piece; piece.value < pieces; ++piece) all.push_back(piece);
    if (const DiskDone fault = store_->forget_pieces(download.id, all)) return *fault;
  }
  if (auto prepared = disk_->prepare(download.part_path, download.metainfo.size); !prepared)
    return prepared.fault();
  recheck(download, recalled.doubtful, recalled.verified);
  return recalled.verified;
}

OrFault<Storage::PiecesRecalled> Storage::pieces_recalled(const DownloadRecord& download) {
  if (auto known = recalled_.extract(download.id)) return std::move(known.mapped());
  auto downloads = store_->downloads_of(download.uid);
  if (!downloads) return downloads.fault();
  for (RecalledDownload& each : *downloads)
    if (each.record.id == download.id)
      return PiecesRecalled{std::move(each.verified), std::move(each.doubtful)};
  const std::uint32_t pieces = PieceLayout(download.metainfo).piece_count();
  return PiecesRecalled{Bitfield(pieces), Bitfield(pieces)};
}

void Storage::recheck(const DownloadRecord& download, const Bitfield& doubtful, Bitfield& verified) {
  const PieceLayout layout(download.metainfo);
  std::vector<PieceIndex> good;
  std::vector<PieceIndex> bad;
  doubtful.for_each([&](PieceIndex piece) {
    PairHasher digester;
    bool readable = true;
    for (BlockIndex block; readable && block.value < layout.block_count(piece); ++block) {
      const auto bytes =
          disk_->read(download.part_path, layout.piece_offset(piece) + PieceLayout::block_offset(block),
                      layout.block_length(piece, block));
      readable = static_cast<bool>(bytes);
      if (readable) digester.update(bytes->view());
    }
    if (readable && digester.finish() == expected_digests(download.metainfo, piece)) {
      verified.set(piece);
      good.push_back(piece);
    } else {
      bad.push_back(piece);
    }
  });
  if (!good.empty()) complain(store_->journal(download.id, good));
  if (!bad.empty()) complain(store_->forget_pieces(download.id, bad));
}

void Storage::on(const JournalPiece& journal, Context&) {
  const PieceIndex pieces[] = {journal.piece};
  complain(store_->journal(journal.download, pieces));
}

void Storage::on(const FinishDownload& finish, Context& context) {
  const auto refuse = [&](const DiskFault& fault) {
    context.reply(DownloadRefused{finish.download.value, fault.code, fault.sentence});
  };
  if (const DiskDone fault = disk_->rename_new(finish.part_path, finish.path)) return refuse(*fault);
  disk_->release(finish.part_path);
  remember_rename(finish.part_path, finish.path);
  const auto identity = disk_->identity(finish.path);
  if (!identity) return refuse(identity.fault());
  if (const auto download = downloads_.find(finish.download); download != downloads_.end()) {
    download->second.phase = DownloadPhase::complete;
    complain(store_->put_download(download->second));
  }
  context.reply(DownloadFinished{finish.download, *identity});
}

void Storage::on(const SettleDownload& settle, Context&) {
  const auto found = downloads_.find(settle.download);
  if (found == downloads_.end()) return;
  DownloadRecord& download = found->second;
  download.phase = settle.phase;
  download.code = settle.code;
  download.sentence = settle.sentence;
  complain(store_->put_download(download));
  if (settle.forget_pieces) {
    std::vector<PieceIndex> all;
    for (PieceIndex piece; piece.value < PieceLayout(download.metainfo).piece_count(); ++piece)
      all.push_back(piece);
    complain(store_->forget_pieces(settle.download, all));
  }
  disk_->release(download.part_path);
}

}  // namespace tutti
