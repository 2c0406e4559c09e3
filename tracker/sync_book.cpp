#include "tracker/sync_book.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "messages/codec.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

namespace {

constexpr std::size_t recent_max = 4096;
constexpr std::size_t recent_bytes_max = 16U << 20U;
constexpr std::chrono::milliseconds resend_pause_max{1000};
// A pull that brings nothing for so long is given up.
constexpr std::chrono::milliseconds pull_patience{500};

}  // namespace

SyncBook::SyncBook(const std::vector<std::uint32_t>& others, const SyncConfig& config) : config_(config) {
  for (const std::uint32_t number : others) trackers_[number].number = number;
}

void SyncBook::source_is(std::uint32_t number, bool up, Instant now) {
  TrackerSeen& tracker = trackers_.at(number);
  tracker.source_up = up;
  if (up) heard(number, now);
  if (!up && pulling_from_ == number) pull_ended();
}

void SyncBook::follower_is(std::uint32_t number, bool up, Instant now) {
  TrackerSeen& tracker = trackers_.at(number);
  tracker.follower_up = up;
  if (!up) return;
  heard(number, now);
  tracker.late_for.reset();
  tracker.resend_pause = config_.resend_after;
  tracker.resend_at = now;
}

void SyncBook::heard(std::uint32_t number, Instant now) {
  TrackerSeen& tracker = trackers_.at(number);
  tracker.heard = now;
  tracker.heard_ever = true;
}

void SyncBook::holds(std::uint32_t number, const VersionVector& at) {
  TrackerSeen& tracker = trackers_.at(number);
  if (covers(tracker.at, at)) return;
  tracker.at = merged(tracker.at, at);
  tracker.resend_pause = config_.resend_after;
  if (tracker.late_for && covers(tracker.at, *tracker.late_for)) tracker.late_for.reset();
  forget_recent();
}

void SyncBook::begins(std::uint32_t number, const StoreId& store, const VersionVector& at) {
  TrackerSeen& tracker = trackers_.at(number);
  if (tracker.store != store) tracker.forked = false;
  tracker.store = store;
  // It may have lost its disk, or got an old copy of it back, since it was last heard of.
  tracker.at = at;
  tracker.late_for.reset();
  tracker.resend_pause = config_.resend_after;
  forget_recent();
}

bool SyncBook::is_store(std::uint32_t number, const StoreId& origin) const {
  return trackers_.at(number).store == origin;
}

void SyncBook::own_log_is(const StoreId& own, Sequence head) { own_ = {own, head}; }

void SyncBook::own_log_ends_there(std::uint32_t number, const LogHead& theirs, const LogHead& own) {
  if (theirs.sequence == own.sequence && theirs.hash != own.hash) trackers_.at(number).forked = true;
}

void SyncBook::own_log_is_renewed() {
  recent_.clear();
  recent_bytes_ = 0;
  for (auto& [number, tracker] : trackers_) tracker.forked = false;
  // Others have the numbers that are waited for, but not what was done under them here.
  for (Wait& wait : waits_) wait.in_vain = true;
}

bool SyncBook::is_forked(const StoreId& origin) const {
  return std::find(forked_logs_.begin(), forked_logs_.end(), origin) != forked_logs_.end();
}

VersionVector SyncBook::without_forked(const VersionVector& want) const {
  VersionVector result = want;
  std::erase_if(result.positions, [this](const LogPosition& each) { return is_forked(each.origin); });
  return result;
}

VersionVector SyncBook::with_forked_of(std::uint32_t number, const VersionVector& have) const {
  VersionVector result = have;
  for (const LogPosition& each : trackers_.at(number).at.positions)
    if (is_forked(each.origin)) advance(result, each.origin, each.sequence);
  return result;
}

bool SyncBook::is_ahead_of_own(const TrackerSeen& tracker) const {
  return position_in(tracker.at, own_.origin) > own_.sequence;
}

bool SyncBook::lacks_own() const {
  return std::any_of(trackers_.begin(), trackers_.end(),
                     [this](const auto& each) { return is_ahead_of_own(each.second); });
}

