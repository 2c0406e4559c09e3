#include "tests/property/tracker/network.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "tracker/tracker_node.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::test {

namespace {

using namespace std::chrono_literals;

constexpr Duration tick = 1ms;
constexpr Duration redial_every = 10ms;
constexpr Duration silence = 3s;
// Whoever answers by what he has could have asked over a path that is slower by this.
constexpr Duration slow_at_most = 100ms;

std::size_t index_of(Part part) { return static_cast<std::size_t>(part); }

template <std::size_t N>
std::optional<Part> part_at(const std::array<Address, N>& addresses, Address address) {
  const auto found = std::find(addresses.begin(), addresses.end(), address);
  if (found == addresses.end()) return std::nullopt;
  return static_cast<Part>(found - addresses.begin());
}

}  // namespace

/// What a journal uses: goes on when the tracker is gone.
class Network::DiskStore final : public Store {
 public:
  DiskStore(Network& network, std::size_t tracker) : network_(network), tracker_(tracker) {}

  StoreId id() const override { return disk().store->id(); }
  HeadPage heads() override { return disk().store->heads(); }
  StoreFault commit(const CommitBatch& batch) override {
    CommitBatch changed = batch;
    const auto& plant = network_.seams_.before_disk;
    if (plant && !plant(network_, tracker_, changed)) return {};
    disk().store->commit(changed);
    disk().committed.push_back(changed);
    for (const LogHead& head : disk().store->heads().heads) advance(disk().at, head.origin, head.sequence);
    if (network_.observer_ != nullptr) network_.observer_->committed(tracker_, changed);
    return {};
  }
  RowPage rows(ByteView buckets, ByteView after, ByteCount bytes, bool whole) override {
    return disk().store->rows(buckets, after, bytes, whole);
  }
  LogPage log(const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) override {
    return disk().store->log(origin, first, limit, bytes);
  }
  MetainfoPage metainfo(const Gid& gid, const Fid& fid) override { return disk().store->metainfo(gid, fid); }
  bool truncate(const VersionVector& upto) override { return disk().store->truncate(upto); }
  StoreFault remember_neighbour(const std::string&, const LinkKey&) override { return {}; }

 private:
  Disk& disk() const { return network_.trackers_[tracker_].disk; }
  Network& network_;
  std::size_t tracker_;
};

class Network::Silence final : public ConsoleDevice {
 public:
  int input() const override { return -1; }
  int signals() const override { return -1; }
  std::optional<std::string> read_input() override { return std::nullopt; }
  void take_signal() override {}
  void print(std::string_view) override {}
  void fail(std::string_view sentence) override { throw ExpectationFailed(std::string(sentence)); }
  std::string start_trace(const std::string&) override { return {}; }
  bool stop_trace() override { return false; }
};

Network::Network(std::uint64_t seed, std::size_t trackers, Seams seams)
    : random_(seed), seams_(std::move(seams)), trackers_(trackers) {
  std::string text;
  for (std::size_t i = 0; i < trackers; ++i) text += "127.0.0.1:" + std::to_string(5000 + 10 * i) + "\n";
  entries_ = parse_tracker_info(text).trackers;
  for (TrackerEntry& entry : entries_)
    entry.key = LinkKey::from(Bytes(LinkKey::size, static_cast<std::uint8_t>(entry.number)));
  for (std::size_t a = 0; a < trackers; ++a) {
    for (std::size_t b = a + 1; b < trackers; ++b) paths_[{a, b}] = {};
    trackers_[a].disk.store = make_memory_store(fresh_store_id());
    trackers_[a].clock_ahead = std::chrono::milliseconds(random_.below(3000));
    // Some clocks are wrong by an hour.
    if (random_.chance(1, 4)) trackers_[a].clock_ahead += 1h;
    start(a);
  }
}

Network::~Network() = default;

StoreId Network::fresh_store_id() {
  StoreId id;
  for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random_());
  return id;
}

