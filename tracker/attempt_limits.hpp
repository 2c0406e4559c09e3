#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/time.hpp"
#include "messages/kernel.hpp"
#include "tracker/keyed_hash.hpp"

namespace tutti {

/// How often something may happen: `burst` times at once, then once every `every`.
struct AttemptRate {
  std::uint32_t burst = 1;
  Duration every{};
};

/// Token buckets of whoever there is, 65,536 of them in 512 KiB at the most: who is counted in which bucket a hash under a
/// secret says. Two who fall into one share it; with so many buckets that hits one honest person in thousands, and nobody can
/// aim at it. Memory is there for those that were taken from, 4 KiB at a time.
class AttemptBuckets {
 public:
  AttemptBuckets(AttemptRate rate, const HashSecret& secret);

  /// How long until one more is allowed for `who`; zero: now.
  Duration wait_for(std::string_view who, Instant now) const;
  void take(std::string_view who, Instant now);
  /// What was taken did not count after all.
  void give_back(std::string_view who);

 private:
  /// When each bucket is full again: everything there is to know of it.
  using Page = std::array<Instant, 4096 / sizeof(Instant)>;
  static constexpr std::size_t pages = (std::size_t{1} << 16U) / std::tuple_size_v<Page>;

  struct Place {
    std::size_t page;
    std::size_t at;
  };
  Place place_of(std::string_view who) const;
  KeyedHash hash_;
  AttemptRate rate_;
  std::vector<std::unique_ptr<Page>> pages_{pages};
};

/// A password that somebody wants to have checked.
struct Attempt {
  std::string user;       ///< the name as it was typed, be there such a user or not
  std::string host;       ///< where it comes from
  ClientKey client;       ///< proven
  bool familiar = false;  ///< the user has logged in on this very client before
};

/// Decides whether a password may be tried once more.
///
/// Only wrong passwords count: an attempt takes its tokens when the password is about to be looked at, and gets them back if
/// it fitted. So those that wait for that count for nothing yet: a class that logs in at one moment, from one address, does.
///
/// Rules:
/// - Whoever tries from a client on which the user has logged in before has a bucket of his own, which nobody else can
///   empty: so guessing at a name never locks its owner out.
/// - Others are counted by address (the /64 of an IPv6 address), and by name. Where too many have guessed at a name, each
///   address still has one attempt in a while at it: the owner on a new machine gets through, too.
/// - A name that nobody has is counted as others are, so that the answer does not tell.
class AttemptLimits {
 public:
  /// Wrong passwords a minute, about: from one address, and at one name.
  AttemptLimits(std::uint32_t per_address, std::uint32_t per_user, const HashSecret& secret);

  /// Nothing: it may be tried, and counts until succeeded(). Else how long to wait.
  std::optional<Duration> begin(const Attempt& attempt, Instant now);
  void succeeded(const Attempt& attempt);

 private:
  AttemptBuckets familiar_;
  AttemptBuckets addresses_;
  AttemptBuckets names_;
  AttemptBuckets last_resort_;  // a name from an address
};

/// What counts as one address: of IPv6 the first 64 bits, since whoever has one has all the others of those.
std::string address_of(const std::string& host);

}  // namespace tutti
