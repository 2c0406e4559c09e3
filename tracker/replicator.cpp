#include "tracker/replicator.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "messages/codec.hpp"
#include "messages/codec_impl.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

template struct Codec<HeartbeatDue>;
template struct Codec<WaitCheck>;
template struct Codec<LookedAround>;

namespace {

constexpr std::chrono::milliseconds wait_check{10};
// A link without a sensible word for so long, or so many heartbeats, is dialled anew.
constexpr std::chrono::seconds dumb_after_min{2};
constexpr int dumb_after_heartbeats = 4;
// Not more often than this is one tracker asked for what clients say they have seen.
constexpr std::chrono::milliseconds want_pause{60};
// Not more often than this, or two trackers that come up together would dial for ever.
constexpr std::chrono::milliseconds dial_pause{200};
constexpr std::uint32_t pull_credit = 4;
// Whoever lacks more than this gets a snapshot: rows are fewer than the deltas that made them.
constexpr std::uint64_t snapshot_from = 20'000;
// Deltas of each log that are kept though every tracker has them: for people to look at.
constexpr std::uint64_t log_kept = 10'000;
constexpr std::chrono::seconds truncate_every{30};
// Not more often than this is a snapshot joined because a log has forked.
constexpr std::chrono::seconds fork_pause{5};

// A snapshot of which no page comes for so long is given up.
constexpr std::chrono::seconds join_patience{5};
constexpr const char* copied_store =
    "its store is a copy of this tracker's: stop one of them and give it a data folder of its own";

/// Says to the directory that no more pages of the snapshot come, although it is not whole.
LearnedFacts join_given_up() { return {{}, {}, true}; }

std::vector<std::uint32_t> others_of(const ReplicatorPlace& place) {
  std::vector<std::uint32_t> others;
  for (const TrackerEntry& entry : place.trackers)
    if (entry.number != place.tracker) others.push_back(entry.number);
  return others;
}

}  // namespace

Replicator::Replicator(ReplicatorPlace place, const SyncConfig& sync)
    : place_(std::move(place)), sync_(sync), book_(others_of(place_), sync), catch_up_(sync) {
  for (const TrackerEntry& entry : place_.trackers)
    if (entry.number != place_.tracker) peers_[entry.number].entry = entry;
}

// --- links ------------------------------------------------------------------------------------------------------

void Replicator::start(Context& context) {
  const Opened feed = context.publish<FeedTopic>(place_.feed_endpoint);
  const Opened door = context.listen<RepairFollowerRole>(place_.repair_endpoint);
  if (!feed.fault.empty())
    context.send(place_.console, Hopeless{"cannot publish on " + place_.feed_endpoint + ": " + feed.fault});
  if (!door.fault.empty())
    context.send(place_.console,
                 Hopeless{"cannot serve trackers on " + place_.repair_endpoint + ": " + door.fault});
  feed_ = {feed.address};
  door_ = door.address;
}

void Replicator::dial(Peer& peer, Context& context) {
  const std::uint32_t number = peer.entry.number;
  if (peer.source) context.close(peer.source.address);
  if (peer.feed) context.close(peer.feed.address);
  book_.source_is(number, false, context.now());
  catch_up_.lost(number);
  peer.source_stands = false;
  note_link(peer, context);
  give_up_join(peer, context);
  // Subscribed before anything is pulled, so that nothing falls between the two.
  peer.feed = context.subscribe<FeedTopic>(peer.entry.topic_endpoint());
  peer.source = context.connect<RepairSourceRole>(peer.entry.repair_endpoint());
  peer.dialled = context.now();
  peer.feed_heard = context.now();
}

Replicator::Peer* Replicator::peer_of_feed(Address link) {
  for (auto& [number, peer] : peers_)
    if (peer.feed.address == link) return &peer;
  return nullptr;
}

Replicator::Peer* Replicator::peer_of_source(Address link) {
  for (auto& [number, peer] : peers_)
    if (peer.source.address == link) return &peer;
  return nullptr;
}

Replicator::Peer* Replicator::peer_of_follower(Address link) {
  for (auto& [number, peer] : peers_)
    if (peer.follower && peer.follower.address == link) return &peer;
  return nullptr;
}

