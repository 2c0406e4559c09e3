#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "actors/time.hpp"
#include "messages/client_tracker.hpp"
#include "tracker/keyed_hash.hpp"

namespace tutti {

/// Token buckets that lend: whoever takes more than there is waits until it has come in. Each is a moment, the one when
/// it is full again; one that is full is forgotten, so memory goes with how many ask, not with how many ever asked.
///
/// At most `entries_max` are kept. Whoever is new while there are so many that are not full shares one bucket with all
/// others of those.
class RateBuckets {
 public:
  static constexpr std::size_t entries_max = 65'536;

  /// `per_second` come in, up to `burst`; both at least 1.
  RateBuckets(std::uint32_t per_second, std::uint32_t burst, const HashSecret& secret);

  /// How long `who` would wait for `cost`.
  Duration wait_for(std::string_view who, std::uint32_t cost, Instant now) const;
  void take(std::string_view who, std::uint32_t cost, Instant now);
  std::size_t size() const { return full_at_.size(); }

 private:
  std::uint64_t place_of(std::string_view who) const;
  void forget_full_ones(Instant now);

  static constexpr Duration sweep_pause = std::chrono::milliseconds(100);
  KeyedHash hash_;
  Duration every_;     // one comes in
  Duration capacity_;  // so long does an empty one take to be full
  std::unordered_map<std::uint64_t, Instant> full_at_;
  Instant crowd_full_at_{};
  Instant next_sweep_{};
};

/// What a request costs: 1 if it only looks, 5 if it changes something, which every tracker writes to its disk; and one
/// more for each 4 KiB of digests that it brings.
std::uint32_t cost_of(const ClientRequest& request);

/// Decides when a request of a client may be looked at: at once, when its turn has come, or not at all.
///
/// Rules:
/// - Counted by the client's key, and by address (the /64 of an IPv6 address), since keys cost nothing. Both have to allow
///   it.
/// - Nobody is refused for being quick: what is too much waits. A client that waits for each answer before it asks again,
///   as scripts do, is slowed to the rate and never learns of it.
/// - What would wait longer than `wait_max` is refused: by then the client would have asked another tracker. It takes
///   nothing, so whoever is refused is not put off further by trying.
/// - A client's requests keep their order, as whoever comes later never has less to wait.
class RequestLimits {
 public:
  static constexpr Duration wait_max = std::chrono::seconds(1);
  /// What gathers while nothing is asked, in seconds of the rate.
  static constexpr std::uint32_t burst_seconds = 10;
  /// Presence is said every few seconds.
  static constexpr std::uint32_t presences_per_second = 5;
  static constexpr std::uint32_t presences_burst = 50;

  RequestLimits(std::uint32_t per_client, std::uint32_t per_address, const HashSecret& secret);

  struct Turn {
    Duration wait{};       ///< 0: at once
    bool refused = false;  ///< `wait` is when to try again
  };
  Turn take(const ClientKey& client, const std::string& host, std::uint32_t cost, Instant now);
  /// Whether this client's word about its presence is to be heard. One that is not is followed by another.
  bool hears_presence(const ClientKey& client, Instant now);

 private:
  RateBuckets clients_;
  RateBuckets addresses_;
  RateBuckets presences_;
};

}  // namespace tutti
