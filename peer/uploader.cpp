#include "peer/uploader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr Duration taken_every = std::chrono::milliseconds(50);

std::uint16_t port_of(const std::string& endpoint) {
  std::uint16_t port = 0;
  std::from_chars(endpoint.data() + endpoint.rfind(':') + 1, endpoint.data() + endpoint.size(), port);
  return port;
}

/// What the trackers are to be told of a door: an address that means "any" is left out, they see a better one.
NowServing announcement(const std::string& endpoint) {
  NowServing serving;
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos) return serving;
  serving.host = endpoint.substr(0, colon);
  if (serving.host.size() >= 2 && serving.host.front() == '[')
    serving.host = serving.host.substr(1, serving.host.size() - 2);
  if (serving.host == "0.0.0.0" || serving.host == "::" || serving.host == "*") serving.host.clear();
  serving.port = port_of(endpoint);
  return serving;
}

}  // namespace

Uploader::Uploader(UploaderOptions options, Others others, std::shared_ptr<Opened> door)
    : options_(std::move(options)), others_(others), door_(std::move(door)) {}

void Uploader::start(Context& context) {
  if (!open_doors(context)) return;
  NowServing serving = announcement(door_->endpoint);
  if (!options_.public_host.empty()) serving.host = options_.public_host;
  context.send(others_.tracker_link, serving);
  context.send(others_.storage, WatchLimits{});
}

bool Uploader::open_doors(Context& context) {
  *door_ = context.listen<FetchingPeerRole>(options_.endpoint);
  if (door_->address.value == 0) return false;
  const std::string host = door_->endpoint.substr(0, door_->endpoint.rfind(':'));
  sealed_door_ = context.listen_sealed<FetchingPeerRole>(fmt::format("{}:{}", host, options_.sealed_port));
  if (sealed_door_.address.value != 0) return true;
  // Everything works without it, only slower; but a port that was asked for is one that others count on.
  log_warning(fmt::format("no door for sealed links at {}: {}", sealed_door_.endpoint, sealed_door_.fault));
  if (options_.sealed_port == 0) return true;
  context.close(door_->address);
  *door_ = sealed_door_;
  return false;
}

void Uploader::give_pass(Link& link, Context& context) {
  if (link.sealed || link.version < 3 || sealed_door_.address.value == 0) return;
  const SealedPass pass = context.issue_pass(sealed_door_.address, link.key);
  link.pass = pass.id;
  context.reply(SealedDoor{port_of(sealed_door_.endpoint), pass.id, pass.secret});
}

// --- what is served -------------------------------------------------------------------------------------------

void Uploader::on(const ServeFile& serve, Context& context) {
  const PieceLayout layout(serve.size, serve.piece_length);
  std::optional<Bitfield> pieces = Bitfield::parse(serve.bitfield, layout.piece_count());
  ENSURE(pieces.has_value());
  const FileKey key{serve.gid, serve.fid};
  Copies& known = files_[key];
  if (serve.identity && pieces->all()) {
    known.clear();
  } else {
    if (!serve.identity && !known.empty() && known.front().is_whole()) return;
    std::erase_if(known, [&](const Served& each) {
      return each.is(context.sender(), serve.path) || (serve.identity && each.identity);
    });
  }
  known.push_back(
      Served{context.sender(), serve.group, serve.file, serve.path, layout, *pieces, serve.identity});
  tell_pieces(key, context);
}

/// Tells those who have the file open which pieces of it there are.
void Uploader::tell_pieces(const FileKey& key, Context& context) {
  for (auto& [address, link] : links_) {
    const auto open = link.open.find(key.second);
    if (open != link.open.end() && open->second == key.first && !link.sealed)
      context.answer(address, FileOpened{key.second, pieces_of(files_.at(key)).bytes()});
  }
}

void Uploader::on(const ServePiece& serve, Context& context) {
  const auto file = files_.find({serve.gid, serve.fid});
  if (file == files_.end()) return;  // stopped meanwhile
  const auto copy = std::find_if(file->second.begin(), file->second.end(),
                                 [&](const Served& each) { return each.is(context.sender(), serve.path); });
  if (copy == file->second.end()) return;  // the whole file is served instead
  ENSURE(serve.piece.value < copy->pieces.size());
  copy->pieces.set(serve.piece);
  for (auto& [address, link] : links_) {
    const auto open = link.open.find(serve.fid);
    if (open != link.open.end() && open->second == serve.gid && !link.sealed)
      context.answer(address, Have{serve.fid, serve.piece});
  }
}

