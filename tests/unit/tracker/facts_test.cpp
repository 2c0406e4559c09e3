// What is let in of other trackers' rows.

#include "tracker/facts.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/tracker/state_support.hpp"

using namespace tutti;
using namespace tutti::test;

namespace {

Row user_row() { return row_of({id_of<StoreId>(1), {5, 6}, UserNamed{id_of<Uid>(1), {"anna"}, 1, true}}); }

Row file_row(std::uint8_t content = 1) {
  const Metainfo metainfo = metainfo_of("song", content);
  return row_of({id_of<StoreId>(1), {5, 6}, FileDescribed{id_of<Gid>(1), fid_of(metainfo), 1, metainfo}});
}

std::string fault_of_row(const Row& row) { return fact_of_others(row.view()).fault; }

}  // namespace

BOOST_AUTO_TEST_SUITE(facts)

BOOST_AUTO_TEST_CASE(a_row_is_the_fact_that_it_was_made_of) {
  const Row user = user_row();
  const Decoded<Fact> fact = fact_of_others(user.view());
  BOOST_REQUIRE_MESSAGE(fact, fact.fault);
  BOOST_TEST((row_of(*fact) == user));
  const Row file = file_row();
  BOOST_TEST((fact_of(file.view())->operation.get<FileDescribed>()->metainfo.piece_sha1.empty()));
  for (const Decoded<Fact>& whole : {fact_of_others(file.view()), whole_fact_of(file.view())}) {
    BOOST_REQUIRE_MESSAGE(whole, whole.fault);
    BOOST_TEST((whole->operation.get<FileDescribed>()->metainfo == metainfo_of("song", 1)));
    BOOST_TEST((row_of(*whole) == file));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_as_a_store_would_have_it_is_not_let_in) {
  Row row = user_row();
  ++row.key.back();
  row.bucket = bucket_of(row.key);
  BOOST_TEST(fault_of_row(row) == "a row stands under another key than its own");
  row = user_row();
  ++row.bucket;
  BOOST_TEST(fault_of_row(row) == "a row stands under another key than its own");
  row = user_row();
  row.metainfo = {1};
  BOOST_TEST(fault_of_row(row) == "what is no file has metainfo");
  row = user_row();
  row.value.pop_back();
  BOOST_TEST(fault_of_row(row) != "");
  row = user_row();
  row.value.push_back(0);
  BOOST_TEST(fault_of_row(row) != "");
  row = user_row();
  row.value = encode_record(Fact{id_of<StoreId>(1), {5, 6}, UserNamed{id_of<Uid>(1), {"a b"}, 1, true}});
  BOOST_TEST(fault_of_row(row) != "");  // not a name
  row.value =
      encode_record(Fact{id_of<StoreId>(1),
                         {5, 6},
                         Restated{id_of<StoreId>(2), {1, 1}, UserNamed{id_of<Uid>(1), {"anna"}, 1, true}}});
  BOOST_TEST(fault_of_row(row) == "a row is of no plain operation");
  row.value = encode_record(
      Fact{id_of<StoreId>(1), {5, 6}, RequestAnswered{id_of<ClientKey>(1), {1}, Bytes(100'000, 1)}});
  BOOST_TEST(fault_of_row(row) != "");  // too large
}

BOOST_AUTO_TEST_CASE(a_file_is_let_in_with_the_metainfo_that_its_id_commits_to) {
  Row row = file_row(1);
  row.metainfo = file_row(2).metainfo;
  BOOST_TEST(fault_of_row(row) == "a file is not the one that it is said to be");
  row.metainfo.clear();
  BOOST_TEST(fault_of_row(row) != "");
  // One whose row says something else than its metainfo.
  row = file_row(1);
  Metainfo brief = metainfo_of("other", 1);
  brief.piece_sha1 = {};
  brief.piece_sha256 = {};
  row.value = encode_record(Fact{
      id_of<StoreId>(1), {5, 6}, FileDescribed{id_of<Gid>(1), fid_of(metainfo_of("song", 1)), 1, brief}});
  BOOST_TEST(fault_of_row(row) == "a file is not the one that it is said to be");
}

BOOST_AUTO_TEST_CASE(a_row_that_joins_unchanged_is_written_as_it_came) {
  const Row first = user_row();
  Directory directory;
  Changes changes;
  directory.join(*fact_of_others(first.view()), first.view(), changes);
  BOOST_REQUIRE(changes.rows.size() == 1);
  BOOST_TEST((changes.rows[0] == first));
  // Nothing new.
  changes = {};
  directory.join(*fact_of_others(first.view()), first.view(), changes);
  BOOST_TEST(changes.rows.empty());
  // The earlier claim holds, and this one says that all have it: the row is neither of both.
  Directory other;
  changes = {};
  const Row early = row_of({id_of<StoreId>(1), {1, 1}, UserNamed{id_of<Uid>(1), {"anna"}, 1, false}});
  other.join(*fact_of_others(early.view()), early.view(), changes);
  other.join(*fact_of_others(first.view()), first.view(), changes);
  BOOST_REQUIRE(changes.rows.size() == 2);
  BOOST_TEST((changes.rows[0] == early));
  BOOST_TEST(
      (changes.rows[1] == row_of({id_of<StoreId>(1), {1, 1}, UserNamed{id_of<Uid>(1), {"anna"}, 1, true}})));
}

BOOST_AUTO_TEST_SUITE_END()
