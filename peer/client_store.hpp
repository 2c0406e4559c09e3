#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "messages/client_tracker.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/bitfield.hpp"
#include "peer/disk.hpp"

namespace tutti {

/// Who this client is: a Curve25519 key pair (crypto_box), made with the state folder and kept for its life.
struct ClientIdentity {
  ClientKey key;
  std::array<std::uint8_t, 32> secret{};  ///< never leaves the process
  bool operator==(const ClientIdentity&) const = default;
};

/// Which pieces of a download the journal vouches for.
struct JournalledPieces {
  Bitfield verified;  ///< the bytes in the part file are these pieces
  Bitfield doubtful;  ///< were verified, but the machine went down before they were synced: verify again
  bool operator==(const JournalledPieces&) const = default;
};

/// Leaves what people want to know of a file that is complete.
inline void drop_digests(Metainfo& metainfo) {
  metainfo.piece_sha1 = {};
  metainfo.piece_sha256 = {};
}

/// What a client remembers between two runs: who it is, which request counters are used, what its users share, download
/// and have exported to Orchestras, which pieces are verified, and which limits they have set. Decides what is still to be trusted after a crash.
///
/// Rules:
/// - One client a state folder. Two would use the same request ids and write the same part files.
/// - Every call is one transaction and survives `kill -9` when it has returned. What also survives a power loss: the
///   identity, the request counters, and every piece that mark_synced() was called for.
/// - Verified pieces: a piece is journalled after its bytes were handed to pwrite. The system's cache keeps them both
///   if only the process dies, so nothing is verified again. If the machine dies, the journal can have reached the disk
///   and the bytes not. So each entry carries the boot id of the machine (a number that the kernel draws at each
///   boot); entries of another boot are `doubtful` unless mark_synced() came after a sync of the part file.
/// - The same holds for shares, as a download that was just completed is one: a share of another boot comes back with an
///   identity that fits no file, so it is hashed again, unless mark_share_synced() came after a sync of the file.
/// - A request counter is handed out once, ever: counters are reserved on the disk before the first of them is used.
///   What a crash leaves of them is skipped.
/// - Thread-safe. Calls block for microseconds; reserving counters for one sync of the disk.
/// - A fault is the disk's: disk_full or io_error, with a sentence. The call then changed nothing.
/// - A share or a download of which the record is damaged is left out of a list, with a line in the log: the others are
///   as good as before.
class ClientStore {
 public:
  static constexpr std::uint64_t exports_max = 1024;

  ClientStore() = default;
  ClientStore(const ClientStore&) = delete;
  ClientStore& operator=(const ClientStore&) = delete;
  virtual ~ClientStore() = default;

  virtual const ClientIdentity& identity() const = 0;
  /// The first of `count` counters in a row; none of them was or will be reserved a second time. From 1.
  virtual OrFault<RequestCounter> reserve_request_counters(std::uint32_t count) = 0;

  /// Remembers a share; one of the same user, group and file is replaced.
  virtual DiskDone put_share(const ShareRecord& share) = 0;
  /// The content of the shared file was synced after put_share() with this identity.
  virtual DiskDone mark_share_synced(const Uid& uid, const Gid& gid, const Fid& fid,
                                     const FileIdentity& identity) = 0;
  /// One that is not there is no fault.
  virtual DiskDone forget_share(const Uid& uid, const Gid& gid, const Fid& fid) = 0;
  /// Those of one user, in the order they were first shared.
  virtual OrFault<std::vector<ShareRecord>> shares_of(const Uid& uid) = 0;

  /// Never the same twice while the folder lives, even if the download is forgotten.
  virtual OrFault<DownloadId> next_download_id() = 0;
  /// Remembers a download, or what is new about it (its id tells which). Its verified pieces stay.
  virtual DiskDone put_download(const DownloadRecord& download) = 0;
  /// These pieces are verified and were handed to the disk (see the class comment).
  virtual DiskDone journal(DownloadId id, std::span<const PieceIndex> pieces) = 0;
  /// The part file was synced after these pieces had been written in this boot.
  virtual DiskDone mark_synced(DownloadId id, std::span<const PieceIndex> pieces) = 0;
  /// These pieces are not what they were thought to be (found corrupt when verified again, or the part file is gone).
  virtual DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) = 0;
  /// The download is complete: its pieces need no journal any more, its file is this share from now on. All or nothing:
  /// a complete download that nobody shares would be a promise to the trackers that is not kept.
  virtual DiskDone complete_download(const DownloadRecord& download,
                                     const std::optional<ShareRecord>& share) = 0;
  /// The opposite: the file of a complete download is no share any more and has to be fetched again but for these pieces.
  virtual DiskDone reopen_download(const DownloadRecord& download, std::span<const PieceIndex> pieces) = 0;
  /// One that is not there is no fault. What was a share of its file stays one.
  virtual DiskDone forget_download(DownloadId id) = 0;
  /// One download, with the digests of its pieces; nothing if it is not there.
  virtual OrFault<std::optional<DownloadRecord>> download_of(DownloadId id) = 0;
  /// Those of one user, oldest first; complete ones without the digests of their pieces, which nobody needs again.
  virtual OrFault<std::vector<DownloadRecord>> downloads_of(const Uid& uid) = 0;
  /// Of a download of so many pieces; none of one that is not there.
  virtual OrFault<JournalledPieces> pieces_of(DownloadId id, std::uint32_t count) = 0;

  /// Remembers the manifest of a directory as long as a share or a download of it is remembered.
  virtual DiskDone put_manifest(const Fid& fid, ByteView manifest) = 0;
  virtual OrFault<std::optional<Bytes>> manifest_of(const Fid& fid) = 0;

  /// Remembers that a file was exported to an Orchestra, in the place of what was said of it before. Of very many the
  /// oldest are forgotten.
  virtual DiskDone put_export(const OrchExport& exported) = 0;
  virtual OrFault<std::vector<OrchExport>> exports() = 0;
  /// Remembers the key of a tracker in a file that people can read and edit: known_trackers.
  virtual DiskDone remember_tracker(const std::string& endpoint, const LinkKey& key) = 0;

  /// In the place of all limits before.
  virtual DiskDone put_limits(std::span<const RateLimit> limits) = 0;
  /// In the order in which they were put.
  virtual OrFault<std::vector<RateLimit>> limits() = 0;
};

/// Opens the state folder, making it and what is in it if need be (SQLite database `client.db`, secret key `identity`
/// readable by its owner alone, `lock`; `known_trackers` when a tracker was met). Faults: another client uses the folder; it is not writable; it was written by
/// a newer version.
OrFault<std::unique_ptr<ClientStore>> open_client_store(const std::string& directory);
/// The same on a machine that says its boot id is `boot_id`, for tests of power losses.
OrFault<std::unique_ptr<ClientStore>> open_client_store(const std::string& directory,
                                                        const std::string& boot_id);

/// Remembers as long as it lives; nothing fails and nothing is doubtful. For tests and simulations.
std::unique_ptr<ClientStore> make_memory_client_store(const ClientIdentity& identity);

}  // namespace tutti
