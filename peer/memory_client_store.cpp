#include <algorithm>
#include <map>
#include <mutex>

#include "peer/client_store.hpp"

namespace tutti {
namespace {

class MemoryClientStore final : public ClientStore {
 public:
  explicit MemoryClientStore(const ClientIdentity& identity) : identity_(identity) {}

  const ClientIdentity& identity() const override { return identity_; }
  OrFault<RequestCounter> reserve_request_counters(std::uint32_t count) override {
    const std::lock_guard lock(mutex_);
    const RequestCounter first = next_counter_;
    next_counter_.value += count;
    return first;
  }

  DiskDone put_share(const ShareRecord& share) override {
    const std::lock_guard lock(mutex_);
    const auto found = find_share(share.uid, share.gid, share.fid);
    if (found == shares_.end()) {
      shares_.push_back(share);
    } else {
      *found = share;
    }
    return std::nullopt;
  }
  DiskDone mark_share_synced(const Uid&, const Gid&, const Fid&) override { return std::nullopt; }
  DiskDone forget_share(const Uid& uid, const Gid& gid, const Fid& fid) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = find_share(uid, gid, fid); found != shares_.end()) shares_.erase(found);
    return std::nullopt;
  }
  OrFault<std::vector<ShareRecord>> shares_of(const Uid& uid) override {
    const std::lock_guard lock(mutex_);
    std::vector<ShareRecord> result;
    for (const ShareRecord& share : shares_)
      if (share.uid == uid) result.push_back(share);
    return result;
  }

  OrFault<DownloadId> next_download_id() override {
    const std::lock_guard lock(mutex_);
    return ++last_download_;
  }
  DiskDone put_download(const DownloadRecord& download) override {
    const std::lock_guard lock(mutex_);
    const Bitfield none(download.metainfo.piece_count());
    const auto [entry, fresh] = downloads_.try_emplace(download.id, RecalledDownload{download, none, none});
    if (!fresh) entry->second.record = download;
    return std::nullopt;
  }
  DiskDone journal(DownloadId id, std::span<const PieceIndex> pieces) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = downloads_.find(id); found != downloads_.end())
      for (const PieceIndex piece : pieces) found->second.verified.set(piece);
    return std::nullopt;
  }
  DiskDone mark_synced(DownloadId) override { return std::nullopt; }
  DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = downloads_.find(id); found != downloads_.end())
      for (const PieceIndex piece : pieces) found->second.verified.reset(piece);
    return std::nullopt;
  }
  DiskDone forget_download(DownloadId id) override {
    const std::lock_guard lock(mutex_);
    downloads_.erase(id);
    return std::nullopt;
  }
  OrFault<std::vector<RecalledDownload>> downloads_of(const Uid& uid) override {
    const std::lock_guard lock(mutex_);
    std::vector<RecalledDownload> result;
    for (const auto& [id, download] : downloads_)
      if (download.record.uid == uid) result.push_back(download);
    return result;
  }

 private:
  std::vector<ShareRecord>::iterator find_share(const Uid& uid, const Gid& gid, const Fid& fid) {
    return std::find_if(shares_.begin(), shares_.end(), [&](const ShareRecord& share) {
      return share.uid == uid && share.gid == gid && share.fid == fid;
    });
  }

  ClientIdentity identity_;
  std::mutex mutex_;
  RequestCounter next_counter_{1};
  DownloadId last_download_;
  std::vector<ShareRecord> shares_;
  std::map<DownloadId, RecalledDownload> downloads_;
};

}  // namespace

std::unique_ptr<ClientStore> make_memory_client_store(const ClientIdentity& identity) {
  return std::make_unique<MemoryClientStore>(identity);
}

}  // namespace tutti
