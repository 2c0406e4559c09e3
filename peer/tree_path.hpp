#pragma once

#include <string>
#include <string_view>

#include "messages/inside_client.hpp"

namespace tutti {

// A path that ends with a slash is that of a directory, and stands for the file that it is shared as. What that is changes
// with what is put into the directory: so what was found in it at one time, or was fetched into it, has a path of its
// own, the directory's, two slashes, a name for it, and a slash. No path that a user gives has two.

inline bool is_tree_path(std::string_view path) { return path.ends_with('/'); }

/// The directory itself, as everybody else names it.
inline std::string folder_path(std::string_view path) {
  if (const std::size_t name = path.find("//"); name != std::string_view::npos) path = path.substr(0, name);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path.empty() ? "/" : std::string(path);
}

/// What people are shown.
inline std::string shown_path(std::string_view path) {
  return is_tree_path(path) ? folder_path(path) + "/" : std::string(path);
}

inline std::string tree_path(std::string_view directory, std::string_view name) {
  return folder_path(directory) + "//" + std::string(name) + "/";
}

/// The path that what has been fetched is shared under.
inline std::string shared_path(const DownloadRecord& download) {
  return download.metainfo.is_tree()
             ? tree_path(download.path, "fetched-" + std::to_string(download.id.value))
             : download.path;
}
/// The same as it is while it is hashed again: only what was there when that began.
inline std::string rechecked_path(const DownloadRecord& download) {
  return download.metainfo.is_tree()
             ? tree_path(download.path, "rechecked-" + std::to_string(download.id.value))
             : download.path;
}

}  // namespace tutti
