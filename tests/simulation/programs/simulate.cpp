// Tells stories of whole swarms under a virtual clock: one scenario from a seed, or random ones by the thousand.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

#include "actors/log.hpp"
#include "actors/trace_file.hpp"
#include "tests/simulation/library/plot.hpp"
#include "tests/simulation/library/shrink.hpp"
#include "tests/simulation/library/simulation.hpp"
#include "tests/simulation/library/told_apart.hpp"
#include "tutti_version.hpp"

namespace tutti::simulation {

namespace {

constexpr int exit_violation = 1;
constexpr int exit_usage = 2;
constexpr std::uint64_t trace_bytes_max = std::uint64_t{4} << 30U;

struct Options {
  std::uint64_t seed = 1;
  std::string scenario;
  std::string trace;
  std::string svg;
  std::optional<std::uint64_t> count_from;
  std::uint64_t seeds = 1;
  std::uint64_t minutes = 0;
  LeftOut left_out;
  bool at_random = false;
  bool row = false;
  bool no_shrinking = false;
  std::string log_level = "off";
};

/// Real time, for the figures of a long run; no story sees it.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// What this process has had of memory at the most.
long peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& each : words) text += (text.empty() ? "" : ",") + each;
  return text;
}

std::string replay_command(std::uint64_t seed, const Options& options, const LeftOut& left_out) {
  std::string command = fmt::format("simulate --seed {}", seed);
  if (!options.scenario.empty()) command += " --scenario " + options.scenario;
  if (options.at_random) command += " --at-random";
  std::vector<std::string> faults;
  for (const std::size_t each : left_out.faults) faults.push_back(std::to_string(each));
  if (!faults.empty()) command += " --without-faults " + joined(faults);
  if (!left_out.clients.empty()) command += " --without-clients " + joined(left_out.clients);
  if (!left_out.files.empty()) command += " --without-files " + joined(left_out.files);
  if (left_out.trackers > 0) command += fmt::format(" --without-trackers {}", left_out.trackers);
  return command;
}

std::string violation_text(const Outcome& outcome) {
  const double when = std::chrono::duration<double>(outcome.violation->when.time_since_epoch()).count();
  return fmt::format("{} at {:.3f} s: {}", name_of(outcome.violation->invariant), when,
                     outcome.violation->sentence);
}

void print_summary(std::uint64_t seed, const Scenario& scenario, const Outcome& outcome,
                   double seconds_told) {
  std::cout << fmt::format("{}, seed {}: {} trackers, {} clients, {} faults, {} deeds of people\n",
                           scenario.name, seed, scenario.trackers, scenario.clients.size(), outcome.faults,
                           outcome.deeds)
            << fmt::format("{:.1f} virtual seconds, {} deliveries, trace {:016x}\n", outcome.virtual_seconds,
                           outcome.deliveries, outcome.hash)
            << fmt::format(
                   "network: {} messages, {:.1f} MiB, {} connections, {} dropped at the mark, {} over links "
                   "that are "
                   "down, {} refused\n",
                   outcome.network.messages, static_cast<double>(outcome.network.bytes) / (1 << 20),
                   outcome.network.connections, outcome.network.dropped_at_mark,
                   outcome.network.dropped_in_silence, outcome.network.faults)
            << fmt::format("changes acknowledged: {}; the longest inbox: {} messages\n", outcome.acknowledged,
                           outcome.longest_inbox)
            << fmt::format("told in {:.1f} s, {:.0f} virtual hours an hour, {} MiB at the most\n",
                           seconds_told, outcome.virtual_seconds / seconds_told, peak_mib());
  std::vector<double> seconds;
  for (const Fetching& each : outcome.fetches)
    if (each.seconds) seconds.push_back(*each.seconds);
  std::sort(seconds.begin(), seconds.end());
  std::cout << fmt::format("downloads: {} of {} complete", seconds.size(), outcome.fetches.size());
  if (!seconds.empty())
    std::cout << fmt::format(", first {:.2f} s, median {:.2f} s, last {:.2f} s", seconds.front(),
                             seconds[seconds.size() / 2], seconds.back());
  std::cout << fmt::format(
      "\ncopies that left the first source: {:.2f}; fairness of giving among those who fetch: {:.2f}\n",
      outcome.source_copies, outcome.fairness);
  std::cout << timeline_text(outcome);
}

