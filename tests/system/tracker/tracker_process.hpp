#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "messages/bytes.hpp"
#include "tests/system/tracker/relay.hpp"

namespace tutti::testing {

/// A tracker of a network, as a real process on loopback. What it logs and complains of goes to a file.
class TrackerProcess {
 public:
  struct Place {
    std::string info;  ///< its tracker file
    std::uint32_t number = 0;
    std::string data;  ///< folder of its store
    std::string config;
    std::string log;  ///< file for standard error; appended to
  };
  /// Its clock of the day is ahead of everybody else's by `clock_ahead`, which may be negative.
  explicit TrackerProcess(const Place& place, std::chrono::seconds clock_ahead = {});
  TrackerProcess(const TrackerProcess&) = delete;
  TrackerProcess& operator=(const TrackerProcess&) = delete;
  /// Kills it if it still runs.
  ~TrackerProcess();

  /// Waits for a line of its output that contains `text` and returns it. Fails after 10 s.
  std::string expect_line(const std::string& text);
  /// Types a line.
  void type(const std::string& line);
  void close_input();
  void send_signal(int signal) const;
  /// How large a file it may write from now on, for a disk that is full; RLIM_INFINITY: as large as it likes.
  void limit_files(std::uint64_t bytes) const;
  /// Waits for its end. Its exit status, or 128 + the signal.
  int wait();
  void kill_now() {
    send_signal(SIGKILL);
    wait();
  }
  /// What its console says of its state, once it is serving.
  struct Status {
    std::string digest;
    std::string counts;  ///< of users, groups and files
  };
  Status status();

 private:
  std::string read_line(std::chrono::steady_clock::time_point deadline);
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
};

/// Trackers with data folders of their own in a folder that goes away, on free ports.
class Network {
 public:
  /// They reach each other directly.
  explicit Network(std::uint32_t trackers);
  /// What one tracker hears of another passes a relay for each direction, which may lose some of it.
  Network(std::uint32_t trackers, Relay::Loss loss);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  /// Prints what the trackers have said if the test has failed.
  ~Network();

  /// Starts a tracker and waits until it serves.
  TrackerProcess& start(std::uint32_t number, std::chrono::seconds clock_ahead = {});
  TrackerProcess& operator[](std::uint32_t number) { return *processes_.at(number - 1); }
  void stop(std::uint32_t number) { processes_.at(number - 1).reset(); }
  std::string endpoint(std::uint32_t number) const;
  std::string data(std::uint32_t number) const { return folder_ + "/tracker-" + std::to_string(number); }
  /// Takes away what a tracker that does not run knows, but not its key.
  void lose_store(std::uint32_t number) const;
  /// The public key of a tracker; made now if it has not run yet.
  LinkKey make_key(std::uint32_t number) const;
  /// The tracker file of a tracker; with relays each has one of its own.
  std::string info(std::uint32_t number) const {
    return folder_ + "/tracker_info_" + std::to_string(number) + ".txt";
  }
  TrackerProcess::Place place(std::uint32_t number) const {
    return {info(number), number, data(number), config_, folder_ + "/log-" + std::to_string(number)};
  }
  /// What it has logged and complained of since the beginning of the network, in all its lives.
  std::string said(std::uint32_t number) const;
  /// Cuts one tracker off from another, both ways; only in a network with relays.
  void cut(std::uint32_t one, std::uint32_t other, Relay::Cut how);
  void mend(std::uint32_t one, std::uint32_t other);
  /// Waits until these trackers have one digest that is not zero. False after `patience`.
  bool become_equal(const std::vector<std::uint32_t>& numbers,
                    std::chrono::milliseconds patience = std::chrono::seconds{5});

  /// The first of its three ports.
  std::uint16_t port(std::uint32_t number) const {
    return static_cast<std::uint16_t>(first_port_ + 3 * (number - 1));
  }

 private:
  std::string folder_;
  std::string config_;
  std::uint16_t first_port_ = 0;
  /// By who dials and whom.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::unique_ptr<Relay>>> relays_;
  std::vector<std::unique_ptr<TrackerProcess>> processes_;
};

}  // namespace tutti::testing
