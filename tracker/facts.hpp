#pragma once

#include <cstdint>
#include <optional>

#include "messages/tracker_tracker.hpp"

namespace tutti {

/// A row of the state as a store keeps it. Facts about one thing have one key, and the row holds what they join to.
struct Row {
  std::uint8_t bucket = 0;  ///< bucket_of(key)
  Bytes key;
  Bytes value;  ///< the encoded Fact; empty: the row is gone
  bool operator==(const Row&) const = default;
};

/// Which row an operation is about: its kind and the ids of what it speaks of.
Bytes row_key(const Operation& operation);
/// Spreads rows evenly, the same at every tracker.
std::uint8_t bucket_of(ByteView key);
Row row_of(const Fact& fact);

/// The file of a row that holds a FileDescribed; nothing for other rows. The key of a file is made by file_row_key().
Bytes file_row_key(const Gid& gid, const Fid& fid);

/// An answer as RequestAnswered keeps it, and back; nothing if the bytes are none.
Bytes encode_answer(const TrackerAnswer& answer);
std::optional<TrackerAnswer> decode_answer(ByteView outcome);

}  // namespace tutti
