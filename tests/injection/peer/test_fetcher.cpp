#include <boost/test/unit_test.hpp>

#include "tests/injection/peer/fetcher_lines.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(fetcher)

BOOST_AUTO_TEST_CASE(a_block_goes_from_the_peer_to_the_verifier) {
  Line line;
  line.open();
  line.fetch(3, 2);
  const RequestBlock request = line.requested();
  BOOST_TEST((request.piece == 3_piece));
  BOOST_TEST((request.length == ByteCount{block_size.value - 100}));
  line.host.expect<PieceWanted>(line.scheduler);  // there is room for more
  line.block(3, block_size.value - 100);
  BOOST_TEST(line.host.expect<BlockArrived>(line.scheduler)->attempt == 2u);
  BOOST_TEST((line.host.expect<BeginPiece>(line.verifier)->download == DownloadId{5}));
  const auto store = line.host.expect<StoreBlock>(line.verifier);
  BOOST_TEST(store->attempt == 2u);
  BOOST_TEST(store.payload.size() == block_size.value - 100);
  line.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(asks_for_no_more_than_its_share_of_the_memory) {
  Line line;
  line.open();
  line.host.inject(line.scheduler.address, line.fetcher.address, LimitRequests{{2 * block_size.value}});
  for (std::uint32_t piece = 0; piece < 3; ++piece) {
    line.fetch(piece);
    line.host.discard(line.scheduler.address);
  }
  line.requested();
  line.requested();
  line.host.expect_silence();
  line.block(0);  // now at the verifier, and one on its way
  line.block(1);
  line.host.discard(line.verifier.address);
  line.host.discard(line.scheduler.address);
  line.requested();
}

namespace {

constexpr ByteCount part{block_size.value / 4};

/// The next part of the first piece comes, all of its bytes this one.
void part_comes(Line& line, std::uint8_t byte) {
  const RequestBlock request = line.requested();
  BOOST_TEST(request.length.value == part.value);
  line.host.inject(line.peer, line.fetcher.address, Block{line.fid, request.piece, request.offset},
                   Payload::own(Bytes(part.value, byte)));
}

void allow(Line& line, ByteCount bytes) {
  line.host.inject(line.scheduler.address, line.fetcher.address, RequestAllowed{{5}, bytes});
}

/// What the verifier gets is one block, put together of four parts in their order.
void expect_whole(Line& line) {
  BOOST_TEST((line.host.find<BlockArrived>(line.scheduler.address).value()->bytes == block_size));
  line.host.expect<BeginPiece>(line.verifier);
  const Payload bytes = line.host.expect<StoreBlock>(line.verifier).payload;
  BOOST_TEST_REQUIRE(bytes.size() == block_size.value);
  for (std::uint8_t i = 0; i < 4; ++i) {
    BOOST_TEST(bytes.view()[i * part.value] == i + 1);
    BOOST_TEST(bytes.view()[(i + 1U) * part.value - 1] == i + 1);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(where_a_limit_holds_it_asks_for_what_it_is_allowed) {
  Line line;
  line.open();
  line.host.inject(line.scheduler.address, line.fetcher.address, MeterRequests{{5}, true});
  line.fetch(0);
  for (std::uint8_t i = 1; i <= 4; ++i) {
    BOOST_TEST(line.host.expect<RequestWanted>(line.scheduler)->bytes.value ==
               block_size.value - (i - 1U) * part.value);
    line.host.expect_silence();
    allow(line, part);
    part_comes(line, i);
    if (i < 4) line.host.expect_silence(line.verifier.address);
  }
  expect_whole(line);
}

BOOST_AUTO_TEST_CASE(a_peer_may_want_to_be_asked_for_less_at_a_time) {
  Line line;
  line.greet();
  line.open_lane();
  line.host.expect<OpenFile>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, RequestLength{line.fid, part});  // before it is open
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.host.expect<LaneOpened>(line.scheduler);
  line.host.expect<PieceWanted>(line.scheduler);
  line.fetch(0);
  line.host.expect<PieceWanted>(line.scheduler);
  for (std::uint8_t i = 1; i <= 4; ++i) part_comes(line, i);
  expect_whole(line);
  line.host.inject(line.peer, line.fetcher.address, RequestLength{line.fid, block_size});
  line.fetch(1);
  BOOST_TEST((line.requested().length == block_size));
  // It counts for its conversation only.
  line.host.inject(line.peer, line.fetcher.address, RequestLength{line.fid, part});
  line.host.link_down(line.peer);
  line.host.discard();
  line.greet();
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.fetch(1);
  line.host.discard(line.scheduler.address);
  line.host.expect<OpenFile>(line.peer);
  BOOST_TEST((line.requested().length == block_size));
}

BOOST_AUTO_TEST_CASE(a_piece_that_is_taken_away_in_the_midst_of_a_block_begins_anew) {
  Line line;
  line.open();
  line.host.inject(line.peer, line.fetcher.address, RequestLength{line.fid, part});
  line.fetch(0);
  line.host.discard(line.scheduler.address);
  part_comes(line, 9);
  std::vector<RequestBlock> stale;
  for (int i = 0; i < 3; ++i) stale.push_back(line.requested());
  line.host.inject(line.scheduler.address, line.fetcher.address, CancelBlocks{{5}, 0_piece, {}});
  for (const RequestBlock& each : stale)
    BOOST_TEST((line.host.expect<CancelBlock>(line.peer)->offset == each.offset));
  line.host.discard(line.scheduler.address);
  line.fetch(0, 1);
  line.host.discard(line.scheduler.address);
  // What was under way comes all the same, and is not used; some of it as a refusal.
  for (const RequestBlock& each : {stale[0], stale[1]})
    line.host.inject(line.peer, line.fetcher.address, Block{line.fid, 0_piece, each.offset},
                     Payload::own(Bytes(part.value, 9)));
  line.host.inject(line.peer, line.fetcher.address,
                   RejectBlock{line.fid, 0_piece, stale[2].offset, RejectReason::cancelled});
  line.host.expect_silence(line.verifier.address);
  for (std::uint8_t i = 1; i <= 4; ++i) part_comes(line, i);
  expect_whole(line);
}

BOOST_AUTO_TEST_CASE(a_file_is_asked_for_once_until_that_is_answered) {
  Line line;
  line.greet();
  line.open_lane();
  line.host.expect<OpenFile>(line.peer);
  line.open_lane();  // the trackers have named the peer again
  line.host.expect_silence(line.peer);
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.open_lane();
  line.host.expect_silence(line.peer);
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::busy});
  line.open_lane();
  line.host.expect<OpenFile>(line.peer);
  line.host.link_down(line.peer);
  line.host.discard(line.scheduler.address);
  line.greet();
  line.host.expect<OpenFile>(line.peer);  // whatever was asked on the link that is lost
}

BOOST_AUTO_TEST_CASE(
    tickets_and_files_go_out_right_behind_the_greeting_and_nothing_is_believed_before_its_answer) {
  Line line;
  const auto hold = [&] {
    PeerTicket ticket;
    ticket.gid = line.gid;
    line.host.inject(line.scheduler.address, line.fetcher.address, HoldTicket{ticket});
  };
  hold();
  line.open_lane();
  line.host.link_up(line.peer);
  BOOST_TEST(line.host.expect<PeerHello>(line.peer)->version_min == peer_fetching_version_min);
  BOOST_TEST((line.host.expect<ShowTicket>(line.peer)->ticket.gid == line.gid));
  BOOST_TEST((line.host.expect<OpenFile>(line.peer)->fid == line.fid));
  // So does what is wanted until the answer comes.
  hold();
  line.host.expect<ShowTicket>(line.peer);
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.host.expect<CloseFile>(line.peer);
  line.open_lane({6});
  line.host.expect<OpenFile>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.host.expect_silence();
  line.host.inject(line.peer, line.fetcher.address, PeerWelcome{peer_peer_version, client_key(3)});
  line.host.expect<PeerReady>(line.scheduler);
  line.host.inject(line.peer, line.fetcher.address,
                   FileOpened{line.fid, {0x00}});  // of the lane that is closed
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.host.expect_silence();
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  BOOST_TEST((line.host.expect<LaneOpened>(line.scheduler)->download == DownloadId{6}));
}

BOOST_AUTO_TEST_CASE(another_client_at_the_address_is_not_spoken_with) {
  Line line;
  line.host.link_up(line.peer);
  line.host.expect<PeerHello>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, PeerWelcome{1, client_key(4)});
  BOOST_TEST(line.host.expect<PeerLost>(line.scheduler)->for_good);
  BOOST_TEST(!line.host.is_open(line.peer));
}

