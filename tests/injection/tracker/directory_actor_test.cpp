#include "tracker/directory_actor.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "actors/digest.hpp"
#include "actors/log.hpp"
#include "tests/injection/tracker/support.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

const StoreId own = id_of<StoreId>(1);
const StoreId other = id_of<StoreId>(2);

/// A directory whose journal, replicator, front desk and console are played by the test.
struct Fixture : World {
  Ref<FrontDeskRole> desk = probe<FrontDeskRole>();
  Ref<JournalRole> journal = probe<JournalRole>();
  Ref<ReplicatorRole> replicator = probe<ReplicatorRole>();
  Ref<ConsoleRole> console = probe<ConsoleRole>();
  Ref<DirectoryRole> directory;
  OtherLog log{other};
  std::uint64_t tickets = 0;

  explicit Fixture(std::uint32_t trackers = 2) {
    directory = spawn<DirectoryRole>(
        "directory", std::make_unique<DirectoryActor>(
                         DirectoryPlace{1, trackers, desk, journal, replicator, console}, SyncConfig{}));
    expect<LoadStore>(journal);
  }
  template <Message M>
  void from_journal(const M& message) {
    inject(journal.address, directory.address, message);
  }
  template <Message M>
  void from_replicator(const M& message) {
    inject(replicator.address, directory.address, message);
  }
  void load_empty() { from_journal(StoreLoading{own, {}, {}, {}, true, {}}); }
  void serve() {
    load_empty();
    expect<DirectoryHolds>(replicator);
    from_replicator(CaughtUp{});
    expect_exactly(desk.address, ServiceChanged{true, own});
  }
  Ticket submit(const ClientRequest& what, std::uint8_t client = 9, const VersionVector& floor = {},
                std::uint64_t counter = 0) {
    Submit submit{{++tickets}, id_of<ClientKey>(client), "10.0.0.9", {}};
    submit.request.counter = {counter == 0 ? tickets : counter};
    submit.request.floor = floor;
    submit.request.what = what;
    inject(desk.address, directory.address, submit);
    return submit.ticket;
  }
  /// An account, up to where its delta lies with the journal.
  Ticket create(const std::string& name, std::uint64_t counter = 0) {
    const Ticket ticket = submit(CreateUser{{name}, "secret"}, 9, {}, counter);
    expect<PasswordNeeded>(desk);
    inject(desk.address, directory.address, PasswordKnown{ticket, false, "verifier of " + name, 0});
    return ticket;
  }
  CommitBatch commit() {
    CommitBatch batch = expect<CommitBatch>(journal);
    from_journal(BatchCommitted{batch.ticket});
    return batch;
  }
  void reached(std::vector<std::uint32_t> missing = {}) {
    const AwaitReached wait = expect<AwaitReached>(replicator);
    from_replicator(Reached{wait.ticket, std::move(missing)});
  }
};

/// Takes the log's warnings while it lives.
struct LogFile {
  std::string path =
      (std::filesystem::temp_directory_path() / ("tutti-log-" + std::to_string(getpid()))).string();
  LogFile() { configure_log(path, "warning"); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() {
    configure_log("", "warning");
    std::filesystem::remove(path);
  }
  std::string text() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

struct InService : Fixture {
  explicit InService(std::uint32_t trackers = 2) : Fixture(trackers) { serve(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(directory_actor)

BOOST_FIXTURE_TEST_CASE(a_store_is_loaded_page_by_page_and_then_told, Fixture) {
  const Delta one = log.user(1);
  const Delta two = log.user(2);
  from_journal(
      StoreLoading{own, {log.head()}, rows_of({{other, one.stamp, one.operations[0]}}), {1, 2}, false, {}});
  expect_exactly(journal.address, LoadMore{{1, 2}});
  from_journal(StoreLoading{own, {}, rows_of({{other, two.stamp, two.operations[0]}}), {}, true, {}});
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST((holds.store == own));
  BOOST_TEST((holds.at == up_to(other, 2)));
  BOOST_TEST(!holds.digest.is_zero());
  inject(console.address, directory.address, AskNode{});
  const NodeStatus status = expect<NodeStatus>(console);
  BOOST_TEST(status.users == 2U);
  BOOST_TEST(!status.serving);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_store_that_cannot_be_read_is_hopeless, Fixture) {
  from_journal(StoreLoading{own, {}, {}, {}, true, "bad disk"});
  BOOST_TEST(expect<Hopeless>(console).sentence == "the store cannot be read: bad disk");
}

BOOST_FIXTURE_TEST_CASE(requests_wait_until_it_has_caught_up, Fixture) {
  const Ticket early = submit(AskStatus{});
  load_empty();
  expect<DirectoryHolds>(replicator);
  submit(AskStatus{});
  expect_silence();
  from_replicator(CaughtUp{});
  expect<ServiceChanged>(desk);
  BOOST_TEST((expect<Settled>(desk).ticket == early));
  expect<Settled>(desk);
}

BOOST_FIXTURE_TEST_CASE(a_change_is_on_disk_then_everywhere_then_answered, InService) {
  const Ticket ticket = create("anna");
  const CommitBatch batch = expect<CommitBatch>(journal);
  BOOST_REQUIRE(batch.deltas.size() == 1);
  BOOST_TEST((batch.deltas[0].sequence == Sequence{1}));
  BOOST_TEST(!batch.rows.empty());
  BOOST_TEST((batch.heads.at(0).hash == hash_of(batch.deltas[0])));
  expect_silence();  // neither answered nor published before it is on disk

  from_journal(BatchCommitted{batch.ticket});
  BOOST_TEST((expect<DirectoryHolds>(replicator).at == up_to(own, 1)));
  BOOST_TEST((expect<Spread>(replicator).deltas == batch.deltas));
  const AwaitReached wait = expect<AwaitReached>(replicator);
  BOOST_TEST((wait.at == up_to(own, 1)));
  expect_silence();  // nor before the other trackers have it

  from_replicator(Reached{wait.ticket, {}});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == ticket));
  BOOST_TEST(settled.answer.what.get<Done>() != nullptr);
  BOOST_TEST(!settled.answer.provisional);
  BOOST_TEST((settled.answer.at == up_to(own, 1)));
}

BOOST_FIXTURE_TEST_CASE(what_every_tracker_has_is_said_to_have_reached_all, InService) {
  create("anna");
  commit();
  expect<DirectoryHolds>(replicator);
  expect<Spread>(replicator);
  reached();
  expect<Settled>(desk);
  const CommitBatch batch = expect<CommitBatch>(journal);
  BOOST_REQUIRE(batch.deltas.size() == 1);
  const auto* named = std::get_if<UserNamed>(&batch.deltas[0].operations.at(0).value);
  BOOST_REQUIRE(named != nullptr);
  BOOST_TEST(named->reached_all);
}

BOOST_FIXTURE_TEST_CASE(a_tracker_that_did_not_get_it_makes_the_success_provisional, InService) {
  create("anna");
  commit();
  discard();
  from_replicator(Reached{{2}, {2, 3}});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST(settled.answer.provisional);
  BOOST_TEST(settled.answer.sentence == "trackers 2, 3 unreachable");
  expect_silence();  // and nothing is confirmed
}

BOOST_AUTO_TEST_CASE(a_tracker_without_others_waits_for_its_disk_alone) {
  InService alone(1);
  alone.create("anna");
  alone.commit();
  alone.expect<DirectoryHolds>(alone.replicator);
  alone.expect<Spread>(alone.replicator);
  BOOST_TEST(!alone.expect<Settled>(alone.desk).answer.provisional);
}

BOOST_FIXTURE_TEST_CASE(what_comes_while_the_disk_works_goes_there_together, InService) {
  create("anna");
  const CommitBatch first = expect<CommitBatch>(journal);
  create("bert");
  create("carl");
  expect_silence(journal.address);
  from_journal(BatchCommitted{first.ticket});
  BOOST_TEST(expect<CommitBatch>(journal).deltas.size() == 2);
}

BOOST_FIXTURE_TEST_CASE(a_reader_does_not_see_what_a_crash_could_take_back, InService) {
  create("anna");
  const CommitBatch batch = expect<CommitBatch>(journal);
  const Ticket reader = submit(AskStatus{}, 5);
  expect_silence();
  from_journal(BatchCommitted{batch.ticket});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == reader));
  BOOST_TEST(settled.answer.what.get<TrackerStatus>()->users == 1U);
  BOOST_TEST((settled.answer.at == up_to(own, 1)));
}

BOOST_FIXTURE_TEST_CASE(a_repeated_request_waits_as_the_first_did_and_is_answered_the_same, InService) {
  create("anna", 77);
  commit();
  discard();
  const Ticket again = submit(CreateUser{{"anna"}, "secret"}, 9, {}, 77);
  const AwaitReached wait = expect<AwaitReached>(replicator);
  expect_silence();
  from_replicator(Reached{wait.ticket, {}});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == again));
  BOOST_TEST(settled.answer.what.get<Done>() != nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_login_that_cannot_be_checked_now_is_refused, InService) {
  const Ticket ticket = submit(Login{{"anna"}, "secret", "", 9000});
  BOOST_TEST(expect<PasswordNeeded>(desk).verifiers.empty());  // no such user: work in vain
  inject(desk.address, directory.address, PasswordKnown{ticket, true, {}, 0});
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::other));
}

