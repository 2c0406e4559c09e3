#include "peer/manifest.hpp"

#include <algorithm>

#include "messages/names.hpp"

namespace tutti {

namespace {

constexpr std::string_view magic = "tutti-tree-1\n";
constexpr std::uint8_t directory_flag = 1;
constexpr std::uint8_t executable_flag = 2;
/// More than all files of a swarm may have together.
constexpr std::uint64_t size_max = std::uint64_t{1} << 50U;

constexpr Fault too_many = "there are too many files and directories in it";
constexpr Fault too_long_together = "its paths are too long together";

void put_number(Bytes& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) bytes.push_back(static_cast<std::uint8_t>(number | 0x80U));
  bytes.push_back(static_cast<std::uint8_t>(number));
}

std::optional<std::uint64_t> take_number(ByteView& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    number |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

/// No name has a byte below a slash in it, so a slash that sorts before all others sorts names.
bool is_before(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return (x == '/' ? 0 : static_cast<unsigned char>(x)) < (y == '/' ? 0 : static_cast<unsigned char>(y));
  });
}

std::size_t shared_bytes(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// How many directories `path` leads through that the one before it does not.
std::size_t new_directories(std::string_view before, std::string_view path) {
  const std::string_view rest = path.substr(shared_bytes(before, path));
  return static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '/'));
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path[directory.size()] == '/' && path.starts_with(directory);
}

Fault name_fault(std::string_view name) {
  if (name.empty()) return "a path has an empty name in it";
  // A `~` that begins a path means something to a shell; one within it does not.
  if (name.front() == '~') name.remove_prefix(1);
  return name.empty() ? Fault{} : file_name_fault(name);
}

}  // namespace

Fault Manifest::path_fault(std::string_view path) {
  if (path.size() > path_bytes_max) return "a path is too long";
  std::size_t depth = 0;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end - begin > 255) return "a name in a path has more than 255 bytes";
    if (const Fault fault = name_fault(path.substr(begin, end - begin)); !fault.empty()) return fault;
    if (++depth > depth_max) return "a path is too deep";
    if (end == path.size()) return {};
    begin = end + 1;
  }
}

/// What is wrong with entries in their order; sums their sizes up.
Fault Manifest::check() {
  contents_ = {};
  std::size_t made = 0;
  std::size_t path_bytes = 0;
  const TreeEntry* before = nullptr;
  for (const TreeEntry& entry : entries_) {
    if (const Fault fault = path_fault(entry.path); !fault.empty()) return fault;
    if (entry.directory && (entry.executable || entry.size.value != 0)) return "a directory has no content";
    if (entry.size.value > size_max) return "a file in it is too long";
    if (before != nullptr && !is_before(before->path, entry.path)) return "its paths are not in order";
    if (before != nullptr && is_below(entry.path, before->path)) return "a path leads through a file";
    contents_ += entry.size;
    if (contents_.value > size_max) return "its files are too long";
    made += 1 + new_directories(before != nullptr ? std::string_view(before->path) : "", entry.path);
    if (made > entries_max) return too_many;
    path_bytes += entry.path.size();
    if (path_bytes > all_paths_bytes_max) return too_long_together;
    before = &entry;
  }
  return {};
}

std::optional<Manifest> Manifest::of(std::vector<TreeEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return is_before(a.path, b.path); });
  Manifest manifest(std::move(entries));
  return manifest.check().empty() ? std::optional(std::move(manifest)) : std::nullopt;
}

Bytes Manifest::encode() const {
  Bytes bytes(magic.begin(), magic.end());
  std::string_view before;
  for (const TreeEntry& entry : entries_) {
    bytes.push_back(static_cast<std::uint8_t>((entry.directory ? directory_flag : 0) |
                                              (entry.executable ? executable_flag : 0)));
    const std::size_t shared = shared_bytes(before, entry.path);
    put_number(bytes, shared);
    put_number(bytes, entry.path.size() - shared);
    bytes.insert(bytes.end(), entry.path.begin() + static_cast<std::ptrdiff_t>(shared), entry.path.end());
    if (!entry.directory) put_number(bytes, entry.size.value);
    before = entry.path;
  }
  return bytes;
}

std::optional<Manifest> Manifest::decode(ByteView bytes, ByteCount contents, Fault& fault) {
  const auto refuse = [&](Fault why) {
    fault = why;
    return std::nullopt;
  };
  constexpr Fault cut_off = "it ends within an entry";
  ByteView left = bytes;
  if (left.size() < magic.size() || !std::equal(magic.begin(), magic.end(), left.begin()))
    return refuse("it does not begin like the list of a directory");
  left = left.subspan(magic.size());
  std::vector<TreeEntry> entries;
  std::string path;
  std::size_t path_bytes = 0;
  while (!left.empty()) {
    if (entries.size() == entries_max) return refuse(too_many);
    const std::uint8_t flags = left.front();
    if ((flags & ~(directory_flag | executable_flag)) != 0)
      return refuse("it has entries of an unknown kind");
    left = left.subspan(1);
    const auto shared = take_number(left);
    const auto more = shared ? take_number(left) : std::nullopt;
    if (!more || *more > left.size()) return refuse(cut_off);
    if (*shared > path.size() || *shared + *more > path_bytes_max) return refuse("a path is too long");
    path.resize(*shared);
    path.append(reinterpret_cast<const char*>(left.data()), *more);
    left = left.subspan(*more);
    // Before there are copies of it.
    path_bytes += path.size();
    if (path_bytes > all_paths_bytes_max) return refuse(too_long_together);
    TreeEntry entry{path, (flags & directory_flag) != 0, (flags & executable_flag) != 0, {}};
    if (!entry.directory) {
      const auto size = take_number(left);
      if (!size) return refuse(cut_off);
      entry.size = {*size};
    }
    entries.push_back(std::move(entry));
  }
  Manifest manifest(std::move(entries));
  if (const Fault wrong = manifest.check(); !wrong.empty()) return refuse(wrong);
  if (manifest.contents() != contents) return refuse("the sizes of its files do not add up");
  // Numbers can be written longer than they need be, and a path as less shared than it is.
  if (const Bytes canonical = manifest.encode();
      !std::equal(canonical.begin(), canonical.end(), bytes.begin(), bytes.end()))
    return refuse("it is written in another way than it should be");
  return manifest;
}

}  // namespace tutti
