#pragma once

#include <cstddef>
#include <optional>

#include "actors/time.hpp"
#include "messages/units.hpp"
#include "peer/piece_layout.hpp"
#include "peer/rate_meter.hpp"

namespace tutti {

/// Decides how many bytes may be asked for at one peer and have not come yet.
///
/// Rules:
/// - Twice what the way to the peer holds (its rate times its shortest delay): once to keep it full, once so that a rate
///   that can grow does grow, round by round. The shortest delay is used because any longer one is our own queue.
/// - On a long way (`near`) twice that: what is lost there is sent again a round or two later, and all that came behind
///   it waits for it at our end. A window that does not cover that makes the rate fall, and with the rate falls the
///   window.
/// - And what comes within `late`, up to `start`: the shortest delay leaves out that processes of a busy machine get their
///   turn late. Without that, several sources near by run dry by turns, and whoever is a little ahead gets further ahead.
/// - At first `start`, the best on a fast and short line; a slow peer has little of it wasted, as its first blocks
///   shrink the window.
/// - On a long way (`near`) connections speed up for a while, and what they do meanwhile says little of what they can: for
///   as long as `ramp` delays, a second at most, the way is thought to hold `ramp_holds`.
/// - Never less than one block. Whoever gives us his line alone is asked for two or more by the rules above, as his
///   delay is that of a block at least. Whoever serves many sends us a block now and then: what else he was asked for
///   meanwhile would wait there, and could not be asked of others.
/// - Never more than the cap that the whole client's budget leaves this peer (RequestBudget): every byte asked for can
///   end up in our memory.
/// - A TCP connection carries what the system at its other end buffers for it, which with Linux's defaults is 2.7 MB: on a
///   long and fast way one is not enough. If one that has sped up holds about that, there are more; if it holds more, it may
///   hold all, and several would only push each other out of the queues on the way. The way has to be longer than `near`: a
///   greeting shows that, which waits for no disk and behind no block.
/// - The shortest delay is measured anew every `probe_every`: for one round the window is one block, so that the queue
///   drains and the way shows its true length, give or take a block (it may have changed).
class RequestWindow {
 public:
  static constexpr ByteCount start{4U << 20U};
  static constexpr ByteCount least{block_size};
  static constexpr Duration late = std::chrono::milliseconds(20);
  static constexpr Duration probe_every = std::chrono::seconds(10);

  static constexpr Duration near = std::chrono::milliseconds(10);
  static constexpr ByteCount ramp_holds{8U << 20U};
  static constexpr int ramp = 20;
  static constexpr Duration ramp_max = std::chrono::seconds(1);
  static constexpr ByteCount a_link_holds_min{3U << 19U};
  static constexpr ByteCount a_link_holds_max{13U << 18U};
  static constexpr std::size_t links_max = 4;

  explicit RequestWindow(ByteCount cap) : cap_(cap) {}

  void set_cap(ByteCount cap) { cap_ = cap; }
  /// What may be under way in all.
  ByteCount size() const;
  ByteCount in_flight() const { return in_flight_; }
  /// True if a request for `bytes` more fits. One always does if nothing is under way.
  bool may_ask(ByteCount bytes) const { return in_flight_.value == 0 || in_flight_ + bytes <= size(); }

  /// So long the peer took to answer a greeting.
  void greeted(Duration time);
  void asked(ByteCount bytes, Instant now);
  /// The answer to a request that was made at `asked_at`.
  void arrived(ByteCount bytes, Instant asked_at, Instant now);
  /// A request that will not be answered: cancelled, rejected, lost with the link.
  void dropped(ByteCount bytes, Instant now);

  /// How many connections it takes, as far as can be told of one.
  std::size_t links(Instant now) const;

  std::uint64_t bytes_per_second(Instant now) const { return meter_.bytes_per_second(now); }
  /// From request to answer on an empty line; nothing while unknown.
  std::optional<Duration> shortest_delay() const { return shortest_delay_; }

 private:
  bool is_far() const { return greeting_ >= near && (!shortest_delay_ || *shortest_delay_ >= near); }
  bool speeds_up(Instant now) const;
  void run_meter(Instant now);

  ByteCount cap_;
  ByteCount in_flight_;
  RateMeter meter_{std::chrono::seconds(1)};  ///< runs from the first answer until nothing is under way
  RateMeter lately_{std::chrono::milliseconds(250)};
  bool meter_running_ = false;
  Duration greeting_{};
  std::optional<Instant> first_came_;
  std::optional<Duration> shortest_delay_;
  ByteCount held_by_the_way_{start.value / 2};
  ByteCount comes_late_;
  Instant probe_at_{};  ///< when the next probe is due, or since when one goes on
  bool probing_ = false;
};

/// Decides what share of the client's memory each peer may fill with blocks under way.
/// Rules: all shares together are at most `total`; no share is below one block, so at most `peers_max` peers may be asked
/// at a time.
class RequestBudget {
 public:
  static constexpr ByteCount default_total{24U << 20U};

  explicit RequestBudget(ByteCount total = default_total) : total_(total) {}
  /// How many peers may be asked at a time.
  std::size_t peers_max() const { return static_cast<std::size_t>(total_.value / block_size.value); }
  /// The cap of each of `peers` that are asked (not more than peers_max).
  ByteCount share(std::size_t peers) const;

 private:
  ByteCount total_;
};

}  // namespace tutti
