#include "peer/orchestra/orch_peer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/orchestra/parts_number.hpp"

namespace tutti {

namespace {

constexpr Duration drain_looked_at_every = std::chrono::milliseconds(10);
constexpr Duration look_every = std::chrono::milliseconds(250);
constexpr Duration list_every = std::chrono::milliseconds(1000);
constexpr Duration guest_every = std::chrono::seconds(5);
/// A list of a million parts is 300 KB, and work for both sides.
constexpr Duration list_every_part = std::chrono::microseconds(10);

}  // namespace

OrchPeer::OrchPeer(OrchPeerOptions options, std::shared_ptr<const OrchShare> share, Ref<OrchDoorRole> door,
                   Ref<SchedulerRole> scheduler)
    : options_(std::move(options)),
      share_(std::move(share)),
      door_(door),
      scheduler_(scheduler),
      dial_pause_(options_.dial_again),
      parser_(share_->layout),
      window_(options_.request_limit),
      limit_(options_.request_limit) {}

// --- the connection -------------------------------------------------------------------------------------------

void OrchPeer::start(Context& context) {
  if (dialled()) return dial(context);
  link_ = options_.accepted;
  begin(context);
}

Farewell OrchPeer::stop(Context& context) {
  if (up_) context.send(door_, PeerAway{});
  // It may be the door that ends it.
  if (visits_ && !ended_)
    context.send(scheduler_, PeerLost{fmt::format("{} makes room", options_.endpoint), true});
  const bool is_cut = !up_ || ended_ || sent_.outstanding() == 0;
  ended_ = true;
  if (is_cut) return Farewell::now;
  stop_by_ = context.now() + drained_within;
  context.after(drain_looked_at_every, SentDue{});
  return Farewell::later;
}

void OrchPeer::on(const SentDue&, Context& context) {
  if (sent_.outstanding() == 0 || context.now() >= stop_by_) return context.goodbye();
  context.after(drain_looked_at_every, SentDue{});
}

void OrchPeer::dial(Context& context) {
  link_ = context.dial_stream<ByteStreamRole>(options_.endpoint, options_.from);
}

void OrchPeer::on(const DialDue&, Context& context) {
  if (!ended_ && !up_) dial(context);
}

void OrchPeer::on(const LinkUp& up, Context& context) {
  if (up.link != link_.address || ended_) return;
  dial_pause_ = options_.dial_again;
  begin(context);
  context.send(scheduler_, PeerReady{});
}

void OrchPeer::begin(Context& context) {
  up_ = true;
  heard_ = begun_ = context.now();
  spoken_ = false;
  parser_ = OrchParser(share_->layout);
  unasked_ = 0;
  asked_of_us_ = 0;
  refused_ = 0;
  tells_part_ = false;
  if (!fetches()) return;
  ask_for_list(context);
  look_later(context);
}

void OrchPeer::on(const LinkDown& down, Context& context) {
  if (down.link != link_.address || ended_) return;
  lose(fmt::format("{} {}", options_.endpoint, up_ ? "has gone" : "cannot be reached"), context);
}

/// The connection has ended, or is no good: another one is tried a while later.
void OrchPeer::lose(const std::string& sentence, Context& context) {
  context.close(link_.address);
  link_ = {};
  if (std::exchange(up_, false)) context.send(door_, PeerAway{});
  for (const Asked& asked : asked_) window_.dropped(asked.size, context.now());
  asked_.clear();
  coming_ = asked_.end();
  block_.clear();
  list_.reset();
  list_asked_ = piece_wanted_ = false;
  if (!dialled()) {
    ended_ = true;
    if (visits_) context.send(scheduler_, PeerLost{sentence, true});
    return context.goodbye();
  }
  context.send(scheduler_, PeerLost{sentence, false});
  context.after(dial_pause_, DialDue{});
  dial_pause_ = std::min(2 * dial_pause_, options_.dial_again_max);
}

/// The other side said what no member says.
void OrchPeer::accuse(const std::string& sentence, Context& context) {
  const std::string whole = fmt::format("{}: {}", options_.endpoint, sentence);
  if (!dialled() && !visits_) {
    log_warning(whole);
    return lose(whole, context);
  }
  ended_ = true;
  context.close(link_.address);
  context.send(door_, PeerAway{});
  context.send(scheduler_, PeerAtFault{whole});
  if (!dialled()) context.goodbye();
  asked_.clear();
  coming_ = asked_.end();
}

void OrchPeer::on(const StreamBytes&, Context& context) {
  if (context.sender() == link_.address) take(Payload(context.payload()), context);
}

void OrchPeer::on(const StreamCame&, Context& context) { take(Payload(context.payload()), context); }

void OrchPeer::on(const StreamOver&, Context& context) {
  if (!ended_) lose("it has gone", context);
}

void OrchPeer::say(std::string_view text, Context& context) {
  context.send(link_, StreamBytes{}, orch_payload(text));
}

void OrchPeer::look_later(Context& context) { context.after(look_every, LookDue{}); }

void OrchPeer::on(const LookDue&, Context& context) {
  if (ended_ || !up_) return;  // begun anew with the next connection
  look_later(context);
  if (!dialled() && !spoken_ && context.now() - begun_ >= options_.silence)
    return lose(fmt::format("{} has connected and says nothing", options_.endpoint), context);
  // Who has connected to us owes us nothing but what it was asked for.
  const bool owes = !asked_.empty() || (dialled() && list_asked_);
  if (owes && context.now() - heard_ >= options_.silence)
    return lose(fmt::format("{} says nothing", options_.endpoint), context);
  // One who has connected to us and had nothing may have something later.
  const bool may_visit = !dialled() && !visits_;
  if ((!lane_ && !may_visit) || list_asked_ || (list_ && list_->all())) return;
  const Duration pause = (may_visit                         ? guest_every
                          : piece_wanted_ && asked_.empty() ? look_every
                                                            : list_every) +
                         share_->layout.piece_count() * list_every_part;
  if (context.now() - list_asked_at_ >= pause) ask_for_list(context);
}

void OrchPeer::ask_for_list(Context& context) {
  list_asked_ = true;
  list_asked_at_ = context.now();
  say(orch_down(share_->name, share_->sha1), context);
}

// --- what the other side says ---------------------------------------------------------------------------------

void OrchPeer::take(const Payload& bytes, Context& context) {
  if (ended_ || !up_) return;
  heard_ = context.now();
  parser_.feed(bytes.view());
  for (;;) {
    const auto next = parser_.next();
    if (const auto* message = std::get_if<OrchMessage>(&next)) {
      spoken_ = true;
      take(*message, context);
    } else if (const auto* data = std::get_if<OrchData>(&next)) {
      take(*data, bytes, context);
    } else {
      break;
    }
    if (ended_ || !up_) return;
  }
  if (!parser_.fault().empty()) accuse(parser_.fault(), context);
}

bool OrchPeer::is_about_ours(const OrchMessage& message) const {
  return message.name == share_->name && message.sha1 == share_->sha1;
}

void OrchPeer::take(const OrchMessage& message, Context& context) {
  switch (message.word) {
    case OrchWord::send: return take_list(message, context);
    case OrchWord::strt: return begin_part({static_cast<std::uint32_t>(message.part - 1)}, context);
    case OrchWord::none: return take_refusal(message, context);
    case OrchWord::down:
    case OrchWord::part: return take_request(message, context);
  }
}

void OrchPeer::take_list(const OrchMessage& message, Context& context) {
  if (!is_about_ours(message)) return accuse("it sends the list of another file", context);
  // Reading one is work, and we ask for news ourselves.
  if (!std::exchange(list_asked_, false)) return;
  std::optional<Bitfield> list = from_parts_number(message.number, share_->layout.piece_count());
  if (!list) return accuse("its list of parts does not fit the file", context);
  list_ = std::move(list);
  if (!dialled() && !list_->none() && !std::exchange(visits_, true))
    context.answer(scheduler_.address,
                   PeerVisits{orch_client("visitor " + options_.endpoint), options_.endpoint});
  if (!lane_) return;
  context.send(scheduler_, LaneOpened{lane_->download, list_->bytes()});
  want_more(context);
}

void OrchPeer::take_refusal(const OrchMessage& message, Context& context) {
  if (message.part == 0) {
    list_asked_ = false;
    list_.reset();
    if (lane_) context.send(scheduler_, LaneClosed{lane_->download, CloseReason::not_shared});
    return;
  }
  const auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& each) {
    return each.what.piece.value == message.part - 1;
  });
  if (asked == asked_.end()) return;
  window_.dropped(asked->size, context.now());
  if (!asked->wanted.empty())
    context.send(scheduler_, PieceNotCome{asked->what.download, asked->what.piece, RejectReason::not_have});
  asked_.erase(asked);
  want_more(context);
}

