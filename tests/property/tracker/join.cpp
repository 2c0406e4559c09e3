// Facts at random: whatever their order, and however often each is heard, they join to one state; and that state is
// what a naive reading of all the facts says.

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "actors/random.hpp"
#include "tests/property/tracker/naive_model.hpp"
#include "tests/unit/tracker/state_support.hpp"

using namespace tutti;
using namespace tutti::test;

namespace {

/// From so few ids, names and stamps that nearly everything meets.
class FactMaker {
 public:
  explicit FactMaker(std::uint64_t seed) : random_(seed) {}

  std::vector<Fact> some_facts() {
    const std::uint64_t count = random_.below(100);
    std::vector<Fact> result;
    for (std::uint64_t i = 0; i < count; ++i) result.push_back(fact());
    return result;
  }
  Random& random() { return random_; }

 private:
  std::uint8_t few(std::uint64_t bound) { return static_cast<std::uint8_t>(1 + random_.below(bound)); }
  bool coin() { return random_.chance(1, 2); }
  Uid uid() { return id_of<Uid>(few(4)); }
  Gid gid() { return id_of<Gid>(few(3)); }
  ClientKey client() { return id_of<ClientKey>(few(2)); }
  Metainfo metainfo() { return metainfo_of(coin() ? "song" : "hymn~t1", few(3)); }
  std::string name() { return coin() ? "bob" : "eve"; }

  Fact fact() { return {id_of<StoreId>(few(3)), {few(3), few(2)}, operation()}; }

  Operation operation() {
    switch (random_.below(13)) {
      case 0: return UserNamed{uid(), {name()}, few(3), coin()};
      case 1: return GroupNamed{gid(), {name()}, few(3), coin()};
      case 2: return PasswordSet{uid(), few(3), coin() ? "verifier " + std::to_string(few(3)) : "!"};
      case 3:
      case 4:
      case 5: {
        const std::uint64_t generation = few(3);
        const auto rank = static_cast<MembershipRank>(random_.below(4));
        return MembershipChanged{
            gid(), uid(), generation,
            rank,  uid(), random_.below(generation + (rank == MembershipRank::rejected ? 2 : 1))};
      }
      case 6: {
        const Metainfo described = metainfo();
        return FileDescribed{gid(), fid_of(described), few(3), described};
      }
      case 7: return ShareIntended{gid(), fid_of(metainfo()), uid(), few(3), few(2), coin()};
      case 8: return SessionOpened{client(), {few(3)}, id_of<Sha256>(few(3)), uid(), few(2)};
      case 9: return SessionClosed{client(), {few(3)}};
      case 10: return GroupTransferred{gid(), few(3), uid(), few(3)};
      case 11:
        return SessionOpened{client(), {few(3)},    id_of<Sha256>(few(3)), uid(),
                             few(2),   1U + few(2), id_of<StoreId>(few(3))};
      default: return RequestAnswered{client(), {random_.below(300)}, Bytes{few(3)}};
    }
  }

