#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace tutti {

/// A number that cannot be mistaken for another kind of number. `Tag` names the kind, `Rep` holds the value.
/// Arithmetic is deliberately small: units of one kind add and subtract, everything else goes through `value`.
template <class Tag, class Rep>
struct Unit {
  using rep = Rep;
  Rep value{};

  constexpr auto operator<=>(const Unit&) const = default;
  constexpr Unit& operator++() {
    ++value;
    return *this;
  }
  constexpr Unit& operator+=(Unit other) {
    value = static_cast<Rep>(value + other.value);
    return *this;
  }
  constexpr Unit& operator-=(Unit other) {
    value = static_cast<Rep>(value - other.value);
    return *this;
  }
  friend constexpr Unit operator+(Unit a, Unit b) { return a += b; }
  friend constexpr Unit operator-(Unit a, Unit b) { return a -= b; }
};

/// Position of a piece in its file, from 0.
using PieceIndex = Unit<struct PieceIndexTag, std::uint32_t>;
/// Position of a block in its piece, from 0.
using BlockIndex = Unit<struct BlockIndexTag, std::uint32_t>;
/// A size or an offset in bytes.
using ByteCount = Unit<struct ByteCountTag, std::uint64_t>;
/// Names a command that the shell has given, so that its outcome finds it. Chosen by the shell, never 0.
using CommandId = Unit<struct CommandIdTag, std::uint64_t>;
/// Names a download of this client. Never used twice while the client's state lives.
using DownloadId = Unit<struct DownloadIdTag, std::uint64_t>;
/// The counter half of a request id: a client never uses one twice, not even after a restart.
using RequestCounter = Unit<struct RequestCounterTag, std::uint64_t>;
/// Position of an operation in the log of the tracker that made it, from 1.
using Sequence = Unit<struct SequenceTag, std::uint64_t>;

inline namespace literals {
constexpr PieceIndex operator""_piece(unsigned long long n) { return {static_cast<std::uint32_t>(n)}; }
constexpr BlockIndex operator""_block(unsigned long long n) { return {static_cast<std::uint32_t>(n)}; }
constexpr ByteCount operator""_bytes(unsigned long long n) { return {n}; }
constexpr ByteCount operator""_KiB(unsigned long long n) { return {n << 10U}; }
constexpr ByteCount operator""_MiB(unsigned long long n) { return {n << 20U}; }
}  // namespace literals

}  // namespace tutti

template <class Tag, class Rep>
struct std::hash<tutti::Unit<Tag, Rep>> {
  std::size_t operator()(tutti::Unit<Tag, Rep> unit) const noexcept { return std::hash<Rep>{}(unit.value); }
};
