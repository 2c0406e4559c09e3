#include "actors/digest.hpp"

#include <openssl/evp.h>

#include <string_view>

#include "actors/ensure.hpp"

namespace tutti {
namespace {

// OpenSSL fails here only without memory or without its default provider: nothing that a caller could act on.
class Digester {
 public:
  explicit Digester(const EVP_MD* algorithm)
      : algorithm_(algorithm), context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    ENSURE(context_ != nullptr);
    restart();
  }
  void update(ByteView bytes) { ENSURE(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1); }
  template <class Digest>
  Digest finish() {
    Digest digest;
    unsigned int length = 0;
    ENSURE(EVP_DigestFinal_ex(context_.get(), digest.bytes.data(), &length) == 1 && length == Digest::size);
    restart();
    return digest;
  }

 private:
  void restart() { ENSURE(EVP_DigestInit_ex(context_.get(), algorithm_, nullptr) == 1); }

  const EVP_MD* algorithm_;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

template <class Id>
Id id_of_request(std::string_view kind, const ClientKey& client, RequestCounter counter) {
  std::array<std::uint8_t, 8> big_endian{};
  for (std::size_t i = 0; i < big_endian.size(); ++i)
    big_endian[i] = static_cast<std::uint8_t>(counter.value >> (56 - 8 * i));
  Sha256Hasher hasher;
  hasher.update(view_of(kind));
  hasher.update(client.view());
  hasher.update(big_endian);
  return Id::from(hasher.finish().view());
}

}  // namespace

struct Sha1Hasher::State {
  Digester digester{EVP_sha1()};
};

Sha1Hasher::Sha1Hasher() : state_(std::make_unique<State>()) {}
Sha1Hasher::Sha1Hasher(Sha1Hasher&&) noexcept = default;
Sha1Hasher& Sha1Hasher::operator=(Sha1Hasher&&) noexcept = default;
Sha1Hasher::~Sha1Hasher() = default;
void Sha1Hasher::update(ByteView bytes) { state_->digester.update(bytes); }
Sha1 Sha1Hasher::finish() { return state_->digester.finish<Sha1>(); }

struct Sha256Hasher::State {
  Digester digester{EVP_sha256()};
};

Sha256Hasher::Sha256Hasher() : state_(std::make_unique<State>()) {}
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;
void Sha256Hasher::update(ByteView bytes) { state_->digester.update(bytes); }
Sha256 Sha256Hasher::finish() { return state_->digester.finish<Sha256>(); }

Sha1 sha1(ByteView bytes) {
  Sha1Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Sha256 sha256(ByteView bytes) {
  Sha256Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Fid fid_of_record(ByteView record) {
  Sha256Hasher hasher;
  hasher.update(view_of("tutti-file-1"));
  hasher.update(record);
  return Fid::from(hasher.finish().view());
}

Uid uid_of_request(const ClientKey& client, RequestCounter counter) {
  return id_of_request<Uid>("tutti-user-1", client, counter);
}

Gid gid_of_request(const ClientKey& client, RequestCounter counter) {
  return id_of_request<Gid>("tutti-group-1", client, counter);
}

}  // namespace tutti
