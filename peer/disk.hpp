#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/payload.hpp"
#include "messages/codes.hpp"
#include "messages/inside_client.hpp"
#include "messages/units.hpp"

namespace tutti {

/// Why something that touches a disk did not happen. `sentence` names the path and what to do.
struct DiskFault {
  Code code = Code::io_error;
  std::string sentence;
  bool operator==(const DiskFault&) const = default;
};

/// Nothing: it worked.
using DiskDone = std::optional<DiskFault>;

/// A value or the fault that prevented it.
template <class T>
class OrFault {
 public:
  OrFault(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  OrFault(DiskFault fault) : fault_(std::move(fault)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  const DiskFault& fault() const { return fault_; }

 private:
  std::optional<T> value_;
  DiskFault fault_;
};

class TreeDisk;
class TreeFolders;

enum class PathKind : std::uint8_t { nothing, regular, directory, other };

/// The files of this machine, as storage, verifiers and librarian see them. Handed to them at construction, so that a
/// simulation can give them disks that fill, tear and flip bits.
///
/// Rules:
/// - Thread-safe: verifiers on several workers write different blocks of one file at once. Calls block; only actors on
///   workers of their own make them.
/// - Paths are absolute. Content is only ever read from and written to regular files, and never through a symbolic
///   link as the last part of the path: whoever can plant a link must not choose what is shared or overwritten.
/// - Nothing that exists is overwritten or truncated, except by write() into a file of make() or prepare().
/// - What fails comes back as a fault with a code for scripts and a sentence for people; nothing is thrown.
class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;

  /// What stands at `path`, links followed: for choosing a destination. Faults: io_error, if nobody can tell and nothing
  /// could be made there (a name that is too long, a folder that may not be entered).
  virtual OrFault<PathKind> look(const std::string& path) = 0;
  /// Which regular file stands at `path`. Faults: no_such_file, io_error (a directory, a link, not readable, …).
  virtual OrFault<FileIdentity> identity(const std::string& path) = 0;
  /// `length` bytes from `offset`. A file that ends before has shrunk: a fault, as its bytes vouch for nothing.
  virtual OrFault<Payload> read(const std::string& path, ByteCount offset, ByteCount length) = 0;

  /// Makes a new file of `size` bytes whose room on the disk is reserved, so that a full disk shows before the first
  /// byte is fetched. Faults: destination_exists if there is anything at `path`; disk_full.
  virtual OrFault<FileIdentity> make(const std::string& path, ByteCount size) = 0;
  /// The same for a file that may be there: a regular one keeps its content (a download is resumed). Faults: disk_full.
  virtual OrFault<FileIdentity> prepare(const std::string& path, ByteCount size) = 0;
  /// Hands all of `bytes` to the system. Afterwards they survive the end of this process, though not of the machine:
  /// see sync. Faults: disk_full.
  virtual DiskDone write(const std::string& path, ByteCount offset, ByteView bytes) = 0;
  /// Returns when the content of the file (or the entries of the directory) at `path` would survive a power loss.
  virtual DiskDone sync(const std::string& path) = 0;
  /// Gives the file at `from` the name `to`, in one step. Faults: destination_exists if there is anything at `to`.
  virtual DiskDone rename_new(const std::string& from, const std::string& to) = 0;
  /// Removes a file. One that is not there is no fault: the caller wants it gone.
  virtual DiskDone remove(const std::string& path) = 0;
  /// Forgets what is kept open for `path`: nobody will read or write it for a while.
  virtual void release(const std::string& path) = 0;

  /// The bytes that were just read there are those of the file as it was when it had this identity. Faults: file_conflict,
  /// those of identity().
  virtual DiskDone unchanged(const std::string& path, const FileIdentity& identity, ByteCount offset,
                             ByteCount length);
  /// The directories on it. A disk that has none answers ENOTSUP to whatever is asked of them.
  virtual TreeFolders& folders();
  /// What can be done with directories as wholes; null, if nothing.
  virtual TreeDisk* trees() { return nullptr; }
};

}  // namespace tutti
