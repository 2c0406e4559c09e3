#include "tracker/replicator.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/injection/tracker/support.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

const StoreId own = id_of<StoreId>(1);
const StoreId theirs = id_of<StoreId>(2);
const StoreId third = id_of<StoreId>(3);

TrackerEntry entry(std::uint32_t number) {
  TrackerEntry entry;
  entry.number = number;
  entry.host = "127.0.0." + std::to_string(number);
  entry.port = 5000;
  entry.key = id_of<LinkKey>(static_cast<std::uint8_t>(number));
  return entry;
}

/// The replicator of tracker 1 of a file; the test plays the other trackers, directory and journal.
struct Fixture : World {
  Ref<DirectoryRole> directory = probe<DirectoryRole>();
  Ref<JournalRole> journal = probe<JournalRole>();
  Ref<ConsoleRole> console = probe<ConsoleRole>();
  Ref<ReplicatorRole> replicator;
  OtherLog log{own};
  OtherLog log2{theirs};
  std::uint64_t pages_held = 0;

  explicit Fixture(std::uint32_t trackers = 2) {
    std::vector<TrackerEntry> entries;
    for (std::uint32_t n = 1; n <= trackers; ++n) entries.push_back(entry(n));
    replicator = spawn<ReplicatorRole>(
        "replicator",
        std::make_unique<Replicator>(
            ReplicatorPlace{1, entries, "127.0.0.1:5001", "127.0.0.1:5002", directory, journal, console},
            SyncConfig{}));
  }
  template <Message M>
  void say(Address from, const M& message) {
    inject(from, replicator.address, message);
  }
  void holds(const VersionVector& at, bool rejected = false, StateDigest digest = id_of<StateDigest>(1)) {
    say(directory.address, DirectoryHolds{own, at, digest, rejected, {}, pages_held});
  }
  /// The last page that was passed on is on disk.
  void holds_page(std::uint64_t page) {
    pages_held = page;
    holds({});
  }
  Address feed(std::uint32_t n = 2) { return host.link_to(entry(n).topic_endpoint()); }
  Address source(std::uint32_t n = 2) { return host.link_to(entry(n).repair_endpoint()); }
  Address our_feed() { return host.link_to("127.0.0.1:5001"); }
  /// Tracker n dials our repair door.
  Address come_in(std::uint32_t n = 2) {
    return host.accept(host.link_to("127.0.0.1:5002"), "127.0.0.1:40000",
                       id_of<LinkKey>(static_cast<std::uint8_t>(n)));
  }
  Address follow_us(std::uint32_t n = 2, const VersionVector& at = {}) {
    const Address link = come_in(n);
    say(link, RepairHello{1, tracker_tracker_version, id_of<StoreId>(static_cast<std::uint8_t>(n)), n, at});
    return link;
  }
  void follow_them(std::uint32_t n = 2, const VersionVector& at = {}) {
    host.link_up(source(n));
    expect<RepairHello>(source(n));
    say(source(n), RepairWelcome{2, id_of<StoreId>(static_cast<std::uint8_t>(n)), n, at, false});
    expect<Ack>(source(n));
  }
};

