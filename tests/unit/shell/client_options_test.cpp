#include "shell/client_options.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "peer/client.hpp"

namespace tutti {
namespace {

ParsedOptions parse(std::vector<const char*> words) {
  words.insert(words.begin(), "client");
  return parse_client_options(static_cast<int>(words.size()), words.data());
}

BOOST_AUTO_TEST_SUITE(client_options)

BOOST_AUTO_TEST_CASE(options_stand_anywhere) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"127.0.0.1:6001", "trackers", "--json", "--state", "/s", "-c", "help"},
           {"--json", "--state", "/s", "-c", "help", "127.0.0.1:6001", "trackers"},
           {"--json", "127.0.0.1:6001", "--state", "/s", "trackers", "-c", "help"}}) {
    const ParsedOptions parsed = parse(words);
    BOOST_TEST(parsed.err == "");
    BOOST_TEST(parsed.runs());
    BOOST_TEST(parsed.options.serving == "127.0.0.1:6001");
    BOOST_TEST(parsed.options.tracker_file == "trackers");
    BOOST_TEST(parsed.options.state == "/s");
    BOOST_TEST(parsed.options.json);
    BOOST_TEST(*parsed.options.commands == "help");
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_and_ends_with_2) {
  const std::vector<std::vector<const char*>> wrong{{},
                                                    {"127.0.0.1:1"},
                                                    {"nonsense", "t"},
                                                    {"127.0.0.1:99999", "t"},
                                                    {"127.0.0.1:1", "t", "extra"},
                                                    {"127.0.0.1:1", "t", "--no-such-option"},
                                                    {"127.0.0.1:1", "t", "--color", "pink"},
                                                    {"127.0.0.1:1", "t", "-c", "a", "-f", "b"},
                                                    {"127.0.0.1:1", "t", "--config", "/no/such/file"}};
  for (const auto& words : wrong) {
    const ParsedOptions parsed = parse(words);
    BOOST_TEST(!parsed.runs());
    BOOST_TEST(parsed.out == "");
    BOOST_TEST(parsed.err.starts_with("error: usage: "), parsed.err);
    BOOST_TEST(parsed.exit_status == 2);
  }
}

BOOST_AUTO_TEST_CASE(help_and_version) {
  for (const char* option : {"--help", "--version", "--help-markdown"}) {
    const ParsedOptions parsed = parse({option});
    BOOST_TEST(parsed.out != "");
    BOOST_TEST(parsed.err == "");
    BOOST_TEST(parsed.exit_status == 0);
  }
}

BOOST_AUTO_TEST_CASE(addresses) {
  for (const char* good : {"127.0.0.1:6001", "0.0.0.0:0", "[::1]:65535"})
    BOOST_TEST(serving_address_fault(good) == "");
  for (const char* bad : {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:-1", "127.0.0.1:65536",
                          "1.2.3:80", "::1:80", "localhost:80", "127.0.0.1:80x", "[127.0.0.1]:80"})
    BOOST_TEST(serving_address_fault(bad) != "", bad);
}

