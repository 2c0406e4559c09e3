#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "messages/inside_client.hpp"
#include "peer/admission.hpp"
#include "peer/bitfield.hpp"
#include "peer/hand_out.hpp"
#include "peer/line_fill.hpp"
#include "peer/peer_patience.hpp"
#include "peer/piece_layout.hpp"
#include "peer/places.hpp"
#include "peer/rate_limiter.hpp"
#include "peer/rate_meter.hpp"
#include "peer/untaken_blocks.hpp"
#include "peer/weighted_turns.hpp"

namespace tutti {

struct UploaderOptions {
  std::string endpoint;  ///< `ip:port` where peers are served
  ClientKey client;
  std::string public_host;        ///< where they reach us, if it is another
  std::uint16_t sealed_port = 0;  ///< of the sealed door, on the same host; 0 lets the system choose
  /// Clients that fetch a file at a time: as many as can be told of each other.
  std::size_t places = fetchers_named_max;
};

/// Decides which request of which peer is answered next. Owns the two doors where peers come in, what is served, and the
/// requests that wait.
///
/// Rules:
/// - Nothing is served but what it was told to serve, of that only verified pieces, and only to members of the group
///   (Admission): a file that is asked for by somebody who has shown no ticket that counts stays unanswered until he
///   does, `knock_patience` at the most. Whoever shows somebody else's, or one that no tracker has made, is hung up on.
/// - A peer is the key that its link has proven; who says another one in PeerHello is not heard any more.
/// - Whoever has said Hello is given a pass for the sealed door, which is good for as long as that link stands. Whoever comes in by it is
///   that client over a further link: tickets count for all of them, and a departure closes what is open over each.
/// - Over sealed links only blocks go: what else there is to tell a client goes over the link that gave it the pass.
/// - Every CloseFile is answered, also one that crossed with our own FileClosed: the peer counts on it.
/// - A whole file is served instead of downloads of it; downloads of one file, which are at several places, are served
///   together, as if they were one. A download that ends does not stop anything but itself.
/// - Those who fetch a file are told of each other at once (FileFetchers), so that they share it out and ask here for
///   each piece once: whoever has opened it counts, or, of version 1, has asked for a block. However often that
///   changes, it costs a message every `tell_pause`: the more they are, the rarer each hears of it.
/// - A file is given to so many at a time (Places); who else wants it is told to come again (`busy`), and has it from them
///   meanwhile. Of too many links one that fetches nothing goes.
/// - Blocks go out nearly one after the other (LineFill), and what was given to the fewest goes first (HandOut), also
///   among the requests of one link. One block in `by_turn` goes to the link whose turn it is, whatever it asks for: links
///   take turns, and a peer that asks for much gets no more than one that asks for little.
/// - A line that is full of what goes to one client is no reason to let another link of his wait for its first block: a new
///   connection needs as long to speed up as the one before it, and does that beside it.
/// - A block is read when the limits for its group let it through (RateLimiter), in the turns of the links: one timer to
///   the moment when the next one may.
/// - What the door for members of Orchestras wants to send is paid from the same limits: it and the links take turns.
/// - A link has at most requests_waiting_max requests waiting; one more is rejected as busy, so its memory is bounded.
///   At most `reads_max` blocks are being read at a time, `reads_a_link` of one link. For a link
///   that has not taken untaken_max bytes of what it was sent nothing more is read: a peer that asks and does not
///   listen costs no more than that. If all together have not taken untaken_by_all_max, only those are read for who have
///   taken all. Who takes nothing for a long time is hung up on.
/// - Where a limit holds members get equal parts of it, over however many links they ask; and they are told to ask for less at a
///   time the lower it is, since blocks would come in bursts.
/// - Whoever floods a link with small words is hung up on (PeerPatience).
/// - A rejection waits for the blocks asked for before it; but a request that is taken back only for those of the same bytes,
///   so that it holds up no choice. So of two answers to one request each means what it says.
/// - Bytes are read from the disk after it was seen that the file is still the one that was hashed; a file that has
///   changed is not served any more, and whoever said to serve it is told.
class Uploader final
    : public ActorOf<Uploader, Joined<UploaderRole::Accepts, FetchingPeerRole::Says,
                                      Messages<TakenDue, MembersDue, LimitDue, FetchersDue>>> {
 public:
  static constexpr Duration tell_pause = std::chrono::milliseconds(2);
  /// How what is on its way gets on: to ask costs a microsecond a link.
  static constexpr Duration asks_system_every = std::chrono::milliseconds(10);
  static constexpr std::size_t reads_max = 8;
  static constexpr std::size_t reads_a_link = 4;
  static constexpr std::size_t untaken_max = 8U << 20U;           ///< bytes of one link
  static constexpr std::size_t untaken_by_all_max = 128U << 20U;  ///< bytes
  static constexpr std::uint64_t by_turn = 4;
  static constexpr std::size_t links_max = 2000;
  /// Whoever has a link and fetches nothing may be hung up on for another one after so long.
  static constexpr Duration link_idle = std::chrono::seconds(2);
  static constexpr Duration knock_patience = std::chrono::seconds(5);
  static constexpr std::size_t files_a_link_max = 1024;

  struct Others {
    Ref<StorageRole> storage;
    Ref<TrackerLinkRole> tracker_link;
    Ref<SchedulerRole> scheduler;
  };
  /// What came of opening the door is put into `door` when the actor starts, for the wiring to look at.
  Uploader(UploaderOptions options, Others others, std::shared_ptr<Opened> door);

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const ServeFile& serve, Context& context);
  void on(const ServePiece& serve, Context& context);
  void on(const StopServing& stop, Context& context);
  void on(const BlockRead& read, Context& context);
  void on(const BlockUnreadable& unreadable, Context& context);

