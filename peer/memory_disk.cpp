#include "peer/memory_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tutti {
namespace {

DiskFault no_such_file(const std::string& path) {
  return {Code::no_such_file, "there is no file '" + path + "'; check the path"};
}

DiskFault disk_full(const std::string& path) {
  return {Code::disk_full, "the disk is full: no room for '" + path + "'; make room and try again"};
}

DiskFault exists(const std::string& path) {
  return {Code::destination_exists, "'" + path + "' exists already; remove it or choose another name"};
}

constexpr std::size_t name_max = 255;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

OrFault<PathKind> MemoryDisk::look(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (path.size() - path.find_last_of('/') - 1 > name_max)
    return DiskFault{Code::io_error, "'" + path + "': the name is too long; choose a shorter one"};
  if (find(path) != nullptr) return PathKind::regular;
  return is_directory(path) ? PathKind::directory : PathKind::nothing;
}

OrFault<FileIdentity> MemoryDisk::identity(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (is_directory(path)) return DiskFault{Code::io_error, "'" + path + "' is a folder; name a file"};
  const File* file = find(path);
  if (file == nullptr) return no_such_file(path);
  return identity_of(*file);
}

OrFault<Payload> MemoryDisk::read(const std::string& path, ByteCount offset, ByteCount length) {
  const std::lock_guard lock(mutex_);
  const File* file = find(path);
  if (file == nullptr) return no_such_file(path);
  if (unreadable_.contains(path)) return DiskFault{Code::io_error, "'" + path + "' cannot be read"};
  if (offset.value + length.value > file->content.size())
    return DiskFault{Code::io_error, "'" + path + "' has become shorter while it was in use"};
  const ByteView view = ByteView(file->content).subspan(offset.value, length.value);
  return Payload::own(Bytes(view.begin(), view.end()));
}

OrFault<FileIdentity> MemoryDisk::make(const std::string& path, ByteCount size) {
  const std::lock_guard lock(mutex_);
  if (find(path) != nullptr || is_directory(path)) return exists(path);
  return reserve(path, size);
}

OrFault<FileIdentity> MemoryDisk::prepare(const std::string& path, ByteCount size) {
  const std::lock_guard lock(mutex_);
  if (is_directory(path)) return DiskFault{Code::io_error, "'" + path + "' is a folder; name a file"};
  return reserve(path, size);
}

OrFault<FileIdentity> MemoryDisk::reserve(const std::string& path, ByteCount size) {
  if (!is_directory(parent_of(path))) return no_such_file(path);
  const File* before = find(path);
  const std::uint64_t held = before == nullptr ? 0 : before->content.size();
  if (capacity_ && used() - held + size.value > capacity_->value) return disk_full(path);
  File& file = before == nullptr ? new_file(path) : *find(path);
  file.content.resize(size.value);
  return identity_of(file);
}

DiskDone MemoryDisk::write(const std::string& path, ByteCount offset, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  File* file = find(path);
  if (file == nullptr) return no_such_file(path);
  const std::uint64_t end = offset.value + bytes.size();
  const std::uint64_t growth = end > file->content.size() ? end - file->content.size() : 0;
  if (capacity_ && used() + growth > capacity_->value) return disk_full(path);
  const std::optional<ByteCount> tear = std::exchange(tear_at_, std::nullopt);
  const std::size_t stored = tear ? std::min<std::size_t>(bytes.size(), tear->value) : bytes.size();
  file->content.resize(std::max<std::size_t>(file->content.size(), offset.value + stored));
  if (stored > 0) std::memcpy(file->content.data() + offset.value, bytes.data(), stored);
  touch(*file);
  if (tear) return DiskFault{Code::io_error, "'" + path + "' could not be written whole"};
  return std::nullopt;
}

DiskDone MemoryDisk::sync(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (File* file = find(path); file != nullptr) {
    file->synced = file->content;
    return std::nullopt;
  }
  if (is_directory(path)) return std::nullopt;
  return no_such_file(path);
}

DiskDone MemoryDisk::rename_new(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (find(from) == nullptr) return no_such_file(from);
  if (find(to) != nullptr || is_directory(to)) return exists(to);
  if (!is_directory(parent_of(to))) return no_such_file(to);
  auto node = files_.extract(from);
  node.key() = to;
  node.mapped().changed_ns = ++clock_;
  files_.insert(std::move(node));
  return std::nullopt;
}

DiskDone MemoryDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
  return std::nullopt;
}

void MemoryDisk::put_file(const std::string& path, Bytes content) {
  const std::lock_guard lock(mutex_);
  File& file = find(path) == nullptr ? new_file(path) : *find(path);
  file.content = std::move(content);
  file.synced = file.content;
  touch(file);
}

void MemoryDisk::put_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  directories_.insert(path);
}

std::optional<Bytes> MemoryDisk::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const File* file = find(path);
  return file == nullptr ? std::nullopt : std::optional(file->content);
}

void MemoryDisk::shrink(const std::string& path, ByteCount size) {
  const std::lock_guard lock(mutex_);
  if (File* file = find(path); file != nullptr && file->content.size() > size.value) {
    file->content.resize(size.value);
    touch(*file);
  }
}

void MemoryDisk::set_capacity(ByteCount bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void MemoryDisk::flip_bit(const std::string& path, ByteCount offset, unsigned bit) {
  const std::lock_guard lock(mutex_);
  if (File* file = find(path); file != nullptr && offset.value < file->content.size())
    file->content[offset.value] ^= static_cast<std::uint8_t>(1U << (bit % 8));
}

void MemoryDisk::set_unreadable(const std::string& path, bool unreadable) {
  const std::lock_guard lock(mutex_);
  if (unreadable) {
    unreadable_.insert(path);
  } else {
    unreadable_.erase(path);
  }
}

void MemoryDisk::set_absent(const std::string& folder, bool absent) {
  const std::lock_guard lock(mutex_);
  if (absent) {
    absent_.insert(folder);
  } else {
    absent_.erase(folder);
  }
}

void MemoryDisk::tear_next_write(ByteCount bytes) {
  const std::lock_guard lock(mutex_);
  tear_at_ = bytes;
}

void MemoryDisk::lose_power() {
  const std::lock_guard lock(mutex_);
  for (auto& [path, file] : files_) {
    // The size is part of what was reserved; bytes that never reached the platter read as zeros.
    file.synced.resize(file.content.size());
    file.content = file.synced;
  }
}

bool MemoryDisk::is_absent(const std::string& path) const {
  return std::any_of(absent_.begin(), absent_.end(), [&](const std::string& folder) {
    return path == folder || path.starts_with(folder + "/");
  });
}

bool MemoryDisk::is_directory(const std::string& path) const {
  return path == "/" || (directories_.contains(path) && !is_absent(path));
}

MemoryDisk::File* MemoryDisk::find(const std::string& path) {
  return const_cast<File*>(std::as_const(*this).find(path));
}

const MemoryDisk::File* MemoryDisk::find(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() || is_absent(path) ? nullptr : &found->second;
}

FileIdentity MemoryDisk::identity_of(const File& file) const {
  return {{file.content.size()}, file.modified_ns, file.inode, 1, file.changed_ns};
}

MemoryDisk::File& MemoryDisk::new_file(const std::string& path) {
  File& file = files_[path];
  file.inode = ++inodes_;
  touch(file);
  return file;
}

void MemoryDisk::touch(File& file) { file.modified_ns = file.changed_ns = ++clock_; }

std::uint64_t MemoryDisk::used() const {
  std::uint64_t sum = 0;
  for (const auto& [path, file] : files_) sum += file.content.size();
  return sum;
}

}  // namespace tutti
