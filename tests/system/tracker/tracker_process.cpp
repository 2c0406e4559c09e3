#include "tests/system/tracker/tracker_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "actors/actor.hpp"
#include "actors/zmq_host.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::testing {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{10};

std::string program(const std::string& name) {
  const char* folder = std::getenv("TUTTI_BIN");
  if (folder == nullptr) throw std::runtime_error("TUTTI_BIN does not name the folder of the programs");
  return std::string(folder) + "/" + name;
}

bool is_free(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int yes = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool free = bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(descriptor);
  return free;
}

std::uint16_t free_ports(std::uint32_t count) {
  static std::uint16_t next = static_cast<std::uint16_t>(12000 + getpid() % 600 * 30);
  for (int tries = 0; tries < 1000; ++tries) {
    const std::uint16_t first = next;
    next = static_cast<std::uint16_t>(next + count > 31000 ? 12000 : next + count);
    bool all = true;
    for (std::uint32_t i = 0; i < count; ++i) all = all && is_free(static_cast<std::uint16_t>(first + i));
    if (all) return first;
  }
  throw std::runtime_error("no free ports");
}

}  // namespace

// --- TrackerProcess ---------------------------------------------------------------------------------------------

TrackerProcess::TrackerProcess(const std::string& info, std::uint32_t number, const std::string& data,
                               const std::string& config) {
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  const std::string path = program("tracker");
  const std::string number_text = std::to_string(number);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], STDOUT_FILENO);
    // A file that may not grow is to be an error of write, as a full disk is, and not the end.
    signal(SIGXFSZ, SIG_IGN);
    execl(path.c_str(), path.c_str(), info.c_str(), number_text.c_str(), "--data", data.c_str(), "--config",
          config.c_str(), "--log-level", "error", nullptr);
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

TrackerProcess::~TrackerProcess() {
  if (pid_ > 0) kill_now();
  if (input_ >= 0) close(input_);
  close(output_);
}

std::string TrackerProcess::read_line(Clock::time_point deadline) {
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd readable{output_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || poll(&readable, 1, static_cast<int>(left)) <= 0)
      throw std::runtime_error("the tracker said nothing in time");
    char chunk[4096];
    const ssize_t size = ::read(output_, chunk, sizeof chunk);
    if (size <= 0) throw std::runtime_error("the tracker's output ended");
    buffer_.append(chunk, static_cast<std::size_t>(size));
  }
}

std::string TrackerProcess::expect_line(const std::string& text) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    std::string line = read_line(deadline);
    if (line.find(text) != std::string::npos) return line;
  }
}

void TrackerProcess::type(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("the tracker reads nothing");
}

void TrackerProcess::close_input() {
  close(input_);
  input_ = -1;
}

void TrackerProcess::send_signal(int signal) const { kill(pid_, signal); }

void TrackerProcess::limit_files(std::uint64_t bytes) const {
  rlimit limit{};
  prlimit(pid_, RLIMIT_FSIZE, nullptr, &limit);
  limit.rlim_cur = bytes;
  if (prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr) != 0) throw std::runtime_error("no limit for files");
}

int TrackerProcess::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string TrackerProcess::digest() {
  type("status");
  const std::string line = expect_line("digest ");
  return line.substr(line.find("digest ") + 7);
}

// --- Network ----------------------------------------------------------------------------------------------------

Network::Network(std::uint32_t trackers) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tutti-trackers-XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
  config_ = folder_ + "/tracker.toml";
  first_port_ = free_ports(3 * trackers);
  for (std::uint32_t owner = 1; owner <= trackers; ++owner) {
    std::ofstream file(info(owner));
    for (std::uint32_t n = 1; n <= trackers; ++n) file << endpoint(n) << "\n";
  }
  std::ofstream(config_)
      << "[password]\npasses = 1\nmemory_kib = 8\n[limits]\naccounts_per_minute = 1000000\n";
  processes_.resize(trackers);
}

Network::Network(std::uint32_t trackers, Relay::Loss loss) : Network(trackers) {
  std::uint32_t seed = 0;
  for (std::uint32_t owner = 1; owner <= trackers; ++owner) {
    std::ofstream file(info(owner));
    for (std::uint32_t n = 1; n <= trackers; ++n) {
      if (n == owner) {
        file << endpoint(n) << "\n";
        continue;
      }
      const std::uint16_t first = free_ports(3);
      file << "127.0.0.1:" << first << "\n";
      for (const int ahead : {1, 2})
        relays_[{owner, n}].push_back(std::make_unique<Relay>(static_cast<std::uint16_t>(first + ahead),
                                                              static_cast<std::uint16_t>(port(n) + ahead),
                                                              ++seed, ahead == 1 ? loss : Relay::Loss{}));
    }
  }
}

