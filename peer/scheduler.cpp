#include "peer/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/metainfo_builder.hpp"

namespace tutti {

namespace {

constexpr Duration tick = std::chrono::milliseconds(500);
/// Tags of PrepareDownload must not be taken for ids of downloads, which FinishDownload uses.
constexpr std::uint64_t prepare_tags = std::uint64_t{1} << 63U;
/// How much of the whole-file chain is hashed at a time.
constexpr ByteCount stretch_min = 4_MiB;
constexpr ByteCount stretch_max = 16_MiB;

std::string nobody_shares(const FileName& file) {
  return fmt::format("nobody who shares {} is online: the download goes on when somebody is", file.text);
}

/// The answers after which going on makes no sense, as the user is not let in or there is no such thing.
bool is_final(Code code) {
  return code == Code::no_such_group || code == Code::not_a_member || code == Code::no_such_file;
}

}  // namespace

Scheduler::Scheduler(SchedulerOptions options, Others others)
    : options_(std::move(options)), others_(std::move(others)), budget_(options_.request_memory) {
  ENSURE(!others_.verifiers.empty() && !others_.hashers.empty());
}

// --- commands -------------------------------------------------------------------------------------------------

void Scheduler::ask(ClientRequest what, WithTold then, Context& context) {
  const CommandId number{++last_number_};
  asked_.emplace(number, std::move(then));
  context.send(others_.tracker_link, Ask{number, std::move(what)});
}

void Scheduler::on(const Told& told, Context& context) {
  if (const auto asked = asked_.extract(told.command)) asked.mapped()(told, context);
}

void Scheduler::tell(Address asker, CommandId command, TrackerAnswer what, Context& context) {
  if (asker.value != 0) context.answer(asker, Told{command, std::move(what), false, {}});
}

void Scheduler::on(const StartDownload& start, Context& context) {
  const Waiter asker{context.sender(), start.command};
  ++finding_;
  // tracker_link checks login and names before it asks.
  ask(
      FindFile{start.group, start.file},
      [this, asker, start](const Told& told, Context& at) {
        --finding_;
        if (const auto* refused = told.what.get<Refused>()) {
          tell(asker.asker, asker.command, *refused, at);
        } else if (const auto* file = told.what.get<FileFound>(); file != nullptr && uid_) {
          found(asker, start, *file, at);
        } else {
          tell(asker.asker, asker.command,
               Refused{Code::not_logged_in, "the session has ended: log in first"}, at);
        }
        answer_waiters(at);
      },
      context);
}

void Scheduler::found(const Waiter& asker, const StartDownload& start, const FileFound& file,
                      Context& context) {
  if (fid_of(file.metainfo) != file.fid) {
    log_error(fmt::format("the trackers' metainfo of {} is not that of its file id", start.file.text));
    return tell(asker.asker, asker.command,
                Refused{Code::integrity,
                        "what the trackers say of this file contradicts itself: it must be shared anew"},
                context);
  }
  Starting starting{asker.asker, asker.command, file.sharers, {}};
  starting.record.uid = *uid_;
  starting.record.gid = file.gid;
  starting.record.group = start.group;
  starting.record.fid = file.fid;
  starting.record.metainfo = file.metainfo;
  starting.record.path = start.destination;
  const std::string inside_folder = start.destination + "/" + start.file.text;
  for (auto it = downloads_.begin(); it != downloads_.end(); ++it) {
    Download& download = it->second;
    const bool same = download.record.gid == file.gid && download.record.fid == file.fid &&
                      (download.record.path == start.destination || download.record.path == inside_folder);
    if (!same || download.phase == DownloadPhase::complete) continue;
    if (download.runs())
      return tell(
          asker.asker, asker.command,
          Refused{Code::destination_exists,
                  fmt::format("a download to {} runs already: see show_downloads", download.record.path)},
          context);
    // What has failed goes on where it stood.
    starting.record = download.record;
    downloads_.erase(it);
    break;
  }
  prepare(std::move(starting), context);
}

void Scheduler::prepare(Starting starting, Context& context) {
  const std::uint64_t tag = prepare_tags | ++last_number_;
  context.send(others_.storage, PrepareDownload{tag, starting.record});
  starting_.emplace(tag, std::move(starting));
}

void Scheduler::on(const DownloadPrepared& prepared, Context& context) {
  auto starting = starting_.extract(prepared.tag);
  if (!starting) return;  // of a session that has ended: it is in the store and comes back with the next
  Starting& what = starting.mapped();
  Download fresh(prepared.download,
                 *Bitfield::parse(prepared.bitfield, PieceLayout(prepared.download.metainfo).piece_count()));
  fresh.phase = DownloadPhase::finding;
  fresh.sharers = std::move(what.sharers);
  fresh.prepared.for_each([&](PieceIndex piece) { fresh.verified += fresh.layout.piece_size(piece); });
  const bool source = std::any_of(fresh.sharers.begin(), fresh.sharers.end(),
                                  [&](const Sharer& sharer) { return sharer.client != options_.self; });
  fresh.shared_before = std::any_of(fresh.sharers.begin(), fresh.sharers.end(),
                                    [&](const Sharer& sharer) { return sharer.client == options_.self; });
  const bool needs_source = !fresh.prepared.all();
  const DownloadId id = prepared.download.id;
  Download& download = downloads_.insert_or_assign(id, std::move(fresh)).first->second;
  download.ask_sharers_at = what.asker.value == 0 ? context.now() : context.now() + options_.sharers_every;
  if (what.asker.value != 0) {
    if (source || !needs_source) {
      tell(what.asker, what.command, Done{}, context);
    } else {
      tell(what.asker, what.command, Refused{Code::no_peers, nobody_shares(download.record.metainfo.name)},
           context);
    }
  }
  context.send(others_.shell, DownloadChanged{download.row(context.now(), 0)});
  take_turns(context);
  keep_ticking(context);
  answer_waiters(context);
}

void Scheduler::on(const DownloadRefused& refused, Context& context) {
  if (auto starting = starting_.extract(refused.tag)) {
    Starting& what = starting.mapped();
    if (what.record.id.value != 0) {
      // It was one of ours and stays one, to be tried again.
      Download& download =
          downloads_
              .insert_or_assign(
                  what.record.id,
                  Download(what.record, Bitfield(PieceLayout(what.record.metainfo).piece_count())))
              .first->second;
      download.phase = DownloadPhase::paused;
      fail(download, refused.code, refused.sentence, context);
    }
    tell(what.asker, what.command, Refused{refused.code, refused.sentence}, context);
    answer_waiters(context);
  } else if (Download* download = find({refused.tag}); download != nullptr && download->runs()) {
    fail(*download, refused.code, refused.sentence, context);
  }
}

void Scheduler::on(const ListDownloads& list, Context& context) {
  if (!uid_)
    return tell(context.sender(), list.command,
                Refused{Code::not_logged_in, "nobody is logged in here: log in first"}, context);
  lists_.push_back({context.sender(), list.command});
  answer_waiters(context);
}

void Scheduler::on(const AwaitDownloads& await, Context& context) {
  waiters_.push_back({context.sender(), await.command});
  answer_waiters(context);
}

bool Scheduler::any_runs() const {
  return std::any_of(downloads_.begin(), downloads_.end(),
                     [](const auto& each) { return each.second.runs(); });
}

/// True while a login brings the downloads back: until then nobody knows what there is.
bool Scheduler::recalling() const {
  return recalling_ || std::any_of(starting_.begin(), starting_.end(),
                                   [](const auto& each) { return each.second.asker.value == 0; });
}

void Scheduler::answer_waiters(Context& context) {
  if (recalling()) return;
  for (const Waiter& waiter : lists_) {
    Downloads downloads{waiter.command, {}};
    for (const auto& [id, download] : downloads_)
      downloads.downloads.push_back(download.row(context.now(), peers_of(download)));
    context.answer(waiter.asker, downloads);
  }
  lists_.clear();
  if (waiters_.empty() || finding_ > 0 || !starting_.empty() || any_runs()) return;
  for (const Waiter& waiter : waiters_) {
    if (first_failure_) {
      tell(waiter.asker, waiter.command, *first_failure_, context);
    } else {
      tell(waiter.asker, waiter.command, Done{}, context);
    }
  }
  waiters_.clear();
  first_failure_.reset();
}

void Scheduler::on(const ForgetCommand& forget, Context& context) {
  const auto forgotten = [&](const Waiter& waiter) {
    return waiter.asker == context.sender() && waiter.command == forget.command;
  };
  std::erase_if(waiters_, forgotten);
  std::erase_if(lists_, forgotten);
  for (auto& [tag, starting] : starting_)
    if (starting.asker == context.sender() && starting.command == forget.command) starting.asker = {};
}

// --- the session ----------------------------------------------------------------------------------------------

void Scheduler::on(const SessionChanged& changed, Context& context) {
  clear(context);
  uid_.reset();
  if (changed.uid.is_zero()) return;
  uid_ = changed.uid;
  recalling_ = true;
  context.send(others_.storage, RecallDownloads{changed.uid});
}

/// The downloads of the session go to rest; the store has them.
void Scheduler::clear(Context& context) {
  const bool unfinished = any_runs() || !starting_.empty();
  for (auto& [id, download] : downloads_) {
    if (!download.runs()) continue;
    stop_fetching(download, context);
    if (download.sharing == Download::Sharing::served)
      context.send(others_.uploader, StopServing{download.record.gid, download.record.fid,
                                                 download.record.part_path, CloseReason::logged_out});
    for (const auto& verifier : others_.verifiers) context.send(verifier, ForgetPieces{id, true});
    if (download.whole.under_way)
      context.send(others_.hashers[id.value % others_.hashers.size()], DropHashing{HashJob{id.value}});
  }
  downloads_.clear();
  for (auto& [tag, starting] : starting_)
    tell(starting.asker, starting.command,
         Refused{Code::unfinished, "the session has ended: log in and it goes on"}, context);
  starting_.clear();
  while (!sources_.empty()) stop_source(sources_.begin()->first, context);
  banned_.clear();
  for (const Waiter& waiter : waiters_)
    tell(waiter.asker, waiter.command,
         unfinished ? TrackerAnswer{Refused{Code::unfinished, "downloads rest until the next login"}}
                    : TrackerAnswer{Done{}},
         context);
  waiters_.clear();
  for (const Waiter& waiter : lists_)
    tell(waiter.asker, waiter.command, Refused{Code::not_logged_in, "the session has ended: log in first"},
         context);
  lists_.clear();
  recalling_ = false;
  first_failure_.reset();
}

void Scheduler::on(const DownloadsRecalled& recalled, Context& context) {
  if (uid_ != recalled.uid) return;
  for (const DownloadRecord& record : recalled.downloads)
    if (!downloads_.contains(record.id)) resume_or_list(record, context);
  recalling_ = false;
  answer_waiters(context);
}

void Scheduler::resume_or_list(DownloadRecord record, Context& context) {
  if (record.phase != DownloadPhase::complete && record.phase != DownloadPhase::failed)
    return prepare(Starting{{}, {}, {}, std::move(record)}, context);
  const DownloadId id = record.id;
  const std::uint32_t pieces = PieceLayout(record.metainfo).piece_count();
  Download& download = downloads_.emplace(id, Download(std::move(record), Bitfield(pieces))).first->second;
  download.code = download.record.code;
  download.sentence = download.record.sentence;
}

void Scheduler::on(const GroupLeft& left, Context& context) {
  for (auto& [id, download] : downloads_)
    if (download.runs() && download.record.group == left.group)
      fail(download, Code::not_a_member, fmt::format("you have left {}", left.group.text), context);
}

void Scheduler::on(const DownloadUnshared& unshared, Context& context) {
  for (auto& [id, download] : downloads_) {
    if (!download.runs() || download.record.group != unshared.group ||
        download.record.metainfo.name != unshared.file)
      continue;
    if (download.sharing == Download::Sharing::served)
      context.send(others_.uploader, StopServing{download.record.gid, download.record.fid,
                                                 download.record.part_path, CloseReason::not_shared});
    download.sharing = Download::Sharing::off;
  }
}

// --- the life of a download -----------------------------------------------------------------------------------

Download* Scheduler::find(DownloadId id) {
  const auto found = downloads_.find(id);
  return found == downloads_.end() ? nullptr : &found->second;
}

void Scheduler::take_turns(Context& context) {
  auto active =
      static_cast<std::size_t>(std::count_if(downloads_.begin(), downloads_.end(), [](const auto& each) {
        return each.second.runs() && each.second.picker.has_value();
      }));
  for (auto& [id, download] : downloads_) {
    if (active >= options_.active_max) return;
    if (!download.runs() || download.picker) continue;
    ++active;
    activate(download, context);
  }
}

void Scheduler::activate(Download& download, Context& context) {
  const DownloadId id = download.record.id;
  for (const auto& verifier : others_.verifiers) context.send(verifier, ForgetPieces{id, false});
  download.picker.emplace(download.layout, download.prepared);
  download.rate.resume(context.now());
  if (download.phase == DownloadPhase::waiting)
    set_phase(download, DownloadPhase::finding, Code::other, {}, context);
  if (!download.picker->complete()) {
    share(id, context);
    use_sharers(download, context);
  }
  hash_on(download, context);
  finish_if_complete(download, context);
}

/// Tells the trackers that what there is of it can be had here.
void Scheduler::share(DownloadId id, Context& context) {
  Download* download = find(id);
  if (download == nullptr || download->sharing != Download::Sharing::none) return;
  download->sharing = Download::Sharing::asked;
  ask(
      StartShare{download->record.gid, download->record.fid},
      [this, id](const Told& told, Context& at) {
        Download* now = find(id);
        if (now == nullptr || now->sharing != Download::Sharing::asked) return;
        const auto* refused = told.what.get<Refused>();
        if (refused != nullptr) {
          now->sharing = Download::Sharing::none;  // asked again with the next tick
          if (is_final(refused->code) && now->runs()) fail(*now, refused->code, refused->sentence, at);
          return;
        }
        now->sharing = Download::Sharing::served;
        // When it is complete by now, the librarian serves it.
        if (!now->runs()) return;
        const DownloadRecord& record = now->record;
        at.send(others_.uploader, ServeFile{record.gid,
                                            record.fid,
                                            record.part_path,
                                            record.metainfo.size,
                                            record.metainfo.piece_length,
                                            now->pieces().bytes(),
                                            {}});
      },
      context);
}

/// Goes on with the chain along the verified pieces.
void Scheduler::hash_on(Download& download, Context& context) {
  WholeHashing& whole = download.whole;
  const Bitfield& pieces = download.pieces();
  while (whole.prefix.value < pieces.size() && pieces.has(whole.prefix)) ++whole.prefix;
  if (whole.under_way) return;
  const bool all = whole.prefix.value == pieces.size();
  const std::uint64_t ready =
      all ? download.layout.size().value : download.layout.piece_offset(whole.prefix).value;
  const ByteCount size{std::min(ready - whole.done.value, stretch_max.value)};
  if (!all && size < stretch_min) return;
  whole.under_way = true;
  whole.due = whole.done + size;
  const DownloadId id = download.record.id;
  context.send(others_.hashers[id.value % others_.hashers.size()],
               HashStretch{HashJob{id.value}, download.record.part_path, whole.done, size,
                           whole.done + size == download.layout.size()});
}

void Scheduler::on(const StretchHashed& hashed, Context& context) {
  Download* download = find({hashed.job.value});
  if (download == nullptr || !download->runs() || !download->picker) return;
  if (!download->whole.under_way || hashed.done != download->whole.due) return;  // of an earlier life of it
  download->whole.under_way = false;
  download->whole.done = hashed.done;
  if (!hashed.sha1) return hash_on(*download, context);
  if (*hashed.sha1 == download->record.metainfo.sha1) {
    context.send(others_.storage,
                 FinishDownload{download->record.id, download->record.part_path, download->record.path});
    download->whole.under_way = true;  // nothing more to hash
    return;
  }
  context.send(others_.storage,
               SettleDownload{download->record.id, DownloadPhase::failed, Code::integrity, {}, true});
  fail(
      *download, Code::integrity,
      "all pieces are right but the SHA-1 of the whole is not: the disk or whoever shared it first is wrong; "
      "start it again to fetch it anew",
      context);
}

void Scheduler::on(const HashFailed& failed, Context& context) {
  Download* download = find({failed.job.value});
  if (download != nullptr && download->runs()) fail(*download, failed.code, failed.sentence, context);
}

void Scheduler::finish_if_complete(Download& download, Context& context) {
  if (!download.picker->complete() || download.phase == DownloadPhase::checking) return;
  for (auto& [address, source] : sources_) leave_lane(source, download.record.id, context);
  for (const auto& verifier : others_.verifiers)
    context.send(verifier, ForgetPieces{download.record.id, true});
  set_phase(download, DownloadPhase::checking, Code::other, {}, context);
}

void Scheduler::on(const DownloadFinished& finished, Context& context) {
  Download* download = find(finished.download);
  if (download == nullptr || !download->runs()) return;
  const DownloadRecord& record = download->record;
  if (download->sharing == Download::Sharing::none) share(record.id, context);
  download->record.phase = DownloadPhase::complete;
  set_phase(*download, DownloadPhase::complete, Code::other, {}, context);
  if (download->sharing != Download::Sharing::off)
    context.send(others_.librarian, AdoptShare{ShareRecord{record.uid, record.gid, record.group, record.fid,
                                                           record.metainfo, record.path, finished.identity}});
  download->picker.reset();
  download->prepared = Bitfield();
  take_turns(context);
  answer_waiters(context);
}

void Scheduler::fail(Download& download, Code code, std::string sentence, Context& context) {
  stop_fetching(download, context);
  const DownloadRecord& record = download.record;
  for (const auto& verifier : others_.verifiers) context.send(verifier, ForgetPieces{record.id, true});
  if (download.whole.under_way)
    context.send(others_.hashers[record.id.value % others_.hashers.size()],
                 DropHashing{HashJob{record.id.value}});
  context.send(others_.storage, SettleDownload{record.id, DownloadPhase::failed, code, sentence, false});
  if (download.sharing == Download::Sharing::served) {
    context.send(others_.uploader,
                 StopServing{record.gid, record.fid, record.part_path, CloseReason::not_shared});
    // Not what is shared from elsewhere on this machine.
    if (!download.shared_before)
      ask(
          StopShare{record.group, record.metainfo.name}, [](const Told&, Context&) {}, context);
  }
  download.sharing = Download::Sharing::none;
  if (!first_failure_)
    first_failure_ = Refused{code, fmt::format("{}: {}", record.metainfo.name.text, sentence)};
  set_phase(download, DownloadPhase::failed, code, std::move(sentence), context);
  download.prepared = download.pieces();
  download.picker.reset();
  take_turns(context);
  answer_waiters(context);
}

void Scheduler::stop_fetching(Download& download, Context& context) {
  for (auto& [address, source] : sources_) leave_lane(source, download.record.id, context);
}

void Scheduler::on(const ServingFailed& failed, Context& context) {
  for (auto& [id, download] : downloads_)
    if (download.runs() && download.record.gid == failed.gid && download.record.fid == failed.fid &&
        download.record.part_path == failed.path && download.sharing == Download::Sharing::served)
      return fail(download, failed.code, failed.sentence, context);
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
  download.phase = phase;
  download.code = code;
  download.sentence = std::move(sentence);
  context.send(others_.shell, DownloadChanged{download.row(context.now(), peers_of(download))});
}

/// Fetching while somebody has what we need, waiting while nobody has.
void Scheduler::settle_phase(Download& download, Context& context) {
  if (!download.runs() || download.phase == DownloadPhase::checking) return;
  if (!download.picker)
    return set_phase(download, DownloadPhase::waiting, Code::other,
                     fmt::format("waits for its turn: {} downloads fetch already", options_.active_max),
                     context);
  if (peers_of(download) > 0) return set_phase(download, DownloadPhase::fetching, Code::other, {}, context);
  if (!download.searched && download.phase == DownloadPhase::finding) return;
  const FileName& file = download.record.metainfo.name;
  const bool some = std::any_of(sources_.begin(), sources_.end(), [&](const auto& each) {
    return each.second.lanes.contains(download.record.id) && download.picker->knows(each.second.peer);
  });
  set_phase(download, DownloadPhase::waiting, Code::no_peers,
            some ? fmt::format(
                       "nobody online has the {} pieces that are missing of {}: it goes on when somebody has",
                       download.picker->pieces_without_source(), file.text)
                 : nobody_shares(file),
            context);
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
    if (download.picker && !download.picker->complete()) {
      share(id, context);
      if (context.now() >= download.ask_sharers_at) ask_sharers(download, context);
    }
    settle_phase(download, context);
  }
  std::vector<Address> idle;
  for (const auto& [address, source] : sources_)
    if (source.idle_since && context.now() - *source.idle_since >= options_.fetcher_idle)
      idle.push_back(address);
  for (const Address address : idle) stop_source(address, context);
  if (any_runs() || !sources_.empty()) keep_ticking(context);
}

void Scheduler::check_invariants() const {
  ENSURE(uid_ || (downloads_.empty() && starting_.empty()));
  std::size_t active = 0;
  for (const auto& [id, download] : downloads_) {
    ENSURE(id == download.record.id);
    ENSURE(download.runs() || !download.picker);
    if (download.picker) download.picker->check_invariants();
    active += download.picker ? 1U : 0U;
  }
  ENSURE(active <= options_.active_max);
  ENSURE(sources_.size() <= budget_.peers_max());
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
