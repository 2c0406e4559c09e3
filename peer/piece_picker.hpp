#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "actors/random.hpp"
#include "actors/time.hpp"
#include "messages/units.hpp"
#include "peer/bitfield.hpp"
#include "peer/help_budget.hpp"
#include "peer/piece_layout.hpp"
#include "peer/rate_meter.hpp"

namespace tutti {

/// Names a peer to a picker and to the hashers. Chosen by the scheduler: one for each remote client, kept when it comes
/// back, so that a ban outlives a link.
using PeerKey = Unit<struct PeerKeyTag, std::uint64_t>;

/// What one peer is to be asked for.
struct Pick {
  PieceIndex piece;
  /// In the order in which to ask for them. Never empty.
  std::vector<BlockIndex> blocks;
  /// Goes with every request and block of the piece. A higher one than before: what came of this piece is void, begin
  /// it anew. A block that comes with a lower one than the piece has: drop it.
  std::uint32_t attempt = 0;
  /// These have lost the piece to this pick: cancel at them what they still owe of it.
  std::vector<PeerKey> cancel_at;
};

/// Whose fault a corrupt piece is.
struct Blame {
  /// All of it came from this peer.
  std::optional<PeerKey> culprit;
};

/// Decides which piece of one file is fetched next and from whom. Owns what is known about the peers' pieces, the
/// reservations (who is to send what) and the pace of each peer. Knows no time and no chance but what it is given.
///
/// pick() reserves what it returns, so two peers are never sent for the same thing by accident. A stalled peer gets
/// nothing more; one that lost a piece by stalling gets one piece at a time until it sends a block. Else the first rule
/// that finds something wins:
/// 1. A piece that has been begun and that nobody fetches any more: what is whole sooner can be verified, served and
///    written off sooner. Its missing blocks, from one peer.
/// 2. While there is a seeder and nobody to trade with (prefer_start): in order, so that whoever hashes the whole can
///    follow. A peer that needs longer than the others is given a piece as far ahead as they will be by then, so that
///    nobody has to wait for it there; one whose pace is not known yet, while there are others, one of the second half.
///    If a piece lags far behind all the same, a second peer is sent for it as in the endgame. The same if the user
///    wants the pieces in order (in_order), but that who is not known begins at the start, too.
///    Until one piece is verified: any piece, uniformly at random. A newcomer needs something to trade quickly, rare
///    pieces are slow, and newcomers that choose alike would have nothing for each other.
/// 3. From a seeder, while those who fetch beside us share the pieces out (share_out): one of our part that none of them
///    has yet, at random among the lowest `near` (the parts differ, so the order needs not, and whoever hashes the whole
///    can follow). The rest comes from the others, so the first copy leaves a lone seeder once and not once for
///    everybody. It is taken from a seeder, too, rarest first, as far as the HelpBudget allows. So are the two rules
///    that follow the next one: what comes slowly from somebody else is no reason to send for another copy at once.
/// 4. The rarest piece, ties uniformly at random: what only one peer has may leave with it, and peers that choose
///    alike would have nothing for each other.
/// 5. A piece of a peer that is stalled: it has not sent anything for `stall_factor` times as long as a block takes at
///    its own measured rate, and `stall_grace` more. A fixed time would be too short on a slow line and far too long
///    on a fast one. The reservation moves; the blocks that have come stay.
/// 6. Endgame: a block-wise second reservation of the piece that would be finished last, if this peer would do it in
///    less than half the time that its holder still needs. Blocks are asked for from the end, so that the two meet.
///    Bounded: two holders a piece, `duplicates_max` such pieces at a time; so at most that much arrives twice. A piece
///    that one peer is to send alone moves in that case, and begins anew: a file must not wait for a slow one.
/// A whole piece is from one peer wherever that is possible, so a bad piece has one author.
///
/// Blame: if one peer sent all of a corrupt piece, it is removed and never picked for again. If several did, all of
/// them are under suspicion (unless one of them is convicted by now): what they are picked for from then on they send
/// alone, and it begins anew when another peer is to go on with it. So is a piece that was corrupt once. The next bad
/// piece then convicts.
///
/// Availability (how many peers have a piece) is derived: it changes only with a peer's bitfield, and a peer that
/// leaves takes out exactly what its bitfield holds. check_invariants() counts it again.
///
/// Cost: pick is O(1) expected for a peer that has most pieces, O(pieces / 64 + what the peer has) at worst; rules 5
/// and 6 are O(reservations). have and received are O(1); a peer that joins or leaves O(pieces it has), a seeder O(1).
class PiecePicker {
 public:
  static constexpr unsigned stall_factor = 4;
  static constexpr Duration stall_grace = std::chrono::milliseconds(250);
  static constexpr std::size_t duplicates_max = 4;
  static constexpr std::size_t near = 16;
  /// Picked in order, a piece may be so far behind, or so many pieces, until somebody else is sent for it, too.
  static constexpr ByteCount lag_max{16U << 20U};
  static constexpr std::uint64_t lag_pieces_min = 4;
  /// What a peer is thought to do while nobody's pace is known, in bytes per second.
  static constexpr std::uint64_t rate_assumed = 256U << 10U;

