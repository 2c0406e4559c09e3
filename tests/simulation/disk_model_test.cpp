// What the data sheet of SwarmDisk promises: what power losses, full disks and flipped bits may do and what they may not,
// and how long everything takes. What a simulation finds about the storage of clients is worth as much as this is true.

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/library/clockwork.hpp"
#include "tests/simulation/library/swarm_disk.hpp"

using namespace tutti;
using namespace tutti::simulation;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t chunk = ContentPool::chunk_bytes;
constexpr std::uint64_t seeds = 30;

/// A disk, and the clock that the test moves.
struct Desk {
  ContentPool pool;
  Instant now{};
  Duration charged{};
  SwarmDisk disk;

  explicit Desk(std::uint64_t seed = 1, const DiskPace& pace = {})
      : disk(
            pool, Random(seed), pace, [this] { return now; }, [this](Duration time) { charged += time; }) {
    disk.put_directory("/home");
  }
  /// What this call makes its caller wait.
  template <class Call>
  Duration wait_of(Call call) {
    charged = {};
    call();
    return charged;
  }
  /// A file of these bytes, as if it had always been there.
  void put(const std::string& path, const Bytes& bytes) {
    disk.put_file(path, std::make_shared<const Bytes>(bytes));
  }
  /// A file that is made and written as programs do it.
  void write_new(const std::string& path, const Bytes& bytes) {
    BOOST_TEST_REQUIRE(static_cast<bool>(disk.make(path, {bytes.size()})));
    BOOST_TEST_REQUIRE(!disk.write(path, {}, bytes).has_value());
  }
  Bytes bytes_of(const std::string& path) {
    const auto identity = disk.identity(path);
    BOOST_TEST_REQUIRE(static_cast<bool>(identity));
    const auto read = disk.read(path, {}, identity->size);
    BOOST_TEST_REQUIRE(static_cast<bool>(read));
    return {read->view().begin(), read->view().end()};
  }
  bool is(const std::string& path, PathKind kind) {
    const auto found = disk.look(path);
    return found && *found == kind;
  }
};

template <class T>
std::string code_of(const OrFault<T>& result) {
  return result ? "" : std::string(name_of(result.fault().code));
}
std::string code_of(const DiskDone& done) { return done ? std::string(name_of(done->code)) : ""; }

/// Bytes none of which is that of another number at the same place.
Bytes content(std::uint8_t number, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; ++at)
    bytes[at] = static_cast<std::uint8_t>(16 * number + (at * 7 + at / 251) % 16);
  return bytes;
}

/// What became of the chunks of a file.
struct Fates {
  std::uint64_t kept = 0;
  std::uint64_t lost = 0;
  std::uint64_t torn = 0;
  std::uint64_t impossible = 0;
};

void count_fates(const Bytes& before, const Bytes& written, const Bytes& found, Fates& fates) {
  BOOST_TEST_REQUIRE(found.size() == written.size());
  for (std::size_t begin = 0; begin < found.size(); begin += chunk) {
    const std::size_t end = std::min<std::size_t>(begin + chunk, found.size());
    std::size_t at = begin;
    while (at < end && found[at] == written[at]) ++at;
    if (at == end) {
      ++fates.kept;
    } else if (!std::equal(found.begin() + static_cast<std::ptrdiff_t>(at),
                           found.begin() + static_cast<std::ptrdiff_t>(end),
                           before.begin() + static_cast<std::ptrdiff_t>(at))) {
      ++fates.impossible;
    } else {
      ++(at == begin ? fates.lost : fates.torn);
    }
  }
}

std::size_t bits_apart(const Bytes& one, const Bytes& other) {
  BOOST_TEST_REQUIRE(one.size() == other.size());
  int bits = 0;
  for (std::size_t at = 0; at < one.size(); ++at)
    bits += std::popcount(static_cast<std::uint8_t>(one[at] ^ other[at]));
  return static_cast<std::size_t>(bits);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disk_model)

