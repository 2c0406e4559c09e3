#include <boost/test/unit_test.hpp>

#include "peer/part_of.hpp"
#include "peer/scheduler.hpp"
#include "tests/injection/peer/office.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(scheduler)

BOOST_AUTO_TEST_CASE(the_trackers_refusals_are_passed_on) {
  for (const Code code :
       {Code::no_such_group, Code::not_a_member, Code::no_such_file, Code::tracker_unreachable}) {
    Office office;
    office.login();
    office.start(1);
    office.told<FindFile>(Refused{code, "no"});
    BOOST_TEST((office.refusal() == code));
    office.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(the_disks_refusals_are_passed_on) {
  for (const Code code : {Code::destination_exists, Code::disk_full, Code::io_error}) {
    Office office;
    office.login();
    office.start(1);
    office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
    const auto prepare = office.host.expect<PrepareDownload>(office.storage);
    BOOST_TEST(prepare->download.id.value == 0u);
    office.host.inject(office.storage.address, office.scheduler.address,
                       DownloadRefused{prepare->tag, code, "no"});
    BOOST_TEST((office.refusal() == code));
    office.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(a_metainfo_that_is_not_that_of_its_id_is_refused) {
  Office office;
  office.login();
  office.start(1);
  FileFound found = office.found(metainfo_of(4), {office.sharer(3)});
  found.metainfo.size = {3 * block_size.value + 1};
  office.told<FindFile>(found);
  BOOST_TEST((office.refusal() == Code::integrity));
}

BOOST_AUTO_TEST_CASE(without_a_session_nothing_is_listed) {
  Office office;
  office.host.inject(office.shell.address, office.scheduler.address, ListDownloads{{1}});
  BOOST_TEST((office.refusal() == Code::not_logged_in));
}

BOOST_AUTO_TEST_CASE(waiting_with_nothing_to_wait_for_is_done_at_once) {
  Office office;
  office.login();
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{3}});
  const auto told = office.host.expect<Told>(office.shell);
  BOOST_TEST((told->what.get<Done>() != nullptr));
}

BOOST_AUTO_TEST_CASE(what_a_login_brings_back_is_listed_when_it_is_known) {
  Office office;
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{office.uid, "ann"});
  office.host.inject(office.shell.address, office.scheduler.address, ListDownloads{{1}});
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{2}});
  const auto recall = office.host.expect<RecallDownloads>(office.storage);
  office.host.expect_silence();
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadsRecalled{office.uid, recall->session, {office.record()}});
  office.host.expect_silence(office.shell.address);
  office.prepared(5, {0xc0});
  BOOST_TEST(office.host.expect<DownloadChanged>(office.shell)->download.pieces_verified == 2u);
  BOOST_TEST(office.host.expect<Downloads>(office.shell)->downloads.size() == 1u);
  office.host.expect_silence(office.shell.address);  // and wait goes on
}

BOOST_AUTO_TEST_CASE(a_download_goes_its_way) {
  Office office;
  const Address peer = office.run();
  BOOST_TEST((office.row().phase == DownloadPhase::fetching));
  BOOST_TEST(office.row().peers == 1u);
  for (int i = 0; i < 4; ++i) {
    const auto request = office.host.find<RequestBlock>(peer);
    BOOST_TEST_REQUIRE(request.has_value());
    const PieceIndex piece = request->message.piece;
    office.host.inject(peer, office.owner(peer), Block{fid_of(metainfo_of(4)), piece, {}},
                       Payload::own(Bytes(block_size.value)));
    office.host.discard(office.verifier.address);
    office.verified(piece.value);
    BOOST_TEST((office.host.expect<JournalPiece>(office.storage)->piece == piece));
    if (i == 0) office.host.expect<ServeFile>(office.uploader);
    BOOST_TEST((office.host.expect<ServePiece>(office.uploader)->piece == piece));
  }
  BOOST_TEST((office.row().phase == DownloadPhase::checking));
  office.whole(Sha1{});
  BOOST_TEST(office.host.expect<FinishDownload>(office.storage)->path == "/home/film");
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{3}});
  office.host.inject(office.storage.address, office.scheduler.address, DownloadFinished{{5}, {}});
  BOOST_TEST(office.host.expect<AdoptShare>(office.librarian)->share.path == "/home/film");
  BOOST_TEST((office.row().phase == DownloadPhase::complete));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_back_while_a_file_gets_its_name_is_no_failure) {
  Office office;
  office.finish();
  office.host.inject(office.verifier.address, office.scheduler.address,
                     WholeUnreadable{{5}, Code::no_such_file, "it is gone"});
  BOOST_TEST((office.row().phase == DownloadPhase::checking));
  office.host.inject(office.storage.address, office.scheduler.address, DownloadFinished{{5}, {}});
  BOOST_TEST((office.row().phase == DownloadPhase::complete));
}

BOOST_AUTO_TEST_CASE(a_wrong_whole_is_an_integrity_failure_and_forgets_the_pieces) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {}));
  office.prepared(5, {0xf0});  // all is there already
  office.host.discard(office.shell.address);
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{3}});
  Sha1 other;
  other.bytes.fill(1);
  office.whole(other);
  BOOST_TEST(office.host.expect<SettleDownload>(office.storage)->forget_pieces);
  BOOST_TEST((office.refusal() == Code::integrity));
  BOOST_TEST((office.row().phase == DownloadPhase::failed));
}

