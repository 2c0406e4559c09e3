// What the user wants done with downloads: orders to the scheduler, and what comes of them in whole clients.

#include <boost/test/unit_test.hpp>

#include "tests/injection/peer/office.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;
using Client = LittleNetwork::Client;

constexpr std::size_t mib = 1U << 20U;

Bytes some_bytes(std::size_t size, std::uint64_t seed = 7) {
  Random random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

const DownloadName film{GroupName{"g"}, FileName{"film"}, ""};

/// alice shares a film, bob downloads it. No block leaves alice while `stopped`, and they come one at a time else.
struct Cinema {
  explicit Cinema(std::size_t size = 8 * mib) : content(some_bytes(size)) {
    network.login(alice, "alice");
    network.login(bob, "bob");
    alice.disk->put_file("/home/film", content);
    const CommandId id =
        network.command(alice, alice.at.librarian, ShareFile{{}, "/home/film", GroupName{"g"}});
    BOOST_TEST_REQUIRE((network.told(alice, id).what.get<FileAdded>() != nullptr));
    network.tamper = [this](const LittleNetwork::Client& from, Envelope& envelope) {
      if (envelope.id == RequestBlock::message_id) {
        asked.push_back(decode<RequestBlock>(envelope.body)->piece.value);
        if (allowed == 0) return false;
        --allowed;
      }
      return from.key.bytes.front() != 0;
    };
  }
  Told fetch(bool sequential = false) {
    const CommandId id =
        network.command(bob, bob.at.scheduler, StartDownload{{}, film.group, film.file, "/home", sequential});
    return network.told(bob, id);
  }
  Told order(DownloadOrder what, std::optional<DownloadName> which = film) {
    return network.told(bob, order_only(what, std::move(which)));
  }
  CommandId order_only(DownloadOrder what, std::optional<DownloadName> which = film) {
    return network.command(bob, bob.at.scheduler, ControlDownloads{{}, what, std::move(which), {}});
  }
  bool done(DownloadOrder what, std::optional<DownloadName> which = film) {
    return order(what, std::move(which)).what.get<Done>() != nullptr;
  }
  Code refused(const Told& told) {
    const auto* refusal = told.what.get<Refused>();
    BOOST_TEST_REQUIRE((refusal != nullptr));
    BOOST_TEST(!refusal->sentence.empty());
    return refusal->code;
  }
  DownloadRow row() {
    const auto rows = network.downloads(bob);
    BOOST_TEST_REQUIRE(!rows.empty());
    return rows.back();
  }
  bool complete() {
    return network.run_until([&] { return network.is_in(bob, DownloadPhase::complete); }) &&
           bob.disk->content("/home/film") == content;
  }
  std::string part_path() { return bob.store->downloads_of(uid("bob"))->front().part_path; }
  static Uid uid(const std::string& user) {
    Uid id;
    id.bytes.fill(static_cast<std::uint8_t>(user.front()));
    return id;
  }
  /// A few pieces come, then no more.
  void fetch_some() {
    allowed = 4;
    fetch();
    network.run_until([&] { return row().pieces_verified == 4; });
    BOOST_TEST_REQUIRE(row().pieces_verified == 4u);
  }

  LittleNetwork network;
  Client& alice = network.add(1);
  Client& bob = network.add(2);
  Bytes content;
  std::vector<std::uint32_t> asked;
  std::size_t allowed = SIZE_MAX;
};

BOOST_AUTO_TEST_SUITE(control)

// --- orders without a sense -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_there_is_not_cannot_be_controlled) {
  Cinema cinema;
  for (const DownloadOrder order : {DownloadOrder::pause, DownloadOrder::resume, DownloadOrder::cancel,
                                    DownloadOrder::recheck, DownloadOrder::prioritize})
    BOOST_TEST((cinema.refused(cinema.order(order)) == Code::no_such_file));
  BOOST_TEST(cinema.done(DownloadOrder::pause, std::nullopt));
  BOOST_TEST(cinema.done(DownloadOrder::resume, std::nullopt));
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  BOOST_TEST((cinema.refused(cinema.order(DownloadOrder::pause)) == Code::no_such_file));
  BOOST_TEST((cinema.refused(cinema.order(DownloadOrder::resume)) == Code::no_such_file));
  BOOST_TEST(
      (cinema.refused(cinema.order(DownloadOrder::cancel, DownloadName{film.group, film.file, "/else"})) ==
       Code::no_such_file));
  cinema.network.command(cinema.bob, cinema.bob.at.tracker_link, Ask{{}, Logout{}});
  BOOST_TEST((cinema.refused(cinema.order(DownloadOrder::cancel)) == Code::not_logged_in));
}

