#pragma once

#include "messages/codec.hpp"
#include "messages/text.hpp"

// What Codec does. For the catalogue, and for messages that are declared outside messages/. `gnu::used`: other files call
// these, so they have to be there even where the compiler has inlined all that is seen of them.

namespace tutti {

template <Message M>
[[gnu::used]] Bytes Codec<M>::encode(const M& message) {
  MsgpackWriter writer;
  write_message(writer, message);
  return writer.take();
}

template <Message M>
[[gnu::used]] Decoded<M> Codec<M>::decode(ByteView frame, const DecodeLimits& limits) {
  MsgpackReader reader(frame, limits);
  M message;
  if (!reader.failed()) read_message(reader, message);
  if (reader.failed()) return {std::nullopt, reader.fault()};
  return {std::move(message), {}};
}

template <Message M>
[[gnu::used]] Decoded<M> Codec<M>::decode_at_door(ByteView frame, const DecodeLimits& limits) {
  Decoded<M> decoded = decode(frame, limits);
  if (decoded) {
    if (const Fault fault = fault_of(*decoded); !fault.empty()) return {std::nullopt, std::string(fault)};
  }
  return decoded;
}

template <Message M>
[[gnu::used]] std::string Codec<M>::to_text(const M& message, std::size_t most_bytes) {
  TextWriter writer(most_bytes);
  write_message(writer, message);
  return writer.take();
}

}  // namespace tutti
