#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/bytes.hpp"
#include "messages/message.hpp"
#include "messages/units.hpp"

namespace tutti {

/// A file of a shared directory, or a directory that has nothing in it: those that have are implied by what they hold.
struct TreeEntry {
  std::string path;  ///< from the shared directory on, without a slash at either end
  bool directory = false;
  bool executable = false;
  ByteCount size;
  bool operator==(const TreeEntry&) const = default;
};

/// What is in a shared directory: the first bytes of the file that it is shared as. The contents of its files follow in
/// the order of the entries. Decides which names may be in one.
///
/// Rules:
/// - One set of entries, one manifest, byte for byte: it is part of what a directory's id is a hash of. So entries are
///   sorted, and what could be said in two ways is refused in one of them.
/// - A path is one that can be made below a directory and nowhere else: relative, of names that a file may have, none of
///   them `.` or `..`; no entry lies below another.
/// - Sorted by names, so `a/b` comes before `a.b`, and what lies below an entry would stand right behind it.
/// - What is made of it is bounded, not only what is sent: a path can be four bytes in a manifest and 4,000 in memory, and
///   a hundred directories on a disk.
///
/// Bytes: `tutti-tree-1\n`, then for each entry a byte of flags (1: directory, 2: executable), how many bytes its path
/// shares with the one before, how many more it has, those, and the size of a file. Numbers are LEB128.
class Manifest {
 public:
  /// Files and directories, those that are only implied among them.
  static constexpr std::size_t entries_max = 1'000'000;
  /// All paths together.
  static constexpr std::size_t all_paths_bytes_max = 256U << 20U;
  static constexpr std::size_t path_bytes_max = 4000;
  static constexpr std::size_t depth_max = 100;

  /// What is wrong with a path; empty if nothing is.
  static Fault path_fault(std::string_view path);
  /// Sorts the entries. Their paths must have passed path_fault(). Nothing if one lies below another or is there twice, or if
  /// they are too many.
  static std::optional<Manifest> of(std::vector<TreeEntry> entries);
  /// From somebody who is not trusted. `contents`: what the sizes have to add up to. Nothing, and why in `fault`.
  static std::optional<Manifest> decode(ByteView bytes, ByteCount contents, Fault& fault);
  Bytes encode() const;

  const std::vector<TreeEntry>& entries() const { return entries_; }
  ByteCount contents() const { return contents_; }

 private:
  explicit Manifest(std::vector<TreeEntry> entries) : entries_(std::move(entries)) {}
  Fault check();

  std::vector<TreeEntry> entries_;
  ByteCount contents_;
};

}  // namespace tutti
