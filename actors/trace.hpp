#pragma once

#include <string_view>

#include "actors/envelope.hpp"
#include "actors/time.hpp"

namespace tutti {

struct ActorStepped;

/// Where a host reports every envelope that it delivers. Called on any of the host's threads.
class TraceSink {
 public:
  TraceSink() = default;
  TraceSink(const TraceSink&) = delete;
  TraceSink& operator=(const TraceSink&) = delete;
  virtual ~TraceSink() = default;

  /// An address has got a name: an actor was spawned or a link opened.
  virtual void named(Address address, std::string_view name) = 0;
  virtual void delivered(Instant when, const Envelope& envelope) = 0;
  /// True: after each delivery, what the actor was given and did is reported as well, so that it can be replayed. It costs
  /// the actor's thread some microseconds and a digest of each payload.
  virtual bool wants_steps() const { return false; }
  /// What an actor that was started, stopped or given a message did of it.
  virtual void stepped(const ActorStepped&) {}
};

}  // namespace tutti