BOOST_FIXTURE_TEST_CASE(a_request_below_its_floor_waits_for_what_is_missing, InService) {
  const Delta delta = log.user(1);
  const Ticket ticket = submit(AskStatus{}, 9, up_to(other, 1));
  expect_exactly(replicator.address, Want{up_to(other, 1)});
  expect_silence();
  from_replicator(Learned{{delta}});
  commit();
  expect<DirectoryHolds>(replicator);
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == ticket));
  BOOST_TEST(settled.answer.what.get<TrackerStatus>()->users == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_floor_that_nobody_has_costs_one_wait, InService) {
  submit(AskStatus{}, 9, up_to(other, 5));
  expect<Want>(replicator);
  advance(499ms);
  expect_silence();
  advance(1ms);
  expect<Settled>(desk);
  submit(AskStatus{}, 9, up_to(other, 5));
  expect<Settled>(desk);
  // What one client writes into its floor is of no consequence to another.
  submit(AskStatus{}, 8, up_to(other, 5));
  expect<Want>(replicator);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_floor_is_waited_for_while_it_can_be_had_and_something_comes, InService) {
  from_replicator(TrackersSeen{{}, up_to(other, 5)});
  const Ticket ticket = submit(AskStatus{}, 9, up_to(other, 5));
  for (std::uint8_t n = 1; n <= 4; ++n) {
    advance(490ms);
    from_replicator(Learned{{log.user(n)}});
    commit();
  }
  BOOST_TEST(!find<Settled>(desk.address));
  from_replicator(Learned{{log.user(5)}});
  commit();
  BOOST_TEST((find<Settled>(desk.address)->ticket == ticket));
}

BOOST_FIXTURE_TEST_CASE(a_floor_of_which_a_part_can_be_had_is_no_reason_to_end_a_session, InService) {
  from_replicator(TrackersSeen{{}, up_to(other, 5)});
  // The other part is gone with its tracker.
  submit(ListGroups{}, 8, merged(up_to(other, 5), up_to(id_of<StoreId>(3), 9)));
  advance(500ms);
  BOOST_TEST((find<Settled>(desk.address)->answer.what.get<Refused>()->code == Code::other));
}

BOOST_FIXTURE_TEST_CASE(a_floor_that_can_be_had_but_does_not_come_is_not_waited_for_for_ever, InService) {
  from_replicator(TrackersSeen{{}, up_to(other, 5)});
  submit(AskStatus{}, 9, up_to(other, 5));
  submit(ListGroups{}, 8, up_to(other, 5));
  advance(500ms);
  BOOST_TEST(expect<Settled>(desk).answer.what.get<TrackerStatus>() != nullptr);
  // Whoever seems not to be logged in may well be, elsewhere: to be told so would end the session.
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::other));
  from_replicator(TrackersSeen{});
  submit(ListGroups{}, 8, up_to(other, 5));
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::not_logged_in));
}

