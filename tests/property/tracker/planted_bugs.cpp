#include "tests/property/tracker/planted_bugs.hpp"

#include <algorithm>
#include <set>

#include "tests/unit/tracker/state_support.hpp"
#include "tracker/facts.hpp"
#include "tracker/logs.hpp"
#include "tracker/stored.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::test {

namespace {

/// Changes a message on its way, if it is an `M`.
template <Message M, class Change>
void change(Envelope& envelope, Change how) {
  if (envelope.id != M::message_id) return;
  M message = *decode<M>(envelope.body).value;
  how(message);
  envelope.body = encode(message);
}

template <Message M>
std::optional<M> get(const Envelope& envelope) {
  if (envelope.id != M::message_id) return std::nullopt;
  return *decode<M>(envelope.body).value;
}

/// As long as the run is there.
std::vector<StoredRow> rows_in(const RowRun& run) {
  std::vector<StoredRow> rows;
  RowReader reader(run);
  while (const std::optional<StoredRow> row = reader.next()) rows.push_back(*row);
  return rows;
}

Bytes key_of(const StoredRow& row) { return {row.key.begin(), row.key.end()}; }

/// Nothing is changed but messages of one kind between actors.
template <Message M, class Change>
Seams changing(Change how) {
  Seams seams;
  seams.inside = [how](Network&, std::size_t, Part, Part, Envelope& envelope) {
    change<M>(envelope, how);
    return true;
  };
  return seams;
}

// --- answers and acknowledgements that come too early -----------------------------------------------------------------

Seams reply_before_ack() {
  Seams seams;
  seams.inside = [](Network& network, std::size_t tracker, Part, Part, Envelope& envelope) {
    const auto wait = get<AwaitReached>(envelope);
    if (!wait) return true;
    network.say(tracker, Part::replicator, Part::directory, Reached{wait->ticket, {}});
    return false;
  };
  return seams;
}

Seams provisional_is_not_said() {
  return changing<Reached>([](Reached& reached) { reached.missing.clear(); });
}

Seams received_counts_as_stored() {
  Seams seams;
  seams.inside = [](Network& network, std::size_t tracker, Part, Part, Envelope& envelope) {
    const auto learned = get<Learned>(envelope);
    DirectoryHolds holds = network.holds(tracker);
    if (!learned || holds.store.is_zero()) return true;
    for (const Delta& delta : learned->deltas) advance(holds.at, delta.origin, delta.sequence);
    holds.digest = {};
    holds.rejected = false;
    network.say(tracker, Part::directory, Part::replicator, holds);
    return true;
  };
  return seams;
}

Seams reply_before_commit() {
  Seams seams;
  seams.inside = [](Network& network, std::size_t tracker, Part, Part, Envelope& envelope) {
    if (envelope.id == BatchCommitted::message_id) return false;
    if (const auto batch = get<CommitBatch>(envelope))
      network.say(tracker, Part::journal, Part::directory, BatchCommitted{batch->ticket});
    return true;
  };
  return seams;
}

/// A disk that lies: what it was given last is in its cache, and gone with the power.
Seams commit_is_not_synced() {
  const auto caches = std::make_shared<std::map<std::size_t, CommitBatch>>();
  Seams seams;
  seams.before_disk = [caches](Network&, std::size_t tracker, CommitBatch& batch) {
    const auto [cache, was_empty] = caches->try_emplace(tracker, batch);
    if (was_empty) return false;
    std::swap(cache->second, batch);
    return true;
  };
  seams.killed = [caches](std::size_t tracker) { caches->erase(tracker); };
  return seams;
}

// --- repair -----------------------------------------------------------------------------------------------------------

Seams nothing_is_pulled() {
  Seams seams;
  seams.between = [](Network&, std::size_t, std::size_t, Envelope& envelope) {
    return envelope.id != Pull::message_id && envelope.id != AskRows::message_id;
  };
  return seams;
}

/// Whoever has lost (a part of) its own log is not told so by the others.
Seams origin_is_used_again() {
  Seams seams;
  seams.between = [](Network& network, std::size_t, std::size_t to, Envelope& envelope) {
    const Disk& disk = network.disk(to);
    const StoreId own = disk.store->id();
    const Sequence head = position_in(disk.at, own);
    const auto shorten = [&](auto& said) { cut(said.at, own, head); };
    change<RepairHello>(envelope, shorten);
    change<RepairWelcome>(envelope, shorten);
    change<Ack>(envelope, shorten);
    change<Heartbeat>(envelope, shorten);
    change<Ops>(envelope, [&](Ops& ops) {
      std::erase_if(ops.deltas, [&](const Delta& delta) { return delta.origin == own; });
    });
    return true;
  };
  return seams;
}

/// The rows of a snapshot stay, the others go.
Seams snapshot_replaces() {
  struct Rows {
    std::set<Bytes> coming;
    bool whole = false;
  };
  const auto rows = std::make_shared<std::map<std::size_t, Rows>>();
  Seams seams;
  seams.inside = [rows](Network&, std::size_t tracker, Part, Part, Envelope& envelope) {
    const auto page = get<LearnedRows>(envelope);
    if (!page) return true;
    Rows& snapshot = (*rows)[tracker];
    for (const StoredRow& row : rows_in(page->rows)) snapshot.coming.insert(key_of(row));
    snapshot.whole = !page->heads.empty();
    return true;
  };
  seams.before_disk = [rows](Network& network, std::size_t tracker, CommitBatch& batch) {
    Rows& snapshot = (*rows)[tracker];
    if (!snapshot.whole) return true;
    for (const StoredRow& row : rows_in(batch.rows)) snapshot.coming.insert(key_of(row));
    const RowPage page = network.disk(tracker).store->rows({}, {}, 64_MiB, true);
    for (const StoredRow& row : rows_in(page.rows))
      if (!snapshot.coming.contains(key_of(row))) batch.rows.push_back({row.bucket, row.key, {}, {}});
    snapshot = {};
    return true;
  };
  seams.killed = [rows](std::size_t tracker) { rows->erase(tracker); };
  return seams;
}

/// Every tenth row of a snapshot is lost on its way into the state, and what it is counted as is not.
Seams snapshot_loses_rows() {
  const auto count = std::make_shared<std::uint64_t>(0);
  return changing<LearnedRows>([count](LearnedRows& page) {
    RowRun kept;
    for (const StoredRow& row : rows_in(page.rows))
      if (++*count % 10 != 0) kept.push_back(row);
    page.rows = kept;
  });
}

Seams served_before_caught_up() {
  Seams seams;
  seams.inside = [](Network& network, std::size_t tracker, Part, Part to, Envelope& envelope) {
    if (envelope.id == FellBehind::message_id) return false;
    if (envelope.id == DirectoryHolds::message_id && to == Part::replicator && !network.serves(tracker))
      network.say(tracker, Part::replicator, Part::directory, CaughtUp{});
    return true;
  };
  return seams;
}

// --- what operations do to the state ------------------------------------------------------------------------------------

/// Changes the deltas of others before they come into the state, each consistently with the ones before: all that is
/// checked of a log there is still right.
class Forger {
 public:
  using Forge = std::function<void(Network&, std::size_t tracker, Delta&)>;
  explicit Forger(Forge forge) : forge_(std::move(forge)) {}

