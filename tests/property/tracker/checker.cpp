#include "tests/property/tracker/checker.hpp"

#include <algorithm>

#include "actors/digest.hpp"
#include "messages/text.hpp"
#include "tests/property/tracker/naive_model.hpp"
#include "tests/unit/tracker/state_support.hpp"
#include "tracker/facts.hpp"
#include "tracker/stored.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::test {

namespace {

using namespace std::chrono_literals;

// Whoever has been linked for so long could have asked.
constexpr Duration linked_long_enough = 400ms;
// Rows are erased of sessions that are over and of outcomes that nobody will ask for again; their keys begin with this
// or more.
constexpr std::uint8_t first_fleeting_row = 7;
// A tracker's clock is as exact as steps are.
constexpr std::chrono::milliseconds clock_step{2};

std::string text_of(const Asked& asked) {
  return "request " + std::to_string(asked.request.counter.value) + " of client " +
         asked.client.hex().substr(0, 8) + ", " +
         std::visit([](const auto& what) { return to_text(what); }, asked.request.what.value);
}

std::string text_of(const TrackerAnswer& answer) {
  return std::visit([](const auto& what) { return to_text(what); }, answer.value);
}

bool is_same(const TrackerAnswer& a, const TrackerAnswer& b) {
  const auto* added_a = a.get<FileAdded>();
  const auto* added_b = b.get<FileAdded>();
  // Two trackers may have done it at once, and then both were the first.
  if (added_a != nullptr && added_b != nullptr)
    return added_a->gid == added_b->gid && added_a->fid == added_b->fid;
  return encode_answer(a) == encode_answer(b);
}

std::vector<Fact> rows_on(const Disk& disk) {
  std::vector<Fact> facts;
  Bytes after;
  for (bool last = false; !last;) {
    RowPage page = disk.store->rows({}, after, 1_MiB, true);
    RowReader rows(page.rows);
    while (const std::optional<StoredRow> row = rows.next()) facts.push_back(*whole_fact_of(*row));
    after = page.next;
    last = page.last;
  }
  return facts;
}

using Rows = std::map<Bytes, Bytes>;

void put(Rows& rows, Fact fact) {
  Bytes key = row_key(fact.operation);
  // Of two who say the same, either may have said it.
  if (key.front() >= first_fleeting_row) fact = {{}, {}, fact.operation};
  rows[std::move(key)] = encode_record(fact);
}

Rows as_rows(const std::vector<Fact>& facts) {
  Rows rows;
  for (const Fact& each : facts) put(rows, each);
  return rows;
}

void write_down(Rows& rows, const Changes& changes) {
  for (const Row& row : changes.rows) {
    if (row.value.empty()) {
      rows.erase(row.key);
    } else {
      put(rows, *whole_fact_of(row.view()));
    }
  }
}

/// The first row that only one of them has, for people.
std::string difference(const Rows& have, const Rows& want) {
  const auto text = [](const Bytes& row) { return to_text(*decode_record<Fact>(row, stored).value); };
  for (const auto& [key, row] : want)
    if (const auto found = have.find(key); found == have.end() || found->second != row)
      return "not " + text(row) + (found == have.end() ? "" : " but " + text(found->second));
  for (const auto& [key, row] : have)
    if (!want.contains(key)) return text(row) + " too much";
  return "the same rows";
}

}  // namespace

std::string_view name_of(Invariant invariant) {
  static constexpr std::array<std::string_view, invariants> names{
      "answered_from_disk",      "ok_is_on_every_disk",         "nothing_older_than_the_floor",
      "one_request_one_outcome", "acknowledged_is_seen",        "one_winner_of_a_name",
      "sequence_is_used_once",   "equal_vectors_equal_digests", "revoked_never_revives",
      "ticket_is_of_a_member",   "ticket_lasts_a_minute",       "departure_ends_tickets",
      "departure_is_told",       "acknowledged_is_kept",        "state_is_the_join",
      "all_become_equal"};
  return names[static_cast<std::size_t>(invariant)];
}

