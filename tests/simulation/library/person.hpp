#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "messages/shell_client.hpp"
#include "peer/client.hpp"
#include "tests/simulation/library/swarm_host.hpp"

namespace tutti::simulation {

/// What somebody at a client wants, in the end.
struct Wishes {
  struct Group {
    std::string name;
    bool owns = false;  ///< makes it and lets everybody in who asks
  };
  struct Share {
    std::string path;
    std::string group;
    bool directory = false;
  };
  struct Fetch {
    std::string group;
    std::string file;
    Instant not_before{};
    std::vector<std::string> only = {};
  };
  std::string user;
  std::vector<Group> groups;
  std::vector<Share> shares;
  std::vector<Fetch> fetches;
};

/// Sits at a client and gets what it wants: makes an account, logs in, joins, shares, fetches; says it again, after a while,
/// if it was refused, and begins with the login when the client was started anew. One command at a time.
class Person {
 public:
  Person(SwarmWorld& world, Wishes wishes, const ClientKey& key)
      : world_(world), wishes_(std::move(wishes)), key_(key) {}

  /// The client runs.
  void sit_down(SwarmHost& host, const ClientAddresses& at);
  /// It does not any more.
  void stand_up();
  /// The shell of that client; heard only while this person sits there.
  std::unique_ptr<Actor> desk();

  struct Fetched {
    std::optional<Instant> started;
    bool runs = false;  ///< the client has said so
    std::optional<Instant> complete;
    std::optional<Code> failed;
    DownloadPhase phase = DownloadPhase::finding;
  };
  const Wishes& wishes() const { return wishes_; }
  const std::vector<Fetched>& fetched() const { return fetched_; }
  bool has_session() const { return session_; }
  bool shares_all() const;
  bool has_all() const;
  /// From now on nobody is let into the groups again who is not in them; this user is removed.
  void remove(std::string group, std::string user) {
    removals_.emplace_back(std::move(group), std::move(user));
  }
  /// Wants its downloads to rest from now on, or to go on. While they rest it begins none.
  void pause(bool wanted);
  /// Wants to send, and to ask for, no more than so many bytes a second; nothing: whatever it likes.
  void limit(std::optional<std::uint64_t> bytes_per_second);
  /// Ends what it fetches, and begins anew.
  void cancel() { cancels_ = true; }
  /// Wants what it has fetched to be looked at once more.
  void recheck() { rechecks_ = true; }
  /// What the client has promised to keep to, and since when.
  struct Limited {
    std::uint64_t bytes_per_second = 0;
    Instant since{};
  };
  std::optional<Limited> limited(LimitDirection direction) const;
  std::optional<Instant> rests_since() const { return pause_.since; }
  /// From now on, when all else is done, looks whether it is named as a sharer of what it shares and has fetched.
  void confirm() { confirms_ = true; }
  /// Of what it shares or has fetched, what it has not been named for yet.
  std::vector<std::string> unconfirmed() const;
  const std::vector<std::string>& changed_shares() const { return changed_shares_; }

  // What the client says (see desk).
  void hear(const Told& told);
  void hear(const Downloads& downloads);
  void hear(const SessionChanged& changed);
  void hear(const DownloadChanged& changed);
  void hear(const ShareChanged& changed);
  void hear(const Notice& notice);

 private:
  std::uint64_t shares_done() const;
  struct GroupState {
    bool exists = false;  ///< made, or asked for
    bool inside = false;
    Instant next{};
    std::vector<std::string> waiting;
    bool look = true;  ///< for requests
  };
  struct Doing {
    CommandId command;
    std::function<void(const Told&)> then;
  };

  void think();
  void think_later(Duration delay);
  void note(const DownloadRow& row);
  void forget_promises();
  bool mind_orders();
  bool mind_limit(LimitDirection direction);
  bool mind_pause();
  bool mind_cancels();
  bool mind_group(std::size_t group);
  bool mind_shares();
  bool mind_fetches();
  void mind_names();
  void ask(ClientRequest what, std::function<void(const Told&)> then);
  template <class Role, Message M>
  void command(Ref<Role> to, M message, std::function<void(const Told&)> then) {
    message.command = CommandId{++last_command_};
    doing_ = Doing{message.command, std::move(then)};
    host_->say(at_.shell.address, to.address, message);
  }
  std::size_t group_of(const std::string& name) const;

  SwarmWorld& world_;
  Wishes wishes_;
  ClientKey key_;
  SwarmHost* host_ = nullptr;
  ClientAddresses at_;
  std::uint64_t sitting_ = 0;  ///< grows with each client
  std::uint64_t last_command_ = 0;
  std::optional<Doing> doing_;
  bool account_ = false;
  bool session_ = false;
  Instant next_try_{};
  Instant list_next_{};
  std::vector<GroupState> groups_;
  std::vector<bool> shared_;
  std::vector<Instant> share_next_;
  std::vector<Instant> fetch_next_;
  std::vector<Fetched> fetched_;
  std::vector<std::pair<std::string, std::string>> removals_;
  std::set<std::pair<std::string, std::string>> removed_;
  std::vector<std::string> changed_shares_;
  /// What this person wants, what the client was told in this life (it may remember what it was told before), and since when
  /// it has promised that.
  template <class T>
  struct Order {
    T wanted{};
    std::optional<T> told{T{}};
    std::optional<Instant> since;
    Instant next{};
    bool given = false;  ///< ever
    bool is_told() const { return told && *told == wanted; }
    void give(T what) {
      wanted = what;
      given = true;
      since.reset();
    }
    void begin_anew() {
      if (given) told.reset();
      since.reset();
      next = {};
    }
  };
  Order<bool> pause_;
  std::map<LimitDirection, Order<std::optional<std::uint64_t>>> limits_;
  bool cancels_ = false;
  bool rechecks_ = false;
  Instant cancel_next_{};
  std::set<std::size_t> cancelled_;  // of what it fetches
  bool confirms_ = false;
  std::set<std::string> confirmed_;
  Instant confirm_next_{};
  Instant thinks_at_ = Instant::max();
};

}  // namespace tutti::simulation
