// The scheduler's part that tells the trackers of wrong pieces, and that deals with what others say of ours.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/scheduler.hpp"
#include "peer/tree_path.hpp"

namespace tutti {

/// Nobody waits for it: the peer is left whatever the trackers make of it.
void Scheduler::report(const Download& download, PieceIndex piece, const ClientKey& client,
                       Context& context) {
  ask(
      ReportPiece{download.record.gid, download.record.fid, client, piece},
      [](const Told& told, Context&) {
        if (const auto* refused = told.what.get<Refused>())
          log_info("the trackers do not take the report of a wrong piece: " + refused->sentence);
      },
      context);
}

// --- downloads under way ----------------------------------------------------------------------------------------

/// What is under way and served. Complete files are the librarian's.
Download* Scheduler::served_at(const Gid& gid, const Fid& fid, const std::string& part_path) {
  const auto found = std::find_if(downloads_.begin(), downloads_.end(), [&](const auto& each) {
    const Download& download = each.second;
    return download.record.gid == gid && download.record.fid == fid && download.runs() && !download.recheck &&
           !download.finishing && download.sharing == Download::Sharing::served &&
           (part_path.empty() || download.record.part_path == part_path);
  });
  return found == downloads_.end() ? nullptr : &found->second;
}

void Scheduler::on(const PieceReported& reported, Context& context) {
  const Download* download = served_at(reported.gid, reported.fid, {});
  if (download == nullptr || others_.checker.address.value == 0) return;
  const PieceLayout& layout = download->layout;
  if (reported.piece.value >= layout.piece_count() || !download->pieces().has(reported.piece)) return;
  if (const auto job = checks_.begin(reported, download->record.part_path, context.now()))
    context.send(others_.checker,
                 HashPiece{*job, download->record.part_path, reported.piece,
                           layout.piece_offset(reported.piece), layout.piece_size(reported.piece)});
}

void Scheduler::on(const PieceHashed& hashed, Context& context) {
  const std::optional<PieceChecks::Check> check = checks_.end(hashed.job);
  if (!check) return;
  const PieceReported& report = check->report;
  Download* download = served_at(report.gid, report.fid, check->path);
  if (download == nullptr) return;
  const std::string& file = download->record.metainfo.name.text;
  if (DigestPair{hashed.sha1, hashed.sha256} == expected_digests(download->record.metainfo, report.piece)) {
    log_info(fmt::format("{} says that {} {} of {} came wrong from here: it is right on the disk",
                         report.reporter.text, options_.words.piece, report.piece.value, file));
    return;
  }
  const std::string sentence = fmt::format(
      "{}: {} {} is wrong on the disk, and {} got it so: what there is is hashed again, and what is "
      "wrong is fetched again",
      file, options_.words.piece, report.piece.value, report.reporter.text);
  log_error(sentence);
  context.send(others_.shell, Notice{NoticeKind::info, download->record.group.text, {}, sentence});
  recheck(*download, context);
}

/// A part file that cannot be read shows with the next block that is read of it.
void Scheduler::on(const HashFailed& failed, Context&) { checks_.end(failed.job); }

// --- complete files ---------------------------------------------------------------------------------------------

void Scheduler::on(const ShareDamaged& damaged, Context& context) {
  damaged_[{damaged.gid, damaged.fid}] = {damaged.path};
  recheck_damaged(context);
}

void Scheduler::recheck_damaged(Context& context) {
  if (!is_settled()) return;
  for (auto damage = damaged_.begin(); damage != damaged_.end();) {
    const Gid gid = damage->first.first;
    const Fid fid = damage->first.second;
    const std::string& path = damage->second.path;
    const auto found = std::find_if(downloads_.begin(), downloads_.end(), [&](const auto& each) {
      const Download& download = each.second;
      return download.record.gid == gid && download.record.fid == fid &&
             download.phase == DownloadPhase::complete &&
             folder_path(download.record.path) == folder_path(path);
    });
    if (found == downloads_.end()) {
      context.send(others_.librarian, DamageSettled{gid, fid, path, false});
      damage = damaged_.erase(damage);
      continue;
    }
    if (!damage->second.rechecked && !is_between(found->first)) {
      damage->second.rechecked = found->first;
      const DownloadRecord& record = found->second.record;
      context.send(
          others_.shell,
          Notice{NoticeKind::info,
                 record.group.text,
                 {},
                 fmt::format("{}: a {} of it is wrong on the disk, and somebody got it so: all of it is "
                             "hashed again, and what is wrong is fetched again",
                             record.metainfo.name.text, options_.words.piece)});
      recheck(found->second, context);
    }
    ++damage;
  }
}

/// All of it has been hashed, and it stays what it was.
void Scheduler::damage_is_over(const Download& download, Context& context) {
  const auto damage = damaged_.find({download.record.gid, download.record.fid});
  if (damage == damaged_.end() || damage->second.rechecked != download.record.id) return;
  context.send(others_.librarian,
               DamageSettled{download.record.gid, download.record.fid, damage->second.path, true});
  damaged_.erase(damage);
}

}  // namespace tutti
