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
// Deltas of each log that are kept though every tracker has them: for people to look at.
constexpr std::uint64_t log_kept = 10'000;
constexpr std::chrono::seconds truncate_every{30};
// The version that brought ReportHeard.
constexpr std::uint16_t reports_heard_version = 4;
std::vector<std::uint32_t> others_of(const ReplicatorPlace& place) {
  std::vector<std::uint32_t> others;
  for (const TrackerEntry& entry : place.trackers)
    if (entry.number != place.tracker) others.push_back(entry.number);
  return others;
}

}  // namespace

Replicator::Replicator(ReplicatorPlace place, const SyncConfig& sync)
    : place_(std::move(place)),
      sync_(sync),
      book_(others_of(place_), sync),
      trust_(place_.trackers, place_.info_path, place_.known_path, place_.known),
      catch_up_(sync) {
  for (const TrackerEntry& entry : place_.trackers)
    if (entry.number != place_.tracker) peers_[entry.number].entry = entry;
}

// --- links ------------------------------------------------------------------------------------------------------

void Replicator::start(Context& context) {
  const Opened feed = context.publish<FeedTopic>(place_.feed_endpoint, Admits::named);
  const Opened door = context.listen<RepairFollowerRole>(place_.repair_endpoint, Admits::named);
  if (!feed.fault.empty())
    context.send(place_.console, Hopeless{"cannot publish on " + place_.feed_endpoint + ": " + feed.fault});
  if (!door.fault.empty())
    context.send(place_.console,
                 Hopeless{"cannot serve trackers on " + place_.repair_endpoint + ": " + door.fault});
  feed_ = {feed.address};
  door_ = door.address;
  admit_known(context);
  for (auto& [number, peer] : peers_)
    if (!trust_.key_of(number)) ask_key(peer, context);
}

void Replicator::admit_known(Context& context) {
  const std::vector<LinkKey> keys = trust_.keys_but(place_.tracker);
  for (const Address open : {feed_.address, door_})
    if (open.value != 0) context.admit(open, keys);
}

void Replicator::ask_key(Peer& peer, Context& context) {
  if (peer.key_question.value == 0) peer.key_question = context.ask_key(peer.entry.client_endpoint());
}

void Replicator::on(const KeyTold& message, Context& context) {
  const auto asked = std::find_if(peers_.begin(), peers_.end(), [&](const auto& each) {
    return each.second.key_question == message.question;
  });
  if (asked == peers_.end()) return;
  const auto& [number, unused] = *asked;
  Peer& peer = asked->second;
  peer.key_question = {};
  switch (trust_.judge(number, message.key)) {
    case TrackerTrust::Verdict::expected: return;
    case TrackerTrust::Verdict::changed: return complain(peer, trust_.changed_sentence(number, message.key));
    case TrackerTrust::Verdict::claimed: break;
  }
  admit_known(context);
  if (linked_up_) dial(peer, context);
}

void Replicator::dial(Peer& peer, Context& context) {
  const std::uint32_t number = peer.entry.number;
  if (peer.source) context.close(peer.source.address);
  if (peer.feed) context.close(peer.feed.address);
  book_.source_is(number, false, context.now());
  catch_up_.lost(number);
  peer.source_stands = false;
  note_link(peer, context);
  give_up_join_of(peer, context);
  peer.feed = {};
  peer.source = {};
  // Subscribed before anything is pulled, so that nothing falls between the two.
  if (const std::optional<LinkKey> key = trust_.key_of(number)) {
    peer.feed = context.subscribe<FeedTopic>(peer.entry.topic_endpoint(), *key);
    peer.source = context.connect<RepairSourceRole>(peer.entry.repair_endpoint(), *key);
  } else {
    ask_key(peer, context);
  }
  peer.dialled = context.now();
  peer.feed_heard = context.now();
}

Replicator::Peer* Replicator::peer_of_feed(Address link) {
  for (auto& [number, peer] : peers_)
    if (peer.feed && peer.feed.address == link) return &peer;
  return nullptr;
}

