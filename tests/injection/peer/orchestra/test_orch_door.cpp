#include "peer/orchestra/orch_door.hpp"

#include "tests/injection/peer/orchestra/support.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

struct Entrance {
  explicit Entrance(OrchDoorOptions options = {}) {
    options.endpoint = "127.0.0.2:10001";
    door = host.spawn<OrchDoorRole>(
        "door", std::make_unique<OrchDoor>(options, share,
                                           OrchDoor::Others{storage, scheduler, conductor_link}, opened));
    BOOST_TEST(host.expect<NowServing>(conductor_link)->port == 10001);
  }
  void serve(std::uint8_t bits, bool whole = false) {
    ServeFile serve{share->gid, share->fid, share->group, share->metainfo.name, "/part", {18}, {4},
                    {bits},     {}};
    if (whole) serve.identity = FileIdentity{{18}, 1, 1, 1, 1};
    host.inject(scheduler.address, door.address, serve);
  }
  void ask(std::uint32_t part) { host.inject(guest.address, door.address, PartAsked{{part}}); }
  std::string list() {
    host.inject(guest.address, door.address, ListAsked{"127.0.0.9"});
    return text_of(host.expect<ListTold>(guest).payload);
  }
  ReadBlock read() { return host.expect<ReadBlock>(storage).message; }
  void answer(const ReadBlock& block, std::string_view bytes) {
    host.inject(storage.address, door.address, BlockRead{block.tag}, payload_of(bytes));
  }

