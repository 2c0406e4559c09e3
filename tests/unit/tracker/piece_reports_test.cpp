#include "tracker/piece_reports.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/tracker/state_support.hpp"
#include "tracker/request_limits.hpp"

using namespace tutti;
using namespace std::chrono_literals;

namespace {

const Instant start{std::chrono::hours(5)};

template <class Id>
Id numbered(std::uint32_t number) {
  Id id;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.bytes[4] = 1;
  return id;
}

ReportHeard report(std::uint32_t reporter, std::uint32_t client, std::uint32_t piece,
                   std::uint32_t file = 1) {
  return {
      numbered<Uid>(reporter), numbered<Gid>(1), numbered<Fid>(file), numbered<ClientKey>(client), {piece}};
}

std::uint32_t reporters(const PieceReports& reports, std::uint32_t client, Instant now = start) {
  return reports.reporters(numbered<Gid>(1), numbered<Fid>(1), numbered<ClientKey>(client), now);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(piece_reports)

BOOST_AUTO_TEST_CASE(a_report_counts_once_a_reporter_and_piece) {
  PieceReports reports;
  const PieceReports::Heard first = reports.hear(report(1, 9, 0), start);
  BOOST_TEST((first.fresh && first.first_of_piece && first.first_of_user));
  BOOST_TEST(!reports.hear(report(1, 9, 0), start).fresh);
  const PieceReports::Heard other_piece = reports.hear(report(1, 9, 1), start);
  BOOST_TEST((other_piece.fresh && other_piece.first_of_piece && !other_piece.first_of_user));
  BOOST_TEST(reporters(reports, 9) == 1U);
  const PieceReports::Heard other_user = reports.hear(report(2, 9, 1), start);
  BOOST_TEST((other_user.fresh && !other_user.first_of_piece && other_user.first_of_user));
  BOOST_TEST(reporters(reports, 9) == 2U);
  BOOST_TEST(reporters(reports, 8) == 0U);
  reports.check_invariants();
}

BOOST_AUTO_TEST_CASE(a_report_fades) {
  PieceReports reports;
  reports.hear(report(1, 9, 0), start);
  reports.hear(report(2, 9, 0), start + 30min);
  BOOST_TEST(reporters(reports, 9, start + PieceReports::lifetime - 1ms) == 2U);
  BOOST_TEST(reporters(reports, 9, start + PieceReports::lifetime) == 1U);
  reports.expire(start + PieceReports::lifetime);
  BOOST_TEST(reports.size() == 1U);
  BOOST_TEST(reports.hear(report(1, 9, 0), start + PieceReports::lifetime).fresh);
  reports.check_invariants();
}

BOOST_AUTO_TEST_CASE(one_user_has_so_many_of_a_file_and_so_many_in_all) {
  PieceReports reports;
  for (std::uint32_t piece = 0; piece < PieceReports::of_file_max; ++piece)
    BOOST_TEST(reports.hear(report(1, 9, piece), start).fresh);
  BOOST_TEST(!reports.hear(report(1, 9, 1000), start).fresh);
  for (std::uint32_t file = 2; reports.size() < PieceReports::of_reporter_max; ++file)
    BOOST_TEST_REQUIRE(reports.hear(report(1, 9, 0, file), start).fresh);
  BOOST_TEST(!reports.hear(report(1, 8, 0), start).fresh);
  // Nobody else is kept from saying what he has seen.
  BOOST_TEST(reports.hear(report(2, 9, 1000), start).fresh);
  reports.check_invariants();
}

BOOST_AUTO_TEST_CASE(beyond_what_is_remembered_the_oldest_goes) {
  PieceReports reports;
  reports.hear(report(1, 9, 0), start);
  for (std::uint32_t user = 2; reports.size() < PieceReports::in_all_max; ++user)
    for (std::uint32_t file = 1;
         file <= PieceReports::of_reporter_max && reports.size() < PieceReports::in_all_max; ++file)
      reports.hear(report(user, 7, 0, file), start + 1s);
  BOOST_TEST(reporters(reports, 9, start + 1s) == 1U);
  BOOST_TEST(reports.hear(report(1'000'000, 7, 0), start + 2s).fresh);
  BOOST_TEST(reports.size() == PieceReports::in_all_max);
  BOOST_TEST(reporters(reports, 9, start + 2s) == 0U);
  reports.check_invariants();
}

// --- who may report whom ----------------------------------------------------------------------------------------

namespace {

using namespace tutti::test;

/// bob and carl are members of anna's group, where bob shares a file; dora is logged in and no member.
struct Choir {
  Choir() {
    for (auto& [client, name] : std::vector<std::pair<TestClient*, std::string>>{
             {&anna, "anna"}, {&bob, "bob"}, {&carl, "carl"}, {&dora, "dora"}}) {
      tracker.succeeds(*client, CreateUser{{name}, "secret"});
      tracker.get<LoggedIn>(*client, Login{{name}, "secret", "10.0.0.1", 7000});
      tracker.present(*client, 1);
    }
    tracker.succeeds(anna, CreateGroup{{"choir"}});
    for (auto& [client, name] :
         std::vector<std::pair<TestClient*, std::string>>{{&bob, "bob"}, {&carl, "carl"}}) {
      tracker.succeeds(*client, JoinGroup{{"choir"}});
      tracker.succeeds(anna, AcceptRequest{{"choir"}, {name}});
    }
    gid = *tracker.directory.group_named("choir");
    fid = tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("film", 1)}).fid;
  }
  Decision decide_of(const TestClient& client, const ClientRequest& what) {
    Circumstances now{1, tracker.wall, &tracker.presence, {}};
    now.reports = &reports;
    now.now = tracker.now;
    return decide(tracker.directory, Question{client.key, "10.0.0.1", {1000}, client.token, what, {}, {}},
                  now);
  }
  Code code(const TestClient& client, const ReportPiece& what) {
    const Decision decision = decide_of(client, what);
    BOOST_TEST(!decision.report.has_value());
    const auto* refused = decision.answer.get<Refused>();
    BOOST_TEST_REQUIRE((refused != nullptr));
    BOOST_TEST(!refused->sentence.empty());
    return refused->code;
  }
  ReportPiece of_bob() const { return {gid, fid, bob.key, {0}}; }

  TestTracker tracker{1};
  PieceReports reports;
  TestClient anna{1};
  TestClient bob{2};
  TestClient carl{3};
  TestClient dora{4};
  Gid gid;
  Fid fid;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_member_reports_who_shares_the_file, Choir) {
  const Decision decision = decide_of(carl, of_bob());
  BOOST_TEST((decision.answer.get<Done>() != nullptr));
  BOOST_TEST(decision.operations.empty());
  BOOST_TEST_REQUIRE(decision.report.has_value());
  BOOST_TEST(
      (*decision.report == ReportHeard{*tracker.directory.user_named("carl"), gid, fid, bob.key, {0}}));
}

BOOST_FIXTURE_TEST_CASE(nobody_else_is_reported_and_nobody_else_reports, Choir) {
  TestClient stranger{9};
  BOOST_TEST((code(stranger, of_bob()) == Code::not_logged_in));
  BOOST_TEST((code(dora, of_bob()) == Code::not_a_member));
  BOOST_TEST((code(bob, of_bob()) == Code::usage));  // himself
  ReportPiece about = of_bob();
  about.client = anna.key;  // a member, who does not share it
  BOOST_TEST((code(carl, about) == Code::not_sharing));
  about.client = stranger.key;
  BOOST_TEST((code(carl, about) == Code::not_sharing));
  about = of_bob();
  about.piece = {1};  // the file has one
  BOOST_TEST((code(carl, about) == Code::usage));
  about = of_bob();
  about.fid = {};
  BOOST_TEST((code(carl, about) == Code::no_such_file));
  about = of_bob();
  about.gid = {};
  BOOST_TEST((code(carl, about) == Code::no_such_group));
  tracker.succeeds(bob, StopShare{{"choir"}, {"film"}});
  BOOST_TEST((code(carl, of_bob()) == Code::not_sharing));
}

BOOST_FIXTURE_TEST_CASE(who_asks_for_sharers_hears_how_many_have_reported_them, Choir) {
  reports.hear({*tracker.directory.user_named("carl"), gid, fid, bob.key, {0}}, tracker.now);
  const auto reported = [&] {
    const Decision decision = decide_of(anna, FindSharers{gid, fid});
    const auto* found = decision.answer.get<Sharers>();
    BOOST_TEST_REQUIRE((found != nullptr && found->sharers.size() == 1U));
    return found->sharers.front().reports;
  };
  BOOST_TEST(reported() == 1U);
  tracker.now += PieceReports::lifetime;
  BOOST_TEST(reported() == 0U);
}

BOOST_AUTO_TEST_CASE(a_report_costs_what_a_change_does) {
  BOOST_TEST(cost_of(ReportPiece{}) == cost_of(CreateGroup{}));
}

BOOST_AUTO_TEST_SUITE_END()
