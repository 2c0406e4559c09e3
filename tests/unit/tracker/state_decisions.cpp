#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

#include "tests/unit/tracker/state_support.hpp"

using namespace tutti;
using namespace tutti::test;

BOOST_TEST_DONT_PRINT_LOG_VALUE(tutti::Code)
BOOST_TEST_DONT_PRINT_LOG_VALUE(tutti::Standing)

namespace {

constexpr std::string_view longest_name = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl";

CreateUser create(std::string user) { return {{std::move(user)}, "secret"}; }
Login login(std::string user, std::string password = "secret") {
  return {{std::move(user)}, std::move(password), "", 7000};
}

/// A tracker with three accounts that are logged in, and a group of anna's.
struct Town {
  Town() {
    for (auto& [client, name] : everybody()) {
      tracker.succeeds(*client, create(name));
      tracker.get<LoggedIn>(*client, login(name));
    }
    tracker.succeeds(anna, CreateGroup{{"choir"}});
  }
  std::vector<std::pair<TestClient*, std::string>> everybody() {
    return {{&anna, "anna"}, {&bob, "bob"}, {&carl, "carl"}};
  }
  void let_in(TestClient& client, const std::string& name) {
    tracker.succeeds(client, JoinGroup{{"choir"}});
    tracker.succeeds(anna, AcceptRequest{{"choir"}, {name}});
  }
  Gid choir() const { return *tracker.directory.group_named("choir"); }
  Uid uid(std::string_view name) const { return *tracker.directory.user_named(name); }
  std::vector<std::string> files(TestClient& client) {
    std::vector<std::string> names;
    for (const FileRow& row : tracker.get<Files>(client, ListFiles{{"choir"}, ""}).files)
      names.push_back(row.file.text);
    return names;
  }

  TestTracker tracker{1};
  TestClient anna{1};
  TestClient bob{2};
  TestClient carl{3};
  TestClient stranger{9};
};

/// What every request but three answers to somebody who is not logged in, and with which code a member, an outsider
/// and somebody who names a missing group are refused.
const std::vector<std::pair<std::string, ClientRequest>>& of_a_group(const std::string& group) {
  static std::map<std::string, std::vector<std::pair<std::string, ClientRequest>>> known;
  auto& list = known[group];
  if (list.empty())
    list = {{"leave", LeaveGroup{{group}}},
            {"requests", ListRequests{{group}, ""}},
            {"accept", AcceptRequest{{group}, {"bob"}}},
            {"reject", RejectRequest{{group}, {"bob"}}},
            {"remove", RemoveMember{{group}, {"bob"}}},
            {"members", ListMembers{{group}, ""}},
            {"files", ListFiles{{group}, ""}},
            {"add", AddFile{{group}, metainfo_of("f", 1)}},
            {"find", FindFile{{group}, {"f"}}},
            {"stop", StopShare{{group}, {"f"}}}};
  return list;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_decisions)

// --- accounts ---------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(an_account_is_made_once, Town) {
  BOOST_TEST(tracker.code(stranger, create("anna")) == Code::user_exists);
  tracker.succeeds(stranger, create("Anna"));
  tracker.succeeds(stranger, create(std::string(longest_name)));
  BOOST_TEST(tracker.directory.user_count() == 5u);
  BOOST_TEST(tracker.directory.name_of(uid("anna")) == "anna");
}

BOOST_FIXTURE_TEST_CASE(nobody_chooses_a_name_with_the_mark_of_a_lost_one, Town) {
  BOOST_TEST(tracker.code(stranger, create("bob~t2")) == Code::invalid_name);
  BOOST_TEST(tracker.code(anna, CreateGroup{{"choir~t1-2"}}) == Code::invalid_name);
  BOOST_TEST(tracker.code(stranger, CreateGroup{{"choir~t1-2"}}) == Code::not_logged_in);
}

