#include "peer/orchestra/conductor.hpp"
#include "peer/orchestra/conductor_link.hpp"

#include "tests/injection/peer/orchestra/support.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

struct Desk {
  Desk() {
    conductor = host.spawn<ConductorRole>(
        "conductor", std::make_unique<Conductor>(ConductorOptions{"127.0.0.1:9999"}, console, opened));
  }
  std::string ask(std::string_view question, std::string_view from) {
    const Address link = host.accept(opened->address, from);
    host.inject(link, conductor.address, StreamBytes{}, payload_of(question));
    const std::string answer = spoken(host, link);
    host.advance(20ms);
    BOOST_TEST(!host.is_open(link));
    return answer;
  }

  InjectionHost host;
  Ref<ConductorConsoleRole> console = host.probe<ConductorConsoleRole>();
  std::shared_ptr<Opened> opened = std::make_shared<Opened>();
  Ref<ConductorRole> conductor;
};

/// A conductor_link whose door is bound to `serving`.
struct Caller {
  explicit Caller(const std::string& serving = "127.0.0.2") {
    ConductorLinkOptions options;
    options.conductor = "127.0.0.1:9999";
    options.own_hosts = {"192.168.0.7"};
    link = host.spawn<TrackerLinkRole>(
        "conductor_link", std::make_unique<ConductorLink>(
                              options, share, ConductorLink::Listeners{shell, librarian, scheduler}));
    host.inject(host.probe<OrchDoorRole>().address, link.address, NowServing{serving, 10001});
    for (const Address listener : {shell.address, librarian.address, scheduler.address})
      BOOST_TEST((host.expect<SessionChanged>(listener)->uid == share->uid));
    host.advance(0s);
  }
  Address conductor() const {
    for (const auto& each : host.links())
      if (each.endpoint.ends_with("127.0.0.1:9999")) return each.address;
    return {};
  }
  void answer(std::string_view text) {
    const Address stream = conductor();
    host.link_up(stream);
    BOOST_TEST(spoken(host, stream) == "DOWN\r\nsmall.bin\r\n" + share->sha1 + "\r\n10001\r\n");
    host.inject(stream, link.address, StreamBytes{}, payload_of(text));
    BOOST_TEST(!host.is_open(stream));
  }
  void name(std::initializer_list<std::string_view> members) {
    std::string text = conductor_send_head("small.bin", share->sha1, members.size());
    for (const std::string_view member : members) text.append(member).append("\r\n");
    answer(text);
  }
  std::vector<std::string> sharers() {
    host.inject(scheduler.address, link.address, Ask{{1}, FindSharers{share->gid, share->fid}});
    std::vector<std::string> endpoints;
    const auto told = host.expect<Told>(scheduler);
    for (const Sharer& each : told->what.get<Sharers>()->sharers) endpoints.push_back(each.endpoint());
    return endpoints;
  }

  std::shared_ptr<const OrchShare> share = little_share();
  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<LibrarianRole> librarian = host.probe<LibrarianRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<TrackerLinkRole> link;
};

using Endpoints = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(conductor)

