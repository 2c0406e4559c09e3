#pragma once

#include <vector>

#include "shell/tools/actor_kind.hpp"

namespace tutti {

/// What a person at a client speaks with.
ActorKind shell_kind();
/// Every other actor of a client that a script can name.
std::vector<ActorKind> client_kinds();
/// The actors that speak the protocols of an Orchestra.
std::vector<ActorKind> orchestra_kinds();
/// Every actor of a tracker that a script can name.
std::vector<ActorKind> tracker_kinds();

}  // namespace tutti
