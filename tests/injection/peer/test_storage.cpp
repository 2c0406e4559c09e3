#include <stdlib.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "peer/posix_disk.hpp"
#include "peer/storage.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

constexpr std::size_t film_size = 3 * 512 * 1024 + 5;

struct Cellar {
  explicit Cellar(std::shared_ptr<ClientStore> with = make_memory_client_store({client_key(1), {}}),
                  std::shared_ptr<MemoryDisk> on = std::make_shared<MemoryDisk>())
      : disk(std::move(on)), store(std::move(with)) {
    disk->put_directory("/home");
    start();
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 13);
    const PieceLayout layout = *PieceLayout::for_size({content.size()});
    MetainfoBuilder builder(FileName{"film"}, layout);
    for (PieceIndex piece; piece.value < layout.piece_count(); ++piece) {
      const ByteView bytes =
          ByteView(content).subspan(layout.piece_offset(piece).value, layout.piece_size(piece).value);
      builder.add_piece(piece, {sha1(bytes), sha256(bytes)});
    }
    builder.set_whole(sha1(content));
    wanted.metainfo = builder.build();
    wanted.fid = fid_of(wanted.metainfo);
    wanted.uid.bytes.fill(7);
    wanted.group = GroupName{"g"};
    wanted.path = "/home";
  }
  /// The client begins anew; what it remembers and its disk stay.
  void start() { start_on(disk); }
  void start_on(const std::shared_ptr<Disk>& which) {
    storage = host.spawn<StorageRole>("storage", std::make_unique<Storage>(which, store, checker));
  }
  template <class M>
  void say(const M& message) {
    host.inject(asker.address, storage.address, message);
  }
  DownloadPrepared prepare(DownloadRecord record) {
    say(PrepareDownload{1, std::move(record)});
    return host.expect<DownloadPrepared>(asker).message;
  }
  DownloadRecord recall() {
    say(RecallDownloads{wanted.uid, 1});
    return recalled();
  }
  DownloadRecord recalled() {
    const auto recalled = host.expect<DownloadsRecalled>(asker);
    BOOST_TEST_REQUIRE(recalled->downloads.size() == 1u);
    return recalled->downloads.front();
  }
  /// A download of which all is on the disk.
  DownloadRecord whole() {
    DownloadRecord record = prepare(wanted).download;
    BOOST_TEST(!disk->write(record.part_path, {}, content));
    for (PieceIndex piece; piece.value < 4; ++piece) say(JournalPiece{record.id, piece});
    return record;
  }
  std::vector<ShareRecord> shares() {
    auto found = store->shares_of(wanted.uid);
    BOOST_TEST_REQUIRE(static_cast<bool>(found));
    return *found;
  }
  Code refusal() {
    const auto refused = host.expect<DownloadRefused>(asker);
    BOOST_TEST(!refused->sentence.empty());
    return refused->code;
  }

  InjectionHost host;
  std::shared_ptr<MemoryDisk> disk;
  std::shared_ptr<ClientStore> store;
  Ref<SchedulerRole> asker = host.probe<SchedulerRole>();
  Ref<FileHasherRole> checker = host.probe<FileHasherRole>();
  Ref<StorageRole> storage;
  Bytes content = Bytes(film_size);
  DownloadRecord wanted;
};

/// A store that cannot read its lists for a while.
class MoodyStore final : public ClientStore {
 public:
  bool broken = false;

