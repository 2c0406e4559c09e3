#include <boost/test/unit_test.hpp>

#include "peer/tracker_link.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

StoreId store_of(std::uint8_t byte) {
  StoreId id;
  id.bytes.fill(byte);
  return id;
}

/// A tracker_link with `trackers` trackers on ports 5000, 5010, …; nothing is up yet.
struct Desk {
  explicit Desk(unsigned trackers, bool met = true) {
    TrackerLinkOptions options;
    for (unsigned i = 0; i < trackers; ++i)
      options.trackers.push_back({i + 1, "127.0.0.1", static_cast<std::uint16_t>(5000 + 10 * i), {}});
    for (TrackerEntry& tracker : options.trackers)
      if (met) tracker.key = key_of(tracker.number);
    options.client = client_key(9);
    options.software = "test";
    link = host.spawn<TrackerLinkRole>(
        "tracker_link", std::make_unique<TrackerLink>(
                            options, storage, TrackerLink::Listeners{shell, librarian, scheduler, uploader}));
    const auto reserve = host.expect<ReserveCounters>(storage);
    host.inject(storage.address, link.address, CountersReserved{{100}, reserve->count, Code::other, {}});
  }

  static LinkKey key_of(std::uint32_t number) { return link_key(static_cast<std::uint8_t>(0xe0 + number)); }
  static std::string endpoint_of(std::uint32_t number) {
    return "127.0.0.1:" + std::to_string(4990 + 10 * number);
  }

  std::vector<Address> open_links() const {
    std::vector<Address> result;
    for (const auto& each : host.links())
      if (each.kind == LinkKind::connect) result.push_back(each.address);
    return result;
  }
  std::uint32_t number_of(Address tracker) const {
    for (const auto& each : host.links())
      if (each.address == tracker)
        return static_cast<std::uint32_t>((std::stoul(each.endpoint.substr(10)) - 5000) / 10 + 1);
    return 0;
  }
  void greet(Address tracker) {
    host.link_up(tracker);
    const auto hello = host.expect<Hello>(tracker);
    BOOST_TEST((hello->client == client_key(9)));
    Welcome welcome;
    welcome.tracker_number = number_of(tracker);
    host.inject(tracker, link.address, welcome);
  }
  void ask(std::uint64_t command, ClientRequest what) {
    host.inject(shell.address, link.address, Ask{CommandId{command}, std::move(what)});
  }
  void answer(Address tracker, RequestCounter counter, TrackerAnswer what, VersionVector at = {}) {
    Answer reply;
    reply.counter = counter;
    reply.at = std::move(at);
    reply.what = std::move(what);
    host.inject(tracker, link.address, reply);
  }
  void login(Address tracker) {
    ask(1, Login{UserName{"ann"}, "pw", "", 0});
    const auto request = host.expect<Request>(tracker);
    LoggedIn logged_in;
    logged_in.uid.bytes.fill(7);
    logged_in.user = UserName{"ann"};
    logged_in.token.bytes.fill(8);
    answer(tracker, request->counter, logged_in);
    host.expect<Present>(tracker);
    host.discard();
  }
  Code refusal() {
    const auto told = host.expect<Told>(shell);
    const auto* refused = told->what.get<Refused>();
    BOOST_TEST_REQUIRE((refused != nullptr));
    BOOST_TEST(!refused->sentence.empty());
    return refused->code;
  }

  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<LibrarianRole> librarian = host.probe<LibrarianRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<UploaderRole> uploader = host.probe<UploaderRole>();
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<TrackerLinkRole> link;
};

BOOST_AUTO_TEST_SUITE(tracker_link)

BOOST_AUTO_TEST_CASE(says_which_tracker_answers) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  const auto changed = desk.host.expect<TrackerChanged>(desk.shell);
  BOOST_TEST(changed->tracker_number == 1u);
  BOOST_TEST(changed->endpoint == "127.0.0.1:5000");
  desk.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(who_asks_before_a_tracker_can_have_answered_is_told_when_one_has) {
  Desk desk(1);
  desk.host.inject(desk.shell.address, desk.link.address, AskLink{CommandId{3}});
  desk.host.expect_silence();
  desk.greet(desk.open_links().front());
  desk.host.expect<TrackerChanged>(desk.shell);
  const auto status = desk.host.expect<LinkStatus>(desk.shell);
  BOOST_TEST(status->command.value == 3u);
  BOOST_TEST(status->tracker_number == 1u);
}

