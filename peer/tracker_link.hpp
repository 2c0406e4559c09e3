#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "messages/known_trackers.hpp"
#include "messages/tracker_info.hpp"
#include "peer/link_watch.hpp"

namespace tutti {

struct TrackerLinkOptions {
  std::vector<TrackerEntry> trackers;  ///< those of the tracker file; at least one
  ClientKey client;
  std::string software;
  /// A request that is not answered for so long, by a tracker that is there, is said again to another one.
  Duration answer_patience = std::chrono::milliseconds(1500);
  /// A request fails after so long if no tracker is there, and after three times as long if one is there but mute.
  Duration unreachable_after = std::chrono::seconds(5);
  Duration present_every = std::chrono::seconds(5);
  std::string info_path = {};  ///< of the tracker file, for sentences; `known_path` likewise
  std::string known_path = {};
  std::vector<KnownTracker> known = {};  ///< trackers that this client has met before
};

/// Decides which tracker is spoken with. Owns the links to the trackers, the session, the request ids and what has been
/// asked and not answered.
///
/// Rules:
/// - Two links at the most: the one in use and a spare that has been welcomed, so that a tracker's death costs no new
///   connection. The first tracker is chosen at random: clients spread over the trackers.
/// - A tracker that cannot be reached gives its place to the next of the file that has none. A link is given up for
///   another only when it is down, unwelcome or mute: moving without need would throw away the tracker's warm state.
/// - While something is asked, both are probed, which their hosts answer whatever they are busy with (a password, a
///   commit). One that is mute (LinkWatch) is left at once if the other one has been heard since; one that is there but
///   does not answer, after answer_patience. The line alone, or a pause of this process, moves nobody.
/// - A tracker is whoever has its key (TrackerTrust). One of which none is known is asked for it, once in this client's life;
///   people are told. One that does not come up although its key is known is asked, too, so that people can be told what is
///   wrong if it has another one now. It is never spoken with then; the other trackers of the file are.
/// - Nobody is told the same twice over one conversation: who is left and is slow after all may answer still.
/// - A request keeps its id wherever it is sent, and a tracker answers a known id with what was answered before: so
///   saying it again is always safe, and nobody is asked to type it again.
/// - The floor of a request is the newest state that any answer was made from: after a failover nothing that was seen
///   is unseen. A tracker that cannot get there (it has an old disk, and whoever knows better is away) answers all the same after
///   a while. That something is not there, it cannot know: such an answer counts as none.
/// - What can be refused here is: login and names are checked before anything is sent.
/// - A session belongs to all trackers. It ends by logout, or when a tracker that has seen the login says that it has.
/// - What was asked in a session ends with it: it is not said again in the next one, and no answer to it counts there.
///
/// States of a link: [ asking -> (KeyTold) ] connecting -> (LinkUp) greeting -> (Welcome) welcomed; any -> (LinkDown)
/// connecting. Unwelcome, or
/// no Welcome within answer_patience -> closed, and the place goes to the next tracker.
class TrackerLink final
    : public ActorOf<
          TrackerLink,
          Joined<TrackerLinkRole::Accepts, TrackerRole::Says,
                 Messages<AnswerOverdue, AskOverdue, GreetingOverdue, PresenceDue, PlaceDue, WatchDue>>> {
 public:
  /// Librarian and scheduler hear of the session, scheduler and uploader of groups, `shell` of everything.
  struct Listeners {
    Ref<ShellRole> shell;
    Ref<LibrarianRole> librarian;
    Ref<SchedulerRole> scheduler;
    Ref<UploaderRole> uploader;
  };
  TrackerLink(TrackerLinkOptions options, Ref<StorageRole> storage, Listeners listeners);

  void start(Context& context) override;
  Farewell stop(Context& context) override;
  void check_invariants() const override;

  void on(const Ask& ask, Context& context);
  void on(const AskLink& ask, Context& context);
  void on(const ForgetCommand& forget, Context& context);
  void on(const NowServing& serving, Context& context);
  void on(const CountersReserved& reserved, Context& context);

  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const KeyTold& told, Context& context);
  void on(const LinkEcho& echo, Context& context);
  void on(const Welcome& welcome, Context& context);
  void on(const Unwelcome& unwelcome, Context& context);
  void on(const Answer& answer, Context& context);
  void on(const Notice& notice, Context& context);
  void on(const GroupChanged& changed, Context& context);
  void on(const PieceReported& reported, Context& context);