std::optional<Scenario> read_scenario(const std::string& path, std::string& fault) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) fault = path + " cannot be read";
  if (!file) return std::nullopt;
  ParsedScenario parsed = parse_scenario(text.str());
  if (!parsed.fault.empty()) fault = path + ": " + parsed.fault;
  if (!parsed.fault.empty()) return std::nullopt;
  return std::move(parsed.scenario);
}

/// One line of a table of docs/simulation.md.
void print_row(const Scenario& scenario, const Outcome& outcome) {
  std::vector<double> seconds;
  for (const Fetching& each : outcome.fetches)
    if (each.seconds) seconds.push_back(*each.seconds);
  std::sort(seconds.begin(), seconds.end());
  std::cout << fmt::format("| {} | {} | {} of {} | {:.1f} s | {:.1f} s | {:.2f} | {:.2f} |\n", scenario.name,
                           scenario.picks_at_random ? "random" : "rules", seconds.size(),
                           outcome.fetches.size(), seconds.empty() ? 0.0 : seconds[seconds.size() / 2],
                           seconds.empty() ? 0.0 : seconds.back(), outcome.source_copies, outcome.fairness);
}

int tell_one(const Options& options, const Scenario& scenario) {
  Simulation simulation(options.seed, without(scenario, options.left_out));
  simulation.sample_every(std::chrono::milliseconds(100));
  if (options.count_from) simulation.count_at_trackers(std::chrono::seconds(*options.count_from));
  TraceFile trace;
  if (!options.trace.empty()) {
    if (const std::string fault =
            trace.start(options.trace, {.file_bytes = trace_bytes_max, .replayable = true});
        !fault.empty()) {
      std::cerr << fault << "\n";
      return exit_usage;
    }
    simulation.record(&trace);
  }
  const Stopwatch watch;
  const Outcome outcome = simulation.run();
  const double seconds = watch.seconds();
  options.row ? print_row(scenario, outcome) : print_summary(options.seed, scenario, outcome, seconds);
  if (options.count_from)
    std::cout << outcome.tracker_load.text(
        (outcome.virtual_seconds - static_cast<double>(*options.count_from)) *
        static_cast<double>(scenario.clients.size()));
  if (!options.svg.empty())
    std::ofstream(options.svg) << timeline_svg(fmt::format("{}, seed {}", scenario.name, options.seed),
                                               outcome);
  if (!outcome.violation) return 0;
  std::cout << "VIOLATED " << violation_text(outcome) << "\n";
  return exit_violation;
}

/// Says what is left of a story when all is taken out that it does not need.
void print_shrunk(std::uint64_t seed, const Options& options, const Scenario& scenario,
                  const Outcome& outcome) {
  std::cout << fmt::format("seed {} VIOLATED {}\n", seed, violation_text(outcome));
  const LeftOut left_out =
      options.no_shrinking ? LeftOut{} : shrink(seed, scenario, outcome.violation->invariant);
  const Scenario small = without(scenario, left_out);
  std::cout << fmt::format("  needs {} trackers, {} clients, {} files and {} faults\n", small.trackers,
                           small.clients.size(), small.files.size(), small.faults.size());
  for (const Fault& each : small.faults) std::cout << "  " << text_of(each) << "\n";
  std::cout << "  " << replay_command(seed, options, left_out) << "\n" << std::flush;
}