Checker::Checker(Network& network)
    : network_(network), standings_(network.size()), robbed_(network.size(), Instant::min()) {
  network.observe(this);
}

void Checker::report(Invariant invariant, std::string sentence) {
  if (!violation_) violation_ = Violation{invariant, std::move(sentence)};
}

// --- disks ----------------------------------------------------------------------------------------------------------

void Checker::committed(std::size_t tracker, const CommitBatch& batch) {
  const StoreId own = network_.disk(tracker).store->id();
  std::set<MemberKey> touched = note_rows(tracker, batch);
  for (const Delta& delta : batch.deltas) {
    if (delta.origin == own) learn(delta);
    const auto made = made_.find({delta.origin, delta.sequence});
    if (made == made_.end()) continue;
    for (const Operation& each : made->second.delta.operations)
      if (const auto* change = each.get<MembershipChanged>()) touched.insert({change->gid, change->uid});
  }
  for (const MemberKey& key : touched) check_revocations(tracker, key);
}

std::set<Checker::MemberKey> Checker::note_rows(std::size_t tracker, const CommitBatch& batch) {
  std::set<MemberKey> touched;
  RowReader rows(batch.rows);
  while (const std::optional<StoredRow> row = rows.next()) {
    if (row->value.empty()) {
      if (row->key.front() < first_fleeting_row)
        report(Invariant::acknowledged_is_kept,
               "a fact is taken off the disk of tracker " + std::to_string(tracker + 1));
      continue;
    }
    const Decoded<Fact> fact = fact_of(*row);
    const auto* change = fact->operation.get<MembershipChanged>();
    if (change == nullptr) continue;
    note_standing(tracker, *change);
    touched.insert({change->gid, change->uid});
  }
  return touched;
}

void Checker::note_standing(std::size_t tracker, const MembershipChanged& change) {
  Standing& standing = standings_[tracker][{change.gid, change.uid}];
  const bool was_member = standing.generation != 0 && standing.rank == MembershipRank::accepted;
  const bool is_same = change.generation == standing.generation && change.rank == MembershipRank::accepted;
  if (was_member && !is_same) standing.ended = network_.now();
  standing.generation = change.generation;
  standing.rank = change.rank;
}

Gid Checker::group_called(const std::string& name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? Gid{} : found->second;
}

void Checker::learn(const Delta& delta) {
  const DeltaKey key{delta.origin, delta.sequence};
  const auto [made, fresh] = made_.try_emplace(key, Made{delta, network_.now()});
  if (fresh) return learn(key, delta);
  if (!(made->second.delta == delta))
    report(Invariant::sequence_is_used_once, "store " + delta.origin.hex() + " has two deltas " +
                                                 std::to_string(delta.sequence.value) + ": " +
                                                 to_text(made->second.delta) + " and " + to_text(delta));
}

void Checker::learn(const DeltaKey& key, const Delta& delta) {
  for (const Operation& each : delta.operations) {
    if (const auto* answered = each.get<RequestAnswered>())
      of_request_[{answered->client, answered->counter}].push_back(key);
    if (const auto* opened = each.get<SessionOpened>()) {
      of_request_[{opened->client, opened->generation}].push_back(key);
      users_of_tokens_[opened->token_hash] = opened->uid;
    }
    if (const auto* named = each.get<GroupNamed>()) groups_[named->name.text] = named->gid;
    const auto* change = each.get<MembershipChanged>();
    if (change != nullptr && change->rank >= MembershipRank::rejected)
      revocations_[{change->gid, change->uid}].push_back({change->generation, key});
  }
}

void Checker::check_revocations(std::size_t tracker, const MemberKey& key) {
  const Standing& standing = standings_[tracker][key];
  for (const Revocation& revocation : revocations_[key])
    if (is_on(tracker, revocation.by) && standing.generation == revocation.generation &&
        standing.rank < MembershipRank::rejected)
      report(Invariant::revoked_never_revives,
             "tracker " + std::to_string(tracker + 1) + " knows that generation " +
                 std::to_string(revocation.generation) + " of a membership was revoked, and keeps it");
}