  const ClientIdentity& identity() const override { return store_->identity(); }
  OrFault<RequestCounter> reserve_request_counters(std::uint32_t count) override {
    return store_->reserve_request_counters(count);
  }
  DiskDone put_share(const ShareRecord& share) override { return store_->put_share(share); }
  DiskDone mark_share_synced(const Uid& uid, const Gid& gid, const Fid& fid,
                             const FileIdentity& identity) override {
    return store_->mark_share_synced(uid, gid, fid, identity);
  }
  DiskDone forget_share(const Uid& uid, const Gid& gid, const Fid& fid) override {
    return store_->forget_share(uid, gid, fid);
  }
  OrFault<std::vector<ShareRecord>> shares_of(const Uid& uid) override {
    if (broken) return DiskFault{Code::io_error, "out of sorts"};
    return store_->shares_of(uid);
  }
  DiskDone remember_tracker(const std::string& endpoint, const LinkKey& key) override {
    return store_->remember_tracker(endpoint, key);
  }
  OrFault<DownloadId> next_download_id() override { return store_->next_download_id(); }
  DiskDone put_download(const DownloadRecord& download) override { return store_->put_download(download); }
  DiskDone journal(DownloadId id, std::span<const PieceIndex> pieces) override {
    return store_->journal(id, pieces);
  }
  DiskDone mark_synced(DownloadId id, std::span<const PieceIndex> pieces) override {
    return store_->mark_synced(id, pieces);
  }
  DiskDone forget_pieces(DownloadId id, std::span<const PieceIndex> pieces) override {
    return store_->forget_pieces(id, pieces);
  }
  DiskDone complete_download(const DownloadRecord& download,
                             const std::optional<ShareRecord>& share) override {
    return store_->complete_download(download, share);
  }
  OrFault<std::vector<DownloadRecord>> downloads_of(const Uid& uid) override {
    if (broken) return DiskFault{Code::io_error, "out of sorts"};
    return store_->downloads_of(uid);
  }
  OrFault<JournalledPieces> pieces_of(DownloadId id, std::uint32_t count) override {
    return store_->pieces_of(id, count);
  }
  DiskDone reopen_download(const DownloadRecord& download, std::span<const PieceIndex> pieces) override {
    return store_->reopen_download(download, pieces);
  }
  DiskDone forget_download(DownloadId id) override { return store_->forget_download(id); }
  OrFault<std::optional<DownloadRecord>> download_of(DownloadId id) override {
    return store_->download_of(id);
  }
  DiskDone put_manifest(const Fid& fid, ByteView manifest) override {
    return store_->put_manifest(fid, manifest);
  }
  OrFault<std::optional<Bytes>> manifest_of(const Fid& fid) override { return store_->manifest_of(fid); }
  DiskDone put_export(const OrchExport& exported) override { return store_->put_export(exported); }
  OrFault<std::vector<OrchExport>> exports() override { return store_->exports(); }
  DiskDone put_limits(std::span<const RateLimit> limits) override { return store_->put_limits(limits); }
  OrFault<std::vector<RateLimit>> limits() override {
    if (broken) return DiskFault{Code::io_error, "out of sorts"};
    return store_->limits();
  }

 private:
  const std::unique_ptr<ClientStore> store_ = make_memory_client_store({client_key(1), {}});
};

/// What a client remembers on a machine that may lose power.
struct Machine {
  Machine() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-storage-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { std::filesystem::remove_all(folder); }
  std::shared_ptr<ClientStore> boot() {
    auto opened = open_client_store(folder + "/state", "boot " + std::to_string(++boots));
    BOOST_TEST_REQUIRE(static_cast<bool>(opened));
    return std::move(*opened);
  }
  std::string folder;
  int boots = 0;
};

BOOST_AUTO_TEST_SUITE(storage)

BOOST_AUTO_TEST_CASE(counters_are_never_given_twice) {
  Cellar cellar;
  std::uint64_t next = 0;
  for (int i = 0; i < 5; ++i) {
    cellar.say(ReserveCounters{10});
    Envelope said = cellar.host.outbox().front();
    const CountersReserved reserved = *decode<CountersReserved>(said.body);
    BOOST_TEST(reserved.first.value >= next);
    next = reserved.first.value + reserved.count;
    cellar.host.discard();
  }
}

BOOST_AUTO_TEST_CASE(a_folder_is_a_destination_in_which_the_file_keeps_its_name) {
  Cellar cellar;
  for (const std::string destination : {"/home", "/home/", "/home/film"}) {
    cellar.wanted.path = destination;
    const DownloadPrepared prepared = cellar.prepare(cellar.wanted);
    BOOST_TEST(prepared.download.path == "/home/film");
    BOOST_TEST(prepared.download.part_path.starts_with("/home/film."));
    BOOST_TEST(prepared.download.id.value != 0u);
    BOOST_TEST((prepared.bitfield == Bytes{0}));
    BOOST_TEST(cellar.disk->content(prepared.download.part_path)->size() == film_size);
  }
}

BOOST_AUTO_TEST_CASE(two_downloads_to_one_place_have_their_own_part_files) {
  Cellar cellar;
  const auto one = cellar.prepare(cellar.wanted);
  const auto other = cellar.prepare(cellar.wanted);
  BOOST_TEST(one.download.part_path != other.download.part_path);
}