BOOST_AUTO_TEST_CASE(a_name_that_was_taken_meanwhile_is_left_alone) {
  Office office;
  office.finish();
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadRefused{5, Code::destination_exists, "taken"});
  BOOST_TEST((office.row().code == Code::destination_exists));
  BOOST_TEST((office.row().phase == DownloadPhase::failed));
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_ends_the_download_and_a_new_start_goes_on) {
  Office office;
  office.run();
  office.verified(1);
  office.host.inject(office.verifier.address, office.scheduler.address,
                     PieceUnwritable{{5}, 2_piece, Code::disk_full, "full"});
  const DownloadRow row = office.row();
  BOOST_TEST((row.phase == DownloadPhase::failed && row.code == Code::disk_full));
  BOOST_TEST(row.pieces_verified == 1u);
  office.host.discard();
  office.start(2);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  BOOST_TEST(office.host.expect<PrepareDownload>(office.storage)->download.id.value == 5u);
}

BOOST_AUTO_TEST_CASE(the_same_download_does_not_run_twice_but_goes_on) {
  Office office;
  office.run();
  office.host.discard();
  office.start(2);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  BOOST_TEST(office.done(2));
  office.start(3, "film", "/home/film");
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  BOOST_TEST(office.done(3));
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(another_file_is_not_put_where_one_is_being_put) {
  Office office;
  office.run();
  office.host.discard();
  office.start(2, "song", "/home/film");
  office.told<FindFile>(office.found(metainfo_of(4, "song"), {office.sharer(3)}));
  BOOST_TEST((office.refusal() == Code::destination_exists));
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(a_command_waits_until_the_place_of_the_one_before_is_settled) {
  Office office;
  office.login();
  office.start(1);
  office.start(2, "film", "/home/film");
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.host.expect_silence(office.shell.address);
  office.prepared(5, {0});
  BOOST_TEST(office.done(1));
  BOOST_TEST(office.done(2));
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(a_command_waits_for_what_the_login_brings_back) {
  Office office;
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{office.uid, "ann"});
  const auto recall = office.host.expect<RecallDownloads>(office.storage);
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.host.expect_silence();
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadsRecalled{office.uid, recall->session, {office.record()}});
  BOOST_TEST(office.done(1));
  office.prepared(5, {0});
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(what_was_recalled_for_a_session_that_has_ended_is_not_begun) {
  Office office;
  std::vector<std::uint64_t> sessions;
  for (int i = 0; i < 2; ++i) {
    office.host.inject(office.link.address, office.scheduler.address, SessionChanged{});
    office.host.inject(office.link.address, office.scheduler.address, SessionChanged{office.uid, "ann"});
    sessions.push_back(office.host.expect<RecallDownloads>(office.storage)->session);
  }
  for (const std::uint64_t session : sessions)
    office.host.inject(office.storage.address, office.scheduler.address,
                       DownloadsRecalled{office.uid, session, {office.record()}});
  office.prepared(5, {0});
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(what_one_user_asked_for_is_not_begun_for_the_next) {
  Office office;
  office.login();
  office.start(1);
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{});
  BOOST_TEST((office.refusal() == Code::not_logged_in));
  office.uid.bytes.fill(8);
  office.login();
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_place_that_is_not_ready_at_login_is_tried_again) {
  Office office;
  office.login({office.record()});
  for (int i = 0; i < 2; ++i) {
    const auto prepare = office.host.expect<PrepareDownload>(office.storage);
    office.host.inject(office.storage.address, office.scheduler.address,
                       DownloadRefused{prepare->tag, Code::disk_full, "full"});
    BOOST_TEST((office.row().phase == DownloadPhase::waiting));
    BOOST_TEST((office.row().code == Code::disk_full));
    office.host.expect_silence(office.storage.address);
    office.host.advance(10s);
  }
  office.prepared(5, {0xc0});
  BOOST_TEST(office.row().pieces_verified == 2u);
  BOOST_TEST((office.row().phase == DownloadPhase::finding));
}

BOOST_AUTO_TEST_CASE(a_forgotten_start_has_no_outcome) {
  Office office;
  office.login();
  office.start(1);
  office.host.inject(office.shell.address, office.scheduler.address, ForgetCommand{{1}});
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.prepared(5, {0});
  BOOST_TEST(!office.host.find<Told>(office.shell.address).has_value());
  BOOST_TEST((office.row().phase == DownloadPhase::finding));
}

BOOST_AUTO_TEST_CASE(a_download_that_is_kept_private_stays_so) {
  {
    Office office;
    office.run();
    office.host.discard();
    office.host.inject(office.librarian.address, office.scheduler.address,
                       DownloadUnshared{GroupName{"g"}, FileName{"film"}});
    BOOST_TEST((office.host.expect<KeepPrivate>(office.storage)->download == DownloadId{5}));
  }
  Office office;
  DownloadRecord record = office.record();
  record.share = false;
  office.login({record});
  office.prepared(5, {0xc0});
  office.told<FindSharers>(Sharers{});  // and no StartShare
  office.host.advance(5s);
  office.host.expect_silence(office.uploader.address);
}

BOOST_AUTO_TEST_CASE(a_bad_piece_bans_whoever_sent_it) {
  Office office;
  const Address peer = office.run();
  const Address fetcher = office.owner(peer);
  const auto request = office.host.find<RequestBlock>(peer);
  office.host.inject(peer, fetcher, Block{fid_of(metainfo_of(4)), request->message.piece, {}},
                     Payload::own(Bytes(block_size.value)));
  office.host.inject(office.verifier.address, office.scheduler.address,
                     PieceCorrupt{{5}, request->message.piece, {fetcher}});
  BOOST_TEST(!office.host.is_alive(fetcher));
  BOOST_TEST(!office.host.is_open(peer));
  // The trackers are told; whatever they make of it, he is left.
  BOOST_TEST((office.told<ReportPiece>(Refused{Code::not_sharing, "no"}) ==
              ReportPiece{office.gid, fid_of(metainfo_of(4)), client_key(3), request->message.piece}));
  office.told<FindSharers>(Sharers{{office.sharer(3)}});
  office.host.advance(3s);
  for (const auto& link : office.host.links()) BOOST_TEST(link.endpoint != "127.0.0.1:7003");
  BOOST_TEST((office.row().phase == DownloadPhase::waiting));
  BOOST_TEST((office.row().code == Code::no_peers));
  // He is online, and that is not what is said.
  BOOST_TEST(office.row().sentence.starts_with("nothing is fetched any more from 1 of those who share film"));
}

BOOST_AUTO_TEST_CASE(nobody_has_it_is_not_said_while_somebody_is_being_met) {
  for (const bool answers : {true, false}) {
    Office office;
    office.login();
    office.start(1);
    office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3), office.sharer(4)}));
    office.prepared(5, {0});
    office.told<StartShare>(Done{});
    office.host.advance(500ms);
    office.told<FindSharers>(Sharers{{office.sharer(3), office.sharer(4)}});
    office.open_at(4, metainfo_of(4), {0});  // fetches it, too, and has nothing yet
    BOOST_TEST((office.row().phase == DownloadPhase::finding));
    if (answers) {
      office.open_at(3, metainfo_of(4), {0xf0});
      BOOST_TEST((office.row().phase == DownloadPhase::fetching));
    } else {
      office.host.advance(4s);
      BOOST_TEST((office.row().phase == DownloadPhase::waiting));
      BOOST_TEST((office.row().code == Code::no_peers));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_peer_that_closes_a_file_is_not_pestered) {
  Office office;
  const Address peer = office.run();
  office.host.discard();
  office.host.inject(peer, office.owner(peer), FileClosed{fid_of(metainfo_of(4)), CloseReason::not_shared});
  for (int i = 0; i < 3; ++i) {
    office.told<FindSharers>(Sharers{{office.sharer(3)}});
    if (i < 1) BOOST_TEST(!office.host.find<OpenFile>(peer).has_value());
    office.host.advance(2s);
  }
  BOOST_TEST(office.host.find<OpenFile>(peer).has_value());
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_busy_is_asked_again_in_its_time) {
  Office office;
  const Address peer = office.run();
  office.host.discard();
  office.host.inject(peer, office.owner(peer), FileClosed{fid_of(metainfo_of(4)), CloseReason::busy});
  // Whoever turns one away turns many away: the trackers do not hear of each.
  BOOST_TEST(!office.asked<FindSharers>().has_value());
  BOOST_TEST((office.row().phase == DownloadPhase::waiting));
  BOOST_TEST(office.row().sentence.starts_with("1 of those who share film is busy"));
  const auto is_asked_at_the_next_look = [&] {
    office.host.inject(peer, office.owner(peer), FileClosed{fid_of(metainfo_of(4)), CloseReason::asked});
    office.host.advance(2s);
    office.told<FindSharers>(Sharers{{office.sharer(3)}});
    return office.host.find<OpenFile>(peer).has_value();
  };
  const auto refuse = [&] {
    office.host.inject(peer, office.owner(peer), FileClosed{fid_of(metainfo_of(4)), CloseReason::busy});
    office.host.discard();
  };
  BOOST_TEST(is_asked_at_the_next_look());
  refuse();
  BOOST_TEST(is_asked_at_the_next_look());
  refuse();
  BOOST_TEST(!is_asked_at_the_next_look());  // later and later
  BOOST_TEST(is_asked_at_the_next_look());
  office.host.inject(peer, office.owner(peer), FileOpened{fid_of(metainfo_of(4)), {0xf0}});
  BOOST_TEST((office.row().phase == DownloadPhase::fetching));
}