void Network::step() {
  now_ += tick;
  while (!due_.empty() && due_.begin()->first.first <= now_) {
    const auto what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    what();
  }
  for (std::size_t i = 0; i < size(); ++i) {
    if (!runs(i)) continue;
    trackers_[i].host->advance(tick);
    pump(i);
  }
  if (now_.time_since_epoch() % redial_every == Duration::zero()) plug();
}

void Network::schedule(Duration delay, std::function<void()> what) {
  due_.emplace(std::pair(now_ + delay, ++last_due_), std::move(what));
}

// --- trackers -----------------------------------------------------------------------------------------------------

void Network::start(std::size_t tracker) {
  ENSURE(!runs(tracker));
  Tracker& it = trackers_[tracker];
  it.host = std::make_unique<InjectionHost>(random_());
  it.device = std::make_unique<Silence>();
  ++it.life;
  it.since = now_;
  it.serving = false;
  it.holds = {};
  it.disk_is_free = now_;
  InjectionHost& host = *it.host;
  host.set_wall_time(wall_time(tracker));
  TrackerAddresses at{host.probe<FrontDeskRole>(),  host.probe<DirectoryRole>(),
                      host.probe<ReplicatorRole>(), host.probe<JournalRole>(),
                      host.probe<ConsoleRole>(),    {host.probe<PasswordHasherRole>()}};
  it.by_name = {at.front_desk.address, at.directory.address, at.replicator.address,
                at.journal.address,    at.console.address,   at.hashers[0].address};
  TrackerSettings settings{static_cast<std::uint32_t>(tracker + 1), entries_, "/data", {}};
  settings.config.password = {1, 8};
  settings.config.sync.compare_every = 5s;
  TrackerCast cast = make_tracker(settings, at, std::make_unique<DiskStore>(*this, tracker), *it.device);
  for (Address& address : it.real) address = host.reserve<DirectoryRole>().address;
  const auto spawn = [&](Part part, std::string_view name, std::unique_ptr<Actor> actor) {
    host.spawn_at(it.real[index_of(part)], name, std::move(actor));
  };
  spawn(Part::console, "console", std::move(cast.console));
  spawn(Part::hasher, "hasher", std::move(cast.hashers[0]));
  spawn(Part::journal, "journal", std::move(cast.journal));
  spawn(Part::replicator, "replicator", std::move(cast.replicator));
  spawn(Part::front_desk, "front_desk", std::move(cast.front_desk));
  spawn(Part::directory, "directory", std::move(cast.directory));
  pump(tracker);
}

WallTime Network::wall_time(std::size_t tracker) const {
  const auto since_start = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  return WallTime{1'700'000'000'000ms + since_start + trackers_[tracker].clock_ahead};
}

void Network::kill(std::size_t tracker) {
  Tracker& it = trackers_[tracker];
  it.host.reset();
  it.device.reset();
  it.feeds.clear();
  it.serving = false;
  std::vector<WireId> broken;
  for (const auto& [id, wire] : wires_)
    if (wire.near == tracker || wire.far == tracker) broken.push_back(id);
  for (const WireId id : broken) drop(id, LinkLoss::disconnected);
  if (seams_.killed) seams_.killed(tracker);
}

void Network::robbed(std::size_t tracker) {
  ENSURE(!runs(tracker));
  Disk& disk = trackers_[tracker].disk;
  disk.at = {};
  for (const LogHead& head : disk.store->heads().heads) advance(disk.at, head.origin, head.sequence);
  if (observer_ != nullptr) observer_->was_robbed(tracker);
}

void Network::wipe(std::size_t tracker) {
  Disk& disk = trackers_[tracker].disk;
  disk = {make_memory_store(fresh_store_id()), {}, {}};
  robbed(tracker);
}

