#include "tests/simulation/library/swarm.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "actors/signatures.hpp"
#include "peer/client_recording.hpp"
#include "tracker/tracker_node.hpp"
#include "tracker/tracker_recording.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t serving_port = 7000;
constexpr std::size_t hashers = 2;

class Silence final : public ConsoleDevice {
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

/// Does in no time what Argon2id takes a tenth of a second for, and lets its worker wait as long.
class QuickHasher final : public ActorOf<QuickHasher, PasswordHasherRole::Accepts> {
 public:
  QuickHasher(SwarmWorld& world, Duration takes) : world_(world), takes_(takes) {}
  void on(const HashPassword& message, Context& context) {
    world_.charge(takes_);
    context.reply(PasswordHashed{message.ticket, verifier_of(message.password)});
  }
  void on(const CheckPassword& message, Context& context) {
    world_.charge(takes_);
    PasswordChecked checked{message.ticket, 0};
    for (std::size_t i = 0; i < message.verifiers.size() && checked.match == 0; ++i)
      if (message.verifiers[i] == verifier_of(message.password))
        checked.match = static_cast<std::uint32_t>(i + 1);
    context.reply(checked);
  }

 private:
  static std::string verifier_of(const std::string& password) { return "$quick$" + password; }
  SwarmWorld& world_;
  Duration takes_;
};

std::string ip_of(unsigned network, std::size_t number) {
  return "10." + std::to_string(network + number / 62'500) + "." + std::to_string(number / 250 % 250) + "." +
         std::to_string(1 + number % 250);
}

}  // namespace

Swarm::Swarm(std::uint64_t seed, const NetworkSettings& settings)
    : world_(std::make_unique<SwarmWorld>(seed, settings)), ids_(stream_of(seed, "ids")) {
  world_->network.received = [this](const Payload& payload) { return pool_.received(payload); };
}

SwarmHost& Swarm::invite(SwarmHost::Settings settings) {
  guests_.push_back(std::make_unique<SwarmHost>(*world_, std::move(settings)));
  return *guests_.back();
}

Swarm::~Swarm() {
  guests_.clear();
  for (const auto& client : clients_) client->host.reset();
  for (TrackerMachine& tracker : trackers_) tracker.host.reset();
}

StoreId Swarm::fresh_store_id() {
  StoreId id;
  for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(ids_());
  return id;
}

// --- trackers ---------------------------------------------------------------------------------------------------------

void Swarm::add_trackers(std::uint32_t count, const Line& line) {
  trackers_.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    TrackerMachine& tracker = trackers_[i];
    tracker.number = i + 1;
    tracker.key = LinkKey::from(Bytes(LinkKey::size, static_cast<std::uint8_t>(i + 1)));
    tracker.node = network().add_node("tracker-" + std::to_string(i + 1), ip_of(1, i), line);
    tracker.disk.store = make_memory_store(fresh_store_id());
    entries_.push_back({i + 1, ip_of(1, i), 5000, tracker.key, i + 1});
  }
}

void Swarm::start(TrackerMachine& tracker) {
  ENSURE(!tracker.host);
  const auto ahead = stream_of(world_->seed, "clocks", tracker.number).below(2000);
  tracker.host = std::make_unique<SwarmHost>(
      *world_, SwarmHost::Settings{network().name_of(tracker.node), tracker.node, tracker.key, 100ms,
                                   ++tracker.lives, std::chrono::milliseconds(ahead)});
  tracker.device = std::make_unique<Silence>();
  tracker.serving = false;
  tracker.holds = {};
  SwarmHost& host = *tracker.host;
  const auto console = host.add_worker("console");
  const auto desk = host.add_worker("desk");
  const auto disk = host.add_worker("disk");
  TrackerAddresses at{host.reserve<FrontDeskRole>(desk),  host.reserve<DirectoryRole>(desk),
                      host.reserve<ReplicatorRole>(desk), host.reserve<JournalRole>(disk),
                      host.reserve<ConsoleRole>(console), {}};
  for (std::size_t i = 0; i < hashers; ++i)
    at.hashers.push_back(host.reserve<PasswordHasherRole>(host.add_worker("hasher-" + std::to_string(i))));
  TrackerSettings settings{tracker.number, entries_, "/data", {}};
  settings.config.password = {1, 8};
  settings.config.limits.accounts_per_minute = 100'000;
  settings.secret.fill(static_cast<std::uint8_t>(tracker.number));
  const std::size_t index = tracker.number - 1;
  TrackerDiskHooks hooks;
  hooks.charge = [this, index] { world_->charge(trackers_[index].commit_takes); };
  hooks.before = [this, index](CommitBatch& batch) {
    return !before_disk || before_disk(trackers_[index], batch);
  };
  hooks.after = [this, index](const CommitBatch& batch) {
    if (on_disk) on_disk(trackers_[index], batch);
  };
  if (world_->trace != nullptr) world_->trace->began(recorded_tracker(host.settings().name, settings, at));
  TrackerCast cast = make_tracker(settings, at, store_on(tracker.disk, std::move(hooks)), *tracker.device);
  for (const auto& each : at.hashers)
    host.spawn(each, "password_hasher", std::make_unique<QuickHasher>(*world_, hashing_takes));
  host.spawn(at.journal, "journal", std::move(cast.journal));
  host.spawn(at.directory, "directory", std::move(cast.directory));
  host.spawn(at.replicator, "replicator", std::move(cast.replicator));
  host.spawn(at.front_desk, "front_desk", std::move(cast.front_desk));
  host.spawn(at.console, "console", std::move(cast.console));
  tracker.directory = at.directory.address;
  tracker.replicator = at.replicator.address;
}

