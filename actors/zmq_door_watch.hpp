#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "actors/connection_limits.hpp"
#include "actors/time.hpp"

namespace tutti {

/// What connections a door has, as libzmq's monitor tells: libzmq takes everybody in, and whoever is too much
/// (ConnectionLimits) is hung up on from here, by shutdown(2), which libzmq sees as done by the other side.
///
/// Rules:
/// - Limited are connections, before they have proven anything: handshakes cost processor time, and descriptors and memory
///   are taken also by those that never begin one. Half-open ones libzmq ends itself (ZMQ_HANDSHAKE_IVL).
/// - A descriptor is only touched if it still leads to whom it was accepted from: libzmq's thread may have closed it, and the
///   system given its number away.
/// - There is a word in the log when somebody is hung up on, one in `log_pause`.
class DoorWatch {
 public:
  static constexpr Duration log_pause = std::chrono::seconds(60);

  /// Before the socket is bound. Throws zmq::error_t.
  DoorWatch(zmq::context_t& context, zmq::socket_t& door, const std::string& name,
            const ConnectionBounds& bounds);
  DoorWatch(const DoorWatch&) = delete;
  DoorWatch& operator=(const DoorWatch&) = delete;
  /// The watched socket is closed after this.
  ~DoorWatch();

  /// To be polled; take_events() when it can be read.
  zmq::socket_t& monitor() { return *monitor_; }
  void take_events(Instant now);
  /// A message has come. Over which connection; -1: nobody knows.
  int heard(const zmq::message_t& frame);
  /// Of somebody who does not take what he is sent: libzmq forgets what it holds for him.
  void hang_up_on(int connection) { hang_up({connection}); }
  void keep_house(Instant now, Instant awake_since);

 private:
  void accepted(int descriptor, Instant now);
  void hang_up(const std::vector<int>& descriptors);

  zmq::socket_t& door_;
  ConnectionLimits limits_;
  std::optional<zmq::socket_t> monitor_;
  std::map<int, std::string> peers_;  ///< whom each descriptor leads to, as the system says it
  std::optional<Instant> said_;
};

}  // namespace tutti
