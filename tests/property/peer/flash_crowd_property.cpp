#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "peer/part_of.hpp"
#include "peer/piece_picker.hpp"

namespace tutti {
namespace {

using std::chrono::milliseconds;

/// A crowd on a clock of its own: one seeder, several who fetch from it and from each other, lines that carry one block
/// after the other. Everything that decides is the real thing.
class Crowd {
 public:
  struct Leecher {
    double up = 0;      ///< bytes a second
    Duration begins{};  ///< after the start
    bool gives = true;
    bool dies = false;  ///< when it has a third of the file
  };
  struct Outcome {
    double copies = 0;            ///< of the file, that have left the seeder
    std::vector<double> seconds;  ///< until each was done; 0: it was not
    double last() const { return *std::max_element(seconds.begin(), seconds.end()); }
  };

  Crowd(std::uint64_t seed, std::uint32_t pieces, double seeder_up, const std::vector<Leecher>& leechers,
        Duration until_met)
      : random_(seed), layout_({pieces * block_size.value}, block_size), until_met_(until_met) {
    servers_.push_back({seeder_up, {}, false});
    for (const Leecher& leecher : leechers) {
      servers_.push_back({leecher.up, {}, false});
      ClientKey key;
      for (auto& byte : key.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
      members_.push_back(std::make_unique<Member>(leecher, key, layout_));
    }
  }

  Outcome play() {
    Outcome outcome;
    outcome.seconds.resize(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i)
      at(now_ + members_[i]->what.begins, [this, i] { begin(i); });
    while (!events_.empty() && now_ < begin_ + std::chrono::hours(1)) {
      auto next = events_.extract(events_.begin());
      now_ = next.key().first;
      next.mapped()();
      for (std::size_t i = 0; i < members_.size(); ++i) {
        if (outcome.seconds[i] != 0 || !members_[i]->picker.complete()) continue;
        outcome.seconds[i] = std::chrono::duration<double>(now_ - begin_ - members_[i]->what.begins).count();
      }
      if (all_done()) break;
    }
    outcome.copies = static_cast<double>(sent_by_seeder_) / static_cast<double>(layout_.piece_count());
    return outcome;
  }

 private:
  static constexpr std::size_t window = 8;  ///< blocks asked for at one peer

  struct Member {
    Member(const Leecher& of, const ClientKey& its_key, const PieceLayout& layout)
        : what(of), key(its_key), picker(layout, Bitfield(layout.piece_count())) {}
    Leecher what;
    ClientKey key;
    PiecePicker picker;
    bool here = false;
    bool dead = false;
    std::map<std::size_t, std::size_t> asked;  ///< blocks, by server
    std::map<std::size_t, bool> wakes;
  };
  struct Request {
    std::size_t member;
    Pick pick;
  };
  /// Number 0 is the seeder, the others are members. Clients take turns.
  struct Server {
    double up;
    std::deque<std::pair<std::size_t, std::deque<Pick>>> turns;
    bool sends = false;
  };

  bool all_done() const {
    return std::all_of(members_.begin(), members_.end(), [](const auto& member) {
      return member->dead || (member->here && member->picker.complete());
    });
  }

  void at(Instant when, std::function<void()> what) { events_.emplace(std::pair{when, ++serial_}, what); }

  void begin(std::size_t i) {
    Member& member = *members_[i];
    member.here = true;
    member.picker.add_peer({0}, Bitfield::full(layout_.piece_count()));
    for (std::size_t other = 0; other < members_.size(); ++other) {
      if (other == i || !members_[other]->here || members_[other]->dead) continue;
      at(now_ + until_met_, [this, i, other] {
        meet(i, other);
        meet(other, i);
      });
    }
    // The seeder names all of them to all.
    for (std::size_t each = 0; each < members_.size(); ++each) share_out(each);
    feed_all();
  }
  void meet(std::size_t i, std::size_t other) {
    if (members_[i]->dead || members_[other]->dead || members_[i]->picker.knows({other + 1})) return;
    members_[i]->picker.add_peer({other + 1}, members_[other]->picker.verified_pieces());
    feed(i);
  }
  void share_out(std::size_t i) {
    std::vector<ClientKey> others;
    for (const auto& member : members_)
      if (member->here && !member->dead && !member->picker.complete() && member.get() != members_[i].get())
        others.push_back(member->key);
    members_[i]->picker.prefer_start(others.empty());
    members_[i]->picker.share_out(
        others.empty() ? std::nullopt
                       : std::optional(part_of(members_[i]->key, others, layout_.piece_count())));
  }

  void feed_all() {
    for (std::size_t i = 0; i < members_.size(); ++i) feed(i);
  }
  void feed(std::size_t i) {
    Member& member = *members_[i];
    if (!member.here || member.dead) return;
    for (std::size_t server = 0; server < servers_.size(); ++server) {
      while (member.asked[server] < window) {
        const auto pick = member.picker.pick({server}, now_, random_);
        if (!pick) break;
        for (const PeerKey loser : pick->cancel_at) cancel(i, loser, pick->piece);
        ++member.asked[server];
        ask(i, server, *pick);
      }
      const auto review = member.picker.review_at({server}, now_);
      if (!review || std::exchange(member.wakes[server], true)) continue;
      at(*review, [this, i, server] {
        members_[i]->wakes[server] = false;
        feed(i);
      });
    }
    member.picker.check_invariants();
  }

  void ask(std::size_t i, std::size_t server, const Pick& pick) {
    auto& turns = servers_[server].turns;
    auto turn = std::find_if(turns.begin(), turns.end(), [&](const auto& each) { return each.first == i; });
    if (turn == turns.end()) turn = turns.insert(turns.end(), {i, {}});
    turn->second.push_back(pick);
    send(server);
  }
  void cancel(std::size_t i, PeerKey server, PieceIndex piece) {
    for (auto& [client, picks] : servers_[server.value].turns)
      if (client == i)
        members_[i]->asked[server.value] -=
            std::erase_if(picks, [&](const Pick& pick) { return pick.piece == piece; });
  }

  void send(std::size_t server) {
    Server& line = servers_[server];
    if (line.sends) return;
    if (server > 0 && (members_[server - 1]->dead || !members_[server - 1]->what.gives)) return;
    while (!line.turns.empty() && line.turns.front().second.empty()) line.turns.pop_front();
    if (line.turns.empty()) return;
    auto [client, picks] = std::move(line.turns.front());
    line.turns.pop_front();
    const Pick pick = picks.front();
    picks.pop_front();
    if (!picks.empty()) line.turns.emplace_back(client, std::move(picks));
    line.sends = true;
    // A few per cent more or less each time.
    const double seconds = static_cast<double>(block_size.value) / line.up *
                           (0.9 + 0.2 * static_cast<double>(random_.below(1000)) / 1000);
    at(now_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)),
       [this, server, i = client, pick] {
         servers_[server].sends = false;
         if (server == 0) ++sent_by_seeder_;
         came(i, server, pick);
         send(server);
       });
  }
  void came(std::size_t i, std::size_t server, const Pick& pick) {
    Member& member = *members_[i];
    if (member.dead) return;
    --member.asked[server];
    for (const PeerKey other :
         member.picker.received({server}, pick.piece, pick.blocks[0], pick.attempt, now_))
      cancel(i, other, pick.piece);
    at(now_ + milliseconds(2), [this, i, piece = pick.piece] { verified(i, piece); });
    feed(i);
  }
  void verified(std::size_t i, PieceIndex piece) {
    Member& member = *members_[i];
    if (member.dead || member.picker.verified_pieces().has(piece)) return;
    member.picker.verified(piece, now_);
    if (member.what.dies && member.picker.verified_pieces().count() >= layout_.piece_count() / 3)
      return die(i);
    for (std::size_t other = 0; other < members_.size(); ++other)
      if (other != i) members_[other]->picker.peer_has({i + 1}, piece);
    if (member.picker.complete())
      for (std::size_t each = 0; each < members_.size(); ++each) share_out(each);
    feed_all();
  }
  /// Its links break at once; it is not named any more.
  void die(std::size_t i) {
    members_[i]->dead = true;
    for (std::size_t other = 0; other < members_.size(); ++other) {
      members_[other]->picker.remove_peer({i + 1});
      members_[other]->asked[i + 1] = 0;
      share_out(other);
    }
    for (Server& server : servers_)
      std::erase_if(server.turns, [&](const auto& turn) { return turn.first == i; });
    feed_all();
  }