BOOST_AUTO_TEST_CASE(another_version_is_not_spoken_with) {
  Line line;
  line.host.link_up(line.peer);
  line.host.expect<PeerHello>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, PeerUnwelcome{});
  BOOST_TEST(line.host.expect<PeerLost>(line.scheduler)->for_good);
  BOOST_TEST(!line.host.is_open(line.peer));
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_greet_is_dialled_anew) {
  Line line;
  line.open_lane();
  line.host.link_up(line.peer);
  line.host.expect<PeerHello>(line.peer);
  line.host.expect<OpenFile>(line.peer);
  line.host.advance(3s);
  line.host.expect<PeerLost>(line.scheduler);
  BOOST_TEST(!line.host.is_open(line.peer));
  line.peer = line.host.link_to("127.0.0.1:7000");
  line.greet();
  line.host.expect<OpenFile>(line.peer);  // what was asked has gone with the link
}

BOOST_AUTO_TEST_CASE(lanes_are_opened_again_when_the_link_returns) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.host.discard();
  line.host.link_down(line.peer);
  line.host.expect<PeerLost>(line.scheduler);
  line.fetch(1);  // had crossed
  line.host.expect_silence();
  line.greet();
  line.host.expect<OpenFile>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.host.expect<LaneOpened>(line.scheduler);
  line.host.expect<PieceWanted>(line.scheduler);
  line.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(an_unrequested_block_is_a_fault) {
  Line line;
  line.open();
  line.block(0);
  line.expect_accusation();
}

