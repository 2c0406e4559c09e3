#include <array>
#include <fstream>
#include <mutex>
#include <string_view>

#include "actors/log.hpp"
#include "actors/sqlite.hpp"
#include "messages/codec.hpp"
#include "messages/known_trackers.hpp"
#include "peer/client_store.hpp"
#include "peer/state_folder.hpp"
#include "peer/tree_path.hpp"

namespace tutti {
namespace {

/// What each version of the schema adds to the one before.
constexpr std::array<const char*, 5> schema{
    R"sql(
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
-- Each boot of the machine that this folder was used in. What is vouched for by boot 0 is synced.
CREATE TABLE boot(number INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE);
CREATE TABLE metainfo(fid BLOB PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE share(
  number INTEGER PRIMARY KEY, uid BLOB NOT NULL, gid BLOB NOT NULL, group_name TEXT NOT NULL, fid BLOB NOT NULL,
  path TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
  device INTEGER NOT NULL, boot INTEGER NOT NULL, UNIQUE(uid, gid, fid));
CREATE TABLE download(
  number INTEGER PRIMARY KEY, uid BLOB NOT NULL, gid BLOB NOT NULL, group_name TEXT NOT NULL, fid BLOB NOT NULL,
  path TEXT NOT NULL, part_path TEXT NOT NULL, phase INTEGER NOT NULL, code INTEGER NOT NULL,
  sentence TEXT NOT NULL);
CREATE TABLE verified_piece(
  download INTEGER NOT NULL, piece INTEGER NOT NULL, boot INTEGER NOT NULL,
  PRIMARY KEY(download, piece)) WITHOUT ROWID;
)sql",
    R"sql(
ALTER TABLE share ADD COLUMN changed_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE share ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE download ADD COLUMN share INTEGER NOT NULL DEFAULT 1;
ALTER TABLE download ADD COLUMN whole BLOB NOT NULL DEFAULT x'';
)sql",
    R"sql(
ALTER TABLE download ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE download ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
ALTER TABLE download ADD COLUMN sequential INTEGER NOT NULL DEFAULT 0;
CREATE TABLE rate_limit(
  number INTEGER PRIMARY KEY, direction INTEGER NOT NULL, group_name TEXT NOT NULL, from_minute INTEGER NOT NULL,
  until_minute INTEGER NOT NULL, bytes_per_second INTEGER NOT NULL);
)sql",
    R"sql(
ALTER TABLE share ADD COLUMN pieces BLOB NOT NULL DEFAULT x'';
ALTER TABLE download ADD COLUMN tree BLOB NOT NULL DEFAULT x'';
CREATE TABLE manifest(fid BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE export(
  number INTEGER PRIMARY KEY AUTOINCREMENT, gid BLOB NOT NULL, fid BLOB NOT NULL, record BLOB NOT NULL,
  UNIQUE(gid, fid));
)sql"};

/// What is remembered of the download of a directory besides what is of every download.
struct TreeColumns {
  std::vector<std::string> only;
  Bytes wanted;
  Bytes existing;
  TUTTI_RECORD(TreeColumns, only, wanted, existing);
};

/// Why the store cannot be used though SQLite has no complaint.
enum class Unusable : std::uint8_t { damaged, of_a_newer_version };

DiskFault fault_of(Unusable why, const std::string& path) {
  return {Code::io_error,
          "the client's state '" + path +
              (why == Unusable::damaged
                   ? "' is damaged; restore it, or remove it to begin with empty shares"
                   : "' was written by a newer version; use that one, or another --state DIR")};
}

DiskFault fault_of(const SqliteError& error, const std::string& path) {
  if (error.is_damaged()) return fault_of(Unusable::damaged, path);
  const std::string what = "the client's state '" + path + "' ";
  if (error.code() == Code::disk_full)
    return {Code::disk_full, what + "cannot be written: the disk is full; make room and try again"};
  return {error.code(), what + "cannot be used: " + error.what()};
}

/// SQLite's integers have a sign; the bits come back as they went.
std::int64_t bindable(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::string_view bindable(const std::string& value) { return value; }
ByteView bindable(ByteView value) { return value; }

/// A statement with its values bound, in the order of its question marks.
template <class... Values>
SqliteStatement query(SqliteDatabase& database, const char* sql, const Values&... values) {
  SqliteStatement statement = database.prepare(sql);
  int position = 0;
  (statement.bind(++position, bindable(values)), ...);
  return statement;
}
template <class... Values>
void run(SqliteDatabase& database, const char* sql, const Values&... values) {
  query(database, sql, values...).run();
}

std::uint64_t number_at(const SqliteStatement& row, int column) {
  return static_cast<std::uint64_t>(row.number(column));
}
/// An id; all zeros if the column has another length.
template <class Id>
Id id_at(const SqliteStatement& row, int column) {
  const ByteView bytes = row.blob(column);
  return bytes.size() == Id::size ? Id::from(bytes) : Id{};
}

/// While it lives, a commit returns when it is on the disk.
class SyncEachCommit {
 public:
  explicit SyncEachCommit(SqliteDatabase& database) : database_(database) {
    database_.execute("PRAGMA synchronous = FULL");
  }
  SyncEachCommit(const SyncEachCommit&) = delete;
  SyncEachCommit& operator=(const SyncEachCommit&) = delete;
  ~SyncEachCommit() {
    try {
      database_.execute("PRAGMA synchronous = NORMAL");
    } catch (const SqliteError&) {
      // Then later commits are slower than they need be.
    }
  }

 private:
  SqliteDatabase& database_;
};

class SqliteClientStore final : public ClientStore {
 public:
  SqliteClientStore(std::unique_ptr<StateFolder> folder, const std::string& boot_id)
      : folder_(std::move(folder)), path_(folder_->path_of("client.db")), database_(path_) {
    configure();
    migrate();
    SqliteTransaction transaction(database_);
    run(database_, "INSERT OR IGNORE INTO boot(boot_id) VALUES(?)", boot_id);
    SqliteStatement number = query(database_, "SELECT number FROM boot WHERE boot_id = ?", boot_id);
    number.step();
    boot_ = number_at(number, 0);
    transaction.commit();
  }

  const ClientIdentity& identity() const override { return folder_->identity(); }
  DiskDone remember_tracker(const std::string& endpoint, const LinkKey& key) override {
    return folder_->add_line(known_trackers_file, known_tracker_line(endpoint, key));
  }

  OrFault<RequestCounter> reserve_request_counters(std::uint32_t count) override {
    return guarded<RequestCounter>([&] {
      // A counter that is used twice would get an old request's outcome, so this must survive a power loss, too.
      const SyncEachCommit sync(database_);
      const std::uint64_t last = count_on("request", count);
      return RequestCounter{last - count + 1};
    });
  }

  DiskDone put_share(const ShareRecord& share) override {
    return done([&] { write_share(share); });
  }
  DiskDone mark_share_synced(const Uid& uid, const Gid& gid, const Fid& fid,
                             const FileIdentity& identity) override {
    return done([&] {
      run(database_, R"sql(
          UPDATE share SET boot = 0 WHERE uid = ? AND gid = ? AND fid = ? AND boot = ?
            AND size = ? AND modified_ns = ? AND inode = ? AND device = ? AND changed_ns = ?)sql",
          uid.view(), gid.view(), fid.view(), boot_, identity.size.value,
          static_cast<std::uint64_t>(identity.modified_ns), identity.inode, identity.device,
          static_cast<std::uint64_t>(identity.changed_ns));
    });
  }
  DiskDone forget_share(const Uid& uid, const Gid& gid, const Fid& fid) override {
    return done([&] {
      run(database_, "DELETE FROM share WHERE uid = ? AND gid = ? AND fid = ?", uid.view(), gid.view(),
          fid.view());
      drop_unused_metainfo(fid);
    });
  }
  OrFault<std::vector<ShareRecord>> shares_of(const Uid& uid) override {
    return guarded<std::vector<ShareRecord>>([&] {
      SqliteStatement rows = query(database_, R"sql(
          SELECT gid, group_name, fid, record, path, size, modified_ns, inode, device, changed_ns, stopped, boot,
                 pieces
          FROM share JOIN metainfo USING(fid) WHERE uid = ? ORDER BY number)sql",
                                   uid.view());
      std::vector<ShareRecord> shares;
      while (rows.step()) keep_sound(rows.text(4), [&] { shares.push_back(share_at(rows, uid)); });
      return shares;
    });
  }