BOOST_AUTO_TEST_CASE(members_of_orchestras_are_served_where_it_is_said_and_by_default_nowhere) {
  BOOST_TEST(ClientOptions{}.orchestra == "");
  for (const char* good : {"127.0.0.1:10001", "0.0.0.0:0"}) BOOST_TEST(orchestra_address_fault(good) == "");
  for (const char* bad : {"", "[::1]:10001", "localhost:10001", "127.0.0.1", "nonsense",
                          "127.0.0.1:", "1.2.3:80", "*:80", "127.0.0.1:65536", ":10001"})
    BOOST_TEST(orchestra_address_fault(bad) != "", bad);
  BOOST_TEST(orchestra_address_fault("localhost:9999").find("names are not looked up") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_state_has_a_place) {
  BOOST_TEST(default_state_folder("/x", "/home/me") == "/x/tutti/client");
  BOOST_TEST(default_state_folder(nullptr, "/home/me") == "/home/me/.local/state/tutti/client");
  BOOST_TEST(default_state_folder("", "/home/me") == "/home/me/.local/state/tutti/client");
  BOOST_TEST(default_state_folder("relative", "/home/me") == "/home/me/.local/state/tutti/client");
}

BOOST_AUTO_TEST_CASE(the_example_configuration_has_every_key_with_its_default) {
  const auto text = read_text_file("configs/client.toml");
  BOOST_REQUIRE(text.has_value());
  ClientOptions options;
  BOOST_TEST(read_configuration(*text, options) == "");
  const ClientOptions defaults;
  BOOST_TEST(options.log_level == defaults.log_level);
  BOOST_TEST(options.history_lines == defaults.history_lines);
  BOOST_TEST((options.progress_interval == defaults.progress_interval));
  BOOST_TEST((options.answer_patience == defaults.answer_patience));
  BOOST_TEST((options.unreachable_after == defaults.unreachable_after));
  BOOST_TEST((options.present_every == defaults.present_every));
  BOOST_TEST((options.sharers_every == defaults.sharers_every));
  BOOST_TEST(options.downloads_at_once == defaults.downloads_at_once);
  BOOST_TEST(options.peers_per_download == defaults.peers_per_download);
  BOOST_TEST(options.request_memory_mib == defaults.request_memory_mib);
  BOOST_TEST(options.hashers == defaults.hashers);
  BOOST_TEST(options.orchestra == defaults.orchestra);
  BOOST_TEST(options.sealed_port == defaults.sealed_port);
  BOOST_TEST((options.coloring == defaults.coloring));
  for (const std::string& key : configuration_keys()) {
    const std::string name = key.substr(key.find('.') == std::string::npos ? 0 : key.find('.') + 1);
    BOOST_TEST(text->find("\n" + name + " = ") != std::string::npos, key);
  }
}

BOOST_AUTO_TEST_CASE(defaults_are_those_of_the_actors) {
  const ClientOptions options;
  const ClientSettings settings;
  BOOST_TEST((options.answer_patience == settings.answer_patience));
  BOOST_TEST((options.unreachable_after == settings.unreachable_after));
  BOOST_TEST((options.present_every == settings.present_every));
  BOOST_TEST(options.sealed_port == settings.sealed_port);
  BOOST_TEST((options.sharers_every == settings.scheduler.sharers_every));
  BOOST_TEST(options.downloads_at_once == settings.scheduler.active_max);
  BOOST_TEST(options.peers_per_download == settings.scheduler.peers_max);
  BOOST_TEST(std::uint64_t{options.request_memory_mib} << 20U == settings.scheduler.request_memory.value);
}

BOOST_AUTO_TEST_CASE(a_wrong_configuration_is_an_error_with_its_line) {
  const auto fault = [](std::string_view text) {
    ClientOptions options;
    return read_configuration(text, options);
  };
  BOOST_TEST(fault("[shell]\nhistory_lines = 5") == "");
  BOOST_TEST(fault("\nno_such_key = 5").starts_with("line 2: no_such_key "));
  BOOST_TEST(fault("[shell]\nhistory_lines = \"many\"").starts_with("line 2: shell.history_lines "));
  BOOST_TEST(fault("[shell]\nprogress_interval_ms = 0") != "");
  BOOST_TEST(fault("[network]\nsealed_port = 65535") == "");
  BOOST_TEST(fault("[network]\nsealed_port = 65536") ==
             "line 2: network.sealed_port has to be a port, 0 to 65535");
  BOOST_TEST(fault("[shell]\ncolor = \"pink\"") != "");
  BOOST_TEST(fault("[no_such_section]\nx = 1") != "");
  BOOST_TEST(fault("a = \n").starts_with("line "));
}

BOOST_AUTO_TEST_CASE(password_files) {
  std::string path = (std::filesystem::temp_directory_path() / "tutti-password-XXXXXX").string();
  ::close(::mkstemp(path.data()));
  const auto with = [&](std::string_view content) {
    std::ofstream(path, std::ios::trunc) << content;
    return read_password_file(path);
  };
  BOOST_TEST(with("secret words\nmore").password == "secret words");
  BOOST_TEST(with("secret words\nmore\r\nrest").new_password == "more");
  BOOST_TEST(with("secret\r\n").password == "secret");
  BOOST_TEST(with("secret\r\n").new_password == "");
  BOOST_TEST(with("secret").password == "secret");
  BOOST_TEST(with("").fault != "");
  BOOST_TEST(with("\nsecret").fault != "");
  std::filesystem::remove(path);
  BOOST_TEST(read_password_file(path).fault != "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
