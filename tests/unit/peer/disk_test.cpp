#include "peer/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "peer/disk_fault.hpp"
#include "peer/memory_disk.hpp"
#include "peer/posix_disk.hpp"

namespace tutti {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, gone afterwards.
struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "tutti-disk-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

/// The two disks, with the same things a test can do behind their backs.
struct RealDisk {
  PosixDisk disk;
  TemporaryFolder folder;
  std::string path(const std::string& name) const { return folder / name; }
  void user_writes(const std::string& name, std::string_view text) { std::ofstream(path(name)) << text; }
  void user_makes_folder(const std::string& name) { fs::create_directory(path(name)); }
  void user_shrinks(const std::string& name, std::uint64_t size) { fs::resize_file(path(name), size); }
};
struct ImagedDisk {
  MemoryDisk disk;
  ImagedDisk() { disk.put_directory("/home"); }
  std::string path(const std::string& name) const { return "/home/" + name; }
  void user_writes(const std::string& name, std::string_view text) {
    const ByteView bytes = view_of(text);
    disk.put_file(path(name), Bytes(bytes.begin(), bytes.end()));
  }
  void user_makes_folder(const std::string& name) { disk.put_directory(path(name)); }
  void user_shrinks(const std::string& name, std::uint64_t size) { disk.shrink(path(name), {size}); }
};
using Disks = boost::mpl::list<RealDisk, ImagedDisk>;

std::string text_of(const OrFault<Payload>& read) {
  if (!read) return "fault: " + std::string(name_of(read.fault().code));
  return {reinterpret_cast<const char*>(read->view().data()), read->size()};
}
template <class T>
std::string code_of(const OrFault<T>& result) {
  return result ? "" : std::string(name_of(result.fault().code));
}
std::string code_of(const DiskDone& done) { return done ? std::string(name_of(done->code)) : ""; }

// What holds for every disk.
BOOST_AUTO_TEST_SUITE(disk)

BOOST_AUTO_TEST_CASE_TEMPLATE(reads_a_part_of_a_file, D, Disks) {
  D with;
  with.user_writes("song", "do re mi");
  BOOST_TEST(text_of(with.disk.read(with.path("song"), 3_bytes, 2_bytes)) == "re");
  BOOST_TEST(text_of(with.disk.read(with.path("song"), 0_bytes, 8_bytes)) == "do re mi");
  BOOST_TEST(text_of(with.disk.read(with.path("song"), 8_bytes, 0_bytes)) == "");
  BOOST_TEST(text_of(with.disk.read(with.path("gone"), 0_bytes, 1_bytes)) == "fault: no_such_file");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_file_that_shrinks_while_it_is_read_is_a_fault, D, Disks) {
  D with;
  with.user_writes("song", "do re mi");
  BOOST_TEST(text_of(with.disk.read(with.path("song"), 6_bytes, 2_bytes)) == "mi");
  with.user_shrinks("song", 7);
  BOOST_TEST(text_of(with.disk.read(with.path("song"), 6_bytes, 2_bytes)) == "fault: io_error");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(identity_changes_with_every_change, D, Disks) {
  D with;
  with.user_writes("song", "do re mi");
  const FileIdentity before = *with.disk.identity(with.path("song"));
  BOOST_TEST(before.size.value == 8U);
  BOOST_CHECK(*with.disk.identity(with.path("song")) == before);
  with.user_shrinks("song", 7);
  BOOST_CHECK(!(*with.disk.identity(with.path("song")) == before));
  BOOST_TEST(code_of(with.disk.identity(with.path("gone"))) == "no_such_file");
  with.user_makes_folder("songs");
  BOOST_TEST(code_of(with.disk.identity(with.path("songs"))) == "io_error");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(says_what_stands_at_a_path, D, Disks) {
  D with;
  with.user_writes("song", "x");
  with.user_makes_folder("songs");
  BOOST_CHECK(*with.disk.look(with.path("song")) == PathKind::regular);
  BOOST_CHECK(*with.disk.look(with.path("songs")) == PathKind::directory);
  BOOST_CHECK(*with.disk.look(with.path("gone")) == PathKind::nothing);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_prepared_file_has_its_size_and_keeps_what_is_written, D, Disks) {
  D with;
  const std::string part = with.path("song.part");
  BOOST_TEST(with.disk.prepare(part, 10_bytes)->size.value == 10U);
  BOOST_TEST(code_of(with.disk.write(part, 4_bytes, view_of("mi"))) == "");
  BOOST_TEST(text_of(with.disk.read(part, 3_bytes, 4_bytes)) == std::string("\0mi\0", 4));
  BOOST_TEST(with.disk.prepare(part, 10_bytes)->size.value == 10U);
  BOOST_TEST(text_of(with.disk.read(part, 4_bytes, 2_bytes)) == "mi");
  BOOST_TEST(code_of(with.disk.sync(part)) == "");
  BOOST_TEST(with.disk.prepare(with.path("empty"), 0_bytes)->size.value == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_is_made_where_a_folder_is_or_where_none_is, D, Disks) {
  D with;
  with.user_makes_folder("songs");
  BOOST_TEST(code_of(with.disk.prepare(with.path("songs"), 1_bytes)) == "io_error");
  BOOST_TEST(code_of(with.disk.prepare(with.path("none/song"), 1_bytes)) == "no_such_file");
  BOOST_TEST(code_of(with.disk.write(with.path("gone"), 0_bytes, view_of("x"))) == "no_such_file");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_name_never_replaces_a_file, D, Disks) {
  D with;
  with.user_writes("one", "1");
  with.user_writes("two", "2");
  with.user_makes_folder("songs");
  BOOST_TEST(code_of(with.disk.rename_new(with.path("one"), with.path("two"))) == "destination_exists");
  BOOST_TEST(code_of(with.disk.rename_new(with.path("one"), with.path("songs"))) == "destination_exists");
  BOOST_TEST(text_of(with.disk.read(with.path("two"), 0_bytes, 1_bytes)) == "2");
  BOOST_TEST(code_of(with.disk.rename_new(with.path("one"), with.path("three"))) == "");
  BOOST_TEST(text_of(with.disk.read(with.path("three"), 0_bytes, 1_bytes)) == "1");
  BOOST_TEST(text_of(with.disk.read(with.path("one"), 0_bytes, 1_bytes)) == "fault: no_such_file");
  BOOST_TEST(code_of(with.disk.rename_new(with.path("one"), with.path("four"))) == "no_such_file");
}

BOOST_AUTO_TEST_CASE(any_time_is_told_from_any_other) {
  struct stat status {};
  status.st_mtim.tv_sec = 1'000'000'000'000;  // as nanoseconds it is beyond 64 bits
  const FileIdentity before = identity_of(status);
  ++status.st_mtim.tv_sec;
  BOOST_CHECK(!(identity_of(status) == before));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_rename_keeps_the_identity_but_for_the_time_of_change, D, Disks) {
  D with;
  with.user_writes("one", "1");
  const FileIdentity before = *with.disk.identity(with.path("one"));
  with.disk.rename_new(with.path("one"), with.path("two"));
  FileIdentity after = *with.disk.identity(with.path("two"));
  after.changed_ns = before.changed_ns;
  BOOST_CHECK(after == before);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(removing_what_is_there_and_what_is_not, D, Disks) {
  D with;
  with.user_writes("b", "1");
  BOOST_TEST(code_of(with.disk.remove(with.path("b"))) == "");
  BOOST_CHECK(*with.disk.look(with.path("b")) == PathKind::nothing);
  BOOST_TEST(code_of(with.disk.remove(with.path("b"))) == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_file_is_made_where_there_is_nothing, D, Disks) {
  D with;
  const std::string part = with.path("song.part");
  BOOST_TEST(with.disk.make(part, 10_bytes)->size.value == 10U);
  BOOST_TEST(code_of(with.disk.write(part, 4_bytes, view_of("mi"))) == "");
  BOOST_TEST(code_of(with.disk.make(part, 5_bytes)) == "destination_exists");
  BOOST_TEST(text_of(with.disk.read(part, 3_bytes, 4_bytes)) == std::string("\0mi\0", 4));
  with.user_makes_folder("songs");
  BOOST_TEST(code_of(with.disk.make(with.path("songs"), 1_bytes)) == "destination_exists");
  BOOST_TEST(code_of(with.disk.make(with.path("none/song"), 1_bytes)) == "no_such_file");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_name_that_is_too_long_is_said, D, Disks) {
  D with;
  BOOST_CHECK(*with.disk.look(with.path(std::string(255, 'a'))) == PathKind::nothing);
  BOOST_TEST(code_of(with.disk.look(with.path(std::string(256, 'a')))) == "io_error");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(posix_disk, RealDisk)

BOOST_AUTO_TEST_CASE(symbolic_links_are_neither_read_nor_written_nor_followed_to_be_replaced) {
  user_writes("target", "secret");
  fs::create_symlink(path("target"), path("link"));
  fs::create_symlink(path("nowhere"), path("dangling"));
  BOOST_TEST(code_of(disk.identity(path("link"))) == "io_error");
  BOOST_TEST(text_of(disk.read(path("link"), 0_bytes, 1_bytes)) == "fault: io_error");
  BOOST_TEST(code_of(disk.prepare(path("link"), 1_bytes)) == "io_error");
  BOOST_TEST(code_of(disk.prepare(path("dangling"), 1_bytes)) == "io_error");
  BOOST_TEST(code_of(disk.write(path("link"), 0_bytes, view_of("x"))) == "io_error");
  BOOST_CHECK(*disk.look(path("dangling")) == PathKind::other);
  BOOST_TEST(code_of(disk.rename_new(path("target"), path("dangling"))) == "destination_exists");
  BOOST_TEST(!fs::exists(path("nowhere")));
}

BOOST_AUTO_TEST_CASE(only_regular_files_are_opened_and_nobody_waits_for_a_pipe) {
  BOOST_REQUIRE(mkfifo(path("pipe").c_str(), 0600) == 0);
  BOOST_TEST(code_of(disk.identity(path("pipe"))) == "io_error");
  BOOST_TEST(text_of(disk.read(path("pipe"), 0_bytes, 1_bytes)) == "fault: io_error");
  BOOST_TEST(code_of(disk.prepare(path("pipe"), 1_bytes)) == "io_error");
  BOOST_TEST(text_of(disk.read("/dev/zero", 0_bytes, 1_bytes)) == "fault: io_error");
}

BOOST_AUTO_TEST_CASE(what_the_system_makes_while_it_is_read_is_no_file_to_share) {
  const auto made = disk.identity("/proc/self/status");
  BOOST_TEST(code_of(made) == "io_error");
  BOOST_TEST(made.fault().sentence.find("/proc/self/status") != std::string::npos);
  user_writes("empty", "");
  BOOST_CHECK(disk.identity(path("empty"))->size == 0_bytes);
}

BOOST_AUTO_TEST_CASE(a_full_device_is_disk_full) {
  const std::string sentence = disk.prepare(path("huge"), {std::uint64_t{1} << 60U}).fault().sentence;
  BOOST_TEST(code_of(disk.prepare(path("huge"), {std::uint64_t{1} << 60U})) == "disk_full");
  BOOST_TEST(sentence.find(path("huge")) != std::string::npos);
  BOOST_TEST(!fs::exists(path("huge")));
  BOOST_TEST(code_of(disk.prepare(path("beyond"), {UINT64_MAX})) == "disk_full");
}

BOOST_AUTO_TEST_CASE(a_change_shows_even_if_somebody_sets_the_times_back) {
  user_writes("song", "do");
  struct stat status {};
  BOOST_REQUIRE(stat(path("song").c_str(), &status) == 0);
  const FileIdentity before = *disk.identity(path("song"));
  // Times of the system come in ticks of some milliseconds: writes until one is in another tick.
  FileIdentity after = before;
  for (int i = 0; i < 2000 && after == before; ++i) {
    user_writes("song", "re");
    const timespec times[] = {status.st_atim, status.st_mtim};
    BOOST_REQUIRE(utimensat(AT_FDCWD, path("song").c_str(), times, 0) == 0);
    after = *disk.identity(path("song"));
  }
  BOOST_TEST(after.modified_ns == before.modified_ns);
  BOOST_CHECK(!(after == before));
}

BOOST_AUTO_TEST_CASE(sparse_files_beyond_four_gibibytes) {
  constexpr std::uint64_t far = std::uint64_t{5} << 30U;
  user_writes("big", "");
  fs::resize_file(path("big"), far + 10);
  BOOST_TEST(disk.identity(path("big"))->size.value == far + 10);
  BOOST_TEST(code_of(disk.write(path("big"), {far}, view_of("far away"))) == "");
  BOOST_TEST(text_of(disk.read(path("big"), {far}, 8_bytes)) == "far away");
  BOOST_TEST(text_of(disk.read(path("big"), {far - 1}, 2_bytes)) == std::string("\0f", 2));
}

BOOST_AUTO_TEST_CASE(room_is_reserved_before_the_first_byte) {
  disk.prepare(path("part"), 1_MiB);
  struct stat status {};
  BOOST_REQUIRE(stat(path("part").c_str(), &status) == 0);
  BOOST_TEST(status.st_blocks * 512 >= 1 << 20);
}

BOOST_AUTO_TEST_CASE(open_files_are_bounded_and_the_least_used_is_closed) {
  PosixDisk small(3);
  for (int i = 0; i < 10; ++i) user_writes(std::to_string(i), std::to_string(i));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      BOOST_TEST(text_of(small.read(path(std::to_string(i)), 0_bytes, 1_bytes)) == std::to_string(i));
      BOOST_TEST(small.open_files() <= 3U);
    }
  }
  small.release(path("9"));
  BOOST_TEST(small.open_files() == 2U);
}

BOOST_AUTO_TEST_CASE(a_file_that_was_replaced_is_opened_anew) {
  user_writes("song", "old");
  BOOST_TEST(text_of(disk.read(path("song"), 0_bytes, 3_bytes)) == "old");
  user_writes("other", "new");
  fs::rename(path("other"), path("song"));
  BOOST_TEST(text_of(disk.read(path("song"), 0_bytes, 3_bytes)) == "new");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(memory_disk, ImagedDisk)

BOOST_AUTO_TEST_CASE(fills_up) {
  user_writes("song", "12345");
  disk.set_capacity(10_bytes);
  BOOST_TEST(code_of(disk.prepare(path("part"), 6_bytes)) == "disk_full");
  BOOST_CHECK(*disk.look(path("part")) == PathKind::nothing);
  BOOST_TEST(code_of(disk.prepare(path("part"), 5_bytes)) == "");
  BOOST_TEST(code_of(disk.write(path("part"), 4_bytes, view_of("xy"))) == "disk_full");
  BOOST_TEST(code_of(disk.write(path("part"), 4_bytes, view_of("x"))) == "");
}

BOOST_AUTO_TEST_CASE(tears_a_write) {
  disk.prepare(path("part"), 4_bytes);
  disk.tear_next_write(2_bytes);
  BOOST_TEST(code_of(disk.write(path("part"), 0_bytes, view_of("abcd"))) == "io_error");
  BOOST_TEST(text_of(disk.read(path("part"), 0_bytes, 4_bytes)) == std::string("ab\0\0", 4));
  BOOST_TEST(code_of(disk.write(path("part"), 0_bytes, view_of("abcd"))) == "");
}

BOOST_AUTO_TEST_CASE(flips_a_bit_without_a_trace) {
  user_writes("song", "a");
  const FileIdentity before = *disk.identity(path("song"));
  disk.flip_bit(path("song"), 0_bytes, 1);
  BOOST_TEST(text_of(disk.read(path("song"), 0_bytes, 1_bytes)) == "c");
  BOOST_CHECK(*disk.identity(path("song")) == before);
}

BOOST_AUTO_TEST_CASE(refuses_to_read) {
  user_writes("song", "a");
  disk.set_unreadable(path("song"), true);
  BOOST_TEST(text_of(disk.read(path("song"), 0_bytes, 1_bytes)) == "fault: io_error");
  disk.set_unreadable(path("song"), false);
  BOOST_TEST(text_of(disk.read(path("song"), 0_bytes, 1_bytes)) == "a");
}

BOOST_AUTO_TEST_CASE(a_power_loss_keeps_what_was_synced) {
  disk.prepare(path("part"), 4_bytes);
  disk.write(path("part"), 0_bytes, view_of("ab"));
  disk.sync(path("part"));
  disk.write(path("part"), 2_bytes, view_of("cd"));
  disk.lose_power();
  BOOST_TEST(text_of(disk.read(path("part"), 0_bytes, 4_bytes)) == std::string("ab\0\0", 4));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