BOOST_FIXTURE_TEST_CASE(a_tracker_that_was_away_answers_when_it_has_caught_up, InService) {
  from_replicator(FellBehind{});
  expect_exactly(desk.address, ServiceChanged{false, own});
  const Ticket ticket = submit(AskStatus{});
  from_replicator(Learned{{log.user(1)}});
  commit();
  expect<DirectoryHolds>(replicator);
  expect_silence();
  from_replicator(CaughtUp{});
  expect_exactly(desk.address, ServiceChanged{true, own});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == ticket));
  BOOST_TEST(settled.answer.what.get<TrackerStatus>()->users == 1U);
}

BOOST_FIXTURE_TEST_CASE(of_two_who_take_a_name_at_the_same_moment_one_is_told, InService) {
  const Delta theirs = log.make({UserNamed{id_of<Uid>(77), {"anna"}, 2, false}});
  advance(1s);
  const Ticket ticket = create("anna", 50);
  commit();
  discard();
  from_replicator(Learned{{theirs}});
  commit();
  discard();
  from_replicator(Reached{{2}, {}});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == ticket));
  BOOST_TEST((settled.answer.what.get<Refused>()->code == Code::user_exists));
  // A name that was lost is not confirmed, and of the account that nobody was told of nothing is left.
  const CommitBatch undo = commit();
  BOOST_REQUIRE(undo.deltas.size() == 1);
  BOOST_REQUIRE(undo.deltas[0].operations.size() == 1);
  BOOST_REQUIRE(undo.deltas[0].operations[0].get<PasswordSet>() != nullptr);
  inject(console.address, directory.address, AskNode{});
  BOOST_TEST(expect<NodeStatus>(console).users == 1U);
  discard();
  submit(CreateUser{{"anna"}, "secret"}, 9, {}, 50);
  reached();
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::user_exists));
}

// Somebody may have been told of it there, or is out of sight.
BOOST_FIXTURE_TEST_CASE(an_account_that_another_tracker_took_as_well_is_kept, InService) {
  Delta theirs = log.make({UserNamed{id_of<Uid>(77), {"anna"}, 2, false}});
  theirs.stamp.milliseconds -= 1000;
  OtherLog third(id_of<StoreId>(3));
  for (const bool is_out_of_sight : {true, false}) {
    const std::uint64_t counter = is_out_of_sight ? 50 : 51;
    create(is_out_of_sight ? "anna" : "bert", counter);
    commit();
    expect<DirectoryHolds>(replicator);
    expect<Spread>(replicator);
    const AwaitReached wait = expect<AwaitReached>(replicator);
    if (!is_out_of_sight) {
      theirs = OtherLog(id_of<StoreId>(4)).make({UserNamed{id_of<Uid>(78), {"bert"}, 2, false}});
      theirs.stamp.milliseconds -= 1000;
      const Uid uid = uid_of_request(id_of<ClientKey>(9), {counter});
      from_replicator(
          Learned{{third.make({UserNamed{uid, {"bert"}, 3, false},
                               RequestAnswered{id_of<ClientKey>(9), {counter}, encode_answer(Done{})}})}});
      commit();
    }
    from_replicator(Learned{{theirs}});
    commit();
    discard();
    from_replicator(
        Reached{wait.ticket, is_out_of_sight ? std::vector<std::uint32_t>{3} : std::vector<std::uint32_t>{}});
    BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::user_exists));
    expect_silence();
  }
}

BOOST_FIXTURE_TEST_CASE(whoever_takes_a_name_waits_both_ways, InService) {
  create("anna");
  commit();
  expect<DirectoryHolds>(replicator);
  expect<Spread>(replicator);
  BOOST_TEST(expect<AwaitReached>(replicator).both_ways);
}

BOOST_FIXTURE_TEST_CASE(an_own_log_that_has_forked_is_said_again_under_another_name, InService) {
  create("anna");
  const Delta said = commit().deltas.at(0);
  discard();
  from_replicator(RenewStore{});
  expect_exactly(desk.address, ServiceChanged{false, own});
  const ReadLog read = expect<ReadLog>(journal);
  BOOST_TEST((read.have == VersionVector{}));
  BOOST_TEST((read.want == up_to(own, 1)));
  const Ticket meanwhile = submit(AskStatus{});
  from_replicator(RenewStore{});  // said again at each heartbeat
  expect_silence();
  from_journal(LogRead{read.ticket, {said}, false, read.want});

  const CommitBatch batch = expect<CommitBatch>(journal);
  BOOST_REQUIRE(batch.renewal.has_value());
  BOOST_TEST((batch.renewal->cut == LogHead{own, {}, {}}));
  const StoreId fresh = batch.renewal->fresh;
  BOOST_TEST((fresh != own));
  BOOST_REQUIRE(batch.deltas.size() == 1);
  BOOST_TEST((batch.deltas[0].origin == fresh));
  BOOST_TEST((batch.deltas[0].sequence == Sequence{1}));
  BOOST_TEST(batch.deltas[0].operations.size() == said.operations.size());
  expect_silence();
  from_journal(BatchCommitted{batch.ticket});
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST((holds.store == fresh));
  BOOST_TEST((holds.at == up_to(fresh, 1)));
  BOOST_TEST((expect<Spread>(replicator).deltas == batch.deltas));
  expect_silence();  // until the others know the new name
  from_replicator(CaughtUp{});
  expect_exactly(desk.address, ServiceChanged{true, fresh});
  BOOST_TEST((expect<Settled>(desk).ticket == meanwhile));

  // Who has the facts under their true name and who has them so are equal.
  Directory first;
  Directory second;
  first.apply(said);
  second.apply(batch.deltas[0]);
  BOOST_TEST((first.digest() == second.digest()));
  second.apply(said);
  BOOST_TEST((first.digest() == second.digest()));

  // What others did under the old name comes like anybody's.
  OtherLog true_log(own);
  from_replicator(Learned{{true_log.user(9)}});
  commit();
  BOOST_TEST((expect<DirectoryHolds>(replicator).at == merged(up_to(fresh, 1), up_to(own, 1))));
  create("bert");
  BOOST_TEST((expect<CommitBatch>(journal).deltas.at(0).origin == fresh));
}

