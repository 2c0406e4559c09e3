#pragma once

#include <deque>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/zmq_link.hpp"

namespace tutti {

/// STREAM, dialled: one TCP connection to somebody who does not speak our messages. It is not made anew, since what was
/// said on it is lost with it and only its owner knows what that means.
class DialledStreamLink final : public ZmqLink {
 public:
  DialledStreamLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                    const Door& door, std::string endpoint);
  ~DialledStreamLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override;
  void keep_house(Instant awake_since) override;
  bool is_over() const override { return over_; }

 private:
  void dial();
  void end(LinkLoss loss);

  std::string endpoint_;
  std::string routing_id_;  ///< of the connection; empty: it does not stand yet
  Instant dialled_;
  bool over_ = false;
};

/// STREAM, bound: a door for such connections. What libzmq still holds of what one was given to say goes with it when it
/// is closed here.
class StreamDoorLink final : public ZmqLink {
 public:
  StreamDoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                 const Door& door, const std::string& endpoint);
  ~StreamDoorLink() override;

  void send(Address to, const Bytes& body, const Payload& payload) override;
  bool receive() override;
  void keep_house(Instant) override {}
  bool close_peer(Address peer) override;
  std::vector<Address> peers() const override;
  std::string bound_endpoint() const { return bound_to(socket_); }

 private:
  void take(Frames frames);
  void accept(const std::string& routing_id, const zmq::message_t& frame);
  void forget(Address peer);
  void hang_up(const std::string& routing_id);

  std::unordered_map<std::string, Address> by_routing_id_;
  std::unordered_map<std::uint64_t, std::string> peers_;  // their routing ids
  std::set<std::string> hung_up_;
  std::deque<std::string> hung_up_order_;  // oldest first, to bound hung_up_
};

}  // namespace tutti
