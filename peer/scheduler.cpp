#include "peer/scheduler.hpp"
#include "peer/tree_path.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr Duration tick = std::chrono::milliseconds(500);
/// Of many pieces so many are named.
constexpr std::size_t named_max = 5;

/// The answers after which going on makes no sense, as the user is not let in or there is no such thing.
bool is_final(Code code) {
  return code == Code::no_such_group || code == Code::not_a_member || code == Code::no_such_file;
}

}  // namespace

Scheduler::Scheduler(SchedulerOptions options, Others others)
    : options_(std::move(options)), others_(std::move(others)), budget_(options_.request_memory) {
  ENSURE(!others_.verifiers.empty());
}

void Scheduler::start(Context& context) { context.send(others_.storage, WatchLimits{}); }

// --- the life of a download -----------------------------------------------------------------------------------

Download* Scheduler::find(DownloadId id) {
  const auto found = downloads_.find(id);
  return found == downloads_.end() ? nullptr : &found->second;
}

void Scheduler::take_turns(Context& context) {
  const auto active = static_cast<std::size_t>(std::count_if(
      downloads_.begin(), downloads_.end(), [](const auto& each) { return each.second.picker.has_value(); }));
  std::map<DownloadPriority, std::map<std::uint64_t, DownloadId>> queues;
  for (const auto& [id, download] : downloads_)
    if (download.waits_for_turn()) queues[download.record.wishes.priority].emplace(download.queued, id);
  std::vector<DownloadId> chosen;
  for (std::size_t room = options_.active_max - std::min(options_.active_max, active);
       room > 0 && !queues.empty(); --room) {
    std::vector<DownloadPriority> priorities;
    for (const auto& [priority, queue] : queues) priorities.push_back(priority);
    const DownloadPriority next = turns_.order(std::move(priorities)).front();
    turns_.served(next, 1, weight_of(next));
    std::map<std::uint64_t, DownloadId>& queue = queues.at(next);
    chosen.push_back(queue.begin()->second);
    queue.erase(queue.begin());
    if (queue.empty()) queues.erase(next);
  }
  for (const DownloadId id : chosen)
    if (Download* download = find(id); download != nullptr && download->waits_for_turn())
      activate(*download, context);
}

/// Takes the turns of downloads that find nobody, the longest first, as far as others wait for them.
void Scheduler::pass_turns(Context& context) {
  const auto wait = static_cast<std::size_t>(std::count_if(
      downloads_.begin(), downloads_.end(), [](const auto& each) { return each.second.waits_for_turn(); }));
  if (wait == 0) return;
  std::vector<Download*> useless;
  for (auto& [id, download] : downloads_)
    if (download.picker && download.phase == DownloadPhase::waiting &&
        context.now() - download.phase_since >= options_.turn_without_source)
      useless.push_back(&download);
  std::sort(useless.begin(), useless.end(),
            [](const Download* a, const Download* b) { return a->phase_since < b->phase_since; });
  if (useless.size() > wait) useless.resize(wait);
  for (Download* download : useless) give_up_turn(*download, context);
  take_turns(context);
}

void Scheduler::give_up_turn(Download& download, Context& context) {
  if (!download.picker) return;
  stop_fetching(download, context);
  download.prepared = download.pieces();
  download.picker.reset();
  download.rate.pause(context.now());
  download.queued = ++last_number_;
}

void Scheduler::activate(Download& download, Context& context) {
  const DownloadId id = download.record.id;
  download.run = runs_[id]++;
  context.send(verifier_of(id),
               BeginDownload{id, download.record.part_path, download.layout.size(),
                             download.layout.piece_length(), download.prepared.bytes(), download.run});
  download.picker.emplace(download.layout, download.prepared, download.wanted);
  download.picker->at_random(options_.picks_at_random);
  download.fellows = {};
  download.shared_with.clear();
  download.rate.resume(context.now());
  download.phase_since = context.now();
  if (download.phase == DownloadPhase::waiting && !download.searched)
    set_phase(download, DownloadPhase::finding, Code::other, {}, context);
  if (!download.picker->complete()) {
    share(id, context);
    use_sharers(download, context);
    if (download.sharers_pause == Duration{}) {
      ask_sharers(download, context);
    } else {
      ask_sharers_later(download, download.sharers_pause, context);
    }
  }
  finish_if_complete(download, context);
}

