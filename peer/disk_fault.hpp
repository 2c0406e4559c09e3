#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "peer/disk.hpp"

namespace tutti {

std::string quoted(const std::string& path);

FileIdentity identity_of(const struct stat& status);

/// The fault for what the system said (`error`, an errno) about `doing` something to `path`.
DiskFault fault_of_error(int error, std::string_view doing, const std::string& path);

/// Calls a function that fails with -1 again while a signal interrupts it.
template <class Call>
auto retried(Call&& call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace tutti
