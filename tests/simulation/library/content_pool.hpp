#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/payload.hpp"

namespace tutti::simulation {

/// The contents of all files of a simulation, each held once: a thousand clients that have the same file share its bytes.
/// Nothing about an outcome depends on it, only memory does.
class ContentPool {
 public:
  static constexpr std::size_t chunk_bytes = 512U << 10U;

  /// Bytes that look random, from a seed.
  std::shared_ptr<const Bytes> make(std::uint64_t seed, std::size_t bytes);
  /// The same bytes, held by the pool if it knows them: `view` begins where a chunk of some content does.
  Payload shared(ByteView view) const;
  /// The handle of whoever reads a payload from a socket: not the sender's, who counts what is held of his.
  Payload received(const Payload& payload) const;

 private:
  using Key = std::array<std::uint8_t, 16>;
  struct Place {
    std::shared_ptr<const Bytes> content;
    std::size_t offset = 0;
  };
  std::map<Key, Place> by_beginning_;
  std::map<const std::uint8_t*, std::shared_ptr<const Bytes>> by_address_;
};

}  // namespace tutti::simulation