BOOST_AUTO_TEST_CASE(members_are_told_of_each_other_and_hung_up_on) {
  Desk desk;
  BOOST_TEST(desk.ask(conductor_question("f", "s", 1), "10.0.0.1") == "NONE\r\nf\r\ns\r\n");
  BOOST_TEST(desk.ask(conductor_question("f", "s", 2), "10.0.0.2") ==
             "SEND\r\nf\r\ns\r\n1\r\n10.0.0.1:1\r\n");
  BOOST_TEST(desk.host.expect<ConductorSays>(desk.console)->sentence == "10.0.0.1:1 shares f (s)");
  desk.host.expect<ConductorSays>(desk.console);
  desk.host.inject(desk.console.address, desk.conductor.address, TableWanted{});
  const auto listed = desk.host.expect<TableListed>(desk.console);
  BOOST_TEST(listed->rows.at(0).members.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_no_question_gets_no_answer) {
  Desk desk;
  BOOST_TEST(desk.ask("UPLD\r\nf\r\ns\r\n1\r\n", "10.0.0.1").empty());
  BOOST_TEST(desk.ask("DOWN\r\nf\r\ns\r\n0\r\n", "10.0.0.1").empty());
  BOOST_TEST(desk.ask("DOWN\r\nf\r\ns\r\nport\r\n", "10.0.0.1").empty());
  BOOST_TEST(desk.ask(std::string(5000, 'x'), "10.0.0.1").empty());
}

BOOST_AUTO_TEST_CASE(who_does_not_ask_is_hung_up_on) {
  Desk desk;
  const Address link = desk.host.accept(desk.opened->address, "10.0.0.1");
  desk.host.inject(link, desk.conductor.address, StreamBytes{}, payload_of("DOWN\nf\ns\n1\n"));
  desk.host.advance(9s);
  BOOST_TEST(desk.host.is_open(link));
  desk.host.advance(1s);
  BOOST_TEST(!desk.host.is_open(link));
  desk.host.expect_silence(link);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_not_taken_yet_is_not_cut_off) {
  Desk desk;
  const Address link = desk.host.accept(desk.opened->address, "10.0.0.1");
  desk.host.inject(link, desk.conductor.address, StreamBytes{}, payload_of(conductor_question("f", "s", 1)));
  desk.host.advance(1s);
  BOOST_TEST(desk.host.is_open(link));  // it lies in the outbox
  spoken(desk.host, link);
  desk.host.advance(10ms);
  BOOST_TEST(!desk.host.is_open(link));
}

BOOST_AUTO_TEST_CASE(who_asks_no_more_is_forgotten) {
  Desk desk;
  desk.ask(conductor_question("f", "s", 1), "10.0.0.1");
  desk.host.expect<ConductorSays>(desk.console);
  desk.host.advance(91s);
  BOOST_TEST(desk.host.expect<ConductorSays>(desk.console)->sentence ==
             "10.0.0.1:1 is gone, and shares f no more");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(conductor_link)

BOOST_AUTO_TEST_CASE(lists_that_include_itself_or_what_is_no_address_lose_those) {
  Caller caller;
  BOOST_TEST(caller.sharers().empty());
  caller.name({"127.0.0.2:10001", "127.0.0.3:10001", "nonsense", "127.0.0.2:7", "1.2.3.4:0"});
  BOOST_TEST((caller.sharers() == Endpoints{"127.0.0.3:10001", "127.0.0.2:7"}));
}

BOOST_AUTO_TEST_CASE(a_member_that_listens_everywhere_knows_its_own_addresses) {
  Caller caller("0.0.0.0");
  caller.name({"192.168.0.7:10001", "192.168.0.7:10002"});
  BOOST_TEST((caller.sharers() == Endpoints{"192.168.0.7:10002"}));
}

BOOST_AUTO_TEST_CASE(the_conductor_is_asked_for_ever_the_sooner_the_fewer_are_known) {
  Caller caller;
  caller.answer(conductor_none("small.bin", caller.share->sha1));
  caller.host.advance(5s);
  caller.name({"127.0.0.3:10001"});
  caller.host.advance(9s);
  BOOST_TEST((caller.conductor() == Address{}));
  caller.host.advance(1s);
  BOOST_TEST((caller.conductor() != Address{}));
}

BOOST_AUTO_TEST_CASE(a_conductor_that_is_away_changes_nothing_of_who_is_known) {
  Caller caller;
  caller.name({"127.0.0.3:10001"});
  caller.host.advance(10s);
  caller.host.link_down(caller.conductor(), LinkLoss::unreachable);
  BOOST_TEST(!caller.host.expect<Notice>(caller.shell)->sentence.empty());
  BOOST_TEST((caller.sharers() == Endpoints{"127.0.0.3:10001"}));
  caller.host.advance(10s);
  caller.host.link_up(caller.conductor());
  caller.host.advance(5s);  // it does not answer, and that is said already
  caller.host.expect_silence(caller.shell.address);
  caller.host.advance(10s);
  caller.answer("SEND\r\nsmall.bin\r\n" + caller.share->sha1 + "\r\n0\r\n");
  BOOST_TEST(!caller.host.expect<Notice>(caller.shell)->sentence.empty());
  BOOST_TEST(caller.sharers().empty());
}

BOOST_AUTO_TEST_SUITE_END()
