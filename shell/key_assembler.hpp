#pragma once

#include <string>
#include <string_view>

namespace tutti {

/// Cuts the bytes of a terminal into keys: one character (UTF-8) or one escape sequence (ECMA-48: ESC [ … final,
/// ESC O x, ESC x). A control character is a key always, also after an ESC or amid a sequence, which it breaks off. The
/// line editor is only given whole keys, because it would wait in the middle of one, and here nobody may wait.
class KeyAssembler {
 public:
  void add(std::string_view bytes) { pending_ += bytes; }
  /// The next whole key; empty if there is none yet.
  std::string take();
  /// Drops everything up to and including the last `key`, a control character; false if it has not come.
  bool drop_through(char key);
  std::size_t size() const { return pending_.size(); }

 private:
  std::string pending_;
};

/// How many bytes the key at the start of `bytes` has; 0 if its end has not come yet. A malformed byte is a key of
/// its own.
std::size_t key_length(std::string_view bytes);

}  // namespace tutti