void Replicator::note_link(const Peer& peer, Context& context) {
  const std::uint32_t number = peer.entry.number;
  const TrackerSeen& seen = book_.trackers().at(number);
  const bool both = seen.source_up && seen.follower_up;
  if (!both && (peer.source_stands || seen.follower_up)) {
    catch_up_.half_linked(number, context.now());
  } else {
    catch_up_.not_linked(number);
  }
}

void Replicator::complain(Peer& peer, const std::string& sentence) {
  if (peer.complaint == sentence) return;
  peer.complaint = sentence;
  log_error("tracker " + std::to_string(peer.entry.number) + ": " + sentence);
}

void Replicator::on(const LinkUp& message, Context& context) {
  Peer* peer = peer_of_source(message.link);
  if (peer == nullptr) return;
  peer->source_stands = true;
  peer->dialled = context.now();
  note_link(*peer, context);
  context.send(peer->source,
               RepairHello{tracker_tracker_version, tracker_tracker_version, store_, place_.tracker, held_});
}

void Replicator::on(const LinkDown& message, Context& context) {
  if (Peer* peer = peer_of_source(message.link)) {
    peer->source_stands = false;
    give_up_join(*peer, context);
    peer->dialled = context.now();
    book_.source_is(peer->entry.number, false, context.now());
    catch_up_.lost(peer->entry.number);
    note_link(*peer, context);
    if (catch_up_.is_serving()) log_info("tracker " + std::to_string(peer->entry.number) + " is cut off");
    settle(context);
    pull_if_needed(context);
    consider_service(context);
  } else if (Peer* follower = peer_of_follower(message.link)) {
    forget_asks(*follower);
    book_.follower_is(follower->entry.number, false, context.now());
    note_link(*follower, context);
    settle(context);
  }
}

void Replicator::forget_asks(Peer& peer) {
  peer.follower = {};
  peer.pull_credit = 0;
  peer.reading = {};
  peer.reading_rows = {};
  peer.wants_buckets = false;
}

Duration Replicator::dumb_after() const {
  return std::max<Duration>(dumb_after_min, dumb_after_heartbeats * sync_.heartbeat);
}

void Replicator::watch_links(Context& context) {
  const Instant now = context.now();
  for (auto& [number, peer] : peers_) {
    const TrackerSeen& seen = book_.trackers().at(number);
    const bool dumb_source = peer.source_stands && !seen.source_up && now - peer.dialled > dumb_after();
    const bool dumb_feed = seen.source_up && now - peer.feed_heard > dumb_after();
    // Over a link of its own, since a page that is only late would be taken for one of the next snapshot.
    const bool late_page = peer.joining && !peer.next_page && now - peer.joining_since > join_patience;
    if (dumb_source || dumb_feed || late_page) dial(peer, context);
  }
}

// --- the directory ----------------------------------------------------------------------------------------------

void Replicator::on(const DirectoryHolds& message, Context& context) {
  const bool grown = held_ != message.at;
  const bool renewed = linked_up_ && store_ != message.store;
  store_ = message.store;
  held_ = message.at;
  digest_ = message.digest;
  book_.own_log_is(store_, position_in(held_, store_));
  book_.forked_logs_are(message.forked);
  passed_on_ = message.rejected || renewed ? held_ : merged(passed_on_, held_);
  // What was pulled of the old log may never get onto the disk.
  if (message.rejected || renewed || (pulled_ && covers(held_, *pulled_))) pulled_.reset();
  if (message.rejected) {
    // Pages may be among what was not taken. The one under way still comes; it is the last, and not passed on.
    for (auto& [number, peer] : peers_) {
      if (!peer.joining || peer.join_spoilt) continue;
      peer.join_spoilt = true;
      peer.joining = !peer.next_page;
      if (!peer.joining) book_.pull_ended();
      context.send(place_.directory, join_given_up());
    }
  }
  if (!linked_up_) {
    linked_up_ = true;
    look_for_others(context);
    for (auto& [number, peer] : peers_) {
      if (peer.early) welcome(peer.early->first, peer.early->second, context);
      peer.early.reset();
    }
    context.after(Duration::zero(), HeartbeatDue{});
  } else if (renewed) {
    log_warning("the own log goes on as that of store " + store_.hex() +
                ": what only this tracker had of the old one is said again");
    warned_of_own_ = false;
    book_.own_log_is_renewed();
    look_for_others(context);
  }
  if (grown) {
    for (auto& [number, peer] : peers_)
      if (book_.trackers().at(number).source_up) context.send(peer.source, Ack{held_});
  }
  go_on_joining(context);
  settle(context);
  // What was not taken now would not be taken at once: the next heartbeat is soon enough.
  if (!message.rejected) pull_if_needed(context);
  consider_service(context);
}

