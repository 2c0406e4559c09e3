#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/inside_client.hpp"

// What the actors of Orchestra say to each other: those of a member, which is a client with another door, another kind of
// fetcher and a conductor in the place of trackers; those of a client that serves members of Orchestras; and those of a
// conductor. What is said over the network is not here but in peer/orchestra: it is text of the originals. H is the
// person at a client.
//
//   accepted = door:StreamCame + payload  |  door:StreamOver                     to the orch_peer of a connection
//   serving  = orch_peer:ListAsked  door:ListTold + payload
//            | orch_peer:PartAsked  door:( PartTold + payload | PartRefused )
//            | orch_peer:PeerAway
//   exports  = H:ExportFile  exporter:Told
//            | exporter:OfferFile  exporter:ServeFile  ( exporter:StopServing | door:ServingFailed )      to the door
//   visits   = orch_peer:PeerVisits                                              to the scheduler
//   console  = conductor:ConductorSays  |  console:TableWanted  conductor:TableListed

namespace tutti {

/// The next bytes of the connection are the payload.
struct StreamCame {
  TUTTI_MESSAGE(StreamCame, 0x0801);
};
/// The connection has ended.
struct StreamOver {
  TUTTI_MESSAGE(StreamOver, 0x0802);
};
/// Which parts are there? `peer` is where the asker comes from.
struct ListAsked {
  std::string peer;
  TUTTI_MESSAGE(ListAsked, 0x0803, peer);
};
/// The payload is the list, as it goes over the wire.
struct ListTold {
  TUTTI_MESSAGE(ListTold, 0x0804);
};
/// Give me this part; if it is not there yet, when it is.
struct PartAsked {
  PieceIndex part;
  TUTTI_MESSAGE(PartAsked, 0x0805, part);
};
/// The payload is the part, or the beginning of a large one, which then `goes_on` in what follows. Parts that were there
/// come in the order in which they were asked for.
struct PartTold {
  PieceIndex part;
  bool goes_on = false;
  TUTTI_MESSAGE(PartTold, 0x0806, part, goes_on);
};
/// The part is not there, and too many that are not there have been asked for already.
struct PartRefused {
  PieceIndex part;
  TUTTI_MESSAGE(PartRefused, 0x0809, part);
};
/// The asker's connection has ended: nothing that it has asked for is wanted any more.
struct PeerAway {
  TUTTI_MESSAGE(PeerAway, 0x0807);
};

/// One who has connected to us, from `host`, has parts of the file. Whoever says this is a fetcher that can fetch from it
/// over that connection: there may be no other way to it.
struct PeerVisits {
  ClientKey client;
  std::string host;
  TUTTI_MESSAGE(PeerVisits, 0x0808, client, host);
};

// --- files of groups that members of Orchestras are served ------------------------------------------------------

/// A file of a group that was written as a `.orch` file: what members know it by, and the conductor who tells them of
/// each other.
struct OrchExport {
  Gid gid;
  Fid fid;
  FileName file;
  Sha1 sha1;
  std::string conductor;  ///< `host:port`
  TUTTI_RECORD(OrchExport, gid, fid, file, sha1, conductor);
};
/// H: write this file of a group as a `.orch` file to `path`, which is absolute and where nothing is; and remember that.
struct ExportFile {
  CommandId command;
  std::string path;
  std::string conductor;  ///< `host:port`
  Gid gid;
  Fid fid;
  Metainfo metainfo;
  TUTTI_MESSAGE(ExportFile, 0x0830, command, path, conductor, gid, fid, metainfo);
};
/// Make this file known to its conductor from the next ServeFile until StopServing, which are about it.
struct OfferFile {
  OrchExport file;
  GroupName group;
  ByteCount size;
  ByteCount piece_length;
  TUTTI_MESSAGE(OfferFile, 0x0831, file, group, size, piece_length);
};

// --- a conductor ------------------------------------------------------------------------------------------------

/// conductor: one line for the console.
struct ConductorSays {
  std::string sentence;
  TUTTI_MESSAGE(ConductorSays, 0x0810, sentence);
};
struct TableWanted {
  TUTTI_MESSAGE(TableWanted, 0x0811);
};
/// One file and who shares it.
struct TableRow {
  std::string name;
  std::string sha1;
  std::vector<std::string> members;
  TUTTI_RECORD(TableRow, name, sha1, members);
};
struct TableListed {
  std::vector<TableRow> rows;
  TUTTI_MESSAGE(TableListed, 0x0812, rows);
};

// --- what actors say to themselves, by timers --------------------------------------------------------------------

/// conductor_link: time to ask the conductor again.
struct PollDue {
  TUTTI_MESSAGE(PollDue, 0x0820);
};
/// conductor_link: the conductor takes too long over this poll.
struct PollOverdue {
  std::uint64_t poll = 0;
  TUTTI_MESSAGE(PollOverdue, 0x0821, poll);
};
/// orch_peer: time to dial again.
struct DialDue {
  TUTTI_MESSAGE(DialDue, 0x0822);
};
/// orch_peer: time to look after the connection: what the other side has now, and whether it is alive.
struct LookDue {
  TUTTI_MESSAGE(LookDue, 0x0823);
};
/// door, orch_peer: time to look whether connections have taken what they were sent.
struct SentDue {
  TUTTI_MESSAGE(SentDue, 0x0824);
};
/// conductor, a client's door: this caller takes too long.
struct CallerOverdue {
  Address link;
  TUTTI_MESSAGE(CallerOverdue, 0x0825, link);
};
/// conductor: time to hang up on those who have been answered.
struct HangUpDue {
  TUTTI_MESSAGE(HangUpDue, 0x0826);
};
/// conductor: time to forget members that are gone.
struct ForgetDue {
  TUTTI_MESSAGE(ForgetDue, 0x0827);
};
/// member's desk: time to show how far the file is.
struct ShowDue {
  TUTTI_MESSAGE(ShowDue, 0x0828);
};

using InsideOrchestraMessages =
    Messages<StreamCame, StreamOver, ListAsked, ListTold, PartAsked, PartTold, PartRefused, PeerAway,
             PeerVisits, ExportFile, OfferFile, ConductorSays, TableWanted, TableListed, PollDue, PollOverdue,
             DialDue, LookDue, SentDue, CallerOverdue, HangUpDue, ForgetDue, ShowDue>;

// --- the cast ---------------------------------------------------------------------------------------------------

/// Serves files to the members of Orchestras: what an uploader is to clients.
struct OrchDoorRole {
  static constexpr std::string_view name = "orch_door";
  using Accepts = Messages<OfferFile, ServeFile, ServePiece, StopServing, BlockRead, BlockUnreadable,
                           ListAsked, PartAsked, PeerAway, SendAllowed>;
};

/// Writes `.orch` files of files in groups, and decides which of them a client serves to members of Orchestras.
struct ExporterRole {
  static constexpr std::string_view name = "exporter";
  using Accepts = Messages<ExportFile, ServeFile, StopServing, ServingFailed, FileSynced>;
};

/// Speaks with one member over one connection, both ways: a fetcher that also passes on what the other side asks for.
struct OrchPeerRole {
  static constexpr std::string_view name = "orch_peer";
  using Accepts =
      Joined<FetcherRole::Accepts, Messages<StreamCame, StreamOver, ListTold, PartTold, PartRefused>>;
};

/// Tells members of each other.
struct ConductorRole {
  static constexpr std::string_view name = "conductor";
  using Accepts = Messages<TableWanted>;
};
/// What a conductor shows of itself.
struct ConductorConsoleRole {
  static constexpr std::string_view name = "conductor_console";
  using Accepts = Messages<ConductorSays, TableListed>;
};

}  // namespace tutti
