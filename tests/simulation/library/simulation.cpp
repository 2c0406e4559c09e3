#include "tests/simulation/library/simulation.hpp"

#include <algorithm>

#include "messages/peer_peer.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr Duration calm = 2s;  // nothing is under way if all was well for so long
constexpr Duration looks_every = 250ms;
// Whoever says more has a credit, as for requests, or one question under way.
constexpr std::size_t inbox_max = 200;
constexpr std::size_t inbox_max_for_a_client = requests_waiting_max;
// Each message takes its worker some microseconds, so not even ten thousand clients do so much at one instant.
constexpr std::uint64_t events_at_an_instant_max = 2'000'000;

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }
double seconds_of(Instant when) { return seconds_of(when.time_since_epoch()); }

}  // namespace

Simulation::Simulation(std::uint64_t seed, Scenario scenario, Seams seams)
    : seed_(seed),
      scenario_(std::move(scenario)),
      seams_(std::move(seams)),
      swarm_(std::make_unique<Swarm>(seed, scenario_.network)),
      watch_(std::make_unique<Watch>(*swarm_)) {
  build();
}

Simulation::~Simulation() = default;

void Simulation::build() {
  swarm_->add_trackers(scenario_.trackers, scenario_.lines.at(scenario_.tracker_line));
  watch_->know_request_memory(scenario_.request_memory);
  watch_->know_longest_inbox(inbox_max + inbox_max_for_a_client * scenario_.clients.size());
  std::map<std::string, std::string> owner_of_group;
  std::map<std::string, std::vector<const FileSpec*>> shared_by;
  std::map<std::string, std::vector<const FileSpec*>> fetched_by;
  for (std::size_t i = 0; i < scenario_.files.size(); ++i) {
    const FileSpec& file = scenario_.files[i];
    const Content& content = contents_[file.name] =
        make_content(swarm_->pool(), stream_of(seed_, "content of " + file.name)(), file.bytes, file.files);
    watch_->know_file(file.name, content);
    owner_of_group.try_emplace(file.group, file.sources.front());
    pieces_wanted_ += file.leechers.size() * content.pieces;
    for (const std::string& each : file.sources) shared_by[each].push_back(&file);
    for (const std::string& each : file.leechers) fetched_by[each].push_back(&file);
  }
  for (const ClientSpec& spec : scenario_.clients) {
    Wishes wishes;
    wishes.user = spec.name;
    std::set<std::string> groups;
    for (const FileSpec* const file : shared_by[spec.name]) {
      wishes.shares.push_back({"/home/" + file->name, file->group, file->files > 0});
      groups.insert(file->group);
    }
    for (const FileSpec* const file : fetched_by[spec.name]) {
      const bool in_part =
          std::find(file->partial.begin(), file->partial.end(), spec.name) != file->partial.end();
      wishes.fetches.push_back({file->group, file->name, Instant{} + file->fetched_at,
                                in_part ? std::vector<std::string>{std::string("**") + wanted_by_some}
                                        : std::vector<std::string>{}});
      groups.insert(file->group);
    }
    for (const std::string& group : groups)
      wishes.groups.push_back({group, owner_of_group[group] == spec.name});
    client_index_[spec.name] = swarm_->clients().size();
    ClientMachine& client = swarm_->add_client(spec.name, scenario_.lines.at(spec.line), spec.disk, wishes);
    for (const FileSpec* const file : shared_by[spec.name])
      put_on(*client.disk, "/home/" + file->name, contents_[file->name]);
  }
  swarm_->hashing_takes = scenario_.password_takes;
  swarm_->adjust = [this](ClientSettings& settings) {
    settings.scheduler.picks_at_random = scenario_.picks_at_random;
    settings.scheduler.request_memory = ByteCount{scenario_.request_memory};
    settings.places = scenario_.places;
    settings.scheduler.shares_out = !scenario_.picks_at_random;
    if (seams_.adjust) seams_.adjust(settings);
  };
  SwarmWorld& world = swarm_->world();
  world.checks_invariants = scenario_.checks_invariants;
  world.on_delivery = [this](SwarmHost& host, Instant when, const Envelope& envelope) {
    watch_->delivered(host, when, envelope);
  };
  world.on_leave = [this](SwarmHost& host, Envelope& envelope) {
    if (seams_.leave) seams_.leave(*swarm_, host, envelope);
    watch_->leaves(host, envelope);
  };
  if (seams_.inside)
    world.inside = [this](SwarmHost& host, Envelope& envelope) {
      return seams_.inside(*swarm_, host, envelope);
    };
  world.network.on_wire = [this](NodeId from, NodeId to, Envelope& envelope) {
    if (seams_.wire && !seams_.wire(*swarm_, from, to, envelope)) return false;
    watch_->on_wire(from, to, envelope);
    count_at_trackers(from, to, envelope);
    return true;
  };
  if (seams_.before_disk)
    swarm_->before_disk = [this](TrackerMachine& tracker, CommitBatch& batch) {
      return seams_.before_disk(*swarm_, tracker, batch);
    };
  swarm_->on_disk = [this](TrackerMachine& tracker, const CommitBatch& batch) {
    watch_->on_disk(tracker, batch);
  };
  swarm_->disk_lost = [this](TrackerMachine& tracker) { watch_->disk_lost(tracker); };
}

