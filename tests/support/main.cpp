// The main() of every test binary.

#define BOOST_TEST_NO_MAIN
#define BOOST_TEST_ALTERNATIVE_INIT_API
#include <boost/test/unit_test.hpp>

#include <cstdlib>

int main(int argc, char* argv[]) {
  // A failed ENSURE or a sanitizer's report has to end the process: Boost.Test would catch the signal and go on in
  // a broken state, in a forked child with the parent's remaining tests. The log then names the test that died.
  setenv("BOOST_TEST_CATCH_SYSTEM_ERRORS", "no", 0);
  setenv("BOOST_TEST_LOG_LEVEL", "test_suite", 0);
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