void Uploader::on(const StopServing& stop, Context& context) {
  stop_serving({stop.gid, stop.fid}, context.sender(), stop.path, stop.reason, context);
}

void Uploader::stop_serving(const FileKey& key, Address by, const std::string& path, CloseReason reason,
                            Context& context) {
  const auto file = files_.find(key);
  if (file == files_.end()) return;
  std::erase_if(file->second, [&](const Served& each) { return each.is(by, path); });
  // Requests for what only this copy had are rejected when their turn comes.
  if (!file->second.empty()) return;
  files_.erase(file);
  tellings_.erase(key);
  for (auto& [address, link] : links_) {
    const auto wants = [&](const std::map<Fid, Gid>& files) {
      const auto wanted = files.find(key.second);
      return wanted != files.end() && wanted->second == key.first;
    };
    if (wants(link.open) || wants(link.knocking)) close_file(address, link, key.second, reason, context);
  }
}

void Uploader::close_file(Address address, Link& link, const Fid& fid, CloseReason reason, Context& context) {
  const auto open = link.open.extract(fid);
  const bool fetched = link.fetches.erase(fid) > 0;
  link.knocking.erase(fid);
  drop_requests(link, fid);
  context.answer(address, FileClosed{fid, reason});
  flush(address, link, context);
  if (fetched) fetchers_changed({open.mapped(), fid}, context);
}

/// What all copies have together.
Bitfield Uploader::pieces_of(const Copies& copies) {
  Bitfield all = copies.front().pieces;
  for (std::size_t i = 1; i < copies.size(); ++i)
    copies[i].pieces.for_each([&](PieceIndex piece) { all.set(piece); });
  return all;
}

const Uploader::Copies* Uploader::copies(const Link& link, const Fid& fid) const {
  const auto open = link.open.find(fid);
  if (open == link.open.end()) return nullptr;
  const auto file = files_.find({open->second, fid});
  return file == files_.end() ? nullptr : &file->second;
}

const Uploader::Served* Uploader::copy_with(const Link& link, const RequestBlock& request) const {
  const Copies* all = copies(link, request.fid);
  if (all == nullptr) return nullptr;
  const auto copy = std::find_if(all->begin(), all->end(), [&](const Served& each) {
    return request.piece.value < each.pieces.size() && each.pieces.has(request.piece) &&
           request.offset + request.length <= each.layout.piece_size(request.piece);
  });
  return copy == all->end() ? nullptr : &*copy;
}

// --- the peers ------------------------------------------------------------------------------------------------

void Uploader::on(const LinkUp& up, Context& context) {
  const bool sealed = up.listener == sealed_door_.address;
  if (up.listener != door_->address && !sealed) return;
  if (links_.size() >= links_max) {
    log_warning(fmt::format("{} peers are served: {} has to wait", links_.size(), up.peer));
    context.close(up.link);
    return;
  }
  Link& link = links_[up.link];
  link.address = up.peer;
  link.key = up.key;
  link.sealed = sealed;
}

void Uploader::on(const LinkDown& down, Context& context) { forget(down.link, context); }

void Uploader::forget(Address address, Context& context) {
  // Reads that are under way come back to nobody: read_done() finds no link.
  const auto gone = links_.extract(address);
  std::erase(ring_, address);
  if (!gone) return;
  const Link& link = gone.mapped();
  if (link.pass) context.revoke_pass(sealed_door_.address, *link.pass);
  const bool has_another = std::any_of(links_.begin(), links_.end(),
                                       [&](const auto& each) { return each.second.client == link.client; });
  if (link.client && !has_another) admission_.forget(*link.client);
  for (const Fid& fid : link.fetches) fetchers_changed({link.open.at(fid), fid}, context);
}

bool Uploader::bears(Address from, Link& link, PeerPatience::Word word, Context& context) {
  if (link.patience.bears(word, context.now())) return true;
  log_warning(fmt::format("a peer at {} says too much at a time", link.address));
  context.close(from);
  forget(from, context);
  return false;
}

