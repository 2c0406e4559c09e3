#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/orchestra/orch_greeting.hpp"
#include "peer/orchestra/orch_offer.hpp"
#include "peer/orchestra/orch_peer.hpp"
#include "peer/orchestra/orch_share.hpp"

namespace tutti {

struct OrchDoorOptions {
  std::string endpoint = "0.0.0.0:10001";
  /// Connections of one address at the most. An original dials every ten seconds anew and keeps what it has; of several
  /// members at one address each may do so.
  std::size_t connections_of_host = 32;
};

/// Serves files to members who are connected, whoever dialled. Owns the door, an orch_peer for each connection that comes
/// in, and the requests that wait: an orch_peer only passes them on. A member's door has one file from the start and for
/// ever; a client's has those that it is offered, and makes each of them known to its conductor.
///
/// Rules:
/// - A part is given away once it is verified, and never otherwise. Originals ask for parts that they have not been offered,
///   and take zeros for them as well as a refusal for the end of the conversation: so whoever asks for one that is not
///   there yet gets it as soon as it is. Beyond `held_max` of those it is refused all the same.
/// - Connections take turns, a part each; each has at most `reads_a_peer` parts being read, of large ones as many as
///   `read_bytes_a_peer` hold, and nothing more is read for one that has not taken `untaken_max` bytes or `unsent_max`
///   parts. Lists wait then, too, or if as much of them is untaken, and become one: originals ask for hundreds. Whoever
///   takes nothing for `patience` is left; nobody is read for while all together have not taken `untaken_by_all_max`.
/// - A part is read and sent as a whole, since one that ends in its middle makes an original spin. Who is ended gets what
///   was begun (OrchPeer).
/// - Beyond `connections_of_host` the oldest connection of an address that waits for nothing is ended; if there is none, the
///   new one.
/// - Which file a connection is about is heard from its first DOWN, where there are several. Whoever asks for others
///   `refused_max` times is left, and who has not asked within `patience`.
/// - A part of a group's file is read when the uploader says that the limits let it through: they are on what the two send
///   together. What waits for them is no read yet, so that a limited group keeps no other one waiting.
class OrchDoor final
    : public ActorOf<OrchDoor,
                     Joined<OrchDoorRole::Accepts, ByteStreamMessages, Messages<SentDue, CallerOverdue>>> {
 public:
  static constexpr std::size_t reads_max = 8;
  static constexpr std::size_t reads_a_peer = 4;
  static constexpr ByteCount read_bytes_a_peer{4U << 20U};
  static constexpr std::size_t untaken_max = 1U << 20U;           ///< bytes
  static constexpr std::size_t slice_max = 1U << 20U;             ///< bytes of a part that are told at once
  static constexpr std::size_t untaken_by_all_max = 256U << 20U;  ///< bytes
  static constexpr std::size_t unsent_max = 256;  ///< parts, of which little ones cost more than their bytes
  static constexpr std::size_t unsent_lists_max = 4096;
  static constexpr Duration patience = std::chrono::seconds(30);
  static constexpr std::size_t held_max = 256;  ///< parts that are not there, of one connection
  static constexpr std::size_t refused_max = OrchPeer::refused_max;

  struct Others {
    Ref<StorageRole> storage;
    Ref<SchedulerRole> scheduler;         ///< zero: nothing is fetched here
    Ref<TrackerLinkRole> conductor_link;  ///< of the file that is there from the start
    Ref<ShellRole> shell;                 ///< hears which files are served, where those change
    Ref<UploaderRole> uploader;           ///< knows the limits; zero: there are none
  };
  /// `share`: the file that is there for ever; null if files are offered. What came of opening the door is put into `door`
  /// when the actor starts, for the wiring to look at.
  OrchDoor(OrchDoorOptions options, const std::shared_ptr<const OrchShare>& share, Others others,
           std::shared_ptr<Opened> door);

  void start(Context& context) override;
  Farewell stop(Context& context) override;
  void check_invariants() const override;

  // What is served.
  void on(const OfferFile& file, Context& context);
  void on(const ServeFile& serve, Context& context);
  void on(const ServePiece& serve, Context& context);
  void on(const StopServing& stop, Context& context);
  void on(const BlockRead& read, Context& context);
  void on(const BlockUnreadable& unreadable, Context& context);

  // Requests.
  void on(const ListAsked& asked, Context& context);
  void on(const PartAsked& asked, Context& context);
  void on(const PeerAway& away, Context& context);
  void on(const SentDue& due, Context& context);

  void on(const SendAllowed& allowed, Context& context);

  // Connections that come in (orch_door_connections.cpp).
  void on(const CallerOverdue& overdue, Context& context);
  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const StreamBytes& bytes, Context& context);
  void on(const ActorStopped& stopped, Context& context);

