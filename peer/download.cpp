#include "peer/download.hpp"

#include <fmt/format.h>

namespace tutti {

std::string Download::nobody_shares() const {
  return fmt::format("nobody who shares {} is online: the download goes on when somebody is",
                     record.metainfo.name.text);
}

Bitfield Download::wanted_of(const DownloadRecord& record) {
  const std::uint32_t pieces = PieceLayout(record.metainfo).piece_count();
  if (!record.metainfo.is_tree()) return Bitfield::full(pieces);
  if (record.wanted.empty()) return manifest_pieces_of(record.metainfo);
  return Bitfield::parse(record.wanted, pieces).value_or(Bitfield::full(pieces));
}

DownloadRow Download::row(Instant now, std::uint32_t peers) const {
  DownloadRow row;
  row.id = record.id;
  row.group = record.group;
  row.file = record.metainfo.name;
  row.path = record.path;
  row.phase = phase;
  row.size = layout.size();
  row.pieces = layout.piece_count();
  if (!record.only.empty() && !record.wanted.empty()) {
    row.size = {};
    wanted.for_each([&](PieceIndex piece) { row.size += layout.piece_size(piece); });
    row.pieces = wanted.count();
  }
  row.verified = verified;
  row.bytes_per_second = phase == DownloadPhase::fetching ? rate.bytes_per_second(now) : 0;
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
    row.verified = row.size;
    row.pieces_verified = row.pieces;
  }
  return row;
}

}  // namespace tutti