bool Checker::is_on(std::size_t tracker, const DeltaKey& key) const {
  return position_in(network_.disk(tracker).at, key.first) >= key.second;
}

bool Checker::is_on_every_disk(const DeltaKey& key) const {
  const Instant when = made_.at(key).when;
  for (std::size_t i = 0; i < network_.size(); ++i)
    if (!is_on(i, key) && robbed_[i] < when) return false;
  return true;
}

void Checker::was_robbed(std::size_t tracker) {
  robbed_[tracker] = network_.now();
  // A vector that nobody has any more may be reached again on another way.
  digest_at_.clear();
  given_.clear();
  standings_[tracker].clear();
  for (const Fact& fact : rows_on(network_.disk(tracker)))
    if (const auto* change = fact.operation.get<MembershipChanged>()) note_standing(tracker, *change);
  std::set<DeltaKey> gone;
  for (const auto& [key, made] : made_) {
    bool anywhere = false;
    for (std::size_t i = 0; i < network_.size(); ++i) anywhere = anywhere || is_on(i, key);
    if (!anywhere) gone.insert(key);
  }
  const auto is_gone = [&](const DeltaKey& key) { return gone.contains(key); };
  for (const DeltaKey& key : gone) made_.erase(key);
  for (auto& [id, keys] : of_request_) std::erase_if(keys, is_gone);
  for (auto& [key, known] : revocations_)
    std::erase_if(known, [&](const Revocation& each) { return is_gone(each.by); });
  for (Acknowledged& each : acknowledged_) std::erase_if(each.by, is_gone);
  std::erase_if(acknowledged_, [](const Acknowledged& each) { return each.by.empty(); });
}

void Checker::claims(std::size_t tracker, const VersionVector& at, const StateDigest& digest) {
  if (digest.is_zero()) return;
  const auto [known, fresh] = digest_at_.try_emplace(encode_record(at), digest);
  if (!fresh && known->second != digest)
    report(Invariant::equal_vectors_equal_digests,
           "tracker " + std::to_string(tracker + 1) + " has another state than was known at " + to_text(at));
}

// --- answers --------------------------------------------------------------------------------------------------------

void Checker::answered(std::size_t tracker, const Asked& asked, const Answer& answer) {
  if (!covers(network_.disk(tracker).at, answer.at))
    report(Invariant::answered_from_disk, "tracker " + std::to_string(tracker + 1) + " answers " +
                                              text_of(asked) + " by what is not on its disk: it claims " +
                                              to_text(answer.at));
  check_floor(tracker, asked, answer);
  if (const auto* given = answer.what.get<TicketGiven>()) check_ticket(tracker, asked, given->ticket);
  if (const auto* rules = answer.what.get<TicketRules>())
    check_epoch(tracker, asked, asked.request.what.get<AskTicketRules>()->gid, rules->epoch);
  check_outcome(tracker, asked, answer);
  if (const auto* refused = answer.what.get<Refused>()) {
    check_refusal(asked, *refused);
  } else {
    check_success(asked, answer);
  }
}

void Checker::check_floor(std::size_t tracker, const Asked& asked, const Answer& answer) {
  for (const LogPosition& seen : asked.request.floor.positions) {
    if (position_in(answer.at, seen.origin) >= seen.sequence) continue;
    for (std::size_t other = 0; other < network_.size(); ++other) {
      if (other == tracker || position_in(asked.held[other], seen.origin) < seen.sequence) continue;
      const std::optional<Instant> since = network_.linked_since(tracker, other);
      if (!since || asked.said - *since < linked_long_enough) continue;
      report(Invariant::nothing_older_than_the_floor,
             "tracker " + std::to_string(tracker + 1) + " answers " + text_of(asked) + " by " +
                 to_text(answer.at) + ", but the client has seen " + to_text(asked.request.floor));
    }
  }
}

std::vector<Checker::DeltaKey> Checker::made_for(const Asked& asked) const {
  const auto made = of_request_.find({asked.client, asked.request.counter});
  return made == of_request_.end() ? std::vector<DeltaKey>{} : made->second;
}

