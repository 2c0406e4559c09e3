// The directories of a SwarmDisk.

#include <algorithm>
#include <cerrno>

#include "tests/simulation/library/swarm_disk.hpp"

namespace tutti::simulation {

namespace {

std::string above(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

/// One of them. There are no links in it that could lead elsewhere; names come from manifests that have been looked at.
class SwarmDisk::Folder final : public TreeFolder {
 public:
  Folder(SwarmDisk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}

  std::uint64_t device() const override { return 1; }

  int look(const std::string& path, PathStatus& status) const override {
    disk_.takes(0);
    const std::string whole = full(path);
    if (const int error = error_above(whole); error != 0) return error;
    return status_of(whole, status);
  }

  int list(const std::string& path,
           const std::function<bool(const std::string&, const PathStatus&)>& each) const override {
    disk_.takes(0);
    const std::string folder = path.empty() ? root_ : full(path);
    if (!disk_.is_directory(folder)) return disk_.files_.contains(folder) ? ENOTDIR : ENOENT;
    std::set<std::string> names;
    const std::string below = folder + "/";
    const auto add = [&](const std::string& found) {
      if (found.starts_with(below) && found.find('/', below.size()) == std::string::npos)
        names.insert(found.substr(below.size()));
    };
    for (const auto& [found, file] : disk_.files_) add(found);
    for (const std::string& found : disk_.directories_) add(found);
    for (const std::string& name : names) {
      PathStatus status;
      if (status_of(below + name, status) == 0 && !each(name, status)) break;
    }
    return 0;
  }

  int read(const std::string& path, std::uint64_t offset, std::uint64_t length, std::uint8_t* to,
           std::optional<ByteCount> whole) const override {
    disk_.takes(length);
    const std::string name = full(path);
    if (const int error = error_above(name); error != 0) return error;
    if (disk_.is_directory(name)) return whole ? ENODATA : EISDIR;
    const auto found = disk_.files_.find(name);
    if (found == disk_.files_.end()) return ENOENT;
    const File& file = found->second;
    if (offset + length > file.size || (whole && whole->value != file.size)) return ENODATA;
    for (std::uint64_t at = offset; at < offset + length;) {
      const Bytes chunk = disk_.bytes_of(file, at / chunk_bytes, file.chunks);
      const std::uint64_t within = at % chunk_bytes;
      const std::uint64_t next = std::min(offset + length - at, chunk.size() - within);
      std::copy_n(chunk.begin() + static_cast<std::ptrdiff_t>(within), next, to + (at - offset));
      at += next;
    }
    return 0;
  }

  int make_folders(const std::string& path, bool itself) const override {
    disk_.takes(0);
    for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
      if (slash == std::string::npos && !itself) return 0;
      const std::string folder = full(path.substr(0, slash));
      if (disk_.files_.contains(folder)) return ENOTDIR;
      if (!disk_.is_directory(folder) && disk_.is_full()) return ENOSPC;
      disk_.directories_.insert(folder);
      if (slash == std::string::npos) return 0;
    }
  }

  int write(const std::string& path, bool executable, std::uint64_t offset, ByteView bytes) const override {
    disk_.takes(bytes.size());
    const std::string name = full(path);
    if (const int error = make_folders(path, false); error != 0) return error;
    if (disk_.is_directory(name)) return EISDIR;
    if (!disk_.files_.contains(name)) {
      if (disk_.is_full()) return ENOSPC;
      disk_.new_file(name).executable = executable;
    }
    if (disk_.writes && !disk_.writes(name, offset)) return 0;
    if (!disk_.has_room_for(disk_.files_.at(name), offset + bytes.size())) return ENOSPC;
    disk_.put(name, offset, bytes);
    return 0;
  }

  int take(const TreeFolder& from, const std::string& path) const override {
    const std::string source = static_cast<const Folder&>(from).full(path);
    if (const int error = error_above(source); error != 0) return error;
    if (!disk_.files_.contains(source)) return ENOENT;
    PathStatus there;
    if (status_of(full(path), there) == 0) return EEXIST;
    if (const int error = make_folders(path, false); error != 0) return error;
    const DiskDone fault = disk_.rename_new(source, full(path));
    return fault ? EIO : 0;
  }

  void remove(const std::string& path) const override { disk_.remove(full(path)); }

 private:
  static constexpr std::size_t chunk_bytes = ContentPool::chunk_bytes;

  std::string full(const std::string& path) const { return root_ + "/" + path; }

  /// Why nothing can be at `path`.
  int error_above(const std::string& path) const {
    for (std::string folder = above(path); folder != "/"; folder = above(folder))
      if (disk_.files_.contains(folder)) return ENOTDIR;
    return disk_.is_directory(above(path)) ? 0 : ENOENT;
  }

  int status_of(const std::string& path, PathStatus& status) const {
    if (disk_.is_directory(path)) {
      status = {PathKind::directory, true, {}};
      return 0;
    }
    const auto found = disk_.files_.find(path);
    if (found == disk_.files_.end()) return ENOENT;
    status = {PathKind::regular, found->second.executable, identity_of(found->second)};
    return 0;
  }

  SwarmDisk& disk_;
  const std::string root_;
};

class SwarmDisk::Folders final : public TreeFolders {
 public:
  explicit Folders(SwarmDisk& disk) : disk_(disk) {}

  OpenedFolder open(const std::string& path) override {
    if (disk_.files_.contains(path)) return OpenedFolder(ENOTDIR);
    if (!disk_.is_directory(path)) return OpenedFolder(ENOENT);
    return std::unique_ptr<const TreeFolder>(std::make_unique<Folder>(disk_, path));
  }

  int make(const std::string& path) override {
    disk_.takes(0);
    if (disk_.files_.contains(path) || disk_.is_directory(path)) return EEXIST;
    if (!disk_.is_directory(above(path))) return ENOENT;
    if (disk_.is_full()) return ENOSPC;
    disk_.directories_.insert(path);
    return 0;
  }

  int remove_all(const std::string& path) override {
    disk_.takes(0);
    const std::string below = path + "/";
    std::erase_if(disk_.files_,
                  [&](const auto& each) { return each.first == path || each.first.starts_with(below); });
    std::erase_if(disk_.rotten_,
                  [&](const auto& each) { return each.first == path || each.first.starts_with(below); });
    std::erase_if(disk_.directories_,
                  [&](const std::string& each) { return each == path || each.starts_with(below); });
    return 0;
  }

  /// As syncfs does it, which also brings down what somebody else has written.
  int sync(const std::string& path) override {
    disk_.takes(0, disk_.pace_.sync);
    if (!disk_.is_directory(path)) return ENOENT;
    if (disk_.syncs && !disk_.syncs(path)) return 0;
    for (auto& [name, file] : disk_.files_) file.synced = file.chunks;
    return 0;
  }

  std::optional<FreeRoom> free_room(const std::string&) override {
    if (!disk_.capacity_) return std::nullopt;
    const std::uint64_t used = disk_.used();
    return FreeRoom{{*disk_.capacity_ > used ? *disk_.capacity_ - used : 0}, {}};
  }

 private:
  SwarmDisk& disk_;
};

SwarmDisk::SwarmDisk(const ContentPool& pool, Random random, DiskPace pace, std::function<Instant()> now,
                     Charge charge)
    : pool_(pool),
      random_(random),
      pace_(pace),
      now_(std::move(now)),
      charge_(std::move(charge)),
      folders_(std::make_unique<Folders>(*this)) {}

SwarmDisk::~SwarmDisk() = default;

TreeFolders& SwarmDisk::folders() { return *folders_; }

}  // namespace tutti::simulation
