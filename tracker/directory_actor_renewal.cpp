// The own log goes on under another name, because others use its numbers for something else.

#include "actors/log.hpp"
#include "tracker/directory_actor.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

namespace {

PlainOperation plain(const Operation& operation) {
  PlainOperation result;
  std::visit(
      [&]<class M>(const M& each) {
        if constexpr (!std::same_as<M, Restated>) result = each;
      },
      operation.value);
  return result;
}

}  // namespace

void DirectoryActor::on(const RenewStore&, Context& context) {
  if (phase_ == Phase::loading || renewing_ || read_only_) return;
  pause(context);
  const LogHead head = own_->head();
  renewing_ = Renewal{own_begin_.value_or(head), {}, {}, {}, false, false};
  renewing_->read = renewing_->cut.sequence;
  read_own_log(context);
}

void DirectoryActor::read_own_log(Context& context) {
  // What is on its way to the disk is not in the log yet.
  const bool under_way = !gathering_.own.empty() || (writing_ && !writing_->own.empty());
  if (!renewing_ || renewing_->committing || renewing_->ticket.value != 0 || under_way) return;
  if (renewing_->read >= own_->head().sequence) return say_again(context);
  VersionVector have;
  VersionVector want;
  if (renewing_->read.value != 0) advance(have, store_, renewing_->read);
  advance(want, store_, own_->head().sequence);
  renewing_->ticket = {++last_ticket_};
  context.send(place_.journal, ReadLog{renewing_->ticket, have, want});
}

void DirectoryActor::on(const LogRead& message, Context& context) {
  if (!renewing_ || renewing_->ticket != message.ticket) return;
  renewing_->ticket = {};
  for (const Delta& delta : message.deltas) {
    renewing_->said.push_back(delta);
    renewing_->read = delta.sequence;
  }
  if (message.deltas.empty()) {
    log_warning(
        "a part of the own log is not there any more: the other trackers are told by rows what was in it");
    renewing_->lacks_deltas = true;
    renewing_->read = own_->head().sequence;
  }
  read_own_log(context);
}

void DirectoryActor::say_again(Context& context) {
  if (writing_) return;  // its vector is that of the whole log; afterwards
  renewing_->committing = true;
  // Nothing said, nothing to take back: parts of the own log may have come back from others meanwhile.
  const LogHead cut_to = renewing_->said.empty() ? heads_.head_of(store_) : renewing_->cut;
  StoreId fresh;
  context.fill_secret(fresh.bytes);
  heads_.cut(cut_to);
  durable_.cut(cut_to);
  std::erase(forked_, cut_to.origin);
  gathering_.renews = true;
  gathering_.commit.renewal = StoreRenewal{fresh, cut_to};
  store_ = fresh;
  LogHead begin{fresh, {}, {}};
  if (renewing_->lacks_deltas) {
    // A number without a delta: whoever lacks it finds no log that has it, and takes rows, in which all is that was done.
    begin.sequence = {1};
    heads_.join(begin);
    gathering_.heads[fresh] = begin;
  }
  own_.emplace(begin, own_->clock());
  own_begin_.reset();
  for (const Delta& delta : renewing_->said) {
    std::vector<Operation> operations;
    for (const Operation& each : delta.operations) {
      if (each.get<Restated>() != nullptr) {
        operations.push_back(each);
      } else {
        operations.emplace_back(Restated{delta.origin, delta.stamp, plain(each)});
      }
    }
    make_own(std::move(operations), context);
  }
  renewing_->said.clear();
  commit_if_idle(context);
}

}  // namespace tutti
