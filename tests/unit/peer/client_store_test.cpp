#include "peer/client_store.hpp"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "peer/metainfo_builder.hpp"

namespace tutti {
namespace {

namespace fs = std::filesystem;

Metainfo metainfo_of(const std::string& name, std::uint32_t pieces) {
  MetainfoBuilder builder({name}, PieceLayout({pieces * (512_KiB).value}, 512_KiB));
  for (PieceIndex piece; piece.value < pieces; ++piece)
    builder.add_piece(piece, {sha1(view_of(name)), sha256(view_of(name))});
  builder.set_whole(sha1(view_of(name)));
  return builder.build();
}

ShareRecord share_of(Uid uid, Gid gid, const std::string& name) {
  const Metainfo metainfo = metainfo_of(name, 3);
  return {uid,
          gid,
          {"band"},
          fid_of(metainfo),
          metainfo,
          "/home/" + name,
          {metainfo.size, -5, UINT64_MAX, 7, -9},
          false};
}

DownloadRecord download_of(DownloadId id, Uid uid, const std::string& name) {
  const Metainfo metainfo = metainfo_of(name, 20);
  return {id,
          uid,
          Gid{{9}},
          {"band"},
          fid_of(metainfo),
          metainfo,
          "/home/" + name,
          "/home/" + name + ".part",
          DownloadPhase::fetching,
          Code::other,
          "",
          true,
          {},
          {}};
}

Bitfield pieces(std::initializer_list<std::uint32_t> numbers) {
  Bitfield result(20);
  for (const std::uint32_t number : numbers) result.set({number});
  return result;
}

const Uid ann{{1}};
const Uid bob{{2}};

struct StateFolderFixture {
  std::string folder;
  std::string boot = "boot-1";

  StateFolderFixture() {
    std::string pattern = (fs::temp_directory_path() / "tutti-state-XXXXXX").string();
    folder = std::string(mkdtemp(pattern.data())) + "/state";
  }
  ~StateFolderFixture() { fs::remove_all(fs::path(folder).parent_path()); }

