#include "tests/system/tracker/tracker_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "actors/link_keys.hpp"
#include "messages/known_trackers.hpp"

namespace tutti::testing {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{10};
constexpr std::uint16_t block_size = 500;  // ports of one test process

std::string program(const std::string& name) {
  const char* folder = std::getenv("TUTTI_BIN");
  if (folder == nullptr) throw std::runtime_error("TUTTI_BIN does not name the folder of the programs");
  return std::string(folder) + "/" + name;
}

/// Binds a port; the descriptor, or -1 if somebody has it.
int take_port(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int yes = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return descriptor;
  close(descriptor);
  return -1;
}

bool is_free(std::uint16_t port) {
  const int descriptor = take_port(port);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

/// The ports of one test process: another one must not take those of a tracker that is dead for a moment. The first is
/// kept bound as long as the process lives.
std::uint16_t claim_block() {
  constexpr std::uint16_t first = 11000;
  constexpr std::uint16_t blocks = 40;
  for (std::uint16_t n = 0; n < blocks; ++n) {
    const auto port = static_cast<std::uint16_t>(first + block_size * ((getpid() + n) % blocks));
    const int guard = take_port(port);
    if (guard >= 0 && listen(guard, 1) == 0) return port;  // one that listens keeps others out
    if (guard >= 0) close(guard);
  }
  throw std::runtime_error("no free ports");
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The variables that make Debian's faketime shift a program's clock of the day, wherever the architecture puts it.
std::vector<std::string> clock_shifted_by(std::chrono::seconds ahead) {
  for (const auto& folder : std::filesystem::directory_iterator("/usr/lib")) {
    const std::filesystem::path library = folder.path() / "faketime" / "libfaketimeMT.so.1";
    std::error_code error;
    if (!std::filesystem::exists(library, error)) continue;
    return {"LD_PRELOAD=" + library.string(),
            "FAKETIME=" + std::string(ahead.count() > 0 ? "+" : "") + std::to_string(ahead.count()),
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "ASAN_OPTIONS=verify_asan_link_order=0"};  // it wants to be loaded first
  }
  throw std::runtime_error("faketime is not installed: scripts/install_packages");
}

std::uint16_t free_ports(std::uint32_t count) {
  static const std::uint16_t block = claim_block();
  static auto next = static_cast<std::uint16_t>(block + 1);
  for (int tries = 0; tries < 1000; ++tries) {
    if (next + count > std::uint32_t{block} + block_size) next = static_cast<std::uint16_t>(block + 1);
    const std::uint16_t first = next;
    next = static_cast<std::uint16_t>(next + count);
    bool all = true;
    for (std::uint32_t i = 0; i < count; ++i) all = all && is_free(static_cast<std::uint16_t>(first + i));
    if (all) return first;
  }
  throw std::runtime_error("no free ports");
}

}  // namespace

// --- TrackerProcess ---------------------------------------------------------------------------------------------

TrackerProcess::TrackerProcess(const Place& place, std::chrono::seconds clock_ahead) {
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  // All that allocates comes before the fork: other threads may hold the allocator's lock.
  std::vector<std::string> words{program("tracker"), place.info,    std::to_string(place.number),
                                 "--data",           place.data,    "--config",
                                 place.config,       "--log-level", "warning"};
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
  if (clock_ahead.count() != 0)
    for (const std::string& each : clock_shifted_by(clock_ahead)) variables.push_back(each);
  const std::vector<char*> arguments = pointers_to(words);
  const std::vector<char*> environment = pointers_to(variables);
  const int log = open(place.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    // A file that may not grow is to be an error of write, as a full disk is, and not the end.
    signal(SIGXFSZ, SIG_IGN);
    execve(arguments.front(), arguments.data(), environment.data());
    _exit(127);
  }
  close(log);
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

TrackerProcess::Status TrackerProcess::status() {
  type("status");
  const std::string first = expect_line("digest ");
  const std::string second = expect_line("users ");
  expect_line("changes ");
  return {first.substr(first.find("digest ") + 7), second.substr(0, second.find("  clients"))};
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
      // Only the two links pass: nobody is there whom a key could be asked for.
      file << known_tracker_line("127.0.0.1:" + std::to_string(first), make_key(n)) << "\n";
      for (const int ahead : {1, 2})
        relays_[{owner, n}].push_back(std::make_unique<Relay>(static_cast<std::uint16_t>(first + ahead),
                                                              static_cast<std::uint16_t>(port(n) + ahead),
                                                              ++seed, ahead == 1 ? loss : Relay::Loss{}));
    }
  }
}

Network::~Network() {
  processes_.clear();
  const auto& test = boost::unit_test::framework::current_test_case();
  if (!boost::unit_test::results_collector.results(test.p_id).passed())
    for (std::uint32_t n = 1; n <= processes_.size(); ++n)
      std::cerr << "tracker " << n << " said:\n" << said(n);
  std::filesystem::remove_all(folder_);
}

LinkKey Network::make_key(std::uint32_t number) const {
  std::filesystem::create_directories(data(number));
  return read_or_make_link_keys(data(number) + "/identity").keys.key;
}

void Network::lose_store(std::uint32_t number) const {
  for (const char* ending : {"", "-wal", "-shm"})
    std::filesystem::remove(data(number) + "/store.sqlite" + ending);
}

std::string Network::endpoint(std::uint32_t number) const {
  return "127.0.0.1:" + std::to_string(port(number));
}

std::string Network::said(std::uint32_t number) const {
  std::ostringstream text;
  text << std::ifstream(place(number).log).rdbuf();
  return text.str();
}

TrackerProcess& Network::start(std::uint32_t number, std::chrono::seconds clock_ahead) {
  auto& process = processes_.at(number - 1);
  process.reset();
  process = std::make_unique<TrackerProcess>(place(number), clock_ahead);
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
    const std::string first = (*this)[numbers.front()].status().digest;
    bool equal = first != zero;
    for (const std::uint32_t number : numbers) equal = equal && (*this)[number].status().digest == first;
    if (equal) return true;
  } while (Clock::now() < deadline);
  return false;
}

}  // namespace tutti::testing
