// The librarian's part that deals with what others say of what they got from here.

#include <fmt/format.h>

#include <utility>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/librarian.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/tree_path.hpp"

namespace tutti {

void Librarian::on(const PieceReported& reported, Context& context) {
  const Share* share = find_share({reported.gid, reported.fid});
  if (share == nullptr || share->state != ShareState::served || share->damaged) return;
  const ShareRecord& record = share->record;
  const PieceLayout layout(record.metainfo);
  if (reported.piece.value >= layout.piece_count()) return;
  if (!record.pieces.empty() && !Bitfield::parse(record.pieces, layout.piece_count())->has(reported.piece))
    return;
  if (const auto job = checks_.begin(reported, record.path, context.now()))
    context.send(others_.hashers.back(),
                 HashPiece{*job, record.path, reported.piece, layout.piece_offset(reported.piece),
                           layout.piece_size(reported.piece)});
}

/// True if it was about a piece that somebody says came wrong.
bool Librarian::is_checked(const PieceHashed& hashed, Context& context) {
  const std::optional<PieceChecks::Check> check = checks_.end(hashed.job);
  if (!check) return false;
  const PieceReported& report = check->report;
  const ShareKey key{report.gid, report.fid};
  const Share* share = find_share(key);
  if (share == nullptr || share->record.path != check->path) return true;
  if (DigestPair{hashed.sha1, hashed.sha256} == expected_digests(share->record.metainfo, report.piece)) {
    log_info(fmt::format("{} says that piece {} of {} came wrong from here: it is right on the disk",
                         report.reporter.text, report.piece.value, share->record.metainfo.name.text));
    return true;
  }
  // Somebody may have changed the file: then it is not a disk that is to blame, and more of it is wrong.
  look(
      check->path,
      [this, key, found = *check, session = session_](const FileChecked& checked, Context& at) {
        const Share* now = session == session_ ? find_share(key) : nullptr;
        if (now == nullptr || now->record.path != found.path || now->state != ShareState::served) return;
        if (checked.identity == now->record.identity) return damaged(found, at);
        look_at_share(key, at);
      },
      context);
  return true;
}

bool Librarian::is_checked(const HashFailed& failed, Context& context) {
  const std::optional<PieceChecks::Check> check = checks_.end(failed.job);
  if (!check) return false;
  const ShareKey key{check->report.gid, check->report.fid};
  const Share* share = find_share(key);
  if (share != nullptr && share->record.path == check->path)
    file_trouble(key, failed.code, failed.sentence, context);
  return true;
}

/// The file is what it was as far as its times tell, and a piece of it is wrong.
void Librarian::damaged(const PieceChecks::Check& check, Context& context) {
  const ShareKey key{check.report.gid, check.report.fid};
  Share& share = shares_.at(key);
  stop_serving(StopServing{key.first, key.second, check.path, CloseReason::file_changed}, context);
  share.state = ShareState::looking;
  share.damaged = check.report.piece;
  log_error(fmt::format("piece {} of {} is wrong on the disk; {} got it so", check.report.piece.value,
                        shown_path(check.path), check.report.reporter.text));
  context.send(others_.scheduler, ShareDamaged{key.first, key.second, check.path});
}

void Librarian::on(const DamageSettled& settled, Context& context) {
  const ShareKey key{settled.gid, settled.fid};
  Share* share = find_share(key);
  if (share == nullptr || !share->damaged || share->record.path != settled.path) return;
  const PieceIndex piece = *std::exchange(share->damaged, std::nullopt);
  if (settled.right) return look_at_share(key, context);
  const PieceLayout layout(share->record.metainfo);
  const std::uint64_t begin = layout.piece_offset(piece).value;
  lose_share(
      key, Code::integrity,
      fmt::format(
          "{} is damaged on the disk: its times are those that it had when it was shared, its bytes {} "
          "to {} are not what they were (piece {}, which somebody got so). It is not shared any more: put "
          "it right and share it again",
          shown_path(settled.path), begin, begin + layout.piece_size(piece).value - 1, piece.value),
      context);
}

}  // namespace tutti