BOOST_AUTO_TEST_CASE(a_block_of_another_length_is_a_fault) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{block_size.value - 1}, std::size_t{block_size.value + 1}}) {
    Line line;
    line.open();
    line.fetch(0);
    line.requested();
    line.host.discard();
    line.block(0, size);
    line.expect_accusation();
  }
}

BOOST_AUTO_TEST_CASE(who_else_fetches_is_passed_on_also_before_the_file_is_open) {
  Line line;
  line.greet();
  line.open_lane();
  line.host.expect<OpenFile>(line.peer);
  const FileFetchers said{line.fid, {client_key(1), client_key(9)}};
  line.host.inject(line.peer, line.fetcher.address, said);
  const auto passed = line.host.expect<LaneFetchers>(line.scheduler);
  BOOST_TEST((passed->download == DownloadId{5}));
  BOOST_TEST((passed->clients == said.clients));
  // Of a lane that is closed nothing more is heard.
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.host.inject(line.peer, line.fetcher.address, said);
  line.host.expect_silence(line.scheduler.address);
}

BOOST_AUTO_TEST_CASE(a_block_said_twice_is_a_fault) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.block(0);
  line.host.discard();
  line.block(0);
  line.expect_accusation();
}

BOOST_AUTO_TEST_CASE(a_bitfield_that_does_not_fit_is_a_fault) {
  for (const Bytes& bitfield : {Bytes{}, Bytes{0xff}, Bytes{0xf0, 0}}) {
    Line line;
    line.greet();
    line.open_lane();
    line.host.expect<OpenFile>(line.peer);
    line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, bitfield});
    line.expect_accusation();
  }
}

BOOST_AUTO_TEST_CASE(a_piece_beyond_the_file_is_a_fault) {
  Line line;
  line.open();
  line.host.inject(line.peer, line.fetcher.address, Have{line.fid, 3_piece});
  line.host.expect<PeerHas>(line.scheduler);
  line.host.inject(line.peer, line.fetcher.address, Have{line.fid, 4_piece});
  line.expect_accusation();
}

BOOST_AUTO_TEST_CASE(what_is_no_message_is_a_fault) {
  Line line;
  line.open();
  line.host.link_down(line.peer, LinkLoss::misbehaved);
  line.expect_accusation();
}

BOOST_AUTO_TEST_CASE(a_cancelled_block_may_still_come_and_is_not_used) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.host.discard();
  line.host.inject(line.scheduler.address, line.fetcher.address, CancelBlocks{{5}, 0_piece, {}});
  line.host.expect<CancelBlock>(line.peer);
  line.block(0);
  line.host.expect_silence(line.verifier.address);
  line.host.expect_silence(line.scheduler.address);
  BOOST_TEST(line.host.is_open(line.peer));
}

