#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "peer/piece_picker.hpp"

namespace tutti {
namespace {

using PieceSet = std::set<std::uint32_t>;

/// What a picker must know, kept in the plainest way: sets, recounted for every question.
struct NaivePicker {
  struct Piece {
    std::set<std::uint32_t> came;
    std::set<PeerKey> holders;
    std::set<PeerKey> sources;
    std::uint32_t attempt = 0;
    bool alone = false;
    bool was_corrupt = false;
    bool verified = false;
  };
  explicit NaivePicker(const PieceLayout& of) : layout(of), pieces(of.piece_count()) {}

  bool complete(std::uint32_t i) const { return pieces[i].came.size() == layout.block_count({i}); }
  bool is_free(std::uint32_t i) const {
    return !pieces[i].verified && pieces[i].came.empty() && pieces[i].holders.empty();
  }
  bool is_begun(std::uint32_t i) const {
    return !pieces[i].verified && !pieces[i].came.empty() && pieces[i].holders.empty() && !complete(i);
  }
  std::size_t availability(std::uint32_t i) const {
    return static_cast<std::size_t>(
        std::count_if(peers.begin(), peers.end(), [&](const auto& peer) { return peer.second.contains(i); }));
  }
  bool any_verified() const {
    return std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.verified; });
  }
  std::uint64_t missing(std::uint32_t i) const {
    std::uint64_t bytes = 0;
    for (std::uint32_t block = 0; block < layout.block_count({i}); ++block)
      if (!pieces[i].came.contains(block)) bytes += layout.block_length({i}, {block}).value;
    return bytes;
  }
  std::uint64_t outstanding(PeerKey peer) const {
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < pieces.size(); ++i)
      if (pieces[i].holders.contains(peer)) bytes += missing(i);
    return bytes;
  }
  template <class Rule>
  PieceSet those(PeerKey peer, Rule&& rule) const {
    PieceSet result;
    for (const std::uint32_t i : peers.at(peer))
      if (rule(i)) result.insert(i);
    return result;
  }
  PieceSet rarest(const PieceSet& candidates) const {
    std::size_t fewest = SIZE_MAX;
    for (const std::uint32_t i : candidates) fewest = std::min(fewest, availability(i));
    PieceSet result;
    for (const std::uint32_t i : candidates)
      if (availability(i) == fewest) result.insert(i);
    return result;
  }

  void anew(std::uint32_t i) {
    Piece& piece = pieces[i];
    piece = Piece{{}, {}, {}, piece.attempt + 1, false, piece.was_corrupt, false};
  }
  void drop(PeerKey peer, std::uint32_t i) {
    Piece& piece = pieces[i];
    if (piece.holders.erase(peer) == 0 || !piece.holders.empty()) return;
    if (piece.alone) anew(i);
  }
  void remove(PeerKey peer) {
    for (std::uint32_t i = 0; i < pieces.size(); ++i) drop(peer, i);
    peers.erase(peer);
  }

  PieceLayout layout;
  std::vector<Piece> pieces;
  std::map<PeerKey, PieceSet> peers;
  std::set<PeerKey> banned;
  std::set<PeerKey> suspects;
  std::set<PeerKey> snubbed;
};

/// Does random things to a picker and to its naive twin, and compares what they say.
class Match {
 public:
  explicit Match(std::uint64_t seed)
      : random_(seed),
        layout_(size_of(random_), 2_MiB),
        naive_(layout_),
        picker_(layout_, Bitfield(layout_.piece_count())) {}

