#include <boost/test/unit_test.hpp>

#include "tests/unit/tracker/state_support.hpp"
#include "tracker/version_vector.hpp"

using namespace tutti;
using namespace tutti::test;

BOOST_TEST_DONT_PRINT_LOG_VALUE(tutti::Code)
BOOST_TEST_DONT_PRINT_LOG_VALUE(tutti::Standing)

namespace {

CreateUser create(std::string user, std::string password) { return {{std::move(user)}, std::move(password)}; }
Login login(std::string user, std::string password) {
  return {{std::move(user)}, std::move(password), "", 7000};
}

void sign_up(TestTracker& tracker, TestClient& client, const std::string& name) {
  tracker.succeeds(client, create(name, "secret"));
  tracker.get<LoggedIn>(client, login(name, "secret"));
}

/// Two trackers that are cut off from each other until sync().
struct Cut {
  TestTracker one{1};
  TestTracker two{2};
  TestClient anna{1};
  TestClient bob{2};

  void heal() {
    sync(one, two);
    BOOST_TEST(one.directory.digest().hex() == two.directory.digest().hex());
    BOOST_TEST((one.directory.bucket_digests() == two.directory.bucket_digests()));
    BOOST_TEST(printed(one.directory) == printed(two.directory));
    BOOST_TEST((one.heads.vector() == two.heads.vector()));
  }
  std::vector<NoticeTo> infos(const TestTracker& tracker) {
    std::vector<NoticeTo> result;
    for (const NoticeTo& each : tracker.told)
      if (each.notice.kind == NoticeKind::info) result.push_back(each);
    return result;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(state_partition)

BOOST_FIXTURE_TEST_CASE(what_one_did_the_other_knows, Cut) {
  sign_up(one, anna, "anna");
  heal();
  BOOST_TEST(
      two.directory.session(anna.key, anna.token, two.wall).has_value());  // failover without a new login
  two.succeeds(anna, CreateGroup{{"choir"}});
  heal();
  BOOST_TEST(one.get<Groups>(anna, ListGroups{""}).groups.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_user_name_taken_on_both_sides_has_one_winner_and_the_other_is_kept_and_told, Cut) {
  one.succeeds(anna, create("bob", "first"));
  two.wall += std::chrono::seconds(5);
  two.succeeds(bob, create("bob", "second"));
  two.get<LoggedIn>(bob, login("bob", "second"));
  two.succeeds(bob, CreateGroup{{"choir"}});
  heal();
  const Uid winner = uid_of_request(anna.key, {1});
  const Uid loser = uid_of_request(bob.key, {1});
  BOOST_TEST(one.directory.name_of(winner) == "bob");
  BOOST_TEST(one.directory.name_of(loser) == "bob~t2");
  BOOST_TEST(one.directory.user_named("bob")->hex() == winner.hex());
  BOOST_TEST(one.directory.user_named("bob~t2")->hex() == loser.hex());
  BOOST_TEST(!one.directory.user_named("bob~t1").has_value());
  // The group stays with who made it, whatever the name.
  BOOST_TEST(one.directory.owner_of(*one.directory.group_named("choir"))->hex() == loser.hex());
  // Told on the spot, if there, and at the next login, by the old name and by the new one.
  BOOST_REQUIRE(infos(two).size() == 1u);
  BOOST_TEST(infos(two)[0].to.hex() == loser.hex());
  BOOST_TEST(infos(two)[0].notice.sentence.find("bob~t2") != std::string::npos);
  TestClient elsewhere{7};
  for (const char* name : {"bob", "bob~t2"}) {
    elsewhere.token = {};
    const LoggedIn in = one.get<LoggedIn>(elsewhere, login(name, "second"));
    BOOST_TEST(in.uid.hex() == loser.hex());
    BOOST_TEST(in.user.text == "bob~t2");
    BOOST_TEST(in.user.fault().empty());
    BOOST_REQUIRE(in.messages.size() == 1u);
    BOOST_TEST(in.messages[0].find("bob~t2") != std::string::npos);
  }
  elsewhere.token = {};
  const LoggedIn in = one.get<LoggedIn>(elsewhere, login("bob", "first"));
  BOOST_TEST(in.uid.hex() == winner.hex());
  BOOST_TEST(in.messages.empty());
  elsewhere.token = {};
  BOOST_TEST(one.code(elsewhere, login("bob~t2", "first")) == Code::bad_credentials);
}

BOOST_FIXTURE_TEST_CASE(who_reached_every_tracker_has_the_name_whatever_the_clocks_say, Cut) {
  one.wall += std::chrono::hours(1);
  one.succeeds(anna, create("bob", "first"));
  one.confirm(one.deltas.back().operations);
  two.succeeds(bob, create("bob", "second"));
  heal();
  BOOST_TEST(two.directory.user_named("bob")->hex() == uid_of_request(anna.key, {1}).hex());
}

BOOST_FIXTURE_TEST_CASE(a_group_name_taken_on_both_sides_has_one_winner, Cut) {
  sign_up(one, anna, "anna");
  sign_up(one, bob, "bob");
  heal();
  one.succeeds(anna, CreateGroup{{"choir"}});
  two.wall += std::chrono::seconds(5);
  two.succeeds(bob, CreateGroup{{"choir"}});
  two.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("song", 1)});
  heal();
  BOOST_TEST(one.directory.group_count() == 2u);
  const Gid kept = *one.directory.group_named("choir~t2");
  BOOST_TEST(one.directory.owner_of(kept)->hex() == one.directory.user_named("bob")->hex());
  BOOST_TEST(one.directory.files_after(kept, "", 10).size() == 1u);
  BOOST_REQUIRE(infos(two).size() == 1u);
  BOOST_TEST(infos(two)[0].notice.group == "choir~t2");
  bob.token = {};
  const LoggedIn in = one.get<LoggedIn>(bob, login("bob", "secret"));
  BOOST_REQUIRE(in.messages.size() == 1u);
  BOOST_TEST(in.messages[0].find("choir~t2") != std::string::npos);
  BOOST_TEST(one.code(anna, ListFiles{{"choir~t2"}, ""}) == Code::not_a_member);
  // The winner's end gives the name back.
  one.succeeds(anna, LeaveGroup{{"choir"}});
  BOOST_TEST(one.directory.name_of(kept) == "choir");
  heal();
}

BOOST_FIXTURE_TEST_CASE(three_who_took_one_name_have_three_names, Cut) {
  TestTracker three{3};
  TestClient carl{3};
  TestClient dora{4};
  one.succeeds(anna, create("x", "a"));
  two.wall += std::chrono::seconds(1);
  two.succeeds(bob, create("x", "b"));
  three.wall += std::chrono::seconds(2);
  three.succeeds(carl, create("x", "c"));
  TestTracker again{2};  // the store of tracker 2 was lost and is new
  again.log = OwnLog({id_of<StoreId>(22), {}, {}}, HybridClock{});
  again.wall += std::chrono::seconds(3);
  again.succeeds(dora, create("x", "d"));
  for (TestTracker* each : {&two, &three, &again}) one.follow(*each);
  for (TestTracker* each : {&two, &three, &again}) each->follow(one);
  for (TestTracker* each : {&one, &two, &three, &again}) {
    std::vector<std::string> names;
    for (const Uid& uid : each->directory.users_after("", 10)) names.push_back(each->directory.name_of(uid));
    BOOST_TEST((names == std::vector<std::string>{"x", "x~t2", "x~t3", "x~t2-2"}));
    BOOST_TEST(each->directory.user_named("x~t2-2")->hex() == uid_of_request(dora.key, {1}).hex());
    BOOST_TEST(each->directory.users_after("x~t2", 10).size() == 2u);
    BOOST_TEST(each->directory.digest().hex() == one.directory.digest().hex());
  }
}

BOOST_FIXTURE_TEST_CASE(one_request_on_two_trackers_makes_one_account_and_one_group, Cut) {
  one.succeeds(anna, create("anna", "secret"));
  BOOST_TEST((two.ask_again(anna, create("anna", "secret")) == TrackerAnswer(Done{})));
  heal();
  BOOST_TEST(one.directory.user_count() == 1u);
  one.get<LoggedIn>(anna, login("anna", "secret"));
  const SessionToken first = anna.token;
  const LoggedIn second = *two.ask_again(anna, login("anna", "secret")).get<LoggedIn>();
  heal();
  for (const TestTracker* each : {&one, &two})
    for (const SessionToken& token : {first, second.token})
      BOOST_TEST(each->directory.session(anna.key, token, one.wall).has_value());
  one.succeeds(anna, CreateGroup{{"choir"}});
  BOOST_TEST((two.ask_again(anna, CreateGroup{{"choir"}}) == TrackerAnswer(Done{})));
  heal();
  BOOST_TEST(one.directory.group_count() == 1u);
  BOOST_TEST(one.directory.member_count(*one.directory.group_named("choir")) == 1u);
  two.succeeds(anna, Logout{});
  heal();
  BOOST_TEST(!one.directory.session(anna.key, first, one.wall).has_value());
}

BOOST_FIXTURE_TEST_CASE(accepted_here_and_left_there_is_left_everywhere, Cut) {
  sign_up(one, anna, "anna");
  sign_up(one, bob, "bob");
  one.succeeds(anna, CreateGroup{{"choir"}});
  one.succeeds(bob, JoinGroup{{"choir"}});
  heal();
  two.wall += std::chrono::hours(1);  // whatever the clocks say
  one.wall += std::chrono::hours(2);
  two.succeeds(bob, LeaveGroup{{"choir"}});
  one.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  heal();
  const Gid choir = *one.directory.group_named("choir");
  BOOST_TEST(one.directory.standing(choir, *one.directory.user_named("bob")) == Standing::none);
  two.succeeds(bob, JoinGroup{{"choir"}});
  heal();
  one.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  heal();
  BOOST_TEST(two.directory.standing(choir, *two.directory.user_named("bob")) == Standing::member);
}

BOOST_FIXTURE_TEST_CASE(the_last_member_left_while_another_was_let_in_so_the_group_lives, Cut) {
  sign_up(one, anna, "anna");
  sign_up(one, bob, "bob");
  one.succeeds(anna, CreateGroup{{"choir"}});
  one.succeeds(bob, JoinGroup{{"choir"}});
  heal();
  two.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  one.succeeds(anna, LeaveGroup{{"choir"}});
  BOOST_TEST(one.directory.group_count() == 0u);
  heal();
  const Gid choir = *one.directory.group_named("choir");
  BOOST_TEST(one.directory.owner_of(choir)->hex() == one.directory.user_named("bob")->hex());
}

BOOST_FIXTURE_TEST_CASE(files_of_one_name_and_two_contents_are_both_kept, Cut) {
  sign_up(one, anna, "anna");
  one.succeeds(anna, CreateGroup{{"choir"}});
  heal();
  one.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  const std::string longest(255, 'x');
  one.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of(longest, 1)});
  two.wall += std::chrono::seconds(5);
  anna.counter += RequestCounter{10};
  two.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 2)});
  two.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song~t2", 3)});  // takes the marked name
  two.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of(longest, 2)});
  heal();
  anna.counter += RequestCounter{10};
  const auto found = [&](const std::string& name) {
    return one.get<FileFound>(anna, FindFile{{"choir"}, {name}}).fid.hex();
  };
  BOOST_TEST(found("song") == fid_of(metainfo_of("song", 1)).hex());
  BOOST_TEST(found("song~t2") == fid_of(metainfo_of("song~t2", 3)).hex());
  BOOST_TEST(found("song~t2-2") == fid_of(metainfo_of("song", 2)).hex());
  BOOST_TEST(found(longest) == fid_of(metainfo_of(longest, 1)).hex());
  BOOST_TEST(found(longest.substr(0, 252) + "~t2") == fid_of(metainfo_of(longest, 2)).hex());
  std::vector<std::string> names;
  for (const FileRow& row : one.get<Files>(anna, ListFiles{{"choir"}, ""}).files) {
    BOOST_TEST(row.file.fault().empty());
    names.push_back(row.file.text);
    BOOST_TEST(one.get<Files>(anna, ListFiles{{"choir"}, row.file.text}).files.size() == 5 - names.size());
  }
  BOOST_TEST(names.size() == 5u);
  one.succeeds(anna, StopShare{{"choir"}, {"song"}});
  BOOST_TEST(found("song") == fid_of(metainfo_of("song", 2)).hex());
}

