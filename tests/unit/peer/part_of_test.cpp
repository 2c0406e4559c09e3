#include "peer/part_of.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace tutti {
namespace {

constexpr std::uint32_t pieces = 2000;

ClientKey key(std::uint8_t number) {
  ClientKey key;
  key.bytes.fill(number);
  return key;
}

std::vector<ClientKey> all_but(std::vector<ClientKey> clients, const ClientKey& one) {
  std::erase(clients, one);
  return clients;
}

BOOST_AUTO_TEST_SUITE(part_of_pieces)

BOOST_AUTO_TEST_CASE(every_piece_is_somebodys_and_only_his) {
  for (std::uint8_t count = 1; count <= 6; ++count) {
    std::vector<ClientKey> clients;
    for (std::uint8_t number = 1; number <= count; ++number) clients.push_back(key(number));
    std::vector<int> owners(pieces);
    for (const ClientKey& client : clients) {
      const Bitfield part = part_of(client, all_but(clients, client), pieces);
      // An equal share, give or take five standard deviations.
      const double share = double{pieces} / count;
      BOOST_TEST(part.count() > share - 5 * std::sqrt(share));
      BOOST_TEST(part.count() < share + 5 * std::sqrt(share) + 1);
      part.for_each([&](PieceIndex piece) { ++owners[piece.value]; });
    }
    BOOST_TEST(owners == std::vector<int>(pieces, 1), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(who_comes_takes_only_what_becomes_his) {
  const std::vector<ClientKey> others{key(2), key(3)};
  const Bitfield before = part_of(key(1), others, pieces);
  const Bitfield after = part_of(key(1), std::vector{key(2), key(3), key(4)}, pieces);
  const Bitfield his = part_of(key(4), std::vector{key(1), key(2), key(3)}, pieces);
  for (PieceIndex piece; piece.value < pieces; ++piece)
    BOOST_REQUIRE(after.has(piece) == (before.has(piece) && !his.has(piece)));
}

/// Clients of other builds compute it, too.
BOOST_AUTO_TEST_CASE(it_is_always_the_same) {
  const Bitfield part = part_of(key(1), std::vector{key(2)}, 16);
  std::string picture;
  for (PieceIndex piece; piece.value < 16; ++piece) picture += part.has(piece) ? '#' : '.';
  BOOST_TEST(picture == "#.##.#......#.##");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
