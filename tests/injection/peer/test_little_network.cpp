// Whole clients against each other, in one thread and without a socket: what the actors do together.

#include <boost/test/unit_test.hpp>

#include "peer/admission.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using Client = LittleNetwork::Client;

Bytes some_bytes(std::size_t size, std::uint64_t seed = 7) {
  Random random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

void share(LittleNetwork& network, Client& client, const std::string& path, const Bytes& content) {
  client.disk->put_file(path, content);
  const CommandId id = network.command(client, client.at.librarian, ShareFile{{}, path, GroupName{"g"}});
  const Told told = network.told(client, id);
  BOOST_TEST_REQUIRE((told.what.get<FileAdded>() != nullptr));
}

Told fetch(LittleNetwork& network, Client& client, const std::string& file) {
  const CommandId id = network.command(client, client.at.scheduler,
                                       StartDownload{{}, GroupName{"g"}, FileName{file}, "/home", false});
  return network.told(client, id);
}

bool complete(LittleNetwork& network, Client& client) {
  return network.run_until([&] { return network.is_in(client, DownloadPhase::complete); });
}

BOOST_AUTO_TEST_SUITE(little_network)

BOOST_AUTO_TEST_CASE(files_of_all_sizes_arrive) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{512 * 1024 - 1}, std::size_t{512 * 1024},
        std::size_t{512 * 1024 + 1}, std::size_t{3 * 1024 * 1024}}) {
    BOOST_TEST_CONTEXT("size " << size) {
      LittleNetwork network;
      Client& alice = network.add(1);
      Client& bob = network.add(2);
      network.login(alice, "alice");
      network.login(bob, "bob");
      const Bytes content = some_bytes(size);
      share(network, alice, "/home/film", content);
      BOOST_TEST((fetch(network, bob, "film").what.get<Done>() != nullptr));
      BOOST_TEST(complete(network, bob));
      BOOST_TEST((bob.disk->content("/home/film") == content));
      BOOST_TEST(network.tracker.sharers_of("film") == 2u);
      BOOST_TEST(network.host.faults().empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(two_sources_both_give_and_a_complete_download_serves) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  Client& carol = network.add(3);
  for (auto* each : {&alice, &bob, &carol})
    network.login(*each, std::string(1, static_cast<char>('a' + each->key.bytes[0])));
  const Bytes content = some_bytes(8 << 20);
  share(network, alice, "/home/film", content);
  share(network, bob, "/home/film", content);
  std::map<ClientKey, int> blocks;
  network.tamper = [&](const Client& from, Envelope& envelope) {
    if (envelope.id == Block::message_id) ++blocks[from.key];
    return true;
  };
  fetch(network, carol, "film");
  BOOST_TEST(complete(network, carol));
  BOOST_TEST((carol.disk->content("/home/film") == content));
  BOOST_TEST(blocks[alice.key] > 0);
  BOOST_TEST(blocks[bob.key] > 0);

  network.command(alice, alice.at.tracker_link, Ask{{}, Logout{}});
  network.command(bob, bob.at.tracker_link, Ask{{}, Logout{}});
  Client& dave = network.add(4);
  network.login(dave, "dave");
  fetch(network, dave, "film");
  BOOST_TEST(complete(network, dave));
  BOOST_TEST((dave.disk->content("/home/film") == content));
  BOOST_TEST(network.host.faults().empty());
}

BOOST_AUTO_TEST_CASE(a_liar_beside_an_honest_one_costs_only_its_pieces) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& mallory = network.add(2);
  Client& carol = network.add(3);
  network.login(alice, "alice");
  network.login(mallory, "mallory");
  network.login(carol, "carol");
  const Bytes content = some_bytes(6 << 20);
  share(network, alice, "/home/film", content);
  share(network, mallory, "/home/film", content);
  int lies = 0;
  network.tamper = [&](const Client& from, Envelope& envelope) {
    if (envelope.id == Block::message_id && from.key == mallory.key) {
      Bytes bytes(envelope.payload.view().begin(), envelope.payload.view().end());
      bytes[bytes.size() / 2] ^= 1;
      envelope.payload = Payload::own(std::move(bytes));
      ++lies;
    }
    return true;
  };
  fetch(network, carol, "film");
  BOOST_TEST(complete(network, carol));
  BOOST_TEST((carol.disk->content("/home/film") == content));
  BOOST_TEST(lies > 0);
}

BOOST_AUTO_TEST_CASE(a_lonely_liar_leaves_the_download_waiting) {
  LittleNetwork network;
  Client& mallory = network.add(1);
  Client& carol = network.add(2);
  network.login(mallory, "mallory");
  network.login(carol, "carol");
  share(network, mallory, "/home/film", some_bytes(2 << 20));
  network.tamper = [&](const Client&, Envelope& envelope) {
    if (envelope.id == Block::message_id) {
      Bytes bytes(envelope.payload.view().begin(), envelope.payload.view().end());
      bytes.back() ^= 0x80;
      envelope.payload = Payload::own(std::move(bytes));
    }
    return true;
  };
  fetch(network, carol, "film");
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::waiting); }));
  BOOST_TEST(!carol.disk->content("/home/film"));
  BOOST_TEST((network.downloads(carol).front().code == Code::no_peers));
}

