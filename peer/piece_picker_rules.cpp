// The picker's part that decides which piece a peer is asked for next, and when to look again.

#include <algorithm>
#include <bit>

#include "actors/ensure.hpp"
#include "peer/piece_picker.hpp"

namespace tutti {
namespace {

/// How long `bytes` take at `bytes_per_second`; an hour at most, which is as good as never.
Duration time_for(ByteCount bytes, std::uint64_t bytes_per_second) {
  const double seconds =
      static_cast<double>(bytes.value) / static_cast<double>(std::max<std::uint64_t>(bytes_per_second, 1));
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(seconds, 3600.0)));
}

}  // namespace

// --- pace ---------------------------------------------------------------------------------------------------

std::uint64_t PiecePicker::pace_of(const Peer& peer, std::uint64_t fallback) const {
  // As of its last sign: silence after that must not make it look like a peer from which little is to be expected.
  return peer.meter.known() ? std::max<std::uint64_t>(peer.meter.bytes_per_second(peer.last_sign), 1)
                            : fallback;
}

PiecePicker::Paces PiecePicker::measured_paces() const {
  Paces measured{rate_assumed, 0};
  std::vector<std::uint64_t> each;
  for (const auto& [key, peer] : peers_) {
    if (!peer.meter.known()) continue;
    each.push_back(pace_of(peer, 0));
    if (seeder(peer)) measured.seeders += each.back();
  }
  if (each.empty()) return measured;
  const auto middle = each.begin() + static_cast<std::ptrdiff_t>(each.size() / 2);
  std::nth_element(each.begin(), middle, each.end());
  measured.usual = *middle;
  return measured;
}

const PiecePicker::Paces& PiecePicker::paces() const {
  if (!paces_) paces_ = measured_paces();
  return *paces_;
}

Instant PiecePicker::stalled_from(const Peer& peer, std::uint64_t fallback) const {
  return peer.last_sign + stall_grace + stall_factor * time_for(block_size, pace_of(peer, fallback));
}

bool PiecePicker::stalled(PeerKey key, Instant now) const {
  const auto found = peers_.find(key);
  return found != peers_.end() && !found->second.queue.empty() &&
         now >= stalled_from(found->second, usual_pace());
}

// --- picking ------------------------------------------------------------------------------------------------

std::optional<Pick> PiecePicker::pick(PeerKey key, Instant now, Random& random) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return std::nullopt;
  const Peer& peer = found->second;
  if (!peer.queue.empty() && (peer.snubbed || stalled(key, now))) return std::nullopt;

  const bool trusted = !suspect(key);
  if (trusted) {
    if (const auto piece = pick_begun(peer)) return reserve(key, *piece, false, {}, now);
    if (const auto piece = pick_laggard(key, peer, now)) return reserve(key, *piece, true, {}, now);
  }
  if (const auto piece = pick_free(key, peer, now, random)) return reserve(key, *piece, false, {}, now);
  if (!trusted)
    if (const auto piece = pick_begun(peer)) {
      begin_anew(*piece);
      return reserve(key, *piece, false, {}, now);
    }
  if (peer.snubbed) return std::nullopt;
  const bool helps = part_ && seeder(peer);
  if (helps && !may_help(layout_.piece_length(), now)) return std::nullopt;
  if (const auto piece = pick_stalled(key, peer, now)) {
    if (helps) help_.asked(missing_bytes(*piece, progress_.at(*piece)));
    std::vector<PeerKey> losers = progress_.at(*piece).holders;
    for (const PeerKey loser : losers) {
      unreserve(loser, *piece, now);
      peers_.at(loser).snubbed = true;
    }
    if (!trusted) begin_anew(*piece);
    return reserve(key, *piece, false, std::move(losers), now);
  }
  if (const auto piece = pick_duplicate(key, peer, now)) {
    if (helps) help_.asked(missing_bytes(*piece, progress_.at(*piece)));
    const Progress& progress = progress_.at(*piece);
    if (!progress.alone) return reserve(key, *piece, true, {}, now);
    const PeerKey slower = progress.holders.front();
    unreserve(slower, *piece, now);
    return reserve(key, *piece, false, {slower}, now);
  }
  return std::nullopt;
}

std::optional<PieceIndex> PiecePicker::pick_begun(const Peer& peer) const {
  std::optional<PieceIndex> best;
  ByteCount best_missing;
  for (const PieceIndex piece : begun_) {
    if (!peer.has.has(piece)) continue;
    const ByteCount missing = missing_bytes(piece, progress_.at(piece));
    if (best && missing >= best_missing) continue;
    best = piece;
    best_missing = missing;
  }
  return best;
}

void PiecePicker::share_out(std::optional<Bitfield> part) {
  ENSURE(!part || part->size() == layout_.piece_count());
  part_ = std::move(part);
}

std::optional<PieceIndex> PiecePicker::pick_free(PeerKey key, const Peer& peer, Instant now, Random& random) {
  if (picks_in_order()) return pick_in_order(key, peer, random);
  if (part_ && seeder(peer)) return pick_shared_out(peer, now, random);
  return verified_.none() || at_random_ ? pick_any(peer.has, random) : pick_rarest(peer, random);
}

