#pragma once

#include <algorithm>
#include <bit>

#include "actors/digest.hpp"
#include "actors/observed.hpp"
#include "actors/troupe_context.hpp"

// How a troupe writes down what an actor is given and does. Only for troupe*.cpp.

namespace tutti {

/// The state of a generator of chance is all that it consists of.
static_assert(sizeof(Random) == sizeof(std::uint64_t));

/// A context that writes down what it gives and what is done with it. What an actor never learns (the secret of a pass that
/// it hands on) and what is nobody else's business (descriptors) is not written down.
class Troupe::RecordedContext final : public CellContext, public ObservingContext {
 public:
  RecordedContext(Troupe& troupe, Cell& cell, Address sender, const Payload& payload, StepKind kind)
      : CellContext(troupe, cell, sender, payload) {
    step_.actor = cell.address;
    step_.kind = kind;
    step_.at_ns = stage().now().time_since_epoch().count();
  }
  const ActorStepped& step() const { return step_; }
  void refused(const Receipt& receipt) {
    if (receipt.kind != Receipt::Kind::handled) did(NotTaken{receipt.fault});
  }

  Instant now() const override {
    const Instant now = CellContext::now();
    step_.now_ns.push_back(now.time_since_epoch().count());
    return now;
  }
  WallTime wall_time() const override {
    const WallTime time = CellContext::wall_time();
    step_.wall_ms.push_back(time.time_since_epoch().count());
    return time;
  }
  Random& random() override {
    Random& random = CellContext::random();
    step_.chances.push_back(std::bit_cast<std::uint64_t>(random));
    return random;
  }
  void fill_secret(std::span<std::uint8_t> target) override {
    CellContext::fill_secret(target);
    step_.secrets.emplace_back(target.begin(), target.end());
  }
  std::uint64_t observe(std::uint64_t value) override {
    step_.observed.push_back(value);
    return value;
  }

  void cancel(TimerId timer) override {
    did(TimerCancelled{timer});
    CellContext::cancel(timer);
  }
  void admit(Address door, const std::vector<LinkKey>& keys) override {
    did(KeysAdmitted{door, keys});
    CellContext::admit(door, keys);
  }
  void revoke_pass(Address door, const SealedPassId& id) override {
    did(PassRevoked{door, {id.view().begin(), id.view().end()}});
    CellContext::revoke_pass(door, id);
  }
  void probe(Address link) override {
    did(LinkProbed{link});
    CellContext::probe(link);
  }
  std::optional<Outflow> outflow(Address link) override {
    const std::optional<Outflow> known = CellContext::outflow(link);
    observe(known.has_value() ? 1 : 0);
    if (!known) return known;
    observe(known->confirmed);
    observe(known->unsent);
    return known;
  }
  void close(Address link) override {
    did(LinkClosed{link});
    CellContext::close(link);
  }
  void stop(Address actor) override {
    did(StopAsked{actor});
    CellContext::stop(actor);
  }
  void goodbye() override {
    did(GoodbyeSaid{});
    CellContext::goodbye();
  }

 protected:
  void post(Address to, MessageId id, Bytes body, Payload payload) override {
    Sent sent{to, body, payload.size(), {}};
    if (!payload.empty()) {
      const Sha256 digest = sha256(payload.view());
      sent.payload_digest.assign(digest.bytes.begin(), digest.bytes.end());
    }
    did(std::move(sent));
    CellContext::post(to, id, std::move(body), std::move(payload));
  }
  TimerId start_timer(Duration delay, MessageId id, Bytes body) override {
    const TimerId timer = CellContext::start_timer(delay, id, body);
    did(TimerSet{timer, delay, std::move(body)});
    return timer;
  }
  Opened open(LinkKind kind, const std::string& endpoint, const Door& door) override {
    Opened opened = CellContext::open(kind, endpoint, door);
    LinkOpened did_open{static_cast<std::uint8_t>(kind),
                        endpoint,
                        std::string(door.role),
                        door.expected,
                        static_cast<std::uint8_t>(door.admits),
                        {},
                        opened.address,
                        opened.endpoint,
                        opened.fault};
    if (kind == LinkKind::connect_sealed)
      did_open.pass.assign(door.pass.id.bytes.begin(), door.pass.id.bytes.end());
    did(std::move(did_open));
    return opened;
  }
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) override {
    for (Bytes& each : step_.secrets)
      if (std::ranges::equal(each, pass.secret.view())) each.assign(each.size(), 0);
    did(PassAdmitted{door, key, {pass.id.view().begin(), pass.id.view().end()}});
    CellContext::admit_pass(door, key, pass);
  }
  Address spawn_child(std::string_view actor_name, std::unique_ptr<Actor> actor) override {
    const Address child = CellContext::spawn_child(actor_name, std::move(actor));
    did(ChildSpawned{child, std::string(actor_name)});
    return child;
  }

 private:
  void did(Deed deed) { step_.deeds.push_back(std::move(deed)); }

  mutable ActorStepped step_;  // what is asked for is noted, too
};

}  // namespace tutti
