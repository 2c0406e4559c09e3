#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/codes.hpp"
#include "messages/kernel.hpp"
#include "messages/message.hpp"
#include "messages/peer_ticket.hpp"
#include "messages/sealed_pass.hpp"

// The protocol between one who fetches (F, DEALER) and one who serves (S, ROUTER). Two clients that want something
// of each other hold two links, one each way.
//
//   conversation = F:PeerHello  ( S:PeerWelcome [ S:SealedDoor ] | S:PeerUnwelcome )  *( file | ticket )
//                  F waits for the welcome with nothing: it shows tickets and opens files right behind its hello
//   ticket       = F:ShowTicket | S:TicketWanted  at any time; a file opens when a ticket of its group counts
//   file         = F:OpenFile  [ S:FileFetchers ]  ( S:FileOpened  *transfer  [ F:CloseFile ] )  S:FileClosed
//   transfer     = F:RequestBlock  ( S:Block + payload | S:RejectBlock )
//                | F:CancelBlock                   the answer to that request may still come
//                | S:Have                          a piece more, verified since
//                | S:FileFetchers                  others fetch it here, too
//                | S:RequestLength                 a limit holds here: ask for less at a time
//
// FileFetchers is said from version 2 on, in which who opens a file is going to fetch it. Who only looks says version 1.
// SealedDoor and TicketWanted are said from version 3 on, and ShowTicket by who is going to fetch, who takes no earlier
// version therefore; who looks shows one in version 1, too. RequestLength is said from version 4 on, over the first link.
//
// F may hold further links to S: CURVE ones, and sealed ones by the pass of SealedDoor. Each is a conversation of its own, over which
// F opens files to ask for their blocks. What counts of all of them is told over the first one alone: tickets, and over
// sealed ones S tells neither of new pieces nor of other fetchers.
//
// Block answers come in any order, but those about one block in the order of their requests.

