#include "tracker/directory_actor.hpp"

#include <algorithm>
#include <utility>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "messages/codec_impl.hpp"
#include "tracker/lost_names.hpp"
#include "tracker/online.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

template struct Codec<DirectoryTick>;
template struct Codec<AliveTick>;
template struct Codec<ListFurther>;
template struct Codec<FloorWaitOver>;

namespace {

constexpr std::chrono::seconds tick{1};
constexpr std::size_t console_rows = 50;
// Clients whose floors could not be reached that are remembered; forgetting one costs it one more wait.
constexpr std::size_t given_up_max = 4096;
// An absence shows within so much of its length.
constexpr std::chrono::milliseconds alive_tick{50};

std::string sentence_about(const std::vector<std::uint32_t>& missing) {
  if (missing.empty()) return {};
  std::string text = missing.size() == 1 ? "tracker " : "trackers ";
  for (std::size_t i = 0; i < missing.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(missing[i]);
  return text + " unreachable";
}

}  // namespace

// --- starting ---------------------------------------------------------------------------------------------------

void DirectoryActor::start(Context& context) {
  context.fill_secret(secret_.bytes);
  presence_ = Presence(secret_);
  forget_state();
  context.send(place_.journal, LoadStore{});
  context.after(tick, DirectoryTick{});
  alive_ = context.now();
  if (place_.trackers > 1) context.after(alive_tick, AliveTick{});
}

void DirectoryActor::forget_state() {
  phase_ = Phase::loading;
  loaded_ = false;
  told_ = false;
  directory_ = Directory(secret_);
  directory_.begin_bulk();
  heads_ = LogHeads();
  own_.reset();
}

void DirectoryActor::on(const StoreLoading& message, Context& context) {
  if (phase_ != Phase::loading || loaded_) return;
  if (!message.fault.empty()) {
    context.send(place_.console, Hopeless{"the store cannot be read: " + message.fault});
    return;
  }
  store_ = message.store;
  if (!own_) own_.emplace(LogHead{store_, {}, {}}, HybridClock{});
  // Asked for before this page is joined, so that the disk's worker reads on meanwhile.
  if (!message.last) context.send(place_.journal, LoadMore{message.next});
  for (const LogHead& head : message.heads) heads_.join(head);
  RowReader rows(message.rows);
  while (const std::optional<StoredRow> row = rows.next()) {
    const Decoded<Fact> fact = fact_of(*row);
    if (!fact) {
      context.send(place_.console,
                   Hopeless{"the store cannot be read: a row does not decode: " + fact.fault});
      return;
    }
    directory_.load(*fact);
    own_->clock().saw(fact->stamp);
  }
  if (!message.last) return;
  own_->recovered(heads_.head_of(store_));
  durable_ = heads_;
  durable_digest_ = directory_.digest();
  loaded_ = true;
  list(context);
}

void DirectoryActor::list(Context& context) {
  while (directory_.size() < small_state && !directory_.list_some()) {
  }
  if (directory_.is_listed()) return listed(context);
  if (!listing_) context.after(Duration::zero(), ListFurther{});
  listing_ = true;
}

void DirectoryActor::on(const ListFurther&, Context& context) {
  listing_ = false;
  if (phase_ != Phase::loading || !loaded_) return;
  directory_.list_some();
  list(context);
}

void DirectoryActor::listed(Context& context) {
  phase_ = Phase::syncing;
  if (!joining_ && !writing_ && gathering_.empty()) durable_digest_ = directory_.digest();
  for (const Uid& uid : presence_.users()) note_online(directory_, presence_, uid);
  // After a failed commit others hold nothing of what was lost, so there is nothing to wait for.
  serve_if_possible(context);
  if (!std::exchange(told_, true)) tell_replicator(true, context);
  for (const Reached& each : std::exchange(reached_early_, {})) on(each, context);
}

void DirectoryActor::on(const CaughtUp&, Context& context) {
  caught_up_ = true;
  serve_if_possible(context);
}

void DirectoryActor::on(const FellBehind&, Context& context) {
  caught_up_ = false;
  pause(context);
}

void DirectoryActor::pause(Context& context) {
  if (phase_ != Phase::serving) return;
  phase_ = Phase::syncing;
  context.send(place_.front_desk, ServiceChanged{false, store_});
}

void DirectoryActor::serve_if_possible(Context& context) {
  if (phase_ != Phase::syncing || !caught_up_ || renewing_) return;
  if (!directory_.is_listed()) {
    // A snapshot was joined: until it is listed this is as when the own store was read.
    phase_ = Phase::loading;
    return list(context);
  }
  phase_ = Phase::serving;
  context.send(place_.front_desk, ServiceChanged{true, store_});
  undo_lost_names(context);
  commit_if_idle(context);
  std::deque<Submit> waiting = std::move(waiting_for_service_);
  waiting_for_service_.clear();
  for (const auto& [client, said] : std::exchange(early_presences_, {})) on(said, context);
  for (const Submit& submit : waiting) admit(submit, context);
  look_at_floors(context);
}

// --- a request, stage by stage ----------------------------------------------------------------------------------

void DirectoryActor::notice_absence(Context& context) {
  const Duration harmless = std::max<Duration>(sync_.ack_wait - alive_tick, 2 * alive_tick);
  const bool was_absent = context.now() - alive_ > harmless;
  alive_ = context.now();
  if (!was_absent || phase_ != Phase::serving) return;
  log_info("this tracker was kept from running for a moment: asking the others what has happened meanwhile");
  caught_up_ = false;
  pause(context);
  context.send(place_.replicator, WasAbsent{});
}

void DirectoryActor::on(const AliveTick&, Context& context) {
  notice_absence(context);
  context.after(alive_tick, AliveTick{});
}

void DirectoryActor::on(const Submit& message, Context& context) {
  if (place_.trackers > 1 && context.now() - alive_ > alive_tick) notice_absence(context);
  if (phase_ == Phase::serving) {
    admit(message, context);
  } else {
    waiting_for_service_.push_back(message);
  }
}

bool DirectoryActor::is_above_floor(const Submit& submit) const {
  if (covers(heads_.vector(), submit.request.floor)) return true;
  const auto given_up = given_up_.find(submit.client);
  return given_up != given_up_.end() &&
         covers(merged(heads_.vector(), given_up->second), submit.request.floor);
}

void DirectoryActor::admit(const Submit& submit, Context& context) {
  if (is_above_floor(submit)) return ask(submit, context);
  waiting_for_floor_[submit.ticket] = {submit, learned_};
  context.send(place_.replicator, Want{submit.request.floor});
  context.after(sync_.floor_wait, FloorWaitOver{submit.ticket});
}

void DirectoryActor::look_at_floors(Context& context) {
  if (phase_ != Phase::serving) return;
  std::vector<Submit> ready;
  for (const auto& [ticket, waiting] : waiting_for_floor_)
    if (is_above_floor(waiting.submit)) ready.push_back(waiting.submit);
  for (const Submit& submit : ready) {
    waiting_for_floor_.erase(submit.ticket);
    ask(submit, context);
  }
}

void DirectoryActor::on(const FloorWaitOver& message, Context& context) {
  const auto waiting = waiting_for_floor_.find(message.ticket);
  if (waiting == waiting_for_floor_.end()) return;
  if (phase_ == Phase::serving && waiting->second.learned != learned_ &&
      is_behind_reachable(waiting->second.submit)) {
    waiting->second.learned = learned_;
    context.after(sync_.floor_wait, message);
    return;
  }
  const Submit submit = std::move(waiting->second.submit);
  waiting_for_floor_.erase(waiting);
  if (phase_ != Phase::serving) {
    waiting_for_service_.push_back(submit);
    return;
  }
  // By client, so that what one writes into its floor is of no consequence to another.
  if (given_up_.size() >= given_up_max) given_up_.clear();
  given_up_[submit.client] = submit.request.floor;
  ask(submit, context);
}

bool DirectoryActor::is_behind_reachable(const Submit& submit) const {
  // A part is enough: what else the floor names may be gone with whoever had it.
  const VersionVector& here = heads_.vector();
  const std::vector<LogPosition>& floor = submit.request.floor.positions;
  return std::any_of(floor.begin(), floor.end(), [&](const LogPosition& each) {
    return position_in(here, each.origin) < std::min(each.sequence, position_in(reachable_, each.origin));
  });
}

namespace {

Question question_of(const Submit& submit) {
  const Request& request = submit.request;
  return {submit.client, submit.seen_host, request.counter, request.token, request.what, {}, {}};
}

}  // namespace

void DirectoryActor::ask(const Submit& submit, Context& context) {
  const WallTime wall = context.wall_time();
  const std::optional<PasswordWork> work = password_work(directory_, question_of(submit), wall);
  if (!work) return settle(submit, std::nullopt, wall, context);
  PasswordNeeded needed{submit.ticket,      work->password, work->make_verifier, {},
                        work->new_password, work->user,     work->familiar};
  for (const LoginCandidate& candidate : work->candidates) needed.verifiers.push_back(candidate.verifier);
  waiting_for_password_[submit.ticket] = submit;
  candidates_[submit.ticket] = work->candidates;
  context.send(place_.front_desk, needed);
}

void DirectoryActor::on(const PasswordKnown& message, Context& context) {
  auto waiting = waiting_for_password_.extract(message.ticket);
  auto candidates = candidates_.extract(message.ticket);
  if (waiting.empty()) return;
  if (message.refused) return refuse(message.ticket, Code::other, message.sentence, context);
  PasswordResult result{message.verifier, std::nullopt};
  if (message.match != 0 && message.match <= candidates.mapped().size())
    result.matched = candidates.mapped()[message.match - 1];
  if (phase_ != Phase::serving) {
    // The store is being read anew; the password is checked again afterwards, against what is on disk.
    waiting_for_service_.push_back(std::move(waiting.mapped()));
    return;
  }
  settle(std::move(waiting.mapped()), std::move(result), context.wall_time(), context);
}

void DirectoryActor::settle(Submit submit, std::optional<PasswordResult> password, WallTime wall,
                            Context& context) {
  Question question = question_of(submit);
  context.fill_secret(question.fresh_token.bytes);
  question.password = std::move(password);
  Decision decision = decide(directory_, question, circumstances(wall, context.now()));
  // A client gives its session up when it is told that there is none. A tracker that is alive knows it.
  const auto* why = decision.answer.get<Refused>();
  if (why != nullptr && why->code == Code::not_logged_in && is_behind_reachable(submit))
    return refuse(submit.ticket, Code::other,
                  "this tracker has not caught up with the others: ask again in a moment", context);
  Decided decided{submit.ticket,
                  std::move(decision.answer),
                  decision.metainfo_of,
                  std::move(decision.presence),
                  {},
                  {},
                  {},
                  why == nullptr && is_for_name(submit.request.what) &&
                      directory_.outcome(submit.client, submit.request.counter).has_value(),
                  decision.report};
  if (!decision.operations.empty()) {
    if (read_only_) return refuse(submit.ticket, *read_only_, read_only_sentence_, context);
    decided.operations = decision.operations;
    if (submit.request.what.get<CreateUser>() != nullptr && why == nullptr)
      accounts_taken_.emplace(submit.client, submit.request.counter);
    decided.reach = make_own(std::move(decision.operations), context);
  } else if (changes_something(submit.request.what)) {
    decided.reach = heads_.vector();
  }
  decided.asked = std::move(submit);
  wait_for_disk(std::move(decided), context);
}

void DirectoryActor::wait_for_disk(Decided decided, Context& context) {
  if (!gathering_.empty()) {
    gathering_.waiting.push_back(std::move(decided));
  } else if (writing_) {
    writing_->waiting.push_back(std::move(decided));
  } else {
    std::vector<Decided> one;
    one.push_back(std::move(decided));
    after_disk(std::move(one), context);
  }
  commit_if_idle(context);
}

void DirectoryActor::after_disk(std::vector<Decided> waiting, Context& context) {
  std::vector<Decided> changes;
  VersionVector reach;
  bool both_ways = false;
  for (Decided& decided : waiting) {
    if (!decided.is_repeated && !takes_name(decided.operations)) decided.asked = {};
    if (decided.reach && place_.trackers > 1) {
      reach = merged(reach, *decided.reach);
      both_ways = both_ways || takes_name(decided.operations) || decided.is_repeated;
      changes.push_back(std::move(decided));
    } else {
      after_reach(std::move(decided), {}, context);
    }
  }
  if (changes.empty()) return;
  const Ticket ticket{++last_ticket_};
  waiting_for_reach_[ticket] = std::move(changes);
  context.send(place_.replicator, AwaitReached{ticket, reach, both_ways});
}

void DirectoryActor::on(const Reached& message, Context& context) {
  // A store that is being read anew knows no names, and whether one was lost has to be looked at.
  if (phase_ == Phase::loading) return reached_early_.push_back(message);
  auto waiting = waiting_for_reach_.extract(message.ticket);
  if (waiting.empty()) return;
  for (Decided& decided : waiting.mapped()) after_reach(std::move(decided), message.missing, context);
  commit_if_idle(context);
}

void DirectoryActor::after_reach(Decided decided, const std::vector<std::uint32_t>& missing,
                                 Context& context) {
  std::optional<LostName> lost = decided.is_repeated ? lost_since(directory_, question_of(decided.asked))
                                                     : lost_name(directory_, decided.operations);
  const bool was_taken_here_alone =
      accounts_taken_.erase({decided.asked.client, decided.asked.request.counter}) != 0 && missing.empty();
  if (lost) {
    // Somebody may have been told of an account by another tracker that took the same request, or is out of sight.
    if (takes_account(decided.operations) && !was_taken_here_alone) lost->undo.clear();
    decided.what = std::move(lost->why);
    if (!lost->undo.empty()) to_undo_.push_back(std::move(lost->undo));
    undo_lost_names(context);
  } else if (missing.empty() && may_make_own()) {
    std::vector<Operation> confirmation = confirmation_of(decided.operations);
    if (!confirmation.empty()) make_own(std::move(confirmation), context);
  }
  if (decided.presence && presence_.heard(*decided.presence, context.now())) {
    note_online(directory_, presence_, decided.presence->uid);
    context.send(place_.replicator, Gossip{*decided.presence});
  }
  if (decided.report && hear_report(*decided.report, context))
    context.send(place_.replicator, ReportTaken{*decided.report});
  if (!decided.metainfo_of) return give(decided, missing, context);
  const FileKey file = *decided.metainfo_of;
  const Ticket ticket{++last_ticket_};
  waiting_for_metainfo_.emplace(ticket, std::pair(std::move(decided), missing));
  context.send(place_.journal, ReadMetainfo{ticket, file.gid, file.fid});
}

void DirectoryActor::undo_lost_names(Context& context) {
  if (!may_make_own()) return;
  for (; !to_undo_.empty(); to_undo_.pop_front()) {
    gathering_.undoing.push_back(to_undo_.front());
    make_own(std::move(to_undo_.front()), context);
  }
}

void DirectoryActor::on(const MetainfoRead& message, Context& context) {
  auto waiting = waiting_for_metainfo_.extract(message.ticket);
  if (waiting.empty()) return;
  auto& [decided, missing] = waiting.mapped();
  auto* found = std::get_if<FileFound>(&decided.what.value);
  ENSURE(found != nullptr);
  if (!message.metainfo)
    return refuse(decided.ticket, Code::io_error, "the tracker cannot read its store: try another tracker",
                  context);
  found->metainfo = *message.metainfo;
  give(decided, missing, context);
}

void DirectoryActor::give(const Decided& decided, const std::vector<std::uint32_t>& missing,
                          Context& context) {
  const bool refused = std::holds_alternative<Refused>(decided.what.value);
  Answer answer{{},
                durable_.vector(),
                !refused && !missing.empty(),
                refused ? "" : sentence_about(missing),
                decided.what};
  ++requests_;
  context.send(place_.front_desk, Settled{decided.ticket, std::move(answer)});
}

void DirectoryActor::refuse(Ticket ticket, Code code, const std::string& sentence, Context& context) {
  give({ticket, Refused{code, sentence}, {}, {}, {}, {}, {}, false}, {}, context);
}

Circumstances DirectoryActor::circumstances(WallTime wall, Instant now) const {
  std::vector<TrackerRow> rows;
  for (const TrackerView& each : trackers_) rows.push_back(each.row);
  std::vector<SigningKey> signers{place_.signing.key};
  for (const auto& [number, key] : signers_) signers.push_back(key);
  return {place_.tracker, wall,           &presence_,         std::move(rows), limits_,
          store_,         place_.signing, std::move(signers), &reports_,       now};
}

// --- presence ---------------------------------------------------------------------------------------------------

void DirectoryActor::on(const PresenceSaid& message, Context& context) {
  if (phase_ != Phase::serving) {
    // Clients say it at once when a tracker is back, and then not for a while: nobody is to be missing that long.
    if (early_presences_.size() < early_presences_max || early_presences_.contains(message.client))
      early_presences_.insert_or_assign(message.client, message);
    return;
  }
  const Present& present = message.present;
  const std::optional<Session> session =
      directory_.session(message.client, present.token, context.wall_time());
  if (!session) {
    // An unknown session may not have come here yet, even though an older one was closed; one that was known and is no
    // more has ended, or has expired: it stood at the beginning of time.
    const bool closed =
        directory_.has_ended(message.client, present.token) && !directory_.open_session(message.client);
    const bool expired = directory_.session(message.client, present.token, WallTime{}).has_value();
    if (closed || expired)
      context.send(
          place_.front_desk,
          Notify{message.client, {NoticeKind::session_ended, "", "", "the session has ended: log in again"}});
    return;
  }
  const PresenceGossip gossip{message.client,      session->uid,
                              session->generation, present.count,
                              Presence::ttl,       present.host.empty() ? message.seen_host : present.host,
                              present.port};
  if (!presence_.heard(gossip, context.now())) return;
  note_online(directory_, presence_, gossip.uid);
  context.send(place_.replicator, Gossip{gossip});
}

void DirectoryActor::on(const LeavingSaid& message, Context& context) {
  // What it said before, to a tracker that did not serve yet, counts no more.
  early_presences_.erase(message.client);
  if (phase_ != Phase::serving) return;
  const std::optional<Session> session =
      directory_.session(message.client, message.leaving.token, context.wall_time());
  if (!session) return;
  const PresenceGossip gossip{
      message.client, session->uid, session->generation, message.leaving.count, {}, {}, 0};
  if (!presence_.heard(gossip, context.now())) return;
  note_online(directory_, presence_, gossip.uid);
  context.send(place_.replicator, Gossip{gossip});
}

void DirectoryActor::on(const GossipHeard& message, Context& context) {
  if (phase_ == Phase::loading) return;
  const std::optional<Session> session = directory_.open_session(message.presence.client);
  if (!session || session->uid != message.presence.uid || session->generation != message.presence.generation)
    return;
  if (presence_.heard(message.presence, context.now())) note_online(directory_, presence_, session->uid);
}

void DirectoryActor::on(const DirectoryTick&, Context& context) {
  for (const PresentClient& faded : presence_.expire(context.now()))
    note_online(directory_, presence_, faded.uid);
  reports_.expire(context.now());
  // Also while it catches up: what it lacks can only come to a disk that takes something.
  if (read_only_ && phase_ != Phase::loading) {
    CommitBatch again;
    again.ticket = trial;
    again.heads = heads_.all();
    context.send(place_.journal, again);
  }
  context.after(tick, DirectoryTick{});
}

// --- the console ------------------------------------------------------------------------------------------------

void DirectoryActor::on(const AskNode&, Context& context) {
  context.reply(NodeStatus{phase_ == Phase::serving, store_, durable_.vector(), durable_digest_,
                           directory_.user_count(), directory_.group_count(), directory_.file_count(),
                           presence_.size(), requests_, commits_, trackers_});
}

void DirectoryActor::on(const AskUsers& message, Context& context) {
  Users users;
  std::vector<Uid> uids = directory_.users_after(message.after, console_rows + 1);
  users.more = uids.size() > console_rows;
  uids.resize(std::min(uids.size(), console_rows));
  for (const Uid& uid : uids)
    users.users.push_back({directory_.name_of(uid), !presence_.clients_of(uid).empty()});
  context.reply(users);
}

void DirectoryActor::on(const AskGroups& message, Context& context) {
  GroupsKnown groups;
  std::vector<Gid> gids = directory_.groups_after(message.after, console_rows + 1);
  groups.more = gids.size() > console_rows;
  gids.resize(std::min(gids.size(), console_rows));
  for (const Gid& gid : gids) {
    const std::optional<Uid> owner = directory_.owner_of(gid);
    groups.groups.push_back({{directory_.name_of(gid)},
                             {owner ? directory_.name_of(*owner) : ""},
                             directory_.member_count(gid),
                             Standing::none});
  }
  context.reply(groups);
}

void DirectoryActor::check_invariants() const {
  presence_.check_invariants();
  reports_.check_invariants();
  ENSURE(waiting_for_password_.size() == candidates_.size());
  ENSURE(phase_ == Phase::loading || covers(heads_.vector(), durable_.vector()));
  // Whoever waits for the disk waits for a batch that exists.
  ENSURE(gathering_.waiting.empty() || !gathering_.empty());
  if (phase_ == Phase::serving && own_) ENSURE(own_->head().sequence == heads_.head_of(store_).sequence);
}

}  // namespace tutti
