#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/codes.hpp"
#include "messages/kernel.hpp"
#include "messages/message.hpp"
#include "messages/peer_ticket.hpp"

// The protocol between a client (C, DEALER) and a tracker (T, ROUTER, port P).
//
//   conversation = C:Hello  ( T:Welcome | T:Unwelcome )  *( request | presence )  [ C:Leaving ]
//   request      = C:Request  T:Answer            several may be under way; answers come in any order
//   presence     = C:Present                      no answer
//   at any time  = T:Notice | T:GroupChanged | T:PieceReported
//
// Directories are spoken of from version 2 on: before, a tracker neither takes nor names them. RemoveMember, AskTicket,
// AskTicketRules, GroupChanged, ChangePassword, TransferGroup and AskSessions are said from version 3 on, ReportPiece and
// PieceReported from version 4 on.
//
// Every request names itself by (client key, counter). A tracker that has seen the id before, here or at another
// tracker, answers what was answered then; so a client that hears nothing says the same again elsewhere.

namespace tutti {

/// Version 1 knew no directories; version 2 no tickets, no change of a password or of who owns or is in a group by others,
/// and no list of sessions; version 3 no reports of wrong pieces.
constexpr std::uint16_t client_tracker_version = 4;
constexpr std::uint16_t client_tracker_version_min = 1;
/// From this version on a Metainfo may be that of a directory.
constexpr std::uint16_t trees_version = 2;
/// From this version on members are removed, and show tickets to each other.
constexpr std::uint16_t tickets_version = 3;
/// From this version on passwords and owners change, and sessions are listed.
constexpr std::uint16_t accounts_version = 3;
/// From this version on wrong pieces are reported, and Sharer says how many have done so.
constexpr std::uint16_t reports_version = 4;
/// Rows of one page of a listing, at most.
constexpr std::uint32_t page_rows_max = 1000;
/// Bytes of a password, at most: enough for any sentence, too few to make hashing a weapon.
constexpr std::size_t password_max_bytes = 1024;

/// How far a tracker is in the log of one origin.
struct LogPosition {
  StoreId origin;
  Sequence sequence;
  TUTTI_RECORD(LogPosition, origin, sequence);
};

/// What a state contains: of each origin every operation up to a sequence number. Sorted by origin, no origin twice.
struct VersionVector {
  std::vector<LogPosition> positions;
  TUTTI_RECORD(VersionVector, positions);
  Fault fault() const {
    for (std::size_t i = 1; i < positions.size(); ++i)
      if (!(positions[i - 1].origin < positions[i].origin)) return "a version vector is not sorted";
    return positions.size() > 1024 ? "a version vector names too many origins" : Fault{};
  }
};

/// What a file is, whoever shares it and wherever it lies. Its Fid is a hash over all of this.
///
/// A directory is shared as one file, too: a manifest that names all that is in it (peer/manifest.hpp), and behind it
/// the contents of its files in that order.
struct Metainfo {
  FileName name;
  ByteCount size;
  /// Every piece but the last has this size: a power of two from 512 KiB to 16 MiB.
  ByteCount piece_length;
  Sha1 sha1;
  DigestList<Sha1> piece_sha1;
  DigestList<Sha256> piece_sha256;
  /// How much of the file is the manifest of a directory; 0: it is a plain file, whatever it looks like.
  ByteCount manifest_size{};
  static constexpr std::size_t released_fields = 6;
  TUTTI_RECORD(Metainfo, name, size, piece_length, sha1, piece_sha1, piece_sha256, manifest_size);

  static constexpr ByteCount piece_length_min = 512_KiB;
  static constexpr ByteCount piece_length_max = 16_MiB;
  /// 1 TiB in the largest pieces.
  static constexpr std::uint32_t pieces_max = 65536;
  static constexpr ByteCount manifest_size_max = 64_MiB;

