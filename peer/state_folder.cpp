#include "peer/state_folder.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "actors/ensure.hpp"

namespace tutti {
namespace {

static_assert(crypto_box_PUBLICKEYBYTES == ClientKey::size && crypto_box_SECRETKEYBYTES == 32);

DiskFault fault_at(const std::string& path, int error) {
  return {error == ENOSPC ? Code::disk_full : Code::io_error,
          "cannot use '" + path + "' for the client's state: " + std::generic_category().message(error) +
              "; name another folder with --state DIR"};
}

/// Writes a small file so that it is there whole or not at all, readable by its owner alone, and survives a power loss.
DiskDone write_secret(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return fault_at(fresh, errno);
  const bool written = ::fchmod(file, 0600) == 0 &&
                       ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!written) return fault_at(fresh, error);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fault_at(path, errno);
  const int folder = ::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return std::nullopt;
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
  if (std::error_code error; !std::filesystem::exists(path, error)) {
    if (const DiskDone fault = make_identity()) return fault;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fault_at(path, errno);
  if ((status.st_mode & 077U) != 0)
    return DiskFault{Code::io_error, "others can read the secret key '" + path +
                                         "'; make it private: chmod 600 '" + path + "'"};
  std::ifstream file(path);
  std::string digits;
  std::getline(file, digits);
  const std::optional<Bytes> secret = from_hex(digits);
  if (!secret || secret->size() != identity_.secret.size())
    return DiskFault{Code::io_error,
                     "'" + path + "' holds no secret key; restore it, or remove it to become a new client"};
  std::copy(secret->begin(), secret->end(), identity_.secret.begin());
  // The public key follows from the secret one: two that do not fit cannot be.
  crypto_scalarmult_base(identity_.key.bytes.data(), identity_.secret.data());
  return std::nullopt;
}

DiskDone StateFolder::make_identity() {
  ENSURE(sodium_init() >= 0);
  ClientIdentity fresh;
  ENSURE(crypto_box_keypair(fresh.key.bytes.data(), fresh.secret.data()) == 0);
  return write_secret(path_of("identity"), to_hex(fresh.secret) + "\n");
}

}  // namespace tutti
