#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "messages/bytes.hpp"
#include "messages/writer.hpp"

namespace tutti {

/// The reverse of Writer. A reader never throws and never trusts: what does not fit is remembered as the first
/// fault, and from then on every call answers an empty value, so that a decoder needs one check at its end.
class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  /// True if the next value is this message. Consumes nothing.
  virtual bool next_is(MessageId id, std::string_view name) = 0;
  /// A record has `least` to `most` fields, mostly the same number: a shorter or longer one is a fault.
  virtual void begin_message(MessageId id, std::string_view name, std::size_t least, std::size_t most) = 0;
  virtual void begin_record(std::string_view name, std::size_t least, std::size_t most) = 0;
  /// True while the record that was begun last has another field.
  virtual bool more_fields() = 0;
  virtual void field(std::string_view name) = 0;
  virtual void end_record() = 0;
  /// The number of items that follow. Bounded by the size of the input.
  virtual std::size_t begin_list() = 0;
  /// True while the list has another item. A list's items are read in between.
  virtual bool next_item() = 0;
  virtual void end_list() = 0;

  virtual std::uint64_t unsigned_integer() = 0;
  virtual std::int64_t signed_integer() = 0;
  virtual bool boolean() = 0;
  virtual std::string text() = 0;
  virtual Bytes bytes() = 0;
  /// Copies exactly `target.size()` bytes; any other length is a fault.
  virtual void fixed_bytes(std::span<std::uint8_t> target) = 0;
  /// A position in `names`, which lists the enumeration from 0 without gaps.
  virtual std::uint64_t symbol(std::span<const std::string_view> names) = 0;
  /// True, consuming it, if the next value is an absent optional.
  virtual bool nothing() = 0;

  void fail(std::string_view why) {
    if (fault_.empty()) fault_ = why;
  }
  bool failed() const { return !fault_.empty(); }
  const std::string& fault() const { return fault_; }

 private:
  std::string fault_;
};

}  // namespace tutti
