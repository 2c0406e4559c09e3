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
        "door", std::make_unique<OrchDoor>(
                    options, share, OrchDoor::Others{storage, scheduler, conductor_link, shell, {}}, opened));
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
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<OrchPeerRole> guest = host.probe<OrchPeerRole>();
  Ref<OrchDoorRole> door;
};

/// The door of a client, which has nothing until it is offered something.
struct ClientEntrance {
  explicit ClientEntrance(bool has_limits = false) {
    OrchDoorOptions options;
    options.endpoint = "127.0.0.2:10001";
    door = host.spawn<OrchDoorRole>(
        "door",
        std::make_unique<OrchDoor>(
            options, nullptr,
            OrchDoor::Others{storage, {}, {}, shell, has_limits ? uploader : Ref<UploaderRole>{}}, opened));
    BOOST_TEST(host.expect<Notice>(shell)->sentence.starts_with("members of Orchestras are served on "));
  }
  OrchExport file_of(const std::string& name) const {
    OrchExport file{share->gid, share->fid, {name}, {}, "10.0.0.1:9999"};
    file.fid.bytes[0] = static_cast<std::uint8_t>(name.front());
    return file;
  }
  void offer(const std::string& name) {
    const OrchExport file = file_of(name);
    host.inject(exporter, door.address, OfferFile{file, {"lab"}, {18}, {4}});
    BOOST_TEST(host.expect<Notice>(shell)->sentence.starts_with(name + " is served"));
    const FileIdentity identity{{18}, 1, 1, 1, 1};
    host.inject(exporter, door.address,
                ServeFile{file.gid, file.fid, {"lab"}, {name}, "/" + name, {18}, {4}, {0xf8}, identity});
  }
  void withdraw(const std::string& name) {
    const OrchExport file = file_of(name);
    host.inject(exporter, door.address, StopServing{file.gid, file.fid, "/" + name, CloseReason::logged_out});
  }
  Address come_in() { return host.accept(opened->address, "127.0.0.9"); }
  void hear(Address link, const std::string& text) {
    host.inject(link, door.address, StreamBytes{}, payload_of(text));
  }
  void answer_poll(Address link, const std::string& text) {
    for (const InjectionHost::Link& each : host.links())
      if (each.address == link) return host.inject(link, each.owner, StreamBytes{}, payload_of(text));
  }
  std::string down(const std::string& name) const { return orch_down(name, sha1); }