BOOST_AUTO_TEST_CASE(who_asks_before_a_tracker_can_have_answered_is_told_that_none_has) {
  Desk desk(1);
  desk.host.inject(desk.shell.address, desk.link.address, AskLink{CommandId{3}});
  desk.host.advance(600ms);
  desk.host.expect<TrackerChanged>(desk.shell);
  BOOST_TEST(desk.host.expect<LinkStatus>(desk.shell)->tracker_number == 0u);
}

BOOST_AUTO_TEST_CASE(started_before_any_tracker_it_waits_and_says_so) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.host.advance(600ms);
  const auto changed = desk.host.expect<TrackerChanged>(desk.shell);
  BOOST_TEST(changed->tracker_number == 0u);
  desk.host.link_down(tracker, LinkLoss::unreachable);
  desk.host.expect_silence();  // said once

  desk.ask(1, AskStatus{});
  desk.host.advance(4s);
  desk.host.expect_silence();
  desk.greet(tracker);
  desk.host.expect<TrackerChanged>(desk.shell);
  desk.host.expect<Request>(tracker);  // it had only waited
}

BOOST_AUTO_TEST_CASE(without_any_tracker_a_request_fails_in_time) {
  Desk desk(2);
  desk.ask(1, CreateUser{UserName{"ann"}, "pw"});
  desk.host.advance(4900ms);
  desk.host.expect<TrackerChanged>(desk.shell);
  desk.host.expect_silence(desk.shell.address);
  desk.host.advance(200ms);
  BOOST_TEST((desk.refusal() == Code::tracker_unreachable));
}

BOOST_AUTO_TEST_CASE(checks_login_and_names_itself) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  desk.ask(1, ListGroups{});
  BOOST_TEST((desk.refusal() == Code::not_logged_in));
  desk.ask(2, CreateGroup{GroupName{"../x"}});
  BOOST_TEST((desk.refusal() == Code::not_logged_in));  // login comes before names
  desk.ask(3, CreateUser{UserName{"-x"}, "pw"});
  BOOST_TEST((desk.refusal() == Code::invalid_name));
  desk.ask(4, CreateUser{UserName{"x"}, ""});
  BOOST_TEST((desk.refusal() == Code::usage));
  desk.host.expect_silence();

  desk.login(tracker);
  desk.ask(5, CreateGroup{GroupName{"../x"}});
  BOOST_TEST((desk.refusal() == Code::invalid_name));
  desk.ask(6, Login{UserName{"ann"}, "pw", "", 0});
  BOOST_TEST((desk.refusal() == Code::already_logged_in));
  desk.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_login_carries_where_we_serve_and_is_told_to_all) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  desk.host.inject(desk.link.address, desk.link.address, NowServing{"", 7001});
  desk.ask(1, Login{UserName{"ann"}, "pw", "", 0});
  const auto request = desk.host.expect<Request>(tracker);
  BOOST_TEST_REQUIRE((request->what.get<Login>() != nullptr));
  BOOST_TEST(request->what.get<Login>()->port == 7001);
  LoggedIn logged_in;
  logged_in.uid.bytes.fill(7);
  logged_in.user = UserName{"ann"};
  logged_in.token.bytes.fill(8);
  desk.answer(tracker, request->counter, logged_in);
  BOOST_TEST(desk.host.expect<SessionChanged>(desk.shell)->user == "ann");
  desk.host.expect<Told>(desk.shell);
  desk.host.expect<SessionChanged>(desk.librarian);
  desk.host.expect<SessionChanged>(desk.scheduler);
  const auto present = desk.host.expect<Present>(tracker);
  BOOST_TEST(present->port == 7001);
  desk.host.expect_silence();
  desk.host.advance(5s);
  BOOST_TEST(desk.host.expect<Present>(tracker)->count == present->count + 1);
}

BOOST_AUTO_TEST_CASE(a_dead_tracker_costs_nothing_but_a_line) {
  Desk desk(2);
  const auto links = desk.open_links();
  desk.greet(links[0]);
  desk.greet(links[1]);
  desk.host.discard();
  desk.login(links[0]);
  desk.ask(2, ListGroups{});
  const auto request = desk.host.expect<Request>(links[0]);
  desk.host.link_down(links[0]);
  const auto changed = desk.host.expect<TrackerChanged>(desk.shell);
  BOOST_TEST(changed->tracker_number == desk.number_of(links[1]));
  desk.host.expect<Present>(links[1]);
  const auto again = desk.host.expect<Request>(links[1]);
  BOOST_TEST((again->counter == request->counter));
  BOOST_TEST((again->token == request->token));
  desk.answer(links[1], again->counter, Groups{});
  BOOST_TEST((desk.host.expect<Told>(desk.shell)->what.get<Groups>() != nullptr));
  desk.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_tracker_that_is_there_and_does_not_answer_is_left_after_its_patience) {
  Desk desk(2);
  const auto links = desk.open_links();
  desk.greet(links[0]);
  desk.greet(links[1]);
  desk.host.discard();
  desk.ask(1, AskStatus{});
  const auto request = desk.host.expect<Request>(links[0]);
  desk.host.advance(1400ms);
  desk.host.expect_silence();
  desk.host.advance(200ms);
  desk.host.expect<TrackerChanged>(desk.shell);
  BOOST_TEST((desk.host.expect<Request>(links[1])->counter == request->counter));
  desk.answer(links[1], request->counter, TrackerStatus{});
  desk.host.expect<Told>(desk.shell);
  desk.answer(links[0], request->counter, TrackerStatus{});  // the slow one wakes up
  desk.host.expect_silence();
}

