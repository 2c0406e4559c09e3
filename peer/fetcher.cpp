#include "peer/fetcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "peer/bitfield.hpp"

namespace tutti {

namespace {

/// A little below what a server lets wait, so that cancelled requests that it still has do not make it refuse one.
constexpr std::size_t asked_max = requests_waiting_max - 8;
/// With so much a new connection can speed up for some rounds.
constexpr ByteCount kept_for_sealed_max{2 * block_size.value};

}  // namespace

Fetcher::Fetcher(FetcherOptions options, Ref<SchedulerRole> scheduler)
    : options_(std::move(options)),
      scheduler_(scheduler),
      window_(options_.request_limit),
      limit_(options_.request_limit) {}

void Fetcher::start(Context& context) { link_ = dial(context); }

// --- the link -------------------------------------------------------------------------------------------------

Ref<ServingPeerRole> Fetcher::dial(Context& context) const {
  return context.connect<ServingPeerRole>(options_.endpoint, LinkKey::from(options_.expected.view()));
}

Ref<ServingPeerRole> Fetcher::dial_sealed(Context& context) const {
  const std::string host = options_.endpoint.substr(0, options_.endpoint.rfind(':'));
  return context.connect_sealed<ServingPeerRole>(fmt::format("{}:{}", host, sealed_door_->port),
                                                 LinkKey::from(options_.expected.view()),
                                                 {sealed_door_->pass, sealed_door_->secret});
}

/// The peer hears what is said over the first link, whether it has answered the greeting already or not.
bool Fetcher::converses() const { return state_ == State::greeting || state_ == State::ready; }

bool Fetcher::from_peer(Context& context) const {
  return state_ == State::ready && context.sender() == link_.address;
}

void Fetcher::on(const LinkUp& up, Context& context) {
  const PeerHello hello{peer_fetching_version_min, peer_peer_version, options_.self};
  if (Side* side = side_of(up.link)) {
    side->greeted = true;
    context.send(side->link, hello);
    for (const auto& [id, lane] : lanes_)
      if (lane.opened) open_on_side(*side, lane, context);
    return ask_for_more(context);
  }
  if (up.link != link_.address || state_ == State::ended) return;
  state_ = State::greeting;
  greeted_ = context.now();
  ++conversation_;
  context.send(link_, hello);
  context.after(options_.greeting_patience, PeerGreetingOverdue{conversation_});
  for (const auto& [gid, ticket] : tickets_) context.send(link_, ShowTicket{ticket});
  for (auto& [id, lane] : lanes_) open(lane, context);
}

void Fetcher::on(const PeerGreetingOverdue& overdue, Context& context) {
  if (state_ != State::greeting || overdue.conversation != conversation_) return;
  context.close(link_.address);
  state_ = State::connecting;
  drop_all(context);
  link_ = dial(context);
  context.send(scheduler_, PeerLost{fmt::format("{} does not answer", options_.endpoint), false});
}

void Fetcher::on(const PeerWelcome& welcome, Context& context) {
  if (side_of(context.sender()) != nullptr) {
    if (welcome.client != options_.expected) drop_side(context.sender(), context);
    return;
  }
  if (state_ != State::greeting || context.sender() != link_.address) return;
  if (welcome.client != options_.expected) {
    end(context);
    context.send(scheduler_, PeerLost{fmt::format("{} is another client now", options_.endpoint), true});
    return;
  }
  state_ = State::ready;
  window_.greeted(context.now() - greeted_);
  context.send(scheduler_, PeerReady{});
}

void Fetcher::on(const SealedDoor& door, Context& context) {
  if (!from_peer(context) || sealed_door_) return;
  sealed_door_ = door;
  sides_.push_back({dial_sealed(context), true});
}

void Fetcher::on(const PeerUnwelcome&, Context& context) {
  if (side_of(context.sender()) != nullptr) return drop_side(context.sender(), context);
  if (context.sender() != link_.address) return;
  end(context);
  context.send(scheduler_,
               PeerLost{fmt::format("{} speaks another version of the protocol", options_.endpoint), true});
}

void Fetcher::on(const LinkDown& down, Context& context) {
  const bool side = side_of(down.link) != nullptr;
  if ((down.link != link_.address && !side) || state_ == State::ended) return;
  if (down.loss == LinkLoss::misbehaved)
    return accuse(fmt::format("{} sends what is no message", options_.endpoint), context);
  if (side) {
    lose_side(*side_of(down.link), context);
    return ask_for_more(context);
  }
  state_ = State::connecting;
  drop_all(context);
  context.send(scheduler_, PeerLost{fmt::format("{} cannot be reached", options_.endpoint), false});
}

void Fetcher::drop_all(Context& context) {
  for (const Asked& asked : asked_) window_.dropped(asked.what.length, context.now());
  asked_.clear();
  drop_sides(context);
  sealed_door_.reset();
  assignments_.clear();
  order_.clear();
  closing_.clear();
  piece_wanted_ = false;
  for (auto& [id, lane] : lanes_) {
    lane.opened = lane.asked = lane.waits_for_limit = false;
    lane.request_max = block_size_max;
  }
}

void Fetcher::accuse(std::string sentence, Context& context) {
  end(context);
  context.send(scheduler_, PeerAtFault{std::move(sentence)});
}

void Fetcher::end(Context& context) {
  state_ = State::ended;
  drop_all(context);
  context.close(link_.address);
}

// --- further links ----------------------------------------------------------------------------------------------

Fetcher::Side* Fetcher::side_of(Address link) {
  const auto found =
      std::find_if(sides_.begin(), sides_.end(), [&](const Side& side) { return side.link.address == link; });
  return found == sides_.end() ? nullptr : &*found;
}

std::size_t Fetcher::count_sides(bool sealed) const {
  return static_cast<std::size_t>(
      std::count_if(sides_.begin(), sides_.end(), [&](const Side& side) { return side.sealed == sealed; }));
}

/// As many as the way takes. They are kept, since a way that was fast may be so again.
void Fetcher::open_sides(Context& context) {
  const std::size_t links = window_.links(context.now());
  const bool sealed =
      std::any_of(sides_.begin(), sides_.end(), [](const Side& side) { return side.sealed && side.greeted; });
  if (sealed) {
    while (count_sides(true) < links) sides_.push_back({dial_sealed(context), true});
  } else {
    while (count_sides(false) + 1 < links) sides_.push_back({dial(context)});
  }
}

/// Of the window, while there is a sealed door and nothing can be asked for behind it yet.
ByteCount Fetcher::kept_for_sealed() const {
  const auto stands = [](const Side& side) { return side.sealed && !side.opened.empty(); };
  if (!sealed_door_ || std::any_of(sides_.begin(), sides_.end(), stands)) return {};
  // Whole blocks: where few are under way at a time none can be spared, for a port that may never be reached.
  const std::uint64_t spare = window_.size().value / 4 / block_size.value;
  return std::min(kept_for_sealed_max, ByteCount{spare * block_size.value});
}

/// A further link does not stand any more.
void Fetcher::lose_side(Side& side, Context& context) {
  if (!side.sealed) return drop_side(side.link.address, context);
  side.greeted = false;
  side.opened.clear();
  side.closing.clear();
  ask_anew([&](const Asked& asked) { return asked.link == side.link.address; }, context);
}

void Fetcher::drop_side(Address link, Context& context) {
  context.close(link);
  std::erase_if(sides_, [&](const Side& side) { return side.link.address == link; });
  ask_anew([&](const Asked& asked) { return asked.link == link; }, context);
}

/// The answers to these do not come.
template <class Is>
void Fetcher::ask_anew(Is is, Context& context) {
  for (const Asked& asked : asked_)
    if (is(asked)) ask_again(asked);
  std::erase_if(asked_, [&](const Asked& asked) {
    const bool gone = is(asked);
    if (gone) window_.dropped(asked.what.length, context.now());
    return gone;
  });
}

void Fetcher::drop_sides(Context& context) {
  for (const Side& side : sides_) context.close(side.link.address);
  sides_.clear();
}

/// Puts a block back among those to be asked for.
void Fetcher::ask_again(const Asked& asked) {
  const PieceKey key{asked.download, asked.piece};
  const auto found = assignments_.find(key);
  if (asked.cancelled || found == assignments_.end()) return;
  --found->second.asked;
  if (found->second.to_ask.empty()) order_.push_front(key);
  found->second.to_ask.push_front(asked.what);
}

/// Over the first link it is open: so it is asked for at once.
void Fetcher::open_on_side(Side& side, const Lane& lane, Context& context) {
  context.send(side.link, OpenFile{lane.what.gid, lane.what.fid});
  side.opened.insert(lane.what.fid);
}

void Fetcher::on_side(Side& side, const FileClosed& closed, Context& context) {
  const auto closing = side.closing.find(closed.fid);
  if (closing == side.closing.end() && side.sealed) {
    side.opened.erase(closed.fid);
    ask_anew([&](const Asked& asked) { return asked.link == side.link.address && asked.fid == closed.fid; },
             context);
  } else if (closing == side.closing.end()) {
    drop_side(side.link.address, context);
  } else {
    if (closed.reason != CloseReason::asked) return;
    if (--closing->second == 0) side.closing.erase(closing);
    // It answers what was asked for before that CloseFile, and nothing that was asked for since.
    std::erase_if(asked_, [&](Asked& asked) {
      if (asked.fid != closed.fid || asked.link != side.link.address || asked.closes == 0) return false;
      if (--asked.closes > 0) return false;
      window_.dropped(asked.what.length, context.now());
      return true;
    });
  }
  ask_for_more(context);
}

/// The link with the least under way, of those over which this file can be had: sealed ones, if there are any.
Ref<ServingPeerRole> Fetcher::link_for(const Fid& fid) const {
  std::map<Address, std::uint64_t> under_way;
  for (const Asked& asked : asked_) under_way[asked.link] += asked.what.length.value;
  Ref<ServingPeerRole> best = link_;
  bool best_sealed = false;
  for (const Side& side : sides_) {
    if (!side.opened.contains(fid) || (best_sealed && !side.sealed)) continue;
    if (side.sealed == best_sealed && under_way[side.link.address] >= under_way[best.address]) continue;
    best = side.link;
    best_sealed = side.sealed;
  }
  return best;
}

// --- lanes ----------------------------------------------------------------------------------------------------

void Fetcher::on(const OpenLane& what, Context& context) {
  const auto [lane, is_new] =
      lanes_.try_emplace(what.download, Lane{what, PieceLayout(what.size, what.piece_length)});
  if (converses() && !lane->second.opened && !lane->second.asked) open(lane->second, context);
}

void Fetcher::open(Lane& lane, Context& context) {
  lane.asked = true;
  context.send(link_, OpenFile{lane.what.gid, lane.what.fid});
}

void Fetcher::on(const HoldTicket& hold, Context& context) {
  tickets_[hold.ticket.gid] = hold.ticket;
  if (converses()) context.send(link_, ShowTicket{hold.ticket});
}

void Fetcher::on(const TicketWanted& wanted, Context& context) {
  if (from_peer(context) && std::any_of(lanes_.begin(), lanes_.end(),
                                        [&](const auto& each) { return each.second.what.gid == wanted.gid; }))
    context.send(scheduler_, TicketRefused{wanted.gid});
}

void Fetcher::on(const CloseLane& close, Context& context) {
  const auto lane = lanes_.find(close.download);
  if (lane == lanes_.end()) return;
  const Fid fid = lane->second.what.fid;
  if (converses()) {
    context.send(link_, CloseFile{fid});
    ++closing_[fid];
    for (Side& side : sides_) {
      if (!side.greeted) continue;
      context.send(side.link, CloseFile{fid});
      side.opened.erase(fid);
      const unsigned closes = ++side.closing[fid];
      for (Asked& asked : asked_)
        if (asked.link == side.link.address && asked.fid == fid && asked.closes == 0) asked.closes = closes;
    }
  }
  lanes_.erase(lane);
  std::erase_if(assignments_, [&](const auto& each) { return each.first.first == close.download; });
  std::erase_if(order_, [&](const PieceKey& key) { return key.first == close.download; });
  for (Asked& asked : asked_)
    if (asked.download == close.download) asked.cancelled = true;
  ask_for_more(context);
}

Fetcher::Lane* Fetcher::lane_of(const Fid& fid) {
  const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                  [&](const auto& each) { return each.second.what.fid == fid; });
  return found == lanes_.end() ? nullptr : &found->second;
}