void Uploader::on(const PeerHello& hello, Context& context) {
  const auto link = links_.find(context.sender());
  if (link == links_.end() || !bears(link->first, link->second, PeerPatience::Word::small, context)) return;
  if (hello.version_min > peer_peer_version || hello.version_max < peer_peer_version_min) {
    context.reply(PeerUnwelcome{});
    return;
  }
  if (hello.client != ClientKey::from(link->second.key.view())) {
    log_warning(fmt::format("a peer at {} says hello in another one's name", link->second.address));
    context.close(context.sender());
    return forget(context.sender(), context);
  }
  // A new Hello is a new conversation: what was asked in the old one is not wanted any more.
  const std::size_t reading = link->second.reading;
  const UntakenBlocks sent = link->second.sent;
  const PeerPatience patience = link->second.patience;
  const LinkKey proven = link->second.key;
  const bool sealed = link->second.sealed;
  std::string from = std::move(link->second.address);
  const Link before = std::exchange(link->second, Link{});
  link->second.reading = reading;
  link->second.sent = sent;
  link->second.patience = patience;
  link->second.address = std::move(from);
  link->second.key = proven;
  link->second.sealed = sealed;
  link->second.client = hello.client;
  link->second.version = std::min(hello.version_max, peer_peer_version);
  std::erase(ring_, context.sender());
  context.reply(PeerWelcome{link->second.version, options_.client});
  if (before.pass) context.revoke_pass(sealed_door_.address, *before.pass);
  give_pass(link->second, context);
  for (const Fid& fid : before.fetches) fetchers_changed({before.open.at(fid), fid}, context);
}

void Uploader::on(const OpenFile& open, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end() || !bears(found->first, found->second, PeerPatience::Word::small, context))
    return;
  Link& link = found->second;
  const FileKey key{open.gid, open.fid};
  const auto known = link.open.find(open.fid);
  if (!link.client || !files_.contains(key)) {
    context.reply(FileClosed{open.fid, CloseReason::not_shared});
  } else if (known != link.open.end() && known->second == open.gid) {
    // What is open stays so until it is closed aloud: its requests count on that.
    context.reply(FileOpened{open.fid, pieces_of(files_.at(key)).bytes()});
  } else if (link.open.size() + link.knocking.size() >= files_a_link_max) {
    context.reply(FileClosed{open.fid, CloseReason::busy});
  } else if (admission_.admitted(open.gid, *link.client)) {
    open_file(context.sender(), link, key, context);
    look_at_tickets(context);  // it may have been a while since
  } else {
    link.open.erase(open.fid);
    link.fetches.erase(open.fid);
    drop_requests(link, open.fid);
    link.knocking[open.fid] = open.gid;
    link.knocked = context.now();
    if (!admission_.is_undecided(open.gid, *link.client))
      want_ticket(context.sender(), link, open.gid, context);
    look_at_tickets(context);
  }
}

void Uploader::open_file(Address address, Link& link, const FileKey& key, Context& context) {
  link.knocking.erase(key.second);
  link.open[key.second] = key.first;
  if (link.version >= 2) {
    link.fetches.insert(key.second);
    std::vector<ClientKey> fetchers = fetchers_of(key);
    if (!fetchers_changed(key, context) && fetchers.size() > 1 && !link.sealed) {
      tellings_[key].begun = true;
      context.answer(address, FileFetchers{key.second, std::move(fetchers)});
    }
  }
  context.answer(address, FileOpened{key.second, pieces_of(files_.at(key)).bytes()});
  context.send(others_.scheduler, FileWanted{key.first, key.second, *link.client});
}

/// Who has asked for blocks of a file, in the order of their keys.
std::vector<ClientKey> Uploader::fetchers_of(const FileKey& key) const {
  std::set<ClientKey> all;
  for (const auto& [address, link] : links_)
    if (link.fetches.contains(key.second) && link.open.at(key.second) == key.first) all.insert(*link.client);
  std::vector<ClientKey> named(all.begin(), all.end());
  named.resize(std::min(named.size(), fetchers_named_max));
  return named;
}

/// Somebody has begun to fetch a file, or fetches it no more. True if all who fetch it have heard of it now.
bool Uploader::fetchers_changed(const FileKey& key, Context& context) {
  if (!files_.contains(key)) return false;
  Telling& telling = tellings_[key];
  if (telling.due) return false;
  if (context.now() >= telling.quiet_until) return tell_fetchers(key, telling, context);
  telling.due = true;
  context.after(telling.quiet_until - context.now(), FetchersDue{key.first, key.second});
  return false;
}

void Uploader::on(const FetchersDue& due, Context& context) {
  const auto telling = tellings_.find({due.gid, due.fid});
  if (telling == tellings_.end() || !std::exchange(telling->second.due, false)) return;
  tell_fetchers(telling->first, telling->second, context);
}

