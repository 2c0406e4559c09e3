#pragma once

#include <vector>

#include "messages/catalogue.hpp"
#include "messages/codec_impl.hpp"
#include "messages/sample.hpp"
#include "messages/text.hpp"

// How an entry of the catalogue is made from a message. Only for the catalogue_*.cpp, one a protocol: instantiated in
// one place all messages took half a minute to compile.

namespace tutti::catalogue_detail {

/// What the inside of a process lets pass: a listing may be larger than a frame of the network.
constexpr DecodeLimits wide{.frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};

template <Message M>
Decoded<std::string> print_as(ByteView body, std::size_t most_bytes) {
  const Decoded<M> message = decode<M>(body, wide);
  if (!message) return {std::nullopt, message.fault};
  return {to_text(*message, most_bytes), {}};
}

template <Message M>
Decoded<Bytes> parse_as(std::string_view text) {
  M message;
  std::string fault;
  if (!from_text(text, message, fault)) return {std::nullopt, fault};
  return {encode(message), {}};
}

template <Message M>
std::string fault_as(ByteView body, const DecodeLimits& limits) {
  return decode_at_door<M>(body, limits).fault;
}

template <Message M>
Bytes sample_as(std::uint64_t seed) {
  SampleBits bits(seed);
  return encode(sample<M>(bits));
}

template <Message M>
MessageEntry entry_of(std::string_view protocol) {
  MessageEntry entry{M::message_id, M::type_name, protocol,    {},          field_count_min<M>,
                     print_as<M>,   parse_as<M>,  fault_as<M>, sample_as<M>};
  for (std::size_t i = 0; i < field_count<M>; ++i) entry.fields.push_back(nth_field(M::field_list, i));
  return entry;
}

/// The entries of a protocol's messages.
template <class... M>
std::vector<MessageEntry> entries_of(std::string_view protocol, Messages<M...>) {
  return {entry_of<M>(protocol)...};
}

std::vector<MessageEntry> kernel_entries();
std::vector<MessageEntry> codes_entries();
std::vector<MessageEntry> client_tracker_entries();
std::vector<MessageEntry> peer_peer_entries();
std::vector<MessageEntry> shell_client_entries();
std::vector<MessageEntry> inside_client_entries();
std::vector<MessageEntry> inside_tracker_entries();
std::vector<MessageEntry> tracker_tracker_entries();
std::vector<MessageEntry> trace_entries();
std::vector<MessageEntry> orchestra_entries();
std::vector<MessageEntry> trees_entries();

}  // namespace tutti::catalogue_detail
