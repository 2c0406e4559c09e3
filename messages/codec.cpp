#include "messages/codec.hpp"

#include <algorithm>
#include <msgpack.hpp>

namespace tutti {

namespace {

/// What msgpack::packer writes into.
struct ByteSink {
  Bytes bytes;
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

/// The parsed input and the way down to the value that is read next.
struct MsgpackReader::Tree {
  struct Level {
    const msgpack::object* next;
    const msgpack::object* end;
  };
  msgpack::object_handle root;
  std::vector<Level> path;

  const msgpack::object* peek() const {
    return path.empty() || path.back().next == path.back().end ? nullptr : path.back().next;
  }
};

MsgpackReader::MsgpackReader(ByteView input, const DecodeLimits& limits) : tree_(std::make_unique<Tree>()) {
  if (input.empty() || input.size() > limits.frame_bytes) {
    fail(input.empty() ? "an empty frame" : "a frame is too large");
    return;
  }
  // An item takes a byte at least: a list that claims more than the input holds is not given room, whatever the limit.
  const msgpack::unpack_limit bounds(std::min(limits.list_items, input.size()), 64, limits.frame_bytes,
                                     limits.frame_bytes, 0, limits.depth);
  try {
    std::size_t offset = 0;
    tree_->root = msgpack::unpack(
        reinterpret_cast<const char*>(input.data()), input.size(), offset,
        [](msgpack::type::object_type, std::size_t, void*) { return false; }, nullptr, bounds);
    if (offset != input.size()) fail("bytes are left over");
    tree_->path.push_back({&tree_->root.get(), &tree_->root.get() + 1});
  } catch (const std::exception&) {
    fail("not msgpack within the limits");
  }
}

MsgpackReader::~MsgpackReader() = default;

MessageId MsgpackReader::message_id() const {
  const msgpack::object* object = tree_->peek();
  if (object == nullptr || object->type != msgpack::type::ARRAY || object->via.array.size == 0) return {};
  const msgpack::object& id = object->via.array.ptr[0];
  if (id.type != msgpack::type::POSITIVE_INTEGER || id.via.u64 > UINT16_MAX) return {};
  return {static_cast<std::uint16_t>(id.via.u64)};
}

bool MsgpackReader::next_is(MessageId id, std::string_view) { return !failed() && message_id() == id; }

void MsgpackReader::begin_message(MessageId id, std::string_view name, std::size_t fields) {
  if (message_id() != id) return fail("another message than expected");
  begin_record(name, fields + 1);
  if (!failed()) ++tree_->path.back().next;
}

void MsgpackReader::begin_record(std::string_view, std::size_t fields) {
  const std::size_t size = begin_list();
  if (!failed() && size != fields) fail("a record has too few or too many fields");
}

void MsgpackReader::end_record() { end_list(); }

std::size_t MsgpackReader::begin_list() {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::ARRAY) {
    fail("a list was expected");
    return 0;
  }
  ++tree_->path.back().next;
  tree_->path.push_back({object->via.array.ptr, object->via.array.ptr + object->via.array.size});
  return object->via.array.size;
}

bool MsgpackReader::next_item() { return !failed() && tree_->peek() != nullptr; }

void MsgpackReader::end_list() {
  if (failed()) return;
  if (tree_->path.size() < 2 || tree_->peek() != nullptr) return fail("a list has items left over");
  tree_->path.pop_back();
}

std::uint64_t MsgpackReader::unsigned_integer() {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::POSITIVE_INTEGER) {
    fail("a number from 0 was expected");
    return 0;
  }
  ++tree_->path.back().next;
  return object->via.u64;
}

std::int64_t MsgpackReader::signed_integer() {
  const msgpack::object* object = tree_->peek();
  if (!failed() && object != nullptr && object->type == msgpack::type::NEGATIVE_INTEGER) {
    ++tree_->path.back().next;
    return object->via.i64;
  }
  const std::uint64_t value = unsigned_integer();
  if (value > static_cast<std::uint64_t>(INT64_MAX)) fail("a number is too large");
  return static_cast<std::int64_t>(value);
}

bool MsgpackReader::boolean() {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::BOOLEAN) {
    fail("true or false was expected");
    return false;
  }
  ++tree_->path.back().next;
  return object->via.boolean;
}

std::string MsgpackReader::text() {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::STR) {
    fail("a text was expected");
    return {};
  }
  ++tree_->path.back().next;
  return {object->via.str.ptr, object->via.str.size};
}

Bytes MsgpackReader::bytes() {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::BIN) {
    fail("bytes were expected");
    return {};
  }
  ++tree_->path.back().next;
  const auto* begin = reinterpret_cast<const std::uint8_t*>(object->via.bin.ptr);
  return {begin, begin + object->via.bin.size};
}

void MsgpackReader::fixed_bytes(std::span<std::uint8_t> target) {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::BIN ||
      object->via.bin.size != target.size())
    return fail("an identifier or digest of another length");
  ++tree_->path.back().next;
  std::copy_n(object->via.bin.ptr, target.size(), target.begin());
}

std::uint64_t MsgpackReader::symbol(std::span<const std::string_view> names) {
  const std::uint64_t number = unsigned_integer();
  if (number < names.size()) return number;
  fail("a symbol that does not exist");
  return 0;
}

bool MsgpackReader::nothing() {
  const msgpack::object* object = tree_->peek();
  if (failed() || object == nullptr || object->type != msgpack::type::NIL) return false;
  ++tree_->path.back().next;
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