bool Uploader::tell_fetchers(const FileKey& key, Telling& telling, Context& context) {
  std::vector<ClientKey> fetchers = fetchers_of(key);
  // One alone is told so only if it has heard of others.
  if (fetchers == telling.fetchers || (fetchers.size() < 2 && !telling.begun)) return false;
  telling.begun = true;
  int told = 0;
  for (const auto& [address, link] : links_) {
    if (link.sealed || !link.fetches.contains(key.second) || link.open.at(key.second) != key.first) continue;
    ++told;
    if (link.version >= 2) context.answer(address, FileFetchers{key.second, fetchers});
  }
  telling.fetchers = std::move(fetchers);
  telling.quiet_until = context.now() + told * tell_pause;
  return true;
}

void Uploader::on(const CloseFile& close, Context& context) {
  const auto link = links_.find(context.sender());
  if (link == links_.end() || !bears(link->first, link->second, PeerPatience::Word::small, context)) return;
  close_file(link->first, link->second, close.fid, CloseReason::asked, context);
}

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

void Uploader::let_in(const Gid& gid, Context& context) {
  for (auto& [address, link] : links_) {
    const std::map<Fid, Gid> knocking = link.knocking;
    for (const auto& [fid, group] : knocking)
      if (group == gid && admission_.admitted(gid, *link.client))
        open_file(address, link, {gid, fid}, context);
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

// --- requests ---------------------------------------------------------------------------------------------------

void Uploader::on(const RequestBlock& request, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end()) return;
  Link& link = found->second;
  if (copies(link, request.fid) == nullptr) return;  // FileClosed has answered it
  if (link.fetches.insert(request.fid).second)
    fetchers_changed({link.open.at(request.fid), request.fid}, context);
  if (link.waiting.size() >= requests_waiting_max) {
    if (!bears(found->first, link, PeerPatience::Word::small, context)) return;
    context.reply(RejectBlock{request.fid, request.piece, request.offset, RejectReason::busy});
    return;
  }
  Waiting waiting;
  waiting.request = request;
  if (copy_with(link, request) == nullptr) waiting.state = Waiting::State::rejected;
  link.waiting.push_back(std::move(waiting));
  enter_ring(context.sender(), link);
  flush(context.sender(), link, context);
  read_next(context);
}

void Uploader::on(const CancelBlock& cancel, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end() || !bears(found->first, found->second, PeerPatience::Word::small, context))
    return;
  for (Waiting& waiting : found->second.waiting) {
    const RequestBlock& request = waiting.request;
    if (waiting.state == Waiting::State::queued && request.fid == cancel.fid &&
        request.piece == cancel.piece && request.offset == cancel.offset) {
      waiting.state = Waiting::State::rejected;
      waiting.reason = RejectReason::cancelled;
    }
  }
  flush(context.sender(), found->second, context);
}

/// Requests of a file that is closed have had their answer. Those being read stay until the read comes back.
void Uploader::drop_requests(Link& link, const Fid& fid) {
  std::erase_if(link.waiting, [&](const Waiting& waiting) { return waiting.request.fid == fid; });
}

// --- reading and sending --------------------------------------------------------------------------------------

void Uploader::enter_ring(Address address, Link& link) {
  const bool queued = std::any_of(link.waiting.begin(), link.waiting.end(), [](const Waiting& waiting) {
    return waiting.state == Waiting::State::queued;
  });
  if (link.in_ring || !queued) return;
  link.in_ring = true;
  ring_.push_back(address);
}

void Uploader::read_next(Context& context) {
  RateLimiter::Round round = limiter_.look(context.now(), local_day_time(context.wall_time()));
  std::deque<Address> limited;  // they keep their turns
  if (sends_first_) allow_sends(round, context);
  // A link that may not read now (it has enough under way) comes back into the ring when one of its reads is done.
  while (reads_.size() < reads_max && !ring_.empty()) {
    const Address address = ring_.front();
    ring_.pop_front();
    Link& link = links_.at(address);
    link.in_ring = false;
    const std::size_t untaken = link.sent.bytes();
    if (untaken >= untaken_max || (untaken > 0 && untaken_.outstanding_bytes() >= untaken_by_all_max)) {
      // A queue in the system tells nobody that it has emptied: looked at now and then while somebody waits for it.
      if (!std::exchange(awaits_taking_, true)) context.after(taken_every, TakenDue{});
      continue;
    }
    if (link.reading >= reads_a_link) continue;
    const Turn turn = start_read(address, link, round, context);
    sends_first_ = sends_first_ || turn == Turn::taken;
    if (turn == Turn::taken) enter_ring(address, link);
    if (turn != Turn::limited) continue;
    link.in_ring = true;
    limited.push_back(address);
  }
  ring_.insert(ring_.begin(), limited.begin(), limited.end());
  allow_sends(round, context);
  limited_ = !limited.empty();
  context.cancel(limit_timer_);
  if (round.again_after()) limit_timer_ = context.after(*round.again_after(), LimitDue{});
}

