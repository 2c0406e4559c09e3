#include "tracker/password_queue.hpp"

#include <algorithm>
#include <utility>

namespace tutti {

namespace {

std::string lane_of(const Attempt& attempt) {
  return attempt.familiar ? attempt.client.hex() : address_of(attempt.host);
}

}  // namespace

PasswordJob PasswordQueue::take(Kind& kind, const std::string& lane, bool last) {
  std::deque<PasswordJob>& jobs = kind.lanes.at(lane);
  PasswordJob job = std::move(last ? jobs.back() : jobs.front());
  last ? jobs.pop_back() : jobs.pop_front();
  if (jobs.empty()) {
    kind.lanes.erase(lane);
    std::erase(kind.turns, lane);
  }
  --kind.size;
  return job;
}

std::optional<PasswordJob> PasswordQueue::push(PasswordJob job) {
  Kind& kind = kinds_[job.attempt.familiar ? 1 : 0];
  const std::string lane = lane_of(job.attempt);
  std::optional<PasswordJob> refused;
  if (kind.size >= most_) {
    const auto longest =
        std::max_element(kind.lanes.begin(), kind.lanes.end(),
                         [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    const auto own = kind.lanes.find(lane);
    const std::size_t length = own == kind.lanes.end() ? 0 : own->second.size();
    if (longest == kind.lanes.end() || longest->second.size() <= length + 1) return job;
    refused = take(kind, std::string(longest->first), true);
  }
  if (!kind.lanes.contains(lane)) kind.turns.push_back(lane);
  kind.lanes[lane].push_back(std::move(job));
  ++kind.size;
  return refused;
}

std::optional<PasswordJob> PasswordQueue::pop() {
  if (kinds_[next_].size == 0) next_ = 1 - next_;
  Kind& kind = kinds_[next_];
  if (kind.size == 0) return std::nullopt;
  next_ = 1 - next_;
  const std::string lane = std::move(kind.turns.front());
  kind.turns.pop_front();
  kind.turns.push_back(lane);
  return take(kind, lane, false);
}

}  // namespace tutti