  Random random_;
  PieceLayout layout_;
  Duration until_met_;
  const Instant begin_ = Instant{} + std::chrono::hours(1);
  Instant now_ = begin_;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t serial_ = 0;
  std::vector<Server> servers_;
  std::vector<std::unique_ptr<Member>> members_;
  std::uint64_t sent_by_seeder_ = 0;
};

constexpr double mib = 1 << 20;
constexpr std::uint32_t pieces = 128;  // 64 MiB
constexpr double file_bytes = pieces * 0.5 * mib;

std::vector<Crowd::Leecher> four(double up, Duration apart = milliseconds(3)) {
  std::vector<Crowd::Leecher> leechers;
  for (int i = 0; i < 4; ++i) leechers.push_back({up, i * apart, true, false});
  return leechers;
}

BOOST_AUTO_TEST_SUITE(flash_crowd_property)

BOOST_AUTO_TEST_CASE(about_one_copy_leaves_a_lone_seeder) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    for (const double up : {100 * mib, 10 * mib, 1 * mib})
      for (const Duration met : {milliseconds(1), milliseconds(100)}) {
        const auto outcome = Crowd(seed, pieces, up, four(up), met).play();
        BOOST_TEST_CONTEXT("seed " << seed << ", " << up / mib << " MiB/s, met after "
                                   << std::chrono::duration<double>(met).count() << " s") {
          BOOST_TEST(outcome.copies <= 1.15);
          // The seeder's line is full until the copy has left, then those who fetch pass the rest around.
          BOOST_TEST(outcome.last() < 1.6 * file_bytes / up + 0.2);
        }
      }
}