void Swarm::kill(TrackerMachine& tracker, bool power) {
  if (!tracker.host) return;
  if (power) tracker.host->vanish();
  tracker.host.reset();
  tracker.device.reset();
  tracker.serving = false;
}

void Swarm::disk_changed(TrackerMachine& tracker) {
  tracker.disk.at = {};
  for (const LogHead& head : tracker.disk.store->heads().heads)
    advance(tracker.disk.at, head.origin, head.sequence);
  if (disk_lost) disk_lost(tracker);
}

void Swarm::wipe(TrackerMachine& tracker) {
  ENSURE(!tracker.host);
  tracker.disk = {make_memory_store(fresh_store_id()), {}, {}, false};
  disk_changed(tracker);
}

void Swarm::roll_back(TrackerMachine& tracker, std::size_t batches) {
  ENSURE(!tracker.host);
  TrackerDisk& disk = tracker.disk;
  disk.committed.resize(disk.committed.size() - std::min(batches, disk.committed.size()));
  const StoreId id = disk.store->id();
  disk.store = make_memory_store(id);
  for (const CommitBatch& batch : disk.committed) disk.store->commit(batch);
  disk_changed(tracker);
}

// --- clients ------------------------------------------------------------------------------------------------------------

ClientMachine& Swarm::add_client(std::string name, const Line& line, const DiskPace& pace, Wishes wishes) {
  const std::size_t number = clients_.size();
  auto client = std::make_unique<ClientMachine>();
  client->name = std::move(name);
  client->node = network().add_node(client->name, ip_of(2, number), line);
  Random keys = stream_of(world_->seed, "key of " + client->name);
  for (std::uint8_t& byte : client->key.bytes) byte = static_cast<std::uint8_t>(keys());
  client->disk = std::make_shared<SwarmDisk>(
      pool_, stream_of(world_->seed, "disk of " + client->name), pace, [this] { return clock().now(); },
      [this](Duration time) { world_->charge(time); });
  client->disk->put_directory("/home");
  client->store = make_swarm_client_store(ClientIdentity{client->key, {}}, [this] { world_->charge(1ms); });
  client->person = std::make_unique<Person>(*world_, std::move(wishes), client->key);
  clients_.push_back(std::move(client));
  return *clients_.back();
}

void Swarm::start(ClientMachine& client) {
  ENSURE(!client.host);
  client.host = std::make_unique<SwarmHost>(
      *world_, SwarmHost::Settings{client.name, client.node, LinkKey::from(client.key.view()), 2s,
                                   ++client.lives, 0ms});
  SwarmHost& host = *client.host;
  ClientAddresses at;
  at.shell = host.reserve<ShellRole>(host.add_worker("shell"));
  const auto desk = host.add_worker("desk");
  at.tracker_link = host.reserve<TrackerLinkRole>(desk);
  at.librarian = host.reserve<LibrarianRole>(desk);
  at.scheduler = host.reserve<SchedulerRole>(host.add_worker("fetch"));
  at.uploader = host.reserve<UploaderRole>(host.add_worker("serve"));
  at.storage = host.reserve<StorageRole>(host.add_worker("storage"));
  at.checker = host.reserve<FileHasherRole>(host.add_worker("checker"));
  for (int i = 0; i < 2; ++i) {
    const auto worker = host.add_worker("hash-" + std::to_string(i), true);
    at.verifiers.push_back(host.reserve<HashVerifierRole>(worker));
    at.hashers.push_back(host.reserve<FileHasherRole>(worker));
  }
  ClientSettings settings;
  settings.endpoint = network().ip_of(client.node) + ":" + std::to_string(serving_port);
  settings.trackers = entries_;
  settings.software = "simulation";
  if (adjust) adjust(settings);
  if (world_->trace != nullptr) world_->trace->began(recorded_client(client.name, settings, at, client.key));
  ClientCast cast = make_client(settings, at, client.disk, client.store);
  host.spawn(at.checker, "checker", std::move(cast.checker));
  host.spawn(at.storage, "storage", std::move(cast.storage));
  for (std::size_t i = 0; i < at.verifiers.size(); ++i) {
    host.spawn(at.verifiers[i], "hash_verifier-" + std::to_string(i), std::move(cast.verifiers[i]));
    host.spawn(at.hashers[i], "file_hasher-" + std::to_string(i), std::move(cast.hashers[i]));
  }
  host.spawn(at.tracker_link, "tracker_link", std::move(cast.tracker_link));
  host.spawn(at.librarian, "librarian", std::move(cast.librarian));
  host.spawn(at.uploader, "uploader", std::move(cast.uploader));
  host.spawn(at.scheduler, "scheduler", std::move(cast.scheduler));
  host.spawn(at.shell, "shell", client.person->desk());
  client.at = at;
  client.person->sit_down(host, at);
}

void Swarm::kill(ClientMachine& client, bool power) {
  if (!client.host) return;
  client.person->stand_up();
  if (power) client.host->vanish();
  client.host.reset();
  if (!power) return;
  client.disk->lose_power();
  Random powers = stream_of(world_->seed, "power losses of " + client.name, client.lives);
  client.store->lose_power(powers);
}

void Swarm::quit(ClientMachine& client) {
  if (!client.host) return;
  client.person->stand_up();
  client.host->stop();
  const std::uint64_t life = client.lives;
  const std::size_t index = client.node - trackers_.size();
  clock().after(1s, [this, index, life] {
    ClientMachine& ended = *clients_[index];
    if (ended.lives == life) ended.host.reset();
  });
}

}  // namespace tutti::simulation
