// Passwords that change, groups that are given away, sessions that are listed.

#include <boost/test/unit_test.hpp>

#include "tests/unit/tracker/state_support.hpp"

using namespace tutti;
using namespace tutti::test;

BOOST_TEST_DONT_PRINT_LOG_VALUE(tutti::Code)
BOOST_TEST_DONT_PRINT_LOG_VALUE(tutti::Standing)

namespace {

/// Anna on two clients, bob and carl; anna's group, which bob and carl are in. Two trackers that are cut off from each
/// other until heal().
struct Cut {
  TestTracker one{1};
  TestTracker two{2};
  TestClient anna{1};
  TestClient bob{2};
  TestClient carl{3};
  TestClient elsewhere{4};  // anna's second

  Cut() {
    sign_up(anna, "anna");
    sign_up(bob, "bob");
    sign_up(carl, "carl");
    one.get<LoggedIn>(elsewhere, login("anna", "old"));
    one.succeeds(anna, CreateGroup{{"choir"}});
    one.wall += std::chrono::milliseconds{10};
    let_in(bob, "bob");
    one.wall += std::chrono::milliseconds{10};
    let_in(carl, "carl");
    heal();
  }
  static Login login(const std::string& user, const std::string& password) {
    return {{user}, password, "", 7000};
  }
  void sign_up(TestClient& client, const std::string& name) {
    one.succeeds(client, CreateUser{{name}, "old"});
    one.get<LoggedIn>(client, login(name, "old"));
  }
  void let_in(TestClient& client, const std::string& name) {
    one.succeeds(client, JoinGroup{{"choir"}});
    one.succeeds(anna, AcceptRequest{{"choir"}, {name}});
  }
  void heal() {
    sync(one, two);
    one.wall = two.wall = std::max(one.wall, two.wall) + std::chrono::milliseconds{10};
    BOOST_TEST(one.directory.digest().hex() == two.directory.digest().hex());
    BOOST_TEST(printed(one.directory) == printed(two.directory));
  }
  static bool is_logged_in(const TestTracker& tracker, const TestClient& client) {
    return tracker.directory.session(client.key, client.token, tracker.wall).has_value();
  }
  bool fits(const std::string& password) {
    TestClient stranger(99);
    const auto tried = [&](TestTracker& tracker) {
      TestClient fresh = stranger;
      fresh.counter = last_ = {last_.value + 1};
      return tracker.ask(fresh, login("anna", password)).get<LoggedIn>() != nullptr;
    };
    const bool at_one = tried(one);
    BOOST_TEST(at_one == tried(two));
    sync(one, two);
    return at_one;
  }
  Standing standing(TestTracker& tracker, TestClient& client) {
    return tracker.get<Groups>(client, ListGroups{""}).groups.at(0).standing;
  }

