#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "actors/context.hpp"
#include "actors/link_keys.hpp"

namespace tutti {

/// Whoever dials a door has to prove a key first (CURVE); the gate says whether that key is let in (ZAP, ZeroMQ RFC 27), in
/// a thread of its own. What a message's sender has proven travels with it as its `User-Id`.
///
/// Rules:
/// - Each door has a domain. A domain that is not open lets nobody in, nor does any door while no gate runs
///   (ZMQ_ZAP_ENFORCE_DOMAIN; without it libzmq lets everybody in whom nobody judges).
/// - Only CURVE passes: NULL, PLAIN and the ZMTP before mechanisms are refused by libzmq, and here again.
/// - Inproc is not judged: nothing secret is guarded there.
class ZmqGate {
 public:
  explicit ZmqGate(zmq::context_t& context) : context_(context) {}
  /// Shuts the context down: the sockets of doors are closed before.
  ~ZmqGate();
  ZmqGate(const ZmqGate&) = delete;
  ZmqGate& operator=(const ZmqGate&) = delete;

  // Any thread.
  /// Before the door is bound. Throws zmq::error_t if no gate can run.
  void open(const std::string& domain, Admits admits);
  void admit(const std::string& domain, const std::vector<LinkKey>& keys);
  void close(const std::string& domain);

 private:
  struct Domain {
    Admits admits = Admits::named;
    std::set<LinkKey> named;
  };
  void judge_all(zmq::socket_t requests);
  /// The key, in Z85, if it is let in; otherwise nothing.
  std::string judge(const std::vector<zmq::message_t>& request);

  zmq::context_t& context_;
  std::thread thread_;
  std::mutex mutex_;  // guards all of it
  std::map<std::string, Domain> domains_;
};

/// Makes a socket prove these keys to whoever dials it, and lets in whom the gate does in this domain.
void guard_door(zmq::socket_t& socket, const LinkKeys& keys, const std::string& domain);
/// Makes a socket prove these keys, to nobody but who has the secret key of `expected`.
void guard_dialler(zmq::socket_t& socket, const LinkKeys& keys, const LinkKey& expected);
/// What the sender of a message has proven, in Z85; empty for a routing id's frame.
std::string_view proven_key(const zmq::message_t& frame);

}  // namespace tutti
