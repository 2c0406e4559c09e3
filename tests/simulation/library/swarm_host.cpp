#include "tests/simulation/library/swarm_host.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "actors/ensure.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr WallTime first_day{1'700'000'000'000ms};
constexpr unsigned worker_shift = 32;
constexpr std::uint64_t message_cost_min_ns = 2'000;
constexpr std::uint64_t message_cost_spread_ns = 10'000;

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9ddfea08eb382d69U;
  return hash ^ (hash >> 47U);
}

std::uint64_t word_at(const std::uint8_t* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Four words at a time, which need not wait for each other: blocks go through here, several times each.
std::uint64_t mixed(std::uint64_t hash, ByteView bytes) {
  constexpr std::size_t abreast = 4;
  constexpr std::size_t stride = abreast * sizeof(std::uint64_t);
  if (bytes.size() >= stride) {
    std::array<std::uint64_t, abreast> lanes{hash, 1, 2, 3};
    for (; bytes.size() >= stride; bytes = bytes.subspan(stride))
      for (std::size_t i = 0; i < abreast; ++i)
        lanes[i] = mixed(lanes[i], word_at(bytes.data() + i * sizeof(std::uint64_t)));
    for (const std::uint64_t lane : lanes) hash = mixed(hash, lane);
  }
  for (const std::uint8_t byte : bytes) hash = mixed(hash, byte);
  return hash;
}

}  // namespace

/// One thread of a process.
class SwarmHost::Worker final : public Stage, public TraceSink {
 public:
  Worker(SwarmHost& host, WorkerId index, std::string_view name, bool works_on_payloads)
      : host_(host),
        index_(index),
        works_on_payloads_(works_on_payloads),
        random_(stream_of(host.world_.seed, "actors of " + host.settings_.name + ", " + std::string(name),
                          host.settings_.life)),
        secrets_(stream_of(host.world_.seed, "secrets of " + host.settings_.name + ", " + std::string(name),
                           host.settings_.life)),
        pace_(stream_of(host.world_.seed, "pace of " + host.settings_.name + ", " + std::string(name),
                        host.settings_.life)),
        troupe_(*this) {}

