#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/property/tracker/network.hpp"
#include "tracker/directory.hpp"

namespace tutti::test {

class NaiveModel;

/// What holds at every moment, or (those from acknowledged_is_kept on) when everybody can hear everybody and nobody asks anything.
enum class Invariant : std::uint8_t {
  answered_from_disk,            ///< an answer is of what is on the disk of the tracker that gives it
  ok_is_on_every_disk,           ///< one that is not provisional is on the disk of every tracker
  nothing_older_than_the_floor,  ///< if anybody who can be asked has what the client has seen
  one_request_one_outcome,       ///< wherever and however often it is asked
  acknowledged_is_seen,          ///< by everybody, at every tracker that answers
  one_winner_of_a_name,          ///< nobody else is told that he has it; and it is the same everywhere
  sequence_is_used_once,         ///< no two deltas have one origin and one number
  equal_vectors_equal_digests,
  revoked_never_revives,  ///< where a revocation is known, that generation is no member
  ticket_is_of_a_member,  ///< one is given for the key that asks, to whom its tracker knows as a member
  ticket_lasts_a_minute,
  departure_ends_tickets,  ///< whoever knows of it says a higher epoch than any ticket of whoever has gone has
  departure_is_told,  ///< to members who are there, before whoever has removed somebody is told that it is done
  acknowledged_is_kept,  ///< on every disk, for ever
  state_is_the_join,     ///< of all operations in any order; and the rows on disk say the same
  all_become_equal,
};
inline constexpr std::size_t invariants = 16;
std::string_view name_of(Invariant invariant);

struct Violation {
  Invariant invariant;
  std::string sentence;
};

/// A client's request as the client means it, whatever happens to it on its way.
struct Asked {
  ClientKey client;
  Request request;
  Instant since;                    // first said
  Instant said;                     // where it is answered
  std::vector<VersionVector> held;  // by each tracker on its disk, at that moment
};

/// Watches the trackers of a network from outside: what they put on their disks and what they say. Knows nothing of how
/// they work, so a bug cannot hide in both. Keeps the first violation.
///
/// What a disk loses that nobody else has on disk is forgotten here as well: it cannot be had, and nobody was told that
/// it is on every disk.
class Checker final : public Observer {
 public:
  explicit Checker(Network& network);

  void committed(std::size_t tracker, const CommitBatch& batch) override;
  void claims(std::size_t tracker, const VersionVector& at, const StateDigest& digest) override;
  void was_robbed(std::size_t tracker) override;
  void answered(std::size_t tracker, const Asked& asked, const Answer& answer);

  /// All serve and say that they have the same.
  bool all_are_equal() const;
  /// Everything that must hold then.
  void check_quiet();

  /// A group that has this name; zeros: none yet.
  Gid group_called(const std::string& name) const;

  void report(Invariant invariant, std::string sentence);
  const std::optional<Violation>& violation() const { return violation_; }
  std::size_t acknowledged() const { return acknowledged_.size(); }

 private:
  using DeltaKey = std::pair<StoreId, Sequence>;
  using RequestKey = std::pair<ClientKey, RequestCounter>;
  using MemberKey = std::pair<Gid, Uid>;
  struct Made {
    Delta delta;
    Instant when;
  };
  struct Acknowledged {
    std::string what;
    std::vector<DeltaKey> by;  // any of them
  };
  struct Standing {
    std::uint64_t generation = 0;
    MembershipRank rank = MembershipRank::requested;
    Instant ended = Instant::min();  // when the last membership was over here, if there was one
  };
  /// A ticket, and what the disk of whoever gave it had then.
  struct Given {
    std::uint64_t epoch = 0;
    std::uint64_t generation = 0;
    VersionVector at;
  };
  struct Revocation {
    std::uint64_t generation = 0;
    DeltaKey by;
  };

  void learn(const Delta& delta);
  void learn(const DeltaKey& key, const Delta& delta);
  std::set<MemberKey> note_rows(std::size_t tracker, const CommitBatch& batch);
  void check_revocations(std::size_t tracker, const MemberKey& key);
  bool is_on(std::size_t tracker, const DeltaKey& key) const;
  bool is_on_every_disk(const DeltaKey& key) const;
  std::vector<DeltaKey> made_by(const Asked& asked, const Answer& answer) const;
  std::vector<DeltaKey> made_for(const Asked& asked) const;
  bool is_given_up(const Asked& asked) const;
  bool is_contested(const ClientRequest& what, const RequestKey& id) const;
  void check_floor(std::size_t tracker, const Asked& asked, const Answer& answer);
  void check_outcome(std::size_t tracker, const Asked& asked, const Answer& answer);
  void check_success(const Asked& asked, const Answer& answer);
  void check_refusal(const Asked& asked, const Refused& refused);
  void check_ticket(std::size_t tracker, const Asked& asked, const PeerTicket& ticket);
  void check_epoch(std::size_t tracker, const Asked& asked, const Gid& gid, std::uint64_t epoch);
  void note_standing(std::size_t tracker, const MembershipChanged& change);
  void check_names(const NaiveModel& model, const std::vector<Directory>& states);

  Network& network_;
  std::map<DeltaKey, Made> made_;
  std::map<RequestKey, std::vector<DeltaKey>> of_request_;
  std::vector<Acknowledged> acknowledged_;
  struct Told {
    bool success = false;
    bool provisional = false;
  };
  std::map<RequestKey, Told> told_;
  std::map<std::string, std::pair<Uid, Instant>> names_won_;  // for certain
  std::set<Uid> accounts_told_;
  std::map<Bytes, StateDigest> digest_at_;  // by encoded vector
  std::map<MemberKey, std::vector<Revocation>> revocations_;
  std::vector<std::map<MemberKey, Standing>> standings_;  // on each disk
  std::map<std::string, Gid> groups_;
  std::map<Sha256, Uid> users_of_tokens_;
  std::map<std::tuple<Gid, Uid, std::size_t>, Given> given_;  // the last one of each tracker
  std::vector<Instant> robbed_;
  std::optional<Violation> violation_;
};

}  // namespace tutti::test