/// Two trackers that have greeted long ago, so that they are probed as soon as something is asked.
struct Watched : Desk {
  explicit Watched(unsigned trackers = 2) : Desk(trackers), links(open_links()) {
    greet(links[0]);
    greet(links[1]);
    host.advance(10s);
    host.discard();
  }
  /// Each link answers probes after a delay of its own, for so long. Returns how often another tracker was chosen.
  template <class DelayOf>
  int pass(Duration time, DelayOf delay_of) {
    std::map<Address, Instant> answers_at;
    int moves = 0;
    for (const Instant end = host.time() + time; host.time() < end; host.advance(5ms)) {
      for (const auto& each : host.links()) {
        if (each.probes == 0) continue;
        const auto [at, fresh] = answers_at.try_emplace(each.address, Instant{});
        if (fresh) at->second = host.time() + delay_of(each.address);
        if (host.time() < at->second) continue;
        answers_at.erase(at);
        host.echo(each.address);
      }
      while (host.find<TrackerChanged>(shell.address)) ++moves;
    }
    return moves;
  }
  std::vector<Address> links;
};

BOOST_AUTO_TEST_CASE(a_tracker_that_hangs_is_left_within_a_tenth_of_a_second) {
  Watched desk;
  desk.host.hold_echoes(desk.links[0]);
  desk.ask(1, AskStatus{});
  const auto request = desk.host.expect<Request>(desk.links[0]);
  desk.host.advance(99ms);
  desk.host.expect_silence();
  desk.host.advance(1ms);
  BOOST_TEST(desk.host.expect<TrackerChanged>(desk.shell)->tracker_number == desk.number_of(desk.links[1]));
  BOOST_TEST((desk.host.expect<Request>(desk.links[1])->counter == request->counter));
  desk.answer(desk.links[1], request->counter, TrackerStatus{});
  desk.host.expect<Told>(desk.shell);
  desk.host.echo(desk.links[0]);
  desk.answer(desk.links[0], request->counter, TrackerStatus{});  // it goes on
  desk.host.advance(10s);
  desk.host.expect_silence();  // nobody goes back, and without a question nobody is probed
}

BOOST_AUTO_TEST_CASE(a_tracker_that_hangs_in_the_middle_of_a_long_request_is_left_as_soon) {
  Watched desk;
  desk.ask(1, CreateUser{UserName{"ann"}, "pw"});
  desk.host.expect<Request>(desk.links[0]);
  desk.host.advance(1s);  // it hashes, and its host answers
  desk.host.expect_silence();
  desk.host.hold_echoes(desk.links[0]);
  desk.host.advance(150ms);
  desk.host.expect<TrackerChanged>(desk.shell);
  desk.host.expect<Request>(desk.links[1]);
}

BOOST_AUTO_TEST_CASE(a_line_that_stands_still_moves_nobody) {
  Watched desk;
  desk.host.hold_echoes(desk.links[0]);
  desk.host.hold_echoes(desk.links[1]);
  desk.ask(1, AskStatus{});
  desk.host.expect<Request>(desk.links[0]);
  desk.host.advance(1s);
  desk.host.expect_silence();
  desk.host.echo(desk.links[1]);  // so it was the other one
  desk.host.expect<TrackerChanged>(desk.shell);
  desk.host.expect<Request>(desk.links[1]);
}

BOOST_AUTO_TEST_CASE(a_pause_of_this_process_moves_nobody) {
  Watched desk;
  desk.host.hold_echoes(desk.links[0]);
  desk.ask(1, AskStatus{});
  desk.host.expect<Request>(desk.links[0]);
  desk.host.advance(99ms);
  // A look that comes much later than it was due.
  desk.host.inject(desk.link.address, desk.link.address,
                   WatchDue{(desk.host.time() - 60ms).time_since_epoch()});
  desk.host.advance(99ms);
  desk.host.expect_silence();
  desk.host.advance(1ms);
  desk.host.expect<TrackerChanged>(desk.shell);
}

