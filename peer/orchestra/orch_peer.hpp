#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/bitfield.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/orch_words.hpp"
#include "peer/request_window.hpp"

namespace tutti {

struct OrchPeerOptions {
  std::string endpoint;               ///< whom to dial; of an accepted connection, where it comes from
  std::string from;                   ///< the address to dial from, if not any
  Ref<ByteStreamRole> accepted = {};  ///< the connection, if it was not dialled
  ByteCount request_limit = RequestWindow::start;
  Duration dial_again = std::chrono::seconds(2);
  Duration dial_again_max = std::chrono::seconds(10);
  /// A peer that is to send something and says nothing for so long is given up; so is one that has connected to us and has
  /// said no whole word since: members of all kinds do that at once.
  Duration silence = std::chrono::seconds(30);
};

/// Speaks with one member over one connection, both ways. Towards the scheduler it is the fetcher of that member; what
/// the other side asks for it gets from the door. What was dialled is the scheduler's from the start; what was accepted offers
/// itself to it, if the other side has something (PeerVisits): there may be no way to dial whoever is there.
///
/// Rules, since the other side may be an original, or nobody's friend:
/// - Both sides ask for the other's list at once. The list of somebody who has not everything is asked for again, the
///   sooner the less there is to do: nobody tells of parts that have come since.
/// - Only parts that are on the list are asked for, all numbers are from 1 to N, and a part that was begun is sent to its
///   end: what else there is makes an original lose its thread, or spin for ever.
/// - A part comes once from us; from an original twice. The second one is read and dropped. Parts that nobody asked for
///   beyond that end the connection.
/// - What is to come of a part is counted by its length: nothing can be taken back once it is asked for. What is not needed
///   any more is read and dropped, too.
/// - A part goes to the verifier by handle where it lies in one run of bytes, which is copied together otherwise.
/// - A list that was not asked for is not read, and one who asks more than `refused_max` times for what is not shared is left.
/// - At most `asked_of_us_max` parts that the other side asks for wait for an answer: more is more than any member asks.
/// - A dialled connection that has ended is dialled again for as long as the scheduler wants it.
/// - Where nothing is fetched, nothing is asked for: the other side's list least of all.
/// - Asked to stop, it begins nothing more, and waits up to `drained_within` until what was begun has left: a part that ends
///   in its middle makes an original spin.
class OrchPeer final
    : public ActorOf<OrchPeer,
                     Joined<OrchPeerRole::Accepts, ByteStreamMessages, Messages<DialDue, LookDue, SentDue>>> {
 public:
  static constexpr std::size_t asked_max = 1024;
  static constexpr std::size_t asked_of_us_max = 8192;
  static constexpr int unasked_max = 16;
  static constexpr std::size_t refused_max = 256;
  /// Whoever quits has a second for everything, and dialled and accepted connections end one after the other.
  static constexpr Duration drained_within = std::chrono::milliseconds(350);

  /// `scheduler`: zero if nothing is fetched.
  OrchPeer(OrchPeerOptions options, std::shared_ptr<const OrchShare> share, Ref<OrchDoorRole> door,
           Ref<SchedulerRole> scheduler);

  void start(Context& context) override;
  Farewell stop(Context& context) override;
  void check_invariants() const override;

  // The scheduler and the verifiers.
  void on(const OpenLane& open, Context& context);
  void on(const CloseLane& close, Context& context);
  void on(const FetchPiece& fetch, Context& context);
  void on(const CancelBlocks& cancel, Context& context);
  void on(const LimitRequests& limit, Context& context);
  void on(const BlockStored& stored, Context& context);
  void on(const MeterRequests& meter, Context& context);
  void on(const RequestAllowed& allowed, Context& context);
  void on(const ReportLane& report, Context& context);
  void on(const HoldTicket&, Context&) {}

  // The door.
  void on(const ListTold& told, Context& context);
  void on(const PartTold& told, Context& context);
  void on(const PartRefused& refused, Context& context);
  void on(const StreamCame& came, Context& context);
  void on(const StreamOver& over, Context& context);

  // The connection.
  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const StreamBytes& bytes, Context& context);
  void on(const DialDue& due, Context& context);
  void on(const LookDue& due, Context& context);
  void on(const SentDue& due, Context& context);

 private:
  /// A part that was asked for.
  struct Asked {
    FetchPiece what;
    std::set<BlockIndex> wanted;  ///< of its blocks; empty: nothing of it is used
    ByteCount size;
    Instant at{};
    bool begun = false;  ///< the verifier knows of it
  };
  using AskedList = std::list<Asked>;

  bool fetches() const { return scheduler_.address.value != 0; }
  bool dialled() const { return options_.accepted.address.value == 0; }
  bool lane_is_open() const { return lane_ && list_; }
  void dial(Context& context);
  void begin(Context& context);
  void lose(const std::string& sentence, Context& context);
  void accuse(const std::string& sentence, Context& context);
  void end(Context& context);
  void say(std::string_view text, Context& context);
  void ask_for_list(Context& context);
  void look_later(Context& context);

  void take(const Payload& bytes, Context& context);
  void take(const OrchMessage& message, Context& context);
  void take(const OrchData& data, const Payload& bytes, Context& context);
  void take_list(const OrchMessage& message, Context& context);
  void take_refusal(const OrchMessage& message, Context& context);
  void take_request(const OrchMessage& message, Context& context);
  void begin_part(PieceIndex piece, Context& context);
  void use_block(BlockIndex block, Payload bytes, Context& context);
  void end_part(Context& context);
  bool is_about_ours(const OrchMessage& message) const;

  bool has_room() const;
  void want_more(Context& context);

  const OrchPeerOptions options_;
  const std::shared_ptr<const OrchShare> share_;
  const Ref<OrchDoorRole> door_;
  const Ref<SchedulerRole> scheduler_;

  Ref<ByteStreamRole> link_;
  bool up_ = false;
  bool ended_ = false;
  Duration dial_pause_;
  Instant heard_{};
  Instant begun_{};
  bool spoken_ = false;  ///< the other side has said a word
  OrchParser parser_;

  std::optional<OpenLane> lane_;
  std::optional<Bitfield> list_;  ///< what the other side has
  bool list_asked_ = false;
  Instant list_asked_at_{};
  AskedList asked_;
  AskedList::iterator coming_ = asked_.end();  ///< the part whose bytes come now; end: nothing that is used
  int unasked_ = 0;  ///< parts that came, less what was asked for and may come twice
  Bytes block_;      ///< of coming_, until it is complete
  RequestWindow window_;
  ByteCount limit_;
  ByteCount unstored_;  ///< at the verifiers
  bool piece_wanted_ = false;
  std::size_t asked_of_us_ = 0;
  bool tells_part_ = false;  ///< the part that is being told was asked for on this connection
  std::size_t refused_ = 0;  ///< requests of the other side, on this connection
  PayloadGauge sent_;        ///< parts that the connection has not taken
  Instant stop_by_{};        ///< when it has been asked to stop
  bool visits_ = false;      ///< an accepted one has offered itself to the scheduler
};

}  // namespace tutti