BOOST_FIXTURE_TEST_CASE(what_a_forked_log_does_not_hold_any_more_has_a_number_that_only_rows_can_bring,
                        InService) {
  create("anna");
  commit();
  discard();
  from_replicator(RenewStore{});
  const ReadLog read = expect<ReadLog>(journal);
  from_journal(LogRead{read.ticket, {}, true, {}});

  const CommitBatch batch = expect<CommitBatch>(journal);
  BOOST_REQUIRE(batch.renewal.has_value());
  const StoreId fresh = batch.renewal->fresh;
  BOOST_TEST(batch.deltas.empty());
  BOOST_TEST((batch.heads == std::vector{LogHead{fresh, {1}, {}}}));
  from_journal(BatchCommitted{batch.ticket});
  BOOST_TEST((expect<DirectoryHolds>(replicator).at == merged(up_to(fresh, 1), up_to(own, 1))));
  from_replicator(CaughtUp{});
  discard();
  create("bert");
  const Delta next = expect<CommitBatch>(journal).deltas.at(0);
  BOOST_TEST((next.origin == fresh));
  BOOST_TEST((next.sequence == Sequence{2}));
}

BOOST_FIXTURE_TEST_CASE(a_log_of_which_nothing_was_made_here_keeps_what_it_has, Fixture) {
  OtherLog mine(own);
  const Delta first = mine.user(3);
  from_journal(
      StoreLoading{own, {mine.head()}, rows_of({{own, first.stamp, first.operations[0]}}), {}, true, {}});
  discard();
  from_replicator(RenewStore{});
  const CommitBatch batch = commit();
  BOOST_TEST((batch.renewal->cut == mine.head()));
  BOOST_TEST(batch.deltas.empty());
  BOOST_TEST((expect<DirectoryHolds>(replicator).at == up_to(own, 1)));
  expect_silence();  // served only when the replicator says so
}

BOOST_FIXTURE_TEST_CASE(a_new_name_is_told_when_it_is_on_disk, Fixture) {
  load_empty();
  discard();
  from_replicator(RenewStore{});
  const CommitBatch batch = expect<CommitBatch>(journal);
  log.user(1);
  from_replicator(Learned{{log.user(2)}});  // not taken: one is missing before it
  expect_silence();
  from_journal(BatchCommitted{batch.ticket});
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST((holds.store == batch.renewal->fresh));
  BOOST_TEST(holds.rejected);
  from_replicator(CaughtUp{});
  expect_exactly(desk.address, ServiceChanged{true, batch.renewal->fresh});
}

BOOST_FIXTURE_TEST_CASE(a_page_that_brings_nothing_is_answered_as_well, InService) {
  const Delta one = log.user(1);
  const LearnedRows page{1, rows_of({{other, one.stamp, one.operations[0]}}), {}, false};
  from_replicator(page);
  commit();
  discard();
  from_replicator(page);
  BOOST_TEST(!expect<DirectoryHolds>(replicator).rejected);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_clock_that_is_an_hour_ahead_is_told_and_does_no_harm, InService) {
  const LogFile written;
  Delta ahead = log.user(1);
  ahead.stamp.milliseconds += 3'600'000;
  from_replicator(Learned{{ahead}});
  commit();
  discard();
  BOOST_TEST(written.text().find("ahead of this one's by 3600 s") != std::string::npos);
  create("anna");
  const Delta own_delta = expect<CommitBatch>(journal).deltas.at(0);
  BOOST_TEST((own_delta.stamp > ahead.stamp));  // later than everything that is known
  const std::string once = written.text();
  from_journal(BatchCommitted{{2}});
  create("bert");
  BOOST_TEST(written.text() == once);
}

