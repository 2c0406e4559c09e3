#include "peer/piece_picker.hpp"

#include <algorithm>
#include <bit>

#include "actors/ensure.hpp"

namespace tutti {
namespace {

template <class T>
bool contains(const std::vector<T>& items, const T& item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

}  // namespace

PiecePicker::PiecePicker(const PieceLayout& layout, const Bitfield& verified, const Bitfield& wanted)
    : layout_(layout),
      verified_(verified),
      wanted_(wanted),
      free_(layout.piece_count()),
      pieces_(layout.piece_count()),
      buckets_(1) {
  ENSURE(verified.size() == layout.piece_count() && wanted.size() == layout.piece_count());
  verified.for_each([&](PieceIndex piece) { pieces_[piece.value].state = State::verified; });
  for (PieceIndex piece; piece.value < layout.piece_count(); ++piece)
    if (!verified.has(piece))
      wanted.has(piece) ? enter_bucket(piece) : void(pieces_[piece.value].state = State::unwanted);
}

// --- the peers ----------------------------------------------------------------------------------------------

void PiecePicker::add_peer(PeerKey key, const Bitfield& has) {
  ENSURE(has.size() == layout_.piece_count());
  if (banned(key)) return;
  Peer peer;
  peer.has = has;
  peer.pieces = has.count();
  count_bitfield(peer, true);
  const bool added = peers_.emplace(key, std::move(peer)).second;
  ENSURE(added);
  paces_.reset();
}

bool PiecePicker::peer_has(PeerKey key, PieceIndex piece) {
  const auto found = peers_.find(key);
  if (found == peers_.end() || piece.value >= layout_.piece_count() || found->second.has.has(piece))
    return false;
  Peer& peer = found->second;
  peer.has.set(piece);
  ++peer.pieces;
  change_have(piece, true);
  if (!seeder(peer)) return true;
  // Its pieces are counted once for all from now on.
  peer.has.for_each([&](PieceIndex each) { change_have(each, false); });
  ++seeders_;
  paces_.reset();
  return true;
}

void PiecePicker::peer_lacks(PeerKey key, PieceIndex piece, Instant now) {
  const auto found = peers_.find(key);
  if (found == peers_.end() || piece.value >= layout_.piece_count() || !found->second.has.has(piece)) return;
  release(key, piece, now);
  Peer& peer = found->second;
  count_bitfield(peer, false);
  peer.has.reset(piece);
  --peer.pieces;
  count_bitfield(peer, true);
  paces_.reset();
}

void PiecePicker::remove_peer(PeerKey key) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return;
  const std::vector<PieceIndex> queue = found->second.queue;
  for (const PieceIndex piece : queue) unreserve(key, piece, found->second.last_sign);
  count_bitfield(found->second, false);
  peers_.erase(found);
  paces_.reset();
}

void PiecePicker::count_bitfield(const Peer& peer, bool more) {
  if (layout_.piece_count() == 0) return;
  if (seeder(peer)) {
    seeders_ += more ? 1U : ~0U;
  } else {
    peer.has.for_each([&](PieceIndex piece) { change_have(piece, more); });
  }
}

void PiecePicker::change_have(PieceIndex piece, bool more) {
  Piece& state = pieces_[piece.value];
  const bool is_free = state.state == State::free;
  if (is_free) leave_bucket(piece);
  state.have += more ? 1U : ~0U;
  if (is_free) enter_bucket(piece);
}

void PiecePicker::enter_bucket(PieceIndex piece) {
  Piece& state = pieces_[piece.value];
  if (buckets_.size() <= state.have) buckets_.resize(std::size_t{state.have} + 1);
  std::vector<PieceIndex>& bucket = buckets_[state.have];
  state.bucket_slot = static_cast<std::uint32_t>(bucket.size());
  bucket.push_back(piece);
  free_.set(piece);
}

void PiecePicker::leave_bucket(PieceIndex piece) {
  const Piece& state = pieces_[piece.value];
  std::vector<PieceIndex>& bucket = buckets_[state.have];
  const PieceIndex last = bucket.back();
  bucket[state.bucket_slot] = last;
  pieces_[last.value].bucket_slot = state.bucket_slot;
  bucket.pop_back();
  free_.reset(piece);
}

void PiecePicker::set_state(PieceIndex piece, State state) {
  Piece& here = pieces_[piece.value];
  if (here.state == state) return;
  if (here.state == State::free) leave_bucket(piece);
  if (here.state == State::verified) verified_.reset(piece);
  if (here.state == State::begun) begun_.erase(piece);
  here.state = state;
  if (state == State::begun) begun_.insert(piece);
  if (state == State::free) enter_bucket(piece);
  if (state == State::verified) verified_.set(piece);
  if (state == State::free || state == State::verified) progress_.erase(piece);
}

// --- reservations -------------------------------------------------------------------------------------------

std::uint32_t PiecePicker::blocks_mask(PieceIndex piece) const {
  return ~std::uint32_t{0} >> (32 - layout_.block_count(piece));
}

ByteCount PiecePicker::missing_bytes(PieceIndex piece, const Progress& progress) const {
  ByteCount result;
  for (std::uint32_t missing = blocks_mask(piece) & ~progress.came; missing != 0; missing &= missing - 1)
    result += layout_.block_length(piece, {static_cast<std::uint32_t>(std::countr_zero(missing))});
  return result;
}

ByteCount PiecePicker::owed_until(const Peer& peer, PieceIndex last) const {
  ByteCount result;
  for (const PieceIndex piece : peer.queue) {
    result += missing_bytes(piece, progress_.at(piece));
    if (piece == last) break;
  }
  return result;
}

Pick PiecePicker::reserve(PeerKey key, PieceIndex piece, bool from_the_end, std::vector<PeerKey> cancel_at,
                          Instant now) {
  Peer& peer = peers_.at(key);
  if (peer.queue.empty()) {
    peer.last_sign = now;
    peer.meter.resume(now);
    paces_.reset();
  }
  peer.queue.push_back(piece);
  Progress& progress = progress_[piece];
  progress.holders.push_back(key);
  if (!progress.alone && (pieces_[piece.value].was_corrupt || suspect(key))) {
    // A late block of somebody who had the piece before must not get into it.
    ENSURE(progress.came == 0);
    ++pieces_[piece.value].attempt;
    progress.alone = true;
  }
  set_state(piece, State::fetched);

  Pick pick{piece, {}, pieces_[piece.value].attempt, std::move(cancel_at)};
  for (BlockIndex block; block.value < layout_.block_count(piece); ++block)
    if (((progress.came >> block.value) & 1U) == 0) pick.blocks.push_back(block);
  if (from_the_end) std::reverse(pick.blocks.begin(), pick.blocks.end());
  return pick;
}

void PiecePicker::leave_queue(PeerKey key, PieceIndex piece, Instant now) {
  Peer& peer = peers_.at(key);
  peer.queue.erase(std::find(peer.queue.begin(), peer.queue.end(), piece));
  if (!peer.queue.empty()) return;
  peer.meter.pause(now);
  paces_.reset();
}

void PiecePicker::unreserve(PeerKey key, PieceIndex piece, Instant now) {
  Progress& progress = progress_.at(piece);
  progress.holders.erase(std::find(progress.holders.begin(), progress.holders.end(), key));
  leave_queue(key, piece, now);
  if (progress.holders.empty()) settle_released(piece);
}

void PiecePicker::settle_released(PieceIndex piece) {
  const Progress& progress = progress_.at(piece);
  if (progress.alone) {
    begin_anew(piece);
  } else {
    set_state(piece, progress.came == 0 ? State::free : State::begun);
  }
}

void PiecePicker::begin_anew(PieceIndex piece) {
  ++pieces_[piece.value].attempt;
  set_state(piece, State::free);
}

void PiecePicker::excuse(PeerKey key, Instant now) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return;
  found->second.last_sign = std::max(found->second.last_sign, now);
  paces_.reset();
}

