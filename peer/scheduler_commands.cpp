// The scheduler's part that deals with commands, sessions and the store: what becomes a download, and what is there.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/destination.hpp"
#include "peer/metainfo_builder.hpp"
#include "peer/scheduler.hpp"

namespace tutti {

namespace {

/// Tags of PrepareDownload must not be taken for ids of downloads, which FinishDownload uses.
constexpr std::uint64_t prepare_tags = std::uint64_t{1} << 63U;

std::string other_part_of(const DownloadRecord& rival) {
  return fmt::format("{} to {} is fetched already, with other --only: wait for it or cancel it first",
                     rival.only.empty() ? "all of it" : "a part of it", rival.path);
}

}  // namespace

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
  const std::uint64_t number = ++last_number_;
  finding_.emplace(number, Finding{{context.sender(), start.command}, start, {}});
  // tracker_link checks login and names before it asks.
  ask(
      FindFile{start.group, start.file},
      [this, number](const Told& told, Context& at) {
        const auto finding = finding_.find(number);
        if (finding == finding_.end()) return;  // its session has ended
        if (const auto* file = told.what.get<FileFound>()) {
          finding->second.found = *file;
          return begin_found(at);
        }
        const auto* refused = told.what.get<Refused>();
        const Waiter asker = finding->second.asker;
        finding_.erase(finding);
        tell(asker.asker, asker.command,
             refused != nullptr ? *refused : Refused{Code::other, "the tracker gave another answer"}, at);
        answer_waiters(at);
      },
      context);
}

/// Begins what has been found, as far as it is known what there is already: see the rule of one download a place.
void Scheduler::begin_found(Context& context) {
  for (;;) {
    const bool settling = std::any_of(starting_.begin(), starting_.end(),
                                      [](const auto& each) { return each.second.record.id.value == 0; });
    if (recalling_ || settling) return;
    const auto next = std::find_if(finding_.begin(), finding_.end(),
                                   [](const auto& each) { return each.second.found.has_value(); });
    if (next == finding_.end()) break;
    const Finding finding = std::move(next->second);
    finding_.erase(next);
    begin(finding, context);
  }
  answer_waiters(context);
}

void Scheduler::begin(const Finding& finding, Context& context) {
  const StartDownload& start = finding.start;
  const FileFound& file = *finding.found;
  const auto refuse = [&](Code code, std::string sentence) {
    tell(finding.asker.asker, finding.asker.command, Refused{code, std::move(sentence)}, context);
  };
  if (!uid_) return refuse(Code::not_logged_in, "the session has ended: log in first");
  if (!start.only.empty() && !file.metainfo.is_tree())
    return refuse(Code::usage,
                  fmt::format("{} is no directory: --only chooses what is in one", start.file.text));
  if (fid_of(file.metainfo) != file.fid) {
    log_error(fmt::format("the trackers' metainfo of {} is not that of its file id", start.file.text));
    return refuse(Code::integrity,
                  "what the trackers say of this file contradicts itself: it must be shared anew");
  }
  if (const DownloadRecord* rival = rival_of(start)) {
    if (rival->gid != file.gid || rival->fid != file.fid)
      return refuse(Code::destination_exists,
                    fmt::format("another download to {} runs already: see show_downloads", rival->path));
    if (rival->only != start.only) return refuse(Code::destination_exists, other_part_of(*rival));
    // It goes on.
    if (Download* known = find(rival->id)) {
      DownloadWishes wishes = known->record.wishes;
      wishes.sequential = wishes.sequential || start.sequential;
      wish(*known, wishes, context);
      resume(known->record.id, context);
    }
    return tell(finding.asker.asker, finding.asker.command, Done{}, context);
  }
  Starting starting{finding.asker, false, file.sharers, {}};
  starting.record.uid = *uid_;
  starting.record.gid = file.gid;
  starting.record.group = start.group;
  starting.record.fid = file.fid;
  starting.record.metainfo = file.metainfo;
  starting.record.path = start.destination;
  const auto failed = std::find_if(downloads_.begin(), downloads_.end(), [&](const auto& each) {
    const Download& download = each.second;
    return download.phase == DownloadPhase::failed && download.record.gid == file.gid &&
           download.record.fid == file.fid && leads_to(start.destination, start.file, download.record.path);
  });
  if (failed != downloads_.end() && failed->second.record.only != start.only)
    return refuse(Code::destination_exists, other_part_of(failed->second.record));
  if (failed != downloads_.end()) {
    // It goes on where it stood.
    const DownloadWishes before = failed->second.record.wishes;
    wish(failed->second, {false, before.priority, before.sequential || start.sequential}, context);
    starting.record = failed->second.record;
    downloads_.erase(failed);
  } else {
    starting.record.wishes.sequential = start.sequential;
    if (file.metainfo.is_tree()) starting.record.only = start.only;
  }
  meet(starting.sharers, context);
  prepare(std::move(starting), context);
}

