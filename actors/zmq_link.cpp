#include "actors/zmq_link.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "messages/codec.hpp"

namespace tutti {

namespace {

constexpr std::size_t gone_remembered = 1024;
/// After one of these libzmq gives a dialling socket up.
constexpr int refused_events = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

const Bytes& reset_frame() {
  static const Bytes frame = encode(LinkReset{});
  return frame;
}

/// An IPv4 address as such, also when the socket speaks IPv6.
std::string plain_host(std::string_view host) {
  constexpr std::string_view mapped = "::ffff:";
  if (host.starts_with(mapped) && host.find('.') != std::string_view::npos) host.remove_prefix(mapped.size());
  return std::string(host);
}

}  // namespace

const Bytes& ping_frame() {
  static const Bytes frame = encode(LinkPing{});
  return frame;
}
const Bytes& pong_frame() {
  static const Bytes frame = encode(LinkPong{});
  return frame;
}

std::string bound_to(const zmq::socket_t& socket) {
  std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
  constexpr std::string_view scheme = "tcp://";
  if (endpoint.starts_with(scheme)) endpoint.erase(0, scheme.size());
  const std::size_t end = endpoint.find(']');
  if (!endpoint.starts_with('[') || end == std::string::npos) return endpoint;
  const std::string host = endpoint.substr(1, end - 1);
  return plain_host(host) == host ? endpoint : plain_host(host) + endpoint.substr(end + 1);
}

std::string host_of(const zmq::message_t& frame) {
  const char* host = zmq_msg_gets(const_cast<zmq_msg_t*>(frame.handle()), "Peer-Address");
  return host == nullptr ? std::string() : plain_host(host);
}

std::string tcp_endpoint(const std::string& endpoint) { return "tcp://" + endpoint; }

std::optional<Frames> receive_frames(zmq::socket_t& socket) {
  Frames frames;
  for (;;) {
    zmq::message_t part;
    if (!socket.recv(part, zmq::recv_flags::dontwait)) return std::nullopt;
    const bool more = part.more();
    if (frames.parts.size() < 3) {
      frames.parts.push_back(std::move(part));
    } else {
      frames.too_many = true;
    }
    if (!more) return frames;
  }
}

zmq::message_t frame_of(const Payload& payload) {
  auto* kept = new Payload(payload);  // freed by libzmq, on whichever thread is done last
  const ByteView view = kept->view();
  // libzmq does not write to a message that it sends.
  auto* data = const_cast<std::uint8_t*>(view.data());
  return zmq::message_t(
      data, view.size(), [](void*, void* hint) { delete static_cast<Payload*>(hint); }, kept);
}

ByteView view_of_frame(const zmq::message_t& frame) {
  return {static_cast<const std::uint8_t*>(frame.data()), frame.size()};
}

Bytes copy_of(const zmq::message_t& frame) {
  const ByteView view = view_of_frame(frame);
  return {view.begin(), view.end()};
}

Payload payload_of(zmq::message_t frame, std::size_t without) {
  auto kept = std::make_shared<zmq::message_t>(std::move(frame));
  const ByteView view = view_of_frame(*kept).first(kept->size() - without);
  return Payload::hold(std::move(kept), view);
}

// --- ZmqLink ------------------------------------------------------------------------------------------------

ZmqLink::ZmqLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                 const Door& door)
    : worker_(worker), options_(options), self_(self), owner_(owner), door_(door) {}

void ZmqLink::make_socket(zmq::socket_type type, std::size_t more) {
  socket_ = zmq::socket_t(worker_.zmq_context(), type);
  socket_.set(zmq::sockopt::ipv6, true);
  socket_.set(zmq::sockopt::linger, static_cast<int>(options_.linger.count()));
  socket_.set(zmq::sockopt::handshake_ivl, static_cast<int>(options_.redial_after.count()));
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(door_.limits.frame_bytes + more));
}

