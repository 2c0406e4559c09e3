#include "messages/catalogue_entries.hpp"
#include "messages/client_tracker.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> client_tracker_entries() {
  return entries_of("client_tracker", ClientTrackerMessages{});
}

}  // namespace tutti::catalogue_detail
