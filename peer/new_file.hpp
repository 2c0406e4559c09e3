#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "peer/disk.hpp"

namespace tutti {

/// A file of this machine that is at its path once it is whole, in one step. Before that it has no name, where the file
/// system can do that, so whatever ends this process leaves nothing behind; elsewhere one of its own. Calls block.
class NewFile {
 public:
  /// What becomes of something that is at the path already.
  enum class Place : std::uint8_t { must_be_free, is_taken_over };

  explicit NewFile(std::string path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Appends, or writes where something was written before. Faults: the folder is not there or may not be written to;
  /// disk_full.
  DiskDone write(std::string_view text, std::optional<std::size_t> at = {});
  /// Hands it to the disk and gives it its name; that the name survives a power loss is the system's matter. Faults: destination_exists, if the place has to be free.
  DiskDone finish(Place place);

 private:
  int open();
  int name_it(const std::string& name);

  std::string path_;
  std::string before_;
  bool named_ = false;  // as before_
  int file_;
  int error_ = 0;  // of the opening
  std::size_t end_ = 0;
};

}  // namespace tutti