BOOST_AUTO_TEST_CASE(a_link_of_which_nothing_is_wanted_is_not_dialled_again) {
  Office office;
  const Address peer = office.run();
  for (std::uint32_t piece = 0; piece < 4; ++piece) office.verified(piece);
  const Address fetcher = office.owner(peer);
  BOOST_TEST(office.host.is_alive(fetcher));
  office.host.link_down(peer);
  BOOST_TEST(!office.host.is_alive(fetcher));
}

BOOST_AUTO_TEST_CASE(a_client_that_serves_elsewhere_now_is_found_there) {
  Office office;
  const Address peer = office.run();
  office.host.discard();
  office.host.link_down(peer);
  Sharer moved = office.sharer(3);
  moved.port = 8000;
  office.told<FindSharers>(Sharers{{moved}});
  BOOST_TEST(!office.host.is_open(peer));
  office.host.link_to("127.0.0.1:8000");
}

BOOST_AUTO_TEST_CASE(the_own_client_is_no_source) {
  Office office;
  office.login();
  office.start(1);
  Sharer self = office.sharer(9);
  office.told<FindFile>(office.found(metainfo_of(4), {self}));
  office.prepared(5, {0});
  BOOST_TEST((office.refusal() == Code::no_peers));
  BOOST_TEST(office.host.links().empty());
}

