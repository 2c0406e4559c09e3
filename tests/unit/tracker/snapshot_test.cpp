// A snapshot on its way: SnapshotJoin of the follower beside RowsAsked of the source, and PullAsked.

#include <boost/test/unit_test.hpp>
#include <deque>

#include "actors/random.hpp"
#include "tracker/repair_asked.hpp"
#include "tracker/snapshot_join.hpp"
#include "tracker/version_vector.hpp"

using namespace tutti;
using namespace std::chrono_literals;

namespace {

StoreId store(std::uint8_t n) {
  StoreId id;
  id.bytes.fill(n);
  return id;
}

SnapshotRows page_of(std::uint64_t snapshot, std::uint64_t head, bool last = false) {
  return {snapshot, {{store(2), {head}, {}}}, {}, last};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(snapshot)

// Pages of any number, journals and disks of any speed: whole, in order, once, and never far ahead of the disk.
BOOST_AUTO_TEST_CASE(a_snapshot_comes_whole_and_not_far_ahead_of_the_disk) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const std::uint64_t pages = 1 + random.below(60);
    SnapshotJoin join;
    RowsAsked asked;
    Ticket ticket;
    Instant now{1h};
    std::deque<ReadRows> reads;
    std::deque<SnapshotRows> wire;
    std::uint64_t read = 0;
    std::uint64_t got = 0;
    std::uint64_t on_disk = 0;
    std::vector<LogHead> heads;
    const auto read_next = [&] { reads.push_back(asked.read({++ticket.value})); };
    if (asked.asked(join.begin(2, {}, now))) read_next();
    while (join.is_under_way()) {
      BOOST_REQUIRE_MESSAGE(!reads.empty() || !wire.empty() || on_disk < got, "stuck, seed " << seed);
      BOOST_REQUIRE(reads.size() <= 1);
      switch (random.below(3)) {
        case 0: {
          if (reads.empty()) break;
          const std::uint64_t position = reads.front().after.empty() ? 0 : reads.front().after[0];
          BOOST_REQUIRE(position == read);
          ++read;
          const RowsRead rows{reads.front().ticket,
                              {{store(2), {100 + read}, {}}},
                              {},
                              {static_cast<std::uint8_t>(read)},
                              read == pages};
          reads.pop_front();
          const auto given = asked.given(rows);
          BOOST_REQUIRE(given.has_value());
          wire.push_back(given->rows);
          if (given->goes_on) read_next();
          break;
        }
        case 1: {
          if (wire.empty()) break;
          const auto learned = join.take(2, wire.front(), now);
          wire.pop_front();
          BOOST_REQUIRE(learned.has_value());
          BOOST_TEST(learned->page == ++got);
          heads = learned->heads;
          break;
        }
        default: {
          if (on_disk == got) break;
          on_disk += 1 + random.below(got - on_disk);
          join.is_progress(on_disk);
          const auto room = join.room(now);
          if (room && asked.asked(*room)) read_next();
        }
      }
      BOOST_REQUIRE(read - on_disk <= SnapshotJoin::ahead);
    }
    BOOST_TEST(got == pages);
    // Of the first page.
    BOOST_REQUIRE(heads.size() == 1);
    BOOST_TEST(heads[0].sequence.value == 101U);
  }
}

BOOST_AUTO_TEST_CASE(a_page_of_another_snapshot_is_none_of_this) {
  SnapshotJoin join;
  const Instant now{1h};
  BOOST_TEST(!join.take(2, page_of(1, 5), now).has_value());
  const AskRows first = join.begin(2, {}, now);
  BOOST_TEST(!join.take(3, page_of(first.snapshot, 5), now).has_value());
  join.give_up();
  BOOST_TEST(!join.is_under_way());
  const AskRows second = join.begin(2, {}, now);
  BOOST_TEST(!join.take(2, page_of(first.snapshot, 5), now).has_value());
  BOOST_TEST(join.take(2, page_of(second.snapshot, 5), now).has_value());
}

BOOST_AUTO_TEST_CASE(rows_of_some_buckets_say_nothing_about_logs) {
  SnapshotJoin join;
  const AskRows ask = join.begin(2, {3}, Instant{1h});
  BOOST_TEST((ask.buckets == Bytes{3}));
  const auto learned = join.take(2, page_of(ask.snapshot, 5, true), Instant{1h});
  BOOST_REQUIRE(learned.has_value());
  BOOST_TEST(learned->heads.empty());
  BOOST_TEST(!join.is_under_way());
}

BOOST_AUTO_TEST_CASE(a_page_is_late_only_where_one_may_come) {
  SnapshotJoin join;
  Instant now{1h};
  const AskRows ask = join.begin(2, {}, now);
  for (std::uint32_t page = 0; page < SnapshotJoin::ahead; ++page) {
    now += SnapshotJoin::patience;
    BOOST_TEST(!join.is_late(now));
    BOOST_TEST(join.is_late(now + 1ms));
    BOOST_TEST(join.take(2, page_of(ask.snapshot, 5), now).has_value());
  }
  now += 1h;
  BOOST_TEST(!join.is_late(now));  // the disk is slow here
  BOOST_TEST(join.is_progress(SnapshotJoin::ahead));
  BOOST_TEST(join.room(now).has_value());
  BOOST_TEST(!join.is_late(now + SnapshotJoin::patience));
  BOOST_TEST(join.is_late(now + SnapshotJoin::patience + 1ms));
}

BOOST_AUTO_TEST_CASE(pages_of_a_snapshot_that_was_given_up_make_no_room_in_the_next) {
  SnapshotJoin join;
  const Instant now{1h};
  const AskRows first = join.begin(2, {}, now);
  for (int page = 0; page < 6; ++page) join.take(2, page_of(first.snapshot, 5), now);
  join.give_up();
  join.begin(2, {}, now);
  BOOST_TEST(!join.is_progress(6));
  BOOST_TEST(!join.room(now).has_value());
}

BOOST_AUTO_TEST_CASE(nobody_has_more_read_than_is_allowed) {
  RowsAsked asked;
  Ticket ticket;
  std::uint32_t given = 0;
  BOOST_REQUIRE(asked.asked(AskRows{1, {}, 1'000'000}));
  for (bool goes_on = true; goes_on; ++given) {
    const ReadRows read = asked.read({++ticket.value});
    const auto page = asked.given({read.ticket, {}, {}, {1}, false});
    BOOST_REQUIRE(page.has_value());
    goes_on = page->goes_on;
  }
  BOOST_TEST(given == SnapshotJoin::ahead);
}

BOOST_AUTO_TEST_CASE(a_new_ask_takes_the_place_of_the_one_before) {
  RowsAsked asked;
  BOOST_REQUIRE(asked.asked(AskRows{1, {}, 4}));
  const ReadRows before = asked.read({1});
  BOOST_REQUIRE(asked.asked(AskRows{2, {9}, 4}));
  const ReadRows now = asked.read({2});
  BOOST_TEST((now.buckets == Bytes{9}));
  BOOST_TEST(!asked.given({before.ticket, {}, {}, {1}, false}).has_value());
  const auto page = asked.given({now.ticket, {}, {}, {1}, true});
  BOOST_REQUIRE(page.has_value());
  BOOST_TEST(page->rows.snapshot == 2U);
  BOOST_TEST(!page->goes_on);
  BOOST_TEST(!asked.asked(MoreRows{2, 4}));  // there is no more
}

BOOST_AUTO_TEST_SUITE_END()
