#pragma once

#include "peer/tree_folder.hpp"

namespace tutti {

/// The real directories, by openat2.
class PosixFolders final : public TreeFolders {
 public:
  OpenedFolder open(const std::string& path) override;
  int make(const std::string& path) override;
  int remove_all(const std::string& path) override;
  int sync(const std::string& path) override;
  std::optional<FreeRoom> free_room(const std::string& path) override;
};

}  // namespace tutti
