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

  /// Four pieces: one with the manifest, and many files, among them one that is longer than a piece.
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
  /// Of one piece the manifest, of two each what is in `a` and `b`, and `c` what is left.
  Image fill_apart(const fs::path& to) const {
    write(to / "a" / "1", some_text(piece + 7, 1));
    write(to / "a" / "2", some_text(piece - 7, 2));
    write(to / "b" / "1", some_text(piece + 7, 3));
    write(to / "b" / "2", some_text(piece - 7, 4));
    write(to / "c", some_text(100, 5));
    write(to / "nothing", "");
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
  /// What is done when the first block comes that is not of the manifest.
  void at_first_content(std::function<void()> what) {
    network.tamper = [this, what = std::move(what), done = false](const Client& from,
                                                                  Envelope& envelope) mutable {
      if (envelope.id != Block::message_id) return true;
      sent[from.key] += envelope.payload.size();
      if (decode<Block>(envelope.body)->piece.value > 0 && !std::exchange(done, true)) what();
      return true;
    };
  }
  void order(DownloadOrder what) {
    network.command(*bob, bob->at.scheduler,
                    ControlDownloads{{}, what, DownloadName{GroupName{"g"}, FileName{"tree"}, {}}, {}});
  }
  /// bob fetches, and is killed when so many blocks have come.
  void die_after(int blocks) {
    const auto left = std::make_shared<int>(blocks);
    network.tamper = [this, left](const Client& from, Envelope& envelope) {
      if (envelope.id != Block::message_id) return true;
      sent[from.key] += envelope.payload.size();
      return (*left)-- > 0;
    };
    fetch(root / "got");
    network.run_until([&] { return *left < 0; });
    network.kill(*bob);
    *left = 1000;  // from now on nothing is held back
    sent.clear();
  }
  void rejoin() {
    bob = &network.add(2, bobs_store, nullptr, disk);
    network.login(*bob, "bob");
  }
  /// bob is killed, and comes back.
  void come_back() {
    network.kill(*bob);
    rejoin();
  }
  void pass(Duration time) {
    network.run_until([] { return false; }, time);
  }
  bool is(DownloadPhase phase) {
    return network.run_until([&] { return network.is_in(*bob, phase); });
  }
  DownloadRow row() { return network.downloads(*bob).back(); }
  static Uid uid_of_bob() {
    Uid uid;
    uid.bytes.fill('b');
    return uid;
  }
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
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
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
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(root / "got") == image));
}