/// Tells the trackers that what there is of it can be had here.
void Scheduler::share(DownloadId id, Context& context) {
  Download* download = find(id);
  if (download == nullptr || download->sharing != Download::Sharing::none) return;
  download->sharing = Download::Sharing::asked;
  download->announced = true;
  ask(
      StartShare{download->record.gid, download->record.fid},
      [this, id](const Told& told, Context& at) {
        Download* now = find(id);
        if (now == nullptr || now->sharing != Download::Sharing::asked) return;
        const auto* refused = told.what.get<Refused>();
        if (refused != nullptr) {
          now->sharing = Download::Sharing::none;  // asked again with the next tick
          if (is_final(refused->code)) now->announced = false;
          if (is_final(refused->code) && now->runs()) fail(*now, refused->code, refused->sentence, at);
          return;
        }
        now->sharing = Download::Sharing::served;
        // When it is complete by now, the librarian serves it.
        if (now->runs()) serve(*now, at);
      },
      context);
}

void Scheduler::serve(const Download& download, Context& context) {
  const DownloadRecord& record = download.record;
  context.send(others_.uploader, ServeFile{record.gid,
                                           record.fid,
                                           record.group,
                                           record.metainfo.name,
                                           record.part_path,
                                           record.metainfo.size,
                                           record.metainfo.piece_length,
                                           download.pieces().bytes(),
                                           {}});
}

void Scheduler::on(const WholeHashed& hashed, Context& context) {
  Download* download = find(hashed.download);
  if (download == nullptr || hashed.run != download->run || !download->picker ||
      !download->picker->complete() || download->finishing)
    return;
  if (hashed.sha1 == download->record.metainfo.sha1) return finish(*download, context);
  context.send(verifier_of(hashed.download), EndDownload{hashed.download});
  context.send(others_.storage,
               SettleDownload{download->record.id, DownloadPhase::failed, Code::integrity, {}, true});
  fail(*download, Code::integrity, options_.words.whole_wrong, context);
}

void Scheduler::on(const WholeUnreadable& unreadable, Context& context) {
  Download* download = find(unreadable.download);
  // While it gets its name it may have gone from where it was; nobody needs the whole's SHA-1 any more then.
  if (download != nullptr && unreadable.run == download->run && download->picker && !download->finishing)
    fail(*download, unreadable.code, unreadable.sentence, context);
}

void Scheduler::finish_if_complete(Download& download, Context& context) {
  if (!download.picker->complete() || download.phase == DownloadPhase::checking) return;
  stop_fetching(download, context);
  if (download.lacks_manifest()) return lay_out(download, context);
  set_phase(download, DownloadPhase::checking, Code::other, {}, context);
  // Who has not all of it cannot know the SHA-1 of the whole.
  if (!download.pieces().all()) finish(download, context);
}

void Scheduler::finish(Download& download, Context& context) {
  const DownloadRecord& record = download.record;
  context.send(verifier_of(record.id), EndDownload{record.id});
  context.send(others_.storage, FinishDownload{record.id, record.part_path, record.path});
  download.finishing = true;
}

/// The manifest has come: storage says what the rest is. What there is of it goes on being served meanwhile.
void Scheduler::lay_out(Download& download, Context& context) {
  give_up_turn(download, context);
  context.send(verifier_of(download.record.id), EndDownload{download.record.id});
  download.prepare_at = context.now() + options_.prepare_again_after;
  Starting starting{{}, true, download.sharers, download.record};
  starting.lays_out = true;
  prepare(std::move(starting), context);
}

void Scheduler::on(const DownloadFinished& finished, Context& context) {
  Download* download = find(finished.download);
  if (download == nullptr || !download->runs()) {
    obey_orders(context);
    answer_waiters(context);
    return;
  }
  const DownloadRecord& record = download->record;
  if (download->sharing == Download::Sharing::none) share(record.id, context);
  download->record.phase = DownloadPhase::complete;
  set_phase(*download, DownloadPhase::complete, Code::other, {}, context);
  const auto pieces = Bitfield::parse(finished.pieces, download->layout.piece_count());
  if (pieces && pieces->none() && pieces->size() > 0) {
    // A part of a directory that is no whole piece: there is nothing to share of it.
    stop_serving(*download, CloseReason::not_shared, context);
    leave_trackers(*download, context);
  } else if (download->sharing != Download::Sharing::off) {
    context.send(others_.librarian,
                 AdoptShare{ShareRecord{record.uid, record.gid, record.group, record.fid, record.metainfo,
                                        shared_path(record), finished.identity, false, finished.pieces}});
    // A share of a part is served beside what others fetch of it, so this has to end.
    if (pieces && !pieces->all()) stop_serving(*download, CloseReason::busy, context);
  }
  download->picker.reset();
  download->prepared = Bitfield();
  take_turns(context);
  obey_orders(context);
  answer_waiters(context);
}

