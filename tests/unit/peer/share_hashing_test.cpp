#include "peer/share_hashing.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <random>
#include <set>

namespace tutti {
namespace {

/// What a byte costs a hasher, in parts of what reading and the three hashes cost as they were measured.
constexpr double reading = 0.18, piece_alone = 0.89, whole_alone = 0.71, both = 0.98;

/// Hashers that do what they are told in order, each portion in its time.
struct Hashers {
  Hashers(ByteCount size, std::size_t count)
      : layout(*PieceLayout::for_size(size)),
        hashing(HashJob{1}, "/film", FileName{"film"}, layout, count),
        queues(count) {}

  void run() {
    give();
    while (std::any_of(queues.begin(), queues.end(), [](const auto& queue) { return !queue.empty(); })) {
      std::size_t next = 0;
      double first = 1e99;
      for (std::size_t i = 0; i < queues.size(); ++i)
        if (!queues[i].empty() && queues[i].front().done < first) {
          first = queues[i].front().done;
          next = i;
        }
      now = first;
      const ShareHashing::Portion portion = std::move(queues[next].front().portion);
      queues[next].pop_front();
      finish(next, portion);
      give();
    }
  }
  void give() {
    for (std::size_t i = 0; i < queues.size(); ++i)
      while (auto portion = hashing.next(i)) {
        const double begin = queues[i].empty() ? now : queues[i].back().done;
        queues[i].push_back({begin + cost(*portion), std::move(*portion)});
        BOOST_TEST_REQUIRE(queues[i].size() <= ShareHashing::portions_a_hasher);
      }
    std::uint64_t held = kept.value;
    for (const auto& queue : queues)
      for (const auto& each : queue)
        held += std::holds_alternative<HashPiece>(each.portion.what) ? size_of(each) : 0;
    most_held = std::max(most_held, held);
  }
  double cost(const ShareHashing::Portion& portion) {
    if (const auto* piece = std::get_if<HashPiece>(&portion.what)) {
      BOOST_TEST(piece->keep);
      read += piece->size;
      return static_cast<double>(piece->size.value) * (reading + piece_alone);
    }
    const auto& stretch = std::get<HashStretch>(portion.what);
    if (stretch.piece) {
      read += stretch.size;
      return static_cast<double>(stretch.size.value) * (reading + both);
    }
    BOOST_TEST((ByteCount{portion.bytes.size()} == stretch.size));
    kept -= stretch.size;
    return static_cast<double>(stretch.size.value) * whole_alone;
  }
  void finish(std::size_t hasher, const ShareHashing::Portion& portion) {
    if (const auto* piece = std::get_if<HashPiece>(&portion.what)) {
      hashed_piece(hasher, piece->piece, piece->offset, piece->size, bytes_of(piece->size));
      kept += piece->size;
      return;
    }
    const auto& stretch = std::get<HashStretch>(portion.what);
    BOOST_TEST(hasher == 0U);
    BOOST_TEST((stretch.offset == whole));
    whole += stretch.size;
    BOOST_TEST(stretch.last == (whole == layout.size()));
    if (stretch.piece) hashed_piece(hasher, *stretch.piece, stretch.offset, stretch.size, {});
    hashing.stretch_done(hasher, whole, stretch.last ? std::optional(Sha1{}) : std::nullopt);
  }
  void hashed_piece(std::size_t hasher, PieceIndex piece, ByteCount offset, ByteCount size, Payload bytes) {
    BOOST_TEST(pieces.insert(piece).second);
    BOOST_TEST((offset == layout.piece_offset(piece)));
    BOOST_TEST((size == layout.piece_size(piece)));
    hashing.piece_done(hasher, piece, {}, std::move(bytes));
  }

  static Payload bytes_of(ByteCount size) {
    static const auto zeros = std::make_shared<const Bytes>((16_MiB).value);
    return Payload::hold(zeros, ByteView(*zeros).first(size.value));
  }

  struct UnderWay {
    double done;
    ShareHashing::Portion portion;
  };
  static std::uint64_t size_of(const UnderWay& each) {
    return std::get<HashPiece>(each.portion.what).size.value;
  }

  PieceLayout layout;
  ShareHashing hashing;
  std::vector<std::deque<UnderWay>> queues;
  double now = 0;
  ByteCount read, whole, kept;
  std::uint64_t most_held = 0;
  std::set<PieceIndex> pieces;
};

/// The time in which hashers that never wait could do it: the first does the whole and some pieces along, the others the
/// rest of the pieces.
double least(double size, std::size_t count) {
  if (count == 1) return size * (reading + both);
  const double others = (reading + piece_alone) / static_cast<double>(count - 1);
  const double part = (others - whole_alone) / (reading + both - whole_alone + others);
  return size * (part <= 0 ? whole_alone : (reading + both) * part + whole_alone * (1 - part));
}

BOOST_AUTO_TEST_SUITE(share_hashing)

BOOST_AUTO_TEST_CASE(every_byte_is_read_once_whatever_the_size) {
  for (const std::size_t count : {1U, 2U, 3U, 8U})
    for (const std::uint64_t size : {0U, 1U, 524'288U, 524'289U, 3'000'000U, 40'000'001U}) {
      Hashers hashers(ByteCount{size}, count);
      hashers.run();
      BOOST_TEST(hashers.hashing.complete());
      BOOST_TEST(hashers.read.value == size);
      BOOST_TEST(hashers.pieces.size() == hashers.layout.piece_count());
      BOOST_TEST(hashers.hashing.done().value == size);
    }
}

BOOST_AUTO_TEST_CASE(nobody_waits_much) {
  for (const std::size_t count : {1U, 2U, 3U, 4U, 8U}) {
    Hashers hashers(256_MiB, count);
    hashers.run();
    BOOST_TEST(hashers.now < 1.04 * least(256 << 20, count), count << " hashers");
  }
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_bounded) {
  for (const std::uint64_t mib : {256U, 3000U}) {
    Hashers hashers(ByteCount{mib << 20U}, 8);
    hashers.run();
    const std::uint64_t bound =
        std::max(ShareHashing::kept_max.value, 4 * hashers.layout.piece_length().value);
    BOOST_TEST(hashers.most_held <= bound + hashers.layout.piece_length().value);
    BOOST_TEST(hashers.most_held > 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
