#pragma once

#include <cstdint>
#include <string>

#include "messages/kernel.hpp"
#include "messages/message.hpp"

// The records of a trace file, in which a host writes down what it delivers.
//
//   file   = "tutti-trace\n"  TraceBegan  *( AddressNamed | EnvelopeDelivered )  [ TraceEnded ]
//   record = its length (4 bytes, most significant first), then the message
//
// A file may end anywhere: what was begun and not finished is left out by who reads it.

namespace tutti {

constexpr std::uint16_t trace_version = 1;

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
  std::int64_t at_ns = 0;  ///< time of the host; only differences mean something
  Address from;
  Address to;
  bool outside = false;  ///< came over a link
  Bytes body;            ///< the encoded message
  std::uint64_t payload_size = 0;
  Bytes payload;  ///< the first bytes of it, as many as were to be kept
  TUTTI_MESSAGE(EnvelopeDelivered, 0x0903, at_ns, from, to, outside, body, payload_size, payload);
};
/// Nothing more was recorded: somebody stopped it, the file was full, or the disk was.
struct TraceEnded {
  std::string reason;
  TUTTI_MESSAGE(TraceEnded, 0x0904, reason);
};

using TraceRecord = OneOf<AddressNamed, EnvelopeDelivered, TraceEnded>;
using TraceMessages = Joined<Messages<TraceBegan>, TraceRecord::Options>;

}  // namespace tutti