BOOST_FIXTURE_TEST_CASE(only_what_is_wanted_is_fetched, Town) {
  const Image image = fill(root / "tree");
  share(root / "tree");
  fs::create_directory(root / "place");
  fetch(root / "place", {"dir1", "*.sh", "empty/**"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  Image wanted;
  for (const auto& [path, what] : image)
    if (path.starts_with("dir1/") || path == "run.sh" || path == "empty/below") wanted.emplace(path, what);
  BOOST_TEST(wanted.size() > 10u);
  BOOST_TEST((image_of(root / "place" / "tree") == wanted));
  BOOST_TEST(sent[alice->key] <= 2 * piece + piece / 2);
  BOOST_TEST((row().verified == row().size));
  // The rest is added to it when it is wanted.
  fetch(root / "place");
  BOOST_TEST_REQUIRE(network.run_until([&] { return image_of(root / "place" / "tree") == image; }));
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((beside() == std::vector<std::string>{"place", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(two_parts_at_one_place_are_shared_together, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  fs::create_directory(root / "place");
  for (const char* part : {"a", "b"}) {
    fetch(root / "place", {part});
    BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  }
  const auto shares = bobs_store->shares_of(uid_of_bob());
  BOOST_TEST_REQUIRE(shares->size() == 1u);
  BOOST_CHECK((shares->front().pieces == Bytes{0b1111'1000}));
  network.command(*alice, alice->at.tracker_link, Ask{{}, Logout{}});
  Client& carol = network.add(3, nullptr, nullptr, disk);
  network.login(carol, "carol");
  network.command(
      carol, carol.at.scheduler,
      StartDownload{{}, GroupName{"g"}, FileName{"tree"}, (root / "carols").string(), false, {"a", "b"}});
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::complete); }));
  BOOST_TEST((image_of(root / "carols") == image_of(root / "place" / "tree")));
  // All of it at last, of which little is missing.
  network.login(*alice, "alice");
  sent.clear();
  fetch(root / "place");
  BOOST_TEST_REQUIRE(network.run_until([&] { return image_of(root / "place" / "tree") == image; }));
}

BOOST_FIXTURE_TEST_CASE(what_is_not_there_any_more_is_not_shared_with_another_part, Town) {
  fill_apart(root / "tree");
  share(root / "tree");
  fs::create_directory(root / "place");
  fetch(root / "place", {"a"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  write(root / "place" / "tree" / "a" / "2", some_text(piece - 7, 77));
  fetch(root / "place", {"b"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_CHECK((bobs_store->shares_of(uid_of_bob())->front().pieces == Bytes{0b1001'1000}));
}

BOOST_FIXTURE_TEST_CASE(a_piece_of_which_two_parts_have_a_half_each_is_shared_when_both_are_there, Town) {
  write(root / "tree" / "a", some_text(piece / 2, 1));
  write(root / "tree" / "b", some_text(piece / 2, 2));
  write(root / "tree" / "c", some_text(piece, 3));
  share(root / "tree");
  fs::create_directory(root / "place");
  for (const char* part : {"a", "b"}) {
    fetch(root / "place", {part});
    BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  }
  BOOST_CHECK((bobs_store->shares_of(uid_of_bob())->front().pieces == Bytes{0b1100'0000}));
}

BOOST_FIXTURE_TEST_CASE(a_part_of_a_directory_is_served_as_far_as_it_has_whole_pieces, Town) {
  fill(root / "tree");
  share(root / "tree");
  fetch(root / "got", {"deep", "dir*", "long"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
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

BOOST_FIXTURE_TEST_CASE(who_has_any_part_serves_the_manifest, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got", {"b"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  network.command(*alice, alice->at.tracker_link, Ask{{}, Logout{}});
  Client& carol = network.add(3, nullptr, nullptr, disk);
  network.login(carol, "carol");
  network.command(
      carol, carol.at.scheduler,
      StartDownload{{}, GroupName{"g"}, FileName{"tree"}, (root / "carols").string(), false, {"b/*"}});
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::complete); }));
  BOOST_TEST((image_of(root / "carols") == image_of(root / "got")));
  BOOST_TEST(image_of(root / "got").at("b/1") == image.at("b/1"));
}

BOOST_FIXTURE_TEST_CASE(a_little_directory_is_one_piece_without_zeros, Town) {
  write(root / "tree" / "a" / "b", "some text");
  write(root / "tree" / "c", "more of it");
  const Image image = image_of(root / "tree");
  share(root / "tree");
  for (const bool part : {false, true}) {
    const std::string name = part ? "part" : "all";
    fetch(root / name, part ? std::vector<std::string>{"c"} : std::vector<std::string>{});
    BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
    BOOST_TEST(row().pieces == 1u);
    BOOST_TEST(row().size.value < 100u);
    BOOST_TEST((image_of(root / name) == (part ? Image{{"c", "more of it"}} : image)));
  }
}

BOOST_FIXTURE_TEST_CASE(a_part_that_is_fetched_does_not_take_the_place_of_all_of_it, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  fetch(root / "again", {"b"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  network.command(*alice, alice->at.tracker_link, Ask{{}, Logout{}});
  Client& carol = network.add(3, nullptr, nullptr, disk);
  network.login(carol, "carol");
  network.command(carol, carol.at.scheduler,
                  StartDownload{{}, GroupName{"g"}, FileName{"tree"}, (root / "carols").string(), false});
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::complete); }));
  BOOST_TEST((image_of(root / "carols") == image));
}

BOOST_FIXTURE_TEST_CASE(a_part_without_which_only_empty_files_are_is_shared_after_a_restart, Town) {
  fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got", {"a", "b", "c"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST(!fs::exists(root / "got" / "nothing"));
  come_back();
  pass(std::chrono::seconds(12));
  BOOST_TEST(!network.host.find<ShareChanged>(bob->at.shell.address).has_value());
  BOOST_TEST(bobs_store->shares_of(uid_of_bob())->size() == 1u);
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
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
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
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  ::stat((got / "long").c_str(), &after);
  BOOST_TEST(before.st_ino == after.st_ino);
  BOOST_TEST(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  image["mine"] = "of my own";
  BOOST_TEST((image_of(got) == image));
  // Of its three pieces behind the manifest's the second lies in what was there.
  BOOST_TEST(sent[alice->key] < 2 * piece + piece / 2);
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

BOOST_FIXTURE_TEST_CASE(what_is_not_wanted_is_not_looked_at, Town) {
  fill(root / "tree");
  share(root / "tree");
  std::string text = image_of(root / "tree").at("dir0/file0");
  text[7] ^= 1;
  write(root / "in" / "tree" / "dir0" / "file0", text);
  fetch(root / "in", {"dir0/file3"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST(image_of(root / "in" / "tree").at("dir0/file0") == text);
  BOOST_TEST(image_of(root / "in" / "tree").size() == 2u);
}

/// bob has `a` already and fetches `b`, and what he does with `a` meanwhile.
struct Merging : Town {
  Merging() {
    fill_apart(root / "tree");
    write(root / "tree" / "d", "in one piece with c");
    image = image_of(root / "tree");
    share(root / "tree");
    fs::create_directories(got);
    fs::copy(root / "tree" / "a", got / "a", fs::copy_options::recursive);
  }
  void fetch_both() {
    fetch(root / "place", {"a", "b"});
    wanted = image;
    for (const std::string path : {"c", "d", "nothing"}) wanted.erase(path);
  }
  fs::path got = root / "place" / "tree";
  Image image;
  Image wanted;
};

BOOST_FIXTURE_TEST_CASE(what_was_there_is_fetched_if_it_is_taken_away_meanwhile, Merging) {
  at_first_content([&] { fs::remove(got / "a" / "1"); });
  fetch_both();
  BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
  BOOST_TEST((row().code == Code::file_conflict), row().sentence);
  BOOST_TEST(!fs::exists(got / "b"));
  fetch_both();
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(got) == wanted));
}

BOOST_FIXTURE_TEST_CASE(what_was_there_is_not_shared_if_it_is_edited_meanwhile, Merging) {
  const std::string edited = some_text(piece + 7, 77);
  at_first_content([&] { write(got / "a" / "1", edited); });
  fetch_both();
  BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
  BOOST_TEST((row().code == Code::file_conflict), row().sentence);
  BOOST_TEST(bobs_store->shares_of(uid_of_bob())->empty());
  fetch_both();
  BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
  BOOST_TEST((row().code == Code::destination_exists), row().sentence);
  BOOST_TEST(image_of(got).at("a/1") == edited);
  BOOST_TEST(image_of(got).size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(what_was_there_is_hashed_again_if_it_was_edited_while_the_client_was_off, Merging) {
  int left = 2;
  network.tamper = [&](const Client&, Envelope& envelope) {
    return envelope.id != Block::message_id || left-- > 0;
  };
  fetch_both();
  network.run_until([&] { return left < 0; });
  network.kill(*bob);
  write(got / "a" / "1", some_text(piece + 7, 77));
  left = 1000;
  come_back();
  BOOST_TEST_REQUIRE(is(DownloadPhase::failed));
  BOOST_TEST((row().code == Code::destination_exists), row().sentence);
  BOOST_TEST(!fs::exists(got / "b"));
}

BOOST_FIXTURE_TEST_CASE(a_little_file_that_was_there_is_not_missing_in_the_end, Merging) {
  // It lies in a piece with what is not wanted, so it comes as well.
  write(got / "c", image.at("c"));
  at_first_content([&] { fs::remove(got / "c"); });
  fetch(root / "place", {"a", "c"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST(image_of(got).at("c") == image.at("c"));
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
  die_after(2);
  rejoin();
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
  // What had come before has not come again.
  BOOST_TEST(sent[alice->key] == row().size.value - 2 * piece);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_list_costs_nothing_else, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  die_after(4);
  for (const std::string& name : beside())
    if (name.starts_with(".got.")) write(root / name / "head", std::string(piece, 'x'));
  rejoin();
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST(sent[alice->key] <= 2 * piece);
}

BOOST_FIXTURE_TEST_CASE(that_it_is_complete_can_be_known_before_its_files_are_where_they_belong, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  network.kill(*bob);
  // As a power loss leaves it that has eaten the last renames.
  const fs::path part = bobs_store->downloads_of(uid_of_bob())->front().part_path;
  fs::create_directories(part / "tree" / "a");
  fs::rename(root / "got" / "a" / "1", part / "tree" / "a" / "1");
  sent.clear();
  come_back();
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST(sent[alice->key] <= 2 * piece);
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
}

/// A file system on which nothing gets a name in one step if there could be another thing of that name.
class SimpleDisk final : public Disk {
 public:
  explicit SimpleDisk(std::shared_ptr<Disk> below) : below_(std::move(below)) {}
  OrFault<PathKind> look(const std::string& path) override { return below_->look(path); }
  OrFault<FileIdentity> identity(const std::string& path) override { return below_->identity(path); }
  OrFault<Payload> read(const std::string& path, ByteCount offset, ByteCount length) override {
    return below_->read(path, offset, length);
  }
  OrFault<FileIdentity> make(const std::string& path, ByteCount size) override {
    return below_->make(path, size);
  }
  OrFault<FileIdentity> prepare(const std::string& path, ByteCount size) override {
    return below_->prepare(path, size);
  }
  DiskDone write(const std::string& path, ByteCount offset, ByteView bytes) override {
    return below_->write(path, offset, bytes);
  }
  DiskDone sync(const std::string& path) override { return below_->sync(path); }
  DiskDone rename_new(const std::string&, const std::string&) override {
    return DiskFault{Code::io_error, "a hard link to a directory cannot be"};
  }
  DiskDone remove(const std::string& path) override { return below_->remove(path); }
  void release(const std::string& path) override { below_->release(path); }
  TreeFolders& folders() override { return below_->folders(); }

 private:
  std::shared_ptr<Disk> below_;
};

BOOST_FIXTURE_TEST_CASE(what_cannot_get_its_name_in_one_step_gets_it_file_by_file, Town) {
  const Image image = fill(root / "tree");
  share(root / "tree");
  Client& carol = network.add(3, nullptr, nullptr, std::make_shared<SimpleDisk>(disk));
  network.login(carol, "carol");
  network.command(carol, carol.at.scheduler,
                  StartDownload{{}, GroupName{"g"}, FileName{"tree"}, (root / "got").string(), false});
  BOOST_TEST(network.run_until([&] { return network.is_in(carol, DownloadPhase::complete); }));
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(what_is_refused_changes_nothing_of_what_is_shared, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  write(root / "tree" / "new", "added later");
  const Told told = share(root / "tree");
  BOOST_TEST_REQUIRE((told.what.get<Refused>() != nullptr));
  BOOST_TEST((told.what.get<Refused>()->code == Code::file_conflict));
  pass(std::chrono::seconds(12));
  BOOST_TEST(!network.host.find<ShareChanged>(alice->at.shell.address).has_value());
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(root / "got") == image));
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
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
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

/// All of it is one piece, so there is nothing right to keep of its files, and they have to make room.
BOOST_FIXTURE_TEST_CASE(a_recheck_mends_a_directory_of_one_piece, Town) {
  write(root / "tree" / "a", "right");
  write(root / "tree" / "b" / "c", "and this, too");
  const Image image = image_of(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  write(root / "got" / "a", "wrong");
  network.command(
      *bob, bob->at.scheduler,
      ControlDownloads{{}, DownloadOrder::recheck, DownloadName{GroupName{"g"}, FileName{"tree"}, {}}, {}});
  BOOST_TEST(network.run_until(
      [&] { return image_of(root / "got") == image && network.is_in(*bob, DownloadPhase::complete); }));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(a_recheck_of_a_part_leaves_alone_what_was_not_wanted, Town) {
  Image image = fill_apart(root / "tree");
  share(root / "tree");
  const fs::path got = root / "place" / "tree";
  fs::create_directory(root / "place");
  fetch(root / "place", {"a"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  fetch(root / "place", {"b"});
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  write(got / "c", "of my own under a name of theirs");
  struct stat before {};
  struct stat after {};
  ::stat((got / "a" / "1").c_str(), &before);
  std::string text = image.at("b/1");
  text[1000] ^= 1;
  write(got / "b" / "1", text);
  order(DownloadOrder::recheck);
  image["c"] = "of my own under a name of theirs";
  image.erase("nothing");
  BOOST_TEST(network.run_until([&] { return image_of(got) == image && is(DownloadPhase::complete); }));
  ::stat((got / "a" / "1").c_str(), &after);
  BOOST_TEST(before.st_ino == after.st_ino);
  BOOST_TEST((image_of(root / "place" / "tree") == image));
}

BOOST_FIXTURE_TEST_CASE(a_recheck_refuses_what_has_another_size, Town) {
  fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  std::ofstream(root / "got" / "b" / "2", std::ios::app) << "a line more";
  const Image image = image_of(root / "got");
  order(DownloadOrder::recheck);
  network.command(*bob, bob->at.scheduler, AwaitDownloads{});
  std::optional<Refused> refused;
  while (const auto said = network.host.find<Told>(bob->at.shell.address))
    if (const auto* refusal = said->message.what.get<Refused>()) refused = *refusal;
  BOOST_TEST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->code == Code::file_conflict));
  BOOST_TEST(is(DownloadPhase::complete));
  BOOST_TEST((image_of(root / "got") == image));
}

BOOST_FIXTURE_TEST_CASE(what_was_to_be_mended_goes_back_when_that_is_cancelled, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  std::string text = image.at("b/1");
  text[1000] ^= 1;
  write(root / "got" / "b" / "1", text);
  fs::remove(root / "got" / "c");
  const Image damaged = image_of(root / "got");
  network.tamper = [](const Client&, Envelope& envelope) { return envelope.id != Block::message_id; };
  order(DownloadOrder::recheck);
  BOOST_TEST_REQUIRE(network.run_until([&] { return !fs::exists(root / "got" / "b" / "1"); }));
  BOOST_TEST(fs::exists(root / "got" / "a" / "1"));
  order(DownloadOrder::cancel);
  BOOST_TEST((image_of(root / "got") == damaged));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(what_is_being_mended_when_the_client_dies_is_mended_by_the_next, Town) {
  const Image image = fill_apart(root / "tree");
  share(root / "tree");
  fetch(root / "got");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  std::string text = image.at("b/1");
  text[1000] ^= 1;
  write(root / "got" / "b" / "1", text);
  network.tamper = [](const Client&, Envelope& envelope) { return envelope.id != Block::message_id; };
  order(DownloadOrder::recheck);
  BOOST_TEST_REQUIRE(network.run_until([&] { return !fs::exists(root / "got" / "b" / "1"); }));
  network.kill(*bob);
  // As if it had not come to be taken.
  const fs::path part = bobs_store->downloads_of(uid_of_bob())->front().part_path;
  fs::rename(part / "tree" / "b" / "1", root / "got" / "b" / "1");
  network.tamper = nullptr;
  sent.clear();
  come_back();
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST((image_of(root / "got") == image));
  BOOST_TEST((beside() == std::vector<std::string>{"got", "tree"}));
}

BOOST_FIXTURE_TEST_CASE(a_file_that_looks_like_a_directory_is_a_file, Town) {
  const Bytes manifest = Manifest::of({{"a", false, false, {3}}})->encode();
  const std::string text = std::string(manifest.begin(), manifest.end()) + "abc";
  write(root / "plain", text);
  network.told(*alice, network.command(*alice, alice->at.librarian,
                                       ShareFile{{}, (root / "plain").string(), GroupName{"g"}}));
  fetch(root / "got", {}, "plain");
  BOOST_TEST_REQUIRE(is(DownloadPhase::complete), row().sentence);
  BOOST_TEST(fs::is_regular_file(root / "got"));
}

/// Shares bytes as a directory, whatever they are, as no client of ours does.
void share_as_directory(Town& town, const std::string& bytes, std::uint64_t manifest_size) {
  write(town.root / "hostile", bytes);
  const Bytes content(bytes.begin(), bytes.end());
  const PieceLayout layout = *PieceLayout::for_size({content.size()});
  MetainfoBuilder builder(FileName{"tree"}, layout);
  for (PieceIndex each; each.value < layout.piece_count(); ++each) {
    const ByteView part =
        ByteView(content).subspan(layout.piece_offset(each).value, layout.piece_size(each).value);
    builder.add_piece(each, {sha1(part), sha256(part)});
  }
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
  {
    // Behind a manifest with a piece of its own is nothing but zeros, up to the contents of its files.
    for (const bool zeros : {true, false}) {
      Town town;
      const Bytes manifest = Manifest::of({{"good", false, false, {piece}}})->encode();
      std::string bytes(manifest.begin(), manifest.end());
      const std::size_t size = bytes.size();
      bytes.resize(piece);
      if (!zeros) bytes.back() = 1;
      share_as_directory(town, bytes + some_text(piece, 3), size);
      town.fetch(town.root / "got");
      BOOST_TEST_REQUIRE(town.is(zeros ? DownloadPhase::complete : DownloadPhase::failed));
      if (!zeros) BOOST_TEST((town.row().code == Code::integrity), town.row().sentence);
    }
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
