#include "peer/orchestra/conductor_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

bool is_any(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "*"; }

}  // namespace

ConductorLink::ConductorLink(ConductorLinkOptions options, std::shared_ptr<const OrchShare> share,
                             Listeners listeners)
    : options_(std::move(options)), share_(std::move(share)), listeners_(listeners) {}

void ConductorLink::on(const NowServing& serving, Context& context) {
  serving_ = serving;
  if (listeners_.scheduler.address.value != 0) begin_session(context);
  context.after(Duration{}, PollDue{});
}

void ConductorLink::begin_session(Context& context) {
  const SessionChanged session{share_->uid, "member"};
  context.send(listeners_.scheduler, session);
  context.send(listeners_.librarian, session);
  context.send(listeners_.shell, session);
}

void ConductorLink::on(const Ask& ask, Context& context) {
  TrackerAnswer answer = Done{};
  if (ask.what.get<FindSharers>() != nullptr) answer = Sharers{sharers_};
  // Members of an Orchestra show nothing to each other.
  if (const auto* asked = ask.what.get<AskTicket>())
    answer = TicketGiven{PeerTicket{asked->gid, {}, {}, 0, 0, {}, {}}};
  context.reply(Told{ask.command, std::move(answer), false, {}});
}

// --- the conductor ----------------------------------------------------------------------------------------------

void ConductorLink::on(const PollDue&, Context& context) {
  ++poll_;
  answer_.emplace(share_->name, share_->sha1);
  link_ = context.dial_stream<ByteStreamRole>(options_.conductor,
                                              is_any(serving_.host) ? std::string() : serving_.host);
  context.after(options_.answer_patience, PollOverdue{poll_});
}

void ConductorLink::on(const LinkUp& up, Context& context) {
  if (up.link != link_.address) return;
  context.send(link_, StreamBytes{},
               orch_payload(conductor_question(share_->name, share_->sha1, serving_.port)));
}

void ConductorLink::on(const StreamBytes&, Context& context) {
  if (!answer_ || context.sender() != link_.address) return;
  std::optional<std::vector<std::string>> members = answer_->take(context.payload().view());
  if (members) return take(std::move(*members), context);
  if (!answer_->fault().empty()) end_poll(answer_->fault(), context);
}

void ConductorLink::on(const LinkDown& down, Context& context) {
  if (answer_ && down.link == link_.address)
    end_poll(down.loss == LinkLoss::unreachable ? "it cannot be reached" : "it hung up", context);
}

void ConductorLink::on(const PollOverdue& overdue, Context& context) {
  if (answer_ && overdue.poll == poll_) end_poll("it does not answer", context);
}

void ConductorLink::take(std::vector<std::string> members, Context& context) {
  if (members.size() > members_max) {
    context.random().shuffle(members);
    members.resize(members_max);
  }
  sharers_.clear();
  for (const std::string& member : members)
    if (std::optional<Sharer> sharer = sharer_of(member)) sharers_.push_back(std::move(*sharer));
  end_poll({}, context);
}

void ConductorLink::end_poll(std::string_view fault, Context& context) {
  answer_.reset();
  context.close(link_.address);
  link_ = {};
  if (away_ != !fault.empty()) {
    away_ = !fault.empty();
    const std::string sentence =
        away_ ? fmt::format("the conductor {} is away: {}; it is asked again", options_.conductor, fault)
              : fmt::format("the conductor {} answers again", options_.conductor);
    context.send(listeners_.shell, Notice{NoticeKind::info, share_->group.text, {}, sentence});
  }
  context.after(sharers_.empty() ? options_.poll_again : options_.poll_every, PollDue{});
}

std::optional<Sharer> ConductorLink::sharer_of(const std::string& member) const {
  if (!member_address_fault(member).empty()) return std::nullopt;
  const std::size_t colon = member.find(':');
  Sharer sharer{UserName{"member"}, {}, member.substr(0, colon), 0};
  if (!is_ipv4(sharer.host)) return std::nullopt;
  sharer.port =
      static_cast<std::uint16_t>(orch_number(std::string_view(member).substr(colon + 1)).value_or(0));
  sharer.client = orch_client(fmt::format("{}:{}", sharer.host, sharer.port));
  if (is_own(sharer.host, sharer.port)) return std::nullopt;
  return sharer;
}

bool ConductorLink::is_own(const std::string& host, std::uint16_t port) const {
  if (port != serving_.port) return false;
  if (!is_any(serving_.host)) return host == serving_.host;
  return host.starts_with("127.") || options_.own_hosts.contains(host);
}

}  // namespace tutti
