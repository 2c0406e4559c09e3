#pragma once

#include <string>

#include "messages/client_tracker.hpp"
#include "messages/units.hpp"
#include "peer/disk.hpp"

namespace tutti {

// Where a download goes. What can be wrong with that place is found before the first byte is fetched, and said as the
// contract has it: a folder that is not there is no_such_file, what is in the way destination_exists, and what can hold
// no file io_error.

/// The path of the file, when the user gave `wanted`: a folder, in which the file keeps its name, or the path itself. One
/// that ends with a slash is meant as a folder. Faults: see check_destination.
OrFault<std::string> settle_destination(Disk& disk, std::string wanted, const FileName& name,
                                        bool tree = false);
/// A file can be made at `path`: its folder is there, the name fits, and nothing stands in the way; of a `tree` a folder
/// may, which is added to.
DiskDone check_destination(Disk& disk, const std::string& path, bool tree = false);
/// True if a file of this name that is sent to `destination` ends up at `path`: whether the destination is a folder is
/// known by whoever settled `path`.
bool leads_to(std::string destination, const FileName& name, const std::string& path);
/// The name of the part file: beside the destination, so that the final rename stays within one file system; with the
/// client's key and the download's id, so that no two downloads write one file, not even those of two clients.
std::string part_path_of(const std::string& path, const Fid& fid, const ClientKey& client, DownloadId id);

}  // namespace tutti
