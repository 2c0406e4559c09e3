#include "actors/signatures.hpp"

#include <sodium.h>

#include <string_view>

#include "actors/ensure.hpp"

namespace tutti {

SigningKeys signing_keys_of(const std::array<std::uint8_t, 32>& link_secret) {
  constexpr std::string_view purpose = "tutti ticket signing key";
  std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
  ENSURE(sodium_init() >= 0);
  ENSURE(crypto_generichash(seed.data(), seed.size(), reinterpret_cast<const unsigned char*>(purpose.data()),
                            purpose.size(), link_secret.data(), link_secret.size()) == 0);
  SigningKeys keys;
  ENSURE(crypto_sign_seed_keypair(keys.key.bytes.data(), keys.secret.data(), seed.data()) == 0);
  sodium_memzero(seed.data(), seed.size());
  return keys;
}

Signature sign(const SigningKeys& keys, ByteView words) {
  Signature signature;
  ENSURE(crypto_sign_detached(signature.bytes.data(), nullptr, words.data(), words.size(),
                              keys.secret.data()) == 0);
  return signature;
}

bool is_signed(const SigningKey& by, const Signature& signature, ByteView words) {
  return crypto_sign_verify_detached(signature.bytes.data(), words.data(), words.size(), by.bytes.data()) ==
         0;
}

}  // namespace tutti