  // --- Stage ---
  Instant now() const override { return clock().now(); }
  WallTime wall_time() const override {
    return first_day + std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()) +
           host_.settings_.clock_ahead;
  }
  Random& random() override { return random_; }
  void fill_secret(std::span<std::uint8_t> target) override {
    for (std::uint8_t& byte : target) byte = static_cast<std::uint8_t>(secrets_());
  }
  Address fresh_address() override {
    return {std::uint64_t{host_.id_} << host_shift | std::uint64_t{index_} << worker_shift | ++last_address_};
  }
  void route(Envelope envelope) override { deeds_.push_back({Deed::say, std::move(envelope)}); }
  Opened open(Address owner, LinkKind kind, const std::string& endpoint, const Door& door) override {
    return network().open(host_.id_, fresh_address(), owner, kind, endpoint, door);
  }
  void admit(Address door, const std::vector<LinkKey>& keys) override { network().admit(door, keys); }
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) override {
    network().admit_pass(door, key, pass);
  }
  void revoke_pass(Address door, const SealedPassId& id) override { network().revoke_pass(door, id); }
  void probe(Address link) override { deeds_.push_back({Deed::probe, link_only(link)}); }
  std::optional<Outflow> outflow(Address link) override { return network().outflow(link); }
  void close(Address link) override { deeds_.push_back({Deed::close, link_only(link)}); }
  void watch(Address, int) override {}
  void unwatch(int) override {}
  void stopped(Address actor) override { host_.has_stopped(actor); }
  void named(Address address, std::string_view name) override {
    if (host_.world_.trace != nullptr)
      host_.world_.trace->named(address, host_.settings_.name + "/" + std::string(name));
  }
  TraceSink* trace() const override { return const_cast<Worker*>(this); }

  // --- TraceSink: what is delivered here ---
  void delivered(Instant when, const Envelope& envelope) override {
    SwarmWorld& world = host_.world_;
    ++world.deliveries;
    std::uint64_t hash = mixed(world.hash, static_cast<std::uint64_t>(when.time_since_epoch().count()));
    hash = mixed(hash, envelope.from.value);
    hash = mixed(hash, envelope.to.value);
    hash = mixed(hash, envelope.id.value);
    hash = mixed(hash, envelope.body);
    hash = mixed(hash, envelope.payload.view());
    world.hash = mixed(hash, envelope.payload.size());
    if (world.trace != nullptr) world.trace->delivered(when, envelope);
    if (world.on_delivery) world.on_delivery(host_, when, envelope);
  }

  bool wants_steps() const override {
    return host_.world_.trace != nullptr && host_.world_.trace->wants_steps();
  }
  void stepped(const ActorStepped& step) override { host_.world_.trace->stepped(step); }

  // --- the loop ---
  void place(Address at, std::string_view name, std::unique_ptr<Actor> actor) {
    troupe_.place(at, name, Address{}, std::move(actor));
    flush(now());
    arm();
  }
  void put(Envelope envelope) {
    inbox_.push_back(std::move(envelope));
    note_length();
    kick();
  }
  void kick() {
    if (kicked_) return;
    kicked_ = true;
    clock().at(std::max(now(), free_at_), [this, alive = host_.alive_] {
      if (*alive) run();
    });
  }
  bool has(Address actor) const { return troupe_.has(actor); }

 private:
  struct Deed {
    enum Kind : std::uint8_t { say, probe, close } kind;
    Envelope envelope;
  };

  void note_length() {
    host_.world_.longest_inbox = std::max(host_.world_.longest_inbox, local_.size() + inbox_.size());
  }
  Clockwork& clock() const { return host_.world_.clock; }
  SwarmNetwork& network() const { return host_.world_.network; }
  static Envelope link_only(Address link) { return {{}, link, {}, {}, {}, false}; }

  void run() {
    kicked_ = false;
    if (host_.paused_) {
      host_.deferred_.push_back([this] { kick(); });
      return;
    }
    if (now() < free_at_) return kick();
    if (!local_.empty()) {
      take(local_);
    } else if (troupe_.next_timer() <= now()) {
      work([&] { troupe_.fire_one(now()); }, 0);
    } else if (!inbox_.empty()) {
      take(inbox_);
    }
    if (!local_.empty() || !inbox_.empty() || troupe_.next_timer() <= now()) kick();
    arm();
  }
  void take(std::deque<Envelope>& queue) {
    const Envelope next = std::move(queue.front());
    queue.pop_front();
    work([&] { deliver(next); }, next.payload.size());
  }
  template <class What>
  void work(What what, std::size_t payload) {
    SwarmWorld& world = host_.world_;
    world.charged = {};
    what();
    if (world.checks_invariants) troupe_.check_invariants();
    const auto cost =
        message_cost_min_ns + pace_.below(message_cost_spread_ns) + (works_on_payloads_ ? payload : 0);
    free_at_ = now() + std::chrono::nanoseconds(cost) + world.charged;
    flush(free_at_);
  }
  void deliver(const Envelope& envelope) {
    const Receipt receipt = troupe_.deliver(envelope);
    if (receipt.kind == Receipt::Kind::handled) return;
    const std::string fault = receipt.kind == Receipt::Kind::malformed
                                  ? receipt.fault
                                  : "message " + std::to_string(envelope.id.value) + " is not accepted by " +
                                        std::string(troupe_.name_of(envelope.to));
    if (envelope.outside) {
      network().blame(envelope.from, fault);
    } else {
      host_.world_.inside_faults.push_back(host_.settings_.name + ": " + fault);
    }
  }
  /// What a handler said leaves when it is done.
  void flush(Instant when) {
    if (deeds_.empty()) return;
    clock().at(when, [this, alive = host_.alive_, deeds = std::exchange(deeds_, {})]() mutable {
      for (Deed& deed : deeds) {
        if (!*alive) return;
        if (deed.kind == Deed::probe) {
          network().probe(deed.envelope.to);
        } else if (deed.kind == Deed::close) {
          network().close(deed.envelope.to);
        } else {
          carry(std::move(deed.envelope));
        }
      }
    });
  }
  void carry(Envelope envelope) {
    if (envelope.to.value == 0) return;
    if (network().is_link(envelope.to)) {
      if (host_.world_.trace != nullptr) host_.world_.trace->delivered(now(), envelope);
      if (host_.world_.on_leave) host_.world_.on_leave(host_, envelope);
      return network().send(std::move(envelope));
    }
    if (envelope.from != envelope.to && host_.world_.inside && !host_.world_.inside(host_, envelope)) return;
    Worker* to = host_.worker_of(envelope.to);
    if (to == nullptr) return;
    if (to != this) return to->put(std::move(envelope));
    local_.push_back(std::move(envelope));
    note_length();
    kick();
  }
  void arm() {
    const Instant next = troupe_.next_timer();
    if (next == Instant::max() || next >= armed_) return;
    armed_ = next;
    clock().at(next, [this, alive = host_.alive_, next] {
      if (!*alive) return;
      if (armed_ == next) armed_ = Instant::max();
      kick();
    });
  }

  SwarmHost& host_;
  const WorkerId index_;
  const bool works_on_payloads_;
  Random random_;
  Random secrets_;
  Random pace_;
  std::uint32_t last_address_ = 0;
  std::deque<Envelope> local_;
  std::deque<Envelope> inbox_;
  std::vector<Deed> deeds_;
  Instant free_at_{};
  Instant armed_ = Instant::max();
  bool kicked_ = false;
  Troupe troupe_;
};

