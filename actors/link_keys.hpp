#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "messages/bytes.hpp"

namespace tutti {

/// A Curve25519 key pair: what the links of a host prove to be theirs.
struct LinkKeys {
  LinkKey key;                            ///< public
  std::array<std::uint8_t, 32> secret{};  ///< never leaves the process
};

LinkKeys make_link_keys();
/// The public key follows from the secret one: two that do not fit cannot be.
LinkKeys link_keys_of(const std::array<std::uint8_t, 32>& secret);

/// A key pair from a file, or why there is none: the system's error, or what is wrong with the file's content.
struct LinkKeysRead {
  LinkKeys keys;
  int error = 0;         ///< as errno
  std::string sentence;  ///< with error 0: what is wrong and what to do; empty: nothing
};

/// Reads the secret key in a file; makes both if there is none. A file that others can read is refused, as its key may be
/// anybody's.
LinkKeysRead read_or_make_link_keys(const std::string& path);

/// Writes a small file so that it is there whole or not at all, readable by its owner alone, and survives a power loss.
/// The system's error, or 0.
int write_private_file(const std::string& path, const std::string& text);
/// The same for a file that gets one line more.
int add_private_line(const std::string& path, const std::string& line);

}  // namespace tutti