BOOST_FIXTURE_TEST_CASE(a_login_proves_itself_by_its_token, Town) {
  const auto session = tracker.directory.session(anna.key, anna.token, tracker.wall);
  BOOST_REQUIRE(session.has_value());
  BOOST_TEST(session->uid.hex() == uid("anna").hex());
  BOOST_TEST(!tracker.directory.session(bob.key, anna.token, tracker.wall).has_value());
  BOOST_TEST(!tracker.directory.session(anna.key, bob.token, tracker.wall).has_value());
  BOOST_TEST(!tracker.directory.session(anna.key, SessionToken{}, tracker.wall).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_wrong_password_and_an_unknown_user_look_the_same, Town) {
  const Refused wrong = tracker.refusal(stranger, login("anna", "guess"));
  const Refused unknown = tracker.refusal(stranger, login("nobody", "guess"));
  BOOST_TEST(wrong.code == Code::bad_credentials);
  BOOST_TEST(unknown.code == Code::bad_credentials);
  BOOST_TEST(wrong.sentence == unknown.sentence);
}

BOOST_FIXTURE_TEST_CASE(an_unknown_user_costs_the_same_password_work, Town) {
  const auto question = [&](std::string user) {
    return Question{stranger.key, "", {1}, {}, login(std::move(user)), {}, {}};
  };
  const auto known = password_work(tracker.directory, question("anna"), tracker.wall);
  const auto unknown = password_work(tracker.directory, question("nobody"), tracker.wall);
  BOOST_REQUIRE((known.has_value() && unknown.has_value()));
  BOOST_TEST(known->candidates.size() == 1u);
  BOOST_TEST(unknown->candidates.empty());
  BOOST_TEST((!known->make_verifier && !unknown->make_verifier));
}

BOOST_FIXTURE_TEST_CASE(no_password_work_is_done_for_what_is_refused_anyway, Town) {
  const auto work = [&](const TestClient& client, ClientRequest what) {
    return password_work(tracker.directory, {client.key, "", {99}, client.token, std::move(what), {}, {}},
                         tracker.wall);
  };
  BOOST_TEST(!work(stranger, create("anna")).has_value());
  BOOST_TEST(!work(stranger, create("x~t1")).has_value());
  BOOST_TEST(!work(anna, login("anna")).has_value());
  BOOST_TEST(!work(anna, Logout{}).has_value());
  BOOST_TEST(work(stranger, create("new"))->make_verifier);
}

BOOST_FIXTURE_TEST_CASE(without_memory_for_a_password_no_account_is_made, Town) {
  Question question{stranger.key, "", {1}, {}, create("new"), {}, PasswordResult{}};
  const Decision decision = decide(tracker.directory, question, {1, tracker.wall, &tracker.presence, {}});
  BOOST_TEST(decision.answer.get<Refused>()->code == Code::other);
  BOOST_TEST(decision.operations.empty());
}

BOOST_FIXTURE_TEST_CASE(who_is_logged_in_cannot_log_in_again, Town) {
  BOOST_TEST(tracker.code(anna, login("bob")) == Code::already_logged_in);
  tracker.succeeds(anna, Logout{});
  const LoggedIn as_bob = tracker.get<LoggedIn>(anna, login("bob"));
  BOOST_TEST(as_bob.user.text == "bob");
  BOOST_TEST(as_bob.messages.empty());
}

BOOST_FIXTURE_TEST_CASE(a_session_that_expires_while_a_login_is_looked_at_breaks_nothing, Town) {
  Question question{anna.key, "10.0.0.1", {99}, anna.token, login("anna"), id_of<SessionToken>(9), {}};
  BOOST_TEST(!password_work(tracker.directory, question, tracker.wall).has_value());
  const WallTime later = tracker.wall + session_lifetime;
  const Decision decision = decide(tracker.directory, question, {1, later, &tracker.presence, {}});
  BOOST_REQUIRE(decision.answer.get<Refused>() != nullptr);
  BOOST_TEST(decision.answer.get<Refused>()->code == Code::other);
}

BOOST_FIXTURE_TEST_CASE(a_client_has_one_session_that_of_its_last_login, Town) {
  const SessionToken first = anna.token;
  anna.token = {};  // the client has lost it
  tracker.get<LoggedIn>(anna, login("anna"));
  BOOST_TEST(!tracker.directory.session(anna.key, first, tracker.wall).has_value());
  BOOST_TEST(tracker.directory.session(anna.key, anna.token, tracker.wall).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_login_that_a_later_one_overtook_is_refused, Town) {
  TestClient late = anna;
  late.token = {};
  late.counter = {0};
  tracker.succeeds(anna, Logout{});
  late.counter = RequestCounter{1};
  BOOST_TEST(tracker.code(late, login("anna")) == Code::other);  // 2: the closed one
}

BOOST_FIXTURE_TEST_CASE(a_session_ends_in_time, Town) {
  tracker.wall += session_lifetime;
  BOOST_TEST(tracker.code(anna, ListGroups{""}) == Code::not_logged_in);
  tracker.get<LoggedIn>(anna, login("anna"));
}

BOOST_FIXTURE_TEST_CASE(logout_ends_the_session_and_needs_one, Town) {
  tracker.succeeds(anna, Logout{});
  BOOST_TEST(tracker.code(anna, Logout{}) == Code::not_logged_in);
  BOOST_TEST(!tracker.directory.open_session(anna.key).has_value());
}

BOOST_FIXTURE_TEST_CASE(login_comes_before_every_other_check, Town) {
  for (const auto& [what, request] : of_a_group("no-such-group"))
    BOOST_TEST(tracker.code(stranger, request) == Code::not_logged_in, what);
  BOOST_TEST(tracker.code(stranger, CreateGroup{{"choir"}}) == Code::not_logged_in);
  BOOST_TEST(tracker.code(stranger, JoinGroup{{"choir"}}) == Code::not_logged_in);
  BOOST_TEST(tracker.code(stranger, ListGroups{""}) == Code::not_logged_in);
  BOOST_TEST(tracker.code(stranger, FindSharers{}) == Code::not_logged_in);
  BOOST_TEST(tracker.code(stranger, StartShare{}) == Code::not_logged_in);
}

BOOST_FIXTURE_TEST_CASE(status_needs_no_login_and_counts, Town) {
  const TrackerStatus status = tracker.get<TrackerStatus>(stranger, AskStatus{});
  BOOST_TEST(status.users == 3u);
  BOOST_TEST(status.groups == 1u);
  BOOST_TEST(status.files == 0u);
}

// --- groups -----------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_missing_group_comes_before_membership, Town) {
  for (const auto& [what, request] : of_a_group("nowhere"))
    BOOST_TEST(tracker.code(bob, request) == Code::no_such_group, what);
  BOOST_TEST(tracker.code(bob, JoinGroup{{"nowhere"}}) == Code::no_such_group);
  BOOST_TEST(tracker.code(bob, FindSharers{}) == Code::no_such_group);
  BOOST_TEST(tracker.code(bob, StartShare{}) == Code::no_such_group);
}

BOOST_FIXTURE_TEST_CASE(an_outsider_is_not_a_member_and_not_the_owner, Town) {
  for (const auto& [what, request] : of_a_group("choir")) {
    const bool owners = what == "requests" || what == "accept" || what == "reject" || what == "remove";
    BOOST_TEST(tracker.code(bob, request) == (owners ? Code::not_the_owner : Code::not_a_member), what);
  }
  BOOST_TEST(tracker.code(bob, FindSharers{choir(), {}}) == Code::not_a_member);
  BOOST_TEST(tracker.code(bob, StartShare{choir(), {}}) == Code::not_a_member);
  BOOST_TEST(tracker.code(bob, AskTicket{choir()}) == Code::not_a_member);
  BOOST_TEST(tracker.code(bob, AskTicketRules{choir()}) == Code::not_a_member);
}

BOOST_FIXTURE_TEST_CASE(a_member_is_not_the_owner, Town) {
  let_in(bob, "bob");
  BOOST_TEST(tracker.code(bob, ListRequests{{"choir"}, ""}) == Code::not_the_owner);
  BOOST_TEST(tracker.code(bob, AcceptRequest{{"choir"}, {"carl"}}) == Code::not_the_owner);
  BOOST_TEST(tracker.code(bob, RejectRequest{{"choir"}, {"nobody"}}) == Code::not_the_owner);
}

BOOST_FIXTURE_TEST_CASE(a_group_is_made_once_and_owned_by_its_maker, Town) {
  BOOST_TEST(tracker.code(bob, CreateGroup{{"choir"}}) == Code::group_exists);
  BOOST_TEST(tracker.directory.standing(choir(), uid("anna")) == Standing::owner);
  BOOST_TEST(tracker.directory.member_count(choir()) == 1u);
}

BOOST_FIXTURE_TEST_CASE(joining_is_asked_answered_and_told, Town) {
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  BOOST_REQUIRE(tracker.told.size() == 1u);
  BOOST_TEST(tracker.told[0].to.hex() == uid("anna").hex());
  BOOST_TEST((tracker.told[0].notice.kind == NoticeKind::join_requested));
  BOOST_TEST(tracker.told[0].notice.user == "bob");
  BOOST_TEST(tracker.told[0].notice.group == "choir");
  BOOST_TEST(tracker.code(bob, JoinGroup{{"choir"}}) == Code::request_pending);
  BOOST_TEST(tracker.code(bob, ListFiles{{"choir"}, ""}) == Code::not_a_member);
  const JoinRequests requests = tracker.get<JoinRequests>(anna, ListRequests{{"choir"}, ""});
  BOOST_REQUIRE(requests.users.size() == 1u);
  BOOST_TEST(requests.users[0].text == "bob");

  tracker.told.clear();
  tracker.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  BOOST_REQUIRE(tracker.told.size() == 1u);
  BOOST_TEST(tracker.told[0].to.hex() == uid("bob").hex());
  BOOST_TEST((tracker.told[0].notice.kind == NoticeKind::accepted));
  BOOST_TEST(tracker.code(bob, JoinGroup{{"choir"}}) == Code::already_a_member);
  BOOST_TEST(tracker.code(anna, JoinGroup{{"choir"}}) == Code::already_a_member);
  BOOST_TEST(tracker.get<JoinRequests>(anna, ListRequests{{"choir"}, ""}).users.empty());
}

BOOST_FIXTURE_TEST_CASE(only_a_request_can_be_accepted_or_rejected, Town) {
  BOOST_TEST(tracker.code(anna, AcceptRequest{{"choir"}, {"nobody"}}) == Code::no_such_user);
  BOOST_TEST(tracker.code(anna, RejectRequest{{"choir"}, {"nobody"}}) == Code::no_such_user);
  BOOST_TEST(tracker.code(anna, AcceptRequest{{"choir"}, {"bob"}}) == Code::no_such_request);
  BOOST_TEST(tracker.code(anna, RejectRequest{{"choir"}, {"bob"}}) == Code::no_such_request);
  let_in(bob, "bob");
  BOOST_TEST(tracker.code(anna, AcceptRequest{{"choir"}, {"bob"}}) == Code::already_a_member);
  BOOST_TEST(tracker.code(anna, RejectRequest{{"choir"}, {"bob"}}) == Code::already_a_member);
}

BOOST_FIXTURE_TEST_CASE(who_was_rejected_is_told_and_may_ask_again, Town) {
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  tracker.told.clear();
  tracker.succeeds(anna, RejectRequest{{"choir"}, {"bob"}});
  BOOST_REQUIRE(tracker.told.size() == 1u);
  BOOST_TEST((tracker.told[0].notice.kind == NoticeKind::rejected));
  BOOST_TEST(tracker.directory.standing(choir(), uid("bob")) == Standing::none);
  let_in(bob, "bob");
  BOOST_TEST(tracker.directory.membership(choir(), uid("bob")).generation == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_request_can_be_taken_back, Town) {
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  BOOST_TEST(tracker.code(anna, AcceptRequest{{"choir"}, {"bob"}}) == Code::no_such_request);
  BOOST_TEST(tracker.code(bob, LeaveGroup{{"choir"}}) == Code::not_a_member);
}

BOOST_FIXTURE_TEST_CASE(a_member_is_removed_by_the_owner_alone_told_and_may_ask_again, Town) {
  let_in(bob, "bob");
  let_in(carl, "carl");
  BOOST_TEST(tracker.code(bob, RemoveMember{{"choir"}, {"carl"}}) == Code::not_the_owner);
  BOOST_TEST(tracker.code(anna, RemoveMember{{"choir"}, {"nobody"}}) == Code::no_such_user);
  BOOST_TEST(tracker.code(anna, RemoveMember{{"choir"}, {"anna"}}) == Code::other);
  tracker.told.clear();
  tracker.succeeds(anna, RemoveMember{{"choir"}, {"bob"}});
  BOOST_REQUIRE(tracker.told.size() == 1u);
  BOOST_TEST(tracker.told[0].to.hex() == uid("bob").hex());
  BOOST_TEST(tracker.told[0].notice.sentence == "anna has removed you from choir");
  BOOST_TEST(tracker.code(anna, RemoveMember{{"choir"}, {"bob"}}) == Code::not_a_member);
  BOOST_TEST(tracker.code(bob, ListFiles{{"choir"}, ""}) == Code::not_a_member);
  BOOST_TEST(tracker.code(bob, AskTicket{choir()}) == Code::not_a_member);
  let_in(bob, "bob");
  BOOST_TEST(tracker.directory.membership(choir(), uid("bob")).generation == 2u);
}

BOOST_FIXTURE_TEST_CASE(who_only_asks_to_join_is_rejected_and_not_removed, Town) {
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  BOOST_TEST(tracker.code(anna, RemoveMember{{"choir"}, {"bob"}}) == Code::not_a_member);
  BOOST_TEST(tracker.directory.standing(choir(), uid("bob")) == Standing::requested);
}

BOOST_FIXTURE_TEST_CASE(a_removal_is_not_undone_by_an_acceptance_that_comes_late, Town) {
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  TestTracker other{2};
  other.follow(tracker);
  other.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  tracker.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
  tracker.succeeds(anna, RemoveMember{{"choir"}, {"bob"}});
  tracker.follow(other);
  other.follow(tracker);
  BOOST_TEST(tracker.directory.standing(choir(), uid("bob")) == Standing::none);
  BOOST_TEST(printed(tracker.directory) == printed(other.directory));
}

BOOST_FIXTURE_TEST_CASE(every_departure_raises_the_epoch_also_when_trackers_join, Town) {
  let_in(bob, "bob");
  let_in(carl, "carl");
  const std::uint64_t before = tracker.directory.epoch(choir());
  TestTracker other{2};
  other.follow(tracker);
  other.succeeds(carl, LeaveGroup{{"choir"}});
  tracker.succeeds(anna, RemoveMember{{"choir"}, {"bob"}});
  BOOST_TEST(tracker.directory.epoch(choir()) == before + 1);
  BOOST_TEST(other.directory.epoch(choir()) == before + 1);
  tracker.follow(other);
  BOOST_TEST(tracker.directory.epoch(choir()) == before + 2);
  other.follow(tracker);
  BOOST_TEST(other.directory.epoch(choir()) == before + 2);
  let_in(bob, "bob");
  BOOST_TEST(tracker.directory.epoch(choir()) == before + 2);
}

BOOST_FIXTURE_TEST_CASE(a_request_that_comes_to_nothing_is_no_departure, Town) {
  const std::uint64_t before = tracker.directory.epoch(choir());
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  tracker.succeeds(anna, RejectRequest{{"choir"}, {"bob"}});
  let_in(bob, "bob");
  BOOST_TEST(tracker.directory.epoch(choir()) == before);
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  const std::uint64_t once = tracker.directory.epoch(choir());
  BOOST_TEST(once > before);
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  BOOST_TEST(tracker.directory.epoch(choir()) == once);
  let_in(bob, "bob");
  BOOST_TEST(tracker.directory.epoch(choir()) == once);
  tracker.succeeds(anna, RemoveMember{{"choir"}, {"bob"}});
  BOOST_TEST(tracker.directory.epoch(choir()) > once);
}

BOOST_FIXTURE_TEST_CASE(whoever_was_let_in_somewhere_counts_though_his_request_was_taken_back_elsewhere,
                        Town) {
  for (const bool asks_again : {false, true}) {
    tracker.succeeds(bob, JoinGroup{{"choir"}});
    TestTracker other{2};
    other.follow(tracker);
    other.log = OwnLog({id_of<StoreId>(asks_again ? 3 : 2), {}, {}}, HybridClock{});
    tracker.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});
    const PeerTicket ticket = tracker.get<TicketGiven>(bob, AskTicket{choir()}).ticket;
    other.succeeds(bob, LeaveGroup{{"choir"}});
    if (asks_again) other.succeeds(bob, JoinGroup{{"choir"}});
    sync(tracker, other);
    BOOST_TEST(!tracker.directory.membership(choir(), uid("bob")).is_member());
    for (const TestTracker* each : {&tracker, &other}) {
      BOOST_TEST(each->directory.epoch(choir()) > ticket.epoch);
      Directory again;
      for (const auto& [key, row] : each->rows) again.load(*fact_of(row.view()));
      BOOST_TEST(again.epoch(choir()) == each->directory.epoch(choir()));
    }
    BOOST_TEST(printed(tracker.directory) == printed(other.directory));
  }
}

