// The part of TreeDisk that deals with directories that are fetched.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "peer/disk_fault.hpp"
#include "peer/glob.hpp"
#include "peer/piece_sets.hpp"
#include "peer/tree_disk.hpp"
#include "peer/tree_disk_detail.hpp"
#include "peer/tree_folder.hpp"

namespace tutti {

using namespace tree_detail;

// --- making room --------------------------------------------------------------------------------------------------

DiskDone tree_detail::check_free(const FreeRoom& there, const std::string& folder, ByteCount room,
                                 std::uint64_t files) {
  if (room > there.bytes) return fault_of_error(ENOSPC, "reserve room for", folder);
  if (there.files && files > *there.files)
    return DiskFault{Code::disk_full,
                     fmt::format("{} files and folders are to be made in {}, whose file system has "
                                 "room for {} more: remove some or choose another destination",
                                 files, quoted(folder), *there.files)};
  return std::nullopt;
}

DiskDone TreeDisk::check_room(const std::string& path, ByteCount room, std::uint64_t files) const {
  const std::optional<FreeRoom> there = folders_.free_room(folder_path(path));
  return there ? tree_detail::check_free(*there, folder_path(path), room, files) : DiskDone();
}

DiskDone TreeDisk::make_part(const TreePart& part, bool all) {
  const std::string folder = folder_path(part.path);
  if (const int error = folders_.make(folder); error != 0) return fault_of_error(error, "make", folder);
  DiskDone fault;
  if (all) fault = check_room(folder, part.layout.size());
  if (!fault)
    if (const auto room = resume_part(part); !room) fault = room.fault();
  if (fault) remove(part.path);
  return fault;
}

OrFault<bool> TreeDisk::resume_part(const TreePart& part) {
  View view{nullptr, tree_of(part.path), part.layout};
  view.head = head_of(part.path);
  view.finished = part.finished;
  view.destination = folder_path(part.finished);
  view.head_size = head_size_of(part.layout, part.manifest_size);
  view.manifest_size = part.manifest_size;
  view.existing = Bitfield(part.layout.piece_count());
  if (const Known before = view_of(part.path)) {
    view.contents = before->contents;
    view.existing = before->existing;
    view.existing_identity = before->existing_identity;
  }
  for (const std::string& folder : {folder_path(part.path), view.root})
    if (const int error = make_directory(folders_, folder); error != 0)
      return fault_of_error(error, "make", folder);
  const OrFault<FileIdentity> head = files_->identity(view.head);
  if (!head && head.fault().code != Code::no_such_file) return head.fault();
  const bool there = head && head->size == view.head_size;
  if (const auto room = files_->prepare(view.head, view.head_size); !room) return room.fault();
  publish(part.path, std::move(view));
  return there;
}

// --- what the manifest says ---------------------------------------------------------------------------------------

DiskFault tree_detail::no_manifest(std::string_view why) {
  return {Code::integrity, fmt::format("what was shared as a directory is none: {}", why)};
}

DiskDone TreeDisk::learn(const std::string& path, ByteView head) {
  const Known known = view_of(path);
  if (!known || !known->is_part()) return unknown(path);
  View view = *known;
  if (head.size() < view.manifest_size.value) return no_manifest("it is cut off");
  auto contents = decode(head.first(view.manifest_size.value), view.layout);
  if (!contents) return contents.fault();
  view.contents = *contents;
  const ByteCount begin = view.contents->extents.begin();
  // What others make of the manifest has zeros there: what has not they could not serve.
  const auto zeros =
      head.first(std::min<std::uint64_t>(head.size(), begin.value)).subspan(view.manifest_size.value);
  if (std::any_of(zeros.begin(), zeros.end(), [](std::uint8_t byte) { return byte != 0; }))
    return no_manifest("there is something between its manifest and its files");
  if (head.size() > begin.value)
    if (DiskDone fault = put(view, begin, head.subspan(begin.value))) return fault;
  publish(path, std::move(view));
  return std::nullopt;
}

std::vector<bool> TreeDisk::selected_by(const std::vector<std::string>& only, const Manifest& manifest) {
  const std::vector<Glob> globs(only.begin(), only.end());
  std::vector<bool> selected(manifest.entries().size(), globs.empty());
  for (std::size_t i = 0; i < selected.size() && !globs.empty(); ++i)
    selected[i] = std::any_of(globs.begin(), globs.end(),
                              [&](const Glob& glob) { return glob.matches(manifest.entries()[i].path); });
  return selected;
}

DiskDone TreeDisk::open_fetched(const std::string& path, ByteView manifest, const PieceLayout& layout,
                                const std::vector<std::string>& only) {
  auto contents = decode(manifest, layout);
  if (!contents) return contents.fault();
  View view{*contents, folder_path(path), layout};
  view.selected = selected_by(only, view.contents->manifest);
  if (!only.empty()) view.pieces = complete_pieces(view, view.selected);
  publish(path, std::move(view));
  return std::nullopt;
}

Bitfield TreeDisk::pieces_of(const std::string& path, const PieceLayout& layout) const {
  const Known view = view_of(path);
  return view && view->pieces ? *view->pieces : Bitfield::full(layout.piece_count());
}

OrFault<TreeDisk::Plan> TreeDisk::lay_out(const std::string& path, const std::vector<std::string>& only,
                                          const Bitfield& existing, const FileIdentity& identity) {
  const Known known = view_of(path);
  if (!known || !known->is_part() || !known->contents) return unknown(path);
  View view = *known;
  const PieceLayout& layout = view.layout;
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  const ExtentMap& extents = view.contents->extents;

  view.selected = selected_by(only, view.contents->manifest);
  if (!only.empty() &&
      std::none_of(view.selected.begin(), view.selected.end(), [](bool each) { return each; }))
    return DiskFault{Code::no_such_file, "nothing in this directory is meant by --only"};

  const OrFault<PathKind> kind = files_->look(view.destination);
  if (!kind) return kind.fault();
  const OpenedFolder here =
      *kind == PathKind::nothing ? OpenedFolder(ENOENT) : folders_.open(view.destination);
  if (*kind != PathKind::nothing && !here) return in_the_way(view.destination);
  if (const OpenedFolder from = folders_.open(view.root); from && here && from->device() != here->device())
    return DiskFault{Code::io_error, fmt::format("{} is another file system than what it is in: choose a "
                                                 "destination in it or beside it",
                                                 view.destination)};
  OrFault<Bitfield> taken = take_back(view, path);
  if (!taken) return taken.fault();

  Plan plan{Bitfield(layout.piece_count()), Bitfield(layout.piece_count()), true, std::move(*taken)};
  Bitfield lacking(
      layout.piece_count());  // in which something is that is not wanted, or not at the destination
  for (PieceIndex piece; piece.value < head_pieces(layout, view.manifest_size); ++piece) {
    plan.wanted.set(piece);
    lacking.set(piece);
  }
  view.stamps.assign(entries.size(), {});
  const OpenedFolder part = folders_.open(view.root);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    PathStatus status;
    const int error = here ? here->look(entries[i].path, status) : ENOENT;
    const bool stands = error == 0;
    const bool fits = stands && (entries[i].directory ? status.kind == PathKind::directory
                                                      : is_file_of(status, entries[i]));
    const std::string shown = view.destination + "/" + entries[i].path;
    // What is behind a link, or a file, is not there and can not be made either.
    if (view.selected[i] && !fits && (stands || error == ELOOP || error == ENOTDIR)) return in_the_way(shown);
    if (view.selected[i] && !stands && error != ENOENT) return fault_of_error(error, "find", shown);
    if (fits) view.stamps[i] = status.identity;
    if (view.selected[i] && !stands && !(part && part->look(entries[i].path, status) == 0)) ++plan.files;
    for_each_piece(extents, layout, i, [&](PieceIndex piece) {
      if (view.selected[i]) plan.wanted.set(piece);
      if (!view.selected[i] || !fits) lacking.set(piece);
    });
  }
  plan.wanted.for_each([&](PieceIndex piece) {
    if (!lacking.has(piece)) plan.candidates.set(piece);
  });
  plan.existing_is = existing.none() || identity_of_pieces(view, existing) == identity;
  publish(path, std::move(view));
  return plan;
}

