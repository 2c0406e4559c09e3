// Reports of wrong pieces, on their way through a tracker.

#include <array>
#include <boost/test/unit_test.hpp>
#include <span>

#include "actors/digest.hpp"
#include "tests/injection/tracker/support.hpp"
#include "tracker/directory_actor.hpp"
#include "tracker/front_desk.hpp"

using namespace tutti;
using namespace tutti::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t far_away = 1ULL << 50U;
constexpr std::array<std::uint8_t, 3> everybody{1, 2, 3};
const StoreId own_store = id_of<StoreId>(1);
const StoreId other_store = id_of<StoreId>(2);

/// A directory that knows of users 1 (anna, who owns a group), 2 and 3 (members), each on a client of that number, with the
/// token of that number. User 2 shares a file.
struct Accused : World {
  Ref<FrontDeskRole> desk = probe<FrontDeskRole>();
  Ref<JournalRole> journal = probe<JournalRole>();
  Ref<ReplicatorRole> replicator = probe<ReplicatorRole>();
  Ref<ConsoleRole> console = probe<ConsoleRole>();
  Ref<DirectoryRole> directory;
  OtherLog log{other_store};
  Gid gid = id_of<Gid>(1);
  Fid fid = id_of<Fid>(1);
  std::uint64_t tickets = 0;

