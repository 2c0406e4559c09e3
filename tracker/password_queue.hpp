#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "messages/inside_tracker.hpp"
#include "tracker/attempt_limits.hpp"

namespace tutti {

/// A password that waits for a hasher, and who wants that.
struct PasswordJob {
  PasswordNeeded needed;
  Attempt attempt;
};

/// Decides whose password is hashed next. Each hash costs a tenth of a second and 64 MiB, so this is the place where a
/// flood of logins would keep all others waiting.
///
/// Rules:
/// - Who comes from one address waits in one lane, and so does each client on which its user has logged in before; the
///   lanes take turns.
/// - Clients of the second kind and all others take turns, too: many addresses keep no one out who has been here before,
///   and who has an account keeps no one out who is new.
/// - Of each kind so many wait at most. If there is no room the longest lane loses its last.
class PasswordQueue {
 public:
  explicit PasswordQueue(std::size_t most) : most_(most) {}

  /// Returns who has to be refused: the new one, or another that had to make room.
  std::optional<PasswordJob> push(PasswordJob job);
  std::optional<PasswordJob> pop();
  std::size_t size() const { return kinds_[0].size + kinds_[1].size; }

 private:
  struct Kind {
    std::map<std::string, std::deque<PasswordJob>> lanes;  ///< none is empty
    std::deque<std::string> turns;                         ///< of the lanes, the next first
    std::size_t size = 0;
  };
  static PasswordJob take(Kind& kind, const std::string& lane, bool last);

  std::size_t most_;
  Kind kinds_[2];
  std::size_t next_ = 0;  ///< which of them has its turn
};

}  // namespace tutti
