#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "messages/bytes.hpp"

namespace tutti {

/// Cuts bytes that come in runs of any length into lines that end with CR LF, as all of Orchestra's protocols are made of.
/// A CR or a LF alone belongs to its line.
class CrlfLines {
 public:
  /// Takes from `bytes` what belongs to the line; the line without its end once that has come. `most`: longer lines make it
  /// fail, so that a line costs no more memory than that.
  std::optional<std::string> take(ByteView& bytes, std::size_t most);
  /// A line was too long. Nothing more comes of it.
  bool failed() const { return failed_; }

 private:
  std::string line_;
  bool failed_ = false;
};

}  // namespace tutti
