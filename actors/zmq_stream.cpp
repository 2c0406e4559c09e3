#include "actors/zmq_stream.hpp"

#include <algorithm>
#include <utility>

#include "actors/log.hpp"
#include "messages/byte_stream.hpp"
#include "messages/codec.hpp"

namespace tutti {

namespace {

/// Reads of one connection, of 8 KiB at the most, that wait for us. Then TCP lets the other side wait.
constexpr int reads_waiting_max = 64;
constexpr std::size_t hung_up_remembered = 1024;

const Bytes& stream_bytes() {
  static const Bytes body = encode(StreamBytes{});
  return body;
}

void configure(zmq::socket_t& socket, std::string_view endpoint) {
  // A host name means its IPv4 address: whoever speaks plain TCP mostly listens there alone, and libzmq tries but one.
  socket.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string_view::npos);
  // Bounded by the owner, who must not lose a byte: it measures what has been taken.
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, reads_waiting_max);
  // Nothing is said over plain TCP for the sake of being heard, so the system has to find out who has gone without a word.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 60);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 20);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
}

/// Sends by handle; an empty frame ends the connection. False if the connection is not there.
bool send_stream(zmq::socket_t& socket, const std::string& routing_id, zmq::message_t frame) {
  try {
    return socket.send(zmq::buffer(routing_id), zmq::send_flags::sndmore | zmq::send_flags::dontwait) &&
           socket.send(std::move(frame), zmq::send_flags::dontwait);
  } catch (const zmq::error_t&) {
    return false;  // EHOSTUNREACH
  }
}

}  // namespace

// --- DialledStreamLink ------------------------------------------------------------------------------------------

DialledStreamLink::DialledStreamLink(LinkOwner& worker, const ZmqHostOptions& options, Address self,
                                     Address owner, const Door& door, std::string endpoint)
    : ZmqLink(worker, options, self, owner, door), endpoint_(std::move(endpoint)), dialled_(worker.now()) {
  try {
    dial();
  } catch (const zmq::error_t& failure) {
    // No descriptors are left, or the address is none: keep_house() says that nothing has come of it.
    log_warning("no connection to " + endpoint_ + ": " + failure.what());
    close_socket();
  }
}

DialledStreamLink::~DialledStreamLink() { close_socket(); }

void DialledStreamLink::dial() {
  make_socket(zmq::socket_type::stream);
  configure(socket_, endpoint_);
  // Never again. With -1, for not at all, libzmq ends the connection's pipe at once, and with it the word that it has ended.
  socket_.set(zmq::sockopt::reconnect_ivl, 24 * 3600 * 1000);
  socket_.connect(tcp_endpoint(endpoint_));
}

void DialledStreamLink::end(LinkLoss loss) {
  over_ = true;
  close_socket();
  worker_.sockets_changed();
  say_down(self_, loss);
}

void DialledStreamLink::send(Address, const Bytes&, const Payload& payload) {
  if (over_ || routing_id_.empty() || payload.empty()) return;
  if (!send_stream(socket_, routing_id_, frame_of(payload))) end(LinkLoss::disconnected);
}

bool DialledStreamLink::receive() {
  for (int i = 0; i < receive_batch && !over_; ++i) {
    std::optional<Frames> frames = receive_frames(socket_);
    if (!frames) return false;
    if (frames->parts.size() < 2) continue;
    if (!frames->parts[1].empty()) {
      hand_in(self_, Bytes(stream_bytes()), payload_of(std::move(frames->parts[1])));
    } else if (routing_id_.empty()) {
      routing_id_ = frames->parts[0].to_string();
      say_up(self_, Address{}, endpoint_.substr(endpoint_.find(';') + 1), {});
    } else {
      end(LinkLoss::disconnected);
    }
  }
  return !over_;
}

void DialledStreamLink::keep_house(Instant awake_since) {
  if (over_ || !routing_id_.empty()) return;
  if (worker_.now() - std::max(dialled_, awake_since) >= options_.redial_after) end(LinkLoss::unreachable);
}

// --- StreamDoorLink ---------------------------------------------------------------------------------------------

StreamDoorLink::StreamDoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                               const Door& door, const std::string& endpoint)
    : ZmqLink(worker, options, self, owner, door) {
  make_socket(zmq::socket_type::stream);
  configure(socket_, endpoint);
  socket_.set(zmq::sockopt::backlog, connections_waiting_max);
  socket_.bind(tcp_endpoint(endpoint));
  worker_.sockets_changed();
}

StreamDoorLink::~StreamDoorLink() {
  for (const auto& [routing_id, peer] : by_routing_id_) worker_.peer_forgotten(peer);
  close_socket();
}

void StreamDoorLink::send(Address to, const Bytes&, const Payload& payload) {
  const auto peer = peers_.find(to.value);
  if (peer == peers_.end() || payload.empty()) return;
  const std::string routing_id = peer->second;
  if (send_stream(socket_, routing_id, frame_of(payload))) return;
  // A byte less would make what follows mean something else. What it has said still is nobody new.
  hang_up(routing_id);
  forget(to);
  say_down(to, LinkLoss::disconnected);
}

bool StreamDoorLink::receive() {
  for (int i = 0; i < receive_batch; ++i) {
    std::optional<Frames> frames = receive_frames(socket_);
    if (!frames) return false;
    take(std::move(*frames));
  }
  return true;
}

void StreamDoorLink::take(Frames frames) {
  if (frames.parts.size() < 2) return;
  const std::string routing_id = frames.parts[0].to_string();
  const auto known = by_routing_id_.find(routing_id);
  if (known == by_routing_id_.end()) {
    // One that was hung up on may have had something to say still, or to end.
    const bool is_new = frames.parts[1].empty() && !hung_up_.contains(routing_id);
    if (is_new) accept(routing_id, frames.parts[1]);
    return;
  }
  const Address peer = known->second;
  if (!frames.parts[1].empty()) {
    hand_in(peer, Bytes(stream_bytes()), payload_of(std::move(frames.parts[1])));
  } else {
    forget(peer);
    say_down(peer, LinkLoss::disconnected);
  }
}

void StreamDoorLink::accept(const std::string& routing_id, const zmq::message_t& frame) {
  if (peers_.size() >= options_.peers_per_door) return hang_up(routing_id);
  const std::string host = host_of(frame);
  const Address address = worker_.fresh_address();
  worker_.peer_known(address, self_);
  worker_.named(address, std::string(door_.role) + "@" + host);
  by_routing_id_.emplace(routing_id, address);
  peers_.emplace(address.value, routing_id);
  say_up(address, self_, host, {});
}

void StreamDoorLink::forget(Address peer) {
  const auto found = peers_.find(peer.value);
  if (found == peers_.end()) return;
  by_routing_id_.erase(found->second);
  peers_.erase(found);
  worker_.peer_forgotten(peer);
}

void StreamDoorLink::hang_up(const std::string& routing_id) {
  send_stream(socket_, routing_id, zmq::message_t());
  if (!hung_up_.insert(routing_id).second) return;
  hung_up_order_.push_back(routing_id);
  if (hung_up_order_.size() <= hung_up_remembered) return;
  hung_up_.erase(hung_up_order_.front());
  hung_up_order_.pop_front();
}

bool StreamDoorLink::close_peer(Address peer) {
  const auto found = peers_.find(peer.value);
  if (found == peers_.end()) return false;
  hang_up(found->second);
  forget(peer);
  return true;
}

std::vector<Address> StreamDoorLink::peers() const {
  std::vector<Address> all;
  for (const auto& [address, routing_id] : peers_) all.push_back({address});
  return all;
}

}  // namespace tutti