/// These pieces are taken for good at the destination, where lay_out() has seen them: their identity.
FileIdentity TreeDisk::take_existing(const std::string& path, const Bitfield& existing) {
  const Known known = view_of(path);
  if (!known || !known->contents) return {};
  View view = *known;
  view.existing = existing;
  view.existing_identity = existing.none() ? FileIdentity{} : identity_of_pieces(view, existing);
  const FileIdentity identity = view.existing_identity;
  publish(path, std::move(view));
  return identity;
}

/// Of these pieces, those whose bytes are in the part.
OrFault<Bitfield> TreeDisk::still_there(const std::string& path, const Bitfield& pieces) const {
  Bitfield there = pieces;
  const Known view = view_of(path);
  if (!view || !view->contents) return unknown(path);
  const std::vector<TreeEntry>& entries = view->contents->manifest.entries();
  const OpenedFolder part = folders_.open(view->root);
  if (!part) return fault_of_error(part.error(), "read", view->root);
  DiskDone fault;
  std::size_t last = entries.size();
  std::uint64_t size = 0;  // of the last entry
  pieces.for_each([&](PieceIndex piece) {
    view->contents->extents.for_each_run(
        view->layout.piece_offset(piece), view->layout.piece_size(piece), [&](const ExtentMap::Run& run) {
          const std::string& name = entries[run.entry].path;
          if (run.entry != std::exchange(last, run.entry)) {
            PathStatus status;
            const int error = part->look(name, status);
            if (error != 0 && !is_gone(error)) fault = fault_of_error(error, "find", view->root + "/" + name);
            size = status.kind == PathKind::regular ? status.identity.size.value : 0;
          }
          if (size < run.offset.value + run.length.value) there.reset(piece);
          return !fault;
        });
  });
  if (fault) return *fault;
  return there;
}

