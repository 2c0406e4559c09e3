#include "peer/storage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

void Storage::complain(const DiskDone& fault) {
  if (fault) log_error(fault->sentence);
}

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

void Storage::on(const RememberTracker& remember, Context&) {
  complain(store_->remember_tracker(remember.endpoint, remember.key));
}

/// Who asked at first, if this is a timer that tries again.
Address Storage::asker_of_recall(std::deque<Address>& waiting, Context& context) {
  if (context.sender() != context.self()) return context.sender();
  const Address asker = waiting.front();
  waiting.pop_front();
  return asker;
}

void Storage::on(const RecallShares& recall, Context& context) {
  const Address asker = asker_of_recall(waiting_for_shares_, context);
  when_all_at_rest([this, recall, asker](Context& then) { recall_shares(recall, asker, then); }, context);
}

void Storage::recall_shares(const RecallShares& recall, Address asker, Context& context) {
  auto shares = store_->shares_of(recall.uid);
  DiskDone fault = shares ? DiskDone() : shares.fault();
  for (std::size_t i = 0; !fault && i < shares->size(); ++i) fault = open_share((*shares)[i]);
  if (!fault) return context.answer(asker, SharesRecalled{recall.uid, std::move(*shares)});
  log_error(fault->sentence);
  waiting_for_shares_.push_back(asker);
  context.after(recall_again, recall);
}

void Storage::on(const RememberShare& remember, Context& context) {
  const ShareRecord& share = remember.share;
  // Before it: one of which it is not known what is in it would be none.
  if (share.metainfo.is_tree())
    share.stopped ? trees().forget(share.path) : keep_manifest(share.fid, share.path);
  complain(store_->put_share(share));
  vouch_later(remember.share, context);
}

void Storage::on(const ForgetShare& forget, Context&) {
  complain(store_->forget_share(forget.uid, forget.gid, forget.fid));
}

// --- what is on the platter ---------------------------------------------------------------------------------------

void Storage::vouch_later(const ShareRecord& share, Context& context) {
  if (share.stopped) return;
  context.after(sync_after, SyncDue{share.uid, share.gid, share.fid, share.path, share.identity});
}

void Storage::on(const SyncDue& due, Context& context) { begin_sync(due.path, due, context); }

void Storage::begin_sync(const std::string& path, Sync what, Context& context) {
  const std::uint64_t tag = ++last_tag_;
  syncs_.emplace(tag, std::move(what));
  context.send(checker_, SyncFile{tag, path});
}

void Storage::on(const FileSynced& synced, Context& context) {
  const auto entry = syncs_.extract(synced.tag);
  if (!entry) return;
  if (const auto* share = std::get_if<SyncDue>(&entry.mapped())) {
    if (!synced.fault)
      complain(store_->mark_share_synced(share->uid, share->gid, share->fid, share->identity));
    return;
  }
  const auto& part = std::get<PartSync>(entry.mapped());
  const auto unsynced = unsynced_.find(part.download);
  if (unsynced == unsynced_.end()) return;  // finished or begun anew meanwhile
  unsynced->second.due = false;
  if (synced.fault) {
    log_error(synced.fault->sentence);
  } else {
    complain(store_->mark_synced(part.download, part.pieces));
  }
  vouch_later(part.download, {}, context);
}

// --- files that are shared --------------------------------------------------------------------------------------

void Storage::on(const CheckFile& check, Context& context) {
  if (is_tree_path(check.path)) {
    const std::uint64_t tag = ++last_tag_;
    looks_.emplace(tag, Asker{context.sender(), check.tag});
    return context.send(checker_, CheckFile{tag, check.path, check.anew});
  }
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

void Storage::on(const FileChecked& checked, Context& context) {
  const auto look = looks_.extract(checked.tag);
  if (!look) return;
  FileChecked answer = checked;
  answer.tag = look.mapped().tag;
  context.answer(look.mapped().address, answer);
}

void Storage::on(const ReadBlock& read, Context& context) {
  const Address asker = context.sender();
  const auto part_of_it = [&](const auto& work) {
    const auto download = downloads_.find(work.second.download);
    return std::holds_alternative<Finishing>(work.second.what) && download != downloads_.end() &&
           download->second.part_path == read.path;
  };
  const auto moving = std::find_if(works_.begin(), works_.end(), part_of_it);
  if (moving == works_.end()) return read_block(asker, read, context);
  when_at_rest(
      moving->second.download, [this, asker, read](Context& then) { read_block(asker, read, then); },
      context);
}

void Storage::read_block(Address asker, const ReadBlock& read, Context& context) {
  const std::string path = current_path(read.path);
  auto bytes = disk_->read(path, read.offset, read.length);
  DiskDone fault = bytes ? DiskDone() : bytes.fault();
  // Looked at after the read: what was read before a change is fine, what was read after one is not.
  if (!fault && read.identity) fault = disk_->unchanged(path, *read.identity, read.offset, read.length);
  if (fault) return context.answer(asker, BlockUnreadable{read.tag, fault->code, fault->sentence});
  context.answer(asker, BlockRead{read.tag}, std::move(*bytes));
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

void Storage::check_invariants() const {
  for (const auto& [id, recheck] : rechecks_) {
    ENSURE(downloads_.contains(id) || recheck.complete);
    ENSURE(!recheck.askers.empty() && !recheck.doubtful.empty());
  }
  for (const auto& [tag, work] : works_) ENSURE(put_off_.contains(work.download));
  ENSURE(put_off_.size() == works_.size());
  ENSURE(recalls_put_off_.empty() || !works_.empty());
  for (const auto& [id, unsynced] : unsynced_) ENSURE(unsynced.due || unsynced.pieces.empty());
  ENSURE(renamed_.size() <= renamed_max && renamed_.size() == renamed_order_.size());
}

}  // namespace tutti
