#pragma once

#include <string>
#include <vector>

#include "actors/replay.hpp"
#include "messages/trace_records.hpp"
#include "peer/client.hpp"

namespace tutti {

/// What a recording has to know of a client to make its actors again: settings and addresses, no secret.
ProcessBegan recorded_client(const std::string& name, const ClientSettings& settings,
                             const ClientAddresses& at, const ClientKey& self);

/// Those of its actors that can be replayed: tracker_link, librarian, scheduler (which makes its fetchers) and uploader.
/// Storage, checker, verifiers and hashers touch disks, the exporter a store, the shell a terminal. Nothing, if it is no client
/// or its settings cannot be understood.
std::vector<ReplayedActor> client_again(const ProcessBegan& process);

}  // namespace tutti