  std::shared_ptr<const OrchShare> share = little_share();
  std::shared_ptr<Opened> opened = std::make_shared<Opened>();
  InjectionHost host;
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<TrackerLinkRole> conductor_link = host.probe<TrackerLinkRole>();
  Ref<OrchPeerRole> guest = host.probe<OrchPeerRole>();
  Ref<OrchDoorRole> door;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(orch_door)

BOOST_AUTO_TEST_CASE(the_list_is_of_what_is_verified) {
  Entrance entrance;
  BOOST_TEST(entrance.list() == "32");
  entrance.serve(0x80);
  BOOST_TEST(entrance.list() == "33");
  entrance.host.inject(entrance.scheduler.address, entrance.door.address,
                       ServePiece{entrance.share->gid, entrance.share->fid, "/part", {4}});
  BOOST_TEST(entrance.list() == "49");
  entrance.serve(0xf8, true);
  BOOST_TEST(entrance.list() == "63");
}

BOOST_AUTO_TEST_CASE(parts_are_read_whole_and_given_in_the_order_they_were_asked_for) {
  Entrance entrance;
  entrance.serve(0xf8, true);
  for (const std::uint32_t part : {4U, 0U, 0U}) entrance.ask(part);
  // Somebody fetches: it is told once.
  BOOST_TEST((entrance.host.expect<FileWanted>(entrance.scheduler)->fid == entrance.share->fid));
  const ReadBlock last = entrance.read();
  BOOST_TEST((last.offset == 16_bytes && last.length == 2_bytes && last.identity));
  const ReadBlock first = entrance.read();
  const ReadBlock again = entrance.read();
  entrance.answer(last, "yz");
  entrance.answer(first, "abcd");
  entrance.answer(again, "abcd");
  for (const std::uint32_t part : {4U, 0U, 0U})
    BOOST_TEST((entrance.host.expect<PartTold>(entrance.guest)->part == PieceIndex{part}));
  entrance.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(parts_that_were_not_offered_are_given_when_they_are_there) {
  Entrance entrance;
  entrance.serve(0x80);
  entrance.ask(3);
  entrance.host.find<FileWanted>(entrance.scheduler.address);
  entrance.host.expect_silence();
  entrance.host.inject(entrance.scheduler.address, entrance.door.address,
                       ServePiece{entrance.share->gid, entrance.share->fid, "/part", {3}});
  BOOST_TEST((entrance.read().offset == 12_bytes));
}

BOOST_AUTO_TEST_CASE(an_asker_that_has_gone_is_not_answered) {
  Entrance entrance;
  entrance.serve(0xf8);
  entrance.ask(0);
  const ReadBlock block = entrance.read();
  entrance.host.inject(entrance.guest.address, entrance.door.address, PeerAway{});
  entrance.ask(1);
  const ReadBlock next = entrance.read();
  entrance.answer(block, "abcd");
  entrance.host.expect_silence(entrance.guest.address);
  entrance.answer(next, "efgh");
  BOOST_TEST((entrance.host.expect<PartTold>(entrance.guest)->part == 1_piece));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_served_no_more_and_answered_later) {
  Entrance entrance;
  entrance.serve(0xf8, true);
  entrance.ask(0);
  entrance.host.inject(entrance.storage.address, entrance.door.address,
                       BlockUnreadable{entrance.read().tag, Code::file_conflict, "it has changed"});
  entrance.host.find<FileWanted>(entrance.scheduler.address);
  BOOST_TEST((entrance.host.expect<ServingFailed>(entrance.scheduler)->code == Code::file_conflict));
  BOOST_TEST(entrance.list() == "32");
  entrance.serve(0x80);
  entrance.read();
}

BOOST_AUTO_TEST_CASE(who_does_not_listen_gets_no_more_than_it_can_hold) {
  Entrance entrance;
  entrance.serve(0xf8, true);
  // What lies in the outbox is not taken: lists of a byte or two.
  const std::string big(OrchDoor::untaken_max, 'x');
  entrance.ask(0);
  entrance.host.find<FileWanted>(entrance.scheduler.address);
  entrance.answer(entrance.read(), big);
  for (int i = 0; i < 100; ++i) {
    entrance.ask(1);
    entrance.host.inject(entrance.guest.address, entrance.door.address, ListAsked{"127.0.0.9"});
  }
  entrance.host.expect_silence(entrance.storage.address);
  entrance.host.expect<PartTold>(entrance.guest);  // taken now
  entrance.host.expect_silence(entrance.guest.address);
  entrance.host.advance(10ms);
  // One list for a hundred questions; all parts.
  entrance.host.expect<ListTold>(entrance.guest);
  for (int i = 0; i < 100; ++i) entrance.answer(entrance.read(), "efgh");
  for (int i = 0; i < 100; ++i) entrance.host.expect<PartTold>(entrance.guest);
  entrance.host.expect_silence(entrance.guest.address);
}

BOOST_AUTO_TEST_CASE(connections_that_come_in_are_served) {
  Entrance entrance;
  entrance.serve(0xf8, true);
  const Address link = entrance.host.accept(entrance.opened->address, "127.0.0.9");
  BOOST_TEST(spoken(entrance.host, link) == orch_down("small.bin", entrance.share->sha1));
  entrance.host.inject(link, entrance.door.address, StreamBytes{},
                       payload_of(orch_down("small.bin", entrance.share->sha1) +
                                  orch_part("small.bin", entrance.share->sha1, 1_piece)));
  BOOST_TEST(spoken(entrance.host, link) == orch_send_head("small.bin", entrance.share->sha1) + "63\r\n");
  entrance.answer(entrance.read(), "efgh");
  BOOST_TEST(spoken(entrance.host, link) ==
             orch_strt_head("small.bin", entrance.share->sha1, 1_piece) + "efgh");
  entrance.host.inject(link, entrance.door.address, StreamBytes{}, payload_of("nonsense"));
  BOOST_TEST(!entrance.host.is_open(link));
}

BOOST_AUTO_TEST_CASE(of_repeated_dials_of_one_address_the_oldest_idle_one_is_ended) {
  OrchDoorOptions options;
  options.connections_of_host = 3;
  Entrance entrance(options);
  std::vector<Address> links;
  for (int i = 0; i < 6; ++i) links.push_back(entrance.host.accept(entrance.opened->address, "127.0.0.9"));
  const Address other = entrance.host.accept(entrance.opened->address, "127.0.0.8");
  for (std::size_t i = 0; i < links.size(); ++i) BOOST_TEST(entrance.host.is_open(links[i]) == (i >= 3));
  BOOST_TEST(entrance.host.is_open(other));
}

BOOST_AUTO_TEST_SUITE_END()
