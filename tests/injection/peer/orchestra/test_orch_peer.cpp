#include "peer/orchestra/orch_peer.hpp"

#include "tests/injection/peer/orchestra/support.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

/// An orch_peer that has dialled somebody, for download 5.
struct Line {
  Line() {
    OrchPeerOptions options;
    options.endpoint = "127.0.0.9:10001";
    options.from = "127.0.0.2";
    peer = host.spawn<OrchPeerRole>("orch_peer", std::make_unique<OrchPeer>(options, share, door, scheduler));
    link = host.link_to("127.0.0.2:0;127.0.0.9:10001");
  }
  void hear(std::string_view text) { host.inject(link, peer.address, StreamBytes{}, payload_of(text)); }
  std::string said() { return spoken(host, link); }
  void stand() {
    host.link_up(link);
    host.expect<PeerReady>(scheduler);
    BOOST_TEST(said() == orch_down("small.bin", share->sha1));
  }
  void open(std::string_view list = "63") {
    stand();
    hear(send(list));
    host.inject(scheduler.address, peer.address, OpenLane{{5}, share->gid, share->fid, {18}, {4}});
    host.expect<LaneOpened>(scheduler);
    host.expect<PieceWanted>(scheduler);
  }
  void fetch(std::uint32_t piece, std::uint32_t attempt = 0) {
    host.inject(scheduler.address, peer.address,
                FetchPiece{{5}, {piece}, attempt, {0_block}, {}, {}, verifier.address});
  }
  std::string send(std::string_view list) const {
    return orch_send_head("small.bin", share->sha1) + std::string(list) + "\r\n";
  }
  std::string part(std::uint32_t piece) const { return orch_part("small.bin", share->sha1, {piece}); }
  std::string strt(std::uint32_t piece, std::string_view bytes) const {
    return orch_strt_head("small.bin", share->sha1, {piece}) + std::string(bytes);
  }
  void expect_accusation() {
    BOOST_TEST(!host.expect<PeerAtFault>(scheduler)->sentence.empty());
    BOOST_TEST(!host.is_open(link));
  }
  void expect_block(std::uint32_t piece, std::string_view bytes) {
    BOOST_TEST((host.expect<BeginPiece>(verifier)->piece == PieceIndex{piece}));
    const auto stored = host.expect<StoreBlock>(verifier);
    BOOST_TEST((stored->piece == PieceIndex{piece}));
    BOOST_TEST(text_of(stored.payload) == bytes);
    BOOST_TEST((host.find<BlockArrived>(scheduler.address)->message.piece == PieceIndex{piece}));
  }

  std::shared_ptr<const OrchShare> share = little_share();
  InjectionHost host;
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<OrchDoorRole> door = host.probe<OrchDoorRole>();
  Ref<HashVerifierRole> verifier = host.probe<HashVerifierRole>();
  Ref<OrchPeerRole> peer;
  Address link;
};

/// One that has come in from 127.0.0.7 at the door of a line.
struct Guest {
  explicit Guest(Line& of, bool fetches = true) : line(of) {
    OrchPeerOptions options;
    options.endpoint = "127.0.0.7";
    options.accepted = {link};
    peer = line.host.spawn<OrchPeerRole>(
        "guest", std::make_unique<OrchPeer>(options, line.share, line.door,
                                            fetches ? line.scheduler : Ref<SchedulerRole>{}));
  }
  void hear(const std::string& text) {
    line.host.inject(line.door.address, peer.address, StreamCame{}, payload_of(text));
  }
  void go() { line.host.inject(line.door.address, peer.address, StreamOver{}); }
  std::string said() { return spoken(line.host, link); }

