#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "messages/bytes.hpp"
#include "messages/units.hpp"
#include "tests/simulation/library/content_pool.hpp"
#include "tests/simulation/library/swarm_disk.hpp"

namespace tutti::simulation {

/// What somebody shares: a file, or a directory of some.
struct Content {
  struct File {
    std::string path;  ///< from the directory on
    bool directory = false;
    bool executable = false;
    std::shared_ptr<const Bytes> bytes;
    std::uint64_t offset = 0;  ///< of its bytes in the whole
  };
  std::shared_ptr<const Bytes> whole;  ///< as pieces see it
  std::vector<File> files;             ///< of a directory
  std::uint64_t manifest = 0;          ///< bytes of the whole in which that is
  std::uint32_t pieces = 0;

  bool is_tree() const { return !files.empty(); }
};

/// How the names of those files of a directory end that are fetched by whoever does not want all.
inline constexpr const char* wanted_by_some = ".a";

/// Bytes that look random, from a seed. With `files`: a directory of so many, some in others, one empty, one without bytes.
Content make_content(ContentPool& pool, std::uint64_t seed, std::uint64_t bytes, std::uint32_t files);

void put_on(SwarmDisk& disk, const std::string& path, const Content& content);
/// All of it is there; or what is wanted by some.
bool is_on(const SwarmDisk& disk, const std::string& path, const Content& content, bool all = true);
/// What of this stretch of a directory's whole is in its files is in files below one of these places.
bool files_hold(const SwarmDisk& disk, const std::vector<std::string>& places, const Content& content,
                std::uint64_t offset, std::uint64_t length);

}  // namespace tutti::simulation