SwarmHost::SwarmHost(SwarmWorld& world, Settings settings)
    : world_(world), settings_(std::move(settings)), id_(world.network.enter(*this)) {}

SwarmHost::~SwarmHost() { leave(false); }

void SwarmHost::vanish() { leave(true); }

void SwarmHost::leave(bool machine_vanishes) {
  if (left_) return;
  left_ = true;
  *alive_ = false;
  world_.network.leave(id_, machine_vanishes);
}

SwarmHost::WorkerId SwarmHost::add_worker(std::string_view name, bool works_on_payloads) {
  workers_.push_back(std::make_unique<Worker>(*this, workers_.size(), name, works_on_payloads));
  return workers_.size() - 1;
}

Address SwarmHost::reserve_address(WorkerId worker) { return workers_[worker]->fresh_address(); }

void SwarmHost::place(Address at, std::string_view name, std::unique_ptr<Actor> actor) {
  spawned_.push_back(at);
  worker_of(at)->place(at, name, std::move(actor));
}

SwarmHost::Worker* SwarmHost::worker_of(Address address) const {
  if (address.value >> host_shift != id_) return nullptr;
  const std::size_t worker = address.value >> worker_shift & 0xffU;
  return worker < workers_.size() ? workers_[worker].get() : nullptr;
}

void SwarmHost::say_encoded(Envelope envelope) {
  Worker* to = worker_of(envelope.to);
  ENSURE(to != nullptr && !left_);
  if (world_.inside && !world_.inside(*this, envelope)) return;
  to->put(std::move(envelope));
}

void SwarmHost::take(Envelope envelope) {
  if (Worker* to = worker_of(envelope.to)) to->put(std::move(envelope));
}

void SwarmHost::when_running(std::function<void()> what) {
  if (!paused_) return what();
  deferred_.push_back(std::move(what));
}

void SwarmHost::pause() {
  if (std::exchange(paused_, true)) return;
  world_.network.paused(id_);
}

void SwarmHost::resume() {
  if (!std::exchange(paused_, false)) return;
  for (const auto& each : std::exchange(deferred_, {})) when_running(each);
}

void SwarmHost::stop() {
  if (std::exchange(stopping_, true)) return;
  stop_next();
}

void SwarmHost::stop_next() {
  while (!spawned_.empty()) {
    awaited_ = spawned_.back();
    spawned_.pop_back();
    Worker* worker = worker_of(awaited_);
    if (!worker->has(awaited_)) continue;
    worker->put({{}, awaited_, StopActor::message_id, encode(StopActor{}), {}, false});
    return;
  }
}

void SwarmHost::has_stopped(Address actor) {
  if (!stopping_ || actor != awaited_) return;
  world_.clock.at(world_.clock.now(), [this, alive = alive_] {
    if (*alive) stop_next();
  });
}

}  // namespace tutti::simulation