void Network::roll_back(std::size_t tracker, std::size_t batches) {
  Disk& disk = trackers_[tracker].disk;
  disk.committed.resize(disk.committed.size() - std::min(batches, disk.committed.size()));
  disk.store = make_memory_store(disk.store->id());
  for (const CommitBatch& batch : disk.committed) disk.store->commit(batch);
  robbed(tracker);
}

void Network::forget_logs(std::size_t tracker) {
  Disk& disk = trackers_[tracker].disk;
  disk.store->truncate(disk.at);
}

void Network::say_encoded(std::size_t tracker, Part from, Part to, MessageId id, Bytes body) {
  const Tracker& it = trackers_[tracker];
  it.host->inject_encoded(it.by_name[index_of(from)], it.real[index_of(to)], id, std::move(body));
}

// --- what actors say ------------------------------------------------------------------------------------------------

void Network::pump(std::size_t tracker) {
  const Tracker& it = trackers_[tracker];
  while (it.host && !it.host->outbox().empty()) {
    const std::deque<Envelope> said = it.host->outbox();
    it.host->discard();
    for (const Envelope& each : said) {
      if (!it.host) return;
      const std::optional<Part> to = part_at(it.by_name, each.to);
      if (to) {
        pass_inside(tracker, *part_at(it.real, each.from), *to, each);
      } else {
        pass_over_link(tracker, each);
      }
    }
  }
}

void Network::pass_inside(std::size_t tracker, Part from, Part to, Envelope envelope) {
  if (seams_.inside && !seams_.inside(*this, tracker, from, to, envelope)) return;
  if (to != Part::journal) return deliver_inside(tracker, from, to, envelope);
  Tracker& it = trackers_[tracker];
  const Duration takes = envelope.id == CommitBatch::message_id ? 1ms + milliseconds_below(6) : 0ms;
  it.disk_is_free = std::max(it.disk_is_free, now_) + takes;
  schedule(it.disk_is_free - now_, [this, tracker, from, to, envelope, life = it.life] {
    if (!runs(tracker) || lives(tracker) != life) return;
    deliver_inside(tracker, from, to, envelope);
    pump(tracker);
  });
}

void Network::deliver_inside(std::size_t tracker, Part from, Part to, const Envelope& envelope) {
  Tracker& it = trackers_[tracker];
  if (envelope.id == ServiceChanged::message_id) it.serving = decode<ServiceChanged>(envelope.body)->serving;
  if (envelope.id == DirectoryHolds::message_id) {
    it.holds = *decode<DirectoryHolds>(envelope.body);
    if (observer_ != nullptr) observer_->claims(tracker, it.holds.at, it.holds.digest);
  }
  say_encoded(tracker, from, to, envelope.id, envelope.body);
}

void Network::pass_over_link(std::size_t tracker, Envelope envelope) {
  const auto wire = wire_at_.find({tracker, envelope.to});
  if (wire == wire_at_.end()) return publish(tracker, envelope);
  const Wire& over = wires_.at(wire->second);
  if (over.client != nullptr && envelope.id == Answer::message_id)
    over.client->leaves(tracker, *decode<Answer>(envelope.body));
  send(wire->second, over.near == tracker, std::move(envelope));
}

/// What goes to no wire goes to the feed: the only other link that anything is said to.
void Network::publish(std::size_t from, const Envelope& envelope) {
  const std::string endpoint = entries_[from].topic_endpoint();
  if (observer_ != nullptr && envelope.id == Heartbeat::message_id) {
    const Heartbeat said = *decode<Heartbeat>(envelope.body);
    observer_->claims(from, said.at, said.digest);
  }
  for (std::size_t to = 0; to < size(); ++to) {
    if (to == from || !runs(to)) continue;
    for (const InjectionHost::Link& feed : trackers_[to].feeds) {
      if (feed.endpoint != endpoint || !path(from, to).up) continue;
      if (random_.below(100) < feed_loss_percent) continue;
      const int copies = random_.below(100) < feed_doubles_percent ? 2 : 1;
      for (int i = 0; i < copies; ++i) {
        const bool late = random_.below(100) < feed_reorders_percent;
        const Duration takes = milliseconds_below(2) + (late ? milliseconds_below(20) : 0ms);
        schedule(takes + path(from, to).extra,
                 [this, from, to, feed, copy = envelope, life = lives(to)]() mutable {
                   if (!runs(to) || lives(to) != life || !path(from, to).up) return;
                   InjectionHost& host = *trackers_[to].host;
                   if (!host.is_open(feed.address)) return;
                   if (seams_.between && !seams_.between(*this, from, to, copy)) return;
                   host.inject_encoded(feed.address, feed.owner, copy.id, copy.body);
                   pump(to);
                 });
      }
    }
  }
}

