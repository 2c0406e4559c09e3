#include "tracker/password_hasher.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/injection/tracker/support.hpp"

using namespace tutti;
using namespace tutti::testing;

BOOST_AUTO_TEST_SUITE(password_hasher)

namespace {
struct Fixture : World {
  Ref<FrontDeskRole> desk = probe<FrontDeskRole>();
  Ref<PasswordHasherRole> hasher =
      spawn<PasswordHasherRole>("hasher", std::make_unique<PasswordHasher>(PasswordCost{1, 8}));

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

BOOST_FIXTURE_TEST_CASE(each_verifier_has_a_salt_of_its_own, Fixture) {
  BOOST_TEST(verifier_of("secret") != verifier_of("secret"));
}

BOOST_AUTO_TEST_SUITE_END()
