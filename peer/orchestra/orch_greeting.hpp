#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/bytes.hpp"
#include "peer/orchestra/crlf_lines.hpp"

namespace tutti {

/// Hears which file a connection is about: both ends begin with `DOWN name sha1`, so that is how one who shares several
/// files knows. Keeps no more than the lines of one such question.
class OrchGreeting {
 public:
  struct Question {
    std::string name;
    std::string sha1;
  };

  /// The next question of what has come, which is left with what stands behind it. Nothing: there is no whole one in it.
  std::optional<Question> take(ByteView& bytes);
  /// Something else was said.
  bool failed() const { return failed_; }

 private:
  CrlfLines lines_;
  std::vector<std::string> taken_;
  bool failed_ = false;
};

}  // namespace tutti