// --- pause and resume -------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_paused_download_asks_for_nothing_and_goes_on_when_it_is_resumed) {
  Cinema cinema;
  cinema.fetch_some();
  BOOST_TEST(cinema.done(DownloadOrder::pause));
  BOOST_TEST(cinema.done(DownloadOrder::pause));
  BOOST_TEST((cinema.row().phase == DownloadPhase::paused));
  cinema.allowed = SIZE_MAX;
  cinema.asked.clear();
  cinema.network.run_until([] { return false; }, 10s);
  BOOST_TEST(cinema.asked.empty());
  BOOST_TEST((cinema.row().phase == DownloadPhase::paused));
  BOOST_TEST(cinema.row().pieces_verified == 4u);
  BOOST_TEST(cinema.done(DownloadOrder::resume, DownloadName{film.group, film.file, "/home/film"}));
  BOOST_TEST(cinema.complete());
  BOOST_TEST(cinema.network.host.faults().empty());
}

BOOST_AUTO_TEST_CASE(a_paused_download_serves_what_it_has) {
  Cinema cinema;
  cinema.fetch_some();
  cinema.done(DownloadOrder::pause, std::nullopt);
  cinema.network.kill(cinema.alice);
  Client& carol = cinema.network.add(3);
  cinema.network.login(carol, "carol");
  cinema.allowed = SIZE_MAX;
  const CommandId id = cinema.network.command(carol, carol.at.scheduler,
                                              StartDownload{{}, film.group, film.file, "/home", false});
  BOOST_TEST((cinema.network.told(carol, id).what.get<Done>() != nullptr));
  BOOST_TEST(
      cinema.network.run_until([&] { return cinema.network.downloads(carol).back().pieces_verified == 4; }));
}