  Random random_;
};

Directory joined(const std::vector<Fact>& facts, std::size_t outcomes_kept = Directory::outcomes_kept_max) {
  Directory directory({}, outcomes_kept);
  for (const Fact& each : facts) directory.join(each);
  return directory;
}

bool are_equal(const Directory& a, const Directory& b) {
  return a.digest() == b.digest() && a.bucket_digests() == b.bucket_digests() && printed(a) == printed(b);
}

/// The rows that a store holds after these facts.
std::vector<Fact> rows_of(const std::vector<Fact>& facts,
                          std::size_t outcomes_kept = Directory::outcomes_kept_max) {
  Directory directory({}, outcomes_kept);
  std::map<Bytes, Row> rows;
  for (const Fact& each : facts)
    for (Row& row : directory.join(each).rows) {
      if (row.value.empty()) {
        rows.erase(row.key);
      } else {
        rows[row.key] = std::move(row);
      }
    }
  std::vector<Fact> result;
  for (const auto& [key, row] : rows) result.push_back(*decode_record<Fact>(row.value).value);
  return result;
}

template <class T>
std::vector<T> both(std::vector<T> a, const std::vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Compares every view with the model.
void compare(const Directory& directory, const std::vector<Fact>& facts) {
  const NaiveModel model(facts);
  for (const std::string name : {"bob", "eve"}) {
    RC_ASSERT((directory.user_named(name) == model.user_named(name)));
    RC_ASSERT((directory.group_named(name) == model.group_named(name)));
  }
  for (std::uint8_t c = 1; c <= 2; ++c) {
    const std::optional<Session> session = directory.open_session(id_of<ClientKey>(c));
    const std::set<Uid> logged_in = model.logged_in(id_of<ClientKey>(c));
    RC_ASSERT((session.has_value() == !logged_in.empty()));
    RC_ASSERT((!session || logged_in.contains(session->uid)));
  }
  for (std::uint8_t g = 1; g <= 3; ++g) {
    const Gid gid = id_of<Gid>(g);
    RC_ASSERT((directory.owner_of(gid) == model.owner(gid)));
    RC_ASSERT(directory.epoch(gid) == model.epoch(gid));
    const std::set<Uid> members = model.members(gid);
    RC_ASSERT(directory.member_count(gid) == members.size());
    std::set<Uid> named;
    for (const Uid& uid : members)
      if (model.claim(&UserNamed::uid, uid) && !model.is_withdrawn(uid)) named.insert(uid);
    const std::vector<Uid> listed = directory.members_after(gid, "", 100);
    RC_ASSERT((std::set<Uid>(listed.begin(), listed.end()) == named));
    RC_ASSERT(listed.size() == named.size());
    std::set<Fid> files;
    for (const FileView& file : directory.files_after(gid, "", 100)) {
      files.insert(file.fid);
      const std::vector<Uid> sharers = directory.sharers_of(gid, file.fid);
      RC_ASSERT((std::set<Uid>(sharers.begin(), sharers.end()) == model.sharers(gid, file.fid)));
      RC_ASSERT((directory.file_named(gid, file.name)->fid == file.fid));
    }
    RC_ASSERT((files == model.files(gid)));
  }
}

FactMaker some_maker() { return FactMaker(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>())); }

}  // namespace

BOOST_AUTO_TEST_SUITE(join)

BOOST_AUTO_TEST_CASE(any_order_and_duplication_gives_one_state) {
  BOOST_TEST(rc::check([] {
    FactMaker maker = some_maker();
    std::vector<Fact> facts = maker.some_facts();
    const Directory once = joined(facts);
    once.check_invariants();
    for (int round = 0; round < 3; ++round) {
      if (!facts.empty())
        for (int i = 0; i < 5; ++i) facts.push_back(facts[maker.random().below(facts.size())]);
      maker.random().shuffle(facts);
      const Directory again = joined(facts);
      again.check_invariants();
      RC_ASSERT(are_equal(once, again));
    }
  }));
}

BOOST_AUTO_TEST_CASE(views_are_what_a_naive_reading_of_all_facts_says) {
  BOOST_TEST(rc::check([] {
    std::vector<Fact> facts;
    Directory directory;
    FactMaker maker = some_maker();
    for (const Fact& each : maker.some_facts()) {
      facts.push_back(each);
      directory.join(each);
      directory.check_invariants();
      compare(directory, facts);
    }
  }));
}

BOOST_AUTO_TEST_CASE(states_join_commutatively_associatively_idempotently) {
  BOOST_TEST(rc::check([] {
    FactMaker maker = some_maker();
    const std::vector<Fact> a = maker.some_facts();
    const std::vector<Fact> b = maker.some_facts();
    const std::vector<Fact> c = maker.some_facts();
    // States travel as the rows of a store.
    const std::vector<Fact> rows_a = rows_of(a);
    const std::vector<Fact> rows_b = rows_of(b);
    const std::vector<Fact> rows_c = rows_of(c);
    RC_ASSERT(are_equal(joined(a), joined(rows_a)));
    RC_ASSERT(are_equal(joined(both(rows_a, rows_b)), joined(both(rows_b, rows_a))));
    RC_ASSERT(are_equal(joined(both(rows_of(both(rows_a, rows_b)), rows_c)),
                        joined(both(rows_a, rows_of(both(rows_b, rows_c))))));
    RC_ASSERT(are_equal(joined(both(rows_a, rows_a)), joined(rows_a)));
    RC_ASSERT(are_equal(joined(both(a, b)), joined(both(rows_a, rows_b))));
  }));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_what_changed) {
  BOOST_TEST(rc::check([] {
    FactMaker maker = some_maker();
    Directory directory;
    for (const Fact& each : maker.some_facts()) {
      const StateDigest before = directory.digest();
      const Changes changes = directory.join(each);
      // That something was said again later is written, but says nothing else.
      const bool says_when = each.operation.get<RequestAnswered>() || each.operation.get<SessionClosed>();
      RC_ASSERT((directory.digest() == before) == changes.rows.empty() ||
                (says_when && directory.digest() == before));
      RC_ASSERT(directory.join(each).rows.empty());
    }
  }));
}

