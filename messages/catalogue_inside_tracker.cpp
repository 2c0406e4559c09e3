#include "messages/catalogue_entries.hpp"
#include "messages/inside_tracker.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> inside_tracker_entries() {
  return entries_of("inside_tracker", InsideTrackerMessages{});
}

}  // namespace tutti::catalogue_detail