BOOST_AUTO_TEST_CASE(two_clients_in_one_folder_have_their_own_part_files) {
  Cellar cellar;
  Cellar neighbour(make_memory_client_store({client_key(2), {}}), cellar.disk);
  const auto one = cellar.prepare(cellar.wanted);
  const auto other = neighbour.prepare(neighbour.wanted);
  BOOST_TEST((one.download.id == other.download.id));
  BOOST_TEST(one.download.part_path != other.download.part_path);
}

BOOST_AUTO_TEST_CASE(a_part_file_is_made_and_never_taken_over) {
  Cellar cellar;
  BOOST_TEST(!cellar.disk->write(cellar.prepare(cellar.wanted).download.part_path, {}, cellar.content));
  // The state folder was set back: the same key, the same ids.
  Cellar again(make_memory_client_store({client_key(1), {}}), cellar.disk);
  const auto second = again.prepare(again.wanted);
  BOOST_TEST((*cellar.disk->content(second.download.part_path) == Bytes(film_size)));
  BOOST_TEST(second.download.id.value == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_in_the_way_is_refused) {
  Cellar cellar;
  cellar.disk->put_file("/home/film", {1});
  const std::pair<std::string, Code> refused[] = {
      {"/home", Code::destination_exists},
      {"/home/film", Code::destination_exists},
      {"/nowhere/film", Code::no_such_file},
      {"/home/none/", Code::no_such_file},
      {"/home/film/deeper", Code::io_error},
      {"/home/film/", Code::io_error},
      {"/home/" + std::string(256, 'a'), Code::io_error},
  };
  for (const auto& [path, code] : refused) {
    BOOST_TEST_CONTEXT(path) {
      cellar.wanted.path = path;
      cellar.say(PrepareDownload{1, cellar.wanted});
      BOOST_TEST((cellar.refusal() == code));
    }
  }
  cellar.disk->set_capacity(1000_bytes);
  cellar.wanted.path = "/home/other";
  cellar.say(PrepareDownload{1, cellar.wanted});
  BOOST_TEST((cellar.refusal() == Code::disk_full));
  BOOST_TEST((cellar.disk->content("/home/film") == Bytes{1}));
}

BOOST_AUTO_TEST_CASE(what_is_journalled_is_there_after_a_restart) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.say(JournalPiece{record.id, 1_piece});
  cellar.say(JournalPiece{record.id, 3_piece});

  cellar.start();
  BOOST_TEST((cellar.prepare(cellar.recall()).bitfield == Bytes{0b0101'0000}));
}

BOOST_AUTO_TEST_CASE(a_part_file_that_is_gone_vouches_for_nothing) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.say(JournalPiece{record.id, 1_piece});
  BOOST_TEST(!cellar.disk->remove(record.part_path));
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));  // nor does the empty one in its place
}

BOOST_AUTO_TEST_CASE(what_was_recalled_once_is_not_believed_for_ever) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  cellar.start();
  cellar.recall();
  BOOST_TEST(!cellar.disk->remove(record.part_path));
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));
  cellar.say(SettleDownload{record.id, DownloadPhase::failed, Code::io_error, "later", false});
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));
}

BOOST_AUTO_TEST_CASE(a_resumed_download_looks_at_its_destination) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  cellar.disk->put_file("/home/film", {1});
  cellar.say(PrepareDownload{1, record});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
  BOOST_TEST(!cellar.disk->remove("/home/film"));
  cellar.disk->set_absent("/home", true);
  cellar.say(PrepareDownload{1, record});
  BOOST_TEST((cellar.refusal() == Code::no_such_file));
  cellar.disk->set_absent("/home", false);
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0b1111'0000}));
}

BOOST_AUTO_TEST_CASE(the_pieces_of_a_settled_download_can_be_forgotten) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.say(JournalPiece{record.id, 1_piece});
  cellar.say(SettleDownload{record.id, DownloadPhase::failed, Code::integrity, "wrong", true});
  const DownloadRecord recalled = cellar.recall();
  BOOST_TEST((recalled.phase == DownloadPhase::failed));
  BOOST_TEST((recalled.code == Code::integrity));
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));
}

