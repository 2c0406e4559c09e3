#include "peer/tree_folder.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "peer/disk_fault.hpp"

namespace tutti {

namespace {

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  const int error = errno;
  if (number_ >= 0) ::close(number_);
  errno = error;
}

TreeFolder TreeFolder::open(const std::string& path) {
  return TreeFolder(
      retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
}

Descriptor TreeFolder::open(const std::string& path, int flags, std::uint32_t mode) const {
  struct open_how how {};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC | O_NOFOLLOW);
  if ((flags & O_PATH) == 0) how.flags |= O_NONBLOCK | O_NOCTTY;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Descriptor(static_cast<int>(
      retried([&] { return ::syscall(SYS_openat2, root_.number(), path.c_str(), &how, sizeof how); })));
}

bool TreeFolder::look(const std::string& path, struct stat& status) const {
  const Descriptor parent = open_parent(path);
  return parent && ::fstatat(parent.number(), last_name(path).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

Descriptor TreeFolder::open_parent(const std::string& path) const {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? Descriptor(::fcntl(root_.number(), F_DUPFD_CLOEXEC, 0))
                                    : open(path.substr(0, slash), O_PATH | O_DIRECTORY);
}

int TreeFolder::make_folders(const std::string& path, bool itself) const {
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    if (slash == std::string::npos && !itself) return 0;
    const std::string folder = path.substr(0, slash);
    const Descriptor parent = open_parent(folder);
    if (!parent) return errno;
    if (::mkdirat(parent.number(), last_name(folder).c_str(), 0777) != 0 && errno != EEXIST) return errno;
    if (slash == std::string::npos) return open(folder, O_PATH | O_DIRECTORY) ? 0 : errno;
  }
}

Descriptor TreeFolder::make_file(const std::string& path, bool executable) const {
  const std::uint32_t mode = executable ? 0777 : 0666;
  Descriptor file = open(path, O_WRONLY | O_CREAT, mode);
  if (file || errno != ENOENT) return file;
  if (const int error = make_folders(path, false); error != 0) {
    errno = error;
    return Descriptor();
  }
  return open(path, O_WRONLY | O_CREAT, mode);
}

int TreeFolder::take(const TreeFolder& from, const std::string& path) const {
  const Descriptor source = from.open_parent(path);
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

void TreeFolder::remove(const std::string& path) const {
  if (const Descriptor parent = open_parent(path)) ::unlinkat(parent.number(), last_name(path).c_str(), 0);
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

}  // namespace tutti