BOOST_FIXTURE_TEST_CASE(deltas_of_others_are_acknowledged_from_disk, InService) {
  from_replicator(Learned{{log.user(1), log.user(2)}});
  const CommitBatch batch = expect<CommitBatch>(journal);
  BOOST_TEST(batch.deltas.size() == 2);
  expect_silence();
  from_journal(BatchCommitted{batch.ticket});
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST((holds.at == up_to(other, 2)));
  BOOST_TEST(!holds.rejected);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_gap_is_not_taken, InService) {
  log.user(1);
  from_replicator(Learned{{log.user(2)}});
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST(holds.rejected);
  BOOST_TEST(holds.at.positions.empty());
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_known_delta_changes_nothing, InService) {
  const Delta delta = log.user(1);
  from_replicator(Learned{{delta}});
  commit();
  discard();
  from_replicator(Learned{{delta}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_forked_log_is_not_taken, InService) {
  from_replicator(Learned{{log.user(1)}});
  commit();
  discard();
  OtherLog fork(other);
  fork.user(9);
  from_replicator(Learned{{fork.user(8)}});
  BOOST_TEST(expect<DirectoryHolds>(replicator).rejected);
}

BOOST_FIXTURE_TEST_CASE(a_log_that_is_not_taken_holds_no_other_up, InService) {
  from_replicator(Learned{{log.user(1)}});
  commit();
  discard();
  OtherLog fork(other);
  fork.user(9);
  OtherLog third(id_of<StoreId>(3));
  const Delta good = third.user(7);
  from_replicator(Learned{{fork.user(8), good}});
  BOOST_TEST(expect<DirectoryHolds>(replicator).rejected);
  BOOST_TEST((commit().deltas == std::vector<Delta>{good}));
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST((holds.at == merged(up_to(other, 1), up_to(good.origin, 1))));
  BOOST_TEST((holds.forked == std::vector<StoreId>{other}));
  // A snapshot brings what the forked log did, whatever its numbers.
  from_replicator(LearnedRows{1, {}, {fork.head()}, true});
  commit();
  BOOST_TEST(expect<DirectoryHolds>(replicator).forked.empty());
}

BOOST_FIXTURE_TEST_CASE(own_deltas_that_come_back_are_not_made_again, Fixture) {
  load_empty();
  expect<DirectoryHolds>(replicator);
  OtherLog lost(own);
  from_replicator(Learned{{lost.user(1), lost.user(2)}});
  commit();
  from_replicator(CaughtUp{});
  discard();
  create("anna");
  BOOST_TEST((expect<CommitBatch>(journal).deltas.at(0).sequence == Sequence{3}));
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_is_joined_and_counts_when_it_is_whole, InService) {
  const Delta one = log.user(1);
  const Delta two = log.user(2);
  from_replicator(LearnedRows{1, rows_of({{other, one.stamp, one.operations[0]}}), {}, false});
  commit();
  const DirectoryHolds part = expect<DirectoryHolds>(replicator);
  BOOST_TEST(part.at.positions.empty());
  BOOST_TEST(part.digest.is_zero());
  from_replicator(LearnedRows{1, rows_of({{other, two.stamp, two.operations[0]}}), {log.head()}, true});
  commit();
  const DirectoryHolds whole = expect<DirectoryHolds>(replicator);
  BOOST_TEST((whole.at == up_to(other, 2)));
  BOOST_TEST(!whole.digest.is_zero());
  // The next delta of that log fits.
  from_replicator(Learned{{log.user(3)}});
  BOOST_TEST(expect<CommitBatch>(journal).deltas.size() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_lost_a_page_does_not_count, InService) {
  const Delta one = log.user(1);
  const Delta two = log.user(2);
  from_replicator(LearnedRows{1, rows_of({{other, one.stamp, one.operations[0]}}), {}, false});
  from_journal(BatchFailed{expect<CommitBatch>(journal).ticket, Code::disk_full, "no room"});
  load_empty();
  discard();
  advance(1s);
  from_journal(BatchCommitted{expect<CommitBatch>(journal).ticket});  // the disk has room again
  const LearnedRows rest{1, rows_of({{other, two.stamp, two.operations[0]}}), {log.head()}, true};
  from_replicator(rest);
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST(holds.rejected);
  BOOST_TEST(holds.at.positions.empty());
  expect_silence();
  // Begun anew it does.
  from_replicator(LearnedRows{0, {}, {}, true});
  discard();
  from_replicator(LearnedRows{1, rows_of({{other, one.stamp, one.operations[0]}}), {}, false});
  commit();
  from_replicator(rest);
  commit();
  discard();
  inject(console.address, directory.address, AskNode{});
  const NodeStatus status = expect<NodeStatus>(console);
  BOOST_TEST(status.users == 2U);
  BOOST_TEST((status.at == up_to(other, 2)));
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_of_one_page_that_was_not_taken_spoils_no_other, InService) {
  create("anna");
  from_journal(BatchFailed{expect<CommitBatch>(journal).ticket, Code::disk_full, "no room"});
  load_empty();
  discard();
  const Delta one = log.user(1);
  const LearnedRows snapshot{1, rows_of({{other, one.stamp, one.operations[0]}}), {log.head()}, true};
  from_replicator(snapshot);
  BOOST_TEST(expect<DirectoryHolds>(replicator).rejected);
  advance(1s);
  from_journal(BatchCommitted{expect<CommitBatch>(journal).ticket});  // the disk has room again
  from_replicator(snapshot);
  commit();
  BOOST_TEST((expect<DirectoryHolds>(replicator).at == up_to(other, 1)));
}

BOOST_FIXTURE_TEST_CASE(a_disk_is_tried_again_while_others_are_caught_up_with, InService) {
  create("anna");
  from_journal(BatchFailed{expect<CommitBatch>(journal).ticket, Code::disk_full, "no room"});
  load_empty();
  from_replicator(FellBehind{});
  discard();
  advance(1s);
  from_journal(BatchCommitted{expect<CommitBatch>(journal).ticket});
  from_replicator(Learned{{log.user(1)}});
  commit();
  BOOST_TEST((expect<DirectoryHolds>(replicator).at == up_to(other, 1)));
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_is_given_up_ends, InService) {
  const Delta one = log.user(1);
  from_replicator(LearnedRows{1, rows_of({{other, one.stamp, one.operations[0]}}), {}, false});
  commit();
  discard();
  from_replicator(AskOwnBuckets{});
  expect_silence();
  from_replicator(LearnedRows{0, {}, {}, true});
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST(!holds.digest.is_zero());
  BOOST_TEST(holds.at.positions.empty());
  from_replicator(AskOwnBuckets{});
  expect<OwnBuckets>(replicator);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_refuses_and_forgets_what_it_could_not_keep, InService) {
  const Ticket first = create("anna");
  const CommitBatch batch = expect<CommitBatch>(journal);
  const Ticket second = create("bert");
  from_journal(BatchFailed{batch.ticket, Code::disk_full, "no room"});
  expect_exactly(desk.address, ServiceChanged{false, own});
  expect<LoadStore>(journal);
  const Ticket meanwhile = submit(AskStatus{});
  expect_silence();

  // The disk knows nothing of anna: neither does the directory any more. Reading goes on.
  load_empty();
  expect<ServiceChanged>(desk);
  expect<PasswordNeeded>(desk);
  expect<PasswordNeeded>(desk);
  const Settled status = expect<Settled>(desk);
  BOOST_TEST((status.ticket == meanwhile));
  BOOST_TEST(status.answer.what.get<TrackerStatus>()->users == 0U);
  BOOST_TEST(expect<DirectoryHolds>(replicator).rejected);
  for (const Ticket ticket : {first, second}) {
    inject(desk.address, directory.address, PasswordKnown{ticket, false, "verifier", 0});
    const Settled settled = expect<Settled>(desk);
    BOOST_TEST((settled.ticket == ticket));
    BOOST_TEST((*settled.answer.what.get<Refused>() == Refused{Code::disk_full, "no room"}));
  }

  // Changes are refused at once, others' deltas are not promised, until a trial succeeds.
  create("carl");
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::disk_full));
  from_replicator(Learned{{log.user(1)}});
  BOOST_TEST(expect<DirectoryHolds>(replicator).rejected);
  advance(1s);
  const CommitBatch trial = expect<CommitBatch>(journal);
  from_journal(BatchFailed{trial.ticket, Code::disk_full, "no room"});
  expect_silence();
  advance(1s);
  from_journal(BatchCommitted{expect<CommitBatch>(journal).ticket});
  create("dora");
  BOOST_TEST((expect<CommitBatch>(journal).deltas.at(0).sequence == Sequence{1}));
}

BOOST_FIXTURE_TEST_CASE(a_commit_that_failed_is_judged_by_what_is_on_disk, InService) {
  const Ticket change = create("anna");
  const CommitBatch batch = expect<CommitBatch>(journal);
  const Ticket reader = submit(AskStatus{}, 5);
  from_journal(BatchFailed{batch.ticket, Code::io_error, "cannot sync"});
  discard();
  // It is there after all: the failure came behind the point of no return.
  const Delta& delta = batch.deltas.at(0);
  StoreLoading page{own, batch.heads, {}, {}, true, {}};
  for (const Operation& each : delta.operations)
    page.rows.push_back(row_of({delta.origin, delta.stamp, each}).view());
  from_journal(page);
  expect<ServiceChanged>(desk);
  // Who only read is not refused.
  const Settled status = expect<Settled>(desk);
  BOOST_TEST((status.ticket == reader));
  BOOST_TEST(status.answer.what.get<TrackerStatus>()->users == 1U);
  // The change gets the outcome that is recorded, when the others have it.
  const AwaitReached wait = expect<AwaitReached>(replicator);
  BOOST_TEST((wait.at == up_to(own, 1)));
  from_replicator(Reached{wait.ticket, {}});
  const Settled settled = expect<Settled>(desk);
  BOOST_TEST((settled.ticket == change));
  BOOST_TEST(settled.answer.what.get<Done>() != nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_name_that_is_lost_while_the_store_is_read_anew_is_given_to_nobody, InService) {
  const Ticket taken = create("anna");
  const CommitBatch own_batch = commit();
  const AwaitReached wait = [&] {
    expect<DirectoryHolds>(replicator);
    expect<Spread>(replicator);
    return expect<AwaitReached>(replicator);
  }();
  // Somebody else took it a little earlier; that comes onto the disk, and then the disk fails.
  Delta theirs = log.make({UserNamed{id_of<Uid>(7), {"anna"}, 2, false}});
  theirs.stamp.milliseconds -= 1000;
  from_replicator(Learned{{theirs}});
  const CommitBatch their_batch = commit();
  create("bert");
  from_journal(BatchFailed{expect<CommitBatch>(journal).ticket, Code::disk_full, "no room"});
  discard();
  from_replicator(Reached{wait.ticket, {}});
  expect_silence();
  StoreLoading page{own, {own_batch.heads.at(0), their_batch.heads.at(0)}, own_batch.rows, {}, true, {}};
  page.rows.run.insert(page.rows.run.end(), their_batch.rows.run.begin(), their_batch.rows.run.end());
  from_journal(page);
  const auto settled = find<Settled>(desk.address);
  BOOST_REQUIRE(settled.has_value());
  BOOST_TEST((settled->ticket == taken));
  const Refused* why = settled->answer.what.get<Refused>();
  BOOST_REQUIRE(why != nullptr);
  BOOST_TEST((why->code == Code::user_exists));
}

BOOST_FIXTURE_TEST_CASE(who_asks_for_a_name_again_waits_both_ways_and_is_looked_at_again, InService) {
  // Taken at the other tracker, where the answer was lost.
  const ClientKey client = id_of<ClientKey>(9);
  Delta taken = log.make({UserNamed{uid_of_request(client, {5}), {"anna"}, 2, false},
                          PasswordSet{uid_of_request(client, {5}), 1, "verifier"},
                          RequestAnswered{client, {5}, encode_answer(Done{})}});
  from_replicator(Learned{{taken}});
  commit();
  discard();
  const Ticket again = submit(CreateUser{{"anna"}, "secret"}, 9, {}, 5);
  const AwaitReached wait = expect<AwaitReached>(replicator);
  BOOST_TEST(wait.both_ways);
  // What the third tracker did meanwhile came with its acknowledgement.
  OtherLog third(id_of<StoreId>(3));
  Delta earlier = third.make({UserNamed{id_of<Uid>(7), {"anna"}, 3, false}});
  earlier.stamp.milliseconds -= 1000;
  from_replicator(Learned{{earlier}});
  commit();
  from_replicator(Reached{wait.ticket, {}});
  const auto settled = find<Settled>(desk.address);
  BOOST_REQUIRE(settled.has_value());
  BOOST_TEST((settled->ticket == again));
  BOOST_REQUIRE(settled->answer.what.get<Refused>() != nullptr);
  BOOST_TEST((settled->answer.what.get<Refused>()->code == Code::user_exists));
}

BOOST_FIXTURE_TEST_CASE(who_was_absent_for_a_moment_asks_the_others_first, InService) {
  advance(10s);
  submit(AskStatus{});
  BOOST_TEST(find<Settled>(desk.address).has_value());
  discard();
  // Kept from running: what came meanwhile is read before any timer fires.
  host.suspend(SyncConfig{}.ack_wait - 49ms);
  const Ticket ticket = submit(AskStatus{});
  expect_exactly(desk.address, ServiceChanged{false, own});
  expect_exactly(replicator.address, WasAbsent{});
  expect_silence();
  from_replicator(CaughtUp{});
  expect_exactly(desk.address, ServiceChanged{true, own});
  BOOST_TEST((expect<Settled>(desk).ticket == ticket));
  // Without a request the timer notices.
  host.suspend(SyncConfig{}.ack_wait - 49ms);
  advance(0ms);
  BOOST_TEST(find<WasAbsent>(replicator.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_row_that_cannot_be_is_left_out_of_a_snapshot, InService) {
  const Delta one = log.user(1);
  Row broken = row_of({other, one.stamp, one.operations[0]});
  broken.value.pop_back();
  RowRun rows = rows_of({{other, one.stamp, UserNamed{id_of<Uid>(2), {"user2"}, 2, false}}});
  rows.push_back(broken.view());
  from_replicator(LearnedRows{1, rows, {log.head()}, true});
  const CommitBatch batch = commit();
  BOOST_TEST(facts_in(batch.rows).size() == 1);
  const DirectoryHolds holds = expect<DirectoryHolds>(replicator);
  BOOST_TEST(holds.page == 1U);
  BOOST_TEST((holds.at == up_to(other, 1)));
  BOOST_TEST((holds.heads == std::vector<LogHead>{log.head()}));
}

BOOST_FIXTURE_TEST_CASE(an_empty_tracker_lists_what_it_joined_before_it_serves, Fixture) {
  load_empty();
  discard();
  const Delta one = log.user(1);
  const Delta two = log.user(2);
  from_replicator(LearnedRows{1, rows_of({{other, one.stamp, one.operations[0]}}), {}, false});
  BOOST_TEST((commit().rows == rows_of({{other, one.stamp, one.operations[0]}})));
  from_replicator(LearnedRows{2, rows_of({{other, two.stamp, two.operations[0]}}), {log.head()}, true});
  commit();
  from_replicator(CaughtUp{});
  discard();
  inject(console.address, directory.address, AskUsers{});
  BOOST_TEST(expect<Users>(console).users.size() == 2);
  submit(CreateUser{{"user2"}, "secret"});
  reached();
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::user_exists));
}

BOOST_FIXTURE_TEST_CASE(presence_of_a_session_is_told_to_the_others, InService) {
  create("anna");
  commit();
  discard();
  from_replicator(Reached{{2}, {2}});
  expect<Settled>(desk);
  const Ticket ticket = submit(Login{{"anna"}, "secret", "", 9000});
  expect<PasswordNeeded>(desk);
  inject(desk.address, directory.address, PasswordKnown{ticket, false, {}, 1});
  commit();
  expect<DirectoryHolds>(replicator);
  expect<Spread>(replicator);
  reached({2});
  expect<Gossip>(replicator);
  const Settled settled = expect<Settled>(desk);
  const auto* logged_in = settled.answer.what.get<LoggedIn>();
  BOOST_REQUIRE(logged_in != nullptr);

  inject(desk.address, directory.address,
         PresenceSaid{id_of<ClientKey>(9), "10.0.0.9", {logged_in->token, 1, "", 9000}});
  const Gossip gossip = expect<Gossip>(replicator);
  BOOST_TEST(gossip.presence.host == "10.0.0.9");
  BOOST_TEST((gossip.presence.uid == logged_in->uid));
  inject(console.address, directory.address, AskUsers{});
  BOOST_TEST(expect<Users>(console).users.at(0).online);
  advance(17s);  // not heard of for 15 s
  inject(console.address, directory.address, AskUsers{});
  BOOST_TEST(!expect<Users>(console).users.at(0).online);
  // Heard through another tracker it is back.
  PresenceGossip heard = gossip.presence;
  heard.count = 2;
  from_replicator(GossipHeard{heard});
  inject(console.address, directory.address, AskUsers{});
  BOOST_TEST(expect<Users>(console).users.at(0).online);
}

BOOST_FIXTURE_TEST_CASE(presence_said_while_nothing_is_served_counts_when_it_is, InService) {
  const SessionToken token = id_of<SessionToken>(3);
  const ClientKey client = id_of<ClientKey>(9);
  constexpr std::uint64_t far_away = 1ULL << 50U;
  from_replicator(
      Learned{{log.make({SessionOpened{client, {1}, sha256(token.view()), id_of<Uid>(1), far_away}})}});
  commit();
  from_replicator(FellBehind{});
  discard();
  inject(desk.address, directory.address, PresenceSaid{client, "10.0.0.9", {token, 1, "", 9000}});
  expect_silence();
  from_replicator(CaughtUp{});
  expect<ServiceChanged>(desk);
  BOOST_TEST(expect<Gossip>(replicator).presence.host == "10.0.0.9");
}

BOOST_FIXTURE_TEST_CASE(who_leaves_is_gone_at_once_here_and_at_the_others_and_keeps_the_session, InService) {
  const SessionToken token = id_of<SessionToken>(3);
  const ClientKey client = id_of<ClientKey>(9);
  constexpr std::uint64_t far_away = 1ULL << 50U;
  from_replicator(
      Learned{{log.make({SessionOpened{client, {1}, sha256(token.view()), id_of<Uid>(1), far_away}})}});
  commit();
  discard();
  const auto online = [&] {
    inject(console.address, directory.address, AskNode{});
    return expect<NodeStatus>(console).clients_online;
  };
  inject(desk.address, directory.address, PresenceSaid{client, "10.0.0.9", {token, 1, "", 9000}});
  const Gossip came = expect<Gossip>(replicator);
  BOOST_TEST(online() == 1U);
  // Nobody leaves with a stranger's word.
  inject(desk.address, directory.address, LeavingSaid{client, {id_of<SessionToken>(4), 2}});
  BOOST_TEST(online() == 1U);
  inject(desk.address, directory.address, LeavingSaid{client, {token, 2}});
  const Gossip left = expect<Gossip>(replicator);
  BOOST_TEST(left.presence.ttl.count() == 0);
  BOOST_TEST(online() == 0U);
  // Through another tracker: the same.
  inject(desk.address, directory.address, PresenceSaid{client, "10.0.0.9", {token, 3, "", 9000}});
  expect<Gossip>(replicator);
  BOOST_TEST(online() == 1U);
  PresenceGossip heard = left.presence;
  heard.count = 4;
  from_replicator(GossipHeard{heard});
  BOOST_TEST(online() == 0U);
  from_replicator(GossipHeard{came.presence});  // overtaken
  BOOST_TEST(online() == 0U);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(who_leaves_before_anything_is_served_is_not_said_to_be_present_later, InService) {
  const SessionToken token = id_of<SessionToken>(3);
  const ClientKey client = id_of<ClientKey>(9);
  constexpr std::uint64_t far_away = 1ULL << 50U;
  from_replicator(
      Learned{{log.make({SessionOpened{client, {1}, sha256(token.view()), id_of<Uid>(1), far_away}})}});
  commit();
  from_replicator(FellBehind{});
  discard();
  inject(desk.address, directory.address, PresenceSaid{client, "10.0.0.9", {token, 1, "", 9000}});
  inject(desk.address, directory.address, LeavingSaid{client, {token, 2}});
  from_replicator(CaughtUp{});
  expect<ServiceChanged>(desk);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_session_that_has_expired_is_told, InService) {
  const SessionToken token = id_of<SessionToken>(3);
  const ClientKey client = id_of<ClientKey>(9);
  from_replicator(Learned{{log.make({SessionOpened{client, {1}, sha256(token.view()), id_of<Uid>(1), 1}})}});
  commit();
  discard();
  inject(desk.address, directory.address, PresenceSaid{client, "10.0.0.9", {token, 1, "", 9000}});
  const Notify notify = expect<Notify>(desk);
  BOOST_TEST((notify.client == client));
  BOOST_TEST((notify.notice.kind == NoticeKind::session_ended));
  // A token that is not known here may be one that has not come yet.
  inject(desk.address, directory.address,
         PresenceSaid{client, "10.0.0.9", {id_of<SessionToken>(4), 1, "", 9000}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_session_has_ended_when_its_own_end_was_seen, InService) {
  const SessionToken token = id_of<SessionToken>(3);
  const ClientKey client = id_of<ClientKey>(9);
  const std::uint64_t never = 9'000'000'000'000;
  from_replicator(
      Learned{{log.make({SessionOpened{client, {1}, sha256(token.view()), id_of<Uid>(1), never}})}});
  commit();
  from_replicator(Learned{{log.make({SessionClosed{client, {1}}})}});
  commit();
  discard();
  // The next one, which has not come here yet.
  inject(desk.address, directory.address,
         PresenceSaid{client, "10.0.0.9", {id_of<SessionToken>(4), 1, "", 9000}});
  expect_silence();
  inject(desk.address, directory.address, PresenceSaid{client, "10.0.0.9", {token, 1, "", 9000}});
  BOOST_TEST((expect<Notify>(desk).notice.kind == NoticeKind::session_ended));
}

BOOST_FIXTURE_TEST_CASE(a_group_whose_name_was_lost_is_left_when_that_can_be_done, InService) {
  create("anna");
  commit();
  discard();
  from_replicator(Reached{{2}, {2}});
  expect<Settled>(desk);
  const Ticket login = submit(Login{{"anna"}, "secret", "", 9000});
  expect<PasswordNeeded>(desk);
  inject(desk.address, directory.address, PasswordKnown{login, false, {}, 1});
  commit();
  expect<DirectoryHolds>(replicator);
  expect<Spread>(replicator);
  reached({2});
  expect<Gossip>(replicator);
  const LoggedIn logged_in = *expect<Settled>(desk).answer.what.get<LoggedIn>();
  Submit take{{++tickets}, id_of<ClientKey>(9), "10.0.0.9", {}};
  take.request.counter = {tickets};
  take.request.token = logged_in.token;
  take.request.what = CreateGroup{{"lab"}};
  inject(desk.address, directory.address, take);
  commit();
  expect<DirectoryHolds>(replicator);
  expect<Spread>(replicator);
  const AwaitReached wait = expect<AwaitReached>(replicator);
  // Somebody else took it first, and this tracker is being caught up with others.
  const Gid theirs = id_of<Gid>(77);
  const Uid owner = id_of<Uid>(77);
  from_replicator(
      Learned{{log.make({UserNamed{owner, {"bert"}, 2, true}, GroupNamed{theirs, {"lab"}, 2, true},
                         MembershipChanged{theirs, owner, 1, MembershipRank::accepted, owner}})}});
  commit();
  from_replicator(FellBehind{});
  discard();
  from_replicator(Reached{wait.ticket, {}});
  BOOST_TEST((expect<Settled>(desk).answer.what.get<Refused>()->code == Code::group_exists));
  expect_silence();
  from_replicator(CaughtUp{});
  const CommitBatch batch = expect<CommitBatch>(journal);
  BOOST_REQUIRE(batch.deltas.size() == 1);
  const auto* left = std::get_if<MembershipChanged>(&batch.deltas[0].operations.at(0).value);
  BOOST_REQUIRE(left != nullptr);
  BOOST_TEST((left->rank == MembershipRank::left));
  BOOST_TEST((left->uid == logged_in.uid));
  // The disk does not take it: it is done when the disk takes something again.
  from_journal(BatchFailed{batch.ticket, Code::disk_full, "no room"});
  load_empty();
  advance(1s);
  discard();
  from_journal(BatchCommitted{Ticket{0}});
  const CommitBatch again = expect<CommitBatch>(journal);
  BOOST_REQUIRE(again.deltas.size() == 1);
  BOOST_TEST((again.deltas[0].operations == batch.deltas[0].operations));
}

BOOST_FIXTURE_TEST_CASE(presence_without_a_session_is_worth_nothing, InService) {
  inject(desk.address, directory.address,
         PresenceSaid{id_of<ClientKey>(9), "10.0.0.9", {id_of<SessionToken>(3), 1, "", 9000}});
  from_replicator(GossipHeard{{id_of<ClientKey>(9), id_of<Uid>(1), {1}, 1, 15s, "10.0.0.9", 9000}});
  inject(console.address, directory.address, AskNode{});
  BOOST_TEST(expect<NodeStatus>(console).clients_online == 0U);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(the_console_and_status_see_the_trackers, InService) {
  const TrackerRow row{2, "127.0.0.1:5010", TrackerHealth::behind, 3, 20ms};
  const TrackerView view{row, TrackerTie::live, true, 30ms};
  from_replicator(TrackersSeen{{view}, {}});
  inject(console.address, directory.address, AskNode{});
  BOOST_TEST((expect<NodeStatus>(console).trackers.at(0) == view));
  submit(AskStatus{});
  BOOST_TEST((expect<Settled>(desk).answer.what.get<TrackerStatus>()->trackers.at(0) == row));
  inject(console.address, directory.address, AskGroups{});
  BOOST_TEST(expect<GroupsKnown>(console).groups.empty());
}

BOOST_FIXTURE_TEST_CASE(bucket_digests_come_with_their_vector, InService) {
  from_replicator(Learned{{log.user(1)}});
  commit();
  discard();
  from_replicator(AskOwnBuckets{});
  const OwnBuckets buckets = expect<OwnBuckets>(replicator);
  BOOST_TEST((buckets.at == up_to(other, 1)));
  BOOST_TEST(buckets.digests.size() == state_buckets);
}

BOOST_FIXTURE_TEST_CASE(metainfo_comes_from_the_journal, InService) {
  // A file's way through needs a whole story; here the read that nobody asked for must do no harm.
  from_journal(MetainfoRead{{99}, std::nullopt});
  expect_silence();
}

BOOST_AUTO_TEST_SUITE_END()