std::optional<PieceIndex> PiecePicker::pick_shared_out(const Peer& peer, Instant now, Random& random) {
  std::vector<PieceIndex> own;
  for (std::size_t i = 0; i < free_.words().size() && own.size() < near; ++i)
    Bitfield::for_each_in(i, free_.words()[i] & part_->words()[i], [&](PieceIndex piece) {
      if (pieces_[piece.value].have == 0 && own.size() < near) own.push_back(piece);
    });
  if (!own.empty()) {
    help_.own_part_goes_on(now);
    return own[random.below(own.size())];
  }
  if (!may_help(layout_.piece_length(), now)) return std::nullopt;
  const std::optional<PieceIndex> piece = pick_rarest(peer, random);
  if (piece) help_.asked(layout_.piece_size(*piece));
  return piece;
}

/// Whether seeders are asked for what is not of our part, or what others are at.
bool PiecePicker::may_help(ByteCount bytes, Instant now) { return help_.allows(bytes, seeders_pace(), now); }

std::optional<PieceIndex> PiecePicker::pick_in_order(PeerKey key, const Peer& peer, Random& random) const {
  if (peers_.size() == 1) return free_at(peer.has, 0);
  const std::uint64_t candidates = count_free(peer.has);
  if (candidates == 0) return std::nullopt;
  if (peer.meter.known()) return free_at(peer.has, std::min(pieces_meanwhile(key, peer), candidates - 1));
  return free_at(peer.has, in_order_ ? 0 : candidates / 2 + random.below(candidates - candidates / 2));
}

/// The first piece that is far behind what the others are at, if this peer would be much quicker than its holder.
std::optional<PieceIndex> PiecePicker::pick_laggard(PeerKey key, const Peer& peer, Instant now) const {
  if (!picks_in_order() || duplicates() >= duplicates_max) return std::nullopt;
  const std::uint32_t far =
      static_cast<std::uint32_t>(std::max(lag_pieces_min, lag_max.value / layout_.piece_length().value));
  const std::optional<PieceIndex> at = free_at(peer.has, 0);
  if (!at) return std::nullopt;
  const std::uint64_t fallback = usual_pace();
  for (const auto& [piece, progress] : progress_) {
    if (piece.value + far > at->value) return std::nullopt;
    if (progress.alone) continue;
    const std::optional<Instant> from = duplicate_from(key, peer, piece, progress, fallback);
    if (from && *from < now) return piece;
  }
  return std::nullopt;
}

/// How many free pieces the others will take before this peer, of a known pace, has sent one that it is asked for now.
std::uint64_t PiecePicker::pieces_meanwhile(PeerKey key, const Peer& peer) const {
  const Duration our_time = time_for(outstanding(key) + layout_.piece_length(), pace_of(peer, 0));
  const double seconds = std::chrono::duration<double>(our_time).count();
  double ahead = 0;
  for (const auto& [other, state] : peers_) {
    if (other == key || !state.meter.known()) continue;
    const double sends = static_cast<double>(pace_of(state, 0)) * seconds;
    ahead += std::max(0.0, sends - static_cast<double>(outstanding(other).value));
  }
  // Those that are as quick take one meanwhile, which is in nobody's way.
  const auto piece = static_cast<double>(layout_.piece_length().value);
  return static_cast<std::uint64_t>(std::max(0.0, ahead - piece) / piece);
}

std::uint64_t PiecePicker::count_free(const Bitfield& of) const {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < free_.words().size(); ++i)
    count += static_cast<std::uint64_t>(std::popcount(free_.words()[i] & of.words()[i]));
  return count;
}

/// The free piece of `of` before which there are `position` others.
std::optional<PieceIndex> PiecePicker::free_at(const Bitfield& of, std::uint64_t position) const {
  std::optional<PieceIndex> result;
  for (std::size_t i = 0; i < free_.words().size() && !result; ++i) {
    const std::uint64_t word = free_.words()[i] & of.words()[i];
    const auto here = static_cast<std::uint64_t>(std::popcount(word));
    if (position >= here) {
      position -= here;
      continue;
    }
    Bitfield::for_each_in(i, word, [&](PieceIndex piece) {
      if (position-- == 0) result = piece;
    });
  }
  return result;
}

std::optional<PieceIndex> PiecePicker::pick_any(const Bitfield& of, Random& random) const {
  const std::uint64_t candidates = count_free(of);
  return candidates == 0 ? std::nullopt : free_at(of, random.below(candidates));
}

std::optional<PieceIndex> PiecePicker::pick_rarest(const Peer& peer, Random& random) const {
  const auto bucket =
      std::find_if(buckets_.begin(), buckets_.end(), [](const auto& each) { return !each.empty(); });
  if (bucket == buckets_.end()) return std::nullopt;
  // A peer that has most pieces has one of the rarest after a draw or two. Draws that miss are drawn again, so each
  // piece that it has is equally likely.
  constexpr int draws = 8;
  for (int i = 0; i < draws; ++i) {
    const PieceIndex piece = (*bucket)[random.below(bucket->size())];
    if (peer.has.has(piece)) return piece;
  }
  return scan_rarest(peer, random);
}

