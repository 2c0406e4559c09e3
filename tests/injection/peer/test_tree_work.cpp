// What storage leaves to its checker where directories are concerned, and what waits for that.

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "actors/digest.hpp"
#include "actors/injection_host.hpp"
#include "messages/inside_trees.hpp"
#include "peer/file_hasher.hpp"
#include "peer/metainfo_builder.hpp"
#include "peer/posix_disk.hpp"
#include "peer/storage.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
namespace fs = std::filesystem;

/// A client's storage with a directory to fetch, whose checker takes its time: it works when it is let.
struct Attic {
  Attic() {
    std::string pattern = (fs::temp_directory_path() / "tutti-attic-XXXXXX").string();
    root = mkdtemp(pattern.data());
    fs::create_directories(root / "tree" / "sub");
    std::ofstream(root / "tree" / "a") << std::string(600'000, 'a');
    std::ofstream(root / "tree" / "sub" / "b") << std::string(600'000, 'b');
    const std::string source = (root / "tree").string() + "/";
    const auto survey = disk->survey(source);
    BOOST_TEST_REQUIRE(static_cast<bool>(survey));
    const PieceLayout layout = *PieceLayout::for_size(survey->identity.size);
    const OrFault<Payload> bytes_of_all = disk->read(source, {}, survey->identity.size);
    content.assign(bytes_of_all->view().begin(), bytes_of_all->view().end());
    MetainfoBuilder builder(FileName{"tree"}, layout);
    for (PieceIndex piece; piece.value < layout.piece_count(); ++piece) {
      const ByteView bytes = piece_of(layout, piece);
      builder.add_piece(piece, {sha1(bytes), sha256(bytes)});
    }
    builder.set_whole(sha1(content));
    wanted.metainfo = builder.build();
    wanted.metainfo.manifest_size = survey->manifest_size;
    wanted.fid = fid_of(wanted.metainfo);
    wanted.uid.bytes.fill(7);
    wanted.group = GroupName{"g"};
    wanted.path = (root / "got").string();
  }
  Attic(const Attic&) = delete;
  Attic& operator=(const Attic&) = delete;
  ~Attic() { fs::remove_all(root); }

  ByteView piece_of(const PieceLayout& layout, PieceIndex piece) const {
    return ByteView(content).subspan(layout.piece_offset(piece).value, layout.piece_size(piece).value);
  }
  template <class M>
  void say(const M& message) {
    host.inject(asker.address, storage.address, message);
  }
  /// The checker does what it was asked for, and says so.
  template <class Order, class Answer>
  void work() {
    host.inject(checker.address, hasher.address, host.expect<Order>(checker.address).message);
    host.inject(checker.address, storage.address, host.expect<Answer>(checker.address).message);
  }
  /// A piece that has come and was verified.
  void come(PieceIndex piece) {
    const PieceLayout layout(record.metainfo);
    BOOST_TEST(!disk->write(record.part_path, layout.piece_offset(piece), piece_of(layout, piece)));
    say(JournalPiece{record.id, piece});
  }
  /// The manifest has come, and the scheduler asks what is there.
  void begin() {
    say(PrepareDownload{1, wanted});
    record = host.expect<DownloadPrepared>(asker)->download;
    come(PieceIndex{0});
    say(PrepareDownload{2, record});
  }
  /// All has come.
  void fetch_all() {
    begin();
    work<FindTree, TreeFound>();
    record = host.expect<DownloadPrepared>(asker)->download;
    for (PieceIndex piece{1}; piece.value < PieceLayout(record.metainfo).piece_count(); ++piece) come(piece);
  }

  fs::path root;
  InjectionHost host;
  std::shared_ptr<TreeDisk> disk = std::make_shared<TreeDisk>(std::make_shared<PosixDisk>());
  std::shared_ptr<ClientStore> store = make_memory_client_store({client_key(1), {}});
  Bytes content;
  DownloadRecord wanted;
  DownloadRecord record;
  Ref<SchedulerRole> asker = host.probe<SchedulerRole>();
  Ref<FileHasherRole> checker = host.probe<FileHasherRole>();
  Ref<FileHasherRole> hasher = host.spawn<FileHasherRole>("hasher", std::make_unique<FileHasher>(disk));
  Ref<StorageRole> storage =
      host.spawn<StorageRole>("storage", std::make_unique<Storage>(disk, store, checker));
};

BOOST_AUTO_TEST_SUITE(tree_work)

BOOST_FIXTURE_TEST_CASE(nobody_else_waits_while_a_directory_is_looked_at, Attic) {
  begin();
  host.expect_silence(asker.address);
  std::ofstream(root / "other") << "other";
  say(ReserveCounters{10});
  BOOST_TEST(host.expect<CountersReserved>(asker.address)->count == 10u);
  say(ReadBlock{5, (root / "other").string(), {0}, {5}, {}});
  BOOST_TEST(host.expect<BlockRead>(asker.address)->tag == 5u);
  work<FindTree, TreeFound>();
  BOOST_TEST(host.expect<DownloadPrepared>(asker)->tag == 2u);
}

BOOST_FIXTURE_TEST_CASE(what_is_said_of_a_download_meanwhile_is_done_afterwards_and_in_that_order, Attic) {
  begin();
  say(SettleDownload{record.id, DownloadPhase::paused, Code::other, "logged out", false});
  say(PrepareDownload{3, record});
  say(ForgetDownload{record.id, true});
  say(RecallDownloads{wanted.uid, 9});
  say(RecallShares{wanted.uid});
  host.expect_silence(asker.address);
  work<FindTree, TreeFound>();
  BOOST_TEST(host.expect<DownloadPrepared>(asker)->tag == 2u);
  host.expect_silence(asker.address);
  work<FindTree, TreeFound>();  // that of the second one
  BOOST_TEST(host.expect<DownloadPrepared>(asker)->tag == 3u);
  host.expect_silence(asker.address);
  work<RemoveTree, TreeRemoved>();
  BOOST_TEST((host.expect<DownloadForgotten>(asker)->download == record.id));
  BOOST_TEST(host.expect<DownloadsRecalled>(asker)->downloads.empty());
  host.expect<SharesRecalled>(asker.address);
  BOOST_TEST(!fs::exists(record.part_path));
}

BOOST_FIXTURE_TEST_CASE(what_is_read_of_a_directory_while_it_is_moved_is_read_where_it_is_then, Attic) {
  fetch_all();
  say(FinishDownload{record.id, record.part_path, record.path});
  const PieceLayout layout(record.metainfo);
  say(ReadBlock{6, record.part_path, layout.piece_offset(PieceIndex{1}), {1000}, {}});
  say(RecallShares{wanted.uid});
  host.expect_silence(asker.address);
  work<FinishTree, TreeFinished>();
  host.expect_silence(asker.address);  // before nothing is left of the part
  work<RemoveTree, TreeRemoved>();
  const auto finished = host.expect<DownloadFinished>(asker);
  BOOST_TEST((finished->download == record.id));
  BOOST_TEST(finished->pieces.empty());
  const auto read = host.expect<BlockRead>(asker.address);
  BOOST_TEST(read->tag == 6u);
  BOOST_TEST(std::ranges::equal(read.payload.view(), piece_of(layout, PieceIndex{1}).first(1000)));
  const auto shares = host.expect<SharesRecalled>(asker.address);
  BOOST_TEST_REQUIRE(shares->shares.size() == 1u);
  BOOST_TEST((shares->shares.front().identity == finished->identity));
  BOOST_TEST(fs::exists(root / "got" / "sub" / "b"));
  BOOST_TEST(!fs::exists(record.part_path));
}

BOOST_FIXTURE_TEST_CASE(a_directory_whose_end_fails_is_said_to_and_kept, Attic) {
  fetch_all();
  fs::create_directories(root / "got");
  std::ofstream(root / "got" / "a") << "mine";
  say(FinishDownload{record.id, record.part_path, record.path});
  work<FinishTree, TreeFinished>();
  BOOST_TEST((host.expect<DownloadRefused>(asker)->code == Code::destination_exists));
  BOOST_TEST(fs::exists(record.part_path));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
