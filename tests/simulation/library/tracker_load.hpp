#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "actors/envelope.hpp"

namespace tutti::simulation {

/// Counts what trackers hear and say, by what it is about.
class TrackerLoad {
 public:
  /// Who says it to whom.
  enum class Way : std::uint8_t { asked, answered, among_trackers };
  void note(Way way, const Envelope& envelope);
  /// A table, the most frequent first, of each for one client in one second.
  std::string text(double client_seconds) const;

 private:
  struct Words {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::pair<Way, std::string>, Words> words_;
};

}  // namespace tutti::simulation
