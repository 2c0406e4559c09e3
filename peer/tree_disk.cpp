#include "peer/tree_disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/digest.hpp"
#include "peer/disk_fault.hpp"
#include "peer/tree_disk_detail.hpp"
#include "peer/tree_folder.hpp"

namespace tutti {

using namespace tree_detail;

namespace {

DiskFault no_plain_file(const std::string& path) {
  return {Code::io_error, quoted(path) + " is a folder; name a file"};
}

DiskFault changed(const std::string& path) {
  return {Code::file_conflict, path + " has changed since it was shared"};
}

/// Finds all that is in a directory.
class Surveyor {
 public:
  Surveyor(const TreeFolder& folder, std::string root, std::vector<TreeEntry>& entries,
           std::vector<std::string>& skipped)
      : folder_(folder), root_(std::move(root)), entries_(entries), skipped_(skipped) {}

  /// Of the directory at `path` in it; none: all of it.
  DiskDone look(const std::string& path = {}) {
    const std::string shown = path.empty() ? root_ : root_ + "/" + path;
    if (std::count(path.begin(), path.end(), '/') > static_cast<std::ptrdiff_t>(Manifest::depth_max))
      return DiskFault{Code::io_error, shown + " is too deep to be shared"};
    const std::size_t before = entries_.size() + skipped_.size();
    DiskDone fault;
    const int error = folder_.list(path, [&](const std::string& name, const PathStatus& status) {
      if (++found_ > Manifest::entries_max)
        fault = DiskFault{Code::io_error, fmt::format("more than {} files are too many to be shared as one",
                                                      Manifest::entries_max)};
      if (!fault) fault = take(path.empty() ? name : path + "/" + name, status);
      return !fault;
    });
    if (fault) return fault;
    if (error != 0) return fault_of_error(error, "read", shown);
    if (before == entries_.size() + skipped_.size() && !path.empty())
      entries_.push_back({path, true, false, {}});
    return std::nullopt;
  }

 private:
  DiskDone take(const std::string& path, const PathStatus& status) {
    const bool directory = status.kind == PathKind::directory;
    if ((!directory && status.kind != PathKind::regular) || !Manifest::path_fault(path).empty()) {
      skipped_.push_back(path);
      return std::nullopt;
    }
    if (directory) return look(path);
    entries_.push_back({path, false, status.executable, status.identity.size});
    return std::nullopt;
  }

  const TreeFolder& folder_;
  const std::string root_;
  std::vector<TreeEntry>& entries_;
  std::vector<std::string>& skipped_;
  std::size_t found_ = 0;
};

}  // namespace

// --- what is known ------------------------------------------------------------------------------------------------

TreeDisk::Known TreeDisk::view_of(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(path);
  return found == views_.end() ? nullptr : found->second;
}

void TreeDisk::publish(const std::string& path, View view) {
  auto known = std::make_shared<const View>(std::move(view));
  const std::lock_guard lock(mutex_);
  views_[path].swap(known);
}

/// Not, if somebody else has put another one there meanwhile, or has forgotten it.
void TreeDisk::publish_in_place_of(const Known& known, const std::string& path, View view) {
  auto next = std::make_shared<const View>(std::move(view));
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(path);
  if (found != views_.end() && found->second == known) found->second.swap(next);
}

void TreeDisk::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  views_.erase(path);
}

DiskFault TreeDisk::unknown(const std::string& path) {
  return {Code::no_such_file, "it is not remembered what is in " + folder_path(path) + ": share it again"};
}

OrFault<TreeSurvey> TreeDisk::survey(const std::string& path) {
  const std::string root = folder_path(path);
  const OpenedFolder folder = folders_.open(root);
  if (!folder) return fault_of_error(folder.error(), "read", root);
  TreeSurvey survey;
  std::vector<TreeEntry> entries;
  if (const DiskDone fault = Surveyor(*folder, root, entries, survey.skipped).look()) return *fault;
  std::sort(survey.skipped.begin(), survey.skipped.end());
  std::optional<Manifest> manifest = Manifest::of(std::move(entries));
  if (!manifest) return DiskFault{Code::io_error, root + " was changed while it was read: share it again"};
  Bytes encoded = manifest->encode();
  survey.manifest_size = {encoded.size()};
  const std::optional<PieceLayout> layout = PieceLayout::for_tree(survey.manifest_size, manifest->contents());
  if (!layout) return DiskFault{Code::other, root + " is longer than 1 TiB"};
  const ExtentMap extents(*manifest, content_begin(*layout, survey.manifest_size));
  if (survey.manifest_size > Metainfo::manifest_size_max)
    return DiskFault{Code::other, root + " has too many files to be shared as one"};
  View view{std::make_shared<const Contents>(Contents{std::move(*manifest), std::move(encoded), extents}),
            root, *layout};
  if (const DiskDone fault = stamp(view)) return *fault;
  survey.identity = view.identity;
  publish(path, std::move(view));
  return survey;
}