Replicator::Peer* Replicator::peer_of_source(Address link) {
  for (auto& [number, peer] : peers_)
    if (peer.source && peer.source.address == link) return &peer;
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
    const bool alive = peer.source_stands || !peer.follower_from_before;
    catch_up_.half_linked(number, alive ? CatchUp::Sign::alive : CatchUp::Sign::from_before, context.now());
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
  if (message.listener == door_ && door_.value != 0) came_in_[message.link] = message.key;
  Peer* peer = peer_of_source(message.link);
  if (peer == nullptr) return;
  if (trust_.met(peer->entry.number, message.key)) {
    log_warning(trust_.met_sentence(peer->entry.number));
    context.send(place_.journal, RememberNeighbour{peer->entry.client_endpoint(), message.key});
  }
  peer->source_stands = true;
  peer->dialled = context.now();
  note_link(*peer, context);
  context.send(peer->source, RepairHello{tracker_tracker_version_min, tracker_tracker_version, store_,
                                         place_.tracker, held_});
}

void Replicator::on(const LinkDown& message, Context& context) {
  came_in_.erase(message.link);
  if (Peer* peer = peer_of_source(message.link)) {
    peer->source_stands = false;
    give_up_join_of(*peer, context);
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
  peer.pull_asked = {};
  peer.rows_asked = {};
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
    const bool late_page = join_.is_from(number) && join_.is_late(now);
    if (dumb_source || dumb_feed || late_page) dial(peer, context);
    if (!peer.source_stands && now - std::max(peer.dialled, peer.key_asked) > dumb_after()) {
      peer.key_asked = now;
      ask_key(peer, context);
    }
  }
}

// --- the directory ----------------------------------------------------------------------------------------------

void Replicator::on(const DirectoryHolds& message, Context& context) {
  const bool grown = held_ != message.at;
  const bool renewed = linked_up_ && store_ != message.store;
  store_ = message.store;
  held_ = message.at;
  held_heads_ = message.heads;
  digest_ = message.digest;
  book_.own_log_is(store_, position_in(held_, store_));
  book_.forked_logs_are(message.forked);
  passed_on_ = message.rejected || renewed ? held_ : merged(passed_on_, held_);
  // What was pulled of the old log may never get onto the disk.
  if (message.rejected || renewed || (pulled_ && covers(held_, *pulled_))) pulled_.reset();
  // Pages may be among what was not taken.
  if (message.rejected) give_up_join(context);
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
  go_on_joining(message.page, context);
  settle(context);
  // What was not taken now would not be taken at once: the next heartbeat is soon enough.
  if (!message.rejected) pull_if_needed(context);
  consider_service(context);
}

void Replicator::look_for_others(Context& context) {
  if (catch_up_.is_serving()) context.send(place_.directory, FellBehind{});
  catch_up_.starts(context.now());
  for (auto& [number, peer] : peers_) {
    peer.follower_from_before = true;
    dial(peer, context);
  }
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
  if (pulled_ || covers(passed_on_, message.at) || join_.is_under_way()) return;
  // Nobody may have said yet that it has this: ask everybody who is followed.
  for (auto& [number, peer] : peers_) {
    if (!book_.trackers().at(number).source_up) continue;
    if (peer.want_pulled && context.now() - *peer.want_pulled < want_pause) continue;
    peer.want_pulled = context.now();
    pull(peer, context);
  }
}

void Replicator::on(const WasAbsent&, Context& context) {
  catch_up_.was_absent(context.now());
  for (auto& [number, peer] : peers_) {
    if (!book_.trackers().at(number).source_up) continue;
    if (!catch_up_.is_to_be_asked(peer.feed_heard, context.now())) continue;
    catch_up_.asks(number);
    pull(peer, context);
  }
  context.after(CatchUp::word_patience, LookedAround{});
  consider_service(context);
}

void Replicator::on(const Gossip& message, Context& context) { context.send(feed_, message.presence); }

void Replicator::on(const ReportTaken& message, Context& context) {
  for (auto& [number, peer] : peers_)
    if (peer.follower && peer.version >= reports_heard_version) context.send(peer.follower, message.report);
}

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

void Replicator::check_invariants() const {
  book_.check_invariants();
  ENSURE(!linked_up_ || covers(passed_on_, held_));
  ENSURE(peers_.size() + 1 == place_.trackers.size());
}

}  // namespace tutti
