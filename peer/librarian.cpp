#include "peer/librarian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr std::string_view not_logged_in = "nobody is logged in here: log in first";
/// A file that changes all the time is hashed all the same: then it is said that it has changed.
constexpr std::uint32_t measurings_max = 50;

/// The trackers have spoken: asking again changes nothing.
bool is_final(Code code) {
  return code == Code::no_such_group || code == Code::not_a_member || code == Code::no_such_file ||
         code == Code::not_sharing;
}

/// It may be written again without its times telling.
bool has_just_changed(const FileIdentity& identity, WallTime now, std::chrono::milliseconds tick) {
  const std::chrono::nanoseconds since =
      now.time_since_epoch() - std::chrono::nanoseconds(identity.changed_ns);
  return since < tick && since > -tick;
}

std::string base_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Librarian::Librarian(Others others) : others_(std::move(others)) { ENSURE(!others_.hashers.empty()); }

// --- commands -------------------------------------------------------------------------------------------------

void Librarian::on(const ShareFile& share, Context& context) {
  const auto refuse = [&](Code code, std::string sentence) {
    tell(context.sender(), share.command, Refused{code, std::move(sentence)}, context);
  };
  if (!uid_) return refuse(Code::not_logged_in, std::string(not_logged_in));
  const FileName file{base_name_of(share.path)};
  if (const Fault fault = share.group.fault(); !fault.empty())
    return refuse(Code::invalid_name, fmt::format("this group name is not allowed: {}", fault));
  if (const Fault fault = file.fault(); !fault.empty())
    return refuse(Code::invalid_name, fmt::format("this file name is not allowed: {}", fault));
  if (jobs_.size() >= jobs_max)
    return refuse(Code::other, "too many files wait to be shared: try again when some are done");

  Job job;
  job.asker = context.sender();
  job.command = share.command;
  job.path = share.path;
  job.group = share.group;
  job.file = file;
  const JobId id = new_job(std::move(job));
  ask(
      FindFile{share.group, file},
      [this, id](const Told& told, Context& at) {
        if (!jobs_.contains(id)) return;
        const auto* refused = told.what.get<Refused>();
        if (refused != nullptr && refused->code != Code::no_such_file)
          return fail_job(id, refused->code, refused->sentence, at);
        jobs_.at(id).state = JobState::waiting;
        waiting_jobs_.push_back(id);
        begin_next_job(at);
      },
      context);
}

void Librarian::on(const UnshareFile& unshare, Context& context) {
  const Address asker = context.sender();
  if (!uid_)
    return tell(asker, unshare.command, Refused{Code::not_logged_in, std::string(not_logged_in)}, context);
  // Here and now; the trackers may take their time.
  context.send(others_.scheduler, DownloadUnshared{unshare.group, unshare.file});
  const std::vector<ShareKey> ended = shares_called(unshare.group, unshare.file);
  for (const ShareKey& key : ended) end_share(key, CloseReason::not_shared, context);
  ask(
      StopShare{unshare.group, unshare.file},
      [this, asker, unshare, ended, session = session_](const Told& told, Context& at) {
        const auto* refused = told.what.get<Refused>();
        Told outcome = told;
        outcome.command = unshare.command;
        if (refused != nullptr && !ended.empty()) {
          outcome.what = Done{};
          if (!is_final(refused->code)) {
            outcome.provisional = true;
            outcome.sentence = fmt::format(
                "{} is not shared from here any more; the trackers will hear of it when one answers",
                unshare.file.text);
          }
        }
        if (session == session_ && (refused == nullptr || is_final(refused->code)))
          for (const ShareKey& key : ended)
            if (const Share* share = find_share(key);
                share != nullptr && share->state == ShareState::stopping)
              forget_share(key, CloseReason::not_shared, at);
        at.answer(asker, outcome);
      },
      context);
}

std::vector<Librarian::ShareKey> Librarian::shares_called(const GroupName& group,
                                                          const FileName& file) const {
  std::vector<ShareKey> keys;
  for (const auto& [key, share] : shares_)
    if (share.record.group == group && share.record.metainfo.name == file) keys.push_back(key);
  return keys;
}

