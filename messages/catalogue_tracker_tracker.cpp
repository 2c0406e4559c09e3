#include "messages/catalogue_entries.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> tracker_tracker_entries() {
  return entries_of("tracker_tracker", TrackerTrackerMessages{});
}

}  // namespace tutti::catalogue_detail
