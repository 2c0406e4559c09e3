#pragma once

#include <vector>

#include "messages/client_tracker.hpp"

namespace tutti {

/// How far `vector` is in the log of `origin`; 0 if it does not name it.
Sequence position_in(const VersionVector& vector, const StoreId& origin);
/// True if `have` contains everything that `want` does.
bool covers(const VersionVector& have, const VersionVector& want);
/// The least vector that covers both.
VersionVector merged(const VersionVector& a, const VersionVector& b);
/// Raises the position of `origin` to `sequence` if it is lower.
void advance(VersionVector& vector, const StoreId& origin, Sequence sequence);

/// Lowers the position of `origin` to `sequence` if it is higher.
void cut(VersionVector& vector, const StoreId& origin, Sequence sequence);

/// A part of one origin's log, both ends included.
struct LogRange {
  StoreId origin;
  Sequence first;
  Sequence last;
  bool operator==(const LogRange&) const = default;
};
/// What `want` has and `have` does not, by origin.
std::vector<LogRange> missing(const VersionVector& have, const VersionVector& want);
/// How many operations (deltas) `have` is behind `want`.
std::uint64_t count_missing(const VersionVector& have, const VersionVector& want);

}  // namespace tutti
