#include "tracker/tracker_recording.hpp"

#include <cstdint>
#include <optional>

#include "messages/codec.hpp"
#include "messages/recorded_trackers.hpp"
#include "tracker/directory_actor.hpp"
#include "tracker/front_desk.hpp"
#include "tracker/replicator.hpp"

namespace tutti {

namespace {

/// All that follows from them is made anew, too.
struct RecordedNode {
  std::uint32_t number = 0;
  Address front_desk, directory, replicator, journal, console;
  std::vector<Address> hashers;
  std::vector<RecordedTracker> trackers;
  std::string data, info_path;
  std::vector<RecordedNeighbour> known;
  SyncConfig sync;
  LimitConfig limits;
  TUTTI_RECORD(RecordedNode, number, front_desk, directory, replicator, journal, console, hashers, trackers,
               data, info_path, known, sync, limits);
};

/// Nothing is typed and nothing printed.
class NoDevice final : public ConsoleDevice {
 public:
  int input() const override { return -1; }
  int signals() const override { return -1; }
  std::optional<std::string> read_input() override { return std::nullopt; }
  void take_signal() override {}
  void print(std::string_view) override {}
  void fail(std::string_view) override {}
  std::string start_trace(const std::string&) override { return {}; }
  bool stop_trace() override { return false; }
};

}  // namespace

ProcessBegan recorded_tracker(const std::string& name, const TrackerSettings& settings,
                              const TrackerAddresses& at) {
  RecordedNode record;
  record.number = settings.number;
  record.front_desk = at.front_desk.address;
  record.directory = at.directory.address;
  record.replicator = at.replicator.address;
  record.journal = at.journal.address;
  record.console = at.console.address;
  for (const auto& each : at.hashers) record.hashers.push_back(each.address);
  record.trackers = recorded(settings.trackers);
  record.data = settings.data;
  record.info_path = settings.info_path;
  record.known = recorded(settings.known);
  record.sync = settings.config.sync;
  record.limits = settings.config.limits;
  return {"tracker", name, encode_record(record)};
}

std::vector<ReplayedActor> tracker_again(const ProcessBegan& process) {
  if (process.kind != "tracker") return {};
  const Decoded<RecordedNode> record = decode_record<RecordedNode>(process.settings);
  if (!record || record->number < 1 || record->number > record->trackers.size() || record->hashers.empty())
    return {};
  TrackerSettings settings{record->number, {}, record->data, {}};
  settings.trackers = from_record(record->trackers);
  settings.info_path = record->info_path;
  settings.known = from_record(record->known);
  settings.config.sync = record->sync;
  settings.config.limits = record->limits;
  TrackerAddresses at{{record->front_desk}, {record->directory}, {record->replicator},
                      {record->journal},    {record->console},   {}};
  for (const Address each : record->hashers) at.hashers.push_back({each});
  NoDevice device;  // the console, which is the only one that keeps it, goes with this function
  TrackerCast cast = make_tracker(settings, at, make_memory_store({}), device);
  std::vector<ReplayedActor> actors;
  actors.push_back({record->directory, std::move(cast.directory)});
  actors.push_back({record->replicator, std::move(cast.replicator)});
  actors.push_back({record->front_desk, std::move(cast.front_desk)});
  return actors;
}

}  // namespace tutti