void Librarian::on(const ForgetCommand& forget, Context& context) {
  for (auto& [id, job] : jobs_) {
    if (job.rehashes || job.asker != context.sender() || job.command != forget.command) continue;
    // What the trackers are told already is finished, only not told: else they would name us without our serving it.
    if (job.state != JobState::adding) return end_job(id, context);
    job.asker = {};
  }
}

void Librarian::tell(Address asker, CommandId command, TrackerAnswer what, Context& context) {
  context.answer(asker, Told{command, std::move(what), false, {}});
}

// --- questions to others --------------------------------------------------------------------------------------

void Librarian::ask(ClientRequest what, WithTold then, Context& context) {
  const CommandId number{++last_number_};
  asked_.emplace(number, std::move(then));
  context.send(others_.tracker_link, Ask{number, std::move(what)});
}

void Librarian::on(const Told& told, Context& context) {
  if (const auto asked = asked_.extract(told.command)) asked.mapped()(told, context);
}

void Librarian::look(const std::string& path, WithFile then, Context& context) {
  const std::uint64_t number = ++last_number_;
  looked_.emplace(number, std::move(then));
  context.send(others_.storage, CheckFile{number, path});
}

void Librarian::on(const FileChecked& checked, Context& context) {
  if (const auto looked = looked_.extract(checked.tag)) looked.mapped()(checked, context);
}

// --- hashing --------------------------------------------------------------------------------------------------

Librarian::JobId Librarian::new_job(Job job) {
  const JobId id = ++last_job_;
  jobs_.emplace(id, std::move(job));
  return id;
}

void Librarian::end_job(JobId id, Context& context) {
  jobs_.erase(id);
  std::erase(waiting_jobs_, id);
  if (at_work_ != id) return;
  at_work_.reset();
  if (hashing_) context.send(others_.hashers.front(), DropHashing{hashing_->job()});
  hashing_.reset();
  begin_next_job(context);
}

void Librarian::fail_job(JobId id, Code code, std::string sentence, Context& context) {
  const Job job = jobs_.at(id);
  end_job(id, context);
  if (job.rehashes) return file_trouble(*job.rehashes, code, std::move(sentence), context);
  tell(job.asker, job.command, Refused{code, std::move(sentence)}, context);
}

void Librarian::begin_next_job(Context& context) {
  if (at_work_ || waiting_jobs_.empty()) return;
  const JobId id = waiting_jobs_.front();
  waiting_jobs_.pop_front();
  at_work_ = id;
  jobs_.at(id).state = JobState::measuring;
  measure(id, context);
}

void Librarian::measure(JobId id, Context& context) {
  Job& job = jobs_.at(id);
  ++job.measurings;
  look(
      job.path,
      [this, id](const FileChecked& checked, Context& at) {
        if (!jobs_.contains(id)) return;
        if (!checked.identity) return fail_job(id, checked.code, checked.sentence, at);
        if (has_just_changed(*checked.identity, at.wall_time(), tick_max) &&
            jobs_.at(id).measurings < measurings_max) {
          at.after(tick_max, MeasureDue{id});
          return;
        }
        begin_hashing(id, *checked.identity, at);
      },
      context);
}

void Librarian::on(const MeasureDue& due, Context& context) {
  if (jobs_.contains(due.job)) measure(due.job, context);
}

void Librarian::begin_hashing(JobId id, const FileIdentity& identity, Context& context) {
  Job& job = jobs_.at(id);
  job.identity = identity;
  const std::optional<PieceLayout> layout = PieceLayout::for_size(identity.size);
  if (!layout) return fail_job(id, Code::other, fmt::format("{} is longer than 1 TiB", job.path), context);
  job.state = JobState::hashing;
  hashing_.emplace(HashJob{id}, job.path, job.file, *layout, others_.hashers.size());
  give_portions(context);
}

void Librarian::give_portions(Context& context) {
  for (std::size_t hasher = 0; hasher < others_.hashers.size(); ++hasher)
    while (const auto portion = hashing_->next(hasher))
      std::visit([&](const auto& hash) { context.send(others_.hashers[hasher], hash); }, *portion);
}

std::size_t Librarian::hasher_of(Address sender) const {
  const auto found = std::find_if(others_.hashers.begin(), others_.hashers.end(),
                                  [&](const auto& hasher) { return hasher.address == sender; });
  ENSURE(found != others_.hashers.end());
  return static_cast<std::size_t>(found - others_.hashers.begin());
}

