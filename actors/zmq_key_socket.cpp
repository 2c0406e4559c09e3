#include "actors/zmq_key_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "messages/codec.hpp"

namespace tutti {

namespace {

constexpr int answers_a_second = 16384;
constexpr int datagrams_a_round = 64;
/// The same for a socket that speaks both: an IPv4 address as a mapped one.
DatagramTarget as_ipv6(const DatagramTarget& target) {
  if (target.family() != AF_INET) return target;
  sockaddr_in plain{};
  std::memcpy(&plain, &target.address, sizeof plain);
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = plain.sin_port;
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&mapped.sin6_addr.s6_addr[12], &plain.sin_addr, sizeof plain.sin_addr);
  DatagramTarget result;
  std::memcpy(&result.address, &mapped, sizeof mapped);
  result.size = sizeof mapped;
  return result;
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
      numeric_(targets_of(endpoint_, AI_NUMERICHOST)),
      next_(worker.now()),
      pause_(options.dial_pause) {
  worker_.fill_secret(nonce_);
  keep_house({});
}

KeyQuestionLink::~KeyQuestionLink() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void KeyQuestionLink::keep_house(Instant) {
  const Instant now = worker_.now();
  if (over_ || now < next_) return;
  const std::vector<DatagramTarget> targets =
      numeric_.empty() ? NameLookups::of_system().find(endpoint_, now) : numeric_;
  if (targets.empty()) return;
  ask(targets);
  next_ = now + pause_;
  pause_ = std::min<Duration>(2 * pause_, options_.dial_pause_max);
}

/// One socket for all targets: an answer to an earlier question still comes when another one is asked meanwhile.
bool KeyQuestionLink::open_socket(bool for_both) {
  if (descriptor_ >= 0 && (is_for_both_ || !for_both)) return true;
  const int fresh = ::socket(for_both ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // A system without IPv6 reaches what it can.
  if (fresh < 0) return for_both && open_socket(false);
  constexpr int no = 0;
  if (for_both) ::setsockopt(fresh, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = fresh;
  is_for_both_ = for_both;
  worker_.sockets_changed();
  return true;
}

void KeyQuestionLink::ask(const std::vector<DatagramTarget>& targets) {
  const bool for_both = std::any_of(targets.begin(), targets.end(),
                                    [](const DatagramTarget& each) { return each.family() == AF_INET6; });
  const DatagramTarget& target = targets[asked_++ % targets.size()];
  if (!open_socket(for_both)) return;
  send_datagram(descriptor_, key_question(nonce_), is_for_both_ ? as_ipv6(target) : target);
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