BOOST_AUTO_TEST_CASE(a_source_that_dies_and_returns_finishes_what_it_began) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  const Bytes content = some_bytes(20 << 20);
  share(network, alice, "/home/film", content);
  int blocks = 0;
  network.tamper = [&](const Client&, Envelope& envelope) {
    return envelope.id != Block::message_id || ++blocks <= 10;
  };
  fetch(network, bob, "film");
  BOOST_TEST_REQUIRE(network.run_until([&] { return blocks > 10; }));
  network.kill(alice);
  BOOST_TEST(network.run_until([&] { return network.is_in(bob, DownloadPhase::waiting); }));
  const DownloadRow row = network.downloads(bob).front();
  BOOST_TEST((row.pieces_verified > 0 && row.pieces_verified < row.pieces));

  network.tamper = nullptr;
  Client& again = network.add(1, alice.store, alice.disk);  // on another port
  network.login(again, "alice");
  BOOST_TEST(complete(network, bob));
  BOOST_TEST((bob.disk->content("/home/film") == content));
}

BOOST_AUTO_TEST_CASE(who_is_a_member_no_more_is_not_served_on) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  share(network, alice, "/home/film", some_bytes(20 << 20));
  int blocks = 0;
  bool turned_away = false;
  network.tamper = [&](const Client& from, Envelope& envelope) {
    if (envelope.id == FileClosed::message_id && from.key == alice.key)
      turned_away |= decode<FileClosed>(envelope.body)->reason == CloseReason::not_a_member;
    return envelope.id != Block::message_id || ++blocks <= 10;
  };
  fetch(network, bob, "film");
  BOOST_TEST_REQUIRE(network.run_until([&] { return blocks > 10; }));
  network.tracker.expel(bob.key);
  BOOST_TEST(network.run_until([&] { return turned_away; }, Admission::ask_every + std::chrono::seconds(2)));
  const int served = blocks;
  network.run_until([] { return false; }, std::chrono::seconds(10));
  BOOST_TEST(blocks == served);
}

BOOST_AUTO_TEST_CASE(a_killed_downloader_goes_on_where_it_stood) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  const Bytes content = some_bytes(20 << 20);
  share(network, alice, "/home/film", content);
  int blocks = 0;
  network.tamper = [&](const Client&, Envelope& envelope) {
    return envelope.id != Block::message_id || ++blocks <= 12;
  };
  fetch(network, bob, "film");
  const std::uint32_t had = network.downloads(bob).front().pieces_verified;
  BOOST_TEST_REQUIRE(had > 0);
  network.kill(bob);

  blocks = 0;
  network.tamper = [&](const Client&, Envelope& envelope) {
    if (envelope.id == Block::message_id) ++blocks;
    return true;
  };
  Client& again = network.add(2, bob.store, bob.disk);
  network.login(again, "bob");
  BOOST_TEST(complete(network, again));
  BOOST_TEST((again.disk->content("/home/film") == content));
  BOOST_TEST(blocks <= static_cast<int>(40 - had));
}

BOOST_AUTO_TEST_CASE(a_volume_that_is_not_there_at_login_is_waited_for) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  const Bytes content = some_bytes(8 << 20);
  share(network, alice, "/home/film", content);
  int blocks = 0;
  network.tamper = [&](const Client&, Envelope& envelope) {
    return envelope.id != Block::message_id || ++blocks <= 6;
  };
  fetch(network, bob, "film");
  const std::uint32_t had = network.downloads(bob).front().pieces_verified;
  BOOST_TEST_REQUIRE(had > 0);
  network.kill(bob);

  network.tamper = nullptr;
  Client& again = network.add(2, bob.store, bob.disk);
  again.disk->set_absent("/home", true);
  network.login(again, "bob");
  BOOST_TEST(network.is_in(again, DownloadPhase::waiting));
  BOOST_TEST((network.downloads(again).front().code == Code::no_such_file));
  again.disk->set_absent("/home", false);
  BOOST_TEST(complete(network, again));
  BOOST_TEST((again.disk->content("/home/film") == content));
}

