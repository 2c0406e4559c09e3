#pragma once

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "peer/disk.hpp"
#include "peer/extent_map.hpp"
#include "peer/piece_layout.hpp"
#include "peer/tree_disk.hpp"
#include "peer/tree_folder.hpp"

// What the parts of TreeDisk share.

namespace tutti::tree_detail {

inline std::string head_of(const std::string& path) { return folder_path(path) + "/head"; }
inline std::string tree_of(const std::string& path) { return folder_path(path) + "/tree"; }
inline std::string list_of(const std::string& path) { return folder_path(path) + "/taken"; }
inline std::string moved_of(const std::string& path) { return folder_path(path) + "/moved"; }

/// How many pieces the manifest has. They go into a file of their own until it is known what they say.
inline std::uint32_t head_pieces(const PieceLayout& layout, ByteCount manifest_size) {
  return PieceLayout(manifest_size, layout.piece_length()).piece_count();
}
inline ByteCount head_size_of(const PieceLayout& layout, ByteCount manifest_size) {
  return std::min(layout.size(), ByteCount{head_pieces(layout, manifest_size) * layout.piece_length().value});
}

inline bool is_file_of(const PathStatus& status, const TreeEntry& entry) {
  return status.kind == PathKind::regular && status.identity.size == entry.size;
}

/// What `error` says of a path is that nothing is there.
inline bool is_gone(int error) { return error == ENOENT || error == ENOTDIR; }

/// One that is there is as good.
inline int make_directory(TreeFolders& folders, const std::string& path) {
  const int error = folders.make(path);
  return error == EEXIST ? 0 : error;
}

/// Calls `each(piece)` for the pieces in which an entry is.
template <class Each>
void for_each_piece(const ExtentMap& extents, const PieceLayout& layout, std::size_t entry, Each each) {
  const std::uint64_t length = layout.piece_length().value;
  if (extents.begin_of(entry) == extents.end_of(entry)) return;
  const std::uint64_t last = (extents.end_of(entry).value - 1) / length;
  for (std::uint64_t piece = extents.begin_of(entry).value / length; piece <= last; ++piece)
    each(PieceIndex{static_cast<std::uint32_t>(piece)});
}

/// What is free in a file system is enough for so many bytes and for so many files and folders.
DiskDone check_free(const FreeRoom& there, const std::string& folder, ByteCount room, std::uint64_t files);
DiskFault in_the_way(const std::string& path);
DiskFault no_manifest(std::string_view why);

}  // namespace tutti::tree_detail
