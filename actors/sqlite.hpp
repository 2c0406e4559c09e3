#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "messages/bytes.hpp"
#include "messages/codes.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tutti {

/// What SQLite refused. Caught in the store that called it; nothing above knows of it.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
  /// `disk_full` or `io_error`.
  Code code() const;
  /// Another process holds the file.
  bool is_locked() const;
  /// The file is no database, or not a sound one.
  bool is_damaged() const;

 private:
  int code_;
};

/// A prepared statement. Parameters and columns count from 1 and from 0, as SQLite has it.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(sqlite3* database, const char* sql);

  SqliteStatement& bind(int position, std::int64_t value);
  /// The bytes must live until the statement has run.
  SqliteStatement& bind(int position, ByteView value);
  /// As text; it must live until the statement has run.
  SqliteStatement& bind(int position, std::string_view value);
  /// Runs up to the next row; false at the end. A false or a throw makes it ready for the next run.
  bool step();
  /// Runs to the end.
  void run();
  /// Gives up the rows that are left.
  void reset();
  std::int64_t number(int column) const;
  /// Valid until the next step.
  ByteView blob(int column) const;
  std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A database file that this process alone has open.
class SqliteDatabase {
 public:
  explicit SqliteDatabase(const std::string& path);

  void execute(const char* sql);
  SqliteStatement prepare(const char* sql) { return {handle_.get(), sql}; }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// All or nothing: what was not committed when it ends is rolled back.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDatabase& database);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  SqliteDatabase& database_;
  bool committed_ = false;
};

}  // namespace tutti