std::optional<PieceIndex> PiecePicker::scan_rarest(const Peer& peer, Random& random) const {
  std::optional<PieceIndex> rarest;
  std::uint32_t fewest = 0;
  std::uint64_t ties = 0;
  for (std::size_t i = 0; i < free_.words().size(); ++i) {
    Bitfield::for_each_in(i, free_.words()[i] & peer.has.words()[i], [&](PieceIndex piece) {
      const std::uint32_t have = pieces_[piece.value].have;
      if (!rarest || have < fewest) {
        rarest = piece;
        fewest = have;
        ties = 1;
      } else if (have == fewest && random.below(++ties) == 0) {
        rarest = piece;
      }
    });
  }
  return rarest;
}

std::optional<PieceIndex> PiecePicker::pick_stalled(PeerKey key, const Peer& peer, Instant now) const {
  const std::uint64_t fallback = usual_pace();
  std::optional<PieceIndex> best;
  ByteCount best_missing;
  for (const auto& [piece, progress] : progress_) {
    if (pieces_[piece.value].state != State::fetched || !peer.has.has(piece) || holds(progress, key))
      continue;
    const bool all_stalled =
        std::all_of(progress.holders.begin(), progress.holders.end(),
                    [&](PeerKey holder) { return now >= stalled_from(peers_.at(holder), fallback); });
    const ByteCount missing = missing_bytes(piece, progress);
    if (!all_stalled || (best && missing >= best_missing)) continue;
    best = piece;
    best_missing = missing;
  }
  return best;
}

std::optional<Instant> PiecePicker::duplicate_from(PeerKey key, const Peer& peer, PieceIndex piece,
                                                   const Progress& progress, std::uint64_t fallback) const {
  if (pieces_[piece.value].state != State::fetched || !peer.has.has(piece) || progress.holders.size() != 1 ||
      progress.holders.front() == key || (suspect(key) && !progress.alone))
    return std::nullopt;
  const Peer& holder = peers_.at(progress.holders.front());
  const ByteCount ours = owed_until(peer, peer.queue.empty() ? piece : peer.queue.back()) +
                         (progress.alone ? layout_.piece_size(piece) : missing_bytes(piece, progress));
  const Duration our_time = time_for(ours, pace_of(peer, fallback));
  const Duration its_time = time_for(owed_until(holder, piece), pace_of(holder, fallback));
  // What a silent holder still needs grows with its silence.
  return holder.last_sign + 2 * our_time - its_time;
}

std::optional<PieceIndex> PiecePicker::pick_duplicate(PeerKey key, const Peer& peer, Instant now) const {
  const bool may_duplicate = duplicates() < duplicates_max;
  const std::uint64_t fallback = usual_pace();
  std::optional<PieceIndex> best;
  Instant best_from{};
  for (const auto& [piece, progress] : progress_) {
    if (!may_duplicate && !progress.alone) continue;
    const std::optional<Instant> from = duplicate_from(key, peer, piece, progress, fallback);
    if (!from || *from >= now || (best && *from >= best_from)) continue;
    best = piece;
    best_from = *from;
  }
  return best;
}

std::optional<Instant> PiecePicker::review_at(PeerKey key, Instant now) const {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return std::nullopt;
  const Peer& peer = found->second;
  const bool helps = part_ && seeder(peer);
  const Instant help_from = helps ? help_.allowed_from(layout_.piece_length(), seeders_pace()) : Instant{};
  // Also one that has stalled may be needed for the others' part, and nothing else would ask it again.
  if (helps && peer.queue.empty() && !free_.none())
    return std::max(help_from, now) + std::chrono::milliseconds(1);
  if (peer.snubbed || stalled(key, now)) return std::nullopt;
  const std::uint64_t fallback = usual_pace();
  const bool may_duplicate = duplicates() < duplicates_max;
  std::optional<Instant> result;
  const auto consider = [&](Instant moment) { result = result ? std::min(*result, moment) : moment; };
  for (const auto& [piece, progress] : progress_) {
    if (pieces_[piece.value].state != State::fetched || !peer.has.has(piece) || holds(progress, key))
      continue;
    Instant last{};
    for (const PeerKey holder : progress.holders)
      last = std::max(last, stalled_from(peers_.at(holder), fallback));
    consider(last);
    if (!may_duplicate && !progress.alone) continue;
    if (const auto from = duplicate_from(key, peer, piece, progress, fallback)) consider(*from);
  }
  if (helps && !free_.none()) consider(help_from);
  // Never at once: whoever asks has just heard that there is nothing.
  if (result) result = std::max({*result, now, help_from}) + std::chrono::milliseconds(1);
  return result;
}

std::size_t PiecePicker::duplicates() const {
  return static_cast<std::size_t>(std::count_if(
      progress_.begin(), progress_.end(), [](const auto& entry) { return entry.second.holders.size() > 1; }));
}

}  // namespace tutti