/// What has done what this answer says.
std::vector<Checker::DeltaKey> Checker::made_by(const Asked& asked, const Answer& answer) const {
  const auto* logged_in = answer.what.get<LoggedIn>();
  std::vector<DeltaKey> keys = made_for(asked);
  std::erase_if(keys, [&](const DeltaKey& key) {
    for (const Operation& each : made_.at(key).delta.operations) {
      if (const auto* opened = each.get<SessionOpened>(); opened != nullptr && logged_in != nullptr)
        return opened->token_hash != sha256(logged_in->token.view());
      if (const auto* recorded = each.get<RequestAnswered>())
        return !is_same(*decode_answer(recorded->outcome), answer.what);
    }
    return true;
  });
  return keys;
}

/// What this request made is nobody's any more: a group that was left, a file that is not shared.
bool Checker::is_given_up(const Asked& asked) const {
  const auto* file = asked.request.what.get<AddFile>();
  const Fid fid = file == nullptr ? Fid{} : fid_of(file->metainfo);
  const Gid gid = gid_of_request(asked.client, asked.request.counter);
  for (const auto& [key, made] : made_) {
    for (const Operation& each : made.delta.operations) {
      const auto* share = each.get<ShareIntended>();
      if (file != nullptr && share != nullptr && share->fid == fid && !share->on) return true;
      const auto* change = each.get<MembershipChanged>();
      if (change != nullptr && change->rank == MembershipRank::left &&
          (change->gid == gid || file != nullptr))
        return true;
    }
  }
  return false;
}

/// Somebody else has said that it has the same name.
bool Checker::is_contested(const ClientRequest& what, const RequestKey& id) const {
  const auto* user = what.get<CreateUser>();
  const auto* group = what.get<CreateGroup>();
  const auto* file = what.get<AddFile>();
  const Fid fid = file == nullptr ? Fid{} : fid_of(file->metainfo);
  for (const auto& [key, made] : made_) {
    for (const Operation& each : made.delta.operations) {
      const auto* named = each.get<UserNamed>();
      const auto* called = each.get<GroupNamed>();
      const auto* described = each.get<FileDescribed>();
      if (user != nullptr && named != nullptr && named->name == user->user &&
          named->uid != uid_of_request(id.first, id.second))
        return true;
      if (group != nullptr && called != nullptr && called->name == group->group &&
          called->gid != gid_of_request(id.first, id.second))
        return true;
      if (file != nullptr && described != nullptr && described->metainfo.name == file->metainfo.name &&
          described->fid != fid)
        return true;
    }
  }
  return false;
}

void Checker::check_outcome(std::size_t tracker, const Asked& asked, const Answer& answer) {
  const RequestKey id{asked.client, asked.request.counter};
  const bool success = answer.what.get<Refused>() == nullptr;
  if (asked.request.what.get<Login>() != nullptr) return;
  // What was recorded, and was known here when this was asked.
  const std::vector<DeltaKey> made = made_for(asked);
  const bool is_known = std::any_of(made.begin(), made.end(), [&](const DeltaKey& key) {
    return position_in(asked.held[tracker], key.first) >= key.second;
  });
  if (is_known && made_by(asked, answer).empty() && !is_contested(asked.request.what, id))
    report(Invariant::one_request_one_outcome,
           text_of(asked) + " was done, and is answered " + text_of(answer.what));
  if (made.empty()) return;
  const auto [told, fresh] = told_.try_emplace(id, Told{success, answer.provisional});
  if (fresh) return;
  // A name that was had provisionally can be lost, and one that was given up since can be taken.
  const bool lost = told->second.success && !success && (told->second.provisional || is_given_up(asked));
  if (told->second.success != success && is_known && !lost)
    report(Invariant::one_request_one_outcome,
           text_of(asked) + " had another outcome before than " + text_of(answer.what));
}