void PiecePicker::release(PeerKey key, PieceIndex piece, Instant now) {
  const auto found = progress_.find(piece);
  if (found != progress_.end() && contains(found->second.holders, key)) unreserve(key, piece, now);
}

std::vector<PeerKey> PiecePicker::received(PeerKey key, PieceIndex piece, BlockIndex block,
                                           std::uint32_t attempt, Instant now) {
  ENSURE(piece.value < layout_.piece_count() && block.value < layout_.block_count(piece));
  if (!is_seeder(key)) {
    help_.gained(layout_.block_length(piece, block), now);
  } else if (!part_ || part_->has(piece)) {
    help_.own_part_goes_on(now);
  }
  if (const auto found = peers_.find(key); found != peers_.end()) {
    Peer& peer = found->second;
    peer.meter.add(layout_.block_length(piece, block), now);
    if (peer.queue.empty()) peer.meter.pause(now);
    peer.last_sign = now;
    peer.snubbed = false;
    paces_.reset();
  }
  const State state = pieces_[piece.value].state;
  if (attempt != pieces_[piece.value].attempt || state == State::verified || state == State::complete ||
      state == State::unwanted)
    return {};
  // Also a block that its sender owes no more: it is here now.
  Progress& progress = progress_[piece];
  const std::uint32_t bit = std::uint32_t{1} << block.value;
  if ((progress.came & bit) != 0) return {};
  progress.came |= bit;
  if (!contains(progress.sources, key)) progress.sources.push_back(key);
  std::vector<PeerKey> others;
  for (const PeerKey holder : progress.holders)
    if (holder != key) others.push_back(holder);
  if (progress.came == blocks_mask(piece)) {
    for (const PeerKey holder : std::exchange(progress.holders, {})) leave_queue(holder, piece, now);
    set_state(piece, State::complete);
  } else if (state == State::free) {
    set_state(piece, State::begun);
  }
  return others;
}

