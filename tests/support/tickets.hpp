#pragma once

#include "actors/signatures.hpp"

namespace tutti::test {

/// What a tracker with these keys would give.
inline PeerTicket signed_ticket(const SigningKeys& keys, const Gid& gid, const ClientKey& client,
                                std::uint64_t epoch, std::uint64_t expires) {
  PeerTicket ticket{gid, {}, client, epoch, expires, keys.key, {}};
  ticket.signature = sign(keys, words_to_sign(ticket));
  return ticket;
}

}  // namespace tutti::test
