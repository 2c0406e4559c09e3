#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_trees.hpp"
#include "peer/client_store.hpp"
#include "peer/disk.hpp"
#include "peer/piece_layout.hpp"
#include "peer/tree_disk.hpp"

namespace tutti {

/// Where a directory that is fetched is put.
TreePart part_of(const DownloadRecord& download);

/// Owns what the client remembers, and does what blocks: makes, reads, renames files and keeps the journal. On a worker
/// of its own; decides nothing but what of a resumed download is still good.
///
/// Rules:
/// - A part file is made, never taken over: what is there already is somebody else's.
/// - Room is reserved before a download is said to run: a full disk shows at the command, not an hour later.
/// - What is resumed is believed as far as the journal vouches for it, if the part file is there with its size; pieces
///   of which a power loss may have eaten the bytes are read and hashed again. The journal is asked each time: it alone
///   knows.
/// - What takes longer than a moment (hashing, syncing) is done by `checker`: blocks that peers wait for, request
///   counters and the journal do not wait behind it.
/// - The file that is about to get its name is remembered before the rename, and its being complete and a share in one
///   step after it. A client that dies between the two finds its file under the final name, gives it back its old one
///   and goes on.
/// - Once a download is finished its part path still means its file for readers who have not heard of it.
///   Where a name is given in two steps (a link, then the old name goes), it may die between those, too.
/// - A download is forgotten after its part file has gone: what is left of it by a crash in between begins anew and can
///   be cancelled again, while a file that nobody knows of would stay for ever.
/// - A complete file is hashed as a whole in the pass that hashes its pieces, until one of those is wrong: then so is the
///   whole.
/// - A complete file is not touched by a recheck. It becomes a part file again when it is reopened, by the same steps
///   in the opposite order: remembered as one that is about to lose its name, then renamed.
/// - Whoever watches the limits hears of them once they are on the disk.
/// - A directory is looked at, moved and removed by `checker` as well: there may be very many files in it. Until that is done
///   what else is said of that download waits, and so does what is asked for by its part path while it moves; users' lists of
///   shares and downloads wait until nothing of that kind is under way.
/// - What a directory's manifest says is remembered as soon as it is known, after it was hashed once more: from then on
///   nothing depends on the file that it came in.
/// - What is found at the destination of a directory is hashed, and its identity remembered (`whole`) before that. If that is
///   another when the download is resumed, all of it is hashed again.
/// - A request counter is on the disk before it is handed out.
/// - What cannot be read of what is remembered is not said to be nothing: it is tried again every `recall_again` until
///   it can, and answered then.
class Storage final
    : public ActorOf<Storage, Joined<StorageRole::Accepts, TreeAnswers, Messages<SyncDue, PartSyncDue>>> {
 public:
  /// The kernel writes what is dirty within half a minute: a sync after that waits for little.
  static constexpr Duration sync_after = std::chrono::seconds(45);

  static constexpr Duration recall_again = std::chrono::seconds(5);

  Storage(std::shared_ptr<Disk> disk, std::shared_ptr<ClientStore> store, Ref<FileHasherRole> checker)
      : disk_(std::move(disk)), store_(std::move(store)), checker_(checker) {}

  void check_invariants() const override;

  // What is remembered, files that are shared (storage.cpp).
  void on(const RememberTracker& remember, Context& context);
  void on(const ReserveCounters& reserve, Context& context);
  void on(const RecallShares& recall, Context& context);
  void on(const RememberShare& remember, Context& context);
  void on(const ForgetShare& forget, Context& context);
  void on(const CheckFile& check, Context& context);
  void on(const FileChecked& checked, Context& context);
  void on(const ReadBlock& read, Context& context);
  void on(const SyncDue& due, Context& context);
  void on(const FileSynced& synced, Context& context);

  // Downloads (storage_downloads.cpp).
  void on(const RecallDownloads& recall, Context& context);
  void on(const PrepareDownload& prepare, Context& context);
  void on(const JournalPiece& journal, Context& context);
  void on(const KeepPrivate& keep, Context& context);
  void on(const FinishDownload& finish, Context& context);
  void on(const SettleDownload& settle, Context& context);
  void on(const KeepWishes& keep, Context& context);
  void on(const ForgetDownload& forget, Context& context);
  void on(const PartSyncDue& due, Context& context);

  // Pieces that are hashed again (storage_recheck.cpp).
  void on(const RecheckDownload& recheck, Context& context);
  void on(const ReopenDownload& reopen, Context& context);
  void on(const PieceHashed& hashed, Context& context);
  void on(const StretchHashed& hashed, Context& context);
  void on(const HashFailed& failed, Context& context);

  // What the checker has done to directories (storage_trees.cpp).
  void on(const TreeFound& found, Context& context);
  void on(const TreeFinished& finished, Context& context);
  void on(const TreeSeen& seen, Context& context);
  void on(const TreeRemoved& removed, Context& context);

  // Limits (storage_limits.cpp).
  void on(const SetLimit& set, Context& context);
  void on(const ListLimits& list, Context& context);
  void on(const WatchLimits& watch, Context& context);

 private:
  static constexpr std::size_t renamed_max = 4096;

  struct Asker {
    Address address;
    std::uint64_t tag;
  };
  /// A download whose doubtful pieces are hashed again, one after the other.
  struct Recheck {
    std::vector<Asker> askers;
    Bitfield verified;
    std::deque<PieceIndex> doubtful = {};  ///< the first is being hashed
    std::vector<PieceIndex> bad = {};
    std::optional<DownloadRecord> complete = {};  ///< it is one that is complete
    bool told = false;                            ///< the askers hear how far it is
    ByteCount right = {};
    FileIdentity identity = {};  ///< of a complete one when this began; nothing's if it was gone
    HashJob job = {};            ///< the checker's
    /// The SHA-1 of the whole is made in the same pass, as long as all pieces are right.
    bool hashes_whole = false;
    bool piece_right = false;        ///< the one that has just been hashed in that pass
    std::optional<Sha1> whole = {};  ///< in the end
  };
  /// Pieces of a download that are journalled and not known to be on the platter.
  struct Unsynced {
    std::vector<PieceIndex> pieces;
    bool due = false;  ///< a timer or a sync is on its way
  };
  /// What a sync under way vouches for.
  struct PartSync {
    DownloadId download;
    std::vector<PieceIndex> pieces;
  };
  using Sync = std::variant<SyncDue, PartSync>;

  /// Why it is looked up what there is of a download.
  enum class Resumption : std::uint8_t { fetches, rechecks };
  using Then = std::function<void(Context&)>;
  struct Finding {
    Asker asker;
    Resumption why;
    JournalledPieces pieces;
  };
  struct Finishing {
    Asker asker;
  };
  struct Looking {
    Asker asker;
    DownloadRecord complete;
  };
  struct LookingAgain {
    Recheck recheck;
  };
  struct TidyingUp {
    Asker asker;
    DownloadFinished finished;
  };
  struct Removing {
    Asker asker;
  };
  /// What the checker does to the directory of a download, and what is done then.
  struct TreeWork {
    using What = std::variant<Finding, Finishing, TidyingUp, Looking, LookingAgain, Removing>;
    DownloadId download;
    What what;
    std::deque<Then> put_off = {};
  };

  static void complain(const DiskDone& fault);
  void begin_sync(const std::string& path, Sync what, Context& context);
  void vouch_later(const ShareRecord& share, Context& context);
  void vouch_later(DownloadId id, const std::vector<PieceIndex>& pieces, Context& context);

  // Directories (storage_trees.cpp).
  TreeDisk& trees() const;
  DiskDone open_share(const ShareRecord& share);
  void keep_manifest(const Fid& fid, const std::string& path);
  OrFault<bool> learn_manifest(const DownloadRecord& download, const Bitfield& known, bool there);
  void resume_tree(const Asker& asker, DownloadId id, Resumption why, Context& context);
  OrFault<bool> resume_manifest(DownloadRecord& download, JournalledPieces& pieces);
  DiskDone take_findings(DownloadRecord& download, JournalledPieces& pieces, const TreeFound& found);
  DiskDone forget(DownloadId id, JournalledPieces& pieces, const Bitfield& gone);
  bool began_anew(DownloadRecord& download);
  static DiskDone part_differs(const DownloadRecord& download, const std::vector<PieceIndex>& bad);
  std::optional<TreeBefore> shared_before(const DownloadRecord& download) const;
  void finish_tree(const Asker& asker, const DownloadRecord& download, Context& context);
  void tree_finished(const Asker& asker, DownloadId id, const TreeFinished& finished, Context& context);
  void recheck_complete_tree(const Asker& asker, DownloadRecord download, Context& context);
  void recheck_tree_as_seen(const Asker& asker, DownloadRecord download,
                            const OrFault<FileIdentity>& identity, Context& context);
  DiskDone reopen_tree(DownloadRecord& download, const Bitfield& right);

  template <class Order>
  void work_on_tree(DownloadId id, Order order, TreeWork::What what, Context& context);
  TreeWork work_done(std::uint64_t tag);
  void go_on(TreeWork work, Context& context);
  void when_at_rest(DownloadId id, Then what, Context& context);
  void when_all_at_rest(Then what, Context& context);

  // What the messages of these names are about, when the download's directory is at rest.
  void recall_shares(const RecallShares& recall, Address asker, Context& context);
  void recall_downloads(const RecallDownloads& recall, Address asker, Context& context);
  void read_block(Address asker, const ReadBlock& read, Context& context);
  void prepare_again(const Asker& asker, const DownloadRecord& download, Context& context);
  void recheck_download(const Asker& asker, DownloadId id, Context& context);
  void reopen_download(const Asker& asker, const ReopenDownload& order, Context& context);
  void finish_download(const Asker& asker, const FinishDownload& finish, Context& context);
  void settle_download(const SettleDownload& settle, Context& context);
  void remove_download(const Asker& asker, const ForgetDownload& forget, Context& context);
  void forget_download(const Asker& asker, DownloadId id, Context& context);

  OrFault<DownloadRecord> make_part(DownloadRecord download);
  /// The pieces of a download that was begun before.
  OrFault<JournalledPieces> resume_part(DownloadRecord& download);
  void resume(const Asker& asker, DownloadId id, Resumption why, Context& context);
  void resumed(const Asker& asker, DownloadId id, JournalledPieces pieces, Resumption why, Context& context);
  DiskDone take_back_name(const DownloadRecord& download);
  void begin_recheck(DownloadId id, Recheck recheck, const Bitfield& doubtful, Context& context);
  void recheck_complete(const Asker& asker, DownloadRecord download, Context& context);
  void end_complete_recheck(Recheck recheck, Context& context);
  void conclude_complete_recheck(const Recheck& recheck, const OrFault<FileIdentity>& now, Context& context);
  void give_up_recheck(DownloadId id, Context& context);
  DiskDone reopen(DownloadRecord& download, const std::vector<PieceIndex>& pieces);
  void check_next(DownloadId id, Context& context);
  void drop_whole(Recheck& recheck, Context& context);
  std::optional<DownloadId> rechecked(HashJob job);
  void checked(DownloadId id, bool good, Context& context);
  void prepared(const std::vector<Asker>& askers, DownloadRecord download, const Bitfield& verified,
                Context& context);
  void refuse(const Asker& asker, const DiskFault& fault, Context& context);
  DiskDone complete(DownloadRecord download, const FileIdentity& identity, const Bytes& pieces,
                    Context& context);

  bool read_limits();

  static Address asker_of_recall(std::deque<Address>& waiting, Context& context);

  std::string current_path(const std::string& path) const;
  void remember_rename(const std::string& from, const std::string& to);

  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<ClientStore> store_;
  const Ref<FileHasherRole> checker_;
  /// Unfinished downloads of this life, by id: to write what is new about them.
  std::unordered_map<DownloadId, DownloadRecord> downloads_;
  std::unordered_map<DownloadId, Recheck> rechecks_;
  std::set<DownloadId> unsure_;           ///< directories of which nothing is believed before it is hashed
  std::map<HashJob, DownloadId> checks_;  ///< that the checker has not answered; of rechecks given up, too
  HashJob last_check_;
  std::unordered_map<DownloadId, Unsynced> unsynced_;
  std::map<std::uint64_t, Sync> syncs_;  ///< that the checker does, by tag
  std::uint64_t last_tag_ = 0;
  std::map<std::uint64_t, Asker> looks_;            ///< at directories, that the checker does, by tag
  std::map<std::uint64_t, TreeWork> works_;         ///< of the checker, by tag
  std::map<DownloadId, std::deque<Then>> put_off_;  ///< by that, one entry for each of works_
  std::vector<Then> recalls_put_off_;
  /// Who asked for what could not be read: as many timers run, and end in this order.
  std::deque<Address> waiting_for_shares_;
  std::deque<Address> waiting_for_downloads_;
  std::optional<std::vector<RateLimit>> limits_;  ///< once they have been read
  std::set<Address> watchers_;                    ///< of the limits
  std::unordered_map<std::string, std::string> renamed_;
  std::deque<std::string> renamed_order_;
};

}  // namespace tutti
