#include "peer/new_file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tutti {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tutti-new-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  std::string text() const {
    std::ifstream file(path + "/file");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  auto count() const { return std::distance(fs::directory_iterator(path), fs::directory_iterator()); }
  std::string path;
};

std::string code_of(const DiskDone& done) { return done ? std::string(name_of(done->code)) : ""; }

}  // namespace

BOOST_AUTO_TEST_SUITE(new_file)

BOOST_AUTO_TEST_CASE(it_is_there_when_it_is_whole) {
  const Folder folder;
  {
    NewFile file(folder.path + "/file");
    BOOST_TEST(code_of(file.write("0000 world")) == "");
    BOOST_TEST(code_of(file.write("hello", 0)) == "");
    BOOST_TEST(code_of(file.write("!")) == "");
    BOOST_TEST(!fs::exists(folder.path + "/file"));
    BOOST_TEST(code_of(file.finish(NewFile::Place::must_be_free)) == "");
  }
  BOOST_TEST(folder.text() == "helloworld!");
  BOOST_TEST(folder.count() == 1);
}

BOOST_AUTO_TEST_CASE(what_is_there_is_replaced_or_stays_as_it_is_said) {
  const Folder folder;
  for (const std::string text : {"one", "two"}) {
    NewFile file(folder.path + "/file");
    BOOST_TEST(code_of(file.write(text)) == "");
    BOOST_TEST(code_of(file.finish(NewFile::Place::is_taken_over)) == "");
  }
  {
    NewFile file(folder.path + "/file");
    BOOST_TEST(code_of(file.write("three")) == "");
    BOOST_TEST(code_of(file.finish(NewFile::Place::must_be_free)) == "destination_exists");
  }
  BOOST_TEST(folder.text() == "two");
  BOOST_TEST(folder.count() == 1);
}

BOOST_AUTO_TEST_CASE(one_that_is_given_up_leaves_nothing) {
  const Folder folder;
  { BOOST_TEST(code_of(NewFile(folder.path + "/file").write("text")) == ""); }
  BOOST_TEST(folder.count() == 0);
  BOOST_TEST(code_of(NewFile(folder.path + "/no/file").write("text")) == "no_such_file");
  BOOST_TEST(code_of(NewFile(folder.path + "/no/file").finish(NewFile::Place::must_be_free)) ==
             "no_such_file");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tutti
