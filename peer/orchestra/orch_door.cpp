#include "peer/orchestra/orch_door.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr Duration sent_every = std::chrono::milliseconds(10);
/// About ten times what it costs to make a list.
constexpr Duration list_keeps_a_part = std::chrono::microseconds(2);
/// Of so few parts a list costs nothing.
constexpr std::uint32_t few_parts = 4096;
/// So many addresses are remembered as met; more are only told of once again.
constexpr std::size_t met_max = 4096;

}  // namespace

OrchDoor::OrchDoor(OrchDoorOptions options, std::shared_ptr<const OrchShare> share, Others others,
                   std::shared_ptr<Opened> door)
    : options_(std::move(options)),
      share_(std::move(share)),
      others_(others),
      door_(std::move(door)),
      pieces_(share_->layout.piece_count()),
      number_(share_->layout.piece_count()) {}

void OrchDoor::start(Context& context) {
  *door_ = context.listen_stream<ByteStreamRole>(options_.endpoint);
  const std::size_t colon = door_->endpoint.rfind(':');
  if (door_->address.value == 0 || colon == std::string::npos) return;
  NowServing serving;
  serving.host = door_->endpoint.substr(0, colon);
  serving.port = static_cast<std::uint16_t>(orch_number(door_->endpoint.substr(colon + 1)).value_or(0));
  context.send(others_.conductor_link, serving);
}

// --- what is served -------------------------------------------------------------------------------------------

void OrchDoor::on(const ServeFile& serve, Context& context) {
  // A whole file stands above what is being fetched.
  if (!serve.identity && served_ && served_->identity) return;
  std::optional<Bitfield> pieces = Bitfield::parse(serve.bitfield, share_->layout.piece_count());
  ENSURE(pieces.has_value());
  served_ = Served{context.sender(), serve.path, serve.identity};
  begin_serving(*pieces, context);
}

void OrchDoor::begin_serving(const Bitfield& pieces, Context& context) {
  pieces_ = pieces;
  list_changed_ = true;
  pieces_.for_each([&](PieceIndex part) { wake_held(part); });
  read_next(context);
}

void OrchDoor::on(const ServePiece& serve, Context& context) {
  if (!served_ || served_->by != context.sender() || served_->path != serve.path) return;
  ENSURE(serve.piece.value < pieces_.size());
  pieces_.set(serve.piece);
  list_changed_ = true;
  wake_held(serve.piece);
  read_next(context);
}

void OrchDoor::wake_held(PieceIndex part) {
  for (auto& [address, asker] : askers_) {
    if (asker.held.erase(part) == 0) continue;
    asker.waiting.push_back(part);
    enter_ring(address, asker);
  }
}

void OrchDoor::on(const StopServing& stop, Context& context) {
  if (served_ && served_->by == context.sender() && served_->path == stop.path) serve_nothing();
}

void OrchDoor::serve_nothing() {
  served_.reset();
  pieces_ = Bitfield(pieces_.size());
  list_changed_ = true;
}

// --- requests -------------------------------------------------------------------------------------------------

void OrchDoor::on(const ListAsked& asked, Context& context) {
  Asker& asker = askers_[context.sender()];
  asker.peer = asked.peer;
  if (takes_lists(asker)) return tell_list(context.sender(), asker, context);
  asker.list_owed = true;
  look_later(context);
}

void OrchDoor::tell_list(Address address, Asker& asker, Context& context) {
  const Duration keeps = pieces_.size() <= few_parts ? Duration{} : pieces_.size() * list_keeps_a_part;
  if (list_changed_ && (list_.empty() || context.now() - list_made_ >= keeps)) {
    list_ = orch_payload(number_.text(pieces_));
    list_changed_ = false;
    list_made_ = context.now();
  }
  asker.list_owed = false;
  context.answer(address, ListTold{}, asker.list.measured(list_));
}

void OrchDoor::on(const PartAsked& asked, Context& context) {
  Asker& asker = askers_[context.sender()];
  ENSURE(asked.part.value < pieces_.size());
  // Somebody fetches beside us: what is rare is worth more now than what comes first.
  if (met_.size() < met_max && met_.insert(asker.peer).second)
    context.send(others_.scheduler, FileWanted{share_->gid, share_->fid, orch_client(asker.peer)});
  if (pieces_.has(asked.part)) {
    asker.waiting.push_back(asked.part);
    enter_ring(context.sender(), asker);
    return read_next(context);
  }
  if (asker.held.size() < held_max) asker.held.insert(asked.part);
}

void OrchDoor::on(const PeerAway&, Context& context) { forget(context.sender()); }

void OrchDoor::forget(Address asker) {
  askers_.erase(asker);
  std::erase(ring_, asker);
  for (auto& [tag, read] : reads_)
    if (read.asker == asker) read.asker = {};
}

void OrchDoor::enter_ring(Address address, Asker& asker) {
  if (asker.in_ring || asker.waiting.empty()) return;
  asker.in_ring = true;
  ring_.push_back(address);
}

void OrchDoor::read_next(Context& context) {
  while (served_ && reads_.size() < reads_max && !ring_.empty()) {
    const Address address = ring_.front();
    ring_.pop_front();
    Asker& asker = askers_.at(address);
    asker.in_ring = false;
    if (!takes(asker)) {
      look_later(context);
      continue;
    }
    if (asker.reading >= reads_a_peer || asker.waiting.empty()) continue;
    const PieceIndex part = asker.waiting.front();
    asker.waiting.pop_front();
    if (!pieces_.has(part)) {
      if (asker.held.size() < held_max) asker.held.insert(part);
    } else {
      ++asker.reading;
      reads_.emplace(++last_tag_, Read{address, part});
      context.send(others_.storage, ReadBlock{last_tag_, served_->path, share_->layout.piece_offset(part),
                                              share_->layout.piece_size(part), served_->identity});
    }
    enter_ring(address, asker);
  }
}

