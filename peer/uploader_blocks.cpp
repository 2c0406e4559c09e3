#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "actors/observed.hpp"
#include "peer/uploader.hpp"

namespace tutti {

// --- requests ---------------------------------------------------------------------------------------------------

void Uploader::on(const RequestBlock& request, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end()) return;
  Link& link = found->second;
  if (link.knocking.contains(request.fid)) {
    // Who came in by a pass counts on being let in, and asks at once.
    if (!bears(found->first, link, PeerPatience::Word::small, context)) return;
    context.reply(RejectBlock{request.fid, request.piece, request.offset, RejectReason::busy});
    return;
  }
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
  tell_request_length(copies(link, request.fid)->front().group, context);
  enter_ring(context.sender(), link);
  flush(context.sender(), link, context);
  read_next(context);
}

void Uploader::on(const CancelBlock& cancel, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end() || !bears(found->first, found->second, PeerPatience::Word::small, context))
    return;
  bool answers_come_before = false;  // to the same request
  std::erase_if(found->second.waiting, [&](Waiting& waiting) {
    const RequestBlock& request = waiting.request;
    if (request.fid != cancel.fid || request.piece != cancel.piece || request.offset != cancel.offset)
      return false;
    if (waiting.state == Waiting::State::queued) {
      waiting.state = Waiting::State::rejected;
      waiting.reason = RejectReason::cancelled;
      if (!answers_come_before)
        context.reply(RejectBlock{request.fid, request.piece, request.offset, RejectReason::cancelled});
      return !answers_come_before;
    }
    answers_come_before = true;
    return false;
  });
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
  look_at_line(context);
  while (reads_.size() < reads_max && !ring_.empty()) {
    // A queue in the system tells nobody that it has emptied: looked at now and then while somebody waits for it.
    const auto look_again = [&] {
      if (!std::exchange(awaits_taking_, true)) context.after(line_.look_again(), TakenDue{});
    };
    auto speeds_up = ring_.end();
    if (!line_has_room() && (speeds_up = to_speed_up()) == ring_.end()) {
      line_.held_up();
      look_again();
      break;
    }
    const Address address = speeds_up == ring_.end() ? next_in_ring() : take_turn(speeds_up);
    Link& link = links_.at(address);
    link.in_ring = false;
    if (is_full(link)) {
      look_again();
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

ByteCount Uploader::request_length(const GroupName& group, Context& context) const {
  if (!limiter_.concerns(group)) return block_size_max;
  return RateLimiter::portion_at(limiter_.rate(group, local_day_time(context.wall_time())));
}

/// Tells those who fetch in a group, if it is another one than they have been told.
void Uploader::tell_request_length(const GroupName& group, Context& context) {
  const ByteCount now = request_length(group, context);
  const auto told = request_lengths_.find(group);
  if (now == (told == request_lengths_.end() ? block_size_max : told->second)) return;
  if (now == block_size_max) {
    request_lengths_.erase(told);
  } else {
    request_lengths_[group] = now;
  }
  for (const auto& [address, link] : links_) {
    if (link.sealed || link.version < 4) continue;
    for (const auto& [fid, gid] : link.open)
      if (files_.at({gid, fid}).front().group == group) context.answer(address, RequestLength{fid, now});
  }
}

void Uploader::look_at_line(Context& context) {
  const Instant now = context.now();
  const bool asks = now - asked_system_ >= asks_system_every;
  if (asks) asked_system_ = now;
  ByteCount untaken{observed(context, untaken_.outstanding_bytes())};
  ByteCount taken;
  for (const Address address : sending_) {
    Link& link = links_.at(address);
    if (asks) link.outflow = context.outflow(address);
    const ByteCount unsent{link.outflow ? link.outflow->unsent : 0};
    untaken += unsent;
    taken += link.share.look(ByteCount{observed(context, link.sent.bytes())} + unsent,
                             link.outflow ? std::optional(link.outflow->confirmed) : std::nullopt, now);
  }
  line_.look(untaken, taken, now);
  std::erase_if(sending_, [&](Address address) { return links_.at(address).share.untaken().value == 0; });
  claimed_ = {};
  const std::uint64_t part = line_.carries() / std::max<std::size_t>(1, sending_.size());
  for (const Address address : sending_) claimed_ += links_.at(address).share.claim(part, now);
}

bool Uploader::line_has_room() const {
  const std::uint64_t under_way = claimed_.value + reads_.size() * block_size_max.value;
  return under_way + block_size_max.value <= line_.size().value;
}

/// True if nothing is to be read for it, though the line has room.
bool Uploader::is_full(const Link& link) const {
  const ByteCount untaken = link.share.untaken();
  return untaken.value >= untaken_max || (untaken.value > 0 && line_.untaken().value >= untaken_by_all_max);
}

/// While all that is on its way goes to one client: a link of his over which nothing goes yet.
Uploader::Ring::iterator Uploader::to_speed_up() {
  std::optional<ClientKey> only;
  const auto is_his = [&](Address address) {
    const auto link = links_.find(address);
    if (link == links_.end()) return true;
    if (!only) only = link->second.client;
    return link->second.client == only;
  };
  if (!std::all_of(sending_.begin(), sending_.end(), is_his) ||
      !std::all_of(reads_.begin(), reads_.end(), [&](const auto& read) { return is_his(read.second.link); }))
    return ring_.end();
  const auto found = std::find_if(ring_.begin(), ring_.end(), [&](Address address) {
    const Link& link = links_.at(address);
    return link.client == only && link.share.untaken().value == 0 && link.reading == 0;
  });
  if (found != ring_.end()) put_best_first(links_.at(*found));
  return found;
}

/// Takes whose request is answered next out of the ring, with that request before its others. Where a limit holds, that is
/// somebody who has had the least.
Address Uploader::next_in_ring() {
  auto best = ring_.begin();
  std::optional<HandOut::Rank> best_rank;
  const bool limited = limiter_.limits_anything();
  const bool turn = !limited && ++choices_ % by_turn == 0;
  for (auto each = ring_.begin(); each != ring_.end() && (!turn || !best_rank); ++each) {
    Link& link = links_.at(*each);
    if (is_full(link) || link.reading >= reads_a_link) continue;
    const std::optional<HandOut::Rank> rank = put_best_first(link);
    if (!rank) continue;
    const auto had_less = [&](const Link& one, const Link& other) {
      return limited && turns_.comes_before(*one.client, *other.client);
    };
    if (best_rank &&
        (had_less(links_.at(*best), link) || (!had_less(link, links_.at(*best)) && *best_rank <= *rank)))
      continue;
    best = each;
    best_rank = rank;
  }
  return take_turn(best);
}

Address Uploader::take_turn(const Ring::iterator& whose) {
  const Address address = *whose;
  ring_.erase(whose);
  return address;
}

/// Of the queued requests of a link the one that goes first, which is put there. None overtakes a rejection: that may be
/// of the same block, asked for before.
std::optional<HandOut::Rank> Uploader::put_best_first(Link& link) const {
  const auto is = [](Waiting::State state) {
    return [state](const Waiting& each) { return each.state == state; };
  };
  const auto first = std::find_if(link.waiting.begin(), link.waiting.end(), is(Waiting::State::queued));
  const auto end = std::find_if(first, link.waiting.end(), is(Waiting::State::rejected));
  auto best = end;
  std::optional<HandOut::Rank> best_rank;
  // Mostly all are of one file.
  const Fid* looked_up = nullptr;
  const HandOut* hand_out = nullptr;
  const HandOut::Leecher* leecher = nullptr;
  for (auto each = first; each != end; ++each) {
    if (each->state != Waiting::State::queued) continue;
    const Fid& fid = each->request.fid;
    if (looked_up == nullptr || *looked_up != fid) {
      looked_up = &fid;
      const auto known = hand_outs_.find({link.open.at(fid), fid});
      hand_out = known == hand_outs_.end() ? nullptr : &known->second;
      leecher = hand_out == nullptr ? nullptr : &hand_out->leecher(*link.client);
    }
    const HandOut::Rank rank =
        hand_out == nullptr ? HandOut::Rank{} : hand_out->rank(*leecher, each->request.piece);
    if (best_rank && *best_rank <= rank) continue;
    best = each;
    best_rank = rank;
  }
  if (best_rank) std::rotate(first, best, best + 1);
  return best_rank;
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
  std::set<GroupName> groups;
  for (const auto& [key, known] : files_) groups.insert(known.front().group);
  for (const GroupName& group : groups) tell_request_length(group, context);
  read_next(context);
}

void Uploader::on(const TakenDue&, Context& context) {
  awaits_taking_ = false;
  std::vector<Address> stuck;
  for (auto& [address, link] : links_) {
    const std::size_t waits = observed(context, link.sent.bytes());
    const std::uint64_t confirmed = waits > 0 && link.outflow ? link.outflow->confirmed : 0;
    if (link.sent.is_stuck(waits, confirmed, context.now())) stuck.push_back(address);
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
      if (limiter_.limits_anything()) turns_.served(*link.client, request.length.value, 1);
      next->state = Waiting::State::reading;
      next->tag = ++last_tag_;
      const FileKey key{link.open.at(request.fid), request.fid};
      hand_outs_.try_emplace(key, copy->layout.piece_count())
          .first->second.gave(*link.client, request.piece, copy->layout.block_count(request.piece));
      places_.at(key).gave(*link.client, request.length, context.now());
      reads_.emplace(next->tag, Read{address, key, copy->by, copy->path});
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
      // What was confirmed before is no part of this.
      if (link.share.untaken().value == 0) link.outflow = context.outflow(address);
      line_.sent({first.bytes.size()});
      link.share.sent({first.bytes.size()}, context.now());
      sending_.insert(address);
      context.answer(address, Block{request.fid, request.piece, request.offset},
                     link.sent.sent(first.bytes, untaken_, observed(context, link.sent.bytes())));
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
    leecher.untaken += ByteCount{observed(context, link.sent.bytes())};
    leecher.sealed = leecher.sealed || link.sealed;
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
  for (const Address address : sending_) ENSURE(links_.contains(address));
  for (const auto& [key, hand_out] : hand_outs_) ENSURE(files_.contains(key));
  for (const auto& [key, places] : places_) ENSURE(files_.contains(key));
  std::map<FileKey, std::set<ClientKey>> fetchers;
  for (const auto& each : links_) {
    const Address address = each.first;
    const Link& link = each.second;
    ENSURE(link.waiting.size() <= requests_waiting_max);
    ENSURE(link.open.size() + link.knocking.size() <= files_a_link_max);
    ENSURE(link.client || (link.open.empty() && link.knocking.empty()));
    for (const auto& [fid, gid] : link.knocking) ENSURE(files_.contains({gid, fid}));
    const auto in_ring = std::count(ring_.begin(), ring_.end(), address);
    ENSURE(in_ring == (link.in_ring ? 1 : 0));
    for (const auto& [fid, gid] : link.open) {
      ENSURE(files_.contains({gid, fid}));
      fetchers[{gid, fid}].insert(*link.client);
    }
    for (const Fid& fid : link.fetches) ENSURE(link.open.contains(fid));
    for (const Waiting& waiting : link.waiting) ENSURE(link.open.contains(waiting.request.fid));
    const auto reading = std::count_if(reads_.begin(), reads_.end(),
                                       [&](const auto& read) { return read.second.link == address; });
    ENSURE(link.reading == static_cast<std::size_t>(reading));
  }
  for (const auto& [key, clients] : fetchers)
    ENSURE(places_.contains(key) && clients.size() <= places_.at(key).taken());
}

}  // namespace tutti
