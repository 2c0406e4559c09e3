#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "actors/aes_gcm.hpp"
#include "messages/bytes.hpp"
#include "messages/sealed_pass.hpp"

namespace tutti {

/// What each side of a sealed link makes up for this one link, so that no two links ever have the same keys.
using SealedRandom = FixedBytes<struct SealedRandomTag, 32>;
/// Shows that whoever made it knows the secret of a pass.
using SealedProof = FixedBytes<struct SealedProofTag, 32>;

/// HKDF with SHA-256 (RFC 5869): fills `target`, 8160 bytes at the most, with what follows from the three.
void hkdf_sha256(ByteView secret, ByteView salt, ByteView info, std::span<std::uint8_t> target);

/// The first word on a sealed link: the dialler names its pass and shows that it knows the secret.
struct SealedHello {
  static constexpr std::size_t size = SealedPassId::size + SealedRandom::size + SealedProof::size;
  SealedPassId pass;
  SealedRandom random;
  SealedProof proof;
  Bytes bytes() const;
  /// Nothing if it has another size.
  static std::optional<SealedHello> parse(ByteView frame);
};
SealedHello make_hello(const SealedPass& pass, const SealedRandom& random);
bool is_proven(const SealedHello& hello, const SealedPass& pass);

/// The door's answer: it knows the secret, too, and means this very hello.
struct SealedWelcome {
  static constexpr std::size_t size = SealedRandom::size + SealedProof::size;
  SealedRandom random;
  SealedProof proof;
  Bytes bytes() const;
  static std::optional<SealedWelcome> parse(ByteView frame);
};
SealedWelcome make_welcome(const SealedPass& pass, const SealedHello& hello, const SealedRandom& random);
bool is_proven(const SealedWelcome& welcome, const SealedPass& pass, const SealedHello& hello);

/// What a frame is in its message, which a frame cannot be changed about.
enum class SealedFrame : std::uint8_t {
  alone = 1,  ///< a message without payload
  head = 2,   ///< a message whose payload follows
  payload = 3,
};

/// Seals one direction of a link, or opens what was sealed there: AES-256-GCM, whose nonce is a salt and the number of the
/// frame. So nothing is on the wire but ciphertext and tag, and a frame opens in its place only: what is changed, left out, said again or
/// said in another order does not.
///
/// Rules: one object seals, the one at the other end opens. After a frame that did not open nothing does: there is no way to
/// know what has been lost. No key is used for more than 2^40 bytes: whoever owns the link ends it long before.
class SealedChannel {
 public:
  static constexpr std::size_t tag_bytes = AesGcm::tag_bytes;
  enum class Direction : std::uint8_t { to_door, to_dialler };

  SealedChannel(const SealedPass& pass, const SealedRandom& dialler, const SealedRandom& door,
                Direction direction);

  /// Writes `plain` sealed to `target`, which has room for tag_bytes more.
  void seal(SealedFrame kind, ByteView plain, std::uint8_t* target);
  /// Opens a frame where it lies; what was in it are all of its bytes but the last tag_bytes. False if it is not what was
  /// sealed as the next one, of this kind; its bytes mean nothing then.
  bool open(SealedFrame kind, std::span<std::uint8_t> frame);
  /// How much has been sealed, or opened, so far.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Keys;
  explicit SealedChannel(const Keys& keys);
  AesGcm::Nonce next_nonce();

  AesGcm cipher_;
  std::array<std::uint8_t, 4> salt_;
  std::uint64_t frames_ = 0;
  std::uint64_t bytes_ = 0;
  bool broken_ = false;
};

}  // namespace tutti