// --- verdicts -----------------------------------------------------------------------------------------------

void PiecePicker::verified(PieceIndex piece, Instant now) {
  if (const auto found = progress_.find(piece); found != progress_.end())
    for (const PeerKey holder : std::exchange(found->second.holders, {})) leave_queue(holder, piece, now);
  pieces_[piece.value].was_corrupt = false;
  set_state(piece, State::verified);
}

void PiecePicker::lost(PieceIndex piece, Instant now) {
  if (const auto found = progress_.find(piece); found != progress_.end())
    for (const PeerKey holder : std::exchange(found->second.holders, {})) leave_queue(holder, piece, now);
  begin_anew(piece);
}

Blame PiecePicker::corrupt(PieceIndex piece, std::span<const PeerKey> sources, Instant now, bool convicts) {
  lost(piece, now);
  pieces_[piece.value].was_corrupt = true;
  if (sources.size() == 1) {
    convicts ? convict(sources.front()) : peer_lacks(sources.front(), piece, now);
    return {sources.front()};
  }
  if (std::none_of(sources.begin(), sources.end(), [&](PeerKey source) { return banned(source); }))
    suspects_.insert(sources.begin(), sources.end());
  return {};
}

void PiecePicker::convict(PeerKey culprit) {
  banned_.insert(culprit);
  remove_peer(culprit);
  // What it left unfinished elsewhere is not worth going on with. A piece that others are at is left to its verdict.
  std::vector<PieceIndex> tainted;
  for (const auto& [piece, progress] : progress_)
    if (pieces_[piece.value].state == State::begun && contains(progress.sources, culprit))
      tainted.push_back(piece);
  for (const PieceIndex piece : tainted) begin_anew(piece);
}

