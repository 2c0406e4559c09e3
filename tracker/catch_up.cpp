#include "tracker/catch_up.hpp"

#include <algorithm>

#include "tracker/version_vector.hpp"

namespace tutti {

void CatchUp::starts(Instant now) {
  started_ = true;
  serving_ = false;
  began_ = now;
  progress_ = now;
  beat_ = now;
  half_linked_.clear();
  asked_.clear();
  missing_.reset();
}

void CatchUp::begins(std::uint32_t number, const VersionVector& at) {
  // Its first words on its link and on ours may overtake each other.
  must_have_[number] = merged(must_have_[number], at);
  missing_.reset();
}

void CatchUp::lost(std::uint32_t number) {
  must_have_.erase(number);
  asked_.erase(number);
  missing_.reset();
}

void CatchUp::half_linked(std::uint32_t number, Sign sign, Instant now) {
  const auto [half, is_new] = half_linked_.try_emplace(number, HalfLink{sign, now});
  if (!is_new && sign == Sign::alive && half->second.sign == Sign::from_before) half->second = {sign, now};
}

bool CatchUp::was_away(Instant now) {
  const bool away = now - beat_ > config_.heartbeat + std::max(config_.ack_wait, shortest_absence);
  beat_ = now;
  return away;
}

void CatchUp::was_absent(Instant now) {
  serving_ = false;
  progress_ = now;
  asked_.clear();
  asked_at_ = now;
}

bool CatchUp::has_everything(const SyncBook& book, const VersionVector& held) const {
  return std::all_of(must_have_.begin(), must_have_.end(),
                     [&](const auto& each) { return covers(held, book.without_forked(each.second)); });
}

void CatchUp::look_at_progress(const SyncBook& book, const VersionVector& held, Instant now) {
  std::uint64_t missing = 0;
  for (const auto& [number, at] : must_have_) missing += count_missing(held, book.without_forked(at));
  if (missing_ && missing < *missing_) progress_ = now;
  missing_ = missing;
}

bool CatchUp::is_looking(const SyncBook& book, Instant now) const {
  bool everybody = true;
  for (const auto& [number, tracker] : book.trackers()) {
    if (tracker.source_up && tracker.follower_up) continue;
    everybody = false;
    const auto half = half_linked_.find(number);
    if (half == half_linked_.end()) continue;
    const Duration longest =
        half->second.sign == Sign::alive ? Duration(link_patience) : Duration(word_patience);
    if (now - half->second.since < longest) return true;
  }
  return !everybody && now - began_ < config_.look_around;
}

CatchUp::Choice CatchUp::choose(const SyncBook& book, const VersionVector& held, Instant now) {
  if (!started_) return Choice::go_on;
  const bool whole = has_everything(book, held);
  if (serving_) {
    if (book.lacks_own() || book.own_has_forked()) return Choice::renew;
    if (whole) return Choice::go_on;
    serving_ = false;
    progress_ = now;
    return Choice::pause;
  }
  if (!asked_.empty() && now - asked_at_ < word_patience) return Choice::go_on;
  look_at_progress(book, held, now);
  const bool stuck = now - progress_ > patience;
  if (is_looking(book, now) || (!whole && !stuck)) return Choice::go_on;
  if (book.lacks_own()) return stuck ? Choice::renew : Choice::go_on;
  if (book.own_has_forked()) return Choice::renew;
  serving_ = true;
  // What nobody gave is not waited for again.
  must_have_.clear();
  return whole ? Choice::serve : Choice::serve_behind;
}

}  // namespace tutti