void ZmqLink::watch_events(int wanted, std::uint64_t dials) {
  const std::string events = "inproc://monitor-" + std::to_string(self_.value) + "-" + std::to_string(dials);
  try {
    if (zmq_socket_monitor(socket_.handle(), events.c_str(), wanted) != 0) throw zmq::error_t();
    monitor_.emplace(worker_.zmq_context(), zmq::socket_type::pair);
    monitor_->connect(events);
  } catch (const zmq::error_t&) {
    close_socket();
    throw;
  }
}

int ZmqLink::next_event() {
  while (monitor_) {
    const std::optional<Frames> event = receive_frames(*monitor_);
    if (!event) return 0;
    if (event->parts.empty() || event->parts[0].size() < sizeof(std::uint16_t)) continue;
    std::uint16_t number = 0;
    std::memcpy(&number, event->parts[0].data(), sizeof number);
    return number;
  }
  return 0;
}

void ZmqLink::close_socket() {
  if (monitor_) {
    // Stops the monitor first: libzmq would block in term() on a monitor that nobody reads.
    if (socket_.handle() != nullptr) zmq_socket_monitor(socket_.handle(), nullptr, 0);
    monitor_->close();
    monitor_.reset();
  }
  socket_.close();
}

bool ZmqLink::says(MessageId id) const {
  return std::find(door_.says.begin(), door_.says.end(), id) != door_.says.end();
}

void ZmqLink::hand_in(Address from, Bytes body, Payload payload) {
  const MessageId id = peek_message_id(body);
  worker_.to_actor({from, owner_, id, std::move(body), std::move(payload), true});
}

void ZmqLink::say_up(Address link, Address listener, const std::string& peer, const LinkKey& key) {
  tell({link, owner_, LinkUp::message_id, encode(LinkUp{link, listener, peer, key}), {}, false});
}

void ZmqLink::say_down(Address link, LinkLoss loss) {
  tell({link, owner_, LinkDown::message_id, encode(LinkDown{link, loss}), {}, false});
}

void ZmqLink::say_echo() { tell({self_, owner_, LinkEcho::message_id, encode(LinkEcho{self_}), {}, false}); }

bool ZmqLink::send_frames(const std::string* routing_id, zmq::message_t body, const Payload& payload) {
  if (payload.empty()) return send_frames(routing_id, std::span(&body, 1));
  std::array<zmq::message_t, 2> frames{std::move(body), frame_of(payload)};
  return send_frames(routing_id, frames);
}

bool ZmqLink::send_frames(const std::string* routing_id, std::span<zmq::message_t> frames) {
  try {
    if (routing_id != nullptr &&
        !socket_.send(zmq::buffer(*routing_id), zmq::send_flags::sndmore | zmq::send_flags::dontwait))
      return false;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      auto flags = zmq::send_flags::dontwait;
      if (i + 1 < frames.size()) flags = flags | zmq::send_flags::sndmore;
      if (!socket_.send(std::move(frames[i]), flags)) return false;
    }
    return true;
  } catch (const zmq::error_t&) {
    return false;  // EHOSTUNREACH: the peer is gone
  }
}

// --- DialledLink --------------------------------------------------------------------------------------------

DialledLink::DialledLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                         const Door& door, LinkKind kind, std::string endpoint)
    : ZmqLink(worker, options, self, owner, door),
      kind_(kind),
      endpoint_(std::move(endpoint)),
      refused_pause_(options.dial_pause) {
  dial();
}

DialledLink::~DialledLink() { close_socket(); }

void DialledLink::dial() {
  dialled_ = worker_.now();
  refused_ = false;
  try {
    make_dialler();
  } catch (const zmq::error_t& failure) {
    // No descriptors are left, or a name does not resolve. Later it may be otherwise: keep_house() dials again.
    if (socket_.handle() == nullptr) log_warning("no connection to " + endpoint_ + ": " + failure.what());
  }
  worker_.sockets_changed();
}

void DialledLink::make_dialler() {
  make_socket(kind_ == LinkKind::subscribe ? zmq::socket_type::sub : zmq::socket_type::dealer);
  guard_dialler(socket_, worker_.keys_of(owner_), door_.expected);
  socket_.set(zmq::sockopt::reconnect_ivl, static_cast<int>(options_.dial_pause.count()));
  socket_.set(zmq::sockopt::reconnect_ivl_max, static_cast<int>(options_.dial_pause_max.count()));
  if (kind_ == LinkKind::subscribe) {
    socket_.set(zmq::sockopt::subscribe, "");
  } else {
    socket_.set(zmq::sockopt::immediate, true);
  }
  watch_events(ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | refused_events, ++dials_);
  socket_.connect(tcp_endpoint(endpoint_));
}

