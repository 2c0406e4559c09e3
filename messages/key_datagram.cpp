#include "messages/key_datagram.hpp"

#include <algorithm>
#include <string_view>

namespace tutti {

namespace {

constexpr std::string_view magic = "tuttikey";
constexpr std::size_t kind_at = magic.size();
constexpr std::size_t nonce_at = 16;
constexpr std::size_t key_at = nonce_at + std::tuple_size_v<KeyNonce>;
static_assert(key_at + LinkKey::size == key_datagram_bytes);

enum class Kind : std::uint8_t { question = 1, answer = 2 };

Bytes datagram_of(Kind kind, const KeyNonce& nonce, const LinkKey& key) {
  Bytes datagram(key_datagram_bytes);
  std::copy(magic.begin(), magic.end(), datagram.begin());
  datagram[kind_at] = static_cast<std::uint8_t>(kind);
  std::copy(nonce.begin(), nonce.end(), datagram.begin() + nonce_at);
  std::copy(key.bytes.begin(), key.bytes.end(), datagram.begin() + key_at);
  return datagram;
}

/// Whether it is exactly what would be made of its nonce and its key: there is one way to say each thing.
std::optional<KeyNonce> nonce_of(Kind kind, ByteView datagram, const LinkKey& key) {
  KeyNonce nonce{};
  std::copy_n(datagram.begin() + nonce_at, nonce.size(), nonce.begin());
  return std::ranges::equal(datagram, datagram_of(kind, nonce, key)) ? std::optional(nonce) : std::nullopt;
}

}  // namespace

Bytes key_question(const KeyNonce& nonce) { return datagram_of(Kind::question, nonce, {}); }
Bytes key_answer(const KeyNonce& nonce, const LinkKey& key) { return datagram_of(Kind::answer, nonce, key); }

std::optional<KeyNonce> parse_key_question(ByteView datagram) {
  if (datagram.size() != key_datagram_bytes) return std::nullopt;
  return nonce_of(Kind::question, datagram, {});
}

std::optional<LinkKey> parse_key_answer(ByteView datagram, const KeyNonce& nonce) {
  if (datagram.size() != key_datagram_bytes) return std::nullopt;
  const LinkKey key = LinkKey::from(datagram.subspan(key_at));
  if (key.is_zero() || nonce_of(Kind::answer, datagram, key) != nonce) return std::nullopt;
  return key;
}

}  // namespace tutti
