#include "tracker/lost_names.hpp"

#include <algorithm>
#include <string>

#include "actors/digest.hpp"
#include "messages/codec.hpp"
#include "tracker/refusals.hpp"
#include "tracker/rows.hpp"

namespace tutti {

bool takes_name(const std::vector<Operation>& operations) {
  return std::any_of(operations.begin(), operations.end(), [](const Operation& each) {
    return each.get<UserNamed>() != nullptr || each.get<GroupNamed>() != nullptr ||
           each.get<FileDescribed>() != nullptr || each.get<PasswordSet>() != nullptr ||
           each.get<GroupTransferred>() != nullptr;
  });
}

bool takes_account(const std::vector<Operation>& operations) {
  return std::any_of(operations.begin(), operations.end(),
                     [](const Operation& each) { return each.get<UserNamed>() != nullptr; });
}

namespace {

/// A file that another one of its name came before: its share ends, so that nothing of it is left in the group.
std::optional<LostName> lost_file_name(const Directory& directory, const FileDescribed& described,
                                       const std::vector<Operation>& operations) {
  const std::string& name = described.metainfo.name.text;
  const std::optional<FileView> holder = directory.file_named(described.gid, name);
  if (!holder || holder->fid == described.fid) return std::nullopt;
  LostName lost{file_name_taken(directory, described.gid, name), {}};
  for (const Operation& each : operations) {
    const ShareIntended* share = each.get<ShareIntended>();
    if (share == nullptr || !share->on || !directory.share(share->gid, share->fid, share->uid).on) continue;
    ShareIntended ended = *share;
    ended.on = false;
    lost.undo.emplace_back(ended);
  }
  return lost;
}

/// Two changes of one password, or two owners of one group, that were made from the same state at two trackers: each
/// tracker takes the same one for the one that holds. What was done since is another matter.
std::optional<LostName> lost_to_rival(const Directory& directory, const Operation& operation) {
  if (const PasswordSet* set = operation.get<PasswordSet>(); set != nullptr && set->counter > 1) {
    const auto held = directory.password_of(set->uid);
    if (held && held->password.counter == set->counter && held->verifier != set->verifier)
      return LostName{refuse(Code::other,
                             "your password was changed through another tracker at the same moment, and that "
                             "change holds: log in with that one"),
                      {}};
  }
  if (const GroupTransferred* transfer = operation.get<GroupTransferred>()) {
    const TransferView held = directory.last_transfer(transfer->gid);
    if (held.counter == transfer->counter && held.uid != transfer->uid)
      return LostName{refuse(Code::other, directory.name_of(transfer->gid) + " was given to " +
                                              directory.name_of(held.uid) +
                                              " through another tracker at the same moment, and that holds"),
                      {}};
  }
  return std::nullopt;
}

/// What a request said when it was taken, as far as names go.
std::vector<Operation> named_by(const Directory& directory, const Question& question) {
  if (const CreateUser* create = question.what.get<CreateUser>())
    return {UserNamed{uid_of_request(question.client, question.counter), create->user, 0, false}};
  if (const CreateGroup* create = question.what.get<CreateGroup>())
    return {GroupNamed{gid_of_request(question.client, question.counter), create->group, 0, false}};
  const AddFile* add = question.what.get<AddFile>();
  const std::optional<Session> session = directory.open_session(question.client);
  const std::optional<Gid> gid = add != nullptr ? directory.group_named(add->group.text) : std::nullopt;
  if (!gid || !session) return {};
  const Fid fid = fid_of_record(encode_record(add->metainfo));
  const ShareView share = directory.share(*gid, fid, session->uid);
  const std::uint64_t membership = directory.membership(*gid, session->uid).generation;
  return {FileDescribed{*gid, fid, 0, add->metainfo},
          ShareIntended{*gid, fid, session->uid, membership, share.generation, share.on}};
}

}  // namespace

bool is_for_name(const ClientRequest& request) {
  return request.get<CreateUser>() != nullptr || request.get<CreateGroup>() != nullptr ||
         request.get<AddFile>() != nullptr;
}

std::optional<LostName> lost_since(const Directory& directory, const Question& question) {
  std::optional<LostName> lost = lost_name(directory, named_by(directory, question));
  // What becomes of an account or a group is for the tracker that took the request to say: it may be in use.
  if (lost && question.what.get<AddFile>() == nullptr) lost->undo.clear();
  return lost;
}

std::optional<LostName> lost_name(const Directory& directory, const std::vector<Operation>& operations) {
  for (const Operation& each : operations) {
    if (const UserNamed* user = each.get<UserNamed>())
      if (directory.user_named(user->name.text) != user->uid)
        return LostName{user_name_taken(user->name),
                        {PasswordSet{user->uid, 2, std::string(withdrawn_verifier)}}};
    if (const FileDescribed* file = each.get<FileDescribed>())
      if (std::optional<LostName> lost = lost_file_name(directory, *file, operations)) return lost;
    if (std::optional<LostName> lost = lost_to_rival(directory, each)) return lost;
    const GroupNamed* group = each.get<GroupNamed>();
    if (group == nullptr) continue;
    const std::optional<Gid> holder = directory.group_named(group->name.text);
    if (!holder || holder == group->gid) continue;
    LostName lost{group_name_taken(group->name), {}};
    if (const std::optional<Uid> owner = directory.owner_of(group->gid)) {
      const std::uint64_t generation = directory.membership(group->gid, *owner).generation;
      lost.undo.emplace_back(MembershipChanged{group->gid, *owner, generation, MembershipRank::left, *owner});
    }
    return lost;
  }
  return std::nullopt;
}

std::vector<Operation> confirmation_of(const std::vector<Operation>& operations) {
  std::vector<Operation> confirmations;
  for (const Operation& each : operations) {
    if (const UserNamed* user = each.get<UserNamed>(); user != nullptr && !user->reached_all)
      confirmations.emplace_back(UserNamed{user->uid, user->name, user->tracker, true});
    if (const GroupNamed* group = each.get<GroupNamed>(); group != nullptr && !group->reached_all)
      confirmations.emplace_back(GroupNamed{group->gid, group->name, group->tracker, true});
  }
  return confirmations;
}

}  // namespace tutti
