#include "tracker/snapshot_join.hpp"

#include <algorithm>
#include <utility>

#include "actors/ensure.hpp"

namespace tutti {

AskRows SnapshotJoin::begin(std::uint32_t number, Bytes buckets, Instant now) {
  ENSURE(!from_);
  from_ = number;
  is_whole_ = buckets.empty();
  heads_.clear();
  since_ = now;
  expected_ = ahead;
  free_ = 0;
  first_page_ = passed_on_ + 1;
  return {++snapshot_, std::move(buckets), ahead};
}

std::optional<LearnedRows> SnapshotJoin::take(std::uint32_t number, const SnapshotRows& page, Instant now) {
  if (from_ != number || page.snapshot != snapshot_ || expected_ == 0) return std::nullopt;
  --expected_;
  since_ = now;
  ++passed_on_;
  if (passed_on_ == first_page_) heads_ = page.heads;
  LearnedRows learned{passed_on_, page.rows, {}, page.last};
  if (page.last && is_whole_) learned.heads = heads_;
  if (page.last) from_.reset();
  return learned;
}

bool SnapshotJoin::is_progress(std::uint64_t page) {
  const std::uint64_t before = std::max(on_disk_, first_page_ - 1);
  on_disk_ = std::max(on_disk_, page);
  if (!from_ || on_disk_ <= before) return false;
  free_ += static_cast<std::uint32_t>(on_disk_ - before);
  return true;
}

std::optional<MoreRows> SnapshotJoin::room(Instant now) {
  if (!from_ || free_ < ahead / 2) return std::nullopt;
  since_ = now;
  expected_ += free_;
  return MoreRows{snapshot_, std::exchange(free_, 0)};
}

bool SnapshotJoin::is_late(Instant now) const { return from_ && expected_ > 0 && now - since_ > patience; }

}  // namespace tutti
