#include "tracker/facts.hpp"

#include <sodium.h>

#include <array>
#include <utility>
#include <variant>

#include "messages/codec.hpp"

namespace tutti {

namespace {

/// A key begins with the kind of row it is. In stores: never renumbered.
enum class RowKind : std::uint8_t {
  user_named = 1,
  group_named = 2,
  password_set = 3,
  membership_changed = 4,
  file_described = 5,
  share_intended = 6,
  session_opened = 7,
  session_closed = 8,
  request_answered = 9,
};

class KeyBuilder {
 public:
  explicit KeyBuilder(RowKind kind) : key_{static_cast<std::uint8_t>(kind)} {}
  template <class Id>
  KeyBuilder& with(const Id& id) {
    key_.insert(key_.end(), id.bytes.begin(), id.bytes.end());
    return *this;
  }
  KeyBuilder& with(std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) key_.push_back(static_cast<std::uint8_t>(number >> shift));
    return *this;
  }
  Bytes take() { return std::move(key_); }

 private:
  Bytes key_;
};

Bytes key_of(const UserNamed& op) { return row_keys::user_named(op.uid); }
Bytes key_of(const GroupNamed& op) { return row_keys::group_named(op.gid); }
Bytes key_of(const PasswordSet& op) { return row_keys::password_set(op.uid); }
Bytes key_of(const MembershipChanged& op) { return row_keys::membership_changed(op.gid, op.uid); }
Bytes key_of(const FileDescribed& op) { return row_keys::file_described(op.gid, op.fid); }
Bytes key_of(const ShareIntended& op) { return row_keys::share_intended(op.gid, op.fid, op.uid); }
Bytes key_of(const SessionOpened& op) { return row_keys::session_opened(op.client, op.token_hash); }
Bytes key_of(const SessionClosed& op) { return row_keys::session_closed(op.client); }
Bytes key_of(const RequestAnswered& op) { return row_keys::request_answered(op.client, op.counter); }
Bytes key_of(const Restated& op) {
  return std::visit([](const auto& plain) { return key_of(plain); }, op.operation.value);
}

template <class... M>
std::optional<TrackerAnswer> decode_one_of(ByteView bytes, Messages<M...>) {
  std::optional<TrackerAnswer> answer;
  const MessageId id = peek_message_id(bytes);
  const auto try_one = [&]<class Option>() {
    if (id != Option::message_id) return;
    if (Decoded<Option> decoded = decode<Option>(bytes)) answer = TrackerAnswer(std::move(*decoded.value));
  };
  (try_one.template operator()<M>(), ...);
  return answer;
}

}  // namespace

Bytes row_key(const Operation& operation) {
  return std::visit([](const auto& op) { return key_of(op); }, operation.value);
}

namespace row_keys {

Bytes user_named(const Uid& uid) { return KeyBuilder(RowKind::user_named).with(uid).take(); }
Bytes group_named(const Gid& gid) { return KeyBuilder(RowKind::group_named).with(gid).take(); }
Bytes password_set(const Uid& uid) { return KeyBuilder(RowKind::password_set).with(uid).take(); }
Bytes membership_changed(const Gid& gid, const Uid& uid) {
  return KeyBuilder(RowKind::membership_changed).with(gid).with(uid).take();
}
Bytes file_described(const Gid& gid, const Fid& fid) {
  return KeyBuilder(RowKind::file_described).with(gid).with(fid).take();
}
Bytes share_intended(const Gid& gid, const Fid& fid, const Uid& uid) {
  return KeyBuilder(RowKind::share_intended).with(gid).with(fid).with(uid).take();
}
Bytes session_opened(const ClientKey& client, const Sha256& token_hash) {
  return KeyBuilder(RowKind::session_opened).with(client).with(token_hash).take();
}
Bytes session_closed(const ClientKey& client) {
  return KeyBuilder(RowKind::session_closed).with(client).take();
}
Bytes request_answered(const ClientKey& client, RequestCounter counter) {
  return KeyBuilder(RowKind::request_answered).with(client).with(counter.value).take();
}

}  // namespace row_keys

bool is_of_file(ByteView key) {
  return !key.empty() && key[0] == static_cast<std::uint8_t>(RowKind::file_described);
}

std::uint8_t bucket_of(ByteView key) {
  static constexpr std::array<std::uint8_t, crypto_shorthash_KEYBYTES> seed{'t', 'u', 't', 't', 'i', 'b'};
  std::array<std::uint8_t, crypto_shorthash_BYTES> digest{};
  crypto_shorthash(digest.data(), key.data(), key.size(), seed.data());
  return digest[0];
}

Row row_of(const Fact& fact) {
  Row row;
  row.key = row_key(fact.operation);
  row.bucket = bucket_of(row.key);
  row.value = encode_record(fact);
  return row;
}

Bytes encode_answer(const TrackerAnswer& answer) {
  return std::visit([](const auto& message) { return encode(message); }, answer.value);
}

std::optional<TrackerAnswer> decode_answer(ByteView outcome) {
  return decode_one_of(outcome, TrackerAnswer::Options{});
}

}  // namespace tutti
