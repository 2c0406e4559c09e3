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
  const std::string list = list_of(part.path);
  if (DiskDone fault = files_->remove(list)) return fault;
  if (taken.empty()) return std::nullopt;
  // No name has a line's end in it.
  const std::string text = fmt::format("{}\n", fmt::join(taken, "\n"));
  if (const auto made = files_->make(list, {text.size()}); !made) return made.fault();
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (DiskDone fault = files_->write(list, {}, bytes)) return fault;
  DiskDone fault = files_->sync(list);
  files_->release(list);
  return fault;
}

OrFault<std::vector<std::string>> TreeDisk::taken_from(const std::string& part) const {
  std::vector<std::string> taken;
  const OrFault<FileIdentity> list = files_->identity(list_of(part));
  if (!list && list.fault().code == Code::no_such_file) return taken;
  if (!list) return list.fault();
  const OrFault<Payload> text = files_->read(list_of(part), {}, list->size);
  files_->release(list_of(part));
  if (!text) return text.fault();
  std::string path;
  for (const std::uint8_t byte : text->view())
    if (byte == '\n') {
      taken.push_back(std::exchange(path, {}));
    } else {
      path += static_cast<char>(byte);
    }
  return taken;
}

/// Takes what is listed and has not been taken yet. Answers the pieces in which that is.
OrFault<Bitfield> TreeDisk::take_back(const View& view, const std::string& part) const {
  Bitfield pieces(view.layout.piece_count());
  const auto taken = taken_from(part);
  if (!taken) return taken.fault();
  const OpenedFolder from = folders_.open(view.destination);
  const OpenedFolder to = folders_.open(view.root);
  if (taken->empty() || !from) return pieces;
  if (!to) return fault_of_error(to.error(), "write to", view.root);
  const std::set<std::string> listed(taken->begin(), taken->end());
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
