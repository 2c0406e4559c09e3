#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "peer/client_store.hpp"
#include "peer/disk.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// Owns what the client remembers, and does what blocks: makes, reads, renames files and keeps the journal. On a worker
/// of its own; decides nothing but how a destination is named and what of a resumed download is still good.
///
/// Rules:
/// - A new download gets a part file beside its destination, so that the final rename stays within one file system;
///   its name carries the download's id, so that two downloads to one place do not write one file.
/// - Room is reserved before a download is said to run: a full disk shows at the command, not an hour later.
/// - What is resumed is believed as far as the journal vouches for it, if the part file is there with its size; pieces
///   of which a power loss may have eaten the bytes are read and hashed again.
/// - Once a download is finished its part path still means its file for readers who have not heard of it.
/// - A request counter is on the disk before it is handed out.
class Storage final : public ActorOf<Storage, Joined<StorageRole::Accepts, Messages<SyncDue>>> {
 public:
  Storage(std::shared_ptr<Disk> disk, std::shared_ptr<ClientStore> store)
      : disk_(std::move(disk)), store_(std::move(store)) {}

  void on(const ReserveCounters& reserve, Context& context);
  void on(const RecallShares& recall, Context& context);
  void on(const RememberShare& remember, Context& context);
  void on(const ForgetShare& forget, Context& context);
  void on(const CheckFile& check, Context& context);
  void on(const ReadBlock& read, Context& context);
  void on(const RecallDownloads& recall, Context& context);
  void on(const PrepareDownload& prepare, Context& context);
  void on(const JournalPiece& journal, Context& context);
  void on(const FinishDownload& finish, Context& context);
  void on(const SettleDownload& settle, Context& context);
  void on(const SyncDue& due, Context& context);

 private:
  /// The kernel writes what is dirty within half a minute: a sync after that waits for little.
  static constexpr Duration sync_after = std::chrono::seconds(45);
  static constexpr std::size_t renamed_max = 4096;

  /// The new download's path, part path and id, or why there is none.
  OrFault<DownloadRecord> settle_new(DownloadRecord download);
  struct PiecesRecalled {
    Bitfield verified;
    Bitfield doubtful;
  };
  /// The pieces of a download that are on the disk.
  OrFault<Bitfield> pieces_on_disk(const DownloadRecord& download, bool is_new);
  OrFault<PiecesRecalled> pieces_recalled(const DownloadRecord& download);
  void recheck(const DownloadRecord& download, const Bitfield& doubtful, Bitfield& verified);
  std::string current_path(const std::string& path) const;
  void remember_rename(const std::string& from, const std::string& to);

  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<ClientStore> store_;
  /// Downloads that are known to the store in this life, by id: to write what is new about them.
  std::unordered_map<DownloadId, DownloadRecord> downloads_;
  /// What the journal said at RecallDownloads, until it is asked for, once.
  std::unordered_map<DownloadId, PiecesRecalled> recalled_;
  std::unordered_map<std::string, std::string> renamed_;
  std::deque<std::string> renamed_order_;
};

}  // namespace tutti
