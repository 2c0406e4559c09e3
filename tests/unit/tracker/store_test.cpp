#include "tracker/store.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "messages/codec.hpp"
#include "tracker/facts.hpp"
#include "tracker/logs.hpp"

using namespace tutti;

namespace {

template <class Id>
Id id_of(std::uint8_t n) {
  Id id;
  id.bytes.fill(n);
  return id;
}

struct TempFolder {
  std::string path;
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-store-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path); }
};

// Makes batches as the directory does: deltas of one log, chained, with their rows.
struct BatchMaker {
  LogHead head{id_of<StoreId>(7), {}, {}};

  CommitBatch batch_of(std::vector<std::vector<Operation>> groups) {
    CommitBatch batch;
    for (std::vector<Operation>& operations : groups) {
      const Delta delta{
          head.origin, head.sequence + Sequence{1}, {1000, 0}, head.hash, std::move(operations)};
      for (const Operation& operation : delta.operations) {
        batch.rows.push_back(row_of({delta.origin, delta.stamp, operation}).view());
      }
      head = {delta.origin, delta.sequence, hash_of(delta)};
      batch.deltas.push_back(delta);
    }
    batch.heads = {head};
    return batch;
  }
  CommitBatch user(std::uint8_t n) {
    return batch_of({{UserNamed{id_of<Uid>(n), {"user" + std::to_string(n)}, 1, false}}});
  }
};

FileDescribed described(std::uint8_t n, std::uint32_t pieces) {
  FileDescribed file;
  file.gid = id_of<Gid>(1);
  file.fid = id_of<Fid>(n);
  file.tracker = 1;
  file.metainfo.name = {"file" + std::to_string(n)};
  file.metainfo.piece_length = 512_KiB;
  file.metainfo.size = {pieces * (512_KiB).value};
  for (std::uint32_t i = 0; i < pieces; ++i) {
    file.metainfo.piece_sha1.push_back(id_of<Sha1>(n));
    file.metainfo.piece_sha256.push_back(id_of<Sha256>(n));
  }
  return file;
}

std::size_t count_rows(Store& store) {
  std::size_t count = 0;
  Bytes after;
  for (bool last = false; !last;) {
    RowPage page = store.rows({}, after, 200_bytes, true);
    BOOST_REQUIRE(!page.fault);
    RowReader rows(page.rows);
    while (rows.next()) ++count;
    BOOST_TEST(rows.is_at_end());
    last = page.last;
    after = page.next;
  }
  return count;
}

std::unique_ptr<Store> opened(const std::string& folder, std::uint32_t number = 1) {
  OpenedStore store = open_sqlite_store(folder, number, id_of<StoreId>(7));
  BOOST_REQUIRE_MESSAGE(store.store, store.fault);
  return std::move(store.store);
}

// Every kind of store keeps the same promises.
void keeps_what_is_committed(Store& store) {
  BatchMaker maker;
  BOOST_TEST(store.heads().heads.empty());
  for (std::uint8_t n = 1; n <= 20; ++n) BOOST_REQUIRE(!store.commit(maker.user(n)));
  const FileDescribed file = described(3, 100);
  BOOST_REQUIRE(!store.commit(maker.batch_of({{file}, {UserNamed{id_of<Uid>(1), {"user1"}, 1, true}}})));

  BOOST_REQUIRE(store.heads().heads.size() == 1);
  BOOST_TEST((store.heads().heads[0] == maker.head));
  BOOST_TEST(count_rows(store) == 21);  // user1's row was replaced
  BOOST_TEST((store.metainfo(file.gid, file.fid).metainfo == file.metainfo));
  BOOST_TEST(!store.metainfo(file.gid, id_of<Fid>(9)).metainfo.has_value());

  const LogPage page = store.log(id_of<StoreId>(7), Sequence{5}, 3, 1_MiB);
  BOOST_REQUIRE(page.deltas.size() == 3);
  BOOST_TEST(!page.truncated);
  BOOST_TEST((page.deltas[0].sequence == Sequence{5}));
  BOOST_TEST((page.deltas[1].previous == hash_of(page.deltas[0])));
  BOOST_TEST(store.log(id_of<StoreId>(7), Sequence{5}, 100, 1_bytes).deltas.size() == 1);  // never none
  BOOST_TEST(store.log(id_of<StoreId>(7), Sequence{23}, 100, 1_MiB).deltas.empty());
  BOOST_TEST(store.log(id_of<StoreId>(8), Sequence{1}, 100, 1_MiB).deltas.empty());
}