void Simulation::count_at_trackers(NodeId from, NodeId to, const Envelope& envelope) {
  const std::size_t trackers = swarm_->trackers().size();
  if (swarm_->clock().now() < counts_from_ || (from >= trackers && to >= trackers)) return;
  tracker_load_.note(from >= trackers ? TrackerLoad::Way::asked
                     : to >= trackers ? TrackerLoad::Way::answered
                                      : TrackerLoad::Way::among_trackers,
                     envelope);
}

// --- who is who ---------------------------------------------------------------------------------------------------------

ClientMachine* Simulation::client_named(const std::string& name) const {
  const auto found = client_index_.find(name);
  return found == client_index_.end() ? nullptr : swarm_->clients()[found->second].get();
}

TrackerMachine* Simulation::tracker_named(const std::string& name) const {
  for (TrackerMachine& tracker : swarm_->trackers())
    if (name == "tracker-" + std::to_string(tracker.number)) return &tracker;
  return nullptr;
}

std::optional<NodeId> Simulation::node_of(const std::string& name) const {
  if (const ClientMachine* client = client_named(name)) return client->node;
  if (const TrackerMachine* tracker = tracker_named(name)) return tracker->node;
  return std::nullopt;
}

SwarmHost* Simulation::host_of(const std::string& name) const {
  if (const ClientMachine* client = client_named(name)) return client->host.get();
  if (const TrackerMachine* tracker = tracker_named(name)) return tracker->host.get();
  return nullptr;
}

// --- what happens -------------------------------------------------------------------------------------------------------

void Simulation::schedule() {
  Clockwork& clock = swarm_->clock();
  for (TrackerMachine& tracker : swarm_->trackers()) swarm_->start(tracker);
  for (std::size_t i = 0; i < scenario_.clients.size(); ++i) {
    clock.at(Instant{} + scenario_.clients[i].arrives, [this, i] {
      if (!swarm_->clients()[i]->host) swarm_->start(*swarm_->clients()[i]);
    });
    if (scenario_.clients[i].leaves_after) leave_when_done(i);
  }
  for (const Fault& fault : scenario_.faults) {
    clock.at(Instant{} + fault.at, [this, fault] {
      if (!quiet_ && begin(fault)) ++(is_deed(fault.kind) ? deeds_ : faults_);
    });
    clock.at(Instant{} + fault.at + fault.lasts, [this, fault] {
      if (!quiet_) mend(fault);
    });
  }
  if (sample_every_ > Duration{}) sample();
}

void Simulation::leave_when_done(std::size_t i) {
  swarm_->clock().after(looks_every, [this, i] {
    ClientMachine& client = *swarm_->clients()[i];
    if (!client.host || !client.person->has_all() || !client.person->shares_all()) return leave_when_done(i);
    swarm_->clock().after(*scenario_.clients[i].leaves_after, [this, i] {
      left_for_good_.insert(scenario_.clients[i].name);
      swarm_->quit(*swarm_->clients()[i]);
    });
  });
}

