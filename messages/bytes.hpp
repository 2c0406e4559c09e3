#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tutti {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The bytes of `text`, not copied.
inline ByteView view_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Lower-case hexadecimal digits, two a byte.
std::string to_hex(ByteView bytes);
/// The reverse of to_hex; nothing if a digit is none or their number is odd.
std::optional<Bytes> from_hex(std::string_view digits);
/// Z85 (ZeroMQ RFC 32): five characters for four bytes, of which there are a multiple of four.
std::string to_z85(ByteView bytes);
/// The reverse of to_z85; nothing if a character is none of it or their number does not fit.
std::optional<Bytes> from_z85(std::string_view characters);

/// An identifier or digest of exactly `N` bytes. `Tag` keeps different kinds apart.
template <class Tag, std::size_t N>
struct FixedBytes {
  static constexpr std::size_t size = N;
  std::array<std::uint8_t, N> bytes{};

  auto operator<=>(const FixedBytes&) const = default;
  ByteView view() const { return bytes; }
  bool is_zero() const { return *this == FixedBytes{}; }
  std::string hex() const { return to_hex(bytes); }
  /// The first N bytes of `source`, which must have as many.
  static FixedBytes from(ByteView source) {
    FixedBytes result;
    std::memcpy(result.bytes.data(), source.data(), N);
    return result;
  }
};

/// Many digests of one kind as one run of bytes: a list of 2,000 costs one msgpack object instead of 2,000.
template <class Digest>
struct DigestList {
  Bytes run;

  auto operator<=>(const DigestList&) const = default;
  std::size_t size() const { return run.size() / Digest::size; }
  bool empty() const { return run.empty(); }
  Digest operator[](std::size_t i) const {
    return Digest::from(ByteView(run).subspan(i * Digest::size, Digest::size));
  }
  void push_back(const Digest& digest) { run.insert(run.end(), digest.bytes.begin(), digest.bytes.end()); }
  std::string_view fault() const {
    return run.size() % Digest::size == 0 ? std::string_view{} : "a list of digests is cut short";
  }
};

using Sha1 = FixedBytes<struct Sha1Tag, 20>;
using Sha256 = FixedBytes<struct Sha256Tag, 32>;
/// A user, a group, a file: immutable, never reused, independent of the name it goes by.
using Uid = FixedBytes<struct UidTag, 16>;
using Gid = FixedBytes<struct GidTag, 16>;
using Fid = FixedBytes<struct FidTag, 16>;
/// The public key of whoever is at the other end of a link (Curve25519), as CURVE has proven it. All zeros: none.
using LinkKey = FixedBytes<struct LinkKeyTag, 32>;
/// The public key of a client, which its links prove: who it is, whoever is logged in on it.
using ClientKey = FixedBytes<struct ClientKeyTag, 32>;
/// A tracker's store: made with the store, lost with it.
using StoreId = FixedBytes<struct StoreIdTag, 16>;
/// What a client shows to prove its login. All zeros: none.
using SessionToken = FixedBytes<struct SessionTokenTag, 32>;

}  // namespace tutti

template <class Tag, std::size_t N>
struct std::hash<tutti::FixedBytes<Tag, N>> {
  std::size_t operator()(const tutti::FixedBytes<Tag, N>& id) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(id.bytes.data()), N});
  }
};
