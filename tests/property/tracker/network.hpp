#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/injection_host.hpp"
#include "actors/random.hpp"
#include "messages/client_tracker.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/tracker_info.hpp"
#include "tracker/store.hpp"
#include "tracker/tracker_console.hpp"

// Whole trackers in one thread, with links and disks that a test breaks: the same seed, the same story.

namespace tutti::test {

/// The actors of one tracker.
enum class Part : std::uint8_t { front_desk, directory, replicator, journal, console, hasher };
inline constexpr std::size_t part_count = 6;

using WireId = std::uint64_t;

/// What stays of a tracker that is killed. `committed` is all that was ever put on it, to go back in.
struct Disk {
  std::unique_ptr<Store> store;
  std::vector<CommitBatch> committed;
  VersionVector at;
};

/// The client's end of a link to a tracker.
class ClientEnd {
 public:
  ClientEnd() = default;
  ClientEnd(const ClientEnd&) = delete;
  ClientEnd& operator=(const ClientEnd&) = delete;
  virtual ~ClientEnd() = default;
  /// An answer leaves the tracker: now it has to be true.
  virtual void leaves(std::size_t tracker, const Answer& answer) = 0;
  virtual void arrives(WireId wire, const Envelope& envelope) = 0;
  virtual void is_down(WireId wire) = 0;
};

/// Sees everything at the moment it happens.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  /// A batch is on the disk of a tracker.
  virtual void committed(std::size_t tracker, const CommitBatch& batch) = 0;
  /// A tracker says that its state at `at` has this digest.
  virtual void claims(std::size_t tracker, const VersionVector& at, const StateDigest& digest) = 0;
  /// A disk has lost (some of) what was on it.
  virtual void was_robbed(std::size_t tracker) = 0;
};

class Network;

/// Where a bug can be planted: between two actors, between two trackers, before a disk. False: it is lost on the way
/// (before the disk: it is said to be there).
struct Seams {
  std::function<bool(Network&, std::size_t tracker, Part from, Part to, Envelope&)> inside;
  std::function<bool(Network&, std::size_t from, std::size_t to, Envelope&)> between;
  std::function<bool(Network&, std::size_t tracker, CommitBatch&)> before_disk;
  /// The tracker is gone, and what it had in memory.
  std::function<void(std::size_t tracker)> killed;
};

/// Some trackers and the links between them and to clients. Decides how long what is on its way takes, and what of it
/// comes. Owns the trackers and their disks.
///
/// The casts are those of the program; but each actor knows the others by addresses of this network's, so that whatever
/// one says to another passes here. A disk takes some milliseconds for a batch, and a tracker killed in between has lost
/// it. Feeds lose, double and reorder; repair links and links of clients are TCP connections: what is cut off silently
/// waits for the path to come back, until the link is given up.
class Network {
 public:
  Network(std::uint64_t seed, std::size_t trackers, Seams seams);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  std::size_t size() const { return trackers_.size(); }
  Random& random() { return random_; }
  Instant now() const { return now_; }
  void observe(Observer* observer) { observer_ = observer; }
  /// A millisecond passes.
  void step();
  void schedule(Duration delay, std::function<void()> what);

  // --- trackers ---------------------------------------------------------------------------------------------------
  bool runs(std::size_t tracker) const { return trackers_[tracker].host != nullptr; }
  /// Requests are decided.
  bool serves(std::size_t tracker) const { return runs(tracker) && trackers_[tracker].serving; }
  /// What the directory has said last of the disk.
  const DirectoryHolds& holds(std::size_t tracker) const { return trackers_[tracker].holds; }
  const Disk& disk(std::size_t tracker) const { return trackers_[tracker].disk; }
  /// What its clock says.
  WallTime wall_time(std::size_t tracker) const;
  /// How many times it was started.
  std::uint64_t lives(std::size_t tracker) const { return trackers_[tracker].life; }
  /// At once, without a word: what is not on the disk is lost.
  void kill(std::size_t tracker);
  void start(std::size_t tracker);
  /// Of a tracker that does not run: its disk is empty; or as it was some batches ago.
  void wipe(std::size_t tracker);
  void roll_back(std::size_t tracker, std::size_t batches);
  /// Its logs begin behind what it has.
  void forget_logs(std::size_t tracker);
  /// Puts words into an actor's mouth.
  template <Message M>
  void say(std::size_t tracker, Part from, Part to, const M& message) {
    say_encoded(tracker, from, to, M::message_id, encode(message));
  }

