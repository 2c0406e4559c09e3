#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "peer/disk.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/piece_layout.hpp"
#include "peer/whole_chain.hpp"
#include "peer/work_meter.hpp"

namespace tutti {

/// Decides whether incoming pieces are right, and what the SHA-1 of the whole is. Owns the digests of the downloads under
/// way. All of a download goes to one verifier: so what is said of a piece is said in one place, one thread at a time
/// writes a file, and the whole is hashed along with its pieces. Several downloads use several cores.
///
/// Rules:
/// - A block is written when it comes, from the very memory it was received into. It is hashed then, too, unless its piece
///   is a little ahead of where the SHA-1 of the whole is: then it is held until that comes, but `held_max` at the most
///   and within kept_max, since hashing both in one pass saves a third. Several sources do not keep to an order exactly.
///   On a slow line, where that would not come in time, a piece can so be served a moment after it has come.
/// - A block is written once an attempt: what was hashed is what is on the disk, also if two peers send the same block.
/// - A verified piece is never written again: a late block from somebody else cannot spoil it. Nor is anything of a
///   download that has not begun or has ended.
/// - A higher attempt begins the piece anew, a lower one is a straggler and dropped.
/// - Every block gives its credit back, whatever became of it: else a fetcher would starve.
/// - Blocks that came before their turn are kept in memory up to `kept_max`, over all pieces: a peer may begin as many
///   pieces as there are and never send their first block. What is not kept is read back from the file.
/// - What the whole lacks of pieces that came out of order is read back as soon as its chain has come to them, so that it
///   is where the next pieces come; but not more than `read_back_max` at a time, since blocks wait meanwhile.
class HashVerifier final
    : public ActorOf<HashVerifier, Joined<HashVerifierRole::Accepts, Messages<ReadBackDue, HeldDue>>> {
 public:
  static constexpr ByteCount kept_max = 8_MiB;
  static constexpr ByteCount read_back_max = 4_MiB;
  /// How far ahead of the SHA-1 of the whole a piece may be to be held.
  static constexpr ByteCount held_ahead{2 * kept_max.value};
  static constexpr Duration held_max = std::chrono::milliseconds(50);

  explicit HashVerifier(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  void on(const BeginDownload& begin, Context& context);
  void on(const BeginPiece& begin, Context& context);
  void on(const StoreBlock& store, Context& context);
  void on(const EndDownload& end, Context& context);
  void on(const ReportWriting& report, Context& context);
  void on(const ReadBackDue& due, Context& context);
  void on(const HeldDue& due, Context& context);
  void check_invariants() const override;

 private:
  struct UnderWay {
    std::uint32_t attempt = 0;
    PieceHasher hasher;
    std::optional<Instant> held_since = {};
  };
  using Pieces = std::map<PieceIndex, UnderWay>;
  struct Download {
    Address scheduler;
    std::string path;
    WholeChain whole;
    std::uint32_t run = 0;
    bool whole_told = false;
    Pieces under_way;
    WorkMeter work = {};
  };

  /// Returns how much of the time went to the disk.
  Duration take_block(const StoreBlock& store, Context& context);
  PieceHasher::Added add(Download& download, UnderWay& piece, const StoreBlock& store, Context& context);
  void drop(Download& download, Pieces::iterator piece);
  void drop_pieces(Download& download);
  /// Hands bytes that have been hashed out of order, or read back, to their turn.
  DiskDone catch_up(Download& download, UnderWay& piece, PieceIndex index);
  bool to_be_held(const Download& download, const StoreBlock& store, ByteCount bytes) const;
  void release(DownloadId id, Download& download, Pieces::iterator piece, Context& context);
  void proceed(DownloadId id, Download& download, Pieces::iterator piece, const DiskDone& fault,
               Context& context);
  void judge(DownloadId id, Download& download, Pieces::iterator piece, Context& context);
  void follow(DownloadId id, Download& download, Context& context);
  void go_on(DownloadId id, Download& download, Context& context);
  DiskDone read_back(Download& download);

  const std::shared_ptr<Disk> disk_;
  std::map<DownloadId, Download> downloads_;
  ByteCount kept_;              ///< in blocks that wait for their turn
  bool read_back_due_ = false;  ///< ReadBackDue is on its way
  bool held_due_ = false;       ///< so is HeldDue
};

}  // namespace tutti
