#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "peer/bitfield.hpp"
#include "peer/disk.hpp"
#include "peer/extent_map.hpp"
#include "peer/manifest.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// The path of a directory that stands for the file that it is shared as.
inline bool is_tree_path(std::string_view path) { return path.ends_with('/'); }
/// The same as others name it.
inline std::string folder_path(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

/// What a directory was when it was looked at.
struct TreeSurvey {
  FileIdentity identity;
  ByteCount manifest_size;
  std::vector<std::string> skipped;  ///< links, special files, names that cannot be shared
};
/// A directory that is fetched: where its parts are put, and where they are to be in the end.
struct TreePart {
  std::string path;
  std::string destination;
  PieceLayout layout;
  ByteCount manifest_size;
};
/// What is to be done about a directory whose manifest has come.
struct TreePlan {
  Bitfield wanted;      ///< the pieces in which anything is that is wanted
  Bitfield candidates;  ///< of those: all that is in them lies at the destination, if it is the same
};

/// Shows directories as the files that they are shared as, and leaves all other paths to the disk below. So nobody who
/// reads, hashes, writes or serves pieces knows of directories.
///
/// Rules:
/// - A path that ends with a slash is that of a directory. What is meant by it is what was in it when it was surveyed, or
///   what the manifest says that it was opened with: what comes to lie there beside that is not part of it.
/// - What is fetched is put into a directory of its own beside the destination, which nobody else knows: the pieces in
///   which the manifest is into one file (`head`), the others into the files that they belong to (`tree`).
/// - Nothing at the destination is changed before all is there and right: then the whole gets its name in one step, or,
///   if there is a directory already, each file that is not there yet. What is there is never overwritten, and what is
///   there with other content ends it.
/// - Files are opened for a call and closed: descriptors do not grow with files. None is synced alone.
/// - Paths of a manifest are only ever followed below a directory (TreeFolder).
/// - Thread-safe, as every Disk: what is known of a directory is replaced, never changed.
class TreeDisk final : public Disk {
 public:
  explicit TreeDisk(std::shared_ptr<Disk> files) : files_(std::move(files)) {}

  OrFault<PathKind> look(const std::string& path) override { return files_->look(folder_path(path)); }
  OrFault<FileIdentity> identity(const std::string& path) override;
  OrFault<Payload> read(const std::string& path, ByteCount offset, ByteCount length) override;
  OrFault<FileIdentity> make(const std::string& path, ByteCount size) override;
  OrFault<FileIdentity> prepare(const std::string& path, ByteCount size) override;
  DiskDone write(const std::string& path, ByteCount offset, ByteView bytes) override;
  DiskDone sync(const std::string& path) override;
  DiskDone rename_new(const std::string& from, const std::string& to) override;
  DiskDone remove(const std::string& path) override;
  void release(const std::string& path) override;
  DiskDone unchanged(const std::string& path, const FileIdentity& identity, ByteCount offset,
                     ByteCount length) override;
  TreeDisk* trees() override { return this; }

  // --- directories that are shared (tree_disk.cpp)
  /// Looks at all that is in it: this is what the path means from now on.
  OrFault<TreeSurvey> survey(const std::string& path);
  /// What the path means is known from before. `pieces`: of which only these are there; none: all.
  DiskDone open(const std::string& path, ByteView manifest, ByteCount size, const PieceLayout& layout,
                std::optional<Bitfield> pieces);
  /// The same for what was fetched by these patterns.
  DiskDone open_fetched(const std::string& path, ByteView manifest, ByteCount size, const PieceLayout& layout,
                        const std::vector<std::string>& only);
  /// The pieces that are there, as far as that is known.
  Bitfield pieces_of(const std::string& path, const PieceLayout& layout) const;
  bool knows(const std::string& path) const { return view_of(path) != nullptr; }
  OrFault<Bytes> manifest_of(const std::string& path) const;

  // --- directories that are fetched (tree_disk_parts.cpp)
  /// Faults: destination_exists, if there is anything; disk_full.
  DiskDone make_part(const TreePart& part);
  /// True if the pieces of the manifest are where they were put; if not, room is made for them.
  OrFault<bool> resume_part(const TreePart& part, const Bitfield& existing);
  /// The pieces of the manifest are verified: what it says, and what that means with what is at the destination. Faults:
  /// integrity (it says what no manifest says), destination_exists, no_such_file (nothing in it is wanted).
  OrFault<TreePlan> lay_out(const std::string& path, const std::vector<std::string>& only);
  /// These pieces are right at the destination.
  void take_existing(const std::string& path, const Bitfield& existing);
  /// Of these pieces, those whose bytes are there.
  Bitfield still_there(const std::string& path, const Bitfield& pieces) const;
  // Their end (tree_disk_finish.cpp).
  struct Finished {
    FileIdentity identity;
    Bitfield pieces;  ///< that are there now
  };
  /// All that is wanted has come: puts it where it is to be.
  OrFault<Finished> finish(const std::string& path);
  /// The opposite, for what has these pieces only: every file that lacks any is put back into `part`. Answers which pieces
  /// stay at the destination.
  OrFault<Bitfield> reopen(const TreePart& part, const std::string& path, const Bitfield& right,
                           const std::vector<std::string>& only);

 private:
  struct Contents {
    Manifest manifest;
    Bytes encoded;
    ExtentMap extents;
  };
  struct View {
    std::shared_ptr<const Contents> contents;  ///< none: the manifest has not come
    std::string root;                          ///< the directory in which its files are
    PieceLayout layout;
    // Of one that is shared:
    std::optional<Bitfield> pieces = {};    ///< that are there, if not all
    std::vector<FileIdentity> stamps = {};  ///< of its files, when its identity was last asked for
    FileIdentity identity = {};
    // Of one that is fetched:
    std::string head = {};
    std::string destination = {};
    ByteCount head_size = {};
    ByteCount manifest_size = {};
    std::vector<bool> selected = {};
    Bitfield existing = {};
    bool is_part() const { return !head.empty(); }
  };
  using Known = std::shared_ptr<const View>;

  Known view_of(const std::string& path) const;
  void publish(const std::string& path, View view);
  static DiskFault unknown(const std::string& path);
  DiskDone stamp(View& view) const;
  DiskDone read_part(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const;
  DiskDone read_whole(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const;
  static OrFault<std::shared_ptr<const Contents>> decode(ByteView manifest, ByteCount size);
  static std::vector<bool> selected_by(const std::vector<std::string>& only, const Manifest& manifest);
  DiskDone put_head(const View& view) const;
  DiskDone put_empty(const View& view, const std::string& root) const;
  DiskDone check_present(const View& view) const;
  DiskDone move_in(const View& view) const;
  static Bitfield complete_pieces(const View& view, const std::vector<bool>& there);

  const std::shared_ptr<Disk> files_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Known> views_;
};

}  // namespace tutti
