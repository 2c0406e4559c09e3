// tracker_info.txt, and known_trackers. Entries are numbered, have address and line, and are said and read as the same.

#include "messages/tracker_info.hpp"
#include "messages/known_trackers.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(tracker_info) {
  const std::string_view text = fuzz::text_of(input);
  const TrackerInfo info = parse_tracker_info(text);
  if (info) {
    std::uint32_t number = 0;
    for (const TrackerEntry& entry : info.trackers) {
      ENSURE(entry.number == ++number);
      ENSURE(!entry.host.empty() && entry.port != 0 && entry.line != 0);
      // How it is called elsewhere can be read again.
      const TrackerInfo again = parse_tracker_info(entry.client_endpoint());
      ENSURE(again && again.trackers.size() == 1);
      ENSURE(again.trackers[0].host == entry.host && again.trackers[0].port == entry.port);
    }
  }
  const KnownTrackersRead known = parse_known_trackers(text);
  if (!known.fault.empty()) return;
  for (const KnownTracker& tracker : known.trackers) {
    const KnownTrackersRead again = parse_known_trackers(known_tracker_line(tracker.endpoint, tracker.key));
    ENSURE(again.fault.empty() && again.trackers.size() == 1);
    ENSURE(again.trackers[0].endpoint == tracker.endpoint && again.trackers[0].key == tracker.key);
  }
}