void Fetcher::on(const FileOpened& opened, Context& context) {
  if (!from_peer(context) || closing_.contains(opened.fid)) return;
  Lane* lane = lane_of(opened.fid);
  if (lane == nullptr) return;  // closed meanwhile
  if (!Bitfield::parse(opened.bitfield, lane->layout.piece_count()))
    return accuse(fmt::format("{} sends a bitfield that does not fit the file", options_.endpoint), context);
  lane->opened = true;
  lane->asked = false;
  context.send(scheduler_, LaneOpened{lane->what.download, opened.bitfield});
  for (Side& side : sides_)
    if (side.greeted && !side.opened.contains(opened.fid)) open_on_side(side, *lane, context);
  ask_for_more(context);
}

void Fetcher::on(const FileClosed& closed, Context& context) {
  if (Side* side = side_of(context.sender())) return on_side(*side, closed, context);
  if (!from_peer(context)) return;
  const auto closing = closing_.find(closed.fid);
  const bool earlier = closing != closing_.end();  // of a lane that is not there any more
  if (earlier && closed.reason == CloseReason::asked && --closing->second == 0) closing_.erase(closing);
  Lane* lane = earlier ? nullptr : lane_of(closed.fid);
  // Whatever was asked for of this file until now is answered by this.
  drop_lane_work(lane == nullptr ? DownloadId{} : lane->what.download, closed.fid, context);
  if (lane != nullptr) {
    lane->opened = lane->asked = false;
    context.send(scheduler_, LaneClosed{lane->what.download, closed.reason});
  }
  ask_for_more(context);
}

