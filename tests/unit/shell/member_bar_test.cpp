#include "shell/member_bar.hpp"

#include <boost/test/unit_test.hpp>

#include "shell/printable.hpp"

using namespace tutti;

BOOST_AUTO_TEST_SUITE(member_bars)

namespace {

DownloadRow half() {
  DownloadRow row;
  row.phase = DownloadPhase::fetching;
  row.size = 20_MiB;
  row.verified = 10_MiB;
  row.pieces = 20;
  row.pieces_verified = 10;
  row.bytes_per_second = 1U << 20U;
  row.peers = 2;
  return row;
}

}  // namespace

BOOST_AUTO_TEST_CASE(it_has_percent_parts_what_is_left_and_a_bar) {
  const std::string line = member_bar(half(), 100);
  BOOST_TEST(line.starts_with(" 50% (10 of 20 parts, 10 left) |#########"));
  BOOST_TEST(line.find("1 MiB/s, 2 members") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(it_fits_however_narrow_the_screen_is) {
  DownloadRow row = half();
  row.phase = DownloadPhase::waiting;
  row.sentence = std::string(300, 'x');
  for (std::size_t columns = 1; columns < 200; ++columns)
    BOOST_TEST(display_width(member_bar(row, columns)) < columns);
  BOOST_TEST(member_bar(row, 100).find("|####") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_without_parts_is_whole) {
  DownloadRow row;
  row.phase = DownloadPhase::complete;
  BOOST_TEST(member_bar(row, 80).starts_with("100% (0 of 0 parts, 0 left)"));
}

BOOST_AUTO_TEST_SUITE_END()
