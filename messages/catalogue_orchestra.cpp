#include "messages/byte_stream.hpp"
#include "messages/catalogue_entries.hpp"
#include "messages/inside_orchestra.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> orchestra_entries() {
  return entries_of("orchestra", Joined<ByteStreamMessages, InsideOrchestraMessages>{});
}

}  // namespace tutti::catalogue_detail
