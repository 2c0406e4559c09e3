#pragma once

#include <sys/socket.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/time.hpp"

namespace tutti {

/// Where datagrams go to.
struct DatagramTarget {
  sockaddr_storage address{};
  socklen_t size = 0;
  int family() const { return address.ss_family; }
};

/// The addresses of `host:port` or `[ipv6]:port`, IPv4 first: a name that stands for both mostly is served there alone.
/// `flags` are those of getaddrinfo. Waits for the network, unless they say that the host is a number.
std::vector<DatagramTarget> targets_of(const std::string& endpoint, int flags);

/// What names lead to, for as many as ask. Looking one up can take many seconds, so a thread of its own does it and nobody
/// waits for it.
///
/// Rules:
/// - Of one name one look-up is under way at a time, however often it is asked for and by whom: a name server that does not
///   answer costs one thread a name.
/// - What was found is given at once while it is `fresh_for` old, and after that until something else is found: an address
///   that changes is noticed, and a name server that dies harms nobody. What was not found is looked up again after a pause.
class NameLookups {
 public:
  using Resolve = std::function<std::vector<DatagramTarget>(const std::string& endpoint)>;
  static constexpr Duration fresh_for = std::chrono::seconds(30);
  static constexpr Duration pause = std::chrono::seconds(1);

  explicit NameLookups(Resolve resolve) : resolve_(std::move(resolve)) {}
  /// Those of the system, of this process.
  static NameLookups& of_system();

  /// What is known; nothing before the first look-up is done. Any thread.
  std::vector<DatagramTarget> find(const std::string& endpoint, Instant now);

 private:
  /// Kept by its look-up as well, which may outlast whoever asked.
  struct Name {
    std::mutex mutex;  // guards all of it
    bool looking = false;
    bool done = false;  ///< since the last look: `targets` is new
    std::vector<DatagramTarget> found;
    std::vector<DatagramTarget> targets;
    Instant next{};
  };

  Resolve resolve_;
  std::mutex mutex_;  // guards names_
  std::map<std::string, std::shared_ptr<Name>> names_;
};

}  // namespace tutti