void DialledLink::redial() {
  close_socket();
  dial();
}

void DialledLink::went_down(LinkLoss loss) {
  if (!up_) return;
  up_ = false;
  say_down(self_, loss);
}

void DialledLink::send(Address, const Bytes& body, const Payload& payload) {
  if (!up_ || kind_ == LinkKind::subscribe) return;
  if (send_frames(nullptr, body, payload)) last_said_ = worker_.now();
}

bool DialledLink::receive() {
  for (int i = 0; i < receive_batch; ++i) {
    std::optional<Frames> frames = receive_frames(socket_);
    if (!frames) return false;
    if (!take(std::move(*frames))) return false;
  }
  return true;
}

/// False if the socket is another one now.
bool DialledLink::take(Frames frames) {
  last_heard_ = worker_.now();
  if (!up_) return true;  // left over from before; the conversation begins with LinkUp
  if (frames.too_many || frames.parts.size() > 2) {
    blame(self_, "too many frames");
    return up_;
  }
  const MessageId id = peek_message_id(view_of_frame(frames.parts[0]));
  if (id == LinkPong::message_id) {
    for (int answered = pings_.ponged(); answered > 0; --answered) say_echo();
    return true;
  }
  if (id == LinkReset::message_id) {
    went_down(LinkLoss::disconnected);
    redial();
    return false;
  }
  if (!says(id)) {
    blame(self_, "a message that it may not say: " + std::to_string(id.value));
    return up_;
  }
  hand_in(self_, copy_of(frames.parts[0]),
          frames.parts.size() == 2 ? payload_of(std::move(frames.parts[1])) : Payload{});
  return true;
}

void DialledLink::blame(Address, const std::string& fault) {
  if (faults_ == 0)
    log_warning(std::string(door_.role) + " at " + endpoint_ + " said what it may not: " + fault);
  if (++faults_ < faults_before_giving_up) return;
  faults_ = 0;
  went_down(LinkLoss::misbehaved);
  redial();
}

void DialledLink::read_monitor() {
  while (const int number = next_event()) {
    if ((number & refused_events) != 0) refused_ = true;
    if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && !up_) {
      up_ = true;
      refused_pause_ = options_.dial_pause;
      faults_ = 0;
      pings_ = {};
      last_heard_ = last_said_ = worker_.now();
      say_up(self_, Address{}, endpoint_, door_.expected);
    } else if (number == ZMQ_EVENT_DISCONNECTED && up_) {
      while (receive()) {  // what was said before the end still counts
      }
      dialled_ = worker_.now();
      went_down(LinkLoss::disconnected);
    }
  }
}

void DialledLink::keep_house(Instant awake_since) {
  const Instant now = worker_.now();
  if (!up_) {
    const Duration pause = refused_ ? refused_pause_ : options_.redial_after;
    if (now - std::max(dialled_, awake_since) < pause) return;
    if (refused_) refused_pause_ = std::min<Duration>(2 * pause, options_.redial_after);
    return redial();
  }
  if (now - std::max(last_heard_, awake_since) >= options_.silent_after) {
    went_down(LinkLoss::silent);
    redial();
    return;
  }
  const bool quiet = now - last_heard_ >= options_.ping_after || now - last_said_ >= options_.ping_after;
  if (quiet) ping();
}

bool DialledLink::ping() {
  if (!up_ || kind_ != LinkKind::connect || !send_frames(nullptr, ping_frame(), {})) return false;
  last_said_ = worker_.now();
  pings_.pinged();
  return true;
}

void DialledLink::probe() {
  if (ping()) pings_.probed();
}

// --- GuardedDomain --------------------------------------------------------------------------------------------

