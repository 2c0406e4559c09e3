#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/time.hpp"

namespace tutti {

/// What connections one door takes.
struct ConnectionBounds {
  std::size_t in_all = 4096;       ///< open at once
  std::size_t per_address = 1024;  ///< open at once, from one address
  std::uint32_t per_second = 200;  ///< begun, from one address, on average
  std::uint32_t burst = 2000;      ///< and at once
};

/// Decides which connections of a door are hung up on. Knows of each where it comes from and whether anything was heard.
///
/// Rules:
/// - An address is what whoever has one has: of IPv6 the first 64 bits (the caller says it so).
/// - The numbers are for a lab behind one address whose members all come back at the same moment, and for whoever runs many
///   on one machine: they bound what somebody who connects again and again costs, and leave the rest of the door to others.
/// - Where there are too many, the one goes that has been mute the longest, of the same address or else of all: whoever means
///   it speaks within a moment, and gets in past any number of those who do not. Who has spoken is never hung up on, so if all
///   have, the newcomer goes.
/// - Who comes too often is hung up on at once, whatever there is room for: each handshake costs processor time.
/// - Who says nothing in `mute_after` goes: each of ours speaks when it is let in. So does who is given up and stays: else
///   those who spoke once and never again would fill the door.
class ConnectionLimits {
 public:
  static constexpr Duration mute_after = std::chrono::seconds(10);
  using Id = int;

  explicit ConnectionLimits(const ConnectionBounds& bounds);

  /// One has come in. Whom to hang up on, maybe it: those count no more, whether they are closed() later or not.
  std::vector<Id> opened(Id id, const std::string& address, Instant now);
  void heard(Id id);
  /// Whoever spoke there is given up: it is as mute as one that has just come, until somebody speaks.
  void given_up(Id id, Instant now);
  /// True if it has ended without a word, or after whoever spoke there was given up.
  bool closed(Id id);
  /// Those who have said nothing for too long, to be hung up on. `awake_since` is when the caller last began to listen
  /// after a long pause: what came before it may not be read yet.
  std::vector<Id> mute(Instant now, Instant awake_since);

  std::size_t open() const { return connections_.size(); }
  std::size_t addresses() const { return addresses_.size(); }
  void check_invariants() const;

 private:
  struct Connection {
    std::string address;
    std::uint64_t number = 0;  ///< in the order of coming
    Instant since;
    bool heard = false;
  };
  struct Address {
    std::size_t open = 0;
    Instant full_at{};                            ///< of its token bucket
    std::set<std::pair<std::uint64_t, Id>> mute;  ///< the oldest first
  };
  static constexpr std::size_t sweep_above = 4096;
  void forget_idle(Instant now);
  void take_out(Id id);

  ConnectionBounds bounds_;
  Duration every_;
  std::uint64_t last_number_ = 0;
  Instant next_sweep_{};
  std::unordered_map<Id, Connection> connections_;
  std::unordered_map<std::string, Address> addresses_;
  std::set<std::pair<std::uint64_t, Id>> mute_;  ///< of all
};

}  // namespace tutti