BOOST_AUTO_TEST_CASE(who_gives_nothing_holds_up_nobody) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto leechers = four(10 * mib);
    leechers[3].gives = false;
    const auto outcome = Crowd(seed, pieces, 10 * mib, leechers, milliseconds(20)).play();
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST(outcome.copies <= 2.2);
      BOOST_TEST(outcome.last() < 2.4 * file_bytes / (10 * mib));
    }
  }
}

BOOST_AUTO_TEST_CASE(who_is_slow_holds_up_nobody) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto leechers = four(10 * mib);
    leechers[3].up = 0.2 * mib;
    const auto outcome = Crowd(seed, pieces, 10 * mib, leechers, milliseconds(20)).play();
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST(outcome.copies <= 2.2);
      BOOST_TEST(outcome.last() < 2.4 * file_bytes / (10 * mib));
    }
  }
}

BOOST_AUTO_TEST_CASE(who_dies_costs_little) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto leechers = four(10 * mib);
    leechers[3].dies = true;
    const auto outcome = Crowd(seed, pieces, 10 * mib, leechers, milliseconds(20)).play();
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST(outcome.copies <= 1.5);
      for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(outcome.seconds[i] > 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(who_comes_later_gets_what_the_others_have_from_them) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto outcome =
        Crowd(seed, pieces, 10 * mib, four(10 * mib, milliseconds(2000)), milliseconds(20)).play();
    BOOST_TEST_CONTEXT("seed " << seed) { BOOST_TEST(outcome.copies <= 1.5); }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