BOOST_AUTO_TEST_CASE(wait_does_not_wait_for_a_paused_download_nor_call_it_done) {
  Cinema cinema;
  cinema.fetch_some();
  const CommandId wait = cinema.network.command(cinema.bob, cinema.bob.at.scheduler, AwaitDownloads{});
  BOOST_TEST(!cinema.network.host.find<Told>(cinema.bob.at.shell.address).has_value());
  cinema.order_only(DownloadOrder::pause);
  const Told told = cinema.network.told(cinema.bob, wait);
  BOOST_TEST((cinema.refused(told) == Code::unfinished));
  BOOST_TEST(told.what.get<Refused>()->sentence.find("film") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(wishes_survive_a_logout_and_a_restart) {
  Cinema cinema;
  cinema.allowed = 4;
  cinema.fetch(true);
  cinema.network.run_until([&] { return cinema.row().pieces_verified == 4; });
  cinema.network.command(cinema.bob, cinema.bob.at.scheduler,
                         ControlDownloads{{}, DownloadOrder::prioritize, film, DownloadPriority::high});
  cinema.done(DownloadOrder::pause);
  const auto is_as_wished = [](const DownloadRow& row) {
    return row.phase == DownloadPhase::paused && row.priority == DownloadPriority::high && row.sequential &&
           row.pieces_verified == 4;
  };
  cinema.network.command(cinema.bob, cinema.bob.at.tracker_link, Ask{{}, Logout{}});
  cinema.network.login(cinema.bob, "bob");
  BOOST_TEST(is_as_wished(cinema.row()));
  cinema.network.kill(cinema.bob);
  Client& again = cinema.network.add(2, cinema.bob.store, cinema.bob.disk);
  cinema.network.login(again, "bob");
  cinema.allowed = SIZE_MAX;
  cinema.network.run_until([] { return false; }, 5s);
  BOOST_TEST(is_as_wished(cinema.network.downloads(again).back()));
  const CommandId id =
      cinema.network.command(again, again.at.scheduler, ControlDownloads{{}, DownloadOrder::resume, {}, {}});
  BOOST_TEST((cinema.network.told(again, id).what.get<Done>() != nullptr));
  BOOST_TEST(cinema.network.run_until([&] { return cinema.network.is_in(again, DownloadPhase::complete); }));
  BOOST_TEST((again.disk->content("/home/film") == cinema.content));
}

BOOST_AUTO_TEST_CASE(the_same_command_again_resumes_it) {
  Cinema cinema;
  cinema.fetch_some();
  cinema.done(DownloadOrder::pause);
  cinema.allowed = SIZE_MAX;
  BOOST_TEST((cinema.fetch().what.get<Done>() != nullptr));
  BOOST_TEST(cinema.complete());
}

BOOST_AUTO_TEST_CASE(a_verdict_of_the_turn_before_does_not_count_in_the_next) {
  Office office;
  office.run();
  const auto order = [&](DownloadOrder what) {
    office.host.inject(office.shell.address, office.scheduler.address, ControlDownloads{{7}, what, film, {}});
  };
  order(DownloadOrder::pause);
  // While it rests it does: the next turn begins with it.
  office.host.inject(office.verifier.address, office.scheduler.address, PieceVerified{{5}, 1_piece});
  BOOST_TEST(office.row().pieces_verified == 1u);
  office.host.discard(office.verifier.address);
  order(DownloadOrder::resume);
  BOOST_TEST((office.host.find<BeginDownload>(office.verifier.address)->message.pieces == Bytes{0x40}));
  office.host.inject(office.verifier.address, office.scheduler.address, PieceVerified{{5}, 2_piece, 0});
  BOOST_TEST(office.row().pieces_verified == 1u);
  // Nor when all of the piece has come again: that is going to be written over what was verified then.
  office.verified(2, 0);
  BOOST_TEST(office.row().pieces_verified == 1u);
  office.verified(2, 1);
  BOOST_TEST(office.row().pieces_verified == 2u);
}

// --- cancel -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_cancelled_download_leaves_nothing) {
  for (const bool paused : {false, true}) {
    Cinema cinema;
    cinema.fetch_some();
    if (paused) cinema.done(DownloadOrder::pause);
    const std::string part = cinema.part_path();
    BOOST_TEST(cinema.bob.disk->content(part).has_value());
    BOOST_TEST(cinema.network.tracker.sharers_of("film") == 2u);
    BOOST_TEST(cinema.done(DownloadOrder::cancel));
    BOOST_TEST(!cinema.bob.disk->content(part).has_value());
    BOOST_TEST(cinema.network.downloads(cinema.bob).empty());
    BOOST_TEST(cinema.bob.store->downloads_of(Cinema::uid("bob"))->empty());
    BOOST_TEST(cinema.network.tracker.sharers_of("film") == 1u);
    cinema.network.run_until([] { return false; }, 5s);
    BOOST_TEST(cinema.network.host.faults().empty());
    // It can be begun anew.
    cinema.allowed = SIZE_MAX;
    cinema.fetch();
    BOOST_TEST(cinema.complete());
  }
}

BOOST_AUTO_TEST_CASE(one_that_a_login_has_brought_back_paused_is_taken_off_the_trackers_too) {
  Cinema cinema;
  cinema.fetch_some();
  cinema.done(DownloadOrder::pause);
  cinema.network.command(cinema.bob, cinema.bob.at.tracker_link, Ask{{}, Logout{}});
  cinema.network.login(cinema.bob, "bob");
  BOOST_TEST(cinema.network.tracker.sharers_of("film") == 2u);
  BOOST_TEST(cinema.done(DownloadOrder::cancel));
  BOOST_TEST(cinema.network.tracker.sharers_of("film") == 1u);
}

BOOST_AUTO_TEST_CASE(a_complete_download_only_leaves_the_list) {
  Cinema cinema;
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  BOOST_TEST(cinema.done(DownloadOrder::cancel));
  BOOST_TEST(cinema.network.downloads(cinema.bob).empty());
  BOOST_TEST((cinema.bob.disk->content("/home/film") == cinema.content));
  BOOST_TEST(cinema.network.tracker.sharers_of("film") == 2u);
  BOOST_TEST(cinema.bob.store->shares_of(Cinema::uid("bob"))->size() == 1u);
}

/// The manifest of a directory has come, and the store is asked what is in it.
std::uint64_t lay_out(Office& office) {
  Metainfo tree = metainfo_of(4);
  tree.manifest_size = {10};
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(tree, {office.sharer(3)}));
  office.prepared(5, {0x80});
  BOOST_TEST(office.done(1));
  const auto prepare = office.host.expect<PrepareDownload>(office.storage);
  BOOST_TEST(prepare->download.id.value == 5u);
  return prepare->tag;
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_long_looked_at_is_looked_at_once_and_can_be_cancelled) {
  Office office;
  const std::uint64_t tag = lay_out(office);
  office.host.advance(25s);
  BOOST_TEST(!office.host.find<PrepareDownload>(office.storage.address).has_value());
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{7}, DownloadOrder::cancel, film, {}});
  office.host.discard(office.verifier.address);
  BOOST_TEST(office.host.find<ForgetDownload>(office.storage.address)->message.with_part);
  office.host.inject(office.storage.address, office.scheduler.address, DownloadForgotten{{5}});
  BOOST_TEST(office.done(7));
  // What the store has to say of it nevertheless does not bring it back.
  DownloadRecord record = office.record();
  for (const bool refused : {false, true}) {
    if (refused) {
      office.host.inject(office.storage.address, office.scheduler.address,
                         DownloadRefused{tag, Code::destination_exists, "late"});
    } else {
      office.host.inject(office.storage.address, office.scheduler.address,
                         DownloadPrepared{tag, record, {0x80}});
    }
    office.host.discard();
    office.host.inject(office.shell.address, office.scheduler.address, ListDownloads{{8}});
    BOOST_TEST(office.host.expect<Downloads>(office.shell)->downloads.empty());
  }
}

