// Changes on their way to the disk, the own ones and those of other trackers.

#include <algorithm>
#include <utility>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "tracker/directory_actor.hpp"
#include "tracker/online.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

namespace {

// A clock that is further ahead than this is worth a word to whoever runs the tracker.
constexpr std::chrono::seconds clock_tolerance{60};

}  // namespace

// --- changes and the disk ---------------------------------------------------------------------------------------

VersionVector DirectoryActor::make_own(std::vector<Operation> operations, Context& context) {
  if (!own_begin_) own_begin_ = own_->head();
  const Delta delta = own_->seal(std::move(operations), context.wall_time());
  ENSURE(take(delta, context));
  gathering_.own.push_back(delta);
  warn_of_clocks(context);
  VersionVector own;
  advance(own, store_, delta.sequence);
  return own;
}

bool DirectoryActor::take(const Delta& delta, Context&) {
  switch (heads_.judge(delta)) {
    case DeltaFit::known: return true;
    case DeltaFit::gap: return false;
    case DeltaFit::forked:
      if (std::find(forked_.begin(), forked_.end(), delta.origin) == forked_.end()) {
        forked_.push_back(delta.origin);
        log_error("the log of store " + delta.origin.hex() + " has forked at " +
                  std::to_string(delta.sequence.value) +
                  ": an older copy of that store was put back and written on. What was done with it comes by "
                  "snapshot");
      }
      return false;
    case DeltaFit::next: break;
  }
  const Sha256 hash = hash_of(delta);
  heads_.advance(delta, hash);
  gathering_.heads[delta.origin] = {delta.origin, delta.sequence, hash};
  gathering_.commit.deltas.push_back(delta);
  gather(directory_.apply(delta));
  for (const Operation& each : delta.operations) {
    note_online(directory_, presence_, each);
    const auto* answered = each.get<RequestAnswered>();
    if (answered != nullptr && delta.origin != store_)
      accounts_taken_.erase({answered->client, answered->counter});
  }
  return true;
}

void DirectoryActor::gather(Changes changes) {
  for (const Row& row : changes.rows) gathering_.commit.rows.push_back(row.view());
  for (NoticeTo& told : changes.told) gathering_.told.push_back(std::move(told));
  for (Departure& each : changes.departures) gathering_.departures.push_back(std::move(each));
}

void DirectoryActor::commit_if_idle(Context& context) {
  if (writing_ || gathering_.empty()) return;
  writing_ = std::move(gathering_);
  gathering_ = {};
  writing_->all_heads = heads_;
  if (!joining_) writing_->digest = directory_.digest();
  writing_->commit.ticket = {++last_ticket_};
  for (const auto& [origin, head] : writing_->heads) writing_->commit.heads.push_back(head);
  context.send(place_.journal, writing_->commit);
  writing_->commit = {};
}

void DirectoryActor::on(const BatchCommitted& message, Context& context) {
  if (message.ticket == trial) {
    if (read_only_) log_info("the store can be written again");
    read_only_.reset();
    undo_lost_names(context);
    commit_if_idle(context);
    return;
  }
  if (!writing_) return;
  Batch batch = std::move(*writing_);
  writing_.reset();
  ++commits_;
  durable_ = batch.all_heads;
  durable_digest_ = batch.digest;
  durable_page_ = std::max(durable_page_, batch.page);
  if (gathering_.empty() && !joining_) durable_digest_ = directory_.digest();
  bool rejected = false;
  if (batch.renews) {
    renewing_.reset();
    caught_up_ = false;  // until the others know the new name
    rejected = std::exchange(rejected_meanwhile_, false);
  }
  tell_replicator(rejected, context);
  if (!batch.own.empty()) context.send(place_.replicator, Spread{std::move(batch.own)});
  notify(batch.told, context);
  for (const Departure& each : batch.departures) tell_of(each, context);
  after_disk(std::move(batch.waiting), context);
  read_own_log(context);
  commit_if_idle(context);
  serve_if_possible(context);
}

void DirectoryActor::on(const BatchFailed& message, Context& context) {
  if (message.ticket == trial) return;
  if (!writing_) return;
  log_error("a change could not be stored: " + message.sentence);
  read_only_ = message.code;
  read_only_sentence_ = message.sentence;
  for (Batch* batch : {&*writing_, &gathering_}) {
    for (Decided& decided : batch->waiting) waiting_for_service_.push_back(std::move(decided.asked));
    for (std::vector<Operation>& undo : batch->undoing) to_undo_.push_back(std::move(undo));
  }
  writing_.reset();
  gathering_ = {};
  // Memory knows more than the disk now, and joined facts cannot be taken out again: begin anew from the disk.
  forget_state();
  if (renewing_ && renewing_->committing) own_begin_ = renewing_->cut;
  renewing_.reset();
  rejected_meanwhile_ = false;
  join_spoilt_ = join_spoilt_ || joining_;
  joining_ = false;
  context.send(place_.front_desk, ServiceChanged{false, store_});
  context.send(place_.journal, LoadStore{});
}

void DirectoryActor::tell_replicator(bool rejected, Context& context) {
  // A new name that is not on disk yet may never be: it is told with its commit, and what was rejected until then.
  if (renewing_ && renewing_->committing) {
    rejected_meanwhile_ = rejected_meanwhile_ || rejected;
    return;
  }
  context.send(place_.replicator, DirectoryHolds{store_, durable_.vector(), durable_digest_, rejected,
                                                 forked_, durable_page_, durable_.all()});
}

