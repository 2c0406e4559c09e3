#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "messages/bytes.hpp"

namespace tutti {

// How the public key of somebody's links is asked for before there is any link: one UDP datagram each way.
//
//   question = "tuttikey" 1 0*7 nonce 0*32
//   answer   = "tuttikey" 2 0*7 nonce key
//
// Both have one size, so whoever asks in another's name gains nothing. The nonce, 16 bytes that nobody can guess, keeps
// those out who do not see the question. Those who see it may lie: an answer is a claim, CURVE proves it, and whoever
// asks remembers it.

inline constexpr std::size_t key_datagram_bytes = 64;
using KeyNonce = std::array<std::uint8_t, 16>;

Bytes key_question(const KeyNonce& nonce);
Bytes key_answer(const KeyNonce& nonce, const LinkKey& key);
/// The nonce of a question; nothing if this is none.
std::optional<KeyNonce> parse_key_question(ByteView datagram);
/// The key in the answer to the question with this nonce; nothing if this is none, or names no key.
std::optional<LinkKey> parse_key_answer(ByteView datagram, const KeyNonce& nonce);

}  // namespace tutti
