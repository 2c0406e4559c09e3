#include "tests/simulation/library/swarm_stores.hpp"

#include <map>
#include <set>
#include <tuple>

#include "tracker/version_vector.hpp"

namespace tutti::simulation {

namespace {

class PoweredClientStore final : public SwarmClientStore {
 public:
  PoweredClientStore(const ClientIdentity& identity, std::function<void()> charge)
      : store_(make_memory_client_store(identity)), charge_(std::move(charge)) {}

  const ClientIdentity& identity() const override { return store_->identity(); }
  OrFault<RequestCounter> reserve_request_counters(std::uint32_t count) override {
    charge_();
    return store_->reserve_request_counters(count);
  }

  DiskDone put_share(const ShareRecord& share) override {
    users_.insert(share.uid);
    synced_shares_.erase({share.uid, share.gid, share.fid});
    return store_->put_share(share);
  }
  DiskDone mark_share_synced(const Uid& uid, const Gid& gid, const Fid& fid,
                             const FileIdentity& identity) override {
    synced_shares_.insert({uid, gid, fid});
    return store_->mark_share_synced(uid, gid, fid, identity);
  }
  DiskDone forget_share(const Uid& uid, const Gid& gid, const Fid& fid) override {
    return store_->forget_share(uid, gid, fid);
  }
  OrFault<std::vector<ShareRecord>> shares_of(const Uid& uid) override { return store_->shares_of(uid); }

  OrFault<DownloadId> next_download_id() override { return store_->next_download_id(); }
  DiskDone put_download(const DownloadRecord& download) override { return store_->put_download(download); }
  DiskDone journal(DownloadId id, std::span<const PieceIndex> pieces) override {
    for (const PieceIndex piece : pieces) {
      unsynced_[id].insert(piece);
      doubtful_[id].erase(piece);
    }
    return store_->journal(id, pieces);
  }
  DiskDone mark_synced(DownloadId id, std::span<const PieceIndex> pieces) override {
    for (const PieceIndex piece : pieces) unsynced_[id].erase(piece);
    return store_->mark_synced(id, pieces);
  }
  DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) override {
    for (const PieceIndex piece : pieces) {
      unsynced_[id].erase(piece);
      doubtful_[id].erase(piece);
    }
    return store_->forget_pieces(id, pieces);
  }
  DiskDone complete_download(const DownloadRecord& download,
                             const std::optional<ShareRecord>& share) override {
    unsynced_.erase(download.id);
    doubtful_.erase(download.id);
    users_.insert(download.uid);
    if (share) synced_shares_.erase({share->uid, share->gid, share->fid});
    return store_->complete_download(download, share);
  }
  DiskDone reopen_download(const DownloadRecord& download, std::span<const PieceIndex> pieces) override {
    return store_->reopen_download(download, pieces);
  }
  DiskDone forget_download(DownloadId id) override { return store_->forget_download(id); }
  OrFault<std::optional<DownloadRecord>> download_of(DownloadId id) override {
    return store_->download_of(id);
  }
  OrFault<std::vector<DownloadRecord>> downloads_of(const Uid& uid) override {
    return store_->downloads_of(uid);
  }
  OrFault<JournalledPieces> pieces_of(DownloadId id, std::uint32_t count) override {
    OrFault<JournalledPieces> pieces = store_->pieces_of(id, count);
    for (const PieceIndex piece : doubtful_[id]) {
      if (!pieces->verified.has(piece)) continue;
      pieces->verified.reset(piece);
      pieces->doubtful.set(piece);
    }
    return pieces;
  }

  DiskDone put_manifest(const Fid& fid, ByteView manifest) override {
    return store_->put_manifest(fid, manifest);
  }
  OrFault<std::optional<Bytes>> manifest_of(const Fid& fid) override { return store_->manifest_of(fid); }
  DiskDone put_export(const OrchExport& exported) override { return store_->put_export(exported); }
  OrFault<std::vector<OrchExport>> exports() override { return store_->exports(); }
  DiskDone remember_tracker(const std::string& endpoint, const LinkKey& key) override {
    return store_->remember_tracker(endpoint, key);
  }
  DiskDone put_limits(std::span<const RateLimit> limits) override { return store_->put_limits(limits); }
  OrFault<std::vector<RateLimit>> limits() override { return store_->limits(); }

  void lose_power(Random& random) override {
    for (auto& [id, pieces] : unsynced_) {
      for (const PieceIndex piece : pieces) {
        if (random.chance(1, 2)) {
          const std::array<PieceIndex, 1> gone{piece};
          store_->forget_pieces(id, gone);
        } else {
          doubtful_[id].insert(piece);
        }
      }
      pieces.clear();
    }
    for (const Uid& uid : users_) {
      const auto shares = store_->shares_of(uid);
      for (ShareRecord share : *shares) {
        if (synced_shares_.contains({share.uid, share.gid, share.fid})) continue;
        share.identity = {};
        store_->put_share(share);
      }
    }
  }

 private:
  using ShareKey = std::tuple<Uid, Gid, Fid>;
  std::unique_ptr<ClientStore> store_;
  std::function<void()> charge_;
  std::map<DownloadId, std::set<PieceIndex>> unsynced_;
  std::map<DownloadId, std::set<PieceIndex>> doubtful_;
  std::set<ShareKey> synced_shares_;
  std::set<Uid> users_;  // of whom something is remembered
};

class StoreOnDisk final : public Store {
 public:
  StoreOnDisk(TrackerDisk& disk, TrackerDiskHooks hooks) : disk_(disk), hooks_(std::move(hooks)) {}

  StoreId id() const override { return disk_.store->id(); }
  HeadPage heads() override { return disk_.store->heads(); }
  StoreFault commit(const CommitBatch& batch) override {
    if (hooks_.charge) hooks_.charge();
    if (disk_.full) return {Code::disk_full, "the disk is full"};
    CommitBatch changed = batch;
    if (hooks_.before && !hooks_.before(changed)) return {};
    disk_.store->commit(changed);
    disk_.committed.push_back(changed);
    for (const LogHead& head : disk_.store->heads().heads) advance(disk_.at, head.origin, head.sequence);
    if (hooks_.after) hooks_.after(changed);
    return {};
  }
  RowPage rows(ByteView buckets, ByteView after, ByteCount bytes, bool whole) override {
    return disk_.store->rows(buckets, after, bytes, whole);
  }
  LogPage log(const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) override {
    return disk_.store->log(origin, first, limit, bytes);
  }
  MetainfoPage metainfo(const Gid& gid, const Fid& fid) override { return disk_.store->metainfo(gid, fid); }
  bool truncate(const VersionVector& upto) override { return disk_.store->truncate(upto); }
  StoreFault remember_neighbour(const std::string&, const LinkKey&) override { return {}; }

 private:
  TrackerDisk& disk_;
  TrackerDiskHooks hooks_;
};

}  // namespace

std::shared_ptr<SwarmClientStore> make_swarm_client_store(const ClientIdentity& identity,
                                                          std::function<void()> charge) {
  return std::make_shared<PoweredClientStore>(identity, std::move(charge));
}

std::unique_ptr<Store> store_on(TrackerDisk& disk, TrackerDiskHooks hooks) {
  return std::make_unique<StoreOnDisk>(disk, std::move(hooks));
}

}  // namespace tutti::simulation
