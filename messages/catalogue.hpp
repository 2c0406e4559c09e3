#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/codec.hpp"
#include "messages/message.hpp"

namespace tutti {

/// What is known of a message type while the program runs: for traces, inject, golden bytes and fuzzers, which meet
/// messages as bytes or text.
struct MessageEntry {
  MessageId id;
  std::string_view name;
  std::string_view protocol;             ///< the first that it belongs to, such as "client_tracker"
  std::vector<std::string_view> fields;  ///< their names, in order
  std::size_t released_fields = 0;       ///< fewer, if it has grown since

  /// Encoded -> text on one line. Bytes beyond `most_bytes` of one value are left out.
  Decoded<std::string> (*print)(ByteView body, std::size_t most_bytes);
  /// Text -> encoded.
  Decoded<Bytes> (*parse)(std::string_view text);
  /// What keeps it from passing the door: malformed, or its own fault(). Empty if nothing does.
  std::string (*fault)(ByteView body, const DecodeLimits& limits);
  /// A random valid one, encoded; the same seed gives the same bytes as long as its fields do not change.
  Bytes (*sample)(std::uint64_t seed);
};

/// Every message of every protocol, by number.
std::span<const MessageEntry> catalogue();
/// nullptr if there is none.
const MessageEntry* find_message(MessageId id);
const MessageEntry* find_message(std::string_view name);

/// Numbers of messages that were released and are spoken no more. None of them may come back with another meaning.
std::span<const MessageId> retired_messages();

/// Any encoded message as a line for people; what cannot be decoded is shown as its number, the reason and its
/// first bytes.
std::string describe(ByteView body, std::size_t most_bytes = 16);

/// Any message from its text form.
Decoded<Bytes> parse_message(std::string_view text);

}  // namespace tutti
