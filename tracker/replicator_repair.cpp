// What others did comes in, what they lack goes out, and whole states are compared.

#include <algorithm>

#include "actors/log.hpp"
#include "messages/codec.hpp"
#include "tracker/replicator.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

namespace {

// Not more often than this, or two trackers that come up together would dial for ever.
constexpr std::chrono::milliseconds dial_pause{200};
constexpr std::uint32_t pull_credit = 4;
// Not more often than this is a snapshot joined because a log has forked.
constexpr std::chrono::seconds fork_pause{5};

// The versions that brought RepairHeads, SnapshotRows and TicketSigner.
constexpr std::uint16_t heads_version = 2;
constexpr std::uint16_t rows_version = 2;
constexpr std::uint16_t signer_version = 3;
constexpr const char* copied_store =
    "its store is a copy of this tracker's: stop one of them and give it a data folder of its own";

/// Says to the directory that no more pages of the snapshot come, although it is not whole.
LearnedRows join_given_up() { return {0, {}, {}, true}; }

}  // namespace

// --- taking in --------------------------------------------------------------------------------------------------

void Replicator::on(const Delta& message, Context& context) {
  Peer* peer = peer_of_feed(context.sender());
  if (peer == nullptr || !book_.is_store(peer->entry.number, message.origin)) return;
  peer->feed_heard = context.now();
  book_.heard(peer->entry.number, context.now());
  VersionVector at;
  advance(at, message.origin, message.sequence);
  book_.holds(peer->entry.number, at);
  take({message}, context);
}

void Replicator::take(const std::vector<Delta>& deltas, Context& context) {
  Learned learned;
  for (const Delta& delta : deltas) {
    // It would not be taken, and a snapshot under way would be given up for it.
    if (book_.is_forked(delta.origin)) continue;
    const Sequence last = position_in(passed_on_, delta.origin);
    if (delta.sequence != last + Sequence{1}) continue;
    advance(passed_on_, delta.origin, delta.sequence);
    learned.deltas.push_back(delta);
  }
  if (!learned.deltas.empty()) context.send(place_.directory, learned);
  settle(context);
  pull_if_needed(context);
}

void Replicator::on(const PresenceGossip& message, Context& context) {
  Peer* peer = peer_of_feed(context.sender());
  if (peer == nullptr) return;
  peer->feed_heard = context.now();
  book_.heard(peer->entry.number, context.now());
  context.send(place_.directory, GossipHeard{message});
}

void Replicator::on(const RepairWelcome& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  if (message.number != peer->entry.number)
    return complain(*peer, "at its address answers tracker " + std::to_string(message.number) +
                               ": the tracker files differ");
  if (message.store == store_) return complain(*peer, copied_store);
  peer->version = message.version;
  const Instant now = context.now();
  book_.begins(message.number, message.store, message.at);
  book_.source_is(message.number, true, now);
  catch_up_.begins(message.number, message.at);
  note_link(*peer, context);
  peer->complaint.clear();
  peer->compared = now - dumb_after();  // if states differ, that is looked at without delay
  if (catch_up_.is_serving()) log_info("tracker " + std::to_string(message.number) + " is linked");
  context.reply(Ack{held_});
  settle(context);
  pull_if_needed(context);
  consider_service(context);
}

void Replicator::on(const RepairHeads& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  for (const LogHead& theirs : message.heads)
    if (theirs.origin == store_) book_.own_log_ends_there(peer->entry.number, theirs, own_head());
  consider_service(context);
}

void Replicator::on(const TicketSigner& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  context.send(place_.directory, SignerLearned{peer->entry.number, message.key});
}

void Replicator::on(const ReportHeard& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  context.send(place_.directory, ReportLearned{message});
}

LogHead Replicator::own_head() const {
  for (const LogHead& head : held_heads_)
    if (head.origin == store_) return head;
  return {store_, {}, {}};
}

void Replicator::on(const RepairUnwelcome& message, Context& context) {
  if (Peer* peer = peer_of_source(context.sender()))
    complain(*peer, "it does not let us follow it: " + message.sentence);
}

void Replicator::pull_if_needed(Context& context) {
  if (!linked_up_) return;
  if (join_.is_under_way()) return;
  if (pulled_) return;  // the disk first
  const std::optional<std::uint32_t> number = book_.pull_from(passed_on_, context.now());
  if (!number) return join_fork_if_needed(context);
  Peer& peer = peers_.at(*number);
  if (count_missing(passed_on_, book_.trackers().at(*number).at) > snapshot_from) {
    ask_snapshot(peer, {}, context);
  } else {
    pull(peer, context);
  }
}

