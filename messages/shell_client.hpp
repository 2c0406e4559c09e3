#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/client_tracker.hpp"
#include "messages/kernel.hpp"
#include "messages/message.hpp"

// What a shell (H) says to the client's actors, and what it hears. Every command gets exactly one outcome, with its
// CommandId; several commands may be under way.
//
//   tracker commands  = H:Ask  tracker_link:Told                     (login and logout too)
//   status            = H:AskLink  tracker_link:LinkStatus
//   sharing           = H:ShareFile  librarian: *HashProgress Told   |  H:UnshareFile  librarian:Told
//   downloading       = H:StartDownload  scheduler:Told              Done: it runs
//                     | H:ListDownloads  scheduler:Downloads
//                     | H:AwaitDownloads  scheduler:Told             Done: none runs, none failed and none is paused
//                     | H:ControlDownloads  scheduler:Told
//   limits            = H:SetLimit  storage:Told  |  H:ListLimits  storage:Limits
//   diagnosis         = H:DiagnoseDownloads  scheduler:DownloadsDiagnosed
//                     | H:DiagnoseShare  uploader:ShareDiagnosed
//   survey            = survey:PeersSurveyed                       a child of H, among those who share a file
//   at any time       = TrackerChanged | TrackerKeySeen | SessionChanged | DownloadChanged | ShareChanged | Notice

