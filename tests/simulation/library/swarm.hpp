#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "messages/inside_tracker.hpp"
#include "messages/tracker_info.hpp"
#include "tests/simulation/library/content_pool.hpp"
#include "tests/simulation/library/person.hpp"
#include "tests/simulation/library/swarm_disk.hpp"
#include "tests/simulation/library/swarm_host.hpp"
#include "tests/simulation/library/swarm_stores.hpp"
#include "tracker/tracker_console.hpp"

namespace tutti::simulation {

/// A machine that a tracker runs on, now and then.
struct TrackerMachine {
  std::uint32_t number = 0;
  NodeId node = 0;
  LinkKey key;
  TrackerDisk disk;
  std::unique_ptr<ConsoleDevice> device;
  std::unique_ptr<SwarmHost> host;  ///< none: it does not run
  Address directory, replicator;
  std::uint64_t lives = 0;
  bool serving = false;
  DirectoryHolds holds;  ///< what its directory has said last
  static constexpr Duration commit_takes_usually = std::chrono::milliseconds(2);
  Duration commit_takes = commit_takes_usually;
};

/// A machine that a client runs on, now and then, and whoever sits there.
struct ClientMachine {
  std::string name;
  NodeId node = 0;
  ClientKey key;
  std::shared_ptr<SwarmDisk> disk;
  std::shared_ptr<SwarmClientStore> store;
  std::unique_ptr<Person> person;
  std::unique_ptr<SwarmHost> host;  ///< none: it does not run
  ClientAddresses at;
  std::uint64_t lives = 0;
  std::uint32_t pieces = 0;        ///< verified, in all lives
  std::uint64_t bytes_served = 0;  ///< of blocks that have left and arrived
};

/// Trackers and clients on their machines. Knows how each is started and ended; whatever is to happen to them is said from
/// outside.
class Swarm {
 public:
  Swarm(std::uint64_t seed, const NetworkSettings& settings);
  ~Swarm();

  SwarmWorld& world() { return *world_; }
  Clockwork& clock() { return world_->clock; }
  SwarmNetwork& network() { return world_->network; }
  ContentPool& pool() { return pool_; }

  /// All of them, before anybody is started: each knows the others.
  void add_trackers(std::uint32_t count, const Line& line);
  ClientMachine& add_client(std::string name, const Line& line, const DiskPace& pace, Wishes wishes);
  std::vector<TrackerMachine>& trackers() { return trackers_; }
  std::vector<std::unique_ptr<ClientMachine>>& clients() { return clients_; }
  /// A process that is neither, on a machine where nothing runs. It lives until the end of the swarm, or until dismissed.
  SwarmHost& invite(SwarmHost::Settings settings);
  void dismiss_guests() { guests_.clear(); }

  void start(TrackerMachine& tracker);
  void start(ClientMachine& client);
  /// kill -9, or with the power: then what was not synced is gone.
  void kill(TrackerMachine& tracker, bool power = false);
  void kill(ClientMachine& client, bool power = false);
  /// In an orderly way; in a second at the most.
  void quit(ClientMachine& client);
  /// Of a tracker that does not run: its disk is another one, empty, or as it was some batches ago.
  void wipe(TrackerMachine& tracker);
  void roll_back(TrackerMachine& tracker, std::size_t batches);
  /// Its logs begin behind what it has.
  static void forget_logs(TrackerMachine& tracker) { tracker.disk.store->truncate(tracker.disk.at); }

  /// What every client is started with, besides.
  std::function<void(ClientSettings&)> adjust;
  /// The hooks of a tracker's disk, for checkers and planted bugs.
  std::function<bool(TrackerMachine&, CommitBatch&)> before_disk;
  std::function<void(TrackerMachine&, const CommitBatch&)> on_disk;
  std::function<void(TrackerMachine&)> disk_lost;
  Duration hashing_takes = std::chrono::milliseconds(100);  ///< of a password

 private:
  StoreId fresh_store_id();
  void disk_changed(TrackerMachine& tracker);

  std::unique_ptr<SwarmWorld> world_;
  ContentPool pool_;
  Random ids_;
  std::vector<TrackerEntry> entries_;
  std::vector<TrackerMachine> trackers_;
  std::vector<std::unique_ptr<ClientMachine>> clients_;
  std::vector<std::unique_ptr<SwarmHost>> guests_;
};

}  // namespace tutti::simulation
