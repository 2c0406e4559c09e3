// The part of TreeDisk that puts what has come to its place.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

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

constexpr std::uint64_t compared_at_a_time = 1U << 20U;

/// Whether a part of two files is the same; what cannot be read is not.
bool same_bytes(const Descriptor& one, const Descriptor& other, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::uint8_t> a(std::min(length, compared_at_a_time));
  std::vector<std::uint8_t> b(a.size());
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t next = std::min(length - done, compared_at_a_time);
    if (read_fully(one.number(), a.data(), next, offset + done) != 0) return false;
    if (read_fully(other.number(), b.data(), next, offset + done) != 0) return false;
    if (std::memcmp(a.data(), b.data(), next) != 0) return false;
    done += next;
  }
  return true;
}

}  // namespace

// --- the end ------------------------------------------------------------------------------------------------------

/// What stands behind the manifest in its last piece goes to its files.
DiskDone TreeDisk::put_head(const View& view) const {
  const ExtentMap& extents = view.contents->extents;
  const TreeFolder part = TreeFolder::open(view.root);
  const TreeFolder here = TreeFolder::open(view.destination);
  if (!part) return fault_of_error(errno, "write to", view.root);
  const ByteCount begin = extents.manifest_size();
  if (begin >= view.head_size) return std::nullopt;
  const OrFault<Payload> bytes = files_->read(view.head, begin, view.head_size - begin);
  if (!bytes) return bytes.fault();
  DiskDone fault;
  extents.for_each_run(begin, view.head_size - begin, [&](const ExtentMap::Run& run) {
    const TreeEntry& entry = view.contents->manifest.entries()[run.entry];
    if (!view.selected[run.entry]) return true;
    const std::uint8_t* from = bytes->view().data() + run.at.value;
    const bool begun = static_cast<bool>(part.open(entry.path, O_PATH));
    if (const Descriptor there = begun || !here ? Descriptor() : here.open(entry.path, O_RDONLY); there) {
      std::vector<std::uint8_t> has(run.length.value);
      if (read_fully(there.number(), has.data(), has.size(), run.offset.value) != 0 ||
          std::memcmp(has.data(), from, has.size()) != 0)
        fault = in_the_way(view.destination + "/" + entry.path);
      return !fault;
    }
    const Descriptor file = part.make_file(entry.path, entry.executable);
    const int error = !file ? errno : write_fully(file.number(), from, run.length.value, run.offset.value);
    if (error != 0) fault = fault_of_error(error, "write to", view.root + "/" + entry.path);
    return !fault;
  });
  return fault;
}

/// Files of no bytes, and directories with nothing in them, which no piece brings.
DiskDone TreeDisk::put_empty(const View& view, const std::string& root) const {
  const TreeFolder folder = TreeFolder::open(root);
  if (!folder) return fault_of_error(errno, "write to", root);
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view.selected[i] || entries[i].size.value != 0) continue;
    int error = 0;
    if (entries[i].directory) {
      error = folder.make_folders(entries[i].path, true);
    } else if (!folder.make_file(entries[i].path, entries[i].executable)) {
      error = errno;
    }
    if (error != 0) return fault_of_error(error, "make", root + "/" + entries[i].path);
  }
  return std::nullopt;
}

/// Nothing at the destination is another than what has come for its place.
DiskDone TreeDisk::check_present(const View& view) const {
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const ExtentMap& extents = view.contents->extents;
  const TreeFolder part = TreeFolder::open(view.root);
  const TreeFolder here = TreeFolder::open(view.destination);
  if (!here) return in_the_way(view.destination);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view.selected[i]) continue;
    struct stat status {};
    if (!here.look(entries[i].path, status)) {
      if (errno != ENOENT) return in_the_way(view.destination + "/" + entries[i].path);
      continue;
    }
    bool same = entries[i].directory ? S_ISDIR(status.st_mode) : is_file_of(status, entries[i]);
    if (same && entries[i].size.value != 0) {
      if (const Descriptor come = part.open(entries[i].path, O_RDONLY)) {
        const Descriptor stands = here.open(entries[i].path, O_RDONLY);
        for_each_piece(extents, view.layout, i, [&](PieceIndex piece) {
          if (!same || view.existing.has(piece)) return;
          const ByteCount begin = std::max(extents.begin_of(i), view.layout.piece_offset(piece));
          const ByteCount end =
              std::min(extents.end_of(i), view.layout.piece_offset(piece) + view.layout.piece_size(piece));
          same = stands && same_bytes(come, stands, (begin - extents.begin_of(i)).value, (end - begin).value);
        });
      }
    }
    if (!same) return in_the_way(view.destination + "/" + entries[i].path);
  }
  return std::nullopt;
}

