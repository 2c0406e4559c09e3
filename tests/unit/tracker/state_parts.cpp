// The small parts: stamps, vectors, logs, presence, keys.

#include <boost/test/unit_test.hpp>

#include "messages/names.hpp"
#include "tests/unit/tracker/state_support.hpp"
#include "tracker/row_digest.hpp"
#include "tracker/stamps.hpp"
#include "tracker/version_vector.hpp"

using namespace tutti;
using namespace tutti::test;
using std::chrono::milliseconds;

namespace {

const StoreId a = id_of<StoreId>(1);
const StoreId b = id_of<StoreId>(2);
const StoreId c = id_of<StoreId>(3);

VersionVector vector_of(std::vector<LogPosition> positions) { return {std::move(positions)}; }

PresenceGossip gossip(std::uint8_t client, std::uint8_t user, std::uint64_t generation, std::uint64_t count) {
  return {id_of<ClientKey>(client), id_of<Uid>(user), {generation}, count, Presence::ttl, "h", 1};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_parts)

BOOST_AUTO_TEST_CASE(stamps_grow_though_the_clock_goes_back) {
  HybridClock clock;
  const Stamp first = clock.next(WallTime(milliseconds(1000)));
  BOOST_TEST((first == Stamp{1000, 0}));
  BOOST_TEST((clock.next(WallTime(milliseconds(1000))) == Stamp{1000, 1}));
  BOOST_TEST((clock.next(WallTime(milliseconds(400))) == Stamp{1000, 2}));
  BOOST_TEST((clock.next(WallTime(milliseconds(1001))) == Stamp{1001, 0}));
}

BOOST_AUTO_TEST_CASE(stamps_are_later_than_every_stamp_seen) {
  HybridClock clock;
  clock.saw({5000, 7});
  clock.saw({4000, 9});
  BOOST_TEST((clock.next(WallTime(milliseconds(1000))) == Stamp{5000, 8}));
  BOOST_TEST((clock.ahead_of(WallTime(milliseconds(1000))) == milliseconds(4000)));
  BOOST_TEST((clock.ahead_of(WallTime(milliseconds(9000))) == milliseconds(0)));
  clock.saw({6000, UINT32_MAX});
  BOOST_TEST((clock.next(WallTime(milliseconds(1000))) > Stamp{6000, UINT32_MAX}));
}

BOOST_AUTO_TEST_CASE(vectors_say_what_is_missing) {
  const VersionVector have = vector_of({{a, {3}}, {b, {1}}});
  const VersionVector want = vector_of({{a, {2}}, {b, {4}}, {c, {2}}});
  BOOST_TEST(!covers(have, want));
  BOOST_TEST(covers(have, vector_of({{a, {3}}})));
  BOOST_TEST(covers(have, {}));
  BOOST_TEST((missing(have, want) == std::vector<LogRange>{{b, {2}, {4}}, {c, {1}, {2}}}));
  BOOST_TEST(count_missing(have, want) == 5u);
  const VersionVector both = merged(have, want);
  BOOST_TEST((both == vector_of({{a, {3}}, {b, {4}}, {c, {2}}})));
  BOOST_TEST((merged(want, have) == both));
  BOOST_TEST((covers(both, have) && covers(both, want)));
  BOOST_TEST(position_in(both, c).value == 2u);
  BOOST_TEST(position_in(have, c).value == 0u);
  BOOST_TEST(both.fault().empty());
}

BOOST_AUTO_TEST_CASE(a_log_takes_its_deltas_in_order) {
  OwnLog log({a, {}, {}}, HybridClock{});
  const std::vector<Operation> operations{SessionClosed{id_of<ClientKey>(1), {1}}};
  const Delta first = log.seal(operations, WallTime(milliseconds(5)));
  const Delta second = log.seal(operations, WallTime(milliseconds(5)));
  BOOST_TEST(first.fault().empty());
  BOOST_TEST(second.fault().empty());
  BOOST_TEST((first.stamp < second.stamp));
  BOOST_TEST((second.previous == hash_of(first)));
  LogHeads heads;
  BOOST_TEST((heads.judge(second) == DeltaFit::gap));
  BOOST_TEST((heads.judge(first) == DeltaFit::next));
  heads.advance(first, hash_of(first));
  BOOST_TEST((heads.judge(first) == DeltaFit::known));
  BOOST_TEST((heads.judge(second) == DeltaFit::next));
  Delta forged = second;
  forged.previous = id_of<Sha256>(9);
  BOOST_TEST((heads.judge(forged) == DeltaFit::forked));
  heads.advance(second, hash_of(second));
  BOOST_TEST((heads.vector() == vector_of({{a, {2}}})));
  BOOST_TEST((heads.all() == std::vector<LogHead>{log.head()}));
}

BOOST_AUTO_TEST_CASE(a_log_that_came_back_from_others_goes_on_after_them) {
  OwnLog before({a, {}, {}}, HybridClock{});
  const std::vector<Operation> operations{SessionClosed{id_of<ClientKey>(1), {1}}};
  before.seal(operations, WallTime(milliseconds(5)));
  before.seal(operations, WallTime(milliseconds(5)));
  OwnLog rolled_back({a, {}, {}}, HybridClock{});
  rolled_back.recovered(before.head());
  BOOST_TEST((rolled_back.seal(operations, WallTime(milliseconds(5))).sequence == Sequence{3}));
  rolled_back.recovered(before.head());  // older: nothing
  BOOST_TEST((rolled_back.head().sequence == Sequence{3}));
}

BOOST_AUTO_TEST_CASE(heads_of_a_snapshot_never_lower_those_known) {
  LogHeads heads;
  heads.join({a, {5}, id_of<Sha256>(5)});
  heads.join({a, {4}, id_of<Sha256>(4)});
  heads.join({b, {0}, {}});
  BOOST_TEST((heads.head_of(a) == LogHead{a, {5}, id_of<Sha256>(5)}));
  BOOST_TEST(heads.all().size() == 1u);
  BOOST_TEST((heads.vector() == vector_of({{a, {5}}})));
}

BOOST_AUTO_TEST_CASE(presence_fades_by_the_own_clock) {
  Presence presence;
  const Instant start{std::chrono::seconds(50)};
  BOOST_TEST(presence.heard(gossip(1, 1, 1, 0), start));
  BOOST_TEST(presence.heard(gossip(2, 1, 1, 0), start + milliseconds(10)));
  presence.check_invariants();
  BOOST_TEST(presence.clients_of(id_of<Uid>(1)).size() == 2u);
  BOOST_TEST(presence.expire(start + Presence::ttl - milliseconds(1)).empty());
  const auto faded = presence.expire(start + Presence::ttl);
  BOOST_REQUIRE(faded.size() == 1u);
  BOOST_TEST((faded[0].client == id_of<ClientKey>(1)));
  presence.check_invariants();
  BOOST_TEST(presence.clients_of(id_of<Uid>(1)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_overtaken_presence_changes_nothing) {
  Presence presence;
  const Instant start{};
  BOOST_TEST(presence.heard(gossip(1, 1, 2, 5), start));
  BOOST_TEST(!presence.heard(gossip(1, 1, 2, 5), start + milliseconds(1)));
  BOOST_TEST(!presence.heard(gossip(1, 1, 2, 4), start + milliseconds(1)));
  BOOST_TEST(!presence.heard(gossip(1, 2, 1, 9), start + milliseconds(1)));
  BOOST_TEST((presence.find(id_of<ClientKey>(1))->fades == start + Presence::ttl));
  BOOST_TEST(presence.heard(gossip(1, 2, 3, 0), start));  // a new session, of another user
  BOOST_TEST(presence.clients_of(id_of<Uid>(1)).empty());
  BOOST_TEST(presence.clients_of(id_of<Uid>(2)).size() == 1u);
  presence.check_invariants();
  presence.forget(id_of<ClientKey>(1));
  presence.forget(id_of<ClientKey>(1));
  BOOST_TEST(presence.size() == 0u);
  presence.check_invariants();
}

BOOST_AUTO_TEST_CASE(who_says_that_it_leaves_is_not_there_until_it_says_otherwise) {
  Presence presence;
  const Instant start{std::chrono::seconds(50)};
  const auto leaving = [](std::uint64_t count) {
    PresenceGossip said = gossip(1, 1, 1, count);
    said.ttl = {};
    return said;
  };
  BOOST_TEST(presence.heard(gossip(1, 1, 1, 4), start));
  BOOST_TEST(presence.heard(leaving(5), start));
  presence.check_invariants();
  BOOST_TEST(presence.find(id_of<ClientKey>(1)) == nullptr);
  BOOST_TEST(presence.clients_of(id_of<Uid>(1)).empty());
  BOOST_TEST(presence.size() == 0u);
  // What was said before and comes later, from another tracker.
  BOOST_TEST(!presence.heard(gossip(1, 1, 1, 4), start + milliseconds(10)));
  BOOST_TEST(presence.find(id_of<ClientKey>(1)) == nullptr);
  // It is back, with the same session; and gone again.
  BOOST_TEST(presence.heard(gossip(1, 1, 1, 6), start + milliseconds(20)));
  BOOST_TEST(presence.find(id_of<ClientKey>(1)) != nullptr);
  BOOST_TEST(presence.heard(leaving(7), start + milliseconds(30)));
  presence.check_invariants();
  // Nobody fades who had left, and nothing is remembered for ever.
  BOOST_TEST(presence.expire(start + milliseconds(30) + Presence::ttl).empty());
  presence.check_invariants();
  BOOST_TEST(presence.heard(gossip(1, 1, 1, 1), start + Presence::ttl));
}

BOOST_AUTO_TEST_CASE(answers_are_kept_and_come_back) {
  const TrackerAnswer added{FileAdded{id_of<Gid>(1), id_of<Fid>(2), true}};
  BOOST_TEST((decode_answer(encode_answer(added)) == added));
  BOOST_TEST((decode_answer(encode_answer(Done{})) == TrackerAnswer(Done{})));
  BOOST_TEST(!decode_answer(Bytes{}).has_value());
  BOOST_TEST(!decode_answer(Bytes{1, 2, 3}).has_value());
}

BOOST_AUTO_TEST_CASE(a_digest_forgets_rows_that_go) {
  RowDigest digest;
  RowText row(row_keys::session_closed(id_of<ClientKey>(1)));
  row.number(7);
  digest.turn(row, RowDigest::Turn::comes);
  BOOST_TEST(!digest.total().is_zero());
  BOOST_TEST(digest.buckets().size() == state_buckets);
  digest.turn(row, RowDigest::Turn::goes);
  BOOST_TEST((digest == RowDigest{}));
}

BOOST_AUTO_TEST_CASE(only_lost_names_have_a_mark) {
  for (const std::string_view text : {"bob~t2", "bob~t2-3", "a~t999999999"})
    BOOST_TEST(!lost_name_mark(text).empty(), text);
  for (const std::string_view text : {"bob", "bob~", "bob~t", "bob~t0", "bob~t2-", "bob~t-2", "bob~t2-3-4",
                                      "~t2", "bob~T2", "bob~t2x", "bob~t02", "bob~t1234567890"})
    BOOST_TEST(lost_name_mark(text).empty(), text);
  BOOST_TEST(account_name_fault("bob~t2").empty());
  BOOST_TEST(!account_name_fault("bob~2").empty());
  BOOST_TEST(!account_name_fault(".bob~t2").empty());
  BOOST_TEST(!account_name_fault("bob~t2~t3").empty());
}

BOOST_AUTO_TEST_CASE(confirming_says_that_names_have_reached_all) {
  const Uid uid = id_of<Uid>(1);
  const Gid gid = id_of<Gid>(1);
  const std::vector<Operation> confirmed =
      confirmation_of({UserNamed{uid, {"u"}, 2, false}, SessionClosed{}, GroupNamed{gid, {"g"}, 3, false},
                       UserNamed{uid, {"u"}, 2, true}});
  BOOST_TEST(
      (confirmed == std::vector<Operation>{UserNamed{uid, {"u"}, 2, true}, GroupNamed{gid, {"g"}, 3, true}}));
}

BOOST_AUTO_TEST_SUITE_END()