void DirectoryActor::notify(const std::vector<NoticeTo>& told, Context& context) {
  for (const NoticeTo& each : told)
    for (const PresentClient* client : presence_.clients_of(each.to)) {
      // Whose session has ended is told that, and nothing else any more.
      const std::optional<Session> session = directory_.open_session(client->client);
      const bool stands = session && session->uid == each.to;
      if (stands != (each.notice.kind == NoticeKind::session_ended))
        context.send(place_.front_desk, Notify{client->client, each.notice});
    }
}

/// To all who may serve or fetch in the group: departures are rare, and whoever has gone is to be cut off at once.
void DirectoryActor::tell_of(const Departure& departure, Context& context) {
  for (const Uid& uid : presence_.users()) {
    const bool member = directory_.membership(departure.gid, uid).is_member();
    if (!member && departure.gone != uid) continue;
    const GroupChanged change{departure.gid,
                              {departure.group},
                              departure.epoch,
                              member,
                              member ? std::string() : departure.sentence};
    for (const PresentClient* client : presence_.clients_of(uid))
      context.send(place_.front_desk, NotifyGroup{client->client, change});
  }
}

void DirectoryActor::on(const SignerLearned& message, Context&) { signers_[message.number] = message.key; }

void DirectoryActor::warn_of_clocks(Context& context) {
  const bool ahead = own_->clock().ahead_of(context.wall_time()) > clock_tolerance;
  if (ahead && !warned_of_clocks_)
    log_warning("the clock of another tracker is ahead of this one's by " +
                std::to_string(own_->clock().ahead_of(context.wall_time()).count() / 1000) +
                " s, or this one's has gone back: set them right. Nothing is lost meanwhile");
  warned_of_clocks_ = ahead;
}

// --- from other trackers ----------------------------------------------------------------------------------------

void DirectoryActor::on(const Learned& message, Context& context) {
  // With a disk that takes nothing, or a store being read, nothing can be promised: it will be pulled again.
  const bool can_take = phase_ != Phase::loading && !read_only_;
  bool taken = can_take;
  for (const Delta& delta : message.deltas) {
    if (!can_take || !take(delta, context)) {
      taken = false;
      continue;  // the other logs must not wait for one that has a gap or has forked
    }
    ++learned_;
    own_->clock().saw(delta.stamp);
    if (delta.origin == store_) own_->recovered(heads_.head_of(store_));
  }
  if (phase_ != Phase::loading) warn_of_clocks(context);
  if (!taken) tell_replicator(true, context);
  look_at_floors(context);
  commit_if_idle(context);
}

void DirectoryActor::on(const LearnedRows& message, Context& context) {
  // Given up: no page of the one under way comes any more.
  const bool is_given_up = message.page == 0;
  if (is_given_up) join_spoilt_ = false;
  if (phase_ == Phase::loading || read_only_) join_spoilt_ = true;
  if (join_spoilt_) {
    joining_ = false;
    if (message.last) join_spoilt_ = false;
    return tell_replicator(true, context);
  }
  ++learned_;
  if (!joining_ && is_small_and_idle()) directory_.begin_bulk();
  joining_ = !message.last;
  join_page(message);
  if (message.last) look_at_floors(context);
  // Each page is answered, so that another one is asked for when this one is on disk, with all that it was joined to.
  if (gathering_.empty() && !writing_) {
    durable_page_ = std::max(durable_page_, message.page);
    if (message.last) durable_digest_ = directory_.digest();
    tell_replicator(false, context);
  } else {
    Batch& batch = gathering_.empty() ? *writing_ : gathering_;
    batch.page = std::max(batch.page, message.page);
  }
  commit_if_idle(context);
}

bool DirectoryActor::is_small_and_idle() const {
  const auto nobody_waits = [](const Batch& batch) { return batch.waiting.empty() && batch.own.empty(); };
  return phase_ == Phase::syncing && !caught_up_ && directory_.size() < small_state &&
         waiting_for_reach_.empty() && to_undo_.empty() && nobody_waits(gathering_) &&
         (!writing_ || nobody_waits(*writing_));
}

void DirectoryActor::join_page(const LearnedRows& message) {
  Changes changes;
  RowReader rows(message.rows);
  while (const std::optional<StoredRow> row = rows.next()) {
    const Decoded<Fact> fact = fact_of_others(*row);
    if (!fact) {
      // The digests will go on showing that it is missing.
      log_error("a row of another tracker's state is left out: " + fact.fault);
      continue;
    }
    directory_.join(*fact, *row, changes);
    own_->clock().saw(fact->stamp);
    note_online(directory_, presence_, fact->operation);
  }
  gather(std::move(changes));
  accounts_taken_.clear();  // who took what is not in rows
  for (const LogHead& head : message.heads) {
    std::erase(forked_, head.origin);  // whatever was done under its numbers, it is here now
    if (head.sequence <= heads_.head_of(head.origin).sequence) continue;
    heads_.join(head);
    gathering_.heads[head.origin] = head;
  }
  own_->recovered(heads_.head_of(store_));
}

void DirectoryActor::on(const TrackersSeen& message, Context&) {
  trackers_ = message.trackers;
  reachable_ = message.reachable;
}

void DirectoryActor::on(const AskOwnBuckets&, Context& context) {
  if (phase_ == Phase::loading || joining_) return;
  context.reply(OwnBuckets{heads_.vector(), directory_.bucket_digests()});
}

}  // namespace tutti
