#include "messages/catalogue.hpp"

#include <algorithm>

#include "messages/client_tracker.hpp"
#include "messages/codes.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/kernel.hpp"
#include "messages/peer_peer.hpp"
#include "messages/sample.hpp"
#include "messages/shell_client.hpp"
#include "messages/text.hpp"
#include "messages/trace_records.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {

namespace {

struct Kernel {
  static constexpr std::string_view name = "kernel";
  using List = KernelMessages;
};
struct Codes {
  static constexpr std::string_view name = "codes";
  using List = Messages<Refused, Done>;
};
struct ClientTracker {
  static constexpr std::string_view name = "client_tracker";
  using List = ClientTrackerMessages;
};
struct PeerPeer {
  static constexpr std::string_view name = "peer_peer";
  using List = PeerPeerMessages;
};
struct ShellClient {
  static constexpr std::string_view name = "shell_client";
  using List = ShellClientMessages;
};

struct InsideClient {
  static constexpr std::string_view name = "inside_client";
  using List = InsideClientMessages;
};
struct InsideTracker {
  static constexpr std::string_view name = "inside_tracker";
  using List = InsideTrackerMessages;
};
struct Trace {
  static constexpr std::string_view name = "trace";
  using List = TraceMessages;
};
struct TrackerTracker {
  static constexpr std::string_view name = "tracker_tracker";
  using List = TrackerTrackerMessages;
};

template <class... Protocol>
struct Protocols {
  using AllMessages = Joined<typename Protocol::List...>;
  template <class Visit>
  static void for_each(Visit&& visit) {
    (visit.template operator()<Protocol>(), ...);
  }
};
using AllProtocols = Protocols<Kernel, Codes, ClientTracker, PeerPeer, ShellClient, InsideClient,
                               InsideTracker, TrackerTracker, Trace>;

constexpr std::array<MessageId, 0> retired{};

/// A message may belong to several protocols (Done does); a number belongs to one message.
template <class... M>
constexpr bool no_number_means_two(Messages<M...>) {
  constexpr std::array<MessageId, sizeof...(M)> ids{M::message_id...};
  constexpr std::array<std::string_view, sizeof...(M)> names{M::type_name...};
  for (std::size_t i = 0; i < ids.size(); ++i)
    for (std::size_t j = i + 1; j < ids.size(); ++j)
      if ((ids[i] == ids[j]) != (names[i] == names[j])) return false;
  return true;
}
static_assert(no_number_means_two(AllProtocols::AllMessages{}), "one number or name stands for two messages");
static_assert(std::ranges::none_of(retired, AllProtocols::AllMessages::has_id),
              "a retired number is used again");
static_assert(!AllProtocols::AllMessages::has_id(MessageId{0}), "0 is no message");

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
  MessageEntry entry{M::message_id, M::type_name, protocol,    {},
                     print_as<M>,   parse_as<M>,  fault_as<M>, sample_as<M>};
  for (std::size_t i = 0; i < field_count<M>; ++i) entry.fields.push_back(nth_field(M::field_list, i));
  return entry;
}

std::vector<MessageEntry> collect() {
  std::vector<MessageEntry> entries;
  AllProtocols::for_each([&]<class Protocol>() {
    Protocol::List::for_each([&]<class M>() {
      const bool known = std::ranges::find(entries, M::message_id, &MessageEntry::id) != entries.end();
      if (!known) entries.push_back(entry_of<M>(Protocol::name));
    });
  });
  std::ranges::sort(entries, {}, &MessageEntry::id);
  return entries;
}

const std::vector<MessageEntry>& entries() {
  static const std::vector<MessageEntry> all = collect();
  return all;
}

std::string_view first_word(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  return text.substr(0, text.find_first_of("{ \t\r\n"));
}

}  // namespace

std::span<const MessageEntry> catalogue() { return entries(); }
std::span<const MessageId> retired_messages() { return retired; }

const MessageEntry* find_message(MessageId id) {
  const auto at = std::ranges::lower_bound(entries(), id, {}, &MessageEntry::id);
  return at == entries().end() || at->id != id ? nullptr : &*at;
}

const MessageEntry* find_message(std::string_view name) {
  const auto at = std::ranges::find(entries(), name, &MessageEntry::name);
  return at == entries().end() ? nullptr : &*at;
}

std::string describe(ByteView body, std::size_t most_bytes) {
  const MessageId id = peek_message_id(body);
  const MessageEntry* entry = find_message(id);
  std::string why = "no message has this number";
  if (entry != nullptr) {
    Decoded<std::string> text = entry->print(body, most_bytes);
    if (text) return std::move(*text.value);
    why = std::string(entry->name) + ": " + text.fault;
  }
  TextWriter bytes(most_bytes);
  bytes.bytes(body);
  return "message " + std::to_string(id.value) + " (" + why + ") " + bytes.take();
}

Decoded<Bytes> parse_message(std::string_view text) {
  const std::string_view name = first_word(text);
  const MessageEntry* entry = find_message(name);
  if (entry == nullptr) return {std::nullopt, "no message is called '" + std::string(name) + "'"};
  return entry->parse(text);
}

}  // namespace tutti
