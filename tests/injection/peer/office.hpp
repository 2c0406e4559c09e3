#pragma once

#include <boost/test/unit_test.hpp>

#include "peer/scheduler.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace tutti::test {

inline Metainfo metainfo_of(std::uint32_t pieces, const std::string& name = "film") {
  MetainfoBuilder builder(FileName{name}, PieceLayout({pieces * block_size.value}, block_size));
  for (PieceIndex piece; piece.value < pieces; ++piece) builder.add_piece(piece, {});
  builder.set_whole(Sha1{});
  return builder.build();
}

/// A scheduler whose partners the test plays. ann is logged in and downloads nothing.
struct Office {
  explicit Office(SchedulerOptions options = {}) {
    options.self = client_key(9);
    scheduler = host.spawn<SchedulerRole>(
        "scheduler",
        std::make_unique<Scheduler>(
            options, Scheduler::Others{shell, link, librarian, uploader, storage, {verifier}, checker}));
    uid.bytes.fill(7);
    gid.bytes.fill(1);
    host.expect<WatchLimits>(storage);
  }
  void login(std::vector<DownloadRecord> recalled = {}) {
    host.inject(link.address, scheduler.address, SessionChanged{uid, "ann"});
    const auto recall = host.expect<RecallDownloads>(storage);
    BOOST_TEST((recall->uid == uid));
    host.inject(storage.address, scheduler.address,
                DownloadsRecalled{uid, recall->session, std::move(recalled)});
  }
  /// A download of four pieces as the store has it.
  DownloadRecord record(const std::string& path = "/home/film") const {
    DownloadRecord kept;
    kept.id = {5};
    kept.uid = uid;
    kept.gid = gid;
    kept.group = GroupName{"g"};
    kept.metainfo = metainfo_of(4);
    kept.fid = fid_of(kept.metainfo);
    kept.path = path;
    kept.part_path = path + ".part";
    kept.phase = DownloadPhase::fetching;
    return kept;
  }
  Sharer sharer(std::uint8_t number) const {
    return {UserName{"bob"}, client_key(number), "127.0.0.1", static_cast<std::uint16_t>(7000 + number)};
  }
  Sharer of_ann(std::uint8_t number) const {
    Sharer own = sharer(number);
    own.user = UserName{"ann"};
    return own;
  }
  /// The disk fails while a piece is written.
  void break_disk() {
    host.inject(verifier.address, scheduler.address, PieceUnwritable{{5}, 0_piece, Code::disk_full, "full"});
  }
  /// What the trackers have been asked since the last look, none of it answered.
  template <class Question>
  std::optional<Question> asked() {
    std::optional<Question> last;
    while (const auto ask = host.find<Ask>(link.address))
      if (const auto* question = ask->message.what.get<Question>()) last = *question;
    return last;
  }
  void unshare() {
    host.inject(librarian.address, scheduler.address, DownloadUnshared{GroupName{"g"}, FileName{"film"}});
  }
  /// Answers the oldest question to the trackers, which must be a `Request`.
  template <class Question>
  Question told(TrackerAnswer answer) {
    auto ask = host.expect<Ask>(link);
    // Tickets are asked for beside everything else.
    while (!std::same_as<Question, AskTicket> && ask->what.get<AskTicket>() != nullptr)
      ask = host.expect<Ask>(link);
    BOOST_TEST_REQUIRE((ask->what.get<Question>() != nullptr));
    host.inject(link.address, scheduler.address, Told{ask->command, std::move(answer), false, {}});
    return *ask->what.get<Question>();
  }
  void start(std::uint64_t command, const std::string& file = "film",
             const std::string& destination = "/home") {
    host.inject(shell.address, scheduler.address,
                StartDownload{{command}, GroupName{"g"}, FileName{file}, destination, false});
  }
  bool done(std::uint64_t command) {
    const auto said = host.find<Told>(shell.address);
    return said && said->message.command.value == command && said->message.what.get<Done>() != nullptr;
  }
  FileFound found(const Metainfo& metainfo, std::vector<Sharer> sharers) const {
    return {gid, fid_of(metainfo), metainfo, std::move(sharers)};
  }
  void prepared(std::uint64_t id, Bytes bitfield) {
    const auto prepare = host.expect<PrepareDownload>(storage);
    DownloadRecord record = prepare->download;
    record.id = {id};
    record.path = "/home/" + record.metainfo.name.text;
    record.part_path = record.path + ".part";
    host.inject(storage.address, scheduler.address,
                DownloadPrepared{prepare->tag, record, std::move(bitfield)});
  }
  Code refusal() {
    auto said = host.find<Told>(shell.address);
    BOOST_TEST_REQUIRE(said.has_value());
    const auto* refused = said->message.what.get<Refused>();
    BOOST_TEST_REQUIRE((refused != nullptr));
    BOOST_TEST(!refused->sentence.empty());
    return refused->code;
  }
  DownloadRow row() {
    host.discard(shell.address);
    host.inject(shell.address, scheduler.address, ListDownloads{{99}});
    const auto downloads = host.expect<Downloads>(shell);
    BOOST_TEST_REQUIRE(!downloads->downloads.empty());
    return downloads->downloads.back();
  }
  /// A download of four pieces from bob at 7003 runs; his link is up and he has all.
  Address run() {
    login();
    start(1);
    told<FindFile>(found(metainfo_of(4), {sharer(3)}));
    prepared(5, {0});
    told<StartShare>(Done{});
    const Address peer = host.link_to("127.0.0.1:7003");
    host.link_up(peer);
    host.inject(peer, owner(peer), PeerWelcome{1, client_key(3)});
    host.inject(peer, owner(peer), FileOpened{fid_of(metainfo_of(4)), {0xf0}});
    return peer;
  }
  /// The link to `sharer(number)` is up, and he has opened the file, of which he has `bits`.
  Address open_at(std::uint8_t number, const Metainfo& metainfo, Bytes bits) {
    const Address peer = host.link_to("127.0.0.1:" + std::to_string(7000 + number));
    host.link_up(peer);
    host.inject(peer, owner(peer), PeerWelcome{1, client_key(number)});
    host.inject(peer, owner(peer), FileOpened{fid_of(metainfo), std::move(bits)});
    return peer;
  }
  Address owner(Address of) {
    for (const auto& each : host.links())
      if (each.address == of) return each.owner;
    return {};
  }
  void verified(std::uint32_t piece, std::uint32_t run = 0) {
    for (const auto& each : host.links())
      if (each.endpoint == "127.0.0.1:7003")
        host.inject(each.owner, scheduler.address, BlockArrived{{5}, {piece}, 0, {0}, block_size});
    host.inject(verifier.address, scheduler.address, PieceVerified{{5}, {piece}, run});
  }
  void whole(const Sha1& digest) {
    host.discard(verifier.address);
    host.inject(verifier.address, scheduler.address, WholeHashed{{5}, digest});
    host.expect<EndDownload>(verifier);
  }
  /// Download 5, of which everything is here, is about to get its name.
  void finish() {
    login();
    start(1);
    told<FindFile>(found(metainfo_of(4), {}));
    prepared(5, {0xf0});
    whole(Sha1{});
    host.expect<FinishDownload>(storage);
  }

  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<TrackerLinkRole> link = host.probe<TrackerLinkRole>();
  Ref<LibrarianRole> librarian = host.probe<LibrarianRole>();
  Ref<UploaderRole> uploader = host.probe<UploaderRole>();
  Ref<StorageRole> storage = host.probe<StorageRole>();
  Ref<HashVerifierRole> verifier = host.probe<HashVerifierRole>();
  Ref<FileHasherRole> checker = host.probe<FileHasherRole>();
  Ref<SchedulerRole> scheduler;
  Uid uid;
  Gid gid;
};

}  // namespace tutti::test
