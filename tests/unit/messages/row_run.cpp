#include "messages/row_run.hpp"

#include <boost/test/unit_test.hpp>

#include "messages/sample.hpp"

using namespace tutti;

BOOST_AUTO_TEST_SUITE(row_run)

BOOST_AUTO_TEST_CASE(rows_come_out_as_they_went_in) {
  const Bytes key{1, 2, 3};
  const Bytes value(70'000, 4);
  const Bytes metainfo{5};
  RowRun rows;
  rows.push_back({7, key, value, metainfo});
  rows.push_back({8, key, {}, {}});
  BOOST_TEST(rows.fault() == "");
  RowReader reader(rows);
  const std::optional<StoredRow> first = reader.next();
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->bucket == 7);
  BOOST_TEST(std::equal(key.begin(), key.end(), first->key.begin(), first->key.end()));
  BOOST_TEST(std::equal(value.begin(), value.end(), first->value.begin(), first->value.end()));
  BOOST_TEST(std::equal(metainfo.begin(), metainfo.end(), first->metainfo.begin(), first->metainfo.end()));
  const std::optional<StoredRow> second = reader.next();
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(second->bucket == 8);
  BOOST_TEST(second->value.empty());
  BOOST_TEST(!reader.next().has_value());
  BOOST_TEST(reader.is_at_end());
}

BOOST_AUTO_TEST_CASE(a_run_that_is_cut_short_anywhere_between_two_rows_has_a_fault) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SampleBits bits(seed);
    const RowRun rows = sample<RowRun>(bits);
    std::vector<std::size_t> ends{0};
    for (RowReader reader(rows); reader.next();) {
      std::size_t left = 0;
      for (RowReader rest = reader; rest.next();) ++left;
      ends.push_back(left);
    }
    std::size_t whole = 0;
    for (std::size_t size = 0; size <= rows.run.size(); ++size) {
      const RowRun cut{Bytes(rows.run.begin(), rows.run.begin() + static_cast<std::ptrdiff_t>(size))};
      if (cut.fault().empty()) ++whole;
    }
    BOOST_TEST(whole == ends.size());  // before the first and behind each
  }
}

BOOST_AUTO_TEST_CASE(sizes_that_would_overflow_are_no_rows) {
  const RowRun rows{Bytes{0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 9}};
  BOOST_TEST(rows.fault() == "a run of rows is cut short");
}

BOOST_AUTO_TEST_CASE(a_page_of_a_snapshot_says_of_no_row_that_it_is_gone) {
  SnapshotRows page;
  page.rows.push_back({1, Bytes{1}, Bytes{2}, {}});
  BOOST_TEST(fault_of(page) == "");
  page.rows.push_back({1, Bytes{1}, {}, {}});
  BOOST_TEST(fault_of(page) != "");
  page.rows = {};
  page.rows.push_back({1, {}, Bytes{2}, {}});
  BOOST_TEST(fault_of(page) == "a row has no key");
}

BOOST_AUTO_TEST_SUITE_END()
