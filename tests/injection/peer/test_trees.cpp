// Directories between whole clients, on a real disk.

#include <stdlib.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "actors/digest.hpp"
#include "peer/manifest.hpp"
#include "peer/posix_disk.hpp"
#include "tests/injection/peer/little_network.hpp"

namespace {

using namespace tutti;
using namespace tutti::test;
using Client = LittleNetwork::Client;
namespace fs = std::filesystem;

constexpr std::size_t piece = 512 * 1024;

std::string some_text(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

/// What is in a directory: contents by path, `/` for an empty directory, a `*` before what can be executed, `->` for links.
using Image = std::map<std::string, std::string>;
Image image_of(const fs::path& root) {
  Image image;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = fs::relative(entry.path(), root).string();
    if (entry.is_symlink()) {
      image[path] = "->" + fs::read_symlink(entry.path()).string();
    } else if (entry.is_directory()) {
      if (fs::is_empty(entry.path())) image[path] = "/";
    } else {
      std::ifstream file(entry.path(), std::ios::binary);
      const bool runs = (entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none;
      image[path] = (runs ? "*" : "") + std::string(std::istreambuf_iterator<char>(file), {});
    }
  }
  return image;
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

struct Town {
  Town() {
    std::string pattern = (fs::temp_directory_path() / "tutti-trees-XXXXXX").string();
    root = mkdtemp(pattern.data());
    alice = &network.add(1, nullptr, nullptr, disk);
    bob = &network.add(2, bobs_store, nullptr, disk);
    network.login(*alice, "alice");
    network.login(*bob, "bob");
    network.tamper = [this](const Client& from, Envelope& envelope) {
      if (envelope.id == Block::message_id) sent[from.key] += envelope.payload.size();
      return true;
    };
  }
  Town(const Town&) = delete;
  Town& operator=(const Town&) = delete;
  ~Town() { fs::remove_all(root); }

  /// Three pieces: one with the manifest, and many files, among them one that is longer than a piece.
  Image fill(const fs::path& to) const {
    for (int i = 0; i < 40; ++i)
      write(to / ("dir" + std::to_string(i % 3)) / ("file" + std::to_string(i)),
            some_text(3000 + 17U * static_cast<unsigned>(i), static_cast<std::uint64_t>(i)));
    write(to / "long", some_text(2 * piece + 5, 99));
    write(to / "deep" / "er" / "file", "deep");
    write(to / "nothing", "");
    write(to / "run.sh", "#!/bin/sh\n");
    fs::permissions(to / "run.sh", fs::perms::owner_exec, fs::perm_options::add);
    fs::create_directories(to / "empty" / "below");
    return image_of(to);
  }
  Told share(const fs::path& path) {
    return network.told(*alice, network.command(*alice, alice->at.librarian,
                                                ShareFile{{}, path.string() + "/", GroupName{"g"}}));
  }
  Told fetch(const fs::path& to, std::vector<std::string> only = {}, const std::string& name = "tree") {
    return network.told(
        *bob, network.command(
                  *bob, bob->at.scheduler,
                  StartDownload{{}, GroupName{"g"}, FileName{name}, to.string(), false, std::move(only)}));
  }
  bool is(DownloadPhase phase) {
    return network.run_until([&] { return network.is_in(*bob, phase); });
  }
  DownloadRow row() { return network.downloads(*bob).back(); }
  std::vector<std::string> beside() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path root;
  LittleNetwork network;
  std::shared_ptr<PosixDisk> disk = std::make_shared<PosixDisk>();
  std::shared_ptr<ClientStore> bobs_store = make_memory_client_store(ClientIdentity{client_key(2), {}});
  Client* alice = nullptr;
  Client* bob = nullptr;
  std::map<ClientKey, std::uint64_t> sent;
};

BOOST_AUTO_TEST_SUITE(trees)

BOOST_FIXTURE_TEST_CASE(a_directory_arrives_as_it_was, Town) {
  const Image image = fill(root / "tree");
  BOOST_TEST((share(root / "tree").what.get<FileAdded>() != nullptr));
  BOOST_TEST((fetch(root / "got").what.get<Done>() != nullptr));
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
  BOOST_TEST(network.tracker.sharers_of("tree") == 2u);
  BOOST_TEST(row().path == (root / "got").string() + "/");
  BOOST_TEST(network.host.faults().empty());

  // It is served from there.
  network.command(*alice, alice->at.tracker_link, Ask{{}, Logout{}});
  Client& carol = network.add(3, nullptr, nullptr, disk);
  network.login(carol, "carol");
  fs::create_directory(root / "folder");
  network.command(carol, carol.at.scheduler,
                  StartDownload{{}, GroupName{"g"}, FileName{"tree"}, (root / "folder").string(), false});
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::complete); }));
  BOOST_TEST((image_of(root / "folder" / "tree") == image));
}

