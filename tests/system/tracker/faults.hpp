#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/system/tracker/test_client.hpp"
#include "tests/system/tracker/tracker_process.hpp"

// What the tests of faults say to trackers, and how they read the answers.

namespace tutti::testing {

using Clock = std::chrono::steady_clock;

inline CreateUser user(const std::string& name, const std::string& password = "secret") {
  return {{name}, password};
}
inline Login login(const std::string& name, const std::string& password = "secret") {
  return {{name}, password, "127.0.0.1", 9000};
}
AddFile file_of(const std::string& group, const std::string& name, std::uint8_t content);

template <class M>
bool is(const std::optional<Answer>& answer) {
  return answer && std::holds_alternative<M>(answer->what.value);
}
inline bool is_refused(const std::optional<Answer>& answer, Code code) {
  return is<Refused>(answer) && answer->what.get<Refused>()->code == code;
}
/// A success that every tracker of the file has on disk.
inline bool is_everywhere(const std::optional<Answer>& answer) {
  return is<Done>(answer) && !answer->provisional;
}

/// How often a fault is done: TUTTI_ROUNDS, or `usual`.
std::uint32_t rounds(std::uint32_t usual);

inline double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// Lets time go by for others, for a fault that lasts.
void pass(std::chrono::milliseconds time);

/// Makes users, one after the other, until one is known to all trackers: they are linked then.
bool are_linked(Network& net, std::uint32_t asked,
                std::chrono::milliseconds patience = std::chrono::seconds{10});

struct TwoTrackers : Network {
  TwoTrackers() : Network(2) { begin(); }
  explicit TwoTrackers(Relay::Loss loss) : Network(2, loss) { begin(); }

 private:
  void begin() {
    start(1);
    start(2);
    BOOST_REQUIRE(are_linked(*this, 1));
    BOOST_REQUIRE(are_linked(*this, 2));
  }
};

}  // namespace tutti::testing
