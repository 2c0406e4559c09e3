// The directory's own containers, beside those of the standard library; and a state that is loaded in bulk.

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "actors/random.hpp"
#include "tests/unit/tracker/state_support.hpp"
#include "tracker/ordered_list.hpp"
#include "tracker/row_table.hpp"

using namespace tutti;
using namespace tutti::test;

namespace {

struct ByValue {
  using is_transparent = void;
  bool operator()(std::uint32_t a, std::uint32_t b) const { return a < b; }
};

struct NumberedRow {
  Uid id;
  std::uint32_t value = 0;
};
using Number = Unit<struct NumberTag, std::uint32_t>;

Uid numbered(std::uint64_t number) {
  Uid id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

/// Facts of a little town in which ids, names and stamps meet often, each row once as a store has them.
std::vector<Fact> rows_of_a_town(std::uint64_t seed) {
  Random random(seed);
  const auto few = [&](std::uint64_t bound) { return static_cast<std::uint8_t>(1 + random.below(bound)); };
  std::map<Bytes, Fact> rows;
  const auto keep = [&](Operation operation) {
    const Fact fact{id_of<StoreId>(few(3)), {few(50), few(3)}, std::move(operation)};
    rows.emplace(row_key(fact.operation), fact);
  };
  for (int i = 0; i < 300; ++i) {
    const Uid uid = id_of<Uid>(few(40));
    const Gid gid = id_of<Gid>(few(12));
    const Metainfo metainfo = metainfo_of("song" + std::to_string(few(4)), few(6));
    keep(UserNamed{uid, {"user" + std::to_string(few(30))}, few(3), random.chance(1, 2)});
    keep(
        GroupNamed{gid, {"a-group-with-a-long-name-" + std::to_string(few(9))}, few(3), random.chance(1, 2)});
    keep(MembershipChanged{gid, uid, few(3), static_cast<MembershipRank>(random.below(4)), uid});
    keep(FileDescribed{gid, fid_of(metainfo), few(3), metainfo});
    keep(ShareIntended{gid, fid_of(metainfo), uid, few(3), few(2), random.chance(3, 4)});
  }
  std::vector<Fact> all;
  for (auto& [key, fact] : rows) all.push_back(std::move(fact));
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(containers)

BOOST_AUTO_TEST_CASE(an_ordered_list_is_a_set) {
  Random random(1);
  OrderedList<std::uint32_t, ByValue> list{ByValue{}};
  std::set<std::uint32_t, ByValue> set;
  // Grows over many runs, then shrinks until nothing is left.
  for (int step = 0; step < 60'000; ++step) {
    const auto key = static_cast<std::uint32_t>(random.below(5000));
    const bool grows = step < 30'000;
    if (random.chance(grows ? 2 : 1, 3)) {
      list.insert(key);
      set.insert(key);
    } else {
      list.erase(key);
      set.erase(key);
    }
    const auto sought = static_cast<std::uint32_t>(random.below(5002));
    const auto lower = set.lower_bound(sought);
    const auto upper = set.upper_bound(sought);
    BOOST_REQUIRE(
        (lower == set.end() ? list.lower_bound(sought) == list.end() : *list.lower_bound(sought) == *lower));
    BOOST_REQUIRE(
        (upper == set.end() ? list.upper_bound(sought) == list.end() : *list.upper_bound(sought) == *upper));
    BOOST_REQUIRE(list.contains(sought) == set.contains(sought));
    if (step % 997 == 0) BOOST_REQUIRE(std::equal(list.begin(), list.end(), set.begin(), set.end()));
  }
  while (!set.empty()) {
    const std::uint32_t first = *set.begin();
    list.erase(first);
    set.erase(first);
    BOOST_REQUIRE(list.size() == set.size());
  }
  BOOST_TEST((list.begin() == list.end()));
}

BOOST_AUTO_TEST_CASE(an_ordered_list_takes_sorted_keys_at_once) {
  std::vector<std::uint32_t> keys;
  for (std::uint32_t key = 0; key < 10'000; key += 3) keys.push_back(key);
  OrderedList<std::uint32_t, ByValue> list{ByValue{}};
  list.insert(7);
  list.assign(keys);
  BOOST_TEST(list.size() == keys.size());
  BOOST_TEST(std::equal(list.begin(), list.end(), keys.begin(), keys.end()));
  list.insert(4);
  BOOST_TEST(*list.upper_bound(3U) == 4U);
  list.assign({});
  BOOST_TEST((list.begin() == list.end()));
}

BOOST_AUTO_TEST_CASE(a_table_finds_rows_by_id_and_by_number_and_moves_none) {
  Random random(2);
  RowTable<NumberedRow, Uid, Number> table;
  std::map<Uid, std::uint32_t> known;
  BOOST_TEST(!table.find(numbered(0)));
  const NumberedRow* first = &table[table.at(numbered(99'999))];
  known[numbered(99'999)] = 0;
  for (int step = 0; step < 20'000; ++step) {
    const Uid id = numbered(random.below(15'000));
    const auto found = table.find(id);
    BOOST_REQUIRE(found.has_value() == known.contains(id));
    if (found) BOOST_REQUIRE(found->value == known.at(id));
    const Number number = table.at(id);
    BOOST_REQUIRE((table[number].id == id));
    known.emplace(id, number.value);
    BOOST_REQUIRE(table.size() == known.size());
  }
  BOOST_TEST((&table[*table.find(numbered(99'999))] == first));
}

BOOST_AUTO_TEST_CASE(rows_are_erased_and_their_numbers_are_given_again) {
  // Every id is of one of few places, so that most stand behind others.
  const auto crowded = [](std::uint64_t number) {
    Uid id;
    id.bytes[0] = static_cast<std::uint8_t>(number);
    return id;
  };
  Random random(4);
  RowTable<NumberedRow, Uid, Number> table;
  std::map<Uid, std::uint32_t> known;
  std::size_t most = 0;
  for (int step = 0; step < 40'000; ++step) {
    const Uid id = crowded(random.below(200));
    if (random.chance(step % 4000 < 2000 ? 2 : 1, 3)) {
      NumberedRow& row = table[table.at(id)];
      BOOST_REQUIRE(row.value == (known.contains(id) ? known.at(id) : 0));
      row.value = static_cast<std::uint32_t>(1 + random.below(1000));
      known[id] = row.value;
    } else {
      table.erase(id);
      known.erase(id);
    }
    most = std::max(most, known.size());
    BOOST_REQUIRE(table.size() - table.erased() == known.size());
    const Uid sought = crowded(random.below(200));
    const auto found = table.find(sought);
    BOOST_REQUIRE(found.has_value() == known.contains(sought));
    if (found) BOOST_REQUIRE(table[*found].value == known.at(sought));
  }
  BOOST_TEST(table.size() == most);
}

BOOST_AUTO_TEST_CASE(what_is_loaded_in_bulk_is_what_is_loaded_row_by_row) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const std::vector<Fact> rows = rows_of_a_town(seed);
    Directory one_by_one;
    Directory in_bulk;
    in_bulk.begin_bulk();
    for (const Fact& fact : rows) {
      one_by_one.load(fact);
      in_bulk.load(fact);
    }
    while (!in_bulk.list_some()) {
    }
    // Every list and every owner, computed anew.
    in_bulk.check_invariants();
    BOOST_TEST((in_bulk.digest() == one_by_one.digest()));
    BOOST_TEST((in_bulk.users_after("", 1000) == one_by_one.users_after("", 1000)));
    BOOST_TEST((in_bulk.groups_after("", 1000) == one_by_one.groups_after("", 1000)));
    for (const Gid& gid : in_bulk.groups_after("", 1000)) {
      BOOST_TEST((in_bulk.owner_of(gid) == one_by_one.owner_of(gid)));
      BOOST_TEST((in_bulk.members_after(gid, "", 1000) == one_by_one.members_after(gid, "", 1000)));
      BOOST_TEST(in_bulk.files_after(gid, "", 1000).size() == one_by_one.files_after(gid, "", 1000).size());
    }
    // And goes on as one that has joined each.
    for (const Fact& fact : rows_of_a_town(seed + 1000)) {
      in_bulk.join(fact);
      one_by_one.join(fact);
    }
    in_bulk.check_invariants();
    BOOST_TEST((in_bulk.digest() == one_by_one.digest()));
  }
}

// More than are sorted in one part.
BOOST_AUTO_TEST_CASE(a_large_state_is_listed_in_parts) {
  Random random(3);
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t n = 0; n < 17'500; ++n) numbers.push_back(n);
  random.shuffle(numbers);
  Directory directory;
  directory.begin_bulk();
  const auto load = [&](Operation operation) {
    directory.load({id_of<StoreId>(1), {1, 0}, std::move(operation)});
  };
  for (const std::uint64_t n : numbers) {
    // Half of the names differ only behind what is compared first.
    const std::string digits = std::to_string(100'000 + n);
    load(UserNamed{numbered(n), {n % 2 == 0 ? digits : "a-name-of-some-length-" + digits}, 1, true});
    load(MembershipChanged{id_of<Gid>(static_cast<std::uint8_t>(1 + n % 3)), numbered(n), 1,
                           MembershipRank::accepted, numbered(n)});
  }
  load(GroupNamed{id_of<Gid>(1), {"choir"}, 1, true});
  BOOST_TEST(!directory.is_listed());
  int parts = 1;
  while (!directory.list_some()) ++parts;
  BOOST_TEST(parts > 15);
  BOOST_TEST(directory.is_listed());
  directory.check_invariants();
  BOOST_TEST(directory.user_count() == numbers.size());
}

BOOST_AUTO_TEST_CASE(hashes_are_known_to_those_alone_who_know_the_secret) {
  HashSecret secret;
  secret.bytes[3] = 1;
  const KeyedHash known;
  const KeyedHash keyed(secret);
  std::size_t same = 0;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    if (known(numbered(n)) % 1024 == keyed(numbered(n)) % 1024) ++same;
    BOOST_TEST(keyed(numbered(n)) == keyed(numbered(n)));
  }
  BOOST_TEST(same < 10);
  RowTable<NumberedRow, Uid, Number> table(secret);
  const Number number = table.at(numbered(7));
  BOOST_TEST((*table.find(numbered(7)) == number));
}

BOOST_AUTO_TEST_SUITE_END()