BOOST_FIXTURE_TEST_CASE(a_ticket_says_who_may_be_served_where_and_until_when, Town) {
  let_in(bob, "bob");
  const PeerTicket ticket = tracker.get<TicketGiven>(bob, AskTicket{choir()}).ticket;
  const TicketRules rules = tracker.get<TicketRules>(anna, AskTicketRules{choir()});
  BOOST_TEST((ticket.client == bob.key && ticket.uid == uid("bob") && ticket.gid == choir()));
  BOOST_TEST(ticket.epoch == rules.epoch);
  BOOST_TEST(ticket.expires == rules.now + 60'000);
  BOOST_TEST((rules.signers == std::vector{ticket.signer}));
  BOOST_TEST(is_signed(ticket.signer, ticket.signature, words_to_sign(ticket)));
}

BOOST_FIXTURE_TEST_CASE(when_the_owner_leaves_the_longest_standing_member_owns, Town) {
  let_in(carl, "carl");
  let_in(bob, "bob");
  tracker.told.clear();
  tracker.succeeds(anna, LeaveGroup{{"choir"}});
  BOOST_TEST(tracker.directory.owner_of(choir())->hex() == uid("carl").hex());
  BOOST_REQUIRE(tracker.told.size() == 1u);
  BOOST_TEST((tracker.told[0].notice.kind == NoticeKind::became_owner));
  BOOST_TEST(tracker.told[0].to.hex() == uid("carl").hex());
  // Back again, anna is the newest.
  tracker.succeeds(anna, JoinGroup{{"choir"}});
  tracker.succeeds(carl, AcceptRequest{{"choir"}, {"anna"}});
  tracker.succeeds(carl, LeaveGroup{{"choir"}});
  BOOST_TEST(tracker.directory.owner_of(choir())->hex() == uid("bob").hex());
}

BOOST_FIXTURE_TEST_CASE(when_the_last_member_leaves_the_group_is_gone_and_its_name_free, Town) {
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  const Gid old = choir();
  tracker.succeeds(anna, LeaveGroup{{"choir"}});
  BOOST_TEST(tracker.code(anna, LeaveGroup{{"choir"}}) == Code::no_such_group);
  BOOST_TEST(tracker.get<Groups>(anna, ListGroups{""}).groups.empty());
  tracker.succeeds(bob, CreateGroup{{"choir"}});
  BOOST_TEST(choir().hex() != old.hex());
  BOOST_TEST(tracker.get<JoinRequests>(bob, ListRequests{{"choir"}, ""}).users.empty());
  BOOST_TEST(tracker.get<Groups>(bob, ListGroups{""}).groups.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(groups_are_listed_with_the_asker_s_standing, Town) {
  tracker.succeeds(bob, CreateGroup{{"band"}});
  tracker.succeeds(anna, JoinGroup{{"band"}});
  tracker.succeeds(carl, CreateGroup{{"duo"}});
  const Groups groups = tracker.get<Groups>(anna, ListGroups{""});
  BOOST_REQUIRE(groups.groups.size() == 3u);
  BOOST_TEST(!groups.more);
  const std::vector<GroupRow> expected{{{"band"}, {"bob"}, 1, Standing::requested},
                                       {{"choir"}, {"anna"}, 1, Standing::owner},
                                       {{"duo"}, {"carl"}, 1, Standing::none}};
  BOOST_TEST((groups.groups == expected));
  BOOST_TEST(tracker.get<Groups>(anna, ListGroups{"band"}).groups.size() == 2u);
  BOOST_TEST(tracker.get<Groups>(anna, ListGroups{"between"}).groups.size() == 2u);
  BOOST_TEST(tracker.get<Groups>(anna, ListGroups{"duo"}).groups.empty());
}

BOOST_FIXTURE_TEST_CASE(listings_come_in_pages, Town) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < page_rows_max + 7; ++i) {
    Gid gid = id_of<Gid>(77);
    gid.bytes[0] = static_cast<std::uint8_t>(i);
    gid.bytes[1] = static_cast<std::uint8_t>(i >> 8U);
    const Stamp stamp{5'000'000, i};
    tracker.directory.load({id_of<StoreId>(1), stamp, GroupNamed{gid, {"g" + gid.hex()}, 1, true}});
    tracker.directory.load({id_of<StoreId>(1), stamp,
                            MembershipChanged{gid, uid("carl"), 1, MembershipRank::accepted, uid("carl")}});
  }
  std::vector<std::string> names;
  Groups page;
  do {
    page = tracker.get<Groups>(anna, ListGroups{names.empty() ? "" : names.back()});
    for (const GroupRow& row : page.groups) names.push_back(row.group.text);
  } while (page.more);
  BOOST_TEST(names.size() == page_rows_max + 8);
  BOOST_TEST(std::is_sorted(names.begin(), names.end()));
  BOOST_TEST((std::adjacent_find(names.begin(), names.end()) == names.end()));
}

BOOST_FIXTURE_TEST_CASE(members_are_listed_with_who_owns_and_who_is_online, Town) {
  let_in(bob, "bob");
  let_in(carl, "carl");
  tracker.succeeds(carl, Logout{});
  const Members members = tracker.get<Members>(bob, ListMembers{{"choir"}, ""});
  const std::vector<MemberRow> expected{
      {{"anna"}, true, true}, {{"bob"}, false, true}, {{"carl"}, false, false}};
  BOOST_TEST((members.members == expected));
  BOOST_TEST(tracker.get<Members>(bob, ListMembers{{"choir"}, "anna"}).members.size() == 2u);
}

// --- files ------------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_file_is_added_found_and_listed, Town) {
  const Metainfo metainfo = metainfo_of("song", 1);
  const FileAdded added = tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo});
  BOOST_TEST(added.fid.hex() == fid_of(metainfo).hex());
  BOOST_TEST(!added.existed);
  const FileFound found = tracker.get<FileFound>(anna, FindFile{{"choir"}, {"song"}});
  BOOST_TEST(found.fid.hex() == added.fid.hex());
  BOOST_REQUIRE(found.sharers.size() == 1u);
  BOOST_TEST(found.sharers[0].user.text == "anna");
  BOOST_TEST(found.sharers[0].host == "10.0.0.1");
  BOOST_TEST(found.sharers[0].port == 7000);
  const Files files = tracker.get<Files>(anna, ListFiles{{"choir"}, ""});
  BOOST_TEST((files.files == std::vector<FileRow>{{{"song"}, {1000}, 1, 1, metainfo.sha1}}));
  BOOST_TEST(tracker.get<TrackerStatus>(anna, AskStatus{}).files == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_found_file_names_the_metainfo_that_the_store_has, Town) {
  const FileAdded added = tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  const Question question{anna.key, "", {50}, anna.token, FindFile{{"choir"}, {"song"}}, {}, {}};
  const Decision decision = decide(tracker.directory, question, {1, tracker.wall, &tracker.presence, {}});
  BOOST_TEST((decision.metainfo_of == FileKey{added.gid, added.fid}));
  const Row& row = tracker.rows.at(row_keys::file_described(added.gid, added.fid));
  const auto fact = whole_fact_of(row.view());
  BOOST_REQUIRE(static_cast<bool>(fact));
  BOOST_TEST((fact->operation.get<FileDescribed>()->metainfo == metainfo_of("song", 1)));
}

