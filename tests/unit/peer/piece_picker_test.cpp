#include "peer/piece_picker.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tutti {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr PeerKey ann{1};
constexpr PeerKey bob{2};
constexpr PeerKey cat{3};
constexpr PeerKey dan{4};

/// One character a piece; '#' is one of the set, '.' is none.
Bitfield pieces(std::string_view picture) {
  Bitfield result(static_cast<std::uint32_t>(picture.size()));
  for (std::uint32_t i = 0; i < result.size(); ++i)
    if (picture[i] == '#') result.set({i});
  return result;
}

/// A picker of as many pieces of four blocks as `verified` has characters, and a clock.
struct Table {
  PieceLayout layout;
  PiecePicker picker;
  Random random{7};
  Instant now = Instant{} + std::chrono::hours(1);

  explicit Table(std::string_view verified)
      : layout({verified.size() * (2_MiB).value}, 2_MiB), picker(layout, pieces(verified)) {}
  Table(std::string_view verified, const std::map<PeerKey, std::string_view>& peers) : Table(verified) {
    for (const auto& [peer, has] : peers) picker.add_peer(peer, pieces(has));
  }

  std::optional<Pick> pick(PeerKey peer) {
    const std::optional<Pick> result = picker.pick(peer, now, random);
    picker.check_invariants();
    return result;
  }
  /// Everything that this peer is picked for until there is nothing more, in order: "3 0 1".
  std::string picks(PeerKey peer) {
    std::string text;
    while (const auto next = pick(peer))
      text += (text.empty() ? "" : " ") + std::to_string(next->piece.value);
    return text;
  }
  std::vector<PeerKey> receive(PeerKey peer, const Pick& pick, BlockIndex block) {
    const auto cancels = picker.received(peer, pick.piece, block, pick.attempt, now);
    picker.check_invariants();
    return cancels;
  }
  void receive_all(PeerKey peer, const Pick& pick) {
    for (const BlockIndex block : pick.blocks) receive(peer, pick, block);
  }
  /// The peer is known to do so many bytes a second from now on.
  void show_pace(PeerKey peer, std::optional<PieceIndex> expected, std::uint64_t bytes_per_second) {
    const auto pick = picker.pick(peer, now, random);
    BOOST_REQUIRE(pick && (!expected || pick->piece == *expected));
    for (const BlockIndex block : pick->blocks) {
      now += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
          static_cast<double>(block_size.value) / static_cast<double>(bytes_per_second)));
      receive(peer, *pick, block);
    }
    picker.verified(pick->piece, now);
  }
};

std::vector<BlockIndex> blocks(std::initializer_list<unsigned> numbers) {
  std::vector<BlockIndex> result;
  for (const unsigned number : numbers) result.push_back({number});
  return result;
}

BOOST_AUTO_TEST_SUITE(piece_picker)

// --- shared out among those who fetch ---

BOOST_AUTO_TEST_CASE(a_seeder_is_asked_for_our_part_and_the_others_for_what_they_have) {
  Table table("#.......", {{ann, "########"}, {bob, "##.#...."}});
  table.picker.share_out(pieces("..#.##.."));
  std::string picked = table.picks(ann);
  std::sort(picked.begin(), picked.end());
  BOOST_TEST(picked == "  245");
  // From somebody who fetches: anything, also what is not ours.
  picked = table.picks(bob);
  BOOST_TEST((picked == "1 3" || picked == "3 1"));
}

BOOST_AUTO_TEST_CASE(a_seeder_helps_out_when_nothing_has_come_for_a_while) {
  Table table("#.......", {{ann, "########"}, {bob, "#......."}});
  table.picker.share_out(pieces(".#......"));
  table.show_pace(ann, 1_piece, 8U << 20U);
  BOOST_TEST(!table.pick(ann).has_value());
  // Half of what ann did, after the grace: a piece of 2 MiB is missed half a second later.
  const auto review = table.picker.review_at(ann, table.now);
  BOOST_TEST_REQUIRE(review.has_value());
  table.now += HelpBudget::grace + milliseconds(498);
  BOOST_TEST(!table.pick(ann).has_value());
  BOOST_TEST((*review > table.now && *review < table.now + milliseconds(10)));
  table.now = *review;
  const std::optional<Pick> help = table.pick(ann);
  BOOST_TEST_REQUIRE(help.has_value());
  // What helps is counted, too, and does not wait for itself.
  table.receive_all(ann, *help);
  BOOST_TEST(!table.pick(ann).has_value());
  table.now += milliseconds(502);
  BOOST_TEST(table.pick(ann).has_value());
  // It ends when somebody has something.
  for (PieceIndex piece; piece.value < 8; ++piece) table.picker.peer_has(bob, piece);
  table.picker.peer_lacks(bob, 0_piece, table.now);  // no seeder
  const std::optional<Pick> gain = table.pick(bob);
  BOOST_TEST_REQUIRE(gain.has_value());
  table.receive_all(bob, *gain);
  table.now += milliseconds(502);
  BOOST_TEST(!table.pick(ann).has_value());
}

