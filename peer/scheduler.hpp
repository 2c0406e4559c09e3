#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/download.hpp"
#include "peer/fellow_progress.hpp"
#include "peer/piece_checks.hpp"
#include "peer/request_gate.hpp"
#include "peer/request_window.hpp"
#include "peer/swarm_words.hpp"
#include "peer/ticket_purse.hpp"
#include "peer/weighted_turns.hpp"

namespace tutti {

struct FetcherOptions;

struct SchedulerOptions {
  ClientKey self;
  /// Makes what speaks with a peer (FetcherRole); empty: a Fetcher.
  std::function<std::unique_ptr<Actor>(const FetcherOptions&, Ref<SchedulerRole>)> make_fetcher = {};
  SwarmWords words = {};
  /// A wrong piece proves that whoever sent all of it is up to no good. Else it is borne, see WrongPieces.
  bool wrong_piece_convicts = true;
  /// Those who fetch a file share its pieces out among them. All of them have to, and know each other by the same keys.
  bool shares_out = true;
  /// Pieces are picked at random from all that a peer has (PiecePicker::at_random).
  bool picks_at_random = false;
  /// How often the trackers are asked who shares a file that is being fetched. At first more often: those who begin
  /// together are to find each other before one of them has fetched everything from the only source.
  Duration sharers_every = std::chrono::seconds(2);
  Duration sharers_first = std::chrono::milliseconds(20);
  /// Whoever is said to fetch a file and has not been met after so long is not counted on.
  Duration meeting_patience = std::chrono::seconds(2);
  /// How often it is looked at who of those who fetch beside us gets on. When one of them has come or gone: at once, if they
  /// are fewer than fetchers_named_max; else not before `fellows_pause` for each so many, since of thousands one always has.
  Duration fellows_every = std::chrono::milliseconds(50);
  Duration fellows_pause = std::chrono::milliseconds(1);
  /// A fetcher that no download needs keeps its link so long, for the next one.
  Duration fetcher_idle = std::chrono::seconds(20);
  /// A peer that has not answered for so long gives its place to another, if there is one, and gets none for
  /// `unreachable_shunned`.
  Duration unreachable_after = std::chrono::seconds(3);
  Duration unreachable_shunned = std::chrono::seconds(30);
  /// A peer that is busy (it has no place free, or looks through the file) is asked again later and later, up to so much.
  Duration busy_pause_max = std::chrono::seconds(4);
  /// Downloads that fetch at a time; more wait for their turn.
  std::size_t active_max = 64;
  /// A download that has found nobody for so long gives its turn to one that waits for it.
  Duration turn_without_source = std::chrono::seconds(15);
  /// When a place that could not be made ready at login (a full disk, a volume that is not there) is tried again.
  Duration prepare_again_after = std::chrono::seconds(10);
  /// Peers of one download.
  std::size_t peers_max = 24;
  /// Bytes of blocks under way, over all peers.
  ByteCount request_memory = RequestBudget::default_total;
};

/// Decides which downloads run and which peer is asked for which of their pieces. Owns the downloads of the user, their
/// pickers, and one fetcher a remote peer, which all downloads from it share.
///
/// Rules:
/// - A download is said to run when its place on the disk is made; from then on it survives anything but the user: no
///   source, no tracker, no session, no disk at login only make it wait, and a restart brings it back.
/// - One download a place: what is asked for again goes on, anything else to the same place is refused; where a complete
///   one was, whose file is gone, the next one takes its row. So a command waits until the store has said what there is, and until the place of the one before it is settled.
/// - A turn is for those who can use it: a download without a source gives it away when others wait for one. A peer
///   that cannot be reached, or does not say what it has, gives its place to another in the same way.
/// - Turns, pieces at a fetcher with room and requests that a limit holds back go to downloads by their priorities
///   (WeightedTurns). A turn that is given stays until the download is over or of no use.
/// - A paused download has no turn and no lanes, serves what it has, and is not waited for.
/// - What the user wants done with a download is done once the store has said what there is, and not while it gets its
///   name: then it is neither a part file nor a complete one.
/// - A recheck trusts nothing: the download rests, unserved, until storage has hashed all of it, and begins with what is
///   right. A complete one stays a share until something is found to be wrong; the librarian gives the share back
///   before the file loses its name, else it would tell the trackers that the file has gone.
/// - No piece is given to a fetcher while requests of that download wait for a limit: it would only wait there, and
///   look slow.
/// - Pieces are fetched from the start on while nobody is known to trade with, so that the SHA-1 of the whole follows
///   closely; rarest first as soon as somebody is.
/// - Those who fetch a file share its pieces out among them (part_of), so that a lone seeder gives each away once. Who
///   they are is heard from those who serve it, before one has met them; who does not come, stalls or does not get on
///   (FellowProgress) gets no part.
/// - Which piece next is the picker's decision; here is only whose turn it is: a fetcher with room asks, its downloads
///   take turns.
/// - A peer that sent a bad piece alone is spoken with no more in this session, nor one that breaks the protocol; where
///   nobody's key vouches for him, a bad piece may be bad luck (WrongPieces).
///   Where a key vouches, the trackers are told of it.
/// - Every verified piece is journalled and served at once. If somebody says that one came wrong from here, it is hashed
///   again; if it is wrong, so is all of its download, and what is wrong is fetched again.
/// - A download that fails is taken off the trackers, unless the user shares the file apart from it as well. One whose
///   bytes could not be read for a peer does not fail by that: it is shared anew.
/// - What the user does not want shared is remembered as such, also what the store is still bringing back, making or
///   naming then, and what is complete: a recheck may make a download of it again.
/// - A file gets its name when the SHA-1 of the whole is right, and never over another file.
/// - Of a directory the manifest is fetched first. Then storage says what is wanted of the rest and what of that is there
///   already, as it does for a download that is resumed. Where only a part is wanted the digests of its pieces have to do.
/// - Those who share a file are connected to while its place on the disk is made: one need not wait for the other.
/// - Bounded: downloads that fetch, peers of a download, fetchers (by the memory for requests), descriptors (by the disk).
///
/// A download: finding -> fetching <-> waiting -> checking -> complete; any of these -> failed; any of the first three
/// <-> paused; the end of the session
/// forgets it here, and the next login brings it back from the store. A failed one goes on when it is started again.
class Scheduler final
    : public ActorOf<Scheduler, Joined<SchedulerRole::Accepts,
                                       Messages<PeerVisits, DownloadsDue, PickDue, SharersDue, LimitDue>>> {
 public:
  struct Others {
    Ref<ShellRole> shell;
    Ref<TrackerLinkRole> tracker_link;
    Ref<LibrarianRole> librarian;
    Ref<UploaderRole> uploader;
    Ref<StorageRole> storage;
    std::vector<Ref<HashVerifierRole>> verifiers;  ///< at least one
    Ref<FileHasherRole> checker = {};              ///< zero: nobody reports pieces
  };

  Scheduler(SchedulerOptions options, Others others);

  void start(Context& context) override;
  void check_invariants() const override;

  // Commands.
  void on(const StartDownload& start, Context& context);
  void on(const ListDownloads& list, Context& context);
  void on(const AwaitDownloads& await, Context& context);
  void on(const ForgetCommand& forget, Context& context);
  void on(const ControlDownloads& order, Context& context);
  void on(const DiagnoseDownloads& diagnose, Context& context);

  // The session, the trackers, the disk.
  void on(const Told& told, Context& context);
  void on(const SessionChanged& changed, Context& context);
  void on(const GroupLeft& left, Context& context);
  void on(const GroupChanged& changed, Context& context);
  void on(const TicketRefused& refused, Context& context);
  void on(const DownloadUnshared& unshared, Context& context);
  void on(const DownloadsRecalled& recalled, Context& context);
  void on(const DownloadPrepared& prepared, Context& context);
  void on(const DownloadRefused& refused, Context& context);
  void on(const DownloadFinished& finished, Context& context);
  void on(const DownloadForgotten& forgotten, Context& context);
  void on(const RecheckProgress& progress, Context& context);
  void on(const DownloadSound& sound, Context& context);
  void on(const DownloadUnsound& unsound, Context& context);
  void on(const ShareReturned& returned, Context& context);
  void on(const LimitsChanged& changed, Context& context);
  void on(const WholeHashed& hashed, Context& context);
  void on(const WholeUnreadable& unreadable, Context& context);
  void on(const ServingFailed& failed, Context& context);
  void on(const FileWanted& wanted, Context& context);
  void on(const PieceReported& reported, Context& context);
  void on(const PieceHashed& hashed, Context& context);
  void on(const HashFailed& failed, Context& context);
  void on(const ShareDamaged& damaged, Context& context);

  // Fetchers and verifiers.
  void on(const PeerReady& ready, Context& context);
  void on(const PeerLost& lost, Context& context);
  void on(const PeerAtFault& fault, Context& context);
  void on(const PeerVisits& visits, Context& context);
  void on(const LaneOpened& opened, Context& context);
  void on(const LaneClosed& closed, Context& context);
  void on(const LaneFetchers& fetchers, Context& context);
  void on(const PeerHas& has, Context& context);
  void on(const PieceWanted& wanted, Context& context);
  void on(const BlockArrived& arrived, Context& context);
  void on(const PieceNotCome& not_come, Context& context);
  void on(const PieceVerified& verified, Context& context);
  void on(const PieceCorrupt& corrupt, Context& context);
  void on(const PieceUnwritable& unwritable, Context& context);
  void on(const RequestWanted& wanted, Context& context);
  void on(const LaneReported& reported, Context& context);
  void on(const WritingReported& reported, Context& context);

  void on(const DownloadsDue& due, Context& context);
  void on(const PickDue& due, Context& context);
  void on(const SharersDue& due, Context& context);
  void on(const TicketDue& due, Context& context);
  void on(const LimitDue& due, Context& context);

 private:
  struct Waiter {
    Address asker;  ///< 0: nobody wants to know any more
    CommandId command;
  };
  /// A command whose download is not being prepared yet: the trackers are asked, then it may have to wait for the store.
  struct Finding {
    Waiter asker;
    StartDownload start;
    std::optional<FileFound> found;
  };
  /// A download that is being prepared: asked for by a command, brought back by a login, or rechecked.
  struct Starting {
    Waiter asker;
    bool recalled = false;
    std::vector<Sharer> sharers;
    DownloadRecord record;
    bool rechecks = false;
    std::optional<Bytes> right = {};        ///< of a complete file that turned out wrong
    bool sharers_known = true;              ///< `sharers` are what the trackers say now
    std::optional<bool> shared_apart = {};  ///< if not: what is known of that
    bool lays_out = false;                  ///< a directory, whose manifest has come
  };
  /// What a user wants of downloads, until it can be done.
  struct Order {
    Waiter asker;
    ControlDownloads what;
  };
  /// Downloads that one order cancels, until the store has forgotten them.
  struct Cancelling {
    Waiter asker;
    std::uint64_t session = 0;
    std::map<DownloadId, Download> left;
    std::optional<Refused> fault;
    std::string sentence;
  };
  /// A diagnosis whose fetchers and verifiers have not all answered.
  struct Diagnosis {
    Waiter asker;
    std::vector<DownloadFacts> downloads;
    std::map<std::pair<Address, DownloadId>, std::pair<std::size_t, std::size_t>> open;  ///< download, source
    std::map<DownloadId, std::size_t> writing;  ///< the same of those whose verifier is asked
  };
  /// A complete file of which a piece is wrong, as its librarian says, until all of it has been hashed.
  struct Damage {
    std::string path;                          ///< as the librarian calls it
    std::optional<DownloadId> rechecked = {};  ///< it is being hashed
  };
  struct Source {
    Ref<FetcherRole> fetcher;
    PeerKey peer;
    ClientKey client;
    std::string endpoint;
    std::optional<Sharer> visitor = {};  ///< it has dialled us: where it can be dialled is not known
    bool ready = false;
    Instant unready_since{};  ///< while it is not ready
    ByteCount limit;          ///< of its requests, as it was told
    bool hungry = false;      ///< it wants a piece and there was none
    std::set<DownloadId> lanes;
    std::map<DownloadId, Instant> asked;  ///< of the lanes, those that it has not opened: since when it could
    std::set<DownloadId> metered;         ///< of the lanes
    std::map<DownloadId, FellowProgress> progress = {};  ///< of the lanes that it has opened
    /// As the peer says, and since when; in the order of their keys.
    std::map<DownloadId, std::vector<std::pair<ClientKey, Instant>>> fetchers = {};
    WeightedTurns<DownloadId> turns = {};
    TimerId pick_timer;
    std::optional<Instant> idle_since;
  };
  using WithTold = std::function<void(const Told&, Context&)>;

  // Commands, sessions, the store (scheduler_commands.cpp).
  void ask(ClientRequest what, WithTold then, Context& context);
  void tell(Address asker, CommandId command, TrackerAnswer what, Context& context);
  void begin_found(Context& context);
  void begin(const Finding& finding, Context& context);
  const DownloadRecord* rival_of(const StartDownload& start) const;
  void prepare(Starting starting, Context& context);
  void prepare_later(const Starting& starting, const DownloadRefused& why, Context& context);
  void resume_or_list(DownloadRecord record, Context& context);
  void supersede(const DownloadRecord& record, Context& context);
  void keep_private(const DownloadUnshared& unshared, Context& context);
  bool shares_apart(const std::vector<Sharer>& sharers, bool recalled) const;
  Refused paused_ones() const;
  void answer_waiters(Context& context);
  void clear(Context& context);
  bool any_runs() const;
  bool recalling() const;

  // What the user wants done (scheduler_control.cpp).
  void obey_orders(Context& context);
  bool is_settled() const;
  bool is_between(DownloadId id) const;
  std::vector<DownloadId> named(const std::optional<DownloadName>& which) const;
  void obey(const Order& order, const std::vector<DownloadId>& downloads, Context& context);
  std::optional<Refused> nothing_to_do(const ControlDownloads& order,
                                       const std::vector<DownloadId>& downloads) const;
  void wish(Download& download, const DownloadWishes& wishes, Context& context);
  void pause(Download& download, Context& context);
  void resume(DownloadId id, Context& context);
  void recheck(Download& download, Context& context);
  void drop_starting(DownloadId id);
  bool is_starting(DownloadId id) const;
  Download* rechecked(std::uint64_t tag);

  // What others say of what they got from here, and what is said of them (scheduler_reports.cpp).
  void report(const Download& download, PieceIndex piece, const ClientKey& client, Context& context);
  Download* served_at(const Gid& gid, const Fid& fid, const std::string& part_path);
  void recheck_damaged(Context& context);
  void damage_is_over(const Download& download, Context& context);

  void end_recheck(const Starting& starting, const Download& before, const Download& now, Context& context);
  void recheck_refused(const Starting& starting, Refused why, Context& context);
  void cancel_downloads(const Order& order, const std::vector<DownloadId>& downloads, Context& context);
  void leave(Download& download, Context& context);
  void leave_trackers(const Download& download, Context& context);
  void forgotten(DownloadId id, std::optional<Refused> fault, Context& context);

  // Limits, and why it is as fast as it is (scheduler_limits.cpp).
  void meter(Source& source, DownloadId id, Context& context);
  void open_gate(Context& context);
  DownloadFacts facts_of(Download& download, Context& context);
  void conclude_diagnoses(Context& context);
  void forget_report(Address fetcher, DownloadId id, Context& context);

  // The life of a download (scheduler.cpp).
  Download* find(DownloadId id);
  void take_turns(Context& context);
  void pass_turns(Context& context);
  void activate(Download& download, Context& context);
  void share(DownloadId id, Context& context);
  void serve(const Download& download, Context& context);
  void lay_out(Download& download, Context& context);
  void finish(Download& download, Context& context);
  void finish_if_complete(Download& download, Context& context);
  void fail(Download& download, Code code, std::string sentence, Context& context);
  void stop_fetching(Download& download, Context& context);
  void give_up_turn(Download& download, Context& context);
  void stop_serving(Download& download, CloseReason reason, Context& context);
  void set_phase(Download& download, DownloadPhase phase, Code code, std::string sentence, Context& context);
  void settle_phase(Download& download, Context& context);
  std::uint32_t peers_of(const Download& download) const;
  void keep_ticking(Context& context);

  // The swarm (scheduler_swarm.cpp).
  void ask_sharers(Download& download, Context& context);
  void ask_sharers_later(Download& download, Duration delay, Context& context);
  void use_sharers(Download& download, Context& context);
  void keep_ticket(const Gid& gid, Context& context);
  void look_at_ticket(const Gid& gid, Context& context);
  bool fetches_in(const Gid& gid) const;
  void leave_absent(const Download& download, Context& context);
  bool leave_unreachable(Download& download, Context& context);
  bool open_lane(Download& download, const Sharer& sharer, Context& context);
  Source* source_for(const Download& download, const Sharer& sharer, Context& context);
  Source& new_source(const Sharer& sharer, Context& context);
  void meet(const std::vector<Sharer>& sharers, Context& context);
  bool make_room_for_source(Context& context);
  void stop_source(Address fetcher, Context& context);
  void leave_lanes(Source& source, Context& context);
  void leave_lane(Source& source, DownloadId id, Context& context);
  void ban(const ClientKey& client, std::string_view why, Context& context);
  std::string name_of(const ClientKey& client) const;
  void ask_again_for_wrong(Download& download, Context& context);
  std::string why_it_waits(const Download& download) const;
  void share_memory(Context& context);
  void feed(Source& source, Context& context);
  bool feed_from(Source& source, Download& download, Context& context);
  bool unreachable(const Source& source, Instant now) const;
  bool leaves_unanswered(const Source& source, DownloadId id, Instant now) const;
  bool counts_as_fetcher(const Source& source, const Download& download, std::uint64_t pace,
                         Instant now) const;
  void look_at_fellows(Download& download, Instant now) const;
  void share_out(Download& download);
  void look_for_fetcher(Download& download, const ClientKey& client, Context& context);
  void feed_hungry(DownloadId id, Context& context);
  void cancel(Download& download, PeerKey peer, PieceIndex piece, std::vector<BlockIndex> blocks,
              Context& context);
  Source* source_of(Address fetcher);
  Source* source_with_lane(PeerKey peer, DownloadId id);
  PeerKey key_of(const ClientKey& client);
  Ref<HashVerifierRole> verifier_of(DownloadId id) const;

  const SchedulerOptions options_;
  const Others others_;
  const RequestBudget budget_;

  std::optional<Uid> uid_;  ///< of the session
  std::string user_;
  TicketPurse tickets_;
  std::uint64_t session_ = 0;  ///< grows with every change of it
  std::map<DownloadId, Download> downloads_;
  std::map<DownloadId, std::uint32_t> runs_;  ///< how often each has been begun at its verifier
  std::map<std::uint64_t, Starting> starting_;
  std::map<std::uint64_t, Finding> finding_;  ///< in the order of the commands
  std::map<CommandId, WithTold> asked_;
  std::uint64_t last_number_ = 0;
  bool recalling_ = false;                  ///< the store has been asked what the user downloads
  std::vector<DownloadUnshared> unshared_;  ///< meanwhile
  std::vector<Waiter> lists_;               ///< who wants to see the downloads
  std::vector<Waiter> waiters_;             ///< who wants to hear when none runs
  std::optional<Refused> first_failure_;    ///< since the last AwaitDownloads
  bool ticking_ = false;
  std::deque<Order> orders_;  ///< that cannot be obeyed yet
  std::map<std::uint64_t, Cancelling> cancelling_;
  WeightedTurns<DownloadPriority> turns_;  ///< of those that wait for one
  RequestGate gate_;
  TimerId limit_timer_;
  std::map<std::uint64_t, Diagnosis> diagnoses_;

  std::map<Address, Source> sources_;
  std::map<ClientKey, PeerKey> peer_keys_;
  std::map<Address, ClientKey>
      clients_of_fetchers_;  ///< also of those that have stopped: for blame that comes late
  std::set<ClientKey> banned_;
  PieceChecks checks_;
  std::map<std::pair<Gid, Fid>, Damage> damaged_;
};

}  // namespace tutti
