#include "actors/aes_gcm.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <utility>

#include "actors/ensure.hpp"

// Debian has it for amd64 only, where the instructions are, too.
#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#include <intel-ipsec-mb.h>
#define TUTTI_WIDE_AES 1
#endif

namespace tutti {

struct AesGcm::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  virtual ~State() = default;
  virtual void seal(const Nonce& nonce, ByteView beside, ByteView plain, std::uint8_t* target) = 0;
  virtual bool open(const Nonce& nonce, ByteView beside, std::span<std::uint8_t> frame) = 0;
};

struct AesGcm::Portable final : AesGcm::State {
  struct Free {
    void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
  };
  using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;
  Cipher cipher{EVP_CIPHER_CTX_new()};

  explicit Portable(ByteView key) {
    ENSURE(cipher != nullptr &&
           EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr, 1) == 1);
  }

  void begin(const Nonce& nonce, ByteView beside, bool seals) {
    ENSURE(EVP_CipherInit_ex(cipher.get(), nullptr, nullptr, nullptr, nonce.data(), seals ? 1 : 0) == 1);
    int size = 0;
    ENSURE(beside.empty() || EVP_CipherUpdate(cipher.get(), nullptr, &size, beside.data(),
                                              static_cast<int>(beside.size())) == 1);
  }
  void seal(const Nonce& nonce, ByteView beside, ByteView plain, std::uint8_t* target) override {
    begin(nonce, beside, true);
    int size = 0;
    ENSURE(EVP_CipherUpdate(cipher.get(), target, &size, plain.data(), static_cast<int>(plain.size())) == 1);
    ENSURE(EVP_CipherFinal_ex(cipher.get(), target + size, &size) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, target + plain.size()) == 1);
  }
  bool open(const Nonce& nonce, ByteView beside, std::span<std::uint8_t> frame) override {
    begin(nonce, beside, false);
    const std::size_t plain = frame.size() - tag_bytes;
    int size = 0;
    return EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, frame.data() + plain) == 1 &&
           EVP_CipherUpdate(cipher.get(), frame.data(), &size, frame.data(), static_cast<int>(plain)) == 1 &&
           EVP_CipherFinal_ex(cipher.get(), frame.data() + size, &size) == 1;
  }
};

#ifdef TUTTI_WIDE_AES

namespace {

/// The library's functions for this processor; null if it has not got the instructions. Only functions are taken from it
/// that keep nothing in it, so all threads may call them at once.
const IMB_MGR* wide_functions() {
  static const IMB_MGR* const functions = [] {
    IMB_MGR* manager = alloc_mb_mgr(0);
    if (manager == nullptr) return manager;
    IMB_ARCH kind = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager, &kind);
    constexpr std::uint64_t needed = IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
    if (kind == IMB_ARCH_AVX512 && (manager->features & needed) == needed) return manager;
    free_mb_mgr(manager);
    return static_cast<IMB_MGR*>(nullptr);
  }();
  return functions;
}

}  // namespace

struct AesGcm::Wide final : AesGcm::State {
  alignas(64) gcm_key_data keys{};  // aligned as the instructions want it, which the type does not say
  alignas(64) gcm_context_data context{};

  explicit Wide(ByteView key) { wide_functions()->gcm256_pre(key.data(), &keys); }
  Wide(const Wide&) = delete;
  Wide& operator=(const Wide&) = delete;
  ~Wide() override {
    OPENSSL_cleanse(&keys, sizeof keys);
    OPENSSL_cleanse(&context, sizeof context);
  }

  void seal(const Nonce& nonce, ByteView beside, ByteView plain, std::uint8_t* target) override {
    wide_functions()->gcm256_enc(&keys, &context, target, plain.data(), plain.size(), nonce.data(),
                                 beside.data(), beside.size(), target + plain.size(), tag_bytes);
  }
  bool open(const Nonce& nonce, ByteView beside, std::span<std::uint8_t> frame) override {
    const std::size_t plain = frame.size() - tag_bytes;
    std::array<std::uint8_t, tag_bytes> tag{};
    wide_functions()->gcm256_dec(&keys, &context, frame.data(), frame.data(), plain, nonce.data(),
                                 beside.data(), beside.size(), tag.data(), tag.size());
    return CRYPTO_memcmp(tag.data(), frame.data() + plain, tag.size()) == 0;
  }
};

bool AesGcm::is_wide() { return wide_functions() != nullptr; }

AesGcm::AesGcm(ByteView key) {
  ENSURE(key.size() == key_bytes);
  if (is_wide()) {
    state_ = std::make_unique<Wide>(key);
  } else {
    state_ = std::make_unique<Portable>(key);
  }
}

#else

bool AesGcm::is_wide() { return false; }

AesGcm::AesGcm(ByteView key) : state_(std::make_unique<Portable>(key)) { ENSURE(key.size() == key_bytes); }

#endif

AesGcm::AesGcm(std::unique_ptr<State> state) : state_(std::move(state)) {}
AesGcm AesGcm::portable(ByteView key) { return AesGcm(std::make_unique<Portable>(key)); }
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;
AesGcm::~AesGcm() = default;

void AesGcm::seal(const Nonce& nonce, ByteView beside, ByteView plain, std::uint8_t* target) {
  state_->seal(nonce, beside, plain, target);
}

bool AesGcm::open(const Nonce& nonce, ByteView beside, std::span<std::uint8_t> frame) {
  ENSURE(frame.size() >= tag_bytes);
  return state_->open(nonce, beside, frame);
}

}  // namespace tutti