  // --- paths between trackers ---------------------------------------------------------------------------------------
  /// Loudly: the links are down at once. Else they are when nothing was heard for 3 s.
  void cut(std::size_t a, std::size_t b, bool loudly);
  void heal(std::size_t a, std::size_t b);
  /// All that is said from now on takes so much longer.
  void slow(std::size_t a, std::size_t b, Duration by);
  /// Since when both run and the path between them stands and is quick; nothing if not.
  std::optional<Instant> linked_since(std::size_t a, std::size_t b) const;
  std::uint32_t feed_loss_percent = 30;
  std::uint32_t feed_doubles_percent = 5;
  std::uint32_t feed_reorders_percent = 20;

  // --- clients ------------------------------------------------------------------------------------------------------
  /// A link to a tracker; nothing if it does not run.
  std::optional<WireId> dial(std::size_t tracker, const std::string& from, const ClientKey& key,
                             ClientEnd& client);
  void hang_up(WireId wire);
  template <Message M>
  void say(WireId wire, const M& message) {
    send(wire, true, {{}, {}, M::message_id, encode(message), {}, false});
  }

 private:
  class DiskStore;
  class Silence;
  struct Tracker {
    std::unique_ptr<InjectionHost> host;  // none: it does not run
    std::unique_ptr<Silence> device;
    std::uint64_t life = 0;
    Instant since;
    std::array<Address, part_count> real;     // where an actor is
    std::array<Address, part_count> by_name;  // what the others know it by
    std::chrono::milliseconds clock_ahead{};
    Disk disk;
    bool serving = false;
    DirectoryHolds holds;
    Instant disk_is_free;
    std::vector<InjectionHost::Link> feeds;  // subscribed to
  };
  struct Wire {
    std::optional<std::size_t> near;  // the tracker that has dialled; none: a client
    Address near_link;
    ClientEnd* client = nullptr;
    std::size_t far = 0;
    Address far_link;
    std::array<Instant, 2> free_at;  // nothing overtakes
    std::vector<std::pair<bool, Envelope>> held;
  };
  struct Path {
    bool up = true;
    Instant since;
    Duration extra{};
  };

  Path& path(std::size_t a, std::size_t b) { return paths_[{std::min(a, b), std::max(a, b)}]; }
  const Path& path(std::size_t a, std::size_t b) const { return paths_.at({std::min(a, b), std::max(a, b)}); }
  void say_encoded(std::size_t tracker, Part from, Part to, MessageId id, Bytes body);
  StoreId fresh_store_id();
  void robbed(std::size_t tracker);
  void plug();
  void plug(std::size_t tracker);
  std::optional<std::size_t> tracker_at(const std::string& endpoint) const;
  std::optional<Address> door_of(std::size_t tracker, const std::string& endpoint) const;
  void drop(WireId wire, LinkLoss loss);
  void drop_between(std::size_t a, std::size_t b, LinkLoss loss);
  void pump(std::size_t tracker);
  void pass_inside(std::size_t tracker, Part from, Part to, Envelope envelope);
  void deliver_inside(std::size_t tracker, Part from, Part to, const Envelope& envelope);
  void pass_over_link(std::size_t tracker, Envelope envelope);
  void publish(std::size_t from, const Envelope& envelope);
  void send(WireId wire, bool forth, Envelope envelope);
  void deliver(WireId wire, bool forth, const Envelope& envelope);
  Duration milliseconds_below(std::uint64_t bound) { return std::chrono::milliseconds(random_.below(bound)); }

  Random random_;
  Seams seams_;
  Instant now_{};
  std::vector<TrackerEntry> entries_;
  std::vector<Tracker> trackers_;
  std::map<std::pair<std::size_t, std::size_t>, Path> paths_;
  std::map<WireId, Wire> wires_;
  std::map<std::pair<std::size_t, Address>, WireId> wire_at_;  // (tracker, its link)
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> due_;
  std::uint64_t last_due_ = 0;
  WireId last_wire_ = 0;
  Observer* observer_ = nullptr;
};

}  // namespace tutti::test