BOOST_AUTO_TEST_CASE(the_end_of_the_session_ends_the_fetching_and_the_waiting) {
  Office office;
  const Address peer = office.run();
  office.verified(0);
  office.host.discard();
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{3}});
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{});
  BOOST_TEST((office.refusal() == Code::unfinished));
  BOOST_TEST((office.host.expect<StopServing>(office.uploader)->reason == CloseReason::logged_out));
  BOOST_TEST(!office.host.is_open(peer));
  office.verified(1);  // a straggler
  office.host.advance(30s);
  office.host.expect_silence(office.storage.address);
}

BOOST_AUTO_TEST_CASE(leaving_the_group_ends_its_downloads) {
  Office office;
  office.run();
  office.host.inject(office.link.address, office.scheduler.address, GroupLeft{GroupName{"other"}, ""});
  BOOST_TEST((office.row().phase == DownloadPhase::fetching));
  office.host.inject(office.link.address, office.scheduler.address, GroupLeft{GroupName{"g"}, ""});
  BOOST_TEST((office.row().code == Code::not_a_member));
}

BOOST_AUTO_TEST_CASE(a_download_that_is_not_to_be_shared_is_not_adopted) {
  Office office;
  office.run();
  office.host.inject(office.librarian.address, office.scheduler.address,
                     DownloadUnshared{GroupName{"g"}, FileName{"film"}});
  for (std::uint32_t piece = 0; piece < 4; ++piece) office.verified(piece);
  office.whole(Sha1{});
  office.host.inject(office.storage.address, office.scheduler.address, DownloadFinished{{5}, {}});
  office.host.expect_silence(office.librarian.address);
}

BOOST_AUTO_TEST_CASE(a_download_that_fails_is_taken_off_the_trackers) {
  Office office;
  office.run();
  office.host.expect<ServeFile>(office.uploader);
  office.break_disk();
  office.host.expect<StopServing>(office.uploader);
  const auto stop = office.asked<StopShare>();
  BOOST_TEST_REQUIRE(stop.has_value());
  BOOST_TEST(stop->file.text == "film");
}

BOOST_AUTO_TEST_CASE(a_download_that_fails_before_the_trackers_have_answered_is_taken_off_them_too) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.prepared(5, {0});
  office.break_disk();
  BOOST_TEST(office.asked<StopShare>().has_value());
}

BOOST_AUTO_TEST_CASE(what_the_user_shares_from_elsewhere_outlives_a_download_that_fails) {
  // From another client, from another place here.
  for (const std::uint8_t client : {std::uint8_t{8}, std::uint8_t{9}}) {
    Office office;
    office.login();
    office.start(1);
    office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3), office.of_ann(client)}));
    office.prepared(5, {0});
    office.told<StartShare>(Done{});
    office.break_disk();
    BOOST_TEST(!office.asked<StopShare>().has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_recalled_download_that_fails_ends_no_share_of_another_client) {
  const auto stops = [](bool answered, std::uint8_t client) {
    Office office;
    office.login({office.record()});
    office.prepared(5, {0});
    office.told<StartShare>(Done{});
    if (answered) office.told<FindSharers>(Sharers{{office.sharer(3), office.of_ann(client)}});
    office.break_disk();
    return office.asked<StopShare>().has_value();
  };
  BOOST_TEST(!stops(false, 8));  // nobody knows
  BOOST_TEST(!stops(true, 8));
  BOOST_TEST(stops(true, 9));  // only this one is named, as it was before the login
}

BOOST_AUTO_TEST_CASE(a_block_that_cannot_be_read_for_a_peer_does_not_end_the_download) {
  Office office;
  office.run();
  office.host.expect<ServeFile>(office.uploader);
  office.host.inject(
      office.uploader.address, office.scheduler.address,
      ServingFailed{office.gid, fid_of(metainfo_of(4)), "/home/film.part", Code::io_error, "bad"});
  BOOST_TEST((office.row().phase == DownloadPhase::fetching));
  office.host.discard(office.link.address);
  office.host.advance(500ms);
  std::optional<StartShare> again;
  while (const auto ask = office.host.find<Ask>(office.link.address)) {
    if (const auto* start = ask->message.what.get<StartShare>()) again = *start;
    office.host.inject(office.link.address, office.scheduler.address,
                       Told{ask->message.command, Done{}, false, {}});
  }
  BOOST_TEST(again.has_value());
  BOOST_TEST(office.host.expect<ServeFile>(office.uploader)->path == "/home/film.part");
}

