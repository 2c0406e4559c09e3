#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/known_trackers.hpp"
#include "messages/message.hpp"
#include "messages/tracker_info.hpp"

// The trackers that a process knew, as a recording of it holds them (ProcessBegan::settings).

namespace tutti {

struct RecordedTracker {
  std::uint32_t number = 0;
  std::string host;
  std::uint16_t port = 0;
  std::optional<LinkKey> key;
  std::uint64_t line = 0;
  TUTTI_RECORD(RecordedTracker, number, host, port, key, line);
};
struct RecordedNeighbour {
  std::string endpoint;
  LinkKey key;
  std::uint64_t line = 0;
  TUTTI_RECORD(RecordedNeighbour, endpoint, key, line);
};

inline std::vector<RecordedTracker> recorded(const std::vector<TrackerEntry>& trackers) {
  std::vector<RecordedTracker> records;
  for (const TrackerEntry& each : trackers)
    records.push_back({each.number, each.host, each.port, each.key, each.line});
  return records;
}
inline std::vector<RecordedNeighbour> recorded(const std::vector<KnownTracker>& known) {
  std::vector<RecordedNeighbour> records;
  for (const KnownTracker& each : known) records.push_back({each.endpoint, each.key, each.line});
  return records;
}

inline std::vector<TrackerEntry> from_record(const std::vector<RecordedTracker>& records) {
  std::vector<TrackerEntry> trackers;
  for (const RecordedTracker& each : records)
    trackers.push_back({each.number, each.host, each.port, each.key, each.line});
  return trackers;
}
inline std::vector<KnownTracker> from_record(const std::vector<RecordedNeighbour>& records) {
  std::vector<KnownTracker> known;
  for (const RecordedNeighbour& each : records) known.push_back({each.endpoint, each.key, each.line});
  return known;
}

}  // namespace tutti
