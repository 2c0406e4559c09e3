#pragma once

#include <string>

#include "actors/context.hpp"
#include "actors/envelope.hpp"
#include "messages/codec.hpp"
#include "messages/kernel.hpp"

namespace tutti {

/// What became of an envelope. A host counts faults against their sender; an actor never sees them.
struct Receipt {
  enum class Kind : std::uint8_t { handled, not_accepted, malformed } kind = Kind::not_accepted;
  std::string fault;
};

/// What an actor answers to being stopped.
enum class Farewell : std::uint8_t { now, later };

/// State and handlers, nothing else: no thread, no clock, no socket. Only its worker's thread touches it, one message
/// at a time. Handlers never block. Derive from ActorOf.
class Actor {
 public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  virtual ~Actor() = default;

  /// The first thing that happens to it, before any message. When it returns the actor is ready.
  virtual void start(Context&) {}
  /// Asked to stop. `now`: links are closed, children stopped and the goodbye is said by the kernel. `later`: it goes
  /// on handling messages until it calls Context::goodbye().
  virtual Farewell stop(Context&) { return Farewell::now; }
  virtual Receipt receive(const Envelope& envelope, Context& context) = 0;
  /// ENSUREs everything that must hold between two messages. Tests call it after every one.
  virtual void check_invariants() const {}
};

/// An actor that handles exactly the messages of `Handles` (a Messages<…>), each in `on(const M&, Context&)`; a missing
/// handler does not compile. Handlers for the kernel's own messages (LinkUp, LinkDown, LinkEcho, KeyTold, ActorStopped,
/// InputReady) may be left out.
template <class Derived, class Handles>
class ActorOf : public Actor {
  static_assert(Handles::ids_are_unique(), "two messages have one number");

 public:
  Receipt receive(const Envelope& envelope, Context& context) final {
    Receipt receipt;
    Handles::for_each([&]<class M>() {
      if (envelope.id == M::message_id) receipt = deliver<M>(envelope, context);
    });
    Messages<ActorStopped, LinkUp, LinkDown, LinkEcho, KeyTold, InputReady>::for_each([&]<class M>() {
      if constexpr (requires(Derived & actor, const M& message) { actor.on(message, context); }) {
        if (envelope.id == M::message_id && !envelope.outside) receipt = deliver<M>(envelope, context);
      } else {
        if (envelope.id == M::message_id) receipt.kind = Receipt::Kind::handled;
      }
    });
    return receipt;
  }

 private:
  template <class M>
  Receipt deliver(const Envelope& envelope, Context& context) {
    // Inside the process the sender's type was checked by the compiler; the size of a listing is no fault there.
    static constexpr DecodeLimits inside{
        .frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};
    static constexpr DecodeLimits at_door{.frame_bytes = 64U << 20U};
    const Decoded<M> message =
        envelope.outside ? decode_at_door<M>(envelope.body, at_door) : decode<M>(envelope.body, inside);
    if (!message) return {Receipt::Kind::malformed, std::string(M::type_name) + ": " + message.fault};
    static_cast<Derived&>(*this).on(*message, context);
    return {Receipt::Kind::handled, {}};
  }
};

}  // namespace tutti