bool Simulation::begin(const Fault& fault) {
  ClientMachine* client = client_named(fault.who);
  TrackerMachine* tracker = tracker_named(fault.who);
  switch (fault.kind) {
    case FaultKind::cut:
    case FaultKind::cut_one_way:
    case FaultKind::reset:
    case FaultKind::slow_path: return begin_between(fault);
    default: break;
  }
  if (client != nullptr) return begin_at_client(fault, *client);
  return tracker != nullptr && begin_at_tracker(fault, *tracker);
}

bool Simulation::between(const Fault& fault, const std::function<bool(NodeId, NodeId)>& what) {
  const auto a = node_of(fault.who);
  bool any = false;
  for (NodeId b = 0; a && b < swarm_->network().nodes(); ++b)
    if (b != *a && (fault.other.empty() || node_of(fault.other) == b)) any = what(*a, b) || any;
  return any;
}

bool Simulation::begin_between(const Fault& fault) {
  SwarmNetwork& network = swarm_->network();
  return between(fault, [&](NodeId a, NodeId b) {
    if (fault.kind == FaultKind::reset) return network.reset(a, b);
    if (fault.kind == FaultKind::slow_path) {
      network.delay(a, b, std::chrono::milliseconds(fault.amount));
      network.delay(b, a, std::chrono::milliseconds(fault.amount));
      return fault.amount > 0;
    }
    const bool there = network.cut(a, b);
    const bool back = fault.kind == FaultKind::cut && network.cut(b, a);
    return there || back;
  });
}