void Checker::check_success(const Asked& asked, const Answer& answer) {
  if (asked.request.what.get<CreateUser>() != nullptr)
    accounts_told_.insert(uid_of_request(asked.client, asked.request.counter));
  const std::vector<DeltaKey> by = made_by(asked, answer);
  if (by.empty()) return;
  acknowledged_.push_back({text_of(asked), by});
  if (answer.provisional) return;
  if (std::none_of(by.begin(), by.end(), [&](const DeltaKey& key) { return is_on_every_disk(key); }))
    report(Invariant::ok_is_on_every_disk, text_of(asked) + " is answered " + text_of(answer.what) +
                                               " for certain, but is not on every disk");
  const auto* create = asked.request.what.get<CreateUser>();
  if (create == nullptr) return;
  const Uid uid = uid_of_request(asked.client, asked.request.counter);
  const auto [won, fresh] = names_won_.try_emplace(create->user.text, uid, network_.now());
  if (!fresh && won->second.first != uid)
    report(Invariant::one_winner_of_a_name, "two were told that they are " + create->user.text);
}

void Checker::check_refusal(const Asked& asked, const Refused& refused) {
  const auto* login = asked.request.what.get<Login>();
  if (login == nullptr || refused.code != Code::bad_credentials) return;
  const auto won = names_won_.find(login->user.text);
  if (won != names_won_.end() && won->second.second < asked.since)
    report(Invariant::acknowledged_is_seen, text_of(asked) + " is refused, but there is such a user");
}

// --- tickets --------------------------------------------------------------------------------------------------------

void Checker::check_ticket(std::size_t tracker, const Asked& asked, const PeerTicket& ticket) {
  const std::string who =
      "tracker " + std::to_string(tracker + 1) + " answers " + text_of(asked) + " with a ticket ";
  if (ticket.client != asked.client)
    report(Invariant::ticket_is_of_a_member, who + "for another key: " + ticket.client.hex());
  const auto user = users_of_tokens_.find(sha256(asked.request.token.view()));
  if (user != users_of_tokens_.end() && user->second != ticket.uid)
    report(Invariant::ticket_is_of_a_member, who + "for another user");
  const Standing& standing = standings_[tracker][{ticket.gid, ticket.uid}];
  const bool is_member = standing.generation != 0 && standing.rank == MembershipRank::accepted;
  // Whose membership ended while this was asked may still have been a member.
  if (!is_member && standing.ended < asked.said)
    report(Invariant::ticket_is_of_a_member, who + "for one who is no member");
  const auto now = network_.wall_time(tracker).time_since_epoch();
  const auto most =
      std::chrono::duration_cast<std::chrono::milliseconds>(now + peer_ticket_lifetime + clock_step).count();
  if (ticket.expires > static_cast<std::uint64_t>(most))
    report(Invariant::ticket_lasts_a_minute,
           who + "for " + std::to_string(ticket.expires - static_cast<std::uint64_t>(now.count())) + " ms");
  check_epoch(tracker, asked, ticket.gid, ticket.epoch);
  given_[{ticket.gid, ticket.uid, tracker}] = {ticket.epoch, standing.generation, network_.disk(tracker).at};
}

void Checker::check_epoch(std::size_t tracker, const Asked& asked, const Gid& gid, std::uint64_t epoch) {
  for (auto each = given_.lower_bound({gid, {}, 0}); each != given_.end() && std::get<0>(each->first) == gid;
       ++each) {
    const Given& ticket = each->second;
    const auto standing = standings_[tracker].find({gid, std::get<1>(each->first)});
    if (standing == standings_[tracker].end()) continue;
    const auto& [generation, rank, ended] = standing->second;
    const bool has_ended = generation > ticket.generation ||
                           (generation == ticket.generation && rank >= MembershipRank::rejected);
    // What was not on the disk when this was asked may not have been looked at.
    if (!has_ended || ended == Instant::min() || ended >= asked.said ||
        !covers(asked.held[tracker], ticket.at))
      continue;
    if (epoch <= ticket.epoch)
      report(Invariant::departure_ends_tickets, "tracker " + std::to_string(tracker + 1) + " answers " +
                                                    text_of(asked) + " with epoch " + std::to_string(epoch) +
                                                    ", but one who has gone has a ticket of " +
                                                    std::to_string(ticket.epoch));
  }
}

