// The part of TreeDisk that deals with directories that are complete and of which pieces are wrong.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "peer/disk_fault.hpp"
#include "peer/tree_disk.hpp"
#include "peer/tree_disk_detail.hpp"
#include "peer/tree_folder.hpp"

namespace tutti {

using namespace tree_detail;

OrFault<FileIdentity> TreeDisk::look_at_rest(const std::string& path) {
  const Known known = view_of(path);
  if (!known || known->is_part()) return unknown(path);
  View view = *known;
  if (DiskDone fault = stamp(view, Lack::is_noted)) return *fault;
  const FileIdentity identity = view.identity;
  publish(path, std::move(view));
  return identity;
}

OrFault<TreeReopening> TreeDisk::plan_reopening(const std::string& path, const Bitfield& right) const {
  const Known view = view_of(path);
  if (!view || view->is_part() || view->stamps.empty()) return unknown(path);
  const std::vector<TreeEntry>& entries = view->contents->manifest.entries();
  const OpenedFolder here = folders_.open(view->root);
  TreeReopening plan{right, {}, {}};
  for (PieceIndex piece; piece.value < head_pieces(view->layout, {view->contents->encoded.size()}); ++piece)
    plan.existing.reset(piece);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!view->selected[i]) continue;
    bool bad = false;
    for_each_piece(view->contents->extents, view->layout, i,
                   [&](PieceIndex piece) { bad = bad || !right.has(piece); });
    if (!bad) continue;
    PathStatus status;
    if (here && here->look(entries[i].path, status) == 0) {
      if (!is_file_of(status, entries[i]))
        return DiskFault{Code::file_conflict,
                         fmt::format("{}/{} was changed while it was checked", view->root, entries[i].path)};
      plan.taken.push_back(entries[i].path);
    }
    for_each_piece(view->contents->extents, view->layout, i,
                   [&](PieceIndex piece) { plan.existing.reset(piece); });
  }
  if (!plan.existing.none()) plan.identity = identity_of_pieces(*view, plan.existing);
  return plan;
}

// --- what is taken from the destination ---------------------------------------------------------------------------

DiskDone TreeDisk::list_taken(const TreePart& part, const std::vector<std::string>& taken) {
  const std::string folder = folder_path(part.path);
  if (const int error = make_directory(folders_, folder); error != 0)
    return fault_of_error(error, "make", folder);
  return write_list(list_of(part.path), taken);
}

/// In the place of what was listed there.
DiskDone TreeDisk::write_list(const std::string& list, const std::vector<std::string>& lines) const {
  if (DiskDone fault = files_->remove(list)) return fault;
  if (lines.empty()) return std::nullopt;
  // No name has a line's end in it.
  const std::string text = fmt::format("{}\n", fmt::join(lines, "\n"));
  if (const auto made = files_->make(list, {text.size()}); !made) return made.fault();
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (DiskDone fault = files_->write(list, {}, bytes)) return fault;
  DiskDone fault = files_->sync(list);
  files_->release(list);
  return fault;
}

OrFault<std::vector<std::string>> TreeDisk::lines_of(const std::string& list) const {
  std::vector<std::string> lines;
  const OrFault<FileIdentity> file = files_->identity(list);
  if (!file && file.fault().code == Code::no_such_file) return lines;
  if (!file) return file.fault();
  const OrFault<Payload> text = files_->read(list, {}, file->size);
  files_->release(list);
  if (!text) return text.fault();
  std::string line;
  for (const std::uint8_t byte : text->view())
    if (byte == '\n') {
      lines.push_back(std::exchange(line, {}));
    } else {
      line += static_cast<char>(byte);
    }
  return lines;
}

OrFault<std::vector<std::string>> TreeDisk::taken_from(const std::string& part) const {
  return lines_of(list_of(part));
}

