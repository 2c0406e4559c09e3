#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "actors/time.hpp"
#include "messages/inside_client.hpp"

namespace tutti {

/// Decides which pieces are hashed again because somebody says that they came wrong from here. Owns which are under way.
///
/// Rules:
/// - Whoever says so may lie, so it costs little: one piece is read, not the file; the same not again for `pause`, and
///   `under_way_max` at a time. Both trackers that a client is linked with tell it the same.
class PieceChecks {
 public:
  static constexpr Duration pause = std::chrono::minutes(1);
  static constexpr std::size_t under_way_max = 16;
  static constexpr std::size_t remembered_max = 1024;

  struct Check {
    PieceReported report;
    std::string path;
  };
  /// The number of the hashing job; nothing: not now.
  std::optional<HashJob> begin(const PieceReported& report, const std::string& path, Instant now) {
    std::erase_if(checked_, [&](const auto& each) { return now - each.second >= pause; });
    const Key key{report.gid, report.fid, report.piece};
    if (checked_.contains(key) || checked_.size() >= remembered_max || under_way_.size() >= under_way_max)
      return std::nullopt;
    checked_[key] = now;
    const HashJob job{first_job | ++last_job_};
    under_way_[job] = {report, path};
    return job;
  }
  /// What this job was about, if it is one of these. It is over.
  std::optional<Check> end(HashJob job) {
    auto check = under_way_.extract(job);
    return check ? std::optional(std::move(check.mapped())) : std::nullopt;
  }
  /// Answers to what is under way mean nothing any more.
  void clear() {
    under_way_.clear();
    checked_.clear();
  }

 private:
  using Key = std::tuple<Gid, Fid, PieceIndex>;
  static constexpr std::uint64_t first_job = std::uint64_t{1} << 63U;  ///< no number of anything else
  std::map<HashJob, Check> under_way_;
  std::map<Key, Instant> checked_;
  std::uint64_t last_job_ = 0;
};

}  // namespace tutti
