#include "messages/catalogue_entries.hpp"
#include "messages/peer_peer.hpp"

namespace tutti::catalogue_detail {

std::vector<MessageEntry> peer_peer_entries() { return entries_of("peer_peer", PeerPeerMessages{}); }

}  // namespace tutti::catalogue_detail
