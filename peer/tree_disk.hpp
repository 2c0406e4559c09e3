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
#include "peer/tree_path.hpp"

namespace tutti {

class TreeFolder;
class TreeFolders;

/// What a directory was when it was looked at.
struct TreeSurvey {
  FileIdentity identity;
  ByteCount manifest_size;
  std::vector<std::string> skipped;  ///< links, special files, names that cannot be shared
};
/// A directory that is fetched: where its parts are put, and what path it has in the end.
struct TreePart {
  std::string path;
  std::string finished;
  PieceLayout layout;
  ByteCount manifest_size;
};
/// What is known of a directory whose manifest has come, before its files are looked at.
struct TreeSought {
  std::vector<std::string> only;
  Bitfield known;       ///< pieces that the journal has
  Bitfield existing;    ///< those that were taken for good at the destination
  FileIdentity whole;   ///< when they were this
  bool doubts = false;  ///< also of pieces that are not known bytes may be there
};
/// What is there of it.
struct TreeFindings {
  Bitfield wanted;    ///< the pieces in which anything is that is wanted
  Bitfield existing;  ///< those taken for good at the destination from now on
  FileIdentity whole;
  Bitfield gone;      ///< of the known ones
  Bitfield doubtful;  ///< of the others: to be hashed before they are believed
};
/// What is known to be at the place where something more of the same directory is put.
struct TreeBefore {
  Bitfield pieces;
  FileIdentity identity;
};
/// How a directory of which pieces are wrong is fetched again.
struct TreeReopening {
  Bitfield existing;               ///< the right pieces that stay at the destination
  FileIdentity identity;           ///< of the files in which they are
  std::vector<std::string> taken;  ///< the files that have to be taken from there, as they lack pieces
};

/// Shows directories as the files that they are shared as, and leaves all other paths to the disk below. So nobody who
/// reads, hashes, writes or serves pieces knows of directories.
///
/// Rules:
/// - A path that ends with a slash is that of a directory (tree_path.hpp). What is meant by it is what was in it when it was
///   surveyed, or what the manifest says that it was opened with: what comes to lie there beside that is not part of it.
/// - What is fetched is put into a directory of its own beside the destination, which nobody else knows: the pieces of the
///   manifest into one file (`head`), until what it says is known; the others into the files that they belong to (`tree`).
/// - Nothing at the destination is changed before all is there and right: then the whole gets its name in one step, or,
///   if there is a directory already, each file that is not there yet. What is there is never overwritten, and what is
///   there with other content ends it.
/// - What is found at the destination is identified before it is hashed, and looked at again before it counts as a part of
///   the whole: it belongs to the user, who may change it or take it away.
/// - What has to be fetched again is taken from the destination by name (`taken`, a list of it): so it goes back there
///   when that is given up.
/// - What is about to get its place is listed, too (`moved`), with its inodes. If the end is not remembered, it is taken back and
///   hashed: with the power bytes of it can be lost, and what is wrong then is not somebody else's.
/// - Files are opened for a call and closed: descriptors do not grow with files. None is synced alone.
/// - Paths of a manifest are only ever followed below a directory (TreeFolder).
/// - Thread-safe, as every Disk: what is known of a directory is replaced, never changed.
class TreeDisk final : public Disk {
 public:
  explicit TreeDisk(std::shared_ptr<Disk> files) : files_(std::move(files)), folders_(files_->folders()) {}

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
  TreeFolders& folders() override { return folders_; }
  TreeDisk* trees() override { return this; }

  // --- directories that are shared (tree_disk.cpp)
  /// Looks at all that is in it: this is what the path means from now on.
  OrFault<TreeSurvey> survey(const std::string& path);
  /// What the path means is known from before. `pieces`: of which only these are there; none: all.
  DiskDone open(const std::string& path, ByteView manifest, const PieceLayout& layout,
                std::optional<Bitfield> pieces);
  /// The same for what was fetched by these patterns.
  DiskDone open_fetched(const std::string& path, ByteView manifest, const PieceLayout& layout,
                        const std::vector<std::string>& only);
  /// The pieces that are there, as far as that is known.
  Bitfield pieces_of(const std::string& path, const PieceLayout& layout) const;
  OrFault<Bytes> manifest_of(const std::string& path) const;
  /// Nobody asks for this path any more.
  void forget(const std::string& path);

