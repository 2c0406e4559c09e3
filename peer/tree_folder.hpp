#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "peer/disk.hpp"

namespace tutti {

/// What stands somewhere, links not followed.
struct PathStatus {
  PathKind kind = PathKind::nothing;
  bool executable = false;
  FileIdentity identity;
};

/// A directory, and what can be done with paths below it that somebody else has chosen. No path leads out of it: none goes
/// through a symbolic link, wherever that leads, and none up. So whoever names paths, or plants links, cannot choose what
/// is read or written elsewhere. Calls answer 0 or an errno; descriptors do not outlive them.
class TreeFolder {
 public:
  TreeFolder() = default;
  TreeFolder(const TreeFolder&) = delete;
  TreeFolder& operator=(const TreeFolder&) = delete;
  virtual ~TreeFolder() = default;

  /// Which file system it is in.
  virtual std::uint64_t device() const = 0;
  virtual int look(const std::string& path, PathStatus& status) const = 0;
  /// Calls `each` for what is in the directory at `path` (empty: this one), in any order, until that answers false.
  virtual int list(const std::string& path,
                   const std::function<bool(const std::string& name, const PathStatus&)>& each) const = 0;
  /// `length` bytes from `offset`. ENODATA: there are not so many, or what stands there is no regular file of the size that is
  /// asked for (`whole`).
  virtual int read(const std::string& path, std::uint64_t offset, std::uint64_t length, std::uint8_t* to,
                   std::optional<ByteCount> whole = {}) const = 0;
  /// Makes the directories in which `path` is to be; with `itself`, that one, too.
  virtual int make_folders(const std::string& path, bool itself) const = 0;
  /// Into a file that is made if need be, with the directories above it. Also of no bytes.
  virtual int write(const std::string& path, bool executable, std::uint64_t offset, ByteView bytes) const = 0;
  /// Gives a file of another folder (of the same file system) the same path here, never over another one.
  virtual int take(const TreeFolder& from, const std::string& path) const = 0;
  virtual void remove(const std::string& path) const = 0;
};

/// A folder, or why it could not be opened.
class OpenedFolder {
 public:
  OpenedFolder(std::unique_ptr<const TreeFolder> folder)  // NOLINT(google-explicit-constructor)
      : folder_(std::move(folder)) {}
  explicit OpenedFolder(int error) : error_(error) {}

  explicit operator bool() const { return folder_ != nullptr; }
  const TreeFolder& operator*() const { return *folder_; }
  const TreeFolder* operator->() const { return folder_.get(); }
  int error() const { return error_; }  ///< an errno

 private:
  std::unique_ptr<const TreeFolder> folder_;
  int error_ = 0;
};

/// What a file system has left.
struct FreeRoom {
  ByteCount bytes;
  std::optional<std::uint64_t> files;  ///< and folders; none: it makes places for them as they are needed
};

/// The directories of this machine. Part of a Disk, with its rules. Paths are absolute; calls that answer a number answer 0 or
/// an errno.
class TreeFolders {
 public:
  TreeFolders() = default;
  TreeFolders(const TreeFolders&) = delete;
  TreeFolders& operator=(const TreeFolders&) = delete;
  virtual ~TreeFolders() = default;

  /// Faults: ENOENT, ENOTDIR, ELOOP (a link), …
  virtual OpenedFolder open(const std::string& path) = 0;
  /// EEXIST, if there is anything.
  virtual int make(const std::string& path) = 0;
  /// With all that is in it. What is not there is no fault.
  virtual int remove_all(const std::string& path) = 0;
  /// Returns when all that was written below it would survive a power loss.
  virtual int sync(const std::string& path) = 0;
  /// Nothing: nobody knows.
  virtual std::optional<FreeRoom> free_room(const std::string& path) = 0;
};

}  // namespace tutti