BOOST_FIXTURE_TEST_CASE(the_same_file_gets_one_more_sharer, Town) {
  let_in(bob, "bob");
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  BOOST_TEST(tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("song", 1)}).existed);
  BOOST_TEST(tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("song", 1)}).existed);
  const Files files = tracker.get<Files>(anna, ListFiles{{"choir"}, ""});
  BOOST_REQUIRE(files.files.size() == 1u);
  BOOST_TEST(files.files[0].sharers == 2u);
}

BOOST_FIXTURE_TEST_CASE(the_same_name_with_other_content_is_a_conflict, Town) {
  let_in(bob, "bob");
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  BOOST_TEST(tracker.code(bob, AddFile{{"choir"}, metainfo_of("song", 2)}) == Code::file_conflict);
  BOOST_TEST(tracker.code(anna, AddFile{{"choir"}, metainfo_of("song", 2)}) == Code::file_conflict);
  tracker.succeeds(bob, CreateGroup{{"band"}});
  tracker.get<FileAdded>(bob, AddFile{{"band"}, metainfo_of("song", 2)});
}

BOOST_FIXTURE_TEST_CASE(a_directory_is_listed_as_one_and_no_file_of_the_same_bytes, Town) {
  let_in(bob, "bob");
  Metainfo tree = metainfo_of("song", 1);
  tree.manifest_size = tree.size;
  const FileAdded added = tracker.get<FileAdded>(anna, AddFile{{"choir"}, tree});
  BOOST_TEST(tracker.get<FileAdded>(bob, AddFile{{"choir"}, tree}).existed);
  BOOST_TEST(tracker.code(bob, AddFile{{"choir"}, metainfo_of("song", 1)}) == Code::file_conflict);
  const Files files = tracker.get<Files>(anna, ListFiles{{"choir"}, ""});
  BOOST_REQUIRE(files.files.size() == 1u);
  BOOST_TEST(files.files[0].tree);
  BOOST_TEST((added.fid != fid_of(metainfo_of("song", 1))));
}