void Librarian::on(const PieceHashed& hashed, Context& context) {
  if (!hashing_ || hashing_->job() != hashed.job) return;  // given up meanwhile
  hashing_->piece_done(hasher_of(context.sender()), hashed.piece, {hashed.sha1, hashed.sha256});
  hashed_more(context);
}

void Librarian::on(const StretchHashed& hashed, Context& context) {
  if (!hashing_ || hashing_->job() != hashed.job) return;
  hashing_->stretch_done(hasher_of(context.sender()), hashed.done, hashed.sha1);
  hashed_more(context);
}

void Librarian::on(const HashFailed& failed, Context& context) {
  if (!hashing_ || hashing_->job() != failed.job) return;
  fail_job(failed.job.value, failed.code, failed.sentence, context);
}

void Librarian::hashed_more(Context& context) {
  const JobId id = hashing_->job().value;
  Job& job = jobs_.at(id);
  if (hashing_->complete()) {
    job.metainfo = hashing_->build();
    hashing_.reset();
    return compare(id, context);
  }
  give_portions(context);
  const std::uint64_t size = hashing_->size().value;
  const std::uint64_t percent = size == 0 ? 100 : 100 * hashing_->done().value / size;
  if (percent > job.percent_told && !job.rehashes) {
    job.percent_told = percent;
    context.answer(job.asker, HashProgress{job.command, hashing_->done(), hashing_->size()});
  }
}

void Librarian::compare(JobId id, Context& context) {
  jobs_.at(id).state = JobState::comparing;
  look(
      jobs_.at(id).path,
      [this, id](const FileChecked& checked, Context& at) {
        if (!jobs_.contains(id)) return;
        const Job& job = jobs_.at(id);
        if (!checked.identity) return fail_job(id, checked.code, checked.sentence, at);
        if (!(*checked.identity == job.identity))
          return fail_job(
              id, Code::io_error,
              fmt::format("{} changed while it was hashed: share it again when it is finished", job.path),
              at);
        return job.rehashes ? rehashed(id, at) : add_file(id, at);
      },
      context);
}

void Librarian::rehashed(JobId id, Context& context) {
  const Job job = jobs_.at(id);
  end_job(id, context);
  Share* share = find_share(*job.rehashes);
  if (share == nullptr || share->state != ShareState::rehashing) return;
  if (*job.metainfo == share->record.metainfo) {
    share->record.identity = job.identity;
    context.send(others_.storage, RememberShare{share->record});
    return announce(*job.rehashes, context);
  }
  lose_share(*job.rehashes, Code::file_conflict,
             fmt::format("{} has changed since it was shared, so it is not shared any more: share it again",
                         job.path),
             context);
}

void Librarian::add_file(JobId id, Context& context) {
  Job& job = jobs_.at(id);
  job.state = JobState::adding;
  at_work_.reset();  // the next may be hashed while the trackers are asked
  Share share;
  share.state = ShareState::served;
  share.record = {*uid_, {}, job.group, {}, *job.metainfo, job.path, job.identity, false};
  ask(
      AddFile{job.group, *job.metainfo},
      [this, id, share](const Told& told, Context& at) {
        if (const auto* added = told.what.get<FileAdded>()) {
          Share is = share;
          is.record.gid = added->gid;
          is.record.fid = added->fid;
          at.send(others_.storage, RememberShare{is.record});
          if (uid_ == is.record.uid) {
            serve(is, at);
            shares_.insert_or_assign(ShareKey{added->gid, added->fid}, std::move(is));
          }
        }
        if (!jobs_.contains(id)) return;
        const Job& done = jobs_.at(id);
        Told outcome = told;
        outcome.command = done.command;
        at.answer(done.asker, outcome);
        end_job(id, at);
      },
      context);
  begin_next_job(context);
}

// --- shares ---------------------------------------------------------------------------------------------------

void Librarian::on(const SessionChanged& changed, Context& context) {
  ++session_;
  for (const auto& [key, share] : shares_)
    context.send(others_.uploader,
                 StopServing{key.first, key.second, share.record.path, CloseReason::logged_out});
  shares_.clear();
  while (!jobs_.empty()) {
    const JobId id = jobs_.begin()->first;
    if (jobs_.begin()->second.rehashes) {
      end_job(id, context);
    } else {
      fail_job(id, Code::not_logged_in, "the session has ended: log in and share the file again", context);
    }
  }
  context.cancel(look_timer_);
  uid_.reset();
  if (changed.uid.is_zero()) return;
  uid_ = changed.uid;
  look_timer_ = context.after(look_every, SharesDue{});
  context.send(others_.storage, RecallShares{changed.uid});
}

