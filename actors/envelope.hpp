#pragma once

#include "actors/payload.hpp"
#include "messages/bytes.hpp"
#include "messages/kernel.hpp"

namespace tutti {

/// A message on its way: encoded, with where it comes from and where it goes to. The bulk bytes, if any, ride beside.
struct Envelope {
  Address from;
  Address to;
  MessageId id;
  Bytes body;  ///< msgpack, number first
  Payload payload;
  bool outside = false;  ///< came over a link: to be checked at the door
};

}  // namespace tutti
