// The part of TreeDisk that puts what has come to its place.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "peer/disk_fault.hpp"
#include "peer/tree_disk.hpp"
#include "peer/tree_disk_detail.hpp"
#include "peer/tree_folder.hpp"

namespace tutti {

using namespace tree_detail;

DiskFault tree_detail::in_the_way(const std::string& path) {
  return {Code::destination_exists,
          fmt::format(
              "{} exists and is another than what is to be there: remove it or choose another destination",
              path)};
}

namespace {

DiskFault changed_meanwhile(const std::string& path) {
  return {
      Code::file_conflict,
      fmt::format("{} was changed or taken away while the directory was fetched: start the download again",
                  path)};
}

constexpr std::uint64_t compared_at_a_time = 1U << 20U;

/// Whether a part of two files is the same; what cannot be read is not.
bool same_bytes(const TreeFolder& one, const TreeFolder& other, const std::string& path, std::uint64_t offset,
                std::uint64_t length) {
  std::vector<std::uint8_t> a(std::min(length, compared_at_a_time));
  std::vector<std::uint8_t> b(a.size());
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t next = std::min(length - done, compared_at_a_time);
    if (one.read(path, offset + done, next, a.data()) != 0) return false;
    if (other.read(path, offset + done, next, b.data()) != 0) return false;
    if (std::memcmp(a.data(), b.data(), next) != 0) return false;
    done += next;
  }
  return true;
}

}  // namespace

// --- the end ------------------------------------------------------------------------------------------------------

/// Files of no bytes, and directories with nothing in them, which no piece brings.
DiskDone TreeDisk::put_empty(const View& view, const std::string& root) const {
  const OpenedFolder folder = folders_.open(root);
  if (!folder) return fault_of_error(folder.error(), "write to", root);
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view.selected[i] || entries[i].size.value != 0) continue;
    const int error = entries[i].directory ? folder->make_folders(entries[i].path, true)
                                           : folder->write(entries[i].path, entries[i].executable, 0, {});
    if (error != 0) return fault_of_error(error, "make", root + "/" + entries[i].path);
  }
  return std::nullopt;
}

/// What was taken for good at the destination is still what it was when that was found out.
DiskDone TreeDisk::check_existing(const View& view) const {
  if (view.existing.none()) return std::nullopt;
  View here{view.contents, view.destination, view.layout};
  here.pieces = view.existing;
  if (!stamp(here) && here.identity == view.existing_identity) return std::nullopt;
  return changed_meanwhile(view.destination);
}

/// Nothing at the destination is another than what has come for its place, and what is not there has come. Answers what
/// each file is that is to be there: those that have to be moved there as they are before that, without a time of change.
OrFault<std::vector<FileIdentity>> TreeDisk::check_present(const View& view) const {
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const OpenedFolder part = folders_.open(view.root);
  const OpenedFolder here = folders_.open(view.destination);
  if (!here) return in_the_way(view.destination);
  if (!part) return fault_of_error(part.error(), "read", view.root);
  std::vector<FileIdentity> expected(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view.selected[i]) continue;
    const std::string shown = view.destination + "/" + entries[i].path;
    PathStatus status;
    if (const int error = here->look(entries[i].path, status); error == 0) {
      if (entries[i].directory ? status.kind != PathKind::directory : !is_file_of(status, entries[i]))
        return in_the_way(shown);
      if (entries[i].size.value == 0) continue;
      expected[i] = status.identity;
      if (!has_come_the_same(view, i, view.existing, *part, *here)) return in_the_way(shown);
    } else if (error != ENOENT) {
      return in_the_way(shown);
    } else if (entries[i].size.value != 0) {
      if (part->look(entries[i].path, status) != 0 || !is_file_of(status, entries[i]))
        return changed_meanwhile(shown);
      expected[i] = status.identity;
      expected[i].changed_ns = 0;
    }
  }
  return expected;
}

/// The entries that are at the destination in the end: those that are wanted; and of the others those that stand there as they
/// are to be, because `before` vouches for their pieces or they have just come, with others that are wanted. What those are is
/// put into `expected`.
std::vector<bool> TreeDisk::entries_there(const View& view, const std::optional<TreeBefore>& before,
                                          std::vector<FileIdentity>& expected) const {
  std::vector<bool> there = view.selected;
  if (!before) return there;
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const OpenedFolder part = folders_.open(view.root);
  const OpenedFolder here = folders_.open(view.destination);
  if (!part || !here) return there;
  std::vector<FileIdentity> stands(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    PathStatus status;
    if (!there[i] && entries[i].size.value > 0 && here->look(entries[i].path, status) == 0 &&
        is_file_of(status, entries[i]))
      stands[i] = status.identity;
  }
  View now{view.contents, view.destination, view.layout};
  if (!before->pieces.all()) now.pieces = before->pieces;
  if (stamp(now) || !(now.identity == before->identity)) return there;
  Bitfield vouched = before->pieces;
  view.existing.for_each([&](PieceIndex piece) { vouched.set(piece); });
  Bitfield known = vouched;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (view.selected[i])
      for_each_piece(view.contents->extents, view.layout, i, [&](PieceIndex piece) { known.set(piece); });
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (there[i] || stands[i] == FileIdentity{}) continue;
    bool all = true;
    for_each_piece(view.contents->extents, view.layout, i,
                   [&](PieceIndex piece) { all = all && known.has(piece); });
    if (!all || !has_come_the_same(view, i, vouched, *part, *here)) continue;
    there[i] = true;
    expected[i] = stands[i];
  }
  return there;
}