/// The download that has, or is to have, its file where this one is to be put. Null: none.
const DownloadRecord* Scheduler::rival_of(const StartDownload& start) const {
  for (const auto& [tag, starting] : starting_)
    if (leads_to(start.destination, start.file, starting.record.path)) return &starting.record;
  for (const auto& [id, download] : downloads_)
    if (download.runs() && leads_to(start.destination, start.file, download.record.path))
      return &download.record;
  return nullptr;
}

/// The store has not answered yet what there is of it.
bool Scheduler::is_starting(DownloadId id) const {
  return std::any_of(starting_.begin(), starting_.end(),
                     [&](const auto& each) { return each.second.record.id == id; });
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
  const DownloadId id = prepared.download.id;
  const Download* known = find(id);
  if (known != nullptr && !known->prepare_at && !what.rechecks) return begin_found(context);
  Download fresh(prepared.download,
                 *Bitfield::parse(prepared.bitfield, PieceLayout(prepared.download.metainfo).piece_count()));
  fresh.phase = DownloadPhase::finding;
  fresh.queued = ++last_number_;
  fresh.sharers = std::move(what.sharers);
  if (!what.recalled) fresh.sharers_pause = options_.sharers_first;
  if (known != nullptr) fresh.record.wishes = known->record.wishes;
  if (fresh.record.wishes.paused) fresh.phase = DownloadPhase::paused;
  fresh.record.share = fresh.record.share && what.record.share;
  if (!fresh.record.share) fresh.sharing = Download::Sharing::off;
  // Said while storage was making its place, when it had no id yet.
  if (prepared.download.share && !fresh.record.share) context.send(others_.storage, KeepPrivate{id});
  fresh.prepared.for_each([&](PieceIndex piece) { fresh.verified += fresh.layout.piece_size(piece); });
  const bool source = std::any_of(fresh.sharers.begin(), fresh.sharers.end(),
                                  [&](const Sharer& sharer) { return sharer.client != options_.self; });
  if (what.rechecks) {
    if (known->runs()) fresh.shared_apart = known->shared_apart;
    end_recheck(what, *known, fresh, context);
  } else if (what.lays_out && known != nullptr) {
    fresh.shared_apart = known->shared_apart;
    fresh.announced = known->announced;
    fresh.sharing = known->sharing;
    fresh.searched = known->searched;
    fresh.sharers_pause = options_.sharers_first;
    fresh.wanted_by = known->wanted_by;
  } else if (!what.sharers_known) {
    fresh.shared_apart = what.shared_apart;
  } else if (!what.recalled) {
    fresh.shared_apart = shares_apart(fresh.sharers, false);
  }
  const bool needs_source = !fresh.prepared.all();
  supersede(fresh.record, context);
  const Download& download = downloads_.insert_or_assign(id, std::move(fresh)).first->second;
  tell(what.asker.asker, what.asker.command,
       source || !needs_source ? TrackerAnswer{Done{}}
                               : TrackerAnswer{Refused{Code::no_peers, download.nobody_shares()}},
       context);
  context.send(others_.shell, DownloadChanged{download.row(context.now(), 0)});
  if (what.lays_out && download.sharing == Download::Sharing::served) serve(download, context);
  if (download.serves_at_rest()) share(id, context);
  take_turns(context);
  keep_ticking(context);
  begin_found(context);
  obey_orders(context);
  answer_waiters(context);
}