BOOST_AUTO_TEST_CASE(a_rejected_piece_goes_back_to_the_scheduler) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.host.discard();
  line.host.inject(line.peer, line.fetcher.address,
                   RejectBlock{line.fid, 0_piece, {}, RejectReason::not_have});
  BOOST_TEST((line.host.expect<PieceNotCome>(line.scheduler)->reason == RejectReason::not_have));
  line.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_busy_peer_gets_a_pause) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.host.expect<PieceWanted>(line.scheduler);
  line.fetch(1);
  line.requested();
  line.host.discard();
  line.host.inject(line.peer, line.fetcher.address, RejectBlock{line.fid, 0_piece, {}, RejectReason::busy});
  line.host.expect<PieceNotCome>(line.scheduler);
  line.fetch(2);
  line.requested();
  line.block(1);
  line.block(2);
  line.host.discard();
  line.host.advance(499ms);
  line.host.expect_silence();
  line.host.advance(1ms);
  line.host.expect<PieceWanted>(line.scheduler);
}

BOOST_AUTO_TEST_CASE(a_closed_file_answers_all_of_its_requests) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.host.discard();
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::logged_out});
  BOOST_TEST((line.host.expect<LaneClosed>(line.scheduler)->reason == CloseReason::logged_out));
  line.host.inject(line.scheduler.address, line.fetcher.address,
                   OpenLane{{5}, line.gid, line.fid, {4 * block_size.value - 100}, block_size});
  line.host.expect<OpenFile>(line.peer);
}

BOOST_AUTO_TEST_CASE(a_lane_that_is_closed_is_left_in_good_order) {
  Line line;
  line.open();
  line.fetch(0);
  line.requested();
  line.host.discard();
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.host.expect<CloseFile>(line.peer);
  line.block(0);  // was on its way
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.host.expect_silence();
  line.open_lane({6});  // the same file once more
  line.host.expect<OpenFile>(line.peer);
  BOOST_TEST(line.host.is_open(line.peer));
}

BOOST_AUTO_TEST_CASE(a_lane_that_is_opened_anew_is_not_taken_for_the_one_before) {
  Line line;
  line.greet();
  line.open_lane();
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.open_lane();
  line.host.discard();
  // The answers to OpenFile, CloseFile and OpenFile, with a block and a Have of the first lane between.
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0x00}});
  line.host.inject(line.peer, line.fetcher.address, Have{line.fid, 0_piece});
  line.block(0);
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.host.expect_silence();
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  BOOST_TEST((line.host.expect<LaneOpened>(line.scheduler)->bitfield == Bytes{0xf0}));
  line.host.expect<PieceWanted>(line.scheduler);
  line.fetch(1);
  line.requested();
  line.block(1);
  line.host.expect<BeginPiece>(line.verifier);
  line.host.expect<StoreBlock>(line.verifier);
}

BOOST_AUTO_TEST_CASE(a_close_that_crosses_with_the_peers_own_is_answered_once_more) {
  Line line;
  line.open();
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.open_lane();
  line.host.discard();
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::not_shared});
  line.host.expect_silence();
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.host.expect_silence();
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::not_shared});
  line.host.expect<LaneClosed>(line.scheduler);
}

BOOST_AUTO_TEST_CASE(one_peer_serves_several_downloads) {
  Line line;
  line.open();
  Fid other;
  other.bytes.fill(7);
  line.host.inject(line.scheduler.address, line.fetcher.address,
                   OpenLane{{6}, line.gid, other, 1000_bytes, block_size});
  line.host.expect<OpenFile>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, FileOpened{other, {0x80}});
  line.host.expect<LaneOpened>(line.scheduler);
  line.host.inject(line.scheduler.address, line.fetcher.address,
                   FetchPiece{{6}, 0_piece, 0, {0_block}, {}, {}, line.verifier.address});
  BOOST_TEST((line.requested().length == 1000_bytes));
  line.fetch(0);
  BOOST_TEST((line.requested().fid == line.fid));
}

