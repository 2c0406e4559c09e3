// Shares the file of a .orch file with other members.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <array>
#include <clocale>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <string>

#include "actors/log.hpp"
#include "actors/zmq_host.hpp"
#include "messages/codes.hpp"
#include "peer/client_threads.hpp"
#include "peer/orchestra/member.hpp"
#include "peer/posix_disk.hpp"
#include "shell/client_options.hpp"
#include "shell/exit_status.hpp"
#include "shell/key_console.hpp"
#include "shell/local_files.hpp"
#include "shell/member_desk.hpp"
#include "shell/printable.hpp"
#include "shell/signals.hpp"
#include "tutti_version.hpp"

namespace tutti {

namespace {

struct MemberOptions {
  std::string file;
  std::string conductor;  ///< in the place of the file's, if not empty
  std::string listen = "0.0.0.0:10001";
  std::string directory;
  std::string log_file;
  std::string log_level = "info";
  bool once = false;
};

/// Why the program cannot do its work.
struct CannotStart {
  Code code;
  std::string sentence;
};

OrchFile read_orch(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) throw CannotStart{Code::no_such_file, fmt::format("{}: the file cannot be read", path)};
  OrchParsed parsed = parse_orch(*text);
  if (!parsed)
    throw CannotStart{Code::usage, fmt::format("{}: line {}: {}", path, parsed.fault_line, parsed.fault)};
  if (const std::optional<OrchFault> fault =
          orch_share_fault(parsed.file.name, parsed.file.part_size, parsed.file.parts.size()))
    throw CannotStart{Code::usage, fmt::format("{}: line {}: {}", path, fault->line, fault->sentence)};
  return std::move(parsed.file);
}

/// The IPv4 addresses of this machine, by which a conductor may name it.
std::set<std::string> own_hosts() {
  std::set<std::string> hosts;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return hosts;
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const void* address = each->ifa_addr;
    const auto* internet = static_cast<const sockaddr_in*>(address);
    if (::inet_ntop(AF_INET, &internet->sin_addr, text.data(), text.size()) != nullptr)
      hosts.insert(text.data());
  }
  ::freeifaddrs(first);
  return hosts;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

int run(const MemberOptions& options) {
  const OrchFile file = read_orch(options.file);
  const auto share = std::make_shared<const OrchShare>(orch_share(file));
  const char* home = std::getenv("HOME");
  const PosixFiles files(home == nullptr ? "" : home);
  const std::string directory =
      files.absolute(options.directory.empty() ? folder_of(options.file) : options.directory);
  const auto disk = std::make_shared<PosixDisk>();
  const OrFault<MemberPlace> place = find_member_place(*disk, *share, directory);
  if (!place) throw CannotStart{place.fault().code, place.fault().sentence};
  if (!options.log_file.empty())
    if (const std::string fault = configure_log(options.log_file, options.log_level); !fault.empty())
      throw CannotStart{Code::usage, fault};

  SignalDescriptor signals;  // threads inherit the signals that are blocked here
  StandardKeyConsole console(StandardKeyConsole::Keys::single);
  // What goes wrong with others would be drawn over, and is nothing that a person can do something about.
  if (options.log_file.empty() && console.is_drawn()) configure_log({}, "error");
  int exit_status = 0;
  ZmqHost host;
  const auto desk = host.reserve<ShellRole>(host.add_calling_worker("desk"));
  const ClientAddresses at = reserve_client(host, desk, 0, Serving::beside_fetching);
  MemberSettings settings;
  settings.conductor = options.conductor.empty() ? file.conductor : options.conductor;
  settings.endpoint = options.listen;
  settings.own_hosts = own_hosts();
  ClientCast cast = make_member(settings, at, share, disk, make_member_store(*share, *place));
  const std::shared_ptr<const Opened> door = cast.door;
  spawn_client(host, at, std::move(cast));
  MemberDeskOptions desk_options;
  desk_options.once = options.once;
  host.spawn(desk, "desk",
             std::make_unique<MemberDesk>(desk_options, *place,
                                          MemberDesk::Others{at.librarian, at.scheduler, at.storage}, console,
                                          signals, exit_status));
  host.start();
  if (!door->fault.empty()) {
    host.stop();
    throw CannotStart{Code::io_error,
                      fmt::format("{}: {}; choose another with --listen", options.listen, door->fault)};
  }
  console.say(printable(fmt::format("member {} of {} ({} parts) listens on {}, conductor {}{}", version,
                                    share->metainfo.name.text, share->layout.piece_count(), door->endpoint,
                                    settings.conductor, console.hears_keys() ? "; press q to end" : "")));
  host.run();
  host.stop();
  return exit_status;
}

}  // namespace

}  // namespace tutti

int main(int argc, char* argv[]) {
  using namespace tutti;
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CLI::App app{
      "Shares the file that FILE.orch describes with other members, these ones and the originals: fetches "
      "what is\n"
      "missing from several at once, checks each part and the whole, and gives what it has to others, until "
      "it is\n"
      "ended by `q`. What is there already is looked at first, so an ended member goes on where it was.\n"
      "Exit status: 0 ended by q or complete (--once), 2 usage or a wrong .orch file, 3 no such file or "
      "folder, 8 every\n"
      "part is right and the whole is not, 9 the disk or it cannot listen there, 10 another file is in the "
      "way,\n"
      "130 interrupted.\n",
      "member"};
  MemberOptions options;
  app.set_version_flag("--version", std::string(version));
  app.add_option("FILE.orch", options.file, "What to share")->required();
  app.add_option("--listen", options.listen,
                 "Where members are served, ip:port; with a certain ip others are called from it, too")
      ->capture_default_str();
  app.add_option("--directory", options.directory,
                 "Where the file is or is to be (default: beside FILE.orch)");
  app.add_option("--conductor", options.conductor,
                 "Where its members meet, ip:port, if not as FILE.orch says");
  app.add_flag("--once", options.once, "End when the file is complete");
  app.add_option("--log-file", options.log_file, "Where to write what happens (default: nowhere)");
  app.add_option("--log-level", options.log_level, "Of what importance")->capture_default_str();
  try {
    app.parse(argc, argv);
    if (!options.conductor.empty() && !orch_conductor_fault(options.conductor).empty())
      throw CannotStart{Code::usage,
                        fmt::format("'{}' names no conductor: give it as ip:port", options.conductor)};
    if (const std::string fault = orchestra_address_fault(options.listen); !fault.empty())
      throw CannotStart{Code::usage, "--listen " + fault};
    return run(options);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return exit_usage;
  } catch (const CannotStart& reason) {
    std::cerr << "error: " << name_of(reason.code) << ": " << printable(reason.sentence) << '\n';
    return exit_status_of(reason.code);
  }
}