void Fetcher::drop_lane_work(DownloadId download, const Fid& fid, Context& context) {
  // What was asked for over another link may be on its way still.
  for (Asked& asked : asked_)
    if (asked.fid == fid) asked.cancelled = true;
  std::erase_if(asked_, [&](const Asked& asked) {
    const bool answered = asked.fid == fid && asked.link == link_.address;
    if (answered) window_.dropped(asked.what.length, context.now());
    return answered;
  });
  std::erase_if(assignments_, [&](const auto& each) { return each.first.first == download; });
  std::erase_if(order_, [&](const PieceKey& key) { return key.first == download; });
}

void Fetcher::on(const Have& have, Context& context) {
  if (!from_peer(context) || closing_.contains(have.fid)) return;
  const Lane* lane = lane_of(have.fid);
  if (lane == nullptr || !lane->opened) return;
  if (have.piece.value >= lane->layout.piece_count())
    return accuse(fmt::format("{} says it has a piece that there is not", options_.endpoint), context);
  context.send(scheduler_, PeerHas{lane->what.download, have.piece});
}

void Fetcher::on(const FileFetchers& fetchers, Context& context) {
  if (!from_peer(context) || closing_.contains(fetchers.fid)) return;
  if (const Lane* lane = lane_of(fetchers.fid))
    context.send(scheduler_, LaneFetchers{lane->what.download, fetchers.clients});
}