namespace tutti {

/// H: a request to the trackers. tracker_link checks login and names, adds what only it knows (request id, token,
/// floor, serving address), sends it to whichever tracker answers, and repeats it elsewhere if one dies.
struct Ask {
  CommandId command;
  ClientRequest what;
  TUTTI_MESSAGE(Ask, 0x0401, command, what);
};
/// The outcome of a command.
struct Told {
  CommandId command;
  TrackerAnswer what;
  bool provisional = false;  ///< a success that not every tracker has seen yet
  std::string sentence;      ///< what there is to say about a success, or empty
  TUTTI_MESSAGE(Told, 0x0402, command, what, provisional, sentence);
};

/// H: who am I, whom do I talk to.
struct AskLink {
  CommandId command;
  TUTTI_MESSAGE(AskLink, 0x0403, command);
};
/// The client's own side of `status` and `whoami`.
struct LinkStatus {
  CommandId command;
  std::string user;  ///< empty: not logged in
  ClientKey client;
  std::uint32_t tracker_number = 0;  ///< 0: none
  std::string tracker_endpoint;
  std::string serving;  ///< ip:port
  TUTTI_MESSAGE(LinkStatus, 0x0404, command, user, client, tracker_number, tracker_endpoint, serving);
};

/// H: hash the file, make it known in the group, serve it. `path` is absolute.
struct ShareFile {
  CommandId command;
  std::string path;
  GroupName group;
  TUTTI_MESSAGE(ShareFile, 0x0405, command, path, group);
};
/// Hashing goes on.
struct HashProgress {
  CommandId command;
  ByteCount done;
  ByteCount total;
  TUTTI_MESSAGE(HashProgress, 0x0406, command, done, total);
};
/// H: do not serve this file any more, here and now.
struct UnshareFile {
  CommandId command;
  GroupName group;
  FileName file;
  TUTTI_MESSAGE(UnshareFile, 0x0407, command, group, file);
};

/// H: fetch a file. `destination` is absolute: a directory (the file keeps its name) or a path for the file.
/// `sequential`: its pieces in their order, also when others fetch it. `only`: of a directory what these patterns mean.
struct StartDownload {
  CommandId command;
  GroupName group;
  FileName file;
  std::string destination;
  bool sequential = false;
  std::vector<std::string> only = {};
  static constexpr std::size_t released_fields = 5;
  TUTTI_MESSAGE(StartDownload, 0x0430, command, group, file, destination, sequential, only);
};

/// Where a download is. Runs: finding, fetching, waiting, checking, paused. Ended: complete, failed.
enum class DownloadPhase : std::uint8_t { finding, fetching, waiting, checking, paused, complete, failed };
inline constexpr std::array<std::string_view, 7> download_phase_names{
    "finding", "fetching", "waiting", "checking", "paused", "complete", "failed"};
constexpr std::span<const std::string_view> enumerators(DownloadPhase) { return download_phase_names; }

/// Which of several downloads goes first where they share something.
enum class DownloadPriority : std::uint8_t { low, normal, high };
inline constexpr std::array<std::string_view, 3> download_priority_names{"low", "normal", "high"};
constexpr std::span<const std::string_view> enumerators(DownloadPriority) { return download_priority_names; }

struct DownloadRow {
  DownloadId id;
  GroupName group;
  FileName file;
  std::string path;  ///< where the file is or will be
  DownloadPhase phase = DownloadPhase::finding;
  ByteCount size;
  ByteCount verified;
  std::uint64_t bytes_per_second = 0;  ///< of late
  std::uint32_t pieces = 0;
  std::uint32_t pieces_verified = 0;
  std::uint32_t peers = 0;  ///< that send us pieces of it now
  Code code = Code::other;  ///< why, when it failed or waits
  std::string sentence;     ///< the same for people, or empty
  DownloadPriority priority = DownloadPriority::normal;
  bool sequential = false;
  TUTTI_RECORD(DownloadRow, id, group, file, path, phase, size, verified, bytes_per_second, pieces,
               pieces_verified, peers, code, sentence, priority, sequential);
};
/// H: all downloads of the user, oldest first.
struct ListDownloads {
  CommandId command;
  TUTTI_MESSAGE(ListDownloads, 0x0409, command);
};
struct Downloads {
  CommandId command;
  std::vector<DownloadRow> downloads;
  TUTTI_MESSAGE(Downloads, 0x0431, command, downloads);
};
/// What is to be done with downloads.
enum class DownloadOrder : std::uint8_t { pause, resume, cancel, recheck, prioritize };
inline constexpr std::array<std::string_view, 5> download_order_names{"pause", "resume", "cancel", "recheck",
                                                                      "prioritize"};
constexpr std::span<const std::string_view> enumerators(DownloadOrder) { return download_order_names; }

/// Names downloads: all of this file, or the one whose file is (to be) at `destination`, which is absolute: the file's
/// path, or the directory it is in.
struct DownloadName {
  GroupName group;
  FileName file;
  std::string destination;  ///< empty: wherever
  TUTTI_RECORD(DownloadName, group, file, destination);
};
/// H: the user wants this of the downloads that are named; of all that are not over, where none is (pause and resume).
struct ControlDownloads {
  CommandId command;
  DownloadOrder order = DownloadOrder::pause;
  std::optional<DownloadName> which;
  DownloadPriority priority = DownloadPriority::normal;  ///< for `prioritize`
  TUTTI_MESSAGE(ControlDownloads, 0x0433, command, order, which, priority);
};

/// H: tell me when no download runs any more. Refused with the code of the first that failed since the last such
/// question; with `unfinished` if some are paused then.
struct AwaitDownloads {
  CommandId command;
  TUTTI_MESSAGE(AwaitDownloads, 0x040b, command);
};
/// H: the question of this command is void (`wait 5` has run out, Ctrl-C); no outcome will come.
struct ForgetCommand {
  CommandId command;
  TUTTI_MESSAGE(ForgetCommand, 0x040c, command);
};

// --- limits ---------------------------------------------------------------------------------------------------

enum class LimitDirection : std::uint8_t { up, down };
inline constexpr std::array<std::string_view, 2> limit_direction_names{"up", "down"};
constexpr std::span<const std::string_view> enumerators(LimitDirection) { return limit_direction_names; }

/// What may be sent (up) or asked for (down) a second, from one minute of the day on until before another, in local
/// time; the second may be the smaller: over midnight. Equal: all day.
struct RateLimit {
  LimitDirection direction = LimitDirection::up;
  std::string group;  ///< empty: all groups together
  std::uint32_t from_minute = 0;
  std::uint32_t until_minute = 0;
  std::uint64_t bytes_per_second = 0;
  TUTTI_RECORD(RateLimit, direction, group, from_minute, until_minute, bytes_per_second);
};
/// H: replaces the limit of the same direction, group and time of day. 0 bytes: lifts it.
struct SetLimit {
  CommandId command;
  RateLimit limit;
  TUTTI_MESSAGE(SetLimit, 0x0434, command, limit);
};
/// H: which limits are there?
struct ListLimits {
  CommandId command;
  TUTTI_MESSAGE(ListLimits, 0x0435, command);
};
struct Limits {
  CommandId command;
  std::vector<RateLimit> limits;
  TUTTI_MESSAGE(Limits, 0x0436, command, limits);
};

// --- why it is as fast as it is ---------------------------------------------------------------------------------

/// Pieces from `first` to `last`, both included.
struct PieceRange {
  PieceIndex first;
  PieceIndex last;
  TUTTI_RECORD(PieceRange, first, last);
};
/// Where we are with somebody who shares what we fetch.
enum class SourceState : std::uint8_t { unreachable, admission, nothing_for_us, asked, idle };
inline constexpr std::array<std::string_view, 5> source_state_names{"unreachable", "admission",
                                                                    "nothing_for_us", "asked", "idle"};
constexpr std::span<const std::string_view> enumerators(SourceState) { return source_state_names; }

/// Which way blocks come from a source: over a sealed link; over CURVE, which costs a multiple, as it has said of no sealed
/// door (or did not get that far yet); or over CURVE because the port that it has named cannot be reached.
enum class BlockWay : std::uint8_t { sealed, curve, sealed_unreachable };
inline constexpr std::array<std::string_view, 3> block_way_names{"sealed", "curve", "sealed_unreachable"};
constexpr std::span<const std::string_view> enumerators(BlockWay) { return block_way_names; }

struct SourceFacts {
  UserName user;  ///< empty: not named by the trackers any more
  std::string endpoint;
  SourceState state = SourceState::idle;
  std::chrono::milliseconds since{};   ///< how long it is in this state, as far as that is counted
  std::chrono::milliseconds silent{};  ///< nothing of what it was asked for has come for so long
  std::uint64_t bytes_per_second = 0;  ///< of late
  ByteCount asked;                     ///< and not come yet
  ByteCount unwritten;                 ///< has come, and waits to be hashed and written
  BlockWay way = BlockWay::curve;
  std::uint16_t sealed_port = 0;           ///< of the sealed door that it has said; 0: none
  ByteCount window;                        ///< so much may be under way
  std::chrono::microseconds answers_in{};  ///< at best, of late; 0: not known
  TUTTI_RECORD(SourceFacts, user, endpoint, state, since, silent, bytes_per_second, asked, unwritten, way,
               sealed_port, window, answers_in);
};
/// What became of the blocks of a download of late, once they had come.
struct WritingFacts {
  std::chrono::microseconds block_takes{};  ///< from coming to being hashed and written, on average
  std::uint32_t hashing_percent = 0;        ///< of the time that whoever verifies it had
  std::uint32_t writing_percent = 0;        ///< the same for writing
  TUTTI_RECORD(WritingFacts, block_takes, hashing_percent, writing_percent);
};
struct DownloadFacts {
  DownloadRow row;
  std::vector<PieceRange> without_source;   ///< missing pieces that nobody here has
  std::uint32_t pieces_without_source = 0;  ///< of all
  std::optional<std::uint64_t> limit;       ///< bytes per second that it may fetch now
  bool waits_for_limit = false;             ///< requests are held back now
  std::optional<std::uint32_t> before_it;   ///< downloads that get their turn earlier, while it waits for one
  bool sharers_unknown = false;             ///< no tracker has answered the last question for sharers
  std::vector<SourceFacts> sources;
  std::optional<WritingFacts> writing;  ///< if anything has come of late
  TUTTI_RECORD(DownloadFacts, row, without_source, pieces_without_source, limit, waits_for_limit, before_it,
               sharers_unknown, sources, writing);
};
/// H: what there is to know of the downloads of this file.
struct DiagnoseDownloads {
  CommandId command;
  GroupName group;
  FileName file;
  TUTTI_MESSAGE(DiagnoseDownloads, 0x0437, command, group, file);
};
struct DownloadsDiagnosed {
  CommandId command;
  std::vector<DownloadFacts> downloads;
  TUTTI_MESSAGE(DownloadsDiagnosed, 0x0438, command, downloads);
};

/// Somebody who fetches from us.
struct LeecherFacts {
  ClientKey client;
  std::string address;  ///< where it called from
  bool admitted = false;
  std::uint64_t bytes_per_second = 0;  ///< sent, of late
  std::uint32_t requests = 0;          ///< that wait here
  ByteCount untaken;                   ///< sent, and not taken by it yet
  bool sealed = false;                 ///< it has come in at the sealed door, too
  TUTTI_RECORD(LeecherFacts, client, address, admitted, bytes_per_second, requests, untaken, sealed);
};
struct ShareFacts {
  std::uint32_t pieces = 0;
  std::uint32_t pieces_served = 0;
  std::optional<std::uint64_t> limit;  ///< bytes per second that may leave now
  bool waits_for_limit = false;
  std::uint32_t reads = 0;  ///< blocks that the disk is asked for
  std::vector<LeecherFacts> leechers;
  TUTTI_RECORD(ShareFacts, pieces, pieces_served, limit, waits_for_limit, reads, leechers);
};
/// H: what there is to know of serving this file.
struct DiagnoseShare {
  CommandId command;
  GroupName group;
  FileName file;
  TUTTI_MESSAGE(DiagnoseShare, 0x0439, command, group, file);
};
/// None: it is not served here.
struct ShareDiagnosed {
  CommandId command;
  std::optional<ShareFacts> share;
  TUTTI_MESSAGE(ShareDiagnosed, 0x043a, command, share);
};

// --- who has what -----------------------------------------------------------------------------------------------

/// What somebody who shares a file has of it.
struct PeerShare {
  UserName user;
  std::string host;
  std::uint16_t port = 0;
  bool answered = false;      ///< no: cannot be reached, or does not serve it
  std::uint32_t pieces = 0;   ///< verified there
  std::uint32_t reports = 0;  ///< as in Sharer
  static constexpr std::size_t released_fields = 5;
  TUTTI_RECORD(PeerShare, user, host, port, answered, pieces, reports);
};
/// The answer of a survey that the shell has made among those who share a file: as many rows as were asked, in their
/// order.
struct PeersSurveyed {
  CommandId command;
  std::vector<PeerShare> peers;
  TUTTI_MESSAGE(PeersSurveyed, 0x040d, command, peers);
};

/// The tracker that answers us is another one, or none.
struct TrackerChanged {
  std::uint32_t tracker_number = 0;  ///< 0: none answers
  std::string endpoint;
  std::string sentence;
  TUTTI_MESSAGE(TrackerChanged, 0x0420, tracker_number, endpoint, sentence);
};
/// A tracker has shown a public key (in Z85) that was not known: the first one is trusted from now on, another one than
/// before is not.
struct TrackerKeySeen {
  std::uint32_t tracker_number = 0;
  std::string endpoint;
  std::string key;
  bool trusted = false;
  std::string sentence;
  TUTTI_MESSAGE(TrackerKeySeen, 0x0424, tracker_number, endpoint, key, trusted, sentence);
};
/// A session has begun or ended. `uid` and `user` are those of the session that began, or zero and empty.
struct SessionChanged {
  Uid uid;
  std::string user;
  TUTTI_MESSAGE(SessionChanged, 0x0421, uid, user);
};
/// A download came into another phase.
struct DownloadChanged {
  DownloadRow download;
  TUTTI_MESSAGE(DownloadChanged, 0x0432, download);
};
/// Something happened to a share of ours that its owner did not ask for: the file has changed or gone.
struct ShareChanged {
  GroupName group;
  FileName file;
  std::string path;
  Code code = Code::other;
  std::string sentence;
  TUTTI_MESSAGE(ShareChanged, 0x0423, group, file, path, code, sentence);
};

using ShellClientMessages =
    Messages<Ask, Told, AskLink, LinkStatus, ShareFile, HashProgress, UnshareFile, StartDownload,
             ListDownloads, Downloads, AwaitDownloads, ForgetCommand, ControlDownloads, SetLimit, ListLimits,
             Limits, DiagnoseDownloads, DownloadsDiagnosed, DiagnoseShare, ShareDiagnosed, PeersSurveyed,
             TrackerChanged, TrackerKeySeen, SessionChanged, DownloadChanged, ShareChanged>;

/// The shell, as the client's actors see it.
struct ShellRole {
  static constexpr std::string_view name = "shell";
  using Accepts = Messages<Told, LinkStatus, HashProgress, Downloads, Limits, DownloadsDiagnosed,
                           ShareDiagnosed, PeersSurveyed, TrackerChanged, TrackerKeySeen, SessionChanged,
                           DownloadChanged, ShareChanged, Notice>;
};

}  // namespace tutti