void OrchDoor::on(const BlockRead& read, Context& context) {
  const auto entry = reads_.extract(read.tag);
  if (!entry) return;
  const Read& done = entry.mapped();
  if (const auto found = askers_.find(done.asker); found != askers_.end()) {
    Asker& asker = found->second;
    --asker.reading;
    context.answer(done.asker, PartTold{done.part}, asker.sent.measured(context.payload()));
    enter_ring(done.asker, asker);
  }
  read_next(context);
}

void OrchDoor::on(const BlockUnreadable& unreadable, Context& context) {
  const auto entry = reads_.extract(unreadable.tag);
  if (!entry) return;
  const Read& done = entry.mapped();
  if (const auto found = askers_.find(done.asker); found != askers_.end()) {
    --found->second.reading;
    if (found->second.held.size() < held_max) found->second.held.insert(done.part);
    enter_ring(done.asker, found->second);
  }
  if (served_) {
    context.answer(served_->by, ServingFailed{share_->gid, share_->fid, served_->path, unreadable.code,
                                              unreadable.sentence});
    serve_nothing();
  }
}

void OrchDoor::look_later(Context& context) {
  if (!std::exchange(look_due_, true)) context.after(sent_every, SentDue{});
}

void OrchDoor::on(const SentDue&, Context& context) {
  look_due_ = false;
  for (auto& [address, asker] : askers_) {
    if (asker.list_owed && takes_lists(asker)) tell_list(address, asker, context);
    if (asker.list_owed || !takes(asker)) look_later(context);
    look_whether_it_takes(address, asker, context);
    enter_ring(address, asker);
  }
  read_next(context);
}

/// Whoever has connected to us and takes nothing keeps a place and memory for nothing.
void OrchDoor::look_whether_it_takes(Address address, Asker& asker, Context& context) {
  const std::size_t untaken = asker.sent.outstanding() + asker.list.outstanding();
  const bool gets_on = untaken == 0 || asker.untaken == 0 || untaken < asker.untaken;
  if (gets_on) asker.untaken_since = context.now();
  asker.untaken = untaken;
  const auto link = links_.find(address);
  if (gets_on || link == links_.end() || context.now() - asker.untaken_since < patience) return;
  if (!std::exchange(connections_.at(link->second).ends, true)) context.stop(address);
}

// --- connections that come in ---------------------------------------------------------------------------------

void OrchDoor::on(const LinkUp& up, Context& context) {
  if (!make_room_for(up.peer, context)) return context.close(up.link);
  OrchPeerOptions options;
  options.endpoint = up.peer;
  options.accepted = {up.link};
  const auto peer = context.spawn<OrchPeerRole>(
      fmt::format("orch_peer {}", up.peer),
      std::make_unique<OrchPeer>(std::move(options), share_, Ref<OrchDoorRole>{context.self()},
                                 others_.scheduler));
  connections_.emplace(up.link, Connection{peer, up.peer});
  links_.emplace(peer.address, up.link);
}

void OrchDoor::on(const StreamBytes&, Context& context) {
  const auto connection = connections_.find(context.sender());
  if (connection != connections_.end())
    context.send(connection->second.peer, StreamCame{}, context.payload());
}

void OrchDoor::on(const LinkDown& down, Context& context) {
  const auto connection = connections_.find(down.link);
  if (connection != connections_.end()) context.send(connection->second.peer, StreamOver{});
}

void OrchDoor::on(const ActorStopped& stopped, Context& context) {
  const auto link = links_.extract(stopped.actor);
  if (!link) return;
  context.close(link.mapped());
  connections_.erase(link.mapped());
  forget(stopped.actor);
}

/// Ends the oldest connection of this address to which nothing is on its way, if there are too many. False: all are busy.
bool OrchDoor::make_room_for(const std::string& host, Context& context) {
  std::size_t known = 0;
  Connection* idle = nullptr;
  for (auto& [link, connection] : connections_) {
    if (connection.host != host || connection.ends) continue;
    ++known;
    const auto asker = askers_.find(connection.peer.address);
    const bool waits =
        asker != askers_.end() &&
        (asker->second.reading > 0 || !asker->second.waiting.empty() || asker->second.sent.outstanding() > 0);
    if (!waits && idle == nullptr) idle = &connection;
  }
  if (known < options_.connections_of_host) return true;
  if (idle == nullptr) return false;
  idle->ends = true;
  context.stop(idle->peer.address);
  return true;
}

void OrchDoor::check_invariants() const {
  ENSURE(connections_.size() == links_.size() && reads_.size() <= reads_max);
  std::size_t in_ring = 0;
  for (const auto& [address, asker] : askers_) {
    ENSURE(asker.held.size() <= held_max);
    in_ring += asker.in_ring ? 1U : 0U;
    const auto reading = std::count_if(
        reads_.begin(), reads_.end(), [who = address](const auto& read) { return read.second.asker == who; });
    ENSURE(asker.reading == static_cast<std::size_t>(reading));
  }
  ENSURE(in_ring == ring_.size());
}

}  // namespace tutti
