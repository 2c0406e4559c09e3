#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "messages/message.hpp"

namespace tutti {

/// What the door lets a message be at the most. msgpack's own defaults let 5 bytes ask for gigabytes.
struct DecodeLimits {
  std::size_t frame_bytes = 1U << 20U;
  std::size_t list_items = 65536;
  std::size_t depth = 8;
};

/// Writes fields as msgpack: a message is an array of its number and its fields, a record an array of its fields.
class MsgpackWriter final : public Writer {
 public:
  MsgpackWriter();
  ~MsgpackWriter() override;
  Bytes take();

  void begin_message(MessageId id, std::string_view name, std::size_t fields) override;
  void begin_record(std::string_view name, std::size_t fields) override;
  void field(std::string_view) override {}
  void end_record() override {}
  void begin_list(std::size_t size) override;
  void end_list() override {}
  void unsigned_integer(std::uint64_t value) override;
  void signed_integer(std::int64_t value) override;
  void boolean(bool value) override;
  void text(std::string_view value) override;
  void bytes(ByteView value) override;
  void symbol(std::uint64_t number, std::string_view name) override;
  void nothing() override;

 private:
  struct Packer;
  std::unique_ptr<Packer> packer_;
};

/// Reads what MsgpackWriter wrote, and refuses everything else: other types, other lengths, trailing bytes.
class MsgpackReader final : public Reader {
 public:
  /// Parses `input` whole, within `limits`. The input must outlive the reader.
  MsgpackReader(ByteView input, const DecodeLimits& limits);
  ~MsgpackReader() override;
  /// The number of the message in the input; 0 if it holds none.
  MessageId message_id() const;

  bool next_is(MessageId id, std::string_view name) override;
  void begin_message(MessageId id, std::string_view name, std::size_t least, std::size_t most) override;
  void begin_record(std::string_view name, std::size_t least, std::size_t most) override;
  bool more_fields() override;
  void field(std::string_view) override {}
  void end_record() override;
  std::size_t begin_list() override;
  bool next_item() override;
  void end_list() override;
  std::uint64_t unsigned_integer() override;
  std::int64_t signed_integer() override;
  bool boolean() override;
  std::string text() override;
  Bytes bytes() override;
  void fixed_bytes(std::span<std::uint8_t> target) override;
  std::uint64_t symbol(std::span<const std::string_view> names) override;
  bool nothing() override;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

/// The number of an encoded message, read without decoding the rest; 0 if the frame does not begin like one.
MessageId peek_message_id(ByteView frame);

/// A record without a number, as it stands inside messages and in stores.
template <Record T>
Bytes encode_record(const T& record) {
  MsgpackWriter writer;
  write(writer, record);
  return writer.take();
}

/// A decoded value, or why there is none.
template <class T>
struct Decoded {
  std::optional<T> value;
  std::string fault;

  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }
};

template <Record T>
Decoded<T> decode_record(ByteView input, const DecodeLimits& limits = {}) {
  MsgpackReader reader(input, limits);
  T record;
  if (!reader.failed()) read(reader, record);
  if (reader.failed()) return {std::nullopt, reader.fault()};
  return {std::move(record), {}};
}

/// Everything that is made from the fields of a message. Defined in codec_impl.hpp, which only few include: made anew in
/// each file that sends or hears a message, this was most of the compiler's work. The catalogue makes it for all messages
/// of the protocols; one that is declared elsewhere needs `template struct Codec<ItsName>;` beside its actor.
template <Message M>
struct Codec {
  static Bytes encode(const M& message);
  static Decoded<M> decode(ByteView frame, const DecodeLimits& limits);
  static Decoded<M> decode_at_door(ByteView frame, const DecodeLimits& limits);
  static std::string to_text(const M& message, std::size_t most_bytes);
};

template <Message M>
Bytes encode(const M& message) {
  return Codec<M>::encode(message);
}

/// Decodes one message: exact arity, limits, no bytes left over. Does not call fault(): see decode_at_door.
template <Message M>
Decoded<M> decode(ByteView frame, const DecodeLimits& limits = {}) {
  return Codec<M>::decode(frame, limits);
}

/// What every message from outside passes, once: size, limits, arity, then fault().
template <Message M>
Decoded<M> decode_at_door(ByteView frame, const DecodeLimits& limits = {}) {
  return Codec<M>::decode_at_door(frame, limits);
}

}  // namespace tutti
