#include "shell/completion.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/unit/shell/local_files_fake.hpp"

namespace tutti {
namespace {

struct World {
  KnownNames names;
  FakeFiles files;

  World() {
    names.learn(Groups{{{{"lab"}, {"alice"}, 1, {}}, {{"library"}, {"bob"}, 2, {}}}, false});
    names.learn("lab", Files{{{{"big file.iso"}, {}, 1, 1, {}}, {{"notes.txt"}, {}, 1, 1, {}}}, false});
    names.learn("lab", JoinRequests{{{"carol"}}, false});
    names.learn("lab", Members{{{{"alice"}, true, true}}, false});
    files.directories = {{".", {{"one.txt", false}, {"on tour", true}, {".hidden", false}}},
                         {"on tour/", {{"song.mp3", false}}}};
  }
  std::string common(std::string_view line) const { return complete(line, names, files).common; }
  std::vector<std::string> labels(std::string_view line) const { return complete(line, names, files).labels; }
};

using Missing = Completion::Missing;
using Texts = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(completion, World)

BOOST_AUTO_TEST_CASE(commands) {
  BOOST_TEST(common("creat") == "create_");
  BOOST_TEST(labels("creat") == (Texts{"create_group", "create_user"}), boost::test_tools::per_element());
  BOOST_TEST(common("logo") == "logout ");
  BOOST_TEST(common("xyz") == "xyz");
  BOOST_TEST(labels("xyz").empty());
  BOOST_TEST(labels("").size() == command_words().size());
}

BOOST_AUTO_TEST_CASE(groups_and_files_and_users) {
  BOOST_TEST(common("list_files l") == "l");
  BOOST_TEST(common("list_files li") == "library ");
  BOOST_TEST(common("list_files lab ") == "");
  BOOST_TEST(common("download_file lab no") == "notes.txt ");
  BOOST_TEST(common("download_file lab b") == "big\\ file.iso ");
  BOOST_TEST(common("download_file lab \"b") == "\"big file.iso\" ");
  BOOST_TEST(common("download_file lab 'b") == "'big file.iso' ");
  BOOST_TEST(labels("download_file library ").empty());
  BOOST_TEST(common("accept_request lab ") == "carol ");
  BOOST_TEST(common("stop_share lab n") == "notes.txt ");
}

BOOST_AUTO_TEST_CASE(downloads_and_choices) {
  DownloadRow row;
  row.group.text = "lab";
  row.file.text = "notes.txt";
  DownloadRow twice = row;
  twice.path = "/elsewhere";
  names.learn(std::vector<DownloadRow>{row, twice});
  BOOST_TEST(labels("pause lab ") == (Texts{"notes.txt"}), boost::test_tools::per_element());
  BOOST_TEST(labels("cancel library ").empty());
  BOOST_TEST((complete("recheck lab ", names, files).missing == Missing::downloads));
  BOOST_TEST(common("set_priority lab notes.txt h") == "high ");
  BOOST_TEST(labels("set_limit ") == (Texts{"down", "up"}), boost::test_tools::per_element());
  BOOST_TEST(common("set_limit up 2M li") == "library ");
  BOOST_TEST(common("trace sta") == "start ");
}

BOOST_AUTO_TEST_CASE(what_has_to_be_asked_for) {
  const auto missing = [&](std::string_view line) { return complete(line, names, files).missing; };
  BOOST_TEST((missing("join_group ") == Missing::groups));
  BOOST_TEST((missing("stop_share lab ") == Missing::files));
  BOOST_TEST((missing("accept_request lab ") == Missing::requests));
  BOOST_TEST((missing("login ") == Missing::nothing));
  BOOST_TEST((missing("login alice ") == Missing::nothing));
  BOOST_TEST(complete("stop_share lab ", names, files).missing_group == "lab");
}

BOOST_AUTO_TEST_CASE(paths) {
  BOOST_TEST(labels("upload_file ") == (Texts{"on tour/", "one.txt"}), boost::test_tools::per_element());
  BOOST_TEST(common("upload_file on") == "on");
  BOOST_TEST(common("upload_file one") == "one.txt ");
  BOOST_TEST(common("upload_file on\\ ") == "on\\ tour/");
  BOOST_TEST(common("upload_file on\\ tour/") == "on\\ tour/song.mp3 ");
  BOOST_TEST(common("upload_file .h") == ".hidden ");
  BOOST_TEST(common("download_file lab notes.txt one") == "one.txt ");
}

BOOST_AUTO_TEST_CASE(names_of_another_user_are_forgotten) {
  names.forget();
  BOOST_TEST(labels("list_files l").empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
