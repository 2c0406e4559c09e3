#include <boost/test/unit_test.hpp>

#include "peer/file_hasher.hpp"
#include "peer/hash_verifier.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

/// A verifier for a file of one piece of two blocks.
struct Bench {
  Bench() {
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 31);
    disk->put_directory("/");
    BOOST_TEST_REQUIRE(static_cast<bool>(disk->prepare("/film.part", {content.size()})));
    verifier = host.spawn<HashVerifierRole>("verifier", std::make_unique<HashVerifier>(disk));
    begin_download();
  }
  void begin_download(std::uint8_t pieces = 0) {
    host.inject(scheduler.address, verifier.address,
                BeginDownload{{1}, "/film.part", {content.size()}, 1_MiB, {pieces}});
  }
  void whole_is_right() { BOOST_TEST((host.expect<WholeHashed>(scheduler)->sha1 == sha1(content))); }
  void begin(Ref<FetcherRole> from, std::uint32_t attempt = 0) {
    host.inject(from.address, verifier.address,
                BeginPiece{{1}, 0_piece, attempt, sha1(content), sha256(content)});
  }
  void store(Ref<FetcherRole> from, std::uint32_t block, std::uint32_t attempt = 0, std::uint8_t spoil = 0) {
    const std::size_t start = block * block_size.value;
    Bytes bytes(
        content.begin() + static_cast<std::ptrdiff_t>(start),
        content.begin() + static_cast<std::ptrdiff_t>(std::min(start + block_size.value, content.size())));
    bytes[0] ^= spoil;
    const std::uint64_t size = bytes.size();
    host.inject(from.address, verifier.address, StoreBlock{{1}, 0_piece, attempt, {block}},
                Payload::own(std::move(bytes)));
    BOOST_TEST(host.expect<BlockStored>(from)->bytes.value == size);
  }

  Bytes content = Bytes(block_size.value + 1000);
  InjectionHost host;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<FetcherRole> one = host.probe<FetcherRole>("one");
  Ref<FetcherRole> two = host.probe<FetcherRole>("two");
  Ref<HashVerifierRole> verifier;
};

BOOST_AUTO_TEST_SUITE(verifying)

BOOST_AUTO_TEST_CASE(says_how_long_a_block_waits) {
  Bench bench;
  const auto facts = [&] {
    bench.host.inject(bench.scheduler.address, bench.verifier.address, ReportWriting{{1}});
    return bench.host.expect<WritingReported>(bench.scheduler)->facts;
  };
  bench.begin(bench.one);
  BOOST_TEST(!facts().has_value());
  bench.host.advance(10s);
  const Bytes block(bench.content.begin(), bench.content.begin() + block_size.value);
  bench.host.inject(bench.one.address, bench.verifier.address,
                    StoreBlock{{1}, 0_piece, 0, {0}, (bench.host.time() - 30ms).time_since_epoch()},
                    Payload::own(Bytes(block)));
  BOOST_TEST_REQUIRE(facts().has_value());
  BOOST_TEST((facts()->block_takes == 30ms));
  bench.host.advance(3s);
  BOOST_TEST(!facts().has_value());  // of late nothing has come
  bench.host.inject(bench.scheduler.address, bench.verifier.address, ReportWriting{{2}});
  bench.host.discard(bench.one.address);
  BOOST_TEST(!bench.host.expect<WritingReported>(bench.scheduler)->facts.has_value());
}

