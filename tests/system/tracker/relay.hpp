#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace tutti::testing {

/// A piece of network between two trackers, on loopback: takes TCP connections on one port and passes them on to
/// another. It can be cut and mended, and lose, double and reorder the published messages that pass from the target to
/// whoever dials (PUB to SUB; ZMTP 3 frames are read for that, RFC 23).
class Relay {
 public:
  /// Shares of messages, each from 0 to 1, drawn independently.
  struct Loss {
    double dropped = 0;
    double doubled = 0;
    double swapped = 0;  ///< changes places with the next one
  };
  enum class Cut {
    closed,  ///< connections end, new ones end at once: a cable pulled out at a host that notices
    silent   ///< nothing is passed on, nothing ends: a router that has lost its way
  };

  Relay(std::uint16_t listens, std::uint16_t target, std::uint32_t seed, Loss loss);
  Relay(std::uint16_t listens, std::uint16_t target) : Relay(listens, target, 1, {}) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  /// Takes effect before it returns.
  void cut(Cut how);
  void mend();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace tutti::testing
