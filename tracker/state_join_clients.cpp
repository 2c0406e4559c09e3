// How facts about sessions and answered requests join.

#include <tuple>

#include "tracker/state.hpp"

namespace tutti {

/// Takes the rows of an older session away: a newer one has begun, or it was closed.
void DirectoryState::drop_session(ClientRow& row) {
  digest_session(digest, row.id, row, Turn::goes);
  if (row.has_session && row.closed) erase(row_keys::session_closed(row.id));
  const ClientIndex client = clients.at(row.id);
  for (const ClientRow::Token& token : row.tokens) {
    erase(row_keys::session_opened(row.id, token.hash));
    note_end(row, token.hash);
    std::erase(users[token.user].clients, client);
  }
  row.tokens.clear();
}

void DirectoryState::note_session(UserIndex user, ClientIndex client) {
  std::vector<ClientIndex>& known = users[user].clients;
  if (std::find(known.begin(), known.end(), client) == known.end()) known.push_back(client);
}

std::strong_ordering DirectoryState::age_of_password(const ClientRow::Token& token) const {
  const UserRow& row = users[token.user];
  // A first password has no name: an account that was made at two trackers by one request has two.
  const std::uint64_t held = row.password_counter <= 1 ? 0 : row.password_counter;
  if (token.password_counter != held || held == 0) return token.password_counter <=> held;
  return origins[token.password_origin].id <=> origins[row.password_origin].id;
}

void DirectoryState::note_end(ClientRow& row, const Sha256& token_hash) {
  if (std::find(row.ended.begin(), row.ended.end(), token_hash) != row.ended.end()) return;
  if (row.ended.size() == ended_max) row.ended.erase(row.ended.begin());
  row.ended.push_back(token_hash);
}

void DirectoryState::join(const Mark& mark, const SessionOpened& op) {
  const UserIndex user = users.at(op.uid);
  const ClientIndex client = clients.at(op.client);
  ClientRow& row = clients[client];
  if (row.has_session && op.generation < row.generation) return note_end(row, op.token_hash);
  row.last_user = user;
  if (row.has_session && op.generation == row.generation) {
    if (row.closed) return note_end(row, op.token_hash);
    digest_session(digest, op.client, row, Turn::goes);
  } else {
    drop_session(row);
    row.has_session = true;
    row.closed = false;
    row.generation = op.generation;
  }
  // Two facts about one token differ if its session has changed the password since, or somebody broke the rules; the
  // greater one holds, whichever came first.
  const auto at =
      std::lower_bound(row.tokens.begin(), row.tokens.end(), op.token_hash,
                       [](const ClientRow::Token& each, const Sha256& hash) { return each.hash < hash; });
  const ClientRow::Token token{op.token_hash, user, op.expires, op.password_counter,
                               op.password_counter == 0 ? OriginIndex{} : origins.at(op.password_origin)};
  const auto strength = [this](const ClientRow::Token& each) {
    const StoreId origin = each.password_counter == 0 ? StoreId{} : origins[each.password_origin].id;
    return std::make_tuple(each.expires, users[each.user].id, each.password_counter, origin);
  };
  bool changed = true;
  if (at == row.tokens.end() || at->hash != op.token_hash) {
    row.tokens.insert(at, token);
    note_session(user, client);
  } else if (strength(*at) < strength(token)) {
    const UserIndex before = at->user;
    *at = token;
    const bool has_more = std::any_of(row.tokens.begin(), row.tokens.end(),
                                      [&](const ClientRow::Token& each) { return each.user == before; });
    if (!has_more) std::erase(users[before].clients, client);
    note_session(user, client);
  } else {
    changed = false;
  }
  digest_session(digest, op.client, row, Turn::comes);
  if (changed) write(mark, op);
}

void DirectoryState::join(const Mark& mark, const SessionClosed& op) {
  ClientRow& row = clients[clients.at(op.client)];
  if (row.has_session && op.generation < row.generation) return;
  if (row.has_session && op.generation == row.generation && row.closed) return;
  drop_session(row);
  row.has_session = true;
  row.closed = true;
  row.generation = op.generation;
  digest_session(digest, op.client, row, Turn::comes);
  write(mark, op);
}

std::vector<ClientRow::Outcome>::const_iterator DirectoryState::outcome_at(const ClientRow& row,
                                                                           std::uint64_t counter) {
  return std::lower_bound(
      row.outcomes.begin(), row.outcomes.end(), counter,
      [](const ClientRow::Outcome& each, std::uint64_t sought) { return each.counter < sought; });
}

void DirectoryState::join(const Mark& mark, const RequestAnswered& op) {
  ClientRow& row = clients[clients.at(op.client)];
  auto& outcomes = row.outcomes;
  const std::string outcome(op.outcome.begin(), op.outcome.end());
  const std::uint64_t counter = op.counter.value;
  const auto known = outcomes.begin() + (outcome_at(row, counter) - outcomes.cbegin());
  if (known != outcomes.end() && known->counter == counter) {
    if (known->answer <= outcome) return;
    digest_outcome(digest, op.client, counter, known->answer, Turn::goes);
    known->answer = outcome;
  } else if (outcomes.size() < outcomes_max) {
    outcomes.insert(known, {counter, outcome});
  } else {
    // The oldest makes room.
    if (known == outcomes.begin()) return;
    const ClientRow::Outcome& oldest = outcomes.front();
    digest_outcome(digest, op.client, oldest.counter, oldest.answer, Turn::goes);
    erase(row_keys::request_answered(op.client, {oldest.counter}));
    std::move(outcomes.begin() + 1, known, outcomes.begin());
    *(known - 1) = {counter, outcome};
  }
  digest_outcome(digest, op.client, counter, outcome, Turn::comes);
  write(mark, op);
}

}  // namespace tutti