Network::~Network() {
  processes_.clear();
  std::filesystem::remove_all(folder_);
}

std::string Network::endpoint(std::uint32_t number) const {
  return "127.0.0.1:" + std::to_string(port(number));
}

TrackerProcess& Network::start(std::uint32_t number) {
  auto& process = processes_.at(number - 1);
  process.reset();
  process = std::make_unique<TrackerProcess>(info(number), number, data(number), config_);
  process->expect_line("serves on");
  return *process;
}

void Network::cut(std::uint32_t one, std::uint32_t other, Relay::Cut how) {
  for (const auto& ends : {std::pair{one, other}, std::pair{other, one}})
    for (const auto& relay : relays_.at(ends)) relay->cut(how);
}

void Network::mend(std::uint32_t one, std::uint32_t other) {
  for (const auto& ends : {std::pair{one, other}, std::pair{other, one}})
    for (const auto& relay : relays_.at(ends)) relay->mend();
}

bool Network::become_equal(const std::vector<std::uint32_t>& numbers, std::chrono::milliseconds time) {
  const auto deadline = Clock::now() + time;
  const std::string zero(32, '0');
  do {
    const std::string first = (*this)[numbers.front()].digest();
    bool equal = first != zero;
    for (const std::uint32_t number : numbers) equal = equal && (*this)[number].digest() == first;
    if (equal) return true;
  } while (Clock::now() < deadline);
  return false;
}

// --- TestClient -------------------------------------------------------------------------------------------------

namespace {

struct GiveUp {
  TUTTI_MESSAGE(GiveUp, 0x7f01);
};
struct NoRole {
  static constexpr std::string_view name = "test_client";
  using Accepts = Messages<>;
};

/// Asks one request over a real link, then ends its host.
class OneRequest final : public ActorOf<OneRequest, Joined<TrackerRole::Says, Messages<GiveUp>>> {
 public:
  OneRequest(std::string endpoint, ClientKey key, Request request, std::optional<Answer>& answer)
      : endpoint_(std::move(endpoint)), key_(key), request_(std::move(request)), answer_(answer) {}

  void start(Context& context) override {
    tracker_ = context.connect<TrackerRole>(endpoint_);
    context.after(std::chrono::seconds{5}, GiveUp{});
  }
  void on(const LinkDown&, Context& context) {
    if (asked_) context.stop(context.self());
  }
  void on(const LinkUp&, Context& context) {
    context.send(tracker_, Hello{client_tracker_version, client_tracker_version, key_, "test"});
  }
  void on(const Welcome&, Context& context) {
    asked_ = true;
    context.send(tracker_, request_);
  }
  void on(const Answer& message, Context& context) {
    if (message.counter != request_.counter) return;
    answer_ = message;
    context.stop(context.self());
  }
  void on(const GiveUp&, Context& context) { context.stop(context.self()); }
  void on(const Unwelcome&, Context& context) { context.stop(context.self()); }
  void on(const Notice&, Context&) {}

 private:
  std::string endpoint_;
  ClientKey key_;
  Request request_;
  std::optional<Answer>& answer_;
  bool asked_ = false;
  Ref<TrackerRole> tracker_;
};

}  // namespace

TestClient::TestClient() {
  static std::uint32_t made = 0;
  ++made;
  key_.bytes.fill(0xff);
  for (std::size_t i = 0; i < sizeof made; ++i) key_.bytes[i] = static_cast<std::uint8_t>(made >> (8 * i));
}

std::optional<Answer> TestClient::ask(const std::string& endpoint, const ClientRequest& what) {
  request_.counter = {++counter_};
  request_.what = what;
  return exchange(endpoint);
}

std::optional<Answer> TestClient::ask_again(const std::string& endpoint) { return exchange(endpoint); }

std::optional<Answer> TestClient::exchange(const std::string& endpoint) {
  std::optional<Answer> answer;
  ZmqHost host;
  const ZmqHost::WorkerId worker = host.add_calling_worker("test_client");
  const Ref<NoRole> at = host.reserve<NoRole>(worker);
  host.spawn(at, "test_client", std::make_unique<OneRequest>(endpoint, key_, request_, answer));
  host.start();
  const auto began = Clock::now();
  host.run();
  took_ = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  host.stop();
  if (!answer) return answer;
  request_.floor = merged(request_.floor, answer->at);
  if (const auto* logged_in = answer->what.get<LoggedIn>()) request_.token = logged_in->token;
  return answer;
}

}  // namespace tutti::testing