  bool pass(Network& network, std::size_t tracker, Envelope& envelope) {
    if (const auto loading = get<StoreLoading>(envelope)) note(tracker, loading->heads);
    if (const auto page = get<LearnedRows>(envelope)) note(tracker, page->heads);
    if (const auto batch = get<CommitBatch>(envelope)) note(tracker, batch->heads);
    change<Learned>(envelope, [&](Learned& learned) {
      for (Delta& delta : learned.deltas) {
        forge_(network, tracker, delta);
        const auto before = hashes_.find({tracker, delta.origin, delta.sequence.value - 1});
        if (before != hashes_.end()) delta.previous = before->second;
        hashes_[{tracker, delta.origin, delta.sequence.value}] = hash_of(delta);
      }
    });
    return true;
  }

 private:
  void note(std::size_t tracker, const std::vector<LogHead>& heads) {
    for (const LogHead& head : heads) hashes_[{tracker, head.origin, head.sequence.value}] = head.hash;
  }
  Forge forge_;
  std::map<std::tuple<std::size_t, StoreId, std::uint64_t>, Sha256> hashes_;
};

Seams forging(Forger::Forge forge) {
  const auto forger = std::make_shared<Forger>(std::move(forge));
  Seams seams;
  seams.inside = [forger](Network& network, std::size_t tracker, Part, Part, Envelope& envelope) {
    return forger->pass(network, tracker, envelope);
  };
  return seams;
}

/// Who comes first is first.
Seams merged_by_arrival() {
  return forging([](Network& network, std::size_t, Delta& delta) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(network.now().time_since_epoch());
    delta.stamp = {1'700'000'000'000U + static_cast<std::uint64_t>(now.count()), 0};
  });
}

