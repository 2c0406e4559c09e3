// What a client does when somebody says that a piece came wrong from it.

#include <boost/test/unit_test.hpp>

#include "peer/librarian.hpp"
#include "tests/injection/peer/office.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

Sha1 another_sha1() {
  Sha1 digest;
  digest.bytes.fill(1);
  return digest;
}

/// A scheduler with a download under way that has piece 0, or a complete one.
struct DamagedOffice : Office {
  void report(std::uint32_t piece) {
    host.inject(link.address, scheduler.address,
                PieceReported{gid, fid_of(metainfo_of(4)), {piece}, UserName{"carl"}});
  }
  void complete() {
    DownloadRecord kept = record();
    kept.phase = DownloadPhase::complete;
    login({kept});
    host.discard();
  }
  void say_damaged(const std::string& path = "/home/film") {
    host.inject(librarian.address, scheduler.address, ShareDamaged{gid, record().fid, path});
  }
  DamageSettled settled(bool right) const { return {gid, record().fid, "/home/film", right}; }
};

/// A librarian that shares a file of six pieces, whose digests are zeros.
struct DamagedLibrary {
  DamagedLibrary() {
    librarian = host.spawn<LibrarianRole>(
        "librarian",
        std::make_unique<Librarian>(Librarian::Others{shell, link, scheduler, uploader, storage, {hasher}}));
    uid.bytes.fill(7);
    gid.bytes.fill(1);
    host.inject(link.address, librarian.address, SessionChanged{uid, "ann"});
    const Metainfo film = metainfo_of(6);
    fid = fid_of(film);
    host.inject(storage.address, librarian.address,
                SharesRecalled{uid, {{uid, gid, GroupName{"g"}, fid, film, "/home/film", identity, false}}});
    host.expect<RecallShares>(storage);
    checked(identity);
    host.inject(link.address, librarian.address,
                Told{host.expect<Ask>(link)->command, TrackerAnswer{Done{}}, false, {}});
    host.expect<ServeFile>(uploader);
    host.expect_silence();
  }
  void checked(const FileIdentity& found) {
    FileChecked answer;
    answer.tag = host.expect<CheckFile>(storage)->tag;
    answer.identity = found;
    host.inject(storage.address, librarian.address, answer);
  }
  void report(std::uint32_t piece) {
    host.inject(link.address, librarian.address, PieceReported{gid, fid, {piece}, UserName{"carl"}});
  }
  void hashed(const Sha1& found) {
    const auto hash = host.expect<HashPiece>(hasher);
    BOOST_TEST(hash->path == "/home/film");
    BOOST_TEST((hash->offset == ByteCount{hash->piece.value * block_size.value}));
    BOOST_TEST((hash->size == block_size));
    host.inject(hasher.address, librarian.address, PieceHashed{hash->job, hash->piece, found, {}});
  }
  /// Piece 2 is wrong on the disk, and the scheduler is asked what becomes of it.
  void damage() {
    report(2);
    hashed(another_sha1());
    checked(identity);
    BOOST_TEST((host.expect<StopServing>(uploader)->reason == CloseReason::file_changed));
    host.expect_exactly(scheduler.address, ShareDamaged{gid, fid, "/home/film"});
    host.expect_silence();
  }
  void settled(bool right) {
    host.inject(scheduler.address, librarian.address, DamageSettled{gid, fid, "/home/film", right});
  }

  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<TrackerLinkRole> link = host.probe<TrackerLinkRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<UploaderRole> uploader = host.probe<UploaderRole>();
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<FileHasherRole> hasher = host.probe<FileHasherRole>();
  Ref<LibrarianRole> librarian;
  Uid uid;
  Gid gid;
  Fid fid;
  FileIdentity identity{{6 * block_size.value}, 1, 2, 3};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reports)

// --- shares -----------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_share_whose_piece_is_right_is_served_on_and_nobody_is_told, DamagedLibrary) {
  report(2);
  hashed(Sha1{});
  host.expect_silence();
  // The other tracker says the same; and a liar says it again and again.
  report(2);
  host.expect_silence();
  host.advance(PieceChecks::pause - 1s);
  host.discard();
  report(2);
  BOOST_TEST(!host.find<HashPiece>(hasher.address).has_value());
  host.advance(1s);
  host.discard();
  report(2);
  BOOST_TEST(host.find<HashPiece>(hasher.address).has_value());
}

