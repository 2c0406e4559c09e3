#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "peer/disk.hpp"

namespace tutti {

/// Owns an open file.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

/// A directory, and what can be done with paths below it that somebody else has chosen. No path leads out of it: none goes
/// through a symbolic link, wherever that leads, and none up. So whoever names paths, or plants links, cannot choose what
/// is read or written elsewhere. Calls that open answer none and leave the reason in errno.
class TreeFolder {
 public:
  /// None, if there is no directory at `path`, or a link.
  static TreeFolder open(const std::string& path);
  static TreeFolder none() { return TreeFolder(-1); }
  explicit operator bool() const { return static_cast<bool>(root_); }
  int number() const { return root_.number(); }

  Descriptor open(const std::string& path, int flags, std::uint32_t mode = 0) const;
  /// What stands there, links not followed; false and errno if nothing.
  bool look(const std::string& path, struct stat& status) const;
  /// Makes the directories in which `path` is to be; with `itself`, that one, too. 0 or an errno.
  int make_folders(const std::string& path, bool itself) const;
  /// Opens a file for writing that is made if need be, with the directories above it.
  Descriptor make_file(const std::string& path, bool executable) const;
  /// Gives a file of another folder the same path here, never over another one. 0 or an errno.
  int take(const TreeFolder& from, const std::string& path) const;
  void remove(const std::string& path) const;

 private:
  explicit TreeFolder(int root) : root_(root) {}
  Descriptor open_parent(const std::string& path) const;

  Descriptor root_;
};

/// All of `length` bytes from `offset`: 0, or an errno; ENODATA if there are not so many.
int read_fully(int descriptor, std::uint8_t* bytes, std::uint64_t length, std::uint64_t offset);
int write_fully(int descriptor, const std::uint8_t* bytes, std::uint64_t length, std::uint64_t offset);

}  // namespace tutti