/// A delta that is missing is stepped over.
Seams gap_is_skipped() {
  return forging([](Network& network, std::size_t, Delta& delta) {
    if (!network.random().chance(1, 20)) return;
    delta.operations = {RequestAnswered{id_of<ClientKey>(0xee), {1}, encode_answer(Done{})}};
  });
}

/// Some deltas are counted a second time.
Seams delta_is_applied_twice() {
  return forging([](Network& network, std::size_t, Delta& delta) {
    if (!network.random().chance(1, 20)) return;
    for (Operation& each : delta.operations) {
      if (auto* change = std::get_if<MembershipChanged>(&each.value)) ++change->generation;
      if (auto* share = std::get_if<ShareIntended>(&each.value)) ++share->generation;
      if (auto* password = std::get_if<PasswordSet>(&each.value)) ++password->counter;
    }
  });
}

/// Whoever was accepted stays accepted.
Seams revocation_is_beaten_by_accept() {
  return forging([](Network& network, std::size_t tracker, Delta& delta) {
    const Disk& disk = network.disk(tracker);
    for (Operation& each : delta.operations) {
      auto* change = std::get_if<MembershipChanged>(&each.value);
      if (change == nullptr || change->rank < MembershipRank::rejected) continue;
      const Bytes key = row_key(each);
      for (const CommitBatch& batch : disk.committed)
        for (const StoredRow& row : rows_in(batch.rows)) {
          if (key_of(row) != key || row.value.empty()) continue;
          const Decoded<Fact> fact = fact_of(row);
          const auto* known = fact->operation.get<MembershipChanged>();
          if (known->generation == change->generation && known->rank == MembershipRank::accepted)
            change->rank = MembershipRank::accepted;
        }
    }
  });
}

/// Names that were taken at the same moment are not looked at again.
Seams names_go_one_way() {
  return changing<AwaitReached>([](AwaitReached& wait) { wait.both_ways = false; });
}

// --- requests -----------------------------------------------------------------------------------------------------------

Seams floor_is_ignored() {
  return changing<Submit>([](Submit& submit) { submit.request.floor = {}; });
}

/// Whoever asks again asks something new.
Seams outcome_is_forgotten() {
  const auto asked = std::make_shared<std::map<std::pair<ClientKey, RequestCounter>, std::uint64_t>>();
  return changing<Submit>([asked](Submit& submit) {
    if (submit.request.what.get<Login>() != nullptr) return;
    const std::uint64_t times = (*asked)[{submit.client, submit.request.counter}]++;
    submit.request.counter.value += times * 1'000'000;
  });
}

// --- tickets ------------------------------------------------------------------------------------------------------------

/// Changes the tickets that a tracker gives, and the epochs that it says.
Seams changing_tickets(const std::function<void(Network&, std::size_t tracker, TrackerAnswer&)>& how) {
  Seams seams;
  seams.inside = [how](Network& network, std::size_t tracker, Part, Part, Envelope& envelope) {
    change<Settled>(envelope, [&](Settled& settled) { how(network, tracker, settled.answer.what); });
    return true;
  };
  return seams;
}

