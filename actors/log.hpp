#pragma once

#include <string>
#include <string_view>

namespace tutti {

/// Sends log lines to a file (appended) or, with an empty path, to standard error. `level` is one of trace, debug,
/// info, warning, error, off. Returns what is wrong, or nothing. Until it is called warnings go to standard error.
std::string configure_log(const std::string& path, std::string_view level);

/// One line each; control characters in it are shown escaped, so that a name from the network cannot forge lines or
/// drive a terminal. Safe on any thread.
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warning(std::string_view line);
void log_error(std::string_view line);

}  // namespace tutti