BOOST_FIXTURE_TEST_CASE(pieces_and_files_that_are_not_served_are_not_looked_at, DamagedLibrary) {
  report(6);
  host.inject(link.address, librarian.address, PieceReported{gid, Fid{}, {0}, UserName{"carl"}});
  host.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_liar_makes_a_client_hash_so_many_pieces_at_a_time, DamagedLibrary) {
  PieceChecks checks;
  for (std::uint32_t piece = 0; piece < PieceChecks::under_way_max; ++piece)
    BOOST_TEST(checks.begin({gid, fid, {piece}, {}}, "/home/film", {}).has_value());
  BOOST_TEST(!checks.begin({gid, fid, {1000}, {}}, "/home/film", {}).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_is_damaged_and_no_download_is_shared_no_more, DamagedLibrary) {
  damage();
  // Meanwhile it is not looked at as if it were sound.
  host.advance(Librarian::look_every);
  host.expect_silence();
  settled(false);
  const auto changed = host.expect<ShareChanged>(shell);
  BOOST_TEST((changed->code == Code::integrity));
  BOOST_TEST(changed->path == "/home/film");
  BOOST_TEST(changed->sentence.find("bytes 1048576 to 1572863") != std::string::npos);
  host.expect<StopServing>(uploader);
  BOOST_TEST(host.expect<RememberShare>(storage)->share.stopped);
  BOOST_TEST((host.expect<Ask>(link)->what.get<StopShare>() != nullptr));
}

BOOST_FIXTURE_TEST_CASE(what_turns_out_right_after_all_is_served_again, DamagedLibrary) {
  damage();
  settled(true);
  checked(identity);
  host.inject(link.address, librarian.address,
              Told{host.expect<Ask>(link)->command, TrackerAnswer{Done{}}, false, {}});
  host.expect<ServeFile>(uploader);
  host.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_file_that_somebody_has_changed_goes_the_way_of_changed_files, DamagedLibrary) {
  report(2);
  hashed(another_sha1());
  const FileIdentity changed{identity.size, 9, 9, 9};
  checked(changed);
  checked(changed);
  BOOST_TEST((host.expect<StopServing>(uploader)->reason == CloseReason::file_changed));
  host.expect<CheckFile>(storage);  // before it is hashed anew
  host.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_file_that_cannot_be_read_rests, DamagedLibrary) {
  report(2);
  const auto hash = host.expect<HashPiece>(hasher);
  host.inject(hasher.address, librarian.address, HashFailed{hash->job, Code::io_error, "broken"});
  host.expect<StopServing>(uploader);
  BOOST_TEST((host.expect<ShareChanged>(shell)->code == Code::io_error));
  host.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(what_is_found_after_the_session_says_nothing, DamagedLibrary) {
  report(2);
  const auto hash = host.expect<HashPiece>(hasher);
  host.inject(link.address, librarian.address, SessionChanged{});
  host.discard();
  host.inject(hasher.address, librarian.address, PieceHashed{hash->job, {2}, another_sha1(), {}});
  host.expect_silence();
}

// --- downloads --------------------------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_download_under_way_that_is_damaged_is_rechecked, DamagedOffice) {
  run();
  verified(0);
  host.discard();
  report(1);  // not here
  host.expect_silence();
  report(0);
  const auto right = host.expect<HashPiece>(checker);
  BOOST_TEST(right->path == "/home/film.part");
  host.inject(checker.address, scheduler.address, PieceHashed{right->job, {0}, {}, {}});
  BOOST_TEST(!host.find<RecheckDownload>(storage.address).has_value());
  BOOST_TEST(!host.find<Notice>(shell.address).has_value());
  host.advance(PieceChecks::pause);
  host.discard();
  report(0);
  const auto wrong = host.expect<HashPiece>(checker);
  host.inject(checker.address, scheduler.address, PieceHashed{wrong->job, {0}, another_sha1(), {}});
  BOOST_TEST(host.find<RecheckDownload>(storage.address).has_value());
  BOOST_TEST(
      host.find<Notice>(shell.address)->message.sentence.starts_with("film: piece 0 is wrong on the disk"));
}

BOOST_FIXTURE_TEST_CASE(a_complete_download_that_is_damaged_is_rechecked, DamagedOffice) {
  complete();
  say_damaged();
  BOOST_TEST(!host.expect<Notice>(shell)->sentence.empty());
  const auto recheck = host.expect<RecheckDownload>(storage);
  // Of the same file elsewhere nothing is known here: its librarian is told at once.
  host.discard();
  host.inject(librarian.address, scheduler.address, ShareDamaged{Gid{}, record().fid, "/elsewhere"});
  BOOST_TEST(!host.expect<DamageSettled>(librarian)->right);
  host.expect_silence();
  host.inject(storage.address, scheduler.address, DownloadSound{recheck->tag});
  host.expect_exactly(librarian.address, settled(true));
}

BOOST_FIXTURE_TEST_CASE(of_what_is_fetched_again_the_librarian_hears_once, DamagedOffice) {
  complete();
  say_damaged();
  const auto recheck = host.expect<RecheckDownload>(storage);
  host.discard();
  host.inject(storage.address, scheduler.address, DownloadUnsound{recheck->tag, {0x70}});
  host.expect<ReturnShare>(librarian);
  host.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(what_is_damaged_while_downloads_come_back_waits_for_them, DamagedOffice) {
  host.inject(link.address, scheduler.address, SessionChanged{uid, "ann"});
  const auto recall = host.expect<RecallDownloads>(storage);
  say_damaged();
  host.expect_silence();
  host.inject(storage.address, scheduler.address, DownloadsRecalled{uid, recall->session, {}});
  host.expect_exactly(librarian.address, settled(false));
}

BOOST_FIXTURE_TEST_CASE(a_download_that_is_cancelled_meanwhile_is_none, DamagedOffice) {
  complete();
  say_damaged();
  host.discard();
  host.inject(
      shell.address, scheduler.address,
      ControlDownloads{{8}, DownloadOrder::cancel, DownloadName{GroupName{"g"}, FileName{"film"}, {}}});
  host.inject(storage.address, scheduler.address, DownloadForgotten{{5}});
  BOOST_TEST(host.find<DamageSettled>(librarian.address).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