void shows_rows_by_bucket_and_with_or_without_digests(Store& store) {
  BatchMaker maker;
  for (std::uint8_t n = 1; n <= 5; ++n) BOOST_REQUIRE(!store.commit(maker.batch_of({{described(n, 10)}})));
  const FileDescribed file = described(4, 10);
  const Row row = row_of({id_of<StoreId>(7), {1000, 0}, file});
  const Bytes bucket{row.bucket};
  std::size_t found = 0;
  for (const bool whole : {true, false}) {
    const RowPage page = store.rows(bucket, {}, 1_MiB, whole);
    RowReader rows(page.rows);
    while (const std::optional<StoredRow> each = rows.next()) {
      const Decoded<Fact> fact = whole ? whole_fact_of(*each) : fact_of(*each);
      BOOST_REQUIRE_MESSAGE(fact, fact.fault);
      const auto* described = fact->operation.get<FileDescribed>();
      BOOST_REQUIRE(described != nullptr);
      BOOST_TEST(each->metainfo.empty() == !whole);
      if (described->fid != file.fid) continue;
      ++found;
      BOOST_TEST(described->metainfo.piece_sha1.size() == (whole ? 10U : 0U));
      BOOST_TEST((described->metainfo.name == file.metainfo.name));
    }
  }
  BOOST_TEST(found == 2);
}

void erases_rows(Store& store) {
  BatchMaker maker;
  BOOST_REQUIRE(!store.commit(maker.user(1)));
  CommitBatch batch = maker.user(2);
  Row row = row_of({id_of<StoreId>(7), {1000, 0}, UserNamed{id_of<Uid>(1), {"user1"}, 1, false}});
  batch.rows.push_back({row.bucket, row.key, {}, {}});
  BOOST_REQUIRE(!store.commit(batch));
  BOOST_TEST(count_rows(store) == 1);
}

void goes_on_under_another_name(Store& store) {
  BatchMaker maker;
  for (std::uint8_t n = 1; n <= 3; ++n) BOOST_REQUIRE(!store.commit(maker.user(n)));
  const LogHead cut = maker.head;
  for (std::uint8_t n = 4; n <= 6; ++n) BOOST_REQUIRE(!store.commit(maker.user(n)));
  BatchMaker again;
  again.head.origin = id_of<StoreId>(8);
  CommitBatch batch = again.user(7);
  batch.renewal = StoreRenewal{again.head.origin, cut};
  BOOST_REQUIRE(!store.commit(batch));
  BOOST_TEST((store.id() == id_of<StoreId>(8)));
  BOOST_TEST((store.heads().heads == std::vector<LogHead>{cut, again.head}));
  BOOST_TEST(store.log(cut.origin, Sequence{1}, 100, 1_MiB).deltas.size() == 3);
  BOOST_TEST(store.log(again.head.origin, Sequence{1}, 100, 1_MiB).deltas.size() == 1);
  BOOST_TEST(count_rows(store) == 7);  // what was done stays done
  // The numbers behind the cut are free for what others did under them.
  maker.head = cut;
  BOOST_REQUIRE(!store.commit(maker.user(9)));
  BOOST_TEST(store.log(cut.origin, Sequence{4}, 100, 1_MiB).deltas.size() == 1);
}