// --- asking ---------------------------------------------------------------------------------------------------

void Fetcher::on(const FetchPiece& fetch, Context& context) {
  piece_wanted_ = false;
  const auto lane = lanes_.find(fetch.download);
  if (state_ != State::ready || lane == lanes_.end() || !lane->second.opened) {
    // It crossed with the news that nothing comes from here: those bring the piece back to others.
    return ask_for_more(context);
  }
  const PieceKey key{fetch.download, fetch.piece};
  Assignment assignment;
  assignment.what = fetch;
  for (const BlockIndex block : fetch.blocks)
    assignment.to_ask.push_back({block, {}, lane->second.layout.block_length(fetch.piece, block)});
  cancel_asked(key, {}, context);
  std::erase(order_, key);
  assignments_.insert_or_assign(key, std::move(assignment));
  order_.push_back(key);
  ask_for_more(context);
}

void Fetcher::on(const CancelBlocks& cancel, Context& context) {
  const PieceKey key{cancel.download, cancel.piece};
  const auto found = assignments_.find(key);
  if (found == assignments_.end()) return;
  cancel_asked(key, cancel.blocks, context);
  if (cancel.blocks.empty()) {
    found->second.to_ask.clear();
  } else {
    for (const BlockIndex block : cancel.blocks)
      std::erase_if(found->second.to_ask, [&](const Stretch& each) { return each.block == block; });
  }
  settle(key);
  ask_for_more(context);
}

