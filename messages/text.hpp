#pragma once

#include <string>
#include <string_view>

#include "messages/codec.hpp"

namespace tutti {

/// Writes a message as people read it, on one line: `JoinGroup{group: "lab"}`, lists as `[1, 2]`, bytes as
/// `x'0af1'`, an absent optional as `none`, symbols by name. TextReader reads it back.
class TextWriter final : public Writer {
 public:
  /// Bytes beyond `most_bytes` of one value are left out as `x'0af1…(512)'`; such a text cannot be read back.
  explicit TextWriter(std::size_t most_bytes = SIZE_MAX) : most_bytes_(most_bytes) {}
  std::string take() { return std::move(out_); }

  void begin_message(MessageId id, std::string_view name, std::size_t fields) override;
  void begin_record(std::string_view name, std::size_t fields) override;
  void field(std::string_view name) override;
  void end_record() override;
  void begin_list(std::size_t size) override;
  void end_list() override;
  void unsigned_integer(std::uint64_t value) override;
  void signed_integer(std::int64_t value) override;
  void boolean(bool value) override;
  void text(std::string_view value) override;
  void bytes(ByteView value) override;
  void symbol(std::uint64_t number, std::string_view name) override;
  void nothing() override;

 private:
  void open(char bracket);
  void close(char bracket);
  void item();  // the separator before an item of a list

  std::size_t most_bytes_;
  std::string out_;
  std::string nesting_;      // the open brackets, outermost first
  bool after_open_ = false;  // nothing has been written since the last bracket was opened
};

/// Reads the text form. White space between tokens is free; fields may stand in the declared order only, and a
/// message needs all of them.
class TextReader final : public Reader {
 public:
  explicit TextReader(std::string_view input) : rest_(input) {}
  /// What has not been read yet.
  std::string_view rest() const { return rest_; }
  /// Fails unless only white space is left.
  void expect_end();

  bool next_is(MessageId id, std::string_view name) override;
  void begin_message(MessageId id, std::string_view name, std::size_t least, std::size_t most) override;
  void begin_record(std::string_view name, std::size_t least, std::size_t most) override;
  bool more_fields() override;
  void field(std::string_view name) override;
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
  void skip_space();
  std::string_view peek_word();
  bool take(char c);
  bool take_word(std::string_view word);
  void expect(char c);

  std::string_view rest_;
  bool after_open_ = false;
};

/// `message` on one line. `most_bytes` shortens long byte strings, for displays.
template <Record T>
std::string to_text(const T& value, std::size_t most_bytes = SIZE_MAX) {
  if constexpr (Message<T>) {
    return Codec<T>::to_text(value, most_bytes);
  } else {
    TextWriter writer(most_bytes);
    write(writer, value);
    return writer.take();
  }
}

/// Parses what to_text wrote.
template <Message M>
bool from_text(std::string_view input, M& message, std::string& fault) {
  TextReader reader(input);
  read_message(reader, message);
  reader.expect_end();
  fault = reader.fault();
  return !reader.failed();
}

}  // namespace tutti
