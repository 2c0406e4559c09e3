#include "shell/local_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

namespace tutti {
namespace {

namespace fs = std::filesystem;

struct TemporaryHome {
  fs::path home;
  TemporaryHome() {
    std::string pattern = (fs::temp_directory_path() / "tutti-files-XXXXXX").string();
    home = ::mkdtemp(pattern.data());
  }
  ~TemporaryHome() { fs::remove_all(home); }
  fs::path make(const std::string& name) const {
    std::ofstream(home / name) << "x";
    return home / name;
  }
};

BOOST_FIXTURE_TEST_SUITE(local_files, TemporaryHome)

BOOST_AUTO_TEST_CASE(a_file_to_share_is_a_readable_regular_one) {
  const PosixFiles files(home.string());
  const fs::path file = make("a file.txt");
  BOOST_TEST(files.file_to_share(file.string()).path == fs::canonical(file).string());
  BOOST_TEST(files.file_to_share("~/a file.txt").path == fs::canonical(file).string());
  BOOST_TEST((files.file_to_share("~/none").refused->code == Code::no_such_file));
  BOOST_TEST((files.file_to_share("~/a file.txt/x").refused->code == Code::no_such_file));
  BOOST_TEST(files.file_to_share(home.string()).path == fs::canonical(home).string() + "/");
  BOOST_TEST((files.file_to_share("/dev/null").refused->code == Code::io_error));
  ::mkfifo((home / "pipe").c_str(), 0600);
  BOOST_TEST((files.file_to_share((home / "pipe").string()).refused->code == Code::io_error));
}

BOOST_AUTO_TEST_CASE(an_unreadable_file_is_refused) {
  if (::geteuid() == 0) return;  // root reads everything
  const PosixFiles files(home.string());
  const fs::path file = make("locked");
  fs::permissions(file, fs::perms::none);
  BOOST_TEST((files.file_to_share(file.string()).refused->code == Code::io_error));
}

BOOST_AUTO_TEST_CASE(links_lead_to_their_files) {
  const PosixFiles files(home.string());
  const fs::path file = make("real");
  fs::create_symlink(file, home / "link");
  fs::create_symlink(home / "nowhere", home / "broken");
  fs::create_symlink(home / "loop", home / "loop");
  BOOST_TEST(files.file_to_share((home / "link").string()).path == fs::canonical(file).string());
  BOOST_TEST((files.file_to_share((home / "broken").string()).refused->code == Code::no_such_file));
  BOOST_TEST((files.file_to_share((home / "loop").string()).refused->code == Code::io_error));
}

BOOST_AUTO_TEST_CASE(paths_become_absolute) {
  const PosixFiles files("/home/me");
  BOOST_TEST(files.absolute("~/x/../y") == "/home/me/y");
  BOOST_TEST(files.absolute("x") == (fs::current_path() / "x").string());
  BOOST_TEST(files.absolute("/a//b") == "/a/b");
}

BOOST_AUTO_TEST_CASE(directories_are_listed) {
  const PosixFiles files(home.string());
  make("f");
  fs::create_directory(home / "d");
  BOOST_TEST(files.list(home.string()).size() == 2U);
  BOOST_TEST(files.list("/no/such").empty());
  BOOST_TEST((files.kind_of((home / "d").string()) == LocalFiles::Kind::directory));
  BOOST_TEST((files.kind_of("~/f") == LocalFiles::Kind::regular));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