BOOST_AUTO_TEST_CASE(one_that_fails_while_it_is_looked_at_is_not_waited_for) {
  Office office;
  lay_out(office);
  office.host.inject(office.link.address, office.scheduler.address, GroupLeft{GroupName{"g"}, ""});
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{8}});
  BOOST_TEST((office.refusal() == Code::not_a_member));
}

BOOST_AUTO_TEST_CASE(another_part_of_a_directory_is_not_fetched_to_where_one_is) {
  Office office;
  lay_out(office);
  Metainfo tree = metainfo_of(4);
  tree.manifest_size = {10};
  for (const bool failed : {false, true}) {
    if (failed)
      office.host.inject(office.storage.address, office.scheduler.address, GroupLeft{GroupName{"g"}, ""});
    office.host.discard();
    office.host.inject(office.shell.address, office.scheduler.address,
                       StartDownload{{2}, GroupName{"g"}, FileName{"film"}, "/home", false, {"a"}});
    office.told<FindFile>(office.found(tree, {office.sharer(3)}));
    BOOST_TEST((office.refusal() == Code::destination_exists));
    office.host.expect_silence(office.storage.address);
  }
}

BOOST_AUTO_TEST_CASE(a_failed_download_only_leaves_the_list_and_says_where_its_bytes_are) {
  Office office;
  office.run();
  office.break_disk();
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{7}, DownloadOrder::cancel, film, {}});
  BOOST_TEST(!office.host.expect<ForgetDownload>(office.storage)->with_part);
  office.host.inject(office.storage.address, office.scheduler.address, DownloadForgotten{{5}});
  const auto told = office.host.expect<Told>(office.shell);
  BOOST_TEST((told->what.get<Done>() != nullptr));
  BOOST_TEST(told->sentence.find("/home/film.part") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_removed_is_a_failed_download) {
  Office office;
  office.run();
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{7}, DownloadOrder::cancel, film, {}});
  office.host.discard(office.verifier.address);
  BOOST_TEST(office.host.find<ForgetDownload>(office.storage.address)->message.with_part);
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadRefused{5, Code::io_error, "the disk sulks"});
  std::optional<Refused> refused;
  while (const auto said = office.host.find<Told>(office.shell.address))
    if (const auto* refusal = said->message.what.get<Refused>()) refused = *refusal;
  BOOST_TEST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->code == Code::io_error));
  BOOST_TEST((office.row().phase == DownloadPhase::failed));
}

