#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "peer/disk.hpp"
#include "peer/posix_folder.hpp"

namespace tutti {

/// The real disk. Owns the descriptors of the files in use, the least recently used are closed beyond `open_max`, so
/// that hundreds of downloads and shares at once do not use up the process's limit.
/// Rules:
/// - A file is opened without following a link and is used only if fstat calls it regular; opening does not wait for
///   the other end of a pipe.
/// - A kept descriptor is used only while its path still leads to the same file: what another program has put there
///   since is what the caller means.
/// - A descriptor stays valid for a call that is under way even if the cache drops it meanwhile.
/// - Reads are copies, never mappings: a mapped file that shrinks ends the process that reads it.
class PosixDisk final : public Disk {
 public:
  explicit PosixDisk(std::size_t open_max = 128);
  ~PosixDisk() override;

  OrFault<PathKind> look(const std::string& path) override;
  OrFault<FileIdentity> identity(const std::string& path) override;
  OrFault<Payload> read(const std::string& path, ByteCount offset, ByteCount length) override;
  OrFault<FileIdentity> make(const std::string& path, ByteCount size) override;
  OrFault<FileIdentity> prepare(const std::string& path, ByteCount size) override;
  DiskDone write(const std::string& path, ByteCount offset, ByteView bytes) override;
  DiskDone sync(const std::string& path) override;
  DiskDone rename_new(const std::string& from, const std::string& to) override;
  DiskDone remove(const std::string& path) override;
  void release(const std::string& path) override;
  TreeFolders& folders() override { return folders_; }

  /// How many descriptors are kept open now; never more than `open_max`.
  std::size_t open_files() const;

 private:
  class Descriptor;
  using Handle = std::shared_ptr<const Descriptor>;
  struct Kept {
    std::string path;
    bool writable = false;
    Handle handle;
  };

  /// Opens `path` with these flags besides those of every file, and reserves its room.
  OrFault<FileIdentity> open_part(const std::string& path, int flags, ByteCount size);
  OrFault<Handle> handle_of(const std::string& path, bool writable);
  Handle keep(const std::string& path, bool writable, Handle handle);

  PosixFolders folders_;
  const std::size_t open_max_;
  mutable std::mutex mutex_;
  std::list<Kept> kept_;  ///< most recently used first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_path_;
};

}  // namespace tutti