BOOST_FIXTURE_TEST_CASE(links_and_special_files_are_left_out_and_named, Town) {
  Image image = fill(root / "tree");
  write(root / "secret", "secret");
  fs::create_symlink(root / "secret", root / "tree" / "link");
  fs::create_directory_symlink(root, root / "tree" / "dir0" / "up");
  mkfifo((root / "tree" / "pipe").c_str(), 0600);
  const Told told = share(root / "tree");
  BOOST_TEST((told.what.get<FileAdded>() != nullptr));
  BOOST_TEST(told.sentence.ends_with(": dir0/up, link, pipe"), told.sentence);
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST((image_of(root / "got") == image));
}

BOOST_FIXTURE_TEST_CASE(only_what_is_wanted_is_fetched, Town) {
  const Image image = fill(root / "tree");
  share(root / "tree");
  fs::create_directory(root / "place");
  fetch(root / "place", {"dir1", "*.sh", "empty/**"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  Image wanted;
  for (const auto& [path, what] : image)
    if (path.starts_with("dir1/") || path == "run.sh" || path == "empty/below") wanted.emplace(path, what);
  BOOST_TEST(wanted.size() > 10u);
  BOOST_TEST((image_of(root / "place" / "tree") == wanted));
  BOOST_TEST(sent[alice->key] <= 2 * piece);
  BOOST_TEST((row().verified == row().size));
  // The rest is added to it when it is wanted.
  fetch(root / "place");
  BOOST_TEST_REQUIRE(network.run_until([&] { return image_of(root / "place" / "tree") == image; }));
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST((beside() == std::vector<std::string>{"place", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(a_part_of_a_directory_is_served_as_far_as_it_has_whole_pieces, Town) {
  fill(root / "tree");
  share(root / "tree");
  // All that is in the piece of the manifest, so that it is served.
  fetch(root / "got", {"deep", "dir*", "long"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST(network.tracker.sharers_of("tree") == 2u);
  network.command(*alice, alice->at.tracker_link, Ask{{}, Logout{}});
  Client& carol = network.add(3, nullptr, nullptr, disk);
  network.login(carol, "carol");
  network.command(
      carol, carol.at.scheduler,
      StartDownload{{}, GroupName{"g"}, FileName{"tree"}, (root / "carols").string(), false, {"dir0/file0"}});
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::complete); }));
  BOOST_TEST(image_of(root / "carols").at("dir0/file0") == image_of(root / "tree").at("dir0/file0"));
}

BOOST_FIXTURE_TEST_CASE(what_is_meant_by_nothing_is_said, Town) {
  fill(root / "tree");
  share(root / "tree");
  fetch(root / "got", {"no such thing"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
  BOOST_TEST((row().code == Code::no_such_file));
  BOOST_TEST(!fs::exists(root / "got"));
}

BOOST_FIXTURE_TEST_CASE(what_is_there_is_not_fetched_again, Town) {
  const Image image = fill(root / "tree");
  share(root / "tree");
  fs::create_directory(root / "place");
  fs::copy(root / "tree", root / "place" / "tree", fs::copy_options::recursive);
  fetch(root / "place");  // a folder: it keeps its name
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST((image_of(root / "place" / "tree") == image));
  // Nothing but the piece in which the manifest is.
  BOOST_TEST(sent[alice->key] == piece);
  BOOST_TEST((beside() == std::vector<std::string>{"place", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(what_is_missing_at_the_destination_is_added, Town) {
  Image image = fill(root / "tree");
  share(root / "tree");
  fs::create_directory(root / "place");
  fs::copy(root / "tree", root / "place" / "tree", fs::copy_options::recursive);
  const fs::path got = root / "place" / "tree";
  write(got / "mine", "of my own");
  fs::remove(got / "dir0" / "file0");
  fs::remove(got / "run.sh");
  fs::remove_all(got / "empty");
  struct stat before {};
  struct stat after {};
  ::stat((got / "long").c_str(), &before);
  fetch(root / "place");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  ::stat((got / "long").c_str(), &after);
  BOOST_TEST(before.st_ino == after.st_ino);
  BOOST_TEST(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  image["mine"] = "of my own";
  BOOST_TEST((image_of(got) == image));
  // Of its three pieces the second lies in what was there.
  BOOST_TEST(sent[alice->key] < piece + piece / 2);
  BOOST_TEST(sent[alice->key] > 0u);
}

BOOST_FIXTURE_TEST_CASE(another_file_of_the_same_name_is_not_overwritten, Town) {
  fill(root / "tree");
  share(root / "tree");
  for (const bool same_size : {false, true}) {
    const fs::path got = root / (same_size ? "same" : "other");
    fs::create_directory(got);
    std::string text = some_text(2 * piece + 5, 99);
    text[text.size() / 2] ^= 1;
    write(got / "long", same_size ? text : text + "x");
    write(got / "mine", "of my own");
    const Image image = image_of(got);
    // Only the manifest is known when it is seen; or, of the same size, all that shares no piece with others.
    fs::create_directory(root / "in");
    fs::rename(got, root / "in" / "tree");
    fetch(root / "in");
    BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
    BOOST_TEST((row().code == Code::destination_exists), row().sentence);
    BOOST_TEST((image_of(root / "in" / "tree") == image));
    fs::remove_all(root / "in");
    if (!same_size) BOOST_TEST(sent[alice->key] <= piece);
    network.command(*bob, bob->at.scheduler, ControlDownloads{{}, DownloadOrder::cancel, std::nullopt, {}});
  }
}

BOOST_FIXTURE_TEST_CASE(one_that_shares_its_piece_with_others_is_found_before_anything_is_touched, Town) {
  fill(root / "tree");
  share(root / "tree");
  std::string text = image_of(root / "tree").at("dir0/file0");
  text[7] ^= 1;
  write(root / "in" / "tree" / "dir0" / "file0", text);
  const Image image = image_of(root / "in");
  fetch(root / "in");
  BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
  BOOST_TEST((row().code == Code::destination_exists), row().sentence);
  BOOST_TEST((image_of(root / "in" / "tree") == image_of(root / "in" / "tree")));
  BOOST_TEST(image_of(root / "in" / "tree").size() == 1u);
  BOOST_TEST(image_of(root / "in" / "tree").at("dir0/file0") == text);
}

BOOST_AUTO_TEST_CASE(a_link_at_the_destination_leads_nowhere) {
  for (const std::string name : {"dir0", "deep"}) {
    Town town;
    town.fill(town.root / "tree");
    town.share(town.root / "tree");
    fs::create_directories(town.root / "in" / "tree");
    fs::create_directory(town.root / "out");
    fs::create_directory_symlink(town.root / "out", town.root / "in" / "tree" / name);
    town.fetch(town.root / "in");
    BOOST_TEST_REQUIRE(town.is(DownloadPhase::failed), name);
    BOOST_TEST((town.row().code == Code::destination_exists), town.row().sentence);
    BOOST_TEST(fs::is_empty(town.root / "out"));
  }
}

BOOST_FIXTURE_TEST_CASE(a_client_that_dies_goes_on_where_it_was, Town) {
  const Image image = fill(root / "tree");
  share(root / "tree");
  int left = 2;
  network.tamper = [&](const Client& from, Envelope& envelope) {
    if (envelope.id != Block::message_id) return true;
    sent[from.key] += envelope.payload.size();
    return left-- > 0;
  };
  fetch(root / "got");
  network.run_until([&] { return left < 0; });
  network.kill(*bob);
  left = 1000;
  sent.clear();
  bob = &network.add(2, bobs_store, nullptr, disk);
  network.login(*bob, "bob");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
  // What had come before has not come again.
  BOOST_TEST(sent[alice->key] <= piece);
}

BOOST_FIXTURE_TEST_CASE(a_directory_that_changes_while_it_is_served_gives_no_wrong_piece, Town) {
  fill(root / "tree");
  share(root / "tree");
  bool changed = false;
  network.tamper = [&](const Client&, Envelope& envelope) {
    if (envelope.id != Block::message_id || changed) return true;
    changed = true;
    write(root / "tree" / "long", some_text(2 * piece + 5, 100));
    return true;
  };
  fetch(root / "got");
  BOOST_TEST(network.run_until(
      [&] { return network.host.find<ShareChanged>(alice->at.shell.address).has_value(); }));
  BOOST_TEST(!network.is_in(*bob, DownloadPhase::complete));
  BOOST_TEST(network.tracker.sharers_of("tree") < 2u);
  BOOST_TEST(network.host.faults().empty());
  BOOST_TEST(!fs::exists(root / "got"));
}

BOOST_FIXTURE_TEST_CASE(a_recheck_finds_what_is_wrong_and_fetches_it, Town) {
  const Image image = fill(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  std::string text = some_text(2 * piece + 5, 99);
  text.back() ^= 1;
  write(root / "got" / "long", text);
  fs::remove(root / "got" / "dir2" / "file2");
  write(root / "got" / "mine", "of my own");
  network.command(
      *bob, bob->at.scheduler,
      ControlDownloads{{}, DownloadOrder::recheck, DownloadName{GroupName{"g"}, FileName{"tree"}, {}}, {}});
  Image mended = image;
  mended["mine"] = "of my own";
  BOOST_TEST(network.run_until(
      [&] { return image_of(root / "got") == mended && network.is_in(*bob, DownloadPhase::complete); }));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_looks_like_a_directory_is_a_file, Town) {
  const Bytes manifest = Manifest::of({{"a", false, false, {3}}})->encode();
  const std::string text = std::string(manifest.begin(), manifest.end()) + "abc";
  write(root / "plain", text);
  network.told(*alice, network.command(*alice, alice->at.librarian,
                                       ShareFile{{}, (root / "plain").string(), GroupName{"g"}}));
  fetch(root / "got", {}, "plain");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete));
  BOOST_TEST(fs::is_regular_file(root / "got"));
}

/// Shares bytes as a directory, whatever they are, as no client of ours does.
void share_as_directory(Town& town, const std::string& bytes, std::uint64_t manifest_size) {
  write(town.root / "hostile", bytes);
  const Bytes content(bytes.begin(), bytes.end());
  MetainfoBuilder builder(FileName{"tree"}, *PieceLayout::for_size({content.size()}));
  builder.add_piece({0}, {sha1(content), sha256(content)});
  builder.set_whole(sha1(content));
  ShareRecord share;
  share.uid.bytes.fill('a');
  share.group = GroupName{"g"};
  share.metainfo = builder.build();
  share.metainfo.manifest_size = {manifest_size};
  share.path = (town.root / "hostile").string();
  share.identity = *town.disk->identity(share.path);
  const Told told =
      town.network.told(*town.alice, town.network.command(*town.alice, town.alice->at.tracker_link,
                                                          Ask{{}, AddFile{share.group, share.metainfo}}));
  share.gid = told.what.get<FileAdded>()->gid;
  share.fid = told.what.get<FileAdded>()->fid;
  town.network.host.inject(town.alice->at.scheduler.address, town.alice->at.librarian.address,
                           AdoptShare{share});
  town.network.settle();
}

BOOST_AUTO_TEST_CASE(a_manifest_that_leads_elsewhere_is_refused_and_touches_nothing) {
  // Flags 0, nothing shared, the length of the path, the path, a size of 3.
  const auto entry = [](const std::string& path) {
    return std::string("\0\0", 2) + static_cast<char>(path.size()) + path + '\3';
  };
  for (const std::string path : {"../escaped", "/tmp/escaped", "a/../../escaped", "a//b", ".", "x\x1b[2J"}) {
    Town town;
    const std::string manifest = "tutti-tree-1\n" + entry(path);
    share_as_directory(town, manifest + "abc", manifest.size());
    town.fetch(town.root / "got");
    BOOST_TEST_REQUIRE(town.is(DownloadPhase::failed), path);
    BOOST_TEST((town.row().code == Code::integrity), town.row().sentence);
    for (const std::string& name : town.beside())
      BOOST_TEST((name == "hostile" || name.starts_with(".got.")), name);
    BOOST_TEST(!fs::exists("/tmp/escaped"));
  }
  Town town;
  const std::string manifest = "tutti-tree-1\n" + entry("good");
  share_as_directory(town, manifest + "abcd", manifest.size());
  town.fetch(town.root / "got");
  BOOST_TEST_REQUIRE(town.is(DownloadPhase::failed));
  BOOST_TEST((town.row().code == Code::integrity), town.row().sentence);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
