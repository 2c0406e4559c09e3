#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "messages/bytes.hpp"
#include "peer/disk.hpp"

namespace tutti {

/// A disk in memory whose faults the test chooses. Behaves as PosixDisk does where the rules of Disk speak; times are a
/// counter, so it needs no clock.
class MemoryDisk final : public Disk {
 public:
  OrFault<PathKind> look(const std::string& path) override;
  OrFault<FileIdentity> identity(const std::string& path) override;
  OrFault<Payload> read(const std::string& path, ByteCount offset, ByteCount length) override;
  OrFault<FileIdentity> make(const std::string& path, ByteCount size) override;
  OrFault<FileIdentity> prepare(const std::string& path, ByteCount size) override;
  DiskDone write(const std::string& path, ByteCount offset, ByteView bytes) override;
  DiskDone sync(const std::string& path) override;
  DiskDone rename_new(const std::string& from, const std::string& to) override;
  DiskDone remove(const std::string& path) override;
  void release(const std::string&) override {}

  // What a user does behind our back.
  void put_file(const std::string& path, Bytes content);
  void put_directory(const std::string& path);
  std::optional<Bytes> content(const std::string& path) const;
  /// Cuts the file off.
  void shrink(const std::string& path, ByteCount size);

  // What a disk does behind our back.
  /// Writes and prepare beyond this many bytes in all files are refused as disk_full.
  void set_capacity(ByteCount bytes);
  /// Flips one bit of a file without a trace in its identity.
  void flip_bit(const std::string& path, ByteCount offset, unsigned bit);
  /// Every later read of the file is a fault, until called with false.
  void set_unreadable(const std::string& path, bool unreadable);
  /// A folder is not there for a while, with all that is in it (a volume that is not mounted), until called with false.
  void set_absent(const std::string& folder, bool absent);
  /// The next write stores only its first `bytes` bytes and is a fault.
  void tear_next_write(ByteCount bytes);
  /// Power loss: files fall back to what they held at their last sync; new names stay, as a journalling file system
  /// keeps them.
  void lose_power();

 private:
  struct File {
    Bytes content;
    Bytes synced;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::uint64_t inode = 0;
  };

  bool is_absent(const std::string& path) const;
  bool is_directory(const std::string& path) const;
  File* find(const std::string& path);
  const File* find(const std::string& path) const;
  FileIdentity identity_of(const File& file) const;
  OrFault<FileIdentity> reserve(const std::string& path, ByteCount size);
  File& new_file(const std::string& path);
  void touch(File& file);
  std::uint64_t used() const;

  mutable std::mutex mutex_;
  std::map<std::string, File> files_;
  std::set<std::string> directories_;
  std::set<std::string> unreadable_;
  std::set<std::string> absent_;
  std::optional<ByteCount> capacity_;
  std::optional<ByteCount> tear_at_;
  std::int64_t clock_ = 0;
  std::uint64_t inodes_ = 0;
};

}  // namespace tutti
