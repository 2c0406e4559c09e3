// The part of TreeDisk that deals with directories that are fetched.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "peer/disk_fault.hpp"
#include "peer/glob.hpp"
#include "peer/tree_disk.hpp"
#include "peer/tree_disk_detail.hpp"
#include "peer/tree_folder.hpp"

namespace tutti {

using namespace tree_detail;

// --- making room --------------------------------------------------------------------------------------------------

DiskDone TreeDisk::make_part(const TreePart& part) {
  const std::string folder = folder_path(part.path);
  if (::mkdir(folder.c_str(), 0777) != 0) return fault_of_error(errno, "make", folder);
  struct statvfs system {};
  DiskDone fault;
  if (::statvfs(folder.c_str(), &system) == 0 &&
      part.layout.size().value > std::uint64_t{system.f_bavail} * system.f_frsize)
    fault = fault_of_error(ENOSPC, "reserve room for", folder);
  if (!fault)
    if (const auto room = resume_part(part, Bitfield(part.layout.piece_count())); !room) fault = room.fault();
  if (fault) remove(part.path);
  return fault;
}

OrFault<bool> TreeDisk::resume_part(const TreePart& part, const Bitfield& existing) {
  View view{nullptr, tree_of(part.path), part.layout};
  view.head = head_of(part.path);
  view.destination = folder_path(part.destination);
  view.head_size = head_size_of(part.layout, part.manifest_size);
  view.manifest_size = part.manifest_size;
  view.existing = existing;
  for (const std::string& folder : {folder_path(part.path), view.root})
    if (const int error = make_directory(folder); error != 0) return fault_of_error(error, "make", folder);
  const OrFault<FileIdentity> head = files_->identity(view.head);
  const bool there = head && head->size == view.head_size;
  if (const auto room = files_->prepare(view.head, view.head_size); !room) return room.fault();
  publish(part.path, std::move(view));
  return there;
}

std::vector<bool> TreeDisk::selected_by(const std::vector<std::string>& only, const Manifest& manifest) {
  const std::vector<Glob> globs(only.begin(), only.end());
  std::vector<bool> selected(manifest.entries().size(), globs.empty());
  for (std::size_t i = 0; i < selected.size() && !globs.empty(); ++i)
    selected[i] = std::any_of(globs.begin(), globs.end(),
                              [&](const Glob& glob) { return glob.matches(manifest.entries()[i].path); });
  return selected;
}

DiskDone TreeDisk::open_fetched(const std::string& path, ByteView manifest, ByteCount size,
                                const PieceLayout& layout, const std::vector<std::string>& only) {
  if (DiskDone fault = open(path, manifest, size, layout, std::nullopt)) return fault;
  if (only.empty()) return std::nullopt;
  View view = *view_of(path);
  view.pieces = complete_pieces(view, selected_by(only, view.contents->manifest));
  publish(path, std::move(view));
  return std::nullopt;
}

Bitfield TreeDisk::pieces_of(const std::string& path, const PieceLayout& layout) const {
  const Known view = view_of(path);
  return view && view->pieces ? *view->pieces : Bitfield::full(layout.piece_count());
}

OrFault<TreePlan> TreeDisk::lay_out(const std::string& path, const std::vector<std::string>& only) {
  const Known known = view_of(path);
  if (!known || !known->is_part()) return unknown(path);
  View view = *known;
  const PieceLayout& layout = view.layout;
  const OrFault<Payload> bytes = files_->read(view.head, {}, view.manifest_size);
  if (!bytes) return bytes.fault();
  auto contents = decode(bytes->view(), layout.size());
  if (!contents) return contents.fault();
  view.contents = *contents;
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const ExtentMap& extents = view.contents->extents;

  view.selected = selected_by(only, view.contents->manifest);
  if (!only.empty() &&
      std::none_of(view.selected.begin(), view.selected.end(), [](bool each) { return each; }))
    return DiskFault{Code::no_such_file, "nothing in this directory is meant by --only"};

  const OrFault<PathKind> kind = files_->look(view.destination);
  if (!kind) return kind.fault();
  const TreeFolder here =
      *kind == PathKind::nothing ? TreeFolder::none() : TreeFolder::open(view.destination);
  if (*kind != PathKind::nothing && !here) return in_the_way(view.destination);
  TreePlan plan{Bitfield(layout.piece_count()), Bitfield(layout.piece_count())};
  Bitfield lacking(layout.piece_count());  // in which something is that is not at the destination
  for (PieceIndex piece; piece.value < head_pieces(layout, extents.manifest_size()); ++piece) {
    plan.wanted.set(piece);
    lacking.set(piece);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    struct stat status {};
    const bool stands = here && here.look(entries[i].path, status);
    const bool fits =
        stands && (entries[i].directory ? S_ISDIR(status.st_mode) : is_file_of(status, entries[i]));
    // What cannot be looked at for another reason than that it is not there is behind a link, or a file.
    if (view.selected[i] && !fits && here && (stands || errno != ENOENT))
      return in_the_way(view.destination + "/" + entries[i].path);
    for_each_piece(extents, layout, i, [&](PieceIndex piece) {
      if (view.selected[i]) plan.wanted.set(piece);
      if (!fits) lacking.set(piece);
    });
  }
  plan.wanted.for_each([&](PieceIndex piece) {
    if (!lacking.has(piece)) plan.candidates.set(piece);
  });
  publish(path, std::move(view));
  return plan;
}

void TreeDisk::take_existing(const std::string& path, const Bitfield& existing) {
  const Known known = view_of(path);
  if (!known) return;
  View view = *known;
  view.existing = existing;
  publish(path, std::move(view));
}

Bitfield TreeDisk::still_there(const std::string& path, const Bitfield& pieces) const {
  Bitfield there = pieces;
  const Known view = view_of(path);
  if (!view || !view->contents) return there;
  const std::vector<TreeEntry>& entries = view->contents->manifest.entries();
  const TreeFolder part = TreeFolder::open(view->root);
  const TreeFolder here = TreeFolder::open(view->destination);
  std::size_t last = entries.size();
  std::uint64_t sizes[2] = {0, 0};  // of the last entry, at the destination and in the part
  pieces.for_each([&](PieceIndex piece) {
    if (view->layout.piece_offset(piece) < view->head_size) return;
    view->contents->extents.for_each_run(
        view->layout.piece_offset(piece), view->layout.piece_size(piece), [&](const ExtentMap::Run& run) {
          const std::string& name = entries[run.entry].path;
          const auto size_in = [&](const TreeFolder& folder) {
            struct stat status {};
            return folder && folder.look(name, status) && S_ISREG(status.st_mode)
                       ? static_cast<std::uint64_t>(status.st_size)
                       : 0;
          };
          if (run.entry != std::exchange(last, run.entry)) {
            sizes[0] = size_in(here);
            sizes[1] = size_in(part);
          }
          const bool existing = view->existing.has(piece) || sizes[1] == 0;
          if (sizes[existing ? 0 : 1] < run.offset.value + run.length.value) there.reset(piece);
          return true;
        });
  });
  return there;
}

// --- bytes --------------------------------------------------------------------------------------------------------

DiskDone TreeDisk::read_part(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const {
  if (offset < view.head_size) {
    const ByteCount in_head = std::min(length, view.head_size - offset);
    const OrFault<Payload> bytes = files_->read(view.head, offset, in_head);
    if (!bytes) return bytes.fault();
    std::memcpy(to, bytes->view().data(), in_head.value);
    offset += in_head;
    length -= in_head;
    to += in_head.value;
  }
  if (length.value == 0) return std::nullopt;
  if (!view.contents) return unknown(view.root);
  const TreeFolder part = TreeFolder::open(view.root);
  const TreeFolder here = TreeFolder::open(view.destination);
  DiskDone fault;
  while (length.value > 0 && !fault) {
    const PieceIndex piece{static_cast<std::uint32_t>(offset.value / view.layout.piece_length().value)};
    const ByteCount end = view.layout.piece_offset(piece) + view.layout.piece_size(piece);
    const ByteCount next = std::min(length, end - offset);
    view.contents->extents.for_each_run(offset, next, [&](const ExtentMap::Run& run) {
      const std::string& name = view.contents->manifest.entries()[run.entry].path;
      Descriptor file;
      if (!view.existing.has(piece)) file = part.open(name, O_RDONLY);
      // Also what a client moved there before it died.
      if (!file && here) file = here.open(name, O_RDONLY);
      const int error =
          !file ? errno : read_fully(file.number(), to + run.at.value, run.length.value, run.offset.value);
      if (error != 0) fault = fault_of_error(error, "read", view.root + "/" + name);
      return !fault;
    });
    offset += next;
    length -= next;
    to += next.value;
  }
  return fault;
}

DiskDone TreeDisk::write(const std::string& path, ByteCount offset, ByteView bytes) {
  if (!is_tree_path(path)) return files_->write(path, offset, bytes);
  const Known view = view_of(path);
  if (!view || !view->is_part()) return unknown(path);
  if (offset < view->head_size) {
    const std::uint64_t in_head = std::min<std::uint64_t>(bytes.size(), (view->head_size - offset).value);
    if (DiskDone fault = files_->write(view->head, offset, bytes.first(in_head))) return fault;
    offset += {in_head};
    bytes = bytes.subspan(in_head);
  }
  if (bytes.empty()) return std::nullopt;
  if (!view->contents) return unknown(path);
  const TreeFolder part = TreeFolder::open(view->root);
  if (!part) return fault_of_error(errno, "write to", view->root);
  DiskDone fault;
  view->contents->extents.for_each_run(offset, {bytes.size()}, [&](const ExtentMap::Run& run) {
    const TreeEntry& entry = view->contents->manifest.entries()[run.entry];
    const Descriptor file = part.make_file(entry.path, entry.executable);
    const int error =
        !file ? errno
              : write_fully(file.number(), bytes.data() + run.at.value, run.length.value, run.offset.value);
    if (error != 0) fault = fault_of_error(error, "write to", view->root + "/" + entry.path);
    return !fault;
  });
  return fault;
}

}  // namespace tutti
