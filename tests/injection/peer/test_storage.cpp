#include <boost/test/unit_test.hpp>

#include "peer/storage.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using namespace std::chrono_literals;

constexpr std::size_t film_size = 3 * 512 * 1024 + 5;

struct Cellar {
  Cellar() {
    disk->put_directory("/");
    disk->put_directory("/home");
    storage = host.spawn<StorageRole>("storage", std::make_unique<Storage>(disk, store));
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
  template <class M>
  void say(const M& message) {
    host.inject(asker.address, storage.address, message);
  }
  DownloadPrepared prepare(DownloadRecord record) {
    say(PrepareDownload{1, std::move(record)});
    return host.expect<DownloadPrepared>(asker).message;
  }
  Code refusal() {
    const auto refused = host.expect<DownloadRefused>(asker);
    BOOST_TEST(!refused->sentence.empty());
    return refused->code;
  }

  InjectionHost host;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::shared_ptr<ClientStore> store = make_memory_client_store(ClientIdentity{client_key(1), {}});
  Ref<SchedulerRole> asker = host.probe<SchedulerRole>();
  Ref<StorageRole> storage;
  Bytes content = Bytes(film_size);
  DownloadRecord wanted;
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

BOOST_AUTO_TEST_CASE(what_is_in_the_way_is_refused) {
  Cellar cellar;
  cellar.disk->put_file("/home/film", {1});
  cellar.say(PrepareDownload{1, cellar.wanted});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
  cellar.wanted.path = "/nowhere/film";
  cellar.say(PrepareDownload{1, cellar.wanted});
  BOOST_TEST((cellar.refusal() == Code::io_error));
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

  const auto again =
      cellar.host.spawn<StorageRole>("storage again", std::make_unique<Storage>(cellar.disk, cellar.store));
  cellar.host.inject(cellar.asker.address, again.address, RecallDownloads{record.uid});
  const auto recalled = cellar.host.expect<DownloadsRecalled>(cellar.asker);
  BOOST_TEST_REQUIRE(recalled->downloads.size() == 1u);
  cellar.host.inject(cellar.asker.address, again.address, PrepareDownload{2, recalled->downloads.front()});
  BOOST_TEST((cellar.host.expect<DownloadPrepared>(cellar.asker)->bitfield == Bytes{0b0101'0000}));
}

BOOST_AUTO_TEST_CASE(a_part_file_that_is_gone_vouches_for_nothing) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.say(JournalPiece{record.id, 1_piece});
  BOOST_TEST(!cellar.disk->remove(record.part_path));
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));
  BOOST_TEST((cellar.prepare(record).bitfield == Bytes{0}));  // nor does the empty one in its place
}

BOOST_AUTO_TEST_CASE(the_pieces_of_a_settled_download_can_be_forgotten) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.say(JournalPiece{record.id, 1_piece});
  cellar.say(SettleDownload{record.id, DownloadPhase::failed, Code::integrity, "wrong", true});
  cellar.say(RecallDownloads{record.uid});
  const auto recalled = cellar.host.expect<DownloadsRecalled>(cellar.asker);
  BOOST_TEST((recalled->downloads.front().phase == DownloadPhase::failed));
  BOOST_TEST((recalled->downloads.front().code == Code::integrity));
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

BOOST_AUTO_TEST_CASE(finishing_never_overwrites) {
  Cellar cellar;
  const DownloadRecord record = cellar.prepare(cellar.wanted).download;
  cellar.disk->put_file("/home/film", {1, 2});
  cellar.say(FinishDownload{record.id, record.part_path, record.path});
  BOOST_TEST((cellar.refusal() == Code::destination_exists));
  BOOST_TEST((cellar.disk->content("/home/film") == Bytes{1, 2}));
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
                    "/home/film",      {}};
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