OrFault<TreeFindings> TreeDisk::find(const std::string& path, const TreeSought& sought) {
  const Known view = view_of(path);
  if (!view) return unknown(path);
  const PieceLayout layout = view->layout;
  const OrFault<Plan> plan = lay_out(path, sought.only, sought.existing, sought.whole);
  if (!plan) return plan.fault();
  TreeFindings found;
  found.wanted = plan->wanted;
  found.existing = plan->existing_is ? common(sought.existing, sought.known) : Bitfield(sought.known.size());

  const Bitfield fetched = without(sought.known, sought.existing);
  const OrFault<Bitfield> in_part = still_there(path, fetched);
  if (!in_part) return in_part.fault();
  const Bitfield present = joined(*in_part, found.existing);
  found.gone = without(sought.known, present);
  // What was taken from the destination was there until now, where anybody could have changed it.
  const Bitfield candidates = without(plan->candidates, present);
  found.doubtful = joined(common(present, plan->taken_back), candidates);
  found.existing = joined(found.existing, candidates);

  const Bitfield missing = without(without(plan->wanted, present), candidates);
  if (sought.doubts) {
    const OrFault<Bitfield> left = still_there(path, missing);
    if (!left) return left.fault();
    found.doubtful = joined(found.doubtful, *left);
  }
  ByteCount room;
  missing.for_each([&](PieceIndex piece) { room += layout.piece_size(piece); });
  if (DiskDone fault = check_room(path, room, plan->files)) return *fault;
  found.whole = take_existing(path, found.existing);
  return found;
}

// --- bytes --------------------------------------------------------------------------------------------------------

DiskDone TreeDisk::read_part(const View& view, ByteCount offset, ByteCount length, std::uint8_t* to) const {
  const ByteCount begin = view.contents ? view.contents->extents.begin() : view.head_size;
  if (offset < begin) {
    const ByteCount before = std::min(length, begin - offset);
    if (view.contents) {
      read_manifest(*view.contents, offset, before, to);
    } else {
      const OrFault<Payload> bytes = files_->read(view.head, offset, before);
      if (!bytes) return bytes.fault();
      std::memcpy(to, bytes->view().data(), before.value);
    }
    offset += before;
    length -= before;
    to += before.value;
  }
  if (length.value == 0) return std::nullopt;
  if (!view.contents) return unknown(view.root);
  const OpenedFolder part = folders_.open(view.root);
  const OpenedFolder here = folders_.open(view.destination);
  DiskDone fault;
  while (length.value > 0 && !fault) {
    const PieceIndex piece{static_cast<std::uint32_t>(offset.value / view.layout.piece_length().value)};
    const ByteCount end = view.layout.piece_offset(piece) + view.layout.piece_size(piece);
    const ByteCount next = std::min(length, end - offset);
    view.contents->extents.for_each_run(offset, next, [&](const ExtentMap::Run& run) {
      const std::string& name = view.contents->manifest.entries()[run.entry].path;
      // What is at the destination without having been taken for good there is no part of this.
      const OpenedFolder& folder = view.existing.has(piece) ? here : part;
      const int error =
          folder ? folder->read(name, run.offset.value, run.length.value, to + run.at.value) : folder.error();
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
  const ByteCount begin = view->contents ? view->contents->extents.begin() : view->head_size;
  if (offset < begin) {
    const std::uint64_t before = std::min<std::uint64_t>(bytes.size(), (begin - offset).value);
    // What is known already is not believed to be another now.
    if (!view->contents)
      if (DiskDone fault = files_->write(view->head, offset, bytes.first(before))) return fault;
    offset += {before};
    bytes = bytes.subspan(before);
  }
  if (bytes.empty()) return std::nullopt;
  if (!view->contents) return unknown(path);
  return put(*view, offset, bytes);
}

/// Into the files that the bytes belong to.
DiskDone TreeDisk::put(const View& view, ByteCount offset, ByteView bytes) const {
  const OpenedFolder part = folders_.open(view.root);
  if (!part) return fault_of_error(part.error(), "write to", view.root);
  DiskDone fault;
  view.contents->extents.for_each_run(offset, {bytes.size()}, [&](const ExtentMap::Run& run) {
    const TreeEntry& entry = view.contents->manifest.entries()[run.entry];
    const int error = part->write(entry.path, entry.executable, run.offset.value,
                                  bytes.subspan(run.at.value, run.length.value));
    if (error != 0) fault = fault_of_error(error, "write to", view.root + "/" + entry.path);
    return !fault;
  });
  return fault;
}

}  // namespace tutti
