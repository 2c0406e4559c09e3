#pragma once

#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "peer/fetcher.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace tutti::test {

/// A fetcher for one file of 4 pieces of 512 KiB (the last shorter by 100 bytes), in download 5.
struct Line {
  Line() {
    gid.bytes.fill(1);
    fid.bytes.fill(2);
    FetcherOptions options;
    options.endpoint = "127.0.0.1:7000";
    options.expected = client_key(3);
    options.self = client_key(9);
    fetcher = host.spawn<FetcherRole>("fetcher", std::make_unique<Fetcher>(options, scheduler));
    peer = host.link_to("127.0.0.1:7000");
  }
  void greet(std::uint16_t version = peer_fetching_version_min) {
    host.link_up(peer);
    BOOST_TEST((host.expect<PeerHello>(peer)->client == client_key(9)));
    host.advance(way);
    host.inject(peer, fetcher.address, PeerWelcome{version, client_key(3)});
    host.expect<PeerReady>(scheduler);
  }
  void open_lane(DownloadId download = {5}) {
    host.inject(scheduler.address, fetcher.address,
                OpenLane{download, gid, fid, {4 * block_size.value - 100}, block_size});
  }
  void open() {
    greet();
    open_lane();
    host.expect<OpenFile>(peer);
    host.inject(peer, fetcher.address, FileOpened{fid, {0xf0}});
    host.expect<LaneOpened>(scheduler);
    host.expect<PieceWanted>(scheduler);
  }
  void fetch(std::uint32_t piece, std::uint32_t attempt = 0) {
    host.inject(scheduler.address, fetcher.address,
                FetchPiece{{5}, {piece}, attempt, {0_block}, {}, {}, verifier.address});
  }
  RequestBlock requested() { return host.expect<RequestBlock>(peer).message; }
  void block(std::uint32_t piece, std::size_t size = block_size.value) { block_over(peer, piece, size); }
  void block_over(Address link, std::uint32_t piece, std::size_t size = block_size.value) {
    host.inject(link, fetcher.address, Block{fid, {piece}, {}}, Payload::own(Bytes(size)));
  }
  void expect_accusation() {
    BOOST_TEST(!host.expect<PeerAtFault>(scheduler)->sentence.empty());
    BOOST_TEST(!host.is_open(peer));
    host.expect_silence();
  }

  Duration way{};  ///< how long a greeting takes
  InjectionHost host;
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<HashVerifierRole> verifier = host.probe<HashVerifierRole>();
  Ref<FetcherRole> fetcher;
  Address peer;
  Gid gid;
  Fid fid;
};

/// A line that is 50 ms long and carries 40 MB/s, of which a second has passed.
struct LongLine : Line {
  explicit LongLine(Duration length = std::chrono::milliseconds(50),
                    Duration greeting = std::chrono::milliseconds(50))
      : length_(length) {
    way = greeting;
    open();
    host.inject(scheduler.address, fetcher.address, LimitRequests{24_MiB});
    for (int i = 0; i < 80; ++i) pass_a_block(static_cast<std::uint32_t>(i % 3));
    host.discard();
  }
  /// A block is asked for, and comes 13 ms after the one before it, but not before the line's length is over.
  void pass_a_block(std::uint32_t piece) {
    fetch(piece, ++attempt_);
    asked_.emplace_back(piece, host.time());
    if (asked_.size() < 3) return;
    const auto [first, at] = asked_.front();
    asked_.pop_front();
    host.advance(std::max<Duration>(at + length_ - host.time(), std::chrono::milliseconds(13)));
    block_over(asked_over(first), first);
    host.inject(verifier.address, fetcher.address, BlockStored{block_size});
  }
  Address asked_over(std::uint32_t piece) const {
    for (auto each = host.outbox().rbegin(); each != host.outbox().rend(); ++each)
      if (each->id == RequestBlock::message_id && decode<RequestBlock>(each->body)->piece.value == piece)
        return each->to;
    return peer;
  }
  std::vector<Address> further_links() const {
    std::vector<Address> others;
    for (const auto& each : host.links())
      if (each.address != peer) others.push_back(each.address);
    return others;
  }
  void open_side(Address side) {
    host.link_up(side);
    host.expect<PeerHello>(side);
    host.expect<OpenFile>(side);
    host.inject(side, fetcher.address, PeerWelcome{3, client_key(3)});
    host.inject(side, fetcher.address, FileOpened{fid, {0xf0}});
  }
  /// Lets blocks be asked for until one is on `side`; which.
  std::uint32_t asked_on(Address side) {
    for (std::uint32_t piece = 0; piece < 3; ++piece) {
      fetch(piece, ++attempt_);
      if (const auto request = host.find<RequestBlock>(side)) return request->message.piece.value;
    }
    BOOST_FAIL("nothing is asked for over a further link");
    return 0;
  }

  Duration length_;
  std::uint32_t attempt_ = 0;
  std::deque<std::pair<std::uint32_t, Instant>> asked_;
};

}  // namespace tutti::test
