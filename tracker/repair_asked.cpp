#include "tracker/repair_asked.hpp"

#include <algorithm>

#include "tracker/snapshot_join.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

bool PullAsked::pulled(const Pull& pull) {
  credit_ = pull.credit;
  if (reading_.value != 0 && covers(pull.have, have_)) return false;
  have_ = pull.have;
  return true;
}

ReadLog PullAsked::read(Ticket ticket, const VersionVector& held) {
  reading_ = ticket;
  return {ticket, have_, held};
}

std::optional<PullAsked::Given> PullAsked::given(const LogRead& read, const VersionVector& held) {
  if (reading_.value == 0 || read.ticket != reading_) return std::nullopt;
  reading_ = {};
  if (credit_ == 0) return std::nullopt;
  if (read.truncated && read.deltas.empty()) {
    credit_ = 0;
    return Given{LogTruncated{held}, false};
  }
  const bool last = covers(read.have, held);
  have_ = read.have;
  credit_ = last ? 0 : credit_ - 1;
  return Given{Ops{read.deltas, last}, credit_ > 0};
}

bool RowsAsked::asked(const AskRows& ask) {
  snapshot_ = ask.snapshot;
  buckets_ = ask.buckets;
  after_.clear();
  // Nobody asks for more, and what is asked for is this tracker's memory.
  credit_ = std::min(ask.credit, SnapshotJoin::ahead);
  is_over_ = false;
  reading_ = {};
  return may_read();
}

bool RowsAsked::asked(const MoreRows& more) {
  if (more.snapshot != snapshot_) return false;
  credit_ = std::min(credit_ + std::min(more.credit, SnapshotJoin::ahead), SnapshotJoin::ahead);
  return may_read();
}

ReadRows RowsAsked::read(Ticket ticket) {
  reading_ = ticket;
  return {ticket, buckets_, after_};
}

std::optional<RowsAsked::Given> RowsAsked::given(const RowsRead& read) {
  if (reading_.value == 0 || read.ticket != reading_) return std::nullopt;
  reading_ = {};
  --credit_;
  after_ = read.next;
  is_over_ = read.last;
  return Given{SnapshotRows{snapshot_, read.heads, read.rows, read.last}, may_read()};
}

}  // namespace tutti
