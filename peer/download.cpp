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
  if (phase == DownloadPhase::complete) {
    row.verified = layout.size();
    row.pieces_verified = row.pieces;
  }
  return row;
}

}  // namespace tutti
