// The datagrams that ask for a key and tell it. There is one way to say each.

#include "messages/key_datagram.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(key_datagram) {
  if (const std::optional<KeyNonce> nonce = parse_key_question(input)) {
    const Bytes question = key_question(*nonce);
    ENSURE(std::equal(question.begin(), question.end(), input.begin(), input.end()));
  }
  KeyNonce nonce{};
  if (const std::optional<LinkKey> key = parse_key_answer(input, nonce)) {
    ENSURE(!key->is_zero());
    const Bytes answer = key_answer(nonce, *key);
    ENSURE(std::equal(answer.begin(), answer.end(), input.begin(), input.end()));
  }
}