  void on(const AnswerOverdue& overdue, Context& context);
  void on(const AskOverdue& overdue, Context& context);
  void on(const GreetingOverdue& overdue, Context& context);
  void on(const PresenceDue& due, Context& context);
  void on(const PlaceDue& due, Context& context);
  void on(const WatchDue& due, Context& context);

 private:
  /// The link to one tracker.
  struct Place {
    enum class State : std::uint8_t { asking, connecting, greeting, welcomed } state = State::connecting;
    std::size_t tracker = 0;  ///< index in options_.trackers
    Ref<TrackerRole> link;    ///< while asking: the question
    bool has_no_link() const { return state == State::asking || state == State::connecting; }
    std::uint32_t conversation = 0;  ///< grows with every Hello
    std::uint16_t version = client_tracker_version;
    Instant greeted{};
    LinkWatch watch;
  };
  /// A request that has no outcome yet.
  struct Pending {
    Address asker;
    CommandId command;
    ClientRequest what;
    Instant asked{};
    std::optional<RequestCounter> counter;  ///< none: not sent yet
    std::vector<Address> sent_over;         ///< links that stand since
    VersionVector floor{};                  ///< with which it was sent first
  };
  struct Session {
    Uid uid;
    std::string user;
    SessionToken token;
    std::uint64_t presents = 0;
  };
  using Ticket = std::uint64_t;

  Ticket take(Address asker, CommandId command, ClientRequest what, Context& context);
  void refuse(Address asker, CommandId command, Code code, std::string sentence, Context& context);
  std::optional<Refused> objection(const ClientRequest& what) const;
  void send_waiting(Context& context);
  void send(Ticket ticket, Pending& pending, Context& context);
  void conclude(Ticket ticket, const Answer& answer, Context& context);
  void give_up(Ticket ticket, Context& context);
  void refuse_without_counter(const CountersReserved& why, Context& context);
  void lease_counters(Context& context);

  void open_place(std::size_t position, std::size_t tracker, Context& context);
  void move_place(std::size_t position, Context& context);
  std::optional<std::size_t> next_free_tracker(std::size_t after) const;
  void ask_why(std::size_t tracker, Context& context);
  void dial_anew(std::size_t tracker, Context& context);
  void meet(std::size_t tracker, const LinkKey& key, Context& context);
  void tell_key(std::size_t tracker, const LinkKey& key, bool trusted, std::string sentence,
                Context& context);
  /// What there is to say about trackers that are refused, to whoever finds none that answers.
  std::string refusals() const;
  Place* place_of(Address link);
  Place* current() { return current_ ? &places_[*current_] : nullptr; }
  bool is_current(Address link) const { return current_ && places_[*current_].link.address == link; }
  void choose_current(std::string_view why, Context& context);
  void move_to(std::size_t spare, std::string_view why, Context& context);
  void leave_if_mute(Context& context);
  void keep_watch(Context& context);
  void tell_tracker(std::string sentence, Context& context);
  void say_status(Address asker, CommandId command, Context& context);

  void begin_session(const LoggedIn& logged_in, Context& context);
  void end_session(Context& context);
  void leave_group(const GroupName& group, const std::string& sentence, Context& context);
  void doubt_session(const Notice& notice, Context& context);
  void drop_requests_of_session(Context& context);
  void say_present(Context& context);

  const TrackerLinkOptions options_;
  const Ref<StorageRole> storage_;
  const Listeners listeners_;

  TrackerTrust trust_;
  std::map<std::size_t, Address> key_questions_;  ///< to trackers that do not come up
  std::map<std::size_t, std::pair<LinkKey, std::string>>
      refused_;  ///< trackers: another key, and what was said of it
  std::vector<Place> places_;
  std::optional<std::size_t> current_;  ///< always a welcomed place
  bool told_tracker_ = false;           ///< the shell knows of a tracker (or that there is none)
  std::vector<std::pair<Address, CommandId>> early_looks_;  ///< AskLink from before that

  std::optional<Session> session_;
  bool login_under_way_ = false;
  /// A tracker has said that the session has ended: the request that finds out whether it has.
  std::optional<std::pair<Ticket, Notice>> doubt_;
  VersionVector floor_;
  NowServing serving_;
  TimerId presence_timer_;
  TimerId watch_timer_;  ///< 0: nothing is asked

  std::map<Ticket, Pending> pending_;
  std::map<RequestCounter, Ticket> by_counter_;
  Ticket last_ticket_ = 0;
  std::deque<RequestCounter> counters_;
  bool lease_under_way_ = false;
};

}  // namespace tutti
