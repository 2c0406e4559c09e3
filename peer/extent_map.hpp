#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "messages/units.hpp"
#include "peer/manifest.hpp"

namespace tutti {

/// Where the bytes of the file that a directory is shared as belong: at its beginning stands the manifest, from `begin` on
/// the contents of the entries one behind the other.
class ExtentMap {
 public:
  ExtentMap(const Manifest& manifest, ByteCount begin) : begins_{begin} {
    begins_.reserve(manifest.entries().size() + 1);
    for (const TreeEntry& entry : manifest.entries()) begins_.push_back(begins_.back() + entry.size);
  }

  ByteCount begin() const { return begins_.front(); }
  ByteCount size() const { return begins_.back(); }
  ByteCount begin_of(std::size_t entry) const { return begins_[entry]; }
  ByteCount end_of(std::size_t entry) const { return begins_[entry + 1]; }

  /// A part of one file.
  struct Run {
    std::size_t entry = 0;
    ByteCount offset;  ///< in that file
    ByteCount length;
    ByteCount at;  ///< in what was asked for
  };
  /// Calls `each(Run)` for what of `length` bytes from `offset` lies in files, in order, until it returns false. Costs
  /// the logarithm of the entries and what it finds.
  template <class Each>
  void for_each_run(ByteCount offset, ByteCount length, Each each) const {
    const ByteCount end = std::min(offset + length, size());
    ByteCount at = std::max(offset, begin());
    if (at >= end) return;
    // The last entry that begins there or before: those of no bytes begin where their neighbours do.
    auto entry =
        static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), at) - begins_.begin()) - 1;
    for (; at < end; ++entry) {
      const ByteCount stop = std::min(end, end_of(entry));
      if (stop <= at) continue;
      if (!each(Run{entry, at - begin_of(entry), stop - at, at - offset})) return;
      at = stop;
    }
  }

 private:
  std::vector<ByteCount> begins_;  ///< one more than entries
};

}  // namespace tutti
