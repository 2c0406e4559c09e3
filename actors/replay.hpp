#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "actors/trace_file.hpp"
#include "messages/trace_records.hpp"

namespace tutti {

/// An actor that is to be what was recorded at an address.
struct ReplayedActor {
  Address at;
  std::unique_ptr<Actor> actor;
};

/// Where a replay departs from its recording.
struct ReplayDifference {
  std::string actor;
  std::size_t delivery = 0;  ///< the how manieth of the actor, from 1; 0: its start
  std::string amid;          ///< what it was given there
  std::string field;         ///< of the message that differs; empty: all of it
  std::string recorded;
  std::string now;
};

/// What a replay has shown.
struct ReplayOutcome {
  std::size_t deliveries = 0;
  std::size_t actors = 0;
  std::optional<ReplayDifference> difference;
  std::string
      unfinished;  ///< what an actor was given last and had not done with when the recording ended; empty: nothing
};

struct ReplayRules {
  /// What is made of a message before it is compared; none: nothing.
  Bytes (*comparable)(ByteView body) = nullptr;
  /// Makes the actors of a process that are to be replayed. What it throws ends the replay.
  std::function<std::vector<ReplayedActor>(const ProcessBegan&)> cast;
};

/// Gives fresh actors again all that recorded ones were given, and compares what they do.
///
/// An actor is a function of what its context gives it: messages, the time, chance, secrets, addresses. All that is in a
/// recording (TraceLimits::replayable), with what the actor did: so whatever host it was recorded in, and however many actors
/// ran beside it, it can be run again alone, and has to do the same. Each step of an actor is compared as soon as it is read.
///
/// Rules:
/// - Compared is what actors do, in its order: what they send, timers, links, passes, children, goodbyes; not how often they
///   look at the clock. Who does not ask for as much as was given goes on with what was given last.
/// - The first difference ends the replay: what follows from it would differ, too.
/// - Children are made by their parents, as ever.
/// - For payloads that are not in the recording others of the same size stand, by which they are known again when an actor
///   passes them on. Actors that look into payloads, touch disks, hash passwords or read terminals are not replayed: what came
///   of it is in the messages to the others.
/// - Invariants are checked after each step.
class Replay {
 public:
  explicit Replay(ReplayRules rules);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  void take(const AddressNamed& named);
  void take(const ProcessBegan& process);
  void take(const EnvelopeDelivered& delivered);
  void take(const ActorStepped& step);
  void take(const TraceEnded&) { ended_ = true; }
  /// Nothing more is compared.
  bool is_over() const { return outcome_.difference.has_value(); }
  /// To be asked when everything has been taken.
  ReplayOutcome outcome() const;

 private:
  class StepContext;
  struct Cell {
    std::string name;
    std::unique_ptr<Actor> actor;
    std::size_t deliveries = 0;
    std::optional<EnvelopeDelivered> heard;
  };

  void place(Address at, std::unique_ptr<Actor> actor);
  void run(Address at, Cell& cell, const ActorStepped& step);
  std::string name_of(Address address) const;
  std::string text_of(const Deed& deed) const;

  ReplayRules rules_;
  std::map<Address, std::string> names_;
  std::map<Address, Cell> cells_;
  std::map<Address, ActorStepped> starts_;  ///< that were read before their actors were made
  ReplayOutcome outcome_;
  bool ended_ = false;  // in order: nobody was amid anything
};

/// Replays a whole trace.
ReplayOutcome replay(TraceReader& trace, ReplayRules rules);

/// The field in which two messages differ, of their text forms: `what.group`. Empty if they are different messages.
std::string differing_field(std::string_view one, std::string_view other);

}  // namespace tutti