int tell_many(const Options& options, const std::optional<Scenario>& given) {
  const Stopwatch watch;
  std::uint64_t told = 0;
  std::uint64_t violated = 0;
  std::uint64_t faults = 0;
  double virtual_seconds = 0;
  for (std::uint64_t seed = options.seed;; ++seed) {
    const bool over = options.minutes > 0 ? watch.seconds() >= 60.0 * static_cast<double>(options.minutes)
                                          : told >= options.seeds;
    if (over) break;
    const Scenario scenario = given ? *given : random_scenario(seed);
    const Outcome outcome = tell_apart(seed, scenario);
    ++told;
    faults += outcome.faults;
    virtual_seconds += outcome.virtual_seconds;
    if (!outcome.violation) continue;
    ++violated;
    print_shrunk(seed, options, scenario, outcome);
  }
  std::cout << fmt::format(
      "{} stories from seed {} on, {} faults, {:.2f} virtual hours, {} violated; {:.1f} stories a second, "
      "{:.0f} "
      "virtual hours an hour\n",
      told, options.seed, faults, virtual_seconds / 3600, violated,
      static_cast<double>(told) / watch.seconds(), virtual_seconds / watch.seconds());
  return violated == 0 ? 0 : exit_violation;
}

int run(const Options& options) {
  configure_log("", options.log_level);
  std::optional<Scenario> scenario;
  std::string fault;
  if (!options.scenario.empty()) scenario = read_scenario(options.scenario, fault);
  if (!fault.empty()) {
    std::cerr << fault << "\n";
    return exit_usage;
  }
  if (scenario && options.at_random) scenario->picks_at_random = true;
  if (options.seeds > 1 || options.minutes > 0) return tell_many(options, scenario);
  return tell_one(options, scenario ? *scenario : random_scenario(options.seed));
}

}  // namespace

}  // namespace tutti::simulation

int main(int argc, char* argv[]) {
  tutti::simulation::Options options;
  CLI::App app(
      "Tells stories of whole swarms: trackers and clients in one process, under a virtual clock, all of it "
      "from a seed.\n"
      "The same seed and scenario are the same story, to the last delivery.\n\n"
      "Exit status: 0 nothing was violated, 1 something was, 2 the command line or the scenario is wrong.");
  app.set_version_flag("--version", fmt::format("simulate {}", tutti::version));
  app.add_option("--seed", options.seed, "what all chance is drawn from (1)");
  app.add_option("--scenario", options.scenario,
                 "a TOML file (configs/simulation); without it: a random one from the seed");
  app.add_option("--trace", options.trace,
                 "records every delivery there, for trace_view and inject --replay");
  app.add_option("--svg", options.svg, "writes the timeline there as a picture");
  app.add_option("--count-at-trackers", options.count_from,
                 "prints what trackers hear and say from this second on, for each client");
  CLI::Option* const many = app.add_option(
      "--seeds", options.seeds, "so many stories, of this seed and the next ones; violations are shrunk");
  CLI::Option* const minutes = app.add_option("--minutes", options.minutes, "the same for so long");
  for (CLI::Option* const left_out :
       {app.add_option("--without-faults", options.left_out.faults, "leaves out these, by their number"),
        app.add_option("--without-clients", options.left_out.clients, "leaves out these"),
        app.add_option("--without-files", options.left_out.files, "leaves out these"),
        app.add_option("--without-trackers", options.left_out.trackers, "leaves out so many, the last ones")})
    left_out->delimiter(',')->excludes(many)->excludes(minutes);
  app.add_flag("--at-random", options.at_random,
               "pieces of the scenario are picked at random, for comparison");
  app.add_flag("--row", options.row,
               "prints one line of a table: scenario, rules, complete, median, last, copies, fairness");
  app.add_flag("--no-shrinking", options.no_shrinking, "violations are printed as they are");
  app.add_option("--log-level", options.log_level, "what actors say of themselves, on standard error (off)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : tutti::simulation::exit_usage;
  }
  return tutti::simulation::run(options);
}
