#include "messages/catalogue_entries.hpp"
#include "messages/inside_trees.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> trees_entries() { return entries_of("inside_trees", InsideTreesMessages{}); }

}  // namespace tutti::catalogue_detail
