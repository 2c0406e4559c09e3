#include "peer/orchestra/orch_door.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "peer/orchestra/conductor_link.hpp"

namespace tutti {

namespace {

constexpr Duration sent_every = std::chrono::milliseconds(10);
/// So many addresses are remembered as met; more are only told of once again.
constexpr std::size_t met_max = 4096;

std::size_t reads_at_once(ByteCount part_size) {
  const std::uint64_t fitting =
      OrchDoor::read_bytes_a_peer.value / std::max<std::uint64_t>(part_size.value, 1);
  return std::clamp<std::size_t>(fitting, 1, OrchDoor::reads_a_peer);
}

}  // namespace

OrchDoor::OrchDoor(OrchDoorOptions options, const std::shared_ptr<const OrchShare>& share, Others others,
                   std::shared_ptr<Opened> door)
    : options_(std::move(options)), others_(others), door_(std::move(door)) {
  if (share == nullptr) return;
  only_ = FileKey{share->gid, share->fid};
  offers_.try_emplace(*only_, share);
}

void OrchDoor::start(Context& context) {
  *door_ = context.listen_stream<ByteStreamRole>(options_.endpoint);
  if (door_->address.value == 0) return;
  if (only_) return context.send(others_.conductor_link, serving());
  context.send(
      others_.shell,
      Notice{NoticeKind::info,
             {},
             {},
             fmt::format("members of Orchestras are served on {}: whoever knows the name and the SHA-1 of "
                         "a file that you have exported and share gets it, without being in its group",
                         door_->endpoint)});
}

/// What was begun for somebody goes out whole.
Farewell OrchDoor::stop(Context& context) {
  leaving_ = true;
  for (auto& [link, connection] : connections_) {
    if (connection.peer.address.value == 0) context.close(link);
    end_peer(connection, context);
  }
  std::erase_if(connections_, [](const auto& each) { return each.second.peer.address.value == 0; });
  return connections_.empty() ? Farewell::now : Farewell::later;
}

NowServing OrchDoor::serving() const {
  const std::size_t colon = door_->endpoint.rfind(':');
  return {door_->endpoint.substr(0, colon),
          static_cast<std::uint16_t>(orch_number(door_->endpoint.substr(colon + 1)).value_or(0))};
}

// --- what is served -------------------------------------------------------------------------------------------

void OrchDoor::on(const OfferFile& file, Context& context) {
  const FileKey key{file.file.gid, file.file.fid};
  const PieceLayout layout(file.size, file.piece_length);
  // Said again whenever it is announced in its group: nobody is cut off for that.
  if (const auto known = announced_.find(key); known != announced_.end() &&
                                               known->second.conductor == file.file.conductor &&
                                               offers_.at(key).share()->name == file.file.file.text)
    return;
  withdraw(key, context);
  OrchShare share{file.file.file.text, file.file.sha1.hex(), layout,    {}, {},
                  file.file.gid,       file.file.fid,        file.group};
  const auto shared = std::make_shared<const OrchShare>(std::move(share));
  offers_.try_emplace(key, shared);
  ConductorLinkOptions options;
  options.conductor = file.file.conductor;
  const auto link = context.spawn<TrackerLinkRole>(
      fmt::format("conductor_link {}", shared->name),
      std::make_unique<ConductorLink>(std::move(options), shared,
                                      ConductorLink::Listeners{others_.shell, {}, {}}));
  announced_.emplace(key, Announced{link, file.file.conductor});
  context.send(link, serving());
  context.send(
      others_.shell,
      Notice{NoticeKind::info,
             file.group.text,
             {},
             fmt::format("{} is served on {} to members of the Orchestra at {}, who need not be in {}",
                         shared->name, door_->endpoint, file.file.conductor, file.group.text)});
}

/// Not there any more, for whoever is connected for it either.
void OrchDoor::withdraw(const FileKey& key, Context& context) {
  const auto announced = announced_.extract(key);
  if (!announced) return;
  context.stop(announced.mapped().by.address);
  for (auto& [link, connection] : connections_)
    if (connection.peer.address.value != 0 && connection.file == key) end_peer(connection, context);
  std::vector<Address> gone;
  for (const auto& [address, asker] : askers_)
    if (asker.file == key) gone.push_back(address);
  for (const Address address : gone) forget(address, context);
  offers_.erase(key);
}

void OrchDoor::on(const ServeFile& serve, Context& context) {
  const FileKey key{serve.gid, serve.fid};
  OrchOffer* offer = offer_of(key);
  if (offer == nullptr) return;
  // A whole file stands above what is being fetched.
  if (!serve.identity && offer->served() && offer->served()->identity) return;
  const std::optional<Bitfield> pieces =
      Bitfield::parse(serve.bitfield, offer->share()->layout.piece_count());
  ENSURE(pieces.has_value());
  offer->serve({context.sender(), serve.path, serve.identity}, *pieces);
  begin_serving(key, *offer, context);
}

void OrchDoor::begin_serving(const FileKey& key, OrchOffer& offer, Context& context) {
  offer.pieces().for_each([&](PieceIndex part) { wake_held(key, part); });
  for (auto& [address, asker] : askers_)
    if (asker.file == key) enter_ring(address, asker);
  read_next(context);
}

void OrchDoor::on(const ServePiece& serve, Context& context) {
  const FileKey key{serve.gid, serve.fid};
  OrchOffer* offer = offer_of(key);
  if (offer == nullptr || !offer->is_served(context.sender(), serve.path)) return;
  ENSURE(serve.piece.value < offer->pieces().size());
  offer->add(serve.piece);
  wake_held(key, serve.piece);
  read_next(context);
}

void OrchDoor::wake_held(const FileKey& key, PieceIndex part) {
  for (auto& [address, asker] : askers_) {
    if (asker.file != key) continue;
    asker.waiting.insert(asker.waiting.end(), asker.held.erase(part), part);
    enter_ring(address, asker);
  }
}

void OrchDoor::on(const StopServing& stop, Context& context) {
  const FileKey key{stop.gid, stop.fid};
  OrchOffer* offer = offer_of(key);
  if (offer == nullptr) return;
  // Of what was offered only its offerer speaks.
  if (announced_.contains(key)) return withdraw(key, context);
  if (offer->is_served(context.sender(), stop.path)) offer->serve_nothing();
}

OrchOffer* OrchDoor::offer_of(const FileKey& key) {
  const auto offer = offers_.find(key);
  return offer == offers_.end() ? nullptr : &offer->second;
}

// --- requests -------------------------------------------------------------------------------------------------

OrchDoor::Asker* OrchDoor::asker_of(Address sender) {
  const auto known = askers_.find(sender);
  if (known != askers_.end()) return &known->second;
  const auto link = links_.find(sender);
  const bool accepted = link != links_.end();
  if (leaving_ || (!accepted && !only_) || (accepted && connections_.at(link->second).ends)) return nullptr;
  Asker& asker = askers_[sender];
  asker.file = accepted ? connections_.at(link->second).file : *only_;
  return &asker;
}

void OrchDoor::on(const ListAsked& asked, Context& context) {
  Asker* asker = asker_of(context.sender());
  if (asker == nullptr) return;
  asker->peer = asked.peer;
  if (takes_lists(*asker)) return tell_list(context.sender(), *asker, context);
  asker->list_owed = true;
  look_later(context);
}

void OrchDoor::tell_list(Address address, Asker& asker, Context& context) {
  asker.list_owed = false;
  context.answer(address, ListTold{}, asker.list.measured(offers_.at(asker.file).list(context.now())));
}

void OrchDoor::on(const PartAsked& asked, Context& context) {
  Asker* asker = asker_of(context.sender());
  if (asker == nullptr) return;
  const OrchOffer& offer = offers_.at(asker->file);
  ENSURE(asked.part.value < offer.pieces().size());
  // Somebody fetches beside us: what is rare is worth more now than what comes first.
  if (others_.scheduler.address.value != 0 && met_.size() < met_max && met_.insert(asker->peer).second)
    context.send(others_.scheduler,
                 FileWanted{offer.share()->gid, offer.share()->fid, orch_client(asker->peer)});
  if (!offer.pieces().has(asked.part)) return hold(context.sender(), *asker, asked.part, context);
  asker->waiting.push_back(asked.part);
  enter_ring(context.sender(), *asker);
  read_next(context);
}

/// Until the part is there; too many are refused.
void OrchDoor::hold(Address address, Asker& asker, PieceIndex part, Context& context) {
  if (asker.held.size() >= held_max) return context.answer(address, PartRefused{part});
  asker.held.insert(part);
}

void OrchDoor::on(const PeerAway&, Context& context) { forget(context.sender(), context); }

void OrchDoor::forget(Address asker, Context& context) {
  askers_.erase(asker);
  std::erase(ring_, asker);
  for (auto each = reads_.begin(); each != reads_.end();) {
    auto& [tag, read] = *each;
    const bool waits = read.asker == asker && !read.allowed;
    if (read.asker == asker) read.asker = {};
    if (waits) context.send(others_.uploader, SendUnwanted{tag});
    if (waits) --unallowed_;
    each = waits ? reads_.erase(each) : std::next(each);
  }
}

void OrchDoor::enter_ring(Address address, Asker& asker) {
  if (asker.in_ring || asker.waiting.empty()) return;
  asker.in_ring = true;
  ring_.push_back(address);
}

void OrchDoor::read_next(Context& context) {
  while (reads_.size() - unallowed_ < reads_max && !ring_.empty()) {
    if (untaken_.outstanding_bytes() >= untaken_by_all_max) return look_later(context);
    const Address address = ring_.front();
    ring_.pop_front();
    Asker& asker = askers_.at(address);
    asker.in_ring = false;
    if (!takes(asker)) {
      look_later(context);
      continue;
    }
    const OrchOffer& offer = offers_.at(asker.file);
    const PieceLayout& layout = offer.share()->layout;
    // It comes back when a read is done, or when something is served again.
    if (!offer.served() || asker.waiting.empty() || asker.reading >= reads_at_once(layout.piece_length()))
      continue;
    const PieceIndex part = asker.waiting.front();
    asker.waiting.pop_front();
    if (!offer.pieces().has(part)) {
      hold(address, asker, part, context);
    } else {
      ++asker.reading;
      const bool limits = others_.uploader.address.value != 0;
      reads_.emplace(++last_tag_, Read{address, asker.file, part, offer.served()->path, !limits});
      if (limits) {
        ++unallowed_;
        context.send(others_.uploader, SendWanted{last_tag_, offer.share()->group, layout.piece_size(part)});
      } else {
        begin_read(last_tag_, context);
      }
    }
    enter_ring(address, asker);
  }
}

void OrchDoor::begin_read(std::uint64_t tag, Context& context) {
  const Read& read = reads_.at(tag);
  const OrchOffer& offer = offers_.at(read.file);
  const PieceLayout& layout = offer.share()->layout;
  context.send(others_.storage, ReadBlock{tag, read.path, layout.piece_offset(read.part),
                                          layout.piece_size(read.part), offer.served()->identity});
}

void OrchDoor::on(const SendAllowed& allowed, Context& context) {
  const auto read = reads_.find(allowed.tag);
  if (read == reads_.end() || std::exchange(read->second.allowed, true)) return;
  --unallowed_;
  const OrchOffer& offer = offers_.at(read->second.file);
  if (offer.served() && offer.served()->path == read->second.path) return begin_read(read->first, context);
  // It is not served from there any more: read when it is served again.
  const Read done = reads_.extract(read).mapped();
  Asker& asker = askers_.at(done.asker);
  --asker.reading;
  asker.waiting.push_front(done.part);
  enter_ring(done.asker, asker);
}

void OrchDoor::on(const BlockRead& read, Context& context) {
  const auto entry = reads_.extract(read.tag);
  if (!entry) return;
  const Read& done = entry.mapped();
  if (const auto found = askers_.find(done.asker); found != askers_.end()) {
    Asker& asker = found->second;
    --asker.reading;
    tell_part(done.asker, asker, done.part, context.payload(), context);
    enter_ring(done.asker, asker);
  }
  read_next(context);
}

/// In slices, so that what is taken of a large part is seen before all of it is.
void OrchDoor::tell_part(Address address, Asker& asker, PieceIndex part, const Payload& bytes,
                         Context& context) {
  const auto owner = std::make_shared<const Payload>(bytes);
  const ByteView all = owner->view();
  for (std::size_t offset = 0; offset < all.size(); offset += slice_max) {
    const Payload slice =
        Payload::hold(owner, all.subspan(offset, std::min<std::size_t>(slice_max, all.size() - offset)));
    context.answer(address, PartTold{part, offset != 0}, untaken_.measured(asker.sent.measured(slice)));
  }
}

void OrchDoor::on(const BlockUnreadable& unreadable, Context& context) {
  const auto entry = reads_.extract(unreadable.tag);
  if (!entry) return;
  const Read& done = entry.mapped();
  if (const auto found = askers_.find(done.asker); found != askers_.end()) {
    --found->second.reading;
    hold(done.asker, found->second, done.part, context);
    enter_ring(done.asker, found->second);
  }
  OrchOffer* offer = offer_of(done.file);
  if (offer == nullptr || !offer->served()) return;
  const OrchOffer::Served served = *offer->served();
  if (served.path != done.path) return;  // another copy is served by now
  offer->serve_nothing();
  context.answer(served.by, ServingFailed{done.file.first, done.file.second, served.path, unreadable.code,
                                          unreadable.sentence});
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
  end_peer(connections_.at(link->second), context);
}

void OrchDoor::check_invariants() const {
  const auto unallowed =
      std::count_if(reads_.begin(), reads_.end(), [](const auto& each) { return !each.second.allowed; });
  ENSURE(unallowed_ == static_cast<std::size_t>(unallowed));
  ENSURE(connections_.size() >= links_.size());
  ENSURE(only_ ? announced_.empty() : announced_.size() == offers_.size());
  std::size_t in_ring = 0;
  for (const auto& [address, asker] : askers_) {
    ENSURE(offers_.contains(asker.file));
    ENSURE(asker.held.size() <= held_max);
    in_ring += asker.in_ring ? 1U : 0U;
    const auto reading = std::count_if(
        reads_.begin(), reads_.end(), [who = address](const auto& read) { return read.second.asker == who; });
    ENSURE(asker.reading == static_cast<std::size_t>(reading));
  }
  ENSURE(in_ring == ring_.size());
}

}  // namespace tutti