void Replicator::look_for_others(Context& context) {
  if (catch_up_.is_serving()) context.send(place_.directory, FellBehind{});
  catch_up_.starts(context.now());
  for (auto& [number, peer] : peers_) dial(peer, context);
  context.after(sync_.look_around, LookedAround{});
}

void Replicator::on(const Spread& message, Context& context) {
  for (const Delta& delta : message.deltas) {
    book_.published(delta, context.now());
    if (encode(delta).size() <= delta_published_max.value) {
      context.send(feed_, delta);
    } else {
      for (auto& [number, peer] : peers_)
        if (peer.follower) context.send(peer.follower, Ops{{delta}, false});
    }
  }
}

void Replicator::on(const AwaitReached& message, Context& context) {
  book_.await(message.ticket, message.at, message.both_ways, context.now());
  settle(context);
}

void Replicator::settle(Context& context) {
  for (const Reached& reached : book_.settled(held_, context.now())) context.send(place_.directory, reached);
  if (checking_waits_ || !book_.is_waiting()) return;
  checking_waits_ = true;
  context.after(wait_check, WaitCheck{});
}

void Replicator::on(const WaitCheck&, Context& context) {
  checking_waits_ = false;
  for (SyncBook::Resend& resend : book_.resends(context.now()))
    context.send(peers_.at(resend.number).follower, Ops{std::move(resend.deltas), false});
  settle(context);
}

void Replicator::on(const Want& message, Context& context) {
  // Anybody may write anything into a floor: it must not hold up what is on its way already.
  if (pulled_ || covers(passed_on_, message.at) || is_joining()) return;
  // Nobody may have said yet that it has this: ask everybody who is followed.
  for (auto& [number, peer] : peers_) {
    if (!book_.trackers().at(number).source_up) continue;
    if (peer.want_pulled && context.now() - *peer.want_pulled < want_pause) continue;
    peer.want_pulled = context.now();
    pull(peer, context);
  }
}

void Replicator::on(const Gossip& message, Context& context) { context.send(feed_, message.presence); }

void Replicator::on(const LookedAround&, Context& context) { consider_service(context); }

void Replicator::consider_service(Context& context) {
  switch (catch_up_.choose(book_, held_, context.now())) {
    case CatchUp::Choice::go_on: return;
    case CatchUp::Choice::pause: return context.send(place_.directory, FellBehind{});
    case CatchUp::Choice::renew:
      if (!warned_of_own_)
        log_error(
            "other trackers have later changes of this store than it has itself: an older copy of it was put "
            "back. They cannot be had or contradict what was done here meanwhile");
      warned_of_own_ = true;
      return context.send(place_.directory, RenewStore{});
    case CatchUp::Choice::serve_behind:
      log_warning("serving without having caught up with the other trackers: they do not answer");
      break;
    case CatchUp::Choice::serve: break;
  }
  context.send(place_.directory, CaughtUp{});
}

// --- heartbeats -------------------------------------------------------------------------------------------------

void Replicator::on(const HeartbeatDue&, Context& context) {
  context.after(sync_.heartbeat, HeartbeatDue{});
  if (catch_up_.was_away(context.now())) {
    log_warning("this tracker was kept from running: asking the others what has happened meanwhile");
    look_for_others(context);
  }
  context.send(feed_, Heartbeat{store_, place_.tracker, ++heartbeats_, held_, digest_});
  watch_links(context);
  pull_if_needed(context);
  settle(context);
  consider_service(context);
  compare_states(context);
  truncate_log(context);
  tell_directory_of_trackers(context);
}

void Replicator::truncate_log(Context& context) {
  if (context.now() - truncated_ < truncate_every) return;
  truncated_ = context.now();
  // Who lacks more than snapshot_from is given a snapshot in any case.
  const VersionVector upto = book_.droppable(held_, log_kept, 2 * snapshot_from);
  if (!upto.positions.empty()) context.send(place_.journal, TruncateLog{upto});
}

