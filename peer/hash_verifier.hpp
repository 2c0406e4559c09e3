#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "peer/disk.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// Decides whether incoming pieces are right. Owns the digests of the pieces under way; every piece of a download goes
/// to one verifier (piece number modulo their number), so what is said of a piece is said in one place.
///
/// Rules:
/// - A block is hashed and written when it comes, from the very memory it was received into.
/// - A block is written once an attempt: what was hashed is what is on the disk, also if two peers send the same block.
/// - A verified piece is never written again: a late block from somebody else cannot spoil it.
/// - A higher attempt begins the piece anew, a lower one is a straggler and dropped.
/// - Every block gives its credit back, whatever became of it: else a fetcher would starve.
/// - Blocks that came before their turn are kept in memory up to `kept_max`, over all pieces: a peer may begin as many
///   pieces as there are and never send their first block. What is not kept is read back from the file.
class HashVerifier final : public ActorOf<HashVerifier, HashVerifierRole::Accepts> {
 public:
  static constexpr ByteCount kept_max = 8_MiB;

  explicit HashVerifier(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  void on(const BeginPiece& begin, Context& context);
  void on(const StoreBlock& store, Context& context);
  void on(const ForgetPieces& forget, Context& context);
  void check_invariants() const override;

 private:
  struct UnderWay {
    std::uint32_t attempt = 0;
    Address scheduler;
    std::string path;
    PieceLayout layout;
    PieceHasher hasher;
  };
  using Pieces = std::map<PieceIndex, UnderWay>;
  struct Download {
    Pieces under_way;
    std::vector<bool> verified;  ///< grows to the highest piece that this verifier has verified
    bool is_verified(PieceIndex piece) const {
      return piece.value < verified.size() && verified[piece.value];
    }
  };

  void take_block(const StoreBlock& store, Context& context);
  PieceHasher::Added add(UnderWay& piece, const StoreBlock& store, Context& context);
  void drop(Pieces& pieces, Pieces::iterator piece);
  /// Hands bytes that have been hashed out of order, or read back, to their turn.
  DiskDone catch_up(UnderWay& piece, PieceIndex index);
  void judge(Download& download, const StoreBlock& store, Context& context);

  const std::shared_ptr<Disk> disk_;
  std::unordered_map<DownloadId, Download> downloads_;
  ByteCount kept_;  ///< in blocks that wait for their turn
  /// A file that is complete must not be written by a straggler: remembered for good, eight bytes each.
  std::unordered_set<DownloadId> over_;
};

}  // namespace tutti
