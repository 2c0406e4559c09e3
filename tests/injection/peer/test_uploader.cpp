#include <boost/test/unit_test.hpp>

#include "peer/uploader.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;

constexpr ByteCount block{512U << 10U};

/// An uploader that serves a file of 3 pieces, of which it has the first and the last.
struct Counter {
  Counter() {
    gid.bytes.fill(1);
    fid.bytes.fill(2);
    uploader = host.spawn<UploaderRole>(
        "uploader", std::make_unique<Uploader>(UploaderOptions{"127.0.0.1:7000", client_key(9), ""},
                                               Uploader::Others{storage, link, scheduler}, door));
    host.expect<NowServing>(link);
    host.expect<WatchLimits>(storage);
    serve();
  }
  void serve(std::uint8_t bitfield = 0b1010'0000, const std::string& path = "/film") {
    host.inject(
        owner.address, uploader.address,
        ServeFile{gid, fid, {"lab"}, {"film"}, path, {3 * block.value - 100}, block, {bitfield}, identity});
  }
  /// A download of the same file says what it has.
  void serve_part(const std::string& path, std::uint8_t bitfield) {
    host.inject(owner.address, uploader.address,
                ServeFile{gid, fid, {"lab"}, {"film"}, path, {3 * block.value - 100}, block, {bitfield}, {}});
  }
  Address peer(std::uint8_t client = 3) {
    const Address link_address = host.accept(door->address, "127.0.0.1:40000", link_key(client));
    greet(link_address, client);
    if (speaks >= 3) pass = pass_of(host.expect<SealedDoor>(link_address).message);
    return link_address;
  }
  void greet(Address link_address, std::uint8_t client = 3) {
    host.inject(link_address, uploader.address, PeerHello{1, speaks, client_key(client)});
    BOOST_TEST((host.expect<PeerWelcome>(link_address)->client == client_key(9)));
  }
  static SealedPass pass_of(const SealedDoor& told) { return {told.pass, told.secret}; }
  Address sealed_door() const {
    for (const auto& each : host.links())
      if (each.kind == LinkKind::listen_sealed) return each.address;
    return {};
  }
  /// The peer that came last comes in at the sealed door as well.
  Address sealed(std::uint8_t client = 3) {
    const Address link_address = host.accept_sealed(sealed_door(), pass.id);
    greet(link_address, client);
    return link_address;
  }
  /// By the trackers' clock.
  std::uint64_t tracker_time() const {
    return 1'000'000 +
           static_cast<std::uint64_t>(
               std::chrono::duration_cast<std::chrono::milliseconds>(host.time() - begun).count());
  }
  TicketRules rules(std::uint64_t epoch = 1) const { return {epoch, tracker_time(), {keys.key}}; }
  PeerTicket ticket(std::uint8_t client, std::uint64_t epoch = 1) const {
    return signed_ticket(keys, gid, client_key(client), epoch, tracker_time() + 60'000);
  }
  void show(Address from, const PeerTicket& ticket) {
    host.inject(from, uploader.address, ShowTicket{ticket});
  }
  /// The trackers' answer to the oldest question by what tickets are checked, if there is one.
  bool told_if_asked(TrackerAnswer answer) {
    const auto ask = host.find<Ask>(link.address);
    if (!ask) return false;
    BOOST_TEST_REQUIRE(((*ask)->what.get<AskTicketRules>() != nullptr));
    host.inject(link.address, uploader.address, Told{(*ask)->command, std::move(answer), false, {}});
    return true;
  }
  void told(TrackerAnswer answer) { BOOST_TEST_REQUIRE(told_if_asked(std::move(answer))); }
  /// A member opens the file; says which pieces there are.
  Bytes open(Address address, std::uint8_t client = 3) {
    show(address, ticket(client));
    host.inject(address, uploader.address, OpenFile{gid, fid});
    told_if_asked(rules());
    BOOST_TEST((host.expect<FileWanted>(scheduler)->client == client_key(client)));
    return host.expect<FileOpened>(address)->bitfield;
  }
  Address peer_with_file(std::uint8_t client = 3) {
    const Address address = peer(client);
    open(address, client);
    return address;
  }
  void request(Address from, std::uint32_t piece, ByteCount offset = {}, ByteCount length = block) {
    host.inject(from, uploader.address, RequestBlock{fid, {piece}, offset, length});
  }
  /// Storage reads what it was asked for first.
  void read_one() {
    const auto read = host.expect<ReadBlock>(storage);
    host.inject(storage.address, uploader.address, BlockRead{read->tag},
                Payload::own(Bytes(read->length.value)));
  }
  /// All that it was asked for; how many blocks that were.
  std::size_t read_all() {
    std::size_t reads = 0;
    for (; auto read = host.find<ReadBlock>(storage.address); ++reads)
      host.inject(storage.address, uploader.address, BlockRead{read->message.tag},
                  Payload::own(Bytes(block.value)));
    return reads;
  }
  /// Time passes, and what is to be read meanwhile is.
  void read_for(Duration time) {
    for (const Instant until = host.time() + time; host.time() < until; read_all())
      host.advance(std::chrono::milliseconds(500));
  }
  RejectReason rejected(Address peer) { return host.expect<RejectBlock>(peer)->reason; }

  std::uint16_t speaks = 1;  ///< the highest version that peers know
  SealedPass pass;           ///< that the last of them was given
  InjectionHost host;
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<TrackerLinkRole> link = host.probe<TrackerLinkRole>();
  Ref<LibrarianRole> owner = host.probe<LibrarianRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  const SigningKeys keys = signing_keys_of({7});
  const Instant begun = host.time();
  std::shared_ptr<Opened> door = std::make_shared<Opened>();
  FileIdentity identity{{3 * block.value - 100}, 1, 2, 3};
  Gid gid;
  Fid fid;
  Ref<UploaderRole> uploader;
};

BOOST_AUTO_TEST_SUITE(uploader)

BOOST_AUTO_TEST_CASE(a_door_that_does_not_open_is_reported) {
  InjectionHost host;
  host.refuse_endpoint("127.0.0.1:1", "in use");
  auto door = std::make_shared<Opened>();
  const auto link = host.probe<TrackerLinkRole>();
  host.spawn<UploaderRole>(
      "uploader", std::make_unique<Uploader>(UploaderOptions{"127.0.0.1:1", client_key(9), ""},
                                             Uploader::Others{host.probe<StorageRole>(), link, {}}, door));
  BOOST_TEST(door->fault == "in use");
  host.expect_silence();
}

BOOST_AUTO_TEST_CASE(an_address_that_means_any_is_not_announced) {
  InjectionHost host;
  const auto link = host.probe<TrackerLinkRole>();
  host.spawn<UploaderRole>("uploader",
                           std::make_unique<Uploader>(UploaderOptions{"0.0.0.0:7000", client_key(9), ""},
                                                      Uploader::Others{host.probe<StorageRole>(), link, {}},
                                                      std::make_shared<Opened>()));
  const auto serving = host.expect<NowServing>(link);
  BOOST_TEST(serving->host.empty());
  BOOST_TEST(serving->port == 7000);
  BOOST_TEST(
      host.is_open(host.link_to("0.0.0.0:20001")));  // the sealed door, at a port of the system's choice
}

BOOST_AUTO_TEST_CASE(serves_the_pieces_it_has) {
  Counter counter;
  const Address peer = counter.peer();
  BOOST_TEST((counter.open(peer) == Bytes{0b1010'0000}));
  counter.request(peer, 2, {}, {block.value - 100});
  const auto read = counter.host.expect<ReadBlock>(counter.storage);
  BOOST_TEST((read->offset == ByteCount{2 * block.value}));
  BOOST_TEST((read->identity == counter.identity));
  counter.host.inject(counter.storage.address, counter.uploader.address, BlockRead{read->tag},
                      Payload::own(Bytes(block.value - 100, 5)));
  const auto answer = counter.host.expect<Block>(peer);
  BOOST_TEST((answer->piece == 2_piece));
  BOOST_TEST(answer.payload.size() == block.value - 100);
}

BOOST_AUTO_TEST_CASE(rejects_what_it_has_not_and_what_is_not_there) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.request(peer, 1);
  BOOST_TEST((counter.rejected(peer) == RejectReason::not_have));
  counter.request(peer, 77);
  BOOST_TEST((counter.rejected(peer) == RejectReason::not_have));
  counter.request(peer, 2);  // the last piece is 100 bytes shorter
  BOOST_TEST((counter.rejected(peer) == RejectReason::not_have));
  counter.request(peer, 0, block, 1_bytes);
  BOOST_TEST((counter.rejected(peer) == RejectReason::not_have));
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(answers_keep_the_order_of_the_requests) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0);
  counter.request(peer, 1);
  counter.request(peer, 0);
  const auto first = counter.host.expect<ReadBlock>(counter.storage);
  const auto second = counter.host.expect<ReadBlock>(counter.storage);
  counter.host.inject(counter.storage.address, counter.uploader.address, BlockRead{second->tag},
                      Payload::own(Bytes(9)));
  counter.host.expect_silence(peer);
  counter.host.inject(counter.storage.address, counter.uploader.address, BlockRead{first->tag},
                      Payload::own(Bytes(8)));
  BOOST_TEST(counter.host.expect<Block>(peer).payload.size() == 8u);
  counter.rejected(peer);
  BOOST_TEST(counter.host.expect<Block>(peer).payload.size() == 9u);
}

BOOST_AUTO_TEST_CASE(those_who_fetch_a_file_hear_of_each_other_at_once) {
  Counter counter;
  const auto named = [&](std::initializer_list<std::uint8_t> numbers) {
    std::vector<ClientKey> keys;
    for (const std::uint8_t number : numbers) keys.push_back(client_key(number));
    return keys;
  };
  const auto open = [&](std::uint8_t client) {
    const Address peer = counter.host.accept(counter.door->address, "127.0.0.1:40000", link_key(client));
    counter.host.inject(peer, counter.uploader.address, PeerHello{1, 7, client_key(client)});
    BOOST_TEST(counter.host.expect<PeerWelcome>(peer)->version == peer_peer_version);
    counter.host.expect<SealedDoor>(peer);
    counter.show(peer, counter.ticket(client));
    counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, counter.fid});
    counter.told_if_asked(counter.rules());
    counter.host.advance(20 * Uploader::tell_pause);
    return peer;
  };
  const auto told = [&](Address peer) { return counter.host.expect<FileFetchers>(peer)->clients; };
  // Who comes first hears of nobody.
  const Address first = open(4);
  counter.host.expect<FileOpened>(first);
  const Address second = open(3);
  BOOST_TEST((told(first) == named({3, 4})));
  BOOST_TEST((told(second) == named({3, 4})));
  counter.host.expect<FileOpened>(second);
  counter.request(second, 0);
  counter.host.expect_silence(second);
  // One that speaks version 1 perhaps only looks: it counts when it asks for something, and is told nothing.
  const Address old = counter.peer(6);
  counter.show(old, counter.ticket(6));
  counter.host.inject(old, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<FileOpened>(old);
  counter.host.expect_silence(first);
  counter.request(old, 0);
  BOOST_TEST((told(first) == named({3, 4, 6})));
  BOOST_TEST((told(second) == named({3, 4, 6})));
  // A further link of somebody who is known changes nothing, and hears of all before it can ask.
  const Address further = open(3);
  BOOST_TEST((told(further) == named({3, 4, 6})));
  counter.host.expect<FileOpened>(further);
  counter.host.expect_silence(first);
  counter.host.link_down(further);
  counter.host.link_down(old);
  BOOST_TEST((told(first) == named({3, 4})));
  BOOST_TEST((told(second) == named({3, 4})));
  // What follows at once is told a little later.
  counter.host.inject(second, counter.uploader.address, CloseFile{counter.fid});
  counter.host.expect<FileClosed>(second);
  counter.host.expect_silence(first);
  counter.host.advance(3 * Uploader::tell_pause);
  BOOST_TEST((told(first) == named({4})));
  counter.host.expect_silence(second);
}

BOOST_AUTO_TEST_CASE(a_new_piece_is_announced_to_those_who_want_the_file) {
  Counter counter;
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::logged_out});
  counter.serve_part("/part", 0b1010'0000);
  const Address wants = counter.peer_with_file();
  const Address idle = counter.peer();
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      ServePiece{counter.gid, counter.fid, "/part", 1_piece});
  BOOST_TEST((counter.host.expect<Have>(wants)->piece == 1_piece));
  counter.host.expect_silence(idle);
  counter.request(wants, 1);
  counter.host.expect<ReadBlock>(counter.storage);
}

