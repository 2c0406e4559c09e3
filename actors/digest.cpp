#include "actors/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <string_view>
#include <utility>

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
  Digester(const Digester& other) : Digester(other.algorithm_) {
    ENSURE(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1);
  }
  Digester& operator=(const Digester&) = delete;
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

namespace {

template <class Digest, std::size_t N>
Digest big_endian(const std::array<std::uint32_t, N>& words) {
  static_assert(Digest::size == 4 * N);
  Digest digest;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i)
    digest.bytes[i] = static_cast<std::uint8_t>(words[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

/// Cuts bytes that come in parts into the blocks that the hashes work on, and ends them as FIPS 180-4, 5.1.1 says.
class BlockCutter {
 public:
  bool at_boundary() const { return part_size_ == 0; }
  /// So many whole blocks have been hashed without being cut here.
  void count_blocks(std::size_t blocks) { total_ += blocks * sha_block_size; }

  template <class Advance>
  void update(ByteView bytes, const Advance& advance) {
    total_ += bytes.size();
    if (part_size_ > 0) {
      const std::size_t taken = std::min(bytes.size(), sha_block_size - part_size_);
      std::copy_n(bytes.begin(), taken, part_.begin() + static_cast<std::ptrdiff_t>(part_size_));
      part_size_ += taken;
      bytes = bytes.subspan(taken);
      if (part_size_ < sha_block_size) return;
      advance(part_.data(), 1);
    }
    const std::size_t blocks = bytes.size() / sha_block_size;
    advance(bytes.data(), blocks);
    const ByteView rest = bytes.subspan(blocks * sha_block_size);
    std::copy(rest.begin(), rest.end(), part_.begin());
    part_size_ = rest.size();
  }

  /// A one bit, zeros, and the length in bits, which ends a block. Afterwards it is as new.
  template <class Advance>
  void finish(const Advance& advance) {
    const std::uint64_t bits = total_ * 8;
    std::array<std::uint8_t, 2 * sha_block_size> end{};
    std::copy_n(part_.begin(), part_size_, end.begin());
    end[part_size_] = 0x80;
    const std::size_t size = part_size_ + 9 <= sha_block_size ? sha_block_size : 2 * sha_block_size;
    for (std::size_t i = 0; i < 8; ++i) end[size - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
    advance(end.data(), size / sha_block_size);
    part_size_ = 0;
    total_ = 0;
  }

 private:
  std::array<std::uint8_t, sha_block_size> part_{};  // the bytes that do not fill a block yet
  std::size_t part_size_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace

/// Where the calls go: the instructions, or OpenSSL.
struct CompanionSha1::State {
  State() = default;
  State& operator=(const State&) = delete;
  virtual ~State() = default;
  virtual std::unique_ptr<State> copy() const = 0;
  virtual void update(ByteView bytes) = 0;
  virtual Sha1 finish() = 0;

 protected:
  State(const State&) = default;
};

struct CompanionSha1::Chained final : CompanionSha1::State {
  Sha1Chain chain;
  BlockCutter cutter;

  std::unique_ptr<State> copy() const override { return std::make_unique<Chained>(*this); }
  void advance(const std::uint8_t* data, std::size_t blocks) { advance_one(chain, data, blocks); }
  void update(ByteView bytes) override {
    cutter.update(bytes, [this](const std::uint8_t* data, std::size_t blocks) { advance(data, blocks); });
  }
  Sha1 finish() override {
    cutter.finish([this](const std::uint8_t* data, std::size_t blocks) { advance(data, blocks); });
    return big_endian<Sha1>(std::exchange(chain, {}).words);
  }
};

struct CompanionSha1::Portable final : CompanionSha1::State {
  Digester digester{EVP_sha1()};

  std::unique_ptr<State> copy() const override { return std::make_unique<Portable>(*this); }
  void update(ByteView bytes) override { digester.update(bytes); }
  Sha1 finish() override { return digester.finish<Sha1>(); }
};

CompanionSha1::CompanionSha1() {
  if (has_sha_instructions()) {
    state_ = std::make_unique<Chained>();
  } else {
    state_ = std::make_unique<Portable>();
  }
}
CompanionSha1::CompanionSha1(std::unique_ptr<State> state) : state_(std::move(state)) {}
CompanionSha1 CompanionSha1::portable() { return CompanionSha1(std::make_unique<Portable>()); }
CompanionSha1::CompanionSha1(const CompanionSha1& other) : state_(other.state_->copy()) {}
CompanionSha1& CompanionSha1::operator=(const CompanionSha1& other) {
  if (this != &other) state_ = other.state_->copy();
  return *this;
}
CompanionSha1::CompanionSha1(CompanionSha1&&) noexcept = default;
CompanionSha1& CompanionSha1::operator=(CompanionSha1&&) noexcept = default;
CompanionSha1::~CompanionSha1() = default;
void CompanionSha1::update(ByteView bytes) { state_->update(bytes); }
Sha1 CompanionSha1::finish() { return state_->finish(); }

/// Where the calls go: the interleaved instructions, or OpenSSL twice.
struct PairHasher::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  virtual ~State() = default;
  virtual void update(ByteView bytes) = 0;
  virtual void update_with(CompanionSha1::State& companion, ByteView bytes) {
    update(bytes);
    companion.update(bytes);
  }
  virtual DigestPair finish() = 0;
};

struct PairHasher::Interleaved final : PairHasher::State {
  Sha1Chain sha1;
  Sha256Chain sha256;
  BlockCutter cutter;

  void update(ByteView bytes) override {
    cutter.update(bytes, [this](const std::uint8_t* data, std::size_t blocks) {
      advance_both(sha1, sha256, data, blocks);
    });
  }
  void update_with(CompanionSha1::State& companion, ByteView bytes) override {
    auto* chained = dynamic_cast<CompanionSha1::Chained*>(&companion);
    if (chained != nullptr && cutter.at_boundary() && chained->cutter.at_boundary()) {
      const std::size_t blocks = bytes.size() / sha_block_size;
      advance_three(sha1, sha256, chained->chain, bytes.data(), blocks);
      cutter.count_blocks(blocks);
      chained->cutter.count_blocks(blocks);
      bytes = bytes.subspan(blocks * sha_block_size);
    }
    State::update_with(companion, bytes);
  }
  DigestPair finish() override {
    cutter.finish(
        [this](const std::uint8_t* data, std::size_t blocks) { advance_both(sha1, sha256, data, blocks); });
    return {big_endian<Sha1>(std::exchange(sha1, {}).words),
            big_endian<Sha256>(std::exchange(sha256, {}).words)};
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
void PairHasher::update_with(CompanionSha1& companion, ByteView bytes) {
  state_->update_with(*companion.state_, bytes);
}
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
