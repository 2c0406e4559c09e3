#include <map>

#include "actors/link_keys.hpp"
#include "actors/log.hpp"
#include "actors/sqlite.hpp"
#include "messages/codec.hpp"
#include "messages/known_trackers.hpp"
#include "tracker/facts.hpp"
#include "tracker/store.hpp"
#include "tracker/stored.hpp"

namespace tutti {

namespace {

constexpr std::int64_t schema_version = 1;
// A commit that waits behind a truncation is not to be kept waiting for long, and a delta may be large.
constexpr std::int64_t truncated_at_once = 100;

// identity  one row: whose store this is
// origins   short numbers for origins, with the head of each log
// log       the deltas as they were made
// facts     the rows that the deltas join to; a file's row without its piece digests
// metainfo  the whole metainfo of each file, by the key of its row
constexpr const char* schema = R"(
  CREATE TABLE identity(version INTEGER NOT NULL, store BLOB NOT NULL, number INTEGER NOT NULL);
  CREATE TABLE origins(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, sequence INTEGER NOT NULL, hash BLOB NOT NULL);
  CREATE TABLE log(origin INTEGER NOT NULL, sequence INTEGER NOT NULL, delta BLOB NOT NULL,
                   PRIMARY KEY(origin, sequence)) WITHOUT ROWID;
  CREATE TABLE facts(bucket INTEGER NOT NULL, key BLOB NOT NULL, fact BLOB NOT NULL,
                     PRIMARY KEY(bucket, key)) WITHOUT ROWID;
  CREATE TABLE metainfo(key BLOB PRIMARY KEY, record BLOB NOT NULL);
)";

std::int64_t as_integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

template <Message M>
M decode_stored(ByteView bytes) {
  Decoded<M> decoded = decode<M>(bytes, stored);
  if (!decoded) throw SqliteError(0, "a stored message does not decode: " + decoded.fault);
  return std::move(*decoded.value);
}

template <Record T>
T decode_stored_record(ByteView bytes) {
  Decoded<T> decoded = decode_record<T>(bytes, stored);
  if (!decoded) throw SqliteError(0, "a stored record does not decode: " + decoded.fault);
  return std::move(*decoded.value);
}

/// One SQLite file in write-ahead mode with synchronous = FULL: a transaction that has returned survives a loss of
/// power. The file is locked for as long as it is open, so two trackers never write one store.
class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::string path) : path_(std::move(path)) { open(); }

  StoreFault remember_neighbour(const std::string& endpoint, const LinkKey& key) override {
    const std::string known = path_.substr(0, path_.rfind('/')) + "/known_trackers";
    const int error = add_private_line(known, known_tracker_line(endpoint, key));
    if (error == 0) return {};
    return {error == ENOSPC ? Code::disk_full : Code::io_error,
            "the key of the tracker at " + endpoint + " cannot be remembered in " + known + ": " +
                std::generic_category().message(error)};
  }

  /// What is wrong with the store for this tracker; makes a fresh one if the file is empty.
  std::string claim(std::uint32_t number, const StoreId& fresh_id) {
    if (const std::string fault = make_schema(number, fresh_id); !fault.empty()) return fault;
    SqliteStatement identity = database_->prepare("SELECT version, store, number FROM identity");
    if (!identity.step()) return "the store in " + path_ + " has no identity: it is damaged";
    const std::int64_t version = identity.number(0);
    const ByteView id = identity.blob(1);
    const std::int64_t owner = identity.number(2);
    if (version != schema_version || id.size() != StoreId::size)
      return "the store in " + path_ + " was made by another version of tutti";
    id_ = StoreId::from(id);
    identity.reset();
    if (owner != number)
      return "the store in " + path_ + " belongs to tracker " + std::to_string(owner) + ", this is tracker " +
             std::to_string(number) +
             ". Two trackers must not share a store or a copy of one: give this tracker a data folder of its "
             "own, and "
             "it gets everything from the others";
    prepare();
    return {};
  }

  StoreId id() const override { return id_; }

  HeadPage heads() override {
    return guarded<HeadPage>([&](HeadPage& page) {
      SqliteStatement& read = statements().heads;
      while (read.step())
        page.heads.push_back({StoreId::from(read.blob(0)),
                              {static_cast<std::uint64_t>(read.number(1))},
                              Sha256::from(read.blob(2))});
    });
  }

  StoreFault commit(const CommitBatch& batch) override {
    try {
      statements();
      database_->execute("BEGIN IMMEDIATE");
      if (batch.renewal) renew(*batch.renewal);
      for (const LogHead& head : batch.heads) write_head(head);
      for (const Delta& delta : batch.deltas) write_delta(delta);
      write_rows(batch.rows);
      database_->execute("COMMIT");
      if (batch.renewal) id_ = batch.renewal->fresh;
      return {};
    } catch (const SqliteError& error) {
      const StoreFault fault = fault_of_error(error);
      close();
      return fault;
    }
  }

  RowPage rows(ByteView buckets, ByteView after, ByteCount bytes, bool whole) override {
    return guarded<RowPage>([&](RowPage& page) { read_rows(page, buckets, after, bytes, whole); });
  }

  LogPage log(const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) override {
    return guarded<LogPage>([&](LogPage& page) { read_log(page, origin, first, limit, bytes); });
  }

  MetainfoPage metainfo(const Gid& gid, const Fid& fid) override {
    return guarded<MetainfoPage>(
        [&](MetainfoPage& page) { page.metainfo = metainfo_of(row_keys::file_described(gid, fid)); });
  }

  bool truncate(const VersionVector& upto) override {
    try {
      for (const LogPosition& each : upto.positions) {
        const std::optional<std::int64_t> n = origin_number(each.origin);
        if (!n) continue;
        const std::int64_t first = first_of_log(*n);
        const std::int64_t last = as_integer(each.sequence.value);
        if (first == 0 || first > last) continue;
        statements().cut_front.bind(1, *n).bind(2, std::min(last, first + truncated_at_once - 1)).run();
        return true;
      }
    } catch (const SqliteError& error) {
      log_warning(std::string("the log could not be truncated: ") + error.what());
      close();
    }
    return false;
  }

 private:
  struct Statements {
    SqliteStatement heads, origin, head, new_origin, move_head, delta, row, no_row, metainfo, rows, log,
        read_metainfo, log_begin, cut_front, cut_back, rename;
  };

  /// Runs a read; what SQLite throws becomes the page's fault.
  template <class Page, class Read>
  Page guarded(Read read) {
    Page page;
    try {
      read(page);
    } catch (const SqliteError& error) {
      page = {};
      page.fault = fault_of_error(error);
      log_error(page.fault.sentence);
      close();
    }
    return page;
  }

  /// The statements of the open store. Opens it again if an error has closed it.
  Statements& statements() {
    if (!statements_) {
      open();
      prepare();
      // A renewal whose commit seemed to fail may be there after all.
      SqliteStatement identity = database_->prepare("SELECT store FROM identity");
      if (identity.step()) id_ = StoreId::from(identity.blob(0));
    }
    return *statements_;
  }

  void read_rows(RowPage& page, ByteView buckets, ByteView after, ByteCount bytes, bool whole) {
    std::int64_t bucket = after.empty() ? 0 : after[0];
    Bytes key = after.empty() ? Bytes{} : Bytes(after.begin() + 1, after.end());
    page.rows.run.reserve(bytes.value);
    for (; bucket < state_buckets; ++bucket, key.clear()) {
      if (!buckets.empty() && std::find(buckets.begin(), buckets.end(), bucket) == buckets.end()) continue;
      SqliteStatement& read = statements().rows.bind(1, bucket).bind(2, ByteView(key));
      while (read.step()) {
        const ByteView row_key = read.blob(0);
        push_row(page.rows, static_cast<std::uint8_t>(bucket), row_key, read.blob(1), whole);
        if (page.rows.run.size() < bytes.value) continue;
        page.next = {static_cast<std::uint8_t>(bucket)};
        page.next.insert(page.next.end(), row_key.begin(), row_key.end());
        read.reset();
        return;
      }
    }
    page.last = true;
  }

  void read_log(LogPage& page, const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) {
    const std::optional<std::int64_t> n = origin_number(origin);
    if (!n) return;
    SqliteStatement& read =
        statements().log.bind(1, *n).bind(2, as_integer(first.value)).bind(3, std::int64_t{limit});
    std::uint64_t size = 0;
    while (read.step()) {
      Delta delta = decode_stored<Delta>(read.blob(0));
      size += read.blob(0).size();
      page.truncated = page.truncated || (page.deltas.empty() && delta.sequence != first);
      page.deltas.push_back(std::move(delta));
      if (size >= bytes.value) break;
    }
    read.reset();
    if (page.deltas.empty()) page.truncated = head_of(*n) >= first;
  }

  void open() {
    database_ = std::make_unique<SqliteDatabase>(path_);
    // The lock comes first, and the mode that keeps the write-ahead log's index in this process's own memory.
    database_->execute("PRAGMA locking_mode = EXCLUSIVE");
    database_->execute("PRAGMA journal_mode = WAL");
    database_->execute("PRAGMA synchronous = FULL");
    database_->execute("PRAGMA cache_size = -65536");
    database_->execute("PRAGMA temp_store = MEMORY");
  }

  std::string make_schema(std::uint32_t number, const StoreId& fresh_id) {
    database_->execute("BEGIN IMMEDIATE");
    SqliteStatement tables = database_->prepare("SELECT count(*) FROM sqlite_master");
    tables.step();
    if (tables.number(0) == 0) {
      database_->execute(schema);
      database_->prepare("INSERT INTO identity VALUES(?, ?, ?)")
          .bind(1, schema_version)
          .bind(2, fresh_id.view())
          .bind(3, std::int64_t{number})
          .run();
    }
    tables.reset();
    database_->execute("COMMIT");
    return {};
  }

  void prepare() {
    const auto make = [this](const char* sql) { return database_->prepare(sql); };
    statements_ = std::make_unique<Statements>(Statements{
        make("SELECT id, sequence, hash FROM origins WHERE sequence > 0 ORDER BY id"),
        make("SELECT n FROM origins WHERE id = ?"),
        make("SELECT sequence FROM origins WHERE n = ?"),
        make("INSERT INTO origins(id, sequence, hash) VALUES(?, ?, ?)"),
        make("UPDATE origins SET sequence = ?2, hash = ?3 WHERE n = ?1"),
        make("INSERT INTO log(origin, sequence, delta) VALUES(?, ?, ?)"),
        make("INSERT OR REPLACE INTO facts(bucket, key, fact) VALUES(?, ?, ?)"),
        make("DELETE FROM facts WHERE bucket = ? AND key = ?"),
        make("INSERT OR IGNORE INTO metainfo(key, record) VALUES(?, ?)"),
        make("SELECT key, fact FROM facts WHERE bucket = ? AND key > ? ORDER BY key"),
        make("SELECT delta FROM log WHERE origin = ? AND sequence >= ? ORDER BY sequence LIMIT ?"),
        make("SELECT record FROM metainfo WHERE key = ?"),
        make("SELECT sequence FROM log WHERE origin = ? ORDER BY sequence LIMIT 1"),
        make("DELETE FROM log WHERE origin = ? AND sequence <= ?"),
        make("DELETE FROM log WHERE origin = ? AND sequence > ?"),
        make("UPDATE identity SET store = ?"),
    });
  }

  // After an error only the file knows what it holds: a transaction that failed to end may still be in the
  // write-ahead log. Opening anew recovers it as a start would.
  void close() {
    statements_.reset();
    database_.reset();
    origins_.clear();
  }

  StoreFault fault_of_error(const SqliteError& error) const {
    if (error.code() == Code::disk_full)
      return {Code::disk_full,
              "the disk of the tracker is full; nothing was changed: make room, then ask again"};
    return {Code::io_error, std::string("the tracker cannot write its store: ") + error.what()};
  }

  std::optional<std::int64_t> origin_number(const StoreId& origin) {
    if (const auto known = origins_.find(origin); known != origins_.end()) return known->second;
    SqliteStatement& read = statements().origin.bind(1, origin.view());
    if (!read.step()) return std::nullopt;
    const std::int64_t n = read.number(0);
    read.reset();
    origins_[origin] = n;
    return n;
  }

  Sequence head_of(std::int64_t n) {
    SqliteStatement& read = statements().head.bind(1, n);
    Sequence head;
    if (read.step()) head.value = static_cast<std::uint64_t>(read.number(0));
    read.reset();
    return head;
  }

  // Of the log's first delta; 0: it is empty.
  std::int64_t first_of_log(std::int64_t n) {
    SqliteStatement& read = statements().log_begin.bind(1, n);
    const std::int64_t first = read.step() ? read.number(0) : 0;
    read.reset();
    return first;
  }

  void renew(const StoreRenewal& renewal) {
    statements().rename.bind(1, renewal.fresh.view()).run();
    const std::optional<std::int64_t> n = origin_number(renewal.cut.origin);
    if (!n) return;
    statements().cut_back.bind(1, *n).bind(2, as_integer(renewal.cut.sequence.value)).run();
    write_head(renewal.cut);
  }

  void write_head(const LogHead& head) {
    const std::optional<std::int64_t> n = origin_number(head.origin);
    if (!n)
      return statements()
          .new_origin.bind(1, head.origin.view())
          .bind(2, as_integer(head.sequence.value))
          .bind(3, head.hash.view())
          .run();
    statements()
        .move_head.bind(1, *n)
        .bind(2, as_integer(head.sequence.value))
        .bind(3, head.hash.view())
        .run();
  }

  void write_delta(const Delta& delta) {
    const Bytes encoded = encode(delta);
    const std::optional<std::int64_t> n = origin_number(delta.origin);
    if (!n) throw SqliteError(0, "a delta comes without the head of its log");
    statements().delta.bind(1, *n).bind(2, as_integer(delta.sequence.value)).bind(3, ByteView(encoded)).run();
  }

  void write_rows(const RowRun& rows) {
    RowReader reader(rows);
    while (const std::optional<StoredRow> row = reader.next()) {
      if (row->value.empty()) {
        statements().no_row.bind(1, std::int64_t{row->bucket}).bind(2, row->key).run();
        continue;
      }
      if (!row->metainfo.empty()) statements().metainfo.bind(1, row->key).bind(2, row->metainfo).run();
      statements().row.bind(1, std::int64_t{row->bucket}).bind(2, row->key).bind(3, row->value).run();
    }
    if (!reader.is_at_end()) throw SqliteError(0, "a batch's rows are cut short");
  }

  void push_row(RowRun& rows, std::uint8_t bucket, ByteView key, ByteView value, bool whole) {
    if (!whole || !is_of_file(key)) return rows.push_back({bucket, key, value, {}});
    SqliteStatement& read = statements().read_metainfo.bind(1, key);
    if (!read.step()) throw SqliteError(0, "a file has no metainfo");
    rows.push_back({bucket, key, value, read.blob(0)});
    read.reset();
  }

  std::optional<Metainfo> metainfo_of(ByteView key) {
    SqliteStatement& read = statements().read_metainfo.bind(1, key);
    if (!read.step()) return std::nullopt;
    std::optional<Metainfo> metainfo = decode_stored_record<Metainfo>(read.blob(0));
    read.reset();
    return metainfo;
  }

  std::string path_;
  StoreId id_;
  std::unique_ptr<SqliteDatabase> database_;
  std::unique_ptr<Statements> statements_;
  std::map<StoreId, std::int64_t> origins_;
};

}  // namespace

OpenedStore open_sqlite_store(const std::string& folder, std::uint32_t number, const StoreId& fresh_id) {
  const std::string path = folder + "/store.sqlite";
  try {
    auto store = std::make_unique<SqliteStore>(path);
    std::string fault = store->claim(number, fresh_id);
    if (!fault.empty()) return {nullptr, std::move(fault)};
    return {std::move(store), {}};
  } catch (const SqliteError& error) {
    if (error.is_locked())
      return {nullptr, "another tracker uses the store in " + folder + ": stop it first"};
    return {nullptr, "the store in " + folder + " cannot be opened: " + error.what()};
  }
}

}  // namespace tutti