void Librarian::on(const SharesRecalled& recalled, Context& context) {
  if (uid_ != recalled.uid) return;
  for (const ShareRecord& record : recalled.shares) {
    const ShareKey key{record.gid, record.fid};
    Share share;
    share.record = record;
    if (record.stopped) share.state = ShareState::stopping;
    if (!shares_.try_emplace(key, std::move(share)).second) continue;
    if (record.stopped) {
      tell_end(key, context);
    } else {
      look_at_share(key, context);
    }
  }
}

Librarian::Share* Librarian::find_share(const ShareKey& key) {
  const auto found = shares_.find(key);
  return found == shares_.end() ? nullptr : &found->second;
}

/// Looks whether the file is the one that was hashed; goes on from there.
void Librarian::look_at_share(const ShareKey& key, Context& context) {
  look(
      shares_.at(key).record.path,
      [this, key, session = session_](const FileChecked& checked, Context& at) {
        Share* share = session == session_ ? find_share(key) : nullptr;
        if (share == nullptr || share->state == ShareState::rehashing || share->state == ShareState::stopping)
          return;
        if (!checked.identity) return file_trouble(key, checked.code, checked.sentence, at);
        if (*checked.identity == share->record.identity) {
          if (share->state == ShareState::looking) announce(key, at);
          return;
        }
        // Not served from the moment of the doubt.
        at.send(others_.uploader,
                StopServing{key.first, key.second, share->record.path, CloseReason::file_changed});
        share->state = ShareState::rehashing;
        Job job;
        job.state = JobState::waiting;
        job.path = share->record.path;
        job.group = share->record.group;
        job.file = share->record.metainfo.name;
        job.rehashes = key;
        waiting_jobs_.push_back(new_job(std::move(job)));
        begin_next_job(at);
      },
      context);
}

void Librarian::announce(const ShareKey& key, Context& context) {
  shares_.at(key).state = ShareState::announcing;
  ask(
      StartShare{key.first, key.second},
      [this, key, session = session_](const Told& told, Context& at) {
        Share* share = session == session_ ? find_share(key) : nullptr;
        if (share == nullptr || share->state != ShareState::announcing) return;
        const auto* refused = told.what.get<Refused>();
        if (refused == nullptr) {
          share->state = ShareState::served;
          serve(*share, at);
        } else if (is_final(refused->code)) {
          lose_share(key, refused->code, refused->sentence, at);
        } else {
          share->state = ShareState::looking;  // no answer this time: again with the next round of looking
        }
      },
      context);
}

void Librarian::serve(const Share& share, Context& context) {
  const ShareRecord& record = share.record;
  const auto pieces = Bitfield::full(PieceLayout(record.metainfo).piece_count());
  context.send(others_.uploader, ServeFile{record.gid, record.fid, record.path, record.metainfo.size,
                                           record.metainfo.piece_length, pieces.bytes(), record.identity});
}

void Librarian::on(const AdoptShare& adopt, Context& context) {
  if (uid_ != adopt.share.uid) return;
  const ShareKey key{adopt.share.gid, adopt.share.fid};
  Share share;
  share.record = adopt.share;
  serve(share, context);
  shares_.insert_or_assign(key, std::move(share));
  // What the scheduler has told the trackers of it may not have reached them.
  announce(key, context);
}

void Librarian::on(const ServingFailed& failed, Context& context) {
  const ShareKey key{failed.gid, failed.fid};
  Share* share = find_share(key);
  if (share == nullptr || share->record.path != failed.path) return;
  if (share->state == ShareState::stopping) return;
  if (failed.code != Code::file_conflict) return file_trouble(key, failed.code, failed.sentence, context);
  // A changed file may have its bytes still.
  share->state = ShareState::looking;
  look_at_share(key, context);
}

