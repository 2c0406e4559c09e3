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
#include <vector>

#include "messages/codes.hpp"
#include "peer/disk_fault.hpp"
#include "peer/new_file.hpp"
#include "peer/orchestra/orch_file.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/orch_words.hpp"
#include "shell/exit_status.hpp"
#include "shell/printable.hpp"
#include "tutti_version.hpp"

namespace tutti {

namespace {

constexpr std::size_t read_at_once = 1U << 20U;

/// Throws a DiskFault for what the system refuses.
int readable(int result, const std::string& path) {
  if (result < 0) throw fault_of_error(errno, "read", path);
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

/// Throws what prevented it.
void must(const DiskDone& done) {
  if (done) throw *done;
}

std::size_t read_some(int file, std::vector<std::uint8_t>& buffer, const std::string& path) {
  const ssize_t got = retried([&] { return ::read(file, buffer.data(), buffer.size()); });
  if (got < 0) throw fault_of_error(errno, "read", path);
  return static_cast<std::size_t>(got);
}

/// Writes `path`.orch beside the file at `path`. Returns the size of the file.
ByteCount compose(const std::string& path, const std::string& conductor, ByteCount part_size) {
  const Descriptor file(readable(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path));
  struct stat before {};
  readable(::fstat(file.number(), &before), path);
  if (!S_ISREG(before.st_mode)) throw DiskFault{Code::io_error, path + " is not a regular file: name one"};
  const ByteCount size{static_cast<std::uint64_t>(before.st_size)};
  ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_SEQUENTIAL);

  NewFile orch(path + ".orch");
  OrchComposer composer(conductor, path, size, part_size);
  must(orch.write(composer.head()));
  std::vector<std::uint8_t> buffer(read_at_once);
  for (;;) {
    const std::size_t got = read_some(file.number(), buffer, path);
    if (got == 0) break;
    must(orch.write(composer.add(ByteView(buffer).first(got))));
  }
  const std::optional<OrchComposer::End> end = composer.finish();
  struct stat after {};
  readable(::fstat(file.number(), &after), path);
  const bool same = after.st_size == before.st_size && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                    after.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
  if (!end || !same)
    throw DiskFault{Code::io_error,
                    path + " has changed while it was read: try again when nobody writes to it"};
  must(orch.write(end->last_line));
  must(orch.write(end->whole, composer.whole_at()));
  must(orch.finish(NewFile::Place::is_taken_over));
  return size;
}

/// Who will not be able to share by it: the originals would have said nothing.
std::string note_on(const std::string& name, ByteCount size, ByteCount part_size, std::uint64_t parts) {
  if (const std::string_view fault = orch_name_fault(name); !fault.empty())
    return fmt::format("members refuse it, since {}: compose it in the folder of the file", fault);
  if (const std::optional<OrchFault> fault = orch_share_fault(name, part_size, parts)) return fault->sentence;
  return std::string(orch_originals_fault(name, size, parts));
}

/// Of PART_SIZE, in words that people read.
std::string part_size_fault(const std::string& text) {
  return orch_number(text).value_or(0) > 0 ? "" : "it is a number of bytes, from 1 on";
}

int fail(const DiskFault& failure) {
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
  app.add_option("PART_SIZE", part_size, "Bytes of a part")->capture_default_str()->check(part_size_fault);
  try {
    app.parse(argc, argv);
    if (const std::string_view fault = orch_conductor_fault(conductor); !fault.empty())
      return fail({Code::usage, fmt::format("'{}' names no conductor: give it as ip:port", conductor)});
    // The path becomes a line of the file, so it has to be one.
    if (path.find_first_of("\r\n") != std::string::npos)
      return fail(
          {Code::invalid_name, "a path with a line break cannot stand in a .orch file: rename the file"});
    const ByteCount size = compose(path, conductor, {part_size});
    const std::uint64_t parts = orch_part_count(size, {part_size});
    std::cout << printable(fmt::format("{}.orch: {} {} of {} bytes, conductor {}", path, parts,
                                       parts == 1 ? "part" : "parts", part_size, conductor))
              << '\n';
    if (const std::string note = note_on(path, size, {part_size}, parts); !note.empty())
      std::cerr << printable("note: " + note) << '\n';
    return 0;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return exit_usage;
  } catch (const DiskFault& failure) {
    return fail(failure);
  }
}