// --- links ----------------------------------------------------------------------------------------------------------

std::optional<std::size_t> Network::tracker_at(const std::string& endpoint) const {
  for (std::size_t i = 0; i < size(); ++i)
    if (runs(i) && entries_[i].repair_endpoint() == endpoint) return i;
  return std::nullopt;
}

std::optional<Address> Network::door_of(std::size_t tracker, const std::string& endpoint) const {
  for (const InjectionHost::Link& link : trackers_[tracker].host->links())
    if (link.kind == LinkKind::listen && link.endpoint == endpoint) return link.address;
  return std::nullopt;
}

void Network::plug() {
  for (std::size_t i = 0; i < size(); ++i)
    if (runs(i)) plug(i);
  // One side has closed it.
  std::vector<WireId> closed;
  for (const auto& [id, wire] : wires_) {
    const bool near = !wire.near || trackers_[*wire.near].host->is_open(wire.near_link);
    if (!near || !trackers_[wire.far].host->is_open(wire.far_link)) closed.push_back(id);
  }
  for (const WireId id : closed) drop(id, LinkLoss::closed);
}

void Network::plug(std::size_t tracker) {
  Tracker& it = trackers_[tracker];
  it.feeds.clear();
  for (const InjectionHost::Link& link : it.host->links()) {
    if (link.kind == LinkKind::subscribe) it.feeds.push_back(link);
    if (link.kind != LinkKind::connect || link.up || link.listener.value != 0) continue;
    const std::optional<std::size_t> far = tracker_at(link.endpoint);
    if (!far || !path(tracker, *far).up) continue;
    const std::optional<Address> door = door_of(*far, link.endpoint);
    if (!door) continue;
    const WireId id = ++last_wire_;
    const Address far_link =
        trackers_[*far].host->accept(*door, entries_[tracker].client_endpoint(), *entries_[tracker].key);
    wires_[id] = {tracker, link.address, nullptr, *far, far_link, {now_, now_}, {}};
    wire_at_[{tracker, link.address}] = id;
    wire_at_[{*far, far_link}] = id;
    pump(*far);
    it.host->link_up(link.address);
    pump(tracker);
  }
}

void Network::send(WireId id, bool forth, Envelope envelope) {
  Wire& wire = wires_.at(id);
  Instant& free_at = wire.free_at[forth ? 1 : 0];
  Duration takes = milliseconds_below(3);
  if (wire.near) takes += path(*wire.near, wire.far).extra;
  free_at = std::max(free_at, now_ + takes);
  schedule(free_at - now_, [this, id, forth, copy = std::move(envelope)] { deliver(id, forth, copy); });
}

void Network::deliver(WireId id, bool forth, const Envelope& envelope) {
  const auto found = wires_.find(id);
  if (found == wires_.end()) return;
  Wire& wire = found->second;
  if (wire.near && !path(*wire.near, wire.far).up) {
    wire.held.emplace_back(forth, envelope);
    return;
  }
  if (!forth && wire.client != nullptr) return wire.client->arrives(id, envelope);
  const std::size_t to = forth ? wire.far : *wire.near;
  const Address link = forth ? wire.far_link : wire.near_link;
  InjectionHost& host = *trackers_[to].host;
  if (!host.is_open(link)) return;
  const Part owner = wire.near ? Part::replicator : Part::front_desk;
  Envelope copy = envelope;
  if (wire.near && seams_.between && !seams_.between(*this, forth ? *wire.near : wire.far, to, copy)) return;
  host.inject_encoded(link, trackers_[to].real[index_of(owner)], copy.id, copy.body);
  pump(to);
}

