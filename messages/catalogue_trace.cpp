#include "messages/catalogue_entries.hpp"
#include "messages/trace_records.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> trace_entries() { return entries_of("trace", TraceMessages{}); }

}  // namespace tutti::catalogue_detail
