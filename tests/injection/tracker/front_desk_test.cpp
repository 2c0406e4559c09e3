#include "tracker/front_desk.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/injection/tracker/support.hpp"

using namespace tutti;
using namespace tutti::testing;

namespace {

struct Fixture : World {
  Ref<DirectoryRole> directory = probe<DirectoryRole>();
  Ref<ConsoleRole> console = probe<ConsoleRole>();
  Ref<PasswordHasherRole> hasher1 = probe<PasswordHasherRole>("hasher1");
  Ref<PasswordHasherRole> hasher2 = probe<PasswordHasherRole>("hasher2");
  Ref<FrontDeskRole> desk;
  Address door;

  explicit Fixture(const LimitConfig& limits = {3, 2}) {
    desk = spawn<FrontDeskRole>(
        "front_desk",
        std::make_unique<FrontDesk>(
            FrontDeskPlace{1, "127.0.0.1:5000", directory, console, {hasher1, hasher2}}, limits));
    door = host.link_to("127.0.0.1:5000");
  }
  Address greeted(std::uint8_t key, std::string_view peer = "10.0.0.9:40000") {
    const Address link = host.accept(door, peer, id_of<LinkKey>(key));
    inject(link, desk.address, Hello{1, 1, id_of<ClientKey>(key), "test"});
    expect<Welcome>(link);
    return link;
  }
  static Request request(std::uint64_t counter) {
    Request request;
    request.counter = {counter};
    request.what = ListGroups{};
    return request;
  }
  PasswordNeeded needed(std::uint64_t ticket) { return {{ticket}, "secret", false, {"verifier"}}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(front_desk)

BOOST_FIXTURE_TEST_CASE(a_port_in_use_is_told_to_whoever_runs_the_tracker, World) {
  host.refuse_endpoint("127.0.0.1:5000", "address in use");
  const auto console = probe<ConsoleRole>();
  spawn<FrontDeskRole>(
      "front_desk",
      std::make_unique<FrontDesk>(FrontDeskPlace{1, "127.0.0.1:5000", probe<DirectoryRole>(), console, {}},
                                  LimitConfig{}));
  BOOST_TEST(expect<Hopeless>(console).sentence == "cannot serve clients on 127.0.0.1:5000: address in use");
}

BOOST_FIXTURE_TEST_CASE(it_says_when_requests_are_answered, Fixture) {
  const Address early = host.accept(door, "10.0.0.9:1", id_of<LinkKey>(1));
  inject(early, desk.address, Hello{1, 1, id_of<ClientKey>(1), "test"});
  expect_exactly(early, Welcome{1, 1, {}, true});
  inject(directory.address, desk.address, ServiceChanged{true, id_of<StoreId>(5)});
  expect_exactly(console.address, Serving{"127.0.0.1:5000"});
  const Address late = host.accept(door, "10.0.0.9:2", id_of<LinkKey>(2));
  inject(late, desk.address, Hello{1, 1, id_of<ClientKey>(2), "test"});
  expect_exactly(late, Welcome{1, 1, id_of<StoreId>(5), false});
  // Said once: afterwards the store may be read anew.
  inject(directory.address, desk.address, ServiceChanged{false, id_of<StoreId>(5)});
  inject(directory.address, desk.address, ServiceChanged{true, id_of<StoreId>(5)});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(without_a_common_version_there_is_no_conversation, Fixture) {
  const Address link = host.accept(door, "10.0.0.9:1", id_of<LinkKey>(1));
  inject(link, desk.address,
         Hello{client_tracker_version + 1, client_tracker_version + 2, id_of<ClientKey>(1), "test"});
  BOOST_TEST(expect<Unwelcome>(link).version_max == client_tracker_version);
  inject(link, desk.address, request(1));
  BOOST_TEST(!host.is_open(link));
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(who_speaks_before_hello_is_closed, Fixture) {
  const Address link = host.accept(door);
  inject(link, desk.address, request(1));
  BOOST_TEST(!host.is_open(link));
  const Address another = host.accept(door);
  inject(another, desk.address, Present{});
  BOOST_TEST(!host.is_open(another));
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(who_says_hello_in_anothers_name_is_closed, Fixture) {
  const Address victim = greeted(7);
  const Address liar = host.accept(door, "10.0.0.8:1", id_of<LinkKey>(8));
  inject(liar, desk.address, Hello{1, 1, id_of<ClientKey>(7), "test"});
  BOOST_TEST(!host.is_open(liar));
  // What is meant for the victim goes to it alone.
  inject(directory.address, desk.address, Notify{id_of<ClientKey>(7), {}});
  expect<Notice>(victim);
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(the_key_is_told_at_the_port_of_clients, Fixture) {
  bool told = false;
  for (const InjectionHost::Link& link : host.links())
    told = told || (link.kind == LinkKind::tell_key && link.endpoint == "127.0.0.1:5000");
  BOOST_TEST(told);
}

BOOST_FIXTURE_TEST_CASE(a_request_is_asked_in_the_name_of_its_link, Fixture) {
  const Address link = greeted(7, "[fe80::1]:40000");
  inject(link, desk.address, request(12));
  const auto submit = expect<Submit>(directory);
  BOOST_TEST((submit.client == id_of<ClientKey>(7)));
  BOOST_TEST(submit.seen_host == "fe80::1");
  BOOST_TEST((submit.request == request(12)));
  Answer answer;
  answer.what = Groups{};
  inject(directory.address, desk.address, Settled{submit.ticket, answer});
  BOOST_TEST((expect<Answer>(link).counter == RequestCounter{12}));
  // An answer that comes twice is given once.
  inject(directory.address, desk.address, Settled{submit.ticket, answer});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(only_clients_that_know_directories_are_told_of_them, Fixture) {
  const Address old = greeted(7);
  const Address young = host.accept(door, "10.0.0.9:1", id_of<LinkKey>(8));
  inject(young, desk.address, Hello{1, 2, id_of<ClientKey>(8), "test"});
  BOOST_TEST(expect<Welcome>(young).version == 2);
  Answer listed;
  listed.what = Files{{FileRow{{"tree"}, {5}, 1, 1, {}, true}}, false};
  Answer found;
  FileFound file;
  file.metainfo.name = {"tree"};
  file.metainfo.manifest_size = {5};
  found.what = file;
  for (const Address link : {old, young}) {
    for (const Answer& answer : {listed, found}) {
      inject(link, desk.address, request(link.value * 10 + (answer.what.get<Files>() != nullptr ? 1 : 2)));
      inject(directory.address, desk.address, Settled{expect<Submit>(directory).ticket, answer});
    }
    BOOST_TEST(expect<Answer>(link).what.get<Files>()->files[0].tree == (link == young));
    const Answer last = expect<Answer>(link);
    if (link == young) {
      BOOST_TEST((last.what == found.what));
    } else {
      BOOST_TEST((last.what.get<Refused>()->code == Code::other));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_link_has_so_many_requests_under_way_and_no_more, Fixture) {
  const Address link = greeted(7);
  std::vector<Ticket> tickets;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    inject(link, desk.address, request(n));
    tickets.push_back(expect<Submit>(directory).ticket);
  }
  inject(link, desk.address, request(4));
  const auto refused = expect<Answer>(link);
  BOOST_TEST((refused.counter == RequestCounter{4}));
  BOOST_TEST(refused.what.get<Refused>() != nullptr);
  expect_silence();
  inject(directory.address, desk.address, Settled{tickets[1], {}});
  BOOST_TEST((expect<Answer>(link).counter == RequestCounter{2}));
  inject(link, desk.address, request(5));
  expect<Submit>(directory);
}

BOOST_AUTO_TEST_CASE(an_address_has_a_quarter_of_all_requests_under_way) {
  LimitConfig limits;
  limits.requests_per_link = 1;
  limits.requests_in_all = 8;
  Fixture fixture(limits);
  const auto ask = [&](std::uint8_t key, std::string_view peer) {
    const Address link = fixture.greeted(key, peer);
    fixture.inject(link, fixture.desk.address, Fixture::request(key));
    return link;
  };
  ask(1, "10.0.0.9:40001");
  const Ticket first = fixture.expect<Submit>(fixture.directory).ticket;
  fixture.host.link_down(ask(2, "10.0.0.9:40002"));
  fixture.expect<Submit>(fixture.directory);
  const Address third = ask(3, "10.0.0.9:40003");
  BOOST_TEST((fixture.expect<Answer>(third).what.get<Refused>()->code == Code::other));
  ask(4, "10.0.0.8:40000");
  fixture.expect<Submit>(fixture.directory);
  fixture.inject(fixture.directory.address, fixture.desk.address, Settled{first, {}});
  fixture.discard();
  fixture.inject(third, fixture.desk.address, Fixture::request(9));
  fixture.expect<Submit>(fixture.directory);
}

BOOST_AUTO_TEST_CASE(requests_of_links_that_are_gone_count_until_they_are_answered) {
  LimitConfig limits;
  limits.requests_in_all = 2;
  limits.request_kib_in_all = 64;
  Fixture fixture(limits);
  std::vector<Ticket> tickets;
  for (std::uint64_t n = 1; n <= 2; ++n) {
    const Address link = fixture.greeted(7);
    fixture.inject(link, fixture.desk.address, Fixture::request(n));
    tickets.push_back(fixture.expect<Submit>(fixture.directory).ticket);
    fixture.host.link_down(link);
  }
  const Address link = fixture.greeted(7);
  fixture.inject(link, fixture.desk.address, Fixture::request(3));
  BOOST_TEST((fixture.expect<Answer>(link).what.get<Refused>()->code == Code::other));
  for (const Ticket ticket : tickets)
    fixture.inject(fixture.directory.address, fixture.desk.address, Settled{ticket, {}});
  // Large ones count for what they take.
  Request large = Fixture::request(4);
  AddFile add;
  add.metainfo.name = {"large"};
  add.metainfo.piece_length = 512_KiB;
  add.metainfo.size = {1000 * 512 * 1024};
  add.metainfo.piece_sha1.run.resize(1000 * Sha1::size);
  add.metainfo.piece_sha256.run.resize(1000 * Sha256::size);
  add.group = {"lab"};
  large.what = add;
  fixture.inject(link, fixture.desk.address, large);
  fixture.expect<Submit>(fixture.directory);
  large.counter = {5};
  fixture.inject(link, fixture.desk.address, large);
  BOOST_TEST((fixture.expect<Answer>(link).what.get<Refused>()->code == Code::other));
}

BOOST_AUTO_TEST_CASE(one_address_makes_so_many_accounts_a_minute) {
  LimitConfig limits;
  limits.accounts_per_minute = 2;
  Fixture fixture(limits);
  const auto make = [&](Address link, std::uint64_t counter) {
    Request request = Fixture::request(counter);
    request.what = CreateUser{{"anna"}, "secret"};
    fixture.inject(link, fixture.desk.address, request);
    return fixture.find<Submit>(fixture.directory.address).has_value();
  };
  const Address one = fixture.greeted(1, "10.0.0.9:40000");
  const Address two = fixture.greeted(2, "10.0.0.9:40001");
  const Address other = fixture.greeted(3, "10.0.0.8:40000");
  BOOST_TEST(make(one, 1));
  BOOST_TEST(make(two, 1));
  BOOST_TEST(!make(one, 2));
  BOOST_TEST((fixture.expect<Answer>(one).what.get<Refused>()->code == Code::other));
  BOOST_TEST(make(other, 1));
  fixture.advance(std::chrono::minutes{1});
  BOOST_TEST(make(one, 3));
}

BOOST_AUTO_TEST_CASE(what_is_asked_too_quickly_waits_for_its_turn) {
  LimitConfig limits;
  limits.requests_per_second_per_client = 10;
  limits.requests_per_link = 200;
  Fixture fixture(limits);
  const Address link = fixture.greeted(7);
  for (std::uint64_t n = 1; n <= 100; ++n) {  // what has gathered
    fixture.inject(link, fixture.desk.address, Fixture::request(n));
    fixture.expect<Submit>(fixture.directory);
  }
  for (std::uint64_t n = 101; n <= 110; ++n) fixture.inject(link, fixture.desk.address, Fixture::request(n));
  fixture.expect_silence();
  // Somebody else is not concerned.
  const Address other = fixture.greeted(8);
  fixture.inject(other, fixture.desk.address, Fixture::request(1));
  fixture.expect<Submit>(fixture.directory);
  fixture.inject(link, fixture.desk.address, Fixture::request(111));
  const Answer refused = fixture.expect<Answer>(link);
  BOOST_TEST((refused.what.get<Refused>()->sentence ==
              "more is asked from here than this tracker answers: try again in 2 seconds"));
  fixture.advance(std::chrono::milliseconds(100));
  BOOST_TEST((fixture.expect<Submit>(fixture.directory).request.counter == RequestCounter{101}));
  fixture.expect_silence();
  fixture.advance(std::chrono::milliseconds(200));
  for (std::uint64_t n = 102; n <= 103; ++n)
    BOOST_TEST((fixture.expect<Submit>(fixture.directory).request.counter == RequestCounter{n}));
  // Who leaves takes what waits with him.
  fixture.host.link_down(link);
  fixture.advance(std::chrono::seconds(5));
  fixture.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(presence_is_not_passed_on_however_often_it_is_said, Fixture) {
  const Address link = greeted(7);
  for (std::uint64_t n = 1; n <= 200; ++n) inject(link, desk.address, Present{{}, n, {}, 7000});
  std::uint32_t passed = 0;
  while (find<PresenceSaid>(directory.address)) ++passed;
  BOOST_TEST(passed == RequestLimits::presences_burst);
}

BOOST_FIXTURE_TEST_CASE(an_answer_to_somebody_who_left_is_dropped, Fixture) {
  const Address link = greeted(7);
  inject(link, desk.address, request(1));
  const auto submit = expect<Submit>(directory);
  host.link_down(link);
  inject(directory.address, desk.address, Settled{submit.ticket, {}});
  inject(directory.address, desk.address, Notify{id_of<ClientKey>(7), {}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_notice_goes_to_every_link_of_its_client, Fixture) {
  const Address one = greeted(7);
  const Address two = greeted(7);
  const Address other = greeted(8);
  const Notice notice{NoticeKind::accepted, "lab", "anna", "you are in"};
  inject(directory.address, desk.address, Notify{id_of<ClientKey>(7), notice});
  expect_exactly(one, notice);
  expect_exactly(two, notice);
  expect_silence(other);
}

BOOST_FIXTURE_TEST_CASE(presence_is_passed_on_with_where_it_comes_from, Fixture) {
  const Address link = greeted(7);
  const Present present{id_of<SessionToken>(1), 3, "", 9000};
  inject(link, desk.address, present);
  expect_exactly(directory.address, PresenceSaid{id_of<ClientKey>(7), "10.0.0.9", present});
}

BOOST_FIXTURE_TEST_CASE(a_goodbye_is_passed_on, Fixture) {
  const Address link = greeted(7);
  const Leaving leaving{id_of<SessionToken>(1), 4};
  inject(link, desk.address, leaving);
  expect_exactly(directory.address, LeavingSaid{id_of<ClientKey>(7), leaving});
}

BOOST_FIXTURE_TEST_CASE(passwords_go_to_whoever_is_free_and_wait_within_bounds, Fixture) {
  for (std::uint64_t n = 1; n <= 4; ++n) inject(directory.address, desk.address, needed(n));
  expect_exactly(hasher1.address, CheckPassword{{1}, "secret", {"verifier"}});
  expect_exactly(hasher2.address, CheckPassword{{2}, "secret", {"verifier"}});
  expect_silence();
  inject(directory.address, desk.address, needed(5));  // two wait already
  BOOST_TEST(expect<PasswordKnown>(directory).sentence ==
             "the tracker has too many logins to check: try again in a moment");
  inject(hasher2.address, desk.address, PasswordChecked{{2}, 1});
  expect_exactly(directory.address, PasswordKnown{{2}, false, {}, 1});
  expect_exactly(hasher2.address, CheckPassword{{3}, "secret", {"verifier"}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(wrong_passwords_are_slowed_and_an_old_client_of_the_user_is_not, Fixture) {
  const Address guesser = greeted(66, "6.6.6.6:1");
  const Address owner = greeted(7, "6.6.6.6:2");  // behind the same address
  const auto tries = [&](Address link, bool familiar) {
    Request login = request(1);
    login.what = Login{{"anna"}, "guess", "", 7000};
    inject(link, desk.address, login);
    const Submit submit = expect<Submit>(directory);
    PasswordNeeded asked = needed(submit.ticket.value);
    asked.user = "anna";
    asked.familiar = familiar;
    inject(directory.address, desk.address, asked);
    const auto refused = host.find<PasswordKnown>(directory.address);
    if (!refused) {
      expect<CheckPassword>(hasher1);
      inject(hasher1.address, desk.address, PasswordChecked{submit.ticket, familiar ? 1U : 0U});
      expect<PasswordKnown>(directory);
    }
    inject(directory.address, desk.address, Settled{submit.ticket, {}});
    expect<Answer>(link);
    return refused ? refused->message.sentence : std::string{};
  };
  for (int i = 0; i < 10; ++i) BOOST_TEST(tries(guesser, false) == "");
  BOOST_TEST(tries(guesser, false).starts_with("too many wrong passwords were tried: try again in "));
  for (int i = 0; i < 100; ++i) BOOST_REQUIRE(tries(owner, true) == "");
  BOOST_TEST(tries(guesser, false) != "");
  host.advance(std::chrono::minutes{1});
  BOOST_TEST(tries(guesser, false) == "");
}

/// A class that logs in at one moment, from one address, has not guessed at anything.
BOOST_AUTO_TEST_CASE(passwords_that_wait_to_be_looked_at_do_not_count_as_wrong) {
  LimitConfig limits{3, 2};
  limits.wrong_passwords_per_address = 2;
  for (const std::uint32_t match : {1U, 0U}) {
    Fixture fixture(limits);
    for (std::uint64_t n = 1; n <= 3; ++n)
      fixture.inject(fixture.directory.address, fixture.desk.address, fixture.needed(n));
    fixture.expect<CheckPassword>(fixture.hasher1);
    fixture.expect<CheckPassword>(fixture.hasher2);
    fixture.expect_silence();
    fixture.inject(fixture.hasher1.address, fixture.desk.address, PasswordChecked{{1}, match});
    fixture.expect_exactly(fixture.directory.address, PasswordKnown{{1}, false, {}, match});
    if (match == 1) {
      fixture.expect_exactly(fixture.hasher1.address, CheckPassword{{3}, "secret", {"verifier"}});
    } else {
      BOOST_TEST(fixture.expect<PasswordKnown>(fixture.directory)
                     .sentence.starts_with("too many wrong passwords were tried"));
    }
    fixture.expect_silence();
  }
}

BOOST_FIXTURE_TEST_CASE(a_new_password_is_hashed, Fixture) {
  inject(directory.address, desk.address, PasswordNeeded{{1}, "secret", true, {}});
  expect_exactly(hasher1.address, HashPassword{{1}, "secret"});
  inject(hasher1.address, desk.address, PasswordHashed{{1}, "verifier"});
  expect_exactly(directory.address, PasswordKnown{{1}, false, "verifier", 0});
  inject(directory.address, desk.address, PasswordNeeded{{2}, "secret", true, {}});
  expect<HashPassword>(hasher1);
  inject(hasher1.address, desk.address, PasswordHashed{{2}, ""});  // no memory
  expect_exactly(directory.address, PasswordKnown{{2}, false, "", 0});
}

BOOST_FIXTURE_TEST_CASE(a_password_is_replaced_once_the_old_one_fits, Fixture) {
  PasswordNeeded change = needed(1);
  change.new_password = "better";
  inject(directory.address, desk.address, change);
  expect_exactly(hasher1.address, CheckPassword{{1}, "secret", {"verifier"}});
  inject(hasher1.address, desk.address, PasswordChecked{{1}, 1});
  expect_exactly(hasher1.address, HashPassword{{1}, "better"});
  expect_silence();
  inject(hasher1.address, desk.address, PasswordHashed{{1}, "new verifier"});
  expect_exactly(directory.address, PasswordKnown{{1}, false, "new verifier", 1});
  // The wrong one costs one check and makes nothing.
  change.ticket = {2};
  inject(directory.address, desk.address, change);
  expect_exactly(hasher1.address, CheckPassword{{2}, "secret", {"verifier"}});
  inject(hasher1.address, desk.address, PasswordChecked{{2}, 0});
  expect_exactly(directory.address, PasswordKnown{{2}, false, {}, 0});
  expect_silence();
}

BOOST_AUTO_TEST_SUITE_END()