/// All that is in the part and is wanted is about to be moved to the destination.
DiskDone TreeDisk::list_moved(const View& view, const std::string& part) const {
  const OpenedFolder from = folders_.open(view.root);
  if (!from) return fault_of_error(from.error(), "read", view.root);
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    PathStatus status;
    if (view.selected[i] && entries[i].size.value > 0 && from->look(entries[i].path, status) == 0)
      lines.push_back(fmt::format("{} {}", status.identity.inode, entries[i].path));
  }
  return write_list(moved_of(part), lines);
}

/// What was, and still is at the destination: the same file, whatever is in it.
OrFault<std::vector<std::string>> TreeDisk::moved_from(const std::string& part,
                                                       const TreeFolder& here) const {
  const auto lines = lines_of(moved_of(part));
  if (!lines) return lines.fault();
  std::vector<std::string> moved;
  for (const std::string& line : *lines) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const std::string path = line.substr(blank + 1);
    PathStatus status;
    if (here.look(path, status) == 0 && status.kind == PathKind::regular &&
        std::to_string(status.identity.inode) == line.substr(0, blank))
      moved.push_back(path);
  }
  return moved;
}

/// Takes what is listed and has not been taken yet. Answers the pieces in which that is.
OrFault<Bitfield> TreeDisk::take_back(const View& view, const std::string& part) const {
  Bitfield pieces(view.layout.piece_count());
  const auto taken = taken_from(part);
  if (!taken) return taken.fault();
  const OpenedFolder from = folders_.open(view.destination);
  const OpenedFolder to = folders_.open(view.root);
  if (!from) return pieces;
  const auto moved = moved_from(part, *from);
  if (!moved) return moved.fault();
  if (taken->empty() && moved->empty()) return pieces;
  if (!to) return fault_of_error(to.error(), "write to", view.root);
  std::set<std::string> listed(taken->begin(), taken->end());
  listed.insert(moved->begin(), moved->end());
  const std::vector<TreeEntry>& entries = view.contents->manifest.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!listed.contains(entries[i].path)) continue;
    const int error = to->take(*from, entries[i].path);
    if (error == 0)
      for_each_piece(view.contents->extents, view.layout, i, [&](PieceIndex piece) { pieces.set(piece); });
    if (error != 0 && error != EEXIST && !is_gone(error))
      return fault_of_error(error, "take back", view.destination + "/" + entries[i].path);
  }
  return pieces;
}

/// What was taken goes back, as it is now. What somebody has put in its place is not overwritten.
DiskDone TreeDisk::give_back(const Known& view, const std::string& part) const {
  const auto taken = taken_from(part);
  if (!taken) return taken.fault();
  if (taken->empty()) return std::nullopt;
  if (!view)
    return DiskFault{Code::io_error, fmt::format("what was taken to be mended is in {}", folder_path(part))};
  if (const int error = make_directory(folders_, view->destination); error != 0)
    return fault_of_error(error, "make", view->destination);
  const OpenedFolder from = folders_.open(view->root);
  const OpenedFolder to = folders_.open(view->destination);
  if (!from) return is_gone(from.error()) ? DiskDone() : fault_of_error(from.error(), "read", view->root);
  if (!to) return in_the_way(view->destination);
  for (const std::string& path : *taken) {
    const int error = to->take(*from, path);
    const std::string shown = view->destination + "/" + path;
    if (error == EEXIST)
      return DiskFault{Code::destination_exists,
                       fmt::format("{} stands where what was taken from there has to go back: it is in {}",
                                   shown, view->root)};
    if (error != 0 && !is_gone(error)) return fault_of_error(error, "give back", shown);
  }
  return std::nullopt;
}

bool TreeDisk::holds_files(const std::string& path) const {
  const OpenedFolder part = folders_.open(tree_of(path));
  if (!part) return !is_gone(part.error());  // nobody knows
  bool found = false;
  std::vector<std::string> folders{""};
  while (!folders.empty() && !found) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    const int error = part->list(folder, [&](const std::string& name, const PathStatus& status) {
      found = found || status.kind == PathKind::regular;
      if (status.kind == PathKind::directory) folders.push_back(folder.empty() ? name : folder + "/" + name);
      return !found;
    });
    found = found || (error != 0 && !is_gone(error));
  }
  return found;
}

}  // namespace tutti