void Replicator::on(const Heartbeat& message, Context& context) {
  Peer* peer = peer_of_feed(context.sender());
  if (peer == nullptr || message.number != peer->entry.number) return;
  // What lay waiting since before it got another store says nothing about this one.
  if (!book_.is_store(message.number, message.origin)) return;
  const Instant now = context.now();
  peer->feed_heard = now;
  book_.heard(message.number, now);
  book_.holds(message.number, message.at);
  const bool differs = message.at == held_ && message.digest != digest_;
  if (differs && !message.digest.is_zero() && !digest_.is_zero() && now - peer->compared > dumb_after()) {
    complain(*peer, "the same operations gave another state than here: comparing both");
    peer->compared = now;
    context.send(peer->source, AskBuckets{});
  }
  settle(context);
  pull_if_needed(context);
  consider_service(context);
}

void Replicator::tell_directory_of_trackers(Context& context) {
  TrackersSeen seen;
  for (const TrackerEntry& entry : place_.trackers) {
    if (entry.number == place_.tracker) {
      const TrackerRow self{entry.number, entry.client_endpoint(), TrackerHealth::self, 0, {}};
      seen.trackers.push_back({self, TrackerTie::live, true, {}});
    } else {
      seen.trackers.push_back(view_of(peers_.at(entry.number), context.now()));
    }
  }
  seen.reachable = book_.reachable(context.now());
  context.send(place_.directory, seen);
}

TrackerView Replicator::view_of(const Peer& peer, Instant now) const {
  const std::uint32_t number = peer.entry.number;
  const TrackerSeen& tracker = book_.trackers().at(number);
  const auto in_ms = [](Duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
  };
  TrackerView view;
  view.row = {number, peer.entry.client_endpoint(), TrackerHealth::unreachable, 0, {}};
  view.row.operations_behind = count_missing(tracker.at, held_) + count_missing(held_, tracker.at);
  if (tracker.heard_ever) view.row.last_heard = in_ms(now - tracker.heard);
  // The door notices late that somebody has gone: without a word from there, its link says nothing.
  const bool is_heard = tracker.heard_ever && now - tracker.heard < sync_.hung_after;
  if (is_heard && tracker.source_up != tracker.follower_up) view.tie = TrackerTie::half_linked;
  if (tracker.source_up && tracker.follower_up) view.tie = TrackerTie::hung;
  if (book_.is_live(number, now)) {
    view.row.health = view.row.operations_behind == 0 ? TrackerHealth::in_sync : TrackerHealth::behind;
    view.tie = TrackerTie::live;
  }
  view.heard_ever = tracker.heard_ever;
  view.lag = in_ms(book_.lag_of(number, now));
  return view;
}

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

void Replicator::on(const RepairUnwelcome& message, Context& context) {
  if (Peer* peer = peer_of_source(context.sender()))
    complain(*peer, "it does not let us follow it: " + message.sentence);
}

bool Replicator::is_joining() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const auto& each) { return each.second.joining; });
}

void Replicator::pull_if_needed(Context& context) {
  if (!linked_up_) return;
  if (is_joining()) return;
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
}

void Replicator::on(const LogTruncated&, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr || peer->joining) return;
  book_.heard(peer->entry.number, context.now());
  ask_snapshot(*peer, {}, context);
}

void Replicator::ask_snapshot(Peer& peer, Bytes buckets, Context& context) {
  if (peer.joining) return;
  log_info("joining the state of tracker " + std::to_string(peer.entry.number));
  peer.joining = true;
  peer.join_spoilt = false;
  peer.joining_since = context.now();
  peer.joining_buckets = std::move(buckets);
  peer.joining_heads.clear();
  peer.next_page.reset();
  book_.pull_sent(peer.entry.number, context.now());
  context.send(peer.source, AskSnapshot{peer.joining_buckets, {}});
}

void Replicator::give_up_join(Peer& peer, Context& context) {
  if (!peer.joining) return;
  peer.joining = false;
  book_.pull_ended();
  context.send(place_.directory, join_given_up());
}

