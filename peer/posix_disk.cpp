#include "peer/posix_disk.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "peer/disk_fault.hpp"

namespace tutti {

/// Owns one open file.
class PosixDisk::Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {
    // Cannot fail on an open file.
    ::fstat(number, &status_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(number_); }
  int number() const { return number_; }
  /// As it was when the file was opened.
  const struct stat& status() const { return status_; }
  /// True if `path` still leads to this very file.
  bool is_at(const std::string& path) const {
    struct stat now {};
    return ::lstat(path.c_str(), &now) == 0 && now.st_ino == status_.st_ino && now.st_dev == status_.st_dev;
  }

 private:
  int number_;
  struct stat status_ {};
};

namespace {

DiskFault not_regular(const std::string& path, mode_t mode) {
  if (S_ISDIR(mode)) return {Code::io_error, quoted(path) + " is a folder; name a file"};
  if (S_ISLNK(mode)) return {Code::io_error, quoted(path) + " is a symbolic link; name the file itself"};
  return {Code::io_error, quoted(path) + " is not a regular file; name one"};
}

/// A file system that cannot reserve room: what is free must do as a promise.
int reserve_by_counting(int descriptor, off_t size, off_t held) {
  struct statvfs system {};
  if (::fstatvfs(descriptor, &system) == 0) {
    const std::uint64_t room = std::uint64_t{system.f_bavail} * system.f_frsize;
    if (static_cast<std::uint64_t>(std::max<off_t>(size - held, 0)) > room) return ENOSPC;
  }
  return ::ftruncate(descriptor, size) == 0 ? 0 : errno;
}

/// Gives the open file its size and the room for it: 0 or an errno.
int reserve(int descriptor, const struct stat& status, ByteCount size) {
  if (size.value > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return EFBIG;
  const auto wanted = static_cast<off_t>(size.value);
  if (status.st_size > wanted && ::ftruncate(descriptor, wanted) != 0) return errno;
  if (wanted == 0) return 0;
  if (retried([&] { return ::fallocate(descriptor, 0, 0, wanted); }) == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) return errno;
  return reserve_by_counting(descriptor, wanted, static_cast<off_t>(status.st_blocks) * 512);
}

/// True if something can be read from a file that says that it is empty.
bool has_content(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return false;
  char byte = 0;
  struct stat after {};
  const bool has = retried([&] { return ::read(descriptor, &byte, 1); }) > 0 &&
                   ::fstat(descriptor, &after) == 0 && after.st_size == 0;  // else it has grown meanwhile
  ::close(descriptor);
  return has;
}

}  // namespace

PosixDisk::PosixDisk(std::size_t open_max) : open_max_(std::max<std::size_t>(open_max, 1)) {}
PosixDisk::~PosixDisk() = default;

OrFault<PathKind> PosixDisk::look(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    // A link that leads nowhere is in the way of a new file, too.
    if (::lstat(path.c_str(), &status) == 0) return PathKind::other;
    if (errno == ENOENT || errno == ENOTDIR) return PathKind::nothing;
    return fault_of_error(errno, "use", path);
  }
  if (S_ISREG(status.st_mode)) return PathKind::regular;
  return S_ISDIR(status.st_mode) ? PathKind::directory : PathKind::other;
}

OrFault<FileIdentity> PosixDisk::identity(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fault_of_error(errno, "find", path);
  if (!S_ISREG(status.st_mode)) return not_regular(path, status.st_mode);
  if (status.st_size == 0 && has_content(path))
    return DiskFault{Code::io_error, quoted(path) +
                                         " is made by the system while it is read (as those in /proc are); "
                                         "name a file that lies on a disk"};
  return identity_of(status);
}

OrFault<Payload> PosixDisk::read(const std::string& path, ByteCount offset, ByteCount length) {
  const OrFault<Handle> handle = handle_of(path, false);
  if (!handle) return handle.fault();
  const auto buffer = std::make_shared_for_overwrite<std::uint8_t[]>(length.value);
  std::size_t done = 0;
  while (done < length.value) {
    const ssize_t got = retried([&] {
      return ::pread((*handle)->number(), buffer.get() + done, length.value - done,
                     static_cast<off_t>(offset.value + done));
    });
    if (got < 0) return fault_of_error(errno, "read", path);
    if (got == 0) return DiskFault{Code::io_error, quoted(path) + " has become shorter while it was in use"};
    done += static_cast<std::size_t>(got);
  }
  return Payload::hold(buffer, {buffer.get(), length.value});
}

OrFault<FileIdentity> PosixDisk::make(const std::string& path, ByteCount size) {
  return open_part(path, O_CREAT | O_EXCL, size);
}

OrFault<FileIdentity> PosixDisk::prepare(const std::string& path, ByteCount size) {
  return open_part(path, O_CREAT, size);
}

OrFault<FileIdentity> PosixDisk::open_part(const std::string& path, int flags, ByteCount size) {
  const int number = retried(
      [&] { return ::open(path.c_str(), flags | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666); });
  if (number < 0) return fault_of_error(errno, "make", path);
  auto handle = std::make_shared<const Descriptor>(number);
  if (!S_ISREG(handle->status().st_mode)) return not_regular(path, handle->status().st_mode);
  if (const int error = reserve(number, handle->status(), size); error != 0) {
    if (handle->status().st_size == 0) ::unlink(path.c_str());
    return fault_of_error(error, "reserve room for", path);
  }
  struct stat status {};
  if (::fstat(number, &status) != 0) return fault_of_error(errno, "make", path);
  keep(path, true, std::move(handle));
  return identity_of(status);
}

DiskDone PosixDisk::write(const std::string& path, ByteCount offset, ByteView bytes) {
  const OrFault<Handle> handle = handle_of(path, true);
  if (!handle) return handle.fault();
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = retried([&] {
      return ::pwrite((*handle)->number(), bytes.data() + done, bytes.size() - done,
                      static_cast<off_t>(offset.value + done));
    });
    if (put < 0) return fault_of_error(errno, "write to", path);
    // A regular file that takes nothing without an error has no room left.
    if (put == 0) return fault_of_error(ENOSPC, "write to", path);
    done += static_cast<std::size_t>(put);
  }
  return std::nullopt;
}

