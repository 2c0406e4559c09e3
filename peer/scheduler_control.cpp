// The scheduler's part that does what the user wants done with downloads.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/destination.hpp"
#include "peer/scheduler.hpp"

namespace tutti {

namespace {

constexpr std::uint64_t recheck_tags = std::uint64_t{3}
                                       << 62U;  ///< no tag of anything else, no id of a download

}  // namespace

void Scheduler::on(const ControlDownloads& order, Context& context) {
  if (!uid_)
    return tell(context.sender(), order.command,
                Refused{Code::not_logged_in, "nobody is logged in here: log in first"}, context);
  orders_.push_back({{context.sender(), order.command}, order});
  obey_orders(context);
  answer_waiters(context);
}

/// True once it is known what there is.
bool Scheduler::is_settled() const {
  return !recalling_ && std::all_of(starting_.begin(), starting_.end(), [&](const auto& each) {
    return downloads_.contains(each.second.record.id);
  });
}

/// The store gives it its name, or takes that from it.
bool Scheduler::is_between(DownloadId id) const {
  const Download& download = downloads_.at(id);
  return (download.finishing && download.runs()) ||
         std::any_of(starting_.begin(), starting_.end(),
                     [&](const auto& each) { return each.second.right && each.second.record.id == id; });
}

void Scheduler::obey_orders(Context& context) {
  recheck_damaged(context);
  while (!orders_.empty() && is_settled()) {
    const std::vector<DownloadId> downloads = named(orders_.front().what.which);
    if (std::any_of(downloads.begin(), downloads.end(), [&](DownloadId id) { return is_between(id); }))
      return;
    const Order order = std::move(orders_.front());
    orders_.pop_front();
    obey(order, downloads, context);
  }
}

std::vector<DownloadId> Scheduler::named(const std::optional<DownloadName>& which) const {
  std::vector<DownloadId> downloads;
  for (const auto& [id, download] : downloads_) {
    const DownloadRecord& record = download.record;
    const bool meant =
        !which || (record.group == which->group && record.metainfo.name == which->file &&
                   (which->destination.empty() || leads_to(which->destination, which->file, record.path)));
    if (meant) downloads.push_back(id);
  }
  return downloads;
}

/// Why an order makes no sense for any of these downloads.
std::optional<Refused> Scheduler::nothing_to_do(const ControlDownloads& order,
                                                const std::vector<DownloadId>& downloads) const {
  if (!order.which) return std::nullopt;
  const std::string& file = order.which->file.text;
  if (downloads.empty())
    return Refused{
        Code::no_such_file,
        fmt::format("you have no download of {} in {}{}: see show_downloads", file, order.which->group.text,
                    order.which->destination.empty() ? std::string() : " to " + order.which->destination)};
  const auto all_in = [&](auto fits) {
    return std::all_of(downloads.begin(), downloads.end(),
                       [&](DownloadId id) { return fits(downloads_.at(id)); });
  };
  const bool for_running = order.order == DownloadOrder::pause || order.order == DownloadOrder::prioritize;
  if ((for_running || order.order == DownloadOrder::resume) &&
      all_in([](const Download& download) { return download.phase == DownloadPhase::complete; }))
    return Refused{Code::no_such_file, fmt::format("the download of {} is complete", file)};
  if (for_running && all_in([](const Download& download) { return !download.runs(); }))
    return Refused{Code::no_such_file,
                   fmt::format("the download of {} has failed: resume starts it again", file)};
  return std::nullopt;
}

void Scheduler::obey(const Order& order, const std::vector<DownloadId>& downloads, Context& context) {
  if (auto refused = nothing_to_do(order.what, downloads))
    return tell(order.asker.asker, order.asker.command, *std::move(refused), context);
  if (order.what.order == DownloadOrder::cancel) return cancel_downloads(order, downloads, context);
  for (const DownloadId id : downloads) {
    Download& download = downloads_.at(id);
    switch (order.what.order) {
      case DownloadOrder::pause:
        if (download.runs()) pause(download, context);
        break;
      case DownloadOrder::resume:
        if (download.rests() || order.what.which) resume(id, context);
        break;
      case DownloadOrder::recheck: recheck(download, context); break;
      case DownloadOrder::prioritize: {
        DownloadWishes wishes = download.record.wishes;
        wishes.priority = order.what.priority;
        if (download.runs()) wish(download, wishes, context);
        break;
      }
      case DownloadOrder::cancel: break;
    }
  }
  tell(order.asker.asker, order.asker.command, Done{}, context);
}

void Scheduler::wish(Download& download, const DownloadWishes& wishes, Context& context) {
  if (download.record.wishes == wishes) return;
  download.record.wishes = wishes;
  context.send(others_.storage, KeepWishes{download.record.id, wishes});
}

// --- pause and resume -----------------------------------------------------------------------------------------

void Scheduler::pause(Download& download, Context& context) {
  // One that has all its pieces is only being checked: there is nothing to save by leaving it unfinished.
  if (download.phase == DownloadPhase::checking && !download.recheck) return;
  DownloadWishes wishes = download.record.wishes;
  wishes.paused = true;
  wish(download, wishes, context);
  give_up_turn(download, context);
  context.send(verifier_of(download.record.id), EndDownload{download.record.id});
  set_phase(download, DownloadPhase::paused, Code::other, {}, context);
  if (download.serves_at_rest()) share(download.record.id, context);
  take_turns(context);
  keep_ticking(context);
}

/// What is paused goes on, what has failed is tried again.
void Scheduler::resume(DownloadId id, Context& context) {
  Download& download = downloads_.at(id);
  DownloadWishes wishes = download.record.wishes;
  wishes.paused = false;
  if (download.phase == DownloadPhase::failed && !download.recheck) {
    wish(download, wishes, context);
    Starting starting{{}, false, {}, download.record};
    // What was true when it failed. That nobody else shared it then says nothing: the trackers are asked again.
    starting.sharers_known = false;
    if (download.shared_apart == true) starting.shared_apart = true;
    downloads_.erase(id);
    return prepare(std::move(starting), context);
  }
  if (!download.runs() || !download.record.wishes.paused) return;
  wish(download, wishes, context);
  download.queued = ++last_number_;
  // Who was there before it rested may have gone, others have come: nothing is said of that before it is known.
  download.searched = false;
  download.sharers_pause = {};
  if (download.prepare_at) {
    download.prepare_at = context.now();
    set_phase(download, DownloadPhase::waiting, download.code, download.sentence, context);
  } else {
    set_phase(download, DownloadPhase::finding, Code::other, {}, context);
    take_turns(context);
    settle_phase(download, context);
  }
  keep_ticking(context);
}

// --- recheck --------------------------------------------------------------------------------------------------

void Scheduler::recheck(Download& download, Context& context) {
  if (download.recheck) return;
  if (download.runs()) {
    give_up_turn(download, context);
    context.send(verifier_of(download.record.id), EndDownload{download.record.id});
    stop_serving(download, CloseReason::busy, context);
    if (download.sharing != Download::Sharing::off) download.sharing = Download::Sharing::none;
    download.prepare_at.reset();
  }
  download.recheck.emplace();
  const DownloadId id = download.record.id;
  const std::uint64_t tag = recheck_tags | ++last_number_;
  starting_.emplace(tag, Starting{{}, false, download.sharers, download.record, true});
  context.send(others_.storage, RecheckDownload{tag, id});
  context.send(others_.shell, DownloadChanged{download.row(context.now(), 0)});
  take_turns(context);
}

/// Whatever comes of what the store does for this download concerns nobody any more.
void Scheduler::drop_starting(DownloadId id) {
  std::erase_if(starting_, [&](const auto& each) { return each.second.record.id == id; });
}

Download* Scheduler::rechecked(std::uint64_t tag) {
  const auto starting = starting_.find(tag);
  return starting == starting_.end() || !starting->second.rechecks ? nullptr
                                                                   : find(starting->second.record.id);
}

void Scheduler::on(const RecheckProgress& progress, Context&) {
  if (Download* download = rechecked(progress.tag))
    download->recheck = RecheckState{progress.pieces, progress.right};
}

void Scheduler::on(const DownloadSound& sound, Context& context) {
  Download* download = rechecked(sound.tag);
  if (download == nullptr) return;
  starting_.erase(sound.tag);
  download->recheck.reset();
  damage_is_over(*download, context);
  const DownloadRecord& record = download->record;
  if (!record.only.empty())
    context.send(others_.shell,
                 Notice{NoticeKind::info,
                        record.group.text,
                        {},
                        fmt::format("{}: the pieces that are here as a whole are right; those of "
                                    "which --only wanted a part cannot be hashed",
                                    record.metainfo.name.text)});
  context.send(others_.shell, DownloadChanged{download->row(context.now(), 0)});
  obey_orders(context);
  answer_waiters(context);
}

void Scheduler::on(const DownloadUnsound& unsound, Context& context) {
  const Download* download = rechecked(unsound.tag);
  if (download == nullptr) return;
  starting_.at(unsound.tag).right = unsound.bitfield;
  const DownloadRecord& record = download->record;
  damaged_.erase({record.gid, record.fid});
  context.send(others_.librarian, ReturnShare{record.gid, record.fid, record.path});
}

void Scheduler::on(const ShareReturned& returned, Context& context) {
  for (auto& [tag, starting] : starting_) {
    DownloadRecord& record = starting.record;
    if (!starting.right || record.gid != returned.gid || record.fid != returned.fid ||
        record.path != returned.path)
      continue;
    // Also one that was kept private at first and shared by hand later.
    record.share = record.share || returned.shared;
    context.send(others_.storage, ReopenDownload{tag, record.id, *starting.right, record.share});
  }
}

/// Says what is wrong, if something is that was thought to be there.
void Scheduler::end_recheck(const Starting& starting, const Download& before, const Download& now,
                            Context& context) {
  const std::uint32_t thought = starting.right ? now.layout.piece_count() : before.pieces().count();
  std::uint32_t wrong = starting.right ? thought - now.prepared.count() : 0;
  if (!starting.right)
    before.pieces().for_each([&](PieceIndex piece) { wrong += now.prepared.has(piece) ? 0U : 1U; });
  if (wrong == 0) return;
  context.send(others_.shell,
               Notice{NoticeKind::info,
                      now.record.group.text,
                      {},
                      fmt::format("{}: of {} {} on the disk {} {} wrong and {} fetched again",
                                  now.record.metainfo.name.text, thought,
                                  thought == 1 ? options_.words.piece : options_.words.pieces, wrong,
                                  wrong == 1 ? "is" : "are", wrong == 1 ? "is" : "are")});
}

/// It stays as it was, if that is still true.
void Scheduler::recheck_refused(const Starting& starting, Refused why, Context& context) {
  if (why.code == Code::integrity) why.sentence = options_.words.whole_wrong;
  Download* download = find(starting.record.id);
  if (download == nullptr || !download->recheck) return;
  download->recheck.reset();
  damage_is_over(*download, context);
  if (download->runs() || starting.right) return fail(*download, why.code, why.sentence, context);
  if (!first_failure_)
    first_failure_ =
        Refused{why.code, fmt::format("{}: {}", starting.record.metainfo.name.text, why.sentence)};
  context.send(others_.shell, Notice{NoticeKind::info, starting.record.group.text, {}, why.sentence});
  context.send(others_.shell, DownloadChanged{download->row(context.now(), 0)});
}

// --- cancel ---------------------------------------------------------------------------------------------------

void Scheduler::cancel_downloads(const Order& order, const std::vector<DownloadId>& downloads,
                                 Context& context) {
  const std::uint64_t number = ++last_number_;
  Cancelling& cancelling = cancelling_[number];
  cancelling.asker = order.asker;
  cancelling.session = session_;
  for (const DownloadId id : downloads) {
    Download& download = downloads_.at(id);
    const bool with_part = download.runs();
    if (download.phase == DownloadPhase::failed)
      cancelling.sentence = fmt::format("what there is of it stays in {}", download.record.part_path);
    if (with_part) {
      leave(download, context);
      leave_trackers(download, context);
    }
    drop_starting(id);
    download.recheck.reset();
    context.send(others_.storage, ForgetDownload{id, with_part});
    cancelling.left.emplace(id, std::move(downloads_.extract(id).mapped()));
  }
  recheck_damaged(context);
  take_turns(context);
  answer_waiters(context);
}

void Scheduler::leave(Download& download, Context& context) {
  give_up_turn(download, context);
  context.send(verifier_of(download.record.id), EndDownload{download.record.id});
  stop_serving(download, CloseReason::not_shared, context);
  download.prepare_at.reset();
}

/// Takes the file off the trackers, unless the user shares it apart from this download as well.
void Scheduler::leave_trackers(const Download& download, Context& context) {
  const DownloadRecord& record = download.record;
  if (!record.share || download.shared_apart == true) return;
  const StopShare stop{record.group, record.metainfo.name};
  if (download.shared_apart)
    return ask(
        stop, [](const Told&, Context&) {}, context);
  // Of one that a login has brought back and that has rested since, only the trackers know.
  ask(
      FindSharers{record.gid, record.fid},
      [this, stop, session = session_](const Told& told, Context& at) {
        const auto* sharers = told.what.get<Sharers>();
        if (session != session_ || (sharers != nullptr && shares_apart(sharers->sharers, true))) return;
        ask(
            stop, [](const Told&, Context&) {}, at);
      },
      context);
}

void Scheduler::on(const DownloadForgotten& done, Context& context) { forgotten(done.download, {}, context); }

/// The store has done its part; or cannot, and then the download is still there.
void Scheduler::forgotten(DownloadId id, std::optional<Refused> fault, Context& context) {
  const auto found = std::find_if(cancelling_.begin(), cancelling_.end(),
                                  [&](const auto& each) { return each.second.left.contains(id); });
  if (found == cancelling_.end()) return;
  Cancelling& cancelling = found->second;
  auto download = cancelling.left.extract(id);
  if (fault) {
    if (cancelling.session == session_ && !find(id)) {
      Download& back = downloads_.insert(std::move(download)).position->second;
      if (back.runs()) fail(back, fault->code, fault->sentence, context);
    }
    cancelling.fault = std::move(fault);
  }
  if (!cancelling.left.empty()) return;
  const Cancelling done = std::move(cancelling);
  cancelling_.erase(found);
  if (done.asker.asker.value == 0) return;
  context.answer(done.asker.asker,
                 Told{done.asker.command, done.fault ? TrackerAnswer{*done.fault} : TrackerAnswer{Done{}},
                      false, done.fault ? std::string() : done.sentence});
}

}  // namespace tutti