Seams ticket_is_for_another_key() {
  return changing_tickets([](Network&, std::size_t, TrackerAnswer& what) {
    if (auto* given = std::get_if<TicketGiven>(&what.value)) given->ticket.client.bytes[1] ^= 1U;
  });
}

Seams ticket_lasts_an_hour() {
  return changing_tickets([](Network&, std::size_t, TrackerAnswer& what) {
    if (auto* given = std::get_if<TicketGiven>(&what.value)) given->ticket.expires += 3'600'000;
  });
}

/// Who had one gets it again, member or not.
Seams tickets_are_kept() {
  struct Kept {
    std::map<std::pair<std::size_t, Ticket>, std::pair<ClientKey, Gid>> asked;
    std::map<std::tuple<std::size_t, ClientKey, Gid>, TicketGiven> given;
  };
  const auto kept = std::make_shared<Kept>();
  Seams seams;
  seams.inside = [kept](Network& network, std::size_t tracker, Part, Part, Envelope& envelope) {
    if (const auto submit = get<Submit>(envelope)) {
      const auto* ask = submit->request.what.get<AskTicket>();
      kept->asked.erase({tracker, submit->ticket});
      if (ask != nullptr) kept->asked[{tracker, submit->ticket}] = {submit->client, ask->gid};
    }
    change<Settled>(envelope, [&](Settled& settled) {
      const auto asked = kept->asked.find({tracker, settled.ticket});
      if (asked == kept->asked.end()) return;
      const auto& [client, gid] = asked->second;
      if (const auto* given = settled.answer.what.get<TicketGiven>())
        kept->given.insert_or_assign({tracker, client, gid}, *given);
      const auto before = kept->given.find({tracker, client, gid});
      const auto* refused = settled.answer.what.get<Refused>();
      if (refused == nullptr || refused->code != Code::not_a_member || before == kept->given.end()) return;
      TicketGiven again = before->second;
      const auto now = network.wall_time(tracker).time_since_epoch();
      again.ticket.expires = static_cast<std::uint64_t>(now.count()) + 60'000;
      settled.answer.what = again;
    });
    return true;
  };
  return seams;
}

std::uint64_t* epoch_in(TrackerAnswer& what) {
  if (auto* given = std::get_if<TicketGiven>(&what.value)) return &given->ticket.epoch;
  if (auto* rules = std::get_if<TicketRules>(&what.value)) return &rules->epoch;
  return nullptr;
}

/// Nobody's removal raises it.
Seams epoch_stands_still() {
  return changing_tickets([](Network&, std::size_t, TrackerAnswer& what) {
    if (std::uint64_t* epoch = epoch_in(what)) *epoch = 1;
  });
}

/// Departures are counted from the start of the process on.
Seams epoch_is_forgotten_at_a_start() {
  struct Counted {
    std::uint64_t said = 0;
    std::uint64_t forgotten = 0;
  };
  // Groups have few departures and are few: by tracker is near enough.
  const auto counted = std::make_shared<std::map<std::size_t, Counted>>();
  Seams seams = changing_tickets([counted](Network&, std::size_t tracker, TrackerAnswer& what) {
    std::uint64_t* epoch = epoch_in(what);
    if (epoch == nullptr) return;
    Counted& here = (*counted)[tracker];
    here.said = std::max(here.said, *epoch);
    *epoch -= std::min(*epoch, here.forgotten);
  });
  seams.killed = [counted](std::size_t tracker) { (*counted)[tracker].forgotten = (*counted)[tracker].said; };
  return seams;
}