BOOST_AUTO_TEST_CASE(
    a_failed_download_that_goes_on_does_not_take_off_what_another_client_of_the_user_shares) {
  for (const bool elsewhere : {true, false}) {
    Office office;
    office.run();
    office.break_disk();
    office.host.discard();
    office.host.inject(office.shell.address, office.scheduler.address,
                       ControlDownloads{{7}, DownloadOrder::resume, film, {}});
    office.prepared(5, {0});
    office.told<StartShare>(Done{});
    office.host.advance(50ms);
    std::vector<Sharer> sharers{office.sharer(3), office.of_ann(9)};
    if (elsewhere) sharers.push_back(office.of_ann(8));
    office.told<FindSharers>(Sharers{sharers});
    office.host.discard();
    office.host.inject(office.shell.address, office.scheduler.address,
                       ControlDownloads{{8}, DownloadOrder::cancel, film, {}});
    BOOST_TEST(office.asked<StopShare>().has_value() == !elsewhere);
  }
}

BOOST_AUTO_TEST_CASE(what_goes_on_says_nothing_of_who_is_online_before_it_is_known) {
  Office office;
  office.run();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{7}, DownloadOrder::pause, film, {}});
  office.host.advance(30s);  // the link to the peer is not kept that long
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{8}, DownloadOrder::resume, film, {}});
  while (const auto changed = office.host.find<DownloadChanged>(office.shell.address))
    BOOST_TEST((changed->message.download.phase == DownloadPhase::finding));
  office.told<FindSharers>(Sharers{});  // asked at once
  office.host.advance(500ms);
  BOOST_TEST((office.row().phase == DownloadPhase::waiting));
}

