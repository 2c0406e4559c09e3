#include "tracker/piece_reports.hpp"

#include <algorithm>

#include "actors/ensure.hpp"

namespace tutti {

PieceReports::Heard PieceReports::hear(const ReportHeard& report, Instant now) {
  expire(now);
  const auto mine = of_reporter_.find(report.reporter);
  if (mine != of_reporter_.end() && mine->second >= of_reporter_max) return {};
  Heard heard;
  const auto accused = accused_.find(accused_of(report));
  if (accused == accused_.end()) {
    heard = {true, true, true};
  } else {
    const auto& users = accused->second;
    const auto user = users.find(report.reporter);
    const bool known = user != users.end() && user->second.contains(report.piece);
    if (known || (user != users.end() && user->second.size() >= of_file_max)) return {};
    heard.fresh = true;
    heard.first_of_user = user == users.end();
    heard.first_of_piece = std::none_of(users.begin(), users.end(),
                                        [&](const auto& each) { return each.second.contains(report.piece); });
  }
  if (by_age_.size() >= in_all_max) forget_oldest();
  by_age_.push_back({now, report});
  accused_[accused_of(report)][report.reporter][report.piece] = now;
  ++of_reporter_[report.reporter];
  return heard;
}

std::uint32_t PieceReports::reporters(const Gid& gid, const Fid& fid, const ClientKey& client,
                                      Instant now) const {
  const auto accused = accused_.find(Accused{gid, fid, client});
  if (accused == accused_.end()) return 0;
  return static_cast<std::uint32_t>(
      std::count_if(accused->second.begin(), accused->second.end(), [&](const auto& user) {
        return std::any_of(user.second.begin(), user.second.end(),
                           [&](const auto& piece) { return now - piece.second < lifetime; });
      }));
}

void PieceReports::expire(Instant now) {
  while (!by_age_.empty() && now - by_age_.front().heard >= lifetime) forget_oldest();
}

void PieceReports::forget_oldest() {
  const ReportHeard& report = by_age_.front().report;
  const auto accused = accused_.find(accused_of(report));
  const auto user = accused->second.find(report.reporter);
  user->second.erase(report.piece);
  if (user->second.empty()) accused->second.erase(user);
  if (accused->second.empty()) accused_.erase(accused);
  if (const auto count = of_reporter_.find(report.reporter); --count->second == 0) of_reporter_.erase(count);
  by_age_.pop_front();
}

void PieceReports::check_invariants() const {
  ENSURE(by_age_.size() <= in_all_max);
  std::size_t rows = 0;
  for (const auto& [accused, users] : accused_)
    for (const auto& [uid, pieces] : users) {
      ENSURE(!pieces.empty() && pieces.size() <= of_file_max);
      rows += pieces.size();
    }
  ENSURE(rows == by_age_.size());
  std::size_t counted = 0;
  for (const auto& [uid, count] : of_reporter_) {
    ENSURE(count <= of_reporter_max);
    counted += count;
  }
  ENSURE(counted == rows);
}

}  // namespace tutti
