// Tells the members of an Orchestra of each other.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "actors/zmq_host.hpp"
#include "messages/codes.hpp"
#include "peer/orchestra/conductor.hpp"
#include "shell/client_options.hpp"
#include "shell/conductor_desk.hpp"
#include "shell/exit_status.hpp"
#include "shell/key_console.hpp"
#include "shell/printable.hpp"
#include "shell/signals.hpp"
#include "tutti_version.hpp"

namespace tutti {

namespace {

int run(ConductorOptions options) {
  SignalDescriptor signals;  // threads inherit the signals that are blocked here
  StandardKeyConsole console(StandardKeyConsole::Keys::lines);
  ZmqHostOptions host_options;
  constexpr std::size_t callers_max = 20'000;
  host_options.peers_per_door = callers_max;
  ZmqHost host(host_options);
  const auto desk = host.reserve<ConductorConsoleRole>(host.add_calling_worker("console"));
  const auto conductor = host.reserve<ConductorRole>(host.add_worker("conductor"));
  const auto door = std::make_shared<Opened>();
  const std::string endpoint = options.endpoint;
  host.spawn(conductor, "conductor", std::make_unique<Conductor>(std::move(options), desk, door));
  host.spawn(desk, "desk", std::make_unique<ConductorDesk>(conductor, console, signals));
  host.start();
  if (!door->fault.empty()) {
    host.stop();
    console.complain(fmt::format("error: {}: {}: {}; choose another with --listen", name_of(Code::io_error),
                                 endpoint, door->fault));
    return exit_status_of(Code::io_error);
  }
  console.say(fmt::format("conductor {} listens on {}", version, door->endpoint));
  host.run();
  host.stop();
  return 0;
}

}  // namespace

}  // namespace tutti

int main(int argc, char* argv[]) {
  using namespace tutti;
  CLI::App app{
      "Tells the members that share a file by a .orch file of each other. Line 1 of that file says where it "
      "listens.\n"
      "While it runs: `table` lists who shares what, `quit` ends it, `help` says so.\n"
      "Exit status: 0 ended by quit or a signal, 2 usage, 9 it cannot listen there.\n",
      "conductor"};
  ConductorOptions options;
  std::int64_t forgotten_after =
      std::chrono::duration_cast<std::chrono::seconds>(options.forgotten_after).count();
  app.set_version_flag("--version", std::string(version));
  app.add_option("--listen", options.endpoint, "Where it listens, ip:port")->capture_default_str();
  app.add_option("--forget-after", forgotten_after, "Seconds after which a member that asks no more is gone")
      ->capture_default_str()
      ->check(CLI::Range(15, 86400));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return exit_usage;
  }
  if (const std::string fault = orchestra_address_fault(options.endpoint); !fault.empty()) {
    std::cerr << fmt::format("error: {}: --listen {}\n", name_of(Code::usage), printable(fault));
    return exit_usage;
  }
  options.forgotten_after = std::chrono::seconds(forgotten_after);
  return run(std::move(options));
}
