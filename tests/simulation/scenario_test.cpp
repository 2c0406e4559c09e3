// Scenarios as people write them, and what simulate shows of them.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "actors/log.hpp"
#include "messages/peer_peer.hpp"
#include "tests/simulation/library/plot.hpp"
#include "tests/simulation/library/shrink.hpp"

using namespace tutti;
using namespace tutti::simulation;

namespace {

struct NoLog {
  NoLog() { configure_log("", "off"); }
  ~NoLog() { configure_log("", "warning"); }
  NoLog(const NoLog&) = delete;
  NoLog& operator=(const NoLog&) = delete;
};

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Scenario scenario_in(const std::string& name) {
  const ParsedScenario parsed = parse_scenario(text_of_file("configs/simulation/" + name + ".toml"));
  BOOST_TEST_REQUIRE(parsed.fault == "");
  return parsed.scenario;
}

std::string complaint_about(const std::string& text) { return parse_scenario(text).fault; }

/// Eighty who can reach the source, and not each other, as in a network for guests.
Scenario guests() {
  LeftOut left_out;
  for (int i = 81; i <= 100; ++i) left_out.clients.push_back("leecher-" + std::to_string(i));
  Scenario scenario = without(scenario_in("flash_crowd_100"), left_out);
  FileSpec& file = scenario.files.front();
  file.bytes = 4U << 20U;
  for (const std::string& one : file.leechers)
    for (const std::string& other : file.leechers)
      if (one < other) scenario.faults.push_back({{}, FaultKind::cut, one, other, std::chrono::minutes(3)});
  return scenario;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scenarios, *boost::unit_test::fixture<NoLog>())

BOOST_AUTO_TEST_CASE(every_example_is_understood) {
  std::size_t examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator("configs/simulation")) {
    BOOST_TEST(complaint_about(text_of_file(entry.path())) == "", entry.path());
    ++examples;
  }
  BOOST_TEST(examples >= 4u);
}

