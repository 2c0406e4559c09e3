#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "actors/troupe.hpp"
#include "messages/codec.hpp"
#include "messages/text.hpp"

namespace tutti {

/// Says which expectation of an injection test did not hold, and what was there instead.
class ExpectationFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A host whose world is the test: time stands until advance(), messages come by inject(), and everything that an actor
/// says to somebody who is not an actor of this host (a probe or a link) waits in the outbox to be expected.
///
/// A test reads like the conversation it checks:
///
///     InjectionHost host;
///     auto shell = host.probe<ShellRole>("shell");
///     auto link = host.spawn<TrackerLinkRole>("tracker_link", std::make_unique<TrackerLink>(…));
///     host.link_up(host.link_to("127.0.0.1:5000"));
///     host.expect<Hello>(host.link_to("127.0.0.1:5000"));
///     host.inject(shell.address, link.address, Ask{…});
///     host.advance(std::chrono::seconds(2));
///     host.expect_silence();
///
/// Actors spawned in one host reach each other: what they say among themselves is delivered, in order, before
/// inject(), advance() or link_up() returns. After every delivery all invariants are checked.
class InjectionHost final : private Stage {
 public:
  /// The same seed, the same choices.
  explicit InjectionHost(std::uint64_t seed = 1);
  ~InjectionHost() override;

  /// An address that the test plays.
  template <class Role>
  Ref<Role> probe(std::string_view name = Role::name) {
    return {add_probe(name)};
  }
  template <class Role>
  Ref<Role> spawn(std::string_view name, std::unique_ptr<Actor> actor) {
    const Ref<Role> ref{fresh_address()};
    spawn_at(ref.address, name, std::move(actor));
    return ref;
  }
  /// An address for an actor that comes later (spawn_at): two actors that need each other's Ref.
  template <class Role>
  Ref<Role> reserve() {
    return {fresh_address()};
  }
  void spawn_at(Address at, std::string_view name, std::unique_ptr<Actor> actor);
  /// Asks an actor to stop and lets it; false if it is still busy saying goodbye.
  bool stop(Address actor);
  bool is_alive(Address actor) const { return troupe_.has(actor); }

  /// Delivers one message and everything that follows from it inside the host. From a link's address it passes the
  /// door like any message from outside; a refused one is in faults().
  template <Message M>
  void inject(Address from, Address to, const M& message, Payload payload = {}) {
    inject_encoded(from, to, M::message_id, encode(message), std::move(payload));
  }
  void inject_encoded(Address from, Address to, MessageId id, Bytes body, Payload payload = {});

  /// What was said: to whom, by whom, with what.
  template <Message M>
  struct Said {
    M message;
    Address from;
    Payload payload;
    const M* operator->() const { return &message; }
  };
  /// Takes the oldest message for `to` from the outbox; it must be an `M`.
  template <Message M>
  Said<M> expect(Address to) {
    Envelope envelope = take(to, M::message_id, M::type_name);
    Decoded<M> message = decode<M>(envelope.body, {.frame_bytes = SIZE_MAX >> 1U, .list_items = 1U << 24U});
    if (!message) throw ExpectationFailed(std::string(M::type_name) + " does not decode: " + message.fault);
    return {std::move(*message.value), envelope.from, std::move(envelope.payload)};
  }
  template <Message M, class Role>
  Said<M> expect(Ref<Role> to) {
    static_assert(Role::Accepts::template has<M>);
    return expect<M>(to.address);
  }
  /// The oldest message for `to` is exactly this.
  template <Message M>
  void expect_exactly(Address to, const M& wanted) {
    const Said<M> said = expect<M>(to);
    if (!(said.message == wanted))
      throw ExpectationFailed("expected " + to_text(wanted) + ", got " + to_text(said.message));
  }
  /// Takes the first `M` for `to` and leaves what came before; nothing if there is none.
  template <Message M>
  std::optional<Said<M>> find(Address to) {
    std::optional<Envelope> envelope = find_encoded(to, M::message_id);
    if (!envelope) return std::nullopt;
    return Said<M>{*decode<M>(envelope->body, {.frame_bytes = SIZE_MAX >> 1U, .list_items = 1U << 24U}).value,
                   envelope->from, std::move(envelope->payload)};
  }
  /// Takes the oldest message for `to`, whatever it is; nothing if there is none.
  std::optional<Envelope> take_oldest(Address to);
  /// Nothing (more) is in the outbox, or nothing for `to`.
  void expect_silence() const;
  void expect_silence(Address to) const;
  /// Forgets everything said so far, or everything said to `to`.
  void discard() { outbox_.clear(); }
  void discard(Address to);
  const std::deque<Envelope>& outbox() const { return outbox_; }

  /// Lets time pass; timers fire in order, each with what follows from it, at their exact instants.
  void advance(Duration by);
  /// The process is kept from running: time passes, and the timers that fall due wait for advance().
  void suspend(Duration by) { now_ += by; }
  Instant time() const { return now_; }
  /// Sets the time of day; it goes on with advance().
  void set_wall_time(WallTime time) { wall_start_ = time - since_start(); }

