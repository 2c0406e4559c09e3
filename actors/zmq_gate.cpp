#include "actors/zmq_gate.hpp"

#include <pthread.h>
#include <sodium.h>

#include <array>

#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
// ZMQ_ZAP_ENFORCE_DOMAIN: in libzmq since 4.3.0, in its header among the drafts.
constexpr int zap_enforce_domain = 93;
// Of a request: version, number, domain, address, routing id, mechanism, credentials.
constexpr std::size_t request_frames = 7;

template <class Value>
void set_option(zmq::socket_t& socket, int option, const Value* value, std::size_t size) {
  if (zmq_setsockopt(socket.handle(), option, value, size) != 0) throw zmq::error_t();
}

void set_flag(zmq::socket_t& socket, int option) {
  constexpr int yes = 1;
  set_option(socket, option, &yes, sizeof yes);
}

std::vector<zmq::message_t> receive_request(zmq::socket_t& requests) {
  std::vector<zmq::message_t> frames;
  do {
    ENSURE(requests.recv(frames.emplace_back()));
  } while (frames.back().more());
  return frames;
}

void answer_request(zmq::socket_t& requests, const std::vector<zmq::message_t>& request,
                    const std::string& user) {
  const std::string number = request.size() > 1 ? request[1].to_string() : std::string();
  const std::array<std::string, 6> answer{
      "1.0", number, user.empty() ? "400" : "200", user.empty() ? "not let in" : "", user, ""};
  for (std::size_t i = 0; i < answer.size(); ++i)
    requests.send(zmq::buffer(answer[i]),
                  i + 1 < answer.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
}

}  // namespace

/// In the place of libsodium's, for libzmq, whose client asserts that this succeeds. It does not for a key of small order,
/// which whoever is dialled may choose: with a key that nobody knows the handshake fails instead, and not the process.
extern "C" int crypto_box_beforenm(unsigned char* shared, const unsigned char* key,
                                   const unsigned char* secret) {
  if (crypto_box_curve25519xsalsa20poly1305_beforenm(shared, key, secret) != 0)
    randombytes_buf(shared, crypto_box_BEFORENMBYTES);
  return 0;
}

ZmqGate::~ZmqGate() {
  if (!thread_.joinable()) return;
  context_.shutdown();
  thread_.join();
}

void ZmqGate::open(const std::string& domain, Admits admits) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    zmq::socket_t requests(context_, zmq::socket_type::rep);
    requests.set(zmq::sockopt::linger, 0);
    requests.bind(zap_endpoint);
    thread_ = std::thread(&ZmqGate::judge_all, this, std::move(requests));
    pthread_setname_np(thread_.native_handle(), "gate");
  }
  domains_[domain] = {admits, {}};
}

void ZmqGate::admit(const std::string& domain, const std::vector<LinkKey>& keys) {
  const std::lock_guard lock(mutex_);
  const auto found = domains_.find(domain);
  if (found != domains_.end()) found->second.named = {keys.begin(), keys.end()};
}

void ZmqGate::close(const std::string& domain) {
  const std::lock_guard lock(mutex_);
  domains_.erase(domain);
}

void ZmqGate::judge_all(zmq::socket_t requests) {
  try {
    for (;;) {
      const std::vector<zmq::message_t> request = receive_request(requests);
      answer_request(requests, request, judge(request));
    }
  } catch (const zmq::error_t& failure) {
    // Doors go on asking for a judgement that does not come: nobody gets in.
    if (failure.num() != ETERM) log_error(std::string("nobody is let in any more: ") + failure.what());
  }
}

std::string ZmqGate::judge(const std::vector<zmq::message_t>& request) {
  if (request.size() != request_frames || request[0].to_string_view() != "1.0" ||
      request[5].to_string_view() != "CURVE" || request[6].size() != LinkKey::size)
    return {};
  const LinkKey key = LinkKey::from({static_cast<const std::uint8_t*>(request[6].data()), request[6].size()});
  const std::lock_guard lock(mutex_);
  const auto domain = domains_.find(request[2].to_string());
  if (domain == domains_.end()) return {};
  const bool let_in = domain->second.admits == Admits::anybody || domain->second.named.contains(key);
  if (!let_in)
    log_debug("a stranger from " + request[3].to_string() + " is not let in: " + to_z85(key.view()));
  return let_in ? to_z85(key.view()) : std::string();
}

void guard_door(zmq::socket_t& socket, const LinkKeys& keys, const std::string& domain) {
  set_flag(socket, ZMQ_CURVE_SERVER);
  set_option(socket, ZMQ_CURVE_SECRETKEY, keys.secret.data(), keys.secret.size());
  set_option(socket, ZMQ_ZAP_DOMAIN, domain.data(), domain.size());
  set_flag(socket, zap_enforce_domain);
}

void guard_dialler(zmq::socket_t& socket, const LinkKeys& keys, const LinkKey& expected) {
  set_option(socket, ZMQ_CURVE_SERVERKEY, expected.bytes.data(), expected.bytes.size());
  set_option(socket, ZMQ_CURVE_PUBLICKEY, keys.key.bytes.data(), keys.key.bytes.size());
  set_option(socket, ZMQ_CURVE_SECRETKEY, keys.secret.data(), keys.secret.size());
}

std::string_view proven_key(const zmq::message_t& frame) {
  const char* user = zmq_msg_gets(const_cast<zmq_msg_t*>(frame.handle()), "User-Id");
  return user == nullptr ? std::string_view() : std::string_view(user);
}

}  // namespace tutti
