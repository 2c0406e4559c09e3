#include "peer/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "peer/disk_fault.hpp"

namespace tutti {

namespace {

constexpr mode_t new_file_mode = 0666;

}  // namespace

NewFile::NewFile(std::string path)
    : path_(std::move(path)), before_(path_ + "." + std::to_string(::getpid())), file_(open()) {
  if (file_ < 0) error_ = errno;
}

NewFile::~NewFile() {
  if (named_) ::unlink(before_.c_str());
  if (file_ >= 0) ::close(file_);
}

int NewFile::open() {
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const int nameless = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, new_file_mode);
  if (nameless >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return nameless;
  const int file = ::open(before_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, new_file_mode);
  named_ = file >= 0;
  return file;
}

DiskDone NewFile::write(std::string_view text, std::optional<std::size_t> at) {
  if (file_ < 0) return fault_of_error(error_, "make", path_);
  std::size_t offset = at.value_or(end_);
  if (!at) end_ += text.size();
  while (!text.empty()) {
    const ssize_t put =
        retried([&] { return ::pwrite(file_, text.data(), text.size(), static_cast<off_t>(offset)); });
    if (put <= 0) return fault_of_error(put == 0 ? ENOSPC : errno, "write", path_);
    text.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::size_t>(put);
  }
  return std::nullopt;
}

/// Fails where something has that name.
int NewFile::name_it(const std::string& name) {
  if (named_) {
    if (::syscall(SYS_renameat2, AT_FDCWD, before_.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) {
      named_ = false;
      return 0;
    }
    // Not every file system has hard links, nor every one that flag.
    return errno == EINVAL || errno == ENOSYS ? ::link(before_.c_str(), name.c_str()) : -1;
  }
  const std::string self = "/proc/self/fd/" + std::to_string(file_);
  return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW);
}

DiskDone NewFile::finish(Place place) {
  if (file_ < 0) return fault_of_error(error_, "make", path_);
  if (::fsync(file_) != 0) return fault_of_error(errno, "write", path_);
  if (place == Place::must_be_free) {
    if (name_it(path_) != 0) return fault_of_error(errno, "make", path_);
    return std::nullopt;
  }
  if (!named_ && name_it(before_) != 0) return fault_of_error(errno, "make", path_);
  named_ = true;
  if (::rename(before_.c_str(), path_.c_str()) != 0) return fault_of_error(errno, "make", path_);
  named_ = false;
  return std::nullopt;
}

}  // namespace tutti