// --- further links ----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_long_and_fast_way_gets_further_links_and_a_short_one_does_not) {
  BOOST_TEST(LongLine(1ms, 1ms).further_links().empty());
  BOOST_TEST(LongLine(50ms, 1ms).further_links().empty());  // a slow disk, or a busy machine
  LongLine line;
  const auto sides = line.further_links();
  BOOST_TEST_REQUIRE(!sides.empty());
  BOOST_TEST(sides.size() < RequestWindow::links_max);
  line.open_side(sides.front());
  line.host.expect_silence(line.scheduler.address);  // it is no matter for anybody else
  const std::uint32_t piece = line.asked_on(sides.front());
  line.host.discard();
  line.host.inject(sides.front(), line.fetcher.address, Block{line.fid, {piece}, {}},
                   Payload::own(Bytes(block_size.value)));
  BOOST_TEST((line.host.expect<BlockArrived>(line.scheduler)->piece == PieceIndex{piece}));
  BOOST_TEST(line.host.find<StoreBlock>(line.verifier.address).has_value());
  // What it has is believed on the first link only.
  line.host.discard();
  line.host.inject(sides.front(), line.fetcher.address, Have{line.fid, 3_piece});
  line.host.expect_silence(line.scheduler.address);
}

BOOST_AUTO_TEST_CASE(what_a_further_link_owes_is_asked_for_again_when_it_is_lost) {
  for (const bool closed : {false, true}) {
    LongLine line;
    const Address side = line.further_links().front();
    line.open_side(side);
    const std::uint32_t piece = line.asked_on(side);
    line.host.discard();
    if (closed) {
      line.host.inject(side, line.fetcher.address, FileClosed{line.fid, CloseReason::not_shared});
    } else {
      line.host.link_down(side);
    }
    BOOST_TEST(!line.host.is_open(side));
    const auto again = line.host.find<RequestBlock>(line.peer);
    BOOST_TEST_REQUIRE(again.has_value());
    BOOST_TEST((again->message.piece == PieceIndex{piece}));
    BOOST_TEST(!line.host.find<PeerLost>(line.scheduler.address).has_value());
    BOOST_TEST(!line.host.find<LaneClosed>(line.scheduler.address).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_lane_is_closed_and_opened_again_on_further_links_too) {
  LongLine line;
  const Address side = line.further_links().front();
  line.open_side(side);
  const std::uint32_t piece = line.asked_on(side);
  line.host.discard();
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.host.expect<CloseFile>(side);
  // It was on its way, and is no fault.
  line.host.advance(line.length_);
  line.host.inject(side, line.fetcher.address, Block{line.fid, {piece}, {}},
                   Payload::own(Bytes(block_size.value)));
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.host.discard();
  line.open_lane();
  line.host.expect<OpenFile>(line.peer);
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.host.expect<OpenFile>(side);
  line.host.inject(side, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.host.inject(side, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  BOOST_TEST(line.host.is_open(side));
  line.asked_on(side);
  BOOST_TEST(!line.host.find<PeerAtFault>(line.scheduler.address).has_value());
}

BOOST_AUTO_TEST_CASE(further_links_go_with_the_first_one_and_lead_to_nobody_else) {
  {
    LongLine line;
    const auto sides = line.further_links();
    line.open_side(sides.front());
    line.host.link_down(line.peer);
    BOOST_TEST(line.further_links().empty());
  }
  LongLine line;
  const Address side = line.further_links().front();
  line.host.link_up(side);
  line.host.inject(side, line.fetcher.address, PeerWelcome{1, client_key(4)});
  BOOST_TEST(!line.host.is_open(side));
  BOOST_TEST(!line.host.find<PeerLost>(line.scheduler.address).has_value());
}

BOOST_AUTO_TEST_CASE(who_stops_serving_a_file_may_have_its_blocks_on_their_way_over_further_links) {
  LongLine line;
  const Address side = line.further_links().front();
  line.open_side(side);
  const std::uint32_t piece = line.asked_on(side);
  line.host.discard();
  line.host.inject(line.peer, line.fetcher.address, FileClosed{line.fid, CloseReason::not_shared});
  line.host.inject(side, line.fetcher.address, Block{line.fid, {piece}, {}},
                   Payload::own(Bytes(block_size.value)));
  BOOST_TEST(!line.host.find<PeerAtFault>(line.scheduler.address).has_value());
  BOOST_TEST(!line.host.find<StoreBlock>(line.verifier.address).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