void Replicator::join_fork_if_needed(Context& context) {
  const std::optional<std::uint32_t> number = book_.fork_joined_from(held_);
  if (!number) return;
  Peer& peer = peers_.at(*number);
  if (peer.fork_joined && context.now() - *peer.fork_joined < fork_pause) return;
  peer.fork_joined = context.now();
  ask_snapshot(peer, {}, context);
}

void Replicator::pull(Peer& peer, Context& context) {
  peer.credit_left = pull_credit;
  book_.pull_sent(peer.entry.number, context.now());
  context.send(peer.source, Pull{book_.with_forked_of(peer.entry.number, passed_on_), pull_credit});
}

void Replicator::on(const Ops& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  const Instant now = context.now();
  book_.heard(peer->entry.number, now);
  book_.pull_goes_on(now);
  const bool was_asked_for = peer->credit_left > 0;
  if (was_asked_for) --peer->credit_left;
  if (message.last) {
    peer->credit_left = 0;
    book_.pull_ended();
    catch_up_.answered(peer->entry.number);
  }
  const VersionVector before = passed_on_;
  // Set before it is passed on: what follows from that must not pull more.
  if (!message.last && was_asked_for && peer->credit_left == 0) {
    book_.pull_ended();
    pulled_ = passed_on_;
  }
  take(message.deltas, context);
  if (pulled_) pulled_ = passed_on_;
  if (pulled_ && covers(held_, *pulled_)) pulled_.reset();
  // A delta that was sent again may be on disk already: its acknowledgement was lost then.
  if (passed_on_ == before) context.reply(Ack{held_});
  consider_service(context);
}

void Replicator::on(const LogTruncated&, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  catch_up_.answered(peer->entry.number);
  ask_snapshot(*peer, {}, context);
}

void Replicator::ask_snapshot(Peer& peer, Bytes buckets, Context& context) {
  if (join_.is_under_way()) return;
  if (peer.version < rows_version)
    return complain(peer,
                    "it runs an older version of tutti, whose snapshots are not joined any more: update it");
  log_info("joining the state of tracker " + std::to_string(peer.entry.number));
  book_.pull_sent(peer.entry.number, context.now());
  context.send(peer.source, join_.begin(peer.entry.number, std::move(buckets), context.now()));
}

void Replicator::give_up_join(Context& context) {
  if (!join_.is_under_way()) return;
  join_.give_up();
  book_.pull_ended();
  context.send(place_.directory, join_given_up());
}

void Replicator::give_up_join_of(const Peer& peer, Context& context) {
  if (join_.is_from(peer.entry.number)) give_up_join(context);
}

void Replicator::on(const SnapshotRows& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  const Instant now = context.now();
  book_.heard(peer->entry.number, now);
  const std::optional<LearnedRows> learned = join_.take(peer->entry.number, message, now);
  if (!learned) return;
  book_.pull_goes_on(now);
  context.send(place_.directory, *learned);
  if (!learned->last) return;
  book_.pull_ended();
  for (const LogHead& head : learned->heads) advance(passed_on_, head.origin, head.sequence);
  pull_if_needed(context);
}

void Replicator::go_on_joining(std::uint64_t page, Context& context) {
  if (join_.is_progress(page)) catch_up_.progressed(context.now());
  const std::optional<MoreRows> room = join_.room(context.now());
  if (!room) return;
  for (const auto& [number, peer] : peers_)
    if (join_.is_from(number)) context.send(peer.source, *room);
}

// --- giving out -------------------------------------------------------------------------------------------------

void Replicator::on(const RepairHello& message, Context& context) {
  const auto peer = peers_.find(message.number);
  const auto proven = came_in_.find(context.sender());
  if (peer != peers_.end() && (proven == came_in_.end() || proven->second != trust_.key_of(message.number))) {
    // Not hung up on: it would be back at once.
    const std::string sentence = "the key of tracker " + std::to_string(message.number) +
                                 " is another one: the tracker files differ, or it has lost its data";
    complain(peer->second, sentence);
    return context.answer(context.sender(),
                          RepairUnwelcome{tracker_tracker_version_min, tracker_tracker_version, sentence});
  }
  if (!linked_up_ && peer != peers_.end()) {
    peer->second.early = {context.sender(), message};
  } else {
    welcome(context.sender(), message, context);
  }
}

