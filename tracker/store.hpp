#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/inside_tracker.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {

/// Why a store could not do what it was asked. `Code::disk_full` and `Code::io_error`; the sentence is for people.
struct StoreFault {
  Code code = Code::io_error;
  std::string sentence;
  explicit operator bool() const { return !sentence.empty(); }
};

/// How far the logs go.
struct HeadPage {
  std::vector<LogHead> heads;
  StoreFault fault;
};

/// A part of the rows of a store, in the order of their keys.
struct RowPage {
  StoreFault fault;
  RowRun rows;
  Bytes next;  ///< where the next page begins
  bool last = false;
};

/// A part of the logs of a store.
struct LogPage {
  StoreFault fault;
  std::vector<Delta> deltas;
  bool truncated = false;  ///< the first delta asked for is no longer in the log
};

struct MetainfoPage {
  std::optional<Metainfo> metainfo;
  StoreFault fault;
};

/// What a tracker must not forget: its own name, the logs of all origins with their heads, and the rows that the
/// logs join to. Blocks; used by one actor alone.
///
/// Rules:
/// - A commit is on disk when it returns without fault, whole; with a fault nothing of it is.
/// - After a fault the store is as it was before, and may be used on.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// Made with the store, lost with it; a renewal gives it another.
  virtual StoreId id() const = 0;
  virtual HeadPage heads() = 0;
  virtual StoreFault commit(const CommitBatch& batch) = 0;
  /// Rows after `after` (empty: from the start) of `buckets` (one byte each; none: all), about `bytes` of them.
  /// Without `whole`, metainfo is left out: the piece digests of a million files need not pass through memory.
  virtual RowPage rows(ByteView buckets, ByteView after, ByteCount bytes, bool whole) = 0;
  /// Up to `limit` deltas of one origin from `first` on, at least one if there is one, about `bytes` of them.
  virtual LogPage log(const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) = 0;
  virtual MetainfoPage metainfo(const Gid& gid, const Fid& fid) = 0;
  /// Deletes deltas up to `upto` from the log, a bounded number of them, the oldest first; rows and heads stay. True if
  /// there are more to delete.
  virtual bool truncate(const VersionVector& upto) = 0;
  /// Remembers the key of another tracker beside the store, in a file that people can read and edit: known_trackers.
  virtual StoreFault remember_neighbour(const std::string& endpoint, const LinkKey& key) = 0;
};

/// A store or the reason why there is none.
struct OpenedStore {
  std::unique_ptr<Store> store;
  std::string fault;
};

/// Opens the store in the folder `path`, which must exist, for tracker `number`; makes it with `fresh_id` if there
/// is none. Refuses one that another process has open, or that belongs to another tracker number: a copy would write
/// under numbers that the original uses as well.
OpenedStore open_sqlite_store(const std::string& path, std::uint32_t number, const StoreId& fresh_id);

/// A store that lives as long as the process, for tests and simulation.
std::unique_ptr<Store> make_memory_store(const StoreId& id);

}  // namespace tutti