/// Linked with tracker 2 in both directions.
struct Linked : Fixture {
  Address follower;
  Linked() {
    holds({});
    follow_them();
    follower = follow_us();
    expect<RepairWelcome>(follower);
    discard();
  }
  void await(std::uint64_t ticket, const VersionVector& at) {
    say(directory.address, AwaitReached{{ticket}, at});
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(replicator)

BOOST_AUTO_TEST_CASE(a_port_in_use_is_told) {
  World world;
  world.host.refuse_endpoint("127.0.0.1:5001", "address in use");
  world.host.refuse_endpoint("127.0.0.1:5002", "address in use");
  const auto console = world.probe<ConsoleRole>();
  world.spawn<ReplicatorRole>("replicator",
                              std::make_unique<Replicator>(ReplicatorPlace{1,
                                                                           {entry(1)},
                                                                           "127.0.0.1:5001",
                                                                           "127.0.0.1:5002",
                                                                           world.probe<DirectoryRole>(),
                                                                           world.probe<JournalRole>(),
                                                                           console},
                                                           SyncConfig{}));
  BOOST_TEST(world.expect<Hopeless>(console).sentence == "cannot publish on 127.0.0.1:5001: address in use");
  BOOST_TEST(world.expect<Hopeless>(console).sentence ==
             "cannot serve trackers on 127.0.0.1:5002: address in use");
}

BOOST_AUTO_TEST_CASE(alone_in_its_file_it_serves_at_once) {
  Fixture alone(1);
  alone.holds({});
  alone.expect<CaughtUp>(alone.directory);
}

BOOST_FIXTURE_TEST_CASE(without_others_in_sight_it_serves_after_looking_around, Fixture) {
  holds({});
  BOOST_TEST(!find<CaughtUp>(directory.address));
  advance(299ms);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  advance(1ms);
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
  advance(5s);
  BOOST_TEST(!find<CaughtUp>(directory.address));
}

BOOST_FIXTURE_TEST_CASE(it_serves_when_it_has_what_the_others_have, Fixture) {
  holds({});
  follow_them(2, up_to(theirs, 2));
  follow_us();
  BOOST_TEST((expect<Pull>(source()).have == VersionVector{}));
  const std::vector<Delta> deltas{log2.user(1), log2.user(2)};
  say(source(), Ops{deltas, true});
  BOOST_TEST((find<Learned>(directory.address)->deltas == deltas));
  advance(1s);
  BOOST_TEST(!find<CaughtUp>(directory.address));  // not on disk yet
  holds(up_to(theirs, 2));
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(who_does_not_answer_does_not_keep_it_from_serving_for_ever, Fixture) {
  holds({});
  follow_them(2, up_to(theirs, 2));
  advance(2s);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  advance(2s);
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(it_does_not_serve_without_its_own_log_that_others_have, Fixture) {
  holds(up_to(own, 95));
  follow_them(2, up_to(own, 100));
  host.link_down(source());
  advance(3s);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  BOOST_TEST(!find<RenewStore>(directory.address));
  holds(up_to(own, 100));
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(an_own_log_that_nobody_gives_back_goes_on_under_another_name, Fixture) {
  holds(up_to(own, 95));
  follow_them(2, up_to(own, 100));
  advance(4s);  // it does not answer
  BOOST_TEST(!find<CaughtUp>(directory.address));
  BOOST_TEST(find<RenewStore>(directory.address).has_value());
  const Address before = source();
  discard();
  say(directory.address, DirectoryHolds{third, up_to(own, 95), {}, false, {}});
  BOOST_TEST(!host.is_open(before));
  host.link_up(source());
  BOOST_TEST((find<RepairHello>(source())->store == third));
  host.link_down(source());
  advance(300ms);
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(others_that_use_the_own_numbers_are_told_at_once, Linked) {
  holds(up_to(own, 3));
  discard();
  say(feed(), Heartbeat{theirs, 2, 1, up_to(own, 4), {}});
  BOOST_TEST(find<RenewStore>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(who_is_linked_one_way_is_waited_for, Fixture) {
  holds({});
  follow_them();
  advance(1s);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  follow_us();
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_cut_that_has_healed_is_caught_up_with_first, Linked) {
  host.link_down(source());
  discard();
  host.link_up(source());
  expect<RepairHello>(source());
  say(source(), RepairWelcome{1, theirs, 2, up_to(theirs, 1), false});
  expect<FellBehind>(directory);
  expect<Ack>(source());
  expect<Pull>(source());
  say(source(), Ops{{log2.user(1)}, true});
  expect<Learned>(directory);
  expect_silence(directory.address);
  holds(up_to(theirs, 1));
  expect<CaughtUp>(directory);
}

BOOST_FIXTURE_TEST_CASE(words_of_a_store_that_is_gone_are_not_heard, Linked) {
  say(feed(), Heartbeat{third, 2, 1, up_to(theirs, 3), {}});
  OtherLog old(third);
  say(feed(), old.user(1));
  expect_silence();
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 3), {}});
  expect<Pull>(source());
}

BOOST_FIXTURE_TEST_CASE(a_log_that_has_forked_is_joined_and_not_pulled, Linked) {
  say(directory.address, DirectoryHolds{own, {}, {}, true, {third}});
  discard();
  const VersionVector at = up_to(third, 5);
  say(feed(), Heartbeat{theirs, 2, 1, at, {}});
  expect<AskRows>(source());
  say(source(), SnapshotRows{1, {{third, {5}, {}}}, {}, true});
  expect<LearnedRows>(directory);
  for (int n = 0; n < 19; ++n) {
    advance(250ms);
    say(feed(), Heartbeat{theirs, 2, 1, at, {}});
  }
  BOOST_TEST(!find<Pull>(source()));
  BOOST_TEST(!find<AskRows>(source()));
}

BOOST_FIXTURE_TEST_CASE(what_every_tracker_has_is_taken_out_of_the_log, Linked) {
  holds(up_to(own, 50'000));
  say(follower, Ack{up_to(own, 30'000)});
  discard();
  for (int n = 0; n < 31 * 4; ++n) {
    say(feed(), Heartbeat{theirs, 2, 1, {}, {}});
    advance(250ms);
  }
  BOOST_TEST((find<TruncateLog>(journal.address)->upto == up_to(own, 20'000)));
}

BOOST_FIXTURE_TEST_CASE(a_number_that_another_tracker_has_used_up_is_no_acknowledgement, Linked) {
  holds(up_to(own, 95));
  say(source(), RepairWelcome{1, theirs, 2, up_to(own, 100), false});  // an old copy was put back here
  const Delta delta = log.user(1);
  holds(up_to(own, 96));
  Delta ours = delta;
  ours.sequence = {96};
  say(directory.address, Spread{{ours}});
  discard();
  await(5, up_to(own, 96));
  expect_exactly(directory.address, Reached{{5}, {2}});
}

BOOST_FIXTURE_TEST_CASE(own_deltas_are_published_and_waited_for, Linked) {
  const Delta delta = log.user(1);
  holds(up_to(own, 1));
  say(directory.address, Spread{{delta}});
  BOOST_TEST((expect<Ack>(source()).at == up_to(own, 1)));
  expect_exactly(our_feed(), delta);
  await(5, up_to(own, 1));
  expect_silence();
  say(follower, Ack{up_to(own, 1)});
  expect_exactly(directory.address, Reached{{5}, {}});
}

BOOST_FIXTURE_TEST_CASE(a_large_delta_goes_to_the_followers_alone, Linked) {
  FileDescribed file;
  file.metainfo.piece_sha1.run.resize(20 * 4000);
  const Delta delta = log.make({file});
  say(directory.address, Spread{{delta}});
  expect_exactly(follower, Ops{{delta}, false});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(what_is_not_acknowledged_is_sent_again, Linked) {
  const Delta delta = log.user(1);
  say(directory.address, Spread{{delta}});
  await(5, up_to(own, 1));
  discard();
  advance(59ms);
  BOOST_TEST(!find<Ops>(follower));
  advance(11ms);
  BOOST_TEST((find<Ops>(follower)->deltas == std::vector<Delta>{delta}));
}

BOOST_FIXTURE_TEST_CASE(a_cut_link_ends_the_wait_at_once, Linked) {
  await(5, up_to(own, 1));
  host.link_down(source());
  expect_exactly(directory.address, Reached{{5}, {2}});
}

BOOST_FIXTURE_TEST_CASE(a_follower_that_leaves_ends_the_wait_at_once, Linked) {
  await(5, up_to(own, 1));
  host.link_down(follower);
  expect_exactly(directory.address, Reached{{5}, {2}});
}

BOOST_FIXTURE_TEST_CASE(nobody_waits_longer_than_the_configured_time, Linked) {
  await(5, up_to(own, 1));
  say(feed(), Heartbeat{theirs, 2, 1, {}, {}});
  advance(SyncConfig{}.ack_wait - 10ms);
  BOOST_TEST(!find<Reached>(directory.address));
  advance(20ms);
  BOOST_TEST((find<Reached>(directory.address)->missing == std::vector<std::uint32_t>{2}));
}

BOOST_FIXTURE_TEST_CASE(deltas_pass_in_order_and_once, Linked) {
  const Delta one = log2.user(1);
  const Delta two = log2.user(2);
  const Delta three = log2.user(3);
  say(feed(), one);
  expect_exactly(directory.address, Learned{{one}});
  say(feed(), one);
  expect_silence();
  say(feed(), three);  // two was lost
  BOOST_TEST((expect<Pull>(source()).have == up_to(theirs, 1)));
  say(source(), Ops{{one, two, three}, true});
  expect_exactly(directory.address, Learned{{two, three}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_heartbeat_shows_what_is_missing, Linked) {
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 3), {}});
  BOOST_TEST((expect<Pull>(source()).have == VersionVector{}));
  // The answer is lost as well: asked again, not at every heartbeat.
  say(feed(), Heartbeat{theirs, 2, 2, up_to(theirs, 3), {}});
  BOOST_TEST(!find<Pull>(source()));
  advance(500ms);
  say(feed(), Heartbeat{theirs, 2, 3, up_to(theirs, 3), {}});
  BOOST_TEST(find<Pull>(source()).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_the_directory_did_not_take_is_pulled_again, Linked) {
  const Delta one = log2.user(1);
  say(feed(), one);
  expect<Learned>(directory);
  holds({}, true);
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 1), {}});
  expect<Pull>(source());
  say(source(), Ops{{one}, true});
  expect_exactly(directory.address, Learned{{one}});
}

BOOST_FIXTURE_TEST_CASE(a_long_pull_goes_on_until_the_end, Linked) {
  std::vector<Delta> deltas;
  for (std::uint8_t n = 1; n <= 10; ++n) deltas.push_back(log2.user(n));
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 10), {}});
  const Pull first = expect<Pull>(source());
  for (std::uint32_t n = 0; n < first.credit; ++n) say(source(), Ops{{deltas[n]}, false});
  // Not faster than the disk.
  say(feed(), Heartbeat{theirs, 2, 2, up_to(theirs, 10), {}});
  advance(250ms);
  BOOST_TEST(!find<Pull>(source()));
  holds(up_to(theirs, first.credit - 1));
  BOOST_TEST(!find<Pull>(source()));
  holds(up_to(theirs, first.credit));
  BOOST_TEST((find<Pull>(source())->have == up_to(theirs, first.credit)));
}

BOOST_FIXTURE_TEST_CASE(a_pull_of_the_old_log_does_not_hold_up_the_renewed_one, Linked) {
  std::vector<Delta> deltas;
  for (std::uint8_t n = 1; n <= 10; ++n) deltas.push_back(log2.user(n));
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 10), {}});
  const Pull first = expect<Pull>(source());
  for (std::uint32_t n = 0; n < first.credit; ++n) say(source(), Ops{{deltas[n]}, false});
  discard();
  say(directory.address, DirectoryHolds{third, {}, {}, false, {}});
  host.link_up(source());
  say(source(), RepairWelcome{1, theirs, 2, up_to(theirs, 10), false});
  const std::optional<Pull> again = find<Pull>(source());
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((again->have == VersionVector{}));
}

BOOST_FIXTURE_TEST_CASE(a_disk_that_takes_nothing_is_not_waited_for_for_ever, Fixture) {
  holds({});
  follow_them(2, up_to(theirs, 2));
  follow_us();
  const Delta one = log2.user(1);
  for (int n = 0; n < 16; ++n) {
    say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 2), {}});
    say(source(), Ops{{one}, true});
    holds({}, true);
    advance(250ms);
  }
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_is_progress_when_its_pages_are_on_disk, Fixture) {
  holds({});
  follow_them(2, up_to(theirs, 50'000));
  follow_us();
  std::uint64_t snapshot = expect<AskRows>(source()).snapshot;
  const auto give_page = [&](bool taken) {
    say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 50'000), {}});
    if (const auto ask = find<AskRows>(source())) snapshot = ask->snapshot;
    say(source(), SnapshotRows{snapshot, {{theirs, {50'000}, {}}}, {}, false});
    if (taken) ++pages_held;
    holds({}, !taken);
    advance(250ms);
  };
  for (int n = 0; n < 20; ++n) give_page(true);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  for (int n = 0; n < 16; ++n) give_page(false);
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(words_of_a_forked_log_do_not_spoil_its_snapshot, Linked) {
  say(directory.address, DirectoryHolds{own, {}, {}, false, {theirs}});
  discard();
  const VersionVector at = merged(up_to(theirs, 5), up_to(third, 2));
  say(feed(), Heartbeat{theirs, 2, 1, at, {}});
  // Of the forked log nothing is asked for with the others.
  BOOST_TEST((expect<Pull>(source()).have == up_to(theirs, 5)));
  say(source(), Ops{{}, true});
  say(source(), LogTruncated{});
  discard();
  say(source(), Ops{{log2.user(1)}, false});  // sent again
  BOOST_TEST(!find<Learned>(directory.address));
}

BOOST_FIXTURE_TEST_CASE(after_a_moment_of_absence_each_linked_tracker_is_asked, Linked) {
  say(directory.address, WasAbsent{});
  BOOST_TEST((expect<Pull>(source()).have == VersionVector{}));
  expect_silence();
  const Delta meanwhile = log2.user(1);
  say(source(), Ops{{meanwhile}, true});
  expect_exactly(directory.address, Learned{{meanwhile}});
  expect_exactly(directory.address, CaughtUp{});
}

BOOST_FIXTURE_TEST_CASE(whoever_does_not_answer_after_a_moment_of_absence_is_not_waited_for_long, Linked) {
  say(directory.address, WasAbsent{});
  expect<Pull>(source());
  advance(CatchUp::word_patience - 1ms);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  advance(1ms);
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(whoever_hung_before_a_moment_of_absence_is_not_asked, Linked) {
  say(feed(), Heartbeat{theirs, 2, 1, {}, {}});
  for (int n = 0; n < 5; ++n) advance(SyncConfig{}.heartbeat);
  discard();
  say(directory.address, WasAbsent{});
  expect_exactly(directory.address, CaughtUp{});
}

BOOST_FIXTURE_TEST_CASE(after_an_absence_one_that_hangs_is_not_waited_for_because_its_link_stands, Linked) {
  host.suspend(1s);
  advance(1ms);
  expect<FellBehind>(directory.address);
  BOOST_TEST(!find<CaughtUp>(directory.address));
  // Our new link to it does not come up.
  advance(2 * SyncConfig{}.heartbeat);
  BOOST_TEST(find<CaughtUp>(directory.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(floors_of_clients_do_not_hold_up_repair, Linked) {
  say(directory.address, Want{up_to(third, 99)});
  expect<Pull>(source());
  say(directory.address, Want{up_to(third, 99)});
  expect_silence();
  advance(60ms);
  discard();
  say(directory.address, Want{up_to(third, 99)});
  expect<Pull>(source());
  // Not at all while a snapshot is joined.
  say(source(), LogTruncated{});
  expect<AskRows>(source());
  advance(60ms);
  discard();
  say(directory.address, Want{up_to(third, 99)});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_want_waits_for_the_disk_as_any_pull, Linked) {
  std::vector<Delta> deltas;
  for (std::uint8_t n = 1; n <= 10; ++n) deltas.push_back(log2.user(n));
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 10), {}});
  const Pull first = expect<Pull>(source());
  for (std::uint32_t n = 0; n < first.credit; ++n) say(source(), Ops{{deltas[n]}, false});
  discard();
  say(directory.address, Want{up_to(theirs, 10)});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(who_asks_again_gets_what_is_being_read, Linked) {
  const std::vector<Delta> deltas{log.user(1), log.user(2)};
  holds(up_to(own, 2));
  discard();
  say(follower, Pull{{}, 2});
  const ReadLog read = expect<ReadLog>(journal);
  say(follower, Pull{{}, 4});
  expect_silence();  // no second read
  say(journal.address, LogRead{read.ticket, deltas, false, up_to(own, 2)});
  expect_exactly(follower, Ops{deltas, true});
  // A read that is over is none: this one begins anew.
  say(follower, Pull{{}, 4});
  expect<ReadLog>(journal);
}

BOOST_AUTO_TEST_CASE(slow_heartbeats_are_no_reason_to_dial_anew) {
  World world;
  const auto directory = world.probe<DirectoryRole>();
  SyncConfig sync;
  sync.heartbeat = 3000ms;
  sync.hung_after = 6000ms;
  const auto replicator = world.spawn<ReplicatorRole>(
      "replicator", std::make_unique<Replicator>(ReplicatorPlace{1,
                                                                 {entry(1), entry(2)},
                                                                 "127.0.0.1:5001",
                                                                 "127.0.0.1:5002",
                                                                 directory,
                                                                 world.probe<JournalRole>(),
                                                                 world.probe<ConsoleRole>()},
                                                 sync));
  world.inject(directory.address, replicator.address,
               DirectoryHolds{own, {}, id_of<StateDigest>(1), false, {}});
  const Address feed = world.host.link_to(entry(2).topic_endpoint());
  const Address source = world.host.link_to(entry(2).repair_endpoint());
  world.host.link_up(source);
  world.inject(source, replicator.address, RepairWelcome{1, theirs, 2, {}, false});
  for (int n = 0; n < 3; ++n) {
    world.inject(feed, replicator.address, Heartbeat{theirs, 2, 1, {}, {}});
    world.advance(3s);
  }
  BOOST_TEST(world.host.is_open(feed));
  world.advance(14s);
  BOOST_TEST(!world.host.is_open(feed));
}

BOOST_FIXTURE_TEST_CASE(pulls_are_served_within_their_credit, Linked) {
  const std::vector<Delta> deltas{log.user(1), log.user(2), log.user(3)};
  holds(up_to(own, 3));
  discard();
  say(follower, Pull{{}, 2});
  ReadLog read = expect<ReadLog>(journal);
  BOOST_TEST((read.want == up_to(own, 3)));
  say(journal.address, LogRead{read.ticket, {deltas[0]}, false, up_to(own, 1)});
  expect_exactly(follower, Ops{{deltas[0]}, false});
  read = expect<ReadLog>(journal);
  BOOST_TEST((read.have == up_to(own, 1)));
  say(journal.address, LogRead{read.ticket, {deltas[1]}, false, up_to(own, 2)});
  expect_exactly(follower, Ops{{deltas[1]}, false});
  expect_silence();
  say(follower, Pull{up_to(own, 2), 4});
  read = expect<ReadLog>(journal);
  say(journal.address, LogRead{read.ticket, {deltas[2]}, false, up_to(own, 3)});
  expect_exactly(follower, Ops{{deltas[2]}, true});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(who_asks_behind_the_log_is_sent_to_the_snapshot, Linked) {
  holds(up_to(theirs, 9));
  discard();
  say(follower, Pull{{}, 2});
  const ReadLog read = expect<ReadLog>(journal);
  say(journal.address, LogRead{read.ticket, {}, true, {}});
  expect<LogTruncated>(follower);
  say(follower, AskRows{3, {7}, 2});
  ReadRows rows = expect<ReadRows>(journal);
  BOOST_TEST((rows.buckets == Bytes{7}));
  BOOST_TEST(rows.after.empty());
  const LogHead head{theirs, {9}, {}};
  say(journal.address, RowsRead{rows.ticket, {head}, {}, {5}, false});
  expect_exactly(follower, SnapshotRows{3, {head}, {}, false});
  // The next one is read ahead, as far as there is credit.
  rows = expect<ReadRows>(journal);
  BOOST_TEST((rows.after == Bytes{5}));
  say(journal.address, RowsRead{rows.ticket, {head}, {}, {6}, false});
  expect<SnapshotRows>(follower);
  expect_silence();
  say(follower, MoreRows{2, 1});  // of another one
  expect_silence();
  say(follower, MoreRows{3, 4});
  rows = expect<ReadRows>(journal);
  BOOST_TEST((rows.after == Bytes{6}));
  say(journal.address, RowsRead{rows.ticket, {head}, {}, {}, true});
  expect_exactly(follower, SnapshotRows{3, {head}, {}, true});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(pages_of_a_snapshot_are_asked_for_ahead_of_the_disk_but_not_far, Linked) {
  say(source(), LogTruncated{});
  expect_exactly(source(), AskRows{1, {}, SnapshotJoin::ahead});
  const Delta one = log2.user(1);
  const RowRun rows = rows_of({{theirs, one.stamp, one.operations[0]}});
  const LogHead head = log2.head();
  say(source(), SnapshotRows{1, {head}, rows, false});
  expect_exactly(directory.address, LearnedRows{1, rows, {}, false});
  log2.user(2);
  for (std::uint64_t page = 2; page <= SnapshotJoin::ahead; ++page) {
    say(source(), SnapshotRows{1, {log2.head()}, {}, false});
    expect_exactly(directory.address, LearnedRows{page, {}, {}, false});
  }
  say(source(), SnapshotRows{1, {}, {}, false});  // which it was not asked for
  expect_silence();
  holds_page(SnapshotJoin::ahead / 2 - 1);
  expect_silence();  // not worth a message
  holds_page(SnapshotJoin::ahead / 2);
  expect_exactly(source(), MoreRows{1, SnapshotJoin::ahead / 2});
  say(source(), SnapshotRows{1, {log2.head()}, {}, true});
  // The heads of the first page: later rows may be missing from it.
  expect_exactly(directory.address, LearnedRows{SnapshotJoin::ahead + 1, {}, {head}, true});
  const Delta three = log2.user(3);
  say(feed(), three);
  BOOST_TEST((expect<Pull>(source()).have == up_to(theirs, 1)));
}

BOOST_FIXTURE_TEST_CASE(an_older_tracker_gets_deltas_but_gives_no_snapshot, Fixture) {
  holds({});
  host.link_up(source());
  expect<RepairHello>(source());
  say(source(), RepairWelcome{1, theirs, 2, up_to(theirs, 3), false});
  expect<Ack>(source());
  expect<Pull>(source());
  say(source(), LogTruncated{});
  expect_silence(source());
}

BOOST_FIXTURE_TEST_CASE(logs_that_are_equally_long_but_end_differently_have_forked, Linked) {
  const Delta mine = log.user(1);
  DirectoryHolds now{own, up_to(own, 1), id_of<StateDigest>(1), false, {}, 0, {log.head()}};
  say(directory.address, now);
  discard();
  say(source(), RepairHeads{{log.head()}});
  expect_silence();
  OtherLog fork(own);
  fork.user(9);
  say(source(), RepairHeads{{fork.head()}});
  expect<RenewStore>(directory);
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_stops_is_given_up_with_its_link, Linked) {
  const Address before = source();
  say(before, LogTruncated{});
  discard();
  for (int n = 0; n < 22; ++n) {
    say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 3), {}});
    advance(250ms);
  }
  BOOST_TEST(!host.is_open(before));  // a page that is late cannot come as one of the next snapshot
  discard();
  follow_them(2, up_to(theirs, 3));
  BOOST_TEST(find<Pull>(source()).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_new_conversation_gets_no_answers_of_the_one_before, Linked) {
  say(follower, AskRows{1, {}, 2});
  const ReadRows rows = expect<ReadRows>(journal);
  say(follower, Pull{{}, 2});
  const ReadLog log_asked = expect<ReadLog>(journal);
  say(follower, AskBuckets{});
  expect<AskOwnBuckets>(directory);
  host.link_down(follower);
  const Address again = follow_us();
  expect<RepairWelcome>(again);
  expect<RepairHeads>(again);
  expect<TicketSigner>(again);
  say(journal.address, RowsRead{rows.ticket, {{theirs, {9}, {}}}, {}, {5}, false});
  say(journal.address, LogRead{log_asked.ticket, {log2.user(1)}, false, up_to(theirs, 1)});
  OwnBuckets buckets;
  buckets.digests.run.resize(state_buckets * StateDigest::size);
  say(directory.address, buckets);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(reports_go_to_trackers_that_know_them_and_come_from_those_that_are_followed, Linked) {
  const ReportHeard report{id_of<Uid>(3), id_of<Gid>(1), id_of<Fid>(1), id_of<ClientKey>(2), {7}};
  say(directory.address, ReportTaken{report});
  expect_exactly(follower, report);
  say(source(), report);
  expect_exactly(directory.address, ReportLearned{report});
  const Address old = come_in(2);
  say(old, RepairHello{1, 3, id_of<StoreId>(2), 2, {}});
  discard();
  say(directory.address, ReportTaken{report});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_of_which_a_page_was_not_taken_begins_anew, Linked) {
  const LogHead head{theirs, {9}, {}};
  say(source(), LogTruncated{});
  expect<AskRows>(source());
  say(source(), SnapshotRows{1, {head}, {}, false});
  expect_exactly(directory.address, LearnedRows{1, {}, {}, false});
  holds_page(1);
  holds({}, true);
  expect_exactly(directory.address, LearnedRows{0, {}, {}, true});  // given up
  holds({}, true);
  say(source(), SnapshotRows{1, {head}, {}, true});  // was under way
  expect_silence();
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 9), {}});
  BOOST_TEST((expect<Pull>(source()).have == VersionVector{}));
  say(source(), LogTruncated{});
  BOOST_TEST(expect<AskRows>(source()).snapshot == 2U);
  say(source(), SnapshotRows{1, {head}, {}, true});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_is_cut_off_is_told, Linked) {
  say(source(), LogTruncated{});
  say(source(), SnapshotRows{1, {{theirs, {9}, {}}}, {}, false});
  discard();
  host.link_down(source());
  BOOST_TEST((find<LearnedRows>(directory.address) == LearnedRows{0, {}, {}, true}));
}

BOOST_FIXTURE_TEST_CASE(a_far_cry_gets_a_snapshot_instead_of_a_log, Linked) {
  say(feed(), Heartbeat{theirs, 2, 1, up_to(theirs, 50'000), {}});
  expect<AskRows>(source());
}

BOOST_FIXTURE_TEST_CASE(heartbeats_say_what_is_on_disk, Linked) {
  holds(up_to(own, 4), false, id_of<StateDigest>(9));
  discard();
  advance(250ms);
  const Heartbeat heartbeat = *find<Heartbeat>(our_feed());
  BOOST_TEST((heartbeat.at == up_to(own, 4)));
  BOOST_TEST((heartbeat.digest == id_of<StateDigest>(9)));
  BOOST_TEST(heartbeat.number == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_same_vector_with_another_digest_is_compared_by_bucket, Linked) {
  holds(up_to(own, 4), false, id_of<StateDigest>(9));
  for (int n = 0; n < 3; ++n) {
    advance(1s);
    say(feed(), Heartbeat{theirs, 2, 1, up_to(own, 4), id_of<StateDigest>(9)});
  }
  discard();
  say(feed(), Heartbeat{theirs, 2, 1, up_to(own, 4), id_of<StateDigest>(8)});
  expect<AskBuckets>(source());
  Buckets buckets{up_to(own, 4), {}};
  buckets.digests.run.resize(state_buckets * StateDigest::size);
  const OwnBuckets mine{buckets.at, buckets.digests};
  buckets.digests.run[3 * StateDigest::size] = 1;
  say(source(), buckets);
  expect<AskOwnBuckets>(directory);
  say(directory.address, mine);
  expect_exactly(source(), AskRows{1, {3}, SnapshotJoin::ahead});
  // Some rows alone say nothing about how far the log is.
  say(source(), SnapshotRows{1, {{theirs, {9}, {}}}, {}, true});
  expect_exactly(directory.address, LearnedRows{1, {}, {}, true});
}

BOOST_FIXTURE_TEST_CASE(states_of_different_moments_are_not_compared, Linked) {
  Buckets buckets{up_to(own, 4), {}};
  buckets.digests.run.resize(state_buckets * StateDigest::size);
  say(source(), buckets);
  expect<AskOwnBuckets>(directory);
  OwnBuckets mine{up_to(own, 5), buckets.digests};
  mine.digests.run[0] = 1;
  say(directory.address, mine);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(buckets_are_given_to_who_asks, Linked) {
  say(follower, AskBuckets{});
  expect<AskOwnBuckets>(directory);
  OwnBuckets mine{up_to(own, 5), {}};
  mine.digests.run.resize(state_buckets * StateDigest::size);
  say(directory.address, mine);
  expect_exactly(follower, Buckets{mine.at, mine.digests});
}

BOOST_FIXTURE_TEST_CASE(whole_states_are_compared_now_and_then, Linked) {
  for (int n = 0; n < 31 * 4; ++n) {
    say(feed(), Heartbeat{theirs, 2, 1, {}, {}});
    advance(250ms);
  }
  BOOST_TEST(find<AskBuckets>(source()).has_value());
}

BOOST_FIXTURE_TEST_CASE(gossip_goes_both_ways, Linked) {
  PresenceGossip gossip;
  gossip.count = 4;
  say(directory.address, Gossip{gossip});
  expect_exactly(our_feed(), gossip);
  say(feed(), gossip);
  expect_exactly(directory.address, GossipHeard{gossip});
}

BOOST_FIXTURE_TEST_CASE(a_state_that_is_wanted_is_pulled_from_everybody, Linked) {
  say(directory.address, Want{up_to(theirs, 1)});
  expect<Pull>(source());
  say(directory.address, Want{{}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(hello_is_refused_to_strangers_copies_and_other_versions, Fixture) {
  holds({});
  discard();
  const auto refused = [&](const RepairHello& hello) {
    const Address link = come_in();
    say(link, hello);
    return expect<RepairUnwelcome>(link).sentence;
  };
  BOOST_TEST(refused({1, 1, theirs, 9, {}}).find("the tracker files differ") != std::string::npos);
  BOOST_TEST(refused({1, 1, theirs, 1, {}}).find("the tracker files differ") != std::string::npos);
  BOOST_TEST(refused({1, 1, own, 2, {}}).find("copy") != std::string::npos);
  BOOST_TEST(refused({tracker_tracker_version + 1, tracker_tracker_version + 1, theirs, 2, {}})
                 .find("another version") != std::string::npos);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_welcome_from_somebody_else_is_none, Fixture) {
  holds({});
  host.link_up(source());
  discard();
  say(source(), RepairWelcome{1, theirs, 3, up_to(theirs, 4), false});
  say(source(), RepairWelcome{1, own, 2, up_to(theirs, 4), false});
  say(source(), RepairUnwelcome{1, 1, "no"});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(words_before_hello_are_worth_nothing, Fixture) {
  holds({});
  discard();
  const Address link = come_in();
  say(link, Pull{{}, 4});
  say(link, Ack{up_to(own, 9)});
  say(link, AskRows{});
  say(link, AskBuckets{});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_hello_before_the_store_is_loaded_is_answered_afterwards, Fixture) {
  const Address link = follow_us(2, up_to(theirs, 3));
  expect_silence();
  holds(up_to(own, 1));
  BOOST_TEST((expect<RepairWelcome>(link).at == up_to(own, 1)));
}

BOOST_FIXTURE_TEST_CASE(a_hello_from_a_tracker_that_cannot_be_reached_dials_it, Fixture) {
  holds({});
  const Address before = source();
  advance(300ms);
  follow_us();
  BOOST_TEST(!host.is_open(before));
  BOOST_TEST((source() != before));
}

BOOST_FIXTURE_TEST_CASE(a_link_without_a_sensible_word_is_dialled_anew, Fixture) {
  holds({});
  const Address before = source();
  host.link_up(before);
  advance(2s);
  BOOST_TEST(host.is_open(before));
  advance(500ms);
  BOOST_TEST(!host.is_open(before));
}

BOOST_FIXTURE_TEST_CASE(a_feed_that_falls_silent_is_dialled_anew, Linked) {
  const Address before = feed();
  say(before, Heartbeat{theirs, 2, 1, {}, {}});
  advance(2s);
  BOOST_TEST(host.is_open(before));
  advance(500ms);
  BOOST_TEST(!host.is_open(before));
}

BOOST_FIXTURE_TEST_CASE(the_directory_is_told_how_the_others_are, Linked) {
  const auto second = [&] { return find<TrackersSeen>(directory.address).value().trackers.at(1); };
  say(follower, Ack{up_to(own, 1)});
  holds(up_to(own, 3));
  say(feed(), Heartbeat{theirs, 2, 1, up_to(own, 1), {}});
  discard();
  advance(250ms);
  const TrackersSeen seen = *find<TrackersSeen>(directory.address);
  BOOST_REQUIRE(seen.trackers.size() == 2);
  BOOST_TEST((seen.trackers[0].row.health == TrackerHealth::self));
  BOOST_TEST((seen.trackers[1].row.health == TrackerHealth::behind));
  BOOST_TEST((seen.trackers[1].tie == TrackerTie::live));
  BOOST_TEST(seen.trackers[1].row.operations_behind == 2U);
  discard();
  advance(1s);
  discard();
  advance(250ms);
  BOOST_TEST((second().tie == TrackerTie::hung));
  say(follower, Ack{up_to(own, 2)});
  host.link_down(source());
  discard();
  advance(250ms);
  const TrackerView half = second();
  BOOST_TEST((half.row.health == TrackerHealth::unreachable));
  BOOST_TEST((half.tie == TrackerTie::half_linked));
  discard();
  advance(1s);
  discard();
  advance(250ms);
  // The door still holds the link, but nobody speaks there any more.
  const TrackerView cut = second();
  BOOST_TEST((cut.tie == TrackerTie::cut_off));
  BOOST_TEST(cut.heard_ever);
}

// --- keys -------------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(both_doors_are_open_to_the_keys_of_the_others_alone, Fixture) {
  for (const Address door : {our_feed(), host.link_to("127.0.0.1:5002")}) {
    BOOST_TEST((host.link(door).admits == Admits::named));
    BOOST_TEST((host.link(door).admitted == std::vector{id_of<LinkKey>(2)}));
  }
  holds({});
  for (const Address link : {feed(), source()}) BOOST_TEST((host.link(link).key == id_of<LinkKey>(2)));
  BOOST_TEST(!host.question_to(entry(2).client_endpoint()));
}

BOOST_FIXTURE_TEST_CASE(who_says_it_is_another_tracker_than_its_key_is_not_welcome, Fixture) {
  holds({});
  discard();
  const Address link = come_in(1);
  say(link, RepairHello{1, 2, theirs, 2, {}});
  expect<RepairUnwelcome>(link);
  BOOST_TEST(host.is_open(link));  // it would be back at once
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_tracker_that_is_not_met_yet_is_asked_at_its_address_in_the_file, World) {
  TrackerEntry stranger = entry(2);
  stranger.key.reset();
  const auto directory = probe<DirectoryRole>();
  const auto journal = probe<JournalRole>();
  const auto replicator =
      spawn<ReplicatorRole>("replicator", std::make_unique<Replicator>(ReplicatorPlace{1,
                                                                                       {entry(1), stranger},
                                                                                       "127.0.0.1:5001",
                                                                                       "127.0.0.1:5002",
                                                                                       directory,
                                                                                       journal,
                                                                                       probe<ConsoleRole>()},
                                                                       SyncConfig{}));
  const Address door = host.link_to("127.0.0.1:5002");
  BOOST_TEST(host.link(door).admitted.empty());
  inject(directory.address, replicator.address, DirectoryHolds{own, {}, id_of<StateDigest>(1), false, {}});
  // Until it is proven it is somebody's word.
  host.tell_key(host.question_to(stranger.client_endpoint()).value(), id_of<LinkKey>(6));
  BOOST_TEST((host.link(door).admitted == std::vector{id_of<LinkKey>(6)}));
  advance(5s);
  host.tell_key(host.question_to(stranger.client_endpoint()).value(), id_of<LinkKey>(7));
  expect_silence(journal.address);
  BOOST_TEST((host.link(door).admitted == std::vector{id_of<LinkKey>(7)}));
  host.link_up(host.link_to(stranger.repair_endpoint()));
  expect_exactly(journal.address, RememberNeighbour{stranger.client_endpoint(), id_of<LinkKey>(7)});
  host.link_down(host.link_to(stranger.repair_endpoint()));
  BOOST_TEST((host.link(host.link_to(stranger.repair_endpoint())).key == id_of<LinkKey>(7)));
  // When it does not come up it is asked again; another key changes nothing.
  advance(5s);
  host.tell_key(host.question_to(stranger.client_endpoint()).value(), id_of<LinkKey>(8));
  BOOST_TEST((host.link(door).admitted == std::vector{id_of<LinkKey>(7)}));
  BOOST_TEST((host.link(host.link_to(stranger.repair_endpoint())).key == id_of<LinkKey>(7)));
}

BOOST_AUTO_TEST_SUITE_END()
