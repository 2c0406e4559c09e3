#include "actors/zmq_worker.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "actors/zmq_key_socket.hpp"
#include "actors/zmq_sealed_link.hpp"
#include "actors/zmq_stream.hpp"

namespace tutti {

namespace {

constexpr std::size_t local_batch = 1024;
constexpr int inbox_batch = 256;
constexpr std::chrono::milliseconds house_keeping_every{100};
constexpr std::chrono::milliseconds long_pause{500};

/// What stands before the message in the first frame between two workers.
struct InboxHead {
  std::uint64_t from;
  std::uint64_t to;
  std::uint64_t outside;
};

void fill_from_kernel(std::span<std::uint8_t> target) {
  while (!target.empty()) {
    const ssize_t got = getrandom(target.data(), target.size(), 0);
    ENSURE(got > 0 || errno == EINTR);
    if (got > 0) target = target.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t random_seed() {
  std::array<std::uint8_t, 8> bytes{};
  fill_from_kernel(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

}  // namespace

ZmqWorker::ZmqWorker(ZmqHostServices& host, std::uint16_t index, std::string name)
    : host_(host), index_(index), name_(std::move(name)), random_(random_seed()), troupe_(*this) {
  inbox_ = zmq::socket_t(host_.zmq_context(), zmq::socket_type::pull);
  // Unbounded here, bounded by the actors' credit: a blocking sender could deadlock two workers.
  inbox_.set(zmq::sockopt::rcvhwm, 0);
  inbox_.set(zmq::sockopt::linger, 0);
  inbox_.bind(host_.inbox_endpoint(index_));
}

ZmqWorker::~ZmqWorker() = default;

Address ZmqWorker::fresh_address() { return {(std::uint64_t{index_} << 48U) | ++last_serial_}; }

void ZmqWorker::place_later(Address at, std::string_view name, std::unique_ptr<Actor> actor) {
  placements_.push_back({at, std::string(name), std::move(actor)});
}

void ZmqWorker::prepare() {
  last_round_ = awake_since_ = next_house_keeping_ = now();
  for (Placement& placement : placements_)
    troupe_.place(placement.at, placement.name, Address{}, std::move(placement.actor));
  placements_.clear();
}

void ZmqWorker::run() {
  while (!troupe_.empty() && !abandoned_.load()) {
    deliver_local();
    for (std::size_t fired = 0; fired < local_batch && troupe_.fire_one(now());) ++fired;
    if (troupe_.empty()) break;
    poll(idle_time());
    serve_sockets();
    if (now() >= next_house_keeping_) keep_house();
  }
  links_.clear();
}

std::chrono::milliseconds ZmqWorker::idle_time() {
  if (!local_.empty() || more_to_read_) return std::chrono::milliseconds(0);
  const Instant next = std::min(troupe_.next_timer(), links_.empty() ? Instant::max() : next_house_keeping_);
  if (next == Instant::max()) return std::chrono::milliseconds(-1);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now());
  return std::clamp(wait, std::chrono::milliseconds(0), std::chrono::milliseconds(60'000));
}

// --- Stage --------------------------------------------------------------------------------------------------

Instant ZmqWorker::now() const {
  return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime ZmqWorker::wall_time() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void ZmqWorker::fill_secret(std::span<std::uint8_t> target) { fill_from_kernel(target); }

void ZmqWorker::route(Envelope envelope) {
  if (envelope.to.value == 0) return;
  const std::uint16_t worker = worker_of(envelope.to);
  if (worker != index_) {
    send_to_worker(worker, envelope);
  } else if (ZmqLink* link = link_of(envelope.to)) {
    send_over(*link, envelope);
  } else if (troupe_.has(envelope.to)) {
    local_.push_back(std::move(envelope));
  }
}

std::unique_ptr<ZmqLink> ZmqWorker::make_link(Address address, Address owner, LinkKind kind, const Door& door,
                                              std::string& endpoint) {
  LinkOwner& worker = *this;
  const ZmqHostOptions& options = host_.options();
  const auto bound = [&]<class Link>(std::unique_ptr<Link> link) {
    endpoint = link->bound_endpoint();
    return link;
  };
  switch (kind) {
    case LinkKind::listen:
      return bound(std::make_unique<DoorLink>(worker, options, address, owner, door, endpoint));
    case LinkKind::publish:
      return bound(std::make_unique<TopicLink>(worker, options, address, owner, door, endpoint));
    case LinkKind::listen_stream:
      return bound(std::make_unique<StreamDoorLink>(worker, options, address, owner, door, endpoint));
    case LinkKind::tell_key:
      return bound(std::make_unique<KeyDoorLink>(worker, options, address, owner, door, endpoint));
    case LinkKind::ask_key:
      return std::make_unique<KeyQuestionLink>(worker, options, address, owner, door, endpoint);
    case LinkKind::listen_sealed:
      return bound(std::make_unique<SealedDoorLink>(worker, options, address, owner, door, endpoint));
    case LinkKind::connect_sealed:
      return std::make_unique<SealedDialledLink>(worker, options, address, owner, door, endpoint);
    case LinkKind::dial_stream:
      return std::make_unique<DialledStreamLink>(worker, options, address, owner, door, endpoint);
    case LinkKind::connect:
    case LinkKind::subscribe: break;
  }
  return std::make_unique<DialledLink>(worker, options, address, owner, door, kind, endpoint);
}

Opened ZmqWorker::open(Address owner, LinkKind kind, const std::string& endpoint, const Door& door) {
  const Address address = fresh_address();
  try {
    std::string bound = endpoint;
    links_.emplace(address.value, make_link(address, owner, kind, door, bound));
    poll_items_stale_ = true;
    return {address, bound, {}};
  } catch (const zmq::error_t& failure) {
    return {Address{}, endpoint, failure.what()};
  }
}

const LinkKeys& ZmqWorker::keys_of(Address actor) const {
  const auto own = keys_.find(actor.value);
  return own == keys_.end() ? *host_.options().keys : own->second;
}

void ZmqWorker::admit(Address door, const std::vector<LinkKey>& keys) {
  if (const auto found = links_.find(door.value); found != links_.end()) found->second->admit(keys);
}

void ZmqWorker::admit_pass(Address door, const LinkKey& key, const SealedPass& pass) {
  if (const auto found = links_.find(door.value); found != links_.end()) found->second->admit_pass(key, pass);
}

void ZmqWorker::revoke_pass(Address door, const SealedPassId& id) {
  if (const auto found = links_.find(door.value); found != links_.end()) found->second->revoke_pass(id);
}

void ZmqWorker::probe(Address link) {
  if (const auto found = links_.find(link.value); found != links_.end()) found->second->probe();
}

std::optional<Outflow> ZmqWorker::outflow(Address link) {
  const auto listener = accepted_.find(link.value);
  if (listener == accepted_.end()) return std::nullopt;
  const auto door = links_.find(listener->second.value);
  return door == links_.end() ? std::nullopt : door->second->outflow(link);
}

void ZmqWorker::close(Address link) {
  if (const auto listener = accepted_.find(link.value); listener != accepted_.end()) {
    if (const auto door = links_.find(listener->second.value); door != links_.end())
      door->second->close_peer(link);
    return;
  }
  const auto found = links_.find(link.value);
  if (found == links_.end()) return;
  for (const Address peer : found->second->peers()) accepted_.erase(peer.value);
  links_.erase(found);
  host_.unnamed(link);
  poll_items_stale_ = true;
}

void ZmqWorker::watch(Address owner, int descriptor) {
  watched_[descriptor] = owner;
  poll_items_stale_ = true;
}

void ZmqWorker::unwatch(int descriptor) {
  watched_.erase(descriptor);
  poll_items_stale_ = true;
}

void ZmqWorker::peer_forgotten(Address peer) {
  accepted_.erase(peer.value);
  host_.unnamed(peer);
}

// --- delivering ---------------------------------------------------------------------------------------------

ZmqLink* ZmqWorker::link_of(Address address) {
  const auto listener = accepted_.find(address.value);
  const auto found = links_.find(listener == accepted_.end() ? address.value : listener->second.value);
  return found == links_.end() ? nullptr : found->second.get();
}

void ZmqWorker::send_over(ZmqLink& link, const Envelope& envelope) {
  if (TraceSink* sink = trace()) sink->delivered(now(), envelope);
  link.send(envelope.to, envelope.body, envelope.payload);
}

void ZmqWorker::deliver(const Envelope& envelope) {
  const Receipt receipt = troupe_.deliver(envelope);
  if (receipt.kind == Receipt::Kind::handled) return;
  const std::string fault = receipt.kind == Receipt::Kind::malformed
                                ? receipt.fault
                                : "message " + std::to_string(envelope.id.value) + " is not accepted by " +
                                      std::string(troupe_.name_of(envelope.to));
  if (ZmqLink* link = envelope.outside ? link_of(envelope.from) : nullptr) {
    link->blame(envelope.from, fault);
  } else if (!envelope.outside) {
    log_error("lost inside: " + fault);
  }
}

void ZmqWorker::deliver_local() {
  // At least all that was said before this round: what comes from other workers may be an answer to it, and must not
  // overtake it.
  const std::size_t due = std::max(local_.size(), local_batch);
  for (std::size_t i = 0; i < due && !local_.empty(); ++i) {
    const Envelope next = std::move(local_.front());
    local_.pop_front();
    deliver(next);
  }
}

void ZmqWorker::send_to_worker(std::uint16_t worker, const Envelope& envelope) {
  if (worker >= host_.worker_count()) return;
  auto outbox = outboxes_.find(worker);
  if (outbox == outboxes_.end()) {
    zmq::socket_t socket(host_.zmq_context(), zmq::socket_type::push);
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(host_.inbox_endpoint(worker));
    outbox = outboxes_.emplace(worker, std::move(socket)).first;
  }
  send(outbox->second, envelope);
}

void ZmqWorker::send(zmq::socket_t& outbox, const Envelope& envelope) {
  const InboxHead head{envelope.from.value, envelope.to.value, envelope.outside ? 1U : 0U};
  zmq::message_t frame(sizeof head + envelope.body.size());
  std::memcpy(frame.data(), &head, sizeof head);
  std::copy(envelope.body.begin(), envelope.body.end(),
            static_cast<std::uint8_t*>(frame.data()) + sizeof head);
  const bool with_payload = !envelope.payload.empty();
  outbox.send(std::move(frame), with_payload ? zmq::send_flags::sndmore : zmq::send_flags::none);
  if (with_payload) outbox.send(frame_of(envelope.payload), zmq::send_flags::none);
}

bool ZmqWorker::receive_inbox() {
  for (int i = 0; i < inbox_batch; ++i) {
    std::optional<Frames> frames = receive_frames(inbox_);
    if (!frames) return false;
    InboxHead head{};
    ENSURE(frames->parts[0].size() > sizeof head);
    std::memcpy(&head, frames->parts[0].data(), sizeof head);
    const auto* data = static_cast<const std::uint8_t*>(frames->parts[0].data());
    Envelope envelope{{head.from}, {head.to},
                      {},          Bytes(data + sizeof head, data + frames->parts[0].size()),
                      {},          head.outside != 0};
    envelope.id = peek_message_id(envelope.body);
    if (frames->parts.size() == 2) envelope.payload = payload_of(std::move(frames->parts[1]));
    if (ZmqLink* link = link_of(envelope.to)) {
      send_over(*link, envelope);
    } else {
      deliver(envelope);
    }
  }
  return true;
}

// --- sockets ------------------------------------------------------------------------------------------------

void ZmqWorker::rebuild_poll_items() {
  poll_items_.clear();
  poll_links_.clear();
  const auto add = [&](void* socket, int descriptor, std::uint64_t link) {
    poll_items_.push_back({socket, descriptor, ZMQ_POLLIN, 0});
    poll_links_.push_back(link);
  };
  add(inbox_.handle(), 0, 0);
  for (const auto& [address, link] : links_) {
    if (link->descriptor() >= 0) add(nullptr, link->descriptor(), address);
    if (link->socket().handle() == nullptr) continue;  // no descriptor was left for it
    add(link->socket().handle(), 0, address);
    if (zmq::socket_t* monitor = link->monitor()) add(monitor->handle(), 0, address);
  }
  for (const auto& [descriptor, owner] : watched_) add(nullptr, descriptor, 0);
  poll_items_stale_ = false;
}

void ZmqWorker::poll(std::chrono::milliseconds timeout) {
  if (poll_items_stale_) rebuild_poll_items();
  const Instant before = now();
  if (before - last_round_ >= long_pause) awake_since_ = before;
  try {
    zmq::poll(poll_items_.data(), poll_items_.size(), timeout);
  } catch (const zmq::error_t& failure) {
    ENSURE(failure.num() == EINTR);
  }
  last_round_ = now();
  if (last_round_ - before >= timeout + long_pause) awake_since_ = last_round_;
}

void ZmqWorker::serve_sockets() {
  more_to_read_ = false;
  std::vector<zmq::pollitem_t> ready;
  std::vector<std::uint64_t> ready_links;
  for (std::size_t i = 0; i < poll_items_.size(); ++i) {
    if (poll_items_[i].revents == 0) continue;
    ready.push_back(poll_items_[i]);
    ready_links.push_back(poll_links_[i]);
  }
  for (std::size_t i = 0; i < ready.size(); ++i) {
    if (ready[i].socket == nullptr && ready_links[i] == 0) {
      const auto watched = watched_.find(ready[i].fd);
      if (watched == watched_.end()) continue;
      const Address owner = watched->second;
      unwatch(ready[i].fd);
      deliver({Address{}, owner, InputReady::message_id, encode(InputReady{ready[i].fd}), {}, false});
    } else if (ready_links[i] == 0) {
      more_to_read_ = receive_inbox() || more_to_read_;
    } else if (const auto link = links_.find(ready_links[i]); link != links_.end()) {
      // The monitor first: LinkUp comes before what the other side says.
      link->second->read_monitor();
      more_to_read_ = link->second->receive() || more_to_read_;
    }
  }
}

void ZmqWorker::keep_house() {
  next_house_keeping_ = now() + house_keeping_every;
  std::vector<ZmqLink*> all;
  for (const auto& [address, link] : links_) all.push_back(link.get());
  for (ZmqLink* link : all) link->keep_house(awake_since_);
  for (const ZmqLink* link : all) {
    if (!link->is_over()) continue;
    troupe_.link_over(link->owner(), link->address());
    close(link->address());
  }
}

}  // namespace tutti