void Replicator::welcome(Address follower, const RepairHello& hello, Context& context) {
  const auto refuse = [&](const std::string& sentence) {
    context.answer(follower, RepairUnwelcome{tracker_tracker_version_min, tracker_tracker_version, sentence});
  };
  const auto found = peers_.find(hello.number);
  if (found == peers_.end())
    return refuse("tracker " + std::to_string(hello.number) + " is not another one of tracker " +
                  std::to_string(place_.tracker) + "'s file: the tracker files differ");
  if (hello.version_min > tracker_tracker_version || hello.version_max < tracker_tracker_version_min)
    return refuse("tracker " + std::to_string(place_.tracker) + " speaks another version");
  Peer& peer = found->second;
  if (hello.store == store_) {
    complain(peer, copied_store);
    return refuse("your store is a copy of tracker " + std::to_string(place_.tracker) + "'s");
  }
  const Instant now = context.now();
  // What the conversation before asked for is no answer in this one: a page would be taken for another page.
  forget_asks(peer);
  peer.follower = {follower};
  peer.follower_from_before = false;
  book_.begins(hello.number, hello.store, hello.at);
  book_.follower_is(hello.number, true, now);
  peer.version = std::min(hello.version_max, tracker_tracker_version);
  context.answer(follower,
                 RepairWelcome{peer.version, store_, place_.tracker, held_, !catch_up_.is_serving()});
  if (peer.version >= heads_version) context.answer(follower, RepairHeads{held_heads_});
  if (peer.version >= signer_version) context.answer(follower, TicketSigner{place_.signer});
  if (!book_.trackers().at(hello.number).source_up && now - peer.dialled > dial_pause) dial(peer, context);
  catch_up_.begins(hello.number, hello.at);
  note_link(peer, context);
  settle(context);
  pull_if_needed(context);
  consider_service(context);
}

void Replicator::on(const Ack& message, Context& context) {
  Peer* peer = peer_of_follower(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  book_.holds(peer->entry.number, message.at);
  settle(context);
  pull_if_needed(context);
  consider_service(context);
}

void Replicator::on(const Pull& message, Context& context) {
  Peer* peer = peer_of_follower(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  if (peer->pull_asked.pulled(message)) read_log(*peer, context);
}

void Replicator::read_log(Peer& peer, Context& context) {
  context.send(place_.journal, peer.pull_asked.read({++last_ticket_}, held_));
}

void Replicator::on(const LogRead& message, Context& context) {
  for (auto& [number, peer] : peers_) {
    const auto given = peer.pull_asked.given(message, held_);
    if (!given || !peer.follower) continue;
    const Ref<RepairFollowerRole> follower = peer.follower;  // clang lets no lambda capture `peer`
    std::visit([&](const auto& what) { context.send(follower, what); }, given->what);
    if (given->goes_on) read_log(peer, context);
  }
}

void Replicator::on(const AskRows& message, Context& context) {
  Peer* peer = peer_of_follower(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  if (peer->rows_asked.asked(message)) read_rows(*peer, context);
}

void Replicator::on(const MoreRows& message, Context& context) {
  Peer* peer = peer_of_follower(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  if (peer->rows_asked.asked(message)) read_rows(*peer, context);
}

void Replicator::read_rows(Peer& peer, Context& context) {
  context.send(place_.journal, peer.rows_asked.read({++last_ticket_}));
}

void Replicator::on(const RowsRead& message, Context& context) {
  for (auto& [number, peer] : peers_) {
    const auto given = peer.rows_asked.given(message);
    if (!given || !peer.follower) continue;
    context.send(peer.follower, given->rows);
    if (given->goes_on) read_rows(peer, context);
  }
}

// --- comparing whole states -------------------------------------------------------------------------------------

void Replicator::compare_states(Context& context) {
  for (auto& [number, peer] : peers_) {
    if (!book_.trackers().at(number).source_up || context.now() - peer.compared < sync_.compare_every)
      continue;
    peer.compared = context.now();
    context.send(peer.source, AskBuckets{});
  }
}

void Replicator::on(const AskBuckets&, Context& context) {
  Peer* peer = peer_of_follower(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  peer->wants_buckets = true;
  context.send(place_.directory, AskOwnBuckets{});
}

void Replicator::on(const Buckets& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  peer->buckets = message;
  context.send(place_.directory, AskOwnBuckets{});
}

void Replicator::on(const OwnBuckets& message, Context& context) {
  for (auto& [number, peer] : peers_) {
    if (peer.wants_buckets && peer.follower)
      context.send(peer.follower, Buckets{message.at, message.digests});
    peer.wants_buckets = false;
    if (!peer.buckets) continue;
    const Buckets theirs = std::move(*peer.buckets);
    peer.buckets.reset();
    if (theirs.at != message.at) continue;  // states of different moments say nothing
    Bytes different;
    for (std::size_t i = 0; i < state_buckets; ++i)
      if (theirs.digests[i] != message.digests[i]) different.push_back(static_cast<std::uint8_t>(i));
    if (different.empty()) continue;
    complain(peer, "the same operations gave another state than here, in " +
                       std::to_string(different.size()) +
                       " of 256 buckets: a bug, or a bad disk. Joining what it has");
    ask_snapshot(peer, std::move(different), context);
  }
}

}  // namespace tutti
