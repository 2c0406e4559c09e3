#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "actors/time.hpp"
#include "messages/peer_ticket.hpp"

namespace tutti {

/// Decides when a client asks for a ticket of a group. Owns the tickets that it holds: one a group, for all its peers
/// and files there.
///
/// Rules:
/// - A ticket is renewed when half of its life is over, by the clock of this process: so trackers whose clocks differ by
///   less than the other half agree on it, and a tracker that dies meanwhile costs nothing.
/// - When the group's epoch has risen, or a peer does not take what it was shown, a new one is asked for at once, but
///   not more often than `pause`: a peer cannot make us flood the trackers.
/// - What was asked and refused, or not answered, is asked again after `retry`.
class TicketPurse {
 public:
  static constexpr Duration renew_every = peer_ticket_lifetime / 2;
  static constexpr Duration pause = std::chrono::milliseconds(100);
  static constexpr Duration retry = std::chrono::seconds(1);

  /// The ticket to be shown now; null: none yet.
  const PeerTicket* ticket(const Gid& gid) const {
    const auto held = held_.find(gid);
    return held == held_.end() || held->second.ticket.gid.is_zero() ? nullptr : &held->second.ticket;
  }
  bool to_be_asked(const Gid& gid, Instant now) const {
    const auto held = held_.find(gid);
    return held == held_.end() || (!held->second.asking && now >= held->second.due);
  }
  /// When to look again; only for groups that were asked about.
  Instant due(const Gid& gid) const { return held_.at(gid).due; }
  void asked(const Gid& gid, Instant now) {
    Held& held = held_[gid];
    held.asking = true;
    held.asked = now;
  }
  void given(const PeerTicket& ticket, Instant now) {
    Held& held = held_[ticket.gid];
    held.ticket = ticket;
    settle(held, ticket.epoch < held.epoch ? pause : renew_every, now);
  }
  void not_given(const Gid& gid, Instant now) { settle(held_[gid], retry, now); }
  void rose(const Gid& gid, std::uint64_t epoch, Instant now) {
    const auto held = held_.find(gid);
    if (held == held_.end() || epoch <= held->second.epoch) return;
    held->second.epoch = epoch;
    if (held->second.ticket.epoch < epoch) not_taken(gid, now);
  }
  void not_taken(const Gid& gid, Instant now) {
    const auto held = held_.find(gid);
    if (held == held_.end()) return;
    held->second.due = std::min(held->second.due, std::max(now, held->second.asked + pause));
  }
  void forget(const Gid& gid) { held_.erase(gid); }
  void clear() { held_.clear(); }

 private:
  struct Held {
    PeerTicket ticket;        ///< none: all zeros
    std::uint64_t epoch = 0;  ///< the highest that was heard of
    bool asking = false;
    Instant asked{};
    Instant due{};
  };
  static void settle(Held& held, Duration delay, Instant now) {
    held.asking = false;
    held.due = now + delay;
  }
  std::map<Gid, Held> held_;
};

}  // namespace tutti