  void on(const Told& told, Context& context);
  void on(const LimitsChanged& changed, Context& context);
  void on(const SendWanted& wanted, Context& context);
  void on(const SendUnwanted& unwanted, Context& context);
  void on(const DiagnoseShare& diagnose, Context& context);
  void on(const GroupChanged& changed, Context& context);

  void on(const LimitDue& due, Context& context);
  void on(const TakenDue& due, Context& context);
  void on(const FetchersDue& due, Context& context);
  void on(const MembersDue& due, Context& context);
  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const PeerHello& hello, Context& context);
  void on(const OpenFile& open, Context& context);
  void on(const ShowTicket& show, Context& context);
  void on(const CloseFile& close, Context& context);
  void on(const RequestBlock& request, Context& context);
  void on(const CancelBlock& cancel, Context& context);

 private:
  using FileKey = std::pair<Gid, Fid>;
  using Ring = std::deque<Address>;
  struct Served {
    Address by;  ///< who said to serve it
    GroupName group;
    FileName file;
    std::string path;
    PieceLayout layout;
    Bitfield pieces;
    std::optional<FileIdentity> identity;
    bool is(Address speaker, const std::string& place) const { return by == speaker && path == place; }
    bool is_whole() const { return identity && pieces.all(); }
  };
  /// What there is of one file: it whole; or a share of a part, and downloads of it that are under way. Never empty.
  using Copies = std::vector<Served>;
  struct Waiting {
    enum class State : std::uint8_t { queued, reading, rejected } state = State::queued;
    RequestBlock request;
    RejectReason reason = RejectReason::not_have;
    std::uint64_t tag = 0;  ///< of the read
    Payload bytes;          ///< when read
    bool read = false;
  };
  struct Read {
    Address link;
    FileKey file;
    Address by;  ///< of the copy that is read
    std::string path;
  };
  struct Link {
    std::string address;
    LinkKey key;                       ///< proven
    bool sealed = false;               ///< came in by a pass
    std::optional<ClientKey> client;   ///< the same as `key`, once it has said Hello
    std::optional<SealedPassId> pass;  ///< that it was given
    std::uint16_t version = 0;
    std::map<Fid, Gid> open;
    std::set<Fid> fetches;        ///< of those that are open: it is going to ask for blocks
    std::map<Fid, Gid> knocking;  ///< asked for, until a ticket is shown that counts
    Instant knocked{};            ///< asked for the last of them
    Instant idle_since{};         ///< while nothing is open or asked for
    std::deque<Waiting> waiting;
    std::size_t reading = 0;
    UntakenBlocks sent;
    LineShare share;
    std::optional<Outflow> outflow;             ///< as last asked for
    PeerPatience patience;                      ///< with its small words
    RateMeter rate{RateMeter::default_window};  ///< of what is sent
    bool in_ring = false;

    bool has_open(const FileKey& file) const {
      const auto found = open.find(file.second);
      return found != open.end() && found->second == file.first;
    }
  };

  /// What those who fetch a file have been told of each other.
  struct Telling {
    std::vector<ClientKey> fetchers;
    Instant quiet_until{};
    bool due = false;    ///< FetchersDue is on its way
    bool begun = false;  ///< somebody has been told of somebody
  };

  bool open_doors(Context& context);
  void give_pass(Link& link, Context& context);
  void open_file(Address address, Link& link, const FileKey& key, Context& context);
  static void enter(Link& link, const FileKey& key);
  void look_at_places(const FileKey& key, Context& context);
  bool take_place(const FileKey& key, const ClientKey& client, Context& context);
  bool make_room_for_link(Context& context);
  void answer_open(Address address, const Link& link, const FileKey& key, bool told, Context& context);
  void close_file(Address address, Link& link, const Fid& fid, CloseReason reason, Context& context);
  std::vector<ClientKey> fetchers_of(const FileKey& key) const;
  bool fetchers_changed(const FileKey& key, Context& context);
  bool tell_fetchers(const FileKey& key, Telling& telling, Context& context);
  void look_at_tickets(Context& context);
  void serve_nobody(const Gid& gid, Context& context);
  void want_tickets(const Gid& gid, const std::vector<ClientKey>& clients, Context& context);
  static void want_ticket(Address address, const Link& link, const Gid& gid, Context& context);
  void close_knocking(Context& context);
  std::map<Gid, std::set<ClientKey>> who_fetches() const;
  void let_in(const Gid& gid, Context& context);
  void turn_away(const Gid& gid, const std::set<ClientKey>& clients, CloseReason reason, Context& context);
  void tell_pieces(const FileKey& key, Context& context);
  void stop_serving(const FileKey& key, Address by, const std::string& path, CloseReason reason,
                    Context& context);
  void drop_requests(Link& link, const Fid& fid);
  void enter_ring(Address address, Link& link);
  void read_next(Context& context);
  void look_at_line(Context& context);
  bool line_has_room() const;
  bool is_full(const Link& link) const;
  Ring::iterator to_speed_up();
  Address next_in_ring();
  Address take_turn(const Ring::iterator& whose);
  std::optional<HandOut::Rank> put_best_first(Link& link) const;
  /// Whether a link has what to read, and may: next to that it counts what is done about it.
  enum class Turn : std::uint8_t { taken, nothing, limited };
  Turn start_read(Address address, Link& link, RateLimiter::Round& round, Context& context);
  /// What is to be asked for at a time in a group.
  ByteCount request_length(const GroupName& group, Context& context) const;
  void tell_request_length(const GroupName& group, Context& context);
  void allow_sends(RateLimiter::Round& round, Context& context);
  ShareFacts facts_of(const FileKey& key, const Copies& copies, Context& context) const;
  void flush(Address address, Link& link, Context& context);
  void read_done(std::uint64_t tag, const BlockUnreadable* fault, Context& context);
  void lose_copy(const Read& read, const BlockUnreadable& fault, Context& context);
  static Bitfield pieces_of(const Copies& copies);
  void forget(Address link, Context& context);
  /// False: that was one word too many, and the link is gone.
  bool bears(Address from, Link& link, PeerPatience::Word word, Context& context);
  const Copies* copies(const Link& link, const Fid& fid) const;
  /// A copy that has these bytes; null if none.
  const Served* copy_with(const Link& link, const RequestBlock& request) const;

  const UploaderOptions options_;
  const Others others_;
  const std::shared_ptr<Opened> door_;
  Opened sealed_door_;

  std::map<FileKey, Copies> files_;
  std::map<FileKey, Telling> tellings_;
  std::map<Address, Link> links_;
  std::map<FileKey, HandOut> hand_outs_;
  std::map<FileKey, Places> places_;
  Ring ring_;  ///< links with queued requests, in their turn
  std::map<std::uint64_t, Read> reads_;
  std::uint64_t last_tag_ = 0;
  LineFill line_{ByteCount{untaken_by_all_max}};
  std::set<Address> sending_;   ///< links that have not taken all
  ByteCount claimed_;           ///< of the line, by those
  Instant asked_system_{};      ///< how their blocks get on
  std::uint64_t choices_ = 0;   ///< of whose request is next
  PayloadGauge untaken_;        ///< by all links
  bool awaits_taking_ = false;  ///< TakenDue is on its way

  RateLimiter limiter_{LimitDirection::up};
  TimerId limit_timer_;
  bool limited_ = false;                            ///< something waits for a limit
  WeightedTurns<ClientKey> turns_;                  ///< of those who share a limit
  std::map<GroupName, ByteCount> request_lengths_;  ///< as told, where less than a block is to be asked for
  struct Send {
    Address asker;
    SendWanted what;
  };
  std::deque<Send> sends_;    ///< that wait for a limit
  bool sends_first_ = false;  ///< it is their turn

  Admission admission_;
  std::map<CommandId, Gid> questions_;  ///< to the trackers
  std::uint64_t last_question_ = 0;
  TimerId members_timer_;
};

}  // namespace tutti
