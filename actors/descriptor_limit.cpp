#include "actors/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace tutti {

std::size_t raise_descriptor_limit() {
  constexpr rlim_t most = 65536;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised = limit;
  raised.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, most));
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) raised = limit;
  return static_cast<std::size_t>(std::min(raised.rlim_cur, most));
}

}  // namespace tutti