BOOST_AUTO_TEST_CASE(our_part_is_asked_for_from_the_start_on_but_not_all_alike) {
  std::set<std::uint32_t> first;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::string none(64, '.');
    const std::string all(64, '#');
    Table table(none, {{ann, all}, {bob, none}});
    table.random = Random(seed);
    table.picker.share_out(Bitfield::full(64));
    first.insert(table.pick(ann)->piece.value);
  }
  BOOST_TEST(first.size() == PiecePicker::near);
  BOOST_TEST(*first.rbegin() == PiecePicker::near - 1);
}

BOOST_AUTO_TEST_CASE(what_those_beside_us_have_comes_from_them_also_of_our_part) {
  Table table("#.......", {{ann, "########"}, {bob, "##.#...."}});
  table.picker.share_out(pieces(".###...."));
  BOOST_TEST(table.picks(ann) == "2");
}

BOOST_AUTO_TEST_CASE(a_seeder_does_not_fetch_twice_what_comes_slowly_from_somebody_beside_us) {
  for (const bool shared : {true, false}) {
    Table table("#......", {{ann, "#######"}, {bob, "#.#####"}});
    table.picker.share_out(pieces(".#....."));
    table.show_pace(ann, 1_piece, 8U << 20U);
    const auto slow = table.pick(bob);
    BOOST_TEST_REQUIRE(slow.has_value());
    for (const BlockIndex block : slow->blocks) {
      table.now += milliseconds(100);
      table.receive(bob, *slow, block);
    }
    table.picker.verified(slow->piece, table.now);
    table.receive(bob, *table.pick(bob), 0_block);
    while (table.pick(bob)) {
    }
    if (!shared) table.picker.share_out(std::nullopt);
    BOOST_TEST(table.pick(ann).has_value() == !shared);
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_shared_out_when_nobody_else_fetches) {
  Table table("#...", {{ann, "####"}});
  table.picker.share_out(pieces(".#.."));
  table.pick(ann);
  BOOST_TEST(!table.pick(ann).has_value());
  table.picker.share_out(std::nullopt);
  BOOST_TEST(table.pick(ann).has_value());
}

// --- rarest first ---

BOOST_AUTO_TEST_CASE(the_rarest_piece_goes_first) {
  Table table("#....", {{ann, "#####"}, {bob, ".##.#"}, {cat, ".#..#"}, {dan, "....#"}});
  //            how many have it     ^3221^... : 1: 3 of 4, 2: 2, 3: 1, 4: 4
  BOOST_TEST(table.picks(ann) == "3 2 1 4");
}

BOOST_AUTO_TEST_CASE(a_peer_is_only_asked_for_what_it_has) {
  Table table("#....", {{ann, "#.#.#"}, {bob, "#####"}});
  const std::string picked = table.picks(ann);
  BOOST_TEST((picked == "2 4" || picked == "4 2"));
  BOOST_TEST(!table.pick(cat).has_value());
}

BOOST_AUTO_TEST_CASE(ties_are_broken_uniformly) {
  std::array<int, 4> times{};
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    Table table("#....", {{ann, "#####"}, {bob, "#####"}});
    table.random = Random(seed);
    ++times.at(table.pick(ann)->piece.value - 1);
  }
  // 1000 each; six standard deviations are 164.
  for (const int each : times) BOOST_TEST((each > 836 && each < 1164));
}

BOOST_AUTO_TEST_CASE(ties_are_uniform_also_when_the_rarest_must_be_searched) {
  std::array<int, 3> times{};
  // Ann has none of the twenty rarest.
  const std::string others = "#" + std::string(20, '#') + "...";
  const std::string anns = "#" + std::string(20, '.') + "###";
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Table table("#" + std::string(23, '.'));
    table.picker.add_peer(bob, pieces(others));
    table.picker.add_peer(ann, pieces(anns));
    table.picker.add_peer(cat, pieces(anns));
    table.random = Random(seed);
    ++times.at(table.pick(ann)->piece.value - 21);
  }
  for (const int each : times) BOOST_TEST((each > 845 && each < 1155));
}