BOOST_AUTO_TEST_CASE(what_is_not_shared_is_not_opened) {
  Counter counter;
  const Address peer = counter.peer();
  Fid other = counter.fid;
  other.bytes[0] ^= 1;
  counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, other});
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::not_shared));
  Gid elsewhere = counter.gid;
  elsewhere.bytes[0] ^= 1;
  counter.host.inject(peer, counter.uploader.address, OpenFile{elsewhere, counter.fid});
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::not_shared));
  counter.request(peer, 0);
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(without_a_hello_nothing_is_opened) {
  Counter counter;
  const Address peer = counter.host.accept(counter.door->address, "127.0.0.1:40000", link_key(3));
  counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<FileClosed>(peer);
  counter.host.inject(peer, counter.uploader.address, PeerHello{7, 9, client_key(3)});
  counter.host.expect<PeerUnwelcome>(peer);
}

BOOST_AUTO_TEST_CASE(stopping_closes_the_file_at_everybody_and_drops_their_requests) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0);
  const auto read = counter.host.expect<ReadBlock>(counter.storage);
  counter.request(peer, 0);
  counter.host.expect<ReadBlock>(counter.storage);
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::logged_out});
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::logged_out));
  counter.host.inject(counter.storage.address, counter.uploader.address, BlockRead{read->tag},
                      Payload::own(Bytes(8)));
  counter.request(peer, 0);
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_file_that_has_changed_is_closed_and_its_owner_hears_of_it) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0);
  const auto read = counter.host.expect<ReadBlock>(counter.storage);
  counter.host.inject(counter.storage.address, counter.uploader.address,
                      BlockUnreadable{read->tag, Code::file_conflict, "changed"});
  BOOST_TEST((counter.host.expect<ServingFailed>(counter.owner)->code == Code::file_conflict));
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::file_changed));
  counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<FileClosed>(peer);
}

