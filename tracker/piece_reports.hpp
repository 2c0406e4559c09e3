#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <tuple>

#include "actors/time.hpp"
#include "messages/tracker_tracker.hpp"

namespace tutti {

/// Who has reported wrong pieces of what from whom, of late. Soft state: never stored, by this tracker's own receipts
/// alone, gone with the process.
///
/// A report is one member's word; nobody has looked. So it convicts nobody: it makes the client that it is about look at its
/// own disk, and is shown to members and owner, who know whom they trust. Who lies with it costs an honest client the
/// hashing of a piece, and shows his name.
///
/// Rules:
/// - Counted once for each reporting user, accused client, file and piece; told on only then.
/// - A report is forgotten after `lifetime`.
/// - One user has at most `of_reporter_max` reports and `of_file_max` about one file of one client: more are not taken. So
///   nobody makes others' reports go, and nobody makes a client hash much.
/// - In all at most `in_all_max`: the oldest goes then.
class PieceReports {
 public:
  static constexpr Duration lifetime = std::chrono::hours(1);
  static constexpr std::size_t of_reporter_max = 64;
  static constexpr std::size_t of_file_max = 16;
  static constexpr std::size_t in_all_max = 16'384;

  struct Heard {
    bool fresh = false;           ///< it counts, and is to be told on
    bool first_of_piece = false;  ///< nobody has reported this piece of this file from this client before
    bool first_of_user = false;   ///< this user has not reported this file from this client before
  };
  Heard hear(const ReportHeard& report, Instant now);
  /// Users who have reported pieces of this file from this client within `lifetime` before `now`.
  std::uint32_t reporters(const Gid& gid, const Fid& fid, const ClientKey& client, Instant now) const;
  /// Forgets what is older than `lifetime`. To be called about once a second.
  void expire(Instant now);
  std::size_t size() const { return by_age_.size(); }
  void check_invariants() const;

 private:
  using Accused = std::tuple<Gid, Fid, ClientKey>;
  struct Aged {
    Instant heard;
    ReportHeard report;
  };
  static Accused accused_of(const ReportHeard& report) { return {report.gid, report.fid, report.client}; }
  void forget_oldest();

  std::deque<Aged> by_age_;
  std::map<Accused, std::map<Uid, std::map<PieceIndex, Instant>>> accused_;
  std::map<Uid, std::size_t> of_reporter_;
};

}  // namespace tutti