  std::string sha1 = Sha1{}.hex();
  std::shared_ptr<const OrchShare> share = little_share();
  std::shared_ptr<Opened> opened = std::make_shared<Opened>();
  InjectionHost host;
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<UploaderRole> uploader = host.probe<UploaderRole>();
  Address exporter = host.probe<ExporterRole>().address;
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

BOOST_AUTO_TEST_CASE(parts_that_were_not_offered_are_refused_when_they_are_too_many) {
  Entrance entrance;
  entrance.serve(0x80);
  for (std::size_t i = 0; i < OrchDoor::held_max; ++i) entrance.ask(3);
  entrance.host.find<FileWanted>(entrance.scheduler.address);
  entrance.host.expect_silence();
  entrance.ask(2);
  BOOST_TEST((entrance.host.expect<PartRefused>(entrance.guest)->part == 2_piece));
  // Each of the others has its answer when the part is there.
  entrance.host.inject(entrance.scheduler.address, entrance.door.address,
                       ServePiece{entrance.share->gid, entrance.share->fid, "/part", {3}});
  for (std::size_t i = 0; i < OrchDoor::held_max; ++i) {
    entrance.answer(entrance.read(), "mnop");
    BOOST_TEST((entrance.host.expect<PartTold>(entrance.guest)->part == 3_piece));
  }
  entrance.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(large_parts_are_read_one_at_a_time) {
  OrchFile file;
  file.name = "large.bin";
  file.size = 48_MiB;
  file.part_size = 16_MiB;
  file.parts.resize(3);
  const auto share = std::make_shared<const OrchShare>(orch_share(file));
  InjectionHost host;
  const auto storage = host.probe<StorageRole>();
  const auto guest = host.probe<OrchPeerRole>();
  const auto door = host.spawn<OrchDoorRole>(
      "door",
      std::make_unique<OrchDoor>(
          OrchDoorOptions{"127.0.0.2:10001"}, share,
          OrchDoor::Others{storage, host.probe<SchedulerRole>(), host.probe<TrackerLinkRole>(), {}, {}},
          std::make_shared<Opened>()));
  host.inject(guest.address, door.address,
              ServeFile{share->gid,
                        share->fid,
                        share->group,
                        share->metainfo.name,
                        "/large",
                        file.size,
                        file.part_size,
                        {0xe0},
                        {}});
  for (std::uint32_t part = 0; part < 3; ++part) host.inject(guest.address, door.address, PartAsked{{part}});
  const ReadBlock first = host.expect<ReadBlock>(storage).message;
  host.expect_silence(storage.address);
  host.inject(storage.address, door.address, BlockRead{first.tag}, payload_of("little"));
  host.expect<ReadBlock>(storage);
}

BOOST_AUTO_TEST_CASE(a_door_of_several_files_hears_from_the_first_down_which_one_is_meant) {
  ClientEntrance entrance;
  entrance.offer("ann.bin");
  entrance.offer("bob.bin");
  const Address link = entrance.come_in();
  // What is not here is answered as by an original that shares something else; in pieces of any length.
  const std::string wrong = entrance.down("eve.bin") + orch_down("ann.bin", std::string(40, '1'));
  for (const char& byte : wrong) entrance.hear(link, {byte});
  BOOST_TEST(spoken(entrance.host, link) ==
             orch_none("eve.bin", entrance.sha1, 0) + orch_none("ann.bin", std::string(40, '1'), 0));
  entrance.hear(link, entrance.down("bob.bin") + orch_part("bob.bin", entrance.sha1, 1_piece));
  BOOST_TEST(spoken(entrance.host, link) == orch_send_head("bob.bin", entrance.sha1) + "63\r\n");
  const auto read = entrance.host.expect<ReadBlock>(entrance.storage);
  BOOST_TEST((read->path == "/bob.bin" && read->offset == 4_bytes && read->identity));
  entrance.host.inject(entrance.storage.address, entrance.door.address, BlockRead{read->tag},
                       payload_of("efgh"));
  BOOST_TEST(spoken(entrance.host, link) == orch_strt_head("bob.bin", entrance.sha1, 1_piece) + "efgh");
}

BOOST_AUTO_TEST_CASE(who_begins_with_something_else_or_asks_on_and_on_is_hung_up_on) {
  ClientEntrance entrance;
  entrance.offer("ann.bin");
  for (const std::string& wrong : {std::string("GET / HTTP/1.1\r\n"), "DOWN\r\n" + std::string(5000, 'x')}) {
    const Address link = entrance.come_in();
    entrance.hear(link, wrong);
    BOOST_TEST(!entrance.host.is_open(link));
  }
  const Address link = entrance.come_in();
  for (std::size_t i = 0; i < OrchDoor::refused_max; ++i) entrance.hear(link, entrance.down("eve.bin"));
  BOOST_TEST(entrance.host.is_open(link));
  entrance.hear(link, entrance.down("eve.bin"));
  BOOST_TEST(!entrance.host.is_open(link));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_served_any_more_ends_its_connections_and_no_others) {
  ClientEntrance entrance;
  entrance.offer("ann.bin");
  entrance.offer("bob.bin");
  const Address of_ann = entrance.come_in();
  entrance.hear(of_ann, entrance.down("ann.bin") + orch_part("ann.bin", entrance.sha1, 0_piece));
  const Address of_bob = entrance.come_in();
  entrance.hear(of_bob, entrance.down("bob.bin"));
  const auto read = entrance.host.expect<ReadBlock>(entrance.storage);
  entrance.withdraw("ann.bin");
  BOOST_TEST(!entrance.host.is_open(of_ann));
  BOOST_TEST(entrance.host.is_open(of_bob));
  entrance.host.inject(entrance.storage.address, entrance.door.address, BlockRead{read->tag},
                       payload_of("abcd"));
  const Address again = entrance.come_in();
  entrance.hear(again, entrance.down("ann.bin"));
  BOOST_TEST(spoken(entrance.host, again) == orch_none("ann.bin", entrance.sha1, 0));
  // And it comes back.
  entrance.offer("ann.bin");
  entrance.hear(again, entrance.down("ann.bin"));
  BOOST_TEST(spoken(entrance.host, again) == orch_send_head("ann.bin", entrance.sha1) + "63\r\n");
}

BOOST_AUTO_TEST_CASE(each_offered_file_is_made_known_to_its_conductor_again_and_again) {
  ClientEntrance entrance;
  entrance.offer("ann.bin");
  entrance.host.advance(0ms);
  for (int poll = 0; poll < 3; ++poll) {
    const Address conductor = entrance.host.link_to("127.0.0.2:0;10.0.0.1:9999");
    entrance.host.link_up(conductor);
    BOOST_TEST(spoken(entrance.host, conductor) == "DOWN\r\nann.bin\r\n" + entrance.sha1 + "\r\n10001\r\n");
    entrance.answer_poll(conductor, "SEND\r\nann.bin\r\n" + entrance.sha1 + "\r\n1\r\n10.0.0.2:1\r\n");
    entrance.host.advance(10s);
  }
  entrance.withdraw("ann.bin");
  entrance.host.advance(1min);
  entrance.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_file_that_is_offered_again_keeps_its_connections) {
  ClientEntrance entrance;
  entrance.offer("ann.bin");
  const Address link = entrance.come_in();
  entrance.hear(link, entrance.down("ann.bin") + orch_part("ann.bin", entrance.sha1, 0_piece));
  const auto read = entrance.host.expect<ReadBlock>(entrance.storage);
  spoken(entrance.host, link);
  const OrchExport file = entrance.file_of("ann.bin");
  entrance.host.inject(entrance.exporter, entrance.door.address, OfferFile{file, {"lab"}, {18}, {4}});
  entrance.host.inject(entrance.exporter, entrance.door.address,
                       ServeFile{file.gid,
                                 file.fid,
                                 {"lab"},
                                 {"ann.bin"},
                                 "/elsewhere",
                                 {18},
                                 {4},
                                 {0xf8},
                                 FileIdentity{{18}, 1, 1, 1, 1}});
  entrance.host.expect_silence(entrance.shell.address);
  // What was read of the old copy, or could not be, says nothing of the new one.
  entrance.host.inject(entrance.storage.address, entrance.door.address,
                       BlockUnreadable{read->tag, Code::no_such_file, "it is gone"});
  entrance.host.expect_silence(entrance.exporter);
  BOOST_TEST(entrance.host.is_open(link));
  entrance.hear(link, entrance.down("ann.bin"));
  BOOST_TEST(spoken(entrance.host, link) == orch_send_head("ann.bin", entrance.sha1) + "63\r\n");
}

BOOST_AUTO_TEST_CASE(a_large_part_is_seen_to_get_on) {
  Entrance entrance;
  entrance.serve(0x80);
  entrance.ask(0);
  const Bytes large(2 * OrchDoor::slice_max + 5, 7);
  entrance.host.inject(entrance.storage.address, entrance.door.address, BlockRead{entrance.read().tag},
                       Payload::own(large));
  for (const std::size_t size : {OrchDoor::slice_max, OrchDoor::slice_max, std::size_t{5}}) {
    const auto told = entrance.host.expect<PartTold>(entrance.guest);
    BOOST_TEST(told.payload.size() == size);
    BOOST_TEST((told->part == 0_piece));
  }
}

BOOST_AUTO_TEST_CASE(a_door_that_is_closed_lets_go_out_what_was_begun) {
  ClientEntrance entrance;
  entrance.offer("ann.bin");
  const Address link = entrance.come_in();
  const Address silent = entrance.come_in();
  entrance.hear(link, entrance.down("ann.bin") + orch_part("ann.bin", entrance.sha1, 0_piece));
  const auto read = entrance.host.expect<ReadBlock>(entrance.storage);
  entrance.host.inject(entrance.storage.address, entrance.door.address, BlockRead{read->tag},
                       payload_of("abcd"));
  entrance.host.stop(entrance.door.address);
  BOOST_TEST(entrance.host.is_alive(entrance.door.address));
  BOOST_TEST(!entrance.host.is_open(silent));
  entrance.hear(link, orch_part("ann.bin", entrance.sha1, 1_piece));
  entrance.host.expect_silence(entrance.storage.address);
  BOOST_TEST(spoken(entrance.host, link).ends_with("abcd"));
  entrance.host.advance(10ms);
  BOOST_TEST(!entrance.host.is_alive(entrance.door.address));
}

BOOST_AUTO_TEST_CASE(who_does_not_say_which_file_it_is_about_is_hung_up_on) {
  ClientEntrance entrance;
  entrance.offer("a");
  const Address silent = entrance.come_in();
  entrance.hear(silent, "DOW");
  const Address asks = entrance.come_in();
  entrance.hear(asks, entrance.down("a"));
  entrance.host.advance(OrchDoor::patience - 1s);
  BOOST_TEST(entrance.host.is_open(silent));
  entrance.host.advance(2s);
  BOOST_TEST(!entrance.host.is_open(silent));
  BOOST_TEST(entrance.host.is_open(asks));
}

BOOST_AUTO_TEST_CASE(a_client_gives_parts_as_the_limits_let_them_through) {
  ClientEntrance entrance(true);
  entrance.offer("a");
  const Address link = entrance.come_in();
  const std::string part = orch_part("a", entrance.sha1, {1});
  entrance.hear(link, entrance.down("a") + part + part);
  const auto first = entrance.host.expect<SendWanted>(entrance.uploader);
  BOOST_TEST((first->group.text == "lab" && first->bytes == 4_bytes));
  const auto second = entrance.host.expect<SendWanted>(entrance.uploader);
  entrance.host.expect_silence(entrance.storage.address);
  entrance.host.inject(entrance.uploader.address, entrance.door.address, SendAllowed{first->tag});
  BOOST_TEST((entrance.host.expect<ReadBlock>(entrance.storage)->length == 4_bytes));
  entrance.host.expect_silence(entrance.storage.address);
  // What nobody waits for any more is taken back, and an allowance that comes late does nothing.
  entrance.host.link_down(link);
  BOOST_TEST(entrance.host.expect<SendUnwanted>(entrance.uploader)->tag == second->tag);
  entrance.host.inject(entrance.uploader.address, entrance.door.address, SendAllowed{second->tag});
  entrance.host.expect_silence(entrance.storage.address);
}

BOOST_AUTO_TEST_SUITE_END()
