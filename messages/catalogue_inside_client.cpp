#include "messages/catalogue_entries.hpp"
#include "messages/inside_client.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> inside_client_entries() {
  return entries_of("inside_client", InsideClientMessages{});
}

}  // namespace tutti::catalogue_detail