// --- quiet ----------------------------------------------------------------------------------------------------------

bool Checker::all_are_equal() const {
  for (std::size_t i = 0; i < network_.size(); ++i) {
    if (!network_.serves(i)) return false;
    const DirectoryHolds& first = network_.holds(0);
    const DirectoryHolds& each = network_.holds(i);
    if (each.at != first.at || each.digest != first.digest || each.digest.is_zero()) return false;
  }
  return true;
}

void Checker::check_quiet() {
  for (const Acknowledged& each : acknowledged_)
    for (std::size_t i = 0; i < network_.size(); ++i)
      if (std::none_of(each.by.begin(), each.by.end(), [&](const auto& key) { return is_on(i, key); }))
        report(Invariant::acknowledged_is_kept,
               "tracker " + std::to_string(i + 1) + " does not have " + each.what);
  std::vector<Fact> facts;
  for (const auto& [key, made] : made_)
    for (const Operation& each : made.delta.operations)
      facts.push_back({made.delta.origin, made.delta.stamp, each});
  network_.random().shuffle(facts);
  Directory joined;
  Rows wanted;
  for (const Fact& each : facts) write_down(wanted, joined.join(each));
  joined.check_invariants();
  std::vector<Directory> states(network_.size());
  for (std::size_t i = 0; i < network_.size(); ++i) {
    const std::vector<Fact> on_disk = rows_on(network_.disk(i));
    for (const Fact& each : on_disk) states[i].load(each);
    const std::string who = "tracker " + std::to_string(i + 1);
    if (states[i].digest() != network_.holds(i).digest)
      report(Invariant::state_is_the_join, who + " has other rows on its disk than in memory");
    if (states[i].digest() != joined.digest() || printed(states[i]) != printed(joined))
      report(Invariant::state_is_the_join,
             who + " has not what all operations join to: " + difference(as_rows(on_disk), wanted));
  }
  check_names(NaiveModel(facts), states);
}

void Checker::check_names(const NaiveModel& model, const std::vector<Directory>& states) {
  std::map<std::string, std::optional<Uid>> users;
  std::map<std::string, std::optional<Gid>> groups;
  for (const Uid& uid : model.uids())
    if (const auto claim = model.claim(&UserNamed::uid, uid)) users[claim->name];
  for (const Gid& gid : model.gids())
    if (const auto claim = model.claim(&GroupNamed::gid, gid)) groups[claim->name];
  for (auto& [name, winner] : users) winner = model.user_named(name);
  for (auto& [name, winner] : groups) winner = model.group_named(name);
  for (const Directory& state : states) {
    for (const auto& [name, winner] : users)
      if (state.user_named(name) != winner)
        report(Invariant::one_winner_of_a_name, "the user " + name + " is not who was first");
    for (const auto& [name, winner] : groups)
      if (state.group_named(name) != winner)
        report(Invariant::one_winner_of_a_name, "the group " + name + " is not who was first");
    for (const auto& [name, won] : names_won_)
      if (state.user_named(name) != won.first)
        report(Invariant::one_winner_of_a_name, name + " is not who was told so");
    for (const Uid& uid : model.uids())
      if (model.claim(&UserNamed::uid, uid) && !model.is_withdrawn(uid) &&
          state.user_named(state.name_of(uid)) != uid)
        report(Invariant::one_winner_of_a_name, "one who lost a name has none");
    for (const Uid& uid : accounts_told_)
      if (model.is_withdrawn(uid))
        report(Invariant::acknowledged_is_kept, "an account that somebody was told of is withdrawn");
    for (const auto& [key, revocations] : revocations_)
      for (const Revocation& each : revocations) {
        const MembershipView view = state.membership(key.first, key.second);
        if (view.generation == each.generation && view.rank < MembershipRank::rejected)
          report(Invariant::revoked_never_revives, "a revoked membership is back");
      }
  }
}

}  // namespace tutti::test
