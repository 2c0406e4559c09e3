#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

#include "actors/trace_file.hpp"
#include "shell/tools/actor_kind.hpp"

namespace tutti {

/// What a replay showed.
struct ReplayOutcome {
  std::size_t delivered = 0;  ///< messages of the trace that the actor got again
  std::size_t same = 0;       ///< answers that are as recorded
  std::size_t different = 0;  ///< answers that are not, are missing, or are new
};

/// Builds an actor of this kind in an injection host, gives it again what the recorded actor called `name` got, each
/// message at its time and links going up and down as recorded, and compares what it says with what was recorded,
/// partner by partner, in order.
///
/// What makes a replay differ without a fault: chance and secrets (an injection host draws its own), passwords (a trace
/// has none), addresses inside messages (shown as numbers, other ones here), state from a disk, and payloads that the
/// trace does not have whole (TraceLimits): they are filled up with zeros.
///
/// Throws BadRequest if the trace has no such actor.
ReplayOutcome replay(TraceReader& trace, const ActorKind& kind, const std::string& name,
                     const Casting::Settings& settings, std::ostream& out);

}  // namespace tutti