// --- what every disk does -----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_is_written_is_read_wherever_it_lies) {
  Desk desk;
  Bytes expected(3 * chunk + 100);
  BOOST_TEST(code_of(desk.disk.prepare("/home/part", {expected.size()})) == "");
  BOOST_TEST((desk.bytes_of("/home/part") == expected), "what is only reserved is zeros");
  const auto write = [&](std::uint8_t number, std::uint64_t offset, std::size_t size) {
    const Bytes bytes = content(number, size);
    BOOST_TEST(code_of(desk.disk.write("/home/part", {offset}, bytes)) == "");
    std::copy(bytes.begin(), bytes.end(), expected.begin() + static_cast<std::ptrdiff_t>(offset));
    BOOST_TEST((desk.bytes_of("/home/part") == expected));
  };
  write(1, chunk, chunk);
  write(2, chunk - 10, 20);
  write(3, 5, 2 * chunk);
  write(4, 3 * chunk + 90, 10);
  for (const auto& [offset, length] :
       {std::pair{chunk - 3, 6 * 1UL}, {2 * chunk, chunk}, {7UL, 2 * chunk + 5}}) {
    const auto read = desk.disk.read("/home/part", {offset}, {length});
    BOOST_TEST_REQUIRE(static_cast<bool>(read));
    BOOST_TEST(std::equal(read->view().begin(), read->view().end(),
                          expected.begin() + static_cast<std::ptrdiff_t>(offset)));
    BOOST_TEST(read->size() == length);
  }
  BOOST_TEST(desk.disk.holds("/home/part", expected));
  BOOST_TEST(desk.disk.holds("/home/part", chunk - 9, ByteView(expected).subspan(chunk - 9, chunk)));
  ++expected[chunk];
  BOOST_TEST(!desk.disk.holds("/home/part", expected));
  BOOST_TEST(!desk.disk.holds("/home/part", chunk - 9, ByteView(expected).subspan(chunk - 9, chunk)));
}

BOOST_AUTO_TEST_CASE(a_read_past_the_end_is_a_fault) {
  Desk desk;
  desk.put("/home/song", content(1, chunk + 10));
  BOOST_TEST(code_of(desk.disk.read("/home/song", {chunk}, {10})) == "");
  BOOST_TEST(code_of(desk.disk.read("/home/song", {chunk}, {11})) == "io_error");
  BOOST_TEST(code_of(desk.disk.read("/home/song", {chunk + 11}, {0})) == "io_error");
  BOOST_TEST(code_of(desk.disk.read("/home/song", {chunk + 10}, {0})) == "");
  BOOST_TEST(code_of(desk.disk.read("/home/gone", {0}, {0})) == "no_such_file");
}

BOOST_AUTO_TEST_CASE(a_rename_never_replaces_anything) {
  Desk desk;
  const Bytes one = content(1, 100);
  const Bytes other = content(2, 100);
  desk.put("/home/one", one);
  desk.put("/home/other", other);
  desk.put("/home/album/song", other);
  for (const std::string from : {"/home/one", "/home/album"})
    for (const std::string to : {"/home/other", "/home/album", "/home/one"})
      BOOST_TEST(code_of(desk.disk.rename_new(from, to)) == "destination_exists", from << " to " << to);
  BOOST_TEST(code_of(desk.disk.rename_new("/home/gone", "/home/new")) == "no_such_file");
  BOOST_TEST(code_of(desk.disk.rename_new("/home/one", "/nowhere/new")) == "no_such_file");
  BOOST_TEST(desk.disk.holds("/home/one", one));
  BOOST_TEST(desk.disk.holds("/home/other", other));
  BOOST_TEST(desk.disk.holds("/home/album/song", other));
  BOOST_TEST(code_of(desk.disk.rename_new("/home/one", "/home/new")) == "");
  BOOST_TEST(desk.disk.holds("/home/new", one));
  BOOST_TEST(desk.is("/home/one", PathKind::nothing));
}

