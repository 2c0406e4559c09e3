#include <fmt/format.h>

#include <algorithm>

#include "actors/context.hpp"
#include "actors/log.hpp"
#include "peer/uploader.hpp"

namespace tutti {

// --- who is a member --------------------------------------------------------------------------------------------

std::map<Gid, std::set<ClientKey>> Uploader::who_fetches() const {
  std::map<Gid, std::set<ClientKey>> clients;
  for (const auto& [address, link] : links_)
    for (const auto* files : {&link.open, &link.knocking})
      for (const auto& [fid, gid] : *files) clients[gid].insert(*link.client);
  return clients;
}

/// Asks about the groups whose time has come, closes what nobody may have any more, and sees to it that this is done
/// again.
void Uploader::look_at_tickets(Context& context) {
  const Instant now = context.now();
  close_knocking(context);
  std::optional<Instant> next;
  const auto not_later = [&](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  for (const auto& [address, link] : links_)
    if (!link.knocking.empty()) not_later(link.knocked + knock_patience);
  for (const auto& [gid, clients] : who_fetches()) {
    const auto lapsed = admission_.lapsed(gid, now);
    turn_away(gid, {lapsed.begin(), lapsed.end()}, CloseReason::not_a_member, context);
    want_tickets(gid, admission_.to_renew(gid), context);
    if (const auto at = admission_.ask_at(gid); at && *at <= now) {
      const CommandId number{++last_question_};
      questions_.emplace(number, gid);
      admission_.asked(gid, now);
      context.send(others_.tracker_link, Ask{number, AskTicketRules{gid}});
    } else {
      not_later(at);
    }
    not_later(admission_.lapse_at(gid));
  }
  context.cancel(members_timer_);
  if (next) members_timer_ = context.after(std::max(*next, now) - now, MembersDue{});
}

void Uploader::on(const MembersDue&, Context& context) { look_at_tickets(context); }

void Uploader::on(const ShowTicket& show, Context& context) {
  const auto link = links_.find(context.sender());
  if (link == links_.end() || !link->second.client) return;
  if (!bears(link->first, link->second, PeerPatience::Word::ticket, context)) return;
  const Gid& gid = show.ticket.gid;
  const auto first = files_.lower_bound(FileKey{gid, Fid{}});
  if (first == files_.end() || first->first.first != gid) return;
  switch (admission_.show(show.ticket, *link->second.client, context.now())) {
    case Admission::Verdict::forged:
      log_warning(fmt::format("a peer at {} shows a ticket that is not its own", link->second.address));
      context.close(context.sender());
      return forget(context.sender(), context);
    case Admission::Verdict::refused: want_ticket(link->first, link->second, gid, context); break;
    case Admission::Verdict::let_in: let_in(gid, context); break;
    case Admission::Verdict::undecided: break;
  }
  look_at_tickets(context);
}

void Uploader::on(const GroupChanged& changed, Context& context) {
  if (!changed.member) return serve_nobody(changed.gid, context);
  admission_.rose(changed.gid, changed.epoch, context.now());
  look_at_tickets(context);
}

void Uploader::on(const Told& told, Context& context) {
  const auto entry = questions_.extract(told.command);
  if (!entry) return;
  const Gid& gid = entry.mapped();
  const auto* refused = told.what.get<Refused>();
  if (const auto* rules = told.what.get<TicketRules>()) {
    want_tickets(gid, admission_.learned(gid, *rules, context.now()), context);
    let_in(gid, context);
  } else if (refused != nullptr &&
             (refused->code == Code::not_a_member || refused->code == Code::no_such_group)) {
    serve_nobody(gid, context);
  } else {
    admission_.unanswered(gid, refused != nullptr && refused->code == Code::tracker_unreachable,
                          context.now());
  }
  look_at_tickets(context);
}

/// It is we who are no longer a member.
void Uploader::serve_nobody(const Gid& gid, Context& context) {
  admission_.forget(gid);
  turn_away(gid, who_fetches()[gid], CloseReason::not_a_member, context);
}

void Uploader::want_tickets(const Gid& gid, const std::vector<ClientKey>& clients, Context& context) {
  for (const ClientKey& client : clients)
    for (const auto& [address, link] : links_)
      if (link.client == client) want_ticket(address, link, gid, context);
}

void Uploader::want_ticket(Address address, const Link& link, const Gid& gid, Context& context) {
  if (link.version >= 3 && !link.sealed) context.answer(address, TicketWanted{gid});
}

/// Whoever has waited long enough without a ticket that counts is told that.
void Uploader::close_knocking(Context& context) {
  for (auto& [address, link] : links_) {
    if (link.knocking.empty() || context.now() < link.knocked + knock_patience) continue;
    const std::map<Fid, Gid> knocking = link.knocking;
    for (const auto& [fid, gid] : knocking) close_file(address, link, fid, CloseReason::busy, context);
  }
}

/// Those who are let in at one moment are all told of all.
void Uploader::let_in(const Gid& gid, Context& context) {
  std::map<FileKey, std::vector<Address>> in;
  std::set<FileKey> looked_at;
  for (auto& [address, link] : links_)
    for (const auto& [fid, group] : std::map<Fid, Gid>(link.knocking))
      if (group == gid && admission_.admitted(gid, *link.client)) {
        if (looked_at.insert({gid, fid}).second) look_at_places({gid, fid}, context);
        if (take_place({gid, fid}, *link.client, context)) {
          enter(link, {gid, fid});
          in[{gid, fid}].push_back(address);
        } else {
          close_file(address, link, fid, CloseReason::busy, context);
        }
      }
  for (const auto& [key, links] : in) {
    const bool told = fetchers_changed(key, context);
    for (const Address address : links) answer_open(address, links_.at(address), key, told, context);
  }
}

/// Closes what these clients have asked for in a group, and what they have open.
void Uploader::turn_away(const Gid& gid, const std::set<ClientKey>& clients, CloseReason reason,
                         Context& context) {
  for (auto& [address, link] : links_) {
    if (!link.client || !clients.contains(*link.client)) continue;
    std::vector<Fid> closed;
    for (const auto& [fid, group] : link.knocking)
      if (group == gid) closed.push_back(fid);
    for (const auto& [fid, group] : link.open)
      if (group == gid) closed.push_back(fid);
    for (const Fid& fid : closed) close_file(address, link, fid, reason, context);
  }
}

}  // namespace tutti
