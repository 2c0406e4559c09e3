#include <boost/test/unit_test.hpp>

#include "peer/tree_disk_detail.hpp"

namespace {

using namespace tutti;

BOOST_AUTO_TEST_SUITE(tree_room)

BOOST_AUTO_TEST_CASE(bytes_and_files_have_to_fit) {
  FreeRoom there{{40960}, 5};
  using tree_detail::check_free;
  BOOST_TEST(!check_free(there, "/place", {40960}, 5).has_value());
  const DiskDone bytes = check_free(there, "/place", {40961}, 5);
  BOOST_TEST_REQUIRE(bytes.has_value());
  BOOST_TEST((bytes->code == Code::disk_full));
  const DiskDone files = check_free(there, "/place", {40960}, 6);
  BOOST_TEST_REQUIRE(files.has_value());
  BOOST_TEST((files->code == Code::disk_full));
  BOOST_TEST(
      files->sentence ==
      "6 files and folders are to be made in '/place', whose file system has room for 5 more: remove some or "
      "choose another destination");
  // btrfs and others make them as they are needed.
  there.files.reset();
  BOOST_TEST(!check_free(there, "/place", {1}, 1'000'000).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
