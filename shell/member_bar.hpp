#pragma once

#include <cstddef>
#include <string>

#include "messages/shell_client.hpp"

namespace tutti {

/// How far a member is with its file, in a line of at most `columns`: percent and parts as the originals show them, how many
/// are left, a bar if there is room for one, and what comes of late.
std::string member_bar(const DownloadRow& row, std::size_t columns);

}  // namespace tutti
