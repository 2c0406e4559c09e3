#include "shell/command.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "shell/shell.hpp"
#include "tests/unit/shell/local_files_fake.hpp"

namespace tutti {
namespace {

Code code_of(std::string_view line) {
  const Parsed parsed = parse_command(line);
  BOOST_REQUIRE(parsed.refused.has_value());
  return parsed.refused->code;
}

template <class E>
E errand_of(std::string_view line, const FakeFiles& files = {}) {
  Parsed parsed = parse_command(line);
  BOOST_REQUIRE(!parsed.refused.has_value());
  Invocation& given = parsed.invocation;
  if (given.command->arrange != nullptr) given.command->arrange(given, files);
  const Errand errand = given.command->errand(given, files);
  BOOST_REQUIRE(std::holds_alternative<E>(errand));
  return std::get<E>(errand);
}

/// Words that are wrong by themselves, or together.
bool is_usage_error(std::string_view line) {
  Parsed parsed = parse_command(line);
  if (parsed.refused) return parsed.refused->code == Code::usage;
  Invocation& given = parsed.invocation;
  if (given.command->arrange != nullptr) given.command->arrange(given, FakeFiles{});
  const Errand errand = given.command->errand(given, FakeFiles{});
  const auto* refused = std::get_if<Refused>(&errand);
  return refused != nullptr && refused->code == Code::usage;
}

template <class Request>
Request asked(std::string_view line) {
  const auto errand = errand_of<AskTrackers>(line);
  BOOST_REQUIRE(errand.request.get<Request>() != nullptr);
  return *errand.request.get<Request>();
}

BOOST_AUTO_TEST_SUITE(commands)

BOOST_AUTO_TEST_CASE(the_table_has_every_promised_command) {
  for (const std::string_view name :
       {"create_user",    "login",        "create_group", "join_group",     "leave_group",   "list_requests",
        "accept_request", "list_groups",  "list_files",   "upload_file",    "download_file", "show_downloads",
        "Show_downloads", "stop_share",   "logout",       "reject_request", "list_members",  "list_peers",
        "whoami",         "status",       "help",         "wait",           "serve",         "quit",
        "export_orch",    "remove_member"})
    BOOST_TEST((find_command(name) != nullptr), name);
  std::set<std::string> words;
  for (const std::string& word : command_words()) BOOST_TEST(words.insert(word).second, word);
}

BOOST_AUTO_TEST_CASE(every_row_is_complete) {
  for (const Command& command : command_table()) {
    BOOST_TEST_CONTEXT(command.name) {
      BOOST_TEST(!command.summary.empty());
      BOOST_TEST((command.errand != nullptr));
      bool optional_seen = false;
      for (const Argument& argument : command.arguments) {
        BOOST_TEST((argument.optional || !optional_seen), "optional arguments stand last");
        optional_seen = optional_seen || argument.optional;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(usage_reads_as_promised) {
  BOOST_TEST(usage_of(*find_command("create_user")) == "create_user <user_id> [<passwd>]");
  BOOST_TEST(usage_of(*find_command("passwd")) == "passwd [<old_passwd>] [<new_passwd>]");
  BOOST_TEST(usage_of(*find_command("accept_request")) == "accept_request <group_id> <user_id>");
  BOOST_TEST(usage_of(*find_command("upload_file")) == "upload_file <file_path> <group_id>");
  BOOST_TEST(usage_of(*find_command("download_file")) ==
             "download_file <group_id> <file_name> <destination_path> [--sequential] "
             "[--only GLOB]...");
  BOOST_TEST(usage_of(*find_command("wait")) == "wait [seconds]");
  BOOST_TEST(usage_of(*find_command("help")) == "help [command]");
}

BOOST_AUTO_TEST_CASE(too_few_and_too_many_words_are_usage_errors) {
  for (const Command& command : command_table()) {
    BOOST_TEST_CONTEXT(command.name) {
      std::string line(command.name);
      std::size_t needed = 0;
      for (const Argument& argument : command.arguments) needed += argument.optional ? 0 : 1;
      if (needed > 0) BOOST_TEST((code_of(line) == Code::usage));
      for (std::size_t i = 0; i <= command.arguments.size(); ++i) line += " 1";
      BOOST_TEST((code_of(line) == Code::usage));
    }
  }
}

BOOST_AUTO_TEST_CASE(unknown_commands_suggest_a_known_one) {
  BOOST_TEST((code_of("lgoin alice pw") == Code::unknown_command));
  BOOST_TEST(parse_command("lgoin alice").refused->sentence.find("did you mean login?") != std::string::npos);
  BOOST_TEST((code_of("Login alice pw") == Code::unknown_command));
  BOOST_TEST((code_of("help frobnicate") == Code::unknown_command));
  BOOST_TEST(parse_command("lgoin alice").invocation.word == "lgoin");
  BOOST_TEST(parse_command("downlod").refused->sentence.ends_with("did you mean download_file?"));
  BOOST_TEST(parse_command("create_group").refused->sentence ==
             "too few words; expected: create_group <group_id>");
}

BOOST_AUTO_TEST_CASE(words_are_checked_before_anything_else) {
  BOOST_TEST((code_of("wait soon") == Code::usage));
  BOOST_TEST((code_of("wait -1") == Code::usage));
  BOOST_TEST((code_of("wait nan") == Code::usage));
  BOOST_TEST((code_of("wait 1e300") == Code::usage));
  BOOST_TEST((code_of("show_downloads -x") == Code::usage));
  BOOST_TEST((code_of("download_file lab f ''") == Code::usage));
  BOOST_TEST((code_of("login alice ''") == Code::usage));
  BOOST_TEST((code_of("login 'alice") == Code::usage));
  BOOST_TEST((code_of("trace maybe") == Code::usage));
  BOOST_TEST(parse_command("").nothing);
  BOOST_TEST(parse_command("  # comment").nothing);
  BOOST_TEST(!parse_command("''").nothing);
}

BOOST_AUTO_TEST_CASE(names_are_checked_in_their_order) {
  const auto fault = [](std::string_view line) { return name_fault(parse_command(line).invocation); };
  BOOST_TEST((fault("create_group a/b")->code == Code::invalid_name));
  BOOST_TEST((fault("accept_request .g -u")->sentence.find("'.g'") != std::string::npos));
  BOOST_TEST((fault("accept_request g -u")->sentence.find("'-u'") != std::string::npos));
  BOOST_TEST((fault("stop_share g a/b")->code == Code::invalid_name));
  BOOST_TEST((fault("stop_share g '~x'")->code == Code::invalid_name));
  BOOST_TEST((fault("create_group " + std::string(65, 'a')).has_value()));
  BOOST_TEST(!fault("create_group " + std::string(64, 'a')).has_value());
  BOOST_TEST(!fault("download_file g 'a b.txt' /x/y").has_value());
  BOOST_TEST(!fault("create_user alice 'a/b c'").has_value());
}

BOOST_AUTO_TEST_CASE(each_command_asks_what_it_says) {
  BOOST_TEST((asked<CreateUser>("create_user alice pw") == CreateUser{{"alice"}, "pw"}));
  BOOST_TEST((asked<Login>("login alice pw") == Login{{"alice"}, "pw", "", 0}));
  BOOST_TEST((asked<ChangePassword>("passwd old new") == ChangePassword{"old", "new"}));
  asked<Logout>("logout");
  BOOST_TEST((asked<CreateGroup>("create_group lab").group.text == "lab"));
  BOOST_TEST((asked<JoinGroup>("join_group lab").group.text == "lab"));
  BOOST_TEST((asked<LeaveGroup>("leave_group lab").group.text == "lab"));
  BOOST_TEST((asked<ListRequests>("list_requests lab") == ListRequests{{"lab"}, ""}));
  BOOST_TEST((asked<AcceptRequest>("accept_request lab bob") == AcceptRequest{{"lab"}, {"bob"}}));
  BOOST_TEST((asked<RejectRequest>("reject_request lab bob") == RejectRequest{{"lab"}, {"bob"}}));
  BOOST_TEST((asked<RemoveMember>("remove_member lab bob") == RemoveMember{{"lab"}, {"bob"}}));
  BOOST_TEST((asked<TransferGroup>("transfer_group lab bob") == TransferGroup{{"lab"}, {"bob"}}));
  asked<ListGroups>("list_groups");
  BOOST_TEST((asked<ListMembers>("list_members lab") == ListMembers{{"lab"}, ""}));
  BOOST_TEST((asked<ListFiles>("list_files lab") == ListFiles{{"lab"}, ""}));
  BOOST_TEST(errand_of<SurveySharers>("list_peers lab f.txt").file.text == "f.txt");
  BOOST_TEST(errand_of<StopSharing>("stop_share lab f.txt").file.text == "f.txt");
  BOOST_TEST(!errand_of<Fetch>("download_file lab f out").sequential);
  BOOST_TEST(errand_of<Fetch>("download_file lab f out --sequential").sequential);
  BOOST_TEST(!errand_of<Control>("pause").which.has_value());
  BOOST_TEST((*errand_of<Control>("resume lab f out").which == DownloadName{{"lab"}, {"f"}, "/here/out"}));
  BOOST_TEST((*errand_of<Control>("cancel lab f").which == DownloadName{{"lab"}, {"f"}, ""}));
  BOOST_TEST((errand_of<Control>("recheck lab f").order == DownloadOrder::recheck));
  BOOST_TEST((errand_of<Control>("set_priority lab f high").priority == DownloadPriority::high));
  BOOST_TEST((errand_of<Refused>("pause lab").code == Code::usage));
  BOOST_TEST(errand_of<Diagnose>("diagnose lab f").file.text == "f");
  BOOST_TEST(errand_of<ShowDownloads>("show_downloads -l").everything);
  BOOST_TEST(!errand_of<ShowDownloads>("Show_downloads").everything);
  BOOST_TEST(!errand_of<Wait>("wait").limit.has_value());
  BOOST_TEST((*errand_of<Wait>("wait 1.5").limit == std::chrono::milliseconds(1500)));
  BOOST_TEST(errand_of<ShowLink>("status").with_trackers);
  BOOST_TEST(!errand_of<ShowLink>("whoami").with_trackers);
  BOOST_TEST((errand_of<ShowHelp>("help login").about == find_command("login")));
  BOOST_TEST(errand_of<SwitchTrace>("trace start t").path == "/here/t");
  BOOST_TEST(errand_of<SwitchTrace>("trace stop").path.empty());
  BOOST_TEST((errand_of<Refused>("trace start").code == Code::usage));
  BOOST_TEST((errand_of<Refused>("trace stop x").code == Code::usage));
  errand_of<Serve>("serve");
  errand_of<Quit>("quit");
}

BOOST_AUTO_TEST_CASE(a_limit_is_of_a_rate_a_group_and_a_time_of_day) {
  const auto limit_of = [](const std::string& words) {
    return *errand_of<ChangeLimits>("set_limit " + words).limit;
  };
  BOOST_TEST(!errand_of<ChangeLimits>("set_limit").limit.has_value());
  BOOST_TEST((limit_of("up 2M") == RateLimit{LimitDirection::up, "", 0, 0, 2U << 20U}));
  BOOST_TEST((limit_of("down 500K lab") == RateLimit{LimitDirection::down, "lab", 0, 0, 500U << 10U}));
  BOOST_TEST(
      (limit_of("down 1.5M 22:30-06:00") == RateLimit{LimitDirection::down, "", 1350, 360, 3U << 19U}));
  BOOST_TEST((limit_of("up 7 lab 00:00-23:59") == RateLimit{LimitDirection::up, "lab", 0, 1439, 7}));
  BOOST_TEST((limit_of("up none lab") == RateLimit{LimitDirection::up, "lab", 0, 0, 0}));
  for (const std::string words : {"sideways 2M", "up", "up fast", "up -1", "up 0", "up 1T", "up 2MB",
                                  "up 1e3", "up 2M lab 8-9", "up 2M lab 24:00-01:00", "up 2M lab 08:60-09:00",
                                  "up 2M lab 08:00-08:00", "up 2M 8:00-9:00", "up 2M 08:00"})
    BOOST_TEST(is_usage_error("set_limit " + words), words);
}

BOOST_AUTO_TEST_CASE(a_destination_is_made_absolute_and_keeps_its_slash) {
  BOOST_TEST(errand_of<Fetch>("download_file lab f out").destination == "/here/out");
  BOOST_TEST(errand_of<Fetch>("download_file lab f out/").destination == "/here/out/");
  BOOST_TEST(errand_of<Fetch>("download_file lab f /x/y").destination == "/x/y");
}

BOOST_AUTO_TEST_CASE(upload_takes_its_arguments_in_both_orders) {
  using Kind = LocalFiles::Kind;
  FakeFiles files;
  files.kinds = {{"f", Kind::regular}, {"g", Kind::regular}, {"dir", Kind::directory}};
  const auto path_of = [&](std::string_view line) {
    return errand_of<ShareLocalFile>(line, files).typed_path;
  };
  BOOST_TEST(path_of("upload_file f lab") == "f");
  BOOST_TEST(path_of("upload_file lab f") == "f");
  BOOST_TEST(path_of("upload_file f g") == "f");
  BOOST_TEST(path_of("upload_file none lab") == "none");
  BOOST_TEST(path_of("upload_file lab none") == "lab");
  BOOST_TEST(path_of("upload_file dir f") == "f");
  BOOST_TEST(path_of("upload_file lab dir") == "dir");
  BOOST_TEST(path_of("upload_file lab no/such") == "no/such");
  BOOST_TEST(path_of("upload_file no/such lab") == "no/such");
}

BOOST_AUTO_TEST_CASE(no_password_reaches_the_history) {
  const auto kept = [](const std::string& line) { return history_form(line).value_or("nothing"); };
  BOOST_TEST(kept("login alice secret") == "login alice");
  BOOST_TEST(kept("create_user 'alice' \"my secret\" # note") == "create_user alice");
  BOOST_TEST(kept("lgoin alice secret") == "nothing");
  BOOST_TEST(kept("secret") == "nothing");
  BOOST_TEST(kept("'secret") == "nothing");
  BOOST_TEST(kept("login alice secret too much") == "login alice");
  BOOST_TEST(kept("login alice 'secret") == "login alice");
  BOOST_TEST(kept("login alice") == "login alice");
  BOOST_TEST(kept("download_file lab f  'a b'") == "download_file lab f  'a b'");
}

BOOST_AUTO_TEST_CASE(the_table_for_the_readme_has_a_line_a_command) {
  const std::string table = markdown_table();
  std::istringstream lines(table);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    // Unescaped bars would make more columns.
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) ++bars;
    BOOST_TEST(bars == 4U, line);
  }
  BOOST_TEST(count == command_table().size() + 2);
}

BOOST_AUTO_TEST_CASE(patterns_of_a_directory_may_stand_anywhere_and_often) {
  const Fetch fetch = errand_of<Fetch>("download_file g tree /tmp --only 'a b/*' --sequential --only c");
  BOOST_TEST((fetch.only == std::vector<std::string>{"a b/*", "c"}));
  BOOST_TEST(fetch.sequential);
  BOOST_TEST((errand_of<Fetch>("download_file --only x g tree /tmp").only == std::vector<std::string>{"x"}));
  BOOST_TEST(errand_of<Fetch>("download_file g tree /tmp").only.empty());
  BOOST_TEST((code_of("download_file g tree /tmp --only") == Code::usage));
  BOOST_TEST((code_of("upload_file g tree --only x") == Code::usage));
}

BOOST_AUTO_TEST_CASE(a_directory_may_be_called_as_it_is_listed) {
  BOOST_TEST(errand_of<Fetch>("download_file g tree/ /tmp").file.text == "tree");
  BOOST_TEST(errand_of<StopSharing>("stop_share g tree/").file.text == "tree");
}

BOOST_AUTO_TEST_CASE(the_readme_has_that_table) {
  // Renewed with: client --help-markdown
  std::ifstream file("README.md");
  const std::string readme(std::istreambuf_iterator<char>(file), {});
  BOOST_TEST((readme.find(markdown_table()) != std::string::npos),
             "README.md and `client --help-markdown` differ");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