BOOST_FIXTURE_TEST_CASE(a_file_that_lost_its_name_was_not_added_when_asked_again, Cut) {
  sign_up(one, anna, "anna");
  one.succeeds(anna, CreateGroup{{"choir"}});
  heal();
  one.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  two.wall += std::chrono::seconds(5);
  anna.counter += RequestCounter{10};
  const AddFile late{{"choir"}, metainfo_of("song", 2)};
  two.get<FileAdded>(anna, late);
  const TestClient then = anna;
  heal();
  BOOST_TEST(one.directory.file_named(*one.directory.group_named("choir"), "song~t2").has_value());
  // Who asks again was told nothing yet. What she is told then is so, here and everywhere.
  TestClient again = then;
  for (int times = 0; times < 2; ++times) {
    const TrackerAnswer answer = one.ask_again(again, late);
    BOOST_REQUIRE(answer.get<Refused>() != nullptr);
    BOOST_TEST((answer.get<Refused>()->code == Code::file_conflict));
    heal();
    BOOST_TEST(!two.directory.file_named(*two.directory.group_named("choir"), "song~t2").has_value());
  }
}

BOOST_FIXTURE_TEST_CASE(a_share_stopped_anywhere_is_stopped, Cut) {
  sign_up(one, anna, "anna");
  one.succeeds(anna, CreateGroup{{"choir"}});
  const FileAdded file = one.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  heal();
  one.succeeds(anna, StopShare{{"choir"}, {"song"}});
  two.succeeds(anna, StartShare{file.gid, file.fid});  // is on there already: says nothing
  heal();
  BOOST_TEST(one.directory.sharers_of(file.gid, file.fid).empty());
}

