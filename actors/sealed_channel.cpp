#include "actors/sealed_channel.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "actors/ensure.hpp"

namespace tutti {

namespace {

constexpr std::size_t hash_bytes = 32;
using Hash = std::array<std::uint8_t, hash_bytes>;

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Hash hmac_sha256(ByteView key, ByteView text) {
  Hash hash{};
  unsigned size = 0;
  ENSURE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text.data(), text.size(), hash.data(),
              &size) != nullptr &&
         size == hash.size());
  return hash;
}

/// A proof is keyed by something of its own: what is shown of it says nothing of the keys that seal.
SealedProof proof_of(const SealedPass& pass, std::string_view purpose, ByteView words) {
  Hash key{};
  hkdf_sha256(pass.secret.view(), pass.id.view(), view_of(purpose), key);
  const SealedProof proof = SealedProof::from(hmac_sha256(key, words));
  OPENSSL_cleanse(key.data(), key.size());
  return proof;
}

bool is_same(const SealedProof& left, const SealedProof& right) {
  return CRYPTO_memcmp(left.bytes.data(), right.bytes.data(), SealedProof::size) == 0;
}

SealedProof hello_proof(const SealedPass& pass, const SealedRandom& random) {
  return proof_of(pass, "tutti sealed link 1: hello", joined({pass.id.view(), random.view()}));
}

SealedProof welcome_proof(const SealedPass& pass, const SealedHello& hello, const SealedRandom& random) {
  return proof_of(pass, "tutti sealed link 1: welcome",
                  joined({pass.id.view(), hello.random.view(), random.view()}));
}

}  // namespace

void hkdf_sha256(ByteView secret, ByteView salt, ByteView info, std::span<std::uint8_t> target) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                              &EVP_KDF_free);
  ENSURE(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                          &EVP_KDF_CTX_free);
  ENSURE(context != nullptr);
  std::string digest = "SHA256";
  std::vector<OSSL_PARAM> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size())};
  const auto add = [&](const char* name, ByteView bytes) {
    // Read only, whatever its type says.
    if (!bytes.empty())
      parameters.push_back(
          OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size()));
  };
  add(OSSL_KDF_PARAM_KEY, secret);
  add(OSSL_KDF_PARAM_SALT, salt);
  add(OSSL_KDF_PARAM_INFO, info);
  parameters.push_back(OSSL_PARAM_construct_end());
  ENSURE(EVP_KDF_derive(context.get(), target.data(), target.size(), parameters.data()) == 1);
}

// --- the handshake ----------------------------------------------------------------------------------------------

Bytes SealedHello::bytes() const { return joined({pass.view(), random.view(), proof.view()}); }

std::optional<SealedHello> SealedHello::parse(ByteView frame) {
  if (frame.size() != size) return std::nullopt;
  SealedHello hello;
  hello.pass = SealedPassId::from(frame);
  hello.random = SealedRandom::from(frame.subspan(SealedPassId::size));
  hello.proof = SealedProof::from(frame.subspan(SealedPassId::size + SealedRandom::size));
  return hello;
}

SealedHello make_hello(const SealedPass& pass, const SealedRandom& random) {
  return {pass.id, random, hello_proof(pass, random)};
}

bool is_proven(const SealedHello& hello, const SealedPass& pass) {
  return hello.pass == pass.id && is_same(hello.proof, hello_proof(pass, hello.random));
}

Bytes SealedWelcome::bytes() const { return joined({random.view(), proof.view()}); }

std::optional<SealedWelcome> SealedWelcome::parse(ByteView frame) {
  if (frame.size() != size) return std::nullopt;
  return SealedWelcome{SealedRandom::from(frame), SealedProof::from(frame.subspan(SealedRandom::size))};
}

SealedWelcome make_welcome(const SealedPass& pass, const SealedHello& hello, const SealedRandom& random) {
  return {random, welcome_proof(pass, hello, random)};
}

bool is_proven(const SealedWelcome& welcome, const SealedPass& pass, const SealedHello& hello) {
  return is_same(welcome.proof, welcome_proof(pass, hello, welcome.random));
}

// --- SealedChannel ----------------------------------------------------------------------------------------------

/// What the cipher is keyed with, and the salt of its nonces.
struct SealedChannel::Keys {
  Keys(const SealedPass& pass, const SealedRandom& dialler, const SealedRandom& door, Direction direction) {
    const std::string_view info =
        direction == Direction::to_door ? "tutti sealed link 1: to door" : "tutti sealed link 1: to dialler";
    hkdf_sha256(pass.secret.view(), joined({dialler.view(), door.view()}), view_of(info), material);
  }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  ~Keys() { OPENSSL_cleanse(material.data(), material.size()); }

  ByteView key() const { return ByteView(material).first(AesGcm::key_bytes); }
  std::array<std::uint8_t, 4> salt() const {
    std::array<std::uint8_t, 4> salt{};
    std::copy_n(material.begin() + AesGcm::key_bytes, salt.size(), salt.begin());
    return salt;
  }

  std::array<std::uint8_t, AesGcm::key_bytes + 4> material{};
};

SealedChannel::SealedChannel(const Keys& keys) : cipher_(keys.key()), salt_(keys.salt()) {}

SealedChannel::SealedChannel(const SealedPass& pass, const SealedRandom& dialler, const SealedRandom& door,
                             Direction direction)
    : SealedChannel(Keys(pass, dialler, door, direction)) {}

/// The frame's number is used up, whatever comes of the frame.
AesGcm::Nonce SealedChannel::next_nonce() {
  AesGcm::Nonce nonce{};
  std::copy(salt_.begin(), salt_.end(), nonce.begin());
  const std::uint64_t number = frames_++;
  for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(number >> (56U - 8U * i));
  return nonce;
}

void SealedChannel::seal(SealedFrame kind, ByteView plain, std::uint8_t* target) {
  const auto what = static_cast<std::uint8_t>(kind);
  bytes_ += plain.size();
  cipher_.seal(next_nonce(), {&what, 1}, plain, target);
}

bool SealedChannel::open(SealedFrame kind, std::span<std::uint8_t> frame) {
  broken_ = broken_ || frame.size() < tag_bytes;
  if (broken_) return false;
  const auto what = static_cast<std::uint8_t>(kind);
  bytes_ += frame.size() - tag_bytes;
  broken_ = !cipher_.open(next_nonce(), {&what, 1}, frame);
  return !broken_;
}

}  // namespace tutti