void Scheduler::on(const DownloadRefused& refused, Context& context) {
  if (auto starting = starting_.extract(refused.tag)) {
    const Starting& what = starting.mapped();
    if (what.rechecks) {
      recheck_refused(what, Refused{refused.code, refused.sentence}, context);
    } else if (what.recalled && refused.code != Code::destination_exists && refused.code != Code::integrity &&
               !(what.lays_out && refused.code == Code::no_such_file)) {
      prepare_later(what, refused, context);
    } else if (Download* known = find(what.record.id); known != nullptr && what.lays_out) {
      fail(*known, refused.code, refused.sentence, context);
    } else if (what.record.id.value != 0) {
      // It was one of ours and stays one, to be tried again.
      const std::uint32_t pieces = PieceLayout(what.record.metainfo).piece_count();
      Download& download =
          downloads_.insert_or_assign(what.record.id, Download(what.record, Bitfield(pieces))).first->second;
      download.phase = DownloadPhase::paused;
      fail(download, refused.code, refused.sentence, context);
    }
    tell(what.asker.asker, what.asker.command, Refused{refused.code, refused.sentence}, context);
    begin_found(context);
    obey_orders(context);
    answer_waiters(context);
  } else if (Download* download = find({refused.tag}); download != nullptr && download->runs()) {
    fail(*download, refused.code, refused.sentence, context);
    obey_orders(context);
    answer_waiters(context);
  } else {
    forgotten({refused.tag}, Refused{refused.code, refused.sentence}, context);
  }
}

/// True if the user shares the file, as the trackers say, not by a download that is to begin. One that a login brings
/// back has had this client named already: then only another client of the user tells.
bool Scheduler::shares_apart(const std::vector<Sharer>& sharers, bool recalled) const {
  return std::any_of(sharers.begin(), sharers.end(), [&](const Sharer& sharer) {
    return sharer.user.text == user_ && !(recalled && sharer.client == options_.self);
  });
}

/// Nobody is there at a login to start it again by hand, and what is in the way then mostly goes away by itself.
void Scheduler::prepare_later(const Starting& starting, const DownloadRefused& why, Context& context) {
  const DownloadId id = starting.record.id;
  if (!find(id)) {
    const std::uint32_t pieces = PieceLayout(starting.record.metainfo).piece_count();
    downloads_.emplace(id, Download(starting.record, Bitfield(pieces))).first->second.phase =
        DownloadPhase::finding;
  }
  Download& download = downloads_.at(id);
  if (!download.runs()) return;
  download.prepare_at = context.now() + options_.prepare_again_after;
  set_phase(download, download.record.wishes.paused ? DownloadPhase::paused : DownloadPhase::waiting,
            why.code, why.sentence + "; it is tried again", context);
  keep_ticking(context);
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
  return std::any_of(downloads_.begin(), downloads_.end(), [](const auto& each) {
    const Download& download = each.second;
    return download.recheck || (download.runs() && !download.rests());
  });
}

/// True while a login brings the downloads back: until then nobody knows what there is.
bool Scheduler::recalling() const {
  return recalling_ || std::any_of(starting_.begin(), starting_.end(), [&](const auto& each) {
           return each.second.recalled && !downloads_.contains(each.second.record.id);
         });
}

