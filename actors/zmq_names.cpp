#include "actors/zmq_names.hpp"

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>

namespace tutti {

namespace {

constexpr std::size_t targets_max = 8;

struct HostPort {
  std::string host;
  std::string port;
};

HostPort parts_of(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  std::string host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, colon == std::string::npos ? "" : endpoint.substr(colon + 1)};
}

}  // namespace

std::vector<DatagramTarget> targets_of(const std::string& endpoint, int flags) {
  const HostPort parts = parts_of(endpoint);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found) != 0) return {};
  std::vector<DatagramTarget> targets;
  for (const addrinfo* each = found; each != nullptr && targets.size() < targets_max; each = each->ai_next) {
    DatagramTarget target;
    std::memcpy(&target.address, each->ai_addr, each->ai_addrlen);
    target.size = each->ai_addrlen;
    targets.push_back(target);
  }
  freeaddrinfo(found);
  std::stable_partition(targets.begin(), targets.end(),
                        [](const DatagramTarget& each) { return each.family() == AF_INET; });
  return targets;
}

NameLookups& NameLookups::of_system() {
  static NameLookups lookups([](const std::string& endpoint) { return targets_of(endpoint, 0); });
  return lookups;
}

std::vector<DatagramTarget> NameLookups::find(const std::string& endpoint, Instant now) {
  std::shared_ptr<Name> name;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Name>& known = names_[endpoint];
    if (!known) known = std::make_shared<Name>();
    name = known;
  }
  const std::lock_guard lock(name->mutex);
  if (name->done) {
    name->done = name->looking = false;
    name->next = now + (name->found.empty() ? pause : fresh_for);
    if (!name->found.empty()) name->targets = std::move(name->found);
    name->found.clear();
  }
  if (name->looking || now < name->next) return name->targets;
  try {
    std::thread([name, resolve = resolve_, endpoint] {
      std::vector<DatagramTarget> found = resolve(endpoint);
      const std::lock_guard writing(name->mutex);
      name->found = std::move(found);
      name->done = true;
    }).detach();
    name->looking = true;
  } catch (const std::system_error&) {
    name->next = now + pause;  // there is no thread now
  }
  return name->targets;
}

}  // namespace tutti