  /// `verified` is what we have already, `wanted` what we are to have; their sizes must be that of the layout.
  PiecePicker(const PieceLayout& layout, const Bitfield& verified, const Bitfield& wanted);
  PiecePicker(const PieceLayout& layout, const Bitfield& verified)
      : PiecePicker(layout, verified, Bitfield::full(layout.piece_count())) {}

  // --- the peers ---
  /// A peer has opened the file. `has` must have as many bits as the file pieces. Nothing happens if the peer is
  /// convicted; a peer that is there already must not be added again.
  void add_peer(PeerKey peer, const Bitfield& has);
  /// A peer has this piece, too. False: that was known, or the peer is not.
  bool peer_has(PeerKey peer, PieceIndex piece);
  /// A peer has said (by rejecting) that it does not have this piece after all. Releases it too.
  void peer_lacks(PeerKey peer, PieceIndex piece, Instant now);
  /// The peer is gone. What it was to send is free for others; blocks that have come stay.
  void remove_peer(PeerKey peer);
  bool knows(PeerKey peer) const { return peers_.contains(peer); }
  /// A peer that is known and has everything.
  bool is_seeder(PeerKey peer) const { return knows(peer) && seeder(peers_.at(peer)); }
  /// Convicted of a bad piece.
  bool banned(PeerKey peer) const { return banned_.contains(peer); }

  // --- fetching ---
  /// Whether pieces are picked from the start on as long as there is a seeder: nobody else who fetches can be counted on.
  void prefer_start(bool on) { from_start_ = on; }
  /// Which pieces are ours to fetch from seeders, as others fetch beside us; nothing: all of them.
  void share_out(std::optional<Bitfield> part);
  /// Whether pieces are picked from the start on whoever else fetches the file.
  void in_order(bool on) { in_order_ = on; }
  /// Whether any piece is as good as another. Slower for everybody; what the other rules are measured against.
  void at_random(bool on) { at_random_ = on; }
  /// The peer could not be asked for what it is to send until now: its silence was ours.
  void excuse(PeerKey peer, Instant now);
  /// Picks for `peer` and reserves. Nothing: there is nothing for it to do now; see review_at.
  std::optional<Pick> pick(PeerKey peer, Instant now, Random& random);
  /// When pick(peer) can find something even if nothing else happens: the moment at which somebody is going to count as
  /// stalled or too slow. Nothing if no such moment is in sight.
  std::optional<Instant> review_at(PeerKey peer, Instant now) const;
  /// The peer will not send this piece (rejected as busy, or we took it back). Blocks that have come stay.
  void release(PeerKey peer, PieceIndex piece, Instant now);
  /// A block of this attempt has come from `peer`. The answer: who else is to send it; cancel it there. Blocks of an
  /// older attempt only show the peer's pace.
  std::vector<PeerKey> received(PeerKey peer, PieceIndex piece, BlockIndex block, std::uint32_t attempt,
                                Instant now);

  // --- verdicts ---
  /// All blocks of the piece came and were right.
  void verified(PieceIndex piece, Instant now);
  /// The piece is not what the metainfo says. `sources`: whose blocks it was made of. If they were one peer's, it is
  /// convicted, that is gone from the picker, which fetches nothing of this file from it any more; or, if a wrong piece
  /// proves nothing (`convicts`), it has just not this piece.
  Blame corrupt(PieceIndex piece, std::span<const PeerKey> sources, Instant now, bool convicts = true);
  /// A piece that we had is gone (read back wrong, or the disk failed to write it). Nobody's fault.
  void lost(PieceIndex piece, Instant now);

  // --- questions ---
  /// All that is wanted is verified.
  bool complete() const;
  const Bitfield& verified_pieces() const { return verified_; }
  /// Pieces that we need and no peer here has: without a new peer the file cannot be completed.
  std::uint32_t pieces_without_source() const;
  /// True if the peer has a piece that is wanted and not verified yet.
  bool interesting(PeerKey peer) const;
  /// How many peers here have a piece.
  std::uint32_t availability(PieceIndex piece) const;
  /// Bytes that this peer is to send.
  ByteCount outstanding(PeerKey peer) const;
  /// Its pace while something was due; 0 while unknown.
  std::uint64_t bytes_per_second(PeerKey peer) const;
  bool stalled(PeerKey peer, Instant now) const;
  /// What all seeders do for us together, in bytes per second; 0 while that is not known of any.
  std::uint64_t seeders_pace() const { return paces().seeders; }
  void check_invariants() const;