BOOST_AUTO_TEST_CASE(what_fails_while_it_is_to_be_shared_anew_is_taken_off_the_trackers) {
  Office office;
  office.run();
  office.host.inject(
      office.uploader.address, office.scheduler.address,
      ServingFailed{office.gid, fid_of(metainfo_of(4)), "/home/film.part", Code::io_error, "bad"});
  office.break_disk();
  BOOST_TEST(office.asked<StopShare>().has_value());
}

BOOST_AUTO_TEST_CASE(what_is_unshared_before_the_store_has_brought_it_back_is_kept_private) {
  Office office;
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{office.uid, "ann"});
  const auto recall = office.host.expect<RecallDownloads>(office.storage);
  office.unshare();
  DownloadRecord other = office.record("/home/song");
  other.id = {6};
  other.metainfo = metainfo_of(4, "song");
  other.fid = fid_of(other.metainfo);
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadsRecalled{office.uid, recall->session, {office.record(), other}});
  std::vector<std::uint64_t> kept_private;
  while (const auto keep = office.host.find<KeepPrivate>(office.storage.address))
    kept_private.push_back(keep->message.download.value);
  BOOST_TEST((kept_private == std::vector<std::uint64_t>{5}));
}

BOOST_AUTO_TEST_CASE(what_was_unshared_in_one_session_is_not_in_the_next) {
  Office office;
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{office.uid, "ann"});
  office.unshare();
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{});
  office.host.discard(office.storage.address);
  office.login({office.record()});
  office.prepared(5, {0});
  BOOST_TEST(office.asked<StartShare>().has_value());
}

BOOST_AUTO_TEST_CASE(what_is_unshared_while_its_place_is_made_is_kept_private) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.unshare();
  office.prepared(5, {0});
  BOOST_TEST((office.host.expect<KeepPrivate>(office.storage)->download == DownloadId{5}));
  BOOST_TEST(!office.asked<StartShare>().has_value());
}

BOOST_AUTO_TEST_CASE(what_is_unshared_while_it_gets_its_name_is_not_remembered_as_a_share) {
  Office office;
  office.run();
  office.host.discard(office.storage.address);
  office.unshare();
  office.host.expect<KeepPrivate>(office.storage);
  office.host.expect_silence(office.storage.address);  // a share that there may be is the librarian's matter
  Office late;
  late.run();
  for (std::uint32_t piece = 0; piece < 4; ++piece) late.verified(piece);
  late.host.discard(late.storage.address);
  late.whole(Sha1{});
  late.host.expect<FinishDownload>(late.storage);
  late.unshare();
  late.host.expect<KeepPrivate>(late.storage);
  const auto forget = late.host.expect<ForgetShare>(late.storage);
  BOOST_TEST((forget->uid == late.uid && forget->gid == late.gid));
  BOOST_TEST((forget->fid == fid_of(metainfo_of(4))));
  late.host.inject(late.storage.address, late.scheduler.address, DownloadFinished{{5}, {}});
  late.host.expect_silence(late.librarian.address);
}

BOOST_AUTO_TEST_CASE(who_fetches_beside_us_shares_the_pieces_with_us) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3), office.sharer(4)}));
  office.prepared(5, {0});
  office.open_at(4, metainfo_of(4), {0});  // fetches it, too, and has nothing yet
  const Address seeder = office.open_at(3, metainfo_of(4), {0xf0});
  const Bitfield ours = part_of(client_key(9), std::vector{client_key(4)}, 4);
  BOOST_TEST_REQUIRE((ours.count() > 0 && ours.count() < 4));
  std::uint32_t requested = 0;
  while (const auto request = office.host.find<RequestBlock>(seeder)) {
    BOOST_TEST(ours.has(request->message.piece));
    ++requested;
  }
  BOOST_TEST(requested == ours.count());
  // Nothing comes from the other: the seeder has to help.
  office.host.advance(HelpBudget::grace + 50ms);
  BOOST_TEST(office.host.find<RequestBlock>(seeder).has_value());
}

BOOST_AUTO_TEST_CASE(who_is_named_by_the_source_shares_the_pieces_before_we_have_met) {
  for (const bool met : {false, true}) {
    Office office;
    office.login();
    office.start(1);
    office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3), office.sharer(4)}));
    office.prepared(5, {0});
    const Address seeder = office.host.link_to("127.0.0.1:7003");
    office.host.link_up(seeder);
    office.host.inject(seeder, office.owner(seeder), PeerWelcome{1, client_key(3)});
    office.host.inject(seeder, office.owner(seeder),
                       FileFetchers{fid_of(metainfo_of(4)), {client_key(4), client_key(9)}});
    office.host.inject(seeder, office.owner(seeder), FileOpened{fid_of(metainfo_of(4)), {0xf0}});
    const Bitfield ours = part_of(client_key(9), std::vector{client_key(4)}, 4);
    BOOST_TEST_REQUIRE((ours.count() > 0 && ours.count() < 4));
    std::uint32_t requested = 0;
    while (const auto request = office.host.find<RequestBlock>(seeder)) {
      BOOST_TEST(ours.has(request->message.piece));
      ++requested;
    }
    BOOST_TEST(requested == ours.count());
    // Who turns out to have it all fetches nothing, so no part is his.
    if (!met) continue;
    const Address other = office.host.link_to("127.0.0.1:7004");
    office.host.link_up(other);
    office.host.inject(other, office.owner(other), PeerWelcome{1, client_key(4)});
    office.host.inject(other, office.owner(other), FileOpened{fid_of(metainfo_of(4)), {0xf0}});
    BOOST_TEST(office.host.find<RequestBlock>(other).has_value());
  }
}

