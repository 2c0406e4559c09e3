#pragma once

#include <chrono>
#include <cstdint>

#include "messages/bytes.hpp"
#include "messages/message.hpp"
#include "messages/signing_key.hpp"

namespace tutti {

/// A tracker's word that the session of `client` was a member's in the state that `epoch` stands for. Worth something
/// over a link that has proven that key and nowhere else, so whoever gets hold of it has nothing. Good for
/// peer_ticket_lifetime at the most.
struct PeerTicket {
  Gid gid;
  Uid uid;
  ClientKey client;
  std::uint64_t epoch = 0;    ///< of the group: higher after each departure
  std::uint64_t expires = 0;  ///< milliseconds since 1970, by the tracker's clock
  SigningKey signer;
  Signature signature;  ///< of words_to_sign()
  TUTTI_RECORD(PeerTicket, gid, uid, client, epoch, expires, signer, signature);
};

constexpr std::chrono::seconds peer_ticket_lifetime{60};

/// What a tracker signs: all of the ticket but the signature, behind words that no other signature begins with.
Bytes words_to_sign(const PeerTicket& ticket);

}  // namespace tutti
