#include "peer/orchestra/exporter.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "peer/file_hasher.hpp"
#include "peer/memory_disk.hpp"
#include "tests/injection/peer/orchestra/support.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;

namespace fs = std::filesystem;

/// An exporter that writes into a folder of its own, and whose partners the test plays.
struct Office {
  explicit Office(bool with_door = true) {
    std::string pattern = (fs::temp_directory_path() / "tutti-export-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    metainfo.name = FileName{"film"};
    metainfo.size = {6};
    metainfo.piece_length = {4};
    metainfo.sha1.bytes.fill(9);
    for (std::uint8_t part = 0; part < 2; ++part) metainfo.piece_sha1.push_back(Sha1{{part}});
    gid.bytes.fill(1);
    fid.bytes.fill(2);
    open(with_door);
  }
  Office(const Office&) = delete;
  Office& operator=(const Office&) = delete;
  ~Office() { fs::remove_all(folder); }

  void open(bool with_door = true) {
    exporter = host.spawn<ExporterRole>(
        "exporter",
        std::make_unique<Exporter>(
            Exporter::Others{shell, librarian, checker, with_door ? door : Ref<OrchDoorRole>{}}, store));
  }
  Told order(const std::string& name = "film.orch") {
    host.inject(shell.address, exporter.address,
                ExportFile{{3}, folder + "/" + name, conductor, gid, fid, metainfo});
    return host.expect<Told>(shell).message;
  }
  ServeFile share() {
    const ServeFile serve{
        gid, fid, {"lab"}, {"film"}, "/home/film", {6}, {4}, {0xc0}, FileIdentity{{6}, 1, 1, 1, 1}};
    host.inject(librarian.address, exporter.address, serve);
    return serve;
  }
  void unshare() {
    host.inject(librarian.address, exporter.address,
                StopServing{gid, fid, "/home/film", CloseReason::logged_out});
  }
  void expect_offer() {
    const auto offer = host.expect<OfferFile>(door);
    BOOST_TEST((offer->file == OrchExport{gid, fid, {"film"}, metainfo.sha1, conductor}));
    BOOST_TEST((offer->group.text == "lab" && offer->size == 6_bytes && offer->piece_length == 4_bytes));
    BOOST_TEST(host.expect<ServeFile>(door)->path == "/home/film");
  }
  std::string written(const std::string& name = "film.orch") const {
    std::ifstream file(folder + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string conductor = "10.0.0.1:9999";
  std::string folder;
  Metainfo metainfo;
  Gid gid;
  Fid fid;
  std::shared_ptr<ClientStore> store = make_memory_client_store(ClientIdentity{});
  InjectionHost host;
  Ref<ShellRole> shell = host.probe<ShellRole>();
  Ref<LibrarianRole> librarian = host.probe<LibrarianRole>();
  Ref<OrchDoorRole> door = host.probe<OrchDoorRole>();
  Ref<FileHasherRole> checker =
      host.spawn<FileHasherRole>("checker", std::make_unique<FileHasher>(std::make_shared<MemoryDisk>()));
  Ref<ExporterRole> exporter;
};

Code refusal(const Told& told) {
  const auto* refused = told.what.get<Refused>();
  BOOST_TEST_REQUIRE((refused != nullptr));
  return refused->code;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(orch_exporter)

BOOST_AUTO_TEST_CASE(a_file_is_written_from_its_metainfo_and_never_over_another) {
  Office office;
  BOOST_TEST((office.order().what.get<Done>() != nullptr));
  const std::string text = orch_text(orch_file_of(office.metainfo, office.conductor));
  BOOST_TEST(office.written() == text);
  office.metainfo.piece_length = {6};
  BOOST_TEST((refusal(office.order()) == Code::destination_exists));
  BOOST_TEST(office.written() == text);
  BOOST_TEST((refusal(office.order("no/such/folder")) == Code::no_such_file));
  // Nothing half is left beside it.
  BOOST_TEST(std::distance(fs::directory_iterator(office.folder), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(directories_are_refused_and_what_is_not_for_originals_is_said) {
  Office office;
  office.metainfo.name = FileName{"größe"};
  const Told told = office.order();
  BOOST_TEST((told.what.get<Done>() != nullptr));
  BOOST_TEST(!told.sentence.empty());
  office.metainfo.manifest_size = {6};
  BOOST_TEST((refusal(office.order("other.orch")) == Code::other));
  BOOST_TEST(!fs::exists(office.folder + "/other.orch"));
}

BOOST_AUTO_TEST_CASE(served_is_what_is_shared_and_was_exported) {
  Office office;
  office.share();
  office.host.expect_silence();
  office.order();
  office.expect_offer();
  office.unshare();
  BOOST_TEST((office.host.expect<StopServing>(office.door)->reason == CloseReason::logged_out));
  office.unshare();
  office.host.expect_silence();
  // The next login.
  office.share();
  office.expect_offer();
}

BOOST_AUTO_TEST_CASE(exports_are_remembered_by_the_next_client_of_the_state_folder) {
  Office office;
  office.order();
  office.host.stop(office.exporter.address);
  office.open();
  office.share();
  office.expect_offer();
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_withdrawn_until_the_librarian_shares_it_again) {
  Office office;
  office.order();
  office.share();
  office.expect_offer();
  office.host.inject(
      office.door.address, office.exporter.address,
      ServingFailed{office.gid, office.fid, "/home/film", Code::io_error, "it cannot be read"});
  office.host.expect<StopServing>(office.door);
  BOOST_TEST((office.host.expect<ServingFailed>(office.librarian)->code == Code::io_error));
  office.share();
  office.expect_offer();
}

BOOST_AUTO_TEST_CASE(what_could_not_be_read_elsewhere_says_nothing_of_what_is_shared_now) {
  Office office;
  office.order();
  office.share();
  office.expect_offer();
  office.host.inject(office.door.address, office.exporter.address,
                     ServingFailed{office.gid, office.fid, "/old/film", Code::no_such_file, "it is gone"});
  office.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_conductor_that_would_have_to_be_looked_up_is_written_but_not_asked) {
  Office office;
  office.conductor = "example.org:9999";
  BOOST_TEST((office.order().what.get<Done>() != nullptr));
  BOOST_TEST(office.written().starts_with("example.org:9999\n"));
  office.share();
  BOOST_TEST(office.host.expect<Notice>(office.shell)->sentence.find("example.org") != std::string::npos);
  office.host.expect_silence();
  office.conductor = "localhost:9999";
  BOOST_TEST((office.order("again.orch").what.get<Done>() != nullptr));
  office.host.expect<OfferFile>(office.door);
}

BOOST_AUTO_TEST_CASE(without_a_door_nothing_is_served) {
  Office office(false);
  office.share();
  BOOST_TEST((office.order().what.get<Done>() != nullptr));
  office.unshare();
  office.host.expect_silence();
  BOOST_TEST(office.store->exports()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(of_very_many_exports_the_oldest_is_served_no_more) {
  Office office;
  office.order();
  office.share();
  office.expect_offer();
  const Fid first = office.fid;
  for (std::uint64_t more = 0; more < ClientStore::exports_max; ++more) {
    office.host.expect_silence(office.door.address);
    std::memcpy(office.fid.bytes.data() + 1, &more, sizeof more);
    office.order("more-" + std::to_string(more));
  }
  BOOST_TEST((office.host.expect<StopServing>(office.door)->fid == first));
  BOOST_TEST(office.host.expect<Notice>(office.shell)
                 ->sentence.starts_with("film is not served to members any more"));
  office.fid = first;
  office.share();
  office.host.expect_silence(office.door.address);
  // Exported again it is the newest.
  office.order("again.orch");
  office.expect_offer();
}

BOOST_AUTO_TEST_SUITE_END()