BOOST_FIXTURE_TEST_CASE(a_file_nobody_shares_is_gone_and_its_name_free, Town) {
  const FileAdded old = tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  tracker.succeeds(anna, StopShare{{"choir"}, {"song"}});
  BOOST_TEST(files(anna).empty());
  BOOST_TEST(tracker.code(anna, FindFile{{"choir"}, {"song"}}) == Code::no_such_file);
  BOOST_TEST(tracker.code(anna, StopShare{{"choir"}, {"song"}}) == Code::no_such_file);
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 2)});
  // The old one cannot take the name back from the new one, by neither way.
  BOOST_TEST(tracker.code(anna, StartShare{old.gid, old.fid}) == Code::file_conflict);
  BOOST_TEST(tracker.code(anna, AddFile{{"choir"}, metainfo_of("song", 1)}) == Code::file_conflict);
  tracker.succeeds(anna, StopShare{{"choir"}, {"song"}});
  tracker.succeeds(anna, StartShare{old.gid, old.fid});
  BOOST_TEST(tracker.get<FileFound>(anna, FindFile{{"choir"}, {"song"}}).fid.hex() == old.fid.hex());
}

BOOST_FIXTURE_TEST_CASE(members_sessions_are_told_from_others, Town) {
  let_in(bob, "bob");
  const FindMemberSessions question{choir(), {anna.key, bob.key, carl.key, stranger.key}};
  BOOST_TEST((tracker.get<MemberSessions>(anna, question).clients == std::vector{anna.key, bob.key}));
  BOOST_TEST(tracker.code(carl, question) == Code::not_a_member);
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  BOOST_TEST((tracker.get<MemberSessions>(anna, question).clients == std::vector{anna.key}));
  let_in(bob, "bob");
  tracker.succeeds(bob, Logout{});
  BOOST_TEST((tracker.get<MemberSessions>(anna, question).clients == std::vector{anna.key}));
}