// --- recheck ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_recheck_of_a_download_finds_what_has_rotted) {
  for (const bool paused : {false, true}) {
    Cinema cinema;
    cinema.fetch_some();
    if (paused) cinema.done(DownloadOrder::pause);
    const auto pieces = cinema.bob.store->pieces_of({1}, 16);
    std::vector<PieceIndex> had;
    pieces->verified.for_each([&](PieceIndex piece) { had.push_back(piece); });
    cinema.bob.disk->flip_bit(cinema.part_path(), {had.front().value * block_size.value + 9}, 3);
    cinema.asked.clear();
    if (!paused) cinema.allowed = SIZE_MAX;
    BOOST_TEST(cinema.done(DownloadOrder::recheck));
    if (paused) {
      BOOST_TEST(cinema.network.run_until([&] { return cinema.row().pieces_verified == 3; }));
      BOOST_TEST((cinema.row().phase == DownloadPhase::paused));
      cinema.allowed = SIZE_MAX;
      cinema.done(DownloadOrder::resume);
    }
    BOOST_TEST(cinema.complete());
    // The rotten one, and those that had not come; what was right is not asked for again.
    BOOST_TEST(std::count(cinema.asked.begin(), cinema.asked.end(), had.front().value) == 1);
    BOOST_TEST(std::count(cinema.asked.begin(), cinema.asked.end(), had.back().value) == 0);
    BOOST_TEST(cinema.network.host.faults().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_sound_complete_file_stays_what_it_is) {
  Cinema cinema;
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  cinema.asked.clear();
  BOOST_TEST(cinema.done(DownloadOrder::recheck));
  const CommandId wait = cinema.network.command(cinema.bob, cinema.bob.at.scheduler, AwaitDownloads{});
  BOOST_TEST((cinema.network.told(cinema.bob, wait).what.get<Done>() != nullptr));
  BOOST_TEST(cinema.complete());
  BOOST_TEST(cinema.asked.empty());
  BOOST_TEST(cinema.bob.store->shares_of(Cinema::uid("bob"))->size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_complete_file_is_fetched_again) {
  Cinema cinema;
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  cinema.bob.disk->flip_bit("/home/film", {5 * mib + 7}, 2);
  cinema.network.host.discard(cinema.bob.at.shell.address);
  cinema.asked.clear();
  BOOST_TEST(cinema.done(DownloadOrder::recheck));
  const CommandId wait = cinema.network.command(cinema.bob, cinema.bob.at.scheduler, AwaitDownloads{});
  bool share_lost = false;
  std::optional<Told> outcome;
  cinema.network.run_until([&] {
    while (const auto said = cinema.network.host.find<ShareChanged>(cinema.bob.at.shell.address))
      share_lost = true;
    while (auto said = cinema.network.host.find<Told>(cinema.bob.at.shell.address))
      if (said->message.command == wait) outcome = said->message;
    return outcome.has_value();
  });
  BOOST_TEST_REQUIRE(outcome.has_value());
  BOOST_TEST((outcome->what.get<Done>() != nullptr));
  BOOST_TEST(cinema.complete());
  BOOST_TEST((cinema.asked == std::vector<std::uint32_t>{10}));
  BOOST_TEST(!share_lost);
  BOOST_TEST(cinema.network.tracker.sharers_of("film") == 2u);
  BOOST_TEST(cinema.bob.store->shares_of(Cinema::uid("bob"))->size() == 1u);
  BOOST_TEST(cinema.network.host.faults().empty());
}

BOOST_AUTO_TEST_CASE(a_recheck_does_not_share_what_the_user_has_unshared) {
  for (const bool shared_again : {false, true}) {
    Cinema cinema;
    cinema.fetch();
    BOOST_TEST(cinema.complete());
    const auto command = [&](const auto& what) {
      const CommandId id = cinema.network.command(cinema.bob, cinema.bob.at.librarian, what);
      return cinema.network.told(cinema.bob, id);
    };
    BOOST_TEST((command(UnshareFile{{}, film.group, film.file}).what.get<Done>() != nullptr));
    BOOST_TEST(cinema.network.tracker.sharers_of("film") == 1u);
    if (shared_again)
      BOOST_TEST((command(ShareFile{{}, "/home/film", film.group}).what.get<FileAdded>() != nullptr));
    cinema.bob.disk->flip_bit("/home/film", {5 * mib + 7}, 2);
    cinema.asked.clear();
    BOOST_TEST(cinema.done(DownloadOrder::recheck));
    BOOST_TEST(cinema.network.run_until([&] { return !cinema.asked.empty(); }));
    BOOST_TEST(cinema.complete());
    const std::size_t shares = shared_again ? 1 : 0;
    BOOST_TEST(cinema.network.tracker.sharers_of("film") == 1 + shares);
    BOOST_TEST(cinema.bob.store->shares_of(Cinema::uid("bob"))->size() == shares);
  }
}

BOOST_AUTO_TEST_CASE(where_a_complete_file_was_the_next_download_takes_its_row) {
  Cinema cinema;
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  cinema.bob.disk->remove("/home/film");
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  BOOST_TEST(cinema.network.downloads(cinema.bob).size() == 1u);
  BOOST_TEST(cinema.bob.store->downloads_of(Cinema::uid("bob"))->size() == 1u);
  // Of a file at another place nothing is forgotten.
  cinema.bob.disk->put_directory("/home/other");
  const CommandId id = cinema.network.command(cinema.bob, cinema.bob.at.scheduler,
                                              StartDownload{{}, film.group, film.file, "/home/other", false});
  cinema.network.told(cinema.bob, id);
  BOOST_TEST(cinema.network.downloads(cinema.bob).size() == 2u);
}

BOOST_AUTO_TEST_CASE(of_two_complete_files_at_one_place_from_of_old_the_younger_one_is_meant) {
  Office office;
  DownloadRecord older = office.record();
  older.phase = DownloadPhase::complete;
  DownloadRecord younger = older;
  younger.id = {6};
  DownloadRecord elsewhere = older;
  elsewhere.id = {7};
  elsewhere.path = "/home/elsewhere";
  office.login({older, younger, elsewhere});
  const auto forget = office.host.expect<ForgetDownload>(office.storage);
  BOOST_TEST((forget->download == DownloadId{5}));
  BOOST_TEST(!forget->with_part);
  office.host.inject(office.storage.address, office.scheduler.address, DownloadForgotten{{5}});
  office.host.inject(
      office.shell.address, office.scheduler.address,
      ControlDownloads{{7}, DownloadOrder::recheck, DownloadName{film.group, film.file, "/home/film"}, {}});
  BOOST_TEST((office.host.expect<RecheckDownload>(office.storage)->download == DownloadId{6}));
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(a_complete_file_that_is_gone_is_fetched_again_and_another_one_is_left_alone) {
  Cinema cinema;
  cinema.fetch();
  BOOST_TEST(cinema.complete());
  cinema.bob.disk->remove("/home/film");
  BOOST_TEST(cinema.done(DownloadOrder::recheck));
  BOOST_TEST(cinema.complete());
  cinema.bob.disk->put_file("/home/film", Bytes(5));
  BOOST_TEST(cinema.done(DownloadOrder::recheck));
  const CommandId wait = cinema.network.command(cinema.bob, cinema.bob.at.scheduler, AwaitDownloads{});
  BOOST_TEST((cinema.refused(cinema.network.told(cinema.bob, wait)) == Code::file_conflict));
  BOOST_TEST(cinema.bob.disk->content("/home/film")->size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_recheck_shows_how_far_it_is_and_can_be_cancelled) {
  Office office;
  office.run();
  office.verified(1);
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{7}, DownloadOrder::recheck, film, {}});
  const auto recheck = office.host.find<RecheckDownload>(office.storage.address);
  BOOST_TEST_REQUIRE(recheck.has_value());
  office.host.inject(office.storage.address, office.scheduler.address,
                     RecheckProgress{recheck->message.tag, 3, {2 * block_size.value}});
  const DownloadRow row = office.row();
  BOOST_TEST((row.phase == DownloadPhase::checking));
  BOOST_TEST(row.verified.value == 2 * block_size.value);
  BOOST_TEST(row.sentence.find("3 of 4") != std::string::npos);
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     ControlDownloads{{8}, DownloadOrder::cancel, film, {}});
  office.host.inject(office.storage.address, office.scheduler.address, DownloadForgotten{{5}});
  // What the recheck still says concerns nobody.
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadPrepared{recheck->message.tag, office.record(), {0xf0}});
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address, ListDownloads{{9}});
  BOOST_TEST(office.host.expect<Downloads>(office.shell)->downloads.empty());
}