bool Simulation::slow_line(const Fault& fault, NodeId node) {
  Line line = swarm_->network().line_of(node);
  const auto factor = std::max<std::uint64_t>(fault.amount, 1);
  line.up = std::max<std::uint64_t>(line.up / factor, 10'000);
  line.down = std::max<std::uint64_t>(line.down / factor, 10'000);
  swarm_->network().set_line(node, line);
  return factor > 1;
}

bool Simulation::stop(SwarmHost* host) {
  if (host == nullptr || host->is_paused()) return false;
  host->pause();
  return true;
}

bool Simulation::begin_at_client(const Fault& fault, ClientMachine& client) {
  const auto factor = std::max<std::uint64_t>(fault.amount, 1);
  const bool runs = client.host != nullptr;
  switch (fault.kind) {
    case FaultKind::kill:
    case FaultKind::power: swarm_->kill(client, fault.kind == FaultKind::power); return runs;
    case FaultKind::stop: return stop(client.host.get());
    case FaultKind::quit: swarm_->quit(client); return runs;
    case FaultKind::slow_line: return slow_line(fault, client.node);
    case FaultKind::full_disk: client.disk->set_capacity(0); return true;
    case FaultKind::slow_disk: {
      DiskPace pace = client.disk->pace();
      pace.bytes_per_second = std::max<std::uint64_t>(pace.bytes_per_second / factor, 100'000);
      pace.access *= static_cast<std::int64_t>(factor);
      pace.sync *= static_cast<std::int64_t>(factor);
      client.disk->set_pace(pace);
      return factor > 1;
    }
    case FaultKind::flip_bit:
      // What is hashed after that is another file, and nobody could tell.
      return client.person->shares_all() && client.disk->flip_bit();
    case FaultKind::remove_member: return remove(client);
    case FaultKind::limit: client.person->limit(fault.amount * 1000); return runs;
    case FaultKind::pause: client.person->pause(true); return runs;
    case FaultKind::cancel: client.person->cancel(); return runs;
    case FaultKind::recheck: client.person->recheck(); return runs;
    default: return false;
  }
}

bool Simulation::begin_at_tracker(const Fault& fault, TrackerMachine& tracker) {
  const bool runs = tracker.host != nullptr;
  switch (fault.kind) {
    case FaultKind::kill:
    case FaultKind::power: swarm_->kill(tracker, fault.kind == FaultKind::power); return runs;
    case FaultKind::stop: return stop(tracker.host.get());
    case FaultKind::slow_line: return slow_line(fault, tracker.node);
    case FaultKind::full_disk: tracker.disk.full = true; return true;
    case FaultKind::slow_disk:
      tracker.commit_takes *= static_cast<std::int64_t>(std::max<std::uint64_t>(fault.amount, 1));
      return fault.amount > 1;
    case FaultKind::lose_disk:
    case FaultKind::old_disk: return robbed(fault, tracker);
    case FaultKind::forget_logs: Swarm::forget_logs(tracker); return true;
    default: return false;
  }
}

bool Simulation::remove(const ClientMachine& client) {
  bool any = false;
  for (const Wishes::Group& group : client.person->wishes().groups) {
    if (group.owns) continue;
    for (const auto& other : swarm_->clients())
      for (const Wishes::Group& owned : other->person->wishes().groups)
        if (owned.owns && owned.name == group.name) {
          other->person->remove(group.name, client.name);
          any = true;
        }
    removed_.insert(client.name);
  }
  return any;
}

/// A tracker's disk is lost while the others are there to ask; of a lone one nothing could come back.
bool Simulation::robbed(const Fault& fault, TrackerMachine& tracker) {
  for (TrackerMachine& each : swarm_->trackers()) {
    const bool well = each.host && each.serving && !each.host->is_paused();
    if (!well || swarm_->trackers().size() == 1 || !watch_->trackers_agree()) return false;
    for (TrackerMachine& other : swarm_->trackers())
      if (!swarm_->network().stands(each.node, other.node)) return false;
  }
  swarm_->kill(tracker);
  if (fault.kind == FaultKind::lose_disk) {
    swarm_->wipe(tracker);
  } else {
    swarm_->roll_back(tracker, fault.amount);
  }
  return true;
}

void Simulation::restart(const std::string& name) {
  if (ClientMachine* client = client_named(name)) {
    const bool has_come =
        swarm_->clock().now() >= Instant{} + scenario_.clients[client_index_.at(name)].arrives &&
        client->lives > 0;
    // Whoever comes back before it has quite gone is not waited for.
    if (client->host && client->host->is_stopping()) swarm_->kill(*client);
    if (!client->host && has_come && !left_for_good_.contains(name)) swarm_->start(*client);
  }
  if (TrackerMachine* tracker = tracker_named(name); tracker != nullptr && !tracker->host)
    swarm_->start(*tracker);
}

void Simulation::mend(const Fault& fault) {
  SwarmNetwork& network = swarm_->network();
  ClientMachine* client = client_named(fault.who);
  TrackerMachine* tracker = tracker_named(fault.who);
  switch (fault.kind) {
    case FaultKind::kill:
    case FaultKind::power:
    case FaultKind::quit:
    case FaultKind::lose_disk:
    case FaultKind::old_disk: restart(fault.who); break;
    case FaultKind::stop:
      if (SwarmHost* host = host_of(fault.who)) host->resume();
      break;
    case FaultKind::cut:
    case FaultKind::cut_one_way:
      between(fault, [&](NodeId a, NodeId b) {
        network.mend(a, b);
        if (fault.kind == FaultKind::cut) network.mend(b, a);
        return true;
      });
      break;
    case FaultKind::slow_path:
      between(fault, [&](NodeId a, NodeId b) {
        network.delay(a, b, 0ms);
        network.delay(b, a, 0ms);
        return true;
      });
      break;
    case FaultKind::slow_line:
      if (client != nullptr)
        network.set_line(client->node,
                         scenario_.lines.at(scenario_.clients[client_index_.at(fault.who)].line));
      if (tracker != nullptr) network.set_line(tracker->node, scenario_.lines.at(scenario_.tracker_line));
      break;
    case FaultKind::full_disk:
      if (client != nullptr) client->disk->set_capacity(std::nullopt);
      if (tracker != nullptr) tracker->disk.full = false;
      break;
    case FaultKind::slow_disk:
      if (client != nullptr) client->disk->set_pace(scenario_.clients[client_index_.at(fault.who)].disk);
      if (tracker != nullptr) tracker->commit_takes = TrackerMachine::commit_takes_usually;
      break;
    case FaultKind::limit:
      if (client != nullptr) client->person->limit(std::nullopt);
      break;
    case FaultKind::pause:
      if (client != nullptr) client->person->pause(false);
      break;
    case FaultKind::reset:
    case FaultKind::flip_bit:
    case FaultKind::forget_logs:
    case FaultKind::remove_member:
    case FaultKind::cancel:
    case FaultKind::recheck: break;
  }
}

void Simulation::mend_all() {
  for (const Fault& fault : scenario_.faults) mend(fault);
  for (TrackerMachine& tracker : swarm_->trackers())
    if (!tracker.host) swarm_->start(tracker);
  for (const ClientSpec& each : scenario_.clients) restart(each.name);
  NetworkSettings& settings = swarm_->network().settings();
  settings.feed_loss_percent = settings.feed_twice_percent = settings.feed_late_percent = 0;
}

// --- quiet --------------------------------------------------------------------------------------------------------------

/// Who has sent a wrong byte is banned by those who got it, and cannot count on them any more.
bool Simulation::is_excused(const ClientMachine& client) const {
  return removed_.contains(client.name) || left_for_good_.contains(client.name) || client.disk->has_rotted();
}

/// Somebody who stays has a copy that nothing has happened to.
bool Simulation::has_source(const std::string& file) const {
  return std::any_of(swarm_->clients().begin(), swarm_->clients().end(), [&](const auto& client) {
    return client->host && !is_excused(*client) && is_on(*client->disk, "/home/" + file, contents_.at(file));
  });
}

bool Simulation::serves_all(const ClientMachine& client) const {
  const Person& person = *client.person;
  const auto& changed = person.changed_shares();
  const auto& shares = person.wishes().shares;
  return std::all_of(shares.begin(), shares.end(), [&](const Wishes::Share& each) {
    return std::find(changed.begin(), changed.end(), each.path) != changed.end() ||
           watch_->serves(client, each.path.substr(each.path.find_last_of('/') + 1));
  });
}

bool Simulation::all_has_come_true() const {
  for (const auto& client : swarm_->clients()) {
    if (is_excused(*client)) continue;
    const Person& person = *client->person;
    if (!client->host || !person.has_session() || !person.shares_all() || !person.unconfirmed().empty() ||
        !serves_all(*client))
      return false;
    for (std::size_t i = 0; i < person.fetched().size(); ++i)
      if (!person.fetched()[i].complete && has_source(person.wishes().fetches[i].file)) return false;
  }
  return watch_->trackers_agree();
}

bool Simulation::step(Instant until) {
  Clockwork& clock = swarm_->clock();
  const Instant before = clock.now();
  if (!clock.step(until)) return false;
  events_at_this_instant_ = clock.now() == before ? events_at_this_instant_ + 1 : 0;
  if (events_at_this_instant_ > events_at_an_instant_max)
    watch_->report(Invariant::goes_on, "time stands still: one thing leads to another without end");
  return true;
}

void Simulation::settle() {
  quiet_ = true;
  mend_all();
  watch_->quiet_begins();
  for (const auto& client : swarm_->clients()) client->person->confirm();
  Clockwork& clock = swarm_->clock();
  // So long it takes until it shows whether somebody who was removed is served.
  const Instant not_before =
      removed_.empty() ? Instant{} : clock.now() + Watch::served_after_removal + 10 * calm;
  const Instant end = std::max(clock.now() + scenario_.quiet, not_before);
  Instant well_since = Instant::max();
  while (clock.now() < end && !is_over()) {
    for (const Instant until = clock.now() + looks_every; !is_over() && step(until);) {
    }
    if (!all_has_come_true()) {
      well_since = Instant::max();
    } else {
      well_since = std::min(well_since, clock.now());
      if (clock.now() - well_since >= calm && clock.now() >= not_before) break;
    }
  }
  if (is_over() || well_since != Instant::max()) return watch_->check_quiet();
  // Where trackers differ the rest may follow from that.
  watch_->check_quiet();
  // Where nobody is named for what he shares nobody can fetch it.
  for (const auto& client : swarm_->clients()) {
    const Person& person = *client->person;
    if (is_excused(*client)) continue;
    if (!person.has_session() || !person.shares_all() || !person.unconfirmed().empty())
      watch_->report(Invariant::shares_return,
                     client->name +
                         (person.has_session() ? " is not named for what it shares" : " has no session") +
                         ", long after the last fault");
    if (!serves_all(*client))
      watch_->report(Invariant::shares_return,
                     client->name + " does not serve what it shares, long after the last fault");
  }
  for (const auto& client : swarm_->clients()) {
    const Person& person = *client->person;
    if (is_excused(*client)) continue;
    for (std::size_t i = 0; i < person.fetched().size(); ++i)
      if (!person.fetched()[i].complete && has_source(person.wishes().fetches[i].file))
        watch_->report(Invariant::downloads_finish, client->name + " does not get " +
                                                        person.wishes().fetches[i].file +
                                                        ", long after the last fault");
  }
}

// --- figures ------------------------------------------------------------------------------------------------------------

Sample Simulation::sample_now() const {
  Sample sample;
  sample.seconds = seconds_of(swarm_->clock().now());
  for (const auto& client : swarm_->clients()) sample.pieces += client->pieces;
  if (!scenario_.files.empty()) {
    const FileSpec& file = scenario_.files.front();
    sample.source_copies = static_cast<double>(client_named(file.sources.front())->bytes_served) /
                           static_cast<double>(std::max<std::uint64_t>(file.bytes, 1));
  }
  for (const TrackerMachine& tracker : swarm_->trackers()) sample.lags.push_back(watch_->lag_of(tracker));
  return sample;
}

void Simulation::sample() {
  timeline_.push_back(sample_now());
  swarm_->clock().after(sample_every_, [this] { sample(); });
}

Outcome Simulation::outcome() {
  Outcome outcome;
  outcome.violation = watch_->violation();
  const SwarmWorld& world = swarm_->world();
  outcome.hash = world.hash;
  outcome.deliveries = world.deliveries;
  outcome.acknowledged = watch_->acknowledged();
  outcome.faults = faults_;
  outcome.deeds = deeds_;
  outcome.virtual_seconds = seconds_of(world.clock.now());
  outcome.network = world.network.figures();
  outcome.longest_inbox = world.longest_inbox;
  outcome.timeline = timeline_;
  outcome.tracker_load = tracker_load_;
  outcome.source_copies = sample_now().source_copies;
  outcome.pieces = pieces_wanted_;
  double sum = 0;
  double squares = 0;
  double leechers = 0;
  for (const auto& client : swarm_->clients()) {
    const Person& person = *client->person;
    for (std::size_t i = 0; i < person.fetched().size(); ++i) {
      const Person::Fetched& fetched = person.fetched()[i];
      Fetching row{client->name, person.wishes().fetches[i].file, 0, std::nullopt};
      if (fetched.started) row.started = seconds_of(*fetched.started);
      if (fetched.started && fetched.complete) row.seconds = seconds_of(*fetched.complete - *fetched.started);
      outcome.fetches.push_back(row);
    }
    if (person.fetched().empty()) continue;
    const auto gave = static_cast<double>(client->bytes_served);
    sum += gave;
    squares += gave * gave;
    leechers += 1;
  }
  if (squares > 0) outcome.fairness = sum * sum / (leechers * squares);
  return outcome;
}

Outcome Simulation::run() {
  if (seams_.begin) seams_.begin(*swarm_);
  schedule();
  Instant faults_end{};
  for (const Fault& fault : scenario_.faults)
    faults_end = std::max(faults_end, Instant{} + fault.at + fault.lasts);
  for (const ClientSpec& client : scenario_.clients)
    faults_end = std::max(faults_end, Instant{} + client.arrives);
  for (const FileSpec& file : scenario_.files) faults_end = std::max(faults_end, Instant{} + file.fetched_at);
  while (!is_over() && step(faults_end)) {
  }
  if (!is_over()) settle();
  return outcome();
}

}  // namespace tutti::simulation