BOOST_FIXTURE_TEST_CASE(one_user_has_so_many_groups_and_files_and_no_more, Town) {
  let_in(bob, "bob");
  tracker.limits.groups_per_user = 2;
  tracker.limits.files_per_user = 1;
  tracker.succeeds(anna, CreateGroup{{"band"}});
  BOOST_TEST(tracker.code(anna, CreateGroup{{"club"}}) == Code::other);
  tracker.succeeds(bob, JoinGroup{{"band"}});  // a request counts as well
  BOOST_TEST(tracker.code(bob, CreateGroup{{"club"}}) == Code::other);
  tracker.succeeds(bob, LeaveGroup{{"band"}});
  tracker.succeeds(bob, CreateGroup{{"club"}});
  BOOST_TEST(tracker.code(bob, JoinGroup{{"band"}}) == Code::other);

  const AddFile song{{"choir"}, metainfo_of("song", 1)};
  const FileAdded added = tracker.get<FileAdded>(anna, song);
  BOOST_TEST(tracker.get<FileAdded>(anna, song).existed);  // the same one is not one more
  BOOST_TEST(tracker.code(anna, AddFile{{"choir"}, metainfo_of("other", 2)}) == Code::other);
  tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("other", 2)});
  BOOST_TEST(tracker.code(bob, StartShare{added.gid, added.fid}) == Code::other);
  tracker.succeeds(bob, StopShare{{"choir"}, {"other"}});
  tracker.succeeds(bob, StartShare{added.gid, added.fid});
}

BOOST_FIXTURE_TEST_CASE(what_is_remembered_for_ever_has_a_bound_as_well, Town) {
  let_in(bob, "bob");
  tracker.limits.groups_ever_per_user = 2;
  tracker.succeeds(anna, CreateGroup{{"band"}});
  tracker.succeeds(anna, LeaveGroup{{"band"}});
  BOOST_TEST(tracker.refusal(anna, CreateGroup{{"club"}}).sentence.find("in 2 groups") != std::string::npos);
  tracker.succeeds(bob, CreateGroup{{"club"}});
  BOOST_TEST(tracker.code(anna, JoinGroup{{"club"}}) == Code::other);
  // One that he was in before is not one more.
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  tracker.succeeds(anna, AcceptRequest{{"choir"}, {"bob"}});

  tracker.limits.files_ever_per_user = 2;
  for (const std::uint8_t content : {std::uint8_t{1}, std::uint8_t{2}}) {
    tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", content)});
    tracker.succeeds(anna, StopShare{{"choir"}, {"song"}});
  }
  BOOST_TEST(tracker.code(anna, AddFile{{"choir"}, metainfo_of("song", 3)}) == Code::other);
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});

  tracker.limits.files_per_group = 2;
  BOOST_TEST(tracker.code(bob, AddFile{{"choir"}, metainfo_of("hymn", 4)}) == Code::other);
  tracker.limits.files_per_group = 3;
  tracker.limits.pieces_per_group = 2;
  BOOST_TEST(tracker.refusal(bob, AddFile{{"choir"}, metainfo_of("hymn", 4)}).sentence.find("2 pieces") !=
             std::string::npos);
  tracker.limits.pieces_per_group = 4;
  tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("hymn", 4)});

  // Whoever leaves his full groups and makes others has had those pieces all the same.
  tracker.limits.groups_ever_per_user = tracker.limits.files_ever_per_user = 10;
  tracker.limits.pieces_ever_per_user = 2;
  tracker.succeeds(bob, CreateGroup{{"trio"}});
  tracker.get<FileAdded>(bob, AddFile{{"trio"}, metainfo_of("hymn", 4)});
  tracker.succeeds(bob, LeaveGroup{{"trio"}});
  tracker.succeeds(bob, CreateGroup{{"duo"}});
  BOOST_TEST(tracker.refusal(bob, AddFile{{"duo"}, metainfo_of("hymn", 4)}).sentence.find("2 pieces") !=
             std::string::npos);
  // Somebody else describes it: then it takes nothing more.
  tracker.succeeds(carl, JoinGroup{{"duo"}});
  tracker.succeeds(bob, AcceptRequest{{"duo"}, {"carl"}});
  tracker.get<FileAdded>(carl, AddFile{{"duo"}, metainfo_of("hymn", 4)});
  tracker.get<FileAdded>(bob, AddFile{{"duo"}, metainfo_of("hymn", 4)});

  // What another tracker has taken is never refused.
  TestTracker other{2};
  other.limits = tracker.limits;
  other.limits.files_per_group = 0;
  other.limits.pieces_ever_per_user = 0;
  other.limits.groups_ever_per_user = 0;
  sync(tracker, other);
  BOOST_TEST(printed(tracker.directory) == printed(other.directory));
  BOOST_TEST(other.directory.described_in(choir()).pieces == 3U);
}

BOOST_FIXTURE_TEST_CASE(so_many_may_ask_to_join_a_group_and_have_an_account, Town) {
  tracker.limits.requests_per_group = 1;
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  BOOST_TEST(tracker.refusal(carl, JoinGroup{{"choir"}}).sentence.starts_with("1 ask to join choir"));
  tracker.succeeds(anna, RejectRequest{{"choir"}, {"bob"}});
  tracker.succeeds(carl, JoinGroup{{"choir"}});
  tracker.limits.users_in_all = 4;
  tracker.succeeds(stranger, create("dora"));
  BOOST_TEST(tracker.refusal(stranger, create("eve")).sentence.starts_with("there are 4 accounts"));
}

BOOST_FIXTURE_TEST_CASE(a_login_too_many_ends_the_session_that_expires_first, Town) {
  tracker.limits.sessions_per_user = 2;
  tracker.wall += std::chrono::hours{1};
  TestClient second{10};
  tracker.get<LoggedIn>(second, login("anna"));
  tracker.wall += std::chrono::hours{1};
  TestClient third{11};
  tracker.get<LoggedIn>(third, login("anna"));
  BOOST_TEST(tracker.directory.session_count(uid("anna")) == 2U);
  BOOST_TEST(tracker.code(anna, Logout{}) == Code::not_logged_in);
  tracker.get<Sessions>(second, AskSessions{});
  // Who logs in again where he was takes nobody's place.
  tracker.succeeds(third, Logout{});
  tracker.get<LoggedIn>(third, login("anna"));
  tracker.get<Sessions>(second, AskSessions{});
}