  Accused() {
    directory = spawn<DirectoryRole>(
        "directory", std::make_unique<DirectoryActor>(
                         DirectoryPlace{1, 2, desk, journal, replicator, console}, SyncConfig{}));
    inject(journal.address, directory.address, StoreLoading{own_store, {}, {}, {}, true, {}});
    inject(replicator.address, directory.address, CaughtUp{});
    discard();
    std::vector<Operation> known{GroupNamed{gid, {"choir"}, 2, true}};
    for (const std::uint8_t n : everybody) {
      const Uid uid = id_of<Uid>(n);
      const SessionToken token = id_of<SessionToken>(n);
      known.push_back(UserNamed{uid, {std::vector<std::string>{"anna", "bob", "carl"}[n - 1U]}, 2, true});
      known.push_back(MembershipChanged{gid, uid, 1, MembershipRank::accepted, id_of<Uid>(1)});
      known.push_back(SessionOpened{id_of<ClientKey>(n), {1}, sha256(token.view()), uid, far_away});
    }
    Metainfo film;
    film.name = {"film"};
    film.size = {2 * Metainfo::piece_length_min.value};
    film.piece_length = Metainfo::piece_length_min;
    for (const std::uint8_t n : std::span(everybody).first(2)) {
      film.piece_sha1.push_back(id_of<Sha1>(n));
      film.piece_sha256.push_back(id_of<Sha256>(n));
    }
    known.push_back(FileDescribed{gid, fid, 2, film});
    known.push_back(ShareIntended{gid, fid, id_of<Uid>(2), 1, 1, true});
    inject(replicator.address, directory.address, Learned{{log.make(std::move(known))}});
    inject(journal.address, directory.address, BatchCommitted{expect<CommitBatch>(journal).ticket});
    for (const std::uint8_t n : everybody)
      inject(desk.address, directory.address,
             PresenceSaid{id_of<ClientKey>(n), "10.0.0.9", {id_of<SessionToken>(n), 1, "", 9000}});
    discard();
  }
  TrackerAnswer asks(std::uint8_t user, const ClientRequest& what) {
    Submit submit{{++tickets}, id_of<ClientKey>(user), "10.0.0.9", {}};
    submit.request.counter = {100 + tickets};
    submit.request.token = id_of<SessionToken>(user);
    submit.request.what = what;
    inject(desk.address, directory.address, submit);
    return find<Settled>(desk.address)->answer.what;
  }
  ReportHeard heard(std::uint8_t user, std::uint32_t piece = 0) const {
    return {id_of<Uid>(user), gid, fid, id_of<ClientKey>(2), {piece}};
  }
  ReportPiece report(std::uint32_t piece = 0) const { return {gid, fid, id_of<ClientKey>(2), {piece}}; }
  std::uint32_t reported() {
    const TrackerAnswer answer = asks(3, FindSharers{gid, fid});
    const auto* found = answer.get<Sharers>();
    BOOST_TEST_REQUIRE((found != nullptr && found->sharers.size() == 1U));
    return found->sharers.front().reports;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reports)

BOOST_FIXTURE_TEST_CASE(a_report_reaches_the_sender_the_owner_and_the_other_trackers, Accused) {
  inject(desk.address, directory.address, [&] {
    Submit submit{{50}, id_of<ClientKey>(3), "10.0.0.9", {}};
    submit.request.counter = {50};
    submit.request.token = id_of<SessionToken>(3);
    submit.request.what = report();
    return submit;
  }());
  const NotifyPiece told = expect<NotifyPiece>(desk);
  BOOST_TEST((told.client == id_of<ClientKey>(2)));
  BOOST_TEST((told.report == PieceReported{gid, fid, {0}, {"carl"}}));
  const Notify owner = expect<Notify>(desk);
  BOOST_TEST((owner.client == id_of<ClientKey>(1)));
  BOOST_TEST((owner.notice.kind == NoticeKind::info));
  BOOST_TEST(owner.notice.group == "choir");
  BOOST_TEST(owner.notice.sentence.find("carl") != std::string::npos);
  BOOST_TEST(owner.notice.sentence.find("bob") != std::string::npos);
  BOOST_TEST(owner.notice.sentence.find("film") != std::string::npos);
  expect<Settled>(desk);
  expect_exactly(replicator.address, ReportTaken{heard(3)});
  expect_silence();
  BOOST_TEST(reported() == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_same_again_is_told_to_nobody, Accused) {
  asks(3, report());
  discard();
  BOOST_TEST((asks(3, report()).get<Done>() != nullptr));
  expect_silence();
  BOOST_TEST(reported() == 1U);
  // The owner himself has seen it: it is not said to him.
  asks(1, report());
  expect_exactly(replicator.address, ReportTaken{heard(1)});
  expect_silence();
  BOOST_TEST(reported() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_another_tracker_has_taken_is_told_here_and_no_further, Accused) {
  inject(replicator.address, directory.address, ReportLearned{heard(3)});
  BOOST_TEST((expect<NotifyPiece>(desk).client == id_of<ClientKey>(2)));
  expect<Notify>(desk);
  expect_silence();
  BOOST_TEST(reported() == 1U);
  inject(replicator.address, directory.address, ReportLearned{heard(3)});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_report_about_nobody_is_nothing, Accused) {
  ReportHeard about = heard(3);
  about.client = id_of<ClientKey>(9);
  inject(replicator.address, directory.address, ReportLearned{about});
  about = heard(9);
  inject(replicator.address, directory.address, ReportLearned{about});
  about = heard(3);
  about.fid = id_of<Fid>(9);
  inject(replicator.address, directory.address, ReportLearned{about});
  expect_silence();
  BOOST_TEST(reported() == 0U);
}

BOOST_FIXTURE_TEST_CASE(reports_are_forgotten_in_time, Accused) {
  asks(3, report());
  discard();
  advance(PieceReports::lifetime + 2s);
  for (const std::uint8_t n : std::span(everybody).last(2))
    inject(desk.address, directory.address,
           PresenceSaid{id_of<ClientKey>(n), "10.0.0.9", {id_of<SessionToken>(n), 2, "", 9000}});
  discard();
  BOOST_TEST(reported() == 0U);
}

BOOST_AUTO_TEST_CASE(only_clients_that_know_reports_hear_of_them) {
  World world;
  const auto directory = world.probe<DirectoryRole>();
  const auto desk = world.spawn<FrontDeskRole>(
      "front_desk",
      std::make_unique<FrontDesk>(
          FrontDeskPlace{1, "127.0.0.1:5000", directory, world.probe<ConsoleRole>(), {}}, LimitConfig{3, 2}));
  const Address door = world.host.link_to("127.0.0.1:5000");
  FileFound found;
  found.sharers = {Sharer{{"bob"}, id_of<ClientKey>(2), "10.0.0.9", 9000, 3}};
  for (const std::uint16_t version : {std::uint16_t{3}, reports_version}) {
    const bool knows = version == reports_version;
    const ClientKey client = id_of<ClientKey>(static_cast<std::uint8_t>(version));
    const Address link = world.host.accept(door, "10.0.0.9:40000", LinkKey::from(client.view()));
    world.inject(link, desk.address, Hello{1, version, client, "test"});
    BOOST_TEST(world.expect<Welcome>(link).version == version);
    for (const TrackerAnswer& what : {TrackerAnswer{found}, TrackerAnswer{Sharers{found.sharers}}}) {
      Request request;
      request.what = FindSharers{};
      world.inject(link, desk.address, request);
      Answer answer;
      answer.what = what;
      world.inject(directory.address, desk.address, Settled{world.expect<Submit>(directory).ticket, answer});
      const TrackerAnswer given = world.expect<Answer>(link).what;
      const auto& sharers =
          given.get<FileFound>() != nullptr ? given.get<FileFound>()->sharers : given.get<Sharers>()->sharers;
      BOOST_TEST(sharers.front().reports == (knows ? 3U : 0U));
    }
    world.inject(directory.address, desk.address, NotifyPiece{client, PieceReported{{}, {}, {1}, {"carl"}}});
    BOOST_TEST(world.find<PieceReported>(link).has_value() == knows);
  }
  world.expect_silence();
}

BOOST_AUTO_TEST_SUITE_END()