BOOST_AUTO_TEST_CASE(the_first_piece_is_any_piece) {
  std::array<int, 4> times{};
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    Table table("....", {{ann, "####"}, {bob, "###."}, {cat, "##.."}});
    table.random = Random(seed);
    ++times.at(table.pick(ann)->piece.value);
  }
  for (const int each : times) BOOST_TEST((each > 836 && each < 1164));
}

// --- availability ---

BOOST_AUTO_TEST_CASE(availability_is_what_the_bitfields_say) {
  Table table("....", {{ann, "####"}, {bob, "##.."}, {cat, "#..."}});
  const auto picture = [&] {
    std::string text;
    for (std::uint32_t i = 0; i < 4; ++i) text += std::to_string(table.picker.availability({i}));
    table.picker.check_invariants();
    return text;
  };
  BOOST_TEST(picture() == "3211");
  table.picker.peer_has(cat, 3_piece);
  table.picker.peer_has(cat, 3_piece);
  BOOST_TEST(picture() == "3212");
  table.picker.peer_has(bob, 2_piece);
  table.picker.peer_has(bob, 3_piece);
  BOOST_TEST(picture() == "3223");
  table.picker.peer_lacks(bob, 0_piece, table.now);
  BOOST_TEST(picture() == "2223");
  table.picker.remove_peer(ann);
  BOOST_TEST(picture() == "1112");
  table.picker.remove_peer(bob);
  table.picker.remove_peer(cat);
  table.picker.remove_peer(cat);
  BOOST_TEST(picture() == "0000");
}

BOOST_AUTO_TEST_CASE(tells_what_cannot_be_completed) {
  Table table("#...", {{ann, "##.."}, {bob, "#.#."}});
  BOOST_TEST(table.picker.pieces_without_source() == 1U);
  table.picker.add_peer(cat, pieces("####"));
  BOOST_TEST(table.picker.pieces_without_source() == 0U);
  BOOST_TEST(table.picker.interesting(ann));
  table.picker.verified(1_piece, table.now);
  BOOST_TEST(!table.picker.interesting(ann));
}

// --- reservations ---

BOOST_AUTO_TEST_CASE(nobody_gets_what_another_one_fetches) {
  Table table("#...", {{ann, "####"}, {bob, "####"}});
  const Pick first = *table.pick(ann);
  const Pick second = *table.pick(bob);
  const Pick third = *table.pick(ann);
  BOOST_TEST((first.piece != second.piece && second.piece != third.piece && first.piece != third.piece));
  BOOST_CHECK(first.blocks == blocks({0, 1, 2, 3}));
  BOOST_TEST(first.cancel_at.empty());
  BOOST_TEST(table.picker.outstanding(ann).value == (4_MiB).value);
  BOOST_TEST(!table.pick(ann).has_value());
}

BOOST_AUTO_TEST_CASE(what_a_lost_peer_began_is_gone_on_with_first) {
  Table table("#....", {{ann, ".#.#."}, {bob, "#####"}});
  const Pick began = *table.pick(ann);
  table.receive(ann, began, 1_block);
  table.receive(ann, began, 0_block);
  table.picker.remove_peer(ann);
  const Pick next = *table.pick(bob);
  BOOST_CHECK(next.piece == began.piece);
  BOOST_CHECK(next.blocks == blocks({2, 3}));
  BOOST_TEST(next.attempt == began.attempt);
}

