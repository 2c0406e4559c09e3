#pragma once

#include <cstdint>

#include <cstddef>

#include "actors/zmq_host.hpp"
#include "peer/client.hpp"

namespace tutti {

/// Where peers are served: on a worker of its own, or on the scheduler's, if pieces are fetched over the same connections.
/// What is said of a block must reach the scheduler before what a verifier says of it.
enum class Serving : std::uint8_t { apart, beside_fetching };

/// Reserves the addresses of a client in a host of real threads: tracker_link and librarian share one, the scheduler and
/// its fetchers have one, uploader and storage one each, and `hashers` more verify and hash (0: one a core).
ClientAddresses reserve_client(ZmqHost& host, Ref<ShellRole> shell, std::size_t hashers,
                               Serving serving = Serving::apart);

/// Puts the actors at their addresses. Whoever others rely on comes first, and so stops last.
void spawn_client(ZmqHost& host, const ClientAddresses& at, ClientCast cast);

}  // namespace tutti