void Replicator::on(const SnapshotChunk& message, Context& context) {
  Peer* peer = peer_of_source(context.sender());
  if (peer == nullptr || !peer->joining) return;
  const Instant now = context.now();
  book_.heard(peer->entry.number, now);
  if (peer->join_spoilt) {
    peer->joining = false;
    book_.pull_ended();
    return;  // what is missing is looked for again at the next heartbeat
  }
  book_.pull_goes_on(now);
  peer->joining_since = now;
  // The rows of later pages may be of later operations than the first page's heads: those are the ones that are whole.
  if (peer->joining_heads.empty()) peer->joining_heads = message.heads;
  LearnedFacts learned{message.facts, {}, message.last};
  if (message.last && peer->joining_buckets.empty()) learned.heads = peer->joining_heads;
  if (!message.last) {
    peer->next_page = message.next;
    return context.send(place_.directory, learned);
  }
  context.send(place_.directory, learned);
  peer->joining = false;
  book_.pull_ended();
  for (const LogHead& head : learned.heads) advance(passed_on_, head.origin, head.sequence);
  pull_if_needed(context);
}

void Replicator::go_on_joining(Context& context) {
  for (auto& [number, peer] : peers_) {
    if (!peer.joining || !peer.next_page) continue;
    const Bytes after = std::move(*peer.next_page);
    peer.next_page.reset();
    peer.joining_since = context.now();
    catch_up_.progressed(context.now());
    context.send(peer.source, AskSnapshot{peer.joining_buckets, after});
  }
}

// --- giving out -------------------------------------------------------------------------------------------------

void Replicator::on(const RepairHello& message, Context& context) {
  const auto peer = peers_.find(message.number);
  if (!linked_up_ && peer != peers_.end()) {
    peer->second.early = {context.sender(), message};
  } else {
    welcome(context.sender(), message, context);
  }
}

void Replicator::welcome(Address follower, const RepairHello& hello, Context& context) {
  const auto refuse = [&](const std::string& sentence) {
    context.answer(follower, RepairUnwelcome{tracker_tracker_version, tracker_tracker_version, sentence});
  };
  const auto found = peers_.find(hello.number);
  if (found == peers_.end())
    return refuse("tracker " + std::to_string(hello.number) + " is not another one of tracker " +
                  std::to_string(place_.tracker) + "'s file: the tracker files differ");
  if (hello.version_min > tracker_tracker_version || hello.version_max < tracker_tracker_version)
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
  book_.begins(hello.number, hello.store, hello.at);
  book_.follower_is(hello.number, true, now);
  context.answer(follower, RepairWelcome{tracker_tracker_version, store_, place_.tracker, held_,
                                         !catch_up_.is_serving()});
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
  peer->pull_credit = message.credit;
  // What is being read is what it asks for, unless it lost some of what it had: a read that is thrown away is a second
  // one, and whoever asks faster than the disk reads would get nothing.
  if (peer->reading.value != 0 && covers(message.have, peer->pull_have)) return;
  peer->pull_have = message.have;
  serve_pull(*peer, context);
}

void Replicator::serve_pull(Peer& peer, Context& context) {
  peer.reading = {++last_ticket_};
  context.send(place_.journal, ReadLog{peer.reading, peer.pull_have, held_});
}

void Replicator::on(const LogRead& message, Context& context) {
  for (auto& [number, peer] : peers_) {
    if (peer.reading != message.ticket) continue;
    peer.reading = {};
    if (!peer.follower || peer.pull_credit == 0) return;
    if (message.truncated && message.deltas.empty()) {
      peer.pull_credit = 0;
      context.send(peer.follower, LogTruncated{held_});
      return;
    }
    const bool last = covers(message.have, held_);
    peer.pull_have = message.have;
    peer.pull_credit = last ? 0 : peer.pull_credit - 1;
    context.send(peer.follower, Ops{message.deltas, last});
    if (peer.pull_credit > 0) serve_pull(peer, context);
    return;
  }
}

void Replicator::on(const AskSnapshot& message, Context& context) {
  Peer* peer = peer_of_follower(context.sender());
  if (peer == nullptr) return;
  book_.heard(peer->entry.number, context.now());
  peer->reading_rows = {++last_ticket_};
  context.send(place_.journal, ReadRows{peer->reading_rows, message.buckets, message.after});
}

void Replicator::on(const RowsRead& message, Context& context) {
  for (auto& [number, peer] : peers_)
    if (peer.reading_rows == message.ticket && peer.follower)
      context.send(peer.follower, SnapshotChunk{message.heads, message.facts, message.next, message.last});
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

void Replicator::check_invariants() const {
  book_.check_invariants();
  ENSURE(!linked_up_ || covers(passed_on_, held_));
  ENSURE(peers_.size() + 1 == place_.trackers.size());
}

}  // namespace tutti