BOOST_AUTO_TEST_CASE(a_far_tracker_is_no_mute_one) {
  Watched desk;
  desk.host.hold_echoes(desk.links[0]);
  desk.host.hold_echoes(desk.links[1]);
  desk.ask(1, AskStatus{});
  // The first time one may look mute while the other has answered; from then on it is known how far it is.
  const auto far = [&](Address link) { return link == desk.links[0] ? Duration(250ms) : Duration(240ms); };
  BOOST_TEST(desk.pass(10s, far) <= 1);
}

BOOST_AUTO_TEST_CASE(a_shaken_line_does_not_send_clients_to_and_fro) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Watched desk;
    Random random(seed);
    desk.host.hold_echoes(desk.links[0]);
    desk.host.hold_echoes(desk.links[1]);
    // Anything up to 0.4 s, for a minute in which something is always asked.
    int moves = 0;
    for (int second = 0; second < 60; ++second) {
      desk.ask(1, AskStatus{});
      moves += desk.pass(1s, [&](Address) { return std::chrono::milliseconds(random.below(400)); });
      for (const Address link : desk.links)
        while (const auto request = desk.host.find<Request>(link))
          desk.answer(link, request->message.counter, TrackerStatus{});
      desk.host.discard();
    }
    BOOST_TEST(moves <= 6, "seed " << seed << ": " << moves << " moves");
  }
}

