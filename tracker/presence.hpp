#pragma once

#include <chrono>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/time.hpp"
#include "messages/tracker_tracker.hpp"
#include "tracker/keyed_hash.hpp"

namespace tutti {

/// Where a client that is online can be reached.
struct PresentClient {
  ClientKey client;
  Uid uid;
  RequestCounter generation;  ///< of its session
  std::uint64_t count = 0;
  std::string host;
  std::uint16_t port = 0;
  Instant fades;
  bool left = false;  ///< it has said so; only remembered so that an older word does not bring it back
};

/// Who is online: soft state, never stored, by this tracker's own receipts alone (so that no two clocks are compared).
/// A client counts as online until `ttl` after it was last heard of, here or through another tracker, or until it says
/// that it leaves. Whether its session still stands is the directory's to say: a presence may be a moment older than a logout.
/// One entry a client; entries come with a valid session only (the caller checks), so sessions bound its size.
class Presence {
 public:
  static constexpr std::chrono::milliseconds ttl{15'000};

  explicit Presence(const HashSecret& secret = {})
      : clients_(0, KeyedHash(secret)), by_user_(0, KeyedHash(secret)) {}

  /// Notes that a client is alive. An older word than the last (session, then count) changes nothing: false.
  bool heard(const PresenceGossip& gossip, Instant now);
  /// Forgets a client: it has logged out.
  void forget(const ClientKey& client);
  /// Forgets who has not been heard of. To be called about once a second; returns who faded.
  std::vector<PresentClient> expire(Instant now);

  /// Nothing for a client that is not online.
  const PresentClient* find(const ClientKey& client) const;
  /// The clients on which a user is present.
  std::vector<const PresentClient*> clients_of(const Uid& uid) const;
  /// Everybody who is present, in no order.
  std::vector<Uid> users() const;
  std::size_t size() const { return clients_.size() - left_; }
  void check_invariants() const;

 private:
  void unlink(const PresentClient& present);
  std::unordered_map<ClientKey, PresentClient, KeyedHash> clients_;
  std::unordered_map<Uid, std::vector<ClientKey>, KeyedHash> by_user_;
  std::size_t left_ = 0;                            // of the clients
  std::set<std::pair<Instant, ClientKey>> by_end_;  // so that only those who fade are looked at
};

}  // namespace tutti
