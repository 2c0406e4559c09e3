#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "actors/connection_limits.hpp"
#include "actors/context.hpp"
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
/// - Descriptors are used again, so a connection is known by its number, too: what is said of one that has ended concerns
///   nobody.
/// - What libzmq held for those who were hung up on, or went without a word, is given back to the system `trim_after` later: the
///   allocator keeps freed memory otherwise, and a flood is not to make a process large for good. That is looked for in all of
///   the heap, so it is not done more often than every `trim_pause`, and not for those who have spoken and go.
/// - There is a word in the log when somebody is hung up on, one in `log_pause`.
class DoorWatch {
 public:
  static constexpr Duration log_pause = std::chrono::seconds(60);
  static constexpr Duration trim_after = std::chrono::seconds(1);
  static constexpr Duration trim_pause = std::chrono::seconds(20);
  struct Connection {
    int descriptor = -1;
    std::uint64_t number = 0;  ///< 0: nobody knows
  };

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
  /// A message has come. Over which connection?
  Connection heard(const zmq::message_t& frame, Instant now);
  /// Of somebody who does not take what he is sent, or is silent amid a frame: libzmq forgets what it holds for him.
  void hang_up_on(const Connection& connection);
  /// How what was sent over it gets on; nothing if it is not open any more, or the system does not say.
  std::optional<Outflow> outflow(const Connection& connection) const;
  /// Nobody is spoken with over it any more, unless it speaks again.
  void given_up(const Connection& connection, Instant now);
  void keep_house(Instant now, Instant awake_since);

 private:
  void accepted(int descriptor, Instant now);
  void hang_up(const std::vector<int>& descriptors);

  zmq::socket_t& door_;
  ConnectionLimits limits_;
  std::optional<zmq::socket_t> monitor_;
  struct Peer {
    std::string address;  ///< as the system says it
    std::uint64_t number = 0;
  };
  bool is_open(const Connection& connection) const;

  std::map<int, Peer> peers_;  ///< whom each descriptor leads to
  std::uint64_t last_number_ = 0;
  void give_back_memory(Instant now);

  std::optional<Instant> said_;
  bool freed_for_strangers_ = false;  ///< since the last look
  std::optional<Instant> trim_at_;
  std::optional<Instant> trimmed_;
};

}  // namespace tutti
