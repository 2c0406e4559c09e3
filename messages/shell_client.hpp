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
//                     | H:AwaitDownloads  scheduler:Told             Done: none runs and none failed
//   survey            = survey:PeersSurveyed                       a child of H, among those who share a file
//   at any time       = TrackerChanged | SessionChanged | DownloadChanged | ShareChanged | Notice

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
struct StartDownload {
  CommandId command;
  GroupName group;
  FileName file;
  std::string destination;
  TUTTI_MESSAGE(StartDownload, 0x0408, command, group, file, destination);
};

/// Where a download is. Runs: finding, fetching, waiting, checking, paused. Ended: complete, failed.
enum class DownloadPhase : std::uint8_t { finding, fetching, waiting, checking, paused, complete, failed };
inline constexpr std::array<std::string_view, 7> download_phase_names{
    "finding", "fetching", "waiting", "checking", "paused", "complete", "failed"};
constexpr std::span<const std::string_view> enumerators(DownloadPhase) { return download_phase_names; }

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
  TUTTI_RECORD(DownloadRow, id, group, file, path, phase, size, verified, bytes_per_second, pieces,
               pieces_verified, peers, code, sentence);
};
/// H: all downloads of the user, oldest first.
struct ListDownloads {
  CommandId command;
  TUTTI_MESSAGE(ListDownloads, 0x0409, command);
};
struct Downloads {
  CommandId command;
  std::vector<DownloadRow> downloads;
  TUTTI_MESSAGE(Downloads, 0x040a, command, downloads);
};
/// H: tell me when no download runs any more. Refused with the code of the first that failed since the last such
/// question.
struct AwaitDownloads {
  CommandId command;
  TUTTI_MESSAGE(AwaitDownloads, 0x040b, command);
};
/// H: the question of this command is void (`wait 5` has run out, Ctrl-C); no outcome will come.
struct ForgetCommand {
  CommandId command;
  TUTTI_MESSAGE(ForgetCommand, 0x040c, command);
};

/// What somebody who shares a file has of it.
struct PeerShare {
  UserName user;
  std::string host;
  std::uint16_t port = 0;
  bool answered = false;     ///< no: cannot be reached, or does not serve it
  std::uint32_t pieces = 0;  ///< verified there
  TUTTI_RECORD(PeerShare, user, host, port, answered, pieces);
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
/// A session has begun or ended. `uid` and `user` are those of the session that began, or zero and empty.
struct SessionChanged {
  Uid uid;
  std::string user;
  TUTTI_MESSAGE(SessionChanged, 0x0421, uid, user);
};
/// A download came into another phase.
struct DownloadChanged {
  DownloadRow download;
  TUTTI_MESSAGE(DownloadChanged, 0x0422, download);
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
             ListDownloads, Downloads, AwaitDownloads, ForgetCommand, PeersSurveyed, TrackerChanged,
             SessionChanged, DownloadChanged, ShareChanged>;

/// The shell, as the client's actors see it.
struct ShellRole {
  static constexpr std::string_view name = "shell";
  using Accepts = Messages<Told, LinkStatus, HashProgress, Downloads, PeersSurveyed, TrackerChanged,
                           SessionChanged, DownloadChanged, ShareChanged, Notice>;
};

}  // namespace tutti