BOOST_AUTO_TEST_CASE(making_and_preparing_keep_what_is_there) {
  Desk desk;
  const Bytes song = content(1, 1000);
  desk.put("/home/song", song);
  BOOST_TEST(code_of(desk.disk.make("/home/song", {10})) == "destination_exists");
  BOOST_TEST(code_of(desk.disk.make("/home", {10})) == "destination_exists");
  BOOST_TEST(code_of(desk.disk.make("/nowhere/song", {10})) == "no_such_file");
  BOOST_TEST(code_of(desk.disk.prepare("/home", {10})) == "io_error");
  BOOST_TEST(code_of(desk.disk.prepare("/home/song", {1000})) == "");
  BOOST_TEST(desk.disk.holds("/home/song", song));
  BOOST_TEST(code_of(desk.disk.prepare("/home/song", {1100})) == "");
  BOOST_TEST(desk.disk.holds("/home/song", 0, song));
  BOOST_TEST(desk.bytes_of("/home/song").size() == 1100u);
  BOOST_TEST(code_of(desk.disk.write("/home/gone", {}, song)) == "no_such_file");
  BOOST_TEST(code_of(desk.disk.remove("/home/gone")) == "");
}

BOOST_AUTO_TEST_CASE(an_identity_changes_with_every_change_and_with_nothing_else) {
  Desk desk;
  desk.put("/home/song", content(1, 1000));
  const auto identity = [&](const std::string& path = "/home/song") { return *desk.disk.identity(path); };
  const FileIdentity first = identity();
  BOOST_TEST(first.size.value == 1000u);
  BOOST_TEST(code_of(desk.disk.read("/home/song", {}, {1000})) == "");
  BOOST_TEST(code_of(desk.disk.sync("/home/song")) == "");
  BOOST_TEST(code_of(desk.disk.prepare("/home/song", {1000})) == "");
  desk.put("/home/other", content(2, 10));
  BOOST_TEST((identity() == first));

  // Also where the same bytes are written again: nobody compares them.
  FileIdentity before = first;
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(code_of(desk.disk.write("/home/song", {}, content(1, 10))) == "");
    const FileIdentity after = identity();
    BOOST_TEST(after.modified_ns > before.modified_ns);
    BOOST_TEST(after.changed_ns > before.changed_ns);
    BOOST_TEST(after.inode == before.inode);
    before = after;
  }
  BOOST_TEST(code_of(desk.disk.rename_new("/home/song", "/home/renamed")) == "");
  const FileIdentity renamed = identity("/home/renamed");
  BOOST_TEST(renamed.modified_ns == before.modified_ns);
  BOOST_TEST(renamed.changed_ns > before.changed_ns);
  BOOST_TEST(renamed.inode == before.inode);
  desk.put("/home/renamed", content(1, 1000));
  BOOST_TEST(!(identity("/home/renamed") == renamed));

  BOOST_TEST(code_of(desk.disk.remove("/home/renamed")) == "");
  desk.write_new("/home/song", content(1, 1000));
  BOOST_TEST(identity().inode != first.inode);
  BOOST_TEST(identity().inode != identity("/home/other").inode);
}

BOOST_AUTO_TEST_CASE(a_change_is_seen_whoever_asks) {
  Desk desk;
  desk.put("/home/song", content(1, 1000));
  const FileIdentity before = *desk.disk.identity("/home/song");
  BOOST_TEST(code_of(desk.disk.unchanged("/home/song", before, {}, {1000})) == "");
  BOOST_TEST(code_of(desk.disk.write("/home/song", {500}, content(2, 1))) == "");
  BOOST_TEST(code_of(desk.disk.unchanged("/home/song", before, {}, {1000})) == "file_conflict");
}