  Line& line;
  Address link = line.host.probe<ByteStreamRole>("accepted").address;
  Ref<OrchPeerRole> peer;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(orch_peer)

BOOST_AUTO_TEST_CASE(a_part_is_asked_for_and_handed_to_the_verifier) {
  Line line;
  line.open();
  line.fetch(1);
  BOOST_TEST(line.said() == line.part(1));
  line.hear(line.strt(1, "abcd"));
  line.expect_block(1, "abcd");
}

BOOST_AUTO_TEST_CASE(a_part_may_come_a_byte_at_a_time) {
  Line line;
  line.open();
  line.fetch(4);  // the last one, of two bytes
  const std::string text = line.strt(4, "yz") + line.send("63");
  for (const char& byte : text) line.hear({&byte, 1});
  line.expect_block(4, "yz");
}

BOOST_AUTO_TEST_CASE(a_doubled_strt_is_read_and_dropped) {
  Line line;
  line.open();
  for (std::uint32_t i = 0; i < 100; ++i) {
    line.fetch(i % 5);
    const std::string_view bytes = i % 5 == 4 ? "yz" : "abcd";
    line.hear(line.strt(i % 5, bytes) + line.strt(i % 5, bytes));
    line.expect_block(i % 5, bytes);
    line.host.expect_silence(line.verifier.address);
    line.host.inject(line.verifier.address, line.peer.address, BlockStored{{bytes.size()}});
  }
  BOOST_TEST(line.host.is_open(line.link));
}

BOOST_AUTO_TEST_CASE(parts_that_nobody_asked_for_end_the_conversation) {
  Line line;
  line.open();
  for (int i = 0; i <= OrchPeer::unasked_max && line.host.is_open(line.link); ++i)
    line.hear(line.strt(0, "abcd"));
  line.host.expect_silence(line.verifier.address);
  line.host.discard(line.link);
  line.expect_accusation();
}

BOOST_AUTO_TEST_CASE(nothing_is_asked_for_that_is_not_on_the_list) {
  Line line;
  line.open("33");  // part 1 alone
  line.fetch(1);
  BOOST_TEST(line.said().empty());
  line.fetch(0);
  BOOST_TEST(line.said() == line.part(0));
}

BOOST_AUTO_TEST_CASE(what_was_cancelled_is_read_and_dropped) {
  Line line;
  line.open();
  line.fetch(0);
  line.host.inject(line.scheduler.address, line.peer.address, CancelBlocks{{5}, {0}, {}});
  line.fetch(1);
  line.hear(line.strt(0, "abcd") + line.strt(1, "efgh"));
  line.expect_block(1, "efgh");
}

BOOST_AUTO_TEST_CASE(a_list_is_asked_for_again_until_it_is_full) {
  Line line;
  line.open("33");
  line.host.discard(line.scheduler.address);
  line.host.advance(2s);
  BOOST_TEST(line.said() == orch_down("small.bin", line.share->sha1));
  line.host.advance(2s);
  BOOST_TEST(line.said().empty());  // not while the last question is open
  line.hear(line.send("63"));
  BOOST_TEST((line.host.expect<LaneOpened>(line.scheduler)->bitfield == Bytes{0xf8}));
  line.host.advance(20s);
  BOOST_TEST(line.said().empty());
}

BOOST_AUTO_TEST_CASE(a_none_brings_a_part_back_to_others) {
  Line line;
  line.open();
  line.fetch(2);
  line.hear(orch_none("small.bin", line.share->sha1, 3));
  BOOST_TEST((line.host.find<PieceNotCome>(line.scheduler.address)->message.piece == 2_piece));
}

BOOST_AUTO_TEST_CASE(who_shares_another_file_is_left_alone_and_stays_connected) {
  Line line;
  line.open();
  line.hear(orch_none("another", line.share->sha1, 0));
  BOOST_TEST((line.host.expect<LaneClosed>(line.scheduler)->reason == CloseReason::not_shared));
  BOOST_TEST(line.host.is_open(line.link));
}

BOOST_AUTO_TEST_CASE(what_no_member_says_is_an_accusation) {
  for (const std::string_view wrong :
       {"SEND\r\nsmall.bin\r\n{}\r\n7\r\n", "SEND\r\nsmall.bin\r\n{}\r\n64\r\n",
        "SEND\r\nother\r\n{}\r\n63\r\n", "STRT\r\nsmall.bin\r\n{}\r\n6\r\n",
        "STRT\r\nsmall.bin\r\n{}\r\n0\r\n", "nonsense\r\n", "SEND\r\nsmall.bin\r\n{}\r\n999999999999"}) {
    Line line;
    line.stand();
    std::string text(wrong);
    if (const std::size_t at = text.find("{}"); at != std::string::npos)
      text.replace(at, 2, line.share->sha1);
    line.hear(text);
    line.expect_accusation();
  }
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_inside_a_part_is_made_anew) {
  Line line;
  line.open();
  line.fetch(0);
  line.said();
  line.hear(line.strt(0, "ab"));
  line.host.link_down(line.link);
  BOOST_TEST(!line.host.find<PeerLost>(line.scheduler.address)->message.for_good);
  line.host.discard(line.scheduler.address);
  line.host.expect_silence(line.verifier.address);
  line.host.advance(2s);
  line.link = line.host.link_to("127.0.0.2:0;127.0.0.9:10001");
  line.stand();
  // Nothing of the old conversation is left.
  line.hear(line.send("63"));
  BOOST_TEST((line.host.expect<LaneOpened>(line.scheduler)->download == DownloadId{5}));
}

BOOST_AUTO_TEST_CASE(who_says_nothing_is_given_up) {
  Line line;
  line.stand();
  line.host.advance(31s);
  line.host.expect<PeerLost>(line.scheduler);
  BOOST_TEST(!line.host.is_open(line.link));
}

BOOST_AUTO_TEST_CASE(what_the_other_side_asks_for_goes_to_the_door_and_back) {
  Line line;
  line.stand();
  line.hear(orch_down("small.bin", line.share->sha1) + line.part(3) + line.part(3));
  line.host.expect<ListAsked>(line.door);
  BOOST_TEST((line.host.expect<PartAsked>(line.door)->part == 3_piece));
  line.host.expect<PartAsked>(line.door);
  line.host.inject(line.door.address, line.peer.address, ListTold{}, payload_of("40"));
  BOOST_TEST(line.said() == line.send("40"));
  line.host.inject(line.door.address, line.peer.address, PartTold{{3}}, payload_of("abcd"));
  BOOST_TEST(line.said() == line.strt(3, "abcd"));
}

BOOST_AUTO_TEST_CASE(questions_about_what_there_is_not_are_answered_with_none) {
  Line line;
  line.stand();
  line.hear(orch_down("another", line.share->sha1));
  BOOST_TEST(line.said() == orch_none("small.bin", line.share->sha1, 0));
  line.hear(line.part(5));
  BOOST_TEST(line.said() == orch_none("small.bin", line.share->sha1, 6));
  line.hear("PART\r\nsmall.bin\r\n" + line.share->sha1 + "\r\n0\r\n");
  BOOST_TEST(line.said() == orch_none("small.bin", line.share->sha1, 0));
  line.host.expect_silence(line.door.address);
}

BOOST_AUTO_TEST_CASE(who_asks_again_and_again_for_what_is_not_shared_is_left) {
  for (const bool parts : {false, true}) {
    Line line;
    line.stand();
    const std::string question =
        parts ? orch_part("small.bin", line.share->sha1, {99}) : orch_down("other.bin", line.share->sha1);
    for (std::size_t i = 0; i < OrchPeer::refused_max; ++i) line.hear(question);
    BOOST_TEST(line.said().ends_with(parts ? "\r\n100\r\n" : "\r\n0\r\n"));
    line.host.expect_silence();
    line.hear(question);
    line.host.expect<PeerAway>(line.door);
    line.expect_accusation();
  }
}

BOOST_AUTO_TEST_CASE(a_list_that_shrinks_gives_the_pieces_back) {
  Line line;
  line.open("49");  // a part, the first one
  line.fetch(1);    // of a list before
  const auto not_come = line.host.expect<PieceNotCome>(line.scheduler);
  BOOST_TEST((not_come->piece == PieceIndex{1} && not_come->reason == RejectReason::not_have));
  line.host.expect<PieceWanted>(line.scheduler);
  BOOST_TEST(line.said().empty());
}

BOOST_AUTO_TEST_CASE(one_that_offered_itself_is_taken_back_when_the_door_ends_it) {
  Line line;
  Guest guest(line);
  guest.hear(line.send("63"));
  BOOST_TEST_REQUIRE(line.host.find<PeerVisits>(line.scheduler.address).has_value());
  line.host.stop(guest.peer.address);
  line.host.expect<PeerAway>(line.door);
  BOOST_TEST(line.host.expect<PeerLost>(line.scheduler)->for_good);
}

BOOST_AUTO_TEST_CASE(an_accepted_connection_ends_with_its_stream) {
  Line line;
  Guest guest(line);
  BOOST_TEST(guest.said() == orch_down("small.bin", line.share->sha1));
  guest.hear(line.part(0));
  line.host.expect<PartAsked>(line.door);
  guest.go();
  line.host.expect<PeerAway>(line.door);
  line.host.expect_silence(line.scheduler.address);
}

BOOST_AUTO_TEST_CASE(who_has_connected_and_has_something_can_be_fetched_from) {
  Line line;
  Guest guest(line);
  guest.said();
  guest.hear(line.send("32"));  // nothing
  line.host.expect_silence();
  guest.hear(line.send("33"));  // not asked for
  line.host.expect_silence();
  line.host.advance(6s);
  BOOST_TEST(guest.said() == orch_down("small.bin", line.share->sha1));
  guest.hear(line.send("33"));
  const auto visit = line.host.find<PeerVisits>(line.scheduler.address);
  BOOST_REQUIRE(visit);
  BOOST_TEST(visit->message.host == "127.0.0.7");
  BOOST_TEST((visit->from == guest.peer.address));
  line.host.inject(line.scheduler.address, guest.peer.address,
                   OpenLane{{5}, line.share->gid, line.share->fid, {18}, {4}});
  BOOST_TEST((line.host.expect<LaneOpened>(line.scheduler)->bitfield == Bytes{0x80}));
  line.host.expect<PieceWanted>(line.scheduler);
  line.host.inject(line.scheduler.address, guest.peer.address,
                   FetchPiece{{5}, {0}, 0, {0_block}, {}, {}, line.verifier.address});
  BOOST_TEST(guest.said() == line.part(0));
  guest.hear(line.strt(0, "abcd"));
  line.expect_block(0, "abcd");
  line.host.discard();
  guest.go();
  BOOST_TEST(line.host.expect<PeerLost>(line.scheduler)->for_good);
}

BOOST_AUTO_TEST_CASE(where_nothing_is_fetched_nothing_is_asked_for_and_all_is_served) {
  Line line;
  Guest guest(line, false);
  BOOST_TEST(guest.said().empty());
  guest.hear(line.send("63") + orch_down("small.bin", line.share->sha1) + line.part(3));
  line.host.expect<ListAsked>(line.door);
  BOOST_TEST((line.host.expect<PartAsked>(line.door)->part == 3_piece));
  line.host.inject(line.door.address, guest.peer.address, PartTold{{3}}, payload_of("abcd"));
  BOOST_TEST(guest.said() == line.strt(3, "abcd"));
  line.host.advance(1min);
  BOOST_TEST(guest.said().empty());
  line.host.expect_silence();
  guest.go();
  line.host.expect<PeerAway>(line.door);
  line.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_part_that_is_refused_is_answered_with_none) {
  Line line;
  Guest guest(line);
  guest.said();
  guest.hear(line.part(3));
  line.host.expect<PartAsked>(line.door);
  line.host.inject(line.door.address, guest.peer.address, PartRefused{{3}});
  BOOST_TEST(guest.said() == orch_none("small.bin", line.share->sha1, 4));
}

BOOST_AUTO_TEST_CASE(who_asks_on_and_on_for_what_is_not_there_is_left) {
  Line line;
  Guest guest(line);
  guest.said();
  for (std::size_t i = 0; i <= OrchPeer::refused_max; ++i) {
    BOOST_TEST(line.host.is_alive(guest.peer.address));
    guest.hear(line.part(3));
    line.host.inject(line.door.address, guest.peer.address, PartRefused{{3}});
    line.host.discard();
  }
  BOOST_TEST(!line.host.is_alive(guest.peer.address));
}

BOOST_AUTO_TEST_CASE(a_part_in_slices_is_one_part) {
  Line line;
  Guest guest(line);
  guest.said();
  guest.hear(line.part(3));
  line.host.inject(line.door.address, guest.peer.address, PartTold{{3}, false}, payload_of("ab"));
  line.host.inject(line.door.address, guest.peer.address, PartTold{{3}, true}, payload_of("cd"));
  BOOST_TEST(guest.said() == line.strt(3, "abcd"));
  // Nobody has asked for this one on this connection.
  line.host.inject(line.door.address, guest.peer.address, PartTold{{2}, false}, payload_of("ef"));
  line.host.inject(line.door.address, guest.peer.address, PartTold{{2}, true}, payload_of("gh"));
  BOOST_TEST(guest.said().empty());
}

BOOST_AUTO_TEST_CASE(an_end_inside_a_part_makes_an_original_spin_so_what_was_begun_goes_out_first) {
  Line line;
  line.stand();
  line.hear(line.part(3) + line.part(2));
  line.host.inject(line.door.address, line.peer.address, PartTold{{3}}, payload_of("abcd"));
  line.host.stop(line.peer.address);
  // It lies in the outbox, as if it was still on its way. Nothing else is begun.
  BOOST_TEST(line.host.is_alive(line.peer.address));
  BOOST_TEST(line.host.is_open(line.link));
  line.host.inject(line.door.address, line.peer.address, PartTold{{2}}, payload_of("efgh"));
  line.host.advance(100ms);
  BOOST_TEST(line.host.is_open(line.link));
  BOOST_TEST(line.said() == line.strt(3, "abcd"));  // taken now
  line.host.advance(10ms);
  BOOST_TEST(!line.host.is_alive(line.peer.address));
  BOOST_TEST(!line.host.is_open(line.link));
}

BOOST_AUTO_TEST_CASE(who_does_not_take_what_was_begun_is_not_waited_for_long) {
  Line line;
  line.stand();
  line.hear(line.part(3));
  line.host.inject(line.door.address, line.peer.address, PartTold{{3}}, payload_of("abcd"));
  line.host.stop(line.peer.address);
  line.host.advance(OrchPeer::drained_within + 10ms);
  BOOST_TEST(!line.host.is_alive(line.peer.address));
}

BOOST_AUTO_TEST_CASE(who_comes_in_and_says_no_word_is_left_and_who_has_said_one_may_be_silent) {
  Line line;
  Guest silent(line);
  silent.hear("DOWN\r\nsmall");  // a part of one is none
  Guest speaker(line);
  speaker.hear(orch_down("small.bin", line.share->sha1));
  line.host.advance(29s);
  BOOST_TEST(line.host.is_alive(silent.peer.address));
  line.host.advance(2s);
  BOOST_TEST(!line.host.is_alive(silent.peer.address));
  line.host.advance(1h);
  BOOST_TEST(line.host.is_alive(speaker.peer.address));
}

BOOST_AUTO_TEST_SUITE_END()
