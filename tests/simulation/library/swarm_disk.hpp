#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/random.hpp"
#include "actors/time.hpp"
#include "peer/disk.hpp"
#include "peer/tree_folder.hpp"
#include "tests/simulation/library/content_pool.hpp"

namespace tutti::simulation {

/// How quick a disk is.
struct DiskPace {
  std::uint64_t bytes_per_second = 400'000'000;
  Duration access = std::chrono::microseconds(50);  ///< for each call
  Duration sync = std::chrono::milliseconds(3);
};

/// The disk of one machine of the simulation, with directories. Keeps the rules of Disk, as MemoryDisk does, and has faults that a story chooses:
/// - **slow**: each call takes the time that its pace says, and waits for the ones before it; whoever called waits with it;
/// - **full**: from a number of bytes on, making and writing are refused as disk_full;
/// - **power loss**: of what was written and not synced each chunk of 512 KiB is there, is not, or is torn: its first part is
///   there. Names stay, as a journalling file system keeps them;
/// - **flipped bits**, which leave no trace in a file's identity.
///
/// The bytes lie in the pool as far as it knows them, so copies cost nothing.
class SwarmDisk final : public Disk {
 public:
  using Charge = std::function<void(Duration)>;
  SwarmDisk(const ContentPool& pool, Random random, DiskPace pace, std::function<Instant()> now,
            Charge charge);
  ~SwarmDisk() override;

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
  TreeFolders& folders() override;

  /// With those above it.
  void put_directory(const std::string& path);
  void put_file(const std::string& path, const std::shared_ptr<const Bytes>& content,
                bool executable = false);
  bool has(const std::string& path) const { return files_.contains(path); }
  bool has_directory(const std::string& path) const { return is_directory(path); }
  bool is_executable(const std::string& path) const { return files_.at(path).executable; }
  /// The file is exactly this; or, of the file, this stretch.
  bool holds(const std::string& path, const Bytes& content) const;
  bool holds(const std::string& path, std::uint64_t offset, ByteView stretch) const;
  void set_pace(const DiskPace& pace) { pace_ = pace; }
  const DiskPace& pace() const { return pace_; }
  /// Bytes of all files together; nothing: no end.
  void set_capacity(std::optional<std::uint64_t> bytes) { capacity_ = bytes; }
  void lose_power();
  bool has_lost_power() const { return has_lost_power_; }
  /// One bit of one file, by chance, also of what was synced of it; false if there is none. It stays wrong until it is written.
  bool flip_bit();
  /// A bit was flipped once, be it mended or not: of any file, or at this path or below it.
  bool has_rotted() const { return !have_rotted_.empty(); }
  bool has_rotted(const std::string& path) const;
  /// A bit is wrong at this path, or below it.
  bool is_rotten(const std::string& path) const;

  /// A disk that lies: what these refuse is said to be done. For planted bugs.
  std::function<bool(const std::string& path, std::uint64_t offset)> writes;
  std::function<bool(const std::string& path)> syncs;

 private:
  using Chunks = std::vector<Payload>;  // an empty one: zeros
  struct File {
    std::uint64_t size = 0;
    Chunks chunks;
    Chunks synced;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::uint64_t inode = 0;
    bool executable = false;
  };
  class Folder;
  class Folders;

  bool is_directory(const std::string& path) const { return path == "/" || directories_.contains(path); }
  File& new_file(const std::string& path);
  DiskDone rename_directory(const std::string& from, const std::string& to);
  void put(const std::string& path, std::uint64_t offset, ByteView bytes);
  bool is_full() const { return capacity_ && used() >= *capacity_; }
  bool has_room_for(const File& file, std::uint64_t end) const;
  OrFault<FileIdentity> reserve(const std::string& path, ByteCount size);
  static FileIdentity identity_of(const File& file);
  void touch(File& file) { file.modified_ns = file.changed_ns = ++ticks_; }
  std::uint64_t used() const;
  void takes(std::uint64_t bytes, Duration besides = {});
  static std::uint64_t size_of_chunk(const File& file, std::size_t chunk);
  Bytes bytes_of(const File& file, std::size_t chunk, const Chunks& from) const;

  const ContentPool& pool_;
  Random random_;
  DiskPace pace_;
  std::function<Instant()> now_;
  Charge charge_;
  Instant free_at_{};
  std::map<std::string, File> files_;
  std::set<std::string> directories_;
  std::unique_ptr<Folders> folders_;
  std::map<std::string, std::set<std::uint64_t>> rotten_;  ///< which bytes
  std::set<std::string> have_rotted_;                      ///< under all names that they had since
  std::optional<std::uint64_t> capacity_;
  bool has_lost_power_ = false;
  std::int64_t ticks_ = 0;
  std::uint64_t inodes_ = 0;
};

}  // namespace tutti::simulation
