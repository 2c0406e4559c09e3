#pragma once

#include <sys/socket.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/zmq_link.hpp"
#include "messages/key_datagram.hpp"

namespace tutti {

/// Where datagrams go to.
struct DatagramTarget {
  sockaddr_storage address{};
  socklen_t size = 0;
};

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
  /// Where a name leads to. Looking it up can take seconds, so a thread does it and is not waited for.
  struct Lookup {
    std::mutex mutex;
    bool done = false;
    std::vector<DatagramTarget> targets;
  };
  /// True if what was looked up is known now.
  bool look_up();
  void ask();
  bool open_socket(int family);

  std::string endpoint_;
  KeyNonce nonce_{};
  std::vector<DatagramTarget> targets_;
  std::shared_ptr<Lookup> lookup_;
  std::size_t asked_ = 0;
  Instant next_;
  Duration pause_;
  int descriptor_ = -1;
  int family_ = 0;
  bool over_ = false;
};

}  // namespace tutti
