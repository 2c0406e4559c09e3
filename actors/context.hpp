#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/envelope.hpp"
#include "actors/payload.hpp"
#include "actors/random.hpp"
#include "actors/time.hpp"
#include "messages/codec.hpp"
#include "messages/kernel.hpp"
#include "messages/sealed_pass.hpp"

namespace tutti {

class Actor;

/// Whom a door lets in. Everybody has to prove a key in any case; LinkUp says which.
enum class Admits : std::uint8_t {
  anybody,
  named,  ///< whom Context::admit() has named; nobody before that
};

/// What may come in over a link, decided when it is opened.
struct Door {
  std::string_view role;            ///< of the other side, for logs and traces
  std::span<const MessageId> says;  ///< everything else is dropped and counted
  DecodeLimits limits;
  LinkKey expected{};  ///< where we dial: the only key that the other side may have
  Admits admits = Admits::anybody;
  SealedPass pass{};  ///< where we dial a sealed door
};

template <class RemoteRole>
Door door_of() {
  DecodeLimits limits;
  limits.frame_bytes = RemoteRole::frame_bytes;
  return {RemoteRole::name, RemoteRole::Says::ids, limits};
}
template <class RemoteRole>
Door door_to(const LinkKey& expected) {
  Door door = door_of<RemoteRole>();
  door.expected = expected;
  return door;
}
template <class RemoteRole>
Door door_for(Admits admits) {
  Door door = door_of<RemoteRole>();
  door.admits = admits;
  return door;
}

/// How a link meets the network. Endpoints are `host:port`, `[ipv6]:port`; port 0 lets the system choose. The first four
/// are encrypted and authenticated by CURVE; sealed ones by AES-256-GCM, under keys that follow from a pass which went over
/// a link of those. There is no other way in.
enum class LinkKind : std::uint8_t {
  listen,          ///< ROUTER: one address for the door, a new one for each peer that speaks (LinkUp)
  connect,         ///< DEALER: connects again by itself for ever
  publish,         ///< PUB: what is sent to it goes to every subscriber, without any promise
  subscribe,       ///< SUB: connects again by itself for ever; nothing can be sent
  listen_sealed,   ///< ROUTER for bulk: in comes who has a pass
  connect_sealed,  ///< DEALER to one of those: connects again by itself for ever
  listen_stream,   ///< STREAM: plain TCP; a new address for each connection (LinkUp), which is gone with it
  dial_stream,     ///< STREAM: one attempt, one connection; gone with LinkDown
  tell_key,        ///< UDP: says the key of our links to whoever asks
  ask_key,         ///< UDP: asks for the key of somebody's links until KeyTold
};

/// How what was said over a connection gets on, in bytes of the stream, as the system's TCP counts them.
struct Outflow {
  std::uint64_t confirmed = 0;  ///< by the other end, since the connection stands
  std::uint64_t unsent = 0;     ///< taken by the system, and not yet sent
};

/// What came of opening a link. A refused listen has a fault (address in use) and no address.
struct Opened {
  Address address;
  std::string endpoint;  ///< as bound, with the port that the system chose
  std::string fault;
};

/// All that an actor sees of the world. The same actor runs over real sockets, under injected messages and in a
/// simulation, and cannot tell which: every host implements the virtual part, the templates encode.
///
/// Rules: only valid during the handler it was given to. Nothing here blocks. Messages between two actors arrive in
/// the order they were sent; between three there is no order. A send to somebody who has stopped, or over a link that
/// is down, is dropped (the reason: whoever cares is told by ActorStopped or LinkDown, and a queue for the dead would
/// grow).
class Context {
 public:
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  virtual ~Context() = default;

  virtual Instant now() const = 0;
  virtual WallTime wall_time() const = 0;
  virtual Random& random() = 0;
  /// Fills with bytes that nobody can guess (in a simulation: from the seed).
  virtual void fill_secret(std::span<std::uint8_t> target) = 0;

  virtual Address self() const = 0;
  /// Who sent the message that is being handled; 0 in start(), for timers it is self().
  virtual Address sender() const = 0;
  /// The bulk bytes that came with it.
  virtual const Payload& payload() const = 0;

  template <class Role, Message M>
  void send(Ref<Role> to, const M& message, Payload payload = {}) {
    static_assert(Role::Accepts::template has<M>, "this role does not accept this message");
    post(to.address, M::message_id, encode(message), std::move(payload));
  }
  /// Answers the sender of the message that is being handled.
  template <Message M>
  void reply(const M& message, Payload payload = {}) {
    post(sender(), M::message_id, encode(message), std::move(payload));
  }
  /// Sends to an address that was kept from sender(): an answer that had to wait.
  template <Message M>
  void answer(Address to, const M& message, Payload payload = {}) {
    post(to, M::message_id, encode(message), std::move(payload));
  }
  /// Sends `message` to this actor itself after `delay`.
  template <Message M>
  TimerId after(Duration delay, const M& message) {
    return start_timer(delay, M::message_id, encode(message));
  }
  /// Forgets a timer. One that has fired or never was is no error; a cancelled timer's message never arrives.
  virtual void cancel(TimerId timer) = 0;

