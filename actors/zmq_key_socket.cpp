#include "actors/zmq_key_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "messages/codec.hpp"

namespace tutti {

namespace {

constexpr int answers_a_second = 16384;
constexpr int datagrams_a_round = 64;
constexpr std::size_t targets_max = 8;

struct HostPort {
  std::string host;
  std::string port;
};

HostPort parts_of(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  std::string host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, colon == std::string::npos ? "" : endpoint.substr(colon + 1)};
}

/// IPv4 first: a name that stands for both mostly is served there alone.
std::vector<DatagramTarget> targets_of(const std::string& endpoint, int flags) {
  const HostPort parts = parts_of(endpoint);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found) != 0) return {};
  std::vector<DatagramTarget> targets;
  for (const addrinfo* each = found; each != nullptr && targets.size() < targets_max; each = each->ai_next) {
    DatagramTarget target;
    std::memcpy(&target.address, each->ai_addr, each->ai_addrlen);
    target.size = each->ai_addrlen;
    targets.push_back(target);
  }
  freeaddrinfo(found);
  std::stable_partition(targets.begin(), targets.end(),
                        [](const DatagramTarget& each) { return each.address.ss_family == AF_INET; });
  return targets;
}

sockaddr* as_sockaddr(sockaddr_storage& address) { return reinterpret_cast<sockaddr*>(&address); }

/// One datagram, of which no more is read than a whole one has; nothing if none is there.
std::optional<Bytes> receive_datagram(int descriptor, DatagramTarget& from) {
  Bytes datagram(key_datagram_bytes + 1);
  from.size = sizeof from.address;
  const ssize_t size = recvfrom(descriptor, datagram.data(), datagram.size(), MSG_DONTWAIT,
                                as_sockaddr(from.address), &from.size);
  // An error is that of a datagram sent before (nobody was there); the next one may be fine.
  if (size < 0 && errno != ECONNREFUSED) return std::nullopt;
  datagram.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return datagram;
}

void send_datagram(int descriptor, const Bytes& datagram, DatagramTarget to) {
  // What is lost is asked for again.
  [[maybe_unused]] const ssize_t sent = sendto(descriptor, datagram.data(), datagram.size(),
                                               MSG_DONTWAIT | MSG_NOSIGNAL, as_sockaddr(to.address), to.size);
}

[[noreturn]] void fail_with(int error) {
  errno = error;
  throw zmq::error_t();
}

}  // namespace

// --- KeyDoorLink ------------------------------------------------------------------------------------------------

KeyDoorLink::KeyDoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                         const Door& door, const std::string& endpoint)
    : ZmqLink(worker, options, self, owner, door), second_begin_(worker.now()) {
  std::vector<DatagramTarget> places = targets_of(endpoint, AI_NUMERICHOST | AI_PASSIVE);
  if (places.empty()) fail_with(EINVAL);
  descriptor_ = ::socket(places[0].address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) throw zmq::error_t();
  if (::bind(descriptor_, as_sockaddr(places[0].address), places[0].size) == 0) return;
  const int error = errno;
  ::close(descriptor_);
  fail_with(error);
}

KeyDoorLink::~KeyDoorLink() { ::close(descriptor_); }

std::string KeyDoorLink::bound_endpoint() const {
  DatagramTarget bound;
  bound.size = sizeof bound.address;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getsockname(descriptor_, as_sockaddr(bound.address), &bound.size) != 0 ||
      getnameinfo(as_sockaddr(bound.address), bound.size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  const std::string name = host.data();
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + port.data();
}

bool KeyDoorLink::may_answer() {
  const Instant now = worker_.now();
  if (now - second_begin_ >= std::chrono::seconds(1)) {
    second_begin_ = now;
    answers_ = 0;
  }
  return ++answers_ <= answers_a_second;
}

bool KeyDoorLink::receive() {
  for (int i = 0; i < datagrams_a_round; ++i) {
    DatagramTarget from;
    const std::optional<Bytes> datagram = receive_datagram(descriptor_, from);
    if (!datagram) return false;
    const std::optional<KeyNonce> nonce = parse_key_question(*datagram);
    if (nonce && may_answer())
      send_datagram(descriptor_, key_answer(*nonce, worker_.keys_of(owner_).key), from);
  }
  return true;
}

// --- KeyQuestionLink --------------------------------------------------------------------------------------------

KeyQuestionLink::KeyQuestionLink(LinkOwner& worker, const ZmqHostOptions& options, Address self,
                                 Address owner, const Door& door, std::string endpoint)
    : ZmqLink(worker, options, self, owner, door),
      endpoint_(std::move(endpoint)),
      next_(worker.now()),
      pause_(options.dial_pause) {
  worker_.fill_secret(nonce_);
  targets_ = targets_of(endpoint_, AI_NUMERICHOST);
  keep_house({});
}

KeyQuestionLink::~KeyQuestionLink() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool KeyQuestionLink::look_up() {
  if (!lookup_) {
    const auto lookup = std::make_shared<Lookup>();
    try {
      std::thread([lookup, endpoint = endpoint_] {
        std::vector<DatagramTarget> targets = targets_of(endpoint, 0);
        const std::lock_guard lock(lookup->mutex);
        lookup->targets = std::move(targets);
        lookup->done = true;
      }).detach();
      lookup_ = lookup;
    } catch (const std::system_error&) {
      // There is no thread now: later.
    }
    return false;
  }
  const std::shared_ptr<Lookup> lookup = lookup_;
  const std::lock_guard lock(lookup->mutex);
  if (!lookup->done) return false;
  targets_ = std::move(lookup->targets);
  lookup_.reset();
  return true;
}

void KeyQuestionLink::keep_house(Instant) {
  if (over_ || worker_.now() < next_) return;
  if (targets_.empty() && !look_up()) return;
  if (!targets_.empty()) ask();
  next_ = worker_.now() + pause_;
  pause_ = std::min<Duration>(2 * pause_, options_.dial_pause_max);
}

bool KeyQuestionLink::open_socket(int family) {
  if (descriptor_ >= 0 && family_ == family) return true;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  family_ = family;
  worker_.sockets_changed();
  return descriptor_ >= 0;
}

void KeyQuestionLink::ask() {
  const DatagramTarget& target = targets_[asked_++ % targets_.size()];
  if (open_socket(target.address.ss_family)) send_datagram(descriptor_, key_question(nonce_), target);
}

bool KeyQuestionLink::receive() {
  for (int i = 0; i < datagrams_a_round && !over_; ++i) {
    DatagramTarget from;
    const std::optional<Bytes> datagram = receive_datagram(descriptor_, from);
    if (!datagram) return false;
    const std::optional<LinkKey> key = parse_key_answer(*datagram, nonce_);
    if (!key) continue;
    over_ = true;
    tell({self_, owner_, KeyTold::message_id, encode(KeyTold{self_, *key}), {}, false});
  }
  return false;
}

}  // namespace tutti
