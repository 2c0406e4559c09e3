#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/kernel.hpp"
#include "messages/message.hpp"

// The records of a trace file, in which a host writes down what it delivers.
//
//   file   = "tutti-trace\n"  TraceBegan  *( ProcessBegan | AddressNamed | EnvelopeDelivered | ActorStepped )  [ TraceEnded ]
//   record = its length (4 bytes, most significant first), then the message
//
// A file may end anywhere: what was begun and not finished is left out by who reads it.
//
// One that can be replayed also has ProcessBegan, before anything that its actors do, and after each EnvelopeDelivered to an
// actor the ActorStepped that came of it. Without it the program ended there, or the actor was ending and heard nothing more.

namespace tutti {

/// Version 1 had no steps.
constexpr std::uint16_t trace_version = 2;

struct TraceBegan {
  std::uint16_t version = trace_version;
  std::uint64_t payload_bytes_max = 0;  ///< of each payload so many bytes are kept
  TUTTI_MESSAGE(TraceBegan, 0x0901, version, payload_bytes_max);
};
/// Who an address is. Said before anything to or from it, where it is known.
struct AddressNamed {
  Address address;
  std::string name;
  TUTTI_MESSAGE(AddressNamed, 0x0902, address, name);
};
/// A message reached an actor.
struct EnvelopeDelivered {
  static constexpr std::size_t released_fields = 7;
  std::int64_t at_ns = 0;  ///< time of the host; only differences mean something
  Address from;
  Address to;
  bool outside = false;  ///< came over a link
  Bytes body;            ///< the encoded message
  std::uint64_t payload_size = 0;
  Bytes payload;              ///< the first bytes of it, as many as were to be kept
  Bytes payload_digest = {};  ///< SHA-256 of all of it; none where nothing is to be replayed
  TUTTI_MESSAGE(EnvelopeDelivered, 0x0903, at_ns, from, to, outside, body, payload_size, payload,
                payload_digest);
};
/// Nothing more was recorded: somebody stopped it, the file was full, or the disk was.
struct TraceEnded {
  std::string reason;
  TUTTI_MESSAGE(TraceEnded, 0x0904, reason);
};

/// A process of this kind begins: what its actors are made from, for whoever can make them. `name` stands before the names of
/// its actors where there are several processes.
struct ProcessBegan {
  std::string kind;
  std::string name;
  Bytes settings;
  TUTTI_MESSAGE(ProcessBegan, 0x0905, kind, name, settings);
};

// What an actor does in one step.

struct Sent {
  Address to;
  Bytes body;
  std::uint64_t payload_size = 0;
  Bytes payload_digest = {};  ///< SHA-256; none without a payload
  TUTTI_MESSAGE(Sent, 0x0906, to, body, payload_size, payload_digest);
};
struct TimerSet {
  TimerId timer;
  std::chrono::nanoseconds delay{};
  Bytes body;
  TUTTI_MESSAGE(TimerSet, 0x0907, timer, delay, body);
};
struct TimerCancelled {
  TimerId timer;
  TUTTI_MESSAGE(TimerCancelled, 0x0908, timer);
};
/// `kind` as in LinkKind. What came of it: an address and where it is bound, or a fault.
struct LinkOpened {
  std::uint8_t kind = 0;
  std::string endpoint;
  std::string role;  ///< of the other side
  LinkKey expected;
  std::uint8_t admits = 0;
  Bytes pass;  ///< its id, where a sealed door is dialled
  Address link;
  std::string bound;
  std::string failed;
  TUTTI_MESSAGE(LinkOpened, 0x0909, kind, endpoint, role, expected, admits, pass, link, bound, failed);
};
struct LinkClosed {
  Address link;
  TUTTI_MESSAGE(LinkClosed, 0x090a, link);
};
struct LinkProbed {
  Address link;
  TUTTI_MESSAGE(LinkProbed, 0x090b, link);
};
struct KeysAdmitted {
  Address door;
  std::vector<LinkKey> keys;
  TUTTI_MESSAGE(KeysAdmitted, 0x090c, door, keys);
};
/// The secret of a pass is in no recording.
struct PassAdmitted {
  Address door;
  LinkKey key;
  Bytes pass;
  TUTTI_MESSAGE(PassAdmitted, 0x090d, door, key, pass);
};
struct PassRevoked {
  Address door;
  Bytes pass;
  TUTTI_MESSAGE(PassRevoked, 0x090e, door, pass);
};
struct ChildSpawned {
  Address child;
  std::string name;
  TUTTI_MESSAGE(ChildSpawned, 0x090f, child, name);
};
struct StopAsked {
  Address actor;
  TUTTI_MESSAGE(StopAsked, 0x0910, actor);
};
/// The actor is done.
struct GoodbyeSaid {
  TUTTI_MESSAGE(GoodbyeSaid, 0x0911);
};
/// It did not take the message.
struct NotTaken {
  std::string why;
  TUTTI_MESSAGE(NotTaken, 0x0912, why);
};
using Deed = OneOf<Sent, TimerSet, TimerCancelled, LinkOpened, LinkClosed, LinkProbed, KeysAdmitted,
                   PassAdmitted, PassRevoked, ChildSpawned, StopAsked, GoodbyeSaid, NotTaken>;

enum class StepKind : std::uint8_t { start, message, stop };
inline constexpr std::array<std::string_view, 3> step_kind_names{"start", "message", "stop"};
constexpr std::span<const std::string_view> enumerators(StepKind) { return step_kind_names; }

/// What its context has given an actor while it handled one message, each in the order in which it was asked for, and what the
/// actor did. The message is the EnvelopeDelivered to it that came before.
struct ActorStepped {
  Address actor;
  StepKind kind = StepKind::message;
  std::int64_t at_ns = 0;
  std::vector<std::int64_t> now_ns;
  std::vector<std::int64_t> wall_ms;
  std::vector<std::uint64_t> chances;   ///< states of the generator, as it was handed out
  std::vector<Bytes> secrets;           ///< without those of passes
  std::vector<std::uint64_t> observed;  ///< numbers that it looked at elsewhere
  std::vector<Deed> deeds;
  TUTTI_MESSAGE(ActorStepped, 0x0913, actor, kind, at_ns, now_ns, wall_ms, chances, secrets, observed, deeds);
};

using TraceRecord = OneOf<AddressNamed, EnvelopeDelivered, ProcessBegan, ActorStepped, TraceEnded>;
using TraceMessages = Joined<Messages<TraceBegan>, TraceRecord::Options, Deed::Options>;

}  // namespace tutti
