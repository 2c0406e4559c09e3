#include <sqlite3.h>

#include <array>
#include <fstream>
#include <mutex>
#include <string_view>

#include "messages/codec.hpp"
#include "peer/client_store.hpp"
#include "peer/state_folder.hpp"

namespace tutti {
namespace {

/// What each version of the schema adds to the one before.
constexpr std::array<const char*, 2> schema{
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
)sql"};

/// What SQLite says, on its way to the call's DiskFault.
struct Failure {
  int code;
};

DiskFault fault_of(const Failure& failure, const std::string& path) {
  const std::string what = "the client's state '" + path + "' ";
  switch (failure.code & 0xff) {
    case SQLITE_FULL:
      return {Code::disk_full, what + "cannot be written: the disk is full; make room and try again"};
    case SQLITE_SCHEMA:
      return {Code::io_error, what + "was written by a newer version; use that one, or another --state DIR"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::io_error, what + "is damaged; restore it, or remove it to begin with empty shares"};
    default: return {Code::io_error, what + "cannot be used: " + sqlite3_errstr(failure.code)};
  }
}

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// One statement with its values bound, in the order of its question marks.
class Statement {
 public:
  template <class... Values>
  Statement(sqlite3* database, const char* sql, const Values&... values) {
    sqlite3_stmt* raw = nullptr;
    if (const int code = sqlite3_prepare_v2(database, sql, -1, &raw, nullptr); code != SQLITE_OK)
      throw Failure{code};
    statement_.reset(raw);
    int position = 0;
    (bind(++position, values), ...);
  }
  bool next() {
    const int code = sqlite3_step(statement_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) throw Failure{code};
    return code == SQLITE_ROW;
  }
  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
  }
  ByteView blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)};
  }
  std::string text(int column) const {
    const ByteView bytes = blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// An id; all zeros if the column has another length.
  template <class Id>
  Id id(int column) const {
    const ByteView bytes = blob(column);
    return bytes.size() == Id::size ? Id::from(bytes) : Id{};
  }

 private:
  void check(int code) const {
    if (code != SQLITE_OK) throw Failure{code};
  }
  void bind(int position, std::uint64_t value) {
    // SQLite's integers have a sign; the bits come back as they went.
    check(sqlite3_bind_int64(statement_.get(), position, static_cast<sqlite3_int64>(value)));
  }
  void bind(int position, ByteView value) {
    check(sqlite3_bind_blob64(statement_.get(), position, value.data(), value.size(), SQLITE_TRANSIENT));
  }
  void bind(int position, const std::string& value) {
    check(sqlite3_bind_text(statement_.get(), position, value.data(), static_cast<int>(value.size()),
                            SQLITE_TRANSIENT));
  }

  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
};

