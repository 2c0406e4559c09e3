#pragma once

#include <memory>
#include <string>

#include "peer/client_store.hpp"
#include "peer/disk.hpp"

namespace tutti {

/// In a state folder: the keys of the trackers that its client has met.
inline constexpr const char* known_trackers_file = "known_trackers";

/// A client's state folder, locked: as long as this lives no other process opens it. The kernel gives the lock back
/// when the process ends, however it ends, so a stale one cannot be left behind.
class StateFolder {
 public:
  /// Makes the folder (for the owner alone) if need be, locks it, and reads or makes the identity in it.
  static OrFault<std::unique_ptr<StateFolder>> open(const std::string& directory);
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;
  ~StateFolder();

  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }
  const ClientIdentity& identity() const { return identity_; }
  /// One line more at the end of a file of it.
  DiskDone add_line(const std::string& name, const std::string& line);

 private:
  StateFolder(std::string directory, int lock) : directory_(std::move(directory)), lock_(lock) {}
  DiskDone read_or_make_identity();

  std::string directory_;
  int lock_;
  ClientIdentity identity_;
};

}  // namespace tutti