// --- questions ----------------------------------------------------------------------------------------------

std::uint32_t PiecePicker::availability(PieceIndex piece) const {
  return pieces_[piece.value].have + seeders_;
}

std::uint32_t PiecePicker::pieces_without_source() const {
  if (seeders_ > 0) return 0;
  return static_cast<std::uint32_t>(std::count_if(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
    return piece.have == 0 && piece.state != State::verified && piece.state != State::complete &&
           piece.state != State::unwanted;
  }));
}

bool PiecePicker::interesting(PeerKey key) const {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return false;
  const std::vector<std::uint64_t>& has = found->second.has.words();
  for (std::size_t i = 0; i < has.size(); ++i)
    if ((has[i] & wanted_.words()[i] & ~verified_.words()[i]) != 0) return true;
  return false;
}

bool PiecePicker::complete() const {
  for (std::size_t i = 0; i < wanted_.words().size(); ++i)
    if ((wanted_.words()[i] & ~verified_.words()[i]) != 0) return false;
  return true;
}

ByteCount PiecePicker::outstanding(PeerKey key) const {
  const auto found = peers_.find(key);
  if (found == peers_.end() || found->second.queue.empty()) return {};
  return owed_until(found->second, found->second.queue.back());
}

std::uint64_t PiecePicker::bytes_per_second(PeerKey key) const {
  const auto found = peers_.find(key);
  return found == peers_.end() || !found->second.meter.known() ? 0 : pace_of(found->second, 0);
}

void PiecePicker::check_invariants() const {
  std::vector<std::uint32_t> have(pieces_.size());
  std::uint32_t seeders = 0;
  std::size_t queued = 0;
  for (const auto& [key, peer] : peers_) {
    ENSURE(!banned(key) && peer.pieces == peer.has.count());
    if (seeder(peer) && layout_.piece_count() > 0) {
      ++seeders;
    } else {
      peer.has.for_each([&](PieceIndex piece) { ++have[piece.value]; });
    }
    for (const PieceIndex piece : peer.queue) ENSURE(contains(progress_.at(piece).holders, key));
    queued += peer.queue.size();
  }
  ENSURE(seeders == seeders_);
  ENSURE(!paces_ || *paces_ == measured_paces());
  std::size_t held = 0;
  std::size_t free_pieces = 0;
  for (PieceIndex piece; piece.value < pieces_.size(); ++piece) {
    const Piece& here = pieces_[piece.value];
    ENSURE(here.have == have[piece.value]);
    ENSURE(free_.has(piece) == (here.state == State::free));
    ENSURE(verified_.has(piece) == (here.state == State::verified));
    ENSURE(progress_.contains(piece) ==
           (here.state != State::free && here.state != State::verified && here.state != State::unwanted));
    ENSURE(here.state != State::unwanted || !wanted_.has(piece));
    if (here.state == State::free) {
      ++free_pieces;
      ENSURE(buckets_[here.have][here.bucket_slot] == piece);
    }
  }
  std::size_t in_buckets = 0;
  for (const auto& bucket : buckets_) in_buckets += bucket.size();
  ENSURE(in_buckets == free_pieces);
  for (const auto& [piece, progress] : progress_) {
    const State state = pieces_[piece.value].state;
    ENSURE((state == State::begun) == begun_.contains(piece));
    ENSURE((state == State::fetched) == !progress.holders.empty());
    ENSURE((state == State::complete) == (progress.came == blocks_mask(piece)));
    ENSURE(state != State::begun || (progress.came != 0 && !progress.alone));
    ENSURE(progress.holders.size() <= 2 && (progress.holders.size() < 2 || !progress.alone));
    held += progress.holders.size();
  }
  ENSURE(
      std::all_of(begun_.begin(), begun_.end(), [&](PieceIndex piece) { return progress_.contains(piece); }));
  ENSURE(held == queued && duplicates() <= duplicates_max);
}

}  // namespace tutti
