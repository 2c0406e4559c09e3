#include "messages/codec.hpp"

#include <algorithm>
#include <array>
#include <msgpack.hpp>

namespace tutti {

namespace {

// Room for most messages: growing byte by byte to it would cost more than all the rest.
constexpr std::size_t first_room = 256;

/// What msgpack::packer writes into.
struct ByteSink {
  Bytes bytes;
  ByteSink() { bytes.reserve(first_room); }
  void write(const char* data, std::size_t size) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  }
};

std::uint32_t narrow(std::size_t size) { return static_cast<std::uint32_t>(size); }

}  // namespace

struct MsgpackWriter::Packer {
  ByteSink sink;
  msgpack::packer<ByteSink> to{sink};
};

MsgpackWriter::MsgpackWriter() : packer_(std::make_unique<Packer>()) {}
MsgpackWriter::~MsgpackWriter() = default;
Bytes MsgpackWriter::take() { return std::move(packer_->sink.bytes); }

void MsgpackWriter::begin_message(MessageId id, std::string_view, std::size_t fields) {
  packer_->to.pack_array(narrow(fields + 1)).pack_uint16(id.value);
}
void MsgpackWriter::begin_record(std::string_view, std::size_t fields) {
  packer_->to.pack_array(narrow(fields));
}
void MsgpackWriter::begin_list(std::size_t size) { packer_->to.pack_array(narrow(size)); }
void MsgpackWriter::unsigned_integer(std::uint64_t value) { packer_->to.pack_uint64(value); }
void MsgpackWriter::signed_integer(std::int64_t value) { packer_->to.pack_int64(value); }
void MsgpackWriter::boolean(bool value) { value ? packer_->to.pack_true() : packer_->to.pack_false(); }
void MsgpackWriter::text(std::string_view value) {
  packer_->to.pack_str(narrow(value.size())).pack_str_body(value.data(), narrow(value.size()));
}
void MsgpackWriter::bytes(ByteView value) {
  packer_->to.pack_bin(narrow(value.size()))
      .pack_bin_body(reinterpret_cast<const char*>(value.data()), narrow(value.size()));
}
void MsgpackWriter::symbol(std::uint64_t number, std::string_view) { packer_->to.pack_uint64(number); }
void MsgpackWriter::nothing() { packer_->to.pack_nil(); }

namespace {

// The formats of msgpack. Those between the first and the last of a group hold their size or value in the byte itself.
namespace format {
constexpr std::uint8_t positive_last = 0x7f, array_first = 0x90, array_last = 0x9f, str_first = 0xa0,
                       str_last = 0xbf, nil = 0xc0, no = 0xc2, yes = 0xc3, bin8 = 0xc4, bin32 = 0xc6,
                       uint8 = 0xcc, uint64 = 0xcf, int8 = 0xd0, int64 = 0xd3, str8 = 0xd9, str32 = 0xdb,
                       array16 = 0xdc, array32 = 0xdd, negative_first = 0xe0;
}  // namespace format

constexpr std::string_view not_msgpack = "not msgpack within the limits";
// Deeper than any limit that is asked for.
constexpr std::size_t depth_max = 64;

/// A place in the input, from which one value after the other is taken. What is taken from too short an input is none.
class Cursor {
 public:
  explicit Cursor(ByteView input) : at_(input.data()), end_(input.data() + input.size()) {}

  bool at_end() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  /// The format of the next value; what stands for no type if there is none.
  std::uint8_t next() const { return at_end() ? none : *at_; }

  std::optional<std::size_t> array() {
    if (is_between(format::array_first, format::array_last)) return *at_++ & 0x0fU;
    return size_behind(format::array16, format::array32, 2);
  }
  std::optional<ByteView> str() {
    if (is_between(format::str_first, format::str_last)) return run(*at_++ & 0x1fU);
    return run(size_behind(format::str8, format::str32, 1));
  }
  std::optional<ByteView> bin() { return run(size_behind(format::bin8, format::bin32, 1)); }