// --- order of pieces, turns -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_sequential_download_goes_from_the_start_on_though_others_fetch) {
  Cinema cinema;
  Client& carol = cinema.network.add(3);
  cinema.network.login(carol, "carol");
  cinema.allowed = 2;
  const CommandId id = cinema.network.command(carol, carol.at.scheduler,
                                              StartDownload{{}, film.group, film.file, "/home", false});
  cinema.network.told(carol, id);
  cinema.network.run_until([] { return false; }, 3s);
  cinema.asked.clear();
  cinema.allowed = SIZE_MAX;
  cinema.network.command(carol, carol.at.scheduler, ControlDownloads{{}, DownloadOrder::pause, film, {}});
  cinema.asked.clear();
  cinema.fetch(true);
  BOOST_TEST(cinema.row().sequential);
  BOOST_TEST(cinema.complete());
  BOOST_TEST(std::is_sorted(cinema.asked.begin(), cinema.asked.end()));
}

BOOST_AUTO_TEST_CASE(the_next_turn_is_the_one_with_the_higher_priority) {
  SchedulerOptions options;
  options.active_max = 1;
  Office office(options);
  std::vector<DownloadRecord> records;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    DownloadRecord record = office.record("/home/film" + std::to_string(id));
    record.id = {id};
    record.metainfo = metainfo_of(4, "film" + std::to_string(id));
    record.fid = fid_of(record.metainfo);
    record.wishes.priority = id == 3 ? DownloadPriority::high : DownloadPriority::low;
    records.push_back(record);
  }
  office.login(records);
  std::vector<DownloadId> active;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const auto prepare = office.host.find<PrepareDownload>(office.storage.address);
    office.host.inject(office.storage.address, office.scheduler.address,
                       DownloadPrepared{prepare->message.tag, prepare->message.download, {0}});
  }
  office.host.discard();
  office.host.inject(
      office.shell.address, office.scheduler.address,
      ControlDownloads{{7}, DownloadOrder::pause, DownloadName{film.group, FileName{"film1"}, ""}, {}});
  const auto begun = office.asked<StartShare>();
  BOOST_TEST_REQUIRE(begun.has_value());
  BOOST_TEST((begun->fid == records[2].fid));
}

