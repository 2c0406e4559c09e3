// Makes the `.orch` file that members share a file by.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "messages/codes.hpp"
#include "peer/orchestra/orch_file.hpp"
#include "shell/exit_status.hpp"
#include "shell/printable.hpp"
#include "tutti_version.hpp"

namespace tutti {

namespace {

constexpr std::size_t read_at_once = 1U << 20U;
constexpr mode_t new_file_mode = 0666;

/// Why nothing was composed.
struct Failure {
  Code code = Code::io_error;
  std::string sentence;
};

Failure failure_of(int error, const std::string& doing) {
  const Code code = error == ENOENT || error == ENOTDIR  ? Code::no_such_file
                    : error == ENOSPC || error == EDQUOT ? Code::disk_full
                                                         : Code::io_error;
  return {code, doing + ": " + std::generic_category().message(error)};
}

/// Throws Failure for what the system refuses.
int checked(int result, const std::string& doing) {
  if (result < 0) throw failure_of(errno, doing);
  return result;
}

/// Closes what it is given.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(number_); }
  int number() const { return number_; }

 private:
  int number_;
};

/// A new file that takes the place of what stands at its path once it is whole, in one step. Before that it has no name,
/// where the file system can do that, so whatever ends this process leaves nothing behind; elsewhere one of its own.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), before_(path + "." + std::to_string(::getpid())), file_(open()) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (named_) ::unlink(before_.c_str());
  }

  void write(std::string_view text, std::optional<std::size_t> at = {}) {
    std::size_t offset = at.value_or(end_);
    if (!at) end_ += text.size();
    while (!text.empty()) {
      const ssize_t put = ::pwrite(file_.number(), text.data(), text.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) throw failure_of(put == 0 ? ENOSPC : errno, "cannot write " + path_);
      text.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::size_t>(put);
    }
  }

  void take_place() {
    const std::string making = "cannot make " + path_;
    checked(::fsync(file_.number()), "cannot write " + path_);
    if (!named_) {
      const std::string self = "/proc/self/fd/" + std::to_string(file_.number());
      checked(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, before_.c_str(), AT_SYMLINK_FOLLOW), making);
      named_ = true;
    }
    checked(::rename(before_.c_str(), path_.c_str()), making);
    named_ = false;
  }

 private:
  int open() {
    const std::string making = "cannot make " + path_;
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const int nameless = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, new_file_mode);
    if (nameless >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
      return checked(nameless, making);
    const int file =
        checked(::open(before_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, new_file_mode), making);
    named_ = true;
    return file;
  }

  std::string path_;
  std::string before_;
  bool named_ = false;  // as before_
  Descriptor file_;
  std::size_t end_ = 0;
};

std::size_t read_some(int file, std::vector<std::uint8_t>& buffer, const std::string& path) {
  for (;;) {
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw failure_of(errno, "cannot read " + path);
  }
}

/// Writes `path`.orch beside the file at `path`. Returns the number of parts.
std::uint64_t compose(const std::string& path, const std::string& conductor, ByteCount part_size) {
  const Descriptor file(
      checked(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), "cannot read " + path));
  struct stat before {};
  checked(::fstat(file.number(), &before), "cannot read " + path);
  if (!S_ISREG(before.st_mode)) throw Failure{Code::io_error, path + " is not a regular file: name one"};
  const ByteCount size{static_cast<std::uint64_t>(before.st_size)};
  ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_SEQUENTIAL);

  NewFile orch(path + ".orch");
  OrchComposer composer(conductor, path, size, part_size);
  orch.write(composer.head());
  std::vector<std::uint8_t> buffer(read_at_once);
  for (;;) {
    const std::size_t got = read_some(file.number(), buffer, path);
    if (got == 0) break;
    orch.write(composer.add(ByteView(buffer).first(got)));
  }
  const std::optional<OrchComposer::End> end = composer.finish();
  struct stat after {};
  checked(::fstat(file.number(), &after), "cannot read " + path);
  const bool same = after.st_size == before.st_size && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                    after.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
  if (!end || !same)
    throw Failure{Code::io_error,
                  path + " has changed while it was read: try again when nobody writes to it"};
  orch.write(end->last_line);
  orch.write(end->whole, composer.whole_at());
  orch.take_place();
  return orch_part_count(size, part_size);
}

int fail(const Failure& failure) {
  std::cerr << "error: " << name_of(failure.code) << ": " << printable(failure.sentence) << '\n';
  return exit_status_of(failure.code);
}

}  // namespace

}  // namespace tutti

int main(int argc, char* argv[]) {
  using namespace tutti;
  CLI::App app{
      "Writes FILE.orch, by which members share FILE: what it is called, where its conductor is, and the "
      "SHA-1 of\n"
      "the whole and of each part. One that is there already is replaced. Line 1 of it, the conductor, may "
      "be\n"
      "changed with an editor at any time.\n"
      "Exit status: 0 written, 2 usage, 3 no such file, 9 it cannot be read or written.\n",
      "composer"};
  std::string path;
  std::string conductor = "localhost:9999";
  std::uint64_t part_size = 16384;
  app.set_version_flag("--version", std::string(version));
  app.add_option("FILE", path, "The file to share")->required();
  app.add_option("CONDUCTOR", conductor, "Where its members meet, ip:port")->capture_default_str();
  app.add_option("PART_SIZE", part_size, "Bytes of a part")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  try {
    app.parse(argc, argv);
    if (const std::string_view fault = orch_conductor_fault(conductor); !fault.empty())
      return fail({Code::usage, fmt::format("'{}' names no conductor: give it as ip:port", conductor)});
    // The path becomes a line of the file, so it has to be one.
    if (path.find_first_of("\r\n") != std::string::npos)
      return fail(
          {Code::invalid_name, "a path with a line break cannot stand in a .orch file: rename the file"});
    const std::uint64_t parts = compose(path, conductor, {part_size});
    std::cout << printable(fmt::format("{}.orch: {} {} of {} bytes, conductor {}", path, parts,
                                       parts == 1 ? "part" : "parts", part_size, conductor))
              << '\n';
    return 0;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return exit_usage;
  } catch (const Failure& failure) {
    return fail(failure);
  }
}