BOOST_AUTO_TEST_CASE(who_lacks_a_piece_that_he_said_he_had_gets_no_part) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3), office.sharer(4)}));
  office.prepared(5, {0});
  const Address liar = office.open_at(4, metainfo_of(4), {0x80});
  BOOST_TEST_REQUIRE(office.host.find<RequestBlock>(liar).has_value());
  const Address seeder = office.open_at(3, metainfo_of(4), {0xf0});
  std::uint32_t requested = 0;
  while (office.host.find<RequestBlock>(seeder)) ++requested;
  BOOST_TEST_REQUIRE(requested < 3u);  // a part is the other's
  office.host.inject(liar, office.owner(liar),
                     RejectBlock{fid_of(metainfo_of(4)), 0_piece, {}, RejectReason::not_have});
  while (office.host.find<RequestBlock>(seeder)) ++requested;
  BOOST_TEST(requested == 4u);
}

BOOST_AUTO_TEST_CASE(who_fetches_beside_us_and_does_not_get_on_loses_his_part) {
  constexpr std::uint32_t pieces = 24;
  for (const bool gets_on : {false, true}) {
    Office office;
    office.login();
    office.start(1);
    const Metainfo metainfo = metainfo_of(pieces);
    office.told<FindFile>(office.found(metainfo, {office.sharer(3), office.sharer(4)}));
    office.prepared(5, {0, 0, 0});
    const Address other = office.open_at(4, metainfo, {0, 0, 0});
    const Address seeder = office.open_at(3, metainfo, {0xff, 0xff, 0xff});
    BOOST_TEST_REQUIRE((part_of(client_key(9), std::vector{client_key(4)}, pieces).count() < pieces - 6));
    // The seeder sends a piece in 50 ms. The other one has what we have a moment later, or no new piece at all.
    std::uint32_t came = 0;
    for (std::uint32_t turn = 0; turn < pieces + 3; ++turn) {
      office.host.advance(50ms);
      const auto request = office.host.find<RequestBlock>(seeder);
      if (!request) continue;
      ++came;
      office.host.inject(seeder, office.owner(seeder), Block{fid_of(metainfo), request->message.piece, {}},
                         Payload::own(Bytes(block_size.value)));
      office.host.inject(office.verifier.address, office.owner(seeder), BlockStored{block_size});
      if (gets_on)
        office.host.inject(other, office.owner(other), Have{fid_of(metainfo), request->message.piece});
    }
    // With half of what the seeder could do there would be time for fewer.
    BOOST_TEST((came == pieces) == !gets_on, came << " pieces came");
  }
}

BOOST_AUTO_TEST_CASE(who_is_named_and_never_met_is_not_counted_on_for_long) {
  SchedulerOptions options;
  options.meeting_patience = 300ms;
  Office office(options);
  const Address seeder = office.run();
  office.host.discard(seeder);
  // All four are asked for by now; one comes back, so that there is something to give out.
  office.host.inject(office.owner(seeder), office.scheduler.address,
                     LaneFetchers{{5}, {client_key(4), client_key(9)}});
  const Bitfield ours = part_of(client_key(9), std::vector{client_key(4)}, 4);
  PieceIndex his;
  while (ours.has(his)) ++his;
  office.host.inject(seeder, office.owner(seeder),
                     RejectBlock{fid_of(metainfo_of(4)), his, {}, RejectReason::unreadable});
  office.host.advance(options.meeting_patience + 600ms);
  BOOST_TEST(office.host.find<RequestBlock>(seeder).has_value());
}

BOOST_AUTO_TEST_CASE(only_so_many_fetch_at_a_time) {
  SchedulerOptions options;
  options.active_max = 1;
  Office office(options);
  office.login();
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const std::string name = "file" + std::to_string(i);
    office.start(i, name);
    // The first one's StartShare stands before the second one's FindFile.
    if (i == 2) office.told<StartShare>(Done{});
    office.told<FindFile>(office.found(metainfo_of(4, name), {office.sharer(3)}));
    office.prepared(i, {0});
  }
  office.host.advance(500ms);
  BOOST_TEST((office.row().phase == DownloadPhase::waiting));
  BOOST_TEST(office.row().sentence.find("turn") != std::string::npos);
  office.host.inject(office.verifier.address, office.scheduler.address,
                     PieceUnwritable{{1}, 0_piece, Code::io_error, "broken"});
  office.host.advance(500ms);
  BOOST_TEST((office.row().phase == DownloadPhase::finding));
}

