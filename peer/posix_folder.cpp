#include "peer/posix_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "peer/disk_fault.hpp"

namespace tutti {

namespace {

/// Owns an open file. Closing it leaves errno as it is.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    const int error = errno;
    if (number_ >= 0) ::close(number_);
    errno = error;
  }
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

PathStatus status_of(const struct stat& seen) {
  PathStatus status;
  status.kind = S_ISREG(seen.st_mode)   ? PathKind::regular
                : S_ISDIR(seen.st_mode) ? PathKind::directory
                                        : PathKind::other;
  status.executable = (seen.st_mode & S_IXUSR) != 0;
  status.identity = identity_of(seen);
  return status;
}

int read_fully(int descriptor, std::uint8_t* bytes, std::uint64_t length, std::uint64_t offset) {
  for (std::uint64_t done = 0; done < length;) {
    const ssize_t got = retried(
        [&] { return ::pread(descriptor, bytes + done, length - done, static_cast<off_t>(offset + done)); });
    if (got < 0) return errno;
    if (got == 0) return ENODATA;
    done += static_cast<std::uint64_t>(got);
  }
  return 0;
}

int write_fully(int descriptor, const std::uint8_t* bytes, std::uint64_t length, std::uint64_t offset) {
  for (std::uint64_t done = 0; done < length;) {
    const ssize_t put = retried(
        [&] { return ::pwrite(descriptor, bytes + done, length - done, static_cast<off_t>(offset + done)); });
    if (put < 0) return errno;
    if (put == 0) return ENOSPC;
    done += static_cast<std::uint64_t>(put);
  }
  return 0;
}

class PosixFolder final : public TreeFolder {
 public:
  explicit PosixFolder(Descriptor root) : root_(std::move(root)) {}

  std::uint64_t device() const override {
    struct stat status {};
    return ::fstat(root_.number(), &status) == 0 ? status.st_dev : 0;
  }

  int look(const std::string& path, PathStatus& status) const override {
    const Descriptor parent = open_parent(path);
    struct stat seen {};
    if (!parent || ::fstatat(parent.number(), last_name(path).c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0)
      return errno;
    status = status_of(seen);
    return 0;
  }

  int list(const std::string& path,
           const std::function<bool(const std::string&, const PathStatus&)>& each) const override {
    const Descriptor folder = open(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
    if (!folder) return errno;
    // A descriptor of its own, which goes with what reads it.
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(
        ::fdopendir(::fcntl(folder.number(), F_DUPFD_CLOEXEC, 0)), &::closedir);
    if (!entries) return errno;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(entries.get());
      if (entry == nullptr) return errno;
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat status {};
      if (::fstatat(folder.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return errno;
      }
      if (!each(name, status_of(status))) return 0;
    }
  }

  int read(const std::string& path, std::uint64_t offset, std::uint64_t length, std::uint8_t* to,
           std::optional<ByteCount> whole) const override {
    const Descriptor file = open(path, O_RDONLY);
    struct stat status {};
    if (!file || (whole && ::fstat(file.number(), &status) != 0)) return errno;
    if (whole && (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != whole->value))
      return ENODATA;
    return read_fully(file.number(), to, length, offset);
  }

  int make_folders(const std::string& path, bool itself) const override {
    for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
      if (slash == std::string::npos && !itself) return 0;
      const std::string folder = path.substr(0, slash);
      const Descriptor parent = open_parent(folder);
      if (!parent) return errno;
      if (::mkdirat(parent.number(), last_name(folder).c_str(), 0777) != 0 && errno != EEXIST) return errno;
      if (slash == std::string::npos) return open(folder, O_PATH | O_DIRECTORY) ? 0 : errno;
    }
  }

  int write(const std::string& path, bool executable, std::uint64_t offset, ByteView bytes) const override {
    const std::uint32_t mode = executable ? 0777 : 0666;
    Descriptor file = open(path, O_WRONLY | O_CREAT, mode);
    if (!file && errno == ENOENT) {
      if (const int error = make_folders(path, false); error != 0) return error;
      file = open(path, O_WRONLY | O_CREAT, mode);
    }
    return file ? write_fully(file.number(), bytes.data(), bytes.size(), offset) : errno;
  }

  int take(const TreeFolder& from, const std::string& path) const override {
    const Descriptor source = static_cast<const PosixFolder&>(from).open_parent(path);
    if (!source) return errno;
    Descriptor target = open_parent(path);
    if (!target && errno == ENOENT) {
      if (const int error = make_folders(path, false); error != 0) return error;
      target = open_parent(path);
    }
    if (!target) return errno;
    const std::string name = last_name(path);
    if (::syscall(SYS_renameat2, source.number(), name.c_str(), target.number(), name.c_str(),
                  RENAME_NOREPLACE) == 0)
      return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // File systems without that flag: a hard link never replaces anything either.
    if (::linkat(source.number(), name.c_str(), target.number(), name.c_str(), 0) != 0) return errno;
    ::unlinkat(source.number(), name.c_str(), 0);
    return 0;
  }

  void remove(const std::string& path) const override {
    if (const Descriptor parent = open_parent(path)) ::unlinkat(parent.number(), last_name(path).c_str(), 0);
  }

 private:
  Descriptor open(const std::string& path, int flags, std::uint32_t mode = 0) const {
    struct open_how how {};
    how.flags = static_cast<__u64>(flags | O_CLOEXEC | O_NOFOLLOW);
    if ((flags & O_PATH) == 0) how.flags |= O_NONBLOCK | O_NOCTTY;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return Descriptor(static_cast<int>(
        retried([&] { return ::syscall(SYS_openat2, root_.number(), path.c_str(), &how, sizeof how); })));
  }

  Descriptor open_parent(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? Descriptor(::fcntl(root_.number(), F_DUPFD_CLOEXEC, 0))
                                      : open(path.substr(0, slash), O_PATH | O_DIRECTORY);
  }

  Descriptor root_;
};

Descriptor open_root(const std::string& path) {
  return Descriptor(
      retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
}

}  // namespace

OpenedFolder PosixFolders::open(const std::string& path) {
  Descriptor root = open_root(path);
  if (!root) return OpenedFolder(errno);
  return std::unique_ptr<const TreeFolder>(std::make_unique<PosixFolder>(std::move(root)));
}

int PosixFolders::make(const std::string& path) { return ::mkdir(path.c_str(), 0777) == 0 ? 0 : errno; }

int PosixFolders::remove_all(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error.value();
}

int PosixFolders::sync(const std::string& path) {
  const Descriptor root = open_root(path);
  return root && retried([&] { return ::syncfs(root.number()); }) == 0 ? 0 : errno;
}

std::optional<FreeRoom> PosixFolders::free_room(const std::string& path) {
  struct statvfs system {};
  if (::statvfs(path.c_str(), &system) != 0) return std::nullopt;
  FreeRoom room{{std::uint64_t{system.f_bavail} * system.f_frsize}, {}};
  if (system.f_files > 0) room.files = system.f_favail;
  return room;
}

}  // namespace tutti