/// The file of a share cannot be read. If there is none any more, that is its end.
void Librarian::file_trouble(const ShareKey& key, Code code, std::string sentence, Context& context) {
  if (code == Code::no_such_file) return lose_share(key, code, std::move(sentence), context);
  Share* share = find_share(key);
  if (share == nullptr || share->state == ShareState::stopping) return;
  const ShareRecord& record = share->record;
  context.send(others_.uploader, StopServing{key.first, key.second, record.path, CloseReason::not_shared});
  share->state = ShareState::looking;
  share->rests_until = context.now() + rest;
  log_warning(sentence);
  if (!std::exchange(share->trouble_told, true))
    context.send(others_.shell,
                 ShareChanged{record.group, record.metainfo.name, record.path, code,
                              fmt::format("{}; it is not served until it can be read", sentence)});
}

void Librarian::on(const GroupLeft& left, Context& context) {
  std::vector<ShareKey> gone;
  for (const auto& [key, share] : shares_)
    if (share.record.group == left.group) gone.push_back(key);
  for (const ShareKey& key : gone) forget_share(key, CloseReason::not_a_member, context);
}

/// Something happened to a share that its owner did not ask for.
void Librarian::lose_share(const ShareKey& key, Code code, std::string sentence, Context& context) {
  const Share* share = find_share(key);
  if (share == nullptr) return;
  const ShareRecord& record = share->record;
  context.send(others_.shell,
               ShareChanged{record.group, record.metainfo.name, record.path, code, std::move(sentence)});
  end_share(key, CloseReason::file_changed, context);
  tell_end(key, context);
}

/// Not served any more; the trackers have to hear of it.
void Librarian::end_share(const ShareKey& key, CloseReason reason, Context& context) {
  Share& share = shares_.at(key);
  if (share.state == ShareState::stopping) return;
  context.send(others_.uploader, StopServing{key.first, key.second, share.record.path, reason});
  share.state = ShareState::stopping;
  share.record.stopped = true;
  context.send(others_.storage, RememberShare{share.record});
  const auto job =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& each) { return each.second.rehashes == key; });
  if (job != jobs_.end()) end_job(job->first, context);
}

void Librarian::tell_end(const ShareKey& key, Context& context) {
  const ShareRecord& record = shares_.at(key).record;
  ask(
      StopShare{record.group, record.metainfo.name},
      [this, key, session = session_](const Told& told, Context& at) {
        const Share* share = session == session_ ? find_share(key) : nullptr;
        if (share == nullptr || share->state != ShareState::stopping) return;
        const auto* refused = told.what.get<Refused>();
        if (refused == nullptr || is_final(refused->code)) forget_share(key, CloseReason::not_shared, at);
      },
      context);
}

void Librarian::forget_share(const ShareKey& key, CloseReason reason, Context& context) {
  const auto share = shares_.extract(key);
  if (!share) return;
  if (share.mapped().state != ShareState::stopping)
    context.send(others_.uploader, StopServing{key.first, key.second, share.mapped().record.path, reason});
  if (uid_) context.send(others_.storage, ForgetShare{*uid_, key.first, key.second});
}

void Librarian::on(const SharesDue&, Context& context) {
  look_timer_ = context.after(look_every, SharesDue{});
  // In turn, so that a user with very many shares does not keep the disk busy.
  auto next = shares_.upper_bound(last_looked_);
  for (std::size_t i = 0; i < std::min(looks_at_a_time, shares_.size()); ++i) {
    if (next == shares_.end()) next = shares_.begin();
    last_looked_ = next->first;
    const Share& share = next->second;
    ++next;
    if (share.state == ShareState::stopping) {
      tell_end(last_looked_, context);
    } else if (context.now() >= share.rests_until) {
      look_at_share(last_looked_, context);
    }
  }
}

void Librarian::check_invariants() const {
  ENSURE(uid_ || shares_.empty());
  ENSURE(jobs_.size() <= jobs_max + shares_.size());
  ENSURE(!at_work_ || jobs_.contains(*at_work_));
  ENSURE(!hashing_ || at_work_ == hashing_->job().value);
  for (const JobId id : waiting_jobs_) ENSURE(jobs_.at(id).state == JobState::waiting);
  for (const auto& [key, share] : shares_)
    ENSURE(share.record.stopped == (share.state == ShareState::stopping));
  ENSURE(at_work_ || waiting_jobs_.empty());
}

}  // namespace tutti
