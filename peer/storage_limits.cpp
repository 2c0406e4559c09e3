// Storage's part that keeps the limits: their owner, as they hold whoever is logged in.

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/rate_limiter.hpp"
#include "peer/storage.hpp"

namespace tutti {

namespace {

Refused unreadable_limits() {
  return {Code::io_error, "the limits cannot be read from the client's state: its log says why"};
}

}  // namespace

bool Storage::read_limits() {
  if (limits_) return true;
  auto limits = store_->limits();
  if (limits) {
    limits_ = std::move(*limits);
  } else {
    log_error(limits.fault().sentence);
  }
  return limits_.has_value();
}

void Storage::on(const SetLimit& set, Context& context) {
  if (!read_limits()) return context.reply(Told{set.command, unreadable_limits(), false, {}});
  std::vector<RateLimit> changed = *limits_;
  set_limit(changed, set.limit);
  if (const DiskDone fault = store_->put_limits(changed))
    return context.reply(Told{set.command, Refused{fault->code, fault->sentence}, false, {}});
  limits_ = std::move(changed);
  for (const Address watcher : watchers_) context.answer(watcher, LimitsChanged{*limits_});
  context.reply(Told{set.command, Done{}, false, {}});
}

void Storage::on(const ListLimits& list, Context& context) {
  if (!read_limits()) return context.reply(Told{list.command, unreadable_limits(), false, {}});
  context.reply(Limits{list.command, *limits_});
}

void Storage::on(const WatchLimits& watch, Context& context) {
  const bool by_timer = context.sender() == context.self();
  if (!by_timer) watchers_.insert(context.sender());
  if (!read_limits()) {
    context.after(recall_again, watch);
    return;
  }
  if (!by_timer) return context.reply(LimitsChanged{*limits_});
  for (const Address watcher : watchers_) context.answer(watcher, LimitsChanged{*limits_});
}

}  // namespace tutti
