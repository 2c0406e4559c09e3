#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "actors/time.hpp"
#include "messages/inside_tracker.hpp"

namespace tutti {

/// Decides how the state of another tracker is fetched, page by page. Owns the snapshot that is under way: one at a
/// time, of one tracker. Pure: it is given the time and facts.
///
/// Rules:
/// - Pages are asked for ahead, so that reading, sending, joining and writing go on at once; but no more than `ahead` of
///   what is on disk here, for what lies between a network and a disk is memory.
/// - Rows of later pages may be of later operations than the first page's heads: those are the ones that are whole when
///   all pages are joined. Rows of some buckets say nothing about logs.
/// - A page of a snapshot that was given up is none of the next one: each has its number.
class SnapshotJoin {
 public:
  static constexpr std::uint32_t ahead = 8;
  /// A snapshot of which no page comes for so long is given up.
  static constexpr std::chrono::seconds patience{5};

  bool is_under_way() const { return from_.has_value(); }
  bool is_from(std::uint32_t number) const { return from_ == number; }
  /// To be sent to tracker `number`. Nothing else may be under way.
  AskRows begin(std::uint32_t number, Bytes buckets, Instant now);
  /// A page has come from tracker `number`: what to pass on, unless it belongs to no snapshot under way. The last page
  /// ends it.
  std::optional<LearnedRows> take(std::uint32_t number, const SnapshotRows& page, Instant now);
  /// Pages up to `page` are on disk. True if any of this snapshot have come there since.
  bool is_progress(std::uint64_t page);
  /// The room that has become free, once it is worth a message.
  std::optional<MoreRows> room(Instant now);
  /// No more pages of it are wanted.
  void give_up() { from_.reset(); }
  /// A page should have come.
  bool is_late(Instant now) const;

 private:
  std::optional<std::uint32_t> from_;
  std::uint64_t snapshot_ = 0;
  bool is_whole_ = false;  // all buckets
  std::vector<LogHead> heads_;
  Instant since_;                 // the last page or room for more
  std::uint32_t expected_ = 0;    // pages for which there is room there
  std::uint32_t free_ = 0;        // room that is not given yet
  std::uint64_t passed_on_ = 0;   // pages of all snapshots
  std::uint64_t first_page_ = 0;  // of this one
  std::uint64_t on_disk_ = 0;
};

}  // namespace tutti