void execute(sqlite3* database, const char* sql) {
  if (const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
    throw Failure{code};
}

template <class... Values>
void run(sqlite3* database, const char* sql, const Values&... values) {
  Statement(database, sql, values...).next();
}

/// All or nothing: what is not committed is rolled back.
class Transaction {
 public:
  explicit Transaction(sqlite3* database) : database_(database) { execute(database_, "BEGIN IMMEDIATE"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!committed_) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void commit() {
    execute(database_, "COMMIT");
    committed_ = true;
  }

 private:
  sqlite3* database_;
  bool committed_ = false;
};

/// While it lives, a commit returns when it is on the disk.
class SyncEachCommit {
 public:
  explicit SyncEachCommit(sqlite3* database) : database_(database) {
    execute(database_, "PRAGMA synchronous = FULL");
  }
  SyncEachCommit(const SyncEachCommit&) = delete;
  SyncEachCommit& operator=(const SyncEachCommit&) = delete;
  ~SyncEachCommit() { sqlite3_exec(database_, "PRAGMA synchronous = NORMAL", nullptr, nullptr, nullptr); }

 private:
  sqlite3* database_;
};

class SqliteClientStore final : public ClientStore {
 public:
  SqliteClientStore(std::unique_ptr<StateFolder> folder, const std::string& boot_id)
      : folder_(std::move(folder)), path_(folder_->path_of("client.db")) {
    open_database();
    migrate();
    Transaction transaction(database());
    run(database(), "INSERT OR IGNORE INTO boot(boot_id) VALUES(?)", boot_id);
    Statement number(database(), "SELECT number FROM boot WHERE boot_id = ?", boot_id);
    number.next();
    boot_ = number.number(0);
    transaction.commit();
  }

  const ClientIdentity& identity() const override { return folder_->identity(); }

  OrFault<RequestCounter> reserve_request_counters(std::uint32_t count) override {
    return guarded<RequestCounter>([&] {
      // A counter that is used twice would get an old request's outcome, so this must survive a power loss, too.
      const SyncEachCommit sync(database());
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
      run(database(), R"sql(
          UPDATE share SET boot = 0 WHERE uid = ? AND gid = ? AND fid = ? AND boot = ?
            AND size = ? AND modified_ns = ? AND inode = ? AND device = ? AND changed_ns = ?)sql",
          uid.view(), gid.view(), fid.view(), boot_, identity.size.value,
          static_cast<std::uint64_t>(identity.modified_ns), identity.inode, identity.device,
          static_cast<std::uint64_t>(identity.changed_ns));
    });
  }
  DiskDone forget_share(const Uid& uid, const Gid& gid, const Fid& fid) override {
    return done([&] {
      run(database(), "DELETE FROM share WHERE uid = ? AND gid = ? AND fid = ?", uid.view(), gid.view(),
          fid.view());
      drop_unused_metainfo(fid);
    });
  }
  OrFault<std::vector<ShareRecord>> shares_of(const Uid& uid) override {
    return guarded<std::vector<ShareRecord>>([&] {
      Statement rows(database(), R"sql(
          SELECT gid, group_name, fid, record, path, size, modified_ns, inode, device, changed_ns, stopped, boot
          FROM share JOIN metainfo USING(fid) WHERE uid = ? ORDER BY number)sql",
                     uid.view());
      std::vector<ShareRecord> shares;
      while (rows.next()) shares.push_back(share_at(rows, uid));
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
    return done([&] {
      for (const PieceIndex piece : pieces)
        run(database(), "INSERT OR REPLACE INTO verified_piece(download, piece, boot) VALUES(?, ?, ?)",
            id.value, std::uint64_t{piece.value}, boot_);
    });
  }
  DiskDone mark_synced(DownloadId id, std::span<const PieceIndex> pieces) override {
    return done([&] {
      // A piece of another boot that was not synced then is not made trustworthy by a sync now.
      for (const PieceIndex piece : pieces)
        run(database(), "UPDATE verified_piece SET boot = 0 WHERE download = ? AND piece = ? AND boot = ?",
            id.value, std::uint64_t{piece.value}, boot_);
    });
  }
  DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) override {
    return done([&] {
      for (const PieceIndex piece : pieces)
        run(database(), "DELETE FROM verified_piece WHERE download = ? AND piece = ?", id.value,
            std::uint64_t{piece.value});
    });
  }
  DiskDone complete_download(const DownloadRecord& download,
                             const std::optional<ShareRecord>& share) override {
    return done([&] {
      write_download(download);
      run(database(), "DELETE FROM verified_piece WHERE download = ?", download.id.value);
      if (share) write_share(*share);
    });
  }
  OrFault<std::vector<DownloadRecord>> downloads_of(const Uid& uid) override {
    return guarded<std::vector<DownloadRecord>>([&] {
      Statement rows(database(), R"sql(
          SELECT number, gid, group_name, fid, record, path, part_path, phase, code, sentence, share, whole
          FROM download JOIN metainfo USING(fid) WHERE uid = ? ORDER BY number)sql",
                     uid.view());
      std::vector<DownloadRecord> downloads;
      while (rows.next()) downloads.push_back(download_at(rows, uid));
      return downloads;
    });
  }
  OrFault<JournalledPieces> pieces_of(DownloadId id, std::uint32_t count) override {
    return guarded<JournalledPieces>([&] {
      JournalledPieces pieces{Bitfield(count), Bitfield(count)};
      Statement journal(database(), "SELECT piece, boot FROM verified_piece WHERE download = ?", id.value);
      while (journal.next()) {
        if (journal.number(0) >= count) throw Failure{SQLITE_CORRUPT};
        const PieceIndex piece{static_cast<std::uint32_t>(journal.number(0))};
        (doubtful(journal.number(1)) ? pieces.doubtful : pieces.verified).set(piece);
      }
      return pieces;
    });
  }

 private:
  sqlite3* database() { return database_.get(); }

  void open_database() {
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    database_.reset(raw);
    if (code != SQLITE_OK) throw Failure{code};
    sqlite3_extended_result_codes(raw, 1);
    execute(raw, "PRAGMA journal_mode = WAL");
    // What is committed survives the process; the log is synced before it is merged, so the file is never torn.
    execute(raw, "PRAGMA synchronous = NORMAL");
  }
  void migrate() {
    Transaction transaction(database());
    const std::uint64_t version = [&] {
      Statement row(database(), "PRAGMA user_version");
      row.next();
      return row.number(0);
    }();
    if (version > schema.size()) throw Failure{SQLITE_SCHEMA};
    for (std::size_t next = version; next < schema.size(); ++next) execute(database(), schema[next]);
    execute(database(), ("PRAGMA user_version = " + std::to_string(schema.size())).c_str());
    transaction.commit();
  }

  /// Runs `call` in a transaction under the lock; what SQLite refuses becomes a fault and nothing is changed.
  template <class T, class Call>
  OrFault<T> guarded(Call&& call) {
    const std::lock_guard lock(mutex_);
    try {
      return call();
    } catch (const Failure& failure) {
      return fault_of(failure, path_);
    }
  }
  template <class Call>
  DiskDone done(Call&& call) {
    const std::lock_guard lock(mutex_);
    try {
      Transaction transaction(database());
      call();
      transaction.commit();
      return std::nullopt;
    } catch (const Failure& failure) {
      return fault_of(failure, path_);
    }
  }

  /// Adds to a counter for ever; its new value.
  std::uint64_t count_on(const std::string& name, std::uint64_t count) {
    Transaction transaction(database());
    run(database(),
        "INSERT INTO counter VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value",
        name, count);
    Statement row(database(), "SELECT value FROM counter WHERE name = ?", name);
    row.next();
    const std::uint64_t value = row.number(0);
    transaction.commit();
    return value;
  }
  void write_share(const ShareRecord& share) {
    put_metainfo(share.fid, share.metainfo);
    run(database(), R"sql(
        INSERT INTO share(uid, gid, group_name, fid, path, size, modified_ns, inode, device, changed_ns, stopped,
                          boot)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT(uid, gid, fid) DO UPDATE SET group_name = excluded.group_name, path = excluded.path,
          size = excluded.size, modified_ns = excluded.modified_ns, inode = excluded.inode,
          device = excluded.device, changed_ns = excluded.changed_ns, stopped = excluded.stopped,
          boot = excluded.boot)sql",
        share.uid.view(), share.gid.view(), share.group.text, share.fid.view(), share.path,
        share.identity.size.value, static_cast<std::uint64_t>(share.identity.modified_ns),
        share.identity.inode, share.identity.device, static_cast<std::uint64_t>(share.identity.changed_ns),
        std::uint64_t{share.stopped}, boot_);
  }
  void write_download(const DownloadRecord& download) {
    put_metainfo(download.fid, download.metainfo);
    const Bytes whole = encode_record(download.whole);
    run(database(), R"sql(
        INSERT OR REPLACE INTO download(number, uid, gid, group_name, fid, path, part_path, phase, code, sentence,
                                        share, whole)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))sql",
        download.id.value, download.uid.view(), download.gid.view(), download.group.text, download.fid.view(),
        download.path, download.part_path, static_cast<std::uint64_t>(download.phase),
        static_cast<std::uint64_t>(download.code), download.sentence, std::uint64_t{download.share},
        ByteView(whole));
  }
  void put_metainfo(const Fid& fid, const Metainfo& metainfo) {
    const Bytes record = encode_record(metainfo);
    run(database(), "INSERT OR IGNORE INTO metainfo VALUES(?, ?)", fid.view(), ByteView(record));
  }
  void drop_unused_metainfo(const Fid& fid) {
    run(database(), R"sql(
        DELETE FROM metainfo WHERE fid = ?1 AND NOT EXISTS(SELECT 1 FROM share WHERE fid = ?1)
          AND NOT EXISTS(SELECT 1 FROM download WHERE fid = ?1))sql",
        fid.view());
  }
  Metainfo metainfo_of(ByteView record) {
    static constexpr DecodeLimits limits{.frame_bytes = 64U << 20U};
    const Decoded<Metainfo> decoded = decode_record<Metainfo>(record, limits);
    if (!decoded || !decoded->fault().empty()) throw Failure{SQLITE_CORRUPT};
    return *decoded;
  }

  ShareRecord share_at(const Statement& row, const Uid& uid) {
    ShareRecord share{uid,
                      row.id<Gid>(0),
                      {row.text(1)},
                      row.id<Fid>(2),
                      metainfo_of(row.blob(3)),
                      row.text(4),
                      {{row.number(5)},
                       static_cast<std::int64_t>(row.number(6)),
                       row.number(7),
                       row.number(8),
                       static_cast<std::int64_t>(row.number(9))},
                      row.number(10) != 0};
    if (doubtful(row.number(11))) share.identity = FileIdentity{};
    return share;
  }
  DownloadRecord download_at(const Statement& row, const Uid& uid) {
    DownloadRecord record{{row.number(0)},
                          uid,
                          row.id<Gid>(1),
                          {row.text(2)},
                          row.id<Fid>(3),
                          metainfo_of(row.blob(4)),
                          row.text(5),
                          row.text(6),
                          static_cast<DownloadPhase>(row.number(7)),
                          static_cast<Code>(row.number(8)),
                          row.text(9),
                          row.number(10) != 0,
                          identity_at(row, 11)};
    if (record.phase == DownloadPhase::complete) drop_digests(record.metainfo);
    return record;
  }
  /// Nothing's, where none was written.
  static FileIdentity identity_at(const Statement& row, int column) {
    if (row.blob(column).empty()) return {};
    const Decoded<FileIdentity> identity = decode_record<FileIdentity>(row.blob(column));
    if (!identity) throw Failure{SQLITE_CORRUPT};
    return *identity;
  }
  bool doubtful(std::uint64_t boot) const { return boot != 0 && boot != boot_; }

  std::unique_ptr<StateFolder> folder_;
  std::string path_;
  std::mutex mutex_;
  Database database_;
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
  } catch (const Failure& failure) {
    return fault_of(failure, path);
  }
}

}  // namespace tutti
