#include "messages/peer_ticket.hpp"

#include <string_view>

#include "messages/codec_impl.hpp"

namespace tutti {

Bytes words_to_sign(const PeerTicket& ticket) {
  constexpr std::string_view purpose = "tutti peer ticket 1";
  PeerTicket unsigned_one = ticket;
  unsigned_one.signature = {};
  const Bytes record = encode_record(unsigned_one);
  Bytes words(purpose.begin(), purpose.end());
  words.insert(words.end(), record.begin(), record.end());
  return words;
}

}  // namespace tutti
