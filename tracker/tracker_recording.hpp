#pragma once

#include <string>
#include <vector>

#include "actors/replay.hpp"
#include "messages/trace_records.hpp"
#include "tracker/tracker_node.hpp"

namespace tutti {

/// What a recording has to know of a tracker to make its actors again: settings and addresses, no secret.
ProcessBegan recorded_tracker(const std::string& name, const TrackerSettings& settings,
                              const TrackerAddresses& at);

/// Those of its actors that can be replayed: front_desk, directory and replicator. The journal touches a disk, hashers hash
/// passwords, which no recording has, and the console reads a terminal. Tickets are signed with another key than the recorded
/// ones. Nothing, if it is no tracker or its settings cannot be understood.
std::vector<ReplayedActor> tracker_again(const ProcessBegan& process);

}  // namespace tutti
