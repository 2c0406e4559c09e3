#include <boost/test/unit_test.hpp>
#include <limits>

#include "peer/librarian.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

/// A librarian whose partners the test plays.
struct Library {
  explicit Library(bool exports = false) {
    if (exports) exporter = host.probe<ExporterRole>();
    librarian = host.spawn<LibrarianRole>(
        "librarian", std::make_unique<Librarian>(Librarian::Others{
                         shell, link, scheduler, uploader, storage, {hasher, second_hasher}, exporter}));
    uid.bytes.fill(7);
    gid.bytes.fill(1);
  }
  void login(std::vector<ShareRecord> shares = {}) {
    host.inject(link.address, librarian.address, SessionChanged{uid, "ann"});
    host.expect<RecallShares>(storage);
    recalled(std::move(shares));
  }
  void recalled(std::vector<ShareRecord> shares) {
    host.inject(storage.address, librarian.address, SharesRecalled{uid, std::move(shares)});
  }
  template <class Question>
  Question told(TrackerAnswer answer) {
    const auto ask = host.expect<Ask>(link);
    BOOST_TEST_REQUIRE((ask->what.get<Question>() != nullptr));
    told_to(ask.message, std::move(answer));
    return *ask->what.get<Question>();
  }
  void told_to(const Ask& ask, TrackerAnswer answer) {
    host.inject(link.address, librarian.address, Told{ask.command, std::move(answer), false, {}});
  }
  void checked(std::optional<FileIdentity> found) {
    const auto check = host.expect<CheckFile>(storage);
    FileChecked answer;
    answer.tag = check->tag;
    answer.identity = found;
    answer.code = Code::no_such_file;
    answer.sentence = found ? "" : "it is gone";
    host.inject(storage.address, librarian.address, answer);
  }
  void share(std::uint64_t command, const std::string& path = "/home/film", const std::string& group = "g") {
    host.inject(shell.address, librarian.address, ShareFile{{command}, path, GroupName{group}});
  }
  /// Both hashers do what they are told until there is nothing more to do.
  void hash() {
    for (bool busy = true; busy;) {
      busy = false;
      for (const auto& each : {hasher, second_hasher}) {
        if (const auto piece = host.find<HashPiece>(each.address)) {
          busy = true;
          host.inject(each.address, librarian.address,
                      PieceHashed{piece->message.job, piece->message.piece, {}, {}});
        }
        if (const auto stretch = host.find<HashStretch>(each.address)) {
          busy = true;
          const HashStretch& what = stretch->message;
          if (what.piece)
            host.inject(each.address, librarian.address, PieceHashed{what.job, *what.piece, {}, {}});
          StretchHashed answer{what.job, what.offset + what.size, {}};
          if (what.last) answer.sha1 = whole;
          host.inject(each.address, librarian.address, answer);
        }
      }
    }
  }
  ShareRecord record() const {
    MetainfoBuilder builder(FileName{"film"}, *PieceLayout::for_size(identity.size));
    for (PieceIndex piece; piece.value < 6; ++piece) builder.add_piece(piece, {});
    builder.set_whole(Sha1{});
    const Metainfo metainfo = builder.build();
    return {uid, gid, GroupName{"g"}, fid_of(metainfo), metainfo, "/home/film", identity, false};
  }
  /// The file is shared and served.
  void serve() {
    login({record()});
    checked(identity);
    told<StartShare>(Done{});
    host.expect<ServeFile>(uploader);
    host.expect_silence();
  }
  Code refusal() {
    auto said = host.find<Told>(shell.address);
    BOOST_TEST_REQUIRE(said.has_value());
    const auto* refused = said->message.what.get<Refused>();
    BOOST_TEST_REQUIRE((refused != nullptr));
    BOOST_TEST(!refused->sentence.empty());
    return refused->code;
  }
  void expect_loss() {
    BOOST_TEST(!host.expect<ShareChanged>(shell)->sentence.empty());
    BOOST_TEST((host.expect<StopServing>(uploader)->reason == CloseReason::file_changed));
    BOOST_TEST(host.expect<RememberShare>(storage)->share.stopped);
    told<StopShare>(Done{});
    host.expect<ForgetShare>(storage);
    host.expect_silence();
  }
  void serving_failed(Code code) {
    host.inject(uploader.address, librarian.address,
                ServingFailed{gid, record().fid, record().path, code, "broken"});
  }
  void unshare(const std::string& file) {
    host.inject(shell.address, librarian.address, UnshareFile{{4}, GroupName{"g"}, FileName{file}});
    host.expect<DownloadUnshared>(scheduler);
  }
  void expect_stopped() {
    BOOST_TEST((host.expect<StopServing>(uploader)->reason == CloseReason::not_shared));
    BOOST_TEST(host.expect<RememberShare>(storage)->share.stopped);
  }
  /// Everything up to the question to the trackers whether it may be a share.
  void share_up_to_adding() {
    share(1);
    told<FindFile>(Refused{Code::no_such_file, ""});
    checked(identity);
    hash();
    checked(identity);
    host.discard(shell.address);
  }

  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<TrackerLinkRole> link = host.probe<TrackerLinkRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<UploaderRole> uploader = host.probe<UploaderRole>();
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<ExporterRole> exporter;
  Ref<FileHasherRole> hasher = host.probe<FileHasherRole>("hasher");
  Ref<FileHasherRole> second_hasher = host.probe<FileHasherRole>("second hasher");
  Ref<LibrarianRole> librarian;
  Uid uid;
  Gid gid;
  Sha1 whole;
  FileIdentity identity{{3'000'000}, 1, 2, 3};
};

