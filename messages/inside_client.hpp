#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"

// What the actors of one client say to each other. The shell's part is in shell_client.hpp, the peers' in
// peer_peer.hpp. X is whoever asks; an answer goes to the one who asked.
//
//   requests     = X:Ask  tracker_link:Told
//   session      = tracker_link:SessionChanged | tracker_link:GroupLeft      to librarian and scheduler
//   reports      = tracker_link:PieceReported                                to librarian and scheduler
//                  X:HashPiece  file_hasher:( PieceHashed | HashFailed )
//                | librarian:ShareDamaged  scheduler:DamageSettled
//   request ids  = tracker_link:ReserveCounters  storage:CountersReserved
//   trackers     = tracker_link:RememberTracker                              to storage
//
//   hashing      = librarian:HashPiece  file_hasher:( PieceHashed | HashFailed )
//                | librarian:HashStretch  file_hasher:( StretchHashed | HashFailed )  |  librarian:DropHashing
//                | storage:HashPiece  file_hasher:( PieceHashed | HashFailed )
//                | storage:HashStretch  file_hasher:( StretchHashed | HashFailed )  |  storage:DropHashing
//                | storage:SyncFile  file_hasher:FileSynced
//                | exporter:WriteFile + payload  file_hasher:FileSynced
//                | storage:CheckFile  file_hasher:FileChecked                 of directories
//   shares       = librarian:RecallShares  storage:SharesRecalled
//                | librarian:CheckFile  storage:FileChecked
//                | librarian:RememberShare | librarian:ForgetShare
//                | librarian:DownloadUnshared                                 to scheduler
//
//   serving      = X:ServeFile  *( X:ServePiece )  ( X:StopServing | uploader:ServingFailed )
//                | uploader:FileWanted                                        to scheduler
//   reading      = uploader:ReadBlock  storage:( BlockRead + payload | BlockUnreadable )
//
//   downloads    = scheduler:RecallDownloads  storage:DownloadsRecalled
//                | scheduler:PrepareDownload  storage:( DownloadPrepared | DownloadRefused )
//                  *( scheduler:JournalPiece | scheduler:KeepPrivate )
//                  [ scheduler:FinishDownload  storage:( DownloadFinished | DownloadRefused ) ]
//                  [ scheduler:SettleDownload ]
//                | scheduler:KeepWishes
//                | scheduler:ForgetDownload  storage:( DownloadForgotten | DownloadRefused )
//   rechecking   = scheduler:RecheckDownload  *( storage:RecheckProgress )
//                  storage:( DownloadPrepared | DownloadRefused | DownloadSound | DownloadUnsound )
//                  after DownloadUnsound:
//                  scheduler:ReturnShare  librarian:ShareReturned
//                  scheduler:ReopenDownload  storage:( DownloadPrepared | DownloadRefused )
//                | scheduler:AdoptShare                                       to librarian: a download has become a share
//   lane         = scheduler:OpenLane  *( fetcher:LaneOpened *pieces fetcher:LaneClosed )  scheduler:CloseLane
//   pieces       = fetcher:PieceWanted  scheduler:FetchPiece   |  fetcher:PeerHas  |  fetcher:LaneFetchers
//                | fetcher:BlockArrived | fetcher:PieceNotCome | scheduler:CancelBlocks
//   limits       = X:WatchLimits  *( storage:LimitsChanged )
//                | orch_door:SendWanted  ( uploader:SendAllowed | orch_door:SendUnwanted )
//                | scheduler:MeterRequests  *( fetcher:RequestWanted  scheduler:RequestAllowed )
//   diagnosis    = scheduler:ReportLane  fetcher:LaneReported | scheduler:ReportWriting  verifier:WritingReported
//   peer         = fetcher:PeerReady | fetcher:PeerLost | fetcher:PeerAtFault
//   verifying    = scheduler:BeginDownload  *piece  [ verifier:( WholeHashed | WholeUnreadable ) ]
//                  scheduler:EndDownload
//   piece        = fetcher:BeginPiece  *( fetcher:StoreBlock + payload  verifier:BlockStored )
//                  verifier:( PieceVerified | PieceCorrupt | PieceUnwritable )   to the scheduler