void forgets_the_beginning_of_its_log(Store& store) {
  BatchMaker maker;
  for (std::uint8_t n = 1; n <= 9; ++n) BOOST_REQUIRE(!store.commit(maker.user(n)));
  const VersionVector upto{{{maker.head.origin, Sequence{6}}, {id_of<StoreId>(99), Sequence{4}}}};
  for (int n = 0; store.truncate(upto); ++n) BOOST_REQUIRE(n < 9);
  BOOST_TEST(store.log(maker.head.origin, Sequence{7}, 100, 1_MiB).deltas.size() == 3);
  BOOST_TEST(!store.log(maker.head.origin, Sequence{7}, 100, 1_MiB).truncated);
  BOOST_TEST(store.log(maker.head.origin, Sequence{6}, 100, 1_MiB).truncated);
  BOOST_TEST(count_rows(store) == 9);
  BOOST_TEST((store.heads().heads.at(0) == maker.head));
}

void on_each_kind(const std::function<void(Store&)>& check) {
  const std::unique_ptr<Store> memory = make_memory_store(id_of<StoreId>(7));
  check(*memory);
  const TempFolder folder;
  check(*opened(folder.path));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(store)

BOOST_AUTO_TEST_CASE(what_is_committed_is_kept) { on_each_kind(keeps_what_is_committed); }
BOOST_AUTO_TEST_CASE(rows_come_by_bucket) { on_each_kind(shows_rows_by_bucket_and_with_or_without_digests); }
BOOST_AUTO_TEST_CASE(rows_can_be_erased) { on_each_kind(erases_rows); }
BOOST_AUTO_TEST_CASE(a_store_can_get_another_name) { on_each_kind(goes_on_under_another_name); }
BOOST_AUTO_TEST_CASE(a_log_can_be_truncated) { on_each_kind(forgets_the_beginning_of_its_log); }

BOOST_AUTO_TEST_CASE(a_log_is_truncated_a_little_at_a_time) {
  const TempFolder folder;
  const std::unique_ptr<Store> store = opened(folder.path);
  BatchMaker maker;
  std::vector<std::vector<Operation>> operations;
  for (int n = 0; n < 250; ++n) operations.push_back({UserNamed{id_of<Uid>(1), {"user1"}, 1, false}});
  BOOST_REQUIRE(!store->commit(maker.batch_of(std::move(operations))));
  VersionVector upto;
  upto.positions.push_back({maker.head.origin, Sequence{250}});
  BOOST_TEST(store->truncate(upto));
  BOOST_TEST(!store->log(maker.head.origin, Sequence{101}, 1, 1_MiB).truncated);
  BOOST_TEST(store->log(maker.head.origin, Sequence{100}, 1, 1_MiB).truncated);
}

BOOST_AUTO_TEST_CASE(another_name_is_there_after_opening_again) {
  const TempFolder folder;
  goes_on_under_another_name(*opened(folder.path));
  BOOST_TEST((opened(folder.path)->id() == id_of<StoreId>(8)));
}

BOOST_AUTO_TEST_CASE(everything_is_there_after_opening_again) {
  const TempFolder folder;
  BatchMaker maker;
  const FileDescribed file = described(3, 100);
  {
    const std::unique_ptr<Store> store = opened(folder.path);
    for (std::uint8_t n = 1; n <= 20; ++n) BOOST_REQUIRE(!store->commit(maker.user(n)));
    BOOST_REQUIRE(!store->commit(maker.batch_of({{file}})));
  }
  // Another fresh id is offered and not taken: the store has its own.
  OpenedStore again = open_sqlite_store(folder.path, 1, id_of<StoreId>(99));
  BOOST_REQUIRE_MESSAGE(again.store, again.fault);
  BOOST_TEST((again.store->id() == id_of<StoreId>(7)));
  BOOST_TEST((again.store->heads().heads.at(0) == maker.head));
  BOOST_TEST(count_rows(*again.store) == 21);
  BOOST_TEST((again.store->metainfo(file.gid, file.fid).metainfo == file.metainfo));
}

BOOST_AUTO_TEST_CASE(a_torn_write_ahead_log_costs_only_what_was_torn) {
  const TempFolder folder;
  const TempFolder crashed;
  BatchMaker maker;
  LogHead before;
  {
    const std::unique_ptr<Store> store = opened(folder.path);
    BOOST_REQUIRE(!store->commit(maker.user(1)));
    BOOST_REQUIRE(!store->commit(maker.user(2)));
    before = maker.head;
    BOOST_REQUIRE(!store->commit(maker.user(3)));
    // The files as a crash would leave them, while the store is open.
    for (const char* name : {"store.sqlite", "store.sqlite-wal"})
      std::filesystem::copy_file(folder.path + "/" + name, crashed.path + "/" + name);
  }
  const std::string wal = crashed.path + "/store.sqlite-wal";
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 100);
  const std::unique_ptr<Store> store = opened(crashed.path);
  BOOST_TEST((store->heads().heads.at(0) == before));
  BOOST_TEST(count_rows(*store) == 2);
  BOOST_TEST(store->log(id_of<StoreId>(7), Sequence{1}, 100, 1_MiB).deltas.size() == 2);
  maker.head = before;
  BOOST_TEST(!store->commit(maker.user(4)));
}