BOOST_AUTO_TEST_CASE(a_circle_is_a_file_and_a_group_for_each_so_many_sources) {
  const ParsedScenario parsed = parse_scenario(
      "tracker_line = 'l'\n[[line]]\nname = 'l'\n[[clients]]\nname = 'c'\nline = 'l'\ncount = 5\n"
      "[[files]]\nname = 'film'\nsources = ['c']\ncircle = 2\n");
  BOOST_TEST_REQUIRE(parsed.fault == "");
  BOOST_TEST_REQUIRE(parsed.scenario.files.size() == 3u);
  BOOST_TEST(parsed.scenario.files[1].name == "film-2");
  BOOST_TEST(parsed.scenario.files[1].group == "group-2");
  BOOST_TEST(parsed.scenario.files[1].sources == (std::vector<std::string>{"c-3", "c-4"}),
             boost::test_tools::per_element());
  BOOST_TEST(parsed.scenario.files[2].sources == std::vector<std::string>{"c-5"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fault_is_about_somebody_who_is_there) {
  const std::string story =
      "trackers = 2\ntracker_line = 'l'\n[[line]]\nname = 'l'\n[[clients]]\nname = 'c'\nline = 'l'\n"
      "[[faults]]\nkind = 'kill'\nwho = ";
  BOOST_TEST(complaint_about(story + "'c'\n") == "");
  BOOST_TEST(complaint_about(story + "'tracker-2'\n") == "");
  BOOST_TEST(complaint_about(story + "'tracker-3'\n").find("tracker-3") != std::string::npos);
  BOOST_TEST(complaint_about(story + "'d'\n").find("`d`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_weather_has_every_fault_and_ends_well) {
  const Scenario scenario = scenario_in("bad_weather");
  std::set<FaultKind> kinds;
  for (const simulation::Fault& fault : scenario.faults) kinds.insert(fault.kind);
  BOOST_TEST(kinds.size() == fault_kinds);
  Simulation simulation(1, scenario);
  simulation.sample_every(std::chrono::milliseconds(500));
  const Outcome outcome = simulation.run();
  BOOST_TEST(!outcome.violation.has_value());
  BOOST_TEST(outcome.faults + outcome.deeds == fault_kinds);
  BOOST_TEST(timeline_svg("x", outcome).find("tracker 3 lags by") != std::string::npos);
  BOOST_TEST(timeline_text(outcome).find("pieces verified") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_pickers_rules_beat_chance_in_a_small_crowd) {
  Scenario scenario = scenario_in("flash_crowd_10");
  const Outcome ours = Simulation(1, scenario).run();
  scenario.picks_at_random = true;
  const Outcome chance = Simulation(1, scenario).run();
  BOOST_TEST(!ours.violation.has_value());
  BOOST_TEST(!chance.violation.has_value());
  BOOST_TEST(ours.source_copies < chance.source_copies);
}

BOOST_AUTO_TEST_CASE(who_finds_no_place_at_the_only_source_gets_it_after_the_others) {
  const auto times_of = [](std::size_t places) {
    Scenario scenario = guests();
    scenario.places = places;
    const Outcome outcome = Simulation(1, scenario).run();
    BOOST_TEST(!outcome.violation.has_value());
    std::vector<double> done;
    for (const Fetching& each : outcome.fetches) done.push_back(each.started + each.seconds.value_or(1e9));
    std::sort(done.begin(), done.end());
    BOOST_TEST_REQUIRE(done.size() == 80u);
    BOOST_TEST(done.back() < 100);  // while they are still cut off from each other
    return done;
  };
  const std::vector<double> in_turn = times_of(8);
  const std::vector<double> all_at_once = times_of(80);
  BOOST_TEST(in_turn[40] < 0.8 * all_at_once[40]);
  BOOST_TEST(in_turn.back() < 1.5 * all_at_once.back());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_its_line) {
  const std::string line = "tracker_line = \"l\"\n[[line]]\nname = \"l\"\n";
  BOOST_TEST(complaint_about(line) == "");
  BOOST_TEST(complaint_about("trackers = 1\n").find("tracker_line") != std::string::npos);
  BOOST_TEST(complaint_about("speed = 1\n" + line) == "line 1: there is no key `speed` here");
  BOOST_TEST(complaint_about(line + "rate = 2\n") == "line 4: there is no key `rate` here");
  BOOST_TEST(complaint_about(line + "latency_ms = -1\n") == "line 4: a number, not below 0, is expected");
  BOOST_TEST(complaint_about(line + "[[faults]]\nkind = \"rain\"\n") == "line 5: there is no fault `rain`");
  BOOST_TEST(complaint_about(line + "[[faults]]\nkind = \"kill\"\nwho = \"nobody\"\n") ==
             "a fault is about `nobody`, which is not there");
  BOOST_TEST(complaint_about(line + "[[files]]\nname = \"f\"\n") == "line 4: a file has a source");
  BOOST_TEST(complaint_about("trackers = 0\n" + line) == "there is at least one tracker");
  BOOST_TEST(complaint_about("= 1").starts_with("line 1: "));
}

BOOST_AUTO_TEST_CASE(what_is_left_out_is_left_out_everywhere) {
  Scenario scenario = scenario_in("bad_weather");
  const std::size_t faults = scenario.faults.size();
  const Scenario less = without(scenario, {{1, 2}, {"leecher-3"}, {}});
  BOOST_TEST(less.faults.size() == faults - 3);
  BOOST_TEST(less.clients.size() == scenario.clients.size() - 1);
  BOOST_TEST(less.files.front().leechers.size() == scenario.files.front().leechers.size() - 1);
  BOOST_TEST(without(scenario, {{}, {"source"}, {}}).files.empty());
  const Scenario lone = without(scenario, {{}, {}, {}, 2});
  BOOST_TEST(lone.trackers == 1u);
  BOOST_TEST(std::none_of(lone.faults.begin(), lone.faults.end(), [](const auto& fault) {
    const auto is_gone = [](const std::string& name) { return name == "tracker-2" || name == "tracker-3"; };
    return is_gone(fault.who) || is_gone(fault.other);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