// --- how long it takes ------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(every_call_takes_what_the_pace_says) {
  Desk desk(1, {.bytes_per_second = 1'000'000, .access = 10ms, .sync = 500ms});
  desk.put("/home/song", content(1, 2'000'000));
  SwarmDisk& disk = desk.disk;
  const auto costs = [&](Duration expected, const std::function<void()>& call) {
    BOOST_TEST(desk.wait_of(call).count() == expected.count());
    desk.now += 1h;
  };
  costs(10ms + 1500ms, [&] { disk.read("/home/song", {100}, {1'500'000}); });
  costs(10ms, [&] { disk.read("/home/song", {100}, {0}); });
  costs(10ms + 250ms, [&] { disk.write("/home/song", {}, content(1, 250'000)); });
  costs(10ms + 500ms, [&] { disk.sync("/home/song"); });
  costs(10ms, [&] { disk.look("/home/song"); });
  costs(10ms, [&] { disk.identity("/home/song"); });
  costs(10ms, [&] { disk.make("/home/new", {5'000'000}); });
  costs(10ms, [&] { disk.prepare("/home/new", {6'000'000}); });
  costs(10ms, [&] { disk.rename_new("/home/new", "/home/newer"); });
  costs(10ms, [&] { disk.remove("/home/newer"); });
  const OpenedFolder folder = disk.folders().open("/home");
  BOOST_TEST_REQUIRE(static_cast<bool>(folder));
  Bytes target(100'000);
  costs(10ms + 100ms, [&] { folder->read("song", 0, 100'000, target.data()); });
  costs(10ms + 500ms, [&] { disk.folders().sync("/home"); });
  disk.set_pace({.bytes_per_second = 2'000'000, .access = 1ms});
  costs(1ms + 750ms, [&] { disk.read("/home/song", {100}, {1'500'000}); });
}

BOOST_AUTO_TEST_CASE(a_call_waits_for_those_before_it_and_for_nothing_when_the_disk_is_free) {
  Desk desk(1, {.bytes_per_second = 1'000'000, .access = 10ms});
  desk.put("/home/song", content(1, 1'000'000));
  const auto read = [&] { desk.disk.read("/home/song", {}, {490'000}); };
  BOOST_TEST(desk.wait_of(read).count() == Duration(500ms).count());
  desk.now += 100ms;
  BOOST_TEST(desk.wait_of(read).count() == Duration(400ms + 500ms).count());
  desk.now += 100ms;
  BOOST_TEST(desk.wait_of([&] { desk.disk.look("/home"); }).count() == Duration(800ms + 10ms).count());
  desk.now += 810ms;
  BOOST_TEST(desk.wait_of(read).count() == Duration(500ms).count());
}

// --- power ------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_is_not_synced_is_kept_lost_or_torn_when_the_power_fails) {
  Fates fates;
  const std::size_t size = 4 * chunk + 1000;
  const Bytes before = content(1, size);
  const Bytes written = content(2, size);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    desk.write_new("/home/song", before);
    BOOST_TEST(code_of(desk.disk.sync("/home/song")) == "");
    BOOST_TEST(code_of(desk.disk.write("/home/song", {}, written)) == "");
    BOOST_TEST(!desk.disk.has_lost_power());
    desk.disk.lose_power();
    BOOST_TEST(desk.disk.has_lost_power());
    const Bytes found = desk.bytes_of("/home/song");
    count_fates(before, written, found, fates);
    // What is left is on the disk: it does not go on to change.
    desk.disk.lose_power();
    BOOST_TEST((desk.bytes_of("/home/song") == found));
  }
  BOOST_TEST(fates.impossible == 0u);
  for (const std::uint64_t fate : {fates.kept, fates.lost, fates.torn}) BOOST_TEST(fate > seeds);
}

BOOST_AUTO_TEST_CASE(of_a_new_file_that_was_not_synced_name_and_size_stay_and_what_is_lost_of_it_is_zeros) {
  Fates fates;
  const Bytes written = content(2, 3 * chunk);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    desk.write_new("/home/part", written);
    BOOST_TEST(code_of(desk.disk.rename_new("/home/part", "/home/song")) == "");
    desk.disk.lose_power();
    BOOST_TEST(desk.is("/home/part", PathKind::nothing));
    count_fates(Bytes(written.size()), written, desk.bytes_of("/home/song"), fates);
  }
  BOOST_TEST(fates.impossible == 0u);
  for (const std::uint64_t fate : {fates.kept, fates.lost, fates.torn}) BOOST_TEST(fate > 0u);
}

BOOST_AUTO_TEST_CASE(what_is_synced_stays_when_the_power_fails) {
  const Bytes synced = content(1, 2 * chunk + 77);
  const Bytes later = content(2, 100);
  bool something_was_lost = false;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    desk.write_new("/home/song", synced);
    BOOST_TEST(code_of(desk.disk.sync("/home/song")) == "");
    desk.put("/home/old", synced);
    // A sync of one file does nothing for another one, and nothing for what is written after it.
    desk.write_new("/home/unsynced", synced);
    BOOST_TEST(code_of(desk.disk.write("/home/song", {chunk}, later)) == "");
    desk.disk.lose_power();
    BOOST_TEST(desk.disk.holds("/home/song", 0, ByteView(synced).subspan(0, chunk)));
    BOOST_TEST(desk.disk.holds("/home/song", chunk + 100, ByteView(synced).subspan(chunk + 100)));
    BOOST_TEST(desk.disk.holds("/home/old", synced));
    something_was_lost = something_was_lost || (!desk.disk.holds("/home/unsynced", synced) &&
                                                desk.disk.holds("/home/song", synced));
  }
  BOOST_TEST(something_was_lost);
}

BOOST_AUTO_TEST_CASE(what_is_synced_stays_under_another_name) {
  const Bytes synced = content(1, chunk + 77);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    desk.disk.put_directory("/home/album");
    desk.write_new("/home/album/part", synced);
    BOOST_TEST(code_of(desk.disk.sync("/home/album/part")) == "");
    BOOST_TEST(code_of(desk.disk.rename_new("/home/album/part", "/home/album/song")) == "");
    BOOST_TEST(code_of(desk.disk.rename_new("/home/album", "/home/songs")) == "");
    desk.disk.lose_power();
    BOOST_TEST(desk.disk.holds("/home/songs/song", synced));
  }
}

BOOST_AUTO_TEST_CASE(a_directory_is_synced_with_all_that_is_in_it) {
  const Bytes synced = content(1, chunk + 77);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    const OpenedFolder home = desk.disk.folders().open("/home");
    BOOST_TEST_REQUIRE(static_cast<bool>(home));
    BOOST_TEST(home->write("album/cd/song", false, 0, synced) == 0);
    BOOST_TEST(desk.disk.folders().sync("/home/album") == 0);
    desk.disk.lose_power();
    BOOST_TEST(desk.disk.holds("/home/album/cd/song", synced));
  }
}

BOOST_AUTO_TEST_CASE(the_same_seed_loses_the_same) {
  const auto left_over = [](std::uint64_t seed) {
    Desk desk(seed);
    desk.write_new("/home/song", content(1, 8 * chunk));
    desk.disk.lose_power();
    return desk.bytes_of("/home/song");
  };
  BOOST_TEST((left_over(1) == left_over(1)));
  BOOST_TEST((left_over(1) != left_over(2)));
}

BOOST_AUTO_TEST_CASE(a_disk_that_lies_says_done_and_does_nothing) {
  const Bytes before = content(1, chunk);
  const Bytes written = content(2, chunk);
  Fates fates;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    desk.put("/home/song", before);
    desk.disk.writes = [](const std::string&, std::uint64_t offset) { return offset != 0; };
    BOOST_TEST(code_of(desk.disk.write("/home/song", {}, written)) == "");
    BOOST_TEST(desk.disk.holds("/home/song", before));
    desk.disk.writes = {};
    desk.disk.syncs = [](const std::string&) { return false; };
    BOOST_TEST(code_of(desk.disk.write("/home/song", {}, written)) == "");
    BOOST_TEST(code_of(desk.disk.sync("/home/song")) == "");
    BOOST_TEST(desk.disk.holds("/home/song", written));
    desk.disk.lose_power();
    count_fates(before, written, desk.bytes_of("/home/song"), fates);
  }
  BOOST_TEST(fates.impossible == 0u);
  BOOST_TEST(fates.lost > 0u);
}

// --- no room ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_and_loses_nothing) {
  Desk desk;
  const Bytes song = content(1, 1000);
  desk.put("/home/song", song);
  desk.disk.set_capacity(1500);
  BOOST_TEST(code_of(desk.disk.make("/home/new", {501})) == "disk_full");
  BOOST_TEST(desk.is("/home/new", PathKind::nothing));
  BOOST_TEST(code_of(desk.disk.prepare("/home/new", {501})) == "disk_full");
  BOOST_TEST(desk.is("/home/new", PathKind::nothing));
  const FileIdentity before = *desk.disk.identity("/home/song");
  BOOST_TEST(code_of(desk.disk.prepare("/home/song", {1501})) == "disk_full");
  BOOST_TEST(code_of(desk.disk.write("/home/song", {900}, content(2, 601))) == "disk_full");
  BOOST_TEST(desk.disk.holds("/home/song", song));
  BOOST_TEST((*desk.disk.identity("/home/song") == before));

  // What is reserved is there for it alone, to the last byte.
  BOOST_TEST(code_of(desk.disk.make("/home/new", {500})) == "");
  BOOST_TEST(code_of(desk.disk.make("/home/newer", {1})) == "disk_full");
  BOOST_TEST(code_of(desk.disk.write("/home/new", {}, content(3, 500))) == "");
  BOOST_TEST(code_of(desk.disk.write("/home/new", {499}, content(3, 2))) == "disk_full");
  BOOST_TEST(desk.disk.holds("/home/new", content(3, 500)));
  BOOST_TEST(code_of(desk.disk.sync("/home/new")) == "");
  BOOST_TEST(code_of(desk.disk.rename_new("/home/new", "/home/renamed")) == "");

  BOOST_TEST(code_of(desk.disk.remove("/home/song")) == "");
  BOOST_TEST(code_of(desk.disk.make("/home/newer", {1000})) == "");
  desk.disk.set_capacity(std::nullopt);
  BOOST_TEST(code_of(desk.disk.make("/home/newest", {1'000'000})) == "");
}

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_amid_a_file_refuses_what_was_reserved) {
  Desk desk;
  desk.write_new("/home/song", content(1, 1000));
  desk.disk.set_capacity(500);
  BOOST_TEST(code_of(desk.disk.write("/home/song", {}, content(2, 10))) == "disk_full");
  BOOST_TEST(desk.disk.holds("/home/song", content(1, 1000)));
}

BOOST_AUTO_TEST_CASE(directories_meet_a_full_disk_as_well) {
  Desk desk;
  desk.put("/home/song", content(1, 1000));
  TreeFolders& folders = desk.disk.folders();
  BOOST_TEST(!folders.free_room("/home").has_value());
  desk.disk.set_capacity(1500);
  BOOST_TEST_REQUIRE(folders.free_room("/home").has_value());
  BOOST_TEST(folders.free_room("/home")->bytes.value == 500u);
  const OpenedFolder home = folders.open("/home");
  BOOST_TEST_REQUIRE(static_cast<bool>(home));
  BOOST_TEST(home->write("album/one", false, 0, content(1, 501)) == ENOSPC);
  BOOST_TEST(home->write("album/one", false, 0, content(1, 500)) == 0);
  BOOST_TEST(home->write("album/other", false, 0, {}) == ENOSPC);
  BOOST_TEST(home->make_folders("more/of/them", true) == ENOSPC);
  BOOST_TEST(folders.make("/home/more") == ENOSPC);
  BOOST_TEST(folders.free_room("/home")->bytes.value == 0u);
  BOOST_TEST(desk.disk.holds("/home/album/one", content(1, 500)));
  BOOST_TEST(desk.disk.holds("/home/song", content(1, 1000)));
}

// --- bits -------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_flipped_bit_is_one_bit_of_one_file_and_leaves_no_trace_but_in_what_is_rotten) {
  std::size_t in_one = 0;
  std::size_t in_the_second_chunk = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    const std::vector<std::string> paths{"/home/one", "/home/album/other"};
    const Bytes before = content(1, chunk + chunk / 2);
    for (const std::string& path : paths) desk.put(path, before);
    desk.put("/home/empty", {});
    std::vector<FileIdentity> identities;
    for (const std::string& path : paths) identities.push_back(*desk.disk.identity(path));
    BOOST_TEST(!desk.disk.is_rotten("/home"));
    BOOST_TEST(desk.disk.flip_bit());
    std::size_t bits = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const Bytes after = desk.bytes_of(paths[i]);
      const std::size_t apart = bits_apart(before, after);
      bits += apart;
      BOOST_TEST(desk.disk.is_rotten(paths[i]) == (apart == 1));
      BOOST_TEST((*desk.disk.identity(paths[i]) == identities[i]));
      if (apart == 1 && i == 0) ++in_one;
      if (!std::equal(before.begin() + chunk, before.end(), after.begin() + chunk)) ++in_the_second_chunk;
    }
    BOOST_TEST(bits == 1u);
    BOOST_TEST(desk.disk.is_rotten("/home"));
    BOOST_TEST(desk.disk.is_rotten("/home/album") == desk.disk.is_rotten(paths[1]));
    BOOST_TEST(!desk.disk.is_rotten("/home/al"));
    BOOST_TEST(!desk.disk.is_rotten("/home/empty"));
  }
  // By chance, in any of them, anywhere.
  BOOST_TEST(in_one > 0u);
  BOOST_TEST(in_one < seeds);
  BOOST_TEST(in_the_second_chunk > 0u);
  BOOST_TEST(in_the_second_chunk < seeds);
}

