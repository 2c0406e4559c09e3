#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/zmq_host.hpp"
#include "messages/client_tracker.hpp"

namespace tutti::testing {

/// What one member of the crowd was told to be done, and so has to find again.
struct Acknowledged {
  std::string user;                                    ///< empty: no account yet
  std::map<std::string, std::set<std::string>> files;  ///< by group of its own

  /// What it has last done about a group of somebody else.
  struct Membership {
    bool asked_to_join = false;  ///< or it has left
    bool is_certain = false;     ///< every tracker knew it when it was answered, and nothing was asked since
    std::uint64_t moment = 0;    ///< of the answer
  };
  std::map<std::string, Membership> memberships;
  /// By group of its own and user: when it last asked to let that user in, if that was done and every tracker knew it.
  std::map<std::pair<std::string, std::string>, std::uint64_t> accepted;
};

/// What a crowd has seen, all of it together.
struct CrowdFigures {
  std::uint64_t answers = 0;
  std::uint64_t provisional = 0;
  std::uint64_t moves = 0;  ///< to another tracker
  std::chrono::milliseconds longest{};
  /// Refusals that nothing explains: the outcome of a repeated request that is not its own first one.
  std::vector<std::string> wrong;
};

/// Many clients on one thread that make accounts and groups, join, accept, share, log out and in, as fast as they are
/// answered, and go to the next tracker with the same request when theirs says nothing for 1.5 s or is gone.
class Crowd {
 public:
  Crowd(std::vector<std::string> trackers, std::uint32_t clients, std::uint32_t seed);
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd();

  /// Asks for nothing more, waits for no answer, and returns what each member was promised.
  std::vector<Acknowledged> end();
  const CrowdFigures& figures() const { return notes_.figures; }

  static constexpr const char* password = "secret";

  /// Shared by the members; read by others only after end().
  struct Notes {
    CrowdFigures figures;
    std::vector<Acknowledged> promised;
    std::uint64_t moment = 0;  ///< counts what is asked and answered
  };

 private:
  std::vector<std::string> trackers_;
  Notes notes_;
  std::unique_ptr<ZmqHost> host_;
};

}  // namespace tutti::testing