BOOST_FIXTURE_TEST_CASE(who_asks_again_for_a_file_name_that_went_to_another_is_refused_and_shares_nothing,
                        Cut) {
  sign_up(one, anna, "anna");
  sign_up(one, bob, "bob");
  one.succeeds(anna, CreateGroup{{"choir"}});
  one.succeeds(bob, JoinGroup{{"choir"}});
  one.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  heal();
  two.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("song", 2)});
  one.wall += std::chrono::seconds(5);
  const AddFile lost{{"choir"}, metainfo_of("song", 1)};
  const FileAdded added = one.get<FileAdded>(anna, lost);
  const std::vector<Operation> taken = one.deltas.back().operations;
  heal();
  // Nobody has told her yet; she asks the other tracker, before the first one has ended her share.
  const TrackerAnswer again = two.ask_again(anna, lost);
  BOOST_REQUIRE(again.get<Refused>() != nullptr);
  BOOST_TEST(again.get<Refused>()->code == Code::file_conflict);
  BOOST_TEST(two.directory.sharers_of(added.gid, added.fid).empty());
  // The first one looks again, too, whatever came first.
  const auto late = lost_name(one.directory, taken);
  BOOST_REQUIRE(late.has_value());
  BOOST_TEST(late->undo.size() == 1U);
  heal();
  const auto after = lost_name(one.directory, taken);
  BOOST_REQUIRE(after.has_value());
  BOOST_TEST(after->undo.empty());
  BOOST_TEST(one.directory.sharers_of(added.gid, added.fid).empty());
}

