#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/inside_client.hpp"

// What storage has done to directories that are fetched or were: there may be a million files in one, each of which is looked
// at, and blocks for peers, request counters and the journal do not wait for that. X is the file_hasher that storage calls its checker.
//
//   resuming  = storage:FindTree  X:TreeFound
//   finishing = storage:FinishTree  X:TreeFinished
//   checking  = storage:LookAtTree  X:TreeSeen
//   removing  = storage:RemoveTree  X:TreeRemoved
//
// `path` is that of the part (TreeDisk), sets of pieces are as Bitfield writes them, `tag` comes back with the answer.

namespace tutti {

/// What is there of a directory of `pieces` pieces, now that it is known what is in it?
struct FindTree {
  std::uint64_t tag = 0;
  std::string path;
  std::uint32_t pieces = 0;
  std::vector<std::string> only;
  Bytes known;          ///< pieces that the journal has
  Bytes existing;       ///< those of them that were taken for good at the destination
  FileIdentity whole;   ///< when they were this
  bool doubts = false;  ///< also of pieces that the journal has not got bytes may be there
  TUTTI_MESSAGE(FindTree, 0x0a01, tag, path, pieces, only, known, existing, whole, doubts);
};
/// Or why nobody knows: destination_exists, no_such_file (nothing in it is wanted), disk_full, io_error.
struct TreeFound {
  std::uint64_t tag = 0;
  std::optional<Refused> fault;
  Bytes wanted;
  Bytes existing;      ///< what is taken for good at the destination from now on
  FileIdentity whole;  ///< is this
  Bytes gone;          ///< of those that were known
  Bytes doubtful;      ///< those of the others whose bytes have to be hashed before they are believed
  TUTTI_MESSAGE(TreeFound, 0x0a02, tag, fault, wanted, existing, whole, gone, doubtful);
};

/// All that is wanted has come: it is to be put where it belongs.
struct FinishTree {
  std::uint64_t tag = 0;
  std::string path;
  std::uint32_t pieces = 0;
  Bytes before;  ///< what is known to be there already; empty: nothing
  FileIdentity before_identity;
  TUTTI_MESSAGE(FinishTree, 0x0a03, tag, path, pieces, before, before_identity);
};
/// `pieces` are there now.
struct TreeFinished {
  std::uint64_t tag = 0;
  std::optional<Refused> fault;
  FileIdentity identity;
  Bytes pieces;
  TUTTI_MESSAGE(TreeFinished, 0x0a04, tag, fault, identity, pieces);
};

/// What is a complete directory now? What is missing there is missing.
struct LookAtTree {
  std::uint64_t tag = 0;
  std::string path;
  TUTTI_MESSAGE(LookAtTree, 0x0a05, tag, path);
};
struct TreeSeen {
  std::uint64_t tag = 0;
  std::optional<Refused> fault;
  FileIdentity identity;
  TUTTI_MESSAGE(TreeSeen, 0x0a06, tag, fault, identity);
};

/// The part is not wanted any more: what was taken from the destination goes back, the rest away.
struct RemoveTree {
  std::uint64_t tag = 0;
  std::string path;
  TUTTI_MESSAGE(RemoveTree, 0x0a07, tag, path);
};
struct TreeRemoved {
  std::uint64_t tag = 0;
  std::optional<Refused> fault;
  TUTTI_MESSAGE(TreeRemoved, 0x0a08, tag, fault);
};

using InsideTreesMessages =
    Messages<FindTree, TreeFound, FinishTree, TreeFinished, LookAtTree, TreeSeen, RemoveTree, TreeRemoved>;
/// What storage hears of it.
using TreeAnswers = Messages<TreeFound, TreeFinished, TreeSeen, TreeRemoved>;

/// Looks at all files of directories, and moves them. A file_hasher is one, too.
struct TreeKeeperRole {
  static constexpr std::string_view name = "tree_keeper";
  using Accepts = Messages<FindTree, FinishTree, LookAtTree, RemoveTree>;
};

}  // namespace tutti