BOOST_AUTO_TEST_SUITE(librarian)

BOOST_AUTO_TEST_CASE(a_file_becomes_a_share) {
  Library library;
  library.login();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.checked(library.identity);
  library.hash();
  library.checked(library.identity);
  std::uint64_t last = 0;
  while (const auto progress = library.host.find<HashProgress>(library.shell.address)) {
    BOOST_TEST(progress->message.done.value >= last);
    last = progress->message.done.value;
  }
  BOOST_TEST(last > 0u);
  const ShareRecord record = library.record();
  const AddFile add = library.told<AddFile>(FileAdded{library.gid, record.fid, false});
  BOOST_TEST((add.metainfo == record.metainfo));
  BOOST_TEST((library.host.expect<RememberShare>(library.storage)->share == record));
  BOOST_TEST((library.host.expect<ServeFile>(library.uploader)->identity == library.identity));
  // Nobody is told before storage, which does one thing after the other, has the share.
  BOOST_TEST((library.host.find<Told>(library.shell.address) == std::nullopt));
  library.checked(library.identity);
  BOOST_TEST((library.host.expect<Told>(library.shell)->what.get<FileAdded>() != nullptr));
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(the_checks_come_in_their_order) {
  Library library;
  library.share(1, "/home/~film", "-g");
  BOOST_TEST((library.refusal() == Code::not_logged_in));
  library.login();
  library.share(2, "/home/film", "-g");
  BOOST_TEST((library.refusal() == Code::invalid_name));
  library.share(3, "/home/~film");
  BOOST_TEST((library.refusal() == Code::invalid_name));
  library.host.expect_silence();
  for (const Code code : {Code::no_such_group, Code::not_a_member, Code::tracker_unreachable}) {
    library.share(4);
    library.told<FindFile>(Refused{code, "no"});
    BOOST_TEST((library.refusal() == code));
    library.host.expect_silence();  // nothing was read
  }
  library.share(5);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.checked(std::nullopt);
  BOOST_TEST((library.refusal() == Code::no_such_file));
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_while_it_is_hashed_is_not_shared) {
  Library library;
  library.login();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.checked(library.identity);
  library.hash();
  FileIdentity other = library.identity;
  ++other.modified_ns;
  library.checked(other);
  BOOST_TEST((library.refusal() == Code::io_error));
  library.host.expect_silence(library.link.address);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_not_shared) {
  Library library;
  library.login();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.checked(library.identity);
  const auto stretch = library.host.expect<HashStretch>(library.hasher);
  library.host.inject(library.hasher.address, library.librarian.address,
                      HashFailed{stretch->job, Code::io_error, "broken"});
  BOOST_TEST((library.refusal() == Code::io_error));
  library.hash();  // the rest comes back to nobody
  library.host.expect_silence(library.shell.address);
}

BOOST_AUTO_TEST_CASE(one_file_is_hashed_at_a_time) {
  Library library;
  library.login();
  library.share(1, "/home/one");
  library.share(2, "/home/two");
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  BOOST_TEST(library.host.expect<CheckFile>(library.storage)->path == "/home/one");
  library.host.expect_silence();
  library.host.inject(library.shell.address, library.librarian.address, ForgetCommand{{1}});
  BOOST_TEST(library.host.expect<CheckFile>(library.storage)->path == "/home/two");
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(what_the_trackers_refuse_is_not_served) {
  Library library;
  library.login();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.checked(library.identity);
  library.hash();
  library.checked(library.identity);
  library.told<AddFile>(Refused{Code::file_conflict, "another"});
  BOOST_TEST((library.refusal() == Code::file_conflict));
  library.host.expect_silence(library.uploader.address);
}

BOOST_AUTO_TEST_CASE(a_login_brings_the_shares_back) {
  Library library;
  library.serve();
}

BOOST_AUTO_TEST_CASE(without_an_answer_it_is_announced_again_later) {
  Library library;
  library.login({library.record()});
  library.checked(library.identity);
  library.told<StartShare>(Refused{Code::tracker_unreachable, "none"});
  library.host.expect_silence();
  library.host.advance(5s);
  library.checked(library.identity);
  library.told<StartShare>(Done{});
  library.host.expect<ServeFile>(library.uploader);
}

/// A tracker that has an old disk and hears of no other would end it otherwise.
BOOST_AUTO_TEST_CASE(a_share_that_is_refused_for_good_is_lost_if_that_is_said_again) {
  for (const bool comes_back : {false, true}) {
    Library library;
    library.login({library.record()});
    library.checked(library.identity);
    for (const Duration pause : {5s, 10s, 20s}) {
      library.told<StartShare>(Refused{Code::not_a_member, "no"});
      library.host.expect_silence(library.shell.address);
      library.host.advance(pause);
      library.checked(library.identity);
    }
    if (comes_back) {
      library.told<StartShare>(Done{});
      library.host.expect<ServeFile>(library.uploader);
    } else {
      library.told<StartShare>(Refused{Code::not_a_member, "no"});
      library.expect_loss();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_share_is_looked_at_once_at_a_time_and_not_all_the_time) {
  Library library;
  library.serve();
  library.host.advance(5s);
  const auto check = library.host.expect<CheckFile>(library.storage);
  library.host.advance(10s);
  library.host.expect_silence();
  FileChecked answer;
  answer.tag = check->tag;
  answer.identity = library.identity;
  library.host.inject(library.storage.address, library.librarian.address, answer);
  library.host.advance(Librarian::looks_apart * 10s - 5s);
  library.host.expect_silence();
  library.host.advance(10s);
  library.host.expect<CheckFile>(library.storage);
}

BOOST_AUTO_TEST_CASE(a_part_does_not_take_the_place_of_what_has_more) {
  for (const bool has_more : {true, false}) {
    Library library;
    ShareRecord known = library.record();
    if (!has_more) known.pieces = {0b0011'0000};
    library.login({known});
    library.checked(library.identity);
    library.told<StartShare>(Done{});
    library.host.discard();
    ShareRecord part = library.record();
    part.path = "/elsewhere";
    part.pieces = {0b1100'0000};
    library.host.inject(library.scheduler.address, library.librarian.address, AdoptShare{part});
    if (has_more) {
      BOOST_TEST(library.host.expect<RememberShare>(library.storage)->share.path == known.path);
      library.host.expect_silence();
    } else {
      BOOST_TEST(library.host.expect<ServeFile>(library.uploader)->path == "/elsewhere");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_is_lost) {
  Library library;
  library.login({library.record()});
  library.checked(std::nullopt);
  library.expect_loss();
}

BOOST_AUTO_TEST_CASE(other_bytes_are_lost_and_the_same_bytes_stay) {
  for (const bool same : {true, false}) {
    Library library;
    library.serve();
    library.host.advance(5s);
    FileIdentity other = library.identity;
    ++other.inode;
    if (!same) library.whole.bytes.fill(9);
    library.checked(other);
    library.host.expect<StopServing>(library.uploader);
    library.checked(other);
    library.hash();
    library.checked(other);
    if (same) {
      BOOST_TEST((library.host.expect<RememberShare>(library.storage)->share.identity == other));
      library.told<StartShare>(Done{});
      library.host.expect<ServeFile>(library.uploader);
    } else {
      library.expect_loss();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_while_it_is_served_is_lost) {
  Library library;
  library.serve();
  library.serving_failed(Code::no_such_file);
  library.expect_loss();
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_for_now_rests_and_stays_a_share) {
  Library library;
  library.serve();
  for (const bool first : {true, false}) {
    library.serving_failed(Code::io_error);
    library.host.expect<StopServing>(library.uploader);
    if (first) library.host.expect<ShareChanged>(library.shell);  // said once
    library.host.advance(Librarian::rest - 1s);
    library.host.expect_silence();
    library.host.advance(5s);
    library.checked(library.identity);
    library.told<StartShare>(Done{});
    library.host.expect<ServeFile>(library.uploader);
    library.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_hashed_again_for_now_stays_a_share) {
  Library library;
  library.serve();
  library.host.advance(5s);
  FileIdentity other = library.identity;
  ++other.changed_ns;
  library.checked(other);
  library.host.expect<StopServing>(library.uploader);
  library.checked(other);
  const auto stretch = library.host.expect<HashStretch>(library.hasher);
  library.host.inject(library.hasher.address, library.librarian.address,
                      HashFailed{stretch->job, Code::io_error, "too many files are open"});
  library.host.discard();
  library.host.advance(Librarian::rest + 5s);
  library.checked(library.identity);
  library.told<StartShare>(Done{});
  library.host.expect<ServeFile>(library.uploader);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_being_written_is_hashed_when_that_is_over) {
  Library library;
  library.serve();
  const WallTime now{10'000s};
  library.host.set_wall_time(now);
  FileIdentity other = library.identity;
  other.modified_ns =
      std::numeric_limits<std::int64_t>::min();  // which anybody can set, and of a directory is no time
  other.changed_ns = std::chrono::nanoseconds(now.time_since_epoch()).count();
  library.serving_failed(Code::file_conflict);
  library.checked(other);
  BOOST_TEST((library.host.expect<StopServing>(library.uploader)->reason == CloseReason::file_changed));
  library.host.expect_silence();
  library.host.advance(Librarian::look_every);  // it is written on
  other.changed_ns += std::chrono::nanoseconds(4s).count();
  library.checked(other);
  library.host.expect<StopServing>(library.uploader);
  library.host.expect_silence();
  library.host.advance(2 * Librarian::look_every);
  library.checked(other);
  library.host.expect<StopServing>(library.uploader);
  library.checked(other);  // before it is hashed
  BOOST_TEST((library.host.find<HashPiece>(library.hasher.address) ||
              library.host.find<HashStretch>(library.hasher.address)));
}

BOOST_AUTO_TEST_CASE(logging_out_stops_serving_and_forgets_nothing) {
  Library library;
  library.serve();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.host.inject(library.link.address, library.librarian.address, SessionChanged{});
  BOOST_TEST((library.host.expect<StopServing>(library.uploader)->reason == CloseReason::logged_out));
  BOOST_TEST((library.refusal() == Code::not_logged_in));
  library.host.discard();
  library.host.advance(20s);
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(the_exporter_hears_what_the_uploader_hears) {
  Library library(true);
  const Ref<ExporterRole> exporter = library.exporter;
  library.login({library.record()});
  library.checked(library.identity);
  library.told<StartShare>(Done{});
  BOOST_TEST((library.host.expect<ServeFile>(exporter).message ==
              library.host.expect<ServeFile>(library.uploader).message));
  library.host.inject(library.link.address, library.librarian.address, SessionChanged{});
  BOOST_TEST((library.host.expect<StopServing>(exporter)->reason == CloseReason::logged_out));
}

BOOST_AUTO_TEST_CASE(stopping_a_share_ends_it_everywhere) {
  for (const bool known : {true, false}) {
    Library library;
    library.serve();
    library.unshare("film");
    library.expect_stopped();
    library.told<StopShare>(known ? TrackerAnswer{Done{}} : TrackerAnswer{Refused{Code::not_sharing, "no"}});
    library.host.expect<ForgetShare>(library.storage);
    const auto told = library.host.expect<Told>(library.shell);
    BOOST_TEST((told->what.get<Done>() != nullptr));
    BOOST_TEST(!told->provisional);
    library.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(a_share_ends_here_and_now_and_the_trackers_hear_of_it_when_they_can) {
  Library library;
  library.serve();
  library.unshare("film");
  library.expect_stopped();
  library.told<StopShare>(Refused{Code::tracker_unreachable, "none"});
  const auto told = library.host.expect<Told>(library.shell);
  BOOST_TEST((told->what.get<Done>() != nullptr));
  BOOST_TEST(told->provisional);
  BOOST_TEST(!told->sentence.empty());
  library.host.advance(5s);
  library.told<StopShare>(Refused{Code::tracker_unreachable, "none"});
  library.host.expect_silence();

  // Nor is it forgotten over a restart.
  library.host.inject(library.link.address, library.librarian.address, SessionChanged{});
  library.host.discard();
  ShareRecord stopped = library.record();
  stopped.stopped = true;
  library.login({stopped});
  library.told<StopShare>(Done{});
  library.host.expect<ForgetShare>(library.storage);
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(what_is_stopped_while_a_login_brings_the_shares_back_ends) {
  for (const bool heard : {true, false}) {
    Library library;
    library.host.inject(library.link.address, library.librarian.address, SessionChanged{library.uid, "ann"});
    library.host.expect<RecallShares>(library.storage);
    library.unshare("film");
    const auto ask = library.host.expect<Ask>(library.link);
    library.recalled({library.record()});
    library.expect_stopped();
    if (heard) {
      library.told_to(ask.message, Done{});
      library.told<StopShare>(Refused{Code::not_sharing, "no"});
    } else {
      library.told<StopShare>(Done{});
      library.told_to(ask.message, Refused{Code::not_sharing, "no"});
    }
    library.host.expect<ForgetShare>(library.storage);
    library.host.find<Told>(library.shell.address);
    library.host.expect_silence();
    library.host.advance(20s);
    library.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(what_is_stopped_while_a_login_brings_the_shares_back_is_stopped_without_trackers) {
  Library library;
  library.host.inject(library.link.address, library.librarian.address, SessionChanged{library.uid, "ann"});
  library.host.expect<RecallShares>(library.storage);
  library.unshare("film");
  const auto ask = library.host.expect<Ask>(library.link);
  library.recalled({library.record()});
  library.expect_stopped();
  library.told<StopShare>(Refused{Code::tracker_unreachable, "none"});
  library.told_to(ask.message, Refused{Code::tracker_unreachable, "none"});
  const auto told = library.host.expect<Told>(library.shell);
  BOOST_TEST((told->what.get<Done>() != nullptr));
  BOOST_TEST(told->provisional);
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(of_two_logins_in_a_row_the_answer_to_the_last_one_counts) {
  Library library;
  for (int i = 0; i < 2; ++i) {
    library.host.inject(library.link.address, library.librarian.address, SessionChanged{});
    library.host.inject(library.link.address, library.librarian.address, SessionChanged{library.uid, "ann"});
    library.host.expect<RecallShares>(library.storage);
  }
  library.recalled({library.record()});
  library.host.expect_silence();
  library.recalled({});
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(what_is_shared_again_while_the_trackers_hear_of_its_end_is_announced_anew) {
  for (const bool answered : {true, false}) {
    Library library;
    library.serve();
    library.unshare("film");
    library.expect_stopped();
    const auto stop = library.host.expect<Ask>(library.link);
    library.share_up_to_adding();
    library.told<AddFile>(FileAdded{library.gid, library.record().fid, false});
    library.host.expect<RememberShare>(library.storage);
    library.host.expect<ServeFile>(library.uploader);
    library.checked(library.identity);
    library.host.discard(library.shell.address);
    library.told_to(stop.message, answered ? TrackerAnswer{Done{}}
                                           : TrackerAnswer{Refused{Code::tracker_unreachable, "none"}});
    library.told<StartShare>(Done{});
    library.host.expect<ServeFile>(library.uploader);
    library.host.discard(library.shell.address);
    library.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(what_was_learnt_of_an_old_path_says_nothing_of_the_new_one) {
  Library library;
  library.serve();
  ShareRecord moved = library.record();
  moved.path = "/home/elsewhere";
  const auto adopt = [&] {
    library.host.inject(library.scheduler.address, library.librarian.address, AdoptShare{moved});
    library.host.expect<ServeFile>(library.uploader);
    library.told<StartShare>(Done{});
    library.host.expect<ServeFile>(library.uploader);
  };
  // The old path is being looked at.
  library.host.advance(5s);
  const auto check = library.host.expect<CheckFile>(library.storage);
  adopt();
  FileChecked gone;
  gone.tag = check->tag;
  gone.code = Code::no_such_file;
  gone.sentence = "it is gone";
  library.host.inject(library.storage.address, library.librarian.address, gone);
  library.host.expect_silence();

  // It is being hashed again.
  library.host.advance(5s);
  FileIdentity other = library.identity;
  ++other.inode;
  library.checked(other);
  library.host.expect<StopServing>(library.uploader);
  library.checked(other);
  moved.path = "/home/yet/elsewhere";
  const auto stretch = library.host.expect<HashStretch>(library.hasher);
  library.host.discard(library.hasher.address);
  library.host.discard(library.second_hasher.address);
  adopt();
  library.host.expect<DropHashing>(library.hasher);
  library.host.inject(library.hasher.address, library.librarian.address,
                      HashFailed{stretch->job, Code::no_such_file, "it is gone"});
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(what_the_trackers_took_as_a_share_is_one_after_its_session) {
  for (const bool again : {true, false}) {
    Library library;
    library.login();
    library.share_up_to_adding();
    library.host.inject(library.link.address, library.librarian.address, SessionChanged{});
    library.host.discard(library.shell.address);
    const auto ask = library.host.expect<Ask>(library.link);
    if (again) library.login();
    library.host.inject(library.link.address, library.librarian.address,
                        Told{ask->command, FileAdded{library.gid, library.record().fid, false}, false, {}});
    BOOST_TEST((library.host.expect<RememberShare>(library.storage)->share == library.record()));
    if (again) library.host.expect<ServeFile>(library.uploader);
    library.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_has_just_changed_is_measured_again) {
  Library library;
  library.login();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  const WallTime now{10'000s};
  library.host.set_wall_time(now);
  library.identity.changed_ns = std::chrono::nanoseconds(now.time_since_epoch() - 1ms).count();
  library.checked(library.identity);
  library.host.expect_silence();
  library.host.advance(Librarian::tick_max);
  library.checked(library.identity);
  BOOST_TEST((library.host.find<HashPiece>(library.hasher.address) ||
              library.host.find<HashStretch>(library.hasher.address)));
}

BOOST_AUTO_TEST_CASE(a_file_that_always_changes_is_not_waited_for_for_ever) {
  Library library;
  library.login();
  library.share(1);
  library.told<FindFile>(Refused{Code::no_such_file, ""});
  library.host.set_wall_time(WallTime{10'000s});
  const Instant start = library.host.time();
  for (int i = 0; !library.host.find<HashStretch>(library.hasher.address); ++i) {
    BOOST_TEST_REQUIRE(i < 100);
    library.identity.changed_ns = std::chrono::nanoseconds(10'000s + (library.host.time() - start)).count();
    library.checked(library.identity);
    library.host.advance(Librarian::tick_max);
  }
}

BOOST_AUTO_TEST_CASE(stopping_what_is_not_shared_is_refused_by_the_trackers) {
  Library library;
  library.serve();
  library.unshare("song");
  library.told<StopShare>(Refused{Code::not_sharing, "no"});
  BOOST_TEST((library.refusal() == Code::not_sharing));
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(leaving_a_group_ends_its_shares) {
  Library library;
  library.serve();
  library.host.inject(library.link.address, library.librarian.address, GroupLeft{GroupName{"g"}, ""});
  BOOST_TEST((library.host.expect<StopServing>(library.uploader)->reason == CloseReason::not_a_member));
  library.host.expect<ForgetShare>(library.storage);
  library.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_complete_download_is_a_share_of_its_user) {
  Library library;
  library.login();
  ShareRecord record = library.record();
  library.host.inject(library.scheduler.address, library.librarian.address, AdoptShare{record});
  library.host.expect<ServeFile>(library.uploader);
  // No tracker answers: it is served, and said again until one knows.
  library.told<StartShare>(Refused{Code::tracker_unreachable, "none"});
  library.host.expect_silence();
  library.host.advance(5s);
  library.checked(library.identity);
  library.told<StartShare>(Done{});
  library.host.expect<ServeFile>(library.uploader);
  library.host.expect_silence();
  record.uid.bytes.fill(1);
  library.host.inject(library.scheduler.address, library.librarian.address, AdoptShare{record});
  library.host.expect_silence();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
