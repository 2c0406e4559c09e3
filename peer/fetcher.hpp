#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "peer/piece_layout.hpp"
#include "peer/request_window.hpp"

namespace tutti {

struct FetcherOptions {
  std::string endpoint;  ///< where the peer serves
  ClientKey expected;    ///< whom the trackers say we meet there
  ClientKey self;
  ByteCount request_limit = RequestWindow::start;
  Duration greeting_patience = std::chrono::seconds(3);
  Duration busy_pause = std::chrono::milliseconds(500);
};

/// Owns the link to one remote peer and keeps enough requests under way on it, for all downloads that it serves (a lane
/// each). Which pieces, it is told. It has some more links to the same peer, over which it only asks for blocks; what is said of
/// files is believed on the first one. A sealed one, which costs far less, as soon as the peer has said where; and on a long and fast way
/// three more.
///
/// Rules:
/// - A block goes from the socket to the verifier by handle: it is looked at nowhere between.
/// - As many bytes are under way as the window says; blocks that the verifier still holds count against the limit too,
///   so that a slow disk slows the requests and not the memory.
/// - A lane that a limit holds for asks for nothing before it is allowed to: one request at a time waits for that, and
///   what other lanes have to ask for goes out meanwhile. It asks for what it is allowed, or for what the peer is ready to send at
///   a time if that is less: parts of blocks, which are put together here. At such rates a copy costs nothing.
/// - It asks for a piece more when it could ask for a block and has none left to ask for.
/// - A block that was not asked for, or is not as long as was asked, is the peer's fault: it is not spoken with any more.
///   One that was cancelled in time is no fault, only not used.
/// - A lane that is closed is over when the peer has said so: until then what comes of its file belongs to that lane,
///   and one that is opened after it has not begun.
/// - A file is asked for once: a peer that takes its time to answer is not asked again meanwhile.
/// - Blocks are asked for over sealed links where there is one over which the file can be had, and over the others until then, for
///   ever if need be: nothing waits for a port that cannot be reached. Of several links that is asked which has the least under way.
/// - What a further link owes when it is lost, or when a file is closed there, is asked for again; it is no matter for anybody else.
///   A sealed one dials again by itself, another one is given up.
/// - Nothing waits for the peer's answer to a greeting but what is believed: tickets and files go out right behind it, over
///   further links requests, too.
/// - Two blocks of the window, a quarter at the most, are kept for a sealed link that is on its way: what is asked for over the
///   first one comes there, and a new one takes as many rounds to speed up.
/// - When the (first) link is lost nothing of it is believed any more: the lanes are opened anew when it stands again.
///
/// States: connecting -> (LinkUp) greeting -> (PeerWelcome from the right one) ready; any -> (LinkDown) connecting; any
/// -> (a fault, another client, another version) ended.
class Fetcher final : public ActorOf<Fetcher, Joined<FetcherRole::Accepts, ServingPeerRole::Says,
                                                     Messages<PeerGreetingOverdue, AskAgainDue>>> {
 public:
  Fetcher(FetcherOptions options, Ref<SchedulerRole> scheduler);

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const OpenLane& open, Context& context);
  void on(const CloseLane& close, Context& context);
  void on(const FetchPiece& fetch, Context& context);
  void on(const CancelBlocks& cancel, Context& context);
  void on(const LimitRequests& limit, Context& context);
  void on(const BlockStored& stored, Context& context);
  void on(const MeterRequests& meter, Context& context);
  void on(const RequestAllowed& allowed, Context& context);
  void on(const ReportLane& report, Context& context);
  void on(const HoldTicket& hold, Context& context);

  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const PeerWelcome& welcome, Context& context);
  void on(const PeerUnwelcome& unwelcome, Context& context);
  void on(const SealedDoor& door, Context& context);
  void on(const FileOpened& opened, Context& context);
  void on(const FileClosed& closed, Context& context);
  void on(const Block& block, Context& context);
  void on(const RejectBlock& reject, Context& context);
  void on(const Have& have, Context& context);
  void on(const FileFetchers& fetchers, Context& context);
  void on(const RequestLength& length, Context& context);
  void on(const TicketWanted& wanted, Context& context);

  void on(const PeerGreetingOverdue& overdue, Context& context);
  void on(const AskAgainDue& due, Context& context);

 private:
  enum class State : std::uint8_t { connecting, greeting, ready, ended };
  struct Lane {
    OpenLane what;
    PieceLayout layout;
    bool asked = false;  ///< OpenFile has gone out and is not answered yet
    bool opened = false;
    ByteCount request_max = block_size_max;  ///< the peer wants no longer requests
    bool metered = false;
    ByteCount allowed = {};        ///< and not asked for yet, while metered
    bool waits_for_limit = false;  ///< RequestWanted has been said
  };
  /// Bytes of a block: all of it, or, where a limit holds, less.
  struct Stretch {
    BlockIndex block;
    ByteCount offset;  ///< in the block
    ByteCount length;
  };
  /// A block of which stretches have come.
  struct Begun {
    Bytes bytes;
    ByteCount came;
  };
  /// Blocks of a piece that are to be asked for or have been.
  struct Assignment {
    FetchPiece what;
    std::deque<Stretch> to_ask;
    std::size_t asked = 0;  ///< and not answered
    bool begun = false;     ///< the verifier knows of it
    std::map<BlockIndex, Begun> blocks = {};
  };
  struct Asked {
    Fid fid;
    DownloadId download;
    PieceIndex piece;
    Stretch what;
    Instant at{};
    Address link;
    bool cancelled = false;  ///< the answer is not used
    /// Its file has been closed since: so many FileClosed end it. 0: it has not.
    unsigned closes = 0;
    ByteCount offset() const { return PieceLayout::block_offset(what.block) + what.offset; }
  };
  /// A further link to the same peer.
  struct Side {
    Ref<ServingPeerRole> link;
    bool sealed = false;
    bool greeted = false;                  ///< said hello, and hears what is said
    std::set<Fid> opened = {};             ///< asked for, and not closed
    std::map<Fid, unsigned> closing = {};  ///< as for the first link
  };
  using PieceKey = std::pair<DownloadId, PieceIndex>;

  Ref<ServingPeerRole> dial(Context& context) const;
  Ref<ServingPeerRole> dial_sealed(Context& context) const;
  bool converses() const;
  bool from_peer(Context& context) const;
  Side* side_of(Address link);
  std::size_t count_sides(bool sealed) const;
  void open_sides(Context& context);
  ByteCount kept_for_sealed() const;
  void lose_side(Side& side, Context& context);
  void drop_side(Address link, Context& context);
  template <class Is>
  void ask_anew(Is is, Context& context);
  void drop_sides(Context& context);
  static void open_on_side(Side& side, const Lane& lane, Context& context);
  void on_side(Side& side, const FileClosed& closed, Context& context);
  Ref<ServingPeerRole> link_for(const Fid& fid) const;
  void ask_again(const Asked& asked);
  Lane* lane_of(const Fid& fid);
  void open(Lane& lane, Context& context);
  void ask_for_more(Context& context);
  bool ask_next(Context& context);
  ByteCount allowed(Lane& lane, ByteCount length, Context& context);
  void ask(const PieceKey& key, ByteCount length, Context& context);
  bool has_room(ByteCount bytes) const;
  std::deque<Asked>::iterator find_asked(Address link, const Fid& fid, PieceIndex piece, ByteCount offset);
  std::optional<Payload> whole_block(const Asked& asked, Context& context);
  void use_block(const Asked& asked, Context& context);
  void settle(const PieceKey& key);
  void cancel_asked(const PieceKey& key, const std::vector<BlockIndex>& blocks, Context& context);
  void drop_lane_work(DownloadId download, const Fid& fid, Context& context);
  void drop_all(Context& context);
  void accuse(std::string sentence, Context& context);
  void end(Context& context);

  const FetcherOptions options_;
  const Ref<SchedulerRole> scheduler_;
  State state_ = State::connecting;
  Ref<ServingPeerRole> link_;
  std::uint32_t conversation_ = 0;
  Instant greeted_{};
  std::optional<SealedDoor> sealed_door_;  ///< said in this conversation

  std::map<Gid, PeerTicket> tickets_;  ///< shown over the first link, which counts for all of this client
  std::map<DownloadId, Lane> lanes_;
  std::vector<Side> sides_;
  std::map<Fid, unsigned> closing_;  ///< how many CloseFile of a file are not answered yet
  std::map<PieceKey, Assignment> assignments_;
  std::deque<PieceKey> order_;  ///< assignments that have blocks to ask for, in the order they were given
  std::deque<Asked> asked_;
  RequestWindow window_;
  ByteCount limit_;
  ByteCount unstored_;    ///< at the verifiers
  Instant last_block_{};  ///< came
  bool piece_wanted_ = false;
  bool busy_ = false;
};

}  // namespace tutti