BOOST_AUTO_TEST_CASE(a_finished_file_has_its_name_and_is_still_found_under_the_old_one) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  BOOST_TEST(!cellar.disk->write(record.part_path, {}, cellar.content));
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.host.expect<DownloadFinished>(cellar.asker)->identity.size == ByteCount{film_size}));
  BOOST_TEST((cellar.disk->content("/home/film") == cellar.content));
  cellar.say(ReadBlock{3, record.part_path, {}, 100_bytes, {}});
  const Envelope said = cellar.host.outbox().front();
  BOOST_TEST((said.id == BlockRead::message_id));
  BOOST_TEST(said.payload.size() == 100u);
}

BOOST_AUTO_TEST_CASE(what_somebody_has_added_to_a_part_file_never_gets_the_files_name) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  Bytes longer = cellar.content;
  longer.push_back(1);
  cellar.disk->put_file(record.part_path, longer);
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.refusal() == Code::integrity));
  BOOST_TEST(!cellar.disk->content("/home/film").has_value());
}

BOOST_AUTO_TEST_CASE(finishing_never_overwrites) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.disk->put_file("/home/film", {1, 2});
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
  BOOST_TEST((cellar.disk->content("/home/film") == Bytes{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_finished_download_is_a_share_at_once) {
  for (const bool share : {true, false}) {
    Cellar cellar;
    const DownloadRecord record = cellar.whole();
    if (!share) cellar.say(KeepPrivate{record.id});
    cellar.say(FinishDownload{record.id, record.part_path, record.path});
    const auto finished = cellar.host.expect<DownloadFinished>(cellar.asker);
    const std::vector<ShareRecord> shares = cellar.shares();
    BOOST_TEST_REQUIRE(shares.size() == (share ? 1u : 0u));
    if (share) BOOST_TEST((shares.front().identity == finished->identity));
    cellar.start();
    BOOST_TEST((cellar.recall().phase == DownloadPhase::complete));
    BOOST_TEST(cellar.store->pieces_of(record.id, 4)->verified.none());
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_dies_after_the_rename_goes_on) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  // As far as it comes with something in its way is as far as it comes before the rename.
  cellar.disk->put_file("/home/film", {1});
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
  BOOST_TEST(!cellar.disk->remove("/home/film"));
  BOOST_TEST(!cellar.disk->rename_new(record.part_path, record.path));

  cellar.start();
  BOOST_TEST((cellar.prepare(cellar.recall()).bitfield == Bytes{0b1111'0000}));
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  cellar.host.expect<DownloadFinished>(cellar.asker);
  BOOST_TEST((cellar.disk->content("/home/film") == cellar.content));
  BOOST_TEST(cellar.shares().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_client_that_dies_when_its_file_has_both_names_goes_on) {
  const Machine machine;
  const auto disk = std::make_shared<PosixDisk>();
  Cellar cellar;
  cellar.start_on(disk);
  cellar.wanted.path = machine.folder;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  BOOST_TEST(!disk->write(record.part_path, {}, cellar.content));
  for (PieceIndex piece; piece.value < 4; ++piece) cellar.say(JournalPiece{record.id, piece});
  std::ofstream(record.path) << "in the way";
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));

  // A copy that somebody has made is none of our names.
  cellar.start_on(disk);
  cellar.say(PrepareDownload{1, cellar.recall()});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));

  std::filesystem::remove(record.path);
  std::filesystem::create_hard_link(record.part_path, record.path);
  cellar.start_on(disk);
  BOOST_TEST((cellar.prepare(cellar.recall()).bitfield == Bytes{0b1111'0000}));
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  cellar.host.expect<DownloadFinished>(cellar.asker);
  BOOST_TEST(!std::filesystem::exists(record.part_path));
  const auto read = disk->read(record.path, {}, {film_size});
  BOOST_TEST_REQUIRE(static_cast<bool>(read));
  BOOST_TEST(std::ranges::equal(read->view(), cellar.content));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_of_the_store_is_read_later) {
  const auto store = std::make_shared<MoodyStore>();
  Cellar cellar(store);
  const DownloadRecord record = cellar.whole();
  ShareRecord share;
  share.uid = cellar.wanted.uid;
  share.path = "/home/song";
  BOOST_TEST(!store->put_share(share));
  store->broken = true;
  cellar.start();
  for (const std::uint64_t session : {1U, 2U}) {
    cellar.say(RecallShares{share.uid});
    cellar.say(RecallDownloads{share.uid, session});
  }
  cellar.host.advance(Storage::recall_again);
  cellar.host.expect_silence();
  store->broken = false;
  cellar.host.advance(Storage::recall_again);
  for (const std::uint64_t session : {1U, 2U}) {
    BOOST_TEST((cellar.host.expect<SharesRecalled>(cellar.asker.address)->shares ==
                std::vector<ShareRecord>{share}));
    const auto downloads = cellar.host.expect<DownloadsRecalled>(cellar.asker);
    BOOST_TEST(downloads->session == session);
    BOOST_TEST(downloads->downloads.size() == 1u);
  }
  cellar.host.advance(2 * Storage::recall_again);
  cellar.host.expect_silence();
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0b1111'0000}));
}

BOOST_AUTO_TEST_CASE(the_file_of_somebody_else_is_not_taken_for_the_renamed_one) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  cellar.disk->put_file("/home/film", cellar.content);
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
  BOOST_TEST(!cellar.disk->remove(record.part_path));
  cellar.start();
  cellar.say(PrepareDownload{1, cellar.recall()});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
}

BOOST_AUTO_TEST_CASE(after_a_power_loss_only_what_was_not_synced_is_hashed_again) {
  Machine machine;
  auto disk = std::make_shared<MemoryDisk>();
  DownloadRecord record;
  {
    Cellar cellar(machine.boot(), disk);
    record = cellar.prepare(cellar.wanted).download;
    BOOST_TEST(!disk->write(record.part_path, {}, cellar.content));
    cellar.say(JournalPiece{record.id, 0_piece});
    cellar.say(JournalPiece{record.id, 3_piece});
    cellar.host.advance(Storage::sync_after);
    const auto sync = cellar.host.expect<SyncFile>(cellar.checker);
    BOOST_TEST(sync->path == record.part_path);
    cellar.say(JournalPiece{record.id, 1_piece});  // while the disk is busy with those before
    cellar.say(JournalPiece{record.id, 2_piece});
    cellar.host.inject(cellar.checker.address, cellar.storage.address, FileSynced{sync->tag, {}});
    cellar.host.expect_silence();
  }
  Cellar cellar(machine.boot(), disk);
  cellar.say(PrepareDownload{4, cellar.recall()});
  for (const std::uint32_t piece : {1U, 2U}) {
    const auto hash = cellar.host.expect<HashPiece>(cellar.checker);
    BOOST_TEST((hash->piece == PieceIndex{piece}));
    cellar.say(ReserveCounters{1});  // nobody waits for the hashing
    cellar.host.expect<CountersReserved>(cellar.asker.address);
    cellar.host.expect_silence();
    const ByteView bytes =
        ByteView(cellar.content).subspan(hash->offset.value, piece == 1 ? hash->size.value : 7);
    cellar.host.inject(cellar.checker.address, cellar.storage.address,
                       PieceHashed{hash->job, hash->piece, sha1(bytes), sha256(bytes)});
  }
  const auto prepared = cellar.host.expect<DownloadPrepared>(cellar.asker);
  BOOST_TEST(prepared->tag == 4u);
  BOOST_TEST((prepared->bitfield == Bytes{0b1101'0000}));
}

BOOST_AUTO_TEST_CASE(whoever_asks_while_pieces_are_hashed_again_is_answered_too) {
  Machine machine;
  auto disk = std::make_shared<MemoryDisk>();
  {
    Cellar cellar(machine.boot(), disk);
    const DownloadRecord record = cellar.prepare(cellar.wanted).download;
    cellar.say(JournalPiece{record.id, 1_piece});
  }
  Cellar cellar(machine.boot(), disk);
  const DownloadRecord record = cellar.recall();
  cellar.say(PrepareDownload{4, record});
  cellar.say(PrepareDownload{5, record});
  const auto hash = cellar.host.expect<HashPiece>(cellar.checker);
  cellar.host.expect_silence();
  cellar.host.inject(cellar.checker.address, cellar.storage.address,
                     HashFailed{hash->job, Code::io_error, "broken"});
  for (const std::uint64_t tag : {4U, 5U}) {
    const auto prepared = cellar.host.expect<DownloadPrepared>(cellar.asker);
    BOOST_TEST(prepared->tag == tag);
    BOOST_TEST((prepared->bitfield == Bytes{0}));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_to_a_recheck_that_was_given_up_says_nothing_of_the_next_one) {
  for (const bool unreadable : {true, false}) {
    Cellar cellar;
    const DownloadRecord record = cellar.prepare(cellar.wanted).download;
    cellar.say(JournalPiece{record.id, 0_piece});
    cellar.say(RecheckDownload{7, record.id});
    const auto first = cellar.host.expect<HashPiece>(cellar.checker);
    cellar.say(SettleDownload{record.id, DownloadPhase::failed, Code::io_error, "broken", false});
    BOOST_TEST(cellar.host.expect<DownloadRefused>(cellar.asker)->tag == 7u);
    cellar.say(RecheckDownload{8, record.id});
    const auto second = cellar.host.expect<HashPiece>(cellar.checker);
    if (unreadable) {
      cellar.host.inject(cellar.checker.address, cellar.storage.address,
                         HashFailed{first->job, Code::io_error, "broken"});
    } else {
      cellar.host.inject(cellar.checker.address, cellar.storage.address,
                         PieceHashed{first->job, first->piece, {}, {}});
    }
    cellar.host.expect_silence();
    const ByteView bytes = ByteView(cellar.content).subspan(second->offset.value, second->size.value);
    cellar.host.inject(cellar.checker.address, cellar.storage.address,
                       PieceHashed{second->job, second->piece, sha1(bytes), sha256(bytes)});
    BOOST_TEST(cellar.host.expect<RecheckProgress>(cellar.asker)->right.value > 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_share_is_vouched_for_when_it_is_synced) {
  Machine machine;
  FileIdentity identity;
  {
    Cellar cellar(machine.boot());
    const DownloadRecord record = cellar.whole();
    cellar.say(FinishDownload{record.id, record.part_path, record.path});
    identity = cellar.host.expect<DownloadFinished>(cellar.asker)->identity;
    cellar.host.advance(Storage::sync_after);
    const auto sync = cellar.host.expect<SyncFile>(cellar.checker);
    BOOST_TEST(sync->path == record.path);
    cellar.host.expect_silence();
    cellar.host.inject(cellar.checker.address, cellar.storage.address, FileSynced{sync->tag, {}});
  }
  Cellar cellar(machine.boot());
  BOOST_TEST((cellar.shares().front().identity == identity));
}

BOOST_AUTO_TEST_CASE(a_block_of_a_file_that_changed_is_not_given) {
  Cellar cellar;
  cellar.disk->put_file("/home/film", cellar.content);
  const FileIdentity identity = *cellar.disk->identity("/home/film");
  cellar.say(ReadBlock{1, "/home/film", {}, 100_bytes, identity});
  BOOST_TEST((cellar.host.outbox().back().id == BlockRead::message_id));
  cellar.disk->put_file("/home/film", cellar.content);
  cellar.say(ReadBlock{2, "/home/film", {}, 100_bytes, identity});
  BOOST_TEST((cellar.host.outbox().back().id == BlockUnreadable::message_id));
  cellar.disk->shrink("/home/film", 10_bytes);
  cellar.say(ReadBlock{3, "/home/film", {}, 100_bytes, {}});
  BOOST_TEST((cellar.host.outbox().back().id == BlockUnreadable::message_id));
}

BOOST_AUTO_TEST_CASE(shares_are_remembered_replaced_and_forgotten) {
  Cellar cellar;
  ShareRecord share{cellar.wanted.uid, {}, GroupName{"g"}, cellar.wanted.fid, cellar.wanted.metainfo,
                    "/home/film",      {}, false};
  const auto recalled = [&] {
    cellar.host.discard();
    cellar.say(RecallShares{share.uid});
    return decode<SharesRecalled>(cellar.host.outbox().front().body, {.frame_bytes = 1U << 24U})->shares;
  };
  cellar.say(RememberShare{share});
  share.path = "/home/elsewhere";
  cellar.say(RememberShare{share});
  BOOST_TEST((recalled() == std::vector<ShareRecord>{share}));
  cellar.say(ForgetShare{share.uid, share.gid, share.fid});
  BOOST_TEST(recalled().empty());
}

BOOST_AUTO_TEST_CASE(looks_at_files) {
  Cellar cellar;
  cellar.disk->put_file("/home/film", cellar.content);
  cellar.say(CheckFile{4, "/home/film"});
  BOOST_TEST(decode<FileChecked>(cellar.host.outbox().back().body)->identity.has_value());
  cellar.say(CheckFile{5, "/home/none"});
  const auto missing = decode<FileChecked>(cellar.host.outbox().back().body);
  BOOST_TEST(missing->tag == 5u);
  BOOST_TEST(!missing->identity.has_value());
  BOOST_TEST((missing->code == Code::no_such_file));
  cellar.say(CheckFile{6, "/home"});
  BOOST_TEST((decode<FileChecked>(cellar.host.outbox().back().body)->code == Code::io_error));
}

/// Plays the checker of a complete film of which `content` is what it reads.
void hash_next(Cellar& cellar, const Bytes& content) {
  const auto hash = cellar.host.expect<HashStretch>(cellar.checker);
  BOOST_TEST_REQUIRE(hash->piece.has_value());
  const ByteView bytes = ByteView(content).subspan(hash->offset.value, hash->size.value);
  cellar.host.inject(cellar.checker.address, cellar.storage.address,
                     PieceHashed{hash->job, *hash->piece, sha1(bytes), sha256(bytes)});
  StretchHashed stretch{hash->job, hash->offset + hash->size, {}};
  if (hash->last) stretch.sha1 = sha1(content);
  cellar.host.inject(cellar.checker.address, cellar.storage.address, stretch);
}

BOOST_AUTO_TEST_CASE(a_complete_file_is_hashed_as_a_whole_in_the_pass_that_hashes_its_pieces) {
  for (const bool right : {true, false}) {
    Cellar cellar;
    if (!right) cellar.wanted.metainfo.sha1.bytes[0] ^= 1;
    const DownloadRecord record = cellar.whole();
    cellar.say(FinishDownload{record.id, record.part_path, record.path});
    cellar.host.discard();
    cellar.say(RecheckDownload{7, record.id});
    for (int piece = 0; piece < 4; ++piece) hash_next(cellar, cellar.content);
    for (int piece = 0; piece < 4; ++piece) cellar.host.expect<RecheckProgress>(cellar.asker);
    if (right) {
      BOOST_TEST(cellar.host.expect<DownloadSound>(cellar.asker)->tag == 7u);
    } else {
      BOOST_TEST((cellar.refusal() == Code::integrity));
    }
    cellar.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(after_a_wrong_piece_only_pieces_are_hashed) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  cellar.host.discard();
  Bytes damaged = cellar.content;
  damaged[600'000] ^= 1;  // in piece 1
  cellar.say(RecheckDownload{7, record.id});
  for (int piece = 0; piece < 2; ++piece) hash_next(cellar, damaged);
  cellar.host.expect<DropHashing>(cellar.checker);
  for (const std::uint32_t piece : {2U, 3U}) {
    const auto hash = cellar.host.expect<HashPiece>(cellar.checker);
    BOOST_TEST((hash->piece == PieceIndex{piece}));
    const ByteView bytes = ByteView(damaged).subspan(hash->offset.value, hash->size.value);
    cellar.host.inject(cellar.checker.address, cellar.storage.address,
                       PieceHashed{hash->job, hash->piece, sha1(bytes), sha256(bytes)});
  }
  for (int piece = 0; piece < 4; ++piece) cellar.host.expect<RecheckProgress>(cellar.asker);
  BOOST_TEST((cellar.host.expect<DownloadUnsound>(cellar.asker)->bitfield == Bytes{0b1011'0000}));
}

BOOST_AUTO_TEST_CASE(a_last_piece_that_is_wrong_is_all_that_is_said_of_the_whole) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  cellar.host.discard();
  Bytes damaged = cellar.content;
  damaged.back() ^= 1;
  cellar.say(RecheckDownload{7, record.id});
  for (int piece = 0; piece < 4; ++piece) hash_next(cellar, damaged);
  for (int piece = 0; piece < 4; ++piece) cellar.host.expect<RecheckProgress>(cellar.asker);
  BOOST_TEST((cellar.host.expect<DownloadUnsound>(cellar.asker)->bitfield == Bytes{0b1110'0000}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_of_a_complete_file_is_wrong_and_the_rest_is_hashed) {
  Cellar cellar;
  const DownloadRecord record = cellar.whole();
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  cellar.host.discard();
  cellar.say(RecheckDownload{7, record.id});
  const auto hash = cellar.host.expect<HashStretch>(cellar.checker);
  cellar.host.inject(cellar.checker.address, cellar.storage.address,
                     HashFailed{hash->job, Code::io_error, "broken"});
  cellar.host.expect<DropHashing>(cellar.checker);
  BOOST_TEST((cellar.host.expect<HashPiece>(cellar.checker)->piece == 1_piece));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