BOOST_FIXTURE_TEST_CASE(an_account_that_nobody_was_told_of_is_withdrawn, Cut) {
  one.succeeds(anna, create("bob", "first"));
  two.wall += std::chrono::seconds(5);
  two.succeeds(bob, create("bob", "second"));
  const std::vector<Operation> taken = two.deltas.back().operations;
  heal();
  const auto lost = lost_name(two.directory, taken);
  BOOST_REQUIRE(lost.has_value());
  BOOST_TEST(lost->why.code == Code::user_exists);
  BOOST_TEST(two.directory.user_count() == 2U);
  two.undo(lost->undo);
  heal();
  BOOST_TEST(one.directory.user_count() == 1U);
  BOOST_TEST(!one.directory.user_named("bob~t2").has_value());
  BOOST_TEST(one.directory.login_candidates("bob").size() == 1U);
  BOOST_TEST(two.code(bob, login("bob~t2", "second")) == Code::bad_credentials);
  one.directory.check_invariants();
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_of_rows_is_the_state, Cut) {
  sign_up(one, anna, "anna");
  sign_up(one, bob, "bob");
  one.succeeds(anna, CreateGroup{{"choir"}});
  one.succeeds(bob, JoinGroup{{"choir"}});
  one.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  one.succeeds(bob, Logout{});
  two.succeeds(bob, create("carl", "other"));
  sync(one, two);
  Directory loaded;
  Directory joined;
  std::map<Bytes, Row> rows;
  for (auto row = one.rows.rbegin(); row != one.rows.rend(); ++row) {
    BOOST_TEST(row->second.bucket == bucket_of(row->first));
    const Fact fact = *fact_of(row->second.view());
    BOOST_TEST((row_key(fact.operation) == row->first));
    loaded.load(fact);
    Changes changes;
    joined.join(*fact_of_others(row->second.view()), row->second.view(), changes);
    for (Row& each : changes.rows) rows[each.key] = std::move(each);
  }
  for (const Directory* each : {&loaded, &joined}) {
    each->check_invariants();
    BOOST_TEST(each->digest().hex() == one.directory.digest().hex());
    BOOST_TEST(printed(*each) == printed(one.directory));
  }
  BOOST_TEST((rows == one.rows));
}

BOOST_FIXTURE_TEST_CASE(a_delta_changes_a_state_once, Cut) {
  sign_up(one, anna, "anna");
  for (const Delta& each : one.deltas) {
    const Changes again = one.directory.apply(each);
    BOOST_TEST(again.rows.empty());
    BOOST_TEST(again.told.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()
