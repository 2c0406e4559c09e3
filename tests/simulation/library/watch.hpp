#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "messages/tracker_tracker.hpp"
#include "tests/simulation/library/content.hpp"
#include "tests/simulation/library/swarm.hpp"

namespace tutti::simulation {

/// What holds at every moment; downloads_finish and the two behind it: when there have been no faults for a while.
enum class Invariant : std::uint8_t {
  answered_from_disk,           ///< what a tracker answers by is on its disk when the answer leaves
  ok_is_on_every_disk,          ///< what is granted is on a disk; for certain: on the disk of every tracker
  equal_vectors_equal_digests,  ///< trackers that have heard the same are the same
  members_only,  ///< no block reaches who was never let into the group, or was removed a while ago
  passes_end,    ///< a pass for a sealed door is good as long as the link over which it was given stands
  served_is_verified,  ///< what is served is the file, unless the disk has changed it behind the client's back
  finished_is_the_file,  ///< a download that is complete is the file
  journal_is_true,       ///< a piece that the journal vouches for is in the part file
  understood_inside,     ///< actors of one process understand each other
  bounded,  ///< nobody asks ahead for more, sends on into a queue longer, or has one longer than is allowed
  orders_obeyed,     ///< limits are kept to, and nobody asks for anything while his downloads rest
  downloads_finish,  ///< if anybody has the file
  trackers_agree,
  shares_return,  ///< who shares a file serves it again, and is named for it
  goes_on,        ///< a story comes to its end
  no_bug,         ///< what an ENSURE states does not hold, or memory is misused (told_apart)
};
inline constexpr std::size_t invariants = 16;
std::string_view name_of(Invariant invariant);

struct Violation {
  Invariant invariant;
  std::string sentence;
  Instant when{};
};

/// Watches a swarm from outside: what its processes put on disks, say to each other and tell their users. Knows nothing of
/// how they work, so a bug cannot hide in both. Keeps the first violation.
class Watch {
 public:
  explicit Watch(Swarm& swarm);

  /// A file of the story, by its name: what it is.
  void know_file(const std::string& name, const Content& content) { contents_[name] = content; }
  /// How many messages may wait for one thread.
  void know_longest_inbox(std::size_t messages) { inbox_max_ = messages; }
  /// What each client may have asked for and not got, in bytes.
  void know_request_memory(std::uint64_t bytes) { request_memory_ = bytes; }
  void report(Invariant invariant, std::string sentence);
  const std::optional<Violation>& violation() const { return violation_; }
  /// What must hold when it has been quiet.
  void check_quiet();
  bool trackers_agree() const;
  /// How many deltas a tracker lacks of what any has.
  std::uint64_t lag_of(const TrackerMachine& tracker) const;
  /// A ticket lasts 60 s; then comes what an uploader needs to notice, and what is on its way.
  static constexpr Duration served_after_removal = std::chrono::seconds(90);
  /// No faults any more from now on.
  void quiet_begins() { quiet_since_ = swarm_.clock().now(); }
  std::uint64_t acknowledged() const { return acknowledged_; }
  /// This client's uploader has been given a file of this name, in the life that it lives now.
  bool serves(const ClientMachine& client, const std::string& file) const;

  // Called by whoever owns the swarm's hooks.
  void delivered(SwarmHost& host, Instant when, const Envelope& envelope);
  void leaves(SwarmHost& host, const Envelope& envelope);
  void on_wire(NodeId from, NodeId to, const Envelope& envelope);
  void on_disk(TrackerMachine& tracker, const CommitBatch& batch);
  void disk_lost(TrackerMachine& tracker);

 private:
  using DeltaKey = std::pair<StoreId, Sequence>;
  struct FileOf {
    std::string name;
    Gid gid;
    std::uint64_t piece_length = 0;
  };
  struct Member {
    std::uint64_t generation = 0;
    MembershipRank rank = MembershipRank::requested;
    bool ever = false;
    std::optional<Instant> removed;
  };

  void learn_promise(const DeltaKey& key, const Operation& operation);
  void learn_fact(const Operation& operation);
  void check_answer(const TrackerMachine& tracker, const ClientKey& client, const Answer& answer);
  void check_block(NodeId from, NodeId to, const Block& block, const Payload& payload);
  void check_journal(const ClientMachine& client, const JournalPiece& piece);
  bool holds_piece(const ClientMachine& client, const DownloadRecord& download, PieceIndex piece) const;
  void check_complete(const ClientMachine& client, const DownloadRow& row);
  void check_bounds(const ClientMachine& client, const Envelope& envelope);
  void check_orders(const ClientMachine& client, const Envelope& envelope);
  bool serves_what_has_rotted(const ClientMachine& client, const std::string& file) const;
  void note_serving(const SwarmHost& host, const Envelope& envelope);
  template <class Word>
  void answered(NodeId client, Address link, const Word& word);
  void note_answer(const ClientMachine& client, const Envelope& envelope);
  void note_peers(const SwarmHost& host, const Envelope& envelope);
  void check_pass(const ClientMachine& client, const Envelope& envelope);
  bool is_on_every_disk(const DeltaKey& key) const;
  TrackerMachine* tracker_at(NodeId node) const;
  ClientMachine* client_at(NodeId node) const;
  TrackerMachine* tracker_of(const SwarmHost& host) const { return tracker_at(host.node()); }

  Swarm& swarm_;
  std::optional<Violation> violation_;
  std::map<std::string, Content> contents_;
  std::map<DeltaKey, Instant> made_;
  std::map<DeltaKey, std::vector<Operation>> outcomes_;  // answers and sessions of each delta
  std::map<std::pair<ClientKey, RequestCounter>, std::vector<DeltaKey>> of_request_;
  std::set<std::pair<ClientKey, RequestCounter>> changes_asked_for_;
  std::set<std::pair<ClientKey, RequestCounter>> put_down_;  ///< and answered by that
  std::map<Address, ClientKey> client_of_link_;
  std::map<Bytes, StateDigest> digest_at_;
  bool numbers_may_be_reused_ = false;
  std::map<std::pair<Gid, Uid>, Member> members_;
  std::map<ClientKey, std::set<Uid>> users_of_client_;
  std::map<Fid, FileOf> files_;
  std::map<std::uint32_t, Instant> robbed_;
  using Requested = std::tuple<Fid, PieceIndex, ByteCount>;
  /// What a client has asked for and has not been answered, by link. `ahead`: bytes of it, and of links that may have gone.
  struct Asked {
    std::map<Address, std::map<Requested, std::uint64_t>> links;
    std::uint64_t ahead = 0;
  };
  std::map<NodeId, Asked> asked_;
  /// What an uploader has been given, by whom and in which process: the names of files, by their places.
  struct Served {
    HostId host = 0;
    std::map<std::tuple<Gid, Fid, std::string>, std::string> files;
  };
  std::map<NodeId, Served> served_;
  /// From where each has ever served a file of this name.
  std::map<std::pair<NodeId, std::string>, std::set<std::string>> served_from_;
  /// Who is connected to the doors of a client, in the process that it is now, as far as that has heard.
  struct Peers {
    HostId host = 0;
    std::map<Address, LinkKey> keys;
  };
  std::map<NodeId, Peers> peers_;
  /// What has passed since a limit was promised.
  struct Passed {
    Instant since{};
    std::uint64_t bytes = 0;
  };
  std::map<std::pair<NodeId, LimitDirection>, Passed> passed_;
  std::uint64_t request_memory_ = UINT64_MAX / 4;
  std::size_t inbox_max_ = SIZE_MAX;
  std::optional<Instant> quiet_since_;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace tutti::simulation
