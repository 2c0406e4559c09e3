#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/library/scenario.hpp"
#include "tests/simulation/library/swarm.hpp"
#include "tests/simulation/library/tracker_load.hpp"
#include "tests/simulation/library/watch.hpp"

namespace tutti::simulation {

/// Where a bug can be planted, without touching what is tested: between two actors of a process, on the way between two
/// machines, before a tracker's disk, in how a client is set up. False: it is lost on the way (before a disk: it is said to
/// be there).
struct Seams {
  std::function<bool(Swarm&, SwarmHost&, Envelope&)> inside;
  std::function<bool(Swarm&, NodeId from, NodeId to, Envelope&)> wire;
  std::function<void(Swarm&, SwarmHost&, Envelope&)> leave;  ///< over a link, before it waits for it
  std::function<bool(Swarm&, TrackerMachine&, CommitBatch&)> before_disk;
  std::function<void(ClientSettings&)> adjust;
  std::function<void(Swarm&)> begin;
};

/// How it stands at one moment.
struct Sample {
  double seconds = 0;
  std::uint64_t pieces = 0;         ///< verified, of all clients together
  double source_copies = 0;         ///< of the first file, that have left its first source
  std::vector<std::uint64_t> lags;  ///< of each tracker, in deltas
};

/// One who fetched a file.
struct Fetching {
  std::string client;
  std::string file;
  double started = 0;
  std::optional<double> seconds;  ///< until it was complete
};

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t hash = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t acknowledged = 0;  ///< changes that clients were told of
  std::uint32_t faults = 0;        ///< of machines, disks and lines, that changed something when they came
  std::uint32_t deeds = 0;         ///< of people, as well
  double virtual_seconds = 0;
  NetworkFigures network;
  std::size_t longest_inbox = 0;  ///< the most messages that have waited for one thread
  std::vector<Sample> timeline;
  std::vector<Fetching> fetches;
  double source_copies = 0;
  /// Jain's index of what each of those who fetch has given: 1 if all gave the same.
  double fairness = 1;
  std::uint64_t pieces = 0;  ///< in all files, once for each who fetches them
  TrackerLoad tracker_load;  ///< if that was counted
};

/// Tells a story: a scenario, from a seed. The same two, the same story, to the last delivery.
///
/// Two phases: first faults happen when the scenario says so, and what must hold at every moment is checked; then all is
/// mended, and everything has to come true: whoever fetches gets it, trackers agree, shares are named again. Ends at the
/// first violation, or when there is nothing left to come true.
class Simulation {
 public:
  Simulation(std::uint64_t seed, Scenario scenario, Seams seams = {});
  ~Simulation();

  /// Where every delivery is recorded as well, with what a replay of it needs if that is asked for there.
  void record(TraceFile* trace) { swarm_->world().trace = trace; }
  /// Counts what trackers hear and say from then on.
  void count_at_trackers(Duration from) { counts_from_ = Instant{} + from; }
  /// How often the timeline gets a sample; 0: never.
  void sample_every(Duration time) { sample_every_ = time; }
  Outcome run();

 private:
  void build();
  void schedule();
  /// False: there was nothing that it could have happened to.
  bool begin(const Fault& fault);
  void mend(const Fault& fault);
  void mend_all();
  bool begin_at_client(const Fault& fault, ClientMachine& client);
  bool begin_at_tracker(const Fault& fault, TrackerMachine& tracker);
  bool begin_between(const Fault& fault);
  bool slow_line(const Fault& fault, NodeId node);
  bool stop(SwarmHost* host);
  bool remove(const ClientMachine& client);
  bool robbed(const Fault& fault, TrackerMachine& tracker);
  /// Lets the next event happen, if it is due until then.
  bool step(Instant until);
  void restart(const std::string& name);
  bool between(const Fault& fault, const std::function<bool(NodeId, NodeId)>& what);
  std::optional<NodeId> node_of(const std::string& name) const;
  ClientMachine* client_named(const std::string& name) const;
  TrackerMachine* tracker_named(const std::string& name) const;
  SwarmHost* host_of(const std::string& name) const;
  bool is_over() const { return watch_->violation().has_value(); }
  bool all_has_come_true() const;
  bool has_source(const std::string& file) const;
  bool serves_all(const ClientMachine& client) const;
  bool is_excused(const ClientMachine& client) const;
  void settle();
  void sample();
  Sample sample_now() const;
  Outcome outcome();
  void leave_when_done(std::size_t client);
  void count_at_trackers(NodeId from, NodeId to, const Envelope& envelope);

  const std::uint64_t seed_;
  const Scenario scenario_;
  Seams seams_;
  std::unique_ptr<Swarm> swarm_;
  std::unique_ptr<Watch> watch_;
  std::map<std::string, Content> contents_;
  std::map<std::string, std::size_t> client_index_;
  std::set<std::string> removed_;
  std::set<std::string> left_for_good_;
  Duration sample_every_{};
  Instant counts_from_ = Instant::max();
  TrackerLoad tracker_load_;
  std::vector<Sample> timeline_;
  std::uint32_t faults_ = 0;
  std::uint32_t deeds_ = 0;
  std::uint64_t events_at_this_instant_ = 0;
  bool quiet_ = false;
  std::uint64_t pieces_wanted_ = 0;
};

}  // namespace tutti::simulation