BOOST_AUTO_TEST_CASE(a_download_that_finds_nobody_gives_its_turn_away) {
  SchedulerOptions options;
  options.active_max = 1;
  Office office(options);
  office.login();
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const std::string name = "file" + std::to_string(i);
    office.start(i, name);
    if (i == 2) office.told<StartShare>(Done{});
    office.told<FindFile>(office.found(metainfo_of(4, name), {}));
    office.prepared(i, {0});
  }
  // Whoever has the turn asks who shares its file; nobody ever does.
  std::string turns;
  for (int i = 0; i < 860; ++i) {
    office.host.advance(50ms);
    const auto ask = office.host.find<Ask>(office.link.address);
    if (!ask) continue;
    TrackerAnswer answer = Done{};
    if (const auto* find = ask->message.what.get<FindSharers>()) {
      const char turn = find->fid == fid_of(metainfo_of(4, "file1")) ? '1' : '2';
      if (turns.empty() || turns.back() != turn) turns += turn;
      answer = Sharers{};
    }
    office.host.inject(office.link.address, office.scheduler.address,
                       Told{ask->message.command, std::move(answer), false, {}});
  }
  BOOST_TEST(turns == "121");
}

BOOST_AUTO_TEST_CASE(peers_are_connected_to_while_the_place_on_the_disk_is_made) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3), office.of_ann(9)}));
  BOOST_TEST(office.host.links().size() == 1u);  // not to this client itself
  const Address peer = office.host.link_to("127.0.0.1:7003");
  office.host.link_up(peer);
  office.host.inject(peer, office.owner(peer), PeerWelcome{1, client_key(3)});
  office.host.expect<PeerHello>(peer);
  office.host.expect_silence(peer);
  office.prepared(5, {0});
  office.host.expect<OpenFile>(peer);
  BOOST_TEST(office.host.links().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_was_met_for_nothing_is_left_again) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  const auto prepare = office.host.expect<PrepareDownload>(office.storage);
  office.host.inject(office.storage.address, office.scheduler.address,
                     DownloadRefused{prepare->tag, Code::disk_full, "full"});
  office.host.advance(21s);
  BOOST_TEST(office.host.links().empty());
}

BOOST_AUTO_TEST_CASE(peers_that_cannot_be_reached_give_their_places_to_others) {
  SchedulerOptions options;
  options.peers_max = 2;
  Office office(options);
  office.login();
  office.start(1);
  const std::vector<Sharer> dead{office.sharer(1), office.sharer(2)};
  office.told<FindFile>(office.found(metainfo_of(4), dead));
  office.prepared(5, {0});
  office.told<StartShare>(Done{});
  office.host.advance(3s);
  std::vector<Sharer> all = dead;
  all.push_back(office.sharer(3));
  office.told<FindSharers>(Sharers{all});
  office.host.link_to("127.0.0.1:7003");
}

BOOST_AUTO_TEST_CASE(peers_that_cannot_be_reached_leave_room_for_another_fetcher) {
  SchedulerOptions options;
  options.request_memory = {2 * block_size.value};  // so two fetchers at most
  Office office(options);
  office.login();
  office.start(1);
  const std::vector<Sharer> dead{office.sharer(1), office.sharer(2)};
  office.told<FindFile>(office.found(metainfo_of(4), dead));
  office.prepared(5, {0});
  office.told<StartShare>(Done{});
  office.host.advance(3s);
  std::vector<Sharer> all = dead;
  all.push_back(office.sharer(3));
  office.told<FindSharers>(Sharers{all});
  office.host.link_to("127.0.0.1:7003");
}

BOOST_AUTO_TEST_CASE(peers_that_are_there_and_do_not_say_what_they_have_give_their_places_to_others) {
  for (const bool by_fetchers : {false, true}) {
    SchedulerOptions options;
    options.peers_max = by_fetchers ? 24 : 2;
    if (by_fetchers) options.request_memory = {2 * block_size.value};
    Office office(options);
    office.login();
    office.start(1);
    const std::vector<Sharer> first{office.sharer(1), office.sharer(2)};
    office.told<FindFile>(office.found(metainfo_of(4), first));
    office.prepared(5, {0});
    office.told<StartShare>(Done{});
    office.host.advance(2s);
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
      const Address peer = office.host.link_to("127.0.0.1:700" + std::to_string(number));
      office.host.link_up(peer);
      office.host.inject(peer, office.owner(peer), PeerWelcome{1, client_key(number)});
      office.host.expect<PeerHello>(peer);
      office.host.expect<OpenFile>(peer);  // and no answer to that
    }
    std::vector<Sharer> all = first;
    all.push_back(office.sharer(3));
    office.told<FindSharers>(Sharers{all});
    // Not at once: it may have to ask a tracker about us.
    BOOST_CHECK_THROW(office.host.link_to("127.0.0.1:7003"), ExpectationFailed);
    office.host.advance(3s);
    office.told<FindSharers>(Sharers{all});
    office.host.link_to("127.0.0.1:7003");
  }
}

