#include "tracker/version_vector.hpp"

#include <algorithm>

namespace tutti {

namespace {

bool comes_before(const LogPosition& position, const StoreId& origin) { return position.origin < origin; }

}  // namespace

Sequence position_in(const VersionVector& vector, const StoreId& origin) {
  const auto at = std::lower_bound(vector.positions.begin(), vector.positions.end(), origin, comes_before);
  return at != vector.positions.end() && at->origin == origin ? at->sequence : Sequence{};
}

bool covers(const VersionVector& have, const VersionVector& want) {
  return std::all_of(want.positions.begin(), want.positions.end(), [&](const LogPosition& each) {
    return each.sequence <= position_in(have, each.origin);
  });
}

VersionVector merged(const VersionVector& a, const VersionVector& b) {
  VersionVector result = a;
  for (const LogPosition& each : b.positions) advance(result, each.origin, each.sequence);
  return result;
}

void advance(VersionVector& vector, const StoreId& origin, Sequence sequence) {
  const auto at = std::lower_bound(vector.positions.begin(), vector.positions.end(), origin, comes_before);
  if (at == vector.positions.end() || at->origin != origin) {
    vector.positions.insert(at, {origin, sequence});
  } else if (at->sequence < sequence) {
    at->sequence = sequence;
  }
}

void cut(VersionVector& vector, const StoreId& origin, Sequence sequence) {
  const auto at = std::lower_bound(vector.positions.begin(), vector.positions.end(), origin, comes_before);
  if (at == vector.positions.end() || at->origin != origin || at->sequence <= sequence) return;
  if (sequence.value == 0) {
    vector.positions.erase(at);
  } else {
    at->sequence = sequence;
  }
}

std::vector<LogRange> missing(const VersionVector& have, const VersionVector& want) {
  std::vector<LogRange> ranges;
  for (const LogPosition& each : want.positions) {
    const Sequence held = position_in(have, each.origin);
    if (held < each.sequence) ranges.push_back({each.origin, held + Sequence{1}, each.sequence});
  }
  return ranges;
}

std::uint64_t count_missing(const VersionVector& have, const VersionVector& want) {
  std::uint64_t count = 0;
  for (const LogRange& range : missing(have, want)) count += range.last.value - range.first.value + 1;
  return count;
}

}  // namespace tutti
