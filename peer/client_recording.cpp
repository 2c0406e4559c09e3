#include "peer/client_recording.hpp"

#include <chrono>
#include <cstdint>

#include "messages/codec.hpp"
#include "messages/recorded_trackers.hpp"
#include "peer/memory_disk.hpp"

namespace tutti {

namespace {

using std::chrono::nanoseconds;

struct RecordedAddresses {
  Address shell, tracker_link, librarian, scheduler, uploader, storage, checker, exporter;
  std::vector<Address> verifiers, hashers;
  TUTTI_RECORD(RecordedAddresses, shell, tracker_link, librarian, scheduler, uploader, storage, checker,
               exporter, verifiers, hashers);
};
struct RecordedScheduler {
  bool shares_out = true, picks_at_random = false;
  nanoseconds sharers_every{};
  std::uint64_t active_max = 0, peers_max = 0, request_memory = 0;
  TUTTI_RECORD(RecordedScheduler, shares_out, picks_at_random, sharers_every, active_max, peers_max,
               request_memory);
};
/// What decides what the actors that are replayed do. A setting of theirs that is missing here would be taken at its default.
struct RecordedClient {
  ClientKey self;
  RecordedAddresses at;
  std::string endpoint, public_host;
  std::uint16_t sealed_port = 0;
  std::vector<RecordedTracker> trackers;
  std::string software;
  nanoseconds answer_patience{}, unreachable_after{}, present_every{};
  std::string info_path, known_path;
  std::vector<RecordedNeighbour> known;
  std::uint64_t places = 0;
  RecordedScheduler scheduler;
  TUTTI_RECORD(RecordedClient, self, at, endpoint, public_host, sealed_port, trackers, software,
               answer_patience, unreachable_after, present_every, info_path, known_path, known, places,
               scheduler);
};

ClientSettings settings_of(const RecordedClient& record) {
  ClientSettings settings;
  settings.endpoint = record.endpoint;
  settings.public_host = record.public_host;
  settings.sealed_port = record.sealed_port;
  settings.trackers = from_record(record.trackers);
  settings.software = record.software;
  settings.answer_patience = record.answer_patience;
  settings.unreachable_after = record.unreachable_after;
  settings.present_every = record.present_every;
  settings.info_path = record.info_path;
  settings.known_path = record.known_path;
  settings.known = from_record(record.known);
  settings.places = record.places;
  settings.scheduler.shares_out = record.scheduler.shares_out;
  settings.scheduler.picks_at_random = record.scheduler.picks_at_random;
  settings.scheduler.sharers_every = record.scheduler.sharers_every;
  settings.scheduler.active_max = record.scheduler.active_max;
  settings.scheduler.peers_max = record.scheduler.peers_max;
  settings.scheduler.request_memory = ByteCount{record.scheduler.request_memory};
  return settings;
}

}  // namespace

ProcessBegan recorded_client(const std::string& name, const ClientSettings& settings,
                             const ClientAddresses& at, const ClientKey& self) {
  RecordedClient record;
  record.self = self;
  record.at.shell = at.shell.address;
  record.at.tracker_link = at.tracker_link.address;
  record.at.librarian = at.librarian.address;
  record.at.scheduler = at.scheduler.address;
  record.at.uploader = at.uploader.address;
  record.at.storage = at.storage.address;
  record.at.checker = at.checker.address;
  record.at.exporter = at.exporter.address;
  for (const auto& each : at.verifiers) record.at.verifiers.push_back(each.address);
  for (const auto& each : at.hashers) record.at.hashers.push_back(each.address);
  record.endpoint = settings.endpoint;
  record.public_host = settings.public_host;
  record.sealed_port = settings.sealed_port;
  record.trackers = recorded(settings.trackers);
  record.software = settings.software;
  record.answer_patience = settings.answer_patience;
  record.unreachable_after = settings.unreachable_after;
  record.present_every = settings.present_every;
  record.info_path = settings.info_path;
  record.known_path = settings.known_path;
  record.known = recorded(settings.known);
  record.places = settings.places;
  record.scheduler.shares_out = settings.scheduler.shares_out;
  record.scheduler.picks_at_random = settings.scheduler.picks_at_random;
  record.scheduler.sharers_every = settings.scheduler.sharers_every;
  record.scheduler.active_max = settings.scheduler.active_max;
  record.scheduler.peers_max = settings.scheduler.peers_max;
  record.scheduler.request_memory = settings.scheduler.request_memory.value;
  return {"client", name, encode_record(record)};
}

std::vector<ReplayedActor> client_again(const ProcessBegan& process) {
  if (process.kind != "client") return {};
  const Decoded<RecordedClient> record = decode_record<RecordedClient>(process.settings);
  if (!record || record->trackers.empty() || record->at.verifiers.empty() || record->at.hashers.empty())
    return {};
  ClientAddresses at;
  at.shell = {record->at.shell};
  at.tracker_link = {record->at.tracker_link};
  at.librarian = {record->at.librarian};
  at.scheduler = {record->at.scheduler};
  at.uploader = {record->at.uploader};
  at.storage = {record->at.storage};
  at.checker = {record->at.checker};
  at.exporter = {record->at.exporter};
  for (const Address each : record->at.verifiers) at.verifiers.push_back({each});
  for (const Address each : record->at.hashers) at.hashers.push_back({each});
  ClientCast cast = make_client(settings_of(*record), at, std::make_shared<MemoryDisk>(),
                                make_memory_client_store(ClientIdentity{record->self, {}}));
  std::vector<ReplayedActor> actors;
  actors.push_back({record->at.tracker_link, std::move(cast.tracker_link)});
  actors.push_back({record->at.librarian, std::move(cast.librarian)});
  actors.push_back({record->at.scheduler, std::move(cast.scheduler)});
  actors.push_back({record->at.uploader, std::move(cast.uploader)});
  return actors;
}

}  // namespace tutti