 private:
  /// unwanted: it is not to be fetched, for good. free: nobody fetches it, nothing of it is here. begun: nobody fetches it, some blocks are here.
  /// free -> fetched (pick) -> free | begun (release) -> fetched (pick); fetched | begun -> complete (last block)
  /// -> verified | free (corrupt, lost); verified -> free (lost).
  enum class State : std::uint8_t { unwanted, free, begun, fetched, complete, verified };
  struct Piece {
    State state = State::free;
    bool was_corrupt = false;  ///< from now on it is fetched from one peer alone
    std::uint32_t attempt = 0;
    std::uint32_t have = 0;         ///< peers that have it and are no seeders
    std::uint32_t bucket_slot = 0;  ///< where it stands in buckets_[have] while free
  };
  /// Of a piece that is begun, fetched or complete. Every holder owes every block that has not come.
  struct Progress {
    std::uint32_t came = 0;  ///< bit i: block i is here
    std::vector<PeerKey> holders;
    std::vector<PeerKey> sources;
    bool alone = false;  ///< what comes of it is void as soon as somebody else is to go on
  };
  struct Peer {
    Bitfield has;
    std::uint32_t pieces = 0;       ///< in `has`
    std::vector<PieceIndex> queue;  ///< reserved for it, in the order of its picks
    RateMeter meter;                ///< runs while something is due
    Instant last_sign{};            ///< the last block, or since when something is due
    bool snubbed = false;           ///< lost a piece by stalling and has not sent a block since
  };

  /// In bytes per second: of the one in the middle, and of all seeders together.
  struct Paces {
    std::uint64_t usual = 0;
    std::uint64_t seeders = 0;
    bool operator==(const Paces&) const = default;
  };

  bool seeder(const Peer& peer) const { return peer.pieces == layout_.piece_count(); }
  std::uint32_t blocks_mask(PieceIndex piece) const;
  ByteCount missing_bytes(PieceIndex piece, const Progress& progress) const;
  ByteCount owed_until(const Peer& peer, PieceIndex last) const;
  bool suspect(PeerKey peer) const { return suspects_.contains(peer); }
  static bool holds(const Progress& progress, PeerKey peer) {
    return std::find(progress.holders.begin(), progress.holders.end(), peer) != progress.holders.end();
  }

  void set_state(PieceIndex piece, State state);
  void change_have(PieceIndex piece, bool more);
  void count_bitfield(const Peer& peer, bool more);
  void enter_bucket(PieceIndex piece);
  void leave_bucket(PieceIndex piece);

  // Which piece, and when to look again (piece_picker_rules.cpp).
  std::uint64_t pace_of(const Peer& peer, std::uint64_t fallback) const;
  Paces measured_paces() const;
  const Paces& paces() const;
  std::uint64_t usual_pace() const { return paces().usual; }
  Instant stalled_from(const Peer& peer, std::uint64_t fallback) const;
  std::optional<PieceIndex> pick_begun(const Peer& peer) const;
  std::optional<PieceIndex> pick_free(PeerKey key, const Peer& peer, Instant now, Random& random);
  std::optional<PieceIndex> pick_in_order(PeerKey key, const Peer& peer, Random& random) const;
  bool picks_in_order() const { return in_order_ || (from_start_ && seeders_ > 0 && !at_random_); }
  std::optional<PieceIndex> pick_laggard(PeerKey key, const Peer& peer, Instant now) const;
  std::uint64_t pieces_meanwhile(PeerKey key, const Peer& peer) const;
  std::uint64_t count_free(const Bitfield& of) const;
  std::optional<PieceIndex> free_at(const Bitfield& of, std::uint64_t position) const;
  std::optional<PieceIndex> pick_any(const Bitfield& of, Random& random) const;
  std::optional<PieceIndex> pick_shared_out(const Peer& peer, Instant now, Random& random);
  bool may_help(ByteCount bytes, Instant now);
  std::optional<PieceIndex> pick_rarest(const Peer& peer, Random& random) const;
  std::optional<PieceIndex> scan_rarest(const Peer& peer, Random& random) const;
  std::optional<PieceIndex> pick_stalled(PeerKey key, const Peer& peer, Instant now) const;
  std::optional<PieceIndex> pick_duplicate(PeerKey key, const Peer& peer, Instant now) const;
  std::optional<Instant> duplicate_from(PeerKey key, const Peer& peer, PieceIndex piece,
                                        const Progress& progress, std::uint64_t fallback) const;
  std::size_t duplicates() const;

  Pick reserve(PeerKey key, PieceIndex piece, bool from_the_end, std::vector<PeerKey> cancel_at, Instant now);
  void unreserve(PeerKey key, PieceIndex piece, Instant now);
  void leave_queue(PeerKey key, PieceIndex piece, Instant now);
  void settle_released(PieceIndex piece);
  void begin_anew(PieceIndex piece);
  void convict(PeerKey peer);

  PieceLayout layout_;
  Bitfield verified_;
  Bitfield wanted_;
  Bitfield free_;
  std::vector<Piece> pieces_;
  std::vector<std::vector<PieceIndex>> buckets_;  ///< free pieces by `have`
  std::map<PieceIndex, Progress> progress_;
  std::set<PieceIndex> begun_;
  std::map<PeerKey, Peer> peers_;
  std::uint32_t seeders_ = 0;
  /// As long as nothing has changed by which they are measured: most that are fed get nothing, and all are asked for.
  mutable std::optional<Paces> paces_;
  bool from_start_ = false;
  std::optional<Bitfield> part_;
  HelpBudget help_;
  bool in_order_ = false;
  bool at_random_ = false;
  std::set<PeerKey> suspects_;
  std::set<PeerKey> banned_;
};

}  // namespace tutti