DiskDone PosixDisk::sync(const std::string& path) {
  const int number =
      retried([&] { return ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); });
  if (number < 0) return fault_of_error(errno, "sync", path);
  const Descriptor descriptor(number);
  if (retried([&] { return ::fsync(number); }) != 0) return fault_of_error(errno, "sync", path);
  return std::nullopt;
}

DiskDone PosixDisk::rename_new(const std::string& from, const std::string& to) {
  release(from);
  if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
    return std::nullopt;
  if (errno == EEXIST) return fault_of_error(EEXIST, "make", to);
  if (errno != EINVAL && errno != ENOSYS) return fault_of_error(errno, "rename to", to);
  // File systems without that flag: a hard link never replaces anything either.
  if (::link(from.c_str(), to.c_str()) != 0) return fault_of_error(errno, "make", to);
  ::unlink(from.c_str());
  return std::nullopt;
}

DiskDone PosixDisk::remove(const std::string& path) {
  release(path);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return std::nullopt;
  return fault_of_error(errno, "remove", path);
}

void PosixDisk::release(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  kept_.erase(found->second);
  by_path_.erase(found);
}

std::size_t PosixDisk::open_files() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

OrFault<PosixDisk::Handle> PosixDisk::handle_of(const std::string& path, bool writable) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_path_.find(path);
    if (found != by_path_.end() && (found->second->writable || !writable) &&
        found->second->handle->is_at(path)) {
      kept_.splice(kept_.begin(), kept_, found->second);
      return found->second->handle;
    }
  }
  // O_NONBLOCK: opening a pipe that somebody put there must not wait for its other end.
  const int number = retried([&] {
    return ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  });
  if (number < 0) return fault_of_error(errno, writable ? "write to" : "read", path);
  auto handle = std::make_shared<const Descriptor>(number);
  if (!S_ISREG(handle->status().st_mode)) return not_regular(path, handle->status().st_mode);
  return keep(path, writable, std::move(handle));
}

PosixDisk::Handle PosixDisk::keep(const std::string& path, bool writable, Handle handle) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_path_.find(path); found != by_path_.end()) kept_.erase(found->second);
  kept_.push_front({path, writable, handle});
  by_path_[path] = kept_.begin();
  if (kept_.size() > open_max_) {
    by_path_.erase(kept_.back().path);
    kept_.pop_back();
  }
  return handle;
}

}  // namespace tutti