/// To wait for a paused download would be to wait for ever, and to call it complete a lie.
Refused Scheduler::paused_ones() const {
  std::vector<std::string> files;
  for (const auto& [id, download] : downloads_)
    if (download.rests()) files.push_back(download.record.metainfo.name.text);
  return {Code::unfinished, files.size() == 1 ? fmt::format("{} is paused: resume it", files.front())
                                              : fmt::format("{} downloads are paused ({}): resume them",
                                                            files.size(), fmt::join(files, ", "))};
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
  if (waiters_.empty() || !finding_.empty() || !starting_.empty() || !orders_.empty() || any_runs()) return;
  const bool any_paused =
      std::any_of(downloads_.begin(), downloads_.end(), [](const auto& each) { return each.second.rests(); });
  for (const Waiter& waiter : waiters_) {
    if (first_failure_) {
      tell(waiter.asker, waiter.command, *first_failure_, context);
    } else if (any_paused) {
      tell(waiter.asker, waiter.command, paused_ones(), context);
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
  std::erase_if(orders_, [&](const Order& order) { return forgotten(order.asker); });
  for (auto& [number, cancelling] : cancelling_)
    if (forgotten(cancelling.asker)) cancelling.asker.asker = {};
  std::erase_if(diagnoses_, [&](const auto& each) { return forgotten(each.second.asker); });
  // The download itself goes on.
  for (auto& [number, finding] : finding_)
    if (forgotten(finding.asker)) finding.asker.asker = {};
  for (auto& [tag, starting] : starting_)
    if (forgotten(starting.asker)) starting.asker.asker = {};
}

// --- the session ----------------------------------------------------------------------------------------------

void Scheduler::on(const SessionChanged& changed, Context& context) {
  clear(context);
  uid_.reset();
  ++session_;
  tickets_.clear();
  if (changed.uid.is_zero()) return;
  uid_ = changed.uid;
  user_ = changed.user;
  recalling_ = true;
  context.send(others_.storage, RecallDownloads{changed.uid, session_});
}

/// The downloads of the session go to rest; the store has them.
void Scheduler::clear(Context& context) {
  const bool unfinished = any_runs() || !starting_.empty();
  for (auto& [id, download] : downloads_) {
    if (!download.runs()) continue;
    stop_fetching(download, context);
    stop_serving(download, CloseReason::logged_out, context);
    context.send(verifier_of(id), EndDownload{id});
  }
  downloads_.clear();
  for (auto& [tag, starting] : starting_)
    tell(starting.asker.asker, starting.asker.command,
         Refused{Code::unfinished, "the session has ended: log in and it goes on"}, context);
  starting_.clear();
  for (auto& [number, finding] : finding_)
    tell(finding.asker.asker, finding.asker.command,
         Refused{Code::not_logged_in, "the session has ended: log in first"}, context);
  finding_.clear();
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
  for (const Order& order : orders_)
    tell(order.asker.asker, order.asker.command,
         Refused{Code::not_logged_in, "the session has ended: log in first"}, context);
  orders_.clear();
  damaged_.clear();
  checks_.clear();
  recalling_ = false;
  unshared_.clear();
  first_failure_.reset();
}

void Scheduler::on(const DownloadsRecalled& recalled, Context& context) {
  if (!uid_ || recalled.session != session_) return;  // of a session that has ended
  for (const DownloadRecord& record : recalled.downloads) resume_or_list(record, context);
  recalling_ = false;
  for (const DownloadUnshared& unshared : std::exchange(unshared_, {})) keep_private(unshared, context);
  begin_found(context);
  obey_orders(context);
  answer_waiters(context);
}

/// Of downloads that were complete at the place of this one only the files are gone: it alone is meant by that place.
void Scheduler::supersede(const DownloadRecord& record, Context& context) {
  for (auto it = downloads_.begin(); it != downloads_.end();) {
    const auto here = it++;
    const Download& other = here->second;
    if (other.phase != DownloadPhase::complete || here->first == record.id ||
        other.record.path != record.path)
      continue;
    drop_starting(here->first);
    context.send(others_.storage, ForgetDownload{here->first, false});
    downloads_.erase(here);
  }
}

void Scheduler::resume_or_list(DownloadRecord record, Context& context) {
  if (record.phase == DownloadPhase::complete)
    supersede(record, context);  // an older one, from before that rule
  if (record.phase != DownloadPhase::complete && record.phase != DownloadPhase::failed)
    return prepare(Starting{{}, true, {}, std::move(record)}, context);
  const DownloadId id = record.id;
  const std::uint32_t pieces = PieceLayout(record.metainfo).piece_count();
  Download& download = downloads_.emplace(id, Download(std::move(record), Bitfield(pieces))).first->second;
  download.code = download.record.code;
  download.sentence = download.record.sentence;
}

void Scheduler::on(const GroupLeft& left, Context& context) {
  for (auto& [id, download] : downloads_)
    if (download.runs() && download.record.group == left.group)
      fail(download, Code::not_a_member, left.sentence, context);
}

void Scheduler::on(const DownloadUnshared& unshared, Context& context) {
  // What the store brings back may be meant as well.
  if (recalling_) unshared_.push_back(unshared);
  keep_private(unshared, context);
}

void Scheduler::keep_private(const DownloadUnshared& unshared, Context& context) {
  const auto meant = [&](const DownloadRecord& record) {
    return record.group == unshared.group && record.metainfo.name == unshared.file;
  };
  for (auto& [tag, starting] : starting_) {
    if (!meant(starting.record)) continue;
    starting.record.share = false;
    if (starting.record.id.value != 0) context.send(others_.storage, KeepPrivate{starting.record.id});
  }
  for (auto& [id, download] : downloads_) {
    if (!meant(download.record)) continue;
    download.record.share = false;
    context.send(others_.storage, KeepPrivate{id});
    if (download.phase == DownloadPhase::complete) continue;  // the librarian serves it, and ends that
    // Storage may have given it its name by now, and remembers it as a share with that.
    if (download.finishing)
      context.send(others_.storage,
                   ForgetShare{download.record.uid, download.record.gid, download.record.fid});
    stop_serving(download, CloseReason::not_shared, context);
    download.sharing = Download::Sharing::off;
    download.announced = false;  // the librarian takes it off the trackers
  }
}

}  // namespace tutti