void Scheduler::fail(Download& download, Code code, std::string sentence, Context& context) {
  stop_fetching(download, context);
  const DownloadRecord& record = download.record;
  context.send(verifier_of(record.id), EndDownload{record.id});
  drop_starting(record.id);
  download.recheck.reset();
  context.send(others_.storage, SettleDownload{record.id, DownloadPhase::failed, code, sentence, false});
  stop_serving(download, CloseReason::not_shared, context);
  if (download.announced && !download.shared_apart.value_or(true))
    ask(
        StopShare{record.group, record.metainfo.name}, [](const Told&, Context&) {}, context);
  download.announced = false;
  download.finishing = false;
  download.sharing = Download::Sharing::none;
  if (!first_failure_)
    first_failure_ = Refused{code, fmt::format("{}: {}", record.metainfo.name.text, sentence)};
  set_phase(download, DownloadPhase::failed, code, std::move(sentence), context);
  download.prepared = download.pieces();
  download.picker.reset();
  download.prepare_at.reset();
  take_turns(context);
  answer_waiters(context);
}

void Scheduler::stop_serving(Download& download, CloseReason reason, Context& context) {
  const DownloadRecord& record = download.record;
  if (download.sharing == Download::Sharing::served)
    context.send(others_.uploader, StopServing{record.gid, record.fid, record.part_path, reason});
}

void Scheduler::stop_fetching(Download& download, Context& context) {
  for (auto& [address, source] : sources_) leave_lane(source, download.record.id, context);
}

void Scheduler::on(const ServingFailed& failed, Context&) {
  log_warning(fmt::format("{} could not be served: {}", failed.path, failed.sentence));
  for (auto& [id, download] : downloads_)
    if (download.runs() && download.record.gid == failed.gid && download.record.fid == failed.fid &&
        download.record.part_path == failed.path && download.sharing == Download::Sharing::served)
      download.sharing = Download::Sharing::none;  // shared anew with the next tick
}

std::uint32_t Scheduler::peers_of(const Download& download) const {
  if (!download.picker) return 0;
  return static_cast<std::uint32_t>(std::count_if(sources_.begin(), sources_.end(), [&](const auto& each) {
    return each.second.lanes.contains(download.record.id) && download.picker->knows(each.second.peer) &&
           download.picker->interesting(each.second.peer);
  }));
}

void Scheduler::set_phase(Download& download, DownloadPhase phase, Code code, std::string sentence,
                          Context& context) {
  if (download.phase == phase && download.sentence == sentence) return;
  if (download.phase != phase) download.phase_since = context.now();
  download.phase = phase;
  download.code = code;
  download.sentence = std::move(sentence);
  context.send(others_.shell, DownloadChanged{download.row(context.now(), peers_of(download))});
}

/// Fetching while somebody has what we need, waiting while nobody has.
void Scheduler::settle_phase(Download& download, Context& context) {
  if (!download.runs() || download.prepare_at || download.recheck || download.rests() ||
      download.phase == DownloadPhase::checking)
    return;
  if (!download.picker)
    return set_phase(download, DownloadPhase::waiting, Code::other,
                     fmt::format("waits for its turn: {} downloads fetch already", options_.active_max),
                     context);
  if (peers_of(download) > 0) return set_phase(download, DownloadPhase::fetching, Code::other, {}, context);
  // A fellow who has nothing yet may answer before a source does.
  const bool is_meeting = std::any_of(sources_.begin(), sources_.end(), [&](const auto& each) {
    const Source& source = each.second;
    if (!source.lanes.contains(download.record.id)) return false;
    const auto asked = source.asked.find(download.record.id);
    if (source.ready && asked == source.asked.end()) return false;
    return context.now() - (source.ready ? asked->second : source.unready_since) < options_.meeting_patience;
  });
  if (download.phase == DownloadPhase::finding && (!download.searched || is_meeting)) return;
  set_phase(download, DownloadPhase::waiting, Code::no_peers, why_it_waits(download), context);
}

