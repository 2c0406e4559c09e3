#include "tests/system/tracker/relay.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace tutti::testing {

namespace {

constexpr std::size_t chunk_bytes = 65536;
/// Bytes that may wait for a slow reader before its writer has to wait, too.
constexpr std::size_t waiting_max = 1U << 20U;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void set_up(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  const int yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/// Cuts what a ZMTP peer says into messages and loses some of them.
class LossyStream {
 public:
  LossyStream(Relay::Loss loss, std::mt19937& random) : loss_(loss), random_(random) {}

  /// Takes what came, returns what goes on.
  std::string pass(const std::string& bytes) {
    if (loss_.dropped == 0 && loss_.doubled == 0 && loss_.swapped == 0) return bytes;
    pending_ += bytes;
    std::string out;
    if (!greeted_) {
      if (pending_.size() < greeting_bytes) return out;
      out = take(greeting_bytes);
      greeted_ = true;
    }
    for (std::size_t size = frame_size(); size > 0; size = frame_size()) {
      const auto flags = static_cast<unsigned char>(pending_.front());
      message_ += take(size);
      if ((flags & has_more) != 0) continue;
      const std::string message = std::exchange(message_, {});
      if ((flags & is_command) != 0) {
        out += message;
      } else {
        lose(message, out);
      }
    }
    return out;
  }

 private:
  static constexpr std::size_t greeting_bytes = 64;
  static constexpr unsigned char has_more = 1;
  static constexpr unsigned char is_long = 2;
  static constexpr unsigned char is_command = 4;

  std::string take(std::size_t size) {
    const std::string taken = pending_.substr(0, size);
    pending_.erase(0, size);
    return taken;
  }

  /// Bytes of the frame that stands first; 0 if it is not whole.
  std::size_t frame_size() const {
    if (pending_.size() < 2) return 0;
    const bool large = (static_cast<unsigned char>(pending_[0]) & is_long) != 0;
    const std::size_t head = large ? 9 : 2;
    if (pending_.size() < head) return 0;
    std::size_t body = 0;
    for (std::size_t i = 1; i < head; ++i) body = body << 8U | static_cast<unsigned char>(pending_[i]);
    return pending_.size() < head + body ? 0 : head + body;
  }

  void lose(const std::string& message, std::string& out) {
    std::uniform_real_distribution<double> chance(0, 1);
    if (chance(random_) < loss_.dropped) return;
    const bool twice = chance(random_) < loss_.doubled;
    if (held_.empty() && chance(random_) < loss_.swapped) {
      held_ = message;
      return;
    }
    out += message;
    if (twice) out += message;
    out += std::exchange(held_, {});
  }

  Relay::Loss loss_;
  std::mt19937& random_;
  bool greeted_ = false;
  std::string pending_;
  std::string message_;
  std::string held_;
};

/// One direction of a connection.
struct Stream {
  int from = -1;
  int to = -1;
  std::string waiting;
};

struct Connection {
  Stream up;    ///< from who dialled to the target
  Stream down;  ///< and back
  LossyStream lossy;
  bool over = false;
};

}  // namespace

class Relay::Loop {
 public:
  Loop(std::uint16_t listens, std::uint16_t target, std::uint32_t seed, Loss loss)
      : target_(target), random_(seed), loss_(loss) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in address = loopback(listens);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 16) != 0 || pipe2(orders_, O_CLOEXEC) != 0 || pipe2(done_, O_CLOEXEC) != 0)
      throw std::runtime_error("a relay has no port");
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    end_all();
    for (const int each : {listener_, orders_[0], orders_[1], done_[0], done_[1]}) close(each);
  }

  /// From another thread: waits until it is obeyed.
  void tell(char order) {
    char answer = 0;
    if (write(orders_[1], &order, 1) != 1 || read(done_[0], &answer, 1) != 1)
      throw std::runtime_error("a relay does not answer");
  }

  void run() {
    while (turn()) {
    }
  }

 private:
  bool turn() {
    std::vector<pollfd> polled{{orders_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    if (cut_ != 's')
      for (const Connection& each : connections_)
        for (const Stream* stream : {&each.up, &each.down}) {
          const bool full = stream->waiting.size() > waiting_max;
          polled.push_back({stream->from, static_cast<short>(full ? 0 : POLLIN), 0});
          polled.push_back({stream->to, static_cast<short>(stream->waiting.empty() ? 0 : POLLOUT), 0});
        }
    poll(polled.data(), polled.size(), -1);
    if (polled[0].revents != 0 && !obey()) return false;
    if (cut_ != 's') {
      for (Connection& each : connections_) {
        move(each, each.up, nullptr);
        move(each, each.down, &each.lossy);
      }
      connections_.remove_if([](const Connection& each) {
        if (each.over) end(each);
        return each.over;
      });
      accept_all();
    }
    return true;
  }

  bool obey() {
    char order = 0;
    if (read(orders_[0], &order, 1) != 1) return false;
    cut_ = order;
    if (order == 'c') end_all();
    return write(done_[1], &order, 1) == 1 && order != 'q';
  }

  void accept_all() {
    for (int dialler = accept(listener_, nullptr, nullptr); dialler >= 0;
         dialler = accept(listener_, nullptr, nullptr)) {
      const int reached = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = loopback(target_);
      if (cut_ == 'c' || connect(reached, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(reached);
        close(dialler);
        continue;
      }
      set_up(dialler);
      set_up(reached);
      connections_.push_back({{dialler, reached, {}}, {reached, dialler, {}}, {loss_, random_}});
    }
  }

  static void move(Connection& connection, Stream& stream, LossyStream* lossy) {
    if (stream.waiting.size() <= waiting_max) {
      char chunk[chunk_bytes];
      const ssize_t size = read(stream.from, chunk, sizeof chunk);
      if (size == 0 || (size < 0 && errno != EAGAIN)) connection.over = true;
      if (size > 0) {
        const std::string bytes(chunk, static_cast<std::size_t>(size));
        stream.waiting += lossy == nullptr ? bytes : lossy->pass(bytes);
      }
    }
    if (stream.waiting.empty()) return;
    const ssize_t size = send(stream.to, stream.waiting.data(), stream.waiting.size(), MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN) connection.over = true;
    if (size > 0) stream.waiting.erase(0, static_cast<std::size_t>(size));
  }

  static void end(const Connection& connection) {
    close(connection.up.from);
    close(connection.up.to);
  }
  void end_all() {
    for (const Connection& each : connections_) end(each);
    connections_.clear();
  }

  std::uint16_t target_;
  std::mt19937 random_;
  Loss loss_;
  int listener_ = -1;
  int orders_[2] = {-1, -1};
  int done_[2] = {-1, -1};
  char cut_ = 'm';  ///< 'm' mended, 'c' closed, 's' silent
  std::list<Connection> connections_;
};

Relay::Relay(std::uint16_t listens, std::uint16_t target, std::uint32_t seed, Loss loss)
    : loop_(std::make_unique<Loop>(listens, target, seed, loss)), thread_([this] { loop_->run(); }) {}

Relay::~Relay() {
  loop_->tell('q');
  thread_.join();
}

void Relay::cut(Cut how) { loop_->tell(how == Cut::closed ? 'c' : 's'); }
void Relay::mend() { loop_->tell('m'); }

}  // namespace tutti::testing
