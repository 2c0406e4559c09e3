#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

// A link between two network namespaces: so many megabits a second, so long there and back, so many packets lost. What
// netem does, for kernels that do not have it.
//
//   bench_link NAMESPACE NAMESPACE --mbit N --rtt MS [--loss PERCENT]
//
// Makes an interface `link` in each of them, says "ready" and carries packets until it is ended. Either way has a queue of
// as much as the link holds on its way there and back; what does not fit into it is lost, too. Without loss the kernel may
// hand over segments that are not cut into packets yet, as it would to a network card: it costs less, and the link carries
// them as long as their bytes take.

namespace {

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;

constexpr std::size_t packet_max = 66'000;
/// What a delay may be late by, so that one waking carries several packets.
constexpr auto patience = std::chrono::microseconds{50};

[[noreturn]] void fail(const std::string& what) {
  std::perror(what.c_str());
  std::_Exit(1);
}

int checked(int result, const std::string& what) {
  if (result < 0) fail(what);
  return result;
}

struct Quality {
  double bits_per_second = 0;
  Duration one_way{};
  double loss = 0;
  bool whole_segments = false;
};

/// An interface of a namespace, as a descriptor from which its packets are read. Leaves the thread in that namespace.
int interface_in(const std::string& name, bool whole_segments) {
  const std::string path = "/run/netns/" + name;
  const int space = checked(open(path.c_str(), O_RDONLY | O_CLOEXEC), path);
  checked(setns(space, CLONE_NEWNET), "setns");
  close(space);
  const int tunnel = checked(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), "/dev/net/tun");
  ifreq request{};
  std::strncpy(request.ifr_name, "link", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (whole_segments) request.ifr_flags |= IFF_VNET_HDR;
  checked(ioctl(tunnel, TUNSETIFF, &request), "TUNSETIFF");
  if (whole_segments) checked(ioctl(tunnel, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4), "TUNSETOFFLOAD");
  return tunnel;
}

struct Packet {
  Clock::time_point due;
  std::vector<std::uint8_t> bytes;
};

/// One way over the link.
class Way {
 public:
  Way(int from, int to, const Quality& quality, unsigned seed)
      : from_(from), to_(to), quality_(quality), queue_max_(2 * quality.one_way), chance_(seed) {}

  void carry_forever() {
    // Timers of 50 us would be late by as much again.
    prctl(PR_SET_TIMERSLACK, 1000UL);
    for (;;) {
      await();
      take();
      deliver();
    }
  }

 private:
  void await() {
    pollfd incoming{from_, POLLIN, 0};
    timespec rest{};
    if (!under_way_.empty()) {
      const auto left = under_way_.front().due + patience - Clock::now();
      if (left <= Duration::zero()) return;
      const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      rest = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    }
    ppoll(&incoming, 1, under_way_.empty() ? nullptr : &rest, nullptr);
  }

  void take() {
    constexpr int at_a_time = 64;
    for (int count = 0; count < at_a_time; ++count) {
      const ssize_t length = read(from_, buffer_.data(), buffer_.size());
      if (length <= 0) return;
      const Clock::time_point now = Clock::now();
      free_at_ = std::max(free_at_, now);
      if (free_at_ - now > queue_max_ || lost()) continue;
      const double seconds = double(length) * 8 / quality_.bits_per_second;
      free_at_ += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
      under_way_.push_back({free_at_ + quality_.one_way, {buffer_.data(), buffer_.data() + length}});
    }
  }

  void deliver() {
    const Clock::time_point now = Clock::now();
    while (!under_way_.empty() && under_way_.front().due <= now) {
      const std::vector<std::uint8_t>& bytes = under_way_.front().bytes;
      // An interface that takes no more loses it, like any other.
      [[maybe_unused]] const ssize_t written = write(to_, bytes.data(), bytes.size());
      under_way_.pop_front();
    }
  }

  bool lost() { return quality_.loss > 0 && std::bernoulli_distribution(quality_.loss)(chance_); }

  int from_;
  int to_;
  Quality quality_;
  Duration queue_max_;
  std::minstd_rand chance_;
  Clock::time_point free_at_;
  std::deque<Packet> under_way_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(packet_max);
};

}  // namespace

int main(int count, char** words) {
  CLI::App app{"A link between two network namespaces"};
  std::string one;
  std::string other;
  double megabits = 0;
  double rtt_ms = 0;
  double loss_percent = 0;
  app.add_option("one", one)->required();
  app.add_option("other", other)->required();
  app.add_option("--mbit", megabits)->required();
  app.add_option("--rtt", rtt_ms)->required();
  app.add_option("--loss", loss_percent);
  CLI11_PARSE(app, count, words);

  const Quality quality{
      megabits * 1e6,
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(rtt_ms / 2)),
      loss_percent / 100, loss_percent == 0};
  const int first = interface_in(one, quality.whole_segments);
  const int second = interface_in(other, quality.whole_segments);
  fmt::print("ready\n");
  std::fflush(stdout);
  std::jthread there([&] { Way(first, second, quality, 1).carry_forever(); });
  Way(second, first, quality, 2).carry_forever();
}
