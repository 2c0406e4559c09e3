#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

// The least that moving a file and hashing it once can cost on this machine: one process sends FILE with sendfile, one
// receives it on one thread and does SHA-1 and pwrite on another. No protocol, no pieces, nothing is verified: what
// programs that do all that are measured against.
//
//   bench_limit_pipeline FILE DESTINATION
//
// Prints one line: seconds, CPU seconds of the receiver, CPU seconds of the sender, SHA-1, MiB of memory that the
// receiver had at most.

namespace {

constexpr std::size_t chunk_size = 512U << 10U;
constexpr std::size_t chunks_max = 16;

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

template <class Result>
Result checked(Result result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

struct Chunk {
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(chunk_size);
  std::size_t used = 0;
};

/// Chunks on their way from one thread to the other.
class Queue {
 public:
  void push(Chunk chunk) {
    const std::lock_guard lock(mutex_);
    chunks_.push_back(std::move(chunk));
    changed_.notify_one();
  }
  Chunk pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !chunks_.empty(); });
    Chunk chunk = std::move(chunks_.front());
    chunks_.pop_front();
    return chunk;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Chunk> chunks_;
};

double cpu_seconds(int who) {
  rusage usage{};
  checked(getrusage(who, &usage), "getrusage");
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double peak_mib() {
  rusage usage{};
  checked(getrusage(RUSAGE_SELF, &usage), "getrusage");
  return double(usage.ru_maxrss) / 1024;
}

void send_file(const char* path, const sockaddr_in& to) {
  const int file = checked(open(path, O_RDONLY | O_CLOEXEC), path);
  struct stat about {};
  checked(fstat(file, &about), "fstat");
  const int line = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  checked(connect(line, reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
  off_t at = 0;
  while (at < about.st_size)
    checked(sendfile(line, file, &at, static_cast<std::size_t>(about.st_size - at)), "sendfile");
  close(line);
  close(file);
}

void receive(int line, Queue& empty, Queue& full) {
  for (bool more = true; more;) {
    Chunk chunk = empty.pop();
    chunk.used = 0;
    while (more && chunk.used < chunk_size) {
      const ssize_t came =
          checked(recv(line, chunk.bytes.data() + chunk.used, chunk_size - chunk.used, 0), "recv");
      more = came > 0;
      chunk.used += static_cast<std::size_t>(came);
    }
    full.push(std::move(chunk));
  }
  full.push({});
}

std::string hash_and_write(const char* path, Queue& empty, Queue& full) {
  const int file = checked(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), path);
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EVP_DigestInit_ex(digest, EVP_sha1(), nullptr);
  off_t at = 0;
  for (;;) {
    Chunk chunk = full.pop();
    if (chunk.used == 0) break;
    EVP_DigestUpdate(digest, chunk.bytes.data(), chunk.used);
    if (checked(pwrite(file, chunk.bytes.data(), chunk.used, at), "pwrite") !=
        static_cast<ssize_t>(chunk.used))
      fail("pwrite");
    at += static_cast<off_t>(chunk.used);
    empty.push(std::move(chunk));
  }
  close(file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned length = 0;
  EVP_DigestFinal_ex(digest, value.data(), &length);
  EVP_MD_CTX_free(digest);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex += fmt::format("{:02x}", value.at(i));
  return hex;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    fmt::print(stderr, "usage: bench_limit_pipeline FILE DESTINATION\n");
    return 2;
  }
  const int door = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(bind(door, reinterpret_cast<const sockaddr*>(&place), sizeof place), "bind");
  socklen_t length = sizeof place;
  checked(getsockname(door, reinterpret_cast<sockaddr*>(&place), &length), "getsockname");
  checked(listen(door, 1), "listen");

  const Clock::time_point begin = Clock::now();
  const pid_t sender = checked(fork(), "fork");
  if (sender == 0) {
    send_file(words[1], place);
    std::_Exit(0);
  }
  const int line = checked(accept(door, nullptr, nullptr), "accept");
  Queue empty;
  Queue full;
  for (std::size_t i = 0; i < chunks_max; ++i) empty.push({});
  std::thread receiver([&] { receive(line, empty, full); });
  const std::string sha1 = hash_and_write(words[2], empty, full);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  receiver.join();
  int status = 0;
  checked(waitpid(sender, &status, 0), "waitpid");
  fmt::print("{:.3f} {:.2f} {:.2f} {} {:.0f}\n", seconds, cpu_seconds(RUSAGE_SELF),
             cpu_seconds(RUSAGE_CHILDREN), sha1, peak_mib());
  return status == 0 ? 0 : 1;
}
