#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "actors/time.hpp"
#include "messages/client_tracker.hpp"

namespace tutti {

/// Decides which clients a client serves in a group: sessions of its members, as the trackers say. Owns what they have
/// said, and when they are to be asked again. Whoever uses it asks.
///
/// Rules:
/// - Nobody is let in before a tracker has named it. A client says its key itself as yet, so this keeps out those who
///   have left and not those who lie; links that prove the key come with CURVE.
/// - All who fetch in a group are asked about again every `recheck_every`, in one question: that is how it is heard that
///   somebody has left, and costs a tracker the same for one peer and for a thousand.
/// - A tracker may be some moments behind the one that the other client speaks with: only who has not been named
///   `misses_max` times in a row is turned away, and answers that come closer together than `ask_again_after`, because
///   others knock meanwhile, count as one.
/// - Whoever was let in and came back while a question was under way that did not name it stays in.
/// - While no tracker answers, what was said last holds: a swarm outlives its trackers.
class Admission {
 public:
  static constexpr Duration recheck_every = std::chrono::seconds(5);
  static constexpr Duration ask_again_after = std::chrono::milliseconds(250);
  /// However many knock, a group is not asked about more often.
  static constexpr Duration ask_pause = std::chrono::milliseconds(20);
  static constexpr unsigned misses_max = 4;

  bool admitted(const Gid& gid, const ClientKey& client) const;
  /// Somebody who is not admitted waits for an answer.
  void wanted(const Gid& gid, Instant now);
  /// When to ask about a group next; nothing while a question is under way or nobody has ever wanted in.
  std::optional<Instant> ask_at(const Gid& gid) const;

  void asked(const Gid& gid, Instant now);
  /// A tracker has named those of the clients asked about that are members' sessions; `fetching` are those who fetch in
  /// the group by now, of whom the next question asks. Returns who of those asked about is turned away.
  std::vector<ClientKey> answered(const Gid& gid, std::span<const ClientKey> asked_about,
                                  std::span<const ClientKey> named, const std::set<ClientKey>& fetching,
                                  Instant now);
  /// No tracker could say anything.
  void unanswered(const Gid& gid, Instant now);
  /// Nothing is served in the group any more, or nobody fetches in it.
  void forget(const Gid& gid) { groups_.erase(gid); }

 private:
  struct Misses {
    unsigned times = 0;  ///< in a row that a client was not named
    Instant last{};
  };
  struct Group {
    std::set<ClientKey> members;
    std::map<ClientKey, Misses> missed;
    bool asking = false;
    bool wanted_meanwhile = false;  ///< by somebody whom the question under way does not name
    Instant last_asked{};
    Instant ask_at{};
  };
  void settle(Group& group, Duration delay, Instant now);

  std::map<Gid, Group> groups_;
};

}  // namespace tutti
