#pragma once

#include <cstdint>
#include <string>

namespace tutti {

/// What the same things are called before different users: those of groups, and those of an Orchestra.
struct SwarmWords {
  std::string piece = "piece";
  std::string pieces = "pieces";
  std::uint32_t first = 0;  ///< the number of the first one
  /// Every piece is right and the SHA-1 of the whole is not: what is to be done about it.
  std::string whole_wrong =
      "all pieces are right but the SHA-1 of the whole is not: the disk or whoever shared it first is wrong; "
      "start it "
      "again to fetch it anew";
};

}  // namespace tutti