OrFault<std::shared_ptr<const TreeDisk::Contents>> TreeDisk::decode(ByteView manifest,
                                                                    const PieceLayout& layout) {
  const ByteCount begin = content_begin(layout, {manifest.size()});
  Fault fault = "its manifest is longer than all of it";
  std::optional<Manifest> decoded =
      begin > layout.size() ? std::nullopt : Manifest::decode(manifest, layout.size() - begin, fault);
  if (!decoded) return no_manifest(fault);
  const ExtentMap extents(*decoded, begin);
  return std::make_shared<const Contents>(
      Contents{std::move(*decoded), Bytes(manifest.begin(), manifest.end()), extents});
}

DiskDone TreeDisk::open(const std::string& path, ByteView manifest, const PieceLayout& layout,
                        std::optional<Bitfield> pieces) {
  auto contents = decode(manifest, layout);
  if (!contents) return contents.fault();
  View view{*contents, folder_path(path), layout};
  view.pieces = std::move(pieces);
  publish(path, std::move(view));
  return std::nullopt;
}

OrFault<Bytes> TreeDisk::manifest_of(const std::string& path) const {
  const Known view = view_of(path);
  if (!view || !view->contents) return unknown(path);
  return view->contents->encoded;
}

/// Looks at every file again. One of no bytes may be gone: nothing of what is shared is in it.
DiskDone TreeDisk::stamp(View& view, Lack lack) const {
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const OpenedFolder folder = folders_.open(view.root);
  if (!folder && !(lack == Lack::is_noted && is_gone(folder.error())))
    return fault_of_error(folder.error(), "read", view.root);
  view.stamps.assign(entries.size(), {});
  const auto look = [&](std::size_t i) -> DiskDone {
    if (!folder || entries[i].directory || view.stamps[i].inode != 0) return std::nullopt;
    PathStatus status;
    if (const int error = folder->look(entries[i].path, status); error != 0) {
      if (is_gone(error) && (lack == Lack::is_noted || entries[i].size.value == 0)) return std::nullopt;
      return fault_of_error(error, "find", view.root + "/" + entries[i].path);
    }
    if (!is_file_of(status, entries[i])) return changed(view.root + "/" + entries[i].path);
    view.stamps[i] = status.identity;
    return std::nullopt;
  };
  DiskDone fault;
  if (view.pieces) {
    view.pieces->for_each([&](PieceIndex piece) {
      view.contents->extents.for_each_run(view.layout.piece_offset(piece), view.layout.piece_size(piece),
                                          [&](const ExtentMap::Run& run) {
                                            if (!fault) fault = look(run.entry);
                                            return !fault;
                                          });
    });
  } else {
    for (std::size_t i = 0; i < entries.size() && !fault; ++i) fault = look(i);
  }
  if (!fault) view.identity = identity_of_stamps(view);
  return fault;
}

FileIdentity TreeDisk::identity_of_stamps(const View& view) {
  Bytes seen = view.contents->encoded;
  std::int64_t last_change = 0;
  for (const FileIdentity& stamp : view.stamps) {
    last_change = std::max(last_change, stamp.changed_ns);
    for (const std::uint64_t part : {stamp.size.value, static_cast<std::uint64_t>(stamp.modified_ns),
                                     stamp.inode, stamp.device, static_cast<std::uint64_t>(stamp.changed_ns)})
      for (unsigned shift = 0; shift < 64; shift += 8)
        seen.push_back(static_cast<std::uint8_t>(part >> shift));
  }
  const Sha256 digest = sha256(seen);
  const auto word = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8U | digest.bytes[8 * at + i];
    return value;
  };
  return {view.contents->extents.size(), static_cast<std::int64_t>(word(0)), word(1), word(2), last_change};
}

/// The same of the files in which these pieces are.
FileIdentity TreeDisk::identity_of_pieces(const View& view, const Bitfield& pieces) {
  View narrow{view.contents, view.root, view.layout};
  narrow.stamps.resize(view.stamps.size());
  pieces.for_each([&](PieceIndex piece) {
    view.contents->extents.for_each_run(view.layout.piece_offset(piece), view.layout.piece_size(piece),
                                        [&](const ExtentMap::Run& run) {
                                          narrow.stamps[run.entry] = view.stamps[run.entry];
                                          return true;
                                        });
  });
  return identity_of_stamps(narrow);
}

OrFault<FileIdentity> TreeDisk::identity(const std::string& path) {
  if (!is_tree_path(path)) return files_->identity(path);
  const Known known = view_of(path);
  if (!known || known->is_part()) return unknown(path);
  View view = *known;
  if (const DiskDone fault = stamp(view)) return *fault;
  const FileIdentity identity = view.identity;
  if (!(identity == known->identity)) publish_in_place_of(known, path, std::move(view));
  return identity;
}