BOOST_AUTO_TEST_CASE(a_greedy_peer_is_bounded_and_does_not_starve_another) {
  Counter counter;
  const Address greedy = counter.peer_with_file();
  const Address modest = counter.peer_with_file();
  for (std::uint32_t i = 0; i < requests_waiting_max; ++i) counter.request(greedy, 0);
  counter.request(greedy, 0);
  BOOST_TEST((counter.rejected(greedy) == RejectReason::busy));
  counter.request(modest, 0);
  std::size_t reads = 0;
  while (!counter.host.find<Block>(modest)) {
    counter.read_one();
    counter.host.discard(greedy);
    counter.host.advance(std::chrono::milliseconds(50));
    BOOST_TEST_REQUIRE(++reads <= Uploader::reads_max + 1);
  }
}

BOOST_AUTO_TEST_CASE(a_cancelled_request_is_rejected_as_such) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  for (std::size_t i = 0; i < Uploader::reads_a_link; ++i) counter.request(peer, 0);
  counter.request(peer, 2, {}, {block.value - 100});
  counter.host.inject(peer, counter.uploader.address, CancelBlock{counter.fid, 2_piece, {}});
  // Nothing that was asked for before holds it up.
  BOOST_TEST((counter.rejected(peer) == RejectReason::cancelled));
  for (std::size_t i = 0; i < Uploader::reads_a_link; ++i) {
    counter.read_one();
    counter.host.expect<Block>(peer);
  }
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_cancelled_request_is_rejected_behind_a_block_of_the_same_bytes) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  for (std::size_t i = 0; i < Uploader::reads_a_link + 1; ++i) counter.request(peer, 0);
  counter.host.inject(peer, counter.uploader.address, CancelBlock{counter.fid, 0_piece, {}});
  for (std::size_t i = 0; i < LineFill::least.value / block.value; ++i) {
    BOOST_TEST(!counter.host.find<RejectBlock>(peer).has_value());
    counter.read_one();
    counter.host.expect<Block>(peer);
  }
  BOOST_TEST((counter.rejected(peer) == RejectReason::cancelled));
}

BOOST_AUTO_TEST_CASE(a_peer_that_leaves_takes_its_requests_with_it) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  const Address other = counter.peer_with_file();
  for (std::size_t i = 0; i < 10; ++i) counter.request(peer, 0);
  counter.host.link_down(peer);
  for (std::size_t i = 0; i < LineFill::least.value / block.value; ++i) counter.read_one();
  counter.host.expect_silence();
  counter.request(other, 0);
  counter.read_one();
  counter.host.expect<Block>(other);
}

BOOST_AUTO_TEST_CASE(who_says_hello_in_anothers_name_is_closed) {
  Counter counter;
  const Address liar = counter.host.accept(counter.door->address, "127.0.0.1:40000", link_key(4));
  counter.host.inject(liar, counter.uploader.address, PeerHello{1, 1, client_key(3)});
  BOOST_TEST(!counter.host.is_open(liar));
  counter.host.expect_silence();
  // Nor may who has been welcomed become another one.
  const Address peer = counter.peer_with_file();
  counter.host.inject(peer, counter.uploader.address, PeerHello{1, 1, client_key(4)});
  BOOST_TEST(!counter.host.is_open(peer));
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_new_hello_is_a_new_conversation) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0);
  counter.host.inject(peer, counter.uploader.address, PeerHello{1, 1, client_key(3)});
  counter.host.expect<PeerWelcome>(peer);
  counter.read_one();
  counter.request(peer, 0);
  counter.host.expect_silence();  // nothing is open
}

