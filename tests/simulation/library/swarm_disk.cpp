#include "tests/simulation/library/swarm_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tutti::simulation {

namespace {

constexpr std::size_t chunk_bytes = ContentPool::chunk_bytes;
constexpr std::size_t name_max = 255;

DiskFault fault(Code code, const std::string& path, const std::string& what) {
  return {code, "'" + path + "' " + what};
}
DiskFault not_there(const std::string& path) { return fault(Code::no_such_file, path, "is not there"); }
DiskFault in_the_way(const std::string& path) {
  return fault(Code::destination_exists, path, "exists already");
}
DiskFault no_room(const std::string& path) {
  return fault(Code::disk_full, path, "does not fit on the disk");
}
DiskFault no_file(const std::string& path) { return fault(Code::io_error, path, "is a folder"); }

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::size_t chunks_of(std::uint64_t size) { return (size + chunk_bytes - 1) / chunk_bytes; }

}  // namespace

void SwarmDisk::takes(std::uint64_t bytes, Duration besides) {
  const auto moving =
      static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 /
                                static_cast<double>(std::max<std::uint64_t>(pace_.bytes_per_second, 1)));
  const Instant begins = std::max(now_(), free_at_);
  free_at_ = begins + pace_.access + besides + Duration(moving);
  charge_(free_at_ - now_());
}

OrFault<PathKind> SwarmDisk::look(const std::string& path) {
  takes(0);
  if (path.size() - path.find_last_of('/') - 1 > name_max)
    return fault(Code::io_error, path, "has too long a name");
  if (files_.contains(path)) return PathKind::regular;
  return is_directory(path) ? PathKind::directory : PathKind::nothing;
}

OrFault<FileIdentity> SwarmDisk::identity(const std::string& path) {
  takes(0);
  if (is_directory(path)) return no_file(path);
  const auto file = files_.find(path);
  if (file == files_.end()) return not_there(path);
  return identity_of(file->second);
}

std::uint64_t SwarmDisk::size_of_chunk(const File& file, std::size_t chunk) {
  return std::min<std::uint64_t>(chunk_bytes, file.size - chunk * chunk_bytes);
}

Bytes SwarmDisk::bytes_of(const File& file, std::size_t chunk, const Chunks& from) const {
  Bytes bytes(size_of_chunk(file, chunk));
  if (chunk >= from.size()) return bytes;
  const ByteView view = from[chunk].view();
  std::copy_n(view.begin(), std::min(view.size(), bytes.size()), bytes.begin());
  return bytes;
}

OrFault<Payload> SwarmDisk::read(const std::string& path, ByteCount offset, ByteCount length) {
  takes(length.value);
  const auto found = files_.find(path);
  if (found == files_.end()) return not_there(path);
  const File& file = found->second;
  if (offset.value + length.value > file.size) return fault(Code::io_error, path, "has become shorter");
  const std::size_t first = offset.value / chunk_bytes;
  const std::uint64_t within = offset.value % chunk_bytes;
  // Most reads lie in one chunk, and then nothing is copied.
  if (length.value > 0 && within + length.value <= chunk_bytes &&
      within + length.value <= file.chunks[first].size()) {
    auto kept = std::make_shared<const Payload>(file.chunks[first]);
    const ByteView view = kept->view().subspan(within, length.value);
    return Payload::hold(std::move(kept), view);
  }
  Bytes bytes;
  bytes.reserve(length.value);
  for (std::uint64_t at = offset.value; at < offset.value + length.value;) {
    const std::size_t chunk = at / chunk_bytes;
    const Bytes whole = bytes_of(file, chunk, file.chunks);
    const std::uint64_t begin = at % chunk_bytes;
    const std::uint64_t end = std::min<std::uint64_t>(whole.size(), begin + offset.value + length.value - at);
    bytes.insert(bytes.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin),
                 whole.begin() + static_cast<std::ptrdiff_t>(end));
    at += end - begin;
  }
  return Payload::own(std::move(bytes));
}

OrFault<FileIdentity> SwarmDisk::make(const std::string& path, ByteCount size) {
  takes(0);
  if (files_.contains(path) || is_directory(path)) return in_the_way(path);
  return reserve(path, size);
}

OrFault<FileIdentity> SwarmDisk::prepare(const std::string& path, ByteCount size) {
  takes(0);
  if (is_directory(path)) return no_file(path);
  return reserve(path, size);
}