BOOST_FIXTURE_TEST_CASE(sharing_starts_and_stops, Town) {
  let_in(bob, "bob");
  const FileAdded file = tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  BOOST_TEST(tracker.code(bob, StopShare{{"choir"}, {"song"}}) == Code::not_sharing);
  BOOST_TEST(tracker.code(bob, StopShare{{"choir"}, {"hymn"}}) == Code::no_such_file);
  BOOST_TEST(tracker.code(bob, StartShare{file.gid, id_of<Fid>(8)}) == Code::no_such_file);
  BOOST_TEST(tracker.code(bob, FindSharers{file.gid, id_of<Fid>(8)}) == Code::no_such_file);
  tracker.succeeds(bob, StartShare{file.gid, file.fid});
  const std::size_t deltas = tracker.deltas.size();
  tracker.succeeds(bob, StartShare{file.gid, file.fid});
  BOOST_TEST(tracker.deltas.size() == deltas);  // nothing new
  BOOST_TEST(tracker.get<Sharers>(bob, FindSharers{file.gid, file.fid}).sharers.size() == 2u);
  for (int round = 0; round < 3; ++round) {
    tracker.succeeds(bob, StopShare{{"choir"}, {"song"}});
    BOOST_TEST(tracker.code(bob, StopShare{{"choir"}, {"song"}}) == Code::not_sharing);
    tracker.succeeds(bob, StartShare{file.gid, file.fid});
  }
  BOOST_TEST(tracker.get<Sharers>(bob, FindSharers{file.gid, file.fid}).sharers.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(only_who_is_online_is_a_sharer_to_connect_to, Town) {
  const FileAdded file = tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  tracker.now += Presence::ttl;
  for (const PresentClient& faded : tracker.presence.expire(tracker.now))
    note_online(tracker.directory, tracker.presence, faded.uid);
  BOOST_TEST(tracker.get<Sharers>(anna, FindSharers{file.gid, file.fid}).sharers.empty());
  BOOST_TEST(tracker.get<Files>(anna, ListFiles{{"choir"}, ""}).files[0].sharers == 1u);
  BOOST_TEST(tracker.get<Files>(anna, ListFiles{{"choir"}, ""}).files[0].sharers_online == 0u);
  tracker.present(anna, 1);
  BOOST_TEST(tracker.get<Sharers>(anna, FindSharers{file.gid, file.fid}).sharers.size() == 1u);
  tracker.succeeds(anna, Logout{});
  tracker.get<LoggedIn>(anna, login("bob"));
  tracker.succeeds(anna, JoinGroup{{"choir"}});
  // Logout pauses the sharing, login resumes it. (Her presence is still heard of, but not her session.)
  BOOST_TEST(tracker.directory.sharers_of(file.gid, file.fid).size() == 1u);
  tracker.succeeds(anna, Logout{});
  tracker.get<LoggedIn>(anna, login("anna"));
  BOOST_TEST(tracker.get<Sharers>(anna, FindSharers{file.gid, file.fid}).sharers.size() == 1u);
}

/// Of a crowd that shares a file only some are named; each client is named to itself, and keeps those it was told of.
BOOST_FIXTURE_TEST_CASE(a_crowd_is_named_in_part_and_whoever_asks_to_himself, Town) {
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  const Fid fid = fid_of(metainfo_of("song", 1));
  OwnLog other({id_of<StoreId>(5), {}, {}}, HybridClock{});
  std::vector<TestClient> crowd;
  std::uint16_t number = 0;
  const auto another_comes = [&] {
    ++number;
    Uid user = id_of<Uid>(9);
    TestClient client{9};
    user.bytes[0] = client.key.bytes[0] = static_cast<std::uint8_t>(number);
    user.bytes[1] = client.key.bytes[1] = static_cast<std::uint8_t>(number >> 8U);
    client.token = id_of<SessionToken>(7);
    BOOST_REQUIRE(tracker.receive(
        other.seal({UserNamed{user, {"singer" + std::to_string(number)}, 2, true},
                    MembershipChanged{choir(), user, 1, MembershipRank::accepted, uid("anna")},
                    ShareIntended{choir(), fid, user, 1, 1, true},
                    SessionOpened{client.key, {1}, sha256(client.token.view()), user, ~0ULL}},
                   tracker.wall + std::chrono::seconds{1})));
    client.counter = {1};
    tracker.presence.heard({client.key, user, {1}, 1, Presence::ttl, "10.0.0.7", 7000}, tracker.now);
    note_online(tracker.directory, tracker.presence, user);
    crowd.push_back(client);
  };
  const auto named_to = [&](TestClient& client) {
    std::set<ClientKey> named;
    for (const Sharer& each : tracker.get<Sharers>(client, FindSharers{choir(), fid}).sharers)
      BOOST_TEST(named.insert(each.client).second, "nobody is named twice");
    return named;
  };
  while (crowd.size() < 4 * sharers_named_max) another_comes();
  std::set<ClientKey> all_named;
  std::vector<std::set<ClientKey>> before;
  for (TestClient& each : crowd) {
    before.push_back(named_to(each));
    BOOST_TEST(before.back().size() == sharers_named_max);
    BOOST_TEST(before.back().contains(each.key));
    all_named.insert(before.back().begin(), before.back().end());
  }
  BOOST_TEST(all_named.size() == crowd.size() + 1);  // anna, too
  for (int more = 0; more < 20; ++more) another_comes();
  for (std::size_t i = 0; i < before.size(); i += 10) {
    const std::set<ClientKey> now = named_to(crowd[i]);
    const auto kept = static_cast<std::size_t>(std::count_if(
        now.begin(), now.end(), [&](const ClientKey& each) { return before[i].contains(each); }));
    BOOST_TEST(10 * kept > 7 * sharers_named_max);
  }
  // Where that is asked once more of them are named, and whoever asks first as well.
  const FileFound found = tracker.get<FileFound>(crowd[0], FindFile{{"choir"}, {"song"}});
  BOOST_TEST(found.sharers.size() == crowd.size() + 1);
  BOOST_TEST((found.sharers.front().client == crowd[0].key));
}

BOOST_FIXTURE_TEST_CASE(who_has_no_name_here_yet_is_left_out, Town) {
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  // Another tracker's log brings a group and a sharer; the third one's, which names that user, has not come.
  const Uid nameless = id_of<Uid>(77);
  const Gid gid = id_of<Gid>(77);
  const Fid fid = fid_of(metainfo_of("song", 1));
  OwnLog other({id_of<StoreId>(5), {}, {}}, HybridClock{});
  BOOST_REQUIRE(
      tracker.receive(other.seal({GroupNamed{gid, {"band"}, 2, false},
                                  MembershipChanged{gid, nameless, 1, MembershipRank::accepted, nameless},
                                  MembershipChanged{choir(), nameless, 1, MembershipRank::accepted, nameless},
                                  ShareIntended{choir(), fid, nameless, 1, 1, true},
                                  SessionOpened{id_of<ClientKey>(77), {1}, {}, nameless, ~0ULL}},
                                 tracker.wall + std::chrono::seconds{1})));
  tracker.presence.heard({id_of<ClientKey>(77), nameless, {1}, 1, Presence::ttl, "10.0.0.7", 7000},
                         tracker.now);
  note_online(tracker.directory, tracker.presence, nameless);
  BOOST_TEST(tracker.directory.online_sharer_count(choir(), fid) == 2u);

  // A client lets in no answer with a name that is none.
  const Groups groups = tracker.get<Groups>(bob, ListGroups{});
  for (const GroupRow& row : groups.groups) BOOST_TEST(row.owner.fault() == "");
  BOOST_TEST(groups.groups.size() == 1u);
  for (const Sharer& each : tracker.get<FileFound>(anna, FindFile{{"choir"}, {"song"}}).sharers)
    BOOST_TEST(each.user.fault() == "");
}

BOOST_FIXTURE_TEST_CASE(leaving_ends_the_own_shares_there, Town) {
  let_in(bob, "bob");
  tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("song", 1)});
  tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("hymn", 2)});
  tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("hymn", 2)});
  tracker.succeeds(bob, LeaveGroup{{"choir"}});
  BOOST_TEST((files(anna) == std::vector<std::string>{"hymn"}));
  BOOST_TEST(tracker.directory.sharers_of(choir(), fid_of(metainfo_of("hymn", 2))).size() == 1u);
  let_in(bob, "bob");
  BOOST_TEST((files(anna) == std::vector<std::string>{"hymn"}));  // coming back revives nothing
  BOOST_TEST(tracker.code(bob, StopShare{{"choir"}, {"hymn"}}) == Code::not_sharing);
  BOOST_TEST(!tracker.get<FileAdded>(bob, AddFile{{"choir"}, metainfo_of("song", 1)}).existed);
  BOOST_TEST((files(anna) == std::vector<std::string>{"hymn", "song"}));
}

