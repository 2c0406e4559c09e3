#include "peer/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "actors/link_keys.hpp"

namespace tutti {
namespace {

DiskFault fault_at(const std::string& path, int error) {
  return {error == ENOSPC ? Code::disk_full : Code::io_error,
          "cannot use '" + path + "' for the client's state: " + std::generic_category().message(error) +
              "; name another folder with --state DIR"};
}

}  // namespace

OrFault<std::unique_ptr<StateFolder>> StateFolder::open(const std::string& directory) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(directory, error);
  if (error) return fault_at(directory, error.value());
  if (made && ::chmod(directory.c_str(), 0700) != 0) return fault_at(directory, errno);
  const std::string path = directory + "/lock";
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock < 0) return fault_at(path, errno);
  std::unique_ptr<StateFolder> folder(new StateFolder(directory, lock));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fault_at(path, errno);
    return DiskFault{Code::io_error, "another client is using the state folder '" + directory +
                                         "'; stop it, or give this one a folder of its own with --state DIR"};
  }
  if (const DiskDone fault = folder->read_or_make_identity()) return *fault;
  return folder;
}

StateFolder::~StateFolder() { ::close(lock_); }

DiskDone StateFolder::read_or_make_identity() {
  const std::string path = path_of("identity");
  const LinkKeysRead read = read_or_make_link_keys(path);
  if (read.error != 0) return fault_at(path, read.error);
  if (!read.sentence.empty()) return DiskFault{Code::io_error, read.sentence};
  identity_ = {ClientKey::from(read.keys.key.view()), read.keys.secret};
  return std::nullopt;
}

DiskDone StateFolder::add_line(const std::string& name, const std::string& line) {
  const int error = add_private_line(path_of(name), line);
  return error == 0 ? DiskDone() : fault_at(path_of(name), error);
}

}  // namespace tutti