 private:
  using FileKey = std::pair<Gid, Fid>;
  struct Asker {
    FileKey file;
    std::string peer;
    std::deque<PieceIndex> waiting;
    std::multiset<PieceIndex> held;  ///< until they are there
    std::size_t reading = 0;
    bool list_owed = false;
    PayloadGauge sent;
    PayloadGauge list;
    std::size_t untaken = 0;  ///< when it was looked at last while it took nothing more, and since when
    Instant untaken_since{};
    bool in_ring = false;
  };
  struct Read {
    Address asker;
    FileKey file;
    PieceIndex part;
    std::string path;
    bool allowed = true;
  };
  struct Announced {
    Ref<TrackerLinkRole> by;
    std::string conductor;
  };
  struct Connection {
    std::string host;
    Ref<OrchPeerRole> peer = {};  ///< zero: it has not said yet which file it is about
    FileKey file = {};
    OrchGreeting greeting = {};
    std::size_t refused = 0;
    bool ends = false;  ///< has been asked to
    TimerId overdue = {};
  };

  void begin_serving(const FileKey& key, OrchOffer& offer, Context& context);
  void withdraw(const FileKey& key, Context& context);
  void wake_held(const FileKey& key, PieceIndex part);
  OrchOffer* offer_of(const FileKey& key);
  /// The asker who says this; null if what it is about is not offered any more.
  Asker* asker_of(Address sender);
  void hold(Address address, Asker& asker, PieceIndex part, Context& context);
  void forget(Address asker, Context& context);
  void enter_ring(Address address, Asker& asker);
  void read_next(Context& context);
  void begin_read(std::uint64_t tag, Context& context);
  void tell_part(Address address, Asker& asker, PieceIndex part, const Payload& bytes, Context& context);
  void tell_list(Address address, Asker& asker, Context& context);
  void look_whether_it_takes(Address address, Asker& asker, Context& context);
  bool takes_lists(const Asker& asker) const {
    return takes(asker) && asker.list.outstanding_bytes() < untaken_max &&
           asker.list.outstanding() < unsent_lists_max;
  }
  bool takes(const Asker& asker) const {
    return asker.sent.outstanding_bytes() < untaken_max && asker.sent.outstanding() < unsent_max;
  }
  void look_later(Context& context);

  NowServing serving() const;
  void greet(Address link, Connection& connection, ByteView bytes, Context& context);
  void admit(Address link, Connection& connection, const FileKey& file, Context& context);
  bool make_room_for(const std::string& host, Context& context);
  void end_peer(Connection& connection, Context& context);
  void hang_up(Address link, Context& context);

  const OrchDoorOptions options_;
  const Others others_;
  const std::shared_ptr<Opened> door_;
  std::optional<FileKey> only_;  ///< the file that is there for ever

  std::map<FileKey, OrchOffer> offers_;
  std::map<FileKey, Announced> announced_;  ///< of those that were offered

  std::map<Address, Connection> connections_;  ///< by their links, the oldest first
  std::map<Address, Address> links_;           ///< of the peers of those
  std::set<std::string> met_;                  ///< addresses that have asked for a part
  std::map<Address, Asker> askers_;
  std::deque<Address> ring_;  ///< askers with parts that wait, in their turn
  std::map<std::uint64_t, Read> reads_;
  std::size_t unallowed_ = 0;  ///< of those, that wait for the limits
  std::uint64_t last_tag_ = 0;
  PayloadGauge untaken_;   ///< by all together
  bool look_due_ = false;  ///< SentDue is on its way
  bool leaving_ = false;
};

}  // namespace tutti