// --- requests ---------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_request_asked_again_is_answered_as_before, Town) {
  tracker.succeeds(stranger, create("dora"));
  const std::size_t deltas = tracker.deltas.size();
  BOOST_TEST((tracker.ask_again(stranger, create("dora")) == TrackerAnswer(Done{})));
  tracker.succeeds(bob, JoinGroup{{"choir"}});
  BOOST_TEST((tracker.ask_again(bob, JoinGroup{{"choir"}}) == TrackerAnswer(Done{})));
  tracker.succeeds(bob, Logout{});
  BOOST_TEST((tracker.ask_again(bob, Logout{}) == TrackerAnswer(Done{})));
  const FileAdded added = tracker.get<FileAdded>(anna, AddFile{{"choir"}, metainfo_of("song", 1)});
  BOOST_TEST((tracker.ask_again(anna, AddFile{{"choir"}, metainfo_of("song", 1)}) == TrackerAnswer(added)));
  BOOST_TEST(tracker.deltas.size() == deltas + 3);
}

BOOST_FIXTURE_TEST_CASE(a_refused_request_may_succeed_later, Town) {
  BOOST_TEST(tracker.code(stranger, create("anna")) == Code::user_exists);
  BOOST_TEST(!tracker.directory.outcome(stranger.key, stranger.counter).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_login_asked_again_gives_a_session_without_storing_a_token, Town) {
  const LoggedIn first = tracker.get<LoggedIn>(stranger, login("carl"));
  stranger.token = {};
  const TrackerAnswer again = tracker.ask_again(stranger, login("carl"));
  BOOST_REQUIRE(again.get<LoggedIn>() != nullptr);
  BOOST_TEST(tracker.directory.session(stranger.key, first.token, tracker.wall).has_value());
  BOOST_TEST(tracker.directory.session(stranger.key, again.get<LoggedIn>()->token, tracker.wall).has_value());
  for (const auto& [key, row] : tracker.rows)
    BOOST_TEST((std::search(row.value.begin(), row.value.end(), first.token.bytes.begin(),
                            first.token.bytes.end()) == row.value.end()));
}

BOOST_FIXTURE_TEST_CASE(one_login_leaves_no_more_tokens_than_trackers_could_give, Town) {
  tracker.get<LoggedIn>(stranger, login("carl"));
  for (int again = 1; again < 16; ++again) {
    stranger.token = {};
    BOOST_REQUIRE(tracker.ask_again(stranger, login("carl")).get<LoggedIn>() != nullptr);
  }
  stranger.token = {};
  const TrackerAnswer refused = tracker.ask_again(stranger, login("carl"));
  BOOST_REQUIRE(refused.get<Refused>() != nullptr);
  BOOST_TEST(refused.get<Refused>()->sentence.ends_with("log in again"));
  tracker.get<LoggedIn>(stranger, login("carl"));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_logged_out_is_forgotten_when_no_login_of_it_could_hold, Town) {
  tracker.get<LoggedIn>(stranger, login("carl"));
  tracker.succeeds(stranger, Logout{});
  TestClient second{10};
  tracker.get<LoggedIn>(second, login("carl"));
  tracker.succeeds(second, Logout{});
  const auto is_known = [&](const TestClient& client) {
    return tracker.rows.contains(row_keys::session_closed(client.key));
  };
  tracker.wall += std::chrono::days{31};
  tracker.get<LoggedIn>(anna, login("anna"));
  tracker.succeeds(anna, CreateGroup{{"later"}});
  BOOST_TEST(is_known(stranger));
  // Who has come again meanwhile is as good as new.
  tracker.get<LoggedIn>(second, login("carl"));
  tracker.succeeds(second, Logout{});
  tracker.wall += std::chrono::days{2};
  tracker.succeeds(anna, CreateGroup{{"much-later"}});
  BOOST_TEST(!is_known(stranger));
  BOOST_TEST(is_known(second));
  BOOST_TEST(tracker.directory.last_session(stranger.key).value == 0U);
  // And what says that it was is heard from others in vain.
  const std::uint64_t left = tracker.directory.size();
  Changes changes =
      tracker.directory.join({id_of<StoreId>(7), {1'000'000, 0}, SessionClosed{id_of<ClientKey>(77), {1}}});
  BOOST_TEST(changes.rows.empty());
  BOOST_TEST(tracker.directory.size() == left);
  tracker.directory.check_invariants();
  tracker.get<LoggedIn>(stranger, login("carl"));
}

BOOST_FIXTURE_TEST_CASE(outcomes_are_kept_for_the_last_256_requests, Town) {
  tracker.succeeds(stranger, create("user-0"));
  const RequestCounter first = stranger.counter;
  for (int i = 1; i < 256; ++i) tracker.succeeds(stranger, create("user-" + std::to_string(i)));
  BOOST_TEST(tracker.directory.outcome(stranger.key, first).has_value());
  BOOST_TEST(!tracker.directory.is_forgotten(stranger.key, first));
  tracker.succeeds(stranger, create("user-256"));
  BOOST_TEST(!tracker.directory.outcome(stranger.key, first).has_value());
  TestClient late = stranger;
  late.counter = {};
  BOOST_TEST(tracker.code(late, create("another")) == Code::other);  // or its account would have two names
  BOOST_TEST(tracker.rows.count(row_keys::request_answered(stranger.key, first)) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
