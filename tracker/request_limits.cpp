#include "tracker/request_limits.hpp"

#include <algorithm>
#include <limits>

#include "tracker/attempt_limits.hpp"
#include "tracker/decisions.hpp"

namespace tutti {

namespace {

constexpr std::uint32_t cost_of_a_look = 1;
constexpr std::uint32_t cost_of_a_change = 5;
constexpr std::size_t bytes_a_token = 4096;

std::string_view text_of(const ClientKey& client) {
  const ByteView key = client.view();
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

std::uint32_t burst_of(std::uint32_t per_second) {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max() / RequestLimits::burst_seconds;
  return std::min(per_second, most) * RequestLimits::burst_seconds;
}

}  // namespace

std::uint32_t cost_of(const ClientRequest& request) {
  // It is told on to other trackers and to clients.
  if (request.get<ReportPiece>() != nullptr) return cost_of_a_change;
  if (!changes_something(request)) return cost_of_a_look;
  const AddFile* add = request.get<AddFile>();
  if (add == nullptr) return cost_of_a_change;
  const std::size_t bytes = add->metainfo.piece_sha1.run.size() + add->metainfo.piece_sha256.run.size();
  return cost_of_a_change + static_cast<std::uint32_t>(bytes / bytes_a_token);
}

// --- RateBuckets ------------------------------------------------------------------------------------------------

RateBuckets::RateBuckets(std::uint32_t per_second, std::uint32_t burst, const HashSecret& secret)
    : hash_(secret),
      every_(Duration(std::chrono::seconds(1)) / std::max(per_second, 1U)),
      capacity_(std::max(burst, 1U) * every_) {}

std::uint64_t RateBuckets::place_of(std::string_view who) const {
  return hash_.of(ByteView(reinterpret_cast<const std::uint8_t*>(who.data()), who.size()));
}

Duration RateBuckets::wait_for(std::string_view who, std::uint32_t cost, Instant now) const {
  const auto found = full_at_.find(place_of(who));
  const bool is_crowd = found == full_at_.end() && full_at_.size() >= entries_max;
  const Instant full_at = is_crowd ? crowd_full_at_ : found == full_at_.end() ? now : found->second;
  // What costs more than a bucket holds goes when it is full.
  const Duration after = std::max(full_at, now) + std::min(cost * every_, capacity_) - now;
  return std::max(after - capacity_, Duration::zero());
}

void RateBuckets::take(std::string_view who, std::uint32_t cost, Instant now) {
  const std::uint64_t place = place_of(who);
  if (!full_at_.contains(place) && full_at_.size() >= entries_max) forget_full_ones(now);
  const bool is_crowd = !full_at_.contains(place) && full_at_.size() >= entries_max;
  Instant& full_at = is_crowd ? crowd_full_at_ : full_at_[place];
  full_at = std::max(full_at, now) + cost * every_;
}

void RateBuckets::forget_full_ones(Instant now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + sweep_pause;
  std::erase_if(full_at_, [&](const auto& each) { return each.second <= now; });
}

// --- RequestLimits ----------------------------------------------------------------------------------------------

RequestLimits::RequestLimits(std::uint32_t per_client, std::uint32_t per_address, const HashSecret& secret)
    : clients_(per_client, burst_of(per_client), secret),
      addresses_(per_address, burst_of(per_address), secret),
      presences_(presences_per_second, presences_burst, secret) {}

RequestLimits::Turn RequestLimits::take(const ClientKey& client, const std::string& host, std::uint32_t cost,
                                        Instant now) {
  const std::string_view key = text_of(client);
  const std::string address = address_of(host);
  const Duration wait = std::max(clients_.wait_for(key, cost, now), addresses_.wait_for(address, cost, now));
  if (wait > wait_max) return {wait, true};
  clients_.take(key, cost, now);
  addresses_.take(address, cost, now);
  return {wait, false};
}

bool RequestLimits::hears_presence(const ClientKey& client, Instant now) {
  const std::string_view key = text_of(client);
  if (presences_.wait_for(key, 1, now) > Duration::zero()) return false;
  presences_.take(key, 1, now);
  return true;
}

}  // namespace tutti
