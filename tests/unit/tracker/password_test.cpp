#include <sodium.h>

#include <boost/test/unit_test.hpp>

#include "tracker/password_hasher.hpp"

using namespace tutti;

BOOST_AUTO_TEST_SUITE(password)

namespace {
constexpr PasswordCost quick{1, 8};
constexpr PasswordSalt salt{1, 2, 3};
}  // namespace

BOOST_AUTO_TEST_CASE(a_verifier_fits_its_password_and_no_other) {
  const std::string verifier = make_password_verifier("secret", quick, salt);
  BOOST_TEST(password_fits("secret", verifier));
  BOOST_TEST(!password_fits("Secret", verifier));
  BOOST_TEST(!password_fits("", verifier));
  BOOST_TEST(!password_fits("secret", ""));
  BOOST_TEST(!password_fits("secret", std::string(500, 'x')));
}

BOOST_AUTO_TEST_CASE(one_salt_gives_one_verifier_in_libsodiums_own_form) {
  const std::string verifier = make_password_verifier("secret", quick, salt);
  BOOST_TEST(verifier == make_password_verifier("secret", quick, salt));
  BOOST_TEST(verifier != make_password_verifier("secret", quick, PasswordSalt{9}));
  BOOST_TEST(crypto_pwhash_str_needs_rehash(verifier.c_str(), 1, 8 * 1024) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
