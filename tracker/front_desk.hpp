#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_tracker.hpp"
#include "tracker/attempt_limits.hpp"
#include "tracker/config.hpp"
#include "tracker/password_queue.hpp"
#include "tracker/request_limits.hpp"

namespace tutti {

/// Where the front desk stands in its tracker.
struct FrontDeskPlace {
  std::uint32_t tracker = 0;
  std::string endpoint;  ///< P
  Ref<DirectoryRole> directory;
  Ref<ConsoleRole> console;
  std::vector<Ref<PasswordHasherRole>> hashers;
};

/// Requests that were too quick have their turn.
struct RequestsDue {
  TUTTI_MESSAGE(RequestsDue, 0x06c4);
};

/// Speaks with clients. Owns the door (ROUTER on P), what is known of each link, and the queue of passwords.
///
/// Link:  new --Hello--> greeted; anything else before Hello closes it, and so does a Hello without common version.
///
/// Rules:
/// - A client is the key that its link has proven; whatever it asks is asked in that key's name. Who says another one in
///   Hello is not heard any more.
/// - Whoever does not know this tracker's key is told it by datagram, at the same port.
/// - Everything that is remembered is bounded: requests under way, of one link and in all (those of links that are gone
///   wait in the directory, too), the memory that they take, and passwords that wait. More than that is refused at once,
///   since a queue would only make the refusal late.
/// - Who asks too quickly waits for his turn (RequestLimits); what waits is under way and bounded as such.
/// - From one address come a quarter of all requests under way at most (but what one link may have in any case), or
///   whoever opens links without end would leave nothing for others.
/// - From one address come so many accounts a minute: each is on the disk of every tracker for ever.
/// - While the tracker is catching up requests are passed on and wait in the directory; Welcome says so.
/// - Passwords go to whichever hasher is free, in the order of PasswordQueue, as far as AttemptLimits lets them. A new one
///   is hashed by whoever has found that the old one fits.
class FrontDesk final
    : public ActorOf<FrontDesk, Joined<FrontDeskRole::Accepts, ClientRole::Says, Messages<RequestsDue>>> {
 public:
  FrontDesk(FrontDeskPlace place, const LimitConfig& limits);

  void start(Context& context) override;
  void on(const LinkUp& message, Context& context);
  void on(const LinkDown& message, Context& context);
  void on(const Hello& message, Context& context);
  void on(const Request& message, Context& context);
  void on(const Present& message, Context& context);
  void on(const Leaving& message, Context& context);
  void on(const PasswordNeeded& message, Context& context);
  void on(const PasswordHashed& message, Context& context);
  void on(const PasswordChecked& message, Context& context);
  void on(const Settled& message, Context& context);
  void on(const Notify& message, Context& context);
  void on(const NotifyGroup& message, Context& context);
  void on(const NotifyPiece& message, Context& context);
  void on(const ServiceChanged& message, Context& context);
  void on(const RequestsDue& message, Context& context);
  void check_invariants() const override;

 private:
  struct Link {
    std::string host;  // where it comes from, without the port
    LinkKey key;       // proven
    bool greeted = false;
    std::uint16_t version = client_tracker_version;  // of the conversation
    ClientKey client;
    std::uint32_t under_way = 0;
  };
  struct UnderWay {
    Address link;
    ClientKey client;
    std::string host;  // where it came from; the link may be gone
    RequestCounter counter;
    ByteCount bytes;
  };
  /// Accounts that were made from one address since `begin`, which is less than a minute ago.
  struct Accounts {
    Instant begin;
    std::uint32_t made = 0;
  };
  struct Hasher {
    Ref<PasswordHasherRole> ref;
    std::optional<PasswordJob> job;
  };

  Link* greeted_sender(Context& context);
  /// Why this request cannot be taken now, if so.
  std::optional<std::string> refusal_of(const Link& link, const Request& request, Context& context);
  void submit(Ticket ticket, const Request& request, Context& context);
  void submit_due(Context& context);
  void wait_for_turns(Context& context);
  void forget(Ticket ticket);
  bool has_its_share(const std::string& host) const;
  bool may_make_account(const std::string& host, Instant now);
  void refuse_password(Ticket ticket, std::string sentence, Context& context);
  std::optional<PasswordJob> next_password(Context& context);
  void hash_next(Context& context);
  Hasher& sender_among_hashers(Context& context);
  void conclude(Hasher& hasher, PasswordKnown known, Context& context);

  FrontDeskPlace place_;
  LimitConfig limits_;
  bool open_ = false;  // the door
  bool serving_ = false;
  StoreId store_;
  std::unordered_map<Address, Link> links_;
  std::unordered_multimap<ClientKey, Address> links_of_client_;
  std::unordered_map<Ticket, UnderWay> under_way_;
  ByteCount bytes_under_way_;
  std::unordered_map<std::string, std::uint32_t> under_way_of_host_;  // none is 0
  std::unordered_map<std::string, Accounts> accounts_;
  std::uint64_t last_ticket_ = 0;
  std::optional<RequestLimits> rates_;  // once there is a secret
  struct Waiting {
    Ticket ticket;
    Request request;
  };
  std::multimap<Instant, Waiting> waiting_;  // for their turns; under way
  std::optional<Instant> due_;               // RequestsDue is on its way, for then
  TimerId due_timer_;
  PasswordQueue passwords_;
  std::optional<AttemptLimits> attempts_;  // once there is a secret
  std::vector<Hasher> hashers_;
};

}  // namespace tutti
