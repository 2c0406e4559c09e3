#include "tracker/password_hasher.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <ctime>
#include <limits>

#include "tests/injection/tracker/support.hpp"

using namespace tutti;
using namespace tutti::testing;

BOOST_AUTO_TEST_SUITE(password_hasher)

namespace {
struct Fixture : World {
  explicit Fixture(PasswordCost cost = {1, 8})
      : hasher(spawn<PasswordHasherRole>("hasher", std::make_unique<PasswordHasher>(cost))) {}
  Ref<FrontDeskRole> desk = probe<FrontDeskRole>();
  Ref<PasswordHasherRole> hasher;

  std::string verifier_of(const std::string& password) {
    inject(desk.address, hasher.address, HashPassword{{1}, password});
    return expect<PasswordHashed>(desk).verifier;
  }
  std::uint32_t match(const std::string& password, std::vector<std::string> verifiers) {
    inject(desk.address, hasher.address, CheckPassword{{2}, password, std::move(verifiers)});
    const auto checked = expect<PasswordChecked>(desk);
    BOOST_TEST((checked.ticket == Ticket{2}));
    return checked.match;
  }
};
struct Expensive : Fixture {
  Expensive() : Fixture({1, 8192}) {}
  /// Processor time; the least of several, since others use the processor, too.
  std::clock_t time_of(const std::vector<std::string>& verifiers) {
    auto least = std::numeric_limits<std::clock_t>::max();
    for (int i = 0; i < 5; ++i) {
      const std::clock_t begin = std::clock();
      BOOST_TEST(match("secret", verifiers) == 0U);
      least = std::min(least, std::clock() - begin);
    }
    return least;
  }
};
}  // namespace

BOOST_FIXTURE_TEST_CASE(the_first_verifier_that_fits_is_named, Fixture) {
  const std::string right = verifier_of("secret");
  const std::string wrong = verifier_of("other");
  BOOST_TEST(match("secret", {right}) == 1U);
  BOOST_TEST(match("secret", {wrong, right}) == 2U);
  BOOST_TEST(match("secret", {wrong}) == 0U);
  BOOST_TEST(match("secret", {"no verifier"}) == 0U);
}

BOOST_FIXTURE_TEST_CASE(nobody_fits_nothing, Fixture) { BOOST_TEST(match("nobody", {}) == 0U); }

// Or the time that a refusal takes would tell who has an account.
BOOST_FIXTURE_TEST_CASE(an_unknown_name_costs_as_much_as_a_wrong_password, Expensive) {
  const std::clock_t wrong = time_of({verifier_of("other")});
  const std::clock_t unknown = time_of({});
  BOOST_TEST(unknown > wrong / 2);
  BOOST_TEST(wrong > unknown / 2);
}

BOOST_FIXTURE_TEST_CASE(each_verifier_has_a_salt_of_its_own, Fixture) {
  BOOST_TEST(verifier_of("secret") != verifier_of("secret"));
}

BOOST_AUTO_TEST_SUITE_END()