bool SyncBook::own_has_forked() const {
  return std::any_of(trackers_.begin(), trackers_.end(), [](const auto& each) { return each.second.forked; });
}

bool SyncBook::has_acknowledged(const TrackerSeen& tracker, const VersionVector& at) const {
  return !tracker.forked && !is_ahead_of_own(tracker) && covers(tracker.at, at);
}

void SyncBook::published(const Delta& delta, Instant now) {
  if (trackers_.empty()) return;
  // Nobody can have what was made just now: it has something else under this number.
  for (auto& [number, tracker] : trackers_)
    if (position_in(tracker.at, delta.origin) >= delta.sequence) tracker.forked = true;
  if (!recent_.empty() && recent_.back().delta.sequence + Sequence{1} != delta.sequence) {
    recent_.clear();  // what came back from others lies between: the log has it
    recent_bytes_ = 0;
  }
  recent_.push_back({delta, encode(delta).size(), now});
  recent_bytes_ += recent_.back().bytes;
  forget_recent();
}

void SyncBook::forget_recent() {
  const auto everybody_has = [this](const Delta& delta) {
    return std::all_of(trackers_.begin(), trackers_.end(), [&](const auto& each) {
      return position_in(each.second.at, delta.origin) >= delta.sequence;
    });
  };
  while (!recent_.empty() && (recent_.size() > recent_max || recent_bytes_ > recent_bytes_max ||
                              everybody_has(recent_.front().delta))) {
    recent_bytes_ -= recent_.front().bytes;
    recent_.pop_front();
  }
}

void SyncBook::await(Ticket ticket, VersionVector at, bool both_ways, Instant now) {
  waits_.push_back({ticket, std::move(at), both_ways, now, {}, false});
}

bool SyncBook::is_met(const Wait& wait, std::uint32_t number, const VersionVector& held) const {
  const auto met = wait.met.find(number);
  return met == wait.met.end() || is_forked(met->second.origin) ||
         position_in(held, met->second.origin) >= met->second.sequence;
}

bool SyncBook::is_live(std::uint32_t number, Instant now) const {
  const TrackerSeen& tracker = trackers_.at(number);
  return tracker.source_up && tracker.follower_up && now - tracker.heard < config_.hung_after;
}

std::vector<Reached> SyncBook::settled(const VersionVector& held, Instant now) {
  for (Wait& wait : waits_) {
    for (const auto& [number, tracker] : trackers_)
      if (wait.both_ways && tracker.store && has_acknowledged(tracker, wait.at))
        wait.met.try_emplace(number, LogPosition{*tracker.store, position_in(tracker.at, *tracker.store)});
  }
  std::vector<Reached> over;
  std::erase_if(waits_, [&](const Wait& wait) {
    const bool time_is_up = now - wait.since >= config_.ack_wait;
    Reached reached{wait.ticket, {}};
    for (auto& [number, tracker] : trackers_) {
      const bool has = !wait.in_vain && has_acknowledged(tracker, wait.at);
      if (has && is_met(wait, number, held)) continue;
      const bool waited_for = is_live(number, now) && !tracker.late_for && !tracker.forked && !wait.in_vain;
      if (waited_for && !time_is_up) return false;
      if (waited_for && !has) tracker.late_for = wait.at;
      reached.missing.push_back(number);
    }
    over.push_back(std::move(reached));
    return true;
  });
  return over;
}

std::vector<SyncBook::Resend> SyncBook::resends(Instant now) {
  std::vector<Resend> all;
  if (recent_.empty()) return all;
  const StoreId own = recent_.front().delta.origin;
  for (auto& [number, tracker] : trackers_) {
    const Sequence has = position_in(tracker.at, own);
    const std::uint64_t first = recent_.front().delta.sequence.value;
    if (!tracker.follower_up || tracker.forked || now < tracker.resend_at || has.value + 1 < first) continue;
    Resend resend{number, {}};
    std::size_t bytes = 0;
    for (std::size_t i = has.value + 1 - first; i < recent_.size() && bytes < ops_bytes_max.value; ++i) {
      if (now - recent_[i].since < config_.resend_after || resend.deltas.size() == ops_deltas_max) break;
      resend.deltas.push_back(recent_[i].delta);
      bytes += recent_[i].bytes;
    }
    if (resend.deltas.empty()) continue;
    tracker.resend_at = now + tracker.resend_pause;
    tracker.resend_pause = std::min(2 * tracker.resend_pause, resend_pause_max);
    all.push_back(std::move(resend));
  }
  return all;
}

