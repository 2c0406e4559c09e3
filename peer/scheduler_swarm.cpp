// The scheduler's part that deals with peers: who is asked for which piece.

#include <fmt/format.h>

#include <algorithm>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/fetcher.hpp"
#include "peer/part_of.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/scheduler.hpp"

namespace tutti {

namespace {

// Who opens a file that we fetch: more than so many change nothing.
constexpr std::size_t wanted_by_max = 64;

}  // namespace

// --- who shares it --------------------------------------------------------------------------------------------

void Scheduler::ask_sharers(Download& download, Context& context) {
  if (download.asking_sharers) return;
  download.asking_sharers = true;
  ask(
      FindSharers{download.record.gid, download.record.fid},
      [this, id = download.record.id](const Told& told, Context& at) {
        Download* now = find(id);
        if (now == nullptr) return;
        now->asking_sharers = false;
        if (!now->runs() || !now->picker) return;
        now->searched = true;
        now->sharers_pause =
            std::clamp(2 * now->sharers_pause, options_.sharers_first, options_.sharers_every);
        ask_sharers_later(*now, now->sharers_pause, at);
        if (const auto* refused = told.what.get<Refused>()) {
          now->sharers_known = false;
          if (refused->code == Code::no_such_group || refused->code == Code::not_a_member)
            fail(*now, refused->code, refused->sentence, at);
          return;
        }
        if (const auto* sharers = told.what.get<Sharers>()) {
          now->sharers = sharers->sharers;
          now->sharers_known = true;
          if (!now->shared_apart) now->shared_apart = shares_apart(now->sharers, true);
          if (!now->picker->complete()) use_sharers(*now, at);
        }
      },
      context);
}

void Scheduler::ask_sharers_later(Download& download, Duration delay, Context& context) {
  download.ask_sharers_at = context.now() + delay;
  context.after(delay, SharersDue{download.record.id});
}

void Scheduler::on(const SharersDue& due, Context& context) {
  Download* download = find(due.download);
  if (download != nullptr && download->picker && !download->picker->complete() &&
      context.now() >= download->ask_sharers_at)
    ask_sharers(*download, context);
}

/// Whoever opens a file here fetches it, and has soon something to give.
void Scheduler::on(const FileWanted& wanted, Context& context) {
  for (auto& [id, download] : downloads_) {
    if (download.record.gid != wanted.gid || download.record.fid != wanted.fid || !download.picker ||
        download.picker->complete())
      continue;
    if (download.wanted_by.size() < wanted_by_max && download.wanted_by.insert(wanted.client).second)
      download.fellows.is_stale = true;
    look_for_fetcher(download, wanted.client, context);
  }
}

/// Somebody fetches the file beside us: the trackers are to say soon where it is.
void Scheduler::look_for_fetcher(Download& download, const ClientKey& client, Context& context) {
  const auto key = peer_keys_.find(client);
  const bool known = key != peer_keys_.end() && source_with_lane(key->second, download.record.id) != nullptr;
  if (known || download.asking_sharers || download.ask_sharers_at <= context.now() + options_.sharers_first)
    return;
  download.sharers_pause = options_.sharers_first;
  ask_sharers_later(download, options_.sharers_first, context);
}

// --- tickets ----------------------------------------------------------------------------------------------------

/// Asks for a ticket of a group in which something is fetched, if it is time.
void Scheduler::keep_ticket(const Gid& gid, Context& context) {
  if (!tickets_.to_be_asked(gid, context.now())) return;
  tickets_.asked(gid, context.now());
  ask(
      AskTicket{gid},
      [this, gid, session = session_](const Told& told, Context& at) {
        if (session != session_) return;
        const auto* given = told.what.get<TicketGiven>();
        if (given == nullptr || given->ticket.gid != gid) {
          tickets_.not_given(gid, at.now());
        } else {
          tickets_.given(given->ticket, at.now());
          for (const auto& [address, source] : sources_)
            if (std::any_of(source.lanes.begin(), source.lanes.end(),
                            [&](DownloadId id) { return downloads_.at(id).record.gid == gid; }))
              at.send(source.fetcher, HoldTicket{given->ticket});
        }
        look_at_ticket(gid, at);
      },
      context);
}

/// Sees to it that the ticket is renewed in time, or at once if it is late.
void Scheduler::look_at_ticket(const Gid& gid, Context& context) {
  if (!fetches_in(gid)) return tickets_.forget(gid);
  if (tickets_.to_be_asked(gid, context.now())) return keep_ticket(gid, context);
  const Instant due = tickets_.due(gid);
  if (due > context.now()) context.after(due - context.now(), TicketDue{gid});
}

bool Scheduler::fetches_in(const Gid& gid) const {
  return std::any_of(downloads_.begin(), downloads_.end(), [&](const auto& each) {
    return each.second.record.gid == gid && each.second.picker && !each.second.picker->complete();
  });
}

/// One that has been renewed since has a timer of its own.
void Scheduler::on(const TicketDue& due, Context& context) {
  if (!fetches_in(due.gid)) return tickets_.forget(due.gid);
  keep_ticket(due.gid, context);
}

void Scheduler::on(const TicketRefused& refused, Context& context) {
  if (!fetches_in(refused.gid)) return;
  tickets_.not_taken(refused.gid, context.now());
  look_at_ticket(refused.gid, context);
}

void Scheduler::on(const GroupChanged& changed, Context& context) {
  tickets_.rose(changed.gid, changed.epoch, context.now());
  if (changed.member && fetches_in(changed.gid)) look_at_ticket(changed.gid, context);
}

// --- lanes ------------------------------------------------------------------------------------------------------

void Scheduler::use_sharers(Download& download, Context& context) {
  keep_ticket(download.record.gid, context);
  const DownloadId id = download.record.id;
  leave_absent(download, context);
  std::vector<Sharer> sharers = download.sharers;
  for (const auto& [address, source] : sources_)
    if (source.visitor) sharers.push_back(*source.visitor);
  std::erase_if(sharers, [&](const Sharer& sharer) {
    return sharer.client == options_.self || banned_.contains(sharer.client);
  });
  // More than are of use: others are tried another time.
  if (sharers.size() > options_.peers_max) context.random().shuffle(sharers);
  auto lanes = static_cast<std::size_t>(std::count_if(
      sources_.begin(), sources_.end(), [&](const auto& each) { return each.second.lanes.contains(id); }));
  for (const Sharer& sharer : sharers) {
    const bool known = source_with_lane(key_of(sharer.client), id) != nullptr;
    if (known) {
      open_lane(download, sharer, context);
      continue;
    }
    if (lanes >= options_.peers_max) {
      if (!leave_unreachable(download, context)) continue;
      --lanes;
    }
    if (open_lane(download, sharer, context)) ++lanes;
  }
}

bool Scheduler::unreachable(const Source& source, Instant now) const {
  return !source.ready && now - source.unready_since >= options_.unreachable_after;
}

/// True if a peer that is there does not say what it has of the file.
bool Scheduler::leaves_unanswered(const Source& source, DownloadId id, Instant now) const {
  const auto asked = source.asked.find(id);
  return source.ready && asked != source.asked.end() && now - asked->second >= options_.unreachable_after;
}

/// Takes its place from a peer that cannot be reached, or does not answer; false if there is none.
bool Scheduler::leave_unreachable(Download& download, Context& context) {
  const auto useless = std::find_if(sources_.begin(), sources_.end(), [&](const auto& each) {
    return each.second.lanes.contains(download.record.id) &&
           (unreachable(each.second, context.now()) ||
            leaves_unanswered(each.second, download.record.id, context.now()));
  });
  if (useless == sources_.end()) return false;
  download.shunned[useless->second.peer] = context.now() + options_.unreachable_shunned;
  leave_lane(useless->second, download.record.id, context);
  return true;
}

/// Those who cannot be reached and do not share it any more are not waited for.
void Scheduler::leave_absent(const Download& download, Context& context) {
  for (auto& [address, source] : sources_) {
    const ClientKey& client = source.client;
    const bool shares = std::any_of(download.sharers.begin(), download.sharers.end(),
                                    [&](const Sharer& sharer) { return sharer.client == client; });
    if (!source.ready && !shares) leave_lane(source, download.record.id, context);
  }
}

/// Looks for the file at a sharer, unless that goes on. True if a place is taken by it.
bool Scheduler::open_lane(Download& download, const Sharer& sharer, Context& context) {
  const PeerKey key = key_of(sharer.client);
  if (download.picker->banned(key)) return false;
  const auto shunned = download.shunned.find(key);
  if (shunned != download.shunned.end() && context.now() < shunned->second) return false;
  const DownloadId id = download.record.id;
  Source* source = source_with_lane(key, id);
  if (source != nullptr && !source->ready && source->endpoint != sharer.endpoint()) {
    // The client serves elsewhere now (it was restarted on another port).
    stop_source(source->fetcher.address, context);
    source = nullptr;
  }
  if (source == nullptr) source = source_for(download, sharer, context);
  if (source == nullptr || download.picker->knows(key)) return source != nullptr;
  if (source->lanes.insert(id).second) source->asked[id] = context.now();
  source->idle_since.reset();
  if (const PeerTicket* ticket = tickets_.ticket(download.record.gid))
    context.send(source->fetcher, HoldTicket{*ticket});
  context.send(source->fetcher, OpenLane{id, download.record.gid, download.record.fid, download.layout.size(),
                                         download.layout.piece_length()});
  meter(*source, id, context);
  share_memory(context);
  return true;
}

/// A fetcher to this client that has no lane for the same file yet (of another group, or to another place).
Scheduler::Source* Scheduler::source_for(const Download& download, const Sharer& sharer, Context& context) {
  const std::string endpoint = sharer.endpoint();
  for (auto& [address, source] : sources_) {
    const bool taken = std::any_of(source.lanes.begin(), source.lanes.end(), [&](DownloadId id) {
      return downloads_.at(id).record.fid == download.record.fid;
    });
    if (source.client == sharer.client && source.endpoint == endpoint && !taken) return &source;
  }
  if (sources_.size() >= budget_.peers_max() && !make_room_for_source(context)) return nullptr;
  return &new_source(sharer, context);
}

Scheduler::Source& Scheduler::new_source(const Sharer& sharer, Context& context) {
  const std::string endpoint = sharer.endpoint();
  FetcherOptions options;
  options.endpoint = endpoint;
  options.expected = sharer.client;
  options.self = options_.self;
  options.request_limit = block_size;  // until it is ready and has its share
  const Ref<SchedulerRole> self{context.self()};
  std::unique_ptr<Actor> actor = options_.make_fetcher ? options_.make_fetcher(options, self)
                                                       : std::make_unique<Fetcher>(std::move(options), self);
  const auto fetcher = context.spawn<FetcherRole>(fmt::format("fetcher {}", endpoint), std::move(actor));
  Source& source = sources_[fetcher.address];
  source.fetcher = fetcher;
  source.peer = key_of(sharer.client);
  source.client = sharer.client;
  source.endpoint = endpoint;
  source.idle_since = source.unready_since = context.now();
  clients_of_fetchers_[fetcher.address] = sharer.client;
  return source;
}

/// Connects to those who share what is about to be fetched, as far as there is room and they are not known.
void Scheduler::meet(const std::vector<Sharer>& sharers, Context& context) {
  std::size_t met = 0;
  for (const Sharer& sharer : sharers) {
    if (sources_.size() >= budget_.peers_max() || met >= options_.peers_max) break;
    const std::string endpoint = sharer.endpoint();
    const bool known = std::any_of(sources_.begin(), sources_.end(), [&](const auto& each) {
      return each.second.client == sharer.client && each.second.endpoint == endpoint;
    });
    if (known || sharer.client == options_.self || banned_.contains(sharer.client)) continue;
    new_source(sharer, context);
    ++met;
  }
  keep_ticking(context);  // which ends those that are not needed after all
}

/// Ends a fetcher that no download needs, or one whose peer cannot be reached or does not answer; false if there is none.
bool Scheduler::make_room_for_source(Context& context) {
  auto useless = std::find_if(sources_.begin(), sources_.end(),
                              [](const auto& each) { return each.second.idle_since.has_value(); });
  if (useless == sources_.end())
    useless = std::find_if(sources_.begin(), sources_.end(), [&](const auto& each) {
      const Source& source = each.second;
      return unreachable(source, context.now()) ||
             std::all_of(source.lanes.begin(), source.lanes.end(),
                         [&](DownloadId id) { return leaves_unanswered(source, id, context.now()); });
    });
  if (useless == sources_.end()) return false;
  const Source& source = useless->second;
  for (const DownloadId id : source.lanes)
    downloads_.at(id).shunned[source.peer] = context.now() + options_.unreachable_shunned;
  stop_source(useless->first, context);
  return true;
}

/// The memory is for those that can be asked: a peer that does not answer, or has nothing for us, needs none.
void Scheduler::share_memory(Context& context) {
  const auto can_be_asked = [](const Source& source) { return source.ready && !source.lanes.empty(); };
  const ByteCount share = budget_.share(static_cast<std::size_t>(std::count_if(
      sources_.begin(), sources_.end(), [&](const auto& each) { return can_be_asked(each.second); })));
  for (auto& [address, source] : sources_) {
    if (!can_be_asked(source) || source.limit == share) continue;
    source.limit = share;
    context.send(source.fetcher, LimitRequests{share});
  }
}

PeerKey Scheduler::key_of(const ClientKey& client) {
  const auto [known, is_new] = peer_keys_.try_emplace(client, PeerKey{peer_keys_.size() + 1});
  return known->second;
}

Scheduler::Source* Scheduler::source_of(Address fetcher) {
  const auto found = sources_.find(fetcher);
  return found == sources_.end() ? nullptr : &found->second;
}

Scheduler::Source* Scheduler::source_with_lane(PeerKey peer, DownloadId id) {
  for (auto& [address, source] : sources_)
    if (source.peer == peer && source.lanes.contains(id)) return &source;
  return nullptr;
}

void Scheduler::stop_source(Address fetcher, Context& context) {
  Source& source = sources_.at(fetcher);
  leave_lanes(source, context);
  context.cancel(source.pick_timer);
  context.stop(fetcher);
  sources_.erase(fetcher);
  share_memory(context);
}

void Scheduler::leave_lanes(Source& source, Context& context) {
  const std::set<DownloadId> lanes = source.lanes;
  for (const DownloadId id : lanes) leave_lane(source, id, context);
}

void Scheduler::leave_lane(Source& source, DownloadId id, Context& context) {
  if (source.lanes.erase(id) == 0) return;
  context.send(source.fetcher, CloseLane{id});
  source.asked.erase(id);
  source.metered.erase(id);
  source.progress.erase(id);
  source.fetchers.erase(id);
  source.turns.forget(id);
  gate_.forget(source.fetcher.address, id);
  forget_report(source.fetcher.address, id, context);
  Download& download = downloads_.at(id);
  download.fellows.is_stale = true;
  if (download.picker) download.picker->remove_peer(source.peer);
  if (!source.lanes.empty()) return;
  source.idle_since = context.now();
  share_memory(context);
}

// --- what fetchers say ----------------------------------------------------------------------------------------

void Scheduler::on(const PeerReady&, Context& context) {
  Source* source = source_of(context.sender());
  if (source == nullptr) return;
  source->ready = true;
  for (const DownloadId id : source->lanes) source->asked[id] = context.now();
  share_memory(context);
}

void Scheduler::on(const PeerLost& lost, Context& context) {
  Source* source = source_of(context.sender());
  if (source == nullptr) return;
  if (source->ready && source->lanes.empty()) return stop_source(context.sender(), context);
  if (source->ready) log_info(fmt::format("peer lost: {}", lost.sentence));
  if (source->ready) source->unready_since = context.now();
  source->ready = false;
  source->hungry = false;
  source->fetchers.clear();
  gate_.forget(context.sender());
  share_memory(context);
  const std::set<DownloadId> lanes = source->lanes;
  if (lost.for_good) {
    // A fetcher that has ended finds nobody: if the trackers still name the peer a while later, a new one tries.
    for (const DownloadId id : lanes)
      downloads_.at(id).shunned[source->peer] = context.now() + options_.sharers_every;
    stop_source(context.sender(), context);
    for (const DownloadId id : lanes) {
      ask_sharers(downloads_.at(id), context);
      settle_phase(downloads_.at(id), context);
      feed_hungry(id, context);
    }
    return;
  }
  for (const DownloadId id : lanes) {
    Download& download = downloads_.at(id);
    download.fellows.is_stale = true;
    download.turned_away_by.erase(source->peer);
    if (!download.picker->knows(source->peer)) continue;
    download.picker->remove_peer(source->peer);
    // Somebody else may have come, or this one to another address.
    ask_sharers(download, context);
    settle_phase(download, context);
    feed_hungry(id, context);
  }
}

/// Its connection is of use where none that was dialled from here stands.
void Scheduler::on(const PeerVisits& visits, Context& context) {
  const bool met = std::any_of(sources_.begin(), sources_.end(), [&](const auto& each) {
    const Source& source = each.second;
    return source.ready && source.endpoint.substr(0, source.endpoint.rfind(':')) == visits.host;
  });
  const Address fetcher = context.sender();
  if (met || sources_.contains(fetcher) || banned_.contains(visits.client) ||
      sources_.size() >= budget_.peers_max())
    return;
  Source& source = sources_[fetcher];
  source.visitor = Sharer{{}, visits.client, visits.host, 0};
  source.fetcher = {fetcher};
  source.peer = key_of(visits.client);
  source.client = visits.client;
  source.endpoint = source.visitor->endpoint();
  source.ready = true;
  source.idle_since = context.now();
  clients_of_fetchers_[fetcher] = visits.client;
  for (auto& [id, download] : downloads_)
    if (download.picker && !download.picker->complete()) use_sharers(download, context);
}

void Scheduler::on(const PeerAtFault& fault, Context& context) {
  if (const Source* source = source_of(context.sender()))
    ban(ClientKey(source->client), fault.sentence, context);
}

void Scheduler::ban(const ClientKey& client, std::string_view why, Context& context) {
  if (!banned_.insert(client).second) return;
  log_warning(fmt::format("nothing more is fetched from {}: {}", name_of(client), why));
  std::set<DownloadId> concerned;
  std::vector<Address> gone;
  for (const auto& [address, source] : sources_) {
    if (source.client != client) continue;
    concerned.insert(source.lanes.begin(), source.lanes.end());
    gone.push_back(address);
  }
  for (const Address address : gone) stop_source(address, context);
  for (const DownloadId id : concerned) {
    ask_sharers(downloads_.at(id), context);
    feed_hungry(id, context);
    if (Download* download = find(id)) settle_phase(*download, context);
  }
}

/// As people know it.
std::string Scheduler::name_of(const ClientKey& client) const {
  for (const auto& [address, source] : sources_)
    if (source.client == client) return source.visitor ? source.visitor->host : source.endpoint;
  for (const auto& [id, download] : downloads_)
    for (const Sharer& sharer : download.sharers)
      if (sharer.client == client) return sharer.endpoint();
  return "client " + client.hex();
}

void Scheduler::on(const LaneOpened& opened, Context& context) {
  Source* source = source_of(context.sender());
  if (source == nullptr || !source->lanes.contains(opened.download)) return;
  Download& download = downloads_.at(opened.download);
  std::optional<Bitfield> has = Bitfield::parse(opened.bitfield, download.layout.piece_count());
  ENSURE(has.has_value());
  if (const auto wrong = download.wrong.find(source->peer); wrong != download.wrong.end())
    for (const PieceIndex piece : wrong->second.withheld()) has->reset(piece);
  source->asked.erase(opened.download);
  download.turned_away_by.erase(source->peer);
  download.fellows.is_stale = true;
  source->progress.insert_or_assign(opened.download, FellowProgress(context.now()));
  if (!download.picker->knows(source->peer)) {
    download.picker->add_peer(source->peer, *has);
  } else {
    // Said again because it has more, or serves it from another place.
    has->for_each([&](PieceIndex piece) { download.picker->peer_has(source->peer, piece); });
  }
  settle_phase(download, context);
  if (source->hungry) feed(*source, context);
}

void Scheduler::on(const LaneClosed& closed, Context& context) {
  Source* source = source_of(context.sender());
  if (source == nullptr || !source->lanes.contains(closed.download)) return;
  Download& download = downloads_.at(closed.download);
  download.picker->remove_peer(source->peer);
  leave_lane(*source, closed.download, context);
  // Asked for again when the trackers still name this peer a while later.
  Duration pause = options_.sharers_every;
  if (closed.reason == CloseReason::busy) {
    // Whoever turns us away turns many away: later and later, and the trackers are asked when it is time.
    Duration& longer = download.turned_away_by[source->peer];
    longer = std::clamp(2 * longer, options_.sharers_every / 2, options_.busy_pause_max);
    pause = longer;
  } else {
    download.turned_away_by.erase(source->peer);
    ask_sharers(download, context);
  }
  download.shunned[source->peer] = context.now() + pause;
  settle_phase(download, context);
  feed_hungry(closed.download, context);
}

void Scheduler::on(const LaneFetchers& fetchers, Context& context) {
  Source* source = source_of(context.sender());
  if (source == nullptr || !source->lanes.contains(fetchers.download)) return;
  Download& download = downloads_.at(fetchers.download);
  auto& known = source->fetchers[fetchers.download];
  const std::set<ClientKey> clients(fetchers.clients.begin(), fetchers.clients.end());
  std::vector<std::pair<ClientKey, Instant>> named;
  auto before = known.begin();
  for (const ClientKey& client : clients) {
    if (client == options_.self) continue;
    before = std::find_if(before, known.end(), [&](const auto& each) { return each.first >= client; });
    const bool was_named = before != known.end() && before->first == client;
    named.emplace_back(client, was_named ? before->second : context.now());
    if (!was_named) look_for_fetcher(download, client, context);
  }
  known = std::move(named);
  download.fellows.is_stale = true;
  // Our part may have grown.
  feed_hungry(fetchers.download, context);
}

void Scheduler::on(const PeerHas& has, Context& context) {
  Source* source = source_of(context.sender());
  if (source == nullptr || !source->lanes.contains(has.download)) return;
  Download& download = downloads_.at(has.download);
  if (!download.picker->knows(source->peer)) return;
  const bool is_new = download.picker->peer_has(source->peer, has.piece);
  if (const auto fellow = source->progress.find(has.download); is_new && fellow != source->progress.end())
    fellow->second.gained(context.now());
  if (is_new && download.picker->is_seeder(source->peer)) download.fellows.is_stale = true;
  if (download.phase != DownloadPhase::fetching) settle_phase(download, context);
  if (source->hungry) feed(*source, context);
}

// --- pieces ---------------------------------------------------------------------------------------------------

Ref<HashVerifierRole> Scheduler::verifier_of(DownloadId id) const {
  return others_.verifiers[id.value % others_.verifiers.size()];
}

void Scheduler::on(const PieceWanted&, Context& context) {
  if (Source* source = source_of(context.sender())) feed(*source, context);
}

void Scheduler::on(const PickDue& due, Context& context) {
  Source* source = source_of(due.fetcher);
  if (source != nullptr && source->hungry) feed(*source, context);
}

/// Gives a fetcher one piece, of the first of its downloads, in their turns, that has one for it.
void Scheduler::feed(Source& source, Context& context) {
  context.cancel(source.pick_timer);
  source.hungry = false;
  const std::vector<DownloadId> turns = source.turns.order({source.lanes.begin(), source.lanes.end()});
  for (const DownloadId id : turns)
    if (feed_from(source, downloads_.at(id), context)) return;
  source.hungry = true;
  std::optional<Instant> review;
  for (const DownloadId id : turns) {
    if (gate_.holds(id)) continue;  // fed when the gate opens
    const PiecePicker& picker = *downloads_.at(id).picker;
    if (const auto at = picker.review_at(source.peer, context.now()))
      review = review ? std::min(*review, *at) : *at;
  }
  if (review)
    source.pick_timer =
        context.after(std::max(*review - context.now(), Duration(std::chrono::milliseconds(1))),
                      PickDue{source.fetcher.address});
}

bool Scheduler::feed_from(Source& source, Download& download, Context& context) {
  if (!download.picker->knows(source.peer) || gate_.holds(download.record.id)) return false;
  download.picker->in_order(download.record.wishes.sequential);
  look_at_fellows(download, context.now());
  download.picker->prefer_start(!download.fellows.may_trade);
  // Parts are of what seeders give. Whoever has much to trade asks them for a twentieth of it.
  if (download.picker->is_seeder(source.peer)) share_out(download);
  const std::optional<Pick> pick = download.picker->pick(source.peer, context.now(), context.random());
  if (!pick) return false;
  for (const PeerKey loser : pick->cancel_at) cancel(download, loser, pick->piece, {}, context);
  const DigestPair digests = expected_digests(download.record.metainfo, pick->piece);
  source.turns.served(download.record.id, download.layout.piece_size(pick->piece).value,
                      weight_of(download.record.wishes.priority));
  context.send(source.fetcher,
               FetchPiece{download.record.id, pick->piece, pick->attempt, pick->blocks, digests.sha1,
                          digests.sha256, verifier_of(download.record.id).address});
  return true;
}

/// We have met it, it fetches the file beside us, gets on and does not stall.
bool Scheduler::counts_as_fetcher(const Source& source, const Download& download, std::uint64_t pace,
                                  Instant now) const {
  if (!source.lanes.contains(download.record.id) || !download.picker->knows(source.peer)) return false;
  const auto fellow = source.progress.find(download.record.id);
  return fellow != source.progress.end() && !download.picker->is_seeder(source.peer) &&
         fellow->second.gets_on(download.layout.piece_length(), pace, now) &&
         !download.picker->stalled(source.peer, now);
}

/// Who fetches the file beside us and can be counted on: those we have met and who get on and do not stall, and those of
/// whom somebody says so and whom there was no time to meet. To trade with there may be somebody else, too: who has opened
/// it here and is not met. Whoever serves it to both of us has said so before we could ask for a piece.
void Scheduler::look_at_fellows(Download& download, Instant now) const {
  Download::Fellows& fellows = download.fellows;
  const auto pause = fellows.is_stale ? options_.fellows_pause *
                                            static_cast<int>(fellows.counted_on.size() / fetchers_named_max)
                                      : options_.fellows_every;
  if (now - fellows.looked_at < pause) return;
  const DownloadId id = download.record.id;
  const std::uint64_t pace = download.picker->seeders_pace();
  std::vector<ClientKey> counted_on;
  std::set<ClientKey> unmet = download.wanted_by;
  std::set<ClientKey> met;
  for (const auto& [address, source] : sources_) {
    if (!source.lanes.contains(id) || !download.picker->knows(source.peer)) continue;
    unmet.erase(source.client);
    met.insert(source.client);
    if (counts_as_fetcher(source, download, pace, now)) counted_on.push_back(source.client);
  }
  for (const auto& [address, source] : sources_) {
    const auto said = source.fetchers.find(id);
    if (said == source.fetchers.end()) continue;
    for (const auto& [client, since] : said->second)
      if (now - since < options_.meeting_patience && !met.contains(client) && !banned_.contains(client))
        counted_on.push_back(client);
  }
  std::sort(counted_on.begin(), counted_on.end());
  counted_on.erase(std::unique(counted_on.begin(), counted_on.end()), counted_on.end());
  const bool may_trade = !unmet.empty() || !counted_on.empty();
  fellows = {std::move(counted_on), may_trade, now, false};
}

/// Tells the picker which pieces are ours among those who fetch the file, each other's helpers.
void Scheduler::share_out(Download& download) {
  const std::vector<ClientKey>& others = download.fellows.counted_on;
  if (!options_.shares_out || others == download.shared_with) return;
  download.picker->share_out(
      others.empty() ? std::nullopt
                     : std::optional(part_of(options_.self, others, download.layout.piece_count())));
  download.shared_with = others;
}

void Scheduler::feed_hungry(DownloadId id, Context& context) {
  for (auto& [address, source] : sources_)
    if (source.hungry && source.lanes.contains(id)) feed(source, context);
}

void Scheduler::cancel(Download& download, PeerKey peer, PieceIndex piece, std::vector<BlockIndex> blocks,
                       Context& context) {
  if (Source* source = source_with_lane(peer, download.record.id))
    context.send(source->fetcher, CancelBlocks{download.record.id, piece, std::move(blocks)});
}

void Scheduler::on(const BlockArrived& arrived, Context& context) {
  // Also of a fetcher that has been stopped since: the verifier has the block.
  const auto client = clients_of_fetchers_.find(context.sender());
  Download* download = find(arrived.download);
  if (client == clients_of_fetchers_.end() || download == nullptr || !download->picker) return;
  download->rate.add(arrived.bytes, context.now());
  if (!options_.wrong_piece_convicts) download->wrong[key_of(client->second)].came(arrived.bytes);
  const std::vector<PeerKey> others = download->picker->received(
      key_of(client->second), arrived.piece, arrived.block, arrived.attempt, context.now());
  for (const PeerKey other : others) cancel(*download, other, arrived.piece, {arrived.block}, context);
  // It may have had nothing because it had stalled.
  if (Source* source = source_of(context.sender()); source != nullptr && source->hungry)
    feed(*source, context);
}

void Scheduler::on(const PieceNotCome& not_come, Context& context) {
  Source* source = source_of(context.sender());
  Download* download = find(not_come.download);
  if (source == nullptr || download == nullptr || !download->picker) return;
  if (not_come.reason == RejectReason::not_have) {
    if (const auto fellow = source->progress.find(not_come.download); fellow != source->progress.end())
      fellow->second.lacked_a_piece();
    download->fellows.is_stale = true;
    download->picker->peer_lacks(source->peer, not_come.piece, context.now());
  } else {
    download->picker->release(source->peer, not_come.piece, context.now());
  }
  feed_hungry(not_come.download, context);
}

void Scheduler::on(const PieceVerified& verified, Context& context) {
  Download* download = find(verified.download);
  if (download == nullptr || verified.run != download->run || !download->runs() || download->prepare_at ||
      download->recheck || download->pieces().has(verified.piece))
    return;
  if (download->picker) {
    download->picker->verified(verified.piece, context.now());
  } else {
    download->prepared.set(verified.piece);  // it was on its way when the turn ended
  }
  download->verified += download->layout.piece_size(verified.piece);
  context.send(others_.storage, JournalPiece{verified.download, verified.piece});
  if (download->sharing == Download::Sharing::served)
    context.send(others_.uploader, ServePiece{download->record.gid, download->record.fid,
                                              download->record.part_path, verified.piece});
  if (download->picker) finish_if_complete(*download, context);
}

void Scheduler::on(const PieceCorrupt& corrupt, Context& context) {
  Download* download = find(corrupt.download);
  if (download == nullptr || corrupt.run != download->run || !download->picker) return;
  std::vector<PeerKey> sources;
  for (const Address fetcher : corrupt.fetchers)
    if (const auto client = clients_of_fetchers_.find(fetcher); client != clients_of_fetchers_.end())
      sources.push_back(key_of(client->second));
  const bool convicts = options_.wrong_piece_convicts;
  const Blame blame = download->picker->corrupt(corrupt.piece, sources, context.now(), convicts);
  const auto culprit = std::find_if(peer_keys_.begin(), peer_keys_.end(),
                                    [&](const auto& each) { return blame.culprit == each.second; });
  log_warning(fmt::format("{} {} of {} came wrong{} and is fetched again", options_.words.piece,
                          options_.words.first + corrupt.piece.value, download->record.metainfo.name.text,
                          blame.culprit ? " from " + name_of(culprit->first) : ""));
  if (blame.culprit && !convicts)
    download->wrong[*blame.culprit].came_wrong(corrupt.piece, download->layout.piece_size(corrupt.piece),
                                               context.now());
  if (blame.culprit && convicts && culprit != peer_keys_.end())
    report(*download, corrupt.piece, ClientKey(culprit->first), context);
  if (blame.culprit && (convicts || download->wrong.at(*blame.culprit).is_enemy()))
    ban(ClientKey(culprit->first), "what it sends is wrong", context);
  feed_hungry(corrupt.download, context);
  if (Download* now = find(corrupt.download); now != nullptr) settle_phase(*now, context);
}

void Scheduler::on(const PieceUnwritable& unwritable, Context& context) {
  Download* download = find(unwritable.download);
  if (download == nullptr || unwritable.run != download->run || !download->runs() || !download->picker)
    return;
  fail(*download, unwritable.code, unwritable.sentence, context);
}

}  // namespace tutti