BOOST_AUTO_TEST_CASE(where_there_is_nothing_no_bit_is_flipped) {
  Desk desk;
  BOOST_TEST(!desk.disk.flip_bit());
  desk.put("/home/empty", {});
  BOOST_TEST(!desk.disk.flip_bit());
  BOOST_TEST(!desk.disk.is_rotten("/home"));
}

BOOST_AUTO_TEST_CASE(what_is_rotten_stays_so_under_another_name) {
  Desk desk;
  desk.put("/home/album/song", content(1, 1000));
  BOOST_TEST(desk.disk.flip_bit());
  BOOST_TEST(code_of(desk.disk.rename_new("/home/album/song", "/home/album/hit")) == "");
  BOOST_TEST(code_of(desk.disk.rename_new("/home/album", "/home/songs")) == "");
  BOOST_TEST(!desk.disk.is_rotten("/home/album"));
  BOOST_TEST(!desk.disk.is_rotten("/home/songs/song"));
  BOOST_TEST(desk.disk.is_rotten("/home/songs/hit"));
  BOOST_TEST(bits_apart(desk.bytes_of("/home/songs/hit"), content(1, 1000)) == 1u);
}

/// It is the disk that is wrong: what it had been given was synced long ago.
BOOST_AUTO_TEST_CASE(a_power_loss_does_not_mend_a_flipped_bit) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Desk desk(seed);
    desk.put("/home/song", content(1, 1000));
    BOOST_TEST(desk.disk.flip_bit());
    const Bytes rotten = desk.bytes_of("/home/song");
    desk.disk.lose_power();
    BOOST_TEST((desk.bytes_of("/home/song") == rotten));
  }
}