BOOST_AUTO_TEST_CASE(a_released_piece_of_which_nothing_came_is_free) {
  Table table("#.", {{ann, "##"}, {bob, "##"}});
  const Pick pick = *table.pick(ann);
  BOOST_TEST(!table.pick(bob).has_value());
  table.picker.release(ann, pick.piece, table.now);
  table.picker.release(ann, pick.piece, table.now);
  BOOST_CHECK(table.pick(bob)->blocks == blocks({0, 1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(a_peer_that_lied_about_a_piece_is_not_asked_again) {
  Table table("#.", {{ann, "##"}});
  const Pick pick = *table.pick(ann);
  table.picker.peer_lacks(ann, pick.piece, table.now);
  BOOST_TEST(!table.pick(ann).has_value());
  BOOST_TEST(table.picker.pieces_without_source() == 1U);
}

BOOST_AUTO_TEST_CASE(all_is_fetched_and_verified) {
  Table table("...", {{ann, "###"}});
  for (int i = 0; i < 3; ++i) {
    const Pick pick = *table.pick(ann);
    table.receive_all(ann, pick);
    BOOST_TEST(!table.picker.complete());
    table.picker.verified(pick.piece, table.now);
    table.picker.check_invariants();
  }
  BOOST_TEST(table.picker.complete());
  BOOST_TEST(!table.pick(ann).has_value());
}

BOOST_AUTO_TEST_CASE(a_lost_piece_is_fetched_anew) {
  Table table("##", {{ann, "##"}});
  table.picker.lost(1_piece, table.now);
  const Pick pick = *table.pick(ann);
  BOOST_CHECK(pick.piece == 1_piece);
  BOOST_TEST(pick.attempt == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_without_pieces_is_complete) {
  Table table("", {{ann, ""}});
  BOOST_TEST(table.picker.complete());
  BOOST_TEST(!table.pick(ann).has_value());
  table.picker.remove_peer(ann);
  table.picker.check_invariants();
}

// --- stalled peers ---

BOOST_AUTO_TEST_CASE(fast_peers_are_given_up_sooner_than_slow_ones) {
  // Both have shown their pace with a piece of their own, then hold one each that cat could do.
  Table table("....#", {{ann, "#.#.."}, {bob, ".#.#."}});
  table.picker.remove_peer(bob);
  table.picker.peer_lacks(ann, 2_piece, table.now);
  table.show_pace(ann, 0_piece, 64U << 20U);
  table.picker.add_peer(bob, pieces(".#..."));
  table.show_pace(bob, 1_piece, 256U << 10U);
  table.picker.peer_has(ann, 2_piece);
  table.picker.peer_has(bob, 3_piece);
  BOOST_CHECK(table.pick(ann)->piece == 2_piece);
  BOOST_CHECK(table.pick(bob)->piece == 3_piece);
  const Instant asked = table.now;

  // 64 MiB/s: a block in 8 ms; four times that and a quarter of a second.
  table.now = asked + milliseconds(281);
  BOOST_TEST(!table.picker.stalled(ann, table.now));
  table.now = asked + milliseconds(283);
  BOOST_TEST(table.picker.stalled(ann, table.now));
  // 256 KiB/s: a block in 2 s.
  table.now = asked + milliseconds(8240);
  BOOST_TEST(!table.picker.stalled(bob, table.now));
  table.now = asked + milliseconds(8260);
  BOOST_TEST(table.picker.stalled(bob, table.now));
}

BOOST_AUTO_TEST_CASE(the_piece_of_a_stalled_peer_moves_with_its_blocks) {
  Table table("#.", {{ann, ".#"}});
  const Pick held = *table.pick(ann);
  table.receive(ann, held, 0_block);
  table.picker.add_peer(bob, pieces(".#"));
  table.now += std::chrono::minutes(5);
  BOOST_TEST(!table.pick(ann).has_value());
  const Pick taken = *table.pick(bob);
  BOOST_CHECK(taken.piece == held.piece);
  BOOST_CHECK(taken.blocks == blocks({1, 2, 3}));
  BOOST_TEST(taken.attempt == held.attempt);
  BOOST_TEST((taken.cancel_at == std::vector{ann}));
  BOOST_TEST(table.picker.outstanding(ann).value == 0U);

  // Its block comes after all: bob need not send it.
  BOOST_TEST((table.receive(ann, held, 1_block) == std::vector{bob}));
  table.receive(bob, taken, 2_block);
  table.receive(bob, taken, 3_block);
  BOOST_TEST(table.picker.outstanding(bob).value == 0U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_stalled_gets_one_piece_at_a_time_until_it_sends) {
  Table table("#......", {{ann, "#######"}});
  Pick held = *table.pick(ann);
  table.now += std::chrono::minutes(5);
  table.picker.add_peer(bob, pieces("#######"));
  std::vector<Pick> bobs;
  while (const auto pick = table.pick(bob)) bobs.push_back(*pick);
  BOOST_TEST(bobs.size() == 6U);
  BOOST_CHECK(bobs.back().piece == held.piece);
  for (const Pick& pick : {bobs[0], bobs[1], bobs[2]}) table.picker.release(bob, pick.piece, table.now);
  held = *table.pick(ann);
  BOOST_TEST(!table.pick(ann).has_value());
  table.receive(ann, held, 0_block);
  BOOST_TEST(table.pick(ann).has_value());
}

BOOST_AUTO_TEST_CASE(says_when_to_ask_again) {
  Table table("#.", {{ann, ".#"}, {bob, ".#"}});
  table.pick(ann);
  BOOST_TEST(!table.pick(bob).has_value());
  const auto review = table.picker.review_at(bob, table.now);
  BOOST_REQUIRE(review.has_value());
  BOOST_TEST((*review > table.now));
  table.now = *review;
  BOOST_TEST(table.pick(bob).has_value());
  BOOST_TEST(!table.picker.review_at(cat, table.now).has_value());
}

// --- endgame ---

BOOST_AUTO_TEST_CASE(the_last_piece_of_a_slow_peer_is_fetched_twice_from_both_ends) {
  Table table("..#.", {{ann, "#..."}});
  table.show_pace(ann, 0_piece, 256U << 10U);
  table.picker.add_peer(bob, pieces(".#.."));
  table.show_pace(bob, 1_piece, 64U << 20U);
  table.picker.peer_has(ann, 3_piece);
  table.picker.peer_has(bob, 3_piece);
  const Pick slow = *table.pick(ann);
  const Pick second = *table.pick(bob);
  BOOST_CHECK(second.piece == slow.piece);
  BOOST_CHECK(second.blocks == blocks({3, 2, 1, 0}));
  BOOST_TEST(second.attempt == slow.attempt);
  BOOST_TEST(second.cancel_at.empty());

  BOOST_TEST((table.receive(bob, second, 3_block) == std::vector{ann}));
  BOOST_TEST((table.receive(ann, slow, 0_block) == std::vector{bob}));
  BOOST_TEST(table.receive(bob, second, 0_block).empty());
  table.receive(bob, second, 2_block);
  table.receive(bob, second, 1_block);
  BOOST_TEST(table.picker.outstanding(ann).value == 0U);
  BOOST_TEST(table.picker.outstanding(bob).value == 0U);
}

BOOST_AUTO_TEST_CASE(equals_do_not_fetch_each_others_pieces) {
  Table table("..#..", {{ann, "#...."}});
  table.show_pace(ann, 0_piece, 10U << 20U);
  table.picker.add_peer(bob, pieces(".#..."));
  table.show_pace(bob, 1_piece, 10U << 20U);
  for (const PeerKey peer : {ann, bob}) {
    table.picker.peer_has(peer, 3_piece);
    table.picker.peer_has(peer, 4_piece);
  }
  BOOST_TEST(table.pick(ann).has_value());
  BOOST_TEST(table.pick(bob).has_value());
  BOOST_TEST(!table.pick(ann).has_value());
  BOOST_TEST(!table.pick(bob).has_value());
}

BOOST_AUTO_TEST_CASE(a_little_faster_is_no_reason_to_fetch_twice) {
  Table table("..#.", {{ann, "#..."}});
  table.show_pace(ann, 0_piece, 10U << 20U);
  table.picker.add_peer(bob, pieces(".#.."));
  table.show_pace(bob, 1_piece, 15U << 20U);
  table.picker.peer_has(ann, 3_piece);
  table.picker.peer_has(bob, 3_piece);
  BOOST_TEST(table.pick(ann).has_value());
  BOOST_TEST(!table.pick(bob).has_value());
  // Ann needs 200 ms, bob 133: after 67 ms of silence ann is thought to need more than twice that.
  table.now = *table.picker.review_at(bob, table.now);
  BOOST_TEST(table.pick(bob).has_value());
}

BOOST_AUTO_TEST_CASE(endgame_is_bounded) {
  const std::string wanted = ".." + std::string(20, '#');
  Table table(".." + std::string(20, '.'), {{ann, "#." + std::string(20, '.')}});
  table.show_pace(ann, 0_piece, 256U << 10U);
  table.picker.add_peer(bob, pieces(".#" + std::string(20, '.')));
  table.show_pace(bob, 1_piece, 512U << 20U);
  for (std::uint32_t i = 2; i < 22; ++i) {
    table.picker.peer_has(ann, {i});
    table.picker.peer_has(bob, {i});
  }
  while (table.pick(ann)) {
  }
  std::size_t duplicates = 0;
  while (const auto pick = table.pick(bob)) {
    BOOST_CHECK(pick->blocks == blocks({3, 2, 1, 0}));
    ++duplicates;
  }
  BOOST_TEST(duplicates == PiecePicker::duplicates_max);
}

BOOST_AUTO_TEST_CASE(a_piece_that_one_peer_is_to_send_alone_moves_to_a_much_faster_one) {
  Table table(".##.", {{ann, "#..."}});
  table.show_pace(ann, 0_piece, 256U << 10U);
  table.picker.add_peer(bob, pieces("...."));
  table.picker.add_peer(cat, pieces("...#"));
  const Pick bad = *table.pick(cat);
  table.receive_all(cat, bad);
  table.picker.corrupt(3_piece, std::vector{cat}, table.now);
  table.picker.peer_has(bob, 1_piece);
  table.picker.lost(1_piece, table.now);
  table.show_pace(bob, 1_piece, 64U << 20U);
  for (const PeerKey peer : {ann, bob}) table.picker.peer_has(peer, 3_piece);
  const Pick slow = *table.pick(ann);
  table.receive(ann, slow, 0_block);
  const Pick moved = *table.pick(bob);
  BOOST_CHECK(moved.piece == 3_piece);
  BOOST_CHECK(moved.blocks == blocks({0, 1, 2, 3}));
  BOOST_TEST(moved.attempt > slow.attempt);
  BOOST_TEST((moved.cancel_at == std::vector{ann}));
  // It does not come back, and the slow one is not in disgrace.
  BOOST_TEST(!table.pick(ann).has_value());
  table.receive_all(bob, moved);
  table.picker.verified(3_piece, table.now);
  table.picker.lost(2_piece, table.now);
  table.picker.peer_has(ann, 2_piece);
  BOOST_TEST(table.pick(ann).has_value());
}

// --- blame ---

BOOST_AUTO_TEST_CASE(one_author_of_a_bad_piece_is_convicted) {
  Table table("#...", {{ann, "####"}, {bob, "#..."}});
  const Pick bad = *table.pick(ann);
  const Pick other = *table.pick(ann);
  table.receive(ann, other, 0_block);
  table.receive_all(ann, bad);
  const Blame blame = table.picker.corrupt(bad.piece, std::vector{ann}, table.now);
  table.picker.check_invariants();
  BOOST_CHECK(blame.culprit == ann);
  BOOST_TEST(table.picker.banned(ann));
  BOOST_TEST(!table.pick(ann).has_value());
  table.picker.add_peer(ann, pieces("####"));
  BOOST_TEST(!table.pick(ann).has_value());
  BOOST_TEST(table.picker.availability(1_piece) == 0U);

  // What it began elsewhere is begun anew.
  table.picker.peer_has(bob, other.piece);
  const Pick again = *table.pick(bob);
  BOOST_CHECK(again.blocks == blocks({0, 1, 2, 3}));
  BOOST_TEST(again.attempt > other.attempt);
}

BOOST_AUTO_TEST_CASE(several_authors_are_suspected_and_then_tried_one_by_one) {
  Table table("#..", {{ann, "###"}});
  const Pick first = *table.pick(ann);
  table.receive(ann, first, 0_block);
  table.picker.remove_peer(ann);
  table.picker.add_peer(bob, pieces("###"));
  const Pick rest = *table.pick(bob);
  table.receive_all(bob, rest);
  BOOST_CHECK(!table.picker.corrupt(first.piece, std::vector{ann, bob}, table.now).culprit);
  BOOST_TEST(!table.picker.banned(bob));

  // Bob begins a piece and is lost: nobody goes on with a suspect's blocks.
  const Pick alone = *table.pick(bob);
  table.receive(bob, alone, 0_block);
  table.picker.remove_peer(bob);
  table.picker.add_peer(cat, pieces("###"));
  for (int i = 0; i < 2; ++i) {
    const Pick anew = *table.pick(cat);
    BOOST_CHECK(anew.blocks == blocks({0, 1, 2, 3}));
    BOOST_TEST((anew.piece != alone.piece || anew.attempt > alone.attempt));
  }
  table.picker.remove_peer(cat);

  // Back again, whatever it sends it sends alone.
  table.picker.add_peer(bob, pieces("###"));
  const Pick last = *table.pick(bob);
  table.receive_all(bob, last);
  BOOST_CHECK(table.picker.corrupt(last.piece, std::vector{bob}, table.now).culprit == bob);
}

BOOST_AUTO_TEST_CASE(nobody_is_suspected_beside_a_convict) {
  Table table("#...", {{ann, "##.."}});
  const Pick bad = *table.pick(ann);
  table.receive_all(ann, bad);
  table.picker.corrupt(bad.piece, std::vector{ann}, table.now);
  table.picker.add_peer(bob, pieces("#.#."));
  table.receive_all(bob, *table.pick(bob));
  table.picker.corrupt(2_piece, std::vector{ann, bob}, table.now);
  // Bob is above suspicion: what it begins is gone on with.
  table.picker.peer_lacks(bob, 2_piece, table.now);
  table.picker.peer_has(bob, 3_piece);
  table.receive(bob, *table.pick(bob), 0_block);
  table.picker.remove_peer(bob);
  table.picker.add_peer(cat, pieces("...#"));
  BOOST_CHECK(table.pick(cat)->blocks == blocks({1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(a_late_block_of_an_older_attempt_counts_for_nothing) {
  Table table("#.", {{ann, "##"}, {bob, "##"}});
  const Pick bad = *table.pick(ann);
  table.receive_all(ann, bad);
  table.picker.corrupt(bad.piece, std::vector{ann}, table.now);
  const Pick again = *table.pick(bob);
  BOOST_TEST(table.picker.received(bob, bad.piece, 0_block, bad.attempt, table.now).empty());
  BOOST_TEST(table.picker.outstanding(bob).value == (2_MiB).value);
  table.receive(bob, again, 0_block);
  BOOST_TEST(table.picker.outstanding(bob).value == (2_MiB - 512_KiB).value);
}

BOOST_AUTO_TEST_CASE(the_start_comes_first_while_all_are_seeders) {
  Table table("#...........", {{ann, "############"}, {bob, "############"}});
  table.picker.prefer_start(true);
  table.show_pace(ann, {}, 2U << 20U);
  table.show_pace(bob, {}, 2U << 20U);
  BOOST_TEST(table.pick(ann)->piece.value == 1U);
  BOOST_TEST(table.pick(bob)->piece.value == 2U);
  BOOST_TEST(table.pick(ann)->piece.value == 3U);
  BOOST_TEST(table.pick(bob)->piece.value == 4U);
}

BOOST_AUTO_TEST_CASE(who_is_not_known_yet_holds_nothing_up_at_the_start) {
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    Table table(std::string(40, '.'), {{ann, std::string(40, '#')}, {bob, std::string(40, '#')}});
    table.random = Random{seed};
    table.picker.prefer_start(true);
    BOOST_TEST(table.pick(bob)->piece.value >= 20U);
  }
}

BOOST_AUTO_TEST_CASE(a_slow_one_is_met_where_the_others_will_be) {
  Table table(std::string(40, '.'), {{ann, std::string(40, '#')}, {bob, std::string(40, '#')}});
  table.picker.prefer_start(true);
  table.show_pace(ann, {}, 8U << 20U);
  table.show_pace(bob, {}, 1U << 20U);
  // Two seconds for a piece of two megabytes: the eighth of hers.
  BOOST_TEST(table.pick(bob)->piece.value == 7U);
  BOOST_TEST(table.pick(ann)->piece.value == 0U);
  // Four seconds, but what she owes already is not ahead of her: 14 others, beside the one that is his.
  BOOST_TEST(table.pick(bob)->piece.value == 16U);
  BOOST_TEST(table.pick(ann)->piece.value == 1U);
}

BOOST_AUTO_TEST_CASE(what_lags_far_behind_is_asked_for_twice) {
  Table table(std::string(60, '.'), {{ann, std::string(60, '#')}, {bob, std::string(60, '#')}});
  table.picker.prefer_start(true);
  table.show_pace(ann, {}, 8U << 20U);
  table.show_pace(bob, {}, 8U << 20U);
  const Pick late = *table.pick(bob);  // he was as quick as she is, but now he says nothing more
  BOOST_TEST(late.piece.value == 0U);
  for (std::uint32_t piece = 1; piece < PiecePicker::lag_max.value / (2_MiB).value; ++piece)
    table.show_pace(ann, PieceIndex{piece}, 32U << 20U);
  const Pick second = *table.pick(ann);
  BOOST_TEST((second.piece == late.piece));
  BOOST_TEST((second.blocks.front() == 3_block));
  BOOST_TEST(second.cancel_at.empty());
  // Once.
  BOOST_TEST((table.pick(ann)->piece != late.piece));
}

BOOST_AUTO_TEST_CASE(a_piece_that_is_a_little_late_is_waited_for) {
  Table table(std::string(60, '.'), {{ann, std::string(60, '#')}, {bob, std::string(60, '#')}});
  table.picker.prefer_start(true);
  table.show_pace(ann, {}, 8U << 20U);
  table.show_pace(bob, {}, 8U << 20U);
  const Pick late = *table.pick(bob);
  for (std::uint32_t piece = 1; piece + 1 < PiecePicker::lag_max.value / (2_MiB).value; ++piece)
    table.show_pace(ann, PieceIndex{piece}, 32U << 20U);
  BOOST_TEST((table.pick(ann)->piece != late.piece));
}

BOOST_AUTO_TEST_CASE(a_slow_one_has_the_last_piece_if_all_else_is_done_before) {
  Table table("......##", {{ann, "########"}, {bob, "########"}});
  table.picker.prefer_start(true);
  table.show_pace(ann, {}, 64U << 20U);
  table.show_pace(bob, {}, 1U << 20U);
  const std::uint32_t last = table.picker.verified_pieces().has(5_piece) ? 4 : 5;
  BOOST_TEST(table.pick(bob)->piece.value == (table.picker.verified_pieces().has({last}) ? 3U : last));
}

BOOST_AUTO_TEST_CASE(who_wants_them_in_order_waits_for_nobody_at_the_start) {
  Table table("........", {{ann, "########"}, {bob, "########"}});
  table.picker.in_order(true);
  BOOST_TEST(table.pick(bob)->piece.value == 0U);
  BOOST_TEST(table.pick(ann)->piece.value == 1U);
}

BOOST_AUTO_TEST_CASE(at_random_neither_the_start_nor_the_rare_come_first) {
  // Piece 7 is the rarest but the seeder's, piece 1 comes first: chosen by these rules, one of them would win always.
  std::set<std::uint32_t> first;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Table table("#.......", {{ann, "########"}, {bob, "#######."}});
    table.random = Random(seed);
    table.picker.at_random(true);
    table.picker.prefer_start(true);
    first.insert(table.pick(ann)->piece.value);
  }
  BOOST_TEST(first.size() == 7u);
}

BOOST_AUTO_TEST_CASE(the_start_comes_first_before_anything_is_verified) {
  Table table("........", {{ann, "########"}});
  table.picker.prefer_start(true);
  BOOST_TEST(table.picks(ann) == "0 1 2 3 4 5 6 7");
}

BOOST_AUTO_TEST_CASE(who_has_a_part_and_does_not_get_on_changes_no_order) {
  Table table("#...........", {{ann, "############"}, {bob, "###########."}});
  table.picker.prefer_start(true);
  table.show_pace(ann, {}, 2U << 20U);
  BOOST_TEST(table.pick(ann)->piece.value == 1U);
}

BOOST_AUTO_TEST_CASE(the_rarest_comes_first_as_soon_as_there_is_no_seeder) {
  Table table("#.......", {{ann, "#.######"}, {bob, "########"}});
  table.picker.prefer_start(true);
  table.picker.peer_lacks(bob, 7_piece, table.now);
  BOOST_TEST(table.pick(ann)->piece.value == 7U);
}

BOOST_AUTO_TEST_CASE(what_is_not_wanted_is_not_picked_and_not_missed) {
  const PieceLayout layout({6 * (2_MiB).value}, 2_MiB);
  PiecePicker picker(layout, pieces("#....."), pieces("##..#."));
  Random random{7};
  const Instant now = Instant{} + std::chrono::hours(1);
  picker.add_peer(ann, pieces("..##.#"));
  BOOST_TEST(!picker.interesting(ann));
  BOOST_TEST(picker.pieces_without_source() == 2u);
  BOOST_TEST(!picker.pick(ann, now, random).has_value());
  picker.add_peer(bob, pieces("######"));
  BOOST_TEST(picker.interesting(bob));
  std::set<std::uint32_t> picked;
  while (const auto next = picker.pick(bob, now, random)) {
    picked.insert(next->piece.value);
    picker.check_invariants();
  }
  BOOST_TEST((picked == std::set<std::uint32_t>{1, 4}));
  picker.received(bob, {2}, {0}, 0, now);  // from an earlier life of the download
  picker.check_invariants();
  picker.verified({1}, now);
  BOOST_TEST(!picker.complete());
  picker.verified({4}, now);
  picker.check_invariants();
  BOOST_TEST(picker.complete());
  BOOST_TEST(!picker.verified_pieces().all());
}

BOOST_AUTO_TEST_CASE(where_a_bad_piece_proves_nothing_its_author_has_just_not_that_piece) {
  Table table("#...", {{ann, "####"}});
  const Pick bad = *table.pick(ann);
  table.receive_all(ann, bad);
  BOOST_CHECK(table.picker.corrupt(bad.piece, std::vector{ann}, table.now, false).culprit == ann);
  table.picker.check_invariants();
  BOOST_TEST(!table.picker.banned(ann));
  BOOST_TEST(table.picker.availability(bad.piece) == 0U);
  for (int left = 2; left > 0; --left) {
    const Pick other = *table.pick(ann);
    BOOST_CHECK(other.piece != bad.piece);
    table.receive_all(ann, other);
    table.picker.verified(other.piece, table.now);
  }
  BOOST_TEST((!table.pick(ann).has_value() && !table.picker.interesting(ann)));
  table.picker.peer_has(ann, bad.piece);
  BOOST_CHECK(table.pick(ann)->piece == bad.piece);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