/// Those that the limits let through. Groups do not wait for each other.
void Uploader::allow_sends(RateLimiter::Round& round, Context& context) {
  std::erase_if(sends_, [&](const Send& send) {
    if (!round.pass(send.what.group, send.what.bytes)) return false;
    sends_first_ = false;
    context.answer(send.asker, SendAllowed{send.what.tag});
    return true;
  });
}

void Uploader::on(const SendWanted& wanted, Context& context) {
  sends_.push_back({context.sender(), wanted});
  read_next(context);
}

void Uploader::on(const SendUnwanted& unwanted, Context& context) {
  std::erase_if(sends_, [&](const Send& send) {
    return send.asker == context.sender() && send.what.tag == unwanted.tag;
  });
}

void Uploader::on(const LimitDue&, Context& context) { read_next(context); }

void Uploader::on(const LimitsChanged& changed, Context& context) {
  limiter_.set(changed.limits);
  read_next(context);
}

void Uploader::on(const TakenDue&, Context& context) {
  awaits_taking_ = false;
  std::vector<Address> stuck;
  for (auto& [address, link] : links_) {
    if (link.sent.is_stuck(context.now())) stuck.push_back(address);
    enter_ring(address, link);
  }
  for (const Address address : stuck) {
    log_warning(fmt::format("{} takes nothing of what it is sent", links_.at(address).address));
    context.close(address);
    forget(address, context);
  }
  read_next(context);
}

/// Starts the next read of a link, if there is one and the limits let it through.
Uploader::Turn Uploader::start_read(Address address, Link& link, RateLimiter::Round& round,
                                    Context& context) {
  for (;;) {
    const auto next = std::find_if(link.waiting.begin(), link.waiting.end(), [](const Waiting& waiting) {
      return waiting.state == Waiting::State::queued;
    });
    if (next == link.waiting.end()) return Turn::nothing;
    const RequestBlock& request = next->request;
    if (const Served* copy = copy_with(link, request)) {
      if (!round.pass(copy->group, request.length)) return Turn::limited;
      next->state = Waiting::State::reading;
      next->tag = ++last_tag_;
      reads_.emplace(next->tag,
                     Read{address, {link.open.at(request.fid), request.fid}, copy->by, copy->path});
      ++link.reading;
      context.send(others_.storage,
                   ReadBlock{next->tag, copy->path, copy->layout.piece_offset(request.piece) + request.offset,
                             request.length, copy->identity});
      return Turn::taken;
    }
    // The copy that had it when it was asked for has gone.
    next->state = Waiting::State::rejected;
    flush(address, link, context);
  }
}

void Uploader::on(const BlockRead& read, Context& context) { read_done(read.tag, nullptr, context); }
void Uploader::on(const BlockUnreadable& unreadable, Context& context) {
  read_done(unreadable.tag, &unreadable, context);
}

void Uploader::read_done(std::uint64_t tag, const BlockUnreadable* fault, Context& context) {
  const auto entry = reads_.extract(tag);
  if (!entry) return;
  const Read& read = entry.mapped();
  if (const auto found = links_.find(read.link); found != links_.end()) {
    Link& link = found->second;
    --link.reading;
    const auto waiting = std::find_if(link.waiting.begin(), link.waiting.end(),
                                      [&](const Waiting& each) { return each.tag == tag; });
    if (waiting != link.waiting.end()) {
      if (fault == nullptr) {
        waiting->bytes = context.payload();
        waiting->read = true;
      } else {
        // Another copy may have it: start_read() looks again.
        waiting->state = Waiting::State::queued;
        waiting->tag = 0;
        lose_copy(read, *fault, context);
      }
      flush(read.link, link, context);
    }
    enter_ring(read.link, link);
  }
  read_next(context);
}