namespace tutti {

constexpr std::uint16_t peer_peer_version_min = 1;
constexpr std::uint16_t peer_peer_version = 4;
/// Whoever fetches needs at least this: before it nobody knew of tickets.
constexpr std::uint16_t peer_fetching_version_min = 3;
/// A block is at most this long: one frame, received once, moved by handle.
constexpr ByteCount block_size_max = 512_KiB;
/// A request is never asked to be shorter than this.
constexpr ByteCount request_length_min = 4_KiB;
/// Requests of one link that may wait at a server; one more is rejected as `busy`.
constexpr std::uint32_t requests_waiting_max = 64;
/// Of those who fetch a file at one server so many are named at the most.
constexpr std::size_t fetchers_named_max = 64;

/// F: first word on a link.
struct PeerHello {
  std::uint16_t version_min = peer_peer_version_min;
  std::uint16_t version_max = peer_peer_version;
  ClientKey client;
  TUTTI_MESSAGE(PeerHello, 0x0301, version_min, version_max, client);
  Fault fault() const {
    return version_min > version_max || client.is_zero() ? "a hello contradicts itself" : Fault{};
  }
};
/// S: the conversation goes on in `version`. `client` lets F see whether it met whom it looked for.
struct PeerWelcome {
  std::uint16_t version = peer_peer_version;
  ClientKey client;
  TUTTI_MESSAGE(PeerWelcome, 0x0302, version, client);
};
/// S: blocks can be had over sealed links as well, which cost less: at this port of the host where this link has been
/// dialled, by this pass. It is good for as long as this link stands.
struct SealedDoor {
  std::uint16_t port = 0;
  SealedPassId pass;
  SealedSecret secret;
  TUTTI_MESSAGE(SealedDoor, 0x0310, port, pass, secret);
  Fault fault() const { return port == 0 ? "a sealed door has no port" : Fault{}; }
};
/// S: there is no common version.
struct PeerUnwelcome {
  std::uint16_t version_min = peer_peer_version_min;
  std::uint16_t version_max = peer_peer_version;
  TUTTI_MESSAGE(PeerUnwelcome, 0x0303, version_min, version_max);
};
/// F: wants pieces of a file that is shared in a group.
struct OpenFile {
  Gid gid;
  Fid fid;
  TUTTI_MESSAGE(OpenFile, 0x0304, gid, fid);
};
/// S: these pieces can be had. Piece i is bit 7 - i % 8 of byte i / 8, as in BEP 3; spare bits are 0.
struct FileOpened {
  Fid fid;
  Bytes bitfield;
  TUTTI_MESSAGE(FileOpened, 0x0305, fid, bitfield);
  Fault fault() const { return bitfield.size() > 8192 ? "a bitfield is too long" : Fault{}; }
};
/// Why a file is not, or no longer, served.
enum class CloseReason : std::uint8_t { not_shared, logged_out, not_a_member, file_changed, busy, asked };
inline constexpr std::array<std::string_view, 6> close_reason_names{
    "not_shared", "logged_out", "not_a_member", "file_changed", "busy", "asked"};
constexpr std::span<const std::string_view> enumerators(CloseReason) { return close_reason_names; }
/// S: nothing (more) of this file. Requests under way are answered by this alone.
struct FileClosed {
  Fid fid;
  CloseReason reason = CloseReason::not_shared;
  TUTTI_MESSAGE(FileClosed, 0x0306, fid, reason);
};
/// F: needs nothing more of this file. Answered by FileClosed `asked`, always: also if S has closed it just before.
struct CloseFile {
  Fid fid;
  TUTTI_MESSAGE(CloseFile, 0x0307, fid);
};
/// F: wants `length` bytes from `offset` of a piece.
struct RequestBlock {
  Fid fid;
  PieceIndex piece;
  ByteCount offset;
  ByteCount length;
  TUTTI_MESSAGE(RequestBlock, 0x0308, fid, piece, offset, length);
  Fault fault() const {
    return length.value == 0 || length > block_size_max || offset > 16_MiB ? "a block is 1 byte to 512 KiB"
                                                                           : "";
  }
};
/// F: does not need this block any more.
struct CancelBlock {
  Fid fid;
  PieceIndex piece;
  ByteCount offset;
  TUTTI_MESSAGE(CancelBlock, 0x0309, fid, piece, offset);
};
/// S: the bytes of a block, in the payload frame.
struct Block {
  Fid fid;
  PieceIndex piece;
  ByteCount offset;
  TUTTI_MESSAGE(Block, 0x030a, fid, piece, offset);
};
/// Why a block is not sent.
enum class RejectReason : std::uint8_t { not_have, busy, cancelled, unreadable };
inline constexpr std::array<std::string_view, 4> reject_reason_names{"not_have", "busy", "cancelled",
                                                                     "unreadable"};
constexpr std::span<const std::string_view> enumerators(RejectReason) { return reject_reason_names; }
/// S: this block will not come.
struct RejectBlock {
  Fid fid;
  PieceIndex piece;
  ByteCount offset;
  RejectReason reason = RejectReason::not_have;
  TUTTI_MESSAGE(RejectBlock, 0x030b, fid, piece, offset, reason);
};
/// S: these clients fetch the file here: the lowest keys, in their order. Said to all of them when it changes, and to a
/// newcomer before FileOpened, if there are others: behind blocks it would come late. So they can share the pieces out
/// among them (part_of) before they have met.
struct FileFetchers {
  Fid fid;
  std::vector<ClientKey> clients;
  TUTTI_MESSAGE(FileFetchers, 0x030d, fid, clients);
  Fault fault() const {
    return clients.size() > fetchers_named_max ? "too many fetchers are named" : Fault{};
  }
};
/// S: ask for no more of this file at a time than so many bytes, until another RequestLength: a limit holds here, and longer
/// answers would come in bursts. Whoever asks for more gets it.
struct RequestLength {
  Fid fid;
  ByteCount bytes = block_size_max;
  TUTTI_MESSAGE(RequestLength, 0x0311, fid, bytes);
  Fault fault() const {
    return bytes < request_length_min || bytes > block_size_max ? "a request is 4 KiB to 512 KiB" : Fault{};
  }
};
/// S: this piece is verified and can be had from now on.
struct Have {
  Fid fid;
  PieceIndex piece;
  TUTTI_MESSAGE(Have, 0x030c, fid, piece);
};

/// F: this is what I am let in by, in the ticket's group. Replaces the one before. No answer but that files open.
struct ShowTicket {
  PeerTicket ticket;
  TUTTI_MESSAGE(ShowTicket, 0x0318, ticket);
};
/// S: what was shown for this group counts no more, or soon: a new ticket is wanted, or its files are closed.
struct TicketWanted {
  Gid gid;
  TUTTI_MESSAGE(TicketWanted, 0x0319, gid);
};

using PeerPeerMessages = Messages<PeerHello, PeerWelcome, SealedDoor, PeerUnwelcome, OpenFile, FileOpened,
                                  FileClosed, CloseFile, RequestBlock, CancelBlock, Block, RejectBlock, Have,
                                  FileFetchers, RequestLength, ShowTicket, TicketWanted>;

/// One who serves, as a fetcher sees it over a link.
struct ServingPeerRole {
  static constexpr std::string_view name = "serving_peer";
  using Accepts = Messages<PeerHello, OpenFile, CloseFile, RequestBlock, CancelBlock, ShowTicket>;
  using Says = Messages<PeerWelcome, SealedDoor, PeerUnwelcome, FileOpened, FileClosed, Block, RejectBlock,
                        Have, FileFetchers, RequestLength, TicketWanted>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};
/// One who fetches, as the uploader sees it over a link.
struct FetchingPeerRole {
  static constexpr std::string_view name = "fetching_peer";
  using Accepts = ServingPeerRole::Says;
  using Says = ServingPeerRole::Accepts;
  static constexpr std::size_t frame_bytes = 64U << 10U;
};

}  // namespace tutti