  std::unique_ptr<ClientStore> open() {
    OrFault<std::unique_ptr<ClientStore>> store = open_client_store(folder, boot);
    BOOST_REQUIRE_MESSAGE(store, store.fault().sentence);
    return std::move(*store);
  }
  /// What nobody but a damaged disk or another version writes.
  void run_sql(const char* sql) const {
    sqlite3* database = nullptr;
    BOOST_REQUIRE(sqlite3_open((folder + "/client.db").c_str(), &database) == SQLITE_OK);
    const int done = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
    sqlite3_close(database);
    BOOST_REQUIRE(done == SQLITE_OK);
  }
  /// Runs `work` on the store in a process that then dies by kill -9.
  template <class Work>
  void killed_after(Work&& work) {
    const pid_t child = fork();
    if (child == 0) {
      work(*open());
      raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    BOOST_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
};

void check(const DiskDone& done) { BOOST_REQUIRE_EQUAL(done ? done->sentence : "", ""); }

BOOST_FIXTURE_TEST_SUITE(client_store, StateFolderFixture)

BOOST_AUTO_TEST_CASE(the_identity_is_made_once_and_is_secret) {
  const ClientIdentity identity = open()->identity();
  BOOST_TEST(!identity.key.is_zero());
  BOOST_CHECK(open()->identity() == identity);
  struct stat status {};
  BOOST_REQUIRE(stat((folder + "/identity").c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777U) == 0600U);
  BOOST_REQUIRE(stat(folder.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777U) == 0700U);

  StateFolderFixture other;
  BOOST_CHECK(other.open()->identity().key != identity.key);
}

BOOST_AUTO_TEST_CASE(a_key_that_others_can_read_or_that_is_none_is_refused) {
  open();
  fs::permissions(folder + "/identity", fs::perms::others_read, fs::perm_options::add);
  BOOST_TEST(open_client_store(folder).fault().sentence.find("chmod 600") != std::string::npos);
  fs::permissions(folder + "/identity", fs::perms::others_read, fs::perm_options::remove);
  std::ofstream(folder + "/identity") << "nonsense\n";
  BOOST_TEST(open_client_store(folder).fault().sentence.find("no secret key") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_second_client_is_refused_while_the_first_lives) {
  {
    const auto first = open();
    const auto second = open_client_store(folder);
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.fault().sentence.find("another client") != std::string::npos);
    BOOST_TEST(second.fault().sentence.find("--state") != std::string::npos);
  }
  BOOST_CHECK(open_client_store(folder));
}

BOOST_AUTO_TEST_CASE(a_newer_or_damaged_store_is_refused) {
  open();
  std::ofstream(folder + "/client.db") << std::string(5000, 'x');
  const auto damaged = open_client_store(folder);
  BOOST_REQUIRE(!damaged);
  BOOST_TEST(damaged.fault().sentence.find("damaged") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_a_clear_error) {
  std::ofstream(folder) << "a file";
  const auto refused = open_client_store(folder);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.fault().sentence.find(folder) != std::string::npos);
  fs::remove(folder);
}

BOOST_AUTO_TEST_CASE(no_counter_is_given_twice_whatever_dies) {
  std::uint64_t highest = 0;
  for (int life = 0; life < 3; ++life) {
    killed_after([](ClientStore& store) { BOOST_REQUIRE(store.reserve_request_counters(100)); });
    const auto store = open();
    for (const std::uint32_t count : {1U, 1000U, 3U}) {
      const std::uint64_t first = store->reserve_request_counters(count)->value;
      BOOST_TEST(first > highest);
      highest = first + count - 1;
    }
  }
  BOOST_TEST(highest == 3U * 1104U);
}

BOOST_AUTO_TEST_CASE(download_ids_are_not_used_again) {
  auto store = open();
  const DownloadId first = *store->next_download_id();
  check(store->complete_download(download_of(first, ann, "a"), std::nullopt));
  store.reset();
  BOOST_CHECK(open()->next_download_id()->value > first.value);
}

BOOST_AUTO_TEST_CASE(shares_come_back_for_their_user_in_order) {
  const ShareRecord zebra = share_of(ann, Gid{{1}}, "zebra");
  const ShareRecord apple = share_of(ann, Gid{{1}}, "apple");
  const ShareRecord other_group = share_of(ann, Gid{{2}}, "zebra");
  const ShareRecord bobs = share_of(bob, Gid{{1}}, "zebra");
  killed_after([&](ClientStore& store) {
    for (const ShareRecord& share : {zebra, apple, other_group, bobs}) check(store.put_share(share));
  });
  const auto store = open();
  BOOST_CHECK(*store->shares_of(ann) == (std::vector{zebra, apple, other_group}));
  BOOST_CHECK(*store->shares_of(bob) == std::vector{bobs});
  BOOST_CHECK(store->shares_of(Uid{{3}})->empty());

  ShareRecord moved = zebra;
  moved.path = "/elsewhere/zebra";
  moved.identity.inode = 99;
  moved.stopped = true;
  check(store->put_share(moved));
  check(store->forget_share(ann, Gid{{1}}, apple.fid));
  check(store->forget_share(ann, Gid{{1}}, apple.fid));
  BOOST_CHECK(*store->shares_of(ann) == (std::vector{moved, other_group}));
}

BOOST_AUTO_TEST_CASE(verified_pieces_survive_kill_9_without_doubt) {
  killed_after([&](ClientStore& store) {
    check(store.put_download(download_of({1}, ann, "a")));
    check(store.journal({1}, std::vector{3_piece, 4_piece}));
    check(store.journal({1}, std::vector{4_piece, 19_piece}));
  });
  const auto store = open();
  BOOST_CHECK(*store->downloads_of(ann) == std::vector{download_of({1}, ann, "a")});
  BOOST_CHECK(store->pieces_of({1}, 20)->verified == pieces({3, 4, 19}));
  BOOST_TEST(store->pieces_of({1}, 20)->doubtful.none());
  BOOST_TEST(store->pieces_of({2}, 20)->verified.none());
}

BOOST_AUTO_TEST_CASE(after_a_power_loss_only_synced_pieces_are_beyond_doubt) {
  killed_after([&](ClientStore& store) {
    check(store.put_download(download_of({1}, ann, "a")));
    check(store.journal({1}, std::vector{3_piece, 4_piece}));
    check(store.journal({1}, std::vector{5_piece}));
    check(store.mark_synced({1}, std::vector{3_piece, 4_piece}));
  });
  boot = "boot-2";
  {
    const auto store = open();
    const JournalledPieces recalled = *store->pieces_of({1}, 20);
    BOOST_CHECK(recalled.verified == pieces({3, 4}));
    BOOST_CHECK(recalled.doubtful == pieces({5}));

    // A sync now does not make true what may have been lost then; verifying it again does.
    check(store->mark_synced({1}, std::vector{5_piece}));
    BOOST_CHECK(store->pieces_of({1}, 20)->doubtful == pieces({5}));
    check(store->journal({1}, std::vector{5_piece}));
    BOOST_TEST(store->pieces_of({1}, 20)->doubtful.none());
  }
  boot = "boot-3";
  BOOST_CHECK(open()->pieces_of({1}, 20)->doubtful == pieces({5}));
}

BOOST_AUTO_TEST_CASE(after_a_power_loss_a_share_fits_no_file_unless_it_was_synced) {
  const ShareRecord synced = share_of(ann, Gid{{1}}, "synced");
  const ShareRecord risky = share_of(ann, Gid{{1}}, "risky");
  const ShareRecord changed = share_of(ann, Gid{{1}}, "changed");
  killed_after([&](ClientStore& store) {
    check(store.put_share(synced));
    check(store.put_share(risky));
    check(store.put_share(changed));
    check(store.mark_share_synced(ann, Gid{{1}}, synced.fid, synced.identity));
    // What was synced is what the file was then, and not what it is remembered as by now.
    FileIdentity earlier = changed.identity;
    --earlier.changed_ns;
    check(store.mark_share_synced(ann, Gid{{1}}, changed.fid, earlier));
  });
  BOOST_CHECK(*open()->shares_of(ann) == (std::vector{synced, risky, changed}));
  boot = "boot-2";
  const auto shares = open()->shares_of(ann);
  BOOST_CHECK((*shares)[0] == synced);
  BOOST_CHECK((*shares)[1].identity == FileIdentity{});
  BOOST_CHECK((*shares)[2].identity == FileIdentity{});
}

BOOST_AUTO_TEST_CASE(downloads_change_and_go) {
  const auto store = open();
  check(store->put_download(download_of({2}, ann, "b")));
  check(store->put_download(download_of({1}, ann, "a")));
  check(store->put_download(download_of({3}, bob, "a")));
  check(store->journal({1}, std::vector{7_piece, 8_piece}));
  DownloadRecord failed = download_of({1}, ann, "a");
  failed.phase = DownloadPhase::failed;
  failed.code = Code::disk_full;
  failed.sentence = "the disk is full";
  failed.share = false;
  failed.whole = {{5}, 1, 2, 3, 4};
  check(store->put_download(failed));
  check(store->forget_pieces({1}, std::vector{8_piece}));
  const auto downloads = *store->downloads_of(ann);
  BOOST_REQUIRE(downloads.size() == 2U);
  BOOST_CHECK(downloads[0] == failed);
  BOOST_CHECK(store->pieces_of({1}, 20)->verified == pieces({7}));
  BOOST_TEST(downloads[1].id.value == 2U);
  BOOST_CHECK(store->downloads_of(bob)->front() == download_of({3}, bob, "a"));
}

BOOST_AUTO_TEST_CASE(a_complete_download_is_a_share_and_needs_no_journal) {
  DownloadRecord download = download_of({1}, ann, "a");
  const ShareRecord share = share_of(ann, Gid{{9}}, "b");
  killed_after([&](ClientStore& store) {
    check(store.put_download(download));
    check(store.journal({1}, std::vector{7_piece, 8_piece}));
    download.phase = DownloadPhase::complete;
    check(store.complete_download(download, share));
  });
  const auto store = open();
  BOOST_CHECK(*store->shares_of(ann) == std::vector{share});
  BOOST_TEST(store->pieces_of({1}, 20)->verified.none());
  const DownloadRecord recalled = store->downloads_of(ann)->front();
  BOOST_CHECK(recalled.phase == DownloadPhase::complete);
  BOOST_TEST(recalled.metainfo.name.text == "a");
  BOOST_TEST(recalled.metainfo.piece_sha256.size() == 0U);
  // The other download of the same file still knows what it fetches.
  check(store->put_download(download_of({2}, bob, "a")));
  BOOST_CHECK(store->downloads_of(bob)->front() == download_of({2}, bob, "a"));
}

BOOST_AUTO_TEST_CASE(a_store_of_the_first_version_is_read) {
  const ShareRecord share = share_of(ann, Gid{{1}}, "zebra");
  {
    const auto store = open();
    check(store->put_share(share));
    check(store->put_download(download_of({1}, ann, "a")));
  }
  run_sql(R"sql(
      ALTER TABLE share DROP COLUMN changed_ns; ALTER TABLE share DROP COLUMN stopped;
      ALTER TABLE download DROP COLUMN share; ALTER TABLE download DROP COLUMN whole;
      ALTER TABLE download DROP COLUMN paused; ALTER TABLE download DROP COLUMN priority;
      ALTER TABLE download DROP COLUMN sequential; DROP TABLE rate_limit;
      ALTER TABLE share DROP COLUMN pieces; ALTER TABLE download DROP COLUMN tree; DROP TABLE manifest; DROP TABLE export;
      PRAGMA user_version = 1)sql");
  const auto store = open();
  BOOST_CHECK(store->downloads_of(ann)->front() == download_of({1}, ann, "a"));
  ShareRecord recalled = store->shares_of(ann)->front();
  BOOST_TEST(recalled.identity.changed_ns == 0);  // fits no file: hashed again, once
  recalled.identity.changed_ns = share.identity.changed_ns;
  BOOST_CHECK(recalled == share);
}

BOOST_AUTO_TEST_CASE(a_store_without_wishes_and_limits_is_read) {
  {
    const auto store = open();
    check(store->put_download(download_of({1}, ann, "a")));
    check(store->journal({1}, std::vector{3_piece}));
  }
  run_sql(R"sql(
      ALTER TABLE download DROP COLUMN paused; ALTER TABLE download DROP COLUMN priority;
      ALTER TABLE download DROP COLUMN sequential; DROP TABLE rate_limit;
      ALTER TABLE share DROP COLUMN pieces; ALTER TABLE download DROP COLUMN tree; DROP TABLE manifest; DROP TABLE export;
      PRAGMA user_version = 2)sql");
  const auto store = open();
  BOOST_CHECK(store->downloads_of(ann)->front() == download_of({1}, ann, "a"));
  BOOST_CHECK(store->pieces_of({1}, 20)->verified == pieces({3}));
  BOOST_TEST(store->limits()->empty());
}

BOOST_AUTO_TEST_CASE(a_store_without_directories_is_read) {
  const ShareRecord share = share_of(ann, Gid{{1}}, "zebra");
  {
    const auto store = open();
    check(store->put_download(download_of({1}, ann, "a")));
    check(store->put_share(share));
  }
  run_sql(R"sql(
      ALTER TABLE share DROP COLUMN pieces; ALTER TABLE download DROP COLUMN tree; DROP TABLE manifest; DROP TABLE export;
      PRAGMA user_version = 3)sql");
  const auto store = open();
  BOOST_CHECK(store->downloads_of(ann)->front() == download_of({1}, ann, "a"));
  BOOST_CHECK(store->shares_of(ann)->front() == share);
}

BOOST_AUTO_TEST_CASE(wishes_and_limits_survive) {
  DownloadRecord wished = download_of({1}, ann, "a");
  wished.wishes = {true, DownloadPriority::high, true};
  const std::vector<RateLimit> limits{{LimitDirection::up, "lab", 60, 1439, UINT64_MAX},
                                      {LimitDirection::down, "", 0, 0, 1}};
  {
    const auto store = open();
    check(store->put_download(wished));
    check(store->put_limits(std::vector<RateLimit>{{LimitDirection::up, "old", 0, 0, 5}}));
    check(store->put_limits(limits));
  }
  const auto store = open();
  BOOST_CHECK(store->downloads_of(ann)->front() == wished);
  BOOST_CHECK(*store->limits() == limits);
}

BOOST_AUTO_TEST_CASE(exports_survive_and_the_oldest_of_very_many_are_forgotten) {
  const auto exported = [](std::uint32_t number, const std::string& conductor) {
    OrchExport file{Gid{{1}}, Fid{}, {"film"}, Sha1{{7}}, conductor};
    std::memcpy(file.fid.bytes.data(), &number, sizeof(number));
    return file;
  };
  {
    const auto store = open();
    for (std::uint32_t i = 0; i <= ClientStore::exports_max; ++i)
      check(store->put_export(exported(i, "a:1")));
    // It counts as the newest from now on.
    check(store->put_export(exported(1, "b:2")));
    check(store->put_export(exported(5000, "a:1")));
  }
  const auto store = open();
  const auto exports = store->exports();
  BOOST_REQUIRE(exports->size() == ClientStore::exports_max);
  BOOST_CHECK(exports->front() == exported(3, "a:1"));
  BOOST_CHECK((*exports)[exports->size() - 2] == exported(1, "b:2"));
  BOOST_CHECK(exports->back() == exported(5000, "a:1"));
}

BOOST_AUTO_TEST_CASE(a_store_without_exports_is_read) {
  const ShareRecord share = share_of(ann, Gid{{1}}, "zebra");
  {
    const auto store = open();
    check(store->put_share(share));
  }
  run_sql("DROP TABLE export; PRAGMA user_version = 4");
  const auto store = open();
  BOOST_CHECK(store->shares_of(ann)->front() == share);
  BOOST_TEST(store->exports()->empty());
}

BOOST_AUTO_TEST_CASE(a_forgotten_download_leaves_nothing_but_the_share) {
  const auto store = open();
  const ShareRecord share = share_of(ann, Gid{{9}}, "a");
  check(store->put_download(download_of({1}, ann, "a")));
  check(store->put_download(download_of({2}, ann, "b")));
  check(store->journal({1}, std::vector{3_piece}));
  check(store->put_share(share));
  check(store->forget_download({1}));
  check(store->forget_download({1}));  // is no fault
  BOOST_CHECK(*store->downloads_of(ann) == (std::vector{download_of({2}, ann, "b")}));
  BOOST_TEST(store->pieces_of({1}, 20)->verified.none());
  BOOST_CHECK(*store->shares_of(ann) == std::vector{share});
  BOOST_TEST(!store->download_of({1})->has_value());
}

BOOST_AUTO_TEST_CASE(a_complete_download_that_is_reopened_is_no_share_any_more) {
  DownloadRecord download = download_of({1}, ann, "a");
  ShareRecord share = share_of(ann, download.gid, "a");
  share.fid = download.fid;
  share.metainfo = download.metainfo;
  share.path = download.path;
  {
    const auto store = open();
    download.phase = DownloadPhase::complete;
    check(store->complete_download(download, share));
    // With the digests, unlike in a list.
    BOOST_CHECK(**store->download_of({1}) == download);
    download.phase = DownloadPhase::fetching;
    check(store->reopen_download(download, std::vector{1_piece, 4_piece}));
  }
  const auto store = open();
  BOOST_TEST(store->shares_of(ann)->empty());
  BOOST_CHECK(store->downloads_of(ann)->front() == download);
  BOOST_CHECK(store->pieces_of({1}, 20)->verified == pieces({1, 4}));
}

BOOST_AUTO_TEST_CASE(a_damaged_record_does_not_take_the_others_with_it) {
  const ShareRecord zebra = share_of(ann, Gid{{1}}, "zebra");
  const ShareRecord apple = share_of(ann, Gid{{1}}, "apple");
  {
    const auto store = open();
    check(store->put_share(zebra));
    check(store->put_share(apple));
    check(store->put_download(download_of({1}, ann, "a")));
    check(store->put_download(download_of({2}, ann, "b")));
  }
  run_sql(
      "UPDATE metainfo SET record = x'ff' WHERE fid IN (SELECT fid FROM share WHERE path = '/home/zebra')");
  run_sql("UPDATE download SET whole = x'ff' WHERE number = 1");
  const auto store = open();
  BOOST_CHECK(*store->shares_of(ann) == std::vector{apple});
  BOOST_CHECK(*store->downloads_of(ann) == (std::vector{download_of({2}, ann, "b")}));
  // Whoever shares the file again makes it good.
  check(store->put_share(zebra));
  BOOST_CHECK(*store->shares_of(ann) == (std::vector{zebra, apple}));
}

BOOST_AUTO_TEST_CASE(the_memory_store_keeps_what_it_is_told) {
  const ClientIdentity identity{ClientKey{{5}}, {}};
  const auto store = make_memory_client_store(identity);
  BOOST_CHECK(store->identity() == identity);
  BOOST_TEST(store->reserve_request_counters(5)->value == 1U);
  BOOST_TEST(store->reserve_request_counters(1)->value == 6U);
  const ShareRecord share = share_of(ann, Gid{{1}}, "zebra");
  check(store->put_share(share));
  check(store->put_share(share));
  BOOST_CHECK(*store->shares_of(ann) == std::vector{share});
  check(store->forget_share(ann, Gid{{1}}, share.fid));
  BOOST_CHECK(store->shares_of(ann)->empty());
  const DownloadId id = *store->next_download_id();
  check(store->put_download(download_of(id, ann, "a")));
  check(store->journal(id, std::vector{1_piece, 2_piece}));
  check(store->forget_pieces(id, std::vector{2_piece}));
  check(store->put_download(download_of(id, ann, "a")));
  BOOST_CHECK(store->pieces_of(id, 20)->verified == pieces({1}));
  DownloadRecord complete = download_of(id, ann, "a");
  complete.phase = DownloadPhase::complete;
  check(store->complete_download(complete, share));
  BOOST_TEST(store->pieces_of(id, 20)->verified.none());
  BOOST_TEST(store->downloads_of(ann)->front().metainfo.piece_sha1.size() == 0U);
  BOOST_CHECK(*store->shares_of(ann) == std::vector{share});
}

BOOST_AUTO_TEST_CASE(what_is_special_about_directories_is_remembered) {
  DownloadRecord download = download_of({1}, ann, "tree");
  download.metainfo.manifest_size = 100_bytes;
  download.fid = fid_of(download.metainfo);
  BOOST_TEST((download.fid != fid_of(download_of({1}, ann, "tree").metainfo)));
  download.only = {"*.txt", "docs"};
  download.wanted = pieces({1, 2, 7}).bytes();
  download.existing = pieces({2}).bytes();
  ShareRecord share = share_of(ann, Gid{{9}}, "tree");
  share.metainfo = download.metainfo;
  share.fid = download.fid;
  share.pieces = pieces({1, 7}).bytes();
  const Bytes manifest{1, 2, 3};
  {
    const auto store = open();
    check(store->put_download(download));
    check(store->put_share(share));
    check(store->put_manifest(share.fid, manifest));
    check(store->put_manifest(share.fid, manifest));
  }
  const auto store = open();
  BOOST_TEST((store->download_of({1})->value() == download));
  BOOST_TEST((store->shares_of(ann)->front() == share));
  BOOST_TEST((store->manifest_of(share.fid)->value() == manifest));
  // It goes with the last that needs it.
  check(store->forget_download({1}));
  BOOST_TEST(store->manifest_of(share.fid)->has_value());
  check(store->forget_share(ann, share.gid, share.fid));
  BOOST_TEST(!store->manifest_of(share.fid)->has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