  bool is_tree() const { return manifest_size.value != 0; }
  std::uint32_t piece_count() const {
    return static_cast<std::uint32_t>((size.value + piece_length.value - 1) / piece_length.value);
  }
  ByteCount piece_size(PieceIndex piece) const {
    const std::uint64_t begin = piece.value * piece_length.value;
    return {size.value - begin < piece_length.value ? size.value - begin : piece_length.value};
  }
  Fault fault() const {
    const std::uint64_t length = piece_length.value;
    if (length < piece_length_min.value || length > piece_length_max.value || (length & (length - 1)) != 0)
      return "a piece length is a power of two from 512 KiB to 16 MiB";
    if (size.value > std::uint64_t{pieces_max} * length) return "a file has at most 65,536 pieces";
    if (piece_sha1.size() != piece_count() || piece_sha256.size() != piece_count())
      return "there is one digest a piece";
    if (manifest_size > size || manifest_size > manifest_size_max)
      return "a manifest is a part of its file, of 64 MiB at most";
    return {};
  }
};

// --- what a client asks -------------------------------------------------------------------------------------

/// Makes an account. Done.
struct CreateUser {
  UserName user;
  std::string password;
  TUTTI_MESSAGE(CreateUser, 0x0201, user, password);
  Fault fault() const {
    return password.empty() || password.size() > password_max_bytes ? "a password has 1 to 1,024 bytes" : "";
  }
};
/// Opens a session on this client's key. LoggedIn. `host` is where peers reach the client; empty: the address that
/// the tracker sees. `port` is where it serves them.
struct Login {
  UserName user;
  std::string password;
  std::string host;
  std::uint16_t port = 0;
  TUTTI_MESSAGE(Login, 0x0202, user, password, host, port);
  Fault fault() const {
    if (host.size() > 255) return "a host name has at most 255 bytes";
    return password.empty() || password.size() > password_max_bytes ? "a password has 1 to 1,024 bytes" : "";
  }
};
/// Ends the session. Sharing pauses, share intents stay. Done.
struct Logout {
  TUTTI_MESSAGE(Logout, 0x0203);
};
/// Makes a group whose owner and first member is the user. Done.
struct CreateGroup {
  GroupName group;
  TUTTI_MESSAGE(CreateGroup, 0x0204, group);
};
/// Asks the owner to be let in. Done: the request is noted.
struct JoinGroup {
  GroupName group;
  TUTTI_MESSAGE(JoinGroup, 0x0205, group);
};
/// Ends the membership, or takes the own request back. Done.
struct LeaveGroup {
  GroupName group;
  TUTTI_MESSAGE(LeaveGroup, 0x0206, group);
};
/// Owner only. JoinRequests.
struct ListRequests {
  GroupName group;
  std::string after;  ///< the last name of the page before; empty: from the start
  TUTTI_MESSAGE(ListRequests, 0x0207, group, after);
};
/// Owner only. Done.
struct AcceptRequest {
  GroupName group;
  UserName user;
  TUTTI_MESSAGE(AcceptRequest, 0x0208, group, user);
};
/// Owner only. Done.
struct RejectRequest {
  GroupName group;
  UserName user;
  TUTTI_MESSAGE(RejectRequest, 0x0209, group, user);
};
/// All groups of the network, by name. Groups.
struct ListGroups {
  std::string after;
  TUTTI_MESSAGE(ListGroups, 0x020a, after);
};
/// Members only. Members.
struct ListMembers {
  GroupName group;
  std::string after;
  TUTTI_MESSAGE(ListMembers, 0x020b, group, after);
};
/// Members only: the files that at least one member has said to share. Files.
struct ListFiles {
  GroupName group;
  std::string after;
  TUTTI_MESSAGE(ListFiles, 0x020c, group, after);
};
/// Members only. Makes the file known in the group and this user a sharer of it. FileAdded, or file_conflict.
struct AddFile {
  GroupName group;
  Metainfo metainfo;
  TUTTI_MESSAGE(AddFile, 0x020d, group, metainfo);
};
/// Members only. FileFound, with who shares it now.
struct FindFile {
  GroupName group;
  FileName file;
  TUTTI_MESSAGE(FindFile, 0x020e, group, file);
};
/// Members only. Who shares a file now: asked again and again while a download runs. Sharers.
struct FindSharers {
  Gid gid;
  Fid fid;
  TUTTI_MESSAGE(FindSharers, 0x020f, gid, fid);
};
/// Members only. This user shares (pieces of) the file from now on. Done.
struct StartShare {
  Gid gid;
  Fid fid;
  TUTTI_MESSAGE(StartShare, 0x0210, gid, fid);
};
/// This user does not share the file any more. Done, or not_sharing.
struct StopShare {
  GroupName group;
  FileName file;
  TUTTI_MESSAGE(StopShare, 0x0211, group, file);
};
/// What the tracker knows of itself and the others. TrackerStatus. Needs no login.
struct AskStatus {
  TUTTI_MESSAGE(AskStatus, 0x0212);
};

/// Members only. Which of these clients are members' sessions now. MemberSessions. Clients of before tickets ask this
/// about those whom they serve.
struct FindMemberSessions {
  Gid gid;
  std::vector<ClientKey> clients;
  TUTTI_MESSAGE(FindMemberSessions, 0x0213, gid, clients);
  Fault fault() const {
    return clients.size() > page_rows_max ? "too many clients are asked about at a time" : Fault{};
  }
};

/// Owner only. Ends somebody's membership. Done.
struct RemoveMember {
  GroupName group;
  UserName user;
  TUTTI_MESSAGE(RemoveMember, 0x0290, group, user);
};
/// Members only. A ticket for this client, to be shown to those who serve the group. TicketGiven.
struct AskTicket {
  Gid gid;
  TUTTI_MESSAGE(AskTicket, 0x0291, gid);
};
/// Members only. By what tickets for a group are to be checked now. TicketRules.
struct AskTicketRules {
  Gid gid;
  TUTTI_MESSAGE(AskTicketRules, 0x0293, gid);
};
/// Replaces the own password. Every other session of the user ends, this one stays. Done, or bad_credentials if
/// `password` is not the one that holds.
struct ChangePassword {
  std::string password;
  std::string new_password;
  TUTTI_MESSAGE(ChangePassword, 0x0270, password, new_password);
  Fault fault() const {
    const auto fits = [](const std::string& each) {
      return !each.empty() && each.size() <= password_max_bytes;
    };
    return fits(password) && fits(new_password) ? "" : "a password has 1 to 1,024 bytes";
  }
};
/// Owner only. Another member owns the group from now on. Done.
struct TransferGroup {
  GroupName group;
  UserName user;
  TUTTI_MESSAGE(TransferGroup, 0x0271, group, user);
};
/// Where the user is logged in. Sessions.
struct AskSessions {
  TUTTI_MESSAGE(AskSessions, 0x0272);
};
/// Members only. What this client of a member, who shares the file, has sent alone as this piece is not the piece. Done;
/// not_sharing, if he does not.
struct ReportPiece {
  Gid gid;
  Fid fid;
  ClientKey client;
  PieceIndex piece;
  TUTTI_MESSAGE(ReportPiece, 0x0296, gid, fid, client, piece);
  Fault fault() const {
    return piece.value >= Metainfo::pieces_max ? "a file has at most 65,536 pieces" : Fault{};
  }
};

using ClientRequest =
    OneOf<CreateUser, Login, Logout, CreateGroup, JoinGroup, LeaveGroup, ListRequests, AcceptRequest,
          RejectRequest, ListGroups, ListMembers, ListFiles, AddFile, FindFile, FindSharers, StartShare,
          StopShare, AskStatus, FindMemberSessions, RemoveMember, AskTicket, AskTicketRules, ChangePassword,
          TransferGroup, AskSessions, ReportPiece>;

/// True for the requests that are answered without a session.
template <class Request>
constexpr bool needs_no_login =
    std::same_as<Request, CreateUser> || std::same_as<Request, Login> || std::same_as<Request, AskStatus>;

// --- what a tracker answers ---------------------------------------------------------------------------------

struct LoggedIn {
  Uid uid;
  UserName user;
  SessionToken token;
  /// Things the user has to be told once, such as a new name after a partition healed.
  std::vector<std::string> messages;
  TUTTI_MESSAGE(LoggedIn, 0x0240, uid, user, token, messages);
};
struct JoinRequests {
  std::vector<UserName> users;
  bool more = false;
  TUTTI_MESSAGE(JoinRequests, 0x0241, users, more);
};
/// What the asking user is to a group.
enum class Standing : std::uint8_t { none, requested, member, owner };
inline constexpr std::array<std::string_view, 4> standing_names{"none", "requested", "member", "owner"};
constexpr std::span<const std::string_view> enumerators(Standing) { return standing_names; }

struct GroupRow {
  GroupName group;
  UserName owner;
  std::uint32_t members = 0;
  Standing standing = Standing::none;
  TUTTI_RECORD(GroupRow, group, owner, members, standing);
};
struct Groups {
  std::vector<GroupRow> groups;
  bool more = false;
  TUTTI_MESSAGE(Groups, 0x0242, groups, more);
};
struct MemberRow {
  UserName user;
  bool owner = false;
  bool online = false;
  TUTTI_RECORD(MemberRow, user, owner, online);
};
struct Members {
  std::vector<MemberRow> members;
  bool more = false;
  TUTTI_MESSAGE(Members, 0x0243, members, more);
};
struct FileRow {
  FileName file;
  ByteCount size;
  std::uint32_t sharers = 0;         ///< who has said to share it
  std::uint32_t sharers_online = 0;  ///< of those, who is logged in now
  Sha1 sha1;
  bool tree = false;  ///< it is a directory
  static constexpr std::size_t released_fields = 5;
  TUTTI_RECORD(FileRow, file, size, sharers, sharers_online, sha1, tree);
};
struct Files {
  std::vector<FileRow> files;
  bool more = false;
  TUTTI_MESSAGE(Files, 0x0244, files, more);
};
struct FileAdded {
  Gid gid;
  Fid fid;
  bool existed = false;  ///< somebody shared the same name and content before
  TUTTI_MESSAGE(FileAdded, 0x0245, gid, fid, existed);
};
/// Somebody who shares a file and is logged in now.
struct Sharer {
  UserName user;
  ClientKey client;
  std::string host;
  std::uint16_t port = 0;
  /// So many members have reported wrong pieces of this file from this client of late.
  std::uint32_t reports = 0;
  static constexpr std::size_t released_fields = 4;
  TUTTI_RECORD(Sharer, user, client, host, port, reports);
  Fault fault() const {
    return host.empty() || host.size() > 255 || port == 0 ? "a sharer has no address" : "";
  }
  /// `host:port` or `[ipv6]:port`.
  std::string endpoint() const {
    const bool brackets = host.find(':') != std::string::npos;
    return (brackets ? '[' + host + ']' : host) + ':' + std::to_string(port);
  }
};
struct FileFound {
  Gid gid;
  Fid fid;
  Metainfo metainfo;
  std::vector<Sharer> sharers;
  TUTTI_MESSAGE(FileFound, 0x0246, gid, fid, metainfo, sharers);
};
struct Sharers {
  std::vector<Sharer> sharers;
  TUTTI_MESSAGE(Sharers, 0x0247, sharers);
};
/// Those of the clients asked about that are sessions of members.
struct MemberSessions {
  std::vector<ClientKey> clients;
  TUTTI_MESSAGE(MemberSessions, 0x0249, clients);
};
struct TicketGiven {
  PeerTicket ticket;
  TUTTI_MESSAGE(TicketGiven, 0x0292, ticket);
};
/// A ticket counts that is of this epoch or a higher one, has not expired, and is signed by one of these trackers: all
/// that the answering one knows of.
struct TicketRules {
  std::uint64_t epoch = 0;
  std::uint64_t now = 0;  ///< the tracker's clock, in milliseconds since 1970
  std::vector<SigningKey> signers;
  TUTTI_MESSAGE(TicketRules, 0x0294, epoch, now, signers);
  Fault fault() const { return signers.size() > 1024 ? "too many trackers sign tickets" : Fault{}; }
};
/// One session of the user who asks.
struct SessionRow {
  ClientKey client;
  std::uint64_t since = 0;  ///< milliseconds since 1970, by the clock of the tracker that took the login
  std::string host;         ///< where the client says that it serves its peers; empty: it is not online
  bool asking = false;      ///< it is the one that asks
  TUTTI_RECORD(SessionRow, client, since, host, asking);
};
/// The newest first; a page of them at most.
struct Sessions {
  std::vector<SessionRow> sessions;
  TUTTI_MESSAGE(Sessions, 0x0273, sessions);
};
/// What one tracker knows of another (or of itself).
enum class TrackerHealth : std::uint8_t { self, in_sync, behind, unreachable };
inline constexpr std::array<std::string_view, 4> tracker_health_names{"self", "in_sync", "behind",
                                                                      "unreachable"};
constexpr std::span<const std::string_view> enumerators(TrackerHealth) { return tracker_health_names; }

struct TrackerRow {
  std::uint32_t number = 0;  ///< line in tracker_info.txt, from 1
  std::string endpoint;
  TrackerHealth health = TrackerHealth::unreachable;
  std::uint64_t operations_behind = 0;
  std::chrono::milliseconds last_heard{};  ///< ago
  TUTTI_RECORD(TrackerRow, number, endpoint, health, operations_behind, last_heard);
};
struct TrackerStatus {
  std::vector<TrackerRow> trackers;
  std::uint64_t users = 0;
  std::uint64_t groups = 0;
  std::uint64_t files = 0;
  TUTTI_MESSAGE(TrackerStatus, 0x0248, trackers, users, groups, files);
};

using TrackerAnswer =
    OneOf<Done, Refused, LoggedIn, JoinRequests, Groups, Members, Files, FileAdded, FileFound, Sharers,
          TrackerStatus, MemberSessions, TicketGiven, TicketRules, Sessions>;

// --- the envelopes of the conversation ----------------------------------------------------------------------

/// C: first word on a link. `version_max` is the newest version that the client speaks.
struct Hello {
  std::uint16_t version_min = client_tracker_version_min;
  std::uint16_t version_max = client_tracker_version;
  ClientKey client;
  std::string software;
  TUTTI_MESSAGE(Hello, 0x0280, version_min, version_max, client, software);
  Fault fault() const {
    if (version_min > version_max || software.size() > 100) return "a hello contradicts itself";
    return client.is_zero() ? "a client has a key" : Fault{};
  }
};
/// T: the conversation goes on in `version`.
struct Welcome {
  std::uint16_t version = client_tracker_version;
  std::uint32_t tracker_number = 0;
  StoreId store;
  bool syncing = false;  ///< catching up with the others: requests wait until it has
  TUTTI_MESSAGE(Welcome, 0x0281, version, tracker_number, store, syncing);
};
/// T: there is no common version.
struct Unwelcome {
  std::uint16_t version_min = client_tracker_version_min;
  std::uint16_t version_max = client_tracker_version;
  std::string sentence;
  TUTTI_MESSAGE(Unwelcome, 0x0282, version_min, version_max, sentence);
};
/// C: one request. `floor` is the newest state that the client has seen: the answer is never older than that.
struct Request {
  RequestCounter counter;
  SessionToken token;
  VersionVector floor;
  ClientRequest what;
  TUTTI_MESSAGE(Request, 0x0283, counter, token, floor, what);
};
/// T: the outcome of the request with this counter. `provisional` if the trackers in `unreachable` (numbers of the
/// tracker file) have not seen it yet; `sentence` says so to people.
struct Answer {
  RequestCounter counter;
  VersionVector at;
  bool provisional = false;
  std::string sentence;
  TrackerAnswer what;
  TUTTI_MESSAGE(Answer, 0x0284, counter, at, provisional, sentence, what);
};
/// C: the session is alive and its shares are served. Said every 5 s; a session not heard of for 15 s is offline.
struct Present {
  SessionToken token;
  std::uint64_t count = 0;  ///< grows with every Present, so that an old one, overtaken, is known as old
  std::string host;
  std::uint16_t port = 0;
  TUTTI_MESSAGE(Present, 0x0285, token, count, host, port);
  Fault fault() const { return host.size() > 255 ? "a host name has at most 255 bytes" : Fault{}; }
};
/// C: the client ends in an orderly way. Its session stays, but nobody is to look for it any more, until it is Present
/// again. A tracker that does not know this word drops it, and notices later.
struct Leaving {
  SessionToken token;
  std::uint64_t count = 0;  ///< goes on from that of Present
  TUTTI_MESSAGE(Leaving, 0x0287, token, count);
};
/// T: something the user wants to know now: a join request for an owner, an acceptance, a session that has ended.
enum class NoticeKind : std::uint8_t {
  join_requested,
  accepted,
  rejected,
  became_owner,
  session_ended,
  info
};
inline constexpr std::array<std::string_view, 6> notice_kind_names{
    "join_requested", "accepted", "rejected", "became_owner", "session_ended", "info"};
constexpr std::span<const std::string_view> enumerators(NoticeKind) { return notice_kind_names; }
struct Notice {
  NoticeKind kind = NoticeKind::info;
  std::string group;  ///< name, or empty
  std::string user;   ///< name, or empty
  std::string sentence;
  TUTTI_MESSAGE(Notice, 0x0286, kind, group, user, sentence);
};

/// T: somebody has left the group or was removed, so its epoch has risen: tickets of lower ones count no more. To all
/// clients of its members that are linked; and to those of whoever has gone, with `member` false and a sentence for him.
struct GroupChanged {
  Gid gid;
  GroupName group;
  std::uint64_t epoch = 0;
  bool member = true;
  std::string sentence;
  TUTTI_MESSAGE(GroupChanged, 0x0295, gid, group, epoch, member, sentence);
};
/// T: a member says that this piece of a file, as this client has sent it, is not the piece. Nobody has looked: the client
/// is to look at its disk.
struct PieceReported {
  Gid gid;
  Fid fid;
  PieceIndex piece;
  UserName reporter;
  TUTTI_MESSAGE(PieceReported, 0x0297, gid, fid, piece, reporter);
  Fault fault() const {
    return piece.value >= Metainfo::pieces_max ? "a file has at most 65,536 pieces" : Fault{};
  }
};

using ClientTrackerMessages = Joined<ClientRequest::Options, TrackerAnswer::Options,
                                     Messages<Hello, Welcome, Unwelcome, Request, Answer, Present, Notice,
                                              Leaving, GroupChanged, PieceReported>>;

/// A tracker as a client sees it, over a link.
struct TrackerRole {
  static constexpr std::string_view name = "tracker";
  using Accepts = Messages<Hello, Request, Present, Leaving>;
  using Says = Messages<Welcome, Unwelcome, Answer, Notice, GroupChanged, PieceReported>;
  static constexpr std::size_t frame_bytes = 8U << 20U;
};
/// A client as a tracker sees it, over a link.
struct ClientRole {
  static constexpr std::string_view name = "client";
  using Accepts = TrackerRole::Says;
  using Says = TrackerRole::Accepts;
  static constexpr std::size_t frame_bytes = 8U << 20U;
};

}  // namespace tutti
