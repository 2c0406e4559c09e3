#include "tests/simulation/library/tracker_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "messages/catalogue.hpp"
#include "messages/client_tracker.hpp"
#include "messages/codec.hpp"

namespace tutti::simulation {

namespace {

constexpr std::array<std::string_view, 3> way_names{"asks", "is told", "trackers among themselves"};
constexpr DecodeLimits any_length{.frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};

std::string word_for(MessageId id) {
  const MessageEntry* entry = find_message(id);
  return entry == nullptr ? std::string("?") : std::string(entry->name);
}

/// Of a request or an answer: of what it brings.
template <class M>
std::string subject_of(const Envelope& envelope) {
  const Decoded<M> message = decode<M>(envelope.body, any_length);
  if (!message) return word_for(envelope.id);
  return std::visit([]<class What>(const What&) { return word_for(What::message_id); },
                    message.value->what.value);
}

std::string subject_of(const Envelope& envelope) {
  if (envelope.id == Request::message_id) return subject_of<Request>(envelope);
  if (envelope.id == Answer::message_id) return subject_of<Answer>(envelope);
  return word_for(envelope.id);
}

}  // namespace

void TrackerLoad::note(Way way, const Envelope& envelope) {
  Words& words = words_[{way, subject_of(envelope)}];
  ++words.messages;
  words.bytes += envelope.body.size() + envelope.payload.size();
}

std::string TrackerLoad::text(double client_seconds) const {
  std::vector<std::pair<std::pair<Way, std::string>, Words>> rows(words_.begin(), words_.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.first.first != b.first.first ? a.first.first < b.first.first
                                          : a.second.messages > b.second.messages;
  });
  std::string text = "| a client | | times a second | bytes a second | bytes each |\n|---|---|---|---|---|\n";
  for (const auto& [what, words] : rows) {
    const auto messages = static_cast<double>(words.messages);
    const auto bytes = static_cast<double>(words.bytes);
    text += fmt::format("| {} | {} | {:.4f} | {:.1f} | {:.0f} |\n",
                        way_names[static_cast<std::size_t>(what.first)], what.second,
                        messages / client_seconds, bytes / client_seconds, bytes / messages);
  }
  return text;
}

}  // namespace tutti::simulation
