#include "tracker/journal.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/injection/tracker/support.hpp"

using namespace tutti;
using namespace tutti::testing;

namespace {

/// A store whose disk can be made to fail.
class FailingStore final : public Store {
 public:
  explicit FailingStore(bool& fails) : fails_(fails) {}
  StoreId id() const override { return store_->id(); }
  HeadPage heads() override { return fails_ ? HeadPage{{}, fault()} : store_->heads(); }
  StoreFault commit(const CommitBatch& batch) override { return fails_ ? fault() : store_->commit(batch); }
  RowPage rows(ByteView buckets, ByteView after, ByteCount bytes, bool whole) override {
    RowPage page = store_->rows(buckets, after, bytes, whole);
    if (fails_) page.fault = fault();
    return page;
  }
  LogPage log(const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) override {
    LogPage page = store_->log(origin, first, limit, bytes);
    if (fails_) page.fault = fault();
    return page;
  }
  MetainfoPage metainfo(const Gid& gid, const Fid& fid) override {
    return fails_ ? MetainfoPage{{}, fault()} : store_->metainfo(gid, fid);
  }
  StoreFault remember_neighbour(const std::string&, const LinkKey&) override { return {}; }
  // One delta at a time, to be seen.
  bool truncate(const VersionVector& upto) override {
    VersionVector little = upto;
    for (LogPosition& each : little.positions) each.sequence = {std::min(each.sequence.value, ++truncated_)};
    store_->truncate(little);
    return little != upto;
  }

 private:
  static StoreFault fault() { return {Code::disk_full, "no room"}; }
  bool& fails_;
  std::uint64_t truncated_ = 0;
  std::unique_ptr<Store> store_ = make_memory_store(id_of<StoreId>(1));
};

struct Fixture : World {
  bool fails = false;
  Ref<DirectoryRole> directory = probe<DirectoryRole>();
  Ref<ReplicatorRole> replicator = probe<ReplicatorRole>();
  Ref<JournalRole> journal =
      spawn<JournalRole>("journal", std::make_unique<Journal>(std::make_unique<FailingStore>(fails)));
  OtherLog log{id_of<StoreId>(2)};

  void commit(const Delta& delta) {
    CommitBatch batch{{7}, {delta}, {}, {{delta.origin, delta.sequence, hash_of(delta)}}, {}};
    for (const Operation& operation : delta.operations)
      batch.rows.push_back(row_of({delta.origin, delta.stamp, operation}).view());
    inject(directory.address, journal.address, batch);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(journal)

BOOST_FIXTURE_TEST_CASE(an_empty_store_loads_in_one_page, Fixture) {
  inject(directory.address, journal.address, LoadStore{});
  const auto page = expect<StoreLoading>(directory);
  BOOST_TEST((page.store == id_of<StoreId>(1)));
  BOOST_TEST(page.last);
  BOOST_TEST(page.heads.empty());
  BOOST_TEST(page.fault == "");
}

BOOST_FIXTURE_TEST_CASE(what_is_committed_is_loaded_and_read, Fixture) {
  commit(log.user(1));
  expect_exactly(directory.address, BatchCommitted{{7}});
  commit(log.user(2));
  expect_exactly(directory.address, BatchCommitted{{7}});

  inject(directory.address, journal.address, LoadStore{});
  const auto page = expect<StoreLoading>(directory);
  BOOST_TEST(facts_in(page.rows).size() == 2);
  BOOST_TEST((page.heads.at(0) == log.head()));
  BOOST_TEST(page.last);

  const VersionVector all = up_to(log.head().origin, 2);
  inject(replicator.address, journal.address, ReadLog{{3}, up_to(log.head().origin, 1), all});
  const auto read = expect<LogRead>(replicator);
  BOOST_TEST((read.ticket == Ticket{3}));
  BOOST_REQUIRE(read.deltas.size() == 1);
  BOOST_TEST((read.deltas[0].sequence == Sequence{2}));
  BOOST_TEST((read.have == all));

  inject(replicator.address, journal.address, ReadRows{{4}, {}, {}});
  const auto rows = expect<RowsRead>(replicator);
  BOOST_TEST(facts_in(rows.rows).size() == 2);
  BOOST_TEST((rows.heads.at(0) == log.head()));
  BOOST_TEST(rows.last);
}

BOOST_FIXTURE_TEST_CASE(one_read_of_the_log_fits_into_one_answer, Fixture) {
  for (int n = 0; n < 600; ++n) {
    commit(log.make({SessionClosed{id_of<ClientKey>(1), {static_cast<std::uint64_t>(n + 1)}}}));
    expect<BatchCommitted>(directory);
  }
  const VersionVector all = up_to(log.head().origin, 600);
  VersionVector have;
  for (const std::size_t size : {256U, 256U, 88U}) {
    inject(replicator.address, journal.address, ReadLog{{3}, have, all});
    const auto read = expect<LogRead>(replicator);
    BOOST_TEST(read.deltas.size() == size);
    have = read.have;
  }
  BOOST_TEST((have == all));
}

BOOST_FIXTURE_TEST_CASE(a_failed_commit_says_so, Fixture) {
  fails = true;
  commit(log.user(1));
  expect_exactly(directory.address, BatchFailed{{7}, Code::disk_full, "no room"});
}

BOOST_FIXTURE_TEST_CASE(a_store_that_cannot_be_read_says_so, Fixture) {
  fails = true;
  inject(directory.address, journal.address, LoadStore{});
  BOOST_TEST(expect<StoreLoading>(directory).fault == "no room");
  inject(directory.address, journal.address, ReadMetainfo{{5}, {}, {}});
  expect_exactly(directory.address, MetainfoRead{{5}, std::nullopt});
  // A snapshot that begins amid a fault would be taken for a whole one.
  inject(replicator.address, journal.address, ReadRows{{4}, {}, {}});
  expect_silence();
}

BOOST_FIXTURE_TEST_CASE(a_log_is_truncated_little_by_little, Fixture) {
  for (std::uint8_t n = 1; n <= 4; ++n) commit(log.user(n));
  discard();
  const StoreId origin = log.head().origin;
  const auto read = [&](std::uint64_t have) {
    inject(replicator.address, journal.address, ReadLog{{have}, up_to(origin, have), up_to(origin, 4)});
    return expect<LogRead>(replicator);
  };
  inject(replicator.address, journal.address, TruncateLog{up_to(origin, 3)});
  advance(std::chrono::seconds{1});
  BOOST_TEST(read(3).deltas.size() == 1);
  BOOST_TEST(read(2).truncated);
}

BOOST_AUTO_TEST_SUITE_END()
