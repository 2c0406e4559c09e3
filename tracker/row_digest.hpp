#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/tracker_tracker.hpp"
#include "tracker/facts.hpp"

namespace tutti {

/// Writes what a row says into one run of bytes, the same at every tracker, whatever the row's encoding.
class RowText {
 public:
  explicit RowText(const Bytes& key) : bucket_(bucket_of(key)) { id(key); }
  RowText& id(ByteView bytes) {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return *this;
  }
  RowText& text(std::string_view value) {
    number(value.size());
    text_.append(value);
    return *this;
  }
  RowText& number(std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) text_ += static_cast<char>(value >> shift);
    return *this;
  }
  std::string_view all() const { return text_; }
  std::uint8_t bucket() const { return bucket_; }

 private:
  std::uint8_t bucket_;
  std::string text_;
};

/// The digest of a set of rows, kept while rows come and go, in 256 buckets. A row adds its hash, a row that goes takes
/// it away: so order does not matter. The hash is SipHash with a known key and 128 bits: it has to show bugs and bad
/// disks, not enemies (trackers trust each other), and starting with millions of rows should take a second.
class RowDigest {
 public:
  enum class Turn : std::uint8_t { comes, goes };
  void turn(const RowText& row, Turn turn);
  StateDigest total() const;
  DigestList<StateDigest> buckets() const;
  bool operator==(const RowDigest&) const = default;

 private:
  struct Sum {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Sum&) const = default;
  };
  static Sum hash_of(const RowText& row);
  static StateDigest digest_of(const Sum& sum);
  std::array<Sum, state_buckets> sums_{};
};

}  // namespace tutti