// --- limits -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_limit_is_remembered_and_slows_what_is_fetched_and_what_is_sent) {
  for (const LimitDirection direction : {LimitDirection::down, LimitDirection::up}) {
    Cinema cinema;
    Client& limited = direction == LimitDirection::down ? cinema.bob : cinema.alice;
    const RateLimit limit{direction, "g", 0, 0, 1U << 20U};
    const CommandId set = cinema.network.command(limited, limited.at.storage, SetLimit{{}, limit});
    BOOST_TEST((cinema.network.told(limited, set).what.get<Done>() != nullptr));
    BOOST_CHECK(*limited.store->limits() == std::vector{limit});
    cinema.network.command(limited, limited.at.storage, ListLimits{});
    BOOST_CHECK(cinema.network.host.find<Limits>(limited.at.shell.address)->message.limits ==
                std::vector{limit});
    cinema.fetch();
    BOOST_TEST(!cinema.network.run_until(
        [&] { return cinema.network.is_in(cinema.bob, DownloadPhase::complete); }, 7s));
    BOOST_TEST(cinema.row().pieces_verified >= 12u);
    BOOST_TEST(cinema.network.run_until(
        [&] { return cinema.network.is_in(cinema.bob, DownloadPhase::complete); }, 2s));
  }
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_lifted_lets_go_at_once) {
  for (const LimitDirection direction : {LimitDirection::down, LimitDirection::up}) {
    Cinema cinema;
    Client& limited = direction == LimitDirection::down ? cinema.bob : cinema.alice;
    cinema.network.command(limited, limited.at.storage, SetLimit{{}, {direction, "", 0, 0, 1000}});
    cinema.fetch();
    cinema.network.run_until([] { return false; }, 2s);
    BOOST_TEST(cinema.row().pieces_verified == 0u);
    cinema.network.command(limited, limited.at.storage, SetLimit{{}, {direction, "", 0, 0, 0}});
    BOOST_TEST(cinema.network.run_until(
        [&] { return cinema.network.is_in(cinema.bob, DownloadPhase::complete); }, 1s));
    BOOST_TEST(cinema.network.host.faults().empty());
  }
}

// --- diagnosis --------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_diagnosis_names_what_is_known) {
  Cinema cinema;
  cinema.fetch_some();
  cinema.network.run_until([] { return false; }, 3s);
  cinema.network.command(cinema.bob, cinema.bob.at.scheduler, DiagnoseDownloads{{}, film.group, film.file});
  const auto said = cinema.network.host.find<DownloadsDiagnosed>(cinema.bob.at.shell.address);
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST_REQUIRE(said->message.downloads.size() == 1u);
  const DownloadFacts& facts = said->message.downloads.front();
  BOOST_TEST(facts.row.pieces_verified == 4u);
  BOOST_TEST(facts.pieces_without_source == 0u);
  BOOST_TEST_REQUIRE(facts.sources.size() == 1u);
  BOOST_TEST(facts.sources.front().user.text == "alice");
  BOOST_TEST((facts.sources.front().state == SourceState::asked));
  BOOST_TEST(facts.sources.front().silent.count() >= 2500);
  BOOST_TEST(facts.sources.front().asked.value > 0u);

  cinema.network.command(cinema.alice, cinema.alice.at.uploader, DiagnoseShare{{}, film.group, film.file});
  const auto share = cinema.network.host.find<ShareDiagnosed>(cinema.alice.at.shell.address);
  BOOST_TEST_REQUIRE(share.has_value());
  BOOST_TEST_REQUIRE(share->message.share.has_value());
  BOOST_TEST(share->message.share->pieces_served == 16u);
  BOOST_TEST_REQUIRE(share->message.share->leechers.size() == 1u);
  BOOST_TEST((share->message.share->leechers.front().client == cinema.bob.key));
}

BOOST_AUTO_TEST_CASE(a_diagnosis_names_pieces_without_a_source) {
  Office office;
  const Address peer = office.run();
  office.host.inject(peer, office.owner(peer), FileClosed{fid_of(metainfo_of(4)), CloseReason::not_shared});
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address,
                     DiagnoseDownloads{{3}, film.group, film.file});
  office.host.expect_silence(office.shell.address);  // the verifier is asked, too
  BOOST_TEST_REQUIRE(office.host.find<ReportWriting>(office.verifier.address).has_value());
  office.host.inject(office.verifier.address, office.scheduler.address,
                     WritingReported{{5}, WritingFacts{std::chrono::microseconds(900), 30, 60}});
  const auto said = office.host.expect<DownloadsDiagnosed>(office.shell);
  const DownloadFacts& facts = said->downloads.front();
  BOOST_TEST_REQUIRE(facts.writing.has_value());
  BOOST_TEST(facts.writing->writing_percent == 60u);
  BOOST_TEST(facts.pieces_without_source == 4u);
  BOOST_CHECK((facts.without_source == std::vector{PieceRange{0_piece, 3_piece}}));
  BOOST_TEST(facts.sources.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
