#pragma once

#include <string>
#include <vector>

#include "actors/zmq_link.hpp"
#include "actors/zmq_names.hpp"
#include "messages/key_datagram.hpp"

namespace tutti {

/// UDP: says the public key of this host's links to whoever asks. The answer is no longer than the question and their
/// number is bounded, so it is no help against others.
class KeyDoorLink final : public ZmqLink {
 public:
  /// Throws zmq::error_t if the port is taken.
  KeyDoorLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner, const Door& door,
              const std::string& endpoint);
  ~KeyDoorLink() override;

  void send(Address, const Bytes&, const Payload&) override {}
  bool receive() override;
  void keep_house(Instant) override {}
  int descriptor() const override { return descriptor_; }
  std::string bound_endpoint() const;

 private:
  bool may_answer();

  int descriptor_ = -1;
  Instant second_begin_;
  int answers_ = 0;  // since then
};

/// UDP: asks for somebody's public key until it is told, at distances like those of dialling.
class KeyQuestionLink final : public ZmqLink {
 public:
  KeyQuestionLink(LinkOwner& worker, const ZmqHostOptions& options, Address self, Address owner,
                  const Door& door, std::string endpoint);
  ~KeyQuestionLink() override;

  void send(Address, const Bytes&, const Payload&) override {}
  bool receive() override;
  void keep_house(Instant awake_since) override;
  int descriptor() const override { return descriptor_; }
  bool is_over() const override { return over_; }

 private:
  void ask(const std::vector<DatagramTarget>& targets);
  bool open_socket(bool for_both);

  std::string endpoint_;
  KeyNonce nonce_{};
  std::vector<DatagramTarget> numeric_;  ///< none: a name
  std::size_t asked_ = 0;
  Instant next_;
  Duration pause_;
  int descriptor_ = -1;
  bool is_for_both_ = false;  ///< IPv4 and IPv6
  bool over_ = false;
};

}  // namespace tutti
