// Blocks over sealed links, and over the others where there are none.

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/injection/peer/fetcher_lines.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;

/// A line to a peer that has said where its sealed door is.
template <class Base>
struct Sealed : Base {
  static SealedDoor said() {
    SealedDoor door{20'500, {}, {}};
    door.pass.bytes.fill(5);
    door.secret.bytes.fill(6);
    return door;
  }
  void say_where() { this->host.inject(this->peer, this->fetcher.address, said()); }
  std::vector<Address> sealed_links() const {
    std::vector<Address> found;
    for (const auto& each : this->host.links())
      if (each.kind == LinkKind::connect_sealed) found.push_back(each.address);
    return found;
  }
  /// The (first) sealed link stands, and the file is open there.
  Address open_sealed() {
    const Address link = sealed_links().at(0);
    stand(link);
    return link;
  }
  void stand(Address link) {
    this->host.link_up(link);
    this->host.template expect<PeerHello>(link);
    this->host.template expect<OpenFile>(link);
    this->host.inject(link, this->fetcher.address, PeerWelcome{3, client_key(3)});
    this->host.inject(link, this->fetcher.address, FileOpened{this->fid, {0xf0}});
  }
  std::size_t count_requests(Address link) const {
    const auto& said = this->host.outbox();
    return static_cast<std::size_t>(std::count_if(said.begin(), said.end(), [&](const Envelope& each) {
      return each.to == link && each.id == RequestBlock::message_id;
    }));
  }
  /// Which piece is asked for over this link next.
  std::uint32_t asked_for(Address link) {
    const auto request = this->host.template find<RequestBlock>(link);
    BOOST_TEST_REQUIRE(request.has_value());
    return request->message.piece.value;
  }
};

struct SealedLine : Sealed<Line> {
  SealedLine() {
    greet(3);
    say_where();
    open_lane();
    host.expect<OpenFile>(peer);
    host.inject(peer, fetcher.address, FileOpened{fid, {0xf0}});
    host.discard(scheduler.address);
  }
  /// The lane that was closed, once the first link has answered that; it is said over the sealed link that it is wanted, too.
  void open_again(Address sealed) {
    host.inject(peer, fetcher.address, FileClosed{fid, CloseReason::asked});
    host.discard();
    open_lane();
    host.expect<OpenFile>(peer);
    host.inject(peer, fetcher.address, FileOpened{fid, {0xf0}});
    host.expect<OpenFile>(sealed);
  }
};

BOOST_AUTO_TEST_SUITE(sealed_fetching)

BOOST_AUTO_TEST_CASE(blocks_go_over_the_sealed_link_as_soon_as_it_stands_and_nothing_waits_for_it) {
  SealedLine line;
  const InjectionHost::Link dialled = line.host.link(line.sealed_links().at(0));
  BOOST_TEST(dialled.endpoint == "127.0.0.1:20500");  // the host where the other link was dialled
  BOOST_TEST((dialled.key == link_key(3)));
  BOOST_TEST((dialled.pass == SealedPass{line.said().pass, line.said().secret}));
  line.fetch(0);
  BOOST_TEST(line.asked_for(line.peer) == 0U);
  const Address sealed = line.open_sealed();
  line.fetch(1);
  BOOST_TEST(line.asked_for(sealed) == 1U);
  line.fetch(2);
  BOOST_TEST(line.asked_for(sealed) == 2U);  // also if less is under way on the other one
  line.host.discard();
  line.block_over(sealed, 1);
  BOOST_TEST((line.host.expect<BlockArrived>(line.scheduler)->piece == 1_piece));
  line.block_over(line.peer, 0);  // what was asked for before comes as it was asked for
  BOOST_TEST(line.host.find<StoreBlock>(line.verifier.address).has_value());
  BOOST_TEST(line.host.faults().empty());
}

BOOST_AUTO_TEST_CASE(a_port_that_cannot_be_reached_costs_nothing) {
  SealedLine line;
  for (std::uint32_t piece = 0; piece < 3; ++piece) {
    line.fetch(piece);
    BOOST_TEST(line.asked_for(line.peer) == piece);
    line.block(piece);
  }
  BOOST_TEST(line.sealed_links().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_report_says_which_way_blocks_come) {
  const auto report = [](Line& line) {
    line.host.discard(line.scheduler.address);
    line.host.inject(line.scheduler.address, line.fetcher.address, ReportLane{{5}});
    return line.host.expect<LaneReported>(line.scheduler).message;
  };
  Line plain;
  plain.open();
  BOOST_TEST((report(plain).way == BlockWay::curve));
  BOOST_TEST(report(plain).sealed_port == 0u);
  SealedLine line;
  BOOST_TEST((report(line).way == BlockWay::sealed_unreachable));
  BOOST_TEST(report(line).sealed_port == 20'500u);
  BOOST_TEST((report(line).window >= block_size));
  const Address sealed = line.open_sealed();
  BOOST_TEST((report(line).way == BlockWay::sealed));
  line.host.link_down(sealed);
  BOOST_TEST((report(line).way == BlockWay::sealed_unreachable));
}

BOOST_AUTO_TEST_CASE(what_a_sealed_link_owes_is_asked_for_again_when_it_is_lost_and_it_comes_back) {
  SealedLine line;
  const Address sealed = line.open_sealed();
  line.fetch(1);
  line.asked_for(sealed);
  line.host.discard();
  line.host.link_down(sealed);
  BOOST_TEST(line.asked_for(line.peer) == 1U);
  BOOST_TEST(line.host.is_open(sealed));  // it dials again
  line.fetch(2);
  BOOST_TEST(line.asked_for(line.peer) == 2U);
  line.host.expect<PieceWanted>(line.scheduler);
  line.host.expect_silence(line.scheduler.address);
  line.stand(sealed);
  line.fetch(0);
  BOOST_TEST(line.asked_for(sealed) == 0U);
}

/// Whoever is on the way can end the link. Only who is at the other end can say what he may not.
BOOST_AUTO_TEST_CASE(a_spoilt_link_is_nobodys_fault_and_wrong_words_are) {
  SealedLine line;
  const Address sealed = line.open_sealed();
  line.host.discard();
  for (int i = 0; i < 20; ++i) {
    line.host.link_down(sealed, LinkLoss::disconnected);
    line.stand(sealed);
  }
  line.host.expect_silence(line.scheduler.address);
  line.host.link_down(sealed, LinkLoss::misbehaved);
  line.expect_accusation();
}

BOOST_AUTO_TEST_CASE(a_file_that_is_closed_there_leaves_the_sealed_link_to_others) {
  SealedLine line;
  const Address sealed = line.open_sealed();
  line.fetch(1);
  line.asked_for(sealed);
  line.host.discard();
  line.host.inject(sealed, line.fetcher.address, FileClosed{line.fid, CloseReason::busy});
  BOOST_TEST(line.asked_for(line.peer) == 1U);
  BOOST_TEST(line.host.is_open(sealed));
  // It is opened there again when the peer says it anew.
  line.host.inject(line.peer, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.host.expect<OpenFile>(sealed);
}

/// On a slow line its answers come long after those of the first link, behind the blocks that were on their way.
BOOST_AUTO_TEST_CASE(what_was_asked_for_between_two_closings_is_owed_until_the_second_is_answered) {
  SealedLine line;
  const Address sealed = line.open_sealed();
  const auto fetch = [&] {
    line.fetch(1);
    BOOST_TEST(line.asked_for(sealed) == 1U);
  };
  const auto reopen = [&] {
    line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
    line.host.expect<CloseFile>(sealed);
    line.open_again(sealed);
  };
  fetch();
  reopen();
  fetch();
  reopen();
  fetch();
  line.block_over(sealed, 1);
  line.host.inject(sealed, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.block_over(sealed, 1);
  BOOST_TEST(!line.host.find<BlockArrived>(line.scheduler.address).has_value());
  line.host.inject(sealed, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.block_over(sealed, 1);
  BOOST_TEST(line.host.find<BlockArrived>(line.scheduler.address).has_value());
  BOOST_TEST(!line.host.find<PeerAtFault>(line.scheduler.address).has_value());
}

BOOST_AUTO_TEST_CASE(a_lane_is_closed_and_opened_again_on_the_sealed_link_too) {
  SealedLine line;
  const Address sealed = line.open_sealed();
  line.fetch(1);
  line.asked_for(sealed);
  line.host.discard();
  line.host.inject(line.scheduler.address, line.fetcher.address, CloseLane{{5}});
  line.host.expect<CloseFile>(sealed);
  line.block_over(sealed, 1);  // it was on its way, and is no fault
  line.host.inject(sealed, line.fetcher.address, FileClosed{line.fid, CloseReason::asked});
  line.open_again(sealed);
  line.host.inject(sealed, line.fetcher.address, FileOpened{line.fid, {0xf0}});
  line.fetch(0);
  BOOST_TEST(line.asked_for(sealed) == 0U);
  BOOST_TEST(!line.host.find<PeerAtFault>(line.scheduler.address).has_value());
}

BOOST_AUTO_TEST_CASE(sealed_links_go_with_the_first_one) {
  SealedLine line;
  line.open_sealed();
  line.host.link_down(line.peer);
  BOOST_TEST(line.sealed_links().empty());
  line.host.discard();
  line.greet(3);
  BOOST_TEST(line.sealed_links().empty());  // the pass of before is good for nothing
  line.say_where();
  BOOST_TEST(line.sealed_links().size() == 1U);
}

BOOST_AUTO_TEST_CASE(on_a_long_and_fast_way_further_links_are_sealed_if_one_of_them_stands) {
  Sealed<LongLine> line;
  const std::size_t plain = line.further_links().size();
  BOOST_TEST(plain > 0U);
  line.say_where();
  line.open_sealed();
  line.host.discard();
  for (std::uint32_t i = 2; i < 12; ++i) line.pass_a_block(i % 3);
  BOOST_TEST(line.sealed_links().size() == RequestWindow::links_max);
  BOOST_TEST(line.further_links().size() == plain + line.sealed_links().size());
}

BOOST_AUTO_TEST_CASE(a_quarter_of_the_window_is_kept_for_a_sealed_link_that_is_on_its_way) {
  SealedLine line;
  constexpr auto blocks = static_cast<std::size_t>(RequestWindow::start.value / block_size.value);
  // What is asked for again is under way twice.
  for (std::uint32_t i = 0; i < blocks + 2; ++i) line.fetch(i % 4, i);
  BOOST_TEST(line.count_requests(line.peer) == blocks * 3 / 4);
  const Address sealed = line.open_sealed();
  BOOST_TEST(line.count_requests(sealed) == blocks / 4);
  BOOST_TEST(line.count_requests(line.peer) == blocks * 3 / 4);
}

BOOST_AUTO_TEST_CASE(a_further_link_is_asked_for_its_blocks_right_behind_the_greeting) {
  SealedLine line;
  for (std::uint32_t piece = 0; piece < 4; ++piece) line.fetch(piece);
  line.fetch(0, 1);
  line.fetch(1, 1);
  line.fetch(2, 1);
  const Address sealed = line.sealed_links().at(0);
  line.host.link_up(sealed);
  line.host.expect<PeerHello>(sealed);
  BOOST_TEST((line.host.expect<OpenFile>(sealed)->fid == line.fid));
  BOOST_TEST((line.host.expect<RequestBlock>(sealed)->piece == 2_piece));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
