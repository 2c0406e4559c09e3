#include "actors/zmq_door_watch.hpp"

#include <linux/tcp.h>  // the C library's does not know all that the system says
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr int events_a_round = 1024;
// Of an event: its number (two bytes) and its value (four).
constexpr std::size_t event_bytes = 6;
constexpr std::size_t ipv6_network_bytes = 8;

/// Whom a descriptor leads to, all of it as bytes; empty if it leads nowhere.
std::string peer_of(int descriptor) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
  return {reinterpret_cast<const char*>(&peer), size};
}

/// What counts as one address: an IPv4 one, the first half of an IPv6 one.
std::string address_in(const std::string& peer) {
  sockaddr_storage storage{};
  std::memcpy(&storage, peer.data(), std::min(peer.size(), sizeof storage));
  if (storage.ss_family == AF_INET) {
    sockaddr_in plain{};
    std::memcpy(&plain, &storage, sizeof plain);
    return {reinterpret_cast<const char*>(&plain.sin_addr), sizeof plain.sin_addr};
  }
  sockaddr_in6 six{};
  std::memcpy(&six, &storage, sizeof six);
  const char* bytes = reinterpret_cast<const char*>(six.sin6_addr.s6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) return {bytes + 12, 4};
  return {bytes, ipv6_network_bytes};
}

}  // namespace

DoorWatch::DoorWatch(zmq::context_t& context, zmq::socket_t& door, const std::string& name,
                     const ConnectionBounds& bounds)
    : door_(door), limits_(bounds) {
  const std::string events = "inproc://watch-" + name;
  constexpr int wanted = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;
  if (zmq_socket_monitor(door_.handle(), events.c_str(), wanted) != 0) throw zmq::error_t();
  try {
    monitor_.emplace(context, zmq::socket_type::pair);
    // Without a mark: libzmq's thread would wait for us, and nobody would be served meanwhile.
    monitor_->set(zmq::sockopt::rcvhwm, 0);
    monitor_->connect(events);
  } catch (const zmq::error_t&) {
    zmq_socket_monitor(door_.handle(), nullptr, 0);
    throw;
  }
}

DoorWatch::~DoorWatch() {
  // Stops it first: libzmq would wait in term() for a monitor that nobody reads.
  zmq_socket_monitor(door_.handle(), nullptr, 0);
}

void DoorWatch::take_events(Instant now) {
  for (int i = 0; i < events_a_round; ++i) {
    zmq::message_t event;
    zmq::message_t place;
    if (!monitor_->recv(event, zmq::recv_flags::dontwait)) return;
    if (event.more() && !monitor_->recv(place, zmq::recv_flags::dontwait)) return;
    if (event.size() < event_bytes) continue;
    std::uint16_t number = 0;
    std::int32_t value = 0;
    const auto* data = static_cast<const std::uint8_t*>(event.data());
    std::memcpy(&number, data, sizeof number);
    std::memcpy(&value, data + sizeof number, sizeof value);
    if (number == ZMQ_EVENT_ACCEPTED) accepted(value, now);
    if (number != ZMQ_EVENT_DISCONNECTED) continue;
    freed_for_strangers_ = limits_.closed(value) || freed_for_strangers_;
    peers_.erase(value);
  }
}

void DoorWatch::accepted(int descriptor, Instant now) {
  const std::string peer = peer_of(descriptor);
  if (peer.empty()) return;  // gone already
  peers_[descriptor] = {peer, ++last_number_};
  const std::vector<int> gone = limits_.opened(descriptor, address_in(peer), now);
  if (gone.empty()) return;
  hang_up(gone);
  if (said_ && now - *said_ < log_pause) return;
  said_ = now;
  log_warning("too many connections come in at a door: some are hung up on, " +
              std::to_string(limits_.open()) + " are open");
}

void DoorWatch::hang_up(const std::vector<int>& descriptors) {
  for (const int descriptor : descriptors) {
    const auto peer = peers_.find(descriptor);
    if (peer == peers_.end() || peer_of(descriptor) != peer->second.address) continue;
    ::shutdown(descriptor, SHUT_RDWR);
    freed_for_strangers_ = true;
  }
}

DoorWatch::Connection DoorWatch::heard(const zmq::message_t& frame, Instant now) {
  take_events(now);  // that it was accepted was said before it could speak
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  limits_.heard(descriptor);
  const auto peer = peers_.find(descriptor);
  return {descriptor, peer == peers_.end() ? 0 : peer->second.number};
}

bool DoorWatch::is_open(const Connection& connection) const {
  const auto peer = peers_.find(connection.descriptor);
  return peer != peers_.end() && peer->second.number == connection.number;
}

void DoorWatch::hang_up_on(const Connection& connection) {
  if (is_open(connection)) hang_up({connection.descriptor});
}

std::optional<Outflow> DoorWatch::outflow(const Connection& connection) const {
  if (!is_open(connection)) return std::nullopt;
  tcp_info info{};
  socklen_t size = sizeof info;
  constexpr std::size_t known = offsetof(tcp_info, tcpi_notsent_bytes) + sizeof info.tcpi_notsent_bytes;
  if (::getsockopt(connection.descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < known)
    return std::nullopt;
  return Outflow{info.tcpi_bytes_acked, info.tcpi_notsent_bytes};
}

void DoorWatch::given_up(const Connection& connection, Instant now) {
  if (is_open(connection)) limits_.given_up(connection.descriptor, now);
}

void DoorWatch::keep_house(Instant now, Instant awake_since) {
  hang_up(limits_.mute(now, awake_since));
  give_back_memory(now);
}

void DoorWatch::give_back_memory(Instant now) {
  if (!trim_at_ && std::exchange(freed_for_strangers_, false)) {
    const Instant earliest = trimmed_ ? *trimmed_ + trim_pause : now;
    trim_at_ = std::max(now + trim_after, earliest);
  }
  if (!trim_at_ || now < *trim_at_) return;
  trim_at_.reset();
  trimmed_ = now;
  ::malloc_trim(0);
}

}  // namespace tutti
