#include "messages/catalogue.hpp"

#include <algorithm>

#include "messages/byte_stream.hpp"
#include "messages/catalogue_entries.hpp"
#include "messages/client_tracker.hpp"
#include "messages/codes.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_orchestra.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/inside_trees.hpp"
#include "messages/kernel.hpp"
#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"
#include "messages/text.hpp"
#include "messages/trace_records.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {

namespace {

using AllMessages =
    Joined<KernelMessages, ByteStreamMessages, InsideOrchestraMessages, Messages<Refused, Done>,
           ClientTrackerMessages, PeerPeerMessages, ShellClientMessages, InsideClientMessages,
           InsideTreesMessages, InsideTrackerMessages, TrackerTrackerMessages, TraceMessages>;

constexpr std::array<MessageId, 9> retired{
    MessageId{0x0408},  // StartDownload without `sequential`
    MessageId{0x040a},  // Downloads whose rows had no wishes
    MessageId{0x0422},  // DownloadChanged, the same
    MessageId{0x0530},  // ServeFile without the names of group and file
    MessageId{0x0541},  // DownloadsRecalled without wishes
    MessageId{0x0542},  // PrepareDownload, the same
    MessageId{0x0543},  // DownloadPrepared, the same
    MessageId{0x0747},  // AskSnapshot, one page an ask
    MessageId{0x0748},  // SnapshotChunk, whose rows were facts
};

/// A message may belong to several protocols (Done does); a number belongs to one message. With bare arrays, as compilers
/// limit how much they reckon.
template <class... M>
constexpr bool no_number_means_two(Messages<M...>) {
  constexpr std::uint16_t ids[] = {M::message_id.value...};
  constexpr std::string_view names[] = {M::type_name...};
  constexpr std::size_t lengths[] = {M::type_name.size()...};
  for (std::size_t i = 0; i < sizeof...(M); ++i)
    for (std::size_t j = i + 1; j < sizeof...(M); ++j) {
      const bool one_name = lengths[i] == lengths[j] && names[i] == names[j];
      if ((ids[i] == ids[j]) != one_name) return false;
    }
  return true;
}
static_assert(no_number_means_two(AllMessages{}), "one number or name stands for two messages");
static_assert(std::ranges::none_of(retired, AllMessages::has_id), "a retired number is used again");
static_assert(!AllMessages::has_id(MessageId{0}), "0 is no message");

std::vector<MessageEntry> collect() {
  std::vector<MessageEntry> entries;
  for (const auto protocol : {catalogue_detail::kernel_entries, catalogue_detail::codes_entries,
                              catalogue_detail::client_tracker_entries, catalogue_detail::peer_peer_entries,
                              catalogue_detail::shell_client_entries, catalogue_detail::inside_client_entries,
                              catalogue_detail::inside_tracker_entries,
                              catalogue_detail::tracker_tracker_entries, catalogue_detail::trace_entries,
                              catalogue_detail::orchestra_entries, catalogue_detail::trees_entries}) {
    for (MessageEntry& entry : protocol()) {
      const bool known = std::ranges::find(entries, entry.id, &MessageEntry::id) != entries.end();
      if (!known) entries.push_back(std::move(entry));
    }
  }
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