/// A snapshot brings who is a member, and not who was.
Seams epoch_is_not_in_snapshots() {
  return changing<LearnedRows>([](LearnedRows& page) {
    RowRun kept;
    for (const StoredRow& row : rows_in(page.rows)) {
      Decoded<Fact> fact = row.value.empty() ? Decoded<Fact>{} : whole_fact_of(row);
      auto* change = fact ? std::get_if<MembershipChanged>(&fact.value->operation.value) : nullptr;
      if (change == nullptr) {
        kept.push_back(row);
        continue;
      }
      change->over = 1;
      kept.push_back(row_of(*fact).view());
    }
    page.rows = kept;
  });
}

/// The trackers know that somebody has gone, and nobody who serves is told.
Seams departure_is_not_told() {
  Seams seams;
  seams.inside = [](Network&, std::size_t, Part, Part, Envelope& envelope) {
    return envelope.id != NotifyGroup::message_id;
  };
  return seams;
}

/// The log has it, the rows do not.
Seams row_is_not_written() {
  Seams seams;
  seams.before_disk = [](Network&, std::size_t, CommitBatch& batch) {
    const std::uint8_t membership = row_keys::membership_changed({}, {}).front();
    RowRun kept;
    for (const StoredRow& row : rows_in(batch.rows))
      if (row.key.front() != membership) kept.push_back(row);
    batch.rows = kept;
    return true;
  };
  return seams;
}

}  // namespace

const std::vector<PlantedBug>& planted_bugs() {
  using enum Invariant;
  const Weather calm{.storms = false, .truncations = false, .wipes = false, .roll_backs = false};
  const Weather nobody_knows{.wipes = false, .roll_backs = false, .floors = false};
  const Weather wipes{.roll_backs = false, .floors = false};
  const Weather roll_backs{.truncations = false, .wipes = false};
  const Weather tickets{.tickets = true};
  static const std::vector<PlantedBug> bugs{
      {"reply before ack", ok_is_on_every_disk, reply_before_ack},
      {"provisional is not said", ok_is_on_every_disk, provisional_is_not_said},
      {"received counts as stored", ok_is_on_every_disk, received_counts_as_stored},
      {"reply before commit", answered_from_disk, reply_before_commit, {}, ok_is_on_every_disk},
      {"commit is not synced", answered_from_disk, commit_is_not_synced},
      {"nothing is pulled", nothing_older_than_the_floor, nothing_is_pulled},
      {"nothing is pulled, and nobody has seen it", all_become_equal, nothing_is_pulled, nobody_knows},
      {"origin is used again", sequence_is_used_once, origin_is_used_again, roll_backs},
      {"snapshot replaces", acknowledged_is_kept, snapshot_replaces},
      {"snapshot loses rows", equal_vectors_equal_digests, snapshot_loses_rows, wipes},
      {"served before caught up", acknowledged_is_seen, served_before_caught_up, wipes},
      {"merged by arrival", equal_vectors_equal_digests, merged_by_arrival},
      {"gap is skipped", equal_vectors_equal_digests, gap_is_skipped},
      {"delta is applied twice", equal_vectors_equal_digests, delta_is_applied_twice},
      {"revocation is beaten by accept", revoked_never_revives, revocation_is_beaten_by_accept},
      {"names go one way", one_winner_of_a_name, names_go_one_way},
      {"floor is ignored", nothing_older_than_the_floor, floor_is_ignored},
      {"outcome is forgotten", one_request_one_outcome, outcome_is_forgotten},
      {"row is not written", state_is_the_join, row_is_not_written, calm},
      {"tickets are kept", ticket_is_of_a_member, tickets_are_kept, tickets},
      {"ticket is for another key", ticket_is_of_a_member, ticket_is_for_another_key, tickets},
      {"ticket lasts an hour", ticket_lasts_a_minute, ticket_lasts_an_hour, tickets},
      {"epoch stands still", departure_ends_tickets, epoch_stands_still, tickets},
      {"epoch is forgotten at a start", departure_ends_tickets, epoch_is_forgotten_at_a_start, tickets},
      {"epoch is not in snapshots", equal_vectors_equal_digests, epoch_is_not_in_snapshots, wipes},
      {"departure is not told", departure_is_told, departure_is_not_told, tickets},
  };
  return bugs;
}

}  // namespace tutti::test
