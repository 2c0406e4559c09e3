#include "tests/system/tracker/lossy_wire.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <random>
#include <vector>

namespace tutti::testing {

namespace {

using Packet = std::vector<char>;

std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

void set_address(ifreq& request, const std::string& address) {
  auto* to = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
  *to = {};
  to->sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &to->sin_addr);
}

std::string bring_up(int socket, const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) return failed(std::string("no device ") + name);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  if (ioctl(socket, SIOCSIFFLAGS, &request) != 0) return failed(std::string("cannot bring up ") + name);
  return {};
}

/// On a thread of the host: gives it a loopback and its end of the wire.
std::string wire_up(const std::string& address, int& space, int& end) {
  if (unshare(CLONE_NEWNET) != 0) return failed("no network namespace may be made");
  space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  end = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (space < 0 || end < 0) return failed("no TUN device may be made");
  ifreq request{};
  std::strncpy(request.ifr_name, "wire", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(end, TUNSETIFF, &request) != 0) return failed("no TUN device may be made");
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  set_address(request, address);
  std::string fault;
  if (ioctl(socket, SIOCSIFADDR, &request) != 0) fault = failed("no address");
  set_address(request, "255.255.255.0");
  if (fault.empty() && ioctl(socket, SIOCSIFNETMASK, &request) != 0) fault = failed("no netmask");
  if (fault.empty()) fault = bring_up(socket, "wire");
  if (fault.empty()) fault = bring_up(socket, "lo");
  close(socket);
  return fault;
}

}  // namespace

class LossyWire::Loop {
 public:
  explicit Loop(Relay::Loss loss) : loss_(loss), over_(eventfd(0, EFD_CLOEXEC)) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { close(over_); }

  void run(const int (&ends)[2]) {
    std::array<pollfd, 3> waits{{{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}, {over_, POLLIN, 0}}};
    while (poll(waits.data(), waits.size(), -1) >= 0 && waits[2].revents == 0)
      for (std::size_t from = 0; from < 2; ++from)
        if (waits[from].revents != 0) pass(ends[from], ends[1 - from], held_[from]);
  }
  void end() const { eventfd_write(over_, 1); }

  std::atomic<bool> is_mended = false;
  std::atomic<std::uint64_t> lost = 0;

 private:
  bool happens(double share) {
    return !is_mended && std::uniform_real_distribution<double>(0, 1)(random_) < share;
  }
  static void put(int to, const Packet& packet) {
    if (::write(to, packet.data(), packet.size()) < 0) return;  // a full queue loses it, as a wire may
  }
  void pass(int from, int to, Packet& held) {
    Packet packet(65536);
    const ssize_t size = ::read(from, packet.data(), packet.size());
    if (size <= 0) return;
    packet.resize(static_cast<std::size_t>(size));
    if (happens(loss_.dropped)) {
      ++lost;
      return;
    }
    const bool twice = happens(loss_.doubled);
    if (held.empty() && happens(loss_.swapped)) {
      held = std::move(packet);
      return;
    }
    put(to, packet);
    if (twice) put(to, packet);
    if (!held.empty()) put(to, held);
    held.clear();
  }

  Relay::Loss loss_;
  int over_;
  std::mt19937 random_{1};
  Packet held_[2];
};

LossyWire::LossyWire(Relay::Loss loss) : loop_(std::make_unique<Loop>(loss)) {
  for (std::size_t host = 0; host < 2 && fault_.empty(); ++host)
    std::thread([&] { fault_ = wire_up(address(host), spaces_[host], ends_[host]); }).join();
  if (fault_.empty()) thread_ = std::thread([this] { loop_->run(ends_); });
}

LossyWire::~LossyWire() {
  loop_->end();
  if (thread_.joinable()) thread_.join();
  for (std::size_t host = 0; host < 2; ++host) {
    if (ends_[host] >= 0) close(ends_[host]);
    if (spaces_[host] >= 0) close(spaces_[host]);
  }
}

void LossyWire::inside(std::size_t host, const std::function<void()>& what) const {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      if (setns(spaces_[host], CLONE_NEWNET) != 0) throw std::runtime_error(failed("the host is gone"));
      what();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
}

void LossyWire::mend() { loop_->is_mended = true; }
std::uint64_t LossyWire::lost() const { return loop_->lost; }

}  // namespace tutti::testing
