#include "actors/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <string_view>

#include "actors/ensure.hpp"
#include "actors/sha_blocks.hpp"

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

/// Where update() and finish() go: the interleaved instructions, or OpenSSL twice.
struct PairHasher::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  virtual ~State() = default;
  virtual void update(ByteView bytes) = 0;
  virtual DigestPair finish() = 0;
};

namespace {

template <class Digest, std::size_t N>
Digest big_endian(const std::array<std::uint32_t, N>& words) {
  static_assert(Digest::size == 4 * N);
  Digest digest;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i)
    digest.bytes[i] = static_cast<std::uint8_t>(words[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

}  // namespace

struct PairHasher::Interleaved final : PairHasher::State {
  Sha1Chain sha1;
  Sha256Chain sha256;
  std::array<std::uint8_t, sha_block_size> part{};  // the bytes that do not fill a block yet
  std::size_t part_size = 0;
  std::uint64_t total = 0;

  void update(ByteView bytes) override {
    total += bytes.size();
    if (part_size > 0) {
      const std::size_t taken = std::min(bytes.size(), sha_block_size - part_size);
      std::copy_n(bytes.begin(), taken, part.begin() + static_cast<std::ptrdiff_t>(part_size));
      part_size += taken;
      bytes = bytes.subspan(taken);
      if (part_size < sha_block_size) return;
      advance_both(sha1, sha256, part.data(), 1);
    }
    const std::size_t blocks = bytes.size() / sha_block_size;
    advance_both(sha1, sha256, bytes.data(), blocks);
    const ByteView rest = bytes.subspan(blocks * sha_block_size);
    std::copy(rest.begin(), rest.end(), part.begin());
    part_size = rest.size();
  }

  DigestPair finish() override {
    // FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits, which ends a block.
    const std::uint64_t bits = total * 8;
    std::array<std::uint8_t, 2 * sha_block_size> end{};
    std::copy_n(part.begin(), part_size, end.begin());
    end[part_size] = 0x80;
    const std::size_t size = part_size + 9 <= sha_block_size ? sha_block_size : 2 * sha_block_size;
    for (std::size_t i = 0; i < 8; ++i) end[size - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
    advance_both(sha1, sha256, end.data(), size / sha_block_size);
    const DigestPair digests{big_endian<Sha1>(sha1.words), big_endian<Sha256>(sha256.words)};
    sha1 = {};
    sha256 = {};
    part_size = 0;
    total = 0;
    return digests;
  }
};

struct PairHasher::OneAfterTheOther final : PairHasher::State {
  Digester sha1{EVP_sha1()};
  Digester sha256{EVP_sha256()};

  void update(ByteView bytes) override {
    // In stretches that stay in the first cache for the second hash.
    constexpr std::size_t stretch = 16384;
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), stretch))) {
      sha1.update(bytes.first(std::min(bytes.size(), stretch)));
      sha256.update(bytes.first(std::min(bytes.size(), stretch)));
    }
  }
  DigestPair finish() override { return {sha1.finish<Sha1>(), sha256.finish<Sha256>()}; }
};

PairHasher::PairHasher() {
  if (has_sha_instructions()) {
    state_ = std::make_unique<Interleaved>();
  } else {
    state_ = std::make_unique<OneAfterTheOther>();
  }
}
PairHasher::PairHasher(std::unique_ptr<State> state) : state_(std::move(state)) {}
PairHasher PairHasher::portable() { return PairHasher(std::make_unique<OneAfterTheOther>()); }
PairHasher::PairHasher(PairHasher&&) noexcept = default;
PairHasher& PairHasher::operator=(PairHasher&&) noexcept = default;
PairHasher::~PairHasher() = default;
void PairHasher::update(ByteView bytes) { state_->update(bytes); }
DigestPair PairHasher::finish() { return state_->finish(); }

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
