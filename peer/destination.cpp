#include "peer/destination.hpp"

#include <fmt/format.h>

namespace tutti {

namespace {

/// A name that is as long as names may be leaves no room for more.
constexpr std::size_t stem_max = 200;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::string inside(const std::string& folder, const std::string& name) {
  return folder + (folder.back() == '/' ? "" : "/") + name;
}

DiskDone check_folder(const std::string& folder, const OrFault<PathKind>& kind) {
  if (!kind) return kind.fault();
  if (*kind == PathKind::directory) return std::nullopt;
  if (*kind == PathKind::nothing)
    return DiskFault{Code::no_such_file, fmt::format("there is no folder {}: make it first", folder)};
  return DiskFault{Code::io_error, fmt::format("{} is no folder: choose another destination", folder)};
}

}  // namespace

OrFault<std::string> settle_destination(Disk& disk, std::string wanted, const FileName& name, bool tree) {
  const bool means_folder = wanted.size() > 1 && wanted.back() == '/';
  while (wanted.size() > 1 && wanted.back() == '/') wanted.pop_back();
  const OrFault<PathKind> kind = disk.look(wanted);
  if (!kind) return kind.fault();
  if (means_folder && !(tree && kind && *kind == PathKind::nothing)) {
    if (const DiskDone fault = check_folder(wanted, kind)) return *fault;
  }
  std::string path = *kind == PathKind::directory ? inside(wanted, name.text) : std::move(wanted);
  if (const DiskDone fault = check_destination(disk, path, tree)) return *fault;
  return path;
}

DiskDone check_destination(Disk& disk, const std::string& path, bool tree) {
  const std::string folder = folder_of(path);
  if (DiskDone fault = check_folder(folder, disk.look(folder))) return fault;
  const OrFault<PathKind> kind = disk.look(path);
  if (!kind) return kind.fault();
  if (*kind == PathKind::nothing || (tree && *kind == PathKind::directory)) return std::nullopt;
  return DiskFault{Code::destination_exists,
                   fmt::format("{} exists: remove it or choose another destination", path)};
}

bool leads_to(std::string destination, const FileName& name, const std::string& path) {
  while (destination.size() > 1 && destination.back() == '/') destination.pop_back();
  const std::string_view place = std::string_view(path).substr(0, path.find_last_not_of('/') + 1);
  return !destination.empty() && (place == destination || place == inside(destination, name.text));
}

std::string part_path_of(const std::string& path, const Fid& fid, const ClientKey& client, DownloadId id) {
  std::string stem = path.substr(path.rfind('/') + 1);
  if (stem.size() > stem_max) stem = fid.hex();
  constexpr std::size_t key_digits = 8;
  return inside(folder_of(path),
                fmt::format("{}.{}.{}.part", stem, client.hex().substr(0, key_digits), id.value));
}

}  // namespace tutti
