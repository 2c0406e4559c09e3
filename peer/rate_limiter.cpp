#include "peer/rate_limiter.hpp"

#include <algorithm>
#include <bit>
#include <ctime>
#include <tuple>

namespace tutti {

namespace {

constexpr DayTime day_length = std::chrono::hours(24);

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

auto place_of(const RateLimit& limit) {
  return std::tie(limit.direction, limit.group, limit.from_minute, limit.until_minute);
}

/// How long it is from `now` until a minute of the day.
DayTime until_minute(std::uint32_t minute, DayTime now) {
  const DayTime at = std::chrono::minutes(minute);
  return at > now ? at - now : at + day_length - now;
}

}  // namespace

DayTime local_day_time(WallTime now) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return {};
  return std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min) +
         std::chrono::seconds(local.tm_sec);
}

bool holds_at(const RateLimit& limit, DayTime now) {
  const DayTime from = std::chrono::minutes(limit.from_minute);
  const DayTime until = std::chrono::minutes(limit.until_minute);
  if (from == until) return true;
  return from < until ? from <= now && now < until : from <= now || now < until;
}

void set_limit(std::vector<RateLimit>& limits, const RateLimit& change) {
  std::erase_if(limits, [&](const RateLimit& limit) { return place_of(limit) == place_of(change); });
  if (change.bytes_per_second > 0) limits.push_back(change);
  std::sort(limits.begin(), limits.end(),
            [](const RateLimit& a, const RateLimit& b) { return place_of(a) < place_of(b); });
}

void RateLimiter::set(const std::vector<RateLimit>& limits) {
  limits_ = limits;
  std::erase_if(limits_, [&](const RateLimit& limit) { return limit.direction != direction_; });
  std::erase_if(buckets_, [&](const auto& bucket) {
    return std::none_of(limits_.begin(), limits_.end(),
                        [&](const RateLimit& limit) { return limit.group == bucket.first; });
  });
}

bool RateLimiter::concerns(const GroupName& group) const {
  return std::any_of(limits_.begin(), limits_.end(), [&](const RateLimit& limit) {
    return limit.group.empty() || limit.group == group.text;
  });
}

std::optional<std::uint64_t> RateLimiter::rate(const GroupName& group, DayTime day) const {
  const auto all = rate_of({}, day);
  const auto own = rate_of(group.text, day);
  return all && own ? std::min(*all, *own) : all ? all : own;
}

std::optional<std::uint64_t> RateLimiter::rate_of(const std::string& scope, DayTime day) const {
  std::optional<std::uint64_t> lowest;
  for (const RateLimit& limit : limits_)
    if (limit.group == scope && holds_at(limit, day))
      lowest = std::min(lowest.value_or(limit.bytes_per_second), limit.bytes_per_second);
  return lowest;
}

ByteCount RateLimiter::portion_at(std::optional<std::uint64_t> rate) {
  if (!rate) return block_size_max;
  return {std::clamp(std::bit_floor(*rate / 8), request_length_min.value, block_size_max.value)};
}

/// How long until another limit of this scope may count.
Duration RateLimiter::until_change(const std::string& scope, DayTime day) const {
  DayTime soonest = day_length;
  for (const RateLimit& limit : limits_) {
    if (limit.group != scope || limit.from_minute == limit.until_minute) continue;
    soonest =
        std::min({soonest, until_minute(limit.from_minute, day), until_minute(limit.until_minute, day)});
  }
  return soonest;
}

void RateLimiter::fill(Bucket& bucket, std::optional<std::uint64_t> rate, Instant now) const {
  if (!rate || !bucket.rate) {
    // What passed without a limit is no debt.
    bucket.bytes = 0;
  } else {
    const auto per_second = static_cast<double>(*rate);
    const double room = std::max(per_second * in_seconds(burst), bucket.wanted);
    const double passed = in_seconds(std::max(now - bucket.last, Duration::zero()));
    bucket.bytes = std::min(bucket.bytes + per_second * passed, std::max(room, bucket.bytes));
  }
  bucket.rate = rate;
  bucket.last = now;
  bucket.wanted = 0;
}

RateLimiter::Round RateLimiter::look(Instant now, DayTime day) {
  for (const RateLimit& limit : limits_) buckets_.try_emplace(limit.group);
  for (auto& [scope, bucket] : buckets_) fill(bucket, rate_of(scope, day), now);
  return {*this, day};
}

bool RateLimiter::Round::ready(const std::string& scope, double bytes) {
  const auto found = limiter_.buckets_.find(scope);
  if (found == limiter_.buckets_.end() || !found->second.rate) return true;
  Bucket& bucket = found->second;
  const double missing = bytes / 2 - bucket.bytes;
  if (missing <= 0) return true;
  bucket.wanted = bytes / 2;
  held_.insert(scope);
  const auto wait =
      std::chrono::ceil<Duration>(std::chrono::duration<double>(missing / static_cast<double>(*bucket.rate)));
  const Duration again = std::min(wait, limiter_.until_change(scope, day_));
  again_after_ = again_after_ ? std::min(*again_after_, again) : again;
  return false;
}

bool RateLimiter::Round::pass(const GroupName& group, ByteCount bytes) {
  if (held_.contains(std::string()) || held_.contains(group.text)) return false;
  const auto cost = static_cast<double>(bytes.value);
  // Both are asked, so that both fill meanwhile.
  const bool all_ready = ready({}, cost);
  const bool group_ready = ready(group.text, cost);
  if (!all_ready || !group_ready) return false;
  for (const std::string& scope : {std::string(), group.text}) {
    const auto bucket = limiter_.buckets_.find(scope);
    if (bucket != limiter_.buckets_.end() && bucket->second.rate) bucket->second.bytes -= cost;
  }
  return true;
}

}  // namespace tutti
