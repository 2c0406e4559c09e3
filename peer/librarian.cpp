#include "peer/librarian.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "peer/tree_path.hpp"

namespace tutti {

namespace {

/// A file that changes all the time is hashed all the same: then it is said that it has changed.
constexpr std::uint32_t measurings_max = 50;

/// It may be written again without its times telling.
bool has_just_changed(const FileIdentity& identity, WallTime now, std::chrono::milliseconds tick) {
  const std::chrono::nanoseconds since =
      now.time_since_epoch() - std::chrono::nanoseconds(identity.changed_ns);
  return since < tick && since > -tick;
}

std::string base_name_of(const std::string& path) {
  const std::string plain = folder_path(path);
  return plain.substr(plain.rfind('/') + 1);
}

/// What there is to say of a directory of which not all is shared.
std::string names_of(const std::vector<std::string>& skipped) {
  constexpr std::size_t named = 100;
  if (skipped.empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < std::min(skipped.size(), named); ++i)
    names += (names.empty() ? "" : ", ") + skipped[i];
  if (skipped.size() > named) names += fmt::format(" and {} more", skipped.size() - named);
  return fmt::format(
      "not shared, as only files and directories are (no links, no special files, no odd names): {}", names);
}

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
  // What is in a directory now is meant, not what was when it was shared before.
  if (is_tree_path(share.path))
    job.path = tree_path(share.path, fmt::format("found-{:016x}", context.random()()));
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

void Librarian::look(const std::string& path, WithFile then, Context& context, bool anew) {
  const std::uint64_t number = ++last_number_;
  looked_.emplace(number, std::move(then));
  context.send(others_.storage, CheckFile{number, path, anew});
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
        if (!jobs_.at(id).rehashes) {
          jobs_.at(id).manifest_size = checked.manifest_size;
          jobs_.at(id).skipped = checked.skipped;
        }
        begin_hashing(id, *checked.identity, at);
      },
      context, is_tree_path(job.path) && !job.rehashes);
}

void Librarian::on(const MeasureDue& due, Context& context) {
  if (jobs_.contains(due.job)) measure(due.job, context);
}

void Librarian::begin_hashing(JobId id, const FileIdentity& identity, Context& context) {
  Job& job = jobs_.at(id);
  job.identity = identity;
  const std::optional<PieceLayout> layout = PieceLayout::for_size(identity.size);
  if (!layout)
    return fail_job(id, Code::other, fmt::format("{} is longer than 1 TiB", shown_path(job.path)), context);
  job.state = JobState::hashing;
  hashing_.emplace(HashJob{id}, job.path, job.file, *layout, others_.hashers.size());
  give_portions(context);
}

void Librarian::give_portions(Context& context) {
  for (std::size_t hasher = 0; hasher < others_.hashers.size(); ++hasher)
    while (const auto portion = hashing_->next(hasher))
      std::visit([&](const auto& hash) { context.send(others_.hashers[hasher], hash, portion->bytes); },
                 portion->what);
}

std::size_t Librarian::hasher_of(Address sender) const {
  const auto found = std::find_if(others_.hashers.begin(), others_.hashers.end(),
                                  [&](const auto& hasher) { return hasher.address == sender; });
  ENSURE(found != others_.hashers.end());
  return static_cast<std::size_t>(found - others_.hashers.begin());
}

void Librarian::on(const PieceHashed& hashed, Context& context) {
  if (is_checked(hashed, context)) return;
  if (!hashing_ || hashing_->job() != hashed.job) return;  // given up meanwhile
  hashing_->piece_done(hasher_of(context.sender()), hashed.piece, {hashed.sha1, hashed.sha256},
                       context.payload());
  hashed_more(context);
}

void Librarian::on(const StretchHashed& hashed, Context& context) {
  if (!hashing_ || hashing_->job() != hashed.job) return;
  hashing_->stretch_done(hasher_of(context.sender()), hashed.done, hashed.sha1);
  hashed_more(context);
}

void Librarian::on(const HashFailed& failed, Context& context) {
  if (is_checked(failed, context)) return;
  if (!hashing_ || hashing_->job() != failed.job) return;
  fail_job(failed.job.value, failed.code, failed.sentence, context);
}

void Librarian::hashed_more(Context& context) {
  const JobId id = hashing_->job().value;
  Job& job = jobs_.at(id);
  if (hashing_->complete()) {
    job.metainfo = hashing_->build();
    job.metainfo->manifest_size = job.manifest_size;
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
          return fail_job(id, Code::io_error,
                          fmt::format("{} changed while it was hashed: share it again when it is finished",
                                      shown_path(job.path)),
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
                         shown_path(job.path)),
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
            put_share(ShareKey{added->gid, added->fid}, std::move(is), at);
          }
        }
        if (!jobs_.contains(id)) return;
        if (told.what.get<FileAdded>() == nullptr) return conclude_adding(id, told, at);
        // Storage does one thing after the other: once it has answered this, the share is in the store, and whoever
        // was told OK has it also after kill -9.
        look(
            share.record.path,
            [this, id, told](const FileChecked&, Context& later) { conclude_adding(id, told, later); }, at);
      },
      context);
  begin_next_job(context);
}

void Librarian::conclude_adding(JobId id, Told outcome, Context& context) {
  if (!jobs_.contains(id)) return;
  const Job& done = jobs_.at(id);
  outcome.command = done.command;
  if (outcome.what.get<FileAdded>() != nullptr && !done.skipped.empty())
    outcome.sentence += (outcome.sentence.empty() ? "" : "; ") + names_of(done.skipped);
  context.answer(done.asker, outcome);
  end_job(id, context);
}

void Librarian::check_invariants() const {
  ENSURE(uid_ || shares_.empty());
  ENSURE(recalling() || stopped_early_.empty());
  ENSURE(jobs_.size() <= jobs_max + shares_.size());
  ENSURE(!at_work_ || jobs_.contains(*at_work_));
  ENSURE(!hashing_ || at_work_ == hashing_->job().value);
  for (const JobId id : waiting_jobs_) ENSURE(jobs_.at(id).state == JobState::waiting);
  for (const auto& [key, share] : shares_)
    ENSURE(share.record.stopped == (share.state == ShareState::stopping));
  ENSURE(at_work_ || waiting_jobs_.empty());
}

}  // namespace tutti
