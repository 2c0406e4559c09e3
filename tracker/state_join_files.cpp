// How facts about files and shares join.

#include <tuple>

#include "tracker/state.hpp"

namespace tutti {

void DirectoryState::join(const Mark& mark, const FileDescribed& op) {
  const FileIndex file = files.at({op.gid, op.fid});
  FileRecord& row = files[file];
  if (row.known) {
    const bool earlier = is_earlier(mark, row.mark) || (mark == row.mark && op.tracker < row.tracker);
    if (!earlier) return;
  }
  digest_file(digest, file, Turn::goes);
  if (keeps_lists && row.is_alive()) files_by_name.erase(file);
  row.group = groups.at(op.gid);
  if (!row.known) {
    ++groups[row.group].files;
    row.pieces = op.metainfo.piece_count();
    groups[row.group].pieces += row.pieces;
    for (const UserIndex sharer : row.sharers) users[sharer].pieces += row.pieces;
  }
  row.known = true;
  row.mark = mark;
  row.tracker = op.tracker;
  row.name = op.metainfo.name.text;
  row.size = op.metainfo.size;
  row.sha1 = op.metainfo.sha1;
  row.tree = op.metainfo.is_tree();
  if (keeps_lists && row.is_alive()) files_by_name.insert(file);
  digest_file(digest, file, Turn::comes);
  write(mark, op);
}

void DirectoryState::add_sharer(FileIndex file, UserIndex user) {
  FileRecord& row = files[file];
  row.sharers.insert(std::lower_bound(row.sharers.begin(), row.sharers.end(), user), user);
  ++users[user].shared;
  if (keeps_lists && row.known && row.sharers.size() == 1) files_by_name.insert(file);
  if (users[user].online) add_online_sharer(file, user);
}

void DirectoryState::remove_sharer(FileIndex file, UserIndex user) {
  FileRecord& row = files[file];
  if (keeps_lists && row.known && row.sharers.size() == 1) files_by_name.erase(file);
  row.sharers.erase(std::lower_bound(row.sharers.begin(), row.sharers.end(), user));
  --users[user].shared;
  if (users[user].online) remove_online_sharer(file, user);
}

void DirectoryState::add_online_sharer(FileIndex file, UserIndex user) {
  std::vector<UserIndex>& sharers = online_sharers[file.value];
  sharers.insert(std::lower_bound(sharers.begin(), sharers.end(), user), user);
}

void DirectoryState::remove_online_sharer(FileIndex file, UserIndex user) {
  const auto sharers = online_sharers.find(file.value);
  sharers->second.erase(std::lower_bound(sharers->second.begin(), sharers->second.end(), user));
  if (sharers->second.empty()) online_sharers.erase(sharers);
}

const std::vector<UserIndex>& DirectoryState::online_sharers_of(FileIndex file) const {
  static const std::vector<UserIndex> nobody;
  const auto sharers = online_sharers.find(file.value);
  return sharers == online_sharers.end() ? nobody : sharers->second;
}

void DirectoryState::user_is(UserIndex user, bool online) {
  UserRow& row = users[user];
  if (row.online == online) return;
  row.online = online;
  for (const GroupIndex group : row.groups) {
    const Membership& membership = *find_membership({group, user});
    for (const Share& share : membership.shares) {
      if (!membership.is_of_effect(share)) continue;
      if (online) {
        add_online_sharer(share.file, user);
      } else {
        remove_online_sharer(share.file, user);
      }
    }
  }
}

std::vector<Share>::const_iterator DirectoryState::share_at(const Membership& membership, FileIndex file) {
  return std::lower_bound(membership.shares.begin(), membership.shares.end(), file,
                          [](const Share& each, FileIndex sought) { return each.file < sought; });
}

void DirectoryState::join(const Mark& mark, const ShareIntended& op) {
  if (op.generation == 0) return;
  const MemberKey key{groups.at(op.gid), users.at(op.uid)};
  const FileIndex file = files.at({op.gid, op.fid});
  Membership& membership = membership_row(key);
  auto share = membership.shares.begin() + (share_at(membership, file) - membership.shares.cbegin());
  const bool fresh = share == membership.shares.end() || share->file != file;
  if (!fresh) {
    // Off is stronger than on.
    if (std::make_tuple(op.membership, op.generation, !op.on) <=
        std::make_tuple(share->membership, share->generation, !share->on))
      return;
    digest_share(digest, key, *share, Turn::goes);
    if (membership.is_of_effect(*share)) remove_sharer(file, key.user);
  } else {
    share = membership.shares.insert(share, Share{file});
    ++users[key.user].intents;
    users[key.user].pieces += files[file].pieces;
  }
  *share = {file, op.on, op.membership, op.generation};
  if (membership.is_of_effect(*share)) add_sharer(file, key.user);
  digest_share(digest, key, *share, Turn::comes);
  write(mark, op);
}

}  // namespace tutti