/// Takes back the requests for these blocks of a piece; none named: for all. What has come of them does not count.
void Fetcher::cancel_asked(const PieceKey& key, const std::vector<BlockIndex>& blocks, Context& context) {
  const auto assignment = assignments_.find(key);
  if (assignment != assignments_.end())
    std::erase_if(assignment->second.blocks, [&](const auto& each) {
      return blocks.empty() || std::find(blocks.begin(), blocks.end(), each.first) != blocks.end();
    });
  for (Asked& asked : asked_) {
    if (asked.cancelled || PieceKey{asked.download, asked.piece} != key) continue;
    if (!blocks.empty() && std::find(blocks.begin(), blocks.end(), asked.what.block) == blocks.end())
      continue;
    asked.cancelled = true;
    if (assignment != assignments_.end()) --assignment->second.asked;
    context.answer(asked.link, CancelBlock{asked.fid, asked.piece, asked.offset()});
  }
}

/// Forgets a piece of which nothing more is to come.
void Fetcher::settle(const PieceKey& key) {
  const auto found = assignments_.find(key);
  if (found == assignments_.end() || !found->second.to_ask.empty()) return;
  std::erase(order_, key);
  if (found->second.asked == 0) assignments_.erase(found);
}

void Fetcher::on(const LimitRequests& limit, Context& context) {
  limit_ = limit.bytes;
  window_.set_cap(limit.bytes);
  ask_for_more(context);
}

void Fetcher::on(const BlockStored& stored, Context& context) {
  ENSURE(unstored_ >= stored.bytes);
  unstored_ -= stored.bytes;
  ask_for_more(context);
}

bool Fetcher::has_room(ByteCount bytes) const {
  return state_ == State::ready && asked_.size() < asked_max && window_.may_ask(bytes + kept_for_sealed()) &&
         (window_.in_flight() + unstored_ + bytes <= limit_ + RequestWindow::least || unstored_.value == 0);
}

void Fetcher::ask_for_more(Context& context) {
  while (ask_next(context)) {
  }
  const bool any_open =
      std::any_of(lanes_.begin(), lanes_.end(), [](const auto& each) { return each.second.opened; });
  if (piece_wanted_ || busy_ || !order_.empty() || !any_open || !has_room(block_size)) return;
  piece_wanted_ = true;
  context.send(scheduler_, PieceWanted{});
}

/// Asks for the next block, or a part of it, of the first piece for which one may be asked.
bool Fetcher::ask_next(Context& context) {
  for (const PieceKey& key : order_) {
    Lane& lane = lanes_.at(key.first);
    ByteCount length = std::min(assignments_.at(key).to_ask.front().length, lane.request_max);
    if (!has_room(length)) return false;
    length = allowed(lane, length, context);
    if (length.value == 0) continue;
    ask(PieceKey(key), length, context);
    return true;
  }
  return false;
}

/// How much of `length` may be asked for now; more is asked for if that is nothing.
ByteCount Fetcher::allowed(Lane& lane, ByteCount length, Context& context) {
  if (!lane.metered) return length;
  const ByteCount now = std::min(length, lane.allowed);
  lane.allowed -= now;
  if (now.value == 0 && !std::exchange(lane.waits_for_limit, true))
    context.send(scheduler_, RequestWanted{lane.what.download, length});
  return now;
}

