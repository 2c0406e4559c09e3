#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/bitfield.hpp"
#include "peer/orchestra/orch_peer.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/parts_number.hpp"

namespace tutti {

struct OrchDoorOptions {
  std::string endpoint = "0.0.0.0:10001";
  /// Connections of one address at the most. An original dials every ten seconds anew and keeps what it has; of several
  /// members at one address each may do so.
  std::size_t connections_of_host = 32;
};

/// Serves the file to those who are connected, whoever dialled. Owns the door, an orch_peer for each connection that comes
/// in, and the requests that wait: an orch_peer only passes them on.
///
/// Rules:
/// - A part is given away once it is verified, and never otherwise. Originals ask for parts that they have not been offered,
///   and take zeros for them as well as a refusal for the end of the conversation: so whoever asks for one that is not
///   there yet gets it as soon as it is.
/// - Connections take turns, a part each; each has at most `reads_a_peer` parts being read, and nothing more is read for
///   one that has not taken `untaken_max` bytes or `unsent_max` parts. Lists wait then, too, or if as much of them is
///   untaken, and become one: originals ask for hundreds. Whoever takes nothing for `patience` is left.
/// - A part is read and sent as a whole, since one that ends in its middle makes an original spin.
/// - The list is written anew when it has changed, but with many parts not more often than its making is worth.
/// - Beyond `connections_of_host` the oldest connection of an address that waits for nothing is ended; if there is none, the
///   new one.
class OrchDoor final
    : public ActorOf<OrchDoor, Joined<OrchDoorRole::Accepts, ByteStreamMessages, Messages<SentDue>>> {
 public:
  static constexpr std::size_t reads_max = 8;
  static constexpr std::size_t reads_a_peer = 4;
  static constexpr std::size_t untaken_max = 1U << 20U;  ///< bytes
  static constexpr std::size_t unsent_max = 256;  ///< parts, of which little ones cost more than their bytes
  static constexpr std::size_t unsent_lists_max = 4096;
  static constexpr Duration patience = std::chrono::seconds(30);
  static constexpr std::size_t held_max = 256;  ///< parts that are not there, of one connection

  struct Others {
    Ref<StorageRole> storage;
    Ref<SchedulerRole> scheduler;
    Ref<TrackerLinkRole> conductor_link;
  };
  /// What came of opening the door is put into `door` when the actor starts, for the wiring to look at.
  OrchDoor(OrchDoorOptions options, std::shared_ptr<const OrchShare> share, Others others,
           std::shared_ptr<Opened> door);

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const ServeFile& serve, Context& context);
  void on(const ServePiece& serve, Context& context);
  void on(const StopServing& stop, Context& context);
  void on(const BlockRead& read, Context& context);
  void on(const BlockUnreadable& unreadable, Context& context);

  void on(const ListAsked& asked, Context& context);
  void on(const PartAsked& asked, Context& context);
  void on(const PeerAway& away, Context& context);
  void on(const SentDue& due, Context& context);

  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const StreamBytes& bytes, Context& context);
  void on(const ActorStopped& stopped, Context& context);

 private:
  struct Served {
    Address by;  ///< who said to serve it
    std::string path;
    std::optional<FileIdentity> identity;
  };
  struct Asker {
    std::string peer;
    std::deque<PieceIndex> waiting;
    std::set<PieceIndex> held;  ///< until they are there
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
    PieceIndex part;
  };
  struct Connection {
    Ref<OrchPeerRole> peer;
    std::string host;
    bool ends = false;  ///< has been asked to
  };

  void begin_serving(const Bitfield& pieces, Context& context);
  void serve_nothing();
  void wake_held(PieceIndex part);
  void forget(Address asker);
  void enter_ring(Address address, Asker& asker);
  void read_next(Context& context);
  void tell_list(Address address, Asker& asker, Context& context);
  bool make_room_for(const std::string& host, Context& context);
  void look_whether_it_takes(Address address, Asker& asker, Context& context);
  bool takes_lists(const Asker& asker) const {
    return takes(asker) && asker.list.outstanding_bytes() < untaken_max &&
           asker.list.outstanding() < unsent_lists_max;
  }
  bool takes(const Asker& asker) const {
    return asker.sent.outstanding_bytes() < untaken_max && asker.sent.outstanding() < unsent_max;
  }
  void look_later(Context& context);

  const OrchDoorOptions options_;
  const std::shared_ptr<const OrchShare> share_;
  const Others others_;
  const std::shared_ptr<Opened> door_;

  std::optional<Served> served_;
  Bitfield pieces_;
  PartsNumber number_;
  Payload list_;
  bool list_changed_ = true;
  Instant list_made_{};

  std::map<Address, Connection> connections_;  ///< by their links, the oldest first
  std::map<Address, Address> links_;           ///< of the peers of those
  std::set<std::string> met_;                  ///< addresses that have asked for a part
  std::unordered_map<Address, Asker> askers_;
  std::deque<Address> ring_;  ///< askers with parts that wait, in their turn
  std::map<std::uint64_t, Read> reads_;
  std::uint64_t last_tag_ = 0;
  bool look_due_ = false;  ///< SentDue is on its way
};

}  // namespace tutti