BOOST_AUTO_TEST_CASE(closing_answers_what_is_under_way) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0);
  counter.host.inject(peer, counter.uploader.address, CloseFile{counter.fid});
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::asked));
  counter.read_one();
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_download_does_not_displace_the_whole_file) {
  Counter counter;
  counter.serve(0b1110'0000);
  const Address peer = counter.peer_with_file();
  counter.serve_part("/elsewhere", 0);
  counter.request(peer, 0);
  BOOST_TEST(counter.host.expect<ReadBlock>(counter.storage)->path == "/film");
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/elsewhere", CloseReason::not_shared});
  counter.host.expect_silence();
  counter.request(peer, 0);
  counter.host.expect<ReadBlock>(counter.storage);
}

BOOST_AUTO_TEST_CASE(downloads_of_one_file_are_served_together_until_it_is_whole) {
  Counter counter;
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::logged_out});
  counter.serve_part("/one", 0b1000'0000);
  const Address peer = counter.peer_with_file();
  counter.serve_part("/two", 0b0100'0000);
  BOOST_TEST((counter.host.expect<FileOpened>(peer)->bitfield == Bytes{0b1100'0000}));
  counter.request(peer, 1);
  BOOST_TEST(counter.host.expect<ReadBlock>(counter.storage)->path == "/two");
  counter.request(peer, 0);
  BOOST_TEST(counter.host.expect<ReadBlock>(counter.storage)->path == "/one");
  counter.serve(0b1110'0000);
  counter.host.expect<FileOpened>(peer);
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/one", CloseReason::not_shared});
  counter.request(peer, 0);
  BOOST_TEST(counter.host.expect<ReadBlock>(counter.storage)->path == "/film");
}

BOOST_AUTO_TEST_CASE(a_share_of_a_part_does_not_hide_what_is_fetched_beside_it) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.serve_part("/one", 0b0100'0000);
  BOOST_TEST((counter.host.expect<FileOpened>(peer)->bitfield == Bytes{0b1110'0000}));
  counter.request(peer, 1);
  BOOST_TEST(counter.host.expect<ReadBlock>(counter.storage)->path == "/one");
  // One share a file: another part of it takes the place of the first.
  counter.serve(0b0010'0000, "/other");
  BOOST_TEST((counter.host.expect<FileOpened>(peer)->bitfield == Bytes{0b0110'0000}));
}

BOOST_AUTO_TEST_CASE(what_only_a_copy_had_that_is_gone_is_not_read_from_another) {
  Counter counter;
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::logged_out});
  counter.serve_part("/one", 0b1000'0000);
  counter.serve_part("/two", 0b0100'0000);
  const Address peer = counter.peer_with_file();
  for (std::size_t i = 0; i < Uploader::reads_a_link; ++i) counter.request(peer, 1);
  counter.request(peer, 0);
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/one", CloseReason::not_shared});
  for (std::size_t i = 0; i < Uploader::reads_a_link; ++i) {
    counter.read_one();
    counter.host.expect<Block>(peer);
  }
  BOOST_TEST((counter.rejected(peer) == RejectReason::not_have));
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_copy_that_cannot_be_read_gives_way_to_another) {
  Counter counter;
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::logged_out});
  counter.serve_part("/one", 0b1000'0000);
  counter.serve_part("/two", 0b1000'0000);
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0);
  const auto read = counter.host.expect<ReadBlock>(counter.storage);
  counter.host.inject(counter.storage.address, counter.uploader.address,
                      BlockUnreadable{read->tag, Code::io_error, "bad sector"});
  BOOST_TEST(counter.host.expect<ServingFailed>(counter.owner)->path == "/one");
  BOOST_TEST(counter.host.expect<ReadBlock>(counter.storage)->path == "/two");
  counter.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(for_a_peer_that_takes_nothing_no_more_is_read) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  constexpr std::size_t held = Uploader::untaken_max / block.value;
  for (std::size_t i = 0; i < 2 * held; ++i) counter.request(peer, 0);
  std::size_t reads = 0;
  for (std::size_t i = 0; i < held; ++i) {
    while (auto read = counter.host.find<ReadBlock>(counter.storage.address)) {
      counter.host.inject(counter.storage.address, counter.uploader.address, BlockRead{read->message.tag},
                          Payload::own(Bytes(block.value)));
      BOOST_TEST_REQUIRE(++reads < held + Uploader::reads_a_link);
    }
    counter.host.advance(std::chrono::seconds(1));  // what is silent claims the line no more
  }
  BOOST_TEST(reads >= held);
  counter.host.advance(std::chrono::seconds(1));
  counter.host.expect_silence(counter.storage.address);
  counter.host.discard(peer);  // now it has taken them
  counter.host.advance(std::chrono::seconds(1));
  counter.host.expect<ReadBlock>(counter.storage);
}

BOOST_AUTO_TEST_CASE(whoever_takes_nothing_for_long_is_hung_up_on) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  for (std::size_t i = 0; i < 2 * Uploader::untaken_max / block.value; ++i) counter.request(peer, 0);
  counter.read_for(UntakenBlocks::patience / 2);
  BOOST_TEST(counter.host.is_open(peer));
  counter.host.expect<Block>(peer);  // it takes one
  counter.read_for(UntakenBlocks::patience - std::chrono::seconds(1));
  BOOST_TEST(counter.host.is_open(peer));
  counter.read_for(std::chrono::seconds(2));
  BOOST_TEST(!counter.host.is_open(peer));
}

BOOST_AUTO_TEST_CASE(whoever_confirms_a_part_of_a_block_now_and_then_is_not_hung_up_on) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  for (std::size_t i = 0; i < 2 * Uploader::untaken_max / block.value; ++i) counter.request(peer, 0);
  std::uint64_t confirmed = 0;
  for (int i = 0; i < 5; ++i) {
    counter.show(peer, counter.ticket(3));
    counter.host.set_outflow(peer, {confirmed += 3000, 1000});
    counter.read_for(UntakenBlocks::patience - std::chrono::seconds(1));
    BOOST_TEST(counter.host.is_open(peer));
  }
  counter.read_for(std::chrono::seconds(2));
  BOOST_TEST(!counter.host.is_open(peer));
}

BOOST_AUTO_TEST_CASE(over_a_line_that_is_slow_few_are_served_at_a_time) {
  Counter counter;
  // 125 KB/s, shared by all who have something under way; no block is taken as a whole within these ten seconds.
  std::map<Address, std::uint64_t> confirmed;
  for (std::uint8_t number = 4; number < 44; ++number) {
    const Address peer = counter.peer(number);
    counter.show(peer, counter.ticket(number));
    counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, counter.fid});
    counter.told_if_asked(counter.rules());
    counter.host.set_outflow(peer, {});
    counter.request(peer, 0);
  }
  std::set<Address> has;
  for (int i = 0; i < 1000; ++i) {
    counter.read_all();
    for (const Envelope& said : counter.host.outbox())
      if (said.id == Block::message_id) has.insert(said.to);
    for (const Address peer : has) counter.host.set_outflow(peer, {confirmed[peer] += 1250 / has.size(), 0});
    counter.host.advance(std::chrono::milliseconds(10));
  }
  BOOST_TEST(has.size() >= LineFill::least.value / block.value);
  BOOST_TEST(has.size() <= 2 * LineFill::least.value / block.value);
}

BOOST_AUTO_TEST_CASE(what_the_system_holds_unsent_is_on_its_way) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  for (std::size_t i = 0; i < 4 * LineFill::least.value / block.value; ++i) counter.request(peer, 0);
  counter.host.set_outflow(peer, {0, 0});
  BOOST_TEST(counter.read_all() == LineFill::least.value / block.value);
  counter.host.set_outflow(peer, {0, LineFill::least.value});
  counter.host.advance(std::chrono::milliseconds(20));
  counter.host.discard(peer);  // the system has taken all of it
  counter.host.advance(std::chrono::milliseconds(20));
  BOOST_TEST(counter.read_all() == 0U);
  counter.host.set_outflow(peer, {LineFill::least.value, 0});
  counter.host.advance(std::chrono::milliseconds(100));
  BOOST_TEST(counter.read_all() > 0U);
}

BOOST_AUTO_TEST_CASE(if_many_take_nothing_others_are_served_on) {
  Counter counter;
  std::vector<Address> silent;
  std::size_t reads = 0;
  for (std::uint8_t number = 4; number < 24; ++number) {
    silent.push_back(counter.peer(number));
    counter.show(silent.back(), counter.ticket(number));
    counter.host.inject(silent.back(), counter.uploader.address, OpenFile{counter.gid, counter.fid});
    counter.told_if_asked(counter.rules());
    for (int i = 0; i < 8; ++i) counter.request(silent.back(), 0);
    reads += counter.read_all();
  }
  // Together they have what the line is thought to hold, and not what they ask for.
  BOOST_TEST(reads == LineFill::least.value / block.value);
  for (int i = 0; i < 100; ++i) {
    counter.host.advance(std::chrono::milliseconds(100));
    reads += counter.read_all();
  }
  BOOST_TEST(reads * block.value <= Uploader::untaken_by_all_max);
  const Address good = counter.peer(200);
  counter.show(good, counter.ticket(200));
  counter.host.inject(good, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.discard(good);
  for (int i = 0; i < 8; ++i) {
    counter.request(good, 0);
    bool came = false;
    for (int wait = 0; wait < 20 && !came; ++wait) {
      counter.host.advance(std::chrono::milliseconds(50));
      counter.read_all();
      came = counter.host.find<Block>(good).has_value();
    }
    BOOST_TEST_REQUIRE(came);
  }
}

/// `before` has been given piece 0 once. Which piece `asks` is given first of 0 and 2.
PieceIndex given_first(Counter& counter, Address before, Address asks) {
  // As many as are read at a time, so that the rest wait.
  for (std::size_t i = 0; i < LineFill::least.value / block.value; ++i) counter.request(before, 0);
  counter.request(asks, 0);
  counter.request(asks, 2, {}, {block.value - 100});
  for (;;) {
    counter.read_one();
    if (const auto given = counter.host.find<Block>(asks)) return given->message.piece;
    counter.host.discard(before);
    counter.host.advance(std::chrono::milliseconds(50));
  }
}

BOOST_AUTO_TEST_CASE(what_was_given_to_nobody_goes_before_what_somebody_has) {
  Counter counter;
  const Address first = counter.peer_with_file(3);
  counter.request(first, 0);
  counter.read_one();
  counter.host.expect<Block>(first);
  BOOST_TEST((given_first(counter, first, counter.peer_with_file(4)) == 2_piece));
}

BOOST_AUTO_TEST_CASE(a_client_is_one_over_however_many_links_and_when_it_comes_back) {
  for (const bool comes_back : {true, false}) {
    Counter counter;
    counter.peer_with_file(4);  // somebody fetches all the time
    const Address first = counter.peer_with_file(3);
    counter.request(first, 0);
    counter.read_one();
    counter.host.expect<Block>(first);
    if (comes_back) {
      counter.host.inject(first, counter.uploader.address, CloseFile{counter.fid});
      counter.host.expect<FileClosed>(first);
      counter.open(first);
    }
    // What he was given himself counts for nobody's disadvantage: his piece stands where the other one does.
    BOOST_TEST((given_first(counter, first, counter.peer_with_file(3)) == 0_piece));
  }
}

BOOST_AUTO_TEST_CASE(only_who_shows_a_ticket_is_let_in) {
  Counter counter;
  counter.speaks = 3;
  const Address member = counter.peer(3);
  const Address stranger = counter.peer(4);
  counter.host.inject(member, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<TicketWanted>(member);
  counter.host.inject(stranger, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<TicketWanted>(stranger);
  counter.request(stranger, 0);
  BOOST_TEST((counter.rejected(stranger) == RejectReason::busy));  // before anything is open
  counter.show(member, counter.ticket(3));
  counter.host.expect_silence(member);
  counter.told(counter.rules());
  counter.host.expect<FileOpened>(member);
  counter.host.advance(Uploader::knock_patience);
  BOOST_TEST((counter.host.expect<FileClosed>(stranger)->reason == CloseReason::busy));
  counter.request(stranger, 0);
  counter.host.expect_silence(stranger);
  counter.host.expect_silence(counter.storage.address);
}

BOOST_AUTO_TEST_CASE(those_who_are_let_in_together_hear_of_all_before_their_file_is_open) {
  Counter counter;
  counter.speaks = 3;
  std::vector<Address> peers;
  for (const std::uint8_t number : {std::uint8_t{3}, std::uint8_t{4}, std::uint8_t{5}}) {
    peers.push_back(counter.peer(number));
    counter.show(peers.back(), counter.ticket(number));
    counter.host.inject(peers.back(), counter.uploader.address, OpenFile{counter.gid, counter.fid});
  }
  counter.told(counter.rules());
  for (const Address peer : peers) {
    BOOST_TEST(counter.host.expect<FileFetchers>(peer)->clients.size() == 3U);
    counter.host.expect<FileOpened>(peer);
    counter.host.expect_silence(peer);
  }
}

/// So many fetch the file, by default as many as may at a time; the first of them is client 10.
std::vector<Address> full_house(Counter& counter, std::size_t many = fetchers_named_max) {
  std::vector<Address> peers;
  for (std::uint8_t number = 10; peers.size() < many; ++number)
    peers.push_back(counter.peer_with_file(number));
  return peers;
}

/// Client 3 asks for the file: true if it gets it.
bool gets_in(Counter& counter, Address peer) {
  counter.show(peer, counter.ticket(3));
  counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  if (counter.host.find<FileOpened>(peer)) return true;
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::busy));
  return false;
}

BOOST_AUTO_TEST_CASE(a_file_is_given_to_so_many_at_a_time_and_then_to_who_asks_again) {
  Counter counter;
  const std::vector<Address> peers = full_house(counter);
  const Address late = counter.peer(3);
  BOOST_TEST(!gets_in(counter, late));
  counter.request(late, 0);
  counter.host.expect_silence(late);
  BOOST_TEST(!gets_in(counter, late));
  counter.host.inject(peers[5], counter.uploader.address, CloseFile{counter.fid});
  BOOST_TEST(gets_in(counter, late));
  counter.request(late, 0);
  counter.read_one();
  counter.host.expect<Block>(late);
}

BOOST_AUTO_TEST_CASE(a_client_has_one_place_over_however_many_links) {
  Counter counter;
  full_house(counter, fetchers_named_max - 1);
  counter.speaks = 3;
  const Address first = counter.peer(3);
  counter.show(first, counter.ticket(3));
  for (const Address address : {first, counter.sealed(3)}) {
    counter.host.inject(address, counter.uploader.address, OpenFile{counter.gid, counter.fid});
    BOOST_TEST(counter.host.find<FileOpened>(address).has_value());
  }
}

BOOST_AUTO_TEST_CASE(another_file_has_places_of_its_own) {
  Counter counter;
  full_house(counter);
  const Address other = counter.peer(3);
  counter.fid.bytes.fill(5);
  counter.serve(0b1010'0000, "/play");
  BOOST_TEST(gets_in(counter, other));
}

BOOST_AUTO_TEST_CASE(whoever_asks_for_nothing_that_is_here_gives_his_place_to_one_that_wants_it) {
  Counter counter;
  const std::vector<Address> peers = full_house(counter);
  for (std::size_t i = 0; i < peers.size(); ++i) counter.request(peers[i], i == 7 ? 1 : 0);
  counter.rejected(peers[7]);
  const Address late = counter.peer(3);
  counter.host.advance(Places::patience - std::chrono::milliseconds(1));
  BOOST_TEST(!gets_in(counter, late));
  counter.host.advance(std::chrono::milliseconds(1));
  BOOST_TEST(gets_in(counter, late));
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const auto closed = counter.host.find<FileClosed>(peers[i]);
    BOOST_TEST(closed.has_value() == (i == 7));
    if (closed) BOOST_TEST((closed->message.reason == CloseReason::busy));
  }
}

BOOST_AUTO_TEST_CASE(whoever_was_given_much_makes_room_over_all_his_links) {
  Counter counter;
  counter.speaks = 3;
  const Address first = counter.peer(200);
  counter.show(first, counter.ticket(200));
  counter.host.inject(first, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.told(counter.rules());
  const Address sealed = counter.sealed(200);
  counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.speaks = 1;
  counter.host.discard();
  full_house(counter, fetchers_named_max - 1);
  for (ByteCount given; given < Places::turn; given += block) {
    counter.request(sealed, 0);
    counter.read_one();
    counter.host.expect<Block>(sealed);
  }
  BOOST_TEST(gets_in(counter, counter.peer(3)));
  for (const Address link : {first, sealed})
    BOOST_TEST((counter.host.expect<FileClosed>(link)->reason == CloseReason::busy));
}

BOOST_AUTO_TEST_CASE(a_user_with_many_clients_makes_room_for_another_user) {
  Counter counter;
  full_house(counter);  // all of them of one user
  PeerTicket ticket = counter.ticket(3);
  ticket.uid.bytes.fill(8);
  ticket.signature = sign(counter.keys, words_to_sign(ticket));
  const Address other = counter.peer(3);
  counter.show(other, ticket);
  counter.host.inject(other, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  BOOST_TEST(counter.host.find<FileOpened>(other).has_value());
}

BOOST_AUTO_TEST_CASE(of_those_who_are_let_in_together_only_so_many_get_in) {
  Counter counter;
  std::vector<Address> peers;
  for (std::uint8_t number = 10; peers.size() < fetchers_named_max + 2; ++number) {
    peers.push_back(counter.peer(number));
    counter.show(peers.back(), counter.ticket(number));
    counter.host.inject(peers.back(), counter.uploader.address, OpenFile{counter.gid, counter.fid});
  }
  counter.told(counter.rules());
  const auto in = std::count_if(peers.begin(), peers.end(), [&](Address peer) {
    return counter.host.find<FileOpened>(peer).has_value();
  });
  const auto out = std::count_if(peers.begin(), peers.end(), [&](Address peer) {
    const auto closed = counter.host.find<FileClosed>(peer);
    return closed && closed->message.reason == CloseReason::busy;
  });
  BOOST_TEST(static_cast<std::size_t>(in) == fetchers_named_max);
  BOOST_TEST(out == 2);
}

BOOST_AUTO_TEST_CASE(of_too_many_links_one_that_fetches_nothing_goes) {
  Counter counter;
  const auto comes = [&](std::uint8_t client) {
    return counter.host.accept(counter.door->address, "127.0.0.1:40000", link_key(client));
  };
  const Address fetches = counter.peer_with_file(3);
  const Address idle = counter.peer(4);
  counter.host.advance(Uploader::link_idle - std::chrono::milliseconds(1));
  const Address has_just_come = counter.peer(5);
  // They have not said Hello yet: nobody knows what they want.
  for (std::size_t links = 3; links < Uploader::links_max; ++links) comes(6);
  BOOST_TEST(!counter.host.is_open(comes(7)));  // nobody has been idle for long
  counter.host.advance(std::chrono::milliseconds(1));
  BOOST_TEST(counter.host.is_open(comes(7)));
  BOOST_TEST(!counter.host.is_open(idle));
  BOOST_TEST(counter.host.is_open(has_just_come));
  BOOST_TEST(counter.host.is_open(fetches));
  BOOST_TEST(!counter.host.is_open(comes(8)));
}

BOOST_AUTO_TEST_CASE(whoever_comes_later_is_let_in_without_a_question) {
  Counter counter;
  counter.peer_with_file();
  const Address other = counter.peer(4);
  counter.show(other, counter.ticket(4));
  counter.host.inject(other, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<FileOpened>(other);
  counter.host.expect_silence(counter.link.address);
}

BOOST_AUTO_TEST_CASE(whoever_shows_what_is_not_his_is_hung_up_on) {
  for (const bool stolen : {true, false}) {
    Counter counter;
    counter.peer_with_file();
    const Address thief = counter.peer(4);
    PeerTicket ticket = stolen ? counter.ticket(3) : counter.ticket(4);
    if (!stolen) ticket.signature.bytes[5] ^= 1;
    counter.show(thief, ticket);
    counter.host.inject(thief, counter.uploader.address, OpenFile{counter.gid, counter.fid});
    counter.host.expect_silence(thief);
  }
}

BOOST_AUTO_TEST_CASE(whoever_floods_a_link_with_small_words_is_hung_up_on) {
  const auto flood = [](const std::function<void(Counter&, Address)>& say) {
    Counter counter;
    const Address friendly = counter.peer_with_file();
    const Address noisy = counter.peer(4);
    std::uint32_t said = 0;
    while (counter.host.is_open(noisy) && said < 30'000) {
      ++said;
      say(counter, noisy);
      counter.host.discard(noisy);
    }
    BOOST_TEST(counter.host.is_open(friendly));
    return said;
  };
  const std::uint32_t most = PeerPatience::small_burst;  // the Hello of the beginning is one
  BOOST_TEST(flood([](Counter& c, Address noisy) {
               c.host.inject(noisy, c.uploader.address, OpenFile{c.gid, c.fid});
             }) == most);
  BOOST_TEST(flood([](Counter& c, Address noisy) {
               c.host.inject(noisy, c.uploader.address, PeerHello{1, 1, client_key(4)});
             }) == most);
  BOOST_TEST(flood([](Counter& c, Address noisy) {
               c.host.inject(noisy, c.uploader.address, CancelBlock{c.fid, {}, {}});
             }) == most);
  BOOST_TEST(flood([](Counter& c, Address noisy) { c.show(noisy, c.ticket(4)); }) ==
             PeerPatience::ticket_burst + 1);
}

BOOST_AUTO_TEST_CASE(a_ticket_of_another_group_opens_nothing) {
  Counter counter;
  counter.speaks = 3;
  counter.peer_with_file();
  const Address other = counter.peer(4);
  Gid elsewhere;
  elsewhere.bytes.fill(9);
  counter.show(other,
               signed_ticket(counter.keys, elsewhere, client_key(4), 1, counter.tracker_time() + 60'000));
  counter.host.inject(other, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<TicketWanted>(other);
  counter.host.expect_silence(other);
}

BOOST_AUTO_TEST_CASE(whoever_has_left_is_cut_off_within_a_second_and_who_has_not_goes_on) {
  Counter counter;
  counter.speaks = 3;
  const Address gone = counter.peer_with_file();
  const Address member = counter.peer(4);
  counter.show(member, counter.ticket(4));
  counter.host.inject(member, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  BOOST_TEST(counter.host.find<FileOpened>(member).has_value());
  counter.host.discard(gone);
  counter.host.discard(member);
  counter.host.inject(counter.link.address, counter.uploader.address,
                      GroupChanged{counter.gid, {"lab"}, 2, true, {}});
  counter.host.expect<TicketWanted>(gone);
  counter.host.expect<TicketWanted>(member);
  counter.show(member, counter.ticket(4, 2));
  counter.show(gone, counter.ticket(3, 1));
  counter.host.expect<TicketWanted>(gone);
  counter.host.advance(Admission::grace);
  BOOST_TEST((counter.host.expect<FileClosed>(gone)->reason == CloseReason::not_a_member));
  counter.request(gone, 0);
  counter.host.expect_silence(gone);
  counter.host.expect_silence(counter.storage.address);
  counter.host.discard(member);  // nobody else fetches now
  counter.request(member, 0);
  counter.read_one();
  counter.host.expect<Block>(member);
}

BOOST_AUTO_TEST_CASE(who_has_left_itself_serves_nobody_there) {
  for (const bool pushed : {true, false}) {
    Counter counter;
    const Address peer = counter.peer_with_file();
    if (pushed) {
      counter.host.inject(counter.link.address, counter.uploader.address,
                          GroupChanged{counter.gid, {"lab"}, 2, false, "gone"});
    } else {
      counter.host.advance(Admission::ask_every);
      counter.told(Refused{Code::not_a_member, "you are no member"});
    }
    BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::not_a_member));
  }
}

BOOST_AUTO_TEST_CASE(who_does_not_renew_is_served_until_his_ticket_expires) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  for (int i = 0; i < 11; ++i) {
    counter.host.advance(Admission::ask_every);
    counter.told(counter.rules());
  }
  counter.host.expect_silence(peer);
  counter.host.advance(Admission::ask_every);
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::not_a_member));
}

BOOST_AUTO_TEST_CASE(who_is_served_is_served_on_while_no_tracker_answers_and_nobody_new) {
  Counter counter;
  counter.speaks = 3;
  const Address peer = counter.peer_with_file();
  for (int i = 0; i < 30; ++i) {
    counter.host.advance(Admission::ask_every);
    counter.told_if_asked(Refused{Code::tracker_unreachable, "none answers"});
  }
  counter.host.discard(counter.link.address);
  counter.request(peer, 0);
  counter.read_one();
  counter.host.expect<Block>(peer);
  const Address other = counter.peer(4);
  counter.show(other, signed_ticket(counter.keys, counter.gid, client_key(4), 1, 1'060'000));
  counter.host.expect<TicketWanted>(other);
}

/// As many tickets as there are links: one, whatever kind they are of.
BOOST_AUTO_TEST_CASE(a_client_is_let_in_over_sealed_links_by_what_it_shows_over_the_other_one) {
  Counter counter;
  counter.speaks = 3;
  const Address peer = counter.peer();
  const Address sealed = counter.sealed();
  counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect_silence(sealed);  // a ticket is wanted of the first link alone
  counter.request(sealed, 0);
  BOOST_TEST((counter.rejected(sealed) == RejectReason::busy));  // whoever asks gets an answer
  counter.open(peer);
  counter.host.expect<FileOpened>(sealed);
  counter.request(sealed, 0);
  counter.read_one();
  BOOST_TEST(counter.host.expect<Block>(sealed).payload.size() == block.value);
  counter.request(sealed, 1);
  BOOST_TEST((counter.rejected(sealed) == RejectReason::not_have));
}

BOOST_AUTO_TEST_CASE(a_further_link_begins_although_the_line_is_full_of_what_goes_to_the_same_client) {
  constexpr std::size_t line = LineFill::least.value / block.value;
  for (const bool alone : {true, false}) {
    Counter counter;
    counter.speaks = 3;
    const Address peer = counter.peer_with_file(3);
    const Address sealed = counter.sealed(3);
    counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
    if (!alone) {
      const Address other = counter.peer(4);
      counter.show(other, counter.ticket(4));
      counter.host.inject(other, counter.uploader.address, OpenFile{counter.gid, counter.fid});
      counter.request(other, 0);
    }
    for (std::size_t i = 0; i < line; ++i) counter.request(peer, 0);
    BOOST_TEST(counter.read_all() == line);  // and none of them is taken
    for (int i = 0; i < 2; ++i) counter.request(sealed, 0);
    BOOST_TEST(counter.read_all() == (alone ? 1U : 0U));
  }
}

BOOST_AUTO_TEST_CASE(over_sealed_links_nothing_is_told_twice) {
  Counter counter;
  counter.speaks = 3;
  counter.serve_part("/part", 0b1000'0000);
  const Address peer = counter.peer();
  counter.open(peer);
  const Address sealed = counter.sealed();
  counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<FileOpened>(sealed);
  const Address other = counter.peer(4);
  counter.show(other, counter.ticket(4));
  counter.host.inject(other, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.advance(std::chrono::seconds(1));
  BOOST_TEST(counter.host.expect<FileFetchers>(peer)->clients.size() == 2U);
  counter.host.expect_silence(sealed);
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      ServePiece{counter.gid, counter.fid, "/part", 1_piece});
  counter.host.expect<Have>(peer);
  counter.host.expect_silence(sealed);
}

BOOST_AUTO_TEST_CASE(a_pass_is_good_for_as_long_as_the_link_that_it_was_told_over) {
  Counter counter;
  counter.speaks = 2;
  counter.peer(5);
  BOOST_TEST(counter.host.link(counter.sealed_door()).passes.empty());  // it would not know what that is
  counter.speaks = 3;
  const Address peer = counter.peer();
  counter.open(peer);
  const Address sealed = counter.sealed();
  BOOST_TEST((counter.host.link(sealed).key == link_key(3)));
  counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.discard();
  const SealedPass first = counter.pass;

  // A new conversation has a new pass.
  counter.greet(peer);
  counter.pass = counter.pass_of(counter.host.expect<SealedDoor>(peer).message);
  BOOST_TEST((counter.pass.id != first.id && counter.pass.secret != first.secret));
  BOOST_TEST(!counter.host.is_open(sealed));
  BOOST_TEST(counter.host.link(counter.sealed_door()).passes.size() == 1U);

  const Address again = counter.sealed();
  counter.host.link_down(peer);
  BOOST_TEST(!counter.host.is_open(again));
  BOOST_TEST(counter.host.link(counter.sealed_door()).passes.empty());

  // Nothing of this client is left: its ticket has gone with its last link.
  const Address later = counter.peer();
  counter.host.inject(later, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<TicketWanted>(later);
}

BOOST_AUTO_TEST_CASE(whoever_has_left_is_cut_off_over_sealed_links_too) {
  Counter counter;
  counter.speaks = 3;
  const Address gone = counter.peer_with_file();
  const Address sealed = counter.sealed();
  counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.expect<FileOpened>(sealed);
  counter.request(sealed, 0);
  counter.host.inject(counter.link.address, counter.uploader.address,
                      GroupChanged{counter.gid, {"lab"}, 2, true, {}});
  counter.host.advance(Admission::grace);
  BOOST_TEST((counter.host.find<FileClosed>(gone)->message.reason == CloseReason::not_a_member));
  BOOST_TEST((counter.host.find<FileClosed>(sealed)->message.reason == CloseReason::not_a_member));
  counter.read_one();
  counter.request(sealed, 0);
  counter.host.expect_silence(sealed);
}

BOOST_AUTO_TEST_CASE(a_client_is_named_once_however_many_links_it_has) {
  Counter counter;
  counter.speaks = 3;
  counter.open(counter.peer());
  const Address sealed = counter.sealed();
  counter.host.inject(sealed, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.request(sealed, 0);
  counter.request(sealed, 2, {}, {block.value - 100});
  const auto shell = counter.host.probe<ShellRole>();
  counter.host.inject(shell.address, counter.uploader.address, DiagnoseShare{{1}, {"lab"}, {"film"}});
  const auto said = counter.host.expect<ShareDiagnosed>(shell);
  BOOST_TEST_REQUIRE(said->share.has_value());
  BOOST_TEST_REQUIRE(said->share->leechers.size() == 1U);
  BOOST_TEST(said->share->leechers[0].admitted);
  BOOST_TEST(said->share->leechers[0].requests == 2U);
}

BOOST_AUTO_TEST_CASE(without_a_sealed_door_everything_else_goes_on_unless_its_port_was_asked_for) {
  for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{6100}}) {
    InjectionHost host;
    host.refuse_endpoint("127.0.0.1:" + std::to_string(port), "in use");
    const auto door = std::make_shared<Opened>();
    const auto uploader = host.spawn<UploaderRole>(
        "uploader",
        std::make_unique<Uploader>(
            UploaderOptions{"127.0.0.1:7000", client_key(9), "", port},
            Uploader::Others{host.probe<StorageRole>(), host.probe<TrackerLinkRole>(), {}}, door));
    if (port != 0) {
      BOOST_TEST(door->fault == "in use");
      BOOST_TEST(door->endpoint == "127.0.0.1:6100");
      BOOST_TEST(host.links().empty());
      continue;
    }
    const Address peer = host.accept(door->address, "127.0.0.1:40000", link_key(3));
    host.inject(peer, uploader.address, PeerHello{1, 3, client_key(3)});
    host.expect<PeerWelcome>(peer);
    host.expect_silence(peer);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_stopped_is_closed_to_those_who_wait_for_it) {
  Counter counter;
  const Address peer = counter.peer();
  counter.show(peer, counter.ticket(3));
  counter.host.inject(peer, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::logged_out});
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::logged_out));
  counter.told(counter.rules());
  counter.host.expect_silence(peer);
}

BOOST_AUTO_TEST_CASE(every_close_is_answered) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::not_shared});
  counter.host.inject(peer, counter.uploader.address, CloseFile{counter.fid});  // they cross
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::not_shared));
  BOOST_TEST((counter.host.expect<FileClosed>(peer)->reason == CloseReason::asked));
  counter.host.expect_silence(peer);
}

BOOST_AUTO_TEST_CASE(no_more_than_a_block_is_read_for_a_request) {
  Counter counter;
  counter.host.inject(counter.owner.address, counter.uploader.address,
                      ServeFile{counter.gid,
                                counter.fid,
                                {"lab"},
                                {"film"},
                                "/film",
                                {4 * block.value},
                                {2 * block.value},
                                {0b1100'0000},
                                counter.identity});
  const Address peer = counter.peer_with_file();
  counter.request(peer, 0, {}, {block.value + 1});
  counter.host.expect_silence();
  BOOST_TEST(counter.host.faults().size() == 1u);
}

BOOST_AUTO_TEST_CASE(bad_words_stay_at_the_door) {
  Counter counter;
  const Address peer = counter.peer_with_file();
  counter.host.inject(peer, counter.uploader.address, RequestBlock{counter.fid, 0_piece, {}, {}});
  counter.host.inject(peer, counter.uploader.address, RequestBlock{counter.fid, 0_piece, {}, 2_MiB});
  counter.host.inject(peer, counter.uploader.address,
                      StopServing{counter.gid, counter.fid, "/film", CloseReason::asked});
  counter.host.expect_silence();
  BOOST_TEST(counter.host.faults().size() == 3u);
}

BOOST_AUTO_TEST_CASE(where_a_limit_holds_peers_are_told_to_ask_for_less_at_a_time) {
  Counter counter;
  const auto limit = [&](std::uint64_t rate) {
    counter.host.inject(counter.storage.address, counter.uploader.address,
                        LimitsChanged{{RateLimit{LimitDirection::up, "lab", 0, 0, rate}}});
  };
  const Address old = counter.peer_with_file();  // speaks an earlier version
  counter.speaks = 4;
  const Address early = counter.peer(4);
  counter.show(early, counter.ticket(4));
  counter.host.inject(early, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.told_if_asked(counter.rules());
  counter.host.discard();
  limit(1U << 20U);
  BOOST_TEST(counter.host.expect<RequestLength>(early)->bytes.value == 128U << 10U);
  limit((1U << 20U) + 1);  // changes nothing for them
  counter.host.expect_silence();
  const Address late = counter.peer(5);
  counter.show(late, counter.ticket(5));
  counter.host.inject(late, counter.uploader.address, OpenFile{counter.gid, counter.fid});
  counter.told_if_asked(counter.rules());
  BOOST_TEST(
      (counter.host.find<RequestLength>(late).value().message == RequestLength{counter.fid, {128U << 10U}}));
  counter.host.discard();
  counter.host.inject(counter.storage.address, counter.uploader.address, LimitsChanged{});
  BOOST_TEST((counter.host.expect<RequestLength>(early)->bytes == block));
  BOOST_TEST((counter.host.expect<RequestLength>(late)->bytes == block));
  counter.host.expect_silence(old);
}

BOOST_AUTO_TEST_CASE(a_limit_is_shared_out_among_members_and_not_among_links) {
  Counter counter;
  counter.speaks = 3;
  const auto come_in = [&](std::uint8_t client, int links) {
    std::vector<Address> all{counter.peer(client)};
    counter.show(all[0], counter.ticket(client));
    for (int i = 1; i < links; ++i) all.push_back(counter.sealed(client));
    for (const Address each : all) {
      counter.host.inject(each, counter.uploader.address, OpenFile{counter.gid, counter.fid});
      counter.told_if_asked(counter.rules());
    }
    return all;
  };
  const std::vector<Address> many = come_in(3, 4);
  const std::vector<Address> one = come_in(4, 1);
  counter.host.discard();
  constexpr ByteCount small{32U << 10U};
  counter.host.inject(counter.storage.address, counter.uploader.address,
                      LimitsChanged{{RateLimit{LimitDirection::up, "", 0, 0, 256U << 10U}}});
  std::map<Address, int> came;
  const auto ask = [&](Address from) { counter.request(from, 0, {}, small); };
  std::vector<Address> everybody = many;
  everybody.push_back(one[0]);
  for (const Address from : everybody) ask(from);
  for (int i = 0; i < 400; ++i) {
    counter.host.advance(std::chrono::milliseconds(25));
    while (const auto read = counter.host.find<ReadBlock>(counter.storage.address))
      counter.host.inject(counter.storage.address, counter.uploader.address, BlockRead{read->message.tag},
                          Payload::own(Bytes(small.value)));
    for (const Address from : everybody)
      while (counter.host.find<Block>(from)) {
        ++came[from];
        ask(from);
      }
  }
  int of_many = 0;
  for (const Address from : many) of_many += came[from];
  BOOST_TEST(std::abs(of_many - came[one[0]]) <= 2);
  BOOST_TEST(std::abs(of_many + came[one[0]] - 80) <= 4);  // ten seconds, 5 %
}

BOOST_AUTO_TEST_CASE(what_members_of_orchestras_are_sent_is_paid_from_the_same_limits) {
  Counter counter;
  const Ref<OrchDoorRole> door = counter.host.probe<OrchDoorRole>();
  const auto want = [&](std::uint64_t tag, const std::string& group) {
    counter.host.inject(door.address, counter.uploader.address, SendWanted{tag, {group}, block});
  };
  want(1, "lab");
  BOOST_TEST(counter.host.expect<SendAllowed>(door)->tag == 1u);
  counter.host.inject(counter.storage.address, counter.uploader.address,
                      LimitsChanged{{RateLimit{LimitDirection::up, "lab", 0, 0, block.value}}});
  for (const std::uint64_t tag : {2U, 3U, 4U}) want(tag, "lab");
  counter.host.expect_silence(door.address);
  // Another group does not wait, and what nobody wants any more is not paid for.
  want(5, "other");
  BOOST_TEST(counter.host.expect<SendAllowed>(door)->tag == 5u);
  counter.host.inject(door.address, counter.uploader.address, SendUnwanted{3});
  counter.host.advance(std::chrono::milliseconds(600));
  BOOST_TEST(counter.host.expect<SendAllowed>(door)->tag == 2u);
  counter.host.expect_silence(door.address);
  counter.host.advance(std::chrono::milliseconds(1000));
  BOOST_TEST(counter.host.expect<SendAllowed>(door)->tag == 4u);
  // A link's block has cost the same bucket.
  counter.host.advance(std::chrono::seconds(1));
  const Address peer = counter.peer_with_file();
  counter.host.inject(peer, counter.uploader.address, RequestBlock{counter.fid, 0_piece, {}, block});
  want(6, "lab");
  counter.host.expect_silence(door.address);
  counter.host.advance(std::chrono::seconds(2));
  BOOST_TEST(counter.host.expect<SendAllowed>(door)->tag == 6u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