void Fetcher::ask(const PieceKey& key, ByteCount length, Context& context) {
  Assignment& assignment = assignments_.at(key);
  const Lane& lane = lanes_.at(key.first);
  Stretch& first = assignment.to_ask.front();
  const Ref<ServingPeerRole> link = link_for(lane.what.fid);
  const Asked asked{lane.what.fid, key.first,    key.second, {first.block, first.offset, length},
                    context.now(), link.address, false};
  context.send(link, RequestBlock{asked.fid, asked.piece, asked.offset(), length});
  window_.asked(length, context.now());
  asked_.push_back(asked);
  ++assignment.asked;
  first.offset += length;
  first.length -= length;
  if (first.length.value == 0) assignment.to_ask.pop_front();
  if (assignment.to_ask.empty()) std::erase(order_, key);
}

void Fetcher::on(const RequestLength& length, Context& context) {
  if (!from_peer(context)) return;
  if (Lane* lane = lane_of(length.fid)) lane->request_max = length.bytes;
}

// --- limits and diagnosis ---------------------------------------------------------------------------------------

void Fetcher::on(const MeterRequests& meter, Context& context) {
  const auto lane = lanes_.find(meter.download);
  if (lane == lanes_.end()) return;
  lane->second.metered = meter.metered;
  lane->second.allowed = {};
  lane->second.waits_for_limit = false;
  ask_for_more(context);
}

void Fetcher::on(const RequestAllowed& allowed, Context& context) {
  const auto lane = lanes_.find(allowed.download);
  if (lane == lanes_.end() || !lane->second.metered) return;
  lane->second.waits_for_limit = false;
  lane->second.allowed += allowed.bytes;
  ask_for_more(context);
}

void Fetcher::on(const ReportLane& report, Context& context) {
  LaneReported said;
  said.download = report.download;
  said.unwritten = unstored_;
  const auto stands = [](const Side& side) { return side.sealed && side.greeted; };
  if (std::any_of(sides_.begin(), sides_.end(), stands)) {
    said.way = BlockWay::sealed;
  } else if (sealed_door_) {
    said.way = BlockWay::sealed_unreachable;
  }
  if (sealed_door_) said.sealed_port = sealed_door_->port;
  said.window = window_.size();
  said.answers_in =
      std::chrono::floor<std::chrono::microseconds>(window_.shortest_delay().value_or(Duration{}));
  Instant since = context.now();
  for (const Asked& asked : asked_) {
    since = std::min(since, std::max(asked.at, last_block_));
    if (asked.download == report.download && !asked.cancelled) said.asked += asked.what.length;
  }
  said.silent = std::chrono::floor<std::chrono::milliseconds>(context.now() - since);
  context.reply(said);
}

// --- what comes -----------------------------------------------------------------------------------------------

std::deque<Fetcher::Asked>::iterator Fetcher::find_asked(Address link, const Fid& fid, PieceIndex piece,
                                                         ByteCount offset) {
  return std::find_if(asked_.begin(), asked_.end(), [&](const Asked& asked) {
    return asked.link == link && asked.fid == fid && asked.piece == piece && asked.offset() == offset;
  });
}

void Fetcher::on(const Block& block, Context& context) {
  const Side* side = side_of(context.sender());
  if (!from_peer(context) && side == nullptr) return;
  const auto found = find_asked(context.sender(), block.fid, block.piece, block.offset);
  if (found == asked_.end()) {
    // A file that was closed on our side may still have blocks on their way.
    if ((side == nullptr ? closing_ : side->closing).contains(block.fid)) return;
    return accuse(fmt::format("{} sends a block that was not asked for", options_.endpoint), context);
  }
  const Asked asked = *found;
  if (context.payload().size() != asked.what.length.value)
    return accuse(fmt::format("{} sends {} bytes where {} were asked for", options_.endpoint,
                              context.payload().size(), asked.what.length.value),
                  context);
  asked_.erase(found);
  window_.arrived(asked.what.length, asked.at, context.now());
  last_block_ = context.now();
  if (!asked.cancelled) use_block(asked, context);
  open_sides(context);
  ask_for_more(context);
}