/// What is missing of it, and why nobody gives it.
std::string Scheduler::why_it_waits(const Download& download) const {
  const std::string& file = download.record.metainfo.name.text;
  const PiecePicker& picker = *download.picker;
  std::set<PieceIndex> damaged;
  std::set<std::string> from;
  bool some = false;
  for (const auto& [address, source] : sources_) {
    if (!source.lanes.contains(download.record.id) || !picker.knows(source.peer)) continue;
    some = true;
    const auto wrong = download.wrong.find(source.peer);
    if (wrong == download.wrong.end()) continue;
    for (const PieceIndex piece : wrong->second.withheld()) {
      if (picker.verified_pieces().has(piece) || picker.availability(piece) > 0) continue;
      damaged.insert(piece);
      from.insert(source.endpoint);
    }
  }
  const std::uint32_t missing = picker.pieces_without_source();
  if (!damaged.empty()) {
    const SwarmWords& words = options_.words;
    std::vector<std::string> numbers;
    for (const PieceIndex piece : damaged)
      if (numbers.size() < named_max) numbers.push_back(std::to_string(words.first + piece.value));
    std::string sentence = fmt::format("{} {} of {} {} damaged at everybody online who has {} ({})",
                                       damaged.size() == 1 ? words.piece : words.pieces,
                                       fmt::join(numbers, ", "), file, damaged.size() == 1 ? "is" : "are",
                                       damaged.size() == 1 ? "it" : "them", fmt::join(from, ", "));
    if (damaged.size() > numbers.size())
      sentence += fmt::format(", and {} more", damaged.size() - numbers.size());
    if (missing > damaged.size())
      sentence += fmt::format("; nobody online has {} others", missing - damaged.size());
    return sentence + ": it goes on when somebody has what is right";
  }
  if (some)
    return fmt::format("nobody online has the {} {} that {} missing of {}: it goes on when somebody has",
                       missing, missing == 1 ? options_.words.piece : options_.words.pieces,
                       missing == 1 ? "is" : "are", file);
  const auto busy =
      std::count_if(download.sharers.begin(), download.sharers.end(), [&](const Sharer& sharer) {
        const auto key = peer_keys_.find(sharer.client);
        return key != peer_keys_.end() && download.turned_away_by.contains(key->second);
      });
  if (busy > 0)
    return fmt::format(
        "{} of those who share {} {} busy, and nobody else gives it: it goes on when somebody has time", busy,
        file, busy == 1 ? "is" : "are");
  const auto banned = static_cast<std::size_t>(
      std::count_if(download.sharers.begin(), download.sharers.end(),
                    [&](const Sharer& sharer) { return banned_.contains(sharer.client); }));
  if (banned == 0) return download.nobody_shares();
  return fmt::format(
      "nothing is fetched any more from {} of those who share {}, as what came from there was wrong; nobody "
      "else who "
      "shares it is online: it goes on when somebody is",
      banned, file);
}

/// A while later it may have been mended.
void Scheduler::ask_again_for_wrong(Download& download, Context& context) {
  if (!download.picker) return;
  bool any = false;
  for (auto& [peer, wrong] : download.wrong)
    for (const PieceIndex piece : wrong.take_due(context.now()))
      any = download.picker->peer_has(peer, piece) || any;
  if (any) feed_hungry(download.record.id, context);
}

void Scheduler::keep_ticking(Context& context) {
  if (ticking_) return;
  ticking_ = true;
  context.after(tick, DownloadsDue{});
}

void Scheduler::on(const DownloadsDue&, Context& context) {
  ticking_ = false;
  std::vector<DownloadId> running;
  for (const auto& [id, download] : downloads_)
    if (download.runs()) running.push_back(id);
  for (const DownloadId id : running) {
    Download& download = downloads_.at(id);
    // What the store has been asked already it answers, however long it takes.
    if (download.prepare_at && context.now() >= *download.prepare_at && !is_starting(id)) {
      download.prepare_at = context.now() + options_.prepare_again_after;
      prepare(Starting{{}, true, {}, download.record}, context);
    }
    if (download.serves_at_rest() || (download.picker && !download.picker->complete())) share(id, context);
    ask_again_for_wrong(download, context);
    if (Download* now = find(id); now != nullptr) settle_phase(*now, context);
  }
  pass_turns(context);
  std::vector<Address> idle;
  for (const auto& [address, source] : sources_)
    if (source.idle_since && context.now() - *source.idle_since >= options_.fetcher_idle)
      idle.push_back(address);
  for (const Address address : idle) stop_source(address, context);
  const bool any_waits = std::any_of(downloads_.begin(), downloads_.end(), [](const auto& each) {
    const Download& download = each.second;
    return download.prepare_at || (download.rests() && download.sharing == Download::Sharing::none);
  });
  if (any_runs() || any_waits || !sources_.empty()) keep_ticking(context);
}

void Scheduler::check_invariants() const {
  ENSURE(uid_ || (downloads_.empty() && starting_.empty()));
  std::size_t active = 0;
  for (const auto& [id, download] : downloads_) {
    ENSURE(id == download.record.id);
    ENSURE(download.runs() || !download.picker);
    ENSURE(!download.prepare_at || (download.runs() && !download.picker));
    ENSURE(!(download.rests() || download.recheck) || !download.picker);
    if (download.picker) download.picker->check_invariants();
    active += download.picker ? 1U : 0U;
  }
  ENSURE(active <= options_.active_max);
  ENSURE(sources_.size() <= budget_.peers_max());
  for (const auto& [tag, starting] : starting_)
    if (starting.rechecks) ENSURE(downloads_.at(starting.record.id).recheck.has_value());
  for (const auto& [address, source] : sources_) {
    ENSURE(!banned_.contains(source.client));
    std::set<Fid> fids;
    for (const DownloadId id : source.lanes) {
      const Download& download = downloads_.at(id);
      ENSURE(download.runs() && download.picker);
      ENSURE(fids.insert(download.record.fid).second);
    }
    ENSURE(source.lanes.empty() == source.idle_since.has_value());
  }
}

}  // namespace tutti
