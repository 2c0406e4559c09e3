#include "tracker/state.hpp"

#include <variant>

namespace tutti {

DirectoryState::DirectoryState(const HashSecret& secret, std::size_t outcomes_kept)
    : origins(secret),
      users(secret),
      groups(secret),
      files(secret),
      memberships(secret),
      clients(secret),
      users_by_name(UserOrder{this}),
      groups_by_name(GroupOrder{this}),
      members_by_name(MemberOrder{this}),
      requests_by_name(MemberOrder{this}),
      files_by_name(FileOrder{this}),
      seniors(SeniorOrder{this}),
      outcomes_by_age(AgeOrder{this}),
      closed_by_age(AgeOrder{this}),
      outcomes_in_all_max(outcomes_kept) {}

bool DirectoryState::is_earlier(const Mark& a, const Mark& b) const {
  if (a.milliseconds != b.milliseconds) return a.milliseconds < b.milliseconds;
  if (a.counter != b.counter) return a.counter < b.counter;
  return origins[a.origin].id < origins[b.origin].id;
}

bool DirectoryState::FileOrder::operator()(FileIndex a, FileIndex b) const {
  const FileRecord& left = state->files[a];
  const FileRecord& right = state->files[b];
  if (left.group != right.group) return left.group < right.group;
  if (const int order = left.name.compare(right.name); order != 0) return order < 0;
  if (left.mark != right.mark) return state->is_earlier(left.mark, right.mark);
  return left.id.fid < right.id.fid;
}

bool DirectoryState::SeniorOrder::operator()(const Senior& a, const Senior& b) const {
  if (a.group != b.group) return a.group < b.group;
  if (a.since != b.since) return state->is_earlier(a.since, b.since);
  return state->users[a.user].id < state->users[b.user].id;
}

bool DirectoryState::AgeOrder::operator()(const Aging& a, const Aging& b) const {
  if (a.since != b.since) return state->is_earlier(a.since, b.since);
  if (a.client != b.client) return state->clients[a.client].id < state->clients[b.client].id;
  return a.counter < b.counter;
}

Mark DirectoryState::mark_of(const StoreId& origin, const Stamp& stamp) {
  return {stamp.milliseconds, stamp.counter, origins.at(origin)};
}

void DirectoryState::join(const StoreId& origin, const Stamp& stamp, const Operation& operation) {
  const Mark mark = mark_of(origin, stamp);
  std::visit([&](const auto& op) { join(mark, op); }, operation.value);
}

/// Counts as what it says again: with the stamp and the origin that it had there.
void DirectoryState::join(const Mark&, const Restated& op) {
  const Mark mark = mark_of(op.origin, op.stamp);
  std::visit([&](const auto& plain) { join(mark, plain); }, op.operation.value);
}

void DirectoryState::write_joining() {
  const auto copied = [](ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); };
  const StoredRow& row = *joining.row;
  changes->rows.push_back({row.bucket, copied(row.key), copied(row.value), copied(row.metainfo)});
}

void DirectoryState::erase(Bytes key) {
  if (changes == nullptr) return;
  const std::uint8_t bucket = bucket_of(key);
  changes->rows.push_back({bucket, std::move(key), {}, {}});
}

const Membership* DirectoryState::find_membership(const MemberKey& key) const {
  const auto found = memberships.find(key);
  return found ? &memberships[*found] : nullptr;
}

const ClientRow* DirectoryState::find_client(const ClientKey& client) const {
  const auto found = clients.find(client);
  return found ? &clients[*found] : nullptr;
}

const Membership* DirectoryState::find_membership(const Gid& gid, const Uid& uid) const {
  const auto group = groups.find(gid);
  const auto user = users.find(uid);
  return group && user ? find_membership({*group, *user}) : nullptr;
}

FileView DirectoryState::view_of(FileIndex file) const {
  const FileRecord& row = files[file];
  return {row.id.fid, listed_name(file), row.name, row.size, row.sha1, row.is_alive(), row.tree};
}

}  // namespace tutti