OrFault<FileIdentity> SwarmDisk::reserve(const std::string& path, ByteCount size) {
  if (!is_directory(folder_of(path))) return not_there(path);
  const auto before = files_.find(path);
  const std::uint64_t held = before == files_.end() ? 0 : before->second.size;
  if (capacity_ && size.value > held && used() - held + size.value > *capacity_) return no_room(path);
  File& file = before == files_.end() ? new_file(path) : before->second;
  file.size = size.value;
  file.chunks.resize(chunks_of(size.value));
  return identity_of(file);
}

DiskDone SwarmDisk::write(const std::string& path, ByteCount offset, ByteView bytes) {
  takes(bytes.size());
  const auto found = files_.find(path);
  if (found == files_.end()) return not_there(path);
  if (writes && !writes(path, offset.value)) return std::nullopt;
  if (!has_room_for(found->second, offset.value + bytes.size())) return no_room(path);
  put(path, offset.value, bytes);
  return std::nullopt;
}

/// Room that is reserved is there, but a disk that is full can also be one that fails amid a file.
bool SwarmDisk::has_room_for(const File& file, std::uint64_t end) const {
  return !capacity_ || used() + (end > file.size ? end - file.size : 0) <= *capacity_;
}

void SwarmDisk::put(const std::string& path, std::uint64_t offset, ByteView bytes) {
  File& file = files_.at(path);
  const std::uint64_t end = offset + bytes.size();
  file.size = std::max(file.size, end);
  file.chunks.resize(chunks_of(file.size));
  for (std::uint64_t at = offset; at < end;) {
    const std::size_t chunk = at / chunk_bytes;
    const std::uint64_t within = at % chunk_bytes;
    const std::uint64_t length = std::min<std::uint64_t>(chunk_bytes - within, end - at);
    const ByteView part = bytes.subspan(at - offset, length);
    if (within == 0 && length == size_of_chunk(file, chunk)) {
      file.chunks[chunk] = pool_.shared(part);
    } else {
      Bytes whole = bytes_of(file, chunk, file.chunks);
      std::copy(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(within));
      file.chunks[chunk] = pool_.shared(whole);
    }
    at += length;
  }
  touch(file);
  const auto rotten = rotten_.find(path);
  if (rotten == rotten_.end()) return;
  rotten->second.erase(rotten->second.lower_bound(offset), rotten->second.lower_bound(end));
  if (rotten->second.empty()) rotten_.erase(rotten);
}

DiskDone SwarmDisk::sync(const std::string& path) {
  takes(0, pace_.sync);
  const auto file = files_.find(path);
  if (file == files_.end()) return is_directory(path) ? DiskDone{} : not_there(path);
  if (syncs && !syncs(path)) return std::nullopt;
  file->second.synced = file->second.chunks;
  return std::nullopt;
}

DiskDone SwarmDisk::rename_new(const std::string& from, const std::string& to) {
  takes(0);
  if (!files_.contains(from) && !is_directory(from)) return not_there(from);
  if (files_.contains(to) || is_directory(to)) return in_the_way(to);
  if (!is_directory(folder_of(to))) return not_there(to);
  if (is_directory(from)) return rename_directory(from, to);
  auto node = files_.extract(from);
  node.key() = to;
  node.mapped().changed_ns = ++ticks_;
  files_.insert(std::move(node));
  if (auto rotten = rotten_.extract(from)) {
    rotten.key() = to;
    rotten_.insert(std::move(rotten));
  }
  if (have_rotted_.contains(from)) have_rotted_.insert(to);
  return std::nullopt;
}

DiskDone SwarmDisk::rename_directory(const std::string& from, const std::string& to) {
  const auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
  const std::string below = from + "/";
  const auto move_all_of = [&](auto& by_path) {
    for (auto each = by_path.lower_bound(below); each != by_path.end() && each->first.starts_with(below);) {
      auto node = by_path.extract(each++);
      node.key() = moved(node.key());
      by_path.insert(std::move(node));
    }
  };
  move_all_of(files_);
  move_all_of(rotten_);
  std::set<std::string> renamed;
  for (const std::string& path : directories_)
    renamed.insert(path == from || path.starts_with(below) ? moved(path) : path);
  directories_ = std::move(renamed);
  for (const std::string& path : std::set<std::string>(have_rotted_))
    if (path.starts_with(below)) have_rotted_.insert(moved(path));
  return std::nullopt;
}

DiskDone SwarmDisk::remove(const std::string& path) {
  takes(0);
  files_.erase(path);
  rotten_.erase(path);
  return std::nullopt;
}

void SwarmDisk::put_directory(const std::string& path) {
  for (std::string folder = path; folder != "/"; folder = folder_of(folder)) directories_.insert(folder);
}