// --- directories ------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_directory_that_is_renamed_takes_all_with_it_that_is_below_and_nothing_else) {
  Desk desk;
  const std::vector<std::string> below{"/a", "/deep/b", "/deep/er/c"};
  for (const std::string& path : below) desk.put("/home/album" + path, content(1, 100));
  desk.disk.put_directory("/home/album/empty");
  const std::vector<std::string> beside{"/home/album.txt", "/home/album2/a", "/home/alb",
                                        "/home/albumdeep/b"};
  for (const std::string& path : beside) desk.put(path, content(2, 100));
  desk.disk.put_file("/home/album/tool", std::make_shared<const Bytes>(content(3, 10)), true);
  const FileIdentity before = *desk.disk.identity("/home/album/deep/b");
  BOOST_TEST(code_of(desk.disk.rename_new("/home/album", "/home/zoo")) == "");

  BOOST_TEST(desk.is("/home/album", PathKind::nothing));
  BOOST_TEST(desk.is("/home/zoo", PathKind::directory));
  BOOST_TEST(desk.is("/home/zoo/empty", PathKind::directory));
  BOOST_TEST(desk.is("/home/zoo/deep/er", PathKind::directory));
  BOOST_TEST(desk.is("/home/album/deep", PathKind::nothing));
  for (const std::string& path : below) {
    BOOST_TEST(!desk.disk.has("/home/album" + path));
    BOOST_TEST(desk.disk.holds("/home/zoo" + path, content(1, 100)), path);
  }
  for (const std::string& path : beside) BOOST_TEST(desk.disk.holds(path, content(2, 100)), path);
  BOOST_TEST((*desk.disk.identity("/home/zoo/deep/b") == before));
  BOOST_TEST(desk.disk.is_executable("/home/zoo/tool"));
  BOOST_TEST(!desk.disk.is_executable("/home/zoo/a"));
  // Backwards in the order of names as well.
  BOOST_TEST(code_of(desk.disk.rename_new("/home/zoo", "/home/a")) == "");
  for (const std::string& path : below) BOOST_TEST(desk.disk.holds("/home/a" + path, content(1, 100)), path);
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_removed_takes_all_with_it_that_is_below_and_nothing_else) {
  Desk desk;
  for (const std::string path : {"/home/album/a", "/home/album/deep/b", "/home/album2/a", "/home/album.txt"})
    desk.put(path, content(1, 100));
  BOOST_TEST(desk.disk.folders().remove_all("/home/album") == 0);
  BOOST_TEST(desk.disk.folders().remove_all("/home/album") == 0);
  BOOST_TEST(desk.is("/home/album", PathKind::nothing));
  BOOST_TEST(desk.is("/home/album/deep", PathKind::nothing));
  BOOST_TEST(!desk.disk.has("/home/album/deep/b"));
  BOOST_TEST(desk.disk.has("/home/album2/a"));
  BOOST_TEST(desk.disk.has("/home/album.txt"));
}