BOOST_AUTO_TEST_CASE(a_bulky_request_on_a_slow_line_is_no_silence) {
  Watched desk;
  desk.login(desk.links[0]);
  desk.host.advance(10s);
  desk.host.discard();
  desk.host.hold_echoes(desk.links[0]);
  AddFile add;
  add.group = {"lab"};
  add.metainfo.name = {"big"};
  add.metainfo.piece_length = Metainfo::piece_length_min;
  add.metainfo.size = {20'000 * add.metainfo.piece_length.value};
  add.metainfo.piece_sha1.run = Bytes(20'000 * Sha1::size, 1);
  add.metainfo.piece_sha256.run = Bytes(20'000 * Sha256::size, 1);
  desk.ask(2, add);
  desk.host.expect<Request>(desk.links[0]);
  desk.host.advance(1000ms);  // 1 MB
  desk.host.expect_silence();
  desk.host.advance(200ms);
  desk.host.expect<TrackerChanged>(desk.shell);
}

BOOST_AUTO_TEST_CASE(nothing_is_said_twice_over_one_conversation) {
  Watched desk;
  desk.host.hold_echoes(desk.links[0]);
  desk.ask(1, AskStatus{});
  const auto request = desk.host.expect<Request>(desk.links[0]);
  desk.host.advance(100ms);
  desk.host.expect<Request>(desk.links[1]);
  desk.host.discard();
  desk.host.hold_echoes(desk.links[1]);
  desk.host.hold_echoes(desk.links[0], false);
  desk.host.echo(desk.links[0]);
  desk.host.advance(1s);
  desk.host.expect<TrackerChanged>(desk.shell);  // back at the first one, which has the request still
  desk.host.expect_silence();
  desk.answer(desk.links[0], request->counter, TrackerStatus{});
  desk.host.expect<Told>(desk.shell);
}

BOOST_AUTO_TEST_CASE(the_place_of_one_that_stays_mute_goes_to_a_third) {
  Watched desk(3);
  desk.host.hold_echoes(desk.links[0]);
  desk.ask(1, AskStatus{});
  desk.host.advance(100ms);
  desk.host.expect<Request>(desk.links[0]);
  const auto request = desk.host.expect<Request>(desk.links[1]);
  desk.answer(desk.links[1], request->counter, TrackerStatus{});
  desk.host.advance(1400ms);
  BOOST_TEST(desk.host.is_open(desk.links[0]));
  desk.host.advance(200ms);
  BOOST_TEST(!desk.host.is_open(desk.links[0]));
  BOOST_TEST(desk.open_links().size() == 2u);
}

BOOST_AUTO_TEST_CASE(whoever_ends_in_an_orderly_way_says_so_if_somebody_is_logged_in) {
  for (const bool logged_in : {true, false}) {
    Desk desk(1);
    const Address tracker = desk.open_links().front();
    desk.greet(tracker);
    desk.host.discard();
    std::uint64_t count = 0;
    if (logged_in) {
      desk.login(tracker);
      desk.host.advance(5s);
      count = desk.host.expect<Present>(tracker)->count;
    }
    BOOST_TEST(desk.host.stop(desk.link.address));
    if (logged_in) {
      const auto leaving = desk.host.expect<Leaving>(tracker);
      BOOST_TEST(leaving->count == count + 1);
      BOOST_TEST(!leaving->token.is_zero());
    }
    desk.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(a_slow_tracker_is_waited_for_if_it_is_the_only_one) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  desk.ask(1, AskStatus{});
  desk.host.expect<Request>(tracker);
  desk.host.advance(14s);
  desk.host.expect_silence();
  desk.host.advance(2s);
  BOOST_TEST((desk.refusal() == Code::tracker_unreachable));
}

BOOST_AUTO_TEST_CASE(the_floor_is_all_that_was_ever_seen) {
  Desk desk(2);
  const auto links = desk.open_links();
  desk.greet(links[0]);
  desk.greet(links[1]);
  desk.host.discard();
  const VersionVector one{{{store_of(1), {5}}, {store_of(2), {9}}}};
  const VersionVector other{{{store_of(1), {7}}, {store_of(3), {1}}}};
  for (const VersionVector& at : {one, other}) {
    desk.ask(1, AskStatus{});
    desk.answer(links[0], desk.host.expect<Request>(links[0])->counter, TrackerStatus{}, at);
    desk.host.discard();
  }
  desk.host.link_down(links[0]);
  desk.ask(2, AskStatus{});
  const auto request = desk.host.expect<Request>(links[1]);
  BOOST_TEST((request->floor == VersionVector{{{store_of(1), {7}}, {store_of(2), {9}}, {store_of(3), {1}}}}));
}

BOOST_AUTO_TEST_CASE(who_knows_less_than_was_seen_cannot_say_that_something_is_not_there) {
  Desk desk(2);
  const auto links = desk.open_links();
  desk.greet(links[0]);
  desk.greet(links[1]);
  desk.host.discard();
  const VersionVector seen{{{store_of(1), {5}}, {store_of(2), {9}}}};
  desk.ask(1, AskStatus{});
  desk.answer(links[0], desk.host.expect<Request>(links[0])->counter, TrackerStatus{}, seen);
  desk.host.discard();
  desk.host.link_down(links[0]);
  const auto refusal_at = [&](const VersionVector& at, Code code) {
    desk.host.discard();
    desk.ask(2, AskStatus{});
    desk.answer(links[1], desk.host.expect<Request>(links[1])->counter, Refused{code, "no"}, at);
    return desk.refusal();
  };
  const VersionVector old{{{store_of(1), {5}}, {store_of(2), {8}}}};
  for (const Code code : {Code::no_such_group, Code::not_a_member, Code::no_such_file, Code::not_sharing}) {
    BOOST_TEST((refusal_at(old, code) == Code::tracker_unreachable));
    BOOST_TEST((refusal_at(seen, code) == code));
  }
  BOOST_TEST((refusal_at(old, Code::group_exists) == Code::group_exists));
}

BOOST_AUTO_TEST_CASE(request_ids_are_never_used_twice_and_leased_anew) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  std::set<RequestCounter> seen;
  for (std::uint64_t i = 0; i < 200; ++i) {
    desk.ask(i, AskStatus{});
    if (auto reserve = desk.host.find<ReserveCounters>(desk.storage.address))
      desk.host.inject(desk.storage.address, desk.link.address,
                       CountersReserved{{1000 * (i + 1)}, reserve->message.count, Code::other, {}});
    const auto request = desk.host.expect<Request>(tracker);
    BOOST_TEST(seen.insert(request->counter).second);
    desk.answer(tracker, request->counter, TrackerStatus{});
  }
}

BOOST_AUTO_TEST_CASE(without_request_ids_a_request_is_refused_and_not_asked_for_over_and_over) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  for (std::uint64_t i = 0; i < 100; ++i) {
    desk.ask(i, AskStatus{});
    if (!desk.host.find<ReserveCounters>(desk.storage.address)) continue;
    // What it still has is used; then storage is asked once for each request.
    desk.host.inject(desk.storage.address, desk.link.address,
                     CountersReserved{{}, 0, Code::disk_full, "the disk is full"});
    desk.host.expect_silence(desk.storage.address);
  }
  BOOST_TEST((desk.refusal() == Code::disk_full));
}

BOOST_AUTO_TEST_CASE(a_session_ends_by_logout_by_notice_and_by_an_unknown_token) {
  for (int way = 0; way < 3; ++way) {
    Desk desk(1);
    const Address tracker = desk.open_links().front();
    desk.greet(tracker);
    desk.host.discard();
    desk.login(tracker);
    if (way == 0) {
      desk.ask(2, Logout{});
      desk.answer(tracker, desk.host.expect<Request>(tracker)->counter, Done{});
      desk.host.expect<Told>(desk.shell);
    } else if (way == 1) {
      Notice notice;
      notice.kind = NoticeKind::session_ended;
      desk.host.inject(tracker, desk.link.address, notice);
      desk.answer(tracker, desk.host.expect<Request>(tracker)->counter, Refused{Code::not_logged_in, "who?"});
      desk.host.expect<Notice>(desk.shell);
    } else {
      desk.ask(2, ListGroups{});
      desk.answer(tracker, desk.host.expect<Request>(tracker)->counter, Refused{Code::not_logged_in, "who?"});
      desk.host.expect<Told>(desk.shell);
    }
    BOOST_TEST(desk.host.expect<SessionChanged>(desk.shell)->user.empty());
    BOOST_TEST(desk.host.expect<SessionChanged>(desk.librarian)->uid.is_zero());
    BOOST_TEST(desk.host.expect<SessionChanged>(desk.scheduler)->uid.is_zero());
    desk.host.advance(20s);
    desk.host.expect_silence();  // nobody is present any more
  }
}

BOOST_AUTO_TEST_CASE(a_tracker_that_has_not_heard_of_the_login_does_not_end_the_session) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  desk.login(tracker);
  Notice notice;
  notice.kind = NoticeKind::session_ended;
  desk.host.inject(tracker, desk.link.address, notice);
  desk.host.inject(tracker, desk.link.address, notice);
  const auto request = desk.host.expect<Request>(tracker);
  BOOST_TEST(!request->token.is_zero());
  desk.answer(tracker, request->counter, Refused{Code::no_such_group, "no such group"});
  desk.host.expect_silence();
  desk.ask(2, ListGroups{});
  desk.host.expect<Request>(tracker);
}

BOOST_AUTO_TEST_CASE(what_was_asked_in_a_session_ends_with_it) {
  Desk desk(2);
  const auto links = desk.open_links();
  desk.greet(links[0]);
  desk.greet(links[1]);
  desk.host.discard();
  desk.login(links[0]);
  desk.ask(2, StartShare{});
  const auto old = desk.host.expect<Request>(links[0]);
  desk.ask(3, AskStatus{});
  desk.host.expect<Request>(links[0]);
  desk.ask(4, Logout{});
  desk.answer(links[0], desk.host.expect<Request>(links[0])->counter, Done{});
  BOOST_TEST(desk.host.expect<Told>(desk.shell)->command.value == 4u);
  desk.host.expect<SessionChanged>(desk.shell);
  const auto dropped = desk.host.expect<Told>(desk.shell);
  BOOST_TEST(dropped->command.value == 2u);
  BOOST_TEST((dropped->what.get<Refused>()->code == Code::not_logged_in));
  desk.host.discard();

  desk.login(links[0]);
  desk.answer(links[0], old->counter, Refused{Code::not_logged_in, "of the session before"});
  desk.host.link_down(links[0]);
  desk.host.discard(desk.shell.address);
  desk.host.expect<Present>(links[1]);
  BOOST_TEST((desk.host.expect<Request>(links[1])->what.get<AskStatus>() != nullptr));
  desk.host.expect_silence();  // the share is not said again, and nobody was logged out
}

/// A tracker that we left has closed the session already, and only its answer was lost.
BOOST_AUTO_TEST_CASE(a_logout_whose_session_has_ended_already_is_done) {
  for (const bool by_notice : {true, false}) {
    BOOST_TEST_CONTEXT((by_notice ? "told by a notice" : "told by the answer")) {
      Desk desk(2);
      const auto links = desk.open_links();
      desk.greet(links[0]);
      desk.greet(links[1]);
      desk.host.discard();
      desk.login(links[0]);
      desk.ask(2, Logout{});
      desk.host.expect<Request>(links[0]);
      desk.host.link_down(links[0]);
      desk.host.discard(desk.shell.address);
      desk.host.expect<Present>(links[1]);
      const auto logout = desk.host.expect<Request>(links[1]);
      const Refused closed{Code::not_logged_in, "who?"};
      if (by_notice) {
        Notice notice;
        notice.kind = NoticeKind::session_ended;
        desk.host.inject(links[1], desk.link.address, notice);
        desk.answer(links[1], desk.host.expect<Request>(links[1])->counter, closed);
        desk.host.expect<Notice>(desk.shell);
        BOOST_TEST(desk.host.expect<SessionChanged>(desk.shell)->user.empty());
      } else {
        desk.answer(links[1], logout->counter, closed);
      }
      const auto told = desk.host.expect<Told>(desk.shell);
      BOOST_TEST(told->command.value == 2u);
      BOOST_TEST((told->what.get<Done>() != nullptr));
      if (!by_notice) BOOST_TEST(desk.host.expect<SessionChanged>(desk.shell)->user.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_both_trackers_notice_is_told_once) {
  Desk desk(2);
  const auto links = desk.open_links();
  desk.greet(links[0]);
  desk.greet(links[1]);
  desk.login(links[0]);
  Notice notice;
  notice.kind = NoticeKind::join_requested;
  desk.host.inject(links[0], desk.link.address, notice);
  desk.host.inject(links[1], desk.link.address, notice);
  desk.host.expect<Notice>(desk.shell);
  desk.host.expect_silence(desk.shell.address);
}

BOOST_AUTO_TEST_CASE(logging_out_works_without_a_tracker) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  desk.login(tracker);
  desk.host.link_down(tracker);
  desk.host.discard();
  desk.ask(2, Logout{});
  desk.host.advance(5s);
  desk.host.expect<SessionChanged>(desk.shell);
  const auto told = desk.host.expect<Told>(desk.shell);
  BOOST_TEST((told->what.get<Done>() != nullptr));
  BOOST_TEST(told->provisional);
}

BOOST_AUTO_TEST_CASE(leaving_a_group_is_told_to_those_who_serve_and_fetch) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.greet(tracker);
  desk.host.discard();
  desk.login(tracker);
  desk.ask(2, LeaveGroup{GroupName{"lab"}});
  desk.answer(tracker, desk.host.expect<Request>(tracker)->counter, Done{});
  BOOST_TEST(desk.host.expect<GroupLeft>(desk.librarian)->group.text == "lab");
  BOOST_TEST(desk.host.expect<GroupLeft>(desk.scheduler)->group.text == "lab");
}

BOOST_AUTO_TEST_CASE(a_forgotten_command_has_no_outcome) {
  Desk desk(1);
  const Address tracker = desk.open_links().front();
  desk.ask(1, AskStatus{});
  desk.host.inject(desk.shell.address, desk.link.address, ForgetCommand{CommandId{1}});
  desk.host.advance(10s);
  desk.host.expect<TrackerChanged>(desk.shell);
  desk.host.expect_silence(desk.shell.address);
  desk.greet(tracker);
  desk.host.discard();
  desk.ask(2, AskStatus{});
  const auto request = desk.host.expect<Request>(tracker);
  desk.host.inject(desk.shell.address, desk.link.address, ForgetCommand{CommandId{2}});
  desk.answer(tracker, request->counter, TrackerStatus{});
  desk.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(of_many_trackers_two_are_linked_and_the_dead_give_way) {
  Desk desk(5);
  BOOST_TEST(desk.open_links().size() == 2u);
  std::set<std::uint32_t> tried;
  for (int i = 0; i < 10; ++i) {
    for (const Address each : desk.open_links()) {
      tried.insert(desk.number_of(each));
      desk.host.link_down(each, LinkLoss::unreachable);
    }
    desk.host.advance(200ms);
  }
  BOOST_TEST(tried.size() == 5u);
  BOOST_TEST(desk.open_links().size() == 2u);
}

BOOST_AUTO_TEST_CASE(trackers_that_cannot_be_reached_give_way_without_a_word_of_theirs) {
  Desk desk(5);
  std::set<std::uint32_t> tried;
  for (int i = 0; i < 10; ++i) {
    for (const Address each : desk.open_links()) tried.insert(desk.number_of(each));
    desk.host.advance(500ms);
  }
  BOOST_TEST(tried.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_tracker_of_another_version_is_left_for_another) {
  Desk desk(3);
  const auto before = desk.open_links();
  desk.host.link_up(before[0]);
  desk.host.expect<Hello>(before[0]);
  desk.host.inject(before[0], desk.link.address, Unwelcome{2, 3, "too old"});
  desk.host.advance(1600ms);
  BOOST_TEST(!desk.host.is_open(before[0]));
}

BOOST_AUTO_TEST_CASE(a_tracker_that_does_not_greet_is_left_for_another) {
  Desk desk(3);
  const auto before = desk.open_links();
  desk.host.link_up(before[0]);
  desk.host.expect<Hello>(before[0]);
  desk.host.advance(1600ms);
  BOOST_TEST(!desk.host.is_open(before[0]));
  BOOST_TEST(desk.open_links().size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_only_a_tracker_may_say_is_not_taken_from_an_actor) {
  Desk desk(1);
  desk.greet(desk.open_links().front());
  desk.host.discard();
  desk.ask(1, AskStatus{});
  const auto request = desk.host.expect<Request>(desk.open_links().front());
  Answer forged;
  forged.counter = request->counter;
  forged.what = TrackerStatus{};
  desk.host.inject(desk.shell.address, desk.link.address, forged);
  desk.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_tracker_with_a_known_key_is_asked_for_nothing) {
  Desk desk(2);
  for (const std::uint32_t number : {1U, 2U}) {
    BOOST_TEST(!desk.host.question_to(Desk::endpoint_of(number)));
    BOOST_TEST((desk.host.link(desk.host.link_to(Desk::endpoint_of(number))).key == Desk::key_of(number)));
  }
}

BOOST_AUTO_TEST_CASE(the_key_of_an_unknown_tracker_is_asked_for_remembered_and_said) {
  Desk desk(1, false);
  BOOST_TEST(desk.open_links().empty());
  desk.host.tell_key(desk.host.question_to(Desk::endpoint_of(1)).value(), Desk::key_of(1));
  const Address tracker = desk.open_links().front();
  BOOST_TEST((desk.host.link(tracker).key == Desk::key_of(1)));
  // Until it is proven it is somebody's word.
  desk.host.expect_silence(desk.storage.address);
  desk.host.expect_silence(desk.shell.address);
  desk.greet(tracker);
  desk.host.expect_exactly(desk.storage.address, RememberTracker{Desk::endpoint_of(1), Desk::key_of(1)});
  const auto seen = desk.host.expect<TrackerKeySeen>(desk.shell);
  BOOST_TEST(seen->trusted);
  BOOST_TEST(seen->key == to_z85(Desk::key_of(1).view()));
  desk.host.expect<TrackerChanged>(desk.shell);
  // Another connection needs no other question.
  desk.host.link_down(tracker);
  BOOST_TEST(!desk.host.question_to(Desk::endpoint_of(1)));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_never_proven_gives_way_to_the_next_one) {
  Desk desk(1, false);
  desk.host.tell_key(desk.host.question_to(Desk::endpoint_of(1)).value(), link_key(0x77));
  BOOST_TEST((desk.host.link(desk.open_links().front()).key == link_key(0x77)));
  desk.host.advance(1s);
  desk.host.tell_key(desk.host.question_to(Desk::endpoint_of(1)).value(), Desk::key_of(1));
  BOOST_TEST(!desk.host.find<TrackerKeySeen>(desk.shell.address));
  BOOST_TEST_REQUIRE(desk.open_links().size() == 1U);
  desk.greet(desk.open_links().front());
  desk.host.expect_exactly(desk.storage.address, RememberTracker{Desk::endpoint_of(1), Desk::key_of(1)});
}

BOOST_AUTO_TEST_CASE(a_tracker_with_another_key_is_refused_and_said_so_once) {
  Desk desk(1);
  desk.ask(1, CreateUser{{"ann"}, "secret"});
  desk.host.advance(1s);
  const LinkKey other = link_key(0x77);
  desk.host.tell_key(desk.host.question_to(Desk::endpoint_of(1)).value(), other);
  std::optional<InjectionHost::Said<TrackerKeySeen>> seen =
      desk.host.find<TrackerKeySeen>(desk.shell.address);
  BOOST_TEST_REQUIRE(seen.has_value());
  BOOST_TEST(!seen->message.trusted);
  BOOST_TEST(seen->message.sentence.find("is refused") != std::string::npos);
  // Nothing but the key that was expected is ever dialled.
  for (const Address link : desk.open_links()) BOOST_TEST((desk.host.link(link).key == Desk::key_of(1)));
  desk.host.advance(20s);
  BOOST_TEST(!desk.host.find<TrackerKeySeen>(desk.shell.address));
  const auto told = desk.host.find<Told>(desk.shell.address);
  BOOST_TEST_REQUIRE((told && told->message.what.get<Refused>() != nullptr));
  const Refused refused = *told->message.what.get<Refused>();
  BOOST_TEST((refused.code == Code::tracker_unreachable));
  BOOST_TEST(refused.sentence.find(to_z85(other.view())) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tracker_that_is_only_late_is_not_refused) {
  Desk desk(1);
  desk.host.advance(1s);
  desk.host.tell_key(desk.host.question_to(Desk::endpoint_of(1)).value(), Desk::key_of(1));
  desk.greet(desk.open_links().front());
  BOOST_TEST(!desk.host.find<TrackerKeySeen>(desk.shell.address));
  BOOST_TEST(!desk.host.question_to(Desk::endpoint_of(1)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