  // --- directories that are fetched (tree_disk_parts.cpp)
  /// `all`: there has to be room for all of it. Faults: destination_exists, if there is anything; disk_full.
  DiskDone make_part(const TreePart& part, bool all);
  /// True if the pieces of the manifest are where they were put; if not, room is made for them.
  OrFault<bool> resume_part(const TreePart& part);
  /// What the verified pieces of the manifest hold, or as much of it as is the manifest. Faults: integrity, if that says
  /// what no manifest says.
  DiskDone learn(const std::string& path, ByteView head);
  /// Looks at all its files, in the part and at the destination. What is wrong at the destination, or was when it was last
  /// looked at, has to be hashed again; there has to be room for what is missing. Takes as long as there are files. Faults:
  /// destination_exists, no_such_file (nothing in it is wanted), disk_full.
  OrFault<TreeFindings> find(const std::string& path, const TreeSought& sought);
  /// Room for so many bytes and so many files. Faults: disk_full.
  DiskDone check_room(const std::string& path, ByteCount room, std::uint64_t files = 0) const;
  /// Something that was fetched is still in the part.
  bool holds_files(const std::string& path) const;
  // Their end (tree_disk_finish.cpp).
  struct Finished {
    FileIdentity identity;
    Bitfield pieces;  ///< that are there now
  };
  /// All that is wanted has come: puts it where it is to be. What of `before` is still there counts as there, too.
  OrFault<Finished> finish(const std::string& path, const std::optional<TreeBefore>& before = {});
  // What is complete and wrong in places (tree_disk_reopen.cpp).
  /// What is there of a directory, while it is hashed again; what is missing is missing. Faults: file_conflict, if another
  /// file has taken the place of one.
  OrFault<FileIdentity> look_at_rest(const std::string& path);
  /// What has to be done if these pieces are right. Faults: file_conflict.
  OrFault<TreeReopening> plan_reopening(const std::string& path, const Bitfield& right) const;
  /// These files are to be taken from the destination by the next lay_out(), and by remove() given back.
  DiskDone list_taken(const TreePart& part, const std::vector<std::string>& taken);

 private:
  /// What the manifest means with what is at the destination.
  struct Plan {
    Bitfield wanted;
    Bitfield candidates;      ///< of those: all that is in them lies at the destination, if it is the same
    bool existing_is = true;  ///< what was taken for good at the destination is what it was
    Bitfield taken_back;      ///< the pieces in which what was taken from there only now is
    std::uint64_t files = 0;  ///< and folders that are to be made
  };
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
    std::vector<bool> selected = {};        ///< which entries were wanted, if not all
    std::vector<FileIdentity> stamps = {};  ///< of its files, when they were last looked at
    FileIdentity identity = {};
    // Of one that is fetched:
    std::string head = {};
    std::string finished = {};
    std::string destination = {};
    ByteCount head_size = {};
    ByteCount manifest_size = {};
    Bitfield existing = {};
    FileIdentity existing_identity = {};
    bool is_part() const { return !head.empty(); }
  };
  using Known = std::shared_ptr<const View>;

  Known view_of(const std::string& path) const;
  void publish(const std::string& path, View view);
  void publish_in_place_of(const Known& known, const std::string& path, View view);
  static DiskFault unknown(const std::string& path);
  enum class Lack : std::uint8_t { is_fault, is_noted };
  DiskDone stamp(View& view, Lack lack = Lack::is_fault) const;
  static FileIdentity identity_of_stamps(const View& view);
  static FileIdentity identity_of_pieces(const View& view, const Bitfield& pieces);
  DiskDone read_part(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const;
  DiskDone read_whole(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const;
  static void read_manifest(const Contents& contents, ByteCount offset, ByteCount length, std::uint8_t* to);
  DiskDone put(const View& view, ByteCount offset, ByteView bytes) const;
  static OrFault<std::shared_ptr<const Contents>> decode(ByteView manifest, const PieceLayout& layout);
  static std::vector<bool> selected_by(const std::vector<std::string>& only, const Manifest& manifest);
  DiskDone put_empty(const View& view, const std::string& root) const;
  DiskDone check_existing(const View& view) const;
  OrFault<std::vector<FileIdentity>> check_present(const View& view) const;
  static bool has_come_the_same(const View& view, std::size_t entry, const Bitfield& vouched,
                                const TreeFolder& part, const TreeFolder& here);
  std::vector<bool> entries_there(const View& view, const std::optional<TreeBefore>& before,
                                  std::vector<FileIdentity>& expected) const;
  DiskDone move_in(const View& view, const std::vector<FileIdentity>& expected) const;
  DiskDone check_moved(const View& view, const View& shown, const std::vector<bool>& there,
                       const std::vector<FileIdentity>& expected) const;
  static Bitfield complete_pieces(const View& view, const std::vector<bool>& there);
  OrFault<Plan> lay_out(const std::string& path, const std::vector<std::string>& only,
                        const Bitfield& existing, const FileIdentity& identity);
  FileIdentity take_existing(const std::string& path, const Bitfield& existing);
  OrFault<Bitfield> still_there(const std::string& path, const Bitfield& pieces) const;
  OrFault<std::vector<std::string>> taken_from(const std::string& part) const;
  OrFault<std::vector<std::string>> lines_of(const std::string& list) const;
  DiskDone write_list(const std::string& list, const std::vector<std::string>& lines) const;
  DiskDone list_moved(const View& view, const std::string& part) const;
  OrFault<std::vector<std::string>> moved_from(const std::string& part, const TreeFolder& here) const;
  OrFault<Bitfield> take_back(const View& view, const std::string& part) const;
  DiskDone give_back(const Known& view, const std::string& part) const;

  const std::shared_ptr<Disk> files_;
  TreeFolders& folders_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Known> views_;
};

}  // namespace tutti
