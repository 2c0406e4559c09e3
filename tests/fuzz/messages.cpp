// Every message of every protocol, as it comes over a link or out of a store. What is understood can be printed, read and said, in
// one way, with the same faults.

#include "messages/catalogue.hpp"
#include "messages/codec.hpp"
#include "messages/redaction.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(messages) {
  constexpr std::size_t everything = SIZE_MAX;
  static_cast<void>(describe(input));
  static_cast<void>(without_passwords(input));
  const MessageEntry* entry = find_message(peek_message_id(input));
  if (entry == nullptr) return;
  static_cast<void>(entry->fault(input, DecodeLimits{}));
  const Decoded<std::string> text = entry->print(input, everything);
  if (!text) return;
  // What was understood can be said, in one way.
  const Decoded<Bytes> again = entry->parse(*text);
  ENSURE(again);
  ENSURE(*entry->print(*again, everything) == *text);
  ENSURE(*entry->parse(*entry->print(*again, everything)) == *again);
  ENSURE(entry->fault(*again, DecodeLimits{}) == entry->fault(input, DecodeLimits{}) ||
         again->size() != input.size());
}
