#pragma once

#include <cstdint>
#include <string_view>

#include "messages/bytes.hpp"

namespace tutti {

/// The number under which a message crosses a wire. 0 is no message.
struct MessageId {
  std::uint16_t value = 0;
  constexpr auto operator<=>(const MessageId&) const = default;
};

/// Where the fields of a message are written to: msgpack (MsgpackWriter) or text for people (TextWriter). The
/// list of fields is declared once, with the message; it neither knows nor cares which of the two it feeds.
class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  virtual ~Writer() = default;

  virtual void begin_message(MessageId id, std::string_view name, std::size_t fields) = 0;
  virtual void begin_record(std::string_view name, std::size_t fields) = 0;
  virtual void field(std::string_view name) = 0;
  /// Ends what begin_message or begin_record began.
  virtual void end_record() = 0;
  virtual void begin_list(std::size_t size) = 0;
  virtual void end_list() = 0;

  virtual void unsigned_integer(std::uint64_t value) = 0;
  virtual void signed_integer(std::int64_t value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void bytes(ByteView value) = 0;
  /// One value of an enumeration: a number on the wire, its name for people.
  virtual void symbol(std::uint64_t number, std::string_view name) = 0;
  /// An optional that holds nothing.
  virtual void nothing() = 0;
};

}  // namespace tutti