  /// A pass that is good at a sealed door, and for whom.
  struct AdmittedPass {
    SealedPass pass;
    LinkKey key;
  };
  struct Link {
    Address address;
    Address owner;
    LinkKind kind;
    std::string endpoint;
    std::string role;
    std::vector<MessageId> says;
    Address listener;  ///< for accepted ones
    bool up = false;
    bool holds_echoes = false;
    std::uint32_t probes = 0;  ///< that wait
    LinkKey key{};             ///< of the other side: expected, or proven by who was accepted
    Admits admits = Admits::anybody;
    std::vector<LinkKey> admitted{};
    SealedPass pass{};                              ///< of a dialled sealed one, or of one that was accepted
    std::map<SealedPassId, AdmittedPass> passes{};  ///< of a sealed door
    std::optional<Outflow> outflow{};
  };
  /// The open link to (or door at) an endpoint; fails if there is none.
  Address link_to(std::string_view endpoint) const;
  /// The question for a key that is under way to an endpoint, if there is one.
  std::optional<Address> question_to(std::string_view endpoint) const;
  /// How many links the troupe keeps for an actor.
  std::size_t link_count(Address actor) const { return troupe_.link_count(actor); }
  /// Who has spawned an actor; 0: the test.
  Address parent_of(Address actor) const { return troupe_.parent_of(actor); }
  /// All open links, in the order of opening.
  std::vector<Link> links() const;
  bool is_open(Address link) const { return links_.contains(link); }
  void link_up(Address link, std::string_view peer = "");
  void link_down(Address link, LinkLoss loss = LinkLoss::disconnected);
  /// Probes of a link are answered at once; from now on (or from now on not) they wait for echo().
  void hold_echoes(Address link, bool hold = true) { links_.at(link).holds_echoes = hold; }
  /// Answers the probes of a link that wait; false if there is none.
  bool echo(Address link);
  /// Somebody who has proven `key` connects to a door and speaks: a new link, LinkUp included.
  Address accept(Address listener, std::string_view peer = "127.0.0.1:40000", const LinkKey& key = {});
  /// Somebody comes in at a sealed door by a pass, which must be good there, and speaks.
  Address accept_sealed(Address listener, const SealedPassId& pass,
                        std::string_view peer = "127.0.0.1:40000");
  /// Somebody answers a question for a key, which is over with that.
  void tell_key(Address question, const LinkKey& key);
  const Link& link(Address address) const { return links_.at(address); }
  /// From now on listen() or publish() at this endpoint fails with this fault.
  void refuse_endpoint(std::string endpoint, std::string fault);

  /// What is known of how that gets on which was said over an accepted link; nothing at first.
  void set_outflow(Address link, const Outflow& known) { links_.at(link).outflow = known; }

  void input_ready(int descriptor);
  bool watches(int descriptor) const { return watched_.contains(descriptor); }

  /// What was dropped: messages that no door, no handler or no check let in.
  const std::vector<std::string>& faults() const { return faults_; }
  std::string name_of(Address address) const;
  void set_trace(TraceSink* sink) { trace_ = sink; }

 private:
  Instant now() const override { return now_; }
  WallTime wall_time() const override { return wall_start_ + since_start(); }
  Random& random() override { return random_; }
  void fill_secret(std::span<std::uint8_t> target) override;
  Address fresh_address() override { return {++last_address_}; }
  void route(Envelope envelope) override;
  Opened open(Address owner, LinkKind kind, const std::string& endpoint, const Door& door) override;
  void admit(Address door, const std::vector<LinkKey>& keys) override { links_.at(door).admitted = keys; }
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) override;
  void revoke_pass(Address door, const SealedPassId& id) override;
  void probe(Address link) override;
  std::optional<Outflow> outflow(Address link) override {
    const auto found = links_.find(link);
    return found == links_.end() ? std::nullopt : found->second.outflow;
  }
  void close(Address link) override;
  void watch(Address owner, int descriptor) override { watched_[descriptor] = owner; }
  void unwatch(int descriptor) override { watched_.erase(descriptor); }
  void stopped(Address) override {}
  void named(Address address, std::string_view name) override;
  TraceSink* trace() const override { return trace_; }

  std::chrono::milliseconds since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  }
  Address add_probe(std::string_view name);
  Envelope take(Address to, MessageId id, std::string_view type_name);
  std::optional<Envelope> find_encoded(Address to, MessageId id);
  std::string describe(const Envelope& envelope) const;
  void deliver(const Envelope& envelope);
  void settle();  // delivers until nothing inside is under way

  Instant now_{};
  WallTime wall_start_{std::chrono::milliseconds{1'700'000'000'000}};
  Random random_;
  std::uint64_t last_address_ = 0;
  std::uint16_t last_port_ = 20000;
  std::deque<Envelope> inside_;
  std::deque<Envelope> outbox_;
  std::map<Address, Link> links_;
  std::set<Address> probes_;
  std::map<Address, std::string> names_;
  std::map<std::string, std::string, std::less<>> refused_endpoints_;
  std::map<int, Address> watched_;
  std::vector<std::string> faults_;
  TraceSink* trace_ = nullptr;
  Troupe troupe_;
};

}  // namespace tutti