void SwarmDisk::put_file(const std::string& path, const std::shared_ptr<const Bytes>& content,
                         bool executable) {
  put_directory(folder_of(path));
  File& file = files_.contains(path) ? files_.at(path) : new_file(path);
  file.executable = executable;
  file.size = content->size();
  file.chunks.clear();
  for (std::size_t chunk = 0; chunk < chunks_of(file.size); ++chunk)
    file.chunks.push_back(
        Payload::hold(content, ByteView(*content).subspan(chunk * chunk_bytes, size_of_chunk(file, chunk))));
  file.synced = file.chunks;
  touch(file);
  rotten_.erase(path);
}

bool SwarmDisk::holds(const std::string& path, const Bytes& content) const {
  const auto found = files_.find(path);
  return found != files_.end() && found->second.size == content.size() && holds(path, 0, content);
}

bool SwarmDisk::holds(const std::string& path, std::uint64_t offset, ByteView stretch) const {
  const auto found = files_.find(path);
  if (found == files_.end() || found->second.size < offset + stretch.size()) return false;
  const File& file = found->second;
  while (!stretch.empty()) {
    const std::size_t chunk = offset / chunk_bytes;
    const std::uint64_t within = offset % chunk_bytes;
    const ByteView wanted = stretch.subspan(0, std::min<std::uint64_t>(stretch.size(), chunk_bytes - within));
    const ByteView have = file.chunks[chunk].view();
    // Mostly both are the same memory.
    const bool same = within + wanted.size() <= have.size() && have.data() + within == wanted.data();
    if (!same) {
      const Bytes bytes = bytes_of(file, chunk, file.chunks);
      if (!std::equal(wanted.begin(), wanted.end(), bytes.begin() + static_cast<std::ptrdiff_t>(within)))
        return false;
    }
    offset += wanted.size();
    stretch = stretch.subspan(wanted.size());
  }
  return true;
}

void SwarmDisk::lose_power() {
  has_lost_power_ = true;
  for (auto& [path, file] : files_) {
    for (std::size_t chunk = 0; chunk < file.chunks.size(); ++chunk) {
      const ByteView synced = chunk < file.synced.size() ? file.synced[chunk].view() : ByteView{};
      if (file.chunks[chunk].view().data() == synced.data()) continue;
      const std::uint64_t fate = random_.below(3);
      if (fate == 0) continue;
      Bytes after = bytes_of(file, chunk, file.synced);
      if (fate == 1) {
        const Bytes written = bytes_of(file, chunk, file.chunks);
        const auto torn = static_cast<std::ptrdiff_t>(random_.below(after.size() + 1));
        std::copy_n(written.begin(), torn, after.begin());
      }
      file.chunks[chunk] = pool_.shared(after);
    }
    file.synced = file.chunks;
  }
}

bool SwarmDisk::flip_bit() {
  std::vector<std::string> there;
  for (const auto& [path, file] : files_)
    if (file.size > 0) there.push_back(path);
  if (there.empty()) return false;
  const std::string& path = there[random_.below(there.size())];
  File& file = files_.at(path);
  const std::size_t chunk = random_.below(file.chunks.size());
  Bytes bytes = bytes_of(file, chunk, file.chunks);
  const std::size_t byte = random_.below(bytes.size());
  bytes[byte] ^= static_cast<std::uint8_t>(1U << random_.below(8));
  const bool is_synced =
      chunk < file.synced.size() && file.synced[chunk].view().data() == file.chunks[chunk].view().data();
  file.chunks[chunk] = Payload::own(std::move(bytes));
  if (is_synced) file.synced[chunk] = file.chunks[chunk];
  rotten_[path].insert(chunk * chunk_bytes + byte);
  have_rotted_.insert(path);
  return true;
}

bool SwarmDisk::has_rotted(const std::string& path) const {
  return std::any_of(have_rotted_.begin(), have_rotted_.end(),
                     [&](const std::string& each) { return each == path || each.starts_with(path + "/"); });
}

bool SwarmDisk::is_rotten(const std::string& path) const {
  return std::any_of(rotten_.begin(), rotten_.end(), [&](const auto& each) {
    return each.first == path || each.first.starts_with(path + "/");
  });
}

FileIdentity SwarmDisk::identity_of(const File& file) {
  return {{file.size}, file.modified_ns, file.inode, 1, file.changed_ns};
}

SwarmDisk::File& SwarmDisk::new_file(const std::string& path) {
  File& file = files_[path];
  file.inode = ++inodes_;
  touch(file);
  return file;
}

std::uint64_t SwarmDisk::used() const {
  std::uint64_t sum = 0;
  for (const auto& [path, file] : files_) sum += file.size;
  return sum;
}

}  // namespace tutti::simulation