  void play(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      picker_.check_invariants();
      compare();
    }
  }

 private:
  /// 1 to 12 pieces of four blocks, the last with one to four.
  static ByteCount size_of(Random& random) { return {1 + random.below(12 * (2_MiB).value)}; }

  void step() {
    now_ +=
        std::chrono::microseconds(random_.below(10) == 0 ? random_.below(20'000'000) : random_.below(50'000));
    const PeerKey peer{1 + random_.below(5)};
    const auto piece = static_cast<std::uint32_t>(random_.below(layout_.piece_count()));
    switch (random_.below(12)) {
      case 0: return join(peer);
      case 1: return leave(peer);
      case 2: return has(peer, piece);
      case 3: return lacks(peer, piece);
      case 4: return release(peer, piece);
      case 5: return judge();
      case 6: return lose(piece);
      case 7:
      case 8: return pick(peer);
      default: return receive(peer);
    }
  }

  void join(PeerKey peer) {
    if (naive_.peers.contains(peer)) return;
    Bitfield has(layout_.piece_count());
    PieceSet set;
    const bool seeder = random_.chance(1, 3);
    for (std::uint32_t i = 0; i < layout_.piece_count(); ++i) {
      if (!seeder && random_.chance(1, 2)) continue;
      has.set({i});
      set.insert(i);
    }
    picker_.add_peer(peer, has);
    if (!naive_.banned.contains(peer)) naive_.peers[peer] = set;
    naive_.snubbed.erase(peer);
  }
  void leave(PeerKey peer) {
    if (!random_.chance(1, 3)) return;
    picker_.remove_peer(peer);
    naive_.remove(peer);
  }
  void has(PeerKey peer, std::uint32_t piece) {
    picker_.peer_has(peer, {piece});
    if (naive_.peers.contains(peer)) naive_.peers[peer].insert(piece);
  }
  void lacks(PeerKey peer, std::uint32_t piece) {
    if (!random_.chance(1, 3)) return;
    picker_.peer_lacks(peer, {piece}, now_);
    if (!naive_.peers.contains(peer) || naive_.peers[peer].erase(piece) == 0) return;
    naive_.drop(peer, piece);
  }
  void release(PeerKey peer, std::uint32_t piece) {
    picker_.release(peer, {piece}, now_);
    naive_.drop(peer, piece);
  }
  void lose(std::uint32_t piece) {
    if (!naive_.pieces[piece].verified && !naive_.complete(piece)) return;
    picker_.lost({piece}, now_);
    naive_.anew(piece);
  }

  void judge() {
    for (std::uint32_t i = 0; i < layout_.piece_count(); ++i) {
      NaivePicker::Piece& piece = naive_.pieces[i];
      if (piece.verified || !naive_.complete(i)) continue;
      if (random_.chance(2, 3)) {
        picker_.verified({i}, now_);
        const std::uint32_t attempt = piece.attempt;
        piece = NaivePicker::Piece{};
        piece.attempt = attempt;
        piece.verified = true;
      } else {
        convict(i);
      }
      return;
    }
  }
  void convict(std::uint32_t i) {
    const std::set<PeerKey> sources = naive_.pieces[i].sources;
    const Blame blame = picker_.corrupt({i}, std::vector<PeerKey>(sources.begin(), sources.end()), now_);
    naive_.anew(i);
    naive_.pieces[i].was_corrupt = true;
    BOOST_REQUIRE(blame.culprit.has_value() == (sources.size() == 1));
    if (!blame.culprit) {
      const bool known = std::any_of(sources.begin(), sources.end(),
                                     [&](PeerKey source) { return naive_.banned.contains(source); });
      if (!known) naive_.suspects.insert(sources.begin(), sources.end());
      return;
    }
    BOOST_REQUIRE(*blame.culprit == *sources.begin());
    naive_.banned.insert(*blame.culprit);
    naive_.remove(*blame.culprit);
    for (std::uint32_t other = 0; other < layout_.piece_count(); ++other)
      if (naive_.is_begun(other) && naive_.pieces[other].sources.contains(*blame.culprit)) naive_.anew(other);
  }

  void receive(PeerKey peer) {
    // Mostly something that the peer owes, sometimes something late or never asked for.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> owed;
    for (std::uint32_t i = 0; i < layout_.piece_count(); ++i)
      for (std::uint32_t block = 0; block < layout_.block_count({i}); ++block)
        if ((naive_.pieces[i].holders.contains(peer) && !naive_.pieces[i].came.contains(block)) ||
            random_.chance(1, 300))
          owed.emplace_back(i, block);
    if (owed.empty()) return;
    const auto [i, block] = owed[random_.below(owed.size())];
    NaivePicker::Piece& piece = naive_.pieces[i];
    const bool stale = piece.attempt > 0 && random_.chance(1, 5);
    // A suspect's block comes only for a piece that was picked for it: what it had before is of another attempt.
    if (!stale && !piece.holders.contains(peer) &&
        (piece.alone || naive_.suspects.contains(peer) || piece.was_corrupt))
      return;
    const auto cancels = picker_.received(peer, {i}, {block}, piece.attempt - (stale ? 1U : 0U), now_);
    naive_.snubbed.erase(peer);
    std::set<PeerKey> expected;
    if (!stale && !piece.verified && !naive_.complete(i) && piece.came.insert(block).second) {
      piece.sources.insert(peer);
      expected = piece.holders;
      expected.erase(peer);
      if (naive_.complete(i)) piece.holders.clear();
    }
    BOOST_REQUIRE(std::set<PeerKey>(cancels.begin(), cancels.end()) == expected);
  }

  void pick(PeerKey peer) {
    const bool may = naive_.peers.contains(peer) && !picker_.stalled(peer, now_) &&
                     !(naive_.snubbed.contains(peer) && naive_.outstanding(peer) > 0);
    const std::map<PeerKey, bool> stalled = who_is_stalled();
    const std::optional<Pick> pick = picker_.pick(peer, now_, random_);
    if (!may) {
      BOOST_REQUIRE(!pick);
      return;
    }
    const bool outpaced = check_rule(peer, pick, stalled);
    if (pick) book(peer, *pick, outpaced);
  }
  std::map<PeerKey, bool> who_is_stalled() const {
    std::map<PeerKey, bool> result;
    for (const auto& [peer, has] : naive_.peers) result[peer] = picker_.stalled(peer, now_);
    return result;
  }

  /// The pick must be one that the first rule with a candidate allows. True if it takes a piece from somebody who is not
  /// stalled, only slow.
  bool check_rule(PeerKey peer, const std::optional<Pick>& pick, const std::map<PeerKey, bool>& stalled) {
    const bool suspect = naive_.suspects.contains(peer);
    const PieceSet begun = naive_.those(peer, [&](std::uint32_t i) { return naive_.is_begun(i); });
    const PieceSet free = naive_.those(peer, [&](std::uint32_t i) { return naive_.is_free(i); });
    if (!begun.empty() && !suspect) return require(pick, begun);
    if (!free.empty()) return require(pick, naive_.any_verified() ? naive_.rarest(free) : free);
    if (!begun.empty()) return require(pick, begun);
    if (naive_.snubbed.contains(peer)) {
      BOOST_REQUIRE(!pick);
      return false;
    }
    const auto fetched_by_others = [&](std::uint32_t i) {
      return !naive_.pieces[i].holders.empty() && !naive_.pieces[i].holders.contains(peer);
    };
    const PieceSet stuck = naive_.those(peer, [&](std::uint32_t i) {
      const auto& holders = naive_.pieces[i].holders;
      return fetched_by_others(i) &&
             std::all_of(holders.begin(), holders.end(), [&](PeerKey holder) { return stalled.at(holder); });
    });
    if (!stuck.empty()) return require(pick, stuck);
    if (!pick) return false;
    // Endgame may find something or not (that is a matter of pace), but only such.
    const NaivePicker::Piece& piece = naive_.pieces[pick->piece.value];
    BOOST_REQUIRE(fetched_by_others(pick->piece.value) && piece.holders.size() == 1);
    if (piece.alone) {
      BOOST_REQUIRE(std::is_sorted(pick->blocks.begin(), pick->blocks.end()));
      BOOST_REQUIRE(!pick->cancel_at.empty());
      return true;
    }
    BOOST_REQUIRE(!suspect);
    BOOST_REQUIRE(pick->cancel_at.empty());
    BOOST_REQUIRE(std::is_sorted(pick->blocks.rbegin(), pick->blocks.rend()));
    std::size_t duplicates = 0;
    for (const auto& each : naive_.pieces) duplicates += each.holders.size() > 1 ? 1U : 0U;
    BOOST_REQUIRE(duplicates < PiecePicker::duplicates_max);
    return false;
  }
  static bool require(const std::optional<Pick>& pick, const PieceSet& candidates) {
    BOOST_REQUIRE(pick.has_value());
    BOOST_REQUIRE(candidates.contains(pick->piece.value));
    return false;
  }

  void book(PeerKey peer, const Pick& pick, bool outpaced) {
    const std::uint32_t i = pick.piece.value;
    NaivePicker::Piece& piece = naive_.pieces[i];
    const bool suspect = naive_.suspects.contains(peer);
    BOOST_REQUIRE(std::set<PeerKey>(pick.cancel_at.begin(), pick.cancel_at.end()) ==
                  (pick.cancel_at.empty() ? std::set<PeerKey>{} : piece.holders));
    const std::uint32_t before = piece.attempt;
    for (const PeerKey loser : pick.cancel_at) {
      if (!outpaced) naive_.snubbed.insert(loser);
      naive_.drop(loser, i);
    }
    // Whoever must be alone begins anew.
    if (suspect && !piece.came.empty()) naive_.anew(i);
    piece.alone = piece.alone || suspect || piece.was_corrupt;
    BOOST_REQUIRE(pick.attempt >= (piece.alone ? before + 1 : piece.attempt));
    piece.attempt = pick.attempt;
    piece.holders.insert(peer);
    BOOST_REQUIRE(!pick.blocks.empty());
    std::set<std::uint32_t> asked;
    for (const BlockIndex block : pick.blocks) BOOST_REQUIRE(asked.insert(block.value).second);
    for (std::uint32_t block = 0; block < layout_.block_count({i}); ++block)
      BOOST_REQUIRE(asked.contains(block) != piece.came.contains(block));
  }

  void compare() {
    std::uint32_t without = 0;
    for (std::uint32_t i = 0; i < layout_.piece_count(); ++i) {
      BOOST_REQUIRE(picker_.availability({i}) == naive_.availability(i));
      BOOST_REQUIRE(picker_.verified_pieces().has({i}) == naive_.pieces[i].verified);
      without += naive_.availability(i) == 0 && !naive_.pieces[i].verified && !naive_.complete(i) ? 1U : 0U;
    }
    BOOST_REQUIRE(picker_.pieces_without_source() == without);
    for (PeerKey peer{1}; peer.value <= 5; ++peer) {
      BOOST_REQUIRE(picker_.knows(peer) == naive_.peers.contains(peer));
      BOOST_REQUIRE(picker_.banned(peer) == naive_.banned.contains(peer));
      BOOST_REQUIRE(picker_.outstanding(peer).value == naive_.outstanding(peer));
      if (const auto review = picker_.review_at(peer, now_)) BOOST_REQUIRE(*review > now_);
    }
  }

  Random random_;
  PieceLayout layout_;
  NaivePicker naive_;
  PiecePicker picker_;
  Instant now_ = Instant{} + std::chrono::hours(1);
};

/// One file, peers of different pace, one of them silent from the middle on: nobody holds the file up.
Duration fetch_from(std::uint64_t seed, const std::vector<std::uint64_t>& paces, std::size_t* blocks_sent) {
  Random random(seed);
  const PieceLayout layout({60 * (2_MiB).value}, 2_MiB);
  PiecePicker picker(layout, Bitfield(layout.piece_count()));
  struct Remote {
    std::vector<std::pair<Pick, BlockIndex>> queue;
    Instant next{};
  };
  const Instant begin = Instant{} + std::chrono::hours(1);
  Instant now = begin;
  std::vector<Remote> remotes(paces.size());
  for (std::size_t i = 0; i < paces.size(); ++i) picker.add_peer({i}, Bitfield::full(layout.piece_count()));
  const auto block_time = [&](std::size_t i) {
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(block_size.value) / static_cast<double>(paces[i])));
  };
  const auto cancel = [&](PeerKey peer, PieceIndex piece, std::optional<BlockIndex> block) {
    std::erase_if(remotes[peer.value].queue, [&](const auto& entry) {
      return entry.first.piece == piece && (!block || entry.second == *block);
    });
  };
  std::map<std::size_t, Instant> wake;
  while (!picker.complete()) {
    for (std::size_t i = 0; i < paces.size(); ++i) {
      Remote& remote = remotes[i];
      while (remote.queue.size() < 8) {
        const auto pick = picker.pick({i}, now, random);
        if (!pick) break;
        if (remote.queue.empty()) remote.next = now + block_time(i);
        for (const PeerKey loser : pick->cancel_at) cancel(loser, pick->piece, std::nullopt);
        for (const BlockIndex block : pick->blocks) remote.queue.emplace_back(*pick, block);
      }
      wake.erase(i);
      if (remote.queue.empty())
        if (const auto review = picker.review_at({i}, now)) wake[i] = *review;
    }
    // The next thing that happens.
    std::optional<std::size_t> sender;
    for (std::size_t i = 0; i < paces.size(); ++i)
      if (!remotes[i].queue.empty() && (!sender || remotes[i].next < remotes[*sender].next)) sender = i;
    Instant next = sender ? remotes[*sender].next : Instant::max();
    for (const auto& [i, moment] : wake) {
      if (moment >= next) continue;
      next = moment;
      sender.reset();
    }
    BOOST_REQUIRE_MESSAGE(next != Instant::max(), "nothing will ever happen any more");
    now = next;
    if (!sender) continue;
    Remote& remote = remotes[*sender];
    const auto [pick, block] = remote.queue.front();
    remote.queue.erase(remote.queue.begin());
    remote.next = now + block_time(*sender);
    ++*blocks_sent;
    for (const PeerKey other : picker.received({*sender}, pick.piece, block, pick.attempt, now))
      cancel(other, pick.piece, block);
    // A piece whose blocks are all here is verified at once.
    if (picker.outstanding({*sender}).value == 0 || pick.blocks.back() == block) {
      for (PieceIndex piece; piece.value < layout.piece_count(); ++piece) {
        std::size_t owed = 0;
        for (const Remote& each : remotes)
          for (const auto& entry : each.queue) owed += entry.first.piece == piece ? 1U : 0U;
        if (owed == 0 && piece == pick.piece) picker.verified(piece, now);
      }
    }
  }
  return now - begin;
}

