// How facts about sessions and answered requests join.

#include <tuple>

#include "tracker/state.hpp"

namespace tutti {

/// Takes the rows of an older session away: a newer one has begun, or it was closed.
void DirectoryState::drop_session(ClientRow& row) {
  if (row.closed) return drop_closed(row);
  digest_session(digest, row.id, row, Turn::goes);
  const ClientIndex client = clients.at(row.id);
  for (const ClientRow::Token& token : row.tokens) {
    erase(row_keys::session_opened(row.id, token.hash));
    note_end(row, token.hash);
    std::erase(users[token.user].clients, client);
  }
  row.tokens.clear();
  row.has_session = false;
  row.generation = {};
}

void DirectoryState::drop_closed(ClientRow& row) {
  digest_session(digest, row.id, row, Turn::goes);
  erase(row_keys::session_closed(row.id));
  closed_by_age.erase({row.closed_at, 0, clients.at(row.id)});
  row.has_session = false;
  row.closed = false;
  row.generation = {};
}

bool DirectoryState::is_long_closed(const Mark& mark) const {
  return newest_outcome > closed_known_for && mark.milliseconds < newest_outcome - closed_known_for;
}

void DirectoryState::forget_long_closed() {
  while (closed_by_age.size() > 0 && is_long_closed(closed_by_age.begin()->since)) {
    ClientRow& row = clients[closed_by_age.begin()->client];
    drop_closed(row);
    drop_if_empty(row);
  }
}

void DirectoryState::drop_if_empty(const ClientRow& row) {
  if (!row.has_session && row.outcomes.empty()) clients.erase(ClientKey{row.id});
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
  const ClientIndex client = clients.at(op.client);
  ClientRow& row = clients[client];
  if (!row.has_session && is_long_closed(mark)) return drop_if_empty(row);
  if (row.has_session && op.generation < row.generation) return;
  // Of two that say the same the later one counts, so that it is forgotten everywhere at once.
  if (row.closed && op.generation == row.generation && !is_earlier(row.closed_at, mark)) return;
  if (row.has_session) drop_session(row);
  row.has_session = true;
  row.closed = true;
  row.closed_at = mark;
  row.generation = op.generation;
  closed_by_age.insert({mark, 0, client});
  digest_session(digest, op.client, row, Turn::comes);
  write(mark, op);
  forget_long_closed();
}

std::vector<ClientRow::Outcome>::const_iterator DirectoryState::outcome_at(const ClientRow& row,
                                                                           std::uint64_t counter) {
  return std::lower_bound(
      row.outcomes.begin(), row.outcomes.end(), counter,
      [](const ClientRow::Outcome& each, std::uint64_t sought) { return each.counter < sought; });
}

DirectoryState::Aging DirectoryState::oldest_outcome_of(ClientIndex client) const {
  const auto aging = [client](const ClientRow::Outcome& each) {
    return Aging{each.mark, each.counter, client};
  };
  const auto& outcomes = clients[client].outcomes;
  return aging(*std::min_element(outcomes.begin(), outcomes.end(), [&](const auto& a, const auto& b) {
    return outcomes_by_age.key_comp()(aging(a), aging(b));
  }));
}

void DirectoryState::drop_outcome(const Aging& which) {
  ClientRow& row = clients[which.client];
  const auto at = outcome_at(row, which.counter);
  outcomes_by_age.erase(which);
  digest_outcome(digest, row.id, which.counter, at->answer, Turn::goes);
  row.outcomes.erase(at);
}

/// Of two answers to one request, which ran at two trackers, the later one is kept. Whatever is displaced is older than all
/// that displaces it, so it does not depend on the order in which facts come.
void DirectoryState::join(const Mark& mark, const RequestAnswered& op) {
  const ClientIndex client = clients.at(op.client);
  ClientRow& row = clients[client];
  const Aging aging{mark, op.counter.value, client};
  const auto& goes_before = outcomes_by_age.key_comp();
  std::string outcome(op.outcome.begin(), op.outcome.end());
  const auto known = outcome_at(row, op.counter.value);
  if (known != row.outcomes.end() && known->counter == op.counter.value) {
    if (is_earlier(mark, known->mark) || (mark == known->mark && outcome <= known->answer)) return;
    drop_outcome({known->mark, known->counter, client});
  } else {
    // Either the oldest one makes room, or this would be the first to go.
    std::optional<Aging> oldest;
    if (row.outcomes.size() == outcomes_max) {
      oldest = oldest_outcome_of(client);
    } else if (outcomes_by_age.size() == outcomes_in_all_max) {
      oldest = *outcomes_by_age.begin();
    }
    if (oldest && goes_before(aging, *oldest)) return drop_if_empty(row);
    if (oldest) {
      erase(row_keys::request_answered(clients[oldest->client].id, {oldest->counter}));
      drop_outcome(*oldest);
      if (oldest->client != client) drop_if_empty(clients[oldest->client]);
    }
  }
  digest_outcome(digest, op.client, op.counter.value, outcome, Turn::comes);
  outcomes_by_age.insert(aging);
  row.outcomes.insert(outcome_at(row, op.counter.value), {op.counter.value, mark, std::move(outcome)});
  write(mark, op);
  newest_outcome = std::max(newest_outcome, mark.milliseconds);
  forget_long_closed();
}

}  // namespace tutti
