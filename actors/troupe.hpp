#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/actor.hpp"
#include "actors/context.hpp"
#include "actors/envelope.hpp"
#include "actors/time.hpp"
#include "actors/trace.hpp"

namespace tutti {

enum class StepKind : std::uint8_t;

/// What a troupe needs of the host around it. All that makes hosts differ is here.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  virtual Instant now() const = 0;
  virtual WallTime wall_time() const = 0;
  virtual Random& random() = 0;
  virtual void fill_secret(std::span<std::uint8_t> target) = 0;
  virtual Address fresh_address() = 0;
  /// Takes an envelope away to whoever it is for. Never delivers before the running handler has returned.
  virtual void route(Envelope envelope) = 0;
  virtual Opened open(Address owner, LinkKind kind, const std::string& endpoint, const Door& door) = 0;
  virtual void admit(Address door, const std::vector<LinkKey>& keys) = 0;
  /// A host that has no sealed doors has nothing to do about these two.
  virtual void admit_pass(Address, const LinkKey&, const SealedPass&) {}
  virtual void revoke_pass(Address, const SealedPassId&) {}
  virtual void probe(Address link) = 0;
  /// A host without a network does not know.
  virtual std::optional<Outflow> outflow(Address) { return std::nullopt; }
  virtual void close(Address link) = 0;
  virtual void watch(Address owner, int descriptor) = 0;
  virtual void unwatch(int descriptor) = 0;
  /// An actor has said its goodbye and is gone.
  virtual void stopped(Address actor) = 0;
  /// An address has got a name, for traces and logs.
  virtual void named(Address address, std::string_view name) = 0;
  /// Where deliveries are reported now; null if nobody listens.
  virtual TraceSink* trace() const = 0;
};

/// The actors of one thread: who they are, whose child, which timers and links they own, and the conversation of
/// stopping. Every host is made of troupes; a troupe knows no socket and no clock.
///
/// Rules: one envelope at a time. A stopping actor's children stop before its own goodbye is said (so that after an
/// ActorStopped nothing of that actor can speak). A cancelled timer never fires. Timers of one instant fire in the
/// order they were set.
class Troupe {
 public:
  explicit Troupe(Stage& stage) : stage_(stage) {}
  Troupe(const Troupe&) = delete;
  Troupe& operator=(const Troupe&) = delete;
  ~Troupe();

  /// Puts an actor at an address of this troupe and starts it; it is ready when this returns. `parent` may be 0.
  void place(Address at, std::string_view name, Address parent, std::unique_ptr<Actor> actor);
  /// Delivers to an actor of this troupe. Envelopes to nobody are dropped: Receipt::handled, since stopping is no fault.
  Receipt deliver(const Envelope& envelope);
  bool has(Address actor) const { return cells_.contains(actor.value); }
  bool empty() const { return cells_.empty(); }
  std::string_view name_of(Address actor) const;
  /// 0: nobody of this troupe.
  Address parent_of(Address actor) const;
  /// A link has ended by itself: nothing is left of it to be closed with its owner.
  void link_over(Address owner, Address link);
  /// How many links an actor has opened that are not over.
  std::size_t link_count(Address actor) const;

  /// The time of the next timer; Instant::max() if there is none.
  Instant next_timer() const;
  /// Fires the earliest timer that is due at `now`. False if none is.
  bool fire_one(Instant now);

  /// check_invariants of every actor; tests ask for it after each step.
  void check_invariants() const;

 private:
  class CellContext;
  class RecordedContext;
  enum class Phase : std::uint8_t { running, asked_to_stop, waiting_for_children };
  struct Cell {
    Address address;
    std::string name;
    Address parent;
    std::unique_ptr<Actor> actor;
    Phase phase = Phase::running;
    bool goodbye_said = false;
    std::set<Address> children;
    std::set<Address> links;
    std::set<int> descriptors;
    std::set<std::uint64_t> timers;
  };
  struct Timer {
    Address owner;
    MessageId id;
    Bytes body;
    Instant due;
  };
  using TimerKey = std::pair<Instant, std::uint64_t>;

  Cell* find(Address actor);
  template <class Do>
  void step(Cell& cell, StepKind kind, Address sender, const Payload& payload, Do what);
  Receipt handle(Cell& cell, const Envelope& envelope);
  void ask_to_stop(Cell& cell);
  void leave_if_done(Cell& cell);
  void remove(Cell& cell);

  Stage& stage_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Cell>> cells_;
  std::map<TimerKey, Timer> timers_;  // by time, then by the order of setting
  std::unordered_map<std::uint64_t, Instant> due_;
  std::uint64_t last_timer_ = 0;
};

}  // namespace tutti