GuardedDomain::GuardedDomain(LinkOwner& worker, Address door, Address owner, Admits admits,
                             zmq::socket_t& socket)
    : worker_(worker), name_("door-" + std::to_string(door.value)) {
  worker_.gate().open(name_, admits);
  guard_door(socket, worker_.keys_of(owner), name_);
}

GuardedDomain::~GuardedDomain() { worker_.gate().close(name_); }

// --- DoorLink -----------------------------------------------------------------------------------------------

DoorLink::DoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                   const Door& door, const std::string& endpoint)
    : ZmqLink(worker, options, self, owner, door) {
  make_socket(zmq::socket_type::router);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::backlog, connections_waiting_max);
  domain_.emplace(worker_, self_, owner_, door_.admits, socket_);
  watch_.emplace(worker_.zmq_context(), socket_, std::to_string(self_.value), options_.connections);
  socket_.bind(tcp_endpoint(endpoint));
  worker_.sockets_changed();
}

DoorLink::~DoorLink() {
  for (const auto& [routing_id, peer] : by_routing_id_) worker_.peer_forgotten(peer);
  watch_.reset();
  close_socket();
}

std::string DoorLink::bound_endpoint() const { return bound_to(socket_); }

void DoorLink::send(Address to, const Bytes& body, const Payload& payload) {
  const auto peer = peers_.find(to.value);
  if (peer == peers_.end()) return;
  if (!send_measured(to, peer->second, body, payload)) forget(to, LinkLoss::disconnected, true);
}

bool DoorLink::send_measured(Address to, Peer& peer, const Bytes& body, const Payload& payload) {
  const std::string routing_id = peer.routing_id;
  if (body.size() + payload.size() < measured_from) return send_frames(&routing_id, body, payload);
  if (peer.untaken.outstanding_bytes() > untaken_max) return false;
  if (untaken_.outstanding_bytes() > untaken_by_all_max) {
    const auto most = std::max_element(peers_.begin(), peers_.end(), [](const auto& a, const auto& b) {
      return a.second.untaken.outstanding_bytes() < b.second.untaken.outstanding_bytes();
    });
    if (most->first == to.value) return false;
    forget({most->first}, LinkLoss::disconnected, true);
  }
  const auto measured = [&](const Payload& each) { return untaken_.measured(peer.untaken.measured(each)); };
  zmq::message_t words = body.size() < measured_from ? zmq::message_t(body.data(), body.size())
                                                     : frame_of(measured(Payload::own(Bytes(body))));
  return send_frames(&routing_id, std::move(words), payload.empty() ? payload : measured(payload));
}

bool DoorLink::receive() {
  for (int i = 0; i < receive_batch; ++i) {
    std::optional<Frames> frames = receive_frames(socket_);
    if (!frames) return false;
    take(std::move(*frames));
  }
  return true;
}

void DoorLink::take(Frames frames) {
  if (frames.parts.size() < 2) return;
  const std::string routing_id = frames.parts[0].to_string();
  const Address from = peer_of(routing_id, frames.parts[1]);
  if (from.value == 0) return;
  peers_.at(from.value).last_heard = worker_.now();
  if (frames.too_many) return blame(from, "too many frames");
  const MessageId id = peek_message_id(view_of_frame(frames.parts[1]));
  if (id == LinkPing::message_id) {
    send_frames(&routing_id, pong_frame(), {});
    return;
  }
  if (!says(id)) return blame(from, "a message that it may not say: " + std::to_string(id.value));
  hand_in(from, copy_of(frames.parts[1]),
          frames.parts.size() == 3 ? payload_of(std::move(frames.parts[2])) : Payload{});
}