/// What of this file has come is what stands at the destination. Of the pieces in `vouched` that is known.
bool TreeDisk::has_come_the_same(const View& view, std::size_t entry, const Bitfield& vouched,
                                 const TreeFolder& part, const TreeFolder& here) {
  const ExtentMap& extents = view.contents->extents;
  const std::string& name = view.contents->manifest.entries()[entry].path;
  bool same = here.read(name, 0, 0, nullptr) == 0;
  for_each_piece(extents, view.layout, entry, [&](PieceIndex piece) {
    if (!same || vouched.has(piece)) return;
    const ByteCount begin = std::max(extents.begin_of(entry), view.layout.piece_offset(piece));
    const ByteCount end =
        std::min(extents.end_of(entry), view.layout.piece_offset(piece) + view.layout.piece_size(piece));
    same = same_bytes(part, here, name, (begin - extents.begin_of(entry)).value, (end - begin).value);
  });
  return same;
}

/// One by one, what is not there yet.
DiskDone TreeDisk::move_in(const View& view, const std::vector<FileIdentity>& expected) const {
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const OpenedFolder part = folders_.open(view.root);
  const OpenedFolder here = folders_.open(view.destination);
  if (!part) return fault_of_error(part.error(), "use", view.root);
  if (!here) return fault_of_error(here.error(), "use", view.destination);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view.selected[i] || entries[i].size.value == 0) continue;
    const std::string shown = view.destination + "/" + entries[i].path;
    if (expected[i].changed_ns != 0) {
      part->remove(entries[i].path);  // they have been compared
    } else if (const int error = here->take(*part, entries[i].path); error != 0) {
      return error == EEXIST ? in_the_way(shown) : fault_of_error(error, "make", shown);
    }
  }
  return put_empty(view, view.destination);
}

/// What is there in the end is what was compared and moved.
DiskDone TreeDisk::check_moved(const View& view, const View& shown, const std::vector<bool>& there,
                               const std::vector<FileIdentity>& expected) const {
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const OpenedFolder here = folders_.open(view.destination);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!there[i] || entries[i].size.value == 0) continue;
    FileIdentity now = shown.stamps[i];
    PathStatus status;
    if (now == FileIdentity{} && here && here->look(entries[i].path, status) == 0) now = status.identity;
    if (expected[i].changed_ns == 0) now.changed_ns = 0;
    if (!(now == expected[i])) return changed_meanwhile(view.destination + "/" + entries[i].path);
  }
  return std::nullopt;
}

/// The pieces that consist of the manifest and entries that are there.
Bitfield TreeDisk::complete_pieces(const View& view, const std::vector<bool>& there) {
  Bitfield pieces = Bitfield::full(view.layout.piece_count());
  for (std::size_t i = 0; i < there.size(); ++i)
    if (!there[i])
      for_each_piece(view.contents->extents, view.layout, i, [&](PieceIndex piece) { pieces.reset(piece); });
  return pieces;
}

OrFault<TreeDisk::Finished> TreeDisk::finish(const std::string& path,
                                             const std::optional<TreeBefore>& before) {
  const Known view = view_of(path);
  if (!view || !view->contents) return unknown(path);
  if (const DiskDone fault = check_existing(*view)) return *fault;
  const bool whole =
      std::all_of(view->selected.begin(), view->selected.end(), [](bool each) { return each; });
  const OrFault<PathKind> kind = files_->look(view->destination);
  if (!kind) return kind.fault();
  if (const DiskDone fault = list_moved(*view, path)) return *fault;
  bool named = false;
  if (whole && *kind == PathKind::nothing) {
    if (const DiskDone fault = put_empty(*view, view->root)) return *fault;
    // What cannot be done in one step (not every file system can) is done file by file.
    named = !files_->rename_new(view->root, view->destination);
  }
  std::vector<FileIdentity> moved;
  std::vector<bool> there = view->selected;
  if (!named) {
    if (const int error = make_directory(folders_, view->destination); error != 0)
      return fault_of_error(error, "make", view->destination);
    auto expected = check_present(*view);
    if (!expected) return expected.fault();
    moved = std::move(*expected);
    there = entries_there(*view, before, moved);
    // From now on what was taken from there goes back as it is to be.
    if (const DiskDone fault = files_->remove(list_of(path))) return *fault;
    if (const DiskDone fault = move_in(*view, moved)) return *fault;
  }
  View shown{view->contents, view->destination, view->layout};
  Finished finished{{}, complete_pieces(*view, there)};
  if (!finished.pieces.all()) shown.pieces = finished.pieces;
  if (const DiskDone fault = stamp(shown)) return *fault;
  if (!named)
    if (const DiskDone fault = check_moved(*view, shown, there, moved)) return *fault;
  finished.identity = shown.identity;
  publish(view->finished, std::move(shown));
  return finished;
}

}  // namespace tutti
