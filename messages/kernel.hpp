#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "messages/message.hpp"

namespace tutti {

/// Where a message goes to or came from: an actor of this host, or a link to somebody outside. 0 is nobody.
/// Never used twice in a host's life.
using Address = Unit<struct AddressTag, std::uint64_t>;

/// An address of which it is known what it accepts.
template <class Role>
struct Ref {
  Address address;
  constexpr auto operator<=>(const Ref&) const = default;
  explicit operator bool() const { return address.value != 0; }
};

/// Names a timer of an actor. 0 is none.
using TimerId = Unit<struct TimerIdTag, std::uint64_t>;

// What the kernel itself says to an actor. An actor that has no handler for one of these does not get it.

/// A child or a spawned actor has said its goodbye: it will not speak again.
struct ActorStopped {
  Address actor;
  TUTTI_MESSAGE(ActorStopped, 0x0001, actor);
};

/// Why a link is down.
enum class LinkLoss : std::uint8_t { disconnected, silent, unreachable, misbehaved, closed };
inline constexpr std::array<std::string_view, 5> link_loss_names{"disconnected", "silent", "unreachable",
                                                                 "misbehaved", "closed"};
constexpr std::span<const std::string_view> enumerators(LinkLoss) { return link_loss_names; }

/// A link can be spoken over from now on. For a listener's link: somebody has begun to speak; `listener` is the
/// address that listen() gave. For a link of our own connect(): the connection stands; `listener` is 0.
/// `peer` is the other side's network address as text, `ip:port` or `[ip]:port`; without port where unknown.
/// `key` is the public key that the other side has proven to have the secret of; none over plain TCP.
struct LinkUp {
  static constexpr std::size_t released_fields = 3;
  Address link;
  Address listener;
  std::string peer;
  LinkKey key;
  TUTTI_MESSAGE(LinkUp, 0x0002, link, listener, peer, key);
};

/// What is sent over this link now is dropped. A connected link tries again by itself and says LinkUp when it
/// stands; a listener's link never comes back (the same peer returns under another address).
struct LinkDown {
  Address link;
  LinkLoss loss = LinkLoss::disconnected;
  TUTTI_MESSAGE(LinkDown, 0x0003, link, loss);
};

/// A watched file descriptor can be read without blocking, or is at its end. Said again while it is so and the
/// actor asks again with watch_again().
struct InputReady {
  std::int32_t descriptor = -1;
  TUTTI_MESSAGE(InputReady, 0x0004, descriptor);
};

/// Said between two hosts over an idle link to show life; actors never see it.
struct LinkPing {
  TUTTI_MESSAGE(LinkPing, 0x0005);
};
struct LinkPong {
  TUTTI_MESSAGE(LinkPong, 0x0006);
};

/// Asks an actor to stop. Travels like any message, so what was sent before it is handled first; the kernel answers
/// it, the actor sees only stop().
struct StopActor {
  TUTTI_MESSAGE(StopActor, 0x0007);
};

/// Said by a listening host to a peer that it has given up but that speaks on: nothing here remembers the
/// conversation, connect anew. Actors never see it.
struct LinkReset {
  TUTTI_MESSAGE(LinkReset, 0x0008);
};

/// The host at the other end of a link has answered Context::probe(): it runs, whatever its actors are busy with.
struct LinkEcho {
  Address link;
  TUTTI_MESSAGE(LinkEcho, 0x0009, link);
};

/// The answer to Context::ask_key(): what somebody says the public key is. That it has the secret key as well is only
/// known when a link to it stands. The address of the question is void from now on.
struct KeyTold {
  Address question;
  LinkKey key;
  TUTTI_MESSAGE(KeyTold, 0x000b, question, key);
};

using KernelMessages = Messages<ActorStopped, LinkUp, LinkDown, InputReady, LinkPing, LinkPong, StopActor,
                                LinkReset, LinkEcho, KeyTold>;

}  // namespace tutti
