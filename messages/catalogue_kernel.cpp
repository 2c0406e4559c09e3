#include "messages/catalogue_entries.hpp"
#include "messages/kernel.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> kernel_entries() { return entries_of("kernel", KernelMessages{}); }

}  // namespace tutti::catalogue_detail