void SyncBook::pull_sent(std::uint32_t number, Instant now) {
  pulling_from_ = number;
  pull_since_ = now;
}

void SyncBook::pull_goes_on(Instant now) { pull_since_ = now; }

void SyncBook::pull_ended() { pulling_from_.reset(); }

std::optional<std::uint32_t> SyncBook::pull_from(const VersionVector& have, Instant now) const {
  const bool under_way = pulling_from_ && now - pull_since_ < pull_patience;
  if (under_way) return std::nullopt;
  std::optional<std::uint32_t> best;
  std::uint64_t most = 0;
  for (const auto& [number, tracker] : trackers_) {
    if (!tracker.source_up) continue;
    std::uint64_t has = 2 * count_missing(have, without_forked(tracker.at));
    // Whoever has just left a pull unanswered comes last.
    if (has != 0 && pulling_from_ == number) has = 1;
    if (has <= most) continue;
    most = has;
    best = number;
  }
  return best;
}

std::optional<std::uint32_t> SyncBook::fork_joined_from(const VersionVector& have) const {
  for (const auto& [number, tracker] : trackers_) {
    if (!tracker.source_up) continue;
    for (const StoreId& origin : forked_logs_)
      if (position_in(tracker.at, origin) > position_in(have, origin)) return number;
  }
  return std::nullopt;
}

VersionVector SyncBook::reachable(Instant now) const {
  VersionVector all;
  for (const auto& [number, tracker] : trackers_)
    if (is_live(number, now)) all = merged(all, tracker.at);
  return all;
}

VersionVector SyncBook::droppable(const VersionVector& held, std::uint64_t kept,
                                  std::uint64_t kept_for_absent) const {
  const auto before = [](std::uint64_t sequence, std::uint64_t by) {
    return sequence - std::min(sequence, by);
  };
  VersionVector result;
  for (const LogPosition& each : held.positions) {
    std::uint64_t everybody = each.sequence.value;
    for (const auto& [number, tracker] : trackers_)
      everybody = std::min(everybody, position_in(tracker.at, each.origin).value);
    const std::uint64_t upto =
        std::max(before(everybody, kept), before(each.sequence.value, kept_for_absent));
    if (upto != 0) advance(result, each.origin, {upto});
  }
  return result;
}

Duration SyncBook::lag_of(std::uint32_t number, Instant now) const {
  if (recent_.empty()) return Duration::zero();
  const Delta& first = recent_.front().delta;
  const std::uint64_t has = position_in(trackers_.at(number).at, first.origin).value;
  const std::uint64_t next = std::max(has + 1, first.sequence.value) - first.sequence.value;
  return next < recent_.size() ? now - recent_[next].since : Duration::zero();
}

bool SyncBook::is_waiting() const {
  if (!waits_.empty()) return true;
  if (recent_.empty()) return false;
  const Delta& last = recent_.back().delta;
  return std::any_of(trackers_.begin(), trackers_.end(), [&](const auto& each) {
    return each.second.follower_up && !each.second.forked &&
           position_in(each.second.at, last.origin) < last.sequence;
  });
}

void SyncBook::check_invariants() const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < recent_.size(); ++i) {
    bytes += recent_[i].bytes;
    ENSURE(i == 0 || recent_[i].delta.sequence == recent_[i - 1].delta.sequence + Sequence{1});
  }
  ENSURE(bytes == recent_bytes_);
  ENSURE(recent_.size() <= recent_max);
  ENSURE(!pulling_from_ || trackers_.contains(*pulling_from_));
}

}  // namespace tutti
