#include "tracker/attempt_limits.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace tutti {

namespace {

constexpr AttemptRate familiar_rate{20, std::chrono::seconds{3}};
constexpr AttemptRate last_resort_rate{1, std::chrono::seconds{30}};

AttemptRate a_minute(std::uint32_t count) {
  return {count, Duration(std::chrono::minutes{1}) / std::max(count, 1U)};
}

std::string key_of(const Attempt& attempt) {
  const ByteView key = attempt.client.view();
  return std::string(key.begin(), key.end()) + attempt.user;
}
/// A name has no blank.
std::string name_from_address(const Attempt& attempt) {
  return attempt.user + ' ' + address_of(attempt.host);
}

}  // namespace

std::string address_of(const std::string& host) {
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return host;
  return {bytes.begin(), bytes.begin() + 8};
}

AttemptBuckets::AttemptBuckets(AttemptRate rate, const HashSecret& secret) : hash_(secret), rate_(rate) {}

AttemptBuckets::Place AttemptBuckets::place_of(std::string_view who) const {
  constexpr std::size_t in_a_page = std::tuple_size_v<Page>;
  const std::size_t bucket =
      hash_.of(ByteView(reinterpret_cast<const std::uint8_t*>(who.data()), who.size())) % (pages * in_a_page);
  return {bucket / in_a_page, bucket % in_a_page};
}

Duration AttemptBuckets::wait_for(std::string_view who, Instant now) const {
  const Place place = place_of(who);
  if (!pages_[place.page]) return Duration::zero();
  // The last token goes at a time that is `every` short of an empty bucket.
  const Instant from = (*pages_[place.page])[place.at] - (rate_.burst - 1) * rate_.every;
  return from > now ? from - now : Duration::zero();
}

void AttemptBuckets::take(std::string_view who, Instant now) {
  const Place place = place_of(who);
  if (!pages_[place.page]) pages_[place.page] = std::make_unique<Page>();
  Instant& full_at = (*pages_[place.page])[place.at];
  // Not further: however much is tried, it is over a while after the last time.
  full_at = std::min(std::max(full_at, now) + rate_.every, now + rate_.burst * rate_.every);
}

void AttemptBuckets::give_back(std::string_view who) {
  const Place place = place_of(who);
  if (pages_[place.page]) (*pages_[place.page])[place.at] -= rate_.every;
}

AttemptLimits::AttemptLimits(std::uint32_t per_address, std::uint32_t per_user, const HashSecret& secret)
    : familiar_(familiar_rate, secret),
      addresses_(a_minute(per_address), secret),
      names_(a_minute(per_user), secret),
      last_resort_(last_resort_rate, secret) {}

std::optional<Duration> AttemptLimits::begin(const Attempt& attempt, Instant now) {
  if (attempt.familiar) {
    const std::string own = key_of(attempt);
    if (const Duration wait = familiar_.wait_for(own, now); wait > Duration::zero()) return wait;
    familiar_.take(own, now);
    return std::nullopt;
  }
  const std::string address = address_of(attempt.host);
  const std::string both = name_from_address(attempt);
  Duration wait = names_.wait_for(attempt.user, now);
  if (wait > Duration::zero()) wait = std::min(wait, last_resort_.wait_for(both, now));
  wait = std::max(wait, addresses_.wait_for(address, now));
  if (wait > Duration::zero()) return wait;
  addresses_.take(address, now);
  names_.take(attempt.user, now);
  last_resort_.take(both, now);
  return std::nullopt;
}

void AttemptLimits::succeeded(const Attempt& attempt) {
  if (attempt.familiar) return familiar_.give_back(key_of(attempt));
  addresses_.give_back(address_of(attempt.host));
  names_.give_back(attempt.user);
  last_resort_.give_back(name_from_address(attempt));
}

}  // namespace tutti
