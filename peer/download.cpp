#include "peer/download.hpp"

#include <fmt/format.h>

namespace tutti {

std::string Download::nobody_shares() const {
  return fmt::format("nobody who shares {} is online: the download goes on when somebody is",
                     record.metainfo.name.text);
}

DownloadRow Download::row(Instant now, std::uint32_t peers) const {
  DownloadRow row;
  row.id = record.id;
  row.group = record.group;
  row.file = record.metainfo.name;
  row.path = record.path;
  row.phase = phase;
  row.size = layout.size();
  row.verified = verified;
  row.bytes_per_second = phase == DownloadPhase::fetching ? rate.bytes_per_second(now) : 0;
  row.pieces = layout.piece_count();
  row.pieces_verified = pieces().count();
  row.peers = peers;
  row.code = code;
  row.sentence = sentence;
  row.priority = record.wishes.priority;
  row.sequential = record.wishes.sequential;
  if (recheck) {
    row.phase = DownloadPhase::checking;
    row.verified = recheck->right;
    row.pieces_verified = static_cast<std::uint32_t>(
        (recheck->right.value + layout.piece_length().value - 1) / layout.piece_length().value);
    row.code = Code::other;
    row.sentence =
        fmt::format("hashes again what is on the disk: {} of {} pieces", recheck->pieces, row.pieces);
  } else if (phase == DownloadPhase::complete) {
    row.verified = layout.size();
    row.pieces_verified = row.pieces;
  }
  return row;
}

}  // namespace tutti