namespace tutti {

/// What tells a file from another that took its name, or from itself after a change.
struct FileIdentity {
  ByteCount size;
  std::int64_t modified_ns = 0;  ///< mtime, since 1970
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::int64_t changed_ns = 0;  ///< ctime, since 1970: nobody can set it back
  TUTTI_RECORD(FileIdentity, size, modified_ns, inode, device, changed_ns);
};

// --- tracker_link -------------------------------------------------------------------------------------------

/// The uploader's door stands (or does not: `port` is 0): what to tell the trackers. An empty `host` means the address
/// that they see.
struct NowServing {
  std::string host;
  std::uint16_t port = 0;
  TUTTI_MESSAGE(NowServing, 0x0501, host, port);
};
/// The user has left a group: nothing of it is served or fetched any more.
struct GroupLeft {
  GroupName group;
  std::string sentence;  ///< how that came
  TUTTI_MESSAGE(GroupLeft, 0x0502, group, sentence);
};
/// Asks for `count` request counters that no request of this client has ever had.
struct ReserveCounters {
  std::uint32_t count = 0;
  TUTTI_MESSAGE(ReserveCounters, 0x0503, count);
};
/// Those from `first` on are the asker's. On disk before this is said. `count` 0: it could not be done, and why.
struct CountersReserved {
  RequestCounter first;
  std::uint32_t count = 0;
  Code code = Code::other;
  std::string sentence;
  TUTTI_MESSAGE(CountersReserved, 0x0504, first, count, code, sentence);
};

// --- hashing files that are to be shared, and what is resumed ---------------------------------------------------

/// Names a hashing job: chosen by the asker, unique for it.
using HashJob = Unit<struct HashJobTag, std::uint64_t>;

/// Read `size` bytes from `offset` of a file and hash them as a piece. `keep`: they are wanted once more, for the whole.
struct HashPiece {
  HashJob job;
  std::string path;
  PieceIndex piece;
  ByteCount offset;
  ByteCount size;
  bool keep = false;
  TUTTI_MESSAGE(HashPiece, 0x0510, job, path, piece, offset, size, keep);
};
/// In the payload: the bytes, if they are to be kept.
struct PieceHashed {
  HashJob job;
  PieceIndex piece;
  Sha1 sha1;
  Sha256 sha256;
  TUTTI_MESSAGE(PieceHashed, 0x0511, job, piece, sha1, sha256);
};
/// The next bytes of a file whose whole SHA-1 is wanted: those of the payload, if there is one, else they are read.
/// Stretches of a job come in the order of their offsets, without gaps, all to one hasher; `last` ends the job. If it is
/// all of a `piece`, it is hashed as such in the same pass, and PieceHashed is said first.
struct HashStretch {
  HashJob job;
  std::string path;
  ByteCount offset;
  ByteCount size;
  bool last = false;
  std::optional<PieceIndex> piece;
  TUTTI_MESSAGE(HashStretch, 0x0512, job, path, offset, size, last, piece);
};
/// `done` bytes from the start are hashed; `sha1` is that of the whole, after the last.
struct StretchHashed {
  HashJob job;
  ByteCount done;
  std::optional<Sha1> sha1;
  TUTTI_MESSAGE(StretchHashed, 0x0513, job, done, sha1);
};
/// The file cannot be read, or is shorter than was said. The job is over at this hasher.
struct HashFailed {
  HashJob job;
  Code code = Code::io_error;
  std::string sentence;
  TUTTI_MESSAGE(HashFailed, 0x0514, job, code, sentence);
};
/// Nobody wants the outcome of this job any more.
struct DropHashing {
  HashJob job;
  TUTTI_MESSAGE(DropHashing, 0x0515, job);
};
/// Make sure that what was written to this file survives a power loss. `tag` comes back.
struct SyncFile {
  std::uint64_t tag = 0;
  std::string path;
  TUTTI_MESSAGE(SyncFile, 0x0516, tag, path);
};
/// Make a file of the payload's bytes at this path, where nothing is: all of it, on the disk, or none. `tag` comes back.
struct WriteFile {
  std::uint64_t tag = 0;
  std::string path;
  TUTTI_MESSAGE(WriteFile, 0x0518, tag, path);
};
/// All that was written before SyncFile was said, or by WriteFile, is on the disk; or it is not sure, and why.
struct FileSynced {
  std::uint64_t tag = 0;
  std::optional<Refused> fault;
  TUTTI_MESSAGE(FileSynced, 0x0517, tag, fault);
};

// --- shares -----------------------------------------------------------------------------------------------------

/// A file that a user shares in a group, as it is remembered over restarts.
struct ShareRecord {
  Uid uid;
  Gid gid;
  GroupName group;
  Fid fid;
  Metainfo metainfo;
  std::string path;       ///< absolute
  FileIdentity identity;  ///< of the file when its digests were true
  bool stopped = false;   ///< the user has stopped it, and no tracker has heard of that yet
  Bytes pieces =
      {};  ///< as in FileOpened: those that are here, of a directory of which only a part is; else none
  static constexpr std::size_t released_fields = 8;
  TUTTI_RECORD(ShareRecord, uid, gid, group, fid, metainfo, path, identity, stopped, pieces);
};
/// Which files did this user share?
struct RecallShares {
  Uid uid;
  TUTTI_MESSAGE(RecallShares, 0x0520, uid);
};
struct SharesRecalled {
  Uid uid;
  std::vector<ShareRecord> shares;
  TUTTI_MESSAGE(SharesRecalled, 0x0521, uid, shares);
};
/// Replaces what was remembered of the same (user, gid, fid).
struct RememberShare {
  ShareRecord share;
  TUTTI_MESSAGE(RememberShare, 0x0522, share);
};
struct ForgetShare {
  Uid uid;
  Gid gid;
  Fid fid;
  TUTTI_MESSAGE(ForgetShare, 0x0523, uid, gid, fid);
};
/// What is at this path? `tag` comes back with the answer. A path that ends with a slash is that of a directory; `anew`:
/// what is in it now is what is meant by it from now on, not what was in it when it was looked at first.
struct CheckFile {
  std::uint64_t tag = 0;
  std::string path;
  bool anew = false;
  static constexpr std::size_t released_fields = 2;
  TUTTI_MESSAGE(CheckFile, 0x0524, tag, path, anew);
};
/// A regular, readable file with this identity; or none, and why. Of a directory the identity is that of all that is in
/// it, `size` is that of the file that it is shared as, and `skipped` names what cannot be shared: links, special files.
struct FileChecked {
  std::uint64_t tag = 0;
  std::optional<FileIdentity> identity;
  Code code = Code::io_error;
  std::string sentence;
  ByteCount manifest_size{};
  std::vector<std::string> skipped = {};
  static constexpr std::size_t released_fields = 4;
  TUTTI_MESSAGE(FileChecked, 0x0525, tag, identity, code, sentence, manifest_size, skipped);
};
/// The user does not want to share this file any more, also if it is still being fetched.
struct DownloadUnshared {
  GroupName group;
  FileName file;
  TUTTI_MESSAGE(DownloadUnshared, 0x0527, group, file);
};
/// A download is complete: its file is a share of the user from now on. Storage remembers it already.
struct AdoptShare {
  ShareRecord share;
  TUTTI_MESSAGE(AdoptShare, 0x0526, share);
};
/// The opposite: what is at `path` is wrong in places and is to be fetched again, so it is no share any more. The
/// trackers need not hear of it, as the download goes on sharing.
struct ReturnShare {
  Gid gid;
  Fid fid;
  std::string path;
  TUTTI_MESSAGE(ReturnShare, 0x05a0, gid, fid, path);
};
/// It is no share (any more), and is not served as one. `shared`: it was until now.
struct ShareReturned {
  Gid gid;
  Fid fid;
  std::string path;
  bool shared = false;
  TUTTI_MESSAGE(ShareReturned, 0x05a1, gid, fid, path, shared);
};

/// What is at `path` has a wrong piece, so all of it is to be hashed and what is wrong fetched again, if it is a download
/// of this client.
struct ShareDamaged {
  Gid gid;
  Fid fid;
  std::string path;
  TUTTI_MESSAGE(ShareDamaged, 0x05d0, gid, fid, path);
};
/// All of it was hashed and is `right` (now), so it can be served again; or it is no download, so nobody fetches it again.
/// Of a download that is being fetched again nothing is said but ReturnShare.
struct DamageSettled {
  Gid gid;
  Fid fid;
  std::string path;
  bool right = false;
  TUTTI_MESSAGE(DamageSettled, 0x05d1, gid, fid, path, right);
};

// --- serving ----------------------------------------------------------------------------------------------------

/// Serve these pieces of a file, whose bytes are at `path`. With an `identity` it is a share: nothing is served once it
/// has another one. If it has all pieces it takes the place of everything that was served of (gid, fid). A download under
/// way has none: it is served beside others of the same and beside a share of a part, each known by who said it and
/// `path`, and not at all beside a whole file.
struct ServeFile {
  Gid gid;
  Fid fid;
  GroupName group;  ///< as limits and diagnoses call it
  FileName file;
  std::string path;
  ByteCount size;
  ByteCount piece_length;
  Bytes bitfield;  ///< as in FileOpened
  std::optional<FileIdentity> identity;
  TUTTI_MESSAGE(ServeFile, 0x05a2, gid, fid, group, file, path, size, piece_length, bitfield, identity);
};
/// One piece more can be served.
struct ServePiece {
  Gid gid;
  Fid fid;
  std::string path;  ///< as in ServeFile
  PieceIndex piece;
  TUTTI_MESSAGE(ServePiece, 0x0531, gid, fid, path, piece);
};
/// Nothing of what the same actor has said to serve at this path. When nothing else is served of the file, those who
/// fetch it hear the reason.
struct StopServing {
  Gid gid;
  Fid fid;
  std::string path;
  CloseReason reason = CloseReason::not_shared;
  TUTTI_MESSAGE(StopServing, 0x0532, gid, fid, path, reason);
};
/// The file could not be read, or is not the one it was. It is not served any more. To whoever said ServeFile.
struct ServingFailed {
  Gid gid;
  Fid fid;
  std::string path;
  Code code = Code::io_error;
  std::string sentence;
  TUTTI_MESSAGE(ServingFailed, 0x0533, gid, fid, path, code, sentence);
};
/// What a fetcher shows to its peer from now on, in the ticket's group.
struct HoldTicket {
  PeerTicket ticket;
  TUTTI_MESSAGE(HoldTicket, 0x0539, ticket);
};
/// A peer does not take the ticket of this group any more.
struct TicketRefused {
  Gid gid;
  TUTTI_MESSAGE(TicketRefused, 0x053a, gid);
};
/// A peer has opened this file here: there is somebody who fetches it.
struct FileWanted {
  Gid gid;
  Fid fid;
  ClientKey client;
  TUTTI_MESSAGE(FileWanted, 0x0538, gid, fid, client);
};
/// Read a block to be sent. Answers come in the order of the questions.
struct ReadBlock {
  std::uint64_t tag = 0;
  std::string path;
  ByteCount offset;  ///< in the file
  ByteCount length;
  std::optional<FileIdentity> identity;
  TUTTI_MESSAGE(ReadBlock, 0x0534, tag, path, offset, length, identity);
};
/// The payload has the bytes, all of them; read while the file had the identity.
struct BlockRead {
  std::uint64_t tag = 0;
  TUTTI_MESSAGE(BlockRead, 0x0535, tag);
};
struct BlockUnreadable {
  std::uint64_t tag = 0;
  Code code = Code::io_error;
  std::string sentence;
  TUTTI_MESSAGE(BlockUnreadable, 0x0536, tag, code, sentence);
};

// --- downloads --------------------------------------------------------------------------------------------------

/// What the user wants of a download, as it is remembered over restarts.
struct DownloadWishes {
  bool paused = false;
  DownloadPriority priority = DownloadPriority::normal;
  bool sequential = false;
  TUTTI_RECORD(DownloadWishes, paused, priority, sequential);
};
/// A download as it is remembered over restarts. The bytes are at `part_path` until the whole is verified, then at
/// `path`.
struct DownloadRecord {
  DownloadId id;  ///< 0 until storage has given one
  Uid uid;
  Gid gid;
  GroupName group;
  Fid fid;
  Metainfo metainfo;
  std::string path;
  std::string part_path;
  DownloadPhase phase = DownloadPhase::fetching;
  Code code = Code::other;  ///< why, when it failed
  std::string sentence;     ///< the same for people
  bool share = true;        ///< false: the user does not want it shared
  FileIdentity whole;  ///< of the part file, once all is verified; of a directory: of `existing`; or none
  DownloadWishes wishes;
  std::vector<std::string> only = {};  ///< of a directory: the patterns of what is wanted; none: all of it
  Bytes wanted = {};    ///< of a directory whose manifest is here: the pieces to be fetched, as in FileOpened
  Bytes existing = {};  ///< of those, the ones that were at the destination already
  static constexpr std::size_t released_fields = 14;
  TUTTI_RECORD(DownloadRecord, id, uid, gid, group, fid, metainfo, path, part_path, phase, code, sentence,
               share, whole, wishes, only, wanted, existing);
};
/// Which downloads did this user start, oldest first? Those that are complete come without the digests of their pieces.
/// `session` comes back with the answer: one user may have come, gone and come again meanwhile.
struct RecallDownloads {
  Uid uid;
  std::uint64_t session = 0;
  TUTTI_MESSAGE(RecallDownloads, 0x0540, uid, session);
};
struct DownloadsRecalled {
  Uid uid;
  std::uint64_t session = 0;
  std::vector<DownloadRecord> downloads;
  TUTTI_MESSAGE(DownloadsRecalled, 0x05a3, uid, session, downloads);
};
/// Make room for a download, or find again what is there of it. A record with id 0 is new: `path` is then what the user
/// gave (a directory or a path), and storage settles path, part_path and id. `tag` comes back.
struct PrepareDownload {
  std::uint64_t tag = 0;
  DownloadRecord download;
  TUTTI_MESSAGE(PrepareDownload, 0x05a4, tag, download);
};
/// `bitfield`: the pieces that are on disk and verified.
struct DownloadPrepared {
  std::uint64_t tag = 0;
  DownloadRecord download;
  Bytes bitfield;
  TUTTI_MESSAGE(DownloadPrepared, 0x05a5, tag, download, bitfield);
};
/// It cannot be: destination_exists, no_such_file (the folder), io_error, disk_full. `tag` of PrepareDownload,
/// RecheckDownload or ReopenDownload, or the download's id of FinishDownload or ForgetDownload.
struct DownloadRefused {
  std::uint64_t tag = 0;
  Code code = Code::io_error;
  std::string sentence;
  TUTTI_MESSAGE(DownloadRefused, 0x0544, tag, code, sentence);
};
/// A piece is verified and written.
struct JournalPiece {
  DownloadId download;
  PieceIndex piece;
  TUTTI_MESSAGE(JournalPiece, 0x0545, download, piece);
};
/// All is verified: give the file its name, never over another one, and remember it as a share of the user, unless the
/// record says that it is kept private.
struct FinishDownload {
  DownloadId download;
  std::string part_path;
  std::string path;
  TUTTI_MESSAGE(FinishDownload, 0x0546, download, part_path, path);
};
struct DownloadFinished {
  DownloadId download;
  FileIdentity identity;
  Bytes pieces = {};  ///< as in ShareRecord
  static constexpr std::size_t released_fields = 2;
  TUTTI_MESSAGE(DownloadFinished, 0x0547, download, identity, pieces);
};
/// A download is over without being complete, or is to begin anew: what is remembered of its pieces is void.
struct SettleDownload {
  DownloadId download;
  DownloadPhase phase = DownloadPhase::failed;
  Code code = Code::other;
  std::string sentence;
  bool forget_pieces = false;
  TUTTI_MESSAGE(SettleDownload, 0x0548, download, phase, code, sentence, forget_pieces);
};

/// The user does not want this download shared, not after a restart either.
struct KeepPrivate {
  DownloadId download;
  TUTTI_MESSAGE(KeepPrivate, 0x0549, download);
};

/// What the user wants of this download from now on.
struct KeepWishes {
  DownloadId download;
  DownloadWishes wishes;
  TUTTI_MESSAGE(KeepWishes, 0x05a6, download, wishes);
};
/// The user does not want this download any more: it is remembered no longer. `with_part`: its part file goes, too.
struct ForgetDownload {
  DownloadId download;
  bool with_part = false;
  TUTTI_MESSAGE(ForgetDownload, 0x05a7, download, with_part);
};
struct DownloadForgotten {
  DownloadId download;
  TUTTI_MESSAGE(DownloadForgotten, 0x05a8, download);
};
/// Hash again what is on the disk of a download, and believe nothing else; of one that is complete, its file. It is
/// not written to meanwhile. `tag` comes back with the outcome: DownloadPrepared, if it is not complete.
struct RecheckDownload {
  std::uint64_t tag = 0;
  DownloadId download;
  TUTTI_MESSAGE(RecheckDownload, 0x05a9, tag, download);
};
/// So many pieces are hashed, and of those so many bytes are right.
struct RecheckProgress {
  std::uint64_t tag = 0;
  std::uint32_t pieces = 0;
  ByteCount right;
  TUTTI_MESSAGE(RecheckProgress, 0x05aa, tag, pieces, right);
};
/// All of a complete file is right.
struct DownloadSound {
  std::uint64_t tag = 0;
  TUTTI_MESSAGE(DownloadSound, 0x05ab, tag);
};
/// Of a complete file only these pieces are right. It stays as it is until it is reopened.
struct DownloadUnsound {
  std::uint64_t tag = 0;
  Bytes bitfield;
  TUTTI_MESSAGE(DownloadUnsound, 0x05ac, tag, bitfield);
};
/// Make a complete file a part file again of which these pieces are verified, to be shared or not.
struct ReopenDownload {
  std::uint64_t tag = 0;
  DownloadId download;
  Bytes bitfield;
  bool share = true;
  TUTTI_MESSAGE(ReopenDownload, 0x05ad, tag, download, bitfield, share);
};

// --- limits -----------------------------------------------------------------------------------------------------

/// Tell me which limits there are, now and whenever they change.
struct WatchLimits {
  TUTTI_MESSAGE(WatchLimits, 0x05ae);
};
struct LimitsChanged {
  std::vector<RateLimit> limits;
  TUTTI_MESSAGE(LimitsChanged, 0x05af, limits);
};
/// To the uploader: so much is to be sent for this group beside what it sends itself; say when the limits let it through.
/// `tag` is the asker's own.
struct SendWanted {
  std::uint64_t tag = 0;
  GroupName group;
  ByteCount bytes;
  TUTTI_MESSAGE(SendWanted, 0x05b8, tag, group, bytes);
};
struct SendAllowed {
  std::uint64_t tag = 0;
  TUTTI_MESSAGE(SendAllowed, 0x05b9, tag);
};
/// Nobody waits for it any more.
struct SendUnwanted {
  std::uint64_t tag = 0;
  TUTTI_MESSAGE(SendUnwanted, 0x05ba, tag);
};

// --- fetching ---------------------------------------------------------------------------------------------------

/// Open this file at the peer, now and whenever its link stands again.
struct OpenLane {
  DownloadId download;
  Gid gid;
  Fid fid;
  ByteCount size;
  ByteCount piece_length;
  TUTTI_MESSAGE(OpenLane, 0x0550, download, gid, fid, size, piece_length);
};
/// Nothing more for this download.
struct CloseLane {
  DownloadId download;
  TUTTI_MESSAGE(CloseLane, 0x0551, download);
};
/// Fetch these blocks of a piece, in this order, and hand them to `verifier`. `attempt` goes with everything that is
/// said of the piece: a higher one than before begins it anew.
struct FetchPiece {
  DownloadId download;
  PieceIndex piece;
  std::uint32_t attempt = 0;
  std::vector<BlockIndex> blocks;
  Sha1 sha1;
  Sha256 sha256;
  Address verifier;
  TUTTI_MESSAGE(FetchPiece, 0x0552, download, piece, attempt, blocks, sha1, sha256, verifier);
};
/// These blocks are not needed from this peer any more; none named: the whole piece.
struct CancelBlocks {
  DownloadId download;
  PieceIndex piece;
  std::vector<BlockIndex> blocks;
  TUTTI_MESSAGE(CancelBlocks, 0x0553, download, piece, blocks);
};
/// What of the client's memory this peer's blocks under way may fill.
struct LimitRequests {
  ByteCount bytes;
  TUTTI_MESSAGE(LimitRequests, 0x055d, bytes);
};
/// Whether a limit holds for this download: then each request for a block waits until it is allowed.
struct MeterRequests {
  DownloadId download;
  bool metered = false;
  TUTTI_MESSAGE(MeterRequests, 0x05b0, download, metered);
};
/// The next request of this download would be for so many bytes. Said once, until it is allowed.
struct RequestWanted {
  DownloadId download;
  ByteCount bytes;
  TUTTI_MESSAGE(RequestWanted, 0x05b1, download, bytes);
};
struct RequestAllowed {
  DownloadId download;
  ByteCount bytes;
  TUTTI_MESSAGE(RequestAllowed, 0x05b2, download, bytes);
};
/// What is under way for this download?
struct ReportLane {
  DownloadId download;
  TUTTI_MESSAGE(ReportLane, 0x05b3, download);
};
struct LaneReported {
  DownloadId download;
  ByteCount asked;                     ///< and not come
  ByteCount unwritten;                 ///< of all downloads from this peer
  std::chrono::milliseconds silent{};  ///< since the last block came, or since the oldest request
  BlockWay way = BlockWay::curve;
  std::uint16_t sealed_port = 0;
  ByteCount window;
  std::chrono::microseconds answers_in{};
  TUTTI_MESSAGE(LaneReported, 0x05b4, download, asked, unwritten, silent, way, sealed_port, window,
                answers_in);
};
/// What became of the blocks of this download of late?
struct ReportWriting {
  DownloadId download;
  TUTTI_MESSAGE(ReportWriting, 0x05b6, download);
};
struct WritingReported {
  DownloadId download;
  std::optional<WritingFacts> facts;
  TUTTI_MESSAGE(WritingReported, 0x05b7, download, facts);
};
/// The peer is the one we looked for and answers.
struct PeerReady {
  TUTTI_MESSAGE(PeerReady, 0x0554);
};
/// The link is down; its lanes are closed, its pieces will not come. It may come back, unless it is lost for good: then
/// this fetcher has ended.
struct PeerLost {
  std::string sentence;
  bool for_good = false;
  TUTTI_MESSAGE(PeerLost, 0x0555, sentence, for_good);
};
/// The peer said what no honest peer says. The fetcher speaks with it no more.
struct PeerAtFault {
  std::string sentence;
  TUTTI_MESSAGE(PeerAtFault, 0x0556, sentence);
};
/// The peer serves these pieces of the file.
struct LaneOpened {
  DownloadId download;
  Bytes bitfield;
  TUTTI_MESSAGE(LaneOpened, 0x0557, download, bitfield);
};
/// The peer serves the file no more; pieces under way will not come.
struct LaneClosed {
  DownloadId download;
  CloseReason reason = CloseReason::not_shared;
  TUTTI_MESSAGE(LaneClosed, 0x0558, download, reason);
};
/// These clients fetch the file from the peer, we perhaps among them. May come before LaneOpened.
struct LaneFetchers {
  DownloadId download;
  std::vector<ClientKey> clients;
  TUTTI_MESSAGE(LaneFetchers, 0x05c8, download, clients);
};
struct PeerHas {
  DownloadId download;
  PieceIndex piece;
  TUTTI_MESSAGE(PeerHas, 0x0559, download, piece);
};
/// There is room for the requests of one piece more. Said once, until a FetchPiece has come.
struct PieceWanted {
  TUTTI_MESSAGE(PieceWanted, 0x055a);
};
/// A block has come and is on its way to the verifier.
struct BlockArrived {
  DownloadId download;
  PieceIndex piece;
  std::uint32_t attempt = 0;
  BlockIndex block;
  ByteCount bytes;
  TUTTI_MESSAGE(BlockArrived, 0x055b, download, piece, attempt, block, bytes);
};
/// The peer has refused a block of this piece: it will not come from there now.
struct PieceNotCome {
  DownloadId download;
  PieceIndex piece;
  RejectReason reason = RejectReason::not_have;
  TUTTI_MESSAGE(PieceNotCome, 0x055c, download, piece, reason);
};

// --- verifying --------------------------------------------------------------------------------------------------

/// Pieces of a download are going to come, to be hashed and written into the file at `path`; `pieces` of it are there and
/// verified. What comes of them is told to whoever says this, with the number of the `run`: what is told late of an earlier
/// one is not of this one, in which the same pieces may be written again. Said again, it begins anew; the SHA-1 of the whole
/// goes on if it holds nothing but `pieces`.
struct BeginDownload {
  DownloadId download;
  std::string path;
  ByteCount size;
  ByteCount piece_length;
  Bytes pieces;  ///< as in FileOpened
  std::uint32_t run = 0;
  TUTTI_MESSAGE(BeginDownload, 0x0567, download, path, size, piece_length, pieces, run);
};
/// Blocks of a piece are going to come from this fetcher. Said before the first of them, and again by every further
/// fetcher of the piece: what is known already is not begun anew, unless `attempt` is higher.
struct BeginPiece {
  DownloadId download;
  PieceIndex piece;
  std::uint32_t attempt = 0;
  Sha1 sha1;
  Sha256 sha256;
  TUTTI_MESSAGE(BeginPiece, 0x0560, download, piece, attempt, sha1, sha256);
};
/// A block of a piece, in the payload, of the length that the file's layout says. `came`: when, by the host's time.
struct StoreBlock {
  DownloadId download;
  PieceIndex piece;
  std::uint32_t attempt = 0;
  BlockIndex block;
  std::chrono::nanoseconds came{};
  TUTTI_MESSAGE(StoreBlock, 0x0561, download, piece, attempt, block, came);
};
/// A block is out of the verifier's hands: so many bytes more may come.
struct BlockStored {
  ByteCount bytes;
  TUTTI_MESSAGE(BlockStored, 0x0562, bytes);
};
/// The piece is on disk and right.
struct PieceVerified {
  DownloadId download;
  PieceIndex piece;
  std::uint32_t run = 0;
  TUTTI_MESSAGE(PieceVerified, 0x0563, download, piece, run);
};
/// What these fetchers brought is not the piece. Nothing of it counts.
struct PieceCorrupt {
  DownloadId download;
  PieceIndex piece;
  std::vector<Address> fetchers;
  std::uint32_t run = 0;
  TUTTI_MESSAGE(PieceCorrupt, 0x0564, download, piece, fetchers, run);
};
/// The piece could not be written: disk_full or io_error. Nobody's fault.
struct PieceUnwritable {
  DownloadId download;
  PieceIndex piece;
  Code code = Code::io_error;
  std::string sentence;
  std::uint32_t run = 0;
  TUTTI_MESSAGE(PieceUnwritable, 0x0565, download, piece, code, sentence, run);
};
/// All pieces are verified; this is the SHA-1 of them all.
struct WholeHashed {
  DownloadId download;
  Sha1 sha1;
  std::uint32_t run = 0;
  TUTTI_MESSAGE(WholeHashed, 0x0568, download, sha1, run);
};
/// Verified pieces could not be read for the SHA-1 of the whole.
struct WholeUnreadable {
  DownloadId download;
  Code code = Code::io_error;
  std::string sentence;
  std::uint32_t run = 0;
  TUTTI_MESSAGE(WholeUnreadable, 0x0569, download, code, sentence, run);
};
/// Blocks of a download that are still on their way are not written any more.
struct EndDownload {
  DownloadId download;
  TUTTI_MESSAGE(EndDownload, 0x0566, download);
};

// --- what actors say to themselves, by timers --------------------------------------------------------------------

/// tracker_link: the request of this ticket has heard nothing from the tracker it was sent to.
struct AnswerOverdue {
  std::uint64_t ticket = 0;
  Address link;
  TUTTI_MESSAGE(AnswerOverdue, 0x0580, ticket, link);
};
/// tracker_link: the request of this ticket has waited for as long as its asker is made to wait.
struct AskOverdue {
  std::uint64_t ticket = 0;
  TUTTI_MESSAGE(AskOverdue, 0x0581, ticket);
};
/// tracker_link: while something is asked: time to look whether the trackers are there; at this time, if the process runs
/// as it should.
struct WatchDue {
  std::chrono::nanoseconds at{};
  TUTTI_MESSAGE(WatchDue, 0x0592, at);
};
/// tracker_link: a tracker has not answered a Hello; conversation 0: the link to it does not stand yet.
struct GreetingOverdue {
  Address link;
  std::uint32_t conversation = 0;
  TUTTI_MESSAGE(GreetingOverdue, 0x0582, link, conversation);
};
/// tracker_link: time to say Present.
struct PresenceDue {
  TUTTI_MESSAGE(PresenceDue, 0x0583);
};
/// tracker_link: time to try the next tracker in the place of this link, unless it stands.
struct PlaceDue {
  Address link;
  TUTTI_MESSAGE(PlaceDue, 0x0584, link);
};
/// librarian: time to look whether the files that are shared are still the same.
struct SharesDue {
  TUTTI_MESSAGE(SharesDue, 0x0585);
};
/// scheduler: time to look at the downloads: sharers anew, slow peers, idle fetchers.
struct DownloadsDue {
  TUTTI_MESSAGE(DownloadsDue, 0x0586);
};
/// scheduler: a picker may find something for this fetcher now.
struct PickDue {
  Address fetcher;
  TUTTI_MESSAGE(PickDue, 0x0587, fetcher);
};
/// fetcher: a peer has not answered a PeerHello.
struct PeerGreetingOverdue {
  std::uint32_t conversation = 0;
  TUTTI_MESSAGE(PeerGreetingOverdue, 0x0588, conversation);
};

/// fetcher: a peer that was busy may be asked again.
struct AskAgainDue {
  TUTTI_MESSAGE(AskAgainDue, 0x058a);
};
/// uploader: those who fetch a file may be told of each other again.
struct FetchersDue {
  Gid gid;
  Fid fid;
  TUTTI_MESSAGE(FetchersDue, 0x05c9, gid, fid);
};
/// uploader: time to look whether a link that has been sent much has taken some of it.
struct TakenDue {
  TUTTI_MESSAGE(TakenDue, 0x058b);
};
/// scheduler: time to ask the trackers who shares what this download fetches.
struct SharersDue {
  DownloadId download;
  TUTTI_MESSAGE(SharersDue, 0x0590, download);
};
/// uploader: time to look whose tickets count.
struct MembersDue {
  TUTTI_MESSAGE(MembersDue, 0x0591);
};
/// scheduler: time to ask for a new ticket of this group.
struct TicketDue {
  Gid gid;
  TUTTI_MESSAGE(TicketDue, 0x0594, gid);
};
/// storage: what was shared has had time to reach the disk: make sure of it.
struct SyncDue {
  Uid uid;
  Gid gid;
  Fid fid;
  std::string path;
  FileIdentity identity;
  TUTTI_MESSAGE(SyncDue, 0x0589, uid, gid, fid, path, identity);
};
/// storage: the same for the pieces of a download.
struct PartSyncDue {
  DownloadId download;
  TUTTI_MESSAGE(PartSyncDue, 0x058c, download);
};
/// verifier: blocks have had their turn: time to read back more of what the SHA-1 of the whole lacks.
struct ReadBackDue {
  TUTTI_MESSAGE(ReadBackDue, 0x058e);
};
/// verifier: blocks that were held for the SHA-1 of the whole have been so for long enough.
struct HeldDue {
  TUTTI_MESSAGE(HeldDue, 0x058f);
};
/// scheduler, uploader: a limit lets something through now.
struct LimitDue {
  TUTTI_MESSAGE(LimitDue, 0x05b5);
};
/// librarian: a file had changed just before it was measured: measure it again.
struct MeasureDue {
  std::uint64_t job = 0;
  TUTTI_MESSAGE(MeasureDue, 0x058d, job);
};

/// tracker_link: a tracker was met for the first time, and this is its key from now on.
struct RememberTracker {
  std::string endpoint;
  LinkKey key;
  TUTTI_MESSAGE(RememberTracker, 0x0593, endpoint, key);
};

using InsideClientMessages =
    Messages<NowServing, GroupLeft, ReserveCounters, CountersReserved, HashPiece, PieceHashed, HashStretch,
             StretchHashed, HashFailed, DropHashing, SyncFile, FileSynced, RecallShares, SharesRecalled,
             RememberShare, ForgetShare, CheckFile, FileChecked, DownloadUnshared, AdoptShare, ServeFile,
             ServePiece, StopServing, ServingFailed, FileWanted, ReadBlock, BlockRead, BlockUnreadable,
             RecallDownloads, DownloadsRecalled, PrepareDownload, DownloadPrepared, DownloadRefused,
             JournalPiece, FinishDownload, DownloadFinished, SettleDownload, KeepPrivate, OpenLane, CloseLane,
             FetchPiece, CancelBlocks, PeerReady, PeerLost, PeerAtFault, LaneOpened, LaneClosed, PeerHas,
             PieceWanted, BlockArrived, PieceNotCome, LimitRequests, BeginPiece, StoreBlock, BlockStored,
             PieceVerified, PieceCorrupt, PieceUnwritable, BeginDownload, WholeHashed, WholeUnreadable,
             EndDownload, ReadBackDue, HeldDue, AnswerOverdue, AskOverdue, GreetingOverdue, PresenceDue,
             PlaceDue, SharesDue, DownloadsDue, PickDue, PeerGreetingOverdue, AskAgainDue, TakenDue, SyncDue,
             PartSyncDue, MeasureDue, SharersDue, MembersDue, ReturnShare, ShareReturned, KeepWishes,
             ForgetDownload, DownloadForgotten, RecheckDownload, RecheckProgress, DownloadSound,
             DownloadUnsound, ReopenDownload, WatchLimits, LimitsChanged, MeterRequests, RequestWanted,
             RequestAllowed, ReportLane, LaneReported, LimitDue, ReportWriting, WritingReported, WatchDue,
             LaneFetchers, FetchersDue, RememberTracker, WriteFile, SendWanted, SendAllowed, SendUnwanted,
             HoldTicket, TicketRefused, TicketDue, ShareDamaged, DamageSettled>;

// --- the cast ---------------------------------------------------------------------------------------------------

/// Speaks with the trackers: one link at a time, failover, the session, request ids. Anybody in the client may Ask.
struct TrackerLinkRole {
  static constexpr std::string_view name = "tracker_link";
  using Accepts = Messages<Ask, AskLink, ForgetCommand, NowServing, CountersReserved>;
};

/// Decides what is shared: hashes files, makes them known, resumes them at login, notices changed ones.
struct LibrarianRole {
  static constexpr std::string_view name = "librarian";
  using Accepts = Messages<ShareFile, UnshareFile, ForgetCommand, Told, SessionChanged, GroupLeft, AdoptShare,
                           ReturnShare, PieceHashed, StretchHashed, HashFailed, SharesRecalled, FileChecked,
                           ServingFailed, PieceReported, DamageSettled>;
};

/// Decides who fetches which piece of which download from whom.
struct SchedulerRole {
  static constexpr std::string_view name = "scheduler";
  using Accepts =
      Messages<StartDownload, ListDownloads, AwaitDownloads, ForgetCommand, Told, SessionChanged, GroupLeft,
               GroupChanged, TicketRefused, DownloadUnshared, DownloadsRecalled, DownloadPrepared,
               DownloadRefused, DownloadFinished, WholeHashed, WholeUnreadable, ServingFailed, PeerReady,
               PeerLost, PeerAtFault, LaneOpened, LaneClosed, LaneFetchers, PeerHas, PieceWanted,
               BlockArrived, PieceNotCome, PieceVerified, PieceCorrupt, PieceUnwritable, FileWanted,
               ControlDownloads, DiagnoseDownloads, DownloadForgotten, RecheckProgress, DownloadSound,
               DownloadUnsound, ShareReturned, LimitsChanged, RequestWanted, LaneReported, WritingReported,
               PieceReported, PieceHashed, HashFailed, ShareDamaged>;
};

/// Owns the link to one remote peer and keeps enough requests under way on it.
struct FetcherRole {
  static constexpr std::string_view name = "fetcher";
  using Accepts = Messages<OpenLane, CloseLane, FetchPiece, CancelBlocks, LimitRequests, BlockStored,
                           MeterRequests, RequestAllowed, ReportLane, HoldTicket>;
};

/// Serves other peers what it was told to serve.
struct UploaderRole {
  static constexpr std::string_view name = "uploader";
  using Accepts = Messages<ServeFile, ServePiece, StopServing, BlockRead, BlockUnreadable, Told,
                           LimitsChanged, DiagnoseShare, SendWanted, SendUnwanted, GroupChanged>;
};

/// Hashes and writes the blocks of incoming pieces, and follows with the SHA-1 of the whole.
struct HashVerifierRole {
  static constexpr std::string_view name = "hash_verifier";
  using Accepts = Messages<BeginDownload, BeginPiece, StoreBlock, EndDownload, ReportWriting>;
};

/// Reads and hashes files that lie on the disk, and makes sure that they do.
struct FileHasherRole {
  static constexpr std::string_view name = "file_hasher";
  using Accepts = Messages<HashPiece, HashStretch, DropHashing, SyncFile, WriteFile, CheckFile>;
};

/// Owns the client's durable state, and makes and reads its files.
struct StorageRole {
  static constexpr std::string_view name = "storage";
  using Accepts = Messages<ReserveCounters, RecallShares, RememberShare, ForgetShare, CheckFile, ReadBlock,
                           RecallDownloads, PrepareDownload, JournalPiece, FinishDownload, SettleDownload,
                           KeepPrivate, PieceHashed, StretchHashed, HashFailed, FileSynced, KeepWishes,
                           ForgetDownload, RecheckDownload, ReopenDownload, SetLimit, ListLimits, WatchLimits,
                           FileChecked, RememberTracker>;
};

}  // namespace tutti
