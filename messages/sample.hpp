#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "messages/client_tracker.hpp"
#include "messages/message.hpp"
#include "messages/tracker_tracker.hpp"

// Random values of every type that may be a field, a record or a message, made from the same field list as packing
// and printing. For tests, fuzzers and examples. What comes out is valid: fault_of(sample<T>(bits)) is empty.

namespace tutti {

/// A source of 64 random bits a call, such as Random or SampleBits.
template <class R>
concept BitSource = std::uniform_random_bit_generator<R> && R::min()
== 0 && R::max() == std::numeric_limits<std::uint64_t>::max();

/// The source at hand where the kernel's Random is out of sight: a plain 64-bit xorshift (Marsaglia 2003).
class SampleBits {
 public:
  using result_type = std::uint64_t;
  explicit SampleBits(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 0x2545f4914f6cdd1dU) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() {
    if (state_ == 0) state_ = 1;
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return state_;
  }

 private:
  std::uint64_t state_;
};

template <class T, BitSource Bits>
T sample(Bits& bits);

/// Specialise for a type whose rules a blind choice would hardly ever meet: `static T draw(Bits&)`. Rules that a
/// blind choice meets now and then need nothing: sample() draws again.
template <class T>
struct Sampler;

namespace detail {

/// Uniform enough for tests; `bound` is small and not 0.
template <BitSource Bits>
std::uint64_t pick(Bits& bits, std::uint64_t bound) {
  return (bits() >> 16U) % bound;
}

/// Every magnitude is as likely as any other, so that a varint's every length and both its ends occur.
template <std::unsigned_integral T, BitSource Bits>
T sample_unsigned(Bits& bits) {
  constexpr auto width = static_cast<unsigned>(std::numeric_limits<T>::digits);
  const auto used = static_cast<unsigned>(pick(bits, width + 2));
  if (used == width + 1) return std::numeric_limits<T>::max();
  return used == 0 ? T{0} : static_cast<T>(bits() >> (64U - used));
}

template <std::integral T, BitSource Bits>
T sample_integer(Bits& bits) {
  if constexpr (std::unsigned_integral<T>) {
    return sample_unsigned<T>(bits);
  } else {
    return std::bit_cast<T>(sample_unsigned<std::make_unsigned_t<T>>(bits));
  }
}

/// Words, and now and then what breaks careless printers: quotes, controls, several scripts.
template <BitSource Bits>
std::string sample_text(Bits& bits) {
  static constexpr std::string_view odd[] = {"\"", "\\", "\n", "\x1b[31m", "\x7f", "}",
                                             "é",  "Ω",  "歌", "🎻",        "none", " "};
  std::string text;
  for (std::uint64_t left = pick(bits, 9); left > 0; --left) {
    if (pick(bits, 4) == 0) {
      text += odd[pick(bits, std::size(odd))];
    } else {
      text += static_cast<char>('a' + pick(bits, 26));
    }
  }
  return text;
}

template <BitSource Bits>
Bytes sample_bytes(Bits& bits, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(bits() >> 32U);
  return bytes;
}

template <class T>
struct DigestOf;
template <class D>
struct DigestOf<DigestList<D>> {
  using type = D;
};

template <BitSource Bits, class... M>
void sample_option(Bits& bits, OneOf<M...>& choice) {
  std::uint64_t at = pick(bits, sizeof...(M));
  const auto take = [&]<class Option>() {
    if (at-- == 0) choice.value = sample<Option>(bits);
  };
  (take.template operator()<M>(), ...);
}

template <class T, BitSource Bits>
void sample_list(Bits& bits, std::vector<T>& list) {
  for (std::uint64_t left = pick(bits, 4); left > 0; --left) list.push_back(sample<T>(bits));
}

/// One blind choice; may have a fault.
template <class T, BitSource Bits>
T draw(Bits& bits) {
  T value{};
  if constexpr (requires { Sampler<T>::draw(bits); }) {
    value = Sampler<T>::draw(bits);
  } else if constexpr (Record<T>) {
    // What a record has grown by stays empty, so that the same bits go on giving what they gave before.
    std::size_t at = 0;
    each_field(value, [&](std::string_view, auto& field) {
      if (at++ < field_count_min<T>) field = sample<std::remove_cvref_t<decltype(field)>>(bits);
    });
  } else if constexpr (IsOneOf<T>::value) {
    sample_option(bits, value);
  } else if constexpr (Symbol<T>) {
    value = static_cast<T>(pick(bits, enumerators(value).size()));
  } else if constexpr (std::same_as<T, bool>) {
    value = pick(bits, 2) == 1;
  } else if constexpr (std::integral<T>) {
    value = sample_integer<T>(bits);
  } else if constexpr (IsUnit<T>::value) {
    value.value = sample_integer<typename T::rep>(bits);
  } else if constexpr (IsDuration<T>::value) {
    value = T(static_cast<typename T::rep>(sample_integer<std::int64_t>(bits)));
  } else if constexpr (IsFixedBytes<T>::value) {
    value = T::from(sample_bytes(bits, T::size));
  } else if constexpr (IsDigestList<T>::value) {
    for (std::uint64_t left = pick(bits, 4); left > 0; --left)
      value.push_back(sample<typename DigestOf<T>::type>(bits));
  } else if constexpr (IsName<T>::value) {
    value.text = sample_text(bits);
  } else if constexpr (std::same_as<T, std::string>) {
    value = sample_text(bits);
  } else if constexpr (std::same_as<T, Bytes>) {
    value = sample_bytes(bits, pick(bits, 20));
  } else if constexpr (IsOptional<T>::value) {
    if (pick(bits, 2) == 1) value = sample<typename T::value_type>(bits);
  } else {
    static_assert(IsVector<T>::value, "this type cannot be a field of a message");
    sample_list(bits, value);
  }
  return value;
}

}  // namespace detail

/// A random valid value. The same bits give the same value. Throws std::logic_error if blind choices never are
/// valid: then the type needs a Sampler.
template <class T, BitSource Bits>
T sample(Bits& bits) {
  constexpr int tries = 1000;
  for (int i = 0; i < tries; ++i) {
    T value = detail::draw<T>(bits);
    if (fault_of(value).empty()) return value;
  }
  throw std::logic_error("a type needs a Sampler: no random value of it is valid");
}

/// One digest a piece, and a size that has as many pieces.
template <>
struct Sampler<Metainfo> {
  template <BitSource Bits>
  static Metainfo draw(Bits& bits) {
    Metainfo file;
    file.name = sample<FileName>(bits);
    file.piece_length.value = Metainfo::piece_length_min.value << detail::pick(bits, 6);
    file.size.value = detail::pick(bits, 3 * file.piece_length.value + 1);
    file.sha1 = sample<Sha1>(bits);
    for (std::uint32_t piece = 0; piece < file.piece_count(); ++piece) {
      file.piece_sha1.push_back(sample<Sha1>(bits));
      file.piece_sha256.push_back(sample<Sha256>(bits));
    }
    return file;
  }
};

/// Sorted by origin.
template <>
struct Sampler<VersionVector> {
  template <BitSource Bits>
  static VersionVector draw(Bits& bits) {
    VersionVector vector;
    detail::sample_list(bits, vector.positions);
    std::ranges::sort(vector.positions, {}, &LogPosition::origin);
    return vector;
  }
};

/// Some rows.
template <>
struct Sampler<RowRun> {
  template <BitSource Bits>
  static RowRun draw(Bits& bits) {
    RowRun rows;
    for (std::uint64_t left = detail::pick(bits, 4); left > 0; --left) {
      const Bytes key = detail::sample_bytes(bits, 1 + detail::pick(bits, 20));
      const Bytes value = sample<Bytes>(bits);
      const Bytes metainfo = sample<Bytes>(bits);
      rows.push_back({sample<std::uint8_t>(bits), key, value, metainfo});
    }
    return rows;
  }
};

/// A digest of each bucket.
template <>
struct Sampler<Buckets> {
  template <BitSource Bits>
  static Buckets draw(Bits& bits) {
    Buckets buckets{sample<VersionVector>(bits), {}};
    for (std::uint32_t i = 0; i < state_buckets; ++i) buckets.digests.push_back(sample<StateDigest>(bits));
    return buckets;
  }
};

}  // namespace tutti
