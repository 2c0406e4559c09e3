#include "peer/disk_fault.hpp"

#include <sys/stat.h>

#include <system_error>

#include "peer/tree_folder.hpp"

namespace tutti {

namespace {

class NoFolders final : public TreeFolders {
 public:
  OpenedFolder open(const std::string&) override { return OpenedFolder(ENOTSUP); }
  int make(const std::string&) override { return ENOTSUP; }
  int remove_all(const std::string&) override { return ENOTSUP; }
  int sync(const std::string&) override { return ENOTSUP; }
  std::optional<FreeRoom> free_room(const std::string&) override { return std::nullopt; }
};

}  // namespace

std::string quoted(const std::string& path) { return "'" + path + "'"; }

/// The fault for what the system said (`error`, an errno) about `doing` something to `path`.
DiskFault fault_of_error(int error, std::string_view doing, const std::string& path) {
  const std::string what = "cannot " + std::string(doing) + " " + quoted(path);
  switch (error) {
    case ENOENT:
    case ENOTDIR: return {Code::no_such_file, what + ": there is no such file or folder; check the path"};
    case ENOSPC:
    case EDQUOT: return {Code::disk_full, what + ": the disk or the quota is full; make room and try again"};
    case EFBIG:
      return {Code::disk_full,
              what + ": the file system cannot hold a file of this size; choose another one"};
    case EEXIST:
    case ENOTEMPTY:
      return {Code::destination_exists, what + ": it exists already; remove it or choose another name"};
    case ELOOP: return {Code::io_error, what + ": it is a symbolic link; name the file itself"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {Code::io_error, what + ": no permission; change the permissions or choose another place"};
    case ENAMETOOLONG: return {Code::io_error, what + ": the name is too long; choose a shorter one"};
    case EISDIR: return {Code::io_error, what + ": it is a folder; name a file"};
    case EMFILE:
    case ENFILE: return {Code::io_error, what + ": too many files are open; raise the limit (ulimit -n)"};
    default: return {Code::io_error, what + ": " + std::generic_category().message(error)};
  }
}

DiskDone Disk::unchanged(const std::string& path, const FileIdentity& identity, ByteCount, ByteCount) {
  const OrFault<FileIdentity> now = this->identity(path);
  if (!now) return now.fault();
  if (*now == identity) return std::nullopt;
  return DiskFault{Code::file_conflict, path + " has changed since it was shared"};
}

TreeFolders& Disk::folders() {
  static NoFolders none;
  return none;
}

FileIdentity identity_of(const struct stat& status) {
  // Files may have any time, also one whose nanoseconds no number has room for: what counts is whether it is another.
  const auto nanoseconds = [](const struct timespec& time) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
                                     static_cast<std::uint64_t>(time.tv_nsec));
  };
  return {{static_cast<std::uint64_t>(status.st_size)},
          nanoseconds(status.st_mtim),
          status.st_ino,
          status.st_dev,
          nanoseconds(status.st_ctim)};
}

}  // namespace tutti