BOOST_AUTO_TEST_CASE(a_right_piece_is_on_the_disk_when_it_is_said) {
  for (const bool in_order : {true, false}) {
    Bench bench;
    bench.begin(bench.one);
    bench.store(bench.one, in_order ? 0 : 1);
    bench.host.expect_silence();
    bench.store(bench.one, in_order ? 1 : 0);
    bench.host.expect<PieceVerified>(bench.scheduler);
    BOOST_TEST((bench.disk->content("/film.part") == bench.content));
    bench.whole_is_right();
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_piece_names_who_brought_it) {
  Bench bench;
  bench.begin(bench.one);
  bench.store(bench.one, 0, 0, 1);
  bench.begin(bench.two);
  bench.store(bench.two, 1);
  const auto corrupt = bench.host.expect<PieceCorrupt>(bench.scheduler);
  BOOST_TEST((corrupt->fetchers == std::vector<Address>{bench.one.address, bench.two.address}));
}

BOOST_AUTO_TEST_CASE(a_piece_can_be_tried_again) {
  Bench bench;
  bench.begin(bench.one);
  bench.store(bench.one, 0, 0, 1);
  bench.store(bench.one, 1);
  bench.host.expect<PieceCorrupt>(bench.scheduler);
  bench.begin(bench.two, 1);
  bench.store(bench.two, 0, 1);
  bench.store(bench.two, 1, 1);
  bench.host.expect<PieceVerified>(bench.scheduler);
  bench.whole_is_right();
  BOOST_TEST((bench.disk->content("/film.part") == bench.content));
}

BOOST_AUTO_TEST_CASE(a_higher_attempt_voids_what_came) {
  Bench bench;
  bench.begin(bench.one);
  bench.store(bench.one, 0, 0, 1);
  bench.begin(bench.two, 1);
  bench.store(bench.one, 1, 0);  // a straggler: credit, nothing else
  bench.store(bench.two, 0, 1);
  bench.store(bench.two, 1, 1);
  bench.host.expect<PieceVerified>(bench.scheduler);
  bench.whole_is_right();
}

BOOST_AUTO_TEST_CASE(a_verified_piece_is_not_written_again) {
  Bench bench;
  bench.begin(bench.one);
  bench.store(bench.one, 0);
  bench.store(bench.one, 1);
  bench.host.expect<PieceVerified>(bench.scheduler);
  bench.whole_is_right();
  bench.begin(bench.two, 7);
  bench.store(bench.two, 0, 7, 1);
  BOOST_TEST((bench.disk->content("/film.part") == bench.content));
  bench.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(the_second_copy_of_a_block_is_not_written) {
  Bench bench;
  bench.begin(bench.one);
  bench.store(bench.one, 0);
  bench.begin(bench.two);
  bench.store(bench.two, 0, 0, 1);
  bench.store(bench.one, 1);
  bench.host.expect<PieceVerified>(bench.scheduler);
  BOOST_TEST((bench.disk->content("/film.part") == bench.content));
}

BOOST_AUTO_TEST_CASE(a_straggler_does_not_touch_a_download_that_is_over) {
  Bench bench;
  bench.host.inject(bench.scheduler.address, bench.verifier.address, EndDownload{{1}});
  bench.begin(bench.one);
  bench.store(bench.one, 0);
  BOOST_TEST((*bench.disk->content("/film.part") == Bytes(bench.content.size())));
  bench.begin_download();
  bench.begin(bench.one);
  bench.store(bench.one, 0);
  bench.store(bench.one, 1);
  bench.host.expect<PieceVerified>(bench.scheduler);
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_is_nobodys_fault) {
  Bench bench;
  bench.begin(bench.one);
  bench.disk->tear_next_write(10_bytes);
  bench.store(bench.one, 0);
  BOOST_TEST(!bench.host.expect<PieceUnwritable>(bench.scheduler)->sentence.empty());
  bench.store(bench.one, 1);
  bench.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(blocks_without_their_first_do_not_fill_the_memory) {
  Bench bench;
  constexpr std::uint32_t pieces = 40;
  const Bytes piece(2 * block_size.value, 'x');
  BOOST_TEST_REQUIRE(static_cast<bool>(bench.disk->prepare("/long.part", {pieces * piece.size()})));
  bench.host.inject(bench.scheduler.address, bench.verifier.address,
                    BeginDownload{{2}, "/long.part", {pieces * piece.size()}, 1_MiB, Bytes(pieces / 8)});
  const auto memory = std::make_shared<const Bytes>(block_size.value, 'x');
  const auto put = [&](std::uint32_t index, std::uint32_t block) {
    bench.host.inject(bench.one.address, bench.verifier.address, StoreBlock{{2}, {index}, 0, {block}},
                      Payload::hold(memory, *memory));
    bench.host.expect<BlockStored>(bench.one);
  };
  for (std::uint32_t index = 0; index < pieces; ++index) {
    bench.host.inject(bench.one.address, bench.verifier.address,
                      BeginPiece{{2}, {index}, 0, sha1(piece), sha256(piece)});
    put(index, 1);
  }
  // One handle is the test's.
  BOOST_TEST(static_cast<std::uint64_t>(memory.use_count() - 1) * block_size.value <=
             HashVerifier::kept_max.value);
  for (std::uint32_t index = 0; index < pieces; ++index) put(index, 0);
  for (std::uint32_t index = 0; index < pieces; ++index) bench.host.expect<PieceVerified>(bench.scheduler);
  BOOST_TEST(memory.use_count() == 1);
}

/// A file of many pieces of one block.
struct Long : Bench {
  static constexpr std::uint32_t pieces = 20;

  Long() {
    film.resize(pieces * block_size.value - 77);
    for (std::size_t i = 0; i < film.size(); ++i) film[i] = static_cast<std::uint8_t>(i / 1000);
    BOOST_TEST_REQUIRE(static_cast<bool>(disk->prepare("/long.part", {film.size()})));
    host.inject(scheduler.address, verifier.address,
                BeginDownload{{2}, "/long.part", {film.size()}, block_size, Bytes(3)});
  }
  void bring(std::uint32_t index) {
    const std::size_t start = index * block_size.value;
    Bytes bytes(film.begin() + static_cast<std::ptrdiff_t>(start),
                film.begin() + static_cast<std::ptrdiff_t>(std::min(start + block_size.value, film.size())));
    host.inject(one.address, verifier.address, BeginPiece{{2}, {index}, 0, sha1(bytes), sha256(bytes)});
    host.inject(one.address, verifier.address, StoreBlock{{2}, {index}, 0, {0}},
                Payload::own(std::move(bytes)));
  }
  void expect_verified(std::uint32_t index) {
    BOOST_TEST((host.expect<PieceVerified>(scheduler)->piece == PieceIndex{index}));
  }
  void spoil_on_disk(std::uint32_t index) {
    BOOST_TEST_REQUIRE(!disk->write("/long.part", {index * block_size.value}, Bytes(100, 'x')));
  }
  void expect_whole() { BOOST_TEST((host.expect<WholeHashed>(scheduler)->sha1 == sha1(film))); }

  Bytes film;
};

BOOST_AUTO_TEST_CASE(what_came_out_of_order_is_read_back_for_the_whole) {
  Long bench;
  for (std::uint32_t i = 0; i < Long::pieces; ++i) {
    const std::uint32_t index = (i + 7) % Long::pieces;
    bench.bring(index);
    bench.host.advance(HashVerifier::held_max);
    bench.expect_verified(index);
  }
  bench.host.advance(0ms);
  bench.expect_whole();
  bench.host.advance(1s);
  bench.host.expect_silence(bench.scheduler.address);
}

BOOST_AUTO_TEST_CASE(what_came_a_little_early_is_hashed_with_the_whole_and_not_read_back) {
  Long bench;
  for (const std::uint32_t index : {3u, 1u, 2u}) bench.bring(index);
  bench.host.expect_silence(bench.scheduler.address);
  for (const std::uint32_t index : {1u, 2u, 3u}) bench.spoil_on_disk(index);
  bench.bring(0);
  for (std::uint32_t index = 0; index < 4; ++index) bench.expect_verified(index);
  for (std::uint32_t index = 4; index < Long::pieces; ++index) {
    bench.bring(index);
    bench.expect_verified(index);
  }
  bench.expect_whole();
}

BOOST_AUTO_TEST_CASE(what_is_held_is_held_for_a_moment_only) {
  Long bench;
  bench.bring(5);
  bench.host.advance(HashVerifier::held_max / 2);
  bench.bring(7);
  bench.bring(0);
  bench.expect_verified(0);
  bench.host.expect_silence(bench.scheduler.address);
  bench.host.advance(HashVerifier::held_max / 2);
  bench.expect_verified(5);
  bench.host.expect_silence(bench.scheduler.address);
  bench.bring(1);
  bench.expect_verified(1);
  bench.host.advance(HashVerifier::held_max / 2);
  bench.expect_verified(7);
}

BOOST_AUTO_TEST_CASE(no_more_is_held_than_there_is_memory_for) {
  Long bench;
  const std::uint32_t most = HashVerifier::kept_max.value / block_size.value;
  for (std::uint32_t index = 1; index <= most; ++index) bench.bring(index);
  bench.host.expect_silence(bench.scheduler.address);
  bench.bring(most + 1);
  bench.expect_verified(most + 1);
}

BOOST_AUTO_TEST_CASE(what_is_held_of_a_download_that_ends_is_let_go) {
  Long bench;
  const auto memory = std::make_shared<const Bytes>(block_size.value, 'x');
  bench.host.inject(bench.one.address, bench.verifier.address,
                    BeginPiece{{2}, {4}, 0, sha1(*memory), sha256(*memory)});
  bench.host.inject(bench.one.address, bench.verifier.address, StoreBlock{{2}, {4}, 0, {0}},
                    Payload::hold(memory, *memory));
  BOOST_TEST(memory.use_count() == 2);
  bench.host.inject(bench.scheduler.address, bench.verifier.address, EndDownload{{2}});
  BOOST_TEST(memory.use_count() == 1);
  bench.host.advance(HashVerifier::held_max);
  bench.host.expect_silence(bench.scheduler.address);
}

BOOST_AUTO_TEST_CASE(what_was_there_is_read_for_the_whole) {
  Bench bench;
  BOOST_TEST_REQUIRE(!bench.disk->write("/film.part", {}, bench.content));
  bench.begin_download(0x80);
  bench.host.advance(0ms);
  bench.whole_is_right();
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_for_the_whole_is_said) {
  Bench bench;
  bench.host.inject(bench.scheduler.address, bench.verifier.address,
                    BeginDownload{{2}, "/gone.part", block_size, block_size, {0x80}});
  const auto unreadable = bench.host.expect<WholeUnreadable>(bench.scheduler);
  BOOST_TEST((unreadable->download == DownloadId{2}));
  BOOST_TEST(!unreadable->sentence.empty());
}

BOOST_AUTO_TEST_CASE(a_file_of_nothing_has_the_digest_of_nothing) {
  Bench bench;
  bench.host.inject(bench.scheduler.address, bench.verifier.address,
                    BeginDownload{{2}, "/empty.part", {}, block_size, {}});
  BOOST_TEST((bench.host.expect<WholeHashed>(bench.scheduler)->sha1 == sha1({})));
}

BOOST_AUTO_TEST_CASE(blocks_of_nothing_known_give_their_credit_back) {
  Bench bench;
  bench.store(bench.one, 0);
  bench.host.expect_silence();
}

BOOST_AUTO_TEST_SUITE_END()

/// A hasher and a file of 3 MB.
struct Shelf {
  Shelf() {
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7);
    disk->put_directory("/");
    disk->put_file("/film", content);
    hasher = host.spawn<FileHasherRole>("hasher", std::make_unique<FileHasher>(disk));
  }
  void stretch(std::uint64_t from, std::uint64_t to) {
    host.inject(asker.address, hasher.address,
                HashStretch{{1}, "/film", {from}, {to - from}, to == content.size(), {}});
  }
  Bytes content = Bytes(3'000'000);
  InjectionHost host;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  Ref<LibrarianRole> asker = host.probe<LibrarianRole>();
  Ref<FileHasherRole> hasher;
};

BOOST_AUTO_TEST_SUITE(file_hasher)

BOOST_AUTO_TEST_CASE(hashes_pieces_in_any_order) {
  Shelf shelf;
  shelf.host.inject(shelf.asker.address, shelf.hasher.address,
                    HashPiece{{1}, "/film", 2_piece, 2_MiB, {900'000}, false});
  const auto hashed = shelf.host.expect<PieceHashed>(shelf.asker);
  const ByteView bytes = ByteView(shelf.content).subspan(2 << 20, 900'000);
  BOOST_TEST((hashed->sha1 == sha1(bytes)));
  BOOST_TEST((hashed->sha256 == sha256(bytes)));
}

BOOST_AUTO_TEST_CASE(hashes_a_whole_in_stretches) {
  Shelf shelf;
  shelf.stretch(0, 1'000'000);
  BOOST_TEST(!shelf.host.expect<StretchHashed>(shelf.asker)->sha1);
  shelf.stretch(1'000'000, 3'000'000);
  const auto hashed = shelf.host.expect<StretchHashed>(shelf.asker);
  BOOST_TEST((hashed->sha1 == sha1(shelf.content)));
  BOOST_TEST((hashed->done == ByteCount{3'000'000}));
}

BOOST_AUTO_TEST_CASE(keeps_the_bytes_of_a_piece_for_the_whole) {
  Shelf shelf;
  shelf.host.inject(shelf.asker.address, shelf.hasher.address,
                    HashPiece{{1}, "/film", 0_piece, {}, {3'000'000}, true});
  const auto hashed = shelf.host.expect<PieceHashed>(shelf.asker);
  BOOST_TEST((hashed->sha1 == sha1(shelf.content)));
  BOOST_TEST((hashed->sha256 == sha256(shelf.content)));
  const Payload kept = hashed.payload;
  BOOST_TEST(std::ranges::equal(kept.view(), shelf.content));
  shelf.disk->remove("/film");  // it is not read once more
  shelf.host.inject(shelf.asker.address, shelf.hasher.address,
                    HashStretch{{1}, "/film", {}, {3'000'000}, true, {}}, kept);
  BOOST_TEST((shelf.host.expect<StretchHashed>(shelf.asker)->sha1 == sha1(shelf.content)));
}

BOOST_AUTO_TEST_CASE(hashes_a_piece_along_with_the_whole) {
  Shelf shelf;
  shelf.stretch(0, 1'000'000);
  shelf.host.expect<StretchHashed>(shelf.asker);
  shelf.host.inject(shelf.asker.address, shelf.hasher.address,
                    HashStretch{{1}, "/film", {1'000'000}, {2'000'000}, true, 1_piece});
  const auto hashed = shelf.host.expect<PieceHashed>(shelf.asker);
  const ByteView bytes = ByteView(shelf.content).subspan(1'000'000);
  BOOST_TEST((hashed->piece == 1_piece));
  BOOST_TEST((hashed->sha1 == sha1(bytes)));
  BOOST_TEST((hashed->sha256 == sha256(bytes)));
  BOOST_TEST((shelf.host.expect<StretchHashed>(shelf.asker)->sha1 == sha1(shelf.content)));
}

BOOST_AUTO_TEST_CASE(a_stretch_that_leaves_a_gap_is_refused) {
  Shelf shelf;
  shelf.stretch(0, 1'000'000);
  shelf.host.expect<StretchHashed>(shelf.asker);
  shelf.stretch(2'000'000, 3'000'000);
  shelf.host.expect<HashFailed>(shelf.asker);
}

BOOST_AUTO_TEST_CASE(a_dropped_job_begins_anew) {
  Shelf shelf;
  shelf.stretch(0, 1'000'000);
  shelf.host.expect<StretchHashed>(shelf.asker);
  shelf.host.inject(shelf.asker.address, shelf.hasher.address, DropHashing{{1}});
  shelf.stretch(0, 3'000'000);
  BOOST_TEST((shelf.host.expect<StretchHashed>(shelf.asker)->sha1 == sha1(shelf.content)));
}

BOOST_AUTO_TEST_CASE(makes_sure_that_a_file_is_on_the_disk) {
  Shelf shelf;
  const Bytes written(100, 7);
  BOOST_TEST_REQUIRE(static_cast<bool>(shelf.disk->prepare("/part", {written.size()})));
  BOOST_TEST(!shelf.disk->write("/part", {}, written));
  shelf.host.inject(shelf.asker.address, shelf.hasher.address, SyncFile{7, "/part"});
  const auto synced = shelf.host.expect<FileSynced>(shelf.asker.address);
  BOOST_TEST(synced->tag == 7u);
  BOOST_TEST(!synced->fault);
  shelf.disk->lose_power();
  BOOST_TEST((shelf.disk->content("/part") == written));
  shelf.host.inject(shelf.asker.address, shelf.hasher.address, SyncFile{8, "/none"});
  BOOST_TEST(shelf.host.expect<FileSynced>(shelf.asker.address)->fault.has_value());
}

BOOST_AUTO_TEST_CASE(a_file_that_shrank_fails) {
  Shelf shelf;
  shelf.disk->shrink("/film", {1000});
  shelf.stretch(0, 3'000'000);
  BOOST_TEST(!shelf.host.expect<HashFailed>(shelf.asker)->sentence.empty());
  shelf.host.inject(shelf.asker.address, shelf.hasher.address,
                    HashPiece{{1}, "/film", 0_piece, {}, 1_MiB, false});
  shelf.host.expect<HashFailed>(shelf.asker);
  shelf.host.inject(shelf.asker.address, shelf.hasher.address,
                    HashPiece{{1}, "/film", 0_piece, {}, 1_MiB, true});
  shelf.host.expect<HashFailed>(shelf.asker);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
