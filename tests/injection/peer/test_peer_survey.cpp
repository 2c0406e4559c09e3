#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "actors/injection_host.hpp"
#include "peer/peer_survey.hpp"

namespace tutti {
namespace {

using std::chrono::milliseconds;

ClientKey key(std::uint8_t fill) {
  ClientKey result;
  result.bytes.fill(fill);
  return result;
}

Fid fid() {
  Fid result;
  result.bytes.fill(9);
  return result;
}

struct SurveyWorld {
  explicit SurveyWorld(std::size_t sharers, std::uint32_t pieces = 10) {
    SurveyQuestion question{{5}, key(1), {}, fid(), pieces, {}};
    question.ticket.epoch = 7;
    for (std::size_t i = 0; i < sharers; ++i)
      question.sharers.push_back(
          {{"u" + std::to_string(i)}, key(2), "127.0.0.1", static_cast<std::uint16_t>(6000 + i)});
    survey =
        host.spawn<PeerSurveyRole>("peer_survey", std::make_unique<PeerSurvey>(std::move(question), shell));
  }
  Address link(std::size_t i) const { return host.link_to("127.0.0.1:" + std::to_string(6000 + i)); }
  template <class M>
  void say(std::size_t i, const M& message) {
    host.inject(link(i), survey.address, message);
  }
  void greet(std::size_t i) {
    host.link_up(link(i));
    BOOST_TEST((host.expect<PeerHello>(link(i))->client == key(1)));
    say(i, PeerWelcome{peer_peer_version, key(2)});
    BOOST_TEST((host.expect<ShowTicket>(link(i))->ticket.epoch == 7U));
    BOOST_TEST((host.expect<OpenFile>(link(i))->fid == fid()));
  }
  std::vector<PeerShare> answer() { return host.expect<PeersSurveyed>(shell)->peers; }

  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<PeerSurveyRole> survey;
};

BOOST_AUTO_TEST_SUITE(peer_survey)

BOOST_AUTO_TEST_CASE(answers_as_soon_as_all_have_answered) {
  SurveyWorld world(2);
  world.greet(0);
  world.say(0, FileOpened{fid(), {0xff, 0xc0}});
  world.greet(1);
  world.host.discard(world.shell.address);
  world.say(1, FileOpened{fid(), {0x80, 0x00}});
  const auto peers = world.answer();
  BOOST_REQUIRE_EQUAL(peers.size(), 2U);
  BOOST_TEST(peers[0].answered);
  BOOST_TEST(peers[0].pieces == 10U);
  BOOST_TEST(peers[1].pieces == 1U);
  BOOST_TEST(peers[1].user.text == "u1");
  BOOST_TEST(!world.host.is_alive(world.survey.address));
  BOOST_TEST(world.host.links().empty());
}

BOOST_AUTO_TEST_CASE(does_not_wait_for_the_silent) {
  SurveyWorld world(2);
  world.greet(0);
  world.say(0, FileOpened{fid(), {0xff, 0xc0}});
  world.host.advance(PeerSurvey::patience - milliseconds(1));
  world.host.expect_silence(world.shell.address);
  world.host.advance(milliseconds(1));
  const auto peers = world.answer();
  BOOST_TEST(peers[0].answered);
  BOOST_TEST(!peers[1].answered);
  BOOST_TEST(!world.host.is_alive(world.survey.address));
}

BOOST_AUTO_TEST_CASE(believes_no_one_else_and_no_nonsense) {
  SurveyWorld world(4);
  // Another client lives there now.
  world.host.link_up(world.link(0));
  world.say(0, PeerWelcome{peer_peer_version, key(3)});
  // A bitfield of another length, a spare bit, a file that is not served.
  world.greet(1);
  world.say(1, FileOpened{fid(), {0xff}});
  world.greet(2);
  world.say(2, FileOpened{fid(), {0xff, 0xff}});
  world.greet(3);
  world.say(3, FileClosed{fid(), CloseReason::not_shared});
  for (const PeerShare& peer : world.answer()) BOOST_TEST(!peer.answered);
}

BOOST_AUTO_TEST_CASE(other_words_of_a_peer_change_nothing) {
  SurveyWorld world(1);
  world.greet(0);
  world.say(0, Have{fid(), 3_piece});
  world.say(0, FileOpened{{}, {0xff, 0xc0}});
  world.host.expect_silence(world.shell.address);
  world.say(0, PeerUnwelcome{});
  BOOST_TEST(!world.answer()[0].answered);
}

BOOST_AUTO_TEST_CASE(nobody_to_ask) {
  SurveyWorld world(0);
  BOOST_TEST(world.answer().empty());
  BOOST_TEST(!world.host.is_alive(world.survey.address));
}

BOOST_AUTO_TEST_CASE(asks_only_so_many) {
  SurveyWorld world(PeerSurvey::asked_max + 10);
  BOOST_TEST(world.host.links().size() == PeerSurvey::asked_max);
  world.host.advance(PeerSurvey::patience);
  BOOST_TEST(world.answer().size() == PeerSurvey::asked_max + 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
