#include "tracker/state.hpp"

namespace tutti {

namespace {

RowText& add_mark(RowText& text, const DirectoryState& state, const Mark& mark) {
  return text.id(state.origins[mark.origin].id.view()).number(mark.milliseconds).number(mark.counter);
}

RowText& add_claim(RowText& text, const DirectoryState& state, const Claim& claim) {
  text.text(claim.name).number(claim.tracker).number(claim.reached_all ? 1 : 0);
  return add_mark(text, state, claim.mark);
}

}  // namespace

void DirectoryState::digest_user(RowDigest& into, UserIndex user, Turn turn) const {
  const UserRow& row = users[user];
  if (!row.claim.known) return;
  RowText text(row_keys::user_named(row.id));
  into.turn(add_claim(text, *this, row.claim), turn);
}

void DirectoryState::digest_password(RowDigest& into, UserIndex user, Turn turn) const {
  const UserRow& row = users[user];
  if (row.password_counter == 0) return;
  RowText text(row_keys::password_set(row.id));
  text.number(row.password_counter).id(origins[row.password_origin].id.view()).text(row.verifier);
  into.turn(text, turn);
}

void DirectoryState::digest_group(RowDigest& into, GroupIndex group, Turn turn) const {
  const GroupRecord& row = groups[group];
  if (!row.claim.known) return;
  RowText text(row_keys::group_named(row.id));
  into.turn(add_claim(text, *this, row.claim), turn);
}

void DirectoryState::digest_transfer(RowDigest& into, GroupIndex group, Turn turn) const {
  const Transfer& transfer = groups[group].transfer;
  if (transfer.counter == 0) return;
  RowText text(row_keys::group_transferred(groups[group].id));
  text.number(transfer.counter).id(users[transfer.user].id.view()).number(transfer.membership);
  into.turn(add_mark(text, *this, transfer.mark), turn);
}

void DirectoryState::digest_membership(RowDigest& into, const MemberKey& key, const Membership& membership,
                                       Turn turn) const {
  if (membership.generation == 0) return;
  RowText text(row_keys::membership_changed(groups[key.group].id, users[key.user].id));
  text.number(membership.generation).number(static_cast<std::uint64_t>(membership.rank));
  // Where it says nothing the row has the digest that trackers from before give it.
  if (membership.said_over() != 0) text.number(membership.said_over());
  into.turn(add_mark(text.id(users[membership.by].id.view()), *this, membership.mark), turn);
}

void DirectoryState::digest_file(RowDigest& into, FileIndex file, Turn turn) const {
  const FileRecord& row = files[file];
  if (!row.known) return;
  // The fid stands for the metainfo: it commits to all of it.
  RowText text(row_keys::file_described(row.id.gid, row.id.fid));
  into.turn(add_mark(text.number(row.tracker), *this, row.mark), turn);
}

void DirectoryState::digest_share(RowDigest& into, const MemberKey& key, const Share& share,
                                  Turn turn) const {
  const FileId& id = files[share.file].id;
  RowText text(row_keys::share_intended(id.gid, id.fid, users[key.user].id));
  into.turn(text.number(share.membership).number(share.generation).number(share.on ? 1 : 0), turn);
}

void DirectoryState::digest_session(RowDigest& into, const ClientKey& client, const ClientRow& row,
                                    Turn turn) const {
  if (!row.has_session) return;
  if (row.closed) {
    RowText text(row_keys::session_closed(client));
    into.turn(text.number(row.generation.value), turn);
  }
  for (const ClientRow::Token& token : row.tokens) {
    RowText text(row_keys::session_opened(client, token.hash));
    text.number(row.generation.value).id(users[token.user].id.view()).number(token.expires);
    // As trackers of before have it, where they could have it.
    if (token.password_counter != 0)
      text.number(token.password_counter).id(origins[token.password_origin].id.view());
    into.turn(text, turn);
  }
}

void DirectoryState::digest_outcome(RowDigest& into, const ClientKey& client, std::uint64_t counter,
                                    const std::string& outcome, Turn turn) const {
  RowText text(row_keys::request_answered(client, {counter}));
  into.turn(text.text(outcome), turn);
}

}  // namespace tutti
