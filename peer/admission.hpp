#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/time.hpp"
#include "messages/client_tracker.hpp"

namespace tutti {

/// Decides which clients a client serves in a group: those who have shown a ticket that counts. Owns what they have
/// shown and what the trackers have said of tickets (TicketRules). Whoever uses it asks them.
///
/// Rules:
/// - A ticket counts if it names the key that the very link has proven, if a tracker has signed it, if it is of the
///   highest epoch that has been heard of, and until it expires, by the trackers' clock. Nobody is let in before a
///   tracker has said by what to check; then no round trip is needed for anybody who comes.
/// - A ticket that is signed by a tracker that is not known waits until the own one has been asked once more.
/// - A tracker may hear of a departure later than another: a ticket of a higher epoch than was known raises it.
/// - When the epoch rises, who holds a ticket of a lower one has `grace` to bring a new one: a member gets that in two
///   round trips, and his transfer goes on; whoever has gone does not get it, and is cut off within a second.
/// - While the trackers cannot be reached from here nobody could renew a ticket, and no departure can have happened that
///   we should have heard of: who was let in stays, however old his ticket is. Nobody new is let in but by a ticket that
///   has not expired. When they are back, all have `reunion` to bring new ones.
/// - The trackers are asked again every `ask_every` while somebody fetches: what they say at once when somebody leaves
///   may have been lost with a link.
class Admission {
 public:
  static constexpr Duration ask_every = std::chrono::seconds(5);
  /// However many tickets of unknown signers are shown, a group is not asked about more often.
  static constexpr Duration ask_pause = std::chrono::milliseconds(250);
  static constexpr Duration grace = std::chrono::milliseconds(500);
  static constexpr Duration reunion = std::chrono::seconds(5);

  /// `undecided`: it is kept until learned(); `refused`: a newer one may do; `forged`: no tracker has made it, or it is
  /// somebody else's: the peer lies.
  enum class Verdict : std::uint8_t { let_in, undecided, refused, forged };
  Verdict show(const PeerTicket& ticket, const ClientKey& client, Instant now);
  bool admitted(const Gid& gid, const ClientKey& client) const { return user_of(gid, client).has_value(); }
  /// Who has let this client in, by its ticket; nothing: it is not let in.
  std::optional<Uid> user_of(const Gid& gid, const ClientKey& client) const;
  /// It has shown a ticket that is kept until learned().
  bool is_undecided(const Gid& gid, const ClientKey& client) const;

  /// When to ask about a group next; nothing while a question is under way.
  std::optional<Instant> ask_at(const Gid& gid) const;
  void asked(const Gid& gid, Instant now);
  /// Returns whose tickets were kept until now and count not.
  std::vector<ClientKey> learned(const Gid& gid, const TicketRules& rules, Instant now);
  /// The question had no answer; `unreachable`: since there is no tracker.
  void unanswered(const Gid& gid, bool unreachable, Instant now);
  void rose(const Gid& gid, std::uint64_t epoch, Instant now);

  /// Who is to be told, once, that a new ticket is wanted.
  std::vector<ClientKey> to_renew(const Gid& gid);
  /// Takes out whose ticket counts no more.
  std::vector<ClientKey> lapsed(const Gid& gid, Instant now);
  /// When lapsed() may have somebody next.
  std::optional<Instant> lapse_at(const Gid& gid) const;
  void forget(const Gid& gid) { groups_.erase(gid); }
  /// Its tickets in all groups: it has no link any more.
  void forget(const ClientKey& client);

 private:
  struct Held {
    Uid user;
    std::uint64_t epoch = 0;
    Instant expires{};
    std::optional<Instant> stale;  ///< lapses then, as the epoch has risen
    bool told = false;             ///< that it is to be renewed
  };
  struct Group {
    std::uint64_t epoch = 0;
    bool known = false;  ///< the trackers have said how to check
    std::set<SigningKey> signers;
    std::map<ClientKey, Held> held;
    std::map<ClientKey, PeerTicket> undecided;
    bool asking = false;
    Instant last_asked{};
    Instant ask_at{};
  };
  Verdict judge(Group& group, const PeerTicket& ticket, bool may_wait, Instant now);
  void raise(Group& group, std::uint64_t epoch, Instant now);
  Instant lapse_of(const Held& held) const;
  /// When it is so late for the trackers.
  Instant instant_of(std::uint64_t milliseconds) const;

  std::map<Gid, Group> groups_;
  std::uint64_t clock_ = 0;  ///< the trackers', at `clock_at_`
  Instant clock_at_{};
  bool reachable_ = true;
  Instant reunited_{};
};

}  // namespace tutti