/// The block of which these bytes have come, if it is whole now.
std::optional<Payload> Fetcher::whole_block(const Asked& asked, Context& context) {
  const ByteCount whole = lanes_.at(asked.download).layout.block_length(asked.piece, asked.what.block);
  if (asked.what.length == whole) return context.payload();
  std::map<BlockIndex, Begun>& blocks = assignments_.at({asked.download, asked.piece}).blocks;
  Begun& begun = blocks[asked.what.block];
  begun.bytes.resize(whole.value);
  const ByteView bytes = context.payload().view();
  std::copy(bytes.begin(), bytes.end(),
            begun.bytes.begin() + static_cast<std::ptrdiff_t>(asked.what.offset.value));
  begun.came += asked.what.length;
  if (begun.came < whole) return std::nullopt;
  Payload block = Payload::own(std::move(begun.bytes));
  blocks.erase(asked.what.block);
  return block;
}

void Fetcher::use_block(const Asked& asked, Context& context) {
  const PieceKey key{asked.download, asked.piece};
  Assignment& assignment = assignments_.at(key);
  --assignment.asked;
  const std::optional<Payload> bytes = whole_block(asked, context);
  if (!bytes) return;
  const ByteCount length{bytes->size()};
  const FetchPiece& what = assignment.what;
  const Ref<HashVerifierRole> verifier{what.verifier};
  if (!assignment.begun) {
    assignment.begun = true;
    context.send(verifier, BeginPiece{asked.download, asked.piece, what.attempt, what.sha1, what.sha256});
  }
  // The scheduler hears of the block before the verifier can say anything about its piece.
  context.send(scheduler_, BlockArrived{asked.download, asked.piece, what.attempt, asked.what.block, length});
  context.send(verifier,
               StoreBlock{asked.download, asked.piece, what.attempt, asked.what.block,
                          context.now().time_since_epoch()},
               *bytes);
  unstored_ += length;
  settle(key);
}

void Fetcher::on(const RejectBlock& reject, Context& context) {
  if (!from_peer(context) && side_of(context.sender()) == nullptr) return;
  const auto found = find_asked(context.sender(), reject.fid, reject.piece, reject.offset);
  if (found == asked_.end()) return;
  const Asked asked = *found;
  asked_.erase(found);
  window_.dropped(asked.what.length, context.now());
  if (!asked.cancelled) {
    const PieceKey key{asked.download, asked.piece};
    --assignments_.at(key).asked;
    cancel_asked(key, {}, context);
    assignments_.at(key).to_ask.clear();
    settle(key);
    if (reject.reason != RejectReason::not_have && !busy_) {
      busy_ = true;
      context.after(options_.busy_pause, AskAgainDue{});
    }
    context.send(scheduler_, PieceNotCome{asked.download, asked.piece, reject.reason});
  }
  ask_for_more(context);
}

void Fetcher::on(const AskAgainDue&, Context& context) {
  busy_ = false;
  ask_for_more(context);
}

void Fetcher::check_invariants() const {
  ENSURE(asked_.size() <= asked_max);
  ENSURE(state_ == State::ready || (asked_.empty() && assignments_.empty() && sides_.empty()));
  ENSURE(converses() || closing_.empty());
  ENSURE(count_sides(false) < RequestWindow::links_max && count_sides(true) <= RequestWindow::links_max);
  ENSURE(sealed_door_ || count_sides(true) == 0);
  for (const auto& [fid, times] : closing_) ENSURE(times > 0);
  for (const PieceKey& key : order_) ENSURE(!assignments_.at(key).to_ask.empty());
  for (const auto& each_assignment : assignments_) {
    const PieceKey& key = each_assignment.first;
    const auto& assignment = each_assignment.second;
    ENSURE(lanes_.contains(key.first));
    ENSURE(!assignment.to_ask.empty() || assignment.asked > 0);
    const auto asked = std::count_if(asked_.begin(), asked_.end(), [&](const Asked& each) {
      return !each.cancelled && PieceKey{each.download, each.piece} == key;
    });
    ENSURE(assignment.asked == static_cast<std::size_t>(asked));
  }
}

}  // namespace tutti
