#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "peer/client_store.hpp"
#include "peer/tree_path.hpp"

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
    keep_share(share);
    return std::nullopt;
  }
  DiskDone mark_share_synced(const Uid&, const Gid&, const Fid&, const FileIdentity&) override {
    return std::nullopt;
  }
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

  DiskDone put_manifest(const Fid& fid, ByteView manifest) override {
    const std::lock_guard lock(mutex_);
    manifests_[fid] = Bytes(manifest.begin(), manifest.end());
    return std::nullopt;
  }
  OrFault<std::optional<Bytes>> manifest_of(const Fid& fid) override {
    const std::lock_guard lock(mutex_);
    const auto found = manifests_.find(fid);
    return found == manifests_.end() ? std::nullopt : std::optional(found->second);
  }

  DiskDone remember_tracker(const std::string&, const LinkKey&) override { return std::nullopt; }

  OrFault<DownloadId> next_download_id() override {
    const std::lock_guard lock(mutex_);
    return ++last_download_;
  }
  DiskDone put_download(const DownloadRecord& download) override {
    const std::lock_guard lock(mutex_);
    downloads_[download.id].record = download;
    return std::nullopt;
  }
  DiskDone journal(DownloadId id, std::span<const PieceIndex> pieces) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = downloads_.find(id); found != downloads_.end())
      found->second.verified.insert(pieces.begin(), pieces.end());
    return std::nullopt;
  }
  DiskDone mark_synced(DownloadId, std::span<const PieceIndex>) override { return std::nullopt; }
  DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = downloads_.find(id); found != downloads_.end())
      for (const PieceIndex piece : pieces) found->second.verified.erase(piece);
    return std::nullopt;
  }
  DiskDone complete_download(const DownloadRecord& download,
                             const std::optional<ShareRecord>& share) override {
    const std::lock_guard lock(mutex_);
    downloads_[download.id] = {download, {}};
    if (share) keep_share(*share);
    return std::nullopt;
  }
  DiskDone reopen_download(const DownloadRecord& download, std::span<const PieceIndex> pieces) override {
    const std::lock_guard lock(mutex_);
    downloads_[download.id] = {download, {pieces.begin(), pieces.end()}};
    const auto share = find_share(download.uid, download.gid, download.fid);
    if (share != shares_.end() && share->path == shared_path(download)) shares_.erase(share);
    return std::nullopt;
  }
  DiskDone forget_download(DownloadId id) override {
    const std::lock_guard lock(mutex_);
    downloads_.erase(id);
    return std::nullopt;
  }
  OrFault<std::optional<DownloadRecord>> download_of(DownloadId id) override {
    const std::lock_guard lock(mutex_);
    const auto found = downloads_.find(id);
    if (found == downloads_.end()) return std::optional<DownloadRecord>();
    return std::optional(found->second.record);
  }
  OrFault<std::vector<DownloadRecord>> downloads_of(const Uid& uid) override {
    const std::lock_guard lock(mutex_);
    std::vector<DownloadRecord> result;
    for (const auto& [id, download] : downloads_) {
      if (download.record.uid != uid) continue;
      result.push_back(download.record);
      if (download.record.phase == DownloadPhase::complete) drop_digests(result.back().metainfo);
    }
    return result;
  }
  OrFault<JournalledPieces> pieces_of(DownloadId id, std::uint32_t count) override {
    const std::lock_guard lock(mutex_);
    JournalledPieces pieces{Bitfield(count), Bitfield(count)};
    if (const auto found = downloads_.find(id); found != downloads_.end())
      for (const PieceIndex piece : found->second.verified) pieces.verified.set(piece);
    return pieces;
  }

  DiskDone put_export(const OrchExport& exported) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(exports_, [&](const OrchExport& each) {
      return each.gid == exported.gid && each.fid == exported.fid;
    });
    exports_.push_back(exported);
    if (exports_.size() > exports_max) exports_.erase(exports_.begin());
    return std::nullopt;
  }
  OrFault<std::vector<OrchExport>> exports() override {
    const std::lock_guard lock(mutex_);
    return exports_;
  }

  DiskDone put_limits(std::span<const RateLimit> limits) override {
    const std::lock_guard lock(mutex_);
    limits_.assign(limits.begin(), limits.end());
    return std::nullopt;
  }
  OrFault<std::vector<RateLimit>> limits() override {
    const std::lock_guard lock(mutex_);
    return limits_;
  }

 private:
  struct Download {
    DownloadRecord record;
    std::set<PieceIndex> verified;
  };

  void keep_share(const ShareRecord& share) {
    const auto found = find_share(share.uid, share.gid, share.fid);
    if (found == shares_.end()) {
      shares_.push_back(share);
    } else {
      *found = share;
    }
  }
  std::vector<ShareRecord>::iterator find_share(const Uid& uid, const Gid& gid, const Fid& fid) {
    return std::find_if(shares_.begin(), shares_.end(), [&](const ShareRecord& share) {
      return share.uid == uid && share.gid == gid && share.fid == fid;
    });
  }

  ClientIdentity identity_;
  std::mutex mutex_;
  RequestCounter next_counter_{1};
  DownloadId last_download_;
  std::map<Fid, Bytes> manifests_;
  std::vector<ShareRecord> shares_;
  std::map<DownloadId, Download> downloads_;
  std::vector<OrchExport> exports_;
  std::vector<RateLimit> limits_;
};

}  // namespace

std::unique_ptr<ClientStore> make_memory_client_store(const ClientIdentity& identity) {
  return std::make_unique<MemoryClientStore>(identity);
}

}  // namespace tutti