Address DoorLink::peer_of(const std::string& routing_id, const zmq::message_t& frame) {
  // The routing id's frame has no metadata; the one after it has.
  const std::string_view user = proven_key(frame);
  if (const auto known = by_routing_id_.find(routing_id); known != by_routing_id_.end()) {
    if (peers_.at(known->second.value).user == user) return known->second;
    forget(known->second, LinkLoss::disconnected, true);
  }
  if (const auto gone = gone_.find(routing_id + std::string(user)); gone != gone_.end()) {
    if (!gone->second) send_frames(&routing_id, reset_frame(), {});
    return {};
  }
  const DoorWatch::Connection connection = watch_->heard(frame, worker_.now());
  const std::optional<Bytes> key = from_z85(user);
  if (!key || key->size() != LinkKey::size || peers_.size() >= options_.peers_per_door) return {};
  Peer peer{routing_id, std::string(user), host_of(frame), worker_.now(), 0, connection, {}};
  const Address address = worker_.fresh_address();
  worker_.peer_known(address, self_);
  worker_.named(address, std::string(door_.role) + "@" + peer.host);
  by_routing_id_.emplace(routing_id, address);
  const std::string host = peer.host;
  peers_.emplace(address.value, std::move(peer));
  say_up(address, self_, host, LinkKey::from(*key));
  return address;
}

void DoorLink::remember_gone(const std::string& who, bool banned) {
  gone_[who] = banned;
  gone_order_.push_back(who);
  if (gone_order_.size() > gone_remembered) {
    gone_.erase(gone_order_.front());
    gone_order_.pop_front();
  }
}

void DoorLink::forget(Address peer, LinkLoss loss, bool tell_owner) {
  const auto found = peers_.find(peer.value);
  if (found == peers_.end()) return;
  // Nothing else would free what waits for it, or half of a word that it has said.
  const bool hang_up = found->second.untaken.outstanding_bytes() > 0 || loss == LinkLoss::silent;
  if (hang_up) watch_->hang_up_on(found->second.connection);
  watch_->given_up(found->second.connection, worker_.now());
  remember_gone(found->second.routing_id + found->second.user, loss == LinkLoss::misbehaved);
  by_routing_id_.erase(found->second.routing_id);
  peers_.erase(found);
  worker_.peer_forgotten(peer);
  if (tell_owner) say_down(peer, loss);
}

void DoorLink::blame(Address peer, const std::string& fault) {
  const auto found = peers_.find(peer.value);
  if (found == peers_.end()) return;
  Peer& sender = found->second;
  if (sender.faults == 0)
    log_warning(std::string(door_.role) + " at " + sender.host + " said what it may not: " + fault);
  if (++sender.faults >= faults_before_giving_up) forget(peer, LinkLoss::misbehaved, true);
}

void DoorLink::keep_house(Instant awake_since) {
  const Instant now = worker_.now();
  watch_->keep_house(now, awake_since);
  std::vector<Address> silent;
  for (const auto& [address, peer] : peers_)
    if (now - std::max(peer.last_heard, awake_since) >= options_.silent_after + options_.ping_after)
      silent.push_back({address});
  for (const Address peer : silent) forget(peer, LinkLoss::silent, true);
}

bool DoorLink::close_peer(Address peer) {
  const auto found = peers_.find(peer.value);
  if (found == peers_.end()) return false;
  const std::string routing_id = found->second.routing_id;
  send_frames(&routing_id, reset_frame(), {});
  forget(peer, LinkLoss::closed, false);
  return true;
}

std::optional<Outflow> DoorLink::outflow(Address peer) const {
  const auto found = peers_.find(peer.value);
  return found == peers_.end() ? std::nullopt : watch_->outflow(found->second.connection);
}

std::vector<Address> DoorLink::peers() const {
  std::vector<Address> all;
  for (const auto& [address, peer] : peers_) all.push_back({address});
  return all;
}

// --- TopicLink ----------------------------------------------------------------------------------------------

TopicLink::TopicLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                     const Door& door, const std::string& endpoint)
    : ZmqLink(worker, options, self, owner, door) {
  make_socket(zmq::socket_type::pub);
  domain_.emplace(worker_, self_, owner_, door_.admits, socket_);
  watch_.emplace(worker_.zmq_context(), socket_, std::to_string(self_.value), options_.connections);
  socket_.bind(tcp_endpoint(endpoint));
}

TopicLink::~TopicLink() {
  watch_.reset();
  close_socket();
}

std::string TopicLink::bound_endpoint() const { return bound_to(socket_); }

void TopicLink::send(Address, const Bytes& body, const Payload& payload) {
  send_frames(nullptr, body, payload);
}

}  // namespace tutti
