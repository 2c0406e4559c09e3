#include "actors/sqlite.hpp"

#include <sqlite3.h>

namespace tutti {

namespace {

[[noreturn]] void fail(sqlite3* database, int code) {
  throw SqliteError(code, database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
}

}  // namespace

Code SqliteError::code() const { return (code_ & 0xff) == SQLITE_FULL ? Code::disk_full : Code::io_error; }

bool SqliteError::is_locked() const {
  return (code_ & 0xff) == SQLITE_BUSY || (code_ & 0xff) == SQLITE_LOCKED;
}

bool SqliteError::is_damaged() const {
  return (code_ & 0xff) == SQLITE_CORRUPT || (code_ & 0xff) == SQLITE_NOTADB;
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteStatement::SqliteStatement(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(database, code);
  statement_.reset(statement);
}

SqliteStatement& SqliteStatement::bind(int position, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), position, value);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()), code);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int position, ByteView value) {
  // A null pointer would be NULL; an empty blob is meant.
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  const int code = sqlite3_bind_blob64(statement_.get(), position, data, value.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()), code);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int position, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  const int code =
      sqlite3_bind_text64(statement_.get(), position, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()), code);
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  sqlite3* database = sqlite3_db_handle(statement_.get());
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  const SqliteError error(sqlite3_extended_errcode(database), sqlite3_errmsg(database));
  reset();
  throw error;
}

void SqliteStatement::run() {
  while (step()) {
  }
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

ByteView SqliteStatement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

std::string SqliteStatement::text(int column) const {
  const ByteView bytes = blob(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

SqliteDatabase::SqliteDatabase(const std::string& path) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(database);
  if (code != SQLITE_OK) fail(database, code);
  sqlite3_extended_result_codes(database, 1);
}

void SqliteDatabase::execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    throw SqliteError(sqlite3_extended_errcode(handle_.get()), sqlite3_errmsg(handle_.get()));
}

SqliteTransaction::SqliteTransaction(SqliteDatabase& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

SqliteTransaction::~SqliteTransaction() {
  if (committed_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const SqliteError&) {
    // SQLite has rolled it back by itself: the disk is full, or worse.
  }
}

void SqliteTransaction::commit() {
  database_.execute("COMMIT");
  committed_ = true;
}

}  // namespace tutti
