#include <boost/test/unit_test.hpp>
#include <optional>

#include "actors/random.hpp"
#include "peer/whole_chain.hpp"

namespace tutti {
namespace {

constexpr ByteCount piece_length = 1_MiB;
/// What is hashed at a time; much smaller than a block would be, and not always whole hash blocks.
constexpr std::uint64_t portion = (256_KiB).value;

BOOST_AUTO_TEST_SUITE(whole_chain_property)

/// Pieces come whole or in part, in any order, some wrong, some begun anew; what is verified is lost at times. Beside it
/// the naive model: the SHA-1 of the bytes.
BOOST_AUTO_TEST_CASE(in_any_order_and_with_any_accident_it_is_the_digest_of_the_file) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    Random random(seed);
    const PieceLayout layout({random.below(6 * piece_length.value)}, piece_length);
    Bytes file(layout.size().value);
    for (std::size_t i = 0; i < file.size(); i += 1 + random.below(5000))
      file[i] = static_cast<std::uint8_t>(random());
    const std::uint32_t count = layout.piece_count();
    Bitfield there(count);
    for (PieceIndex piece; piece.value < count; ++piece)
      if (random.chance(1, 5)) there.set(piece);
    WholeChain whole(layout, there);
    const auto read = [&] {
      while (const auto stretch = whole.to_read()) {
        if (random.chance(1, 5)) break;
        whole.read(ByteView(file).subspan(stretch->offset.value, stretch->length.value));
      }
    };
    while (!there.all()) {
      // Mostly the first one that is missing, as when there is one source.
      PieceIndex piece{static_cast<std::uint32_t>(random.below(count))};
      if (random.chance(3, 4)) piece = {};
      while (there.has(piece)) piece = {(piece.value + 1) % count};
      const ByteCount offset = layout.piece_offset(piece);
      const std::uint64_t size = layout.piece_size(piece).value;
      const bool wrong = random.chance(1, 6);
      const bool stops = random.chance(1, 6);
      PairHasher hasher;
      for (std::uint64_t done = 0; done < size;) {
        const std::uint64_t length = std::min(size - done, portion);
        Bytes bytes(file.begin() + static_cast<std::ptrdiff_t>(offset.value + done),
                    file.begin() + static_cast<std::ptrdiff_t>(offset.value + done + length));
        if (wrong) bytes[random.below(bytes.size())] ^= 1;
        whole.hash(hasher, offset + ByteCount{done}, bytes);
        whole.check_invariants();
        done += length;
        if (stops && random.chance(1, 2)) break;
      }
      if (wrong || stops) {
        whole.dropped(piece);
      } else {
        whole.verified(piece);
        there.set(piece);
      }
      whole.check_invariants();
      read();
      if (random.chance(1, 20)) {
        if (random.chance(1, 2)) there.reset({static_cast<std::uint32_t>(random.below(count))});
        whole.reset(there);
        whole.check_invariants();
      }
    }
    while (const auto stretch = whole.to_read())
      whole.read(ByteView(file).subspan(stretch->offset.value, stretch->length.value));
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_REQUIRE(whole.complete());
      BOOST_TEST((whole.finish() == sha1(file)));
    }
  }
}

/// The point of it: what comes in order is never read.
BOOST_AUTO_TEST_CASE(what_comes_in_order_is_not_read_back) {
  const PieceLayout layout({3 * piece_length.value + 1}, piece_length);
  const Bytes file(layout.size().value, 7);
  WholeChain whole(layout, Bitfield(layout.piece_count()));
  for (PieceIndex piece; piece.value < layout.piece_count(); ++piece) {
    PairHasher hasher;
    whole.hash(hasher, layout.piece_offset(piece),
               ByteView(file).subspan(layout.piece_offset(piece).value, layout.piece_size(piece).value));
    whole.verified(piece);
    BOOST_CHECK(!whole.to_read());
  }
  BOOST_TEST(whole.complete());
  BOOST_TEST((whole.finish() == sha1(file)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