  OrFault<DownloadId> next_download_id() override {
    return guarded<DownloadId>([&] { return DownloadId{count_on("download", 1)}; });
  }
  DiskDone put_download(const DownloadRecord& download) override {
    return done([&] { write_download(download); });
  }
  DiskDone journal(DownloadId id, std::span<const PieceIndex> pieces) override {
    return done([&] { write_pieces(id, pieces); });
  }
  DiskDone mark_synced(DownloadId id, std::span<const PieceIndex> pieces) override {
    return done([&] {
      // A piece of another boot that was not synced then is not made trustworthy by a sync now.
      for (const PieceIndex piece : pieces)
        run(database_, "UPDATE verified_piece SET boot = 0 WHERE download = ? AND piece = ? AND boot = ?",
            id.value, std::uint64_t{piece.value}, boot_);
    });
  }
  DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) override {
    return done([&] {
      for (const PieceIndex piece : pieces)
        run(database_, "DELETE FROM verified_piece WHERE download = ? AND piece = ?", id.value,
            std::uint64_t{piece.value});
    });
  }
  DiskDone complete_download(const DownloadRecord& download,
                             const std::optional<ShareRecord>& share) override {
    return done([&] {
      write_download(download);
      run(database_, "DELETE FROM verified_piece WHERE download = ?", download.id.value);
      if (share) write_share(*share);
    });
  }
  DiskDone reopen_download(const DownloadRecord& download, std::span<const PieceIndex> pieces) override {
    return done([&] {
      write_download(download);
      run(database_, "DELETE FROM verified_piece WHERE download = ?", download.id.value);
      write_pieces(download.id, pieces);
      run(database_, "DELETE FROM share WHERE uid = ? AND gid = ? AND fid = ? AND path = ?",
          download.uid.view(), download.gid.view(), download.fid.view(), shared_path(download));
    });
  }
  DiskDone forget_download(DownloadId id) override {
    return done([&] {
      run(database_, "DELETE FROM verified_piece WHERE download = ?", id.value);
      SqliteStatement row = query(database_, "SELECT fid FROM download WHERE number = ?", id.value);
      if (!row.step()) return;
      const Fid fid = id_at<Fid>(row, 0);
      run(database_, "DELETE FROM download WHERE number = ?", id.value);
      drop_unused_metainfo(fid);
    });
  }
  OrFault<std::optional<DownloadRecord>> download_of(DownloadId id) override {
    return guarded<std::optional<DownloadRecord>>([&]() -> std::optional<DownloadRecord> {
      SqliteStatement row = query(database_, R"sql(
          SELECT number, uid, gid, group_name, fid, record, path, part_path, phase, code, sentence, share, whole,
                 paused, priority, sequential, tree
          FROM download JOIN metainfo USING(fid) WHERE number = ?)sql",
                                  id.value);
      if (!row.step()) return std::nullopt;
      return download_at(row);
    });
  }
  OrFault<std::vector<DownloadRecord>> downloads_of(const Uid& uid) override {
    return guarded<std::vector<DownloadRecord>>([&] {
      SqliteStatement rows = query(database_, R"sql(
          SELECT number, uid, gid, group_name, fid, record, path, part_path, phase, code, sentence, share, whole,
                 paused, priority, sequential, tree
          FROM download JOIN metainfo USING(fid) WHERE uid = ? ORDER BY number)sql",
                                   uid.view());
      std::vector<DownloadRecord> downloads;
      while (rows.step())
        keep_sound(rows.text(6), [&] {
          downloads.push_back(download_at(rows));
          if (downloads.back().phase == DownloadPhase::complete) drop_digests(downloads.back().metainfo);
        });
      return downloads;
    });
  }
  OrFault<JournalledPieces> pieces_of(DownloadId id, std::uint32_t count) override {
    return guarded<JournalledPieces>([&] {
      JournalledPieces pieces{Bitfield(count), Bitfield(count)};
      SqliteStatement journal =
          query(database_, "SELECT piece, boot FROM verified_piece WHERE download = ?", id.value);
      while (journal.step()) {
        if (number_at(journal, 0) >= count) throw Unusable::damaged;
        const PieceIndex piece{static_cast<std::uint32_t>(number_at(journal, 0))};
        (doubtful(number_at(journal, 1)) ? pieces.doubtful : pieces.verified).set(piece);
      }
      return pieces;
    });
  }

  DiskDone put_manifest(const Fid& fid, ByteView manifest) override {
    return done(
        [&] { run(database_, "INSERT OR REPLACE INTO manifest VALUES(?, ?)", fid.view(), manifest); });
  }
  OrFault<std::optional<Bytes>> manifest_of(const Fid& fid) override {
    return guarded<std::optional<Bytes>>([&]() -> std::optional<Bytes> {
      SqliteStatement row = query(database_, "SELECT bytes FROM manifest WHERE fid = ?", fid.view());
      if (!row.step()) return std::nullopt;
      return Bytes(row.blob(0).begin(), row.blob(0).end());
    });
  }

  DiskDone put_export(const OrchExport& exported) override {
    return done([&] {
      const Bytes record = encode_record(exported);
      run(database_, "INSERT OR REPLACE INTO export(gid, fid, record) VALUES(?, ?, ?)", exported.gid.view(),
          exported.fid.view(), ByteView(record));
      run(database_,
          "DELETE FROM export WHERE number NOT IN (SELECT number FROM export ORDER BY number DESC LIMIT ?)",
          exports_max);
    });
  }
  OrFault<std::vector<OrchExport>> exports() override {
    return guarded<std::vector<OrchExport>>([&] {
      SqliteStatement rows = query(database_, "SELECT record FROM export ORDER BY number");
      std::vector<OrchExport> exports;
      while (rows.step())
        keep_sound("an exported file", [&] {
          Decoded<OrchExport> exported = decode_record<OrchExport>(rows.blob(0));
          if (!exported) throw Unusable::damaged;
          exports.push_back(std::move(*exported.value));
        });
      return exports;
    });
  }

  DiskDone put_limits(std::span<const RateLimit> limits) override {
    return done([&] {
      database_.execute("DELETE FROM rate_limit");
      for (const RateLimit& limit : limits)
        run(database_, R"sql(
            INSERT INTO rate_limit(direction, group_name, from_minute, until_minute, bytes_per_second)
            VALUES(?, ?, ?, ?, ?))sql",
            static_cast<std::uint64_t>(limit.direction), limit.group, std::uint64_t{limit.from_minute},
            std::uint64_t{limit.until_minute}, limit.bytes_per_second);
    });
  }
  OrFault<std::vector<RateLimit>> limits() override {
    return guarded<std::vector<RateLimit>>([&] {
      SqliteStatement rows = query(database_, R"sql(
          SELECT direction, group_name, from_minute, until_minute, bytes_per_second FROM rate_limit
          ORDER BY number)sql");
      std::vector<RateLimit> limits;
      while (rows.step())
        limits.push_back({static_cast<LimitDirection>(number_at(rows, 0)), rows.text(1),
                          static_cast<std::uint32_t>(number_at(rows, 2)),
                          static_cast<std::uint32_t>(number_at(rows, 3)), number_at(rows, 4)});
      return limits;
    });
  }

 private:
  void configure() {
    database_.execute("PRAGMA journal_mode = WAL");
    // What is committed survives the process; the log is synced before it is merged, so the file is never torn.
    database_.execute("PRAGMA synchronous = NORMAL");
  }
  void migrate() {
    SqliteTransaction transaction(database_);
    const std::uint64_t version = [&] {
      SqliteStatement row = query(database_, "PRAGMA user_version");
      row.step();
      return number_at(row, 0);
    }();
    if (version > schema.size()) throw Unusable::of_a_newer_version;
    for (std::size_t next = version; next < schema.size(); ++next) database_.execute(schema[next]);
    database_.execute(("PRAGMA user_version = " + std::to_string(schema.size())).c_str());
    transaction.commit();
  }

  /// Runs `call` in a transaction under the lock; what SQLite refuses becomes a fault and nothing is changed.
  template <class T, class Call>
  OrFault<T> guarded(Call&& call) {
    const std::lock_guard lock(mutex_);
    try {
      return call();
    } catch (const SqliteError& error) {
      return fault_of(error, path_);
    } catch (const Unusable why) {
      return fault_of(why, path_);
    }
  }
  template <class Call>
  DiskDone done(Call&& call) {
    const std::lock_guard lock(mutex_);
    try {
      SqliteTransaction transaction(database_);
      call();
      transaction.commit();
      return std::nullopt;
    } catch (const SqliteError& error) {
      return fault_of(error, path_);
    } catch (const Unusable why) {
      return fault_of(why, path_);
    }
  }

  /// Adds to a counter for ever; its new value.
  std::uint64_t count_on(const std::string& name, std::uint64_t count) {
    SqliteTransaction transaction(database_);
    run(database_,
        "INSERT INTO counter VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value",
        name, count);
    SqliteStatement row = query(database_, "SELECT value FROM counter WHERE name = ?", name);
    row.step();
    const std::uint64_t value = number_at(row, 0);
    transaction.commit();
    return value;
  }
  void write_share(const ShareRecord& share) {
    put_metainfo(share.fid, share.metainfo);
    run(database_, R"sql(
        INSERT INTO share(uid, gid, group_name, fid, path, size, modified_ns, inode, device, changed_ns, stopped,
                          boot, pieces)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT(uid, gid, fid) DO UPDATE SET group_name = excluded.group_name, path = excluded.path,
          size = excluded.size, modified_ns = excluded.modified_ns, inode = excluded.inode,
          device = excluded.device, changed_ns = excluded.changed_ns, stopped = excluded.stopped,
          boot = excluded.boot, pieces = excluded.pieces)sql",
        share.uid.view(), share.gid.view(), share.group.text, share.fid.view(), share.path,
        share.identity.size.value, static_cast<std::uint64_t>(share.identity.modified_ns),
        share.identity.inode, share.identity.device, static_cast<std::uint64_t>(share.identity.changed_ns),
        std::uint64_t{share.stopped}, boot_, ByteView(share.pieces));
  }
  void write_download(const DownloadRecord& download) {
    put_metainfo(download.fid, download.metainfo);
    const Bytes whole = encode_record(download.whole);
    const Bytes tree = download.metainfo.is_tree()
                           ? encode_record(TreeColumns{download.only, download.wanted, download.existing})
                           : Bytes();
    run(database_, R"sql(
        INSERT OR REPLACE INTO download(number, uid, gid, group_name, fid, path, part_path, phase, code, sentence,
                                        share, whole, paused, priority, sequential, tree)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))sql",
        download.id.value, download.uid.view(), download.gid.view(), download.group.text, download.fid.view(),
        download.path, download.part_path, static_cast<std::uint64_t>(download.phase),
        static_cast<std::uint64_t>(download.code), download.sentence, std::uint64_t{download.share},
        ByteView(whole), std::uint64_t{download.wishes.paused},
        static_cast<std::uint64_t>(download.wishes.priority), std::uint64_t{download.wishes.sequential},
        ByteView(tree));
  }
  void write_pieces(DownloadId id, std::span<const PieceIndex> pieces) {
    for (const PieceIndex piece : pieces)
      run(database_, "INSERT OR REPLACE INTO verified_piece(download, piece, boot) VALUES(?, ?, ?)", id.value,
          std::uint64_t{piece.value}, boot_);
  }
  void put_metainfo(const Fid& fid, const Metainfo& metainfo) {
    const Bytes record = encode_record(metainfo);
    // What is there is the same, unless it is damaged.
    run(database_, R"sql(
        INSERT INTO metainfo VALUES(?, ?)
        ON CONFLICT(fid) DO UPDATE SET record = excluded.record WHERE record <> excluded.record)sql",
        fid.view(), ByteView(record));
  }
  void drop_unused_metainfo(const Fid& fid) {
    run(database_, R"sql(
        DELETE FROM metainfo WHERE fid = ?1 AND NOT EXISTS(SELECT 1 FROM share WHERE fid = ?1)
          AND NOT EXISTS(SELECT 1 FROM download WHERE fid = ?1))sql",
        fid.view());
    run(database_,
        "DELETE FROM manifest WHERE fid = ?1 AND NOT EXISTS(SELECT 1 FROM metainfo WHERE fid = ?1)",
        fid.view());
  }
  Metainfo metainfo_of(ByteView record) {
    static constexpr DecodeLimits limits{.frame_bytes = 64U << 20U};
    const Decoded<Metainfo> decoded = decode_record<Metainfo>(record, limits);
    if (!decoded || !decoded->fault().empty()) throw Unusable::damaged;
    return *decoded;
  }

  /// One row that is damaged does not take the others with it.
  template <class Read>
  void keep_sound(const std::string& path, Read&& read) {
    try {
      read();
    } catch (const Unusable) {
      log_error("what the client's state '" + path_ + "' says of '" + path +
                "' is damaged and left out; share or download that file again");
    }
  }

  ShareRecord share_at(const SqliteStatement& row, const Uid& uid) {
    ShareRecord share{uid,
                      id_at<Gid>(row, 0),
                      {row.text(1)},
                      id_at<Fid>(row, 2),
                      metainfo_of(row.blob(3)),
                      row.text(4),
                      {{number_at(row, 5)},
                       static_cast<std::int64_t>(number_at(row, 6)),
                       number_at(row, 7),
                       number_at(row, 8),
                       static_cast<std::int64_t>(number_at(row, 9))},
                      number_at(row, 10) != 0,
                      Bytes(row.blob(12).begin(), row.blob(12).end())};
    if (doubtful(number_at(row, 11))) share.identity = FileIdentity{};
    return share;
  }
  DownloadRecord download_at(const SqliteStatement& row) {
    TreeColumns tree;
    if (!row.blob(16).empty()) {
      Decoded<TreeColumns> decoded = decode_record<TreeColumns>(row.blob(16));
      if (!decoded) throw Unusable::damaged;
      tree = std::move(*decoded.value);
    }
    return {
        {number_at(row, 0)},
        id_at<Uid>(row, 1),
        id_at<Gid>(row, 2),
        {row.text(3)},
        id_at<Fid>(row, 4),
        metainfo_of(row.blob(5)),
        row.text(6),
        row.text(7),
        static_cast<DownloadPhase>(number_at(row, 8)),
        static_cast<Code>(number_at(row, 9)),
        row.text(10),
        number_at(row, 11) != 0,
        identity_at(row, 12),
        {number_at(row, 13) != 0, static_cast<DownloadPriority>(number_at(row, 14)), number_at(row, 15) != 0},
        std::move(tree.only),
        std::move(tree.wanted),
        std::move(tree.existing)};
  }
  /// Nothing's, where none was written.
  static FileIdentity identity_at(const SqliteStatement& row, int column) {
    if (row.blob(column).empty()) return {};
    const Decoded<FileIdentity> identity = decode_record<FileIdentity>(row.blob(column));
    if (!identity) throw Unusable::damaged;
    return *identity;
  }
  bool doubtful(std::uint64_t boot) const { return boot != 0 && boot != boot_; }

  std::unique_ptr<StateFolder> folder_;
  std::string path_;
  std::mutex mutex_;
  SqliteDatabase database_;
  std::uint64_t boot_ = 0;
};

}  // namespace

OrFault<std::unique_ptr<ClientStore>> open_client_store(const std::string& directory) {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot_id;
  std::getline(file, boot_id);
  return open_client_store(directory, boot_id);
}

OrFault<std::unique_ptr<ClientStore>> open_client_store(const std::string& directory,
                                                        const std::string& boot_id) {
  OrFault<std::unique_ptr<StateFolder>> folder = StateFolder::open(directory);
  if (!folder) return folder.fault();
  const std::string path = (*folder)->path_of("client.db");
  try {
    return std::unique_ptr<ClientStore>(std::make_unique<SqliteClientStore>(std::move(*folder), boot_id));
  } catch (const SqliteError& error) {
    return fault_of(error, path);
  } catch (const Unusable why) {
    return fault_of(why, path);
  }
}

}  // namespace tutti
