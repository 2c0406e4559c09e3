#pragma once

#include <functional>
#include <string>
#include <thread>

#include "tests/system/tracker/relay.hpp"

namespace tutti::testing {

/// Two hosts of their own, each a network namespace, with a wire between them that loses, doubles and reorders IP
/// packets in both directions: what passes is real TCP of the kernel. The wire is a TUN device at each end and a thread
/// between them, which needs no other module of the kernel.
class LossyWire {
 public:
  explicit LossyWire(Relay::Loss loss);
  LossyWire(const LossyWire&) = delete;
  LossyWire& operator=(const LossyWire&) = delete;
  ~LossyWire();

  /// Why there are no such hosts here: they need the rights of an administrator. Empty: there are.
  const std::string& fault() const { return fault_; }
  static std::string address(std::size_t host) { return host == 0 ? "10.99.0.1" : "10.99.0.2"; }
  /// Does something on host 0 or 1, with whatever threads and processes it starts, and waits for it.
  void inside(std::size_t host, const std::function<void()>& what) const;
  /// From now on packets pass as they come.
  void mend();
  std::uint64_t lost() const;

 private:
  class Loop;
  std::string fault_;
  int spaces_[2] = {-1, -1};
  int ends_[2] = {-1, -1};
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace tutti::testing