BOOST_AUTO_TEST_SUITE(piece_picker_property)

BOOST_AUTO_TEST_CASE(agrees_with_a_naive_model) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) { Match(seed).play(400); }
  }
}

BOOST_AUTO_TEST_CASE(a_slow_or_silent_source_costs_next_to_nothing) {
  constexpr std::uint64_t fast = 50U << 20U;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::size_t alone_blocks = 0;
    std::size_t blocks = 0;
    const Duration alone = fetch_from(seed, {fast}, &alone_blocks);
    BOOST_TEST(alone_blocks == 240U);
    // 1 KiB/s is silence: a block would take eight minutes.
    for (const std::uint64_t slow : {1U << 10U, 1U << 20U, 10U << 20U}) {
      blocks = 0;
      const Duration both = fetch_from(seed, {fast, slow}, &blocks);
      BOOST_TEST_CONTEXT("seed " << seed << ", slow source " << slow << " B/s") {
        BOOST_TEST(std::chrono::duration<double>(both).count() <
                   std::chrono::duration<double>(alone).count() * 1.2);
        BOOST_TEST(blocks <= 240U + 4 * PiecePicker::duplicates_max);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(equal_sources_share_equally_and_nothing_comes_twice) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::size_t blocks = 0;
    constexpr std::uint64_t pace = 50U << 20U;
    const Duration four = fetch_from(seed, {pace, pace, pace, pace}, &blocks);
    BOOST_TEST(blocks == 240U);
    std::size_t alone_blocks = 0;
    BOOST_TEST((4 * four < fetch_from(seed, {pace}, &alone_blocks) * 11 / 10));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
