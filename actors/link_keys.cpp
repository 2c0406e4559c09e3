#include "actors/link_keys.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "actors/ensure.hpp"

namespace tutti {

static_assert(crypto_box_PUBLICKEYBYTES == LinkKey::size && crypto_box_SECRETKEYBYTES == 32);

LinkKeys make_link_keys() {
  ENSURE(sodium_init() >= 0);
  LinkKeys fresh;
  ENSURE(crypto_box_keypair(fresh.key.bytes.data(), fresh.secret.data()) == 0);
  return fresh;
}

LinkKeys link_keys_of(const std::array<std::uint8_t, 32>& secret) {
  LinkKeys keys;
  keys.secret = secret;
  crypto_scalarmult_base(keys.key.bytes.data(), keys.secret.data());
  return keys;
}

LinkKeysRead read_or_make_link_keys(const std::string& path) {
  if (std::error_code error; !std::filesystem::exists(path, error)) {
    const int failed = write_private_file(path, to_hex(make_link_keys().secret) + "\n");
    if (failed != 0) return {{}, failed, {}};
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {{}, errno, {}};
  if ((status.st_mode & 077U) != 0)
    return {
        {}, 0, "others can read the secret key '" + path + "'; make it private: chmod 600 '" + path + "'"};
  std::ifstream file(path);
  std::string digits;
  std::getline(file, digits);
  const std::optional<Bytes> bytes = from_hex(digits);
  std::array<std::uint8_t, 32> secret{};
  if (!bytes || bytes->size() != secret.size())
    return {{}, 0, "'" + path + "' holds no secret key; restore it, or remove it to get a new one"};
  std::copy(bytes->begin(), bytes->end(), secret.begin());
  return {link_keys_of(secret), 0, {}};
}

int write_private_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  const bool written = ::fchmod(file, 0600) == 0 &&
                       ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!written) return error == 0 ? EIO : error;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return errno;
  const int folder = ::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return 0;
}

int add_private_line(const std::string& path, const std::string& line) {
  std::ostringstream text;
  std::ifstream file(path);
  // What cannot be read must not be replaced.
  if (std::error_code error; !file && std::filesystem::exists(path, error)) return EACCES;
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  std::string whole = text.str();
  if (!whole.empty() && whole.back() != '\n') whole += '\n';
  return write_private_file(path, whole + line + '\n');
}

}  // namespace tutti
