#include "messages/catalogue_entries.hpp"
#include "messages/shell_client.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> shell_client_entries() { return entries_of("shell_client", ShellClientMessages{}); }

}  // namespace tutti::catalogue_detail
