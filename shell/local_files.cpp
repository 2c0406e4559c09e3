#include "shell/local_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "shell/words.hpp"

namespace tutti {

namespace {

/// A listing for Tab is not read beyond this: nobody reads so many names, and the shell must answer.
constexpr std::size_t list_most_entries = 10000;

Refused refusal(Code code, std::string_view path, std::string_view reason) {
  return {code, fmt::format("{}: {}", path, reason)};
}

}  // namespace

LocalFiles::Kind PosixFiles::kind_of(const std::string& path) const {
  struct stat info {};
  if (::stat(absolute(path).c_str(), &info) != 0) return Kind::missing;
  if (S_ISREG(info.st_mode)) return Kind::regular;
  return S_ISDIR(info.st_mode) ? Kind::directory : Kind::special;
}

std::string PosixFiles::absolute(std::string_view path) const {
  std::error_code fault;
  const std::filesystem::path result = std::filesystem::absolute(expand_home(path, home_), fault);
  return fault ? std::string(path) : result.lexically_normal().string();
}

LocalFiles::Found PosixFiles::file_to_share(std::string_view path) const {
  std::error_code fault;
  const std::string resolved = std::filesystem::canonical(absolute(path), fault).string();
  if (fault == std::errc::no_such_file_or_directory || fault == std::errc::not_a_directory)
    return {{}, refusal(Code::no_such_file, path, "there is no such file")};
  if (fault) return {{}, refusal(Code::io_error, path, fault.message())};
  switch (kind_of(resolved)) {
    case Kind::missing: return {{}, refusal(Code::no_such_file, path, "there is no such file")};
    case Kind::special:
      return {
          {},
          refusal(Code::io_error, path, "this is neither a file nor a directory; only those can be shared")};
    case Kind::directory:
    case Kind::regular: break;
  }
  // Opening answers more than access() would: it asks for the effective user, and for what the file system says.
  const int descriptor = ::open(resolved.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) {
    const std::string reason = std::error_code(errno, std::generic_category()).message();
    return {{}, refusal(Code::io_error, path, fmt::format("it cannot be read ({})", reason))};
  }
  ::close(descriptor);
  const bool directory = kind_of(resolved) == Kind::directory;
  return {resolved + (directory && resolved.back() != '/' ? "/" : ""), std::nullopt};
}

std::vector<LocalFiles::Entry> PosixFiles::list(const std::string& directory) const {
  std::vector<Entry> entries;
  std::error_code fault;
  std::filesystem::directory_iterator each(absolute(directory), fault);
  for (; !fault && each != std::filesystem::directory_iterator() && entries.size() < list_most_entries;
       each.increment(fault)) {
    std::error_code unknown;
    entries.push_back({each->path().filename().string(), each->is_directory(unknown)});
  }
  return entries;
}

}  // namespace tutti