BOOST_AUTO_TEST_CASE(nobody_online_is_said_and_then_waited_for) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  const Bytes content = some_bytes(1000);
  share(network, alice, "/home/film", content);
  network.command(alice, alice.at.tracker_link, Ask{{}, Logout{}});
  const Told told = fetch(network, bob, "film");
  BOOST_TEST_REQUIRE((told.what.get<Refused>() != nullptr));
  BOOST_TEST((told.what.get<Refused>()->code == Code::no_peers));
  BOOST_TEST(network.run_until([&] { return network.is_in(bob, DownloadPhase::waiting); }));
  network.login(alice, "alice");
  BOOST_TEST(complete(network, bob));
  BOOST_TEST((bob.disk->content("/home/film") == content));
}

BOOST_AUTO_TEST_CASE(a_changed_file_is_not_served_and_its_owner_is_told) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  share(network, alice, "/home/film", some_bytes(1 << 20));
  alice.disk->put_file("/home/film", some_bytes(1 << 20, 8));
  fetch(network, bob, "film");
  BOOST_TEST(
      network.run_until([&] { return network.host.find<ShareChanged>(alice.at.shell.address).has_value(); }));
  BOOST_TEST(network.run_until([&] { return network.is_in(bob, DownloadPhase::waiting); }));
  BOOST_TEST(network.tracker.sharers_of("film") == 1u);
  BOOST_TEST(!bob.disk->content("/home/film"));
}

BOOST_AUTO_TEST_CASE(a_touched_file_with_the_same_bytes_stays_a_share) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  const Bytes content = some_bytes(1 << 20);
  share(network, alice, "/home/film", content);
  alice.disk->put_file("/home/film", content);
  fetch(network, bob, "film");
  BOOST_TEST(complete(network, bob));
  BOOST_TEST((bob.disk->content("/home/film") == content));
}

BOOST_AUTO_TEST_CASE(twenty_downloads_at_once_are_all_exact) {
  LittleNetwork network;
  std::vector<Client*> sources;
  for (std::uint8_t i = 1; i <= 4; ++i) {
    sources.push_back(&network.add(i));
    network.login(*sources.back(), std::string(1, static_cast<char>('a' + i)));
  }
  Client& bob = network.add(9);
  network.login(bob, "z");
  std::map<std::string, Bytes> files;
  for (unsigned i = 0; i < 20; ++i) {
    const std::string name = "file" + std::to_string(i);
    files[name] = some_bytes(700'000 + i, i);
    for (Client* source : sources) share(network, *source, "/home/" + name, files[name]);
  }
  for (const auto& [name, content] : files) fetch(network, bob, name);
  BOOST_TEST(network.run_until([&] {
    const auto rows = network.downloads(bob);
    return rows.size() == 20 && std::all_of(rows.begin(), rows.end(), [](const DownloadRow& row) {
             return row.phase == DownloadPhase::complete;
           });
  }));
  for (const auto& [name, content] : files) BOOST_TEST((bob.disk->content("/home/" + name) == content));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said_at_once) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  share(network, alice, "/home/film", some_bytes(1 << 20));
  bob.disk->set_capacity(1000_bytes);
  const Told told = fetch(network, bob, "film");
  BOOST_TEST_REQUIRE((told.what.get<Refused>() != nullptr));
  BOOST_TEST((told.what.get<Refused>()->code == Code::disk_full));
}

BOOST_AUTO_TEST_CASE(an_existing_destination_is_left_alone) {
  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  network.login(alice, "alice");
  network.login(bob, "bob");
  share(network, alice, "/home/film", some_bytes(1 << 20));
  bob.disk->put_file("/home/film", {1, 2, 3});
  const Told told = fetch(network, bob, "film");
  BOOST_TEST_REQUIRE((told.what.get<Refused>() != nullptr));
  BOOST_TEST((told.what.get<Refused>()->code == Code::destination_exists));
  BOOST_TEST((bob.disk->content("/home/film") == Bytes{1, 2, 3}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