DiskDone TreeDisk::unchanged(const std::string& path, const FileIdentity& identity, ByteCount offset,
                             ByteCount length) {
  if (!is_tree_path(path)) return files_->unchanged(path, identity, offset, length);
  const Known view = view_of(path);
  if (!view || view->is_part()) return unknown(path);
  if (!(view->identity == identity)) return changed(view->root);
  const OpenedFolder folder = folders_.open(view->root);
  if (!folder) return fault_of_error(folder.error(), "read", view->root);
  DiskDone fault;
  view->contents->extents.for_each_run(offset, length, [&](const ExtentMap::Run& run) {
    const std::string& name = view->contents->manifest.entries()[run.entry].path;
    PathStatus status;
    if (const int error = folder->look(name, status); error != 0) {
      fault = fault_of_error(error, "find", view->root + "/" + name);
    } else if (!(status.identity == view->stamps[run.entry])) {
      fault = changed(view->root + "/" + name);
    }
    return !fault;
  });
  return fault;
}

// --- bytes --------------------------------------------------------------------------------------------------------

OrFault<Payload> TreeDisk::read(const std::string& path, ByteCount offset, ByteCount length) {
  if (!is_tree_path(path)) return files_->read(path, offset, length);
  const Known view = view_of(path);
  if (!view) return unknown(path);
  const auto buffer = std::make_shared_for_overwrite<std::uint8_t[]>(length.value);
  const DiskDone fault = view->is_part() ? read_part(*view, offset, length, buffer.get())
                                         : read_whole(*view, offset, length, buffer.get());
  if (fault) return *fault;
  return Payload::hold(buffer, ByteView(buffer.get(), length.value));
}

/// What of the bytes is the manifest, or the zeros behind it.
void TreeDisk::read_manifest(const Contents& contents, ByteCount offset, ByteCount length, std::uint8_t* to) {
  if (offset >= contents.extents.begin()) return;
  length = std::min(length, contents.extents.begin() - offset);
  const ByteCount size{contents.encoded.size()};
  const ByteCount text = offset < size ? std::min(length, size - offset) : ByteCount{};
  if (text.value > 0) std::memcpy(to, contents.encoded.data() + offset.value, text.value);
  std::memset(to + text.value, 0, (length - text).value);
}

DiskDone TreeDisk::read_whole(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const {
  const Contents& contents = *view.contents;
  if (offset + length > contents.extents.size()) return changed(view.root);
  read_manifest(contents, offset, length, to);
  const OpenedFolder folder = folders_.open(view.root);
  if (!folder) return fault_of_error(folder.error(), "read", view.root);
  DiskDone fault;
  contents.extents.for_each_run(offset, length, [&](const ExtentMap::Run& run) {
    const TreeEntry& entry = contents.manifest.entries()[run.entry];
    const int error =
        folder->read(entry.path, run.offset.value, run.length.value, to + run.at.value, entry.size);
    const std::string shown = view.root + "/" + entry.path;
    if (error != 0) fault = error == ENODATA ? changed(shown) : fault_of_error(error, "read", shown);
    return !fault;
  });
  return fault;
}

OrFault<FileIdentity> TreeDisk::make(const std::string& path, ByteCount size) {
  if (!is_tree_path(path)) return files_->make(path, size);
  return no_plain_file(path);
}

OrFault<FileIdentity> TreeDisk::prepare(const std::string& path, ByteCount size) {
  if (!is_tree_path(path)) return files_->prepare(path, size);
  return no_plain_file(path);
}

DiskDone TreeDisk::sync(const std::string& path) {
  if (!is_tree_path(path)) return files_->sync(path);
  const int error = folders_.sync(folder_path(path));
  return error == 0 ? DiskDone() : fault_of_error(error, "sync", path);
}

DiskDone TreeDisk::rename_new(const std::string& from, const std::string& to) {
  return files_->rename_new(folder_path(from), folder_path(to));
}

/// Of a directory only one that was made here to fetch another goes, when what was taken into it is back at its place.
DiskDone TreeDisk::remove(const std::string& path) {
  if (!is_tree_path(path)) return files_->remove(path);
  const Known view = view_of(path);
  if (view && !view->is_part()) return no_plain_file(path);
  if (DiskDone fault = give_back(view, path)) return fault;
  release(path);
  forget(path);
  const int error = folders_.remove_all(folder_path(path));
  return error == 0 ? DiskDone() : fault_of_error(error, "remove", path);
}

void TreeDisk::release(const std::string& path) {
  if (!is_tree_path(path)) return files_->release(path);
  if (const Known view = view_of(path); view && view->is_part()) files_->release(view->head);
}

}  // namespace tutti
