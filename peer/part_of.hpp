#pragma once

#include <cstdint>
#include <span>

#include "messages/bytes.hpp"
#include "peer/bitfield.hpp"

namespace tutti {

/// Which of a file's pieces are `self`'s to fetch from seeders, when `others` fetch it, too: each piece belongs to one of
/// them, whom all of them find without speaking about it (rendezvous hashing: to whom key and piece give the highest
/// number). Who comes or goes changes only what becomes his or was. A tenth more than the others is usual with few pieces.
/// The function is part of the protocol: clients that compute it otherwise fetch things twice, nothing worse.
Bitfield part_of(const ClientKey& self, std::span<const ClientKey> others, std::uint32_t pieces);

}  // namespace tutti