/// A copy that cannot be read, or is not what it was, is served no more.
void Uploader::lose_copy(const Read& read, const BlockUnreadable& fault, Context& context) {
  const auto file = files_.find(read.file);
  if (file == files_.end() || std::none_of(file->second.begin(), file->second.end(),
                                           [&](const Served& each) { return each.is(read.by, read.path); }))
    return;
  context.answer(read.by,
                 ServingFailed{read.file.first, read.file.second, read.path, fault.code, fault.sentence});
  stop_serving(read.file, read.by, read.path, CloseReason::file_changed, context);
}

void Uploader::flush(Address address, Link& link, Context& context) {
  while (!link.waiting.empty()) {
    Waiting& first = link.waiting.front();
    const RequestBlock& request = first.request;
    if (first.read) {
      link.rate.add({first.bytes.size()}, context.now());
      context.answer(address, Block{request.fid, request.piece, request.offset},
                     link.sent.sent(first.bytes, untaken_));
    } else if (first.state == Waiting::State::rejected) {
      context.answer(address, RejectBlock{request.fid, request.piece, request.offset, first.reason});
    } else {
      return;
    }
    link.waiting.pop_front();
  }
}

// --- diagnosis --------------------------------------------------------------------------------------------------

void Uploader::on(const DiagnoseShare& diagnose, Context& context) {
  ShareDiagnosed said{diagnose.command, {}};
  for (const auto& [key, copies] : files_)
    if (copies.front().group == diagnose.group && copies.front().file == diagnose.file)
      said.share = facts_of(key, copies, context);
  context.reply(said);
}

ShareFacts Uploader::facts_of(const FileKey& key, const Copies& copies, Context& context) const {
  ShareFacts facts;
  facts.pieces = copies.front().layout.piece_count();
  facts.pieces_served = pieces_of(copies).count();
  facts.limit = limiter_.rate(copies.front().group, local_day_time(context.wall_time()));
  facts.waits_for_limit = limited_ && facts.limit;
  std::map<ClientKey, LeecherFacts> leechers;  // over all of their links
  for (const auto& each : links_) {
    const Link& link = each.second;
    const auto wants = [&](const std::map<Fid, Gid>& files) {
      const auto wanted = files.find(key.second);
      return wanted != files.end() && wanted->second == key.first;
    };
    const bool admitted = wants(link.open);
    if (!admitted && !wants(link.knocking)) continue;
    const auto requests =
        std::count_if(link.waiting.begin(), link.waiting.end(),
                      [&](const Waiting& waiting) { return waiting.request.fid == key.second; });
    LeecherFacts& leecher = leechers[*link.client];
    leecher.client = *link.client;
    leecher.address = link.address;
    leecher.admitted = leecher.admitted || admitted;
    leecher.bytes_per_second += link.rate.bytes_per_second(context.now());
    leecher.requests += static_cast<std::uint32_t>(requests);
    leecher.untaken += ByteCount{link.sent.bytes()};
  }
  for (auto& each : leechers) facts.leechers.push_back(std::move(each.second));
  facts.reads = static_cast<std::uint32_t>(
      std::count_if(reads_.begin(), reads_.end(), [&](const auto& read) { return read.second.file == key; }));
  return facts;
}

void Uploader::check_invariants() const {
  ENSURE(links_.size() <= links_max && reads_.size() <= reads_max);
  for (const auto& [key, copies] : files_) {
    ENSURE(!copies.empty());
    for (const Served& copy : copies) ENSURE(!copy.is_whole() || copies.size() == 1);
  }
  for (const auto& each : links_) {
    const Address address = each.first;
    const Link& link = each.second;
    ENSURE(link.waiting.size() <= requests_waiting_max);
    ENSURE(link.open.size() + link.knocking.size() <= files_a_link_max);
    ENSURE(link.client || (link.open.empty() && link.knocking.empty()));
    for (const auto& [fid, gid] : link.knocking) ENSURE(files_.contains({gid, fid}));
    const auto in_ring = std::count(ring_.begin(), ring_.end(), address);
    ENSURE(in_ring == (link.in_ring ? 1 : 0));
    for (const auto& [fid, gid] : link.open) ENSURE(files_.contains({gid, fid}));
    for (const Fid& fid : link.fetches) ENSURE(link.open.contains(fid));
    for (const Waiting& waiting : link.waiting) ENSURE(link.open.contains(waiting.request.fid));
    const auto reading = std::count_if(reads_.begin(), reads_.end(),
                                       [&](const auto& read) { return read.second.link == address; });
    ENSURE(link.reading == static_cast<std::size_t>(reading));
  }
}

}  // namespace tutti
