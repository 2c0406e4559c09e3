#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/zmq_host.hpp"
#include "messages/tracker_info.hpp"

namespace tutti::testing {

/// What clients have seen, all of them together.
struct LinkedFigures {
  std::uint64_t answers = 0;
  std::uint64_t provisional = 0;
  std::uint64_t moves = 0;  ///< to another tracker
  std::chrono::milliseconds longest{};
  std::vector<std::uint64_t> clients_of;  ///< by tracker, from 1: how many began there
  std::vector<std::string> wrong;         ///< refusals that nothing explains
};

/// Clients of the product's own tracker_link on one thread. Each makes an account, logs in, and then writes, reads, logs
/// out and in again by turns, as fast as it is answered.
class LinkedClients {
 public:
  LinkedClients(const std::vector<std::string>& trackers, std::uint32_t clients);
  LinkedClients(const LinkedClients&) = delete;
  LinkedClients& operator=(const LinkedClients&) = delete;
  ~LinkedClients();

  /// Waits until every client is logged in and has been answered since; false if that takes longer than `patience`.
  bool are_at_work(std::chrono::milliseconds patience);
  /// Ends them, without waiting for answers.
  LinkedFigures end();

  struct Notes;

 private:
  std::unique_ptr<Notes> notes_;
  std::unique_ptr<ZmqHost> host_;
};

}  // namespace tutti::testing
