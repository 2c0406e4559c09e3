#pragma once

#include <cstdint>
#include <optional>

#include "messages/codec.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {

/// A row of the state as a store keeps it. Facts about one thing have one key, and the row holds what they join to.
struct Row {
  std::uint8_t bucket = 0;  ///< bucket_of(key)
  Bytes key;
  Bytes value;     ///< the encoded Fact, of a file without its piece digests; empty: the row is gone
  Bytes metainfo;  ///< of a file: the encoded Metainfo
  bool operator==(const Row&) const = default;
  StoredRow view() const { return {bucket, key, value, metainfo}; }
};

/// Which row an operation is about: its kind and the ids of what it speaks of.
Bytes row_key(const Operation& operation);
/// The same by what it is about.
namespace row_keys {
Bytes user_named(const Uid& uid);
Bytes group_named(const Gid& gid);
Bytes password_set(const Uid& uid);
Bytes membership_changed(const Gid& gid, const Uid& uid);
Bytes file_described(const Gid& gid, const Fid& fid);
Bytes share_intended(const Gid& gid, const Fid& fid, const Uid& uid);
Bytes session_opened(const ClientKey& client, const Sha256& token_hash);
Bytes session_closed(const ClientKey& client);
Bytes request_answered(const ClientKey& client, RequestCounter counter);
Bytes group_transferred(const Gid& gid);
}  // namespace row_keys
/// True for the rows of files: the only ones with piece digests, which a store keeps apart.
bool is_of_file(ByteView key);
/// Spreads rows evenly, the same at every tracker.
std::uint8_t bucket_of(ByteView key);
Row row_of(const Fact& fact);
/// What a row of the own store says; of a file all but its piece digests.
Decoded<Fact> fact_of(const StoredRow& row);
/// The same of a row that came from another tracker: within limits, and if it is what it says that it is. So it may be
/// stored as it came.
Decoded<Fact> fact_of_others(const StoredRow& row);
/// What `row` says, metainfo and all.
Decoded<Fact> whole_fact_of(const StoredRow& row);

/// An answer as RequestAnswered keeps it, and back; nothing if the bytes are none.
Bytes encode_answer(const TrackerAnswer& answer);
std::optional<TrackerAnswer> decode_answer(ByteView outcome);

}  // namespace tutti