BOOST_AUTO_TEST_CASE(a_directory_lists_what_is_in_it_and_reads_and_writes_below_it) {
  Desk desk;
  TreeFolders& folders = desk.disk.folders();
  desk.put("/home/album/a", content(1, 100));
  desk.put("/home/album/deep/b", content(2, chunk + 100));
  desk.put("/home/album2/c", content(3, 100));
  BOOST_TEST(folders.open("/home/gone").error() == ENOENT);
  BOOST_TEST(folders.open("/home/album/a").error() == ENOTDIR);
  const OpenedFolder album = folders.open("/home/album");
  BOOST_TEST_REQUIRE(static_cast<bool>(album));
  std::string listed;
  const auto each = [&](const std::string& name, const PathStatus& status) {
    listed += name + (status.kind == PathKind::directory ? "/ " : " ");
    return true;
  };
  BOOST_TEST(album->list("", each) == 0);
  BOOST_TEST(listed == "a deep/ ");
  BOOST_TEST(album->list("a", each) == ENOTDIR);
  BOOST_TEST(album->list("gone", each) == ENOENT);

  Bytes target(200);
  BOOST_TEST(album->read("deep/b", chunk - 100, 200, target.data()) == 0);
  BOOST_TEST(desk.disk.holds("/home/album/deep/b", chunk - 100, target));
  BOOST_TEST(album->read("deep/b", chunk, 101, target.data()) == ENODATA);
  BOOST_TEST(album->read("deep/b", 0, 1, target.data(), ByteCount{chunk}) == ENODATA);
  BOOST_TEST(album->read("deep", 0, 1, target.data()) == EISDIR);
  BOOST_TEST(album->read("a/b", 0, 1, target.data()) == ENOTDIR);
  BOOST_TEST(album->read("gone/b", 0, 1, target.data()) == ENOENT);

  BOOST_TEST(album->write("new/tool", true, 10, content(4, 10)) == 0);
  BOOST_TEST(desk.disk.is_executable("/home/album/new/tool"));
  BOOST_TEST(desk.disk.holds("/home/album/new/tool", 10, content(4, 10)));
  BOOST_TEST(album->write("a/b", false, 0, content(4, 10)) == ENOTDIR);
  BOOST_TEST(album->write("deep", false, 0, content(4, 10)) == EISDIR);
  BOOST_TEST(folders.make("/home/album") == EEXIST);
  BOOST_TEST(folders.make("/home/gone/album") == ENOENT);
}

BOOST_AUTO_TEST_CASE(a_file_is_taken_from_another_directory_but_never_over_one) {
  Desk desk;
  desk.put("/home/parts/deep/a", content(1, 100));
  desk.put("/home/parts/b", content(2, 100));
  desk.put("/home/album/b", content(3, 100));
  const OpenedFolder parts = desk.disk.folders().open("/home/parts");
  const OpenedFolder album = desk.disk.folders().open("/home/album");
  BOOST_TEST_REQUIRE((parts && album));
  BOOST_TEST(album->take(*parts, "deep/a") == 0);
  BOOST_TEST(desk.disk.holds("/home/album/deep/a", content(1, 100)));
  BOOST_TEST(!desk.disk.has("/home/parts/deep/a"));
  BOOST_TEST(album->take(*parts, "b") == EEXIST);
  BOOST_TEST(album->take(*parts, "gone") == ENOENT);
  BOOST_TEST(desk.disk.holds("/home/album/b", content(3, 100)));
  BOOST_TEST(desk.disk.holds("/home/parts/b", content(2, 100)));
}

BOOST_AUTO_TEST_SUITE_END()
