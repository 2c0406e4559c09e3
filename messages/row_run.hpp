#pragma once

#include <cstdint>
#include <optional>

#include "messages/bytes.hpp"
#include "messages/message.hpp"

namespace tutti {

/// A row of a tracker's state as a store keeps it. Views: whoever holds the bytes keeps them.
struct StoredRow {
  std::uint8_t bucket = 0;
  ByteView key;
  ByteView value;     ///< the encoded Fact, of a file without its piece digests; none: the row is gone
  ByteView metainfo;  ///< of a file, where it is wanted: the encoded Metainfo with them
};

/// Rows, one after the other in one run of bytes, so that actors and networks pass them on without looking into them.
/// Of each: its bucket and the size of its key (a byte each), the sizes of value and metainfo (four each, the highest
/// first), and these three.
struct RowRun {
  static constexpr std::size_t key_max = 255;
  Bytes run;
  TUTTI_RECORD(RowRun, run);

  bool empty() const { return run.empty(); }
  void push_back(const StoredRow& row);
  /// Walks over all rows.
  Fault fault() const;
};

/// Takes one row after the other from a run. Ends where the run ends or is cut short.
class RowReader {
 public:
  explicit RowReader(ByteView run) : left_(run) {}
  explicit RowReader(const RowRun& rows) : left_(rows.run) {}
  std::optional<StoredRow> next();
  bool is_at_end() const { return left_.empty(); }

 private:
  ByteView left_;
};

}  // namespace tutti
