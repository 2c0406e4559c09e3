#include "messages/catalogue_entries.hpp"
#include "messages/codes.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> codes_entries() { return entries_of("codes", Messages<Refused, Done>{}); }

}  // namespace tutti::catalogue_detail
