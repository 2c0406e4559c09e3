#pragma once

#include <map>
#include <memory>
#include <utility>

#include "actors/actor.hpp"
#include "actors/digest.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_trees.hpp"
#include "peer/disk.hpp"

namespace tutti {

class TreeDisk;

/// Reads and hashes files that lie on the disk, in portions that its askers choose: single pieces in any order, and the
/// whole in stretches. Owns the digests of the whole files under way. Makes sure, too, that files lie on the disk, writes
/// little ones whole, and looks at all that is in a directory, or moves it: that blocks for as long as the disk likes, so
/// storage has a hasher of its own for it.
///
/// Rules: it does one portion at a time and tells at once, so whoever asks decides the order, and a verifier on the same
/// worker is never kept waiting for longer than a portion takes. Files are read in blocks: memory does not grow with the
/// portion, unless its bytes are to be kept.
class FileHasher final
    : public ActorOf<FileHasher, Joined<FileHasherRole::Accepts, TreeKeeperRole::Accepts>> {
 public:
  explicit FileHasher(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  void on(const HashPiece& hash, Context& context);
  void on(const HashStretch& hash, Context& context);
  void on(const DropHashing& drop, Context& context);
  void on(const SyncFile& sync, Context& context);
  void on(const WriteFile& write, Context& context);
  void on(const CheckFile& check, Context& context);
  void on(const FindTree& find, Context& context);
  void on(const FinishTree& finish, Context& context);
  void on(const LookAtTree& look, Context& context);
  void on(const RemoveTree& remove, Context& context);

 private:
  TreeDisk& trees() const;
  void hash_and_keep(const HashPiece& hash, Context& context);

  struct Whole {
    CompanionSha1 hasher;
    ByteCount done;
  };
  /// Two askers may choose the same number for their jobs.
  using JobKey = std::pair<Address, HashJob>;

  const std::shared_ptr<Disk> disk_;
  std::map<JobKey, Whole> wholes_;
};

}  // namespace tutti