BOOST_AUTO_TEST_CASE(which_outcomes_are_forgotten_depends_on_no_order) {
  BOOST_TEST(rc::check([] {
    Random random(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    std::vector<Fact> facts;
    for (int i = 0; i < 500; ++i)
      facts.push_back({id_of<StoreId>(1),
                       {1, 0},
                       RequestAnswered{id_of<ClientKey>(1), {random.below(700)}, encode_answer(Done{})}});
    const Directory once = joined(facts);
    once.check_invariants();
    random.shuffle(facts);
    RC_ASSERT(are_equal(once, joined(facts)));
    RC_ASSERT(are_equal(once, joined(rows_of(facts))));
  }));
}

BOOST_AUTO_TEST_CASE(the_oldest_outcomes_of_all_clients_are_forgotten_whatever_the_order) {
  BOOST_TEST(rc::check([] {
    Random random(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    const std::size_t kept = 1 + random.below(40);
    const auto few = [&](std::uint64_t bound) { return static_cast<std::uint8_t>(1 + random.below(bound)); };
    const auto some = [&] {
      std::vector<Fact> facts;
      for (std::uint64_t i = random.below(100); i > 0; --i)
        facts.push_back({id_of<StoreId>(few(2)),
                         {few(30), few(2)},
                         RequestAnswered{id_of<ClientKey>(few(5)), {few(20)}, Bytes{few(2)}}});
      return facts;
    };
    const std::vector<Fact> a = some();
    const std::vector<Fact> b = some();
    std::vector<Fact> facts = both(a, b);
    const Directory once = joined(facts, kept);
    once.check_invariants();
    RC_ASSERT(rows_of(facts, kept).size() <= kept);
    RC_ASSERT(once.size() <= kept);
    random.shuffle(facts);
    RC_ASSERT(are_equal(once, joined(facts, kept)));
    RC_ASSERT(are_equal(once, joined(both(rows_of(b, kept), rows_of(a, kept)), kept)));
  }));
}

BOOST_AUTO_TEST_CASE(a_revoked_generation_never_revives) {
  BOOST_TEST(rc::check([] {
    FactMaker maker = some_maker();
    const Gid gid = id_of<Gid>(1);
    const Uid uid = id_of<Uid>(1);
    const std::uint64_t revoked = 1 + maker.random().below(3);
    std::vector<Fact> facts = maker.some_facts();
    // Nobody asks anew.
    std::erase_if(facts, [&](const Fact& fact) {
      const auto* op = fact.operation.get<MembershipChanged>();
      return op != nullptr && op->gid == gid && op->uid == uid && op->generation > revoked;
    });
    const MembershipRank rank = maker.random().chance(1, 2) ? MembershipRank::left : MembershipRank::rejected;
    facts.push_back({id_of<StoreId>(1), {9, 9}, MembershipChanged{gid, uid, revoked, rank, uid}});
    maker.random().shuffle(facts);
    Directory directory;
    bool is_revoked = false;
    for (const Fact& each : facts) {
      directory.join(each);
      const auto* op = each.operation.get<MembershipChanged>();
      is_revoked = is_revoked || (op != nullptr && op->gid == gid && op->uid == uid &&
                                  op->generation == revoked && op->rank >= MembershipRank::rejected);
      if (is_revoked) RC_ASSERT(!directory.membership(gid, uid).is_member());
    }
    RC_ASSERT(is_revoked);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
