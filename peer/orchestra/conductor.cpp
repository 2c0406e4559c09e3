#include "peer/orchestra/conductor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

constexpr Duration looked_at_every = std::chrono::milliseconds(10);

}  // namespace

Conductor::Conductor(ConductorOptions options, Ref<ConductorConsoleRole> console,
                     std::shared_ptr<Opened> door)
    : options_(std::move(options)),
      console_(console),
      door_(std::move(door)),
      table_(options_.forgotten_after) {}

void Conductor::start(Context& context) { *door_ = context.listen_stream<ByteStreamRole>(options_.endpoint); }

void Conductor::on(const LinkUp& up, Context& context) {
  callers_.emplace(up.link, Caller{up.peer, context.after(options_.caller_patience, CallerOverdue{up.link})});
}

void Conductor::on(const LinkDown& down, Context& context) {
  const auto caller = callers_.find(down.link);
  if (caller == callers_.end()) return;
  context.cancel(caller->second.overdue);
  if (caller->second.answered) --answered_;
  callers_.erase(caller);
}

void Conductor::hang_up(Address link, Context& context) {
  context.close(link);
  on(LinkDown{link, LinkLoss::closed}, context);
}

void Conductor::on(const StreamBytes&, Context& context) {
  const auto caller = callers_.find(context.sender());
  if (caller == callers_.end() || caller->second.answered) return;
  const std::optional<ConductorQuestion> question = caller->second.question.take(context.payload().view());
  if (caller->second.question.failed()) return hang_up(caller->first, context);
  if (question) answer(caller->first, caller->second, *question, context);
}

void Conductor::answer(Address link, Caller& caller, const ConductorQuestion& question, Context& context) {
  const std::optional<std::uint64_t> port = orch_number(question.port);
  const std::string member = fmt::format("{}:{}", caller.host, port.value_or(0));
  if (question.word != "DOWN" || !port || *port == 0 || *port > 65535 || caller.host.empty()) {
    context.send(console_, ConductorSays{fmt::format("{} asked for what there is not", caller.host)});
    return hang_up(link, context);
  }
  const ConductorTable::Answer said = table_.asked(question.name, question.sha1, member, context.now());
  if (said.is_new) {
    context.send(console_,
                 ConductorSays{fmt::format("{} shares {} ({})", member, question.name, question.sha1)});
    forget_later(context);
  }
  for (const Payload& text : said.text) context.answer(link, StreamBytes{}, caller.answer.measured(text));
  caller.answered = true;
  ++answered_;
  if (caller.answer.outstanding_bytes() == 0) return hang_up(link, context);
  if (!std::exchange(hang_up_due_, true)) context.after(looked_at_every, HangUpDue{});
}

void Conductor::on(const HangUpDue&, Context& context) {
  hang_up_due_ = false;
  std::vector<Address> done;
  for (const auto& [link, caller] : callers_)
    if (caller.answered && caller.answer.outstanding_bytes() == 0) done.push_back(link);
  for (const Address link : done) hang_up(link, context);
  if (answered_ == 0) return;
  hang_up_due_ = true;
  context.after(looked_at_every, HangUpDue{});
}

void Conductor::on(const CallerOverdue& overdue, Context& context) {
  if (callers_.contains(overdue.link)) hang_up(overdue.link, context);
}

void Conductor::on(const TableWanted&, Context& context) {
  TableListed listed;
  for (ConductorTable::Row& row : table_.rows())
    listed.rows.push_back({std::move(row.name), std::move(row.sha1), std::move(row.members)});
  context.reply(listed);
}

void Conductor::forget_later(Context& context) {
  const std::optional<Instant> at = table_.forget_at();
  if (!at || std::exchange(forget_due_, true)) return;
  context.after(std::max(*at - context.now(), Duration{}), ForgetDue{});
}

void Conductor::on(const ForgetDue&, Context& context) {
  forget_due_ = false;
  for (const ConductorTable::Gone& gone : table_.forget(context.now()))
    context.send(console_,
                 ConductorSays{fmt::format("{} is gone, and shares {} no more", gone.member, gone.name)});
  forget_later(context);
}

void Conductor::check_invariants() const {
  const auto answered =
      std::count_if(callers_.begin(), callers_.end(), [](const auto& each) { return each.second.answered; });
  ENSURE(answered_ == static_cast<std::size_t>(answered));
  table_.check_invariants();
}

}  // namespace tutti