BOOST_AUTO_TEST_CASE(the_memory_is_for_those_that_answer) {
  SchedulerOptions options;
  options.request_memory = 4_MiB;
  Office office(options);
  office.login();
  office.start(1);
  std::vector<Sharer> sharers;
  for (std::uint8_t i = 1; i <= 8; ++i) sharers.push_back(office.sharer(i));
  office.told<FindFile>(office.found(metainfo_of(20), sharers));
  office.prepared(5, {0, 0, 0});
  const Address peer = office.host.link_to("127.0.0.1:7003");
  office.host.link_up(peer);
  office.host.inject(peer, office.owner(peer), PeerWelcome{1, client_key(3)});
  office.host.inject(peer, office.owner(peer), FileOpened{fid_of(metainfo_of(20)), {0xff, 0xff, 0xf0}});
  int requests = 0;
  while (office.host.find<RequestBlock>(peer)) ++requests;
  BOOST_TEST(requests == 8);
}

BOOST_AUTO_TEST_CASE(a_peer_whose_place_another_client_had_is_asked_again) {
  Office office;
  office.login();
  office.start(1);
  office.told<FindFile>(office.found(metainfo_of(4), {office.sharer(3)}));
  office.prepared(5, {0});
  office.told<StartShare>(Done{});
  const Address other = office.host.link_to("127.0.0.1:7003");
  office.host.link_up(other);
  office.host.inject(other, office.owner(other), PeerWelcome{1, client_key(4)});
  office.told<FindSharers>(Sharers{{office.sharer(3)}});
  for (const auto& link : office.host.links()) BOOST_TEST(link.endpoint != "127.0.0.1:7003");
  office.host.advance(2s);
  office.told<FindSharers>(Sharers{{office.sharer(3)}});
  const Address peer = office.host.link_to("127.0.0.1:7003");
  office.host.link_up(peer);
  office.host.inject(peer, office.owner(peer), PeerWelcome{1, client_key(3)});
  BOOST_TEST(office.host.find<OpenFile>(peer).has_value());
}

BOOST_AUTO_TEST_CASE(what_a_login_brings_back_looks_for_sharers_at_once) {
  Office office;
  office.login({office.record()});
  office.prepared(5, {0xc0});
  office.told<StartShare>(Done{});
  office.told<FindSharers>(Sharers{{office.sharer(3)}});
  office.host.link_to("127.0.0.1:7003");
}

BOOST_AUTO_TEST_CASE(sharers_are_looked_for_often_at_first) {
  Office office;
  office.run();
  std::vector<Duration> pauses;
  for (int i = 0; i < 8; ++i) {
    Duration waited{};
    for (; waited < 3s; waited += 10ms) {
      office.host.advance(10ms);
      const auto ask = office.host.find<Ask>(office.link.address);
      if (ask && ask->message.what.get<AskTicket>() == nullptr) {
        office.host.inject(office.link.address, office.scheduler.address,
                           Told{ask->message.command, Sharers{{office.sharer(3)}}, false, {}});
        break;
      }
    }
    pauses.push_back(waited + 10ms);
  }
  BOOST_TEST((pauses == std::vector<Duration>{20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1280ms, 2s}));
  // Somebody who fetches it, too, and is not known yet.
  office.host.advance(500ms);
  office.host.inject(office.uploader.address, office.scheduler.address,
                     FileWanted{office.gid, fid_of(metainfo_of(4)), client_key(7)});
  office.host.expect_silence(office.link.address);
  office.host.advance(50ms);
  office.told<FindSharers>(Sharers{});
}

BOOST_AUTO_TEST_CASE(without_anybody_to_trade_with_the_start_comes_first) {
  Office office;
  const Address peer = office.run();
  for (std::uint32_t piece = 0; piece < 4; ++piece)
    BOOST_TEST(office.host.find<RequestBlock>(peer)->message.piece.value == piece);
}

BOOST_AUTO_TEST_CASE(an_idle_fetcher_goes_after_a_while) {
  Office office;
  const Address peer = office.run();
  for (std::uint32_t piece = 0; piece < 4; ++piece) office.verified(piece);
  office.host.advance(10s);
  BOOST_TEST(office.host.is_open(peer));
  office.host.advance(15s);
  BOOST_TEST(!office.host.is_open(peer));
}

BOOST_AUTO_TEST_CASE(a_forgotten_wait_has_no_outcome) {
  Office office;
  office.run();
  office.host.inject(office.shell.address, office.scheduler.address, AwaitDownloads{{3}});
  office.host.inject(office.shell.address, office.scheduler.address, ForgetCommand{{3}});
  office.host.discard();
  office.host.inject(office.link.address, office.scheduler.address, SessionChanged{});
  BOOST_TEST(!office.host.find<Told>(office.shell.address).has_value());
}

BOOST_AUTO_TEST_CASE(where_nobody_is_vouched_for_who_sends_hardly_anything_right_is_left) {
  SchedulerOptions options;
  options.wrong_piece_convicts = false;
  Office office(options);
  const Address peer = office.run();
  const Address fetcher = office.owner(peer);
  for (std::uint32_t piece = 0; piece < WrongPieces::enemy_from; ++piece) {
    BOOST_TEST(office.host.is_alive(fetcher));
    office.host.inject(fetcher, office.scheduler.address, BlockArrived{{5}, {piece}, 0, {0}, block_size});
    office.host.inject(office.verifier.address, office.scheduler.address,
                       PieceCorrupt{{5}, {piece}, {fetcher}});
  }
  BOOST_TEST(!office.host.is_alive(fetcher));
  BOOST_TEST(!office.asked<ReportPiece>().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
