// The librarian's part that deals with what is shared already.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/librarian.hpp"
#include "peer/tree_path.hpp"

namespace tutti {

namespace {

/// All pieces of `part` are in `known` as well.
bool has_more(const ShareRecord& known, const ShareRecord& part) {
  if (part.pieces.empty() || known.path == part.path) return false;
  if (known.pieces.empty()) return true;
  const std::uint32_t count = PieceLayout(part.metainfo).piece_count();
  Bitfield both = *Bitfield::parse(known.pieces, count);
  const std::uint32_t before = both.count();
  Bitfield::parse(part.pieces, count)->for_each([&](PieceIndex piece) { both.set(piece); });
  return both.count() == before;
}

/// The trackers have spoken: asking again changes nothing.
bool is_last_word(Code code) {
  return code == Code::no_such_group || code == Code::not_a_member || code == Code::no_such_file ||
         code == Code::not_sharing;
}

}  // namespace

// --- commands -------------------------------------------------------------------------------------------------

void Librarian::on(const UnshareFile& unshare, Context& context) {
  const Address asker = context.sender();
  if (!uid_)
    return tell(asker, unshare.command, Refused{Code::not_logged_in, std::string(not_logged_in)}, context);
  // Here and now; the trackers may take their time.
  context.send(others_.scheduler, DownloadUnshared{unshare.group, unshare.file});
  if (recalling()) stopped_early_.emplace(unshare.group, unshare.file);
  std::vector<ShareKey> known = shares_called(unshare.group, unshare.file);
  for (const ShareKey& key : known) end_share(key, CloseReason::not_shared, context);
  ask(
      StopShare{unshare.group, unshare.file},
      [this, asker, unshare, known = std::move(known), session = session_](const Told& told, Context& at) {
        std::vector<ShareKey> ended = known;
        if (session == session_)  // those, too, that came back meanwhile
          for (const ShareKey& key : shares_called(unshare.group, unshare.file))
            if (shares_.at(key).state == ShareState::stopping &&
                std::find(known.begin(), known.end(), key) == known.end())
              ended.push_back(key);
        const auto* refused = told.what.get<Refused>();
        Told outcome = told;
        outcome.command = unshare.command;
        if (refused != nullptr && !ended.empty()) {
          outcome.what = Done{};
          if (!is_last_word(refused->code)) {
            outcome.provisional = true;
            outcome.sentence = fmt::format(
                "{} is not shared from here any more; the trackers will hear of it when one answers",
                unshare.file.text);
          }
        }
        if (session == session_)
          for (const ShareKey& key : ended) end_told(key, told, at);
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

// --- shares ---------------------------------------------------------------------------------------------------

void Librarian::on(const SessionChanged& changed, Context& context) {
  ++session_;
  for (const auto& [key, share] : shares_)
    stop_serving(StopServing{key.first, key.second, share.record.path, CloseReason::logged_out}, context);
  shares_.clear();
  checks_.clear();
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
  stopped_early_.clear();
  returned_early_.clear();
  if (changed.uid.is_zero()) return;
  uid_ = changed.uid;
  ++recalls_[changed.uid];
  look_timer_ = context.after(look_every, SharesDue{});
  context.send(others_.storage, RecallShares{changed.uid});
}

void Librarian::on(const SharesRecalled& recalled, Context& context) {
  const auto owed = recalls_.find(recalled.uid);
  if (owed == recalls_.end() || --owed->second > 0) return;
  recalls_.erase(owed);
  if (uid_ != recalled.uid) return;
  const auto stopped_early = std::exchange(stopped_early_, {});
  for (const ShareRecord& record : recalled.shares) {
    const ShareKey key{record.gid, record.fid};
    Share share;
    share.record = record;
    share.doubts_left = doubts;
    if (record.stopped) share.state = ShareState::stopping;
    if (!shares_.try_emplace(key, std::move(share)).second) continue;
    if (stopped_early.contains({record.group, record.metainfo.name})) {
      end_share(key, CloseReason::not_shared, context);
      tell_end(key, context);
    } else if (record.stopped) {
      tell_end(key, context);
    } else {
      look_at_share(key, context);
    }
  }
  for (const auto& [asker, back] : std::exchange(returned_early_, {})) give_back(asker, back, context);
}

Librarian::Share* Librarian::find_share(const ShareKey& key) {
  const auto found = shares_.find(key);
  return found == shares_.end() ? nullptr : &found->second;
}

/// Looks whether the file is the one that was hashed; goes on from there.
void Librarian::look_at_share(const ShareKey& key, Context& context) {
  const std::string path = shares_.at(key).record.path;
  if (std::exchange(shares_.at(key).looked_at, true)) return;
  look(
      path,
      [this, key, path, session = session_, begun = context.now()](const FileChecked& checked, Context& at) {
        Share* share = session == session_ ? find_share(key) : nullptr;
        // The same bytes may be shared from another path by now: this says nothing of them.
        if (share == nullptr || share->record.path != path) return;
        share->looked_at = false;
        share->rests_until = at.now() + looks_apart * (at.now() - begun);
        if (share->state == ShareState::rehashing || share->state == ShareState::stopping || share->damaged)
          return;
        if (!checked.identity) return file_trouble(key, checked.code, checked.sentence, at);
        if (*checked.identity == share->record.identity) {
          if (share->state == ShareState::looking) announce(key, at);
          return;
        }
        // Not served from the moment of the doubt.
        stop_serving(StopServing{key.first, key.second, share->record.path, CloseReason::file_changed}, at);
        if (!share->record.pieces.empty())
          return lose_share(key, Code::file_conflict,
                            fmt::format("{} has changed since it was shared, so it is not shared any more",
                                        shown_path(path)),
                            at);
        // Whoever writes into it has hardly finished: what is hashed now would have to be hashed again, and at the very moment
        // in which those who fetched it begin to fetch it elsewhere.
        // When it was changed, as that is a time also of a directory, and nobody can set it.
        const auto written = WallTime(std::chrono::floor<std::chrono::milliseconds>(
            std::chrono::nanoseconds(checked.identity->changed_ns)));
        const WallTime now = at.wall_time();
        if (written <= now && written > now - std::chrono::floor<std::chrono::milliseconds>(still_written)) {
          share->state = ShareState::looking;
          share->rests_until = at.now() + still_written;
          return;
        }
        share->state = ShareState::rehashing;
        Job job;
        job.state = JobState::waiting;
        job.path = share->record.path;
        job.group = share->record.group;
        job.file = share->record.metainfo.name;
        job.rehashes = key;
        job.manifest_size = share->record.metainfo.manifest_size;
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
          share->doubts_left = 0;
          serve(*share, at);
        } else if (is_last_word(refused->code) && share->doubts_left > 0) {
          share->state = ShareState::looking;
          share->rests_until = at.now() + first_doubt * (1U << (doubts - share->doubts_left--));
        } else if (is_last_word(refused->code)) {
          lose_share(key, refused->code, refused->sentence, at);
        } else {
          share->state = ShareState::looking;  // no answer this time: again with the next round of looking
        }
      },
      context);
}

/// The trackers were told the end of a share that has begun anew meanwhile, perhaps before they heard that.
void Librarian::announce_anew(const ShareKey& key, Context& context) {
  const ShareState state = shares_.at(key).state;
  // In the other states it is announced anyway, once its file is known to be true.
  if (state == ShareState::served || state == ShareState::announcing) announce(key, context);
}

void Librarian::serve(const Share& share, Context& context) {
  const ShareRecord& record = share.record;
  const Bytes pieces = record.pieces.empty()
                           ? Bitfield::full(PieceLayout(record.metainfo).piece_count()).bytes()
                           : record.pieces;
  const ServeFile whole{record.gid,
                        record.fid,
                        record.group,
                        record.metainfo.name,
                        record.path,
                        record.metainfo.size,
                        record.metainfo.piece_length,
                        pieces,
                        record.identity};
  context.send(others_.uploader, whole);
  if (others_.exporter.address.value != 0) context.send(others_.exporter, whole);
}

void Librarian::stop_serving(const StopServing& stop, Context& context) {
  context.send(others_.uploader, stop);
  if (others_.exporter.address.value != 0) context.send(others_.exporter, stop);
}

/// In the place of what was known of it: the same bytes may have been shared from another path.
void Librarian::put_share(const ShareKey& key, Share share, Context& context) {
  end_rehashing(key, context);
  shares_.insert_or_assign(key, std::move(share));
}

void Librarian::on(const AdoptShare& adopt, Context& context) {
  if (uid_ != adopt.share.uid) return;
  const ShareKey key{adopt.share.gid, adopt.share.fid};
  if (const Share* known = find_share(key);
      known != nullptr && has_more(known->record, adopt.share) && known->state != ShareState::stopping) {
    // Storage remembers the other one.
    context.send(others_.storage, RememberShare{known->record});
    return;
  }
  Share share;
  share.record = adopt.share;
  serve(share, context);
  put_share(key, std::move(share), context);
  // What the scheduler has told the trackers of it may not have reached them.
  announce(key, context);
}

void Librarian::on(const ReturnShare& back, Context& context) {
  if (recalling()) {
    returned_early_.emplace_back(context.sender(), back);
    return;
  }
  give_back(context.sender(), back, context);
}

void Librarian::give_back(Address asker, const ReturnShare& back, Context& context) {
  const ShareKey key{back.gid, back.fid};
  const Share* share = find_share(key);
  // Also one that was kept private when it was fetched, and shared by hand later.
  const bool shared = share != nullptr && folder_path(share->record.path) == folder_path(back.path) &&
                      share->state != ShareState::stopping;
  if (shared) forget_share(key, CloseReason::file_changed, context);
  context.answer(asker, ShareReturned{back.gid, back.fid, back.path, shared});
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
  // A directory says file_conflict, of a file in it that has another size now.
  if (code == Code::no_such_file || code == Code::file_conflict)
    return lose_share(key, code, std::move(sentence), context);
  Share* share = find_share(key);
  if (share == nullptr || share->state == ShareState::stopping) return;
  const ShareRecord& record = share->record;
  stop_serving(StopServing{key.first, key.second, record.path, CloseReason::not_shared}, context);
  share->state = ShareState::looking;
  share->rests_until = context.now() + rest;
  log_warning(sentence);
  if (!std::exchange(share->trouble_told, true))
    context.send(others_.shell,
                 ShareChanged{record.group, record.metainfo.name, shown_path(record.path), code,
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
  context.send(others_.shell, ShareChanged{record.group, record.metainfo.name, shown_path(record.path), code,
                                           std::move(sentence)});
  end_share(key, CloseReason::file_changed, context);
  tell_end(key, context);
}

/// Not served any more; the trackers have to hear of it.
void Librarian::end_share(const ShareKey& key, CloseReason reason, Context& context) {
  Share& share = shares_.at(key);
  if (share.state == ShareState::stopping) return;
  stop_serving(StopServing{key.first, key.second, share.record.path, reason}, context);
  share.state = ShareState::stopping;
  share.record.stopped = true;
  context.send(others_.storage, RememberShare{share.record});
  end_rehashing(key, context);
}

void Librarian::end_rehashing(const ShareKey& key, Context& context) {
  const auto job =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& each) { return each.second.rehashes == key; });
  if (job != jobs_.end()) end_job(job->first, context);
}

void Librarian::tell_end(const ShareKey& key, Context& context) {
  const ShareRecord& record = shares_.at(key).record;
  ask(
      StopShare{record.group, record.metainfo.name},
      [this, key, session = session_](const Told& told, Context& at) {
        if (session == session_) end_told(key, told, at);
      },
      context);
}

/// What the trackers say to the end of a share.
void Librarian::end_told(const ShareKey& key, const Told& told, Context& context) {
  const Share* share = find_share(key);
  if (share == nullptr) return;
  if (share->state != ShareState::stopping) return announce_anew(key, context);
  const auto* refused = told.what.get<Refused>();
  if (refused == nullptr || is_last_word(refused->code)) forget_share(key, CloseReason::not_shared, context);
}

void Librarian::forget_share(const ShareKey& key, CloseReason reason, Context& context) {
  const auto share = shares_.extract(key);
  if (!share) return;
  end_rehashing(key, context);
  if (share.mapped().state != ShareState::stopping)
    stop_serving(StopServing{key.first, key.second, share.mapped().record.path, reason}, context);
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
    } else if (context.now() >= share.rests_until && !share.damaged) {
      look_at_share(last_looked_, context);
    }
  }
}

}  // namespace tutti
