#include "tracker/facts.hpp"

#include <sodium.h>

#include <array>
#include <utility>
#include <variant>

#include "actors/digest.hpp"
#include "messages/codec.hpp"
#include "tracker/stored.hpp"

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
  group_transferred = 10,
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
Bytes key_of(const GroupTransferred& op) { return row_keys::group_transferred(op.gid); }
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
Bytes group_transferred(const Gid& gid) { return KeyBuilder(RowKind::group_transferred).with(gid).take(); }

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
  const auto* file = fact.operation.get<FileDescribed>();
  if (file == nullptr) {
    row.value = encode_record(fact);
    return row;
  }
  row.metainfo = encode_record(file->metainfo);
  Metainfo brief = file->metainfo;
  brief.piece_sha1 = {};
  brief.piece_sha256 = {};
  row.value = encode_record(
      Fact{fact.origin, fact.stamp, FileDescribed{file->gid, file->fid, file->tracker, std::move(brief)}});
  return row;
}

Decoded<Fact> fact_of(const StoredRow& row) { return decode_record<Fact>(row.value, stored); }

namespace {

// A fact is small without piece digests; with them a file's metainfo has 52 bytes a piece.
constexpr DecodeLimits fact_limits{.frame_bytes = 64U << 10U, .list_items = 64, .depth = 8};
constexpr DecodeLimits metainfo_limits{.frame_bytes = 4U << 20U, .list_items = 64, .depth = 8};

Decoded<Fact> unfit(std::string why) { return {std::nullopt, std::move(why)}; }

/// Gives a file its metainfo back, which its id has to commit to.
std::string complete(FileDescribed& file, ByteView record, const DecodeLimits& limits) {
  Decoded<Metainfo> metainfo = decode_record<Metainfo>(record, limits);
  if (!metainfo) return metainfo.fault;
  file.metainfo = std::move(*metainfo.value);
  return {};
}

}  // namespace

Decoded<Fact> whole_fact_of(const StoredRow& row) {
  Decoded<Fact> fact = fact_of(row);
  if (!fact) return fact;
  auto* file = std::get_if<FileDescribed>(&fact.value->operation.value);
  if (file == nullptr) return fact;
  if (std::string fault = complete(*file, row.metainfo, stored); !fault.empty())
    return unfit(std::move(fault));
  return fact;
}

Decoded<Fact> fact_of_others(const StoredRow& row) {
  Decoded<Fact> fact = decode_record<Fact>(row.value, fact_limits);
  if (!fact) return fact;
  Operation& operation = fact.value->operation;
  if (operation.get<Restated>() != nullptr) return unfit("a row is of no plain operation");
  if (auto* file = std::get_if<FileDescribed>(&operation.value)) {
    const Metainfo brief = file->metainfo;
    if (std::string fault = complete(*file, row.metainfo, metainfo_limits); !fault.empty())
      return unfit(std::move(fault));
    const bool fits = brief.name == file->metainfo.name && brief.size == file->metainfo.size &&
                      brief.sha1 == file->metainfo.sha1 &&
                      brief.piece_length == file->metainfo.piece_length &&
                      brief.manifest_size == file->metainfo.manifest_size && brief.piece_sha1.empty() &&
                      brief.piece_sha256.empty();
    if (!fits || fid_of_record(row.metainfo) != file->fid)
      return unfit("a file is not the one that it is said to be");
  } else if (!row.metainfo.empty()) {
    return unfit("what is no file has metainfo");
  }
  const Bytes key = row_key(operation);
  if (!std::equal(key.begin(), key.end(), row.key.begin(), row.key.end()) || bucket_of(key) != row.bucket)
    return unfit("a row stands under another key than its own");
  if (const Fault fault = fault_of(*fact.value); !fault.empty()) return unfit(std::string(fault));
  return fact;
}

Bytes encode_answer(const TrackerAnswer& answer) {
  return std::visit([](const auto& message) { return encode(message); }, answer.value);
}

std::optional<TrackerAnswer> decode_answer(ByteView outcome) {
  return decode_one_of(outcome, TrackerAnswer::Options{});
}

}  // namespace tutti