  /// Opens a door at `endpoint`: everyone who connects is a `RemoteRole`. LinkUp names each of them.
  template <class RemoteRole>
  Opened listen(const std::string& endpoint, Admits admits = Admits::anybody) {
    return open(LinkKind::listen, endpoint, door_for<RemoteRole>(admits));
  }
  /// A link to the `RemoteRole` at `endpoint` that has the secret key of `key`; it never stands with anybody else. LinkUp
  /// says when it stands, LinkDown when it does not.
  template <class RemoteRole>
  Ref<RemoteRole> connect(const std::string& endpoint, const LinkKey& key) {
    return {open(LinkKind::connect, endpoint, door_to<RemoteRole>(key)).address};
  }
  /// A topic of our own; `Topic::Accepts` is what may be published.
  template <class Topic>
  Opened publish(const std::string& endpoint, Admits admits = Admits::anybody) {
    return open(LinkKind::publish, endpoint, {Topic::name, {}, {}, {}, admits});
  }
  /// Listens to the topic of somebody with the secret key of `key`; `Topic::Says` is what may come.
  template <class Topic>
  Ref<Topic> subscribe(const std::string& endpoint, const LinkKey& key) {
    return {open(LinkKind::subscribe, endpoint, door_to<Topic>(key)).address};
  }
  /// Opens a door for bulk at `endpoint`, which costs a fraction of what CURVE does: in comes who has been given a pass for it.
  /// LinkUp says the key that the pass was issued for, when something has come that only its holder can have sealed.
  template <class RemoteRole>
  Opened listen_sealed(const std::string& endpoint) {
    return open(LinkKind::listen_sealed, endpoint, door_of<RemoteRole>());
  }
  /// A new pass for a sealed door of our own, for whoever has proven `key` and is told it over the link that proved it.
  SealedPass issue_pass(Address door, const LinkKey& key) {
    SealedPass pass;
    fill_secret(pass.id.bytes);
    fill_secret(pass.secret.bytes);
    admit_pass(door, key, pass);
    return pass;
  }
  /// The pass lets nobody in any more; the links that have come by it are down (LinkLoss::closed).
  virtual void revoke_pass(Address door, const SealedPassId& id) = 0;
  /// A link to the sealed door at `endpoint` of whoever has the secret key of `key` and has told us this pass. LinkUp says
  /// when it stands. What does not open (whoever is on the way may change it) is LinkDown `disconnected`, and
  /// the pauses before it is dialled again grow.
  template <class RemoteRole>
  Ref<RemoteRole> connect_sealed(const std::string& endpoint, const LinkKey& key, const SealedPass& pass) {
    Door door = door_to<RemoteRole>(key);
    door.pass = pass;
    return {open(LinkKind::connect_sealed, endpoint, door).address};
  }
  /// Exactly these are let in from now on, at a door or topic of our own that admits the named. Who is in stays.
  virtual void admit(Address door, const std::vector<LinkKey>& keys) = 0;
  /// Says the public key of our links to whoever asks with a datagram at the UDP port of `endpoint`.
  Opened tell_key(const std::string& endpoint) {
    return open(LinkKind::tell_key, endpoint, {"key_asker", {}, {}});
  }
  /// Asks for the public key of whoever listens at `endpoint`, again and again: KeyTold, once. Whether it is to be trusted
  /// is the asker's decision. close() ends it.
  Address ask_key(const std::string& endpoint) {
    return open(LinkKind::ask_key, endpoint, {"key_teller", {}, {}}).address;
  }
  /// Opens a door for plain TCP connections (`StreamRole` is a ByteStreamRole): LinkUp names each of them at once. What
  /// is said to one that does not listen is kept in memory: whoever says much measures what has been taken (PayloadGauge).
  template <class StreamRole>
  Opened listen_stream(const std::string& endpoint) {
    return open(LinkKind::listen_stream, endpoint, door_of<StreamRole>());
  }
  /// Makes one plain TCP connection, from the address `from` (the system's choice if empty). LinkUp says when it stands;
  /// LinkDown that it has ended, or came to nothing: the address is void then.
  template <class StreamRole>
  Ref<StreamRole> dial_stream(const std::string& endpoint, const std::string& from = {}) {
    return {
        open(LinkKind::dial_stream, from.empty() ? endpoint : from + ":0;" + endpoint, door_of<StreamRole>())
            .address};
  }
  /// Asks the host at the other end of a connected link for a sign of life: LinkEcho, as soon as it has read this. Over
  /// a link that is down, nothing comes.
  virtual void probe(Address link) = 0;
  /// How what was said over a link gets on that has come in at a door of ours; nothing where that is not known.
  virtual std::optional<Outflow> outflow(Address link) = 0;
  /// Closes a link or a whole door. What was sent before still goes out, within the host's linger.
  virtual void close(Address link) = 0;

  /// Starts a child on this worker: it is ready when this returns. It is stopped with its parent at the latest.
  template <class Role>
  Ref<Role> spawn(std::string_view actor_name, std::unique_ptr<Actor> actor) {
    return {spawn_child(actor_name, std::move(actor))};
  }
  /// Asks an actor of this worker to stop; ActorStopped is its goodbye. May be self().
  virtual void stop(Address actor) = 0;
  /// What an actor says when it is done: after answering stop() with `later`, or unasked, to end by itself.
  virtual void goodbye() = 0;

  /// Says InputReady once, when `descriptor` can be read or is at its end; ask again each time. The descriptor stays
  /// the caller's and must be unwatched before it is closed.
  virtual void watch(int descriptor) = 0;
  virtual void unwatch(int descriptor) = 0;

 protected:
  virtual void post(Address to, MessageId id, Bytes body, Payload payload) = 0;
  virtual TimerId start_timer(Duration delay, MessageId id, Bytes body) = 0;
  virtual Opened open(LinkKind kind, const std::string& endpoint, const Door& door) = 0;
  virtual void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) = 0;
  virtual Address spawn_child(std::string_view actor_name, std::unique_ptr<Actor> actor) = 0;
};

}  // namespace tutti