/// One by one, what is not there yet.
DiskDone TreeDisk::move_in(const View& view) const {
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const TreeFolder part = TreeFolder::open(view.root);
  const TreeFolder here = TreeFolder::open(view.destination);
  if (!part || !here) return fault_of_error(errno, "use", view.destination);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view.selected[i] || entries[i].size.value == 0) continue;
    const int error = here.take(part, entries[i].path);
    if (error == EEXIST) {
      part.remove(entries[i].path);  // they have been compared
    } else if (error != 0 && error != ENOENT) {
      return fault_of_error(error, "make", view.destination + "/" + entries[i].path);
    }
  }
  return put_empty(view, view.destination);
}

/// The pieces that consist of the manifest and entries that are there.
Bitfield TreeDisk::complete_pieces(const View& view, const std::vector<bool>& there) {
  Bitfield pieces = Bitfield::full(view.layout.piece_count());
  for (std::size_t i = 0; i < there.size(); ++i)
    if (!there[i])
      for_each_piece(view.contents->extents, view.layout, i, [&](PieceIndex piece) { pieces.reset(piece); });
  return pieces;
}

OrFault<TreeDisk::Finished> TreeDisk::finish(const std::string& path) {
  const Known view = view_of(path);
  if (!view || !view->contents) return unknown(path);
  if (const DiskDone fault = put_head(*view)) return *fault;
  const bool whole =
      std::all_of(view->selected.begin(), view->selected.end(), [](bool each) { return each; });
  const OrFault<PathKind> kind = files_->look(view->destination);
  if (!kind) return kind.fault();
  bool named = false;
  if (whole && *kind == PathKind::nothing) {
    if (const DiskDone fault = put_empty(*view, view->root)) return *fault;
    const DiskDone fault = files_->rename_new(view->root, view->destination);
    named = !fault;
    if (fault && fault->code != Code::destination_exists) return *fault;
  }
  if (!named) {
    if (const int error = make_directory(view->destination); error != 0)
      return fault_of_error(error, "make", view->destination);
    if (const DiskDone fault = check_present(*view)) return *fault;
    if (const DiskDone fault = move_in(*view)) return *fault;
  }
  View shown{view->contents, view->destination, view->layout};
  Finished finished{{}, complete_pieces(*view, view->selected)};
  if (!whole) shown.pieces = finished.pieces;
  if (const DiskDone fault = stamp(shown)) return *fault;
  finished.identity = shown.identity;
  publish(view->destination + "/", std::move(shown));
  return finished;
}

OrFault<Bitfield> TreeDisk::reopen(const TreePart& part, const std::string& path, const Bitfield& right,
                                   const std::vector<std::string>& only) {
  const Known whole = view_of(path);
  if (!whole || !whole->contents) return unknown(path);
  const auto there = resume_part(part, Bitfield(part.layout.piece_count()));
  if (!there) return there.fault();
  const std::vector<TreeEntry>& entries = whole->contents->manifest.entries();
  const std::string head = head_of(part.path);
  const ByteCount head_size = head_size_of(part.layout, part.manifest_size);
  if (DiskDone fault = files_->write(head, {}, whole->contents->encoded)) return *fault;
  // What is right of the rest; what is not is fetched.
  for (ByteCount at = part.manifest_size; at < head_size;) {
    const ByteCount next = std::min(head_size - at, block_size);
    if (const OrFault<Payload> bytes = read(path, at, next))
      if (DiskDone fault = files_->write(head, at, bytes->view())) return *fault;
    at += next;
  }
  const TreeFolder from = TreeFolder::open(whole->root);
  const TreeFolder to = TreeFolder::open(tree_of(part.path));
  Bitfield stay = right;
  for (std::size_t i = 0; i < entries.size() && from; ++i) {
    bool bad = false;
    for_each_piece(whole->contents->extents, part.layout, i,
                   [&](PieceIndex piece) { bad = bad || !right.has(piece); });
    if (!bad) continue;
    if (const int error = to.take(from, entries[i].path); error != 0 && error != ENOENT)
      return fault_of_error(error, "take back", entries[i].path);
    // Somebody may have made it longer.
    if (const Descriptor file = to.open(entries[i].path, O_WRONLY))
      if (struct stat status{}; ::fstat(file.number(), &status) == 0 &&
                                static_cast<std::uint64_t>(status.st_size) > entries[i].size.value &&
                                ::ftruncate(file.number(), static_cast<off_t>(entries[i].size.value)) != 0)
        return fault_of_error(errno, "write to", entries[i].path);
    for_each_piece(whole->contents->extents, part.layout, i, [&](PieceIndex piece) { stay.reset(piece); });
  }
  for (PieceIndex piece; piece.value < head_pieces(part.layout, part.manifest_size); ++piece)
    stay.reset(piece);
  // What is in it is known, whether or not its manifest has to be fetched again.
  View view = *view_of(part.path);
  view.contents = whole->contents;
  view.selected = selected_by(only, view.contents->manifest);
  view.existing = stay;
  publish(part.path, std::move(view));
  return stay;
}

}  // namespace tutti