  struct Integer {
    bool negative = false;
    std::uint64_t bits = 0;  ///< of the value, in two's complement if it is negative
  };
  std::optional<Integer> integer() {
    const std::uint8_t first = next();
    if (at_end()) return std::nullopt;
    if (first <= format::positive_last) return ++at_, Integer{false, first};
    if (first >= format::negative_first) return ++at_, signed_of(first, 1);
    if (is_between(format::uint8, format::uint64))
      if (const auto bits = number(std::size_t{1} << (first - format::uint8))) return Integer{false, *bits};
    if (is_between(format::int8, format::int64)) {
      const std::size_t bytes = std::size_t{1} << (first - format::int8);
      if (const auto bits = number(bytes)) return signed_of(*bits, bytes);
    }
    return std::nullopt;
  }
  void skip_byte() { ++at_; }

 private:
  static constexpr std::uint8_t none = 0xc1;  // which msgpack never uses

  bool is_between(std::uint8_t first, std::uint8_t last) const { return next() >= first && next() <= last; }
  static Integer signed_of(std::uint64_t bits, std::size_t bytes) {
    const unsigned unused = static_cast<unsigned>(64 - 8 * bytes);
    const auto value = static_cast<std::int64_t>(bits << unused) >> unused;
    return {value < 0, static_cast<std::uint64_t>(value)};
  }
  /// What stands behind the format byte, in so many bytes.
  std::optional<std::uint64_t> number(std::size_t bytes) {
    if (left() < 1 + bytes) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 1; i <= bytes; ++i) value = value << 8U | at_[i];
    at_ += 1 + bytes;
    return value;
  }
  /// A size, if the format is one of a group whose first has it in `bytes` bytes, the next in twice as many.
  std::optional<std::size_t> size_behind(std::uint8_t first, std::uint8_t last, std::size_t bytes) {
    if (!is_between(first, last)) return std::nullopt;
    return number(bytes << (next() - first));
  }
  std::optional<ByteView> run(std::optional<std::size_t> size) {
    if (!size || *size > left()) return std::nullopt;
    at_ += *size;
    return ByteView(at_ - *size, *size);
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace

/// The rest of the input and the way down to the value that is read next. Nothing is parsed before it is asked for: a
/// tree of the whole would cost more than reading it.
struct MsgpackReader::Tree {
  Cursor cursor;
  std::size_t list_items;
  std::size_t depth;
  // Values that are left in each list that was begun; the first level holds the root alone.
  std::array<std::size_t, depth_max + 1> left{1};
  std::size_t level = 0;

  bool has_next() const { return left[level] > 0; }
  /// Counts a value that was taken; behind the root there is nothing.
  void taken(Reader& reader) {
    --left[level];
    if (level == 0 && !cursor.at_end()) reader.fail("bytes are left over");
  }
  /// The next value is not the one that was asked for.
  void refuse(Reader& reader, std::string_view why) const {
    reader.fail(cursor.at_end() ? not_msgpack : why);
  }
};

MsgpackReader::MsgpackReader(ByteView input, const DecodeLimits& limits)
    : tree_(std::make_unique<Tree>(Tree{Cursor(input), std::min(limits.list_items, input.size()),
                                        std::min(limits.depth, depth_max)})) {
  if (input.empty() || input.size() > limits.frame_bytes)
    fail(input.empty() ? "an empty frame" : "a frame is too large");
}

MsgpackReader::~MsgpackReader() = default;

MessageId MsgpackReader::message_id() const {
  if (!tree_->has_next()) return {};
  Cursor ahead = tree_->cursor;
  const std::optional<std::size_t> size = ahead.array();
  if (!size || *size == 0) return {};
  const std::optional<Cursor::Integer> id = ahead.integer();
  if (!id || id->negative || id->bits > UINT16_MAX) return {};
  return {static_cast<std::uint16_t>(id->bits)};
}

bool MsgpackReader::next_is(MessageId id, std::string_view) { return !failed() && message_id() == id; }

void MsgpackReader::begin_message(MessageId id, std::string_view name, std::size_t least, std::size_t most) {
  if (message_id() != id) return tree_->refuse(*this, "another message than expected");
  begin_record(name, least + 1, most + 1);
  if (!failed()) unsigned_integer();
}

void MsgpackReader::begin_record(std::string_view, std::size_t least, std::size_t most) {
  const std::size_t size = begin_list();
  if (!failed() && (size < least || size > most)) fail("a record has too few or too many fields");
}

bool MsgpackReader::more_fields() { return next_item(); }

void MsgpackReader::end_record() { end_list(); }

std::size_t MsgpackReader::begin_list() {
  if (failed()) return 0;
  const std::optional<std::size_t> size = tree_->has_next() ? tree_->cursor.array() : std::nullopt;
  if (!size) {
    tree_->refuse(*this, "a list was expected");
    return 0;
  }
  // An item takes a byte at least: a list that claims more than the input holds is not given room, whatever the limit.
  if (*size > tree_->list_items || *size > tree_->cursor.left() || tree_->level == tree_->depth) {
    fail(not_msgpack);
    return 0;
  }
  tree_->left[++tree_->level] = *size;
  return *size;
}

bool MsgpackReader::next_item() { return !failed() && tree_->has_next(); }

void MsgpackReader::end_list() {
  if (failed()) return;
  if (tree_->level == 0 || tree_->has_next()) return fail("a list has items left over");
  --tree_->level;
  tree_->taken(*this);
}

std::uint64_t MsgpackReader::unsigned_integer() {
  if (failed()) return 0;
  const auto value = tree_->has_next() ? tree_->cursor.integer() : std::nullopt;
  if (!value || value->negative) {
    tree_->refuse(*this, "a number from 0 was expected");
    return 0;
  }
  tree_->taken(*this);
  return value->bits;
}

std::int64_t MsgpackReader::signed_integer() {
  if (failed()) return 0;
  const auto value = tree_->has_next() ? tree_->cursor.integer() : std::nullopt;
  if (!value) {
    tree_->refuse(*this, "a number was expected");
    return 0;
  }
  if (!value->negative && value->bits > static_cast<std::uint64_t>(INT64_MAX)) fail("a number is too large");
  tree_->taken(*this);
  return static_cast<std::int64_t>(value->bits);
}

bool MsgpackReader::boolean() {
  if (failed()) return false;
  const std::uint8_t next = tree_->cursor.next();
  if (!tree_->has_next() || (next != format::no && next != format::yes)) {
    tree_->refuse(*this, "true or false was expected");
    return false;
  }
  tree_->cursor.skip_byte();
  tree_->taken(*this);
  return next == format::yes;
}

std::string MsgpackReader::text() {
  if (failed()) return {};
  const std::optional<ByteView> run = tree_->has_next() ? tree_->cursor.str() : std::nullopt;
  if (!run) {
    tree_->refuse(*this, "a text was expected");
    return {};
  }
  tree_->taken(*this);
  return {reinterpret_cast<const char*>(run->data()), run->size()};
}

Bytes MsgpackReader::bytes() {
  if (failed()) return {};
  const std::optional<ByteView> run = tree_->has_next() ? tree_->cursor.bin() : std::nullopt;
  if (!run) {
    tree_->refuse(*this, "bytes were expected");
    return {};
  }
  tree_->taken(*this);
  return {run->begin(), run->end()};
}

void MsgpackReader::fixed_bytes(std::span<std::uint8_t> target) {
  if (failed()) return;
  const std::optional<ByteView> run = tree_->has_next() ? tree_->cursor.bin() : std::nullopt;
  if (!run || run->size() != target.size())
    return tree_->refuse(*this, "an identifier or digest of another length");
  tree_->taken(*this);
  std::copy(run->begin(), run->end(), target.begin());
}

std::uint64_t MsgpackReader::symbol(std::span<const std::string_view> names) {
  const std::uint64_t number = unsigned_integer();
  if (number < names.size()) return number;
  fail("a symbol that does not exist");
  return 0;
}

bool MsgpackReader::nothing() {
  if (failed() || !tree_->has_next() || tree_->cursor.next() != format::nil) return false;
  tree_->cursor.skip_byte();
  tree_->taken(*this);
  return true;
}

MessageId peek_message_id(ByteView frame) {
  constexpr std::uint8_t fixarray = 0x90, array16 = 0xdc, uint8 = 0xcc, uint16 = 0xcd;
  std::size_t at = 1;
  if (frame.size() < 2 || ((frame[0] & 0xf0U) != fixarray && frame[0] != array16)) return {};
  if (frame[0] == array16) at = 3;
  const auto byte = [&](std::size_t i) { return i < frame.size() ? frame[i] : std::uint8_t{0}; };
  if (byte(at) < 0x80) return {byte(at)};
  if (byte(at) == uint8) return {byte(at + 1)};
  if (byte(at) == uint16) return {static_cast<std::uint16_t>((byte(at + 1) << 8U) | byte(at + 2))};
  return {};
}

}  // namespace tutti