BOOST_AUTO_TEST_CASE(a_store_belongs_to_one_tracker_number) {
  const TempFolder folder;
  opened(folder.path, 1);
  const OpenedStore other = open_sqlite_store(folder.path, 2, id_of<StoreId>(8));
  BOOST_TEST(!other.store);
  BOOST_TEST(other.fault.find("belongs to tracker 1, this is tracker 2") != std::string::npos, other.fault);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_open_is_refused) {
  const TempFolder folder;
  const std::unique_ptr<Store> store = opened(folder.path);
  const OpenedStore second = open_sqlite_store(folder.path, 1, id_of<StoreId>(7));
  BOOST_TEST(!second.store);
  BOOST_TEST(second.fault.find("another tracker uses the store") != std::string::npos, second.fault);
}

BOOST_AUTO_TEST_CASE(what_is_no_store_is_refused) {
  const TempFolder folder;
  std::ofstream(folder.path + "/store.sqlite") << std::string(5000, 'x');
  const OpenedStore store = open_sqlite_store(folder.path, 1, id_of<StoreId>(7));
  BOOST_TEST(!store.store);
  BOOST_TEST(store.fault.find("cannot be opened") != std::string::npos, store.fault);
}

BOOST_AUTO_TEST_CASE(a_disk_that_takes_no_more_loses_nothing_and_lies_about_nothing) {
  const TempFolder folder;
  const std::unique_ptr<Store> store = opened(folder.path);
  BatchMaker maker;
  BOOST_REQUIRE(!store->commit(maker.user(1)));
  const LogHead before = maker.head;

  // A file that may not grow any more is as good as a full disk, and needs no right to mount one.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  BOOST_REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  rlimit tight = old;
  tight.rlim_cur = 100'000;
  BOOST_REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const StoreFault fault = store->commit(maker.batch_of({{described(3, 10'000)}}));
  const LogPage log_meanwhile = store->log(id_of<StoreId>(7), Sequence{1}, 100, 1_MiB);
  BOOST_REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);

  BOOST_TEST(static_cast<bool>(fault));
  BOOST_TEST((fault.code == Code::disk_full || fault.code == Code::io_error));
  BOOST_TEST(log_meanwhile.deltas.size() == 1);
  BOOST_TEST((store->heads().heads.at(0) == before));
  maker.head = before;
  BOOST_TEST(!store->commit(maker.user(2)));
  BOOST_TEST(count_rows(*store) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
