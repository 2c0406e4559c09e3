// Messages as people write them: injection scripts. What is printed is read as the same message.

#include "shell/tools/message_text.hpp"
#include "messages/catalogue.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(message_text) {
  const std::string_view text = fuzz::text_of(input);
  const TokenizedText tokens = tokenize(text);
  if (tokens.fault.empty()) {
    Bindings bindings;
    static_cast<void>(matches(tokens.tokens, tokens.tokens, bindings));
  }
  const Decoded<Bytes> message = parse_message(text);
  if (!message) return;
  const std::string printed = describe(*message, SIZE_MAX);
  const Decoded<Bytes> again = parse_message(printed);
  ENSURE(again);
  ENSURE(*again == *message);
}