void OrchPeer::take_request(const OrchMessage& message, Context& context) {
  const bool is_down = message.word == OrchWord::down;
  if (!is_about_ours(message) ||
      (!is_down && (message.part < 1 || message.part > share_->layout.piece_count()))) {
    // Nothing else limits what we say to somebody who does not listen.
    if (++refused_ > refused_max) return accuse("it asks for what is not shared here", context);
    return say(orch_none(share_->name, share_->sha1, is_down ? 0 : message.part), context);
  }
  if (is_down) return context.send(door_, ListAsked{options_.endpoint});
  if (++asked_of_us_ > asked_of_us_max) return accuse("it asks for more parts than anybody needs", context);
  context.send(door_, PartAsked{{static_cast<std::uint32_t>(message.part - 1)}});
}

// --- parts that come ------------------------------------------------------------------------------------------

void OrchPeer::begin_part(PieceIndex piece, Context& context) {
  block_.clear();
  coming_ = std::find_if(asked_.begin(), asked_.end(),
                         [&](const Asked& asked) { return asked.what.piece == piece; });
  if (coming_ != asked_.end()) {
    --unasked_;  // it may come a second time
  } else if (++unasked_ > unasked_max) {
    accuse("it sends parts that nobody has asked for", context);
  }
}

void OrchPeer::take(const OrchData& data, const Payload& bytes, Context& context) {
  if (coming_ == asked_.end()) return;
  const PieceLayout& layout = share_->layout;
  ByteView rest = data.bytes;
  ByteCount offset = data.offset;
  while (!rest.empty()) {
    const BlockIndex block{static_cast<std::uint32_t>(offset.value / block_size.value)};
    const auto length = static_cast<std::size_t>(layout.block_length(data.piece, block).value);
    const std::size_t taken = std::min(rest.size(), length - block_.size());
    if (taken == length) {
      use_block(block, Payload::hold(std::make_shared<const Payload>(bytes), rest.first(length)), context);
    } else {
      if (block_.empty()) block_.reserve(length);
      block_.insert(block_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
      if (block_.size() == length) use_block(block, Payload::own(std::exchange(block_, {})), context);
    }
    rest = rest.subspan(taken);
    offset += ByteCount{taken};
  }
  if (offset == coming_->size) end_part(context);
}

void OrchPeer::use_block(BlockIndex block, Payload bytes, Context& context) {
  Asked& asked = *coming_;
  if (asked.wanted.erase(block) == 0) return;
  const FetchPiece& what = asked.what;
  const Ref<HashVerifierRole> verifier{what.verifier};
  if (!std::exchange(asked.begun, true))
    context.send(verifier, BeginPiece{what.download, what.piece, what.attempt, what.sha1, what.sha256});
  const ByteCount length{bytes.size()};
  // The scheduler hears of the block before the verifier can say anything about its piece.
  context.send(scheduler_, BlockArrived{what.download, what.piece, what.attempt, block, length});
  context.send(verifier,
               StoreBlock{what.download, what.piece, what.attempt, block, context.now().time_since_epoch()},
               std::move(bytes));
  unstored_ += length;
}

void OrchPeer::end_part(Context& context) {
  window_.arrived(coming_->size, coming_->at, context.now());
  asked_.erase(coming_);
  coming_ = asked_.end();
  want_more(context);
}

// --- asking ---------------------------------------------------------------------------------------------------

void OrchPeer::on(const OpenLane& open, Context& context) {
  if (lane_) return;
  lane_ = open;
  if (!list_) return;
  context.send(scheduler_, LaneOpened{lane_->download, list_->bytes()});
  want_more(context);
}

void OrchPeer::on(const CloseLane& close, Context&) {
  if (!lane_ || lane_->download != close.download) return;
  lane_.reset();
  piece_wanted_ = false;
  for (Asked& asked : asked_) asked.wanted.clear();
}

bool OrchPeer::has_room() const {
  const ByteCount bytes = share_->layout.piece_length();
  return asked_.size() < asked_max && window_.may_ask(bytes) &&
         (window_.in_flight() + unstored_ + bytes <= limit_ + RequestWindow::least || unstored_.value == 0);
}

void OrchPeer::want_more(Context& context) {
  if (piece_wanted_ || !lane_is_open() || !has_room()) return;
  piece_wanted_ = true;
  context.send(scheduler_, PieceWanted{});
}

void OrchPeer::on(const FetchPiece& fetch, Context& context) {
  piece_wanted_ = false;
  // Without a lane it crossed with the news that nothing comes from here: those bring the piece back to others.
  if (lane_is_open() && lane_->download == fetch.download && !list_->has(fetch.piece)) {
    // The last list is shorter than one before.
    context.send(scheduler_, PieceNotCome{fetch.download, fetch.piece, RejectReason::not_have});
  } else if (lane_is_open() && lane_->download == fetch.download) {
    for (Asked& asked : asked_)
      if (asked.what.piece == fetch.piece) asked.wanted.clear();
    const ByteCount size = share_->layout.piece_size(fetch.piece);
    asked_.push_back({fetch, {fetch.blocks.begin(), fetch.blocks.end()}, size, context.now()});
    window_.asked(size, context.now());
    say(orch_part(share_->name, share_->sha1, fetch.piece), context);
  }
  want_more(context);
}

void OrchPeer::on(const CancelBlocks& cancel, Context&) {
  for (Asked& asked : asked_) {
    if (asked.what.piece != cancel.piece || asked.what.download != cancel.download) continue;
    if (cancel.blocks.empty()) asked.wanted.clear();
    for (const BlockIndex block : cancel.blocks) asked.wanted.erase(block);
  }
}

void OrchPeer::on(const LimitRequests& limit, Context& context) {
  limit_ = limit.bytes;
  window_.set_cap(limit.bytes);
  want_more(context);
}

void OrchPeer::on(const BlockStored& stored, Context& context) {
  ENSURE(unstored_ >= stored.bytes);
  unstored_ -= stored.bytes;
  want_more(context);
}

// A member has no limits.
void OrchPeer::on(const MeterRequests&, Context&) {}
void OrchPeer::on(const RequestAllowed&, Context&) {}

void OrchPeer::on(const ReportLane& report, Context& context) {
  LaneReported said;
  said.download = report.download;
  said.unwritten = unstored_;
  for (const Asked& asked : asked_)
    if (!asked.wanted.empty()) said.asked += asked.size;
  if (!asked_.empty()) said.silent = std::chrono::floor<std::chrono::milliseconds>(context.now() - heard_);
  context.reply(said);
}

// --- serving --------------------------------------------------------------------------------------------------

void OrchPeer::on(const ListTold&, Context& context) {
  if (!up_ || ended_) return;
  say(orch_send_head(share_->name, share_->sha1), context);
  context.send(link_, StreamBytes{}, context.payload());
  say("\r\n", context);
}

void OrchPeer::on(const PartTold& told, Context& context) {
  if (!up_ || ended_) return;
  if (!told.goes_on) {
    tells_part_ = asked_of_us_ > 0;  // else it is for the connection before this one
    if (!tells_part_) return;
    --asked_of_us_;
    say(orch_strt_head(share_->name, share_->sha1, told.part), context);
  }
  if (tells_part_) context.send(link_, StreamBytes{}, sent_.measured(context.payload()));
}

void OrchPeer::on(const PartRefused& refused, Context& context) {
  if (!up_ || ended_ || asked_of_us_ == 0) return;
  --asked_of_us_;
  // As in take_request: nothing else limits this.
  if (++refused_ > refused_max) return accuse("it asks again and again for what is not there", context);
  say(orch_none(share_->name, share_->sha1, std::uint64_t{refused.part.value} + 1), context);
}

void OrchPeer::check_invariants() const {
  ENSURE(asked_.size() <= asked_max && asked_of_us_ <= asked_of_us_max + 1);
  ENSURE(up_ || ended_ || asked_.empty());
  ByteCount in_flight;
  for (const Asked& asked : asked_) in_flight += asked.size;
  ENSURE(ended_ || in_flight == window_.in_flight());
  ENSURE(block_.size() < block_size.value);
}

}  // namespace tutti