 private:
  RequestCounter last_{100};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(accounts)

BOOST_FIXTURE_TEST_CASE(a_new_password_holds_everywhere_and_ends_all_other_sessions, Cut) {
  one.succeeds(anna, ChangePassword{"old", "new"});
  sync(one, two);
  for (TestTracker* each : {&one, &two}) {
    BOOST_TEST(is_logged_in(*each, anna));
    BOOST_TEST(!is_logged_in(*each, elsewhere));
    BOOST_TEST(each->code(elsewhere, ListGroups{""}) == Code::not_logged_in);
    BOOST_TEST(is_logged_in(*each, bob));
    BOOST_TEST(each->directory.has_ended(elsewhere.key, elsewhere.token));
  }
  BOOST_TEST(!fits("old"));
  BOOST_TEST(fits("new"));
  // And once more, through the other tracker.
  two.succeeds(anna, ChangePassword{"new", "newer"});
  sync(one, two);
  BOOST_TEST(is_logged_in(one, anna));
  BOOST_TEST(!fits("new"));
  BOOST_TEST(fits("newer"));
}

BOOST_FIXTURE_TEST_CASE(whoever_is_logged_out_by_it_is_told_and_the_asking_session_is_not_forgotten, Cut) {
  one.told.clear();
  one.succeeds(anna, ChangePassword{"old", "new"});
  BOOST_REQUIRE(one.told.size() == 1U);
  BOOST_TEST((one.told[0].notice.kind == NoticeKind::session_ended));
  // A restart: the rows of the store say the same.
  Directory again;
  again.begin_bulk();
  for (const auto& [key, row] : one.rows) again.load(*fact_of(row.view()));
  while (!again.list_some()) {
  }
  again.check_invariants();
  BOOST_TEST(again.digest().hex() == one.directory.digest().hex());
  BOOST_TEST(again.session(anna.key, anna.token, one.wall).has_value());
  BOOST_TEST(!again.session(elsewhere.key, elsewhere.token, one.wall).has_value());
}

BOOST_FIXTURE_TEST_CASE(only_the_password_that_holds_changes_it, Cut) {
  BOOST_TEST(one.code(anna, ChangePassword{"wrong", "new"}) == Code::bad_credentials);
  TestClient nobody(77);
  BOOST_TEST(one.code(nobody, ChangePassword{"old", "new"}) == Code::not_logged_in);
  BOOST_TEST(fits("old"));
  BOOST_TEST(is_logged_in(one, elsewhere));
}

BOOST_FIXTURE_TEST_CASE(a_change_that_is_asked_for_again_is_one_change, Cut) {
  one.succeeds(anna, ChangePassword{"old", "new"});
  sync(one, two);
  BOOST_TEST((two.ask_again(anna, ChangePassword{"old", "new"}).get<Done>() != nullptr));
  BOOST_TEST(two.directory.password_counter(*two.directory.user_named("anna")) == 2U);
}

BOOST_FIXTURE_TEST_CASE(of_two_changes_at_once_one_holds_and_ends_the_session_of_the_other, Cut) {
  one.succeeds(anna, ChangePassword{"old", "one"});
  two.succeeds(elsewhere, ChangePassword{"old", "two"});
  heal();
  // The origin of the second tracker is the higher one.
  BOOST_TEST(!fits("one"));
  BOOST_TEST(fits("two"));
  BOOST_TEST(!is_logged_in(one, anna));
  BOOST_TEST(is_logged_in(one, elsewhere));
  // The tracker that took the other one sees so when it looks, and can say it.
  const auto set_by = [](const TestTracker& tracker) {
    std::vector<Operation> found;
    for (const Delta& delta : tracker.deltas)
      for (const Operation& each : delta.operations)
        if (each.get<PasswordSet>() != nullptr && each.get<PasswordSet>()->counter == 2 &&
            delta.origin == tracker.log.head().origin)
          found.push_back(each);
    return found;
  };
  BOOST_TEST(takes_name(set_by(one)));
  BOOST_REQUIRE(lost_name(one.directory, set_by(one)).has_value());
  BOOST_TEST(lost_name(one.directory, set_by(one))->undo.empty());
  BOOST_TEST(!lost_name(two.directory, set_by(two)).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_login_with_the_old_password_at_a_tracker_that_has_not_heard_ends_when_it_hears,
                        Cut) {
  one.succeeds(anna, ChangePassword{"old", "new"});
  TestClient thief(50);
  two.get<LoggedIn>(thief, login("anna", "old"));
  BOOST_TEST(is_logged_in(two, thief));
  heal();
  BOOST_TEST(!is_logged_in(two, thief));
  BOOST_TEST(!is_logged_in(one, thief));
}

BOOST_FIXTURE_TEST_CASE(a_password_that_is_replaced_while_it_is_checked_opens_nothing, Cut) {
  TestClient late(51);
  Question question{late.key, "", {1}, {}, login("anna", "old"), id_of<SessionToken>(9), {}};
  question.password = work(*password_work(one.directory, question, one.wall));
  BOOST_REQUIRE(question.password->matched.has_value());
  one.succeeds(anna, ChangePassword{"old", "new"});
  const Decision decision = decide(one.directory, question, {1, one.wall, &one.presence, {}, {}, {}});
  BOOST_REQUIRE(decision.answer.get<Refused>() != nullptr);
  BOOST_TEST(decision.answer.get<Refused>()->code == Code::bad_credentials);
}

BOOST_FIXTURE_TEST_CASE(a_session_under_a_password_that_is_not_known_here_yet_has_not_ended, Cut) {
  two.succeeds(anna, ChangePassword{"old", "new"});
  one.follow(two);
  TestClient fresh(52);
  one.get<LoggedIn>(fresh, login("anna", "new"));
  // A third tracker hears of the login, and not of the password.
  Directory third;
  for (const auto& [key, row] : one.rows) {
    const Fact fact = *fact_of(row.view());
    const PasswordSet* set = fact.operation.get<PasswordSet>();
    if (set == nullptr || set->counter == 1) third.join(fact);
  }
  BOOST_TEST(!third.session(fresh.key, fresh.token, one.wall).has_value());
  BOOST_TEST(!third.has_ended(fresh.key, fresh.token));
}

BOOST_FIXTURE_TEST_CASE(sessions_are_listed_with_the_one_that_asks, Cut) {
  one.present(elsewhere, 1);
  const std::vector<SessionRow> rows = one.get<Sessions>(anna, AskSessions{}).sessions;
  BOOST_REQUIRE(rows.size() == 2U);
  for (const SessionRow& row : rows) {
    BOOST_TEST(row.asking == (row.client == anna.key));
    BOOST_TEST(row.since == 1'000'000U);
  }
  one.succeeds(elsewhere, Logout{});
  BOOST_TEST(one.get<Sessions>(anna, AskSessions{}).sessions.size() == 1U);
  BOOST_TEST(one.code(elsewhere, AskSessions{}) == Code::not_logged_in);
}

BOOST_FIXTURE_TEST_CASE(a_token_is_worth_nothing_on_another_key, Cut) {
  TestClient thief(53);
  thief.token = anna.token;
  BOOST_TEST(one.code(thief, ListGroups{""}) == Code::not_logged_in);
}

BOOST_FIXTURE_TEST_CASE(a_client_is_familiar_to_who_logged_in_there_also_after_a_logout, Cut) {
  const Uid uid = *one.directory.user_named("anna");
  one.succeeds(elsewhere, Logout{});
  BOOST_TEST(one.directory.is_familiar(elsewhere.key, uid));
  BOOST_TEST(!one.directory.is_familiar(bob.key, uid));
  BOOST_TEST(!one.directory.is_familiar(id_of<ClientKey>(88), uid));
}

// --- groups that are given away ---------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_group_is_given_to_a_member, Cut) {
  one.told.clear();
  one.succeeds(anna, TransferGroup{{"choir"}, {"carl"}});
  BOOST_TEST(standing(one, carl) == Standing::owner);
  BOOST_TEST(standing(one, anna) == Standing::member);
  BOOST_TEST(one.code(anna, ListRequests{{"choir"}, ""}) == Code::not_the_owner);
  BOOST_TEST(one.get<JoinRequests>(carl, ListRequests{{"choir"}, ""}).users.empty());
  BOOST_REQUIRE(one.told.size() == 2U);
  BOOST_TEST((one.told[0].notice.kind == NoticeKind::became_owner));
  BOOST_TEST(one.told[0].to.hex() == one.directory.user_named("carl")->hex());
  BOOST_TEST((one.told[1].notice.kind == NoticeKind::info));
  BOOST_TEST(one.told[1].to.hex() == one.directory.user_named("anna")->hex());
  heal();
  // The new owner gives it on, through the other tracker.
  two.succeeds(carl, TransferGroup{{"choir"}, {"bob"}});
  heal();
  BOOST_TEST(standing(one, bob) == Standing::owner);
}

BOOST_FIXTURE_TEST_CASE(who_may_give_what_to_whom, Cut) {
  TestClient guest(5);
  sign_up(guest, "guest");
  BOOST_TEST(one.code(anna, TransferGroup{{"band"}, {"nobody"}}) == Code::no_such_group);
  BOOST_TEST(one.code(bob, TransferGroup{{"choir"}, {"nobody"}}) == Code::not_the_owner);
  BOOST_TEST(one.code(guest, TransferGroup{{"choir"}, {"bob"}}) == Code::not_the_owner);
  BOOST_TEST(one.code(anna, TransferGroup{{"choir"}, {"nobody"}}) == Code::no_such_user);
  BOOST_TEST(one.code(anna, TransferGroup{{"choir"}, {"guest"}}) == Code::not_a_member);
  one.succeeds(guest, JoinGroup{{"choir"}});  // a request is no membership
  BOOST_TEST(one.code(anna, TransferGroup{{"choir"}, {"guest"}}) == Code::not_a_member);
  one.succeeds(anna, TransferGroup{{"choir"}, {"anna"}});
  BOOST_TEST(standing(one, anna) == Standing::owner);
}

BOOST_FIXTURE_TEST_CASE(when_the_new_owner_leaves_the_longest_standing_member_owns, Cut) {
  one.succeeds(anna, TransferGroup{{"choir"}, {"carl"}});
  one.succeeds(anna, LeaveGroup{{"choir"}});
  BOOST_TEST(standing(one, carl) == Standing::owner);
  one.succeeds(carl, LeaveGroup{{"choir"}});
  BOOST_TEST(standing(one, bob) == Standing::owner);
  // Who comes back is a member like others: what was given to an earlier membership is gone.
  one.succeeds(carl, JoinGroup{{"choir"}});
  one.succeeds(bob, AcceptRequest{{"choir"}, {"carl"}});
  BOOST_TEST(standing(one, carl) == Standing::member);
  heal();
}

BOOST_FIXTURE_TEST_CASE(a_group_that_is_given_to_who_leaves_at_the_same_moment_is_not_lost, Cut) {
  one.succeeds(anna, TransferGroup{{"choir"}, {"carl"}});
  two.succeeds(carl, LeaveGroup{{"choir"}});
  heal();
  BOOST_TEST(standing(two, anna) == Standing::owner);
}

BOOST_FIXTURE_TEST_CASE(a_group_that_is_given_by_who_leaves_at_the_same_moment_is_given, Cut) {
  one.succeeds(anna, TransferGroup{{"choir"}, {"carl"}});
  two.succeeds(anna, LeaveGroup{{"choir"}});
  BOOST_TEST(standing(two, bob) == Standing::owner);  // until it hears of the gift
  heal();
  BOOST_TEST(standing(two, carl) == Standing::owner);
  BOOST_TEST(standing(two, bob) == Standing::member);
}

BOOST_FIXTURE_TEST_CASE(of_two_gifts_at_once_the_earlier_one_holds_and_the_other_is_known_as_lost, Cut) {
  two.wall += std::chrono::milliseconds{5};
  one.succeeds(anna, TransferGroup{{"choir"}, {"carl"}});
  two.succeeds(elsewhere, TransferGroup{{"choir"}, {"bob"}});
  const std::vector<Operation> won = one.deltas.back().operations;
  const std::vector<Operation> lost = two.deltas.back().operations;
  heal();
  BOOST_TEST(standing(two, carl) == Standing::owner);
  BOOST_TEST(standing(two, bob) == Standing::member);
  BOOST_TEST(takes_name(lost));
  BOOST_TEST(lost_name(two.directory, lost).has_value());
  BOOST_TEST(!lost_name(one.directory, won).has_value());
  // What is given later counts anew.
  one.succeeds(carl, TransferGroup{{"choir"}, {"bob"}});
  heal();
  BOOST_TEST(standing(two, bob) == Standing::owner);
}

BOOST_AUTO_TEST_SUITE_END()