void Network::drop(WireId id, LinkLoss loss) {
  const auto found = wires_.find(id);
  if (found == wires_.end()) return;
  const Wire wire = found->second;
  wires_.erase(found);
  wire_at_.erase({wire.far, wire.far_link});
  if (wire.near) wire_at_.erase({*wire.near, wire.near_link});
  const auto tell = [&](std::size_t tracker, Address link) {
    if (!runs(tracker) || !trackers_[tracker].host->is_open(link)) return;
    trackers_[tracker].host->link_down(link, loss);
    pump(tracker);
  };
  tell(wire.far, wire.far_link);
  if (wire.near) tell(*wire.near, wire.near_link);
  if (wire.client != nullptr) wire.client->is_down(id);
}

void Network::drop_between(std::size_t a, std::size_t b, LinkLoss loss) {
  std::vector<WireId> broken;
  for (const auto& [id, wire] : wires_)
    if (wire.near && ((*wire.near == a && wire.far == b) || (*wire.near == b && wire.far == a)))
      broken.push_back(id);
  for (const WireId id : broken) drop(id, loss);
}

void Network::cut(std::size_t a, std::size_t b, bool loudly) {
  Path& between = path(a, b);
  if (!between.up) return;
  between.up = false;
  between.since = now_;
  if (loudly) return drop_between(a, b, LinkLoss::disconnected);
  schedule(silence, [this, a, b, since = now_] {
    if (!path(a, b).up && path(a, b).since == since) drop_between(a, b, LinkLoss::silent);
  });
}

void Network::heal(std::size_t a, std::size_t b) {
  Path& between = path(a, b);
  slow(a, b, 0ms);
  if (between.up) return;
  between.up = true;
  between.since = now_;
  std::vector<WireId> all;
  for (const auto& [id, wire] : wires_) all.push_back(id);
  for (const WireId id : all) {
    const auto wire = wires_.find(id);
    if (wire == wires_.end()) continue;
    for (const auto& [forth, envelope] : std::exchange(wire->second.held, {})) deliver(id, forth, envelope);
  }
}

void Network::slow(std::size_t a, std::size_t b, Duration by) {
  Path& between = path(a, b);
  if (between.extra == by) return;
  if (between.up && (by > slow_at_most) != (between.extra > slow_at_most)) between.since = now_;
  between.extra = by;
}

std::optional<Instant> Network::linked_since(std::size_t a, std::size_t b) const {
  const Path& between = path(a, b);
  if (!runs(a) || !runs(b) || !between.up || between.extra > slow_at_most) return std::nullopt;
  return std::max({trackers_[a].since, trackers_[b].since, between.since});
}

// --- clients --------------------------------------------------------------------------------------------------------

std::optional<WireId> Network::dial(std::size_t tracker, const std::string& from, const ClientKey& key,
                                    ClientEnd& client) {
  if (!runs(tracker)) return std::nullopt;
  const std::optional<Address> door = door_of(tracker, entries_[tracker].client_endpoint());
  if (!door) return std::nullopt;
  const WireId id = ++last_wire_;
  const Address link = trackers_[tracker].host->accept(*door, from, LinkKey::from(key.view()));
  wires_[id] = {std::nullopt, {}, &client, tracker, link, {now_, now_}, {}};
  wire_at_[{tracker, link}] = id;
  pump(tracker);
  return id;
}

void Network::hang_up(WireId wire) {
  const auto found = wires_.find(wire);
  if (found == wires_.end()) return;
  found->second.client = nullptr;
  drop(wire, LinkLoss::disconnected);
}

}  // namespace tutti::test
